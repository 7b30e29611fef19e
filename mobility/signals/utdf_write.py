"""Plans of ring-barrier signals as UTDF for Synchro: a file that reads back to the same plan."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from mobility.errors import ConfigError
from mobility.signals.problem import State
from mobility.signals.rows import cell, whole_file
from mobility.signals.utdf import REFERENCES
from mobility.signals.utdf_phases import FROM, LETTERS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mobility.signals.plan import Plan, SignalPlan
    from mobility.signals.problem import Intersection, Network, Seconds

_HEADINGS = ("N", "S", "E", "W", "NE", "NW", "SE", "SW")
_MOVES = tuple(f"{one}{'B' if len(one) == 1 else ''}{turn}" for one in _HEADINGS for turn in "LTRU")
_SIDE = {side: heading for heading, side in FROM.items()}
_FIRST = ("through", "left", "right", "u-turn")  # which movement's lanes the others share
PRETIMED, MAXIMUM_RECALL = 0, 3


def write_utdf(network: Network, plan: Plan, path: str | Path) -> Path:
    """Write a plan as one combined UTDF file; whole or not at all.

    Raises
    ------
    ConfigError
        When a signal has stages instead of rings, a group that is no phase's number, or a phase
        that is green twice in a cycle: UTDF can say none of these.
    """
    signals = [(network.signal[one.signal], one) for one in plan.signals]
    spans = {one.id: _spans(one, own) for one, own in signals}
    phases = sorted({int(name) for own in spans.values() for name in own})
    columns = [f"D{number}" for number in range(1, max([*phases, 8]) + 1)]
    rows: list[list[object]] = [
        ["[Network]"], ["Network Settings"], ["RECORDNAME", "DATA"], ["UTDFVERSION", 8],
        ["Metric", 1], [],
        ["[Nodes]"], ["Node Data"], ["INTID", "TYPE", "X", "Y", "Z", "DESCRIPTION"],
        *([one.id, 0, 0, 0, 0, one.name] for one, _ in signals), [],
        ["[Links]"], ["Link Data"],
        ["RECORDNAME", "INTID", *(f"{h}B" if len(h) == 1 else h for h in _HEADINGS)],
        *_links(network, [one.id for one, _ in signals]), [],
        ["[Lanes]"], ["Lane Group Data"], ["RECORDNAME", "INTID", *_MOVES],
        *(row for one, _ in signals for row in _lanes(network, one)), [],
        ["[Timeplans]"], ["Timing Plan Settings"], ["RECORDNAME", "INTID", "DATA"],
        *(row for one, own in signals for row in _timeplan(one, own)), [],
        ["[Phases]"], ["Phasing Data"], ["RECORDNAME", "INTID", *columns],
        *(row for one, own in signals for row in _phases(one, own, spans[one.id], columns)),
    ]  # fmt: skip

    def write(part: Path) -> None:
        with part.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(
                [
                    [value if isinstance(value, str) else cell(value) for value in row]
                    for row in rows
                ]
            )

    return whole_file(path, write)


def _spans(one: Intersection, plan: SignalPlan) -> dict[str, tuple[Seconds, Seconds]]:
    """Green of each phase in the cycle; its end may lie past the cycle."""
    if one.rings is None:
        raise ConfigError(f"signal {one.id} has stages, UTDF holds rings",
                          mend="give the signal rings, or write .json")  # fmt: skip
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


def _links(network: Network, nodes: list[str]) -> Iterable[list[object]]:
    known = set(nodes)
    for node in nodes:
        own = {_SIDE[link.approach]: link for link in network.links
               if link.to_signal == node and link.from_signal in known and link.approach in _SIDE}  # fmt: skip
        if not own:
            continue
        for record, value in (
            ("Up ID", "from_signal"), ("Distance", "distance_m"), ("Time", "travel_s"), ("Lanes", "lanes"),
        ):  # fmt: skip
            yield [record, node, *(getattr(own[h], value) if h in own else "" for h in _HEADINGS)]


def _lanes(network: Network, one: Intersection) -> Iterable[list[object]]:
    """Lanes, phases and volume of every movement; a left that gives way is permitted."""
    assert one.rings is not None
    own: dict[str, list[str]] = {}
    permitted: dict[str, list[str]] = {}
    lanes: dict[str, int] = {}
    flow: dict[str, float] = {}
    gives_way = {a for a, b in one.permissive if not one.group[b].on_foot}
    protected = {
        (side, turn) for group in one.groups if not group.on_foot and group.id not in gives_way
        for side in group.approaches for turn in group.movements
    }  # fmt: skip
    for group in one.groups:
        if group.on_foot:
            continue
        for side in group.approaches:
            for turn in group.movements:
                if side not in _SIDE or turn not in LETTERS:
                    raise ConfigError(f"signal {one.id}: {side!r} is no side of the compass",
                                      mend="call approaches N, NE, E ...")  # fmt: skip
                name = _column(side, turn)
                yields = turn == "left" and group.id in gives_way
                (permitted if yields else own).setdefault(name, []).append(group.id)
                if not (yields and (side, turn) in protected):
                    first = next(one for one in _FIRST if one in group.movements)
                    lanes[name] = group.lanes if turn == first else 0
                    flow[name] = group.saturation_lane_vph
    volume = {
        _column(side, turn): flow_h
        for period in network.volumes[:1]
        for (signal, side, turn), flow_h in period.vehicles_h.items()
        if signal == one.id and side in _SIDE
    }
    yield ["Lanes", one.id, *(lanes.get(name, "") for name in _MOVES)]
    yield ["IdealFlow", one.id, *(flow.get(name, "") for name in _MOVES)]
    yield ["Volume", one.id, *(volume.get(name, "") for name in _MOVES)]
    for record, table in (("Phase", own), ("PermPhase", permitted)):
        for k in range(max([1, *(len(names) for names in table.values())])):
            names = [table.get(name, []) for name in _MOVES]
            yield [f"{record}{k + 1}", one.id, *(two[k] if k < len(two) else "" for two in names)]


def _column(side: str, turn: str) -> str:
    heading = _SIDE[side]
    return f"{heading}{'B' if len(heading) == 1 else ''}{LETTERS[turn]}"


def _timeplan(one: Intersection, plan: SignalPlan) -> Iterable[list[object]]:
    code = next(code for code, name in REFERENCES.items() if name == plan.reference)
    groups = one.stage[plan.reference_stage].groups if plan.reference_stage in one.stage else ()
    number = "".join(f"{int(name):02d}" for name in groups if name.isdigit()).lstrip("0")
    yield ["Control Type", one.id, PRETIMED]
    yield ["Cycle Length", one.id, plan.cycle_s]
    yield ["Referenced To", one.id, code]
    yield ["Reference Phase", one.id, number]
    yield ["Offset", one.id, plan.offset_s]


def _phases(
    one: Intersection,
    plan: SignalPlan,
    spans: dict[str, tuple[Seconds, Seconds]],
    columns: list[str],
) -> Iterable[list[object]]:
    assert one.rings is not None
    cycle = plan.cycle_s
    placed: dict[str, int] = {}
    after: dict[str, float] = {}
    for r, ring in enumerate(one.rings.rings):
        starts = sorted(spans[name][0] for barrier in ring for name in barrier if name in spans)
        for b, barrier in enumerate(ring):
            shown = sorted(
                (name for name in barrier if name in spans), key=lambda name: spans[name]
            )
            for k, name in enumerate(shown):
                placed[name] = 100 * (b + 1) + 10 * (r + 1) + k + 1
        for name in (name for barrier in ring for name in barrier if name in spans):
            given = [s for (a, _), s in one.intergreen_s.items() if a == name]
            end = spans[name][1]
            to_next = min((start - end) % cycle for start in starts) if len(starts) > 1 else 0.0
            after[name] = min(max(given, default=0.0), to_next or max(given, default=0.0))
    names = {f"D{int(name)}": name for name in spans}
    walks = one.rings.pedestrians

    def row(record: str, values: dict[str, object]) -> list[object]:
        return [record, one.id, *(values.get(names.get(column, ""), "") for column in columns)]

    def clock(second: float) -> float:
        return round((plan.zero_s + second) % cycle, 6)

    group = one.group
    people = {name: group[walks[name]] for name in spans if name in walks}
    yield row("BRP", dict(placed))
    yield row("MinGreen", {name: group[name].min_green_s for name in spans})
    yield row("MaxGreen", {name: round(end - start, 6) for name, (start, end) in spans.items()})
    yield row("Yellow", {name: group[name].yellow_s for name in spans})
    yield row("AllRed", {name: round(after[name] - group[name].yellow_s, 6) for name in spans})
    yield row("Recall", dict.fromkeys(spans, MAXIMUM_RECALL))
    yield row("Walk", {name: two.walk_s for name, two in people.items()})
    yield row("DontWalk", {name: two.clearance_s for name, two in people.items()})
    yield row("PedCalls", dict.fromkeys(people, 0))
    yield row("Start", {name: clock(start) for name, (start, _) in spans.items()})
    yield row("End", {name: clock(end + after[name]) for name, (_, end) in spans.items()})
