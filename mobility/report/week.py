"""A week of plans: what each kind of day needs and costs, with one fleet over all."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mobility.report.charts import bars, is_number
from mobility.report.numbers import LABELS, rows_of, table_of
from mobility.report.page import Part
from mobility.units import format_money, minor_digits

_LABELS = LABELS | {
    "vehicles": "Buses of the whole fleet",
    "objective": "Cost of the days planned",
    "bound": "Cost of those days that no plan can beat",
    "month_minor": "Cost a month",
    "year_minor": "Cost a year",
    "year_bound_minor": "Cost a year that no plan can beat",
}


def week_part(told: dict[str, Any], earlier: dict[str, Any] | None) -> Part:
    """What ``fleet plan --week`` brings."""
    days, fleet = pd.DataFrame(told["day_types"]), pd.DataFrame(told["fleet"])
    currency = str(told["currency"])
    money, unit = f"minor:{currency}", 10 ** minor_digits(currency)
    units = {
        "vehicles": "buses", "vehicles_bound": "buses", "objective": money, "bound": money,
        "gap": "of the cost", "month_minor": money, "year_minor": money, "year_bound_minor": money,
    }  # fmt: skip
    rows: list[dict[str, Any]] = list(told["day_types"])
    names = [
        f"{one['day_type']} ({one['days']} {'day' if one['days'] == 1 else 'days'})" for one in rows
    ]
    figures = (
        bars("week-buses", "week", "Buses of each kind of day",
             "Buses that go out, and the least that any plan needs.",
             [(name, {"out": one["vehicles"], "bound": one["vehicles_bound"]})
              for name, one in zip(names, rows, strict=True)],
             {"out": "go out", "bound": "no plan needs fewer"}, "buses", days),
        bars("week-costs", "week", "What a day of each kind costs",
             f"Cost of one such day with the whole fleet, and what no plan can beat, in {currency}.",
             [(name, {"cost": _over(one["cost_minor"], unit), "bound": _over(one["bound_minor"], unit)})
              for name, one in zip(names, rows, strict=True)],
             {"cost": "the plan", "bound": "no plan can beat"}, f"{currency} a day", days),
        *((bars("week-fleet", "week", "The fleet", "Buses by type and depot, as the day that needs most of them asks.",
                [(f"{one['type']}, {one['depot']}", {"buses": one["vehicles"]}) for one in fleet.to_dict("records")],
                {"buses": "buses"}, "buses", fleet),) if len(fleet) else ()),
    )  # fmt: skip
    source = told.get("source") or {}
    files = [("SHA-256 of the feed", str(source["sha256"]))] if source.get("sha256") else []
    planned = ", ".join(f"{one['day_type']}: {one['date']}, {one['status']}" for one in rows)
    return Part(
        domain="fleet",
        id="fleet-week",
        title="A week, a month, a year",
        headline=_says(told, rows, currency),
        kpis=table_of(rows_of(told, earlier, units, _LABELS)),
        figures=figures if told.get("objective") is not None else (),
        findings=tuple(told.get("check", ())),
        assumptions=tuple(told.get("assumptions", ())),
        provenance=(("Days planned", planned), *files),
    )


def _over(value: Any, unit: int) -> float | None:
    return float(value) / unit if is_number(value) else None


def _says(told: dict[str, Any], rows: list[dict[str, Any]], currency: str) -> tuple[str, ...]:
    if told.get("objective") is None:
        return (f"There is no plan of the week: {told.get('why') or told.get('status')}.",)
    kinds = len(rows)
    said = [
        f"{told['vehicles']:,} buses carry every day, of {kinds} {'kind' if kinds == 1 else 'kinds'}."
    ]
    least = told["vehicles_bound"]
    said.append(
        "It is proven that no fewer can do."
        if least >= told["vehicles"]
        else f"It is proven that at least {least:,} are needed."
    )
    if told.get("year_minor") is not None:
        year, bound = (
            format_money(told[one], currency) for one in ("year_minor", "year_bound_minor")
        )
        said.append(f"A year costs {year}; no plan can cost less than {bound}.")
    return tuple(said)
