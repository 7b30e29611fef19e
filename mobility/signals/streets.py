"""Stop lines as arrays: lanes, turns, who gives way, and where each movement leads."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mobility.errors import ConfigError
from mobility.signals.demand import Lane, Link, Turn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.signals.demand import Movement
    from mobility.signals.problem import Group, Intersection, Network

    Ints = NDArray[np.int32]
    Floats = NDArray[np.float64]

SPACE_M = 7.5  # of a standing car; a bus takes 14.5
WAVE_MS = 6.0  # how fast a gap runs back through a queue
LOST_S = 2.0  # of the first vehicle of a queue
GAP_S = 3  # seconds without a vehicle that who gives way needs
TURN_FLOW = {"left": 0.95, "right": 0.85, "u-turn": 0.8}  # of a through lane's (HCM 2000)
_SIDES = {"N": 0.0, "NE": 45.0, "E": 90.0, "SE": 135.0, "S": 180.0, "SW": 225.0, "W": 270.0,
          "NW": 315.0}  # fmt: skip
_EXIT = {"through": 180.0, "left": 90.0, "right": 270.0, "u-turn": 0.0}  # from the side of arrival


@dataclass(frozen=True, eq=False)
class Streets:
    """A network as the kernels read it.

    Parameters
    ----------
    movements, approaches, groups
        What the rows stand for: (signal, approach, movement), (signal, approach), (signal, group).
    lanes, turns
        Lanes at stop lines, and (lane, movement) of each turn.
    onward
        Movement -> links that its vehicles take, each with its share; the rest leaves.
    arrays
        As ``_queue_kernels.advance`` has it.
    """

    network: Network
    movements: tuple[Movement, ...]
    approaches: tuple[tuple[str, str], ...]
    groups: tuple[tuple[str, str], ...]
    lanes: tuple[Lane, ...]
    turns: tuple[tuple[int, int], ...]
    onward: dict[Movement, tuple[tuple[Link, float], ...]]
    arrays: tuple[NDArray[np.generic], ...]

    @property
    def movement(self) -> dict[Movement, int]:
        """Rows of movements."""
        return {one: row for row, one in enumerate(self.movements)}


def streets_of(network: Network) -> Streets:
    """Turn a network into rows.

    Where a network names no lanes, each group has its own: the outer ones turn, the others go on.

    Raises
    ------
    ConfigError
        When a link's approach can be told neither from its name nor from where signals are.
    """
    lanes = network.lanes or tuple(
        lane for one in network.intersections for lane in _own_lanes(one)
    )
    links = tuple(_placed(network, link) for link in network.links)
    keys = sorted(
        {(lane.signal, lane.approach, turn.movement) for lane in lanes for turn in lane.turns}
    )
    movement = {key: row for row, key in enumerate(keys)}
    sides = sorted({key[:2] for key in keys})
    approach = {key: row for row, key in enumerate(sides)}
    groups = sorted({(one.id, group.id) for one in network.intersections for group in one.groups})
    group_row = {key: row for row, key in enumerate(groups)}
    rows = sorted(
        (movement[lane.signal, lane.approach, turn.movement], k, turn)
        for k, lane in enumerate(lanes) for turn in lane.turns
    )  # fmt: skip
    shown = {one.id: one.yield_shown for one in network.intersections}
    foes = [
        [movement[lanes[k].signal, *foe] for foe in turn.yields_to
         if (lanes[k].signal, *foe) in movement]
        for _, k, turn in rows
    ]  # fmt: skip
    move_group = np.zeros(len(keys), np.int32)
    for m, k, turn in reversed(rows):
        move_group[m] = group_row[lanes[k].signal, turn.group]
    fed = defaultdict(list)
    for link in links:
        fed[link.to_signal, link.approach].append(link)
    room = np.full(len(sides), np.inf)
    wave = np.zeros(len(sides))
    look = np.ones(len(sides), np.int32)
    for key, row in approach.items():
        count = sum((lane.signal, lane.approach) == key for lane in lanes)
        look[row] = max(1, count - 1)
        if fed[key]:
            longest = max(fed[key], key=lambda link: link.distance_m * link.lanes)
            room[row] = longest.distance_m * longest.lanes
            wave[row] = min(900.0, longest.distance_m / WAVE_MS)
            look[row] = longest.lanes
    arrays: tuple[NDArray[np.generic], ...] = (
        np.array([k for _, k, _ in rows], np.int32),
        np.array([group_row[lanes[k].signal, turn.group] for _, k, turn in rows], np.int32),
        np.array([3600.0 / turn.saturation_vph for _, _, turn in rows], np.float64),
        np.array([not shown[lanes[k].signal] for _, k, _ in rows], np.int8),
        np.concatenate(([0], np.cumsum([len(one) for one in foes]))).astype(np.int32),
        np.array([foe for one in foes for foe in one], np.int32),
        np.searchsorted([m for m, _, _ in rows], np.arange(len(keys) + 1)).astype(np.int32),
        np.array([approach[key[:2]] for key in keys], np.int32),
        move_group,
        np.array([max(lane.storage_m, SPACE_M) for lane in lanes], np.float64),
        np.array([lane.buses_only for lane in lanes], np.int8),
        room, wave, look,
        np.array([LOST_S, GAP_S], np.float64),
    )  # fmt: skip
    return Streets(
        network, tuple(keys), tuple(sides), tuple(groups), lanes,
        tuple((k, m) for m, k, _ in rows), _onward(network, links, keys), arrays,
    )  # fmt: skip


def _own_lanes(one: Intersection) -> list[Lane]:
    """Lanes of a signal that names none: a group's own, on each of its approaches."""
    found = []
    for group in one.groups:
        if group.on_foot:
            continue
        for approach in group.approaches:
            for k in range(group.lanes):
                turns = tuple(
                    Turn(movement, group.id,
                         group.saturation_lane_vph * TURN_FLOW.get(movement, 1.0),
                         _gives_way(one, group, approach, movement))
                    for movement in _of_lane(group, k)
                )  # fmt: skip
                if turns:
                    found.append(Lane(f"{group.id}|{approach}|{k}", one.id, approach, math.inf, turns,
                                      buses_only=group.kind in {"bus", "tram"}))  # fmt: skip
    return found


