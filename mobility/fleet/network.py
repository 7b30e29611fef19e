"""The time-space network: exact vehicle scheduling for one depot as a min-cost flow.

Every place has two time lines, one of arrivals and one of departures; empty runs lead from the first
kind to the second, so that no bus chains two empty runs. The depot has a line of its own, where
standing is free: a long gap goes via the depot where that is cheaper. A vehicle is one unit of flow
on the arc that closes the day.

References
----------
Kliewer, Mellouli, Suhl (2006), "A time-space network based exact optimization model for multi-depot
bus scheduling", European Journal of Operational Research 175(3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.fleet import _kernels
from mobility.fleet.flow import Flow, min_cost_flow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem

# Flow costs are integers of 1/1000 minor unit, always rounded down: the bound stays a bound.
SCALE = 1000
_NO_LIMIT_S = 1_000_000


@dataclass(frozen=True)
class Units:
    """What is chained: single trips, or runs of trips that stay together. Sorted by departure."""

    depart_s: NDArray[np.int32]
    arrive_s: NDArray[np.int32]
    from_place: NDArray[np.int32]
    to_place: NDArray[np.int32]

    @property
    def size(self) -> int:
        """How many."""
        return int(self.depart_s.size)


@dataclass(frozen=True)
class Chaining:
    """Who follows whom, what the network says it costs, and what cannot be beaten.

    ``before`` and ``after`` are rows of the units, -1 for none. ``bound_minor`` covers vehicles,
    empty running and waiting, ``vehicles_bound`` is the least number of vehicles. ``feasible``
    is False where no flow covers every unit.
    """

    feasible: bool
    before: NDArray[np.int32]
    after: NDArray[np.int32]
    vehicles: int
    vehicles_bound: int
    bound_minor: float
    arcs: int


@dataclass(frozen=True)
class Network:
    """Nodes: arrival events, departure events, depot events, the depot's end of day."""

    tails: NDArray[np.int32]
    heads: NDArray[np.int32]
    capacities: NDArray[np.int64]
    costs: NDArray[np.int64]
    supply: NDArray[np.int64]
    kind: NDArray[np.int8]
    line: NDArray[np.int32]
    time_s: NDArray[np.int64]
    by_arrival: NDArray[np.int32]
    by_departure: NDArray[np.int32]
    night_arc: int
    depot_line: int
    units: int


def build(
    problem: Problem,
    units: Units,
    depots: NDArray[np.int32],
    *,
    minor_km: float,
    instant: bool = False,
) -> Network:
    """Make the network of some units and depots (rows of ``problem.deadheads``).

    With several depots every pull-out and pull-in takes the best of them: a relaxation.
    ``minor_km`` is the price of a km of empty running, with or without its energy. Without a
    layover a trip of no length could follow itself, so it is taken to last a second; ``instant``
    leaves it as it is, for a bound.
    """
    table, rules, costs = problem.deadheads, problem.rules, problem.costs
    places = len(table.places)
    second = costs.waiting_h_minor / 3600.0
    layover = np.int32(rules.min_layover_s)
    wait = np.int32(_NO_LIMIT_S if rules.max_wait_s is None else rules.max_wait_s)
    stretched = layover == 0 and not instant
    arrive = np.maximum(units.arrive_s, units.depart_s + int(stretched))

    in_place, in_s, in_of, in_count = _events(units.to_place, arrive)
    out_place, out_s, out_of, out_count = _events(units.from_place, units.depart_s)
    depart_from = np.searchsorted(out_place, np.arange(places + 1)).astype(np.int32)
    in_last = np.append(in_place[1:] != in_place[:-1], True)
    leave, leave_m = _kernels.depot_runs(
        table.from_s, table.time_s, table.distance_m, depots, out_place, out_s, True
    )
    home, home_m = _kernels.depot_runs(
        table.from_s, table.time_s, table.distance_m, depots, in_place, in_s, False
    )
    scaled_km, scaled_s = minor_km * SCALE, second * SCALE
    arguments = (
        table.from_s, table.time_s, table.distance_m, layover, wait, scaled_km, scaled_s,
        in_place, in_s, in_last, home, home_m, depart_from, out_s, leave, leave_m,
    )  # fmt: skip
    none32, none64 = np.empty(0, np.int32), np.empty(0, np.int64)
    size = int(_kernels.count_connections(*arguments, none32, none32, none64))
    tails, heads = np.empty(size, np.int32), np.empty(size, np.int32)
    run_costs = np.empty(size, np.int64)
    if size:
        _kernels.count_connections(*arguments, tails, heads, run_costs)

    arrivals, departures = in_s.size, out_s.size
    can_leave = leave > _kernels.NEVER
    depot_s = np.unique(leave[can_leave])
    depot_0 = arrivals + departures
    end = depot_0 + depot_s.size
    pull_out = np.flatnonzero(can_leave)
    can_home = np.flatnonzero(home < _kernels.UNREACHABLE)
    everyone = units.size

    waits_in = np.flatnonzero(~in_last)
    waits_out = np.flatnonzero(out_place[1:] == out_place[:-1]) if departures > 1 else none32
    if rules.max_wait_s is not None:
        waits_in = waits_in[in_s[waits_in + 1] - in_s[waits_in] <= wait]
        waits_out = waits_out[out_s[waits_out + 1] - out_s[waits_out] <= wait]
    depot_nodes = depot_0 + np.arange(depot_s.size)
    groups: list[tuple[Any, Any, Any, Any]] = [
        (tails, arrivals + heads, everyone, run_costs),
        (waits_in, waits_in + 1, everyone, _floor((in_s[waits_in + 1] - in_s[waits_in]) * scaled_s)),
        (arrivals + waits_out, arrivals + waits_out + 1, everyone,
         _floor((out_s[waits_out + 1] - out_s[waits_out]) * scaled_s)),
        (can_home, depot_0 + np.searchsorted(depot_s, home[can_home] + layover), everyone,
         _floor(home_m[can_home] * scaled_km / 1000.0)),
        (depot_0 + np.searchsorted(depot_s, leave[pull_out]), arrivals + pull_out, everyone,
         _floor(leave_m[pull_out] * scaled_km / 1000.0)),
        (depot_nodes, depot_nodes + 1, everyone, np.zeros(depot_s.size, np.int64)),
        ([end], [depot_0], _room(problem, depots, everyone),
         [int(np.floor(costs.vehicle_day_minor * SCALE))]),
    ]  # fmt: skip
    supply = np.zeros(end + 1, np.int64)
    supply[:arrivals] = in_count
    supply[arrivals:depot_0] = -out_count
    return Network(
        tails=np.concatenate([np.asarray(one[0], np.int32) for one in groups]),
        heads=np.concatenate([np.asarray(one[1], np.int32) for one in groups]),
        capacities=np.concatenate([np.full(len(one[0]), one[2], np.int64) for one in groups]),
        costs=np.concatenate([np.asarray(one[3], np.int64) for one in groups]),
        supply=supply,
        kind=np.repeat(np.array([0, 1, 2], np.int8), [arrivals, departures, depot_s.size + 1]),
        line=np.concatenate(
            [in_place, places + out_place, np.full(depot_s.size + 1, 2 * places, np.int32)]
        ).astype(np.int32),
        time_s=np.concatenate([in_s, out_s, depot_s, [2**31]]).astype(np.int64),
        by_arrival=in_of,
        by_departure=out_of,
        night_arc=sum(len(one[0]) for one in groups) - 1,
        depot_line=2 * places,
        units=units.size,
    )


