"""Single-depot vehicle scheduling, ours beside peers: ``python -m benchmarks.sdvsp [TRIPS TERMINALS]``.

Every contender solves the same made-up city in a process of its own; objectives stand beside times
and peak memory, and must agree. Seconds run from the problem to the answer; kernels are warm.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.city import city_like
from benchmarks.results import Result, peak_mib

SIZES = ((1_000, 100), (5_000, 300), (20_000, 300))
# Every pair of trips that fits is an edge: 150 million at 20,000 trips.
_MOST_FOR_PAIRS = 6_000
# Cost scaling on our network, whose depot line is a long path of free arcs, does not end in minutes either.
_SMALL_ONLY = ("scipy_matching", "ortools_flow")
# Contenders whose rules are harder than ours: their optimum may be dearer.
_HARDER = ("ortools_plain",)


def ours(problem: Any) -> dict[str, Any]:
    """Make the whole block plan, duties written out."""
    from mobility import fleet

    plan = fleet.plan_blocks(problem)
    return {
        "objective": plan.report.objective,
        "vehicles": plan.vehicles,
        "note": f"{plan.report.status}, at least {plan.vehicles_bound} vehicles",
    }


def ours_flow(problem: Any) -> dict[str, Any]:
    """Build the network and solve it with our network simplex: the flow alone."""
    from mobility.fleet import network

    net = _network(problem)
    chained = network.chain(net)
    return {
        "objective": round(chained.bound_minor),
        "vehicles": chained.vehicles,
        "note": f"{net.tails.size:,} arcs",
    }


def ortools_flow(problem: Any) -> dict[str, Any]:
    """Solve the same network with OR-Tools' cost scaling; no duties."""
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

    from mobility.fleet.network import SCALE

    net = _network(problem)
    start = time.perf_counter()
    solver = SimpleMinCostFlow()
    arcs = solver.add_arcs_with_capacity_and_unit_cost(
        net.tails, net.heads, net.capacities, net.costs
    )
    solver.set_nodes_supplies(np.arange(net.supply.size, dtype=np.int32), net.supply)
    if solver.solve() != solver.OPTIMAL:
        raise SystemExit("OR-Tools finds no flow")
    took = time.perf_counter() - start
    vehicles = int(solver.flows(arcs)[net.night_arc])
    return {
        "objective": round(solver.optimal_cost() / SCALE),
        "vehicles": vehicles,
        "note": f"{net.tails.size:,} arcs, solver alone {took:.2f} s",
    }


def ortools_plain(problem: Any) -> dict[str, Any]:
    """Solve the textbook's time-space model with OR-Tools: no bus is home between two trips.

    A harder rule than ours, so its optimum may be dearer.
    """
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

    from mobility.fleet.runs import pull_in, pull_out

    place = int(problem.depot_place[0])
    second, km = problem.costs.waiting_h_minor / 3600.0, problem.costs.deadhead_km_minor
    seconds, metres = problem.deadheads.time_s[0], problem.deadheads.distance_m[0]
    trips = np.arange(len(problem.trips), dtype=np.int32)
    ends = np.lexsort((problem.arrive_s, problem.to_place))
    at, ready = problem.to_place[ends], problem.arrive_s[ends].astype(np.int64)
    line_in = np.flatnonzero(at[1:] == at[:-1])
    starts = np.lexsort((problem.depart_s, problem.from_place))
    origin, leaves = problem.from_place[starts], problem.depart_s[starts].astype(np.int64)
    line_out = np.flatnonzero(origin[1:] == origin[:-1])
    many, tails, heads, costs = trips.size, [], [], []
    next_ready = np.append(ready[1:], 0)
    next_ready[np.append(at[1:] != at[:-1], True)] = 1 << 40
    for target in np.unique(origin).tolist():
        first, end = np.searchsorted(origin, [target, target + 1])
        by = ready + seconds[at, target]
        found = np.searchsorted(leaves[first:end], by)
        tail = np.flatnonzero(found < end - first)
        head = first + found[tail]
        keep = leaves[head] < next_ready[tail] + seconds[at[tail], target]
        tail, head = tail[keep], head[keep]
        tails.append(tail)
        heads.append(many + head)
        stood = leaves[head] - by[tail]
        costs.append(metres[at[tail], target] * km / 1000.0 + stood * second)
    out_m, in_m = pull_out(problem, trips, place)[1], pull_in(problem, trips, place)[1]
    home = 2 * many
    solver = SimpleMinCostFlow()
    start = time.perf_counter()
    bus = [
        (
            np.full(many, home),
            many + trips,
            out_m[starts] * km / 1e3 + problem.costs.vehicle_day_minor,
        ),
        (trips, np.full(many, home), in_m[ends] * km / 1e3),
        (line_in, line_in + 1, (ready[line_in + 1] - ready[line_in]) * second),
        (many + line_out, many + line_out + 1, (leaves[line_out + 1] - leaves[line_out]) * second),
        (np.concatenate(tails), np.concatenate(heads), np.concatenate(costs)),
    ]
    size = 0
    for tail, head, cost in bus:
        size += tail.size
        solver.add_arcs_with_capacity_and_unit_cost(
            tail.astype(np.int32), head.astype(np.int32), np.full(tail.size, many, np.int64),
            np.floor(1000.0 * cost).astype(np.int64),
        )  # fmt: skip
    supply = np.repeat(np.array([1, -1, 0], np.int64), [many, many, 1])
    solver.set_nodes_supplies(np.arange(supply.size, dtype=np.int32), supply)
    if solver.solve() != solver.OPTIMAL:
        raise SystemExit("OR-Tools finds no flow")
    took = time.perf_counter() - start
    vehicles = int(solver.flows(np.arange(many, dtype=np.int32)).sum())
    return {
        "objective": round(solver.optimal_cost() / 1000.0),
        "vehicles": vehicles,
        "note": f"{size:,} arcs, solver alone {took:.2f} s, no stay at the depot",
    }


