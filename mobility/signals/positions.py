"""Where vehicles are: GTFS-RT messages, tables of positions, or rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobility.errors import MissingExtra, TableError
from mobility.shown import Shown
from mobility.signals.rows import read_rows

if TYPE_CHECKING:
    from mobility.feed import ServiceDay

COLUMNS = ("vehicle", "trip", "at", "lat", "lon")  # and speed_ms, load_percent
TABLES = (".csv", ".parquet")


@dataclass(frozen=True)
class Position(Shown):
    """One vehicle's place, as a feed tells it.

    Parameters
    ----------
    at_s
        When it was measured, seconds into the service day.
    lat, lon
        Degrees.
    speed_ms
        Metres a second; NaN: not told.
    load_percent
        Of its capacity; NaN: not told.
    """

    vehicle: str
    trip: str
    at_s: float
    lat: float
    lon: float
    speed_ms: float = math.nan
    load_percent: float = math.nan


def read_positions(given: Any, day: ServiceDay) -> tuple[list[Position], float | None]:
    """Read positions, and when the message was made (seconds into the service day; None: not told).

    Parameters
    ----------
    given
        A file: protobuf, or a table (CSV, Parquet) with vehicle, trip, at (seconds into the service
        day or HH:MM:SS), lat, lon, and if known speed_ms and load_percent; the bytes of a message,
        a decoded one, or ``Position`` rows.

    Raises
    ------
    MissingExtra
        When bytes are given and gtfs-realtime-bindings is not installed.
    TableError
        When the file cannot be read, or a cell of it, or the bytes are no GTFS-RT message.
    """
    if isinstance(given, str | Path) and Path(given).suffix.lower() in TABLES:
        return _table(given), None
    if isinstance(given, str | Path):
        try:
            given = Path(given).read_bytes()
        except OSError as wrong:
            raise TableError(f"{given}: {wrong.strerror}", mend="name a file") from None
    if isinstance(given, bytes):
        given = _decoded(given)
    if not hasattr(given, "entity"):
        return list(given), None
    origin = day.origin.timestamp()
    header = float(given.header.timestamp)
    found = []
    for entity in given.entity:
        if not entity.HasField("vehicle"):
            continue
        one = entity.vehicle
        at = float(one.timestamp) or header
        trip = str(one.trip.trip_id)
        if one.trip.start_time and one.trip.start_time not in trip:
            started = f"{trip}#{one.trip.start_time}"
            if started in set(day.trips["trip_id"]):
                trip = started
        if one.trip.start_date and one.trip.start_date != day.date.strftime("%Y%m%d"):
            trip = f"{trip} of {one.trip.start_date}"
        here = one.HasField("position")
        found.append(Position(
            str(one.vehicle.id) or str(entity.id), trip, at - origin,
            float(one.position.latitude) if here else math.nan,
            float(one.position.longitude) if here else math.nan,
            float(one.position.speed) if here and one.position.HasField("speed") else math.nan,
            float(one.occupancy_percentage) if one.HasField("occupancy_percentage") else math.nan,
        ))  # fmt: skip
    return found, header - origin if header else None


def _table(path: str | Path) -> list[Position]:
    table = read_rows(path, COLUMNS)
    found = []
    for row, cells in table:
        vehicle, trip = (table.text(row, cells, name) for name in ("vehicle", "trip"))
        at = table.seconds(row, cells, "at")
        lat, lon = (table.number(row, cells, name) for name in ("lat", "lon"))
        speed, load = (table.number(row, cells, name, least=0, blank=math.nan)
                       for name in ("speed_ms", "load_percent"))  # fmt: skip
        if None not in {vehicle, trip, at, lat, lon, speed, load}:
            found.append(Position(vehicle or "", trip or "", float(at or 0), lat or 0.0, lon or 0.0,
                                  speed or 0.0, load or 0.0))  # fmt: skip
    table.refuse_bad()
    return found


def _decoded(data: bytes) -> Any:
    try:
        from google.protobuf.message import DecodeError
        from google.transit import gtfs_realtime_pb2
    except ImportError:
        raise MissingExtra("gtfs-realtime-bindings is not installed",
                           mend="pip install 'mobility-engine[realtime]'") from None  # fmt: skip
    message = gtfs_realtime_pb2.FeedMessage()
    try:
        message.ParseFromString(data)
    except DecodeError as wrong:
        raise TableError(f"no GTFS-RT message: {wrong}", mend="give a FeedMessage") from None
    return message
