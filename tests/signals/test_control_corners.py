"""Control on signals that nobody thought of: rings, people with them, permissive pairs, odd clocks."""

from __future__ import annotations

import random
from dataclasses import replace

from crossroads import crossroads, detections
from hypothesis import given, settings
from hypothesis import strategies as st
from random_signals import ringed, staged
from signals_cases import CROSS, J

from mobility import samples, signals
from mobility.signals.actuator import Actuator
from mobility.signals.control import PriorityController
from mobility.signals.control_view import whole_seconds
from mobility.signals.groups import Group, Sequence, State
from mobility.signals.intersection import Intersection, Stage
from mobility.signals.plan import Request
from mobility.signals.policy_actuated import Actuated
from mobility.signals.policy_greedy import Greedy
from mobility.signals.policy_pressure import MaxPressure
from mobility.signals.problem import Network
from mobility.signals.streams import Asked

POLICIES = (Actuated, Greedy, MaxPressure, signals.Adaptive, signals.Priority)
# Which stage it is called where groups that never conflict come and go is a matter of words.
WORDS = {"signal_stage_skipped", "signal_stage_unknown"}


def driven(network, policy, seed, seconds=250):
    """A controller after some minutes of detections with gaps and requests from all sides."""
    control, rng = PriorityController(network, policy=policy), random.Random(seed)
    one = network.intersections[0]
    names = [group.id for group in one.groups]
    for t in range(seconds):
        asked = []
        if rng.random() < 0.1:
            kind = rng.choice(["bus", "tram", "emergency", "rail"])
            asked.append(Asked(f"b{rng.randrange(3)}", one.id, kind, rng.choice(names), t,
                               t + rng.randrange(20), t + 20 + rng.randrange(20)))  # fmt: skip
        control.step(t, detections(network, t, rng) if rng.random() < 0.9 else {}, asked)
    return control


@settings(max_examples=30, deadline=None)
@given(staged(), st.booleans(), st.sampled_from([None, *POLICIES]), st.integers(0, 999))
def test_no_random_signal_is_driven_into_danger(one, free, policy, seed):
    network = Network((replace(one, order_free=free),))
    control = driven(network, policy and policy(), seed)
    assert {f.code for f in signals.check(control.network, control.log())} <= WORDS


@settings(max_examples=20, deadline=None)
@given(ringed(), st.sampled_from(POLICIES), st.integers(0, 999))
def test_no_random_rings_are_driven_out_of_order(made, policy, seed):
    one, splits = made
    if not splits or not one.stages:
        return
    network = Network((replace(one, rings=replace(one.rings, splits_s=splits)),))
    control = driven(network, policy(), seed)
    assert {f.code for f in signals.check(control.network, control.log())} <= WORDS


def test_people_beside_rings_walk_under_every_policy():
    network = signals.read_utdf(samples.path("incheon").parent / "ring.utdf.csv")
    for policy in (None, Actuated(), signals.Adaptive()):
        control, rng = PriorityController(network, policy=policy), random.Random(1)
        for t in range(400):
            control.step(t, detections(network, t, rng) if policy else {})
        log = control.log()
        green = log.shown[log.shown["state"].eq("green")]
        shown = set(zip(green["signal"], green["group"], strict=True))
        assert shown == {
            (one.id, group.id) for one in network.intersections for group in one.groups
        }
        assert signals.check(control.network, log) == []


def test_yellow_with_half_a_second_is_shown_longer_never_shorter():
    network = signals.read_utdf(samples.path("incheon").parent / "ring.utdf.csv")
    whole = whole_seconds(network)
    pairs = [(a, b) for one, other in zip(network.intersections, whole.intersections, strict=True)
             for a, b in zip(one.groups, other.groups, strict=True)]  # fmt: skip
    assert any(a.yellow_s != b.yellow_s for a, b in pairs)
    assert all(0 <= b.yellow_s - a.yellow_s < 1 and b.yellow_s % 1 == 0 for a, b in pairs)
    assert whole_seconds(whole) is whole


