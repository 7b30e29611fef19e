"""Taps as arrays: one card, one second, and codes of whatever else the tariff asks about.

A tap that cannot be settled (no card, no time, an id for the second time) is told in a finding and
left out; the others keep their rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import TableError
from mobility.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Callable

    from mobility.fares.problem import Tariff

# Columns of taps: names of ours, and what they are called elsewhere.
ATTRIBUTES = {
    "mode": "mode", "route_id": "route", "stop_id": "stop", "to_stop_id": "to_stop", "zone": "zone",
    "to_zone": "to_zone", "zones": "zones", "network": "network", "category": "category",
    "medium": "medium",
}  # fmt: skip
KINDS = {"on": 0, "off": 1, "void": 2}
# TIDES fare_transactions (tides-transit.org): its columns and fare actions in our words.
TIDES = {
    "token_id": "card", "event_timestamp": "time", "transaction_id": "tap_id", "num_riders": "riders",
    "rider_category": "category", "fare_media_id": "medium", "fare_action": "kind",
}  # fmt: skip
TIDES_ACTIONS = {
    "enter": "on", "transfer entrance": "on", "exit": "off", "transfer exit": "off", "void": "void",
    "reversal": "void",
}  # fmt: skip
_OFFSET = re.compile(r"(Z|[+-]\d{2}:?\d{2})$")
# Times outside 1990-2057 are no times of taps.
_FIRST_S, _LAST_S = 631_152_000, 2_777_000_000
_UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@dataclass
class Taps:
    """Columns of taps. Arrays are read only; ``good`` are the rows to settle, None for all."""

    count: int
    card: np.ndarray  # int64: the card itself, or its code
    time: np.ndarray  # int64, ``unit`` of them a second
    unit: int
    codes: dict[str, np.ndarray] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)
    kind: np.ndarray | None = None  # int8
    riders: np.ndarray | None = None  # int32
    to_time: np.ndarray | None = None  # int64 epoch seconds, or _NO_TIME
    rank: np.ndarray | None = None  # int64: order of tap_id, where ids are not in input order
    card_names: pd.Index | None = None  # name of a card code, where cards are no integers
    good: np.ndarray | None = None  # rows that can be settled
    findings: list[Finding] = field(default_factory=list)

    def seconds(self) -> np.ndarray:
        """Epoch seconds."""
        return self.time if self.unit == 1 else self.time // self.unit

    def take(self, rows: np.ndarray) -> Taps:
        """These taps alone."""

        def part(one: np.ndarray | None) -> np.ndarray | None:
            return None if one is None else frozen(one[rows])

        return Taps(
            count=len(rows),
            card=frozen(self.card[rows]),
            time=frozen(self.time[rows]),
            unit=self.unit,
            codes={name: frozen(one[rows]) for name, one in self.codes.items()},
            values=self.values,
            kind=part(self.kind),
            riders=part(self.riders),
            to_time=part(self.to_time),
            rank=part(self.rank),
            card_names=self.card_names,
        )


def frozen(values: np.ndarray) -> np.ndarray:
    """A contiguous array that nothing writes to: what kernels are compiled for."""
    view = np.ascontiguousarray(values).view()
    view.flags.writeable = False
    return view


def taps_of(
    table: pd.DataFrame,
    tariff: Tariff,
    *,
    wanted: set[str],
    file: str = "",
    row_of: Callable[[int], int] | None = None,
) -> Taps:
    """Read the columns of a table that a tariff asks about.

    Parameters
    ----------
    wanted
        Attributes to read (``mode``, ``route`` ...); the others are left alone.
    file, row_of
        Where the table comes from, for findings: the file's row of a row of the table; by default rows
        count from 1.

    Raises
    ------
    TableError
        When there is no column ``card`` or ``time``, or a column is of a type that cannot be read.
    """
    table = from_tides(table)
    for name in ("card", "time"):
        if name not in table:
            raise TableError(
                f"{file or 'taps'}: no column {name!r}",
                mend=f"columns are {', '.join(map(str, table.columns))}",
            )
    where = _Where(file, row_of or (lambda at: at + 1), [])
    card, no_card, names = _cards(table["card"])
    time, unit, no_time = _times(table["time"], tariff, where)
    taps = Taps(len(table), frozen(card), frozen(time), unit, card_names=names)
    bad = _mark(no_card, no_time, where)
    for column, name in ATTRIBUTES.items():
        if name in wanted and column in table:
            taps.codes[name], taps.values[name] = codes_of(table[column])
    if "kind" in table:
        taps.kind, unknown = _kinds(table["kind"])
        bad = _bad(bad, unknown, "unknown_tap_kind", "kind", table["kind"], where)
    if "riders" in table:
        taps.riders, wrong = _riders(table["riders"])
        bad = _bad(bad, wrong, "wrong_rider_count", "riders", table["riders"], where)
    if "to_time" in table:
        ends, end_unit, no_end = _times(table["to_time"], tariff, where)
        seconds = ends // end_unit
        if no_end is not None:
            seconds[no_end] = NO_TIME
        taps.to_time = frozen(seconds)
    if "tap_id" in table:
        taps.rank, twice = _ranks(table["tap_id"])
        bad = _bad(bad, twice, "duplicate_tap_id", "tap_id", table["tap_id"], where)
    bad = _known(taps, tariff, table, bad, where)
    if bad is not None:
        taps.good = np.flatnonzero(~bad)
    taps.findings = where.found
    return taps


NO_TIME = -(2**40)


@dataclass
class _Where:
    file: str
    row_of: Callable[[int], int]
    found: list[Finding]

    def tell(self, code: str, rows: np.ndarray, column: str, value: object = "") -> None:
        """One finding for all rows that show it."""
        self.found.append(
            finding(
                code, file=self.file, row=self.row_of(int(rows[0])), column=column, value=value,
                count=len(rows),
            )
        )  # fmt: skip


def from_tides(table: pd.DataFrame) -> pd.DataFrame:
    """TIDES ``fare_transactions`` in our words; other tables as they are."""
    if "card" in table or not {"token_id", "event_timestamp"} <= set(table.columns):
        return table
    renamed = table.rename(columns=TIDES)
    if "kind" in renamed:
        words = renamed["kind"].astype("string").str.lower()
        renamed["kind"] = words.map(TIDES_ACTIONS).fillna(words)
    return renamed


def codes_of(column: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Codes of a column's values, -1 where there is none, and the values as text."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        values = [str(one) for one in column.cat.categories]
    elif pd.api.types.is_integer_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        codes, found = pd.factorize(column)
        values = [str(one) for one in found]
    else:
        import pyarrow as pa

        try:
            array = pa.array(column, pa.string(), from_pandas=True)
        except (pa.ArrowException, TypeError):
            array = pa.array([None if pd.isna(one) else str(one) for one in column], pa.string())
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        array = array.dictionary_encode()
        codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        values = array.dictionary.to_pylist()
        if "" in values:  # an empty cell says nothing
            codes = np.where(codes == values.index(""), -1, codes)
    if codes.dtype.itemsize == 8:
        codes = codes.astype(np.int32)
    return frozen(codes), values


def _cards(column: pd.Series) -> tuple[np.ndarray, np.ndarray | None, pd.Index | None]:
    """Card of each tap, which have none, and the names of codes."""
    missing = column.isna().to_numpy() if column.hasnans else None
    if pd.api.types.is_integer_dtype(column.dtype):
        if missing is None:
            if column.dtype == np.uint64:
                return column.to_numpy().view(np.int64), None, None
            return column.to_numpy(np.int64), None, None
        return column.fillna(0).to_numpy(np.int64), missing, None
    codes, values = codes_of(column)
    missing = codes < 0
    return codes.astype(np.int64), missing if missing.any() else None, pd.Index(values)


def _times(
    column: pd.Series, tariff: Tariff, where: _Where
) -> tuple[np.ndarray, int, np.ndarray | None]:
    """Times, how many of them a second has, and which are missing."""
    if pd.api.types.is_bool_dtype(column.dtype):
        raise TableError(f"{where.file or 'taps'}: {column.name} is a column of truth values")
    if pd.api.types.is_integer_dtype(column.dtype):
        missing = column.isna().to_numpy() if column.hasnans else None
        times = column.fillna(0) if missing is not None else column
        seconds, unit = times.to_numpy(np.int64), 1
    elif pd.api.types.is_float_dtype(column.dtype):
        missing = column.isna().to_numpy()
        seconds, unit = np.floor(column.fillna(0)).to_numpy().astype(np.int64), 1
    else:
        stamps = column
        if not pd.api.types.is_datetime64_any_dtype(column.dtype):
            stamps = _parse(column, where)
        if getattr(stamps.dt, "tz", None) is None:
            stamps = _localise(stamps, tariff, where)
        missing = stamps.isna().to_numpy() if stamps.hasnans else None
        stamps = stamps.dt.tz_convert("UTC").dt.tz_localize(None)
        values = stamps.to_numpy()
        unit = _UNITS[np.datetime_data(values.dtype)[0]]
        seconds = values.view(np.int64)
        if missing is not None:
            seconds = np.where(missing, 0, seconds)
    return seconds, unit, missing if missing is not None and missing.any() else None


def _parse(column: pd.Series, where: _Where) -> pd.Series:
    """Times written as text: epoch seconds, or ISO 8601 with or without an offset."""
    text = column.astype("string").str.strip()
    given = text.dropna()
    if len(given) and given.head(1_000).str.fullmatch(r"\d+").all():
        seconds = pd.to_numeric(text, errors="coerce").astype("Int64")
        parsed: Any = pd.to_datetime(seconds, unit="s", utc=True)
    else:
        aware = bool(given.head(1_000).map(lambda one: bool(_OFFSET.search(one))).all())
        parsed = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=aware)
    wrong = (parsed.isna() & text.notna() & (text != "")).to_numpy()
    if wrong.any():
        rows = np.flatnonzero(wrong)
        where.tell("invalid_tap_time", rows, str(column.name), text.iloc[rows[0]])
    return pd.Series(parsed, index=column.index, name=column.name)


def _localise(stamps: pd.Series, tariff: Tariff, where: _Where) -> pd.Series:
    """Local times of the tariff's zone: one in the gap of spring is none, one of two is the first."""
    zone = tariff.timezone
    first = np.ones(len(stamps), np.bool_)
    local = stamps.dt.tz_localize(zone, ambiguous=first, nonexistent="NaT")
    gap = (local.isna() & stamps.notna()).to_numpy()
    if gap.any():
        rows = np.flatnonzero(gap)
        where.tell("tap_time_in_gap", rows, str(stamps.name), stamps.iloc[rows[0]])
    second = stamps.dt.tz_localize(zone, ambiguous=~first, nonexistent="NaT")
    twice = (local.notna() & (local != second)).to_numpy()
    if twice.any():
        rows = np.flatnonzero(twice)
        where.tell("tap_time_ambiguous", rows, str(stamps.name), stamps.iloc[rows[0]])
    return pd.Series(local)


