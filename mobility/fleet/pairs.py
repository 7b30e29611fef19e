"""The connection network: one arc a pair of runs, so that a wait has its limit whoever waits.

On time lines waits add up past their limit, and a chain is then cut: more buses than needed, and a
bound that knows nothing of it. With one arc a pair the flow is exact there too. Pairs grow with the
square of the trips, so large days without such a limit keep their time lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.fleet import _kernels
from mobility.fleet import network as lines
from mobility.fleet.allowed import NO_LIMIT_S
from mobility.fleet.arrivals import depot_events
from mobility.fleet.links import links
from mobility.fleet.problem import UNREACHABLE_S
from mobility.fleet.runs import units_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mobility.fleet.network import Network
    from mobility.fleet.problem import Problem
    from mobility.fleet.runs import Run

# Beyond so many pairs time lines serve: an arc takes 28 bytes, its evaluation some 200.
_MOST_PAIRS = 3_000_000


def network_of(
    problem: Problem,
    runs: Sequence[Run],
    depots: NDArray[np.int32],
    *,
    minor_km: float,
    instant: bool = False,
) -> Network:
    """Make the network of some runs: of pairs where waits are limited and pairs are few, else of lines.

    Parameters
    ----------
    runs
        Trips (rows) that stay together, sorted by their first.
    depots
        Rows of ``problem.deadheads``; every pull-out and pull-in takes the best of them.
    minor_km
        Price of a km of empty running.
    instant
        As in `network.build`; pairs then stay away, since two trips of no length could follow each
        other in a circle.
    """
    units = units_of(problem, runs)
    limited = (problem.allowed.max_wait_s < NO_LIMIT_S).any()
    if limited and not instant and runs:
        first, then = _candidates(problem, units)
        if first.size <= _MOST_PAIRS:
            return _of_pairs(problem, runs, units, depots, first, then, minor_km)
    return lines.build(problem, units, depots, minor_km=minor_km, instant=instant)


def _candidates(
    problem: Problem, units: lines.Units
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Pairs of units of which the second departs within the longest wait and run after the first."""
    times = problem.deadheads.time_s
    run_s = int(times[times < UNREACHABLE_S].max(initial=0))
    most = int(problem.allowed.max_wait_s.max(initial=0)) + run_s
    arrive = units.arrive_s.astype(np.int64)
    low = np.searchsorted(units.depart_s, arrive, side="left")
    high = np.searchsorted(units.depart_s, arrive + most, side="right")
    count = high - low
    if int(count.sum()) > _MOST_PAIRS:
        return np.zeros(_MOST_PAIRS + 1, np.int32), np.zeros(0, np.int32)
    first = np.repeat(np.arange(units.size), count)
    then = np.arange(first.size) - np.repeat(np.cumsum(count) - count, count) + low[first]
    apart = first != then
    return first[apart].astype(np.int32), then[apart].astype(np.int32)


def _of_pairs(
    problem: Problem,
    runs: Sequence[Run],
    units: lines.Units,
    depots: NDArray[np.int32],
    first: NDArray[np.int32],
    then: NDArray[np.int32],
    minor_km: float,
) -> Network:
    table, count, scale = problem.deadheads, units.size, lines.SCALE
    head = np.array([run[0] for run in runs], np.int32)
    tail = np.array([run[-1] for run in runs], np.int32)
    layover = problem.allowed.layover_s[tail]
    # As on time lines: without a layover a trip of no length is taken to last a second.
    arrive = np.maximum(units.arrive_s, units.depart_s + (layover == 0)).astype(np.int32)
    straight = links(
        problem, tail[first], head[then], int(depots[0]), minor_km=minor_km
    ).straight_minor
    straight[arrive[first] > units.depart_s[then]] = np.inf

    tables = (table.time_s, table.distance_m)
    band = np.maximum(np.searchsorted(table.from_s, arrive, side="right") - 1, 0).astype(np.int32)
    leave, leave_m = _kernels.pull_outs(
        table.from_s, *tables, depots, units.from_place, units.depart_s
    )
    home_run, home_m = _kernels.pull_ins(*tables, depots, units.to_place, band)
    ready = (arrive + layover).astype(np.int32)
    home = ready + home_run
    out_minor, home_minor = leave_m * minor_km / 1000.0, home_m * minor_km / 1000.0
    around = np.where(home[first] <= leave[then], home_minor[first] + out_minor[then], np.inf)
    chosen = np.flatnonzero(np.isfinite(straight) & (straight < around))

    can_leave = np.flatnonzero(leave > _kernels.NEVER)
    can_home = np.flatnonzero(home_run < _kernels.UNREACHABLE)
    depot_s, depot_of = depot_events(leave[can_leave], home[can_home])
    depot_0 = 2 * count
    end = depot_0 + depot_s.size
    nodes = depot_0 + np.arange(depot_s.size)
    groups: list[tuple[Any, Any, Any, Any]] = [
        (first[chosen], count + then[chosen], 1, lines.floor(straight[chosen] * scale)),
        (can_home, depot_0 + np.searchsorted(depot_s, home[can_home]), 1,
         lines.floor(home_minor[can_home] * scale)),
        (depot_0 + depot_of, count + can_leave, 1, lines.floor(out_minor[can_leave] * scale)),
        (nodes, nodes + 1, count, np.zeros(depot_s.size, np.int64)),
        ([end], [depot_0], lines.room(problem, depots, count),
         [int(np.floor(problem.costs.vehicle_day_minor * scale))]),
    ]  # fmt: skip
    one = np.ones(count, np.int64)
    return lines.Network(
        tails=np.concatenate([np.asarray(part[0], np.int32) for part in groups]),
        heads=np.concatenate([np.asarray(part[1], np.int32) for part in groups]),
        capacities=np.concatenate([np.full(len(part[0]), part[2], np.int64) for part in groups]),
        costs=np.concatenate([np.asarray(part[3], np.int64) for part in groups]),
        supply=np.concatenate([one, -one, np.zeros(depot_s.size + 1, np.int64)]),
        kind=np.repeat(np.array([0, 1, 2], np.int8), [count, count, depot_s.size + 1]),
        line=np.concatenate(
            [np.arange(2 * count), np.full(depot_s.size + 1, 2 * count)]
        ).astype(np.int32),
        time_s=np.concatenate([ready, units.depart_s, depot_s, [2**31]]).astype(np.int64),
        by_arrival=np.arange(count, dtype=np.int32),
        by_departure=np.arange(count, dtype=np.int32),
        night_arc=sum(len(part[0]) for part in groups) - 1,
        depot_line=2 * count,
        units=count,
    )  # fmt: skip
