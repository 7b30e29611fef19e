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

from mobility.fares.gtfs_tables import Money, numbers, pairs, rows, spans_of_stations
from mobility.fares.gtfs_times import Timeframes
from mobility.fares.problem import FareRule, JoinRule, LegKeys, Match, TransferRule
from mobility.feed.rules_fares import networks_of_routes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mobility.fares.problem import Anchor, Edge, TransferKind
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
_TRANSFER_COLUMNS = (
    "from_leg_group_id",
    "to_leg_group_id",
    "transfer_count",
    "duration_limit",
    "duration_limit_type",
    "fare_transfer_type",
    "fare_product_id",
    "filter_fare_product_id",
)
_KINDS: dict[str, TransferKind] = {"0": "A+AB", "1": "A+AB+B", "2": "AB"}
# duration_limit_type: from which tap of the first leg to which tap of the last one.
_EDGES: dict[str, tuple[tuple[Edge, Edge], ...]] = {
    "0": (("on", "off"),),
    "1": (("on", "on"),),
    # A ride ends after it begins: what is quick enough from its beginning is so from its end.
    "2": (("off", "on"), ("on", "on")),
    "3": (("off", "off"),),
}


class Price(NamedTuple):
    """What one kind of rider pays for a product; None: any rider category, any medium."""

    amount: int
    category: Match | None
    medium: Match | None


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


class Products:
    """Prices of every product, and who is taken for whom where a tap does not say.

    Parameters
    ----------
    feed, money
        The feed, and the currency that counts; a price in another one is left out.
    """

    def __init__(self, feed: Feed, money: Money) -> None:
        sold: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        columns = ("fare_product_id", "rider_category_id", "fare_media_id", "amount", "currency")
        for product, category, medium, text, currency in rows(feed, "fare_products", *columns):
            amount = money.minor(text, currency)
            if amount is not None:
                sold[product].append((category, medium, amount))
        riders = pairs(feed, "rider_categories", "rider_category_id", "is_default_fare_category")
        main = {one for one, flag in riders.items() if flag.strip() == "1"}
        if len(riders) == 1:
            main = set(riders)
        self.default_category = next(iter(main)) if len(main) == 1 else UNSAID
        self.prices = {product: self._prices(prices, main) for product, prices in sold.items()}
        self.default_medium = _usual_medium(sold.values())

    def _prices(self, sold: list[tuple[str, str, int]], main: set[str]) -> list[Price]:
        """Prices of a product, the lowest first; media and categories of one price together."""
        mine = {category for category, _, _ in sold} & main
        media: dict[tuple[int, str], set[str]] = defaultdict(set)
        for category, medium, amount in sold:
            media[amount, category].add(medium)
        riders: dict[tuple[int, frozenset[str]], set[str]] = defaultdict(set)
        for (amount, category), names in media.items():
            riders[amount, frozenset(() if "" in names else names)].add(category)
        found = []
        for (amount, sold_by), categories in riders.items():
            chosen = set(categories)
            if len(mine) == 1 and categories & mine:
                chosen.add(self.default_category)
            found.append(
                Price(
                    amount,
                    None if "" in categories else Match(frozenset(chosen)),
                    Match(sold_by) if sold_by else None,
                )
            )
        return sorted(
            found, key=lambda price: (price.amount, _text(price.category), _text(price.medium))
        )


# The category, medium, route or stop of a tap that names none, where none is the usual one.
UNSAID = "(unsaid)"


def _usual_medium(sold: Iterable[list[tuple[str, str, int]]]) -> str:
    """The medium with most prices, where no price depends on the medium; else none."""
    amounts: dict[tuple[int, str], set[int]] = defaultdict(set)
    counted: dict[str, int] = defaultdict(int)
    for at, prices in enumerate(sold):
        for category, medium, amount in prices:
            amounts[at, category].add(amount)
            if medium:
                counted[medium] += 1
    if not counted or any(len(found) > 1 for found in amounts.values()):
        return UNSAID
    return min(counted, key=lambda medium: (-counted[medium], medium))


def _text(match: Match | None) -> str:
    return "" if match is None else " ".join(sorted(match.values))


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
            for rule in sorted(classes[rank], key=_preference):
                found += [rule, *_guard(rule)]
            # Chosen, but not sold to this rider: unknown, and no matter for a lesser rule.
            if rank != max(closers):
                found += [one for rule in closers[rank] for one in (rule, *_guard(rule))]
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
        _text(rule.category),
        _text(rule.medium),
        _text(rule.to_stop),
        _text(rule.route),
        _text(rule.stop),
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


