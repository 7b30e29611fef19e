"""Writing a feed back with blocks: it reads as the same feed, and to the same blocks."""

import csv
import heapq

import pandas as pd
import pytest

from mobility.errors import ConfigError
from mobility.feed import read_feed
from mobility.feed.write import MAP_FILE, write_feed
from mobility.findings import has_errors


def chain(trips):
    """Blocks a person could make: each trip goes to the first vehicle that waits where it starts."""
    waiting, blocks, vehicles = {}, {}, 0
    for row in trips.itertuples():
        here = waiting.get(row.from_stop, [])
        if here and here[0][0] <= row.depart_s:
            _, vehicle = heapq.heappop(here)
        else:
            vehicle, vehicles = vehicles, vehicles + 1
        heapq.heappush(waiting.setdefault(row.to_stop, []), (row.arrive_s, vehicle))
        blocks[row.trip_id] = f"v{vehicle}"
    return blocks


def same_trips(before, after):
    """The columns that writing blocks must not change: a headway becomes clock times."""
    changed = ("block_id", "template_trip_id", "headway")
    columns = [one for one in before.trips.columns if one not in changed]
    pd.testing.assert_frame_equal(before.trips[columns], after.trips[columns], check_exact=False)


@pytest.mark.parametrize(
    "name",
    ["santiago", "changsha", "incheon", "odd/plain", "odd/frequencies_only", "odd/blank_times"],
)
def test_what_is_written_reads_to_the_same_blocks(samples_folder, tmp_path, name):
    feed = read_feed(samples_folder / name, cache=False)
    day = feed.day()
    blocks = chain(day.trips)
    written = write_feed(feed, tmp_path / "out", blocks=blocks, day=day)
    again = read_feed(written.folder, cache=False)
    then = again.day(day.date)
    assert then.trips.set_index("trip_id")["block_id"].to_dict() == blocks
    same_trips(day, then)
    assert not has_errors(again.findings)
    assert str(written).endswith(f"{len(blocks):,} trips in {len(set(blocks.values())):,} blocks")
    assert written.prefix == ""
    assert [one.name for one in tmp_path.iterdir()] == ["out"]
    # Days of other services are as they were.
    for other in feed.day_types()[1:3]:
        if not set(other.services) & set(day.trips["service_id"]):
            before, after = feed.day(other.dates[0]), again.day(other.dates[0])
            pd.testing.assert_frame_equal(before.trips, after.trips)


@pytest.mark.parametrize("name", ["caltrain", "hart", "cdmx", "trimet2", "google_sample"])
def test_real_feeds(shared_gtfs, tmp_path, name):
    feed = read_feed(shared_gtfs / f"{name}.zip", cache=False)
    day = feed.day()
    blocks = chain(day.trips)
    written = write_feed(feed, tmp_path / "out", blocks=blocks, day=day)
    again = read_feed(written.folder, cache=False)
    then = again.day(day.date)
    assert then.trips.set_index("trip_id")["block_id"].to_dict() == blocks
    same_trips(day, then)
    old = {(one.code, one.file) for one in feed.errors}
    assert {(one.code, one.file) for one in again.errors} <= old


def test_tables_that_have_nothing_to_do_with_blocks_are_as_they_were(samples_folder, tmp_path):
    feed = read_feed(samples_folder / "santiago", cache=False)
    day = feed.day()
    trip = day.trips["trip_id"].iloc[0]
    write_feed(feed, tmp_path / "out", blocks={trip: "v1"}, day=day)
    for name in feed.raw:
        if name == "trips":
            continue
        with (tmp_path / "out" / f"{name}.txt").open(newline="", encoding="utf-8") as stream:
            after = list(csv.reader(stream))
        with (samples_folder / "santiago" / f"{name}.txt").open(newline="") as stream:
            assert after == list(csv.reader(stream)), name


