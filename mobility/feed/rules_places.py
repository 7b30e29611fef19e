"""Rules on places: where stops are, and how shapes and trips measure their way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mobility.feed.rules_tell import tell
from mobility.feed.stop_events import foreign_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from mobility.feed.rules_times import Trips
    from mobility.feed.tables import Table
    from mobility.findings import Finding

_NEAR_ORIGIN_DEG = 1.0
_EARTH_M = 6_371_000.0
# What the canonical validator forgives between the ends of a trip and of its shape.
_FORGIVEN_M = 11.1


def check_places(trips: Trips) -> Iterator[Finding]:
    """Judge stops, shapes, and how far trips run along them."""
    stops = trips.feed.raw["stops"]
    if len(stops):
        yield from _check_stops(stops)
        yield from _check_calls(trips, stops)
    shapes = trips.feed.raw.get("shapes")
    if shapes is not None and len(shapes) and "shape_dist_traveled" in shapes:
        order = _in_order(shapes)
        yield from _check_shape_distances(shapes, order)
        yield from _check_trip_distances(trips, shapes, order)


def _check_stops(stops: Table) -> Iterator[Finding]:
    kind = stops.integers("location_type")
    for column in ("stop_lat", "stop_lon"):
        unplaced = (kind <= 2) & stops.blank(column)
        yield from tell("stop_without_location", stops, column, np.flatnonzero(unplaced))
    lat, lon = stops.floats("stop_lat"), stops.floats("stop_lon")
    near = (np.abs(lat) < _NEAR_ORIGIN_DEG) & (np.abs(lon) < _NEAR_ORIGIN_DEG)
    yield from tell("point_near_origin", stops, "stop_lat", np.flatnonzero(near))


def _check_calls(trips: Trips, stops: Table) -> Iterator[Finding]:
    called = np.zeros(len(stops), dtype=bool)
    called[trips.events.stop[trips.events.stop >= 0]] = True
    yield from tell(
        "location_with_unexpected_stop_time",
        stops,
        "location_type",
        np.flatnonzero(called & (stops.integers("location_type") != 0)),
    )


def _in_order(shapes: Table) -> NDArray[np.int64]:
    """Rows of shapes.txt that have a distance, by shape and sequence."""
    rows = np.flatnonzero(np.isfinite(shapes.floats("shape_dist_traveled")))
    if "shape_id" not in shapes:
        return rows[:0]
    sequence = shapes.integers("shape_pt_sequence")[rows]
    return rows[np.lexsort((sequence, shapes.codes("shape_id")[rows]))]


def _check_shape_distances(shapes: Table, order: NDArray[np.int64]) -> Iterator[Finding]:
    shape = shapes.codes("shape_id")[order] if len(order) else order
    distance = shapes.floats("shape_dist_traveled")[order]
    back = 1 + np.flatnonzero((shape[1:] == shape[:-1]) & (distance[1:] < distance[:-1]))
    yield from tell("decreasing_shape_distance", shapes, "shape_dist_traveled", order[back])


def _check_trip_distances(
    trips: Trips, shapes: Table, order: NDArray[np.int64]
) -> Iterator[Finding]:
    table = trips.stop_times
    if "shape_dist_traveled" not in table or not len(order) or not len(trips.used):
        return
    # The last point of each shape is the last of its run in `order`.
    shape = shapes.codes("shape_id")[order]
    end = np.full(len(shapes.values("shape_id")), -1, np.int64)
    end[shape] = order
    of_trip = foreign_rows(trips.table, "shape_id", shapes, "shape_id")[trips.used]
    point = np.where(of_trip >= 0, end[shapes.codes("shape_id")[of_trip]], -1)
    ran = table.floats("shape_dist_traveled")[trips.rows(trips.last)]
    length = np.where(point >= 0, shapes.floats("shape_dist_traveled")[point], np.nan)
    over = np.flatnonzero(ran > length)
    if not len(over):
        return
    stops = trips.feed.raw["stops"]
    stop = trips.events.stop[trips.last[over]]
    apart = _metres(
        stops.floats("stop_lat")[stop],
        stops.floats("stop_lon")[stop],
        shapes.floats("shape_pt_lat")[point[over]],
        shapes.floats("shape_pt_lon")[point[over]],
    )
    far = (stop >= 0) & (apart >= _FORGIVEN_M)
    rows = trips.rows(trips.last[over])
    lengths = dict(zip(rows.tolist(), length[over].tolist(), strict=True))

    def say(position: int) -> str:
        trip = table.cell("trip_id", position)
        return f"trip {trip!r} runs farther than its shape, which is {lengths[position]:g} long"

    for code, chosen in (
        ("trip_distance_exceeds_shape_distance", far),
        ("trip_distance_exceeds_shape_distance_below_threshold", ~far),
    ):
        yield from tell(code, table, "shape_dist_traveled", rows[chosen], message=say)


def _metres(
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
    other_lat: NDArray[np.float64],
    other_lon: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Crow-flight metres, haversine."""
    a, b = np.radians(lat), np.radians(other_lat)
    half = np.sin((b - a) / 2) ** 2
    half += np.cos(a) * np.cos(b) * np.sin(np.radians(other_lon - lon) / 2) ** 2
    return np.asarray(2 * _EARTH_M * np.arcsin(np.sqrt(np.clip(half, 0, 1))))
