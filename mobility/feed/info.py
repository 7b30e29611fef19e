"""What a feed holds, in counts: what ``mobility feed info`` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.errors import ConfigError
from mobility.feed.calendar import NO_DAY, busiest_date, calendar_of, days, to_date

if TYPE_CHECKING:
    from mobility.feed.feed import Feed


def info(feed: Feed) -> dict[str, Any]:
    """Rows as they stand in the files, blank lines aside.

    Returns
    -------
    dict
        ``agencies, routes, stops, trips, stop_times`` (rows), ``services`` (distinct ids of the
        two calendar files), ``span`` (first and last ISO date of them, or None), ``busiest_date``
        (ISO, or None), ``blocks`` (distinct block ids), ``shapes`` (points), ``fares_v1`` (rows of
        fare_attributes.txt), ``fares_v2`` (rows of fare_products.txt), ``frequencies`` (rows),
        ``modes`` (how many routes have each route_type, as the file writes it).
    """

    def rows(name: str) -> int:
        table = feed.raw.get(name)
        return 0 if table is None else len(table)

    return {
        "agencies": rows("agency"),
        "routes": rows("routes"),
        "stops": rows("stops"),
        "trips": rows("trips"),
        "stop_times": rows("stop_times"),
        "services": len(calendar_of(feed).services),
        "span": _span(feed),
        "busiest_date": _busiest(feed),
        "blocks": len(_counts(feed, "trips", "block_id")),
        "shapes": rows("shapes"),
        "fares_v1": rows("fare_attributes"),
        "fares_v2": rows("fare_products"),
        "frequencies": rows("frequencies"),
        "modes": _counts(feed, "routes", "route_type"),
    }


def _counts(feed: Feed, name: str, column: str) -> dict[str, int]:
    """How many rows hold each text of a column, blanks aside."""
    table = feed.raw.get(name)
    if table is None or column not in table or not len(table):
        return {}
    values = table.values(column).to_pylist()
    counts = np.bincount(table.codes(column), minlength=len(values))
    found = {text: int(n) for text, n in zip(values, counts, strict=True) if text and n}
    return dict(sorted(found.items(), key=lambda one: (len(one[0]), one[0])))


def _span(feed: Feed) -> list[str] | None:
    """First and last date of the calendar files, as they stand."""
    weekly, exceptions = feed.raw.get("calendar"), feed.raw.get("calendar_dates")
    known = np.concatenate(
        [days(weekly, "start_date"), days(weekly, "end_date"), days(exceptions, "date")]
    )
    known = known[known != NO_DAY]
    return [str(to_date(int(one))) for one in (known.min(), known.max())] if len(known) else None


def _busiest(feed: Feed) -> str | None:
    try:
        return str(busiest_date(feed))
    except ConfigError:
        return None
