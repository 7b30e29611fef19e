"""What lamps promise is kept: under a fixed plan, and whatever control in real time may do."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import pandas as pd
import pytest
from crossroads import crossroads, detections
from hypothesis import Phase, given, settings
from hypothesis import strategies as some

from mobility import samples, signals
from mobility.errors import ConfigError
from mobility.signals import Log, State, program
from mobility.signals.plan import SHOWN


@pytest.fixture(scope="module", params=["changsha", "incheon"])
def network(request):
    return signals.read_network(samples.case(request.param, "signals.toml"))


def shown_by(plan, cycles=1):
    rows = [
        (one.signal, shown.group, str(shown.state), one.zero_s + k * one.cycle_s + shown.from_s,
         one.zero_s + k * one.cycle_s + shown.to_s)
        for one in plan.signals for k in range(-1, cycles + 1) for shown in one.shows
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(SHOWN))


def test_a_fixed_plan_keeps_its_promises_and_a_shifted_one_breaks_them(network):
    plan = signals.plan_of(network)
    promises = tuple(
        two for now in range(0, 300, 7) for two in signals.remaining(network, plan, now).promises
    )
    shown = shown_by(plan, 5)
    assert not [
        one
        for one in signals.check(network, Log(shown, promises=promises))
        if "promise" in one.code
    ]
    late = replace(plan, signals=tuple(replace(one, zero_s=one.zero_s + 3) for one in plan.signals))
    assert any(one.code == "signal_promise_broken"
               for one in signals.check(network, Log(shown_by(late, 5), promises=promises)))  # fmt: skip


@settings(max_examples=8, phases=[Phase.explicit, Phase.generate])
@given(some.data())
def test_no_control_within_the_rules_can_break_a_promise(data):
    network = signals.read_network(samples.case("changsha", "signals.toml"))
    most = data.draw(some.sampled_from([60, None]))
    red_amber = data.draw(some.booleans())
    one = network.signal[data.draw(some.sampled_from(["J01", "J02", "J05"]))]
    groups = tuple(
        replace(group, max_green_s=most, max_red_s=most and 400,
                sequence=replace(group.sequence, start=((State.RED_AMBER, 1),) if red_amber and not group.on_foot else ()))
        for group in one.groups
    )  # fmt: skip
    one = replace(one, groups=groups, cycle_range_s=(1, 10_000))
    network = replace(
        network, intersections=(one,), links=(), bus_stops=(), bus_routes=(), volumes=()
    )
    # Whatever greens a controller gives in three rounds, as one long program.
    order = [stage.id for stage in one.stages] * 3
    greens = [
        data.draw(some.integers(max(int(group.least_green_s + group.clearance_s)
                                    for group in map(one.group.get, one.stage[stage].groups)), 50))
        for stage in order
    ]  # fmt: skip
    made = program(one, greens, order=order, offset_s=0)
    truth = signals.Plan((made,))
    assert signals.check(network, truth) == []
    base = signals.plan_of(network)
    lamps = {
        key: part.sort_values("from_s")
        for key, part in shown_by(truth, 1).groupby(["signal", "group"])
    }
    promises = []
    for now in range(0, int(made.cycle_s), data.draw(some.integers(13, 37))):
        seen = {}
        for key, rows in lamps.items():
            runs = []
            for row in rows.itertuples():
                if runs and runs[-1][0] == row.state:
                    runs[-1][2] = row.to_s
                else:
                    runs.append([row.state, row.from_s, row.to_s])
            state, since, _ = next(run for run in runs if run[1] <= now < run[2])
            seen[key] = State(state), since
        told = signals.remaining(network, base, now, adaptive=True, shown=seen)
        promises += told.promises
        assert all(one.min_end_s <= one.likely_end_s <= one.max_end_s for one in told.endings)
    log = Log(shown_by(truth, 1), promises=tuple(promises))
    assert [one for one in signals.check(network, log) if one.code == "signal_promise_broken"] == []
    assert (
        sum(one.min_end_s > one.at_s + 1 for one in promises) > len(promises) / 4
    )  # they say something


def test_the_message_has_the_standards_names():
    network = signals.read_network(samples.case("incheon", "signals.toml"))
    plan = signals.plan_of(network)
    told = signals.remaining(network, plan, 7 * 3600 + 12, signal="N01")
    message = json.loads(json.dumps(told.to_dict(), allow_nan=False))
    (one,) = message["intersections"]
    assert one["id"] == "N01"
    timing = one["states"][0]["state-time-speed"][0]["timing"]
    assert set(timing) == {"startTime", "minEndTime", "maxEndTime", "likelyTime", "confidence"}
    assert timing["minEndTime"] == timing["maxEndTime"] == timing["likelyTime"] < 36_000
    assert timing["confidence"] == 15
    assert one["states"][0]["signalGroup"] == 1
    free = signals.remaining(network, plan, 7 * 3600 + 12, signal="N01", adaptive=True)
    assert any(state["state-time-speed"][0]["timing"]["confidence"] == 0
               for state in free.to_dict()["intersections"][0]["states"])  # fmt: skip
    assert "green for" in str(told)
    with pytest.raises(ConfigError, match="no signal is called"):
        signals.remaining(network, plan, 0, signal="X")


def test_preemption_leaves_walkers_their_time():
    network = signals.read_network(samples.case("incheon", "signals.toml"))
    plan = signals.plan_of(network)
    for now in range(120):
        free = {
            (one.signal, one.group): one
            for one in signals.remaining(network, plan, now, adaptive=True).endings
        }
        cut = signals.remaining(network, plan, now, adaptive=True, preemption=True)
        for one in cut.endings:
            other = free[one.signal, one.group]
            assert one.min_end_s <= other.min_end_s
            if network.signal[one.signal].group[one.group].on_foot and one.state is State.GREEN:
                assert one.min_end_s == other.min_end_s
            assert one.max_end_s == other.max_end_s or math.isinf(one.max_end_s)


def test_a_controllers_log_is_read_and_its_promises_are_kept():
    network = crossroads()
    plan = signals.plan_of(network)
    control, rng = signals.PriorityController(network, policy=signals.Adaptive()), random.Random(3)
    for t in range(400):
        control.step(t, detections(network, t, rng, load=3))
    log = control.log()
    promises = tuple(
        one for now in range(0, 390, 13)
        for one in signals.remaining(network, plan, now, shown=log).promises
    )  # fmt: skip
    assert len(promises) == 30 * 4
    assert signals.check(network, replace(log, promises=promises)) == []
    # Rows that a file cuts in two are one state.
    cut = log.shown.copy()
    middle = (cut["from_s"] + cut["to_s"]) // 2
    halves = pd.concat([cut.assign(to_s=middle), cut.assign(from_s=middle)])
    halves = halves[halves["from_s"] < halves["to_s"]]
    assert str(signals.remaining(network, plan, 201, shown=replace(log, shown=halves))) == str(
        signals.remaining(network, plan, 201, shown=log)
    )
    with pytest.raises(ConfigError, match="does not show"):
        signals.remaining(network, plan, 400, shown=log)
