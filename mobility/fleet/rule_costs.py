"""What each rule of a case costs: the same plan without it; and soft rules, broken where that pays."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import pandas as pd

from mobility.fleet.check_rules import check_rules
from mobility.solution import Status
from mobility.units import DAY_S

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from mobility.fleet.plan import BlockPlan, Plan
    from mobility.fleet.problem import Problem

Answer = TypeVar("Answer", "BlockPlan", "Plan")

RULES = ("layover", "wait", "parking", "interline", "routes", "block", "relief")


def active_rules(problem: Problem) -> tuple[str, ...]:
    """Names of the rules that ask for something."""
    rules = problem.rules
    asks = {
        "layover": rules.min_layover_s > 0 or bool(rules.layovers),
        "wait": rules.max_wait_s is not None
        or any(one.max_wait_s is not None for one in rules.terminals),
        "parking": any(one.parking is not None for one in rules.terminals),
        "interline": bool(rules.interline),
        "routes": bool(rules.routes),
        "block": rules.max_block_s < DAY_S,
        "relief": rules.relief_max_s is not None,
    }
    return tuple(name for name in RULES if asks[name])


def without(problem: Problem, dropped: Collection[str]) -> Problem:
    """The problem without some of its rules."""
    rules = problem.rules
    if "layover" in dropped:
        rules = replace(rules, min_layover_s=0, layovers=())
    if "wait" in dropped:
        terminals = tuple(replace(one, max_wait_s=None) for one in rules.terminals)
        rules = replace(rules, max_wait_s=None, terminals=terminals)
    if "parking" in dropped:
        terminals = tuple(replace(one, parking=None) for one in rules.terminals)
        rules = replace(rules, terminals=terminals)
    if "interline" in dropped:
        rules = replace(rules, interline=())
    if "routes" in dropped:
        rules = replace(rules, routes=())
    if "block" in dropped:
        rules = replace(rules, max_block_s=DAY_S)
    if "relief" in dropped:
        rules = replace(rules, relief_max_s=None)
    return replace(problem, rules=rules)


def price_rules(
    problem: Problem, answer: BlockPlan, solve: Callable[[Problem], BlockPlan]
) -> pd.DataFrame:
    """Plan again without each rule, and say what that would save.

    Parameters
    ----------
    answer
        The plan under all rules.
    solve
        Plans a problem.

    Returns
    -------
    pd.DataFrame
        One row a rule: rule, vehicles (saved without it), cost_minor (saved), the dearest first. The
        figures compare plans, not bounds: where a plan is not proved optimal they are estimates.
    """
    rows = []
    for rule in active_rules(problem):
        free = solve(without(problem, (rule,)))
        if answer.report.objective is None or free.report.objective is None:
            continue
        # A plan that keeps the rule is one without it, too: what is dearer saves nothing.
        saved = max(0.0, answer.report.objective - free.report.objective)
        rows.append((rule, answer.vehicles - free.vehicles if saved else 0, saved))
    table = pd.DataFrame(rows, columns=["rule", "vehicles", "cost_minor"])
    return table.sort_values(
        ["vehicles", "cost_minor", "rule"], ascending=[False, False, True], ignore_index=True
    )


def plan_softly(problem: Problem, solve: Callable[[Problem], Answer]) -> Answer:
    """Plan with every soft rule kept, with each dropped, and with all; keep the cheapest.

    Each break of a soft rule costs ``costs.soft_minor``; that is weighed, not billed: the objective
    stays what the plan costs to run. The bound is that of the problem without its soft rules.
    """
    soft: tuple[str, ...] = tuple(
        name for name in active_rules(problem) if name in problem.rules.soft
    )
    if not soft:
        return solve(problem)
    tries: list[tuple[str, ...]] = [(), *((name,) for name in soft if len(soft) > 1), soft]
    found = [solve(without(problem, dropped)) for dropped in tries]

    def dear(answer: Answer) -> tuple[bool, float]:
        if answer.report.objective is None:
            return True, 0.0
        told = check_rules(problem, answer.blocks, answer.block_mode)
        breaks = sum(one.count for one in told if one.severity != "error")
        return False, answer.report.objective + problem.costs.soft_minor * breaks

    best, free = min(found, key=dear), found[-1]
    if best.report.objective is None:
        return replace(best, problem=problem)
    report = replace(best.report, bound=free.report.bound)
    if report.status is Status.OPTIMAL and best is not free and report.gap and report.gap > 1e-6:
        report = replace(report, status=Status.FEASIBLE)
    return replace(best, problem=problem, report=report, vehicles_bound=free.vehicles_bound)
