"""Which services run on which date: calendar.txt, calendar_dates.txt, either alone or both."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from mobility.errors import ConfigError
from mobility.feed.frequencies import frequencies_of
from mobility.feed.tables import spread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mobility.feed.feed import Feed
    from mobility.feed.tables import Table

# 27 years: longer than any feed needs, short enough that services x dates stays small.
MAX_SPAN_DAYS = 10_000
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_NAMES = tuple(name.capitalize() for name in WEEKDAYS)
NO_DAY = -(2**62)

_DATE = re.compile(r"[0-9]{8}")
_EPOCH = date(1970, 1, 1)
_KEPT: WeakKeyDictionary[Feed, ServiceCalendar] = WeakKeyDictionary()


@dataclass(frozen=True)
class ServiceCalendar:
    """Services x dates.

    Parameters
    ----------
    services
        Every service id of the two files, sorted.
    first
        Date of the first column of ``active``; None where no service ever runs.
    active
        Whether each service (row) runs on each date (column); bool.
    assumptions
        What had to be left out.
    """

    services: tuple[str, ...]
    first: date | None
    active: NDArray[np.bool_]
    assumptions: tuple[str, ...] = ()

    @property
    def span(self) -> tuple[date, date] | None:
        """First and last date of the columns, or None where there are none."""
        if self.first is None:
            return None
        return self.first, self.at(self.active.shape[1] - 1)

    def at(self, column: int) -> date:
        """Date of a column."""
        if self.first is None:
            raise ConfigError("this feed has no service date at all")
        return self.first + timedelta(days=int(column))

    def column(self, when: date) -> int | None:
        """Column of a date, or None outside the span."""
        if self.first is None:
            return None
        at = (when - self.first).days
        return at if 0 <= at < self.active.shape[1] else None

    def weekdays(self) -> NDArray[np.int64]:
        """Weekday of each column, Monday = 0."""
        start = self.first.weekday() if self.first else 0
        return (start + np.arange(self.active.shape[1])) % 7

    def months(self) -> NDArray[np.int64]:
        """Month of each column, counted from year 0: 12 x year + month - 1."""
        days = _days_since_epoch(self.first) if self.first else 0
        stamps = (days + np.arange(self.active.shape[1])).astype("datetime64[D]")
        return stamps.astype("datetime64[M]").astype(np.int64) + 1970 * 12


@dataclass(frozen=True)
class DayType:
    """Dates on which the same services run.

    Parameters
    ----------
    dates
        In order.
    trips
        Departures on each of them, frequencies expanded.
    services
        The service ids that run.
    """

    dates: tuple[date, ...]
    trips: int
    services: tuple[str, ...]

    @property
    def weekdays(self) -> str:
        """``"Monday-Friday"``, ``"Saturday"``, ``"Monday, Wednesday"``."""
        seen = sorted({one.weekday() for one in self.dates})
        if len(seen) > 2 and seen[-1] - seen[0] == len(seen) - 1:
            return f"{DAY_NAMES[seen[0]]}-{DAY_NAMES[seen[-1]]}"
        return ", ".join(DAY_NAMES[one] for one in seen)

    def __str__(self) -> str:
        dates = f"{len(self.dates):,} date{'s' if len(self.dates) != 1 else ''}"
        trips = f"{self.trips:,} trip{'s' if self.trips != 1 else ''}"
        return f"{self.weekdays}: {dates} from {self.dates[0]}, {trips}"


def calendar_of(feed: Feed) -> ServiceCalendar:
    """Return the feed's calendar, worked out once a feed."""
    if feed not in _KEPT:
        _KEPT[feed] = build_calendar(feed.raw)
    return _KEPT[feed]


