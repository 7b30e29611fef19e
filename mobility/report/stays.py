"""Charging of buses that stand: power of each site, and what other habits of charging would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.report.charts import bars
from mobility.report.numbers import rows_of, table_of
from mobility.report.page import Figure, Part
from mobility.units import DAY_S, format_time

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNITS = {"sessions": "sessions", "buses": "buses", "kwh": "kWh", "peak_kw": "kW",
          "objective": "", "bound": "", "gap": "of the cost"}  # fmt: skip
_LABELS = {
    "sessions": "Times that a bus is plugged in",
    "buses": "Buses",
    "kwh": "Energy charged",
    "peak_kw": "Peak power",
    "objective": "Cost a day, minor units",
    "bound": "Cost that no plan can beat, minor units",
    "gap": "Gap between the two",
}
_HABITS = {
    "first-come": "first come, first served", "balanced": "power shared out evenly",
    "optimal": "this plan", "relaxed": "this plan",
}  # fmt: skip


def stays_part(told: dict[str, Any], earlier: dict[str, Any] | None) -> Part:
    """What ``fleet charge STAYS`` brings."""
    del earlier
    sessions = pd.DataFrame([
        {name: value for name, value in one.items() if name != "kw"} for one in told["sessions"]
    ])  # fmt: skip
    numbers = {**{name: told.get(name) for name in ("objective", "bound", "gap", "peak_kw")},
               "sessions": len(sessions),
               "buses": int(sessions["bus"].nunique()) if len(sessions) else 0,
               "kwh": float(sessions["kwh"].sum()) if len(sessions) else 0.0}  # fmt: skip
    own, against = told.get("objective"), told.get("against") or {}
    figures = [*_power(told)]
    if own is not None and against:
        costs = {told["strategy"]: own, **against}
        figures.append(bars(
            "habits", "energy", "What other habits of charging would cost",
            "Cost of the same buses, energy and prices, in minor units a day.",
            [(_HABITS.get(name, name), {"cost": value}) for name, value in costs.items()],
            {"cost": "cost"}, "minor units a day", pd.DataFrame(list(costs.items()), columns=["habit", "cost_minor"]),
        ))  # fmt: skip
    return Part(
        domain="fleet", id="fleet-stays", title="Charging of buses that stand",
        headline=_says(told, numbers), kpis=table_of(rows_of(numbers, None, _UNITS, _LABELS)),
        figures=tuple(figures), findings=tuple(told.get("check", ())),
    )  # fmt: skip


def _says(told: dict[str, Any], numbers: dict[str, Any]) -> tuple[str, ...]:
    if told.get("objective") is None:
        return (f"There is no plan: {told.get('why') or told.get('status')}.",)
    said = [f"{numbers['buses']:,} buses are charged {numbers['kwh']:,.0f} kWh."]
    if missing := told.get("missing_kwh"):
        said.append(f"{sum(missing.values()):,.0f} kWh are missing: {told.get('why')}.")
    if told.get("saving") and told.get("against"):
        word = "less" if told["saving"] > 0 else "more"
        said.append(f"That costs {100 * abs(told['saving']):.1f} % {word} than "
                    "first come, first served at full power.")  # fmt: skip
    gap = told.get("gap")
    if gap is not None:
        said.append("No plan costs less." if abs(gap) < 0.0005
                    else f"No plan can cost more than {100 * gap:.1f} % less.")  # fmt: skip
    return tuple(said)


def _power(told: dict[str, Any]) -> list[Figure]:
    """Power of the sites over the clock, as layers; sessions have one power a slot."""
    drawn = [one for one in told["sessions"] if one.get("kw")]
    if not drawn:
        return []
    first = drawn[0]
    slot = round((first["end_s"] - first["start_s"]) / len(first["kw"]))
    if slot <= 0 or DAY_S % slot:
        return []
    count = DAY_S // slot
    loads: dict[str, NDArray[np.float64]] = {}
    for one in drawn:
        load = loads.setdefault(str(one["site"]), np.zeros(count))
        at = one["start_s"] // slot + np.arange(len(one["kw"]))
        np.add.at(load, at % count, np.asarray(one["kw"], float))
    in_all = np.sum(list(loads.values()), axis=0)
    start = [at * slot for at in range(count)]
    most, when = float(in_all.max()), format_time(start[int(in_all.argmax())])[:5]
    layers = [{"id": site, "name": site, "values": [round(float(kw), 1) for kw in loads[site]]}
              for site in sorted(loads)[:8]]  # fmt: skip
    table = pd.DataFrame(
        {"start_s": start, **{f"{site}_kw": loads[site] for site in sorted(loads)}}
    )
    return [Figure(
        "stay-power", "energy", "stack", "Power of the sites",
        f"The peak of all together is {most:,.0f} kW, from {when}.",
        {"start": start, "layers": layers, "unit": "kW", "zone": "the case's clock", "tariff": None,
         "line": {"value": most, "name": f"peak {most:,.0f} kW, from {when}"}},
        table,
    )]  # fmt: skip
