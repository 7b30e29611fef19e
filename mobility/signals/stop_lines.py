"""Stop lines and the platoons between them, as arrays for the delay model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mobility.signals.groups import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mobility.signals.plan import SignalPlan
    from mobility.signals.problem import Intersection, Link, Network, Volumes

# Gap acceptance of a movement that gives way: critical gap and follow-up, s (HCM 2016, left turn).
CRITICAL_S, FOLLOW_S = 4.5, 2.5
LAG_S = 2.0
WALKERS_VPS = 1000.0  # people on foot do not queue: all who wait go at once
SIDES = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
_TURNED = {"through": 180.0, "left": 90.0, "right": -90.0, "u-turn": 0.0}

Key = tuple[str, str, str]  # signal, approach, movement


@dataclass(frozen=True)
class Stream:
    """One group's traffic on one approach: a queue behind a stop line.

    ``flow_h`` vehicles (or people) an hour, ``people`` in each on the average; ``full_h`` and
    ``yield_h`` what may leave in an hour of green, and of green that gives way.
    """

    signal: str
    group: str
    approach: str
    flow_h: float
    people: float
    full_h: float
    yield_h: float
    movements: tuple[tuple[str, float], ...] = ()
    on_foot: bool = False


@dataclass(frozen=True)
class Feed:
    """A share of what leaves one stream (by number) arrives at another, spread out."""

    source: int
    target: int
    share: float
    travel_s: float
    smooth: float


@dataclass(frozen=True, eq=False)
class Streams:
    """All stop lines of a network in one period, signals and stop lines in order of their names.

    Parameters
    ----------
    order
        Numbers of the streams, those that feed others first as far as they do not go round.
    laps
        How often platoons are followed: more than once where they go round.
    """

    signals: tuple[Intersection, ...]
    rows: tuple[Stream, ...]
    feeds: tuple[Feed, ...]
    order: NDArray[np.int64]
    laps: int
    period_h: float
    assumptions: tuple[str, ...] = ()

    def arrays(self) -> tuple[tuple[NDArray[np.generic], ...], tuple[NDArray[np.generic], ...]]:
        """Return ``streams`` and ``feeds`` as the kernels take them."""
        number = {one.id: k for k, one in enumerate(self.signals)}
        by_target = sorted(self.feeds, key=lambda one: (one.target, one.source))
        count = len(self.rows)
        ptr = np.searchsorted([one.target for one in by_target], np.arange(count + 1))
        streams = (
            np.array([number[one.signal] for one in self.rows], np.int64),
            np.array([one.flow_h / 3600 for one in self.rows], np.float64),
            np.array([one.people for one in self.rows], np.float64),
            np.array([0 if one.on_foot else 1 for one in self.rows], np.int64),
            np.full(count, self.period_h, np.float64),
            ptr.astype(np.int64),
        )
        feeds = (
            np.array([one.source for one in by_target], np.int64),
            np.array([one.share for one in by_target], np.float64),
            np.array([one.travel_s for one in by_target], np.float64),
            np.array([one.smooth for one in by_target], np.float64),
        )
        return streams, feeds


def streams_of(
    network: Network,
    volumes: Volumes,
    *,
    buses_h: Mapping[str, float] | float = 6.0,
    bus_people: bool = True,
) -> Streams:
    """Turn a network and one period's volumes into stop lines.

    A movement's vehicles go to the groups that serve it on their approach. Traffic that a link
    brings is a platoon; the rest of an approach arrives at all times.

    Parameters
    ----------
    buses_h
        Buses an hour of each route and direction (``route_id``), or of all of them.
    bus_people
        Whether people in buses count: a stream's vehicles then carry more on the average.
    """
    signals = tuple(sorted(network.intersections, key=lambda one: one.id))
    known = {one.id: one for one in signals}
    flows = {key: flow for key, flow in sorted(volumes.vehicles_h.items())
             if flow > 0 and key[0] in known}  # fmt: skip
    served = _served(known, flows)
    lanes = _lane_flows(network, flows)
    buses = _bus_flows(network, served, buses_h) if bus_people else {}
    rows: list[Stream] = []
    for one in signals:
        for group in sorted(one.groups, key=lambda group: group.id):
            if group.on_foot:
                people = volumes.pedestrians_h.get((one.id, group.id), 0.0)
                if people > 0:
                    rows.append(Stream(one.id, group.id, "", people, 1.0,
                                       3600 * WALKERS_VPS, 3600 * WALKERS_VPS, on_foot=True))  # fmt: skip
                continue
            for approach in sorted(group.approaches):
                taken = tuple(
                    (movement, flow * 1.0 / len(served[key]))
                    for movement in sorted(group.movements)
                    if (flow := flows.get(key := (one.id, approach, movement), 0.0)) > 0
                    and group.id in served[key]
                )
                total = sum(flow for _, flow in taken)
                if total <= 0:
                    continue
                full = lanes.get((one.id, approach, group.id)) or group.flow_vph
                rows.append(_vehicles(
                    one, group.id, approach, taken, full, flows, volumes.car_occupancy,
                    buses.get((one.id, approach, group.id), (0.0, 0.0)),
                ))  # fmt: skip
    feeds = _feeds(network, rows, known)
    order, loops = _order(len(rows), feeds)
    told = [f"{LAG_S:g} s between displayed and effective green",
            f"random delay over {_hours(volumes):g} h"]  # fmt: skip
    if network.bus_routes and bus_people:
        told.append("buses an hour of each route and direction: " + (
            f"{buses_h:g} (assumed)" if isinstance(buses_h, int | float) else "as given"
        ))  # fmt: skip
    return Streams(signals, tuple(rows), tuple(feeds), order, 3 if loops else 1,
                   _hours(volumes), tuple(told))  # fmt: skip


def _hours(volumes: Volumes) -> float:
    return min(1.0, max(0.25, (volumes.to_s - volumes.from_s) / 3600))


def _served(known: dict[str, Intersection], flows: dict[Key, float]) -> dict[Key, list[str]]:
    """Which groups serve each movement; an empty list where none does."""
    return {
        (signal, approach, movement): [
            group.id for group in known[signal].groups
            if not group.on_foot and approach in group.approaches and movement in group.movements
        ]
        for signal, approach, movement in flows
    }  # fmt: skip


def _lane_flows(network: Network, flows: dict[Key, float]) -> dict[Key, float]:
    """(signal, approach, group) -> vehicles an hour of green over its lanes; shared lanes in part."""
    found: dict[Key, float] = {}
    spread: dict[Key, int] = {}
    lanes = [one for one in getattr(network, "lanes", ()) if not one.buses_only]
    for lane in lanes:
        for turn in lane.turns:
            key = lane.signal, lane.approach, turn.movement
            spread[key] = spread.get(key, 0) + 1
    for lane in lanes:
        part = {
            turn.movement: flows.get((lane.signal, lane.approach, turn.movement), 0.0)
            / spread[lane.signal, lane.approach, turn.movement]
            for turn in lane.turns
        }
        total = sum(part.values())
        for turn in lane.turns:
            share = part[turn.movement] / total if total > 0 else 1 / len(lane.turns)
            key = lane.signal, lane.approach, turn.group
            found[key] = found.get(key, 0.0) + share * turn.saturation_vph
    return found


def _vehicles(
    one: Intersection,
    group: str,
    approach: str,
    taken: tuple[tuple[str, float], ...],
    full_h: float,
    flows: dict[Key, float],
    car_people: float,
    bus: tuple[float, float],
) -> Stream:
    total = sum(flow for _, flow in taken)
    first = {b for a, b in one.permissive if a == group}
    against = sum(
        flow for (signal, side, movement), flow in flows.items()
        if signal == one.id and side != approach and any(
            side in other.approaches and movement in other.movements
            for other in one.groups if other.id in first and not other.on_foot
        )
    )  # fmt: skip
    buses, on_board = bus
    people = (car_people * max(0.0, total - buses) + buses * on_board) / total
    return Stream(one.id, group, approach, total, people, full_h,
                  min(full_h, _gaps_h(against) * max(1.0, full_h / 1800)), taken)  # fmt: skip


def _gaps_h(against_h: float) -> float:
    """Vehicles an hour that find a gap in a flow that is twice as dense while it is green."""
    flow = 2 * against_h / 3600
    if flow < 1e-6:
        return 3600 / FOLLOW_S
    return 3600 * flow * math.exp(-flow * CRITICAL_S) / (1 - math.exp(-flow * FOLLOW_S))


def bearing(one: Intersection, other: Intersection) -> float | None:
    """Degrees from north, clockwise; None where a place is not known."""
    if None in (one.lat, one.lon, other.lat, other.lon):
        return None
    assert one.lat is not None
    assert one.lon is not None
    assert other.lat is not None
    assert other.lon is not None
    east = (other.lon - one.lon) * math.cos(math.radians(one.lat))
    return math.degrees(math.atan2(east, other.lat - one.lat)) % 360


def side_of(angle: float, known: set[str]) -> str | None:
    """Nearest of the compass sides that a signal names, at most 60 degrees away."""
    best = min(
        ((abs((angle - 45 * k + 180) % 360 - 180), name) for k, name in enumerate(SIDES)
         if name in known),
        default=None,
    )  # fmt: skip
    return best[1] if best is not None and best[0] <= 60 else None


def arrives_at(link: Link, known: dict[str, Intersection]) -> str | None:
    """Approach on which a link's traffic arrives: as given, or by the compass."""
    if link.approach:
        return link.approach
    one, other = known[link.from_signal], known[link.to_signal]
    angle = bearing(one, other)
    if angle is None:
        return None
    return side_of((angle + 180) % 360, {a for g in other.groups for a in g.approaches})


