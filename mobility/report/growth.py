"""How a fleet grows: chargers and power of its depots, and the order in which routes go electric."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mobility.report.charts import bars, is_number
from mobility.report.numbers import rows_of, table_of
from mobility.report.page import Figure, Part
from mobility.units import minor_digits

_MOST = 40
_SIZED = {"buses": "buses", "chargers": "chargers", "chargers_bound": "chargers",
          "site_kw": "kW", "site_kw_bound": "kW"}  # fmt: skip
_SIZED_LABELS = {
    "buses": "Electric buses",
    "chargers": "Chargers that do",
    "chargers_bound": "Chargers that no plan can do without",
    "site_kw": "Power of all connections",
    "site_kw_bound": "Power that no plan can do without",
}
_STAGED = {"stages": "stages", "buses": "buses", "chargers": "chargers", "km_share": "of the km"}
_STAGED_LABELS = {
    "stages": "Stages",
    "buses": "Electric buses in the end",
    "chargers": "Chargers in use at once in the end",
    "km_share": "Share of the distance that is electric in the end",
}


def sizing_part(told: dict[str, Any], earlier: dict[str, Any] | None) -> Part:
    """What ``fleet size`` brings: chargers and power of each depot, and what fewer or more would cost."""
    del earlier
    table, curve = pd.DataFrame(told["sites"]), pd.DataFrame(told["curve"])
    sums = {name: float(table[name].sum()) for name in _SIZED}
    numbers = {name: int(value) if unit != "kW" else value
               for (name, unit), value in zip(_SIZED.items(), sums.values(), strict=True)}  # fmt: skip
    most, least = int(sums["chargers"]), int(sums["chargers_bound"])
    said = [f"{most:,} chargers and {sums['site_kw']:,.0f} kW do for {int(sums['buses']):,} electric buses.",
            "It is proven that no fewer chargers can do." if least >= most
            else f"It is proven that at least {least:,} chargers are needed."]  # fmt: skip
    if not told.get("checked_together"):
        said.append(
            f"Depots are sized one by one, not checked together: {told.get('why') or 'no plan'}."
        )
    rows: list[dict[str, Any]] = list(told["sites"])
    figures = [
        bars("chargers", "whatif", "Chargers of each depot",
             "The fewest for which a checked plan was found, and the number below which it is proven that "
             "none exists.",
             [(f"{one['site']} ({one['buses']:,} buses)", {"now": one.get("chargers_now"), "found": one["chargers"],
               "bound": one["chargers_bound"]}) for one in rows],
             _only(rows, {"now": "there now", "found": "do", "bound": "no plan needs fewer"},
                   {"now": "chargers_now", "found": "chargers", "bound": "chargers_bound"}),
             "chargers", table),
        bars("connections", "whatif", "Power of each depot's connection",
             "The least limit for which a checked plan was found with those chargers, and its bound.",
             [(str(one["site"]), {"found": one["site_kw"], "bound": one["site_kw_bound"]}) for one in rows],
             {"found": "does", "bound": "no plan needs less"}, "kW", table),
        *_curve(curve, str(told.get("currency") or "")),
    ]  # fmt: skip
    return Part(
        domain="fleet", id="fleet-sizing", title="How many chargers?", headline=tuple(said),
        kpis=table_of(rows_of(numbers, None, _SIZED, _SIZED_LABELS)), figures=tuple(figures),
    )  # fmt: skip


def _only(
    rows: list[dict[str, Any]], series: dict[str, str], columns: dict[str, str]
) -> dict[str, str]:
    """The series of which some row has a number."""
    return {
        name: said
        for name, said in series.items()
        if any(is_number(one.get(columns[name])) for one in rows)
    }


def _curve(curve: pd.DataFrame, currency: str) -> list[Figure]:
    """What a day costs over the number of chargers of each depot; its peak beside it."""
    if not len(curve) or not curve["cost_minor"].notna().any():
        return []
    unit = 10 ** minor_digits(currency) if currency else 1
    money = currency or "minor units"
    sites = [(str(name), part.sort_values("chargers")) for name, part in curve.groupby("site")][:6]
    panels = []
    for title, column, by, said in (
        ("cost a day", "cost_minor", unit, money),
        ("peak power", "site_kw", 1, "kW"),
    ):
        series = [
            {"name": name, "points": [
                [int(row["chargers"]), float(row[column]) / by if is_number(row[column]) else None]
                for row in part.to_dict("records")]}
            for name, part in sites
        ]  # fmt: skip
        panels.append({"title": title, "unit": said, "series": series, "lines": []})
    return [Figure(
        "charger-curve", "whatif", "lines", "What more chargers would change",
        "Energy, billed peak and chargers of a day, and the peak, over the number of chargers; all other "
        "depots stay as they are.",
        {"panels": panels, "x": {"name": "chargers of the depot", "marks": []}}, curve,
    )]  # fmt: skip


def transition_part(told: dict[str, Any], earlier: dict[str, Any] | None) -> Part:
    """What ``fleet transition`` brings: which routes or blocks go electric when, and what it takes."""
    del earlier
    stages, order = pd.DataFrame(told["stages"]), pd.DataFrame(told["order"])
    what = "routes" if told.get("by") == "routes" else "blocks"
    last = stages.to_dict("records")[-1]
    numbers = {
        "stages": len(stages),
        **{name: last[name] for name in ("buses", "chargers", "km_share")},
    }
    count = f"{len(order):,} {what} go" if len(order) != 1 else f"One {what[:-1]} goes"
    said = [(f"{count} electric in {len(stages)} stages: {int(last['buses']):,} buses and "
            f"{100 * last['km_share']:.0f} % of the distance in the end.")]  # fmt: skip
    if not len(order):
        said = [f"None of the {what} can go electric with the buses allowed."]
    gap = told.get("gap")
    if gap is not None and len(order):
        said.append("No order has more electric kilometres over the stages." if abs(gap) < 0.0005 else
                    f"No order can have more than {100 * abs(gap):.1f} % more electric kilometres.")  # fmt: skip
    rows = stages.to_dict("records")
    figures = [
        bars("stages-km", "whatif", "How far each stage gets",
             "Share of the distance of the plan's electric buses that is electric after each stage.",
             [(f"stage {one['stage']}: {int(one['buses']):,} buses", {"km": 100 * one["km_share"]}) for one in rows],
             {"km": "electric"}, "% of the km", stages),
        bars("stages-need", "whatif", "What each stage needs",
             "Buses that are electric, and chargers in use at once.",
             [(f"stage {one['stage']}", {"buses": one["buses"], "chargers": one["chargers"]}) for one in rows],
             {"buses": "buses", "chargers": "chargers"}, "", pd.DataFrame(told["chargers"])),
    ]  # fmt: skip
    if len(order):
        shown = order.head(_MOST).to_dict("records")
        more = "" if len(order) <= _MOST else f" The first {_MOST} of {len(order):,} are drawn."
        figures.append(bars(
            "order", "whatif", f"The order of the {what}",
            f"Kilometres a day that become electric with each, in the order of the plan.{more}",
            [(f"{one['stage']}: {one['name']}", {"km": one["km"]}) for one in shown],
            {"km": "electric with it"}, "km a day", order,
        ))  # fmt: skip
    return Part(
        domain="fleet", id="fleet-transition", title="In which order?", headline=tuple(said),
        kpis=table_of(rows_of(numbers, None, _STAGED, _STAGED_LABELS)), figures=tuple(figures),
    )  # fmt: skip
