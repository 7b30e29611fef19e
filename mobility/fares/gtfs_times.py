"""Timeframes of Fares v2: calendar days and times of day, in the time zone of the stop.

A tariff has one time zone, its agency's. A stop may have another one: for such stops each timeframe
is written a second time, on the clock of the tariff's zone, date by date. Only within the hour that
a clock change repeats can the two clocks not be told apart.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from mobility.errors import ConfigError
from mobility.fares.gtfs_tables import rows
from mobility.fares.problem import Match, Timeframe
from mobility.feed.calendar import calendar_of
from mobility.units import DAY_S, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobility.feed.feed import Feed

_Blocks = dict[tuple[int, int], set[date]]


class Timeframes:
    """The timeframe groups of a feed, and the time zones of its stops."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._used: dict[str, tuple[str, str]] = {}

    def split(self, group: str, stops: Match | None) -> Iterator[tuple[Match | None, str | None]]:
        """Yield the stops of a rule by time zone, each with the timeframe of its clock."""
        if not group:
            yield stops, None
            return
        if len(self._stops_by_zone) < 2:
            zone = next(iter(self._stops_by_zone), self._feed.timezone)
            yield stops, self._name(group, zone)
            return
        for zone, inside in self._stops_by_zone.items():
            chosen = frozenset(one for one in inside if stops is None or one in stops)
            if chosen:
                yield Match(chosen), self._name(group, zone)

    def blocks(self) -> tuple[Timeframe, ...]:
        """Return the timeframes that :meth:`split` has named."""
        found = []
        for name, (group, zone) in self._used.items():
            blocks = self._groups.get(group, {})
            if zone != self._feed.timezone:
                blocks = _moved(blocks, ZoneInfo(zone), ZoneInfo(self._feed.timezone))
            found += [
                Timeframe(name, from_s=start, to_s=end, dates=frozenset(dates))
                for (start, end), dates in sorted(blocks.items())
            ]
            if not blocks:  # it never matches
                found.append(Timeframe(name, dates=frozenset()))
        return tuple(found)

    def _name(self, group: str, zone: str) -> str:
        name = group if zone == self._feed.timezone else f"{group}@{zone}"
        self._used[name] = (group, zone)
        return name

    @cached_property
    def _stops_by_zone(self) -> dict[str, list[str]]:
        columns = ("stop_id", "stop_timezone", "parent_station")
        given = {stop: (zone, parent) for stop, zone, parent in rows(self._feed, "stops", *columns)}
        found: dict[str, list[str]] = defaultdict(list)
        for stop, (zone, parent) in given.items():
            above = given.get(parent, ("", ""))[0]
            named = next((one for one in (zone, above) if one and _known(one)), "")
            found[named or self._feed.timezone].append(stop)
        return dict(sorted(found.items()))

    @cached_property
    def _groups(self) -> dict[str, _Blocks]:
        calendar = calendar_of(self._feed)
        row_of = {service: row for row, service in enumerate(calendar.services)}
        found: dict[str, _Blocks] = defaultdict(lambda: defaultdict(set))
        columns = ("timeframe_group_id", "start_time", "end_time", "service_id")
        for group, start, end, service in rows(self._feed, "timeframes", *columns):
            try:
                span = (parse_time(start or "00:00:00"), parse_time(end or "24:00:00"))
            except ConfigError:
                continue  # a finding of the feed
            if span[0] >= span[1] or span[1] > DAY_S or service not in row_of:
                continue
            columns_on = np.flatnonzero(calendar.active[row_of[service]])
            found[group][span] |= {calendar.at(int(one)) for one in columns_on}
        return {group: dict(blocks) for group, blocks in found.items()}


def _known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _moved(blocks: _Blocks, here: ZoneInfo, there: ZoneInfo) -> _Blocks:
    """Blocks of one clock on another one, cut at its midnights."""
    found: _Blocks = defaultdict(set)
    for (start, end), dates in blocks.items():
        for day in dates:
            first, last = (_clock(day, at, here).astimezone(there) for at in (start, end))
            on = first.date()
            while on <= last.date():
                from_s = _seconds(first) if on == first.date() else 0
                to_s = _seconds(last) if on == last.date() else DAY_S
                if from_s < to_s:
                    found[from_s, to_s].add(on)
                on += timedelta(days=1)
    return dict(found)


def _clock(day: date, at: int, zone: ZoneInfo) -> datetime:
    midnight = datetime.combine(day, time(), zone)
    return (midnight + timedelta(seconds=at)).astimezone(UTC)  # on the wall clock, days of 25 h too


def _seconds(moment: datetime) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second
