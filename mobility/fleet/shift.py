"""Departures of headway services that move a little, where that saves a bus.

Passengers of a headway service read no timetable, so a departure may move by ``shift_s`` either way,
and the whole series of a route direction by ``phase_s``. Which connections can hold together is a
system of difference constraints (see ``slack``): each is added if the others leave room for it.

A first guess of the connections is the exact flow on optimistic trips, each as late to start and as
early to end as it may be. Its value is at the same time a bound for *any* shifting: whatever
departures are chosen, every connection they allow is one of the optimistic ones.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.fleet.blocks import plan_blocks
from mobility.fleet.limits import not_negative
from mobility.fleet.moves import Limits
from mobility.shown import Shown
from mobility.stop import Progress
from mobility.units import format_money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mobility.fleet.plan import BlockPlan
    from mobility.fleet.problem import Deadheads, Problem
    from mobility.stop import Stop

# How often blocks and timetable are fitted to each other from one start.
_ROUNDS = 6
# How far optimistic trips reach: those that reach farther promise what does not hold together
# (measured on the buses of Mexico City, where 30 to 60 s gave the best start for any limit).
_REACHES = (60, 30, 120)
_LEAST_REACH = 7


@dataclass(frozen=True, eq=False)
class Shifted(Shown):
    """Headway departures that moved, the blocks they give, and what cannot be beaten.

    Parameters
    ----------
    problem
        As asked, with the new ``depart_s`` and ``arrive_s``; ``planned_depart_s`` in its trips are
        the old ones.
    moved
        trip_id, route_id, planned_depart_s, depart_s, by_s: the trips that moved, by new departure.
    before, after
        Blocks of the trips as planned, and as moved.
    vehicles_bound, bound_minor
        No shifting within the limits, and no blocks, need fewer vehicles or cost less; the money
        covers vehicles and empty running.
    seconds
        Wall time.
    """

    problem: Problem
    moved: pd.DataFrame
    before: BlockPlan
    after: BlockPlan
    vehicles_bound: int
    bound_minor: float
    seconds: float = 0.0

    @property
    def saved_vehicles(self) -> int:
        """Buses that the shifting saves."""
        return self.before.vehicles - self.after.vehicles

    @property
    def saved_minor(self) -> float:
        """Minor units a day that it saves."""
        one, other = self.before.report.objective, self.after.report.objective
        return 0.0 if one is None or other is None else one - other

    def __str__(self) -> str:
        currency = self.problem.currency
        most = 0 if self.moved.empty else int(self.moved["by_s"].abs().max())
        return (
            f"{self.saved_vehicles} of {self.before.vehicles} vehicles saved "
            f"({format_money(self.saved_minor, currency)} a day) by moving {len(self.moved):,} of "
            f"{len(self.problem.trips):,} trips by up to {most} s; at least {self.vehicles_bound} "
            "are needed however they move"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "saved_vehicles": self.saved_vehicles,
            "saved_minor": self.saved_minor,
            "vehicles_before": self.before.vehicles,
            "vehicles_after": self.after.vehicles,
            "vehicles_bound": self.vehicles_bound,
            "bound": self.bound_minor,
            "moved": self.moved.to_dict("records"),
            "seconds": round(self.seconds, 3),
        }


def shift(
    problem: Problem,
    *,
    shift_s: int | None = None,
    phase_s: int | None = None,
    stop: Stop | None = None,
) -> Shifted:
    """Move departures of headway services within their limits, where that makes blocks cheaper.

    The blocks are those of ``plan_blocks``, whatever the feed's own say.

    Running times stay, and so does the order of departures of a series (route, direction, first and
    last stop). Beside the common phase of its series no departure moves by more than ``shift_s``,
    and no gap between two departures changes by more than that.

    Parameters
    ----------
    problem
        Trips with ``headway`` may move; the others keep their times.
    shift_s, phase_s
        Limits either way, seconds; by default those of ``problem.rules``, 0 where they say nothing.
    stop
        When to give up improving, asked between two timetables; ``Work`` counts those. By default
        the search ends by itself, and nothing in it is random.

    Returns
    -------
    Shifted
        Never worse than the trips as planned: where nothing is gained, nothing moves.

    Raises
    ------
    ConfigError
        When a limit is negative.
    """
    begun = time.perf_counter()
    most = _limit(problem, "shift_s", shift_s)
    phase = _limit(problem, "phase_s", phase_s)
    before = plan_blocks(problem)
    vehicles, minor = before.vehicles_bound, float(before.report.bound or 0.0)
    nothing = _told(problem, problem, before, before, (vehicles, minor), begun)
    free = problem.trips["headway"].to_numpy(bool)
    if most + phase == 0 or not free.any() or before.report.objective is None:
        return nothing
    bounds = _bounds(problem, most + phase)
    search = _Search(problem, Limits(problem, most, phase), before, stop, begun)
    reaches = sorted({*(min(most + phase, one) for one in _REACHES), phase and most + phase} - {0})
    for reach in reaches:
        search.climb(search.hoped(search.moves, reach), None)
    reach = min(most + phase, _REACHES[0])
    while reach >= _LEAST_REACH and not search.stopped():
        if not search.climb(search.hoped(search.moves, reach), search.moves):
            reach //= 2
    best, best_moves = search.tidied()
    if not _better(best, before):
        return _told(problem, problem, before, before, bounds, begun)
    return _told(problem, _moved(problem, best_moves), before, best, bounds, begun)


class _Search:
    """The best timetable so far, and steps from it to better ones."""

    def __init__(
        self, problem: Problem, limits: Limits, before: BlockPlan, stop: Stop | None, begun: float
    ) -> None:
        self.problem, self.limits, self.stop, self.begun = problem, limits, stop, begun
        self.best = before
        self.moves = np.zeros(len(problem.trips), np.int64)
        self.tried = 0

    def stopped(self) -> bool:
        """Whether to give up improving."""
        done = Progress(time.perf_counter() - self.begun, self.tried, None)
        return self.stop is not None and self.stop(done) is not None

    def hoped(self, moves: NDArray[np.int64], reach: int) -> NDArray[np.int64]:
        """Connections that would be best if every trip could still move by ``reach`` as it likes."""
        if self.stopped():
            return links_of(self.problem, self.best)
        hopeful = plan_blocks(_optimistic(_moved(self.problem, moves), reach))
        answered = hopeful.report.objective is not None
        return links_of(self.problem, hopeful if answered else self.best)

    def climb(self, links: NDArray[np.int64], around: NDArray[np.int64] | None) -> bool:
        """Make connections hold, plan anew, take the plan's connections, as long as it gets better.

        Says whether the best became better.
        """
        own: BlockPlan | None = None
        gained = False
        for _ in range(_ROUNDS):
            if self.stopped():
                break
            self.tried += 1
            moves = self.limits.settle(links, around=around)
            plan = plan_blocks(_moved(self.problem, moves))
            if own is not None and not _better(plan, own):
                break
            own, links, around = plan, links_of(self.problem, plan), moves
            if _better(plan, self.best):
                self.best, self.moves, gained = plan, moves, True
        return gained

    def tidied(self) -> tuple[BlockPlan, NDArray[np.int64]]:
        """The best, moved only as far as its connections ask for, where that is as good."""
        links = links_of(self.problem, self.best)
        least = self.limits.settle(links, around=self.moves, join=False)
        if np.abs(least).sum() < np.abs(self.moves).sum():
            plan = plan_blocks(_moved(self.problem, least))
            if not _better(self.best, plan):
                return plan, least
        return self.best, self.moves


def _limit(problem: Problem, name: str, given: int | None) -> int:
    value = int(getattr(problem.rules, name)) if given is None else given
    not_negative(name, value)
    if value != int(value):
        raise ConfigError(f"{name} must be whole seconds (found {value})")
    return int(value)


def _better(one: BlockPlan, other: BlockPlan) -> bool:
    a, b = one.report.objective, other.report.objective
    return a is not None and (b is None or a < b - 1e-6)


def _told(
    asked: Problem,
    shifted: Problem,
    before: BlockPlan,
    after: BlockPlan,
    bounds: tuple[int, float],
    begun: float,
) -> Shifted:
    planned = asked.trips.set_index("trip_id")["depart_s"]
    trips = shifted.trips.assign(planned_depart_s=shifted.trips["trip_id"].map(planned).to_numpy())
    by = trips["depart_s"] - trips["planned_depart_s"]
    columns = ["trip_id", "route_id", "planned_depart_s", "depart_s"]
    moved = trips.loc[by != 0, columns].assign(by_s=by[by != 0]).reset_index(drop=True)
    return Shifted(
        replace(shifted, trips=trips), moved, before, after, *bounds, time.perf_counter() - begun
    )


def moved_by(problem: Problem, by_s: Mapping[str, int]) -> Problem:
    """A problem with some of its departures moved, as a written plan tells it.

    Parameters
    ----------
    by_s
        trip_id to seconds, later above 0. Trips that are not there stay.
    """
    by = problem.trips["trip_id"].map(dict(by_s)).fillna(0)
    return _moved(problem, np.asarray(by, np.int64))


def _moved(problem: Problem, by_s: NDArray[np.int64]) -> Problem:
    """The problem with its trips moved, sorted as a problem's trips are."""
    trips = problem.trips.assign(
        depart_s=(problem.depart_s + by_s).astype(np.int32),
        arrive_s=(problem.arrive_s + by_s).astype(np.int32),
    )
    trips = trips.sort_values(["depart_s", "trip_id"], kind="stable", ignore_index=True)
    return replace(problem, trips=trips)


