"""Kernels of whole chargers and single plug-ins at one site. Power: kW; energy: kW x slots; slots: int64.

A session of stay ``i`` holds a charger from slot ``begin[i]`` to ``finish[i]`` (-1, -1: none);
``gap`` slots lie between two sessions on one charger.
"""

import numpy as np

from mobility._jit import kernel

_TINY = 1e-9


@kernel
def follow(first, end, most, need, chargers, gap, target, noise, soonest, begin, finish):
    """Plug stays in, slot by slot, so that their power follows ``target``; how many find no charger.

    Who has least time to spare (plus ``noise``, slots) is plugged in next. A bus leaves its charger
    when it is full, or at its departure. ``soonest``: spare power goes to who is full first, else to
    who has least time to spare.
    """
    stays, slots = first.size, target.size
    left = need.copy()
    begin[:] = -1
    finish[:] = -1
    plugged = np.empty(chargers, np.int64)
    held = 0
    by_first = np.argsort(first, kind="mergesort")
    waiting = np.empty(stays, np.int64)
    queue, arrived, lost = 0, 0, 0
    key = np.empty(stays)
    ready = np.zeros(slots + gap + 2, np.int64)  # chargers that wait no longer for the next bus
    resting = 0
    for t in range(slots):
        resting -= ready[t]
        keep = 0
        for k in range(held):
            i = plugged[k]
            if left[i] <= _TINY or end[i] <= t:
                finish[i] = t
                if gap > 0:
                    resting += 1
                    ready[t + gap] += 1
            else:
                plugged[keep] = i
                keep += 1
        held = keep
        while arrived < stays and first[by_first[arrived]] <= t:
            waiting[queue] = by_first[arrived]
            queue += 1
            arrived += 1
        if queue:
            for k in range(queue):
                i = waiting[k]
                key[k] = end[i] - t - left[i] / most[i] + noise[i]
            order = np.argsort(key[:queue], kind="mergesort")
            could = 0.0
            for k in range(held):
                could += min(most[plugged[k]], left[plugged[k]])
            gone = np.zeros(queue, np.bool_)
            for k in order:
                i = waiting[k]
                must = end[i] - t - left[i] / most[i] < 1.0
                if not must and could >= target[t] - _TINY:
                    if key[k] > 2.0 + noise[i]:
                        break
                    continue
                if held + resting < chargers:
                    plugged[held] = i
                    held += 1
                    begin[i] = t
                    gone[k] = True
                    could += min(most[i], left[i])
                elif end[i] <= t + 1:
                    gone[k] = True
                    lost += 1
            keep = 0
            for k in range(queue):
                if not gone[k]:
                    waiting[keep] = waiting[k]
                    keep += 1
            queue = keep
        if held == 0:
            continue
        total = 0.0
        give = np.zeros(held)
        rank = np.empty(held)
        for k in range(held):
            i = plugged[k]
            give[k] = min(most[i], max(0.0, left[i] - most[i] * (end[i] - t - 1)))
            total += give[k]
            rank[k] = left[i] / most[i]
            if not soonest:
                rank[k] = end[i] - t - rank[k]
        for k in np.argsort(rank, kind="mergesort"):
            i = plugged[k]
            more = min(min(most[i], left[i]) - give[k], max(target[t], 0.0) - total)
            if more > 0.0:
                give[k] += more
                total += more
        for k in range(held):
            left[plugged[k]] -= give[k]
    for k in range(held):
        i = plugged[k]
        finish[i] = end[i] if left[i] > _TINY else slots
    for i in range(stays):
        if begin[i] >= 0:
            finish[i] = min(finish[i], end[i])
    return lost + queue + (stays - arrived)


@kernel
def assign(begin, finish, chargers, gap, charger):
    """Give each session a charger, the one that has been free longest; False where they are too few."""
    free = np.zeros(chargers, np.int64)
    charger[:] = -1
    for i in np.argsort(begin, kind="mergesort"):
        if begin[i] < 0:
            continue
        best = -1
        for c in range(chargers):
            if free[c] <= begin[i] and (best < 0 or free[c] < free[best]):
                best = c
        if best < 0:
            return False
        charger[i] = best
        free[best] = finish[i] + gap
    return True


