"""One level of a cap for each group of riders, under a floor of equity: an integer program, solved exactly.

Every group's riders are rated at every level in one pass; what is left is to choose one level a group. CP-SAT
chooses, and its bound says how far any other choice can be better.
"""

from __future__ import annotations

import json
import time as clock
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.fares.cap_question import allowed_change
from mobility.fares.cap_world import World, present_levels
from mobility.fares.equity_files import modal_zones, read_riders, read_zones
from mobility.fares.policies import plain_rows
from mobility.fares.rater import SUMS, Rater, group_rows
from mobility.fares.taps import from_tides
from mobility.shown import Shown
from mobility.solution import Report, Status, StopReason
from mobility.stop import Gap, Seconds, Work, seconds_of
from mobility.units import format_money

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from mobility.fares.problem import Tariff
    from mobility.findings import Finding
    from mobility.stop import Stop

_SHARES = (40, 50, 60, 70, 75, 80, 85, 90, 95, 100, 105, 110, 120, 140)
_PARTS = 1_000  # the floor is a whole number of thousandths


@dataclass(frozen=True)
class GroupCaps(Shown):
    """The best level of one cap for each group.

    ``table`` has a row a group: its ``level`` (``<NA>``: no cap), ``riders``, ``charged``, ``riders_helped``,
    ``saved``, ``riders_worse``, ``paid_more``. ``floor_share`` is the share of all that is saved which goes
    to ``floor_groups``, to be at least ``floor``.
    """

    report: Report
    table: pd.DataFrame
    cap: str
    rise_percent: float
    present: int
    target: int
    floor: float
    floor_groups: tuple[str, ...]
    floor_share: float | None
    levels: tuple[int | None, ...]
    asked: Tariff
    least_saving: int = 1
    why: str = ""

    def __str__(self) -> str:
        if self.report.status in {Status.INFEASIBLE, Status.UNKNOWN}:
            return f"no levels by group: {self.why}"
        rows = plain_rows(self.table)
        parts = ", ".join(
            f"{row['group']} {'none' if row['level'] is None else format(row['level'], ',')}"
            for row in rows
        )
        change = format_money(int(self.table["charged"].sum()) - self.present, self.asked.currency)
        helped = int(self.report.objective or 0)
        return (
            f"cap {self.cap} by group: {parts}; fares {self.rise_percent:+g} %, {helped:,} riders pay "
            f"less, revenue {change} ({self.report.headline()})"
        )

    def _repr_html_(self) -> str:
        return f"<p>{self}</p>{self.table.to_html(index=False)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; counts of one to nine riders are left blank."""
        return {
            **self.report.to_dict(),
            "tariff": self.asked.name,
            "currency": self.asked.currency,
            "answer": str(self),
            "why": self.why,
            "cap": self.cap,
            "rise_percent": self.rise_percent,
            "present_revenue": self.present,
            "least_revenue": self.target,
            "floor": self.floor,
            "floor_groups": list(self.floor_groups),
            "floor_share": self.floor_share,
            "levels_to_choose_from": list(self.levels),
            "groups": plain_rows(self.table),
        }

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def plot(self, ax: Any = None) -> Any:
        """Draw the level of each group and what its riders save."""
        from mobility.fares.cap_plot import plot_groups

        return plot_groups(self, ax)


