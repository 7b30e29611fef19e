"""Which depot a vehicle's work goes home to, within the depots' capacities."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet import network as flows
from mobility.fleet.links import links
from mobility.fleet.pairs import network_of
from mobility.fleet.runs import Run, least_link, pull_in, pull_out

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem

# Prices of a place in a full depot rise round by round; most cases need one round, tight ones ten.
_ROUNDS = 40


def rechain(
    problem: Problem,
    runs: Sequence[Run],
    chains: Sequence[Sequence[int]],
    *,
    minor_km: float,
    keep: bool,
) -> list[tuple[int, list[Run]]] | None:
    """Give the pieces of chains to depots, and chain every depot's own work anew, exactly.

    A piece is what a bus does between two stays at a depot. Each takes its cheapest depot; where a
    depot then needs more vehicles than it holds, a place in it gets a price, and the pieces that
    lose least move on.

    Parameters
    ----------
    runs
        Trips that stay together.
    chains
        Rows of ``runs`` in the order in which vehicles drive them.
    minor_km, keep
        Price of a km of empty running; whether the feed's own connections need no layover.

    Returns
    -------
    list of (depot, chains) or None
        None where no round fitted: no proof that there is no way.
    """
    pieces = _pieces(problem, runs, chains, minor_km, keep)
    cost = _ends_minor(problem, [_trips(runs, piece) for piece in pieces], minor_km)
    if not np.isfinite(cost).any(axis=1).all():
        return None
    limits = [one.capacity for one in problem.depots]
    roomy = replace(problem, depots=tuple(replace(one, capacity=None) for one in problem.depots))
    price = np.zeros(len(limits))
    known: dict[tuple[int, bytes], list[Run]] = {}
    for _ in range(_ROUNDS):
        home = np.argmin(cost + price, axis=1)
        answer, over = [], np.zeros(len(limits), np.int64)
        for depot, limit in enumerate(limits):
            here = home == depot
            if not here.any():
                continue
            key = (depot, here.tobytes())
            if key not in known:
                own = sorted(
                    unit for piece, mine in zip(pieces, here, strict=True) if mine for unit in piece
                )
                known[key] = _chain(roomy, [runs[unit] for unit in own], depot, minor_km)
            answer.append((depot, known[key]))
            over[depot] = 0 if limit is None else max(0, len(known[key]) - limit)
        if not over.any():
            return answer
        price = raised_prices(cost, price, home, over)
    return None


def _chain(problem: Problem, runs: list[Run], depot: int, minor_km: float) -> list[Run]:
    """Chain runs from one depot that holds any number of buses: there is always a way."""
    place = problem.depot_place[[depot]]
    chained = flows.chain(network_of(problem, runs, place, minor_km=minor_km))
    return [_trips(runs, chain) for chain in flows.chains_of(chained)]


def raised_prices(
    cost: NDArray[np.float64],
    price: NDArray[np.float64],
    home: NDArray[np.int64],
    over: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Raise the price of each full home until a few more pieces than needed move on.

    ``cost`` (pieces, homes), ``price`` (homes,), ``home`` the choice of each piece, ``over`` how many
    too many each home has. A home is a depot here, a type of bus where a mixed fleet is shared out.
    """
    raised = price.copy()
    for depot in np.flatnonzero(over).tolist():
        here = np.flatnonzero(home == depot)
        elsewhere = np.delete(cost[here] + price, depot, axis=1).min(axis=1, initial=np.inf)
        loss = np.sort(elsewhere - cost[here, depot] - price[depot])
        loss = loss[np.isfinite(loss)]
        if loss.size:
            raised[depot] += loss[min(loss.size, int(over[depot]) + 1) - 1] + 1e-3
    return raised


def _trips(runs: Sequence[Run], units: Sequence[int]) -> Run:
    return tuple(trip for unit in units for trip in runs[unit])


def _pieces(
    problem: Problem,
    runs: Sequence[Run],
    chains: Sequence[Sequence[int]],
    minor_km: float,
    keep: bool,
) -> list[list[int]]:
    """Cut chains where the bus goes via a depot; what is left must go to one depot as a whole."""
    first = np.array([runs[unit][-1] for chain in chains for unit in chain[:-1]], np.int32)
    then = np.array([runs[unit][0] for chain in chains for unit in chain[1:]], np.int32)
    # Which depot does not matter for the straight way.
    straight = links(
        problem, first, then, int(problem.depot_place[0]), minor_km=minor_km
    ).straight_minor
    home = straight > least_link(problem, first, then, minor_km, np.full(first.size, keep)) + 1e-6
    home |= ~np.isfinite(straight)
    allowed = problem.allowed.depots
    pieces, at = [], 0
    for chain in chains:
        start, depots = 0, allowed[list(runs[chain[0]])].all(axis=0)
        for step in range(1, len(chain)):
            own = allowed[list(runs[chain[step]])].all(axis=0)
            apart = home[at] or not (depots & own).any()
            if apart:
                pieces.append(list(chain[start:step]))
                start = step
            depots = own if apart else depots & own
            at += 1
        pieces.append(list(chain[start:]))
    return pieces


