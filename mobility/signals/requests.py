"""Requests from GTFS-RT: where a bus is on its route, how late, and when it will be at each signal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.errors import ConfigError
from mobility.findings import finding
from mobility.shown import Shown
from mobility.signals.corridor_signals import ListedSignal
from mobility.signals.passing import lines_of, shapes_of
from mobility.signals.positions import Position, read_positions
from mobility.signals.streams import Asked
from mobility.signals.street import Street, plane
from mobility.signals.timetable import DWELL_CV, DWELL_S, FREE_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from mobility.feed import ServiceDay
    from mobility.findings import Finding
    from mobility.signals.passing import LineAt, Passing
    from mobility.signals.problem import Network

STALE_S = 30.0  # older positions ask for nothing
HORIZON_S = 120.0  # signals farther ahead than this are asked later
NEAR_M = 40.0  # of the route's shape, else the bus is off its route
AT_STOP_M = 20.0  # nearer than this to a stop it may stand there
RUN_CV = 0.2  # of the time between stops, assumed
SURE = 1.28  # standard deviations on either side of the mean: 80 % of a normal window
MOVES_MS = 1.0  # slower buses stand: their speed says nothing of the time to come
CAPACITY = 80.0  # people in a full bus, for feeds that give percent; assumed


@dataclass(frozen=True)
class Requests(Shown):
    """Requests, in order of vehicle and window; iterating gives them, so control takes it as it is.

    Parameters
    ----------
    findings
        Positions that were left out, and why.
    positions
        Vehicles that were told of.
    elsewhere
        Of these, on trips that pass no signal of the network.
    now_s
        Seconds into the service day.
    """

    asked: tuple[Asked, ...]
    findings: tuple[Finding, ...] = ()
    positions: int = 0
    elsewhere: int = 0
    now_s: float = 0.0

    def __iter__(self) -> Iterator[Asked]:
        return iter(self.asked)

    def __len__(self) -> int:
        return len(self.asked)

    def __str__(self) -> str:
        vehicles = len({one.id for one in self.asked})
        return (f"{self.positions:,} positions: {len(self.asked):,} requests of {vehicles:,} vehicles, "
                f"{self.elsewhere:,} pass no signal, {len(self.findings):,} cannot be used")  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "now_s": self.now_s, "positions": self.positions, "elsewhere": self.elsewhere,
            "requests": [
                {name: value for name, value in vars(one).items() if name != "leaves"}
                for one in self.asked
            ],
            "findings": [one.to_dict() for one in self.findings],
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Run:
    """One trip on its street."""

    line: LineAt
    street: Street
    row: int


class Routes(Shown):
    """The day's trips past a network's signals; made once, used for every message.

    Raises
    ------
    ConfigError
        When no signal of the network has a place.
    """

    def __init__(self, network: Network, day: ServiceDay, *, near_m: float = 30.0) -> None:
        listed = [ListedSignal(one.id, float(one.lat), float(one.lon))
                  for one in network.intersections
                  if one.lat is not None and one.lon is not None]  # fmt: skip
        if not listed:
            raise ConfigError("no signal of the network has a place", mend="lat and lon of signals")
        self.network, self.day = network, day
        self.around = (float(np.mean([one.lat for one in listed])),
                       float(np.mean([one.lon for one in listed])))  # fmt: skip
        self.known = set(day.trips["trip_id"]) | set(day.trips["template_trip_id"])
        tram = day.trips["route_type"].isin([0, *range(900, 907)])
        self.trams = set(day.trips.loc[tram, "trip_id"])
        self.people = {(one.route_id, one.direction_id): one.occupancy
                       for one in network.bus_routes}  # fmt: skip
        self.dwell = {one.stop_id: (one.dwell_mean_s, one.dwell_sd_s) for one in network.bus_stops}
        shapes = shapes_of(day, self.around)
        shape_of = dict(zip(day.trips["trip_id"], day.trips["shape_id"], strict=True))
        stops = plane(day.stops["lat"].to_numpy(float), day.stops["lon"].to_numpy(float),
                      self.around)  # fmt: skip
        place = dict(zip(day.stops.index, stops, strict=True))
        self.runs: dict[str, _Run] = {}
        for line in lines_of(day, listed, near_m, "")[0]:
            street = shapes.get(str(shape_of[line.trips[0]]))
            if street is None:
                street = Street.of(
                    np.array([place.get(one, np.full(2, np.nan)) for one in line.stops])
                )
            if street is not None:
                for row, trip in enumerate(line.trips):
                    self.runs[trip] = _Run(line, street, row)


def requests(
    feed_rt: bytes | str | Path | Iterable[Position] | Any,
    network: Network,
    day: ServiceDay,
    *,
    now_s: float | None = None,
    routes: Routes | None = None,
    stale_s: float = STALE_S,
    horizon_s: float = HORIZON_S,
    near_m: float = NEAR_M,
) -> Requests:
    """Ask for green for every bus of a GTFS-RT message that will be at a signal soon.

    Parameters
    ----------
    feed_rt
        A protobuf file or its bytes, a decoded ``FeedMessage``, a table of positions (CSV or
        Parquet, see ``positions.read_positions``), or ``Position`` rows.
    day
        The service day on which the trips run.
    now_s
        Seconds into the service day, the clock of ``PriorityController.step``; by default when
        the message was made, else when the last position was measured.
    routes
        ``Routes(network, day)``, to be made once where messages come every few seconds.
    stale_s, horizon_s
        Older positions, and signals reached later, are left out.
    near_m
        A bus farther than this from its shape is off its route.

    Notes
    -----
    The window is 80 % wide: run between stops by the timetable (and by the speed, where the bus moves
    and no stop lies before the signal), dwell of each stop before the signal from the network, else the
    timetable, else assumed. The headway gap is this bus's lateness less that of the bus of its line ahead.

    Raises
    ------
    MissingExtra
        When bytes are given and gtfs-realtime-bindings is not installed.
    TableError
        When the file cannot be read, or the bytes are no GTFS-RT message.
    """
    if now_s is not None and not math.isfinite(now_s):
        raise ConfigError(f"now is no time: {now_s}", mend="seconds into the service day")
    made = routes if routes is not None else Routes(network, day)
    found: list[Finding] = []
    positions, made_s = read_positions(feed_rt, day)
    if now_s is None:
        measured = [one.at_s for one in positions if math.isfinite(one.at_s)]
        now_s = made_s if made_s is not None else max(measured, default=0.0)
    placed: list[tuple[Position, _Run, float, float]] = []
    elsewhere = 0
    for one in _latest(positions):
        run = made.runs.get(one.trip)
        if wrong := _useless(one, now_s, stale_s):
            found.append(finding(wrong[0], column=one.vehicle, value=wrong[1]))
        elif run is None and one.trip not in made.known:
            found.append(finding("position_trip_unknown", column=one.vehicle, value=one.trip))
        elif run is None:
            elsewhere += 1
        else:
            where = _place(made, run, one, near_m)
            if isinstance(where, str):
                found.append(finding("position_off_route", column=one.vehicle, value=where))
            else:
                placed.append((one, run, *where))
    late_of = {one.trip: late for one, _, _, late in placed}
    asked: list[Asked] = []
    for one, run, along, late in placed:
        ahead = run.line.trips[run.row - 1] if run.row else ""
        gap = late - late_of[ahead] if ahead in late_of else 0.0
        people = made.people.get((run.line.route_id, run.line.direction_id), 40.0)
        if math.isfinite(one.load_percent):
            people = CAPACITY * min(200.0, max(0.0, one.load_percent)) / 100
        for passing in run.line.passings:
            if passing.along_m <= along:
                continue
            early, until = _window(made, run, one, along, passing.along_m)
            if one.at_s + early > now_s + horizon_s:
                break
            if one.at_s + until < now_s:  # by all that is known it has passed
                continue
            group = _group(network, passing)
            if not group:
                found.append(finding("position_no_group", column=passing.signal,
                                     value=f"{passing.approach} {passing.movement}"))  # fmt: skip
                continue
            kind = "tram" if one.trip in made.trams else "bus"
            asked.append(Asked(one.vehicle, passing.signal, kind, group, one.at_s,
                               one.at_s + early, one.at_s + until, late, gap, people,
                               f"{group}|{passing.approach}"))  # fmt: skip
    asked.sort(key=lambda row: (row.id, row.eta_s, row.signal))
    unique = {(one.code, one.column, one.value): one for one in found}
    return Requests(tuple(asked), tuple(unique.values()), len(positions), elsewhere, now_s)


def _latest(positions: list[Position]) -> list[Position]:
    """One row a vehicle, the last one measured."""
    last: dict[str, Position] = {}
    for one in sorted(positions, key=lambda row: (row.vehicle, row.at_s, row.trip)):
        last[one.vehicle] = one
    return list(last.values())


def _useless(one: Position, now_s: float, stale_s: float) -> tuple[str, str] | None:
    if not all(map(math.isfinite, (one.at_s, one.lat, one.lon))) or abs(one.lat) > 90:
        return "position_wrong", f"{one.lat}, {one.lon} at {one.at_s}"
    if not -1 <= now_s - one.at_s <= stale_s:
        return "position_stale", f"of {one.at_s:.0f} s at {now_s:.0f} s"
    return None


def _place(made: Routes, run: _Run, one: Position, near_m: float) -> tuple[float, float] | str:
    """How far along, and how late; of several places the one where it is most nearly on time."""
    point = plane(np.array(one.lat), np.array(one.lon), made.around)
    seen = run.street.passes(point, near_m)
    if not seen:
        return f"{float(run.street.near(point)[1].min()):,.0f} m from trip {one.trip}"
    rows = [(along, _late(run, along, one.at_s)) for along, _ in seen]
    return min(rows, key=lambda row: (abs(row[1]), row[0]))


def _late(run: _Run, along: float, at_s: float) -> float:
    """Behind the timetable at a place; where it may stand, its whole stay is on time."""
    line = run.line
    arrive, depart = line.arrive_s[run.row], line.depart_s[run.row]
    k = int(np.abs(line.stop_m - along).argmin())
    if abs(line.stop_m[k] - along) <= AT_STOP_M:
        start = -math.inf if k == 0 else float(arrive[k])  # before its first trip it waits
        return at_s - min(max(at_s, start), float(depart[k]))
    k = int(np.clip(np.searchsorted(line.stop_m, along, side="right") - 1, 0, len(arrive) - 2))
    span = line.stop_m[k + 1] - line.stop_m[k]
    part = min(1.0, max(0.0, (along - line.stop_m[k]) / span)) if span > 0 else 0.0
    return float(at_s - depart[k] - part * (arrive[k + 1] - depart[k]))


def _window(made: Routes, run: _Run, one: Position, along: float, to_m: float
            ) -> tuple[float, float]:  # fmt: skip
    """Seconds from the measurement to the line, earliest and latest."""
    line, stop_m = run.line, run.line.stop_m
    arrive, depart = line.arrive_s[run.row], line.depart_s[run.row]
    time, dwell, dwell_var, stops = 0.0, 0.0, 0.0, 0
    for k in range(len(stop_m) - 1):
        low, high = max(along, float(stop_m[k])), min(to_m, float(stop_m[k + 1]))
        if high > low and stop_m[k + 1] > stop_m[k]:
            gives = float(arrive[k + 1] - depart[k])
            mean = _dwell(made, line.stops[k + 1], float(depart[k + 1] - arrive[k + 1]))[0]
            # The timetable often gives no time to stand: it is in the run then.
            gives -= max(0.0, mean - float(depart[k + 1] - arrive[k + 1]))
            span = float(stop_m[k + 1] - stop_m[k])
            time += max(gives, span / FREE_MS) * (high - low) / span
        # A stop at which it stands may keep it, or may be done.
        stands = abs(stop_m[k] - along) <= AT_STOP_M and not one.speed_ms > MOVES_MS
        if stands or along < stop_m[k] < to_m:
            mean, sd = _dwell(made, line.stops[k], float(depart[k] - arrive[k]))
            if k == 0:  # it leaves its first stop no earlier than it should
                mean, sd = max(0.0, float(depart[0]) - one.at_s), 0.0
            elif stands:
                mean, sd = mean / 2, max(sd, mean / 2)
            dwell, dwell_var, stops = dwell + mean, dwell_var + sd * sd, stops + 1
    spread = SURE * math.sqrt(dwell_var + (RUN_CV * time) ** 2)
    early, until = max(0.0, time + dwell - spread), time + dwell + spread
    if stops == 0 and one.speed_ms > MOVES_MS:
        by_speed = (to_m - along) / min(one.speed_ms, 2 * FREE_MS)
        early, until = min(early, by_speed), max(time, by_speed) + SURE * RUN_CV * by_speed
    return max(early, (to_m - along) / (2 * FREE_MS)), until


def _dwell(made: Routes, stop: str, told_s: float) -> tuple[float, float]:
    if stop in made.dwell:
        mean, sd = made.dwell[stop]
        return mean, sd if sd > 0 else DWELL_CV * mean
    mean = told_s if told_s > 0 else DWELL_S
    return mean, DWELL_CV * mean


def _group(network: Network, passing: Passing) -> str:
    """Find the group that lets a bus go from its approach on its movement."""
    own = [one for one in network.signal[passing.signal].groups if not one.on_foot
           and (not one.approaches or passing.approach in one.approaches)]  # fmt: skip
    for movement in (passing.movement, "through"):
        for one in own:
            if movement in one.movements or (not one.movements and movement == passing.movement):
                return one.id
    return ""
