"""Slow, obvious twins of the kernels: what each computes, said plainly. Tests compare them."""

import functools
import itertools
import math
import re

# --- feed ---------------------------------------------------------------------------------------


def parse_time(text):
    """Clock time to seconds; -1 blank, -2 bad."""
    if not text:
        return -1
    match = re.fullmatch(r"([0-9]{1,3}):([0-5][0-9]):([0-5][0-9])", text)
    if match is None:
        return -2
    hours, minutes, seconds = map(int, match.groups())
    return hours * 3600 + minutes * 60 + seconds


def order_events(trip, sequence):
    """Rows by trip, sequence and input order; rows of trip -1 are left out."""
    rows = [row for row, one in enumerate(trip) if one >= 0]
    return sorted(rows, key=lambda row: (trip[row], sequence[row], row))


def great_circle_m(one, two):
    """Metres between two (lat, lon) in degrees, by haversine; radius 6 371 008.8 m."""
    (lat1, lon1), (lat2, lon2) = (map(math.radians, place) for place in (one, two))
    part = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * 6_371_008.8 * math.asin(min(1.0, math.sqrt(part)))


def path_metres(places):
    """Metres along (lat, lon) places; None stands where the last known place was."""
    along, total, last = [], 0.0, None
    for place in places:
        if place is not None:
            if last is not None:
                total += great_circle_m(last, place)
            last = place
        along.append(total)
    return along


def fill_times(arrive, depart, along):
    """Times of one trip without gaps: (arrive, depart) of each stop. Below 0 is blank."""
    n = len(arrive)
    either = [a if a >= 0 else d for a, d in zip(arrive, depart, strict=True)]
    begin = depart[0] if depart[0] >= 0 else arrive[0]
    end = either[-1]
    known = {0: (begin, begin)}
    for k in range(1, n - 1):
        times = (either[k], max(depart[k], either[k]))
        if times[0] >= known[max(known)][1] and times[1] <= end:
            known[k] = times
    known[n - 1] = (end, end)
    out = []
    for k in range(n):
        if k in known:
            out.append(known[k])
            continue
        a = max(one for one in known if one < k)
        b = min(one for one in known if one > k)
        span = along[b] - along[a]
        part = (along[k] - along[a]) / span if span > 0 else (k - a) / (b - a)
        time = known[a][1] + math.floor(part * (known[b][0] - known[a][1]) + 0.5)
        out.append((time, time))
    return out


def project(stop, line):
    """Every (metres off, metres along) of a flat point to the pieces of a flat line, in order."""
    found, along = [], 0.0
    for (x1, y1), (x2, y2) in itertools.pairwise(line):
        length = math.hypot(x2 - x1, y2 - y1)
        part = 0.0
        if length:
            part = ((x2 - x1) * (stop[0] - x1) + (y2 - y1) * (stop[1] - y1)) / length**2
            part = min(max(part, 0.0), 1.0)
        off = math.hypot(stop[0] - x1 - part * (x2 - x1), stop[1] - y1 - part * (y2 - y1))
        found.append((off, along + part * length))
        along += length
    return found


def first_dip(places, near):
    """Where a line first comes near: the bottom of the first dip within ``near`` of the nearest."""
    nearest = min(off for off, _ in places)
    best = None
    for off, along in places:
        if best is None and off > nearest + near:
            continue
        if best is not None and off >= best[0]:
            break
        best = (off, along)
    return nearest, best[1]


