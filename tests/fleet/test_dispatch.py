"""Dispatch: duties that batteries carry, by exchange of rests of days; and its kernels' twins."""

import naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.santiago_city import electrify_city, over_one_battery, santiago_city
from mobility import fleet
from mobility.fleet import _city_flow_kernels, _dispatch_kernels, _exchange_kernels
from mobility.fleet.city_flow import Events, city_flow, connections
from mobility.fleet.dispatch import _numbers, dispatch, supports
from mobility.fleet.trip_table import trip_table

PLACES = ("north", "south", "a", "b", "c")
BUS = {"id": "bus", "battery_kwh": 100.0, "kwh_km": 1.3, "max_kw": 100.0}


@st.composite
def days(draw, least=1, most=4, battery=100.0):
    trips = []
    for at in range(draw(st.integers(least, most))):
        start = draw(st.integers(18_000, 70_000)) // 60 * 60
        ends = draw(st.permutations(PLACES))
        trips.append((f"t{at}", start, start + draw(st.integers(600, 5_400)), *ends[:2],
                      draw(st.integers(2, 24))))  # fmt: skip
    spots = {name: draw(st.integers(0, 12)) for name in PLACES}
    deadheads = [
        (
            one,
            other,
            180 * abs(spots[one] - spots[other]) + 120,
            abs(spots[one] - spots[other]) + 0.5,
        )
        for one in PLACES
        for other in PLACES
        if one != other
    ]
    return fleet.Problem.from_tables(
        pd.DataFrame(trips, columns=["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"]),
        deadheads=pd.DataFrame(deadheads, columns=["from_stop", "to_stop", "time_s", "distance_km"]),
        depots=[{"id": "n", "stop_id": "north", "charger_kw": 100.0},
                {"id": "s", "stop_id": "south", "charger_kw": 60.0}],
        vehicles=[{**BUS, "battery_kwh": battery}],
        tariff={"energy": [["00:00", 10.0], ["08:00", 25.0]]},
        costs={"vehicle_day_minor": 9_000, "deadhead_km_minor": 70, "waiting_h_minor": 900},
        rules={"min_layover_s": draw(st.integers(0, 2)) * 200},
    )  # fmt: skip


def everyone(problem):
    return np.arange(len(problem.trips), dtype=np.int32)


@settings(max_examples=40)
@given(days(most=4), st.integers(0, 1))
def test_kernel_a_duty_costs_what_its_cheapest_ways_cost(problem, depot):
    numbers = _numbers(problem, trip_table(problem, everyone(problem)), 83.0, np.full(2, 0.9))
    labels = _dispatch_kernels.LABELS + 1
    rows = everyone(problem)
    fast = _dispatch_kernels.duty_cost(
        rows,
        rows.size,
        depot,
        numbers,
        *(np.empty(labels) for _ in range(3)),
        np.empty((3, labels)),
    )
    slow = naive.duty_on_one_battery(problem, depot, rows.tolist(), 83.0, 0.9, numbers[5][0])
    if slow == np.inf:
        assert fast >= _dispatch_kernels.FAR
    else:
        assert fast == pytest.approx(slow)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8))
def test_kernel_labels_are_the_pareto_set(labels):
    size = _dispatch_kernels.LABELS + 1
    cost, level, used = np.empty(size), np.empty(size), np.empty(size)
    count = 0
    for one, other in labels:
        count = _dispatch_kernels.keep_label(
            cost, level, used, count, float(one), float(other), 0.0
        )
    slow = naive.pareto(labels)
    kept = list(zip(cost[:count], level[:count], strict=True))
    assert kept == sorted(kept)
    if len(slow) <= _dispatch_kernels.LABELS:
        assert kept == slow
    else:
        assert {kept[0], kept[-1]} == {slow[0], slow[-1]}


@given(st.integers(1, 6).flatmap(lambda n: st.lists(
    st.lists(st.integers(0, 50).map(float), min_size=n, max_size=n), min_size=n, max_size=n)))  # fmt: skip
def test_kernel_assignment_is_the_cheapest(cost):
    chosen = np.empty(len(cost), np.int32)
    _exchange_kernels.assign_rows(np.array(cost), chosen)
    assert sorted(chosen) == list(range(len(cost)))
    assert sum(cost[row][column] for row, column in enumerate(chosen)) == naive.cheapest_assignment(
        cost
    )


