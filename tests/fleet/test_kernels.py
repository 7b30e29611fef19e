"""Kernels of the fleet against their slow twins."""

import naive
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mobility.fleet import _battery_kernels, _kernels


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
    when, least = _kernels.pull_outs(
        starts, time_s, metres, np.array([0, 1], np.int32), np.array([2], np.int32),
        np.array([by_s], np.int32),
    )  # fmt: skip
    slow = [naive.latest_leave(starts, time_s[:, depot, 2], by_s, 300) for depot in (0, 1)]
    assert when[0] == max(slow)
    assert least[0] == 100 * min(seconds[0][0], seconds[1][0])


@given(st.lists(st.integers(0, 100), min_size=1, max_size=5, unique=True), st.integers(-20, 120))
def test_kernel_band_is_the_last_one_that_started(starts, at_s):
    starts = sorted(starts)
    expected = max(sum(start <= at_s for start in starts) - 1, 0)
    assert _kernels.band_of(np.array(starts, np.int32), np.int32(at_s)) == expected


@given(
    st.lists(
        st.lists(st.sampled_from([5, 9, 30, 100_000_000]), min_size=2, max_size=2),
        min_size=2,
        max_size=2,
    ),
    st.integers(0, 1),
)
def test_kernel_pull_ins_take_the_best_of_both_depots(seconds, band):
    """Two bands; two depots at rows 0 and 1, one place at row 2."""
    time_s = np.zeros((2, 3, 3), np.int32)
    for depot in (0, 1):
        time_s[:, 2, depot] = seconds[depot]
    metres = 7 * time_s
    needed, least = _kernels.pull_ins(
        time_s,
        metres,
        np.array([0, 1], np.int32),
        np.array([2], np.int32),
        np.array([band], np.int32),
    )
    ways = [seconds[depot][band] for depot in (0, 1)]
    assert needed[0] == min(ways)
    if min(ways) < 100_000_000:
        assert least[0] == 7 * min(ways)


KWH = st.integers(0, 30).map(float)
LEG = st.tuples(KWH, KWH, KWH, st.integers(0, 50_000), st.integers(50_000, 120_000))


@given(
    st.lists(LEG, min_size=1, max_size=6),
    st.lists(st.tuples(KWH, KWH, KWH, st.booleans()), min_size=6, max_size=6),
)
def test_kernel_reach_drives_as_far_as_the_battery_does(legs, stays):
    out, trip, home, leaves, back = (np.array(one) for one in zip(*legs, strict=True))
    count = len(legs)
    before, gain, after, via = (np.array(one)[:count] for one in zip(*stays, strict=True))
    nothing = np.zeros(count)
    good, _, _ = _battery_kernels.reach(
        0, count, via, trip, out, home, np.where(via, nothing, before + after),
        np.where(via, nothing, gain), before, after, gain, leaves, back, 90.0, 10.0, 90.0, 20.0,
    )  # fmt: skip
    # Straight on the charge comes first, then the run: all of its energy after the gain.
    slow = [
        (b, g, a) if v else (0.0, g, b + a)
        for b, g, a, v in zip(before, gain, after, via, strict=True)
    ]
    assert good == naive.driven_on_one_battery(legs, slow, 90.0, 10.0, 90.0, 20.0)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 1), st.integers(0, 60_000), st.integers(600, 20_000), st.integers(0, 80)
        ),
        min_size=1,
        max_size=7,
    )
)
def test_kernel_joined_pieces_fit_behind_each_other(pieces):
    """Each piece follows at most one other, of its depot, that is home before it leaves, and has energy."""
    pieces = sorted(
        (start, start + length, depot, float(used)) for depot, start, length, used in pieces
    )
    start, end, depot, used = (np.array(one) for one in zip(*pieces, strict=True))
    full, stay_kw = 80.0, 30.0
    before = np.full(len(pieces), -1, np.int32)
    vehicles = _battery_kernels.join_pieces(
        depot.astype(np.int32), start, end, full - used, full - used, np.full(2, 50.0),
        np.full(len(pieces), stay_kw), np.int64(300), full, before,
    )  # fmt: skip
    assert vehicles == (before < 0).sum()
    followed = before[before >= 0].tolist()
    assert len(followed) == len(set(followed))
    charge = np.zeros(len(pieces))
    for at, tail in enumerate(before):
        ready = full
        if tail >= 0:
            assert depot[tail] == depot[at]
            assert end[tail] <= start[at]
            ready = min(full, charge[tail] + (start[at] - end[tail]) / 3_600 * stay_kw)
        assert ready - used[at] >= -1e-6
        charge[at] = ready - used[at]
