"""What an answer about caps does besides: its curve, its equity, and policies around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.fares.cap_world import adoption_label, present_levels
from mobility.fares.equity import Equity, equity_of, gini
from mobility.fares.equity_files import modal_zones, read_riders, read_zones, unknown_homes
from mobility.fares.respond import SOURCES, Assumptions
from mobility.fares.taps import from_tides

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mobility.fares.cap_world import Adoption, World
    from mobility.fares.rater import Rater

_CURVE = 41  # levels


def curve_table(rater: Rater, world: World, levels: Mapping[str, int | None]) -> pd.DataFrame:
    """Revenue, riders helped, and how unequal payments are, over the level of the last cap."""
    name = rater.caps[-1]
    present = present_levels(rater.tariff)[name]
    best = levels[name]
    middle = present if best is None else best
    most = max(2 * present, round(1.5 * middle), 10)
    points = np.unique(
        np.concatenate([np.linspace(0, most, _CURVE).round().astype(np.int64), [middle, present]])
    )
    if rater.why:  # settled one by one: a few levels are enough
        points = np.unique(np.concatenate([points[:: len(points) // 6], [middle, present]]))
    asked = pd.DataFrame(
        {one: pd.array([levels[one]] * len(points), "Int64") for one in rater.caps}
    )
    asked[name] = pd.array(points, "Int64")
    sums = {key: one.sum(axis=0) for key, one in rater.rate(world, asked).items()}
    totals = (rater.totals_fast(world, {**levels, name: int(one)}) for one in points)
    return pd.DataFrame(
        {
            "level": points,
            "charged": sums["charged"],
            "change": sums["charged"] - rater.present_total,
            "riders_helped": sums["riders_helped"],
            "saved": sums["saved"],
            "riders_worse": sums["riders_worse"],
            "gini": [gini(one) for one in totals],
        }
    )


def policies_around(frontier: pd.DataFrame, rater: Rater) -> pd.DataFrame:
    """The best policy of every rise, and the present and higher levels of the last cap with that rise."""
    name = rater.caps[-1]
    present = present_levels(rater.tariff)[name]
    best = frontier[frontier["reaches"]]
    parts = []
    for _, row in best.iterrows():
        level = present if pd.isna(row[name]) else int(row[name])
        more = np.unique(
            np.round(np.linspace(level, max(1.3 * level, present), 7)).astype(np.int64)
        )
        part = pd.DataFrame([row[[*rater.caps, "rise_percent"]]] * len(more)).reset_index(drop=True)
        part[name] = more
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    return table.astype({**dict.fromkeys(rater.caps, "Int64"), "rise_percent": float})


def equity_of_answer(
    rater: Rater,
    world: World,
    levels: Mapping[str, int | None],
    after: np.ndarray,
    riders: pd.DataFrame | str | Path | None,
    zones: pd.DataFrame | str | Path | None,
) -> Equity:
    """Who gains and who loses by the answer."""
    who, found = read_riders(riders)
    where, more = read_zones(zones)
    found += more
    if zones is not None:
        found += unknown_homes(who, where)
    cards = pd.DataFrame(
        {"before": rater.present, "after": after, "reaches": rater.reaching(world, levels)},
        index=pd.Index(rater.labels),
    )
    modal = modal_zones(from_tides(rater.taps), rater.tariff)
    return equity_of(cards, who, where, modal, tuple(found))


def assumptions_of(
    response: Assumptions | None, fair: Equity | None, adoption: Adoption
) -> tuple[str, ...]:
    """What was assumed, in words."""
    said = ["the answer and its proof are of the taps as they are made at present"]
    if adoption:
        said.append(
            f"cards off the capped medium move to it, drawn at random, not observed: {_shares(adoption)}"
        )
    if response is not None:
        said.append(SOURCES)
    if fair is not None:
        said.append(f"income: {fair.income}")
    return tuple(said)


def _shares(adoption: Adoption) -> str:
    label = adoption_label(adoption)
    return label if isinstance(label, str) else f"{label:.0%}"
