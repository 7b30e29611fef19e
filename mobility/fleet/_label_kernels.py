"""Labels (cost by state of charge) of an electric bus's day over trips and charging sites.

Charge is an integer level 0..top on a grid; ``value[.., level]`` is the least reduced cost. Times of
sites: slots counted from the first one of the day. Costs: float64 minor units. Ids: int32 rows.
"""

import numpy as np

from mobility._jit import kernel

FAR = 1e18


@kernel
def _step(here, arrived, after, most, per_level, plug, stand):
    """One slot at a site: stand, or charge 1..most[level] levels; ``after`` is lowered in place."""
    top = here.size - 1
    for level in range(top + 1):
        base = min(here[level], arrived[level])
        if base >= FAR:
            continue
        base += stand
        if base < after[level]:
            after[level] = base
        base += plug
        for more in range(1, min(most[level], top - level) + 1):
            cost = base + more * per_level
            if cost < after[level + more]:
                after[level + more] = cost


@kernel
def forward(start_slot, node, out_level, out_cost, head_from, tail, arc_level, arc_cost,
            in_slot, site_in_level, site_in_cost, out_slot, site_out_level, site_out_cost,
            most, per_level, plug, stand, start_level, reach, came, line):  # fmt: skip
    """Least reduced cost to start each trip with each level: fills ``reach`` (trips, levels).

    Trips are sorted by departure; ``start_slot`` is the last slot that begins by then.
    ``head_from[j]:head_from[j + 1]`` are the arcs into trip j. ``came`` and ``line`` (sites, slots,
    levels): just arrived at a site, and there for a slot or more. ``node`` is what driving a trip
    costs, its dual taken off.
    """
    trips, levels = reach.shape
    sites, slots = line.shape[0], line.shape[1]
    reach[:] = FAR
    came[:] = FAR
    line[:] = FAR
    now = 0
    for trip in range(trips):
        while now < start_slot[trip] and now + 1 < slots:
            for site in range(sites):
                _step(line[site, now], came[site, now], line[site, now + 1], most[site],
                      per_level[site, now], plug[site, now], stand[site])  # fmt: skip
            now += 1
        own = reach[trip]
        level = start_level - out_level[trip]
        if level >= 0:
            own[level] = out_cost[trip]
        for arc in range(head_from[trip], head_from[trip + 1]):
            used, before = arc_level[arc], reach[tail[arc]]
            cost = node[tail[arc]] + arc_cost[arc]
            for level in range(levels - used):
                own[level] = min(own[level], before[level + used] + cost)
        for site in range(sites):
            slot = out_slot[site, trip]
            if slot < 0:
                continue
            used, cost = site_out_level[site, trip], site_out_cost[site, trip]
            for level in range(levels - used):
                own[level] = min(own[level], line[site, slot, level + used] + cost)
        for level in range(levels - 2, -1, -1):
            own[level] = min(own[level], own[level + 1])
        for site in range(sites):
            slot = in_slot[site, trip]
            if slot < 0:
                continue
            used, cost = site_in_level[site, trip], node[trip] + site_in_cost[site, trip]
            for level in range(levels - used):
                came[site, slot, level] = min(came[site, slot, level], own[level + used] + cost)


