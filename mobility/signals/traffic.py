"""Who drives: single vehicles with their ways, drawn from volumes or given one by one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mobility.errors import ConfigError
from mobility.signals.demand import Volumes
from mobility.signals.streets import SPACE_M

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from mobility.signals.demand import Link
    from mobility.signals.streets import Streets

BUS_SPACE_M = 14.5
ENTRY_S = 15.0  # from where a vehicle is first seen to the stop line
NEVER = -1e9
BOARDING = 0.5  # share of a dwell that grows with the time since the bus before


@dataclass(frozen=True)
class Hop:
    """A stop line (``move`` is a row of ``Streets.movements``) or a stop (``stop`` has a name).

    ``travel_s`` runs from the hop before, or from where the vehicle comes in.
    """

    travel_s: float
    move: int = -1
    stop: str = ""
    dwell_s: float = 0.0
    planned_s: float = 0.0  # headway that the dwell is meant for; 0: it does not depend on it
    hold_s: float = NEVER  # it leaves no earlier


@dataclass(frozen=True)
class Driver:
    """One vehicle: when it wants to come in, and its hops in order."""

    id: str
    depart_s: float
    hops: tuple[Hop, ...]
    bus: bool = False
    people: float = 1.3
    space_m: float = SPACE_M


@dataclass(frozen=True, eq=False)
class Traffic:
    """Vehicles as arrays, in order of departure.

    Parameters
    ----------
    begin_s, end_s
        Seconds into the day; times below count from ``begin_s``.
    ids, depart_s, people, space_m, bus
        By vehicle.
    hop_first
        Vehicle -> its first hop; one more than vehicles.
    move, travel_s, dwell_s, planned_s, hold_s
        By hop; ``move`` is -1 - row of ``stops`` where it is a stop.
    seed
        With which it was drawn.
    """

    begin_s: float
    end_s: float
    ids: tuple[str, ...]
    depart_s: NDArray[np.float64]
    people: NDArray[np.float64]
    space_m: NDArray[np.float64]
    bus: NDArray[np.int8]
    hop_first: NDArray[np.int32]
    move: NDArray[np.int32]
    travel_s: NDArray[np.float64]
    dwell_s: NDArray[np.float64]
    planned_s: NDArray[np.float64]
    hold_s: NDArray[np.float64]
    stops: tuple[str, ...] = ()
    seed: int = 0

    def __len__(self) -> int:
        return len(self.depart_s)


def traffic_of(
    drivers: Iterable[Driver], begin_s: float, end_s: float, *, seed: int = 0
) -> Traffic:
    """Lay vehicles out as arrays; those without a hop, or outside of the time, are left out."""
    kept = sorted(
        (one for one in drivers if one.hops and begin_s <= one.depart_s < end_s),
        key=lambda one: (one.depart_s, one.id),
    )
    hops = [hop for one in kept for hop in one.hops]
    stops = sorted({hop.stop for hop in hops if hop.move < 0})
    row = {stop: -1 - k for k, stop in enumerate(stops)}

    def column(values: Iterable[float]) -> NDArray[np.float64]:
        return np.fromiter(values, np.float64)

    return Traffic(
        begin_s, end_s, tuple(one.id for one in kept),
        column(one.depart_s - begin_s for one in kept), column(one.people for one in kept),
        column(one.space_m for one in kept), np.array([one.bus for one in kept], np.int8),
        np.concatenate(([0], np.cumsum([len(one.hops) for one in kept]))).astype(np.int32),
        np.array([hop.move if hop.move >= 0 else row[hop.stop] for hop in hops], np.int32),
        column(hop.travel_s for hop in hops), column(hop.dwell_s for hop in hops),
        column(hop.planned_s for hop in hops),
        column(hop.hold_s - begin_s if hop.hold_s > NEVER else NEVER for hop in hops),
        tuple(stops), seed,
    )  # fmt: skip


def joined(one: Traffic, other: Traffic) -> Traffic:
    """Two sets of vehicles on the same streets, in the time of the first."""
    shift = other.begin_s - one.begin_s
    stops = tuple(sorted({*one.stops, *other.stops}))
    row = {stop: k for k, stop in enumerate(stops)}

    def renamed(two: Traffic) -> NDArray[np.int32]:
        if not two.stops:
            return two.move
        to = np.array([-1 - row[stop] for stop in two.stops], np.int32)
        return np.where(two.move < 0, to[np.clip(-1 - two.move, 0, len(to) - 1)], two.move).astype(
            np.int32
        )

    depart = np.concatenate((one.depart_s, other.depart_s + shift))
    ids = (*one.ids, *other.ids)
    order = np.array(sorted(range(len(ids)), key=lambda k: (depart[k], ids[k])), np.int64)
    counts = np.concatenate((np.diff(one.hop_first), np.diff(other.hop_first)))
    starts = np.concatenate((one.hop_first[:-1], other.hop_first[:-1] + one.hop_first[-1]))
    first = np.concatenate(([0], np.cumsum(counts[order]))).astype(np.int32)
    hops = np.repeat(starts[order] - first[:-1], counts[order]) + np.arange(first[-1])

    def both(name: str, add: float = 0.0) -> NDArray[np.float64]:
        return np.concatenate((getattr(one, name), getattr(other, name) + add))

    return Traffic(
        one.begin_s, max(one.end_s, other.end_s), tuple(ids[k] for k in order), depart[order],
        both("people")[order], both("space_m")[order],
        np.concatenate((one.bus, other.bus))[order], first,
        np.concatenate((renamed(one), renamed(other)))[hops].astype(np.int32),
        both("travel_s")[hops], both("dwell_s")[hops], both("planned_s")[hops],
        both("hold_s", shift)[hops], stops, one.seed,
    )  # fmt: skip


def draw(
    streets: Streets,
    volumes: Volumes | Sequence[Volumes],
    *,
    seed: int = 0,
    begin_s: float | None = None,
    end_s: float | None = None,
) -> Traffic:
    """Draw vehicles from volumes: they come in at random, turn by the volumes, and spread.

    Where a link brings fewer vehicles than an approach has, the others come in on the way; where it
    brings more, some have left. A link's travel time is ``beta * travel_s`` and a geometric rest:
    on the mean over vehicles this is Robertson's platoon dispersion.

    Parameters
    ----------
    volumes
        One or several periods.
    begin_s, end_s
        By default from the first period's begin to the last one's end.

    Raises
    ------
    ConfigError
        When there is no volume at all.
    """
    periods = [volumes] if isinstance(volumes, Volumes) else list(volumes)
    if not any(flow > 0 for one in periods for flow in one.vehicles_h.values()):
        raise ConfigError("no vehicles an hour are given", mend="[[demand]] in signals.toml")
    begin = min(one.from_s for one in periods) if begin_s is None else begin_s
    end = max(one.to_s for one in periods) if end_s is None else end_s
    parts = []
    for number, one in enumerate(sorted(periods, key=lambda two: two.from_s)):
        start, stop = max(begin, one.from_s), min(end, one.to_s)
        if stop > start:
            parts.append(_period(streets, one, start, stop, np.random.default_rng((seed, number))))
    return _laid(parts, begin, end, seed)


Drawn = tuple[
    "NDArray[np.float64]", "NDArray[np.int64]", "NDArray[np.int32]", "NDArray[np.float64]", float
]


def _period(
    streets: Streets, one: Volumes, start: float, stop: float, random: np.random.Generator
) -> Drawn:
    """Draw one period: departures, and hops as (vehicle, movement, travel) rows in order."""
    row = streets.movement
    moves: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    for (signal, approach, movement), flow in sorted(one.vehicles_h.items()):
        if flow > 0 and (signal, approach, movement) in row:
            moves[signal, approach].append((row[signal, approach, movement], flow))
    inflow: dict[tuple[str, str], float] = defaultdict(float)
    for key, links in streets.onward.items():
        for link, share in links:
            inflow[link.to_signal, link.approach] += share * one.vehicles_h.get(key, 0.0)
    # Shares of who goes on over each link after each movement; the rest leaves.
    onward: dict[int, list[tuple[Link, float]]] = {}
    for key, links in streets.onward.items():
        if key not in row:
            continue
        kept = []
        for link, share in links:
            there = link.to_signal, link.approach
            volume = sum(flow for _, flow in moves.get(there, ()))
            kept.append((link, share * min(1.0, volume / max(inflow[there], 1e-9))))
        onward[row[key]] = kept
    departs, places = [], []
    for there, rows in sorted(moves.items()):
        extra = sum(flow for _, flow in rows) - inflow.get(there, 0.0)
        count = random.poisson(max(0.0, extra) * (stop - start) / 3600)
        departs.append(random.uniform(start, stop, count))
        places += [there] * count
    depart = np.concatenate(departs) if departs else np.zeros(0)
    at = np.array([streets.approaches.index(place) for place in dict.fromkeys(places)], np.int64)
    names = list(dict.fromkeys(places))
    number = {name: int(at[k]) for k, name in enumerate(names)}
    here = np.array([number[place] for place in places], np.int64)
    travel = np.full(len(depart), ENTRY_S)
    vehicle = np.arange(len(depart))
    hop_vehicle, hop_move, hop_travel = [], [], []
    for _ in range(60):
        if not len(vehicle):
            break
        move = np.zeros(len(vehicle), np.int32)
        for a in np.unique(here):
            rows = moves[streets.approaches[a]]
            which = here == a
            flows = np.cumsum([flow for _, flow in rows])
            drawn = np.searchsorted(flows / flows[-1], random.random(which.sum()), side="right")
            move[which] = np.array([m for m, _ in rows], np.int32)[np.minimum(drawn, len(rows) - 1)]
        hop_vehicle.append(vehicle)
        hop_move.append(move)
        hop_travel.append(travel)
        after = np.full(len(vehicle), -1, np.int64)
        travel = np.zeros(len(vehicle))
        for m in np.unique(move):
            which = np.flatnonzero(move == m)
            ways = onward.get(int(m), [])
            chosen = random.random(len(which))
            passed = 0.0
            for link, share in ways:
                takes = which[(chosen >= passed) & (chosen < passed + share)]
                passed += share
                after[takes] = streets.approaches.index((link.to_signal, link.approach))
                travel[takes] = spread(link, len(takes), random)
        goes = after >= 0
        vehicle, here, travel = vehicle[goes], after[goes], travel[goes]
    if not hop_vehicle:
        return depart, np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0), one.car_occupancy
    rows_v = np.concatenate(hop_vehicle)
    order = np.argsort(rows_v, kind="stable")
    return (depart, rows_v[order], np.concatenate(hop_move)[order],
            np.concatenate(hop_travel)[order], one.car_occupancy)  # fmt: skip


def spread(link: Link, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Travel times over a link: Robertson's recursion, vehicle by vehicle (TRANSYT).

    ``q(t + beta T) = F q0(t) + (1 - F) q(t - 1 + beta T)`` says that a vehicle needs ``beta T``
    and a number of further seconds that is geometric with ``F = 1 / (1 + alpha beta T)``.
    """
    factor = 1.0 / (1.0 + link.alpha * link.beta * link.travel_s)
    rest = random.geometric(factor, count).astype(np.float64) - 1.0
    return np.asarray(link.beta * link.travel_s + rest, np.float64)


