"""Rides rated by the fares of GTFS Fares v1: tables to arrays, and one kernel over every card."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from mobility.fares import _ticket_kernels as _kernels
from mobility.fares.problem import FareRule, LegKeys, Match, TransferRule
from mobility.fares.taps import NO_TIME, frozen
from mobility.findings import Finding, finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fares.gtfs_v1 import Tickets
    from mobility.fares.problem import Tariff
    from mobility.fares.taps import Taps

    Ints = NDArray[np.int64]

# Tokens that a tariff is compiled for; its work grows with their square.
MOST_TOKENS = 8_000
# Zones a word of a set holds.
_BITS = 62


class _Compiled(NamedTuple):
    """Fares as arrays; classes and numbers by name."""

    rules: tuple[NDArray[Any], ...]
    fares: tuple[NDArray[np.int64] | int, ...]
    routes: dict[str, int]
    stops: dict[str, int]
    zone_of: Ints
    origin_of: Ints
    destination_of: Ints
    universe: dict[str, int]


_KEPT: WeakKeyDictionary[Tickets, _Compiled] = WeakKeyDictionary()


def ticketed(
    tickets: Tickets, tariff: Tariff, taps: Taps, found: list[Finding]
) -> tuple[Taps, Tariff]:
    """Rate taps, and say the same as a tariff without tickets.

    Every tap gets a token in the place of its stop: its price by itself, and what it saves by going
    on with the fare of the ride before. The tariff returned has one fare a token and one transfer
    rule a saving, and everything else - its caps - from ``tariff``.

    Parameters
    ----------
    taps
        All good.
    found
        Gets a finding where there are so many prices and savings that ``nominal`` can only be what
        a ride adds.
    """
    cost, alone, flags = _rate(tickets, taps)
    unknown = flags & _kernels.F_UNKNOWN > 0
    goes_on = flags & _kernels.F_CONTINUES > 0
    alone = np.where(unknown, cost, alone)
    tokens, token_of = _tokens(alone, cost, goes_on, unknown)
    if len(tokens) > MOST_TOKENS:
        found.append(finding("nominal_is_what_a_ride_adds", value=len(tokens)))
        tokens, token_of = _tokens(cost, cost, goes_on, unknown)
    names = [f"t{at}" for at in range(len(tokens))]
    fares = []
    savings = set()
    for name, token in zip(names, tokens.tolist(), strict=True):
        less = token >> 2 & (2**30 - 1)
        group = f"saves {less}" if token & 2 else ""
        if group:
            savings.add(less)
        amount = None if token & 1 else token >> 32
        fares.append(FareRule(amount, leg_group=group, stop=Match(frozenset({name}))))
    transfers = tuple(
        TransferRule("A+AB+B", -less, after=LegKeys(leg_group=Match(frozenset({f"saves {less}"}))))
        for less in sorted(savings)
    )
    codes, values = dict(taps.codes), dict(taps.values)
    for name in ("stop", "to_stop"):  # their zones stay, for the scope of caps
        zone = name.replace("stop", "zone")
        if zone not in codes and name in codes:
            codes[zone], values[zone] = _zones(taps, name, tickets.zones)
        codes.pop(name, None)
    codes["stop"], values["stop"] = frozen(token_of.reshape(-1).astype(np.int32)), names
    plain = replace(tariff, fares=tuple(fares), transfers=transfers, tickets=None)  # type: ignore[call-arg]
    return replace(taps, codes=codes, values=values), plain


def _tokens(
    alone: Ints, cost: Ints, goes_on: NDArray[np.bool_], unknown: NDArray[np.bool_]
) -> tuple[Ints, Ints]:
    """Price alone (bits from 32), saving (2 to 31), whether a ride goes on, whether it is unknown."""
    price, saved = np.where(unknown, 0, alone), np.where(unknown, 0, alone - cost)
    # Amounts are below 2**30 (:data:`mobility.fares.problem.MOST_MINOR`).
    keys = price << 32 | saved << 2 | goes_on.astype(np.int64) << 1 | unknown
    tokens, token_of = np.unique(keys, return_inverse=True)
    return tokens, token_of


def _zones(taps: Taps, name: str, zones: dict[str, str]) -> tuple[NDArray[np.int32], list[str]]:
    """Zone of each tap's stop, as a column of taps."""
    number = _number({zone for zone in zones.values() if zone})
    table = np.array([*(number.get(zones.get(one, ""), -1) for one in taps.values[name]), -1])
    return frozen(table[taps.codes[name]].astype(np.int32)), list(number)


