"""What electricity costs: energy by slot of the day, and demand charges on a site's peak."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet.energy import demand_day_price
from mobility.units import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.problem import Charger, Demand, Depot, Problem, Tariff


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


def by_second(pairs: tuple[tuple[int, float], ...], otherwise: float) -> NDArray[np.float64]:
    """Figure of every second of the day; before the first time the last one holds."""
    second = np.full(DAY_S, pairs[-1][1] if pairs else otherwise)
    for at, value in pairs:
        second[at:] = value
    return second


@lru_cache(maxsize=1024)
def base_kw(site: Depot | Charger, slot_s: int) -> NDArray[np.float64]:
    """(slots,) mean power that buildings draw behind a site's connection."""
    return _kept(by_second(site.base_kw, 0.0).reshape(-1, slot_s).mean(axis=1))


@lru_cache(maxsize=1024)
def room_kw(site: Depot | Charger, slot_s: int) -> NDArray[np.float64]:
    """(slots,) what a site's connection leaves for buses in each whole slot, inf where nothing limits."""
    limit = by_second(site.site_kw_by_time, np.inf)
    if site.site_kw is not None:
        limit = np.minimum(limit, site.site_kw)
    free = limit - by_second(site.base_kw, 0.0)
    return _kept(np.maximum(free.reshape(-1, slot_s).min(axis=1), 0.0))


def _kept(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """An array that everybody may read and nobody may change."""
    figures.setflags(write=False)
    return figures


def places(problem: Problem) -> tuple[Depot | Charger, ...]:
    """Every place with chargers: depots, then terminals, the order of sites everywhere."""
    return (*problem.depots, *problem.chargers)


def system_room_kw(problem: Problem) -> NDArray[np.float64] | None:
    """(slots,) what all sites together may give to buses; None where nothing limits it."""
    most, slot_s = problem.tariff.system_kw, problem.tariff.slot_s
    if most is None:
        return None
    base = sum((by_second(one.base_kw, 0.0) for one in places(problem)), np.zeros(DAY_S))
    return np.asarray(np.maximum(most - base.reshape(-1, slot_s).max(axis=1), 0.0), float)


def with_base(problem: Problem, load: NDArray[np.float64]) -> NDArray[np.float64]:
    """Load of all sites (depots, then terminals) with what buildings draw there."""
    slot_s = problem.tariff.slot_s
    base = [base_kw(one, slot_s) for one in places(problem)]
    return load + np.array(base).reshape(load.shape)


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
    """The planned day's share of the demand charges of all sites, buildings' draw included."""
    return float(demand_by_site(problem, load).sum())


def demand_by_site(problem: Problem, load: NDArray[np.float64]) -> NDArray[np.float64]:
    """(sites,) the planned day's share of the demand charges: what lies above the peak already paid."""
    whole = with_base(problem, load)
    cost = np.zeros(load.shape[0])
    for one in problem.tariff.demand:
        above = np.maximum(peaks_kw(whole, one) - one.so_far_kw, 0.0)
        cost += demand_day_price(problem, one) * above
    return cost
