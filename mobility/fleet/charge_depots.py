"""Charge given blocks better: energies of a linear program, and every site's chargers searched anew.

What each stay gives is taken from the program, or from the plan that is there; then a depot, or a
terminal, is a table of stays, as in :mod:`mobility.fleet.charge_search`. A site's day is cut where fewest
buses stand there, so that it has a begin and an end. Whatever is not cheaper is left as it was.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.fleet import tariff as prices
from mobility.fleet.assets import Depot
from mobility.fleet.charge_bound import site_bound
from mobility.fleet.charge_search import Sessions, SiteSearch
from mobility.fleet.charge_sites import SiteStays
from mobility.fleet.energy import demand_day_price
from mobility.fleet.stays import ChargingSite
from mobility.stop import Progress, Work
from mobility.units import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.charging import Charged, Sites, Stays
    from mobility.fleet.problem import Problem
    from mobility.stop import Stop

_TINY_KWH = 1e-6
_ROUNDS = 12
# What a peak that is a limit may exceed the program's by: sessions are whole.
_OVER = 0.01
_TRIES = (10, 1000)


@dataclass(frozen=True)
class _Site:
    """One site's stays as the search takes them; ``stay`` are rows of the day's stays."""

    stay: NDArray[np.int64]
    stays: SiteStays
    cut: int


def better(
    problem: Problem,
    stays: Stays,
    sites: Sites,
    charged: Charged,
    kwh: NDArray[np.float64],
    peaks_kw: NDArray[np.float64] | None = None,
    *,
    stop: Stop | None = None,
    seed: int = 0,
    terminals: bool = False,
    anyhow: bool = False,
) -> Charged:
    """Search every site's chargers anew with given energies; what is not cheaper stays as it was.

    ``kwh`` (stays,) is what each stay gives. The search knows one peak; with ``peaks_kw`` (charges that
    cost, sites) the others are limits, else they are spread over their hours as if they were energy.
    ``terminals``: whether they are searched too; without, a terminal's stays must give what they give
    now. ``anyhow`` takes what is found whatever it costs: where nothing is there yet.
    """
    begun = time.perf_counter()
    stop = stop or Work(_ROUNDS)
    now = charged
    for site in range(len(sites.names) if terminals else len(problem.depots)):
        depot = _depot(problem, stays, sites, site, kwh, peaks_kw, _left_kw(problem, now, site))
        if depot is None:
            continue
        relaxed = site_bound(depot.stays)
        if relaxed is None:
            continue
        search = SiteSearch(depot.stays, relaxed, seed)
        search.build()
        step = 0
        while not search.done:
            spent = time.perf_counter() - begun
            gap = search.gap / max(abs(search.best.cost), 1e-9) if search.best else None
            if stop(Progress(spent, step, gap if gap is None or np.isfinite(gap) else None)):
                break
            search.round(min(max(3 * depot.stay.size, _TRIES[0]), _TRIES[1]))
            step += 1
        if search.best is None or search.best.lack > 0:
            continue
        tried = _with(problem, stays, sites, now, depot, search, site)
        if tried is None:
            continue
        saved = now.energy_minor + now.demand_minor - tried.energy_minor - tried.demand_minor
        if anyhow or saved > 1e-9:
            now = tried
    return now


def given_energies(stays: Stays, sites: Sites, sessions: pd.DataFrame) -> NDArray[np.float64]:
    """(stays,) kWh that sessions give in each stay."""
    kwh = np.zeros(stays.bus.size)
    row_of: dict[tuple[str, str], list[int]] = {}
    for row, (bus, site) in enumerate(zip(stays.bus.tolist(), stays.site.tolist(), strict=True)):
        row_of.setdefault((stays.names[bus], sites.names[site]), []).append(row)
    one: Any  # pandas types a row's cells as anything
    for one in sessions.itertuples(index=False):
        for row in row_of.get((one.vehicle, one.site), []):
            if stays.arrive_s[row] <= one.start_s and one.end_s <= stays.depart_s[row]:
                kwh[row] += one.kwh
                break
    return kwh


def levels(
    problem: Problem, stays: Stays, kwh: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(stays,) charge of the bus on arrival and at departure, kWh."""
    change = kwh - stays.used_kwh
    total = np.cumsum(change)
    before = np.where(stays.offsets[:-1] > 0, total[stays.offsets[:-1] - 1], 0.0)
    start = np.array([problem.vehicles[kind].full_kwh * problem.vehicles[kind].start_soc
                      for kind in stays.kind.tolist()], float)  # fmt: skip
    after = total - before[stays.bus] + start[stays.bus]
    return after - kwh, after


