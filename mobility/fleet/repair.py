"""Broken blocks planned anew, so that they survive; the others stay as they are."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.findings import has_errors
from mobility.fleet.anew import planned_anew
from mobility.fleet.chain import asked_of
from mobility.fleet.simulate import simulate
from mobility.fleet.simulation import percent
from mobility.shown import Shown

if TYPE_CHECKING:
    from mobility.fleet.plan import Plan
    from mobility.fleet.problem import Problem
    from mobility.fleet.simulation import Simulation

# Rounds, and how much more reserve each one plans with.
_ROUNDS = 9
_MORE = 1.12
# Beyond this no plan is made: a battery that is to do twice its work needs another bus.
_MOST = 2.5


@dataclass(frozen=True, eq=False)
class Repair(Shown):
    """A plan whose broken blocks were planned anew.

    Parameters
    ----------
    plan
        The whole day, checked: kept blocks and new ones. The old plan where nothing could be mended.
    simulation
        Its replay on the same scenarios.
    before
        Vehicles that broke.
    more_vehicles, more_minor
        What it takes beyond the old plan.
    reserve
        How many times their consumption the new blocks are planned for.
    why
        What still breaks, and why; empty where nothing does.
    seconds
        Wall time of all rounds.
    """

    plan: Plan
    simulation: Simulation
    before: tuple[str, ...]
    more_vehicles: int
    more_minor: float
    reserve: float
    why: str
    seconds: float

    @property
    def broken(self) -> tuple[str, ...]:
        """Vehicles that still break."""
        return self.simulation.broken()

    def __str__(self) -> str:
        left = (
            f"{len(self.broken):,} still break: {self.why}"
            if self.broken
            else "none breaks any more"
        )
        return (
            f"{len(self.before):,} blocks planned anew for {percent(self.simulation.percentile)}, "
            f"{self.more_vehicles:+,} vehicles, {left} ({self.seconds:.1f} s)"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>{self.plan._repr_html_()}"

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "repaired": list(self.before), "broken": list(self.broken), "more_vehicles": self.more_vehicles,
            "more_minor": self.more_minor, "reserve": round(self.reserve, 3), "why": self.why,
            "seconds": round(self.seconds, 3), "plan": self.plan.to_dict(),
        }  # fmt: skip


def repair(
    problem: Problem, plan: Plan, simulation: Simulation, *, percentile: float | None = None
) -> Repair:
    """Plan the broken blocks anew with a reserve, and keep all others.

    The trips of the blocks that break are planned as `fleet.plan` plans, for so many times their
    consumption as the simulation says they need; charged on chargers that no kept session uses or, where
    that is too few, together with all others. The result is checked with the true consumption and
    replayed on the same scenarios; what still breaks is planned anew with more reserve.

    Parameters
    ----------
    problem, plan, simulation
        What was planned, and how it was replayed.
    percentile
        Share of the scenarios to survive; by default the simulation's.

    Returns
    -------
    Repair
        Always; the best of all rounds: fewest broken blocks, then the cheapest. Read ``broken``.
    """
    begin = time.perf_counter()
    asked = simulation.percentile if percentile is None else percentile
    scenarios, seed = simulation.scenarios, simulation.report.seed
    now = simulation
    if asked != simulation.percentile:
        now = simulate(problem, plan, scenarios, seed=seed, percentile=asked, mends=False)
    before = now.broken(asked)
    best, best_simulation = plan, now
    if problem is not plan.problem:  # what no plan can beat is another matter under other figures
        best = replace(plan, bounds=asked_of(problem, plan.block_mode, seed).base.bounds)
    why, reserve = "", _first_reserve(now, before, asked)
    for _ in range(_ROUNDS):
        broken = set(best_simulation.broken(asked))
        if not broken:
            break
        if reserve > _MOST:
            why = (
                why
                or f"they need more than {_MOST:g} times their battery: a charger on the way, or another bus"
            )
            break
        tried = planned_anew(problem, best, broken, reserve)
        if tried.report.objective is None or has_errors(tried.findings):
            why = tried.why or f"the checker refuses it: {tried.findings[0].where_what}"
            reserve *= _MORE
            continue
        replayed = simulate(problem, tried, scenarios, seed=seed, percentile=asked, mends=False)
        left = replayed.broken(asked)
        if _rank(tried, replayed) < _rank(best, best_simulation):
            best, best_simulation = tried, replayed
        if left:
            why = f"{left[0]} and others need more than {reserve:.2f} times their battery"
        reserve *= _MORE
    costs = (best.report.objective or 0.0) - (plan.report.objective or 0.0)
    return Repair(
        plan=best, simulation=best_simulation, before=before, more_vehicles=best.vehicles - plan.vehicles,
        more_minor=costs, reserve=reserve / _MORE if before else 1.0, why=why if best_simulation.broken(asked) else "",
        seconds=time.perf_counter() - begin,
    )  # fmt: skip


def _rank(plan: Plan, simulation: Simulation) -> tuple[int, float]:
    return len(simulation.broken()), plan.report.objective or np.inf


def _first_reserve(simulation: Simulation, broken: tuple[str, ...], percentile: float) -> float:
    """What the broken blocks need, as times of their battery: the median, for the worst may be beyond."""
    mine = simulation.blocks[simulation.blocks["vehicle"].isin(broken)]
    if mine.empty:
        return 1.0
    need = mine[f"needs_kwh_{percent(percentile).lower()}"] / mine["battery_kwh"]
    return float(max(1.02, need.median()))
