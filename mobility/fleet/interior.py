"""A linear program over columns of ones, solved only so far as is asked, by an interior point.

Column generation wants central duals more than exact ones: with them it needs far fewer rounds than
with the corners that a simplex gives, and a solve that stops early is cheap.

References
----------
Gondzio, Gonzalez-Brevis, Munari (2013), "New developments in the primal-dual column generation
technique", European Journal of Operational Research 224(1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from mobility.fleet import _master_kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEPS = 60
_ENOUGH = 1e-2  # of every row: that its cover is off by so little
_SHORT_OF_WALL = 0.95


@dataclass(frozen=True)
class Interior:
    """Amounts of every column, duals of every row; ``gap`` is relative, ``missing`` the worst row.

    ``bought`` is how many units of rows were bought, or sold, instead of covered as often as they should.
    """

    amount: NDArray[np.float64]
    dual: NDArray[np.float64]
    objective: float
    gap: float
    missing: float
    bought: float


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def solve(
    first: NDArray[np.int64], row: NDArray[np.int32], cost: NDArray[np.float64],
    slack: NDArray[np.float64], right: NDArray[np.float64], start: NDArray[np.float64], tolerance: float,
) -> Interior:  # fmt: skip
    """Minimise ``cost`` over amounts of 0 or more whose rows reach ``right`` exactly.

    Parameters
    ----------
    first, row, cost
        Columns of ones.
    slack
        (rows, 2): what a unit more, and what a unit less of each row costs; inf: not to be had. The
        duals lie between ``-slack[:, 1]`` and ``slack[:, 0]``.
    start
        Duals to begin with.
    tolerance
        Relative gap at which it stops.
    """
    rows = right.size
    more, less = np.flatnonzero(np.isfinite(slack[:, 0])), np.flatnonzero(np.isfinite(slack[:, 1]))
    columns = cost.size
    whole = np.concatenate([cost, slack[more, 0], slack[less, 1]])
    unit = max(float(np.abs(whole).mean()), 1e-9)  # money in units in which costs are about 1
    whole = whole / unit

    def apply(amount: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.empty(rows)
        _master_kernels.times(first, row, amount[:columns], total)
        total[more] += amount[columns : columns + more.size]
        total[less] -= amount[columns + more.size :]
        return total

    def worth(dual: NDArray[np.float64]) -> NDArray[np.float64]:
        value = np.empty(whole.size)
        _master_kernels.priced(first, row, dual, value[:columns])
        value[columns : columns + more.size] = dual[more]
        value[columns + more.size :] = -dual[less]
        return value

    walls = -slack[:, 1] / unit, slack[:, 0] / unit
    y = np.clip(start / unit, walls[0] + 1e-3, walls[1] - 1e-3)
    s = np.maximum(whole - worth(y), 1e-2)
    x = np.clip(1e-2 / s, 1e-6, 1.0)
    matrix = np.empty((rows, rows))
    gap, missing = np.inf, np.inf
    for _ in range(_STEPS):
        lacks = right - apply(x)
        off = whole - worth(y) - s
        mu = float(x @ s) / x.size
        objective = float(whole @ x)
        gap = float(x @ s) / max(1e-9, abs(objective))
        missing = float(np.abs(lacks).max(initial=0.0))
        if gap < tolerance and missing < _ENOUGH and np.abs(off).max() < 1e-3:
            break
        if not mu < 1e9:
            break  # away from any answer: what it has is no worse than what it would find
        weight = x / s
        _master_kernels.normal_matrix(first, row, weight[:columns], matrix)
        matrix[more, more] += weight[columns : columns + more.size]
        matrix[less, less] += weight[columns + more.size :]
        matrix.flat[:: rows + 1] += 1e-12 * float(matrix.diagonal().max()) + 1e-14
        try:
            factor = cho_factor(matrix, lower=True, overwrite_a=False, check_finite=False)
        except LinAlgError:
            break

        def direction(
            target: NDArray[np.float64],
        ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
            known = (target - x * off) / s  # noqa: B023
            dy = cho_solve(factor, lacks - apply(known), check_finite=False)  # noqa: B023
            ds = off - worth(dy)  # noqa: B023
            dx = (target - x * ds) / s  # noqa: B023
            return dx, dy, ds

        dx, dy, ds = direction(-x * s)
        p, d = _step(x, dx, 1.0), _step(s, ds, 1.0)
        ahead = float((x + p * dx) @ (s + d * ds)) / x.size
        centred = mu * min(1.0, max(0.0, ahead / mu)) ** 3
        dx, dy, ds = direction(centred - x * s - dx * ds)
        if not (np.isfinite(dx).all() and np.isfinite(dy).all()):
            break  # rounding has the better of it: what is reached is what there is
        p, d = _step(x, dx, _SHORT_OF_WALL), _step(s, ds, _SHORT_OF_WALL)
        x, y, s = x + p * dx, y + d * dy, s + d * ds
    bought = float(x[columns : columns + more.size][np.isfinite(slack[more, 1])].sum())
    bought += float(x[columns + more.size :].sum())
    y = np.clip(y, *walls) * unit
    return Interior(x[:columns], y, float(whole @ x) * unit, gap, missing, bought)


def _step(at: NDArray[np.float64], by: NDArray[np.float64], share: float) -> float:
    falling = by < 0
    if not falling.any():
        return 1.0
    return min(1.0, share * float((-at[falling] / by[falling]).min()))
