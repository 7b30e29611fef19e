"""How far headway trips may move, and as many connections as can hold together within that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet.problem import UNREACHABLE_S
from mobility.fleet.slack import Slack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem

SERIES = ["route_id", "direction_id", "from_stop", "to_stop"]
# How many near misses of two vehicles' days are tried at once.
_NEAR = 4_000


class Limits:
    """How far trips may move, and which connections hold together within that."""

    def __init__(self, problem: Problem, most: int, phase: int) -> None:
        self.problem, self.most, self.phase = problem, most, phase
        self.free = problem.trips["headway"].to_numpy(bool)
        keys = problem.trips.loc[self.free, SERIES]
        self.series = [
            rows.to_numpy(np.int64) for rows in keys.groupby(SERIES, sort=True).groups.values()
        ]  # rows are in order of departure, as the trips are
        self.layover = problem.allowed.layover_s.astype(np.int64)

    def settle(
        self,
        links: NDArray[np.int64],
        *,
        around: NDArray[np.int64] | None = None,
        join: bool = True,
    ) -> NDArray[np.int64]:
        """Seconds by which each trip moves so that as many connections as can hold do hold.

        Those that hold where trips are moved ``around`` come first, then the nearest misses.
        ``join``: then also ends of vehicles' days that nearly reach the start of another's.
        """
        slack = self._start()
        missing = self._missing(links)
        short = missing if around is None else missing + around[links[:, 0]] - around[links[:, 1]]
        for at in np.lexsort((links[:, 1], links[:, 0], np.maximum(short, 0))).tolist():
            if missing[at] <= 2 * (self.most + self.phase):
                slack.add(int(links[at, 0]), int(links[at, 1]), int(missing[at]))
        if join:
            self._join(slack, links)
        moves = slack.value[: self.free.size]
        return np.asarray(moves, np.int64)

    def _start(self) -> Slack:
        trips = self.free.size
        reach = (self.most + self.phase) * self.free
        high = [*reach.tolist(), *([self.phase] * len(self.series))]
        slack = Slack(high)
        depart = self.problem.depart_s.astype(np.int64)
        for number, rows in enumerate(self.series, trips):
            for row in rows.tolist():
                slack.hold(number, row, -self.most)
                slack.hold(row, number, -self.most)
            gaps = np.diff(depart[rows])
            # Departures that differ go on to differ; the gap changes by `most` or less.
            closer = -np.minimum(self.most, np.maximum(gaps - 1, 0))
            for at in range(rows.size - 1):
                slack.hold(int(rows[at]), int(rows[at + 1]), int(closer[at]))
                slack.hold(int(rows[at + 1]), int(rows[at]), -self.most)
        return slack

    def _missing(self, links: NDArray[np.int64]) -> NDArray[np.int64]:
        """Seconds that each connection lacks with trips as planned; below 0: seconds to spare.

        On the slowest run that moving the trip may meet; straight on, or by way of the depot.
        """
        problem = self.problem
        first, then = links[:, 0], links[:, 1]
        a, b = problem.to_place[first], problem.from_place[then]
        least = self._run(a, b, first)
        for place in problem.depot_place.tolist():
            home = np.full(a.size, place, np.int32)
            least = np.minimum(least, self._run(a, home, first) + self._run(home, b, first))
        needed = problem.arrive_s[first].astype(np.int64) + least + self.layover[first]
        return np.asarray(needed - problem.depart_s[then], np.int64)

    def _run(
        self, a: NDArray[np.int32], b: NDArray[np.int32], first: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        table, reach = self.problem.deadheads, (self.most + self.phase) * self.free[first]
        at = self.problem.arrive_s[first].astype(np.int64)
        low = np.maximum(np.searchsorted(table.from_s, at - reach, side="right") - 1, 0)
        high = np.maximum(np.searchsorted(table.from_s, at + reach, side="right") - 1, 0)
        slow = table.time_s[low, a, b].astype(np.int64)
        for band in range(table.from_s.size):
            inside = (band > low) & (band <= high)
            slow = np.where(inside, np.maximum(slow, table.time_s[band, a, b]), slow)
        return np.where(slow >= UNREACHABLE_S, 10 * UNREACHABLE_S, slow)

    def _join(self, slack: Slack, links: NDArray[np.int64]) -> None:
        """Try ends of days with starts of days, the nearest misses first."""
        everyone = np.arange(self.free.size)
        ends = np.setdiff1d(everyone, links[:, 0])
        starts = np.setdiff1d(everyone, links[:, 1])
        depart, arrive = self.problem.depart_s[starts], self.problem.arrive_s[ends]
        order = np.argsort(depart, kind="stable")
        reach = 2 * (self.most + self.phase)
        wait = self.problem.rules.max_wait_s
        last = 4 * 3600 if wait is None else wait
        low = np.searchsorted(depart[order], arrive - reach)
        high = np.searchsorted(depart[order], arrive + reach + last)
        count = np.maximum(high - low, 0)
        which = np.repeat(np.arange(ends.size), count)
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        pairs = np.stack([ends[which], starts[order[low[which] + within]]], axis=1)
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        missing = self._missing(pairs)
        keep = (missing > 0) & (missing <= reach) & self._share(pairs)
        pairs, missing = pairs[keep], missing[keep]
        used_end: set[int] = set()
        used_start: set[int] = set()
        ranked = np.lexsort((pairs[:, 1], pairs[:, 0], missing))[:_NEAR]
        for at in ranked.tolist():
            end, start = int(pairs[at, 0]), int(pairs[at, 1])
            if end in used_end or start in used_start:
                continue
            if slack.add(end, start, int(missing[at])):
                used_end.add(end)
                used_start.add(start)

    def _share(self, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether two trips' routes may share a bus."""
        group = self.problem.allowed.group
        return np.asarray(group[pairs[:, 0]] == group[pairs[:, 1]], bool)
