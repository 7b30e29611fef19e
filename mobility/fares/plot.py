"""What cards pay in a month, and where caps hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.pictures import axes
from mobility.units import minor_digits

if TYPE_CHECKING:
    from mobility.fares.ledger import Ledger


def plot_ledger(ledger: Ledger, ax: Any = None) -> Any:
    """Draw how many cards pay how much, before caps and after; classes of under ten cards are left out.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    ax = axes(ax, 7, 4)
    cards = ledger.cards()
    unit = 10 ** minor_digits(ledger.tariff.currency)
    before = (cards["charged"] + cards["cap_discount"]).to_numpy() / unit
    after = cards["charged"].to_numpy() / unit
    edges = np.linspace(0, max(float(before.max(initial=1)), 1.0), 41)
    for values, label, style in (
        (before, "without caps", "step"),
        (after, "charged", "stepfilled"),
    ):
        counts, _ = np.histogram(values, edges)
        counts = np.where(counts < 10, 0, counts)
        ax.hist(edges[:-1], edges, weights=counts, histtype=style, alpha=0.6, label=label)
    ax.set_xlabel(f"{ledger.tariff.currency} a card")
    ax.set_ylabel("cards")
    ax.set_title(str(ledger))
    ax.legend()
    return ax
