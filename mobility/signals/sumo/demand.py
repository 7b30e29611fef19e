"""A scenario of SUMO as a network with its demand: links, volumes, buses and lanes."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean, median, pstdev
from typing import TYPE_CHECKING

from mobility.errors import ConfigError
from mobility.signals.demand import BusRoute, BusStop, Lane, Link, Turn, Volumes
from mobility.signals.sumo.config import read_config
from mobility.signals.sumo.net import are_foes, read_net
from mobility.signals.sumo.read import TURNS, from_sumo
from mobility.signals.sumo.routes import read_vehicles

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mobility.signals.problem import Intersection, Network
    from mobility.signals.sumo.net import Link as Connection
    from mobility.signals.sumo.net import Net
    from mobility.signals.sumo.routes import Vehicle

# SUMO's drivers spread little: a deviation of 0.1 of speed. Robertson's F with these two has that
# spread, alpha * beta, and keeps the mean: beta * (1 + alpha) = 1.
ALPHA, BETA = 0.111, 0.9
# A queue discharges at this share of the speed that the turn allows (vehicles still accelerate).
DISCHARGE = 0.75
_BUSES = frozenset(
    {"bus", "coach", "trolley", "taxi", "delivery", "emergency", "authority", "tram"}
)
_NOT_FOR_CARS = frozenset({"pedestrian", "bicycle", "pedestrian bicycle", "bicycle pedestrian"})


@dataclass(frozen=True)
class Pass:
    """A vehicle at a stop line: which movement, and metres and free seconds since the one before."""

    signal: str
    approach: str
    movement: str
    travel_s: float
    distance_m: float
    before: int  # index into the vehicle's edges


def from_config(
    config: str | Path,
    *,
    begin_s: float | None = None,
    end_s: float | None = None,
    period_s: float = 3600,
    scale: float = 1.0,
    car_occupancy: float = 1.3,
    bus_occupancy: float = 40.0,
) -> Network:
    """Read the signals of a scenario and everything that drives through them.

    Trips take the shortest way, flows are expanded. A vehicle counts in the period in which it
    wants to depart, at every signal that its way passes.

    Parameters
    ----------
    config
        A ``.sumocfg``.
    begin_s, end_s
        By default the scenario's; without an end, until the last departure.
    period_s
        Length of each of ``Network.volumes``.
    scale
        Of the demand.

    Returns
    -------
    Network
        ``links`` with who feeds them, ``lanes``, ``volumes`` (vehicles an hour, buses included),
        ``bus_routes`` and ``bus_stops`` between signals.

    Raises
    ------
    ConfigError, TableError, MissingExtra
        When files cannot be read, nothing departs, or SUMO is not installed.
    """
    asked = read_config(config)
    net = read_net(asked.net, asked.additional)
    network = from_sumo(asked.net, *asked.additional)
    begin = asked.begin_s or 0.0 if begin_s is None else begin_s
    end = asked.end_s if end_s is None else end_s
    vehicles = read_vehicles(asked, begin_s=begin, end_s=end)
    if not vehicles:
        raise ConfigError(f"{config}: nothing departs from {begin:g} s on",
                          mend="name route files, or another begin")  # fmt: skip
    if end is None:
        end = begin + period_s * (1 + (vehicles[-1].depart_s - begin) // period_s)
    through = movements_of(net)
    passes = [passes_of(net, through, one) for one in vehicles]
    lanes = lanes_of(net, network, vehicles)
    links = _links(net, network, vehicles, passes)
    routes, stops = _buses(net, vehicles, passes, bus_occupancy)
    known = {(one.from_signal, one.to_signal) for one in links}
    made = replace(
        network, intersections=_with_flows(network, lanes), links=links, lanes=lanes,
        bus_routes=routes, bus_stops=tuple(one for one in stops if one.link in known),
        volumes=_volumes(vehicles, passes, begin, end, period_s, scale, car_occupancy),
        zero_s=0,
        assumptions=(
            *network.assumptions, "trips take the shortest way in time",
            f"saturation flow from SUMO's car following at {DISCHARGE:g} of the turn's speed",
            f"{car_occupancy:g} people in a car, {bus_occupancy:g} in a bus",
        ),
    )  # fmt: skip
    given = None if made.given is None else replace(made.given, digest=made.digest)
    return replace(made, given=given)


def movements_of(net: Net) -> dict[tuple[str, str], tuple[str, str, Connection]]:
    """(edge before, edge after) -> signal, movement and a connection between them."""
    return {
        (net.lanes[link.from_lane].edge, link.to_edge):
            (signal, TURNS.get(link.direction, "through"), link)
        for signal, rows in sorted(net.links.items())
        for _, links in sorted(rows.items()) for link in links
        if link.from_lane in net.lanes and not link.crossing
    }  # fmt: skip


def passes_of(
    net: Net, through: dict[tuple[str, str], tuple[str, str, Connection]], vehicle: Vehicle
) -> list[Pass]:
    """Find the stop lines that a vehicle passes, in order."""
    found: list[Pass] = []
    seconds = metres = 0.0
    for k, (edge, follower) in enumerate(pairwise(vehicle.edges)):
        more_s, more_m = along(net, edge)
        seconds, metres = seconds + more_s, metres + more_m
        hit = through.get((edge, follower))
        if hit is None:
            continue
        signal, movement, link = hit
        found.append(Pass(signal, edge, movement, seconds, metres, k))
        inside = net.lanes.get(link.via)
        seconds = metres = 0.0
        if inside is not None and inside.speed_ms > 0:
            seconds, metres = inside.length_m / inside.speed_ms, inside.length_m
    return found


def along(net: Net, edge: str) -> tuple[float, float]:
    """Free seconds and metres of an edge."""
    lanes = _lanes(net).get(edge, [])
    speed = max((net.lanes[one].speed_ms for one in lanes), default=0.0)
    metres = net.lanes[lanes[0]].length_m if lanes else 0.0
    return (metres / speed, metres) if speed > 0 else (0.0, 0.0)


def _lanes(net: Net) -> dict[str, list[str]]:
    """Lanes for vehicles by edge; made once for each net."""
    made: dict[str, list[str]] | None = net.__dict__.get("_lanes_of_edge")
    if made is None:
        made = {}
        for one in net.lanes.values():
            if one.allow not in _NOT_FOR_CARS:
                made.setdefault(one.edge, []).append(one.id)
        net.__dict__["_lanes_of_edge"] = made
    return made


def lanes_of(net: Net, network: Network, vehicles: Iterable[Vehicle]) -> tuple[Lane, ...]:
    """Lanes at stop lines: what each serves, at which saturation flow, and how far back it goes.

    A lane flows at ``3600 / (tau + space / speed)``: the car-following model's own headway at the
    speed of the turn, with the mean vehicle of the scenario.
    """
    fleet = list(vehicles)
    space = fmean(one.space_m for one in fleet) if fleet else 7.5
    tau = fmean(one.tau_s for one in fleet) if fleet else 1.0
    before: dict[str, Counter[str]] = defaultdict(Counter)
    for one in fleet:
        for edge, follower in pairwise(one.edges):
            before[follower][edge] += 1
    signalled = {edge for edge, _ in movements_of(net)}
    found: list[Lane] = []
    for signal in network.intersections:
        group_of = {link: group.id for group in signal.groups for link in group.source}
        rows: dict[str, dict[str, Turn]] = defaultdict(dict)
        for index, links in sorted(net.links[signal.id].items()):
            for link in links:
                if link.crossing or link.from_lane not in net.lanes or index not in group_of:
                    continue
                movement = TURNS.get(link.direction, "through")
                speed = net.lanes[link.from_lane].speed_ms
                if link.via in net.lanes:
                    speed = min(speed, net.lanes[link.via].speed_ms)
                flow = 3600.0 / (tau + space / max(1.0, DISCHARGE * speed))
                rows[link.from_lane].setdefault(movement, Turn(
                    movement, group_of[index], round(flow, 1), _first(net, signal.id, link)))  # fmt: skip
        for lane, turns in sorted(rows.items()):
            edge = net.lanes[lane].edge
            if edge not in _lanes(net):  # a second stop line inside a junction, for bicycles
                continue
            allow = set(net.lanes[lane].allow.split())
            found.append(Lane(
                lane, signal.id, edge, round(_back(net, edge, before, signalled), 1),
                tuple(turns[one] for one in sorted(turns)),
                buses_only=bool(allow) and allow <= _BUSES,
            ))  # fmt: skip
    return tuple(found)


def _first(net: Net, signal: str, link: Connection) -> tuple[tuple[str, str], ...]:
    """Movements of other approaches whose paths meet a connection's."""
    mine = net.lanes[link.from_lane].edge
    found = set()
    for others in net.links[signal].values():
        for other in others:
            if other.crossing or other.from_lane not in net.lanes or not are_foes(net, link, other):
                continue
            edge = net.lanes[other.from_lane].edge
            if edge != mine:
                found.add((edge, TURNS.get(other.direction, "through")))
    return tuple(sorted(found))


