"""Charging given blocks: never dearer than before, above its bound, and mutated plans are found out."""

import dataclasses
import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import VEHICLE, days

from mobility import fleet, samples
from mobility.errors import ConfigError
from mobility.feed import read_feed
from mobility.fleet import Demand
from mobility.fleet.chain import quick_plan
from mobility.fleet.charging import charge_blocks
from mobility.fleet.energy import demand_day_price
from mobility.fleet.tariff import base_kw, demand_minor, room_kw
from mobility.stop import Work

ENERGY = ((0, 50.0), (25_200, 95.0), (64_800, 160.0), (82_800, 50.0))
MONTHLY = Demand(9_000.0)
EVENING = Demand(5_000.0, hours=((64_800, 79_200),))


def electricity(plan):
    return plan.report.parts["energy"] + plan.report.parts["demand"]


@pytest.fixture(scope="module")
def changsha():
    day = read_feed(samples.path("changsha"), cache=False).day()
    return fleet.problem(day).replace(**{"tariff.energy": ENERGY, "tariff.demand": (MONTHLY,)})


@pytest.fixture(scope="module")
def charged(changsha):
    return fleet.charge(fleet.plan(changsha))


@pytest.mark.parametrize("demand", [(), (MONTHLY,), (MONTHLY, EVENING), (Demand(40.0, "day"),)])
def test_charging_is_never_dearer_and_above_its_bound(changsha, demand):
    problem = changsha.replace(**{"tariff.demand": demand})
    plan = fleet.plan(problem)
    answer = fleet.charge(plan)
    assert fleet.check(problem, answer) == []
    assert electricity(answer) <= electricity(plan) + 1
    assert answer.bounds["electricity"] <= electricity(answer) + 1
    assert answer.report.gap < 0.01
    assert answer.report.bound_scope == "these blocks, any charging of them"


def test_a_demand_charge_is_saved(changsha):
    one_by_one = quick_plan(changsha)
    assert electricity(fleet.charge(one_by_one)) < 0.99 * electricity(one_by_one)
    # A plan ends with the real charging, and has the same blocks.
    assert electricity(fleet.plan(changsha)) < 0.99 * electricity(one_by_one)


@settings(max_examples=25)
@given(days(), st.sampled_from([None, 1, 2]), st.sampled_from([0.0, 3_000.0]), st.booleans())
def test_made_up_days(day, chargers, price, curved):
    bus = {**VEHICLE, "curve": [[0.0, 100.0], [0.7, 100.0], [1.0, 20.0]]} if curved else VEHICLE
    depot = {"id": "d", "stop_id": "depot", "charger_kw": 60.0}
    problem = fleet.Problem.from_tables(
        day[0], deadheads=day[1], vehicles=bus,
        depots=[depot if chargers is None else {**depot, "chargers": chargers}],
        tariff={"energy": [("00:00", 50.0), ("07:00", 95.0), ("18:00", 160.0)], "slot_s": 900,
                "demand": [{"price": price}]},
    )  # fmt: skip
    plan = fleet.plan(problem)
    if plan.report.objective is None:
        return
    answer = fleet.charge(plan, stop=Work(5))
    assert fleet.check(problem, answer) == []
    assert electricity(answer) <= electricity(plan) + 1
    if "electricity" in answer.bounds:
        assert answer.bounds["electricity"] <= electricity(answer) + 1


def test_the_same_seed_repeats_exactly(changsha):
    plan = fleet.plan(changsha)
    one, two = (fleet.charge(plan, seed=5, stop=Work(3)) for _ in range(2))
    assert one.sessions.equals(two.sessions)
    assert one.report.objective == two.report.objective


# --- what a connection carries, and what a peak costs ---------------------------------------


def with_depot(problem, **changes):
    depots = tuple(dataclasses.replace(one, **changes) for one in problem.depots)
    return problem.replace(depots=depots)


