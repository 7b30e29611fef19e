"""Buses and fire engines in SUMO: when each will be at its next signal, and what it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobility.signals.streams import Asked

if TYPE_CHECKING:
    from mobility.signals.problem import Network
    from mobility.signals.sumo.net import Net

KINDS = {"bus": "bus", "coach": "bus", "tram": "tram", "rail_urban": "tram",
         "emergency": "emergency"}  # fmt: skip
ASK_M = 600.0  # before the line, from where it asks
CLEAR_M = 1000.0  # from where a fire engine asks at every signal on its way: streets must empty
DWELL_PART = 0.3  # a dwell is known to so much of itself
DWELL_S = 20.0  # where a stop names none
PACE = 0.9  # of the speed allowed, on the way


class Buses:
    """Requests of every bus, tram and fire engine on the road, second by second.

    A vehicle knows its route, its stops and how late it is: as a bus with AVL does. The window is
    wide where a stop lies before the signal, since nobody knows a dwell in advance.
    """

    def __init__(self, api: Any, network: Network, net: Net, *, people: float,
                 preempts: bool = True) -> None:  # fmt: skip
        self._api = api
        self._preempts = preempts
        self._net = net
        self._people = people
        self._kind: dict[str, str] = {}  # of a type
        self._on: dict[str, str] = {}
        self._route: dict[str, tuple[str, ...]] = {}
        self._asks: dict[str, set[str]] = {}
        self._group = {
            one.id: {link: group.id for group in one.groups for link in group.source}
            for one in network.intersections
        }
        self._lanes = {
            one.id: {link.from_lane for rows in net.links[one.id].values() for link in rows}
            for one in network.intersections
        }
        self.dwelling: set[str] = set()

    def read(self, now_s: float) -> list[Asked]:
        """Requests of this second; those that have passed a signal leave it."""
        simulation, vehicle = self._api.simulation, self._api.vehicle
        for one in simulation.getDepartedIDList():
            kind = self._kind_of(vehicle.getTypeID(one))
            if kind:
                self._on[one] = kind
        found: list[Asked] = []
        for one in simulation.getArrivedIDList():
            if one in self._on:
                del self._on[one]
                found += self._left(one, now_s)
        self.dwelling.clear()
        alive = set(vehicle.getIDList()) if self._on else set()
        for one in sorted(self._on):
            if one in alive:
                found += self._one(one, now_s)
        return found

    def _kind_of(self, name: str) -> str:
        if name not in self._kind:
            kind = KINDS.get(self._api.vehicletype.getVehicleClass(name), "")
            self._kind[name] = "" if kind == "emergency" and not self._preempts else kind
        return self._kind[name]

    def _left(self, one: str, now_s: float, still: set[str] | None = None) -> list[Asked]:
        """Take back what it asked of signals that it has passed."""
        asked = self._asks.pop(one, set())
        if still:
            self._asks[one] = still
        return [Asked(one, signal, "bus", "", now_s, now_s, now_s, leaves=True)
                for signal in sorted(asked - (still or set()))]  # fmt: skip

    def _one(self, one: str, now_s: float) -> list[Asked]:
        vehicle = self._api.vehicle
        ahead = vehicle.getNextTLS(one)
        stopped = vehicle.isStopped(one)
        if stopped:
            self.dwelling.add(one)
        urgent = self._on[one] == "emergency"
        asks = [row for row in (ahead if urgent else ahead[:1])
                if row[2] <= (CLEAR_M if urgent else ASK_M) and row[0] in self._group]  # fmt: skip
        found = self._left(one, now_s, {row[0] for row in asks})
        if not asks:
            return found
        speed = max(3.0, PACE * vehicle.getAllowedSpeed(one))
        lane = vehicle.getLaneID(one)
        lateness = vehicle.getTimeLoss(one)
        told: set[str] = set()
        for row in asks:
            signal, link, metres = row[0], row[1], row[2]
            group = self._group[signal].get(link)
            if group is None or signal in told:  # a way that passes it twice asks for the next time
                continue
            told.add(signal)
            least, most = self._dwell(one, metres, stopped, now_s)
            found.append(Asked(
                one, signal, self._on[one], group, now_s, now_s + metres / speed + least,
                now_s + metres / speed + most, lateness, 0.0, self._people,
                lane if lane in self._lanes[signal] else self._lane(signal, link),
            ))  # fmt: skip
        return found

    def _lane(self, signal: str, link: int) -> str:
        rows = self._net.links[signal].get(link, [])
        return rows[0].from_lane if rows else ""

    def _dwell(self, one: str, metres: float, stopped: bool, now_s: float) -> tuple[float, float]:
        """Least and most seconds that it stands at stops before the line."""
        del now_s
        vehicle = self._api.vehicle
        lane = vehicle.getLaneID(one)
        if lane.startswith(":"):
            return 0.0, 0.0
        least = most = 0.0
        route = vehicle.getRoute(one)
        here = vehicle.getRouteIndex(one)
        at = vehicle.getLanePosition(one)
        for stop in vehicle.getStops(one, 3):
            edge = stop.lane.rpartition("_")[0]
            if edge not in route[here:]:
                break
            gap = sum(self._length(name) for name in route[here : route.index(edge, here)])
            if gap + stop.endPos - at > metres:
                break
            planned = stop.duration if 0 < stop.duration < 600 else DWELL_S
            if stopped:
                # How long it stands already is known; how long it will is not.
                left = max(1.0, planned - (DWELL_S if stop.duration <= 0 else 0))
                least += 0.0
                most += left
                stopped = False
            else:
                least += planned * (1 - DWELL_PART)
                most += planned * (1 + DWELL_PART)
        return least, most

    def _length(self, edge: str) -> float:
        lane = self._net.lanes.get(f"{edge}_0")
        return lane.length_m if lane else 0.0
