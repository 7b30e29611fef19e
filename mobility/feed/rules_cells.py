"""Rules on single cells: is it of its column's type? Each distinct value is looked at once."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mobility.feed.calendar import NO_DAY, days
from mobility.feed.money import CURRENCIES
from mobility.feed.rules_tell import rows_with, tell
from mobility.feed.schema import FILES, NOT_TABLES, RANGES, Column
from mobility.feed.stop_events import BAD, distinct_times, parse_times
from mobility.feed.tables import Table, parse_floats
from mobility.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Judge = Callable[[pa.Array], NDArray[np.bool_]]

_INT32_MAX = 2**31 - 1
_INT53_MAX = 2**53


def check_table(table: Table) -> Iterator[Finding]:
    """Judge the columns and the cells of one file."""
    if table.name not in FILES:
        if table.name.lower() not in NOT_TABLES:
            yield finding("unknown_file", file=table.file)
        return
    if not table.columns:
        return  # an empty file, which its reader has told
    known = FILES[table.name].columns
    for name in table.columns:
        if name not in known:
            yield finding("unknown_column", file=table.file, row=1, column=name)
    for column in known.values():
        if column.name in table:
            yield from _check_column(table, column)
        elif column.required and not any(one in table for one in column.instead):
            yield finding("missing_required_column", file=table.file, row=1, column=column.name)
    if table.name in RANGES:
        yield from _check_range(table, *RANGES[table.name])


def _check_column(table: Table, column: Column) -> Iterator[Finding]:
    values = table.values(column.name)
    if not len(values):
        return
    blank = _truth(pc.equal(values, ""))
    if column.required and blank.any():
        rows = rows_with(table, column.name, blank)
        for other in column.instead:
            rows = rows[table.blank(other)[rows]]
        yield from tell("missing_required_field", table, column.name, rows)
    for code, judge, message in _judges(column):
        wrong = judge(values) & ~blank
        rows = rows_with(table, column.name, wrong)
        yield from tell(code, table, column.name, rows, message=message)


def _judges(column: Column) -> Iterator[tuple[str, Judge, str]]:
    """Yield (code, which distinct values are wrong, message) for a column's type."""
    kind = column.type
    if kind == "time":
        yield "invalid_time", lambda values: distinct_times(values) == BAD, ""
    elif kind == "date":
        yield "invalid_date", _no_date, ""
    elif kind == "zone":
        yield "invalid_timezone", _no_zone, ""
    elif kind == "currency":
        yield "invalid_currency", _no_currency, ""
    elif kind in {"integer", "count", "positive", "enum"}:
        yield "invalid_integer", _no_integer, ""
    elif kind in {"float", "length", "latitude", "longitude"}:
        yield "invalid_float", lambda values: np.isnan(parse_floats(values)), ""
    if kind == "enum":
        yield (
            "unexpected_enum_value",
            lambda values: _none_of(values, column.allowed),
            f"is none of the values that {column.name} can have",
        )
    if column.name == "stop_sequence":
        yield "stop_sequence_too_large", lambda values: _outside(values, -np.inf, _INT32_MAX), ""
    if kind in _BOUNDS:
        least, most = _BOUNDS[kind]
        said = f"is not between {least:g} and {most:g}" if most < np.inf else f"is below {least:g}"
        yield "number_out_of_range", lambda values: _outside(values, least, most), said


_BOUNDS = {
    "count": (0, np.inf),
    "positive": (1, np.inf),
    "length": (0, np.inf),
    "latitude": (-90, 90),
    "longitude": (-180, 180),
}


def _no_date(values: pa.Array) -> NDArray[np.bool_]:
    coded = pa.DictionaryArray.from_arrays(pa.array(np.arange(len(values)), pa.int32()), values)
    found = days(Table("", pa.table([coded], names=["date"])), "date")
    return np.asarray(found == NO_DAY, dtype=bool)


def _no_zone(values: pa.Array) -> NDArray[np.bool_]:
    return np.array([not _is_zone(one) for one in values.to_pylist()], dtype=bool)


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _no_currency(values: pa.Array) -> NDArray[np.bool_]:
    return np.array([one not in CURRENCIES for one in values.to_pylist()], dtype=bool)


def _no_integer(values: pa.Array) -> NDArray[np.bool_]:
    wrong = _unlike(values, "^[+-]?[0-9]+$")
    return wrong | ~(np.abs(np.nan_to_num(parse_floats(values))) < _INT53_MAX)


def _none_of(values: pa.Array, allowed: frozenset[int]) -> NDArray[np.bool_]:
    numbers = parse_floats(values)
    return ~_no_integer(values) & ~np.isin(numbers, list(allowed))


def _outside(values: pa.Array, least: float, most: float) -> NDArray[np.bool_]:
    numbers = parse_floats(values)
    return (numbers < least) | (numbers > most)


def _unlike(values: pa.Array, pattern: str) -> NDArray[np.bool_]:
    return ~_truth(pc.match_substring_regex(values, pattern))


def _truth(array: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=bool)


def _check_range(table: Table, start: str, end: str, equal: bool) -> Iterator[Finding]:
    if start not in table or end not in table:
        return
    first, last = _moments(table, start), _moments(table, end)
    known = (first != NO_DAY) & (last != NO_DAY)

    def say(position: int) -> str:
        return f"{end} is before {start}, {table.cell(start, position)}"

    rows = np.flatnonzero(known & (first > last))
    yield from tell("start_and_end_range_out_of_order", table, end, rows, message=say)
    if not equal:
        yield from tell(
            "start_and_end_range_equal",
            table,
            end,
            np.flatnonzero(known & (first == last)),
            message=f"{end} equals {start}",
        )


def _moments(table: Table, column: str) -> NDArray[np.int64]:
    """Days or seconds of a column; ``NO_DAY`` where there are none."""
    if FILES[table.name].columns[column].type == "date":
        return days(table, column)
    seconds = parse_times(table, column).astype(np.int64)
    return np.where(seconds >= 0, seconds, NO_DAY)


def check_zones(agency: Table) -> Iterator[Finding]:
    """All agencies of a feed live in one time zone."""
    if "agency_timezone" not in agency or not len(agency):
        return
    codes = agency.codes("agency_timezone")
    filled = ~agency.blank("agency_timezone")
    if not filled.any():
        return
    first = int(np.flatnonzero(filled)[0])
    others = np.flatnonzero(filled & (codes != codes[first]))
    zone = agency.cell("agency_timezone", first)
    yield from tell(
        "inconsistent_agency_timezone",
        agency,
        "agency_timezone",
        others,
        message=f"another agency of this feed lives in {zone}",
    )


def check_agency_ids(agency: Table) -> Iterator[Finding]:
    """With several agencies, each needs an id."""
    if len(agency) > 1:
        yield from tell(
            "missing_required_field",
            agency,
            "agency_id",
            np.flatnonzero(agency.blank("agency_id")),
            message="a feed of several agencies needs their ids",
        )
