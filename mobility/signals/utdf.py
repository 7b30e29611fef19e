"""Synchro's UTDF to a network: NEMA phases as groups in rings, and the plan that runs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mobility.errors import TableError
from mobility.signals.case import ring_stages
from mobility.signals.check import check
from mobility.signals.demand import Link, Volumes
from mobility.signals.problem import Detector, Intersection, Network, Rings, State
from mobility.signals.program import plan_of, program, reference_at
from mobility.signals.utdf_detectors import detectors_of
from mobility.signals.utdf_phases import FROM, Phase, phases_of, serve
from mobility.signals.utdf_stages import gives_way, people, stages_of, vehicles
from mobility.signals.utdf_tables import read_tables

if TYPE_CHECKING:
    from mobility.signals.plan import SignalPlan
    from mobility.signals.problem import Pair
    from mobility.signals.utdf_tables import Utdf

# UTDF's ``Referenced To``: what of the reference phases the offset means.
LAST_GREEN, FIRST_YELLOW, FIRST_RED, FIRST_GREEN, FLASHING_WALK = range(5)
REFERENCES = {LAST_GREEN: "begin-green", FIRST_YELLOW: "begin-yellow", FIRST_RED: "end-yellow"}
_FEET_M, _MILES_KM = 0.3048, 1.609344
_SAME_S = 0.05  # UTDF writes tenths of a second


def read_utdf(path: str | Path) -> Network:
    """Read a network from Synchro: one combined CSV, or a folder with a file a section.

    Each phase is a group of its ring, ``"2"``; its people are ``"P2"``, who walk with it. Phases of
    one ring, and of two barrier groups, are in conflict, with yellow and all-red of the one that
    ends as intergreen. A left turn that is permitted in a phase belongs to that phase's group too,
    which then gives way to those who come towards it. The splits run from ``Start`` to ``End``;
    where these are missing they are ``MaxGreen`` and what follows it.

    Phases of one ring alone are stages, and a movement of several of them is a group of its own,
    ``"1+2"``, that stays green from one to the next (an overlap). In several rings it belongs to
    each of its phases' groups, and is told where Synchro keeps it green between two of them.

    Returns
    -------
    Network
        ``input_findings``: cells that cannot be read, movements without a phase, an offset that
        contradicts the starts (the starts count, as Synchro has it), and what the plan breaks.

    Raises
    ------
    TableError
        When there is no such file, a section is missing, or no node has phases and a cycle.
    """
    table = read_tables(path)
    metric = table.cell("Network", "Metric", "", "DATA") == "1"
    made: list[Intersection] = []
    vehicles: dict[tuple[str, str, str], float] = {}
    for node in table.nodes("Timeplans"):
        phases = phases_of(table, node)
        volumes = serve(table, node, phases)
        _shared(table, node)
        one = _signal(table, node, phases)
        if one is not None:
            made.append(_detected(table, one, metric=metric))
            vehicles |= {(node, *key): flow for key, flow in volumes.items()}
    if not made:
        raise TableError(f"{path}: no node has phases and a cycle", mend="export the time plans",
                         findings=table.findings)  # fmt: skip
    volume = (Volumes(0, 86_400, vehicles, {}),) if any(vehicles.values()) else ()
    network = Network(
        tuple(made), _links(table, {one.id for one in made}, metric=metric), volumes=volume,
        source=Path(path).name,
        assumptions=("volumes of one hour are taken for the whole day",) if volume else (),
    )  # fmt: skip
    found = (*table.findings, *check(network, plan_of(network)))
    return replace(network, input_findings=found)


def _shared(table: Utdf, node: str) -> None:
    """Say which other nodes hang on the same controller: their movements are not read."""
    others = [table.cell("Timeplans", f"Node {k}", node, "DATA") for k in range(1, 8)]
    for other in others:
        if other.strip("0. ") and other != node:
            table.say("signal_utdf_shared_controller", node, f"node {other}", "Timeplans", "Node 1")


def _signal(table: Utdf, node: str, phases: list[Phase]) -> Intersection | None:
    cycle = table.number("Timeplans", "Cycle Length", node, "DATA", least=0) or 0.0
    splits = {one.name: one.split_s(cycle) for one in phases}
    used = [one for one in phases if one.moves or one.walk_s or (splits[one.name] or 0) > 0]
    if not used or cycle <= 0 or any(splits[one.name] is None for one in used):
        missing = [one.name for one in used if splits[one.name] is None]
        table.say("signal_utdf_no_plan", node, f"phases {', '.join(missing)}" if missing else "")
        return None
    barriers = sorted({one.barrier for one in used})
    rings = Rings(
        tuple(
            tuple(tuple(one.name for one in used if (one.ring, one.barrier) == (ring, barrier))
                  for barrier in barriers)
            for ring in sorted({one.ring for one in used})
        ),
        splits_s={one.name: float(splits[one.name] or 0) for one in used},
        pedestrians={one.name: f"P{one.name}" for one in used if one.walk_s},
    )  # fmt: skip
    _adds_up(table, node, rings, cycle)
    if len(rings.rings) == 1:
        shown = [one for one in used if rings.splits_s[one.name] > one.after_s]
        if not shown:
            table.say("signal_utdf_no_plan", node, "no phase has a green")
            return None
        groups, stages, intergreen, permissive = stages_of(shown, rings.splits_s)
        kept, used = None, shown
    else:
        intergreen, permissive = _conflicts(used)
        groups = (
            *(vehicles(two.name, two.moves, two.yellow_s, two.min_green_s) for two in used),
            *(people(two) for two in used if two.walk_s),
        )
        stages, kept = ring_stages(rings), rings
        _overlaps(table, node, used)
    one = Intersection(
        node, groups, stages, intergreen, frozenset(permissive), rings=kept,
        name=table.cell("Nodes", "", node, "DESCRIPTION"), cycle_s=cycle,
        cycle_range_s=(min(40.0, cycle), max(180.0, cycle)),
    )  # fmt: skip
    return _referenced(table, node, one, {one.name: one for one in used})


def _overlaps(table: Utdf, node: str, used: list[Phase]) -> None:
    """Say where a movement is green in two phases that follow each other, and red between them."""
    order: dict[int, list[Phase]] = {}
    for one in used:
        order.setdefault(one.ring, []).append(one)
    for row in order.values():
        for one, after in zip(row, [*row[1:], *row[:1]], strict=True):
            both = {(two.approach, two.movement) for two in one.moves if not two.permitted}
            both &= {(two.approach, two.movement) for two in after.moves if not two.permitted}
            if one is not after:
                for side, turn in sorted(both):
                    table.say("signal_utdf_overlap_cut", f"{node}.{side} {turn}",
                              f"phases {one.name} and {after.name}")  # fmt: skip


def _detected(table: Utdf, one: Intersection, *, metric: bool) -> Intersection:
    """A signal with its detectors, each with the groups of its movement, or of the phases it calls."""
    found: list[Detector] = []
    calls: dict[str, list[str]] = {}
    for place, own in detectors_of(table, one.id, metric=metric).items():
        side, _, turn = place.partition(" ")
        for detector, phases in own:
            found.append(detector)
            names = [group.id for group in one.groups
                     if side in group.approaches and turn in group.movements]  # fmt: skip
            if phases:
                called = {str(number) for number in phases}
                served = [name for name in names if called & set(re.findall(r"\d+", name))]
                names = served or [name for name in sorted(called) if name in one.group]
            for name in names:
                calls.setdefault(name, []).append(detector.id)
    groups = tuple(replace(group, detectors=tuple(calls.get(group.id, ()))) for group in one.groups)
    return replace(one, groups=groups, detectors=tuple(found))


def _adds_up(table: Utdf, node: str, rings: Rings, cycle: float) -> None:
    """Every ring must fill every barrier group as the others do, and all of them the cycle."""
    total = 0.0
    for barrier in range(len(rings.rings[0])):
        sums = [sum(rings.splits_s[name] for name in ring[barrier]) for ring in rings.rings
                if ring[barrier]]  # fmt: skip
        if max(sums) - min(sums) > _SAME_S:
            table.say("signal_cycle_does_not_add_up", node,
                      f"barrier {barrier + 1}: rings of {min(sums):g} and {max(sums):g} s")  # fmt: skip
        total += max(sums)
    if abs(total - cycle) > _SAME_S:
        table.say("signal_cycle_does_not_add_up", node, f"splits {total:g} s, cycle {cycle:g} s")


def _conflicts(used: list[Phase]) -> tuple[dict[Pair, float], set[Pair]]:
    intergreen: dict[Pair, float] = {}
    permissive: set[Pair] = set()
    for one in used:
        for other in used:
            if one is other:
                continue
            apart = one.ring == other.ring or one.barrier != other.barrier
            if apart:
                intergreen[one.name, other.name] = one.after_s
                if other.walk_s:  # its people start with it
                    intergreen[one.name, f"P{other.name}"] = one.after_s
                if one.walk_s:  # their clearance is over when its yellow begins
                    intergreen[f"P{one.name}", other.name] = one.after_s
            elif gives_way(one.moves, other.moves):
                intergreen[one.name, other.name] = intergreen[other.name, one.name] = 0.0
                permissive.add((one.name, other.name))
        if one.walk_s and any(move.movement in {"right", "left"} for move in one.moves):
            people = f"P{one.name}"
            intergreen[one.name, people] = intergreen[people, one.name] = 0.0
            permissive.add((one.name, people))
    return intergreen, permissive


def _referenced(
    table: Utdf, node: str, one: Intersection, phases: dict[str, Phase]
) -> Intersection:
    """Put the offset where the file has it: by starts on the clock, or by its reference point."""
    plan = program(one)
    spans = {two.stage: (two.from_s, two.from_s + two.green_s) for two in plan.stages}
    greens = {name: spans.get(name) if one.rings is None else _green(plan, name) for name in phases}
    code = int(table.number("Timeplans", "Referenced To", node, "DATA", least=0) or 0)
    number = int(table.number("Timeplans", "Reference Phase", node, "DATA", least=0) or 0)
    named = [str(two) for two in (number // 100, number % 100)
             if two and str(two) in phases and greens[str(two)] is not None]  # fmt: skip
    offset = table.number("Timeplans", "Offset", node, "DATA")
    stage = next((two.stage for two in plan.stages
                  if set(named) <= set(one.stage[two.stage].groups)), None)  # fmt: skip
    if stage is None:
        stage = next((two.stage for two in plan.stages
                      if set(named) & set(one.stage[two.stage].groups)), "")  # fmt: skip
    zero = 0.0
    if offset is not None and named:
        zero = offset - _event(phases, greens, named, code)
    started = _started(phases, greens)
    if started is not None:
        away = (started - zero) % one.cycle_s
        if offset is not None and named and min(away, one.cycle_s - away) > _SAME_S:
            table.say("signal_utdf_offset_contradicts", node, f"{away:g} s later by the starts",
                      "Timeplans", "Offset")  # fmt: skip
        zero = started
    one = replace(one, reference=REFERENCES.get(code, "begin-green"), reference_stage=stage)
    at = reference_at(one, plan.stages, stage)
    return replace(one, offset_s=round((zero + at) % one.cycle_s, 6) % one.cycle_s)


def _green(plan: SignalPlan, group: str) -> tuple[float, float] | None:
    shown = [two for two in plan.of_group.get(group, ()) if two.state is State.GREEN]
    return (shown[0].from_s, shown[-1].to_s) if shown else None


def _event(
    phases: dict[str, Phase],
    greens: dict[str, tuple[float, float] | None],
    named: list[str],
    code: int,
) -> float:
    """Second of the cycle that the offset means."""
    spans = {name: span for name in named if (span := greens[name]) is not None}
    if code == FIRST_GREEN:
        return min(start for start, _ in spans.values())
    if code == FIRST_YELLOW:
        return min(end for _, end in spans.values())
    if code == FIRST_RED:
        return min(end + phases[name].yellow_s for name, (_, end) in spans.items())
    if code == FLASHING_WALK:
        return min(end - phases[name].clearance_s for name, (_, end) in spans.items())
    return max(start for start, _ in spans.values())


def _started(
    phases: dict[str, Phase], greens: dict[str, tuple[float, float] | None]
) -> float | None:
    """When the cycle's second 0 is, by the first phase that has a start."""
    for name, phase in phases.items():
        span = greens[name]
        if phase.start_s is not None and span is not None:
            return phase.start_s - span[0]
    return None


def _links(table: Utdf, signals: set[str], *, metric: bool) -> tuple[Link, ...]:
    found = []
    for node in table.nodes("Links"):
        for heading, approach in FROM.items():
            for column in (f"{heading}B", heading):
                start = table.cell("Links", "Up ID", node, column)
                length = table.number("Links", "Distance", node, column, least=0)
                if node not in signals or start not in signals or not length:
                    continue
                metres = length * (1 if metric else _FEET_M)
                speed = table.number("Links", "Speed", node, column, least=1) or (
                    50 if metric else 30
                )
                seconds = table.number("Links", "Time", node, column, least=0) or (
                    metres / (speed * (1 if metric else _MILES_KM) / 3.6)
                )
                lanes = table.number("Links", "Lanes", node, column, least=0) or 1
                found.append(Link(start, node, round(metres, 1), round(seconds, 1), int(lanes) or 1,
                                  approach=approach))  # fmt: skip
    return tuple(found)