def _ends_minor(problem: Problem, pieces: Sequence[Run], minor_km: float) -> NDArray[np.float64]:
    """(pieces, depots) minor units of each piece's pull-out and pull-in; inf: no way, or not allowed."""
    first = np.array([trips[0] for trips in pieces], np.int32)
    last = np.array([trips[-1] for trips in pieces], np.int32)
    ends = [
        pull_out(problem, first, int(place))[1] + pull_in(problem, last, int(place))[1]
        for place in problem.depot_place
    ]
    metres = np.stack(ends, axis=1)
    owner = np.repeat(np.arange(len(pieces)), [len(trips) for trips in pieces])
    refused = ~problem.allowed.depots[
        np.array([one for trips in pieces for one in trips], np.int32)
    ]
    np.maximum.at(metres, owner, np.where(refused, np.inf, 0.0))
    # Not 0 x inf: an empty run that costs nothing still needs a way.
    return np.where(
        np.isfinite(metres), np.where(np.isfinite(metres), metres, 0.0) * minor_km / 1000.0, np.inf
    )


def crowded(problem: Problem, homes: Sequence[int]) -> dict[int, int]:
    """Buses beyond each depot's capacity, where there are any; ``homes`` is the depot of each."""
    taken = np.bincount(np.asarray(homes, np.int64), minlength=len(problem.depots))
    over = {
        at: int(taken[at]) - one.capacity
        for at, one in enumerate(problem.depots)
        if one.capacity is not None
    }
    return {at: count for at, count in over.items() if count > 0}


def smaller(problem: Problem, by: Mapping[int, int]) -> Problem:
    """The problem with so many places less in each depot; never below none."""
    return replace(
        problem,
        depots=tuple(
            one
            if one.capacity is None
            else replace(one, capacity=max(0, one.capacity - by.get(at, 0)))
            for at, one in enumerate(problem.depots)
        ),
    )


def held(problem: Problem) -> float:
    """Buses that all depots hold together; inf where one has no limit."""
    return sum(float("inf") if one.capacity is None else one.capacity for one in problem.depots)


def assign(
    problem: Problem, chains: Sequence[Run], minor_km: float, *, keep: bool
) -> NDArray[np.int64] | None:
    """The depot of every chain at the least empty running; None where they do not fit.

    Without capacities every chain takes its best depot; with them it is a transport problem.
    """
    if not chains:
        return np.empty(0, np.int64)
    cost = home_costs(problem, chains, minor_km, keep=keep)
    limits = [one.capacity for one in problem.depots]
    best = np.argmin(cost, axis=1)
    if not np.isfinite(cost[np.arange(len(chains)), best]).all():
        # Some chain goes via a depot that no single depot can stand in for: its pieces are chained
        # again per depot, so the least bad depot will do.
        cost = np.where(np.isfinite(cost), cost, 1e9)
    taken = np.bincount(best, minlength=len(limits))
    if all(limit is None or count <= limit for limit, count in zip(limits, taken, strict=True)):
        return np.asarray(best, np.int64)
    return transport(cost, limits)


def home_costs(
    problem: Problem, chains: Sequence[Run], minor_km: float, *, keep: bool
) -> NDArray[np.float64]:
    """(chains, depots) minor units of each chain's connections, pull-out and pull-in."""
    first = np.array([one for trips in chains for one in trips[:-1]], np.int32)
    then = np.array([one for trips in chains for one in trips[1:]], np.int32)
    owner = np.repeat(np.arange(len(chains)), [len(trips) - 1 for trips in chains])
    block = problem.trips["block_id"].to_numpy(object)
    kept = np.asarray(keep & (block[first] == block[then]) & (block[first] != ""), bool)
    cost = _ends_minor(problem, chains, minor_km)
    for depot, place in enumerate(problem.depot_place):
        between = links(problem, first, then, int(place), minor_km=minor_km, kept=kept).cost_minor
        np.add.at(cost[:, depot], owner, between)
    return cost


def transport(cost: NDArray[np.float64], held: list[int | None]) -> NDArray[np.int64] | None:
    """The column of every row at the least total cost, each column taken at most ``held`` times.

    None where they do not fit. ``cost`` is (rows, columns); inf is never taken.
    """
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

    chains, depots = cost.shape
    solver = SimpleMinCostFlow()
    tails, heads = np.nonzero(np.isfinite(cost))
    arcs = solver.add_arcs_with_capacity_and_unit_cost(
        tails.astype(np.int32), (chains + heads).astype(np.int32), np.ones(tails.size, np.int64),
        np.round(cost[tails, heads] * 10).astype(np.int64),
    )  # fmt: skip
    sink = chains + depots
    solver.add_arcs_with_capacity_and_unit_cost(
        chains + np.arange(depots, dtype=np.int32), np.full(depots, sink, np.int32),
        np.array([chains if limit is None else limit for limit in held], np.int64),
        np.zeros(depots, np.int64),
    )  # fmt: skip
    supply = np.zeros(sink + 1, np.int64)
    supply[:chains], supply[sink] = 1, -chains
    solver.set_nodes_supplies(np.arange(sink + 1, dtype=np.int32), supply)
    if solver.solve() != solver.OPTIMAL:
        return None
    taken = np.asarray(solver.flows(arcs)) > 0
    chosen = np.zeros(chains, np.int64)
    chosen[tails[taken]] = heads[taken]
    return chosen
