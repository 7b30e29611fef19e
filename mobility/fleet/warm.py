"""A warm start: an earlier plan, counted anew, is kept where the new one is no better."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mobility.findings import has_errors
from mobility.fleet.activities import running_cost
from mobility.fleet.charging import charge_blocks, kept_sessions
from mobility.fleet.check import check
from mobility.fleet.plan import status_of, whole_bound, whole_parts

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from mobility.fleet.charging import Charged
    from mobility.fleet.plan import BlockPlan, Plan
    from mobility.fleet.problem import Problem
    from mobility.solution import Report


def better_blocks(problem: Problem, found: BlockPlan, start: Plan | BlockPlan) -> BlockPlan:
    """Blocks of an earlier plan, where they still hold and cost less than the ones found.

    Parameters
    ----------
    found
        The answer to ``problem``: its bound stays.
    start
        Any plan; it is counted anew under the problem's prices, and checked under its rules.
    """
    if start.report.objective is None:
        return found
    costs = running_cost(problem, start.blocks)
    costs.pop("fuel", None)
    parts = whole_parts(costs)
    total = sum(parts.values())
    if found.report.objective is not None and found.report.objective <= total:
        return found
    report = replace(found.report, objective=total, parts=parts, bound=None)
    vehicles = int(start.blocks["vehicle"].nunique())
    old = replace(
        found, blocks=start.blocks, report=report, vehicles=vehicles, vehicles_bound=0, why=""
    )
    if has_errors(check(problem, old)):
        return found
    report = _bounded(report, found.report.bound)
    return replace(old, report=report, vehicles_bound=found.vehicles_bound)


def _bounded(report: Report, bound: float | None) -> Report:
    """Give an old plan the new bound, once it is known to hold: before, it might lie below it."""
    if bound is None or report.objective is None:
        return report
    status = status_of(report.objective, bound)
    return replace(report, status=status, bound=whole_bound(bound, report.parts))


def better_plan(
    problem: Problem, found: Plan, start: Plan, finish: Callable[[Plan, Charged], Plan]
) -> Plan:
    """An earlier plan, where it still holds and costs less than the one found.

    Its blocks are kept; its charging is kept too, and planned anew; the cheapest of both counts.

    Parameters
    ----------
    finish
        Counts and checks blocks with their charging.
    """
    if start.report.objective is None:
        return found
    table = recounted(problem, start.blocks)
    bare = replace(
        found, blocks=table, not_electric=start.not_electric, bounds={}, vehicles_bound=0
    )
    best = found
    for charged in (kept_sessions(problem, table, start.sessions), charge_blocks(problem, table)):
        old = finish(bare, charged)
        if old.report.objective is None or has_errors(old.findings):
            continue
        if best.report.objective is None or old.report.objective < best.report.objective:
            report = _bounded(old.report, found.report.bound)
            best = replace(
                old, report=report, bounds=found.bounds, vehicles_bound=found.vehicles_bound
            )
    return best


def recounted(problem: Problem, blocks: pd.DataFrame) -> pd.DataFrame:
    """A table of activities with the energy that the problem's own figures give."""
    row = {one: at for at, one in enumerate(problem.trips["trip_id"])}
    at = np.array([row.get(one, -1) for one in blocks["trip_id"]], np.int64)
    km, kwh = blocks["distance_km"].to_numpy(float), np.zeros(len(blocks))
    for kind, bus in enumerate(problem.vehicles):
        if bus.electric:
            own = (blocks["type"] == bus.id).to_numpy()
            kwh[own] = km[own] * problem.run_kwh_km(kind)
            driven = own & (at >= 0)
            kwh[driven] = problem.trip_kwh(kind)[at[driven]]
    return blocks.assign(kwh=kwh)
