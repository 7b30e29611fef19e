"""What the sample builders share: places, shapes, timetables, and one way of writing files.

Everything is deterministic: no clock, no random number, fixed order, LF line ends, UTF-8.
Times are integer seconds into the service day; distances are kilometres along the shape.
"""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import dataclass, field
from itertools import pairwise
from math import asin, atan2, cos, degrees, hypot, radians, sin, sqrt
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

HERE = Path(__file__).resolve().parent
EARTH_KM = 6371.0088
HEADINGS = {"E": (90, -1, 0), "S": (180, 0, -1), "W": (270, 1, 0), "N": (0, 0, 1)}
PLATFORM_OFFSET = 0.00012  # degrees, about 12 m: the kerb on the right-hand side

COLUMNS = {
    "agency": "agency_id agency_name agency_url agency_timezone agency_lang",
    "stops": "stop_id stop_name stop_lat stop_lon",
    "routes": "route_id agency_id route_short_name route_long_name route_type route_color",
    "trips": "route_id service_id trip_id trip_headsign direction_id block_id shape_id",
    "stop_times": "trip_id arrival_time departure_time stop_id stop_sequence shape_dist_traveled",
    "shapes": "shape_id shape_pt_lat shape_pt_lon shape_pt_sequence shape_dist_traveled",
    "calendar": (
        "service_id monday tuesday wednesday thursday friday saturday sunday start_date end_date"
    ),
    "calendar_dates": "service_id date exception_type",
    "frequencies": "trip_id start_time end_time headway_secs exact_times",
    "transfers": "from_stop_id to_stop_id transfer_type min_transfer_time",
    "feed_info": (
        "feed_publisher_name feed_publisher_url feed_lang"
        " feed_start_date feed_end_date feed_version"
    ),
}


@dataclass(frozen=True)
class Place:
    """Somewhere on a street; a terminal has one platform, other places one for each heading."""

    id: str
    name: str
    lat: float
    lon: float
    terminal: bool = False


@dataclass(frozen=True)
class Stop:
    """A platform on a line's way, or a point that the line only passes (``passed``)."""

    id: str
    name: str
    lat: float
    lon: float
    passed: bool = False


@dataclass
class Sample:
    """The tables of one feed; rows are dictionaries, missing columns are written blank."""

    tables: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    def add(self, table: str, **row: object) -> None:
        """Append a row."""
        self.tables.setdefault(table, []).append(row)

    def add_calendar(self, service_id: str, week: str) -> None:
        """Append a service of all 2025; ``week`` is seven digits, Monday first."""
        days = COLUMNS["calendar"].split()[1:8]
        self.add(
            "calendar",
            service_id=service_id,
            **dict(zip(days, week, strict=True)),
            start_date="20250101",
            end_date="20251231",
        )

    def add_feed_info(self, publisher_url: str, language: str) -> None:
        """Say who made the feed, and that it is synthetic."""
        self.add(
            "feed_info",
            feed_publisher_name="mobility-engine samples (synthetic)",
            feed_publisher_url=publisher_url,
            feed_lang=language,
            feed_start_date="20250101",
            feed_end_date="20251231",
            feed_version="1",
        )

    def add_stop(self, stop: Stop) -> None:
        """Append a stop unless it is there already."""
        rows = self.tables.setdefault("stops", [])
        if all(row["stop_id"] != stop.id for row in rows):
            self.add(
                "stops",
                stop_id=stop.id,
                stop_name=stop.name,
                stop_lat=f"{stop.lat:.5f}",
                stop_lon=f"{stop.lon:.5f}",
            )

    def add_shape(self, shape_id: str, way: Sequence[Stop]) -> list[float]:
        """Append the polyline through all of ``way``; its distance at every point, in km."""
        along = distances_km(way)
        for at, (point, km) in enumerate(zip(way, along, strict=True), start=1):
            self.add(
                "shapes",
                shape_id=shape_id,
                shape_pt_lat=f"{point.lat:.5f}",
                shape_pt_lon=f"{point.lon:.5f}",
                shape_pt_sequence=at,
                shape_dist_traveled=f"{km:.3f}",
            )
        return along

    def add_trip(
        self,
        trip_id: str,
        way: Sequence[Stop],
        along: Sequence[float],
        depart_s: int,
        speed_kmh: Callable[[int, Stop, Stop], float],
        **trip: object,
    ) -> int:
        """Append a trip and its stop times, at ``speed_kmh(now_s, from, to)``; its arrival."""
        self.add("trips", trip_id=trip_id, **trip)
        now, sequence = float(depart_s), 0
        for at, stop in enumerate(way):
            if at:
                now += 3600 * (along[at] - along[at - 1]) / speed_kmh(int(now), way[at - 1], stop)
            if stop.passed:
                continue
            sequence += 1
            self.add(
                "stop_times",
                trip_id=trip_id,
                arrival_time=clock(round(now)),
                departure_time=clock(round(now)),
                stop_id=stop.id,
                stop_sequence=sequence,
                shape_dist_traveled=f"{along[at]:.3f}",
            )
        return round(now)

    def add_headway(self, trip_id: str, start: str, end: str, headway_s: int) -> None:
        """Let a trip run every ``headway_s``, without exact times."""
        self.add(
            "frequencies",
            trip_id=trip_id,
            start_time=f"{start}:00",
            end_time=f"{end}:00",
            headway_secs=headway_s,
            exact_times=0,
        )

    def write(self, folder: Path) -> None:
        """Write each table that has rows to ``folder``."""
        for table, columns in COLUMNS.items():
            if rows := self.tables.get(table):
                names = columns.split()
                write(
                    folder / f"{table}.txt",
                    csv_text(names, ([row.get(name, "") for name in names] for row in rows)),
                )


