"""Caps as arrays: what each counts, its levels, its periods in every piece of local time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mobility.fares.clock import Pieces, cap_calendar, groups_of

if TYPE_CHECKING:
    from mobility.fares.problem import Tariff

_ACCRUES = ("charged", "nominal", "rides", "journeys")
_PERIODS = {"rolling": 1, "sliding": 3}


def cap_table(tariff: Tariff, cut: Pieces) -> tuple[tuple[np.ndarray, ...], int]:
    """Caps and their levels, and how long the ring of days of sliding caps is."""
    groups = groups_of(tariff.caps)
    heads = [levels[0] for levels in groups]
    every = [one for levels in groups for one in levels]
    kinds = [
        2 if one.period == "rolling" and one.clock == "hours" else _PERIODS.get(one.period, 0)
        for one in heads
    ]
    rings = [one.days if one.period == "sliding" else 0 for one in heads]
    period, level = cap_calendar(groups, cut)

    room = 1 + 4 * len(groups)
    rows = [
        [
            kinds[g], _ACCRUES.index(one.accrues), one.paid_only, one.days,
            one.anchor == "first-paid-tap", room + sum(rings[:g]),
            one.on_change == "old-until-period-end", tariff.combine == "best-single",
        ]
        for g, one in enumerate(heads)
    ]  # fmt: skip
    lows = [
        [one.rides if one.amount is None else one.amount, one.crossing == "full", one.after]
        for one in every
    ]
    calendar = np.empty((len(cut.service_day), 1 + 2 * len(groups)), np.int32)
    calendar[:, 0] = cut.service_day
    calendar[:, 1::2] = period
    calendar[:, 2::2] = level
    return (
        np.array(rows, np.int64).reshape(len(rows), 8),
        np.array(lows, np.int64).reshape(len(lows), 3),
        calendar,
    ), room + sum(rings)


def simple_table(tariff: Tariff, caps: tuple[np.ndarray, ...]) -> np.ndarray | None:
    """Period and limit of each cap in each piece, and bits of the valid ones; None for other caps."""
    groups = groups_of(tariff.caps)
    if tariff.combine == "best-single" and len(groups) > 1:
        return None
    for levels in groups:
        one = levels[0]
        rolling = one.period == "rolling"
        if one.period == "sliding" or one.accrues != "charged":
            return None
        if any(low.crossing == "full" or low.after or low.amount is None for low in levels):
            return None
        dated = any(low.valid_from or low.valid_to for low in levels)
        if rolling and one.on_change == "old-until-period-end" and dated:
            return None
    _, lows, calendar = caps
    count = len(groups)
    table = np.zeros((len(calendar), 2 * count + 1), np.int64)
    for g, levels in enumerate(groups):
        level = calendar[:, 2 + 2 * g]
        table[:, 2 * g] = (
            calendar[:, 0] if levels[0].period == "rolling" else calendar[:, 1 + 2 * g]
        )
        table[:, 2 * g + 1] = lows[level, 0]
        table[:, 2 * count] |= (level >= 0).astype(np.int64) << g
    return table
