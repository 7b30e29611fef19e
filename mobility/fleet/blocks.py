"""Vehicle scheduling: trips into blocks, with the least that any blocks can cost."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, overload

import numpy as np

from mobility.fleet import network as flows
from mobility.fleet import rule_costs
from mobility.fleet.days import days_of
from mobility.fleet.depots import assign, crowded, held, rechain, smaller
from mobility.fleet.duty import Schedule
from mobility.fleet.matrix import MatrixProblem
from mobility.fleet.mix import share_out
from mobility.fleet.multidepot import plan_matrix
from mobility.fleet.pairs import network_of
from mobility.fleet.parking import respect_parking
from mobility.fleet.room import share_room
from mobility.fleet.rule_costs import plan_softly
from mobility.fleet.runs import (
    BlockMode,
    Run,
    check_mode,
    drivable_blocks,
    ends_cost,
    inner_cost,
    kept_runs,
    pull_in,
    pull_out,
    units_of,
)
from mobility.stop import seconds_of
from mobility.units import DAY_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mobility.fleet.matrix import MatrixPlan
    from mobility.fleet.mix import Mix, Part
    from mobility.fleet.plan import BlockPlan, Plan
    from mobility.fleet.problem import Problem
    from mobility.stop import Stop


# How often blocks are chained again where cuts make more vehicles than a depot holds.
_REFITS = 8

# Blocks of several depots are improved without being asked up to so many trips, so many exchanges a bus.
_QUICK_TRIPS, _QUICK_EFFORT, _CLOSED = 3_000, 5.0, 1e-6


@overload
def plan_blocks(
    problem: MatrixProblem, *, stop: Stop | None = None, seed: int = 0
) -> MatrixPlan: ...


@overload
def plan_blocks(
    problem: Problem,
    *,
    blocks: BlockMode = "optimise",
    stop: Stop | None = None,
    seed: int = 0,
    price_rules: bool = False,
    start: Plan | BlockPlan | None = None,
) -> BlockPlan: ...


def plan_blocks(
    problem: Problem | MatrixProblem,
    *,
    blocks: BlockMode = "optimise",
    stop: Stop | None = None,
    seed: int = 0,
    price_rules: bool = False,
    start: Plan | BlockPlan | None = None,
) -> BlockPlan | MatrixPlan:
    """Chain timetabled trips into the cheapest vehicle blocks, whatever their batteries.

    With one depot the answer is exact: a min-cost flow on a time-space network. With several, the
    flow with the best depot of every trip is a bound; blocks go to depots within their capacity, every
    depot's trips are chained exactly, and rests of days are exchanged between depots.

    Parameters
    ----------
    problem
        Trips, empty runs, depots, costs and rules; vehicles and chargers play no part. Or a matrix
        of connection costs (``read_mdvsp``): then `multidepot.plan_matrix` answers, with ``stop``
        and ``seed`` alone.
    blocks
        ``optimise`` ignores the feed's block_id; ``given`` keeps its blocks, split only where they
        cannot be driven; ``keep-filled`` keeps the filled ones and optimises the rest.
    stop
        With one depot the flow ends by itself. Several depots are searched: a little where nothing is
        said, and longer with a criterion.
    seed
        Of the search among depots.
    price_rules
        Plan again without each rule of the case, and say in ``rule_costs`` what that would save.
    start
        An earlier plan: where its blocks still hold and cost less than what is found, they are kept.

    Returns
    -------
    BlockPlan or MatrixPlan
        Always. Read ``report.status`` first: an infeasible plan explains itself in ``why``.

    References
    ----------
    Kliewer, Mellouli, Suhl (2006), time-space network.

    Examples
    --------
    >>> print(plan_blocks(problem))
    12 vehicles (optimal, gap 0.00 %, 0.1 s), at least 12
    """
    from mobility.fleet.dispatch import EFFORT
    from mobility.fleet.home_depots import improved
    from mobility.fleet.warm import better_blocks

    if isinstance(problem, MatrixProblem):
        return plan_matrix(problem, stop=stop, seed=seed)
    check_mode(blocks)
    begin = time.perf_counter()

    def solve(asked: Problem) -> BlockPlan:
        return _planned(asked, blocks, seed)

    answer = plan_softly(problem, solve)
    if blocks == "optimise" and _worth_while(problem, answer, stop):
        seconds = seconds_of(stop)
        left = (
            None if seconds is None else max(0.5, 0.9 * (seconds - (time.perf_counter() - begin)))
        )
        effort = _QUICK_EFFORT if stop is None else EFFORT
        answer = improved(problem, answer, effort=effort, seconds=left, seed=seed)
    if start is not None:
        answer = better_blocks(problem, answer, start)
    if price_rules:
        table = rule_costs.price_rules(problem, answer, solve)
        answer = replace(answer, rule_costs=table)
    seconds = time.perf_counter() - begin
    return replace(answer, report=replace(answer.report, seconds=seconds))


def _worth_while(problem: Problem, answer: BlockPlan, stop: Stop | None) -> bool:
    """Whether depots are worth a search: asked for, or of a size where it is quick."""
    gap = answer.report.gap
    if len(problem.depots) < 2 or (gap is not None and gap <= _CLOSED):
        return False
    return stop is not None or len(problem.trips) <= _QUICK_TRIPS


def _planned(problem: Problem, blocks: BlockMode, seed: int) -> BlockPlan:
    """Plan under all the rules that a problem has."""
    from mobility.fleet.plan import block_plan

    start = time.perf_counter()
    mix = share_out(problem, blocks, battery=False)
    groups = [part.rows for part in mix.parts]
    own, told = drivable_blocks(problem, groups, problem.costs.deadhead_km_minor, blocks)
    found = merged(own, mix, schedule_parts(own, mix, blocks), blocks)
    answer = block_plan(own, found, blocks, time.perf_counter() - start, seed)
    return replace(answer, problem=problem, findings=tuple(told))


def schedule_parts(
    problem: Problem, mix: Mix, blocks: BlockMode
) -> tuple[list[Schedule], list[Schedule]]:
    """Schedule every part of a fleet: alone with all the room there is, and beside each other."""

    def planned(part: Part) -> Callable[[Problem], Schedule]:
        view = problem.of_type(part.vehicle)
        return lambda room: schedule(
            replace(view, depots=room.depots),
            part.rows,
            part.minor_km,
            blocks,
            vehicle=part.vehicle,
        )

    return share_room(problem, [planned(part) for part in mix.parts])


def merged(
    problem: Problem, mix: Mix, parts: tuple[list[Schedule], list[Schedule]], blocks: BlockMode
) -> Schedule:
    """The parts of a fleet as one schedule, with a bound that holds however the trips are shared out."""
    alone, together = parts
    bound, fewest = fleet_bound(problem, mix, alone, blocks)
    found = tuple(one for part in alone for one in part.findings)
    if mix.why:
        return Schedule((), bound, fewest, mix.why, mix.proven, found)
    for part in (*alone, *together):
        if part.why:
            proven = part.proven and (mix.one_type or held(problem) < fewest)
            return Schedule((), bound, fewest, part.why, proven, found)
    if held(problem) < fewest:
        return Schedule((), bound, fewest, _no_room(problem, fewest), True, found)
    duties = tuple(sorted((duty for part in together for duty in part.duties),
                          key=lambda duty: duty.trips))  # fmt: skip
    return Schedule(duties, bound, fewest, findings=found)


def fleet_bound(
    problem: Problem, mix: Mix, alone: list[Schedule], blocks: BlockMode
) -> tuple[float, int]:
    """What vehicles, empty running and waiting cost at least, and the least number of vehicles.

    Where every trip's type is forced, the parts' own bounds add up. Else each group of routes is
    taken as driven by a bus with the least costs of all types.
    """
    if mix.one_type:
        return sum(one.bound_minor for one in alone), sum(one.vehicles_bound for one in alone)
    costs = replace(problem.costs, vehicle_day_minor=mix.day_minor)
    cheapest = replace(problem, costs=costs)
    bound, fewest = 0.0, 0
    for lost in (False, True):
        for group in np.unique(problem.allowed.group):
            rows = np.flatnonzero((mix.beyond == lost) & (problem.allowed.group == group))
            if rows.size:
                least = least_of(cheapest, rows.astype(np.int32), mix.minor_km, blocks)
                bound, fewest = bound + least.bound_minor, fewest + least.vehicles_bound
    return bound, fewest


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
    least, chained = _relaxed(problem, runs, minor_km, blocks)
    least = replace(least, findings=tuple(told))
    if least.why:
        return least
    if chained is None:
        placed = assign(problem, runs, minor_km, keep=True)
        if placed is None:
            return replace(least, why=_no_room(problem, len(runs)))
        return _finished(problem, runs, placed, minor_km, vehicle, keep, least)
    chains = flows.chains_of(chained)
    if len(problem.depots) == 1:
        joined = [tuple(trip for unit in chain for trip in runs[unit]) for chain in chains]
        homes = np.zeros(len(joined), np.int64)
    else:
        several = rechain(problem, runs, chains, minor_km=minor_km, keep=keep)
        if several is None:
            proven = held(problem) < least.vehicles_bound
            return replace(least, why=_no_room(problem, len(chains)), proven=proven)
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
    net = network_of(roomy, runs, roomy.depot_place, minor_km=minor_km)
    needed = flows.least(net)
    fewest = len(runs) if needed is None else needed[1]
    return f"the trips need at least {fewest} buses, the depots hold {held(problem):.0f}: raise a capacity"
