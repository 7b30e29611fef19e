"""Laws of the fleet chain over small made-up days: bounds hold, plans can be driven, order is nothing."""

import naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import PLACES, VEHICLE, days, problem_of

from mobility import fleet
from mobility.solution import Status


@given(days())
def test_blocks_are_the_cheapest_there_are(day):
    problem = problem_of(day)
    plan = fleet.plan_blocks(problem)
    cheapest, fewest = naive.cheapest_blocks(problem)
    assert plan.report.bound <= cheapest + 1e-6
    # The flow's costs are whole thousandths rounded down, the parts whole units rounded up.
    assert cheapest - 1 <= plan.report.objective <= cheapest + 4
    assert plan.vehicles_bound == fewest <= plan.vehicles
    assert fleet.check(problem, plan) == []


@settings(max_examples=60)
@given(days(), st.sampled_from([25.0, 45.0, 120.0]), st.sampled_from([1, 2, None]))
def test_a_plan_can_be_driven_and_its_bound_holds(day, battery_kwh, chargers):
    problem = problem_of(
        day,
        vehicles=[{**VEHICLE, "battery_kwh": battery_kwh}],
        depots=[{"id": "d", "stop_id": "depot", "charger_kw": 100.0, "chargers": chargers}],
    )
    plan = fleet.plan(problem)
    roomy = fleet.plan(
        problem.replace(**{"vehicles.battery_kwh": 1_000.0, "depots.chargers": None})
    )
    if plan.report.objective is None:
        assert plan.report.status in {Status.INFEASIBLE, Status.UNKNOWN}
        assert plan.why
        return
    assert fleet.check(problem, plan) == []
    assert plan.report.bound <= plan.report.objective
    assert plan.vehicles_bound <= plan.vehicles
    if not plan.not_electric:
        # Cheaper than any battery allows, so above the bound of every one of them.
        assert plan.report.bound <= roomy.report.objective + 1


@settings(max_examples=25)
@given(days(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(day, random):
    trips, deadheads, layover = day
    order = list(range(len(trips)))
    random.shuffle(order)
    one = fleet.plan(problem_of(day))
    other = fleet.plan(
        problem_of((trips.iloc[order], deadheads.sample(frac=1, random_state=1), layover))
    )
    pd.testing.assert_frame_equal(one.blocks, other.blocks)
    pd.testing.assert_frame_equal(one.sessions, other.sessions)


def named(**changes):
    trips = pd.DataFrame(
        [("t1", 30_000, 33_000, "a", "b", 20.0), ("t2", 34_000, 37_000, "b", "a", 20.0)],
        columns=["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"],
    )
    deadheads = pd.DataFrame(
        [(one, other, 600, 4.0) for one in PLACES for other in PLACES if one != other],
        columns=["from_stop", "to_stop", "time_s", "distance_km"],
    )
    return problem_of((trips, deadheads, 300), **changes)


def test_a_trip_beyond_the_battery_is_driven_by_a_conventional_bus():
    plan = fleet.plan(named(vehicles=[{**VEHICLE, "battery_kwh": 30.0}]))
    assert plan.not_electric == ("t1", "t2")
    assert plan.report.status in {Status.FEASIBLE, Status.OPTIMAL}
    assert any("conventional" in one for one in plan.assumptions)
    assert plan.report.parts["energy"] == 0


def test_energy_that_no_site_can_give_is_infeasible_and_says_where_and_how_much():
    depots = [{"id": "d", "stop_id": "depot", "charger_kw": 100.0, "chargers": 1, "site_kw": 1.0}]
    plan = fleet.plan(named(depots=depots))
    assert plan.report.status is Status.INFEASIBLE
    assert plan.report.objective is None
    assert "kWh" in plan.why
    assert "'d'" in plan.why or " d " in plan.why


def test_too_small_a_depot_is_infeasible_and_says_so():
    trips = pd.DataFrame(
        [(f"t{at}", 30_000, 33_000, "a", "b", 5.0) for at in range(3)],
        columns=["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"],
    )
    small = [{"id": "d", "stop_id": "depot", "charger_kw": 100.0, "capacity": 2}]
    plan = fleet.plan(named(depots=small).replace(trips=_tidy(trips)))
    assert plan.report.status is Status.INFEASIBLE
    assert "3" in plan.why
    assert "2" in plan.why


def _tidy(trips):
    from mobility.fleet.trips import tidy_trips

    return tidy_trips(trips)


def test_a_demand_charge_is_paid_for_the_peak_in_its_hours():
    demand = [{"price": 300.0, "period": "day", "hours": [["00:00", "06:00"]]}]
    free = fleet.plan(named())
    dear = fleet.plan(
        named(tariff={"energy": [["00:00", 10.0], ["08:00", 25.0]], "demand": demand})
    )
    assert free.report.parts["demand"] == 0
    assert fleet.check(dear.problem, dear) == []
    assert dear.report.objective >= free.report.objective - 1


def test_given_blocks_are_kept_and_what_cannot_be_driven_is_a_finding():
    problem = named(vehicles=[{**VEHICLE, "battery_kwh": 300.0}])
    chain = problem.replace(trips=problem.trips.assign(block_id="x"))
    plan = fleet.plan(chain, blocks="given")
    assert plan.vehicles == 1
    jump = problem.trips.assign(block_id="x", depart_s=np.int32([30_000, 32_000]))
    broken = fleet.plan(problem.replace(trips=jump), blocks="given")
    assert [one.code for one in broken.input_findings] == ["block_cannot_be_driven"]
    assert broken.vehicles == 2
    assert fleet.check(broken.problem, broken) == []


@pytest.mark.parametrize("name", ["trimet2", "cairns", "bart_new", "hart", "poa_eptc"])
def test_real_feeds_get_plans_that_the_checker_accepts(shared_gtfs, name):
    from mobility.feed import read_feed

    plan = fleet.plan(fleet.problem(read_feed(shared_gtfs / f"{name}.zip").day()))
    assert plan.report.status in {Status.FEASIBLE, Status.OPTIMAL}
    assert fleet.check(plan.problem, plan) == []
    assert 0 <= plan.report.gap < 1
    assert plan.vehicles_bound <= plan.vehicles
    assert plan.assumptions
