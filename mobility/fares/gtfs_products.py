"""Prices of Fares v2: what each kind of rider pays for a product, and who is taken for whom."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from mobility.fares.gtfs_tables import Money, pairs, rows
from mobility.fares.problem import Match

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobility.feed.feed import Feed

# The category, medium, route or stop of a tap that names none, where none is the usual one.
UNSAID = "(unsaid)"


class Price(NamedTuple):
    """What one kind of rider pays for a product; None: any rider category, any medium."""

    amount: int
    category: Match | None
    medium: Match | None


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
            found, key=lambda price: (price.amount, text_of(price.category), text_of(price.medium))
        )


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


def text_of(match: Match | None) -> str:
    """A set of values as text, for an order that depends on nothing else."""
    return "" if match is None else " ".join(sorted(match.values))
