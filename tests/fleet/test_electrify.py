"""Electric vehicle scheduling: its bound and its plans enclose the optimum, its kernels match their twins."""

from unittest import mock

import naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.devos import devos_size
from mobility import fleet
from mobility.fleet import _charge_kernels, _master_kernels, engine, interior
from mobility.fleet.activities import write_out
from mobility.fleet.charging import charge_blocks
from mobility.fleet.duty import Duty
from mobility.fleet.evsp import slot_gain
from mobility.fleet.evsp_day import day_of
from mobility.fleet.pricing import Pricing
from mobility.fleet.rules import Terminal
from mobility.fleet.trips import tidy_trips
from mobility.solution import StopReason
from mobility.stop import Gap, Work

PLACES = ("depot", "a", "b", "c")
VEHICLE = {"id": "bus", "battery_kwh": 60.0, "kwh_km": 1.3, "max_kw": 200.0}
CHARGER = {"stop_id": "a", "count": 4, "kw": 200.0}


@st.composite
def days(draw, least=1, most=4):
    trips = []
    for at in range(draw(st.integers(least, most))):
        start = draw(st.integers(300, 1_000)) * 60
        ends = draw(st.permutations(PLACES[1:]))
        trips.append({
            "trip_id": f"t{at}", "depart_s": start, "arrive_s": start + draw(st.integers(10, 60)) * 60,
            "from_stop": ends[0], "to_stop": ends[1], "distance_km": draw(st.integers(4, 24)),
        })  # fmt: skip
    spots = {name: draw(st.integers(0, 8)) for name in PLACES}
    deadheads = [
        {"from_stop": one, "to_stop": other, "time_s": 150 * abs(spots[one] - spots[other]) + 120,
         "distance_km": 1.5 * abs(spots[one] - spots[other]) + 0.5}
        for one in PLACES for other in PLACES if one != other
    ]  # fmt: skip
    return pd.DataFrame(trips), pd.DataFrame(deadheads)


def problem_of(day, **changes):
    trips, deadheads = day
    asked = {
        "depots": [{"id": "d", "stop_id": "depot", "charger_kw": 100.0}],
        "vehicles": [VEHICLE],
        "chargers": [CHARGER],
        "tariff": {"energy": [["00:00", 10.0], ["08:00", 40.0], ["20:00", 15.0]], "slot_s": 900},
        "costs": {"vehicle_day_minor": 9_000, "deadhead_km_minor": 70, "waiting_h_minor": 900},
        "rules": {"min_layover_s": 300},
        **changes,
    }
    return fleet.Problem.from_tables(trips, deadheads=deadheads, **asked)


@settings(max_examples=12, deadline=None)
@given(days(most=3), st.sampled_from([30.0, 45.0, 80.0]), st.booleans())
def test_bound_and_plan_enclose_the_optimum(day, battery_kwh, charger):
    problem = problem_of(
        day,
        vehicles=[{**VEHICLE, "battery_kwh": battery_kwh}],
        chargers=[CHARGER] if charger else [],
    )
    plan = fleet.electrify(problem, stop=Work(30))
    optimum = naive.electric_optimum(problem)
    for bounded in (plan, fleet.plan(problem)):
        assert bounded.report.bound is None or bounded.report.bound <= optimum + 1e-6
        assert bounded.vehicles_bound <= len(problem.trips)
    assume(not plan.not_electric and plan.report.objective is not None)
    assert fleet.check(problem, plan) == []
    assert optimum <= plan.report.objective + 1e-6
    assert plan.vehicles_bound <= plan.vehicles


KINDS = [
    {**VEHICLE, "id": "small", "battery_kwh": 35.0, "vehicle_day_minor": 7_000},
    {**VEHICLE, "id": "large", "battery_kwh": 90.0, "kwh_km": 1.5, "vehicle_day_minor": 9_500},
    {"id": "diesel", "energy": "diesel", "range_km": 60.0, "fuel_km": 0.4, "refuel_min": 10,
     "vehicle_day_minor": 8_000},
]  # fmt: skip
TARIFF = {"energy": [["00:00", 10.0], ["08:00", 40.0], ["20:00", 15.0]], "slot_s": 900,
          "diesel_l_minor": 120.0}  # fmt: skip
