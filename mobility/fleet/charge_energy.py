"""How much to charge in which stay of given blocks, and what no charging of them can beat.

A linear program of quarter hours (or the tariff's slots, where they are longer): power of each stay, the
charge of every bus along its day, the power of chargers and sites, the peaks that cost. It knows neither
whole chargers nor single plug-ins nor a curve, and it may use a quarter hour's cheapest slot, so that
its value is a bound. HiGHS solves it, through SciPy; the bound is what its duals prove.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from mobility.fleet import tariff as prices
from mobility.fleet.charge_duals import proven_value
from mobility.fleet.energy import demand_day_price
from mobility.units import DAY_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mobility.fleet.charging import Sites, Stays
    from mobility.fleet.problem import Demand, Problem

_STEP_S = 900
# Rows and columns beyond which the program is not tried: minutes, and gigabytes.
_MOST_COLUMNS = 3_000_000


@dataclass(frozen=True)
class Energies:
    """Energy of every stay (kWh), and the electricity's cost that no charging of these blocks can beat.

    ``peaks_kw`` (charges that cost, sites) are the peaks of this spread, in the tariff's order, and
    ``load_kw`` (sites, slots) its power.
    """

    kwh: NDArray[np.float64]
    bound_minor: float
    peaks_kw: NDArray[np.float64]
    load_kw: NDArray[np.float64]


@dataclass(frozen=True)
class Solved:
    """The answer of one program: power of its pieces, energy of stays, peaks, steps' power, least cost."""

    kw: NDArray[np.float64]
    kwh: NDArray[np.float64]
    peaks_kw: NDArray[np.float64]
    load_kw: NDArray[np.float64]
    bound_minor: float


class NoCharging(NamedTuple):
    """No answer; ``proven`` where the program has none, not where it was too large or numbers failed."""

    proven: bool


