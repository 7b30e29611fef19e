"""Stages and greens to lamps: the program of a signal, second by second of its cycle."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from mobility.signals.plan import Indication, Plan, SignalPlan, StageTime
from mobility.signals.problem import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobility.signals.problem import Intersection, Network, Seconds, Step

# (start of green, end of green, start of all that ends it): people's clearance may begin early.
Green = tuple[float, float]
LEAST_RED_S = 1.0  # red is seen between what ends a green and what leads to the next


def plan_of(network: Network) -> Plan:
    """Return the plan that came in, as lamps.

    Signals without one (no greens) are left out.

    Parameters
    ----------
    network
        As read; each intersection's ``stages`` have their ``green_s``, or its rings their splits.
    """
    if network.given is not None:
        return network.given
    made = [program(one) for one in network.intersections if has_plan(one)]
    return Plan(tuple(made), name="as it came in", digest=network.digest)


def has_plan(one: Intersection) -> bool:
    """Whether a signal came with a plan."""
    if one.rings is not None:
        return bool(one.rings.splits_s)
    return bool(one.stages) and all(stage.green_s > 0 for stage in one.stages)


def program(
    one: Intersection,
    greens_s: Sequence[Seconds] | None = None,
    *,
    offset_s: Seconds | None = None,
    order: Sequence[str] | None = None,
) -> SignalPlan:
    """Lay a signal's stages out in one cycle.

    Groups that begin with a stage begin together, once every group that ends has given its
    intergreen to them; people's walk ends early enough that their clearance is over by then.

    Parameters
    ----------
    greens_s
        Of each stage in ``order``; by default those that came in.
    offset_s
        Of the reference point; by default the one that came in.
    order
        Stages; by default the intersection's order.
    """
    if one.rings is not None and greens_s is None:
        return ring_program(one, offset_s=offset_s)
    names = tuple(order or one.stage_order)
    lengths = [one.stage[name].green_s for name in names] if greens_s is None else list(greens_s)
    spans = [set(one.stage[name].groups) for name in names]
    between = _far_enough(one, spans, lengths, interstages(one, names))
    starts, at = [], 0.0
    for green, gap in zip(lengths, between, strict=True):
        starts.append(at)
        at += green + gap
    cycle = at
    greens: dict[str, list[Green]] = {group.id: [] for group in one.groups}
    count = len(names)
    for k in range(count):
        for group in sorted(spans[k]):
            if group in spans[k - 1] and count > 1:
                continue  # it began earlier
            if all(group in span for span in spans):
                continue
            last = k
            while group in spans[(last + 1) % count]:
                last += 1
            end = starts[last % count] + lengths[last % count] + cycle * (last // count)
            greens[group].append(
                (starts[k], _walk_end(one, group, spans, last, end, lengths, between))
            )
    always = {group for group in greens if spans and all(group in span for span in spans)}
    stages = tuple(map(StageTime, names, starts, lengths))
    # Whoever gives way in a stage does so on the way to it and from it too.
    yields: dict[str, list[Green]] = {}
    for k, name in enumerate(names):
        for group in one.stage[name].yields:
            yields.setdefault(group, []).append(
                (starts[k] - between[k - 1], starts[k] + lengths[k] + between[k])
            )
    return _finish(one, cycle, greens, always, stages, offset_s, yields)


def interstages(one: Intersection, names: Sequence[str]) -> list[Seconds]:
    """Seconds from each stage's end of green to the next one's start."""
    found = []
    for k, name in enumerate(names):
        stage, after = one.stage[name], one.stage[names[(k + 1) % len(names)]]
        here, there = set(stage.groups), set(after.groups)
        # Who gave way and goes first from now on begins anew: its foes must be gone by then.
        begin = (there - here) | ((set(stage.yields) & there) - set(after.yields))
        found.append(
            max(
                (one.intergreen_s.get((a, b), 0) for a in here - there for b in begin),
                default=0,
            )
        )
    return found


def _far_enough(
    one: Intersection,
    spans: Sequence[set[str]],
    lengths: Sequence[Seconds],
    between: list[Seconds],
) -> list[Seconds]:
    """Lengthen interstages where a group that ended some stages ago still needs time."""
    count = len(spans)
    for _ in range(2):  # once around, and once more for what runs over the cycle's end
        for k in range(count):
            begin = spans[(k + 1) % count] - spans[k]
            passed = between[k]
            for back in range(1, count):
                j = (k - back) % count
                passed += lengths[(j + 1) % count] + between[j]
                ended = spans[j] - spans[(j + 1) % count]
                needed = max((_between(one, a, b) for a in ended for b in begin), default=0)
                if needed > passed:
                    between[k] += needed - passed
                    passed = needed
    return between


def _between(one: Intersection, a: str, b: str) -> Seconds:
    """Seconds from a group's end to another's start; to its own, what it shows in between."""
    if a != b:
        return one.intergreen_s.get((a, b), 0)
    group = one.group[a]
    ending = sum(s for state, s in group.sequence.end
                 if state not in {State.FLASHING_GREEN, State.CLEARANCE})  # fmt: skip
    starting = sum(seconds for _, seconds in group.sequence.start)
    return max(group.min_red_s, ending + LEAST_RED_S + starting)


def _walk_end(
    one: Intersection,
    group: str,
    spans: Sequence[set[str]],
    last: int,
    end: float,
    lengths: Sequence[Seconds],
    between: Sequence[Seconds],
) -> float:
    """End of a group's green: people stop walking early enough to be across in time.

    They may clear until the next stage begins, if nobody who begins then, or later, is due sooner.
    """
    clearance = one.group[group].clearance_s
    if not clearance:
        return end
    count = len(spans)
    at = end + between[last % count]
    over = at
    for k in range(last + 1, last + count + 1):
        begin = spans[k % count] - spans[(k - 1) % count]
        over = min([over, *(at - one.intergreen_s.get((group, b), 0) for b in begin)])
        at += lengths[k % count] + between[k % count]
    return over - clearance


def ring_program(
    one: Intersection,
    splits_s: dict[str, Seconds] | None = None,
    *,
    offset_s: Seconds | None = None,
) -> SignalPlan:
    """Lay rings out side by side; a split is green and all that follows it until the next group.

    All rings cross a barrier together: where one is done before the others, its last group stays
    green. A group without a split is left out. People walk as long as their group's green leaves
    time for their clearance.
    """
    assert one.rings is not None
    splits = one.rings.splits_s if splits_s is None else splits_s
    greens: dict[str, list[Green]] = {group.id: [] for group in one.groups}
    blocks = [
        [[name for name in ring[k] if splits.get(name, 0) > 0] for ring in one.rings.rings
         if k < len(ring)]
        for k in range(max(len(ring) for ring in one.rings.rings))
    ]  # fmt: skip
    blocks = [rows for rows in blocks if any(rows)]
    always: set[str] = set()
    cycle = 0.0
    for k, rows in enumerate(blocks):
        barrier = cycle + max(sum(splits[name] for name in row) for row in rows)
        beyond = {name for row in blocks[(k + 1) % len(blocks)] for name in row}
        for row in rows:
            at = cycle
            for n, name in enumerate(row):
                last = n + 1 == len(row)
                after = barrier if last else at + splits[name]
                foes = (beyond if last else {row[n + 1]}) - {name}
                gap = max((one.intergreen_s.get((name, foe), 0) for foe in foes), default=0)
                end = after - gap - one.group[name].clearance_s
                greens[name].append((at, end))
                if len(blocks) == 1 and len(row) == 1:  # nothing ever follows it
                    always |= {name, one.rings.pedestrians.get(name, name)}
                else:
                    _walk_with(one, name, (at, end), greens)
                at = after
        cycle = barrier
    stages = _ring_stages(one, greens)
    return _finish(one, cycle, greens, always, stages, offset_s)


def _walk_with(one: Intersection, name: str, green: Green, greens: dict[str, list[Green]]) -> None:
    """People walk with a ring's group, where its green is long enough for them to get across."""
    assert one.rings is not None
    people = one.rings.pedestrians.get(name)
    if people is None:
        return
    end = green[1] - one.group[people].clearance_s
    if end > green[0]:
        greens[people].append((green[0], end))


