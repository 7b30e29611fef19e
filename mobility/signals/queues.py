"""The running model: its state, let pass second by second, and what it says when it has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.signals import _queue_kernels as kernels
from mobility.signals.traffic import BOARDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.signals.streets import Streets
    from mobility.signals.traffic import Traffic

Array = "NDArray[Any]"


@dataclass(eq=False)
class Queues:
    """Vehicles on their ways; ``advance`` lets seconds pass.

    Parameters
    ----------
    seconds
        Until when it can run.
    boarding
        Share of a bus's dwell that grows with the time since the bus before.
    """

    streets: Streets
    traffic: Traffic
    seconds: int
    boarding: float = BOARDING
    now: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        count, hops = len(self.traffic), len(self.traffic.move)
        lanes, sides = len(self.streets.lanes), len(self.streets.approaches)
        moves = len(self.streets.movements)
        move_approach = self.streets.arrays[7]
        onward, entry = _onward(self.traffic, move_approach)

        def none(size: int) -> Any:
            return np.full(size, -1, np.int32)

        def zero(size: int) -> Any:
            return np.zeros(size)

        one = self.traffic
        self.ways = (
            one.hop_first, one.move, one.travel_s, one.dwell_s, one.planned_s, one.hold_s, onward,
            one.space_m, one.bus,
        )  # fmt: skip
        self.events = (
            none(self.seconds), none(count), zero(count),
            one.hop_first[:-1].copy(), np.zeros(count, np.int8),
            np.full(count, np.nan),
        )  # fmt: skip
        self.lanes = (
            none(lanes), none(lanes), np.zeros(lanes, np.int32), zero(lanes), zero(lanes),
            np.zeros(lanes, np.int8), np.zeros(lanes, np.int32), none(count), zero(lanes),
        )  # fmt: skip
        self.approaches = (
            none(sides), none(sides), none(sides), none(sides), zero(sides),
            np.zeros((sides, kernels.WINDOW)),
        )  # fmt: skip
        self.moves = (
            np.zeros(moves, np.int32),
            np.full(moves, -1e9),
            np.full(moves, -10, np.int32),
        )
        self.due = np.zeros((moves, kernels.WINDOW), np.int16)
        self.record = (
            np.full(hops, np.nan), np.full(hops, np.nan), np.full(count, np.nan), entry,
            np.full(max(1, len(one.stops)), -1e9), np.zeros(moves, np.int32),
            np.array([self.boarding]),
        )  # fmt: skip
        kernels.start(one.depart_s, self.events)

    def advance(self, codes: NDArray[np.int8]) -> None:
        """Let ``len(codes)`` seconds pass under codes of ``lamps.codes_of``."""
        end = min(self.seconds, self.now + len(codes))
        kernels.advance(
            self.streets.arrays, self.ways, self.events, self.lanes, self.approaches, self.moves,
            self.due, self.record, codes, self.now, self.now, end,
        )  # fmt: skip
        self.now = end

    @property
    def arrive_s(self) -> NDArray[np.float64]:
        """By hop: at the stop line or stop; NaN where it was not reached."""
        return self.record[0]

    @property
    def leave_s(self) -> NDArray[np.float64]:
        """By hop: over the stop line, or from the stop; NaN where it did not."""
        return self.record[1]

    @property
    def enter_s(self) -> NDArray[np.float64]:
        """By vehicle: when it came in."""
        return self.record[2]

    @property
    def done_s(self) -> NDArray[np.float64]:
        """By vehicle: when it left its last hop."""
        return self.events[5]


def _onward(
    traffic: Traffic, move_approach: NDArray[Any]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """By hop: approach of the next stop line of its vehicle; by vehicle: of the first one."""
    size = len(traffic.move)
    side = np.where(traffic.move >= 0, move_approach[np.maximum(traffic.move, 0)], -1)
    # The next stop line at or after each hop, within its vehicle.
    at = np.where(traffic.move >= 0, np.arange(size), size)
    following = np.minimum.accumulate(at[::-1])[::-1] if size else at
    owner = np.repeat(np.arange(len(traffic)), np.diff(traffic.hop_first))
    last = traffic.hop_first[1:][owner] if size else np.zeros(0, np.int32)
    after = np.concatenate((following[1:], [size])) if size else following
    onward = np.full(size, -1, np.int32)
    known = after < last
    onward[known] = side[after[known]]
    entry = np.full(len(traffic), -1, np.int32)
    if size:
        first = following[np.minimum(traffic.hop_first[:-1], size - 1)]
        has = first < traffic.hop_first[1:]
        entry[has] = side[first[has]]
    return onward, entry
