"""Each of the fourteen invariants has mutants, and each mutant is caught; valid plans are silent."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobility import samples, signals
from mobility.signals.plan import (
    SHOWN,
    Command,
    DataGap,
    Horizon,
    Indication,
    Log,
    Promise,
    Request,
    StageTime,
)
from mobility.signals.problem import Group, Intersection, Network, Rings, Rules, State

CITIES = ("changsha", "incheon")
SIGNALS = {name: signals.read_network(samples.path(name) / "signals.toml") for name in CITIES}
CROSS = Network((SIGNALS["changsha"].intersections[0],), rules=Rules(priority_lockout_s=60))
PLAN = signals.plan_of(CROSS)
J = "J01"


def codes(network, shown, again=None):
    return {one.code for one in signals.check(network, shown, again=again)}


def log_of(network, plan, cycles=6, **more):
    """A log that shows a plan, cycle after cycle."""
    rows, stages = [], []
    for one in plan.signals:
        for k in range(cycles):
            at = one.zero_s + k * one.cycle_s
            rows += [
                (one.signal, s.group, str(s.state), at + s.from_s, at + s.to_s) for s in one.shows
            ]
            stages += [
                (one.signal, s.stage, at + s.from_s, at + s.from_s + s.green_s) for s in one.stages
            ]
    shown = pd.DataFrame(rows, columns=list(SHOWN))
    return Log(
        shown,
        pd.DataFrame(stages, columns=["signal", "stage", "from_s", "to_s"]),
        plan=plan,
        **more,
    )


def changed(log, group, cycle, shift):
    """A log in which one group's states in one cycle are moved by ``shift(state, from_s, to_s)``."""
    shown = log.shown.copy()
    own = shown["signal"].eq(J) & shown["group"].eq(group) & shown["from_s"].floordiv(120).eq(cycle)
    for row in shown.index[own]:
        shown.loc[row, ["from_s", "to_s"]] = shift(*shown.loc[row, ["state", "from_s", "to_s"]])
    return replace(log, shown=shown[shown["to_s"] > shown["from_s"]])


LOG = log_of(CROSS, PLAN)


@pytest.mark.parametrize("name", CITIES)
def test_samples_and_their_plans_are_silent(name):
    network = SIGNALS[name]
    plan = signals.plan_of(network)
    assert signals.check(network) == []
    assert signals.check(network, plan) == []
    assert signals.check(network, log_of(network, plan)) == []
    assert len(plan.signals) == len(network.intersections)


@given(
    st.lists(st.integers(29, 60), min_size=4, max_size=4),
    st.integers(0, 119),
    st.sampled_from(CITIES),
)
def test_any_greens_above_the_minimum_are_safe_once_laid_out(greens, offset, city):
    one = next(two for two in SIGNALS[city].intersections if len(two.stages) == 4)
    one = replace(
        one, cycle_range_s=(40, 400), groups=tuple(replace(g, max_red_s=None) for g in one.groups)
    )
    network = Network((one,))
    plan = signals.Plan((signals.program(one, greens, offset_s=offset),))
    assert signals.check(network, plan) == []


def with_group(network, group, **fields):
    one = network.intersections[0]
    groups = tuple(replace(two, **fields) if two.id == group else two for two in one.groups)
    return replace(network, intersections=(replace(one, groups=groups),))


def test_1_minimum_green():
    short = signals.Plan((signals.program(CROSS.intersections[0], [44, 6, 29, 12]),))
    assert "signal_green_too_short" in codes(CROSS, short)


def test_1_preemption_may_end_a_green_early_priority_may_not():
    network = with_group(CROSS, "EWL", min_green_s=16)
    held = [Request("a", J, "preemption", "NS", 0, 800)]
    assert "signal_green_too_short" in codes(network, LOG)
    assert "signal_green_too_short" in codes(
        network, replace(LOG, requests=(replace(held[0], kind="priority"),))
    )
    assert "signal_green_too_short" not in codes(network, replace(LOG, requests=tuple(held)))


def test_2_maximum_green_and_red():
    assert "signal_green_too_long" in codes(with_group(CROSS, "EW", max_green_s=43), LOG)
    assert codes(with_group(CROSS, "EW", max_red_s=75), LOG) == {"signal_red_too_long"}


@given(
    st.sampled_from(["EW", "EWL", "NS", "NSL"]), st.sampled_from([-2, -1, 1, 2]), st.integers(1, 4)
)
def test_3_yellow_is_exact(group, by, cycle):
    def shift(state, start, end):
        if state == "yellow":
            return start, end + by
        return (start + by, end) if state == "red" and start % 120 > 0 else (start, end)

    assert "signal_yellow_wrong" in codes(CROSS, changed(LOG, group, cycle, shift))


