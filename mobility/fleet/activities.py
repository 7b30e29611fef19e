"""Duties written out: one row for everything a vehicle does, from pull-out to pull-in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.fleet.links import latest_leave, links, run_metres, run_time
from mobility.fleet.runs import kept_pairs, pull_in, pull_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mobility.fleet.duty import Duty
    from mobility.fleet.links import Links
    from mobility.fleet.problem import Depot, Problem, Vehicle

COLUMNS = (
    "vehicle", "block", "seq", "kind", "trip_id", "from_stop", "to_stop", "start_s", "end_s",
    "distance_km", "kwh", "depot", "electric", "type",
)  # fmt: skip


@dataclass(frozen=True)
class _Trips:
    """What is written of every trip, taken out of the table once."""

    names: list[str]
    origin: list[str]
    target: list[str]
    km: list[float]
    depart_s: list[int]
    arrive_s: list[int]

    @classmethod
    def of(cls, problem: Problem) -> _Trips:
        """Take the columns of a problem's trips."""
        columns = ("trip_id", "from_stop", "to_stop", "distance_km", "depart_s", "arrive_s")
        return cls(*(problem.trips[name].tolist() for name in columns))


@dataclass
class _Day:
    """One vehicle's rows as they are written; ``piece`` counts its blocks, pull-out to pull-in."""

    vehicle: str
    duty: Duty
    depot: Depot
    bus: Vehicle
    run_kwh_km: float
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    piece: int = 1

    def add(
        self, kind: str, here: str, there: str, start_s: int, end_s: int, metres: float = 0.0
    ) -> None:
        """Note something that is no trip."""
        km = metres / 1000.0
        self.note(kind, "", here, there, start_s, end_s, km, km * self.run_kwh_km)

    def note(
        self,
        kind: str,
        trip: str,
        here: str,
        there: str,
        start_s: int,
        end_s: int,
        km: float,
        kwh: float,
    ) -> None:
        """Append one row."""
        block = f"{self.vehicle}/{self.piece}"
        self.rows.append((
            self.vehicle, block, len(self.rows) + 1, kind, trip, here, there, start_s, end_s, km,
            kwh * self.bus.electric, self.depot.id, self.bus.electric, self.bus.id,
        ))  # fmt: skip


def empty_blocks() -> pd.DataFrame:
    """A table of activities without a row."""
    return pd.DataFrame(columns=list(COLUMNS)).astype({"electric": bool})


@dataclass(frozen=True)
class _Stop:
    """A stand at a terminal's charger between two trips: when the bus is there, and the runs around it."""

    place: str
    arrive_s: int
    in_m: float
    leave_s: int
    out_s: int
    out_m: float


def write_out(
    problem: Problem, duties: Sequence[Duty], *, minor_km: float, keep: bool
) -> pd.DataFrame:
    """One row an activity: pull-out, trip, deadhead, wait, depot (between two blocks), pull-in.

    Vehicles are numbered by first departure; a block runs from pull-out to pull-in. ``kwh`` is 0
    for vehicles that are not electric.
    """
    if not duties:
        return empty_blocks()
    first = np.array([one for duty in duties for one in duty.trips[:-1]], np.int32)
    then = np.array([one for duty in duties for one in duty.trips[1:]], np.int32)
    home = np.repeat(
        problem.depot_place[[duty.depot for duty in duties]],
        [len(duty.trips) - 1 for duty in duties],
    )
    kept = kept_pairs(problem, first, then) if keep else None
    ways = links(problem, first, then, home, minor_km=minor_km, kept=kept)
    stops = _stops(
        problem, first, then, np.array([way for duty in duties for way in duty.via], np.int64)
    )
    rows: list[tuple[Any, ...]] = []
    trips = _Trips.of(problem)
    link, width = 0, max(4, len(str(len(duties))))
    for number, duty in enumerate(duties, 1):
        bus = problem.bus(duty.vehicle)
        name = f"{'v' if bus.electric else 'c'}{number:0{width}d}"
        day = _Day(name, duty, problem.depots[duty.depot], bus, problem.run_kwh_km(duty.vehicle))
        _write_day(problem, trips, day, ways, stops, link)
        rows += day.rows
        link += len(duty.trips) - 1
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _stops(
    problem: Problem, first: NDArray[np.int32], then: NDArray[np.int32], via: NDArray[np.int64]
) -> dict[int, _Stop]:
    """Stands at chargers, by connection: there at once, on as late as the next trip allows."""
    at = np.flatnonzero(via >= len(problem.depots))
    if at.size == 0:
        return {}
    table = problem.deadheads
    names = [problem.chargers[way - len(problem.depots)].stop_id for way in via[at].tolist()]
    here = np.array([table.row[name] for name in names], np.int32)
    origin, target = problem.to_place[first[at]], problem.from_place[then[at]]
    end = problem.arrive_s[first[at]].astype(np.int64)
    arrive = end + run_time(table, origin, here, end)
    in_m = run_metres(table, origin, here, end)
    leave = latest_leave(table, here, target, problem.depart_s[then[at]].astype(np.int64))
    out = leave + run_time(table, here, target, leave)
    out_m = run_metres(table, here, target, leave)
    columns = (names, *(one.tolist() for one in (arrive, in_m, leave, out, out_m)))
    return {link: _Stop(*row) for link, *row in zip(at.tolist(), *columns, strict=True)}