@kernel
def stretch(first, end, begin, finish, charger, chargers, gap, share):
    """Lengthen sessions into the gaps between them on their chargers, within their stays.

    ``share[i]`` (0 to 1) of the gap before session ``i`` that both neighbours could use goes to it.
    """
    last = np.full(chargers, -1, np.int64)
    for i in np.argsort(begin, kind="mergesort"):
        c = charger[i]
        if begin[i] < 0 or c < 0:
            continue
        before = last[c]
        if before < 0:
            begin[i] = first[i]
        else:
            low = max(first[i] - gap, finish[before])  # what this one could take
            high = min(end[before], begin[i] - gap)  # where the one before could reach
            cut = high
            if low < high:
                cut -= np.int64(np.round(share[i] * (high - low)))
            finish[before] = max(finish[before], cut)
            begin[i] = max(first[i], finish[before] + gap)
        last[c] = i
    for c in range(chargers):
        if last[c] >= 0:
            finish[last[c]] = end[last[c]]


@kernel
def trim(begin, finish, flow):
    """Cut slots without power from both ends; ``flow`` is laid out by the sessions as they come in."""
    at = 0
    for i in range(begin.size):
        if begin[i] < 0:
            continue
        low, high = begin[i], finish[i]
        a, b = low, high
        while a < b and flow[at + a - low] <= _TINY:
            a += 1
        while b > a and flow[at + b - 1 - low] <= _TINY:
            b -= 1
        begin[i], finish[i] = a, b
        at += high - low


@kernel
def by_arrival(first, end, most, need, cap, chargers, gap, balanced, begin, finish, flow):
    """First come, first served: what the rule leaves undelivered, kW x slots.

    Whoever came first gets the next free charger and full power while the site has it. ``balanced``: a
    bus spreads its need evenly up to its departure, as long as nobody waits for a charger.
    """
    stays, slots = first.size, cap.size
    at = np.zeros(stays + 1, np.int64)
    for i in range(stays):
        at[i + 1] = at[i] + end[i] - first[i]
    left = need.copy()
    begin[:] = -1
    finish[:] = -1
    flow[:] = 0.0
    order = np.argsort(first, kind="mergesort")
    plugged = np.empty(stays, np.int64)
    held = 0
    ready = np.zeros(slots + gap + 2, np.int64)
    resting = 0
    for t in range(slots):
        resting -= ready[t]
        keep = 0
        for k in range(held):
            i = plugged[k]
            if left[i] <= _TINY or end[i] <= t:
                finish[i] = t
                if gap > 0:
                    resting += 1
                    ready[t + gap] += 1
            else:
                plugged[keep] = i
                keep += 1
        held = keep
        waiting = 0
        for i in order:
            if first[i] > t:
                break
            if begin[i] < 0 and end[i] > t and left[i] > _TINY:
                if held + resting < chargers:
                    plugged[held] = i
                    held += 1
                    begin[i] = t
                else:
                    waiting += 1
        room = cap[t]
        for k in range(held):
            i = plugged[k]
            kw = min(most[i], left[i])
            if balanced and waiting == 0:
                kw = min(kw, left[i] / (end[i] - t))
            kw = min(kw, room)
            flow[at[i] + t - first[i]] = kw
            left[i] -= kw
            room -= kw
    for k in range(held):
        finish[plugged[k]] = end[plugged[k]]
    return left.sum()


def warm():
    """Call every kernel that Python calls, with every dtype it is used with: one stay, two slots."""
    zero, one, two = np.zeros(1, np.int64), np.ones(1), np.ones(2)
    end, begin, finish, flow = zero + 2, zero.copy(), zero + 1, two * 0.5
    follow(zero, end, one, one, 1, 0, two, one, True, begin, finish)
    assign(begin, finish, 1, 0, zero.copy())
    stretch(zero, end, begin, finish, zero, 1, 0, one)
    trim(begin, finish, flow)
    by_arrival(zero, end, one, one, two, 1, 0, False, begin, finish, flow)
