"""Blocks: several plug-ins, setup, which day follows which, terminals, several demand charges, proofs."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import VEHICLE, days, deadheads

from mobility import fleet
from mobility.errors import ConfigError, TableError
from mobility.fleet.charge_proof import too_few_for_blocks
from mobility.fleet.charging import sites_of, stays_of
from mobility.fleet.next_day import next_day_of
from mobility.solution import Status
from mobility.stop import Work

TARIFF = {"energy": [("00:00", 50.0), ("07:00", 95.0), ("18:00", 160.0)], "slot_s": 900}


def electricity(plan):
    return plan.report.parts["energy"] + plan.report.parts["demand"]


def problem_of(day, depot, *, vehicles=VEHICLE, chargers=(), demand=()):
    return fleet.Problem.from_tables(
        day[0], deadheads=day[1], vehicles=vehicles,
        depots=[{"id": "d", "stop_id": "depot", "charger_kw": 60.0, **depot}],
        chargers=list(chargers), tariff={**TARIFF, "demand": list(demand)},
    )  # fmt: skip


DEPOTS = st.fixed_dictionaries({
    "chargers": st.sampled_from([1, 2, 3]), "plug_ins": st.sampled_from([1, 2]),
    "buffer_s": st.sampled_from([0, 900]), "setup_s": st.sampled_from([0, 700]),
})  # fmt: skip
CHARGES = [{"price": 3000.0}, {"price": 2000.0, "hours": [("18:00", "22:00")], "interval_s": 1800}]


@settings(max_examples=20)
@given(days(), DEPOTS, st.booleans(), st.integers(0, 2), st.booleans())
def test_made_up_days(day, depot, curved, charges, terminal):
    bus = {**VEHICLE, "curve": [[0.0, 100.0], [0.7, 100.0], [1.0, 20.0]]} if curved else VEHICLE
    stop = str(day[0]["from_stop"].iloc[0])
    chargers = [{"stop_id": stop, "kw": 120.0, "min_s": 900, "buffer_s": 900}] if terminal else []
    problem = problem_of(day, depot, vehicles=bus, chargers=chargers, demand=CHARGES[:charges])
    plan = fleet.plan(problem)
    if plan.report.objective is None:
        return
    answer = fleet.charge(plan, stop=Work(3))
    assert fleet.check(problem, answer) == []
    assert electricity(answer) <= electricity(plan) + 1
    if "electricity" in answer.bounds:
        assert answer.bounds["electricity"] <= electricity(answer) + 1


@settings(max_examples=20)
@given(days(most=8), st.integers(1, 2), st.sampled_from([None, 60.0]))
def test_no_proof_rules_out_a_plan_that_there_is(day, chargers, site_kw):
    problem = problem_of(day, {"chargers": chargers, "site_kw": site_kw})
    plan = fleet.plan(problem)
    if plan.report.objective is None:
        return
    sites = sites_of(problem, plan.blocks)
    assert too_few_for_blocks(problem, stays_of(problem, plan.blocks, sites), sites) == ""


@pytest.mark.parametrize("changes", [{"chargers": 1}, {"site_kw": 60.0}])
def test_too_few_chargers_are_proven(changes):
    trips = [(f"t{at}", 21_600, 72_000, "a", "a", 30.0) for at in range(4)]
    day = made(trips)
    plan = fleet.plan(problem_of(day, {"charger_kw": 12.0}))
    # Four buses use 50 kWh each and are at home for about ten hours: 12 kW charge two of them.
    problem = plan.problem.replace(depots=tuple(
        dataclasses.replace(one, **changes, charger_kw=12.0 if "chargers" in changes else 60.0)
        for one in plan.problem.depots
    ))  # fmt: skip
    if "site_kw" in changes:
        problem = problem.replace(**{"depots.site_kw": 15.0})
    answer = fleet.charge(dataclasses.replace(plan, problem=problem))
    assert answer.report.status == Status.INFEASIBLE
    assert "d: " in answer.why
    assert "more of charging" in answer.why


def made(trips):
    columns = ["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"]
    return pd.DataFrame(trips, columns=columns), deadheads(300, 1.0), 0


# --- several demand charges at once, and terminals ------------------------------------------


@settings(max_examples=15)
@given(days(most=8), st.sampled_from([0.0, 400.0]))
def test_with_a_charger_a_bus_two_charges_are_met_exactly(day, base_kw):
    """Where chargers do not bind, the cheapest power for the plug-ins found is the bound itself."""
    problem = problem_of(day, {"base_kw": [("00:00", base_kw), ("06:00", 0.0)]}, demand=CHARGES)
    plan = fleet.plan(problem)
    if plan.report.objective is None:
        return
    answer = fleet.charge(plan, stop=Work(5))
    if "electricity" not in answer.bounds:  # conventional buses alone
        return
    assert fleet.check(problem, answer) == []
    assert electricity(answer) <= answer.bounds["electricity"] * (1 + 1e-6) + 2


def test_terminals_are_placed_anew():
    """Bus after bus the terminal's dear hour is used; the program leaves it to the cheap one."""
    trips = []
    for bus in range(3):
        for at, start in enumerate((21_600, 43_200, 64_800)):
            trips.append(
                (f"b{bus}t{at}", start + 60 * bus, start + 60 * bus + 14_400, "a", "a", 12.0)
            )
    problem = fleet.Problem.from_tables(
        made(trips)[0], deadheads=deadheads(4000, 8.0), vehicles={**VEHICLE, "battery_kwh": 64.0},
        depots=[{"id": "d", "stop_id": "depot", "charger_kw": 60.0}],
        chargers=[{"stop_id": "a", "count": 1, "kw": 60.0}],
        tariff={"energy": [("00:00", 90.0), ("12:00", 10.0), ("17:00", 90.0)], "slot_s": 900,
                "demand": CHARGES},
    )  # fmt: skip
    plan = fleet.plan(problem)
    assert (plan.sessions["site"] == "terminal:a").any()
    answer = fleet.charge(plan)
    assert fleet.check(problem, answer) == []
    assert answer.bounds["electricity"] <= electricity(answer) + 1
    assert electricity(answer) <= 1.05 * answer.bounds["electricity"]