def _write_day(
    problem: Problem, trips: _Trips, day: _Day, ways: Links, stops: dict[int, _Stop], link: int
) -> None:
    """Write one duty; its connections are the rows of ``ways`` and ``stops`` from ``link`` on."""
    duty, home = day.duty, day.depot.stop_id
    place = int(problem.depot_place[duty.depot])
    leave, metres = pull_out(problem, np.array(duty.trips[:1], np.int32), place)
    _go_out(problem, trips, day, duty.trips[0], int(leave[0]), float(metres[0]))
    for step, trip in enumerate(duty.trips):
        end = trips.arrive_s[trip]
        here = trips.origin[trip], trips.target[trip]
        kwh = float(problem.trip_kwh(duty.vehicle)[trip])
        day.note("trip", trips.names[trip], *here, trips.depart_s[trip], end, trips.km[trip], kwh)
        if step + 1 == len(duty.trips):
            break
        follower, at = duty.trips[step + 1], link + step
        if duty.via[step] == duty.depot:
            back, out = int(ways.home_s[at]), int(ways.out_s[at])
            day.add("pull-in", trips.target[trip], home, end, back, float(ways.home_m[at]))
            day.add("depot", home, home, back, out)
            day.piece += 1
            _go_out(problem, trips, day, follower, out, float(ways.out_m[at]))
            continue
        if at in stops:
            _stand(trips, day, stops[at], trip, follower)
            continue
        there, start = trips.origin[follower], int(ways.leave_s[at])
        arrival = start + int(ways.run_s[at])
        if trips.target[trip] != there:
            day.add("deadhead", trips.target[trip], there, start, arrival, float(ways.run_m[at]))
        if arrival < trips.depart_s[follower]:
            day.add("wait", there, there, arrival, trips.depart_s[follower])
    last = duty.trips[-1]
    reached, metres = pull_in(problem, np.array([last], np.int32), place)
    end = trips.arrive_s[last]
    day.add("pull-in", trips.target[last], home, end, int(reached[0]), float(metres[0]))


def _stand(trips: _Trips, day: _Day, stop: _Stop, trip: int, follower: int) -> None:
    """Write a visit of a charger between two trips; runs of no length are left out."""
    start, end, there = trips.arrive_s[trip], trips.depart_s[follower], trips.origin[follower]
    if trips.target[trip] != stop.place:
        day.add("deadhead", trips.target[trip], stop.place, start, stop.arrive_s, stop.in_m)
    leave = end if stop.place == there else stop.leave_s
    if stop.arrive_s < leave:
        day.add("wait", stop.place, stop.place, stop.arrive_s, leave)
    if stop.place != there:
        day.add("deadhead", stop.place, there, stop.leave_s, stop.out_s, stop.out_m)
        if stop.out_s < end:
            day.add("wait", there, there, stop.out_s, end)


def _go_out(
    problem: Problem, trips: _Trips, day: _Day, trip: int, leave: int, metres: float
) -> None:
    """Write a pull-out to a trip, and the wait for it where the run is quicker than planned."""
    place = np.array([problem.deadheads.row[day.depot.stop_id]], np.int32)
    at = np.array([leave], np.int64)
    needed = int(run_time(problem.deadheads, place, problem.from_place[[trip]], at)[0])
    stop, start = trips.origin[trip], trips.depart_s[trip]
    day.add("pull-out", day.depot.stop_id, stop, leave, leave + needed, metres)
    if leave + needed < start:
        day.add("wait", stop, stop, leave + needed, start)


def running_cost(problem: Problem, blocks: pd.DataFrame) -> dict[str, float]:
    """Vehicles, empty running, waiting and fuel of a table of activities, minor units.

    The wait between a pull-out and its trip counts too: a driver stands there. Fuel stands there only
    where the case has a bus that burns something.
    """
    empty = blocks["kind"].isin(["pull-out", "deadhead", "pull-in"])
    waits = blocks["kind"] == "wait"
    costs = problem.costs
    day = {one.id: costs.vehicle_day_minor if one.vehicle_day_minor is None else one.vehicle_day_minor
           for one in problem.vehicles}  # fmt: skip
    buses = blocks.drop_duplicates("vehicle")["type"]
    found = {
        "vehicles": sum(day.get(str(one), costs.vehicle_day_minor) for one in buses),
        "deadhead": float(blocks.loc[empty, "distance_km"].sum()) * costs.deadhead_km_minor,
        "waiting": float((blocks.loc[waits, "end_s"] - blocks.loc[waits, "start_s"]).sum())
        * costs.waiting_h_minor
        / 3600.0,
    }
    burning = [one for one in problem.vehicles if not one.electric]
    if burning:
        km = blocks.groupby("type")["distance_km"].sum()
        found["fuel"] = float(
            sum(
                km.get(one.id, 0.0) * one.fuel_km * problem.tariff.fuel_minor(one.energy)
                for one in burning
            )
        )
    return found
