"""Joins and transfers of Fares v2, as rules of which the first fits."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from mobility.fares.gtfs_products import Price, Products
from mobility.fares.gtfs_tables import numbers, rows, spans_of_stations
from mobility.fares.problem import JoinRule, LegKeys, Match, TransferRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mobility.fares.problem import Anchor, Edge, TransferKind
    from mobility.feed.feed import Feed

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
