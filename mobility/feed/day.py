"""One service day: the trips that run on a date, with frequencies expanded and blanks filled."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from mobility.feed.calendar import (
    DAY_NAMES,
    DayType,
    ServiceCalendar,
    busiest_date,
    calendar_of,
    day_types,
    parse_date,
    patterns_of,
    service_rows,
    trips_a_date,
    typical_column,
    wanted_column,
)
from mobility.feed.frequencies import exact_templates, expand
from mobility.feed.geometry import (
    CROW,
    CROW_FACTOR,
    DISTANCE_COLUMN,
    NOWHERE,
    distances_of,
    stop_places,
)
from mobility.feed.stop_events import foreign_rows
from mobility.shown import Shown
from mobility.units import day_origin, format_time

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.feed.feed import Feed
    from mobility.feed.tables import Table


__all__ = ["DayEvents", "DayType", "ServiceDay", "day_types", "service_day"]


@dataclass(frozen=True)
class DayEvents:
    """Every stop of every trip of a day; int32. Trip ``t`` has ``offsets[t]:offsets[t + 1]``.

    Parameters
    ----------
    trip, stop
        Rows of ``day.trips`` and of ``stops.txt`` (-1: the stop is unknown).
    arrive_s, depart_s
        Seconds into the service day; blanks are filled in, and they never go back within a trip.
    offsets
        One more than trips.
    """

    trip: NDArray[np.int32]
    stop: NDArray[np.int32]
    arrive_s: NDArray[np.int32]
    depart_s: NDArray[np.int32]
    offsets: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.trip)


@dataclass(frozen=True, eq=False)
class ServiceDay(Shown):
    """The trips of one service date; seconds count from its local noon minus 12 h.

    Parameters
    ----------
    feed
        Where it comes from.
    date
        The service date.
    timezone
        Of the agency.
    trips
        One row a trip, sorted by (depart_s, trip_id): trip_id (``<template>#HH:MM:SS`` where a
        frequency made it), template_trip_id, route_id, route_type, direction_id (-1: none),
        service_id, block_id and shape_id ("": none), depart_s, arrive_s (may pass 86 400),
        from_stop, to_stop, distance_km, stops, headway (riders are promised a headway, no clock time:
        a frequency without ``exact_times``).
    stops
        name, lat, lon (degrees; NaN: no place) by stop_id.
    assumptions
        What was taken for granted or left out, in sentences.
    choice
        ``"typical"``, ``"busiest"`` or empty: how the date was chosen.
    dates_like_it
        On how many dates of the feed the same services run.
    """

    feed: Feed
    date: date
    timezone: str
    trips: pd.DataFrame
    stops: pd.DataFrame
    assumptions: list[str]
    choice: str = ""
    dates_like_it: int = 1
    _rows: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32), repr=False)

    @property
    def origin(self) -> datetime:
        """The instant of second 0, UTC."""
        return day_origin(self.date, self.timezone)

    @property
    def headline(self) -> str:
        """``2025-03-05 (Wednesday, typical: 214 dates like it): 812 trips``."""
        like = f"{self.dates_like_it:,} date{'s' if self.dates_like_it != 1 else ''} like it"
        told = f"{self.choice}: {like}" if self.choice else like
        return f"{self.date} ({DAY_NAMES[self.date.weekday()]}, {told}): {_trips(len(self.trips))}"

    @cached_property
    def stop_events(self) -> DayEvents:
        """Every stop of every trip of the day, made when first asked for."""
        return _fill(self.feed, self._rows, self.trips["depart_s"].to_numpy(np.int32))

    def timestamps(self, seconds: Any) -> Any:
        """Seconds into the service day to tz-aware pandas times.

        A Series gives a Series, a single number a Timestamp, anything else a DatetimeIndex.
        """
        start = pd.Timestamp(self.origin).as_unit("s")
        if isinstance(seconds, pd.Series):
            return (start + pd.to_timedelta(seconds, unit="s")).dt.tz_convert(self.timezone)
        if isinstance(seconds, (int, float, np.number)):
            return (start + pd.Timedelta(seconds=float(seconds))).tz_convert(self.timezone)
        delta = pd.to_timedelta(np.asarray(seconds, np.int64), unit="s")
        return (start + delta).tz_convert(self.timezone)

    def overlapping(self) -> pd.DataFrame:
        """Return the day's trips, and those of the date before that are still running at second 0.

        The latter have this day's seconds (so ``depart_s`` is below 0). ``service_date`` tells them
        apart, as a trip_id may stand on both.
        """
        own = self.trips.assign(service_date=self.date)
        before = self.date - timedelta(days=1)
        calendar = calendar_of(self.feed)
        column = calendar.column(before)
        if column is None:
            return own
        tail, _, _ = _day_trips(self.feed, calendar, column)
        shift = int((self.origin - day_origin(before, self.timezone)).total_seconds())
        tail = tail[tail["arrive_s"] > shift].assign(service_date=before)
        if tail.empty:
            return own
        tail = tail.assign(
            depart_s=(tail["depart_s"] - shift).astype(np.int32),
            arrive_s=(tail["arrive_s"] - shift).astype(np.int32),
        )
        both = pd.concat([tail, own], ignore_index=True)
        return both.sort_values(["depart_s", "trip_id"], ignore_index=True)

    def __str__(self) -> str:
        return self.headline

    def __repr__(self) -> str:
        return f"ServiceDay({self.headline})"


def service_day(feed: Feed, when: str | date = "typical") -> ServiceDay:
    """Return one service day; see :meth:`mobility.feed.Feed.day`.

    Raises
    ------
    ConfigError
        When ``when`` is no date, or no trip runs on it; the message names the span and the
        nearest date with service.
    TableError
        When its frequencies make more trips than the engine's ceiling.
    """
    calendar = calendar_of(feed)
    busiest = busiest_date(feed)
    counts = trips_a_date(feed, calendar)
    patterns = patterns_of(feed, calendar)
    choice, notes = "", list(calendar.assumptions)
    if isinstance(when, str) and when.strip().lower() in ("typical", "busiest"):
        choice = when.strip().lower()
        if choice == "typical":
            column, note = typical_column(calendar, counts, patterns)
            notes += note
        else:
            column = wanted_column(calendar, counts, busiest)
    else:
        column = wanted_column(calendar, counts, parse_date(when))
    trips, rows, told = _day_trips(feed, calendar, column)
    zone, zone_notes = _timezone(feed)
    return ServiceDay(
        feed=feed,
        date=calendar.at(column),
        timezone=zone,
        trips=trips,
        stops=_stops(feed),
        assumptions=[*notes, *zone_notes, *told],
        choice=choice,
        dates_like_it=int((patterns == patterns[column]).sum()),
        _rows=rows,
    )


def _timezone(feed: Feed) -> tuple[str, list[str]]:
    agency = feed.raw.get("agency")
    zones = (
        agency.values("agency_timezone").to_pylist()
        if agency and "agency_timezone" in agency
        else []
    )
    zones = [one for one in zones if one]
    name = feed.timezone if zones else "UTC"
    notes = []
    if not zones:
        notes.append("the agency has no time zone: UTC is used")
    if len(zones) > 1:
        notes.append(
            f"the agencies have {len(zones)} time zones: {name}, the first, is used for all"
        )
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC", [*notes, f"{name!r} is no time zone that this machine knows: UTC is used"]
    return name, notes


def _stops(feed: Feed) -> pd.DataFrame:
    stops = feed.raw["stops"]
    lat, lon = stop_places(feed)
    frame = pd.DataFrame(
        {"name": stops.text("stop_name"), "lat": lat, "lon": lon},
        index=pd.Index(stops.text("stop_id"), name="stop_id"),
    )
    return frame[~frame.index.duplicated()]


def texts(table: Table, column: str, rows: NDArray[np.int32]) -> NDArray[np.object_]:
    """Texts of some rows of a column; "" where the row is -1 or the column is missing."""
    if column not in table or not len(table):
        return np.full(len(rows), "", dtype=object)
    values = np.array([*table.values(column).to_pylist(), ""], dtype=object)
    return values[np.where(rows >= 0, table.codes(column)[rows], -1)]


def _day_trips(
    feed: Feed, calendar: ServiceCalendar, column: int
) -> tuple[pd.DataFrame, NDArray[np.int32], list[str]]:
    """Trips of a date, their rows of trips.txt, and what was left out or taken for granted."""
    service = service_rows(feed, calendar)
    runs_today = np.append(calendar.active[:, column], False)  # service -1 never runs
    chosen = np.flatnonzero(runs_today[service]).astype(np.int32)
    rows, leaves, expanded, doubles = expand(feed, chosen)

    events, table = feed.stop_events, feed.raw["trips"]
    counts = np.diff(events.offsets)[rows]
    first, last = events.offsets[rows], events.offsets[rows + 1] - 1
    timed = counts > 1
    begin, end = trip_ends(feed, rows)
    shift = np.where(expanded, leaves - begin, 0)
    from_stop = _take(events.stop, first, timed)
    to_stop = _take(events.stop, last, timed)

    reasons = {
        "fewer than 2 timed stops": ~timed | (begin < 0) | (end < 0),
        "arrival before departure": end < begin,
        "the first or last stop is unknown": (from_stop < 0) | (to_stop < 0),
    }
    keep, notes = np.ones(len(rows), dtype=bool), []
    for why, bad in reasons.items():
        fresh = bad & keep
        if fresh.any():
            notes.append(f"{_trips(int(fresh.sum()))} left out: {why}")
        keep &= ~bad
    if doubles:
        notes.append(f"{_trips(doubles)} left out: the departure stands in two frequency windows")
    rows, shift, expanded = rows[keep], shift[keep], expanded[keep]
    if expanded.any():
        notes.append(f"{_trips(int(expanded.sum()))} expanded from frequencies.txt")
    begin, end = begin[keep] + shift, end[keep] + shift

    route = foreign_rows(table, "route_id", feed.raw["routes"], "route_id")[rows]
    kinds = np.append(feed.raw["routes"].integers("route_type", default=-1), -1)
    direction = table.integers("direction_id", default=-1)[rows]
    template = texts(table, "trip_id", rows)
    names = template.copy()
    for at in np.flatnonzero(expanded):
        names[at] = f"{template[at]}#{format_time(int(begin[at]))}"
    distances = distances_of(feed)
    source = distances.source[rows]
    notes += _distance_notes(source, distances.unit)
    stop_ids = feed.raw["stops"]
    trips = pd.DataFrame(
        {
            "trip_id": names,
            "template_trip_id": template,
            "route_id": texts(table, "route_id", rows),
            "route_type": kinds[route].astype(np.int32),
            "direction_id": np.where((direction == 0) | (direction == 1), direction, -1).astype(
                np.int32
            ),
            "service_id": texts(table, "service_id", rows),
            "block_id": texts(table, "block_id", rows),
            "shape_id": texts(table, "shape_id", rows),
            "depart_s": begin.astype(np.int32),
            "arrive_s": end.astype(np.int32),
            "from_stop": texts(stop_ids, "stop_id", from_stop[keep]),
            "to_stop": texts(stop_ids, "stop_id", to_stop[keep]),
            "distance_km": distances.trip_m[rows] / 1_000,
            "stops": counts[keep].astype(np.int32),
            "headway": expanded & ~exact_templates(feed)[rows],
        }
    )
    order = trips.sort_values(["depart_s", "trip_id"]).index.to_numpy()
    return trips.iloc[order].reset_index(drop=True), rows[order], notes


def trip_ends(feed: Feed, rows: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First departure and last arrival of trips (rows of trips.txt), seconds; -1 where unknown.

    Where a cell is blank or bad, the other time of the same stop serves.
    """
    events = feed.stop_events
    first, last = events.offsets[rows], events.offsets[rows + 1] - 1
    some = last >= first
    begin = _take(events.depart_s, first, some)
    begin = np.where(begin >= 0, begin, _take(events.arrive_s, first, some))
    end = _take(events.arrive_s, last, some)
    end = np.where(end >= 0, end, _take(events.depart_s, last, some))
    return np.maximum(begin, -1).astype(np.int64), np.maximum(end, -1).astype(np.int64)


