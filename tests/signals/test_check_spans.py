"""The checker asks by bisection: the same verdicts as looking at every run; a stage that never ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import naive_checks as naive
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility import samples, signals
from mobility.signals.check_control import check_commands, check_promises
from mobility.signals.check_say import Lamps, Run, Said, Spans
from mobility.signals.check_stages import _found, check_coordination, check_order
from mobility.signals.plan import Command, Horizon, Log, Promise, Request, SignalPlan, StageTime
from mobility.signals.problem import Group, Intersection, Network, Rules, Stage, State

CITY = signals.read_network(samples.path("changsha") / "signals.toml")
CROSS = CITY.intersections[0]
GROUPS, STAGES = [one.id for one in CROSS.groups], [one.id for one in CROSS.stages]
second = st.integers(0, 240).map(lambda k: k / 2)
span = st.tuples(second, second).map(sorted)


class Heard(Said):
    """Keeps all that is said, not only the first of each."""

    def __init__(self):
        super().__init__()
        self.all = []

    def say(self, code, where, value, message=""):
        self.all.append((code, where, value))


@given(
    st.lists(span, max_size=6), second, st.sampled_from([0, 1e-6, 7]), st.sampled_from([-3, 0, 9])
)
def test_spans_hold_what_one_of_them_holds(rows, at, before, after):
    assert Spans(rows).holds(at, before, after) == naive.holds(rows, at, before, after)


@st.composite
def shown(draw):
    """Lamps that may overlap and leave gaps, as a log from a cabinet may; sorted, as they are read."""
    runs = {}
    for name in GROUPS:
        rows = sorted(draw(st.lists(span, max_size=4)))
        runs[name] = [
            Run(draw(st.sampled_from([State.GREEN, State.RED, State.YELLOW])), start, end + 0.5,
                draw(st.booleans()), draw(st.booleans()))
            for start, end in rows
        ]  # fmt: skip
    return Lamps(CROSS, runs, 0.0, 120.5)


def claims_of(data):
    rows = data.draw(st.lists(st.tuples(st.sampled_from([*STAGES, "Z"]), span), max_size=6))
    return sorted(((name, *ends) for name, ends in rows), key=lambda row: row[1])


@settings(max_examples=60)
@given(shown(), st.data())
def test_verdicts_are_those_of_looking_at_every_run(lamps, data):
    rules = Rules(recover_cycles=1, horizon_s=30)
    told = claims_of(data)
    requests = tuple(
        Request(str(k), CROSS.id, kind, "EW", *ends) for k, (kind, ends) in enumerate(
            data.draw(st.lists(st.tuples(st.sampled_from(["priority", "rail"]), span), max_size=3)))
    )  # fmt: skip
    commands = tuple(Command(CROSS.id, at, cause) for at, cause in data.draw(
        st.lists(st.tuples(second, st.sampled_from(["plan", "adaptive"])), max_size=3)))  # fmt: skip
    plans = tuple(Horizon(CROSS.id, made, start, start + long) for made, start, long in data.draw(
        st.lists(st.tuples(second, second, second), max_size=4)))  # fmt: skip
    published = tuple(Promise(CROSS.id, name, at, *ends) for name, at, ends in data.draw(
        st.lists(st.tuples(st.sampled_from(GROUPS), second, span), max_size=5)))  # fmt: skip
    log = Log(requests=requests, commands=commands, horizons=plans, promises=published)

    heard = Heard()
    check_order(lamps, told, log, rules, heard)
    free = [(one.from_s, one.to_s) for one in requests if one.kind == "rail"]
    claimed = [*naive.claims(lamps, told, free), *naive.covers(lamps, told, free)] if told else []
    order = [one for one in heard.all if one[1] != CROSS.id or one in claimed]
    assert not (Counter(claimed) - Counter(order))
    assert not (Counter(one for one in order if "." in one[1]) - Counter(claimed))
    told = told or _found(lamps)

    heard = Heard()
    check_promises(lamps, log, heard)
    assert heard.all == naive.promises(lamps, published)

    heard = Heard()
    check_commands(lamps, log, rules, heard)
    behind = [value for code, _, value in heard.all if code == "signal_no_horizon"]
    assert sorted(behind) == sorted(naive.horizons(commands, plans, rules))

    base = SignalPlan(CROSS.id, 30, 0, data.draw(second) % 30, (), (), "begin-green", STAGES[0])
    heard = Heard()
    check_coordination(lamps, told, base, log, rules, heard)
    upset = [*((one.from_s, one.to_s) for one in requests), *((one.at_s,) * 2 for one in commands)]
    assert heard.all == naive.coordination(lamps, told, base, upset, rules)


# One stage, green without end, as many programs of a simulator are.
ALWAYS = Intersection("X", (Group("W", approaches=("W",), movements=("through",)),),
                      (Stage("s1", ("W",), 90),), {}, cycle_s=90, cycle_range_s=(30, 120))  # fmt: skip
STEADY = SignalPlan("X", 90, 0, 0, (StageTime("s1", 0, 90),), (), "begin-green", "s1")


def steady(states, claims, base=STEADY):
    """What is said about coordination when one group shows some states."""
    rows = pd.DataFrame([("X", "W", *one) for one in states], columns=list(signals.log.SHOWN))
    told = pd.DataFrame([("X", "s1", *one) for one in claims], columns=list(signals.log.STAGES))
    log = Log(rows, told, plan=signals.Plan((base,)))
    found = signals.check(Network((ALWAYS,)), log)
    return [one for one in found if one.code == "signal_not_in_coordination"]


def test_a_stage_that_never_ends_is_in_coordination():
    for reference in ("begin-green", "begin-yellow", "end-yellow"):
        base = replace(STEADY, reference=reference, offset_s=20)
        assert steady([("green", 0, 600)], [(0, 600)], base) == []


def test_a_stage_that_should_never_end_and_does_is_caught():
    dark = [("green", 0, 170), ("yellow", 170, 173), ("red", 173, 200), ("green", 200, 600)]
    assert steady(dark, [(0, 600)])[0].value == "no reference point at 180 s"
    assert steady(dark, [(0, 170), (200, 600)])
    assert steady([("green", 0, 600)], [(0, 170), (200, 600)])


def test_a_single_stage_with_a_red_still_has_a_reference_point():
    plan = replace(STEADY, stages=(StageTime("s1", 0, 60),))
    lamps = [row for k in range(6) for row in (
        ("green", 90 * k, 90 * k + 60), ("yellow", 90 * k + 60, 90 * k + 63),
        ("red", 90 * k + 63, 90 * k + 90))]  # fmt: skip
    claims = [(90 * k, 90 * k + 60) for k in range(6)]
    assert steady(lamps, claims, plan) == []
    moved = [(state, start + 30, end + 30) for state, start, end in lamps]
    assert steady(moved, [(start + 30, end + 30) for start, end in claims], plan)
    assert steady([("green", 0, 600)], [(0, 600)], plan)