def build_calendar(raw: Mapping[str, Table]) -> ServiceCalendar:
    """Build the services x dates matrix.

    Rows with a bad date are left out (the findings cite them); a span of more than
    ``MAX_SPAN_DAYS`` is cut after that many days, which ``assumptions`` says.
    """
    weekly, exceptions = raw.get("calendar"), raw.get("calendar_dates")
    names = sorted({*_ids(weekly), *_ids(exceptions)})
    index = {name: row for row, name in enumerate(names)}
    empty = np.zeros((len(names), 0), dtype=bool)

    starts, ends = days(weekly, "start_date"), days(weekly, "end_date")
    fine = (starts != NO_DAY) & (ends != NO_DAY) & (starts <= ends)
    on = days(exceptions, "date")
    dated = on != NO_DAY
    known = np.concatenate([starts[fine], ends[fine], on[dated]])
    if not len(known):
        return ServiceCalendar(tuple(names), None, empty)

    first, last = int(known.min()), int(known.max())
    assumptions = []
    if last - first + 1 > MAX_SPAN_DAYS:
        assumptions.append(
            f"the calendar runs from {to_date(first)} to {to_date(last)}: "
            f"only its first {MAX_SPAN_DAYS:,} days are looked at"
        )
        last = first + MAX_SPAN_DAYS - 1
    dates = np.arange(first, last + 1)
    active = np.zeros((len(names), len(dates)), dtype=bool)

    if weekly is not None and fine.any():
        weekday = (to_date(first).weekday() + np.arange(len(dates))) % 7
        flags = np.stack([weekly.integers(one) == 1 for one in WEEKDAYS], axis=1)
        service = _rows(weekly, index)
        for row in np.flatnonzero(fine & (service >= 0)):
            start = max(int(starts[row]) - first, 0)
            stop = min(int(ends[row]) - first + 1, len(dates))
            active[service[row], start:stop] |= flags[row][weekday[start:stop]]
    if exceptions is not None and dated.any():
        kind = exceptions.integers("exception_type")
        service = _rows(exceptions, index)
        use = dated & (on <= last) & ((kind == 1) | (kind == 2)) & (service >= 0)
        active[service[use], on[use] - first] = kind[use] == 1
    return ServiceCalendar(tuple(names), to_date(first), active, tuple(assumptions))


def days(table: Table | None, column: str) -> NDArray[np.int64]:
    """Dates of a column as days since 1970-01-01; ``NO_DAY`` where it is no YYYYMMDD date."""
    if table is None:
        return np.zeros(0, np.int64)
    if column not in table or not len(table):
        return np.full(len(table), NO_DAY)
    texts = table.values(column).to_pylist()
    return np.array([_parse(one) for one in texts], np.int64)[table.codes(column)]


def parse_date(when: str | date) -> date:
    """``"2025-03-05"``, ``"20250305"`` or a date to a date.

    Raises
    ------
    ConfigError
        When it is none of them.
    """
    if isinstance(when, date):
        return date(when.year, when.month, when.day)
    text = str(when).strip()
    try:
        if _DATE.fullmatch(text):
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"not a date (found {text!r})",
            mend="write 2025-03-05, 20250305, typical or busiest",
        ) from None


def day_types(feed: Feed) -> list[DayType]:
    """Group the dates with the same services, the largest group first; empty dates are left out."""
    calendar = calendar_of(feed)
    counts, patterns = trips_a_date(feed, calendar), patterns_of(feed, calendar)
    found = []
    for pattern in np.unique(patterns[counts > 0]):
        columns = np.flatnonzero(patterns == pattern)
        active = np.flatnonzero(calendar.active[:, columns[0]])
        found.append(
            DayType(
                dates=tuple(calendar.at(int(one)) for one in columns),
                trips=int(counts[columns[0]]),
                services=tuple(calendar.services[one] for one in active),
            )
        )
    return sorted(found, key=lambda one: (-len(one.dates), one.dates[0]))


def busiest_date(feed: Feed) -> date:
    """Date with most departures, the earliest on ties.

    Raises
    ------
    ConfigError
        When no trip ever runs.
    """
    calendar = calendar_of(feed)
    counts = trips_a_date(feed, calendar)
    if not counts.any():
        raise ConfigError(
            "no trip of this feed runs on any date",
            mend="look at calendar.txt, calendar_dates.txt and the service_id of trips.txt",
        )
    return calendar.at(int(np.argmax(counts)))


