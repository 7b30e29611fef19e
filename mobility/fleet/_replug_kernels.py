"""Kernels of the search over several plug-ins a stay. Power: kW; energy: kW x slots; slots: int64.

``on[at[i] + t - first[i]]`` says whether stay ``i`` is plugged in in slot ``t``, ``flow`` what it takes there.
``held[t]`` counts chargers that are held in slot ``t``, each for ``gap`` slots longer than its session.
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
def book(i, sign, first, end, at, gap, on, flow, load, held):
    """Count stay ``i`` into ``load`` and ``held`` (``sign`` 1), or out of them (-1)."""
    slots = held.size
    for t in range(first[i], end[i]):
        edge = at[i] + t - first[i]
        if not on[edge]:
            continue
        load[t] += sign * flow[edge]
        held[t] += sign
        if t + 1 == end[i] or not on[edge + 1]:
            for s in range(t + 1, min(t + 1 + gap, slots)):
                held[s] += sign


@kernel
def choose(low, high, gain, usable, gap, parts, shut, opened, went_on, waited, picked):
    """Pick at most ``parts`` runs of usable slots of ``low:high`` with the largest sum of ``gain``; that sum.

    A run is followed by ``gap`` usable slots in which no other begins; beyond the last slot all are usable.
    ``picked`` is True in the slots of the runs, counted from ``low``. Scratch is (parts + 1, slots + 1):
    with j runs begun before a slot, ``shut`` is the best value where none is open and the last has rested,
    ``opened`` that where the j-th holds the slot before.
    """
    slots = usable.size
    width = high - low
    picked[: width + 1] = False
    for j in range(parts + 1):
        shut[j, : width + 1] = 0.0 if j == 0 else -np.inf
        opened[j, : width + 1] = -np.inf
    for t in range(width):
        rested = t >= gap
        for s in range(max(t - gap, 0), t):
            rested = rested and usable[low + s]
        for j in range(1, parts + 1):
            wait = shut[j, t - 1] if t > 0 else -np.inf
            closed = opened[j, t - gap] if rested else -np.inf
            waited[j, t] = wait >= closed
            shut[j, t] = max(wait, closed)
            if usable[low + t]:
                went_on[j, t + 1] = opened[j, t] >= shut[j - 1, t]
                opened[j, t + 1] = max(opened[j, t], shut[j - 1, t]) + gain[low + t]
    top, j, t = 0.0, 0, 0
    for run in range(1, parts + 1):
        for stop in range(1, width + 1):
            if opened[run, stop] <= top + _TINY:
                continue
            free = True
            for s in range(low + stop, min(low + stop + gap, slots)):
                free = free and usable[s]
            if free:
                top, j, t = opened[run, stop], run, stop
    is_open = True
    while j > 0:
        if is_open:
            picked[t - 1] = True
            is_open = went_on[j, t]
            if not is_open:
                j -= 1
            t -= 1
        elif waited[j, t]:
            t -= 1
        else:
            t -= gap
            is_open = True
    return top


@kernel
def put_in(i, low_slot, high_slot, first, end, most, need, at, level, price, limit, chargers, gap, hold_price,
           parts, late, on, flow, load, held, usable, gain, shut, opened, went_on, waited, picked, give,
           try_on, try_flow):  # fmt: skip
    """Plug stay ``i`` in, up to ``parts`` times, where that is cheapest under ``limit``; what it does not get.

    For a highest price paid, the runs of free slots are picked that hold most energy below it; the lowest
    such price that gives enough, and the next one, are tried.
    """
    levels = price.size
    for t in range(low_slot, min(high_slot + gap, held.size)):
        usable[t] = held[t] < chargers
    width = high_slot - low_slot
    found, found_cost, found_short = False, np.inf, need[i]
    # Halve to the lowest price that is enough; then it, and the next one, are tried.
    low_k, high_k, tried = 0, levels, 0
    little = 1e-2 * (price[levels - 1] - price[0]) + 1e-6
    while True:
        k = (low_k + high_k) // 2 if low_k < high_k else low_k + tried
        if low_k >= high_k:
            tried += 1
            if tried > 2 or k > levels:
                break
        got = 0.0
        for t in range(low_slot, high_slot):
            free = max(0.0, min(most[i], limit[t] - load[t]))
            if k >= levels:
                gain[t] = free - 1e-6 * most[i]
            elif level[t] <= k and free > _TINY:
                gain[t] = free * (price[k] - price[level[t]] + little)
            else:
                gain[t] = -hold_price - 1e-9
        choose(low_slot, high_slot, gain, usable, gap, parts, shut, opened, went_on, waited, picked)
        for t in range(width):
            if picked[t] and (k >= levels or level[low_slot + t] <= k):
                got += max(0.0, min(most[i], limit[low_slot + t] - load[low_slot + t]))
        enough = got >= need[i] - _TINY
        if low_k < high_k:
            if enough:
                high_k = k
            else:
                low_k = k + 1
            continue
        # Fill the picked slots, cheapest first.
        left, cost = need[i], 0.0
        for t in range(width):
            give[t] = 0.0
        for c in range(levels):
            if left <= _TINY:
                break
            for step in range(width):
                t = width - 1 - step if late else step
                slot = low_slot + t
                if not picked[t] or level[slot] != c:
                    continue
                kw = min(left, most[i], limit[slot] - load[slot])
                if kw > _TINY:
                    give[t] = kw
                    left -= kw
                    cost += kw * price[c]
                if left <= _TINY:
                    break
        short = left if left > _TINY else 0.0
        if short < found_short - _TINY or (short <= found_short + _TINY and cost < found_cost):
            found, found_cost, found_short = True, cost, short
            for t in range(width):
                try_on[t] = picked[t]
                try_flow[t] = give[t]
    if not found:
        return need[i]
    t = 0
    while t < width:
        if not try_on[t]:
            t += 1
            continue
        stop = t
        while stop < width and try_on[stop]:
            stop += 1
        a, b = t, stop
        while a < b and try_flow[a] <= _TINY:
            a += 1
        while b > a and try_flow[b - 1] <= _TINY:
            b -= 1
        for s in range(a, b):
            edge = at[i] + low_slot + s - first[i]
            on[edge] = True
            flow[edge] = try_flow[s]
        t = stop
    book(i, 1, first, end, at, gap, on, flow, load, held)
    return found_short


@kernel
def take_out(i, first, end, at, gap, on, flow, load, held):
    """Unplug stay ``i``."""
    book(i, -1, first, end, at, gap, on, flow, load, held)
    for t in range(first[i], end[i]):
        edge = at[i] + t - first[i]
        on[edge] = False
        flow[edge] = 0.0


@kernel
def search(first, end, most, need, level, price, cap, base, chargers, gap, parts, peak_price, lack_price,
           peak, tries, many, heat, state, on, flow, lacks):  # fmt: skip
    """Improve a plan of up to ``parts`` plug-ins a stay: unplug a few that meet, plug them in again.

    ``peak`` is a load that may be reached for nothing more; above it each kW costs ``peak_price``, counted
    with ``base``, which is -inf where a slot does not count. ``on``, ``flow`` and ``lacks`` are changed into
    the best plan found; its cost is returned.
    """
    stays, slots = first.size, cap.size
    at = np.zeros(stays + 1, np.int64)
    longest = 0
    for i in range(stays):
        at[i + 1] = at[i] + end[i] - first[i]
        longest = max(longest, end[i] - first[i])
    load, held = np.zeros(slots), np.zeros(slots, np.int64)
    energy, lack = 0.0, 0.0
    for i in range(stays):
        lack += lacks[i]
        book(i, 1, first, end, at, gap, on, flow, load, held)
        for t in range(first[i], end[i]):
            energy += flow[at[i] + t - first[i]] * price[level[t]]
    cost = energy + peak_price * max((load + base).max(), peak) + lack_price * lack
    best = cost
    best_on, best_flow, best_lacks = on.copy(), flow.copy(), lacks.copy()
    chosen, key = np.empty(many, np.int64), np.empty(many)
    was_lack = np.empty(many)
    was_on, was_flow = np.empty((many, longest + 1), np.bool_), np.empty((many, longest + 1))
    limit, mark = np.empty(slots), np.zeros(stays, np.bool_)
    usable, gain = np.zeros(slots, np.bool_), np.zeros(slots)
    shut, opened = np.empty((parts + 1, longest + 2)), np.empty((parts + 1, longest + 2))
    went_on = np.zeros((parts + 1, longest + 2), np.bool_)
    waited = np.zeros((parts + 1, longest + 2), np.bool_)
    picked, try_on = np.zeros(longest + 2, np.bool_), np.zeros(longest + 2, np.bool_)
    give, try_flow = np.zeros(longest + 2), np.zeros(longest + 2)
    for step in range(tries):
        warm = heat * (1.0 - step / tries)
        seed, worst = -1, -1.0
        for _ in range(4):
            i = np.int64(draw(state) * stays)
            bad = lacks[i] * lack_price
            for t in range(first[i], end[i]):
                kw = flow[at[i] + t - first[i]]
                bad += kw * (price[level[t]] - price[0])
                if load[t] + base[t] >= peak - _TINY:
                    bad += kw * peak_price / slots
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
            if mark[i]:
                continue
            meets = False
            for t in range(max(first[i], centre - reach), min(end[i], centre + reach + 1)):
                if on[at[i] + t - first[i]]:
                    meets = True
                    break
            if meets:
                chosen[count] = i
                mark[i] = True
                count += 1
        before_energy, before_lack = energy, lack
        for k in range(count):
            i = chosen[k]
            mark[i] = False
            was_lack[k] = lacks[i]
            for t in range(first[i], end[i]):
                edge = at[i] + t - first[i]
                was_on[k, t - first[i]], was_flow[k, t - first[i]] = on[edge], flow[edge]
                energy -= flow[edge] * price[level[t]]
            lack -= lacks[i]
            take_out(i, first, end, at, gap, on, flow, load, held)
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
            now_parts = 1 + np.int64(draw(state) * parts) if draw(state) < 0.3 else parts
            ceiling = max(now_top, peak)
            short = need[i]
            for more in range(6):
                for t in range(slots):
                    limit[t] = min(cap[t], ceiling + more * 0.2 * most[i] - base[t])
                short = put_in(i, low, high, first, end, most, need, at, level, price, limit, chargers, gap,
                               hold, now_parts, late, on, flow, load, held, usable, gain, shut, opened,
                               went_on, waited, picked, give, try_on, try_flow)  # fmt: skip
                if (
                    short <= _TINY
                    or more == 5
                    or (peak_price <= 0.0 and ceiling >= (cap + base).max())
                ):
                    break
                take_out(i, first, end, at, gap, on, flow, load, held)
            lacks[i] = short
            lack += short
            for t in range(first[i], end[i]):
                energy += flow[at[i] + t - first[i]] * price[level[t]]
                now_top = max(now_top, load[t] + base[t])
        now = energy + peak_price * max(now_top, peak) + lack_price * lack
        if now <= cost + warm * abs(best):
            cost = now
            if cost < best - 1e-9:
                best = cost
                best_on[:], best_flow[:], best_lacks[:] = on, flow, lacks
        else:
            for k in range(count):
                take_out(chosen[k], first, end, at, gap, on, flow, load, held)
            for k in range(count):
                i = chosen[k]
                lacks[i] = was_lack[k]
                for t in range(first[i], end[i]):
                    edge = at[i] + t - first[i]
                    on[edge], flow[edge] = was_on[k, t - first[i]], was_flow[k, t - first[i]]
                book(i, 1, first, end, at, gap, on, flow, load, held)
            energy, lack = before_energy, before_lack
    on[:], flow[:], lacks[:] = best_on, best_flow, best_lacks
    return best


def warm():
    """Call every kernel that Python calls, with every dtype it is used with: one stay, two slots."""
    zero, one, two = np.zeros(1, np.int64), np.ones(1), np.ones(2)
    search(zero, zero + 2, one, one, np.zeros(2, np.int64), one, two, two * 0.0, 1, 0, 2, 1.0, 1.0, 1.0, 1, 2,
           0.0, np.ones(1, np.uint64), np.ones(2, np.bool_), two * 0.5, one * 0.0)  # fmt: skip