def scipy_matching(problem: Any) -> dict[str, Any]:
    """Match ends of trips to starts, every pair that fits; a trip that is not matched goes home."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    from mobility.fleet.links import links
    from mobility.fleet.runs import pull_in, pull_out

    everyone = np.arange(len(problem.trips), dtype=np.int32)
    place, km = int(problem.depot_place[0]), problem.costs.deadhead_km_minor
    _, out_m = pull_out(problem, everyone, place)
    _, in_m = pull_in(problem, everyone, place)
    alone = (out_m + in_m) * km / 1000.0 + problem.costs.vehicle_day_minor
    new = out_m * km / 1000.0 + problem.costs.vehicle_day_minor
    rows, columns, weights = [], [], []
    for row in everyone.tolist():
        then = np.flatnonzero(problem.depart_s >= problem.arrive_s[row]).astype(np.int32)
        first = np.full(then.size, row, np.int32)
        cost = links(problem, first, then, place, minor_km=km).cost_minor
        saved = cost - in_m[row] * km / 1000.0 - new[then]
        good = saved < 0
        rows.append(first[good])
        columns.append(then[good])
        weights.append(saved[good])
    # Every row is matched once, so what is added to all weights (none may be 0) changes nothing.
    lift = 1.0 - min(float(one.min(initial=0.0)) for one in weights)
    edges = csr_array(
        (
            np.concatenate([*weights, np.zeros(everyone.size)]) + lift,
            (
                np.concatenate([*rows, everyone]),
                np.concatenate([*columns, everyone.size + everyone]),
            ),
        ),
        shape=(everyone.size, 2 * everyone.size),
    )
    start = time.perf_counter()
    matched, found = min_weight_full_bipartite_matching(edges)
    took = time.perf_counter() - start
    value = float(np.asarray(edges[matched, found]).sum()) - lift * everyone.size
    return {
        "objective": round(float(alone.sum()) + value),
        "vehicles": int((found >= everyone.size).sum()),
        "note": f"{edges.nnz:,} edges, matching alone {took:.2f} s",
    }


CONTENDERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    one.__name__: one for one in (ours, ours_flow, ortools_plain, ortools_flow, scipy_matching)
}


def _network(problem: Any) -> Any:
    from mobility.fleet import network
    from mobility.fleet.runs import units_of

    units = units_of(problem, [(row,) for row in range(len(problem.trips))])
    return network.build(
        problem, units, problem.depot_place, minor_km=problem.costs.deadhead_km_minor
    )


def contend(name: str, trips: int, terminals: int) -> dict[str, Any]:
    """Run one contender in this process."""
    from mobility import _jit

    problem = city_like(trips, terminals).problem()
    _jit.warm_up()
    start, used = time.perf_counter(), time.process_time()
    answer = CONTENDERS[name](problem)
    return {
        **answer,
        "wall_s": round(time.perf_counter() - start, 2),
        "cpu_s": round(time.process_time() - used, 2),
        "peak_mb": round(peak_mib()),
    }


def side_by_side(trips: int, terminals: int) -> list[dict[str, Any]]:
    """Every contender in a fresh process; those that cannot run at this size are left out."""
    rows = []
    for name in CONTENDERS:
        if name in _SMALL_ONLY and trips > _MOST_FOR_PAIRS:
            continue
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.sdvsp", name, str(trips), str(terminals)],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[1],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        rows.append({"contender": name, **json.loads(done.stdout)})
    return rows


def results(trips: int, terminals: int) -> list[Result]:
    """`side_by_side` in the shape in which results are kept."""
    return [
        Result(
            "blocks", f"city_like {trips:,} x {terminals}", row["contender"],
            wall_s=[row["wall_s"]], work_s=[row["cpu_s"]], peak_mib=[row["peak_mb"]],
            answer={name: row[name] for name in ("objective", "vehicles", "note")},
        )
        for row in side_by_side(trips, terminals)
    ]  # fmt: skip


def main() -> None:
    """Print one line a contender; with a contender's name first, its answer as JSON."""
    if sys.argv[1:] and sys.argv[1] in CONTENDERS:
        print(json.dumps(contend(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
        return
    sizes = [tuple(map(int, sys.argv[1:3]))] if sys.argv[1:] else list(SIZES)
    for trips, terminals in sizes:
        rows = side_by_side(trips, terminals)
        for row in rows:
            print(
                f"{trips:>6} x {terminals}  {row['contender']:<15} {row['wall_s']:>7.2f} s "
                f"(cpu {row['cpu_s']:.2f})  {row['peak_mb']:>5} MB  {row['objective']:>12,}  "
                f"{row['vehicles']:,} vehicles  {row['note']}",
                flush=True,
            )
        # Ours is the written plan, whole minor units an activity; the others are bare optima.
        least = min(row["objective"] for row in rows)
        same = [row for row in rows if row["contender"] not in _HARDER]
        if any(row["objective"] - least > 1e-6 * least + 5 for row in same):
            raise SystemExit("the contenders do not agree on the optimum")


if __name__ == "__main__":
    main()
