"""Rules on trips and their stop times. Millions of rows: whole arrays only, never a loop."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mobility.feed.rules_tell import tell
from mobility.feed.stop_events import BLANK, first_rows
from mobility.feed.tables import parse_floats, spread
from mobility.units import format_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from mobility.feed.feed import Feed
    from mobility.feed.stop_events import StopEvents
    from mobility.feed.tables import Table
    from mobility.findings import Finding

_FLEXIBLE = ("start_pickup_drop_off_window", "location_group_id", "location_id")


@dataclass(frozen=True)
class Trips:
    """Stop events seen trip by trip; what several rules need, worked out once."""

    feed: Feed

    @property
    def table(self) -> Table:
        """trips.txt."""
        return self.feed.raw["trips"]

    @property
    def stop_times(self) -> Table:
        """stop_times.txt."""
        return self.feed.raw["stop_times"]

    @property
    def events(self) -> StopEvents:
        """All stop times, sorted."""
        return self.feed.stop_events

    @cached_property
    def counts(self) -> NDArray[np.int32]:
        """How many events each trip has."""
        return np.diff(self.events.offsets)

    @cached_property
    def used(self) -> NDArray[np.int64]:
        """Trips that have an event."""
        return np.flatnonzero(self.counts)

    @cached_property
    def first(self) -> NDArray[np.int32]:
        """First event of each used trip."""
        return self.events.offsets[self.used]

    @cached_property
    def last(self) -> NDArray[np.int32]:
        """Last event of each used trip."""
        return self.events.offsets[self.used + 1] - 1

    @cached_property
    def follows(self) -> NDArray[np.bool_]:
        """Whether each event but the first of all goes on with the trip of the one before."""
        going = np.ones(max(len(self.events) - 1, 0), dtype=bool)
        going[self.first[self.first > 0] - 1] = False
        return going

    @cached_property
    def flexible(self) -> NDArray[np.bool_]:
        """Whether each event is one of demand-responsive service: a window, not a time."""
        flexible = np.zeros(len(self.events), dtype=bool)
        for name in _FLEXIBLE:
            if name in self.stop_times:
                flexible |= ~self.stop_times.blank(name)[self.events.position]
        return flexible

    @cached_property
    def start_s(self) -> NDArray[np.int32]:
        """When each trip of trips.txt starts; below 0 where that is not known."""
        return self._edge(self.first, self.events.depart_s, self.events.arrive_s)

    @cached_property
    def end_s(self) -> NDArray[np.int32]:
        """When each trip of trips.txt ends; below 0 where that is not known."""
        return self._edge(self.last, self.events.arrive_s, self.events.depart_s)

    def rows(self, events: NDArray[np.integer]) -> NDArray[np.int32]:
        """Rows of stop_times.txt of some events."""
        return np.asarray(self.events.position[events], np.int32)

    def _edge(
        self, at: NDArray[np.int32], times: NDArray[np.int32], others: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        edge = np.full(len(self.counts), BLANK, np.int32)
        edge[self.used] = np.where(times[at] >= 0, times[at], others[at])
        return edge


def check_times(trips: Trips) -> Iterator[Finding]:
    """Judge the order and the completeness of stop times."""
    if not len(trips.events):
        return
    yield from _check_sequences(trips)
    yield from _check_backwards(trips)
    yield from _check_halves(trips)
    yield from _check_edges(trips)
    yield from _check_distances(trips)


def check_trips(trips: Trips) -> Iterator[Finding]:
    """Look for trips that carry nobody anywhere."""
    unused = np.flatnonzero(trips.counts == 0)
    # A repeated id is told as such: its stop times went to the first row.
    unused = unused[
        first_rows(trips.table, "trip_id")[trips.table.codes("trip_id")[unused]] == unused
    ]
    yield from tell("unused_trip", trips.table, "trip_id", unused)
    if not len(trips.events):
        return
    fixed = np.zeros(len(trips.counts), dtype=bool)
    fixed[trips.used] = ~trips.flexible[trips.first]
    alone = np.flatnonzero(fixed & (trips.counts == 1))
    yield from tell("unusable_trip", trips.table, "trip_id", alone)
    several = fixed & (trips.counts > 1)
    still = np.flatnonzero(several & ~_moving(trips))
    yield from tell("zero_length_trip", trips.table, "trip_id", still)
    at_once = (trips.start_s >= 0) & (trips.end_s == trips.start_s)
    yield from tell("zero_time_trip", trips.table, "trip_id", np.flatnonzero(several & at_once))


def _moving(trips: Trips) -> NDArray[np.bool_]:
    """Whether each trip calls at two different places; unknown places count as different."""
    stops = trips.feed.raw["stops"]
    places = stops.floats("stop_lat") + 1j * stops.floats("stop_lon")
    place = np.unique(places, return_inverse=True)[1].astype(np.int32)
    stop = trips.events.stop
    here = np.where(stop >= 0, place[stop], -1)
    lost = np.isnan(places)
    unknown = (stop < 0) | lost[stop]
    moves = trips.follows & ((here[1:] != here[:-1]) | unknown[1:] | unknown[:-1])
    moving = np.zeros(len(trips.counts), dtype=bool)
    moving[trips.events.trip[1:][moves]] = True
    return moving


def _check_sequences(trips: Trips) -> Iterator[Finding]:
    sequence = trips.events.sequence
    twice = 1 + np.flatnonzero(trips.follows & (sequence[1:] == sequence[:-1]))
    if len(twice):  # blank and bad numbers are told as such
        text = trips.stop_times.floats("stop_sequence")
        twice = twice[~np.isnan(text[trips.rows(twice)])]
    yield from tell(
        "duplicate_key",
        trips.stop_times,
        "stop_sequence",
        trips.rows(twice),
        message=lambda at: f"trip {trips.stop_times.cell('trip_id', at)!r} has this number twice",
    )


def _check_backwards(trips: Trips) -> Iterator[Finding]:
    arrive, depart = trips.events.arrive_s, trips.events.depart_s
    within = np.flatnonzero((depart < arrive) & (depart >= 0))
    yield from tell(
        "start_and_end_range_out_of_order",
        trips.stop_times,
        "departure_time",
        trips.rows(within),
        message="the departure is before the arrival at the same stop",
    )
    timed = (arrive >= 0) | (depart >= 0)
    trip = trips.events.trip
    events = None
    if not timed.all():
        events = np.flatnonzero(timed)
        arrive, depart, trip = arrive[events], depart[events], trip[events]
    arrive = np.where(arrive >= 0, arrive, depart)
    depart = np.where(depart >= 0, depart, arrive)
    back = 1 + np.flatnonzero((arrive[1:] < depart[:-1]) & (trip[1:] == trip[:-1]))
    at = back if events is None else events[back]

    def say(position: int) -> str:
        event = int(at[np.flatnonzero(trips.rows(at) == position)[0]])
        before = event - 1
        while trips.events.arrive_s[before] < 0 and trips.events.depart_s[before] < 0:
            before -= 1
        time = max(int(trips.events.depart_s[before]), int(trips.events.arrive_s[before]))
        return f"arrives before it left the stop before, at {format_time(time)}"

    yield from tell(
        "stop_time_with_arrival_before_previous_departure_time",
        trips.stop_times,
        "arrival_time",
        trips.rows(at),
        message=say,
    )


def _check_halves(trips: Trips) -> Iterator[Finding]:
    no_arrival = trips.events.arrive_s == BLANK
    no_departure = trips.events.depart_s == BLANK
    for column, blank, filled in (
        ("arrival_time", no_arrival, trips.events.depart_s),
        ("departure_time", no_departure, trips.events.arrive_s),
    ):
        yield from tell(
            "stop_time_with_only_arrival_or_departure_time",
            trips.stop_times,
            column,
            trips.rows(np.flatnonzero(blank & (filled >= 0))),
        )


def _check_edges(trips: Trips) -> Iterator[Finding]:
    edges = np.unique(np.concatenate([trips.first, trips.last]))
    untimed = (trips.events.arrive_s[edges] == BLANK) & (trips.events.depart_s[edges] == BLANK)
    if not untimed.any():
        return
    edges = edges[untimed]
    edges = edges[~trips.flexible[edges]]
    yield from tell("missing_trip_edge", trips.stop_times, "arrival_time", trips.rows(edges))


def _check_distances(trips: Trips) -> Iterator[Finding]:
    table = trips.stop_times
    if "shape_dist_traveled" not in table:
        return
    # Ranks instead of numbers: half the memory, and equal is equal.
    numbers = parse_floats(table.values("shape_dist_traveled"))
    if not np.isfinite(numbers).any():
        return
    distinct, ranks = np.unique(np.nan_to_num(numbers, nan=-np.inf), return_inverse=True)
    ranks = ranks.astype(np.int32) - np.int32(distinct[0] == -np.inf)
    rank = spread(ranks, table.codes("shape_dist_traveled"), fill=-1)[trips.events.position]
    trip = trips.events.trip
    known = rank >= 0
    events = None
    if not known.all():
        events = np.flatnonzero(known)
        rank, trip = rank[events], trip[events]
    back = 1 + np.flatnonzero((rank[1:] <= rank[:-1]) & (trip[1:] == trip[:-1]))
    at = back if events is None else events[back]
    yield from tell(
        "decreasing_or_equal_stop_time_distance",
        table,
        "shape_dist_traveled",
        trips.rows(at),
        message=lambda row: (
            f"does not grow along trip {table.cell('trip_id', row)!r}, by stop_sequence"
        ),
    )
