"""Vehicle scheduling: trips into blocks, with the least that any blocks can cost."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet import network as flows
from mobility.fleet.depots import assign, crowded, held, rechain, smaller
from mobility.fleet.duty import STRAIGHT, Duty
from mobility.fleet.links import links
from mobility.fleet.runs import (
    BlockMode,
    Run,
    check_mode,
    drivable_blocks,
    ends_cost,
    inner_cost,
    kept_pairs,
    kept_runs,
    pull_in,
    pull_out,
    units_of,
)
from mobility.units import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.findings import Finding
    from mobility.fleet.plan import BlockPlan
    from mobility.fleet.problem import Problem
    from mobility.stop import Stop


# How often blocks are chained again where cuts make more vehicles than a depot holds.
_REFITS = 8


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
    check_mode(blocks)
    start = time.perf_counter()
    rows = np.arange(len(problem.trips), dtype=np.int32)
    km_minor = problem.costs.deadhead_km_minor
    own, told = drivable_blocks(problem, [rows], km_minor, blocks)
    found = schedule(own, rows, km_minor, blocks, vehicle=0)
    answer = block_plan(own, found, blocks, time.perf_counter() - start, seed)
    return replace(answer, problem=problem, findings=tuple(told))


def schedule(
    problem: Problem, rows: NDArray[np.int32], minor_km: float, blocks: BlockMode, *, vehicle: int
) -> Schedule:
    """Chain some of a problem's trips; ``minor_km`` prices a km of empty running.

    Where cuts make more vehicles than a depot holds, again with so much less room. The bounds stay
    those of the room there is.
    """
    first = _scheduled(problem, rows, minor_km, blocks, vehicle=vehicle)
    found, room = first, problem
    for _ in range(_REFITS):
        over = crowded(problem, [duty.depot for duty in found.duties])
        if found.why or not over:
            break
        room = smaller(room, over)
        found = _scheduled(room, rows, minor_km, blocks, vehicle=vehicle)
    if not first.why and (found.why or crowded(problem, [duty.depot for duty in found.duties])):
        why = _no_room(problem, len(first.duties))
        return replace(first, duties=(), why=why, proven=False)
    return replace(found, bound_minor=first.bound_minor, vehicles_bound=first.vehicles_bound)


def _scheduled(
    problem: Problem, rows: NDArray[np.int32], minor_km: float, blocks: BlockMode, *, vehicle: int
) -> Schedule:
    if rows.size == 0:
        return Schedule((), 0.0, 0)
    keep = blocks != "optimise"
    runs, told = kept_runs(problem, rows, minor_km, blocks)
    found = tuple(told)
    bound = inner_cost(problem, runs, minor_km)
    if blocks == "given":
        if why := _out_of_reach(problem, runs):  # nothing comes before a given block, or after it
            return Schedule((), 0.0, 0, why, True, found)
        bound += ends_cost(problem, runs, minor_km) + len(runs) * problem.costs.vehicle_day_minor
        placed = assign(problem, runs, minor_km, keep=True)
        if placed is None:
            return Schedule((), bound, len(runs), _no_room(problem, len(runs)), True, found)
        return _finished(problem, runs, placed, minor_km, vehicle, keep, (bound, len(runs)), found)

    units = units_of(problem, runs)
    net = flows.build(problem, units, problem.depot_place, minor_km=minor_km)
    chained = flows.chain(net)
    limits = (chained.bound_minor, chained.vehicles_bound) if chained.feasible else None
    if problem.rules.min_layover_s == 0 and (units.arrive_s <= units.depart_s).any():
        net = flows.build(problem, units, problem.depot_place, minor_km=minor_km, instant=True)
        limits = flows.least(net)
    if limits is None:
        return Schedule((), 0.0, 0, _too_little_room(problem, runs, minor_km), True, found)
    limits = (limits[0] + bound, limits[1])
    if not chained.feasible:
        return Schedule((), *limits, _too_little_room(problem, runs, minor_km), False, found)
    chains = flows.chains_of(chained)
    if len(problem.depots) == 1:
        joined = [tuple(trip for unit in chain for trip in runs[unit]) for chain in chains]
        homes = np.zeros(len(joined), np.int64)
    else:
        several = rechain(problem, runs, chains, minor_km=minor_km, keep=keep)
        if several is None:
            proven = held(problem) < limits[1]
            return Schedule((), *limits, _no_room(problem, len(chains)), proven, found)
        joined = [chain for _, own in several for chain in own]
        homes = np.repeat([depot for depot, _ in several], [len(own) for _, own in several])
    return _finished(problem, joined, homes, minor_km, vehicle, keep, limits, found)


def _finished(
    problem: Problem,
    chains: list[Run],
    homes: NDArray[np.int64],
    minor_km: float,
    vehicle: int,
    keep: bool,
    limits: tuple[float, int],
    found: tuple[Finding, ...],
) -> Schedule:
    """Make chains into duties; a duty that cannot begin or end at its depot is no answer."""
    duties = _duties(problem, chains, homes, minor_km, vehicle, keep)
    for depot, place in enumerate(problem.depot_place.tolist()):
        own = [duty.trips for duty in duties if duty.depot == depot]
        first = np.array([trips[0] for trips in own], np.int32)
        last = np.array([trips[-1] for trips in own], np.int32)
        leave, out_m = pull_out(problem, first, place)
        back, in_m = pull_in(problem, last, place)
        lost = ~np.isfinite(out_m + in_m) | (back - leave > DAY_S)
        if lost.any():
            name = problem.trips["trip_id"].iloc[int(last[np.flatnonzero(lost)[0]])]
            why = (
                f"the block that ends with trip {name!r} passes 24 hours, or no empty run leads to it "
                f"from depot {problem.depots[depot].id!r} and back: add its terminals to the deadheads"
            )
            return Schedule((), *limits, why, False, found)
    return Schedule(duties, *limits, findings=found)


def _duties(
    problem: Problem,
    chains: list[Run],
    placed: NDArray[np.int64],
    minor_km: float,
    vehicle: int,
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
        links_here = slice(at, at + len(trips) - 1)
        for start, end in _days(problem, trips, depot, broken[links_here]):
            way = np.where(via[at + start : at + end - 1], depot, STRAIGHT).tolist()
            duties.append(Duty(depot, trips[start:end], tuple(way), vehicle))
        at += len(trips) - 1
    return tuple(sorted(duties, key=lambda duty: duty.trips))


def _days(
    problem: Problem, trips: Run, depot: int, broken: NDArray[np.bool_]
) -> list[tuple[int, int]]:
    """Cut a chain at its broken links, and as late as it can go where it passes 24 hours.

    A day may end only where a run leads home, and the next one begin only where one leads out; where
    there is no such place the day stays too long, and `_finished` says so.
    """
    row, place = np.array(trips, np.int32), int(problem.depot_place[depot])
    leave, out_m = pull_out(problem, row, place)
    back, in_m = pull_in(problem, row, place)
    days, start = [], 0
    for stop in [*(np.flatnonzero(broken) + 1).tolist(), len(trips)]:
        while back[stop - 1] - leave[start] > DAY_S:
            ends = np.arange(start + 1, stop)
            fits = np.isfinite(in_m[ends - 1]) & np.isfinite(out_m[ends])
            fits &= back[ends - 1] - leave[start] <= DAY_S
            if not fits.any():
                break
            days.append((start, int(ends[fits][-1])))
            start = days[-1][1]
        days.append((start, stop))
        start = stop
    return days


def _no_room(problem: Problem, needed: int) -> str:
    return (
        f"the depots hold {held(problem):.0f} buses, {needed} are needed: raise a depot's capacity, "
        "or look whether every trip can be reached from a depot"
    )


def _out_of_reach(problem: Problem, runs: list[Run]) -> str:
    """Name the trips that no depot reaches, or that lead to none; empty where there are none."""
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
    return ""


def _too_little_room(problem: Problem, runs: list[Run], minor_km: float) -> str:
    """Say which trips no depot reaches, or else how many buses the depots would have to hold."""
    if why := _out_of_reach(problem, runs):
        return why
    roomy = replace(problem, depots=tuple(replace(one, capacity=None) for one in problem.depots))
    net = flows.build(roomy, units_of(roomy, runs), roomy.depot_place, minor_km=minor_km)
    needed = flows.least(net)
    fewest = len(runs) if needed is None else needed[1]
    return f"the trips need at least {fewest} buses, the depots hold {held(problem):.0f}: raise a capacity"
