"""Whole vehicle days out of fractional ones: fix the surest, price again; then search around them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from mobility.fleet.columns import Ask, Duals, Master, generate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from mobility.fleet.pricing import Column, Plug

_SURE = 0.99
_ROUNDS = 10
_NEAR = 2e-3
_SHARE = 0.1  # of the days that are still missing, fixed at a time
_DEAR = 1e6


def dive(
    ask: Ask, columns: Sequence[Column], duals: Duals, goes_on: Callable[[], bool]
) -> list[Column] | None:
    """Days that cover every trip once, or None where the chargers or depots leave no room.

    Each step solves a linear program over the columns that are left, fixes the days of the largest
    amounts that fit together, and prices new days for the trips that remain.
    """
    fixed: list[Column] = []
    here, pool, own = ask, list(columns), duals
    while here.rows.size and goes_on():
        master = Master(here, pool)
        found = generate(master, own, rounds=_ROUNDS, enough=_NEAR, goes_on=lambda _: goes_on())
        amount = _relaxed(here, master.columns, found.duals.trip)
        chosen = _surest(here, master.columns, amount)
        if not chosen:
            break
        fixed += chosen
        gone = {trip for one in chosen for trip in one.trips}
        left = np.array([row for row in here.rows.tolist() if row not in gone], np.int32)
        own = replace(found.duals, trip=found.duals.trip[np.searchsorted(here.rows, left)])
        here = here.within(left, chosen)
        pool = [one for one in master.columns if gone.isdisjoint(one.trips) and _fits(here, one)]
    return _rest(here, fixed) if goes_on() else None


def search(
    ask: Ask, days: list[Column], columns: Sequence[Column], duals: Duals, random: np.random.Generator,
    goes_on: Callable[[], bool], misses_most: int = 60,
) -> Iterator[list[Column]]:  # fmt: skip
    """Plan a few days anew, again and again; yields all days whenever that saved something."""
    size = 6
    misses = 0
    while goes_on() and len(days) > 1 and misses < misses_most:
        some = _neighbours(ask, days, min(size, len(days)), random)
        old = [days[at] for at in some]
        others = [one for at, one in enumerate(days) if at not in set(some)]
        rows = np.array(sorted(trip for one in old for trip in one.trips), np.int32)
        here = ask.within(rows, others)
        inside = set(rows.tolist())
        pool = [one for one in columns if inside.issuperset(one.trips) and _fits(here, one)]
        own = Duals(duals.trip[np.searchsorted(ask.rows, rows)], {}, np.zeros(ask.room.size))
        master = Master(here, [*old, *pool])
        found = generate(master, own, rounds=12, enough=1e-4, goes_on=lambda _: goes_on())
        before = sum(one.cost for one in old)
        better = None
        if found.value < before - 1e-6 * before:
            better = dive(here, master.columns, found.duals, goes_on)
        if better is not None and sum(one.cost for one in better) < before - 1e-6 * before:
            days = others + better
            columns = [*columns, *better]
            misses = 0
            yield days
        else:
            misses += 1
            if misses % 8 == 0 and size < 14:
                size += 1


def _relaxed(ask: Ask, pool: Sequence[Column], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Amounts of the columns at a corner of the linear program."""
    from scipy.optimize import linprog

    solve: Any = linprog

    trips, capped = ask.rows.size, np.flatnonzero(np.isfinite(ask.room))
    equal, upper, plugs = _rows(ask, pool, capped)
    dear = np.maximum(centre, 0.0) + 1.5 * ask.least_cost
    cost = np.concatenate([[one.cost for one in pool], dear])
    equal = sparse.hstack([equal, sparse.eye_array(trips)], format="csc")
    right = np.concatenate([ask.room[capped], [ask.left(plug) for plug in plugs]])
    if right.size:
        upper = sparse.hstack([upper, sparse.csc_array((right.size, trips))], format="csc")
    done = solve(
        cost / ask.least_cost, A_ub=upper if right.size else None, b_ub=right if right.size else None,
        A_eq=equal, b_eq=np.ones(trips), bounds=(0, None), method="highs-ds",
    )  # fmt: skip
    return np.zeros(len(pool)) if done.x is None else np.asarray(done.x[: len(pool)], float)


