"""The whole chain on hard cases: conventional buses, scarce power, the limits of what is proven."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mobility import fleet
from mobility.solution import Status

TRIP = ["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"]
RUN = ["from_stop", "to_stop", "time_s", "distance_km"]
PLACES = ("home", "a", "b")
EVERY_RUN = [(one, other, 600, 4.0) for one, other in itertools.permutations(PLACES, 2)]
BUS = {"battery_kwh": 100.0, "kwh_km": 1.3, "max_kw": 100.0}


def problem_of(trips, runs=EVERY_RUN, **asked):
    asked = {"depots": [{"id": "d", "stop_id": "home"}], **asked}
    return fleet.Problem.from_tables(
        pd.DataFrame(trips, columns=TRIP), deadheads=pd.DataFrame(runs, columns=RUN), **asked
    )


@st.composite
def problems(draw):
    trips = []
    for at in range(draw(st.integers(1, 7))):
        start = draw(st.integers(36, 130)) * 600
        ends = draw(st.permutations(PLACES[1:]))
        length = draw(st.sampled_from([1_200, 3_000, 5_400]))
        km = draw(st.sampled_from([4.0, 15.0, 30.0, 90.0]))
        trips.append((f"t{at}", start, start + length, ends[0], ends[1], km))
    demand = [
        {"price": draw(st.sampled_from([0.0, 200.0])), "period": "day",
         "hours": draw(st.sampled_from([[], [["18:00", "22:00"]], [["22:00", "02:00"]]]))}
    ]  # fmt: skip
    depot = {"id": "d", "stop_id": "home", "charger_kw": 60.0}
    if chargers := draw(st.sampled_from([0, 1, 2])):
        depot["chargers"] = chargers
    if draw(st.booleans()):
        depot["site_kw"] = draw(st.sampled_from([5.0, 40.0, 90.0]))
    chargers = [{"stop_id": "a", "count": 1, "kw": 200.0}] if draw(st.booleans()) else []
    return problem_of(
        trips,
        depots=[depot],
        chargers=chargers,
        vehicles=[{**BUS, "battery_kwh": draw(st.sampled_from([40.0, 60.0, 120.0, 300.0]))}],
        tariff={"energy": [["00:00", 5.0], ["07:00", 20.0], ["22:30", 9.0]], "demand": demand},
        costs={"vehicle_day_minor": 3_000, "deadhead_km_minor": 50, "waiting_h_minor": 600},
    )


@settings(max_examples=35, phases=(Phase.explicit, Phase.generate))
@given(problems())
def test_every_answer_is_checked_bounded_and_explained(problem):
    plan = fleet.plan(problem)
    report = plan.report
    if report.objective is None:
        assert report.status in {Status.INFEASIBLE, Status.UNKNOWN}
        assert plan.why
        assert report.gap is None
        return
    assert report.status in {Status.OPTIMAL, Status.FEASIBLE}
    assert list(plan.findings) == fleet.check(problem, plan) == []
    assert report.bound <= report.objective == sum(report.parts.values())
    assert plan.vehicles_bound <= plan.vehicles
    charged, used = plan.sessions["kwh"].sum(), plan.blocks["kwh"].sum()
    assert charged == pytest.approx(used, abs=1e-3 * max(plan.vehicles, 1))
    # The bound knows no battery: each roomier way to drive the same trips lies above it.
    for change in (
        {"vehicles.battery_kwh": 2 * problem.vehicle.battery_kwh},
        {"depots.chargers": None, "depots.site_kw": None},
    ):
        roomy = fleet.plan(problem.replace(**change))
        if roomy.not_electric == plan.not_electric:
            assert roomy.report.bound == report.bound
            if roomy.report.objective is not None:
                assert report.bound <= roomy.report.objective


def test_energy_that_comes_too_slowly_is_not_called_impossible_without_proof():
    slow = [{"id": "d", "stop_id": "home", "charger_kw": 10.0}]
    plan = fleet.plan(problem_of([("t1", 10_000, 80_000, "a", "b", 60.0)], depots=slow))
    assert plan.report.objective is None
    assert plan.report.status is Status.UNKNOWN
    assert " d " in plan.why
    assert "kWh" in plan.why
    assert ":" in plan.why  # the window


def test_no_charger_at_all_is_proven_impossible():
    none = [{"id": "d", "stop_id": "home", "chargers": 0}]
    plan = fleet.plan(problem_of([("t1", 30_000, 33_000, "a", "b", 20.0)], depots=none))
    assert plan.report.status is Status.INFEASIBLE
    assert "26 kWh" in plan.why


def test_a_day_without_trips_costs_nothing():
    plan = fleet.plan(problem_of([]))
    assert plan.report.objective == 0
    assert plan.vehicles == 0
    assert fleet.check(plan.problem, plan) == []


def test_electric_and_conventional_buses_do_not_mix():
    trips = [("t1", 30_000, 33_000, "a", "b", 20.0), ("t2", 34_000, 37_000, "b", "a", 90.0)]
    plan = fleet.plan(problem_of(trips, vehicles=[BUS]))
    assert plan.not_electric == ("t2",)
    assert plan.vehicles == 2
    assert plan.blocks.groupby("vehicle")["electric"].nunique().max() == 1
    assert fleet.check(plan.problem, plan) == []


def test_kept_blocks_take_in_the_trips_without_one():
    trips = pd.DataFrame(
        [("t1", 30_000, 33_000, "a", "b", 5.0), ("t2", 33_000, 36_000, "b", "a", 5.0),
         ("t3", 36_500, 39_000, "a", "b", 5.0)],
        columns=TRIP,
    ).assign(block_id=["x", "x", ""])  # fmt: skip
    problem = fleet.Problem.from_tables(
        trips,
        deadheads=pd.DataFrame(EVERY_RUN, columns=RUN),
        depots=[{"id": "d", "stop_id": "home"}],
    )
    kept = fleet.plan(problem, blocks="keep-filled")
    assert kept.vehicles == 1  # t1 and t2 without a layover, as the feed has them
    assert fleet.check(problem, kept) == []
    assert fleet.plan(problem).vehicles == 2


def test_departures_of_one_frequency_do_not_share_a_block(samples_folder, tmp_path):
    """A block_id on a frequency's template would put all its departures on one bus."""
    import shutil

    from mobility.feed import read_feed

    folder = shutil.copytree(samples_folder / "odd" / "frequencies_only", tmp_path / "feed")
    path = folder / "trips.txt"
    trips = pd.read_csv(path, dtype=str)
    trips.assign(block_id="x").to_csv(path, index=False)
    problem = fleet.problem(read_feed(folder, cache=False).day())
    assert len(problem.trips) > len(trips)
    assert (problem.trips["block_id"] == "").all()
    assert any("block_id" in one for one in problem.assumptions)
    plan = fleet.plan(problem, blocks="given")
    assert fleet.check(problem, plan) == []


