"""Vehicle scheduling with several depots on a cost matrix: blocks, and a bound that no plan beats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from mobility.fleet._column_kernels import FAR
from mobility.fleet.matrix import MatrixBlock, MatrixPlan
from mobility.fleet.matrix_network import network
from mobility.fleet.rebuild import Ascent
from mobility.fleet.relaxation import certify, relax
from mobility.fleet.watch import Watch
from mobility.solution import Report, Status, StopReason
from mobility.stop import Gap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.matrix import MatrixProblem
    from mobility.fleet.matrix_network import Network
    from mobility.fleet.relaxation import Relaxed
    from mobility.stop import Stop

# Kept back of the seconds for each link of each depot: no step is broken off in its midst.
_MARGIN_LINK_S = 6e-8


def plan_matrix(problem: MatrixProblem, *, stop: Stop | None = None, seed: int = 0) -> MatrixPlan:
    """Cover all trips with the cheapest blocks that begin and end at the same depot.

    One depot: a min-cost flow, exact. Several: prices of trips are raised by exact coordinate
    ascent of a smoothed dual (each way of a depot through its trips weighs exp(-slack / heat); the
    weights through every trip are made to sum to 1, forth and back along the topological order, while
    the heat falls). They prove the bound, in whole numbers, and lead a dive that builds the surest
    blocks first; neighbourhoods are then taken apart and built anew. Where few enough ways can still
    be part of a better plan, all of them are listed and an exact search over them ends the matter.

    Parameters
    ----------
    problem
        What may follow what, at which cost.
    stop
        When to give up improving; a gap of 0.1 % by default. ``Work`` counts the solver's steps and
        repeats exactly; ``Seconds`` does not, and ends a little early.
    seed
        Of the neighbourhoods.

    Returns
    -------
    MatrixPlan
        Always. Read ``report.status`` first: an infeasible plan explains itself in ``why``, one whose
        status is unknown has found no blocks, nor a proof that there are none.

    Raises
    ------
    ConfigError
        When connections lead round in a circle, or costs are too large to be added up exactly.

    References
    ----------
    Carpaneto, Dell'Amico, Fischetti, Toth (1989), the family of instances. Ribeiro, Soumis (1994),
    the set partitioning bound that the prices approach. Kolmogorov (2006), sequential coordinate
    ascent on the duals of problems on chains.

    Examples
    --------
    >>> print(plan_matrix(fleet.read_mdvsp("gtfs_samples/m2n40.inp"), stop=Work(20)))
    11 vehicles, cost 119,382 (optimal, gap 0.00%, ... s), at least 11
    """
    watch = Watch(stop if stop is not None else Gap(0.001))
    if problem.trips == 0:
        return _answer(problem, watch, seed, (), 0, 0, StopReason.FINISHED)
    net = network(problem)
    fewest = net.trips - _matched(net)
    if why := _no_way(net, fewest):
        return _nothing(problem, watch, seed, fewest, None, why, StopReason.FINISHED, proven=True)
    relaxed = relax(net)
    if relaxed is None:
        why = (
            f"the depots hold {int(problem.capacity.sum())} vehicles in all: "
            "too few to cover every trip with the connections there are; raise a capacity"
        )
        return _nothing(problem, watch, seed, fewest, None, why, StopReason.FINISHED, proven=True)
    if problem.depots == 1:
        return _exact(problem, net, relaxed, watch, seed, fewest)
    watch.keep_back(_MARGIN_LINK_S * net.to.size * net.depots)
    with watch.alarm():
        ascent = Ascent(net, relaxed, seed, watch.halt)
        reason = _improve(ascent, watch)
    if ascent.infeasible:
        why = "no blocks within the depots' capacities cover every trip: raise a capacity"
        return _nothing(problem, watch, seed, fewest, None, why, reason, proven=True)
    if ascent.objective is None:
        why = (
            f"{ascent.left_out} trips found no vehicle within the depots' capacities in the time given: "
            "raise a capacity, or give more time"
        )
        return _nothing(problem, watch, seed, fewest, ascent.bound, why, reason, proven=False)
    blocks = _blocks(net, ascent.home, ascent.base)
    return _answer(problem, watch, seed, blocks, ascent.bound, fewest, reason)


def _improve(ascent: Ascent, watch: Watch) -> StopReason:
    """Take step after step until the plan is proved best or the stop says so."""
    for _ in ascent.steps(watch):
        watch.work += 1
        if ascent.infeasible or ascent.gap == 0.0:
            return StopReason.FINISHED
        if (reason := watch.reason(ascent.gap)) is not None:
            return reason
    return StopReason.FINISHED


def _matched(net: Network) -> int:
    """Most connections that any blocks can hold: every one of them saves a vehicle."""
    shape = (net.trips, net.trips)
    graph = csr_array((np.ones(net.to.size, np.int8), net.to, net.first), shape=shape)
    return int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum())


def _no_way(net: Network, fewest: int) -> str:
    """Say why there can be no plan, empty where one cannot see it at once."""
    ahead, after = net.leave < FAR, net.enter < FAR
    ahead &= net.room > 0
    after &= net.room > 0
    for i in range(net.trips):
        ahead[net.to[net.first[i] : net.first[i + 1]]] |= ahead[i]
    for i in range(net.trips - 1, -1, -1):
        after[i] |= after[net.to[net.first[i] : net.first[i + 1]]].any(0)
    lost = ~(ahead & after).any(1)
    if lost.any():
        trips = np.sort(net.trip[lost])
        return (
            f"no vehicle of any depot can drive {trips.size} trips and come home, the first is trip "
            f"{trips[0]}: give it a pull-out and a pull-in of one depot, or connections that have them"
        )
    places = int(net.room.sum())
    if places < fewest:
        return (
            f"the trips need at least {fewest} vehicles, the depots hold {places}: raise a capacity"
        )
    return ""


def _exact(
    problem: MatrixProblem, net: Network, relaxed: Relaxed, watch: Watch, seed: int, fewest: int
) -> MatrixPlan:
    """One depot: the flow's chains are the blocks, and its prices prove them."""
    home = np.empty(net.trips, np.int32)
    for block, chain in enumerate(relaxed.chains):
        home[chain] = block
    blocks = _blocks(net, home, np.zeros(len(relaxed.chains), np.int32))
    proof = certify(net, relaxed.price.astype(float), np.array([float(relaxed.rent)]))
    return _answer(problem, watch, seed, blocks, proof.bound, fewest, StopReason.FINISHED)