def leaves_for(link: Link, known: dict[str, Intersection]) -> list[tuple[str, str, float]]:
    """(approach, movement, share) that take a link: as given, or by the compass."""
    given = getattr(link, "feeds", ())
    if given:
        return list(given)
    one, other = known[link.from_signal], known[link.to_signal]
    angle = bearing(one, other)
    if angle is None:
        return []
    sides = {a for group in one.groups for a in group.approaches}
    towards = side_of(angle, sides | set(SIDES))
    found = []
    for group in one.groups:
        for approach in group.approaches:
            if approach not in SIDES:
                continue
            for movement in group.movements:
                out = (45 * SIDES.index(approach) + _TURNED[movement]) % 360
                if side_of(out, sides | set(SIDES)) == towards:
                    found.append((approach, movement, 1.0))
    return sorted(set(found))


def _feeds(network: Network, rows: list[Stream], known: dict[str, Intersection]) -> list[Feed]:
    at: dict[tuple[str, str], list[int]] = {}
    of: dict[Key, list[int]] = {}
    for k, row in enumerate(rows):
        at.setdefault((row.signal, row.approach), []).append(k)
        for movement, _ in row.movements:
            of.setdefault((row.signal, row.approach, movement), []).append(k)
    found: dict[tuple[int, int], Feed] = {}
    for link in sorted(network.links, key=repr):
        if link.from_signal not in known or link.to_signal not in known:
            continue
        approach = arrives_at(link, known)
        targets = at.get((link.to_signal, approach or ""), [])
        arriving = sum(rows[k].flow_h for k in targets)
        if arriving <= 0:
            continue
        smooth = 1 / (1 + link.alpha * link.beta * link.travel_s)
        for side, movement, share in leaves_for(link, known):
            for source in of.get((link.from_signal, side, movement), []):
                row = rows[source]
                moving = dict(row.movements)[movement]
                for target in targets:
                    part = share * moving / row.flow_h * rows[target].flow_h / arriving
                    old = found.get((source, target))
                    found[source, target] = Feed(
                        source, target, part + (old.share if old else 0.0),
                        link.beta * link.travel_s, smooth,
                    )  # fmt: skip
    return _no_more_than_arrives(rows, [found[key] for key in sorted(found)])


