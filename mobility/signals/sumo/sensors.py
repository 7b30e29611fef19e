"""Detectors in SUMO: every vehicle on the lanes before a signal, and what counting them teaches."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mobility.signals.streams import Approaches, Detection, Stream
from mobility.signals.sumo.net import are_foes

if TYPE_CHECKING:
    from collections.abc import Collection

    from mobility.signals.problem import Network
    from mobility.signals.sumo.net import Net

LOOK_M = 400.0  # how far before the line vehicles are seen
COUNT_M = 200.0  # and counted as approaching
VEHICLE_M = 7.5  # a standing car and its gap
# Where gaps are measured before the line: at the speed allowed, but no farther than a queue moves within a
# minimum green of 5 s, at 1.9 s a car; else a standing queue has not reached the detector when it is asked.
DETECTOR_S, DETECTOR_M = 2.0, (5 / 1.9 + 0.5) * VEHICLE_M
LEAST_SHARE = 0.1  # of a stream that leads on to another signal
SLOW_MS = 0.5  # below: it stands
GAP_MOST_S = 60.0
TRUST = 10.0  # vehicles that a first guess of shares counts for


class Sensors:
    """Streams of a net, and their detections step by step.

    Lanes, positions and speeds are seen; routes are not. Which way a lane's vehicles turn, and to
    which lanes those of the edges before it go, is counted as they do.
    """

    def __init__(self, api: Any, network: Network, net: Net) -> None:
        self.api = api
        self.net = net
        into: dict[str, set[str]] = {}  # edges before an edge
        by_edge: dict[str, list[str]] = defaultdict(list)
        for lane in net.lanes.values():
            by_edge[lane.edge].append(lane.id)
        ends: dict[str, list[str]] = defaultdict(list)
        for edge, (start, end) in net.edges.items():
            if end and start:
                ends[end].append(edge)
        held = {
            net.lanes[link.from_lane].edge
            for one in network.intersections
            for rows in net.links[one.id].values() for link in rows if link.from_lane in net.lanes
        }  # fmt: skip
        for edge, (start, _) in net.edges.items():
            if start:
                into[edge] = {two for two in ends[start] if two != edge}
        self.streams: dict[str, list[Stream]] = {}
        self._links: dict[str, list[list[tuple[int, str]]]] = {}
        self._up: dict[str, list[tuple[str, float, float]]] = {}
        self._lane_of: dict[str, list[str]] = {}
        self._exits: dict[str, list[list[str]]] = {}
        for one in network.intersections:
            self._signal(one.id, one, held, into, by_edge)
        after: dict[str, list[str]] = defaultdict(list)
        for edge, befores in into.items():
            for before in befores:
                after[before].append(edge)
        lanes_of: dict[str, list[str]] = defaultdict(list)
        for row in self.streams.values():
            for stream in row:
                lanes_of[net.lanes[stream.id].edge].append(stream.id)
        self.approaches = Approaches({
            signal: tuple(
                replace(stream, to=tuple(
                    self._onward(edge, after, lanes_of) for _, edge in self._links[signal][k]
                ))
                for k, stream in enumerate(row)
            )
            for signal, row in self.streams.items()
        })  # fmt: skip
        self._turns: dict[str, dict[str, float]] = defaultdict(dict)
        self._past: dict[str, dict[str, float]] = defaultdict(dict)
        self._gap: dict[str, float] = defaultdict(lambda: GAP_MOST_S)
        self._left: dict[str, float] = {}
        self._was: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._edge_of = {lane.id: lane.edge for lane in net.lanes.values()}
        self._approach = {lane: signal for signal, row in self._lane_of.items() for lane in row}
        self._watch = sorted(
            set(self._approach)
            | {lane for ups in self._up.values() for edge, _, _ in ups for lane in by_edge[edge]}
        )
        self._beyond = sorted(
            {lane for rows in self._exits.values() for row in rows for lane in row}
        )
        self._by_edge = by_edge
        self.vehicles: dict[str, list[tuple[str, float, float, float]]] = {}

    def _signal(self, signal: str, one: Any, held: set[str], into: dict[str, set[str]],
                by_edge: dict[str, list[str]]) -> None:  # fmt: skip
        net = self.net
        group_of = {link: group.id for group in one.groups for link in group.source}
        lanes: dict[str, list[tuple[int, Any]]] = defaultdict(list)
        for index, rows in sorted(net.links[signal].items()):
            for link in rows:
                if not link.crossing and link.from_lane in net.lanes and index in group_of:
                    lanes[link.from_lane].append((index, link))
        row: list[Stream] = []
        parts: list[list[tuple[int, str]]] = []
        exits: list[list[str]] = []
        for lane_id in sorted(lanes):
            lane = net.lanes[lane_id]
            links = lanes[lane_id]
            foes = []
            for _, link in links:
                foes.append(tuple(sorted({
                    other_id for other_id, others in lanes.items() if other_id != lane_id
                    for _, other in others if are_foes(net, link, other)
                })))  # fmt: skip
            row.append(Stream(
                lane_id, signal, tuple(group_of[index] for index, _ in links),
                tuple(1 / len(links) for _ in links), _flow(lane.speed_ms),
                lane.length_m / VEHICLE_M, tuple(foes), tuple(() for _ in links),
                lane.length_m / max(lane.speed_ms, 1.0),
            ))  # fmt: skip
            parts.append([(index, link.to_edge) for index, link in links])
            exits.append([self._exit(link, by_edge) for _, link in links])
            self._upstream(lane.edge, held, into)
        self.streams[signal] = row
        self._links[signal] = parts
        self._lane_of[signal] = [stream.id for stream in row]
        self._exits[signal] = exits

    def _exit(self, link: Any, by_edge: dict[str, list[str]]) -> str:
        lanes = by_edge.get(link.to_edge, [])
        return lanes[min(len(lanes) - 1, link.to_lane)] if lanes else ""

    def _upstream(self, edge: str, held: set[str], into: dict[str, set[str]]) -> None:
        """Edges before an approach that no signal holds: how far, and how long to its start."""
        if edge in self._up:
            return
        found: list[tuple[str, float, float]] = []
        first = self.net.lanes.get(f"{edge}_0")
        todo = [(edge, first.length_m if first else 0.0, 0.0)]
        seen = {edge}
        while todo:
            here, metres, seconds = todo.pop()
            for before in sorted(into.get(here, ())):
                lane = self.net.lanes.get(f"{before}_0")
                if before in seen or before in held or lane is None or metres >= LOOK_M:
                    continue
                seen.add(before)
                found.append((before, metres, seconds))
                todo.append((before, metres + lane.length_m,
                             seconds + lane.length_m / max(lane.speed_ms, 1.0)))  # fmt: skip
        self._up[edge] = found

    def _onward(self, edge: str, after: dict[str, list[str]], lanes_of: dict[str, list[str]]
                ) -> tuple[tuple[str, float, float], ...]:  # fmt: skip
        """Streams into which an edge leads before any other signal: share, and seconds."""
        found: list[tuple[str, float, float]] = []
        todo = [(edge, 1.0, 0.0, 0.0)]
        while todo:
            here, share, seconds, metres = todo.pop()
            lane = self.net.lanes.get(f"{here}_0")
            if lane is None or metres > LOOK_M or share < LEAST_SHARE:
                continue
            seconds += lane.length_m / max(lane.speed_ms, 1.0)
            lanes = lanes_of.get(here, ())
            if lanes:
                found += [(one, share / len(lanes), seconds) for one in lanes]
                continue
            ways = [one for one in after.get(here, ()) if one in self.net.edges]
            todo += [(one, share / len(ways), seconds, metres + lane.length_m) for one in ways]
        return tuple(sorted(found))

    def read(self, now_s: float, dwelling: Collection[str] = ()) -> dict[str, Detection]:
        """Detections of every signal at a second; ``dwelling`` vehicles stand at a stop."""
        self._left = {}
        seen = self._look(dwelling)
        counts = {
            lane: float(len(seen[lane]) if lane in seen
                        else self.api.lane.getLastStepVehicleNumber(lane))
            for lane in self._beyond if lane
        }  # fmt: skip
        found = {}
        for signal, row in self.streams.items():
            found[signal] = self._detect(signal, row, now_s, seen, counts)
        self.vehicles = seen
        return found

    def _look(self, dwelling: Collection[str]) -> dict[str, list[tuple[str, float, float, float]]]:
        """Vehicles of every watched lane: id, metres to its end, speed, length."""
        lane_api, vehicle = self.api.lane, self.api.vehicle
        seen: dict[str, list[tuple[str, float, float, float]]] = {}
        now: dict[str, tuple[str, tuple[str, ...]]] = {}
        for lane in self._watch:
            ids = lane_api.getLastStepVehicleIDs(lane)
            length = self.net.lanes[lane].length_m
            row = []
            for one in ids:
                if one not in dwelling:
                    row.append((one, length - vehicle.getLanePosition(one), vehicle.getSpeed(one),
                                vehicle.getLength(one)))  # fmt: skip
                was = self._was.get(one)
                now[one] = (lane, was[1]) if was is not None else (lane, ())
                if was is not None and was[0] != lane:
                    now[one] = lane, self._moved(was, lane)
            seen[lane] = row
        alive = set(vehicle.getIDList())
        # Those that left all watched lanes have turned: ask where they are, once.
        for one, (lane, edges) in self._was.items():
            if one in now or lane not in self._approach:
                continue
            if one not in alive:
                continue
            edge = vehicle.getRoadID(one)
            if edge.startswith(":"):
                now[one] = lane, edges
                continue
            self._count(lane, edge, edges)
        self._was = now
        return seen

    def _moved(self, was: tuple[str, tuple[str, ...]], lane: str) -> tuple[str, ...]:
        """Note a turn where a vehicle has left an approach; the edges that it came by."""
        edge, old = self._edge_of[lane], self._edge_of[was[0]]
        if edge == old:
            return was[1]
        if was[0] in self._approach:
            self._count(was[0], edge, was[1])
            return ()
        return (*was[1][-3:], old)

    def _count(self, lane: str, edge: str, edges: tuple[str, ...]) -> None:
        self._left[lane] = self._left.get(lane, 0.0) + 1
        turns = self._turns[lane]
        turns[edge] = turns.get(edge, 0.0) + 1
        for before in edges:
            past = self._past[before]
            past[lane] = past.get(lane, 0.0) + 1

    def _shares(self, signal: str, k: int) -> tuple[float, ...]:
        links = self._links[signal][k]
        if len(links) == 1:
            return (1.0,)
        turns = self._turns.get(self._lane_of[signal][k], {})
        each = TRUST / len(links)
        same = [sum(other == edge for _, other in links) for _, edge in links]
        rows = [turns.get(edge, 0.0) / n + each for (_, edge), n in zip(links, same, strict=True)]
        total = sum(rows)
        return tuple(one / total for one in rows)

    def _detect(
        self,
        signal: str,
        row: list[Stream],
        now_s: float,
        seen: dict[str, list[tuple[str, float, float, float]]],
        counts: dict[str, float],
    ) -> Detection:
        queued, counted, gaps, room, beyond, shares = [], [], [], [], [], []
        coming: list[list[tuple[float, float]]] = []
        overs: list[bool] = []
        edges: dict[str, list[int]] = {}
        for k, stream in enumerate(row):
            lane = self.net.lanes[stream.id]
            edges.setdefault(lane.edge, []).append(k)
            speed = max(lane.speed_ms, 1.0)
            at = min(DETECTOR_S * speed, DETECTOR_M)
            over = False
            stand = 0
            mine = []
            for _, metres, pace, long_m in seen[stream.id]:
                stand += pace < SLOW_MS
                mine.append((metres / speed, 1.0))
                over = over or metres <= at < metres + long_m + pace
            overs.append(over)
            queued.append(float(stand))
            counted.append(float(len(mine)))
            coming.append(mine)
            exits = self._exits[signal][k]
            part = self._shares(signal, k)
            shares.append(part)
            beyond.append(tuple(float(counts.get(lane, 0)) for lane in exits))
            space = 0.0
            for share, lane_id in zip(part, exits, strict=True):
                if lane_id:
                    fits = self.net.lanes[lane_id].length_m / VEHICLE_M
                    space += share * max(0.0, fits - counts.get(lane_id, 0))
                else:
                    space += share * 100
            room.append(space)
        for edge, ks in edges.items():
            self._further(edge, ks, row, seen, coming, counted, overs)
        for over, stream in zip(overs, row, strict=True):
            self._gap[stream.id] = 0.0 if over else min(GAP_MOST_S, self._gap[stream.id] + 1)
            gaps.append(self._gap[stream.id])
        return Detection(
            signal, now_s, tuple(queued), tuple(counted),
            tuple(tuple(sorted(one)) for one in coming), tuple(gaps), tuple(beyond), tuple(room),
            tuple(shares), tuple(self._left.get(stream.id, 0.0) for stream in row),
        )  # fmt: skip

    def _further(self, edge: str, ks: list[int], row: list[Stream],
                 seen: dict[str, Any], coming: list[list[tuple[float, float]]],
                 counted: list[float], overs: list[bool]) -> None:  # fmt: skip
        """Vehicles on the edges before the approach, by the lanes to which they usually go."""
        first = self.net.lanes[row[ks[0]].id]
        for before, metres, _ in self._up[edge]:
            vehicles = [one for lane in self._by_edge[before] for one in seen.get(lane, ())]
            if not vehicles:
                continue
            past = self._past.get(before, {})
            total = sum(past.values())
            prior = TRUST / 4
            weights = [(past.get(row[k].id, 0.0) + prior / len(ks)) / (total + prior) for k in ks]
            pace = max(self.net.lanes[self._by_edge[before][0]].speed_ms, 1.0)
            ahead = first.length_m / max(first.speed_ms, 1.0)
            for _, left, speed, long_m in vehicles:
                if metres + left > LOOK_M:
                    continue
                near = metres + left <= COUNT_M
                at = min(DETECTOR_S * max(first.speed_ms, 1.0), DETECTOR_M)
                over = metres + left <= at < metres + left + long_m + speed
                eta = ahead + (metres - first.length_m + left) / pace
                for k, weight in zip(ks, weights, strict=True):
                    if weight > 0.02:
                        coming[k].append((eta, weight))
                    if near:
                        counted[k] += weight
                    if over and weight > 0.2:
                        overs[k] = True


def _flow(speed_ms: float) -> float:
    """Vehicles a second of green: time to the one ahead, and its length at the speed driven."""
    return 1 / (1.0 + VEHICLE_M / max(3.0, min(speed_ms, 9.0)))
