"""Greedy: every ten seconds the stage with most vehicles, that come or stand, on its lanes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mobility.signals.policy import Choice, served

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
            key=lambda stage: (sum(view.seen.counted[k] for k in served(view, stage)),
                               stage == view.stage),
        )  # fmt: skip
        return Choice(best)
