"""A signal's plan as UTDF phases: rings as they are, stages one after another in a single ring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mobility.errors import ConfigError
from mobility.signals.problem import GREENS, State

if TYPE_CHECKING:
    from mobility.signals.plan import Indication, SignalPlan
    from mobility.signals.problem import Group, Intersection, Seconds, Stage

MOST_PHASES = 81  # barriers and positions of one ring have a digit each


@dataclass(frozen=True)
class Row:
    """One phase; times in seconds, ``start_s`` in the cycle. ``people``: the group that walks."""

    number: int
    brp: int
    start_s: Seconds
    green_s: Seconds
    yellow_s: Seconds
    all_red_s: Seconds
    min_green_s: Seconds
    people: str = ""


@dataclass(frozen=True)
class Form:
    """A signal's phases.

    Parameters
    ----------
    phases, permitted
        Group -> phases that protect its movements, and in which its left turns give way.
    reference
        UTDF's ``Reference Phase``.
    """

    rows: tuple[Row, ...]
    phases: dict[str, tuple[int, ...]]
    permitted: dict[str, tuple[int, ...]]
    reference: str

    @property
    def served(self) -> dict[str, tuple[int, ...]]:
        """All phases of each group."""
        names = {**self.phases, **self.permitted}
        return {name: (*self.phases.get(name, ()), *self.permitted.get(name, ())) for name in names}

    def name_of(self, group: str) -> str:
        """Say what a group is called when the file is read again, but for a letter behind it."""
        own = self.phases.get(group, ())
        return "+".join(map(str, own)) or "+".join(f"{n}p" for n in self.permitted.get(group, ()))


def form_of(one: Intersection, plan: SignalPlan) -> Form:
    """Lay a plan out as phases.

    Raises
    ------
    ConfigError
        When a ring's group is no phase's number or is green twice in a cycle, a signal has more
        stages than one ring has places, or a group is in more than four phases: UTDF can say none
        of these.
    """
    found = _of_rings(one, plan) if one.rings is not None else _of_stages(one, plan)
    for name, numbers in (*found.phases.items(), *found.permitted.items()):
        if len(numbers) > 4:
            raise ConfigError(f"signal {one.id}: group {name} is green in {len(numbers)} phases",
                              mend="UTDF has four a movement; write .json")  # fmt: skip
    return found


def _of_rings(one: Intersection, plan: SignalPlan) -> Form:
    assert one.rings is not None
    spans = _spans(one, plan)
    cycle = plan.cycle_s
    rows = []
    for r, ring in enumerate(one.rings.rings):
        starts = sorted(spans[name][0] for barrier in ring for name in barrier if name in spans)
        for b, barrier in enumerate(ring):
            shown = sorted(
                (name for name in barrier if name in spans), key=lambda name: spans[name]
            )
            for k, name in enumerate(shown):
                given = [s for (a, _), s in one.intergreen_s.items() if a == name]
                start, end = spans[name]
                to_next = min((other - end) % cycle for other in starts) if len(starts) > 1 else 0.0
                after = min(max(given, default=0.0), to_next or max(given, default=0.0))
                group = one.group[name]
                rows.append(Row(
                    int(name), 100 * (b + 1) + 10 * (r + 1) + k + 1, start, end - start,
                    group.yellow_s, after - group.yellow_s, group.min_green_s,
                    one.rings.pedestrians.get(name, ""),
                ))  # fmt: skip
    gives_way = {a for a, b in one.permissive if not one.group[b].on_foot}
    named: dict[str, tuple[int, ...]] = {name: (int(name),) for name in spans}
    groups = one.stage[plan.reference_stage].groups if plan.reference_stage in one.stage else ()
    number = "".join(f"{int(name):02d}" for name in groups if name.isdigit()).lstrip("0")
    return Form(
        tuple(sorted(rows, key=lambda row: row.number)), named,
        {name: numbers for name, numbers in named.items() if name in gives_way}, number,
    )  # fmt: skip


def _spans(one: Intersection, plan: SignalPlan) -> dict[str, tuple[Seconds, Seconds]]:
    """Green of each ring's group in the cycle; its end may lie past the cycle."""
    assert one.rings is not None
    found: dict[str, tuple[Seconds, Seconds]] = {}
    for name in (name for ring in one.rings.rings for barrier in ring for name in barrier):
        if not (name.isdigit() and 0 < int(name) < 100):
            raise ConfigError(f"signal {one.id}: group {name!r} is no phase's number",
                              mend="call the groups of rings 1, 2 ... 99")  # fmt: skip
        greens = [two for two in plan.of_group.get(name, ()) if two.state is State.GREEN]
        if not greens:
            continue
        wraps = len(greens) == 2 and greens[0].from_s == 0 and greens[1].to_s == plan.cycle_s
        if len(greens) > 1 and not wraps:
            raise ConfigError(f"signal {one.id}: phase {name} is green twice in a cycle",
                              mend="UTDF has one green a phase; write .json")  # fmt: skip
        found[name] = (
            (greens[1].from_s, plan.cycle_s + greens[0].to_s) if wraps
            else (greens[0].from_s, greens[0].to_s)
        )  # fmt: skip
    return found


