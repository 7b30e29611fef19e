"""Every way of a depot through its trips that is not too dear. Words as in ``_column_kernels``."""

import numpy as np

from mobility._jit import kernel

_NO_WAY = 1 << 59


@kernel
def list_ways(start, end, to, cost, leave, enter, price, back, limit, depot, paid, at, trips):
    """List every way with slack up to ``limit``; ``leave`` is with rent.

    Fills ``depot`` and ``paid`` (ways; the cost with rent), and ``trips`` from ``at[way]`` to
    ``at[way + 1]``. Returns how many ways there are, -1 where they do not fit.
    """
    count, depots = leave.shape
    stack = np.empty(count + 1, np.int32)
    link = np.empty(count + 1, np.int64)
    slack = np.empty(count + 1, leave.dtype)
    spent = np.empty(count + 1, leave.dtype)
    ways = 0
    written = 0
    at[0] = 0
    for k in range(depots):
        for i in range(count):
            if leave[i, k] >= _NO_WAY or leave[i, k] - price[i] + back[i, k] > limit:
                continue
            stack[0] = i
            link[0] = -1
            slack[0] = leave[i, k] - price[i]
            spent[0] = leave[i, k]
            depth = 0
            while depth >= 0:
                i_now = stack[depth]
                if link[depth] < 0:
                    link[depth] = start[i_now, k]
                    if slack[depth] + enter[i_now, k] <= limit:
                        if ways >= depot.size or written + depth + 1 > trips.size:
                            return -1
                        depot[ways] = k
                        paid[ways] = spent[depth] + enter[i_now, k]
                        for one in range(depth + 1):
                            trips[written + one] = stack[one]
                        written += depth + 1
                        ways += 1
                        at[ways] = written
                if link[depth] >= end[i_now, k]:
                    depth -= 1
                    continue
                one = link[depth]
                link[depth] += 1
                j = to[one]
                more = slack[depth] + cost[one] - price[j]
                if more + back[j, k] <= limit:
                    depth += 1
                    stack[depth] = j
                    link[depth] = -1
                    slack[depth] = more
                    spent[depth] = spent[depth - 1] + cost[one]
    return ways


def warm():
    """Call the kernel with the dtypes it is used with."""
    one = np.ones((2, 1), np.int64)
    list_ways(
        np.array([[0], [1]], np.int64), one, np.array([1], np.int32), np.ones(1, np.int64), one, one,
        np.zeros(2, np.int64), one, np.int64(1), np.empty(4, np.int32), np.empty(4, np.int64),
        np.empty(5, np.int64), np.empty(8, np.int32),
    )  # fmt: skip
