"""Every kernel against its slow, obvious twin."""

import math

import naive
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobility.feed import _kernels, stop_events
from mobility.feed.geometry import unit_vectors

clock = st.from_regex(r"[0-9]{1,4}:[0-9]{2}:[0-9]{2}", fullmatch=True)
times = st.one_of(clock, st.text("0123456789:- x", max_size=10))


def int32(values):
    return np.array(values, np.int32)


@given(st.lists(times, max_size=20))
def test_parse_times(texts):
    got = stop_events.distinct_times(pa.array(texts, pa.string()))
    assert got.tolist() == [naive.parse_time(one) for one in texts]


def test_blank_and_bad_are_the_same_everywhere():
    assert (_kernels.BLANK, _kernels.BAD) == (stop_events.BLANK, stop_events.BAD)


@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(-3, 5)), max_size=40))
def test_order_events(rows):
    trip, sequence = [row[0] for row in rows], [row[1] for row in rows]
    offsets, order = np.zeros(6, np.int32), np.empty(len(rows), np.int32)
    placed = _kernels.order_events(int32(trip), int32(sequence), offsets, order)
    assert order[:placed].tolist() == naive.order_events(trip, sequence)
    assert np.diff(offsets).tolist() == [trip.count(one) for one in range(5)]


place = st.tuples(st.floats(-80, 80), st.floats(-179, 179))


@given(st.lists(st.lists(st.none() | place, max_size=6), max_size=4))
def test_measure_paths(paths):
    places = [one for path in paths for one in path]
    degrees = np.array([one or (math.nan, math.nan) for one in places]).reshape(-1, 2)
    offsets = int32(np.cumsum([0, *map(len, paths)]))
    along = np.empty(len(places))
    _kernels.measure_paths(
        offsets, np.arange(len(places), dtype=np.int32), unit_vectors(*degrees.T), along
    )
    expected = [one for path in paths for one in naive.path_metres(path)]
    assert along.tolist() == pytest.approx(expected, rel=1e-6, abs=0.5)


def test_a_point_of_no_stop_adds_nothing():
    xyz = unit_vectors(np.array([0.0, 0.0]), np.array([10.0, 11.0]))
    along = np.empty(3)
    _kernels.measure_paths(int32([0, 3]), int32([0, -1, 1]), xyz, along)
    assert along.tolist() == pytest.approx([0, 0, naive.great_circle_m((0, 10), (0, 11))])


# Metres east and north of 33.44 S, 70.65 W, on a coarse grid: a corner of a city.
grid = st.tuples(st.integers(-20, 20), st.integers(-20, 20)).map(lambda p: (p[0] * 60, p[1] * 60))


def on_earth(flat):
    radius = _kernels.EARTH_M
    lat = -33.44 + np.degrees(np.array([y for _, y in flat]) / radius)
    lon = -70.65 + np.degrees(
        np.array([x for x, _ in flat]) / radius / math.cos(math.radians(-33.44))
    )
    return unit_vectors(lat, lon)


@given(st.lists(grid, min_size=2, max_size=8), grid, grid)
def test_place_on_shapes(line, start, end):
    points = on_earth(line)
    along = np.empty(len(points))
    offsets = int32([0, len(points)])
    _kernels.measure_paths(offsets, np.arange(len(points), dtype=np.int32), points, along)
    out = np.empty((1, 4))
    near = 25.0
    _kernels.place_on_shapes(
        int32([0]),
        int32([0]),
        int32([1]),
        on_earth([start, end]),
        offsets,
        points,
        along,
        near,
        out,
    )
    backward = [(off, metres) for off, metres in reversed(naive.project(end, line))]
    for side, places in enumerate([naive.project(start, line), backward]):
        nearest, _ = naive.first_dip(places, near)
        assert out[0, 2 + side] == pytest.approx(nearest, abs=1.0)
        # Where two dips tie, rounding chooses: the place must be one that is near enough.
        offs = [off for off, metres in places if abs(metres - out[0, side]) < 2.0]
        assert offs
        assert min(offs) <= nearest + near + 1.0


def test_the_start_is_the_first_near_place_and_the_end_the_last():
    # Out and back along one street; the stop lies at its foot.
    line = [(0, 0), (1000, 0), (0, 0)]
    places = naive.project((0, 10), line)
    assert naive.first_dip(places, 25) == (10, 0)
    points, out = on_earth(line), np.empty((1, 4))
    along = np.empty(3)
    _kernels.measure_paths(int32([0, 3]), int32([0, 1, 2]), points, along)
    _kernels.place_on_shapes(
        int32([0]),
        int32([0]),
        int32([0]),
        on_earth([(0, 10)]),
        int32([0, 3]),
        points,
        along,
        25.0,
        out,
    )
    assert out[0].tolist() == pytest.approx([0, 2000, 10, 10], abs=1)


blank_or_time = st.integers(-2, 60)


@st.composite
def trip_times(draw):
    n = draw(st.integers(2, 7))
    cells = st.lists(blank_or_time, min_size=n, max_size=n)
    arrive, depart = draw(cells), draw(cells)
    depart[0] = draw(st.integers(0, 30))
    arrive[-1] = draw(st.integers(30, 70))
    along = np.cumsum(draw(st.lists(st.sampled_from([0.0, 1.0, 2.5]), min_size=n, max_size=n)))
    return arrive, depart, along.tolist()


@given(st.lists(trip_times(), min_size=1, max_size=4))
def test_fill_times(trips):
    offsets = int32(np.cumsum([0, *(len(one[0]) for one in trips)]))
    arrive, depart, along = (
        [value for one in trips for value in one[column]] for column in range(3)
    )
    chosen = np.arange(len(trips))[::-1]
    sizes = np.diff(offsets)[chosen]
    to = int32(np.cumsum([0, *sizes]))
    got_arrive, got_depart = np.empty(to[-1], np.int32), np.empty(to[-1], np.int32)
    _kernels.fill_times(
        offsets,
        int32(chosen),
        int32(arrive),
        int32(depart),
        np.array(along),
        to,
        got_arrive,
        got_depart,
    )
    expected = [pair for one in chosen for pair in naive.fill_times(*trips[one])]
    assert list(zip(got_arrive.tolist(), got_depart.tolist(), strict=True)) == expected
    for t in range(len(trips)):
        both = np.stack([got_arrive, got_depart], axis=1)[to[t] : to[t + 1]].ravel()
        assert (np.diff(both) >= 0).all()


@given(st.lists(st.lists(st.integers(0, 90_000), max_size=12), max_size=4))
def test_headways(lines):
    group = [g for g, line in enumerate(lines) for _ in line]
    depart = [time for line in lines for time in sorted(line)]
    shape = (len(lines), 26)
    count, gaps = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    total, least, most = np.zeros(shape), np.full(shape, 2**31 - 1, np.int32), np.full(shape, -1)
    most = most.astype(np.int32)
    _kernels.headways(int32(group), int32(depart), count, gaps, total, least, most)
    for g, line in enumerate(lines):
        cells = naive.headways(line)
        assert count[g].sum() == len(line)
        for hour, (trips, headways) in cells.items():
            assert count[g, hour] == trips
            assert gaps[g, hour] == len(headways)
            assert total[g, hour] == sum(headways)
            if headways:
                assert (least[g, hour], most[g, hour]) == (min(headways), max(headways))
