"""Vehicle scheduling: trips into blocks, with the least that any blocks can cost."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, overload

import numpy as np

from mobility.fleet import rule_costs
from mobility.fleet.depots import held
from mobility.fleet.duty import Schedule
from mobility.fleet.matrix import MatrixProblem
from mobility.fleet.mix import groups, share_out
from mobility.fleet.multidepot import plan_matrix
from mobility.fleet.room import share_room
from mobility.fleet.rule_costs import plan_softly
from mobility.fleet.runs import (
    BlockMode,
    check_mode,
    drivable_blocks,
)
from mobility.fleet.schedule import least_of, no_room, schedule
from mobility.stop import seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mobility.fleet.duty import Duty
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
    45 vehicles (feasible, gap 0.04%, ... s), at least 45
    """
    from mobility.fleet.dispatch import EFFORT
    from mobility.fleet.home_depots import improved
    from mobility.fleet.warm import better_blocks

    if isinstance(problem, MatrixProblem):
        return plan_matrix(problem, stop=stop, seed=seed)
    check_mode(blocks)
    begin = time.perf_counter()

    limit_s = seconds_of(stop)

    def solve(asked: Problem) -> BlockPlan:
        found = _planned(asked, blocks, seed)
        if blocks != "optimise" or not _worth_while(asked, found, stop):
            return found
        left = None
        if limit_s is not None:
            left = max(0.5, 0.9 * (limit_s - (time.perf_counter() - begin)))
        effort = _QUICK_EFFORT if stop is None else EFFORT
        return improved(asked, found, effort=effort, seconds=left, seed=seed)

    answer = plan_softly(problem, solve)
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
    room = problem
    for _ in range(_REFITS):
        mix = share_out(room, blocks, battery=False)
        rows = [part.rows for part in mix.parts]
        own, told = drivable_blocks(problem, rows, problem.costs.deadhead_km_minor, blocks)
        parts = schedule_parts(own, mix, blocks)
        found = merged(own, mix, parts, blocks)
        over = over_count(problem, [duty for part in parts[1] for duty in part.duties])
        if not found.why or not over or len(problem.vehicles) == 1:
            break
        room = scarcer(room, over)  # chained, a type's trips take more buses than it has
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
    for part in alone:
        if part.why:
            proven = part.proven and (mix.one_type or held(problem) < fewest)
            return Schedule((), bound, fewest, part.why, proven, found)
    if held(problem) < fewest:
        return Schedule((), bound, fewest, no_room(problem, fewest), True, found)
    if any(part.why for part in together):
        needed = sum(len(part.duties) for part in alone)
        return Schedule((), bound, fewest, no_room(problem, needed), False, found)
    duties = tuple(sorted((duty for part in together for duty in part.duties),
                          key=lambda duty: duty.trips))  # fmt: skip
    if over := over_count(problem, duties):
        row = max(over, key=lambda one: (over[one], -one))
        bus = problem.vehicles[row]
        why = (
            f"{over[row] + (bus.count or 0)} buses of type {bus.id!r} are needed and there are "
            f"{bus.count}: allow more types on some routes, or raise the count"
        )
        # Buses that stand in for a type are no proof against its count.
        alone_type = len(problem.vehicles) == 1 and not mix.beyond.any()
        return Schedule((), bound, fewest, why, alone_type and fewest > (bus.count or 0), found)
    return Schedule(duties, bound, fewest, findings=found)


def over_count(problem: Problem, duties: Sequence[Duty]) -> dict[int, int]:
    """Buses of each type beyond its count, where there are any."""
    used = Counter(duty.vehicle for duty in duties if duty.vehicle >= 0)
    most = {row: bus.count for row, bus in enumerate(problem.vehicles) if bus.count is not None}
    return {row: used[row] - count for row, count in most.items() if used[row] > count}


def scarcer(problem: Problem, by: dict[int, int]) -> Problem:
    """The problem with so many buses less of each type; never below none."""
    vehicles = tuple(
        bus if bus.count is None else replace(bus, count=max(0, bus.count - by.get(row, 0)))
        for row, bus in enumerate(problem.vehicles)
    )
    return replace(problem, vehicles=vehicles)


def fleet_bound(
    problem: Problem, mix: Mix, alone: list[Schedule], blocks: BlockMode
) -> tuple[float, int]:
    """What vehicles, empty running and waiting cost at least, and the least number of vehicles.

    Where every trip's type is forced, the parts' own bounds add up. Else each group of routes is
    taken as driven by a bus with the least costs of all types, trips beyond a battery apart only where
    no company could make them short enough.
    """
    if mix.one_type:
        return sum(one.bound_minor for one in alone), sum(one.vehicles_bound for one in alone)
    costs = replace(problem.costs, vehicle_day_minor=mix.day_minor)
    cheapest = replace(problem, costs=costs)
    bound, fewest, group_of = 0.0, 0, groups(problem, blocks)
    apart = mix.beyond & (not mix.in_company)
    for lost in (False, True):
        for group in np.unique(group_of):
            rows = np.flatnonzero((apart == lost) & (group_of == group))
            if rows.size:
                least = least_of(cheapest, rows.astype(np.int32), mix.minor_km, blocks)
                bound, fewest = bound + least.bound_minor, fewest + least.vehicles_bound
    return bound, fewest
