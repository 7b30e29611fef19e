"""How a bus gets from one trip to the next: straight on, or via the depot. Vectorised, exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet.problem import UNREACHABLE_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.problem import Deadheads, Problem

NEVER_S = -1_000_000_000
IMPOSSIBLE = np.inf


@dataclass(frozen=True)
class Links:
    """One row a pair of trips that follow each other on a bus.

    ``leave_s``: when the empty run straight on leaves, which is at once. ``home_s``, ``out_s``: when the bus reaches
    the depot and leaves it again. ``straight_minor``, ``via_minor``: what each costs, inf where it
    cannot be driven or is not allowed.
    """

    leave_s: NDArray[np.int64]
    run_s: NDArray[np.int64]
    run_m: NDArray[np.int64]
    straight_minor: NDArray[np.float64]
    home_s: NDArray[np.int64]
    home_m: NDArray[np.int64]
    out_s: NDArray[np.int64]
    out_m: NDArray[np.int64]
    via_minor: NDArray[np.float64]

    @property
    def cost_minor(self) -> NDArray[np.float64]:
        """The cheaper way of each pair."""
        return np.minimum(self.straight_minor, self.via_minor)

    @property
    def via(self) -> NDArray[np.bool_]:
        """Whether the depot is the cheaper way."""
        return self.via_minor < self.straight_minor


def links(
    problem: Problem,
    first: NDArray[np.int32],
    then: NDArray[np.int32],
    depot_place: int | NDArray[np.int32],
    *,
    minor_km: float,
    kept: NDArray[np.bool_] | None = None,
) -> Links:
    """Evaluate pairs of trips (rows of ``problem.trips``) for buses of the given depots.

    ``kept`` marks pairs that the feed's own blocks prescribe: they need no layover.
    """
    costs, table, rules = problem.costs, problem.deadheads, problem.allowed
    second = costs.waiting_h_minor / 3600.0
    at = problem.arrive_s[first].astype(np.int64)
    by = problem.depart_s[then].astype(np.int64)
    origin, target = problem.to_place[first], problem.from_place[then]
    free = np.zeros(first.size, bool) if kept is None else kept
    layover = np.where(free, 0, rules.layover_s[first]).astype(np.int64)
    together = free | (rules.group[first] == rules.group[then])
    # At once: a run that leaves later could be quicker, and then the network's bound would not hold.
    run_s = run_time(table, origin, target, at)
    run_m = run_metres(table, origin, target, at)
    standing = by - at - run_s
    fits = together & (at + run_s + layover <= by) & (run_s < UNREACHABLE_S)
    fits &= (standing <= rules.max_wait_s[target]) | free
    straight = np.where(fits, run_m * minor_km / 1000.0 + standing * second, IMPOSSIBLE)

    depot = np.broadcast_to(np.asarray(depot_place, np.int32), first.shape)
    home_run_s = run_time(table, origin, depot, at)
    home = at + home_run_s
    out = latest_leave(table, depot, target, by)
    home_m = run_metres(table, origin, depot, at)
    out_m = run_metres(table, depot, target, np.maximum(out, -86_400))
    possible = together & (home_run_s < UNREACHABLE_S) & (out > NEVER_S) & (home + layover <= out)
    via = np.where(possible, (home_m + out_m) * minor_km / 1000.0, IMPOSSIBLE)
    return Links(at, run_s, run_m, straight, home, home_m, out, out_m, via)


def run_time(
    table: Deadheads, origin: NDArray[np.int32], target: NDArray[np.int32], at_s: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Seconds of runs that leave at ``at_s``; ``UNREACHABLE_S`` where there is no way."""
    return table.time_s[_band(table, at_s), origin, target].astype(np.int64)


def run_metres(
    table: Deadheads, origin: NDArray[np.int32], target: NDArray[np.int32], at_s: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Metres of runs that leave at ``at_s``."""
    band = _band(table, at_s) if table.distance_m.shape[0] > 1 else np.zeros(at_s.shape, np.int64)
    return table.distance_m[band, origin, target].astype(np.int64)


def latest_leave(
    table: Deadheads, origin: NDArray[np.int32], target: NDArray[np.int32], by_s: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The latest second to leave so as to arrive by ``by_s``; ``NEVER_S`` where there is none."""
    best = np.full(by_s.shape, NEVER_S, np.int64)
    bands = table.from_s.size
    for band in range(bands):
        needed = table.time_s[band, origin, target].astype(np.int64)
        leave = by_s - needed
        if band + 1 < bands:
            leave = np.minimum(leave, int(table.from_s[band + 1]) - 1)
        fits = needed < UNREACHABLE_S
        if band:
            fits &= leave >= int(table.from_s[band])
        best = np.where(fits, np.maximum(best, leave), best)
    return best


def _band(table: Deadheads, at_s: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.maximum(np.searchsorted(table.from_s, at_s, side="right") - 1, 0)