def service_rows(feed: Feed, calendar: ServiceCalendar) -> NDArray[np.int32]:
    """Row of the calendar of each trip of trips.txt; -1 where its service is unknown."""
    trips = feed.raw["trips"]
    if "service_id" not in trips:
        return np.full(len(trips), -1, np.int32)
    index = {name: row for row, name in enumerate(calendar.services)}
    rows = np.array(
        [index.get(one, -1) for one in trips.values("service_id").to_pylist()], np.int32
    )
    return spread(rows, trips.codes("service_id"), fill=-1)


def _trips_a_service(feed: Feed, calendar: ServiceCalendar) -> NDArray[np.int64]:
    service, runs = service_rows(feed, calendar), frequencies_of(feed).runs()
    known = service >= 0
    counts = np.bincount(service[known], weights=runs[known], minlength=len(calendar.services))
    return counts.astype(np.int64)


def trips_a_date(feed: Feed, calendar: ServiceCalendar) -> NDArray[np.int64]:
    """Departures on each date of the calendar, frequencies expanded."""
    return _trips_a_service(feed, calendar) @ calendar.active


def patterns_of(feed: Feed, calendar: ServiceCalendar) -> NDArray[np.int64]:
    """Give each date a number; dates with the same services (of those with trips) share it."""
    ridden = calendar.active[_trips_a_service(feed, calendar) > 0]
    if not ridden.size:
        return np.zeros(calendar.active.shape[1], np.int64)
    packed = np.ascontiguousarray(np.packbits(ridden, axis=0).T)
    whole = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    return np.unique(whole, return_inverse=True)[1].astype(np.int64)


def typical_column(
    calendar: ServiceCalendar, counts: NDArray[np.int64], patterns: NDArray[np.int64]
) -> tuple[int, list[str]]:
    """Column of the typical day, and what had to be said about the choice.

    The most common Monday-to-Friday pattern of the busiest month, its first date there.
    """
    use = (counts > 0) & (calendar.weekdays() < 5)
    notes = []
    if not use.any():
        notes.append("no trip runs from Monday to Friday: the typical day is one of a weekend")
        use = counts > 0
    months = calendar.months()
    able = np.unique(months[use])
    load = [int(counts[months == one].sum()) for one in able]
    inside = np.flatnonzero(use & (months == able[int(np.argmax(load))]))
    kinds, first, often = np.unique(patterns[inside], return_index=True, return_counts=True)
    # Most dates, then most trips, then the earliest.
    order = sorted(
        range(len(kinds)), key=lambda one: (-often[one], -counts[inside[first[one]]], first[one])
    )
    return int(inside[first[order[0]]]), notes


def wanted_column(calendar: ServiceCalendar, counts: NDArray[np.int64], when: date) -> int:
    """Column of a date that a person named.

    Raises
    ------
    ConfigError
        When no trip runs on it.
    """
    column = calendar.column(when)
    if column is not None and counts[column]:
        return column
    first = calendar.at(0)
    able = np.flatnonzero(counts)
    nearest = able[int(np.argmin(np.abs(able - (when - first).days)))]
    raise ConfigError(
        f"no trip runs on {when}: this feed has service from {calendar.at(able[0])} "
        f"to {calendar.at(able[-1])}",
        mend=f"the nearest date with service is {calendar.at(nearest)}",
    )


def _parse(text: str) -> int:
    if not _DATE.fullmatch(text):
        return NO_DAY
    try:
        return _days_since_epoch(date(int(text[:4]), int(text[4:6]), int(text[6:])))
    except ValueError:
        return NO_DAY


def _days_since_epoch(when: date) -> int:
    return (when - _EPOCH).days


def to_date(number: int) -> date:
    """Days since 1970-01-01 to a date."""
    return _EPOCH + timedelta(days=number)


def _ids(table: Table | None) -> list[str]:
    if table is None or "service_id" not in table:
        return []
    values = table.values("service_id").to_pylist()
    used = np.unique(table.codes("service_id"))
    return [values[code] for code in used if values[code]]


def _rows(table: Table, index: Mapping[str, int]) -> NDArray[np.int64]:
    if "service_id" not in table:
        return np.full(len(table), -1)
    values = table.values("service_id").to_pylist()
    rows = np.array([index.get(one, -1) for one in values], np.int64)
    return rows[table.codes("service_id")] if len(rows) else np.zeros(0, np.int64)
