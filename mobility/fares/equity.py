"""Who gains and who loses by a policy: by category, home zone and decile of income.

Inputs are two small tables: riders (``card, category, home_zone``) and zones (``zone, income_decile,
population``, and ``income`` where it is known).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.fares.ledger import FEW, LEAST_RIDERS
from mobility.shown import Shown

if TYPE_CHECKING:
    from mobility.findings import Finding

DECILES = 10


@dataclass(frozen=True)
class Equity(Shown):
    """What a policy does to whom.

    ``by_category``, ``by_zone`` and ``by_decile`` have a row a group: ``riders``, ``before`` and ``after``
    (what they pay, minor units), ``saved`` (before - after), ``saved_by_rider``, ``share_reaching`` (a cap is
    spent in some period), ``losers`` (pay more); zones also ``population`` and
    ``saved_by_1000_people``. Groups of under ten riders are one row. ``gini`` is of what cards pay, ``suits``
    of what deciles pay against their income: 0 is proportional, above it the richer pay more than their
    share of income, below it the poorer; each a pair (before, after), None where it cannot be told.
    """

    by_category: pd.DataFrame
    by_zone: pd.DataFrame
    by_decile: pd.DataFrame
    gini: tuple[float, float]
    suits: tuple[float, float] | None
    riders: int
    losers: int
    share_inferred: float
    income: str
    findings: tuple[Finding, ...] = ()

    def __str__(self) -> str:
        suits = (
            "" if self.suits is None else f", Suits {self.suits[0]:+.4f} -> {self.suits[1]:+.4f}"
        )
        return (
            f"{self.losers:,} of {self.riders:,} riders pay more; Gini {self.gini[0]:.4f} -> "
            f"{self.gini[1]:.4f}{suits}; home zone inferred for {self.share_inferred:.0%}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        from mobility.fares.policies import plain_rows

        return {
            "answer": str(self),
            "riders": self.riders,
            "losers": self.losers,
            "gini": list(self.gini),
            "suits": None if self.suits is None else list(self.suits),
            "income": self.income,
            "share_of_home_zones_inferred": self.share_inferred,
            "by_category": plain_rows(self.by_category),
            "by_zone": plain_rows(self.by_zone),
            "by_decile": plain_rows(self.by_decile),
            "findings": [one.to_dict() for one in self.findings],
        }

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def _repr_html_(self) -> str:
        return f"<p>{self}</p>{self.by_decile.to_html(index=False)}"

    def plot(self, ax: Any = None) -> Any:
        """Draw what a rider of each decile saves."""
        from mobility.fares.cap_plot import plot_equity

        return plot_equity(self, ax)


def gini(paid: np.ndarray) -> float:
    """Gini index of what cards pay: 0 where all pay the same, near 1 where one pays all.

    Gini (1912), by sorted sums; integers of minor units in, a fraction out.
    """
    values = np.sort(np.asarray(paid, np.float64))
    total = float(values.sum())
    if not len(values) or total <= 0:
        return 0.0
    count = len(values)
    weights = 2 * np.arange(1, count + 1) - count - 1
    return float((weights * values).sum() / (count * total))


def suits(burden: np.ndarray, income: np.ndarray) -> float | None:
    """Suits index of what groups pay, groups in ascending order of income; ``income`` is of the group.

    Suits (1977): 1 - L / K over shares of income and burden, by trapezoids; -1 the poorest pay all, 0
    proportional, 1 the richest pay all. None where nothing is paid or earned.
    """
    paid, earned = np.asarray(burden, np.float64), np.asarray(income, np.float64)
    if paid.sum() <= 0 or earned.sum() <= 0:
        return None
    x = np.concatenate([[0.0], np.cumsum(earned) / earned.sum()])
    y = np.concatenate([[0.0], np.cumsum(paid) / paid.sum()])
    return float(1 - np.sum(np.diff(x) * (y[1:] + y[:-1])))


def equity_of(
    cards: pd.DataFrame,
    riders: pd.DataFrame,
    zones: pd.DataFrame,
    modal_zone: pd.Series,
    findings: tuple[Finding, ...] = (),
) -> Equity:
    """Tables and indices of a policy.

    Parameters
    ----------
    cards
        A row a card (the index): ``before``, ``after`` (minor units), ``reaches`` (bool).
    riders, zones
        As read by :func:`~mobility.fares.equity_files.read_riders` and ``read_zones``.
    modal_zone
        Zone of most first taps of a day, by card: taken where riders say no home zone.
    """
    who = riders.set_index(riders["card"].astype(str))
    keys = pd.Index(cards.index.astype(str))
    table = cards.set_index(keys)
    known = who.reindex(keys)
    table["category"] = known["category"]
    home = known["home_zone"].astype(object)
    inferred = home.isna().to_numpy()
    modal = modal_zone.set_axis(modal_zone.index.astype(str)).reindex(keys).astype(object)
    table["zone"] = home.where(~inferred, modal)
    place = zones.set_index(zones["zone"].astype(str))
    table["decile"] = place["income_decile"].reindex(table["zone"].astype(str)).to_numpy()
    own = _incomes(place)
    by_zone = _table(table, "zone")
    people = place["population"].reindex(by_zone["zone"].astype(str)).to_numpy(np.float64)
    by_zone["population"] = people
    with np.errstate(divide="ignore", invalid="ignore"):
        head = 1000 * by_zone["saved"].to_numpy(np.float64) / people
    by_zone["saved_by_1000_people"] = np.where(people > 0, head, np.nan)
    return Equity(
        by_category=_table(table, "category"),
        by_zone=by_zone,
        by_decile=_table(table, "decile"),
        gini=(gini(table["before"].to_numpy()), gini(table["after"].to_numpy())),
        suits=_suits(table, own),
        riders=len(table),
        losers=int((table["after"] > table["before"]).sum()),
        share_inferred=float((inferred & table["zone"].notna().to_numpy()).mean())
        if len(table)
        else 0.0,
        income="column income of zones"
        if "income" in zones
        else "assumed in proportion to the number of the decile, as zones give no income",
        findings=findings,
    )


def _incomes(place: pd.DataFrame) -> pd.Series:
    """Income of a head in each decile: of its zones by population, else the decile's number."""
    if "income" not in place:
        return pd.Series(np.arange(1.0, DECILES + 1), index=np.arange(1, DECILES + 1))
    weight = place["population"].fillna(0) + 1e-9
    total = (place["income"] * weight).groupby(place["income_decile"]).sum()
    return pd.Series(total / weight.groupby(place["income_decile"]).sum())


