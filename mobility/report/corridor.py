"""Time and distance along a street: reds, green bands, and how a bus gets through."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.report.page import Figure
from mobility.signals.problem import GREENS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobility.signals import Network, Plan
    from mobility.signals.problem import Intersection, Link

# Cycles that are drawn; a band narrower than this is none.
_CYCLES = 4
_LEAST_BAND_S = 3.0
_STEP_S = 0.5
_SIDES = (("N", 0.0), ("E", 90.0), ("S", 180.0), ("W", 270.0))


def corridor_figure(network: Network, shown: Sequence[tuple[str, Plan]]) -> Figure | None:
    """Draw time against distance for each plan, both ways; None where no signals stand in a line."""
    order = _order(network)
    if len(order) < 2:
        return None
    plans, rows = [], []
    for name, plan in shown:
        if not set(order) <= set(plan.signal):
            continue
        told = _told(network, plan, order)
        plans.append({"name": name, **told})
        rows += [
            (name, way["name"], band["from"], band["to"], band["start_s"], band["width_s"])
            for way in told["ways"]
            for band in way["bands"]
        ]
    if not plans:
        return None
    names = {one.id: one.name for one in network.intersections}
    columns = ["plan", "way", "from_signal", "to_signal", "start_s", "width_s"]
    stands = zip(order, _metres(network, order), strict=True)
    signals = [{"id": one, "name": names[one], "at": at} for one, at in stands]
    return Figure(
        "street", "signals", "street", "Time and distance along the street",
        "Bars are red, above the line for the way up and below it for the way down. Shaded bands are "
        "where a platoon at the street's speed meets green at every signal it passes; lines are buses with "
        "their mean stops.",
        {"signals": signals, "plans": plans, "corridor": network.corridor},
        pd.DataFrame(rows, columns=columns),
    )  # fmt: skip


def _order(network: Network) -> tuple[str, ...]:
    """Signals along the street: of the longest bus line, else of the longest way without a fork."""
    links = {(one.from_signal, one.to_signal) for one in network.links}
    lines = [
        one.signals
        for one in network.bus_routes
        if all(pair in links for pair in pairwise(one.signals))
    ]
    if lines:
        return max(lines, key=lambda one: (len(one), tuple(reversed(one))))
    onward: dict[str, list[str]] = {}
    for a, b in sorted(links):
        onward.setdefault(a, []).append(b)
    best: tuple[str, ...] = ()
    for start in sorted(onward):
        way = [start]
        while True:
            ahead = [one for one in onward.get(way[-1], ()) if one not in way]
            if len(ahead) != 1:
                break
            way.append(ahead[0])
        best = max(best, tuple(way), key=len)
    return best


def _metres(network: Network, order: Sequence[str]) -> list[float]:
    links = {(one.from_signal, one.to_signal): one for one in network.links}
    at = [0.0]
    for pair in pairwise(order):
        at.append(at[-1] + links[pair].distance_m)
    return at


def _told(network: Network, plan: Plan, order: tuple[str, ...]) -> dict[str, Any]:
    """Reds, bands and buses of one plan, both ways."""
    links = {(one.from_signal, one.to_signal): one for one in network.links}
    up = list(_metres(network, order))
    ways = []
    for name, way in (("up", order), ("down", tuple(reversed(order)))):
        if not all(pair in links for pair in pairwise(way)):
            continue
        at = up if name == "up" else up[::-1]
        greens = _greens(network, plan, way, links)
        travel = [links[pair].travel_s for pair in pairwise(way)]
        ways.append({
            "name": f"{way[0]} to {way[-1]}", "up": name == "up",
            "reds": [_reds(one, plan.signal[signal].cycle_s)
                     for signal, one in zip(way, greens, strict=True)],
            "cycles": [plan.signal[one].cycle_s for one in way], "at": at,
            "bands": _bands(way, greens, travel, [plan.signal[one].cycle_s for one in way]),
            "travel": travel,
            "buses": _buses(network, plan, way, greens, links, at),
        })  # fmt: skip
    cycle = max(plan.signal[one].cycle_s for one in order)
    return {"ways": ways, "span": cycle * _CYCLES}


def _greens(
    network: Network, plan: Plan, way: Sequence[str], links: dict[tuple[str, str], Link]
) -> list[list[tuple[float, float]]]:
    """Greens of those who go straight on at each signal, seconds after the master clock's zero."""
    found = []
    sides = [_side(network.signal[b], network.signal[a], links[a, b]) for a, b in pairwise(way)]
    for signal, side in zip(way, [sides[0], *sides], strict=True):
        one = network.signal[signal]
        ahead = [g for g in one.groups if g.kind == "vehicle" and "through" in g.movements]
        ahead = [g for g in ahead if side in g.approaches] or ahead[:1]
        zero = plan.signal[signal].zero_s
        shows = [s for g in ahead[:1] for s in plan.signal[signal].of_group.get(g.id, ())]
        found.append([(zero + s.from_s, zero + s.to_s) for s in shows if s.state in GREENS])
    return found