def _of_stages(one: Intersection, plan: SignalPlan) -> Form:
    """Each stage of the plan is a phase; a group of several has all of their numbers."""
    times = plan.stages
    count = len(times)
    if not 0 < count <= MOST_PHASES:
        raise ConfigError(f"signal {one.id}: a plan of {count} stages",
                          mend=f"UTDF has room for {MOST_PHASES} in a ring; write .json")  # fmt: skip
    stages = [one.stage[time.stage] for time in times]
    often = {name: sum(name in two.groups for two in stages) for name in one.group}
    rows = []
    for k, (time, stage) in enumerate(zip(times, stages, strict=True)):
        after = stages[(k + 1) % count]
        begins = times[(k + 1) % count].from_s + (plan.cycle_s if k + 1 == count else 0)
        gap = begins - time.from_s - time.green_s
        ends = [one.group[name] for name in stage.groups
                if count > 1 and name not in after.groups]  # fmt: skip
        yellow = min(gap, max((group.yellow_s for group in ends), default=0.0))
        cars = [one.group[name] for name in stage.groups if not one.group[name].on_foot]
        cars = [group for group in cars if often[group.id] == 1] or cars
        least = min(time.green_s, max((group.min_green_s for group in cars), default=0.0))
        rows.append(Row(
            k + 1, 100 * (k // 9 + 1) + 10 + k % 9 + 1, time.from_s, time.green_s, yellow,
            gap - yellow, least, _walks(ends),
        ))  # fmt: skip
    phases: dict[str, tuple[int, ...]] = {}
    permitted: dict[str, tuple[int, ...]] = {}
    for group in one.groups:
        own = [k for k, stage in enumerate(stages) if group.id in stage.groups]
        if group.on_foot:
            phases[group.id] = tuple(row.number for row in rows if row.people == group.id)
            continue
        way = [k for k in own if _gives_way(one, group, stages[k])]
        phases[group.id] = tuple(k + 1 for k in own if k not in way)
        permitted[group.id] = tuple(k + 1 for k in way)
    names = [time.stage for time in times]
    number = names.index(plan.reference_stage) + 1 if plan.reference_stage in names else ""
    return Form(tuple(rows), phases, permitted, str(number))


def _walks(ends: list[Group]) -> str:
    """Group of people whose walk ends with a stage: one has room, that with the longest clearance."""
    on_foot = [group for group in ends if group.on_foot]
    return max(on_foot, key=lambda group: (group.clearance_s, group.walk_s)).id if on_foot else ""


def _gives_way(one: Intersection, group: Group, stage: Stage) -> bool:
    if one.yield_shown:
        return group.id in stage.yields
    return any(a == group.id and b in stage.groups and not one.group[b].on_foot
               for a, b in one.permissive)  # fmt: skip


def spans_of(shown: tuple[Indication, ...], cycle_s: Seconds, zero_s: Seconds,
             states: frozenset[State] = GREENS) -> list[tuple[Seconds, Seconds]]:  # fmt: skip
    """When a lamp shows one of some states on the master clock: (start in the cycle, length)."""
    found: list[list[Seconds]] = []
    for one in shown:
        if one.state in states and one.to_s > one.from_s:
            if found and abs(found[-1][1] - one.from_s) < 1e-6:
                found[-1][1] = one.to_s
            else:
                found.append([one.from_s, one.to_s])
    if len(found) > 1 and found[0][0] == 0 and abs(found[-1][1] - cycle_s) < 1e-6:
        first = found.pop(0)
        found[-1][1] += first[1]
    return sorted((round((a + zero_s) % cycle_s, 4) % cycle_s, round(b - a, 4)) for a, b in found)
