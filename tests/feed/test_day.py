"""A service day: gtfs_kit as the oracle, the odd feeds, and the days on which clocks change."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from mobility.feed import read_feed

COLUMNS = {
    "trip_id": "str",
    "template_trip_id": "str",
    "route_id": "str",
    "route_type": "int32",
    "direction_id": "int32",
    "service_id": "str",
    "block_id": "str",
    "shape_id": "str",
    "depart_s": "int32",
    "arrive_s": "int32",
    "from_stop": "str",
    "to_stop": "str",
    "distance_km": "float64",
    "stops": "int32",
    "headway": "bool",
}


def odd(samples_folder, name):
    return read_feed(samples_folder / "odd" / name, cache=False)


@pytest.mark.parametrize("name", ["santiago", "changsha", "incheon", "odd/plain"])
def test_the_table_of_trips(samples_folder, name):
    day = read_feed(samples_folder / name, cache=False).day()
    trips = day.trips
    assert list(trips.columns) == list(COLUMNS)
    assert isinstance(trips.index, pd.RangeIndex)
    numbers = {name: kind for name, kind in COLUMNS.items() if kind != "str"}
    assert {name: str(trips[name].dtype) for name in numbers} == numbers
    assert trips["trip_id"].is_unique
    order = trips[["depart_s", "trip_id"]]
    assert order.equals(order.sort_values(["depart_s", "trip_id"], ignore_index=True))
    assert (trips["distance_km"] > 0).all()
    assert not trips.isna().any().any()
    assert set(trips["from_stop"]) | set(trips["to_stop"]) <= set(day.stops.index)
    assert list(day.stops.columns) == ["name", "lat", "lon"]
    assert str(day).endswith(f"{len(trips):,} trips")


@pytest.mark.parametrize("name", ["santiago", "odd/plain", "odd/blank_times", "odd/past_midnight"])
def test_stop_events_belong_to_the_trips(samples_folder, name):
    feed = read_feed(samples_folder / name, cache=False)
    day = feed.day()
    events = day.stop_events
    for array in (events.trip, events.stop, events.arrive_s, events.depart_s, events.offsets):
        assert array.dtype == np.int32
    first, last = events.offsets[:-1], events.offsets[1:] - 1
    assert (events.depart_s[first] == day.trips["depart_s"]).all()
    assert (events.arrive_s[last] == day.trips["arrive_s"]).all()
    ids = feed.raw["stops"].text("stop_id")
    assert (ids[events.stop[first]] == day.trips["from_stop"]).all()
    assert (ids[events.stop[last]] == day.trips["to_stop"]).all()
    assert (np.diff(events.offsets) == day.trips["stops"]).all()
    assert (events.trip[first] == np.arange(len(day.trips))).all()
    assert (events.depart_s >= events.arrive_s).all()
    same = np.diff(events.trip) == 0
    assert (events.arrive_s[1:][same] >= events.depart_s[:-1][same]).all()


def test_blank_times_are_filled_along_the_distance(samples_folder):
    day = odd(samples_folder, "blank_times").day()
    at = day.trips.index[day.trips["trip_id"] == "out1"][0]
    own = slice(day.stop_events.offsets[at], day.stop_events.offsets[at + 1])
    # 11 min over 2.97 km; stops at 0.93 and 1.86 km.
    assert (day.stop_events.arrive_s[own] - 28_800).tolist() == [0, 207, 413, 660]


def test_what_cannot_run_is_left_out_and_told(samples_folder):
    day = odd(samples_folder, "one_stop_trip").day()
    assert "out3" not in set(day.trips["trip_id"])
    assert "1 trip left out: fewer than 2 timed stops" in day.assumptions


def test_bad_ends_leave_a_trip_out(samples_folder, tmp_path):
    for file in (samples_folder / "odd" / "plain").glob("*.txt"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    text = (tmp_path / "stop_times.txt").read_text().splitlines()
    header = text[0].split(",")
    rows = [dict(zip(header, line.split(","), strict=True)) for line in text[1:]]
    by_trip = {}
    for row in rows:
        by_trip.setdefault(row["trip_id"], []).append(row)
    first, second, third = by_trip.values()
    first[0]["arrival_time"], first[0]["departure_time"] = "", "8:99:00"
    second[-1]["arrival_time"] = second[-1]["departure_time"] = "00:00:01"
    third[0]["departure_time"] = ""  # its arrival serves
    lines = [",".join(row[name] for name in header) for row in rows]
    (tmp_path / "stop_times.txt").write_text("\n".join([text[0], *lines]) + "\n")
    day = read_feed(tmp_path, cache=False).day()
    assert day.trips["trip_id"].tolist() == [third[0]["trip_id"]]
    assert "1 trip left out: arrival before departure" in day.assumptions


def test_without_shapes_the_crow_flies_and_says_so(samples_folder, tmp_path):
    for file in (samples_folder / "odd" / "no_shapes").glob("*.txt"):
        text = file.read_text()
        if file.name == "stop_times.txt":
            lines = [line.split(",") for line in text.splitlines()]
            at = lines[0].index("shape_dist_traveled")
            text = "\n".join(",".join(c for i, c in enumerate(x) if i != at) for x in lines) + "\n"
        (tmp_path / file.name).write_text(text)
    crow = read_feed(tmp_path, cache=False).day()
    assert any("crow-flight x 1.3" in one for one in crow.assumptions)
    told = odd(samples_folder, "no_shapes").day()
    assert any("taken to be in km" in one for one in told.assumptions)
    line = odd(samples_folder, "plain").day()
    assert line.assumptions == []
    assert told.trips["distance_km"].tolist() == pytest.approx(line.trips["distance_km"], rel=0.05)
    assert (crow.trips["distance_km"] / line.trips["distance_km"]).between(0.7, 1.4).all()


def test_zones(samples_folder):
    two = odd(samples_folder, "two_timezones").day()
    assert two.timezone == "America/Santiago"
    assert any("2 time zones" in one for one in two.assumptions)
    unknown = odd(samples_folder, "bad_timezone").day()
    assert unknown.timezone == "UTC"
    assert any("America/Santiagoo" in one for one in unknown.assumptions)


@pytest.mark.parametrize(
    ("when", "origin", "departures"),
    [
        # Clocks go back at 24:00 of 5 April: the service day of the 5th begins at 00:00 -03.
        ("2025-04-05", (2025, 4, 5, 3), ["00:10-0300", "02:50-0300", "23:50-0400"]),
        ("2025-04-06", (2025, 4, 6, 4), ["00:10-0400", "02:50-0400", "00:50-0400"]),
        # They go forward at 24:00 of 6 September: noon minus 12 h of the 7th is 23:00 -04.
        ("2025-09-06", (2025, 9, 6, 4), ["00:10-0400", "02:50-0400", "01:50-0300"]),
        ("2025-09-07", (2025, 9, 7, 3), ["23:10-0400", "02:50-0300", "00:50-0300"]),
    ],
)
def test_seconds_count_from_noon_minus_twelve_hours(samples_folder, when, origin, departures):
    day = odd(samples_folder, "dst").day(when)
    assert day.origin == datetime(*origin, tzinfo=UTC)
    stamps = day.timestamps(day.trips["depart_s"])
    assert str(stamps.dt.tz) == "America/Santiago"
    assert stamps.dt.strftime("%H:%M%z").tolist() == departures


def test_timestamps_of_a_number_an_array_and_a_series(samples_folder):
    day = odd(samples_folder, "plain").day()
    wanted = pd.Timestamp(f"{day.date} 08:00", tz=day.timezone)
    assert day.timestamps(28_800) == wanted
    assert day.timestamps(np.int32(28_800)) == wanted
    assert list(day.timestamps(np.array([28_800, 28_801], np.int32))) == [
        wanted,
        wanted + timedelta(seconds=1),
    ]
    assert day.timestamps(pd.Series([28_800], index=[7])).loc[7] == wanted
    assert day.timestamps(pd.Series([], dtype="int32")).empty


@pytest.mark.parametrize(
    ("when", "depart_s"),
    [("2025-04-06", 89_400 - 90_000), ("2025-09-07", 89_400 - 82_800)],
)
def test_the_tail_of_the_day_before_keeps_its_instant(samples_folder, when, depart_s):
    feed = odd(samples_folder, "dst")
    day = feed.day(when)
    both = day.overlapping()
    tail = both[both["service_date"] != day.date]
    assert tail["trip_id"].tolist() == ["out2"]
    assert tail["depart_s"].tolist() == [depart_s]
    before = feed.day(day.date - timedelta(days=1))
    absolute = before.timestamps(before.trips.set_index("trip_id").loc[["out2"], "depart_s"])
    assert day.timestamps(tail["depart_s"]).tolist() == absolute.tolist()
    assert len(both) == len(day.trips) + 1
    assert both["depart_s"].is_monotonic_increasing


def test_the_first_date_has_no_tail(samples_folder):
    day = odd(samples_folder, "dst").day("2025-04-05")
    assert len(day.overlapping()) == len(day.trips)


@pytest.mark.parametrize("name", ["cairns", "hart", "caltrain", "trimet2", "bart_new"])
def test_trips_a_date_as_gtfs_kit_counts_them(shared_gtfs, name):
    import gtfs_kit

    path = shared_gtfs / f"{name}.zip"
    feed, oracle = read_feed(path, cache=False), gtfs_kit.read_feed(path)
    dates = [one for kind in feed.day_types() for one in kind.dates[:1]]
    for one in dates[:12]:
        expected = oracle.get_trips(date=f"{one:%Y%m%d}")
        day = feed.day(one)
        assert set(day.trips["trip_id"]) == set(expected["trip_id"])
        assert day.assumptions == []
    # gtfs_kit takes another date on ties: the number of trips is what both must agree on.
    theirs = oracle.get_trips(date=oracle.compute_busiest_date(oracle.get_dates()))
    assert len(feed.day("busiest").trips) == len(theirs)


@pytest.mark.parametrize(
    ("name", "trips"), [("cdmx", 40_538), ("poa_eptc", 2_374), ("ctran_flex", 0), ("amtrak", 1_173)]
)
def test_other_real_feeds(shared_gtfs, name, trips):
    feed = read_feed(shared_gtfs / f"{name}.zip", cache=False)
    day = feed.day()
    assert len(day.trips) == trips
    assert (day.stop_events.depart_s >= day.stop_events.arrive_s).all()
    assert isinstance(day.date, date)
