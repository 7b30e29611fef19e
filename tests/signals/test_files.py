"""Plans and logs on disk: they come back as they were, and damaged files are told, never guessed at."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from signals_cases import CROSS, PLAN, J, log_of

from mobility import samples, signals
from mobility.errors import TableError
from mobility.signals.plan import Command, DataGap, Horizon, Promise, Request
from mobility.solution import Report, Status, StopReason

CHANGSHA = signals.read_network(samples.path("changsha") / "signals.toml")
WHOLE = signals.plan_of(CHANGSHA)
LOG = log_of(
    CROSS, PLAN, 3, requests=(Request("a", J, "priority", "NS", 10, 40),),
    commands=(Command(J, 20, "priority", "a", "C"),), horizons=(Horizon(J, 19, 0, 500),),
    gaps=(DataGap(J, 3, 4.5),), promises=(Promise(J, "EW", 5, 40, 44),), digest="d",
)  # fmt: skip


@pytest.mark.parametrize("kind", ["json", "csv", "parquet"])
def test_a_plan_comes_back(tmp_path, kind):
    path = signals.write_plan(WHOLE, tmp_path / f"plan.{kind}")
    assert signals.read_plan(path) == WHOLE
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert signals.check(CHANGSHA, signals.read_plan(path)) == []


@given(
    st.lists(st.decimals(5, 60, places=3), min_size=4, max_size=4),
    st.decimals(0, 300, places=3), st.sampled_from(["json", "csv", "parquet"]),
)  # fmt: skip
def test_times_of_a_simulator_come_back_to_the_millisecond(tmp_path, greens, offset, kind):
    one = signals.program(
        CROSS.intersections[0], [float(g) for g in greens], offset_s=float(offset)
    )
    back = signals.read_plan(signals.write_plan(signals.Plan((one,)), tmp_path / f"p.{kind}"))
    assert back.signals[0].shows == one.shows
    assert back.signals[0].zero_s == one.zero_s
    for made, was in zip(back.signals[0].stages, one.stages, strict=True):
        assert (made.stage, made.from_s) == (was.stage, was.from_s)
        assert made.green_s == pytest.approx(was.green_s, abs=1e-9)


def test_how_a_plan_came_about_comes_back(tmp_path):
    report = Report(Status.FEASIBLE, 10.0, "s", {"cars": 4.0, "buses": 6.0}, 8.0, "bands", 1.5, 3,
                    StopReason.WORK)  # fmt: skip
    plan = replace(WHOLE, report=report)
    assert signals.read_plan(signals.write_plan(plan, tmp_path / "p.json")).report == report
    best = replace(report, bound=12.0, maximise=True)
    plan = replace(WHOLE, report=best)
    assert signals.read_plan(signals.write_plan(plan, tmp_path / "p.json")).report == best


def test_a_log_comes_back(tmp_path):
    back = signals.read_log(signals.write_log(LOG, tmp_path / "log.json"))
    for name in ("shown", "stages"):
        table = getattr(LOG, name).astype({"from_s": float, "to_s": float})
        pd.testing.assert_frame_equal(getattr(back, name), table, check_dtype=False)
    for name in ("requests", "commands", "horizons", "gaps", "promises", "plan", "digest"):
        assert getattr(back, name) == getattr(LOG, name), name
    assert signals.check(CROSS, back) == signals.check(CROSS, LOG)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_lamps_of_a_log_come_back(tmp_path, kind):
    quiet = log_of(CROSS, PLAN, 3)
    back = signals.read_log(signals.write_log(quiet, tmp_path / f"log.{kind}"))
    assert back.input_findings == ()
    assert signals.check(CROSS, back) == []
    assert len(back.shown) == len(quiet.shown)


def test_bad_rows_of_a_log_are_told_and_the_others_judged(tmp_path):
    path = signals.write_log(log_of(CROSS, PLAN, 3), tmp_path / "log.csv")
    lines = path.read_text().splitlines()
    lines[5] = lines[5].replace(lines[5].split(",")[3], "soon")
    lines[9] += ",more"
    path.write_text("\n".join(lines))
    log = signals.read_log(path)
    assert sorted((one.code, one.row) for one in log.input_findings) == [
        ("signal_row_unreadable", 6), ("signal_row_unreadable", 10),
    ]  # fmt: skip
    assert {one.code for one in signals.check(CROSS, log)} >= {"signal_lamps_do_not_tile"}


@pytest.mark.parametrize(("old", "new", "column"), [
    (",green,", ",grean,", "state"), (",lamp,", ",lump,", "what"), ("120,", "soon,", "cycle_s"),
    ("begin-green", "begin", "reference"),
])  # fmt: skip
def test_a_plan_with_a_bad_cell_is_refused_and_told(tmp_path, old, new, column):
    path = signals.write_plan(WHOLE, tmp_path / "plan.csv")
    lines = path.read_text().splitlines()
    at = next(k for k, line in enumerate(lines) if old in line)
    lines[at] = lines[at].replace(old, new, 1)
    path.write_text("\n".join(lines))
    with pytest.raises(TableError, match="mend") as caught:
        signals.read_plan(path)
    first = caught.value.findings[0]
    assert (first.code, first.row, first.column) == ("signal_row_unreadable", at + 1, column)


def test_a_plan_whose_rows_contradict_each_other_is_refused(tmp_path):
    path = signals.write_plan(WHOLE, tmp_path / "plan.csv")
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace(",120,", ",119,", 1)
    path.write_text("\n".join(lines))
    with pytest.raises(TableError, match="contradicts"):
        signals.read_plan(path)


def test_every_wrong_place_of_a_json_is_told(tmp_path):
    path = signals.write_plan(WHOLE, tmp_path / "plan.json")
    told = json.loads(path.read_text())
    told["signals"][1]["cycle_s"] = "long"
    told["signals"][2]["shows"][0][1] = "blue"
    told["sginals"] = []
    path.write_text(json.dumps(told))
    with pytest.raises(TableError) as caught:
        signals.read_plan(path)
    places = {one.column for one in caught.value.findings}
    assert places == {"signals.1.cycle_s", "signals.2.shows.0.1", "sginals"}


def test_what_a_command_printed_is_a_plan_too(tmp_path):
    path = tmp_path / "said.json"
    told = {**WHOLE.to_dict(), "saving": 0.1, "after": {"delay_s": 3}}
    for document in (told, {"network": "x", "digest": "y", "plan": told}):
        path.write_text(json.dumps(document))
        assert signals.read_plan(path) == WHOLE


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"kind": "plan"}', "[" * 5000])
def test_what_is_no_plan_is_refused(tmp_path, text):
    path = tmp_path / "p.json"
    path.write_text(text)
    with pytest.raises(TableError, match="mend"):
        signals.read_plan(path)
    with pytest.raises(TableError, match="mend"):
        signals.read_log(path)


def test_kinds_are_not_mixed_up(tmp_path):
    plan = signals.write_plan(WHOLE, tmp_path / "plan.json")
    log = signals.write_log(LOG, tmp_path / "log.json")
    with pytest.raises(TableError, match="is a log"):
        signals.read_plan(log)
    with pytest.raises(TableError, match="is a plan"):
        signals.read_log(plan)
    with pytest.raises(TableError, match="neither JSON nor CSV"):
        signals.write_plan(WHOLE, tmp_path / "plan.txt")
    with pytest.raises(TableError, match="mend"):
        signals.write_plan(WHOLE, tmp_path / "nowhere" / "plan.json")


@given(st.data())
def test_a_damaged_file_never_ends_in_a_traceback(tmp_path, data):
    kind = data.draw(st.sampled_from(["json", "csv"]))
    small = signals.Plan(PLAN.signals, digest="x")
    path = signals.write_plan(small, tmp_path / f"plan.{kind}")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[at] = data.draw(st.integers(0, 255))
        else:
            del content[at : at + data.draw(st.integers(1, 200))]
    path.write_bytes(bytes(content))
    try:
        back = signals.read_shown(path)
    except TableError as error:
        assert error.mend  # noqa: PT017 - not every damage is one
    else:
        signals.check(CROSS, back)
