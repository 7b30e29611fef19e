"""One site with wear of batteries and energy given back, as a linear program; off where neither is priced.

Prices then depend on the bus, so the flow of :mod:`mobility.fleet.charge_bound` does not know them. Over
whole stays the program is the relaxation, and its duals prove the bound; over given sessions it is their
cheapest power. HiGHS solves it, through SciPy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from mobility.fleet.charge_duals import proven_value
from mobility.fleet.charge_sites import slot_prices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.charge_sites import SiteStays
    from mobility.fleet.stays import ChargingProblem

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Batteries:
    """Batteries of a site's stays: kWh, kWh on arrival (NaN: unknown), least kWh, and kW given back at most."""

    kwh: Floats
    soc_kwh: Floats
    least_kwh: Floats
    back_kw: Floats


@dataclass(frozen=True)
class Program:
    """Power by stay and slot (negative: given back), the program's value and what its duals prove.

    ``parts`` splits the value: energy, demand, and where priced given_back and wear.
    """

    flow: Floats
    cost: float
    bound: float
    peak_kw: float
    parts: dict[str, float]


def batteries_of(problem: ChargingProblem, stays: SiteStays) -> Batteries:
    """What the table says of the batteries of a site's stays."""
    rows = problem.stays.iloc[stays.rows]
    kwh, soc = (rows[one].to_numpy(float) for one in ("battery_kwh", "soc_kwh"))
    known = np.isfinite(kwh) & np.isfinite(soc)
    least, back = np.zeros(kwh.size), np.zeros(kwh.size)
    if problem.give_back is not None:
        least = np.where(known, np.minimum(soc, problem.give_back.least_soc * kwh), 0.0)
        back = np.where(known, problem.give_back.kw, 0.0)
    return Batteries(kwh, np.where(known, soc, np.nan), least, back)


def cheapest(
    problem: ChargingProblem,
    stays: SiteStays,
    on: NDArray[np.bool_] | None = None,
    cap_kw: Floats | None = None,
) -> Program | bool:
    """Cheapest power of a site's stays, wear and giving back counted.

    Parameters
    ----------
    on
        Laid out by stay and slot of the stay: where each is plugged in; None: everywhere.
    cap_kw
        (slots,) another limit than the site's.

    Returns
    -------
    Program | bool
        False where there is none; True where the solver failed.
    """
    told = batteries_of(problem, stays)
    cap = stays.cap_kw if cap_kw is None else cap_kw
    lengths = stays.end - stays.first
    owner = np.repeat(np.arange(lengths.size), lengths)
    slot = np.arange(owner.size) - np.repeat(np.cumsum(lengths) - lengths - stays.first, lengths)
    open_edges = np.arange(owner.size) if on is None else np.flatnonzero(on)
    hours = stays.slot_h
    buy = stays.price[stays.level]
    cost, lower, upper, edge, sign = _powers(problem, stays, told, owner, slot, open_edges, buy)
    powers = edge.size
    # Levels at the ends of slots, of those stays whose level matters.
    worn = problem.wear is not None and problem.wear.high_price > 0
    watched = np.isfinite(told.soc_kwh) & ((told.back_kw > 0) | worn)
    held = np.flatnonzero(watched[owner])
    level_of = np.full(owner.size, -1, np.int64)
    level_of[held] = powers + np.arange(held.size)
    peak = powers + held.size * (2 if worn else 1)
    width = peak + 1
    top = max(
        float(np.max(cap + np.where(np.isfinite(stays.beside_kw), stays.beside_kw, 0.0))),
        stays.floor_kw,
    )
    cost = np.concatenate([cost * hours, np.zeros(width - powers)])
    lower = np.concatenate(
        [lower, told.least_kwh[owner[held]], np.zeros(width - powers - held.size)]
    )
    upper = np.concatenate([upper, told.kwh[owner[held]], np.zeros(width - powers - held.size)])
    if worn and problem.wear is not None:
        above = powers + held.size + np.arange(held.size)
        cost[above], upper[above] = problem.wear.high_price * hours, told.kwh[owner[held]]
    cost[peak], lower[peak], upper[peak] = stays.demand, stays.floor_kw, top

    equal = [sp.csr_matrix((sign, (owner[edge], np.arange(powers))), shape=(lengths.size, width))]
    exactly = [stays.need]
    below: list[Any] = []
    right: list[Floats] = []
    if held.size:
        # level = level before + what flows in the slot; the first one starts at the charge on arrival.
        row_of = np.full(owner.size, -1, np.int64)
        row_of[held] = np.arange(held.size)
        first = np.append(True, owner[held][1:] != owner[held][:-1])
        mine = np.flatnonzero(row_of[edge] >= 0)
        later = np.flatnonzero(~first)
        equal.append(sp.csr_matrix(
            (np.concatenate([np.ones(held.size), -np.ones(later.size), -hours * sign[mine]]),
             (np.concatenate([np.arange(held.size), later, row_of[edge[mine]]]),
              np.concatenate([level_of[held], level_of[held[later]] - 1, mine]))),
            shape=(held.size, width)))  # fmt: skip
        exactly.append(np.where(first, told.soc_kwh[owner[held]], 0.0))
        if worn and problem.wear is not None:
            below.append(sp.csr_matrix(
                (np.repeat([1.0, -1.0], held.size),
                 (np.tile(np.arange(held.size), 2), np.concatenate([level_of[held], level_of[held] + held.size]))),
                shape=(held.size, width)))  # fmt: skip
            right.append(problem.wear.high_soc * told.kwh[owner[held]])
    load = sp.csr_matrix((sign, (slot[edge], np.arange(powers))), shape=(stays.slots, width))
    below.append(load)
    right.append(cap)
    if (sign < 0).any():
        below.append(-load)
        right.append(stays.cap_kw)
        one_way = _one_way(
            stays, told, owner, slot, edge, sign, width, given_prices(problem, stays) > buy
        )
        below.append(one_way)
        right.append(np.ones(one_way.shape[0]))
    counts = np.flatnonzero(np.isfinite(stays.beside_kw))
    over = sp.csr_matrix((-np.ones(counts.size), (np.arange(counts.size), np.full(counts.size, peak))),
                         shape=(counts.size, width))  # fmt: skip
    below.append(load[counts] + over)
    right.append(-stays.beside_kw[counts])
    found = _solved(cost, below, right, equal, exactly, lower, upper)
    if isinstance(found, bool):
        return found
    x, value, bound = found
    paid = stays.demand * stays.floor_kw
    power = np.clip(x[:powers], 0.0, upper[:powers]) * sign
    parts = {
        "energy": float((power * buy[slot[edge]])[sign > 0].sum()) * hours,
        "demand": stays.demand * float(x[peak]) - paid,
    }
    if problem.give_back is not None:
        parts["given_back"] = (
            float((power * given_prices(problem, stays)[slot[edge]])[sign < 0].sum()) * hours
        )
    if problem.wear is not None:
        parts["wear"] = value - paid - math.fsum(parts.values())
    flow = np.bincount(edge, power, owner.size).astype(float)
    return Program(flow, value - paid, min(bound, value) - paid, float(x[peak]), parts)


