"""Stop events: every stop of every trip as int32 arrays, sorted, with one offset a trip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mobility.feed.tables import Table, spread
from mobility.shown import Shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BAD", "BLANK", "StopEvents", "build_stop_events", "foreign_rows", "parse_times"]

# What stands for a time that is not there, or is none; the kernels use the same (a test says so).
BLANK = -1
BAD = -2

_INT32_MAX = 2**31 - 1


@dataclass(frozen=True)
class StopEvents(Shown):
    """All stop times of a feed, sorted by trip and sequence; int32, read only.

    Parameters
    ----------
    trip, stop
        Rows of ``trips.txt`` and ``stops.txt``; stop is -1 where the stop is unknown.
    sequence
        ``stop_sequence``; its ranks where a number passes int32.
    arrive_s, depart_s
        Seconds into the service day as they stand in the file; ``BLANK`` (-1) or ``BAD`` (-2).
        :meth:`mobility.feed.ServiceDay` fills blanks in.
    offsets
        One more than trips: trip ``t`` has the events ``offsets[t]:offsets[t + 1]``.
    position
        Row of the table ``stop_times`` that each event came from.
    """

    trip: NDArray[np.int32]
    stop: NDArray[np.int32]
    sequence: NDArray[np.int32]
    arrive_s: NDArray[np.int32]
    depart_s: NDArray[np.int32]
    offsets: NDArray[np.int32]
    position: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.trip)

    def __repr__(self) -> str:
        return f"StopEvents({len(self):,} events of {len(self.offsets) - 1:,} trips)"


def build_stop_events(stop_times: Table, trips: Table, stops: Table) -> StopEvents:
    """Sort ``stop_times.txt`` by trip and sequence; events of unknown trips are left out."""
    from mobility.feed import _kernels  # numba: not needed where a compiled feed is loaded

    trip = foreign_rows(stop_times, "trip_id", trips, "trip_id")
    sequence = _sequence(stop_times)
    offsets = np.zeros(len(trips) + 1, np.int32)
    order = np.empty(len(stop_times), np.int32)
    placed = int(_kernels.order_events(trip, sequence, offsets, order))
    order = order[:placed]
    in_order = placed == len(stop_times) and bool((np.diff(order) == 1).all())

    def take(values: NDArray[np.int32]) -> NDArray[np.int32]:
        values = values if in_order else values[order]
        values.setflags(write=False)
        return values

    return StopEvents(
        trip=take(trip),
        stop=take(foreign_rows(stop_times, "stop_id", stops, "stop_id")),
        sequence=take(sequence),
        arrive_s=take(parse_times(stop_times, "arrival_time")),
        depart_s=take(parse_times(stop_times, "departure_time")),
        offsets=offsets,
        position=order,
    )


def parse_times(table: Table, column: str) -> NDArray[np.int32]:
    """Clock times of a column to int32 seconds; ``BLANK`` where the column is missing."""
    if column not in table:
        return np.full(len(table), BLANK, np.int32)
    return spread(distinct_times(table.values(column)), table.codes(column), fill=BLANK)


def distinct_times(values: pa.Array) -> NDArray[np.int32]:
    """Clock times of a text array to int32 seconds, straight from Arrow's buffers."""
    from mobility.feed import _kernels

    values = pa.concat_arrays([values.cast(pa.string())])  # an array of its own: offset 0
    out = np.empty(len(values), np.int32)
    if len(values):
        _, offsets, data = values.buffers()
        start = values.offset
        bounds = np.frombuffer(offsets, np.int32)[start : start + len(values) + 1]
        text = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
        _kernels.parse_times(bounds, text, out)
    return out


def foreign_rows(child: Table, column: str, parent: Table, key: str) -> NDArray[np.int32]:
    """Row of ``parent`` that each row of ``child`` refers to, int32; -1 where there is none.

    Where a key stands twice in the parent its first row counts.
    """
    if column not in child or key not in parent or not len(parent):
        return np.full(len(child), -1, np.int32)
    first = first_rows(parent, key)
    match = pc.index_in(child.values(column), value_set=parent.values(key))
    match = match.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    blank = pc.equal(child.values(column), "").to_numpy(zero_copy_only=False)
    rows = np.where((match >= 0) & ~blank, first[match], -1).astype(np.int32)
    return spread(rows, child.codes(column), fill=-1)


def first_rows(table: Table, key: str) -> NDArray[np.int32]:
    """First row of a table that holds each distinct value of a column; -1 for a value unused."""
    codes = table.codes(key)
    first = np.full(max(len(table.values(key)), 1), -1, np.int32)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1, dtype=np.int32)
    return first


def _sequence(stop_times: Table) -> NDArray[np.int32]:
    numbers = stop_times.integers("stop_sequence", default=0)
    if len(numbers) and (numbers.max() > _INT32_MAX or numbers.min() < -_INT32_MAX):
        return np.unique(numbers, return_inverse=True)[1].astype(np.int32)
    return numbers.astype(np.int32)
