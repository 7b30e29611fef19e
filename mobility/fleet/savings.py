"""What optimising would save against a feed's own blocks: under the case's rules, and under theirs."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.fleet.blocks import plan_blocks
from mobility.fleet.check import check
from mobility.fleet.given import InferredRules, infer_rules, with_blocks
from mobility.fleet.plan import status_of, whole_bound
from mobility.shown import Shown
from mobility.solution import Status
from mobility.units import format_money

if TYPE_CHECKING:
    from mobility.fleet.plan import BlockPlan
    from mobility.fleet.problem import Problem
    from mobility.solution import Report
    from mobility.stop import Stop

FIGURES = ("vehicles", "deadhead_km", "waiting_h", "cost_minor")
_EMPTY = ("pull-out", "deadhead", "pull-in")


@dataclass(frozen=True, eq=False)
class Savings(Shown):
    """Given blocks beside optimised ones.

    Parameters
    ----------
    problem
        What was asked: the case's rules.
    inferred
        The rules that the given blocks follow, and what they rest on.
    given
        The feed's blocks, with empty runs as quick as they show.
    by_case, by_inferred
        Optimised under the case's rules and with its empty runs, and under the inferred rules with
        those of ``given``; the latter never cost more than ``given``.
    table
        One row a set of rules (``rules``: inferred, case) and figure (``figure``: vehicles,
        deadhead_km, waiting_h, cost_minor): before, after, difference (after less before) and share
        (of before).
    report
        How ``by_inferred`` went; ``seconds`` are those of the whole comparison.
    """

    problem: Problem
    inferred: InferredRules
    given: BlockPlan
    by_case: BlockPlan
    by_inferred: BlockPlan
    table: pd.DataFrame
    report: Report

    @property
    def why(self) -> str:
        """Why there is no comparison; empty where there is one."""
        return self.given.why or self.by_inferred.why

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What was assumed, because nobody said it."""
        return self.inferred.problem.assumptions

    def __str__(self) -> str:
        if self.table.empty:
            return f"no comparison with the given blocks: {self.why}"
        case = self.by_case
        under = f"the case's rules allow no blocks: {case.why}"
        if case.report.objective is not None:
            under = f"under the case's rules {case.vehicles:,} ({self._saved('case')})"
        return (
            f"given {self.given.vehicles:,} vehicles; under the rules that they follow "
            f"{self.by_inferred.vehicles:,} do, at least {self.by_inferred.vehicles_bound:,} "
            f"({self._saved('inferred')}; {self.report.headline()}); {under}"
        )

    def _saved(self, rules: str) -> str:
        row = self.table[(self.table["rules"] == rules) & (self.table["figure"] == "cost_minor")]
        difference, share = float(row["difference"].iloc[0]), float(row["share"].iloc[0])
        money = format_money(abs(difference), self.problem.currency)
        return f"{'saves' if difference <= 0 else 'costs'} {money} a day, {abs(share):.1%}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>{self.table.to_html(index=False)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the report's are those under the inferred rules."""
        case = self.by_case.report
        return {
            **self.report.to_dict(),
            "headline": str(self),
            "why": self.why,
            "trips": len(self.inferred.problem.trips),
            "given_blocks": int(self.inferred.problem.trips["block_id"].nunique()),
            "table": self.table.astype(object).to_dict("records"),
            "vehicles_bound": {
                "inferred": self.by_inferred.vehicles_bound,
                "case": self.by_case.vehicles_bound,
            },
            "under_the_case": {"status": str(case.status), "objective": case.objective,
                               "bound": case.bound, "gap": case.gap, "why": self.by_case.why},
            "rules": self.inferred.to_dict(),
            "findings": [one.to_dict() for one in self.given.findings],
            "currency": self.problem.currency,
            "assumptions": list(self.assumptions),
        }  # fmt: skip

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)


def savings(problem: Problem, *, stop: Stop | None = None, seed: int = 0) -> Savings:
    """Say what optimising would save against the feed's blocks, whatever the batteries.

    Twice: under the case's rules, and under the rules that the given blocks themselves follow
    (``infer_rules``). The second is the fair one: it asks nothing of a planner that the present
    blocks do not do already. Trips without a block_id are left out of both.

    Parameters
    ----------
    problem
        Trips with block_id, empty runs, depots, costs and the case's rules.
    stop
        When to give up improving, for each of the two.
    seed
        Of the solvers, for each of the two.

    Returns
    -------
    Savings
        Under the inferred rules the plan never costs more than the given blocks: where the solver
        ends worse, the given blocks are the answer, with the solver's bound.

    Raises
    ------
    ConfigError
        When no trip has a block_id.
    """
    start = time.perf_counter()
    inferred = infer_rules(problem)
    given = inferred.given
    by_inferred = plan_blocks(inferred.problem, stop=stop, seed=seed)
    if _allowed(inferred):
        by_inferred = _no_worse(by_inferred, given)
    by_case = plan_blocks(with_blocks(problem), stop=stop, seed=seed)
    rows: list[pd.DataFrame] = []
    if given.report.objective is not None:
        before = figures(given)
        for name, plan in (("inferred", by_inferred), ("case", by_case)):
            if plan.report.objective is not None:
                rows.append(_rows(name, before, figures(plan)))
    table = pd.concat(rows, ignore_index=True) if rows else _rows("", {}, {})
    report = replace(by_inferred.report, seconds=time.perf_counter() - start)
    return Savings(problem, inferred, given, by_case, by_inferred, table, report)


def figures(plan: BlockPlan) -> dict[str, float]:
    """What is compared of a plan: ``FIGURES``."""
    kind = plan.blocks["kind"]
    wait = plan.blocks[kind == "wait"]
    return {
        "vehicles": plan.vehicles,
        "deadhead_km": round(float(plan.blocks.loc[kind.isin(_EMPTY), "distance_km"].sum()), 3),
        "waiting_h": round(float((wait["end_s"] - wait["start_s"]).sum()) / 3600.0, 3),
        "cost_minor": float(plan.report.objective or 0.0),
    }


def _rows(rules: str, before: dict[str, float], after: dict[str, float]) -> pd.DataFrame:
    one = pd.DataFrame(
        [(rules, name, before[name], after[name]) for name in FIGURES if name in before],
        columns=["rules", "figure", "before", "after"],
    ).astype({"before": float, "after": float})
    one["difference"] = (one["after"] - one["before"]).round(3)
    one["share"] = (one["difference"] / one["before"].where(one["before"] != 0, 1.0)).round(4)
    return one


def _allowed(inferred: InferredRules) -> bool:
    """Whether the inferred rules allow the given blocks.

    Not where these break a rule of the case that blocks say nothing of, as the places of a terminal.
    """
    as_any = replace(inferred.given, block_mode="optimise")
    return inferred.given.report.objective is not None and not check(inferred.problem, as_any)


def _no_worse(plan: BlockPlan, given: BlockPlan) -> BlockPlan:
    """The given blocks, where the solver's cost more: its bound holds for them too."""
    old = given.report.objective
    if old is None or (plan.report.objective is not None and plan.report.objective <= old):
        return plan
    bound = plan.report.bound
    if bound is not None:
        bound = whole_bound(bound, given.report.parts)
    status = Status.FEASIBLE if bound is None else status_of(old, bound)
    report = replace(
        plan.report, status=status, objective=old, parts=given.report.parts, bound=bound
    )
    return replace(plan, blocks=given.blocks, vehicles=given.vehicles, report=report, why="")