def _take(
    values: NDArray[np.int32], at: NDArray[np.int32], some: NDArray[np.bool_]
) -> NDArray[np.int32]:
    return (
        np.where(some, values[np.where(some, at, 0)], -1) if len(values) else np.full(len(at), -1)
    )


def _trips(count: int) -> str:
    return f"{count:,} trip{'s' if count != 1 else ''}"


def _distance_notes(source: NDArray[np.int8], unit: str) -> list[str]:
    notes = []
    if crow := int((source == CROW).sum()):
        notes.append(f"distance of {_trips(crow)} is crow-flight x {CROW_FACTOR}: no shape fits")
    if column := int((source == DISTANCE_COLUMN).sum()):
        notes.append(
            f"distance of {_trips(column)} is shape_dist_traveled, taken to be in {unit}: "
            "no shape fits"
        )
    if nowhere := int((source == NOWHERE).sum()):
        notes.append(f"distance of {_trips(nowhere)} is 0: the stops have one place, or none")
    return notes


def _fill(feed: Feed, rows: NDArray[np.int32], leaves: NDArray[np.int32]) -> DayEvents:
    """Stop events of trips (rows of trips.txt), each moved so that it leaves at ``leaves``."""
    from mobility.feed import _kernels

    events = feed.stop_events
    counts = np.diff(events.offsets)[rows]
    offsets = np.zeros(len(rows) + 1, np.int32)
    np.cumsum(counts, out=offsets[1:])
    trip = np.repeat(np.arange(len(rows), dtype=np.int32), counts)
    place = np.arange(len(trip)) - offsets[trip] + events.offsets[rows][trip]
    arrive, depart = np.empty(len(trip), np.int32), np.empty(len(trip), np.int32)
    _kernels.fill_times(
        np.array(events.offsets, np.int32),
        np.array(rows, np.int32),
        np.array(events.arrive_s, np.int32),
        np.array(events.depart_s, np.int32),
        distances_of(feed).along,
        offsets,
        arrive,
        depart,
    )
    shift = leaves - arrive[offsets[:-1]]
    arrive += shift[trip]
    depart += shift[trip]
    return DayEvents(trip, np.array(events.stop[place], np.int32), arrive, depart, offsets)
