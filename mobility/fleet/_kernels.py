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
def pull_outs(starts, time_s, metres, depots, place, by_s):
    """Best pull-out of each departure event over the depots, as a relaxation.

    Returns the latest leaving time (NEVER: none) and the least metres; both over all depots, each
    at its own best, so that no depot can beat them.
    """
    when = np.full(place.size, NEVER, np.int32)
    least = np.full(place.size, UNREACHABLE, np.int32)
    for event in range(place.size):
        for depot in depots:
            leave = latest_leave(starts, time_s, depot, place[event], by_s[event])
            if leave > NEVER:
                run = metres_at(starts, metres, depot, place[event], leave)
                when[event] = max(when[event], leave)
                least[event] = min(least[event], run)
    return when, least


@kernel
def pull_ins(time_s, metres, depots, place, band):
    """Best pull-in of each event, which leaves in ``band``, over the depots, as a relaxation.

    Returns the least seconds (UNREACHABLE: none) and the least metres, each over all depots.
    """
    seconds = np.full(place.size, UNREACHABLE, np.int32)
    least = np.full(place.size, UNREACHABLE, np.int32)
    for event in range(place.size):
        table = 0 if metres.shape[0] == 1 else band[event]
        for depot in depots:
            needed = time_s[band[event], place[event], depot]
            if needed < UNREACHABLE:
                seconds[event] = min(seconds[event], needed)
                least[event] = min(least[event], metres[table, place[event], depot])
    return seconds, least


@kernel
def count_connections(time_s, metres, max_wait_s, minor_km, minor_s,
                      place, band, ready_s, paid_s, last, home_s, home_m,
                      depart_from, depart_s, out_s, out_m, tails, heads, costs):  # fmt: skip
    """First-arrival arcs from arrival events to departure events; fills the arrays if not empty.

    Arrival events are sorted by (place, band, ready_s); ``last`` marks the last of its line, which
    is a place and a band. A bus may leave a departure once ``ready_s`` plus its run is over; its
    standing is paid from ``paid_s``, the arrival, on. ``home_s``: when it would be ready at the
    depot. Departure events of place p are rows ``depart_from[p]:depart_from[p + 1]``, sorted by
    time; nobody waits there for more than ``max_wait_s[p]``. An arc is left out where the next
    event of the line has the same arc (waiting there costs the same), or where going via the depot
    is possible and no dearer. Returns how many arcs there are, or would be.
    """
    places = depart_from.size - 1
    filled = tails.size > 0
    count = 0
    for event in range(place.size):
        origin = place[event]
        table = 0 if metres.shape[0] == 1 else band[event]
        for target in range(places):
            first, end = depart_from[target], depart_from[target + 1]
            if first == end:
                continue
            needed = time_s[band[event], origin, target]
            if needed >= UNREACHABLE:
                continue
            by = ready_s[event] + needed
            if depart_s[end - 1] < by:
                continue
            low, high = first, end
            while low < high:
                middle = (low + high) // 2
                if depart_s[middle] < by:
                    low = middle + 1
                else:
                    high = middle
            wait = depart_s[low] - paid_s[event] - needed
            if wait > max_wait_s[target]:
                continue
            # Same first departure from the next event on: that arc carries both.
            if not last[event] and depart_s[low] >= ready_s[event + 1] + needed:
                continue
            run = metres[table, origin, target] * minor_km / 1000.0 + wait * minor_s
            if home_s[event] <= out_s[low]:
                around = (home_m[event] + out_m[low]) * minor_km / 1000.0
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

    Nodes are visited in ``order``. ``kind``: 1 departure, else an arrival or the depot. ``line``
    is the queue in which the node's buses stand; waiting moves nobody between queues, so it needs no arc here.
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
    # A bus that moves between queues is on its way until the node it moves to is visited.
    due_first = np.full(line.size, -1, np.int32)
    due_last = np.full(line.size, -1, np.int32)
    used = 0
    for node in order:
        here = line[node]
        if due_first[node] >= 0:
            if first[here] < 0:
                first[here] = due_first[node]
            else:
                link[last[here]] = due_first[node]
            last[here] = due_last[node]
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
            there = arc_head[arc]
            for _ in range(arc_flow[arc]):
                unit = first[here]
                first[here] = link[unit]
                link[unit] = -1
                if due_first[there] < 0:
                    due_first[there] = unit
                else:
                    link[due_last[there]] = unit
                due_last[there] = unit
    return used


def warm():
    """Call every kernel that Python calls, with every dtype it is used with: a day of two trips."""
    starts, table = np.zeros(1, np.int32), np.zeros((1, 2, 2), np.int32)
    one32, yes = np.zeros(1, np.int32), np.ones(1, np.bool_)
    pull_outs(starts, table, table, one32, one32, one32)
    pull_ins(table, table, one32, one32, one32)
    count_connections(
        table, table, np.zeros(2, np.int32), 1.0, 1.0, one32, one32, one32, one32, yes, one32, one32,
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
