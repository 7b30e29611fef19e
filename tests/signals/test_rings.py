"""Ring-barrier control: what may follow what, laid out and judged."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility import signals
from mobility.signals.case import ring_stages
from mobility.signals.plan import SHOWN, Log, Request
from mobility.signals.problem import Group, Intersection, Network, Rings, Sequence, State
from mobility.signals.program import ring_program

EIGHT = ((("1", "2"), ("3", "4")), (("5", "6"), ("7", "8")))
SPLITS = dict(zip("12345678", [20, 30, 15, 35] * 2, strict=True))


def junction(rings=EIGHT, splits=SPLITS, people=(), **more):
    """Phases of one ring, or of two barrier groups, are five seconds apart."""
    names = [name for ring in rings for barrier in ring for name in barrier]
    place = {name: (r, b) for r, ring in enumerate(rings) for b, barrier in enumerate(ring)
             for name in barrier}  # fmt: skip
    walks = {name: f"P{name}" for name in people}
    foes = {}
    for a in names:
        for b in names:
            if a != b and (place[a][0] == place[b][0] or place[a][1] != place[b][1]):
                foes[a, b] = 5
                if b in walks:
                    foes[a, walks[b]] = 5
                if a in walks:
                    foes[walks[a], b] = 5
    ring = Rings(rings, splits_s=splits, pedestrians=walks, **more)
    walkers = [Group(walk, "pedestrian", Sequence((), ((State.CLEARANCE, 8),)), 0, walk_s=6)
               for walk in walks.values()]  # fmt: skip
    groups = (*(Group(name) for name in names), *walkers)
    return Network((Intersection("R", groups, ring_stages(ring), foes, rings=ring,
                                 cycle_range_s=(20, 400)),))  # fmt: skip


def shown(network, row, requests=()):
    """A log in which phases follow as told: (phase, from_s, to_s of green)."""
    end = max(to_s for _, _, to_s in row) + 5
    rows = []
    for group in network.intersections[0].groups:
        at = 0
        for _, start, stop in sorted(one for one in row if one[0] == group.id):
            rows += [("R", group.id, "red", at, start), ("R", group.id, "green", start, stop),
                     ("R", group.id, "yellow", stop, stop + 3)]  # fmt: skip
            at = stop + 3
        rows.append(("R", group.id, "red", at, end))
    rows = [one for one in rows if one[4] > one[3]]
    return Log(pd.DataFrame(rows, columns=list(SHOWN)), requests=tuple(requests))


def codes(network, log):
    return {one.code for one in signals.check(network, log)}


def turns(*names, green=10):
    """One ring's phases one after the other."""
    return [
        (name, 5 + k * (green + 5), 5 + k * (green + 5) + green) for k, name in enumerate(names)
    ]


ONE_RING = junction((EIGHT[0],), {})


@pytest.mark.parametrize(("row", "swap", "fine"), [
    ("1234123", False, True), ("2341", False, True), ("123412", True, True),
    ("21342134", True, True), ("21432143", True, True), ("12431234", True, True),
    ("2134", False, False), ("1243", False, False),
    ("12132", True, False),  # back to 1 before the barrier was crossed
    ("1212", True, False), ("13412", False, False),
    ("2341341", True, False),  # 2 left out on the second round
    ("3412341241", True, False),  # 3 left out
    ("1122", True, False),
])  # fmt: skip
def test_what_may_follow_in_a_ring(row, swap, fine):
    network = junction((EIGHT[0],), {}, may_swap=swap)
    found = codes(network, shown(network, turns(*row)))
    assert ("signal_ring_order" not in found) is fine
    assert found <= {"signal_ring_order"}


@pytest.mark.parametrize("swap", [True, False])
def test_optional_groups_may_be_left_out_and_no_others(swap):
    network = junction((EIGHT[0],), {}, may_swap=swap, optional=("1", "3"))
    assert codes(network, shown(network, turns(*"24241234"))) == set()
    assert "signal_ring_order" in codes(network, shown(network, turns(*"123123")))


