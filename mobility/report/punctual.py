"""Punctuality before and after: the planner's headline of a corridor, with its interval over seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.report.numbers import SIGNAL_LABELS, rows_of
from mobility.report.page import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

UNITS = {
    "on_time": "of timed stops",
    "late_s": "s",
    "excess_wait_s": "s a passenger",
    "headway_cv": "of the headway",
    "bunched": "of headways",
    "bus_delay_s": "s a bus",
    "car_delay_s": "s a car",
}


def punctual_rows(documents: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Rows of the table of figures."""
    rows: list[tuple[str, ...]] = []
    for told in map(_figures, documents):
        sides = [
            {name: told[name].get(side) for name in UNITS if name in told}
            for side in ("before", "after")
        ]
        if told:
            rows += rows_of(sides[1], sides[0], UNITS, SIGNAL_LABELS)
    return rows


def punctual_figures(documents: Sequence[dict[str, Any]]) -> list[Figure]:
    """Share on time of each route and direction, before and after."""
    return [
        _figure(told, _figures(told)["on_time"])
        for told in documents
        if "on_time" in _figures(told)
    ]


def punctual_headline(documents: Sequence[dict[str, Any]]) -> list[str]:
    """One sentence an answer: on time before and after, and how sure that is."""
    return [
        _says(told, found["on_time"])
        for told in documents
        if "on_time" in (found := _figures(told))
    ]


def _figures(told: dict[str, Any]) -> dict[str, Any]:
    found = told.get("figures")
    return found if "by_route" in told and isinstance(found, dict) else {}


def _says(told: dict[str, Any], one: dict[str, Any]) -> str:
    before, after = one.get("before"), one.get("after")
    runs = told.get("seeds", 1)
    said = f"In {runs} simulated {'run' if runs == 1 else 'runs'} of {told.get('trips', 0):,} bus trips"
    if before is None:
        return f"{said} no bus calls at a stop with a time of its own."
    if after is None:
        return f"{said}, {100 * before:.1f} % of buses' timed stops are on time."
    wide, points = one.get("half_width"), 100 * (after - before)
    sure = "" if wide is None else f" (a change of {points:+.1f} points, ± {wide:.1f} at 95 %)"
    return (f"{said}, {100 * before:.1f} % of buses' timed stops are on time before and {100 * after:.1f} % "
            f"after{sure}.")  # fmt: skip


def _figure(told: dict[str, Any], one: dict[str, Any]) -> Figure:
    rows = [(f"{row.get('route_id')}, direction {row.get('direction_id')}",
             row.get("on_time_before"), row.get("on_time_after")) for row in told["by_route"]]  # fmt: skip
    rows = [("all routes", one.get("before"), one.get("after")), *rows]
    wide = one.get("half_width")
    groups = []
    for name, before, after in rows:
        bars: list[dict[str, Any]] = []
        for series, value in (("before", before), ("after", after)):
            if isinstance(value, int | float):
                bars.append({"series": series, "value": 100 * value})
        if name == "all routes" and wide is not None and len(bars) == 2:
            middle = bars[1]["value"]
            bars[1] |= {"low": middle - wide, "high": min(middle + wide, 100.0),
                        "spread": "95 % interval of the change"}  # fmt: skip
        if bars:
            groups.append({"name": name, "bars": bars})
    early, late = told.get("on_time_s", (None, None))
    window = "" if early is None else f" On time is up to {-early:g} s early and {late:g} s late."
    both = one.get("after") is not None
    table = pd.DataFrame(rows, columns=["route", "on_time_before", "on_time_after"])
    return Figure(
        "punctuality", "signals", "bars", f"Buses on time{', before and after' if both else ''}",
        f"Share of buses' timed stops (timepoints) that are on time, over all simulated runs.{window}",
        {"groups": groups, "series": [{"id": "before", "name": "before"}, {"id": "after", "name": "after"}],
         "unit": "% of timed stops"},
        table,
    )  # fmt: skip
