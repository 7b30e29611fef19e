"""Blocks against all blocks there are: bounds below, plans above, infeasible only where nothing goes."""

import itertools

import naive
import numpy as np
import pandas as pd
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mobility import fleet
from mobility.fleet.schedule import schedule
from mobility.solution import Status

SPOTS = ("a", "b", "c")
# The days are small already: shrinking them would take minutes.
UNSHRUNK = (Phase.explicit, Phase.generate)


@st.composite
def problems(draw, depots=1, bands=False, capacity=False, most=5, wait=True, long=False):
    """A small day; only with ``long`` can a vehicle be out for 24 hours. With ``bands`` the runs of the second band may be slower, shorter or quicker."""
    homes = [f"home{at}" for at in range(depots)]
    places = [*homes, *SPOTS[: draw(st.integers(2, 3))]]
    spots = places[depots:]
    trips = []
    for at in range(draw(st.integers(1, most))):
        start = draw(st.integers(5, 40)) * 1_800
        length = draw(st.sampled_from([600, 1_800, 3_000] + long * [40_000]))
        ends = draw(st.permutations(spots))
        trips.append((f"t{at}", start, start + length, ends[0], ends[1], 8.0))
    runs = []
    cut = 36_000 if bands else 10**6
    for one, other in itertools.permutations(places, 2):
        if draw(st.integers(0, 9)) == 0:
            continue  # no way
        for begin, end in ((0, cut), (cut, 10**6))[: 1 + bands]:
            minutes = draw(st.sampled_from([2, 10, 25, 60]))
            runs.append((one, other, begin, end, 60 * minutes, minutes / 2))
    held = [draw(st.sampled_from([None, 1, 2, 3])) if capacity else None for _ in homes]
    rules = {"min_layover_s": draw(st.sampled_from([0, 300, 900]))}
    if wait:
        rules["max_wait_s"] = draw(st.sampled_from([None, 900, 5_400]))
    return fleet.Problem.from_tables(
        pd.DataFrame(
            trips,
            columns=["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"],
        ),
        deadheads=pd.DataFrame(
            runs, columns=["from_stop", "to_stop", "from_s", "to_s", "time_s", "distance_km"]
        ),
        depots=[
            {"id": home, "stop_id": home, **({} if limit is None else {"capacity": limit})}
            for home, limit in zip(homes, held, strict=True)
        ],
        costs={
            "vehicle_day_minor": draw(st.sampled_from([0, 700, 20_000])),
            "deadhead_km_minor": draw(st.sampled_from([0, 90])),
            "waiting_h_minor": draw(st.sampled_from([0, 300, 3_500])),
        },
        rules=rules,
    )


def held_to_the_naive_answer(problem):
    """What must hold for every problem; returns the plan and {vehicles: least cost}."""
    every = naive.any_blocks(problem)
    plan = fleet.plan_blocks(problem)
    if plan.report.status is Status.INFEASIBLE:
        assert not every
        assert plan.why
        return plan, every
    if plan.report.status is Status.UNKNOWN:
        assert plan.report.objective is None
        assert plan.why
        return plan, every
    assert fleet.check(problem, plan) == []
    rows = np.arange(len(problem.trips), dtype=np.int32)
    raw = schedule(problem, rows, problem.costs.deadhead_km_minor, "optimise", vehicle=0)
    # Not the report's bound: rounding is taken off there.
    assert raw.bound_minor <= plan.report.objective + 1e-6
    assert plan.vehicles_bound <= plan.vehicles
    assert sum(plan.report.parts.values()) == plan.report.objective
    if every:
        assert raw.bound_minor <= min(every.values()) + 1e-6
        assert plan.vehicles_bound <= min(every)
    if plan.report.status is Status.OPTIMAL:
        assert plan.report.objective <= min(every.values()) + 4
    return plan, every