def optimise_group_caps(
    taps: pd.DataFrame,
    tariff: Tariff,
    groups: pd.Series,
    *,
    cap: str | None = None,
    levels: Sequence[int | None] | None = None,
    revenue: str | int = "neutral",
    rises_percent: Sequence[float] = (0.0,),
    floor: float = 0.0,
    floor_groups: Iterable[str] = (),
    ordered: Sequence[str] = (),
    least_saving: int = 1,
    stop: Stop | None = None,
    seed: int = 0,
) -> GroupCaps:
    """Choose one level of a cap for each group of riders, so that most are helped.

    Parameters
    ----------
    groups
        Group of each rider, by card (the index); cards without one are "(none)".
    cap, levels
        Whose level, the first cap by default; levels to choose from, None for no cap, 40 to 140 % of the
        present one by default. Other caps keep their last level.
    revenue, rises_percent, least_saving
        As in :func:`fares.optimise_caps`.
    floor, floor_groups
        At least this share of all that riders save goes to riders of these groups, in whole thousandths.
    ordered
        Groups, the poorest first: none has a lower level than the one before it.
    stop
        ``Gap``, ``Seconds`` (not repeatable) or ``Work`` (seconds of CP-SAT's deterministic clock).

    Returns
    -------
    GroupCaps
        The proof is of these taps, levels and rises; ``report.gap`` is 0 where the search ended.

    Raises
    ------
    ConfigError
        When an argument is wrong.
    """
    start = clock.perf_counter()
    rater = Rater(taps, tariff, seed=seed)
    name = rater.caps[0] if cap is None else cap
    present = present_levels(tariff)
    if name not in present:
        raise ConfigError(f"no cap is called {name!r}", mend=f"there are {', '.join(present)}")
    asked = _levels(levels, present[name])
    names, row = group_rows(groups, rater)
    poor = tuple(dict.fromkeys(floor_groups))
    if unknown := [one for one in (*poor, *ordered) if one not in names]:
        raise ConfigError(
            f"no group is called {unknown[0]!r}", mend=f"there are {', '.join(names)}"
        )
    if not 0 <= floor <= 1 or (floor > 0 and not poor):
        raise ConfigError(
            f"a floor of {floor} for {len(poor)} groups",
            mend="0.4 of what is saved, and the groups that it is for",
        )
    target = rater.present_total + allowed_change(revenue, rater.present_total)
    parts = round(floor * _PARTS)
    table = pd.DataFrame(
        {one: pd.array([present[one]] * len(asked), "Int64") for one in rater.caps}
    )
    table[name] = pd.array(asked, "Int64")
    outcomes, bounds, stopped = [], [], StopReason.FINISHED
    for rise in sorted({float(one) for one in rises_percent}):
        sums = rater.rate(World(rise), table, row=row, groups=len(names), least=least_saving)
        chosen, bound, why = _choose(
            sums, target, [names.index(one) for one in poor], parts,
            [names.index(one) for one in ordered], stop, seed,
        )  # fmt: skip
        bounds.append(bound)
        stopped = why if why is not StopReason.FINISHED else stopped
        if chosen is not None:
            helped = int(sums["riders_helped"][np.arange(len(names)), chosen].sum())
            outcomes.append((-helped, rise, chosen, sums))
    feasible = [one for one in bounds if one is not None]
    seconds = clock.perf_counter() - start
    scope = f"these taps, as they are, {len(asked)} levels for each of {len(names)} groups"
    if not outcomes:
        known = not feasible
        return GroupCaps(
            Report(Status.INFEASIBLE if known else Status.UNKNOWN, objective_unit="riders who pay less",
                   bound_scope=scope, seconds=seconds, seed=seed, stop_reason=stopped, maximise=True),
            pd.DataFrame(), name, 0.0, rater.present_total, target, floor, poor, None, asked, tariff,
            least_saving, why="no choice of levels brings the revenue and the floor" if known
            else "the search stopped before it found one",
        )  # fmt: skip
    worst, rise, chosen, sums = min(outcomes, key=lambda one: one[:2])
    bound = max(feasible)
    report = Report(
        status=Status.OPTIMAL if bound == -worst else Status.FEASIBLE,
        objective=float(-worst), objective_unit="riders who pay less", bound=float(bound),
        bound_scope=scope, seconds=seconds, seed=seed, stop_reason=stopped, maximise=True,
    )  # fmt: skip
    at = np.arange(len(names))
    counts = np.bincount(
        np.zeros(len(rater.cards), int) if row is None else row, minlength=len(names)
    )
    answer = pd.DataFrame({"group": names, "level": pd.array([asked[k] for k in chosen], "Int64"),
                           "riders": counts, **{one: sums[one][at, chosen] for one in SUMS}})  # fmt: skip
    saved = int(answer["saved"].sum())
    share = int(answer.loc[answer["group"].isin(poor), "saved"].sum()) / saved if saved else None
    return GroupCaps(
        report,
        answer,
        name,
        rise,
        rater.present_total,
        target,
        floor,
        poor,
        share,
        asked,
        tariff,
        least_saving,
    )


