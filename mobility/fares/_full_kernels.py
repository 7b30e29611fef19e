"""Rating by every rule: tap-offs, voids, riders, effective legs, any cap, accounts brought along.

Units and tables as in ``_kernels.py``; each tap takes several times as long as there.
"""

import numpy as np

from mobility._jit import kernel

NONE = np.int64(-(2**40))
UNKNOWN_PRICE = np.int64(-(2**62))
UNKNOWN_CHARGE = np.int64(-(2**31))

F_UNKNOWN, F_NO_TAP_OFF, F_TRANSFER, F_JOINED, F_CAPPED = 1, 2, 4, 8, 16
F_VOIDED, F_VOID, F_OFF, F_FLOORED, F_UNMATCHED, F_RIDERS = 32, 64, 128, 512, 1024, 2048

ON, OFF, VOID = range(3)
# Columns of caps, kinds of periods, and what accrues.
C_KIND, C_ACCRUES, C_PAID_ONLY, C_DAYS, C_BY_PAID, C_RING, C_OLD_LEVEL, C_OWN = range(8)
CALENDAR, ROLLING_DAYS, ROLLING_HOURS, SLIDING = range(4)
CHARGED, NOMINAL, RIDES, JOURNEYS = range(4)
# Columns of legs, of transfer rules, and kinds of these.
L_PRICE, L_MASK, L_BEFORE, L_AFTER, L_GROUP, L_MODE, L_PRODUCT, L_FLAGS, L_JOIN, L_JOINED = range(
    10
)
T_KIND, T_AMOUNT, T_WINDOW, T_ANCHOR, T_EDGES, T_MOST, T_GROUP_MOST, T_DEMANDS = range(8)
ADD, ADD_LEG, BOTH, FREE, DIFFERENCE, DISCOUNT = range(6)
# What is known of the journey that is going on.
J_OPEN, J_FIRST_ON, J_FIRST_OFF, J_ON, J_OFF, J_LEG, J_TRANSFERS, J_DEAREST = range(8)
J_COST, J_CHARGED, J_RUN, J_RUN_ON, J_RUN_OFF, J_SERIAL, J_NUMBER, J_STATION = range(8, 16)
# What is known of the effective leg that may still grow.
E_COMBO, E_CLASS, E_NOMINAL, E_COST, E_ON, E_USED, E_SIZE, E_LEG, E_LAST = range(9)


@kernel
def allowed(fare, used, limit, counts, full, after):
    """What a cap lets a leg of ``fare`` cost, ``used`` of its ``limit`` being used."""
    left = max(limit - used, np.int64(0))
    if counts or full:
        left = fare if left > 0 else min(fare, np.int64(0))
    lets = fare
    if fare > left:
        lets = left
        if after > 0:
            lets += ((fare - left) * after + 50) // 100
    return lets


@kernel
def cap_tap(fare, nominal, seg, time, mask, continues, cap_of, level_of, calendar, account):
    """Least that any cap lets this tap cost, and its accrual; (charge, cap or -1).

    ``account`` is of one card: bits of caps that counted this journey, then for each cap what is used,
    its period, its level and what it lets this tap cost; then the days of sliding caps.
    """
    charge = fare
    which = np.int64(-1)
    day = np.int64(calendar[seg, 0])
    for g in range(cap_of.shape[0]):
        a = 1 + 4 * g
        account[a + 3] = NONE
        if (mask >> g) & 1:
            lev = open_period(account, a, g, seg, day, time, cap_of, calendar)
            if lev >= 0:
                used = account[a]
                accrues = cap_of[g, C_ACCRUES]
                if accrues == JOURNEYS and continues and (account[0] >> g) & 1:
                    used -= 1
                lets = allowed(
                    fare,
                    used,
                    level_of[lev, 0],
                    accrues >= RIDES,
                    level_of[lev, 1],
                    level_of[lev, 2],
                )
                account[a + 3] = lets
                if lets < charge:
                    charge = lets
                    which = np.int64(g)
    for g in range(cap_of.shape[0]):
        a = 1 + 4 * g
        if account[a + 3] != NONE:
            accrue(account, a, g, charge, nominal, continues, day, time, cap_of)
    return charge, which


