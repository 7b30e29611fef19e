"""Plans and bounds of a table of stays where wear is priced, or energy is given back.

Sessions are found as if neither were: by the search, by following the program's load, and from a plan to begin
with. They are lengthened on their chargers, the program finds their cheapest power, and the cheapest
answer is taken. So a plan is exact where chargers do not bind, and its gap says how far it is where they do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet import _plug_kernels as plugs
from mobility.fleet.charge_again import between, mask_of
from mobility.fleet.charge_bound import site_load, too_much_for_battery
from mobility.fleet.charge_program import Program, batteries_of, cheapest, given_prices
from mobility.fleet.charge_proof import cap_of_present
from mobility.fleet.charge_search import SiteSearch
from mobility.fleet.charge_sites import by_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mobility.fleet.charge_search import Sessions
    from mobility.fleet.charge_sites import SiteStays
    from mobility.fleet.stays import ChargingProblem

_LATER = 1_000_003


def is_worn(problem: ChargingProblem) -> bool:
    """Whether wear or energy given back has a price."""
    return problem.wear is not None or problem.give_back is not None


def worn_names(problem: ChargingProblem) -> list[str]:
    """Parts of the cost beside energy and demand."""
    told = {"given_back": problem.give_back is not None, "wear": problem.wear is not None}
    return [name for name, asked in told.items() if asked]


@dataclass(frozen=True)
class WornBound:
    """Every site's program over whole stays; None where the solver failed. ``why``: one of them has none."""

    programs: dict[str, Program | None]
    why: str = ""

    @property
    def bound(self) -> float | None:
        """What no plan can beat; None where a site has none."""
        told = [None if one is None else one.bound for one in self.programs.values()]
        return (
            None
            if any(one is None for one in told)
            else math.fsum(one for one in told if one is not None)
        )


def worn_bound(problem: ChargingProblem, *, whole_chargers: bool) -> WornBound:
    """Bound every site; ``whole_chargers``: no more buses than chargers draw at once."""
    if why := too_much_for_battery(problem):
        return WornBound({}, why)
    found: dict[str, Program | None] = {}
    for stays in by_site(problem):
        name = stays.site.name
        told = cheapest(problem, stays, None, cap_of_present(stays) if whole_chargers else None)
        if told is False:
            kwh = float(stays.need.sum()) * stays.slot_h
            return WornBound({}, f"{name}: its {kwh:,.1f} kWh cannot be charged, whatever is given back: a "
                                 f"linear program of {stays.site.most_kw:g} kW proves it")  # fmt: skip
        found[name] = told if isinstance(told, Program) else None
    return WornBound(found)


def worn_plans(
    problem: ChargingProblem,
    searches: Sequence[SiteSearch],
    bound: WornBound,
    started: Sequence[Sessions | None],
    seed: int,
) -> list[Sessions]:
    """The cheapest sessions of every site, wear and giving back counted."""
    return [
        _worn_plan(problem, search, bound.programs.get(search.stays.site.name), begun, seed)
        for search, begun in zip(searches, started, strict=True)
    ]


def _worn_plan(
    problem: ChargingProblem,
    search: SiteSearch,
    told: Program | None,
    begun: Sessions | None,
    seed: int,
) -> Sessions:
    assert search.best is not None
    tries = [search.best] if begun is None or begun.lack > 0 else [search.best, begun]
    if told is not None:
        other = SiteSearch(search.stays, search.relaxed, seed + _LATER)
        for soonest in (True, False):
            other.follow(np.maximum(site_load(search.stays, told.flow), 0.0), soonest=soonest)
        if other.best is not None and other.best.lack == 0:
            tries.append(other.best)
    best = [replace(one, cost=_cost(problem, search, one)) for one in tries]
    for one in tries:
        powered = _with_power(problem, search, one)
        if powered is not None:
            best.append(replace(powered, cost=_cost(problem, search, powered)))
    return min(best, key=lambda one: one.cost)


def _with_power(problem: ChargingProblem, search: SiteSearch, told: Sessions) -> Sessions | None:
    """Sessions lengthened on their chargers, with the program's power."""
    one = search.stays
    rows = np.flatnonzero(told.begin >= 0)
    stay, begin, finish = told.owner[rows], told.begin[rows].copy(), told.finish[rows].copy()
    charger = np.empty(rows.size, np.int64)
    if not plugs.assign(begin, finish, one.site.chargers, one.gap, charger):
        return None
    low, high = between(search, stay, begin, finish)
    plugs.stretch(
        low, high, begin, finish, charger, one.site.chargers, one.gap, np.full(rows.size, 0.5)
    )
    wide = replace(told, begin=begin, finish=finish, stay=stay)
    found = cheapest(problem, one, mask_of(search, wide))
    if not isinstance(found, Program):
        return None
    flow = np.where(np.abs(found.flow) < 1e-9, 0.0, found.flow)
    kept = np.ones(rows.size, np.bool_)
    for row in range(rows.size):
        at = int(search.offset[stay[row]] - one.first[stay[row]])
        used = np.flatnonzero(flow[at + begin[row] : at + finish[row]])
        kept[row] = used.size > 0
        if used.size:
            finish[row] = begin[row] + used[-1] + 1
            begin[row] += used[0]
    peak = float((site_load(one, flow) + one.beside_kw).max(initial=one.floor_kw))
    return replace(
        told, begin=begin[kept], finish=finish[kept], stay=stay[kept], flow=flow, peak_kw=peak
    )


def _cost(problem: ChargingProblem, search: SiteSearch, told: Sessions) -> float:
    parts = site_parts(problem, search.stays, told.flow)
    peak = float(site_load(search.stays, told.flow).max(initial=0.0))
    return math.fsum(parts.values()) + problem.demand * peak


def site_parts(
    problem: ChargingProblem, stays: SiteStays, flow: NDArray[np.float64]
) -> dict[str, float]:
    """What a site's power costs besides its peak: energy, and where priced wear and what is given back."""
    lengths = stays.end - stays.first
    owner = np.repeat(np.arange(lengths.size), lengths)
    slot = np.arange(owner.size) - np.repeat(np.cumsum(lengths) - lengths - stays.first, lengths)
    hours = stays.slot_h
    buy = stays.price[stays.level]
    parts = {"energy": float((np.maximum(flow, 0.0) * buy[slot]).sum()) * hours}
    if problem.give_back is not None:
        back = np.maximum(-flow, 0.0)
        parts["given_back"] = -float((back * given_prices(problem, stays)[slot]).sum()) * hours
    if problem.wear is not None:
        told = batteries_of(problem, stays)
        worn, rates = 0.0, [*problem.wear.c_rate]
        known = np.isfinite(told.kwh)[owner]
        power, battery = np.abs(flow[known]), told.kwh[owner[known]]
        for number, (rate, price) in enumerate(rates):
            high = rates[number + 1][0] * battery if number + 1 < len(rates) else np.inf
            part = np.clip(power, rate * battery, high) - rate * battery
            worn += price * float(part.sum()) * hours
        if problem.wear.high_price > 0:
            total = np.cumsum(flow) * hours
            before = np.concatenate([[0.0], total])[np.cumsum(lengths) - lengths]
            level = told.soc_kwh[owner] + total - np.repeat(before, lengths)
            above = np.maximum(level - problem.wear.high_soc * told.kwh[owner], 0.0)
            worn += problem.wear.high_price * float(np.nansum(above)) * hours
        parts["wear"] = worn
    return parts
