"""The rules on whole arrays beside slow, obvious loops over rows, on random small feeds."""

from collections import defaultdict
from datetime import date, timedelta
from itertools import combinations, pairwise

from defects import CLEAN, packed
from hypothesis import given
from hypothesis import strategies as st

from mobility.feed.read import read_feed
from mobility.units import format_time

STOPS = ("P", "Q", "R")
DAY_1 = date(2025, 3, 3)
SECONDS = st.integers(0, 8).map(lambda at: at * 600)
CALLS = st.tuples(
    st.sampled_from(["t0", "t1", "t2"]),
    st.integers(0, 5),
    st.sampled_from(STOPS),
    st.none() | st.tuples(SECONDS, st.integers(0, 1)),
    st.none() | st.integers(0, 4),
)


def findings_of(tmp_path_factory, **tables):
    files = {name: content for name, content in CLEAN.items() if name in NEEDED}
    files |= {f"{name}.txt": "\n".join(lines).encode() + b"\n" for name, lines in tables.items()}
    path = tmp_path_factory.mktemp("twin") / "feed.zip"
    path.write_bytes(packed(files))
    found = defaultdict(lambda: (0, 0))
    for one in read_feed(path, cache=False).findings:
        row, count = found[one.code]
        found[one.code] = (min(row or one.row, one.row), count + one.count)
    return found


NEEDED = {"agency.txt", "stops.txt", "routes.txt"}
TRIPS = ["route_id,service_id,trip_id", *(f"1,all,t{at}" for at in range(3))]
DATES = ["service_id,date,exception_type", "all,20250303,1"]


def told(rows):
    return (min(rows), len(rows)) if rows else (0, 0)


@given(calls=st.lists(CALLS, min_size=1, max_size=14, unique_by=lambda one: one[:2]))
def test_stop_times(tmp_path_factory, calls):
    lines = ["trip_id,stop_sequence,stop_id,arrival_time,departure_time,shape_dist_traveled"]
    trips = defaultdict(list)
    for row, (trip, sequence, stop, times, distance) in enumerate(calls, 2):
        arrive = depart = None
        if times:
            arrive, depart = times[0], times[0] + 300 * times[1]
        clock = ["" if one is None else format_time(one) for one in (arrive, depart)]
        lines.append(f"{trip},{sequence},{stop},{','.join(clock)},{distance or ''}")
        trips[trip].append((sequence, row, stop, arrive, depart, distance or None))

    back, untimed, standing, alone, falling = [], [], [], [], []
    for name, events in trips.items():
        events.sort()
        timed = [one for one in events if one[3] is not None]
        back += [b[1] for a, b in pairwise(timed) if b[3] < a[4]]
        measured = [one for one in events if one[5] is not None]
        falling += [b[1] for a, b in pairwise(measured) if b[5] <= a[5]]
        untimed += {one[1] for one in (events[0], events[-1]) if one[3] is None}
        row = 2 + int(name[1])
        if len(events) == 1:
            alone.append(row)
        elif len({one[2] for one in events}) == 1:
            standing.append(row)

    found = findings_of(tmp_path_factory, trips=TRIPS, calendar_dates=DATES, stop_times=lines)
    assert found["stop_time_with_arrival_before_previous_departure_time"] == told(back)
    assert found["missing_trip_edge"] == told(untimed)
    assert found["decreasing_or_equal_stop_time_distance"] == told(falling)
    assert found["unusable_trip"] == told(alone)
    assert found["zero_length_trip"] == told(standing)
    assert found["unused_trip"] == told([2 + at for at in range(3) if f"t{at}" not in trips])


@given(
    trips=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 2), SECONDS, st.integers(1, 4)),
        min_size=1,
        max_size=8,
    ),
    runs=st.lists(st.sets(st.integers(0, 3), min_size=1), min_size=3, max_size=3),
)
def test_blocks(tmp_path_factory, trips, runs):
    table, calls = ["route_id,service_id,trip_id,block_id"], []
    for at, (block, service, start, length) in enumerate(trips):
        end = start + length * 600
        table.append(f"1,w{service},t{at},{block}")
        calls += [
            f"t{at},1,P,{format_time(start)},{format_time(start)}",
            f"t{at},2,Q,{format_time(end)},{format_time(end)}",
        ]
    dates = ["service_id,date,exception_type"]
    for service, days in enumerate(runs):
        dates += [f"w{service},{DAY_1 + timedelta(one):%Y%m%d},1" for one in sorted(days)]

    late = set()
    for (i, one), (j, other) in combinations(enumerate(trips), 2):
        if one[0] != other[0] or not runs[one[1]] & runs[other[1]]:
            continue
        (first, _), (second, row) = sorted([(one, i), (other, j)], key=lambda t: span(t[0], t[1]))
        if second[2] < first[2] + first[3] * 600:
            late.add(row + 2)

    found = findings_of(
        tmp_path_factory,
        trips=table,
        calendar_dates=dates,
        stop_times=["trip_id,stop_sequence,stop_id,arrival_time,departure_time", *calls],
    )
    assert found["block_trips_with_overlapping_stop_times"] == told(late)


def span(trip, row):
    """Order within a block: start, end, row of the file."""
    return trip[2], trip[2] + trip[3] * 600, row


@given(
    windows=st.lists(
        st.tuples(st.integers(0, 1), SECONDS, st.integers(1, 4)),
        min_size=1,
        max_size=8,
        unique_by=lambda one: one[:2],
    )
)
def test_windows(tmp_path_factory, windows):
    lines = ["trip_id,start_time,end_time,headway_secs"]
    lines += [
        f"t{trip},{format_time(start)},{format_time(start + length * 600)},300"
        for trip, start, length in windows
    ]
    over = [
        row
        for row, (trip, start, _) in enumerate(windows, 2)
        if any(t == trip and s < start < s + n * 600 for t, s, n in windows)
    ]
    calls = ["trip_id,stop_sequence,stop_id,arrival_time,departure_time"]
    for at in range(3):
        calls += [f"t{at},1,P,00:00:00,00:00:00", f"t{at},2,Q,00:10:00,00:10:00"]
    found = findings_of(
        tmp_path_factory, trips=TRIPS, calendar_dates=DATES, stop_times=calls, frequencies=lines
    )
    assert found["overlapping_frequency"] == told(over)
