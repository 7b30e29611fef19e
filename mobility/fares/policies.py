"""Compare policies: what each set of cap levels, with each rise of fares, does to whom."""

from __future__ import annotations

import json
import time as clock
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.fares.cap_runs import (
    Panel,
    Runs,
    cards_of,
    panel_of,
    rate_all,
    read_for,
    runs_of,
    sums_of,
    totals_of,
    why_not,
)
from mobility.fares.cap_world import World, adopted, raised, with_levels
from mobility.fares.clock import groups_of
from mobility.fares.ledger import LEAST_RIDERS, UNKNOWN
from mobility.fares.settle import settle_taps
from mobility.units import format_money

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mobility.fares.problem import Tariff
    from mobility.fares.taps import Taps

WORLD_COLUMNS = ("rise_percent", "adoption")
SUMS = ("charged", "riders_helped", "saved", "riders_worse", "paid_more")


@dataclass(frozen=True)
class Comparison:
    """What policies come to, in the order in which they were asked for.

    ``table`` has the levels (``<NA>``: without that cap), ``rise_percent``, ``adoption``, then ``charged``
    and ``change`` from the present tariff in minor units, ``riders_helped`` (cards that pay less than at
    present) and ``saved`` by them, ``riders_worse`` and ``paid_more`` by them; where they are counted,
    ``reached_CAP`` (cards that spend the whole cap in some period), ``taps_cut`` and ``taps_free``.
    ``groups`` has the same sums for each group of riders, where groups were given.
    """

    table: pd.DataFrame
    present: int
    tariff: Tariff
    method: str
    taps: int
    seconds: float
    groups: pd.DataFrame | None = None

    def __str__(self) -> str:
        money = format_money(self.present, self.tariff.currency)
        return (
            f"{len(self.table):,} policies over {self.taps:,} taps ({self.method}), "
            f"present revenue {money}, in {self.seconds:.2f} s"
        )

    def _repr_html_(self) -> str:
        return f"<p>{self}</p>{self.table.to_html(index=False)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; counts of one to nine cards are left blank."""
        return {
            "tariff": self.tariff.name,
            "currency": self.tariff.currency,
            "present": self.present,
            "method": self.method,
            "taps": self.taps,
            "policies": plain_rows(self.table),
        }

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def plot(self, ax: Any = None) -> Any:
        """Draw revenue over the level of the first cap that varies."""
        from mobility.fares.cap_plot import plot_comparison

        return plot_comparison(self, ax)


