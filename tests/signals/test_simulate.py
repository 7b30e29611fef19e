"""The fast model: vehicles are conserved, never pass a red, never overfill a street."""

from __future__ import annotations

import math

import naive_signals
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from mobility import samples, signals
from mobility.errors import ConfigError
from mobility.signals.demand import Lane, Link, Turn, Volumes
from mobility.signals.groups import Group, State
from mobility.signals.intersection import Intersection, Stage
from mobility.signals.lamps import NUMBER, STATES, codes_of, states_of
from mobility.signals.problem import Network
from mobility.signals.queues import Queues
from mobility.signals.simulate import simulate
from mobility.signals.streets import streets_of
from mobility.signals.traffic import Driver, Hop, draw, joined, traffic_of


def corner(name, lon, *, greens=(20, 15), offset=0, lanes=1, kind="vehicle"):
    """A crossing of two streets; left turns of the first give way."""
    return Intersection(
        name,
        (Group("EW", kind, approaches=("W", "E"), movements=("left", "through", "right"), lanes=lanes),
         Group("NS", approaches=("N", "S"), movements=("through", "right"))),
        (Stage("A", ("EW",), greens[0]), Stage("B", ("NS",), greens[1])),
        {("EW", "NS"): 5, ("NS", "EW"): 5}, lat=28.0, lon=lon, offset_s=offset,
    )  # fmt: skip


def street(metres=90.0, seconds=8.0, *, lanes=1, pockets=math.inf, greens=(20, 15), offset=7):
    """Two corners and a street between them; with ``pockets`` its lanes at the lines are short."""
    one, two = (
        corner("J1", 112.0, greens=greens),
        corner("J2", 112.01, greens=greens, offset=offset),
    )
    links = (Link("J1", "J2", metres, seconds, lanes), Link("J2", "J1", metres, seconds, lanes))
    network = Network((one, two), links)
    if math.isfinite(pockets):
        rows = [
            Lane(lane.id, lane.signal, lane.approach, pockets, lane.turns)
            for lane in streets_of(network).lanes
        ]
        network = Network((one, two), links, lanes=tuple(rows))
    return network


@some.composite
def towns(drawing):
    """A network, its vehicles (cars and buses with stops) and lamps of some minutes."""
    metres = drawing(some.sampled_from([20.0, 60.0, 150.0]))
    network = street(metres, metres / 10, lanes=drawing(some.integers(1, 2)),
                     pockets=drawing(some.sampled_from([math.inf, 10.0, 30.0])),
                     greens=drawing(some.sampled_from([(20, 15), (8, 30), (40, 7)])))  # fmt: skip
    streets = streets_of(network)
    flow = drawing(some.sampled_from([100.0, 400.0, 900.0]))
    volumes = Volumes(0, 120, dict.fromkeys(streets.movements, flow / 3), {})
    cars = draw(streets, volumes, seed=drawing(some.integers(0, 1000)))
    row = streets.movement
    buses = [
        Driver(f"b{k}", float(at), (
            Hop(4.0, row["J1", "W", "through"]),
            Hop(metres / 20, stop="S", dwell_s=drawing(some.integers(0, 30)), planned_s=60.0,
                hold_s=float(drawing(some.integers(-50, 120)))),
            Hop(metres / 20, row["J2", "W", "through"]), Hop(3.0, stop="T", dwell_s=5.0),
        ), bus=True, people=40, space_m=14.5)
        for k, at in enumerate(drawing(some.lists(some.floats(0, 100, allow_nan=False), max_size=4)))
    ]  # fmt: skip
    lamps = states_of(streets, signals.plan_of(network), 0, 160)
    cut = drawing(some.integers(0, 159))
    lamps[cut:] = np.roll(lamps[cut:], drawing(some.integers(0, 20)), axis=0)
    if drawing(some.booleans()):
        lamps[lamps == NUMBER[State.GREEN]] = NUMBER[State.YIELD]
    return streets, joined(cars, traffic_of(buses, 0, 120)), codes_of(lamps)


@settings(max_examples=15)
@given(towns())
def test_the_queue_kernel_is_its_naive_twin(town):
    streets, traffic, codes = town
    queues = Queues(streets, traffic, len(codes))
    queues.advance(codes)
    arrive, leave, entered, done, most = naive_signals.queues(
        streets, traffic, codes, queues.boarding
    )
    np.testing.assert_allclose(queues.arrive_s, arrive, atol=1e-9)
    np.testing.assert_allclose(queues.leave_s, leave, atol=1e-9)
    np.testing.assert_allclose(queues.enter_s, entered, atol=1e-9)
    np.testing.assert_allclose(queues.done_s, done, atol=1e-9)
    assert queues.record[5].tolist() == most


