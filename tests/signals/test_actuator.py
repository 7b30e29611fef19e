"""The actuator and the controller: whatever is wished, heard or asked, no lamp breaks a rule."""

from __future__ import annotations

import math
import random

import pandas as pd
import pytest
from crossroads import crossroads, detections
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility import samples, signals
from mobility.signals.actuator import Actuator
from mobility.signals.control import Cabinet, PriorityController
from mobility.signals.groups import State
from mobility.signals.log import SHOWN, Log
from mobility.signals.policy_actuated import Actuated
from mobility.signals.policy_adaptive import Adaptive
from mobility.signals.policy_greedy import Greedy
from mobility.signals.policy_pressure import MaxPressure
from mobility.signals.streams import Asked, Detection


def shown_log(one, rows, from_s=0):
    """Lamps second by second as a log: consecutive equal states joined, with a few lines of our own."""
    found = []
    for k, group in enumerate(one.groups):
        start = 0
        for t in range(1, len(rows) + 1):
            if t == len(rows) or rows[t][k] is not rows[start][k]:
                found.append((one.id, group.id, str(rows[start][k]), from_s + start, from_s + t))
                start = t
    return Log(pd.DataFrame(found, columns=list(SHOWN)))


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_any_wishes_give_legal_lamps(data):
    network = crossroads()
    one = network.intersections[0]
    actuator = Actuator(one)
    rng = random.Random(data.draw(st.integers(0, 10_000)))
    rows, want = [], set()
    for _ in range(400):
        if rng.random() < 0.2:
            want = {k for k in range(4) if rng.random() < 0.5}
        rows.append(actuator.step(want))
    # Wishes alone may keep somebody waiting: that is the controller's task.
    found = {f.code for f in signals.check(network, shown_log(one, rows))}
    assert found <= {"signal_red_too_long", "signal_stage_unknown", "signal_stage_skipped"}


def test_a_wish_is_carried_out():
    one = crossroads().intersections[0]
    actuator = Actuator(one)
    rows = [actuator.step(actuator.stages["C"]) for _ in range(40)]
    assert actuator.settled("C")
    assert [row[0] for row in rows[:18]] == [State.GREEN] * 4 + [State.FLASHING_GREEN] * 3 + [
        State.YELLOW
    ] * 3 + [State.RED] * 8
    assert rows[11][2] is State.RED
    assert rows[12][2] is State.GREEN  # 5 s after flashing green, the green's own end


@pytest.mark.parametrize("policy", [Actuated(), Actuated(tuned=True), Greedy(), MaxPressure(),
                                    Adaptive()], ids=lambda policy: policy.name)  # fmt: skip
@pytest.mark.parametrize("free", [True, False])
def test_no_policy_breaks_a_rule(policy, free):
    network = crossroads(free=free)
    control, rng = PriorityController(network, policy=policy), random.Random(1)
    for t in range(900):
        control.step(t, detections(network, t, rng))
    assert signals.check(network, control.log()) == []
    assert len({command.stage for command in control.commands if command.stage}) == 3


