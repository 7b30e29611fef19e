"""Corners of the fourteen invariants that a hurried validator passes over; each mutant is caught."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest
from signals_cases import CROSS, PLAN, J, log_of

from mobility import signals
from mobility.signals.plan import SHOWN, Promise, Request, StageTime
from mobility.signals.problem import Group, Intersection, Network, Sequence, Stage, State
from mobility.signals.timing import _safe

LOG = log_of(CROSS, PLAN)
ONE = CROSS.intersections[0]


def codes(network, shown):
    return {one.code for one in signals.check(network, shown)}


def with_group(network, group, **fields):
    one = network.intersections[0]
    groups = tuple(replace(two, **fields) if two.id == group else two for two in one.groups)
    return replace(network, intersections=(replace(one, groups=groups),))


def showing(rows, **more):
    """A log of one group's states after another: {group: [(state, seconds), ...]}."""
    table = []
    for group, steps in rows.items():
        at = 0
        for state, seconds in steps:
            table.append(("X", group, state, at, at + seconds))
            at += seconds
    return signals.Log(pd.DataFrame(table, columns=list(SHOWN)), **more)


@pytest.mark.parametrize("state", ["green", "yellow"])
def test_3_flashing_green_where_none_is_due_is_told(state):
    shown = LOG.shown.copy()
    row = shown.index[shown["state"].eq(state) & shown["group"].eq("NS")][2]
    shown.loc[row, "state"] = "flashing-green"
    told = codes(CROSS, replace(LOG, shown=shown))
    assert told & {"signal_yellow_wrong", "signal_sequence_wrong"}


def test_3_a_group_that_goes_dark_instead_of_yellow_is_told():
    shown = LOG.shown.copy()
    shown.loc[shown["state"].eq("yellow"), "state"] = "off"
    assert "signal_sequence_wrong" in codes(CROSS, replace(LOG, shown=shown))
    whole = LOG.shown[LOG.shown["from_s"] < 120].assign(state="flash")
    assert codes(CROSS, replace(LOG, shown=whole, stages=LOG.stages.iloc[:0], plan=None)) == set()


def test_4_people_who_clear_as_the_log_ends_are_not_driven_into():
    people = Group("P", "pedestrian", Sequence((), ((State.CLEARANCE, 20),)), 0, walk_s=5)
    one = Intersection("X", (people, Group("V")), (Stage("s1", ("P",)), Stage("s2", ("V",))),
                       {("P", "V"): 20, ("V", "P"): 5}, order_free=True)  # fmt: skip
    log = showing({"P": [("red", 5), ("green", 10), ("clearance", 10)],
                   "V": [("red", 20), ("green", 5)]})  # fmt: skip
    assert "signal_intergreen_too_short" in codes(Network((one,)), log)


def test_5_no_fire_engine_cuts_a_walk():
    network = with_group(CROSS, "PEW", walk_s=28)
    held = Request("a", J, "preemption", "NS", 0, 800)
    assert "signal_walk_cut" in codes(network, replace(LOG, requests=(held,)))


def test_2_two_fire_engines_at_one_time_excuse_a_red_once():
    network = with_group(CROSS, "EW", max_red_s=66)
    held = [(60 + 120 * k, 70 + 120 * k) for k in range(6)]
    one = tuple(Request("a", J, "preemption", "NS", *span) for span in held)
    two = tuple(Request("b", J, "preemption", "NS", *span) for span in held)
    log = replace(LOG, plan=None)
    assert codes(network, replace(log, requests=one)) == set()
    tight = with_group(CROSS, "EW", max_red_s=60)
    assert "signal_red_too_long" in codes(tight, replace(log, requests=one))
    assert "signal_red_too_long" in codes(tight, replace(log, requests=one + two))


