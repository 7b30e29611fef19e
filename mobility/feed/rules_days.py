"""Rules on what runs on the same day: service dates, blocks, frequencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mobility.feed.calendar import MAX_SPAN_DAYS, NO_DAY, calendar_of, days, service_rows
from mobility.feed.frequencies import MAX_DEPARTURES, frequencies_of
from mobility.feed.rules_tell import tell
from mobility.units import format_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from numpy.typing import NDArray

    from mobility.feed.feed import Feed
    from mobility.feed.frequencies import Frequencies
    from mobility.feed.rules_times import Trips
    from mobility.findings import Finding

# A trip of a block ends before this, in seconds; so blocks can be laid end to end on one axis.
_LONGEST_S = 1 << 23


def check_days(trips: Trips) -> Iterator[Finding]:
    """Judge the calendar, the blocks and the frequencies."""
    yield from _check_span(trips.feed)
    service = service_rows(trips.feed, calendar_of(trips.feed))
    if len(service) and not _runs(trips.feed, service).any():
        yield from tell("no_service_dates", trips.table, "service_id", np.arange(len(service))[:1])
    windows = frequencies_of(trips.feed)
    if len(windows.trip):
        yield from _check_windows(trips.feed, windows)
        yield from _check_expansion(trips.feed, windows, service)
    yield from _check_blocks(trips, service, windows.templates())


def _runs(feed: Feed, service: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether each trip has any service date."""
    active = calendar_of(feed).active.any(axis=1)
    return np.append(active, False)[service]


def _patterns(feed: Feed, services: NDArray[np.int32]) -> dict[bytes, int]:
    """The different sets of these services that run together, each with its first date's column.

    Most dates of a feed look alike: a year has a handful of patterns.
    """
    active = np.packbits(calendar_of(feed).active[services].T, axis=1)
    first: dict[bytes, int] = {}
    for column, row in enumerate(active):
        first.setdefault(row.tobytes(), column)
    return first


def _check_span(feed: Feed) -> Iterator[Finding]:
    ends = []
    for name, column in (
        ("calendar", "start_date"),
        ("calendar", "end_date"),
        ("calendar_dates", "date"),
    ):
        table = feed.raw.get(name)
        numbers = days(table, column)
        known = np.flatnonzero(numbers != NO_DAY)
        if table is not None and len(known):
            ends.append((int(numbers[known].min()), table, column, known, numbers[known]))
    if not ends:
        return
    first = min(one[0] for one in ends)
    _, table, column, known, numbers = max(ends, key=lambda one: int(one[4].max()))
    length = int(numbers.max()) - first
    if length > MAX_SPAN_DAYS:
        yield from tell(
            "service_span_too_long",
            table,
            column,
            known[numbers == numbers.max()],
            message=f"the calendar spans {length / 365.25:,.0f} years up to this date",
        )


def _check_windows(feed: Feed, windows: Frequencies) -> Iterator[Finding]:
    table = feed.raw["frequencies"]
    # Windows are sorted by trip and start: the latest end so far, within the trip.
    begin = windows.trip.astype(np.int64) * _LONGEST_S + windows.start_s
    latest = np.maximum.accumulate(begin - windows.start_s + windows.end_s)
    over = 1 + np.flatnonzero(begin[1:] < latest[:-1])
    yield from tell(
        "overlapping_frequency",
        table,
        "start_time",
        windows.row[over],
        message=lambda at: (
            f"another window of trip {table.cell('trip_id', at)!r} still runs at that time"
        ),
    )


def _check_expansion(
    feed: Feed, windows: Frequencies, service: NDArray[np.int32]
) -> Iterator[Finding]:
    counts = windows.departures()
    owner = service[windows.trip]
    if int(counts.sum()) <= MAX_DEPARTURES or not len(calendar_of(feed).services):
        return
    known = owner >= 0
    services = np.unique(owner[known])
    per_service = np.bincount(owner[known], weights=counts[known], minlength=len(service))
    heaviest, when = 0.0, None
    for packed, column in _patterns(feed, services).items():
        total = float(per_service[services[_unpack(packed, len(services))]].sum())
        if total > heaviest:
            heaviest, when = total, column
    if when is None or heaviest <= MAX_DEPARTURES:
        return
    day = calendar_of(feed).at(when)
    worst = np.flatnonzero(counts == counts.max())
    yield from tell(
        "frequency_expansion_too_large",
        feed.raw["frequencies"],
        "headway_secs",
        windows.row[worst[:1]],
        message=(
            f"the windows make {heaviest:,.0f} departures on {day}, more than "
            f"{MAX_DEPARTURES:,}; this row alone makes {int(counts.max()):,}"
        ),
    )


def _check_blocks(
    trips: Trips, service: NDArray[np.int32], template: NDArray[np.bool_]
) -> Iterator[Finding]:
    table = trips.table
    if "block_id" not in table or calendar_of(trips.feed).first is None:
        return
    placed = ~table.blank("block_id") & ~template & (service >= 0)
    placed &= (trips.start_s >= 0) & (trips.end_s > trips.start_s)
    rows = np.flatnonzero(placed)
    block = table.codes("block_id")[rows].astype(np.int64)
    rows = rows[np.lexsort((trips.end_s[rows], trips.start_s[rows], block))]
    if not _overlaps(table.codes("block_id")[rows], trips, rows).any():
        return
    services = np.unique(service[rows])
    place = np.searchsorted(services, service[rows])
    late = np.zeros(len(service), dtype=bool)
    shown: dict[int, tuple[int, date]] = {}
    for packed, column in _patterns(trips.feed, services).items():
        chosen = rows[_unpack(packed, len(services))[place]]
        over = np.flatnonzero(_overlaps(table.codes("block_id")[chosen], trips, chosen))
        late[chosen[over]] = True
        if len(over):
            at = int(over[np.argmin(chosen[over])])
            other = _still_out(table.codes("block_id"), trips, chosen, at)
            shown.setdefault(int(chosen[at]), (other, calendar_of(trips.feed).at(column)))

    def say(position: int) -> str:
        if position not in shown:
            return ""
        other, day = shown[position]
        return (
            f"trip {table.cell('trip_id', position)!r} leaves at "
            f"{format_time(int(trips.start_s[position]))} while trip "
            f"{table.cell('trip_id', other)!r} of the same block is out until "
            f"{format_time(int(trips.end_s[other]))}, both on {day}"
        )

    yield from tell(
        "block_trips_with_overlapping_stop_times",
        table,
        "block_id",
        np.flatnonzero(late),
        message=say,
    )


def _overlaps(block: NDArray[np.int32], trips: Trips, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each trip starts before an earlier one of its block ends; sorted by block, start."""
    base = block.astype(np.int64) * _LONGEST_S
    latest = np.maximum.accumulate(base + trips.end_s[rows])
    over = np.zeros(len(rows), dtype=bool)
    over[1:] = (base + trips.start_s[rows])[1:] < latest[:-1]
    return over


def _still_out(codes: NDArray[np.int32], trips: Trips, rows: NDArray[np.int64], at: int) -> int:
    """Return the earlier trip of the same block that is out the longest."""
    before = rows[:at]
    before = before[codes[before] == codes[rows[at]]]
    return int(before[np.argmax(trips.end_s[before])])


def _unpack(packed: bytes, count: int) -> NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(packed, np.uint8), count=count).astype(bool)
