"""Benchmarks run at their smallest size, contenders agree, and a result says where it was made."""

import zipfile

from benchmarks import cases, results, side_by_side
from benchmarks.replicate import replicate
from benchmarks.table import show


def test_the_registry_names_what_exists_and_what_does_not():
    assert "santiago" in cases.names("feed")
    assert not set(cases.names("feed", slow=True)) & set(cases.missing("feed"))
    assert len({one.name for one in cases.CASES}) == len(cases.CASES)


def test_contenders_agree_and_are_shown_as_ratios(tmp_path, monkeypatch):
    monkeypatch.setattr(cases, "WORK", tmp_path)
    found = side_by_side.run("load", "santiago", ["ours_cold", "ours_cached", "gtfs_kit_times"], 1)
    assert not [one.note for one in found if one.note]
    table = show(found)
    assert "(work " in table
    assert all(one.median_wall_s > 0 and one.peak_mib[0] > 0 for one in found)


def test_a_result_says_what_was_measured_where(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    path = results.write(
        "feed", [results.Result("load", "santiago", "ours_cold", [1.0], [0.9], [100])]
    )
    text = path.read_text()
    assert "processor" in text
    assert "gtfs-kit" in text
    assert not list(tmp_path.glob("*.building"))


def test_a_replicated_feed_has_every_trip_several_times(samples_folder, tmp_path):
    from mobility.feed import read_feed

    small = tmp_path / "small.zip"
    with zipfile.ZipFile(small, "w") as out:
        for one in sorted((samples_folder / "changsha").glob("*.txt")):
            out.write(one, one.name)
    replicate(small, tmp_path / "large.zip", 3)
    one, three = (read_feed(tmp_path / name, cache=False) for name in ("small.zip", "large.zip"))
    assert len(three.stop_events) == 3 * len(one.stop_events)
    assert len(set(three.raw["trips"].text("trip_id"))) == 3 * len(one.raw["trips"])