def plain_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows for JSON: no NaN, and no count of one to nine cards."""
    shown = table.copy()
    for name in shown:
        if str(name).startswith(("riders_", "reached_")):
            few = (shown[name] > 0) & (shown[name] < LEAST_RIDERS)
            shown[name] = shown[name].astype("Int64").mask(few)
            money = {"riders_helped": "saved", "riders_worse": "paid_more"}.get(str(name))
            if money in shown:
                shown[money] = shown[money].astype("Int64").mask(few)
    return [
        {str(key): value.item() if hasattr(value, "item") else value for key, value in row.items()}
        for row in shown.astype(object).where(shown.notna(), None).to_dict("records")
    ]


def compare_policies(
    taps: pd.DataFrame,
    tariff: Tariff,
    policies: pd.DataFrame | Mapping[str, Sequence[Any]],
    *,
    groups: pd.Series | None = None,
    least_saving: int = 1,
    count_taps: bool = True,
    seed: int = 0,
    threads: int | None = None,
) -> Comparison:
    """Rate many policies over the same taps, and compare each with the present tariff.

    Plain amount caps of service days, calendar weeks and months take one pass for every 256 policies;
    for other caps (rides, rolling windows, rests beyond the cap) taps are settled once a policy.

    Parameters
    ----------
    taps
        As :func:`fares.settle` takes them.
    policies
        A row a policy: a column a cap id with levels in minor units (or rides; missing: without the cap),
        and, where wanted, ``rise_percent`` of all fares and ``adoption``, the share of cards not on the
        capped medium that move to it. Or lists by name, of which every combination is rated. A cap that
        is not named keeps its last level, without dates.
    groups
        Group of each rider, by card (the index).
    least_saving
        Minor units that a card must save to count as helped.
    count_taps
        Count what is reached, cut and free too, where the kernel rates; False is several times quicker.
    seed
        Of the cards that move.

    Returns
    -------
    Comparison
        ``.table`` in the order of ``policies``.

    Raises
    ------
    ConfigError
        When a column names no cap, a level is negative, or there is no policy.

    Examples
    --------
    >>> import pandas as pd
    >>> from mobility import fares
    >>> taps = pd.DataFrame({"card": [1] * 60, "time": [1741176000 + 9000 * k for k in range(60)],
    ...                      "mode": "bus", "medium": "qr"})
    >>> found = compare_policies(taps, fares.read_tariff("santiago"), {"month": [20000, 41000, None]})
    >>> found.table["charged"].tolist()
    [20000, 41000, 46200]
    """
    start = clock.perf_counter()
    table = policy_table(policies, tariff)
    rater = Rater(taps, tariff, seed=seed, threads=threads)
    names, row = group_rows(groups, rater)
    sums: dict[str, np.ndarray] = {}
    for world, at in worlds_of(table):
        part = table.loc[at, list(rater.caps)]
        found = rater.rate(
            world, part, row=row, groups=len(names), least=least_saving, counting=count_taps
        )
        for name, values in found.items():
            sums.setdefault(name, np.zeros((len(names), len(table)), np.int64))[:, at] = values
    whole = table.assign(
        charged=sums["charged"].sum(axis=0),
        change=sums["charged"].sum(axis=0) - rater.present_total,
        **{name: values.sum(axis=0) for name, values in sums.items() if name != "charged"},
    )
    by_group = None
    if groups is not None:
        by_group = pd.concat(
            [
                table.assign(group=name, **{key: values[g] for key, values in sums.items()})
                for g, name in enumerate(names)
            ],
            ignore_index=True,
        )
    return Comparison(
        table=whole,
        present=rater.present_total,
        tariff=tariff,
        method=rater.method,
        taps=rater.read.count,
        seconds=clock.perf_counter() - start,
        groups=by_group,
    )


def policy_table(
    policies: pd.DataFrame | Mapping[str, Sequence[Any]], tariff: Tariff
) -> pd.DataFrame:
    """Policies as a table with every cap and both columns of the world."""
    from mobility.fares.cap_world import present_levels

    if not isinstance(policies, pd.DataFrame):
        names = list(policies)
        policies = pd.DataFrame(list(product(*policies.values())), columns=names, dtype=object)
    present = present_levels(tariff)
    known = [*present, *WORLD_COLUMNS]
    if unknown := [one for one in policies.columns if one not in known]:
        raise ConfigError(f"no cap is called {unknown[0]!r}", mend=f"there are {', '.join(known)}")
    if not len(policies):
        raise ConfigError("no policy to compare", mend="one row, or one level, at least")
    table = pd.DataFrame(index=pd.RangeIndex(len(policies)))
    for name, level in present.items():
        given = policies[name].to_numpy() if name in policies else [level] * len(policies)
        column = pd.Series(given, dtype=object)
        try:
            table[name] = pd.to_numeric(column.where(column.notna(), None)).astype("Int64")
        except (TypeError, ValueError):
            raise ConfigError(
                f"levels of {name!r} are no whole numbers", mend="minor units, as in 41000"
            ) from None
        if bool((table[name] < 0).any()):
            raise ConfigError(f"a level of {name!r} is negative", mend="0 or more")
    for name in WORLD_COLUMNS:
        values = policies[name].to_numpy(np.float64) if name in policies else 0.0
        table[name] = values
    return table


def worlds_of(table: pd.DataFrame) -> list[tuple[World, np.ndarray]]:
    """Rows of each rise and adoption."""
    return [
        (World(*(float(part[one].iloc[0]) for one in WORLD_COLUMNS)), np.asarray(part.index))
        for _, part in table.groupby(list(WORLD_COLUMNS), sort=True)
    ]


def group_rows(groups: pd.Series | None, rater: Rater) -> tuple[list[str], np.ndarray | None]:
    """Names of groups, and the number of each card's; cards without one are "(none)"."""
    if groups is None:
        return ["all"], None
    given = groups[~groups.index.duplicated()].reindex(rater.labels)
    text = given.astype(object).where(given.notna(), "(none)").astype(str)
    names = sorted(set(text), key=lambda one: (len(one) if one.isdigit() else 99, one))
    number = {name: k for k, name in enumerate(names)}
    return names, text.map(number).to_numpy(np.int32)


