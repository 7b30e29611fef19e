"""Weeks of plans, the way from one into the next, and timing sheets."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signals_cases import CROSS, PLAN, J

from mobility import samples, signals
from mobility.errors import ConfigError
from mobility.signals.problem import Detector
from mobility.signals.schedule import DAYS, WORKDAYS, transition

CHANGSHA = signals.read_network(samples.path("changsha") / "signals.toml")
WHOLE = signals.plan_of(CHANGSHA)


def cut(cycle, offset=0, **more):
    """The crossroads' plan in another cycle."""
    extra = cycle - 120
    one = signals.program(
        CROSS.intersections[0],
        [44 + extra, 15, 29, 12],
        offset_s=offset,
        order=["A", "B", "C", "D"],
    )
    assert one.cycle_s == cycle
    return signals.Plan((one,), **more)


PEAK = cut(130, 40, name="peak", from_s=7 * 3600, to_s=9 * 3600)
REST = cut(110, 5, name="rest", from_s=9 * 3600, to_s=31 * 3600)


def test_plans_run_in_their_own_hours():
    week = signals.Schedule.of((REST, PEAK))
    assert week.at("mon", 8 * 3600) is PEAK
    assert week.at("sun", 9 * 3600) is REST
    assert week.at("mon", 0) is REST  # the last one of the week runs on
    assert len(week.changes()) == 14
    both = signals.Schedule((PEAK, REST), (
        signals.Slot(WORKDAYS, 25_200, "peak"), signals.Slot(DAYS, 32_400, "rest"),
    ))  # fmt: skip
    assert both.at("sat", 8 * 3600) is REST
    assert both.changes()[-1] == ("fri", 32_400, "peak", "rest")
    assert len(both.changes()) == 10


def test_a_week_comes_back_from_its_file(tmp_path):
    week = signals.Schedule.of((REST, PEAK), days=WORKDAYS, transition="dwell")
    assert signals.read_schedule(signals.write_plan(week, tmp_path / "week.json")) == week


@pytest.mark.parametrize(("plans", "slots", "more", "told"), [
    ((PEAK, PEAK), (), {}, "two plans are called"),
    ((PEAK,), (), {}, "no plan runs"),
    ((PEAK,), (signals.Slot(DAYS, 0, "night"),), {}, "no plan is called"),
    ((PEAK,), (signals.Slot(("so",), 0, "peak"),), {}, "no day is called"),
    ((PEAK,), (signals.Slot(DAYS, 90_000, "peak"),), {}, "no second"),
    ((PEAK, REST), (signals.Slot(DAYS, 0, "peak"), signals.Slot(("mon",), 0, "rest")), {}, "begin on"),
    ((PEAK,), (signals.Slot(DAYS, 0, "peak"),), {"transition": "jump"}, "no transition"),
])  # fmt: skip
def test_a_week_that_cannot_be_is_refused(plans, slots, more, told):
    with pytest.raises(ConfigError, match=told):
        signals.Schedule(plans, slots, **more)


def test_plans_that_overlap_are_refused():
    with pytest.raises(ConfigError, match="begins before"):
        signals.Schedule.of((PEAK, replace(REST, from_s=8 * 3600)))


def walked(old, new, at_s, done):
    """Play a transition second by second: where the new plan's reference point comes to lie."""
    leave = next(t for t in range(at_s, at_s + 400) if (t - old.offset_s) % old.cycle_s == 0)
    at = leave
    if done.method == "dwell":
        at += done.change_s
    for _ in range(done.cycles):
        at += new.cycle_s + done.change_s
    return leave, at


@given(
    st.integers(0, 86_399), st.integers(0, 109), st.integers(0, 129), st.sampled_from(["dwell", "shortway"]),
)  # fmt: skip
def test_a_transition_ends_in_step_and_costs_what_it_takes(at_s, before, after, method):
    old, new = cut(110, before).signals[0], cut(130, after).signals[0]
    done = transition(
        CROSS.intersections[0], old, new, day="mon", at_s=at_s, zero_s=0, method=method
    )
    leave, at = walked(old, new, at_s, done)
    assert (at - new.offset_s) % new.cycle_s == pytest.approx(0, abs=1e-6) or (
        at - new.offset_s
    ) % new.cycle_s == pytest.approx(new.cycle_s, abs=1e-6)
    assert done.cost_s == pytest.approx(at - leave)
    assert abs(done.change_s) <= 0.2 * new.cycle_s + 1e-9 or method == "dwell"
    assert done.cost_s <= 5 * new.cycle_s + new.cycle_s


def test_the_short_way_shortens_where_that_is_sooner():
    old, new = cut(120, 0).signals[0], cut(120, 100).signals[0]
    done = transition(
        CROSS.intersections[0], old, new, day="mon", at_s=0, zero_s=0, method="shortway"
    )
    assert (done.cycles, done.change_s, done.cost_s) == (1, -20, 100)
    same = transition(
        CROSS.intersections[0], old, old, day="mon", at_s=0, zero_s=0, method="shortway"
    )
    assert (same.cycles, same.cost_s) == (0, 0)