@kernel
def backward(start_slot, node, in_level, in_cost, tail_from, head, arc_level, arc_cost,
             in_slot, site_in_level, site_in_cost, out_slot, site_out_level, site_out_cost,
             most, per_level, plug, stand, rest, came, line):  # fmt: skip
    """Least reduced cost of the rest of the day from the start of each trip: fills ``rest``."""
    trips, levels = rest.shape
    sites, slots = line.shape[0], line.shape[1]
    rest[:] = FAR
    came[:] = FAR
    line[:] = FAR
    top = levels - 1
    now = slots - 1
    for trip in range(trips - 1, -1, -1):
        while now > start_slot[trip]:
            # What leaves at ``now`` is known; what stands in the slot before it follows.
            now -= 1
            for site in range(sites):
                for level in range(levels):
                    best = line[site, now + 1, level]
                    for more in range(1, min(most[site, level], top - level) + 1):
                        cost = (
                            line[site, now + 1, level + more]
                            + more * per_level[site, now]
                            + plug[site, now]
                        )
                        best = min(best, cost)
                    best += stand[site]
                    came[site, now, level] = best
                    line[site, now, level] = min(line[site, now, level], best)
        own = rest[trip]
        for level in range(in_level[trip], levels):
            own[level] = in_cost[trip]
        for arc in range(tail_from[trip], tail_from[trip + 1]):
            used, after, cost = arc_level[arc], rest[head[arc]], arc_cost[arc]
            for level in range(used, levels):
                own[level] = min(own[level], after[level - used] + cost)
        for site in range(sites):
            slot = in_slot[site, trip]
            if slot < 0:
                continue
            used, cost = site_in_level[site, trip], site_in_cost[site, trip]
            for level in range(used, levels):
                own[level] = min(own[level], came[site, slot, level - used] + cost)
        for level in range(1, levels):
            own[level] = min(own[level], own[level - 1])
        for level in range(levels):
            if own[level] < FAR:
                own[level] += node[trip]
        for site in range(sites):
            slot = out_slot[site, trip]
            if slot < 0:
                continue
            used, cost = site_out_level[site, trip], site_out_cost[site, trip]
            for level in range(used, levels):
                line[site, slot, level] = min(line[site, slot, level], own[level - used] + cost)


@kernel
def _trace_line(site, slot, level, line, came, most, per_level, plug, stand, charged, count):
    """Walk back along a site to where the bus arrived; (slot, level) there, slots it charged in."""
    while True:
        value = line[site, slot, level]
        found = False
        for more in range(level + 1):
            low = level - more
            if more > most[site, low]:
                continue
            extra = stand[site]
            base = min(line[site, slot - 1, low], came[site, slot - 1, low]) + extra
            if more > 0:
                base = base + plug[site, slot - 1]
                base = base + more * per_level[site, slot - 1]
            if base <= value + 1e-6:
                found = True
                if more > 0:
                    charged[count, 0], charged[count, 1] = site, slot - 1
                    count += 1
                slot, level = slot - 1, low
                break
        if not found:
            return -1, level, count
        if came[site, slot, level] <= line[site, slot, level]:
            return slot, level, count


@kernel
def trace_back(trip, level, node, out_level, out_cost, head_from, tail, arc_level, arc_cost,
               in_slot, site_in_level, site_in_cost, out_slot, site_out_level, site_out_cost,
               most, per_level, plug, stand, start_level, reach, came, line, path, via, charged):  # fmt: skip
    """The day that reaches a trip with a level, backwards: ``path`` of trips, ``via`` between them.

    ``path[0]`` is ``trip``; ``via[t]`` is the site (-1: none) between ``path[t + 1]`` and ``path[t]``.
    Returns (trips, charged slots); 0 trips where rounding hides the way.
    """
    levels, sites = reach.shape[1], line.shape[0]
    count, plugs = 1, 0
    path[0] = trip
    while True:
        value = reach[trip, level]
        while level + 1 < levels and reach[trip, level + 1] <= value:
            level += 1
        if level == start_level - out_level[trip] and out_cost[trip] <= value + 1e-6:
            return count, plugs
        before, site_of, higher = -1, -1, level
        for arc in range(head_from[trip], head_from[trip + 1]):
            one = tail[arc]
            if level + arc_level[arc] >= levels:
                continue
            if reach[one, level + arc_level[arc]] + (node[one] + arc_cost[arc]) <= value + 1e-6:
                before, higher = one, level + arc_level[arc]
                break
        if before < 0:
            for site in range(sites):
                slot = out_slot[site, trip]
                if slot < 0 or level + site_out_level[site, trip] >= levels:
                    continue
                higher = level + site_out_level[site, trip]
                if line[site, slot, higher] + site_out_cost[site, trip] > value + 1e-6:
                    continue
                slot, higher, plugs = _trace_line(site, slot, higher, line, came, most, per_level, plug,
                                                  stand, charged, plugs)  # fmt: skip
                if slot < 0:
                    return 0, 0
                value = came[site, slot, higher]
                for one in range(trip):
                    used = higher + site_in_level[site, one]
                    if in_slot[site, one] != slot or used >= levels:
                        continue
                    if reach[one, used] + (node[one] + site_in_cost[site, one]) <= value + 1e-6:
                        before, higher = one, used
                        break
                site_of = site
                break
        if before < 0:
            return 0, 0
        via[count - 1] = site_of
        path[count] = before
        count += 1
        trip, level = before, higher


