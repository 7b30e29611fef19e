"""Flows that balance: missing turns from totals, from conservation along links, and from habit."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls

if TYPE_CHECKING:
    from mobility.signals.problem import Intersection, Link, Network

Turn = tuple[str, str, str]  # signal, approach (where it comes from), movement

ALL, EXIT = "all", "exit"
COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
# Eighths of a circle from the side of entry to the side of exit.
_TURN = {"left": 2, "through": 4, "right": 6, "u-turn": 0}
# How traffic turns where no approach is counted in full: assumed.
HABIT = {"left": 0.15, "through": 0.70, "right": 0.15, "u-turn": 0.0}
# Habit decides only what totals and conservation leave open.
_HABIT_WEIGHT = 1e-3


@dataclass(frozen=True)
class Flow:
    """Vehicles an hour, and the seconds that were counted over all days."""

    vehicles_h: float
    seconds: float


@dataclass(frozen=True)
class Residual:
    """A sum that ought to be: ``approach`` or ``exit`` total, or ``link`` (out at one end, in at the other).

    ``free`` is false where every turn of it was counted, so that no fit could mend it.
    """

    kind: str
    place: str
    wanted_h: float
    found_h: float
    free: bool

    @property
    def geh(self) -> float:
        """``sqrt(2 (m - c)^2 / (m + c))`` of hourly flows."""
        total = self.wanted_h + self.found_h
        return math.sqrt(2 * (self.found_h - self.wanted_h) ** 2 / total) if total > 0 else 0.0


@dataclass(frozen=True)
class Balance:
    """Flows of all turns of which anything is known."""

    vehicles_h: dict[Turn, float]
    residuals: tuple[Residual, ...]
    unknown: tuple[Turn, ...]


def balance(network: Network, turns: set[Turn], counted: dict[Turn, float]) -> Balance:
    """Fill the turns that were not counted.

    Parameters
    ----------
    turns
        All there are.
    counted
        Vehicles an hour of turns, of approaches (movement ``all``) and of exits (``exit``).

    Notes
    -----
    Nonnegative least squares over: counted totals; links, with what was counted at either end; and,
    at a weight of 1e-3, the share of each turn in its approach. The weights make one best answer.
    """
    missing = sorted(turns - counted.keys())
    column = {turn: k for k, turn in enumerate(missing)}
    sums = _sums(network, turns, counted)
    linked = {turn for one in sums for turn, _ in one.terms}
    approaches = defaultdict(list)
    for turn in sorted(turns):
        approaches[turn[:2]].append(turn)
    known = {
        side for side, own in approaches.items()
        if any(one in counted for one in own) or any(one in linked for one in own)
    }  # fmt: skip
    unknown = tuple(one for one in missing if one[:2] not in known)
    share = _shares(approaches, counted)
    rows: list[np.ndarray] = []
    right: list[float] = []
    for one in sums:
        row, rest = np.zeros(len(missing)), one.wanted_h
        for turn, sign in one.terms:
            if turn in column:
                row[column[turn]] += sign
            else:
                rest -= sign * counted[turn]
        if row.any():
            rows.append(row)
            right.append(rest)
    for side in sorted(known):
        own = approaches[side]
        total = sum(share[one[2]] for one in own) or 1.0
        given = sum(counted[one] for one in own if one in counted)
        for turn in own:
            if turn not in column:
                continue
            row = np.zeros(len(missing))
            part = share[turn[2]] / total
            for other in own:
                if other in column:
                    row[column[other]] -= part
            row[column[turn]] += 1
            rows.append(row * _HABIT_WEIGHT)
            right.append(part * given * _HABIT_WEIGHT)
    found = dict(counted)
    if rows and missing:
        values, _ = nnls(np.array(rows), np.array(right), maxiter=max(300, 30 * len(missing)))
        found |= {turn: round(float(values[k]), 6) for turn, k in column.items()}
    flows = {turn: found[turn] for turn in sorted(turns) if turn not in unknown}
    return Balance(flows, tuple(_residual(one, found, column) for one in sums), unknown)


@dataclass(frozen=True)
class _Sum:
    """``sum(sign x turn) = wanted_h``; ``side`` splits a link's two ends for the residual."""

    kind: str
    place: str
    terms: tuple[tuple[Turn, int], ...]
    wanted_h: float