# Runs so long that going home between trips is out, buses that cost nothing, waiting that is dear.
LONG_RUNS = [(one, other, 9_000, 4.0) for one, other in itertools.permutations(PLACES, 2)]
DEAR_WAIT = {"vehicle_day_minor": 0, "deadhead_km_minor": 0, "waiting_h_minor": 3_600}


def crowded(trips, capacity):
    return problem_of(
        trips, LONG_RUNS, depots=[{"id": "d", "stop_id": "home", "capacity": capacity}],
        costs=DEAR_WAIT, rules={"min_layover_s": 0}, tariff={"energy": [["00:00", 0.0]]},
    )  # fmt: skip


def test_electric_buses_do_not_take_the_room_of_conventional_ones():
    trips = [
        ("e1", 30_000, 33_000, "a", "b", 5.0),
        ("e2", 43_000, 46_000, "b", "a", 5.0),
        ("c1", 30_000, 33_000, "a", "b", 400.0),
    ]
    # One electric bus that waits and one conventional bus fit.
    assert fleet.plan(crowded(trips, 2)).report.status is not Status.INFEASIBLE


def test_the_bound_holds_for_every_way_to_share_the_depot():
    trips = [
        ("e1", 30_000, 33_000, "a", "b", 5.0),
        ("e2", 34_000, 46_000, "b", "a", 5.0),
        ("c1", 30_000, 33_000, "a", "b", 400.0),
        ("c2", 45_000, 48_000, "b", "a", 400.0),
    ]
    plan = fleet.plan(crowded(trips, 3))
    # e1 and e2 on one bus wait 1,000 s at 3,600 an hour; c1 and c2 on two buses wait for nothing.
    assert plan.report.bound <= 1_000
    assert plan.report.status is not Status.OPTIMAL or plan.report.objective <= 1_000


def test_a_depot_out_of_reach_is_no_near_one():
    runs = [("home", "a", 3_600, 40.0), ("b", "home", 3_600, 40.0)]
    depots = [{"id": "d", "stop_id": "home"}, {"id": "x", "stop_id": "far"}]
    plan = fleet.plan(problem_of([("t1", 30_000, 33_000, "a", "b", 200.0)], runs, depots=depots))
    assert plan.not_electric == ("t1",)
    assert fleet.check(plan.problem, plan) == []


def test_demand_hours_past_midnight_are_the_same_for_planner_and_checker():
    tariff = {
        "energy": [["00:00", 50.0]],
        "demand": [{"price": 300.0, "period": "day", "hours": [["25:00", "26:00"]]}],
    }
    depots = [{"id": "d", "stop_id": "home", "charger_kw": 12.0}]
    trips = [("t1", 72_000, 75_000, "a", "b", 200.0)]
    plan = fleet.plan(problem_of(trips, depots=depots, tariff=tariff))
    assert plan.report.parts["demand"] > 0
    assert fleet.check(plan.problem, plan) == []


def test_the_state_of_charge_is_restored_by_the_next_pull_out():
    plan = fleet.plan(problem_of([("t1", 30_000, 33_000, "a", "b", 30.0)], vehicles=[BUS]))
    used, charged = plan.blocks["kwh"].sum(), plan.sessions["kwh"].sum()
    assert used == pytest.approx((30 + 8) * 1.3)
    assert charged == pytest.approx(used)
    assert plan.sessions["end_s"].max() <= plan.blocks["start_s"].min() + 86_400
    np.testing.assert_allclose(
        [sum(row) / 12 for row in plan.sessions["kw"]], plan.sessions["kwh"], atol=1e-6
    )
