"""Find the caps that help most riders within a demand on revenue, with a proof."""

from __future__ import annotations

import re
import time as clock
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.fares.bootstrap import bootstrap
from mobility.fares.cap_answer import CapAnswer
from mobility.fares.cap_search import (
    MOST_POLICIES,
    Found,
    best_row,
    is_monotone,
    search_all,
    search_columns,
    search_levels,
)
from mobility.fares.cap_world import World, present_levels, raised, with_levels
from mobility.fares.equity import Equity, equity_of, gini
from mobility.fares.equity_files import modal_zones, read_riders, read_zones, unknown_homes
from mobility.fares.policies import Rater
from mobility.fares.respond import SOURCES, Assumptions, responses
from mobility.fares.taps import from_tides
from mobility.solution import Report, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mobility.fares.problem import Tariff

RISES_PERCENT = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
_SHARES = (50, 60, 70, 80, 90, 95, 100, 105, 110, 120, 140)  # percent of the present level
_CURVE = 41
_PERCENT = re.compile(r"^\s*([+-]?\d+(?:\.\d+)?)\s*%\s*$")


def optimise_caps(
    taps: pd.DataFrame,
    tariff: Tariff,
    *,
    policies: Mapping[str, Sequence[int | None]] | None = None,
    revenue: str | int = "neutral",
    rises_percent: Sequence[float] = RISES_PERCENT,
    adoption: float = 0.0,
    least_saving: int = 1,
    response: Assumptions | None = None,
    riders: pd.DataFrame | str | Path | None = None,
    zones: pd.DataFrame | str | Path | None = None,
    replicates: int = 0,
    seed: int = 0,
    threads: int | None = None,
) -> CapAnswer:
    """Choose the rise of fares and the level of every cap that help most riders.

    A rider is helped where the card pays less for its taps than under the present tariff. The revenue of
    the same taps under the present tariff (present fares, caps and media) is what neutral means: without
    a rise or new riders on the capped medium the present level is neutral, so the question is which lower
    cap a rise pays for, or which higher one keeps the revenue when more riders use the capped medium.

    Parameters
    ----------
    taps
        As :func:`fares.settle` takes them.
    policies
        Levels to choose from, by cap id, None for no cap. By default every integer for a single plain cap
        (closed form), else 50 to 140 % of each present level.
    revenue
        ``"neutral"``: at least the present revenue. A number of minor units, or a text such as ``"-2%"``:
        the change that is allowed, negative for a loss.
    rises_percent
        Rises of all fares to choose from.
    adoption
        Share of the cards off the capped medium that move to it, in every policy but the present one.
    least_saving
        Minor units that a card must save to count as helped.
    response
        How riders are assumed to respond to prices: with it, the best policies of every rise and levels
        around them are rated in every scenario (``answer.response``), and a robust one is named.
    riders, zones
        Tables or CSV files (``card, category, home_zone``; ``zone, income_decile, population``): with either,
        ``answer.equity`` says who gains and who loses.
    replicates
        Draws of cards with replacement for ``answer.confidence``; 0 for none.
    seed
        Of the cards that move, and of the draws.

    Returns
    -------
    CapAnswer
        Always; infeasible where no policy brings the revenue, with ``why``. The proof is of these taps:
        ``proof["claim"]`` says of which policies.

    Raises
    ------
    ConfigError
        When an argument is wrong, or the grid has more than 200,000 policies.

    Examples
    --------
    >>> from mobility import fares
    >>> taps = fares.synthetic_taps(300, seed=1)
    >>> answer = optimise_caps(taps, fares.read_tariff("santiago"), rises_percent=[0, 2])
    >>> str(answer.report.status), answer.row["change"] >= 0
    ('optimal', True)
    """
    start = clock.perf_counter()
    rater = Rater(taps, tariff, seed=seed, threads=threads)
    target = rater.present_total + allowed_change(revenue, rater.present_total)
    rises = sorted({float(one) for one in rises_percent})
    if not rises:
        raise ConfigError("no rise to choose from", mend="rises_percent=[0]")
    worlds = [World(one, adoption) for one in rises]
    found = _search(rater, worlds, policies, target, least_saving)
    at = best_row(found.rows)
    frontier = _frontier(found, rater)
    if at is None:
        return _no_answer(rater, found, frontier, target, adoption, start, seed)
    row: dict[str, Any] = {str(name): value for name, value in found.rows.loc[at].items()}
    levels = {name: None if pd.isna(row[name]) else int(row[name]) for name in rater.caps}
    world = World(float(row["rise_percent"]), adoption)
    helped = int(row["riders_helped"])
    after = rater.totals_fast(world, levels)
    told = (
        None
        if response is None
        else responses(
            rater, _around_best(frontier, rater, world), response, target, least=least_saving
        )
    )
    fair = None
    if riders is not None or zones is not None:
        fair = _equity(rater, world, levels, after, riders, zones)
    sure = None
    if replicates:
        own = found.policies is None
        sure = bootstrap(
            rater.runs(world) if own else None, rater.present, after,
            target / max(rater.present_total, 1) - 1, replicates=replicates, seed=seed, least=least_saving,
        )  # fmt: skip
    report = Report(
        status=Status.OPTIMAL,
        objective=float(helped),
        objective_unit="riders who pay less",
        bound=float(helped),
        bound_scope=f"these taps, as they are, and the rises {rises} %; {found.claim}",
        seconds=clock.perf_counter() - start,
        seed=seed,
        maximise=True,
    )
    return CapAnswer(
        report=report,
        levels=levels,
        rise_percent=world.rise_percent,
        adoption=adoption,
        present=rater.present_total,
        target=target,
        row={
            name: int(row[name])
            for name in ("charged", "riders_helped", "saved", "riders_worse", "paid_more")
        }
        | {"change": int(row["charged"]) - rater.present_total},
        frontier=frontier,
        curve=curve_table(rater, world, levels),
        proof=_proof(found, rater, world, levels, policies, target),
        tariff=with_levels(raised(tariff, world.rise_percent), levels),
        asked=tariff,
        least_saving=least_saving,
        seed=seed,
        assumptions=_assumptions(response, fair, adoption),
        response=told,
        equity=fair,
        confidence=sure,
    )


