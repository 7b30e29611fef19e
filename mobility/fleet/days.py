"""Chains of trips into vehicle days: where a bus goes home, and where one day ends and another begins.

The flow knows connections; it does not know how long a block, a driver's stint or a vehicle's day is,
and along a time line waits add up past their limit. Chains that break such a rule are taken apart here
at the least cost, so that every day keeps every rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet.duty import STRAIGHT, Duty
from mobility.fleet.links import links
from mobility.fleet.runs import kept_pairs, pull_in, pull_out
from mobility.units import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.links import Links
    from mobility.fleet.problem import Problem
    from mobility.fleet.runs import Run


@dataclass(frozen=True)
class _Chain:
    """One chain's trips and links, from one depot; link k lies between trips k and k + 1."""

    leave_s: list[int]
    back_s: list[int]
    out_minor: list[float]
    in_minor: list[float]
    straight_minor: list[float]
    via_possible: list[bool]
    relieved_s: list[tuple[int, int] | None]
    kept: list[bool]
    block_s: int
    stint_s: int
    day_minor: float


def days_of(
    problem: Problem,
    chains: list[Run],
    homes: NDArray[np.int64],
    *,
    minor_km: float,
    vehicle: int,
    keep: bool,
) -> tuple[Duty, ...]:
    """Give every connection its cheaper way, and take apart what breaks a rule.

    Parameters
    ----------
    chains
        Trips (rows) in the order in which one bus would drive them.
    homes
        Depot of each chain.
    minor_km, vehicle, keep
        Price of a km of empty running; the type of bus; whether the feed's own connections are kept:
        they need no layover, and no rule of length takes them apart.

    Returns
    -------
    tuple of Duty
        Sorted by trips. A day from which no run leads home stays as it is: `blocks` says so.
    """
    first = np.array([one for trips in chains for one in trips[:-1]], np.int32)
    then = np.array([one for trips in chains for one in trips[1:]], np.int32)
    depots = np.repeat(homes, [len(trips) - 1 for trips in chains])
    kept = kept_pairs(problem, first, then) if keep else np.zeros(first.size, bool)
    ways = links(problem, first, then, problem.depot_place[depots], minor_km=minor_km, kept=kept)
    ends = _ends(problem, chains, homes, minor_km)
    relieved = _relieved(problem, then, ways)
    broken, via = ~np.isfinite(ways.cost_minor), ways.via
    duties, link, trip = [], 0, 0
    for trips, depot in zip(chains, homes.tolist(), strict=True):
        here, own = slice(link, link + len(trips) - 1), slice(trip, trip + len(trips))
        chain = _Chain(
            leave_s=ends[0][own].tolist(),
            back_s=ends[1][own].tolist(),
            out_minor=ends[2][own].tolist(),
            in_minor=ends[3][own].tolist(),
            straight_minor=ways.straight_minor[here].tolist(),
            via_possible=np.isfinite(ways.via_minor[here]).tolist(),
            relieved_s=relieved[here],
            kept=kept[here].tolist(),
            block_s=problem.rules.max_block_s,
            stint_s=problem.rules.relief_max_s or DAY_S,
            day_minor=problem.costs.vehicle_day_minor,
        )
        home = via[here].tolist()
        if broken[here].any() or not _holds(chain, home):
            days = _cheapest(chain)
            if days is None:  # kept together, or no way home: as late as it can go
                days = [_Day(start, end, home[start : end - 1]) for start, end in
                        _latest(chain, broken[here])]  # fmt: skip
        else:
            days = [_Day(0, len(trips), home)]
        for day in days:
            way = tuple(depot if one else STRAIGHT for one in day.home)
            duties.append(Duty(depot, trips[day.start : day.end], way, vehicle))
        link += len(trips) - 1
        trip += len(trips)
    return tuple(sorted(duties, key=lambda duty: duty.trips))


@dataclass(frozen=True)
class _Day:
    """Trips ``start:end`` of a chain, and which of their links go home."""

    start: int
    end: int
    home: list[bool]


