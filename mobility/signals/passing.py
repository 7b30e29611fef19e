"""Lines of a service day past a list of signals: where on the line, and when each of its buses."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mobility.signals.street import Street, plane, side, turn_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.feed import ServiceDay
    from mobility.signals.corridor_signals import ListedSignal

# GTFS route types, basic and extended, of what runs in the street: tram, bus, trolleybus, coach;
# -1: a route whose type nobody knows.
STREET = {-1, 0, 3, 5, 11, 800, *range(200, 210), *range(700, 717), *range(900, 907)}


@dataclass(frozen=True)
class Passing:
    """A signal on a line, so far along; ``approach`` is the side of the compass it is met from."""

    signal: str
    along_m: float
    approach: str
    movement: str


@dataclass(frozen=True, eq=False)
class LineAt:
    """Trips of one route and direction with one shape and one row of stops.

    Parameters
    ----------
    trips
        Ids, in order of departure.
    stops
        Ids; the same for all trips.
    stop_m
        How far along each stop lies; never falls.
    arrive_s, depart_s
        Trip x stop.
    crow
        The line has no shape: it runs straight from stop to stop.
    """

    route_id: str
    direction_id: int
    trips: tuple[str, ...]
    promised: tuple[bool, ...]
    stops: tuple[str, ...]
    stop_m: NDArray[np.float64]
    arrive_s: NDArray[np.int32]
    depart_s: NDArray[np.int32]
    passings: tuple[Passing, ...]
    crow: bool = False

    def neighbours(self) -> list[tuple[Passing, Passing]]:
        """Signals that are passed one after the other."""
        return list(pairwise(self.passings))

    def stops_between(self, from_m: float, to_m: float) -> list[tuple[str, float, list[float]]]:
        """(stop, how far along, dwell of every trip) between two places."""
        return [
            (self.stops[k], float(self.stop_m[k]), (self.depart_s - self.arrive_s)[:, k].tolist())
            for k in np.flatnonzero((self.stop_m >= from_m) & (self.stop_m < to_m))
        ]

    def rows(self) -> list[tuple[object, ...]]:
        """One row a bus at a signal; between stops a bus runs evenly."""
        found: list[tuple[object, ...]] = []
        for one in self.passings:
            k = int(np.searchsorted(self.stop_m, one.along_m, side="right")) - 1
            part = (one.along_m - self.stop_m[k]) / (self.stop_m[k + 1] - self.stop_m[k])
            left, reached = self.depart_s[:, k], self.arrive_s[:, k + 1]
            times = np.round(left + part * (reached - left)).astype(int)
            found += [
                (one.signal, int(at), self.route_id, self.direction_id, trip, one.approach,
                 one.movement, promised, self.stops[k], self.stops[k + 1])
                for at, trip, promised in zip(times, self.trips, self.promised, strict=True)
            ]  # fmt: skip
        return found


def lines_of(
    day: ServiceDay, signals: list[ListedSignal], near_m: float, route_id: str
) -> tuple[list[LineAt], dict[str, float]]:
    """Give the lines that pass any signal, and how near a route comes to each, metres.

    A line counts from its first stop to its last: what its shape passes before or after is no
    passing.
    """
    around = (float(np.mean([one.lat for one in signals])),
              float(np.mean([one.lon for one in signals])))  # fmt: skip
    points = plane(
        np.array([one.lat for one in signals]), np.array([one.lon for one in signals]), around
    )
    shapes = shapes_of(day, around)
    stop_ids = np.array(day.stops.index, dtype=object)
    places = plane(day.stops["lat"].to_numpy(float), day.stops["lon"].to_numpy(float), around)
    place_of = dict(zip(stop_ids, places, strict=True))
    names = day.feed.raw["stops"].text("stop_id")
    events = day.stop_events
    groups: dict[tuple[str, int, str, bytes], list[int]] = defaultdict(list)
    types = day.trips["route_type"].to_numpy()
    keys = zip(day.trips["route_id"], day.trips["direction_id"], day.trips["shape_id"], strict=True)
    for trip, (route, direction, shape) in enumerate(keys):
        row = events.stop[events.offsets[trip] : events.offsets[trip + 1]]
        if int(types[trip]) in STREET and len(row) > 1:
            groups[str(route), int(direction), str(shape), row.tobytes()].append(trip)
    found: list[LineAt] = []
    nearest: dict[str, float] = {}
    for (route, direction, shape, _), trips in sorted(groups.items(), key=lambda one: one[1][0]):
        first = trips[0]
        row = events.stop[events.offsets[first] : events.offsets[first + 1]]
        ids = tuple(str(names[k]) if k >= 0 else "" for k in row)
        stops = np.array([place_of.get(one, np.full(2, np.nan)) for one in ids])
        street, crow = shapes.get(shape), shape not in shapes
        if street is None:
            street = Street.of(stops)
        if street is None:
            continue
        if route == route_id:
            for signal, point in zip(signals, points, strict=True):
                away = float(street.near(point)[1].min())
                nearest[signal.id] = min(away, nearest.get(signal.id, away))
        if not _comes_near(street, points, near_m):
            continue
        at = street.place(stops)
        passings = _passings(street, at, signals, points, near_m)
        if not passings:
            continue
        spans = [slice(events.offsets[one], events.offsets[one + 1]) for one in trips]
        found.append(LineAt(
            route, direction, tuple(day.trips["trip_id"].iloc[trips]),
            tuple(bool(one) for one in day.trips["headway"].iloc[trips]), ids, at,
            np.array([events.arrive_s[one] for one in spans]),
            np.array([events.depart_s[one] for one in spans]), passings, crow,
        ))  # fmt: skip
    return found, nearest


def shapes_of(day: ServiceDay, around: tuple[float, float]) -> dict[str, Street]:
    """The day's shapes on the plane, in the order of their points."""
    table = day.feed.raw.get("shapes")
    if table is None or not len(table) or "shape_id" not in table:
        return {}
    ids = np.array(table.text("shape_id"), dtype=object)
    xy = plane(table.floats("shape_pt_lat"), table.floats("shape_pt_lon"), around)
    order = np.lexsort((table.integers("shape_pt_sequence"), table.codes("shape_id")))
    codes = table.codes("shape_id")[order]
    starts = np.flatnonzero(np.r_[True, np.diff(codes) != 0])
    wanted = set(day.trips["shape_id"])
    found = {}
    for start, end in pairwise([*starts, len(codes)]):
        name = str(ids[order[start]])
        street = Street.of(xy[order[start:end]]) if name in wanted else None
        if street is not None:
            found[name] = street
    return found


def _comes_near(street: Street, points: NDArray[np.float64], near_m: float) -> bool:
    """Whether any place lies in the street's bounding box, with a margin."""
    low, high = street.xy.min(axis=0) - near_m, street.xy.max(axis=0) + near_m
    return bool(((points >= low) & (points <= high)).all(axis=1).any())


def _passings(
    street: Street,
    stop_m: NDArray[np.float64],
    signals: list[ListedSignal],
    points: NDArray[np.float64],
    near_m: float,
) -> tuple[Passing, ...]:
    found = []
    for signal, point in zip(signals, points, strict=True):
        for along, _ in street.passes(point, near_m):
            if stop_m[0] <= along < stop_m[-1]:
                before, after = street.heading(along)
                approach = side((before + 180) % 360)
                found.append(Passing(signal.id, along, approach, turn_of(before, after)))
    return tuple(sorted(found, key=lambda one: (one.along_m, one.signal)))
