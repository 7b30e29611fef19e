"""The same day after a change, from a plan that there is: a battery, a tariff, chargers."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from mobility.findings import has_errors
from mobility.fleet.anew import planned_anew
from mobility.fleet.chain import asked_of, finish
from mobility.fleet.chain import plan as plan_day
from mobility.fleet.charging import charge_blocks, kept_sessions
from mobility.fleet.plan import status_of, whole_bound
from mobility.fleet.warm import recounted

if TYPE_CHECKING:
    from mobility.fleet.plan import Plan
    from mobility.fleet.problem import Problem

# How often blocks that cannot be charged any more are planned anew before the whole day is.
_ROUNDS = 3


def replan(problem: Problem, plan: Plan, *, seed: int = 0) -> Plan:
    """Plan a changed problem quickly, from a plan of the same trips.

    Blocks are kept and counted with the problem's own figures; their charging is kept and planned anew,
    and the cheaper of both that holds is taken. Where some blocks cannot be charged any more, those
    alone are planned anew; where that fails, the whole day is.

    Parameters
    ----------
    problem
        With another battery, tariff, chargers, temperature or costs than the plan's.
    plan
        What was planned before; its trips are the problem's.
    seed
        Of the full plan, where it comes to that.

    Returns
    -------
    Plan
        Always. Its bound is that of the changed problem, with blocks of any kind; its last assumption
        says what was kept.
    """
    begin = time.perf_counter()
    asked = asked_of(problem, plan.block_mode, seed)
    base, told = asked.base, "nothing was kept: the day was planned anew"
    known = set(problem.trips["trip_id"])
    answer = None
    if plan.report.objective is not None and set(plan.block_of_trip) == known and not asked.why:
        table = recounted(problem, plan.blocks)
        kept = replace(base, blocks=table, not_electric=plan.not_electric)
        answer, told = _charged(problem, kept, plan)
        if answer is None:
            answer, told = _mended(problem, kept, plan)
    if answer is None:
        answer = plan_day(problem, blocks=plan.block_mode, seed=seed)
    else:
        report = answer.report
        bound = sum(base.bounds.values())
        report = replace(
            report, bound=whole_bound(bound, report.parts), bound_scope=base.report.bound_scope,
            status=status_of(report.objective or 0.0, bound),
        )  # fmt: skip
        answer = replace(
            answer, report=report, bounds=base.bounds, vehicles_bound=base.vehicles_bound
        )
    report = replace(answer.report, seconds=time.perf_counter() - begin)
    return replace(answer, report=report, assumptions=(*answer.assumptions, told))


def _charged(problem: Problem, kept: Plan, plan: Plan) -> tuple[Plan | None, str]:
    """The old blocks, with the old charging or a new one: the cheaper that holds."""
    anew = charge_blocks(problem, kept.blocks)
    old = kept_sessions(problem, kept.blocks, plan.sessions)
    tries = [
        (old, "blocks and charging were kept"),
        (anew, "blocks were kept, charging planned anew"),
    ]
    tries.sort(key=lambda one: one[0].energy_minor + one[0].demand_minor)
    for charged, told in tries:
        if charged.unserved:
            continue
        done = finish(kept, charged)
        if done.report.objective is not None and not has_errors(done.findings):
            return done, told
    return None, ""


def _mended(problem: Problem, kept: Plan, plan: Plan) -> tuple[Plan | None, str]:
    """The old blocks without those that cannot be charged; their trips planned anew."""
    broken: set[str] = set()
    for _ in range(_ROUNDS):
        rest = kept.blocks[~kept.blocks["vehicle"].isin(broken)]
        broken |= set(charge_blocks(problem, rest).unserved)
        if not broken or len(broken) > 0.5 * plan.vehicles:
            break
        left = replace(kept, sessions=charge_blocks(problem, rest).sessions)
        done = planned_anew(problem, left, broken, 1.0)
        if done.report.objective is not None and not has_errors(done.findings):
            return (
                done,
                f"{len(broken):,} of {plan.vehicles:,} blocks were planned anew, the others kept",
            )
    return None, "the day was planned anew"
