"""Stages out of turn: inserted or in another order where the case allows it, and never where not."""

from __future__ import annotations

import random
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
    jumps = [(a, b) for a, b in zip(names, names[1:], strict=False)
             if b != order[(order.index(a) + 1) % 3]]  # fmt: skip
    return network, control, jumps


@pytest.mark.parametrize("rule", ["insert_stages", "rotate_stages"])
def test_a_stage_comes_out_of_turn_where_the_case_allows_it(rule):
    network, control, jumps = run(False, **{rule: True})
    assert jumps
    assert signals.check(network, control.log()) == []
    # Each is a grant to somebody, and said.
    granted = [one for one in control.commands if one.cause == "priority" and one.stage == "B"]
    assert granted
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
