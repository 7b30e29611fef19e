"""Our plan for a scenario: safe, tried on other seeds, and the shipped programs where it is no better."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest

from mobility import signals

pytest.importorskip("sumo", reason="SUMO is in the extra [sumo]")
from town import make_town

from mobility.signals.dispersion import busiest
from mobility.signals.program import plan_of
from mobility.signals.site import Site
from mobility.signals.stop_lines import streams_of
from mobility.signals.sumo import drive, lab
from mobility.signals.sumo import planned as planning
from mobility.signals.sumo.changes import Ways
from mobility.signals.sumo.demand import from_config
from mobility.signals.sumo.net import read_net
from mobility.signals.sumo.planned import plan_for
from mobility.signals.sumo.trial import Trial


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A grid of nine signals and some minutes of traffic."""
    return make_town(tmp_path_factory.mktemp("town"))


def test_a_plan_replaces_the_shipped_programs_only_by_a_test(town, monkeypatch):
    monkeypatch.setattr(planning, "CYCLES_S", (60,))
    monkeypatch.setattr(planning, "ROUNDS", 1)
    monkeypatch.setattr(planning, "SWEPT", 1000)
    monkeypatch.setattr(planning, "IDLE", 2)
    for module in (planning, lab):
        monkeypatch.setattr(module, "FINALISTS", (2, 1))
    found = plan_for(town / "town.sumocfg", end_s=300, work=9e5)
    told = found.to_dict()
    assert told["kept"] in {"planned", "shipped"}
    assert len(found.trials) >= 2
    if found.plan is not None:
        assert found.test["upper_s"] < 0
        assert found.test["teleports"][0] <= found.test["teleports"][1]
        assert min(found.test["seeds"]) >= 2000
        assert signals.check(found.network, found.plan) == []


def test_too_little_work_keeps_the_shipped_programs(town):
    found = plan_for(town / "town.sumocfg", end_s=200, work=1000)
    assert found.plan is None
    assert "too large" in found.why


def test_drive_shows_the_plan(town, monkeypatch):
    monkeypatch.setattr(planning, "WORK", 1000)
    monkeypatch.setattr(plan_for, "__kwdefaults__", {**plan_for.__kwdefaults__, "work": 1000})
    done = drive(town / "town.sumocfg", "planned", end_s=120)
    assert done.controller == "planned"
    assert done.asked["planning"]["kept"] == "shipped"
    assert done.findings == ()


class Simulator:
    """Delay of a plan without a simulator: what a plan costs depends on its offsets, seed and demand."""

    def __init__(self, ours=lambda plan, seed, factor: 25.0, *, teleports=0):
        self.ours, self.teleports, self.seen = ours, teleports, []

    def __call__(self, asked, network, plan, *, seed, scale, **_):
        self.seen.append((plan, seed, scale))
        delay = 30.0 + seed % 7 if plan is None else self.ours(plan, seed, scale) + seed % 7
        return Trial(delay, 100, 0, 0 if plan is None else self.teleports, 1000.0)


def by_name(plan, seed, factor):
    """A delay between 20 and 25 that only the plan's lamps decide."""
    return 20.0 + zlib.crc32(repr(plan.signals).encode()) % 1000 / 200


@pytest.fixture
def planned_with(town, monkeypatch):
    """Plan the town with a simulator of our own."""
    monkeypatch.setattr(planning, "CYCLES_S", (60,))
    monkeypatch.setattr(planning, "IDLE", 4)
    monkeypatch.setattr(planning, "SWEPT", 100)
    monkeypatch.setattr(planning, "ROUNDS", 1)

    def plan(simulator, at_once=2, most_s=600):
        monkeypatch.setattr(lab, "try_plan", simulator)
        monkeypatch.setattr(lab, "AT_ONCE", at_once)
        return plan_for(town / "town.sumocfg", end_s=300, work=1.2e5, most_s=most_s)

    return plan


def test_the_same_plan_however_many_simulators_run_beside_each_other(planned_with):
    one = planned_with(Simulator(by_name), at_once=1)
    two = planned_with(Simulator(by_name), at_once=2)
    assert one.plan is not None
    assert one.plan.signals == two.plan.signals
    assert one.trials.equals(two.trials)
    assert (one.work, one.test) == (two.work, two.test)
    assert signals.check(one.network, one.plan) == []


def test_no_seed_of_the_test_is_searched_on(planned_with):
    simulator = Simulator(by_name)
    planned_with(simulator)
    tested = {plan for plan, seed, _ in simulator.seen if seed >= 2000 and plan is not None}
    assert len(tested) == 1
    assert {seed for _, seed, _ in simulator.seen} >= set(lab.TESTED) | {
        1000,
        1003,
        1008,
        3000,
        3001,
    }


def test_a_plan_that_jams_on_a_further_seed_is_not_taken(planned_with):
    jammed = []

    def jams(plan, seed, factor):
        delay = by_name(plan, seed, factor)
        if seed == 1003 and (not jammed or plan == jammed[0]):
            jammed.append(plan)
            return 500.0
        return delay

    found = planned_with(Simulator(jams), at_once=1)
    assert found.plan is not None
    assert found.plan.signals != jammed[0].signals


@pytest.mark.parametrize(("simulator", "why"), [
    (Simulator(lambda plan, seed, factor: 31.0), "not better"),
    (Simulator(lambda plan, seed, factor: 40.0 if factor == 0.9 else 25.0), "other demand"),
    (Simulator(teleports=1), "teleports"),
])  # fmt: skip
def test_the_shipped_programs_stay(planned_with, simulator, why):
    found = planned_with(simulator)
    assert found.plan is None
    assert why in found.why
    assert found.to_dict()["kept"] == "shipped"


def test_a_machine_that_is_too_slow_keeps_the_shipped_programs(planned_with):
    found = planned_with(Simulator(by_name), most_s=0.0)
    assert found.plan is None
    assert "took more than 0 s" in found.why


def test_the_offset_of_a_lone_signal_is_never_changed(town):
    network = from_config(town / "town.sumocfg", end_s=300)
    alone = replace(network, links=())
    net = read_net(town / "town.net.xml")
    timing = Site(alone, streams_of(alone, busiest(alone)), plan_of(alone)).start(None)
    for some, offsets in ((alone, False), (network, True)):
        ways, rng = Ways(some, net), np.random.default_rng(0)
        run = Trial(30.0, 100, 0, 0, 1000.0)
        names = {ways.change(timing, [run], rng)[0].split()[0] for _ in range(60)}
        assert ("offset" in names) is offsets
        assert "splits" in names
