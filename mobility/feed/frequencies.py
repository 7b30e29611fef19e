"""frequencies.txt, kept compact: a template trip and its windows, expanded only when a day asks.

A window starts a trip at ``start_time`` and every ``headway_secs`` after it, as long as that is
before ``end_time``. Both ``exact_times`` are expanded so; the template itself is not a trip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from mobility.errors import TableError
from mobility.feed.stop_events import foreign_rows, parse_times
from mobility.findings import finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.feed.feed import Feed

# A large city's whole day has some 100,000 departures; a headway of 1 s over 999 h has 3.6 million.
MAX_DEPARTURES = 500_000

_KEPT: WeakKeyDictionary[Feed, Frequencies] = WeakKeyDictionary()


@dataclass(frozen=True)
class Frequencies:
    """Windows, sorted by trip and start; int32, seconds.

    Parameters
    ----------
    trip
        Row of ``trips.txt``, the template.
    start_s, end_s, headway_s
        ``start_s <= departure < end_s``, every ``headway_s``.
    row
        Row of the table ``frequencies`` that each window came from.
    trips
        How many rows ``trips.txt`` has.
    """

    trip: NDArray[np.int32]
    start_s: NDArray[np.int32]
    end_s: NDArray[np.int32]
    headway_s: NDArray[np.int32]
    row: NDArray[np.int32]
    trips: int

    def departures(self) -> NDArray[np.int64]:
        """How many departures each window has, without expanding it."""
        length = self.end_s.astype(np.int64) - self.start_s
        return -(-length // self.headway_s)

    def runs(self) -> NDArray[np.int64]:
        """How often each trip of ``trips.txt`` runs on a day of its service: 1 without windows."""
        counts = np.bincount(self.trip, weights=self.departures(), minlength=self.trips)
        return np.where(self.templates(), counts.astype(np.int64), 1)

    def templates(self) -> NDArray[np.bool_]:
        """Whether each trip of ``trips.txt`` is a template."""
        known = np.zeros(self.trips, dtype=bool)
        known[self.trip] = True
        return known


def frequencies_of(feed: Feed) -> Frequencies:
    """Return the feed's windows, read once a feed; rows that make no sense are left out."""
    if feed not in _KEPT:
        _KEPT[feed] = _read(feed)
    return _KEPT[feed]


def exact_templates(feed: Feed) -> NDArray[np.bool_]:
    """Whether each trip of ``trips.txt`` has a window with ``exact_times``: it keeps to the clock."""
    windows = frequencies_of(feed)
    exact = np.zeros(windows.trips, dtype=bool)
    if windows.row.size and "exact_times" in feed.raw["frequencies"]:
        kind = feed.raw["frequencies"].integers("exact_times", default=0)[windows.row]
        exact[windows.trip[kind == 1]] = True
    return exact


def expand(
    feed: Feed, trips: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_], int]:
    """Expand trips into their departures.

    Parameters
    ----------
    feed
        Whose ``trips.txt`` and ``frequencies.txt``.
    trips
        Rows of ``trips.txt`` that run on a day.

    Returns
    -------
    rows, depart_s, expanded, doubles
        One row of ``trips.txt`` a departure; when it leaves (-1: as its stop times say); whether
        it comes from a window; how many departures two windows both made, kept once.

    Raises
    ------
    TableError
        When the windows make more than ``MAX_DEPARTURES`` departures.
    """
    windows = frequencies_of(feed)
    chosen = np.zeros(windows.trips, dtype=bool)
    chosen[trips] = True
    use = np.flatnonzero(chosen[windows.trip])
    counts = windows.departures()[use]
    _refuse_bomb(feed, windows, use, counts)

    plain = trips[~windows.templates()[trips]]
    window = np.repeat(use, counts)
    place = np.arange(len(window)) - np.repeat(np.cumsum(counts) - counts, counts)
    depart = windows.start_s[window] + place * windows.headway_s[window]
    key = windows.trip[window].astype(np.int64) << 32 | depart
    once = np.unique(key)
    rows = np.concatenate([plain, (once >> 32).astype(np.int32)]).astype(np.int32)
    times = np.concatenate([np.full(len(plain), -1), once & 0xFFFFFFFF]).astype(np.int32)
    expanded = np.arange(len(rows)) >= len(plain)
    return rows, times, expanded, len(key) - len(once)


def _refuse_bomb(
    feed: Feed, windows: Frequencies, use: NDArray[np.int64], counts: NDArray[np.int64]
) -> None:
    total = int(counts.sum())
    if total <= MAX_DEPARTURES:
        return
    table = feed.raw["frequencies"]
    worst = int(np.argmax(counts))
    at = int(windows.row[use[worst]])
    raise TableError.from_finding(
        finding(
            "frequency_expansion_too_large",
            f"the windows of one day make {total:,} departures, more than {MAX_DEPARTURES:,}; "
            f"this row alone makes {int(counts[worst]):,}",
            file=table.file,
            row=table.row(at),
            column="headway_secs",
            value=table.cell("headway_secs", at),
        )
    )


def _read(feed: Feed) -> Frequencies:
    count = len(feed.raw["trips"])
    table = feed.raw.get("frequencies")
    none = np.zeros(0, np.int32)
    if table is None or not len(table):
        return Frequencies(none, none, none, none, none, count)
    trip = foreign_rows(table, "trip_id", feed.raw["trips"], "trip_id")
    start, end = parse_times(table, "start_time"), parse_times(table, "end_time")
    headway = table.integers("headway_secs")
    good = (trip >= 0) & (start >= 0) & (end > start) & (headway > 0)
    rows = np.flatnonzero(good)
    rows = rows[np.lexsort((start[rows], trip[rows]))]
    longest = np.minimum(headway[rows], 2**31 - 1).astype(np.int32)
    return Frequencies(trip[rows], start[rows], end[rows], longest, rows.astype(np.int32), count)
