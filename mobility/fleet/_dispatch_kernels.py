"""Kernels that put buses with a battery on trips, by exchange of what is left of their days.

Times: int32 seconds. Ids: int32 rows. Energy: kWh. Costs: float64 minor units. A duty is a row of
``seq``, its first ``size`` entries are trips; a size of 0 is a bus that is not used.

A label of the first part of a duty is (cost, charge when its last trip ends, energy used); one of
the last part is (cost, least charge before its first trip, energy used). Whether a bus stands at
its depot between two trips is chosen label by label, so both kinds come in small Pareto sets.
"""

import numpy as np

from mobility._jit import kernel

# fmt: off

LABELS = 4
MOST_DEPOTS = 12  # that an exchange looks at
NEVER = 1e15
FAR = 1e8  # dearer than any duty that can be driven


@kernel
def energy_minor(day_minor, usable, depot, spent):
    """What a duty's energy costs above the least price: ``day_minor`` is (a kWh beyond one battery, by
    depot any kWh).
    """
    return day_minor[0] * max(0.0, spent - usable) + day_minor[1][depot] * spent


@kernel
def keep_label(cost, level, used, count, new_cost, new_level, new_used):
    """Add a label (less cost, more level is better) to a Pareto set of at most LABELS; its size."""
    for at in range(count):
        if cost[at] <= new_cost + 1e-9 and level[at] >= new_level - 1e-9:
            return count
    kept = 0
    for at in range(count):
        if not (new_cost <= cost[at] and new_level >= level[at]):
            cost[kept], level[kept], used[kept] = cost[at], level[at], used[at]
            kept += 1
    if kept == LABELS:
        # Sets are sorted by cost: the inner label whose neighbours lie closest in level goes.
        worst, least = 1, 1e18
        for at in range(1, kept - 1):
            room = level[at + 1] - level[at - 1]
            if room < least:
                worst, least = at, room
        for at in range(worst, kept - 1):
            cost[at], level[at], used[at] = cost[at + 1], level[at + 1], used[at + 1]
        kept -= 1
    at = kept
    while at > 0 and cost[at - 1] > new_cost:
        cost[at], level[at], used[at] = cost[at - 1], level[at - 1], used[at - 1]
        at -= 1
    cost[at], level[at], used[at] = new_cost, new_level, new_used
    return kept + 1


