"""`mobility fleet plan|blocks|check`: what is written, what is refused, and with which exit code."""

import json
import shutil
import sys

import pandas as pd
import pytest

from mobility import fleet, samples
from mobility.cli import run
from mobility.feed import read_feed

DATE = "2025-06-04"
KEYS = {
    "status", "objective", "bound", "bound_scope", "gap", "parts", "vehicles", "vehicles_bound",
    "check", "assumptions", "not_electric",
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def case():
    return samples.case("santiago", "fleet.toml")


@pytest.fixture(scope="module")
def written(tmp_path_factory, case):
    folder = tmp_path_factory.mktemp("written") / "plan"
    code = run(["fleet", "plan", "santiago", "--case", str(case), "--date", DATE,
                "--out", str(folder), "--no-cache", "-q"])  # fmt: skip
    assert code == 0
    return folder


@pytest.fixture
def copy(written, tmp_path):
    return shutil.copytree(written, tmp_path / "copy")


def asked(capsys, *words):
    code = run(["fleet", *words, "--json", "--quiet"])
    said = capsys.readouterr()
    return code, json.loads(said.out), said.err


def test_json_is_one_document_with_the_promised_keys(capsys, case):
    code, told, err = asked(capsys, "plan", "santiago", "--case", str(case), "--date", DATE)
    assert (code, err) == (0, "")
    assert told.keys() >= KEYS
    assert told["check"] == []
    assert sum(told["parts"].values()) == pytest.approx(told["objective"])
    assert told["vehicles"] >= told["vehicles_bound"]
    assert told["bound"] <= told["objective"]
    assert told["date"] == DATE


def test_the_table_says_what_was_assumed(capsys):
    assert run(["fleet", "plan", "santiago", "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "ASSUMED:" in out
    assert "no plan can beat" in out
    assert "the bound covers" in out


def test_what_is_written_reads_back_the_same(written, case):
    assert {one.name for one in written.iterdir()} == {
        "blocks.csv", "sessions.csv", "power.csv", "plan.json", "feed",
    }  # fmt: skip
    day = read_feed(samples.path("santiago"), cache=False).day(DATE)
    problem = fleet.problem(day, case=case)
    made, read = fleet.plan(problem), fleet.read_plan(written, problem)
    pd.testing.assert_frame_equal(read.blocks, made.blocks, check_dtype=False)
    assert len(read.sessions) == len(made.sessions)
    assert fleet.check(problem, read) == []
    table = pd.read_csv(written / "sessions.csv")
    assert table["start"].str.fullmatch(r"2025-06-0[3-6]T\d\d:\d\d:\d\d-04:00").all()


def test_the_written_feed_is_clean_and_has_the_blocks(written, capsys):
    assert run(["feed", "check", str(written / "feed"), "--no-cache", "-q"]) == 0
    trips = read_feed(written / "feed", cache=False).day(DATE).trips
    there = dict(zip(trips["trip_id"], trips["block_id"], strict=True))
    blocks = pd.read_csv(written / "blocks.csv", dtype=str)
    driven = blocks[blocks["kind"] == "trip"]
    assert dict(zip(driven["trip_id"], driven["block"], strict=True)).items() <= there.items()


def test_frequencies_are_written_expanded_with_their_map(tmp_path, capsys):
    out = tmp_path / "plan"
    code, told, _ = asked(capsys, "plan", "odd/frequencies_only", "--out", str(out))
    assert (code, told["check"]) == (0, [])
    assert (out / "feed" / "expanded_trips.csv").is_file()
    assert run(["feed", "check", str(out / "feed"), "--no-cache", "-q"]) == 0
    capsys.readouterr()
    assert run(["fleet", "check", str(out)]) == 0


def test_check_accepts_what_was_written(written, capsys):
    code, told, _ = asked(capsys, "check", str(written))
    assert (code, told["check"]) == (0, [])
    assert asked(capsys, "check", str(written), "santiago")[0] == 0


def test_check_catches_a_trip_taken_out(copy, capsys):
    blocks = pd.read_csv(copy / "blocks.csv", dtype=str, keep_default_na=False)
    blocks = blocks.drop(blocks.index[blocks["kind"] == "trip"][3])
    blocks.to_csv(copy / "blocks.csv", index=False)
    code, told, _ = asked(capsys, "check", str(copy))
    assert code == 1
    assert "trip_not_covered" in {one["code"] for one in told["check"]}


@pytest.mark.parametrize(
    ("column", "cell", "want"),
    [("start_s", "soon", "start_s"), ("electric", "maybe", "electric"), ("end_s", "1.5", "whole")],
)
def test_an_edited_cell_that_is_no_value_is_named(copy, capsys, column, cell, want):
    blocks = pd.read_csv(copy / "blocks.csv", dtype=str, keep_default_na=False)
    blocks.loc[4, column] = cell
    blocks.to_csv(copy / "blocks.csv", index=False)
    assert run(["fleet", "check", str(copy)]) == 2
    err = capsys.readouterr().err
    assert "blocks.csv:6:" in err
    assert want in err
    assert "our mistake" not in err


def test_a_column_or_a_file_that_is_gone_is_named(copy, capsys):
    pd.read_csv(copy / "blocks.csv", dtype=str).drop(columns="depot").to_csv(
        copy / "blocks.csv", index=False
    )
    assert run(["fleet", "check", str(copy)]) == 2
    assert "'depot'" in capsys.readouterr().err
    (copy / "plan.json").unlink()
    assert run(["fleet", "check", str(copy)]) == 2
    assert "is not a written plan" in capsys.readouterr().err


def test_an_earlier_plan_is_replaced(copy, capsys):
    assert run(["fleet", "plan", "odd/plain", "--out", str(copy), "-q"]) == 0
    capsys.readouterr()
    assert len(pd.read_csv(copy / "blocks.csv")) < 100
    assert [one.name for one in copy.parent.iterdir() if ".part" in one.name] == []


@pytest.mark.parametrize("name", ["notes.txt", "plan.json"])
def test_a_folder_of_somebody_else_is_left_alone(tmp_path, capsys, name):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / name).write_text("{}")
    assert run(["fleet", "plan", "odd/plain", "--out", str(folder), "-q"]) == 2
    assert "no plan of ours" in capsys.readouterr().err
    assert [one.name for one in folder.iterdir()] == [name]
    assert (folder / name).read_text() == "{}"


def test_a_note_beside_a_plan_is_not_deleted(copy, capsys):
    (copy / "notes.txt").write_text("mine")
    assert run(["fleet", "plan", "odd/plain", "--out", str(copy), "-q"]) == 2
    assert "notes.txt" in capsys.readouterr().err
    assert (copy / "notes.txt").read_text() == "mine"


def test_the_current_folder_is_not_renamed_away(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["fleet", "plan", "odd/plain", "--out", ".", "-q"]) == 2
    assert "where you are" in capsys.readouterr().err


def test_given_blocks_are_kept(capsys):
    code, told, _ = asked(capsys, "plan", "odd/plain", "--blocks", "given")
    assert (code, told["check"], told["blocks_mode"]) == (0, [], "given")


@pytest.mark.parametrize(
    ("words", "want"),
    [
        (["--modes", "bus"], "--modes"),
        (["--modes", "3,,11"], "--modes"),
        (["--modes", "7"], "route type"),
        (["--blocks", "best"], "keep-filled"),
        (["--date", "1999-01-01"], "1999-01-01"),
        (["--date", "soon"], "soon"),
    ],
)
def test_a_wrong_option_ends_in_a_helpful_line(words, want, capsys):
    assert run(["fleet", "plan", "santiago", *words]) == 2
    said = capsys.readouterr()
    assert want in said.err
    assert said.out == ""
    assert "our mistake" not in said.err


def test_what_cannot_be_charged_is_an_answer_with_its_reason(tmp_path, capsys, case):
    text = case.read_text("utf-8").replace('file = "deadheads.csv"', "")
    text = text.replace("site_kw = 4000.0", "site_kw = 1.0").replace(
        "site_kw = 3000.0", "site_kw = 1.0"
    )
    (tmp_path / "weak.toml").write_text(text.replace("site_kw = 600.0", "site_kw = 1.0"))
    out = tmp_path / "plan"
    words = ["plan", "santiago", "--case", str(tmp_path / "weak.toml"), "--date", DATE]
    code, told, _ = asked(capsys, *words, "--out", str(out))
    assert (code, told["status"], told["objective"]) == (1, "infeasible", None)
    assert "kWh are missing" in told["why"]
    assert not out.exists()
    assert run(["fleet", *words, "--out", str(out)]) == 1
    said = capsys.readouterr()
    assert "kWh are missing" in said.out
    assert "nothing is written" in said.err


def test_a_feed_without_buses_is_planned_with_all_its_modes_loudly(tmp_path, capsys):
    folder = shutil.copytree(samples.path("odd/plain"), tmp_path / "trains")
    routes = pd.read_csv(folder / "routes.txt", dtype=str)
    routes.assign(route_type="2").to_csv(folder / "routes.txt", index=False)
    code, told, _ = asked(capsys, "plan", str(folder))
    assert (code, told["check"]) == (0, [])
    assert any("NO BUS ROUTES" in one for one in told["assumptions"])


def test_blocks_alone(capsys):
    code, told, _ = asked(capsys, "blocks", "santiago", "--date", DATE)
    assert (code, told["check"]) == (0, [])
    assert told["vehicles"] >= told["vehicles_bound"] > 0


def test_ctrl_c_ends_with_130(monkeypatch, capsys):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(fleet, "plan", stop)
    assert run(["fleet", "plan", "odd/plain", "-q"]) == 130
    assert capsys.readouterr().out == ""


def test_a_plan_is_drawn(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert run(["fleet", "plan", "odd/plain", "--plot", str(tmp_path / "day.png"), "-q"]) == 0
    assert (tmp_path / "day.png").read_bytes().startswith(b"\x89PNG")
    assert run(["fleet", "plan", "odd/plain", "--plot", str(tmp_path / "day.xyz"), "-q"]) == 2
    assert "xyz" in capsys.readouterr().err


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run(["fleet", "plan", "odd/plain", "--plot", str(tmp_path / "day.png"), "-q"]) == 2
    assert "mobility-engine[plots]" in capsys.readouterr().err


def test_a_plan_has_places(case):
    day = read_feed(samples.path("santiago"), cache=False).day(DATE)
    plan = fleet.plan(fleet.problem(day, case=case))
    places = plan.geo()
    assert places.crs.to_epsg() == 4326
    assert places["buses"].sum() == plan.vehicles
    assert places["trips"].sum() == plan.kpis["trips"]
    assert not places.geometry.is_empty.any()