def _optimistic(problem: Problem, reach: int) -> Problem:
    """Headway trips that start as late and end as early as they may, on runs as quick as any."""
    free = problem.trips["headway"].to_numpy(bool)
    late = (problem.depart_s + reach * free).astype(np.int32)
    early = (problem.arrive_s - reach * free).astype(np.int32)
    trips = problem.trips.assign(depart_s=late, arrive_s=np.maximum(early, late))
    rules = problem.rules
    if rules.max_wait_s is not None:
        rules = replace(rules, max_wait_s=rules.max_wait_s + 4 * reach)
    terminals = tuple(
        replace(
            one,
            max_wait_s=None if one.max_wait_s is None else one.max_wait_s + 4 * reach,
            parking=None,
        )
        for one in rules.terminals
    )
    layovers = rules.layovers
    if any(one.hours for one in layovers):  # another hour may ask for less
        least = min([rules.min_layover_s, *(one.seconds for one in layovers)])
        rules, layovers = replace(rules, min_layover_s=least), ()
    rules = replace(rules, terminals=terminals, layovers=layovers)
    return replace(
        problem,
        trips=trips.sort_values(["depart_s", "trip_id"], kind="stable", ignore_index=True),
        deadheads=_quickest(problem.deadheads, 2 * reach),
        rules=rules,
    )