def told(sheet, section):
    rows = {}
    for name, row, field, value in sheet.rows():
        if name == section:
            rows.setdefault(row, {})[field] = value
    return list(rows.values())


def test_a_sheet_says_all_that_a_controller_needs():
    week = signals.Schedule.of((REST, PEAK))
    (sheet,) = signals.timing_sheets(CROSS, week)
    groups = {row["group"]: row for row in told(sheet, "groups")}
    assert groups["EW"]["yellow_s"] == 3
    assert groups["EW"]["all_red_s"] == 2
    assert (groups["PEW"]["walk_s"], groups["PEW"]["clearance_s"]) == (7, 20)
    plans = {row["plan"]: row for row in told(sheet, "plans")}
    assert plans["peak"]["cycle_s"] == 130
    assert (plans["peak"]["offset_s"], plans["peak"]["reference"]) == (40, "begin-green")
    splits = [row["split_s"] for row in told(sheet, "stage times") if row["plan"] == "peak"]
    assert sum(splits) == 130
    greens = {row["group"]: row for row in told(sheet, "green times") if row["plan"] == "rest"}
    assert greens["EW"]["green_s"] == 34
    changes = told(sheet, "transitions")
    assert {(row["before"], row["after"]) for row in changes} == {
        ("rest", "peak"),
        ("peak", "rest"),
    }
    assert all(row["cost_s"] >= 0 for row in changes)
    assert any("no multiple of 130 s" in note for note in sheet.notes)
    assert sheet.to_dict()["signal"] == J


def test_sheets_are_written_whole_and_replace_earlier_ones_alone(tmp_path):
    sheets = signals.timing_sheets(CHANGSHA, WHOLE)
    folder = signals.write_sheets(sheets, tmp_path / "sheets")
    signals.write_sheets(sheets[:2], folder)
    assert sorted(one.name for one in folder.iterdir()) == ["J01.csv", "J02.csv", "sheets.html"]
    assert [one.name for one in tmp_path.iterdir()] == ["sheets"]
    with (folder / "J01.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["section"] for row in rows} >= {"groups", "stages", "plans", "week", "intergreens"}
    page = (folder / "sheets.html").read_text()
    assert page.count("<section>") == 2
    assert page.count("<svg") == 2
    assert page.count("green 0-44 s") == 1
    assert "http" not in page
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"notes\.txt"):
        signals.write_sheets(sheets, folder)
    with pytest.raises(ConfigError, match="is a file"):
        signals.write_sheets(sheets, folder / "notes.txt")


def test_text_of_people_is_text_on_the_page(tmp_path):
    one = replace(CROSS.intersections[0], name="<script>alert(1)</script>", id="../up")
    network = replace(CROSS, intersections=(one,))
    plan = signals.Plan((replace(PLAN.signals[0], signal="../up"),))
    folder = signals.write_sheets(signals.timing_sheets(network, plan), tmp_path / "sheets")
    assert "<script>" not in (folder / "sheets.html").read_text()
    assert [one.name for one in tmp_path.iterdir()] == ["sheets"]
    assert len(list(folder.iterdir())) == 2


def test_a_sheet_of_rings_has_the_splits_of_each_ring_and_its_detectors():
    network = signals.read_utdf(samples.path("santiago").parent / "ring.utdf.csv")
    one = replace(
        network.intersections[0],
        detectors=(Detector("EBT1", "extend", ("W through",), 40, 6, 2.5),),
        groups=tuple(replace(x, detectors=("EBT1",) if x.id == "2" else ())
                     for x in network.intersections[0].groups),
    )  # fmt: skip
    plan = signals.plan_of(network)
    (sheet, _) = signals.timing_sheets(
        replace(network, intersections=(one, network.intersections[1])), plan
    )
    splits = told(sheet, "ring splits")
    assert {row["ring"] for row in splits} == {1, 2}
    for ring in (1, 2):
        assert sum(row["split_s"] for row in splits if row["ring"] == ring) == pytest.approx(110)
    assert {row["group"]: row["split_s"] for row in splits}["2"] == 42
    (detector,) = told(sheet, "detectors")
    assert (detector["distance_m"], detector["extend_s"], detector["groups"]) == (40, 2.5, "2")
    assert {"gives_way": "2", "to": "6"} in told(sheet, "permissive")


def test_a_sheet_says_what_people_on_foot_get_and_were_promised():
    town = signals.read_network(samples.path("incheon") / "signals.toml")
    sheets = {one.signal: one for one in signals.timing_sheets(town, signals.plan_of(town))}
    rows = {row["group"]: row for row in told(sheets["N05"], "crossings")}
    assert (rows["PEW"]["max_wait_s"], rows["PEW"]["place"]) == (60, "welfare centre (synthetic)")
    assert rows["PNS"]["max_wait_s"] is None
    for row in rows.values():
        whole = row["walk_s"] + row["clearance_s"] + row["longest_wait_s"]
        assert whole == pytest.approx(120)
    assert any("cycles of 70 to 150 s" in note for note in sheets["N05"].notes)
