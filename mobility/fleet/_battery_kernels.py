"""Battery and charging kernels. Energy: kWh. Power: kW. Times: int64 seconds or slots. Ids: rows."""

import numpy as np

from mobility._jit import kernel


@kernel
def reach(first, end, via, trip_kwh, out_kwh, in_kwh, run_kwh, run_gain, home_kwh, leave_kwh,
          stay_gain, out_s, in_s, start_kwh, min_kwh, max_kwh, night_kw):  # fmt: skip
    """How many trips of first..end a bus drives on its battery, so that it can always go home.

    Trips are rows; row r of the link arrays lies between trips r and r + 1. ``*_gain`` is what can
    be charged at most during the stay. Returns (last trip from which the bus gets home and is full
    again within 24 hours, plus one; charge when home; least slack above ``min_kwh`` on the way).
    """
    charge = start_kwh - out_kwh[first]
    slack = charge - min_kwh
    good, home_charge, home_slack = first, 0.0, 0.0
    for trip in range(first, end):
        charge -= trip_kwh[trip]
        back = charge - in_kwh[trip]
        if charge - min_kwh < -1e-9:
            break
        night_h = (out_s[first] + 86400 - in_s[trip]) / 3600.0
        if back - min_kwh >= -1e-9 and night_h >= 0 and (start_kwh - back) <= night_h * night_kw:
            good = trip + 1
            home_charge = back
            home_slack = min(slack, back - min_kwh)
        if trip + 1 == end:
            break
        if via[trip]:
            charge -= home_kwh[trip]
            slack = min(slack, charge - min_kwh)
            if slack < -1e-9:
                break
            charge = min(max_kwh, charge + stay_gain[trip]) - leave_kwh[trip]
        else:
            charge = min(max_kwh, charge + run_gain[trip]) - run_kwh[trip]
        slack = min(slack, charge - min_kwh)
    return good, home_charge, home_slack


@kernel
def cut_blocks(offsets, via, via_possible, trip_kwh, out_kwh, in_kwh, run_kwh, run_gain, home_kwh,
               leave_kwh, stay_gain, out_s, in_s, start_kwh, min_kwh, max_kwh, night_kw,
               cut, home_charge, home_slack):  # fmt: skip
    """Cut each duty ``offsets[d]:offsets[d + 1]`` where the battery ends; change ``via`` in place.

    Before a cut, the one depot visit that lets the bus drive farthest is tried. ``cut[t]`` is set
    where a piece ends after trip t; the piece's charge when home and its least slack stand there.
    """
    for duty in range(offsets.size - 1):
        first, end = offsets[duty], offsets[duty + 1]
        while first < end:
            good, charge, slack = reach(first, end, via, trip_kwh, out_kwh, in_kwh, run_kwh, run_gain,
                                        home_kwh, leave_kwh, stay_gain, out_s, in_s, start_kwh,
                                        min_kwh, max_kwh, night_kw[duty])  # fmt: skip
            while good < end:
                best, best_gap = good, -1
                for gap in range(first, good):
                    if via[gap] or not via_possible[gap]:
                        continue
                    via[gap] = True
                    now, _, _ = reach(first, end, via, trip_kwh, out_kwh, in_kwh, run_kwh, run_gain,
                                      home_kwh, leave_kwh, stay_gain, out_s, in_s, start_kwh,
                                      min_kwh, max_kwh, night_kw[duty])  # fmt: skip
                    via[gap] = False
                    if now > best:
                        best, best_gap = now, gap
                if best_gap < 0:
                    break
                via[best_gap] = True
                good, charge, slack = reach(first, end, via, trip_kwh, out_kwh, in_kwh, run_kwh,
                                            run_gain, home_kwh, leave_kwh, stay_gain, out_s, in_s,
                                            start_kwh, min_kwh, max_kwh, night_kw[duty])  # fmt: skip
            last = max(good - 1, first)  # a trip that fails even alone is its own piece
            cut[last] = True
            home_charge[last] = charge if good > first else -1.0
            home_slack[last] = slack if good > first else -1.0
            first = last + 1


