"""What a run's outputs say: delay of every trip, buses, people, and every movement."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

from defusedxml.ElementTree import iterparse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mobility.signals.sumo.net import Net

LEAST_TRIPS = 10  # of a movement whose mean is told


@dataclass(frozen=True)
class Trip:
    """One vehicle; ``delay_s`` is time lost on the road and before it could depart.

    ``arrived_s`` is None where it did not arrive.
    """

    id: str
    kind: str
    delay_s: float
    stops: int
    departed: bool
    arrived_s: float | None = None


def read_trips(path: Path) -> tuple[list[Trip], list[float]]:
    """Read tripinfos: vehicles, and the time each walking person lost.

    A vehicle that never departed has no time on the road: its ``departDelay`` runs from its
    scheduled departure until the end.
    """
    trips: list[Trip] = []
    walks: list[float] = []
    for element in _elements(path, {"tripinfo", "personinfo"}):
        if element.tag == "personinfo":
            lost = [float(one.get("timeLoss", 0)) for one in element.findall("walk")]
            walks.append(sum(max(0.0, one) for one in lost))
            continue
        departed = float(element.get("depart", -1)) >= 0
        road = max(0.0, float(element.get("timeLoss", 0))) if departed else 0.0
        wait = max(0.0, float(element.get("departDelay", 0)))
        arrived = float(element.get("arrival", -1) or -1)
        trips.append(Trip(element.get("id", ""), element.get("vType", ""), road + wait,
                          int(float(element.get("waitingCount", 0) or 0)), departed,
                          arrived if departed and arrived >= 0 else None))  # fmt: skip
    return trips, walks


def summary(
    trips: list[Trip],
    walks: list[float],
    buses: set[str],
    *,
    car_occupancy: float,
    bus_occupancy: float,
) -> dict[str, Any]:
    """Return the answer's figures of delay; None where nobody was on the road."""
    delays = [one.delay_s for one in trips]
    bus = [one.delay_s for one in trips if one.kind in buses]
    cars = sum(delays) - sum(bus)
    people = car_occupancy * (len(trips) - len(bus)) + bus_occupancy * len(bus) + len(walks)
    lost = car_occupancy * cars + bus_occupancy * sum(bus) + sum(walks)
    return {
        "vehicles": len(trips),
        "delay_s": fmean(delays) if delays else None,
        "never_departed": sum(not one.departed for one in trips),
        "bus": {
            "n": len(bus),
            "delay_s": fmean(bus) if bus else None,
            "delay_sd_s": pstdev(bus) if bus else None,
        },
        "persons_on_foot": len(walks),
        "person_delay_s": lost / people if people else None,
        "stops": sum(one.stops for one in trips),
    }


def movements(path: Path, net: Net) -> list[dict[str, Any]]:
    """Mean delay of every movement through a signal that at least ten vehicles made, worst first.

    Delay: time on the edge before the signal, beyond its length at the speed allowed.
    """
    through = {
        (net.lanes[link.from_lane].edge, link.to_edge): signal
        for signal, rows in net.links.items()
        for links in rows.values() for link in links if link.from_lane in net.lanes
    }  # fmt: skip
    free = {lane.edge: lane.length_m / max(lane.speed_ms, 0.1) for lane in net.lanes.values()}
    lost: dict[tuple[str, str], list[float]] = defaultdict(list)
    for element in _elements(path, {"vehicle"}):
        routes = element.findall("route") + element.findall("routeDistribution/route")
        if not routes or routes[-1].get("exitTimes") is None:
            continue
        edges = routes[-1].get("edges", "").split()
        exits = [float(one) for one in routes[-1].get("exitTimes", "").split()]
        entered = float(element.get("depart", 0))
        for edge, follower, left in zip(edges, edges[1:], exits, strict=False):
            if left < 0:
                break
            if (edge, follower) in through:
                lost[edge, follower].append(max(0.0, left - entered - free.get(edge, 0.0)))
            entered = left
    found = [
        {"signal": through[pair], "from": pair[0], "to": pair[1], "vehicles": len(delays),
         "delay_s": fmean(delays)}
        for pair, delays in lost.items() if len(delays) >= LEAST_TRIPS
    ]  # fmt: skip
    return sorted(found, key=lambda row: (-row["delay_s"], row["from"], row["to"]))


def read_statistics(path: Path) -> dict[str, int]:
    """Teleports and collisions of a run."""
    found = {"teleports": 0, "collisions": 0}
    for element in _elements(path, {"teleports", "safety"}):
        if element.tag == "teleports":
            found["teleports"] = int(element.get("total", 0))
        else:
            found["collisions"] = int(element.get("collisions", 0))
    return found


def _elements(path: Path, tags: set[str]) -> Iterator[Any]:
    """Elements with some names, read as a stream."""
    depth = 0
    for event, element in iterparse(path, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if event == "end" and depth == 1:
            if element.tag in tags:
                yield element
            element.clear()