@settings(max_examples=25)
@given(towns())
def test_vehicles_are_conserved_and_keep_to_the_lamps_kernel(town):
    streets, traffic, codes = town
    queues = Queues(streets, traffic, len(codes))
    for k in range(0, len(codes), 7):  # in pieces as in one go
        queues.advance(codes[k : k + 7])
    whole = Queues(streets, traffic, len(codes))
    whole.advance(codes)
    np.testing.assert_array_equal(queues.leave_s, whole.leave_s)
    phase, count, length = queues.events[4], queues.lanes[2], queues.lanes[3]
    # Everybody is in exactly one place, and the places' counts say the same.
    assert (phase == 3).sum() == count.sum()
    assert sum(phase == kind for kind in range(6)).tolist() == [1] * len(traffic)
    assert (phase == 4).tolist() == np.isfinite(queues.done_s).tolist()
    storage, room = streets.arrays[9], streets.arrays[11]
    assert (queues.lanes[8] <= np.maximum(storage, 14.5) + 1e-9).all()
    assert (queues.approaches[4] <= np.maximum(room, 14.5) + 1e-9).all()
    assert (queues.approaches[4] >= -1e-9).all()
    assert (length >= -1e-9).all()
    line = (traffic.move >= 0) & np.isfinite(queues.leave_s)
    group = streets.arrays[8][np.maximum(traffic.move, 0)]
    second = np.floor(queues.leave_s[line]).astype(int)
    assert (codes[second, group[line]] != 0).all()
    # Along its way nobody goes back in time, nor passes a street faster than it may be driven.
    for v in range(len(traffic)):
        hops = slice(traffic.hop_first[v], traffic.hop_first[v + 1])
        arrive, leave = queues.arrive_s[hops], queues.leave_s[hops]
        known = np.isfinite(leave[:-1]) & np.isfinite(arrive[1:])
        assert (leave >= arrive - 1e-9)[np.isfinite(leave)].all()
        took = (arrive[1:] - leave[:-1])[known]
        assert (took >= traffic.travel_s[hops][1:][known] - 1e-9).all()


def test_a_queue_discharges_at_saturation_flow():
    network = street()
    row = streets_of(network).movement["J1", "N", "through"]
    drivers = [Driver(f"{k:02}", 0.1, (Hop(1.0, row),)) for k in range(10)]
    done = simulate(network, demand=traffic_of(drivers, 0, 200))
    left = np.sort(done.queues.leave_s)
    green = 20 + 5
    assert left[0] == green + 2  # what the first one loses
    assert np.allclose(
        np.diff(left[:7]), 2.0
    )  # 1,800 an hour; 15 s of green and a second of yellow
    assert left[7] >= green + 45
    assert done.findings == ()
    assert (
        done.movements.set_index(["signal", "approach", "movement"]).loc[
            ("J1", "N", "through"), "max_queue"
        ]
        == 10
    )


def test_a_full_street_holds_back_who_wants_to_enter():
    free, short = street(400.0, 8.0), street(30.0, 8.0)
    for network, holds in ((free, False), (short, True)):
        row = streets_of(network).movement
        way = row["J1", "W", "through"], row["J2", "W", "through"]
        drivers = [Driver(f"{k:02}", 0.1, (Hop(1.0, way[0]), Hop(8.0, way[1]))) for k in range(8)]
        done = simulate(network, demand=traffic_of(drivers, 0, 40))
        on_street = np.isfinite(done.queues.leave_s[::2]) & ~np.isfinite(done.queues.leave_s[1::2])
        assert done.queues.approaches[4].max() <= (30.0 if holds else 400.0)
        assert (np.isfinite(done.queues.leave_s[::2]).sum() < 8) == holds
        assert on_street.sum() <= 4 if holds else True


def test_left_turns_wait_for_a_gap_and_clear_in_yellow():
    network = street()
    row = streets_of(network).movement
    left = [Driver(f"l{k}", 0.1, (Hop(1.0, row["J1", "E", "left"]),)) for k in range(4)]
    stream = [
        Driver(f"t{k:02}", 0.2 + 2 * k, (Hop(1.0, row["J1", "W", "through"]),)) for k in range(30)
    ]
    alone = simulate(network, demand=traffic_of(left, 0, 100))
    met = simulate(network, demand=traffic_of([*left, *stream], 0, 100))
    assert (alone.queues.leave_s < 20).all()
    waits = met.hops[met.hops["move"] == row["J1", "E", "left"]]["leave_s"]
    assert waits.min() >= 20  # in yellow, two at most
    assert (waits < 21).sum() <= 2


