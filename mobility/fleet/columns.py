"""Column generation: vehicle days priced by labels, a master problem of ones solved near its centre.

The master covers every trip once, keeps to the depots' capacities and, by rows that are added where
they are broken, to the chargers of every slot. Duals are held in a box around the best ones so far and
pulled towards them: so they move little, and the days that they bring forth are of use.

References
----------
du Merle, Villeneuve, Desrosiers, Hansen (1999), "Stabilized column generation", Discrete Mathematics 194;
Pessoa, Sadykov, Uchoa, Vanderbeck (2018), "Automation and combination of linear-programming based
stabilization techniques in column generation", INFORMS Journal on Computing 30(2).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet import _master_kernels, interior
from mobility.fleet.evsp import part
from mobility.fleet.pricing import Column, Plug, Pricing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from mobility.fleet.evsp import Day

_PULL = 0.6  # how far duals are pulled back to the best ones
_BOX = 0.2  # the box, as a share of a trip's mean dual
_LONGER = 6
_SANE = 1e3  # a trip's mean dual, in days
_STILL = 50  # rounds without a better bound after which the centre of the duals goes along
_BOUGHT = 0.5  # trips of which a master of days may leave so much uncovered
_ENOUGH = 5e-4  # gap at which a master counts as solved
_A_ROUND = 0.18  # columns a round, as a share of the trips
_MANY = 100  # trips from which kinds of bus are priced side by side
_KEPT = 5  # columns a trip that the master keeps


@dataclass(frozen=True)
class Duals:
    """Prices of trips, chargers by slot, and of room: places in depots, buses of types (0 or more)."""

    trip: NDArray[np.float64]
    plug: dict[Plug, float]
    room: NDArray[np.float64]


@dataclass(eq=False)
class Ask:
    """Trips to cover, by which kinds of bus, and what is left of chargers, depots and buses for them.

    ``room``: places in each of the ``depots``, then buses of each type; inf where there is no limit.
    """

    days: list[Day]
    depots: int
    free: bool
    count: dict[int, int]
    taken: Counter[Plug]
    room: NDArray[np.float64]
    pricing: list[Pricing] = field(default_factory=list)

    def __post_init__(self) -> None:
        for day in self.days:
            grid = day.free if self.free else day.safe
            self.pricing.append(Pricing(day, grid, rounding(day) if self.free else 0.0))

    @property
    def rows(self) -> NDArray[np.int32]:
        """Rows of the problem's trips."""
        return self.days[0].rows

    @property
    def least_cost(self) -> float:
        """What any day costs at least."""
        return min(one.day.least_cost - one.discount for one in self.pricing)

    def pools(self, one: Day | Column) -> tuple[int, int]:
        """Where in ``room`` a bus takes one: its depot, its type."""
        return one.depot, self.depots + one.vehicle

    def left(self, plug: Plug) -> int:
        """Chargers that are left in a slot."""
        return self.count[plug[0]] - self.taken[plug]

    def within(self, rows: NDArray[np.int32], fixed: Iterable[Column]) -> Ask:
        """The same for some of the trips, with what other days leave of chargers and depots."""
        taken, room = Counter(self.taken), self.room.copy()
        for column in fixed:
            taken.update(column.plugs)
            room[list(self.pools(column))] -= 1
        keep = np.searchsorted(self.rows, rows)
        days = [part(day, keep) for day in self.days]
        return Ask(days, self.depots, self.free, self.count, taken, room)

    def price(self, duals: Duals) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
        """Least reduced cost of any day through each trip: by kind of bus, and over all of them."""
        full = {plug: 1e7 for plug in self.taken if self.left(plug) <= 0}
        plug = {**duals.plug, **full}

        def priced(one: Pricing) -> NDArray[np.float64]:
            return one.price(duals.trip, plug, float(duals.room[list(self.pools(one.day))].sum()))

        if len(self.pricing) > 1 and self.rows.size > _MANY:
            with ThreadPoolExecutor(2) as workers:  # kernels let go of the interpreter
                through = list(workers.map(priced, self.pricing))
        else:
            through = [priced(one) for one in self.pricing]
        return through, np.min(through, axis=0)

    def bound(self, duals: Duals, through: NDArray[np.float64]) -> float:
        """What no days can beat, whatever the duals.

        A dual above 0 is lowered by the factor ``m / (m + d)``: ``d`` is by how much the trip's worst
        day is overpriced, ``m`` what a day costs at least. A day with cost ``c`` is overpriced by no
        more than the least ``d`` of its trips, and ``c >= m``; so its lowered duals come to at most
        ``(c + d) * m / (m + d) <= c``, and the sum of all is a solution of the dual.
        """
        over, least = np.maximum(-through, 0.0), self.least_cost
        paid = float(np.abs(duals.trip).sum()) + sum(duals.plug.values())
        if not paid < _SANE * least * self.rows.size:
            return -np.inf  # sums of such prices would be lost in rounding
        lowered = np.where(duals.trip > 0, duals.trip * least / (least + over), duals.trip)
        total = float(lowered.sum())
        total -= sum(price * self.left(plug) for plug, price in duals.plug.items())
        total -= 1e-11 * paid  # rounding
        return total - float(duals.room[np.isfinite(self.room)] @ self.room[np.isfinite(self.room)])


