"""What the bus feels: headways and lateness as they are defined, and before and after on samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import mobility as mb
from mobility import samples, signals
from mobility.errors import ConfigError
from mobility.signals.punctuality import _ready
from mobility.signals.queues import Queues
from mobility.signals.regularity import measures, wait_s
from mobility.signals.streets import streets_of
from mobility.signals.timetable import Noise, buses_of, timetable_of
from mobility.signals.traffic import Driver, Hop, traffic_of

AM = {"begin_s": 7 * 3600, "end_s": 7.5 * 3600}


@pytest.fixture(scope="module")
def changsha():
    network = signals.read_network(samples.case("changsha", "signals.toml"))
    return mb.read_feed(samples.path("changsha"), cache=False).day(), network


def calls(plan, real, **extra):
    return pd.DataFrame({"route_id": "1", "direction_id": 0, "stop_id": "S", "plan_s": plan, "real_s": real,
                         "timepoint": True, "promised": False, **extra})  # fmt: skip


def test_waits_and_headways_are_those_of_the_books():
    plan = np.arange(0.0, 3600.0, 300.0)
    even = measures(calls(plan, plan + 40), ["route_id"]).iloc[0]
    assert even.excess_wait_s == 0
    assert even.headway_cv == 0
    assert even.bunched == 0
    assert even.on_time == 1
    pairs = plan + np.where(np.arange(12) % 2, -250.0, 0.0)  # two and two together
    off = measures(calls(plan, pairs), ["route_id"]).iloc[0]
    h = np.diff(np.sort(pairs))
    assert off.excess_wait_s == pytest.approx((h**2).sum() / (2 * h.sum()) - 150)
    assert off.bunched == pytest.approx(6 / 11)
    assert off.on_time == 0.5  # every second one is 250 s early
    assert wait_s(np.array([600.0])) == 300


def test_only_frequent_buses_count_as_headways_and_only_timepoints_as_on_time():
    rare = measures(
        calls(np.array([0.0, 1200, 2400]), np.array([0.0, 1800, 2400])), ["route_id"]
    ).iloc[0]
    assert "headways" not in rare or rare.headways != rare.headways or rare.headways == 0
    assert rare.on_time == pytest.approx(2 / 3)
    mixed = calls(
        np.array([0.0, 300, 600]), np.array([0.0, 1000, 1300]), timepoint=[True, False, False]
    )
    assert measures(mixed, ["route_id"]).iloc[0].on_time == 1
    narrow = measures(
        calls(np.array([0.0, 300]), np.array([30.0, 330])), ["route_id"], (-5, 20)
    ).iloc[0]
    assert narrow.on_time == 0
    lost = measures(calls(np.array([0.0, 300]), np.array([30.0, np.nan])), ["route_id"]).iloc[0]
    assert lost.calls == 1


def test_every_trip_passes_its_signals_in_order(changsha):
    day, network = changsha
    table = timetable_of(day, network)
    row = table.streets.movements
    lines = {(one.route_id, one.direction_id): one.signals for one in network.bus_routes}
    assert len(table.first) > 500
    for trip, start in table.first.items():
        call = table.calls[start]
        passed = tuple(row[move][0] for moves in table.passes[trip] for move in moves)
        assert passed == lines[call.route, call.direction]
        for moves, parts in zip(table.passes[trip], table.share[trip], strict=True):
            assert len(parts) == len(moves) + 1
            assert sum(parts) == pytest.approx(1)
    # Metro trips run on no line of the network.
    assert table.left_out == sum(day.trips["route_id"] == "M2")


def test_without_noise_signals_and_stands_buses_keep_the_timetable(changsha):
    day, network = changsha
    table = timetable_of(day, network)
    still = replace(
        network, bus_stops=tuple(replace(one, dwell_sd_s=0.0) for one in network.bus_stops)
    )
    buses = buses_of(still, table, {}, **AM, noise=Noise(0.0, 0.0))
    queues = Queues(table.streets, buses, 7200, boarding=0.0)
    queues.advance(np.ones((7200, len(table.streets.groups)), np.int8))
    off = []
    for v, trip in enumerate(buses.ids):
        start = table.first[trip]
        last = table.calls[start + len(table.passes[trip]) - 1]
        off.append(queues.done_s[v] + buses.begin_s - last.arrive_s)
    assert (
        np.nanmax(np.abs(off)) < 60
    )  # dwell that was drawn where the timetable names none, and neighbours
    assert np.nanmedian(np.abs(off)) < 30


def test_before_and_after_are_paired_and_the_same_plan_changes_nothing(changsha):
    day, network = changsha
    plan = signals.plan_of(network)
    same = signals.punctuality(day, network, plan, seeds=1, **AM)
    for name, row in same.figures.items():
        assert row["change"] == pytest.approx(0, abs=1e-12), name
    assert same.findings == ()
    worse = replace(plan, name="worse", signals=tuple(
        replace(one, zero_s=(one.zero_s + 41 * k) % one.cycle_s, offset_s=(one.offset_s + 41 * k) % one.cycle_s)
        for k, one in enumerate(plan.signals)
    ))  # fmt: skip
    found = signals.punctuality(day, network, worse, seeds=2, **AM)
    assert found.figures["car_delay_s"]["change"] > 5
    assert found.figures["bus_delay_s"]["change"] != 0
    assert {"route_id", "direction_id", "on_time_before", "on_time_after", "on_time_points"} <= set(
        found.by_route
    )
    assert {"stop_id", "excess_wait_s_before", "excess_wait_s_after"} <= set(found.by_stop)
    assert found.to_dict()["figures"]["on_time"]["half_width"] is not None
    again = signals.punctuality(day, network, worse, seeds=1, **AM)
    pd.testing.assert_frame_equal(found.by_seed[found.by_seed["seed"] == 0], again.by_seed)


def two_signals(network):
    """The corridor's first two signals, with what drives there."""
    kept = ("J01", "J02")
    return replace(
        network,
        intersections=tuple(one for one in network.intersections if one.id in kept),
        links=tuple(one for one in network.links if {one.from_signal, one.to_signal} <= set(kept)),
        bus_stops=tuple(one for one in network.bus_stops if set(one.link) <= set(kept)),
        bus_routes=tuple(
            replace(one, signals=tuple(two for two in one.signals if two in kept))
            for one in network.bus_routes
            if one.route_id == "C1" and set(kept) <= set(one.signals)
        ),
        volumes=tuple(
            replace(one, vehicles_h={key: flow for key, flow in one.vehicles_h.items()
                                     if key[0] in kept}) for one in network.volumes
        ),
    )  # fmt: skip


