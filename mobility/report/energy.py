"""Power that the sites draw, what it costs when, and the peaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.report.page import Figure
from mobility.units import DAY_S, format_time, minor_digits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet import BlockPlan, Plan

# More sites cannot be told apart in one stack: the smaller ones are drawn together.
_MOST_LAYERS = 7


def energy_figures(
    plan: Plan | BlockPlan, earlier: Plan | BlockPlan | None = None
) -> tuple[Figure, ...]:
    """Power of all sites together, and of each alone; nothing where nobody charges.

    An earlier plan of the same slots is drawn as a line.
    """
    from mobility.fleet.plan import Plan

    if not isinstance(plan, Plan) or not len(plan.power) or plan.power["kw"].max() <= 0:
        return ()
    slot = plan.problem.tariff.slot_s
    loads = {
        str(site): part.sort_values("start_s")["kw"].to_numpy(float)
        for site, part in plan.power.groupby("site", sort=True, observed=True)
        if part["kw"].max() > 0
    }
    by_size = sorted(loads, key=lambda site: (-float(loads[site].sum()), site))
    own = by_size if len(by_size) <= _MOST_LAYERS + 1 else by_size[:_MOST_LAYERS]
    layers = [{"id": site, "name": site, "values": _kw(loads[site])} for site in sorted(own)]
    if rest := by_size[len(own) :]:
        summed = np.sum([loads[site] for site in rest], axis=0)
        layers.append({"id": "", "name": f"{len(rest)} other sites", "values": _kw(summed)})
    in_all = np.sum(list(loads.values()), axis=0)
    start = [at * slot for at in range(len(in_all))]
    most = round(float(in_all.max()), 1)
    when = format_time(start[int(in_all.argmax())])[:5]
    tariff = tariff_bands(plan)
    then = _in_all(earlier, len(in_all))
    drawn = {} if then is None else {"before": {"name": "before", "values": _kw(then)}}
    peak_then = "" if then is None else f" Before it was {float(then.max()):,.0f} kW."
    shared = {"start": start, "unit": "kW", "zone": plan.problem.timezone, "tariff": tariff}
    table = plan.power.pivot_table(index="start_s", columns="site", values="kw", observed=True)
    table = table.add_suffix("_kw").reset_index().rename_axis(columns=None)
    together = Figure(
        "power", "energy", "stack", "Power of all sites together",
        f"The peak is {most:,.0f} kW, from {when}.{peak_then} {tariff['says']}",
        {**shared, "layers": layers, **drawn,
         "line": {"value": most, "name": f"peak {most:,.0f} kW, from {when}"}},
        table if then is None else table.assign(before_kw=then),
    )  # fmt: skip
    return together, _each_site(plan, loads, shared)


def _in_all(plan: Plan | BlockPlan | None, slots: int) -> NDArray[np.float64] | None:
    """Power of all sites of an earlier plan; None where it has none, or other slots."""
    from mobility.fleet.plan import Plan

    if not isinstance(plan, Plan) or not len(plan.power):
        return None
    summed = plan.power.groupby("start_s")["kw"].sum().sort_index().to_numpy(float)
    return summed if len(summed) == slots and summed.max() > 0 else None


def _each_site(plan: Plan, loads: dict[str, Any], shared: dict[str, Any]) -> Figure:
    """Each site's power beside the limit of its connection."""
    limits = {one.id: one.site_kw for one in plan.problem.depots}
    limits |= {one.id: one.site_kw for one in plan.problem.chargers}
    sites, rows = [], []
    for site, load in loads.items():
        at = int(load.argmax())
        limit = limits.get(site)
        kwh = float(load.sum()) * plan.problem.tariff.slot_s / 3600.0
        sites.append({
            "name": site, "values": _kw(load), "limit": limit,
            "peak": round(float(load[at]), 1), "at": shared["start"][at],
        })  # fmt: skip
        when = format_time(shared["start"][at])
        rows.append((site, round(float(load[at]), 1), when, limit, round(kwh, 1)))
    columns = ["site", "peak_kw", "peak_from", "site_limit_kw", "energy_kwh"]
    return Figure(
        "sites", "energy", "sites", "Power of each site",
        "The power of every site that charges, on one scale; the dashed line is the limit of its "
        "connection, where it is near.",
        {**shared, "sites": sites}, pd.DataFrame(rows, columns=columns),
    )  # fmt: skip


def tariff_bands(plan: Plan) -> dict[str, Any]:
    """Prices over the day, and the hours in which the peak is billed, in seconds of the day."""
    tariff, currency = plan.problem.tariff, plan.problem.currency
    energy = list(tariff.energy)
    ends = [*(start for start, _ in energy[1:]), energy[0][0] + DAY_S]
    bands = []
    for (start, price), end in zip(energy, ends, strict=True):
        for low, high in ((start, min(end, DAY_S)), (0, end - DAY_S)):
            if high > low:
                bands.append({"from": low, "to": high, "price": price})
    month = plan.problem.date.month if plan.problem.date else None
    hours = []
    for demand in tariff.demand:
        if month and demand.months and month not in demand.months:
            continue
        for start, end in demand.hours:
            for low, high in ((start, end),) if end > start else ((start, DAY_S), (0, end)):
                hours.append({"from": low, "to": high, "price": demand.price})
    prices = sorted({price for _, price in energy})
    unit = 10 ** minor_digits(currency)
    says = (
        f"Shaded: dearer energy, {currency} {prices[0] / unit:g} to {prices[-1] / unit:g} a kWh."
        if len(prices) > 1
        else f"Energy costs {currency} {prices[0] / unit:g} a kWh all day."
    )
    if hours:
        says += " Hatched: hours in which the peak is billed."
    return {"bands": bands, "demand": hours, "currency": currency, "unit": unit, "says": says}


def _kw(values: Any) -> list[float]:
    return [round(float(one), 1) for one in values]
