"""One type's trips of one group of routes, chained into duties, with the least that they can cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet import network as flows
from mobility.fleet.days import days_of
from mobility.fleet.depots import assign, crowded, held, rechain, smaller
from mobility.fleet.duty import Schedule
from mobility.fleet.pairs import network_of
from mobility.fleet.parking import respect_parking
from mobility.fleet.runs import (
    BlockMode,
    Run,
    ends_cost,
    inner_cost,
    kept_runs,
    pull_in,
    pull_out,
    units_of,
)
from mobility.units import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem

# How often blocks are chained again where cuts make more vehicles than a depot holds.
_REFITS = 8


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
        why = no_room(problem, len(first.duties))
        return replace(first, duties=(), why=why, proven=False)
    return replace(found, bound_minor=first.bound_minor, vehicles_bound=first.vehicles_bound)


def _scheduled(
    problem: Problem, rows: NDArray[np.int32], minor_km: float, blocks: BlockMode, *, vehicle: int
) -> Schedule:
    if rows.size == 0:
        return Schedule((), 0.0, 0)
    keep = blocks != "optimise"
    runs, told = kept_runs(problem, rows, minor_km, blocks)
    least, chained = _relaxed(problem, runs, minor_km, blocks)
    least = replace(least, findings=tuple(told))
    if least.why:
        return least
    if chained is None:
        placed = assign(problem, runs, minor_km, keep=True)
        if placed is None:
            return replace(least, why=no_room(problem, len(runs)))
        return _finished(problem, runs, placed, minor_km, vehicle, keep, least)
    chains = flows.chains_of(chained)
    if len(problem.depots) == 1:
        joined = [tuple(trip for unit in chain for trip in runs[unit]) for chain in chains]
        homes = np.zeros(len(joined), np.int64)
    else:
        several = rechain(problem, runs, chains, minor_km=minor_km, keep=keep)
        if several is None:
            proven = held(problem) < least.vehicles_bound
            return replace(least, why=no_room(problem, len(chains)), proven=proven)
        joined = [chain for _, own in several for chain in own]
        homes = np.repeat([depot for depot, _ in several], [len(own) for _, own in several])
    return _finished(problem, joined, homes, minor_km, vehicle, keep, least)


def least_of(
    problem: Problem, rows: NDArray[np.int32], minor_km: float, blocks: BlockMode
) -> Schedule:
    """The bounds of some trips, without duties."""
    return _relaxed(problem, kept_runs(problem, rows, minor_km, blocks)[0], minor_km, blocks)[0]


def _relaxed(
    problem: Problem, runs: list[Run], minor_km: float, blocks: BlockMode
) -> tuple[Schedule, flows.Chaining | None]:
    """Bounds of some runs, and their chains where they are still to be chained."""
    bound = inner_cost(problem, runs, minor_km)
    if blocks == "given":
        if why := _out_of_reach(problem, runs):  # nothing comes before a given block, or after it
            return Schedule((), 0.0, 0, why), None
        bound += ends_cost(problem, runs, minor_km) + len(runs) * problem.costs.vehicle_day_minor
        return Schedule((), bound, len(runs)), None
    units = units_of(problem, runs)
    net = network_of(problem, runs, problem.depot_place, minor_km=minor_km)
    chained = flows.chain(net)
    limits = (chained.bound_minor, chained.vehicles_bound) if chained.feasible else None
    if (
        (problem.allowed.layover_s[[run[-1] for run in runs]] == 0)
        & (units.arrive_s <= units.depart_s)
    ).any():
        net = network_of(problem, runs, problem.depot_place, minor_km=minor_km, instant=True)
        limits = flows.least(net)
    if limits is None:
        return Schedule((), 0.0, 0, _too_little_room(problem, runs, minor_km)), chained
    least = Schedule((), limits[0] + bound, limits[1])
    if not chained.feasible:
        least = replace(least, why=_too_little_room(problem, runs, minor_km), proven=False)
    return least, chained


def _finished(
    problem: Problem,
    chains: list[Run],
    homes: NDArray[np.int64],
    minor_km: float,
    vehicle: int,
    keep: bool,
    least: Schedule,
) -> Schedule:
    """Make chains into duties; a duty that cannot begin or end at its depot is no answer."""
    duties = days_of(problem, chains, homes, minor_km=minor_km, vehicle=vehicle, keep=keep)
    duties = respect_parking(problem, duties, minor_km=minor_km, keep=keep)
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
            return replace(least, why=why, proven=False)
    return replace(least, duties=duties)


def no_room(problem: Problem, needed: int) -> str:
    """Say how many buses the depots hold and how many are needed."""
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
    net = network_of(roomy, runs, roomy.depot_place, minor_km=minor_km)
    needed = flows.least(net)
    fewest = len(runs) if needed is None else needed[1]
    return f"the trips need at least {fewest} buses, the depots hold {held(problem):.0f}: raise a capacity"