def platform(place: Place, before: Place | None, after: Place | None) -> Stop:
    """Give the platform that a vehicle uses when it comes from ``before`` and goes to ``after``."""
    if place.terminal:
        return Stop(place.id, place.name, place.lat, place.lon)
    heading = _heading(before or place, after or place)
    _, north, east = HEADINGS[heading]
    return Stop(
        f"{place.id}{heading}",
        f"{place.name} ({heading})",
        place.lat + north * PLATFORM_OFFSET,
        place.lon + east * PLATFORM_OFFSET,
    )


def platforms(places: Sequence[Place], passed: Iterable[str] = ()) -> list[Stop]:
    """Turn a line's places into its way: platforms, and centre-line points for ``passed`` ids."""
    only = set(passed)
    ends = [None, *places, None]
    return [
        Stop(place.id, place.name, place.lat, place.lon, passed=True)
        if place.id in only
        else platform(place, ends[at], ends[at + 2])
        for at, place in enumerate(places)
    ]


def distance_km(a: Place | Stop, b: Place | Stop) -> float:
    """Great-circle distance."""
    lat_a, lat_b = radians(a.lat), radians(b.lat)
    half = sin((lat_b - lat_a) / 2) ** 2
    half += cos(lat_a) * cos(lat_b) * sin(radians(b.lon - a.lon) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(half))


def distances_km(way: Sequence[Stop]) -> list[float]:
    """Running distance along a polyline, starting at 0."""
    along = [0.0]
    for a, b in pairwise(way):
        along.append(along[-1] + distance_km(a, b))
    return along


def every(bands: Iterable[tuple[str, str, float]], shift_min: float = 0) -> list[int]:
    """Departures on whole minutes from ``(from, until, headway in minutes)`` bands in order."""
    found: list[int] = []
    due = 0.0
    for start, end, headway in bands:
        due = max(due, seconds(start) / 60 + shift_min)
        while due < seconds(end) / 60:
            found.append(60 * int(due))
            due += headway
    return found


def seconds(text: str) -> int:
    """``"25:10"`` to seconds."""
    hours, minutes = text.split(":")
    return 3600 * int(hours) + 60 * int(minutes)


def clock(value: int) -> str:
    """Seconds to ``25:10:00``."""
    return f"{value // 3600:02d}:{value // 60 % 60:02d}:{value % 60:02d}"


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Lay a table out as GTFS wants it."""
    buffer = io.StringIO()
    out = csv.writer(buffer, lineterminator="\n")
    out.writerow(columns)
    out.writerows(rows)
    return buffer.getvalue()


def write(path: Path, text: str) -> None:
    """Write UTF-8 with LF, through a temporary name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, "utf-8", newline="\n")
    temporary.replace(path)


def out_folder(name: str) -> Path:
    """Where to write: beside the builders, or the folder given on the command line."""
    return (Path(sys.argv[1]) if len(sys.argv) > 1 else HERE) / name


def _heading(a: Place, b: Place) -> str:
    north = b.lat - a.lat
    east = (b.lon - a.lon) * cos(radians(a.lat))
    if hypot(north, east) == 0:
        return "E"
    angle = degrees(atan2(east, north)) % 360
    return min(HEADINGS, key=lambda one: abs((angle - HEADINGS[one][0] + 180) % 360 - 180))
