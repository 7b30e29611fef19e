"""Runs: trips that stay together on one bus, and what their connections and ends cost at least."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from mobility.errors import ConfigError
from mobility.findings import Finding, finding
from mobility.fleet.links import NEVER_S, latest_leave, links, run_metres, run_time
from mobility.fleet.network import Units
from mobility.fleet.problem import UNREACHABLE_S
from mobility.units import DAY_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem

BlockMode = Literal["optimise", "given", "keep-filled"]
MODES: tuple[BlockMode, ...] = ("optimise", "given", "keep-filled")

# Rows of ``problem.trips``, in the order in which one bus drives them.
Run: TypeAlias = tuple[int, ...]


def check_mode(blocks: str) -> None:
    """Refuse a mode that does not exist, as a misspelt one would otherwise plan something else."""
    if blocks not in MODES:
        raise ConfigError(f"blocks cannot be {blocks!r}", mend=f"one of {', '.join(MODES)}")


def kept_runs(
    problem: Problem, rows: NDArray[np.int32], minor_km: float, blocks: BlockMode
) -> tuple[list[Run], list[Finding]]:
    """Trips that stay together: alone when all is optimised, else as the feed's blocks say."""
    if blocks == "optimise":
        return [(int(row),) for row in rows], []
    block = problem.trips["block_id"].to_numpy(object)
    by_block: dict[str, list[int]] = {}
    runs: list[Run] = []
    for row in rows.tolist():
        if block[row]:
            by_block.setdefault(block[row], []).append(row)
        else:
            runs.append((row,))
    filled = [tuple(trips) for trips in by_block.values()]
    first = np.array([one for trips in filled for one in trips[:-1]], np.int32)
    then = np.array([one for trips in filled for one in trips[1:]], np.int32)
    cost = least_link(problem, first, then, minor_km, np.ones(first.size, bool))
    found, at = [], 0
    for trips in filled:
        start = 0
        for here in range(1, len(trips)):
            long = int(problem.arrive_s[trips[here]]) - int(problem.depart_s[trips[start]]) > DAY_S
            if not np.isfinite(cost[at]) or long:
                runs.append(trips[start:here])
                start = here
                found.append(
                    finding("block_cannot_be_driven", file="trips.txt", column="block_id",
                            value=f"{block[trips[0]]}: {problem.trips['trip_id'].iloc[trips[here - 1]]} -> "
                                  f"{problem.trips['trip_id'].iloc[trips[here]]}")
                )  # fmt: skip
            at += 1
        runs.append(trips[start:])
    runs.sort(key=lambda trips: trips[0])  # rows are sorted by departure
    if len(found) > 1:
        found = [replace(found[0], count=len(found))]
    return runs, found


def drivable_blocks(
    problem: Problem, groups: list[NDArray[np.int32]], minor_km: float, blocks: BlockMode
) -> tuple[Problem, list[Finding]]:
    """Give every run that is kept a block_id of its own, split where it cannot be driven.

    Then two trips of one block_id are trips of one run, wherever that is asked again.
    """
    if blocks == "optimise":
        return problem, []
    ids = problem.trips["block_id"].to_numpy(object).copy()
    found: list[Finding] = []
    for number, rows in enumerate(groups):
        runs, told = kept_runs(problem, rows, minor_km, blocks)
        found += told
        for at, trips in enumerate(runs):
            if ids[trips[0]]:
                ids[list(trips)] = f"{number}/{at}"
    return replace(problem, trips=problem.trips.assign(block_id=ids)), found


def inner_cost(problem: Problem, runs: list[Run], minor_km: float) -> float:
    """What the connections inside kept runs cost at least."""
    first = np.array([one for trips in runs for one in trips[:-1]], np.int32)
    then = np.array([one for trips in runs for one in trips[1:]], np.int32)
    if first.size == 0:
        return 0.0
    return float(least_link(problem, first, then, minor_km, np.ones(first.size, bool)).sum())


def ends_cost(problem: Problem, runs: list[Run], minor_km: float) -> float:
    """Least pull-out and pull-in of every run, each from its own best depot."""
    first = np.array([trips[0] for trips in runs], np.int32)
    last = np.array([trips[-1] for trips in runs], np.int32)
    out, home = np.full(first.size, np.inf), np.full(first.size, np.inf)
    for place in problem.depot_place:
        out = np.minimum(out, pull_out(problem, first, int(place))[1])
        home = np.minimum(home, pull_in(problem, last, int(place))[1])
    ends = out + home
    return float(ends[np.isfinite(ends)].sum()) * minor_km / 1000.0


def least_link(
    problem: Problem,
    first: NDArray[np.int32],
    then: NDArray[np.int32],
    minor_km: float,
    kept: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Minor units of each pair of trips by its cheapest way, over all depots; inf: none."""
    least = np.full(first.size, np.inf)
    for place in problem.depot_place:
        here = links(problem, first, then, int(place), minor_km=minor_km, kept=kept)
        least = np.minimum(least, here.cost_minor)
    return least


def units_of(problem: Problem, runs: Sequence[Run]) -> Units:
    """Runs as what the network chains: when and where each begins and ends."""
    first = np.array([trips[0] for trips in runs], np.int32)
    last = np.array([trips[-1] for trips in runs], np.int32)
    return Units(
        problem.depart_s[first],
        problem.arrive_s[last],
        problem.from_place[first],
        problem.to_place[last],
        problem.allowed.layover_s[last],
    )


def kept_pairs(
    problem: Problem, first: NDArray[np.int32], then: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Pairs that the feed itself has in one block: they need no layover of ours."""
    block = problem.trips["block_id"].to_numpy(object)
    same: NDArray[np.bool_] = np.asarray((block[first] == block[then]) & (block[first] != ""), bool)
    return same


def pull_out(
    problem: Problem, trips: NDArray[np.int32], place: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """When a bus leaves the depot for each trip, as late as it can, and the metres; inf: no way."""
    depot = np.full(trips.size, place, np.int32)
    target = problem.from_place[trips]
    leave = latest_leave(problem.deadheads, depot, target, problem.depart_s[trips].astype(np.int64))
    metres = run_metres(problem.deadheads, depot, target, leave).astype(float)
    return leave, np.where(leave > NEVER_S, metres, np.inf)


def pull_in(
    problem: Problem, trips: NDArray[np.int32], place: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """When a bus reaches the depot after each trip, and the metres; inf: no way."""
    depot = np.full(trips.size, place, np.int32)
    origin, at = problem.to_place[trips], problem.arrive_s[trips].astype(np.int64)
    needed = run_time(problem.deadheads, origin, depot, at)
    metres = run_metres(problem.deadheads, origin, depot, at).astype(float)
    return at + needed, np.where(needed < UNREACHABLE_S, metres, np.inf)
