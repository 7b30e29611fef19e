"""Tables on energy that a case may bring: measured consumption, heights of stops, temperatures.

``consumption.csv`` has ``route_id, direction_id, vehicle_type, from_s, to_s, kwh_km, p90``. A blank
cell fits anything; ``from_s <= depart_s < to_s``. Of the rows that fit a trip the one that names the
route wins, then the one that names the vehicle type, then the direction, then a time. Two rows that
name the same and overlap in time are refused, so the order of the rows never matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import ConfigError, TableError
from mobility.findings import Finding, finding
from mobility.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

COLUMNS = ("route_id", "direction_id", "vehicle_type", "from_s", "to_s", "kwh_km", "p90")
_MEND = "route_id,direction_id,vehicle_type,from_s,to_s,kwh_km,p90; blank fits anything"
# Beyond any time of a service day; keys and times share one int64.
_EVER_S = 10_000_000
_SPAN = 4 * _EVER_S
_WEIGHTS = {"route_id": 8, "vehicle_type": 4, "direction_id": 2}


@dataclass(frozen=True, eq=False)
class ConsumptionTable(Shown):
    """Measured kWh a km. ``rows`` has ``COLUMNS``, texts "" and times open where blank."""

    rows: pd.DataFrame

    def __len__(self) -> int:
        return len(self.rows)

    def kwh_km_of(
        self, trips: pd.DataFrame, vehicle_type: str, use: str = "mean"
    ) -> NDArray[np.float64]:
        """Kwh a km of each trip, NaN where no row fits; where a row has no p90 its mean serves."""
        at = self.rows_of(trips, vehicle_type)
        mean = self.rows["kwh_km"].to_numpy(float)
        high = self.rows["p90"].to_numpy(float)
        value = np.where(np.isnan(high), mean, high) if use == "p90" else mean
        return np.where(at >= 0, np.append(value, np.nan)[at], np.nan)

    def rows_of(self, trips: pd.DataFrame, vehicle_type: str) -> NDArray[np.int64]:
        """The row that is used for each trip, -1 where none fits."""
        found = np.full(len(trips), -1, np.int64)
        if not len(trips):
            return found
        own = trips.assign(vehicle_type=vehicle_type)
        depart = trips["depart_s"].to_numpy(np.int64)
        weight = _weight(self.rows)
        for pattern in np.unique(weight):  # the most exact pattern comes last and stands
            rows = np.flatnonzero(weight == pattern)
            code, wanted = _codes(pattern, self.rows.iloc[rows], own)
            begin = self.rows["from_s"].to_numpy(np.int64)[rows]
            order = np.lexsort((begin, code))
            keys = code[order] * _SPAN + begin[order]
            at = np.searchsorted(keys, wanted * _SPAN + depart, side="right") - 1
            row = rows[order][at]
            fits = (at >= 0) & (code[order][at] == wanted)
            fits &= depart < self.rows["to_s"].to_numpy(np.int64)[row]
            found = np.where(fits, row, found)
        return found


def consumption_table(
    table: pd.DataFrame,
    *,
    file: str = "consumption.csv",
    vehicle_types: Iterable[str] | None = None,
) -> ConsumptionTable:
    """Check a table of measured consumption.

    Parameters
    ----------
    table
        Columns of ``COLUMNS``; only ``kwh_km`` is needed.
    file
        Its name in findings.
    vehicle_types
        Types that there are; a row of another is a slip. None checks nothing.

    Raises
    ------
    TableError
        With one finding a bad cell (``findings``), rows counted as a spreadsheet does: an unknown or
        missing column, a figure that is no number above 0, a time that is no whole number of
        seconds, a band that ends before it starts, two rows for the same.
    """
    unknown = [name for name in table if name not in COLUMNS]
    if "kwh_km" not in table or unknown:
        wrong = f"unknown column {unknown[0]!r}" if unknown else "no column 'kwh_km'"
        raise TableError(f"{file}: {wrong}", mend=_MEND)
    found: list[Finding] = []
    rows = pd.DataFrame(index=range(len(table)))
    for name in ("route_id", "direction_id", "vehicle_type"):
        rows[name] = _text(table, name)
    for name, blank in (("from_s", -_EVER_S), ("to_s", _EVER_S)):
        mend = "whole seconds into the service day, as in 25200 for 07:00, or blank"
        values = _number(table, name, file, found, mend, low=-_EVER_S, high=_EVER_S, whole=True)
        rows[name] = np.where(np.isnan(values), blank, values).astype(np.int64)
    rows["kwh_km"] = _number(table, "kwh_km", file, found, "kWh a km, as in 1.25", needed=True)
    rows["p90"] = _number(table, "p90", file, found, "kWh a km, as in 1.55, or blank")
    known = None if vehicle_types is None else set(vehicle_types)
    for at in np.flatnonzero((rows["to_s"] <= rows["from_s"]).to_numpy()):
        found.append(_bad(file, at, "to_s", rows["to_s"][at], "a band ends after it starts"))
    if known is not None:
        strange = ~rows["vehicle_type"].isin(known | {""}).to_numpy()
        mend = f"the case has {', '.join(sorted(known))}"
        found += [_bad(file, at, "vehicle_type", rows["vehicle_type"][at], mend)
                  for at in np.flatnonzero(strange)]  # fmt: skip
    if not found:
        found = _overlaps(rows, file)
    if found:
        found.sort(key=lambda one: (one.row or 0, one.column))
        raise TableError.from_finding(*found)
    return ConsumptionTable(rows)


def read_consumption(path: Path, vehicle_types: Iterable[str] | None = None) -> ConsumptionTable:
    """Read ``consumption.csv``; see :func:`consumption_table`."""
    return consumption_table(_csv(path, _MEND), file=path.name, vehicle_types=vehicle_types)


def read_heights(path: Path) -> dict[str, float]:
    """Read heights of stops: ``stop_id, height_m``.

    Raises
    ------
    TableError
        When a column is missing, a height is no number, or a stop occurs twice.
    """
    mend = "stop_id,height_m with metres above the sea"
    table = _csv(path, mend)
    _needed(table, ("stop_id", "height_m"), path.name, mend)
    found: list[Finding] = []
    values = _number(table, "height_m", path.name, found, "metres, as in 543.5", needed=True,
                     low=-500.0, high=9000.0)  # fmt: skip
    stops = _text(table, "stop_id")
    found += [_bad(path.name, at, "stop_id", stops[at], "give every stop one height")
              for at in np.flatnonzero(pd.Series(stops).duplicated().to_numpy())]  # fmt: skip
    if found:
        raise TableError.from_finding(*found)
    return dict(zip(stops, values.tolist(), strict=True))


def read_temperatures(path: Path) -> tuple[float, ...]:
    """Read the 24 temperatures of a day: ``hour, temperature_c``; hours between are interpolated.

    Raises
    ------
    TableError
        When a column is missing, an hour is not 0 to 23 or occurs twice, or a temperature is no
        number of degrees Celsius.
    """
    mend = "hour,temperature_c with hours 0 to 23"
    table = _csv(path, mend)
    _needed(table, ("hour", "temperature_c"), path.name, mend)
    found: list[Finding] = []
    hours = _number(table, "hour", path.name, found, "0 to 23", needed=True, low=0, high=23, whole=True)  # fmt: skip
    degrees = _number(table, "temperature_c", path.name, found, "degrees Celsius, as in -3.5",
                      needed=True, low=-60.0, high=60.0)  # fmt: skip
    twice = pd.Series(hours).duplicated().to_numpy() & ~np.isnan(hours)
    found += [_bad(path.name, at, "hour", int(hours[at]), "one row an hour")
              for at in np.flatnonzero(twice)]  # fmt: skip
    if found:
        raise TableError.from_finding(*found)
    if not len(table):
        raise TableError(f"{path.name}: no rows", mend=mend)
    return tuple(np.interp(np.arange(24), hours, degrees, period=24).tolist())


def _overlaps(rows: pd.DataFrame, file: str) -> list[Finding]:
    """Rows that name the same and share a time."""
    keys = [*_WEIGHTS, "timed"]
    timed = ((rows["from_s"] > -_EVER_S) | (rows["to_s"] < _EVER_S)).astype(int)
    ordered = rows.assign(timed=timed, row=np.arange(len(rows)))
    ordered = ordered.sort_values([*keys, "from_s", "row"], kind="stable")
    same = (ordered[keys].to_numpy()[1:] == ordered[keys].to_numpy()[:-1]).all(axis=1)
    hit = same & (ordered["from_s"].to_numpy()[1:] < ordered["to_s"].to_numpy()[:-1])
    at = ordered["row"].to_numpy()
    return [
        _bad(file, max(at[one], at[one + 1]), "from_s", rows["kwh_km"][max(at[one], at[one + 1])],
             f"row {min(at[one], at[one + 1]) + 2} fits the same trips: leave one of the two")
        for one in np.flatnonzero(hit)
    ]  # fmt: skip


def _weight(rows: pd.DataFrame) -> NDArray[np.int64]:
    """How exact each row is: bits for route, vehicle type, direction, time, in this order."""
    weight = np.zeros(len(rows), np.int64)
    for name, bit in _WEIGHTS.items():
        weight += bit * (rows[name] != "").to_numpy()
    timed = (rows["from_s"] > -_EVER_S) | (rows["to_s"] < _EVER_S)
    return weight + timed.to_numpy()


def _codes(
    pattern: int, rows: pd.DataFrame, trips: pd.DataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number what a pattern names, the same for rows and trips."""
    used = [name for name, bit in _WEIGHTS.items() if pattern & bit]
    if not used:
        return np.zeros(len(rows), np.int64), np.zeros(len(trips), np.int64)
    both = pd.concat([rows[used].astype(str), trips[used].astype(str)], ignore_index=True)
    code: Any = both.groupby(used, sort=False).ngroup().to_numpy(np.int64)
    return code[: len(rows)], code[len(rows) :]