def _no_more_than_arrives(rows: list[Stream], feeds: list[Feed]) -> list[Feed]:
    """Shares that bring no more than the counts at the stop line say."""
    brought: dict[int, float] = {}
    for one in feeds:
        brought[one.target] = brought.get(one.target, 0.0) + one.share * rows[one.source].flow_h
    return [
        Feed(one.source, one.target,
             one.share * min(1.0, rows[one.target].flow_h / brought[one.target])
             if brought[one.target] > 0 else 0.0,
             one.travel_s, one.smooth)
        for one in feeds
    ]  # fmt: skip


def _order(count: int, feeds: list[Feed]) -> tuple[NDArray[np.int64], bool]:
    """Sources before targets; where they go round, by number. And whether any goes round."""
    before: list[set[int]] = [set() for _ in range(count)]
    after: list[set[int]] = [set() for _ in range(count)]
    for one in feeds:
        if one.source != one.target:
            before[one.target].add(one.source)
            after[one.source].add(one.target)
    left = set(range(count))
    waiting = [len(one) for one in before]
    ready = sorted(k for k in left if waiting[k] == 0)
    found: list[int] = []
    loops = False
    while left:
        if not ready:
            loops = True
            ready = [min(left, key=lambda k: (waiting[k], k))]
        k = ready.pop(0)
        if k not in left:
            continue
        left.discard(k)
        found.append(k)
        for target in sorted(after[k]):
            waiting[target] -= 1
            if waiting[target] == 0 and target in left:
                ready.append(target)
    return np.array(found, np.int64), loops