def groups_of_riders(
    taps: pd.DataFrame,
    tariff: Tariff,
    key: str,
    riders: pd.DataFrame | str | Path | None = None,
    zones: pd.DataFrame | str | Path | None = None,
) -> tuple[pd.Series, list[Finding]]:
    """Group of every card: ``category`` (of the riders, else of the taps), ``home_zone``, ``income_decile``.

    Raises
    ------
    ConfigError
        When there is no such key.
    """
    who, found = read_riders(riders)
    where, more = read_zones(zones)
    table = from_tides(taps)
    cards = pd.Index(table["card"].drop_duplicates())
    by_card = who.set_index("card")
    text = cards.astype(str)
    if key == "category" and riders is None and "category" in table:
        own = table.drop_duplicates("card").set_index("card")["category"]
        return own.reindex(cards).astype(object), found
    if key == "category":
        values = by_card["category"].reindex(text)
    elif key in {"home_zone", "income_decile"}:
        modal = modal_zones(table, tariff)
        values = by_card["home_zone"].reindex(text).astype(object)
        inferred = modal.reindex(cards).astype(object).to_numpy()
        values = values.where(values.notna().to_numpy(), pd.Series(inferred, index=values.index))
        if key == "income_decile":
            decile = where.set_index("zone")["income_decile"].astype("Int64").astype(str)
            values = decile.reindex(values.astype(str))
    else:
        raise ConfigError(f"no groups by {key!r}", mend="category, home_zone or income_decile")
    return pd.Series(values.to_numpy(object), index=cards), [*found, *more]


def _choose(
    sums: dict[str, np.ndarray],
    target: int,
    poor: list[int],
    parts: int,
    ordered: list[int],
    stop: Stop | None,
    seed: int,
) -> tuple[np.ndarray | None, int | None, StopReason]:
    """Level of each group, and the bound on riders helped; None, None where there is no choice."""
    from ortools.sat.python import cp_model

    groups, levels = sums["charged"].shape
    model = cp_model.CpModel()
    x = [[model.new_bool_var("") for _ in range(levels)] for _ in range(groups)]
    for one in x:
        model.add_exactly_one(one)
    every = [(g, k) for g in range(groups) for k in range(levels)]
    model.add(sum(int(sums["charged"][g, k]) * x[g][k] for g, k in every) >= target)
    if parts:
        weight = [_PARTS - parts if g in poor else -parts for g in range(groups)]
        model.add(sum(weight[g] * int(sums["saved"][g, k]) * x[g][k] for g, k in every) >= 0)
    at = [sum(k * one for k, one in enumerate(row)) for row in x]
    for low, high in pairwise(ordered):
        model.add(at[low] <= at[high])
    helped = sum(int(sums["riders_helped"][g, k]) * x[g][k] for g, k in every)
    model.maximize(helped)
    solver = _solver(stop, seed)
    status = solver.solve(model)
    if status == cp_model.INFEASIBLE:
        return None, None, StopReason.FINISHED
    why = StopReason.FINISHED
    if status != cp_model.OPTIMAL:
        why = StopReason.SECONDS if isinstance(stop, Seconds) else StopReason.WORK
    elif isinstance(stop, Gap) and stop.limit > 0:
        why = StopReason.GAP
    bound = int(np.floor(solver.best_objective_bound + 1e-6))
    if status == cp_model.OPTIMAL and bound == round(solver.objective_value):
        # Of the choices that help as many, the one that leaves most revenue.
        model.add(helped == bound)
        model.maximize(sum(int(sums["charged"][g, k]) * x[g][k] for g, k in every))
        again = _solver(stop, seed)
        if again.solve(model) in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
            solver = again
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return None, bound, why
    chosen = [next(k for k in range(levels) if solver.boolean_value(one[k])) for one in x]
    return np.array(chosen), bound, why


def _solver(stop: Stop | None, seed: int) -> Any:
    from ortools.sat.python import cp_model

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    seconds = seconds_of(stop)
    if seconds is not None:
        solver.parameters.max_time_in_seconds = seconds
    if isinstance(stop, Work):
        solver.parameters.max_deterministic_time = stop.limit
    if isinstance(stop, Gap):
        solver.parameters.relative_gap_limit = stop.limit
    return solver


def _levels(levels: Sequence[int | None] | None, present: int) -> tuple[int | None, ...]:
    if levels is None:
        return tuple(sorted({round(present * share / 100) for share in _SHARES}))
    if not levels or any(one is not None and (one != int(one) or one < 0) for one in levels):
        raise ConfigError("levels are no whole numbers from 0", mend="as in [38000, 41000, None]")
    known = sorted({int(one) for one in levels if one is not None})
    return (*known, *([None] if None in levels else []))