def test_detectors_of_every_signal_see_their_own_vehicles(changsha):
    _, network = changsha
    begin = network.volumes[0].from_s
    seen = {}

    class Watch(signals.PriorityController):
        def step(self, now_s, detections=(), requests=()):
            for name, one in detections.items():
                seen[name] = max(seen.get(name, 0.0), sum(one.queued))
            assert all(one.stream.partition("|")[0] == one.group for one in requests)
            return super().step(now_s, detections, requests)

    run = signals.simulate(network, Watch(network, at_s=begin), end_s=begin + 200)
    assert run.findings == ()
    assert set(seen) == set(network.signal)
    assert min(seen.values()) > 3  # somebody waited at each


def test_control_in_real_time_is_driven_before_and_after(changsha):
    day, network = changsha
    small = two_signals(network)
    asked = {"seeds": 1, "begin_s": 7 * 3600, "end_s": 7 * 3600 + 300}
    found = signals.punctuality(day, small, "priority", **asked)
    assert found.findings == ()
    assert found.names == (signals.plan_of(small).name, "priority")
    assert found.figures["bus_delay_s"]["change"] < 0
    assert found.figures["car_delay_s"]["change"] < 0
    # A controller that has run is not run on: every seed gets one of its own.
    control = signals.PriorityController(small, policy=signals.Priority())
    for given in (control, control.policy, "priority"):
        fresh = _ready(given, small, signals.plan_of(small), 25_000.0)
        assert fresh is not control
        assert fresh.policy is not control.policy
        assert fresh.at_s == 25_000
    with pytest.raises(ConfigError, match="no controller is called 'prority'"):
        signals.punctuality(day, small, "prority", **asked)
    with pytest.raises(ConfigError, match="cannot be driven again"):
        signals.punctuality(day, small, 7, **asked)


def test_what_is_on_time_stands_in_the_case(changsha):
    day, network = changsha
    small = replace(two_signals(network), service=signals.Service((-1.0, 20.0), 40.0, 0.1))
    asked = {"seeds": 1, "begin_s": 7 * 3600, "end_s": 7 * 3600 + 600}
    narrow = signals.punctuality(day, small, **asked)
    assert narrow.on_time_s == (-1.0, 20.0)
    wide = signals.punctuality(day, small, on_time_s=(-60.0, 300.0), **asked)
    assert narrow.figures["on_time"]["before"] < wide.figures["on_time"]["before"]
    assert narrow.figures["late_s"] == wide.figures["late_s"]


