"""Where it all is: routes from the feed's own shapes, depots, chargers, terminals, signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.report.page import Figure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.feed import ServiceDay
    from mobility.fleet import BlockPlan, Plan

# The longer side of the map in whole units; a line keeps what is farther than one and a half of them.
_UNITS = 20_000
_KEEP = 12.0
_EARTH_KM = 6371.0088
# Lines of one route and direction that are drawn: its most used ways.
_WAYS = 4


def map_figure(
    plan: Plan | BlockPlan | None,
    day: ServiceDay | None,
    signals: tuple[Any, ...] = (),
    links: tuple[Any, ...] = (),
) -> Figure | None:
    """Draw the day's routes, and the places of a plan and of signals; None where nothing has a place."""
    ways = _ways(day) if day is not None else _streets(signals, links)
    points = [*_fleet_points(plan), *_signal_points(signals)]
    points = [one for one in points if np.isfinite(one["lat"]) and np.isfinite(one["lon"])]
    lat = np.concatenate([*(way["lat"] for way in ways), [one["lat"] for one in points]])
    lon = np.concatenate([*(way["lon"] for way in ways), [one["lon"] for one in points]])
    if not lat.size:
        return None
    frame = _Frame.around(lat, lon)
    lines = [
        {**{key: way[key] for key in ("route", "name", "trips", "shape")}, "xy": frame.line(way)}
        for way in ways
    ]
    for one in points:
        x, y = frame.project(np.array([one["lat"]]), np.array([one["lon"]]))
        one |= {"x": int(x[0]), "y": int(y[0])}
    counts = pd.Series([one["kind"] for one in points], dtype=object).value_counts()
    named = ", ".join(
        f"{counts[kind]:,} {kind}{'s' if counts[kind] > 1 else ''}"
        for kind in ("depot", "charger", "terminal", "signal")
        if kind in counts
    )
    routes = len({way["route"] for way in ways})
    table = pd.DataFrame(points, columns=["kind", "id", "name", "lat", "lon", "says"])
    return Figure(
        "map", "map", "map", "Routes, depots and chargers" if plan is not None else "The corridor",
        (f"{routes:,} routes of the day, from the feed's shapes; " if day is not None else "")
        + f"{named or 'no places'}. Drag to move, wheel or buttons to zoom.",
        {"lines": lines, "points": points, "size": [frame.width, frame.height],
         "km": frame.units_km, "straight": sum(not way["shape"] for way in ways)},
        table,
    )  # fmt: skip


