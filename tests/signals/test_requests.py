"""Requests from positions and detectors, and what a controller hears of them."""

from __future__ import annotations

import dataclasses
import math
import random

import numpy as np
import pytest
from crossroads import crossroads, detections

import mobility as mb
from mobility import samples, signals
from mobility.errors import TableError
from mobility.signals.street import EARTH_M


@pytest.fixture(scope="module")
def city():
    day = mb.samples.read("changsha").day("typical")
    network = signals.read_network(samples.case("changsha", "signals.toml"))
    return day, network, signals.Routes(network, day)


def a_run(routes):
    """A trip in mid-day whose first signal lies well beyond its first stop."""
    for trip, run in sorted(routes.runs.items()):
        if run.line.passings[0].along_m > 300 and run.row > 0:
            return trip, run
    raise AssertionError


def somewhere(routes, trip, run, along, *, late=0.0, off_m=0.0, **more):
    """A position on the shape, at the second when the timetable has it there, plus ``late``."""
    line = run.line
    k = int(np.searchsorted(line.stop_m, along, side="right")) - 1
    part = (along - line.stop_m[k]) / (line.stop_m[k + 1] - line.stop_m[k])
    left, reached = line.depart_s[run.row, k], line.arrive_s[run.row, k + 1]
    x, y = run.street.at(along)
    y += off_m
    lat0, lon0 = routes.around
    return signals.Position(
        f"v{trip}", trip, float(left + part * (reached - left) + late),
        lat0 + math.degrees(y / EARTH_M),
        lon0 + math.degrees(x / EARTH_M / math.cos(math.radians(lat0))), **more)  # fmt: skip


def place_before(run, metres=150.0):
    """Before a signal, and far from every stop."""
    for passing in run.line.passings:
        for along in np.arange(passing.along_m - metres, passing.along_m - 20, 10):
            if np.abs(run.line.stop_m - along).min() > 30 and along > run.line.stop_m[0]:
                return float(along), passing
    raise AssertionError


def test_a_bus_asks_in_its_window_and_tells_its_lateness(city):
    day, network, routes = city
    trip, run = a_run(routes)
    along, passing = place_before(run)
    for late in (0.0, 240.0):
        one = somewhere(routes, trip, run, along, late=late, load_percent=50.0)
        found = signals.requests([one], network, day, now_s=one.at_s + 2, routes=routes)
        assert found.findings == ()
        first = next(row for row in found if row.signal == passing.signal)
        assert first.late_s == pytest.approx(late, abs=2)
        assert first.people == 40.0
        assert first.group in network.signal[passing.signal].group
        assert 0 < first.eta_s - one.at_s < first.eta_until_s - one.at_s < 150
        assert first.eta_s - one.at_s >= (passing.along_m - along) / 30 - 1e-6


def test_dwell_before_a_signal_widens_the_window(city):
    day, network, routes = city
    trip, run = a_run(routes)
    widths = {}
    for passing in run.line.passings:
        for along in np.arange(passing.along_m - 600, passing.along_m - 40, 20):
            if along <= run.line.stop_m[0] or np.abs(run.line.stop_m - along).min() < 30:
                continue
            one = somewhere(routes, trip, run, float(along))
            between = int(((run.line.stop_m > along) & (run.line.stop_m < passing.along_m)).sum())
            for row in signals.requests([one], network, day, now_s=one.at_s, routes=routes):
                if row.signal == passing.signal:
                    widths.setdefault(between, []).append(row.eta_until_s - row.eta_s)
    assert len(widths) > 1
    assert min(widths[max(widths)]) > min(widths[min(widths)])


def test_what_cannot_be_used_is_told_and_left_out(city):
    day, network, routes = city
    trip, run = a_run(routes)
    along, _ = place_before(run)
    good = somewhere(routes, trip, run, along)
    far = dataclasses.replace(somewhere(routes, trip, run, along, off_m=2000.0), vehicle="far")
    rows = [
        dataclasses.replace(good, vehicle="old", at_s=good.at_s - 300), far,
        dataclasses.replace(good, vehicle="who", trip="?"),
        dataclasses.replace(good, vehicle="nan", lat=math.nan),
    ]  # fmt: skip
    found = signals.requests(rows, network, day, now_s=good.at_s, routes=routes)
    assert found.asked == ()
    assert {one.column: one.code for one in found.findings} == {
        "old": "position_stale", "far": "position_off_route", "who": "position_trip_unknown",
        "nan": "position_wrong",
    }  # fmt: skip


