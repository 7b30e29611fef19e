"""Cyclic queues behind signals, joined by platoons that spread on their way.

Times in s, flows in vehicles/s; a cycle has ``bins`` bins. Tuples of arrays:
streams  signal, flow, weight, random (1: counts random delay), period_h, ptr to feeds
feeds    from stream, share of its flow, travel s, smoothing F
frames   row_ptr by signal, row_first, row_size, run_ptr by signal, run_row, run_first, run_count,
         run_least, run_most, move_ptr by signal, part_ptr by move, part_element, part_sign
pieces   ptr by stream, row, first, count, lead, cut, rate
A row's elements are ``length[row_first : row_first + row_size]``; the first begins at ``zero``.
"""

import math

import numpy as np

from mobility._jit import kernel

LAG_S = 2.0  # effective green begins and ends this much later than the displayed one
FULL = 0.999  # of capacity: more than this is not cyclic, and counts as growing queue


@kernel
def add_span(serve, bins, step, start, seconds, rate):
    """Add a rate over a span of the cycle, that may run over its end, bin by bin."""
    cycle = bins * step
    seconds = min(seconds, cycle)
    if seconds <= 0:
        return
    at = start % cycle
    left = seconds
    while left > 1e-9:
        k = min(int(at / step + 1e-9), bins - 1)
        end = min((k + 1) * step, at + left)
        serve[k] += rate * (end - at) / step
        left -= end - at
        at = end
        if at >= cycle - 1e-9:
            at = 0.0


@kernel
def random_delay(x, capacity_vph, period_h):
    """Random and oversaturation delay of the Highway Capacity Manual, s a vehicle (k = 0.5, I = 1)."""
    if capacity_vph <= 0:
        return 3600.0 * period_h
    return 900.0 * period_h * (x - 1 + math.sqrt((x - 1) ** 2 + 4 * x / (capacity_vph * period_h)))


@kernel
def queue(arrive, serve, bins, step, leave):
    """Steady queue of one cycle: mean vehicles in it, share that stops; ``leave`` is written.

    What is more than capacity is left out: the queue that grows is ``random_delay``'s.
    """
    came = 0.0
    could = 0.0
    for t in range(bins):
        came += arrive[t]
        could += serve[t]
    if came <= 0:
        leave[:bins] = 0.0
        return 0.0, 0.0
    scale = 1.0 if came <= FULL * could else FULL * could / came
    if scale <= 0:
        leave[:bins] = 0.0
        return 0.0, 1.0
    waiting = 0.0
    area = 0.0
    stops = 0.0
    for _lap in range(2):
        area = 0.0
        stops = 0.0
        for t in range(bins):
            a = arrive[t] * scale
            s = serve[t]
            if waiting > 1e-9 or s < a:
                stops += a
            after = waiting + (a - s) * step
            if after < 0:
                over = waiting / (s - a)
                area += 0.5 * waiting * over
                leave[t] = a + waiting / step
                waiting = 0.0
            else:
                area += 0.5 * (waiting + after) * step
                leave[t] = s
                waiting = after
    return area / (bins * step), stops / (came * scale)


@kernel
def spread(leave, bins, step, share, travel, smooth, arrive):
    """Add what arrives from a stop line: Robertson's recursion, two laps so that it is cyclic."""
    shift = travel / step
    whole = math.floor(shift)
    part = shift - whole
    flow = 0.0
    for t in range(bins):
        flow += leave[t]
    flow /= bins
    if flow <= 0:
        return
    for lap in range(3):
        for t in range(bins):
            a = leave[(t - whole) % bins]
            b = leave[(t - whole - 1) % bins]
            flow = smooth * ((1 - part) * a + part * b) + (1 - smooth) * flow
            if lap == 2:
                arrive[t] += share * flow


