"""The checker's third part: every figure of the objective, counted again."""

from __future__ import annotations

from calendar import isleap, monthrange
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.findings import Finding, finding
from mobility.fleet.check_say import DAY, EMPTY

if TYPE_CHECKING:
    import pandas as pd

    from mobility.fleet.check_charging import Power
    from mobility.fleet.problem import Problem


def check_money(
    problem: Problem, plan: Any, blocks: pd.DataFrame, load: dict[str, Power] | None
) -> list[Finding]:
    """Every part of the objective, counted again; at most one minor unit off, from rounding up."""
    costs = problem.costs
    kind = blocks["kind"]
    wait = blocks[kind == "wait"]
    day = {
        one.id: one.vehicle_day_minor
        for one in problem.vehicles
        if one.vehicle_day_minor is not None
    }
    buses = blocks.drop_duplicates("vehicle")["type"]
    parts = {
        "vehicles": float(buses.map(day).astype(float).fillna(costs.vehicle_day_minor).sum()),
        "deadhead": blocks.loc[kind.isin(EMPTY), "distance_km"].sum() * costs.deadhead_km_minor,
        "waiting": (wait["end_s"] - wait["start_s"]).sum() / 3600.0 * costs.waiting_h_minor,
    }
    if load is not None:
        parts["energy"], parts["demand"] = _electricity(problem, load)
    if load is not None and any(one.energy != "electric" for one in problem.vehicles):
        rate = {
            one.id: one.fuel_km * problem.tariff.fuel_minor(one.energy) for one in problem.vehicles
        }
        fuel = blocks["distance_km"] * blocks["type"].map(rate).astype(float).fillna(0.0)
        parts["fuel"] = float(fuel.sum())
    found = []
    report = plan.report
    for part, value in parts.items():
        if abs(report.parts.get(part, 0.0) - value) > 1.0 + 1e-6 * abs(value):
            found.append(
                finding(
                    "cost_does_not_add_up", value=f"{part}: {report.parts.get(part)} is {value:.2f}"
                )
            )
    if strange := sorted(set(report.parts) - set(parts)):
        found.append(finding("cost_does_not_add_up", value=f"{strange[0]}: no part of a plan"))
    if abs(sum(report.parts.values()) - report.objective) > 1.0:
        found.append(finding("cost_does_not_add_up", value=f"the parts are not {report.objective}"))
    if hasattr(plan, "vehicles") and plan.vehicles != blocks["vehicle"].nunique():
        found.append(finding("cost_does_not_add_up", value=f"{plan.vehicles} vehicles"))
    if plan.vehicles_bound > plan.vehicles:
        told = f"at least {plan.vehicles_bound} vehicles, and {plan.vehicles} do"
        found.append(finding("cost_does_not_add_up", value=told))
    return found


def _electricity(problem: Problem, load: dict[str, Power]) -> tuple[float, float]:
    tariff = problem.tariff
    clock = np.arange(DAY)
    price = np.full(DAY, tariff.energy[-1][1])
    for at, minor in tariff.energy:
        price[clock >= at] = minor
    energy = demand = 0.0
    base = {one.id: one.base_kw for one in problem.depots}
    base |= {f"terminal:{one.stop_id}": one.base_kw for one in problem.chargers}
    for site, kw in load.items():
        second = np.repeat(kw, tariff.slot_s)
        energy += float((second * price).sum() / 3600.0)
        for at, building_kw in base[site]:  # from each time on, round the day, until the next
            until = min([one for one, _ in base[site] if one > at], default=base[site][0][0] + DAY)
            second[np.arange(at, until) % DAY] += building_kw
        for one in tariff.demand:
            counts = np.zeros(DAY, bool)
            for start, end in one.hours:
                length = end - start if end > start else end + DAY - start
                counts[np.arange(start, start + length) % DAY] = True
            if not one.hours:
                counts[:] = True
            means = second.reshape(-1, one.interval_s).mean(axis=1)
            peak = means[counts.reshape(-1, one.interval_s).any(axis=1)].max(initial=0.0)
            demand += (
                max(0.0, float(peak) - one.so_far_kw) * one.price * _share_of_day(problem, one)
            )
    return energy, demand


def _share_of_day(problem: Problem, demand: Any) -> float:
    day = problem.date
    if demand.billed_days is not None and day is None:
        return 1.0 / float(demand.billed_days)
    if day is None:
        return {"day": 1.0, "month": 1 / 30, "year": 1 / 365}[demand.period]
    if demand.months and day.month not in demand.months:
        return 0.0
    if demand.days and day.weekday() not in demand.days:
        return 0.0
    if demand.billed_days is not None:
        return 1.0 / float(demand.billed_days)
    days = {
        "day": 1,
        "month": monthrange(day.year, day.month)[1],
        "year": 366 if isleap(day.year) else 365,
    }
    return 1.0 / float(days[demand.period])
