"""What blocks would cost if each could leave and enter by the nearest depot: a flow, and its prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mobility.errors import ConfigError
from mobility.fleet import _column_kernels, _flow_kernels
from mobility.fleet._column_kernels import FAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.matrix_network import Network


@dataclass(frozen=True, eq=False)
class Relaxed:
    """Chains of trips, each from any depot to any other, and the prices that prove them cheapest.

    ``rent`` is what one more place in all depots together would be worth.
    """

    chains: list[list[int]]
    price: NDArray[np.int64]
    rent: int


def relax(net: Network) -> Relaxed | None:
    """Find the cheapest chains, or None where no chains cover all trips with the vehicles there are.

    Parameters
    ----------
    net
        With one depot the answer is exact.

    Raises
    ------
    ConfigError
        When costs are so large that sums leave 64-bit integers.
    """
    n, places = net.trips, int(net.room.sum())
    out, home = net.leave.min(1), net.enter.min(1)
    trips = np.arange(n)
    can_leave, can_enter = np.flatnonzero(out < FAR), np.flatnonzero(home < FAR)
    # Nodes: the end of each trip, its start, all depots in the morning, all depots at night.
    morning, night = 2 * n, 2 * n + 1
    tails = np.concatenate([net.tails, np.full(can_leave.size, morning), can_enter, [morning]])
    heads = np.concatenate([n + net.to, n + can_leave, np.full(can_enter.size, night), [night]])
    cost = np.concatenate([net.cost, out[can_leave], home[can_enter], [0]])
    supply = np.concatenate([np.ones(n), -np.ones(n), [places, -places]]).astype(np.int64)
    big = (int(cost.max()) + 1) * (supply.size + 1)
    if big > 1 << 52:
        raise ConfigError(
            f"costs up to {int(cost.max()):,} are too large to add up exactly",
            mend="give costs in a larger unit",
        )
    order = np.argsort(cost, kind="stable")
    amount = np.zeros((1, cost.size), np.int64)
    potential = np.zeros((1, supply.size), np.int64)
    left_over, _ = _flow_kernels.network_simplex(
        np.ascontiguousarray(tails[order], np.int32),
        np.ascontiguousarray(heads[order], np.int32),
        np.full(cost.size, max(places, 1), np.int64),
        np.ascontiguousarray(cost[None, order], np.int64),
        supply,
        np.int64(big),
        np.array(sorted({cost.size // 20 + 1, cost.size // 5 + 1, cost.size}), np.int64),
        amount,
        potential,
    )
    if left_over > 0:
        return None
    used = np.zeros(cost.size, bool)
    used[order] = amount[0] > 0
    links = np.flatnonzero(used[: net.to.size])
    then = np.full(n, -1)
    then[net.tails[links]] = net.to[links]
    begins = np.ones(n, bool)
    begins[net.to[links]] = False
    chains = []
    for trip in trips[begins].tolist():
        chain = [trip]
        while then[chain[-1]] >= 0:
            chain.append(int(then[chain[-1]]))
        chains.append(chain)
    price = potential[0, :n] - potential[0, n : 2 * n]
    return Relaxed(chains, price, max(0, int(potential[0, night] - potential[0, morning])))


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices of trips and rents of places, in ``1 / scale``, under which no block is a bargain.

    ``total`` is what they prove: no plan costs less than ``total / scale``. ``back`` as in the
    kernels, for ``leave + rent``, all in whole ``1 / scale``.
    """

    price: NDArray[np.int64]
    rent: NDArray[np.int64]
    back: NDArray[np.int64]
    scale: int
    total: int

    @property
    def bound(self) -> int:
        """The least whole number that a plan may cost."""
        return -(-self.total // self.scale)


def certify(net: Network, price: NDArray[np.float64], rent: NDArray[np.float64]) -> Prices:
    """Turn any prices into ones that prove a bound, in whole numbers from the first to the last.

    Every plan pays the price of every trip and at most the rent of every place, if no way costs less
    than the prices of its trips less the rent. So the prices are set, one trip after the other, to
    where the cheapest way through the trip costs what its trips are worth, and that is then looked
    at once more.
    """
    dearest = max(int(net.cost.max(initial=0)), _largest(net.leave), _largest(net.enter), 1)
    reach = max(dearest, int(np.abs(price).max(initial=0)), int(rent.max(initial=0))) * (
        net.trips + 2
    )
    bits = min(16, 56 - reach.bit_length())
    if bits < 0:
        raise ConfigError(
            "costs are too large to add up exactly", mend="give costs in a larger unit"
        )
    scale = 1 << bits
    start, end = net.spans
    cost = net.cost * scale
    whole = np.rint(price * scale).astype(np.int64)
    rents = np.maximum(np.rint(rent * scale).astype(np.int64), 0)
    leave = np.where(net.leave >= FAR, FAR, net.leave * scale + rents)
    enter = np.where(net.enter >= FAR, FAR, net.enter * scale)
    alive = np.ones(net.trips, np.bool_)
    fore = np.empty((net.trips, net.depots), np.int64)
    back = np.empty((net.trips, net.depots), np.int64)
    _column_kernels.lean_back(start, end, net.to, cost, enter, whole, alive, back)
    _column_kernels.tighten(start, end, net.to, cost, leave, enter, whole, alive, fore, back)
    _column_kernels.lean_fore(start, end, net.to, cost, leave, whole, alive, fore)
    _column_kernels.lean_back(start, end, net.to, cost, enter, whole, alive, back)
    least = int((fore + back).min())
    total = sum(whole.tolist()) - sum(
        held * one for held, one in zip(net.room.tolist(), rents.tolist(), strict=True)
    )
    if least < 0:  # never seen; the bound stays true all the same
        total += least * min(net.trips, int(net.room.sum()))
    return Prices(whole, rents, back, scale, total)


def _largest(ends: NDArray[np.int64]) -> int:
    return int(ends[ends < FAR].max(initial=0))
