"""Charging kernels. Energy: kWh. Power: kW. Slots: int64, from midnight on, the day repeats. Ids: rows."""

import numpy as np

from mobility._jit import kernel


@kernel
def slot_power(held, most, slot_h, curve_kwh, curve_kw):
    """Mean kW of a slot that begins at ``held`` kWh: within the curve at its begin and at its end."""
    most = min(most, np.interp(held, curve_kwh, curve_kw))
    if most <= np.interp(held + most * slot_h, curve_kwh, curve_kw):
        return most
    low, high = 0.0, most
    for _ in range(40):
        middle = 0.5 * (low + high)
        if middle <= np.interp(held + middle * slot_h, curve_kwh, curve_kw):
            low = middle
        else:
            high = middle
    return low


@kernel
def place_session(stay, own, held, wanted, here, first, end, base, dedicated, charger_count, charger_kw,
                  least_slots, gap_slots, bus_kw, curve_kwh, curve_kw, slot_h, load, limit, price,
                  occupied, charger, begin, finish, power):  # fmt: skip
    """Plug a bus in from slot ``first`` to ``end`` at most, so that it gets ``wanted`` kWh; True when it fits.

    ``load``, ``limit`` and ``price`` are (sites, slots of the day); slots wrap. Where every bus has
    its own charger (``dedicated``), the cheapest and least loaded slots of the stay are used;
    else the cheapest window at the power that is free, on a charger that is free in it and for
    ``gap_slots`` around it. ``power[stay]`` counts slots from ``base``.
    """
    day = load.shape[1]
    end = min(end, first + day)
    kw = min(bus_kw, charger_kw[here])
    width = end - first
    if charger_count[here] == 0 or width <= 0 or width < least_slots[here]:
        return False
    free = np.empty(width, np.float64)
    total = 0.0
    for at in range(width):
        slot = (first + at) % day
        free[at] = max(0.0, min(kw, limit[here, slot] - load[here, slot]))
        total += free[at] * slot_h
    if total < wanted - 1e-9:
        return False
    use = np.zeros(width, np.float64)
    if dedicated[here]:
        key = np.empty(width, np.float64)
        for at in range(width):
            slot = (first + at) % day
            key[at] = price[here, slot] * 1e6 + load[here, slot] * 1e-3
        chosen = np.zeros(width, np.bool_)
        missing, open_kwh = wanted, 0.0
        for at in np.argsort(key, kind="mergesort"):
            if free[at] <= 1e-9:
                continue
            chosen[at] = True
            open_kwh += free[at] * slot_h
            if open_kwh < wanted - 1e-9:
                continue
            missing, level = wanted, held
            for one in range(width):
                use[one] = 0.0
                if chosen[one] and missing > 1e-9:
                    most = min(free[one], missing / slot_h)
                    use[one] = slot_power(level, most, slot_h, curve_kwh, curve_kw)
                    level += use[one] * slot_h
                    missing -= use[one] * slot_h
            if missing <= 1e-9:
                break
        if missing > 1e-9:
            return False
        low, high = width, -1
        for at in range(width):
            if use[at] > 0.0:
                low, high = min(low, at), max(high, at)
        charger[stay] = own
    else:
        cost = np.full(width, np.inf)
        until = np.zeros(width, np.int64)
        for start in range(width):
            if free[start] <= 1e-9 or start + least_slots[here] > width:
                continue
            got, paid = 0.0, 0.0
            for at in range(start, width):
                most = min(free[at], (wanted - got) / slot_h)
                kwh = slot_power(held + got, most, slot_h, curve_kwh, curve_kw) * slot_h
                got += kwh
                slot = (first + at) % day
                paid += kwh * price[here, slot] + 1e-6 * kwh * load[here, slot]
                if got >= wanted - 1e-9:
                    cost[start], until[start] = paid, max(at + 1, start + least_slots[here])
                    break
        low, high = -1, -1
        for start in np.argsort(cost, kind="mergesort"):
            if cost[start] == np.inf:
                break
            for one in range(charger_count[here]):
                open_all = True
                for at in range(start - gap_slots[here], until[start] + gap_slots[here]):
                    if occupied[here, one, (first + at) % day]:
                        open_all = False
                        break
                if open_all:
                    low, high, charger[stay] = start, until[start] - 1, one
                    break
            if low >= 0:
                break
        if low < 0:
            return False
        missing, level = wanted, held
        for at in range(low, high + 1):
            use[at] = slot_power(
                level, min(free[at], missing / slot_h), slot_h, curve_kwh, curve_kw
            )
            level += use[at] * slot_h
            missing -= use[at] * slot_h
            occupied[here, charger[stay], (first + at) % day] = True
    for at in range(low, high + 1):
        load[here, (first + at) % day] += use[at]
        power[stay, first + at - base] = use[at]
    begin[stay], finish[stay] = first + low, first + high + 1
    return True


