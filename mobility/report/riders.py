"""Riders of a ledger: who reaches a cap, and what each group saves; never a single card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.report.page import Figure
from mobility.units import minor_digits

if TYPE_CHECKING:
    from mobility.fares import Ledger

_GROUPS = ("category", "medium")
# Classes of what cards pay.
_CLASSES = 30


def rider_figures(ledger: Ledger) -> list[Figure]:
    """Who reaches a cap and what they save, by each grouping that the taps have; and what cards pay."""
    figures = [_spread(ledger)]
    for name in _GROUPS:
        if ledger.taps is not None and name in ledger.taps:
            found = _by_group(ledger, ledger.taps, name)
            if len(found) > 1:
                figures.append(_group_figure(found, name, ledger.tariff.currency))
    return figures


def _by_group(ledger: Ledger, taps: pd.DataFrame, name: str) -> pd.DataFrame:
    """Group, riders, riders who reach a cap, saved by caps and by transfers; few riders are merged."""
    from mobility.fares.ledger import FEW, FLAGS, LEAST_RIDERS

    known = ~ledger.unknown
    rows = pd.DataFrame({
        "group": taps[name].astype(str).to_numpy(object), "card": ledger.card,
        "capped": (ledger.answers["flags"] & FLAGS["capped"]) != 0,
        "cap_minor": np.where(known, ledger.column("cap_discount"), 0),
        "transfer_minor": np.where(known, ledger.column("transfer_discount"), 0),
    })  # fmt: skip
    # A card that rides in two groups counts where it rides most.
    main = rows.groupby(["card", "group"]).size().reset_index(name="taps")
    main = main.sort_values(["card", "taps", "group"], ascending=[True, False, True])
    rows["group"] = rows["card"].map(main.drop_duplicates("card").set_index("card")["group"])
    cards = rows.groupby(["group", "card"], as_index=False).agg(
        capped=("capped", "any"), cap=("cap_minor", "sum"), transfer=("transfer_minor", "sum")
    )
    table = cards.groupby("group", as_index=False).agg(
        riders=("card", "size"), capped=("capped", "sum"), saved_by_caps_minor=("cap", "sum"),
        saved_by_transfers_minor=("transfer", "sum"),
    )  # fmt: skip
    few = table["riders"] < LEAST_RIDERS
    if few.any():
        rest = table[few].drop(columns="group").sum().to_frame().T.assign(group=FEW)
        table = pd.concat([table[~few], rest[table.columns] if few.sum() > 1 else rest.iloc[:0]])
    shown = table["capped"].where((table["capped"] == 0) | (table["capped"] >= LEAST_RIDERS))
    return table.assign(riders_capped=shown.astype("Float64").astype("Int64")).drop(
        columns="capped"
    )


def _group_figure(table: pd.DataFrame, name: str, currency: str) -> Figure:
    unit = 10 ** minor_digits(currency)
    groups = [
        {"name": f"{row['group']} ({int(row['riders']):,} riders)", "bars": [
            {"series": "caps", "value": int(row["saved_by_caps_minor"]) / unit},
            {"series": "transfers", "value": int(row["saved_by_transfers_minor"]) / unit},
        ]}
        for row in table.to_dict("records")
    ]  # fmt: skip
    capped = ", ".join(
        f"{row['group']}: {_count(row['riders_capped'])}" for row in table.to_dict("records")
    )
    series = [
        {"id": "caps", "name": "saved by caps"},
        {"id": "transfers", "name": "saved by transfers"},
    ]
    return Figure(
        f"saving-{name}", "fares", "bars", f"Who reaches a cap, and what is saved, by {name}",
        f"Riders who reach a cap: {capped}. Groups of under ten riders are merged or left out.",
        {"groups": groups, "series": series, "unit": currency}, table,
    )  # fmt: skip


def _count(riders: Any) -> str:
    return "fewer than ten" if pd.isna(riders) else f"{int(riders):,}"


def _spread(ledger: Ledger) -> Figure:
    """How many cards pay how much, with caps and without; classes of under ten cards are left out."""
    from mobility.fares.ledger import LEAST_RIDERS

    unit, cards = 10 ** minor_digits(ledger.tariff.currency), ledger.cards()
    paid = {"charged": cards["charged"].to_numpy() / unit,
            "without caps": (cards["charged"] + cards["cap_discount"]).to_numpy() / unit}  # fmt: skip
    edges = np.linspace(0.0, max(float(paid["without caps"].max(initial=1.0)), 1.0), _CLASSES + 1)
    counts = {name: np.histogram(values, edges)[0] for name, values in paid.items()}
    table = pd.DataFrame({"from": edges[:-1], "to": edges[1:], **counts})
    series = []
    for name in counts:
        told = table[name].where((table[name] == 0) | (table[name] >= LEAST_RIDERS))
        table[name] = told.astype("Float64").astype("Int64")
        points = [
            [float(x), None if pd.isna(y) else int(y)]
            for x, y in zip((edges[:-1] + edges[1:]) / 2, told, strict=True)
        ]
        series.append({"name": name, "points": points})
    currency = ledger.tariff.currency
    panel = {
        "title": "cards (classes of under ten are left out)",
        "unit": "cards",
        "series": series,
        "lines": [],
    }
    return Figure(
        "card-charges", "fares", "lines", "What cards pay",
        "How many cards pay how much over the taps given: as charged, and as they would without caps.",
        {"panels": [panel], "x": {"name": f"{currency} a card", "marks": []}}, table,
    )  # fmt: skip
