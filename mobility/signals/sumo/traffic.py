"""A scenario's own vehicles for the fast model: the same departures, ways and stops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mobility.signals.sumo.config import read_config
from mobility.signals.sumo.demand import along, movements_of, passes_of
from mobility.signals.sumo.net import read_net
from mobility.signals.sumo.routes import read_vehicles
from mobility.signals.traffic import Driver, Hop, traffic_of

if TYPE_CHECKING:
    from pathlib import Path

    from mobility.signals.streets import Streets
    from mobility.signals.sumo.demand import Pass
    from mobility.signals.sumo.net import Net
    from mobility.signals.sumo.routes import Vehicle
    from mobility.signals.traffic import Traffic

SPEED_SD = 0.1  # of a driver's speed, SUMO's own


def traffic_from_config(
    config: str | Path,
    streets: Streets,
    *,
    seed: int = 0,
    begin_s: float | None = None,
    end_s: float | None = None,
    scale: float = 1.0,
    car_occupancy: float = 1.3,
    bus_occupancy: float = 40.0,
) -> Traffic:
    """Read a scenario's vehicles with their ways; every driver has a pace of his own.

    Parameters
    ----------
    streets
        Of the same scenario's network (``sumo.from_config``).
    seed
        Of the drivers' paces, and of who drives where ``scale`` is not 1.
    scale
        Of the demand: a vehicle drives with this chance, or once more.
    """
    asked = read_config(config)
    net = read_net(asked.net, asked.additional)
    begin = asked.begin_s or 0.0 if begin_s is None else begin_s
    end = asked.end_s if end_s is None else end_s
    vehicles = read_vehicles(asked, begin_s=begin, end_s=end)
    if end is None:
        end = begin + 3600 * (1 + (vehicles[-1].depart_s - begin) // 3600) if vehicles else begin
    through = movements_of(net)
    random = np.random.default_rng(seed)
    pace = np.clip(random.normal(1.0, SPEED_SD, len(vehicles)), 0.5, 1.5)
    times = np.floor(scale + random.random(len(vehicles))) if scale != 1 else np.ones(len(vehicles))
    drivers = []
    for one, speed, count in zip(vehicles, pace, times, strict=True):
        row = passes_of(net, through, one)
        hops = _hops(net, streets, one, row, float(speed))
        people = bus_occupancy if one.bus else car_occupancy
        drivers += [
            Driver(f"{one.id}#{k}" if k else one.id, one.depart_s, hops, one.bus, people, one.space_m)
            for k in range(int(count))
        ]  # fmt: skip
    return traffic_of(drivers, begin, end, seed=seed)


def _hops(
    net: Net, streets: Streets, vehicle: Vehicle, row: list[Pass], speed: float
) -> tuple[Hop, ...]:
    """Stop lines, and the stops on the way to each; stops after the last line do not matter."""
    known = streets.movement
    found: list[Hop] = []
    before = -1
    for one in row:
        span = vehicle.edges[before + 1 : one.before + 1]
        before = one.before
        passed = 0.0
        for halt in vehicle.halts or ():
            if halt.edge not in span:
                continue
            k = span.index(halt.edge)
            seconds, metres = along(net, halt.edge)
            ahead = sum(along(net, edge)[0] for edge in span[:k])
            at = (ahead + seconds * min(1.0, halt.along_m / max(metres, 1.0))) / speed
            found.append(Hop(max(0.0, at - passed), stop=halt.stop_id, dwell_s=halt.duration_s))
            passed = max(passed, at)
        key = one.signal, one.approach, one.movement
        found.append(Hop(max(0.0, one.travel_s / speed - passed), move=known[key]))
    return tuple(found)
