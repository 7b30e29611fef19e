"""The base plan second by second: what a controller falls back to, and the way back into it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mobility.signals.problem import State
from mobility.signals.program import has_plan, program

if TYPE_CHECKING:
    from mobility.signals.plan import SignalPlan
    from mobility.signals.policy import Ahead
    from mobility.signals.problem import Intersection

LEAST_S = 10  # of each stage, where no plan came in
_WANTED = frozenset({State.GREEN, State.YIELD, State.RED_AMBER})


class BasePlan:
    """One signal's fixed-time plan, asked in seconds into the day.

    ``zero_s``: the master clock's zero, seconds into the day.
    """

    def __init__(self, one: Intersection, plan: SignalPlan | None, zero_s: int = 0) -> None:
        if plan is None:
            greens = None if has_plan(one) and one.rings is None else [
                float(max(LEAST_S, *(one.group[name].least_green_s for name in one.stage[k].groups)))
                for k in one.stage_order
            ]  # fmt: skip
            plan = program(one, greens)
        self.plan = plan
        self._zero_s = zero_s + round(plan.zero_s)
        self._exact_s = max(1.0, plan.cycle_s)  # a cycle with parts of a second stays in step
        self.cycle = math.ceil(self._exact_s)
        row = {group.id: k for k, group in enumerate(one.groups)}
        self._wanted: list[frozenset[int]] = []
        self._yields: list[frozenset[int]] = []
        for t in range(self.cycle):
            now = {
                row[show.group]: show.state for show in plan.shows
                if show.group in row and show.from_s <= t < show.to_s
            }  # fmt: skip
            self._wanted.append(frozenset(k for k, state in now.items() if state in _WANTED))
            self._yields.append(frozenset(k for k, state in now.items() if state is State.YIELD))
        times = sorted(plan.stages, key=lambda time: time.from_s)
        self._next = [self._until_green(k) for k in range(len(one.groups))]
        # A stage is due from the end of the one before it to its own.
        self._due: list[tuple[str, int]] = [("", 0)] * self.cycle
        for k, time in enumerate(times):
            before = times[k - 1]
            begin = before.from_s + before.green_s
            end = time.from_s + time.green_s
            if k == 0:
                begin -= self.cycle
            if len(times) == 1:
                begin, end = 0, self.cycle
            for t in range(round(begin), round(end)):
                self._due[t % self.cycle] = time.stage, round(end) - t
        known = [name for name, _ in self._due if name]
        first = known[0] if known else next(iter(one.stage), "")
        self._due = [(name or first, left) for name, left in self._due]

    def _until_green(self, k: int) -> list[int]:
        """Seconds until a group is wanted, from each second of the cycle."""
        found = [self.cycle] * self.cycle
        left = self.cycle
        for t in range(2 * self.cycle - 1, -1, -1):
            left = 0 if k in self._wanted[t % self.cycle] else left + 1
            found[t % self.cycle] = min(left, self.cycle)
        return found

    def until_red(self, k: int, t: int) -> int:
        """Seconds from a second until a group is no longer wanted."""
        at = self._at(t)
        return next((n for n in range(self.cycle)
                     if k not in self._wanted[(at + n) % self.cycle]), self.cycle)  # fmt: skip

    def until_green(self, k: int, t: int) -> int:
        """Seconds from a second until a group's next green begins."""
        wait = self.until_red(k, t) if k in self._wanted[self._at(t)] else 0
        return wait + self._next[k][self._at(t + wait)]

    def _at(self, t: int) -> int:
        return int((t - self._zero_s) % self._exact_s)

    def stage_at(self, t: int) -> str:
        """The stage that is on, or to which lamps change, at a second."""
        return self._due[self._at(t)][0]

    def left_s(self, t: int) -> int:
        """Seconds until that stage's green ends."""
        return self._due[self._at(t)][1]

    def wanted(self, t: int) -> tuple[frozenset[int], frozenset[int]]:
        """Rows of groups that are green, or about to be; and of those that give way."""
        at = self._at(t)
        return self._wanted[at], self._yields[at]

    def ahead(self, t: int, horizon_s: int = 60) -> tuple[Ahead, ...]:
        """Stages to come, each with the second in which the one before it ends."""
        found: list[Ahead] = []
        at = t
        while at < t + horizon_s:
            left = max(1, self.left_s(at))
            at += left
            found.append((self.stage_at(at), at))
        return tuple(found)
