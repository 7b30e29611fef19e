"""The cheapest power for plug-ins that are given: every demand charge at once, energies moved between stays.

Who is plugged in at which charger, and in which order, is left as it is; sessions are lengthened into the
gaps on their chargers. Inside that, how much flows is a linear program of
the tariff's own slots, so it is exact: for two demand charges as for one, for buildings' draw, for limits of
sites and of all of them. Where a charging curve bends, a stay keeps its energy, and its power the curve.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.fleet import tariff as prices
from mobility.fleet.charge_depots import given_energies, levels, safe_kw
from mobility.fleet.charge_energy import NoCharging, bus_kw, solve
from mobility.units import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.charging import Charged, Sites, Stays
    from mobility.fleet.problem import Problem

# Slots of sessions beyond which the program is not tried.
_MOST_COLUMNS = 400_000
_TINY_KW = 1e-7


def cheapest_power(problem: Problem, stays: Stays, sites: Sites, charged: Charged) -> Charged:
    """The same sessions with the power that costs least; as they were where that is not cheaper."""
    rows = charged.sessions
    slot_s = problem.tariff.slot_s
    lengths = np.array([len(one) for one in rows["kw"]], np.int64)
    if not lengths.size or lengths.sum() > _MOST_COLUMNS:
        return charged
    stay_of = _stays_of(stays, sites, rows)
    if (stay_of < 0).any():
        return charged
    begin, finish = _lengthened(problem, stays, sites, rows, stay_of)
    lengths = finish - begin
    within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    slot = (np.repeat(begin, lengths) + within) % (DAY_S // slot_s)
    kwh = given_energies(stays, sites, rows)
    low, high = levels(problem, stays, kwh)
    most = np.minimum(bus_kw(problem, stays), safe_kw(problem, stays.kind[stays.bus], low, high))
    most = np.minimum(most, sites.kw[stays.site])
    curved = np.array([bool(one.curve) for one in problem.vehicles])[stays.kind[stays.bus]]
    # A stay without a session gives nothing; where a curve bends, each gives what it gave.
    fixed = np.where(curved, kwh, np.nan)
    fixed[np.bincount(stay_of, minlength=stays.bus.size) == 0] = 0.0
    found = solve(problem, stays, sites, np.repeat(stay_of, lengths), slot,
                  np.repeat(most[stay_of], lengths), prices.slot_prices(problem.tariff), slot_s,
                  fixed)  # fmt: skip
    if isinstance(found, NoCharging):
        return charged
    tried = _with_power(problem, sites, charged, found.kw, begin, lengths)
    saved = charged.energy_minor + charged.demand_minor - tried.energy_minor - tried.demand_minor
    return tried if saved > 1e-6 * abs(charged.energy_minor) else charged


def _stays_of(stays: Stays, sites: Sites, rows: Any) -> NDArray[np.int64]:
    """The stay in which each session lies, -1 where there is none."""
    of: dict[tuple[str, str], list[int]] = {}
    for row, (bus, site) in enumerate(zip(stays.bus.tolist(), stays.site.tolist(), strict=True)):
        of.setdefault((stays.names[bus], sites.names[site]), []).append(row)
    return np.array([
        next((one for one in of.get((vehicle, site), [])
              if stays.arrive_s[one] <= start_s and end_s <= stays.depart_s[one]), -1)
        for vehicle, site, start_s, end_s in zip(
            rows["vehicle"], rows["site"], rows["start_s"], rows["end_s"], strict=True)
    ], np.int64)  # fmt: skip


def _lengthened(
    problem: Problem, stays: Stays, sites: Sites, rows: Any, stay_of: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Slots in which each session may hold its charger: half of a gap goes to either side of it."""
    slot_s = problem.tariff.slot_s
    day = DAY_S // slot_s
    begin = rows["start_s"].to_numpy(np.int64) // slot_s
    finish = rows["end_s"].to_numpy(np.int64) // slot_s
    low = -(-stays.arrive_s[stay_of] // slot_s)
    high = np.minimum(stays.depart_s[stay_of] // slot_s, begin + day)
    low = np.maximum(low, finish - day)
    by_stay: dict[int, list[int]] = {}
    by_charger: dict[tuple[int, int], list[int]] = {}
    site_of = stays.site[stay_of]
    for at in np.argsort(begin, kind="stable").tolist():
        by_stay.setdefault(int(stay_of[at]), []).append(at)
    for at in np.argsort(begin % day, kind="stable").tolist():
        by_charger.setdefault((int(site_of[at]), int(rows["charger"].iloc[at])), []).append(at)
    for own in by_stay.values():
        for one, other in itertools.pairwise(own):
            high[one] = low[other] = (finish[one] + begin[other]) // 2
    least, most = begin.copy(), finish.copy()
    for (site, _), own in by_charger.items():
        gap = int(-(-sites.gap_s[site] // slot_s))
        for one, other in zip(own, [*own[1:], own[0]], strict=True):
            # The next session's begin, counted from this one's day; the last is followed by the first.
            after = begin[one] + (begin[other] - begin[one]) % day
            after += day * int(after == begin[one])
            space = max(int(after - gap - finish[one]), 0)
            grow = min(int(high[one] - finish[one]), space)
            reach = min(int(begin[other] - low[other]), space)
            if one != other and grow + reach > space:
                grow = min(grow, max(space - space // 2, space - reach))
                reach = min(reach, space - grow)
            elif one == other and grow + reach > day - (finish[one] - begin[one]) - gap:
                reach = 0
            most[one] = max(most[one], finish[one] + grow)
            least[other] = min(least[other], begin[other] - reach)
    return least, most


def _with_power(
    problem: Problem,
    sites: Sites,
    charged: Charged,
    kw: NDArray[np.float64],
    begin: NDArray[np.int64],
    lengths: NDArray[np.int64],
) -> Charged:
    """The charging with other power in its sessions, counted by the problem's own prices."""
    slot_s = problem.tariff.slot_s
    hours, day = slot_s / 3600.0, DAY_S // slot_s
    kw = np.where(kw < _TINY_KW, 0.0, kw)
    load = np.zeros_like(charged.load_kw)
    row = {name: at for at, name in enumerate(sites.names)}
    told: list[dict[Any, Any]] = []
    parts = np.split(kw, np.cumsum(lengths)[:-1])
    rows: list[dict[Any, Any]] = charged.sessions.to_dict("records")
    for one, first, own in zip(rows, begin.tolist(), parts, strict=True):
        used = np.flatnonzero(own)
        if not used.size:
            continue
        site = row[one["site"]]
        low, high = int(used[0]), int(used[-1]) + 1
        least = int(-(-sites.least_s[site] // slot_s))
        high = min(max(high, low + least), own.size)
        low = max(0, min(low, high - least))
        kept = own[low:high]
        np.add.at(load[site], (first + low + np.arange(kept.size)) % day, kept)
        told.append({**one, "start_s": (first + low) * slot_s, "end_s": (first + high) * slot_s,
                     "kwh": float(kept.sum() * hours), "kw": tuple(kept.tolist())})  # fmt: skip
    table = pd.DataFrame(told, columns=list(charged.sessions.columns))
    return replace(
        charged, sessions=table.sort_values(["vehicle", "start_s"], kind="stable", ignore_index=True),
        load_kw=load, energy_minor=prices.energy_minor(problem, load),
        demand_minor=prices.demand_minor(problem, load),
    )  # fmt: skip