def test_half_seconds_of_yellow_are_no_finding_of_the_fast_model():
    network = signals.read_utdf(samples.path("incheon").parent / "ring.utdf.csv")
    assert signals.check(network, signals.plan_of(network)) == []
    begin = network.volumes[0].from_s
    assert signals.simulate(network, end_s=begin + 300).findings == ()


def permissive_pair(**first):
    """B may be green beside A, and begins with red-amber; 6 s lie between one's end and the other."""
    amber = Sequence(((State.RED_AMBER, 2),), ((State.YELLOW, 3),))
    one = Intersection(
        "X", (Group("A", min_green_s=1, **first), Group("B", min_green_s=1, sequence=amber)),
        (Stage("s", ("A", "B")), Stage("t", ("A",)), Stage("u", ("B",))),
        {("A", "B"): 6, ("B", "A"): 6}, frozenset({("B", "A")}), order_free=True,
    )  # fmt: skip
    return one, Actuator(one, 0, "t")


def spans(rows, k):
    return [t for t, row in enumerate(rows) if row[k] is State.GREEN]


def test_a_green_that_came_back_does_not_hide_the_end_of_the_last_one():
    _, actuator = permissive_pair(sequence=Sequence((), ()))
    rows = [actuator.step({0}) for _ in range(5)]
    rows += [actuator.step(set()) for _ in range(2)]
    rows += [actuator.step({0, 1}) for _ in range(12)]
    assert 5 not in spans(rows, 0)  # A ended at 5 s, and goes again at once
    assert min(spans(rows, 1)) == 11  # B begins 6 s after that end


def test_a_green_does_not_end_while_a_foe_begins_beside_it():
    _, actuator = permissive_pair()
    rows = [actuator.step({0}) for _ in range(5)]
    rows += [actuator.step({0, 1})]  # red-amber of B from 5 s
    rows += [actuator.step({1}) for _ in range(12)]
    begins, ends = min(spans(rows, 1)), max(spans(rows, 0)) + 1
    assert (begins, ends) == (7, 8)


def test_the_base_plan_runs_on_the_master_clock():
    network = replace(CROSS, zero_s=37)
    control = PriorityController(network)
    for t in range(480):
        control.step(t)
    log = replace(control.log(), plan=signals.plan_of(network))
    assert signals.check(network, log) == []
    starts = log.shown.query("group == 'EW' and state == 'green' and from_s > 360")["from_s"]
    assert [at % 120 for at in starts] == [37]


def test_a_clock_that_jumped_is_told_what_comes_on_its_own_time():
    control = PriorityController(CROSS)
    for t in range(50):
        control.step(t)
    for t in range(1_000_030, 1_000_050):
        said = control.step(t)
    # Second 20 of the cycle (1,000,040 is in its 80th s): stage A ends 24 s on, B begins.
    stages = [stage for stage, _ in said.ahead[J]]
    due = control._junctions[J].base
    assert stages[0] == due.stage_at(1_000_049 + due.left_s(1_000_049))


def test_two_fire_engines_from_crossing_roads_both_pass():
    network = crossroads()
    control, rng = PriorityController(network, policy=signals.Adaptive()), random.Random(4)
    met = {"n": [], "e": []}
    for t in range(200):
        asked = [
            Asked("n", "X", "emergency", "NS", t, 60, 70),
            Asked("e", "X", "emergency", "EW", t, 62, 72),
        ]
        live = [one for one in asked if t >= 40 and len(met[one.id]) < 3]
        gone = [replace(one, leaves=True) for one in asked if len(met[one.id]) == 3]
        lamps = control.step(t, detections(network, t, rng), live + gone).lamps["X"]
        for key, k in (("n", 0), ("e", 2)):
            if t >= 60 and lamps[k] is State.GREEN and len(met[key]) < 3:
                met[key].append(t)
    assert signals.check(network, control.log()) == []
    assert len(met["n"]) == len(met["e"]) == 3
    assert max(met["n"] + met["e"]) < 110
    assert {one.id for one in control.log().requests if isinstance(one, Request)} >= {"n", "e"}
