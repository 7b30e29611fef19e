"""Feed kernels. Times: int32 seconds into the service day, BLANK and BAD below 0. Ids: int32 rows.

Places are unit vectors (float64, n x 3), lengths metres.
"""

import numpy as np

from mobility._jit import kernel

BLANK = -1
BAD = -2
EARTH_M = 6_371_008.8  # mean radius, IUGG


@kernel
def parse_times(offsets, data, out):
    """Clock times ``H:MM:SS`` of an Arrow text array (offsets, bytes) to seconds.

    One to three digits of hours, exactly two of minutes and seconds, each at most 59.
    """
    for i in range(len(out)):
        at = offsets[i]
        end = offsets[i + 1]
        if at == end:
            out[i] = BLANK
            continue
        hours = 0
        digits = 0
        while at < end and 48 <= data[at] <= 57 and digits < 4:
            hours = hours * 10 + data[at] - 48
            digits += 1
            at += 1
        if digits == 0 or digits > 3 or end - at != 6:
            out[i] = BAD
            continue
        m1 = data[at + 1] - 48
        m2 = data[at + 2] - 48
        s1 = data[at + 4] - 48
        s2 = data[at + 5] - 48
        good = data[at] == 58 and data[at + 3] == 58
        good = good and 0 <= m1 <= 5 and 0 <= m2 <= 9 and 0 <= s1 <= 5 and 0 <= s2 <= 9
        out[i] = hours * 3600 + (m1 * 10 + m2) * 60 + s1 * 10 + s2 if good else BAD


@kernel
def order_events(trip, sequence, offsets, order):
    """Sort rows by trip, then sequence, then input order; rows of trip -1 are left out.

    Fills ``offsets`` (one more than trips, zeros on entry) and ``order``; returns how many it
    placed.
    """
    n_trips = len(offsets) - 1
    for i in range(len(trip)):
        if trip[i] >= 0:
            offsets[trip[i] + 1] += 1
    for t in range(n_trips):
        offsets[t + 1] += offsets[t]
    fill = offsets[:-1].copy()
    for i in range(len(trip)):
        t = trip[i]
        if t >= 0:
            order[fill[t]] = i
            fill[t] += 1
    for t in range(n_trips):
        start = offsets[t]
        end = offsets[t + 1]
        rising = True
        for k in range(start + 1, end):
            if sequence[order[k]] < sequence[order[k - 1]]:
                rising = False
                break
        if not rising:
            keys = np.empty(end - start, np.int64)
            for k in range(start, end):
                # Sequence above, place within the trip below: unique, so any sort is stable.
                keys[k - start] = np.int64(sequence[order[k]]) * 4294967296 + (k - start)
            ranks = np.argsort(keys)
            rows = order[start:end].copy()
            for k in range(end - start):
                order[start + k] = rows[ranks[k]]
    return offsets[n_trips]


@kernel
def measure_paths(offsets, point, xyz, along):
    """Metres along each path of points into ``along``; path ``g`` is ``offsets[g]:offsets[g + 1]``.

    ``xyz``: unit vectors, one a point, NaN where it has no place; such points, and ``point`` -1,
    stand where the last known one stood.
    """
    for g in range(len(offsets) - 1):
        total = 0.0
        last = -1
        for k in range(offsets[g], offsets[g + 1]):
            p = point[k]
            if p >= 0 and xyz[p, 0] == xyz[p, 0]:
                if last >= 0:
                    total += arc_m(xyz, last, p)
                last = p
            along[k] = total


@kernel
def arc_m(xyz, a, b):
    """Great-circle metres between two unit vectors."""
    dx = xyz[a, 0] - xyz[b, 0]
    dy = xyz[a, 1] - xyz[b, 1]
    dz = xyz[a, 2] - xyz[b, 2]
    half = 0.5 * np.sqrt(dx * dx + dy * dy + dz * dz)
    return 2.0 * EARTH_M * np.arcsin(min(half, 1.0))


@kernel
def place_on_shapes(shape, start, end, stops, offsets, points, along, near_m, out):
    """Where on its shape each pair of stops lies.

    Pair ``i`` runs from ``stops[start[i]]`` to ``stops[end[i]]`` on shape ``shape[i]``, whose
    points (unit vectors, metres ``along``) are ``offsets[s]:offsets[s + 1]``. Into ``out[i]``:
    metres along the shape of the start (the first place that is within ``near_m`` of the nearest)
    and of the end (the last such place), and how far off the shape they lie.
    """
    for i in range(len(shape)):
        a = offsets[shape[i]]
        b = offsets[shape[i] + 1]
        for side in range(2):
            p = start[i] if side == 0 else end[i]
            nearest = np.inf
            for k in range(a, b - 1):
                off, _ = segment_m(stops, p, points, k)
                nearest = min(nearest, off)
            best = np.inf
            place = along[a] if side == 0 else along[b - 1]
            step = 1 if side == 0 else -1
            k = a if side == 0 else b - 2
            # From the side's own end, the first dip that comes near enough.
            while a <= k < b - 1:
                off, part = segment_m(stops, p, points, k)
                if off <= nearest + near_m or best < np.inf:
                    if off >= best:
                        break
                    best = off
                    place = along[k] + part * (along[k + 1] - along[k])
                k += step
            out[i, side] = place
            out[i, 2 + side] = nearest


