"""`mobility fleet simulate|export`: what is shown, written, refused, and with which exit code."""

import json
import shutil

import pytest

from mobility import samples
from mobility.cli import run

DATE = "2025-06-04"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "plan"
    case = samples.case("santiago", "fleet.toml")
    assert run(["fleet", "plan", "santiago", "--case", str(case), "--date", DATE, "--out", str(folder),
                "--no-cache", "-q"]) == 0  # fmt: skip
    return folder


def asked(capsys, *words):
    code = run(["fleet", *map(str, words), "--json", "--quiet"])
    said = capsys.readouterr()
    return code, json.loads(said.out), said.err


def test_a_calm_day_breaks_nothing_and_a_cold_one_does(capsys, written):
    code, told, err = asked(capsys, "simulate", written, "--scenarios", 50, "--calm", "--outage", 0)
    assert (code, err, told["broken"]) == (0, "", [])
    code, told, _ = asked(capsys, "simulate", written, "--scenarios", 50, "--temperature", -5)
    assert code == 0
    assert (
        asked(capsys, "simulate", written, "--scenarios", 50, "--temperature", -5, "--strict")[0]
        == 1
    )
    assert told["objective"] == len(told["broken"]) > 50
    again = asked(capsys, "simulate", written, "--scenarios", 50, "--temperature", -5)[1]
    assert {**again, "seconds": 0} == {**told, "seconds": 0}
    other = asked(capsys, "simulate", written, "--scenarios", 50, "--temperature", -5, "--seed", 1)[
        1
    ]
    assert other["blocks"] != told["blocks"]


def test_the_weather_of_the_sample_is_synthetic_and_says_so(capsys, written, tmp_path):
    weather = samples.case("santiago", "weather.csv")
    _, told, _ = asked(capsys, "simulate", written, "--scenarios", 40, "--weather", weather, "--months", "6,7",
                       "--health", "0.8,1.0", "--out", tmp_path / "told")  # fmt: skip
    assert any("61 days" in one and "synthetic" in one for one in told["assumptions"])
    assert (
        json.loads((tmp_path / "told" / "simulation.json").read_text())["broken"] == told["broken"]
    )


def test_a_repaired_plan_is_written_and_holds(capsys, written, tmp_path):
    code, told, _ = asked(
        capsys, "simulate", written, "--scenarios", 100, "--repair", tmp_path / "mended"
    )
    assert code == 0
    assert len(told["repair"]["broken"]) < len(told["broken"])
    capsys.readouterr()
    assert run(["fleet", "check", str(tmp_path / "mended"), "-q"]) == 0
    assert "every check holds" in capsys.readouterr().out


def test_what_is_shown_names_blocks_mends_and_assumptions(capsys, written):
    assert run(["fleet", "simulate", str(written), "--scenarios", "60", "-q"]) == 0
    said = capsys.readouterr().out
    for words in (
        "blocks break at P95 of 60 scenarios",
        "a battery of",
        "blocks that break on one day",
        "ASSUMED:",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--temperature", "5", "--weather", "x.csv"], "two weathers"),
        (["--months", "6"], "--months goes with --weather"),
        (["--weather", "missing.csv"], "missing.csv"),
        (["--health", "much"], "no numbers"),
        (["--health", "0.8,0.9,1.0"], "one number or two"),
        (["--measured", "missing.csv"], "missing.csv"),
        (["--percentile", "1.5"], "percentile"),
        (["--outage", "2"], "outage"),
    ],
)
def test_what_cannot_be_is_refused_without_a_traceback(capsys, written, words, named):
    assert run(["fleet", "simulate", str(written), *words, "-q"]) == 2
    said = capsys.readouterr()
    assert named in said.err
    assert "Traceback" not in said.err + said.out


def test_export_writes_both_kinds(capsys, written, tmp_path):
    code, told, _ = asked(
        capsys, "export", written, "--tods", tmp_path / "tods", "--ocpp", tmp_path / "ocpp"
    )
    assert code == 0
    assert {"trips_supplement.txt", "stop_times_supplement.txt", "chargers.txt"} <= set(
        told["tods"]
    )
    assert {one.split("/")[0] for one in told["ocpp"]} == {"1.6", "2.0.1"}
    assert run(["fleet", "export", str(written), "-q"]) == 2
    assert "nothing to write" in capsys.readouterr().err


def test_a_plan_of_blocks_alone_is_refused(capsys, written, tmp_path):
    blocks = tmp_path / "blocks"
    case = samples.case("santiago", "fleet.toml")
    assert run(["fleet", "blocks", "santiago", "--case", str(case), "--date", DATE, "--out", str(blocks),
                "--no-cache", "-q"]) == 0  # fmt: skip
    capsys.readouterr()
    assert run(["fleet", "simulate", str(blocks), "-q"]) == 2
    assert "blocks alone" in capsys.readouterr().err
    shutil.rmtree(blocks)
    assert run(["fleet", "simulate", str(blocks), "-q"]) == 2


def test_planning_questions_are_answered(capsys, written, tmp_path):
    code, told, _ = asked(capsys, "size", written, "--no-curve", "--out", tmp_path / "size")
    assert code == 0
    assert told["bound"] <= told["objective"] == sum(one["chargers"] for one in told["sites"])
    assert (tmp_path / "size" / "sites.csv").exists()
    code, told, _ = asked(capsys, "transition", written, "--buses", "30,60", "--by", "blocks")
    assert (code, [one["buses"] for one in told["stages"]]) == (0, [30, 60])
    code, told, _ = asked(capsys, "compare", written, "--what-if", "bigger: vehicles.battery_kwh = 420",
                          "--what-if", "both: temperature_c = 5.0; vehicles.battery_kwh = 420")  # fmt: skip
    assert code == 0
    assert [one["name"] for one in told["what_ifs"]] == ["now", "bigger", "both"]
    assert told["what_ifs"][1]["cost_minor"] <= told["what_ifs"][0]["cost_minor"]
    assert run(["fleet", "transition", str(written), "--buses", "20", "-q"]) == 0
    assert "routes go electric in 1 stages" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["transition"], "no whole numbers"),
        (["transition", "--buses", "9,3"], "ascend"),
        (["transition", "--buses", "3", "--by", "colour"], "--by"),
        (["compare"], "nothing to compare"),
        (["compare", "--what-if", "bigger"], "cannot be read"),
        (["compare", "--what-if", "bigger: vehicles.colour = 3"], "no 'colour'"),
    ],
)
def test_questions_that_cannot_be_are_refused(capsys, written, words, named):
    assert run(["fleet", words[0], str(written), *words[1:], "-q"]) == 2
    said = capsys.readouterr()
    assert named in said.err
    assert "Traceback" not in said.err + said.out