def test_3_steps_of_the_sequence():
    network = with_group(
        CROSS, "EW", sequence=signals.Sequence(((State.RED_AMBER, 2),), ((State.YELLOW, 3),))
    )
    assert "signal_sequence_wrong" in codes(network, LOG)
    assert signals.check(network, signals.plan_of(network)) == []
    flashing = with_group(
        CROSS, "EW", sequence=signals.Sequence((), ((State.FLASHING_GREEN, 3), (State.YELLOW, 3)))
    )
    assert "signal_sequence_wrong" in codes(flashing, LOG)
    assert signals.check(flashing, signals.plan_of(flashing)) == []


@given(st.sampled_from(sorted(CROSS.intersections[0].intergreen_s)))
def test_4_every_intergreen(pair):
    one = CROSS.intersections[0]
    ends, starts = pair
    longer = {**one.intergreen_s, pair: one.intergreen_s[pair] + 115}
    network = replace(CROSS, intersections=(replace(one, intergreen_s=longer),))
    assert "signal_intergreen_too_short" in codes(network, LOG), (ends, starts)


@given(st.sampled_from(["EWL", "NS", "NSL"]), st.integers(1, 4), st.integers(1, 4))
def test_4_and_6_a_green_that_begins_early(group, by, cycle):
    def shift(state, start, end):
        if state == "green":
            return start - by, end
        return (start, end - by) if state == "red" and start % 120 == 0 else (start, end)

    assert "signal_intergreen_too_short" in codes(CROSS, changed(LOG, group, cycle, shift))


def test_5_clearance_and_walk():
    def cut(state, start, end):
        if state == "clearance":
            return start, end - 1
        return (start - 1, end) if state == "red" and start % 120 > 0 else (start, end)

    assert "signal_clearance_cut" in codes(CROSS, changed(LOG, "PEW", 2, cut))
    network = with_group(CROSS, "PEW", walk_s=28)
    assert "signal_walk_cut" in codes(network, LOG)
    assert "signal_walk_cut" not in codes(with_group(network, "PEW", walk_may_be_cut=True), LOG)


@given(st.sampled_from(sorted(CROSS.intersections[0].conflicts)), st.integers(1, 4))
def test_6_conflicting_greens(pair, cycle):
    shown = LOG.shown.copy()
    own = shown["group"].isin(pair) & shown["from_s"].floordiv(120).eq(cycle)
    shown.loc[own, "state"] = "green"
    assert "signal_conflicting_greens" in codes(CROSS, replace(LOG, shown=shown))


def test_6_a_permissive_pair_must_be_listed():
    one = CROSS.intersections[0]
    foes = {**one.intergreen_s, ("EW", "PEW"): 0}
    listed = replace(CROSS, intersections=(replace(one, intergreen_s=foes),))
    unlisted = replace(
        CROSS, intersections=(replace(one, intergreen_s=foes, permissive=frozenset()),)
    )
    assert "signal_conflicting_greens" not in codes(listed, LOG)
    assert "signal_conflicting_greens" in codes(unlisted, LOG)
    assert "signal_stages_conflict" in codes(unlisted, None)


def ring_network(**more):
    names = [str(k) for k in range(1, 9)]
    rings = Rings(((("1", "2"), ("3", "4")), (("5", "6"), ("7", "8"))),
                  splits_s=dict(zip(names, [20, 30, 15, 35] * 2, strict=True)), **more)  # fmt: skip
    left = [("1", "2"), ("3", "4"), ("5", "6"), ("7", "8")]
    across = [(a, b) for a in "1256" for b in "3478"]
    foes = {pair: 5 for a, b in left + across for pair in ((a, b), (b, a))}
    one = Intersection("R", tuple(Group(name) for name in names), signals.case.ring_stages(rings),
                       foes, rings=rings, cycle_s=100)  # fmt: skip
    return Network((one,))


def test_7_rings():
    network = ring_network()
    plan = signals.plan_of(network)
    assert signals.check(network, plan) == []
    one = plan.signals[0]
    swap = {"1": "2", "2": "1"}
    one = signals.program(network.intersections[0])
    lagging = replace(
        one, stages=(), shows=tuple(replace(s, group=swap.get(s.group, s.group)) for s in one.shows)
    )
    strict = ring_network(may_swap=False)
    assert "signal_ring_order" in codes(strict, signals.Plan((lagging,)))
    assert "signal_ring_order" not in codes(network, signals.Plan((lagging,)))
    kept = tuple(s for s in one.shows if s.group != "6")
    long = tuple(Indication("6", *row) for row in (
        (State.RED, 0, 20), (State.GREEN, 20, 60), (State.YELLOW, 60, 63), (State.RED, 63, 100),
    ))  # fmt: skip
    late = replace(one, stages=(), shows=kept + long)
    assert "signal_barrier_crossed" in codes(network, signals.Plan((late,)))


