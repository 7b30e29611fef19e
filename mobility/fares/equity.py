"""Who gains and who loses: indices of inequality."""

from __future__ import annotations

import numpy as np


def gini(paid: np.ndarray) -> float:
    """Gini index of what cards pay: 0 where all pay the same, near 1 where one pays all.

    Gini (1912), by sorted sums; integers of minor units in, a fraction out.
    """
    values = np.sort(np.asarray(paid, np.float64))
    total = float(values.sum())
    if not len(values) or total <= 0:
        return 0.0
    count = len(values)
    weights = 2 * np.arange(1, count + 1) - count - 1
    return float((weights * values).sum() / (count * total))
