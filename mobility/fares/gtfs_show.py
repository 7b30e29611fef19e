"""A tariff from a feed as people read it: its tables, and a summary in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobility.units import format_money, format_time

if TYPE_CHECKING:
    import pandas as pd

    from mobility.fares.gtfs import FeedTariff
    from mobility.fares.problem import FareRule, JoinRule, LegKeys, Match, TransferRule

# Values listed one by one in a cell; a longer set is counted.
_LISTED = 4
# Rows of each part of a summary.
_SHOWN = 20


def tables(tariff: FeedTariff) -> dict[str, pd.DataFrame]:
    """Rules of a tariff as DataFrames, in the order in which they are tried.

    Returns
    -------
    dict
        ``products`` (product, category, medium, amount), ``legs`` (what a leg must match, its
        leg_group, product, amount; amount missing: matched, and of unknown fare), ``joins``,
        ``transfers`` and ``timeframes`` (id, from_s, to_s, dates). Amounts are in minor units;
        blank cells match everything.
    """
    import pandas as pd

    found = {}
    for name, columns in _COLUMNS.items():
        frame = pd.DataFrame(_rows(tariff)[name], columns=columns)
        for column in ("amount", "window_s", "in_a_row"):
            if column in frame:
                frame[column] = frame[column].astype("Int64")
        found[name] = frame
    return found


def _rows(tariff: FeedTariff) -> dict[str, list[dict[str, Any]]]:
    named = _Names(tariff)
    legs = [named.leg(one) for one in tariff.fares]
    sold = [{key: one[key] for key in _COLUMNS["products"]} for one in legs]
    return {
        "products": list({str(one): one for one in sold if one["amount"] is not None}.values()),
        "legs": legs,
        "joins": [named.join(one) for one in tariff.joins],
        "transfers": [named.transfer(one) for one in tariff.transfers],
        "timeframes": [
            {"id": one.id, "from_s": one.from_s, "to_s": one.to_s, "dates": len(one.dates or ())}
            for one in tariff.timeframes
        ],
    }


_COLUMNS = {
    "products": ["product", "category", "medium", "amount"],
    "legs": [
        "network", "start", "end", "passed", "from_timeframe", "to_timeframe", "category",
        "medium", "leg_group", "product", "amount",
    ],
    "joins": ["before_network", "after_network", "before_stop", "after_stop", "window_s"],
    "transfers": [
        "before", "after", "category", "medium", "kind", "amount", "window_s", "measured",
        "in_a_row",
    ],
    "timeframes": ["id", "from_s", "to_s", "dates"],
}  # fmt: skip


class _Names:
    """What sets of a tariff are called."""

    def __init__(self, tariff: FeedTariff) -> None:
        self._tariff = tariff

    def match(self, match: Match | None) -> str:
        if match is None:
            return ""
        label = self._tariff.labels.get(match.values)
        if label is None:
            values = sorted(match.values)
            label = ", ".join(values) if len(values) <= _LISTED else f"{len(values):,} of them"
        return f"not {label or 'listed'}" if match.negate else label

    def leg(self, rule: FareRule) -> dict[str, Any]:
        return {
            "network": self.match(rule.route),
            "start": self.match(rule.stop),
            "end": self.match(rule.to_stop),
            "passed": "" if rule.zones is None else ", ".join(sorted(rule.zones)),
            "from_timeframe": rule.timeframe or "",
            "to_timeframe": rule.to_timeframe or "",
            "category": self.match(rule.category),
            "medium": self.match(rule.medium),
            "leg_group": rule.leg_group,
            "product": rule.product,
            "amount": rule.amount,
        }

    def side(self, keys: LegKeys) -> str:
        parts = [self.match(one) for one in (keys.leg_group, keys.product) if one is not None]
        return " with ".join(parts)

    def join(self, rule: JoinRule) -> dict[str, Any]:
        return {
            "before_network": self.match(rule.before_network),
            "after_network": self.match(rule.after_network),
            "before_stop": self.match(rule.before_stop),
            "after_stop": self.match(rule.after_stop),
            "window_s": rule.window_s,
        }

    def transfer(self, rule: TransferRule) -> dict[str, Any]:
        return {
            "before": self.side(rule.before),
            "after": self.side(rule.after),
            "category": self.match(rule.after.category),
            "medium": self.match(rule.after.medium),
            "kind": rule.kind,
            "amount": rule.amount,
            "window_s": rule.window_s,
            "measured": f"{rule.anchor} {rule.start} to {rule.end}",
            "in_a_row": rule.group_transfers,
        }


def summary(tariff: FeedTariff) -> str:
    """Tell a tariff: fares by network, area and timeframe, joins, transfers, what is unknown."""
    found = _rows(tariff)
    counts = [
        f"{len(found['products']):,} prices",
        f"{len(tariff.fares):,} fare rules",
        f"{len(tariff.joins):,} joins",
        f"{len(tariff.transfers):,} transfer rules",
    ]
    lines = [
        f"{tariff.name}: GTFS Fares {tariff.version}, {tariff.currency}, {', '.join(counts)}",
        f"a tap that names no category: {_said(tariff.default_category)}",
        f"a tap that names no medium: {_said(tariff.default_medium)}",
        "fares, the first that matches:",
        *_cut(_tell_legs(found["legs"], tariff.currency)),
    ]
    if found["joins"]:
        lines += ["rides that are one:", *_cut([_tell_join(one) for one in found["joins"]])]
    lines.append("transfers, the first that fits:" if found["transfers"] else "no transfers")
    lines += _cut([_tell_transfer(one, tariff.currency) for one in found["transfers"]])
    lines.append("a ride that matches no fare is of unknown fare, never free")
    return "\n".join(lines + [f"{one.severity}: {one.where_what}" for one in tariff.findings])


def _said(value: str) -> str:
    return value if value and not value.startswith("(") else "finds only prices that name none"


def _cut(lines: list[str]) -> list[str]:
    lines = list(dict.fromkeys(lines))
    more = [f"  ... and {len(lines) - _SHOWN:,} more: `tables` has all"]
    return [f"  {one}" for one in lines[:_SHOWN]] + (more if len(lines) > _SHOWN else [])


def _tell_legs(legs: list[dict[str, Any]], currency: str) -> list[str]:
    """One line for all pairs of places that have the same price."""
    places: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for row in legs:
        amount = row["amount"]
        price = "unknown" if amount is None else format_money(amount, currency)
        keys = [row["network"] or "any route"]
        keys += [f"through {row['passed']}"] if row["passed"] else []
        for word, key in (("from", "from_timeframe"), ("until", "to_timeframe")):
            keys += [f"{word} {row[key]}"] if row[key] else []
        keys += [row[key] for key in ("category", "medium") if row[key]]
        told = (f"{price:>12}  {'; '.join(keys)}", f"({row['product']})")
        places.setdefault(told, []).append((row["start"], row["end"]))
    return [f"{front}{_tell_places(ends)}  {back}" for (front, back), ends in places.items()]


def _tell_places(ends: list[tuple[str, str]]) -> str:
    pairs = [f"{start or 'anywhere'} to {end or 'anywhere'}" for start, end in dict.fromkeys(ends)]
    if pairs == ["anywhere to anywhere"]:
        return ""
    more = f" and {len(pairs) - 2:,} more pairs" if len(pairs) > 2 else ""
    return f"; {', '.join(pairs[:2])}{more}"


def _tell_join(row: dict[str, Any]) -> str:
    stops = f" at {row['before_stop']} and {row['after_stop']}" if row["before_stop"] else ""
    return (
        f"{row['before_network'] or 'any network'} then {row['after_network'] or 'any network'}"
        f"{stops or ' in one station'}, within {format_time(int(row['window_s']))}"
    )


_KIND_WORDS = {
    "A+AB": "the second ride costs {}",
    "A+AB+B": "the second ride costs its own fare and {}",
    "AB": "both rides together cost {}",
}


def _tell_transfer(row: dict[str, Any], currency: str) -> str:
    price = _KIND_WORDS[row["kind"]].format(format_money(int(row["amount"]), currency))
    limit = f"within {format_time(int(row['window_s']))} ({row['measured']})"
    count = row["in_a_row"]
    often = "" if count is None else f", transfer {count} in a row at most"
    riders = [row[key] for key in ("category", "medium") if row[key]]
    who = f", {', '.join(riders)}" if riders else ""
    return f"{row['before']} to {row['after']} {limit}{often}{who}: {price}"
