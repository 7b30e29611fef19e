"""Places and lengths: stops as points, shapes as lines, how far every trip runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.feed.stop_events import foreign_rows
from mobility.feed.tables import spread

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from mobility.feed.feed import Feed
    from mobility.feed.tables import Table

# Streets are about 1.3 times as long as the crow flies (Ballou, Rahardja, Sakai 2002: 1.2 to 1.4
# in most countries; 1.3 is the usual planning figure).
CROW_FACTOR = 1.3
# A stop farther than this from its shape is not on it.
OFF_SHAPE_M = 1_000.0
# A stop lies beside the line, so a way may seem this much shorter than the crow flies.
SHORTEST = 0.95
# Both directions of a street lie about this far apart.
NEAR_M = 25.0

# How a trip's distance came about.
SHAPE, DISTANCE_COLUMN, CROW, NOWHERE = 0, 1, 2, 3
_UNITS_M = {"m": 1.0, "km": 1_000.0, "mi": 1_609.344, "ft": 0.3048}

_KEPT: WeakKeyDictionary[Feed, Distances] = WeakKeyDictionary()


@dataclass(frozen=True)
class Distances:
    """How far trips run.

    Parameters
    ----------
    trip_m
        Metres of each trip of ``trips.txt``; 0 where nothing is known.
    source
        How each came about: ``SHAPE``, ``DISTANCE_COLUMN`` (``shape_dist_traveled`` of
        stop_times.txt in a unit found by comparison), ``CROW`` (x ``CROW_FACTOR``), ``NOWHERE``.
    along
        How far from the trip's first stop each stop event lies: ``shape_dist_traveled`` in its own
        unit where the whole trip has it and it never falls, else crow-flight metres.
    unit
        The unit of ``shape_dist_traveled``, as it was found; empty where it was not.
    """

    trip_m: NDArray[np.float64]
    source: NDArray[np.int8]
    along: NDArray[np.float64]
    unit: str


def stop_places(feed: Feed) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude of each stop, degrees; NaN where it has no place.

    A stop without coordinates stands where its parent station does. A coordinate out of range, or
    within a degree of 0/0, is none.
    """
    stops = feed.raw["stops"]
    lat, lon = _places(stops, "stop_lat", "stop_lon")
    parent = foreign_rows(stops, "parent_station", stops, "stop_id")
    for _ in range(2):  # a boarding area lies on a platform, which lies in a station
        lost = np.isnan(lat) & (parent >= 0)
        lat[lost], lon[lost] = lat[parent[lost]], lon[parent[lost]]
    return lat, lon


