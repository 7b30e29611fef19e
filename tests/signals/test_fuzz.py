"""Random networks and damaged cases: no traceback, and nothing unsafe that nobody is told about."""

from __future__ import annotations

import copy
import tomllib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_signals import ringed, staged

from mobility import samples, signals
from mobility.errors import MobilityError
from mobility.signals.problem import Group, Intersection, Network, Sequence, Stage, State
from mobility.signals.program import ring_program

CASE = tomllib.loads(samples.case("changsha", "signals.toml").read_text("utf-8"))
SMALL = {
    **{key: CASE[key] for key in ("city", "timezone", "defaults")},
    "signal": CASE["signal"][:2], "link": CASE["link"][:2],
    "demand": [{**CASE["demand"][0], "pedestrians_h": [],
                "vehicles_h": [row for row in CASE["demand"][0]["vehicles_h"] if row[0] in {"J01", "J02"}]}],
}  # fmt: skip


def flash(group):
    """Flashing green is a part of green."""
    return sum(seconds for state, seconds in group.sequence.end if state is State.FLASHING_GREEN)


@settings(max_examples=120)
@given(staged(), st.data())
def test_the_validator_is_silent_on_every_plan_of_stages(one, data):
    network = Network((one,))
    assert signals.check(network) == []
    greens = []
    for stage in one.stages:
        least = max(
            max(1, one.group[name].least_green_s)
            + one.group[name].clearance_s
            + flash(one.group[name])
            for name in stage.groups
        )
        greens.append(least + data.draw(st.integers(0, 300)) / 10)
    plan = signals.Plan(
        (signals.program(one, greens, offset_s=data.draw(st.integers(0, 3000)) / 10),)
    )
    assert signals.check(network, plan) == []
    # What the network is said to need at least is never more than a safe plan takes.
    tight = replace(one, cycle_range_s=(1, plan.signals[0].cycle_s))
    assert signals.check(Network((tight,))) == []


@settings(max_examples=120)
@given(ringed(), st.integers(0, 300))
def test_the_validator_is_silent_on_every_plan_of_rings(made, offset):
    one, splits = made
    network = Network((one,))
    assert signals.check(network) == []
    if not splits:
        return
    plan = ring_program(one, splits, offset_s=offset)
    assert signals.check(network, signals.Plan((plan,))) == []
    assert signals.check(Network((replace(one, cycle_range_s=(1, plan.cycle_s)),))) == []
    cycle = sum(
        max((sum(splits[name] for name in ring[b]) for ring in one.rings.rings), default=0)
        for b in range(len(one.rings.rings[0]))
    )
    assert plan.cycle_s == pytest.approx(cycle)
    shown = {name for name, runs in plan.of_group.items() if any(r.state == "green" for r in runs)}
    assert shown == {group.id for group in one.groups}


def places(value, path=()):
    """Every place of a nested case."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for k, item in enumerate(value):
            yield from places(item, (*path, k))


PLACES = [one for one in places(SMALL) if one]
ODD = st.one_of(
    st.none(), st.just(""), st.just("EW"), st.just("NSL"), st.integers(-5, 500), st.just(10**9),
    st.floats(allow_nan=True, allow_infinity=True), st.just([]), st.just({}), st.booleans(),
    st.just(["EW", "NS"]), st.just(["EWL", "NS", 5]),
)  # fmt: skip


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(st.sampled_from(PLACES), st.one_of(st.just("gone"), ODD)), min_size=1, max_size=3
    )
)
def test_a_damaged_case_is_refused_told_or_safe(damage):
    case = copy.deepcopy(SMALL)
    for path, value in damage:
        at = case
        try:
            for key in path[:-1]:
                at = at[key]
            if value == "gone":
                del at[path[-1]]
            else:
                at[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier damage took it away
    try:
        network = signals.read_network(case)
    except MobilityError as error:
        assert error.mend  # noqa: PT017 - not every damage is one
        return
    told = signals.check(network)
    plan = signals.plan_of(network)
    for one in (*told, *signals.check(network, plan)):
        assert one.mend
        assert one.column
    signals.timing_sheets(network, plan)


def test_people_are_across_before_a_later_stage_too():
    """V begins two stages after P has ended: the clearance may not use up what the pair needs."""
    yellow = Sequence((), ((State.YELLOW, 3),))
    people = Group("P", "pedestrian", Sequence((), ((State.CLEARANCE, 6),)), 0, walk_s=5)
    one = Intersection(
        "X", (Group("V", sequence=yellow, min_green_s=5), people, Group("W", sequence=yellow, min_green_s=4)),
        (Stage("s0", ("W",)), Stage("s1", ("V",)), Stage("s2", ("P", "V"))),
        {("P", "V"): 8, ("V", "P"): 3, ("V", "W"): 6, ("W", "V"): 0}, frozenset({("V", "P")}),
        cycle_range_s=(1, 400),
    )  # fmt: skip
    plan = signals.Plan((signals.program(one, [4, 10, 20]),))
    assert signals.check(Network((one,)), plan) == []


@settings(max_examples=60)
@given(st.one_of(staged(), ringed()))
def test_a_random_network_comes_back_from_its_file(tmp_path, made):
    one, splits = made if isinstance(made, tuple) else (made, None)
    if splits:
        one = replace(one, rings=replace(one.rings, splits_s=splits))
    network = Network((one,), city='a "quoted" name\\', zero_s=3723)
    if not one.groups or not (one.stages or one.rings.rings):
        return
    again = signals.read_network(signals.write_network(network, tmp_path / "n.toml"))
    assert signals.same_network(network, again)


def test_cases_that_came_from_elsewhere_come_back(tmp_path):
    for network in (
        signals.read_network(samples.case("incheon", "signals.toml")),
        signals.read_utdf(samples.path("incheon").parent / "ring.utdf.csv"),
    ):
        path = signals.write_network(network, tmp_path / "n.toml")
        assert signals.same_network(network, signals.read_network(path))
        assert not signals.same_network(network, replace(network, zero_s=60))
