"""Benchmarks run at their smallest size, contenders agree, and a result says where it was made."""

import importlib
import inspect
import json
import subprocess
import sys
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


SUITE = {
    "feed": {"Load", "LoadCopies", "TripStatistics"},
    "fleet": {"Plan", "Blocks", "Electrify", "Charge", "Simulate"},
    "fares": {"Settle", "OptimiseCaps"},
    "signals": {"TimeSignals", "Simulate", "ControllerStep"},
}


def suite():
    """Every benchmark class of the asv suite."""
    for file in sorted(SUITE):
        module = importlib.import_module(f"benchmarks.suite.{file}")
        for name, kind in sorted(vars(module).items()):
            if inspect.isclass(kind) and kind.__module__ == module.__name__:
                yield pytest.param(kind, id=f"{file}.{name}")


def test_the_suite_is_complete():
    names = [one.id for one in suite()]
    assert set(names) == {f"{file}.{name}" for file, some in SUITE.items() for name in some}


@pytest.mark.parametrize("kind", list(suite()))
def test_a_benchmark_of_the_suite_runs_at_its_smallest_size(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(cases, "WORK", tmp_path)
    methods = [name for name in dir(kind) if name.startswith(("time_", "peakmem_", "track_"))]
    for begin in ("time_", "peakmem_", "track_"):
        assert any(name.startswith(begin) for name in methods), f"{kind.__name__}: no {begin}"
    bench = kind()
    bench.setup(kind.params[0][0])
    kept = [name for name in methods if not name.startswith("peakmem_")]  # the same call as time_
    for name in kept:
        told = getattr(bench, name)(kind.params[0][0])
        assert not name.startswith("track_") or told >= 0


def test_asv_runs_the_suite(tmp_path, monkeypatch):
    pytest.importorskip("asv", reason="asv is in the bench group")
    root = cases.CHECKOUT / "benchmarks"
    config = {**json.loads((root / "asv.conf.json").read_text()), "repo": str(cases.CHECKOUT)}
    config["benchmark_dir"] = str(root / "suite")
    for folder in ("env_dir", "results_dir", "html_dir"):
        config[folder] = str(tmp_path / folder)
    (tmp_path / "asv.conf.json").write_text(json.dumps(config))
    monkeypatch.setenv("HOME", str(tmp_path))  # where asv keeps what it knows of a machine
    asked = [
        sys.executable,
        "-m",
        "asv",
        "machine",
        "--yes",
        "--config",
        str(tmp_path / "asv.conf.json"),
    ]
    subprocess.run(asked, capture_output=True, check=True, cwd=tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "asv", "run", "--python=same", "--quick", "--dry-run", "--show-stderr",
         "--config", str(tmp_path / "asv.conf.json"), "--bench", r"feed\.LoadCopies\.time_cold\(1\)"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "time_cold" in done.stdout
    assert "failed" not in done.stdout


def test_growth_is_fitted():
    from benchmarks.growth import CURVES, fitted

    assert fitted([10, 100, 1_000], [1.0, 100.0, 10_000.0]) == {"exponent": 2.0, "last": 2.0}
    for _, path, _ in CURVES:
        file, kind, method = path.split(".")
        module = importlib.import_module(f"benchmarks.suite.{file}")
        assert len(getattr(module, kind).params[0]) >= 3, path
        assert hasattr(getattr(module, kind), method)


def test_control_is_measured_and_a_gap_is_never_below_the_bound():
    from benchmarks import control

    step, judged, *gaps = control.run(quick=True)
    assert step.answer["ms_a_signal"] > 0
    assert judged.answer["findings"] == 0
    for one in gaps[:-2]:
        assert one.answer["person_s"] >= one.answer["optimum"] >= one.answer["bound"] > 0
    assert gaps[-1].answer == {"proved": "2 of 2"}


def test_bands_are_proved_and_checked():
    from benchmarks import timing

    rows = timing.run(quick=True)
    assert {one.contender for one in rows} == {"search", "scip"}
    assert len({round(one.answer["objective"], 4) for one in rows}) == 1
    for row in rows:
        assert row.answer["status"] == "optimal"
        assert row.answer["bound"] >= row.answer["objective"] - 1e-6
        assert row.answer["check_errors"] == 0


def test_what_was_driven_is_shown_as_tables():
    from benchmarks import signal_tables

    fast, driven = signal_tables.section("fast"), signal_tables.section("signals")
    assert "times real time" in fast
    assert "| Spearman |" in fast
    assert "| against shipped % |" in driven
    assert "| ingolstadt7 | as given | planned |" in driven
    assert signal_tables.quick("fast")[0].answer["findings"] == 0


def test_what_is_worse_than_the_fixed_plan_is_counted_in_the_mean_of_seeds():
    from benchmarks.signals import against_fixed

    def row(a, b, full):
        lost = f'{{"x y":{a},"x z":{b}}}'
        return {"movements": lost, "full_lanes": full, "bus": {"delay_s": a or None}}

    fixed = {0: row(20, 50, "{}"), 1: row(30, 50, '{"L":0.5}'), 2: row(0, 0, "{}")}
    own = {0: row(31, 10, '{"K":0.01,"L":0.3}'), 1: row(40, 62, '{"K":0.03}')}
    assert against_fixed(own, fixed) == {
        "paired": 2, "movements": 2, "worse_movements": 1, "worst_rise_s": 10.5, "new_spill_backs": 1,
        "bus_percent": 42.0, "bus_half_width_percent": 25.42,
    }  # fmt: skip
    assert against_fixed(fixed, fixed) == against_fixed(own, {}) == {}


def test_every_comparison_is_listed_and_an_unknown_one_refused(monkeypatch, capsys):
    from benchmarks import __main__ as comparisons

    monkeypatch.setattr(sys, "argv", ["benchmarks", "--list"])
    comparisons.main()
    named = capsys.readouterr().out.split()
    assert {"control", "timing", "fast", "signals", "growth", "given"} <= set(named)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "nothing"])
    with pytest.raises(SystemExit, match="nothing"):
        comparisons.main()


def test_a_kept_result_is_of_this_code_until_what_it_measures_changes(tmp_path, monkeypatch):
    from benchmarks import __main__ as comparisons
    from benchmarks import fresh

    assert {*comparisons.DOMAINS, *comparisons.OWN} - {"signals"} == set(fresh.SOURCES)
    for names in fresh.SOURCES.values():
        assert all((fresh.HOME / name).exists() for name in names)

    monkeypatch.setattr(fresh, "HOME", tmp_path)
    one = tmp_path / "one.py"

    def digest_of(text):
        one.write_text(text)
        fresh.digest.cache_clear()
        return fresh.digest((one,))

    told = digest_of('"""A file."""\ndef f():\n    """Two."""\n    return 2\n')
    assert told == digest_of('"""Other words."""\n\ndef f():  # a remark\n    return 2\n')
    assert told != digest_of("def f():\n    return 3\n")
    fresh.digest.cache_clear()


def test_a_run_without_names_leaves_out_what_is_fresh(tmp_path, monkeypatch, capsys):
    from benchmarks import __main__ as comparisons

    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(comparisons, "RESULTS", tmp_path)
    results.write("sdvsp", [])
    assert results.is_fresh("sdvsp")
    left = comparisons._older()
    assert "sdvsp" not in left
    assert {"mdvsp", "signals", "fast"} <= set(left)
    assert "kept: sdvsp" in capsys.readouterr().err
    text = (tmp_path / "sdvsp.json").read_text()
    (tmp_path / "sdvsp.json").write_text(text.replace(json.loads(text)["code"], "older"))
    assert not results.is_fresh("sdvsp")
