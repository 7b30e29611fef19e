"""Mixed fleets: types by rule, range and count; tanks and pumps."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import back_and_forth, deadheads, trips_of

from mobility import fleet
from mobility.fleet.fuel import refuel
from mobility.solution import Status

ELECTRIC = {"id": "e12", "battery_kwh": 200.0, "kwh_km": 1.3, "max_kw": 100.0}
DIESEL = {"id": "d12", "energy": "diesel", "range_km": 500.0, "fuel_km": 0.4, "refuel_min": 10}
COSTS = {"vehicle_day_minor": 9_000, "deadhead_km_minor": 70, "waiting_h_minor": 900}


def problem_of(trips, vehicles, **changes):
    asked = {
        "depots": [{"id": "d", "stop_id": "depot", "charger_kw": 100.0}],
        "tariff": {
            "energy": [["00:00", 10.0]],
            "diesel_l_minor": 100.0,
            "hydrogen_kg_minor": 500.0,
        },
        "costs": COSTS,
        "rules": {"min_layover_s": 0},
        **changes,
    }
    return fleet.Problem.from_tables(trips, deadheads=deadheads(), vehicles=vehicles, **asked)


def types_of(plan):
    return plan.blocks.drop_duplicates("vehicle")["type"].value_counts().to_dict()


def pairs(count):
    """As many trips at once."""
    return trips_of(*((f"t{at}", "r", 20_000, 22_000, "a", "b") for at in range(count)))


def test_the_cheaper_type_drives_until_its_count_is_used_up():
    cheap = {**ELECTRIC, "count": 2, "vehicle_day_minor": 5_000}
    problem = problem_of(pairs(5), [DIESEL, cheap])
    plan = fleet.plan(problem)
    assert types_of(plan) == {"e12": 2, "d12": 3}
    assert fleet.check(problem, plan) == []
    assert plan.report.parts["vehicles"] == 2 * 5_000 + 3 * 9_000
    km = plan.blocks.loc[plan.blocks["type"] == "d12", "distance_km"].sum()
    assert plan.report.parts["fuel"] == pytest.approx(km * 0.4 * 100, abs=1)
    assert plan.report.bound <= plan.report.objective
    everyone = fleet.plan(problem_of(pairs(5), [cheap]).replace(**{"vehicles.count": None}))
    assert types_of(everyone) == {"e12": 5}


def test_too_few_buses_of_all_types_is_said():
    plan = fleet.plan(problem_of(pairs(3), [{**DIESEL, "count": 1}, {**ELECTRIC, "count": 1}]))
    assert plan.report.status is not Status.OPTIMAL
    assert plan.report.objective is None
    assert "d12 1" in plan.why
    assert "e12 1" in plan.why


def test_one_type_with_too_few_buses_is_said():
    plan = fleet.plan(problem_of(pairs(3), [{**ELECTRIC, "count": 2}]))
    assert plan.report.objective is None
    assert "3 buses" in plan.why
    assert "2" in plan.why


def test_counts_hold_in_blocks_too():
    cheap = {**ELECTRIC, "count": 2, "vehicle_day_minor": 5_000}
    plan = fleet.plan_blocks(problem_of(pairs(5), [DIESEL, cheap]))
    assert types_of(plan) == {"e12": 2, "d12": 3}
    assert fleet.check(plan.problem, plan) == []
    short = fleet.plan_blocks(problem_of(pairs(3), [{**ELECTRIC, "count": 2}]))
    assert short.report.status is Status.INFEASIBLE
    assert "3 buses" in short.why


def test_what_no_battery_carries_goes_to_the_diesel_of_the_case():
    trips = trips_of(
        ("far", "r", 20_000, 60_000, "a", "b"), ("near", "r", 20_000, 22_000, "a", "b")
    )
    trips["distance_km"] = [300.0, 10.0]
    cheap = {**ELECTRIC, "vehicle_day_minor": 1_000}
    plan = fleet.plan(problem_of(trips, [cheap, DIESEL]))
    driven = plan.blocks[plan.blocks["kind"] == "trip"].set_index("trip_id")["type"]
    assert driven.to_dict() == {"far": "d12", "near": "e12"}
    assert plan.not_electric == ()
    assert fleet.check(plan.problem, plan) == []


def test_a_trip_beyond_every_allowed_type_is_infeasible_and_named():
    trips = trips_of(("far", "r", 20_000, 60_000, "a", "b")).assign(distance_km=300.0)
    rules = {"min_layover_s": 0, "route": [{"routes": ["r"], "allowed_types": ["e12"]}]}
    plan = fleet.plan(problem_of(trips, [ELECTRIC, DIESEL], rules=rules))
    assert plan.report.status is Status.INFEASIBLE
    assert "'far'" in plan.why


def test_a_bus_goes_home_to_refuel_before_its_tank_is_empty():
    trips = back_and_forth(8, gap_s=2_400)
    short, costs = {**DIESEL, "range_km": 45.0}, {**COSTS, "waiting_h_minor": 100}
    plan = fleet.plan(problem_of(trips, [short], costs=costs))
    assert fleet.check(plan.problem, plan) == []
    assert len(plan.refuels) > 1
    assert plan.refuels["amount"].max() <= 45.0 * 0.4
    without = fleet.plan(problem_of(trips, [DIESEL], costs=costs))
    assert {one.code for one in fleet.check(plan.problem, without)} >= {"tank_empty"}


def test_pumps_serve_one_bus_at_a_time_and_too_few_are_said():
    vehicles = [{**DIESEL, "refuel_min": 240}]
    one = [{"id": "d", "stop_id": "depot", "pumps": 1}]
    plan = fleet.plan(problem_of(pairs(3), vehicles, depots=one))
    assert fleet.check(plan.problem, plan) == []
    assert plan.refuels["pump"].tolist() == [0, 0, 0]
    crowded = fleet.plan(problem_of(pairs(6), vehicles, depots=one))
    assert crowded.report.objective is None
    assert "pumps" in crowded.why


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("pump_overlap", lambda table: table.assign(start_s=table["start_s"].iloc[0],
                                                    end_s=table["end_s"].iloc[0])),
        ("pump_overlap", lambda table: table.assign(pump=7)),
        ("tank_empty", lambda table: table.iloc[1:]),
        ("refuelled_while_away", lambda table: table.assign(depot="elsewhere")),
        ("refuelled_while_away", lambda table: table.assign(end_s=table["start_s"] + 60)),
    ],
)  # fmt: skip
def test_a_changed_refuel_is_caught(code, change):
    from dataclasses import replace

    one = [{"id": "d", "stop_id": "depot", "pumps": 1}]
    plan = fleet.plan(problem_of(pairs(3), [{**DIESEL, "refuel_min": 60}], depots=one))
    assert fleet.check(plan.problem, plan) == []
    broken = replace(plan, refuels=change(plan.refuels))
    assert code in {one.code for one in fleet.check(plan.problem, broken)}


def test_a_plan_of_a_mixed_fleet_is_written_and_read_back(tmp_path):
    problem = problem_of(
        pairs(3), [{**DIESEL, "count": 2}, {**ELECTRIC, "vehicle_day_minor": 20_000}]
    )
    plan = fleet.plan(problem)
    plan.write(tmp_path / "plan")
    again = fleet.read_plan(tmp_path / "plan", problem)
    pd.testing.assert_frame_equal(again.blocks, plan.blocks, check_dtype=False)
    pd.testing.assert_frame_equal(again.refuels, plan.refuels, check_dtype=False)
    assert fleet.check(problem, again) == []


@settings(max_examples=20)
@given(
    st.lists(st.tuples(st.integers(300, 1_000), st.integers(10, 90)), min_size=1, max_size=6),
    st.sampled_from([30.0, 60.0, 500.0]),
    st.sampled_from([None, 1]),
    st.sampled_from([None, 1, 3]),
)
def test_any_mixed_day_is_driven_as_its_types_allow(spans, range_km, count, pumps):
    rows = [(f"t{at}", "r", start * 60, (start + length) * 60, *(("a", "b") if at % 2 else ("b", "c")))
            for at, (start, length) in enumerate(spans)]  # fmt: skip
    problem = problem_of(
        trips_of(*rows), [{**DIESEL, "range_km": range_km, "count": count}, ELECTRIC],
        depots=[{"id": "d", "stop_id": "depot", "charger_kw": 100.0, "pumps": pumps}],
    )  # fmt: skip
    plan = fleet.plan(problem)
    if plan.report.objective is None:
        assert plan.why
        return
    assert fleet.check(problem, plan) == []
    assert plan.report.bound <= plan.report.objective
    assert refuel(problem, plan.blocks)[1] == ""
