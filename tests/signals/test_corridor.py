"""Signals on a route: every bus that passes, when, and the stops between; on our samples and on a real feed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mobility as mb
from mobility import samples, signals
from mobility.errors import ConfigError, TableError
from mobility.signals.street import Street, side, turn_of

ROUTES = {"changsha": "C1", "incheon": "I1"}


@pytest.fixture(scope="module")
def days():
    return {city: mb.read_feed(samples.path(city)).day("typical") for city in ROUTES}


@pytest.fixture(scope="module")
def corridors(days):
    return {
        city: signals.corridor_from_feed(days[city], route, samples.path(city) / "signals.csv")
        for city, route in ROUTES.items()
    }


@pytest.mark.parametrize("city", ROUTES)
def test_a_corridor_is_what_the_case_says(corridors, city):
    """signals.toml was written by hand-made tables, the corridor by projection: they agree."""
    found = corridors[city]
    case = signals.read_network(samples.path(city) / "signals.toml")
    assert found.findings == ()
    assert {(r.route_id, r.direction_id, r.signals) for r in found.routes} == {
        (r.route_id, r.direction_id, r.signals) for r in case.bus_routes
    }
    stops = {(one.stop_id, one.link): one.after_m for one in case.bus_stops}
    assert {(one.stop_id, one.link) for one in found.stops} == stops.keys()
    for one in found.stops:
        assert one.after_m == pytest.approx(stops[one.stop_id, one.link], abs=2)
    links = {(one.from_signal, one.to_signal): one.distance_m for one in case.links}
    assert {(one.from_signal, one.to_signal) for one in found.links} == links.keys()
    for one in found.links:
        assert one.distance_m == pytest.approx(links[one.from_signal, one.to_signal], rel=0.01)


def test_every_bus_passes_every_signal_once_and_in_order(corridors, days):
    found = corridors["changsha"]
    trips = days["changsha"].trips.set_index("trip_id")
    for (route, _), part in found.passes.groupby(["route_id", "direction_id"]):
        buses = part.groupby("trip_id")
        assert set(buses.size()) == {len(set(part["signal"]))}
        assert set(part["trip_id"]) == set(trips.index[(trips["route_id"] == route) & (
            trips["direction_id"] == part["direction_id"].iloc[0])])  # fmt: skip
        for trip, own in list(buses)[:5]:
            order = next(r.signals for r in found.routes if r.route_id == route
                         and r.direction_id == own["direction_id"].iloc[0])  # fmt: skip
            assert tuple(own.sort_values("at_s")["signal"]) == order
            assert (
                own["at_s"].between(trips.loc[trip, "depart_s"], trips.loc[trip, "arrive_s"]).all()
            )
    assert "M2" not in set(found.passes["route_id"])  # the metro below the street


def test_a_bus_is_where_its_stops_say(corridors, days):
    """Between the stop before and the stop after, whose times the day has."""
    day, passes = days["changsha"], corridors["changsha"].passes
    names = day.feed.raw["stops"].text("stop_id")
    events = day.stop_events
    for row in passes.sample(200, random_state=1).itertuples():
        trip = int(day.trips.index[day.trips["trip_id"] == row.trip_id][0])
        at = range(events.offsets[trip], events.offsets[trip + 1])
        stops = {names[events.stop[k]]: k for k in at}
        before, after = stops[row.stop_before], stops[row.stop_after]
        assert after == before + 1
        assert events.depart_s[before] <= row.at_s <= events.arrive_s[after]


def test_headways_and_promises(corridors):
    lines = corridors["changsha"].lines.set_index(["signal", "route_id", "direction_id"])
    assert lines.loc[("J01", "C1", 0), "buses"] == 88
    assert lines.loc[("J01", "C1", 0), "approach"] == "W"
    assert lines.loc[("J01", "C1", 1), "approach"] == "E"
    passes = corridors["changsha"].passes
    assert passes.loc[passes["route_id"] == "C4", "promised"].all()  # a shuttle by headway
    assert not passes.loc[passes["route_id"] == "C1", "promised"].any()
    own = passes[(passes["signal"] == "J01") & (passes["route_id"] == "C1")]
    for _, part in own.groupby("direction_id"):
        assert part["headway_s"].iloc[1:].sum() == part["at_s"].max() - part["at_s"].min()


@pytest.mark.parametrize("city", ROUTES)
def test_the_list_alone_makes_a_network_whose_plan_is_safe(corridors, city):
    network = corridors[city].network()
    assert signals.check(network) == []
    plan = signals.plan_of(network)
    assert signals.check(network, plan) == []
    case = signals.read_network(samples.path(city) / "signals.toml")
    for one in case.intersections:
        assert plan.signal[one.id].cycle_s == one.cycle_s
        assert plan.signal[one.id].offset_s == one.offset_s
        assert [time.green_s for time in plan.signal[one.id].stages] == [
            stage.green_s for stage in one.stages
        ]
    assert network.timezone == case.timezone
    onto = corridors[city].onto(case)
    assert signals.check(onto) == []
    assert onto.intersections == case.intersections


def test_a_route_that_does_not_pass_its_signals_is_a_finding(days):
    table = pd.read_csv(samples.path("changsha") / "signals.csv")
    table.loc[2, "lat"] += 0.01
    found = signals.corridor_from_feed(days["changsha"], "C1", table)
    (one,) = found.findings
    assert (one.code, one.row, one.column) == ("signal_not_on_route", 4, "J03")
    assert one.value.startswith("1,1")
    assert "J03" not in set(found.passes["signal"])
    assert ("J02", "J04") in {(link.from_signal, link.to_signal) for link in found.links}
    other = signals.corridor_from_feed(days["changsha"], "C4", table)
    assert {one.column for one in other.findings} == {
        "J01",
        "J02",
        "J03",
        "J04",
        "J05",
        "J06",
        "J07",
    }


def test_what_no_route_is(days):
    table = pd.read_csv(samples.path("changsha") / "signals.csv")
    with pytest.raises(ConfigError, match="no trip of route"):
        signals.corridor_from_feed(days["changsha"], "C9", table)
    with pytest.raises(ConfigError, match="rails"):
        signals.corridor_from_feed(days["changsha"], "M2", table)
    with pytest.raises(TableError, match="no column"):
        signals.corridor_from_feed(
            days["changsha"], "C1", samples.path("changsha") / "stop_times.txt"
        )


def test_bad_rows_of_the_list_are_told(days, tmp_path):
    path = tmp_path / "signals.csv"
    path.write_text(
        "signal,lat,lon,cycle_s,splits\nJ01,28.19370,112.96720,120,49 20 34 17\nJ02,north,112.9712,,\n"
        "J01,28.19370,112.96720,,\nJ03,0,0,,\nJ04,28.19570,112.98180,120,49:long\n"
        "J05,28.19600,112.98790,120,A:60 B:50\nJ06,28.1956,112.996,-5,\n"
    )
    found = signals.corridor_from_feed(days["changsha"], "C1", path)
    assert {(one.code, one.row) for one in found.findings} == {
        ("signal_row_unreadable", 3), ("signal_row_unreadable", 4), ("signal_row_unreadable", 5),
        ("signal_row_unreadable", 6), ("signal_row_unreadable", 8),
        ("signal_cycle_does_not_add_up", 7),
    }  # fmt: skip
    assert [one.id for one in found.signals] == ["J01", "J05"]
    assert [one.id for one in found.network().intersections] == ["J01"]


def test_order_of_rows_changes_nothing(corridors, days):
    table = pd.read_csv(samples.path("changsha") / "signals.csv").sample(frac=1, random_state=3)
    again = signals.corridor_from_feed(days["changsha"], "C1", table)
    first = corridors["changsha"]
    pd.testing.assert_frame_equal(again.passes, first.passes)
    assert (again.links, again.stops, again.routes) == (first.links, first.stops, first.routes)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(-500, 500), st.integers(-500, 500)), min_size=2, max_size=12),
       st.lists(st.floats(0, 1), min_size=1, max_size=6))  # fmt: skip
def test_places_on_a_line_come_back_in_order(points, parts):
    """Stops that lie on the line are found at no distance, and never go back."""
    street = Street.of(np.array(points, float))
    if street is None:
        return
    wanted = np.sort(np.array(parts)) * street.along_m[-1]
    stops = np.array([street.at(one) for one in wanted])
    found = street.place(stops)
    assert (np.diff(found) >= -1e-9).all()
    for stop, along in zip(stops, found, strict=True):
        assert np.hypot(*(street.at(along) - stop)) < 1e-6
    for stop in stops:
        assert min(away for _, away in street.passes(stop, 1.0)) < 1e-6


def test_a_line_that_comes_back_passes_twice():
    street = Street.of(np.array([[0, 0], [100, 0], [100, 5], [0, 5]], float))
    assert len(street.passes(np.array([50.0, 2.5]), 10)) == 2
    along = street.place(np.array([[10, 0], [90, 0], [90, 5], [10, 5]], float))
    assert along == pytest.approx([10, 90, 115, 195])


def test_turns_and_sides():
    assert [turn_of(90, after) for after in (90, 0, 180, 270)] == [
        "through",
        "left",
        "right",
        "u-turn",
    ]
    assert [side(bearing) for bearing in (5, 100, 181, 350, 269)] == ["N", "E", "S", "N", "W"]


def test_a_real_feed(shared_gtfs):
    """Signals put on a real route's shape are all found, in their order, by every bus that runs there."""
    feed = mb.read_feed(shared_gtfs / "cairns.zip")
    day = feed.day("typical")
    route = day.trips["route_id"].value_counts().index[0]
    own = day.trips[day.trips["route_id"] == route]
    shape = own["shape_id"].value_counts().index[0]
    points = feed.tables["shapes"].query("shape_id == @shape")
    points = points.astype({"shape_pt_sequence": int}).sort_values("shape_pt_sequence")
    picked = points.iloc[np.linspace(len(points) * 0.2, len(points) * 0.8, 6).astype(int)]
    table = pd.DataFrame({
        "signal": [f"S{k}" for k in range(6)], "lat": picked["shape_pt_lat"].astype(float) + 5e-5,
        "lon": picked["shape_pt_lon"].astype(float),
    })  # fmt: skip
    found = signals.corridor_from_feed(day, route, table)
    assert found.findings == ()
    trips = set(own.loc[own["shape_id"] == shape, "trip_id"])
    for trip, part in found.passes[found.passes["trip_id"].isin(trips)].groupby("trip_id"):
        first = part.sort_values("at_s").drop_duplicates("signal")
        assert set(first["signal"]) == set(table["signal"]), trip
    assert found.passes["at_s"].notna().all()
    assert found.passes["route_id"].nunique() >= 1


@pytest.mark.parametrize("name", ["no_shapes", "no_position", "frequencies_only", "past_midnight", "dst",
                                  "dangling_route", "blank_times"])  # fmt: skip
def test_odd_feeds_give_an_answer_or_a_sentence(name):
    day = mb.read_feed(samples.path(f"odd/{name}")).day("typical")
    places = day.stops.dropna()
    table = pd.DataFrame({
        "signal": ["a", "b"], "lat": places["lat"].iloc[:2].to_numpy(), "lon": places["lon"].iloc[:2].to_numpy(),
    })  # fmt: skip
    for route in day.trips["route_id"].unique():
        found = signals.corridor_from_feed(day, route, table)
        assert found.passes["at_s"].notna().all()
        assert ("lines without a shape run straight from stop to stop" in found.assumptions) == (
            name == "no_shapes" and len(found.passes) > 0
        )
        assert set(found.passes["signal"]) | {one.column for one in found.findings} <= {"a", "b"}
