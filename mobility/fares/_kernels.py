"""Rating kernels: a bucket's taps sorted by card and time, then the rules, tap after tap.

Times: seconds after ``origin``. Money: minor units. ``NONE`` is a time or period that is not known.
Tuples of arrays carry what is compiled from the tariff; ``compile.py`` says what each holds.
"""

import numpy as np

from mobility._jit import kernel

NONE = np.int64(-(2**40))
UNKNOWN_PRICE = np.int64(-(2**62))
UNKNOWN_CHARGE = np.int64(-(2**31))

# What happened to a tap; `ledger.py` names them.
F_TRANSFER, F_CAPPED = 4, 16
F_FLOORED = 512

# Columns of caps, kinds of periods.
C_KIND, C_ACCRUES, C_PAID_ONLY, C_DAYS, C_BY_PAID = range(5)
CALENDAR, ROLLING_DAYS, ROLLING_HOURS = range(3)
# Columns of legs, of transfer rules, and kinds of these.
L_PRICE, L_MASK, L_BEFORE, L_AFTER, L_GROUP, L_MODE, L_PRODUCT, L_FLAGS, L_JOIN, L_JOINED = range(
    10
)
T_KIND, T_AMOUNT, T_WINDOW, T_ANCHOR, T_EDGES, T_MOST, T_GROUP_MOST, T_DEMANDS = range(8)
ADD, ADD_LEG, BOTH, FREE, DIFFERENCE, DISCOUNT = range(6)

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_LOW = np.int64(0xFFFFFFFF)
_INDEX = np.int64(0x7FFFFFFF)


@kernel
def sort_bucket(records, lo, hi, scratch):
    """Order a bucket's taps by card, then time, then arrival.

    ``keys[card_start[c]:card_start[c + 1]]`` are a card's taps, ``time << 32 | arrival`` ascending.
    Returns the number of cards. A coarse pass by time (``time >> digits[-1]``), one by card, then
    insertion; a card that insertion would take long for is merged.
    """
    table, card_of, local, first_pass, first_local, keys, card_start, digits = scratch
    m = hi - lo
    slots = min(np.int64(256), np.int64(table.shape[0]))
    mask = slots - 1
    for s in range(slots):
        table[s] = -1
    for d in range(digits.shape[0] - 1):
        digits[d] = 0
    coarse = digits[digits.shape[0] - 1]
    cards = 0
    ordered = True
    before = np.int64(0)
    for j in range(m):
        card = records[lo + j, 0]
        time = records[lo + j, 1] >> 32
        slot = slot_of(card) & mask
        held = table[slot]
        while held >= 0 and card_of[held] != card:
            slot = (slot + 1) & mask
            held = table[slot]
        if held < 0:
            held = cards
            card_of[cards] = card
            card_start[cards] = 0
            cards += 1
            table[slot] = held
            if 2 * cards > slots:  # never more than half full, however many cards there are
                slots = min(4 * slots, np.int64(table.shape[0]))
                mask = slots - 1
                fill_table(table, slots, card_of, cards)
        local[j] = held
        card_start[held] += 1
        digits[time >> coarse] += 1
        ordered &= time >= before
        before = time
    total = 0
    for c in range(cards):
        count = card_start[c]
        card_start[c] = total
        total += count
    if ordered:
        for j in range(m):
            c = local[j]
            keys[card_start[c]] = (records[lo + j, 1] & ~_LOW) | j
            card_start[c] += 1
    else:
        total = 0
        for d in range(digits.shape[0] - 1):
            count = digits[d]
            digits[d] = total
            total += count
        for j in range(m):
            word = records[lo + j, 1]
            d = word >> (32 + coarse)
            at = digits[d]
            digits[d] = at + 1
            first_pass[at] = (word & ~_LOW) | j
            first_local[at] = local[j]
        for j in range(m):
            c = first_local[j]
            keys[card_start[c]] = first_pass[j]
            card_start[c] += 1
    for c in range(cards, 0, -1):
        card_start[c] = card_start[c - 1]
    card_start[0] = 0
    if not ordered:
        for c in range(cards):
            sort_keys(keys, card_start[c], card_start[c + 1], first_pass)
    return cards