def _quickest(table: Deadheads, window: int) -> Deadheads:
    """Runs that take as long as the quickest of the next ``window`` seconds, on the shortest way."""
    quick = table.time_s.copy()
    for band in range(table.from_s.size):
        for later in range(band + 1, table.from_s.size):
            if int(table.from_s[later]) < int(table.from_s[band + 1]) + window:
                quick[band] = np.minimum(quick[band], table.time_s[later])
    short = table.distance_m.min(axis=0, keepdims=True)
    return replace(table, time_s=quick, distance_m=short)


def _bounds(problem: Problem, reach: int) -> tuple[int, float]:
    """Vehicles and minor units that no shifting can beat.

    Waiting is free here: how long a bus waits depends on the shifting. A trip that could end before
    it starts is none that the flow can hold; then only what surely runs at one instant counts.
    """
    free = problem.trips["headway"].to_numpy(bool)
    late, early = problem.depart_s + reach * free, problem.arrive_s - reach * free
    times = np.concatenate([early, late])
    change = np.repeat([-1, 1], free.size)[np.tile(early > late, 2)]
    times = times[np.tile(early > late, 2)]
    at_once = int(np.cumsum(change[np.lexsort((change, times))]).max(initial=0))
    sure = int(at_once), at_once * problem.costs.vehicle_day_minor
    if (early <= late)[free].any():
        return sure
    costs = replace(problem.costs, waiting_h_minor=0.0)
    least = plan_blocks(replace(_optimistic(problem, reach), costs=costs))
    if least.report.bound is None:
        return sure
    return max(sure[0], least.vehicles_bound), max(sure[1], float(least.report.bound))


def links_of(problem: Problem, plan: BlockPlan) -> NDArray[np.int64]:
    """Rows of ``problem.trips`` that follow each other on a vehicle of a plan, (K, 2)."""
    driven = plan.blocks[plan.blocks["kind"] == "trip"]
    row_of = pd.Series(np.arange(len(problem.trips)), index=problem.trips["trip_id"])
    rows = row_of[driven["trip_id"]].to_numpy(np.int64)
    vehicle = driven["vehicle"].to_numpy(object)
    same = vehicle[1:] == vehicle[:-1]
    return np.stack([rows[:-1][same], rows[1:][same]], axis=1)
