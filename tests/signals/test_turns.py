"""Stages out of turn: inserted or in another order where the case allows it, and never where not."""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import replace

import pytest
from crossroads import crossroads, detections

from mobility import signals
from mobility.signals.streams import Asked


def run(free, seconds=600, **rules):
    """Buses of group NL ask for stage B while traffic comes from everywhere; what was shown."""
    network = crossroads(free=free, **rules)
    one = network.intersections[0]
    # Four stages in a fixed order; B is two ahead of D, so serving it from C is out of turn.
    order = ("A", "C", "B")
    network = replace(network, intersections=(replace(one, order=order),))
    control, rng = signals.PriorityController(network, policy=signals.Priority()), random.Random(5)
    for t in range(seconds):
        asked = []
        for k, start in enumerate(range(20, seconds, 45)):
            if start <= t < start + 30:
                asked.append(Asked(f"bus-{k}", "X", "bus", "NL", t, max(t, start + 10.0),
                                   max(t, start + 10.0) + 6, 300.0, people=60))  # fmt: skip
            elif t == start + 30:
                asked.append(Asked(f"bus-{k}", "X", "bus", "NL", t, t, t, leaves=True))
        control.step(t, detections(network, t, rng, load=3), asked)
    claims = control.log().stages
    names = claims["stage"].tolist()
    jumps = [(a, b) for a, b in itertools.pairwise(names)
             if b != order[(order.index(a) + 1) % 3]]  # fmt: skip
    return network, control, jumps


@pytest.mark.parametrize("rule", ["insert_stages", "rotate_stages"])
def test_a_stage_comes_out_of_turn_where_the_case_allows_it(rule):
    network, control, jumps = run(False, **{rule: True})
    assert jumps
    assert signals.check(network, control.log()) == []
    # Each is a grant to somebody, and said: who, how late, how full, what is done, at whose cost.
    granted = [one for one in control.commands if one.cause == "priority" and one.stage == "B"]
    assert granted
    words = {at: text for at, _, text in control.words}
    for one in granted:
        said = rf"bus {one.request}, 5 min late, 60 on board.*: .*B.*; \d+ person-s gained, others lose \d+"
        assert re.fullmatch(said, words[one.at_s]), words[one.at_s]
    if rule == "insert_stages":  # the order goes on where it was left
        assert all(b == "B" or a == "B" for a, b in jumps)
        names = control.log().stages["stage"].tolist()
        for k in range(1, len(names) - 1):
            if names[k] == "B" and names[k - 1] == "A":
                assert names[k + 1] == "C"


def test_no_stage_comes_out_of_turn_where_it_does_not():
    network, control, jumps = run(False)
    assert jumps == []
    assert signals.check(network, control.log()) == []


def test_buses_that_are_not_late_enough_get_nothing():
    def granted(late_s, least_s):
        network = crossroads()
        policy = signals.Priority(conditions=signals.Conditions(least_late_s=least_s))
        control, rng = signals.PriorityController(network, policy=policy), random.Random(2)
        for t in range(120):
            asked = [Asked("b", "X", "bus", "EW", t, t + 5.0, t + 9.0, late_s, people=60)]
            control.step(t, detections(network, t, rng, load=3), asked)
        return sum(one.cause == "priority" for one in control.commands)

    assert granted(179.0, 180.0) == 0
    assert granted(180.0, 180.0) > 0


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_asked_the_order_is_kept_or_left_by_the_rules(seed):
    """Stages that stand twice in the order, or are optional; lost data, buses and fire engines."""
    rng = random.Random(seed)
    network = crossroads(free=False, insert_stages=seed % 2 == 0, rotate_stages=seed % 3 == 0,
                         priority_lockout_s=rng.choice([0, 30]))  # fmt: skip
    one = network.intersections[0]
    order = ("A", "B", "C", "B") if seed % 2 else ("A", "C", "B")
    stages = tuple(replace(stage, optional=seed == 4 and stage.id == "B") for stage in one.stages)
    network = replace(network, intersections=(replace(one, order=order, stages=stages),))
    control = signals.PriorityController(network, policy=signals.Priority())
    live = {}
    for t in range(450):
        if rng.random() < 0.04:
            kind = "emergency" if rng.random() < 0.1 else rng.choice(["bus", "tram"])
            live[f"v{t}"] = rng.choice(["NS", "NL", "EW"]), t + rng.randrange(5, 50), kind
        rows = []
        for name, (group, eta, kind) in list(live.items()):
            gone = t > eta + 10
            rows.append(Asked(name, "X", kind, group, t, max(t, eta), max(t, eta) + 8.0,
                              300 * rng.random(), people=90 * rng.random(), leaves=gone))  # fmt: skip
            if gone:
                del live[name]
        lost = 300 <= t < 320 or rng.random() < 0.02
        control.step(t, {} if lost else detections(network, t, rng, load=4), rows)
    assert signals.check(network, control.log()) == []