def chain(network: Network) -> Chaining:
    """Solve the flow and read the successor of every unit from it.

    A second flow on the same network, with a price of one a vehicle and nothing else, proves the
    least number of vehicles.
    """
    solved = _solve(network)
    none = np.full(network.units, -1, np.int32)
    if solved is None:
        return Chaining(False, none, none, 0, 0, 0.0, network.tails.size)
    cheapest, least = solved
    flow = cheapest.amount
    vehicles = int(flow[network.night_arc])
    before, after = none.copy(), none.copy()
    moving = np.flatnonzero(
        (flow > 0) & (network.line[network.tails] != network.line[network.heads])
    )
    moving = moving[np.lexsort((network.heads[moving], network.tails[moving]))]
    arc_from = np.searchsorted(network.tails[moving], np.arange(network.kind.size + 1))
    # At one instant buses first arrive, then leave the depot, then start their trips.
    rank = np.array([0, 2, 1], np.int8)[network.kind]
    order = np.lexsort((np.arange(network.kind.size), rank, network.time_s))
    _kernels.follow_flow(
        order.astype(np.int32), network.kind, network.line, network.supply,
        arc_from.astype(np.int64), network.heads[moving], flow[moving],
        network.by_arrival, network.by_departure, np.int64(vehicles),
        np.int64(network.depot_line), after, before,
    )  # fmt: skip
    return Chaining(
        True, before, after, vehicles, least.bound, cheapest.bound / SCALE, network.tails.size
    )


def least(network: Network) -> tuple[float, int] | None:
    """Bounds alone: minor units and vehicles that no chaining can beat; None where there is none."""
    solved = _solve(network)
    return None if solved is None else (solved[0].bound / SCALE, solved[1].bound)


def _solve(network: Network) -> list[Flow] | None:
    fewest = np.zeros_like(network.costs)
    fewest[network.night_arc] = 1
    return min_cost_flow(
        network.tails, network.heads, network.capacities, np.stack([network.costs, fewest]),
        network.supply, always=(network.kind[network.tails] != 0) | (network.kind[network.heads] != 1),
    )  # fmt: skip


def chains_of(chained: Chaining) -> list[list[int]]:
    """Units in the order in which each vehicle drives them, one list a vehicle."""
    chains = []
    for unit in np.flatnonzero(chained.before < 0).tolist():
        chain, here = [], unit
        while here >= 0:
            chain.append(here)
            here = int(chained.after[here])
        chains.append(chain)
    return chains


def _events(
    place: NDArray[np.int32], time_s: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Distinct (place, time) events in order; the units in event order; units an event."""
    order = np.lexsort((np.arange(place.size), time_s, place)).astype(np.int32)
    sorted_place, sorted_s = place[order], time_s[order]
    new = np.ones(order.size, bool)
    new[1:] = (sorted_place[1:] != sorted_place[:-1]) | (sorted_s[1:] != sorted_s[:-1])
    first = np.flatnonzero(new)
    counts = np.diff(np.append(first, order.size)).astype(np.int64)
    return sorted_place[first], sorted_s[first], order, counts


def _room(problem: Problem, depots: NDArray[np.int32], everyone: int) -> int:
    """Buses that the depots at these places hold together, at most one a unit."""
    here = set(depots.tolist())
    held = [
        one.capacity
        for one, place in zip(problem.depots, problem.depot_place.tolist(), strict=True)
        if place in here
    ]
    if any(one is None for one in held):
        return everyone
    return min(everyone, sum(one for one in held if one is not None))


def _floor(values: NDArray[Any]) -> NDArray[np.int64]:
    return np.asarray(np.floor(values), np.int64)