def _mark(
    no_card: np.ndarray | None, no_time: np.ndarray | None, where: _Where
) -> np.ndarray | None:
    bad = None
    for missing, code, column in (
        (no_card, "tap_without_card", "card"),
        (no_time, "tap_without_time", "time"),
    ):
        if missing is not None:
            told = any(one.column == column and one.severity == "error" for one in where.found)
            if not told:  # a time that could not be read has its own finding
                where.tell(code, np.flatnonzero(missing), column)
            bad = missing if bad is None else bad | missing
    return bad


def _bad(
    bad: np.ndarray | None,
    more: np.ndarray | None,
    code: str,
    column: str,
    values: pd.Series,
    where: _Where,
) -> np.ndarray | None:
    if more is None or not more.any():
        return bad
    rows = np.flatnonzero(more)
    where.tell(code, rows, column, values.iloc[rows[0]])
    return more if bad is None else bad | more


def _kinds(column: pd.Series) -> tuple[np.ndarray | None, np.ndarray | None]:
    codes, values = codes_of(column)
    known = np.array([KINDS.get(one.strip().lower(), -1) for one in values] + [0], np.int8)
    kinds = known[codes]  # -1, an empty cell, is the last: a tap-on
    unknown = kinds < 0
    if not kinds.any():
        return None, None
    return frozen(np.where(unknown, np.int8(0), kinds)), unknown


