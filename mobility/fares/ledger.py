"""What is answered: one charge a tap, in the order of the input, and what it adds up to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.shown import Shown
from mobility.units import format_money

if TYPE_CHECKING:
    from mobility.fares.compile import Compiled
    from mobility.fares.problem import Tariff
    from mobility.findings import Finding
    from mobility.solution import Report

# Bits of the column ``flags``.
FLAGS = {
    "unknown_fare": 1, "no_tap_off": 2, "transfer": 4, "joined": 8, "capped": 16, "voided": 32,
    "void": 64, "off": 128, "maximum_fare": 256, "floored": 512, "unmatched": 1024, "riders": 2048,
    "not_settled": 4096,
}  # fmt: skip
MONEY = ("nominal", "transfer_discount", "cap_discount", "charged")
COLUMNS = ("journey", *MONEY, "cap_id", "flags")
UNKNOWN = -(2**31)
LEAST_RIDERS = 10
FEW = "(fewer than 10 riders each)"

Key = Literal["operator", "route", "product", "category", "day", "mode", "month", "cap"]
Apportion = Literal["pro-rata-nominal", "first-leg", "last-leg"]


@dataclass(frozen=True)
class Ledger(Shown):
    """Charges of taps, and how far they can be trusted.

    Parameters
    ----------
    answers
        Arrays in the order of the input: ``charged nominal spent journey cap flags leg`` (``spent`` is the
        fare after transfers); with ``columns=("charged",)`` the first alone.
    card
        Card of each tap, as an integer (a code where cards are names; ``card_names``).
    time
        Epoch seconds.
    compiled
        The tariff as the kernels read it: what each ``leg`` and ``cap`` is.
    """

    answers: dict[str, np.ndarray]
    card: np.ndarray
    time: np.ndarray
    unit: int
    tariff: Tariff
    report: Report
    compiled: Compiled
    card_names: pd.Index | None = None
    taps: pd.DataFrame | None = None
    findings: tuple[Finding, ...] = ()
    ties: int = 0
    columns: tuple[str, ...] = COLUMNS

    @property
    def cap_ids(self) -> tuple[str, ...]:
        """Caps by number."""
        return self.compiled.cap_ids

    def __len__(self) -> int:
        return len(self.answers["charged"])

    @cached_property
    def unknown(self) -> np.ndarray:
        """Taps whose charge is not known: no fare matches, or the tap cannot be settled."""
        return np.asarray(self.answers["charged"] == UNKNOWN)

    @cached_property
    def charges(self) -> pd.DataFrame:
        """One row a tap, in the order of the input; ``<NA>`` where the fare is unknown.

        Money is in minor units: ``nominal - transfer_discount - cap_discount = charged``, row by row.
        """
        mask = self.unknown
        made: dict[str, Any] = {}
        for name in self.columns:
            if name in MONEY:
                made[name] = pd.arrays.IntegerArray(self._money(name), mask.copy())
            elif name == "cap_id":
                made[name] = pd.Categorical.from_codes(
                    self.answers["cap"], categories=pd.Index(self.cap_ids, dtype="str")
                )
            else:
                made[name] = self.answers[name]
        return pd.DataFrame(made, copy=False)

    def _money(self, name: str) -> np.ndarray:
        one = self.answers
        if name == "transfer_discount":
            return np.asarray(one["nominal"] - one["spent"])
        if name == "cap_discount":
            return np.asarray(one["spent"] - one["charged"])
        return one[name]

    def column(self, name: str) -> np.ndarray:
        """One column as an array: -2^31 where money is unknown, the cap's number or -1."""
        if name in MONEY:
            return np.where(self.unknown, UNKNOWN, self._money(name).astype(np.int64))
        return self.answers["cap" if name == "cap_id" else name]

    def total(self, name: str = "charged") -> int:
        """Sum of a money column over taps whose fare is known."""
        values = self._money(name)
        return int(values.sum(dtype=np.int64, where=~self.unknown))

    @cached_property
    def totals(self) -> dict[str, int]:
        """Counts and sums: taps, cards, journeys, money, unknown fares, capped cards."""
        self._needs_all("totals")
        flags = self.answers["flags"]
        known = ~self.unknown
        rides = known & (flags & (FLAGS["void"] | FLAGS["off"]) == 0)
        capped = (flags & FLAGS["capped"]) != 0
        settled = flags & FLAGS["not_settled"] == 0
        starts = rides & (flags & (FLAGS["transfer"] | FLAGS["joined"] | FLAGS["voided"]) == 0)
        return {
            "taps": len(self),
            "settled": int(settled.sum()),
            "cards": len(np.unique(self.card[settled])),
            "journeys": int(starts.sum()),
            **{name: self.total(name) for name in MONEY},
            "unknown_fares": int((self.unknown & settled).sum()),
            "capped_taps": int(capped.sum()),
            "capped_cards": len(np.unique(self.card[capped])),
            "voided": int((flags & FLAGS["voided"] != 0).sum()),
            "tied_taps": self.ties,
        }

    def _needs_all(self, what: str) -> None:
        if set(self.columns) != set(COLUMNS):
            raise ConfigError(
                f"{what} needs every column of the ledger", mend="settle without columns="
            )

    def cards(self) -> pd.DataFrame:
        """One row a card: taps, journeys, money, capped taps. Shows card ids: keep it to yourself."""
        self._needs_all("cards()")
        return self._by_card([])

    def periods(self, period: Literal["day", "week", "month"] = "month") -> pd.DataFrame:
        """One row a card and period (its first day): taps, journeys, money. Shows card ids."""
        self._needs_all("periods()")
        return self._by_card([period])

    def _by_card(self, periods: list[str]) -> pd.DataFrame:
        from mobility.fares.apportion import starts_of_periods

        keys: dict[str, Any] = {"card": self.card_labels()}
        for one in periods:
            keys[one] = starts_of_periods(self, one)
        flags = self.answers["flags"]
        table = pd.DataFrame(
            keys
            | {"taps": 1, "journeys": (flags & (4 | 8 | 64 | 128 | 1 | 4096) == 0).astype(np.int64)}
            | {name: np.where(self.unknown, 0, self._money(name)).astype(np.int64) for name in MONEY}
            | {"capped": (flags & 16 != 0).astype(np.int64), "unknown": self.unknown.astype(np.int64)}
        )  # fmt: skip
        return table.groupby(list(keys), as_index=False, sort=True, observed=True).sum()

    def card_labels(self) -> np.ndarray:
        """Card of each tap, as the input has it."""
        if self.card_names is None:
            return self.card
        labels = np.array([*self.card_names, None], dtype=object)
        return np.asarray(labels[self.card])  # -1, no card, is the last

    def by(
        self, key: Key, *, apportion: Apportion | None = None, least_riders: int = LEAST_RIDERS
    ) -> pd.DataFrame:
        """Money by a key: where it was charged, or apportioned among the legs of each journey.

        Parameters
        ----------
        key
            ``operator`` (of the route, or a column ``operator``), ``route``, ``product``, ``category``,
            ``mode``, ``day``, ``month``, ``cap``.
        apportion
            ``pro-rata-nominal`` shares each journey's charge by its legs' nominal fares (largest
            remainder, earlier leg first); ``first-leg``, ``last-leg``; None leaves it where it fell.
        least_riders
            Smaller cells are merged into one row, with the next smallest where needed: the sum stays.

        Returns
        -------
        pandas.DataFrame
            ``key, taps, nominal, charged``; the sum of ``charged`` is that of the ledger.
        """
        from mobility.fares.apportion import by_key

        self._needs_all("by()")
        return by_key(self, key, apportion, least_riders)

    def __str__(self) -> str:
        money = format_money(self.report.objective or 0, self.tariff.currency)
        unknown = int(self.unknown.sum())
        missing = f", {unknown:,} unknown" if unknown else ""
        return f"{len(self):,} taps charged {money}{missing} in {self.report.seconds:.2f} s"

    def _repr_html_(self) -> str:
        rows = {"taps": len(self), "charged": self.report.objective}
        if set(self.columns) == set(COLUMNS):
            rows = dict(self.totals)
        cells = "".join(
            f"<tr><th>{name}</th><td>{value:,}</td></tr>" for name, value in rows.items()
        )
        return f"<p>{self}</p><table>{cells}</table>"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: report, totals, findings; no card."""
        return {
            **self.report.to_dict(),
            "tariff": self.tariff.name,
            "currency": self.tariff.currency,
            "totals": self.totals,
            "findings": [one.to_dict() for one in self.findings],
        }

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def plot(self, ax: Any = None) -> Any:
        """Draw how charges of cards spread, and where caps hold them."""
        from mobility.fares.plot import plot_ledger

        self._needs_all("plot()")
        return plot_ledger(self, ax)


def flag_names(flags: int) -> list[str]:
    """Names of the bits of a flag.

    >>> flag_names(20)
    ['transfer', 'capped']
    """
    return [name for name, bit in FLAGS.items() if flags & bit]
