"""Kernels of charging as a flow of energy from stays to slots. Power: kW; energy: kW x slots; slots: int64.

Stay ``i`` takes ``need[i]`` in slots ``first[i]:end[i]``, at most ``most[i]`` in each; slot ``t`` gives
``cap[t]``. ``flow[at[i] + t - first[i]]`` is what stay ``i`` takes in slot ``t``. ``shut`` is laid out as
``flow``: True where the stay is not plugged in; without elements it is plugged in all the time.
"""

import numpy as np

from mobility._jit import kernel

_TINY = 1e-9


@kernel
def stays_by_slot(first, end, slots):
    """Stays of every slot: ``stay[begin[t]:begin[t + 1]]``, in order of the stays."""
    begin = np.zeros(slots + 1, np.int64)
    for i in range(first.size):
        for t in range(first[i], end[i]):
            begin[t + 1] += 1
    for t in range(slots):
        begin[t + 1] += begin[t]
    here = begin.copy()
    stay = np.empty(begin[slots], np.int64)
    for i in range(first.size):
        for t in range(first[i], end[i]):
            stay[here[t]] = i
            here[t] += 1
    return begin, stay


@kernel
def augment(
    first, end, most, shut, at, begin, stay, open_slot, left, room, flow, stay_level, slot_level
):
    """Send as much of ``left`` as ``room`` of the open slots takes (Dinic 1970); all three are changed.

    On return a slot is reached (``slot_level >= 0``) when it lies on the source's side of a smallest cut.
    """
    stays, slots = first.size, room.size
    everywhere = shut.size == 0
    queue = np.empty(stays + slots, np.int64)
    following = np.empty(slots + 1, np.int64)  # next slot that no search has reached yet
    stay_next = np.empty(stays, np.int64)
    slot_next = np.empty(slots, np.int64)
    path = np.empty(2 * (stays + slots) + 2, np.int64)
    while True:
        stay_level[:] = -1
        slot_level[:] = -1
        for t in range(slots + 1):
            following[t] = t
        head, tail = 0, 0
        for i in range(stays):
            if left[i] > _TINY:
                stay_level[i] = 0
                queue[tail] = i
                tail += 1
        if tail == 0:
            return
        last = -1  # level of the nearest slot with room
        while head < tail:
            node = queue[head]
            head += 1
            if node < stays:
                i = node
                if last >= 0 and stay_level[i] + 1 > last:
                    break
                t = first[i]
                while t < end[i]:
                    root = t
                    while following[root] != root:
                        root = following[root]
                    while following[t] != root:
                        step = following[t]
                        following[t] = root
                        t = step
                    t = root
                    if t >= end[i]:
                        break
                    edge = at[i] + t - first[i]
                    if (
                        open_slot[t]
                        and flow[edge] < most[i] - _TINY
                        and (everywhere or not shut[edge])
                    ):
                        slot_level[t] = stay_level[i] + 1
                        following[t] = t + 1
                        queue[tail] = stays + t
                        tail += 1
                        if room[t] > _TINY and last < 0:
                            last = slot_level[t]
                    t += 1
            else:
                t = node - stays
                if last >= 0 and slot_level[t] >= last:
                    continue
                for k in range(begin[t], begin[t + 1]):
                    i = stay[k]
                    if stay_level[i] < 0 and flow[at[i] + t - first[i]] > _TINY:
                        stay_level[i] = slot_level[t] + 1
                        queue[tail] = i
                        tail += 1
        if last < 0:
            return
        for i in range(stays):
            stay_next[i] = first[i]
        for t in range(slots):
            slot_next[t] = begin[t]
        for source in range(stays):
            if stay_level[source] != 0:
                continue
            depth = 0
            path[0] = source
            while left[source] > _TINY:
                if depth % 2 == 0:  # at a stay
                    i = path[depth]
                    found = False
                    while stay_next[i] < end[i]:
                        t = stay_next[i]
                        edge = at[i] + t - first[i]
                        if (
                            slot_level[t] == stay_level[i] + 1
                            and flow[edge] < most[i] - _TINY
                            and (everywhere or not shut[edge])
                        ):
                            found = True
                            break
                        stay_next[i] += 1
                    if found:
                        depth += 1
                        path[depth] = stay_next[i]
                    elif depth == 0:
                        break
                    else:
                        depth -= 1
                        slot_next[path[depth]] += 1
                else:
                    t = path[depth]
                    if room[t] > _TINY:
                        push = min(left[source], room[t])
                        for d in range(0, depth, 2):
                            i, s = path[d], path[d + 1]
                            push = min(push, most[i] - flow[at[i] + s - first[i]])
                            if d > 0:
                                b = path[d - 1]
                                push = min(push, flow[at[i] + b - first[i]])
                        back = 0
                        for d in range(depth - 1, -1, -2):
                            i, s = path[d], path[d + 1]
                            flow[at[i] + s - first[i]] += push
                            if flow[at[i] + s - first[i]] >= most[i] - _TINY:
                                back = d
                            if d > 0:
                                b = path[d - 1]
                                flow[at[i] + b - first[i]] -= push
                                if flow[at[i] + b - first[i]] <= _TINY:
                                    back = d - 1
                        left[source] -= push
                        room[t] -= push
                        if back < depth:
                            depth = back
                    elif slot_level[t] < last and slot_next[t] < begin[t + 1]:
                        i = stay[slot_next[t]]
                        if (
                            stay_level[i] == slot_level[t] + 1
                            and flow[at[i] + t - first[i]] > _TINY
                        ):
                            depth += 1
                            path[depth] = i
                        else:
                            slot_next[t] += 1
                    else:
                        depth -= 1
                        stay_next[path[depth]] += 1