def test_8_stages():
    order = signals.program(CROSS.intersections[0], [44, 29, 15, 12], order=["A", "C", "B", "D"])
    assert "signal_stage_skipped" in codes(CROSS, signals.Plan((order,)))
    skipped = signals.program(CROSS.intersections[0], [44, 29, 12], order=["A", "C", "D"])
    assert "signal_stage_skipped" in codes(CROSS, signals.Plan((skipped,)))
    one = CROSS.intersections[0]
    optional = tuple(replace(s, optional=s.id == "B") for s in one.stages)
    allowed = replace(CROSS, intersections=(replace(one, stages=optional),))
    assert "signal_stage_skipped" not in codes(allowed, signals.Plan((skipped,)))
    invented = replace(PLAN.signals[0], stages=(StageTime("Z", 0, 44), *PLAN.signals[0].stages[1:]))
    assert "signal_stage_unknown" in codes(CROSS, signals.Plan((invented,)))


def test_8_order_is_seen_in_the_lamps_too():
    silent = replace(LOG, stages=LOG.stages.iloc[:0])
    assert signals.check(CROSS, silent) == []
    order = signals.program(CROSS.intersections[0], [44, 29, 15, 12], order=["A", "C", "B", "D"])
    other = log_of(CROSS, signals.Plan((order,)))
    assert "signal_stage_skipped" in codes(CROSS, replace(other, stages=other.stages.iloc[:0]))


@given(st.integers(1, 119))
def test_9_coordination(by):
    off = replace(PLAN.signals[0], zero_s=(PLAN.signals[0].zero_s + by) % 120)
    assert "signal_not_in_coordination" in codes(CROSS, signals.Plan((off,)))
    log = replace(log_of(CROSS, signals.Plan((off,))), plan=PLAN)
    assert "signal_not_in_coordination" in codes(CROSS, log)
    soon = Request("a", J, "priority", "NS", 0, 719)
    assert "signal_not_in_coordination" not in codes(CROSS, replace(log, requests=(soon,)))
    long_ago = Request("a", J, "priority", "NS", 0, 10)
    assert "signal_not_in_coordination" in codes(CROSS, replace(log, requests=(long_ago,)))


def ready(*commands, **more):
    return replace(LOG, commands=commands, horizons=(Horizon(J, 0, 0, 2000),), plan=None, **more)


def test_10_classes():
    command = Command(J, 100, "priority", "b")
    assert codes(CROSS, ready(command)) == set()
    for kind in ("preemption", "rail"):
        held = Request("f", J, kind, "NS", 90, 130)
        assert "signal_lower_class_served" in codes(CROSS, ready(command, requests=(held,)))
    train = Request("t", J, "rail", "NS", 90, 130)
    engine = Command(J, 100, "preemption", "f")
    assert "signal_lower_class_served" in codes(CROSS, ready(engine, requests=(train,)))
    assert "signal_lower_class_served" not in codes(
        CROSS, ready(replace(engine, cause="rail"), requests=(train,))
    )


def test_11_again():
    assert codes(
        CROSS, ready(Command(J, 100, "priority", "a"), Command(J, 150, "priority", "b"))
    ) == {"signal_priority_again_too_soon"}
    assert (
        codes(CROSS, ready(Command(J, 100, "priority", "a"), Command(J, 160, "priority", "b")))
        == set()
    )
    assert "signal_served_again_too_soon" in codes(with_group(CROSS, "EW", min_red_s=77), LOG)


def test_12_horizon_and_stale_data():
    command = Command(J, 100, "priority", "a")
    assert codes(CROSS, replace(LOG, commands=(command,), plan=None)) == {"signal_no_horizon"}
    late = Horizon(J, 101, 0, 2000)
    assert "signal_no_horizon" in codes(CROSS, replace(ready(command), horizons=(late,)))
    brief = Horizon(J, 0, 0, 159)
    assert "signal_no_horizon" in codes(CROSS, replace(ready(command), horizons=(brief,)))
    assert codes(CROSS, ready(command, gaps=(DataGap(J, 80, 120),))) == {"signal_stale_data_used"}
    assert codes(CROSS, ready(command, gaps=(DataGap(J, 97, 120),))) == set()
    assert codes(CROSS, ready(replace(command, cause="plan"), gaps=(DataGap(J, 80, 120),))) == set()


