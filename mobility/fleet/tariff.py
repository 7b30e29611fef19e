"""What electricity costs: energy by slot of the day, and demand charges on a site's peak."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet.energy import demand_day_price
from mobility.units import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.problem import Demand, Problem, Tariff


def slot_prices(tariff: Tariff) -> NDArray[np.float64]:
    """Mean energy price of each slot of the day, minor units per kWh."""
    second = np.empty(DAY_S)
    starts = [at for at, _ in tariff.energy]
    prices = [price for _, price in tariff.energy]
    second[: starts[0]] = prices[-1]  # the day wraps: before the first time the last price holds
    for at, price in zip(starts, prices, strict=True):
        second[at:] = price
    slots: NDArray[np.float64] = second.reshape(-1, tariff.slot_s).mean(axis=1)
    return slots


def counted_intervals(demand: Demand) -> NDArray[np.bool_]:
    """Intervals of the day whose mean power counts: those that overlap the demand's hours."""
    if not demand.hours:
        return np.ones(DAY_S // demand.interval_s, bool)
    second = np.zeros(DAY_S, bool)
    for start, end in demand.hours:
        length = end - start if end > start else end + DAY_S - start
        second[np.arange(start, start + length) % DAY_S] = True
    return np.asarray(second.reshape(-1, demand.interval_s).any(axis=1), bool)


def counted_slots(demand: Demand, slot_s: int) -> NDArray[np.bool_]:
    """Slots of the day that lie in a counted interval, in whole or in part."""
    second = np.repeat(counted_intervals(demand), demand.interval_s)
    return np.asarray(second.reshape(-1, slot_s).any(axis=1), bool)


def peaks_kw(load: NDArray[np.float64], demand: Demand) -> NDArray[np.float64]:
    """(sites,) highest mean power over the counted intervals; ``load`` is (sites, slots) kW."""
    slot_s = DAY_S // load.shape[1]
    step = int(np.gcd(slot_s, demand.interval_s))
    fine = np.repeat(load, slot_s // step, axis=1)
    means = fine.reshape(load.shape[0], -1, demand.interval_s // step).mean(axis=2)
    peaks: NDArray[np.float64] = means[:, counted_intervals(demand)].max(axis=1, initial=0.0)
    return peaks


def energy_minor(problem: Problem, load: NDArray[np.float64]) -> float:
    """Cost of the energy of a day's load (sites, slots) kW."""
    hours = problem.tariff.slot_s / 3600.0
    return float((load.sum(axis=0) * slot_prices(problem.tariff)).sum() * hours)


def demand_minor(problem: Problem, load: NDArray[np.float64]) -> float:
    """The planned day's share of the demand charges of all sites."""
    return float(
        sum(
            demand_day_price(problem, one) * peaks_kw(load, one).sum()
            for one in problem.tariff.demand
        )
    )