def test_preemption_may_break_the_order():
    log = shown(ONE_RING, turns(*"1231234"), [Request("f", "R", "preemption", "1", 45, 60)])
    assert codes(ONE_RING, log) == set()
    assert "signal_ring_order" in codes(ONE_RING, replace(log, requests=()))


def test_a_barrier_is_crossed_by_all_rings_together():
    network = junction()
    early = [("1", 5, 15), ("2", 20, 40), ("3", 45, 55), ("5", 5, 15), ("6", 20, 50)]
    assert "signal_barrier_crossed" in codes(network, shown(network, early))
    late = [("1", 5, 15), ("2", 20, 40), ("3", 45, 55), ("5", 5, 15), ("6", 20, 35)]
    assert "signal_barrier_crossed" not in codes(network, shown(network, late))


def test_uneven_rings_wait_for_each_other_at_the_barrier():
    network = junction(splits={**SPLITS, "6": 20, "3": 12})
    plan = signals.plan_of(network)
    assert signals.check(network, plan) == []
    one = plan.signals[0]
    assert one.cycle_s == 100

    def green(name):
        return next((s.from_s, s.to_s) for s in one.of_group[name] if s.state == "green")

    assert green("6") == (20, 45)  # as long as 2 in the other ring
    assert green("4") == (62, 95)
    assert green("8") == (65, 95)


def test_a_ring_that_is_empty_beyond_the_barrier_rests():
    network = junction(((("2", "1"), ("4",)), (("6",), ())), {"2": 40, "1": 20, "4": 30, "6": 50})
    plan = signals.plan_of(network)
    assert signals.check(network) == []
    assert signals.check(network, plan) == []
    assert [time.stage for time in plan.signals[0].stages] == ["2+6", "1+6", "4"]
    swapped = junction(((("4",), ("2", "1")), ((), ("6",))), {"2": 40, "1": 20, "4": 30, "6": 50})
    assert signals.check(swapped, signals.plan_of(swapped)) == []


def test_people_walk_with_their_phase_and_are_across_when_it_ends():
    network = junction(people="26")
    one = signals.plan_of(network).signals[0]
    walk = [(str(s.state), s.from_s, s.to_s) for s in one.of_group["P2"]]
    assert walk == [("red", 0, 20), ("green", 20, 37), ("clearance", 37, 45), ("red", 45, 100)]
    assert signals.check(network, signals.plan_of(network)) == []
    short = junction(splits={**SPLITS, "2": 15, "1": 35}, people="26")
    assert {one.code for one in signals.check(short, signals.plan_of(short))} >= {"signal_walk_cut"}


def test_rings_that_cannot_be_are_told():
    uneven = junction(((("1", "2"), ("3", "4")), (("5", "6"),)), {})
    assert "signal_rings_uneven" in {one.code for one in signals.check(uneven)}
    network = junction()
    one = network.intersections[0]
    tight = replace(network, intersections=(replace(one, cycle_range_s=(20, 45)),))
    assert "signal_cycle_too_short" in {one.code for one in signals.check(tight)}
    lonely = replace(one, groups=(*one.groups, Group("9")))
    found = signals.check(replace(network, intersections=(lonely,)))
    assert [(one.code, one.column) for one in found] == [("signal_group_never_green", "R.9")]
    foes = replace(one, intergreen_s={**one.intergreen_s, ("2", "6"): 5})
    found = signals.check(replace(network, intersections=(foes,)))
    assert "signal_stages_conflict" in {one.code for one in found}


@settings(max_examples=40)
@given(st.fixed_dictionaries({name: st.integers(13, 60) for name in SPLITS}), st.booleans(),
       st.integers(0, 200))  # fmt: skip
def test_lead_and_lag_and_every_split_are_safe(splits, lag, offset):
    rings = tuple(tuple(barrier[::-1] if lag else barrier for barrier in ring) for ring in EIGHT)
    network = junction(rings, splits, may_swap=False)
    plan = ring_program(network.intersections[0], splits, offset_s=offset)
    assert signals.check(network, signals.Plan((plan,))) == []
    blocks = [max(splits["1"] + splits["2"], splits["5"] + splits["6"]),
              max(splits["3"] + splits["4"], splits["7"] + splits["8"])]  # fmt: skip
    assert plan.cycle_s == sum(blocks)