def load_of(plan, depot):
    own = plan.power[plan.power["site"] == depot.id]
    load = np.zeros(86_400 // plan.problem.tariff.slot_s)
    load[own["start_s"].to_numpy() // plan.problem.tariff.slot_s] = own["kw"]
    return load


def test_a_limit_by_time_is_kept(changsha):
    problem = with_depot(changsha, site_kw_by_time=((0, 2_000.0), (64_800, 0.0), (79_200, 1_500.0)))
    plan = fleet.charge(fleet.plan(problem))
    assert fleet.check(problem, plan) == []
    for depot in problem.depots:
        load = load_of(plan, depot)
        assert load[64_800 // 300 : 79_200 // 300].max() == 0
        assert load.max() <= 2_000 + 1e-6
    # A plan made without the limit does not pass.
    free = fleet.charge(fleet.plan(changsha))
    tight = with_depot(changsha, site_kw_by_time=((0, 10.0),))
    assert "site_cap_exceeded" in {one.code for one in fleet.check(tight, free)}


def test_buildings_count_in_limits_and_peaks(changsha):
    base = ((0, 20.0), (28_800, 300.0), (72_000, 20.0))
    problem = with_depot(changsha, base_kw=base, site_kw=900.0)
    plan = fleet.charge(fleet.plan(problem))
    assert fleet.check(problem, plan) == []
    share = demand_day_price(problem, MONTHLY)
    wanted = 0.0
    for depot in problem.depots:
        whole = load_of(plan, depot) + base_kw(depot, 300)
        assert whole.max() <= 900 + 1e-6
        wanted += share * whole.reshape(-1, 3).mean(axis=1).max()
    assert plan.report.parts["demand"] == pytest.approx(wanted, abs=1.0)
    assert plan.bounds["electricity"] <= electricity(plan) + 1
    silent = dataclasses.replace(plan, problem=changsha)
    assert "cost_does_not_add_up" in {one.code for one in fleet.check(changsha, silent)}


def test_only_what_lies_above_the_peak_already_paid_costs(changsha):
    paid = changsha.replace(
        **{"tariff.demand": (dataclasses.replace(MONTHLY, so_far_kw=10_000.0),)}
    )
    plan = fleet.charge(fleet.plan(paid))
    assert fleet.check(paid, plan) == []
    assert plan.report.parts["demand"] == 0
    half = changsha.replace(**{"tariff.demand": (dataclasses.replace(MONTHLY, so_far_kw=100.0),)})
    plan = fleet.charge(fleet.plan(half))
    assert fleet.check(half, plan) == []
    assert plan.bounds["electricity"] <= electricity(plan) + 1
    load = np.array([load_of(plan, one) for one in half.depots])
    above = [max(0.0, one.reshape(-1, 3).mean(axis=1).max() - 100.0) for one in load]
    wanted = sum(above) * demand_day_price(half, MONTHLY)
    assert demand_minor(half, load) == pytest.approx(wanted)
    assert plan.report.parts["demand"] == pytest.approx(wanted, abs=1.0)


@pytest.mark.parametrize(
    ("charge", "date", "wanted"),
    [
        (Demand(900.0, billed_days=30), dt.date(2025, 2, 3), 30.0),
        (Demand(900.0, billed_days=30), None, 30.0),
        (Demand(900.0, "day", days=(5, 6)), dt.date(2025, 2, 3), 0.0),
        (Demand(900.0, "day", days=(0,)), dt.date(2025, 2, 3), 900.0),
    ],
)
def test_days_that_bill_a_peak(changsha, charge, date, wanted):
    problem = changsha.replace(date=date, **{"tariff.demand": (charge,)})
    assert demand_day_price(problem, charge) == pytest.approx(wanted)
    plan = fleet.plan(problem)
    assert fleet.check(problem, plan) == []


def test_a_case_says_all_of_it():
    problem = fleet.Problem.from_tables(
        pd.DataFrame([("t1", 30_000, 33_000, "a", "b", 5.0)],
                     columns=["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"]),
        deadheads=pd.DataFrame([(one, other, 600, 4.0) for one in ("d", "a", "b") for other in ("d", "a", "b") if one != other],
                               columns=["from_stop", "to_stop", "time_s", "distance_km"]),
        depots=[{"id": "d", "stop_id": "d", "site_kw_by_time": [("18:00", 50.0), ("22:00", 200.0)],
                 "base_kw": [("06:00", 40.0), ("20:00", 10.0)]}],
        chargers=[{"stop_id": "a", "base_kw": [("00:00", 5.0)]}],
        tariff={"demand": [{"price": 3_000.0, "days": ["mon", "fri"], "billed_days": 28, "so_far_kw": 70.0}]},
    )  # fmt: skip
    (depot,), (terminal,), (demand,) = problem.depots, problem.chargers, problem.tariff.demand
    assert depot.site_kw_by_time == ((64_800, 50.0), (79_200, 200.0))
    assert terminal.base_kw == ((0, 5.0),)
    assert (demand.days, demand.billed_days, demand.so_far_kw) == ((0, 4), 28, 70.0)
    room = room_kw(depot, 3_600)
    assert room[:6].tolist() == [190.0] * 6
    assert room[6:18].tolist() == [160.0] * 12
    assert room[18:22].tolist() == [10.0, 10.0, 40.0, 40.0]
    assert room_kw(terminal, 3_600).max() == np.inf


def test_times_of_limits_must_ascend():
    with pytest.raises(ConfigError, match="times must ascend"):
        fleet.Depot("d", "d", site_kw_by_time=((7_200, 5.0), (0, 5.0)))
    with pytest.raises(ConfigError, match="days run from 0"):
        Demand(1.0, days=(7,))


# --- plans with one thing wrong -------------------------------------------------------------


def codes(plan, change):
    rows = plan.sessions.to_dict("records")
    change(rows)
    sessions = pd.DataFrame(rows, columns=list(plan.sessions.columns))
    return {
        one.code for one in fleet.check(plan.problem, dataclasses.replace(plan, sessions=sessions))
    }


def test_a_shifted_session_is_caught(charged):
    def shift(rows):
        rows[3]["start_s"] -= 12 * 3600
        rows[3]["end_s"] -= 12 * 3600

    assert "charging_while_driving" in codes(charged, shift)


def test_a_session_shifted_by_a_slot_is_caught(charged):
    def shift(rows):
        for row in rows[:1]:
            row["start_s"] += 300
            row["end_s"] += 300

    assert codes(charged, shift)  # outside its stay, or the site's power is no longer what was told


def test_an_overlap_is_caught(charged):
    def overlap(rows):
        for row in rows:
            row["charger"] = 0

    assert "charger_overlap" in codes(charged, overlap)


def test_too_much_power_is_caught(charged):
    def more(rows):
        row = rows[2]
        row["kw"] = tuple(one + 400.0 for one in row["kw"])
        row["kwh"] = sum(row["kw"]) * 300 / 3600

    assert {"power_above_charger", "soc_above_window"} <= codes(charged, more)


def test_a_dropped_session_is_caught(charged):
    assert "soc_not_restored" in codes(charged, lambda rows: rows.pop(2))


# --- all sites together ---------------------------------------------------------------------


def test_all_sites_together_keep_a_limit():
    case = samples.case("santiago", "fleet.toml")
    day = read_feed(samples.path("santiago"), cache=False).day()
    problem = fleet.problem(day, case=case)
    homes = (*problem.depots, *problem.chargers)
    assert len(homes) > 1, "one site alone would prove nothing"
    free = fleet.charge(fleet.plan(problem))
    together = sum(load_of(free, one) for one in homes)
    limit = 0.9 * float(together.max())
    tight = problem.replace(**{"tariff.system_kw": limit})
    assert "site_cap_exceeded" in {one.code for one in fleet.check(tight, free)}
    plan = fleet.charge(fleet.plan(tight))
    assert plan.report.objective is not None, plan.why
    assert fleet.check(tight, plan) == []
    assert sum(load_of(plan, one) for one in homes).max() <= limit + 1e-4
    assert plan.bounds["electricity"] >= free.bounds["electricity"] - 1
    assert plan.bounds["electricity"] <= electricity(plan) + 1


def test_a_limit_that_is_too_low_is_told(changsha):
    plan = fleet.plan(changsha.replace(**{"tariff.system_kw": 10.0}))
    assert plan.report.objective is None
    assert "all sites together may draw 10 kW" in plan.why


def test_chargers_too_few_for_bus_after_bus_may_do_when_planned_together(changsha):
    free = fleet.plan(changsha)
    problem = with_depot(changsha, chargers=5)
    blocks = dataclasses.replace(free, problem=problem)
    assert charge_blocks(problem, free.blocks).unserved
    answer = fleet.charge(blocks)
    assert answer.report.objective is not None, answer.why
    assert fleet.check(problem, answer) == []
    none = fleet.charge(dataclasses.replace(free, problem=with_depot(changsha, chargers=1)))
    assert none.report.objective is None
    assert none.report.status == "infeasible"
    assert "hours more of charging" in none.why
    assert "than its 1 chargers have" in none.why