def _assumptions(
    response: Assumptions | None, fair: Equity | None, adoption: float
) -> tuple[str, ...]:
    said = ["the answer and its proof are of the taps as they are made at present"]
    if adoption:
        said.append(
            f"{adoption:.0%} of the cards off the capped medium move to it, drawn at random: not observed"
        )
    if response is not None:
        said.append(SOURCES)
    if fair is not None:
        said.append(f"income: {fair.income}")
    return tuple(said)


def _around_best(frontier: pd.DataFrame, rater: Rater, world: World) -> pd.DataFrame:
    """The best policy of every rise, and the present and higher levels of the last cap with that rise."""
    name = rater.caps[-1]
    present = present_levels(rater.tariff)[name]
    best = frontier[frontier["reaches"]]
    parts = []
    for _, row in best.groupby("rise_percent", sort=True).head(1).iterrows():
        level = present if pd.isna(row[name]) else int(row[name])
        more = np.unique(
            np.round(np.linspace(level, max(1.3 * level, present), 7)).astype(np.int64)
        )
        part = pd.DataFrame([row[[*rater.caps, "rise_percent"]]] * len(more)).reset_index(drop=True)
        part[name] = more
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    return table.astype({**dict.fromkeys(rater.caps, "Int64"), "rise_percent": float})


def _equity(
    rater: Rater,
    world: World,
    levels: Mapping[str, int | None],
    after: np.ndarray,
    riders: pd.DataFrame | str | Path | None,
    zones: pd.DataFrame | str | Path | None,
) -> Equity:
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


def _search(
    rater: Rater,
    worlds: list[World],
    policies: Mapping[str, Sequence[int | None]] | None,
    target: int,
    least: int,
) -> Found:
    if policies is None and not rater.why and len(rater.caps) == 1:
        return search_levels(rater, worlds, target, least)
    grid = grid_of(policies, rater.tariff)
    if is_monotone(rater, worlds):
        count = len(worlds) * prod(len(grid[one]) for one in rater.caps[:-1])
        _not_too_many(count)
        return search_columns(rater, worlds, grid, target, least)
    _not_too_many(len(worlds) * prod(len(one) for one in grid.values()))
    return search_all(rater, worlds, grid, target, least)


