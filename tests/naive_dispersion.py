"""Slow obvious twins: a queue followed vehicle by vehicle part, platoons, and bands on a grid."""

from __future__ import annotations

import itertools


def queue(arrive, serve, step):
    """Mean queue and what leaves, bin by bin, once it repeats."""
    scale = min(1.0, 0.999 * sum(serve) / sum(arrive)) if sum(arrive) else 0.0
    waiting, area, leave = 0.0, 0.0, []
    for _ in range(3):
        area, leave = 0.0, []
        for a, s in zip(arrive, serve, strict=True):
            came, could = a * scale * step, s * step
            if waiting + came <= could:
                over = waiting / (s - a * scale) if s > a * scale else 0.0
                area += waiting * over / 2
                leave.append((waiting + came) / step)
                waiting = 0.0
            else:
                area += step * (waiting + waiting + came - could) / 2
                leave.append(s)
                waiting += came - could
    return area / (step * len(arrive)), leave


def spread(leave, travel, smooth):
    """Robertson's recursion over many cycles; whole seconds of travel."""
    count = len(leave)
    flow, out = sum(leave) / count, []
    for t in range(60 * count):
        flow = smooth * leave[(t - travel) % count] + (1 - smooth) * flow
        out.append(flow)
    return out[-count:]


def widest(greens, out, back, cycle, parts):
    """Best sum of two bands with offsets on a grid: (begin, green) of both directions, one pattern."""
    best = -1.0
    for offsets in itertools.product(range(parts), repeat=len(greens) - 1):
        place = [0.0, *(k / parts for k in offsets)]
        total = 0.0
        for side, times, sign in ((0, out, 1), (1, back, -1)):
            total += _band(greens, place, side, times, sign, cycle)
        best = max(best, total)
    return best


def _band(greens, place, side, times, sign, cycle):
    """Widest band of one direction: fronts are tried at the begin of each green."""
    ahead = [0.0]
    for seconds in times:
        ahead.append(ahead[-1] + sign * seconds / cycle)
    begins = [
        (p + green[side][0] - far) % 1.0 for p, green, far in zip(place, greens, ahead, strict=True)
    ]
    best = -1.0
    for front in begins:
        width = 1.0
        for begin, green in zip(begins, greens, strict=True):
            late = (front - begin + 1e-9) % 1.0 - 1e-9
            width = min(width, green[side][1] - late)
        best = max(best, width)
    return best if best >= -1e-9 else -10.0
