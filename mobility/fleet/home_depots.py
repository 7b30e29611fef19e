"""Blocks of several depots, improved: every bus home to its own, batteries aside.

The flow lets a bus end its day at any depot; giving its blocks to depots afterwards costs vehicles. The
exchanges of `dispatch` know the depots, and so does the bound of `dual_bound`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mobility.findings import has_errors
from mobility.fleet.assets import Vehicle
from mobility.fleet.check import check
from mobility.fleet.dispatch import dispatch, supports
from mobility.fleet.dual_bound import dual_bound
from mobility.fleet.duty import Schedule
from mobility.fleet.plan import block_plan, status_of, whole_bound
from mobility.fleet.prices import Tariff
from mobility.fleet.runs import pull_in, pull_out

if TYPE_CHECKING:
    from mobility.fleet.duty import Duty
    from mobility.fleet.plan import BlockPlan
    from mobility.fleet.problem import Problem

# A battery that nothing empties: what is left of `dispatch` are the depots.
_ANY = Vehicle(battery_kwh=1e6, kwh_km=1e-6, max_kw=1e3)


def improved(
    problem: Problem, answer: BlockPlan, *, effort: float, seconds: float | None, seed: int
) -> BlockPlan:
    """Exchange rests of days between depots, and raise the bound; never worse.

    Parameters
    ----------
    answer
        Blocks of the flow, given to depots.
    effort, seconds
        Exchanges a bus, and wall time; the answer repeats exactly where there are no seconds.
    """
    rows = np.arange(len(problem.trips), dtype=np.int32)
    if (
        len(problem.depots) < 2
        or len(problem.vehicles) > 1
        or not supports(problem)
        or problem.rules.interline
        or not rows.size
    ):
        return answer
    minor_km = problem.costs.deadhead_km_minor
    bus = replace(_ANY, id=problem.vehicle.id, vehicle_day_minor=problem.vehicle.vehicle_day_minor)
    depots = tuple(replace(one, chargers=None, site_kw=None) for one in problem.depots)
    free = replace(problem, vehicles=(bus,), depots=depots, chargers=(), tariff=Tariff(),
                   consumption=None, temperature_c=None)  # fmt: skip
    worth = dual_bound(free, rows, minor_km)
    duties = dispatch(free, rows, minor_km, effort=effort, seconds=seconds, seed=seed)
    bound = answer.report.bound or 0.0
    if not _reachable(problem, duties):
        return answer
    if worth is not None:
        bound = max(bound, float(np.floor(worth.bound_minor + 1e-6)))
    found = Schedule(duties, 0.0, 0)
    tried = block_plan(problem, found, "optimise", answer.report.seconds, seed)
    best = answer
    if not has_errors(check(problem, tried)) and (
        answer.report.objective is None or _cost(tried) < _cost(answer)
    ):
        best = replace(tried, vehicles_bound=answer.vehicles_bound, findings=answer.findings)
    if best.report.objective is None:
        return best
    report = replace(
        best.report,
        bound=whole_bound(bound, best.report.parts),
        status=status_of(best.report.objective, bound),
        bound_scope=best.report.bound_scope.replace(
            "on batteries of any size", "on batteries of any size, every bus home to its own depot"
        ),
    )
    return replace(best, report=report)


def _reachable(problem: Problem, duties: tuple[Duty, ...]) -> bool:
    """Whether a run leads to every first trip of a duty from its depot, and home from its last."""
    for depot, place in enumerate(problem.depot_place.tolist()):
        own = [duty.trips for duty in duties if duty.depot == depot]
        first = np.array([trips[0] for trips in own], np.int32)
        last = np.array([trips[-1] for trips in own], np.int32)
        ends = pull_out(problem, first, place)[1] + pull_in(problem, last, place)[1]
        if not np.isfinite(ends).all():
            return False
    return True


def _cost(answer: BlockPlan) -> float:
    return float("inf") if answer.report.objective is None else answer.report.objective
