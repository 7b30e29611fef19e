"""Kernels of the master problem: sparse columns by ``first[c]:first[c + 1]`` of ``row`` (int32)."""

import numpy as np

from mobility._jit import kernel


@kernel
def normal_matrix(first, row, weight, matrix):
    """Fill ``matrix`` (rows, rows) with the sum of weight[c] times column c by itself."""
    matrix[:] = 0.0
    for column in range(weight.size):
        scale = weight[column]
        for one in range(first[column], first[column + 1]):
            for other in range(first[column], first[column + 1]):
                matrix[row[one], row[other]] += scale


@kernel
def times(first, row, amount, total):
    """Fill ``total`` (rows) with the columns times ``amount``."""
    total[:] = 0.0
    for column in range(amount.size):
        for one in range(first[column], first[column + 1]):
            total[row[one]] += amount[column]


@kernel
def priced(first, row, dual, worth):
    """Fill ``worth`` (columns) with the duals of each column's rows."""
    for column in range(worth.size):
        worth[column] = 0.0
        for one in range(first[column], first[column + 1]):
            worth[column] += dual[row[one]]


def warm():
    """Call every kernel that Python calls, with every dtype it is used with."""
    first, row, one = np.array([0, 1], np.int64), np.zeros(1, np.int32), np.ones(1)
    normal_matrix(first, row, one, np.zeros((1, 1)))
    times(first, row, one, np.zeros(1))
    priced(first, row, one, np.zeros(1))
