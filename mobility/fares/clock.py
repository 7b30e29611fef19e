"""Local time in pieces: between two bounds nothing that a tariff asks about time changes.

Bounds are the changes of the zone's offset, midnight, the service day's start, and every time of day
that a timeframe names. A piece knows its class of start times, its class of end times, its service day,
and the period and level of every cap.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

if TYPE_CHECKING:
    from mobility.fares.problem import Cap, Tariff

_DAY_S = 86_400
_EPOCH = date(1970, 1, 1)
_GRID = 10  # the index of pieces has an entry each 2^10 seconds


@dataclass(frozen=True)
class Pieces:
    """Pieces of local time, in order; seconds count from ``origin`` (epoch seconds)."""

    origin: int
    starts: np.ndarray  # int64, one more than pieces: the last is out of reach
    first_of: np.ndarray  # int32: piece at each 1024 seconds
    calendar_day: np.ndarray  # int32, days since 1970-01-01
    service_day: np.ndarray  # int32, likewise
    time_of_day_s: np.ndarray  # int64, at the piece's start


def offsets(timezone: str, first: int, last: int) -> list[tuple[int, int]]:
    """Epoch second and offset from UTC of each span of a zone, from ``first`` to ``last``."""
    zone = ZoneInfo(timezone)

    def offset(second: int) -> int:
        found = datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset()
        return int((found or timedelta()).total_seconds())

    spans, at = [(first, offset(first))], first
    while at < last:
        further = min(at + 7 * _DAY_S, last)
        if offset(further) != spans[-1][1]:
            low, high = at, further  # the first second with another offset lies in (low, high]
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == spans[-1][1] else (low, middle)
            spans.append((high, offset(high)))
            at = high
        else:
            at = further
    return spans


def pieces(tariff: Tariff, first: int, last: int) -> Pieces:
    """Cut the days around two instants (epoch seconds) into pieces."""
    origin = first - first % _DAY_S - 2 * _DAY_S
    until = last + 3 * _DAY_S
    bounds_of_day = np.unique(
        [0, tariff.service_day_start_s]
        + [second % _DAY_S for one in tariff.timeframes for second in (one.from_s, one.to_s)]
    )
    spans = offsets(tariff.timezone, origin, until)
    starts, local = [], []
    for k, (at, offset) in enumerate(spans):
        end = spans[k + 1][0] if k + 1 < len(spans) else until
        days = np.arange((at + offset) // _DAY_S, (end + offset) // _DAY_S + 1, dtype=np.int64)
        inside = (days[:, None] * _DAY_S + bounds_of_day[None, :]).ravel() - offset
        inside = inside[(inside > at) & (inside < end)]
        seconds = np.concatenate([np.array([at], np.int64), inside])
        starts.append(seconds)
        local.append(seconds + offset)
    begin, clock = np.concatenate(starts), np.concatenate(local)
    service = (clock - tariff.service_day_start_s) // _DAY_S
    grid = np.arange(0, until - origin + (1 << _GRID), 1 << _GRID, dtype=np.int64)
    return Pieces(
        origin=origin,
        starts=np.append(begin - origin, np.int64(2**40)),
        first_of=(np.searchsorted(begin - origin, grid, side="right") - 1).astype(np.int32),
        calendar_day=(clock // _DAY_S).astype(np.int32),
        service_day=np.maximum.accumulate(service).astype(np.int32),
        time_of_day_s=clock % _DAY_S,
    )


def in_timeframe(tariff: Tariff, name: str, cut: Pieces) -> np.ndarray:
    """Pieces that lie in any block of a timeframe id."""
    weekday = (cut.calendar_day + 3) % 7
    holiday = np.isin(cut.calendar_day, [day_number(one) for one in tariff.holidays])
    kind = np.where(holiday, 7 if tariff.has_holiday_kind else 6, weekday)
    found = np.zeros(len(kind), np.bool_)
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")
    for one in tariff.timeframes:
        if one.id != name:
            continue
        inside = (one.from_s <= cut.time_of_day_s) & (cut.time_of_day_s < one.to_s)
        if one.dates is not None:
            inside &= np.isin(cut.calendar_day, [day_number(day) for day in one.dates])
        elif one.days is not None:
            inside &= np.isin(kind, [names.index(day) for day in one.days])
        found |= inside
    return found


def valid_on(days: np.ndarray, valid_from: date | None, valid_to: date | None) -> np.ndarray:
    """Days (since 1970-01-01) from one date to another, both inclusive."""
    found = np.ones(len(days), np.bool_)
    if valid_from is not None:
        found &= days >= day_number(valid_from)
    if valid_to is not None:
        found &= days <= day_number(valid_to)
    return found


def cap_calendar(groups: list[list[Cap]], cut: Pieces) -> tuple[np.ndarray, np.ndarray]:
    """Period and level of each cap on each piece; -1 where no level is valid.

    ``groups`` are the levels of each cap; levels are numbered through all groups. A period is a
    number that only equals itself.
    """
    days = cut.service_day.astype(np.int64)
    period = np.zeros((len(days), len(groups)), np.int32)
    level = np.full((len(days), len(groups)), -1, np.int32)
    number = 0
    for g, levels in enumerate(groups):
        one = levels[0]
        period[:, g], first_day = _period(one, days)
        calendar = one.period in {"service-day", "calendar-week", "calendar-month"}
        old = one.on_change == "old-until-period-end" and calendar
        at = first_day if old else days
        for low in levels:
            level[valid_on(at, low.valid_from, low.valid_to), g] = number
            number += 1
    return period, level


def _period(cap: Cap, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number and first day of the period that each day lies in."""
    if cap.period == "calendar-week":
        number = (days + 3 - cap.starts) // 7
        return number, number * 7 - 3 + cap.starts
    if cap.period == "calendar-month":
        months = days.astype("datetime64[D]").astype("datetime64[M]")
        return months.astype(np.int64), months.astype("datetime64[D]").astype(np.int64)
    return days, days


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def groups_of(caps: tuple[Cap, ...]) -> list[list[Cap]]:
    """Levels of each cap id, in the order in which ids first appear."""
    found: dict[str, list[Cap]] = {}
    for one in caps:
        found.setdefault(one.id, []).append(one)
    return list(found.values())


def time_tables(cut: Pieces) -> dict[str, Any]:
    """What the kernels need to find a piece."""
    return {"first_of": cut.first_of, "starts": cut.starts}
