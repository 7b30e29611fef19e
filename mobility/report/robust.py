"""How a plan stands up: replayed on drawn days, and planned anew under other assumptions."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mobility.report.charts import bars, is_number
from mobility.report.numbers import rows_of, table_of
from mobility.report.page import Figure, Part
from mobility.units import format_money, format_time, minor_digits

# Buses that are drawn; the table has all.
_MOST = 25
_HOUR_S = 3600
_UNITS = {
    "drawn_days": "days",
    "buses": "buses",
    "fail": "buses",
    "mean_short": "buses a day",
    "bad_day_short": "buses a day",
    "most_often": "of the days",
    "largest_battery": "kWh",
}
_LABELS = {
    "drawn_days": "Days that were drawn",
    "buses": "Buses",
    "fail": "Buses that run short too often",
    "mean_short": "Buses short of charge, mean day",
    "bad_day_short": "Buses short of charge, one day in twenty has more",
    "most_often": "Days on which the worst bus runs short",
    "largest_battery": "Largest battery that a bus would need",
}
_PARTS = {
    "vehicles": "buses", "deadhead": "running empty", "waiting": "waiting", "energy": "energy",
    "demand": "billed peaks", "wear": "wear of batteries", "fuel": "fuel",
}  # fmt: skip


def simulation_part(told: dict[str, Any], earlier: dict[str, Any] | None) -> Part:
    """What ``fleet simulate`` brings: who runs short of charge, how often, when, and what mends it."""
    blocks = pd.DataFrame(told["blocks"])
    figures: list[Figure] = []
    if len(blocks) and (blocks["breaks"] > 0).any():
        figures = [_fragile(blocks, told["percentile"]), _when(told), *_mends(told)]
    return Part(
        domain="fleet",
        id="fleet-simulation",
        title="Does the plan hold on other days?",
        headline=_says(told, blocks),
        kpis=table_of(rows_of(_numbers(told), earlier and _numbers(earlier), _UNITS, _LABELS)),
        figures=tuple(figures),
        assumptions=tuple(told.get("assumptions", ())),
        provenance=(("Days drawn", _drawn(told)),),
    )


def _numbers(told: dict[str, Any]) -> dict[str, Any]:
    blocks, spread = told["blocks"], told["broken_blocks"]
    named = f"needs_kwh_p{round(100 * told['percentile'], 1):g}"
    needs = [one[named] for one in blocks if is_number(one.get(named))]
    return {
        "drawn_days": int(told["scenarios"]["count"]),
        "buses": len(blocks),
        "fail": len(told["broken"]),
        "mean_short": spread.get("mean"),
        "bad_day_short": spread.get("P95"),
        "most_often": max((one["breaks"] for one in blocks), default=None),
        "largest_battery": max(needs, default=None),
    }


def _says(told: dict[str, Any], blocks: pd.DataFrame) -> tuple[str, ...]:
    count, days = len(blocks), int(told["scenarios"]["count"])
    asked = round(100 * told["percentile"], 1)
    failing = len(told["broken"])
    if not failing:
        said = [(f"Every one of {count:,} buses gets through its day on at least {asked:g} % of "
                f"{days:,} drawn days.")]  # fmt: skip
    else:
        said = [(f"{failing:,} of {count:,} buses run short of charge on more than {100 - asked:g} % of "
                f"{days:,} drawn days.")]  # fmt: skip
    spread = told["broken_blocks"]
    if spread.get("mean"):
        said.append(f"On a mean day {spread['mean']:,.1f} buses run short; on one day in twenty more than "
                    f"{spread['P95']:,.0f}.")  # fmt: skip
    if len(blocks) and (worst := blocks.iloc[0])["breaks"] > 0:
        said.append(f"Most often {worst['vehicle']}: on {100 * worst['breaks']:.1f} % of the days, first at "
                    f"{worst['place']}, {format_time(int(worst['time_s']))[:5]}.")  # fmt: skip
    said.append("Consumption, traffic, delays and failing chargers are drawn at random, as the "
                "assumptions say.")  # fmt: skip
    return tuple(said)


def _fragile(blocks: pd.DataFrame, percentile: float) -> Figure:
    shown = blocks[blocks["breaks"] > 0].head(_MOST)
    rows = [(row["vehicle"], {"short": 100 * row["breaks"]}) for row in shown.to_dict("records")]
    more = (
        "" if len(shown) == (blocks["breaks"] > 0).sum() else f" The {_MOST} most often are drawn."
    )
    return bars(
        "short-of-charge", "whatif", "Buses that run short of charge",
        f"Share of the drawn days on which each bus falls below its least charge; up to "
        f"{100 * (1 - percentile):.3g} % is allowed.{more}",
        rows, {"short": "runs short"}, "% of the days", blocks,
    )  # fmt: skip


def _when(told: dict[str, Any]) -> Figure:
    """Hours of the service day at which buses first run short, over all drawn days."""
    table = pd.DataFrame(told["first_breaks"])
    hour = (table["time_s"] // _HOUR_S).astype(int)
    counts = table.groupby(hour)["scenarios"].sum()
    counts = counts.reindex(range(int(hour.min()), int(hour.max()) + 1), fill_value=0)
    days = int(told["scenarios"]["count"])
    rows = [(_clock(at), {"first": float(one) / days}) for at, one in counts.items()]
    return bars(
        "short-when", "whatif", "When they first run short",
        "Buses that first fall below their least charge in each hour, on a mean day; past 24:00 is the "
        "night after.",
        rows, {"first": "buses"}, "buses a day", table,
    )  # fmt: skip


def _clock(hour: Any) -> str:
    return f"{int(hour):02d}:00"


def _mends(told: dict[str, Any]) -> list[Figure]:
    table = pd.DataFrame(told.get("mends", []))
    if "more_kwh" not in table or not len(table):
        return []
    shown = table.head(_MOST)
    rows = [
        (row["vehicle"], {"more": row["more_kwh"]})
        for row in shown.to_dict("records")
        if is_number(row["more_kwh"])
    ]
    return [bars(
        "mends", "whatif", "What a bus lacks",
        "How much larger its battery would have to be. The table also says how much longer it would have to "
        "stand at a charger, or which charger on its way would do instead.",
        rows, {"more": "more battery"}, "kWh", table,
    )]  # fmt: skip


def _drawn(told: dict[str, Any]) -> str:
    """What was drawn, in the words of the question."""
    asked = {name: value for name, value in told["scenarios"].items()
             if name != "count" and value not in (None, False)}  # fmt: skip
    return ", ".join(f"{name} {value:g}" if is_number(value) else f"{name} {value}"
                     for name, value in asked.items())  # fmt: skip


def comparison_part(told: dict[str, Any], earlier: dict[str, Any] | None) -> Part:
    """What ``fleet compare`` brings: costs, buses and peaks of every what-if, side by side."""
    del earlier
    table, currency = pd.DataFrame(told["what_ifs"]), str(told.get("currency") or "")
    unit = 10 ** minor_digits(currency) if currency else 1
    money = f"{currency} a day" if currency else "minor units a day"
    rows: list[dict[str, Any]] = list(told["what_ifs"])
    costs = [(row["name"], {"cost": _over(row["cost_minor"], unit), "bound": _over(row["bound_minor"], unit)})
             for row in rows]  # fmt: skip
    apart = {"cost_minor", "more_minor", "bound_minor"}
    parts = [one for one in table if str(one).endswith("_minor") and one not in apart]
    split = [
        (_PARTS.get(part.removesuffix("_minor"), part.removesuffix("_minor").replace("_", " ")),
         {str(row["name"]): _over(row.get(part), unit) for row in rows})
        for part in map(str, parts)
    ]  # fmt: skip
    shown = {"now": "as planned"}
    names = {str(row["name"]): shown.get(str(row["name"]), str(row["name"])) for row in rows}
    figures = [
        bars("what-ifs", "whatif", "What a day costs under each assumption",
             f"Cost of the plan, and what no plan can beat, in {money}.", costs,
             {"cost": "the plan", "bound": "no plan can beat"}, money, table),
    ]  # fmt: skip
    if len(rows) <= 6:  # as many as there are colours
        figures.append(bars(
            "what-if-parts", "whatif", "What it is made of", "The cost of each plan, part by part.",
            split, names, money, table[["name", *parts]],
        ))  # fmt: skip
    figures.append(bars(
        "what-if-peaks", "whatif", "Peak power under each assumption",
        "The most that all sites together draw at once.",
        [(row["name"], {"kw": row.get("peak_kw")}) for row in rows], {"kw": "peak"}, "kW",
        table[["name", "peak_kw"]],
    ))  # fmt: skip
    return Part(
        domain="fleet", id="fleet-comparison", title="What if?",
        headline=_compared(rows, currency), kpis=table_of([]), figures=tuple(figures),
        provenance=tuple((f"What if: {row['name']}", str(row["change"]))
                         for row in rows if row.get("change")),
    )  # fmt: skip


def _over(value: Any, unit: int) -> float | None:
    return float(value) / unit if is_number(value) else None


def _compared(rows: list[dict[str, Any]], currency: str) -> tuple[str, ...]:
    said = []
    for row in rows:
        if row["name"] == "now":
            continue
        if not is_number(row["cost_minor"]):
            said.append(f"{row['name']}: there is no plan ({row['status']}).")
            continue
        more, buses = row.get("more_minor") or 0, int(row["vehicles"])
        money = format_money(abs(more), currency) if currency else f"{abs(more):,.0f} minor units"
        word = "more" if more > 0 else "less"
        said.append(f"{row['name']}: {buses:,} buses, "
                    + (f"{money} a day {word} than planned." if more else "the same cost as planned."))  # fmt: skip
    return tuple(said) or ("Nothing is compared.",)