def _riders(column: pd.Series) -> tuple[np.ndarray | None, np.ndarray | None]:
    numbers = pd.to_numeric(column, errors="coerce")
    blank = column.isna() | (column.astype("string") == "")
    wrong = ((numbers.isna() & ~blank) | (numbers < 1) | (numbers > 1_000)).to_numpy(np.bool_)
    whole = numbers.fillna(1).to_numpy(np.float64)
    wrong |= whole != np.floor(whole)
    riders = np.where(wrong, 1, whole).astype(np.int32)
    if not wrong.any() and (riders == 1).all():
        return None, None
    return frozen(riders), wrong


def _ranks(column: pd.Series) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Order of the ids where it is not the input's, and which stand for the second time."""
    integers = pd.api.types.is_integer_dtype(column.dtype) and not column.hasnans
    if integers:
        ids = column.to_numpy(np.int64)
        if len(ids) < 2 or bool((ids[1:] > ids[:-1]).all()):
            return None, None
    twice = (column.duplicated() & column.notna()).to_numpy()
    if integers:
        return frozen(ids), twice
    codes, values = codes_of(column)
    order = np.empty(len(values) + 1, np.int64)
    order[np.argsort(np.array(values, dtype=str), kind="stable")] = np.arange(len(values))
    order[-1] = len(values)  # without an id: after those with one, in input order
    return frozen(order[codes]), twice


def _known(
    taps: Taps, tariff: Tariff, table: pd.DataFrame, bad: np.ndarray | None, where: _Where
) -> np.ndarray | None:
    """Routes and stops that the tariff's feed does not have; times that are no times of taps."""
    for name, column, known, code in (
        ("route", "route_id", tariff.known_routes, "unknown_route"),
        ("stop", "stop_id", tariff.known_stops, "unknown_stop"),
        ("to_stop", "to_stop_id", tariff.known_stops, "unknown_stop"),
    ):
        if known is None or column not in table:
            continue
        codes, values = (
            (taps.codes[name], taps.values[name]) if name in taps.codes else codes_of(table[column])
        )
        strange = np.array([one not in known for one in values] + [False], np.bool_)
        if strange.any():
            bad = _bad(bad, strange[codes], code, column, table[column], where)
    if taps.count:
        low, high = int(taps.time.min()), int(taps.time.max())
        if low < _FIRST_S * taps.unit or high > _LAST_S * taps.unit:
            wrong = (taps.time < _FIRST_S * taps.unit) | (taps.time > _LAST_S * taps.unit)
            if bad is not None:
                wrong &= ~bad
            bad = _bad(bad, wrong, "tap_time_out_of_range", "time", table["time"], where)
    return bad
