"""Plans as UTDF for Synchro: a file that reads back to the same plan, movement by movement."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from mobility.errors import ConfigError
from mobility.signals.rows import cell, whole_file
from mobility.signals.stop_lines import arrives_at
from mobility.signals.utdf import REFERENCES
from mobility.signals.utdf_detectors import column_of, detector_rows
from mobility.signals.utdf_form import form_of
from mobility.signals.utdf_phases import FROM, LETTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from mobility.signals.plan import Plan, SignalPlan
    from mobility.signals.problem import Group, Intersection, Link, Network
    from mobility.signals.utdf_form import Form, Row

_HEADINGS = ("N", "S", "E", "W", "NE", "NW", "SE", "SW")
_MOVES = tuple(f"{one}{'B' if len(one) == 1 else ''}{turn}" for one in _HEADINGS for turn in "LTRU")
_SIDE = {side: heading for heading, side in FROM.items()}
_FIRST = ("through", "left", "right", "u-turn")  # which movement's lanes the others share
PRETIMED, MAXIMUM_RECALL = 0, 3


def write_utdf(network: Network, plan: Plan, path: str | Path) -> Path:
    """Write a plan as one combined UTDF file; whole or not at all.

    Stages become the phases of a single ring, in the plan's order; a group of several stages has
    several phases. ``utdf_losses`` says what the file cannot hold.

    Raises
    ------
    ConfigError
        When a ring's group is no phase's number or is green twice in a cycle, a group is in more
        than four phases, or an approach is no side of the compass: UTDF can say none of these.
    """
    signals = [(network.signal[one.signal], one) for one in plan.signals]
    forms = {one.id: form_of(one, own) for one, own in signals}
    most = max((row.number for form in forms.values() for row in form.rows), default=8)
    columns = [f"D{number}" for number in range(1, max(most, 8) + 1)]
    rows: list[list[object]] = [
        ["[Network]"], ["Network Settings"], ["RECORDNAME", "DATA"], ["UTDFVERSION", 8],
        ["Metric", 1], [],
        ["[Nodes]"], ["Node Data"], ["INTID", "TYPE", "X", "Y", "Z", "DESCRIPTION"],
        *([one.id, 0, 0, 0, 0, one.name] for one, _ in signals), [],
        ["[Links]"], ["Link Data"],
        ["RECORDNAME", "INTID", *(f"{h}B" if len(h) == 1 else h for h in _HEADINGS)],
        *_links(network, [one.id for one, _ in signals]), [],
        ["[Lanes]"], ["Lane Group Data"], ["RECORDNAME", "INTID", *_MOVES],
        *(row for one, _ in signals for row in _lanes(network, one, forms[one.id])), [],
        ["[Timeplans]"], ["Timing Plan Settings"], ["RECORDNAME", "INTID", "DATA"],
        *(row for one, own in signals for row in _timeplan(one, own, forms[one.id])), [],
        ["[Phases]"], ["Phasing Data"], ["RECORDNAME", "INTID", *columns],
        *(row for one, own in signals for row in _phases(one, own, forms[one.id], columns)),
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


def _links(network: Network, nodes: list[str]) -> Iterable[list[object]]:
    for node in nodes:
        own = {_SIDE[side]: link for link, side in sided_links(network, nodes)
               if link.to_signal == node}  # fmt: skip
        if not own:
            continue
        for record, value in (
            ("Up ID", "from_signal"), ("Distance", "distance_m"), ("Time", "travel_s"), ("Lanes", "lanes"),
        ):  # fmt: skip
            yield [record, node, *(getattr(own[h], value) if h in own else "" for h in _HEADINGS)]


def sided_links(network: Network, nodes: list[str]) -> list[tuple[Link, str]]:
    """Links between signals of a plan, with the side that they arrive from: by name, or by place."""
    known = {one.id: one for one in network.intersections if one.id in set(nodes)}
    found = []
    for link in network.links:
        if link.from_signal in known and link.to_signal in known:
            side = link.approach or arrives_at(link, known) or ""
            if side in _SIDE:
                found.append((link, side))
    return found


def _lanes(network: Network, one: Intersection, form: Form) -> Iterable[list[object]]:
    """Lanes, phases, volume and detectors of every movement; a left that gives way is permitted."""
    own: dict[str, list[int]] = {}
    permitted: dict[str, list[int]] = {}
    lanes: dict[str, int] = {}
    flow: dict[str, float] = {}
    cars = [group for group in one.groups if not group.on_foot]
    protected = {
        (side, turn) for group in cars if form.phases.get(group.id) and not form.permitted.get(group.id)
        for side in group.approaches for turn in group.movements
    }  # fmt: skip
    for group in cars:
        phases, way = form.phases.get(group.id, ()), form.permitted.get(group.id, ())
        for side in group.approaches:
            for turn in group.movements:
                if side not in _SIDE or turn not in LETTERS:
                    raise ConfigError(f"signal {one.id}: {side!r} is no side of the compass",
                                      mend="call approaches N, NE, E ...")  # fmt: skip
                name = column_of(side, turn)
                if turn == "left":
                    kept = [number for number in phases if number not in way]
                    permitted.setdefault(name, []).extend(way)
                else:
                    kept = sorted({*phases, *way})
                own.setdefault(name, []).extend(kept)
                if not (turn == "left" and way and (side, turn) in protected):
                    first = next(one for one in _FIRST if one in group.movements)
                    lanes[name] = group.lanes if turn == first else 0
                    flow[name] = group.saturation_lane_vph
    volume = {
        column_of(side, turn): flow_h
        for period in network.volumes[:1]
        for (signal, side, turn), flow_h in period.vehicles_h.items()
        if signal == one.id and side in _SIDE
    }
    yield ["Lanes", one.id, *(lanes.get(name, "") for name in _MOVES)]
    yield ["IdealFlow", one.id, *(flow.get(name, "") for name in _MOVES)]
    yield ["Volume", one.id, *(volume.get(name, "") for name in _MOVES)]
    for record, table in (("Phase", own), ("PermPhase", permitted)):
        for k in range(max([1, *(len(numbers) for numbers in table.values())])):
            given = [table.get(name, []) for name in _MOVES]
            yield [f"{record}{k + 1}", one.id, *(two[k] if k < len(two) else "" for two in given)]
    yield from detector_rows(one, form.served, _MOVES)


def _timeplan(one: Intersection, plan: SignalPlan, form: Form) -> Iterable[list[object]]:
    code = next(code for code, name in REFERENCES.items() if name == plan.reference)
    yield ["Control Type", one.id, PRETIMED]
    yield ["Cycle Length", one.id, plan.cycle_s]
    yield ["Referenced To", one.id, code]
    yield ["Reference Phase", one.id, form.reference]
    yield ["Offset", one.id, plan.offset_s]


def _phases(
    one: Intersection, plan: SignalPlan, form: Form, columns: list[str]
) -> Iterable[list[object]]:
    by_column = {f"D{row.number}": row for row in form.rows}

    def line(record: str, value: Callable[[Row], object]) -> list[object]:
        return [record, one.id, *(value(by_column[name]) if name in by_column else ""
                                  for name in columns)]  # fmt: skip

    def clock(second: float) -> float:
        return round((plan.zero_s + second) % plan.cycle_s, 6)

    def walk(value: Callable[[Group], object]) -> Callable[[Row], object]:
        return lambda row: value(one.group[row.people]) if row.people else ""

    yield line("BRP", lambda row: row.brp)
    yield line("MinGreen", lambda row: row.min_green_s)
    yield line("MaxGreen", lambda row: round(row.green_s, 6))
    yield line("Yellow", lambda row: round(row.yellow_s, 6))
    yield line("AllRed", lambda row: round(row.all_red_s, 6))
    yield line("Recall", lambda _: MAXIMUM_RECALL)
    yield line("Walk", walk(lambda group: group.walk_s))
    yield line("DontWalk", walk(lambda group: group.clearance_s))
    yield line("PedCalls", walk(lambda _: 0))
    yield line("Start", lambda row: clock(row.start_s))
    yield line("End", lambda row: clock(row.start_s + row.green_s + row.yellow_s + row.all_red_s))
