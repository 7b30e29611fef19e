"""How sure an answer is: cards drawn again and again from those that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mobility.fares.cap_runs import Runs

LOW, HIGH = 0.05, 0.95


def bootstrap(
    runs: Runs | None,
    present: np.ndarray,
    after: np.ndarray,
    allowed: float,
    *,
    replicates: int,
    seed: int,
    least: int = 1,
) -> dict[str, Any]:
    """Draw as many cards with replacement, ``replicates`` times; 5 to 95 % of what comes out.

    Parameters
    ----------
    runs
        Of the answer's world, where the tariff has one plain cap: the least level that brings the revenue is
        found anew for every draw. None: the policy's effect alone is drawn.
    present, after
        What each card pays, at present and by the answer.
    allowed
        The change of revenue that is allowed, as a share of the present one.

    Returns
    -------
    dict
        ``replicates``, and pairs ``change_percent`` (of the revenue, by the answer's policy),
        ``riders_helped_percent`` and, with ``runs``, ``level``; ``level_missing`` counts draws that no
        level suffices for.

    References
    ----------
    Efron (1979), the percentile bootstrap; cards are the independent units, not taps.
    """
    rng = np.random.default_rng(seed)
    cards = len(present)
    saved = present - after
    find = None if runs is None else _Levels(runs)
    changes, helped, levels, missing = [], [], [], 0
    for _ in range(replicates):
        weight = np.bincount(rng.integers(0, cards, cards), minlength=cards)
        total = int(weight @ present)
        changes.append(100 * -int(weight @ saved) / max(total, 1))
        helped.append(100 * int(weight @ (saved >= least)) / cards)
        if find is not None:
            level = find.least(weight, total * (1 + allowed))
            missing += level is None
            levels.extend([] if level is None else [level])
    told: dict[str, Any] = {
        "replicates": replicates,
        "interval": [LOW, HIGH],
        "change_percent": _pair(changes),
        "riders_helped_percent": _pair(helped),
    }
    if find is not None:
        told |= {"level": [round(one) for one in _pair(levels)], "level_missing": missing}
    return told


def _pair(values: list[Any]) -> list[float]:
    return [float(one) for one in np.quantile(values, [LOW, HIGH])] if values else []


class _Levels:
    """Least levels of draws: spends sorted once, weighted anew."""

    def __init__(self, runs: Runs) -> None:
        merged = runs.merged()
        spend = merged.cost.astype(np.int64)
        owner = np.repeat(np.arange(merged.count), np.diff(merged.first))
        order = np.argsort(spend, kind="stable")
        self.spend, self.owner, self.outside = spend[order], owner[order], merged.outside

    def least(self, weight: np.ndarray, target: float) -> int | None:
        own = weight[self.owner]
        money = np.concatenate([[0], np.cumsum(own * self.spend)])
        count = np.concatenate([[0], np.cumsum(own)])
        fixed = int(weight @ self.outside)

        def charged(level: int) -> int:
            under = int(np.searchsorted(self.spend, level, side="right"))
            return fixed + int(money[under]) + level * int(count[-1] - count[under])

        low, high = -1, int(self.spend[-1]) if len(self.spend) else 0
        if charged(high) < target:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if charged(middle) >= target else (middle, high)
        return high