def _left_kw(problem: Problem, charged: Charged, site: int) -> NDArray[np.float64]:
    """(slots,) what the other sites leave of the limit on all of them."""
    system = prices.system_room_kw(problem)
    if system is None:
        return np.full(charged.load_kw.shape[1], np.inf)
    others = np.delete(charged.load_kw, site, axis=0).sum(axis=0)
    return np.asarray(np.maximum(system - others, 0.0), float)


def _depot(
    problem: Problem,
    stays: Stays,
    sites: Sites,
    site: int,
    kwh: NDArray[np.float64],
    peaks_kw: NDArray[np.float64] | None,
    left_kw: NDArray[np.float64],
) -> _Site | None:
    slot_s = problem.tariff.slot_s
    day, hours = DAY_S // slot_s, slot_s / 3600.0
    rows = np.flatnonzero((stays.site == site) & (kwh > _TINY_KWH))
    if rows.size == 0 or sites.count[site] == 0:
        return None
    first = -(-stays.arrive_s[rows] // slot_s)
    end = np.minimum(np.maximum(stays.depart_s[rows] // slot_s, first), first + day)
    low, high = (one[rows] for one in levels(problem, stays, kwh))
    most = np.minimum(safe_kw(problem, stays.kind[stays.bus[rows]], low, high), sites.kw[site])
    # Cut the day where fewest stay overnight of it.
    crossing = np.zeros(day + 1)
    for begin, length in zip((first % day).tolist(), (end - first).tolist(), strict=True):
        inside = np.arange(begin + 1, begin + length) % day
        crossing[inside] += 1
    cut = int(np.argmin(crossing[:day]))
    begin = (first - cut) % day
    until = begin + end - first
    over = np.maximum(until - day, 0)
    keep_late = over > (day - begin)  # the longer side of the cut is kept
    gap = int(-(-sites.gap_s[site] // slot_s))
    # Nobody charges up to the cut where the next bus must wait after it.
    begin, until = (
        np.where(keep_late, 0, begin),
        np.where(keep_late, over, np.minimum(until, day - gap)),
    )
    until = np.maximum(begin, until)
    if ((until - begin) * most * hours < kwh[rows] - _TINY_KWH).any():
        return None
    charges = [
        (price, prices.counted_slots(one, slot_s), one.so_far_kw)
        for one in problem.tariff.demand
        if (price := demand_day_price(problem, one)) > 0
    ]
    told = np.ones(len(charges)) if peaks_kw is None else peaks_kw[:, site]
    main = max(range(len(charges)), key=lambda at: charges[at][0] * told[at], default=-1)
    if peaks_kw is None:  # who counts most of the day
        main = max(range(len(charges)), key=lambda at: charges[at][1].sum(), default=-1)
    each = prices.slot_prices(problem.tariff)
    beside = np.full(day, -np.inf)
    place = ChargingSite(sites.names[site], int(sites.count[site]), float(sites.kw[site]))
    home = prices.places(problem)[site]
    base = prices.base_kw(home, slot_s)
    cap = np.minimum(np.minimum(prices.room_kw(home, slot_s), place.most_kw), left_kw)
    floor = 0.0
    for at, (kw_price, mask, so_far_kw) in enumerate(charges):
        if at == main:
            beside[mask] = base[mask]
            floor = max(so_far_kw, float(base[mask].max(initial=0.0)))
        elif peaks_kw is None:
            each = each + mask * (kw_price / max(mask.sum() * hours, 1e-9))
        else:
            cap[mask] = np.clip(told[at] * (1.0 + _OVER) + _TINY_KWH - base[mask], 0.0, cap[mask])
    turned = (np.arange(day) + cut) % day
    ladder, level = np.unique(each[turned], return_inverse=True)
    return _Site(
        rows,
        SiteStays(place, np.arange(rows.size), begin, until, most, kwh[rows] / hours, cut,
                  level.astype(np.int64), ladder, cap[turned], beside[turned], floor,
                  charges[main][0] if charges else 0.0, slot_s, gap,
                  home.plug_ins if isinstance(home, Depot) else 1),
        cut,
    )  # fmt: skip


def safe_kw(
    problem: Problem,
    kind: NDArray[np.int64],
    low_kwh: NDArray[np.float64],
    high_kwh: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(stays,) power that the curve allows at every charge between two."""
    safe = np.array([one.max_kw for one in problem.vehicles], float)[kind]
    for number, one in enumerate(problem.vehicles):
        if not one.curve:
            continue
        own = np.flatnonzero(kind == number)
        at = np.array([soc * one.full_kwh for soc, _ in one.curve])
        kw = np.array([power for _, power in one.curve])
        for row in own.tolist():
            inside = kw[(at >= low_kwh[row]) & (at <= high_kwh[row])]
            ends = np.interp([low_kwh[row], high_kwh[row]], at, kw)
            safe[row] = min(safe[row], float(ends.min()), float(inside.min(initial=np.inf)))
    return safe


def _with(
    problem: Problem,
    stays: Stays,
    sites: Sites,
    charged: Charged,
    depot: _Site,
    search: SiteSearch,
    site: int,
) -> Charged | None:
    """The charging with one site's sessions replaced, counted by the problem's own prices.

    None where a session is too short for ``Charger.min_s`` and cannot be made longer.
    """
    best = search.best
    assert best is not None
    slot_s = problem.tariff.slot_s
    day = DAY_S // slot_s
    charger = search.chargers(best)
    ends = _long_enough(best, depot.stays, charger, -(-int(sites.least_s[site]) // slot_s))
    if ends is None:
        return None
    rows: list[dict[str, Any]] = []
    load = charged.load_kw.copy()
    load[site] = 0.0
    for session, at in enumerate(best.owner.tolist()):
        if best.begin[session] < 0:
            continue
        row = int(depot.stay[at])
        begin, finish = int(best.begin[session]), int(ends[session])
        offset = int(search.offset[at] - depot.stays.first[at])
        kw = np.maximum(best.flow[offset + begin : offset + finish], 0.0)
        arrive = -(-int(stays.arrive_s[row]) // slot_s)
        start = arrive + (begin + depot.cut - arrive) % day
        rows.append({
            "vehicle": stays.names[int(stays.bus[row])], "site": sites.names[site],
            "charger": int(charger[session]), "start_s": start * slot_s,
            "end_s": (start + finish - begin) * slot_s, "kwh": float(kw.sum() * slot_s / 3600.0),
            "kw": tuple(kw.tolist()),
        })  # fmt: skip
        np.add.at(load[site], (start + np.arange(kw.size)) % day, kw)
    others = charged.sessions[charged.sessions["site"] != sites.names[site]]
    mine = pd.DataFrame(rows, columns=list(charged.sessions.columns))
    table = pd.concat([one for one in (others, mine) if len(one)], ignore_index=True)
    order = table.sort_values(["vehicle", "start_s"], kind="stable", ignore_index=True)
    return replace(
        charged, sessions=order, load_kw=load, energy_minor=prices.energy_minor(problem, load),
        demand_minor=prices.demand_minor(problem, load),
    )  # fmt: skip


def _long_enough(
    found: Sessions, stays: SiteStays, charger: NDArray[np.int64], least: int
) -> NDArray[np.int64] | None:
    """(sessions,) ends of sessions of at least ``least`` slots: a bus stays plugged in, without power."""
    ends = np.maximum(found.finish, found.begin + least)
    ends[found.begin < 0] = -1
    for number in np.unique(charger[charger >= 0]).tolist():
        own = np.flatnonzero(charger == number)
        own = own[np.argsort(found.begin[own], kind="stable")]
        if (ends[own[:-1]] + stays.gap > found.begin[own[1:]]).any():
            return None
    return None if (ends > stays.end[found.owner]).any() else ends
