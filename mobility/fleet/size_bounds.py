"""Why no plan has fewer chargers, or fewer kW, in a depot: a linear program that knows too little to lie.

It knows, for the buses of one depot: when they stand where, whole slots only; what they use between; the
window of their batteries; that they are as full at the next pull-out as at this one; the power of buses and
chargers; how many chargers terminals have, all of them for these buses. It does not know whole chargers,
sessions in one piece, curves, or other buses. Slots are joined to cells of half an hour, which only gives
more freedom. So every plan is a point of it, and the least number of chargers in it is a bound.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mobility.fleet.charging import sites_of, stays_of
from mobility.units import DAY_S, format_time

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.plan import Plan

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_CELL_S = 1800


class Bounds(NamedTuple):
    """Least chargers and kW of a depot, kWh its buses use a day, and when all of the bound is at work."""

    chargers: int
    kw: float
    kwh: float
    window: str


class _Cells(NamedTuple):
    """Where and when energy may flow: one element a stay and cell; hours are those that overlap."""

    stay: Ints
    cell: Ints
    hours: Floats


def bounds_of(own: Plan, depot: int) -> Bounds:
    """Bound the chargers and the power of a depot (a row of the problem's) for the buses that live there.

    Parameters
    ----------
    own
        A plan with the blocks of these buses alone.
    """
    problem, slot_s = own.problem, own.problem.tariff.slot_s
    sites = sites_of(problem, own.blocks)
    stays = stays_of(problem, own.blocks, sites)
    step = slot_s * max(1, _CELL_S // slot_s)
    cells = _cells(stays.arrive_s, stays.depart_s, slot_s, step)
    bus_kw = np.array([one.max_kw for one in problem.vehicles])[stays.kind[stays.bus]]
    can_kw = np.minimum(bus_kw, sites.kw[stays.site])
    hours = np.diff(np.append(np.arange(0, DAY_S, step), DAY_S)) / 3600.0
    kwh = float(stays.used_kwh.sum())
    most = cells.hours * can_kw[cells.stay]
    at_depot = stays.site[cells.stay] == depot
    least: list[float] = []
    busy = ""
    for weight in (1.0 / can_kw[cells.stay], np.ones(cells.stay.size)):
        value, tight = _least(problem, sites, stays, cells, most, hours, weight, at_depot)
        least.append(value)
        busy = busy or _said(tight, step)
    return Bounds(math.ceil(least[0] - 1e-6), least[1], kwh, busy)


def _cells(arrive_s: Ints, depart_s: Ints, slot_s: int, step: int) -> _Cells:
    first = -(-arrive_s // slot_s) * slot_s
    end = np.maximum(depart_s // slot_s * slot_s, first)
    stay: list[int] = []
    cell: list[int] = []
    hours: list[float] = []
    for at, (low, high) in enumerate(zip(first.tolist(), end.tolist(), strict=True)):
        begin = low
        while begin < high:
            day = begin // DAY_S * DAY_S
            own = (begin - day) // step
            until = min(high, day + min((own + 1) * step, DAY_S))
            stay.append(at)
            cell.append(own)
            hours.append((until - begin) / 3600.0)
            begin = until
    return _Cells(np.array(stay, np.int64), np.array(cell, np.int64), np.array(hours, float))


def _least(
    problem: Any, sites: Any, stays: Any, cells: _Cells, most: Floats, hours: Floats, weight: Floats,
    at_depot: NDArray[np.bool_],
) -> tuple[float, Ints]:  # fmt: skip
    """The least peak, over the cells, of the depot's weighted energy an hour; and the cells that make it."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array, csr_array, hstack, vstack

    count, width = cells.stay.size, hours.size
    full = np.array([one.full_kwh for one in problem.vehicles])[stays.kind]
    soc = np.array([(one.min_soc, one.max_soc, one.start_soc) for one in problem.vehicles])[
        stays.kind
    ]
    low, high, start = (full * soc[:, one] for one in range(3))
    spent = np.cumsum(stays.used_kwh)
    spent -= np.repeat(np.append(0.0, spent)[stays.offsets[:-1]], np.diff(stays.offsets))
    level = start[stays.bus] - spent  # at the begin of each stay, if nothing were charged
    number = stays.bus.size
    # By stay: the sum of what its bus has charged until its end.
    until = [np.arange(stay, stays.offsets[stays.bus[stay] + 1]) for stay in cells.stay.tolist()]
    rows = np.concatenate([*until, np.zeros(0, np.int64)]).astype(np.int64)
    columns = np.repeat(np.arange(count), [one.size for one in until])
    charged = csr_array((np.ones(rows.size), (rows, columns)), shape=(number, count))
    last = np.zeros(number, bool)
    last[stays.offsets[1:] - 1] = True
    next_level = np.append(level[1:], 0.0)
    floor = np.where(last, start[stays.bus] - level, low[stays.bus] - next_level)
    shared = _shared(sites, stays, cells, hours, at_depot)
    here = np.flatnonzero(at_depot)
    depot = coo_array((weight[here], (cells.cell[here], here)), shape=(width, count)).tocsr()
    parts = [
        (hstack([depot, coo_array(-hours[:, None])]), np.zeros(width)),
        (hstack([-charged, coo_array((number, 1))]), -floor),
        (hstack([charged, coo_array((number, 1))]), high[stays.bus] - level),
        *shared,
    ]
    solve: Any = linprog  # its stubs know no sparse matrices
    found = solve(
        np.append(np.zeros(count), 1.0), A_ub=vstack([one for one, _ in parts]).tocsr(),
        b_ub=np.concatenate([one for _, one in parts]) + 1e-6,
        bounds=np.column_stack([np.zeros(count + 1), np.append(most, np.inf)]), method="highs",
    )  # fmt: skip
    if found.status != 0:  # its own plan is a point of it: only numbers can fail here
        return 0.0, np.zeros(0, np.int64)
    return max(0.0, float(found.fun)), np.flatnonzero(found.ineqlin.marginals[:width] < -1e-9)


def _shared(
    sites: Any, stays: Any, cells: _Cells, hours: Floats, at_depot: NDArray[np.bool_]
) -> list[tuple[Any, Floats]]:
    """What terminals have: so many chargers, so many kW."""
    from scipy.sparse import coo_array, hstack

    found = []
    count, width = cells.stay.size, hours.size
    for site in np.unique(stays.site[cells.stay[~at_depot]]).tolist():
        own = np.flatnonzero(stays.site[cells.stay] == site)
        for limit, share in (
            (float(sites.count[site]), 1.0 / sites.kw[site]),
            (float(sites.limit_kw[site]), 1.0),
        ):
            if np.isfinite(limit):
                matrix = coo_array(
                    (np.full(own.size, share), (cells.cell[own], own)), shape=(width, count)
                )
                found.append((hstack([matrix, coo_array((width, 1))]), limit * hours))
    return found


def _said(tight: Ints, step: int) -> str:
    """``20:00-23:30, 00:00-05:00``: the cells in runs."""
    runs: list[list[int]] = []
    for one in tight.tolist():
        if runs and one == runs[-1][1]:
            runs[-1][1] = one + 1
        else:
            runs.append([one, one + 1])
    return ", ".join(
        f"{format_time(low * step)[:5]}-{format_time(min(high * step, DAY_S))[:5]}"
        for low, high in runs
    )