def _sums(network: Network, turns: set[Turn], counted: dict[Turn, float]) -> list[_Sum]:
    found = []
    for (signal, side, movement), flow in sorted(counted.items()):
        if movement == ALL:
            own = tuple((one, 1) for one in sorted(turns) if one[:2] == (signal, side))
            found.append(_Sum("approach", f"{signal}.{side}", own, flow))
        elif movement == EXIT:
            own = tuple((one, 1) for one in _leaving(turns, signal, side))
            if own:
                found.append(_Sum("exit", f"{signal}.{side}", own, flow))
    for link in sorted(
        network.links, key=lambda one: (one.from_signal, one.to_signal, one.approach)
    ):
        ends = link_ends(network, link)
        if ends is None:
            continue
        out = _leaving(turns, link.from_signal, ends[0])
        into = [one for one in sorted(turns) if one[:2] == (link.to_signal, ends[1])]
        if out and into and any(one in counted for one in (*out, *into)):
            terms = (*((one, 1) for one in into), *((one, -1) for one in out))
            found.append(_Sum("link", f"{link.from_signal}-{link.to_signal}", terms, 0.0))
    return found


def _leaving(turns: set[Turn], signal: str, side: str) -> list[Turn]:
    """Turns of a signal that leave by a side of the compass."""
    return [one for one in sorted(turns) if one[0] == signal and exit_side(one[1], one[2]) == side]


def exit_side(approach: str, movement: str) -> str:
    """Give the side by which a movement leaves; empty where the approach is no side of the compass.

    >>> exit_side("W", "left")
    'N'
    """
    if approach not in COMPASS or movement not in _TURN:
        return ""
    return COMPASS[(COMPASS.index(approach) + _TURN[movement]) % 8]


def link_ends(network: Network, link: Link) -> tuple[str, str] | None:
    """Give (side by which it leaves, side from which it arrives); None where neither is known."""
    start, end = network.signal.get(link.from_signal), network.signal.get(link.to_signal)
    if start is None or end is None:
        return None
    arrives = link.approach or _towards(end, start)
    leaves = _towards(start, end)
    if not leaves and arrives in COMPASS:
        leaves = COMPASS[(COMPASS.index(arrives) + 4) % 8]
    return (leaves, arrives) if leaves in COMPASS and arrives in COMPASS else None


def _towards(here: Intersection, there: Intersection) -> str:
    """Give the signal's side, of those that it has, that lies nearest to the way to another."""
    sides = {approach for group in here.groups for approach in group.approaches} & set(COMPASS)
    places = (here.lat, here.lon, there.lat, there.lon)
    if not sides or any(one is None for one in places):
        return ""
    lat, lon, lat2, lon2 = (math.radians(one) for one in places if one is not None)
    bearing = math.degrees(math.atan2((lon2 - lon) * math.cos(lat), lat2 - lat)) % 360

    def away(side: str) -> tuple[float, str]:
        turn = abs(bearing - 45 * COMPASS.index(side))
        return min(turn, 360 - turn), side

    return min(sides, key=away)


def _shares(
    approaches: dict[tuple[str, str], list[Turn]], counted: dict[Turn, float]
) -> dict[str, float]:
    """How traffic turns at the approaches that have all three turns counted, or by habit."""
    sums: dict[str, float] = defaultdict(float)
    for own in approaches.values():
        if {"left", "through", "right"} <= {one[2] for one in own} and all(
            one in counted for one in own
        ):
            for one in own:
                sums[one[2]] += counted[one]
    total = sum(sums.values())
    return HABIT if total <= 0 else {name: sums[name] / total for name in HABIT}


def _residual(one: _Sum, found: dict[Turn, float], column: dict[Turn, int]) -> Residual:
    free = any(turn in column for turn, _ in one.terms)
    into = sum(found.get(turn, 0.0) for turn, sign in one.terms if sign > 0)
    out = sum(found.get(turn, 0.0) for turn, sign in one.terms if sign < 0)
    wanted = out if one.kind == "link" else one.wanted_h
    return Residual(one.kind, one.place, wanted, into, free)
