"""Max-pressure: every ten seconds the stage whose movements have most queue before, least behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mobility.signals.policy import Choice

if TYPE_CHECKING:
    from mobility.signals.policy import View


@dataclass
class MaxPressure:
    """Sum over a stage's movements of vehicles on the lane in minus on the lane out (Varaiya 2013)."""

    textbook: ClassVar[bool] = True
    every_s: int = 10
    name: str = "max-pressure"

    def choose(self, view: View) -> Choice:
        """Look when the green is a multiple of the interval."""
        if not view.free or view.age_s < self.every_s or view.age_s % self.every_s:
            return Choice(view.stage)
        best = max(
            (view.stage, *view.may),
            key=lambda stage: (self._pressure(view, stage), stage == view.stage),
        )
        return Choice(best)

    def _pressure(self, view: View, stage: str) -> float:
        groups = set(view.one.stage[stage].groups)
        total = 0.0
        for k, stream in enumerate(view.streams):
            for j, group in enumerate(stream.groups):
                if group in groups:
                    out = view.seen.beyond[k][j] if view.seen.beyond else 0.0
                    total += view.seen.counted[k] - out
        return total
