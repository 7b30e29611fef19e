"""Rules, shifts, weeks and given blocks on the command line."""

import json

import pytest

from mobility import samples
from mobility.cli import run

RULES = """
{base}

[[rules.layover]]
share = 0.2

[[rules.terminal]]
stops = ["T-PAJ"]
parking = 3
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))


def asked(capsys, *words):
    code = run(["fleet", *words, "--json", "--quiet"])
    said = capsys.readouterr()
    return code, json.loads(said.out), said.err


@pytest.fixture
def case(tmp_path):
    base = samples.case("santiago", "fleet.toml").read_text("utf-8")
    place = samples.case("santiago", "fleet.toml").parent / "deadheads.csv"
    path = tmp_path / "fleet.toml"
    base = base.replace('"deadheads.csv"', json.dumps(str(place)))
    path.write_text(RULES.format(base=base), "utf-8")
    return path


def test_rules_of_a_case_are_kept_and_what_they_cost_is_said(capsys, case, tmp_path):
    code, told, _ = asked(
        capsys, "blocks", "santiago", "--case", str(case), "--price-rules", "--date", "2025-03-05"
    )
    assert code == 0
    assert told["check"] == []
    assert {one["rule"] for one in told["rule_costs"]} == {"layover", "wait", "parking"}
    small = tmp_path / "small.toml"
    small.write_text("[rules]\nmin_layover_s = 600\n", "utf-8")
    words = ["odd/frequencies_only", "--case", str(small), "--price-rules", "-q"]
    assert run(["fleet", "blocks", *words]) == 0
    assert "vehicles it costs" in capsys.readouterr().out


def test_an_unknown_rule_names_the_nearest_one(capsys, case):
    case.write_text(case.read_text("utf-8").replace("parking = 3", "parkings = 3"), "utf-8")
    assert run(["fleet", "blocks", "santiago", "--case", str(case), "-q"]) == 2
    said = capsys.readouterr().err
    assert "rules.terminal.0.parkings" in said
    assert "did you mean 'parking'" in said


def test_moved_departures_are_written_checked_and_limited(capsys, tmp_path):
    folder = tmp_path / "plan"
    words = ["blocks", "odd/frequencies_only", "--out", str(folder)]
    code, told, _ = asked(capsys, *words, "--shift", "300")
    assert code == 0
    assert told["shift"]["vehicles_after"] <= told["shift"]["vehicles_before"]
    assert told["vehicles"] == told["shift"]["vehicles_after"]
    assert run(["fleet", "check", str(folder), "-q"]) == 0
    document = json.loads((folder / "plan.json").read_text("utf-8"))
    assert document["source"]["shift_s"] == 300
    trip = next(iter(document["source"]["moved"]))
    document["source"]["moved"] = {**document["source"]["moved"], trip: 900}
    (folder / "plan.json").write_text(json.dumps(document), "utf-8")
    capsys.readouterr()
    code, told, _ = asked(capsys, "check", str(folder))
    assert code == 1
    assert {one["code"] for one in told["check"]} >= {"shift_too_far"}


def test_a_week_is_planned_once_a_day_type(capsys):
    code, told, _ = asked(capsys, "plan", "santiago", "--week", "typical")
    assert code == 0
    assert sum(one["days"] for one in told["day_types"]) == 7
    assert run(["fleet", "plan", "santiago", "--week", "typical", "--date", "2025-03-05"]) == 2
    assert "--week goes with none of" in capsys.readouterr().err


def test_given_blocks_say_what_optimising_would_save(capsys, shared_gtfs):
    code, told, _ = asked(capsys, "blocks", str(shared_gtfs / "trimet2.zip"), "--blocks", "given")
    assert code in {0, 1}
    assert told["savings"]["headline"]