@kernel
def slot_of(card):
    """A spread of a card's bits that the bucket does not share."""
    mixed = np.uint64(card)
    mixed = (mixed ^ (mixed >> _HALF)) * _SPREAD
    return np.int64((mixed ^ (mixed >> _HALF)) & np.uint64(0x7FFFFFFF))


@kernel
def fill_table(table, slots, card_of, cards):
    """Put cards into an emptied table."""
    for s in range(slots):
        table[s] = -1
    for c in range(cards):
        slot = slot_of(card_of[c]) & (slots - 1)
        while table[slot] >= 0:
            slot = (slot + 1) & (slots - 1)
        table[slot] = c


@kernel
def sort_keys(keys, lo, hi, spare):
    """Sort distinct keys in place: by insertion while it is cheap, else by merging."""
    budget = 16 * (hi - lo)
    for i in range(lo + 1, hi):
        key = keys[i]
        at = i - 1
        while at >= lo and keys[at] > key:
            keys[at + 1] = keys[at]
            at -= 1
        keys[at + 1] = key
        budget -= i - at
        if budget < 0:
            merge_keys(keys, lo, hi, spare)
            return


@kernel
def merge_keys(keys, lo, hi, spare):
    """Sort in place by merging from below; ``spare`` has room for as many."""
    n = hi - lo
    width = 1
    while width < n:
        left = 0
        while left < n:
            middle = min(left + width, n)
            right = min(left + 2 * width, n)
            i, j, at = left, middle, left
            while i < middle or j < right:
                if j >= right or (i < middle and keys[lo + i] <= keys[lo + j]):
                    spare[at] = keys[lo + i]
                    i += 1
                else:
                    spare[at] = keys[lo + j]
                    j += 1
                at += 1
            left = right
        for i in range(n):
            keys[lo + i] = spare[i]
        width *= 2


@kernel
def sort_buckets(records, bounds, scratch, order, card_first):
    """Sort whole buckets: ``order`` are rows of ``records`` by card and time, cards one after another.

    Returns the number of cards; ``card_first[c]`` is where each starts in ``order``.
    """
    keys, card_start = scratch[5], scratch[6]
    total = 0
    at = 0
    for b in range(bounds.shape[0] - 1):
        lo, hi = bounds[b], bounds[b + 1]
        if lo == hi:
            continue
        cards = sort_bucket(records, lo, hi, scratch)
        for c in range(cards):
            card_first[total] = at
            total += 1
            for p in range(card_start[c], card_start[c + 1]):
                order[at] = lo + (keys[p] & _LOW)
                at += 1
    card_first[total] = at
    return total