@settings(max_examples=40)
@given(days())
def test_kernel_arcs_lead_to_the_first_departure_at_every_place(problem):
    table = trip_table(problem, everyone(problem))
    events = Events.of(table)
    layover = problem.rules.min_layover_s
    tails, heads, _ = connections(
        problem, table, events, minor_km=83.0, layover_s=layover, prune=False
    )
    found = set(zip(tails.tolist(), heads.tolist(), strict=True))
    names = problem.deadheads.places
    for tail, (place, at) in enumerate(zip(events.in_place, events.in_s, strict=True)):
        for target in range(len(names)):
            run = naive.empty_run(problem, names[place], names[target], int(at))
            ready = at + run[0] + layover
            later = [head for head in range(events.out_s.size)
                     if events.out_place[head] == target and events.out_s[head] >= ready]  # fmt: skip
            if later:
                first = min(later, key=lambda head: events.out_s[head])
                # By itself, or by standing until the next arrival at the place.
                twin = tail
                while (twin, first) not in found:
                    twin += 1
                    assert twin < events.in_s.size
                    assert events.in_place[twin] == place


@settings(max_examples=40)
@given(days())
def test_kernel_chains_of_the_flow_drive_every_trip_once(problem):
    flow = city_flow(problem, trip_table(problem, everyone(problem)), minor_km=83.0)
    assert sorted(np.concatenate(flow.chains).tolist()) == everyone(problem).tolist()
    assert len(flow.chains) <= flow.vehicles or problem.rules.min_layover_s == 0
    cheapest = min(naive.any_blocks(problem.replace(**{"costs.deadhead_km_minor": 83.0})).values())
    relaxed = city_flow(
        problem, trip_table(problem, everyone(problem)), minor_km=83.0, relaxed=True
    )
    assert relaxed.cost_minor <= cheapest + 1e-6
    assert _city_flow_kernels.NEVER < 0


@settings(max_examples=8)
@given(days(most=6), st.sampled_from([60.0, 100.0, 400.0]))
def test_a_dispatched_day_can_be_driven(problem, battery_kwh):
    problem = problem.replace(**{"vehicles.battery_kwh": battery_kwh})
    if fleet.plan(problem).not_electric:
        return
    plan = electrify_city(problem, effort=1.0)
    if plan.why:  # dispatch prices queues, it does not promise that there are none
        return
    assert fleet.check(problem, plan) == []
    assert plan.report.bound <= plan.report.objective
    assert plan.vehicles_bound <= plan.vehicles


@settings(max_examples=4)
@given(days(least=3), st.randoms(use_true_random=False))
def test_dispatch_repeats_and_the_order_of_trips_changes_nothing(problem, random):
    order = list(range(len(problem.trips)))
    random.shuffle(order)
    from mobility.fleet.trips import tidy_trips

    other = problem.replace(trips=tidy_trips(problem.trips.iloc[order]))
    one = dispatch(problem, everyone(problem), 83.0, effort=1.0, seed=5)
    assert one == dispatch(other, everyone(problem), 83.0, effort=1.0, seed=5)


def test_dispatch_starts_from_duties_and_never_ends_above_them():
    problem = santiago_city(1, 0.02)
    rows, minor_km = everyone(problem), 1023.5
    first = dispatch(problem, rows, minor_km, effort=1.0)
    again = dispatch(problem, rows, minor_km, effort=4.0, duties=first)
    numbers = _numbers(
        problem, trip_table(problem, rows), minor_km, np.full(len(problem.depots), 0.9)
    )

    def cost(duties):
        return sum(
            _dispatch_kernels.best_depot(np.array(one.trips, np.int32), len(one.trips), numbers)[1]
            for one in duties
        )

    assert sorted(trip for one in again for trip in one.trips) == rows.tolist()
    assert cost(again) <= 1.002 * cost(first)
    assert supports(problem)
    assert not supports(problem.replace(**{"rules.shift_s": 60}))


def test_the_city_is_hard_on_batteries():
    problem = santiago_city(0, 0.05)
    assert len(problem.trips) == 2_000
    assert over_one_battery(problem) >= 0.3
    pd.testing.assert_frame_equal(problem.trips, santiago_city(0, 0.05).trips)


@pytest.mark.slow
def test_the_whole_city_is_hard_on_batteries():
    problem = santiago_city(0)
    trips = problem.trips
    minutes = (trips["arrive_s"] - trips["depart_s"]) / 60
    assert (len(trips), trips["route_id"].nunique(), len(problem.depots)) == (40_000, 380, 29)
    assert trips["distance_km"].between(15, 35).all()
    assert minutes.between(50, 110).all()
    assert abs(trips["distance_km"].sum() - 1e6) < 1e4
    assert over_one_battery(problem) >= 0.3
