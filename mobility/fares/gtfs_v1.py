"""Fares v1 of a feed: fares with their rules, and rides that go on with the fare of those before.

A fare of Fares v1 is for an itinerary. So rides of a card are rated in runs: the first ride pays
the cheapest fare that matches it; the next one either goes on - then the whole run, from its first
origin to its last destination, pays the cheapest fare that matches it and costs no less than what
is paid already, and the ride adds the difference - or starts a run of its own, whichever is cheaper.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mobility.fares.gtfs_tables import Money, numbers, pairs, rows
from mobility.fares.gtfs_ways import Ways
from mobility.fares.problem import FareRule, Match

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobility.feed.feed import Feed


@dataclass(frozen=True)
class Fare:
    """One fare.

    Parameters
    ----------
    amount
        Minor units.
    transfers
        How many transfers it allows; None is no limit.
    duration_s
        From the first boarding to the last, inclusive; None: no limit of its own.
    agency
        Only for routes of this agency; "" is any.
    """

    id: str
    amount: int
    transfers: int | None = None
    duration_s: int | None = None
    agency: str = ""


class Rule(NamedTuple):
    """Rows of ``fare_rules.txt`` of one fare, route, origin and destination; "" is any."""

    fare: str
    route: str
    origin: str
    destination: str
    contains: frozenset[str]


@dataclass(frozen=True, eq=False)
class Tickets:
    """Everything that rates runs of rides.

    Parameters
    ----------
    fares
        By price, then by id.
    rules
        Of these fares.
    gap_s
        Time between rides, for fares without a duration.
    zones, agencies
        Zone of every stop ("" for none), agency of every route.
    lone_agency
        The agency of rides on a route that is not known; "" where there are several agencies.
    ways
        Which zones rides enter; None where no rule asks for it.
    """

    fares: tuple[Fare, ...]
    rules: tuple[Rule, ...]
    gap_s: int
    zones: dict[str, str]
    agencies: dict[str, str]
    lone_agency: str
    ways: Ways | None

    def fare_rules(self) -> tuple[tuple[FareRule, ...], dict[frozenset[str], str]]:
        """The fare of a ride by itself as rules of which the first matches; names of their sets."""
        inside: dict[str, set[str]] = defaultdict(set)
        for stop, zone in self.zones.items():
            inside[zone].add(stop)
        owned: dict[str, set[str]] = defaultdict(set)
        for route, agency in self.agencies.items():
            owned[agency].add(route)
        labels: dict[frozenset[str], str] = {}

        def match(values: Iterable[str], label: str) -> Match:
            found = frozenset(values)
            labels[found] = label
            return Match(found)

        by_fare: dict[str, dict[tuple[str, str, frozenset[str]], set[str]]] = defaultdict(
            lambda: defaultdict(set)
        )
        for rule in self.rules:
            by_fare[rule.fare][rule.origin, rule.destination, rule.contains].add(rule.route)
        made = []
        for fare in self.fares:
            own = owned[fare.agency] if fare.agency else set(self.agencies)
            plain: dict[tuple[str, str, frozenset[str]], set[str]] = {("", "", frozenset()): {""}}
            for (origin, destination, contains), routes in by_fare.get(fare.id, plain).items():
                named = own if "" in routes else routes & own
                any_route = "" in routes and not fare.agency
                label = f"agency {fare.agency}" if "" in routes else _listed(named)
                if not named and not any_route:
                    continue
                made.append(
                    FareRule(
                        fare.amount,
                        product=fare.id,
                        leg_group=fare.id,
                        route=None if any_route else match(named, label),
                        stop=match(inside[origin], origin) if origin else None,
                        to_stop=match(inside[destination], destination) if destination else None,
                        zones=contains or None,
                    )
                )
        return tuple(made), labels


def _listed(names: Iterable[str]) -> str:
    names = sorted(names)
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def read_tickets(feed: Feed, money: Money, gap_s: int) -> Tickets:
    """Read ``fare_attributes.txt`` and ``fare_rules.txt``; fares in other currencies are left out."""
    columns = ("fare_id", "price", "currency_type", "transfers", "agency_id", "transfer_duration")
    fares: dict[str, Fare] = {}
    for fare, price, currency, transfers, agency, duration in rows(
        feed, "fare_attributes", *columns
    ):
        amount = money.minor(price, currency)
        if amount is not None and amount >= 0:
            fares.setdefault(fare, Fare(fare, amount, _count(transfers), _count(duration), agency))
    grouped: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
    parts = ("fare_id", "route_id", "origin_id", "destination_id", "contains_id")
    for fare, route, origin, destination, contained in rows(feed, "fare_rules", *parts):
        if fare in fares:
            grouped[fare, route, origin, destination].add(contained)
    rules = tuple(
        sorted(
            (Rule(*key, frozenset(found - {""})) for key, found in grouped.items()),
            key=lambda rule: rule[:4],
        )
    )
    agencies = [one for (one,) in rows(feed, "agency", "agency_id")]
    zones = pairs(feed, "stops", "stop_id", "zone_id")
    asked = any(rule.contains for rule in rules)
    return Tickets(
        fares=tuple(sorted(fares.values(), key=lambda one: (one.amount, one.id))),
        rules=rules,
        gap_s=gap_s,
        zones=zones,
        agencies={
            route: agency or agencies[0]
            for route, agency in pairs(feed, "routes", "route_id", "agency_id").items()
        },
        lone_agency=agencies[0] if len(agencies) == 1 else "",
        ways=Ways(feed, [zone for (zone,) in rows(feed, "stops", "zone_id")]) if asked else None,
    )


def _count(text: str) -> int | None:
    found = numbers(text, default=-1)
    return int(found) if found >= 0 else None
