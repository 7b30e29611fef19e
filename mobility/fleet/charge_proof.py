"""What whole chargers rule out beyond their power: who can be plugged in at once, and for how long at least."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet import _transport_kernels as kernels
from mobility.fleet.charge_bound import NEVER
from mobility.units import format_time

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.charge_sites import SiteStays
    from mobility.fleet.stays import ChargingProblem

_TINY = 1e-9


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
