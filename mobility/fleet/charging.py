"""Who is plugged in where, when, and at what power.

Buses are served one after the other, the tightest first, each in the cheapest slots that its stays,
the chargers and the site's limit leave; a search over limits on the sites' peaks weighs energy price
against demand charges. A heuristic: it says what it could not deliver, and where.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.fleet import _charge_kernels
from mobility.fleet import tariff as prices
from mobility.fleet.energy import demand_day_price
from mobility.fleet.next_day import until_s
from mobility.units import DAY_S, format_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem

# How often those who found no charger free may choose first.
_PROMOTIONS = 6

# Fractions of the unlimited peak that the search tries as limits.
_PEAKS = (0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95)


@dataclass(frozen=True)
class Stays:
    """When a bus stands at a charger; sorted by bus and time, the last of a bus is its night."""

    bus: NDArray[np.int32]
    offsets: NDArray[np.int64]
    site: NDArray[np.int32]
    arrive_s: NDArray[np.int64]
    depart_s: NDArray[np.int64]
    used_kwh: NDArray[np.float64]
    names: tuple[str, ...]
    kind: NDArray[np.int64]
    planned: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Sites:
    """Depots first, then terminals with chargers; ``least_s`` and ``gap_s`` are ``Charger.min_s`` and ``buffer_s``."""

    names: tuple[str, ...]
    count: NDArray[np.int64]
    kw: NDArray[np.float64]
    limit_kw: NDArray[np.float64]
    dedicated: NDArray[np.bool_]
    least_s: NDArray[np.int64]
    gap_s: NDArray[np.int64]


@dataclass(frozen=True)
class Charged:
    """Sessions (one row a plug-in), the sites' load (sites, slots), and what is missing."""

    sessions: pd.DataFrame
    load_kw: NDArray[np.float64]
    sites: tuple[str, ...]
    energy_minor: float
    demand_minor: float
    unserved: tuple[str, ...]
    why: str


def charge_blocks(
    problem: Problem,
    blocks: pd.DataFrame,
    planned: Mapping[tuple[str, int], set[int]] | None = None,
) -> Charged:
    """Charge the electric vehicles of a table of activities.

    ``planned``: slots of the day in which each vehicle should be plugged in at each site (a row of
    ``sites_of``) by day; a bus that cannot keep to them charges as it can.
    """
    sites = sites_of(problem, blocks)
    stays = stays_of(problem, blocks, sites)
    if planned is not None:
        stays = replace(stays, planned=_windows(problem, stays, planned))
    room, system = room_of(problem), prices.system_room_kw(problem)
    best = _served(problem, stays, sites, room)
    if system is not None and (best.load.sum(axis=0) > system + 1e-6).any():
        shares = _shares(problem, stays, sites, system)
        if shares is None:
            return replace(_charged(problem, stays, sites, best), unserved=stays.names, why=(
                f"all sites together may draw {problem.tariff.system_kw:g} kW: too little for what the "
                "buses need"
            ))  # fmt: skip
        best = _served(problem, stays, sites, np.minimum(room, shares))
    return _charged(problem, stays, sites, best)


