"""The time-space network: exact vehicle scheduling for one depot as a min-cost flow.

Every place has a time line of departures, and one of arrivals for each band of empty running; empty
runs lead from the second kind to the first, so that no bus chains two empty runs. The depot has a
line of its own, where standing is free: a long gap goes via the depot where that is cheaper. A
vehicle is one unit of flow on the arc that closes the day.

Layovers. A unit that arrives at ``a`` and stands for ``l`` may follow any departure that a run begun
at ``r = a + l`` would reach, so ``r`` is its time on the line. Two units with the same ``r`` differ
in two things: in the band of ``a``, which is why a line has one band only, and in the standing that
is paid, ``l``, which is paid at a terminal but not at the depot. Everybody on a line pays its least
layover with the arc that leaves it. A unit with a longer one has a node of its own, with a pull-in
that costs no standing, and an arc onto the line that costs the rest. Nobody gains by a pull-in from
the line, later and dearer than the own one. So every path is a chain that can be driven, at its
cost: with one depot, no ``max_wait_s``, and pull-outs as long in every band, the flow is exact;
else every chain is still a path, no dearer than it is, and the bound holds.

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
from mobility.fleet.arrivals import depot_events, ends_of, events
from mobility.fleet.flow import Flow, min_cost_flow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem

# Flow costs are integers of 1/1000 minor unit, always rounded down: the bound stays a bound.
SCALE = 1000


@dataclass(frozen=True)
class Units:
    """What is chained: single trips, or runs of trips that stay together. Sorted by departure.

    ``layover_s``: how long a bus stands after each, before the next one departs, at its terminal or
    at the depot on the way; None is ``rules.min_layover_s`` for all.
    """

    depart_s: NDArray[np.int32]
    arrive_s: NDArray[np.int32]
    from_place: NDArray[np.int32]
    to_place: NDArray[np.int32]
    layover_s: NDArray[np.int32] | None = None

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
    """Nodes: arrival events, departure events, depot events, the depot's end of day, own nodes.

    ``kind``: 0 arrival, 1 departure, 2 depot, 3 a node of units with a longer layover.
    """

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
    leaves it as it is, for a bound. Longest waits are those of ``problem.allowed``, by place.
    """
    table, costs = problem.deadheads, problem.costs
    places, everyone = len(table.places), units.size
    scaled_km, scaled_s = minor_km * SCALE, costs.waiting_h_minor / 3600.0 * SCALE
    waits = problem.allowed.max_wait_s
    ends = ends_of(problem, units, instant=instant)
    out_place, out_s, out_of, out_count = events(units.from_place, units.depart_s)
    depart_from = np.searchsorted(out_place, np.arange(places + 1)).astype(np.int32)
    tables = (table.time_s, table.distance_m)
    leave, leave_m = _kernels.pull_outs(table.from_s, *tables, depots, out_place, out_s)
    home_run, home_m = _kernels.pull_ins(*tables, depots, ends.place, ends.band)
    home = ends.ready_s + home_run
    arguments = (
        *tables, waits, scaled_km, scaled_s, ends.place, ends.band, ends.ready_s, ends.paid_s,
        ends.last, home, home_m, depart_from, out_s, leave, leave_m,
    )  # fmt: skip
    none32, none64 = np.empty(0, np.int32), np.empty(0, np.int64)
    size = int(_kernels.count_connections(*arguments, none32, none32, none64))
    tails, heads = np.empty(size, np.int32), np.empty(size, np.int32)
    run_costs = np.empty(size, np.int64)
    if size:
        _kernels.count_connections(*arguments, tails, heads, run_costs)

    own = ends.own
    own_run, own_m = _kernels.pull_ins(*tables, depots, own.place, own.band)
    own_home = own.ready_s + own_run
    arrivals, departures = ends.place.size, out_s.size
    can_leave = leave > _kernels.NEVER
    can_home = np.flatnonzero((home_run < _kernels.UNREACHABLE) & (ends.count > 0))
    own_can = np.flatnonzero(own_run < _kernels.UNREACHABLE)
    pull_out = np.flatnonzero(can_leave)
    depot_s, depot_of = depot_events(
        leave[pull_out], np.concatenate([home[can_home], own_home[own_can]])
    )
    depot_0 = arrivals + departures
    end = depot_0 + depot_s.size
    own_0 = end + 1

    stay_in = np.flatnonzero(~ends.last)
    stay_in = stay_in[ends.ready_s[stay_in + 1] - ends.ready_s[stay_in] <= waits.max(initial=0)]
    stay_out = np.flatnonzero(out_place[1:] == out_place[:-1])
    stay_out = stay_out[out_s[stay_out + 1] - out_s[stay_out] <= waits[out_place[stay_out]]]
    depot_nodes = depot_0 + np.arange(depot_s.size)
    groups: list[tuple[Any, Any, Any, Any]] = [
        (tails, arrivals + heads, everyone, run_costs),
        (stay_in, stay_in + 1, everyone,
         floor((ends.ready_s[stay_in + 1] - ends.ready_s[stay_in]) * scaled_s)),
        (arrivals + stay_out, arrivals + stay_out + 1, everyone,
         floor((out_s[stay_out + 1] - out_s[stay_out]) * scaled_s)),
        (can_home, depot_0 + np.searchsorted(depot_s, home[can_home]), everyone,
         floor(home_m[can_home] * scaled_km / 1000.0)),
        (own_0 + own_can, depot_0 + np.searchsorted(depot_s, own_home[own_can]), everyone,
         floor(own_m[own_can] * scaled_km / 1000.0)),
        (own_0 + np.arange(own.place.size), own.event, everyone, floor(own.longer_s * scaled_s)),
        (depot_0 + depot_of, arrivals + pull_out, everyone,
         floor(leave_m[pull_out] * scaled_km / 1000.0)),
        (depot_nodes, depot_nodes + 1, everyone, np.zeros(depot_s.size, np.int64)),
        ([end], [depot_0], room(problem, depots, everyone),
         [int(np.floor(costs.vehicle_day_minor * SCALE))]),
    ]  # fmt: skip
    lines = places * table.from_s.size
    depot_line = lines + places
    return Network(
        tails=np.concatenate([np.asarray(one[0], np.int32) for one in groups]),
        heads=np.concatenate([np.asarray(one[1], np.int32) for one in groups]),
        capacities=np.concatenate([np.full(len(one[0]), one[2], np.int64) for one in groups]),
        costs=np.concatenate([np.asarray(one[3], np.int64) for one in groups]),
        supply=np.concatenate([ends.count, -out_count, np.zeros(depot_s.size + 1, np.int64), own.count]),
        kind=np.repeat(
            np.array([0, 1, 2, 3], np.int8),
            [arrivals, departures, depot_s.size + 1, own.place.size],
        ),
        line=np.concatenate([
            ends.place * table.from_s.size + ends.band, lines + out_place,
            np.full(depot_s.size + 1, depot_line), depot_line + 1 + np.arange(own.place.size),
        ]).astype(np.int32),
        time_s=np.concatenate([ends.ready_s, out_s, depot_s, [2**31], own.arrive_s]).astype(np.int64),
        by_arrival=np.concatenate([ends.units, own.units]),
        by_departure=out_of,
        night_arc=sum(len(one[0]) for one in groups) - 1,
        depot_line=depot_line,
        units=everyone,
    )  # fmt: skip


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
    rank = np.array([1, 3, 2, 0], np.int8)[network.kind]
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


def room(problem: Problem, depots: NDArray[np.int32], everyone: int) -> int:
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


def floor(values: NDArray[Any]) -> NDArray[np.int64]:
    """Whole units, rounded down."""
    return np.asarray(np.floor(values), np.int64)
