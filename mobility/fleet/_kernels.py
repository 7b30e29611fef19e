"""Fleet kernels. Times: int32 seconds into the service day. Ids: int32 rows. Costs: int64 units.

Conventions: ``starts`` (B,) starts of the bands of empty running, ``time_s`` (B, P, P),
``metres`` (1 or B, P, P). Places P are rows of the deadhead tables.
"""

import numpy as np

from mobility._jit import kernel

NEVER = -1_000_000_000
UNREACHABLE = 100_000_000


@kernel
def band_of(starts, at_s):
    """The band in which ``at_s`` lies: the last one that has started, or the first."""
    low, high = 0, starts.size
    while high - low > 1:
        middle = (low + high) // 2
        if starts[middle] <= at_s:
            low = middle
        else:
            high = middle
    return low


@kernel
def latest_leave(starts, time_s, origin, target, by_s):
    """The latest second at which a run from origin reaches target by ``by_s``; NEVER if none."""
    for band in range(starts.size - 1, -1, -1):
        needed = time_s[band, origin, target]
        if needed >= UNREACHABLE:
            continue
        leave = by_s - needed
        if band + 1 < starts.size and leave >= starts[band + 1]:
            leave = starts[band + 1] - 1
        if band == 0 or leave >= starts[band]:
            return leave
    return NEVER


@kernel
def metres_at(starts, metres, origin, target, at_s):
    """Distance of a run that leaves at ``at_s``."""
    if metres.shape[0] == 1:
        return metres[0, origin, target]
    return metres[band_of(starts, at_s), origin, target]


@kernel
def depot_runs(starts, time_s, metres, depots, place, at_s, outward):
    """Best pull-out (outward) or pull-in of each event over the depots, as a relaxation.

    Returns the latest leaving time (outward) or the earliest arrival, and the least metres; both
    over all depots, each at its own best, so that no depot can beat them.
    """
    count = place.size
    when = np.empty(count, np.int32)
    least = np.empty(count, np.int32)
    for event in range(count):
        when[event] = NEVER if outward else UNREACHABLE
        least[event] = UNREACHABLE
        for depot in depots:
            if outward:
                leave = latest_leave(starts, time_s, depot, place[event], at_s[event])
                if leave == NEVER:
                    continue
                run = metres_at(starts, metres, depot, place[event], leave)
                when[event] = max(when[event], leave)
            else:
                band = band_of(starts, at_s[event])
                needed = time_s[band, place[event], depot]
                if needed >= UNREACHABLE:
                    continue
                run = metres_at(starts, metres, place[event], depot, at_s[event])
                when[event] = min(when[event], at_s[event] + needed)
            least[event] = min(least[event], run)
    return when, least


@kernel
def count_connections(starts, time_s, metres, layover_s, max_wait_s, minor_km, minor_s,
                      arrive_place, arrive_s, arrive_last, in_s, in_m,
                      depart_from, depart_s, out_s, out_m, tails, heads, costs):  # fmt: skip
    """First-arrival arcs from arrival events to departure events; fills the arrays if not empty.

    Arrival events are sorted by (place, time); ``arrive_last`` marks the last of its place.
    Departure events of place p are rows ``depart_from[p]:depart_from[p + 1]``, sorted by time. An
    arc is left out where the next arrival at the place has the same arc in the same band (waiting
    there costs the same), or where going via the depot is possible and no dearer. Returns how many
    arcs there are, or would be.
    """
    places = depart_from.size - 1
    filled = tails.size > 0
    count = 0
    for event in range(arrive_s.size):
        origin = arrive_place[event]
        at = arrive_s[event]
        band = band_of(starts, at)
        table = 0 if metres.shape[0] == 1 else band
        for target in range(places):
            first, end = depart_from[target], depart_from[target + 1]
            if first == end:
                continue
            needed = time_s[band, origin, target]
            if needed >= UNREACHABLE:
                continue
            ready = at + needed + layover_s
            if depart_s[end - 1] < ready:
                continue
            low, high = first, end
            while low < high:
                middle = (low + high) // 2
                if depart_s[middle] < ready:
                    low = middle + 1
                else:
                    high = middle
            wait = depart_s[low] - at - needed
            if wait > max_wait_s:
                continue
            if not arrive_last[event]:
                later = arrive_s[event + 1]
                if band_of(starts, later) == band:
                    ready = later + needed + layover_s
                    # Same first departure from the next arrival on: that arc carries both.
                    if depart_s[low] >= ready:
                        continue
            run = metres[table, origin, target] * minor_km / 1000.0 + wait * minor_s
            if in_s[event] + layover_s <= out_s[low]:
                around = (in_m[event] + out_m[low]) * minor_km / 1000.0
                if around <= run:
                    continue
            if filled:
                tails[count] = event
                heads[count] = low
                costs[count] = np.int64(np.floor(run))
            count += 1
    return count