def garbage(rng, network, t):
    """Whatever detectors and buses might say when they are broken."""
    good = detections(network, t, rng)
    kind = rng.randrange(14)
    one = next(iter(good.values()))
    n = len(one.queued)
    bad = {
        0: good, 1: {}, 2: None, 3: [None, 5, "x"],
        4: {one.signal: Detection(one.signal, t, (math.nan,) * n, (1.0,) * n, ((),) * n)},
        5: {one.signal: Detection(one.signal, t - 900, one.queued, one.counted, one.coming)},
        6: {one.signal: Detection(one.signal, t, (1.0,), (1.0,), ((),))},
        7: {"?": Detection("?", t, (), (), ())},
        8: [*good.values(), *good.values()],
        9: {one.signal: Detection(one.signal, t, (-5.0,) * n, (1.0,) * n, ((),) * n)},
        10: {one.signal: Detection(one.signal, math.nan, one.queued, one.counted, one.coming)},
        11: {one.signal: Detection(one.signal, t, one.queued, one.counted, (((math.inf, 1.0),),) * n)},
        12: {one.signal: Detection(one.signal, t, one.queued, one.counted, ((("x", 1.0),),) * n)},
    }  # fmt: skip
    asked = [
        Asked("b1", "X", "bus", "NS", t, t + 20, t + 30), Asked("b1", "X", "bus", "?", t, t, t),
        Asked("b2", "?", "bus", "NS", t, t, t), Asked("b3", "X", "bus", "EW", t - 999, t - 999, t - 900),
        Asked("b4", "X", "spaceship", "EW", t, t, t), Asked("b5", "X", "bus", "EW", t, math.nan, t),
        Asked("b6", "X", "bus", "EW", t, t + 9, t + 3), Asked("b7", "X", "bus", "EW", t, t, t, leaves=True),
        Asked("b8", "X", "emergency", "EW", t, t + 10, t + 20), Asked("b9", "X", "rail", "P", t, t, t + 5),
        Asked("b8", "X", "emergency", "EW", t, t + 10, t + 20, leaves=True), 7, None,
        Asked("c1", "X", "tram", "NL", t, t + 9, t + 30, people=math.inf),
    ]  # fmt: skip
    return bad.get(kind, good), rng.sample(asked, rng.randrange(4))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100_000), st.sampled_from(["adaptive", "greedy", "actuated"]), st.booleans())
def test_garbage_never_shows(seed, name, free):
    network = crossroads(free=free)
    policy = {"adaptive": Adaptive(), "greedy": Greedy(), "actuated": Actuated()}[name]
    rng = random.Random(seed)
    control = PriorityController(network, policy=policy)
    t = 0.0
    for _ in range(200):
        seen, asked = garbage(rng, network, t)
        control.step(t, seen, asked)
        jump = rng.random()
        t += 1 if jump < 0.93 else rng.choice([0, 3, 20, 500, -40, 86_400])
        if jump > 0.995:
            control.step(math.nan, seen, "nonsense")
    assert signals.check(network, control.log()) == []


def test_lost_data_fall_back_to_the_base_plan_and_into_step_with_it():
    network = samples_network()
    control, rng = PriorityController(network, policy=Adaptive()), random.Random(3)
    for t in range(600):
        control.step(t, detections(network, t, rng) if t < 200 else ())
    commands = control.step(600)
    assert set(commands.fallback) == set(network.signal)
    plan = signals.plan_of(network)
    for one in network.intersections:
        base = plan.signal[one.id]
        at = (600 - base.zero_s) % base.cycle_s
        due = {show.group: show.state for show in base.shows if show.from_s <= at < show.to_s}
        assert dict(zip(due, commands.lamps[one.id], strict=False)).keys() == due.keys()
        assert [due[group.id] for group in one.groups] == commands.lamps[one.id]
    assert signals.check(network, control.log()) == []
    assert all(command.at_s < 210 for command in control.commands)


def samples_network():
    return signals.read_network(samples.case("incheon", "signals.toml"))


def test_two_masters_of_one_signal_are_refused():
    network, cabinet = crossroads(), Cabinet()
    first = PriorityController(network, policy=Greedy(), cabinet=cabinet)
    second = PriorityController(network, policy=Greedy(), cabinet=cabinet)
    assert first.findings == []
    assert [one.code for one in second.findings] == ["control_two_masters"]
    assert second.step(0).lamps == {}


def test_the_same_input_gives_the_same_lamps():
    network = crossroads()
    logs = []
    for _ in range(2):
        control, rng = PriorityController(network, policy=Adaptive()), random.Random(5)
        for t in range(300):
            rows = list(detections(network, t, rng).values())
            control.step(t, rows[::-1] if logs else rows)
        logs.append(control.log().shown)
    pd.testing.assert_frame_equal(*logs)


def test_lost_and_doubled_calls_leave_no_gap():
    network = crossroads()
    control, rng = PriorityController(network, policy=Adaptive()), random.Random(6)
    for t in range(0, 400, 4):
        one = control.step(t, detections(network, t, rng))
        assert control.step(t) == one
    log = control.log()
    assert signals.check(network, log) == []
    assert set(log.shown.groupby("group")["to_s"].max()) == {397}
