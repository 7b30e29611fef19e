"""Rules on fares: amounts, timeframes, transfers, networks, and rules that can never apply.

The tables are small (a national feed has some thousands of rows), so they are read row by row.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from mobility.feed.money import CURRENCIES, decimals, minor_units
from mobility.feed.rules_tell import tell
from mobility.feed.stop_events import parse_times
from mobility.findings import Severity
from mobility.units import DAY_S, minor_digits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from mobility.feed.tables import Table
    from mobility.findings import Finding

_AMOUNTS = {"fare_products": ("amount", "currency"), "fare_attributes": ("price", "currency_type")}


def check_fares(raw: Mapping[str, Table]) -> Iterator[Finding]:
    """Judge the files of Fares v1 and v2 beyond their cells and keys."""
    for name, (amount, currency) in _AMOUNTS.items():
        if (table := _rows(raw, name)) is not None and {amount, currency} <= set(table.columns):
            yield from _check_amounts(table, amount, currency)
    if (table := _rows(raw, "timeframes")) is not None:
        yield from _check_timeframes(table)
    if (table := _rows(raw, "fare_transfer_rules")) is not None:
        yield from _check_transfers(table, _ids(raw, "fare_leg_rules", "leg_group_id"))
    if (table := _rows(raw, "fare_leg_join_rules")) is not None:
        yield from _check_joins(table)
    yield from _check_default_riders(raw)
    yield from _check_networks(raw)
    yield from _check_reach(raw)
    yield from _check_zones(raw)


def networks_of_routes(raw: Mapping[str, Table]) -> dict[str, str]:
    """Network of each route that has one: by routes.txt, else by route_networks.txt."""
    found: dict[str, str] = {}
    for name in ("route_networks", "routes"):
        if name in raw and "network_id" in raw[name]:
            table = raw[name]
            pairs = zip(table.text("route_id"), table.text("network_id"), strict=True)
            chosen: dict[str, str] = {}
            for route, network in pairs:
                if network:
                    chosen.setdefault(route, network)
            found |= chosen
    return found


def _rows(raw: Mapping[str, Table], name: str) -> Table | None:
    return raw[name] if name in raw and len(raw[name]) else None


def _where(flags: Iterable[bool]) -> NDArray[np.int64]:
    return np.flatnonzero(np.fromiter(flags, dtype=bool))


def _check_amounts(table: Table, amount: str, currency: str) -> Iterator[Finding]:
    codes, texts = table.text(currency), table.text(amount)
    pairs = [(code, text) for code, text in zip(codes, texts, strict=True)]
    counted = [(code in CURRENCIES and decimals(text) is not None) for code, text in pairs]
    lost = [
        known and minor_units(text, code) is None
        for known, (code, text) in zip(counted, pairs, strict=True)
    ]
    short = [
        known and not gone and decimals(text) != minor_digits(code)
        for known, gone, (code, text) in zip(counted, lost, pairs, strict=True)
    ]

    def say(position: int) -> str:
        digits = minor_digits(codes[position])
        return f"{codes[position]} has {digits} decimals"

    yield from tell("invalid_currency_amount", table, amount, _where(lost), message=say)
    if amount == "amount":  # the price of Fares v1 is any number
        yield from tell(
            "invalid_currency_amount",
            table,
            amount,
            _where(short),
            message=say,
            severity=Severity.WARNING,
        )
    known_codes = [code if code in CURRENCIES else "" for code in codes]
    first = next((code for code in known_codes if code), "")
    yield from tell(
        "several_currencies",
        table,
        currency,
        _where(code not in {"", first} for code in known_codes),
        message=f"an earlier row is in {first}",
    )


def _check_timeframes(table: Table) -> Iterator[Finding]:
    lone = table.blank("start_time") != table.blank("end_time")
    yield from tell(
        "timeframe_only_start_or_end_time_specified", table, "start_time", np.flatnonzero(lone)
    )
    starts, ends = parse_times(table, "start_time"), parse_times(table, "end_time")
    for column, times in (("start_time", starts), ("end_time", ends)):
        yield from tell(
            "timeframe_start_or_end_time_greater_than_twenty_four_hours",
            table,
            column,
            np.flatnonzero(times > DAY_S),
        )
    starts = np.where(table.blank("start_time"), 0, starts)
    ends = np.where(table.blank("end_time"), DAY_S, ends)
    groups = defaultdict(list)
    keys = zip(table.text("timeframe_group_id"), table.text("service_id"), strict=True)
    for row, key in enumerate(keys):
        if 0 <= starts[row] < ends[row]:
            groups[key].append((int(starts[row]), int(ends[row]), row))
    rows = []
    for frames in groups.values():
        latest = 0
        for start, end, row in sorted(frames):
            if start < latest:
                rows.append(row)
            latest = max(latest, end)
    yield from tell("timeframe_overlap", table, "start_time", np.array(rows, np.int64))


def _check_transfers(table: Table, groups: set[str]) -> Iterator[Finding]:
    ends = [table.text(f"{end}_leg_group_id") for end in ("from", "to")]
    same = ends[0] == ends[1]
    known = np.array([{*pair} <= groups | {""} for pair in zip(*ends, strict=True)], dtype=bool)
    grouped = ~table.blank("from_leg_group_id")
    counted = ~table.blank("transfer_count")
    for code, wrong in (
        ("fare_transfer_rule_missing_transfer_count", same & grouped & ~counted),
        # Between two blanks the groups may be the same or not: a count says something for those.
        ("fare_transfer_rule_with_forbidden_transfer_count", ~same & counted & known),
        ("fare_transfer_rule_invalid_transfer_count", counted & _no_count(table)),
    ):
        yield from tell(code, table, "transfer_count", np.flatnonzero(wrong))
    limited, typed = ~table.blank("duration_limit"), ~table.blank("duration_limit_type")
    yield from tell(
        "fare_transfer_rule_duration_limit_without_type",
        table,
        "duration_limit_type",
        np.flatnonzero(limited & ~typed),
    )
    yield from tell(
        "fare_transfer_rule_duration_limit_type_without_duration_limit",
        table,
        "duration_limit",
        np.flatnonzero(typed & ~limited),
    )


def _no_count(table: Table) -> NDArray[np.bool_]:
    counts = table.integers("transfer_count", default=1)
    return np.asarray((counts == 0) | (counts < -1), dtype=bool)


def _check_joins(table: Table) -> Iterator[Finding]:
    for column, other in (("from_stop_id", "to_stop_id"), ("to_stop_id", "from_stop_id")):
        yield from tell(
            "missing_required_field",
            table,
            column,
            np.flatnonzero(table.blank(column) & ~table.blank(other)),
            message=f"a join that names its {other} needs its {column} too",
        )


def _check_default_riders(raw: Mapping[str, Table]) -> Iterator[Finding]:
    riders, products = _rows(raw, "rider_categories"), _rows(raw, "fare_products")
    if riders is None or products is None:
        return
    main = riders.integers("is_default_fare_category") == 1
    defaults = set(riders.text("rider_category_id")[main])
    eligible = defaultdict(set)
    first_row: dict[str, int] = {}
    pairs = zip(products.text("fare_product_id"), products.text("rider_category_id"), strict=True)
    for row, (product, category) in enumerate(pairs):
        first_row.setdefault(product, row)
        if category:
            eligible[product].add(category)
    several = [one for one, found in eligible.items() if len(found & defaults) > 1]
    without = [one for one, found in eligible.items() if len(found) > 1 and not found & defaults]
    for code, names in (
        ("fare_product_with_multiple_default_rider_categories", several),
        ("fare_product_without_default_rider_category", without),
    ):
        rows = np.array([first_row[one] for one in names], np.int64)
        yield from tell(code, products, "fare_product_id", rows)


def _check_networks(raw: Mapping[str, Table]) -> Iterator[Finding]:
    routes = raw["routes"]
    if "network_id" not in routes or routes.blank("network_id").all():
        return
    for name in ("networks", "route_networks"):
        if (table := _rows(raw, name)) is not None:
            yield from tell(
                "route_networks_specified_in_more_than_one_file",
                table,
                "network_id",
                np.arange(len(table)),
            )


def _check_reach(raw: Mapping[str, Table]) -> Iterator[Finding]:
    """Leg rules whose network has no route or whose area has no stop."""
    rules = _rows(raw, "fare_leg_rules")
    if rules is None:
        return
    served = set(networks_of_routes(raw).values())
    stopped = set(raw["stop_areas"].text("area_id")) if "stop_areas" in raw else set()
    networks = _ids(raw, "networks", "network_id") | _ids(raw, "routes", "network_id")
    areas = _ids(raw, "areas", "area_id")
    for column, reached, declared, what in (
        ("network_id", served, networks, "no route is in this network"),
        ("from_area_id", stopped, areas, "no stop is in this area"),
        ("to_area_id", stopped, areas, "no stop is in this area"),
    ):
        if not reached <= declared:
            continue  # told as a foreign key: the routes or stops are meant for one of these
        empty = declared - reached
        rows = _where(one in empty for one in rules.text(column))
        yield from tell("fare_rule_that_never_applies", rules, column, rows, message=what)


def _ids(raw: Mapping[str, Table], name: str, column: str) -> set[str]:
    return set(raw[name].text(column)) - {""} if name in raw else set()


def _check_zones(raw: Mapping[str, Table]) -> Iterator[Finding]:
    rules = _rows(raw, "fare_rules")
    if rules is None:
        return
    zoned = ("origin_id", "destination_id", "contains_id")
    if all(rules.blank(column).all() for column in zoned):
        return
    stops = raw["stops"]
    boarded = stops.integers("location_type") == 0
    yield from tell(
        "stop_without_zone_id", stops, "zone_id", np.flatnonzero(boarded & stops.blank("zone_id"))
    )
