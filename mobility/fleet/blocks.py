"""Vehicle scheduling: trips into blocks, with the least that any blocks can cost."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from mobility.findings import Finding, finding
from mobility.fleet import network as flows
from mobility.fleet.depots import assign
from mobility.fleet.links import NEVER_S, latest_leave, links, run_metres, run_time
from mobility.fleet.problem import UNREACHABLE_S
from mobility.units import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.plan import BlockPlan
    from mobility.fleet.problem import Problem
    from mobility.stop import Stop

BlockMode = Literal["optimise", "given", "keep-filled"]
MODES: tuple[BlockMode, ...] = ("optimise", "given", "keep-filled")


@dataclass(frozen=True)
class Duty:
    """A vehicle's day: trips (rows of ``problem.trips``) in order, and between which it goes home."""

    depot: int
    trips: tuple[int, ...]
    via: tuple[bool, ...]
    electric: bool = True


@dataclass(frozen=True)
class Schedule:
    """Duties, or why there are none; the bound covers vehicles, empty running and waiting."""

    duties: tuple[Duty, ...]
    bound_minor: float
    vehicles_bound: int
    why: str = ""
    proven: bool = True
    findings: tuple[Finding, ...] = ()


def plan_blocks(
    problem: Problem, *, blocks: BlockMode = "optimise", stop: Stop | None = None, seed: int = 0
) -> BlockPlan:
    """Chain timetabled trips into the cheapest vehicle blocks, whatever their batteries.

    With one depot the answer is exact: a min-cost flow on a time-space network. With several, the
    flow with the best depot of every trip is the bound; blocks go to depots within their capacity,
    and every depot's trips are chained exactly.

    Parameters
    ----------
    problem
        Trips, empty runs, depots, costs and rules; vehicles and chargers play no part.
    blocks
        ``optimise`` ignores the feed's block_id; ``given`` keeps its blocks, split only where they
        cannot be driven; ``keep-filled`` keeps the filled ones and optimises the rest.
    stop
        Taken for the family's sake: the flow ends by itself.
    seed
        Nothing here is random; it is noted in the report.

    Returns
    -------
    BlockPlan
        Always. Read ``report.status`` first: an infeasible plan explains itself in ``why``.

    References
    ----------
    Kliewer, Mellouli, Suhl (2006), time-space network.

    Examples
    --------
    >>> print(plan_blocks(problem))
    12 vehicles (optimal, gap 0.00 %, 0.1 s), at least 12
    """
    from mobility.fleet.plan import block_plan

    del stop  # one exact solve: there is nothing to improve
    start = time.perf_counter()
    rows = np.arange(len(problem.trips), dtype=np.int32)
    found = schedule(problem, rows, problem.costs.deadhead_km_minor, blocks, electric=False)
    return block_plan(problem, found, blocks, time.perf_counter() - start, seed)


def schedule(
    problem: Problem, rows: NDArray[np.int32], minor_km: float, blocks: BlockMode, *, electric: bool
) -> Schedule:
    """Chain some of a problem's trips; ``minor_km`` prices a km of empty running."""
    if rows.size == 0:
        return Schedule((), 0.0, 0)
    keep = blocks != "optimise"
    runs, found = _kept_runs(problem, rows, minor_km, blocks)
    inner = _inner_cost(problem, runs, minor_km)
    if blocks == "given":
        bound = inner + _ends_cost(problem, runs, minor_km)
        bound += len(runs) * problem.costs.vehicle_day_minor
        placed = assign(problem, runs, minor_km, keep=True)
        if placed is None:
            return Schedule((), bound, len(runs), _no_room(problem, len(runs)), True, tuple(found))
        duties = _duties(problem, runs, placed, minor_km, electric, keep)
        return Schedule(duties, bound, len(runs), findings=tuple(found))

    net = flows.build(problem, _units(problem, runs), problem.depot_place, minor_km=minor_km)
    chained = flows.chain(net)
    if not chained.feasible:
        return Schedule((), 0.0, 0, _why_infeasible(problem, runs, minor_km), True, tuple(found))
    fewest = flows.fewest_vehicles(net, chained.vehicles)
    bound = chained.bound_minor + inner
    chains = [_joined(runs, chain) for chain in _chains(chained)]
    if len(problem.depots) == 1:
        duties = _duties(problem, chains, np.zeros(len(chains), np.int64), minor_km, electric, keep)
        return Schedule(duties, bound, fewest, findings=tuple(found))
    placed = assign(problem, chains, minor_km, keep=keep)
    if placed is None:
        proven = _held(problem) < fewest
        return Schedule((), bound, fewest, _no_room(problem, len(chains)), proven, tuple(found))
    rechained = _by_depot(problem, runs, chains, placed, minor_km, electric, keep)
    if rechained is None:
        return Schedule((), bound, fewest, _no_room(problem, len(chains)), False, tuple(found))
    return Schedule(rechained, bound, fewest, findings=tuple(found))