def _back(net: Net, edge: str, before: dict[str, Counter[str]], signalled: set[str]) -> float:
    """Metres from a stop line back to where there are fewer lanes, a signal, or several ways in."""
    lanes = _lanes(net)
    # An edge without a lane for cars may have a signal too: one of bicycles.
    count, metres, seen = len(lanes.get(edge, ())), along(net, edge)[1], {edge}
    while len(before.get(edge, ())) == 1:
        edge = next(iter(before[edge]))
        if edge in seen or edge in signalled or len(lanes.get(edge, ())) < count:
            break
        seen.add(edge)
        metres += along(net, edge)[1]
    return metres


def _with_flows(network: Network, lanes: tuple[Lane, ...]) -> tuple[Intersection, ...]:
    """Give each group the lanes that it has and their flow; a shared lane counts in part."""
    flows: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for lane in lanes:
        served = {turn.group for turn in lane.turns}
        for turn in lane.turns:
            flows[lane.signal, turn.group].append((turn.saturation_vph, 1.0 / len(served)))
    made = []
    for one in network.intersections:
        groups = []
        for group in one.groups:
            found = flows.get((one.id, group.id))
            if found:
                share = sum(part for _, part in found)
                mean = sum(flow * part for flow, part in found) / share
                group = replace(  # noqa: PLW2901
                    group, saturation_lane_vph=round(mean, 1),
                    lanes=max(1, round(share / max(1, len(group.approaches)))),
                )  # fmt: skip
            groups.append(group)
        made.append(replace(one, groups=tuple(groups)))
    return tuple(made)