@kernel
def trace_on(trip, level, node, in_level, in_cost, tail_from, head, arc_level, arc_cost,
             in_slot, site_in_level, site_in_cost, out_slot, site_out_level, site_out_cost,
             most, per_level, plug, stand, rest, came, line, path, via, charged):  # fmt: skip
    """The rest of the day from a trip's start: as `trace_back`, forwards; ``path`` is without ``trip``."""
    levels, sites, slots = rest.shape[1], line.shape[0], line.shape[1]
    count, plugs = 0, 0
    while True:
        while level > 0 and rest[trip, level - 1] <= rest[trip, level]:
            level -= 1
        value = rest[trip, level] - node[trip]
        if level >= in_level[trip] and in_cost[trip] <= value + 1e-6:
            return count, plugs
        after, site_of, lower = -1, -1, level
        for arc in range(tail_from[trip], tail_from[trip + 1]):
            if level < arc_level[arc]:
                continue
            if rest[head[arc], level - arc_level[arc]] + arc_cost[arc] <= value + 1e-6:
                after, lower = head[arc], level - arc_level[arc]
                break
        if after < 0:
            for site in range(sites):
                slot = in_slot[site, trip]
                if slot < 0 or level < site_in_level[site, trip]:
                    continue
                lower = level - site_in_level[site, trip]
                if came[site, slot, lower] + site_in_cost[site, trip] > value + 1e-6:
                    continue
                fresh = True
                while after < 0 and slot < slots:
                    now = came[site, slot, lower] if fresh else line[site, slot, lower]
                    if not fresh:
                        for one in range(trip + 1, rest.shape[0]):
                            used = site_out_level[site, one]
                            if out_slot[site, one] != slot or used > lower:
                                continue
                            if rest[one, lower - used] + site_out_cost[site, one] <= now + 1e-6:
                                after, lower = one, lower - used
                                break
                        if after >= 0:
                            break
                    if slot + 1 >= slots:
                        break
                    moved = False
                    for more in range(min(most[site, lower], levels - 1 - lower) + 1):
                        cost = line[site, slot + 1, lower + more]
                        if more > 0:
                            cost = cost + more * per_level[site, slot] + plug[site, slot]
                        if cost + stand[site] <= now + 1e-6:
                            if more > 0:
                                charged[plugs, 0], charged[plugs, 1] = site, slot
                                plugs += 1
                            lower += more
                            moved = True
                            break
                    if not moved:
                        return 0, -1
                    slot += 1
                    fresh = False
                site_of = site
                break
        if after < 0:
            return 0, -1
        via[count] = site_of
        path[count] = after
        count += 1
        trip, level = after, lower


def warm():
    """Call every kernel that Python calls, with every dtype it is used with: one trip, one site."""
    one64, one, far = np.zeros(1, np.int64), np.zeros(1), np.full((1, 1), -1, np.int64)
    none32, none64, none = np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0)
    zero, cost = np.zeros((1, 1), np.int64), np.zeros((1, 1))
    arcs = (np.zeros(2, np.int64), none32, none64, none)
    sites = (far, zero, cost, far, zero, cost, zero, cost, cost, one)
    labels, site = np.zeros((1, 1)), np.zeros((1, 2, 1))
    path, slots = np.zeros(2, np.int64), np.zeros((2, 2), np.int64)
    forward(one64, one, one64, one, *arcs, *sites, np.int64(0), labels, site, site.copy())
    trace_back(0, 0, one, one64, one, *arcs, *sites, np.int64(0), labels, site, site.copy(),
               path, path.copy(), slots)  # fmt: skip
    backward(one64, one, one64, one, *arcs, *sites, labels, site, site.copy())
    trace_on(
        0, 0, one, one64, one, *arcs, *sites, labels, site, site.copy(), path, path.copy(), slots
    )