@kernel
def rate_taps(
    records, out, more, bounds, route_bits, sizes, scratch, first_of, starts, class_of, leg_of, legs,
    first, rule_of, rules, cap_of, simple, account, stamps,
):  # fmt: skip
    """Rate whole buckets where every tap is a tap-on of one rider and no legs are joined.

    ``bounds`` are the buckets' ends in ``records``; ``sizes`` is (classes of start times, of end
    times). ``out`` and the arrays of ``more`` (None, or nominal, after transfer, journey, cap, flags, leg)
    are in the order of ``records``. ``simple`` has a row a piece: period and limit of each cap, then
    bits of the caps that are valid; they all clip what is charged, in calendar or rolling periods.
    Returns how many taps share card and second with the one before.

    All in one body: numba counts references to arrays at each call that it does not inline, and here
    that takes longer than the work.
    """
    keys, card_start = scratch[5], scratch[6]
    classes, ends = sizes
    has_rules = rule_of.shape[0] > 0
    caps = cap_of.shape[0]
    longest = np.int64(-1)  # after the leg before, beyond which no rule can fit
    for r in range(rules.shape[0]):
        longest = max(longest, rules[r, T_WINDOW] if rules[r, T_WINDOW] >= 0 else np.int64(2**40))
    few = 0 < caps <= 3
    for g in range(caps):
        few &= cap_of[g, C_KIND] == CALENDAR
    route_mask = (np.int64(1) << route_bits) - 1
    ties = 0
    serial = np.int64(0)
    for b in range(bounds.shape[0] - 1):
        lo, hi = bounds[b], bounds[b + 1]
        if lo == hi:
            continue
        cards = sort_bucket(records, lo, hi, scratch)
        for c in range(cards):
            for g in range(caps):
                account[1 + 3 * g] = 0
                account[2 + 3 * g] = NONE
                account[3 + 3 * g] = NONE
            used0 = used1 = used2 = np.int64(0)
            period0 = period1 = period2 = NONE
            last = np.int64(-1)
            number = np.int64(0)
            first_on = last_on = run_on = NONE
            transfers = run = np.int64(0)
            dearest = spent = charged = np.int64(0)
            before = NONE
            for p in range(card_start[c], card_start[c + 1]):
                at = lo + (keys[p] & _LOW)
                time = keys[p] >> 32
                ties += time == before
                before = time
                load = records[at, 1] & _LOW
                route = load & route_mask
                seg = np.int64(first_of[time >> 10])
                while starts[(seg + 1) & _INDEX] <= time:
                    seg += 1
                seg &= _INDEX  # a sign bit of zero spares numba's test for negative indices
                leg = _INDEX & np.int64(
                    leg_of[((load >> route_bits) * classes + class_of[seg]) * ends]
                )
                price = legs[leg, L_PRICE]
                if price == UNKNOWN_PRICE:
                    out[at] = UNKNOWN_CHARGE
                    if more is not None:
                        more[0][at] = UNKNOWN_CHARGE
                        more[1][at] = UNKNOWN_CHARGE
                        more[2][at] = 0
                        more[3][at] = -1
                        more[4][at] = legs[leg, L_FLAGS]
                        more[5][at] = leg
                    continue
                rule = np.int64(-1)
                cost = price
                floored = False
                if has_rules:
                    same_group = False
                    if time - last_on <= longest and last >= 0:
                        same_group = legs[leg, L_GROUP] == legs[last, L_GROUP]
                        row, column = legs[last, L_BEFORE], legs[leg, L_AFTER]
                        for k in range(first[row, column], first[row, column + 1]):
                            r = rule_of[k]
                            demands = rules[r, T_DEMANDS]
                            most, group_most = rules[r, T_MOST], rules[r, T_GROUP_MOST]
                            if (
                                (most >= 0 and transfers >= most)
                                or (group_most >= 0 and same_group and run >= group_most)
                                or (demands & 1 and route > 0 and stamps[route] == serial)
                                or (demands & 2 and legs[leg, L_MODE] == legs[last, L_MODE])
                                or (demands & 4 and legs[leg, L_PRODUCT] != legs[last, L_PRODUCT])
                            ):
                                continue
                            if rules[r, T_WINDOW] >= 0:
                                since = run_on
                                if rules[r, T_ANCHOR] == 0:
                                    since = first_on
                                elif rules[r, T_ANCHOR] == 1 or not same_group:
                                    since = last_on
                                if rules[r, T_EDGES] != 0 or time - since > rules[r, T_WINDOW]:
                                    if demands & 8:
                                        break
                                    continue
                            rule = r
                            break
                    if rule >= 0:
                        kind, amount = rules[rule, T_KIND], rules[rule, T_AMOUNT]
                        if kind == FREE:
                            cost = np.int64(0)
                        elif kind == DIFFERENCE:
                            cost = max(price - dearest, np.int64(0))
                        elif kind == DISCOUNT:
                            cost = max(price - amount, np.int64(0))
                        elif kind == ADD_LEG:
                            cost = amount + price
                        elif kind == BOTH and transfers == 0:
                            cost = amount - spent
                        else:
                            cost = amount
                        floored = cost < -charged
                        cost = max(cost, -charged)
                        run = run + 1 if same_group else np.int64(0)
                        transfers += 1
                        dearest = max(dearest, price)
                        spent += cost
                if rule < 0:
                    serial += 1
                    number += 1
                    first_on = time
                    transfers = run = np.int64(0)
                    dearest = price
                    floored = price < 0
                    cost = max(price, np.int64(0))
                    spent = cost
                    charged = np.int64(0)
                if run == 0:
                    run_on = time
                last_on = time
                last = leg
                stamps[route] = serial
                charge = cost
                which = np.int64(-1)
                mask = legs[leg, L_MASK]
                if few:
                    mask &= simple[seg, 2 * caps]
                    if period0 != simple[seg, 0]:
                        period0 = simple[seg, 0]
                        used0 = np.int64(0)
                    left = max(simple[seg, 1] - used0, np.int64(0))
                    if mask & 1 and left < charge:
                        charge = left
                        which = np.int64(0)
                    if caps > 1:
                        if period1 != simple[seg, 2]:
                            period1 = simple[seg, 2]
                            used1 = np.int64(0)
                        left = max(simple[seg, 3] - used1, np.int64(0))
                        if mask & 2 and left < charge:
                            charge = left
                            which = np.int64(1)
                        if caps > 2:
                            if period2 != simple[seg, 4]:
                                period2 = simple[seg, 4]
                                used2 = np.int64(0)
                            left = max(simple[seg, 5] - used2, np.int64(0))
                            if mask & 4 and left < charge:
                                charge = left
                                which = np.int64(2)
                    used0 += charge * (mask & 1)
                    used1 += charge * ((mask >> 1) & 1)
                    used2 += charge * ((mask >> 2) & 1)
                elif caps > 0:
                    mask &= simple[seg, 2 * caps]
                    for g in range(caps):
                        now = simple[seg, 2 * g]
                        a = 1 + 3 * g
                        kind = cap_of[g, C_KIND]
                        if kind == CALENDAR:
                            used = account[a] if account[a + 1] == now else np.int64(0)
                            account[a + 1] = now
                        else:
                            if kind == ROLLING_HOURS:
                                now = time
                            over = now >= account[a + 2]
                            used = np.int64(0) if over else account[a]
                            if over:
                                account[a + 2] = NONE
                        account[a] = used
                        left = max(simple[seg, 2 * g + 1] - used, np.int64(0))
                        if (mask >> g) & 1 and left < charge:
                            charge = left
                            which = np.int64(g)
                    for g in range(caps):
                        a = 1 + 3 * g
                        inside = (mask >> g) & 1
                        if cap_of[g, C_KIND] != CALENDAR and account[a + 2] == NONE:
                            if not inside or (cap_of[g, C_BY_PAID] and charge <= 0):
                                continue
                            if cap_of[g, C_KIND] == ROLLING_DAYS:
                                account[a + 2] = simple[seg, 2 * g] + cap_of[g, C_DAYS]
                            else:
                                account[a + 2] = time + cap_of[g, C_DAYS] * 86_400
                        account[a] += charge * inside
                charged += charge
                out[at] = charge
                if more is not None:
                    more[0][at] = price
                    more[1][at] = cost
                    more[2][at] = number
                    more[3][at] = which
                    more[5][at] = leg
                    more[4][at] = (
                        legs[leg, L_FLAGS]
                        | (F_TRANSFER if rule >= 0 else 0)
                        | (F_CAPPED if which >= 0 else 0)
                        | (F_FLOORED if floored else 0)
                    )
    return ties


def warm():
    """Compile for the dtypes that are passed."""
    one, ints = np.zeros(1, np.int64), np.zeros(1, np.int32)
    records = np.zeros((1, 2), np.int64)
    scratch = (
        np.zeros(4, np.int32), one.copy(), ints.copy(), one.copy(), ints.copy(), one.copy(),
        np.zeros(2, np.int64), np.zeros(2049, np.int64),
    )  # fmt: skip
    bounds = np.array([0, 1], np.int64)
    sort_buckets(records, bounds, scratch, one.copy(), np.zeros(2, np.int64))
    for more in (None, tuple(ints.copy() for _ in range(6))):
        rate_taps(
            records, ints.copy(), more, bounds, np.int64(0), (1, 1), scratch, ints,
            np.array([0, 2**40], np.int64), ints, ints, np.zeros((1, 10), np.int64),
            np.zeros((1, 2), np.int64), one[:0], np.zeros((0, 8), np.int64), np.zeros((0, 8), np.int64),
            np.zeros((1, 1), np.int64), one.copy(), one.copy(),
        )  # fmt: skip
