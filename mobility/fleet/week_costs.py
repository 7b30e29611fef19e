"""What a date costs in a week whose fleet is paid as a whole, and what it costs at least."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.fleet.blocks import plan_blocks
from mobility.fleet.energy import demand_day_price
from mobility.fleet.tariff import base_kw, peaks_kw, places

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mobility.fleet.problem import Demand, Problem
    from mobility.fleet.runs import BlockMode
    from mobility.fleet.week_plan import DayPlan
    from mobility.stop import Stop


def fleet_of(days: Sequence[DayPlan]) -> pd.DataFrame:
    """Of each type and at each depot, the buses of the day type that needs most of them."""
    most: dict[tuple[str, str], tuple[int, dt.date]] = {}
    for one in days:
        if one.plan is None:
            continue
        buses = one.plan.blocks.drop_duplicates("vehicle")
        for key, count in Counter(zip(buses["type"], buses["depot"], strict=True)).items():
            name = (str(key[0]), str(key[1]))
            if count > most.get(name, (0, one.kind.dates[0]))[0]:
                most[name] = count, one.kind.dates[0]
    rows = [(*name, *most[name]) for name in sorted(most)]
    return pd.DataFrame(rows, columns=["type", "depot", "vehicles", "date"])


def day_price(problem: Problem, name: str) -> float:
    """Day cost of a type of bus; of one that the case does not have, the case's."""
    own = next((one.vehicle_day_minor for one in problem.vehicles if one.id == name), None)
    return problem.costs.vehicle_day_minor if own is None else own


def every_day(days: Sequence[DayPlan], fleet: pd.DataFrame) -> dict[str, float]:
    """What every date costs, whatever runs: the fleet, and demand charges of longer than a day."""
    problem = next(one.problem for one in days if one.problem is not None)
    paid = {
        "vehicles": float(math.ceil(sum(
            count * day_price(problem, name)
            for name, count in zip(fleet["type"], fleet["vehicles"], strict=True)
        ) - 1e-6))
    }  # fmt: skip
    peaks: dict[tuple[str, int], float] = {}
    for one in days:
        for key, minor in demand_of(one, daily=False).items():
            peaks[key] = max(peaks.get(key, 0.0), minor)
    if peaks:
        paid["demand"] = float(math.ceil(sum(peaks.values()) - 1e-6))
    return paid


def _paid_kw(problem: Problem, load: pd.DataFrame, charge: Demand) -> NDArray[np.float64]:
    """(sites of ``load``,) kW of each peak that are paid for: buildings included, above what is paid."""
    slot_s = problem.tariff.slot_s
    own = {one.id: one for one in places(problem)}
    base = np.array([base_kw(own[str(site)], slot_s) for site in load.index])
    above = peaks_kw(load.to_numpy(float) + base, charge) - charge.so_far_kw
    return np.maximum(above, 0.0)


def demand_of(day: DayPlan, *, daily: bool) -> dict[tuple[str, int], float]:
    """The day's share of the demand charges, by site and charge: the daily ones, or all others."""
    power = getattr(day.plan, "power", None)
    if power is None or day.problem is None or power.empty:
        return {}
    load = power.pivot_table(index="site", columns="start_s", values="kw", observed=True)
    return {
        (str(site), at): demand_day_price(day.problem, charge) * float(kw)
        for at, charge in enumerate(day.problem.tariff.demand)
        if (charge.period == "day") == daily
        for site, kw in zip(load.index, _paid_kw(day.problem, load, charge), strict=True)
    }


def day_parts(day: DayPlan, standing: dict[str, float]) -> dict[str, float]:
    """What a date of a day type costs, with the whole fleet and the highest peaks."""
    own = {} if day.plan is None else dict(day.plan.report.parts)
    parts = {name: value for name, value in own.items() if name not in ("vehicles", "demand")}
    daily = math.ceil(sum(demand_of(day, daily=True).values()) - 1e-6)
    found = {"vehicles": standing.get("vehicles", 0.0), **parts}
    if "demand" in own or "demand" in standing:
        found["demand"] = standing.get("demand", 0.0) + daily
    return found


def day_bound(
    day: DayPlan, fleet: int, problem: Problem, blocks: BlockMode, stop: Stop | None, seed: int
) -> float:
    """What a date costs at least, in a week whose fleet has at least ``fleet`` vehicles.

    The day's own bound holds: the fleet is no smaller than the day's vehicles. So does the price of
    the least fleet, plus what the day costs where vehicles are free.
    """
    prices = [day_price(problem, one.id) for one in problem.vehicles]
    least = fleet * min([*prices, problem.costs.vehicle_day_minor])
    if day.plan is None or day.problem is None:
        return math.floor(least)
    own = day.plan.report.bound or 0.0
    if day.plan.vehicles_bound >= fleet:
        return own
    free = replace(
        day.problem,
        costs=replace(day.problem.costs, vehicle_day_minor=0.0),
        vehicles=tuple(replace(one, vehicle_day_minor=None) for one in day.problem.vehicles),
    )
    running = plan_blocks(free, blocks=blocks, stop=stop, seed=seed).report.bound or 0.0
    energy = float(getattr(day.plan, "bounds", {}).get("trip_energy", 0.0))
    return max(own, math.floor(least + running + energy))
