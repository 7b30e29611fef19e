"""Min-cost flow with a certificate: the flow, and a bound that is counted from its dual prices.

The network simplex is our own kernel: on the time-space networks of this package, whose depot lines
are long paths of free arcs, it is some 50 to 100 times quicker than cost scaling
(``ortools.graph`` ``SimpleMinCostFlow``, which stays the oracle of the tests).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mobility.errors import ConfigError
from mobility.fleet import _flow_kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Each phase prices so many of the cheapest arcs per source. A first phase of one arc a source finds
# a basis that the later ones hardly change: a quarter of the pivots of a start with a fifth of all arcs.
_PER_SOURCE = (1, 5, 20)
_SMALL = 2_000


@dataclass(frozen=True)
class Flow:
    """Flow on every arc, its cost, a cost that no flow can beat, and each node's price; all integers."""

    amount: NDArray[np.int64]
    cost: int
    bound: int
    pivots: int
    price: NDArray[np.int64]


def min_cost_flow(
    tails: NDArray[np.int32],
    heads: NDArray[np.int32],
    capacities: NDArray[np.int64],
    costs: NDArray[np.int64],
    supply: NDArray[np.int64],
    *,
    always: NDArray[np.bool_] | None = None,
) -> list[Flow] | None:
    """Find the cheapest flows that meet all supplies (above 0: a source), None where none does.

    ``bound`` does not rest on the simplex being right: by weak duality *any* prices of nodes give
    one, ``sum(supply * price) + sum(capacity * min(0, reduced cost))``.

    Parameters
    ----------
    costs
        (K, arcs): one flow for each row; each starts from the basis of the row before.
    always
        Arcs that are priced from the start, however dear: those that any flow needs. None: the
        cheapest are.

    Raises
    ------
    ConfigError
        When the costs are so large that their sums leave 64-bit integers.
    """
    dearest = int(np.abs(costs).max(initial=0))
    big = (dearest + 1) * (supply.size + 1)
    if big > 1 << 52:
        raise ConfigError(
            f"costs up to {dearest:,} are too large to add up exactly",
            mend="give costs in a larger unit",
        )
    later = np.zeros(tails.size, bool) if always is None else ~always
    order = np.lexsort((costs[0], later))
    base, sources = int(tails.size - later.sum()), int((supply > 0).sum())
    phases = [base + max(_SMALL, times * sources) for times in _PER_SOURCE]
    amounts = np.zeros(costs.shape, np.int64)
    prices = np.zeros((costs.shape[0], supply.size), np.int64)
    left_over, pivots = _flow_kernels.network_simplex(
        np.ascontiguousarray(tails[order], np.int32),
        np.ascontiguousarray(heads[order], np.int32),
        np.ascontiguousarray(capacities[order], np.int64),
        np.ascontiguousarray(costs[:, order], np.int64),
        np.ascontiguousarray(supply, np.int64),
        np.int64(big),
        np.unique(np.minimum([*phases, tails.size], tails.size)).astype(np.int64),
        amounts,
        prices,
    )
    if left_over > 0:
        return None
    flows = []
    for cost, amount, price in zip(costs, amounts, prices, strict=True):
        flow = np.empty_like(amount)
        flow[order] = amount
        reduced = np.minimum(cost + price[heads] - price[tails], 0)
        bound = _dot(supply, price) + _dot(capacities, reduced)
        flows.append(Flow(flow, _dot(flow, cost), bound, int(pivots), price))
    return flows


def _dot(one: NDArray[np.int64], other: NDArray[np.int64]) -> int:
    """Sum of products, exact whatever their size."""
    if float(np.abs(one.astype(float)) @ np.abs(other.astype(float))) < 2.0**62:
        return int(one @ other)
    return sum(int(a) * int(b) for a, b in zip(one.tolist(), other.tolist(), strict=True))
