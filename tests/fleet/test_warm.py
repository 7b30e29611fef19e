"""A warm start never ends worse than the plan it starts from, where that plan still holds."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import VEHICLE, back_and_forth, days, problem_of, ruled

from mobility import fleet
from mobility.fleet.warm import better_blocks

CHANGES = {
    "vehicles.battery_kwh": 90.0,
    "vehicles.max_kw": 150.0,
    "costs.deadhead_km_minor": 35.0,
    "rules.min_layover_s": 0,
}


@settings(max_examples=20)
@given(days(), st.sampled_from(sorted(CHANGES)))
def test_a_looser_problem_is_never_planned_worse_from_the_old_plan(day, name):
    problem = problem_of(day, vehicles=[{**VEHICLE, "battery_kwh": 60.0}])
    old = fleet.plan(problem)
    if old.report.objective is None or old.not_electric:
        return
    looser = problem.replace(**{name: CHANGES[name]})
    if name == "vehicles.battery_kwh":
        looser = looser.replace(**{"vehicles.min_soc": 0.0})
    plan = fleet.plan(looser, start=old)
    assert fleet.check(looser, plan) == []
    assert plan.report.objective <= old.report.objective + 1
    assert plan.report.bound <= plan.report.objective
    blocks = fleet.plan_blocks(looser, start=old)
    assert fleet.check(looser, blocks) == []


@given(days())
@settings(max_examples=10)
def test_a_plan_that_holds_no_longer_is_left(day):
    problem = problem_of(day)
    old = fleet.plan(problem)
    stricter = problem.replace(**{"rules.min_layover_s": 7_200})
    assert fleet.check(stricter, fleet.plan(stricter, start=old)) == []


def test_a_cheaper_old_plan_is_kept_with_the_new_bound():

    problem = ruled(back_and_forth(4), {})
    best = fleet.plan_blocks(problem)
    worse = fleet.plan_blocks(ruled(back_and_forth(4), {"max_block_s": 2 * 3_600}))
    assert worse.report.objective > best.report.objective
    dear = replace(best, blocks=worse.blocks, report=worse.report, vehicles=worse.vehicles)
    kept = better_blocks(problem, dear, best)
    assert kept.report.objective == best.report.objective
    assert kept.vehicles == best.vehicles
    assert better_blocks(problem, best, dear) is best
    with pytest.raises(AssertionError):
        assert fleet.check(problem.replace(**{"rules.min_layover_s": 3_000}), kept) == []