def test_service_is_read_written_and_judged(tmp_path):
    network = signals.read_network(samples.case("changsha", "signals.toml"))
    assert network.service == signals.Service()
    own = replace(network, service=signals.Service((-30.0, 180.0), 60.0, 0.2))
    assert own.digest == network.digest  # no plan depends on it
    again = signals.read_network(signals.write_network(own, tmp_path / "own.toml"))
    assert again.service == own.service
    text = (tmp_path / "own.toml").read_text()
    (tmp_path / "own.toml").write_text(
        text.replace("[-30.0, 180.0]", "[180, -30]").replace("[-30, 180]", "[180, -30]")
    )
    with pytest.raises(ConfigError, match="not before"):
        signals.read_network(tmp_path / "own.toml")


def test_what_has_no_timetable_is_refused(changsha):
    day, network = changsha
    with pytest.raises(ConfigError, match="no trip"):
        signals.punctuality(day, replace(network, bus_routes=()), seeds=1)
    with pytest.raises(ConfigError, match="no trip departs"):
        signals.punctuality(day, network, seeds=1, begin_s=2 * 3600, end_s=3 * 3600)
    turned = replace(network, bus_stops=tuple(
        replace(one, link=("J09", "J10")) if one.stop_id == "TPSE" else one for one in network.bus_stops
    ))  # fmt: skip
    with pytest.raises(ConfigError, match="which the bus has passed"):
        timetable_of(day, turned)


def test_advice_meets_the_green_and_says_what_it_saves():
    network = signals.read_network(samples.case("changsha", "signals.toml"))
    plan = signals.plan_of(network)
    opens = plan.signal["J02"].zero_s
    for ahead in range(20, 120, 10):  # red or green when it would be there
        now = opens + plan.signal["J02"].cycle_s - ahead
        advice = signals.advise_speed(network, plan, "J02", "EW", 400, now)
        assert 0.6 * 11.1 - 1e-9 <= advice.speed_ms <= 11.1 + 1e-9
        assert advice.arrive_s == pytest.approx(now + 400 / advice.speed_ms, abs=0.1)
        if advice.green:
            told = signals.remaining(network, plan, advice.arrive_s, signal="J02").endings
            assert next(one for one in told if one.group == "EW").state in {"green", "yellow"}
        stop = signals.advise_speed(network, plan, "J02", "EW", 400, now, dwell_s=15)
        assert stop.green  # it can always stay at the stop
        assert stop.hold_s >= 0
    with pytest.raises(ConfigError, match="no program"):
        signals.advise_speed(network, plan, "J02", "XX", 400, 0)
    with pytest.raises(ConfigError, match="no sense"):
        signals.advise_speed(network, plan, "J02", "EW", -1, 0)


def test_advised_buses_stop_less(changsha):
    day, network = changsha
    table = timetable_of(day, network)
    buses = buses_of(network, table, {}, begin_s=7 * 3600, end_s=7.5 * 3600, seed=1)
    found = signals.guide(network, None, buses)
    without, advised = found.figures["stops"]
    assert advised < 0.75 * without
    assert found.figures["saved_kwh"] == pytest.approx(
        (without - advised) * found.figures["stop_kwh"]
    )
    # 15.5 t from 40 km/h: 0.265 kWh of motion; the drive takes 18 % more, braking returns 60 %.
    assert found.figures["stop_kwh"] == pytest.approx(0.265 * (1 / 0.85 - 0.6), rel=0.01)


def test_putting_off_an_arrival_is_driving_slower_kernel():
    network = signals.read_network(samples.case("changsha", "signals.toml"))
    streets = streets_of(network)
    move = streets.movement["J02", "W", "through"]

    def queues(seconds):
        drivers = [
            Driver(f"{k}", 0.5 * k, (Hop(30.0 if k != 2 else seconds, move),)) for k in range(5)
        ]
        return Queues(streets, traffic_of(drivers, 0, 100), 100)

    from mobility.signals import _queue_kernels as kernels

    codes = np.ones((100, len(streets.groups)), np.int8)
    slow, late = queues(47.5), queues(30.0)
    slow.advance(codes)
    late.advance(codes[:10])
    kernels.put_off(2, 1.0 + 47.5, late.now, late.ways, late.events, late.due)
    assert late.due.sum() == 5
    late.advance(codes[10:])
    np.testing.assert_array_equal(slow.leave_s, late.leave_s)