@kernel
def arrivals(i, streams, feeds, bins, cycle, leave, arrive):
    """Arrivals at one stop line: platoons of the signals before it, and the rest at all times."""
    signal, flow, _weight, _random, _period, ptr = streams
    source, share, travel, smooth = feeds
    own = signal[i]
    n = bins[own]
    rest = flow[i]
    for f in range(ptr[i], ptr[i + 1]):
        rest -= flow[source[f]] * share[f]
    arrive[:n] = max(0.0, rest)
    for f in range(ptr[i], ptr[i + 1]):
        u = source[f]
        other = signal[u]
        m = bins[other]
        row = leave[u]
        if abs(cycle[other] - cycle[own]) < 1e-6:
            spread(row, n, cycle[own] / n, share[f], travel[f], smooth[f], arrive)
        elif m > n and m % n == 0 and abs(cycle[other] - cycle[own] * (m // n)) < 1e-6:
            folded = np.zeros(n)
            for t in range(m):
                folded[t % n] += row[t] * n / m
            spread(folded, n, cycle[own] / n, share[f], travel[f], smooth[f], arrive)
        elif n > m and n % m == 0 and abs(cycle[own] - cycle[other] * (n // m)) < 1e-6:
            again = np.zeros(n)
            for t in range(n):
                again[t] = row[t % m]
            spread(again, n, cycle[own] / n, share[f], travel[f], smooth[f], arrive)
        else:
            mean = 0.0
            for t in range(m):
                mean += row[t]
            arrive[:n] += share[f] * mean / m


@kernel
def one_stream(i, streams, feeds, bins, cycle, serve, leave, arrive, found):
    """Delay at one stop line: vehicle seconds a second in ``found[i]``: queue, random, stops, X."""
    signal, _flow, weight, random, period, _ptr = streams
    n = bins[signal[i]]
    step = cycle[signal[i]] / n
    arrivals(i, streams, feeds, bins, cycle, leave, arrive)
    mean, stops = queue(arrive, serve[i], n, step, leave[i])
    came = 0.0
    could = 0.0
    for t in range(n):
        came += arrive[t]
        could += serve[i, t]
    came /= n
    could /= n
    x = came / could if could > 0 else 10.0
    found[i, 0] = mean
    found[i, 1] = 0.0
    if came > 0 and could <= 0:
        found[i, 1] = came * 3600.0 * period[i]
    elif random[i] == 1 and came > 0:
        found[i, 1] = came * random_delay(x, could * 3600.0, period[i])
    found[i, 2] = stops * came
    found[i, 3] = x
    return weight[i] * (found[i, 0] + found[i, 1])


@kernel
def evaluate(order, laps, streams, feeds, bins, cycle, serve, leave, found):
    """All stop lines in an order, several times where platoons go round; person seconds a second.

    Where they do, each line begins by leaving its mean flow, so that the same plan always has the
    same value and no flow is missing in the first rounds; a plan of 200 signals in a grid has its
    value to 1e-6 after three.
    """
    arrive = np.zeros(leave.shape[1])
    if laps > 1:
        for i in range(leave.shape[0]):
            leave[i, :] = streams[1][i]
    total = 0.0
    for _lap in range(laps):
        total = 0.0
        for k in range(order.shape[0]):
            total += one_stream(order[k], streams, feeds, bins, cycle, serve, leave, arrive, found)
    return total


@kernel
def serve_stream(i, signal, frames, pieces, lengths, zero, bins, cycle, base, serve):
    """Service of one stop line from the lengths of its signal's elements."""
    _row_ptr, row_first, row_size = frames[0], frames[1], frames[2]
    ptr, row, first, count, lead, cut, rate, lag = pieces
    n = bins[signal]
    step = cycle[signal] / n
    serve[i, :n] = base[i]
    for p in range(ptr[i], ptr[i + 1]):
        a = row_first[row[p]]
        size = row_size[row[p]]
        start = zero[signal] - lead[p] + lag[i]
        for k in range(first[p]):
            start += lengths[a + k]
        seconds = lead[p] - cut[p]
        for k in range(count[p]):
            seconds += lengths[a + (first[p] + k) % size]
        add_span(serve[i], n, step, start, seconds, rate[p])


@kernel
def allowed(s, frames, lengths):
    """Whether a signal's lengths keep all its limits."""
    row_first, row_size = frames[1], frames[2]
    run_ptr, run_row, run_at, run_count, run_least, run_most = frames[3:9]
    for r in range(run_ptr[s], run_ptr[s + 1]):
        a = row_first[run_row[r]]
        size = row_size[run_row[r]]
        total = 0.0
        for k in range(run_count[r]):
            total += lengths[a + (run_at[r] + k) % size]
        if total < run_least[r] - 1e-6 or total > run_most[r] + 1e-6:
            return False
    return True


@kernel
def trial(s, after, streams, feeds, frames, pieces, base, lengths, zero, bins, cycle, serve,
          leave, found, arrive, kept_leave, kept_found, kept_serve):  # fmt: skip
    """Change in person seconds a second once signal ``s`` shows what ``lengths`` and ``zero`` say.

    ``after``: the stop lines that feel it, in order. Their old state is kept for ``undo``.
    """
    signal, weight = streams[0], streams[2]
    change = 0.0
    for k in range(after.shape[0]):
        i = after[k]
        n = bins[signal[i]]
        kept_leave[k, :n] = leave[i, :n]
        kept_found[k] = found[i]
        change -= weight[i] * (found[i, 0] + found[i, 1])
        if signal[i] == s:
            kept_serve[k, :n] = serve[i, :n]
            serve_stream(i, s, frames, pieces, lengths, zero, bins, cycle, base, serve)
        change += one_stream(i, streams, feeds, bins, cycle, serve, leave, arrive, found)
    return change


@kernel
def undo(s, after, signal, bins, serve, leave, found, kept_leave, kept_found, kept_serve):
    """Put back what ``trial`` changed."""
    for k in range(after.shape[0]):
        i = after[k]
        n = bins[signal[i]]
        leave[i, :n] = kept_leave[k, :n]
        found[i] = kept_found[k]
        if signal[i] == s:
            serve[i, :n] = kept_serve[k, :n]


@kernel
def sweep(turn, may_offset, may_split, shifts, steps, after_ptr, after, streams, feeds, frames,
          pieces, base, lengths, zero, bins, cycle, serve, leave, found):  # fmt: skip
    """Try shifts of the offset and moves of the splits of each signal; the trials made."""
    move_ptr, part_ptr, part_at, part_sign = frames[9:13]
    signal = streams[0]
    width = leave.shape[1]
    most = 1
    for s in range(after_ptr.shape[0] - 1):
        most = max(most, after_ptr[s + 1] - after_ptr[s])
    arrive = np.zeros(width)
    kept_leave = np.zeros((most, width))
    kept_serve = np.zeros((most, width))
    kept_found = np.zeros((most, found.shape[1]))
    trials = 0
    for turned in range(turn.shape[0]):
        s = turn[turned]
        near = after[after_ptr[s] : after_ptr[s + 1]]
        if may_offset[s] == 1:
            for k in range(shifts.shape[0]):
                while True:
                    old = zero[s]
                    zero[s] = (old + shifts[k]) % cycle[s]
                    trials += 1
                    change = trial(s, near, streams, feeds, frames, pieces, base, lengths, zero,
                                   bins, cycle, serve, leave, found, arrive, kept_leave,
                                   kept_found, kept_serve)  # fmt: skip
                    if change < -1e-7:
                        continue
                    zero[s] = old
                    undo(s, near, signal, bins, serve, leave, found, kept_leave, kept_found,
                         kept_serve)  # fmt: skip
                    break
        if may_split[s] == 1:
            for m in range(move_ptr[s], move_ptr[s + 1]):
                for k in range(steps.shape[0]):
                    while True:
                        for p in range(part_ptr[m], part_ptr[m + 1]):
                            lengths[part_at[p]] += steps[k] * part_sign[p]
                        good = allowed(s, frames, lengths)
                        if good:
                            trials += 1
                            change = trial(s, near, streams, feeds, frames, pieces, base,
                                           lengths, zero, bins, cycle, serve, leave, found,
                                           arrive, kept_leave, kept_found, kept_serve)  # fmt: skip
                            if change < -1e-7:
                                continue
                            undo(s, near, signal, bins, serve, leave, found, kept_leave,
                                 kept_found, kept_serve)  # fmt: skip
                        for p in range(part_ptr[m], part_ptr[m + 1]):
                            lengths[part_at[p]] -= steps[k] * part_sign[p]
                        break
    return trials


@kernel
def _shift(inside, by, streams, frames, pieces, base, lengths, zero, bins, cycle, serve):
    """Shift the marked signals, and what their stop lines serve."""
    signal = streams[0]
    for s in range(zero.shape[0]):
        if inside[s] == 1:
            zero[s] = (zero[s] + by) % cycle[s]
    for i in range(signal.shape[0]):
        if inside[signal[i]] == 1:
            serve_stream(i, signal[i], frames, pieces, lengths, zero, bins, cycle, base, serve)


@kernel
def shift_parts(parts_ptr, parts, shifts, order, laps, streams, feeds, frames, pieces, base,
                lengths, zero, bins, cycle, serve, leave, found, value):  # fmt: skip
    """Shift all signals on one side of a link together, as long as it pays; (value, trials)."""
    trials = 0
    inside = np.zeros(zero.shape[0], np.uint8)
    for j in range(parts_ptr.shape[0] - 1):
        inside[:] = 0
        for k in range(parts_ptr[j], parts_ptr[j + 1]):
            inside[parts[k]] = 1
        for k in range(shifts.shape[0]):
            better = True
            while better:
                _shift(inside, shifts[k], streams, frames, pieces, base, lengths, zero, bins,
                       cycle, serve)  # fmt: skip
                now = evaluate(order, laps, streams, feeds, bins, cycle, serve, leave, found)
                trials += 1
                better = now < value - 1e-7
                if better:
                    value = now
            _shift(inside, -shifts[k], streams, frames, pieces, base, lengths, zero, bins, cycle,
                   serve)  # fmt: skip
        evaluate(order, laps, streams, feeds, bins, cycle, serve, leave, found)
    return value, trials


def warm():
    """Compile all kernels that Python calls."""
    ints, floats = np.zeros(1, np.int64), np.ones(1)
    ptr = np.array([0, 0], np.int64)
    one = np.array([0, 1], np.int64)
    streams = (ints, floats, floats, np.ones(1, np.int64), floats, ptr)
    feeds = (ints, floats, floats, floats)
    frames = (one, ints, np.ones(1, np.int64), ptr, ints, ints, ints, floats, floats, ptr, ptr,
              ints, ints)  # fmt: skip
    pieces = (ptr, ints, ints, ints, floats, floats, floats, floats)
    bins, cycle = np.full(1, 60, np.int64), np.full(1, 60.0)
    serve, leave, found = np.ones((1, 60)), np.zeros((1, 60)), np.zeros((1, 4))
    lengths, zero = np.full(1, 60.0), np.zeros(1)
    add_span(serve[0], 60, 1.0, 3.0, 4.0, 0.5)
    random_delay(0.9, 900.0, 0.25)
    queue(leave[0].copy(), serve[0], 60, 1.0, leave[0])
    spread(leave[0], 60, 1.0, 1.0, 20.0, 0.3, leave[0].copy())
    serve_stream(0, 0, frames, pieces, lengths, zero, bins, cycle, floats, serve)
    evaluate(ints, 1, streams, feeds, bins, cycle, serve, leave, found)
    sweep(ints, ints, ints, floats, floats, one, ints, streams, feeds, frames, pieces, floats,
          lengths, zero, bins, cycle, serve, leave, found)  # fmt: skip
    shift_parts(one, ints, floats, ints, 1, streams, feeds, frames, pieces, floats, lengths, zero,
                bins, cycle, serve, leave, found, 0.0)  # fmt: skip
