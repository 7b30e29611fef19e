"""Random signals: stages or rings, people or vehicles, every kind of lamp sequence."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from mobility.signals.case import ring_stages
from mobility.signals.problem import Group, Intersection, Rings, Sequence, Stage, State


@st.composite
def groups(draw, name, *, people=None):
    on_foot = draw(st.booleans()) if people is None else people
    if on_foot:
        clearance = draw(st.integers(0, 15))
        end = ((State.CLEARANCE, clearance),) if clearance else ()
        return Group(name, "pedestrian", Sequence((), end), 0, walk_s=draw(st.integers(0, 10)))
    start = ((State.RED_AMBER, 2),) if draw(st.booleans()) else ()
    flashing = ((State.FLASHING_GREEN, 3),) if draw(st.booleans()) else ()
    yellow = draw(st.integers(0, 5))
    end = (*flashing, *(((State.YELLOW, yellow),) if yellow else ()))
    return Group(name, sequence=Sequence(start, end), min_green_s=draw(st.integers(0, 12)))


@st.composite
def staged(draw):
    """A signal with stages: who is not together in any of them may be in conflict."""
    count = draw(st.integers(1, 6))
    made = [draw(groups(f"g{k}")) for k in range(count)]
    names = [one.id for one in made]
    sets = draw(st.lists(st.sets(st.sampled_from(names), min_size=1), min_size=1, max_size=5))
    left = set(names) - set().union(*sets)
    sets += [{name} for name in sorted(left)]
    stages = tuple(Stage(f"s{k}", tuple(sorted(one))) for k, one in enumerate(sets))
    foes, permissive = {}, set()
    for a in names:
        for b in names:
            if a >= b:
                continue
            together = any({a, b} <= one for one in sets)
            if draw(st.integers(0, 3)) == 0 or (
                made[int(a[1])].on_foot and made[int(b[1])].on_foot
            ):
                continue
            foes[a, b], foes[b, a] = draw(st.integers(0, 9)), draw(st.integers(0, 9))
            if together:
                permissive.add(draw(st.permutations([a, b]).map(tuple)))
    return Intersection("X", tuple(made), stages, foes, frozenset(permissive),
                        cycle_range_s=(1, 10_000))  # fmt: skip


@st.composite
def ringed(draw):
    """NEMA: up to three rings and barrier groups, some of them empty, people with some groups."""
    rings, number, people = [], 0, {}
    blocks = draw(st.integers(1, 3))
    for _ in range(draw(st.integers(1, 3))):
        ring = []
        for _ in range(blocks):
            size = draw(st.integers(0, 2))
            ring.append(tuple(str(number + k + 1) for k in range(size)))
            number += size
        rings.append(tuple(ring))
    names = [name for ring in rings for barrier in ring for name in barrier]
    made = [draw(groups(name, people=False)) for name in names]
    made = [replace(one, sequence=Sequence((), one.sequence.end)) for one in made]
    place = {name: (r, b) for r, ring in enumerate(rings) for b, barrier in enumerate(ring)
             for name in barrier}  # fmt: skip
    after = {one.id: one.yellow_s + draw(st.integers(0, 30)) / 10 for one in made}
    foes, walkers = {}, []
    for name in names:
        if draw(st.booleans()):
            people[name] = f"P{name}"
            walkers.append(draw(groups(f"P{name}", people=True)))
    for a in names:
        for b in names:
            if a != b and (place[a][0] == place[b][0] or place[a][1] != place[b][1]):
                foes[a, b] = after[a]
                if b in people:
                    foes[a, people[b]] = after[a]
                if a in people:
                    foes[people[a], b] = after[a]
    ring = Rings(tuple(rings), pedestrians=people, may_swap=draw(st.booleans()))
    one = Intersection("X", (*made, *walkers), ring_stages(ring), foes, rings=ring,
                       cycle_range_s=(1, 10_000))  # fmt: skip
    splits = {}
    for name in names:
        group = one.group[name]
        least = group.least_green_s
        if name in people:
            walk = one.group[people[name]]
            least = max(least, max(1, walk.walk_s) + walk.clearance_s)
        splits[name] = max(4, least) + after[name] + draw(st.integers(0, 200)) / 10
    return one, splits
