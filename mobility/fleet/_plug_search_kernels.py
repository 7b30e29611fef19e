"""Kernels of the search over sessions at one site. Power: kW; energy: kW x slots; slots: int64.

A session of stay ``i`` holds a charger from slot ``begin[i]`` to ``finish[i]`` (-1, -1: none);
``flow[at[i] + t - first[i]]`` is what the stay takes in slot ``t``. ``held[t]`` counts chargers that are
held in slot ``t``, each for ``gap`` slots longer than its session.
"""

import numpy as np

from mobility._jit import kernel

_TINY = 1e-9


@kernel
def draw(state):
    """A random number in [0, 1) (xorshift64*, Vigna 2016); the same on every machine."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return np.float64((x * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0


@kernel
def take_out(i, first, at, gap, begin, finish, flow, load, held):
    """Unplug stay ``i``."""
    for t in range(begin[i], finish[i]):
        load[t] -= flow[at[i] + t - first[i]]
        held[t] -= 1
        flow[at[i] + t - first[i]] = 0.0
    if begin[i] >= 0:
        for t in range(finish[i], min(finish[i] + gap, held.size)):
            held[t] -= 1
    begin[i], finish[i] = -1, -1


@kernel
def put_in(i, low_slot, high_slot, first, most, need, at, level, price, limit, chargers, gap, hold_price,
           late, flow, load, held, begin, finish, give):  # fmt: skip
    """Plug stay ``i`` in between two slots where that is cheapest under ``limit``; what it does not get.

    An interval costs its energy, cheapest slots first, and ``hold_price`` a slot. Where none gives all,
    the one that gives most is taken. ``late``: of equal slots the later ones are used.
    """
    levels = price.size
    by_level = np.zeros(levels)
    best, best_low, best_high, best_got = np.inf, -1, -1, 0.0
    a = low_slot
    full, slots = low_slot, held.size  # the next slot in which no charger is free
    while a < high_slot:
        if held[a] >= chargers or limit[a] - load[a] <= _TINY:
            a += 1
            continue
        full = max(full, a)
        while full < slots and held[full] < chargers:
            full += 1
        # The charger must stay free for the gap, too; nobody comes after the last slot.
        until = high_slot if full == slots else min(high_slot, full - gap)
        by_level[:] = 0.0
        got = 0.0
        done = False
        cheap = levels
        b = a
        while b < until:
            free = min(most[i], limit[b] - load[b])
            if free > _TINY:
                by_level[level[b]] += free
                got += free
                if got >= need[i] - _TINY and (not done or level[b] < cheap):
                    done = True
                    left, paid = need[i], hold_price * (b + 1 - a)
                    for k in range(levels):
                        part = min(left, by_level[k])
                        paid += part * price[k]
                        left -= part
                        if part > 0.0:
                            cheap = k
                        if left <= _TINY:
                            break
                    if paid < best - 1e-9 or (late and paid <= best + 1e-9):
                        best, best_low, best_high = paid, a, b + 1
                    if cheap == 0 and by_level[0] >= need[i]:
                        break
                elif not done and best == np.inf and got > best_got + _TINY:
                    best_got, best_low, best_high = got, a, b + 1
            b += 1
        a += 1
    if best_low < 0:
        return need[i]
    left = need[i]
    for k in range(levels):
        if left <= _TINY:
            break
        for step in range(best_high - best_low):
            t = best_high - 1 - step if late else best_low + step
            if level[t] != k:
                continue
            kw = min(left, most[i], limit[t] - load[t])
            if kw > _TINY:
                give[t - best_low] = kw
                left -= kw
            else:
                give[t - best_low] = 0.0
            if left <= _TINY:
                break
    low, high = -1, -1
    for t in range(best_low, best_high):
        if give[t - best_low] > _TINY:
            if low < 0:
                low = t
            high = t + 1
    for t in range(best_low, best_high):
        kw = give[t - best_low]
        give[t - best_low] = 0.0
        if low <= t < high:
            flow[at[i] + t - first[i]] = kw
            load[t] += kw
            held[t] += 1
    if low >= 0:
        for t in range(high, min(high + gap, slots)):
            held[t] += 1
    begin[i], finish[i] = low, high
    return max(0.0, left if left > _TINY else 0.0)


@kernel
def search(first, end, most, need, level, price, cap, base, chargers, gap, peak_price, lack_price, peak,
           tries, many, heat, state, begin, finish, flow, lacks):  # fmt: skip
    """Improve a plan: unplug a few stays that meet, plug them in again, keep what is not dearer.

    ``peak`` is a load that may be reached for nothing more; above it each kW costs ``peak_price``, counted
    with ``base``, which is -inf where a slot does not count.
    ``lacks`` is what each stay does not get. ``begin``, ``finish``, ``flow`` (by stay) and ``lacks`` are
    changed into the best plan found; its cost is returned.
    """
    stays, slots = first.size, cap.size
    at = np.zeros(stays + 1, np.int64)
    for i in range(stays):
        at[i + 1] = at[i] + end[i] - first[i]
    load, held = np.zeros(slots), np.zeros(slots, np.int64)
    energy, lack = 0.0, 0.0
    for i in range(stays):
        lack += lacks[i]
        for t in range(max(begin[i], 0), finish[i]):
            kw = flow[at[i] + t - first[i]]
            load[t] += kw
            held[t] += 1
            energy += kw * price[level[t]]
        if begin[i] >= 0:
            for t in range(finish[i], min(finish[i] + gap, slots)):
                held[t] += 1
    top = (load + base).max()
    cost = energy + peak_price * max(top, peak) + lack_price * lack
    best = cost
    best_begin, best_finish, best_flow, best_lacks = (
        begin.copy(),
        finish.copy(),
        flow.copy(),
        lacks.copy(),
    )
    longest = 0
    for i in range(stays):
        longest = max(longest, end[i] - first[i])
    give = np.zeros(longest + 1)
    chosen = np.empty(many, np.int64)
    key = np.empty(many)
    was_begin, was_finish, was_lack = (
        np.empty(many, np.int64),
        np.empty(many, np.int64),
        np.empty(many),
    )
    was_flow = np.empty((many, longest + 1))
    limit = np.empty(slots)
    mark = np.zeros(stays, np.bool_)
    for step in range(tries):
        warm = heat * (1.0 - step / tries)
        # Whom to move: one who lacks energy or pays much, and others who are plugged in meanwhile.
        seed = -1
        worst = -1.0
        for _ in range(4):
            i = np.int64(draw(state) * stays)
            bad = lacks[i] * lack_price
            for t in range(max(begin[i], 0), finish[i]):
                bad += flow[at[i] + t - first[i]] * (price[level[t]] - price[0])
                if load[t] + base[t] >= peak - _TINY:
                    bad += flow[at[i] + t - first[i]] * peak_price / slots
            if bad > worst:
                worst, seed = bad, i
        if lack > _TINY and draw(state) < 0.7:
            skip = np.int64(draw(state) * stays)
            for k in range(stays):
                i = (k + skip) % stays
                if lacks[i] > _TINY:
                    seed = i
                    break
        chosen[0] = seed
        mark[seed] = True
        count = 1
        wanted = 1 + np.int64(draw(state) * many)
        centre = first[seed] + np.int64(draw(state) * (end[seed] - first[seed]))
        reach = 1 + np.int64(draw(state) * draw(state) * (end[seed] - first[seed]))
        skip = np.int64(draw(state) * stays)
        for k in range(stays):
            if count >= wanted:
                break
            i = (k + skip) % stays
            if (
                not mark[i]
                and begin[i] >= 0
                and begin[i] <= centre + reach
                and finish[i] > centre - reach
            ):
                chosen[count] = i
                mark[i] = True
                count += 1
        before_energy, before_lack = energy, lack
        for k in range(count):
            i = chosen[k]
            mark[i] = False
            was_begin[k], was_finish[k], was_lack[k] = begin[i], finish[i], lacks[i]
            for t in range(max(begin[i], 0), finish[i]):
                kw = flow[at[i] + t - first[i]]
                was_flow[k, t - begin[i]] = kw
                energy -= kw * price[level[t]]
            lack -= lacks[i]
            take_out(i, first, at, gap, begin, finish, flow, load, held)
        how = draw(state)
        for k in range(count):
            i = chosen[k]
            slack = end[i] - first[i] - need[i] / most[i]
            if how < 0.4:
                key[k] = draw(state)
            elif how < 0.7:
                key[k] = slack * (0.7 + 0.6 * draw(state))
            else:
                key[k] = -need[i] / most[i] * (0.7 + 0.6 * draw(state))
        if how < 0.15:
            key[0] = -1.0
        now_top = (load + base).max()
        hold = abs(price[price.size - 1]) * 0.05 * draw(state) * draw(state) * most[seed]
        late = draw(state) < 0.5
        part = draw(state) < 0.4
        for k in np.argsort(key[:count], kind="mergesort"):
            i = chosen[k]
            low, high = first[i], end[i]
            if part and draw(state) < 0.5:  # another place than the cheapest, by chance
                cut = first[i] + 1 + np.int64(draw(state) * (end[i] - first[i]))
                if draw(state) < 0.5 and end[i] - cut >= need[i] / most[i]:
                    low = cut
                elif cut - first[i] >= need[i] / most[i]:
                    high = cut
            ceiling = max(now_top, peak)
            for more in range(6):
                for t in range(slots):
                    limit[t] = min(cap[t], ceiling + more * 0.2 * most[i] - base[t])
                short = put_in(i, low, high, first, most, need, at, level, price, limit, chargers, gap,
                               hold, late, flow, load, held, begin, finish, give)  # fmt: skip
                if (
                    short <= _TINY
                    or more == 5
                    or (peak_price <= 0.0 and ceiling >= (cap + base).max())
                ):
                    break
                if begin[i] >= 0:
                    take_out(i, first, at, gap, begin, finish, flow, load, held)
            lacks[i] = short
            lack += short
            for t in range(max(begin[i], 0), finish[i]):
                energy += flow[at[i] + t - first[i]] * price[level[t]]
                now_top = max(now_top, load[t] + base[t])
        now = energy + peak_price * max(now_top, peak) + lack_price * lack
        if now <= cost + warm * abs(best):
            cost = now
            if cost < best - 1e-9:
                best = cost
                best_begin[:], best_finish[:], best_flow[:] = begin, finish, flow
                best_lacks[:] = lacks
        else:
            for k in range(count):
                i = chosen[k]
                if begin[i] >= 0:
                    take_out(i, first, at, gap, begin, finish, flow, load, held)
            for k in range(count):
                i = chosen[k]
                begin[i], finish[i], lacks[i] = was_begin[k], was_finish[k], was_lack[k]
                for t in range(max(begin[i], 0), finish[i]):
                    flow[at[i] + t - first[i]] = was_flow[k, t - begin[i]]
                    load[t] += was_flow[k, t - begin[i]]
                    held[t] += 1
                if begin[i] >= 0:
                    for t in range(finish[i], min(finish[i] + gap, slots)):
                        held[t] += 1
            energy, lack = before_energy, before_lack
    begin[:], finish[:], flow[:], lacks[:] = best_begin, best_finish, best_flow, best_lacks
    return best


def warm():
    """Call every kernel that Python calls, with every dtype it is used with: one stay, two slots."""
    zero, one, two = np.zeros(1, np.int64), np.ones(1), np.ones(2)
    end, begin, finish, flow = zero + 2, zero.copy(), zero + 1, two * 0.5
    state = np.ones(1, np.uint64)
    search(zero, end, one, one, np.zeros(2, np.int64), one, two, two * 0.0, 1, 0, 1.0, 1.0, 1.0, 1, 2, 0.0,
           state, begin, finish, flow, one * 0.0)  # fmt: skip