def _bus_flows(
    network: Network, served: dict[Key, list[str]], buses_h: Mapping[str, float] | float
) -> dict[Key, tuple[float, float]]:
    """(signal, approach, group) -> buses an hour, and people in each on the average."""
    known = {one.id: one for one in network.intersections}
    found: dict[Key, tuple[float, float]] = {}
    for route in network.bus_routes:
        hourly = buses_h if isinstance(buses_h, int | float) else buses_h.get(route.route_id, 0.0)
        if hourly <= 0:
            continue
        for signal, approach, movement in ways_of(network, known, route.signals):
            groups = served.get((signal, approach, movement), [])
            for group in groups:
                key = signal, approach, group
                buses, people = found.get(key, (0.0, 0.0))
                share = hourly / len(groups)
                total = buses + share
                found[key] = total, (people * buses + route.occupancy * share) / total
    return found


def ways_of(
    network: Network, known: dict[str, Intersection], signals: tuple[str, ...]
) -> list[Key]:
    """(signal, approach, movement) of a bus that passes signals in order; a gap where not known."""
    links = {(one.from_signal, one.to_signal): one for one in network.links}
    found: list[Key] = []
    for k, name in enumerate(signals):
        came = links.get((signals[k - 1], name)) if k else None
        goes = links.get((name, signals[k + 1])) if k + 1 < len(signals) else None
        approach = arrives_at(came, known) if came is not None else None
        ways = leaves_for(goes, known) if goes is not None else []
        if approach is None and ways:
            straight = [one for one in ways if one[1] == "through"]
            approach = max(straight or ways, key=lambda one: (one[2], one[0]))[0]
        movement = next((one[1] for one in sorted(ways, key=lambda one: -one[2])
                         if one[0] == approach), "through")  # fmt: skip
        if approach is not None:
            found.append((name, approach, movement))
    return found


def service(
    rows: tuple[Stream, ...], plan: dict[str, SignalPlan], bins: dict[str, int], width: int
) -> NDArray[np.float64]:
    """Vehicles a second that each stop line may leave, bin by bin, as the lamps say.

    The first bin begins at the master clock's zero.
    """
    from mobility.signals._dispersion_kernels import add_span

    found = np.zeros((len(rows), width))
    for k, row in enumerate(rows):
        one = plan[row.signal]
        n = bins[row.signal]
        lag = 0.0 if row.on_foot else LAG_S
        for shown in one.of_group.get(row.group, ()):
            rate = {State.GREEN: row.full_h, State.FLASHING_GREEN: row.full_h,
                    State.YIELD: row.yield_h}.get(shown.state, 0.0)  # fmt: skip
            if rate > 0:
                add_span(found[k], n, float(one.cycle_s) / n, float(one.zero_s + shown.from_s + lag),
                         float(shown.to_s - shown.from_s), rate / 3600)  # fmt: skip
    return found
