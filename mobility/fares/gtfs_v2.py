"""Fares v2 of a feed as a tariff: leg rules, joins and transfers become rules of which the first fits.

The reference gives a leg a *set* of rules and leaves open which of them is paid: the cheapest is, of
those sold to the rider. So every leg rule becomes one fare rule for each price of its product, and
they are put in the order in which the reference prefers them: by ``rule_priority``, or - without
that column - exact rules before those with an empty cell; then by price.

Areas become sets of stops and networks sets of routes, so *everything not listed elsewhere* is a
set too, and a stop in no area or a route in no network belongs to it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from mobility.fares.gtfs_products import UNSAID, Products, text_of
from mobility.fares.gtfs_tables import numbers, pairs, rows
from mobility.fares.gtfs_times import Timeframes
from mobility.fares.problem import FareRule, Match
from mobility.feed.rules_fares import networks_of_routes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobility.feed.feed import Feed

_LEG_COLUMNS = (
    "leg_group_id",
    "network_id",
    "from_area_id",
    "to_area_id",
    "from_timeframe_group_id",
    "to_timeframe_group_id",
    "fare_product_id",
    "rule_priority",
    "transfer_only",
)


class _LegRule(NamedTuple):
    group: str
    network: str
    from_area: str
    to_area: str
    from_timeframe: str
    to_timeframe: str
    product: str
    priority: str
    transfer_only: str


class LegRules:
    """The leg rules of a feed as fare rules in the order of preference."""

    def __init__(self, feed: Feed, products: Products) -> None:
        self._products = products
        self._times = Timeframes(feed)
        given = [_LegRule(*one) for one in rows(feed, "fare_leg_rules", *_LEG_COLUMNS)]
        # An extension that is not adopted: such a rule prices no leg that is paid by itself.
        self._rules = [one for one in given if one.transfer_only.strip() != "1"]
        self.left_out = len(given) - len(self._rules)
        self._by_priority = "rule_priority" in feed.raw["fare_leg_rules"]
        self._routes = networks_of_routes(feed.raw)
        self._areas = _areas_of_stops(feed)
        self._every_route = frozenset(one for (one,) in rows(feed, "routes", "route_id"))
        self._every_stop = frozenset(self._areas)
        self.groups = sorted({one.group for one in self._rules} - {""})
        self.labels: dict[frozenset[str], str] = {}

    @property
    def timeframes(self) -> Timeframes:
        """The timeframe groups that the rules use."""
        return self._times

    def fares(self) -> tuple[FareRule, ...]:
        """Return the fare rules, the first that matches counts."""
        classes: dict[tuple[int, ...], list[FareRule]] = defaultdict(list)
        closers: dict[tuple[int, ...], list[FareRule]] = defaultdict(list)
        for rule in self._rules:
            rank = self._rank(rule)
            for shape in self._shapes(rule):
                closers[rank].append(shape)
                classes[rank] += [
                    replace(shape, amount=one.amount, category=one.category, medium=one.medium)
                    for one in self._products.prices.get(rule.product, ())
                ]
        found: list[FareRule] = []
        for rank in sorted(closers):
            for fare in sorted(classes[rank], key=_preference):
                found += [fare, *_guard(fare)]
            # Chosen, but not sold to this rider: unknown, and no matter for a lesser rule.
            if rank != max(closers):
                found += [one for shape in closers[rank] for one in (shape, *_guard(shape))]
        while found and found[-1].amount is None:
            found.pop()  # no rule after it: unknown all the same
        return tuple(dict.fromkeys(found))

    def _rank(self, rule: _LegRule) -> tuple[int, ...]:
        if self._by_priority:
            return (-int(numbers(rule.priority, default=0)),)
        listing = [column for column in range(1, 4) if any(one[column] for one in self._rules)]
        return (sum(not rule[column] for column in listing) > 0,)

    def _shapes(self, rule: _LegRule) -> Iterator[FareRule]:
        """A leg rule without its price; several where stops lie in several time zones."""
        route = self._network(rule.network)
        starts = self._stops(2, rule.from_area)
        ends = self._stops(3, rule.to_area)
        all_of = (self._every_route, self._every_stop, self._every_stop)
        if any(map(_nothing, (route, starts, ends), all_of)):
            return
        for start, from_id in self._times.split(rule.from_timeframe, starts):
            for end, to_id in self._times.split(rule.to_timeframe, ends):
                yield FareRule(
                    None,
                    product=rule.product,
                    leg_group=rule.group,
                    route=route,
                    stop=start,
                    to_stop=end,
                    timeframe=from_id,
                    to_timeframe=to_id,
                )

    def _network(self, network: str) -> Match | None:
        listed = {one.network for one in self._rules} - {""}
        if network:
            routes = frozenset(one for one, found in self._routes.items() if found == network)
            self.labels[routes] = network
            return Match(routes)
        if self._by_priority or not listed:
            return None
        routes = frozenset(one for one, found in self._routes.items() if found in listed)
        self.labels[routes | {UNSAID}] = " or ".join(sorted(listed))
        return Match(routes | {UNSAID}, negate=True)

    def _stops(self, column: int, area: str) -> Match | None:
        listed = {one[column] for one in self._rules} - {""}
        if area:
            stops = frozenset(one for one, found in self._areas.items() if area in found)
            self.labels[stops] = area
            return Match(stops)
        if self._by_priority or not listed:
            return None
        stops = frozenset(one for one, found in self._areas.items() if found and found <= listed)
        self.labels[stops | {UNSAID}] = " or ".join(sorted(listed))
        return Match(stops | {UNSAID}, negate=True)


def _guard(rule: FareRule) -> list[FareRule]:
    """What makes a ride of unknown fare where its route or stop is not known and might fit."""
    if rule.route is None and rule.stop is None:
        return []
    return [replace(rule, amount=None, route=_perhaps(rule.route), stop=_perhaps(rule.stop))]


def _perhaps(match: Match | None) -> Match | None:
    if match is None:
        return None
    unsaid = frozenset({UNSAID})
    values = match.values - unsaid if match.negate else match.values | unsaid
    return replace(match, values=values)


def _nothing(match: Match | None, every: frozenset[str]) -> bool:
    """Whether no route or stop of the feed fits."""
    if match is None:
        return False
    return match.values >= every if match.negate else not match.values


def _preference(rule: FareRule) -> tuple[object, ...]:
    return (
        math.inf if rule.amount is None else rule.amount,
        rule.leg_group,
        rule.product,
        # Of one price, the rule that asks least: taps may lack what others ask for.
        *(
            one is not None
            for one in (rule.to_timeframe, rule.to_stop, rule.route, rule.stop, rule.timeframe)
        ),
        text_of(rule.category),
        text_of(rule.medium),
        text_of(rule.to_stop),
        text_of(rule.route),
        text_of(rule.stop),
        rule.timeframe or "",
        rule.to_timeframe or "",
    )


def _areas_of_stops(feed: Feed) -> dict[str, frozenset[str]]:
    """Areas of every stop: its own, else those of its station."""
    own: dict[str, set[str]] = defaultdict(set)
    for area, stop in rows(feed, "stop_areas", "area_id", "stop_id"):
        own[stop].add(area)
    parents = pairs(feed, "stops", "stop_id", "parent_station")

    def areas(stop: str) -> frozenset[str]:
        seen: set[str] = set()
        while stop and stop not in seen and not own.get(stop):
            seen.add(stop)
            stop = parents.get(stop, "")
        return frozenset(own.get(stop, ()))

    return {stop: areas(stop) for stop in parents}