def _rows(
    ask: Ask, pool: Sequence[Column], capped: NDArray[np.int64]
) -> tuple[sparse.csc_array, sparse.csc_array, list[Plug]]:
    """Cover rows, and the rows of depots and chargers that the columns could overload."""
    use: Counter[Plug] = Counter()
    for one in pool:
        use.update(one.plugs)
    plugs = [plug for plug, wanted in sorted(use.items()) if wanted > ask.left(plug)]
    row_of = {plug: capped.size + at for at, plug in enumerate(plugs)}
    room_row = {int(pool): at for at, pool in enumerate(capped)}
    lengths = [len(one.trips) for one in pool]
    trip = np.searchsorted(ask.rows, [trip for one in pool for trip in one.trips])
    column = np.repeat(np.arange(len(pool)), lengths)
    equal = sparse.csc_array((np.ones(trip.size), (trip, column)), shape=(ask.rows.size, len(pool)))
    pairs = [
        (row, at)
        for at, one in enumerate(pool)
        for row in (
            *(row_of[plug] for plug in one.plugs if plug in row_of),
            *(room_row[pool] for pool in ask.pools(one) if pool in room_row),
        )
    ]
    at = np.array(pairs, np.int64).reshape(-1, 2)
    upper = sparse.csc_array(
        (np.ones(at.shape[0]), (at[:, 0], at[:, 1])), shape=(capped.size + len(plugs), len(pool))
    )
    return equal, upper, plugs


def _surest(ask: Ask, pool: Sequence[Column], amount: NDArray[np.float64]) -> list[Column]:
    """Days of the largest amounts that fit together: all sure ones, and at least one."""
    chosen: list[Column] = []
    covered: set[int] = set()
    use: dict[tuple[int, int], int] = {}
    room = ask.room.copy()
    most = max(1, int(_SHARE * float(amount.sum())))
    for at in np.lexsort((np.arange(amount.size), -np.round(amount, 6))).tolist():
        if amount[at] < 1e-6 or (amount[at] < _SURE and len(chosen) >= most):
            break
        one = pool[at]
        pools = list(ask.pools(one))
        fits = covered.isdisjoint(one.trips) and bool((room[pools] >= 1).all())
        fits &= all(use.get(plug, 0) < ask.left(plug) for plug in one.plugs)
        if fits:
            chosen.append(one)
            covered.update(one.trips)
            room[pools] -= 1
            for plug in one.plugs:
                use[plug] = use.get(plug, 0) + 1
    return chosen


def _fits(ask: Ask, column: Column) -> bool:
    room = ask.room[list(ask.pools(column))]
    return bool((room >= 1).all()) and all(ask.left(plug) > 0 for plug in column.plugs)


def _rest(ask: Ask, fixed: list[Column]) -> list[Column] | None:
    """Cover what is left by days that take as many trips as they can."""
    while ask.rows.size:
        dear = Duals(np.full(ask.rows.size, _DEAR), {}, np.where(ask.room >= 1, 0.0, 1e12))
        through, least = ask.price(dear)
        trip = int(least.argmin())
        kind = int(np.argmin([value[trip] for value in through]))
        column = ask.pricing[kind].trace(trip, float(least[trip])) if least[trip] < 1e9 else None
        if column is None:
            return None
        fixed = [*fixed, column]
        left = np.setdiff1d(ask.rows, np.array(column.trips, np.int32)).astype(np.int32)
        ask = ask.within(left, [column])
    return fixed


def _neighbours(ask: Ask, days: list[Column], size: int, random: np.random.Generator) -> list[int]:
    """A random day and those that share the most places and hours with it, with some chance."""
    seed = int(random.integers(len(days)))
    cost = np.array([one.cost / len(one.trips) for one in days])
    if random.random() < 0.5:  # a dear one
        seed = int(np.argsort(-cost, kind="stable")[int(random.integers(max(1, len(days) // 4)))])
    day = ask.days[0]
    index = np.full(int(ask.rows.max()) + 1, -1)
    for at, one in enumerate(days):
        index[list(one.trips)] = at
    owner = index[ask.rows]
    tails, heads = owner[day.tail], owner[day.head]
    near = np.bincount(heads[tails == seed], minlength=len(days)).astype(float)
    near += np.bincount(tails[heads == seed], minlength=len(days))
    near = near * random.uniform(0.3, 1.0, len(days))
    near[seed] = np.inf
    return [int(at) for at in np.argsort(-near, kind="stable")[:size]]
