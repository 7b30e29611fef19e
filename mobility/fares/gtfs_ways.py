"""Zones that a ride enters: those of the stops that its route calls at from its start to its end."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mobility.feed.feed import Feed

_Pattern = tuple[int, ...]


class Ways:
    """Stop patterns of a feed's routes, looked up by ride.

    Parameters
    ----------
    feed
        Its trips say which stops a route calls at, in which order.
    zones
        Zone of each stop (row of ``stops.txt``); "" where it has none.
    """

    def __init__(self, feed: Feed, zones: list[str]) -> None:
        self._zones = zones
        self._patterns: dict[str, list[tuple[_Pattern, int]]] = defaultdict(list)
        events = feed.stop_events
        counted: dict[str, Counter[_Pattern]] = defaultdict(Counter)
        routes = feed.raw["trips"].text("route_id")
        for trip, (start, end) in enumerate(
            zip(events.offsets[:-1].tolist(), events.offsets[1:].tolist(), strict=True)
        ):
            counted[routes[trip]][tuple(events.stop[start:end].tolist())] += 1
        for route, patterns in counted.items():
            self._patterns[route] = list(patterns.items())
        self._kept: dict[tuple[str, int, int], frozenset[str]] = {}

    def entered(self, route: str, start: int, end: int) -> frozenset[str]:
        """Zones entered from stop to stop: of the way that most trips of the route take.

        Of ways of as many trips, the one whose zones stand first. Without a trip from start to end
        - another route, a walk between platforms - the zones of the two stops.
        """
        key = (route, start, end)
        if key not in self._kept:
            self._kept[key] = self._look(*key)
        return self._kept[key]

    def _look(self, route: str, start: int, end: int) -> frozenset[str]:
        ways: dict[tuple[str, ...], int] = defaultdict(int)
        for pattern, trips in self._patterns.get(route, ()):
            stops = np.array(pattern)
            from_at = np.flatnonzero(stops == start)
            if not len(from_at):
                continue
            to_at = np.flatnonzero(stops[from_at[0] + 1 :] == end)
            if len(to_at):
                way = pattern[from_at[0] : from_at[0] + to_at[0] + 2]
                ways[tuple(sorted({self._zones[one] for one in way if one >= 0} - {""}))] += trips
        if not ways:
            return frozenset({self._zones[start], self._zones[end]} - {""})
        return frozenset(min((-trips, zones) for zones, trips in ways.items())[1])