class _Frame:
    """Degrees to whole units of a flat map, x to the east, y to the south."""

    def __init__(self, south: float, west: float, north: float, east: float) -> None:
        self.west, self.north = west, north
        self.shrink = float(np.cos(np.radians((south + north) / 2)))
        wide, high = max((east - west) * self.shrink, 1e-4), max(north - south, 1e-4)
        self.scale = _UNITS / max(wide, high)
        self.width, self.height = round(wide * self.scale), round(high * self.scale)
        self.units_km = self.scale / (np.pi * _EARTH_KM / 180.0)

    @classmethod
    def around(cls, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> _Frame:
        """Make a frame that holds all points."""
        return cls(float(lat.min()), float(lon.min()), float(lat.max()), float(lon.max()))

    def project(
        self, lat: NDArray[np.float64], lon: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Degrees to units."""
        return (lon - self.west) * self.shrink * self.scale, (self.north - lat) * self.scale

    def line(self, way: dict[str, Any]) -> list[int]:
        """A line with fewer points: first point, then steps, x and y in turn."""
        import shapely

        x, y = self.project(way["lat"], way["lon"])
        kept = shapely.get_coordinates(
            shapely.simplify(shapely.linestrings(np.stack([x, y], axis=1)), _KEEP)
        )
        whole = np.rint(kept).astype(np.int64)
        return [int(one) for one in np.diff(whole, axis=0, prepend=np.zeros((1, 2), int)).ravel()]


def _ways(day: ServiceDay) -> list[dict[str, Any]]:
    """The most used ways of every route and direction: by shape, else straight from stop to stop."""
    trips = day.trips
    names = _route_names(day)
    used = (
        trips.groupby(["route_id", "direction_id", "shape_id", "from_stop", "to_stop"], sort=True)
        .agg(trips=("trip_id", "size"), row=("trip_id", lambda one: int(one.index[0])))
        .reset_index()
        .sort_values(["route_id", "direction_id", "trips"], ascending=[True, True, False])
    )
    by_shape = used["shape_id"] != ""
    used = pd.concat([used[by_shape].drop_duplicates(["route_id", "shape_id"]), used[~by_shape]])
    used = used.groupby(["route_id", "direction_id"], sort=True).head(_WAYS)
    shapes = day.feed.geo("shapes").set_index("shape_id")["geometry"]
    ways = []
    for one in used.to_dict("records"):
        line = shapes.get(one["shape_id"])
        if line is not None and not line.is_empty:
            lon, lat = np.asarray(line.coords, float).T[:2]
        else:
            lon, lat = _from_stops(day, int(one["row"]))
        if len(lon) < 2:
            continue
        route = str(one["route_id"])
        ways.append({
            "route": route, "name": names.get(route, ""), "trips": int(one["trips"]),
            "lat": lat, "lon": lon, "shape": line is not None and not line.is_empty,
        })  # fmt: skip
    return ways


def _from_stops(day: ServiceDay, row: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitudes and latitudes of a trip's stops that have a place."""
    events = day.stop_events
    stop = events.stop[events.offsets[row] : events.offsets[row + 1]]
    places = day.stops.iloc[stop[stop >= 0]]
    lon, lat = places["lon"].to_numpy(float), places["lat"].to_numpy(float)
    known = np.isfinite(lon) & np.isfinite(lat)
    return lon[known], lat[known]


def _route_names(day: ServiceDay) -> dict[str, str]:
    """Route id to its short and long name."""
    table = day.feed.tables["routes"]
    short = table.get("route_short_name", pd.Series("", table.index)).fillna("")
    long = table.get("route_long_name", pd.Series("", table.index)).fillna("")
    said = [" ".join(one for one in pair if one) for pair in zip(short, long, strict=True)]
    return dict(zip(table["route_id"].astype(str), said, strict=True))


def _fleet_points(plan: Plan | BlockPlan | None) -> list[dict[str, Any]]:
    """Depots, chargers and terminals of a plan, the terminals first so that depots lie on top."""
    if plan is None or plan.problem.stops is None:
        return []
    problem, blocks = plan.problem, plan.blocks
    stops: Any = plan.problem.stops
    stops = stops[~stops.index.duplicated()]
    trips = problem.trips["from_stop"].value_counts()
    buses = blocks.groupby("depot", observed=True)["vehicle"].nunique()
    peaks = plan.kpis["peak_kw"] or {}
    rows: list[tuple[str, str, str, str]] = []
    for stop in sorted(map(str, trips.index)):
        rows.append(("terminal", stop, stop, f"{int(trips[stop]):,} trips start here"))
    for one in problem.chargers:
        peak = f", peak {peaks[one.id]:,.0f} kW" if one.id in peaks else ""
        rows.append(
            ("charger", one.id, one.stop_id, f"{one.count} chargers of {one.kw:g} kW{peak}")
        )
    for depot in problem.depots:
        peak = f", peak {peaks[depot.id]:,.0f} kW" if depot.id in peaks else ""
        says = f"{int(buses.get(depot.id, 0)):,} buses{peak}"
        rows.append(("depot", depot.id, depot.stop_id, says))
    points = []
    for kind, name, stop, says in rows:
        if stop in stops.index:
            at: Any = stops.loc[stop]
            points.append({
                "kind": kind, "id": name, "name": str(at["name"] or stop), "says": says,
                "lat": float(at["lat"]), "lon": float(at["lon"]),
            })  # fmt: skip
    return points


def _streets(signals: tuple[Any, ...], links: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Streets from signal to signal, straight, where no feed tells how they run."""
    placed = {one.id: one for one in signals if one.lat is not None and one.lon is not None}
    pairs = sorted({tuple(sorted((one.from_signal, one.to_signal))) for one in links})
    return [
        {"route": "", "name": f"{a} to {b}", "trips": 0, "shape": False,
         "lat": np.array([placed[a].lat, placed[b].lat], float),
         "lon": np.array([placed[a].lon, placed[b].lon], float)}
        for a, b in pairs
        if a in placed and b in placed
    ]  # fmt: skip


def _signal_points(signals: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [
        {"kind": "signal", "id": one.id, "name": one.name or one.id,
         "says": f"cycle {one.cycle_s:g} s, {len(one.stages)} stages",
         "lat": float(one.lat), "lon": float(one.lon)}
        for one in signals
        if one.lat is not None and one.lon is not None
    ]  # fmt: skip
