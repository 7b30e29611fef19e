"""Statistics: gtfs_kit is the oracle for trips, a hand's count for headways."""

import numpy as np
import pandas as pd
import pytest

from mobility.feed import read_feed
from mobility.feed.statistics import route_statistics, trip_statistics

MILES = 1.609344


@pytest.mark.parametrize("name", ["cairns", "caltrain", "trimet2", "bart_new"])
def test_trips_as_gtfs_kit_measures_them(shared_gtfs, name):
    import gtfs_kit

    path = shared_gtfs / f"{name}.zip"
    ours = trip_statistics(read_feed(path, cache=False)).set_index("trip_id")
    oracle = gtfs_kit.read_feed(path)
    theirs = oracle.compute_trip_stats(compute_dist_from_shapes=True).set_index("trip_id")
    assert set(ours.index) == set(theirs.index)
    both = ours.join(theirs[["distance", "duration", "num_stops", "start_stop_id"]])
    factor = 1.0 if oracle.dist_units in ("km", "m") else MILES
    ratio = both["distance_km"] / (both["distance"] * factor)
    # gtfs_kit takes the whole line where it crosses itself: single trips may differ by more.
    assert ratio.quantile([0.1, 0.9]).between(0.98, 1.02).all()
    assert both["distance_km"].sum() / (both["distance"].sum() * factor) == pytest.approx(
        1, abs=0.01
    )
    assert (both["stops"] == both["num_stops"]).all()
    assert (both["from_stop"] == both["start_stop_id"]).all()
    # gtfs_kit ends a trip with its last departure, we with its last arrival.
    stop_times = oracle.stop_times.sort_values("stop_sequence").groupby("trip_id").last()
    waits = (stop_times["departure_time"] != stop_times["arrival_time"]).reindex(both.index)
    assert both.loc[~waits, "duration_s"].tolist() == pytest.approx(
        (both.loc[~waits, "duration"] * 3600).tolist(), abs=0.5
    )


def test_trips_without_times_have_no_speed(samples_folder, tmp_path):
    for file in (samples_folder / "odd" / "plain").glob("*.txt"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    lines = (tmp_path / "stop_times.txt").read_text().replace("08:00:00", "").splitlines()
    (tmp_path / "stop_times.txt").write_text("\n".join(lines) + "\n")
    got = trip_statistics(read_feed(tmp_path, cache=False)).set_index("trip_id")
    assert got.loc["out1", "depart_s"] == -1
    assert np.isnan(got.loc["out1", ["duration_s", "speed_kmh"]].astype(float)).all()
    assert got.loc["out2", "speed_kmh"] == pytest.approx(
        got.loc["out2", "distance_km"] / got.loc["out2", "duration_s"] * 3600
    )


@pytest.mark.parametrize("name", ["santiago", "odd/plain", "odd/frequencies_only"])
def test_headways_by_hour(samples_folder, name):
    day = read_feed(samples_folder / name, cache=False).day()
    got = route_statistics(day)
    assert got["trips"].sum() == len(day.trips)
    keys = ["route_id", "direction_id"]
    trips = day.trips.sort_values([*keys, "depart_s"])
    trips["gap"] = trips.groupby(keys)["depart_s"].diff()
    trips["hour"] = trips["depart_s"] // 3600
    trips["ride_s"] = trips["arrive_s"] - trips["depart_s"]
    expected = trips.groupby([*keys, "hour"]).agg(
        trips=("gap", "size"),
        mean_headway_s=("gap", "mean"),
        min_headway_s=("gap", "min"),
        max_headway_s=("gap", "max"),
        km=("distance_km", "sum"),
        s=("ride_s", "sum"),
    )
    expected["mean_speed_kmh"] = expected.pop("km") / expected.pop("s") * 3600
    pd.testing.assert_frame_equal(
        got, expected.reset_index(), check_dtype=False, check_exact=False, rtol=1e-9
    )


def test_a_day_without_trips_has_no_routes(shared_gtfs):
    day = read_feed(shared_gtfs / "ctran_flex.zip", cache=False).day()
    assert route_statistics(day).empty
