"""Blocks of many depots as one flow: every depot has its own line, and buses stand where they are.

The flow of ``network.py`` lets a bus go home to one depot and leave from another; here a bus that
goes home to a depot is there, and each depot has as many buses in the evening as in the morning. What
is still relaxed: a bus may end its day at another depot than it began at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.fleet import _city_flow_kernels, _flow_kernels
from mobility.fleet.arrivals import events
from mobility.fleet.network import SCALE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem
    from mobility.fleet.trip_table import TripTable

# Pull-outs and pull-ins of the flow lead to so many of the nearest depots.
_NEAREST = 8
# Buses leave depots at whole minutes.
_STEP_S = 60


@dataclass(frozen=True)
class Events:
    """Distinct (place, time) events of arrival and of departure; units in event order."""

    in_place: NDArray[np.int32]
    in_s: NDArray[np.int32]
    in_of: NDArray[np.int32]
    in_count: NDArray[np.int64]
    out_place: NDArray[np.int32]
    out_s: NDArray[np.int32]
    out_of: NDArray[np.int32]
    out_count: NDArray[np.int64]

    @classmethod
    def of(cls, table: TripTable) -> Events:
        """Events of some trips."""
        return cls(
            *events(table.to_place, table.arrive_s), *events(table.from_place, table.depart_s)
        )

    @property
    def in_row(self) -> NDArray[np.int32]:
        """One trip of each arrival event."""
        return np.asarray(self.in_of[np.cumsum(self.in_count) - self.in_count], np.int32)

    @property
    def out_row(self) -> NDArray[np.int32]:
        """One trip of each departure event."""
        return np.asarray(self.out_of[np.cumsum(self.out_count) - self.out_count], np.int32)


@dataclass(frozen=True)
class CityFlow:
    """Chains of trips (rows of the table) as the flow has them, and its cost, minor units.

    ``worth`` (trips,) is what a trip is worth to the flow: the difference of its two events' prices.
    """

    chains: tuple[NDArray[np.int32], ...]
    vehicles: int
    cost_minor: float
    worth: NDArray[np.float64]


def connections(
    problem: Problem,
    table: TripTable,
    events: Events,
    *,
    minor_km: float,
    layover_s: int,
    prune: bool,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Tails, heads and costs (1/1000 minor) of first-arrival arcs between events."""
    places = len(problem.deadheads.places)
    depart_from = np.searchsorted(events.out_place, np.arange(places + 1)).astype(np.int32)
    last = np.append(events.in_place[1:] != events.in_place[:-1], True)
    arrivals, departures = events.in_row, events.out_row
    arguments = (
        table.times, table.metres, table.band[arrivals], layover_s, minor_km / 1000.0,
        problem.costs.waiting_h_minor / 3600.0, events.in_place, events.in_s, last,
        table.home_s[arrivals], table.home_m[arrivals], depart_from, events.out_s,
        table.out_s[departures], table.out_m[departures], prune,
    )  # fmt: skip
    none32, none64 = np.empty(0, np.int32), np.empty(0, np.int64)
    size = int(_city_flow_kernels.connections(*arguments, none32, none32, none64))
    tails, heads = np.empty(size, np.int32), np.empty(size, np.int32)
    costs = np.empty(size, np.int64)
    if size:
        _city_flow_kernels.connections(*arguments, tails, heads, costs)
    return tails, heads, costs