class Rater:
    """Taps and a tariff, ready to rate policies in one world after another."""

    def __init__(
        self, taps: pd.DataFrame, tariff: Tariff, *, seed: int = 0, threads: int | None = None
    ) -> None:
        if not tariff.caps:
            raise ConfigError("the tariff has no caps", mend="[[cap]] in the tariff")
        self.taps, self.tariff, self.seed, self.threads = taps, tariff, seed, threads
        self.caps = tuple(levels[0].id for levels in groups_of(tariff.caps))
        self.read = read_for(taps, tariff)
        self.why = why_not(tariff, self.read)
        self.method = f"settled one by one: {self.why}" if self.why else "policy kernel"
        self.cards, self.code = cards_of(self.read)
        names = self.read.card_names
        self.labels = self.cards if names is None else np.asarray(names)[self.cards]
        self._runs: dict[World, Runs] = {}
        self._merged: dict[World, Runs] = {}
        self._panels: dict[World, Panel] = {}
        if self.why:
            self.present = self._settled(self.read, tariff)
        else:
            self.present = self.runs(World()).present
        self.present_total = int(self.present.sum())

    def runs(self, world: World) -> Runs:
        """Runs of a world, made once."""
        if world not in self._runs:
            made = runs_of(self.panel(world))
            if world != World():
                made = replace(made, present=self.runs(World()).present)
            self._runs[world] = made
        return self._runs[world]

    def panel(self, world: World) -> Panel:
        """Every tap of a world by card and time; sorted once for each adoption."""
        level = World(0.0, world.adoption)
        if level not in self._panels:
            made = panel_of(self.reading(level), self.tariff, threads=self.threads)
            self._panels = {level: made}  # one alone: they are large
        if world == level:
            return self._panels[level]
        return panel_of(
            self.reading(world), raised(self.tariff, world.rise_percent), like=self._panels[level],
            threads=self.threads,
        )  # fmt: skip

    def reading(self, world: World) -> Taps:
        """Taps of a world, read for the tariff."""
        if world.adoption == 0:
            return self.read
        return read_for(adopted(self.taps, self.tariff, world.adoption, self.seed), self.tariff)

    def _settled(self, read: Taps, tariff: Tariff) -> np.ndarray:
        answers, _, _ = settle_taps(read, tariff, ("charged",), threads=self.threads)
        charged = answers["charged"].astype(np.int64)
        return sums_of(self.code, np.where(charged == UNKNOWN, 0, charged), len(self.cards))

    def totals(self, world: World, levels: Mapping[str, int | None]) -> np.ndarray:
        """What each card pays under one policy, settled anew."""
        read = self.reading(world)
        return self._settled(read, with_levels(raised(self.tariff, world.rise_percent), levels))

    def totals_fast(self, world: World, levels: Mapping[str, int | None]) -> np.ndarray:
        """What each card pays under one policy, by the kernel where it can."""
        if self.why:
            return self.totals(world, levels)
        runs = self.merged(world)
        asked = (levels[one] for one in self.caps)
        return totals_of(runs, [-1 if level is None else level for level in asked])

    def reaching(self, world: World, levels: Mapping[str, int | None]) -> np.ndarray:
        """Cards that spend the whole of some cap in some period."""
        if self.why:  # told by the taps that a cap holds
            tried = with_levels(raised(self.tariff, world.rise_percent), levels)
            answers, _, _ = settle_taps(self.reading(world), tried, threads=self.threads)
            return sums_of(self.code, (answers["cap"] >= 0).astype(np.int64), len(self.cards)) > 0
        asked = pd.DataFrame({one: pd.array([levels[one]], "Int64") for one in self.caps})
        own = np.arange(len(self.cards), dtype=np.int32)
        sums = self.rate(world, asked, row=own, groups=len(own), counting=True)
        return np.asarray(sum(sums[f"reached_{one}"][:, 0] for one in self.caps)) > 0

    def merged(self, world: World) -> Runs:
        """Runs of a world joined where they can be, made once."""
        if world not in self._merged:
            self._merged[world] = self.runs(world).merged()
        return self._merged[world]

    def rate(
        self,
        world: World,
        levels: pd.DataFrame,
        *,
        row: np.ndarray | None = None,
        groups: int = 1,
        least: int = 1,
        counting: bool = False,
    ) -> dict[str, np.ndarray]:
        """Sums of policies (columns) by group (rows), by name."""
        if self.why:
            return self._one_by_one(world, levels, row, groups, least)
        runs = self.runs(world) if counting else self.merged(world)
        grid = np.stack([levels[one].fillna(-1).to_numpy(np.int64) for one in self.caps])
        found = rate_all(
            runs, grid, group=row, groups=groups, least=least,
            counting=counting, threads=self.threads,
        )  # fmt: skip
        sums = dict(
            zip(
                SUMS,
                (found.charged, found.better, found.gained, found.worse, found.lost),
                strict=True,
            )
        )
        if counting:
            for g, name in enumerate(self.caps):
                sums[f"reached_{name}"] = found.reached[g]
            sums |= {"taps_cut": found.held, "taps_free": found.free}
        return sums

    def _one_by_one(
        self, world: World, levels: pd.DataFrame, row: np.ndarray | None, groups: int, least: int
    ) -> dict[str, np.ndarray]:
        sums = {name: np.zeros((groups, len(levels)), np.int64) for name in SUMS}
        at = np.zeros(len(self.cards), np.int64) if row is None else row
        for k, policy in enumerate(levels.to_dict("records")):
            tried = {
                str(name): None if pd.isna(level) else int(level) for name, level in policy.items()
            }
            total = self.totals(world, tried)
            saved = self.present - total
            parts = (
                total, (saved >= least).astype(np.int64), np.maximum(saved, 0),
                (saved < 0).astype(np.int64), np.maximum(-saved, 0),
            )  # fmt: skip
            for name, values in zip(SUMS, parts, strict=True):
                sums[name][:, k] = sums_of(at, values, groups)
        return sums