def test_only_planned_templates_are_expanded(samples_folder, tmp_path):
    feed = read_feed(samples_folder / "odd" / "frequencies_only", cache=False)
    day = feed.day()
    written = write_feed(feed, tmp_path / "out", blocks={"out1#06:00:00": "v1"}, day=day)
    again = read_feed(tmp_path / "out", cache=False)
    assert set(again.raw["frequencies"].text("trip_id")) == {"back1", "out2"}
    departures = day.trips[day.trips["template_trip_id"] == "out1"]
    assert written.expanded == len(departures)
    with (tmp_path / "out" / MAP_FILE).open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["trip_id"] for row in rows] == departures["trip_id"].tolist()
    assert {row["template_trip_id"] for row in rows} == {"out1"}
    assert [int(row["depart_s"]) for row in rows] == departures["depart_s"].tolist()
    then = again.day(day.date).trips
    own = then[then["trip_id"].str.startswith("out1#")].set_index("trip_id")["block_id"]
    assert own[own != ""].to_dict() == {"out1#06:00:00": "v1"}
    same_trips(day, again.day(day.date))


def test_cells_that_need_quotes_survive(samples_folder, tmp_path):
    for file in (samples_folder / "odd" / "plain").glob("*.txt"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    names = ['said "hi"', "a, b", "two\nlines", "NA", " "]
    lines = ["stop_id,stop_name,stop_lat,stop_lon"]
    for n, (stop, name) in enumerate(zip("PQRST", names, strict=True)):
        quoted = name.replace('"', '""')
        lines.append(f'{stop},"{quoted}",-33.4{n},-70.6{n}')
    (tmp_path / "stops.txt").write_text("\n".join(lines) + "\n")
    feed = read_feed(tmp_path, cache=False)
    write_feed(feed, tmp_path / "out", blocks={}, day=feed.day())
    again = read_feed(tmp_path / "out", cache=False)
    assert (
        again.raw["stops"].text("stop_name").tolist()
        == feed.raw["stops"].text("stop_name").tolist()
    )


def test_a_new_block_never_joins_a_block_of_other_trips(samples_folder, tmp_path):
    feed = read_feed(samples_folder / "odd" / "plain", cache=False)
    day = feed.day()
    old = day.trips.set_index("trip_id")["block_id"]
    moved = old.index[old != old["out1"]][0]
    written = write_feed(feed, tmp_path / "a", blocks={moved: old["out1"]}, day=day)
    assert written.prefix == "plan-"
    after = read_feed(tmp_path / "a", cache=False).day(day.date).trips.set_index("trip_id")
    assert after["block_id"].to_dict() == {**old, moved: f"plan-{old['out1']}"}
    # Writing the feed's own blocks is no collision.
    kept = write_feed(feed, tmp_path / "b", blocks={"out1": old["out1"]}, day=day)
    assert kept.prefix == ""


def test_a_folder_with_something_in_it_is_left_alone(samples_folder, tmp_path):
    feed = read_feed(samples_folder / "odd" / "plain", cache=False)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    with pytest.raises(ConfigError, match="not empty"):
        write_feed(feed, tmp_path / "full", blocks={}, day=feed.day())
    (tmp_path / "empty").mkdir()
    write_feed(feed, tmp_path / "empty", blocks={}, day=feed.day())
    assert (tmp_path / "empty" / "trips.txt").is_file()


def test_a_strange_trip_is_refused_and_nothing_is_written(samples_folder, tmp_path):
    feed = read_feed(samples_folder / "odd" / "plain", cache=False)
    with pytest.raises(ConfigError, match="ghost"):
        write_feed(feed, tmp_path / "out", blocks={"ghost": "v1"}, day=feed.day())
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_when_writing_fails(samples_folder, tmp_path, monkeypatch):
    feed = read_feed(samples_folder / "odd" / "plain", cache=False)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mobility.feed.write.write_table", full)
    with pytest.raises(OSError, match="No space"):
        write_feed(feed, tmp_path / "out", blocks={}, day=feed.day())
    assert list(tmp_path.iterdir()) == []