RULES = [
    {"min_layover_s": 300},
    {"min_layover_s": 0, "layover": [{"routes": ["x"], "seconds": 900, "share": 0.2}]},
    {"min_layover_s": 300, "route": [{"routes": ["x"], "allowed_types": ["large"]}]},
    {"min_layover_s": 300, "route": [{"routes": ["x"], "allowed_depots": ["e"]}]},
]


@settings(max_examples=15, deadline=None)
@given(
    days(most=3), st.sampled_from([KINDS[:2], KINDS[1:], KINDS]), st.sampled_from(RULES),
    st.sampled_from([None, 1]), st.lists(st.sampled_from(["x", "y"]), min_size=3, max_size=3),
)  # fmt: skip
def test_bound_and_plan_of_a_mixed_fleet_enclose_the_optimum(day, kinds, rules, count, routes):
    trips, deadheads = day
    trips = trips.assign(route_id=routes[: len(trips)])
    kinds = [{**kinds[0], "count": count}, *kinds[1:]]
    depots = [
        {"id": "d", "stop_id": "depot", "charger_kw": 100.0},
        {"id": "e", "stop_id": "c", "charger_kw": 100.0, "capacity": 2},
    ]
    problem = problem_of(
        (trips, deadheads), vehicles=kinds, rules=rules, tariff=TARIFF, depots=depots
    )
    plan = fleet.electrify(problem, stop=Work(30))
    optimum = naive.electric_optimum(problem)
    if plan.report.bound is not None:
        assert plan.report.bound <= optimum + 1.0
    assume(not plan.not_electric and plan.report.objective is not None)
    assert fleet.check(problem, plan) == []
    assert optimum <= plan.report.objective + 1.0
    assert plan.vehicles_bound <= plan.vehicles
    quick = fleet.plan(problem).report.objective
    assert quick is None or plan.report.objective <= quick


@pytest.mark.parametrize(
    "rules",
    [
        {"max_block_s": 4 * 3_600},
        {"relief_max_s": 3 * 3_600, "relief_stops": ("T00", "T01")},
        {"terminals": (Terminal(("T00", "T01", "T02"), max_wait_s=1_200, parking=1),)},
        {"interline": (("x",), ("y",))},
    ],
)
def test_the_search_keeps_every_rule_of_a_planner(rules):
    problem = devos_size(3, trips=60)
    trips = problem.trips.assign(route_id=["x", "y"] * 30)
    asked = problem.replace(trips=trips).replace(
        **{f"rules.{name}": value for name, value in rules.items()}
    )
    quick, plan = fleet.plan(asked), fleet.electrify(asked, stop=Work(60))
    assert fleet.check(asked, plan) == []
    assert plan.report.bound <= plan.report.objective <= quick.report.objective
    assert not any("quick chain" in one for one in plan.assumptions)


def test_no_bound_counts_on_a_conventional_bus_that_company_would_spare():
    trips = pd.DataFrame([
        {"trip_id": "out", "depart_s": 29_340, "arrive_s": 32_820, "from_stop": "a", "to_stop": "c",
         "distance_km": 5},
        {"trip_id": "back", "depart_s": 35_400, "arrive_s": 36_180, "from_stop": "c", "to_stop": "a",
         "distance_km": 11},
    ])  # fmt: skip
    spots = {"depot": 1, "a": 0, "b": 3, "c": 8}
    runs = pd.DataFrame([
        {"from_stop": one, "to_stop": other, "time_s": 150 * abs(spots[one] - spots[other]) + 120,
         "distance_km": 1.5 * abs(spots[one] - spots[other]) + 0.5}
        for one in PLACES for other in PLACES if one != other
    ])  # fmt: skip
    problem = problem_of((trips, runs), vehicles=[{**VEHICLE, "battery_kwh": 35.0}])
    optimum = naive.electric_optimum(problem)
    assert optimum < np.inf  # out and back on one battery; back alone is too far
    for plan in (fleet.plan(problem), fleet.electrify(problem, stop=Work(30))):
        assert plan.not_electric == ("back",)
        assert fleet.check(problem, plan) == []
        assert plan.report.bound <= optimum
        assert plan.vehicles_bound == 1


