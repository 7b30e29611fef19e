"""What a policy sees, and what it answers: a stage, and the stages that will follow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mobility.signals.actuator import Actuator
    from mobility.signals.problem import Intersection
    from mobility.signals.streams import Asked, Detection, Stream

Ahead = tuple[str, int]  # stage, and the second in which the one before it ends


@dataclass(frozen=True)
class View:
    """One signal at one second.

    Parameters
    ----------
    stage, age_s
        The stage that control is in, and for how long all its groups have been green.
    free
        It may be left now: every minimum is over.
    most_left_s
        Seconds until a maximum green ends it.
    may
        Stages that may follow it.
    extra, resume
        Stages that may follow it out of turn, for a request; what may follow these then (empty:
        what follows them in the order).
    asked
        Live requests.
    expected
        By stream: (eta_s, vehicles) that neighbours will send, on top of what is seen.
    lockout_s
        Least time between grants to two different requests.
    """

    one: Intersection
    actuator: Actuator
    streams: tuple[Stream, ...]
    now_s: int
    stage: str
    age_s: int
    free: bool
    most_left_s: int
    may: tuple[str, ...]
    seen: Detection
    asked: tuple[Asked, ...] = ()
    expected: tuple[tuple[tuple[float, float], ...], ...] = ()
    lockout_s: float = 0.0
    extra: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """A wish: the stage that should be on now.

    Parameters
    ----------
    ahead
        Stages to come, each with the second in which the one before it ends.
    cause, request, words
        ``adaptive`` or ``priority``, whose, and why.
    sends
        By stream: vehicles that will leave in each of the next seconds, by (second, vehicles).
    """

    stage: str
    ahead: tuple[Ahead, ...] = ()
    cause: str = "adaptive"
    request: str = ""
    words: str = ""
    sends: tuple[tuple[tuple[int, float], ...], ...] = field(default=())


class Policy(Protocol):
    """How a stage is chosen.

    One with ``textbook = True`` is a baseline and has its way: vehicles that wait long are served out of turn
    only where the network names a maximum red. Nobody counts people on foot, so their limit holds for all.
    One with ``repays = True`` takes green for some at the cost of others: a side line that has waited long is
    served within a cycle of the base plan, and keeps its stage until it is clear.
    """

    @property
    def name(self) -> str:
        """Its name on the command line."""
        ...

    def choose(self, view: View) -> Choice:
        """Choose what one signal should show from now on."""
        ...


def served(view: View, stage: str) -> list[int]:
    """Streams that a stage lets go, in part or whole."""
    groups = set(view.one.stage[stage].groups)
    return [k for k, stream in enumerate(view.streams) if groups & set(stream.groups)]
