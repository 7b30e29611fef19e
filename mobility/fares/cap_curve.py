"""One calendar cap in closed form: revenue and riders helped at every level, exactly.

A card that would pay S_1, S_2 ... in its periods without the cap pays ``outside + sum min(S_j, C)``. So
revenue is non-decreasing, concave and piecewise linear in the level C; sorted spends and their prefix
sums give it anywhere. Each card has one level below which it is helped, and one above which it pays more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mobility.fares.cap_runs import Runs

NO_CAP = np.int64(2**62)


@dataclass(frozen=True)
class Curve:
    """What every level of one cap comes to; levels are integers of minor units.

    ``spends`` are the sorted sums of cards and periods, ``sums`` their prefix sums from 0. A card is
    helped at C < its number in ``helped_below``, and pays more at C >= its number in ``more_from``
    (both sorted).
    """

    spends: np.ndarray
    sums: np.ndarray
    outside: int
    helped_below: np.ndarray
    more_from: np.ndarray

    def charged(self, level: int | np.ndarray) -> np.ndarray:
        """Revenue at levels: int64."""
        levels = np.asarray(level, np.int64)
        under = np.searchsorted(self.spends, levels, side="right")
        over = len(self.spends) - under
        # Where nobody is above the level its product is left out: the level may be "no cap".
        held = np.where(over > 0, levels, 0) * over
        return np.asarray(self.outside + self.sums[under] + held)

    def helped(self, level: int | np.ndarray) -> np.ndarray:
        """Cards that pay less than at present: non-increasing in the level."""
        return np.asarray(len(self.helped_below)
                          - np.searchsorted(self.helped_below, level, side="right"))  # fmt: skip

    def worse(self, level: int | np.ndarray) -> np.ndarray:
        """Cards that pay more than at present: non-decreasing in the level."""
        return np.asarray(np.searchsorted(self.more_from, level, side="right"))

    def least_level(self, target: int) -> int | None:
        """The least level whose revenue reaches a target; None where not even no cap does."""
        most = int(self.spends[-1]) if len(self.spends) else 0
        if int(self.charged(most)) < target:
            return None
        low, high = -1, most  # revenue at `low` is short of the target, at `high` it is not
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if int(self.charged(middle)) >= target else (middle, high)
        return high


def curve_of(runs: Runs, *, least: int = 1, rows: np.ndarray | None = None) -> Curve:
    """The curve of some cards (a mask, all by default) under a tariff with one calendar cap.

    ``least`` is the smallest saving that counts as help.
    """
    merged = runs.merged()
    spend = merged.cost.astype(np.int64)
    owner = np.repeat(np.arange(merged.count), np.diff(merged.first))
    cards = np.arange(merged.count) if rows is None else np.flatnonzero(rows)
    if rows is not None:
        spend = spend[rows[owner]]
    first = np.zeros(len(cards) + 1, np.int64)
    np.cumsum(np.diff(merged.first)[cards], out=first[1:])
    short = (merged.present - merged.outside)[cards]
    ordered = np.sort(spend)
    return Curve(
        spends=ordered,
        sums=np.concatenate([[0], np.cumsum(ordered)]),
        outside=int(merged.outside[cards].sum()),
        helped_below=np.sort(least_levels(spend, first, short - least + 1)),
        more_from=np.sort(least_levels(spend, first, short + 1)),
    )


def least_levels(spend: np.ndarray, first: np.ndarray, need: np.ndarray) -> np.ndarray:
    """The least level of each card at which ``sum min(spend, level)`` reaches its need.

    0 where nothing is needed, ``NO_CAP`` where it is never reached. All cards are bisected at once.
    """
    cards = len(first) - 1
    count = np.diff(first)
    full = np.zeros(cards, np.int64)
    some = count > 0
    if some.any():
        full[some] = np.add.reduceat(spend, first[:-1][some])
    low = np.full(cards, -1, np.int64)
    high = np.full(cards, int(spend.max(initial=0)), np.int64)
    while bool((high - low > 1).any()):
        middle = (low + high) // 2
        got = np.zeros(cards, np.int64)
        if some.any():
            clipped = np.minimum(spend, np.repeat(middle, count))
            got[some] = np.add.reduceat(clipped, first[:-1][some])
        enough = got >= need
        high = np.where(enough, middle, high)
        low = np.where(enough, low, middle)
    return np.where(need <= 0, 0, np.where(full < need, NO_CAP, high))
