"""A scenario on which plans are tried in SUMO: what was tried, two runs at a time, and the work that is left."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from statistics import fmean
from typing import TYPE_CHECKING

from mobility.signals.check import check
from mobility.signals.sumo.config import read_config
from mobility.signals.sumo.demand import from_config
from mobility.signals.sumo.net import read_net
from mobility.signals.sumo.trial import Trial, try_plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mobility.signals.plan import Plan

    Run = tuple[Plan | None, int, float]  # plan (None: shipped), seed, factor of the demand

# (seed, factor of the demand) that plans are tried on, those on which the best few are tried further
# (one seed in ten may end in a jam), the seeds of the test at the end, and pairs on other demand on
# which a plan must not be worse either.
TRIED = ((1000, 1.0), (1001, 1.1), (1002, 1.0))
FURTHER = (
    ((1003, 1.0), (1004, 1.1)),
    ((1005, 1.0), (1006, 1.1), (1007, 1.0), (1008, 1.0)),
)
FINALISTS = (6, 3)  # plans that are tried on each of them
TESTED = tuple(range(2000, 2008))
WATCHED = ((3000, 0.9), (3001, 1.1))
AT_ONCE = 2  # simulators beside each other; what is decided does not depend on it


class Late(Exception):
    """The wall time is over, or nobody drove."""


class Lab:
    """The scenario, the work that is left, and everything that was tried.

    Work is vehicle steps simulated. What may still be tried depends on work alone, so that a plan
    repeats on every machine; one that is too slow ends with ``Late``.
    """

    def __init__(
        self,
        config: str | Path,
        begin_s: float | None,
        end_s: float | None,
        scale: float,
        teleport_s: float,
        work: float,
        most_s: float,
    ) -> None:
        self.begun = time.perf_counter()
        self.asked = read_config(config)
        self.begin = self.asked.begin_s or 0.0 if begin_s is None else begin_s
        self.end = self.asked.end_s if end_s is None else end_s
        self.scale, self.teleport = scale, teleport_s
        self.network = from_config(config, begin_s=self.begin, end_s=self.end, scale=scale)
        self.net = read_net(self.asked.net, self.asked.additional)
        self.left = self.whole = work
        self.most_s = most_s
        self.cost = 0.0
        self.rows: list[tuple[str, int, float]] = []
        self.known = {(one.code, one.column) for one in self.network.input_findings}

    @property
    def seconds(self) -> float:
        """Wall time since it began."""
        return time.perf_counter() - self.begun

    @property
    def short(self) -> bool:
        """Whether not even the smallest test and as many trials can be paid."""
        return 15 * self.cost > self.left

    @property
    def pairs(self) -> int:
        """Pairs of the test at the end: as many as a quarter of the work pays, three at least."""
        return max(3, min(len(TESTED), int(self.whole / 4 / max(1.0, 2 * self.cost))))

    @property
    def further(self) -> int:
        """Runs of the best few on further seeds: all of them, or what a quarter of the work pays."""
        most = sum(count * len(seeds) for count, seeds in zip(FINALISTS, FURTHER, strict=True))
        return min(most, int(self.whole / 4 / max(1.0, self.cost)))

    def searching(self, runs: int = 1) -> bool:
        """Whether there is work for some more trials beside those on all seeds and the test."""
        return self.pays(2 * len(TRIED) + self.further + runs)

    def pays(self, runs: int) -> bool:
        """Whether there is work for some runs beside the test."""
        return self.left >= (2 * (self.pairs + len(WATCHED)) + runs) * self.cost

    def run(self, asked: Sequence[Run]) -> list[Trial]:
        """Try plans, ``AT_ONCE`` beside each other; answers in the order asked.

        Raises
        ------
        Late
            When the wall time is over, or nobody drove.
        """
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = list(pool.map(self._once, asked))
        for (plan, _, _), one in zip(asked, found, strict=True):
            if one is None:
                over = self.seconds >= self.most_s
                raise Late(
                    f"planning took more than {self.most_s:g} s" if over else "nobody drives"
                )
            self.left -= one.work
            self.cost = max(self.cost, one.work) if plan is None else self.cost
        return [one for one in found if one is not None]

    def _once(self, asked: Run) -> Trial | None:
        plan, seed, factor = asked
        left = self.most_s - self.seconds
        if left <= 0:
            return None
        return try_plan(
            self.asked, self.network, plan, seed=seed, begin_s=self.begin, end_s=self.end,
            scale=self.scale * factor, teleport_s=self.teleport, lanes=True, most_seconds=left,
        )  # fmt: skip

    def safe(self, plan: Plan) -> bool:
        """Whether the checker has nothing against a plan.

        What the shipped program of a signal breaks is excused only where the signal keeps it.
        """
        given = self.network.given
        kept = {one.signal for one in plan.signals
                if given is not None and one == given.signal.get(one.signal)}  # fmt: skip
        return not [
            one for one in check(self.network, plan)
            if (one.code, one.column) not in self.known or one.column.split(".")[0] not in kept
        ]  # fmt: skip

    def note(self, name: str, runs: Sequence[Trial]) -> None:
        """Keep a row of what was tried."""
        self.rows.append((name, len(runs), fmean(one.delay_s for one in runs)))
