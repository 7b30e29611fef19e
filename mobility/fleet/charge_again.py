"""Several plug-ins a stay: sessions are rows of their own, and power flows where a stay is plugged in.

Where chargers bind, a bus may give its charger away and come back: two cheap hours of a night are then
open to more buses. The flow that finds the cheapest power for single sessions knows slots in which a stay
is not plugged in, so it is as exact here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet import _plug_kernels as plugs
from mobility.fleet import _replug_kernels as kernels
from mobility.fleet import _transport_kernels as flows
from mobility.fleet.charge_bound import NEVER, site_load

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.charge_search import Sessions, SiteSearch

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

__all__ = ["NEVER", "again", "between", "mask_of", "powered", "runs_of"]


def again(
    search: SiteSearch, now: Sessions, peak_kw: float, tries: int, many: int, heat: float
) -> Sessions:
    """One round of the search from a plan, then the cheapest power on chargers as long as they are free."""
    one = search.stays
    on = mask_of(search, now)
    flow, lacks = now.flow.copy(), now.lacks.copy()
    kernels.search(
        one.first, one.end, one.most, one.need, one.level, one.price, one.cap_kw, one.beside_kw,
        one.site.chargers, one.gap, one.plug_ins, search.peak_price, search.lack_price, peak_kw, tries,
        many, heat, search.state, on, flow, lacks,
    )  # fmt: skip
    return powered(search, now, *runs_of(search, on))


def mask_of(search: SiteSearch, told: Sessions) -> Flags:
    """Whether each stay is plugged in, laid out as its power."""
    on = np.zeros(int(search.offset[-1]), np.bool_)
    for stay, begin, finish in zip(told.owner, told.begin, told.finish, strict=True):
        if begin >= 0:
            at = search.offset[stay] - search.stays.first[stay]
            on[at + begin : at + finish] = True
    return on


def runs_of(search: SiteSearch, on: Flags) -> tuple[Ints, Ints, Ints]:
    """Stay, begin and end of every run of slots in which a stay is plugged in."""
    owner = np.repeat(np.arange(search.lengths.size), search.lengths)
    fresh = np.append(True, owner[1:] != owner[:-1]) if on.size else on
    before = np.where(fresh, False, np.append(False, on[:-1])) if on.size else on
    last = np.append(fresh[1:], True) if on.size else on
    after = np.where(last, False, np.append(on[1:], False)) if on.size else on
    slot = np.arange(on.size) - np.repeat(search.offset[:-1] - search.stays.first, search.lengths)
    begins, ends = np.flatnonzero(on & ~before), np.flatnonzero(on & ~after)
    return owner[begins], slot[begins], slot[ends] + 1


def powered(search: SiteSearch, now: Sessions, stay: Ints, begin: Ints, finish: Ints) -> Sessions:
    """Lengthen sessions on their chargers and find their cheapest power; ``now`` where they do not fit."""
    one = search.stays
    begin, finish = begin.copy(), finish.copy()
    charger = np.empty(begin.size, np.int64)
    if not plugs.assign(begin, finish, one.site.chargers, one.gap, charger):
        return now
    low, high = between(search, stay, begin, finish)
    share = search.random.random(begin.size)
    plugs.stretch(low, high, begin, finish, charger, one.site.chargers, one.gap, share)
    wide = replace(now, begin=begin, finish=finish, stay=stay)
    shut = ~mask_of(search, wide)
    flow = np.zeros(shut.size)
    guess = 0.0 if search.relaxed is None else search.relaxed.peak_kw

    def cheapest(need: NDArray[np.float64]) -> tuple[int, float, float]:
        state, peak, cost, _, _ = flows.cheapest_peak(
            one.first, one.end, one.most, shut, need, one.level, one.price, one.cap_kw, one.beside_kw,
            one.floor_kw, search.peak_price, flow, guess,
        )  # fmt: skip
        return state, float(peak), float(cost)

    lacks = np.zeros(one.need.size)
    state, peak, cost = cheapest(one.need)
    if state:
        none, never = np.full(one.need.size, -1, np.int64), np.full(one.slots, -1, np.int64)
        flows.shortfall(one.first, one.end, one.most, shut, one.need, one.cap_kw, np.inf, flow, none,
                        never)  # fmt: skip
        got = np.bincount(np.repeat(np.arange(one.need.size), search.lengths), flow, one.need.size)
        lacks = one.need - got
        lacks[lacks < 1e-6] = 0.0
        state, peak, cost = cheapest(np.asarray(got * (1.0 - 1e-12), float))
    begin, finish, kept = _trimmed(search, flow, stay, begin, finish)
    if search.peak_price == 0:
        peak = float((site_load(one, flow) + one.beside_kw).max(initial=one.floor_kw))
    return replace(
        now, begin=begin[kept], finish=finish[kept], stay=stay[kept], flow=flow, lacks=lacks,
        peak_kw=peak, cost=cost * one.slot_h,
    )  # fmt: skip


def between(search: SiteSearch, stay: Ints, begin: Ints, finish: Ints) -> tuple[Ints, Ints]:
    """Slots that each session may grow into: halfway to the next one of its own stay, within the stay."""
    low, high = search.stays.first[stay], search.stays.end[stay]
    order = np.lexsort((begin, stay))
    for a, b in zip(order[:-1].tolist(), order[1:].tolist(), strict=True):
        if stay[a] == stay[b]:
            space = int(begin[b] - finish[a])
            low[b] = begin[b] - space // 2
            high[a] = min(low[b] - search.stays.gap, high[a])
            high[a] = max(high[a], finish[a])
    return low, high


def _trimmed(
    search: SiteSearch, flow: NDArray[np.float64], stay: Ints, begin: Ints, finish: Ints
) -> tuple[Ints, Ints, Flags]:
    """Sessions without the slots at their ends in which nothing flows; True for those that are left."""
    begin, finish = begin.copy(), finish.copy()
    kept = np.zeros(begin.size, np.bool_)
    for row in range(begin.size):
        at = int(search.offset[stay[row]] - search.stays.first[stay[row]])
        used = np.flatnonzero(flow[at + begin[row] : at + finish[row]] > 1e-9)
        if used.size:
            finish[row] = begin[row] + used[-1] + 1
            begin[row] += used[0]
            kept[row] = True
    return begin, finish, kept
