"""Delay before and after, with its spread over runs where there are several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.report.numbers import SIGNAL_LABELS, rows_of
from mobility.report.page import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

# Names of plans that were timed, then of runs, and their units.
UNITS = {
    "person_hours_h": "person hours an hour",
    "vehicle_delay_s": "s a vehicle",
    "walk_delay_s": "s a person on foot",
    "vehicle_hours_h": "vehicle hours an hour",
    "stops_h": "stops an hour",
    "worst_saturation": "of capacity",
    "vehicles": "vehicles",
    "delay_s": "s a vehicle",
    "person_delay_s": "s a person",
    "stops": "stops a vehicle",
    "max_queue_m": "m",
    "never_departed": "vehicles",
    "never_entered": "vehicles",
    "unfinished": "vehicles",
    "teleports": "vehicles",
    "collisions": "vehicles",
}
_PARTS = {
    "vehicles": "people in vehicles", "cars": "people in cars", "buses": "people in buses",
    "people": "people on foot", "on foot": "people on foot",
}  # fmt: skip


def delay_rows(
    documents: Sequence[dict[str, Any]], earlier: Sequence[dict[str, Any]]
) -> list[tuple[str, ...]]:
    """Rows of the table of figures: of timed plans, and of runs."""
    rows: list[tuple[str, ...]] = []
    for told in documents:
        pairs = _pairs(told, earlier)
        now = [(name, _figures(after)) for name, _, after in pairs]
        then = [(name, _figures(before)) for name, before, _ in pairs if before is not None]
        if now:
            rows += rows_of(
                _by_period(now), _by_period(then) if then else None, UNITS, SIGNAL_LABELS
            )
    return rows


def _by_period(told: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Figures of one answer, or of several periods of the day by period."""
    if len(told) == 1:
        return told[0][1]
    return {name: {period: one.get(name) for period, one in told if one.get(name) is not None}
            for name in UNITS}  # fmt: skip


def _figures(told: dict[str, Any]) -> dict[str, Any]:
    """What a table shows of an answer; the mean delay is that of all seeds."""
    mean, _ = _spread(told, "delay_s")
    return {name: told.get(name) for name in UNITS} | ({} if mean is None else {"delay_s": mean})


def delay_figures(
    documents: Sequence[dict[str, Any]], earlier: Sequence[dict[str, Any]]
) -> list[Figure]:
    """Delay by who bears it, before and after; and delay of runs with its spread over seeds."""
    figures = []
    for told in documents:
        pairs = _pairs(told, earlier)
        lost = [one for one in pairs if isinstance(one[2].get("parts"), dict)]
        if lost:
            figures.append(_parts(lost))
        for _, before, after in pairs:
            if isinstance(after.get("delay_s"), int | float):
                figures.append(_runs(before, after))
    return figures


def _pairs(
    told: dict[str, Any], earlier: Sequence[dict[str, Any]]
) -> list[tuple[str, dict[str, Any] | None, dict[str, Any]]]:
    """Period of the day, figures before and after; the period is empty where there is one alone."""
    if not isinstance(told.get("plans"), list):
        before, after = _pair(told, earlier)
        return [("", before, after)] if after else []
    found = [
        (str(one.get("name", "")), *_pair(one, ()))
        for one in told["plans"]
        if isinstance(one, dict)
    ]
    kept = [(name, before, after) for name, before, after in found if after]
    return kept if len(kept) > 1 else [("", before, after) for _, before, after in kept]


def _pair(
    told: dict[str, Any], earlier: Sequence[dict[str, Any]]
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Figures before and after: of the document itself, or of an earlier one beside it."""
    if isinstance(told.get("after"), dict):
        return told.get("before") if isinstance(told.get("before"), dict) else None, told["after"]
    if "delay_s" in told:
        return next((one for one in earlier if "delay_s" in one), None), told
    return None, None


def _parts(pairs: list[tuple[str, dict[str, Any] | None, dict[str, Any]]]) -> Figure:
    """Person hours lost an hour, by who loses them, and by period of the day."""
    rows = []
    for period, before, after in pairs:
        for part, value in after["parts"].items():
            who = _PARTS.get(part, part)
            then = None if before is None else (before.get("parts") or {}).get(part)
            rows.append((period, who, then, value))
    both = any(row[2] is not None for row in rows)
    groups = [
        {"name": f"{period}: {who}" if period else who, "bars": [
            *([{"series": "before", "value": before}] if both else []),
            {"series": "after", "value": after},
        ]}
        for period, who, before, after in rows
    ]  # fmt: skip
    series = [
        *([{"id": "before", "name": "before"}] if both else []),
        {"id": "after", "name": "after"},
    ]
    return Figure(
        "delay", "signals", "bars", "Time that people lose, before and after",
        "Hours that all people together lose at the signals in an hour of the period, by who loses them, "
        "under the same model for both plans.",
        {"groups": groups, "series": series, "unit": "person hours an hour"},
        pd.DataFrame(rows, columns=["period", "who", "before_h", "after_h"]),
    )  # fmt: skip


def _runs(before: dict[str, Any] | None, after: dict[str, Any]) -> Figure:
    """Mean delay of runs; a whisker tells the spread over seeds."""
    groups: list[dict[str, Any]] = []
    rows: list[tuple[Any, ...]] = []
    for name, label in (
        ("delay_s", "all vehicles"),
        ("person_delay_s", "people"),
        ("bus", "buses"),
    ):
        bars = []
        for series, told in (("before", before), ("after", after)):
            if told is None:
                continue
            value, spread = _spread(told, name)
            if value is None:
                continue
            bars.append({"series": series, "value": value, **(spread or {})})
            low, high = (spread["low"], spread["high"]) if spread else (None, None)
            rows.append((label, series, value, low, high))
        if bars:
            groups.append({"name": label, "bars": bars})
    told_apart = [
        {"id": one, "name": one} for one in ("before", "after") if before or one == "after"
    ]
    columns = ["who", "plan", "delay_s", "low_s", "high_s"]
    return Figure(
        "run-delay", "signals", "bars", f"Delay in simulated runs{', before and after' if before else ''}",
        "Mean delay. Whiskers: the least and most over repeated runs; of buses one standard deviation.",
        {"groups": groups, "series": told_apart, "unit": "s"}, pd.DataFrame(rows, columns=columns),
    )  # fmt: skip


def _spread(told: dict[str, Any], name: str) -> tuple[float | None, dict[str, Any] | None]:
    """A mean and its spread: over seeds, else a standard deviation of the answer's own, or none."""
    seeds = told.get("delay_s_by_seed") if name == "delay_s" else None
    if isinstance(seeds, list) and len(seeds) > 1:
        return sum(seeds) / len(seeds), {
            "low": min(seeds), "high": max(seeds), "spread": f"least and most of {len(seeds)} runs",
        }  # fmt: skip
    value = told.get(name)
    inner = value if isinstance(value, dict) else told
    mean = inner.get("delay_s") if isinstance(value, dict) else value
    if not isinstance(mean, int | float):
        return None, None
    deviation = inner.get("delay_sd_s") if name in {"bus", "delay_s"} else inner.get(f"{name}_sd")
    if isinstance(deviation, int | float):
        low = max(float(mean) - float(deviation), 0.0)
        return float(mean), {
            "low": low,
            "high": float(mean) + float(deviation),
            "spread": "± one standard deviation",
        }
    return float(mean), None
