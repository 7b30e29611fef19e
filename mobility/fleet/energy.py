"""How much energy a run takes, and what the grid asks for it at the very least.

Trips and empty runs take what the problem says (:mod:`mobility.fleet.consumption`); a bus that
stands at a terminal or in a depot takes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet.consumption import USUAL_PLACES
from mobility.fleet.links import NEVER_S, latest_leave, run_metres, run_time
from mobility.fleet.problem import UNREACHABLE_S
from mobility.units import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.problem import Demand, Problem


def trip_kwh(problem: Problem) -> NDArray[np.float64]:
    """Energy of each trip in service, kWh."""
    return problem.trip_kwh()


def run_kwh(problem: Problem, metres: NDArray[np.int64]) -> NDArray[np.float64]:
    """Energy of empty runs, kWh."""
    return np.asarray(metres * (problem.run_kwh_km() / 1000.0), np.float64)


def notes(problem: Problem) -> list[str]:
    """How the energy is reckoned and what is assumed in it, in sentences; the first always stands."""
    bus, own = problem.vehicle, problem.consumption
    parts = f"{bus.kwh_km:g} kWh/km on every run"
    if bus.mass_kg is not None:
        parts = f"{bus.kwh_km:g} kWh/km at 18 km/h; speed, stops, load and climb by the model"
    if problem.temperature_c is not None:
        outside = np.asarray(problem.temperature_c, np.float64)
        low, high = float(outside.min()), float(outside.max())
        parts += (
            f"; cabin at {low:g} C outside" if low == high else f"; cabin at {low:g} to {high:g} C"
        )
    told = [f"consumption: {parts}; standing takes nothing"]
    if problem.temperature_c is not None and not bus.hvac:
        told.append(f"bus {bus.id!r}: heated by an electric heater; give hvac for another")
    if bus.mass_kg is not None and bus.passengers is None:
        told.append(f"bus {bus.id!r}: {USUAL_PLACES} places")
    if own is None:
        return told
    if own.heights_m:
        ends = problem.trips[["from_stop", "to_stop"]].isin(list(own.heights_m)).all(axis=1)
        if level := int((~ends).sum()):
            told.append(f"heights: {level:,} trips are level, an end of theirs has no height")
    if own.table is not None:
        used = own.table.rows_of(problem.trips, bus.id)
        fit, rows = int((used >= 0).sum()), np.unique(used[used >= 0])
        told.append(
            f"measured consumption ({own.use}): {len(rows):,} of {len(own.table):,} rows stand for "
            f"{fit:,} of {used.size:,} trips"
        )
        blank = int(own.table.rows["p90"].iloc[rows].isna().sum())
        if own.use == "p90" and blank:
            told.append(f"measured consumption: {blank:,} rows have no p90, their mean serves")
    return told


def beyond_battery(problem: Problem) -> NDArray[np.bool_]:
    """Trips beyond a battery even alone, full at the start, from the nearest depot the rules allow."""
    own = trip_kwh(problem)
    alone = np.full(own.size, np.inf)
    at = problem.arrive_s.astype(np.int64)
    for row, place in enumerate(problem.depot_place):
        depot = np.full(own.size, place, np.int32)
        leave = latest_leave(
            problem.deadheads, depot, problem.from_place, problem.depart_s.astype(np.int64)
        )
        out = run_metres(problem.deadheads, depot, problem.from_place, np.maximum(leave, -DAY_S))
        home_s = run_time(problem.deadheads, problem.to_place, depot, at)
        home = run_metres(problem.deadheads, problem.to_place, depot, at)
        reachable = (leave > NEVER_S) & (home_s < UNREACHABLE_S) & problem.allowed.depots[:, row]
        alone = np.where(reachable, np.minimum(alone, own + run_kwh(problem, out + home)), alone)
    # A trip that no depot reaches is not the battery's fault.
    beyond: NDArray[np.bool_] = np.isfinite(alone) & (alone > problem.vehicle.usable_kwh + 1e-6)
    return beyond


def least_kwh_price(problem: Problem) -> float:
    """Minor units that a kWh costs at least: the lowest price, plus its share in demand charges.

    A demand charge that counts all day is on the highest mean power, which is no less than the
    day's mean; so a kWh a day costs at least ``price / 24`` more. Charges of some hours add none, nor
    do those of which a part is paid already.
    """
    price = min(one for _, one in problem.tariff.energy)
    whole_day = sum(
        demand_day_price(problem, one) / 24.0
        for one in problem.tariff.demand
        if not one.hours and one.so_far_kw == 0
    )
    return price + whole_day


def demand_day_price(problem: Problem, demand: Demand) -> float:
    """A demand charge's share of the planned day, minor units per kW.

    A monthly price is spread over the days of the day's month, a yearly one over its year; without
    a date, over 30 and 365 days; ``billed_days`` goes before all of these. Outside its months and
    weekdays a charge is 0.
    """
    from calendar import isleap, monthrange

    day = problem.date
    if demand.months and day is not None and day.month not in demand.months:
        return 0.0
    if demand.days and day is not None and day.weekday() not in demand.days:
        return 0.0
    if demand.billed_days is not None:
        return demand.price / demand.billed_days
    month = 30 if day is None else monthrange(day.year, day.month)[1]
    year = 365 if day is None else 365 + isleap(day.year)
    return demand.price / {"day": 1, "month": month, "year": year}[demand.period]
