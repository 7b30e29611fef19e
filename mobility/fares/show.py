"""A tariff as people read it: its tables, and a summary in words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from mobility.units import format_money, format_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from mobility.fares.problem import (
        Cap,
        FareRule,
        JoinRule,
        LegKeys,
        Match,
        Tariff,
        Timeframe,
        TransferRule,
    )

# Values listed one by one in a cell; a longer set is counted.
_LISTED = 4
# Lines of each part of a summary.
_SHOWN = 20

_COLUMNS = {
    "products": ["product", "category", "medium", "amount"],
    "legs": [
        "mode", "route", "network", "start", "end", "passed", "timeframe", "to_timeframe",
        "category", "medium", "valid", "leg_group", "product", "amount",
    ],
    "joins": ["before_network", "after_network", "before_stop", "after_stop"],
    "transfers": [
        "before", "after", "kind", "amount", "window_s", "measured", "in_a_row", "in_a_journey",
    ],
    "caps": ["id", "period", "amount", "rides", "scope", "valid"],
    "timeframes": ["id", "from_s", "to_s", "days"],
}  # fmt: skip


def tables(tariff: Tariff) -> dict[str, pd.DataFrame]:
    """Rules of a tariff as DataFrames, in the order in which they are tried.

    Returns
    -------
    dict
        ``products`` (product, category, medium, amount), ``legs`` (what a leg must match, its
        leg_group, product, amount; amount missing: matched, and of unknown fare), ``joins``,
        ``transfers``, ``caps`` and ``timeframes``. Amounts are in minor units; blank cells match
        everything.
    """
    import pandas as pd

    found = {}
    rows = _rows(tariff, listed=sys.maxsize)
    for name, columns in _COLUMNS.items():
        frame = pd.DataFrame(rows[name], columns=columns)
        for column in ("amount", "rides", "window_s", "in_a_row", "in_a_journey"):
            if column in frame:
                frame[column] = frame[column].astype("Int64")
        found[name] = frame
    return found


def _rows(tariff: Tariff, *, listed: int) -> dict[str, list[dict[str, Any]]]:
    named = _Names(tariff, listed)
    legs = [named.leg(one) for one in tariff.fares if not _is_guard(one, tariff)]
    sold = [{key: one[key] for key in _COLUMNS["products"]} for one in legs]
    return {
        "products": list({str(one): one for one in sold if one["amount"] is not None}.values()),
        "legs": legs,
        "joins": [named.join(one) for one in tariff.joins],
        "transfers": [named.transfer(one) for one in tariff.transfers],
        "caps": [named.cap(one) for one in tariff.caps],
        "timeframes": [_timeframe(one) for one in tariff.timeframes],
    }


def _is_guard(rule: FareRule, tariff: Tariff) -> bool:
    """A rule for taps whose route or stop is not known: told once, not rule by rule."""
    unsaid = ((rule.route, tariff.default_route), (rule.stop, tariff.default_stop))
    return rule.amount is None and any(
        match is not None and value and value in match for match, value in unsaid
    )


def _timeframe(one: Timeframe) -> dict[str, Any]:
    days = (
        f"{len(one.dates):,} dates" if one.dates is not None else " ".join(sorted(one.days or ()))
    )
    return {"id": one.id, "from_s": one.from_s, "to_s": one.to_s, "days": days}


class _Names:
    """What sets of a tariff are called."""

    def __init__(self, tariff: Tariff, listed: int) -> None:
        self._listed = listed
        self._labels: dict[frozenset[str], str] = getattr(tariff, "labels", {})

    def match(self, match: Match | None) -> str:
        if match is None:
            return ""
        label = self._labels.get(match.values)
        if label is None:
            values = sorted(match.values)
            label = ", ".join(values) if len(values) <= self._listed else f"any of {len(values):,}"
        return f"not {label or 'listed'}" if match.negate else label

    def all(self, matches: Iterable[Match | None]) -> str:
        return " ".join(self.match(one) for one in matches if one is not None)

    def leg(self, rule: FareRule) -> dict[str, Any]:
        return {
            "mode": self.match(rule.mode),
            "route": self.match(rule.route),
            "network": self.match(rule.network),
            "start": self.all((rule.zone, rule.stop)),
            "end": self.all((rule.to_zone, rule.to_stop)),
            "passed": "" if rule.zones is None else ", ".join(sorted(rule.zones)),
            "timeframe": rule.timeframe or "",
            "to_timeframe": rule.to_timeframe or "",
            "category": self.match(rule.category),
            "medium": self.match(rule.medium),
            "valid": _valid(rule),
            "leg_group": rule.leg_group,
            "product": rule.product,
            "amount": rule.amount,
        }

    def side(self, keys: LegKeys) -> str:
        parts = (
            keys.leg_group, keys.product, keys.mode, keys.route, keys.network, keys.stop,
            keys.zone, keys.category, keys.medium,
        )  # fmt: skip
        return "; ".join(self.match(one) for one in parts if one is not None)

    def join(self, rule: JoinRule) -> dict[str, Any]:
        return {
            "before_network": self.match(rule.before_network),
            "after_network": self.match(rule.after_network),
            "before_stop": self.match(rule.before_stop),
            "after_stop": self.match(rule.after_stop),
        }

    def transfer(self, rule: TransferRule) -> dict[str, Any]:
        return {
            "before": self.side(rule.before),
            "after": self.side(rule.after),
            "kind": rule.kind,
            "amount": rule.amount,
            "window_s": rule.window_s,
            "measured": _measured(rule),
            "in_a_row": rule.group_transfers,
            "in_a_journey": rule.max_transfers,
        }

    def cap(self, cap: Cap) -> dict[str, Any]:
        scope = (cap.modes, cap.routes, cap.zones, cap.networks, cap.categories, cap.media)
        return {
            "id": cap.id,
            "period": cap.period if cap.days == 1 else f"{cap.period} {cap.days} days",
            "amount": cap.amount,
            "rides": cap.rides,
            "scope": "; ".join(self.match(one) for one in scope if one is not None),
            "valid": _valid(cap),
        }


def _measured(rule: TransferRule) -> str:
    start = "boarding" if rule.start == "on" else "end"
    end = "boarding" if rule.end == "on" else "end"
    rides = {
        "first-leg": "the first ride",
        "last-leg": "the ride before",
        "first-of-group": "the first ride of the row",
    }
    return f"from the {start} of {rides[rule.anchor]} to the {end} of this one"


def _valid(rule: FareRule | Cap) -> str:
    if rule.valid_from is None and rule.valid_to is None:
        return ""
    return f"{rule.valid_from or ''} to {rule.valid_to or ''}".strip()


def summary(tariff: Tariff, unpriced: pd.DataFrame | None = None) -> str:
    """Tell a tariff: fares by network, area and timeframe, joins, transfers, caps, findings.

    Parameters
    ----------
    unpriced
        Routes with pairs of stops that have no fare (:func:`mobility.fares.gtfs_gaps.unpriced`).
    """
    found = _rows(tariff, listed=_LISTED)
    money = tariff.currency
    source = getattr(tariff, "version", "")
    counts = ", ".join(
        f"{len(found[name]):,} {word}{'' if len(found[name]) == 1 else 's'}"
        for name, word in (
            ("products", "price"),
            ("legs", "fare rule"),
            ("joins", "join"),
            ("transfers", "transfer rule"),
            ("caps", "cap level"),
        )
        if found[name]
    )
    head = [tariff.name or "tariff", *([f"GTFS Fares {source}"] if source else []), money]
    lines = [f"{', '.join(head)}: {counts}"]
    for word, value in (("category", tariff.default_category), ("medium", tariff.default_medium)):
        if any(one[word] for one in found["legs"]):
            said = value if value and not value.startswith("(") else "finds prices that name none"
            lines.append(f"a tap that names no {word}: {said}")
    lines += ["fares, the first that matches:", *_cut(_tell_legs(found["legs"], money))]
    if found["joins"]:
        window_s = tariff.join_window_s
        soon = "" if window_s is None else f", within {format_time(window_s)}"
        lines += [f"rides that are one{soon}:", *_cut([_tell_join(one) for one in found["joins"]])]
    lines += _tell_runs(tariff) or _tell_transfers(found["transfers"], money)
    if found["caps"]:
        lines += ["caps:", *_cut([_tell_cap(one, money) for one in found["caps"]])]
    lines += ["a ride that matches no fare is of unknown fare, never free"]
    if unpriced is not None and len(unpriced):
        lines += [f"routes with stops that have no fare between them: {len(unpriced):,}"]
        lines += _cut([_tell_gap(one) for one in unpriced.itertuples()])
    return "\n".join(lines + [f"{one.severity}: {one.where_what}" for one in tariff.findings])


def _cut(lines: list[str]) -> list[str]:
    lines = list(dict.fromkeys(lines))
    more = [f"  ... and {len(lines) - _SHOWN:,} more: `tables` has all"]
    return [f"  {one}" for one in lines[:_SHOWN]] + (more if len(lines) > _SHOWN else [])


def _tell_gap(row: Any) -> str:
    return f"{row.route}: {row.pairs:,} of {row.of:,} pairs, {row.start} to {row.end} first"


def _tell_legs(legs: list[dict[str, Any]], currency: str) -> list[str]:
    """One line for all pairs of places and all products that have the same price."""
    told: dict[str, tuple[list[tuple[str, str]], list[str]]] = {}
    for row in legs:
        price = "unknown" if row["amount"] is None else format_money(row["amount"], currency)
        where = " ".join(row[key] for key in ("mode", "network", "route") if row[key])
        keys = [where or "any route"]
        keys += [f"through {row['passed']}"] if row["passed"] else []
        for word, key in (("from", "timeframe"), ("until", "to_timeframe")):
            keys += [f"{word} {row[key]}"] if row[key] else []
        keys += [row[key] for key in ("category", "medium", "valid") if row[key]]
        keys += ["any other rider"] if row["amount"] is None else []
        ends, products = told.setdefault(f"{price:>12}  {'; '.join(keys)}", ([], []))
        ends.append((row["start"], row["end"]))
        products.append(row["product"])
    lines = []
    for front, (ends, products) in told.items():
        names = [one for one in dict.fromkeys(products) if one]
        back = f"  ({', '.join(names)})" if len(names) < 3 else f"  ({len(names):,} products)"
        lines.append(f"{front}{_tell_places(ends)}{back if names else ''}")
    return lines


def _tell_places(ends: list[tuple[str, str]]) -> str:
    pairs = [f"{start or 'anywhere'} to {end or 'anywhere'}" for start, end in dict.fromkeys(ends)]
    if pairs == ["anywhere to anywhere"]:
        return ""
    more = f" and {len(pairs) - 2:,} more pairs" if len(pairs) > 2 else ""
    return f"; {', '.join(pairs[:2])}{more}"


def _tell_join(row: dict[str, Any]) -> str:
    stops = f"at {row['before_stop']} and {row['after_stop']}" if row["before_stop"] else ""
    networks = [row[key] or "any network" for key in ("before_network", "after_network")]
    return f"{' then '.join(networks)} {stops or 'in one station'}"


_KIND_WORDS = {
    "A+AB": "the second ride costs {}",
    "A+AB+B": "the second ride costs its own fare and {}",
    "AB": "both rides together cost {}",
    "free": "the next ride is free",
    "difference": "the next ride costs what it is dearer than the dearest so far",
    "discount": "the next ride costs {} less",
}


def _tell_transfers(rules: list[dict[str, Any]], currency: str) -> list[str]:
    if not rules:
        return ["no transfers"]
    lines = []
    for row, before in zip(rules, [None, *rules], strict=False):
        if before is not None and {**row, "measured": ""} == {**before, "measured": ""}:
            continue  # the same limit, from the start of the ride before where its end is not known
        price = _KIND_WORDS[row["kind"]].format(format_money(row["amount"], currency))
        limits = []
        if row["window_s"] is not None:
            limits.append(f"within {format_time(row['window_s'])} {row['measured']}")
        for key, word in (("in_a_row", "row"), ("in_a_journey", "journey")):
            limits += [f"at most {row[key]} in a {word}"] if row[key] is not None else []
        ends = f"{row['before'] or 'any ride'} to {row['after'] or 'any ride'}"
        lines.append(f"{' '.join([ends, ', '.join(limits)]).strip()}: {price}")
    return ["transfers, the first that fits:", *_cut(lines)]


def _tell_runs(tariff: Tariff) -> list[str]:
    """How far a fare of Fares v1 reaches."""
    tickets = getattr(tariff, "tickets", None)
    if tickets is None:
        return []
    reach: dict[str, list[str]] = {}
    for fare in tickets.fares:
        count = fare.transfers
        often = "any number of transfers" if count is None else f"{count} transfers"
        often = "one transfer" if count == 1 else often
        if fare.transfers == 0:
            words = "no transfer"
        elif fare.duration_s is None:
            words = f"{often}, {format_time(tickets.gap_s)} between two rides"
        else:
            words = f"{often} within {format_time(fare.duration_s)} of the first boarding"
        reach.setdefault(words, []).append(fare.id)
    lines = []
    for words, fares in reach.items():
        more = f" and {len(fares) - 4:,} more" if len(fares) > 4 else ""
        lines.append(f"{words}: {', '.join(fares[:4])}{more}")
    return ["a fare may be ridden on:", *_cut(lines)]


def _tell_cap(row: dict[str, Any], currency: str) -> str:
    limit = (
        f"{row['rides']} rides" if row["amount"] is None else format_money(row["amount"], currency)
    )
    extra = [one for one in (row["scope"], row["valid"]) if one]
    return f"{row['id']}: {limit} in a {row['period']}{''.join(f'; {one}' for one in extra)}"
