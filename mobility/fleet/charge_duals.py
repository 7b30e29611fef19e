"""What a linear program's duals prove, whatever its solver's tolerances are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Of the sums that make the bound: far above the rounding of doubles, far below anybody's money.
_ROUNDING = 1e-12


def proven_value(
    cost: Floats,
    below: Any,
    right: Floats,
    equal: Any,
    exactly: Floats,
    lower: Floats,
    upper: Floats,
    found: Any,
) -> float:
    """Give the value that no point of ``below x <= right, equal x = exactly, lower <= x <= upper`` is under.

    Any duals prove a bound where every column has two finite bounds: what a reduced cost says is
    taken at the column's worse end. So neither tolerances nor a stop before the optimum can make it too
    high; the duals only say how near it comes.

    References
    ----------
    Neumaier, Shcherbina (2004), safe bounds in linear and mixed-integer programming.
    """
    y = np.minimum(np.nan_to_num(found.ineqlin.marginals), 0.0)
    z = np.nan_to_num(np.asarray(found.eqlin.marginals, float).reshape(-1))
    reduced = cost - below.T @ y - equal.T @ z
    ends = np.minimum(reduced * lower, reduced * upper)
    parts = np.concatenate([y * np.where(y < 0, right, 0.0), z * exactly, ends])
    return float(parts.sum() - _ROUNDING * np.abs(parts).sum())