@kernel
def unplug(stay, here, base, dedicated, load, occupied, charger, begin, finish, power):
    """Take a session back."""
    day = load.shape[1]
    for slot in range(begin[stay], finish[stay]):
        load[here, slot % day] -= power[stay, slot - base]
        power[stay, slot - base] = 0.0
        if not dedicated[here]:
            occupied[here, charger[stay], slot % day] = False
    charger[stay], begin[stay], finish[stay] = -1, 0, 0


@kernel
def charge_all(order, offsets, site, window, used_kwh, start_kwh, min_kwh, max_kwh, bus_kw, kind,
               curve_kwh, curve_kw, dedicated, own_charger, charger_count, charger_kw, least_slots,
               gap_slots, slot_h, limit, price, load, occupied, charger, begin, finish, power,
               missing_kwh):  # fmt: skip
    """Charge every bus in turn; its stays are ``offsets[b]:offsets[b + 1]``, the last the night.

    ``window`` is (plans, stays, 2): slots in which a bus may be plugged in, the last plan the whole
    stay. Plan by plan: as late as the battery allows; where a stay is too busy for that, again as
    early as it can. ``used_kwh`` is what the bus uses before each stay; batteries are given by bus,
    curves by ``kind`` of bus. ``missing_kwh[b]`` > 0 where all fail. Returns how many are not served.
    """
    unserved = 0
    day = load.shape[1]
    plans = window.shape[0]
    for bus in order:
        first, end = offsets[bus], offsets[bus + 1]
        full, lowest, highest, kw = start_kwh[bus], min_kwh[bus], max_kwh[bus], bus_kw[bus]
        axis_kwh, axis_kw = curve_kwh[kind[bus]], curve_kw[kind[bus]]
        served = False
        worst = 0.0
        for attempt in range(2 * plans):
            plan, eager = attempt // 2, attempt % 2 == 1
            need = np.empty(end - first, np.float64)  # charge a bus must leave each stay with
            room = np.empty(end - first, np.float64)  # what each stay gives at most
            target = full
            total = 0.0
            for stay in range(end - 1, first - 1, -1):
                slots = max(0, min(window[plan, stay, 1] - window[plan, stay, 0], day))
                room[stay - first] = slots * slot_h * min(kw, charger_kw[site[stay]])
                if charger_count[site[stay]] == 0:
                    room[stay - first] = 0.0
                need[stay - first] = target
                target = max(lowest, target - room[stay - first]) + used_kwh[stay]
                total += used_kwh[stay]
            charge = full
            served = True
            worst = 0.0
            for stay in range(first, end):
                here = site[stay]
                charge -= used_kwh[stay]
                least = max(0.0, need[stay - first] - charge)
                if charge + least > highest + 1e-9:  # what lies ahead is more than a full battery
                    served = False
                    worst = max(worst, charge + least - highest)
                    break
                most = least
                if eager and stay + 1 < end:
                    most = max(least, min(highest - charge, room[stay - first], total))
                if most <= 1e-9:
                    continue
                done = False
                for piece in range(5):
                    wanted = least + (most - least) * (4 - piece) / 4.0
                    if wanted <= 1e-9:
                        done = True
                        break
                    if place_session(stay, own_charger[stay], charge, wanted, here, window[plan, stay, 0],
                                     window[plan, stay, 1], window[plans - 1, stay, 0], dedicated,
                                     charger_count, charger_kw, least_slots, gap_slots, kw, axis_kwh,
                                     axis_kw, slot_h, load, limit, price, occupied, charger, begin,
                                     finish, power):  # fmt: skip
                        charge += wanted
                        total -= wanted
                        done = True
                        break
                    if most <= least:
                        break
                if not done:
                    served = False
                    worst = max(worst, least)
                    break
            if served:
                break
            for stay in range(first, end):
                if charger[stay] >= 0:
                    unplug(stay, site[stay], window[plans - 1, stay, 0], dedicated, load, occupied,
                           charger, begin, finish, power)  # fmt: skip
        missing_kwh[bus] = 0.0
        if not served:
            missing_kwh[bus] = worst
            unserved += 1
    return unserved


def warm():
    """Call every kernel that Python calls, with every dtype it is used with: one bus, one stay."""
    one32, one64, one = np.zeros(1, np.int32), np.zeros(1, np.int64), np.zeros(1)
    day = np.array([0, 1], np.int64)
    charge_all(
        one32, day, one32, np.ones((1, 1, 2), np.int64), one, one, one, one, one, one64,
        np.zeros((1, 1)), np.ones((1, 1)), np.ones(1, np.bool_), one64, np.ones(1, np.int64),
        np.ones(1), one64, one64, 1.0, np.ones((1, 1)), np.ones((1, 1)), np.zeros((1, 1)),
        np.zeros((1, 1, 1), np.bool_), np.full(1, -1, np.int32), one64.copy(), one64.copy(),
        np.zeros((1, 1)), one.copy(),
    )  # fmt: skip