@kernel
def open_period(account, a, g, seg, day, time, cap_of, calendar):
    """Bring a cap's account to a tap's period; the level that counts, -1 where none is valid."""
    lev = np.int64(calendar[seg, 2 + 2 * g])
    kind = cap_of[g, C_KIND]
    fresh = False
    if kind == CALENDAR:
        now = np.int64(calendar[seg, 1 + 2 * g])
        if account[a + 1] != now:
            account[a + 1] = now
            fresh = True
    elif kind == SLIDING:
        slide(account, a, cap_of[g, C_RING], cap_of[g, C_DAYS], day)
    else:
        at = day if kind == ROLLING_DAYS else time
        span = cap_of[g, C_DAYS] if kind == ROLLING_DAYS else cap_of[g, C_DAYS] * 86_400
        if account[a + 1] != NONE and at >= account[a + 1] + span:
            account[a + 1] = NONE
        if account[a + 1] == NONE:
            fresh = True
        elif cap_of[g, C_OLD_LEVEL]:
            lev = account[a + 2]
        account[a + 2] = lev
    if fresh:
        account[a] = 0
        account[0] &= ~(np.int64(1) << g)
    return lev


@kernel
def slide(account, a, ring_at, size, day):
    """Let the days leave a sliding window that no longer lie in it."""
    last = account[a + 1]
    if last != NONE:
        gap = min(day - last, size)
        for s in range(1, gap + 1):
            slot = ring_at + (day - gap + s) % size
            account[a] -= account[slot]
            account[slot] = 0
    account[a + 1] = day


@kernel
def accrue(account, a, g, charge, nominal, continues, day, time, cap_of):
    """Count a tap towards a cap; open a rolling window with it where none is open."""
    accrues = cap_of[g, C_ACCRUES]
    kind = cap_of[g, C_KIND]
    paid = account[a + 3] if cap_of[g, C_OWN] else charge
    more = np.int64(0)
    if accrues == CHARGED:
        more = paid
    elif not cap_of[g, C_PAID_ONLY] or paid > 0:
        if accrues == NOMINAL:
            more = nominal
        elif accrues == RIDES or not continues:
            more = np.int64(1)
    if kind in (ROLLING_DAYS, ROLLING_HOURS):
        if account[a + 1] == NONE:
            if cap_of[g, C_BY_PAID] and paid <= 0:
                more = np.int64(0)
            else:
                account[a + 1] = day if kind == ROLLING_DAYS else time
    elif kind == SLIDING:
        account[cap_of[g, C_RING] + day % cap_of[g, C_DAYS]] += more
    if accrues == JOURNEYS and more > 0:
        account[0] |= np.int64(1) << g
    account[a] += more


@kernel
def forget(account, caps):
    """Empty a card's account of caps."""
    account[:] = 0
    for g in range(caps):
        account[2 + 4 * g] = NONE
        account[3 + 4 * g] = -1


@kernel
def find_rule(journey, leg, on, off, used_route, legs, first, rule_of, rules):
    """The first transfer rule that fits the leg before and this one; -1 where none does.

    One way out: numba counts references of arrays anew where there are more.
    """
    found = np.int64(-1)
    last = journey[J_LEG]
    row = legs[last, L_BEFORE]
    column = legs[leg, L_AFTER]
    same_group = legs[leg, L_GROUP] == legs[last, L_GROUP]
    k = first[row, column]
    end = first[row, column + 1] if journey[J_OPEN] else k
    while k < end:
        r = rule_of[k]
        k += 1
        demands = rules[r, T_DEMANDS]
        most, group_most = rules[r, T_MOST], rules[r, T_GROUP_MOST]
        fits = most < 0 or journey[J_TRANSFERS] < most
        fits &= group_most < 0 or not same_group or journey[J_RUN] < group_most
        fits &= not (demands & 1 and used_route)
        fits &= not (demands & 2 and legs[leg, L_MODE] == legs[last, L_MODE])
        fits &= not (demands & 4 and legs[leg, L_PRODUCT] != legs[last, L_PRODUCT])
        if fits and rules[r, T_WINDOW] >= 0:
            by_off = rules[r, T_EDGES] & 1
            since = journey[J_RUN_ON + by_off]
            if rules[r, T_ANCHOR] == 0:
                since = journey[J_FIRST_ON + by_off]
            elif rules[r, T_ANCHOR] == 1 or not same_group:
                since = journey[J_ON + by_off]
            until = off if rules[r, T_EDGES] & 2 else on
            fits = since != NONE and until != NONE and until - since <= rules[r, T_WINDOW]
            if not fits and demands & 8:
                k = end
        if fits:
            found = r
            k = end
    return found