@settings(max_examples=8, deadline=None)
@given(days(most=6), st.sampled_from([1, 2]))
def test_laws_of_bigger_batteries_and_busy_chargers(day, count):
    problem = problem_of(day, chargers=[{**CHARGER, "count": count, "min_s": 900, "buffer_s": 300}])
    small = fleet.electrify(problem, stop=Work(20))
    assume(small.report.objective is not None and not small.not_electric)
    assert fleet.check(problem, small) == []
    assert small.report.objective <= fleet.plan(problem).report.objective
    big = fleet.electrify(problem.replace(**{"vehicles.battery_kwh": 400.0}), stop=Work(20))
    assert big.report.bound <= small.report.objective
    assert big.vehicles_bound <= small.vehicles


@settings(max_examples=6, deadline=None)
@given(days(least=3, most=6), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing_and_work_repeats(day, random):
    trips, deadheads = day
    order = list(range(len(trips)))
    random.shuffle(order)
    one = fleet.electrify(problem_of(day), stop=Work(20))
    other = fleet.electrify(problem_of((trips.iloc[order], deadheads)), stop=Work(20))
    pd.testing.assert_frame_equal(one.blocks, other.blocks)
    pd.testing.assert_frame_equal(one.sessions, other.sessions)
    assert one.report.bound == other.report.bound


@settings(max_examples=30, deadline=None)
@given(
    days(most=5), st.booleans(), st.lists(st.integers(0, 20_000), min_size=5, max_size=5),
    st.sampled_from([(), ((0.0, 120.0), (0.5, 120.0), (1.0, 30.0))]),
)  # fmt: skip
def test_kernel_labels_find_the_best_day_through_every_trip(day, free, prices, curve):
    problem = problem_of(day, vehicles=[{**VEHICLE, "curve": curve}])
    with mock.patch("mobility.fleet.evsp_day.LEVELS", 12):
        own = day_of(problem, np.arange(len(problem.trips), dtype=np.int32), 0, 0)
    grid = own.free if free else own.safe
    pricing = Pricing(own, grid)
    u, plug = np.array(prices[: own.trips], float), {(1, 40): 500.0, (0, 50): 90.0}
    least = pricing.price(u, plug, 0.0)
    table = np.zeros((2, own.slots))
    for (site, slot), price in plug.items():
        table[site, (own.first_slot + np.arange(own.slots)) % 96 == slot] = price
    slow = naive.labels(
        own.start_slot, (own.node - u).tolist(),
        list(zip(grid.out.tolist(), own.out_cost.tolist(), strict=True)),
        list(zip(grid.home.tolist(), own.in_cost.tolist(), strict=True)),
        {(a, b): (level, cost) for a, b, level, cost in zip(
            own.tail.tolist(), own.head.tolist(), grid.arc.tolist(), own.arc_cost.tolist(), strict=True)},
        [tuple({trip: (int(slots[site, trip]), int(levels[site, trip]), float(costs[site, trip]))
                for trip in range(own.trips) if slots[site, trip] >= 0}
               for slots, levels, costs in (
                   (own.in_slot, grid.site_in, own.site_in_cost),
                   (own.out_slot, grid.site_out, own.site_out_cost)))
         for site in range(2)],
        own.stand.tolist(), grid.most.tolist(), (own.dear * own.step_kwh).tolist(), table.tolist(),
        grid.start, grid.top,
    )  # fmt: skip
    for trip in range(own.trips):
        assert least[trip] == pytest.approx(slow[trip], abs=1e-6) or (
            slow[trip] > 1e9 < least[trip]
        )
    for trip in np.flatnonzero(least < 1e9).tolist():
        column = pricing.trace(trip, float(least[trip]))
        assert column is not None
        assert trip in column.trips


@given(
    st.lists(st.lists(st.integers(0, 4), max_size=4, unique=True), max_size=6),
    st.lists(st.integers(1, 9).map(float), min_size=6, max_size=6),
)
def test_kernel_sums_of_columns(columns, weight):
    first = np.concatenate([[0], np.cumsum([len(one) for one in columns])]).astype(np.int64)
    row = np.array([one for column in columns for one in column], np.int32)
    scale = np.array(weight[: len(columns)])
    matrix = np.empty((5, 5))
    _master_kernels.normal_matrix(first, row, scale, matrix)
    slow = naive.sums_of_columns(columns, 5, scale.tolist())
    assert matrix.tolist() == slow
    total, worth = np.empty(5), np.empty(len(columns))
    _master_kernels.times(first, row, scale, total)
    _master_kernels.priced(first, row, np.arange(5.0), worth)
    assert total.tolist() == np.diag(slow).tolist()
    assert worth.tolist() == [float(sum(one)) for one in columns]


@given(st.floats(0.0, 60.0), st.floats(1.0, 200.0))
def test_kernel_power_of_a_slot_stays_within_the_curve(held, most):
    socs, kws = np.array([0.0, 30.0, 60.0]), np.array([150.0, 100.0, 20.0])
    kw = _charge_kernels.slot_power(held, most, 0.25, socs, kws)
    allowed = min(np.interp(held, socs, kws), np.interp(held + kw * 0.25, socs, kws))
    assert kw <= min(most, allowed) + 1e-9
    more = kw + 1e-3
    assert more > most or more > min(
        np.interp(held, socs, kws), np.interp(held + more * 0.25, socs, kws)
    )


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9)), min_size=3, max_size=8))
def test_the_interior_point_agrees_with_a_simplex(pairs):
    from scipy.optimize import linprog

    rows = [sorted({one, (one + cost) % 3}) for one, cost in pairs]
    first = np.concatenate([[0], np.cumsum([len(one) for one in rows])]).astype(np.int64)
    row = np.array([one for column in rows for one in column], np.int32)
    cost = np.array([float(cost) for _, cost in pairs])
    slack = np.full((3, 2), 20.0)
    found = interior.solve(first, row, cost, slack, np.ones(3), np.zeros(3), 1e-7)
    matrix = np.zeros((3, len(pairs)))
    for at, column in enumerate(rows):
        matrix[column, at] = 1.0
    exact = linprog(
        np.concatenate([cost, np.full(6, 20.0)]), A_eq=np.hstack([matrix, np.eye(3), -np.eye(3)]),
        b_eq=np.ones(3),
    )  # fmt: skip
    assert found.objective == pytest.approx(exact.fun, rel=2e-2)


