"""Detectors of a UTDF file: rows ``DetectPos1`` ... of the lane groups, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobility.signals.problem import Detector
from mobility.signals.utdf_phases import FROM, LETTERS, TURNS, columns_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobility.signals.problem import Intersection
    from mobility.signals.utdf_tables import Utdf

# ``DetectType`` is a sum of these; what is left of it is not read.
FLAGS = {"call": 1, "extend": 2, "count": 8}
MOST = 5  # detectors of a lane group
_FEET_M = 0.3048
_SIDE = {side: heading for heading, side in FROM.items()}


def detectors_of(
    table: Utdf, node: str, *, metric: bool
) -> dict[str, list[tuple[Detector, set[int]]]]:
    """Read the detectors of each movement, nearest to the stop line first.

    A detector that calls and extends is two, ``"EBT1.call"`` and ``"EBT1.extend"``.

    Returns
    -------
    dict
        ``"W through"`` -> detectors, each with the phases that it calls (none: its movement's).
    """
    found: dict[str, list[tuple[Detector, set[int]]]] = {}
    unit = 1.0 if metric else _FEET_M
    for column, match in columns_of(table, node).items():
        count = int(table.number("Lanes", "numDetects", node, column, least=0) or 0)
        place = f"{FROM[match[1]]} {TURNS[match[2]]}"
        numbers = [table.number("Lanes", f"DetectPhase{k}", node, column) for k in range(1, 5)]
        phases = {int(one) for one in numbers if one and one > 0}
        for k in range(1, min(count, MOST) + 1):

            def cell(record: str, k: int = k, column: str = column, least: float = 0) -> float:
                return table.number("Lanes", f"{record}{k}", node, column, least=least) or 0.0

            flags = int(cell("DetectType"))
            kinds = [kind for kind, flag in FLAGS.items() if flags & flag]
            if flags & ~sum(FLAGS.values()) or not kinds:
                table.say("signal_utdf_detector_not_read", f"{node}.{column}{k}",
                          f"type {flags}", "Lanes", f"DetectType{k}")  # fmt: skip
            for kind in kinds:
                name = f"{column}{k}" + (f".{kind}" if len(kinds) > 1 else "")
                one = Detector(
                    name, kind, (place,), round(cell("DetectPos", least=-1e4) * unit, 3),
                    round(cell("DetectSize") * unit, 3), cell("DetectExtend"),
                    cell("DetectDelay") if k == 1 else 0.0,
                )  # fmt: skip
                found.setdefault(place, []).append((one, phases))
    return found


def detector_rows(
    one: Intersection, phases: dict[str, tuple[int, ...]], columns: Iterable[str]
) -> Iterable[list[object]]:
    """Rows of the lane groups, metres; detectors of no movement, and more than five, are left out."""
    placed = placed_detectors(one)
    if not placed:
        return
    names = list(columns)
    yield ["numDetects", one.id, *(len(placed.get(name, [])) or "" for name in names)]
    called = {
        column: sorted({number for row in rows for two in row for group in one.groups
                        if two.id in group.detectors for number in phases.get(group.id, ())})
        for column, rows in placed.items()
    }  # fmt: skip
    for k in range(4):
        if any(len(numbers) > k for numbers in called.values()):
            yield [f"DetectPhase{k + 1}", one.id,
                   *(called[name][k] if len(called.get(name, [])) > k else "" for name in names)]  # fmt: skip
    for k in range(max(map(len, placed.values()))):
        row = {name: rows[k] for name, rows in placed.items() if len(rows) > k}
        cells: list[tuple[str, dict[str, object]]] = [
            ("DetectPos", {name: two[0].distance_m for name, two in row.items()}),
            ("DetectSize", {name: two[0].length_m for name, two in row.items()}),
            ("DetectType", {name: sum({FLAGS[x.kind] for x in two}) for name, two in row.items()}),
            ("DetectExtend", {name: two[0].extend_s for name, two in row.items()}),
        ]
        if k == 0:
            cells.append(("DetectDelay", {name: two[0].delay_s for name, two in row.items()}))
        for record, values in cells:
            yield [f"{record}{k + 1}", one.id, *(values.get(name, "") for name in names)]


def placed_detectors(one: Intersection) -> dict[str, list[list[Detector]]]:
    """Detectors by column, nearest first; those that differ in kind alone are one row."""
    found: dict[str, list[list[Detector]]] = {}
    for two in sorted(one.detectors, key=lambda two: (two.distance_m, two.id)):
        column = _column(two)
        if not column:
            continue
        rows = found.setdefault(column, [])
        shape = _shape(two)
        for row in rows:
            if _shape(row[0]) == shape and two.kind not in {x.kind for x in row}:
                row.append(two)
                break
        else:
            rows.append([two])
    return {column: rows[:MOST] for column, rows in found.items()}


def _shape(one: Detector) -> tuple[float, ...]:
    return one.distance_m, one.length_m, one.extend_s, one.delay_s


def _column(one: Detector) -> str:
    """Column of the one movement that a detector lies in; empty where UTDF has none for it."""
    side, _, turn = one.lanes[0].partition(" ") if len(one.lanes) == 1 else ("", "", "")
    if side not in _SIDE or turn not in LETTERS or one.kind not in FLAGS:
        return ""
    return column_of(side, turn)


def column_of(side: str, turn: str) -> str:
    """Give the column of a movement: traffic from the west is eastbound."""
    heading = _SIDE[side]
    return f"{heading}{'B' if len(heading) == 1 else ''}{LETTERS[turn]}"
