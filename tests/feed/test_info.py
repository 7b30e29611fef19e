"""``feed.info()`` against counts made with the standard library alone."""

import json
import re

import pytest

from mobility.feed import read_feed

KEYS = (
    "agencies routes stops trips stop_times services span busiest_date blocks shapes fares_v1 "
    "fares_v2 frequencies modes"
).split()
FEEDS = (
    "nyc_subway_tt hart poa_eptc cdmx bart_new trimet2 amtrak cairns trimet_vermont saopaulo "
    "ctran_flex caltrain google_sample"
).split()


def readme_counts(folder):
    """The README's table: {feed: {column: text}}."""
    rows = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in (folder / "README.md").read_text("utf-8").splitlines()
        if line.startswith("|")
    ]
    header = rows[0]
    return {row[0]: dict(zip(header, row, strict=True)) for row in rows if row[0].endswith(".zip")}


@pytest.mark.parametrize("name", FEEDS)
def test_counts_of_real_feeds(shared_gtfs, name):
    expected = readme_counts(shared_gtfs)[f"{name}.zip"]
    got = read_feed(shared_gtfs / f"{name}.zip", cache=False).info()
    assert list(got) == KEYS
    for key in ("agencies", "routes", "stops", "trips", "stop_times", "frequencies"):
        assert got[key] == int(expected[key]), key
    assert got["shapes"] == int(expected["shapes (points)"])
    blocks = re.search(r"\((\d+)\)", expected["block trips (blocks)"])[1]
    assert got["blocks"] == int(blocks)
    # Version 1 is told there as yes or no.
    version_1, version_2 = expected["fares v1/v2 products"].split("/")
    assert (got["fares_v1"] > 0, got["fares_v2"]) == (version_1 != "0", int(version_2))
    assert "-".join(one.replace("-", "") for one in got["span"]) == expected["span"]
    assert sum(got["modes"].values()) == got["routes"]
    json.dumps(got)


def test_our_own(samples_folder):
    got = read_feed(samples_folder / "odd" / "plain", cache=False).info()
    assert list(got) == KEYS
    assert (got["trips"], got["stop_times"], got["blocks"]) == (3, 12, 2)
    assert got["busiest_date"] == "2025-03-01"  # a Saturday with as many trips as any day
    assert got["modes"] == {"3": 1}


def test_a_feed_that_never_runs_still_has_counts(samples_folder):
    got = read_feed(samples_folder / "odd" / "bad_date", cache=False).info()
    assert got["trips"] == 3
    assert got["busiest_date"] is None
