"""The independent checker of matrix plans: adds up what the blocks cost and looks at every rule."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING

from mobility.findings import finding

if TYPE_CHECKING:
    from mobility.findings import Finding
    from mobility.fleet.matrix import MatrixPlan, MatrixProblem

_NO_CONNECTION = -1


def check_matrix(problem: MatrixProblem, plan: MatrixPlan) -> list[Finding]:
    """Say what is wrong with a matrix plan; an empty list when it can be driven for its price.

    Parameters
    ----------
    problem
        What was asked.
    plan
        What was answered; a plan without an objective must have no blocks.
    """
    report = plan.report
    if report.objective is None:
        unasked = plan.blocks or plan.vehicles
        return [finding("cost_does_not_add_up", value="blocks without a cost")] if unasked else []
    found: list[Finding] = []
    depots, trips = problem.depots, problem.trips
    cost = problem.cost
    total = 0
    for number, block in enumerate(plan.blocks):
        name = f"block {number}"
        if not 0 <= block.depot < depots:
            found.append(finding("wrong_depot", value=f"{name}: depot {block.depot}"))
            continue
        strange = [trip for trip in block.trips if not 0 <= trip < trips]
        if strange:
            found.append(finding("trip_unknown", value=f"{name}: trip {strange[0]}"))
            continue
        if not block.trips:
            found.append(finding("cost_does_not_add_up", value=f"{name} drives nothing"))
            continue
        stations = [block.depot, *(depots + trip for trip in block.trips), block.depot]
        for i, j in itertools.pairwise(stations):
            step = int(cost[i, j])
            if step == _NO_CONNECTION:
                told = f"{name}: {_name(i, depots)} to {_name(j, depots)}"
                found.append(finding("connection_not_drivable", value=told))
            total += max(step, 0)

    driven = Counter(trip for block in plan.blocks for trip in block.trips)
    missed = [trip for trip in range(trips) if not driven[trip]]
    twice = sorted(trip for trip, count in driven.items() if count > 1)
    if missed:
        found.append(finding("trip_not_covered", value=f"trip {missed[0]}", count=len(missed)))
    if twice:
        found.append(finding("trip_covered_twice", value=f"trip {twice[0]}", count=len(twice)))
    for depot, count in sorted(Counter(block.depot for block in plan.blocks).items()):
        if 0 <= depot < depots and count > problem.capacity[depot]:
            told = f"{depot}: {count} of {problem.capacity[depot]}"
            found.append(finding("depot_capacity_exceeded", value=told))

    if total != report.objective:
        told = f"the blocks cost {total}, the plan says {report.objective}"
        found.append(finding("cost_does_not_add_up", value=told))
    if report.bound is not None and report.bound > total:
        told = f"a bound of {report.bound} above a cost of {total}"
        found.append(finding("cost_does_not_add_up", value=told))
    if len(plan.blocks) != plan.vehicles or plan.vehicles < plan.vehicles_bound:
        told = (
            f"{plan.vehicles} vehicles, {len(plan.blocks)} blocks, {plan.vehicles_bound} at least"
        )
        found.append(finding("cost_does_not_add_up", value=told))
    return found


def _name(station: int, depots: int) -> str:
    return f"depot {station}" if station < depots else f"trip {station - depots}"
