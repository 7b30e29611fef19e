"""Greedy: every ten seconds the stage with most vehicles, that come or stand, on its lanes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mobility.signals.policy import Choice

if TYPE_CHECKING:
    from mobility.signals.policy import View


@dataclass
class Greedy:
    """Longest queue first; ``every_s`` of green between two looks."""

    textbook: ClassVar[bool] = True
    every_s: int = 10
    name: str = "greedy"

    def choose(self, view: View) -> Choice:
        """Look when the green is a multiple of the interval."""
        if not view.free or view.age_s < self.every_s or view.age_s % self.every_s:
            return Choice(view.stage)
        best = max(
            (view.stage, *view.may),
            key=lambda stage: (_let_go(view, stage), stage == view.stage),
        )
        return Choice(best)


def _let_go(view: View, stage: str) -> float:
    """Vehicles that a stage lets go; of a lane of which a part has red, the share that turns elsewhere stays.

    Counted whole, a lane blocked by its first car would call, for ever, for a stage that cannot empty it.
    """
    green = set(view.one.stage[stage].groups)
    shares = view.seen.shares or [stream.shares for stream in view.streams]
    return sum(
        count * sum(part for group, part in zip(stream.groups, row, strict=True) if group in green)
        for count, stream, row in zip(view.seen.counted, view.streams, shares, strict=True)
    )
