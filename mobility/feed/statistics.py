"""Trip and route statistics, from int32 arrays: distance, speed, headway."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.feed.day import texts, trip_ends
from mobility.feed.geometry import distances_of
from mobility.feed.stop_events import foreign_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.feed.day import ServiceDay
    from mobility.feed.feed import Feed

HOUR_S = 3_600


def trip_statistics(feed: Feed) -> pd.DataFrame:
    """Distance, duration and speed of every trip of the feed, whatever its date.

    Returns
    -------
    DataFrame
        One row a trip of trips.txt that has stop times, in that order: trip_id, route_id,
        route_type (-1: unknown), direction_id (-1: none), service_id, shape_id, block_id, stops,
        from_stop, to_stop, depart_s, arrive_s (first departure, last arrival; -1 where the file
        gives none), distance_km, duration_s and speed_kmh (NaN where there are no times). A
        frequency's template counts once.
    """
    events, trips, stops = feed.stop_events, feed.raw["trips"], feed.raw["stops"]
    counts = np.diff(events.offsets)
    rows = np.flatnonzero(counts > 0).astype(np.int32)
    first, last = events.offsets[rows], events.offsets[rows + 1] - 1
    depart, arrive = trip_ends(feed, rows)
    timed = (depart >= 0) & (arrive >= 0)
    duration = np.where(timed, arrive - depart, np.nan)
    distance = distances_of(feed).trip_m[rows] / 1_000
    with np.errstate(divide="ignore", invalid="ignore"):
        speed = np.where(duration > 0, distance / duration * HOUR_S, np.nan)
    route = foreign_rows(trips, "route_id", feed.raw["routes"], "route_id")[rows]
    kinds = np.append(feed.raw["routes"].integers("route_type", default=-1), -1)
    ends = {"from_stop": events.stop[first], "to_stop": events.stop[last]}
    return pd.DataFrame(
        {
            "trip_id": texts(trips, "trip_id", rows),
            "route_id": texts(trips, "route_id", rows),
            "route_type": kinds[route].astype(np.int32),
            "direction_id": trips.integers("direction_id", default=-1)[rows].astype(np.int32),
            "service_id": texts(trips, "service_id", rows),
            "shape_id": texts(trips, "shape_id", rows),
            "block_id": texts(trips, "block_id", rows),
            "stops": counts[rows].astype(np.int32),
            **{name: texts(stops, "stop_id", stop) for name, stop in ends.items()},
            "depart_s": depart.astype(np.int32),
            "arrive_s": arrive.astype(np.int32),
            "distance_km": distance,
            "duration_s": duration,
            "speed_kmh": speed,
        }
    )


def route_statistics(day: ServiceDay) -> pd.DataFrame:
    """Trips, headway and speed by route, direction and hour of departure.

    A headway is the time since the last departure of the same route and direction on this service
    date, in whichever hour that was; it counts in the hour in which it ends.

    Returns
    -------
    DataFrame
        One row for each route, direction and hour with a departure, sorted by them: route_id,
        direction_id, hour (may pass 23), trips, mean_headway_s, min_headway_s, max_headway_s (NaN
        for a first departure alone), mean_speed_kmh (total distance over total time; NaN without).
    """
    from mobility.feed import _kernels

    trips = day.trips
    route, names = pd.factorize(trips["route_id"], sort=True)
    directions = trips["direction_id"].to_numpy(np.int64)
    group = route.astype(np.int64) * 3 + directions + 1
    depart = trips["depart_s"].to_numpy(np.int32)
    order = np.lexsort((depart, group))
    keys, number = np.unique(group[order], return_inverse=True)
    hours = int(depart.max()) // HOUR_S + 1 if len(depart) else 0
    count = np.zeros((len(keys), hours), np.int32)
    gaps = np.zeros((len(keys), hours), np.int32)
    total = np.zeros((len(keys), hours), np.float64)
    least = np.full((len(keys), hours), np.iinfo(np.int32).max, np.int32)
    most = np.full((len(keys), hours), -1, np.int32)
    _kernels.headways(
        number.astype(np.int32),
        np.ascontiguousarray(depart[order], np.int32),
        count,
        gaps,
        total,
        least,
        most,
    )
    ride_s, ride_km = _rides(trips, order, number, depart, count.shape)
    cell = np.nonzero(count)
    some = gaps[cell] > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(some, total[cell] / gaps[cell], np.nan)
        speed = np.where(ride_s[cell] > 0, ride_km[cell] / ride_s[cell] * HOUR_S, np.nan)
    return pd.DataFrame(
        {
            "route_id": np.asarray(names, dtype=object)[keys[cell[0]] // 3],
            "direction_id": (keys[cell[0]] % 3 - 1).astype(np.int32),
            "hour": cell[1].astype(np.int32),
            "trips": count[cell],
            "mean_headway_s": mean,
            "min_headway_s": np.where(some, least[cell], np.nan),
            "max_headway_s": np.where(some, most[cell], np.nan),
            "mean_speed_kmh": speed,
        }
    )


def _rides(
    trips: pd.DataFrame,
    order: NDArray[np.int64],
    number: NDArray[np.int64],
    depart: NDArray[np.int32],
    shape: tuple[int, ...],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Total seconds and kilometres of the trips of each group and hour."""
    flat = number * shape[1] + depart[order] // HOUR_S
    size = shape[0] * shape[1]
    ride = (trips["arrive_s"] - trips["depart_s"]).to_numpy(np.float64)[order]
    length = trips["distance_km"].to_numpy(np.float64)[order]
    sums = [np.bincount(flat, weights=one, minlength=size) for one in (ride, length)]
    ride_s, ride_km = (one.astype(np.float64).reshape(shape) for one in sums)
    return ride_s, ride_km