def _csv(path: Path, mend: str) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}", mend="the file's name is relative to the case"
        ) from None
    except (ValueError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: {error}", mend=mend) from None


def _needed(table: pd.DataFrame, columns: tuple[str, ...], file: str, mend: str) -> None:
    if missing := [name for name in columns if name not in table]:
        raise TableError(f"{file}: no column {missing[0]!r}", mend=mend)


def _text(table: pd.DataFrame, name: str) -> list[str]:
    if name not in table:
        return [""] * len(table)
    column = table[name].astype(object)
    return [_as_text(one) for one in column.where(column.notna(), "")]


def _as_text(value: Any) -> str:
    """Text of a cell; a whole float, as a column with blanks has them, is written without a point."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _number(
    table: pd.DataFrame, name: str, file: str, found: list[Finding], mend: str, *,
    needed: bool = False, low: float = 1e-9, high: float = 1e6, whole: bool = False,
) -> NDArray[np.float64]:  # fmt: skip
    """Numbers of a column, NaN where blank; cells that cannot be are added to ``found``."""
    texts = _text(table, name)
    blank = np.array([one in ("", "nan") for one in texts], bool)
    values = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy(float)
    bad = ~blank & ~((values >= low) & (values <= high))
    if whole:
        bad |= ~blank & (values != np.floor(values))
    if needed:
        bad |= blank
    found += [_bad(file, at, name, texts[at], mend) for at in np.flatnonzero(bad)]
    return np.where(bad | blank, np.nan, values)


def _bad(file: str, at: Any, column: str, value: object, mend: str) -> Finding:
    return finding(
        "consumption_bad_cell", file=file, row=int(at) + 2, column=column, value=value, mend=mend
    )
