"""Events of the time-space network: when units are ready at their places, and the depot's day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.network import Units
    from mobility.fleet.problem import Problem


@dataclass(frozen=True)
class Own:
    """Nodes of units whose layover is longer than their line's least: one a (place, band, a, l).

    ``event`` is the arrival event that they join once ready, ``longer_s`` the layover that the line
    does not pay.
    """

    place: NDArray[np.int32]
    band: NDArray[np.int32]
    arrive_s: NDArray[np.int32]
    ready_s: NDArray[np.int32]
    longer_s: NDArray[np.int32]
    event: NDArray[np.int64]
    count: NDArray[np.int64]
    units: NDArray[np.int32]


@dataclass(frozen=True)
class Ends:
    """Arrival events, sorted by (place, band, ready_s); a line is a place and a band.

    ``paid_s`` is the time from which standing is paid: ``ready_s`` less the line's least layover.
    ``count`` units, listed in ``units``, end at each without a node of their own, maybe none.
    """

    place: NDArray[np.int32]
    band: NDArray[np.int32]
    ready_s: NDArray[np.int32]
    paid_s: NDArray[np.int32]
    last: NDArray[np.bool_]
    count: NDArray[np.int64]
    units: NDArray[np.int32]
    own: Own


def ends_of(problem: Problem, units: Units, *, instant: bool) -> Ends:
    """Sort the ends of units into lines; ``instant`` lets a trip of no length last no second."""
    starts = problem.deadheads.from_s
    layover = units.layover_s
    if layover is None:
        layover = np.full(units.size, problem.rules.min_layover_s, np.int32)
    stretch = np.int32(0) if instant else (layover == 0).astype(np.int32)
    arrive = np.maximum(units.arrive_s, units.depart_s + stretch).astype(np.int32)
    ready = (arrive + layover).astype(np.int32)
    band = np.maximum(np.searchsorted(starts, arrive, side="right") - 1, 0).astype(np.int32)
    line = units.to_place.astype(np.int64) * starts.size + band

    lines, line_of = np.unique(line, return_inverse=True)
    least = np.full(lines.size, np.iinfo(np.int32).max, np.int32)
    np.minimum.at(least, line_of, layover)
    longer = (layover - least[line_of]).astype(np.int32)

    order = np.lexsort((np.arange(units.size), longer, arrive, ready, line)).astype(np.int32)
    new = _changes(line[order], ready[order])
    first = order[np.flatnonzero(new)]
    event = (np.cumsum(new) - 1).astype(np.int64)
    on_line = longer[order] == 0
    count = np.bincount(event[on_line], minlength=first.size).astype(np.int64)

    alone, alone_event = order[~on_line], event[~on_line]
    begins = np.flatnonzero(_changes(alone_event, arrive[alone]))
    one = alone[begins]
    own = Own(
        units.to_place[one], band[one], arrive[one], ready[one], longer[one], alone_event[begins],
        np.diff(np.append(begins, alone.size)).astype(np.int64), alone,
    )  # fmt: skip
    return Ends(
        units.to_place[first], band[first], ready[first], ready[first] - least[line_of[first]],
        np.append(line[first][1:] != line[first][:-1], True)[: first.size], count, order[on_line], own,
    )  # fmt: skip


def events(
    place: NDArray[np.int32], time_s: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Distinct (place, time) events in order; the units in event order; units an event."""
    order = np.lexsort((np.arange(place.size), time_s, place)).astype(np.int32)
    first = np.flatnonzero(_changes(place[order], time_s[order]))
    counts = np.diff(np.append(first, order.size)).astype(np.int64)
    return place[order][first], time_s[order][first], order, counts


def depot_events(
    leave_s: NDArray[np.int32], ready_s: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Depot events: pull-outs between which no bus gets ready share one, at the first of them.

    Returns the time of each event, and the event of each pull-out.
    """
    times, of = np.unique(leave_s, return_inverse=True)
    here = np.searchsorted(np.unique(ready_s), times, side="right")
    new = _changes(here)
    event = np.cumsum(new) - 1
    return times[new], event[of].astype(np.int64)


def _changes(*keys: NDArray[np.int32] | NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where any of some sorted keys differs from the row before; the first row does."""
    new = np.zeros(keys[0].size, bool)
    new[:1] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    return new