def city_flow(
    problem: Problem, table: TripTable, *, minor_km: float, relaxed: bool = False
) -> CityFlow | None:
    """Chain the trips of a table at the least cost; None where no flow covers them all.

    Depots work in whole minutes: chains can be driven. ``relaxed`` rounds the other way and gives no
    chains, but worths that no bus's day beats, as far as it leads to the nearest depots.
    """
    events = Events.of(table)
    arrivals, departures = events.in_s.size, events.out_s.size
    second = problem.costs.waiting_h_minor / 3600.0 * SCALE
    metre = minor_km / 1000.0 * SCALE
    groups: list[tuple[Any, Any, Any]] = []
    layover = least_layover_s(problem) if relaxed else problem.rules.min_layover_s
    tails, heads, costs = connections(
        problem, table, events, minor_km=minor_km, layover_s=layover, prune=True
    )
    groups.append((tails, arrivals + heads, costs))
    for place, when, base in (
        (events.in_place, events.in_s, 0),
        (events.out_place, events.out_s, arrivals),
    ):
        same = np.flatnonzero(place[1:] == place[:-1])
        groups.append(
            (base + same, base + same + 1, _floor((when[same + 1] - when[same]) * second))
        )
    in_row, out_row = events.in_row, events.out_row
    nearest = min(_NEAREST, len(problem.depots))
    goes_out = _among_nearest(table.out_m[out_row], nearest)
    goes_in = _among_nearest(table.home_m[in_row], nearest)
    nodes = arrivals + departures
    lines: list[tuple[int, NDArray[np.int32]]] = []
    nights: list[int] = []
    for depot in range(len(problem.depots)):
        outs, ins = np.flatnonzero(goes_out[:, depot]), np.flatnonzero(goes_in[:, depot])
        leave = table.out_s[out_row[outs], depot]
        back = table.home_s[in_row[ins], depot] + layover
        if relaxed:
            leave, back = -(-leave // _STEP_S) * _STEP_S, back // _STEP_S * _STEP_S
        else:
            leave = leave // _STEP_S * _STEP_S
        times = np.unique(leave)
        here = nodes + np.arange(times.size + 1)  # the last one is the end of the day
        groups += [
            (ins, here[np.searchsorted(times, back)], _floor(table.home_m[in_row[ins], depot] * metre)),
            (here[np.searchsorted(times, leave)], arrivals + outs,
             _floor(table.out_m[out_row[outs], depot] * metre)),
            (here[:-1], here[1:], np.zeros(times.size, np.int64)),
            (here[-1:], here[:1], _floor(np.array([problem.costs.vehicle_day_minor * SCALE]))),
        ]  # fmt: skip
        nights.append(sum(len(group[0]) for group in groups) - 1)
        lines.append((nodes, times))
        nodes += times.size + 1
    supply = np.zeros(nodes, np.int64)
    supply[:arrivals] = events.in_count
    supply[arrivals : arrivals + departures] = -events.out_count
    tails = np.concatenate([np.asarray(group[0], np.int32) for group in groups])
    heads = np.concatenate([np.asarray(group[1], np.int32) for group in groups])
    costs = np.concatenate([np.asarray(group[2], np.int64) for group in groups])
    capacity = np.full(tails.size, len(table.rows), np.int64)
    for depot, one in enumerate(problem.depots):
        if one.capacity is not None:
            capacity[nights[depot]] = min(one.capacity, len(table.rows))
    flow = _solve(tails, heads, capacity, costs, supply)
    if flow is None:
        return None
    return CityFlow(
        chains=() if relaxed else _follow(events, table, tails, heads, flow, lines, nights, nodes),
        vehicles=int(flow.amount[nights].sum()),
        cost_minor=flow.cost / SCALE,
        worth=_worth(events, flow.price),
    )


@dataclass(frozen=True)
class _Flow:
    amount: NDArray[np.int64]
    price: NDArray[np.int64]
    cost: float


def _solve(
    tails: NDArray[np.int32],
    heads: NDArray[np.int32],
    capacity: NDArray[np.int64],
    costs: NDArray[np.int64],
    supply: NDArray[np.int64],
) -> _Flow | None:
    """As ``flow.min_cost_flow``, with the prices of the nodes."""
    order = np.argsort(costs, kind="stable")
    few = min(tails.size, max(2_000, tails.size // 5))
    amount = np.zeros((1, tails.size), np.int64)
    price = np.zeros((1, supply.size), np.int64)
    big = np.int64((int(costs.max(initial=0)) + 1) * (supply.size + 1))
    left, _ = _flow_kernels.network_simplex(
        tails[order], heads[order], capacity[order], costs[None, order], supply, big,
        np.array([few, tails.size], np.int64), amount, price,
    )  # fmt: skip
    if left > 0:
        return None
    flow = np.empty(tails.size, np.int64)
    flow[order] = amount[0]
    return _Flow(flow, price[0], float(flow @ costs))


def _worth(events: Events, price: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each trip is worth: a unit at its arrival saves the price there, at its departure it costs it."""
    arrivals = events.in_s.size
    worth = np.zeros(events.in_of.size)
    worth[events.in_of] = np.repeat(price[:arrivals], events.in_count)
    worth[events.out_of] -= np.repeat(
        price[arrivals : arrivals + events.out_s.size], events.out_count
    )
    return worth / SCALE


def least_layover_s(problem: Problem) -> int:
    """No layover of any trip is shorter."""
    rules = problem.rules
    return min([rules.min_layover_s, *(one.seconds for one in rules.layovers)])


def _among_nearest(metres: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
    """(events, depots): whether a depot is among the nearest that there is a way to."""
    order = np.argsort(metres, axis=1, kind="stable")[:, :count]
    near = np.zeros(metres.shape, bool)
    np.put_along_axis(near, order, True, axis=1)
    return np.asarray(near & (metres < 1_000_000_000), bool)


def _follow(
    events: Events,
    table: TripTable,
    tails: NDArray[np.int32],
    heads: NDArray[np.int32],
    flow: _Flow,
    lines: list[tuple[int, NDArray[np.int32]]],
    nights: list[int],
    nodes: int,
) -> tuple[NDArray[np.int32], ...]:
    """Read chains of trips from the flow; at a depot a bus of that depot goes first."""
    arrivals, departures = events.in_s.size, events.out_s.size
    places = int(max(events.in_place.max(), events.out_place.max())) + 1
    kind = np.full(nodes, 2, np.int8)
    kind[:arrivals], kind[arrivals : arrivals + departures] = 0, 1
    line, depot_of = np.empty(nodes, np.int32), np.full(nodes, -1, np.int32)
    time_s = np.full(nodes, 2**31, np.int64)
    line[:arrivals], time_s[:arrivals] = events.in_place, events.in_s
    line[arrivals : arrivals + departures] = places + events.out_place
    time_s[arrivals : arrivals + departures] = events.out_s
    line_depot = np.full(2 * places + len(lines), -1, np.int32)
    fresh = np.zeros(line_depot.size, np.int64)
    for depot, (first, times) in enumerate(lines):
        here = slice(first, first + times.size + 1)
        line[here], depot_of[here] = 2 * places + depot, depot
        time_s[first : first + times.size] = times
        line_depot[2 * places + depot] = depot
        fresh[2 * places + depot] = flow.amount[nights[depot]]
    moving = np.flatnonzero((flow.amount > 0) & (line[tails] != line[heads]))
    pull = np.where(depot_of[heads[moving]] >= 0, depot_of[heads[moving]], -1)
    out = depot_of[tails[moving]]
    pull = np.where(out >= 0, -2 - out, pull).astype(np.int32)
    order = np.lexsort((heads[moving], pull < 0, tails[moving]))
    moving, pull = moving[order], pull[order]
    # At one instant buses first arrive, then leave the depot, then start their trips.
    rank = np.array([0, 2, 1], np.int8)[kind]
    arrival_from, departure_from = np.zeros(nodes + 1, np.int64), np.zeros(nodes + 1, np.int64)
    arrival_from[1 : arrivals + 1] = np.cumsum(events.in_count)
    arrival_from[arrivals + 1 :] = arrival_from[arrivals]
    departure_from[arrivals + 1 : arrivals + departures + 1] = np.cumsum(events.out_count)
    departure_from[arrivals + departures + 1 :] = departure_from[arrivals + departures]
    after = np.full(len(table.rows), -1, np.int32)
    _city_flow_kernels.follow_homes(
        np.lexsort((np.arange(nodes), rank, time_s)).astype(np.int32), kind, line, line_depot.size,
        np.searchsorted(tails[moving], np.arange(nodes + 1)).astype(np.int64), heads[moving],
        flow.amount[moving], pull, events.in_of, arrival_from, events.out_of, departure_from, line_depot,
        fresh, after,
    )  # fmt: skip
    started = np.ones(after.size, bool)
    started[after[after >= 0]] = False
    chains = []
    for first in np.flatnonzero(started).tolist():
        chain, trip = [], first
        while trip >= 0:
            chain.append(trip)
            trip = int(after[trip])
        chains.append(np.array(chain, np.int32))
    return tuple(chains)


def _floor(values: NDArray[Any]) -> NDArray[np.int64]:
    return np.asarray(np.floor(values), np.int64)
