"""Feeds that no one here wrote: each loads or is refused with a finding, none with a traceback."""

import json

import pytest

from mobility.errors import TableError
from mobility.feed.read import read_feed
from mobility.findings import catalogue

# What the README beside the feeds counts: routes, stops, trips, stop_times.
COUNTS = {
    "nyc_subway_tt": (22, 1223, 15911, 446924),
    "hart": (45, 2349, 14718, 435507),
    "poa_eptc": (115, 3986, 2374, 130019),
    "cdmx": (145, 6021, 1741, 70714),
    "bart_new": (14, 186, 4225, 61853),
    "trimet2": (2, 103, 2341, 43813),
    "amtrak": (64, 672, 3181, 39729),
    "cairns": (22, 416, 1339, 37790),
    "trimet_vermont": (1, 102, 78, 4133),
    "saopaulo": (72, 3039, 92, 3639),
    "ctran_flex": (6, 293, 1389, 2778),
    "caltrain": (4, 64, 188, 2697),
    "google_sample": (5, 9, 11, 28),
}
# Errors that they really have.
ERRORS = {
    "bart_new": {
        "missing_required_column",
        "decreasing_or_equal_stop_time_distance",
        "trip_distance_exceeds_shape_distance",
    },
    "google_sample": {"invalid_row_length"},
}
BAD = {
    "bart_errors": {"number_out_of_range"},
    "example_errors": {"foreign_key_violation", "invalid_row_length", "number_out_of_range"},
    "nested_dir": {"invalid_row_length"},
    "sample_bom": set(),
}
REFUSED = {
    "mbta_no_trips": {"missing_required_file"},
    "sample_invalid": {"missing_required_file", "missing_required_column"},
    "santiago_dtpm_2020_no_stop_times": {"missing_required_file"},
}


def judged(path):
    """Status, findings: ``refused``, ``error``, ``warn`` or ``ok``."""
    try:
        found = read_feed(path, cache=False).findings
    except TableError as error:
        return "refused", error.findings
    severities = {str(one.severity) for one in found}
    if "error" in severities:
        return "error", found
    return "warn" if "warning" in severities else "ok", found


def errors_of(found):
    return {one.code for one in found if str(one.severity) == "error"}


@pytest.mark.parametrize("name", COUNTS)
def test_a_real_feed_loads_whole(shared_gtfs, name):
    feed = read_feed(shared_gtfs / f"{name}.zip", cache=False)
    files = ("routes", "stops", "trips", "stop_times")
    assert tuple(len(feed.raw[one]) for one in files) == COUNTS[name]
    assert len(feed.stop_events) == COUNTS[name][3]
    assert errors_of(feed.findings) == ERRORS.get(name, set())


@pytest.mark.parametrize("name", BAD)
def test_a_bad_feed_is_told_and_loads(shared_gtfs, name):
    status, found = judged(shared_gtfs / "bad" / f"{name}.zip")
    assert status != "refused"
    assert errors_of(found) == BAD[name]


@pytest.mark.parametrize("name", REFUSED)
def test_a_feed_without_its_tables_is_refused(shared_gtfs, name):
    status, found = judged(shared_gtfs / "bad" / f"{name}.zip")
    assert status == "refused"
    assert errors_of(found) == REFUSED[name]


def test_no_feed_of_the_folder_is_left_out(shared_gtfs):
    here = {path.stem for path in shared_gtfs.glob("*.zip")}
    assert here <= set(COUNTS)
    assert {path.stem for path in (shared_gtfs / "bad").glob("*.zip")} <= set(BAD) | set(REFUSED)


def test_malformed_variants_end_as_wanted(shared_gtfs):
    made = shared_gtfs / "bad" / "made"
    wanted = json.loads((made / "expect.json").read_text("utf-8"))
    assert wanted
    wrong = {}
    for name, (want, why) in wanted.items():
        status, found = judged(made / f"{name}.zip")
        assert {one.code for one in found} <= set(catalogue())
        if (status.replace("refused", "error")) != want:
            wrong[name] = (want, status, why, [one.code for one in found])
    assert wrong == {}