def kept_pairs(problem: Problem, first: NDArray[np.int32], then: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Pairs that the feed itself has in one block: they need no layover of ours."""
    block = problem.trips["block_id"].to_numpy(object)
    same: NDArray[np.bool_] = np.asarray((block[first] == block[then]) & (block[first] != ""), bool)
    return same


def _kept_runs(
    problem: Problem, rows: NDArray[np.int32], minor_km: float, blocks: BlockMode
) -> tuple[list[tuple[int, ...]], list[Finding]]:
    """Trips that stay together: alone when all is optimised, else as the feed's blocks say."""
    if blocks == "optimise":
        return [(int(row),) for row in rows], []
    block = problem.trips["block_id"].to_numpy(object)
    by_block: dict[str, list[int]] = {}
    runs: list[tuple[int, ...]] = []
    for row in rows.tolist():
        if block[row]:
            by_block.setdefault(block[row], []).append(row)
        else:
            runs.append((row,))
    filled = [tuple(trips) for trips in by_block.values()]
    first = np.array([one for trips in filled for one in trips[:-1]], np.int32)
    then = np.array([one for trips in filled for one in trips[1:]], np.int32)
    cost = _least_link(problem, first, then, minor_km, np.ones(first.size, bool))
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


def _units(problem: Problem, runs: list[tuple[int, ...]]) -> flows.Units:
    first = np.array([trips[0] for trips in runs], np.int32)
    last = np.array([trips[-1] for trips in runs], np.int32)
    return flows.Units(
        problem.depart_s[first], problem.arrive_s[last], problem.from_place[first], problem.to_place[last]
    )


def _least_link(
    problem: Problem,
    first: NDArray[np.int32],
    then: NDArray[np.int32],
    minor_km: float,
    kept: NDArray[np.bool_],
) -> NDArray[np.float64]:
    least = np.full(first.size, np.inf)
    for place in problem.depot_place:
        here = links(problem, first, then, int(place), minor_km=minor_km, kept=kept)
        least = np.minimum(least, here.cost_minor)
    return least


def _inner_cost(problem: Problem, runs: list[tuple[int, ...]], minor_km: float) -> float:
    """What the connections inside kept runs cost at least."""
    first = np.array([one for trips in runs for one in trips[:-1]], np.int32)
    then = np.array([one for trips in runs for one in trips[1:]], np.int32)
    if first.size == 0:
        return 0.0
    return float(_least_link(problem, first, then, minor_km, np.ones(first.size, bool)).sum())


def _ends_cost(problem: Problem, runs: list[tuple[int, ...]], minor_km: float) -> float:
    """Least pull-out and pull-in of every run, each from its own best depot."""
    first = np.array([trips[0] for trips in runs], np.int32)
    last = np.array([trips[-1] for trips in runs], np.int32)
    out, home = np.full(first.size, np.inf), np.full(first.size, np.inf)
    for place in problem.depot_place:
        out = np.minimum(out, pull_out(problem, first, int(place))[1])
        home = np.minimum(home, pull_in(problem, last, int(place))[1])
    ends = out + home
    return float(ends[np.isfinite(ends)].sum()) * minor_km / 1000.0


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


def _chains(chained: flows.Chaining) -> list[list[int]]:
    chains = []
    for unit in np.flatnonzero(chained.before < 0).tolist():
        chain, here = [], unit
        while here >= 0:
            chain.append(here)
            here = int(chained.after[here])
        chains.append(chain)
    return chains


def _joined(runs: list[tuple[int, ...]], chain: list[int]) -> tuple[int, ...]:
    return tuple(trip for unit in chain for trip in runs[unit])


def _by_depot(
    problem: Problem,
    runs: list[tuple[int, ...]],
    chains: list[tuple[int, ...]],
    placed: NDArray[np.int64],
    minor_km: float,
    electric: bool,
    keep: bool,
) -> tuple[Duty, ...] | None:
    """Chain every depot's trips anew, exactly; never dearer than the chains that came in."""
    home = np.zeros(len(problem.trips), np.int64)
    for chain, depot in zip(chains, placed, strict=True):
        home[list(chain)] = depot
    duties: list[Duty] = []
    for depot, place in enumerate(problem.depot_place):
        own = [trips for trips in runs if home[trips[0]] == depot]
        if not own:
            continue
        net = flows.build(problem, _units(problem, own), np.array([place], np.int32), minor_km=minor_km)
        chained = flows.chain(net)
        if not chained.feasible:
            return None
        joined = [_joined(own, chain) for chain in _chains(chained)]
        duties += _duties(problem, joined, np.full(len(joined), depot), minor_km, electric, keep)
    return tuple(sorted(duties, key=lambda duty: duty.trips))


def _duties(
    problem: Problem,
    chains: list[tuple[int, ...]],
    placed: NDArray[np.int64],
    minor_km: float,
    electric: bool,
    keep: bool,
) -> tuple[Duty, ...]:
    """Give every connection its cheaper way; cut where a rule that the flow relaxes needs it.

    The flow relaxes two rules: waits add up along a time line past ``max_wait_s``, and nothing
    ends a vehicle's day after 24 hours. Such chains are cut here: more vehicles, an honest gap.
    """
    first = np.array([one for trips in chains for one in trips[:-1]], np.int32)
    then = np.array([one for trips in chains for one in trips[1:]], np.int32)
    homes = np.repeat(placed, [len(trips) - 1 for trips in chains])
    here = links(problem, first, then, problem.depot_place[homes], minor_km=minor_km,
                 kept=kept_pairs(problem, first, then) if keep else None)  # fmt: skip
    broken, via = ~np.isfinite(here.cost_minor), here.via
    duties, at = [], 0
    for trips, depot in zip(chains, placed.tolist(), strict=True):
        place = int(problem.depot_place[depot])
        row = np.array(trips, np.int32)
        leave, back = pull_out(problem, row, place)[0], pull_in(problem, row, place)[0]
        start = 0
        for step in range(1, len(trips)):
            if broken[at + step - 1] or back[step] - leave[start] > DAY_S:
                duties.append(Duty(depot, trips[start:step], tuple(via[at + start : at + step - 1].tolist()), electric))
                start = step
        duties.append(Duty(depot, trips[start:], tuple(via[at + start : at + len(trips) - 1].tolist()), electric))
        at += len(trips) - 1
    return tuple(sorted(duties, key=lambda duty: duty.trips))


def _held(problem: Problem) -> float:
    return sum(float("inf") if one.capacity is None else one.capacity for one in problem.depots)


def _no_room(problem: Problem, needed: int) -> str:
    return (
        f"the depots hold {_held(problem):.0f} buses, {needed} are needed: raise a depot's capacity, "
        "or look whether every trip can be reached from a depot"
    )


def _why_infeasible(problem: Problem, runs: list[tuple[int, ...]], minor_km: float) -> str:
    """Name the trips no depot reaches, or else how many buses the depots would have to hold."""
    first = np.array([trips[0] for trips in runs], np.int32)
    last = np.array([trips[-1] for trips in runs], np.int32)
    no_out = np.ones(first.size, bool)
    no_in = np.ones(first.size, bool)
    for place in problem.depot_place:
        no_out &= ~np.isfinite(pull_out(problem, first, int(place))[1])
        no_in &= ~np.isfinite(pull_in(problem, last, int(place))[1])
    for lost, rows, way in ((no_out, first, "to"), (no_in, last, "from")):
        if lost.any():
            name = problem.trips["trip_id"].iloc[int(rows[np.flatnonzero(lost)[0]])]
            return (
                f"no empty run leads {way} {int(lost.sum())} trips from or to any depot, the first is "
                f"{name!r}: add its terminal to the deadheads or give the stop a location"
            )
    roomy = replace(problem, depots=tuple(replace(one, capacity=None) for one in problem.depots))
    net = flows.build(roomy, _units(roomy, runs), roomy.depot_place, minor_km=minor_km)
    chained = flows.chain(net)
    fewest = flows.fewest_vehicles(net, chained.vehicles) if chained.feasible else len(runs)
    return f"the trips need at least {fewest} buses, the depots hold {_held(problem):.0f}: raise a capacity"
