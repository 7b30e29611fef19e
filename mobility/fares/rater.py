"""Taps and a tariff, made ready once: any policy of caps in any world is rated from there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.errors import ConfigError, TableError
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
from mobility.fares.ledger import UNKNOWN
from mobility.fares.settle import settle_taps
from mobility.findings import finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobility.fares.problem import Tariff
    from mobility.fares.taps import Taps

SUMS = ("charged", "riders_helped", "saved", "riders_worse", "paid_more")


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
        if not self.read.count:
            one = self.read.findings[0] if self.read.findings else None
            raise TableError(
                "no tap can be rated" + ("" if one is None else f": {one.where_what}"),
                mend="give taps with a card and a time" if one is None else one.mend,
                findings=self.read.findings,
            )
        self.why = why_not(tariff, self.read)
        self.method = f"settled one by one: {self.why}" if self.why else "policy kernel"
        self.cards, self.code = cards_of(self.read)
        names = self.read.card_names
        self.labels = self.cards if names is None else np.asarray(names)[self.cards]
        self._runs: dict[World, Runs] = {}
        self._merged: dict[World, Runs] = {}
        self._panels: dict[World, Panel] = {}
        self.unknown = 0  # taps of unknown fare
        if self.why:
            self.present = self._settled(self.read, tariff)
        else:
            self.present = self.runs(World()).present
            self.unknown = self.panel(World()).unknown
        self.present_total = int(self.present.sum())
        unknown = [finding("unknown_fare", count=self.unknown)] if self.unknown else []
        self.findings = (*tariff.findings, *self.read.findings, *unknown)

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
        if read is self.read:
            self.unknown = int((charged == UNKNOWN).sum())
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


def group_rows(groups: pd.Series | None, rater: Rater) -> tuple[list[str], np.ndarray | None]:
    """Names of groups, and the number of each card's; cards without one are "(none)"."""
    if groups is None:
        return ["all"], None
    given = groups[~groups.index.duplicated()].reindex(rater.labels)
    text = given.astype(object).where(given.notna(), "(none)").astype(str)
    names = sorted(set(text), key=lambda one: (len(one) if one.isdigit() else 99, one))
    number = {name: k for k, name in enumerate(names)}
    return names, text.map(number).to_numpy(np.int32)
