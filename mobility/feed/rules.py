"""What is wrong with a feed: *cannot be computed with* apart from *found, and told*.

A reader that refused every error of the canonical GTFS validator would refuse half of the real
feeds. So only what leaves nothing to compute is refused; all else is a finding.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mobility.errors import TableError
from mobility.feed.rules_cells import check_agency_ids, check_table, check_zones
from mobility.feed.rules_days import check_days
from mobility.feed.rules_fares import check_fares
from mobility.feed.rules_keys import check_keys
from mobility.feed.rules_places import check_places
from mobility.feed.rules_times import Trips, check_times, check_trips
from mobility.feed.schema import FILES, NOT_TABLES, REQUIRED_FILES
from mobility.findings import Finding, Severity, finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mobility.feed.feed import Feed
    from mobility.feed.tables import Table

_CALENDARS = ("calendar", "calendar_dates")
_RANKS = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def refuse_unusable(raw: Mapping[str, Table], findings: list[Finding]) -> None:
    """Refuse tables that leave nothing to compute.

    Parameters
    ----------
    raw
        Every file that was read, by name without ``.txt``.
    findings
        What reading them found. Those inside files that are no GTFS tables are made warnings,
        in place.

    Raises
    ------
    TableError
        Its ``findings`` hold the fatal ones first, then all the others.
    """
    findings[:] = ordered(demote_unknown(findings))
    fatal = [*_missing_files(raw), *_missing_columns(raw)]
    if fatal:
        # The reader has told some empty files already.
        others = [one for one in findings if (one.code, one.file) not in _places(fatal)]
        raise TableError.from_finding(*fatal, *others)


def check_cells(raw: Mapping[str, Table]) -> list[Finding]:
    """Judge every cell by its column's type, every key, and every reference.

    Parameters
    ----------
    raw
        Every file that was read, by name without ``.txt``.

    Returns
    -------
    list of Finding
        One for each code, file and column: the first row, and how many rows there are.
    """
    found = [one for table in raw.values() for one in check_table(table)]
    found += check_zones(raw["agency"])
    found += check_agency_ids(raw["agency"])
    found += check_keys(raw)
    found += check_fares(raw)
    return ordered(found)


def check_feed(feed: Feed) -> list[Finding]:
    """Judge what only shows when trips, times, days and places are put together.

    Parameters
    ----------
    feed
        With its stop events.

    Returns
    -------
    list of Finding
        One for each code, file and column: the first row, and how many rows there are.
    """
    trips = Trips(feed)
    return ordered(
        [*check_times(trips), *check_trips(trips), *check_days(trips), *check_places(trips)]
    )


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings: the worst first, then by file, row, column and code."""
    return sorted(
        findings,
        key=lambda one: (_RANKS[one.severity], one.file, one.row or 0, one.column, one.code),
    )


def demote_unknown(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Make errors inside files that are no GTFS tables warnings; texts for people stay silent."""
    for one in findings:
        name, dot, kind = one.file.lower().rpartition(".")
        if kind == "txt" and dot and name in NOT_TABLES:
            continue
        unknown = kind == "txt" and name not in FILES
        if unknown and one.severity is Severity.ERROR:
            yield replace(one, severity=Severity.WARNING)
        else:
            yield one


def _missing_files(raw: Mapping[str, Table]) -> Iterator[Finding]:
    for name in REQUIRED_FILES:
        if name not in raw:
            yield finding("missing_required_file", file=f"{name}.txt")
        elif not len(raw[name]):
            yield finding("empty_file", "holds no row", file=f"{name}.txt")
    if not any(name in raw for name in _CALENDARS):
        yield finding("missing_calendar_and_calendar_date_files")


def _missing_columns(raw: Mapping[str, Table]) -> Iterator[Finding]:
    for table in raw.values():
        if table.name not in FILES or not len(table):
            continue
        for column in FILES[table.name].columns.values():
            stands = column.name in table or any(one in table for one in column.instead)
            if column.vital and not stands:
                yield finding("missing_required_column", file=table.file, row=1, column=column.name)


def _places(findings: Iterable[Finding]) -> set[tuple[str, str]]:
    return {(one.code, one.file) for one in findings}