def _blocks(
    net: Network, home: NDArray[np.int32], base: NDArray[np.int32]
) -> tuple[MatrixBlock, ...]:
    """Blocks in the problem's own numbers, by depot and first trip."""
    trips: dict[int, list[int]] = {}
    for row, block in enumerate(home.tolist()):
        trips.setdefault(block, []).append(int(net.trip[row]))
    found = [MatrixBlock(int(net.depot[base[block]]), tuple(own)) for block, own in trips.items()]
    return tuple(sorted(found, key=lambda one: (one.depot, one.trips)))


def _answer(
    problem: MatrixProblem,
    watch: Watch,
    seed: int,
    blocks: tuple[MatrixBlock, ...],
    bound: int,
    fewest: int,
    reason: StopReason,
) -> MatrixPlan:
    depots, cost = problem.depots, problem.cost
    ends = inner = 0
    for one in blocks:
        rows = [depots + trip for trip in one.trips]
        ends += int(cost[one.depot, rows[0]] + cost[rows[-1], one.depot])
        inner += int(cost[rows[:-1], rows[1:]].sum())
    status = Status.OPTIMAL if bound == ends + inner else Status.FEASIBLE
    report = Report(
        status=status,
        objective=ends + inner,
        objective_unit="cost",
        parts={"ends": ends, "connections": inner},
        bound=bound,
        bound_scope="these trips, connections, depots and capacities",
        seconds=watch.seconds,
        seed=seed,
        stop_reason=StopReason.FINISHED if status is Status.OPTIMAL else reason,
    )
    return MatrixPlan(problem, blocks, report, len(blocks), fewest)


def _nothing(
    problem: MatrixProblem,
    watch: Watch,
    seed: int,
    fewest: int,
    bound: int | None,
    why: str,
    reason: StopReason,
    *,
    proven: bool,
) -> MatrixPlan:
    report = Report(
        status=Status.INFEASIBLE if proven else Status.UNKNOWN,
        objective_unit="cost",
        bound=bound,
        bound_scope="" if bound is None else "these trips, connections, depots and capacities",
        seconds=watch.seconds,
        seed=seed,
        stop_reason=reason,
    )
    return MatrixPlan(problem, (), report, 0, fewest, why)
