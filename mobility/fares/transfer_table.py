"""Transfer rules as arrays: classes of legs before and after, and the rules of each pair in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.fares.vocabulary import leg_keys

if TYPE_CHECKING:
    from mobility.fares.problem import FareRule, LegKeys, Tariff

_ANCHORS = ("first-leg", "last-leg", "first-of-group")
_KINDS = ("A+AB", "A+AB+B", "AB", "free", "difference", "discount")


def fitting(
    tariff: Tariff,
    side_bits: dict[Any, np.ndarray],
    side_class: np.ndarray,
    fares: list[FareRule | None],
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each leg can be before, and after, under each transfer rule."""
    kinds = {
        (side, one and (one.leg_group, one.product))
        for side, one in zip(side_class.tolist(), fares, strict=True)
    }
    order = {kind: k for k, kind in enumerate(sorted(kinds, key=str))}
    fit = np.zeros((2, len(order), len(tariff.transfers)), np.bool_)
    for r, one in enumerate(tariff.transfers):
        for s, side in enumerate((one.before, one.after)):
            name = tuple(sorted(leg_keys(side).items(), key=lambda item: item[0]))
            for (side_number, names), k in order.items():
                fit[s, k, r] = (
                    isinstance(names, tuple)
                    and bool(side_bits[name][side_number])
                    and _names(side, names)
                )
    pairs = zip(side_class.tolist(), fares, strict=True)
    at = np.array(
        [order[side, one and (one.leg_group, one.product)] for side, one in pairs], np.int64
    )
    return fit[0][at], fit[1][at]


def _names(side: LegKeys, names: tuple[str, str]) -> bool:
    return (side.leg_group is None or names[0] in side.leg_group) and (
        side.product is None or names[1] in side.product
    )


def transfer_table(
    tariff: Tariff, fits: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
    """Classes of legs before and after, and the rules of each pair, in order."""
    before_of, before_first = classes_of(fits[0])
    after_of, after_first = classes_of(fits[1])
    first = np.zeros((len(before_first), len(after_first) + 1), np.int64)
    rules: list[int] = []
    for b, row in enumerate(before_first):
        for a, column in enumerate(after_first):
            first[b, a] = len(rules)
            rules += np.flatnonzero(fits[0][row] & fits[1][column]).tolist()
        first[b, -1] = len(rules)
    rows = [
        [
            _KINDS.index(one.kind), one.amount, _or_none(one.window_s), _ANCHORS.index(one.anchor),
            (one.start == "off") + 2 * (one.end == "off"), _or_none(one.max_transfers),
            _or_none(one.group_transfers),
            (one.same_route is False) + 2 * (one.same_mode is False) + 4 * one.same_product + 8 * one.final,
        ]
        for one in tariff.transfers
    ]  # fmt: skip
    table = np.array(rows, np.int64).reshape(len(rows), 8)
    return before_of, after_of, (first, np.array(rules, np.int64), table)


def _or_none(count: int | None) -> int:
    return -1 if count is None else count


def classes_of(bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Class of each row of a table of bits, and a row of each class."""
    if bits.shape[1] == 0:
        return np.zeros(len(bits), np.int64), np.zeros(1, np.int64)
    _, first, classes = np.unique(
        np.packbits(bits, axis=1), axis=0, return_index=True, return_inverse=True
    )
    return classes.reshape(-1).astype(np.int64), first.astype(np.int64)