def _ring_stages(one: Intersection, greens: dict[str, list[Green]]) -> tuple[StageTime, ...]:
    found = []
    for stage in one.stages:
        spans = [greens[name][0] for name in stage.groups if greens[name]]
        if len(spans) < len(stage.groups):
            continue
        start, end = max(a for a, _ in spans), min(b for _, b in spans)
        if _exact(end - start) > 0:
            found.append(StageTime(stage.id, start, end - start))
    return tuple(sorted(found, key=lambda time: time.from_s))


def _finish(
    one: Intersection,
    cycle: float,
    greens: dict[str, list[Green]],
    always: set[str],
    stages: tuple[StageTime, ...],
    offset_s: Seconds | None,
    yields: dict[str, list[Green]] | None = None,
) -> SignalPlan:
    cycle = _exact(cycle)
    stages = tuple(
        StageTime(time.stage, _exact(time.from_s), _exact(time.green_s)) for time in stages
    )
    shows = []
    for group in one.groups:
        if group.id in always:
            made = [Indication(group.id, State.GREEN, 0, cycle)]
        else:
            made = _lamps(group.id, group.sequence.start, group.sequence.end,
                          greens[group.id], cycle)  # fmt: skip
        shows += _yielding(made, (yields or {}).get(group.id, []), cycle)
    offset = one.offset_s if offset_s is None else offset_s
    named = one.reference_stage or (stages[0].stage if stages else "")
    at = reference_at(one, stages, named)
    return SignalPlan(
        signal=one.id, cycle_s=cycle, zero_s=_exact((offset - at) % cycle) % cycle if cycle else 0,
        offset_s=offset % cycle if cycle else 0, stages=stages, shows=tuple(shows),
        reference=one.reference, reference_stage=named,
    )  # fmt: skip


