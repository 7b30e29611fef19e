"""What detectors say in the fast model, for control in real time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mobility.signals.queues import Queues


@dataclass(frozen=True)
class LaneCount:
    """One lane: vehicles that wait in it, metres that they take, and whose turn is first."""

    lane: str
    signal: str
    waiting: int
    queue_m: float


def counts(queues: Queues, now_s: float) -> tuple[tuple[LaneCount, ...], tuple[Any, ...]]:
    """Lane counts, and no requests."""
    del now_s
    count, length = queues.lanes[2], queues.lanes[3]
    return tuple(
        LaneCount(lane.id, lane.signal, int(count[k]), float(length[k]))
        for k, lane in enumerate(queues.streets.lanes)
    ), ()


def approaching(queues: Queues) -> dict[int, list[tuple[float, int]]]:
    """Movement row -> (seconds until the stop line, vehicle) of all on the way to it.

    Those that wait have 0 or less.
    """
    found: dict[int, list[tuple[float, int]]] = {}
    phase, at_hop, event_s = queues.events[4], queues.events[3], queues.events[2]
    move = queues.traffic.move
    for v in np.flatnonzero((phase == 1) | (phase == 2) | (phase == 3)):
        m = int(move[at_hop[v]])
        if m >= 0:
            found.setdefault(m, []).append((float(event_s[v]) - queues.now, int(v)))
    return found