def test_a_slot_gives_no_more_than_the_curve():
    held = np.linspace(0.0, 60.0, 13)
    curve = ((0.0, 100.0), (0.5, 100.0), (1.0, 10.0))
    safe = slot_gain(held, 80.0, curve, 60.0, 0.25, free=False)
    free = slot_gain(held, 80.0, curve, 60.0, 0.25, free=True)
    assert (safe <= free + 1e-9).all()
    assert (np.diff(held + free) >= -1e-9).all()
    assert safe[0] == pytest.approx(20.0)


def test_a_stand_at_a_charger_is_written_out_and_charged():
    trips = pd.DataFrame([
        {"trip_id": "t0", "depart_s": 36_000, "arrive_s": 39_600, "from_stop": "b", "to_stop": "c",
         "distance_km": 20},
        {"trip_id": "t1", "depart_s": 46_800, "arrive_s": 50_400, "from_stop": "a", "to_stop": "b",
         "distance_km": 20},
    ])  # fmt: skip
    runs = pd.DataFrame([{"from_stop": one, "to_stop": other, "time_s": 600, "distance_km": 2.0}
                         for one in PLACES for other in PLACES if one != other])  # fmt: skip
    curve = ((0.0, 100.0), (0.5, 100.0), (1.0, 20.0))
    problem = problem_of(
        (trips, runs), vehicles=[{**VEHICLE, "curve": curve}],
        chargers=[{**CHARGER, "min_s": 3_600}],
    )  # fmt: skip
    table = write_out(problem, [Duty(0, (0, 1), (1,))], minor_km=70.0, keep=False)
    assert table["kind"].tolist() == ["pull-out", "trip", "deadhead", "wait", "trip", "pull-in"]
    done = charge_blocks(problem, table)
    assert done.unserved == ()
    session = done.sessions[done.sessions["site"] == "terminal:a"].iloc[0]
    assert session["end_s"] - session["start_s"] >= 3_600
    charge = 60.0 * 0.9 - 24.0 * 1.3
    for kw in session["kw"]:
        assert kw <= np.interp(charge / 60.0, *zip(*curve, strict=True)) + 1e-6
        charge += kw * 0.25


