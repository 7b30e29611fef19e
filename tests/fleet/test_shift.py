"""Headway departures that move: within their limits, never for the worse, never below the bound."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility import fleet
from mobility.errors import ConfigError
from mobility.feed import read_feed
from mobility.fleet.check_shift import check_shift
from mobility.fleet.shift import shift
from mobility.fleet.slack import Slack
from mobility.stop import Seconds, Work

TRIP = ["trip_id", "route_id", "depart_s", "arrive_s", "from_stop", "to_stop", "headway"]
PAIRS = list(itertools.permutations(("home", "a", "b"), 2))
RUNS = pd.DataFrame(
    [(one, other, 600, 4.0) for one, other in PAIRS],
    columns=["from_stop", "to_stop", "time_s", "distance_km"],
)


def asked(*trips, runs=RUNS, rules=None, **more):
    more = {"depots": [{"id": "d", "stop_id": "home"}], **more}
    table = pd.DataFrame(trips, columns=TRIP).assign(direction_id="0")
    costs = {"vehicle_day_minor": 10_000, "deadhead_km_minor": 10, "waiting_h_minor": 100}
    rules = {"min_layover_s": 0, **(rules or {})}
    return fleet.Problem.from_tables(table, deadheads=runs, rules=rules, costs=costs, **more)


def moved(problem, by):
    """The same trips, each moved by its own seconds."""
    trips = problem.trips.assign(
        depart_s=(problem.trips["depart_s"] + by).astype(np.int32),
        arrive_s=(problem.trips["arrive_s"] + by).astype(np.int32),
    )
    order = trips.sort_values(["depart_s", "trip_id"], ignore_index=True)
    return problem.replace(trips=order)


def sound(problem, answer, most, phase=0):
    assert check_shift(problem, answer.problem, shift_s=most, phase_s=phase) == []
    assert fleet.check(answer.problem, answer.after) == []
    assert fleet.check(problem, answer.before) == []
    assert answer.after.report.objective <= answer.before.report.objective
    assert answer.vehicles_bound <= answer.after.vehicles
    assert answer.bound_minor <= answer.after.report.objective + 1
    old = problem.trips.set_index("trip_id")["depart_s"]
    new = answer.problem.trips.set_index("trip_id")
    assert (new["planned_depart_s"] == old.loc[new.index]).all()
    by = (new["depart_s"] - old.loc[new.index]).loc[lambda one: one != 0]
    assert by.to_dict() == dict(zip(answer.moved["trip_id"], answer.moved["by_s"], strict=True))


def test_a_near_miss_is_mended_from_both_sides():
    # Back at `a` 100 s too late for the next one: 50 s each.
    problem = asked(
        ("1", "r", 30_000, 31_000, "a", "b", True), ("2", "q", 31_100, 32_100, "b", "a", True),
        ("3", "r", 32_000, 33_000, "a", "b", True),
    )  # fmt: skip
    for most, saved in ((0, 0), (49, 0), (50, 1), (120, 1)):
        answer = shift(problem, shift_s=most)
        sound(problem, answer, most)
        assert answer.saved_vehicles == saved, most
    assert answer.moved["by_s"].abs().sum() == 100  # and not a second more
    assert "1 of 2 vehicles saved" in str(answer)
    told = answer.to_dict()
    assert (told["vehicles_before"], told["vehicles_after"], told["vehicles_bound"]) == (2, 1, 1)


def test_a_trip_with_a_timetable_stays():
    problem = asked(
        ("1", "r", 30_000, 31_000, "a", "b", False), ("2", "q", 30_900, 32_000, "b", "a", True),
    )  # fmt: skip
    assert shift(problem, shift_s=99).saved_vehicles == 0
    answer = shift(problem, shift_s=100)
    sound(problem, answer, 100)
    assert answer.moved["trip_id"].tolist() == ["2"]
    assert answer.moved["by_s"].tolist() == [100]


def test_a_series_moves_as_one():
    # Every departure of `q` lacks 200 s for a bus of `r`; each alone may move 10 s only.
    out = [(f"r{n}", "r", 30_000 + 600 * n, 31_000 + 600 * n, "a", "b", True) for n in range(6)]
    back = [(f"q{n}", "q", 30_800 + 600 * n, 31_500 + 600 * n, "b", "a", True) for n in range(6)]
    problem = asked(*out, *back)
    alone = shift(problem, shift_s=10)
    together = shift(problem, phase_s=100)
    sound(problem, together, 0, 100)
    assert together.after.vehicles < alone.after.vehicles
    by = together.moved.groupby("route_id")["by_s"].unique()
    assert all(len(one) == 1 for one in by)
    sound(problem, shift(problem, shift_s=10, phase_s=95), 10, 95)
    assert shift(problem, shift_s=10, phase_s=95).after.vehicles <= together.after.vehicles


def test_limits_come_from_the_rules_and_are_refused_when_wrong():
    trips = [("1", "r", 30_000, 31_000, "a", "b", True), ("2", "q", 30_900, 32_000, "b", "a", True)]
    assert shift(asked(*trips)).moved.empty
    ruled = asked(*trips, rules={"shift_s": 60})
    answer = shift(ruled)
    assert answer.saved_vehicles == 1
    assert check_shift(ruled, answer.problem) == []
    with pytest.raises(ConfigError, match="shift_s"):
        shift(asked(*trips), shift_s=-1)
    with pytest.raises(ConfigError, match="whole"):
        shift(asked(*trips), shift_s=0.5)


def test_work_repeats_and_a_stop_still_gives_a_sound_answer():
    rows = [
        (f"{route}{n}", route, 30_000 + 420 * n, 31_300 + 420 * n, *way, True)
        for n in range(5)
        for route, way in (("r", "ab"), ("q", "ba"))
    ]
    problem = asked(*rows)
    one, other = (shift(problem, shift_s=90, stop=Work(2)) for _ in range(2))
    pd.testing.assert_frame_equal(one.moved, other.moved)
    sound(problem, one, 90)
    whole = shift(problem, shift_s=90)
    assert whole.after.report.objective <= one.after.report.objective
    sound(problem, shift(problem, shift_s=90, stop=Seconds(1e-6)), 90)


def test_no_trips_and_no_answer():
    assert shift(asked(), shift_s=60).moved.empty
    full = asked(("1", "r", 30_000, 31_000, "a", "b", True),
                 depots=[{"id": "d", "stop_id": "home", "capacity": 0}])  # fmt: skip
    assert shift(full, shift_s=60).saved_minor == 0


trip = st.tuples(
    st.integers(0, 30), st.integers(1, 12), st.sampled_from("rq"), st.sampled_from(["ab", "ba"]),
    st.sampled_from([True, True, False]),
)  # fmt: skip


@given(
    st.lists(trip, min_size=2, max_size=3),
    st.sampled_from([60, 120]),
    st.sampled_from([0, 60]),
    st.lists(st.integers(1, 15), min_size=12, max_size=12),
    st.sampled_from([None, 600]),
)
@settings(max_examples=6)
def test_no_shifting_on_a_grid_beats_the_bound(trips, most, phase, minutes, wait):
    runs = pd.DataFrame(
        [(one, other, start, end, 60 * minutes[at + 6 * late], 1.0 + minutes[at + 6 * late])
         for at, (one, other) in enumerate(PAIRS)
         for late, (start, end) in enumerate([("0", "900"), ("900", "100000")])],
        columns=["from_stop", "to_stop", "from_s", "to_s", "time_s", "distance_km"],
    )  # fmt: skip
    runs[["from_s", "to_s"]] = runs[["from_s", "to_s"]].astype(int)
    table = [
        (str(at), route, 60 * start, 60 * (start + length), way[0], way[1], headway)
        for at, (start, length, route, way, headway) in enumerate(trips)
    ]
    problem = asked(*table, runs=runs, rules={"max_wait_s": wait, "min_layover_s": 60})
    answer = shift(problem, shift_s=most, phase_s=phase)
    sound(problem, answer, most, phase)
    grid = sorted({-most - phase, -most, 0, most, most + phase})
    steps = [grid if headway else [0] for headway in problem.trips["headway"]]
    for by in itertools.product(*steps):
        other = moved(problem, np.array(by))
        if check_shift(problem, other, shift_s=most, phase_s=phase):
            continue
        plan = fleet.plan_blocks(other)
        if plan.report.objective is not None:
            assert plan.vehicles >= answer.vehicles_bound
            assert plan.report.objective >= answer.bound_minor - 1e-6


@given(st.randoms(use_true_random=False))
@settings(max_examples=2)
def test_the_order_of_the_rows_changes_nothing(random):
    rows = [
        (f"{route}{n}", route, 30_000 + 420 * n, 31_300 + 420 * n, *way, True)
        for n in range(5)
        for route, way in (("r", "ab"), ("q", "ba"))
    ]
    one = shift(asked(*rows), shift_s=90)
    random.shuffle(rows)
    other = shift(asked(*rows), shift_s=90)
    pd.testing.assert_frame_equal(one.moved, other.moved)
    pd.testing.assert_frame_equal(one.after.blocks, other.after.blocks)


@given(
    st.lists(st.integers(0, 6), min_size=2, max_size=5),
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(-6, 9)), min_size=1, max_size=9
    ),
)
@settings(max_examples=300)
def test_a_constraint_is_refused_only_where_no_values_fulfil_it(high, constraints):
    slack = Slack(high)
    kept = []
    for a, b, by in constraints:
        if a >= len(high) or b >= len(high) or a == b:
            continue
        # Bellman and Ford's method, from a value 0 that bounds all others.
        edges = [*kept, (a, b, by)]
        edges += [(-1, at, -most) for at, most in enumerate(high)]
        edges += [(at, -1, -most) for at, most in enumerate(high)]
        least = dict.fromkeys(range(-1, len(high)), 0)
        for _ in range(len(least) + 1):
            for one, other, gap in edges:
                least[other] = max(least[other], least[one] + gap)
        can = all(least[other] >= least[one] + gap for one, other, gap in edges)
        assert slack.add(a, b, by) == can
        kept += [(a, b, by)] * can
        assert all(slack.value[other] >= slack.value[one] + gap for one, other, gap in kept)
        assert all(abs(value) <= most for value, most in zip(slack.value, high, strict=True))


BREAKS = {
    "shift_too_far": ([61, 61, 61, 61, 0], {}),
    "shift_changes_headway": ([-40, 30, 0, 0, 0], {}),
    "shift_changes_order": ([0, 0, 30, -30, 0], {}),
    "shift_of_a_fixed_trip": ([0, 0, 0, 0, 10], {}),
    "shift_changes_trips": ([0, 0, 0, 0, 0], {"arrive_s": 31_500}),
}


@pytest.mark.parametrize("code", BREAKS)
def test_the_checker_names_what_is_wrong(code):
    starts = [30_000, 30_600, 31_200, 31_260]
    rows = [(str(at), "r", start, start + 1_000, "a", "b", True) for at, start in enumerate(starts)]
    problem = asked(*rows, ("x", "r", 32_000, 33_000, "a", "b", False))
    by, also = BREAKS[code]
    other = moved(problem, np.array(by))
    for column, value in also.items():
        trips = other.trips.copy()
        trips.loc[0, column] = value
        other = other.replace(trips=trips)
    told = {one.code for one in check_shift(problem, other, shift_s=60)}
    assert code in told
    assert told <= {code, "shift_changes_order"} | (
        {code, "shift_changes_headway"} if "head" in code else set()
    )
    assert check_shift(problem, moved(problem, np.array([30, 20, -30, -30, 0])), shift_s=60) == []
    gone = replace(problem, trips=problem.trips.iloc[1:])
    assert {one.code for one in check_shift(problem, gone)} == {"shift_changes_trips"}
    # A phase takes the whole series farther.
    far = moved(problem, np.array([161, 161, 161, 161, 0]))
    assert check_shift(problem, far, shift_s=60, phase_s=101) == []
    assert check_shift(problem, far, shift_s=60, phase_s=100) != []


def test_a_real_feed_of_headways(shared_gtfs):
    day = read_feed(shared_gtfs / "cdmx.zip").day("typical")
    problem = fleet.problem(day)
    assert problem.trips["headway"].all()
    busy = problem.trips["route_id"].value_counts().sort_index().idxmax()
    trips = problem.trips[problem.trips["route_id"] == busy].reset_index(drop=True)
    problem = problem.replace(trips=trips, depots=problem.depots[:1])
    answer = shift(problem, shift_s=120, stop=Work(3))
    sound(problem, answer, 120)
    assert answer.saved_vehicles > 0