def _suits(table: pd.DataFrame, own: pd.Series) -> tuple[float, float] | None:
    sums = table.groupby("decile")[["before", "after"]].sum()
    count = table.groupby("decile").size()
    earned = (count * own.reindex(count.index)).to_numpy(np.float64)
    if len(sums) < 2 or not np.isfinite(earned).all():
        return None
    before, after = (suits(sums[one].to_numpy(), earned) for one in ("before", "after"))
    return None if before is None or after is None else (before, after)


def _table(table: pd.DataFrame, key: str) -> pd.DataFrame:
    """Sums by a key; groups of few riders are merged into one row, the last."""
    part = table.assign(
        saved=table["before"] - table["after"], losers=table["after"] > table["before"]
    )
    sums = part.groupby(key, sort=True).agg(
        riders=("saved", "size"), before=("before", "sum"), after=("after", "sum"),
        saved=("saved", "sum"), reaching=("reaches", "sum"), losers=("losers", "sum"),
    )  # fmt: skip
    few = sums["riders"] < LEAST_RIDERS
    for name in sums.loc[~few, "riders"].sort_values(kind="stable").index:
        if not few.any() or int(sums.loc[few, "riders"].sum()) >= LEAST_RIDERS:
            break
        few[name] = True  # else the one small group follows from the sum of all
    shown = sums[~few].reset_index().astype({key: object})
    if few.any() and int(sums.loc[few, "riders"].sum()) >= LEAST_RIDERS:
        rest = sums[few].sum().to_frame().T.assign(**{key: FEW})
        shown = pd.concat([shown, rest], ignore_index=True)
    counts = [one for one in sums.columns if one in shown]
    shown = shown.astype(dict.fromkeys(counts, np.int64))
    shown["saved_by_rider"] = shown["saved"] / shown["riders"]
    shown["share_reaching"] = shown["reaching"] / shown["riders"]
    columns = [
        key,
        "riders",
        "before",
        "after",
        "saved",
        "saved_by_rider",
        "share_reaching",
        "losers",
    ]
    return shown[columns]
