"""The same day after a change, from a plan that there is: a battery, a tariff, chargers."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mobility.findings import has_errors
from mobility.fleet.anew import planned_anew
from mobility.fleet.chain import asked_of, finish, quick_plan
from mobility.fleet.charge_energy import bus_kw
from mobility.fleet.charge_plan import recharge
from mobility.fleet.charging import charge_blocks, kept_sessions, sites_of, stays_of
from mobility.fleet.plan import status_of, whole_bound
from mobility.fleet.warm import recounted
from mobility.stop import Work

if TYPE_CHECKING:
    import pandas as pd

    from mobility.fleet.plan import Plan
    from mobility.fleet.problem import Problem

# How often blocks that cannot be charged any more are planned anew before the whole day is.
_ROUNDS = 3
_MOST_BROKEN = 0.5
# Rounds of a site's search where chargers are tight.
_FEW = 3


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
        drained = drained_of(problem, table)
        broken = drained
        if not drained:
            answer, told, broken = _charged(problem, kept, plan)
        if answer is None:
            answer, told = _mended(problem, kept, plan, broken)
    if answer is None:
        answer = quick_plan(problem, blocks=plan.block_mode, seed=seed)
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


def _charged(problem: Problem, kept: Plan, plan: Plan) -> tuple[Plan | None, str, set[str]]:
    """The old blocks, with the old charging or a new one, the cheaper that holds; else who breaks."""
    anew = charge_blocks(problem, kept.blocks)
    old = kept_sessions(problem, kept.blocks, plan.sessions)
    tries = [
        (old, "blocks and charging were kept"),
        (anew, "blocks were kept, charging planned anew"),
    ]
    tries.sort(key=lambda one: one[0].energy_minor + one[0].demand_minor)
    if anew.unserved:
        # Bus after bus some find no charger; energies that are planned together may serve all.
        together = recharge(problem, kept.blocks, anew, stop=Work(_FEW), tight=False).charged
        tries.append((together, "blocks were kept, charging planned anew, all buses together"))
    for charged, told in tries:
        if charged.unserved:
            continue
        done = finish(kept, charged)
        if done.report.objective is not None and not has_errors(done.findings):
            return done, told, set()
    return None, "", set(anew.unserved)


def drained_of(problem: Problem, blocks: pd.DataFrame) -> set[str]:
    """Vehicles that run empty however much every stay gives: no charging helps them."""
    sites = sites_of(problem, blocks)
    stays = stays_of(problem, blocks, sites)
    slot_s = problem.tariff.slot_s
    slots = np.maximum(stays.depart_s // slot_s - -(-stays.arrive_s // slot_s), 0)
    most = np.minimum(bus_kw(problem, stays), sites.kw[stays.site])
    room = np.where(sites.count[stays.site] > 0, slots * most * slot_s / 3600.0, 0.0)
    found = set()
    for bus, name in enumerate(stays.names):
        one = problem.vehicles[int(stays.kind[bus])]
        target = one.full_kwh * one.start_soc
        for stay in range(int(stays.offsets[bus + 1]) - 1, int(stays.offsets[bus]) - 1, -1):
            target = (
                max(one.full_kwh * one.min_soc, target - float(room[stay])) + stays.used_kwh[stay]
            )
        if target > one.full_kwh * one.start_soc + 1e-6:
            found.add(name)
    return found


def _mended(problem: Problem, kept: Plan, plan: Plan, broken: set[str]) -> tuple[Plan | None, str]:
    """The old blocks without those that cannot be charged; their trips planned anew."""
    for _ in range(_ROUNDS):
        if not broken or len(broken) > _MOST_BROKEN * plan.vehicles:
            break
        rest = kept.blocks[~kept.blocks["vehicle"].isin(broken)]
        charged = charge_blocks(problem, rest)
        if charged.unserved:
            charged = recharge(problem, rest, charged, stop=Work(_FEW), tight=False).charged
        if charged.unserved:
            broken = broken | set(charged.unserved)
            continue
        left = replace(kept, sessions=charged.sessions)
        done = planned_anew(problem, left, broken, 1.0)
        if done.report.objective is not None and not has_errors(done.findings):
            return (
                done,
                f"{len(broken):,} of {plan.vehicles:,} blocks were planned anew, the others kept",
            )
        break
    return None, "the day was planned anew"