def headways(departures):
    """Departures and gaps of each hour of one line: {hour: (count, [gaps])}."""
    cells, before = {}, None
    for time in sorted(departures):
        count, gaps = cells.get(time // 3600, (0, []))
        cells[time // 3600] = (count + 1, gaps if before is None else [*gaps, time - before])
        before = time
    return cells


def active_services(weekly, exceptions, day):
    """Services of a date, row by row, as the GTFS reference reads.

    ``weekly``: (service, seven flags, start, end); ``exceptions``: (service, date, 1 or 2).
    """
    active = {
        service
        for service, flags, start, end in weekly
        if start <= day <= end and flags[day.weekday()]
    }
    for service, when, kind in exceptions:
        if when == day:
            active = active | {service} if kind == 1 else active - {service}
    return active


# --- fleet ---------------------------------------------------------------------------------------


def cheapest_blocks(problem):
    """Least cost (minor units) and least vehicles of any blocks, batteries aside: every chaining tried.

    One band of deadhead times. A bus goes straight on, waiting, or via its depot, where it waits for
    nothing; between two trips lies the layover.
    """
    trips, table, costs = problem.trips, problem.deadheads, problem.costs
    row = {place: at for at, place in enumerate(table.places)}
    time_s, metres = table.time_s[0], table.distance_m[0]
    depot = row[problem.depots[0].stop_id]
    legs = [
        (int(t.depart_s), int(t.arrive_s), row[t.from_stop], row[t.to_stop])
        for t in trips.itertuples()
    ]
    km, hour = costs.deadhead_km_minor / 1000.0, costs.waiting_h_minor / 3600.0

    def between(one, other):
        _, end, _, here = legs[one]
        start, _, there, _ = legs[other]
        ways = []
        gap = start - end - int(time_s[here, there])
        if gap >= problem.rules.min_layover_s:
            ways.append(metres[here, there] * km + gap * hour)
        home = start - end - int(time_s[here, depot]) - int(time_s[depot, there])
        if home >= problem.rules.min_layover_s:
            ways.append((metres[here, depot] + metres[depot, there]) * km)
        return min(ways, default=float("inf"))

    def solve(at, tails):
        if at == len(legs):
            return [(sum(metres[legs[t][3], depot] * km for t in tails), len(tails))]
        out = metres[depot, legs[at][2]] * km + costs.vehicle_day_minor
        found = [(cost + out, count) for cost, count in solve(at + 1, (*tails, at))]
        for slot, tail in enumerate(tails):
            step = between(tail, at)
            if step < float("inf"):
                rest = (*tails[:slot], at, *tails[slot + 1 :])
                found += [(cost + step, count) for cost, count in solve(at + 1, rest)]
        return [
            (min(cost for cost, many in found if many == count), count)
            for count in {many for _, many in found}
        ]

    answers = solve(0, ())
    return min(cost for cost, _ in answers), min(count for _, count in answers)


def latest_leave(starts, time_s, by_s, horizon):
    """The latest second from which a run arrives by ``by_s``, every second tried; None if none."""
    for leave in range(horizon, -horizon, -1):
        band = max(sum(start <= leave for start in starts) - 1, 0)
        if leave + time_s[band] <= by_s:
            return leave
    return None


# --- fleet: twins of the planner's rules ---------------------------------------------------------


def band_at(problem, at_s):
    """The band of empty running in which ``at_s`` lies; the first reaches back."""
    return max(sum(int(start) <= at_s for start in problem.deadheads.from_s) - 1, 0)


def empty_run(problem, origin, target, at_s):
    """(seconds, metres) of an empty run that leaves at ``at_s``; None where there is no way."""
    table, band = problem.deadheads, band_at(problem, at_s)
    seconds = int(table.time_s[band, table.row[origin], table.row[target]])
    metres = table.distance_m[min(band, len(table.distance_m) - 1)]
    if seconds >= 50_000_000:
        return None
    return seconds, int(metres[table.row[origin], table.row[target]])


def leave_depot(problem, depot, target, by_s):
    """(leave, arrive, metres) of the latest pull-out that is there by ``by_s``; None if none.

    Every second before a change of band and before ``by_s`` less a band's time could be the latest.
    """
    table = problem.deadheads
    times = table.time_s[:, table.row[depot], table.row[target]].tolist()
    tried = {by_s - int(seconds) for seconds in times if seconds < 50_000_000}
    tried |= {int(start) - 1 for start in table.from_s}
    for leave in sorted(tried, reverse=True):
        run = empty_run(problem, depot, target, leave)
        if run is not None and leave + run[0] <= by_s:
            return leave, leave + run[0], run[1]
    return None


def any_blocks(problem):
    """{vehicles: least minor units} of all blocks there are, batteries aside; {} where none.

    Every way to share the trips out among chains and depots. Empty runs leave when a trip ends,
    pull-outs as late as they can; a bus on its way to the next trip stands for the layover, no
    longer than ``max_wait_s``, or goes home and stands there for the layover; depots hold their
    capacity; from pull-out to pull-in are at most 24 hours.
    """
    trips = list(problem.trips.itertuples())
    rules, costs = problem.rules, problem.costs
    metre, second = costs.deadhead_km_minor / 1000.0, costs.waiting_h_minor / 3600.0
    most_wait = math.inf if rules.max_wait_s is None else rules.max_wait_s

    @functools.cache
    def out(depot, at):
        run = leave_depot(
            problem, problem.depots[depot].stop_id, trips[at].from_stop, trips[at].depart_s
        )
        if run is None:
            return None
        return run[0], run[2] * metre + (trips[at].depart_s - run[1]) * second

    @functools.cache
    def home(depot, at):
        run = empty_run(
            problem, trips[at].to_stop, problem.depots[depot].stop_id, trips[at].arrive_s
        )
        return None if run is None else (trips[at].arrive_s + run[0], run[1] * metre)

    @functools.cache
    def between(depot, one, other):
        ways = []
        run = empty_run(problem, trips[one].to_stop, trips[other].from_stop, trips[one].arrive_s)
        if run is not None:
            stands = trips[other].depart_s - trips[one].arrive_s - run[0]
            if rules.min_layover_s <= stands <= most_wait:
                ways.append(run[1] * metre + stands * second)
        back, leave = home(depot, one), out(depot, other)
        if back and leave and back[0] + rules.min_layover_s <= leave[0]:
            ways.append(back[1] + leave[1])
        return min(ways, default=math.inf)

    found = {}

    def share_out(at, chains, cost):
        if at == len(trips):
            for depot, first, last in chains:
                back = home(depot, last)
                if back is None or back[0] - out(depot, first)[0] > 86_400:
                    return
                cost += back[1]
            found[len(chains)] = min(cost, found.get(len(chains), math.inf))
            return
        for slot, (depot, first, last) in enumerate(chains):
            step = between(depot, last, at)
            if step < math.inf:
                longer = (*chains[:slot], (depot, first, at), *chains[slot + 1 :])
                share_out(at + 1, longer, cost + step)
        for depot, one in enumerate(problem.depots):
            held = sum(other == depot for other, _, _ in chains)
            if out(depot, at) is not None and (one.capacity is None or held < one.capacity):
                new = (*chains, (depot, at, at))
                share_out(at + 1, new, cost + out(depot, at)[1] + costs.vehicle_day_minor)

    share_out(0, (), 0.0)
    return found


def any_chaining(problem, units, most_wait):
    """{vehicles: least minor units} of all chainings of ``network.Units``; {} where none.

    Each unit has its own layover after it, each place its longest wait; one depot, no capacity, no
    end of a bus's day. Empty runs leave at once, pull-outs as late as they can; a stand at a place
    is paid, layover included, at the depot it is not.
    """
    costs, places = problem.costs, problem.deadheads.places
    metre, second = costs.deadhead_km_minor / 1000.0, costs.waiting_h_minor / 3600.0
    depot = problem.depots[0].stop_id
    ends = [
        (int(depart), int(arrive), places[one], places[other], int(layover))
        for depart, arrive, one, other, layover in zip(
            units.depart_s,
            units.arrive_s,
            units.from_place,
            units.to_place,
            units.layover_s,
            strict=True,
        )
    ]

    def out(at):
        run = leave_depot(problem, depot, ends[at][2], ends[at][0])
        return None if run is None else (run[0], run[2] * metre)

    def home(at):
        run = empty_run(problem, ends[at][3], depot, ends[at][1])
        return None if run is None else (ends[at][1] + run[0], run[1] * metre)

    def between(one, other):
        _, arrive, _, here, layover = ends[one]
        depart, _, there, _, _ = ends[other]
        ways, run = [], empty_run(problem, here, there, arrive)
        if (
            run is not None
            and layover <= depart - arrive - run[0] <= most_wait[places.index(there)]
        ):
            ways.append(run[1] * metre + (depart - arrive - run[0]) * second)
        if home(one) and out(other) and home(one)[0] + layover <= out(other)[0]:
            ways.append(home(one)[1] + out(other)[1])
        return min(ways, default=math.inf)

    found = {}

    def share_out(at, lasts, cost):
        if at == len(ends):
            if all(home(last) for last in lasts):
                total = cost + sum(home(last)[1] for last in lasts)
                found[len(lasts)] = min(total, found.get(len(lasts), math.inf))
            return
        for slot, last in enumerate(lasts):
            if between(last, at) < math.inf:
                longer = (*lasts[:slot], at, *lasts[slot + 1 :])
                share_out(at + 1, longer, cost + between(last, at))
        if out(at):
            share_out(at + 1, (*lasts, at), cost + out(at)[1] + costs.vehicle_day_minor)

    share_out(0, (), 0.0)
    return found


def cost_of_chains(problem, units, chains, most_wait):
    """What given chains cost; inf where one cannot be driven. Each chain alone, in its own order."""
    total = 0.0
    for chain in chains:
        own = type(units)(*(getattr(units, name)[chain] for name in units.__dataclass_fields__))
        total += any_chaining(problem, own, most_wait).get(1, math.inf)
    return total


def driven_on_one_battery(legs, stays, start, least, most, night_kw):
    """How many trips one bus drives so that it gets home and is full again within 24 hours.

    ``legs``: (out, trip, home kWh, leaves, is back) of each trip; ``stays``: between trips, (kWh
    before the charge, most it gains, kWh after). Every number of trips is replayed from the start.
    """
    answer = 0
    for count in range(1, len(legs) + 1):
        charge = start - legs[0][0]
        lowest = charge
        for at in range(count):
            charge -= legs[at][1]
            lowest = min(lowest, charge)
            if at + 1 < count:
                before, gain, after = stays[at]
                charge -= before
                lowest = min(lowest, charge)
                charge = min(most, charge + gain) - after
                lowest = min(lowest, charge)
        charge -= legs[count - 1][2]
        night_h = (legs[0][3] + 86_400 - legs[count - 1][4]) / 3_600
        if min(lowest, charge) >= least and night_h >= 0 and start - charge <= night_h * night_kw:
            answer = count
    return answer


# --- fleet: twins of the multi-depot kernels -----------------------------------------------------


def ways_of(start, end, to, cost, leave, enter, far):
    """Every block of every depot: (depot, trips, cost), rent included where ``leave`` has it."""
    found = []

    def go(k, trips, spent):
        i = trips[-1]
        if enter[i][k] < far:
            found.append((k, tuple(trips), spent + enter[i][k]))
        for link in range(start[i][k], end[i][k]):
            go(k, [*trips, int(to[link])], spent + cost[link])

    for i in range(len(leave)):
        for k in range(len(leave[0])):
            if leave[i][k] < far:
                go(k, [i], leave[i][k])
    return found


def slack_of(way, price):
    """A way's cost less the prices of its trips."""
    return way[2] - sum(price[i] for i in way[1])


def tightened(ways, price):
    """Each price set in turn so that the best way through its trip has no slack; forth, then back."""
    price = list(price)
    trips = range(len(price))
    for i in [*trips, *reversed(trips)]:
        through = [slack_of(way, price) for way in ways if i in way[1]]
        if through:
            price[i] += min(through)
    return price


def cooled(ways, price, rent, room, heat, rounds):
    """Prices and rents after exact coordinate ascent on the dual smoothed at ``heat``; ways without rent."""
    price, rent = (
        tightened([(k, trips, paid + rent[k]) for k, trips, paid in ways], price),
        list(rent),
    )

    def weight(way):
        return math.exp(-(slack_of(way, price) + rent[way[0]]) / heat)

    def settle(i):
        price[i] -= heat * math.log(sum(weight(way) for way in ways if i in way[1]))

    for turn in range(rounds):
        if turn:
            for i in reversed(range(len(price))):
                settle(i)
        for i in range(len(price)):
            settle(i)
        for k in range(len(rent)):
            total = sum(weight(way) for way in ways if way[0] == k)
            rent[k] = max(0.0, rent[k] + heat * math.log(total / room[k])) if total else 0.0
    return price, rent


def cheapest_matrix_plan(capacity, cost):
    """The least cost of covering every trip once within the capacities, None where one cannot."""
    m, n = len(capacity), len(cost) - len(capacity)
    best = {}

    def grow(k, mask, last, spent):
        home = cost[m + last][k]
        if home >= 0 and spent + home < best.get((k, mask), math.inf):
            best[k, mask] = spent + home
        for j in range(n):
            step = cost[m + last][m + j]
            if not mask >> j & 1 and step >= 0:
                grow(k, mask | 1 << j, j, spent + step)

    for k in range(m):
        for i in range(n):
            if cost[k][m + i] >= 0:
                grow(k, 1 << i, i, cost[k][m + i])

    @functools.cache
    def cover(left, places):
        if not left:
            return 0
        lowest = left & -left
        found = math.inf
        for (k, mask), paid in best.items():
            if mask & lowest and mask | left == left and places[k]:
                fewer = tuple(one - (at == k) for at, one in enumerate(places))
                found = min(found, paid + cover(left ^ mask, fewer))
        return found

    least = cover((1 << n) - 1, tuple(int(one) for one in capacity))
    return None if least == math.inf else int(least)


# --- electric vehicle scheduling ---


def labels(start, node, out, home, arcs, sites, stand, most, dear, plug, full, top):
    """Least reduced cost of any day through each trip, by trying every day there is.

    ``out``, ``home``: (level, cost) of each trip; ``arcs``: {(one, other): (level, cost)}; ``sites``:
    per site (arrive, leave), each {trip: (slot, level, cost)}; a stay lasts a slot or more, and each of
    its slots charges 0 to ``most[site][level]`` levels.
    """
    trips = len(node)
    best = [math.inf] * trips

    def ends(trip, level, cost, path):
        used, price = home[trip]
        if level >= used and cost + price < math.inf:
            for one in path:
                best[one] = min(best[one], cost + price)
        for other in range(trip + 1, trips):
            if (trip, other) in arcs:
                used, price = arcs[trip, other]
                if level >= used:
                    go(other, level - used, cost + price, path)
            for site, (arrive, leave) in enumerate(sites):
                if trip in arrive and other in leave:
                    slot, used, price = arrive[trip]
                    until, after, onward = leave[other]
                    if level >= used and until > slot:
                        for charge, paid in stays(site, slot, until, level - used).items():
                            if charge >= after:
                                go(other, charge - after, cost + price + paid + onward, path)

    def stays(site, slot, until, level):
        held = {level: 0.0}
        for now in range(slot, until):
            after = {}
            for charge, paid in held.items():
                for more in range(min(most[site][charge], top - charge) + 1):
                    price = (
                        paid + stand[site] + more * dear[now] + (plug[site][now] if more else 0.0)
                    )
                    after[charge + more] = min(price, after.get(charge + more, math.inf))
            held = after
        return held

    def go(trip, level, cost, path):
        ends(trip, level, cost + node[trip], (*path, trip))

    for trip in range(trips):
        used, price = out[trip]
        if full >= used:
            go(trip, full - used, price, ())
    return best


def electric_optimum(problem):
    """Least minor units of a fleet, chargers aplenty and without queues; inf where none drive it.

    Every set of trips as a day of every type, every way between them (straight on, home, any charger);
    the energy of a day is a linear program over the slots of its stays, a tank is full after every
    stay at home that is long enough. Demand charges are not known here, and no rules but layovers and
    the types and depots of routes.
    """
    import numpy as np

    trips = list(problem.trips.itertuples())
    costs, layovers = problem.costs, problem.allowed.layover_s.tolist()
    metre, second = costs.deadhead_km_minor / 1000.0, costs.waiting_h_minor / 3600.0
    slot = problem.tariff.slot_s
    sites = [(one.stop_id, one.kw, 0.0) for one in problem.chargers if one.count]

    def day(bus, depot, chain, ways):
        home = problem.depots[depot]
        for rule in problem.rules.routes:
            if any(trips[trip].route_id in rule.routes for trip in chain):
                if rule.allowed_depots and home.id not in rule.allowed_depots:
                    return math.inf
                if rule.allowed_types and bus.id not in rule.allowed_types:
                    return math.inf
        pull = leave_depot(
            problem, home.stop_id, trips[chain[0]].from_stop, trips[chain[0]].depart_s
        )
        if pull is None:
            return math.inf
        legs, stays = [pull[2] / 1000.0], []  # km before each stay, then (begin, end, kW)
        own = costs.vehicle_day_minor if bus.vehicle_day_minor is None else bus.vehicle_day_minor
        cost = own + pull[2] * metre
        cost += (trips[chain[0]].depart_s - pull[1]) * second
        for at, trip in enumerate(chain):
            legs[-1] += trips[trip].distance_km
            if at + 1 == len(chain):
                break
            other, way = trips[chain[at + 1]], ways[at]
            end = trips[trip].arrive_s
            if way == "straight":
                run = empty_run(problem, trips[trip].to_stop, other.from_stop, end)
                if run is None or other.depart_s - end - run[0] < layovers[trip]:
                    return math.inf
                cost += run[1] * metre + (other.depart_s - end - run[0]) * second
                legs[-1] += run[1] / 1000.0
                continue
            stop, kw, rate = (
                (home.stop_id, home.charger_kw, 0.0) if way == "home" else (*sites[way][:2], second)
            )
            run = empty_run(problem, trips[trip].to_stop, stop, end)
            onward = leave_depot(problem, stop, other.from_stop, other.depart_s)
            if run is None or onward is None or onward[0] - end - run[0] < layovers[trip]:
                return math.inf
            cost += (run[1] + onward[2]) * metre + (onward[0] - end - run[0]) * rate
            cost += (other.depart_s - onward[1]) * second
            legs[-1] += run[1] / 1000.0
            if bus.electric:
                stays.append((end + run[0], onward[0], min(kw, bus.max_kw)))
            elif way != "home" or onward[0] - end - run[0] < bus.refuel_min * 60:
                return math.inf  # no dearer without: another way is tried that does not stop there
            legs.append(onward[2] / 1000.0)
        last = trips[chain[-1]]
        run = empty_run(problem, last.to_stop, home.stop_id, last.arrive_s)
        if run is None or last.arrive_s + run[0] - pull[0] > 86_400:
            return math.inf
        cost += run[1] * metre
        legs[-1] += run[1] / 1000.0
        stays.append((last.arrive_s + run[0], pull[0] + 86_400, min(home.charger_kw, bus.max_kw)))
        if not bus.electric:
            reach = math.inf if bus.range_km is None else bus.range_km
            price = {"diesel": problem.tariff.diesel_l_minor}.get(bus.energy, 0.0)
            return cost + sum(legs) * bus.fuel_km * price if max(legs) <= reach else math.inf
        return cost + energy(bus, [km * bus.kwh_km for km in legs], stays)

    def energy(bus, used, stays):
        from scipy.optimize import linprog

        price, owner, most = [], [], []
        for stay, (begin, end, kw) in enumerate(stays):
            for one in range(-(-begin // slot), end // slot):
                at = one * slot % 86_400
                price.append([minor for since, minor in problem.tariff.energy if since <= at][-1])
                owner.append(stay)
                most.append(kw * slot / 3600.0)
        full = bus.full_kwh * bus.start_soc
        low, high = bus.full_kwh * bus.min_soc, bus.full_kwh * bus.max_soc
        if not price:
            return math.inf
        rows, right = [], []
        for stay in range(len(stays)):
            spent = sum(used[: stay + 1])
            before = np.array([1.0 if one < stay else 0.0 for one in owner])
            after = np.array([1.0 if one <= stay else 0.0 for one in owner])
            rows += [-before, after]
            right += [full - spent - low, high - full + spent]
        done = linprog(
            price, A_ub=np.array(rows), b_ub=right, A_eq=np.ones((1, len(price))), b_eq=[sum(used)],
            bounds=[(0.0, one) for one in most],
        )  # fmt: skip
        return done.fun if done.status == 0 else math.inf

    @functools.cache
    def cheapest(kind, depot, chain):
        ways = ["straight", "home", *range(len(sites))]
        return min(
            day(problem.vehicles[kind], depot, chain, choice)
            for choice in itertools.product(ways, repeat=len(chain) - 1)
        )

    def taken(room, at):
        return (*room[:at], room[at] - 1, *room[at + 1 :])

    @functools.cache
    def rest(left, buses, places):
        if not left:
            return 0.0
        first, others = left[0], left[1:]
        return min(
            (
                cheapest(kind, depot, (first, *some))
                + rest(
                    tuple(one for one in others if one not in some),
                    taken(buses, kind),
                    taken(places, depot),
                )
                for kind in range(len(buses))
                for depot in range(len(places))
                if buses[kind] > 0 and places[depot] > 0
                for size in range(len(others) + 1)
                for some in itertools.combinations(others, size)
            ),
            default=math.inf,
        )

    count = len(trips)
    buses = tuple(count if one.count is None else one.count for one in problem.vehicles)
    places = tuple(count if one.capacity is None else one.capacity for one in problem.depots)
    return rest(tuple(range(count)), buses, places)


def sums_of_columns(columns, rows, weight):
    """Sum over columns of weight times the column by itself, a column being the rows with a one."""
    matrix = [[0.0] * rows for _ in range(rows)]
    for column, scale in zip(columns, weight, strict=True):
        for one in column:
            for other in column:
                matrix[one][other] += scale
    return matrix


# --- fleet: twins of dispatch and of the bound for many depots --------------------------------------


def pareto(labels):
    """(cost, level) that no other beats in both, by cost."""
    best = []
    for cost, level in sorted(labels, key=lambda one: (one[0], -one[1])):
        if not best or level > best[-1][1]:
            best.append((cost, level))
    return best


def duty_on_one_battery(problem, depot, trips, minor_km, share, day_minor):
    """Least minor units of a bus's day from a depot, vehicle included; inf where no battery carries it.

    Every choice of going home between trips is replayed; a stay charges as much as it can, by whole
    slots at ``share`` of the charger's power.
    """
    bus, site, rules = problem.vehicle, problem.depots[depot], problem.rules
    metre, second = minor_km / 1000, problem.costs.waiting_h_minor / 3600
    slot, kw = problem.tariff.slot_s, min(bus.max_kw, site.charger_kw) * share
    rows = [problem.trips.iloc[trip] for trip in trips]
    home = [empty_run(problem, row.to_stop, site.stop_id, row.arrive_s) for row in rows]
    out = [leave_depot(problem, site.stop_id, row.from_stop, row.depart_s) for row in rows]
    if out[0] is None or home[-1] is None:
        return math.inf
    if rows[-1].arrive_s + home[-1][0] - out[0][0] > 86_400:
        return math.inf
    best = math.inf
    for ways in itertools.product([False, True], repeat=len(rows) - 1):
        cost = problem.costs.vehicle_day_minor + out[0][2] * metre
        used = out[0][2] / 1000 * bus.kwh_km
        charge = bus.full_kwh * bus.start_soc - used
        legal, least = True, charge
        for at, row in enumerate(rows):
            charge -= row.distance_km * bus.kwh_km
            used += row.distance_km * bus.kwh_km
            least = min(least, charge)
            if at + 1 == len(rows):
                break
            following = rows[at + 1]
            if ways[at]:
                back = None if home[at] is None else row.arrive_s + home[at][0]
                if (
                    back is None
                    or out[at + 1] is None
                    or back + rules.min_layover_s > out[at + 1][0]
                ):
                    legal = False
                    break
                runs = (home[at][1], out[at + 1][2])
                charge -= runs[0] / 1000 * bus.kwh_km
                least = min(least, charge)
                slots = max(0, out[at + 1][0] // slot - -(-back // slot))
                charge = min(bus.full_kwh * bus.max_soc, charge + slots * slot / 3600 * kw)
                charge -= runs[1] / 1000 * bus.kwh_km
            else:
                run = empty_run(problem, row.to_stop, following.from_stop, row.arrive_s)
                stands = math.nan if run is None else following.depart_s - row.arrive_s - run[0]
                if not stands >= rules.min_layover_s:
                    legal = False
                    break
                runs = (run[1],)
                charge -= run[1] / 1000 * bus.kwh_km
                cost += stands * second
            cost += sum(runs) * metre
            used += sum(runs) / 1000 * bus.kwh_km
            least = min(least, charge)
        if not legal:
            continue
        charge -= home[-1][1] / 1000 * bus.kwh_km
        used += home[-1][1] / 1000 * bus.kwh_km
        cost += home[-1][1] * metre + day_minor * max(0.0, used - bus.usable_kwh)
        if min(least, charge) >= bus.full_kwh * bus.min_soc - 1e-9:
            best = min(best, cost)
    return best


def cheapest_assignment(cost):
    """Least sum of one entry a row and column, every permutation tried."""
    rows = range(len(cost))
    return min(
        sum(cost[row][column] for row, column in zip(rows, columns, strict=True))
        for columns in itertools.permutations(rows)
    )


def soft_least(values, heat):
    """``-heat log sum exp(-value / heat)``; the least where there is no heat."""
    if heat == 0:
        return min(values)
    low = min(values)
    return low - heat * math.log(sum(math.exp((low - one) / heat) for one in values))