def test_a_day_of_the_size_of_de_vos_is_what_it_says():
    problem = devos_size(0)
    assert len(problem.trips) == 816
    free = fleet.plan_blocks(problem)
    used = free.blocks.groupby("vehicle")["distance_km"].sum() * problem.vehicle.kwh_km
    assert (used > problem.vehicle.usable_kwh).mean() > 0.5
    buses = len(used)
    assert problem.depots[0].chargers < buses
    assert devos_size(0).trips.equals(problem.trips)
    assert not devos_size(1).trips.equals(problem.trips)


def test_columns_beat_the_cut_blocks_and_say_what_was_cut():
    problem = devos_size(3, trips=120)
    before = fleet.plan(problem)
    plan = fleet.electrify(problem, stop=Gap(0.001))
    assert fleet.check(problem, plan) == []
    assert plan.report.objective < before.report.objective
    assert plan.report.bound > before.report.bound
    assert plan.report.gap < 0.03
    assert plan.cuts["needed_kwh"].max() > problem.vehicle.usable_kwh
    assert (
        plan.cuts["carried"] == (plan.cuts["needed_kwh"] <= problem.vehicle.usable_kwh + 1e-6)
    ).all()
    told = [one for one in plan.assumptions if "battery-free blocks" in one]
    assert len(told) == (plan.vehicles > len(plan.cuts))


def test_an_interrupt_returns_the_best_so_far(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(engine.Engine, "run", interrupted)
    problem = devos_size(3, trips=60)
    plan = fleet.electrify(problem, stop=Gap(0.0))
    assert plan.report.stop_reason is StopReason.INTERRUPTED
    assert fleet.check(problem, plan) == []


def test_columns_know_the_charging_curve():
    slow = ((0.0, 150.0), (0.7, 150.0), (1.0, 30.0))
    problem = devos_size(3, trips=60).replace(**{"vehicles.curve": slow})
    quick, plan = fleet.plan(problem), fleet.electrify(problem, stop=Gap(0.005))
    assert fleet.check(problem, plan) == []
    assert plan.report.bound <= plan.report.objective <= quick.report.objective
    flat = problem.replace(**{"vehicles.curve": ()})
    assert plan.report.objective >= fleet.electrify(flat, stop=Gap(0.005)).report.bound


def test_what_the_search_does_not_know_is_planned_by_the_quick_chain_and_said():
    problem = devos_size(3, trips=40)
    soft = problem.replace(**{"rules.max_wait_s": 600, "rules.soft": ("wait",)})
    plan = fleet.electrify(soft, stop=Gap(0.0))
    assert any("quick chain" in one for one in plan.assumptions)
    assert {str(one.severity) for one in fleet.check(soft, plan)} <= {"warning"}


def test_the_search_repeats_and_the_order_of_the_rows_changes_nothing():
    problem = devos_size(3, trips=40)
    shuffled = problem.replace(trips=tidy_trips(problem.trips.sample(frac=1, random_state=1)))
    plans = [fleet.electrify(one, stop=Work(3), seed=1) for one in (problem, problem, shuffled)]
    for other in plans[1:]:
        pd.testing.assert_frame_equal(plans[0].blocks, other.blocks)
        assert plans[0].report.bound == other.report.bound
