"""What no plan of charging can beat, and why one may not exist.

Without whole chargers and single plug-ins, a site is a flow of energy from stays to slots under one
peak. Loads of slots form a polymatroid (Edmonds 1970), so the cheapest flow under a peak is largest into
the cheapest slots, then into the two cheapest prices, and so on; each of these flows' smallest cut is a
line in the peak that the cost stays above. Where two lines cross, the next peak is tried, until the
cost touches the lines. The value is exact, and its proof is a handful of cuts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet import _transport_kernels as kernels
from mobility.fleet.charge_sites import by_site
from mobility.units import format_time

NEVER = np.zeros(0, np.bool_)  # stays that are plugged in all the time, for the flow's kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.charge_sites import SiteStays
    from mobility.fleet.stays import ChargingProblem


@dataclass(frozen=True)
class SiteBound:
    """One site's relaxation: cost and its bound, the peak, kW of each stay in each of its slots."""

    stays: SiteStays
    cost: float
    bound: float
    peak_kw: float
    flow: NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True)
class Relaxation:
    """All sites' relaxations; ``objective`` None and ``why`` where even they have none."""

    objective: float | None
    bound: float | None
    sites: tuple[SiteBound, ...] = field(repr=False)
    why: str = ""

    @property
    def peak_kw(self) -> dict[str, float]:
        """Peak of every site that charges."""
        return {one.stays.site.name: one.peak_kw for one in self.sites}


def relax(problem: ChargingProblem) -> Relaxation:
    """Give the relaxation's value: power of a stay in a slot from 0 to its most, chargers as power.

    A site's power in a slot is at most ``min(cap_kw, chargers x kw)``; every stay gets exactly what it
    needs. The cost is energy and, at each site, ``demand`` x peak.
    """
    if why := too_much_for_battery(problem):
        return Relaxation(None, None, (), why)
    found: list[SiteBound] = []
    for stays in by_site(problem):
        bound = site_bound(stays)
        if bound is None:
            return Relaxation(None, None, (), _why(problem, stays))
        found.append(bound)
    return Relaxation(
        math.fsum(one.cost for one in found), math.fsum(one.bound for one in found), tuple(found)
    )


def site_bound(
    stays: SiteStays, cap_kw: NDArray[np.float64] | None = None, guess_kw: float = 0.0
) -> SiteBound | None:
    """One site's relaxation, under another limit of power by slot if you like; None where it has none."""
    flow = np.zeros(int((stays.end - stays.first).sum()))
    state, peak, cost, bound, _ = kernels.cheapest_peak(
        stays.first, stays.end, stays.most, NEVER, stays.need, stays.level, stays.price,
        stays.cap_kw if cap_kw is None else cap_kw, stays.beside_kw, stays.floor_kw,
        stays.demand / stays.slot_h, flow, guess_kw,
    )  # fmt: skip
    if state:
        return None
    top = float(peak)
    if stays.demand == 0:
        top = float((site_load(stays, flow) + stays.beside_kw).max(initial=0.0))
    return SiteBound(stays, cost * stays.slot_h, bound * stays.slot_h, top, flow)


def site_load(stays: SiteStays, flow: NDArray[np.float64]) -> NDArray[np.float64]:
    """Power of a site in each slot."""
    lengths = stays.end - stays.first
    begins = np.cumsum(lengths) - lengths
    slot = np.arange(flow.size) - np.repeat(begins - stays.first, lengths)
    return np.bincount(slot, flow, stays.slots).astype(float)


def too_much_for_battery(problem: ChargingProblem) -> str:
    """Say which stay is asked to charge more than its battery holds; empty where none is."""
    stays = problem.stays
    room = (stays["battery_kwh"] - stays["soc_kwh"].fillna(0.0)).to_numpy(float)
    over = np.nan_to_num(stays["need_kwh"].to_numpy(float) - room, nan=0.0)
    if not (over > 1e-6).any():
        return ""
    row = stays.iloc[int(np.argmax(over))]
    return (
        f"bus {row['bus']} at {row['site']} between {format_time(int(row['arrive_s']))} and "
        f"{format_time(int(row['depart_s']))} needs {row['need_kwh']:.1f} kWh and its battery has "
        f"room for {row['need_kwh'] - over.max():.1f}: {over.max():.1f} kWh are missing"
    )


def _why(problem: ChargingProblem, stays: SiteStays) -> str:
    """Where the energy gets stuck, from a smallest cut: a proof that a planner can add up."""
    flow = np.zeros(int((stays.end - stays.first).sum()))
    stay_level = np.full(stays.rows.size, -1, np.int64)
    slot_level = np.full(stays.slots, -1, np.int64)
    missing = kernels.shortfall(
        stays.first,
        stays.end,
        stays.most,
        NEVER,
        stays.need,
        stays.cap_kw,
        np.inf,
        flow,
        stay_level,
        slot_level,
    )
    kwh = missing * problem.slot_h
    name, names = stays.site.name, problem.stays["bus"].to_numpy(object)[stays.rows]
    alone = stays.need - stays.most * (stays.end - stays.first)
    if alone.max() > 1e-6:
        at = int(np.argmax(alone))
        return (
            f"{name}: {kwh:.1f} kWh are missing; bus {names[at]} cannot take its "
            f"{stays.need[at] * problem.slot_h:.1f} kWh at {stays.most[at]:g} kW between "
            f"{_span(problem, stays, int(stays.first[at]), int(stays.end[at]))}, "
            f"{alone[at] * problem.slot_h:.1f} kWh short"
        )
    full = np.flatnonzero(slot_level >= 0)
    short = np.flatnonzero(stay_level >= 0)
    more = math.ceil(missing / max(full.size, 1) / stays.site.kw - 1e-9)
    limit = "its connection" if stays.site.most_kw < stays.site.chargers * stays.site.kw else (
        f"its {stays.site.chargers} chargers")  # fmt: skip
    return (
        f"{name}: {kwh:.1f} kWh are missing between "
        f"{_span(problem, stays, int(full.min()), int(full.max()) + 1)}, where {short.size} buses need "
        f"more than {limit} give ({stays.site.most_kw:g} kW); at least {more} chargers of "
        f"{stays.site.kw:g} kW more, or as much power"
    )


def _span(problem: ChargingProblem, stays: SiteStays, first: int, end: int) -> str:
    begin_s, end_s = ((stays.base + one) * problem.slot_s for one in (first, end))
    return f"{format_time(begin_s)} and {format_time(end_s)}"
