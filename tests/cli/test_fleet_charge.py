"""`mobility fleet charge`: a table in, sessions out, and the exit code says whether they can be driven."""

import json

import pytest

from mobility.cli import run

STAYS = """bus,site,arrive_s,depart_s,need_kwh,max_kw
b1,north,79200,108000,200,150
b2,north,79500,107000,180,150
b3,north,82000,111000,150.5,80
b1,south,43200,50000,60,150
"""
CASE = """slot_s = 300
[site.north]
chargers = 2
kw = 120
cap_kw = 200
[site.south]
chargers = 1
kw = 100
[tariff]
energy = [[0, 50.0], [25200, 95.0], [64800, 160], [82800, 50]]
demand = 300
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "stays.csv").write_text(STAYS, "utf-8")
    (tmp_path / "site.toml").write_text(CASE, "utf-8")
    return [str(tmp_path / "stays.csv"), "--case", str(tmp_path / "site.toml")]


def test_the_answer_has_the_promised_keys(files, capsys):
    assert run(["fleet", "charge", *files, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"status", "objective", "bound", "gap", "sessions", "peak_kw"} <= set(told)
    assert told["status"] == "optimal"
    assert told["check"] == []
    assert set(told["peak_kw"]) == {"north", "south"}
    assert len(told["sessions"]) == 4
    for row in told["sessions"]:
        assert set(row) == {"bus", "site", "charger", "start_s", "end_s", "kwh", "kw"}
        assert row["start_s"] % 300 == row["end_s"] % 300 == 0
        assert len(row["kw"]) == (row["end_s"] - row["start_s"]) // 300
        assert sum(row["kw"]) / 12 == pytest.approx(row["kwh"], abs=1e-5)
    cost = sum(told["parts"].values())
    assert cost == pytest.approx(told["objective"])
    assert told["against"]["first-come"] > told["objective"]


def test_relax_gives_the_value_alone(files, capsys):
    assert run(["fleet", "charge", *files, "--relax", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sessions"] == []
    assert told["objective"] == told["bound"]
    assert told["objective"] == pytest.approx(62_360.203094777)


def test_a_table_for_people(files, capsys):
    assert run(["fleet", "charge", *files, "--seconds", "2", "--gap", "0.001"]) == 0
    said = capsys.readouterr().out
    assert "less than first come, first served" in said
    assert "no plan can beat" in said
    assert "north" in said


@pytest.mark.parametrize("strategy", ["first-come", "balanced"])
def test_strategies(files, capsys, strategy):
    assert run(["fleet", "charge", *files, "--strategy", strategy, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["strategy"] == strategy
    assert told["check"] == []


def test_infeasible_is_an_answer(files, tmp_path, capsys):
    (tmp_path / "site.toml").write_text(CASE.replace("cap_kw = 200", "cap_kw = 40"), "utf-8")
    assert run(["fleet", "charge", *files, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "infeasible"
    assert told["objective"] is None
    assert "north" in told["why"]
    assert "kWh are missing between" in told["why"]
    assert run(["fleet", "charge", *files, "--least-shortfall", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "infeasible"
    assert told["check"] == []
    assert sum(told["missing_kwh"].values()) > 0
    assert told["sessions"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--strategy", "greedy"], "--strategy cannot be 'greedy'"),
        (["--seconds", "0"], "seconds must be more than 0"),
        (["--gap", "-1"], "gap must be 0 or more"),
    ],
)
def test_what_makes_no_sense_is_refused(files, capsys, words, told):
    assert run(["fleet", "charge", *files, *words]) == 2
    assert told in capsys.readouterr().err


def test_a_bad_cell_names_its_place(files, tmp_path, capsys):
    (tmp_path / "stays.csv").write_text(STAYS.replace("180,150", "many,150"), "utf-8")
    assert run(["fleet", "charge", *files]) == 2
    assert "stays.csv:3:need_kwh" in capsys.readouterr().err
    assert run(["fleet", "charge", str(tmp_path / "none.csv"), "--case", files[2]]) == 2


def test_a_written_plan_is_charged_anew_and_never_costs_more(tmp_path, capsys):
    before, after = str(tmp_path / "plan"), str(tmp_path / "charged")
    assert run(["fleet", "plan", "gtfs_samples/changsha", "--out", before, "--json", "-q"]) == 0
    old = json.loads(capsys.readouterr().out)
    assert run(["fleet", "charge", before, "--out", after, "-q"]) == 0
    assert "charged anew" in capsys.readouterr().out
    assert run(["fleet", "check", after, "-q"]) == 0
    capsys.readouterr()
    assert run(["fleet", "charge", before, "--json", "-q"]) == 0
    new = json.loads(capsys.readouterr().out)
    assert new["bound"] <= new["objective"] <= old["objective"]
    assert run(["fleet", "charge", before, "--relax"]) == 2
    assert "table of stays" in capsys.readouterr().err