@kernel
def link_of(one, other, depot, numbers):
    """Both ways from a trip to the next.

    ``t`` is the tuple of tables of ``Tables`` in ``dispatch.py``. Returns (straight cost, kWh, gain
    of its wait; via cost, kWh home, gain of the stay, kWh out); a cost of NEVER: not possible.
    """
    t, money, terminal_kw, ready, _, _, _, _ = numbers
    depart, arrive, origin, target, band, layover, max_wait, _, times, metres, out_s, out_m, home_s, home_m, _ = t
    minor_m, minor_s, kwh_m, slot_s = money
    straight, run_kwh, gain = NEVER, 0.0, 0.0
    needed = times[band[one], target[one], origin[other]]
    wait = depart[other] - arrive[one] - needed
    if wait >= layover[one] and wait <= max_wait[other]:
        run = metres[min(band[one], metres.shape[0] - 1), target[one], origin[other]]
        straight = run * minor_m + wait * minor_s
        run_kwh = run * kwh_m
        kw = terminal_kw[origin[other]]
        if kw > 0.0:
            begin = -(-(arrive[one] + needed) // slot_s)
            gain = max(0, depart[other] // slot_s - begin) * slot_s / 3600.0 * kw
    via, home_kwh, stay, out_kwh = NEVER, 0.0, 0.0, 0.0
    back, leave = home_s[one, depot], out_s[other, depot]
    if back + layover[one] <= leave:
        via = (home_m[one, depot] + out_m[other, depot]) * minor_m
        home_kwh = home_m[one, depot] * kwh_m
        out_kwh = out_m[other, depot] * kwh_m
        begin = -(-back // slot_s)
        end = leave // slot_s
        if end > begin:
            stay = ready[depot, end] - ready[depot, begin]
    return straight, run_kwh, gain, via, home_kwh, stay, out_kwh


@kernel
def head_labels(trips, first, end, depot, numbers, cost, level, used, scratch):
    """Labels of a duty's trips first..end from its pull-out on, after the last one; how many."""
    t, money, _, _, battery, _, _, _ = numbers
    kwh, out_m = t[7], t[11]
    start, least, most, price = battery
    minor_m, _, kwh_m, _ = money
    one = trips[first]
    away = out_m[one, depot]
    if away >= 1_000_000_000:
        return 0
    for at in range(first, end):
        if not t[14][trips[at], depot]:
            return 0
    charge = start - away * kwh_m - kwh[one]
    short = max(0.0, least - charge)
    cost[0], level[0] = away * minor_m + price * short, charge + short
    used[0] = away * kwh_m + kwh[one]
    count = 1
    for at in range(first + 1, end):
        other = trips[at]
        straight, run_kwh, gain, via, home_kwh, stay, out_kwh = link_of(one, other, depot, numbers)
        before = count
        for label in range(before):
            scratch[0, label], scratch[1, label], scratch[2, label] = cost[label], level[label], used[label]
        count = 0
        for label in range(before):
            paid, charge, spent = scratch[0, label], scratch[1, label], scratch[2, label]
            if straight < NEVER:
                now = charge - run_kwh
                short = max(0.0, least - now)
                now = min(most, now + short + gain) - kwh[other]
                more = max(0.0, least - now)
                count = keep_label(cost, level, used, count, paid + straight + price * (short + more),
                                   now + more, spent + run_kwh + kwh[other])
            if via < NEVER:
                now = charge - home_kwh
                short = max(0.0, least - now)
                now = min(most, now + short + stay) - out_kwh - kwh[other]
                more = max(0.0, least - now)
                count = keep_label(cost, level, used, count, paid + via + price * (short + more),
                                   now + more, spent + home_kwh + out_kwh + kwh[other])
        if count == 0:
            return 0
        one = other
    return count


@kernel
def tail_labels(trips, first, end, depot, numbers, cost, level, used, scratch):
    """Labels of a duty's trips first..end to its pull-in, before the first one; how many.

    ``level`` is minus the charge that is needed, so that more is better here too.
    """
    t, money, _, _, battery, _, _, _ = numbers
    kwh, home_m = t[7], t[13]
    _, least, most, price = battery
    minor_m, _, kwh_m, _ = money
    other = trips[end - 1]
    away = home_m[other, depot]
    if away >= 1_000_000_000:
        return 0
    for at in range(first, end):
        if not t[14][trips[at], depot]:
            return 0
    need = least + away * kwh_m + kwh[other]
    short = max(0.0, need - most)
    cost[0], level[0] = away * minor_m + price * short, short - need
    used[0] = away * kwh_m + kwh[other]
    count = 1
    for at in range(end - 2, first - 1, -1):
        one = trips[at]
        straight, run_kwh, gain, via, home_kwh, stay, out_kwh = link_of(one, other, depot, numbers)
        before = count
        for label in range(before):
            scratch[0, label], scratch[1, label], scratch[2, label] = cost[label], level[label], used[label]
        count = 0
        for label in range(before):
            paid, need, spent = scratch[0, label], -scratch[1, label], scratch[2, label]
            if straight < NEVER:
                now = max(least, need - gain) + run_kwh + kwh[one]
                short = max(0.0, now - most)
                count = keep_label(cost, level, used, count, paid + straight + price * short,
                                   short - now, spent + run_kwh + kwh[one])
            if via < NEVER:
                more = max(0.0, need + out_kwh - most)
                now = max(least, need + out_kwh - more - stay) + home_kwh + kwh[one]
                short = max(0.0, now - most)
                count = keep_label(cost, level, used, count, paid + via + price * (short + more),
                                   short - now, spent + home_kwh + out_kwh + kwh[one])
        if count == 0:
            return 0
        other = one
    return count


@kernel
def best_depot(trips, size, numbers):
    """The cheapest depot of a duty on one battery, and what the duty costs; (-1, NEVER) where none."""
    t = numbers[0]
    depots = t[10].shape[1]
    cost, level, used = np.empty(LABELS + 1), np.empty(LABELS + 1), np.empty(LABELS + 1)
    scratch = np.empty((3, LABELS + 1))
    best, paid = -1, NEVER
    for depot in range(depots):
        if t[12][trips[size - 1], depot] - t[10][trips[0], depot] > 86400:
            continue
        now = duty_cost(trips, size, depot, numbers, cost, level, used, scratch)
        if now < paid:
            best, paid = depot, now
    return best, paid


@kernel
def duty_cost(trips, size, depot, numbers, cost, level, used, scratch):
    """What a duty costs from a depot, vehicle included; NEVER where no battery carries it."""
    t, money, _, _, battery, day_minor, usable, vehicle_minor = numbers
    count = head_labels(trips, 0, size, depot, numbers, cost, level, used, scratch)
    away = t[13][trips[size - 1], depot]
    if away >= 1_000_000_000:
        return NEVER
    best = NEVER
    for label in range(count):
        short = max(0.0, battery[1] - level[label] + away * money[2])
        spent = used[label] + away * money[2]
        now = cost[label] + away * money[0] + battery[3] * short
        now += energy_minor(day_minor, usable, depot, spent)
        best = min(best, now + vehicle_minor)
    return best if best < FAR else NEVER


@kernel
def costs_of(seq, size, home, numbers,
             paid):
    """What every duty costs from its own depot; fills ``paid``."""
    cost, level, used = np.empty(LABELS + 1), np.empty(LABELS + 1), np.empty(LABELS + 1)
    scratch = np.empty((3, LABELS + 1))
    for duty in range(size.size):
        paid[duty] = 0.0
        if size[duty] > 0:
            paid[duty] = duty_cost(seq[duty], size[duty], home[duty], numbers, cost, level, used, scratch)


@kernel
def exchange_costs(rows, split, seq, size, home, paid, numbers, room, counts, ends, cost, place):
    """What each first part of some duties costs with each rest, and from which depot; fills both.

    ``split`` (duties,) says how many trips of each duty are its first part. ``room`` (6, n, depots,
    labels), ``counts`` (2, n, depots) and ``ends`` (6, n, depots) are scratch.
    """
    t, money, _, _, battery, day_minor, usable, vehicle_minor = numbers
    depart, layover, kwh_m, minor_m = t[0], t[5], money[2], money[0]
    n = rows.size
    start, least, most, price = battery
    # Only depots that some of the buses come from, the most frequent first.
    held = np.zeros(t[10].shape[1])
    for duty in rows:
        if size[duty] > 0:
            held[home[duty]] += 1.0
    chosen = np.argsort(-held, kind="mergesort")[:MOST_DEPOTS]
    depots = chosen.size
    hc, he, hw, tc, tr, tw = room[0], room[1], room[2], room[3], room[4], room[5]
    hn, tn = counts[0], counts[1]
    hn[:] = 0
    tn[:] = 0
    # Of each first part: when it leaves, is back, and metres home; of each rest: the same, ahead.
    begin_s, back_s, back_m, end_s, ahead_s, ahead_m = ends[0], ends[1], ends[2], ends[3], ends[4], ends[5]
    head_least, tail_least = np.full((n, depots), NEVER), np.full((n, depots), NEVER)
    scratch = np.empty((3, LABELS + 1))
    for i in range(n):
        duty = rows[i]
        part, whole = split[duty], size[duty]
        for k in range(depots):
            d = chosen[k]
            if part > 0:
                hn[i, k] = head_labels(seq[duty], 0, part, d, numbers, hc[i, k],
                                       he[i, k], hw[i, k], scratch)
                if hn[i, k] > 0:
                    head_least[i, k] = hc[i, k, 0]
                begin_s[i, k] = t[10][seq[duty, 0], d]
                back_s[i, k] = t[12][seq[duty, part - 1], d] + layover[seq[duty, part - 1]]
                back_m[i, k] = t[13][seq[duty, part - 1], d]
            if part < whole:
                tn[i, k] = tail_labels(seq[duty], part, whole, d, numbers,
                                       tc[i, k], tr[i, k], tw[i, k], scratch)
                if tn[i, k] > 0:
                    tail_least[i, k] = tc[i, k, 0]
                end_s[i, k] = t[12][seq[duty, whole - 1], d]
                ahead_s[i, k] = t[10][seq[duty, part], d]
                ahead_m[i, k] = t[11][seq[duty, part], d]
    cost[:] = NEVER
    place[:] = -1
    alone_cost, alone_place = np.full(n, NEVER), np.full(n, -1, np.int32)
    for j in range(n):
        for k in range(depots):
            away = ahead_m[j, k]
            if tn[j, k] == 0 or away >= 1e9 or end_s[j, k] - ahead_s[j, k] > 86400:
                continue
            for b in range(tn[j, k]):
                short = max(0.0, -tr[j, k, b] - start + away * kwh_m)
                now = tc[j, k, b] + away * minor_m + price * short
                now += energy_minor(day_minor, usable, chosen[k], tw[j, k, b] + away * kwh_m)
                if now < alone_cost[j]:
                    alone_cost[j], alone_place[j] = now, chosen[k]
    for i in range(n):
        duty = rows[i]
        head = split[duty] > 0
        last = seq[duty, split[duty] - 1] if head else -1
        closed, closed_place = NEVER, -1
        if head:
            for k in range(depots):
                away = back_m[i, k]
                if away >= 1e9 or back_s[i, k] - layover[last] - begin_s[i, k] > 86400:
                    continue
                for a in range(hn[i, k]):
                    short = max(0.0, least - he[i, k, a] + away * kwh_m)
                    now = hc[i, k, a] + away * minor_m + price * short
                    now += energy_minor(day_minor, usable, chosen[k], hw[i, k, a] + away * kwh_m)
                    if now < closed:
                        closed, closed_place = now, chosen[k]
        for j in range(n):
            other = rows[j]
            if split[other] == size[other]:
                if not head:
                    cost[i, j] = 0.0
                elif closed < FAR:
                    cost[i, j], place[i, j] = closed + vehicle_minor, closed_place
                continue
            if not head:
                if alone_cost[j] < FAR:
                    cost[i, j], place[i, j] = alone_cost[j] + vehicle_minor, alone_place[j]
                continue
            first = seq[other, split[other]]
            wait = depart[first] - t[1][last]
            if wait < layover[last]:
                continue
            wait -= t[8][t[4][last], t[3][last], t[2][first]]
            straight, run_kwh, gain = NEVER, 0.0, 0.0
            if wait >= layover[last] and wait <= t[6][first]:
                straight, run_kwh, gain, _, _, _, _ = link_of(last, first, 0, numbers)
            best, at = NEVER, -1
            for k in range(depots):
                floor = head_least[i, k] + tail_least[j, k]
                if floor >= best or end_s[j, k] - begin_s[i, k] > 86400:
                    continue
                via, home_kwh, stay, out_kwh = NEVER, 0.0, 0.0, 0.0
                if back_s[i, k] <= ahead_s[j, k]:
                    via = (back_m[i, k] + ahead_m[j, k]) * minor_m
                if floor + min(straight, via) >= best:
                    continue
                d = chosen[k]
                if via < NEVER:
                    _, _, _, via, home_kwh, stay, out_kwh = link_of(last, first, d, numbers)
                for a in range(hn[i, k]):
                    if hc[i, k, a] + tail_least[j, k] + min(straight, via) >= best:
                        break
                    charge = he[i, k, a]
                    run_short = max(0.0, least - charge + run_kwh)
                    by_run = min(most, charge + run_short - run_kwh + gain)
                    home_short = max(0.0, least - charge + home_kwh)
                    by_home = min(most, charge + home_short - home_kwh + stay) - out_kwh
                    for b in range(tn[j, k]):
                        now = hc[i, k, a] + tc[j, k, b]
                        if now + min(straight, via) >= best:
                            break
                        spent = hw[i, k, a] + tw[j, k, b]
                        short = run_short + max(0.0, -tr[j, k, b] - by_run)
                        full = now + straight + price * short
                        full += energy_minor(day_minor, usable, d, spent + run_kwh)
                        if full < best:
                            best, at = full, d
                        short = home_short + max(0.0, -tr[j, k, b] - by_home)
                        full = now + via + price * short
                        full += energy_minor(day_minor, usable, d, spent + home_kwh + out_kwh)
                        if full < best:
                            best, at = full, d
            if best < FAR:
                cost[i, j] = best + vehicle_minor
                place[i, j] = at
    # What is there now may stay, even where it cannot be driven.
    for i in range(n):
        if paid[rows[i]] >= NEVER:
            cost[i, i] = 1e9
            place[i, i] = home[rows[i]]
        elif cost[i, i] > paid[rows[i]]:
            cost[i, i] = paid[rows[i]]
            place[i, i] = home[rows[i]]


@kernel
def ways_of(seq, size, home, numbers, via):
    """Whether a bus goes home after each trip of each duty, at the least cost; fills ``via``.

    As `head_labels`, with no limit on labels, each with the ways that led to it, bit by bit.
    """
    t, money, _, _, battery, day_minor, usable, _ = numbers
    kwh, out_m, home_m = t[7], t[11], t[13]
    start, least, most, price = battery
    minor_m, _, kwh_m, _ = money
    room = 512
    cost, level, used = np.empty((2, room)), np.empty((2, room)), np.empty((2, room))
    ways = np.empty((2, room), np.int64)
    for duty in range(size.size):
        if size[duty] == 0:
            continue
        depot, one = home[duty], seq[duty, 0]
        away = out_m[one, depot]
        charge = start - away * kwh_m - kwh[one]
        short = max(0.0, least - charge)
        now, count = 0, 1
        cost[0, 0], level[0, 0] = away * minor_m + price * short, charge + short
        used[0, 0], ways[0, 0] = away * kwh_m + kwh[one], 0
        for at in range(1, size[duty]):
            other = seq[duty, at]
            straight, run_kwh, gain, via_cost, home_kwh, stay, out_kwh = link_of(one, other, depot, numbers)
            then, kept = 1 - now, 0
            for label in range(2 * count):
                old, goes_home = label // 2, label % 2
                first_kwh = home_kwh if goes_home else run_kwh
                after = level[now, old] - first_kwh
                short = max(0.0, least - after)
                after = min(most, after + short + (stay if goes_home else gain))
                after -= kwh[other] + (out_kwh if goes_home else 0.0)
                more = max(0.0, least - after)
                paid = cost[now, old] + (via_cost if goes_home else straight) + price * (short + more)
                after += more
                if paid >= NEVER:
                    continue
                worse = False
                for kin in range(kept):
                    if cost[then, kin] <= paid + 1e-9 and level[then, kin] >= after - 1e-9:
                        worse = True
                        break
                if worse or kept == room:
                    continue
                cost[then, kept], level[then, kept] = paid, after
                used[then, kept] = used[now, old] + first_kwh + kwh[other] + (out_kwh if goes_home else 0.0)
                ways[then, kept] = ways[now, old] | (np.int64(goes_home) << np.int64(at - 1))
                kept += 1
            now, count, one = then, kept, other
        best, chosen = NEVER, np.int64(0)
        away = home_m[one, depot]
        for label in range(count):
            short = max(0.0, least - level[now, label] + away * kwh_m)
            paid = cost[now, label] + price * short
            paid += energy_minor(day_minor, usable, depot, used[now, label] + away * kwh_m)
            if paid < best:
                best, chosen = paid, ways[now, label]
        for at in range(size[duty] - 1):
            via[duty, at] = (chosen >> np.int64(at)) & np.int64(1) == 1


def warm():
    """Call every kernel that Python calls, with every dtype it is used with: one trip, one bus."""
    one32, many, table = np.zeros(1, np.int32), np.zeros((1, 1), np.int32), np.zeros((1, 1, 1), np.int32)
    t = (one32, one32, one32, one32, one32, one32, one32, np.zeros(1), table, table, many, many, many, many,
         np.ones((1, 1), np.bool_))
    money, battery = (0.0, 0.0, 0.0, 300), (2.0, 1.0, 3.0, 1.0)
    seq, size = np.zeros((1, 2), np.int32), np.ones(1, np.int32)
    numbers = (t, money, np.zeros(1), np.zeros((1, 2)), battery, (0.0, np.zeros(1)), 1.0, 1.0)
    best_depot(one32, 1, numbers)
    ways_of(seq, size, one32, numbers, np.zeros((1, 1), np.bool_))
    costs_of(seq, size, one32, numbers, np.zeros(1))
    exchange_costs(
        one32, one32, seq, size, one32, np.zeros(1), numbers, np.empty((6, 1, 1, LABELS + 1)),
        np.zeros((2, 1, 1), np.int32), np.empty((6, 1, 1)), np.empty((1, 1)), one32.reshape(1, 1).copy(),
    )