# --- which day follows which ----------------------------------------------------------------

EARLY, LATE = (21_600, 61_200), (57_600, 82_800)


def two_days():
    """One bus out from 06:00 to 17:00, one from 16:00 to 23:00."""
    trips = [("early", *EARLY, "a", "a", 30.0), ("late", *LATE, "b", "b", 34.0)]
    problem = problem_of(made(trips), {"chargers": 2}, demand=[{"price": 9000.0}])
    plan = fleet.plan(problem)
    return problem, plan, plan.blocks.drop_duplicates("vehicle")["vehicle"].tolist()


def test_the_night_ends_with_the_pull_out_of_the_next_day():
    problem, plan, (one, other) = two_days()
    turned = problem.replace(next_day=((one, other), (other, one)))
    alone = fleet.charge(dataclasses.replace(plan, problem=problem))
    both = fleet.charge(dataclasses.replace(plan, problem=turned))
    assert fleet.check(problem, alone) == []
    assert fleet.check(turned, both) == []
    # The late bus drives the early block tomorrow: it must be full by 06:00.
    late = both.sessions[both.sessions["vehicle"] == other]
    assert late["end_s"].max() <= 21_600 + 86_400
    # What was charged for its own next day is too late now, or comes before it is back.
    assert {one.code for one in fleet.check(turned, alone)} & {
        "charging_while_driving",
        "soc_not_restored",
    }
    # A dropped session is missed.
    kept = both.sessions.iloc[1:].reset_index(drop=True)
    found = {one.code for one in fleet.check(turned, dataclasses.replace(both, sessions=kept))}
    assert "soc_not_restored" in found
    told = fleet.simulate(turned, both, fleet.Scenarios(count=4), seed=1)
    assert len(told.blocks) == 2


def test_what_cannot_follow_is_refused():
    problem, plan, (one, other) = two_days()
    for pairs, told in (
        (((one, "nobody"),), "no vehicle 'nobody'"), (((one, other),), "both followed"),
    ):  # fmt: skip
        asked = dataclasses.replace(plan, problem=problem.replace(next_day=pairs))
        with pytest.raises(ConfigError, match=told):
            fleet.charge(asked)
    # Back at 23:20, out for the next day before that: the checker says so.
    swapped = plan.blocks.assign(start_s=plan.blocks["start_s"] + 72_000 * (plan.blocks["vehicle"] == other),
                                 end_s=plan.blocks["end_s"] + 72_000 * (plan.blocks["vehicle"] == other))  # fmt: skip
    turned = problem.replace(next_day=((one, other), (other, one)))
    found = fleet.check(turned, dataclasses.replace(plan, blocks=swapped))
    assert "next_day_impossible" in {one.code for one in found}


def test_a_case_says_which_day_follows(tmp_path):
    path = tmp_path / "next_day.csv"
    path.write_text("vehicle,next_vehicle\nb,a\na,b\n", "utf-8")
    assert next_day_of("next_day.csv", tmp_path) == (("a", "b"), ("b", "a"))
    assert next_day_of({"b": "a"}, tmp_path) == (("b", "a"),)
    path.write_text("vehicle,next_vehicle\na,b\na,c\n", "utf-8")
    with pytest.raises(TableError, match=r"next_day\.csv:3:vehicle: 'a' occurs twice"):
        next_day_of("next_day.csv", tmp_path)
    path.write_text("vehicle,next\na,b\n", "utf-8")
    with pytest.raises(TableError, match="no column 'next_vehicle'"):
        next_day_of("next_day.csv", tmp_path)
    with pytest.raises(TableError, match="nothing"):
        next_day_of("nothing.csv", tmp_path)


@given(days(most=8), st.integers(0, 2**16))
@settings(max_examples=15)
def test_any_order_of_days_is_checked(day, seed):
    problem = problem_of(day, {"chargers": 3})
    plan = fleet.plan(problem)
    if plan.report.objective is None:
        return
    names = plan.blocks.loc[plan.blocks["electric"], "vehicle"].unique().tolist()
    order = np.random.default_rng(seed).permutation(names).tolist()
    turned = problem.replace(next_day=tuple(zip(names, order, strict=True)))
    answer = fleet.charge(dataclasses.replace(plan, problem=turned), stop=Work(2))
    if answer.report.objective is None:
        assert answer.why
        return
    assert fleet.check(turned, answer) == []
    if "electricity" in answer.bounds:
        assert answer.bounds["electricity"] <= electricity(answer) + 1