def _links(
    net: Net, network: Network, vehicles: list[Vehicle], passes: list[list[Pass]]
) -> tuple[Link, ...]:
    """Ways between signals as they are driven: the median way, and who feeds it."""
    ways: dict[tuple[str, str, str], list[tuple[float, float, float]]] = defaultdict(list)
    fed: Counter[tuple[str, str, str, str, str]] = Counter()
    total: Counter[tuple[str, str, str]] = Counter()
    for vehicle, row in zip(vehicles, passes, strict=True):
        for k, one in enumerate(row):
            total[one.signal, one.approach, one.movement] += 1
            if k == 0 or row[k - 1].signal == one.signal:
                continue
            last = row[k - 1]
            room = sum(along(net, edge)[1] * len(_lanes(net).get(edge, ()))
                       for edge in vehicle.edges[last.before + 1 : one.before + 1])  # fmt: skip
            ways[last.signal, one.signal, one.approach].append((one.travel_s, one.distance_m, room))
            fed[last.signal, last.approach, last.movement, one.signal, one.approach] += 1
    found = []
    for (start, end, approach), rows in sorted(ways.items()):
        metres = median(row[1] for row in rows)
        lanes = max(1, round(median(row[2] for row in rows) / max(1.0, metres)))
        feeds = tuple(
            (a, movement, round(count / total[start, a, movement], 4))
            for (s, a, movement, t, b), count in sorted(fed.items())
            if (s, t, b) == (start, end, approach)
        )
        found.append(Link(start, end, round(metres, 1), round(median(row[0] for row in rows), 1),
                          lanes, ALPHA, BETA, approach, feeds))  # fmt: skip
    driven = {(one.from_signal, one.to_signal) for one in found}
    kept = [one for one in network.links if (one.from_signal, one.to_signal) not in driven]
    return tuple(sorted((*found, *kept),
                        key=lambda one: (one.from_signal, one.to_signal, one.approach)))  # fmt: skip