@kernel
def segment_m(stops, p, points, k):
    """Metres from a stop to the segment ``k`` of the points, and at which part of it (0 to 1)."""
    ux = points[k + 1, 0] - points[k, 0]
    uy = points[k + 1, 1] - points[k, 1]
    uz = points[k + 1, 2] - points[k, 2]
    vx = stops[p, 0] - points[k, 0]
    vy = stops[p, 1] - points[k, 1]
    vz = stops[p, 2] - points[k, 2]
    length = ux * ux + uy * uy + uz * uz
    part = 0.0
    if length > 0.0:
        part = min(max((ux * vx + uy * vy + uz * vz) / length, 0.0), 1.0)
    dx = vx - part * ux
    dy = vy - part * uy
    dz = vz - part * uz
    return EARTH_M * np.sqrt(dx * dx + dy * dy + dz * dz), part


@kernel
def fill_times(offsets, trips, arrive, depart, along, out_offsets, out_arrive, out_depart):
    """Times of the chosen ``trips`` without gaps: blanks by distance ``along`` between timed stops.

    A time below 0, before the last kept one or after the trip's last is taken as blank. Stops
    between two timed ones that are no distance apart share the time evenly. The first departure
    and the last arrival must be there. ``out_offsets``: where each chosen trip's events go.
    """
    for i in range(len(trips)):
        a = offsets[trips[i]]
        n = offsets[trips[i] + 1] - a
        to = out_offsets[i]
        end = arrive[a + n - 1] if arrive[a + n - 1] >= 0 else depart[a + n - 1]
        begin = depart[a] if depart[a] >= 0 else arrive[a]
        out_arrive[to] = begin
        out_depart[to] = begin
        known = 0
        for k in range(1, n):
            came = arrive[a + k] if arrive[a + k] >= 0 else depart[a + k]
            left = max(depart[a + k], came)
            if k == n - 1:
                came = end
                left = end
            if came < out_depart[to + known] or left > end:
                continue
            out_arrive[to + k] = came
            out_depart[to + k] = left
            span = along[a + k] - along[a + known]
            since = out_depart[to + known]
            for j in range(known + 1, k):
                part = (j - known) / (k - known)
                if span > 0.0:
                    part = (along[a + j] - along[a + known]) / span
                now = since + np.int32(np.floor(part * (came - since) + 0.5))
                out_arrive[to + j] = now
                out_depart[to + j] = now
            known = k


@kernel
def headways(group, depart, count, gaps, total, least, most):
    """Departures and the time since the one before, by group (row) and hour (column).

    ``group`` and ``depart`` are sorted by (group, depart). ``gaps`` counts the headways of a cell,
    ``total`` sums them; ``least`` starts at a large number, ``most`` at -1.
    """
    for i in range(len(depart)):
        g = group[i]
        hour = depart[i] // 3600
        count[g, hour] += 1
        if i > 0 and group[i - 1] == g:
            gap = depart[i] - depart[i - 1]
            gaps[g, hour] += 1
            total[g, hour] += gap
            least[g, hour] = min(least[g, hour], gap)
            most[g, hour] = max(most[g, hour], gap)


def warm():
    """Call every kernel with every dtype it is used with."""
    offsets = np.array([0, 7, 15], np.int32)
    data = np.frombuffer(b"5:30:0012:00:00", np.uint8)
    locked = offsets.copy()
    locked.setflags(write=False)
    # Arrow hands out locked and open buffers; numba compiles each kind by itself.
    for bounds in (offsets, locked):
        for text in (data, data.copy()):
            parse_times(bounds, text, np.empty(2, np.int32))
    order_events(
        np.zeros(2, np.int32),
        np.arange(2, dtype=np.int32),
        np.zeros(2, np.int32),
        np.zeros(2, np.int32),
    )
    two = np.array([0, 2], np.int32)
    xyz = np.zeros((2, 3))
    along = np.zeros(2)
    measure_paths(two, np.zeros(2, np.int32), xyz, along)
    one = np.zeros(1, np.int32)
    place_on_shapes(one, one, one, xyz, two, xyz, along, 25.0, np.empty((1, 4)))
    fill_times(two, one, two, two, along, two, np.zeros(2, np.int32), np.zeros(2, np.int32))
    cells = np.zeros((1, 1), np.int32)
    headways(one, one, cells, cells.copy(), np.zeros((1, 1)), cells.copy(), cells.copy())
