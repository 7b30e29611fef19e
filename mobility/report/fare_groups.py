"""Levels of a cap by group of riders: what each group gets, and who gains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.report.charts import bars, is_number
from mobility.units import format_money, minor_digits

if TYPE_CHECKING:
    from mobility.report.page import Figure


def group_figures(told: dict[str, Any]) -> list[Figure]:
    """Level of each group, what its riders save, and how many pay less or more."""
    rows, currency = list(told.get("groups") or ()), str(told["currency"])
    if not rows:
        return []
    unit, table = 10 ** minor_digits(currency), pd.DataFrame(rows)
    figures = [
        bars("group-levels", "fares", f"Level of cap {told['cap']!r} for each group",
             "A group without a bar has no cap.",
             [(str(one["group"]), {"level": _over(one.get("level"), unit)}) for one in rows],
             {"level": "level of the cap"}, currency, table),
        bars("group-savings", "fares", "What the riders of each group save",
             "Against what they pay at present, over the taps given.",
             [(str(one["group"]), {"saved": _over(one.get("saved"), unit)}) for one in rows],
             {"saved": "saved"}, currency, table),
        bars("group-riders", "fares", "Riders who pay less and more, by group",
             "Counts of one to nine riders are not told.",
             [(str(one["group"]), {"less": one.get("riders_helped"), "more": one.get("riders_worse")})
              for one in rows],
             {"less": "pay less", "more": "pay more"}, "riders", table),
    ]  # fmt: skip
    return [one for one in figures if one.data["groups"]]


def group_headline(told: dict[str, Any]) -> list[str]:
    """How many riders are helped, at what change of revenue, and how far that is proven."""
    rows, currency = list(told.get("groups") or ()), str(told["currency"])
    if not rows:
        return [f"There are no levels by group: {told.get('why') or told.get('status')}."]
    change = sum(int(one["charged"]) for one in rows) - int(told["present_revenue"])
    said = [(f"One level of cap {told['cap']!r} for each of {len(rows)} groups lets "
            f"{int(told.get('objective') or 0):,} riders pay less; revenue "
            f"{'rises' if change > 0 else 'falls'} by {format_money(abs(change), currency)}.")]  # fmt: skip
    share, names = told.get("floor_share"), told.get("floor_groups")
    if share is not None and is_number(share) and names:
        said.append(
            f"Of what is saved {100 * share:.1f} % goes to groups {', '.join(map(str, names))}."
        )
    bound = told.get("bound")
    if is_number(bound) and is_number(told.get("objective")):
        said.append("No other levels help more riders." if told.get("status") == "optimal"
                    else f"No other levels help more than {bound:,.0f} riders.")  # fmt: skip
    return said


def _over(value: Any, unit: int) -> float | None:
    return float(value) / unit if is_number(value) else None