@kernel
def leg_cost(rule, price, journey, rules):
    """What a leg of a price costs under a transfer rule, or alone (-1)."""
    cost = price
    if rule >= 0:
        kind = rules[rule, T_KIND]
        amount = rules[rule, T_AMOUNT]
        if kind == FREE:
            cost = np.int64(0)
        elif kind == DIFFERENCE:
            cost = max(price - journey[J_DEAREST], np.int64(0))
        elif kind == DISCOUNT:
            cost = max(price - amount, np.int64(0))
        elif kind == ADD_LEG:
            cost = amount + price
        elif kind == BOTH and journey[J_TRANSFERS] == 0:
            cost = amount - journey[J_COST]
        else:
            cost = amount
    return cost


@kernel
def go_on(journey, rule, leg, on, off, price, cost, legs):
    """Take a leg into the journey, or start a new one with it."""
    run = np.int64(0)
    if rule < 0:
        journey[J_OPEN] = 1
        journey[J_FIRST_ON] = on
        journey[J_FIRST_OFF] = off
        journey[J_TRANSFERS] = 0
        journey[J_DEAREST] = price
        journey[J_COST] = cost
    else:
        journey[J_TRANSFERS] += 1
        journey[J_DEAREST] = max(journey[J_DEAREST], price)
        journey[J_COST] += cost
        if legs[leg, L_GROUP] == legs[journey[J_LEG], L_GROUP]:
            run = journey[J_RUN] + 1
    journey[J_RUN] = run
    if run == 0:
        journey[J_RUN_ON] = on
        journey[J_RUN_OFF] = off
    journey[J_ON] = on
    journey[J_OFF] = off
    journey[J_LEG] = leg


