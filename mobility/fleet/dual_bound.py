"""A bound for blocks of many depots: the most that all trips together can be worth.

Every trip has a worth. Where no bus's day, from a depot and home to the same one, is worth more than
it costs, the sum of all worths is a bound: the days of any plan cover every trip once. That is the
dual of choosing among all possible days, and its best value is as good as column generation's.

The worths rise trip by trip: the cheapest day through a trip, found from labels before and after it,
leaves a rest that the trip can take. Plain steps of this kind get stuck, so a soft minimum over days
takes the minimum's place, colder and colder; its steps are iterative scaling, which cannot. Whatever
comes before, the last sweeps use the plain minimum and take every rest below 0 in full: after them no
day is worth more than it costs, so the bound does not rest on anything else being right.

Batteries, queues at chargers, capacities of depots and the length of a day are relaxed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.fleet import _dual_kernels
from mobility.fleet.city_flow import Events, city_flow, connections, least_layover_s
from mobility.fleet.trip_table import trip_table
from mobility.stop import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem
    from mobility.fleet.trip_table import TripTable
    from mobility.stop import Stop

_MINUTE_S = 60
# Softness, minor units a day of a bus, and sweeps at each.
_COOLING = ((1 / 18_000, 80), (1 / 60_000, 120), (1 / 180_000, 60))
_LAST = 2
# What floating point may lose of a sum.
_SAFE = 1e-9


@dataclass(frozen=True)
class DualBound:
    """``bound_minor`` covers vehicles, empty running and waiting; ``worth`` is that of every trip."""

    bound_minor: float
    worth: NDArray[np.float64]
    sweeps: int


def dual_bound(
    problem: Problem,
    rows: NDArray[np.int32],
    minor_km: float,
    *,
    worth: NDArray[np.float64] | None = None,
    stop: Stop | None = None,
) -> DualBound | None:
    """Bound what some trips cost in any plan that is free to chain them, whatever the batteries.

    Parameters
    ----------
    problem, rows
        Depots, costs and rules; the trips are rows of ``problem.trips``.
    minor_km
        Price of a km of empty running, its energy at the least price included. The trips' own energy
        is not in the bound.
    worth
        (rows,) where to start; any numbers do. By default those of the relaxed flow.
    stop
        When to give up raising it; ``Work`` counts sweeps.

    Returns
    -------
    DualBound or None
        None where a trip takes no time, for then it could follow itself, where trips may be moved, and
        where no flow covers them.
    """
    table = trip_table(problem, rows, any_depot=True)
    if rows.size == 0 or problem.rules.shift_s or (table.arrive_s <= table.depart_s).any():
        return None
    if worth is None:
        flow = city_flow(problem, table, minor_km=minor_km, relaxed=True)
        if flow is None:
            return None
        worth = flow.worth
    network, minutes, shape = _network(problem, table, minor_km)
    now = np.ascontiguousarray(worth, float).copy()
    before, after = np.empty(shape), np.empty(shape)
    days = [one.vehicle_day_minor for one in problem.vehicles if one.vehicle_day_minor is not None]
    vehicle = float(min([problem.costs.vehicle_day_minor, *days]))
    begin, sweeps = time.perf_counter(), 0

    def labels(heat: float) -> None:
        none = np.full(shape, _dual_kernels.FAR)
        _dual_kernels.sweep_backward(*network, 0.0, heat, none, now.copy(), after, minutes)

    def over() -> bool:
        passed = Progress(seconds=time.perf_counter() - begin, work=sweeps)
        return stop is not None and stop(passed) is not None

    for share, count in _COOLING if vehicle > 0 else ():
        labels(share * vehicle)
        for _ in range(count):
            if over():
                break
            heat = share * vehicle
            _dual_kernels.sweep_forward(*network, vehicle, 1.0, heat, after, now, before, minutes)
            _dual_kernels.sweep_backward(*network, 1.0, heat, before, now, after, minutes)
            sweeps += 1
    labels(0.0)
    for _ in range(_LAST):
        _dual_kernels.sweep_forward(*network, vehicle, 1.0, 0.0, after, now, before, minutes)
        _dual_kernels.sweep_backward(*network, 1.0, 0.0, before, now, after, minutes)
    bound = float(now.sum() - _SAFE * np.abs(now).sum())
    return DualBound(max(0.0, bound), now, sweeps)


def _network(
    problem: Problem, table: TripTable, minor_km: float
) -> tuple[tuple[Any, ...], int, tuple[int, int]]:
    """Arguments of the sweeps, the minutes of the day, and the shape of labels."""
    events = Events.of(table)
    arrivals, departures = events.in_s.size, events.out_s.size
    layover = least_layover_s(problem)
    tails, heads, costs = connections(
        problem, table, events, minor_km=minor_km, layover_s=layover, prune=False
    )
    second = problem.costs.waiting_h_minor / 3600.0
    wait = np.full(arrivals + departures, _dual_kernels.FAR)
    for base, place, when in (
        (0, events.in_place, events.in_s),
        (arrivals, events.out_place, events.out_s),
    ):
        same = np.flatnonzero(place[1:] == place[:-1])
        wait[base + same] = (when[same + 1] - when[same]) * second
    home_m, out_m = table.home_m[events.in_row], table.out_m[events.out_row]
    ready = table.home_s[events.in_row].astype(np.int64) + layover
    leave = table.out_s[events.out_row].astype(np.int64)
    can_home, can_leave = home_m < 1_000_000_000, out_m < 1_000_000_000
    times = np.concatenate([events.in_s, events.out_s]).astype(np.int64)
    everything = np.concatenate([ready[can_home], leave[can_leave], times]) // _MINUTE_S
    start = int(everything.min()) - 1
    return (
        (
            np.lexsort((np.repeat([0, 1], [arrivals, departures]), times)).astype(np.int32),
            (times // _MINUTE_S - start).astype(np.int32),
            arrivals,
            np.searchsorted(tails, np.arange(arrivals + 1)).astype(np.int64),
            (heads + arrivals).astype(np.int32),
            costs / 1000.0,
            wait,
            events.out_of,
            np.concatenate([[0], np.cumsum(events.out_count)]).astype(np.int64),
            _event_of(events.in_of, events.in_count),
            np.where(can_home, ready // _MINUTE_S - start, -1).astype(np.int32),
            np.where(can_home, home_m * (minor_km / 1000.0), 0.0),
            np.where(can_leave, leave // _MINUTE_S - start, -1).astype(np.int32),
            np.where(can_leave, out_m * (minor_km / 1000.0), 0.0),
        ),
        int(everything.max()) - start + 1,
        (arrivals + departures, len(problem.depots)),
    )


def _event_of(unit: NDArray[np.int32], count: NDArray[np.int64]) -> NDArray[np.int32]:
    """The event of every unit."""
    event = np.empty(unit.size, np.int32)
    event[unit] = np.repeat(np.arange(count.size, dtype=np.int32), count)
    return event
