"""Find the caps that help most riders within a demand on revenue, with a proof."""

from __future__ import annotations

import time as clock
from math import prod
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.errors import ConfigError
from mobility.fares.bootstrap import bootstrap
from mobility.fares.cap_answer import CapAnswer
from mobility.fares.cap_effects import (
    assumptions_of,
    curve_table,
    equity_of_answer,
    policies_around,
)
from mobility.fares.cap_question import allowed_change, grid_of, not_too_many
from mobility.fares.cap_search import (
    Found,
    best_row,
    is_monotone,
    search_all,
    search_columns,
    search_levels,
)
from mobility.fares.cap_world import World, adoption_of, raised, with_levels
from mobility.fares.rater import Rater
from mobility.fares.respond import responses
from mobility.solution import Report, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mobility.fares.cap_world import Adoption
    from mobility.fares.problem import Tariff
    from mobility.fares.respond import Assumptions

RISES_PERCENT = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)


def optimise_caps(
    taps: pd.DataFrame,
    tariff: Tariff,
    *,
    policies: Mapping[str, Sequence[int | None]] | None = None,
    revenue: str | int = "neutral",
    rises_percent: Sequence[float] = RISES_PERCENT,
    adoption: float | Mapping[str, float] = 0.0,
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
        Share of the cards off the capped medium that move to it, in every policy but the present one; one
        share, or shares by category of the taps.
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
    moved = adoption_of(adoption)
    worlds = [World(one, moved) for one in rises]
    found = _search(rater, worlds, policies, target, least_saving)
    at = best_row(found.rows)
    frontier = _frontier(found, rater)
    if at is None:
        return _no_answer(rater, found, frontier, target, moved, start, seed)
    row: dict[str, Any] = {str(name): value for name, value in found.rows.loc[at].items()}
    levels = {name: None if pd.isna(row[name]) else int(row[name]) for name in rater.caps}
    world = World(float(row["rise_percent"]), moved)
    helped = int(row["riders_helped"])
    after = rater.totals_fast(world, levels)
    told = (
        None
        if response is None
        else responses(
            rater, policies_around(frontier, rater), response, target, least=least_saving
        )
    )
    fair = None
    if riders is not None or zones is not None:
        fair = equity_of_answer(rater, world, levels, after, riders, zones)
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
        bound_scope=f"these taps, as they are, and the rises {_listed(rises)} %; {found.claim}",
        seconds=clock.perf_counter() - start,
        seed=seed,
        maximise=True,
    )
    return CapAnswer(
        report=report,
        levels=levels,
        rise_percent=world.rise_percent,
        adoption=moved,
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
        assumptions=assumptions_of(response, fair, moved),
        response=told,
        equity=fair,
        confidence=sure,
        findings=rater.findings,
    )


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{one:g}" for one in values)


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
        not_too_many(count)
        return search_columns(rater, worlds, grid, target, least)
    not_too_many(len(worlds) * prod(len(one) for one in grid.values()))
    return search_all(rater, worlds, grid, target, least)


def _frontier(found: Found, rater: Rater) -> pd.DataFrame:
    """The best policy of each rise; of one that never reaches the target, what brings most."""
    rows = []
    for _, part in found.rows.groupby("rise_percent", sort=True):
        at = best_row(part)
        rows.append(part["charged"].idxmax() if at is None else at)
    shown = found.rows.loc[rows].reset_index(drop=True)
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
    adoption: Adoption,
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
        tariff=None, asked=rater.tariff, seed=seed, findings=rater.findings,
        why=f"the policy that brings most is {short:,} minor units short; allow a larger rise or loss",
    )  # fmt: skip