def _of_lane(group: Group, k: int) -> list[str]:
    """Movements of a group's k-th lane from the kerb: turns from the outer lanes."""
    moves = list(group.movements)
    if "through" not in moves or group.lanes == 1:
        return moves
    inner = {"left", "u-turn"}
    return [
        one for one in moves
        if one == "through" or (one == "right" and k == 0) or (one in inner and k == group.lanes - 1)
    ]  # fmt: skip


def _gives_way(
    one: Intersection, group: Group, approach: str, movement: str
) -> tuple[tuple[str, str], ...]:
    """Movements that go first: of the groups that it gives way to, and those ahead of a left turn."""
    if movement == "through" and len(group.movements) > 1:
        return ()
    firsts = [one.group[b] for a, b in sorted(one.permissive) if a == group.id]
    if movement == "left" and "through" in group.movements:
        firsts.append(group)
    found = set()
    for first in firsts:
        if first.on_foot:
            continue
        for other in first.approaches:
            if other == approach or (movement == "left" and not _faces(approach, other)):
                continue
            found |= {(other, move) for move in first.movements if move in {"through", "right"}}
    return tuple(sorted(found))


def _faces(one: str, other: str) -> bool:
    """Whether two approaches lie opposite; true where nobody can tell."""
    if one not in _SIDES or other not in _SIDES:
        return True
    return abs((_SIDES[one] - _SIDES[other]) % 360 - 180) < 60


def _bearing(a: Intersection, b: Intersection) -> float | None:
    """Degrees from north, from one signal to another."""
    if a.lat is None or a.lon is None or b.lat is None or b.lon is None:
        return None
    east = (b.lon - a.lon) * math.cos(math.radians((a.lat + b.lat) / 2))
    return math.degrees(math.atan2(east, b.lat - a.lat)) % 360


def _nearest(bearing: float, names: set[str]) -> str:
    return min(sorted(names & set(_SIDES)),
               key=lambda one: abs((_SIDES[one] - bearing + 180) % 360 - 180))  # fmt: skip


def _placed(network: Network, link: Link) -> Link:
    """Give a link its approach: the side of its signal that faces where it comes from."""
    if link.approach:
        return link
    one, other = network.signal[link.from_signal], network.signal[link.to_signal]
    names = {name for group in other.groups for name in group.approaches}
    back = _bearing(other, one)
    if back is None or not names & set(_SIDES):
        raise ConfigError(
            f"link {link.from_signal}-{link.to_signal} does not say where it arrives",
            mend='approach = "W", or lat and lon of both signals and approaches N, E, S, W',
        )
    return replace(link, approach=_nearest(back, names))


def _onward(
    network: Network, links: tuple[Link, ...], keys: list[Movement]
) -> dict[Movement, tuple[tuple[Link, float], ...]]:
    found: dict[Movement, list[tuple[Link, float]]] = defaultdict(list)
    for link in links:
        if link.feeds:
            for approach, movement, share in link.feeds:
                found[link.from_signal, approach, movement].append((link, share))
            continue
        one, other = network.signal[link.from_signal], network.signal[link.to_signal]
        side = _bearing(one, other)
        if side is None and link.approach in _SIDES:
            side = (_SIDES[link.approach] + 180) % 360
        own = [key for key in keys if key[0] == one.id]
        for key in own:
            if side is None or key[1] not in _SIDES:
                takes = key[2] == "through" and network.lanes == ()
            else:
                away = (_SIDES[key[1]] + _EXIT.get(key[2], 180.0)) % 360
                takes = abs((away - side + 180) % 360 - 180) < 45 + 1e-9
            if takes:
                found[key].append((link, 1.0))
    return {
        key: tuple((link, share / max(1.0, sum(part for _, part in rows))) for link, share in rows)
        for key, rows in found.items()
    }