def test_2_a_call_that_was_answered_asks_no_more():
    one = Intersection("X", (Group("A", max_red_s=30), Group("B", max_red_s=30)),
                       (Stage("s1", ("A",)), Stage("s2", ("B",), optional=True)), {})  # fmt: skip
    rows = {"A": [("green", 200)], "B": [("red", 10), ("green", 20), ("yellow", 3), ("red", 167)]}
    call = Request("c", "X", "call", "B", 0, 10)
    assert "signal_red_too_long" not in codes(Network((one,)), showing(rows, requests=(call,)))
    again = replace(call, from_s=60, to_s=90)
    assert "signal_red_too_long" in codes(Network((one,)), showing(rows, requests=(call, again)))


def test_8_a_green_between_two_claims_is_seen():
    """A stage that nobody tells of is shown after A; what is told looks like the plan."""
    order = signals.program(ONE, [44, 29, 15, 29, 12], order=["A", "C", "B", "C", "D"])
    log = log_of(CROSS, signals.Plan((order,)))
    second = log.stages["stage"].eq("C") & log.stages.groupby("stage").cumcount().mod(2).eq(0)
    silent = replace(log, stages=log.stages[~second], plan=None)
    wide = replace(CROSS, intersections=(replace(ONE, cycle_range_s=(40, 300)),))
    assert "signal_stage_unknown" in codes(wide, silent)


@pytest.mark.parametrize("told", [True, False])
def test_9_lamps_out_of_step_are_seen_whatever_is_told(told):
    shown = LOG.shown.copy()
    shown[["from_s", "to_s"]] += 5
    stages = LOG.stages if told else LOG.stages.iloc[:0]
    assert "signal_not_in_coordination" in codes(CROSS, replace(LOG, shown=shown, stages=stages))


def test_9_the_clock_of_a_log_begins_at_the_master_clocks_zero():
    network = replace(CROSS, zero_s=37)
    shown, stages = LOG.shown.copy(), LOG.stages.copy()
    for table in (shown, stages):
        table[["from_s", "to_s"]] += 37
    assert codes(network, replace(LOG, shown=shown, stages=stages)) == set()
    assert codes(network, LOG) == {"signal_not_in_coordination"}


@pytest.mark.parametrize("reference", ["begin-green", "begin-yellow", "end-yellow"])
def test_9_each_reference_point_where_people_stop_before_the_stage_does(reference):
    network = replace(CROSS, intersections=(replace(ONE, reference=reference),))
    assert signals.check(network, signals.plan_of(network)) == []


def test_numbers_that_are_none_are_told():
    off = replace(PLAN.signals[0], offset_s=math.nan)
    assert codes(CROSS, replace(PLAN, signals=(off,))) == {"signal_not_in_coordination"}
    said = Promise(J, "EW", 10, math.nan, math.nan)
    assert codes(CROSS, replace(LOG, promises=(said,))) == {"signal_promise_broken"}


def test_two_programs_for_one_signal_are_told():
    other = replace(PLAN.signals[0], stages=PLAN.signals[0].stages)
    assert codes(CROSS, replace(PLAN, signals=(PLAN.signals[0], other))) == {"signal_planned_twice"}


def test_a_reference_stage_that_is_unknown_is_told():
    stages = (StageTime("Z", 0, 44), *PLAN.signals[0].stages[1:])
    one = replace(PLAN.signals[0], stages=stages, reference_stage="Z")
    assert "signal_stage_unknown" in codes(CROSS, replace(PLAN, signals=(one,)))


def test_a_defect_that_came_in_does_not_excuse_a_plan_of_ours():
    early = signals.program(ONE, [44, 6, 29, 12])
    told = signals.check(CROSS, signals.Plan((early,)))
    assert {one.code for one in told} == {"signal_green_too_short"}
    network = replace(CROSS, input_findings=tuple(told))
    kept, why = _safe(network, signals.Plan((early,)), PLAN)
    assert kept.signals == PLAN.signals
    assert [one.code for one in why] == ["signal_green_too_short"]
