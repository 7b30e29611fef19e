"""When to give up improving. ``Work`` repeats exactly; ``Seconds`` does not.

>>> from mobility.stop import Progress
>>> AnyOf(Seconds(60), Gap(0.01))(Progress(seconds=3.0, gap=0.004))
<StopReason.GAP: 'gap'>
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mobility.errors import ConfigError
from mobility.solution import StopReason

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Progress:
    """What a solver knows about itself while it runs."""

    seconds: float = 0.0
    work: int = 0
    gap: float | None = None


class Stop(Protocol):
    """A stopping criterion: the reason to stop now, or None to go on."""

    def __call__(self, progress: Progress, /) -> StopReason | None:
        """Return the reason to stop, or None."""
        ...


@dataclass(frozen=True)
class Seconds:
    """Stop after this much wall time. Not repeatable: machines differ."""

    limit_s: float

    def __post_init__(self) -> None:
        _positive("seconds", self.limit_s)

    def __call__(self, progress: Progress, /) -> StopReason | None:
        """Compare the elapsed wall time."""
        return StopReason.SECONDS if progress.seconds >= self.limit_s else None


@dataclass(frozen=True)
class Work:
    """Stop after this many of the solver's own steps: repeats exactly."""

    limit: int

    def __post_init__(self) -> None:
        _positive("work", self.limit)

    def __call__(self, progress: Progress, /) -> StopReason | None:
        """Compare the steps done."""
        return StopReason.WORK if progress.work >= self.limit else None


@dataclass(frozen=True)
class Gap:
    """Stop once objective and bound are this close, as a fraction of the objective."""

    limit: float

    def __post_init__(self) -> None:
        if not self.limit >= 0:
            raise ConfigError(f"gap must be 0 or more (found {self.limit})", mend="0.01 is 1 %")

    def __call__(self, progress: Progress, /) -> StopReason | None:
        """Compare the gap; without a bound there is none."""
        return StopReason.GAP if progress.gap is not None and progress.gap <= self.limit else None


@dataclass(frozen=True, init=False)
class AnyOf:
    """Stop as soon as one of several criteria says so; the first in order names the reason."""

    criteria: tuple[Stop, ...]

    def __init__(self, *criteria: Stop) -> None:
        object.__setattr__(self, "criteria", criteria)

    def __call__(self, progress: Progress, /) -> StopReason | None:
        """Ask each criterion in order."""
        return next((why for stop in self.criteria if (why := stop(progress)) is not None), None)


@dataclass
class CtrlC:
    """Whether Ctrl-C was pressed while a solver had no answer yet; itself a criterion to stop by."""

    pressed: bool = False

    def __call__(self, progress: Progress, /) -> StopReason | None:
        """Stop once it was pressed."""
        del progress
        return StopReason.INTERRUPTED if self.pressed else None


@contextmanager
def ctrl_c() -> Iterator[CtrlC]:
    """Let the first Ctrl-C wait until there is an answer; the second one interrupts at once.

    For steps that end by themselves: the solver looks at ``pressed`` between them, and leaves out what would only
    improve its answer. Outside the main thread, where Python delivers no signals, nothing changes.
    """
    told = CtrlC()
    if threading.current_thread() is not threading.main_thread():
        yield told
        return
    before = signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: Any) -> None:
        if told.pressed:
            raise KeyboardInterrupt
        told.pressed = True
        if getattr(before, "tells", None) is not None and callable(
            before
        ):  # of a step around this one
            before(number, frame)

    handle.tells = told  # type: ignore[attr-defined]
    signal.signal(signal.SIGINT, handle)
    try:
        yield told
    finally:
        signal.signal(signal.SIGINT, before)


def seconds_of(stop: Stop | None) -> float | None:
    """The wall time that a criterion allows, None where it names none."""
    if isinstance(stop, Seconds):
        return stop.limit_s
    if isinstance(stop, AnyOf):
        found = [one for one in map(seconds_of, stop.criteria) if one is not None]
        return min(found, default=None)
    return None


def _positive(name: str, value: float) -> None:
    if not value > 0:
        raise ConfigError(f"{name} must be more than 0 (found {value})")
