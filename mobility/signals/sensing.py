"""What detectors and buses say in the fast model, for control in real time."""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.signals.streets import SPACE_M
from mobility.signals.traffic import NEVER

if TYPE_CHECKING:
    from mobility.signals.queues import Queues
    from mobility.signals.streets import Streets

LOOK_S = 60.0  # how far before the stop line vehicles are seen
REQUEST_S = 120.0  # how far ahead a bus asks
DWELL_SPREAD = 0.3  # of a dwell: half the width of a bus's window of arrival
GAP_S = 60.0
OPEN = 100.0  # vehicles that fit where a street leads out


@dataclass(frozen=True)
class LaneCount:
    """One lane: vehicles that wait in it, and metres that they take."""

    lane: str
    signal: str
    waiting: int
    queue_m: float


def counts(queues: Queues, now_s: float) -> tuple[tuple[LaneCount, ...], tuple[Any, ...]]:
    """Lane counts, and no requests: for controllers that bring no streams of their own."""
    del now_s
    count, length = queues.lanes[2], queues.lanes[3]
    return tuple(
        LaneCount(lane.id, lane.signal, int(count[k]), float(length[k]))
        for k, lane in enumerate(queues.streets.lanes)
    ), ()


@dataclass(eq=False)
class Detectors:
    """Detections and requests in a controller's own words, from its ``approaches``.

    A stream is a lane, or ``group|approach``. Vehicles on the way count for the lanes that serve
    their movement, in equal parts.

    Parameters
    ----------
    controller
        It has ``approaches.streams`` (signal -> streams); ``Detection`` and ``Asked`` are what the
        module of ``approaches`` calls so.
    """

    controller: Any
    streets: Streets
    _last: dict[tuple[str, int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        words = sys.modules[type(self.controller.approaches).__module__]
        self._detection, self._asked = words.Detection, words.Asked
        self.streams = self.controller.approaches.streams
        place = {
            (signal, stream.id): (signal, k)
            for signal, row in self.streams.items()
            for k, stream in enumerate(row)
        }
        turn_group = self.streets.arrays[1]
        side = {name: row for row, name in enumerate(self.streets.approaches)}
        self._onto: dict[tuple[str, int], set[int]] = defaultdict(set)
        self._of_lane: list[list[tuple[str, int]]] = [[] for _ in self.streets.lanes]
        self._of_move: list[list[tuple[str, int]]] = [[] for _ in self.streets.movements]
        for turn, (lane, move) in enumerate(self.streets.turns):
            one = self.streets.lanes[lane]
            group = self.streets.groups[int(turn_group[turn])][1]
            for name in (one.id, f"{group}|{one.approach}"):
                at = place.get((one.signal, name))
                if at is not None:
                    if at not in self._of_lane[lane]:
                        self._of_lane[lane].append(at)
                    if at not in self._of_move[move]:
                        self._of_move[move].append(at)
                    for link, _ in self.streets.onward.get(self.streets.movements[move], ()):
                        self._onto[at].add(side[link.to_signal, link.approach])

    def __call__(self, queues: Queues, now_s: float) -> tuple[dict[str, Any], list[Any]]:
        """Sense the running model."""
        coming: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
        queued: dict[tuple[str, int], float] = defaultdict(float)
        phase, at_hop, event_s, lane_turn = (
            queues.events[4], queues.events[3], queues.events[2], queues.lanes[7]
        )  # fmt: skip
        move = queues.traffic.move
        seen = np.flatnonzero((phase == 2) | (phase == 3) | ((phase == 1) & (
            event_s - queues.now <= LOOK_S)))  # fmt: skip
        rows = (seen, move[at_hop[seen]], phase[seen], event_s[seen] - float(queues.now))
        for v, m, what, soon in zip(*(one.tolist() for one in rows), strict=True):
            if m < 0:
                continue
            waits = what in {2, 3}
            places = self._of_move[m]
            if what == 3:
                lane = self._of_lane[self.streets.turns[int(lane_turn[v])][0]]
                places = [one for one in lane if one in places] or lane
            if not places:
                continue
            part = 1.0 / len(places)
            for one in places:
                coming[one].append((0.0 if waits else soon, part))
                if waits:
                    queued[one] += part
        found = {}
        room = (self.streets.arrays[11] - queues.approaches[4]) / SPACE_M
        free = np.where(np.isfinite(room), room, np.nan).tolist()
        for signal, row in self.streams.items():
            keys = [(signal, k) for k in range(len(row))]
            gaps = []
            for key in keys:
                over = any(-1 <= eta <= 2.0 for eta, _ in coming[key])
                self._last[key] = 0.0 if over else min(GAP_S, self._last.get(key, GAP_S) + 1)
                gaps.append(self._last[key])
            found[signal] = self._detection(
                signal, now_s, tuple(queued[key] for key in keys),
                tuple(sum(part for _, part in coming[key]) for key in keys),
                tuple(tuple(sorted(coming[key])) for key in keys), tuple(gaps),
                tuple(tuple(0.0 for _ in stream.groups) for stream in row),
                tuple(self._room(free, key) for key in keys),
            )  # fmt: skip
        return found, self._requests(queues, now_s)

    def _room(self, free: list[float], key: tuple[str, int]) -> float:
        """Vehicles that fit where a stream leads to, all its links weighed alike; else a hundred."""
        fits = [free[a] for a in self._onto.get(key, ()) if free[a] == free[a]]
        return max(0.0, sum(fits) / len(fits)) if fits else OPEN

    def _requests(self, queues: Queues, now_s: float) -> list[Any]:
        """Every bus asks at its next stop line: when it will be there, and how late it is."""
        traffic = queues.traffic
        found = []
        on_way = np.flatnonzero((traffic.bus == 1) & np.isin(queues.events[4], (1, 2, 3)))
        for v in on_way:
            h, last = int(queues.events[3][v]), int(traffic.hop_first[v + 1])
            eta = float(queues.events[2][v]) - queues.now
            doubt, late = 1.0, 0.0
            first = int(traffic.hop_first[v])
            for back in range(h - 1, first - 1, -1):
                if traffic.move[back] < 0 and traffic.hold_s[back] > NEVER:
                    late = float(queues.leave_s[back] - traffic.hold_s[back])
                    break
            while h < last and traffic.move[h] < 0:  # stops before the line
                dwell = float(traffic.dwell_s[h])
                if traffic.hold_s[h] > NEVER:
                    dwell = max(dwell, float(traffic.hold_s[h]) - queues.now - eta)
                eta += dwell + (float(traffic.travel_s[h + 1]) if h + 1 < last else 0.0)
                doubt += DWELL_SPREAD * float(traffic.dwell_s[h])
                h += 1
            if h >= last or eta > REQUEST_S:
                continue
            signal, approach, _ = self.streets.movements[int(traffic.move[h])]
            group = self.streets.groups[int(self.streets.arrays[8][int(traffic.move[h])])][1]
            eta = max(0.0, eta)
            found.append(self._asked(
                traffic.ids[v], signal, "bus", group, now_s, now_s + max(0.0, eta - doubt),
                now_s + eta + doubt, late_s=late, people=float(traffic.people[v]),
                stream=f"{group}|{approach}",
            ))  # fmt: skip
        return found
