"""To gtfs_kit and back."""

import numpy as np
import pytest

from mobility.feed import read_feed
from mobility.feed.bridge import from_gtfs_kit


@pytest.mark.parametrize("name", ["cairns", "caltrain", "trimet2", "bart_new", "saopaulo"])
def test_what_gtfs_kit_gets_is_what_it_reads(shared_gtfs, name):
    import gtfs_kit

    path = shared_gtfs / f"{name}.zip"
    ours, theirs = read_feed(path, cache=False).gtfs_kit, gtfs_kit.read_feed(path)
    assert ours.dist_units == theirs.dist_units
    for table, types in gtfs_kit.constants.DTYPES.items():
        a, b = getattr(ours, table), getattr(theirs, table)
        assert (a is None) == (b is None), table
        if a is None:
            continue
        assert list(a.columns) == list(b.columns)
        for column in a.columns:
            if column in types:
                assert a[column].dtype == b[column].dtype, (table, column)
                left, right = a[column], b[column]
                if right.dtype == "string":
                    right = right.str.strip()  # our reader cuts blanks around a cell, and says so
                assert (left.isna() == right.isna()).all(), (table, column)
                some = left.notna()
                assert (left[some] == right[some]).all(), (table, column)
    date = theirs.get_dates()[0]
    assert len(ours.get_trips(date=date)) == len(theirs.get_trips(date=date))


@pytest.mark.parametrize("name", ["cairns", "hart", "caltrain", "cdmx", "google_sample"])
def test_the_round_trip_keeps_counts_and_ids(shared_gtfs, name):
    feed = read_feed(shared_gtfs / f"{name}.zip", cache=False)
    again = read_feed(feed.gtfs_kit)
    known = {one: table for one, table in feed.raw.items() if one in again.raw}
    for one, table in known.items():
        assert len(again.raw[one]) == len(table)
    for table, key in (("stops", "stop_id"), ("trips", "trip_id"), ("routes", "route_id")):
        assert again.raw[table].text(key).tolist() == feed.raw[table].text(key).tolist()
    for column in ("stop", "sequence", "arrive_s", "depart_s", "offsets"):
        assert np.array_equal(getattr(again.stop_events, column), getattr(feed.stop_events, column))
    assert again.day().trips.equals(feed.day().trips)


def test_texts_that_look_like_nothing_stay(samples_folder):
    feed = read_feed(samples_folder / "odd" / "text_ids", cache=False)
    ids = feed.gtfs_kit.stops["stop_id"].tolist()
    assert {"007", "7", "NA", "null"} <= set(ids)
    assert read_feed(feed.gtfs_kit).raw["stops"].text("stop_id").tolist() == ids


def test_a_long_headway_does_not_overflow(samples_folder, tmp_path):
    for file in (samples_folder / "odd" / "frequencies_only").glob("*.txt"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "frequencies.txt").write_text(
        "trip_id,start_time,end_time,headway_secs\nout1,06:00:00,09:00:00,36000\n"
    )
    feed = read_feed(tmp_path, cache=False)
    assert feed.gtfs_kit.frequencies["headway_secs"].tolist() == [36_000]
    assert from_gtfs_kit(feed.gtfs_kit)["frequencies"].text("headway_secs").tolist() == ["36000"]


def test_missing_tables_and_empty_ones_are_none(samples_folder):
    feed = read_feed(samples_folder / "odd" / "plain", cache=False)
    assert feed.gtfs_kit.frequencies is None
    assert feed.gtfs_kit.fare_rules is None