def joins_of(feed: Feed) -> tuple[JoinRule, ...]:
    """Join rules. They have no time limit in the reference: the tariff gives them one."""
    columns = ("from_network_id", "to_network_id", "from_stop_id", "to_stop_id")
    stops = spans_of_stations(feed)
    found = []
    for one, two, start, end in rows(feed, "fare_leg_join_rules", *columns):
        found.append(
            JoinRule(
                before_network=_named(one),
                after_network=_named(two),
                before_stop=Match(stops.get(start, frozenset({start}))) if start else None,
                after_stop=Match(stops.get(end, frozenset({end}))) if end else None,
            )
        )
    return tuple(sorted(set(found), key=repr))


def _named(value: str) -> Match | None:
    return Match(frozenset({value})) if value else None


def transfers_of(
    feed: Feed, products: Products, groups: list[str], journey_gap_s: int
) -> tuple[TransferRule, ...]:
    """Transfer rules, the first that fits counts: the smallest count, then the shortest limit.

    Parameters
    ----------
    groups
        Every leg group that a leg rule names: an empty cell is all of them but those listed.
    journey_gap_s
        The limit of rules that have none of their own.
    """
    given = rows(feed, "fare_transfer_rules", *_TRANSFER_COLUMNS)
    from_rest = [one for one in groups if one not in {row[0] for row in given}]
    to_rest = [one for one in groups if one not in {row[1] for row in given}]
    ranked: list[tuple[tuple[object, ...], TransferRule]] = []
    for from_group, to_group, count, limit, limit_type, kind, product, filtered in given:
        span = _span(count) if from_group == to_group else math.inf
        if kind.strip() not in _KINDS or span < 1:
            continue
        before = [from_group] if from_group else from_rest
        after = [to_group] if to_group else to_rest
        free = [Price(0, None, None)]
        for price in products.prices.get(product, []) if product else free:
            rule = TransferRule(
                kind=_KINDS[kind.strip()],
                amount=price.amount,
                before=LegKeys(product=_named(filtered)),
                group_transfers=None if span == math.inf else int(span),
            )
            rank = (span, numbers(limit, default=math.inf), price.amount, kind)
            for one in _pairs(rule, before, after, price):
                ranked += [(rank, each) for each in _limited(one, limit, limit_type, journey_gap_s)]
    ranked.sort(key=lambda one: (*one[0], repr(one[1])))
    return tuple(dict.fromkeys(rule for _, rule in ranked))


def _span(count: str) -> float:
    given = numbers(count, default=-1)
    return math.inf if given == -1 else given


def _pairs(
    rule: TransferRule, before: list[str], after: list[str], price: Price
) -> Iterator[TransferRule]:
    """One rule for the pairs of equal groups, where the first leg of a row counts, and the others."""

    def between(ones: Iterable[str], others: Iterable[str], anchor: Anchor) -> TransferRule:
        return replace(
            rule,
            before=replace(rule.before, leg_group=Match(frozenset(ones))),
            after=LegKeys(
                leg_group=Match(frozenset(others)), category=price.category, medium=price.medium
            ),
            anchor=anchor,
            group_transfers=rule.group_transfers if anchor == "first-of-group" else None,
        )

    both = sorted(set(before) & set(after))
    for group in both:
        yield between([group], [group], "first-of-group")
        if others := set(after) - {group}:
            yield between([group], others, "last-leg")
    if (lone := set(before) - set(both)) and after:
        yield between(lone, after, "last-leg")


def _limited(
    rule: TransferRule, limit: str, limit_type: str, journey_gap_s: int
) -> Iterator[TransferRule]:
    if not limit.strip():
        # From the end of the leg before, or from its start where its end is not known.
        for start in ("off", "on"):
            yield replace(rule, window_s=journey_gap_s, anchor="last-leg", start=start, end="on")
        return
    seconds = numbers(limit, default=0)
    for start, end in _EDGES.get(limit_type.strip() or "0", ()):
        if seconds > 0:
            yield replace(rule, window_s=int(seconds), start=start, end=end)
