"""Charges beside those of a back office: what agrees, what is over, what is under, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import ConfigError, TableError
from mobility.shown import Shown
from mobility.units import format_money

if TYPE_CHECKING:
    from mobility.fares.ledger import Ledger

# Causes, the first whose bits a tap has; what our settlement says happened to it.
_CAUSES = (
    ("not settled", 4096), ("unknown fare", 1 | 2), ("void", 64 | 32), ("maximum fare", 256), ("cap", 16),
    ("effective leg", 8), ("transfer", 4), ("tap-off", 128), ("riders", 2048),
)  # fmt: skip


@dataclass(frozen=True)
class Reconciliation(Shown):
    """What a back office charged, beside what the rules say.

    Parameters
    ----------
    by_cause
        ``cause, taps, over, under``: money that was charged too much or too little, minor units.
    rows
        The taps that differ: row of the input, ``ours, theirs, difference, cause``.
    """

    matched: int
    over: int
    under: int
    not_compared: int
    over_minor: int
    under_minor: int
    by_cause: pd.DataFrame
    rows: pd.DataFrame
    currency: str

    def __str__(self) -> str:
        return (
            f"{self.matched:,} taps agree, {self.over:,} are over by "
            f"{format_money(self.over_minor, self.currency)}, {self.under:,} under by "
            f"{format_money(self.under_minor, self.currency)}, {self.not_compared:,} not compared"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; no card."""
        return {
            "matched": self.matched,
            "over": self.over,
            "under": self.under,
            "not_compared": self.not_compared,
            "over_minor": self.over_minor,
            "under_minor": self.under_minor,
            "by_cause": self.by_cause.to_dict("records"),
        }


def reconcile(ledger: Ledger, charged: pd.Series | np.ndarray | pd.DataFrame) -> Reconciliation:
    """Compare a ledger with what was charged.

    Parameters
    ----------
    charged
        Minor units a tap, in the order of the input; or a table ``tap_id, charged``. A tap that is not
        in it, or empty there, and one whose fare is unknown, are not compared.

    Raises
    ------
    TableError, ConfigError
        When the lengths differ, or there is no ``tap_id`` to match by.
    """
    theirs = _theirs(ledger, charged)
    comparable = ~ledger.unknown & theirs.notna().to_numpy()
    ours = ledger.answers["charged"].astype(np.int64)
    amounts = theirs.fillna(0).to_numpy(np.int64)
    difference = np.where(comparable, amounts - ours, 0)
    cause = np.full(len(ours), "fare", dtype=object)
    flags = ledger.answers["flags"] if "flags" in ledger.answers else np.zeros(len(ours), np.int32)
    for name, bits in reversed(_CAUSES):
        cause[flags & bits != 0] = name
    rows = np.flatnonzero(difference)
    table = pd.DataFrame(
        {
            "row": rows, "ours": ours[rows], "theirs": amounts[rows], "difference": difference[rows],
            "cause": cause[rows],
        }
    )  # fmt: skip
    sums = table.assign(
        over=table["difference"].clip(lower=0), under=(-table["difference"]).clip(lower=0)
    ).groupby("cause", sort=True)
    by_cause = sums.agg(
        taps=("row", "size"), over=("over", "sum"), under=("under", "sum")
    ).reset_index()
    return Reconciliation(
        matched=int((comparable & (difference == 0)).sum()),
        over=int((difference > 0).sum()),
        under=int((difference < 0).sum()),
        not_compared=int((~comparable).sum()),
        over_minor=int(difference.clip(min=0).sum()),
        under_minor=int((-difference).clip(min=0).sum()),
        by_cause=by_cause,
        rows=table,
        currency=ledger.tariff.currency,
    )


def _theirs(ledger: Ledger, charged: Any) -> pd.Series:
    if isinstance(charged, pd.DataFrame):
        if not {"tap_id", "charged"} <= set(charged.columns):
            raise TableError("no columns tap_id and charged", mend="name them so")
        if ledger.taps is None or "tap_id" not in ledger.taps:
            raise ConfigError(
                "the taps have no tap_id to match by", mend="give charges in their order"
            )
        if charged["tap_id"].duplicated().any():
            raise TableError("two charges have one tap_id", mend="add them up first")
        by_id = charged.set_index("tap_id")["charged"]
        values = ledger.taps["tap_id"].map(by_id).reset_index(drop=True)
    else:
        values = pd.Series(charged).reset_index(drop=True)
    if len(values) != len(ledger):
        raise TableError(
            f"{len(values):,} charges for {len(ledger):,} taps", mend="one a tap, in their order"
        )
    numbers = pd.to_numeric(values, errors="coerce").astype("Float64")
    if bool((numbers.notna() & (numbers % 1 != 0)).any()):
        raise TableError("a charge is no whole number of minor units", mend="USD 2.90 is 290")
    return numbers.astype("Int64")
