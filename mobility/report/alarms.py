"""What new plans are worth a year, and a fire engine's way: answers of signals that are no plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.report.charts import bars
from mobility.report.numbers import rows_of
from mobility.units import minor_digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobility.report.page import Figure

_UNITS = {"mean_s": "s", "worst_s": "s", "within_target": "of the alarms"}
_LABELS = {
    "mean_s": "Mean time of a fire engine on its way",
    "worst_s": "Its longest time",
    "within_target": "Alarms answered in time",
    "others_lose_s_per_vehicle": "What every other vehicle loses",
}
_LEVELS = {"low": "low", "mid": "middle", "high": "high"}
_WORTH = {"time_minor": "time of people", "fuel_minor": "fuel", "co2_minor": "CO2"}


def alarm_rows(told: dict[str, Any]) -> list[tuple[str, ...]]:
    """Rows of the table of figures: times before and after, and the cost to the others."""
    lost = {"others_lose_s_per_vehicle": told["others_lose_s_per_vehicle"]}
    return [*rows_of(told["after"], told["before"], _UNITS, _LABELS),
            *rows_of(lost, None, {"others_lose_s_per_vehicle": "s a vehicle"}, _LABELS)]  # fmt: skip


def alarm_headline(told: dict[str, Any]) -> str:
    """How much sooner a fire engine is there, and what others pay for it."""
    before, after = told["before"], told["after"]
    said = (f"With the way cleared ahead of it a fire engine needs {after['mean_s']:.0f} s instead of "
            f"{before['mean_s']:.0f} s ({told['route']}; {told['runs']} alarms)")  # fmt: skip
    if told.get("target_s") is not None:
        said += (f"; within {told['target_s']:g} s are {100 * after['within_target']:.0f} % of them, before "
                 f"{100 * before['within_target']:.0f} %")  # fmt: skip
    lost = told["others_lose_s_per_vehicle"]
    return f"{said}. Every other vehicle {'loses' if lost >= 0 else 'gains'} {abs(lost):.1f} s."


def alarm_figures(told: dict[str, Any]) -> list[Figure]:
    """Wait at each signal of the way, before and after."""
    table = pd.DataFrame(told["signals"])
    return [bars(
        "alarm-waits", "signals", "A fire engine's wait at each signal",
        f"Mean over {told['runs']} alarms, with the plan as it is and with the way cleared ahead.",
        [(str(one["signal"]), {"before": one["wait_before_s"], "after": one["wait_after_s"]})
         for one in told["signals"]],
        {"before": "before", "after": "after"}, "s", table,
    )]  # fmt: skip


def _worth_rows(documents: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Give the levels of each answer that says what it is worth in a year."""
    found = (told.get("benefit_per_year") for told in documents)
    return [rows for rows in found if isinstance(rows, list) and rows]


def worth_figures(documents: Sequence[dict[str, Any]]) -> list[Figure]:
    """What is saved in a year, at low, middle and high values of time, fuel and CO2."""
    figures = []
    for rows in _worth_rows(documents):
        currency = str(rows[0]["currency"])
        unit = 10 ** minor_digits(currency)
        figures.append(bars(
            "worth", "signals", "What the new plans are worth in a year",
            "At low, middle and high values of an hour, a litre and a tonne. They are assumed, not measured here.",
            [(f"{_LEVELS.get(one['level'], one['level'])} values", {name: one[name] / unit for name in _WORTH})
             for one in rows],
            _WORTH, f"{currency} a year", pd.DataFrame(rows),
        ))  # fmt: skip
    return figures


def worth_headline(documents: Sequence[dict[str, Any]]) -> list[str]:
    """One sentence an answer: hours and money a year, from low to high."""
    said = []
    for rows in _worth_rows(documents):
        currency, low, high = str(rows[0]["currency"]), rows[0], rows[-1]
        unit = 10 ** minor_digits(currency)
        money = [f"{currency} {round(one['total_minor'] / unit, -3):,.0f}" for one in (low, high)]
        said.append(f"In a year that is {round(low['person_hours'], -3):,.0f} to "
                    f"{round(high['person_hours'], -3):,.0f} hours of people, worth {money[0]} to {money[1]} "
                    "at assumed values.")  # fmt: skip
    return said
