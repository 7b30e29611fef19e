"""The widest green bands of two directions: a branch and bound over frequency and meeting point only.

Given the frequency ``z = 1 / cycle`` and the phase ``t`` at which the two bands' fronts meet in the
middle of the corridor, every signal stands for itself: at signal i with pattern p the outward
front comes ``x = t + z * lead_i - apart_ip`` of a cycle after the one back, both counted from the
beginning of their greens. With ``x - m`` in place of ``x`` for a whole m, one offset serves both
when::

    out  <= out_green  - max(0, x - m)
    back <= back_green + min(0, x - m)

So offsets, patterns and whole numbers of cycles need no branching: the widest bands are the
largest value of a piecewise linear function of two numbers, however many signals there are. Boxes of (z, t)
are bounded by the best corner that all signals leave, and small ones by a linear program, whose
bound is taken from its multipliers, so that it holds whatever the solver's tolerances.

References
----------
Little, Kelson, Gartner (1981), MAXBAND. Neumaier, Shcherbina (2004), safe bounds in linear programming.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.signals.bands import BandProblem

    Floats = NDArray[np.float64]

NONE = -9.0  # a width below every allowed one
SLACK = 1e-8  # greens are taken this much longer, parts of a cycle: a touch of rounding is no red
EXACT = 1e-7  # weighted cycles: boxes that hold no more than this above the best are closed
COARSE = 0.1  # span of a box in parts of a cycle at the start
FINE = 0.04  # span from which a linear program bounds a box
BATCH = 128  # boxes that are split at once
ROOM = 4_000_000  # numbers in the largest array


@dataclass(frozen=True)
class Found:
    """The best point and how far it is proved.

    Parameters
    ----------
    value, bound
        Weighted sum of widths; ``value`` is below 0 where no point was found.
    rate, phase
        Cycles a second, and ``t``.
    out, back
        Widths, parts of a cycle.
    closed
        Whether nothing was left open.
    """

    value: float
    bound: float
    rate: float
    phase: float
    out: float
    back: float
    closed: bool


class Search:
    """The corridor as arrays: rows are signals, columns patterns (short rows are filled up)."""

    def __init__(self, problem: BandProblem) -> None:
        rows = [_undominated(row) for row in problem.patterns]
        shape = len(rows), max(map(len, rows))
        self.columns = [[number for number, *_ in row] for row in rows]
        self.apart = np.zeros(shape)
        self.out, self.back = np.full(shape, NONE), np.full(shape, NONE)
        for i, row in enumerate(rows):
            for k, (_, apart, out, back) in enumerate(row):
                self.apart[i, k], self.out[i, k], self.back[i, k] = apart, out, back
        once = np.cumsum(
            [0.0, *(a + b for a, b in zip(problem.out_s, problem.back_s, strict=True))]
        )
        self.lead_s: Floats = once - (once.min() + once.max()) / 2
        self.longest_s = float(np.abs(self.lead_s).max())
        self.rates = 1 / problem.cycle_range_s[1], 1 / problem.cycle_range_s[0]
        self.weights, self.ratio = problem.weights, problem.ratio
        self.best = Found(-1.0, -1.0, self.rates[0], 0.0, 0.0, 0.0, closed=False)
        self.dropped = -1.0  # largest bound of a box that was closed though it held more

    def run(self, limit_s: float | None = None) -> Found:
        """Split boxes until none can hold wider bands, or the time is over."""
        ends = math.inf if limit_s is None else time.perf_counter() + limit_s
        boxes = self._start()
        bounds = np.full(len(boxes), math.inf)
        boxes, bounds = self._keep(boxes, bounds, self._bounds(boxes))
        while len(boxes) and time.perf_counter() < ends:
            order = np.argsort(-bounds, kind="stable")
            now, rest = order[:BATCH], np.sort(order[BATCH:])
            split, above = self._split(boxes[now], bounds[now])
            split, above = self._keep(split, above, self._bounds(split))
            if len(split):
                self._try(split.reshape(-1, 2, 2).mean(2), most=1)
            tight = above.copy()
            for k, box in enumerate(split):
                if self._span(split[k : k + 1])[0] <= FINE and above[k] > self.best.value + EXACT:
                    tight[k] = min(above[k], self._linear(box))
            split, above = self._keep(split, above, tight)
            boxes = np.concatenate([boxes[rest], split])
            bounds = np.concatenate([bounds[rest], above])
            boxes, bounds = self._keep(boxes, bounds, bounds)
        best = self.best
        bound = max([best.value, self.dropped, *bounds])
        return replace(best, bound=float(bound), closed=not len(boxes))

    def chosen(self, found: Found) -> tuple[list[int], list[float], list[float]]:
        """Each signal's pattern, and how long after its greens the two fronts pass.

        The pattern is the one that leaves the bands most room, and they stand in the middle of it.
        """
        patterns, after_out, after_back = [], [], []
        for i, columns in enumerate(self.columns):
            best = (-math.inf, 0, 0.0, 0.0)
            for k, number in enumerate(columns):
                x = found.phase + found.rate * self.lead_s[i] - self.apart[i, k]
                for late in (x - math.floor(x), x - math.floor(x) - 1):
                    low = max(0.0, late)
                    high = min(self.out[i, k] - found.out, self.back[i, k] - found.back + late)
                    if high - low > best[0] + SLACK:
                        middle = max((low + high) / 2, 0.0)
                        best = (high - low, number, middle, max(middle - late, 0.0))
            patterns.append(best[1])
            after_out.append(float(best[2]))
            after_back.append(float(best[3]))
        return patterns, after_out, after_back

    def _start(self) -> Floats:
        """Boxes (z low, z high, t low, t high) that cover everything, and a first good point."""
        low, high = self.rates
        many = max(1, math.ceil((high - low) * self.longest_s / COARSE)) if high > low else 1
        z, t = np.linspace(low, high, many + 1), np.linspace(0, 1, round(1 / COARSE) + 1)
        first, phase = (one.ravel() for one in np.meshgrid(np.arange(many), np.arange(len(t) - 1),
                                                           indexing="ij"))  # fmt: skip
        boxes = np.stack([z[first], z[first + 1], t[phase], t[phase + 1]], 1)
        self._try(boxes.reshape(-1, 2, 2).mean(2), most=5)
        return boxes

    def _span(self, boxes: Floats) -> Floats:
        """Parts of a cycle that the position at a signal can differ by, half of it each way."""
        return np.maximum((boxes[:, 1] - boxes[:, 0]) * self.longest_s, boxes[:, 3] - boxes[:, 2])

    def _split(self, boxes: Floats, bounds: Floats) -> tuple[Floats, Floats]:
        """Halve each box along its longer side."""
        along = (boxes[:, 1] - boxes[:, 0]) * self.longest_s > boxes[:, 3] - boxes[:, 2]
        rows, low = np.arange(len(boxes)), np.where(along, 0, 2)
        middle = (boxes[rows, low] + boxes[rows, low + 1]) / 2
        one, two = boxes.copy(), boxes.copy()
        one[rows, low + 1] = middle
        two[rows, low] = middle
        return np.concatenate([one, two]), np.concatenate([bounds, bounds])

    def _keep(self, boxes: Floats, before: Floats, bounds: Floats) -> tuple[Floats, Floats]:
        """Leave out boxes that hold nothing better; what they may hold above the best is noted."""
        bounds = np.minimum(before, bounds)
        open_ = bounds > self.best.value + EXACT
        self.dropped = max(self.dropped, float(bounds[~open_].max(initial=-1.0)))
        return boxes[open_], bounds[open_]

    def _pieces(self, boxes: Floats) -> tuple[Floats, Floats]:
        """Largest widths that each signal's pattern, with either whole number, leaves somewhere in a box."""
        a, b = boxes[:, :1] * self.lead_s, boxes[:, 1:2] * self.lead_s
        low = (boxes[:, 2:3] + np.minimum(a, b))[:, :, None] - self.apart
        wide = (boxes[:, 3:4] - boxes[:, 2:3] + np.abs(b - a))[:, :, None]
        late = low - np.floor(low)
        out = np.concatenate([self.out - late, np.broadcast_to(self.out, late.shape)], 2)
        back = np.concatenate([
            np.broadcast_to(self.back, late.shape), self.back - np.maximum(0, 1 - late - wide),
        ], 2)  # fmt: skip
        return out + SLACK, back + SLACK

    def _corners(self, boxes: Floats) -> tuple[Floats, Floats, Floats]:
        """Give the best pair of widths that every signal leaves, and its worth, by box.

        Signals' pieces are corners (out, back). From the least ``out`` upward, a corner whose
        ``out`` is passed is lost to its signal; ``back`` is the least of what signals have left.
        """
        rows = len(boxes)
        value, first, second = np.full(rows, NONE), np.zeros(rows), np.zeros(rows)
        most = max(1, ROOM // (4 * self.apart.size * self.apart.shape[1]))
        for start in range(0, rows, most):
            part = slice(start, start + most)
            out, back = self._pieces(boxes[part])
            bad = (out < 0) | (back < 0)
            for _ in range(2):
                above = [np.where(bad, NONE, one).max(2).min(1) for one in (out, back)]
                least = [self._least(above[1], 0), self._least(above[0], 1)]
                bad |= (out < least[0][:, None, None]) | (back < least[1][:, None, None])
            most_of_all = self.weights[0] * above[0] + self.weights[1] * above[1]
            alive = (above[0] >= 0) & (above[1] >= 0) & (most_of_all > self.best.value)
            out, back, bad = out[alive], back[alive], bad[alive]
            out, back = np.where(bad, NONE, out), np.where(bad, NONE, back)
            left = np.where(out[:, :, None, :] > out[:, :, :, None], back[:, :, None, :], NONE).max(
                3
            )
            flat = len(out), 2 * self.apart.size
            order = np.argsort(out.reshape(flat), 1, kind="stable")
            out = np.take_along_axis(out.reshape(flat), order, 1)
            left = np.take_along_axis(left.reshape(flat), order, 1)
            least_left = np.minimum.accumulate(left[:, :-1], 1)
            whole = back.max(2).min(1)[:, None]
            second_ = np.minimum(np.concatenate([whole, least_left], 1), whole)
            allowed = (out >= 0) & (second_ >= 0)
            if self.ratio > 0:
                out, second_ = (np.minimum(out, second_ / self.ratio),
                                np.minimum(second_, out / self.ratio))  # fmt: skip
            worth = np.where(allowed, self.weights[0] * out + self.weights[1] * second_, NONE)
            at = worth.argmax(1)
            each, at_box = np.arange(len(at)), start + np.flatnonzero(alive)
            value[at_box], first[at_box] = worth[each, at], out[each, at]
            second[at_box] = second_[each, at]
        return value, first, second

    def _least(self, other: Floats, k: int) -> Floats:
        """Width that direction k needs to beat the best, when the other has its largest."""
        if self.weights[k] <= 0:
            return np.zeros_like(other)
        lacks: Floats = (self.best.value - self.weights[1 - k] * other) / self.weights[k]
        return np.maximum(0.0, lacks)

    def _bounds(self, boxes: Floats) -> Floats:
        return self._corners(boxes)[0]

    def _try(self, points: Floats, most: int) -> None:
        """Climb from the best of some points (z, t)."""
        value, out, back = self._corners(np.repeat(points, 2, 1))
        for k in np.argsort(-value, kind="stable")[:most]:
            if value[k] >= 0:
                self._take(points[k], value[k], out[k], back[k])
                better = self._climb(points[k], out[k], back[k])
                value_, out_, back_ = self._corners(np.repeat(better[None], 2, 1))
                self._take(better, value_[0], out_[0], back_[0])

    def _take(self, point: Floats, value: float, out: float, back: float) -> None:
        if value > self.best.value:
            self.best = Found(float(value), 0.0, float(point[0]), float(point[1]), float(out),
                              float(back), closed=False)  # fmt: skip

    def _climb(self, point: Floats, out: float, back: float) -> Floats:
        """Best (z, t) with the pieces that serve a point best."""
        box = np.repeat(point[None], 2, 1)
        have_out, have_back = (one[0] for one in self._pieces(box))
        at = np.minimum(have_out - out, have_back - back).argmax(1)
        rows, patterns = np.arange(len(at)), at % self.apart.shape[1]
        apart = self.apart[rows, patterns]
        whole = np.floor(point[1] + point[0] * self.lead_s - apart) + (at != patterns)
        area = np.array([*self.rates, point[1] - 0.5, point[1] + 0.5])
        found = self._program(area, (0.0, 0.0), (1.0, 1.0), self.lead_s,
                              self.out[rows, patterns] + apart + whole,
                              self.back[rows, patterns] - apart - whole,
                              (self.out[rows, patterns].min(), self.back[rows, patterns].min()))  # fmt: skip
        return point if found is None else found[1]

    def _linear(self, box: Floats) -> float:
        """Bound of a box by a linear program, with what every signal's pieces there have in common."""
        a, b = box[0] * self.lead_s, box[1] * self.lead_s
        low = (box[2] + np.minimum(a, b))[:, None] - self.apart
        high = (box[3] + np.maximum(a, b))[:, None] - self.apart
        whole = np.concatenate([np.floor(low), np.floor(low) + 1], 1)
        low, high = np.tile(low, 2) - whole, np.tile(high, 2) - whole
        out, back = np.tile(self.out, 2) + SLACK, np.tile(self.back, 2) + SLACK
        most_out, most_back = out - np.maximum(0, low), back + np.minimum(0, high)
        bad = (most_out < 0) | (most_back < 0)
        for _ in range(4):
            above = [np.where(bad, NONE, one).max(1).min() for one in (most_out, most_back)]
            least = [float(self._least(np.array(above[1]), 0)),
                     float(self._least(np.array(above[0]), 1))]  # fmt: skip
            bad |= (most_out < least[0]) | (most_back < least[1])
        if above[0] < least[0] or above[1] < least[1]:
            return NONE
        everywhere = (out - np.maximum(0, high) >= above[0]) & (
            back + np.minimum(0, low) >= above[1]
        )
        bound = ~(everywhere & ~bad).any(1)
        apart = np.tile(self.apart, 2)
        ends = np.where(bad, NONE * 1e6, out + apart + whole).max(1)
        begins = np.where(bad, NONE * 1e6, back - apart - whole).max(1)
        found = self._program(box, (least[0], least[1]), (above[0], above[1]), self.lead_s[bound],
                              ends[bound], begins[bound], (above[0], above[1]))  # fmt: skip
        if found is None:
            return NONE
        if found[0] > self.best.value + EXACT:
            self._try(found[1][None], most=1)
        return found[0]

    def _program(
        self,
        box: Floats,
        least: tuple[float, float],
        most: tuple[float, float],
        lead_s: Floats,
        ends: Floats,
        begins: Floats,
        greens: tuple[float, float],
    ) -> tuple[float, Floats] | None:
        """Best bands in a box, linear: a bound that holds, and (z, t); None where it is proved empty.

        ``out + x <= ends`` and ``back - x <= begins`` with ``x = t + z * lead``. Variables: z and t
        as parts of the box, out, back.
        """
        from scipy.optimize import linprog

        size = np.array([box[1] - box[0], box[3] - box[2]])
        corner = np.array([box[0], box[2]])
        x = np.stack([lead_s * size[0], np.full(len(lead_s), size[1])], 1)
        fixed = lead_s * corner[0] + corner[1]
        one, none = np.ones((len(x), 1)), np.zeros((len(x), 1))
        left = np.concatenate([np.hstack([x, one, none]), np.hstack([-x, none, one])])
        right = np.concatenate([ends - fixed, begins + fixed])
        if self.ratio > 0:
            left = np.concatenate([left, [[0, 0, -1, self.ratio], [0, 0, self.ratio, -1]]])
            right = np.concatenate([right, [0.0, 0.0]])
        low = np.array([0.0, 0.0, *least])
        high = np.array([1.0, 1.0, *(max(a, b) for a, b in zip(least, np.minimum(most, greens),
                                                              strict=True))])  # fmt: skip
        worth = np.array([0.0, 0.0, *self.weights])
        solve: Any = linprog
        tight = {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}
        spans = np.stack([low, high], 1)
        answer = solve(-worth, left, right, bounds=spans, method="highs", options=tight)
        if answer.status == 0:
            value = safe_bound(worth, left, right, low, high, -answer.ineqlin.marginals)
            return value, corner + size * answer.x[:2]
        # How far the rows must give way: more than nothing, proved by multipliers, is infeasible.
        room = np.hstack([left, np.full((len(left), 1), -1.0)])
        spans = np.concatenate([spans, [[0.0, 99.0]]])
        gives = np.array([0.0, 0.0, 0.0, 0.0, 1.0])
        answer = solve(gives, room, right, bounds=spans, method="highs", options=tight)
        if answer.status == 0:
            lacks = -safe_bound(
                -gives, room, right, spans[:, 0], spans[:, 1], -answer.ineqlin.marginals
            )
            if lacks > SLACK:
                return None
        return float(worth @ high), corner + size / 2


def safe_bound(
    worth: Floats, left: Floats, right: Floats, low: Floats, high: Floats, multipliers: Floats
) -> float:
    """Bound on ``worth @ v`` where ``left @ v <= right``: any multipliers of 0 or more prove one."""
    multipliers = np.maximum(multipliers, 0.0)
    rest = worth - multipliers @ left
    return float(multipliers @ right + np.where(rest > 0, rest * high, rest * low).sum()) + 1e-12


def _undominated(row: tuple[object, ...]) -> list[tuple[int, float, float, float]]:
    """(number, apart, out, back) of patterns, without those that another one replaces."""
    kept: list[tuple[int, float, float, float]] = []
    every = [
        (k, (one.out_from - one.back_from) % 1.0, one.out_green, one.back_green)  # type: ignore[attr-defined]
        for k, one in enumerate(row)
    ]
    for one in sorted(every, key=lambda one: (-one[2] - one[3], one[0])):
        if not any(abs(one[1] - two[1]) < 1e-12 and one[2] <= two[2] and one[3] <= two[3]
                   for two in kept):  # fmt: skip
            kept.append(one)
    return sorted(kept)