def kept_sessions(problem: Problem, blocks: pd.DataFrame, sessions: pd.DataFrame) -> Charged:
    """Sessions as they are, counted anew under the problem's prices; the checker judges them."""
    sites = sites_of(problem, blocks)
    row = {name: at for at, name in enumerate(sites.names)}
    slot_s = problem.tariff.slot_s
    load = np.zeros((len(sites.names), DAY_S // slot_s))
    one: Any  # pandas types a row's cells as anything
    for one in sessions.itertuples(index=False):
        if one.site in row:
            at = (one.start_s // slot_s + np.arange(len(one.kw))) % load.shape[1]
            np.add.at(load[row[one.site]], at, one.kw)
    return Charged(
        sessions=sessions,
        load_kw=load,
        sites=sites.names,
        energy_minor=prices.energy_minor(problem, load),
        demand_minor=prices.demand_minor(problem, load),
        unserved=(),
        why="",
    )


def _served(
    problem: Problem, stays: Stays, sites: Sites, unlimited: NDArray[np.float64]
) -> _Attempt:
    """Serve every bus within limits (sites, slots), those who found no charger first; then flatten."""
    order = _tightest_first(problem, stays, sites)
    best = _attempt(problem, stays, sites, unlimited, order)
    for _ in range(_PROMOTIONS):
        # Who found the chargers taken chooses first in the next attempt.
        late = np.isin(order, np.flatnonzero(best.missing > 0))
        if not late.any():
            break
        order = np.concatenate([order[late], order[~late]])
        tried = _attempt(problem, stays, sites, unlimited, order)
        best = min(best, tried, key=lambda one: one.unserved)
    charges = [one for one in problem.tariff.demand if demand_day_price(problem, one) > 0]
    if charges and best.unserved == 0:
        best = _flatten(problem, stays, sites, unlimited, best, order)
    return best


def _shares(
    problem: Problem, stays: Stays, sites: Sites, system: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """(sites, slots) shares of the limit on all sites: what a linear program uses, and even parts of the rest."""
    from mobility.fleet.charge_energy import NoCharging, cheapest_energies

    found = cheapest_energies(problem, stays, sites)
    if isinstance(found, NoCharging):
        return None
    spare = np.maximum(system - found.load_kw.sum(axis=0), 0.0)
    weight = sites.count * sites.kw
    shares = found.load_kw + spare * (weight / max(weight.sum(), 1e-9))[:, None]
    return np.asarray(
        shares * np.minimum(1.0, system / np.maximum(shares.sum(axis=0), 1e-9)), float
    )


def room_of(problem: Problem) -> NDArray[np.float64]:
    """(sites, slots) what each connection leaves for buses, depots first, then terminals."""
    slot_s = problem.tariff.slot_s
    rooms = [prices.room_kw(one, slot_s) for one in prices.places(problem)]
    return np.array(rooms).reshape(-1, DAY_S // slot_s)


def sites_of(problem: Problem, blocks: pd.DataFrame) -> Sites:
    """Every place with chargers; a depot without a count has one a bus."""
    electric = blocks[blocks["electric"]]
    buses = electric.groupby("depot", observed=True)["vehicle"].nunique()
    names, count, kw, limit, dedicated = [], [], [], [], []
    for depot in problem.depots:
        here = int(buses.get(depot.id, 0))
        names.append(depot.id)
        own = depot.chargers is None or depot.chargers >= here
        dedicated.append(own)
        count.append(here if depot.chargers is None else min(depot.chargers, max(here, 0)))
        kw.append(depot.charger_kw)
        limit.append(np.inf if depot.site_kw is None else depot.site_kw)
    for one in problem.chargers:
        names.append(one.id)
        dedicated.append(False)
        count.append(one.count)
        kw.append(one.kw)
        limit.append(np.inf if one.site_kw is None else one.site_kw)
    least = [0] * len(problem.depots) + [one.min_s for one in problem.chargers]
    gap = [one.buffer_s for one in prices.places(problem)]
    return Sites(tuple(names), np.array(count, np.int64), np.array(kw, float), np.array(limit, float),
                 np.array(dedicated, bool), np.array(least, np.int64), np.array(gap, np.int64))  # fmt: skip


def stays_of(problem: Problem, blocks: pd.DataFrame, sites: Sites) -> Stays:
    """Stays at chargers in order, with the energy used before each; the night ends with the next pull-out.

    At a depot a stay begins when the bus can be plugged in, ``setup_s`` after it has come.
    """
    site_of = {name: at for at, name in enumerate(sites.names)}
    setup_s = {one.id: one.setup_s for one in problem.depots}
    ends = until_s(problem, blocks)
    terminal = {one.stop_id: site_of[one.id] for one in problem.chargers}
    bus: list[int] = []
    site: list[int] = []
    window: list[tuple[int, int]] = []
    used: list[float] = []
    names: list[str] = []
    electric = blocks[blocks["electric"]]
    columns = [electric[name].tolist() for name in
               ("vehicle", "depot", "kind", "from_stop", "start_s", "end_s", "kwh")]  # fmt: skip
    current, home, spent, last_s = "", "", 0.0, 0

    def night() -> None:
        bus.append(len(names) - 1)
        site.append(site_of[home])
        window.append((last_s + setup_s[home], ends[current]))
        used.append(spent)

    for vehicle, depot, kind, place, start_s, end_s, kwh in zip(*columns, strict=True):
        if vehicle != current:
            if current:
                night()
            names.append(vehicle)
            current, home, spent = vehicle, depot, 0.0
        at = (
            site_of[depot] if kind == "depot" else terminal.get(place, -1) if kind == "wait" else -1
        )
        if at >= 0:
            bus.append(len(names) - 1)
            site.append(at)
            window.append((start_s + (setup_s[depot] if kind == "depot" else 0), end_s))
            used.append(spent)
            spent = 0.0
        spent += kwh
        last_s = end_s
    if current:
        night()
    owner = np.array(bus, np.int32)
    offsets = np.searchsorted(owner, np.arange(len(names) + 1)).astype(np.int64)
    spans = np.array(window, np.int64).reshape(-1, 2)
    row = {one.id: at for at, one in enumerate(problem.vehicles)}
    types = electric.drop_duplicates("vehicle").set_index("vehicle")["type"]
    kind = np.array([row[str(types[name])] for name in names], np.int64)
    return Stays(owner, offsets, np.array(site, np.int32), spans[:, 0].copy(), spans[:, 1].copy(),
                 np.array(used, float), tuple(names), kind)  # fmt: skip


def _windows(
    problem: Problem, stays: Stays, planned: Mapping[tuple[str, int], set[int]]
) -> NDArray[np.int64]:
    """(stays, 2) slots from the first to the last planned one of every stay; the night is free."""
    slot_s = problem.tariff.slot_s
    slots = DAY_S // slot_s
    windows = np.zeros((stays.bus.size, 2), np.int64)
    nights = set((stays.offsets[1:] - 1).tolist())
    for stay, (bus, site) in enumerate(zip(stays.bus.tolist(), stays.site.tolist(), strict=True)):
        first, end = -(-int(stays.arrive_s[stay]) // slot_s), int(stays.depart_s[stay]) // slot_s
        if stay not in nights:
            wanted = planned.get((stays.names[bus], site), set())
            inside = [slot for slot in range(first, end) if slot % slots in wanted]
            first, end = (min(inside), max(inside) + 1) if inside else (first, first)
        windows[stay] = first, max(first, end)
    return windows


@dataclass(frozen=True)
class _Attempt:
    unserved: int
    load: NDArray[np.float64]
    charger: NDArray[np.int32]
    begin: NDArray[np.int64]
    finish: NDArray[np.int64]
    power: NDArray[np.float64]
    missing: NDArray[np.float64]
    first: NDArray[np.int64]


def _attempt(
    problem: Problem,
    stays: Stays,
    sites: Sites,
    limit: NDArray[np.float64],
    order: NDArray[np.int32],
) -> _Attempt:
    slot_s = problem.tariff.slot_s
    slots = DAY_S // slot_s
    first = -(-stays.arrive_s // slot_s)
    end = np.maximum(stays.depart_s // slot_s, first)
    whole = np.stack([first, end], axis=1)
    window = np.stack([whole] if stays.planned is None else [stays.planned, whole])
    price = np.repeat(_steered(problem)[None, :], len(sites.names), axis=0)
    load = np.zeros((len(sites.names), slots))
    shared = np.where(sites.dedicated, 0, sites.count)
    occupied = np.zeros((len(sites.names), max(1, int(shared.max(initial=0))), slots), np.bool_)
    count = stays.bus.size
    width = int(np.minimum(end - first, slots).max(initial=1))
    charger = np.full(count, -1, np.int32)
    begin, finish = np.zeros(count, np.int64), np.zeros(count, np.int64)
    power = np.zeros((count, max(width, 1)))
    missing = np.zeros(len(stays.names))
    fleet = [problem.vehicles[kind] for kind in stays.kind.tolist()]
    unserved = _charge_kernels.charge_all(
        order, stays.offsets, stays.site, window, stays.used_kwh,
        np.array([bus.full_kwh * bus.start_soc for bus in fleet], float),
        np.array([bus.full_kwh * bus.min_soc for bus in fleet], float),
        np.array([bus.full_kwh * bus.max_soc for bus in fleet], float),
        np.array([bus.max_kw for bus in fleet], float), stays.kind, *_curves(problem),
        sites.dedicated, _own_chargers(stays), sites.count, sites.kw, -(-sites.least_s // slot_s),
        -(-sites.gap_s // slot_s), slot_s / 3600.0, limit, price, load, occupied, charger, begin, finish,
        power, missing,
    )  # fmt: skip
    return _Attempt(int(unserved), load, charger, begin, finish, power, missing, first)


def _flatten(
    problem: Problem, stays: Stays, sites: Sites, unlimited: NDArray[np.float64], first: _Attempt,
    order: NDArray[np.int32],
) -> _Attempt:  # fmt: skip
    """Try lower peaks, all sites at once, then every site at its own best; keep what is cheapest."""
    slot_s = problem.tariff.slot_s
    masks = [counted for one in problem.tariff.demand if demand_day_price(problem, one) > 0
             for counted in (prices.counted_slots(one, slot_s),)]  # fmt: skip

    def limited(share: NDArray[np.float64]) -> NDArray[np.float64]:
        limit = unlimited.copy()
        for mask in masks:
            peak = first.load[:, mask].max(axis=1, initial=0.0) * share
            limit[:, mask] = np.minimum(limit[:, mask], peak[:, None])
        return limit

    best, best_cost = first, _site_costs(problem, first.load)
    share = np.ones(len(sites.names))
    cheapest = best_cost.copy()
    best_total = float(best_cost.sum())
    for one in _PEAKS:
        tried = _attempt(problem, stays, sites, limited(np.full(share.size, one)), order)
        if tried.unserved:
            continue
        cost = _site_costs(problem, tried.load)
        better = cost < cheapest - 1e-9
        share[better], cheapest[better] = one, cost[better]
        if cost.sum() < best_total - 1e-9:
            best, best_total = tried, float(cost.sum())
    for offset in (0.0, -0.05, 0.025, -0.025):
        tried = _attempt(problem, stays, sites, limited(np.clip(share + offset, 0.01, 1.0)), order)
        total = float(_site_costs(problem, tried.load).sum())
        if not tried.unserved and total < best_total - 1e-9:
            best, best_total = tried, total
    return best


def _steered(problem: Problem) -> NDArray[np.float64]:
    """Energy prices, dearer in the hours of a demand charge: what a kW there costs, spread over them."""
    steered = prices.slot_prices(problem.tariff)
    for one in problem.tariff.demand:
        if one.hours:
            mask = prices.counted_slots(one, problem.tariff.slot_s)
            hours = mask.sum() * problem.tariff.slot_s / 3600.0
            steered = steered + mask * (demand_day_price(problem, one) / max(hours, 1e-9))
    return steered


def _site_costs(problem: Problem, load: NDArray[np.float64]) -> NDArray[np.float64]:
    hours = problem.tariff.slot_s / 3600.0
    cost = (load * prices.slot_prices(problem.tariff)).sum(axis=1) * hours
    return np.asarray(cost + prices.demand_by_site(problem, load), float)


def _curves(problem: Problem) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(types, points) kWh and kW of every type's charging curve, padded with its last point."""
    curves = [one.curve or ((0.0, one.max_kw),) for one in problem.vehicles]
    most = max(len(curve) for curve in curves)
    full = [curve + (curve[-1],) * (most - len(curve)) for curve in curves]
    held = [[soc * bus.full_kwh for soc, _ in curve]
            for curve, bus in zip(full, problem.vehicles, strict=True)]  # fmt: skip
    return np.array(held, float), np.array([[kw for _, kw in curve] for curve in full], float)


def _tightest_first(problem: Problem, stays: Stays, sites: Sites) -> NDArray[np.int32]:
    first = -(-stays.arrive_s // problem.tariff.slot_s)
    end = np.maximum(stays.depart_s // problem.tariff.slot_s, first)
    bus_kw = np.array([one.max_kw for one in problem.vehicles])[stays.kind[stays.bus]]
    kw = np.minimum(bus_kw, sites.kw[stays.site])
    can = np.bincount(
        stays.bus, (end - first) * (problem.tariff.slot_s / 3600.0) * kw, len(stays.names)
    )
    need = np.bincount(stays.bus, stays.used_kwh, len(stays.names))
    return np.lexsort((np.arange(need.size), np.round(can - need, 6))).astype(np.int32)


def _own_chargers(stays: Stays) -> NDArray[np.int64]:
    """Each bus's own charger at each depot, where there is one a bus: its rank among the depot's buses."""
    own = np.zeros(stays.bus.size, np.int64)
    for site in np.unique(stays.site):
        here = stays.site == site
        own[here] = np.unique(stays.bus[here], return_inverse=True)[1]
    return own


def _charged(problem: Problem, stays: Stays, sites: Sites, done: _Attempt) -> Charged:
    slot_s = problem.tariff.slot_s
    rows: list[dict[str, Any]] = []
    for stay in np.flatnonzero(done.charger >= 0).tolist():
        low = int(done.begin[stay] - done.first[stay])
        kw = done.power[stay, low : low + int(done.finish[stay] - done.begin[stay])]
        rows.append(
            {
                "vehicle": stays.names[int(stays.bus[stay])],
                "site": sites.names[int(stays.site[stay])],
                "charger": int(done.charger[stay]),
                "start_s": int(done.begin[stay]) * slot_s,
                "end_s": int(done.finish[stay]) * slot_s,
                "kwh": float(kw.sum() * slot_s / 3600.0),
                "kw": tuple(kw.tolist()),
            }
        )
    columns = ["vehicle", "site", "charger", "start_s", "end_s", "kwh", "kw"]
    lost = np.flatnonzero(done.missing > 0)
    why = ""
    if lost.size:
        worst = int(lost[np.argmax(done.missing[lost])])
        night = int(stays.offsets[worst + 1]) - 1
        name = sites.names[int(stays.site[night])]
        why = (
            f"{lost.size} buses cannot be charged, {done.missing[lost].sum():.0f} kWh are missing; "
            f"the worst is {stays.names[worst]} at {name} between "
            f"{format_time(int(stays.arrive_s[night]))} and {format_time(int(stays.depart_s[night]))}, "
            f"{done.missing[worst]:.0f} kWh: more chargers or kW there, or a bigger battery"
        )
    return Charged(
        sessions=pd.DataFrame(rows, columns=columns),
        load_kw=done.load,
        sites=sites.names,
        energy_minor=prices.energy_minor(problem, done.load),
        demand_minor=prices.demand_minor(problem, done.load),
        unserved=tuple(stays.names[int(at)] for at in lost),
        why=why,
    )
