"""``tariff_from_feed``: the fares of a GTFS feed as a tariff that can be read, printed and settled."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mobility.errors import ConfigError
from mobility.fares.gtfs_gaps import stops_of_routes
from mobility.fares.gtfs_tables import money_of, rows, stations_of
from mobility.fares.problem import Tariff
from mobility.feed.rules_fares import networks_of_routes
from mobility.findings import Finding, finding

if TYPE_CHECKING:
    import pandas as pd

    from mobility.fares.gtfs_v1 import Tickets
    from mobility.feed.feed import Feed

Version = Literal["v1", "v2"]

# Rides of a card that lie farther apart than this are never one journey by a rule without a limit.
JOURNEY_GAP_S = 3_600

_FILES = {
    "agency", "areas", "stop_areas", "networks", "route_networks", "timeframes", "rider_categories",
    "fare_media", "fare_products", "fare_leg_rules", "fare_leg_join_rules", "fare_transfer_rules",
    "fare_attributes", "fare_rules",
}  # fmt: skip


@dataclass(frozen=True)
class FeedTariff(Tariff):
    """A tariff that was read from a feed.

    Parameters
    ----------
    version
        Which of the two fare models of GTFS it comes from.
    labels
        What sets of stops and routes are called in the feed: its areas, zones and networks.
    tickets
        Of Fares v1: fares for runs of rides, which ``fares`` says for single rides only.
    served
        Stops that each route calls at.
    """

    version: Version = "v2"
    labels: dict[frozenset[str], str] = field(default_factory=dict)
    tickets: Tickets | None = None
    served: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Its rules as DataFrames (:func:`mobility.fares.show.tables`), and ``unpriced``.

        ``unpriced`` lists the routes with pairs of stops that have no fare.
        """
        from mobility.fares.gtfs_gaps import unpriced
        from mobility.fares.show import tables

        return {**tables(self), "unpriced": unpriced(self)}

    def __str__(self) -> str:
        from mobility.fares.show import summary

        return summary(self, self.tables["unpriced"])


def tariff_from_feed(
    feed: Feed,
    *,
    version: Version | None = None,
    currency: str | None = None,
    category: str | None = None,
    medium: str | None = None,
    journey_gap_s: int = JOURNEY_GAP_S,
) -> FeedTariff:
    """Read the fares of a feed.

    Parameters
    ----------
    feed
        Any feed with ``fare_products.txt`` and ``fare_leg_rules.txt`` (Fares v2), or with
        ``fare_attributes.txt`` (Fares v1).
    version
        Which model to read where the feed has both; v2 unless asked.
    currency
        ISO 4217; needed only where prices are in several currencies. Prices in others are left out.
    category, medium
        ``rider_category_id`` and ``fare_media_id`` of taps that name none. Unless given: the feed's
        default category, and the most common medium where no price depends on the medium. Without
        one, such a tap finds only prices that name none.
    journey_gap_s
        Time limit, in seconds, of joins and of transfers that have none of their own: from the end
        of a ride (from its start, where the end is not known) to the start of the next one. GTFS
        prices journeys; taps do not say where a journey ends.

    Returns
    -------
    FeedTariff
        ``findings`` tells what is wrong with the feed's fares; ``print`` shows the tariff.

    Raises
    ------
    ConfigError
        When the feed has no fares, its currency is not clear, or ``category`` or ``medium`` is
        none of the feed's.

    References
    ----------
    GTFS Schedule reference, revised April 2026. ``docs/gtfs-fares.md`` says what is chosen where
    the reference is silent.
    """
    chosen = version or _version(feed)
    if journey_gap_s < 0:
        raise ConfigError(f"journey_gap_s is {journey_gap_s}", mend="give seconds, 0 or more")
    _known(feed, "rider_categories", "rider_category_id", category, "category")
    _known(feed, "fare_media", "fare_media_id", medium, "medium")
    if chosen == "v1":
        return _read_v1(feed, currency, journey_gap_s)
    return _read_v2(feed, currency, category, medium, journey_gap_s)


