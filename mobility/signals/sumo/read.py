"""SUMO programs to groups, stages and rules, as faithfully as they are written."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations, groupby
from pathlib import Path
from typing import TYPE_CHECKING

from mobility.errors import TableError
from mobility.findings import finding
from mobility.signals.check import check
from mobility.signals.plan import Indication, Plan, SignalPlan, StageTime
from mobility.signals.problem import (
    GREENS,
    Group,
    Intersection,
    Network,
    Sequence,
    Stage,
    State,
)
from mobility.signals.problem import Link as Street
from mobility.signals.sumo.net import are_foes, read_net

if TYPE_CHECKING:
    from mobility.findings import Finding
    from mobility.signals.problem import Pair
    from mobility.signals.sumo.net import Link, Net, Phase, Program

STATES = {
    "r": State.RED, "u": State.RED_AMBER, "G": State.GREEN, "g": State.YIELD, "s": State.YIELD,
    "y": State.YELLOW, "Y": State.YELLOW, "o": State.FLASH, "O": State.OFF,
}  # fmt: skip
LETTERS = {
    State.RED: "r", State.RED_AMBER: "u", State.GREEN: "G", State.YIELD: "g", State.YELLOW: "y",
    State.FLASHING_GREEN: "G", State.CLEARANCE: "r", State.FLASH: "o", State.OFF: "O",
}  # fmt: skip
YELLOW_S = 3.0  # of our plans, at least
LEAST_GREEN_S = 5.0  # of our plans, or what the program shows where that is shorter
WALK_MS = 1.2  # people's pace when a crossing is cleared (MUTCD's 3.5 ft/s is 1.07, RiLSA 1.2)
TURNS = {"s": "through", "l": "left", "L": "left", "r": "right", "R": "right", "t": "u-turn"}
_BUSES = {"bus", "taxi", "delivery", "emergency", "authority", "coach", "tram", "trolley"}


def from_sumo(path: str | Path, *additional: str | Path, programs: dict[str, str] | None = None
              ) -> Network:  # fmt: skip
    """Read the signals of a SUMO net and convert their programs to stages.

    Links that always show the same are one group; consecutive phases with the same lamps are one;
    a phase with green and without yellow is a stage, in the order of the program. Yellow of our
    plans is the longer of what the program shows and 3 s; an intergreen the longer of what the
    program shows and 0 s after yellow; a minimum green the shorter of 5 s and what it shows. The
    order of stages is free. Two links whose paths meet are in conflict, unless the program itself
    shows both green: then the pair is listed, as permissive where one gives way.

    Parameters
    ----------
    path
        ``.net.xml``, packed with gzip or not.
    additional
        Files with further ``tlLogic``; a later program replaces an earlier one, as in SUMO.
    programs
        Signal -> programID, where not the last one is meant.

    Returns
    -------
    Network
        ``given`` is the program lamp by lamp; what breaks an invariant in it is in
        ``input_findings``.

    Raises
    ------
    TableError
        When a file cannot be read or has no signal with a program.
    """
    net = read_net(path, tuple(additional))
    name = Path(path).name
    made: list[Intersection] = []
    plans: list[SignalPlan] = []
    found: list[Finding] = []
    for signal in sorted(net.programs):
        if signal not in net.links:
            found.append(finding("signal_import_no_links", file=name, value=signal))
            continue
        program = _chosen(net.programs[signal], (programs or {}).get(signal))
        width = len(program.phases[0].state)
        ragged = any(len(one.state) != width for one in program.phases)
        if ragged or max(net.links[signal]) >= width or program.cycle_s <= 0:
            found.append(finding("signal_import_wrong_width", file=name, value=signal))
            continue
        unknown = {letter for one in program.phases for letter in one.state} - set(STATES)
        if unknown:
            found.append(finding("signal_state_unknown", file=name, column=signal,
                                 value="".join(sorted(unknown))))  # fmt: skip
            continue
        one, plan, told = _convert(net, signal, program, name)
        made.append(one)
        plans.append(plan)
        found += told
    if not made:
        raise TableError(f"{path}: no signal has a program that can be read",
                         mend="write programs with netconvert, or give them as additional files")  # fmt: skip
    network = Network(tuple(made), links=_streets(net, made), source=name)
    given = Plan(tuple(plans), name="as it came in", digest=network.digest)
    return replace(network, given=given, input_findings=(*found, *check(network, given)))


def _chosen(programs: list[Program], wanted: str | None) -> Program:
    if wanted is not None:
        named = [one for one in programs if one.program == wanted]
        if named:
            return named[-1]
    return programs[-1]


def _merged(program: Program) -> list[Phase]:
    """Consecutive phases with the same lamps as one."""
    found = []
    for state, run in groupby(program.phases, key=lambda one: one.state):
        phases = list(run)
        found.append(replace(phases[0], duration_s=sum(one.duration_s for one in phases),
                             state=state))  # fmt: skip
    return [one for one in found if one.duration_s > 0]


def _convert(
    net: Net, signal: str, program: Program, name: str
) -> tuple[Intersection, SignalPlan, list[Finding]]:
    phases = _merged(program)
    cycle = sum(one.duration_s for one in phases)
    columns: dict[tuple[str, bool], list[int]] = {}
    for link in sorted(net.links[signal]):
        on_foot = all(one.crossing for one in net.links[signal][link])
        letters = "".join(one.state[link] for one in phases)
        columns.setdefault((letters, on_foot), []).append(link)
    ids = {f"g{links[0]}": (letters, on_foot, links)
           for (letters, on_foot), links in columns.items()}  # fmt: skip
    starts = [sum(one.duration_s for one in phases[:k]) for k in range(len(phases))]
    shown = {
        group: _indications(group, letters, starts, phases, cycle)
        for group, (letters, _, _) in ids.items()
    }
    groups = tuple(
        _group(net, signal, group, on_foot, links, shown[group], cycle)
        for group, (_, on_foot, links) in ids.items()
    )
    stages, times = _stages(ids, phases, starts)
    found = _inner_conflicts(net, signal, ids, name)
    after = {group: _all_red_after(group, shown, times, cycle) for group in ids}
    intergreen, permissive, both = _conflicts(net, signal, groups, ids, after, len(phases))
    reference = times[0].stage if times else ""
    zero = program.offset_s % cycle
    at = times[0].from_s if times else 0.0
    offset = (zero + at) % cycle
    one = Intersection(
        id=signal, groups=groups, stages=stages, intergreen_s=intergreen,
        permissive=frozenset(permissive), both_protected=frozenset(both), yield_shown=True,
        order=tuple(time.stage for time in times), order_free=True, cycle_s=cycle,
        offset_s=offset, reference_stage=reference,
        cycle_range_s=(min(40.0, cycle), max(180.0, cycle)),
    )  # fmt: skip
    plan = SignalPlan(
        signal, cycle, zero, offset, tuple(times),
        tuple(two for group in ids for two in shown[group]), "begin-green", reference,
    )  # fmt: skip
    return one, plan, found


def _indications(
    group: str, letters: str, starts: list[float], phases: list[Phase], cycle: float
) -> list[Indication]:
    found: list[Indication] = []
    for letter, start, phase in zip(letters, starts, phases, strict=True):
        state = STATES[letter]
        if found and found[-1].state is state:
            found[-1] = replace(found[-1], to_s=start + phase.duration_s)
        else:
            found.append(Indication(group, state, start, start + phase.duration_s))
    return [replace(one, to_s=cycle) if one is found[-1] else one for one in found]


def greens_of(shown: list[Indication], cycle: float) -> list[tuple[float, float]]:
    """Greens in the cycle as (start, end), end past the cycle where green runs over its end."""
    found: list[list[float]] = []
    for one in shown:
        if one.state not in GREENS:
            continue
        if found and found[-1][1] == one.from_s:
            found[-1][1] = one.to_s
        else:
            found.append([one.from_s, one.to_s])
    if len(found) > 1 and found[0][0] == 0 and found[-1][1] == cycle:
        found[-1][1] = cycle + found.pop(0)[1]
    return [(start, end) for start, end in found]


def _group(
    net: Net,
    signal: str,
    name: str,
    on_foot: bool,
    links: list[int],
    shown: list[Indication],
    cycle: float,
) -> Group:
    all_links = [one for index in links for one in net.links[signal][index]]
    lanes = {one.from_lane for one in all_links if one.from_lane in net.lanes}
    edges = tuple(sorted({net.lanes[one].edge for one in lanes}))
    greens = greens_of(shown, cycle)
    shortest = min((end - start for start, end in greens), default=LEAST_GREEN_S)
    yellow = max((one.to_s - one.from_s for one in shown if one.state is State.YELLOW), default=0.0)
    ahead = [one for one in shown if one.state is State.RED_AMBER]
    red_amber = max((one.to_s - one.from_s for one in ahead), default=0.0)
    buses = [net.lanes[one].allow.split() for one in lanes]
    kind = "vehicle"
    if on_foot:
        kind = "pedestrian"
    elif buses and all(one and set(one) <= _BUSES for one in buses):
        kind = "bus"
    end = () if on_foot else ((State.YELLOW, max(YELLOW_S, yellow)),)
    return Group(
        id=name, kind=kind, min_green_s=min(LEAST_GREEN_S, shortest),
        sequence=Sequence(((State.RED_AMBER, red_amber),) if red_amber else (), end),
        approaches=edges, lanes=max(1, round(len(lanes) / max(1, len(edges)))),
        movements=tuple(sorted({TURNS.get(one.direction, "through") for one in all_links
                                if not one.crossing})),
        crossing_m=_crossing_m(net, all_links) if on_foot else 0.0, source=tuple(links),
    )  # fmt: skip


def _crossing_m(net: Net, links: list[Link]) -> float:
    found = [net.lanes[f"{one.to_edge}_0"].length_m for one in links
             if f"{one.to_edge}_0" in net.lanes]  # fmt: skip
    return max(found, default=0.0)


def _stages(
    ids: dict[str, tuple[str, bool, list[int]]], phases: list[Phase], starts: list[float]
) -> tuple[tuple[Stage, ...], list[StageTime]]:
    """Phases with green and without yellow; a set of lamps that comes back is the same stage."""
    stages: dict[tuple[tuple[str, ...], tuple[str, ...]], Stage] = {}
    times: list[StageTime] = []
    for k, phase in enumerate(phases):
        letters = {group: column[k] for group, (column, _, _) in ids.items()}
        if {"y", "Y", "u"} & set(letters.values()):
            continue
        green = tuple(group for group, letter in letters.items() if STATES[letter] in GREENS)
        if not green:
            continue
        gives = tuple(group for group in green if letters[group] in "gs")
        stage = stages.get((green, gives))
        if stage is None:
            stage = Stage(f"s{len(stages) + 1}", green, phase.duration_s, yields=gives)
            stages[green, gives] = stage
        times.append(StageTime(stage.id, starts[k], phase.duration_s))
    if len(times) > 1 and phases[0].state == phases[-1].state and times[-1].stage == times[0].stage:
        # The stage runs over the cycle's end: it begins where it is seen to begin.
        first = times.pop(0)
        times[-1] = replace(times[-1], green_s=times[-1].green_s + first.green_s)
    return tuple(stages.values()), times


def _inner_conflicts(
    net: Net, signal: str, ids: dict[str, tuple[str, bool, list[int]]], name: str
) -> list[Finding]:
    """Links of one group whose paths meet: the program cannot tell them apart."""
    found = []
    for letters, _, links in ids.values():
        for a, b in combinations(links, 2):
            meet = any(are_foes(net, one, other) for one in net.links[signal][a]
                       for other in net.links[signal][b])  # fmt: skip
            if meet and "G" in letters:
                found.append(finding("signal_import_foes_in_group", file=name, column=signal,
                                     value=f"links {a} and {b}"))  # fmt: skip
    return found[:1]


def _conflicts(
    net: Net,
    signal: str,
    groups: tuple[Group, ...],
    ids: dict[str, tuple[str, bool, list[int]]],
    after: dict[str, dict[str, float]],
    phases: int,
) -> tuple[dict[Pair, float], set[Pair], set[Pair]]:
    """Intergreens, permissive pairs, and pairs that are shown green with neither giving way."""
    intergreen: dict[Pair, float] = {}
    permissive: set[Pair] = set()
    both: set[Pair] = set()
    for a, b in combinations(groups, 2):
        meet = any(
            are_foes(net, one, other)
            for x in a.source for y in b.source
            for one in net.links[signal][x] for other in net.links[signal][y]
        )  # fmt: skip
        if not meet or (a.on_foot and b.on_foot):
            continue
        for one, other in ((a, b), (b, a)):
            if one.on_foot:
                intergreen[one.id, other.id] = float(math.ceil(one.crossing_m / WALK_MS))
            else:
                red = after[one.id].get(other.id)
                red = max(after[one.id].values(), default=0.0) if red is None else red
                intergreen[one.id, other.id] = one.yellow_s + max(0.0, red)
        for k in range(phases):
            pair = ids[a.id][0][k], ids[b.id][0][k]
            if pair == ("G", "G"):
                both.add((a.id, b.id))
            elif all(STATES[letter] in GREENS for letter in pair):
                permissive.add((a.id, b.id) if pair[0] in "gs" else (b.id, a.id))
    return intergreen, permissive, both


def _all_red_after(
    group: str, shown: dict[str, list[Indication]], times: list[StageTime], cycle: float
) -> dict[str, float]:
    """Seconds from a group's last yellow to the start of those that begin with the next stage.

    What begins after a further stage says nothing about the pair's own need.
    """
    found: dict[str, float] = {}
    greens = greens_of(shown[group], cycle)
    yellows = {round(one.to_s % cycle, 6) for one in shown[group] if one.state is State.YELLOW} or {
        round(end % cycle, 6) for _, end in greens
    }
    if not greens or not times:
        return found
    for over in yellows:
        following = min((time.from_s - over) % cycle for time in times)
        for other, states in shown.items():
            for start, end in greens_of(states, cycle):
                gap = (start - over) % cycle
                if other != group and end - start < cycle and gap <= following + 1e-6:
                    found[other] = min(gap, found.get(other, gap))
    return found


def _streets(net: Net, made: list[Intersection]) -> tuple[Street, ...]:
    """Ways from signal to signal along edges with no other signal between, the shortest in time."""
    after: dict[str, list[str]] = {}
    for edge, (start, _) in net.edges.items():
        if start:
            after.setdefault(start, []).append(edge)
    entry = {edge: one.id for one in made for group in one.groups for edge in group.approaches}
    leaves = {
        one.id: {link.to_edge for rows in net.links[one.id].values() for link in rows
                 if not link.crossing}
        for one in made
    }  # fmt: skip
    found: dict[tuple[str, str], Street] = {}
    for signal, edges in leaves.items():
        best: dict[str, tuple[float, float, str]] = {}
        todo = [(*_run(net, edge), edge) for edge in sorted(edges)]
        for _ in range(60):
            fresh = []
            for seconds, metres, edge in todo:
                if edge in best and best[edge][0] <= seconds:
                    continue
                best[edge] = seconds, metres, edge
                if edge in entry:
                    continue
                for follower in after.get(net.edges[edge][1], []):
                    more_s, more_m = _run(net, follower)
                    fresh.append((seconds + more_s, metres + more_m, follower))
            todo = fresh
            if not todo:
                break
        for edge, (seconds, metres, _) in sorted(best.items()):
            target = entry.get(edge)
            if target is None or target == signal:
                continue
            old = found.get((signal, target))
            if old is None or seconds < old.travel_s:
                lanes = sum(one.edge == edge for one in net.lanes.values())
                found[signal, target] = Street(signal, target, round(metres, 1),
                                               round(seconds, 1), lanes, approach=edge)  # fmt: skip
    return tuple(found[pair] for pair in sorted(found))


def _run(net: Net, edge: str) -> tuple[float, float]:
    lane = net.lanes.get(f"{edge}_0")
    if lane is None or lane.speed_ms <= 0:
        return 0.0, 0.0
    return lane.length_m / lane.speed_ms, lane.length_m
