"""Kernels of the flow with a line for every depot. Times: int32 seconds. Ids: int32 rows."""

import numpy as np

from mobility._jit import kernel

NEVER = -1_000_000_000
UNREACHABLE = 100_000_000


@kernel
def connections(times, metres, band, layover, minor_m, minor_s, in_place, in_s, in_last, home_s, home_m,
                depart_from, depart_s, out_s, out_m, prune, tails, heads, costs):  # fmt: skip
    """First-arrival arcs from arrival events to departure events; fills the arrays if not empty.

    ``home_*`` (arrivals, depots) and ``out_*`` (departures, depots) are pull-ins and pull-outs. With
    ``prune`` an arc is left out where going via some depot is possible and no dearer. An arc is
    always left out where the next arrival at its place reaches the same departure.
    """
    places = depart_from.size - 1
    filled = tails.size > 0
    count = 0
    for event in range(in_s.size):
        here, at = in_place[event], in_s[event]
        table = min(band[event], metres.shape[0] - 1)
        for target in range(places):
            first, end = depart_from[target], depart_from[target + 1]
            if first == end:
                continue
            needed = times[band[event], here, target]
            if needed >= UNREACHABLE:
                continue
            ready = at + needed + layover
            if depart_s[end - 1] < ready:
                continue
            low, high = first, end
            while low < high:
                middle = (low + high) // 2
                if depart_s[middle] < ready:
                    low = middle + 1
                else:
                    high = middle
            # The next arrival here, if in the same band, reaches the same departure: that arc is both.
            next_s = UNREACHABLE
            if not in_last[event] and band[event + 1] == band[event]:
                next_s = in_s[event + 1]
            if depart_s[low] >= next_s + needed + layover:
                continue
            run = metres[table, here, target] * minor_m + (depart_s[low] - at - needed) * minor_s
            if prune:
                around = False
                for depot in range(home_s.shape[1]):
                    if (
                        home_s[event, depot] + layover <= out_s[low, depot]
                        and (home_m[event, depot] + out_m[low, depot]) * minor_m <= run
                    ):
                        around = True
                        break
                if around:
                    continue
            if filled:
                tails[count] = event
                heads[count] = low
                costs[count] = np.int64(np.floor(run * 1000.0))
            count += 1
    return count


@kernel
def follow_homes(order, kind, line, lines, arc_from, arc_head, arc_flow, arc_depot, by_arrival,
                 arrival_from, by_departure, departure_from, line_depot, fresh, after):  # fmt: skip
    """Split a flow into who follows whom; a bus goes to its own depot where it can.

    Nodes are visited in ``order``; ``kind`` is 0 arrival, 1 departure, 2 depot. ``fresh`` buses start
    on each line of a depot (``line_depot``, else -1). ``arc_depot`` is the depot of a pull-in, minus 2
    minus the depot of a pull-out, else -1. Fills ``after``; returns how many pull-ins lead elsewhere.
    """
    buses = fresh.sum()
    first = np.full(lines, -1, np.int32)
    last = np.full(lines, -1, np.int32)
    link = np.full(buses, -1, np.int32)
    latest = np.full(buses, -1, np.int32)
    home = np.empty(buses, np.int32)
    due_first = np.full(kind.size, -1, np.int32)
    due_last = np.full(kind.size, -1, np.int32)
    bus_of = np.full(after.size, -1, np.int32)
    bus = 0
    for here in range(lines):
        for _ in range(fresh[here]):
            home[bus] = line_depot[here]
            if first[here] < 0:
                first[here] = bus
            else:
                link[last[here]] = bus
            last[here] = bus
            bus += 1
    elsewhere = 0
    for node in order:
        here = line[node]
        if due_first[node] >= 0:
            if first[here] < 0:
                first[here] = due_first[node]
            else:
                link[last[here]] = due_first[node]
            last[here] = due_last[node]
        if kind[node] == 1:
            for at in range(departure_from[node], departure_from[node + 1]):
                trip = by_departure[at]
                bus = first[here]
                first[here] = link[bus]
                link[bus] = -1
                if latest[bus] >= 0:
                    after[latest[bus]] = trip
                latest[bus] = trip
                bus_of[trip] = bus
            continue
        if kind[node] == 0:
            for at in range(arrival_from[node], arrival_from[node + 1]):
                bus = bus_of[by_arrival[at]]
                if first[here] < 0:
                    first[here] = bus
                else:
                    link[last[here]] = bus
                last[here] = bus
        for arc in range(arc_from[node], arc_from[node + 1]):
            there, wanted = arc_head[arc], arc_depot[arc]
            own = wanted if wanted >= 0 else -2 - wanted
            for _ in range(arc_flow[arc]):
                chosen, ahead = first[here], -1
                if wanted != -1:
                    before, bus = -1, first[here]
                    while bus >= 0 and home[bus] != own:
                        before, bus = bus, link[bus]
                    if bus >= 0:
                        chosen, ahead = bus, before
                    elif wanted >= 0:
                        elsewhere += 1
                if ahead < 0:
                    first[here] = link[chosen]
                else:
                    link[ahead] = link[chosen]
                if last[here] == chosen:
                    last[here] = ahead
                link[chosen] = -1
                if due_first[there] < 0:
                    due_first[there] = chosen
                else:
                    link[due_last[there]] = chosen
                due_last[there] = chosen
    return elsewhere


def warm():
    """Call every kernel that Python calls, with every dtype it is used with: a day of one trip."""
    table, one32, many = (
        np.zeros((1, 2, 2), np.int32),
        np.zeros(1, np.int32),
        np.zeros((1, 1), np.int32),
    )
    connections(
        table, table, one32, 0, 1.0, 1.0, one32, one32, np.ones(1, np.bool_), many, many,
        np.zeros(3, np.int32), one32, many, many, True, np.zeros(0, np.int32), np.zeros(0, np.int32),
        np.zeros(0, np.int64),
    )  # fmt: skip
    # Arrival 0, departure 1, depot 2 and its end 3; one bus.
    follow_homes(
        np.array([2, 1, 0, 3], np.int32), np.array([0, 1, 2, 2], np.int8), np.array([0, 1, 2, 2], np.int32),
        3, np.array([0, 1, 1, 2, 2], np.int64), np.array([3, 1], np.int32), np.ones(2, np.int64),
        np.array([0, -2], np.int32), one32, np.array([0, 1, 1, 1, 1], np.int64), one32,
        np.array([0, 0, 1, 1, 1], np.int64), np.array([-1, -1, 0], np.int32), np.array([0, 0, 1], np.int64),
        np.full(1, -1, np.int32),
    )  # fmt: skip