def _laid(parts: Sequence[Drawn], begin: float, end: float, seed: int) -> Traffic:
    depart = np.concatenate([part[0] for part in parts]) if parts else np.zeros(0)
    people = np.concatenate([np.full(len(part[0]), part[4]) for part in parts] or [np.zeros(0)])
    offset = np.cumsum([0, *(len(part[0]) for part in parts)])
    owner = np.concatenate([part[1] + offset[k] for k, part in enumerate(parts)] or [np.zeros(0)])
    move = np.concatenate([part[2] for part in parts] or [np.zeros(0, np.int32)])
    travel = np.concatenate([part[3] for part in parts] or [np.zeros(0)])
    order = np.argsort(depart, kind="stable")
    counts = np.bincount(owner.astype(np.int64), minlength=len(depart))
    starts = np.concatenate(([0], np.cumsum(counts)))
    first = np.concatenate(([0], np.cumsum(counts[order]))).astype(np.int32)
    hops = np.repeat(starts[:-1][order] - first[:-1], counts[order]) + np.arange(first[-1])
    size = len(hops)
    return Traffic(
        begin, end, tuple(f"car {k}" for k in range(len(depart))), depart[order] - begin,
        people[order], np.full(len(depart), SPACE_M), np.zeros(len(depart), np.int8), first,
        move[hops].astype(np.int32), travel[hops], np.zeros(size), np.zeros(size),
        np.full(size, NEVER), (), seed,
    )  # fmt: skip


def between(streets: Streets, signals: Sequence[str]) -> list[int]:
    """Movements of a line that passes signals in order: where links bring it and take it.

    Raises
    ------
    ConfigError
        When no movement leads from one of its signals to the next.
    """
    row = streets.movement
    links = [
        [link for ways in streets.onward.values() for link, _ in ways
         if (link.from_signal, link.to_signal) == pair]
        for pair in pairwise(signals)
    ]  # fmt: skip
    found: list[int] = []
    for k, signal in enumerate(signals):
        arrives = {link.approach for link in links[k - 1]} if k else None
        leads = None
        if k + 1 < len(signals):
            leads = {
                key for key, ways in streets.onward.items()
                if key[0] == signal and any(link.to_signal == signals[k + 1] for link, _ in ways)
            }  # fmt: skip
        able = [
            key for key in row
            if key[0] == signal and (arrives is None or key[1] in arrives)
            and (leads is None or key in leads)
        ]  # fmt: skip
        if not able:
            raise ConfigError(
                f"no movement leads through signal {signal} on the way {' - '.join(signals)}",
                mend="a link between each two of its signals, and groups for its movements",
            )
        found.append(row[min(able, key=lambda key: (key[2] != "through", key))])
    return found
