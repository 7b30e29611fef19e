"""Pre-emption and priority: who goes first, and how the street comes back."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from crossroads import crossroads, detections

from mobility import samples, signals
from mobility.errors import ConfigError
from mobility.signals.streams import Asked


@pytest.fixture(scope="module")
def incheon():
    return signals.read_network(samples.case("incheon", "signals.toml"))


def test_a_fire_engine_meets_greens_and_the_street_comes_back(incheon):
    done = signals.preempt(incheon, "fire-1", [28_800])
    assert done.findings == ()  # intergreens, clearance, and coordination within three cycles
    told = done.to_dict()
    assert told["after"]["mean_s"] < told["before"]["mean_s"]
    assert told["after"]["within_target"] >= told["before"]["within_target"]
    assert (done.passes["wait_after_s"] < 10).all()
    assert {one.cause for one in done.log.commands} == {"plan", "preemption"}
    again = signals.preempt(incheon, "fire-1", [28_800])
    assert again.to_dict() == told


def test_routes_that_make_no_sense_are_refused(incheon):
    with pytest.raises(ConfigError, match="fire-1"):
        signals.preempt(incheon, "fire-9", 0)
    way = incheon.emergency_routes[0]
    with pytest.raises(ConfigError, match="does not pass"):
        signals.preempt(incheon, replace(way, signals=("N03", "N99")), 0)
    with pytest.raises(ConfigError, match="no group"):
        signals.preempt(incheon, replace(way, movements=("u-turn",) * 6), 0)


def served(policy, asked, seconds=120):
    """When group EW first shows green while a bus asks for it."""
    network = crossroads()
    control, rng = signals.PriorityController(network, policy=policy), random.Random(2)
    for t in range(seconds):
        seen = detections(network, t, rng, load=3)
        shown = control.step(t, seen, asked(t))
        if shown.lamps["X"][2] in {"green", "yield"}:
            return t, control
    return seconds, control


def test_a_full_bus_comes_first_and_it_is_said_why():
    def bus(people, late=0.0):
        return lambda t: [Asked("315-07", "X", "bus", "EW", t, 14.0, 18.0, late, people=people)]

    with_bus, control = served(signals.Priority(), bus(62, 240.0))
    without, _ = served(signals.Priority(), lambda t: [])
    assert with_bus <= without
    if control.words:
        assert any("315-07, 4 min late, 62 on board" in words for _, _, words in control.words)
    assert signals.check(control.network, control.log()) == []


def test_a_budget_of_nothing_grants_nothing():
    policy = signals.Priority(conditions=signals.Conditions(budget_s=-1.0))
    _, control = served(policy, lambda t: [Asked("b", "X", "bus", "EW", t, t + 5, t + 9, 600.0)])
    assert not any(one.cause == "priority" for one in control.commands)


def test_rail_goes_before_fire_and_fire_before_buses():
    network = crossroads()
    control, rng = signals.PriorityController(network, policy=signals.Priority()), random.Random(4)
    for t in range(200):
        asked = [Asked("bus", "X", "bus", "NS", t, t + 5, t + 9)]
        if 40 <= t < 90:
            asked.append(Asked("fire", "X", "emergency", "EW", t, 70.0, 80.0))
        if 60 <= t < 90:
            asked.append(Asked("train", "X", "rail", "NL", t, 75.0, 85.0))
        if t == 90:
            asked += [Asked(one, "X", kind, "NL", t, t, t, leaves=True)
                      for one, kind in (("fire", "emergency"), ("train", "rail"))]  # fmt: skip
        control.step(t, detections(network, t, rng), asked)
    assert signals.check(network, control.log()) == []
    assert {one.kind for one in control.requests()} >= {"preemption", "rail"}
    assert "rail" in {one.cause for one in control.commands}