def test_the_gap_is_the_lateness_less_that_of_the_bus_ahead(city):
    day, network, routes = city
    trip, run = a_run(routes)
    along, _ = place_before(run)
    ahead = run.line.trips[run.row - 1]
    here = somewhere(routes, trip, run, along, late=180.0)
    there = dataclasses.replace(here, vehicle="ahead", trip=ahead)
    now = here.at_s
    late = routes.runs[ahead]
    rows = signals.requests([here, there], network, day, now_s=now, routes=routes).asked
    own = [row for row in rows if row.id == here.vehicle]
    others = [row for row in rows if row.id == "ahead"]
    assert own
    assert others
    assert own[0].headway_gap_s == pytest.approx(own[0].late_s - others[0].late_s)
    assert late.row == run.row - 1


def test_protobuf_says_the_same_as_rows(city, tmp_path):
    bindings = pytest.importorskip("google.transit.gtfs_realtime_pb2", reason="no realtime extra")
    day, network, routes = city
    trip, run = a_run(routes)
    along, _ = place_before(run)
    one = somewhere(routes, trip, run, along, late=61.0, speed_ms=8.0, load_percent=30.0)
    one = dataclasses.replace(one, at_s=round(one.at_s))
    message = bindings.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    entity = message.entity.add()
    entity.id = "e"
    entity.vehicle.vehicle.id = one.vehicle
    entity.vehicle.trip.trip_id = trip
    entity.vehicle.timestamp = int(day.origin.timestamp() + one.at_s)
    entity.vehicle.position.latitude, entity.vehicle.position.longitude = one.lat, one.lon
    entity.vehicle.position.speed = 8.0
    entity.vehicle.occupancy_percentage = 30
    path = tmp_path / "positions.pb"
    path.write_bytes(message.SerializeToString())
    plain = signals.requests([one], network, day, now_s=one.at_s, routes=routes).asked
    for given in (path, message.SerializeToString(), message):
        rows = signals.requests(given, network, day, now_s=one.at_s, routes=routes).asked
        assert [row.signal for row in rows] == [row.signal for row in plain]
        assert rows[0].eta_s == pytest.approx(plain[0].eta_s, abs=0.5)  # places are floats there
    with pytest.raises(TableError):
        signals.requests(b"\xff\xff nonsense", network, day, now_s=0, routes=routes)
    with pytest.raises(TableError):
        signals.requests(tmp_path / "none.pb", network, day, now_s=0, routes=routes)


def test_replay_repeats_delays_and_loses():
    asked = [signals.Asked(f"b{k}", "X", "bus", "NS", k, k + 20, k + 30) for k in range(400)]
    heard = signals.replay(asked, latency_s=[1.0, 4.0], dropout=0.25, seed=3)
    assert heard == signals.replay(asked[::-1], latency_s=[1.0, 4.0], dropout=0.25, seed=3)
    assert {when - one.at_s for when, one in heard.messages} == {1.0, 4.0}
    assert 60 < heard.lost < 140
    assert len(heard.messages) + heard.lost == 400
    assert sum(len(heard.at(t)) for t in range(410)) == len(heard.messages)
    assert signals.replay(asked, dropout=1.0).messages == ()
    with pytest.raises(ValueError, match="dropout"):
        signals.replay(asked, dropout=2)


@pytest.mark.parametrize("dropout", [0.3, 1.0])
def test_a_controller_that_hears_late_or_only_detectors_breaks_no_rule(dropout):
    network = crossroads()
    events = [signals.CheckIn(f"b{k}", "X", "EW", 100.0 * k + 20, out=out) if not out else
              signals.CheckIn(f"b{k}", "X", "EW", 100.0 * k + 60, out=True)
              for k in range(3) for out in (False, True)]  # fmt: skip
    ins, found = signals.detected([*events, signals.CheckIn("?", "Y", "EW", 5.0)], network)
    assert [one.code for one in found] == ["control_request_wrong"]
    radio = [signals.Asked(f"r{k}", "X", "bus", "NS", 10.0 * k, 10.0 * k + 15, 10.0 * k + 40)
             for k in range(28)]  # fmt: skip
    positions = signals.replay(radio, latency_s=[1.0, 5.0, 12.0], dropout=dropout, seed=1)
    loops = signals.replay(ins)
    control = signals.PriorityController(network, policy=signals.Priority())
    rng, who = random.Random(2), set()
    for t in range(320):
        asked = [*positions.at(t), *loops.at(t)]
        who |= {one.id[0] for one in asked}
        control.step(t, detections(network, t, rng), asked)
    assert signals.check(network, control.log()) == []
    assert control.findings == []
    assert who == ({"b"} if dropout == 1 else {"b", "r"})