def _ends(
    problem: Problem, chains: list[Run], homes: NDArray[np.int64], minor_km: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Of every trip: when a bus leaves its depot for it, when it is back, and what both cost."""
    order = np.array([one for trips in chains for one in trips], np.int32)
    depot = np.repeat(homes, [len(trips) for trips in chains])
    leave, back = np.zeros(order.size, np.int64), np.zeros(order.size, np.int64)
    out, home = np.zeros(order.size), np.zeros(order.size)
    for one, place in enumerate(problem.depot_place.tolist()):
        here = np.flatnonzero(depot == one)
        leave[here], out[here] = pull_out(problem, order[here], place)
        back[here], home[here] = pull_in(problem, order[here], place)
    return leave, back, _minor(out, minor_km), _minor(home, minor_km)


def _minor(metres: NDArray[np.float64], minor_km: float) -> NDArray[np.float64]:
    known = np.isfinite(metres)  # not inf x 0: an empty run that costs nothing still needs a way
    return np.where(known, np.where(known, metres, 0.0) * minor_km / 1000.0, np.inf)


def _relieved(
    problem: Problem, then: NDArray[np.int32], ways: Links
) -> list[tuple[int, int] | None]:
    """When the bus stands at a place of relief on the straight way, from and to; None where not."""
    arrive = ways.leave_s + ways.run_s
    leave = problem.depart_s[then].astype(np.int64)
    there = problem.allowed.relief[problem.from_place[then]] & (arrive < leave)
    return [(int(a), int(b)) if yes else None
            for a, b, yes in zip(arrive, leave, there, strict=True)]  # fmt: skip


def _holds(chain: _Chain, home: list[bool]) -> bool:
    """Whether a chain with its cheapest ways keeps every rule of length."""
    last = len(chain.leave_s) - 1
    if chain.back_s[last] - chain.leave_s[0] > DAY_S:
        return False
    if not np.isfinite(chain.out_minor[0] + chain.in_minor[last]):
        return False
    start = 0
    for end in [*(at for at, way in enumerate(home) if way), last]:
        if not _fits(chain, start, end):
            return False
        start = end + 1
    return True


def _fits(chain: _Chain, start: int, end: int) -> bool:
    """Whether trips ``start..end`` make one block, straight all the way, that keeps the rules.

    A block of the feed that is kept is as long as it is.
    """
    if any(chain.kept[start:end]):
        return chain.back_s[end] - chain.leave_s[start] <= DAY_S
    if chain.back_s[end] - chain.leave_s[start] > min(chain.block_s, DAY_S):
        return False
    since = chain.leave_s[start]
    for relief in chain.relieved_s[start:end]:
        if relief is not None:
            if relief[0] - since > chain.stint_s:
                return False
            since = relief[1]
    return chain.back_s[end] - since <= chain.stint_s


def _cheapest(chain: _Chain) -> list[_Day] | None:
    """The cheapest days that keep every rule; None where a trip cannot be driven alone even so.

    ``best[start][end]``: a bus whose day starts with trip ``start`` and is home after ``end``.
    """
    count = len(chain.leave_s)
    blocks = _blocks(chain)
    cost = [0.0] + [np.inf] * count  # of all trips before
    came: list[_Day | None] = [None] * (count + 1)
    for start in range(count):
        if not np.isfinite(cost[start]):
            continue
        best: list[float] = [np.inf] * (count + 1)
        before = [-1] * (count + 1)
        best[start] = cost[start] + chain.day_minor
        for begin in range(start, count):
            if not np.isfinite(best[begin]):
                continue
            if begin > start and not chain.via_possible[begin - 1]:
                continue
            for end, minor in blocks[begin]:
                if chain.back_s[end - 1] - chain.leave_s[start] > DAY_S:
                    break
                if best[begin] + minor < best[end] - 1e-9:
                    best[end], before[end] = best[begin] + minor, begin
        for end in range(start + 1, count + 1):
            if best[end] < cost[end] - 1e-9:
                cost[end], came[end] = best[end], _traced(start, end, before)
    if not np.isfinite(cost[count]):
        return None
    days: list[_Day] = []
    at = count
    while at > 0:
        day = came[at]
        assert day is not None  # a finite cost came from somewhere
        days.append(day)
        at = day.start
    return days[::-1]


def _blocks(chain: _Chain) -> list[list[tuple[int, float]]]:
    """From each trip: (end, minor units) of every block that starts with it and keeps the rules."""
    count = len(chain.leave_s)
    found: list[list[tuple[int, float]]] = []
    for start in range(count):
        here: list[tuple[int, float]] = []
        minor = chain.out_minor[start]
        for end in range(start, count):
            if end > start:
                minor += chain.straight_minor[end - 1]
            if not np.isfinite(minor) or chain.back_s[end] - chain.leave_s[start] > DAY_S:
                break
            together = end + 1 < count and chain.kept[end]
            if not together and np.isfinite(chain.in_minor[end]) and _fits(chain, start, end):
                here.append((end + 1, minor + chain.in_minor[end]))
        found.append(here)
    return found


def _traced(start: int, end: int, before: list[int]) -> _Day:
    home = [False] * (end - start - 1)
    at = end
    while before[at] > start:
        at = before[at]
        home[at - start - 1] = True
    return _Day(start, end, home)


def _latest(chain: _Chain, broken: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Cut at broken links, and as late as can be where a day passes 24 hours.

    A day may end only where a run leads home, and the next one begin only where one leads out; where
    there is no such place the day stays too long.
    """
    out_of, home_of = np.isfinite(chain.out_minor), np.isfinite(chain.in_minor)
    leave, back = np.array(chain.leave_s), np.array(chain.back_s)
    days, start = [], 0
    for stop in [*(np.flatnonzero(broken) + 1).tolist(), leave.size]:
        while back[stop - 1] - leave[start] > DAY_S:
            ends = np.arange(start + 1, stop)
            fits = home_of[ends - 1] & out_of[ends] & (back[ends - 1] - leave[start] <= DAY_S)
            if not fits.any():
                break
            days.append((start, int(ends[fits][-1])))
            start = days[-1][1]
        days.append((start, stop))
        start = stop
    return days
