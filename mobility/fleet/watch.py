"""The clock of a solve: what a stop says, and a flag for kernels that is raised when time is up."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from mobility.solution import StopReason
from mobility.stop import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobility.stop import Stop

# Steps without a better plan or bound, after which a search that no clock ends is over.
_PATIENCE = 60
# Left of the seconds for what comes after the solver.
_MARGIN = 0.02
_MARGIN_S = 0.1


class Watch:
    """The clock of a solve: what the stop says, and a flag that is raised when time is up."""

    def __init__(self, stop: Stop) -> None:
        self.stop = stop
        self.begin = time.perf_counter()
        self.work = 0
        self.idle = 0
        self.limit_s = self._limit_s()
        self.halt = np.zeros(1, np.int8)
        endless = stop(Progress(work=1 << 62)) is None
        self.patience = _PATIENCE if self.limit_s is None and endless else None

    @property
    def seconds(self) -> float:
        """Wall time since the solve began."""
        return time.perf_counter() - self.begin

    @property
    def left_s(self) -> float:
        """Seconds left, infinite where no clock ends the solve."""
        return np.inf if self.limit_s is None else self.limit_s - self.seconds

    def keep_back(self, seconds: float) -> None:
        """End so much earlier, at most half of the time that there is."""
        if self.limit_s is not None:
            self.limit_s = max(self.limit_s - seconds, self.limit_s / 2)

    @contextmanager
    def alarm(self) -> Iterator[None]:
        """Raise the flag when time is up, so that kernels stop in the midst of their work."""
        if self.limit_s is None:
            yield
            return
        timer = threading.Timer(max(self.left_s, 0.0), lambda: self.halt.fill(1))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def reason(self, gap: float | None) -> StopReason | None:
        """Why to stop now, or None."""
        if self.halt[0]:
            return StopReason.SECONDS
        if self.patience is not None and self.idle >= self.patience:
            return StopReason.FINISHED
        seconds = self.seconds
        if self.limit_s is not None and seconds >= self.limit_s:
            return StopReason.SECONDS
        return self.stop(Progress(seconds=seconds, work=self.work, gap=gap))

    def _limit_s(self) -> float | None:
        """Ask the stop when time is up, less a margin; None where it does not look at the clock."""
        if self.stop(Progress(seconds=1e9)) is None:
            return None
        low, high = 0.0, 1e9
        for _ in range(60):
            half = (low + high) / 2
            low, high = (low, half) if self.stop(Progress(seconds=half)) else (half, high)
        return max(high - max(_MARGIN_S, _MARGIN * high), high / 2)
