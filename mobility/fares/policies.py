"""Compare policies: what each set of cap levels, with each rise of fares, does to whom."""

from __future__ import annotations

import json
import time as clock
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.fares.cap_world import World, adoption_of, present_levels
from mobility.fares.ledger import LEAST_RIDERS
from mobility.fares.rater import Rater, group_rows
from mobility.shown import Shown
from mobility.units import format_money

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mobility.fares.problem import Tariff
    from mobility.findings import Finding


WORLD_COLUMNS = ("rise_percent", "adoption")


@dataclass(frozen=True)
class Comparison(Shown):
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
    findings: tuple[Finding, ...] = ()

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
            "findings": [one.to_dict() for one in self.findings],
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
        findings=rater.findings,
    )


def policy_table(
    policies: pd.DataFrame | Mapping[str, Sequence[Any]], tariff: Tariff
) -> pd.DataFrame:
    """Policies as a table with every cap and both columns of the world."""
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
        (
            World(
                float(part["rise_percent"].iloc[0]), adoption_of(float(part["adoption"].iloc[0]))
            ),
            np.asarray(part.index),
        )
        for _, part in table.groupby(list(WORLD_COLUMNS), sort=True)
    ]