@kernel
def most_into(first, end, most, shut, at, need, open_slot, reached):
    """What all stays can take in the open slots that are not reached, whatever the site gives."""
    total = 0.0
    if shut.size:
        for i in range(first.size):
            count_i = 0
            for t in range(first[i], end[i]):
                if open_slot[t] and reached[t] < 0 and not shut[at[i] + t - first[i]]:
                    count_i += 1
            total += min(need[i], most[i] * count_i)
        return total
    count = np.zeros(open_slot.size + 1, np.int64)
    for t in range(open_slot.size):
        count[t + 1] = count[t] + (1 if open_slot[t] and reached[t] < 0 else 0)
    for i in range(first.size):
        total += min(need[i], most[i] * (count[end[i]] - count[first[i]]))
    return total


@kernel
def fill_by_price(
    first, end, most, shut, need, at, begin, stay, level, price, cap, base, peak, flow, line
):
    """Cheapest flow under a peak; what it could not deliver.

    The cheapest flow is largest into the slots of the cheapest price, then of the two cheapest, and so
    on: loads of slots are a polymatroid. ``level[t]`` is the row of the slot's price in ``price``,
    ascending. ``line``: constant and slope of a line that the cheapest cost (price x kW x slots) stays
    above at every peak and touches here, then constant and slope of one that deliveries stay below.
    """
    slots = cap.size
    left, room = need.copy(), np.empty(slots)
    for t in range(slots):
        room[t] = max(0.0, min(cap[t], peak - base[t]))
    flow[:] = 0.0
    open_slot = np.zeros(slots, np.bool_)
    stay_level, slot_level = np.full(first.size, -1, np.int64), np.full(slots, -1, np.int64)
    total = need.sum()
    line[0], line[1] = price[price.size - 1] * total, 0.0
    for k in range(price.size):
        for t in range(slots):
            if level[t] == k:
                open_slot[t] = True
        augment(
            first, end, most, shut, at, begin, stay, open_slot, left, room, flow, stay_level,
            slot_level,
        )  # fmt: skip
        constant, slope = most_into(first, end, most, shut, at, need, open_slot, slot_level), 0.0
        for t in range(slots):
            if slot_level[t] >= 0:
                if cap[t] > peak - base[t]:
                    slope += 1.0
                    constant -= base[t]
                else:
                    constant += cap[t]
        if k + 1 < price.size:
            line[0] -= (price[k + 1] - price[k]) * constant
            line[1] -= (price[k + 1] - price[k]) * slope
        else:
            line[2], line[3] = constant, slope
    return left.sum()