def _rate(tickets: Tickets, taps: Taps) -> tuple[Ints, Ints, Ints]:
    """Cost, price alone and flags of every tap; a tap-off has those of its tap-on."""
    found = _compiled(tickets)
    count = taps.count
    # Copies: arrays of taps are read only, and numba compiles anew for such.
    card = np.array(taps.card, np.int64)
    depart = np.array(taps.seconds(), np.int64)
    ties = () if taps.rank is None else (taps.rank,)
    order = np.lexsort((*ties, depart, card)).astype(np.int64)  # stable: else in input order
    route = _codes(taps, "route", found.routes)
    start = _codes(taps, "stop", found.stops)
    end = _codes(taps, "to_stop", found.stops)
    arrive = np.full(count, _kernels.NONE)
    if taps.to_time is not None:
        arrive = np.where(taps.to_time == NO_TIME, _kernels.NONE, taps.to_time)
    counts = np.ones(count, np.bool_)
    on = np.arange(count)
    if taps.kind is not None:
        kinds = np.array(taps.kind, np.int8)
        off_of = np.empty(count, np.int64)
        _kernels.pair_taps(order, card, kinds, off_of, counts)
        order = order[kinds[order] == _kernels.ON]
        ended = np.flatnonzero((off_of >= 0) & (kinds == _kernels.ON))
        arrive[ended] = depart[off_of[ended]]
        end[ended] = start[off_of[ended]]
        on[off_of[ended]] = ended
    entered, sets = _sets(tickets, found, (route, start, end))
    rides = (
        depart, arrive, route, found.origin_of[start], found.destination_of[end],
        found.zone_of[start], found.zone_of[end], entered,
    )  # fmt: skip
    out = tuple(np.zeros(count, np.int64) for _ in range(3))
    _kernels.rate_tickets(
        order, card, counts, rides, sets, found.rules, found.fares, tickets.gap_s, out
    )
    cost, alone, flags = (one[on] for one in out)
    return cost, alone, flags


def _codes(taps: Taps, name: str, numbers: dict[str, int]) -> Ints:
    """Number of each tap's value; -1 where it is not known."""
    if name not in taps.codes:
        return np.full(taps.count, -1, np.int64)
    table = np.array([numbers.get(one, -1) for one in taps.values[name]] + [-1], np.int64)
    return np.asarray(table[taps.codes[name]], np.int64)


def _sets(tickets: Tickets, found: _Compiled, codes: tuple[Ints, Ints, Ints]) -> tuple[Ints, Ints]:
    """Zones entered by each ride, as rows of a table of bits; -1 where they are not known."""
    words = (len(found.universe) + 1) // _BITS + 1
    route, start, end = codes
    if tickets.ways is None:
        return np.zeros(len(route), np.int64), np.zeros((1, words), np.int64)
    size = np.int64(len(found.stops) + 1)
    keys = ((route + 1) * size + start + 1) * size + end + 1
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

    # Rules that differ in their route alone are one entry with a set of routes; blank is any route.
    grouped: dict[tuple[str, str, str, frozenset[str]], set[str]] = defaultdict(set)
    for rule in tickets.rules:
        grouped[rule.fare, rule.origin, rule.destination, rule.contains].add(rule.route)
    every = frozenset(routes)
    route_sets = sorted(
        {every & found for found in grouped.values() if "" not in found}, key=sorted
    )
    set_of = {found: row for row, found in enumerate(route_sets)}
    columns = np.array(
        [
            (
                number[fare],
                -1 if "" in found else set_of[every & found],
                origins.get(origin, -1),
                destinations.get(destination, -1),
                row_of.get(zones, -1),
                (origin != "") + 2 * (destination != ""),
            )
            for (fare, origin, destination, zones), found in grouped.items()
        ],
        np.int64,
    ).reshape(-1, 6)
    routes_of = np.zeros((len(route_sets), max(len(routes), 1)), np.bool_)
    for row, found in enumerate(route_sets):
        routes_of[row, [routes[name] for name in found]] = True
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
            routes_of,
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