@given(st.integers(0, 700), st.integers(-20, 20), st.integers(0, 20))
def test_13_promises(at, by, width):
    row = LOG.shown.query("group == 'EW' and from_s <= @at < to_s").iloc[0]
    following = LOG.shown.query("group == 'EW' and from_s == @row.to_s")
    end = row["to_s"]
    if len(following) and following.iloc[0]["state"] == row["state"]:
        end = following.iloc[0]["to_s"]  # red runs over the cycle's end
    said = Promise(J, "EW", at, end + by, end + by + width)
    broken = "signal_promise_broken" in codes(CROSS, replace(LOG, promises=(said,)))
    cut = end >= LOG.shown["to_s"].max()
    kept = end <= end + by + width and (cut or end + by <= end)
    assert broken is not kept


def test_14_the_same_input_the_same_plan():
    other = signals.Plan(
        (signals.program(CROSS.intersections[0], [45, 15, 28, 12]),), digest=PLAN.digest
    )
    assert codes(CROSS, PLAN, PLAN) == set()
    assert codes(CROSS, PLAN, other) == {"signal_answers_differ"}
    assert codes(CROSS, PLAN, replace(other, digest="another")) == set()
    assert codes(CROSS, replace(LOG, digest="x"), replace(log_of(CROSS, other), digest="x")) == {
        "signal_answers_differ"
    }


def test_countdown_holds():
    network = with_group(CROSS, "EW", countdown_s=5)
    assert "signal_changed_inside_countdown" in codes(
        network, ready(Command(J, 162, "priority", "a"))
    )
    assert codes(network, ready(Command(J, 158, "priority", "a"))) == set()


@given(st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(random):
    rows = list(range(len(LOG.shown)))
    random.shuffle(rows)
    mixed = replace(LOG, shown=LOG.shown.iloc[rows])
    assert signals.check(with_group(CROSS, "EW", max_red_s=75), mixed) == signals.check(
        with_group(CROSS, "EW", max_red_s=75), LOG
    )


@given(st.data())
def test_a_missing_or_doubled_row_is_never_silent(data):
    row = data.draw(st.integers(0, len(LOG.shown) - 1))
    assert signals.check(CROSS, replace(LOG, shown=LOG.shown.drop(index=LOG.shown.index[row])))
    twice = pd.concat([LOG.shown, LOG.shown.iloc[[row]]])
    assert signals.check(CROSS, replace(LOG, shown=twice))


@pytest.mark.parametrize(("key", "value", "near"), [
    ("cycle", 120, "cycle_s"), ("grups", [], "groups"), ("intergreen", [], "intergreen_s"),
])  # fmt: skip
def test_an_unknown_key_names_the_nearest(key, value, near):
    group = {"id": "A", "from": ["W"], "movements": ["through"]}
    content = {
        "signal": [
            {"id": "X", "groups": [group], "stages": [{"id": "1", "groups": ["A"]}], key: value}
        ]
    }
    with pytest.raises(signals.case.ConfigError, match=near):
        signals.read_network(content)


def damaged(**fields):
    """The sample with one signal's keys changed."""
    case = tomllib.loads(samples.case("changsha", "signals.toml").read_text("utf-8"))
    case["signal"][0] |= fields
    return signals.read_network(case)


def told(network):
    return {(one.code, one.column) for one in (*network.input_findings, *signals.check(network))}


def test_a_case_that_contradicts_itself_is_told():
    stages = [{"id": "A", "groups": ["EW", "PEW"]}, {"id": "B", "groups": ["EWL", "NS", "PNS"]},
              {"id": "C", "groups": ["NSL"]}]  # fmt: skip
    assert ("signal_stages_conflict", "J01.B") in told(damaged(stages=stages))
    assert ("signal_cycle_does_not_add_up", "J01") in told(damaged(cycle_s=110))
    assert ("signal_cycle_too_short", "J01") in told(damaged(cycle_range_s=[40, 60]))
    assert ("signal_cycle_too_short", "J01") not in told(damaged(cycle_range_s=[40, 90]))
    groups = [{"id": "EW", "from": ["W"], "movements": ["through"], "min_green_s": 95}]
    few = damaged(
        groups=groups, stages=[{"id": "A", "groups": ["EW"]}], intergreen_s=[], permissive=[]
    )
    assert told(few) >= {("signal_limits_cross", "J01.EW"), ("signal_movement_missing", "J01.W"),
                         ("signal_movement_missing", "J01.PNS")}  # fmt: skip
    assert told(damaged()) == set()


@pytest.mark.parametrize(("fields", "near"), [
    ({"reference_stage": "Z"}, "reference_stage"), ({"order": ["A", "X"]}, "order"),
    ({"permissive": [["EW", "PWE"]]}, "PEW"), ({"stages": []}, "neither stages nor rings"),
    ({"id": "J02"}, "twice"), ({"lock": ["all"]}, "lock"), ({"cycle_s": -1}, "cycle_s"),
])  # fmt: skip
def test_a_case_that_names_what_is_not_there_is_refused(fields, near):
    with pytest.raises(signals.case.ConfigError, match=near):
        damaged(**fields)
