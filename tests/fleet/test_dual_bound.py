"""The bound for many depots: never above the cheapest blocks there are, whatever it starts from."""

import math

import naive
import numpy as np
from fleet.test_dispatch import days, everyone
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.santiago_city import santiago_city
from mobility.fleet import _dual_kernels
from mobility.fleet.dual_bound import dual_bound
from mobility.stop import Work


@settings(max_examples=50)
@given(days(), st.sampled_from([None, 0.0, 500.0, 20_000.0]), st.integers(0, 30))
def test_kernel_no_blocks_cost_less_than_the_worths_of_their_trips(problem, start, sweeps):
    rows = everyone(problem)
    minor_km = problem.costs.deadhead_km_minor
    worth = None if start is None else np.full(rows.size, start)
    found = dual_bound(problem, rows, minor_km, worth=worth, stop=Work(max(1, sweeps)))
    cheapest = min(naive.any_blocks(problem).values())
    assert found.bound_minor <= cheapest + 1e-6
    # Not only in total: no bus's day is worth more than it costs.
    for trip in rows.tolist():
        alone = naive.any_blocks(problem.replace(trips=problem.trips.iloc[[trip]]))
        assert found.worth[trip] <= min(alone.values()) + 1e-6
    assert found.bound_minor >= 0


@settings(max_examples=20)
@given(days(least=2))
def test_the_bound_of_few_trips_is_near_what_they_cost(problem):
    found = dual_bound(problem, everyone(problem), problem.costs.deadhead_km_minor)
    cheapest = min(naive.any_blocks(problem).values())
    assert found.bound_minor >= 0.9 * cheapest


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0, 300.0]))
def test_kernel_soft_minimum(one, other, heat):
    found = _dual_kernels.soft_min(one, other, heat)
    assert math.isclose(found, naive.soft_least([one, other], heat), rel_tol=1e-9, abs_tol=1e-6)


def test_more_sweeps_raise_the_bound_of_a_city():
    problem = santiago_city(2, 0.02)
    rows = everyone(problem)
    flow = dual_bound(problem, rows, 1023.5, stop=Work(1))
    more = dual_bound(problem, rows, 1023.5)
    assert more.bound_minor > flow.bound_minor


def test_there_is_no_bound_where_trips_take_no_time_or_may_move():
    problem = santiago_city(2, 0.02)
    rows = everyone(problem)
    still = problem.replace(trips=problem.trips.assign(arrive_s=problem.trips["depart_s"]))
    assert dual_bound(still, rows, 900.0) is None
    assert dual_bound(problem.replace(**{"rules.shift_s": 60}), rows, 900.0) is None
