"""A compiled feed is the feed, and a damaged cache is no error."""

import shutil

import numpy as np
import pytest

from mobility.feed import cache, read_feed


@pytest.fixture
def feed_folder(samples_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    return shutil.copytree(samples_folder / "changsha", tmp_path / "changsha")


def same(one, other):
    for name in ("trip", "stop", "sequence", "arrive_s", "depart_s", "offsets", "position"):
        np.testing.assert_array_equal(
            getattr(one.stop_events, name), getattr(other.stop_events, name)
        )
    assert one.findings == other.findings
    assert list(one.tables) == list(other.tables)
    for name in one.tables:
        assert one.tables[name].equals(other.tables[name]), name


def test_a_compiled_feed_is_the_feed(feed_folder):
    fresh = read_feed(feed_folder, cache=False)
    assert cache.contents()["feeds"] == 0
    first = read_feed(feed_folder)
    assert cache.contents()["feeds"] == 1
    again = cache.load(first.sha256, str(feed_folder))
    assert again is not None
    same(fresh, first)
    same(fresh, again)


def test_a_changed_feed_is_read_anew(feed_folder):
    before = len(read_feed(feed_folder).raw["stops"])
    with (feed_folder / "stops.txt").open("a") as stops:
        stops.write("\n")
    with (feed_folder / "routes.txt").open() as routes:
        columns = routes.readline().strip().split(",")
    row = {"route_id": "new", "route_type": "3", "route_short_name": "N"}
    with (feed_folder / "routes.txt").open("a") as routes:
        routes.write(",".join(row.get(column, "") for column in columns) + "\n")
    after = read_feed(feed_folder)
    assert len(after.raw["stops"]) == before  # a blank line is no stop
    assert "new" in after.raw["routes"].text("route_id")


def _cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _empty(path):
    path.write_bytes(b"")


def _zero(path):
    path.write_bytes(b"\0" * path.stat().st_size)


@pytest.mark.parametrize("harm", [_cut, _empty, _zero, lambda path: path.unlink()])
@pytest.mark.parametrize("which", ["manifest.json", "trip.npy", "offsets.npy", "table0.arrow"])
def test_a_damaged_cache_means_recompile(feed_folder, harm, which):
    whole = read_feed(feed_folder)
    [place] = cache.folder().iterdir()
    harm(place / which)
    assert cache.load(whole.sha256, "x") is None
    same(read_feed(feed_folder), whole)
    assert cache.load(whole.sha256, "x") is not None  # and it was mended


def test_the_cache_keeps_the_most_recent_within_its_size(feed_folder, monkeypatch):
    read_feed(feed_folder)
    (feed_folder / "stops.txt").write_text((feed_folder / "stops.txt").read_text() + "\n")
    monkeypatch.setattr(cache, "MAX_BYTES", 1)
    newest = read_feed(feed_folder)
    assert cache.contents()["feeds"] == 1
    assert cache.load(newest.sha256, "x") is not None


def test_a_cache_that_cannot_be_written_is_no_error(feed_folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "file"))
    assert len(read_feed(feed_folder).stop_events)


def test_clear_drops_all(feed_folder):
    read_feed(feed_folder)
    assert cache.clear()["feeds"] == 1
    assert cache.contents()["feeds"] == 0