@kernel
def cheapest_peak(
    first, end, most, shut, need, level, price, cap, base, floor, peak_price, flow, guess
):
    """Cheapest energy and peak of one site: the relaxation's value, with its proof.

    ``base[t]`` is what the site draws besides, -inf where the slot's peak does not count. A peak up to
    ``floor`` (at least the highest base) costs nothing more. Returns state (0 done, 1 infeasible), peak,
    cost, bound, missing; ``flow`` is the cheapest one. Cost and bound are price x kW x slots +
    ``peak_price`` x (peak - ``floor``). ``guess`` is a peak to look at first (0: none).
    """
    slots = cap.size
    at = np.zeros(first.size + 1, np.int64)
    for i in range(first.size):
        at[i + 1] = at[i] + end[i] - first[i]
    begin, stay = stays_by_slot(first, end, slots)
    line = np.zeros(4)
    total = need.sum()
    if total <= _TINY:
        flow[:] = 0.0
        return 0, floor, 0.0, 0.0, 0.0
    top = floor
    least, used = total, 0.0
    for t in range(slots):
        if base[t] != -np.inf:
            top = max(top, cap[t] + base[t])
        if begin[t + 1] > begin[t]:
            used += 1.0
            least += base[t]
    none, one_level = np.zeros(slots, np.int64), np.zeros(1)
    enough = 1e-9 * max(1.0, total)
    missing = fill_by_price(
        first, end, most, shut, need, at, begin, stay, none, one_level, cap, base, top, flow, line
    )
    if missing > enough:
        return 1, top, np.inf, np.inf, missing
    if peak_price <= 0.0 or top <= floor:
        fill_by_price(
            first, end, most, shut, need, at, begin, stay, level, price, cap, base, top, flow, line
        )
        value = line[0] + line[1] * top
        return 0, top, value, value, 0.0
    # The least peak that delivers everything: Newton from below on a concave function.
    least = max(least / max(used, 1.0), floor)
    for _ in range(1000):
        missing = fill_by_price(
            first,
            end,
            most,
            shut,
            need,
            at,
            begin,
            stay,
            none,
            one_level,
            cap,
            base,
            least,
            flow,
            line,
        )
        if missing <= enough or line[3] <= 0.0:
            break
        step = (total - line[2]) / line[3]
        if step <= least * (1.0 + 1e-14):
            break
        least = min(step, top)
    # Between two lines that the cost stays above: their crossing, until the cost touches it.
    fill_by_price(
        first, end, most, shut, need, at, begin, stay, level, price, cap, base, least, flow, line
    )
    low, low_at, low_by = least, line[0], line[1] + peak_price
    paid = peak_price * floor
    if low_by >= 0.0:
        value = low_at + low_by * least - paid
        return 0, least, value, value, 0.0
    fill_by_price(
        first, end, most, shut, need, at, begin, stay, level, price, cap, base, top, flow, line
    )
    high, high_at, high_by = top, line[0], line[1] + peak_price
    if high_by <= 0.0:
        value = high_at + high_by * top - paid
        return 0, top, value, value, 0.0
    best, best_peak, bound = np.inf, top, -np.inf
    for step in range(1000):
        peak = (low_at - high_at) / (high_by - low_by)
        crossing = not (step == 0 and low < guess < high)
        if not crossing:
            peak = guess
        peak = min(max(peak, low), high)
        bound = max(low_at + low_by * peak, high_at + high_by * peak)
        fill_by_price(
            first, end, most, shut, need, at, begin, stay, level, price, cap, base, peak, flow, line
        )
        value = line[0] + (line[1] + peak_price) * peak
        if value < best:
            best, best_peak = value, peak
        if crossing and value - bound <= 1e-10 * max(1.0, abs(value)):
            break
        if line[1] + peak_price < 0.0:
            if peak <= low:
                break
            low, low_at, low_by = peak, line[0], line[1] + peak_price
        else:
            if peak >= high:
                break
            high, high_at, high_by = peak, line[0], line[1] + peak_price
    if best_peak != peak:
        fill_by_price(
            first,
            end,
            most,
            shut,
            need,
            at,
            begin,
            stay,
            level,
            price,
            cap,
            base,
            best_peak,
            flow,
            line,
        )
    return 0, best_peak, best - paid, min(bound, best) - paid, 0.0


@kernel
def shortfall(first, end, most, shut, need, cap, peak, flow, stay_level, slot_level):
    """What no plan can deliver under ``cap`` and ``peak``; the levels mark a smallest cut, its proof."""
    slots = cap.size
    at = np.zeros(first.size + 1, np.int64)
    for i in range(first.size):
        at[i + 1] = at[i] + end[i] - first[i]
    begin, stay = stays_by_slot(first, end, slots)
    left, room = need.copy(), np.minimum(cap, peak)
    flow[:] = 0.0
    open_slot = np.ones(slots, np.bool_)
    augment(
        first, end, most, shut, at, begin, stay, open_slot, left, room, flow, stay_level, slot_level
    )
    return left.sum()


def warm():
    """Call every kernel that Python calls, with every dtype it is used with: one stay, one slot."""
    zero, one = np.zeros(1, np.int64), np.ones(1)
    shut = np.zeros(0, np.bool_)
    cheapest_peak(
        zero, zero + 1, one, shut, one, zero, one, one, one * 0.0, 0.0, 1.0, one.copy(), 0.0
    )
    shortfall(zero, zero + 1, one, shut, one, one, 1.0, one.copy(), zero.copy(), zero.copy())
