"""Benchmarks run at their smallest size, contenders agree, and a result says where it was made."""

import zipfile

import pytest

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


def test_made_up_cases_are_in_the_registry_and_repeat():
    from mobility import fleet

    matrix = cases.made("carpaneto")
    assert (matrix(30, 3, 5).cost == matrix(30, 3, 5).cost).all()
    assert fleet.plan_blocks(matrix(30, 3, 5)).report.gap <= 0.001
    assert len(cases.made("santiago_city")(0, 0.01).trips) == 400
    assert len(cases.made("devos_size")(0).trips) == 816
    with pytest.raises(KeyError, match="devos_size"):
        cases.made("devos")


def test_contenders_for_blocks_agree_on_a_small_city():
    from benchmarks import sdvsp

    rows = {one.contender: one.answer for one in sdvsp.results(200, 20)}
    same = {row["objective"] for name, row in rows.items() if name not in sdvsp._HARDER}
    assert max(same) - min(same) <= 5 + 1e-6 * max(same)
    assert set(rows) == set(sdvsp.CONTENDERS)


def test_a_bar_runs_in_a_process_of_its_own():
    from benchmarks import bars

    found = bars._one("santiago_city/20 s0, 10 s")
    assert found.note == ""
    assert found.answer["check_errors"] == 0
    assert found.answer["gap_percent"] < 5
