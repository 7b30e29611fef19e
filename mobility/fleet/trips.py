"""Trips to plan, from whatever table they come in: sorted, typed, and refused where they cannot be."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mobility.errors import TableError
from mobility.units import DAY_S

TRIP_COLUMNS = (
    "trip_id", "route_id", "direction_id", "block_id",
    "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km", "stops", "headway",
)  # fmt: skip

# A service day's trips lie within a week of it; a time beyond is a slip, and would leave int32.
_LONGEST_S = 7 * DAY_S


def tidy_trips(trips: pd.DataFrame) -> pd.DataFrame:
    """Trips with ``TRIP_COLUMNS``, sorted by (depart_s, trip_id), whatever the input's order.

    Raises
    ------
    TableError
        When a needed column is missing, an id is missing or occurs twice, a time is no whole number
        of seconds within a week, or a distance is no number of 0 or more. Rows are counted from 0.
    """
    needed = ("trip_id", "depart_s", "arrive_s", "from_stop", "to_stop")
    if missing := [name for name in needed if name not in trips]:
        raise TableError(f"trips: no column {missing[0]!r}", mend=f"needed are {', '.join(needed)}")
    _refuse(trips, "trip_id", trips["trip_id"].isna(), "a text or a number, another for every trip")
    tidy = pd.DataFrame({"trip_id": trips["trip_id"].astype(str)})
    for name in ("route_id", "direction_id", "block_id", "from_stop", "to_stop"):
        column = trips[name] if name in trips else pd.Series("", index=trips.index)
        tidy[name] = column.astype(object).where(column.notna(), "").astype(str)
    for name in ("depart_s", "arrive_s"):
        values = pd.to_numeric(trips[name], errors="coerce").astype(float)
        bad = ~(values.abs() <= _LONGEST_S) | (values != np.floor(values))
        _refuse(trips, name, bad, "whole seconds into the service day, as in 90600 for 25:10:00")
        tidy[name] = values.astype(np.int32)
    distance = trips["distance_km"] if "distance_km" in trips else pd.Series(0.0, index=trips.index)
    kilometres = pd.to_numeric(distance, errors="coerce").astype(float)
    bad = distance.notna() & ~((kilometres >= 0) & np.isfinite(kilometres))
    _refuse(trips, "distance_km", bad, "kilometres, 0 or more, as in 12.5")
    tidy["distance_km"] = kilometres.fillna(0.0)
    stops = trips["stops"] if "stops" in trips else pd.Series(0, index=trips.index)
    tidy["stops"] = pd.to_numeric(stops, errors="coerce").fillna(0).astype(np.int32)
    headway = trips["headway"] if "headway" in trips else pd.Series(False, index=trips.index)
    tidy["headway"] = headway.fillna(False).astype(bool)
    if (tidy["arrive_s"] < tidy["depart_s"]).any():
        name = tidy[tidy["arrive_s"] < tidy["depart_s"]].iloc[0]["trip_id"]
        raise TableError(f"trips: trip {name!r} arrives before it departs")
    if tidy["trip_id"].duplicated().any():
        twice = tidy.loc[tidy["trip_id"].duplicated(), "trip_id"].iloc[0]
        raise TableError(
            f"trips: trip_id {twice!r} occurs twice", mend="give every trip its own id"
        )
    tidy = tidy.sort_values(["depart_s", "trip_id"], kind="stable", ignore_index=True)
    return tidy[list(TRIP_COLUMNS)]


def _refuse(trips: pd.DataFrame, column: str, bad: pd.Series[bool], mend: str) -> None:
    rows = np.flatnonzero(bad.to_numpy(bool))
    if rows.size:
        found = trips[column].iloc[int(rows[0])]
        raise TableError(f"trips: row {rows[0]}: {column} cannot be {found!r}", mend=mend)
