"""Rides rated by the fares of GTFS Fares v1: tables to arrays, and one kernel over every card."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from mobility.fares import _ticket_kernels as _kernels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mobility.fares.gtfs_v1 import Tickets

    Ints = NDArray[np.int64]

# Zones a word of a set holds.
_BITS = 62


class _Compiled(NamedTuple):
    """Fares as arrays; classes and numbers by name."""

    rules: tuple[NDArray[np.int64], ...]
    fares: tuple[NDArray[np.int64] | int, ...]
    routes: dict[str, int]
    stops: dict[str, int]
    zone_of: Ints
    origin_of: Ints
    destination_of: Ints
    universe: dict[str, int]


_KEPT: WeakKeyDictionary[Tickets, _Compiled] = WeakKeyDictionary()


def rate_rides(tickets: Tickets, rides: pd.DataFrame, *, ties: Sequence[str] = ()) -> pd.DataFrame:
    """Rate rides card by card, by time.

    Parameters
    ----------
    tickets
        Fares of a feed.
    rides
        One row a ride, any order: ``card``, ``depart_s`` (epoch seconds) and any of ``arrive_s``
        (missing where not known), ``route_id``, ``stop_id``, ``to_stop_id`` (blank or missing
        where not known).
    ties
        Columns that order rides of a card at the same second; else the order of the rows does.

    Returns
    -------
    DataFrame
        In the order of ``rides``: ``fare`` (what the ride adds, minor units; missing: unknown),
        ``alone`` (what it costs by itself; missing: no fare is for it alone), ``continues``
        (whether it goes on with the fare of the ride before).
    """
    found = _compiled(tickets)
    count = len(rides)
    card = pd.factorize(rides["card"])[0].astype(np.int64)
    depart = rides["depart_s"].to_numpy(np.int64)
    arrive = _times(rides, "arrive_s")
    route = _codes(rides, "route_id", found.routes)
    start = _codes(rides, "stop_id", found.stops)
    end = _codes(rides, "to_stop_id", found.stops)
    entered, sets = _sets(tickets, found, rides, (route, start, end))
    given = (
        depart, arrive, route, found.origin_of[start], found.destination_of[end],
        found.zone_of[start], found.zone_of[end], entered,
    )  # fmt: skip
    keys = [rides[column].to_numpy() for column in reversed(ties)]
    order = np.lexsort((np.arange(count), *keys, depart, card)).astype(np.int64)
    added, alone, flags = (np.zeros(count, np.int64) for _ in range(3))
    _kernels.rate_tickets(
        order, card, given, sets, found.rules, found.fares, tickets.gap_s, (added, alone, flags)
    )
    unknown = flags & _kernels.F_UNKNOWN > 0
    return pd.DataFrame(
        {
            "fare": pd.array(np.where(unknown, 0, added), "Int64").copy(),
            "alone": pd.array(np.where(alone >= _kernels.NO_FARE, 0, alone), "Int64"),
            "continues": flags & _kernels.F_CONTINUES > 0,
        },
        index=rides.index,
    ).pipe(_blank, unknown, alone >= _kernels.NO_FARE)


def _blank(
    frame: pd.DataFrame, unknown: NDArray[np.bool_], no_fare: NDArray[np.bool_]
) -> pd.DataFrame:
    frame.loc[unknown, "fare"] = pd.NA
    frame.loc[no_fare, "alone"] = pd.NA
    return frame


def _times(rides: pd.DataFrame, column: str) -> Ints:
    if column not in rides:
        return np.full(len(rides), _kernels.NONE)
    missing = rides[column].isna().to_numpy()
    return np.where(missing, _kernels.NONE, rides[column].fillna(0).to_numpy(np.int64))


def _codes(rides: pd.DataFrame, column: str, numbers: dict[str, int]) -> Ints:
    """Number of each row's value; -1 where it is blank or not in the feed."""
    if column not in rides:
        return np.full(len(rides), -1, np.int64)
    codes, values = pd.factorize(rides[column])
    table = np.array([numbers.get(str(one), -1) for one in values] + [-1], np.int64)
    return table[codes]


def _sets(
    tickets: Tickets, found: _Compiled, rides: pd.DataFrame, codes: tuple[Ints, Ints, Ints]
) -> tuple[Ints, Ints]:
    """Zones entered by each ride, as rows of a table of bits; -1 where they are not known."""
    words = (len(found.universe) + 1) // _BITS + 1
    if tickets.ways is None:
        return np.zeros(len(rides), np.int64), np.zeros((1, words), np.int64)
    route, start, end = codes
    keys = (route + 1) * np.int64(len(found.stops) + 1) ** 2
    keys += (start + 1) * np.int64(len(found.stops) + 1) + end + 1
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    names = [*found.routes, ""]
    sets = np.zeros((len(first), words), np.int64)
    lost = np.zeros(len(first), np.bool_)
    for row, at in enumerate(first.tolist()):
        if start[at] < 0 or end[at] < 0:
            lost[row] = True
            continue
        zones = tickets.ways.entered(names[route[at]], int(start[at]), int(end[at]))
        sets[row] = _bits(zones, found.universe, words)
    which = which.reshape(-1)
    return np.where(lost[which], -1, which).astype(np.int64), sets


