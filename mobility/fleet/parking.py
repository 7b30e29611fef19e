"""Terminals with few parking places: buses that find none go home, or their day ends."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet.allowed import NO_LIMIT_S
from mobility.fleet.duty import STRAIGHT, Duty
from mobility.fleet.links import links
from mobility.fleet.runs import kept_pairs

if TYPE_CHECKING:
    from mobility.fleet.problem import Problem


@dataclass(frozen=True)
class _Stand:
    """A bus that stands at a terminal between two trips of a duty."""

    start_s: int
    end_s: int
    duty: int
    step: int


def respect_parking(
    problem: Problem, duties: tuple[Duty, ...], *, minor_km: float, keep: bool
) -> tuple[Duty, ...]:
    """Send buses home from terminals that are full.

    Of the buses that stand at a full terminal the one with the longest stand goes: home, where that
    is possible, else its day ends there and another bus goes on. Connections that the feed's own
    blocks prescribe stay.

    Parameters
    ----------
    minor_km
        Price of a km of empty running.
    keep
        Whether the feed's own connections are kept.
    """
    parking = problem.allowed.parking
    if (parking >= NO_LIMIT_S).all() or not duties:
        return duties
    stands, possible = _stands(problem, duties, minor_km, keep=keep)
    homes: dict[int, set[int]] = {}
    cuts: dict[int, set[int]] = {}
    for place, here in stands.items():
        for one in _too_many(here, int(parking[place])):
            chosen = homes if possible[one.duty][one.step] else cuts
            chosen.setdefault(one.duty, set()).add(one.step)
    changed: list[Duty] = []
    for at, duty in enumerate(duties):
        if at not in homes and at not in cuts:
            changed.append(duty)
            continue
        way = [
            duty.depot if step in homes.get(at, ()) else one for step, one in enumerate(duty.via)
        ]
        start = 0
        for stop in [*sorted(step + 1 for step in cuts.get(at, ())), len(duty.trips)]:
            changed.append(Duty(duty.depot, duty.trips[start:stop], tuple(way[start : stop - 1]),
                                duty.vehicle))  # fmt: skip
            start = stop
    return tuple(sorted(changed, key=lambda one: one.trips))


def _stands(
    problem: Problem, duties: tuple[Duty, ...], minor_km: float, *, keep: bool
) -> tuple[dict[int, list[_Stand]], list[list[bool]]]:
    """Stands at terminals with few places, by place; and which links of each duty may go home."""
    first = np.array([one for duty in duties for one in duty.trips[:-1]], np.int32)
    then = np.array([one for duty in duties for one in duty.trips[1:]], np.int32)
    lengths = [len(duty.trips) - 1 for duty in duties]
    depots = np.repeat(problem.depot_place[[duty.depot for duty in duties]], lengths)
    kept = kept_pairs(problem, first, then) if keep else None
    ways = links(problem, first, then, depots, minor_km=minor_km, kept=kept)
    arrive = ways.leave_s + ways.run_s
    leave = problem.depart_s[then].astype(np.int64)
    place = problem.from_place[then]
    straight = np.array([one == STRAIGHT for duty in duties for one in duty.via], bool)
    fixed = np.zeros(first.size, bool) if kept is None else kept
    few = straight & (problem.allowed.parking[place] < NO_LIMIT_S) & (arrive < leave) & ~fixed
    owner = np.repeat(np.arange(len(duties)), lengths)
    step = np.arange(first.size) - np.repeat(np.cumsum([0, *lengths])[:-1], lengths)
    found: dict[int, list[_Stand]] = {}
    for at in np.flatnonzero(few).tolist():
        one = _Stand(int(arrive[at]), int(leave[at]), int(owner[at]), int(step[at]))
        found.setdefault(int(place[at]), []).append(one)
    via = np.isfinite(ways.via_minor)
    return found, [one.tolist() for one in np.split(via, np.cumsum(lengths)[:-1])]


def _too_many(stands: list[_Stand], places: int) -> list[_Stand]:
    """Stands to give up so that never more than ``places`` are left at once: the ones that end last."""
    gone: list[_Stand] = []
    standing: list[tuple[int, int, _Stand]] = []
    for number, one in enumerate(sorted(stands, key=lambda one: (one.start_s, one.duty, one.step))):
        standing = [other for other in standing if -other[0] > one.start_s]
        heapq.heapify(standing)
        heapq.heappush(standing, (-one.end_s, number, one))
        if len(standing) > places:
            gone.append(heapq.heappop(standing)[2])
    return gone
