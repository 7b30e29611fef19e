"""Which dates are alike to a fleet: the day types of a week, or of a feed's whole calendar."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from mobility.errors import ConfigError
from mobility.feed.calendar import DAY_NAMES, parse_date
from mobility.fleet import defaults

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mobility.feed import Feed
    from mobility.feed.calendar import DayType


@dataclass(frozen=True)
class DayKind:
    """Dates on which the same services of the planned modes run.

    Parameters
    ----------
    dates
        Of the week (or calendar) that is planned, in order; the first is the one that is planned.
    in_calendar
        On how many dates of the feed's calendar they run.
    services
        Their ids; empty where no trip of the planned modes runs.
    """

    dates: tuple[date, ...]
    in_calendar: int
    services: tuple[str, ...]

    @property
    def name(self) -> str:
        """``"Monday-Friday"``, ``"Saturday"``, ``"Monday, Wednesday"``."""
        seen = sorted({one.weekday() for one in self.dates})
        if len(seen) > 2 and seen[-1] - seen[0] == len(seen) - 1:
            return f"{DAY_NAMES[seen[0]]}-{DAY_NAMES[seen[-1]]}"
        return ", ".join(DAY_NAMES[one] for one in seen)


def day_kinds(
    feed: Feed, week: str | date = "typical", modes: Collection[int] | None = None
) -> list[DayKind]:
    """Group the dates of a week, or of the calendar, by the services that run; earliest first.

    Parameters
    ----------
    week
        Any date of the week, ``"typical"`` (the most common run of seven day types from Monday to
        Sunday; on ties the one with more trips, then the earliest) or ``"calendar"`` (every date
        from the first with a trip to the last).
    modes
        GTFS route types that count; by default the bus types, where the feed has any.

    Raises
    ------
    ConfigError
        When ``week`` is no date, or no trip of these modes runs in it.
    """
    types = feed.day_types()
    if not types:
        raise ConfigError(
            "no trip of this feed runs on any date",
            mend="look at calendar.txt, calendar_dates.txt and the service_id of trips.txt",
        )
    ours = _services(feed, modes)
    known = {when: one for one in types for when in one.dates}
    span = _between(min(known), max(known))

    def key(when: date) -> tuple[str, ...]:
        return _key(known.get(when), ours)

    text = week.strip().lower() if isinstance(week, str) else ""
    if text == "calendar":
        dates = span
    elif text == "typical":
        dates = _typical(span, known, ours)
    else:
        dates = _seven(parse_date(week))
    groups: dict[tuple[str, ...], list[date]] = {}
    for when in dates:
        groups.setdefault(key(when), []).append(when)
    if not any(groups):
        raise ConfigError(
            f"no trip of the planned modes runs from {dates[0]} to {dates[-1]}: this feed has service "
            f"from {span[0]} to {span[-1]}",
            mend="another week, typical or calendar",
        )
    often = Counter(key(when) for when in span)
    return [
        DayKind(tuple(when), often.get(services, 0), services) for services, when in groups.items()
    ]


def _services(feed: Feed, modes: Collection[int] | None) -> frozenset[str]:
    """Services with a trip of the modes."""
    trips, routes = feed.tables["trips"], feed.tables["routes"]
    kind = routes.drop_duplicates("route_id").set_index("route_id")["route_type"].astype(str)
    mode = trips["route_id"].map(kind)
    for wanted in (defaults.BUS_MODES, None) if modes is None else (modes,):
        here = mode.notna() if wanted is None else mode.isin([str(one) for one in wanted])
        if here.any():
            return frozenset(trips.loc[here, "service_id"].astype(str))
    return frozenset()


def _key(kind: DayType | None, ours: frozenset[str]) -> tuple[str, ...]:
    return () if kind is None else tuple(sorted(ours.intersection(kind.services)))


def _typical(span: Sequence[date], known: dict[date, DayType], ours: frozenset[str]) -> list[date]:
    """The most common week: whole ones, where the calendar has any."""
    mondays = [when for when in span if when.weekday() == 0]
    whole = [when for when in mondays if when + timedelta(days=6) <= span[-1]]
    weeks = [_seven(when) for when in whole or mondays or span[:1]]
    pattern = [tuple(_key(known.get(when), ours) for when in one) for one in weeks]
    often = Counter(pattern)

    def liking(at: int) -> tuple[bool, int, int, int]:
        trips = sum(known[when].trips for when in weeks[at] if when in known)
        return any(pattern[at]), often[pattern[at]], trips, -at

    return weeks[max(range(len(weeks)), key=liking)]


def _seven(when: date) -> list[date]:
    """Monday to Sunday around a date."""
    monday = when - timedelta(days=when.weekday())
    return _between(monday, monday + timedelta(days=6))


def _between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=at) for at in range((last - first).days + 1)]