@settings(max_examples=250, phases=UNSHRUNK)
@given(problems(wait=False))
def test_one_depot_is_exact(problem):
    plan, every = held_to_the_naive_answer(problem)
    if not every:
        assert plan.report.status is Status.INFEASIBLE
        return
    least = min(every.values())
    assert plan.report.objective >= least - 1e-6
    # The flow knows no end of a vehicle's day after 24 hours; no day here is as long.
    assert plan.report.objective <= least + 4
    assert plan.vehicles_bound == min(every)
    assert plan.report.status is Status.OPTIMAL


@settings(max_examples=120, phases=UNSHRUNK)
@given(problems(capacity=True, long=True))
def test_one_depot_with_capacity_and_longest_waits(problem):
    held_to_the_naive_answer(problem)


@settings(max_examples=80, phases=UNSHRUNK)
@given(problems(depots=2, capacity=True, long=True))
def test_two_depots_are_bounded_from_below(problem):
    plan, every = held_to_the_naive_answer(problem)
    if plan.report.objective is not None and every:
        assert plan.report.objective >= min(every.values()) - 1e-6


@settings(max_examples=250, phases=UNSHRUNK)
@given(problems(bands=True))
def test_runs_by_time_of_day(problem):
    held_to_the_naive_answer(problem)


@settings(max_examples=25, phases=UNSHRUNK)
@given(problems(wait=False), st.randoms(use_true_random=False))
def test_order_and_names_of_the_rows_change_nothing(problem, random):
    """New names that sort the same: the rows are in another order, the answer is the same."""
    rows = list(range(len(problem.trips)))
    random.shuffle(rows)
    named = problem.trips.assign(trip_id="x" + problem.trips["trip_id"]).iloc[rows]
    from mobility.fleet.trips import tidy_trips

    one, other = (
        fleet.plan_blocks(problem),
        fleet.plan_blocks(problem.replace(trips=tidy_trips(named))),
    )
    assert one.report.objective == other.report.objective
    again = other.blocks.assign(trip_id=other.blocks["trip_id"].str.removeprefix("x"))
    pd.testing.assert_frame_equal(one.blocks, again)


# --- named ---------------------------------------------------------------------------------------

TRIP = ["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"]
RUN = ["from_stop", "to_stop", "time_s", "distance_km"]
EVERY_RUN = [(one, other, 600, 4.0) for one, other in itertools.permutations(("home", *SPOTS), 2)]


def named(trips, runs=EVERY_RUN, **asked):
    asked = {"depots": [{"id": "d", "stop_id": "home"}], **asked}
    table = runs if isinstance(runs, pd.DataFrame) else pd.DataFrame(runs, columns=RUN)
    return fleet.Problem.from_tables(pd.DataFrame(trips, columns=TRIP), deadheads=table, **asked)


def test_one_bus_where_two_trips_fit_and_two_where_not():
    fits = named([("t1", 30_000, 33_000, "a", "b", 5.0), ("t2", 33_300, 36_000, "b", "a", 5.0)])
    assert fleet.plan_blocks(fits).vehicles == 1
    late = fits.replace(**{"rules.min_layover_s": 301})
    assert fleet.plan_blocks(late).vehicles == fleet.plan_blocks(late).vehicles_bound == 2


def test_a_trip_without_a_way_home_is_infeasible_and_named():
    plan = fleet.plan_blocks(
        named([("t1", 30_000, 33_000, "a", "b", 5.0)], [("home", "a", 600, 4.0)])
    )
    assert plan.report.status is Status.INFEASIBLE
    assert "t1" in plan.why


def test_a_day_without_trips_needs_no_bus():
    empty = named([])
    plan = fleet.plan_blocks(empty)
    assert plan.vehicles == 0
    assert plan.report.objective == 0


def test_a_cut_after_24_hours_does_not_overfill_the_depot():
    trips = [("t1", 1_000, 2_000, "a", "a", 1.0), ("t2", 88_000, 90_000, "a", "a", 1.0)]
    problem = named(trips, depots=[{"id": "d", "stop_id": "home", "capacity": 1}])
    assert naive.any_blocks(problem) == {}
    plan = fleet.plan_blocks(problem)
    assert plan.report.objective is None


