"""Some trips as arrays, with the pull-out and pull-in of each from and to every depot.

What the kernels of a whole city read: a pair of trips or a visit to a depot costs a few look-ups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.fleet.energy import trip_kwh
from mobility.fleet.runs import pull_in, pull_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem

# Metres of a pull-out or pull-in that does not exist, and a second that is out of any day.
FAR_M = 2_000_000_000
NEVER_S = -1_000_000_000


@dataclass(frozen=True)
class TripTable:
    """N trips, D depots, P places.

    ``band`` is the band of empty running in which a trip ends; ``layover_s`` holds after it,
    ``max_wait_s`` before it. ``out_s`` (N, D): when a bus leaves the depot for the trip, ``NEVER_S``
    where there is no way; ``home_s``: when it is back after the trip; metres are ``FAR_M`` where there
    is no way. ``able`` (N, D): whether a bus of the depot may drive the trip.
    """

    rows: NDArray[np.int32]
    depart_s: NDArray[np.int32]
    arrive_s: NDArray[np.int32]
    from_place: NDArray[np.int32]
    to_place: NDArray[np.int32]
    band: NDArray[np.int32]
    layover_s: NDArray[np.int32]
    max_wait_s: NDArray[np.int32]
    kwh: NDArray[np.float64]
    times: NDArray[np.int32]
    metres: NDArray[np.int32]
    out_s: NDArray[np.int32]
    out_m: NDArray[np.int32]
    home_s: NDArray[np.int32]
    home_m: NDArray[np.int32]
    able: NDArray[np.bool_]

    @property
    def arrays(self) -> tuple[Any, ...]:
        """The tables in the order in which the kernels of ``_dispatch_kernels`` unpack them."""
        return (
            self.depart_s, self.arrive_s, self.from_place, self.to_place, self.band, self.layover_s,
            self.max_wait_s, self.kwh, self.times, self.metres, self.out_s, self.out_m, self.home_s,
            self.home_m, self.able,
        )  # fmt: skip


def trip_table(problem: Problem, rows: NDArray[np.int32], *, any_depot: bool = False) -> TripTable:
    """Look everything up once, for trips that are rows of ``problem.trips``.

    ``any_depot``, for a bound: a rule that keeps a route to some depots is left aside.
    """
    shape = (rows.size, len(problem.depots))
    out_s, home_s = np.empty(shape, np.int32), np.empty(shape, np.int32)
    out_m, home_m = np.empty(shape, np.int32), np.empty(shape, np.int32)
    able = np.ascontiguousarray(problem.allowed.depots[rows] | any_depot)
    for depot, place in enumerate(problem.depot_place.tolist()):
        leave, away = pull_out(problem, rows, place)
        lost = ~np.isfinite(away) | ~able[:, depot]
        out_s[:, depot] = np.where(lost, NEVER_S, leave)
        out_m[:, depot] = np.where(lost, FAR_M, np.where(lost, 0, away))
        back, away = pull_in(problem, rows, place)
        lost = ~np.isfinite(away) | ~able[:, depot]
        home_s[:, depot] = np.where(lost, -NEVER_S, back)
        home_m[:, depot] = np.where(lost, FAR_M, np.where(lost, 0, away))
    arrive = problem.arrive_s[rows]
    band = np.searchsorted(problem.deadheads.from_s, arrive, side="right") - 1
    return TripTable(
        rows=rows,
        depart_s=problem.depart_s[rows],
        arrive_s=arrive,
        from_place=problem.from_place[rows],
        to_place=problem.to_place[rows],
        band=np.maximum(band, 0).astype(np.int32),
        layover_s=np.ascontiguousarray(problem.allowed.layover_s[rows]),
        max_wait_s=np.ascontiguousarray(problem.allowed.max_wait_s[problem.from_place[rows]]),
        kwh=trip_kwh(problem)[rows],
        times=problem.deadheads.time_s,
        metres=problem.deadheads.distance_m,
        out_s=out_s,
        out_m=out_m,
        home_s=home_s,
        home_m=home_m,
        able=able,
    )
