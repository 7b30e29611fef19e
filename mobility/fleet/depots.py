"""Which depot a vehicle's chain of trips goes home to, within the depots' capacities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet.links import NEVER_S, latest_leave, links, run_metres, run_time
from mobility.fleet.problem import UNREACHABLE_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem


def assign(
    problem: Problem, chains: Sequence[tuple[int, ...]], minor_km: float, *, keep: bool
) -> NDArray[np.int64] | None:
    """The depot of every chain at the least empty running; None where they do not fit.

    Without capacities every chain takes its best depot; with them it is a transport problem.
    """
    if not chains:
        return np.empty(0, np.int64)
    cost = home_costs(problem, chains, minor_km, keep=keep)
    held = [one.capacity for one in problem.depots]
    best = np.argmin(cost, axis=1)
    if not np.isfinite(cost[np.arange(len(chains)), best]).all():
        # Some chain goes via a depot that no single depot can stand in for: its pieces are chained
        # again per depot, so the least bad depot will do.
        cost = np.where(np.isfinite(cost), cost, 1e9)
    taken = np.bincount(best, minlength=len(held))
    if all(limit is None or count <= limit for limit, count in zip(held, taken, strict=True)):
        return best.astype(np.int64)
    return _transport(cost, held)


def home_costs(
    problem: Problem, chains: Sequence[tuple[int, ...]], minor_km: float, *, keep: bool
) -> NDArray[np.float64]:
    """(chains, depots) minor units of each chain's connections, pull-out and pull-in."""
    first = np.array([one for trips in chains for one in trips[:-1]], np.int32)
    then = np.array([one for trips in chains for one in trips[1:]], np.int32)
    owner = np.repeat(np.arange(len(chains)), [len(trips) - 1 for trips in chains])
    start = np.array([trips[0] for trips in chains], np.int32)
    end = np.array([trips[-1] for trips in chains], np.int32)
    block = problem.trips["block_id"].to_numpy(object)
    kept = np.asarray(keep & (block[first] == block[then]) & (block[first] != ""), bool)
    cost = np.zeros((len(chains), len(problem.depots)))
    for depot, place in enumerate(problem.depot_place):
        here = np.full(len(chains), place, np.int32)
        by = problem.depart_s[start].astype(np.int64)
        at = problem.arrive_s[end].astype(np.int64)
        leave = latest_leave(problem.deadheads, here, problem.from_place[start], by)
        out = run_metres(problem.deadheads, here, problem.from_place[start], leave)
        back_s = run_time(problem.deadheads, problem.to_place[end], here, at)
        back = run_metres(problem.deadheads, problem.to_place[end], here, at)
        reachable = (leave > NEVER_S) & (back_s < UNREACHABLE_S)
        between = links(problem, first, then, int(place), minor_km=minor_km, kept=kept).cost_minor
        cost[:, depot] = np.where(reachable, (out + back) * minor_km / 1000.0, np.inf)
        np.add.at(cost[:, depot], owner, between)
    return cost


def _transport(cost: NDArray[np.float64], held: list[int | None]) -> NDArray[np.int64] | None:
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

    chains, depots = cost.shape
    solver = SimpleMinCostFlow()
    tails = np.repeat(np.arange(chains), depots)
    heads = chains + np.tile(np.arange(depots), chains)
    arcs = solver.add_arcs_with_capacity_and_unit_cost(
        tails.astype(np.int32), heads.astype(np.int32), np.ones(tails.size, np.int64),
        np.round(cost.ravel() * 10).astype(np.int64),
    )  # fmt: skip
    sink = chains + depots
    solver.add_arcs_with_capacity_and_unit_cost(
        chains + np.arange(depots, dtype=np.int32), np.full(depots, sink, np.int32),
        np.array([chains if limit is None else limit for limit in held], np.int64),
        np.zeros(depots, np.int64),
    )  # fmt: skip
    supply = np.zeros(sink + 1, np.int64)
    supply[:chains], supply[sink] = 1, -chains
    solver.set_nodes_supplies(np.arange(sink + 1, dtype=np.int32), supply)
    if solver.solve() != solver.OPTIMAL:
        return None
    flow = np.asarray(solver.flows(arcs)).reshape(chains, depots)
    return flow.argmax(axis=1).astype(np.int64)