def _volumes(
    vehicles: list[Vehicle],
    passes: list[list[Pass]],
    begin: float,
    end: float,
    period_s: float,
    scale: float,
    car_occupancy: float,
) -> tuple[Volumes, ...]:
    found = []
    start = begin
    while start < end - 1e-9:
        stop = min(end, start + period_s)
        counts: Counter[tuple[str, str, str]] = Counter()
        for vehicle, row in zip(vehicles, passes, strict=True):
            if start <= vehicle.depart_s < stop:
                counts.update((one.signal, one.approach, one.movement) for one in row)
        hours = (stop - start) / 3600
        found.append(Volumes(
            int(start), int(stop),
            {key: round(scale * count / hours, 2) for key, count in sorted(counts.items())},
            {}, car_occupancy,
        ))  # fmt: skip
        start = stop
    return tuple(found)


def line_of(vehicle: Vehicle) -> str:
    """Give a bus's line: as the file says, else its id without the number of the run."""
    if vehicle.line:
        return vehicle.line
    for mark in (".", "_"):
        name, found, _ = vehicle.id.rpartition(mark)
        if found and name:
            return name
    return vehicle.id


def _buses(
    net: Net, vehicles: list[Vehicle], passes: list[list[Pass]], occupancy: float
) -> tuple[tuple[BusRoute, ...], tuple[BusStop, ...]]:
    """Lines by the signals they pass, and the stops between two signals with their dwell."""
    ways: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    dwell: dict[tuple[str, tuple[str, str], float], list[float]] = defaultdict(list)
    for vehicle, row in zip(vehicles, passes, strict=True):
        if not vehicle.bus or not row:
            continue
        ways[line_of(vehicle)][tuple(one.signal for one in row)] += 1
        for halt in vehicle.halts:
            place = _between(net, vehicle, row, halt.edge, halt.along_m)
            if place is not None:
                dwell[halt.stop_id, *place].append(halt.duration_s)
    routes = [
        BusRoute(line, number, signals, occupancy)
        for line, found in sorted(ways.items())
        for number, signals in enumerate(sorted(found))
    ]
    stops = [
        BusStop(stop, link, round(after, 1), fmean(times), round(pstdev(times), 2))
        for (stop, link, after), times in sorted(dwell.items())
    ]
    return tuple(routes), tuple(stops)


def _between(
    net: Net, vehicle: Vehicle, row: list[Pass], edge: str, along_m: float
) -> tuple[tuple[str, str], float] | None:
    """Between which two signals a stop lies, and how far after the first stop line."""
    for last, one in pairwise(row):
        span = vehicle.edges[last.before + 1 : one.before + 1]
        if edge in span and last.signal != one.signal:
            ahead = sum(along(net, two)[1] for two in span[: span.index(edge)])
            return (last.signal, one.signal), ahead + along_m
    return None