def _side(here: Intersection, there: Intersection, link: Link) -> str:
    """Name of the approach at ``here`` by which traffic from ``there`` arrives."""
    places = (here.lat, here.lon, there.lat, there.lon)
    if link.approach or None in places:
        return link.approach
    lat, lon, lat_there, lon_there = (float(one or 0.0) for one in places)
    east = (lon_there - lon) * np.cos(np.radians(lat))
    bearing = float(np.degrees(np.arctan2(east, lat_there - lat)) % 360.0)
    known = {side for group in here.groups for side in group.approaches}
    apart = [
        (min(abs(bearing - degrees), 360.0 - abs(bearing - degrees)), side)
        for side, degrees in _SIDES
        if side in known
    ]
    return min(apart)[1] if apart else ""


def _reds(greens: list[tuple[float, float]], cycle: float) -> list[list[float]]:
    """What is left of one cycle from the master clock's zero: [from, to], never past the cycle."""
    on = np.zeros(round(cycle / _STEP_S), bool)
    for low, high in greens:
        steps = np.arange(round(low / _STEP_S), round(high / _STEP_S))
        on[steps % on.size] = True
    edge = np.flatnonzero(np.diff(np.concatenate([[1], on.astype(np.int8), [1]])))
    return [[float(a) * _STEP_S, float(b) * _STEP_S] for a, b in edge.reshape(-1, 2)]


def _bands(
    way: Sequence[str],
    greens: list[list[tuple[float, float]]],
    travel: list[float],
    cycles: list[float],
) -> list[dict[str, Any]]:
    """Green bands from the first signal on; where one closes, the next begins.

    A band is the widest run of starts for which every signal up to its end is green on arrival. Only
    signals of one cycle share a band.
    """
    bands: list[dict[str, Any]] = []
    first = 0
    while first < len(way) - 1:
        open_now = _open(greens[first], cycles[first])
        last, ahead = first, 0.0
        while last + 1 < len(way) and cycles[last + 1] == cycles[first]:
            there = _open(greens[last + 1], cycles[last + 1])
            shift = round((ahead + travel[last]) / _STEP_S)
            both = open_now & np.roll(there, -shift)
            if _widest(both)[1] * _STEP_S < _LEAST_BAND_S:
                break
            open_now, last, ahead = both, last + 1, ahead + travel[last]
        if last > first:
            start, width = _widest(open_now)
            bands.append({
                "from": way[first], "to": way[last], "first": first, "last": last,
                "start_s": start * _STEP_S, "width_s": width * _STEP_S,
            })  # fmt: skip
        first = max(last, first + 1)
    return bands


def _open(greens: list[tuple[float, float]], cycle: float) -> np.ndarray:
    on = np.zeros(round(cycle / _STEP_S), bool)
    for low, high in greens:
        on[np.arange(round(low / _STEP_S), round(high / _STEP_S)) % on.size] = True
    return on


def _widest(on: np.ndarray) -> tuple[int, int]:
    """Start and length of the longest run of a circle."""
    if on.all():
        return 0, int(on.size)
    if not on.any():
        return 0, 0
    turn = int(np.flatnonzero(~on)[0])
    edge = np.flatnonzero(np.diff(np.concatenate([[0], np.roll(on, -turn).astype(np.int8), [0]])))
    runs = edge.reshape(-1, 2)
    start, end = runs[int(np.argmax(runs[:, 1] - runs[:, 0]))]
    return int((start + turn) % on.size), int(end - start)


def _buses(
    network: Network,
    plan: Plan,
    way: Sequence[str],
    greens: list[list[tuple[float, float]]],
    links: dict[tuple[str, str], Link],
    at: list[float],
) -> list[list[list[float]]]:
    """Two buses that begin with green, stop their mean dwell and wait at red: [second, metre] each."""
    cycle = plan.signal[way[0]].cycle_s
    begin = min((low % cycle for low, _ in greens[0]), default=0.0)
    return [_bus(network, plan, way, greens, links, at, begin + turn * cycle) for turn in (0, 1)]


def _bus(
    network: Network,
    plan: Plan,
    way: Sequence[str],
    greens: list[list[tuple[float, float]]],
    links: dict[tuple[str, str], Link],
    at: list[float],
    now: float,
) -> list[list[float]]:
    points, sign = [[now, at[0]]], 1.0 if at[-1] > at[0] else -1.0
    for number, pair in enumerate(pairwise(way)):
        link, done = links[pair], 0.0
        for stop in sorted(
            (one for one in network.bus_stops if one.link == pair), key=lambda one: one.after_m
        ):
            part = min(max(stop.after_m - done, 0.0), link.distance_m - done)
            now += link.travel_s * part / max(link.distance_m, 1e-9)
            done += part
            points.append([now, at[number] + sign * done])
            now += stop.dwell_mean_s
            points.append([now, at[number] + sign * done])
        now += link.travel_s * (link.distance_m - done) / max(link.distance_m, 1e-9)
        points.append([now, at[number + 1]])
        wait = _wait(greens[number + 1], plan.signal[pair[1]].cycle_s, now)
        if wait > 0:
            now += wait
            points.append([now, at[number + 1]])
    return [[round(a, 1), round(b, 1)] for a, b in points]


def _wait(greens: list[tuple[float, float]], cycle: float, now: float) -> float:
    """Seconds until the next green; 0 within one."""
    waits = [
        0.0 if (now - low) % cycle < high - low else (low - now) % cycle for low, high in greens
    ]
    return min(waits, default=0.0)
