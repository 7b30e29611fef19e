"""The exact end of the multi-depot search: all ways that may still be part of a better plan."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet._column_kernels import FAR
from mobility.fleet._ways_kernels import list_ways

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.matrix_network import Network
    from mobility.fleet.relaxation import Prices

# Work of the exact search that repeats, for a thousand ways, and its part of the time that is left:
# among some of the ways, and among all of them, where it may end the matter.
_WORK = (1.0, 2.0)
_PART_OF_TIME = (0.4, 0.8)
# Time to write the search down, on a busy machine.
_BUILD_S = 1.0
_BUILD_WAY_S = 1.5e-4


@dataclass(frozen=True, eq=False)
class Finish:
    """What the exact search found: a better plan, a better bound, both or neither."""

    bound: int | None = None
    home: NDArray[np.int32] | None = None
    base: NDArray[np.int32] | None = None
    infeasible: bool = False


def finish(
    net: Network,
    proof: Prices,
    objective: int | None,
    home: NDArray[np.int32],
    base: NDArray[np.int32],
    *,
    most: int,
    left_s: float,
    partly: bool = False,
) -> Finish | None:
    """Search among all ways whose slack leaves room for a plan that is better by 1.

    A plan costs what the prices prove, plus the slack of its ways, plus the rent of places it
    leaves empty: no way with more slack than there is between bound and plan is part of a better one.

    Parameters
    ----------
    objective, home, base
        The best plan so far; no cost where it leaves trips out.
    most
        Ways that are not too many.
    partly
        Where there are more, search among those with the least slack: that may find a better plan,
        and proves nothing.
    left_s
        Seconds that are left, of which a part may be spent; a fixed amount of work ends it, too.

    Returns
    -------
    Finish
        None where there are too many ways, or no time.
    """
    if left_s < _BUILD_S + most * _BUILD_WAY_S:
        return None
    begin = time.perf_counter()
    leave = np.where(net.leave >= FAR, FAR, net.leave * proof.scale + proof.rent)
    enter = np.where(net.enter >= FAR, FAR, net.enter * proof.scale)
    limit = FAR >> 2 if objective is None else (objective - 1) * proof.scale - proof.total
    depot = np.empty(most, np.int32)
    paid = np.empty(most, np.int64)
    at = np.empty(most + 1, np.int64)
    trips = np.empty(most * 16, np.int32)
    start, end = net.spans
    links = start, end, net.to, net.cost * proof.scale
    prices = leave, enter, proof.price, proof.back
    listed = depot, paid, at, trips
    reach = limit
    count = list_ways(*links, *prices, np.int64(reach), *listed)
    while count < 0 and partly and objective is not None and reach > 0:
        reach = reach * 3 // 4
        count = list_ways(*links, *prices, np.int64(reach), *listed)
    if count <= 0:
        return None
    cost = (paid[:count] - proof.rent[depot[:count]]) // proof.scale
    full = reach == limit
    until = begin + _PART_OF_TIME[full] * left_s
    work = _WORK[full] * max(count, 1000) / 1000
    ways = depot[:count], cost, at[: count + 1], trips
    found = _solve(net, objective, (home, base), (work, until), ways)
    return found if full else replace(found, bound=None)


def _solve(
    net: Network,
    objective: int | None,
    plan: tuple[NDArray[np.int32], NDArray[np.int32]],
    effort: tuple[float, float],
    ways: tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]],
) -> Finish:
    """Cover every trip by one way, as cheaply as the exact search can within some work and time."""
    from ortools.sat.python import cp_model

    work, until = effort
    depot, cost, at, trips = ways
    count = depot.size
    covers: list[list[int]] = [[] for _ in range(net.trips)]
    for way in range(count):
        for trip in trips[at[way] : at[way + 1]].tolist():
            covers[trip].append(way)
    if not all(covers):
        return _no_better(objective)
    model = cp_model.CpModel()
    taken = [model.new_bool_var("") for _ in range(count)]
    for own in covers:
        model.add_exactly_one(taken[way] for way in own)
    for k in range(net.depots):
        own = np.flatnonzero(depot == k).tolist()
        if len(own) > net.room[k]:
            model.add(cp_model.LinearExpr.sum([taken[way] for way in own]) <= int(net.room[k]))
    total = cp_model.LinearExpr.weighted_sum(taken, cost.tolist())
    model.minimize(total)
    if objective is not None:
        model.add(total <= objective - 1)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = work
    solver.parameters.linearization_level = 2
    if np.isfinite(until):
        solver.parameters.max_time_in_seconds = max(0.1, until - time.perf_counter())
    status = solver.solve(model)
    if status == cp_model.INFEASIBLE:
        return _no_better(objective)
    proved = solver.best_objective_bound
    bound = int(np.ceil(proved - 1e-6)) if abs(proved) < FAR else 0
    if objective is not None:
        bound = min(bound, objective)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return Finish(bound=bound if objective is not None else None)
    new_home, new_base = np.empty_like(plan[0]), np.full_like(plan[1], -1)
    block = 0
    for way in range(count):
        if solver.boolean_value(taken[way]):
            new_home[trips[at[way] : at[way + 1]]] = block
            new_base[block] = depot[way]
            block += 1
    return Finish(bound=bound, home=new_home, base=new_base)


def _no_better(objective: int | None) -> Finish:
    """There is no better plan: the one at hand is the best, or there is none at all."""
    return Finish(infeasible=True) if objective is None else Finish(bound=objective)
