"""Search for the caps that help most riders within a demand on revenue, and say what is proved.

Two facts make it short, for plain amount caps of service days, calendar weeks and months that count
the same taps. What a card pays is the greatest flow through its taps that no day, week or month lets
exceed its level (in time order each (week, month) pair is the last of one of the two, so the greedy
rule of the settlement is that flow); a greatest flow does not fall when a level rises. So revenue is
non-decreasing and the number of riders helped non-increasing in every level. Along one cap, all else
fixed, the least level that brings the revenue is therefore the best one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.fares.cap_curve import curve_of
from mobility.fares.cap_world import adoption_label
from mobility.fares.policies import WORLD_COLUMNS
from mobility.fares.rater import SUMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mobility.fares.cap_world import World
    from mobility.fares.rater import Rater

MOST_POLICIES = 200_000


@dataclass(frozen=True)
class Found:
    """Rows of the best policies, how many were rated of how many, and what proves it."""

    rows: pd.DataFrame
    rated: int
    policies: int | None  # None: every integer level
    method: str
    claim: str


def is_monotone(rater: Rater, worlds: Sequence[World]) -> bool:
    """Whether it is proved that revenue does not fall when a level rises.

    One scope for all caps, and at most two kinds of weeks and months: the days lie within them, but three
    that overlap one another are no flow.
    """
    if rater.why:
        return False
    longer = {(one.period, one.starts) for one in rater.tariff.caps if one.period != "service-day"}
    longer = {(period, starts if period == "calendar-week" else 0) for period, starts in longer}
    if len(longer) > 2:
        return False
    if len(rater.caps) == 1:
        return True
    every = (1 << len(rater.caps)) - 1
    return all(bool((rater.runs(one).marks & 15 == every).all()) for one in worlds)


def search_levels(rater: Rater, worlds: Sequence[World], target: int, least: int) -> Found:
    """Every integer level of a single cap, in closed form."""
    (name,) = rater.caps
    rows = []
    for world in worlds:
        curve = curve_of(rater.runs(world), least=least)
        level = curve.least_level(target)
        rows.append({name: level, **_world(world), "reaches": level is not None})
    table = pd.DataFrame(rows).astype({name: "Int64"})
    table = _rated(rater, worlds, table, least)
    return Found(
        rows=table,
        rated=len(worlds),
        policies=None,
        method="closed form",
        claim="of all integer levels: revenue does not fall and no more riders are helped as the "
        "level rises, so the least level that reaches the revenue is best",
    )


def search_columns(
    rater: Rater,
    worlds: Sequence[World],
    grid: Mapping[str, Sequence[int | None]],
    target: int,
    least: int,
) -> Found:
    """A grid, by bisection along the last cap: cells left out are bounded by monotony."""
    *others, last = rater.caps
    tall = _ascending(grid[last])
    heads = list(product(*(_ascending(grid[one]) for one in others)))
    rows, rated = [], 0
    for world in worlds:
        low = np.full(len(heads), -1)  # short of the target at `low`, not at `high`
        high = np.full(len(heads), len(tall))
        while bool((high - low > 1).any()):
            at = np.flatnonzero(high - low > 1)
            middle = (low[at] + high[at]) // 2
            tried = [(*heads[k], tall[m]) for k, m in zip(at, middle, strict=True)]
            sums = rater.rate(world, _levels(tried, rater.caps), least=least)
            enough = sums["charged"].sum(axis=0) >= target
            high[at], low[at] = (
                np.where(enough, middle, high[at]),
                np.where(enough, low[at], middle),
            )
            rated += len(at)
        for k, head in enumerate(heads):
            reaches = bool(high[k] < len(tall))
            level = tall[high[k]] if reaches else tall[-1]
            rows.append(
                {
                    **dict(zip(others, head, strict=True)),
                    last: level,
                    **_world(world),
                    "reaches": reaches,
                }
            )
    table = pd.DataFrame(rows).astype(dict.fromkeys(rater.caps, "Int64"))
    table = _rated(rater, worlds, table, least)
    return Found(
        rows=table,
        rated=rated,
        policies=len(worlds) * len(heads) * len(tall),
        method="bisection of every column of the grid",
        claim="of the grid: cells below a column's answer bring no more revenue than one that was rated "
        "and fell short, cells above it help no more riders",
    )


def search_all(
    rater: Rater,
    worlds: Sequence[World],
    grid: Mapping[str, Sequence[int | None]],
    target: int,
    least: int,
) -> Found:
    """Every cell of a grid: where monotony is not proved."""
    cells = list(product(*(_ascending(grid[one]) for one in rater.caps)))
    levels = _levels(cells, rater.caps)
    parts = []
    for world in worlds:
        sums = rater.rate(world, levels, least=least)
        part = levels.assign(
            **_world(world), **{name: values.sum(axis=0) for name, values in sums.items()}
        )
        part["reaches"] = part["charged"] >= target
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    return Found(
        rows=table,
        rated=len(table),
        policies=len(table),
        method="exhaustive",
        claim="of the grid: every cell was rated",
    )


def best_row(table: pd.DataFrame) -> int | None:
    """Most riders helped, then fewest worse off, most saved, lowest rise, lowest levels."""
    fit = table[table["reaches"]]
    if not len(fit):
        return None
    keys = ["riders_helped", "riders_worse", "saved", "rise_percent"]
    ranked = fit.sort_values(keys, ascending=[False, True, False, True], kind="stable")
    return int(ranked.index[0])


def _rated(rater: Rater, worlds: Sequence[World], table: pd.DataFrame, least: int) -> pd.DataFrame:
    """Fill in what each row that reaches the target comes to; the others are those without caps."""
    for name in SUMS:
        table[name] = 0
    for world in worlds:
        own = table["rise_percent"] == world.rise_percent
        sums = rater.rate(world, table.loc[own, list(rater.caps)], least=least)
        for name, values in sums.items():
            table.loc[own, name] = values.sum(axis=0)
    return table


def _ascending(levels: Sequence[int | None]) -> list[int | None]:
    """Distinct levels, the lowest first; no cap is the highest."""
    known = sorted({int(one) for one in levels if one is not None and not pd.isna(one)})
    return [*known, *([None] if any(one is None or pd.isna(one) for one in levels) else [])]


def _levels(rows: Sequence[tuple[int | None, ...]], caps: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(caps), dtype=object).astype("Int64")


def _world(world: World) -> dict[str, Any]:
    return dict(
        zip(WORLD_COLUMNS, (world.rise_percent, adoption_label(world.adoption)), strict=True)
    )
