"""The search of the multi-depot problem: prices that fall into place, and blocks that follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from mobility.fleet import _column_kernels as kernels
from mobility.fleet._column_kernels import FAR
from mobility.fleet.relaxation import certify
from mobility.fleet.ways import finish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from mobility.fleet.matrix_network import Network
    from mobility.fleet.relaxation import Relaxed
    from mobility.fleet.watch import Watch

# Heats and limits are in fifteenths of how much connections and the ends of blocks differ in cost;
# measured on the family of Carpaneto et al., where that is some 10 of a block's 10,000.
_HEATS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002)
_ROUNDS = 60
# Later the prices are found once more, with so many rounds, from so many heats on.
_AGAIN = {6: (240, 3), 40: (960, 3), 160: (960, 0)}
_DIVE_HEAT = 0.25
_DIVE_REACH = 20.0
_SEARCH_REACH = 50.0
_KIN_REACH = 6.0
# What a trip that no vehicle drives costs, in dearest blocks of one trip: more than it would save.
_LEFT_OUT = 4.0
# Up to so many trips all prices are found before anyone may say that the gap is small enough.
_SMALL = 300
# The exact search is tried at once where ways are few, and later, after some turns in vain, among
# so many, then twice as many.
_FEW_WAYS = 2_000
_MOST_WAYS = 32_000
_QUIET_TURNS = 15


class Ascent:
    """The state of a solve: prices for every heat, the best bound, the best plan.

    ``home`` (trips: block, below 0 where left out), ``base`` and ``paid`` (blocks: depot, -1 where
    unused, and cost) are the plan; all in the network's numbers.
    """

    def __init__(self, net: Network, relaxed: Relaxed, seed: int, halt: NDArray[np.int8]) -> None:
        self.net = net
        self.random = np.random.default_rng(seed)
        self.halt = halt
        self.start, self.end = net.spans
        self.cost = net.cost.astype(float)
        self.leave = net.leave.astype(float)
        self.enter = net.enter.astype(float)
        self.alive = np.ones(net.trips, np.bool_)
        self.price = relaxed.price.astype(float)
        self.rent = np.full(net.depots, float(relaxed.rent))
        self.proof = certify(net, self.price, self.rent)
        self.bound = self.proof.bound
        self.unit = self._unit(len(relaxed.chains))
        self.prices: dict[float, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        self.infeasible = False
        self.penalty = _LEFT_OUT * self._dearest()
        self.home = np.full(net.trips, -1, np.int32)
        self.base = np.full(net.trips, -1, np.int32)
        self.paid = np.zeros(net.trips)
        self._place(relaxed.chains)

    @property
    def left_out(self) -> int:
        """Trips that the best plan so far does not drive."""
        return int((self.home < 0).sum())

    @property
    def worth(self) -> float:
        """What the plan costs, trips left out included."""
        return _worth(self.home, self.base, self.paid, self.penalty)

    @property
    def objective(self) -> int | None:
        """What the plan costs, None while it leaves trips out."""
        return None if self.left_out else round(self.worth)

    @property
    def gap(self) -> float | None:
        """The gap as the report will state it."""
        objective = self.objective
        if objective is None:
            return None
        return (objective - self.bound) / max(abs(objective), 1e-9)

    def steps(self, watch: Watch) -> Iterator[None]:
        """Do one piece of work at a time, for as long as there is any."""
        for heat in _HEATS:
            self._cool(heat * self.unit, _ROUNDS)
            if self.net.trips > _SMALL:
                yield
            if self.halt[0] or watch.left_s < 0.5 * (watch.limit_s or 0.0):
                break
        self._prove()
        self.links = self._near(_DIVE_REACH * self.unit)
        for rounds, share in ((20, 0.3), (100, 0.01)):
            self._dive(rounds=rounds, share=share, noise=0.0)
            self._finish(watch, _FEW_WAYS)
            yield
        yield from self._search(watch)

    def _search(self, watch: Watch) -> Iterator[None]:
        """Neighbourhoods small and large, now and then a whole plan anew."""
        self.links = self._near(_SEARCH_REACH * self.unit)
        self._find_kin()
        turn = quiet = 0
        most = _FEW_WAYS
        while True:
            before = self.worth
            if turn in _AGAIN and len(self.prices) == len(_HEATS):
                self._cool_again(*_AGAIN[turn])
            elif quiet >= _QUIET_TURNS:
                quiet = 0
                self._finish(watch, most, partly=True)
                most = most if self.worth < before else min(2 * most, _MOST_WAYS)
            elif turn % 20 == 19 or (turn % 3 == 2 and self._a_vehicle_too_many()):
                self._dive(rounds=100, share=0.01, noise=0.3)
            elif turn % 4 == 3:
                self._neighbourhoods(30, 100, trials=2, rounds=100, share=0.02)
            else:
                self._neighbourhoods(4, 20, trials=50, rounds=20, share=0.1)
            better = self.worth < before
            quiet = 0 if better else quiet + 1
            watch.idle = 0 if better else watch.idle + 1
            turn += 1
            yield

    def _cool(self, heat: float, rounds: int) -> None:
        links = self._near(60.0 * heat)
        for _ in range(2):
            kernels.cool(
                *links, self.leave, self.enter, self.net.room, self.alive, self.price, self.rent,
                heat, rounds, self.halt,
            )  # fmt: skip
        self.prices[heat] = self.price.copy(), self.rent.copy()

    def _cool_again(self, rounds: int, first: int) -> None:
        """Find the prices once more, slower, for a better bound; plans keep theirs."""
        kept = self.prices
        self.prices = {}
        price, rent = kept[_HEATS[max(first - 1, 0)] * self.unit]
        self.price, self.rent = price.copy(), rent.copy()
        for heat in _HEATS[first:]:
            if not self.halt[0]:
                self._cool(heat * self.unit, rounds)
        self._prove()
        self.prices = kept

    def _prove(self) -> None:
        proof = certify(self.net, self.price, self.rent)
        if proof.total * self.proof.scale > self.proof.total * proof.scale:
            self.proof = proof
        self.bound = max(self.bound, proof.bound)

    def _near(
        self, limit: float
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
        """Links on ways with slack up to a limit, by trip and depot."""
        net = self.net
        links = self.start, self.end, net.to, self.cost
        shape = (net.trips, net.depots)
        fore, back = np.empty(shape), np.empty(shape)
        opening = self.leave + self.rent
        kernels.lean_back(*links, self.enter, self.price, self.alive, back)
        kernels.tighten(*links, opening, self.enter, self.price, self.alive, fore, back)
        kernels.lean_fore(*links, opening, self.price, self.alive, fore)
        self.fore, self.back = fore, back
        start, end = np.empty(shape, np.int64), np.empty(shape, np.int64)
        to, cost = np.empty(0, np.int32), np.empty(0)
        found = 0
        for _ in range(2):
            to, cost = np.empty(found, np.int32), np.empty(found)
            found = kernels.near_links(
                *links, self.price, self.alive, fore, back, limit, start, end, to, cost
            )
        return start, end, to, cost

    def _find_kin(self) -> None:
        """Trips that may follow each other with little slack, each way round."""
        net, tails = self.net, self.net.tails
        slack = np.full(net.to.size, float(FAR))
        for k in range(net.depots):
            np.minimum(slack, self.fore[tails, k] + self.back[net.to, k], out=slack)
        slack += self.cost - self.price[net.to]
        near = slack <= _KIN_REACH * self.unit
        one = np.concatenate([tails[near], net.to[near]])
        other = np.concatenate([net.to[near], tails[near]])
        order = np.lexsort((other, one))
        self.kin = other[order].astype(np.int32)
        self.kin_start = np.zeros(net.trips + 1, np.int64)
        np.cumsum(np.bincount(one, minlength=net.trips), out=self.kin_start[1:])

    def _priced(self) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Prices and rents of the heat that plans are built at, and the heat."""
        wanted = _DIVE_HEAT * self.unit
        heat = min(self.prices, key=lambda one: abs(np.log(one / wanted)))
        price, rent = self.prices[heat]
        return price.copy(), rent.copy(), heat

    def _dive(self, *, rounds: int, share: float, noise: float) -> None:
        """Build a whole plan; keep it where it is better."""
        price, rent, heat = self._priced()
        home, base = np.full_like(self.home, -1), np.full_like(self.base, -1)
        paid = np.zeros_like(self.paid)
        kernels.dive(
            *self.links, self.leave, self.enter, self.net.room.copy(), price, rent, heat, rounds,
            share, noise, self.random, self.halt, home, base, paid,
        )  # fmt: skip
        if _worth(home, base, paid, self.penalty) < self.worth:
            self.home, self.base, self.paid = home, base, paid

    def _neighbourhoods(
        self, least: int, most: int, *, trials: int, rounds: int, share: float
    ) -> None:
        price, rent, heat = self._priced()
        kernels.search(
            *self.links, self.leave, self.enter, self.net.room, price, rent, self.kin,
            self.kin_start, self.penalty, heat, rounds, share, 0.5, least, most, trials,
            self.random, self.halt, self.home, self.base, self.paid,
        )  # fmt: skip

    def _finish(self, watch: Watch, most: int, *, partly: bool = False) -> None:
        """Search among all ways that may be part of a better plan, where they are few."""
        if self.objective == self.bound or self.halt[0]:
            return
        plan = self.objective, self.home, self.base
        found = finish(self.net, self.proof, *plan, most=most, left_s=watch.left_s, partly=partly)
        if found is None:
            return
        self.infeasible = found.infeasible
        if found.bound is not None:
            self.bound = max(self.bound, found.bound)
        if found.home is not None and found.base is not None:
            self.home, self.base = found.home, found.base
            self.paid = self._paid()

    def _a_vehicle_too_many(self) -> bool:
        return self.worth - self.bound > 300.0 * self.unit

    def _unit(self, blocks: int) -> float:
        """The measure of heats: a fixed cost of vehicles does not change it."""
        ends = [array[:, k] for array in (self.leave, self.enter) for k in range(self.net.depots)]
        known = [one[one < FAR] for one in ends]
        spread = [float(one.std()) for one in (*known, self.cost) if one.size]
        if sum(spread):
            return (sum(spread[:-1]) / max(len(spread) - 1, 1) + spread[-1]) / 30.0
        return max(self.bound / max(blocks, 1), 1.0) / 1000.0

    def _dearest(self) -> float:
        """More than any block costs that has one connection."""
        ends = [array[array < FAR].max(initial=0.0) for array in (self.leave, self.enter)]
        return float(sum(ends) + self.cost.max(initial=0.0)) + 1.0

    def _place(self, chains: list[list[int]]) -> None:
        """Give the relaxation's chains to depots, as cheaply as places allow; a first plan."""
        net = self.net
        first = [chain[0] for chain in chains]
        last = [chain[-1] for chain in chains]
        ends = self.leave[first] + self.enter[last]
        lost = ends >= FAR
        ends[lost] = self.penalty
        slots = np.repeat(np.arange(net.depots), np.minimum(net.room, len(chains)))
        rows, columns = linear_sum_assignment(ends[:, slots])
        block = 0
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            depot = int(slots[column])
            if not lost[row, depot]:
                self.home[chains[row]] = block
                self.base[block] = depot
                block += 1
        self.paid = self._paid()

    def _paid(self) -> NDArray[np.float64]:
        """What each block of the plan costs."""
        paid = np.zeros(self.net.trips)
        last = np.full(self.net.trips, -1)
        for row, block in enumerate(self.home.tolist()):
            if block < 0:
                continue
            if last[block] < 0:
                paid[block] += self.leave[row, self.base[block]]
            else:
                here = slice(self.net.first[last[block]], self.net.first[last[block] + 1])
                paid[block] += self.cost[here][self.net.to[here] == row][0]
            last[block] = row
        used = self.base >= 0
        paid[used] += self.enter[last[used], self.base[used]]
        return paid


def _worth(
    home: NDArray[np.int32], base: NDArray[np.int32], paid: NDArray[np.float64], penalty: float
) -> float:
    return float(paid[base >= 0].sum() + penalty * (home < 0).sum())
