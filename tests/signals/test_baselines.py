"""The textbook's controllers: what holds a stage, what is counted for it, and that nothing hampers them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from crossroads import crossroads

from mobility import signals
from mobility.signals.actuator import Actuator
from mobility.signals.control_junction import STARVE_S
from mobility.signals.policy import View
from mobility.signals.policy_actuated import Actuated
from mobility.signals.policy_greedy import Greedy
from mobility.signals.policy_pressure import MaxPressure
from mobility.signals.problem import State
from mobility.signals.streams import Approaches, Detection, Stream

JAMMED = 9.0  # cars on a lane


def view(streams, *, stage="A", gaps=None, counted=None, shares=(), yields=()):
    """The crossroads in the eleventh second of a stage."""
    one = crossroads().intersections[0]
    made = tuple(replace(two, yields=yields) if two.id == stage else two for two in one.stages)
    one = replace(one, stages=made)
    n = len(streams)
    seen = Detection("X", 10, (0.0,) * n, counted or (0.0,) * n, ((),) * n, gaps or (9.0,) * n,
                     shares=shares)  # fmt: skip
    others = tuple(two.id for two in one.stages if two.id != stage)
    return View(one, Actuator(one, 0, stage), streams, 10, stage, 10, True, 1_000, others, seen)


def lane(*groups):
    return Stream("_".join(groups), "X", groups, (1 / len(groups),) * len(groups))


@pytest.mark.parametrize(
    ("streams", "gaps", "holds"),
    [
        ([lane("NS")], (0.0,), True),
        ([lane("NS")], (3.0,), False),
        ([lane("EW")], (0.0,), False),
        # Who stands on a lane of which a part has red may be waiting for another stage.
        ([lane("NS", "EW")], (0.0,), False),
        ([lane("NS"), lane("NS", "EW")], (9.0, 0.0), False),
    ],
)
def test_only_lanes_that_are_all_green_hold_a_stage(streams, gaps, holds):
    stage = Actuated().choose(view(tuple(streams), gaps=gaps)).stage
    assert stage == ("A" if holds else "B")


def test_who_gives_way_holds_no_stage_where_another_lets_him_go():
    # The left turn yields in A and has B to itself.
    one = crossroads().intersections[0]
    both = replace(one.stages[0], groups=("NS", "NL"), yields=("NL",))
    streams = (lane("NS"), lane("NS", "NL"))
    for gaps, holds in (((9.0, 0.0), False), ((0.0, 9.0), True)):
        seen = view(streams, gaps=gaps)
        seen = replace(seen, one=replace(one, stages=(both, *one.stages[1:]), permissive=frozenset({("NL", "NS")})))  # fmt: skip
        assert (Actuated().choose(seen).stage == "A") is holds


def test_greedy_counts_of_a_shared_lane_what_its_stage_lets_go():
    streams = (lane("NS", "EW"), lane("NL"))
    mostly_through = view(streams, counted=(JAMMED, 5.0), shares=((0.9, 0.1), (1.0,)))
    assert Greedy().choose(mostly_through).stage == "A"
    mostly_turning = view(streams, counted=(JAMMED, 5.0), shares=((0.1, 0.9), (1.0,)))
    assert Greedy().choose(mostly_turning).stage == "C"
    evenly = view(streams, counted=(JAMMED, 5.0), shares=((0.5, 0.5), (1.0,)))
    assert Greedy().choose(evenly).stage == "B"


@pytest.mark.parametrize("policy", [Greedy(), MaxPressure()])
def test_a_baseline_is_not_told_to_serve_a_lone_car(policy):
    """Vehicles wait as long as the textbook lets them, people on foot do not."""
    cross = crossroads()
    one = cross.intersections[0]
    free = tuple(replace(two, max_red_s=None) for two in one.groups)
    cross = replace(cross, intersections=(replace(one, groups=free),))
    streams = (Stream("main", "X", ("NS",), (1.0,)), Stream("side", "X", ("NL",), (1.0,)))
    control = signals.PriorityController(
        cross, policy=policy, approaches=Approaches({"X": streams})
    )
    counts = (JAMMED, 1.0)
    coming = tuple(tuple((2.0 * k, 1.0) for k in range(int(n))) for n in counts)
    reds = {"NL": 0, "P": 0}
    longest = dict(reds)
    for t in range(600):
        shown = control.step(t, {"X": Detection("X", t, counts, counts, coming)}).lamps["X"]
        for name, was in reds.items():
            red = shown[[group.id for group in one.groups].index(name)] is not State.GREEN
            reds[name] = was + 1 if red else 0
            longest[name] = max(longest[name], reds[name])
    assert longest["NL"] == 600
    assert longest["P"] <= STARVE_S + 20  # the tail of its own clearance
    assert signals.check(cross, control.log()) == []
