"""Kernels of an exchange of rests of days: who takes part, and who gets which rest. Costs: minor units."""

import numpy as np

from mobility._jit import kernel

# fmt: off

STUCK = 1e9  # the cost of what cannot be driven now, and may stay
NEVER = 1e15


@kernel
def neighbours(mine, few, seed, cuts, seq, size, home, depart, origin, target, metres, depot_place, split):
    """Draw a time and a place; the duties of ``mine`` that are nearest to it then.

    Fills ``split``: how many trips of each duty depart before the time. ``metres`` is (places, places).
    The rounds are seeded one by one, so they repeat whichever thread they run on.
    """
    np.random.seed(seed)
    away = np.empty(mine.size)
    cut = cuts[np.random.randint(0, cuts.size)]
    pivot = mine[np.random.randint(0, mine.size)]
    while size[pivot] == 0:
        pivot = mine[np.random.randint(0, mine.size)]
    spot = origin[seq[pivot, np.random.randint(0, size[pivot])]]
    for at in range(mine.size):
        duty = mine[at]
        low = 0
        while low < size[duty] and depart[seq[duty, low]] < cut:
            low += 1
        split[duty] = low
        if size[duty] == 0:
            away[at] = 5e4 + 1e4 * np.random.random()
            continue
        if low > 0:
            here = target[seq[duty, low - 1]]
            other = here if low == size[duty] else origin[seq[duty, low]]
        else:
            here = origin[seq[duty, 0]]
            other = here
        near = min(metres[spot, here], metres[spot, other])
        if low == 0 or low == size[duty]:
            near = min(near, metres[spot, depot_place[home[duty]]])
        away[at] = near * (0.5 + np.random.random()) + np.random.random()
    return mine[np.argsort(away)[:few]]


@kernel
def assign_rows(cost, column_of):
    """Least-cost assignment of rows to columns of a square matrix, by shortest augmenting paths."""
    n = cost.shape[0]
    v = np.empty(n)
    u = np.zeros(n)
    row_of = np.full(n, -1, np.int32)
    column_of[:] = -1
    for j in range(n - 1, -1, -1):
        best = 0
        for i in range(1, n):
            if cost[i, j] < cost[best, j]:
                best = i
        v[j] = cost[best, j]
        if column_of[best] < 0:
            column_of[best] = j
            row_of[j] = best
    distance = np.empty(n)
    before = np.empty(n, np.int32)
    done = np.empty(n, np.bool_)
    for free in range(n):
        if column_of[free] >= 0:
            continue
        distance[:] = np.inf
        before[:] = -1
        done[:] = False
        row = free
        column = -1
        length = 0.0
        while True:
            least = np.inf
            nearest = -1
            for j in range(n):
                if done[j]:
                    continue
                new = length + cost[row, j] - u[row] - v[j]
                if new < distance[j]:
                    distance[j] = new
                    before[j] = row
                if distance[j] < least:
                    least = distance[j]
                    nearest = j
            length = least
            column = nearest
            done[column] = True
            if row_of[column] < 0:
                break
            row = row_of[column]
        u[free] += length
        for j in range(n):
            if done[j] and j != column:
                u[row_of[j]] += length - distance[j]
                v[j] -= length - distance[j]
        while True:
            row = before[column]
            row_of[column] = row
            other = column_of[row]
            column_of[row] = column
            column = other
            if row == free:
                break


@kernel
def exchange(rows, noise, cost, place, seq, size, home, paid, split):
    """Give every first part the rest that is cheapest for all, with some noise; what it saves.

    Row i, column j of ``cost`` and ``place`` (depots): first part of ``rows[i]``, rest of ``rows[j]``.
    """
    n = rows.size
    column_of = np.empty(n, np.int32)
    shown = np.minimum(cost, 1e11)
    bent = shown.copy()
    for i in range(n):
        for j in range(n):
            if noise > 0.0 and bent[i, j] < STUCK:
                bent[i, j] -= noise * np.log(np.random.random())
    assign_rows(bent, column_of)
    total, old, bias = 0.0, 0.0, 0.0
    for i in range(n):
        total += shown[i, column_of[i]]
        old += shown[i, i]
        bias += bent[i, i] - shown[i, i] - bent[i, column_of[i]] + shown[i, column_of[i]]
    # Never dearer than the noise explains.
    if total - old > max(0.0, bias) + 1e-6:
        return 0.0
    width = seq.shape[1]
    rest = np.empty((n, width), np.int32)
    long = np.empty(n, np.int32)
    for j in range(n):
        other = rows[j]
        long[j] = size[other] - split[other]
        for at in range(long[j]):
            rest[j, at] = seq[other, split[other] + at]
    for i in range(n):
        if split[rows[i]] + long[column_of[i]] > width:
            return 0.0
    for i in range(n):
        duty, j = rows[i], column_of[i]
        size[duty] = split[duty] + long[j]
        for at in range(long[j]):
            seq[duty, split[duty] + at] = rest[j, at]
        if size[duty] == 0:
            paid[duty] = 0.0
        else:
            home[duty] = place[i, j]
            paid[duty] = cost[i, j] if cost[i, j] < STUCK else NEVER
    return old - total


def warm():
    """Call every kernel that Python calls, with every dtype it is used with: one bus of one trip."""
    one32, many = np.zeros(1, np.int32), np.zeros((1, 1), np.int32)
    size = np.ones(1, np.int32)
    neighbours(one32, 1, 0, one32, many, size, one32, one32, one32, one32, many, one32, one32.copy())
    exchange(one32, 0.0, np.zeros((1, 1)), many, many.copy(), size, one32.copy(), np.zeros(1), one32)