@kernel
def follow_flow(order, kind, line, supply, arc_from, arc_head, arc_flow,
                by_arrival, by_departure, fresh, depot_line, after, before):  # fmt: skip
    """Split a flow into who follows whom, first in first out at every place.

    Nodes are visited in ``order``. ``kind``: 0 arrival, 1 departure, 2 depot. ``line`` is the
    queue of the node's place; waiting moves nobody between queues, so it needs no arc here.
    ``supply``: trips that end (> 0) or start (< 0) at the node; ``by_arrival`` and
    ``by_departure`` list the trips in node order. ``fresh`` vehicles stand at the depot when the
    day starts. Fills ``after`` and ``before`` (-1: none). Returns the vehicles that drive.
    """
    trips = after.size
    lines = depot_line + 1
    for node in range(line.size):
        lines = max(lines, line[node] + 1)
    first = np.full(lines, -1, np.int32)
    last = np.full(lines, -1, np.int32)
    link = np.full(trips + fresh, -1, np.int32)
    for unit in range(trips, trips + fresh):  # tokens past the trips are fresh vehicles
        if first[depot_line] < 0:
            first[depot_line] = unit
        else:
            link[last[depot_line]] = unit
        last[depot_line] = unit
    ends = np.zeros(supply.size + 1, np.int64)
    starts = np.zeros(supply.size + 1, np.int64)
    for node in range(supply.size):
        ends[node + 1] = ends[node] + max(supply[node], 0)
        starts[node + 1] = starts[node] + max(-supply[node], 0)
    used = 0
    for node in order:
        here = line[node]
        if kind[node] == 1:
            for at in range(starts[node], starts[node + 1]):
                trip = by_departure[at]
                unit = first[here]
                first[here] = link[unit]
                link[unit] = -1
                if unit >= trips:
                    before[trip] = -1
                    used += 1
                else:
                    before[trip] = unit
                    after[unit] = trip
            continue
        for at in range(ends[node], ends[node + 1]):
            trip = by_arrival[at]
            if first[here] < 0:
                first[here] = trip
            else:
                link[last[here]] = trip
            last[here] = trip
        for arc in range(arc_from[node], arc_from[node + 1]):
            there = line[arc_head[arc]]
            for _ in range(arc_flow[arc]):
                unit = first[here]
                first[here] = link[unit]
                link[unit] = -1
                if first[there] < 0:
                    first[there] = unit
                else:
                    link[last[there]] = unit
                last[there] = unit
    return used


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
                start_kwh, max_kwh, before):  # fmt: skip
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
    """Call every kernel that Python calls, with every dtype it is used with: a day of two trips."""
    starts, table = np.zeros(1, np.int32), np.zeros((1, 2, 2), np.int32)
    one32, one64, one = np.zeros(1, np.int32), np.zeros(1, np.int64), np.zeros(1)
    no, yes = np.zeros(1, np.bool_), np.ones(1, np.bool_)
    depot_runs(starts, table, table, one32, one32, one32, True)
    count_connections(
        starts, table, table, np.int32(0), np.int32(0), 1.0, 1.0, one32, one32, yes, one32, one32,
        np.zeros(3, np.int32), one32, one32, one32, np.zeros(0, np.int32), np.zeros(0, np.int32),
        np.zeros(0, np.int64),
    )  # fmt: skip
    # One unit: arrival 0, departure 1, depot 2 and 3.
    follow_flow(
        np.array([2, 1, 0, 3], np.int32), np.array([0, 1, 2, 2], np.int8),
        np.array([0, 1, 2, 2], np.int32), np.array([1, -1, 0, 0], np.int64),
        np.array([0, 1, 1, 2, 2], np.int64), np.array([3, 1], np.int32), np.ones(2, np.int64),
        one32, one32, np.int64(1), np.int64(2), np.full(1, -1, np.int32), np.full(1, -1, np.int32),
    )  # fmt: skip
    day = np.array([0, 1], np.int64)
    cut_blocks(
        day, no.copy(), no, one, one, one, one, one, one, one, one, one64, one64, 9.0, 1.0, 9.0, one,
        no.copy(), one.copy(), one.copy(),
    )  # fmt: skip
    join_pieces(
        one32, one64, one64, one, one, one, one, np.int64(300), 9.0, 9.0, np.full(1, -1, np.int32)
    )
    charge_all(
        one32, day, one32, one64, np.ones(1, np.int64), one, 9.0, 1.0, 9.0, 1.0, yes, one64,
        np.ones(1, np.int64), np.ones(1), 1.0, np.ones((1, 1)), np.ones((1, 1)), np.zeros((1, 1)),
        np.zeros((1, 1, 1), np.bool_), np.full(1, -1, np.int32), one64.copy(), one64.copy(),
        np.zeros((1, 1)), one.copy(),
    )  # fmt: skip
