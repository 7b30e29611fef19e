"""Charge a table of stays: strategies, their bound, and what was saved."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from mobility.fleet.charge_bound import Relaxation, relax as relaxation_of
from mobility.fleet.stays_plan import ChargingPlan, no_sessions
from mobility.solution import Report, Status

if TYPE_CHECKING:
    from mobility.fleet.stays import ChargingProblem
    from mobility.stop import Stop

Strategy = Literal["optimal", "balanced", "first-come"]
_SCOPE = "these stays, any power within their limits, chargers counted as power only"


def charge_stays(
    problem: ChargingProblem,
    *,
    relax: bool = False,
    stop: Stop | None = None,
    seed: int = 0,
) -> ChargingPlan:
    """Plan the charging of a table of stays."""
    del stop
    started = time.perf_counter()
    found = relaxation_of(problem)
    return _relaxed(problem, found, seed, time.perf_counter() - started)


def _relaxed(problem: ChargingProblem, found: Relaxation, seed: int, seconds: float) -> ChargingPlan:
    if found.objective is None:
        report = Report(Status.INFEASIBLE, bound_scope=_SCOPE, seconds=seconds, seed=seed)
        return ChargingPlan(problem, no_sessions(), report, {}, why=found.why, relaxed=True)
    peaks = found.peak_kw
    demand = problem.demand * sum(peaks.values())
    report = Report(
        Status.OPTIMAL, objective=found.objective, bound=min(found.bound or 0.0, found.objective),
        parts={"energy": found.objective - demand, "demand": demand}, bound_scope=_SCOPE,
        seconds=seconds, seed=seed,
    )  # fmt: skip
    return ChargingPlan(problem, no_sessions(), report, peaks, relaxed=True)
