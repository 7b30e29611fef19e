"""What whole chargers rule out beyond their power: who can be plugged in at once, and for how long at least."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet import _transport_kernels as kernels
from mobility.fleet import tariff as prices
from mobility.fleet.charge_bound import NEVER
from mobility.units import DAY_S, format_time

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.charge_sites import SiteStays
    from mobility.fleet.charging import Sites, Stays
    from mobility.fleet.problem import Problem
    from mobility.fleet.stays import ChargingProblem

_TINY = 1e-9
_BREAK_S = 3600


def cap_of_present(stays: SiteStays) -> NDArray[np.float64]:
    """(slots,) power that a site's chargers can draw with the buses that are there.

    No more buses than chargers are plugged in at once, so no more than the strongest of those present
    draw together.
    """
    chargers = stays.site.chargers
    order = np.argsort(-stays.most, kind="stable")
    count, power = np.zeros(stays.slots, np.int64), np.zeros(stays.slots)
    for row in order.tolist():
        here = slice(int(stays.first[row]), int(stays.end[row]))
        free = count[here] < chargers
        power[here] += np.where(free, stays.most[row], 0.0)
        count[here] += free
    most: NDArray[np.float64] = np.minimum(stays.cap_kw, power)
    return most


def too_few_chargers(problem: ChargingProblem, stays: SiteStays) -> str:
    """Prove that chargers are too few, however buses take turns on them; empty where that is not so.

    A stay needs a charger for at least ``need / most`` whole slots; a smallest cut of these slots
    through ``chargers`` a slot is the proof.
    """
    slots_needed = np.ceil(stays.need / stays.most - 1e-6)
    each = np.ones(stays.rows.size)
    flow = np.zeros(int((stays.end - stays.first).sum()))
    stay_level = np.full(stays.rows.size, -1, np.int64)
    slot_level = np.full(stays.slots, -1, np.int64)
    cap = np.full(stays.slots, float(stays.site.chargers))
    missing = kernels.shortfall(stays.first, stays.end, each, NEVER, slots_needed, cap, np.inf, flow,
                                stay_level, slot_level)  # fmt: skip
    if missing <= 1e-6:
        return ""
    full = np.flatnonzero(slot_level >= 0)
    short = int((stay_level >= 0).sum())
    if full.size == 0:
        return ""  # a stay that is too short by itself: the relaxation says so in kWh
    more = math.ceil(missing / full.size - 1e-9)
    begin, end = ((stays.base + int(one)) * problem.slot_s for one in (full.min(), full.max() + 1))
    return (
        f"{stays.site.name}: {short} buses need {missing * problem.slot_s / 3600.0:.1f} hours more of "
        f"charging between {format_time(begin)} and {format_time(end)} than its "
        f"{stays.site.chargers} chargers have; at least {more} chargers more"
    )


def too_few_for_blocks(problem: Problem, stays: Stays, sites: Sites) -> str:
    """Prove that a depot cannot charge the buses that live there; empty where that is not proven.

    A bus gets at its depot at least what its day uses and its other stays cannot give, in whole slots
    at its highest power. The day repeats. A smallest cut of these slots through the depot's chargers,
    or of the energy through its connection, is the proof.
    """
    slot_s = problem.tariff.slot_s
    day, hours = DAY_S // slot_s, slot_s / 3600.0
    first = -(-stays.arrive_s // slot_s)
    end = np.maximum(stays.depart_s // slot_s, first)
    most = np.array([one.max_kw for one in problem.vehicles], float)[stays.kind[stays.bus]]
    most = np.minimum(most, sites.kw[stays.site])
    gives = np.where(sites.count[stays.site] > 0, most * (end - first) * hours, 0.0)
    used = np.bincount(stays.bus, stays.used_kwh, len(stays.names))
    given = np.bincount(stays.bus, gives, len(stays.names))
    for site in range(len(problem.depots)):
        here = stays.site == site
        own = np.unique(stays.bus[here])
        elsewhere = given - np.bincount(stays.bus, np.where(here, gives, 0.0), len(stays.names))
        need = (used - elsewhere)[own]
        own, need = own[need > 1e-6], need[need > 1e-6]
        if own.size == 0:
            continue
        row = {bus: at for at, bus in enumerate(own.tolist())}
        shut = np.ones((own.size, day), np.bool_)
        for stay in np.flatnonzero(here).tolist():
            if (at := row.get(int(stays.bus[stay]))) is not None:
                shut[at, np.arange(first[stay], min(end[stay], first[stay] + day)) % day] = False
        kw = np.minimum(
            np.array([one.max_kw for one in problem.vehicles], float)[stays.kind[own]],
            sites.kw[site],
        )
        chargers = int(sites.count[site])
        room = np.minimum(prices.room_kw(problem.depots[site], slot_s), chargers * sites.kw[site])
        for each, wanted, cap, what in (
            (
                np.ones(own.size),
                np.ceil(need / (kw * hours) - 1e-6),
                np.full(day, float(chargers)),
                "hours",
            ),
            (kw, need / hours, np.asarray(room, float), "kWh"),
        ):
            flow = np.zeros(own.size * day)
            stay_level, slot_level = np.full(own.size, -1, np.int64), np.full(day, -1, np.int64)
            zero = np.zeros(own.size, np.int64)
            missing = kernels.shortfall(zero, zero + day, each, shut.ravel(), wanted, cap, np.inf, flow,
                                        stay_level, slot_level)  # fmt: skip
            if missing * hours <= 1e-3:
                continue
            full = np.flatnonzero(slot_level >= 0)
            short = np.flatnonzero(stay_level >= 0)
            worst = stays.names[int(own[short[np.argmax(need[short])]])]
            if full.size == 0:
                return (
                    f"{sites.names[site]}: {worst} stands there too briefly: {missing * hours:.1f} {what} of "
                    f"charging are missing, whoever else charges"
                )
            limit = f"its {chargers} chargers have" if what == "hours" else (
                f"its chargers and connection give ({float(cap[full].max()):g} kW at most)")  # fmt: skip
            return (
                f"{sites.names[site]}: {short.size} buses need {missing * hours:.1f} {what} more of charging "
                f"at {_windows(full, slot_s)} than {limit}, whatever they get elsewhere"
            )
    return ""


def _windows(slots: NDArray[np.int64], slot_s: int) -> str:
    """``20:00-08:15``: slots of the day in runs, short breaks left out, the two longest of them."""
    day, near = DAY_S // slot_s, max(1, _BREAK_S // slot_s)
    runs = [one.tolist() for one in np.split(slots, np.flatnonzero(np.diff(slots) > near) + 1)]
    spans = [(one[0], one[-1] + 1) for one in runs]
    if len(spans) > 1 and spans[0][0] + day - spans[-1][1] < near:
        spans = [(spans[-1][0], spans[0][1] + day), *spans[1:-1]]  # one run around midnight
    spans.sort(key=lambda one: one[0] - one[1])
    told = " and ".join(
        f"{format_time(low * slot_s)[:5]}-{format_time(high % day * slot_s or high * slot_s)[:5]}"
        for low, high in sorted(spans[:2])
    )
    return told if len(spans) < 3 else f"{told} and at other times"