def _bits(zones: frozenset[str], universe: dict[str, int], words: int) -> Ints:
    """Zones as bits; those that no rule asks for share the last one."""
    out = np.zeros(words, np.int64)
    for zone in zones:
        at = universe.get(zone, len(universe))
        out[at // _BITS] |= np.int64(1) << (at % _BITS)
    return out


def _compiled(tickets: Tickets) -> _Compiled:
    if tickets not in _KEPT:
        _KEPT[tickets] = _compile(tickets)
    return _KEPT[tickets]


def _compile(tickets: Tickets) -> _Compiled:
    number = {one.id: at for at, one in enumerate(tickets.fares)}
    routes = {one: at for at, one in enumerate(tickets.agencies)}
    origins = _number({one.origin for one in tickets.rules} - {""})
    destinations = _number({one.destination for one in tickets.rules} - {""})
    universe = _number(set().union(*(one.contains for one in tickets.rules)))
    contains = sorted({one.contains for one in tickets.rules} - {frozenset()}, key=sorted)
    words = (len(universe) + 1) // _BITS + 1
    wanted = np.zeros((len(contains), words), np.int64)
    for row, inside in enumerate(contains):
        wanted[row] = _bits(inside, universe, words)
    row_of = {inside: row for row, inside in enumerate(contains)}

    rules = [one for one in tickets.rules if not one.route or one.route in routes]
    columns = np.array(
        [
            (
                number[one.fare],
                routes.get(one.route, -1),
                origins.get(one.origin, -1),
                destinations.get(one.destination, -1),
                row_of.get(one.contains, -1),
                (one.origin != "") + 2 * (one.destination != ""),
            )
            for one in rules
        ],
        np.int64,
    ).reshape(-1, 6)
    cells, entry = _spread(columns[:, 2], columns[:, 3], len(origins) + 2, len(destinations) + 2)
    placed = np.lexsort((columns[entry, 1], columns[entry, 0], cells))
    cells, entry = cells[placed], entry[placed]
    shape = (len(origins) + 2, len(destinations) + 2)
    ends = np.searchsorted(cells, np.arange(shape[0] * shape[1] + 1))
    first = np.stack([ends[at * shape[1] : (at + 1) * shape[1] + 1] for at in range(shape[0])])

    agencies = _number(
        set(tickets.agencies.values()) | {one.agency for one in tickets.fares} - {""}
    )
    ruled = {one.fare for one in tickets.rules}
    fares = (
        np.array([one.amount for one in tickets.fares], np.int64),
        np.array([_or_none(one.transfers) for one in tickets.fares], np.int64),
        np.array([_or_none(one.duration_s) for one in tickets.fares], np.int64),
        np.array(
            [agencies.get(one.agency, -1) if one.agency else -1 for one in tickets.fares], np.int64
        ),
        np.array([number[one.id] for one in tickets.fares if one.id not in ruled], np.int64),
        np.array([agencies[one] for one in tickets.agencies.values()] or [-1], np.int64),
        agencies.get(tickets.lone_agency, -1),
    )
    zone_number = _number(set(tickets.zones.values()))
    zones = list(tickets.zones.values())
    return _Compiled(
        rules=(
            np.ascontiguousarray(first, np.int64),
            *(np.ascontiguousarray(columns[entry, at]) for at in (0, 1, 4, 5)),
            wanted,
        ),
        fares=fares,
        routes=routes,
        stops={stop: at for at, stop in enumerate(tickets.zones)},
        zone_of=np.array([*(zone_number[one] for one in zones), -1], np.int64),
        origin_of=_classes(zones, origins),
        destination_of=_classes(zones, destinations),
        universe=universe,
    )


def _number(names: set[str]) -> dict[str, int]:
    return {name: at for at, name in enumerate(sorted(names))}


def _or_none(count: int | None) -> int:
    return -1 if count is None else count


def _classes(zones: list[str], numbers: dict[str, int]) -> Ints:
    """Class of every stop - one of the zones asked for, another one - and of an unknown stop."""
    other = len(numbers)
    return np.array([*(numbers.get(one, other) for one in zones), other + 1], np.int64)


def _spread(origins: Ints, destinations: Ints, rows: int, columns: int) -> tuple[Ints, Ints]:
    """Cells (origin class x destination class) that each rule may match, and the rule."""

    def classes(asked: Ints, size: int) -> tuple[Ints, Ints]:
        counts = np.where(asked < 0, size, 2)
        entry = np.repeat(np.arange(len(asked)), counts)
        within = np.arange(len(entry)) - np.repeat(np.cumsum(counts) - counts, counts)
        own = asked[entry]
        return entry, np.where(own < 0, within, np.where(within == 0, own, size - 1))

    entry, row = classes(origins, rows)
    again, column = classes(destinations[entry], columns)
    return row[again] * columns + column, entry[again]
