"""A feed's tables as rows of text, for files as small as those of fares."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mobility.errors import ConfigError
from mobility.feed.money import minor_units

if TYPE_CHECKING:
    from mobility.feed.feed import Feed

Row = tuple[str, ...]


def rows(feed: Feed, name: str, *columns: str) -> list[Row]:
    """Rows of a file in the order of its columns asked for; no row where there is no such file."""
    if name not in feed.raw:
        return []
    table = feed.raw[name]
    return list(zip(*(table.text(column).tolist() for column in columns), strict=True))


def pairs(feed: Feed, name: str, key: str, value: str) -> dict[str, str]:
    """One column of a file by another one; of rows with the same key, the first."""
    found: dict[str, str] = {}
    for one, other in rows(feed, name, key, value):
        found.setdefault(one, other)
    return found


def numbers(text: str, *, default: float) -> float:
    """Whole number of a cell; ``default`` where it is blank or none."""
    try:
        return int(text)
    except ValueError:
        return default


@dataclass(frozen=True)
class Money:
    """The one currency of a tariff."""

    currency: str

    def minor(self, text: str, currency: str) -> int | None:
        """Amount in minor units; None where it is no exact amount of this currency."""
        return minor_units(text, currency) if currency == self.currency else None


def money_of(feed: Feed, name: str, column: str, currency: str | None) -> Money:
    """Find the currency of a feed's fares.

    Raises
    ------
    ConfigError
        When there is none, when there are several and none is asked for, or another is asked for.
    """
    used = sorted({one for (one,) in rows(feed, name, column)} - {""})
    if currency is None and len(used) != 1:
        raise ConfigError(
            f"{name}.txt has prices in {', '.join(used) or 'no currency'}",
            mend=f"choose one: currency={used[0]!r}" if used else f"fill {column}",
        )
    if currency is not None and currency not in used:
        raise ConfigError(
            f"{name}.txt has no price in {currency}", mend=f"it has {', '.join(used) or 'none'}"
        )
    return Money(currency or used[0])


def stations_of(feed: Feed) -> dict[str, str]:
    """The outermost parent of every stop: its station, or itself."""
    parents = pairs(feed, "stops", "stop_id", "parent_station")

    def root(stop: str) -> str:
        seen = {stop}
        while (above := parents.get(stop, "")) and above in parents and above not in seen:
            seen.add(above)
            stop = above
        return stop

    return {stop: root(stop) for stop in parents}


def spans_of_stations(feed: Feed) -> dict[str, frozenset[str]]:
    """Every stop with all that lie in it: a station with its platforms, a stop with itself."""
    found: dict[str, set[str]] = defaultdict(set)
    parents = pairs(feed, "stops", "stop_id", "parent_station")
    for stop in parents:
        at, seen = stop, set[str]()
        while at and at not in seen:
            seen.add(at)
            found[at].add(stop)
            at = parents.get(at, "")
    return {stop: frozenset(inside) for stop, inside in found.items()}
