"""Attributes of taps in classes: values that no key of the tariff tells apart are one class."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mobility.fares.problem import Match

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mobility.fares.problem import Cap, FareRule, JoinRule, LegKeys, Tariff

# Columns of taps that rules ask about: those of the start, then those of the end.
START = ("mode", "route", "network", "stop", "zone", "category", "medium")
END = ("to_stop", "to_zone", "zones")
# Where a tap has no column of its own for a key: the column and the tariff's map to find it by.
_DERIVED = {
    "network": ("route", "networks"),
    "zone": ("stop", "zones"),
    "to_zone": ("to_stop", "zones"),
}


@dataclass
class Axis:
    """Classes of one column: ``table[code + 1]`` is the class of a code, ``members`` of a test."""

    table: np.ndarray
    classes: int
    members: dict[tuple[str, Match], np.ndarray]
    value: np.ndarray  # int32: a value's own number where a class is one value, else -1


@dataclass
class Columns:
    """Which columns taps have, the values of each, and what is asked about each."""

    tariff: Tariff
    values: Mapping[str, Sequence[str]]
    tests: dict[str, set[tuple[str, Match]]] = field(default_factory=dict)

    def source(self, key: str) -> str:
        """The column by which a key is answered."""
        if key not in _DERIVED or key in self.values:
            return key
        column, mapped = _DERIVED[key]
        own = not getattr(self.tariff, mapped) or (key == "to_zone" and "zone" in self.values)
        return key if own else column

    def ask(self, key: str, match: Match | None) -> None:
        """Remember that a key is asked for."""
        if match is not None:
            self.tests.setdefault(self.source(key), set()).add((key, match))

    def axis(self, column: str, *, tell_values: bool = False) -> Axis:
        """Sort a column's values into classes."""
        tests = sorted(
            self.tests.get(column, ()),
            key=lambda one: (one[0], one[1].negate, sorted(one[1].values)),
        )
        values = list(self.values.get(column, ()))
        known = len(values)
        if column in END and tests:
            values += self._mentioned(column, tests, set(values))
        default = {
            "category": self.tariff.default_category,
            "medium": self.tariff.default_medium,
            "route": self.tariff.default_route,
            "stop": self.tariff.default_stop,
        }
        missing = default.get(column, "") or None
        bits = np.zeros((len(values) + 1, len(tests)), np.bool_)  # row 0 is missing
        for k, (key, match) in enumerate(tests):
            bits[1:, k] = self._matches(column, key, match, values)
            if missing is not None:
                bits[0, k] = self._matches(column, key, match, [missing])[0]
        rows = np.packbits(bits, axis=1) if tests else np.zeros((len(bits), 0), np.uint8)
        if tell_values:
            own = np.arange(len(values) + 1, dtype=">u4").view(np.uint8).reshape(-1, 4)
            if missing in values:
                own[0] = own[1 + values.index(missing)]
            rows = np.concatenate([rows, own], axis=1)
        if column in END and tests:  # a missing end is a class of its own, the first
            flag = np.ones((len(rows), 1), np.uint8)
            flag[0] = 0
            rows = np.concatenate([flag, rows], axis=1)
        if rows.shape[1] == 0:
            first, table = np.zeros(1, np.int64), np.zeros(len(bits), np.int64)
        else:
            _, first, table = np.unique(rows, axis=0, return_index=True, return_inverse=True)
            table = table.reshape(-1)
        return Axis(
            table=table[: known + 1].astype(np.int32),
            classes=len(first),
            members={test: bits[first, k] for k, test in enumerate(tests)},
            value=first.astype(np.int32) if tell_values else np.full(len(first), -1, np.int32),
        )

    def _mentioned(self, column: str, tests: list[tuple[str, Match]], held: set[str]) -> list[str]:
        """Values of an end that the tariff knows of, and one that it does not."""
        more: set[str] = set()
        for key, match in tests:
            if key == column:
                more |= match.values
            else:
                inverse = getattr(self.tariff, _DERIVED[key][1])
                more |= {value for value, zone in inverse.items() if zone in match.values}
        return [*sorted(more - held), "\0"]

    def _matches(self, column: str, key: str, match: Match, values: list[str]) -> np.ndarray:
        if key == column:
            inside = np.fromiter((one in match.values for one in values), np.bool_, len(values))
            return ~inside if match.negate else inside
        mapped = getattr(self.tariff, _DERIVED[key][1])
        return np.fromiter((mapped.get(one) in match for one in values), np.bool_, len(values))


def ask_all(tariff: Tariff, columns: Columns) -> None:
    """Remember every key of the tariff."""
    for fare in tariff.fares:
        for key, match in fare_keys(fare).items():
            columns.ask(key, match)
    for rule in tariff.transfers:
        for side in (rule.before, rule.after):
            for key, match in leg_keys(side).items():
                columns.ask(key, match)
    for join in tariff.joins:
        for keys in join_keys(join):
            for key, match in keys.items():
                columns.ask(key, match)
    for cap in tariff.caps:
        for key, match in cap_keys(cap).items():
            columns.ask(key, match)
        columns.ask("to_zone", cap.zones)


def fare_keys(fare: FareRule) -> dict[str, Match]:
    """A fare's keys on columns of taps."""
    zones = None if fare.zones is None else Match(frozenset({zone_set(fare.zones)}))
    found = {
        "mode": fare.mode, "route": fare.route, "network": fare.network, "stop": fare.stop,
        "zone": fare.zone, "category": fare.category, "medium": fare.medium,
        "to_stop": fare.to_stop, "to_zone": fare.to_zone, "zones": zones,
    }  # fmt: skip
    return {key: match for key, match in found.items() if match is not None}


def leg_keys(side: LegKeys) -> dict[str, Match]:
    """One side of a transfer rule's keys on columns of taps."""
    found = {
        "mode": side.mode, "route": side.route, "network": side.network, "stop": side.stop,
        "zone": side.zone, "category": side.category, "medium": side.medium,
    }  # fmt: skip
    return {key: match for key, match in found.items() if match is not None}


def join_keys(join: JoinRule) -> tuple[dict[str, Match], dict[str, Match]]:
    """Keys of the leg before and of the leg after."""
    before = {"network": join.before_network, "to_stop": join.before_stop}
    after = {"network": join.after_network, "stop": join.after_stop}
    return (
        {key: match for key, match in before.items() if match is not None},
        {key: match for key, match in after.items() if match is not None},
    )


def cap_keys(cap: Cap) -> dict[str, Match]:
    """A cap's scope on columns of taps."""
    found = {
        "mode": cap.modes, "route": cap.routes, "zone": cap.zones, "network": cap.networks,
        "category": cap.categories, "medium": cap.media,
    }  # fmt: skip
    return {key: match for key, match in found.items() if match is not None}


def zone_set(zones: frozenset[str] | Sequence[str]) -> str:
    """Zones passed, as one value: sorted, separated by blanks."""
    return " ".join(sorted(set(zones)))
