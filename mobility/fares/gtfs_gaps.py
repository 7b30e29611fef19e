"""Rides of a timetable for which its fares name no price, at no time of any day."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from mobility.fares.gtfs_tables import rows

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from mobility.fares.gtfs import FeedTariff
    from mobility.fares.problem import FareRule, Match
    from mobility.feed.feed import Feed

# Pairs of stops of one route looked at, at most: of a longer route, the first ones.
_MOST_STOPS = 400


def stops_of_routes(feed: Feed) -> dict[str, tuple[str, ...]]:
    """Stops that trips of each route call at, by id."""
    events = feed.stop_events
    stops = [one for (one,) in rows(feed, "stops", "stop_id")]
    routes = feed.raw["trips"].text("route_id")[events.trip]
    found: dict[str, set[str]] = defaultdict(set)
    known = events.stop >= 0
    pairs = {
        (str(route), int(stop))
        for route, stop in zip(routes[known], events.stop[known], strict=True)
    }
    for route, stop in pairs:
        found[route].add(stops[stop])
    return {route: tuple(sorted(inside)) for route, inside in sorted(found.items())}


def unpriced(tariff: FeedTariff) -> pd.DataFrame:
    """Pairs of stops of a route without a fare for the usual rider.

    Returns
    -------
    DataFrame
        One row a route that has any: ``route``, ``pairs`` (of its stops, without a fare), ``of``
        (all pairs), ``start`` and ``end`` (the first one). Zones passed on the way (Fares v1) are
        taken to be the right ones.
    """
    import pandas as pd

    found = []
    for route, called in tariff.served.items():
        stops = called[:_MOST_STOPS]
        priced = np.zeros((len(stops), len(stops)), dtype=bool)
        for rule in tariff.fares:
            if _is_for(rule, route, tariff):
                starts, ends = _inside(rule.stop, stops), _inside(rule.to_stop, stops)
                priced |= starts[:, None] & ends[None, :]
            if priced.all():
                break
        np.fill_diagonal(priced, val=True)
        missing = np.argwhere(~priced)
        if len(missing):
            start, end = (stops[at] for at in missing[0])
            found.append((route, len(missing), len(stops) * (len(stops) - 1), start, end))
    return pd.DataFrame(found, columns=["route", "pairs", "of", "start", "end"])


def _is_for(rule: FareRule, route: str, tariff: FeedTariff) -> bool:
    keys = (
        (rule.route, route),
        (rule.category, tariff.default_category),
        (rule.medium, tariff.default_medium),
    )
    return rule.amount is not None and all(one is None or value in one for one, value in keys)


def _inside(match: Match | None, stops: tuple[str, ...]) -> NDArray[np.bool_]:
    return np.array([match is None or stop in match for stop in stops], dtype=bool)
