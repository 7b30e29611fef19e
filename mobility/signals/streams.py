"""Streams: what waits at a signal, lane by lane, which groups let it go, and what detectors say of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mobility.shown import Shown

if TYPE_CHECKING:
    from mobility.signals.problem import Intersection, Network

CAR_PEOPLE = 1.3  # of a vehicle about which nothing else is known


@dataclass(frozen=True)
class Stream:
    """Vehicles that wait in one line.

    Parameters
    ----------
    id
        A lane of SUMO, or ``group|approach`` of a network.
    groups
        Those that let a part of it go: a shared lane has several.
    shares
        Of its vehicles, by group; they sum to 1.
    flow_vps
        Vehicles a second of green and lane, times lanes.
    storage
        Vehicles that fit before the line; infinite where nobody knows.
    foes
        By group: streams to which it gives way where the group shows that it yields.
    to
        By group: streams of other signals into which it leads, the share of each, and the travel
        time, s: (stream, share, travel_s); ``signal/stream`` where streams of two signals share an id.
    travel_s
        From where it is first seen to the line, undisturbed.
    """

    id: str
    signal: str
    groups: tuple[str, ...]
    shares: tuple[float, ...]
    flow_vps: float = 0.52
    storage: float = math.inf
    foes: tuple[tuple[str, ...], ...] = ()
    to: tuple[tuple[tuple[str, float, float], ...], ...] = ()
    travel_s: float = 15.0


@dataclass(frozen=True)
class Detection:
    """What one signal's detectors say at one second; every tuple in the order of its streams.

    Parameters
    ----------
    queued, counted
        Vehicles that stand, and all that are seen on the lane.
    coming
        (eta_s, vehicles) of all that are seen, those that stand included: when they would be at the
        line if nothing held them, seconds from now; a share of a vehicle where its lane is open.
    gap_s
        Since a vehicle was last over the detector.
    beyond
        Vehicles on the lanes that each stream's groups lead to, by group.
    room
        Vehicles that still fit there, all groups weighed.
    shares
        Of the stream's groups, as counted so far; empty: the stream's own.
    passed
        Vehicles that have left each lane since the last detection.
    """

    signal: str
    at_s: float
    queued: tuple[float, ...]
    counted: tuple[float, ...]
    coming: tuple[tuple[tuple[float, float], ...], ...]
    gap_s: tuple[float, ...] = ()
    beyond: tuple[tuple[float, ...], ...] = ()
    room: tuple[float, ...] = ()
    shares: tuple[tuple[float, ...], ...] = ()
    passed: tuple[float, ...] = ()

    def wrong(self, streams: int) -> str:
        """Say what makes it useless, empty when nothing does."""
        for name in ("queued", "counted", "coming"):
            row = getattr(self, name)
            if not isinstance(row, tuple) or len(row) != streams:
                return f"{name} of {streams} streams is {row!r}"[:80]
        for name in ("gap_s", "beyond", "room", "shares", "passed"):
            row = getattr(self, name)
            if not isinstance(row, tuple) or len(row) not in {0, streams}:
                return f"{name} of {streams} streams is {row!r}"[:80]
        try:
            if not all(0 <= one < 10_000 for one in (*self.queued, *self.counted)):
                return "a count that is no number, or below 0"
            for seen in self.coming:
                for eta, count in seen:
                    if not (-1e4 < eta < 1e5 and 0 <= count < 1000):
                        return f"a vehicle at {eta} s, {count}"
            if not all(one >= 0 for one in (*self.gap_s, *self.room, *self.passed)):
                return "a gap or a room that is no number, or below 0"
            for row in (*self.beyond, *self.shares):
                if not all(0 <= one < 10_000 for one in row):
                    return "a count or a share that is no number, or below 0"
        except (TypeError, ValueError):
            return "not a number"
        return ""


@dataclass(frozen=True)
class Asked:
    """Somebody asks for a green: one bus, tram or fire engine at one signal.

    Parameters
    ----------
    kind
        ``bus``, ``tram``, ``emergency`` or ``rail``.
    group
        That lets it go.
    at_s
        When it was sent.
    eta_s, eta_until_s
        When it will be at the line: the window that dwell at stops before it leaves open.
    late_s, headway_gap_s
        Behind its timetable; how much its headway exceeds the planned one.
    people
        On board.
    stream
        Where it waits; empty: the group's first one.
    leaves
        It has passed the line.
    """

    id: str
    signal: str
    kind: str
    group: str
    at_s: float
    eta_s: float
    eta_until_s: float
    late_s: float = 0.0
    headway_gap_s: float = 0.0
    people: float = 40.0
    stream: str = ""
    leaves: bool = False


@dataclass(frozen=True)
class Approaches(Shown):
    """All streams of a network, signal by signal."""

    streams: dict[str, tuple[Stream, ...]] = field(default_factory=dict)

    def of(self, signal: str) -> tuple[Stream, ...]:
        """Streams of one signal, in the order of its detections."""
        return self.streams.get(signal, ())


def approaches_of(network: Network) -> Approaches:
    """Streams of a network that knows no lanes: one a group and approach.

    Links say where a through movement arrives next.
    """
    made = {one.id: _streams(one) for one in network.intersections}
    return Approaches({signal: tuple(_onward(row, network, made)) for signal, row in made.items()})


def _streams(one: Intersection) -> list[Stream]:
    gives = {a for a, _ in one.permissive}
    found = []
    for group in one.groups:
        if group.on_foot:
            continue
        foes = tuple(
            f"{b}|{approach}"
            for a, b in sorted(one.permissive) if a == group.id and not one.group[b].on_foot
            for approach in (one.group[b].approaches or ("",))
        )  # fmt: skip
        for approach in group.approaches or ("",):
            found.append(Stream(
                f"{group.id}|{approach}", one.id, (group.id,), (1.0,), group.flow_vph / 3600,
                foes=(foes if group.id in gives else (),), to=((),),
            ))  # fmt: skip
    return found


def _onward(row: list[Stream], network: Network, made: dict[str, list[Stream]]) -> list[Stream]:
    found = []
    for stream in row:
        group = network.signal[stream.signal].group[stream.groups[0]]
        approach = stream.id.partition("|")[2]
        ways = [link for link in network.links if link.from_signal == stream.signal
                and "through" in group.movements and link.approach in {"", approach}]  # fmt: skip
        onward: list[tuple[str, float, float]] = []
        for link in ways:
            there = [other for other in made.get(link.to_signal, ())
                     if other.id.partition("|")[2] == (link.approach or approach)]  # fmt: skip
            onward += [(f"{link.to_signal}/{other.id}", 1 / len(there), link.travel_s)
                       for other in there]  # fmt: skip
        found.append(
            Stream(stream.id, stream.signal, stream.groups, stream.shares, stream.flow_vps,
                   stream.storage, stream.foes, (tuple(onward),), stream.travel_s)
        )  # fmt: skip
    return found