def test_a_bus_takes_no_trip_before_its_layover_ends():
    """t2 may be followed by t4 only; t0 and t1 leave the same stop within its layover."""
    slow = [("a", "home"), ("b", "home"), ("a", "b")]
    runs = [(one, other, 3_600, 30.0) for one, other in slow]
    runs += [("home", "a", 600, 5.0), ("home", "b", 600, 5.0)]
    trips = [
        ("t2", 59_400, 62_400, "a", "b", 8.0),
        ("t0", 63_000, 66_000, "b", "a", 8.0),
        ("t1", 63_000, 66_000, "b", "a", 8.0),
        ("t3", 63_000, 66_000, "a", "b", 8.0),
        ("t4", 66_600, 68_400, "b", "a", 8.0),
    ]
    costs = {"vehicle_day_minor": 700, "deadhead_km_minor": 0, "waiting_h_minor": 0}
    problem = named(trips, runs, costs=costs, rules={"min_layover_s": 900})
    plan = fleet.plan_blocks(problem)
    assert naive.any_blocks(problem)[4] == 2_800
    assert plan.vehicles == plan.vehicles_bound == 4
    assert plan.report.status is Status.OPTIMAL


def test_a_cut_after_24_hours_where_no_run_leads_home_is_no_crash():
    runs = [("home", "a", 600, 4.0), ("b", "home", 600, 4.0), ("a", "b", 600, 4.0)]
    trips = [("t1", 1_000, 2_000, "a", "a", 1.0), ("t2", 88_000, 90_000, "a", "b", 1.0)]
    problem = named(trips, runs)
    assert naive.any_blocks(problem) == {}
    assert fleet.plan_blocks(problem).report.objective is None


def test_a_run_that_is_quicker_later_does_not_undercut_the_bound():
    """Leaving at once takes an hour, leaving after 10:00 two minutes; the depot is near but dear."""
    runs = [("a", "b", 0, 36_000, 3_600, 1.0), ("a", "b", 36_000, 10**6, 120, 1.0)]
    near = [("a", "home"), ("home", "a"), ("b", "home"), ("home", "b"), ("b", "a")]
    runs += [(one, other, 0, 10**6, 120, 50.0) for one, other in near]
    table = pd.DataFrame(
        runs, columns=["from_stop", "to_stop", "from_s", "to_s", "time_s", "distance_km"]
    )
    problem = named(
        [("t1", 34_000, 35_400, "b", "a", 5.0), ("t2", 37_000, 39_000, "b", "a", 5.0)],
        table, rules={"min_layover_s": 0},
    )  # fmt: skip
    held_to_the_naive_answer(problem)
    fleet.plan(problem)  # raises MobilityError: the bound lies beyond the objective


def test_a_trip_of_no_length_can_be_followed_at_once():
    problem = named(
        [("t1", 30_000, 30_000, "a", "a", 0.0), ("t2", 30_000, 33_000, "a", "b", 5.0)],
        rules={"min_layover_s": 0},
    )  # fmt: skip
    held_to_the_naive_answer(problem)


def test_empty_running_that_costs_nothing_with_a_depot_out_of_reach():
    runs = [("home", "a", 600, 4.0), ("b", "home", 600, 4.0), ("far", "c", 600, 4.0)]
    depots = [{"id": "near", "stop_id": "home"}, {"id": "far", "stop_id": "far"}]
    free = {"vehicle_day_minor": 100, "deadhead_km_minor": 0, "waiting_h_minor": 0}
    for order in (depots, depots[::-1]):
        problem = named([("t1", 30_000, 33_000, "a", "b", 5.0)], runs, depots=order, costs=free)
        assert fleet.plan_blocks(problem).report.objective == 100


def test_given_blocks_that_no_depot_reaches_are_infeasible():
    problem = named([("t1", 30_000, 33_000, "a", "b", 5.0)], [("home", "a", 600, 4.0)])
    assert fleet.plan_blocks(problem, blocks="given").report.status is Status.INFEASIBLE
    assert fleet.plan(problem, blocks="given").report.status is Status.INFEASIBLE
