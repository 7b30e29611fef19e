"""A feed: its tables, its stop events, what is wrong with it, and the days it describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from mobility.errors import TableError
from mobility.findings import Finding, Severity
from mobility.shown import Shown

if TYPE_CHECKING:
    from datetime import date

    import geopandas as gpd
    import gtfs_kit
    import pandas as pd

    from mobility.feed.day import DayType, ServiceDay
    from mobility.feed.stop_events import StopEvents
    from mobility.feed.tables import Table


@dataclass(frozen=True, eq=False)
class Feed(Shown):
    """A GTFS feed in memory; read only.

    Parameters
    ----------
    source
        Where it came from, as given.
    sha256
        Of the input's bytes.
    raw
        Every file as a coded :class:`mobility.feed.tables.Table`, by name without ``.txt``.
    stop_events
        All stop times as sorted int32 arrays.
    findings
        What is wrong with it; the feed can be computed with all the same.
    """

    source: str
    sha256: str
    raw: dict[str, Table]
    stop_events: StopEvents
    findings: tuple[Finding, ...] = ()

    @cached_property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Every file as a DataFrame of text, made when first asked for; blank cells are missing.

        Mend a copy: the engine goes on with what was read.
        """
        return _Frames(self.raw)

    @property
    def timezone(self) -> str:
        """The agencies' time zone (the first one's, where they differ)."""
        zones = [one for one in self.raw["agency"].text("agency_timezone") if one]
        return zones[0] if zones else "UTC"

    @property
    def errors(self) -> list[Finding]:
        """The findings of severity error."""
        return [one for one in self.findings if one.severity is Severity.ERROR]

    def day(self, when: str | date = "typical") -> ServiceDay:
        """Return the trips of one service day.

        Parameters
        ----------
        when
            A date, ``"2025-03-05"``, ``"20250305"``, ``"typical"`` (the most common weekday
            pattern of the busiest month) or ``"busiest"`` (most trips, the earliest on ties).

        Raises
        ------
        ConfigError
            When it is no date, or the feed has no trip on it.
        """
        from mobility.feed.day import service_day

        return service_day(self, when)

    def day_types(self) -> list[DayType]:
        """Group the dates that have the same services: weekday, Saturday, Sunday ..."""
        from mobility.feed.day import day_types

        return day_types(self)

    def trip_statistics(self) -> pd.DataFrame:
        """Distance, duration, speed and stops of every trip: one row a trip of ``trips.txt``."""
        from mobility.feed.statistics import trip_statistics

        return trip_statistics(self)

    def geo(self, what: Literal["stops", "shapes"]) -> gpd.GeoDataFrame:
        """Stops as points or shapes as lines, EPSG:4326."""
        from mobility.feed.geometry import geo

        return geo(self, what)

    @cached_property
    def gtfs_kit(self) -> gtfs_kit.Feed:
        """The same feed as a ``gtfs_kit.Feed``: people who know it go on with it."""
        from mobility.feed.bridge import to_gtfs_kit

        return to_gtfs_kit(self)

    def info(self) -> dict[str, Any]:
        """Counts, span and modes: what ``mobility feed info`` shows."""
        from mobility.feed.info import info

        return info(self)

    def __repr__(self) -> str:
        return (
            f"Feed({self.source!r}: {len(self.raw['routes']):,} routes, "
            f"{len(self.raw['trips']):,} trips, {len(self.raw['stop_times']):,} stop times, "
            f"{len(self.findings)} findings)"
        )


class _Frames(Mapping[str, "pd.DataFrame"]):
    """The tables as DataFrames, each made once, when it is first looked at."""

    def __init__(self, raw: dict[str, Table]) -> None:
        self._raw = raw
        self._made: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        name = name.removesuffix(".txt")
        if name not in self._raw:
            raise KeyError(f"no table {name!r}; this feed has {', '.join(self._raw)}")
        if name not in self._made:
            self._made[name] = self._raw[name].frame()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


def require(raw: Mapping[str, Table], name: str) -> Table:
    """Return a table that cannot be done without.

    Raises
    ------
    TableError
        When the feed has no such file.
    """
    if name not in raw:
        from mobility.findings import finding

        raise TableError.from_finding(finding("missing_required_file", file=f"{name}.txt"))
    return raw[name]