def test_dispersion_is_robertsons_recursion():
    link = Link("J1", "J2", 400, 30.0)
    from mobility.signals.traffic import spread

    seconds = spread(link, 200_000, np.random.default_rng(0))
    factor = 1 / (1 + 0.35 * 0.8 * 30)
    flow = np.zeros(200)
    flow[0] = factor
    for k in range(1, 200):
        flow[k] = (1 - factor) * flow[k - 1]
    seen = np.bincount((seconds - 24).astype(int), minlength=200)[:200] / 200_000
    assert np.abs(seen - flow).max() < 0.003


def test_volumes_are_met_at_every_movement():
    network = signals.read_network(samples.case("changsha", "signals.toml"))
    volumes = network.volumes[0]
    streets = streets_of(network)
    hours = (volumes.to_s - volumes.from_s) / 3600
    counts = sum(
        np.bincount(draw(streets, volumes, seed=seed).move, minlength=len(streets.movements))
        for seed in range(5)
    )
    for m, key in enumerate(streets.movements):
        meant = 5 * hours * volumes.vehicles_h.get(key, 0.0)
        assert abs(counts[m] - meant) < 6 * math.sqrt(meant + 1) + 0.03 * meant, key


@pytest.mark.parametrize("name", ["changsha", "incheon"])
def test_samples_run_repeat_and_break_nothing(name):
    network = signals.read_network(samples.case(name, "signals.toml"))
    one, two = (simulate(network, seed=3, end_s=network.volumes[0].from_s + 1800) for _ in range(2))
    assert one.findings == ()
    assert one.figures == two.figures
    assert 10 < one.figures["delay_s"] < 200
    assert one.report.objective == pytest.approx(
        one.figures["person_delay_s"] * one.traffic.people.sum() / 3600
    )
    worse = simulate(network, seed=4, end_s=network.volumes[0].from_s + 1800)
    assert worse.figures != one.figures


class Replay:
    """A controller that shows a plan, second by second."""

    def __init__(self, network, plan):
        self.streets, self.plan = streets_of(network), plan
        self.asked = 0

    def step(self, now_s, detections, requests):
        self.asked += len(detections)
        assert requests == ()
        row = states_of(self.streets, self.plan, now_s, 1)[0]
        shown = {}
        for (signal, group), state in zip(self.streets.groups, row, strict=True):
            shown.setdefault(signal, {})[group] = STATES[state]
        return {signal: [groups[one.id] for one in self.streets.network.signal[signal].groups]
                for signal, groups in shown.items()}  # fmt: skip


def test_a_controller_that_shows_the_plan_is_the_plan():
    network = signals.read_network(samples.case("incheon", "signals.toml"))
    end = network.volumes[0].from_s + 600
    plan = signals.plan_of(network)
    control = Replay(network, plan)
    stepped, planned = simulate(network, control, end_s=end), simulate(network, plan, end_s=end)
    np.testing.assert_array_equal(stepped.states, planned.states)
    assert stepped.figures == planned.figures
    assert control.asked > 0


def test_what_cannot_be_driven_is_refused_with_how_to_mend():
    network = street()
    with pytest.raises(ConfigError, match="no demand") as raised:
        simulate(network)
    assert raised.value.mend
    with pytest.raises(ConfigError, match="no vehicles"):
        simulate(network, demand=Volumes(0, 100, {}, {}))
    lost = Network(
        (Intersection("A", (Group("g", approaches=("x",), movements=("through",)),), (Stage("s", ("g",), 10),)),
         Intersection("B", (Group("g", approaches=("y",), movements=("through",)),), (Stage("s", ("g",), 10),))),
        (Link("A", "B", 100, 10),),
    )  # fmt: skip
    with pytest.raises(ConfigError, match="does not say where it arrives"):
        simulate(lost, demand=Volumes(0, 100, {("A", "x", "through"): 100.0}, {}))


def test_shared_lanes_and_bus_lanes_are_used_by_whom_they_are_for():
    one = corner("J1", 112.0)
    lanes = (
        Lane("b", "J1", "W", 100.0, (Turn("through", "EW", 1800.0),), buses_only=True),
        Lane("c", "J1", "W", 100.0, (Turn("through", "EW", 1800.0), Turn("right", "EW", 1800.0))),
    )
    network = Network((one,), lanes=lanes)
    row = streets_of(network).movement["J1", "W", "through"]
    drivers = [
        Driver(f"{k}", 26.0, (Hop(0.5, row),), bus=k % 2 == 0, space_m=7.5) for k in range(8)
    ]
    queues = Queues(streets_of(network), traffic_of(drivers, 0, 100), 40)
    queues.advance(codes_of(states_of(streets_of(network), signals.plan_of(network), 0, 40)))
    assert queues.lanes[2].tolist() == [4, 4]