def rounding(day: Day) -> float:
    """What charging in whole levels may cost a day more than it should: one level through all prices."""
    rise = np.diff(day.dear)
    return day.step_kwh * float(day.dear[0] + rise[rise > 0].sum())


class Master:
    """Columns, and the linear program over them."""

    def __init__(self, ask: Ask, columns: Iterable[Column] = ()) -> None:
        self.ask = ask
        self.columns: list[Column] = []
        self._seen: set[tuple[object, ...]] = set()
        self.plugs: dict[Plug, int] = {}
        self.add(columns)

    def add(self, columns: Iterable[Column]) -> int:
        """Take columns in that are new; how many."""
        count = len(self.columns)
        for one in columns:
            key = (one.depot, one.vehicle, one.trips, one.via, one.plugs)
            if key not in self._seen:
                self._seen.add(key)
                self.columns.append(one)
        return len(self.columns) - count

    def keep(self, best: NDArray[np.int64]) -> None:
        """Forget all columns but these."""
        chosen = [self.columns[at] for at in sorted(best.tolist())]
        self.columns, self._seen = [], set()
        self.add(chosen)

    def matrix(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
        """Columns of ones: where each begins, its rows, its cost."""
        trips = self.ask.rows.size
        capped = np.flatnonzero(np.isfinite(self.ask.room))
        room_row = {int(pool): trips + at for at, pool in enumerate(capped)}
        plug_0 = trips + capped.size
        rows: list[int] = []
        first = [0]
        all_trips = [trip for one in self.columns for trip in one.trips]
        local = np.searchsorted(self.ask.rows, np.array(all_trips, np.int32)).tolist()
        at = 0
        for one in self.columns:
            rows += local[at : at + len(one.trips)]
            at += len(one.trips)
            rows += [room_row[pool] for pool in self.ask.pools(one) if pool in room_row]
            rows += [plug_0 + self.plugs[plug] for plug in one.plugs if plug in self.plugs]
            first.append(len(rows))
        cost = np.array([one.cost for one in self.columns], float)
        return np.array(first, np.int64), np.array(rows, np.int32), cost

    def solve(self, centre: Duals, box: float, tolerance: float) -> tuple[interior.Interior, Duals]:
        """Solve with duals in a box; amounts of the columns, and the duals."""
        trips = self.ask.rows.size
        capped = np.flatnonzero(np.isfinite(self.ask.room))
        first, row, cost = self.matrix()
        others = capped.size + len(self.plugs)
        slack = np.full((trips + others, 2), np.inf)
        slack[:trips, 0], slack[:trips, 1] = centre.trip + box, box - centre.trip
        slack[trips:, 0] = 0.0
        right = np.concatenate(
            [np.ones(trips), self.ask.room[capped], [self.ask.left(plug) for plug in self.plugs]]
        )
        start = np.concatenate(
            [
                centre.trip,
                -centre.room[capped],
                [-centre.plug.get(plug, 0.0) for plug in self.plugs],
            ]
        )
        found = interior.solve(first, row, cost, slack, right, start, tolerance)
        self.worth = cost - self._priced(first, row, found.dual)
        room = np.zeros(self.ask.room.size)
        room[capped] = np.maximum(-found.dual[trips : trips + capped.size], 0.0)
        plug_0 = trips + capped.size
        prices = {
            plug: max(0.0, -float(found.dual[plug_0 + at])) for plug, at in self.plugs.items()
        }
        return found, Duals(found.dual[:trips], prices, room)

    def watch(self, amount: NDArray[np.float64]) -> int:
        """Add rows for the chargers that the amounts overload; how many."""
        use: defaultdict[Plug, float] = defaultdict(float)
        for one, share in zip(self.columns, amount.tolist(), strict=True):
            if share > 1e-6:
                for plug in one.plugs:
                    use[plug] += share
        before = len(self.plugs)
        for plug in sorted(use):
            # Depots are not watched for the bound: connections are left out that a stay there beats.
            watched = plug[0] >= self.ask.depots or not self.ask.free
            over = use[plug] > self.ask.left(plug) + 1e-3
            if watched and over and plug not in self.plugs:
                self.plugs[plug] = len(self.plugs)
        return len(self.plugs) - before

    @staticmethod
    def _priced(
        first: NDArray[np.int64], row: NDArray[np.int32], dual: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        worth = np.empty(first.size - 1)
        _master_kernels.priced(first, row, dual, worth)
        return worth


@dataclass(frozen=True)
class Generated:
    """The best bound and its duals; the master's value, near which the columns' optimum lies."""

    bound: float
    duals: Duals
    value: float
    rounds: int


def generate(
    master: Master,
    start: Duals,
    *,
    bound: float = -np.inf,
    rounds: int = 10_000,
    enough: float = _ENOUGH,
    goes_on: Callable[[float], bool] = lambda bound: True,  # noqa: ARG005
) -> Generated:
    """Add columns until none helps by more than ``enough``.

    ``goes_on`` is asked before every round, with the best bound; the bound is one of the free grid
    only where the master's question is of that grid.
    """
    ask = master.ask
    trips = ask.rows.size
    best, best_value, value = start, bound, np.inf
    through, least = ask.price(best)
    best_value = max(best_value, ask.bound(best, least))
    best_ever = best_value
    for kind, own in zip(ask.pricing, through, strict=True):
        master.add(kind.columns(own, np.inf, 10**9))
    box = _BOX * max(float(np.abs(start.trip).mean()), 1e-6)
    tolerance, many = 1e-2, max(4, int(_A_ROUND * trips))
    done = stuck = still = 0
    centre = start
    bought = np.inf
    while goes_on(best_value):
        # Days need columns that cover every trip: they get more rounds while trips are left bare.
        if done >= rounds * (1 if ask.free or bought < _BOUGHT else _LONGER):
            break
        done += 1
        found, duals = master.solve(centre, box, tolerance)
        value, bought = found.objective, found.bought
        asked = _pulled(centre, duals, 0.0 if stuck else _PULL)
        through, least = ask.price(asked)
        reached = ask.bound(asked, least)
        rows = master.watch(found.amount)
        if len(master.columns) > max(_KEPT * trips, 400):
            master.keep(np.argsort(master.worth, kind="stable")[: len(master.columns) * 2 // 3])
        new = 0
        for kind, own in zip(ask.pricing, through, strict=True):
            new += master.add(kind.columns(own, -1e-6 * ask.least_cost, many))
        # The centre is where the bound is best; where that stays for long, it goes along.
        still = 0 if reached > best_ever else still + 1
        if still == 0 or still > _STILL:
            centre = asked
        best_ever = max(best_ever, reached)
        if reached > best_value or not ask.free:
            best, best_value = asked, reached
        gap = (value - best_value) / max(abs(value), 1e-9)
        if gap < enough and not rows and (ask.free or bought < _BOUGHT):
            break
        if not ask.free and bought > _BOUGHT and 0.0 <= gap < 10.0 * enough:
            box *= 1.5
        tolerance = min(1e-2, max(1e-4, gap / 10.0)) if gap > 0 else 1e-3
        stuck = 0 if new or rows else stuck + 1
        if stuck:
            tolerance, box = 1e-6, box * 2.0
            if stuck > 3:
                break
    return Generated(best_value, best, value, done)


def _pulled(centre: Duals, new: Duals, pull: float) -> Duals:
    plug = {
        one: pull * centre.plug.get(one, 0.0) + (1.0 - pull) * price
        for one, price in new.plug.items()
    }
    return Duals(
        pull * centre.trip + (1.0 - pull) * new.trip, plug,
        pull * centre.room + (1.0 - pull) * new.room,
    )  # fmt: skip