def _exact(seconds: Seconds) -> Seconds:
    """To the microsecond: sums of tenths of a second meet where they should."""
    return round(seconds, 6)


def _yielding(made: list[Indication], spans: list[Green], cycle: float) -> list[Indication]:
    """Cut greens where the group gives way, and show it there."""
    cuts = [
        (max(0.0, _exact(start + shift)), min(cycle, _exact(end + shift)))
        for start, end in spans for shift in (-cycle, 0.0, cycle)
    ]  # fmt: skip
    found = []
    for one in made:
        if one.state is not State.GREEN or not cuts:
            found.append(one)
            continue
        edges = sorted(
            {one.from_s, one.to_s}
            | {at for cut in cuts for at in cut if one.from_s < at < one.to_s}
        )
        for a, b in pairwise(edges):
            gives = any(start <= a and b <= end for start, end in cuts)
            state = State.YIELD if gives else State.GREEN
            if found and (found[-1].group, found[-1].state, found[-1].to_s) == (
                one.group,
                state,
                a,
            ):
                found[-1] = Indication(one.group, state, found[-1].from_s, b)
            else:
                found.append(Indication(one.group, state, a, b))
    return found


def reference_at(one: Intersection, stages: Sequence[StageTime], named: str) -> Seconds:
    """Second of the cycle in which the reference point lies."""
    time = next((stage for stage in stages if stage.stage == named), None)
    if time is None:
        return 0
    if one.reference == "begin-green":
        return time.from_s
    end = time.from_s + time.green_s
    if one.reference == "begin-yellow":
        return end
    ending = [one.group[group].yellow_s for group in one.stage[named].groups]
    return end + max(ending, default=0)


def _lamps(
    group: str,
    before: tuple[Step, ...],
    after: tuple[Step, ...],
    greens: list[Green],
    cycle: float,
) -> list[Indication]:
    """One group's states that tile the cycle: its greens, what goes with them, and red."""
    pieces: list[tuple[float, float, State]] = []
    for start, end in greens:
        at = start - sum(seconds for _, seconds in before)
        for state, seconds in before:
            pieces.append((at, at + seconds, state))
            at += seconds
        flashing = sum(seconds for state, seconds in after if state is State.FLASHING_GREEN)
        pieces.append((start, end - flashing, State.GREEN))
        at = end - flashing
        for state, seconds in after:
            pieces.append((at, at + seconds, state))
            at += seconds
    wrapped: list[tuple[float, float, State]] = []
    for begin, finish, state in pieces:
        start, end = _exact(begin), _exact(finish)
        if end <= start:
            continue
        a = _exact(start % cycle) % cycle
        b = _exact(a + end - start)
        wrapped.append((a, min(b, cycle), state))
        if b > cycle:
            wrapped.append((0.0, _exact(b - cycle), state))
    shown, at = [], 0.0
    for start, end, state in sorted(wrapped):
        if start > at:
            shown.append(Indication(group, State.RED, at, start))
        shown.append(Indication(group, state, start, end))
        at = max(at, end)
    if at < cycle:
        shown.append(Indication(group, State.RED, at, cycle))
    return shown