def _version(feed: Feed) -> Version:
    if rows(feed, "fare_leg_rules", "fare_product_id") and rows(
        feed, "fare_products", "fare_product_id"
    ):
        return "v2"
    if rows(feed, "fare_attributes", "fare_id"):
        return "v1"
    raise ConfigError(
        f"{feed.source}: this feed has no fares",
        mend="add fare_products.txt and fare_leg_rules.txt, or write a tariff in TOML",
    )


def _known(feed: Feed, name: str, column: str, value: str | None, what: str) -> None:
    given = sorted({one for (one,) in rows(feed, name, column)})
    if value is not None and value not in given:
        raise ConfigError(
            f"{name}.txt has no {what} {value!r}", mend=f"it has {', '.join(given) or 'none'}"
        )


def _read_v2(
    feed: Feed, currency: str | None, category: str | None, medium: str | None, gap_s: int
) -> FeedTariff:
    from mobility.fares.gtfs_products import UNSAID, Products
    from mobility.fares.gtfs_transfers import joins_of, transfers_of
    from mobility.fares.gtfs_v2 import LegRules

    money = money_of(feed, "fare_products", "currency", currency)
    products = Products(feed, money)
    legs = LegRules(feed, products)
    fares = legs.fares()
    found = _findings(feed)
    if legs.left_out:
        found.append(
            finding(
                "fare_rule_of_an_extension",
                file="fare_leg_rules.txt",
                column="transfer_only",
                value="1",
                count=legs.left_out,
            )
        )
    return FeedTariff(
        currency=money.currency,
        timezone=feed.timezone,
        fares=fares,
        transfers=transfers_of(feed, products, legs.groups, gap_s),
        joins=joins_of(feed),
        join_window_s=gap_s,
        timeframes=legs.timeframes.blocks(),
        networks=networks_of_routes(feed.raw),
        zones=zones_of(feed),
        stations=stations_of(feed),
        operators=operators_of(feed),
        default_category=products.default_category if category is None else category,
        default_medium=products.default_medium if medium is None else medium,
        default_route=UNSAID,
        default_stop=UNSAID,
        known_routes=frozenset(one for (one,) in rows(feed, "routes", "route_id")),
        known_stops=frozenset(one for (one,) in rows(feed, "stops", "stop_id")),
        name=Path(feed.source).name,
        findings=tuple(found),
        version="v2",
        served=stops_of_routes(feed),
        labels=legs.labels,
    )


def _read_v1(feed: Feed, currency: str | None, gap_s: int) -> FeedTariff:
    from mobility.fares.gtfs_v1 import read_tickets

    money = money_of(feed, "fare_attributes", "currency_type", currency)
    tickets = read_tickets(feed, money, gap_s)
    fares, labels = tickets.fare_rules()
    return FeedTariff(
        currency=money.currency,
        timezone=feed.timezone,
        fares=fares,
        zones=zones_of(feed),
        operators=operators_of(feed),
        known_routes=frozenset(one for (one,) in rows(feed, "routes", "route_id")),
        known_stops=frozenset(one for (one,) in rows(feed, "stops", "stop_id")),
        name=Path(feed.source).name,
        findings=tuple(_findings(feed)),
        version="v1",
        served=stops_of_routes(feed),
        labels=labels,
        tickets=tickets,
    )


def zones_of(feed: Feed) -> dict[str, str]:
    """Zone of every stop that has one, for the scope of caps."""
    return {stop: zone for stop, zone in rows(feed, "stops", "stop_id", "zone_id") if zone}


def operators_of(feed: Feed) -> dict[str, str]:
    """Agency of every route: its own, or the only one of the feed."""
    agencies = [one for (one,) in rows(feed, "agency", "agency_id")]
    alone = agencies[0] if len(agencies) == 1 else ""
    return {
        route: agency or alone for route, agency in rows(feed, "routes", "route_id", "agency_id")
    }


def _findings(feed: Feed) -> list[Finding]:
    return [one for one in feed.findings if one.file.removesuffix(".txt") in _FILES]