@kernel
def join_pieces(depot, start_s, end_s, charge, slack, night_kw, stay_kw, setup_slot_s,
                start_kwh, before):  # fmt: skip
    """Put pieces, sorted by start, on as few vehicles as first fit finds; fills ``before``.

    A piece may follow another at its depot when the charge that the stay can give, conservative
    about what the pieces lose by starting below ``start_kwh``, carries it and the night restores it.
    ``stay_kw`` is what a piece may count on in the stay before it, ``night_kw`` a depot's power.
    """
    count = depot.size
    tail = np.empty(count, np.int32)  # last piece of each vehicle
    level = np.empty(count, np.float64)  # its charge when home
    out = np.empty(count, np.int64)  # first pull-out of the vehicle
    vehicles = 0
    for piece in range(count):
        best, best_end, best_level = -1, -(10**9), 0.0
        for vehicle in range(vehicles):
            last = tail[vehicle]
            if depot[last] != depot[piece] or end_s[last] > start_s[piece]:
                continue
            if end_s[last] <= best_end:
                continue
            begin = -(-end_s[last] // setup_slot_s)
            stay = max(0, (start_s[piece] // setup_slot_s) - begin) * setup_slot_s / 3600.0
            ready = min(start_kwh, level[vehicle] + stay * stay_kw[piece])
            missing = start_kwh - ready
            if missing > slack[piece] + 1e-9:
                continue
            home = charge[piece] - missing
            night_h = (out[vehicle] + 86400 - end_s[piece] - 2 * setup_slot_s) / 3600.0
            if night_h < 0 or start_kwh - home > night_h * night_kw[depot[piece]]:
                continue
            best, best_end, best_level = vehicle, end_s[last], home
        if best < 0:
            best = vehicles
            out[best] = start_s[piece]
            best_level = charge[piece]
            before[piece] = -1
            vehicles += 1
        else:
            before[piece] = tail[best]
        tail[best] = piece
        level[best] = best_level
    return vehicles


@kernel
def place_session(stay, bus, wanted, site, first_slot, end_slot, dedicated, charger_count, charger_kw,
                  bus_kw, slot_h, load, limit, price, occupied, charger, begin, finish, power):  # fmt: skip
    """Plug a bus in so that it gets ``wanted`` kWh in one stay; True when it fits.

    ``load``, ``limit`` and ``price`` are (sites, slots of the day); slots wrap. Where every bus has
    its own charger (``dedicated``), the cheapest and least loaded slots of the stay are used;
    else the cheapest window at the power that is free, on the first charger that is free in it.
    """
    here = site[stay]
    day = load.shape[1]
    first, end = first_slot[stay], min(end_slot[stay], first_slot[stay] + day)
    kw = min(bus_kw, charger_kw[here])
    if charger_count[here] == 0 or end <= first:
        return False
    width = end - first
    free = np.empty(width, np.float64)
    total = 0.0
    for at in range(width):
        slot = (first + at) % day
        free[at] = max(0.0, min(kw, limit[here, slot] - load[here, slot]))
        total += free[at] * slot_h
    if total < wanted - 1e-9:
        return False
    if dedicated[here]:
        key = np.empty(width, np.float64)
        for at in range(width):
            slot = (first + at) % day
            key[at] = price[here, slot] * 1e6 + load[here, slot] * 1e-3
        missing = wanted
        low, high = width, -1
        for at in np.argsort(key, kind="mergesort"):
            if missing <= 1e-9:
                break
            if free[at] <= 1e-9:
                continue
            use = min(free[at], missing / slot_h)
            power[stay, at] = use
            missing -= use * slot_h
            low, high = min(low, at), max(high, at)
        charger[stay] = bus
    else:
        cost = np.full(width, np.inf)
        until = np.zeros(width, np.int64)
        for start in range(width):
            got, paid = 0.0, 0.0
            for at in range(start, width):
                use = min(free[at] * slot_h, wanted - got)
                got += use
                paid += (
                    use * price[here, (first + at) % day]
                    + 1e-6 * use * load[here, (first + at) % day]
                )
                if got >= wanted - 1e-9:
                    cost[start], until[start] = paid, at + 1
                    break
            if free[start] <= 1e-9:
                cost[start] = np.inf
        low, high = -1, -1
        for start in np.argsort(cost, kind="mergesort"):
            if cost[start] == np.inf:
                break
            for one in range(charger_count[here]):
                open_all = True
                for at in range(start, until[start]):
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
        missing = wanted
        for at in range(low, high + 1):
            use = min(free[at], missing / slot_h)
            power[stay, at] = use
            missing -= use * slot_h
            occupied[here, charger[stay], (first + at) % day] = True
    for at in range(low, high + 1):
        load[here, (first + at) % day] += power[stay, at]
    begin[stay], finish[stay] = first + low, first + high + 1
    return True


@kernel
def unplug(stay, site, first_slot, dedicated, load, occupied, charger, begin, finish, power):
    """Take a session back."""
    here, day = site[stay], load.shape[1]
    for slot in range(begin[stay], finish[stay]):
        load[here, slot % day] -= power[stay, slot - first_slot[stay]]
        power[stay, slot - first_slot[stay]] = 0.0
        if not dedicated[here]:
            occupied[here, charger[stay], slot % day] = False
    charger[stay], begin[stay], finish[stay] = -1, 0, 0


@kernel
def charge_all(order, offsets, site, first_slot, end_slot, used_kwh, start_kwh, min_kwh, max_kwh, bus_kw,
               dedicated, own_charger, charger_count, charger_kw, slot_h, limit, price,
               load, occupied, charger, begin, finish, power, missing_kwh):  # fmt: skip
    """Charge every bus in turn; its stays are ``offsets[b]:offsets[b + 1]``, the last the night.

    ``used_kwh`` is what the bus uses before each stay. First as late as the battery allows; where
    a stay is too busy for that, again as early as it can. ``missing_kwh[b]`` > 0 where both fail.
    Returns how many buses are not served.
    """
    unserved = 0
    for bus in order:
        first, end = offsets[bus], offsets[bus + 1]
        need = np.empty(end - first, np.float64)  # charge a bus must leave each stay with
        target = start_kwh
        for stay in range(end - 1, first - 1, -1):
            need[stay - first] = target
            slots = max(0, min(end_slot[stay] - first_slot[stay], load.shape[1]))
            most = slots * slot_h * min(bus_kw, charger_kw[site[stay]])
            if charger_count[site[stay]] == 0:
                most = 0.0
            target = max(min_kwh, target - most) + used_kwh[stay]
        served = False
        worst = 0.0
        for eager in range(2):
            charge = start_kwh
            total = 0.0
            for stay in range(first, end):
                total += used_kwh[stay]
            served = True
            for stay in range(first, end):
                charge -= used_kwh[stay]
                least = max(0.0, need[stay - first] - charge)
                if charge + least > max_kwh + 1e-9:  # what lies ahead is more than a full battery
                    served = False
                    worst = max(worst, charge + least - max_kwh)
                    break
                most = least
                if eager == 1 and stay + 1 < end:
                    slots = max(0, end_slot[stay] - first_slot[stay])
                    most = min(
                        max_kwh - charge, slots * slot_h * min(bus_kw, charger_kw[site[stay]])
                    )
                    most = max(least, min(most, total))
                if most <= 1e-9:
                    continue
                done = False
                for part in range(5):
                    wanted = least + (most - least) * (4 - part) / 4.0
                    if wanted <= 1e-9:
                        done = True
                        break
                    if place_session(stay, own_charger[stay], wanted, site, first_slot, end_slot, dedicated,
                                     charger_count, charger_kw, bus_kw, slot_h, load, limit, price,
                                     occupied, charger, begin, finish, power):  # fmt: skip
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
                    unplug(
                        stay,
                        site,
                        first_slot,
                        dedicated,
                        load,
                        occupied,
                        charger,
                        begin,
                        finish,
                        power,
                    )
        missing_kwh[bus] = 0.0
        if not served:
            missing_kwh[bus] = worst
            unserved += 1
    return unserved


def warm():
    """Call every kernel that Python calls, with every dtype it is used with: one bus, one stay."""
    one32, one64, one = np.zeros(1, np.int32), np.zeros(1, np.int64), np.zeros(1)
    no, yes = np.zeros(1, np.bool_), np.ones(1, np.bool_)
    day = np.array([0, 1], np.int64)
    cut_blocks(
        day, no.copy(), no, one, one, one, one, one, one, one, one, one64, one64, 9.0, 1.0, 9.0, one,
        no.copy(), one.copy(), one.copy(),
    )  # fmt: skip
    join_pieces(
        one32, one64, one64, one, one, one, one, np.int64(300), 9.0, np.full(1, -1, np.int32)
    )
    charge_all(
        one32, day, one32, one64, np.ones(1, np.int64), one, 9.0, 1.0, 9.0, 1.0, yes, one64,
        np.ones(1, np.int64), np.ones(1), 1.0, np.ones((1, 1)), np.ones((1, 1)), np.zeros((1, 1)),
        np.zeros((1, 1, 1), np.bool_), np.full(1, -1, np.int32), one64.copy(), one64.copy(),
        np.zeros((1, 1)), one.copy(),
    )  # fmt: skip
