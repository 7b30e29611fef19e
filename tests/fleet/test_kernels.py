"""Kernels of the fleet against their slow twins."""

import naive
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mobility.fleet import _kernels


@given(
    st.lists(st.integers(1, 80), max_size=3, unique=True),
    st.lists(st.lists(st.integers(1, 60), min_size=4, max_size=4), min_size=2, max_size=2),
    st.integers(0, 150),
)
def test_kernel_pull_outs_leave_as_late_as_they_can(bands, seconds, by_s):
    """Two depots at rows 0 and 1, one place at row 2: the later of both, and the shorter way."""
    starts = np.array([0, *sorted(bands)], np.int32)
    time_s = np.zeros((starts.size, 3, 3), np.int32)
    metres = np.zeros((1, 3, 3), np.int32)
    for depot in (0, 1):
        time_s[:, depot, 2] = seconds[depot][: starts.size]
        metres[0, depot, 2] = 100 * seconds[depot][0]
    when, least = _kernels.depot_runs(
        starts, time_s, metres, np.array([0, 1], np.int32), np.array([2], np.int32),
        np.array([by_s], np.int32), True,
    )  # fmt: skip
    slow = [naive.latest_leave(starts, time_s[:, depot, 2], by_s, 300) for depot in (0, 1)]
    assert when[0] == max(slow)
    assert least[0] == 100 * min(seconds[0][0], seconds[1][0])


@given(st.lists(st.integers(0, 100), min_size=1, max_size=5, unique=True), st.integers(-20, 120))
def test_kernel_band_is_the_last_one_that_started(starts, at_s):
    starts = sorted(starts)
    expected = max(sum(start <= at_s for start in starts) - 1, 0)
    assert _kernels.band_of(np.array(starts, np.int32), np.int32(at_s)) == expected
