"""Splits of one signal for one cycle: equal saturation, or the nearest to a wish, inside all limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobility.signals.frame import Frame, Run, Window
    from mobility.signals.stop_lines import Stream

ENOUGH = 1.5  # capacity over demand beyond which more is not worth a second of others


def least_cycle_s(frame: Frame) -> float | None:
    """Return the shortest cycle that keeps all limits, whole seconds; None where none does."""
    count = sum(frame.sizes)
    cost = np.zeros(count)
    cost[: frame.sizes[0]] = 1
    rows, low, high = _limits(frame, count)
    for row in range(1, len(frame.sizes)):
        rows.append(_row(frame, row, count) - _row(frame, 0, count))
        low.append(0.0)
        high.append(0.0)
    found = milp(cost, constraints=LinearConstraint(np.array(rows), low, high),
                 bounds=Bounds(0, 600), integrality=np.ones(count, np.int64))  # fmt: skip
    return None if found.x is None else float(round(found.fun))


def equal_saturation(frame: Frame, streams: Sequence[Stream], cycle_s: float) -> list[float] | None:
    """Lengths whose worst stop line has the least demand over capacity.

    Parameters
    ----------
    streams
        Of this signal.
    cycle_s
        Whole seconds.

    Returns
    -------
    list of float or None
        Whole seconds of each element; None where no lengths keep the limits in this cycle.
    """
    count = sum(frame.sizes)
    rows, low, high = _limits(frame, count + 1)
    for row in range(len(frame.sizes)):
        rows.append(_row(frame, row, count + 1))
        low.append(cycle_s)
        high.append(cycle_s)
    for stream in streams:
        if stream.on_foot or stream.group in frame.always or stream.flow_h <= 0:
            continue
        capacity, less = _capacity(frame, stream, count + 1)
        capacity[count] = -stream.flow_h * cycle_s
        rows.append(capacity)
        low.append(less)
        high.append(np.inf)
    cost = np.zeros(count + 1)
    cost[count] = -1
    whole = np.ones(count + 1, np.int64)
    whole[count] = 0
    upper = np.full(count + 1, cycle_s)
    upper[count] = ENOUGH
    found = milp(cost, constraints=LinearConstraint(np.array(rows), low, high),
                 bounds=Bounds(0, upper), integrality=whole,
                 options={"mip_rel_gap": 1e-3})  # fmt: skip
    if found.x is None:
        return None
    return [float(round(x)) for x in found.x[:count]]


def nearest(frame: Frame, wish_s: Sequence[float], cycle_s: float) -> list[float] | None:
    """Lengths in whole seconds that keep all limits and differ least from a wish, in sum.

    Returns
    -------
    list of float or None
        None where no lengths keep the limits in this cycle.
    """
    count = sum(frame.sizes)
    rows, low, high = _limits(frame, 2 * count)
    for row in range(len(frame.sizes)):
        rows.append(_row(frame, row, 2 * count))
        low.append(cycle_s)
        high.append(cycle_s)
    for k in range(count):
        for sign in (1, -1):
            away = np.zeros(2 * count)
            away[k], away[count + k] = -sign, 1
            rows.append(away)
            low.append(-sign * wish_s[k])
            high.append(np.inf)
    cost = np.concatenate([np.zeros(count), np.ones(count)])
    found = milp(cost, constraints=LinearConstraint(np.array(rows), low, high),
                 bounds=Bounds(0, np.inf), integrality=np.repeat([1, 0], count))  # fmt: skip
    if found.x is None:
        return None
    return [float(round(x)) for x in found.x[:count]]


def _limits(frame: Frame, width: int) -> tuple[list[np.ndarray], list[float], list[float]]:
    rows = [_sum(frame, run, width) for run in frame.runs]
    low = [run.least_s for run in frame.runs]
    high = [run.most_s for run in frame.runs]
    for k in range(1, len(frame.blocks)):
        for one, other in zip(frame.blocks[0], frame.blocks[k], strict=True):
            row = np.zeros(width)
            row[list(one)] += 1
            row[list(other)] -= 1
            rows.append(row)
            low.append(0.0)
            high.append(0.0)
    return rows, low, high


def _row(frame: Frame, row: int, width: int) -> np.ndarray:
    found = np.zeros(width)
    found[frame.starts[row] : frame.starts[row] + frame.sizes[row]] = 1
    return found


def _sum(frame: Frame, run: Run | Window, width: int) -> np.ndarray:
    found = np.zeros(width)
    start, size = frame.starts[run.row], frame.sizes[run.row]
    for k in range(run.count):
        found[start + (run.first + k) % size] += 1
    return found


def _capacity(frame: Frame, stream: Stream, width: int) -> tuple[np.ndarray, float]:
    """Vehicles that may leave in a cycle, times 3600: coefficients, and what the constants take."""
    found = np.zeros(width)
    less = 0.0
    for window in frame.windows:
        if window.group != stream.group:
            continue
        found += stream.full_h * _sum(frame, window, width)
        less += stream.full_h * window.cut_s
        size, start = frame.sizes[window.row], frame.starts[window.row]
        for place in window.yields:
            found[start + (window.first + place) % size] += stream.yield_h - stream.full_h
            if place == window.count - 1:
                less += (stream.yield_h - stream.full_h) * window.cut_s
    return found, less