def _powers(
    problem: ChargingProblem,
    stays: SiteStays,
    told: Batteries,
    owner: Ints,
    slot: Ints,
    edges: Ints,
    buy: Floats,
) -> tuple[Floats, Floats, Floats, Ints, Floats]:
    """Columns of power: cost a kWh, bounds, edge, and 1 or -1; a step of wear is a column of its own."""
    rates = () if problem.wear is None else problem.wear.c_rate
    steps = [(0.0, 0.0), *rates] if not rates or rates[0][0] > 0 else list(rates)
    given = given_prices(problem, stays)
    parts: list[tuple[Floats, Floats, Ints, Floats]] = []
    for sign, most, price in ((1.0, stays.most, buy), (-1.0, told.back_kw, -given)):
        mine = edges[most[owner[edges]] > 0]
        for number, (rate, wear) in enumerate(steps):
            battery = told.kwh[owner[mine]]
            low = np.where(np.isfinite(battery), rate * battery, np.inf if number else 0.0)
            end = steps[number + 1][0] if number + 1 < len(steps) else np.inf
            high = (
                np.where(np.isfinite(battery), end * battery, np.inf)
                if np.isfinite(end)
                else np.inf
            )
            high = np.minimum(high, most[owner[mine]])
            kept = high > low
            worn = np.where(np.isfinite(battery), wear, 0.0)
            parts.append(((price[slot[mine]] + worn)[kept], (high - np.minimum(low, high))[kept], mine[kept],
                          np.full(int(kept.sum()), sign)))  # fmt: skip
    cost, upper, edge, sign_of = (np.concatenate(one) for one in zip(*parts, strict=True))
    return cost, np.zeros(cost.size), upper, edge, sign_of


def given_prices(problem: ChargingProblem, stays: SiteStays) -> Floats:
    """(slots,) price of a kWh given back."""
    if problem.give_back is None:
        return np.zeros(stays.slots)
    each = slot_prices(problem.give_back.price, problem.slot_s)
    return np.asarray(each[(stays.base + np.arange(stays.slots)) % each.size], float)


def _one_way(
    stays: SiteStays, told: Batteries, owner: Ints, slot: Ints, edge: Ints, sign: Floats, width: int,
    pays: NDArray[np.bool_],
) -> Any:  # fmt: skip
    """Where giving back pays more than taking costs, no slot is both wholly: a slot is one or the other."""
    both = np.flatnonzero(pays[slot[edge]] & (told.back_kw[owner[edge]] > 0))
    rows, row = np.unique(edge[both], return_inverse=True)
    most = np.where(sign[both] > 0, stays.most[owner[edge[both]]], told.back_kw[owner[edge[both]]])
    return sp.csr_matrix((1.0 / most, (row, both)), shape=(rows.size, width))


def _solved(
    cost: Floats, below: list[Any], right: list[Floats], equal: list[Any], exactly: list[Floats],
    lower: Floats, upper: Floats,
) -> tuple[Floats, float, float] | bool:  # fmt: skip
    """The point, its value and what its duals prove; False where there is none, True where numbers failed."""
    from scipy.optimize import linprog

    rows, columns = sp.vstack(below).tocsr(), sp.vstack(equal).tocsr()
    limits, wanted = np.concatenate(right), np.concatenate(exactly)
    solve: Any = linprog  # its stubs know lists of numbers only
    found = solve(cost, rows, limits, columns, wanted, bounds=np.stack([lower, upper], axis=1),
                  method="highs-ipm")  # fmt: skip
    if found.status != 0:
        return bool(found.status != 2)
    bound = proven_value(cost, rows, limits, columns, wanted, lower, upper, found)
    return np.asarray(found.x, float), float(found.fun), bound