def unit_vectors(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Degrees to points of the unit sphere, n x 3; NaN stays NaN."""
    phi, lam = np.radians(lat), np.radians(lon)
    flat = np.cos(phi)
    return np.ascontiguousarray(
        np.stack([flat * np.cos(lam), flat * np.sin(lam), np.sin(phi)], axis=1), np.float64
    )


def distances_of(feed: Feed) -> Distances:
    """Return how far every trip of the feed runs, worked out once a feed."""
    if feed not in _KEPT:
        _KEPT[feed] = _measure(feed)
    return _KEPT[feed]


def geo(feed: Feed, what: Literal["stops", "shapes"]) -> gpd.GeoDataFrame:
    """Stops as points or shapes as lines, EPSG:4326; what has no place has an empty geometry.

    Raises
    ------
    ConfigError
        When something else is asked for.
    """
    import geopandas as gpd
    import shapely

    if what == "stops":
        lat, lon = stop_places(feed)
        return gpd.GeoDataFrame(
            feed.tables["stops"].copy(), geometry=gpd.points_from_xy(lon, lat), crs="EPSG:4326"
        )
    if what != "shapes":
        raise ConfigError(f"no geometry of {what!r}", mend="ask for stops or shapes")
    shapes = _Shapes.read(feed)
    group = np.repeat(np.arange(len(shapes.ids)), np.diff(shapes.offsets))
    placed = ~np.isnan(shapes.lat)
    enough = np.bincount(group[placed], minlength=len(shapes.ids)) > 1
    use = placed & enough[group]
    lines = shapely.linestrings(
        np.stack([shapes.lon[use], shapes.lat[use]], axis=1),
        indices=np.cumsum(enough)[group[use]] - 1,
    )
    geometry = np.full(len(shapes.ids), shapely.LineString(), dtype=object)
    geometry[enough] = lines
    return gpd.GeoDataFrame({"shape_id": shapes.ids}, geometry=list(geometry), crs="EPSG:4326")


@dataclass(frozen=True)
class _Shapes:
    """The points of shapes.txt, sorted; shape ``s`` has ``offsets[s]:offsets[s + 1]``."""

    ids: list[str]
    offsets: NDArray[np.int32]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    dist: NDArray[np.float64]
    codes: dict[str, int]

    @classmethod
    def read(cls, feed: Feed) -> _Shapes:
        from mobility.feed import _kernels

        table = feed.raw.get("shapes")
        none = np.zeros(0)
        if table is None or not len(table) or "shape_id" not in table:
            return cls([], np.zeros(1, np.int32), none, none, none, {})
        ids = table.values("shape_id").to_pylist()
        sequence = np.clip(table.integers("shape_pt_sequence"), -(2**31) + 1, 2**31 - 1)
        offsets = np.zeros(len(ids) + 1, np.int32)
        order = np.empty(len(table), np.int32)
        _kernels.order_events(
            _own(table.codes("shape_id")), sequence.astype(np.int32), offsets, order
        )
        lat, lon = _places(table, "shape_pt_lat", "shape_pt_lon")
        dist = table.floats("shape_dist_traveled")[order]
        codes = {one: row for row, one in enumerate(ids)}
        return cls(ids, offsets, lat[order], lon[order], dist, codes)


def _places(
    table: Table, lat_column: str, lon_column: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lat, lon = table.floats(lat_column).copy(), table.floats(lon_column).copy()
    with np.errstate(invalid="ignore"):
        good = (np.abs(lat) <= 90) & (np.abs(lon) <= 180)
        good &= (np.abs(lat) > 1) | (np.abs(lon) > 1)
    lat[~good] = np.nan
    lon[~good] = np.nan
    return lat, lon


def _own(array: NDArray[np.int32]) -> NDArray[np.int32]:
    """Copy, so that kernels meet one kind of array: numba compiles read-only ones separately."""
    return np.array(array, np.int32)


def _measure(feed: Feed) -> Distances:
    from mobility.feed import _kernels

    events = feed.stop_events
    xyz = unit_vectors(*stop_places(feed))
    along = np.empty(len(events), np.float64)
    offsets, stop = _own(events.offsets), _own(events.stop)
    _kernels.measure_paths(offsets, stop, xyz, along)

    counts = np.diff(offsets)
    rows = np.flatnonzero(counts > 1)
    first, last = offsets[rows], offsets[rows + 1] - 1
    crow = along[last]
    trip_m = np.zeros(len(counts))
    source = np.full(len(counts), NOWHERE, np.int8)
    trip_m[rows] = crow * CROW_FACTOR
    source[rows] = np.where(crow > 0, CROW, NOWHERE)

    travelled = _travelled(feed)
    unit = ""
    if travelled is not None:
        along = np.where(_sound(travelled, events.trip, len(counts))[events.trip], travelled, along)
        ridden = travelled[last] - np.where(np.isnan(travelled[first]), 0.0, travelled[first])
        unit = _unit(ridden, crow)
        if unit:
            metres = ridden * _UNITS_M[unit]
            fits = (metres >= crow * SHORTEST) & (metres > 0)
            trip_m[rows[fits]] = metres[fits]
            source[rows[fits]] = DISTANCE_COLUMN

    on_shape = _along_shapes(feed, rows, stop[first], stop[last], xyz, crow)
    fits = on_shape > 0
    trip_m[rows[fits]] = on_shape[fits]
    source[rows[fits]] = SHAPE
    return Distances(trip_m, source, along, unit)


def _travelled(feed: Feed) -> NDArray[np.float64] | None:
    table = feed.raw["stop_times"]
    if "shape_dist_traveled" not in table:
        return None
    return table.floats("shape_dist_traveled")[feed.stop_events.position]


def _sound(
    travelled: NDArray[np.float64], trip: NDArray[np.int32], trips: int
) -> NDArray[np.bool_]:
    """Whether each trip has a distance at every event, and none that falls."""
    bad = np.isnan(travelled)
    bad[1:] |= (np.diff(travelled) < 0) & (np.diff(trip) == 0)
    faults = np.bincount(trip[bad], minlength=trips)
    return np.asarray(faults == 0)


def _unit(ridden: NDArray[np.float64], crow: NDArray[np.float64]) -> str:
    """Name the unit in which trips are 1 to 1.6 times as long as the crow flies; "" without one."""
    known = np.isfinite(ridden) & (ridden > 0) & (crow > 500)
    if not known.any():
        return ""
    per_metre = float(np.median(ridden[known] / crow[known]))
    fits = [name for name, metres in _UNITS_M.items() if 0.99 <= per_metre * metres <= 1.6]
    return fits[0] if len(fits) == 1 else ""


def _along_shapes(
    feed: Feed,
    rows: NDArray[np.int64],
    start: NDArray[np.int32],
    end: NDArray[np.int32],
    xyz: NDArray[np.float64],
    crow: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Metres of its shape that each trip covers; NaN where it has none or does not lie on it.

    No way is shorter than the crow flies from stop to stop. Where the part of the shape between
    the trip's ends is, as on a ring that closes on itself, the whole shape is meant; where that is
    too short as well, the shape is not this trip's.
    """
    from mobility.feed import _kernels

    out = np.full(len(rows), np.nan)
    shapes, trips = _Shapes.read(feed), feed.raw["trips"]
    if not shapes.ids or "shape_id" not in trips:
        return out
    code = [shapes.codes.get(one, -1) for one in trips.values("shape_id").to_pylist()]
    shape = spread(np.array(code, np.int32), trips.codes("shape_id"), fill=-1)[rows]
    placed = np.isfinite(xyz[:, 0])
    usable = (shape >= 0) & (start >= 0) & (end >= 0)
    usable &= placed[start] & placed[end] & (np.diff(shapes.offsets) > 1)[shape]
    at = np.flatnonzero(usable)
    if not len(at):
        return out
    points = _without_gaps(unit_vectors(shapes.lat, shapes.lon))
    along = np.empty(len(points))
    _kernels.measure_paths(shapes.offsets, np.arange(len(points), dtype=np.int32), points, along)
    # Many trips share one shape between the same two stops: each such case is placed once.
    cases, which = np.unique(
        np.stack([shape[at], start[at], end[at]], axis=1), axis=0, return_inverse=True
    )
    cases = np.ascontiguousarray(cases.T, np.int32)
    place = np.empty((cases.shape[1], 4))
    _kernels.place_on_shapes(
        cases[0], cases[1], cases[2], xyz, shapes.offsets, points, along, NEAR_M, place
    )
    whole = along[shapes.offsets[cases[0] + 1] - 1]
    off = (place[:, 2] > OFF_SHAPE_M) | (place[:, 3] > OFF_SHAPE_M)
    case, least = which.ravel(), crow[at] * SHORTEST
    covered, whole = (place[:, 1] - place[:, 0])[case], whole[case]
    metres = np.where(covered >= least, covered, np.where(whole >= least, whole, np.nan))
    out[at] = np.where(off[case], np.nan, metres)
    return out


def _without_gaps(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points without a place take the place of the one before (the first: of the one after)."""
    frame = pd.DataFrame(points).ffill().bfill()
    return np.array(frame.to_numpy(np.float64), order="C")  # its own, as pandas locks its views
