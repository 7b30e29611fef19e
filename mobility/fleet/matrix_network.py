"""A matrix problem as arrays for the kernels: trips in topological order, links by tail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mobility.errors import ConfigError
from mobility.fleet._column_kernels import FAR
from mobility.fleet.matrix import IMPOSSIBLE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.matrix import MatrixProblem


@dataclass(frozen=True, eq=False)
class Network:
    """Trips in an order in which every connection leads forward, and what connects them.

    ``trip`` and ``depot`` are the problem's own numbers. ``leave`` and ``enter`` (trips, depots) are
    pull-outs and pull-ins, ``FAR`` where impossible. Links ``first[i]`` to ``first[i + 1]`` lead from
    trip i to ``to`` at ``cost``. Whole numbers all.
    """

    trip: NDArray[np.int64]
    depot: NDArray[np.int64]
    room: NDArray[np.int64]
    leave: NDArray[np.int64]
    enter: NDArray[np.int64]
    first: NDArray[np.int64]
    to: NDArray[np.int32]
    cost: NDArray[np.int64]

    @property
    def trips(self) -> int:
        """How many trips."""
        return int(self.trip.size)

    @property
    def depots(self) -> int:
        """How many depots."""
        return int(self.depot.size)

    @property
    def tails(self) -> NDArray[np.int64]:
        """The trip that each link leads from."""
        return np.repeat(np.arange(self.trips), np.diff(self.first))

    @property
    def spans(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Links of (trip, depot), ``start`` and ``end``: the same ones for all depots."""
        shape = (self.trips, self.depots)
        start = np.broadcast_to(self.first[:-1, None], shape).copy()
        return start, np.broadcast_to(self.first[1:, None], shape).copy()


def network(problem: MatrixProblem) -> Network:
    """Order a problem's trips and depots by what they cost, not by where they stand in the file.

    Parameters
    ----------
    problem
        A matrix problem; what leads from a trip to itself is left out.

    Raises
    ------
    ConfigError
        When connections lead round in a circle.
    """
    m, n = problem.depots, problem.trips
    cost = problem.cost
    inner = cost[m:, m:]
    possible = inner != IMPOSSIBLE
    np.fill_diagonal(possible, val=False)
    level = _levels(possible)
    out, home = cost[:m, m:], cost[m:, :m]
    worth = np.where(possible, inner + 1, 0)
    # Numbers that a new numbering of the trips does not change; ties are true twins, mostly.
    keys = (
        home.max(1, initial=-1), out.max(0, initial=-1), home.sum(1), out.sum(0),
        worth.sum(0), worth.sum(1), possible.sum(0), possible.sum(1), level,
    )  # fmt: skip
    trip = np.lexsort(keys).astype(np.int64)
    depot = np.lexsort(
        (home.max(0, initial=-1), out.max(1, initial=-1), home.sum(0), out.sum(1), problem.capacity)
    ).astype(np.int64)
    ordered = possible[np.ix_(trip, trip)]
    tails, heads = np.nonzero(ordered)
    first = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(tails, minlength=n), out=first[1:])
    leave = out[np.ix_(depot, trip)].T
    enter = home[np.ix_(trip, depot)]
    return Network(
        trip=trip,
        depot=depot,
        room=np.minimum(problem.capacity[depot], n),
        leave=np.ascontiguousarray(np.where(leave == IMPOSSIBLE, FAR, leave)),
        enter=np.ascontiguousarray(np.where(enter == IMPOSSIBLE, FAR, enter)),
        first=first,
        to=heads.astype(np.int32),
        cost=np.ascontiguousarray(inner[trip[tails], trip[heads]]),
    )


def _levels(possible: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Most connections on any way that ends with each trip."""
    waiting = possible.sum(0)
    level = np.zeros(waiting.size, np.int64)
    done = np.zeros(waiting.size, bool)
    step = 0
    while not done.all():
        ready = ~done & (waiting == 0)
        if not ready.any():
            trip = int(np.flatnonzero(~done)[0])
            raise ConfigError(
                f"trips can follow each other round in a circle, trip {trip} is on it or after it",
                mend="no trip may be able to follow itself: write -1 for one connection of the circle",
            )
        level[ready] = step
        done |= ready
        waiting = waiting - possible[ready].sum(0)
        step += 1
    return level
