"""Actuated: the stages that came in, in their order, each held while vehicles follow closely."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from mobility.signals.policy import Choice, served

if TYPE_CHECKING:
    from mobility.signals.policy import View


@dataclass
class Actuated:
    """Gap-out control.

    Parameters
    ----------
    min_s, max_s, gap_s
        Least and most green, and the gap between vehicles that ends it.
    tuned
        Maximum greens from volumes: a stage's share of a cycle is that of its fullest lane, counted
        as it runs (Webster's split), within ``min_s`` and twice ``max_s``.
    """

    textbook: ClassVar[bool] = True
    min_s: int = 5
    max_s: int = 50
    gap_s: float = 3.0
    tuned: bool = False
    cycle_s: float = 100.0
    _flow: dict[str, list[float]] = field(default_factory=dict)
    _was: dict[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name on the command line."""
        return "actuated-tuned" if self.tuned else "actuated"

    def choose(self, view: View) -> Choice:
        """Hold while a vehicle was over a detector within the gap; else the next in order."""
        if self.tuned:
            self._learn(view)
        if not view.free or view.age_s < self.min_s:
            return Choice(view.stage)
        rows = _holding(view, view.stage)
        busy = any(view.seen.gap_s[k] < self.gap_s for k in rows) if view.seen.gap_s else False
        if busy and view.age_s < self._most(view):
            return Choice(view.stage)
        order = view.one.stage_order
        if view.stage not in order:
            return Choice(view.may[0] if view.may else view.stage)
        after = order[(order.index(view.stage) + 1) % len(order)]
        return Choice(after if after in view.may else (view.may[0] if view.may else view.stage))

    def _learn(self, view: View) -> None:
        """Count what passes each lane, with a memory of a quarter of an hour."""
        rows = self._flow.setdefault(view.one.id, [0.05] * len(view.streams))
        for k, passed in enumerate(view.seen.passed or ()):
            rows[k] += (passed - rows[k]) / 900

    def _most(self, view: View) -> float:
        if not self.tuned:
            return self.max_s
        flows = self._flow.get(view.one.id, [])
        loads = {
            stage: max((flows[k] / view.streams[k].flow_vps for k in served(view, stage)),
                       default=0.0)
            for stage in view.one.stage_order
        }  # fmt: skip
        total = sum(loads.values())
        share = loads.get(view.stage, 0.0) / total if total > 0 else 0.5
        return max(self.min_s, min(2 * self.max_s, 1.5 * share * self.cycle_s))


def _holding(view: View, stage: str) -> list[int]:
    """Streams that may hold a stage: lanes of which every part is green; none: its minimum is all it has.

    Where a part of a lane has red, who stands at the detector may be waiting for another stage; so too where
    a part gives way that another stage lets go freely, unless there is no other lane.
    """
    one = view.one
    green, yields = set(one.stage[stage].groups), set(one.stage[stage].yields)
    waits = {group for group in yields
             if any(group in two.groups and group not in two.yields for two in one.stages)}  # fmt: skip
    whole = [k for k, stream in enumerate(view.streams) if green.issuperset(stream.groups)]
    return [k for k in whole if waits.isdisjoint(view.streams[k].groups)] or whole