def cheapest_energies(
    problem: Problem,
    stays: Stays,
    sites: Sites,
    fixed_kwh: NDArray[np.float64] | None = None,
) -> Energies | NoCharging:
    """Spread each bus's energy over its stays as cheaply as can be.

    Parameters
    ----------
    problem, stays, sites
        Prices, batteries, and where buses stand; see :mod:`mobility.fleet.charging`.
    fixed_kwh
        (stays,) energy that some stays must give, NaN where it is free. The bound then holds for
        these only.
    """
    slot_s = problem.tariff.slot_s
    step_s = int(np.lcm(slot_s, _STEP_S)) if _STEP_S % slot_s else _STEP_S
    if DAY_S % step_s:
        step_s = slot_s
    stay, slot, share = _pieces(stays, slot_s, step_s)
    if stay.size > _MOST_COLUMNS:
        return NoCharging(proven=False)
    kw = np.minimum(bus_kw(problem, stays), sites.kw[stays.site])
    kw[sites.count[stays.site] == 0] = 0.0
    each = prices.slot_prices(problem.tariff).reshape(DAY_S // step_s, -1).min(axis=1)
    found = solve(problem, stays, sites, stay, slot, kw[stay] * share, each, step_s, fixed_kwh)
    if isinstance(found, NoCharging):
        return found
    load = np.repeat(found.load_kw, step_s // slot_s, axis=1)
    return Energies(found.kwh, found.bound_minor, found.peaks_kw, load)


def solve(
    problem: Problem,
    stays: Stays,
    sites: Sites,
    stay: NDArray[np.int64],
    slot: NDArray[np.int64],
    most_kw: NDArray[np.float64],
    each: NDArray[np.float64],
    step_s: int,
    fixed_kwh: NDArray[np.float64] | None = None,
) -> Solved | NoCharging:
    """Find the cheapest power of pieces: stay ``stay[p]`` in step ``slot[p]`` of the day, up to ``most_kw[p]``.

    ``each`` is the price of a kWh by step. Batteries, chargers as power, limits of sites and of all of
    them, and every demand charge over its own intervals hold.
    """
    from scipy.optimize import linprog

    day, hours = DAY_S // step_s, step_s / 3600.0
    count, many = stays.bus.size, stay.size
    charges = [
        (price, one, _intervals(one, step_s))
        for one in problem.tariff.demand
        if (price := demand_day_price(problem, one)) > 0
    ]
    # Columns: power by stay and step, kWh by stay, peak by charge and site.
    peaks = len(charges) * len(sites.names)
    width = many + count + peaks
    cost = np.concatenate([
        each[slot] * hours, np.zeros(count), np.repeat([price for price, _, _ in charges], len(sites.names)),
    ])  # fmt: skip
    slot_s = problem.tariff.slot_s
    places = prices.places(problem)
    base = np.stack([prices.base_kw(one, slot_s).reshape(day, -1).mean(axis=1) for one in places])
    paid = np.repeat(np.array([one.so_far_kw for _, one, _ in charges], float), len(sites.names))
    # Nothing is above what all pieces together give: a bound of every column makes duals a proof.
    all_kw = sites.count * sites.kw + base.max(axis=1, initial=0.0)
    lower = np.zeros(width)
    lower[many + count :] = paid
    upper = np.concatenate([
        most_kw, np.bincount(stay, most_kw, count) * hours, np.maximum(np.tile(all_kw, len(charges)), paid),
    ])  # fmt: skip
    if fixed_kwh is not None:
        given = np.flatnonzero(np.isfinite(fixed_kwh))
        upper[many + given] = lower[many + given] = fixed_kwh[given]
    column = np.arange(many)
    equal = sp.csr_matrix(
        (np.concatenate([np.full(many, hours), np.full(count, -1.0)]),
         (np.concatenate([stay, np.arange(count)]), np.arange(many + count))),
        shape=(count, width),
    )  # fmt: skip
    rows, right = _batteries(problem, stays, many, width)
    cell = stays.site[stay].astype(np.int64) * day + slot
    load = sp.csr_matrix((np.ones(many), (cell, column)), shape=(len(sites.names) * day, width))
    room = np.stack([prices.room_kw(one, slot_s).reshape(day, -1).mean(axis=1) for one in places])
    most = np.minimum(room, (sites.count * sites.kw)[:, None])
    limits, limited = [load], [most.ravel()]
    for number, (_, _, means) in enumerate(charges):
        for site in range(len(sites.names)):
            at = many + count + number * len(sites.names) + site
            peak = sp.csr_matrix(
                (np.full(means.shape[0], -1.0), (np.arange(means.shape[0]), np.full(means.shape[0], at))),
                shape=(means.shape[0], width),
            )  # fmt: skip
            limits.append(means @ load[site * day : (site + 1) * day] + peak)
            limited.append(-(means @ base[site]))
    system = prices.system_room_kw(problem)
    if system is not None:
        together = sp.csr_matrix((np.ones(many), (slot, column)), shape=(day, width))
        limits.append(together)
        limited.append(system.reshape(day, -1).mean(axis=1))
    below = sp.vstack([rows, *limits]).tocsr()
    right = np.concatenate([right, *limited])
    told: Any = linprog  # its stubs know lists of numbers only
    found = told(
        cost, below, right, equal, np.zeros(count),
        bounds=np.stack([lower, upper], axis=1), method="highs-ipm",
    )  # fmt: skip
    if found.status != 0:
        return NoCharging(proven=found.status == 2)
    value = proven_value(cost, below, right, equal, np.zeros(count), lower, upper, found)
    return Solved(
        found.x[:many],
        np.maximum(found.x[many : many + count], 0.0),
        found.x[many + count :].reshape(len(charges), len(sites.names)),
        (load @ found.x).reshape(-1, day),
        value - float((cost[many + count :] * paid).sum()),
    )


def _pieces(
    stays: Stays, slot_s: int, step_s: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Stay, step of the day, and share of the step's slots that lie inside the stay."""
    first = -(-stays.arrive_s // slot_s)
    end = np.maximum(stays.depart_s // slot_s, first)
    per, day = step_s // slot_s, DAY_S // step_s
    lengths = end - first
    who = np.repeat(np.arange(first.size), lengths)
    slot = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths - first, lengths)
    key, counts = np.unique(who * day + slot // per % day, return_counts=True)
    return key // day, key % day, counts / per


def bus_kw(problem: Problem, stays: Stays) -> NDArray[np.float64]:
    """(stays,) most power of the bus, at its best state of charge."""
    most = [min(one.max_kw, max((kw for _, kw in one.curve), default=one.max_kw))
            for one in problem.vehicles]  # fmt: skip
    return np.array(most, float)[stays.kind[stays.bus]]


def _intervals(demand: Demand, step_s: int) -> Any:
    """(intervals, steps) means over the charge's counted intervals, or over whole steps of them.

    The mean of a step is never above the highest mean of the intervals that it is made of. Intervals
    that neither hold whole steps nor fill them are left out: the value stays a bound.
    """
    day, counted = DAY_S // step_s, prices.counted_intervals(demand)
    if demand.interval_s % step_s == 0:
        per = demand.interval_s // step_s
        at = np.flatnonzero(counted)
        rows = np.repeat(np.arange(at.size), per)
        columns = (at[:, None] * per + np.arange(per)).ravel()
        return sp.csr_matrix((np.full(rows.size, 1.0 / per), (rows, columns)), shape=(at.size, day))
    if step_s % demand.interval_s == 0:
        at = np.flatnonzero(counted.reshape(day, -1).all(axis=1))
        return sp.csr_matrix((np.ones(at.size), (np.arange(at.size), at)), shape=(at.size, day))
    return sp.csr_matrix((0, day))


def _batteries(
    problem: Problem, stays: Stays, many: int, width: int
) -> tuple[Any, NDArray[np.float64]]:
    """Charge on arrival above the least, after a stay below the most, after the night as at first."""
    fleet: Sequence[int] = stays.kind.tolist()
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    right: list[float] = []
    number = 0

    def row(stays_of: range, sign: float, limit: float) -> None:
        nonlocal number
        rows.extend([number] * len(stays_of))
        columns.extend(many + at for at in stays_of)
        values.extend([sign] * len(stays_of))
        right.append(limit)
        number += 1

    used = stays.used_kwh.tolist()
    for bus, (begin, end) in enumerate(zip(stays.offsets[:-1].tolist(), stays.offsets[1:].tolist(),
                                           strict=True)):  # fmt: skip
        one = problem.vehicles[fleet[bus]]
        full, low, high = (one.full_kwh * soc for soc in (one.start_soc, one.min_soc, one.max_soc))
        spent = 0.0
        for at in range(begin, end):
            spent += used[at]
            row(range(begin, at), -1.0, full - spent - low)
            row(range(begin, at + 1), 1.0, high - full + spent)
        row(range(begin, end), -1.0, -spent)
    matrix = sp.csr_matrix((np.array(values, float), (rows, columns)), shape=(number, width))
    return matrix, np.array(right, float)
