"""The exact engine: vehicle days of every type by column generation, and a bound that knows the battery.

Trips and room in, vehicle days out: the same for a whole day as for a part of it.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet import network as flows
from mobility.fleet.columns import Ask, Duals, Master, generate
from mobility.fleet.diving import dive, search
from mobility.fleet.evsp import within_a_day
from mobility.fleet.evsp_day import day_of
from mobility.fleet.flow import min_cost_flow
from mobility.fleet.runs import units_of
from mobility.solution import StopReason
from mobility.stop import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from mobility.fleet.evsp import Day
    from mobility.fleet.pricing import Column
    from mobility.fleet.problem import Problem
    from mobility.stop import Stop

_CLOSED = 1e-7
_STARTS = 6  # earliest starts by which kinds of day are told apart, all depots together
_ROUNDS = 60  # of columns before the first dive, at most
_BEFORE = 0.5  # of the time, at most, before the first dive
_NEAR = 1.5e-3  # gap at which their master is near enough to dive


@dataclass
class Clock:
    """Asks a stop criterion; ``work`` counts rounds of pricing.

    ``besides`` is what trips that no battery drives cost at least, on top of the engine's bound; without
    ``proves`` that bound means nothing, and is not raised.
    """

    stop: Stop
    started: float
    besides: float = 0.0
    work: int = 0
    objective: float = np.inf
    bound: float = -np.inf
    reason: StopReason | None = None
    proves: bool = True
    # A share of time and work, and where it began: so late, after so much, and what was told then.
    _part: tuple[float, float, int, float, int] = (1.0, 0.0, 0, 0.0, 0)

    @property
    def gap(self) -> float | None:
        """As in a report, None without an answer."""
        if not np.isfinite(self.objective):
            return None
        return max(0.0, self.objective - self.bound) / max(abs(self.objective), 1e-9)

    def goes_on(self) -> bool:
        """Whether there is time left."""
        if self.reason is None and self.gap is not None and self.gap <= _CLOSED:
            self.reason = StopReason.FINISHED  # nothing can be better
        if self.reason is None:
            seconds, work = self._told()
            self.reason = self.stop(Progress(seconds=seconds, work=work, gap=self.gap))
        return self.reason is None

    def _told(self) -> tuple[float, int]:
        """Seconds and work as the criterion sees them: in a part they pass faster."""
        share, since_s, since, told_s, told = self._part
        seconds = time.perf_counter() - self.started
        return told_s + (seconds - since_s) / share, told + round((self.work - since) / share)

    @contextmanager
    def part(self, share: float) -> Iterator[None]:
        """Within, only a share of the time and work that are left count as there."""
        outer = self._part
        now = time.perf_counter() - self.started
        self._part = (share * outer[0], now, self.work, *self._told())
        try:
            yield
        finally:
            self._part = outer
            if share < 1.0 and self.reason in {StopReason.SECONDS, StopReason.WORK}:
                self.reason = None

    def round(self) -> bool:
        """Count a round of pricing and ask."""
        self.work += 1
        return self.goes_on()


class Engine:
    """Days for some trips of a problem.

    Parameters
    ----------
    problem, rows
        Trips (rows of ``problem.trips``, rising) that the problem's types of bus drive.
    room
        Places that are left in each depot, then buses of each type; inf where unlimited.
    """

    def __init__(
        self, problem: Problem, rows: NDArray[np.int32], room: NDArray[np.float64]
    ) -> None:
        self.problem, self.rows, self.room = problem, rows, room
        able = problem.allowed
        kinds = [
            (depot, vehicle)
            for vehicle in range(len(problem.vehicles))
            for depot in range(len(problem.depots))
            if (able.depots[rows, depot] & able.types[rows, vehicle]).any()
        ]
        self.days = [day_of(problem, rows, *kind) for kind in kinds]
        self.relaxed = [day_of(problem, rows, *kind, relaxed=True) for kind in kinds]
        self.count = {int(site): int(many) for day in self.days
                      for site, many in zip(day.sites, day.count, strict=True)}  # fmt: skip
        self.bound = -np.inf
        self._duals: Duals | None = None

    def ask(self, *, free: bool, days: list[Day] | None = None) -> Ask:
        """What the master is asked; the bound's question has all the depots' room."""
        room = room_of(self.problem) if free else self.room
        kinds = days or (self.relaxed if free else self.days)
        if not free:
            starts = max(2, _STARTS // len(kinds))  # of each
            kinds = [kind for day in kinds for kind in within_a_day(day, starts)]
        return Ask(kinds, len(self.problem.depots), free, self.count, Counter(), room)

    def run(self, clock: Clock, seed: int) -> Iterator[list[Column]]:
        """Yield ever better days; ``bound`` rises on the way.

        First columns that can be driven, and a dive; then the bound; then a search around the best.
        """
        duals = self.flow_duals()
        safe = self.ask(free=False)
        master = Master(safe)
        with clock.part(_BEFORE):
            found = generate(
                master, duals, rounds=_ROUNDS, enough=_NEAR, goes_on=lambda _: clock.round()
            )
        if not clock.goes_on():
            return
        days = dive(safe, master.columns, found.duals, clock.round)
        if days is not None:
            yield days
        self._prove(clock, self._nearer(found.duals, duals))
        if days is None:
            return
        random = np.random.default_rng(seed)
        yield from search(safe, days, master.columns, found.duals, random, clock.round)

    def _prove(self, clock: Clock, duals: Duals) -> None:
        """Raise the bound."""
        if not clock.proves:
            return
        free = self.ask(free=True)

        def told(bound: float) -> bool:
            self.bound = max(self.bound, bound)
            clock.bound = max(clock.bound, self.bound + clock.besides)
            return clock.round()

        found = generate(Master(free), duals, goes_on=told)
        self.bound = max(self.bound, found.bound)
        clock.bound = max(clock.bound, self.bound + clock.besides)

    def _nearer(self, one: Duals, other: Duals) -> Duals:
        """The duals with the better bound."""
        free = self.ask(free=True)
        values = [free.bound(duals, free.price(duals)[1]) for duals in (one, other)]
        self.bound = max(self.bound, *values)
        return one if values[0] >= values[1] else other

    def fewest(self, clock: Clock, rounds: int) -> int:
        """Prove a least number of vehicles, the battery in mind."""
        days = [
            replace(
                day, node=np.where(day.node < 1e14, 0.0, 1e15), out_cost=np.where(day.out_cost < 1e14, 1.0, 1e15),
                in_cost=np.where(day.in_cost < 1e14, 0.0, 1e15), arc_cost=np.zeros(day.arc_cost.size),
                site_in_cost=np.zeros_like(day.site_in_cost), stand=np.zeros_like(day.stand),
                site_out_cost=np.zeros_like(day.site_out_cost), dear=np.zeros_like(day.dear),
            )
            for day in self.relaxed
        ]  # fmt: skip
        ask = self.ask(free=True, days=days)
        found = generate(
            Master(ask),
            self.flow_duals(vehicles=True),
            rounds=rounds,
            goes_on=lambda _: clock.round(),
        )
        return int(np.ceil(found.bound - 1e-6))

    def flow_duals(self, *, vehicles: bool = False) -> Duals:
        """Prices of trips at which battery-free days break even at best: those of the flow."""
        rows, kinds = self.rows, {day.vehicle for day in self.days}
        day_minor = min(self.problem.of_type(one).costs.vehicle_day_minor for one in kinds)
        bus_costs = replace(self.problem.costs, vehicle_day_minor=day_minor)
        problem = replace(self.problem, costs=bus_costs)
        minor_km = min(day.km_minor for day in self.days)
        units = units_of(problem, [(row,) for row in rows.tolist()])
        least = problem.allowed.layover_s[rows].min()  # of all: units share nodes then
        units = replace(units, layover_s=np.full(units.size, least, np.int32))
        net = flows.build(problem, units, problem.depot_place, minor_km=minor_km)
        costs = net.costs
        if vehicles:
            costs = np.zeros_like(net.costs)
            costs[net.night_arc] = flows.SCALE
        solved = min_cost_flow(net.tails, net.heads, net.capacities, costs[None, :], net.supply)
        none = Duals(np.zeros(rows.size), {}, np.zeros(self.room.size))
        if solved is None:
            return none
        price = solved[0].price
        arrivals = int((net.kind == 0).sum())
        into, out = np.empty(units.size, np.int64), np.empty(units.size, np.int64)
        into[net.by_arrival] = np.repeat(np.arange(arrivals), net.supply[net.kind == 0])
        out[net.by_departure] = arrivals + np.repeat(
            np.arange(int((net.kind == 1).sum())), -net.supply[net.kind == 1]
        )
        trip = (price[into] - price[out]) / flows.SCALE
        node = np.min([day.node for day in self.days], axis=0)
        return replace(none, trip=trip + (0.0 if vehicles else node))


def room_of(problem: Problem) -> NDArray[np.float64]:
    """Places in each depot, then buses of each type; inf where there is no limit."""
    held = [one.capacity for one in problem.depots] + [one.count for one in problem.vehicles]
    return np.array([np.inf if one is None else float(one) for one in held])
