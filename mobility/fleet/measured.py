"""Measured running times and delays: whole days of them stand in for invented traffic."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import ConfigError, TableError
from mobility.findings import Finding, finding
from mobility.fleet.replay import DRIVE
from mobility.shown import Shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem
    from mobility.fleet.replay import Replay

    Floats = NDArray[np.float64]

_COLUMNS = ("trip_id", "stop_sequence", "date", "arrive_s", "depart_s")
# TIDES (v1.0, stop_visits): what stands for each of ours.
_TIDES = {
    "trip_id": "trip_id_performed", "stop_sequence": "stop_sequence", "date": "service_date",
    "arrive_s": "actual_arrival_time", "depart_s": "actual_departure_time",
}  # fmt: skip
_MEND = "columns trip_id, stop_sequence, date, arrive_s, depart_s, or a TIDES stop_visits"
# A trip that took less than a quarter or more than four times its time is a slip of the clock.
_LEAST, _MOST = 0.25, 4.0


@dataclass(frozen=True, eq=False)
class Measured(Shown):
    """Running times and departures of a problem's trips, day by day.

    Parameters
    ----------
    dates
        Measured days, ascending.
    ratio
        (trips, days) running time over the planned one; 1 where a trip was not measured whole.
    depart_late_s
        (trips, days) delay at the first stop, never negative; 0 where unknown.
    known
        (trips, days) whether it was measured.
    source
        The file.
    dropped
        Trips of a day that were measured but not used: partly seen, or beyond belief.
    """

    dates: tuple[str, ...]
    ratio: Floats
    depart_late_s: Floats
    known: NDArray[np.bool_]
    source: str
    dropped: int = 0

    def __str__(self) -> str:
        return f"{len(self.dates):,} measured days of {self.source}"

    def notes(self) -> tuple[str, ...]:
        """What stands on measurements, in sentences."""
        seen = (
            f"{len(self.dates):,} days of {self.source}, {self.known.mean():.0%} of the trips seen "
            f"({self.dropped:,} left out), the others run as planned"
        )
        late = "measured for the first trip after a pull-out; later ones follow from running times"
        return (
            f"running times of trips: measured, whole days at a time; {seen}",
            f"delays at departure: {late}",
        )

    def rows_of(self, replay: Replay) -> NDArray[np.int32]:
        """Row of ``ratio`` of every leg; -1 of what is no trip."""
        return np.asarray(replay.legs.trip, np.int32)

    def held_s(self, rows: NDArray[np.int32], replay: Replay) -> Floats:
        """(trips, days) delay that a trip begins with: only of the first one after a pull-out."""
        held = np.zeros_like(self.depart_late_s)
        kinds = replay.blocks["kind"].tolist()
        legs = replay.legs
        before = ""
        for leg in range(legs.kind.size):
            if legs.kind[leg] != DRIVE:
                continue
            if rows[leg] >= 0 and before == "pull-out":
                held[rows[leg]] = self.depart_late_s[rows[leg]]
            before = kinds[int(legs.row[leg])]
        return held


def read_measured(path: str | Path, problem: Problem) -> Measured:
    """Read measured times of a problem's trips.

    Parameters
    ----------
    path
        A CSV file with ``trip_id, stop_sequence, date, arrive_s, depart_s`` (seconds into the service
        day), or a TIDES ``stop_visits`` file (``service_date, trip_id_performed, stop_sequence,
        actual_arrival_time, actual_departure_time``); a ``trips_performed`` file beside it says which
        scheduled trip each was.

    Raises
    ------
    TableError
        When a column is missing, a cell cannot be read, or no trip of the problem was measured.
    ConfigError
        When the file cannot be read.
    """
    place = Path(path)
    table = _csv(place)
    tides = set(_TIDES.values()) <= set(table.columns)
    if tides:
        table = table.rename(columns={there: here for here, there in _TIDES.items()})
        table = _scheduled(table, place)
    for name in _COLUMNS:
        if name not in table:
            raise TableError(f"{place.name}: no column {name!r}", mend=_MEND)
    visits = _numbers(table, place.name, problem.timezone if tides else None)
    return _of(visits, problem, place.name)


def _csv(place: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(place, dtype=str, keep_default_na=False, skipinitialspace=True)
    except OSError as error:
        raise ConfigError(f"{place}: {error.strerror}", mend="name a CSV file") from None
    except (ValueError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise TableError(f"{place}: {error}", mend=_MEND) from None


def _scheduled(table: pd.DataFrame, place: Path) -> pd.DataFrame:
    """Name the scheduled trip where a ``trips_performed`` file says it."""
    for suffix in (".csv", ".txt"):
        other = place.with_name(f"trips_performed{suffix}")
        if not other.exists():
            continue
        named = _csv(other)
        if not {"trip_id_performed", "trip_id_scheduled"} <= set(named.columns):
            continue
        scheduled = dict(zip(named["trip_id_performed"], named["trip_id_scheduled"], strict=True))
        return table.assign(trip_id=[scheduled.get(one) or one for one in table["trip_id"]])
    return table


def _numbers(table: pd.DataFrame, file: str, timezone: str | None) -> pd.DataFrame:
    """Seconds and dates; cells that cannot be are refused together."""
    found: list[Finding] = []
    date = pd.to_datetime(table["date"], errors="coerce", format="ISO8601")
    told: dict[str, Any] = {"trip_id": table["trip_id"], "date": date.dt.strftime("%Y-%m-%d")}
    bad = {"date": date.isna().to_numpy(), "trip_id": (table["trip_id"] == "").to_numpy()}
    sequence = pd.to_numeric(table["stop_sequence"], errors="coerce")
    bad["stop_sequence"] = (sequence.isna() | (sequence < 0) | (sequence % 1 != 0)).to_numpy()
    told["stop_sequence"] = sequence
    for name in ("arrive_s", "depart_s"):
        blank = table[name].isin(["", "NA", "NaN"]).to_numpy()
        if timezone is None:
            seconds = pd.to_numeric(table[name], errors="coerce").to_numpy(float)
        else:
            seconds = _into_day(table[name], date, timezone)
        bad[name] = ~blank & ~(np.abs(seconds) <= 3 * 86_400)
        told[name] = seconds
    for name, wrong in bad.items():
        found += [
            finding(
                "measured_bad_cell",
                file=file,
                row=int(at) + 2,
                column=name,
                value=table[name].iloc[at],
            )
            for at in np.flatnonzero(wrong)[:100]
        ]
    if found:
        raise TableError.from_finding(*found)
    return pd.DataFrame(told)


def _into_day(cells: pd.Series, date: pd.Series, timezone: str) -> Floats:
    """Seconds after noon less 12 hours of the service day; times without an offset are local."""
    zone = timezone or "UTC"
    told = cells.astype(str).str.strip()
    aware = told.str.contains(r"(?:[zZ]|[+-]\d{2}:?\d{2})$", regex=True)
    when = pd.Series(pd.NaT, index=cells.index, dtype="datetime64[ns, UTC]")
    when[aware] = pd.to_datetime(told[aware], utc=True, errors="coerce", format="ISO8601")
    local = pd.to_datetime(told[~aware], errors="coerce", format="ISO8601")
    # In the hour that comes twice, the first; in the one that is left out, its end.
    first = np.ones(len(local), bool)
    local = local.dt.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    when[~aware] = local.dt.tz_convert("UTC")
    noon = (date + pd.Timedelta(hours=12)).dt.tz_localize(
        zone, ambiguous="NaT", nonexistent="shift_forward"
    )
    away = when - noon.dt.tz_convert("UTC")
    return np.asarray(away.dt.total_seconds() + 43_200.0, np.float64)


def _of(visits: pd.DataFrame, problem: Problem, source: str) -> Measured:
    """Running time from the first stop to the last of every trip that was seen from end to end."""
    row = {one: at for at, one in enumerate(problem.trips["trip_id"])}
    mine = visits[visits["trip_id"].isin(row)].sort_values(
        ["trip_id", "date", "stop_sequence"], kind="stable"
    )
    if mine.empty:
        raise TableError(f"{source}: none of its trips is one of the problem's",
                         mend="trip_id as in the feed")  # fmt: skip
    ends = mine.groupby("trip_id")["stop_sequence"].agg(["min", "max"])
    pair = ["trip_id", "date"]
    first, last = (mine.drop_duplicates(pair, keep=one) for one in ("first", "last"))
    runs = first[[*pair, "stop_sequence", "depart_s"]].rename(columns={"stop_sequence": "low"})
    runs = runs.assign(high=last["stop_sequence"].to_numpy(), arrive_s=last["arrive_s"].to_numpy())
    at = runs["trip_id"].map(row).to_numpy(np.int64)
    dates = tuple(sorted(runs["date"].unique()))
    day = np.searchsorted(np.array(dates), runs["date"].to_numpy(str))
    whole = (
        (runs["low"].to_numpy() == ends["min"].reindex(runs["trip_id"]).to_numpy())
        & (runs["high"].to_numpy() == ends["max"].reindex(runs["trip_id"]).to_numpy())
        & (runs["low"] < runs["high"]).to_numpy()
        & runs["depart_s"].notna().to_numpy() & runs["arrive_s"].notna().to_numpy()
    )  # fmt: skip
    planned = np.maximum(problem.arrive_s - problem.depart_s, 1).astype(float)[at]
    share = (runs["arrive_s"] - runs["depart_s"]).to_numpy(float) / planned
    whole &= (share >= _LEAST) & (share <= _MOST)
    if not whole.any():
        raise TableError(
            f"{source}: no trip was measured from its first stop to its last", mend=_MEND
        )
    shape = (len(row), len(dates))
    ratio, late, known = np.ones(shape), np.zeros(shape), np.zeros(shape, bool)
    ratio[at[whole], day[whole]] = share[whole]
    behind = runs["depart_s"].to_numpy(float) - problem.depart_s[at]
    late[at[whole], day[whole]] = np.maximum(behind[whole], 0.0)
    known[at[whole], day[whole]] = True
    return Measured(dates, ratio, late, known, source, int((~whole).sum()))