@kernel
def rate_all(
    records, order, card_first, cards, rows, kinds, partner, voided, deepest, riders, ends, routes,
    starts_at, ends_at, n_to, sizes, first_of, starts, class_of, end_class_of, leg_of, legs, first,
    rule_of, rules, joins, join_window, cap_of, level_of, calendar, accounts, numbers, stamps, charged, nominal, spent,
    journeys, caps, flags, legs_of,
):  # fmt: skip
    """Rate cards whose taps are sorted; answers in the order of ``records``.

    ``rows`` is the input row of each record; ``kinds riders ends routes starts_at ends_at`` are by input
    row, or empty; ``partner voided deepest`` come from ``pair_taps``. ``accounts`` (a row a card code,
    or none) and ``numbers`` (journeys so far) are read at a card's first tap and written after its last.
    """
    classes, end_classes = sizes
    groups = cap_of.shape[0]
    size = accounts.shape[1]
    account = np.zeros(size, np.int64)
    journey = np.zeros(16, np.int64)
    kept = np.zeros(16, np.int64)  # the journey before the effective leg
    grown = np.zeros(9, np.int64)
    has_kinds = kinds.shape[0] > 0
    serial = np.int64(0)
    width = size + 43
    saved = np.empty((max(deepest, 1), width), np.int64)
    for c in range(cards):
        lo, hi = card_first[c], card_first[c + 1]
        waiting = 0
        code = records[order[lo], 0]
        if accounts.shape[0] > 0:
            account[:] = accounts[code]
        else:
            forget(account, groups)
        journey[:] = 0
        grown[:] = 0
        number = np.int64(numbers[code]) if numbers.shape[0] > 0 else np.int64(0)
        for p in range(lo, hi):
            at = order[p]
            row = rows[at]
            time = records[at, 1] >> 32
            load = records[at, 1] & 0xFFFFFFFF
            kind = kinds[row] if has_kinds else np.int8(0)
            charged[at] = 0
            nominal[at] = 0
            spent[at] = 0
            caps[at] = -1
            flags[at] = 0
            legs_of[at] = -1
            journeys[at] = journey[J_NUMBER]
            if kind == OFF:
                flags[at] = F_OFF
                if partner[p] < 0:
                    flags[at] = F_OFF | F_UNMATCHED
                else:
                    journeys[at] = journeys[order[partner[p]]]
                continue
            if kind == VOID:
                flags[at] = F_VOID
                if partner[p] < 0:
                    flags[at] = F_VOID | F_UNMATCHED
                    continue
                on_at = order[partner[p]]
                flags[on_at] |= F_VOIDED
                journeys[at] = journeys[on_at]
                caps[at] = caps[on_at]
                if not flags[on_at] & F_UNKNOWN:
                    charged[at] = -charged[on_at]
                    nominal[at] = -nominal[on_at]
                    spent[at] = -spent[on_at]
                waiting -= 1
                account[:] = saved[waiting, :size]
                journey[:] = saved[waiting, size : size + 16]
                kept[:] = saved[waiting, size + 16 : size + 32]
                grown[:] = saved[waiting, size + 32 : size + 41]
                stamps[saved[waiting, size + 41]] = saved[waiting, size + 42]
                continue

            off = ends[row] if ends.shape[0] > 0 else NONE
            end_at = ends_at[row] if ends_at.shape[0] > 0 else np.int64(-1)
            combo = load
            if has_kinds and partner[p] >= 0:
                off_row = order[partner[p]]
                off = records[off_row, 1] >> 32
                combo = load - load % n_to + (records[off_row, 1] & 0xFFFFFFFF) % n_to
                if starts_at.shape[0] > 0:
                    end_at = np.int64(starts_at[rows[off_row]])
            route = routes[row] if routes.shape[0] > 0 else np.int32(0)
            seg = np.int64(first_of[time >> 10])
            while starts[seg + 1] <= time:
                seg += 1
            end_class = np.int64(0)
            if off != NONE and end_classes > 1:
                end_seg = np.int64(first_of[off >> 10])
                while starts[end_seg + 1] <= off:
                    end_seg += 1
                end_class = np.int64(end_class_of[end_seg])
            start_class = np.int64(class_of[seg])
            leg = np.int64(leg_of[(combo * classes + start_class) * end_classes + end_class])
            price = legs[leg, L_PRICE]

            if has_kinds and voided[p]:
                saved[waiting, :size] = account
                saved[waiting, size : size + 16] = journey
                saved[waiting, size + 16 : size + 32] = kept
                saved[waiting, size + 32 : size + 41] = grown
                saved[waiting, size + 41] = route
                saved[waiting, size + 42] = stamps[route]
                waiting += 1

            used = route > 0 and stamps[route] == journey[J_SERIAL]
            joined = False
            own_leg = leg
            if joins.shape[0] > 0 and journey[J_OPEN] and grown[E_SIZE] > 0:
                how = joins[legs[grown[E_LEG], L_JOIN], legs[leg, L_JOINED]]
                here = np.int64(starts_at[row]) if starts_at.shape[0] > 0 else np.int64(-1)
                since = grown[E_LAST] if journey[J_OFF] == NONE else journey[J_OFF]
                soon = join_window < 0 or time - since <= join_window
                if soon and (how == 1 or (how == 2 and here >= 0 and here == journey[J_STATION])):
                    whole = grown[E_COMBO] - grown[E_COMBO] % n_to + combo % n_to
                    whole_leg = np.int64(
                        leg_of[(whole * classes + grown[E_CLASS]) * end_classes + end_class]
                    )
                    joined = True
                    leg = whole_leg
                    price = legs[leg, L_PRICE]
            legs_of[at] = leg
            if price == UNKNOWN_PRICE:
                charged[at] = UNKNOWN_CHARGE
                nominal[at] = UNKNOWN_CHARGE
                spent[at] = UNKNOWN_CHARGE
                flags[at] = legs[leg, L_FLAGS] | F_UNKNOWN
                journeys[at] = 0
                continue
            flag = legs[leg, L_FLAGS]
            now_number, now_serial, paid = journey[J_NUMBER], journey[J_SERIAL], journey[J_CHARGED]
            if joined:
                journey[:] = kept
                used = grown[E_USED] == 1
                on = grown[E_ON]
                flag |= F_JOINED
            else:
                kept[:] = journey
                grown[E_COMBO] = combo
                grown[E_CLASS] = start_class
                grown[E_NOMINAL] = 0
                grown[E_COST] = 0
                grown[E_ON] = time
                grown[E_USED] = used
                on = time
            grown[E_SIZE] += 1
            grown[E_LEG] = own_leg
            grown[E_LAST] = time
            rule = np.int64(-1)
            if rule_of.shape[0] > 0:
                rule = find_rule(journey, leg, on, off, used, legs, first, rule_of, rules)
            cost = leg_cost(rule, price, journey, rules)
            if rule < 0 and not joined:
                serial += 1
                number += 1
                now_serial, now_number = serial, number
                paid = np.int64(0)
                account[0] = 0
            go_on(journey, rule, leg, on, off, price, cost, legs)
            journey[J_STATION] = end_at
            journey[J_CHARGED] = paid
            journey[J_SERIAL] = now_serial
            journey[J_NUMBER] = now_number
            mine = price - grown[E_NOMINAL]
            due = cost - grown[E_COST]
            if due < -paid:
                journey[J_COST] += -paid - due
                due = -paid
                flag |= F_FLOORED
            grown[E_NOMINAL] += mine
            grown[E_COST] += due
            stamps[route] = journey[J_SERIAL]
            charge, which = cap_tap(
                due, mine, seg, time, legs[own_leg, L_MASK], rule >= 0 or joined,
                cap_of, level_of, calendar, account,
            )  # fmt: skip
            journey[J_CHARGED] += charge
            flag |= (F_TRANSFER if rule >= 0 else 0) | (F_CAPPED if which >= 0 else 0)
            others = np.int64(0)
            if riders.shape[0] > 0 and riders[row] > 1:
                others = (np.int64(riders[row]) - 1) * max(mine, np.int64(0))
                flag |= F_RIDERS
            nominal[at] = mine + others
            spent[at] = due + others
            charged[at] = charge + others
            journeys[at] = journey[J_NUMBER]
            caps[at] = which
            flags[at] = flag
        if accounts.shape[0] > 0:
            accounts[code] = account
        if numbers.shape[0] > 0:
            numbers[code] = number


def warm():
    """Compile for the dtypes that are passed."""
    one = np.zeros(1, np.int64)
    ints = np.zeros(1, np.int32)
    records = np.zeros((1, 2), np.int64)
    legs = np.zeros((1, 10), np.int64)
    starts = np.array([0, 2**40], np.int64)
    none, numbers = one[:0], np.zeros((0, 8), np.int64)
    for given in (0, 1):
        few = ints[:given]
        rate_all(
            records, one.copy(), np.array([0, 1], np.int64), 1, one, np.zeros(given, np.int8), one,
            np.zeros(1, np.int8), 1, few, one[:given], few, few, few, 1, (1, 1), ints, starts, ints,
            ints, ints, legs, np.zeros((1, 2), np.int64), none, numbers, np.zeros((0, 0), np.int64),
            -1, numbers, np.zeros((0, 3), np.int64), np.zeros((1, 1), np.int32),
            np.zeros((given, 1), np.int64), few.copy(), one.copy(), one.copy(), one.copy(), one.copy(),
            ints.copy(), ints.copy(), ints.copy(), ints.copy(),
        )  # fmt: skip
