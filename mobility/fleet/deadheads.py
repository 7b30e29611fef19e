"""Empty runs: from a table of directed, timed pairs, and crow-flight where a pair is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import TableError
from mobility.fleet.problem import UNREACHABLE_S, Deadheads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

EARTH_M = 6_371_008.8  # mean radius, IUGG
# Beyond this many places one speed serves all day: the tables by hour would not fit in memory.
_MANY_PLACES = 1200


@dataclass(frozen=True)
class Speeds:
    """Speed of empty runs, km/h, by band; ``from_s[0]`` reaches back."""

    from_s: NDArray[np.int32]
    kmh: NDArray[np.float64]


@dataclass(frozen=True)
class Filled:
    """The tables, and how many pairs (directed, between different places) had to be assumed."""

    deadheads: Deadheads
    assumed_pairs: int
    given_pairs: int
    without_location: tuple[str, ...]


def in_service_speeds(trips: pd.DataFrame, fallback_kmh: float = 18.0) -> Speeds:
    """The feed's own speed in service, by hour of departure: km of all trips over their hours.

    An hour with fewer than five trips takes the day's mean. Speeds are rounded to 0.5 km/h and
    equal neighbours become one band.
    """
    hours = (trips["depart_s"] // 3600).to_numpy()
    duration_h = ((trips["arrive_s"] - trips["depart_s"]) / 3600.0).to_numpy()
    km = trips["distance_km"].to_numpy(float)
    usable = (duration_h > 0) & (km > 0) & (km / np.maximum(duration_h, 1e-9) < 120)
    if not usable.any():
        return Speeds(np.zeros(1, np.int32), np.array([fallback_kmh]))
    mean = km[usable].sum() / duration_h[usable].sum()
    low, high = int(hours.min()), int(hours.max())
    kmh = []
    for hour in range(low, high + 1):
        here = usable & (hours == hour)
        own = km[here].sum() / duration_h[here].sum() if here.sum() >= 5 else mean
        kmh.append(max(round(2 * float(own)) / 2, 3.0))
    starts = [0] + [at for at in range(1, len(kmh)) if kmh[at] != kmh[at - 1]]
    from_s = np.array([(low + at) * 3600 for at in starts], np.int32)
    return Speeds(from_s, np.array([kmh[at] for at in starts]))


def fill(
    places: Sequence[str],
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
    *,
    table: pd.DataFrame | None,
    speeds: Speeds | None,
    factor: float,
) -> Filled:
    """Make the tables of all places.

    Parameters
    ----------
    places, lat, lon
        One a place; NaN where the location is unknown: it then counts as lying in the middle of
        the others.
    table
        from_stop, to_stop, time_s, distance_km, optional from_s, to_s (seconds into the day).
    speeds
        For pairs the table does not have; None leaves them unreachable.
    factor
        Road distance over crow-flight.
    """
    count = len(places)
    unknown = ~(np.isfinite(lat) & np.isfinite(lon))
    lost = tuple(place for place, is_lost in zip(places, unknown, strict=True) if is_lost)
    if speeds is not None and count > _MANY_PLACES:
        speeds = Speeds(np.zeros(1, np.int32), np.array([float(np.median(speeds.kmh))]))
    given = _given_rows(table, list(places))
    starts = {0} | set() if given is None else {0, *given["from_s"], *given["to_s"]}
    if speeds is not None:
        starts |= set(speeds.from_s[1:].tolist())
    from_s = np.array(sorted(one for one in starts if one < 10 * 86_400), np.int32)

    time_s = np.full((from_s.size, count, count), UNREACHABLE_S, np.int32)
    metres = np.zeros((1, count, count), np.int32)
    if speeds is not None:
        crow = _crow_metres(
            np.where(unknown, _middle(lat), lat), np.where(unknown, _middle(lon), lon)
        )
        road = np.ceil(crow * factor)
        metres[0] = road.astype(np.int32)
        at = np.maximum(np.searchsorted(speeds.from_s, from_s, side="right") - 1, 0)
        for band, kmh in enumerate(speeds.kmh[at]):
            time_s[band] = np.ceil(road / (kmh / 3.6)).astype(np.int32)
    pairs = np.zeros((count, count), bool)
    if given is not None and len(given):
        metres = np.repeat(metres, from_s.size, axis=0)
        row: Any  # pandas types a row's cells as anything
        for row in given.itertuples(index=False):
            bands = (from_s >= row.from_s) & (from_s < row.to_s)
            time_s[bands, row.origin, row.target] = row.time_s
            metres[bands, row.origin, row.target] = row.metres
            pairs[row.origin, row.target] = True
        if (metres == metres[:1]).all():
            metres = np.ascontiguousarray(metres[:1])
    same = np.arange(count)
    time_s[:, same, same] = 0
    metres[:, same, same] = 0
    between = count * (count - 1)
    given_pairs = int(pairs.sum() - pairs[same, same].sum())
    return Filled(
        Deadheads(tuple(places), from_s, time_s, metres),
        assumed_pairs=between - given_pairs if speeds is not None else 0,
        given_pairs=given_pairs,
        without_location=lost if speeds is not None else (),
    )


# Longer than any empty run; times and distances are kept in int32.
_LONGEST_S = 10 * 86_400.0
_LONGEST_M = 1e7
_EVER_S = 1e9


def _given_rows(table: pd.DataFrame | None, places: list[str]) -> pd.DataFrame | None:
    """The table's rows between known places, as whole seconds, metres and rows; a later row wins."""
    if table is None:
        return None
    needed = ("from_stop", "to_stop", "time_s", "distance_km")
    if missing := [name for name in needed if name not in table]:
        raise TableError(f"deadheads: no column {missing[0]!r}",
                         mend=f"needed are {', '.join(needed)}; from_s, to_s are optional")  # fmt: skip
    row = {place: at for at, place in enumerate(places)}
    rows = pd.DataFrame(
        {
            "origin": table["from_stop"].astype(str).map(row),
            "target": table["to_stop"].astype(str).map(row),
            "time_s": pd.to_numeric(table["time_s"], errors="coerce"),
            "metres": pd.to_numeric(table["distance_km"], errors="coerce") * 1000.0,
            "from_s": _seconds(table, "from_s", 0),
            "to_s": _seconds(table, "to_s", 10 * 86_400),
        }
    )
    for name, shown, least, most in (
        ("time_s", "time_s", 0.0, _LONGEST_S),
        ("metres", "distance_km", 0.0, _LONGEST_M),
        ("from_s", "from_s", -_EVER_S, _EVER_S),
        ("to_s", "to_s", -_EVER_S, _EVER_S),
    ):
        fits = (rows[name] >= least) & (rows[name] <= most)
        if not fits.all():
            at = int(np.flatnonzero(~fits.to_numpy())[0])
            raise TableError(
                f"deadheads: row {at + 2}: {shown} cannot be {table[shown].iloc[at]!r}",
                mend="seconds (25200 for 07:00) and kilometres as numbers, 0 or more",
            )
    if (rows["from_s"] >= rows["to_s"]).any():
        at = int(np.flatnonzero((rows["from_s"] >= rows["to_s"]).to_numpy())[0])
        raise TableError(
            f"deadheads: row {at + 2}: from_s is not before to_s", mend="from_s <= leaving < to_s"
        )
    rows = rows.dropna(subset=["origin", "target"])
    rows["time_s"] = np.ceil(rows["time_s"])
    rows["metres"] = np.round(rows["metres"])
    # Sorted by all columns, so that the order of the file's rows changes nothing.
    return rows.astype(np.int64).sort_values(
        ["origin", "target", "from_s", "to_s", "time_s", "metres"], ignore_index=True
    )


def _seconds(table: pd.DataFrame, name: str, default: int) -> pd.Series[float]:
    """Seconds of a column that may be missing or blank; NaN where a cell is no number."""
    if name not in table:
        return pd.Series(float(default), index=table.index)
    cells = table[name]
    blank = cells.isna() | (cells.astype(str).str.strip() == "")
    return pd.to_numeric(cells, errors="coerce").astype(float).mask(blank, float(default))


def _crow_metres(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Great-circle distances by the haversine formula, all pairs."""
    phi, theta = np.radians(lat), np.radians(lon)
    across = np.sin((phi[:, None] - phi[None, :]) / 2) ** 2
    along = np.sin((theta[:, None] - theta[None, :]) / 2) ** 2
    half = across + np.cos(phi)[:, None] * np.cos(phi)[None, :] * along
    distances: NDArray[np.float64] = 2 * EARTH_M * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return distances


def _middle(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else 0.0