def grid_of(
    policies: Mapping[str, Sequence[int | None]] | None, tariff: Tariff
) -> dict[str, list[int | None]]:
    """Levels of every cap: as asked, else those of the default, else the present one alone."""
    present = present_levels(tariff)
    if policies is None:
        return {name: _around(level) for name, level in present.items()}
    if unknown := [one for one in policies if one not in present]:
        raise ConfigError(
            f"no cap is called {unknown[0]!r}", mend=f"there are {', '.join(present)}"
        )
    grid: dict[str, list[int | None]] = {}
    for name, level in present.items():
        given = list(policies.get(name, [level]))
        if not given:
            raise ConfigError(f"no level of {name!r} to choose from", mend="one at least")
        if any(one is not None and (one != int(one) or one < 0) for one in given):
            raise ConfigError(f"a level of {name!r} is no whole number from 0", mend="as in 41000")
        grid[name] = [None if one is None else int(one) for one in given]
    return grid


def _around(level: int) -> list[int | None]:
    return [*sorted({round(level * share / 100) for share in _SHARES})]


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


def allowed_change(revenue: str | int, present: int) -> int:
    """The change of revenue that is allowed, minor units."""
    if revenue == "neutral":
        return 0
    if isinstance(revenue, str):
        if match := _PERCENT.match(revenue):
            return -int(-present * Fraction(match[1]) // 100)  # rounded up: never more of a loss
        try:
            return int(revenue)
        except ValueError:
            raise ConfigError(
                f"not a demand on revenue (found {revenue!r})",
                mend="neutral, -2%, or minor units as in -1000000",
            ) from None
    return int(revenue)


def _not_too_many(count: int) -> None:
    if count > MOST_POLICIES:
        raise ConfigError(
            f"{count:,} policies are asked for", mend=f"at most {MOST_POLICIES:,}: fewer levels"
        )


def _frontier(found: Found, rater: Rater) -> pd.DataFrame:
    """The best policy of each rise and head of a column."""
    table = found.rows
    if found.method == "exhaustive":
        best = [best_row(part) for _, part in table.groupby("rise_percent", sort=True)]
        rows = [
            own.index[0] if at is None else at
            for at, (_, own) in zip(best, table.groupby("rise_percent", sort=True), strict=True)
        ]
        table = table.loc[rows]
    shown = table.reset_index(drop=True)
    shown.insert(len(rater.caps) + 2, "change", shown["charged"] - rater.present_total)
    return shown


def _proof(
    found: Found,
    rater: Rater,
    world: World,
    levels: Mapping[str, int | None],
    policies: Mapping[str, Sequence[int | None]] | None,
    target: int,
) -> dict[str, Any]:
    proof: dict[str, Any] = {
        "method": found.method,
        "claim": found.claim,
        "rating": rater.method,
        "rated": found.rated,
        "of": "every integer level" if found.policies is None else found.policies,
    }
    if found.method == "exhaustive":
        return proof
    name = rater.caps[-1]
    level = levels[name]
    if found.policies is None:
        below = None if level is None or level == 0 else level - 1
    else:
        tall = sorted(one for one in grid_of(policies, rater.tariff)[name] if one is not None)
        under = [one for one in tall if level is None or one < level]
        below = under[-1] if under else None
    if below is not None:
        total = int(rater.totals_fast(world, {**levels, name: below}).sum())
        proof["neighbour"] = {name: below, "charged": total, "short_by": target - total}
    return proof


def _no_answer(
    rater: Rater,
    found: Found,
    frontier: pd.DataFrame,
    target: int,
    adoption: float,
    start: float,
    seed: int,
) -> CapAnswer:
    most = int(found.rows["charged"].max())
    short = target - most
    report = Report(
        status=Status.INFEASIBLE,
        objective_unit="riders who pay less",
        bound_scope=f"these taps, as they are; {found.claim}",
        seconds=clock.perf_counter() - start,
        seed=seed,
        maximise=True,
    )
    return CapAnswer(
        report=report, levels={}, rise_percent=0.0, adoption=adoption, present=rater.present_total,
        target=target, row={}, frontier=frontier, curve=pd.DataFrame(),
        proof={"method": found.method, "claim": found.claim, "rated": found.rated,
               "of": "every integer level" if found.policies is None else found.policies},
        tariff=None, asked=rater.tariff, seed=seed,
        why=f"the policy that brings most is {short:,} minor units short; allow a larger rise or loss",
    )  # fmt: skip
