"""The classic multi-depot family: class A of Carpaneto, Dell'Amico, Fischetti, Toth (1989)."""

from __future__ import annotations

import numpy as np

from mobility.fleet.matrix import IMPOSSIBLE, MatrixProblem


def carpaneto(n: int, m: int, seed: int) -> MatrixProblem:
    """A random problem with n trips and m depots on a square of 60 x 60; distance = minutes.

    40 % short trips between two relief points, 60 % long ones that end where they begin; waiting is
    free, a pull-out and a pull-in cost 5,000 each, and 10 a minute of empty running.
    """
    random = np.random.default_rng(seed)
    points = random.uniform(0, 60, (int(random.integers(n // 3, n // 2 + 1)), 2))
    depots = random.uniform(0, 60, (m, 2))
    short = random.random(n) < 0.4
    origin = random.integers(0, len(points), n)
    target = np.where(short, random.integers(0, len(points), n), origin)
    drive = _distance(points[origin], points[target])
    part = random.random(n)
    peaks = np.select(
        [part < 0.15, part < 0.85],
        [random.integers(420, 481, n), random.integers(480, 1021, n)],
        random.integers(1020, 1081, n),
    )
    begin = np.where(short, peaks, random.integers(300, 1201, n))
    stay = random.integers(5, 41, n)
    end = begin + np.where(short, drive + stay, random.integers(180, 301, n))

    empty = _distance(points[target][:, None], points[origin][None])
    possible = end[:, None] + empty <= begin[None]
    np.fill_diagonal(possible, val=False)
    cost = np.full((m + n, m + n), IMPOSSIBLE, np.int64)
    cost[m:, m:] = np.where(possible, np.floor(10 * empty), IMPOSSIBLE)
    cost[:m, m:] = 5000 + np.floor(10 * _distance(depots[:, None], points[origin][None]))
    cost[m:, :m] = 5000 + np.floor(10 * _distance(points[target][:, None], depots[None]))
    capacity = random.integers(int(3 + n / (3 * m)), int(3 + n / (2 * m)) + 1, m)
    return MatrixProblem(capacity, cost, f"carpaneto({n}, {m}, {seed})")


def _distance(one, other):
    return np.hypot(one[..., 0] - other[..., 0], one[..., 1] - other[..., 1])
