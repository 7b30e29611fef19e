"""Fares: what taps come to, whom caps hold, and what other levels of a cap would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.fares.ledger import LEAST_RIDERS
from mobility.report.numbers import rows_of, table_of
from mobility.report.page import Figure, Part
from mobility.units import format_money, minor_digits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobility.report.read import Answer

# Groups that are drawn: more are told by those with the least and the most.
_MOST_GROUPS = 30
_COUNTS = {
    "taps": "taps", "settled": "taps", "cards": "cards", "journeys": "journeys",
    "unknown_fares": "taps", "capped_taps": "taps", "capped_cards": "cards", "voided": "taps",
}  # fmt: skip
_MONEY = ("nominal", "transfer_discount", "cap_discount", "charged")
# Of the best caps: names of the answer, and their unit; "money" is in minor units.
_BEST = {
    "riders_helped": "riders", "saved": "money", "riders_worse": "riders", "paid_more": "money",
    "present_revenue": "money", "best_revenue": "money", "change": "money",
}  # fmt: skip


def fares_part(now: dict[str, Answer], before: dict[str, Answer]) -> Part:
    """What settled taps, levels of a cap and the best caps bring to the page."""
    told = {kind: one.document for kind, one in now.items()}
    first = next(iter(told.values()))
    currency = str(first["currency"])
    figures: list[Figure] = []
    said: list[str] = []
    rows: list[tuple[str, ...]] = []
    if settled := told.get("fares-settle"):
        earlier = before["fares-settle"].document["totals"] if "fares-settle" in before else None
        totals, earlier = _told(settled["totals"]), earlier and _told(earlier)
        units = _COUNTS | dict.fromkeys(_MONEY, f"minor:{currency}")
        order = (
            "taps",
            "cards",
            "journeys",
            *_MONEY,
            "capped_cards",
            "capped_taps",
            "unknown_fares",
        )
        rows += rows_of(totals, earlier, {name: units[name] for name in order})
        said += _says_settled(settled["totals"], currency)
        figures.append(_where_it_goes(settled["totals"], currency))
        ledger = now["fares-settle"].given
        if ledger is not None and getattr(ledger, "taps", None) is not None:
            from mobility.report.riders import rider_figures

            figures += rider_figures(ledger)
    if levels := told.get("fares-caps"):
        figures += _levels(levels["levels"], currency)
        said += _says_levels(levels["levels"], currency)
    if best := told.get("fares-best"):
        figures += _best(best, currency)
        said += _says_best(best, currency)
        units = {
            name: f"minor:{currency}" if unit == "money" else unit for name, unit in _BEST.items()
        }
        policy = dict(best.get("policy") or {})
        policy |= {
            "present_revenue": best.get("present_revenue"),
            "best_revenue": policy.get("charged"),
        }
        rows += rows_of(policy, None, units)
    if groups := told.get("fares-groups"):
        from mobility.report.fare_groups import group_figures, group_headline

        figures += group_figures(groups)
        said += group_headline(groups)
    if compared := told.get("fares-policy"):
        figures += _policies(compared, currency)
        said += _says_compared(compared, currency)
    return Part(
        domain="fares",
        title="Fares",
        headline=tuple(said) or ("No figures.",),
        kpis=table_of(rows),
        figures=tuple(figures),
        findings=tuple(
            one for doc in told.values()
            for one in (*doc.get("findings", ()), *(doc.get("equity") or {}).get("findings", ()))
        ),
        assumptions=tuple(dict.fromkeys(one for doc in told.values() for one in doc.get("assumptions", ()))),
        provenance=tuple(row for one in now.values() for row in _provenance(one)),
    )  # fmt: skip


def money_unit(currency: str) -> int:
    """Minor units of one unit of a currency."""
    return int(10 ** minor_digits(currency))


def _says_settled(totals: dict[str, Any], currency: str) -> list[str]:
    capped, cards = totals["capped_cards"], totals["cards"]
    share = f" ({100 * capped / cards:.1f} %)" if cards else ""
    money = format_money(totals["charged"], currency)
    saved = format_money(totals["cap_discount"], currency)
    few = 0 < capped < LEAST_RIDERS
    held = "fewer than ten" if few else f"{capped:,}"
    return [
        f"{cards:,} cards pay {money} for {totals['taps']:,} taps.",
        f"{held[:1].upper()}{held[1:]} of them{'' if few else share} reach a cap and save {saved}.",
    ]


def _told(totals: dict[str, Any]) -> dict[str, Any]:
    """Totals as they may be told: no count of one to nine cards."""
    few = 0 < totals["capped_cards"] < LEAST_RIDERS
    return totals | ({"capped_cards": "fewer than ten"} if few else {})


def _says_levels(levels: list[dict[str, Any]], currency: str) -> list[str]:
    tried = [one for one in levels if one["level"] is not None]
    none = next((one for one in levels if one["level"] is None), None)
    if not tried:
        return []
    said = [f"{len(tried)} levels of the cap were tried on the same taps."]
    if none is not None and none["change"]:
        word = "more" if none["change"] > 0 else "less"
        money = format_money(abs(none["change"]), currency)
        said.append(f"Without the cap riders would pay {money} {word}.")
    return said


def _says_best(best: dict[str, Any], currency: str) -> list[str]:
    """The best caps as sentences: what changes, who gains, who pays, and how sure that is."""
    policy, levels = best.get("policy") or {}, best.get("levels") or {}
    if not levels or "charged" not in policy:
        return [f"There are no such caps: {best.get('why') or best.get('status')}."]
    caps = " and ".join(
        f"no cap {name!r}" if level is None else f"cap {name!r} at {format_money(level, currency)}"
        for name, level in levels.items()
    )
    rise = best.get("rise_percent") or 0
    fares = (
        "fares as they are"
        if not rise
        else f"all fares {abs(rise):g} % {'higher' if rise > 0 else 'lower'}"
    )
    less, more = (_riders(policy.get(name)) for name in ("riders_helped", "riders_worse"))
    change = policy.get("change", 0)
    said = [f"With {caps} and {fares}, {less} pay less and {more} pay more.",
            "Revenue stays the same." if not change else
            f"Revenue {'rises' if change > 0 else 'falls'} by {format_money(abs(change), currency)}, to "
            f"{format_money(policy['charged'], currency)}."]  # fmt: skip
    if best.get("status") == "optimal":
        said.append("It is proven that no other choice among those asked about helps more riders.")
    return said


def _riders(count: Any) -> str:
    if count is None:
        return "fewer than ten riders"
    return f"{int(count):,} {'rider' if count == 1 else 'riders'}"


def _where_it_goes(totals: dict[str, Any], currency: str) -> Figure:
    """From nominal fares to what is charged."""
    unit = money_unit(currency)
    names = {
        "nominal": "nominal fares", "transfer_discount": "less transfers",
        "cap_discount": "less caps", "charged": "charged",
    }  # fmt: skip
    table = pd.DataFrame(
        [(names[name], totals[name] / unit) for name in _MONEY], columns=["what", currency]
    )
    groups = [
        {"name": row[0], "bars": [{"series": "amount", "value": row[1]}]}
        for row in table.itertuples(index=False, name=None)
    ]
    return Figure(
        "fare-parts", "fares", "bars", "From nominal fares to charges",
        "Nominal fares less transfer discounts and less caps are what is charged, to the minor unit.",
        {"groups": groups, "series": [{"id": "amount", "name": f"{currency} in all"}], "unit": currency},
        table,
    )  # fmt: skip


def _levels(levels: list[dict[str, Any]], currency: str) -> list[Figure]:
    """Revenue, and whom the cap holds, over its level."""
    unit = money_unit(currency)
    tried = sorted(
        (one for one in levels if one["level"] is not None), key=lambda one: one["level"]
    )
    if not tried:
        return []
    none = next((one for one in levels if one["level"] is None), None)
    present = [one for one in tried if one["change"] == 0]
    panels = [
        _panel("revenue", currency, [("revenue", tried, "charged", unit)],
               [("without the cap", none["charged"] / unit)] if none else [], money=unit),
        _panel("cards that the cap holds (under ten are not told)", "cards", [("cards", tried, "cards", 1)],
               money=unit),
        _panel("taps that it holds", "taps", [("taps", tried, "taps", 1)], money=unit),
    ]  # fmt: skip
    marks = [{"x": one["level"] / unit, "name": "at present"} for one in present[:1]]
    table = pd.DataFrame(levels).rename(columns={
        "level": "level_minor", "charged": "charged_minor", "change": "change_minor"})  # fmt: skip
    return [Figure(
        "cap-levels", "fares", "lines", "Revenue over the level of the cap",
        "What the same taps would bring with other levels of the cap, and whom it would hold.",
        {"panels": panels, "x": {"name": f"level of the cap, {currency}", "marks": marks}}, table,
    )]  # fmt: skip


def _best(told: dict[str, Any], currency: str) -> list[Figure]:
    """The curve around the best caps, the frontier of rises, and who gains by group."""
    unit, figures = money_unit(currency), []
    curve = [one for one in told.get("curve", ()) if one.get("level") is not None]
    if curve:
        name = next(reversed(told["levels"]), "cap") if told.get("levels") else "cap"
        level = (told.get("levels") or {}).get(name)
        panels = [
            _panel("revenue", currency, [("revenue", curve, "charged", unit)],
                   [("asked for", told["least_revenue"] / unit), ("at present", told["present_revenue"] / unit)],
                   money=unit),
            _panel("riders (under ten are not told)", "riders",
                   [("pay less", curve, "riders_helped", 1), ("pay more", curve, "riders_worse", 1)],
                   money=unit),
            _panel("Gini index of what riders pay", "", [("Gini index", curve, "gini", 1)], money=unit),
        ]  # fmt: skip
        marks = [] if level is None else [{"x": level / unit, "name": "best"}]
        figures.append(Figure(
            "cap-curve", "fares", "lines", "Revenue, riders and equity over the level of the cap",
            f"All else as in the answer; the cap is {name!r}. {_proved(told)}".strip(),
            {"panels": panels, "x": {"name": f"level of cap {name!r}, {currency}", "marks": marks}},
            pd.DataFrame(told["curve"]),
        ))  # fmt: skip
    frontier = pd.DataFrame(told.get("frontier", []))
    if {"rise_percent", "riders_helped", "riders_worse"} <= set(frontier):
        groups = [
            {"name": f"fares {row['rise_percent']:+g} %",
             "bars": [{"series": one, "value": row[one]} for one in ("riders_helped", "riders_worse")]}
            for row in frontier.to_dict("records")
            if row.get("reaches", True)
        ]  # fmt: skip
        series = [
            {"id": "riders_helped", "name": "pay less"},
            {"id": "riders_worse", "name": "pay more"},
        ]
        figures.append(Figure(
            "cap-frontier", "fares", "bars", "Riders who pay less and more, by rise of fares",
            "The best caps at each rise of all fares that bring the revenue asked for.",
            {"groups": groups, "series": series, "unit": "riders"}, frontier,
        ))  # fmt: skip
    return figures + _by_group(told.get("equity"), currency)


def _proved(told: dict[str, Any]) -> str:
    claim = str((told.get("proof") or {}).get("claim", "")).rstrip(".")
    return f"Proved {claim}." if claim else ""


def _by_group(equity: dict[str, Any] | None, currency: str) -> list[Figure]:
    """Saving, and riders who reach a cap, of each group that the answer tells apart."""
    figures = []
    for name, rows in (equity or {}).items():
        if not isinstance(rows, list) or not rows or not isinstance(rows[0], dict):
            continue
        table = pd.DataFrame(rows)
        label = table.columns[0]
        saving = next((one for one in table if str(one).startswith("saved")), None)
        if saving is None:
            continue
        shown = _ends(table, str(saving))
        groups = [
            {"name": str(row[label]), "bars": [{"series": "saved", "value": row[saving] / money_unit(currency)}]}
            for row in shown.to_dict("records")
            if isinstance(row[saving], int | float)
        ]  # fmt: skip
        figures.append(Figure(
            f"equity-{name}".replace("_", "-"), "fares", "bars", f"Saving by {str(label).replace('_', ' ')}",
            "What the riders of each group save by the best caps; groups of under ten riders are merged, "
            f"and of more than {_MOST_GROUPS} groups those with the least and the most are drawn.",
            {"groups": groups, "series": [{"id": "saved", "name": "saved"}], "unit": currency}, table,
        ))  # fmt: skip
        if "share_reaching" in table:
            figures.append(_who_reaches(table, str(label), name))
    return figures


def _who_reaches(table: pd.DataFrame, label: str, name: str) -> Figure:
    """Share of the riders of each group that spend a whole cap in some period."""
    groups = [
        {
            "name": str(row[label]),
            "bars": [{"series": "share", "value": 100 * row["share_reaching"]}],
        }
        for row in _ends(table, "share_reaching").to_dict("records")
        if isinstance(row["share_reaching"], int | float)
    ]
    return Figure(
        f"reaching-{name}".replace("_", "-"), "fares", "bars",
        f"Who reaches a cap, by {label.replace('_', ' ')}",
        "Share of the riders of each group who spend a whole cap in some period.",
        {"groups": groups, "series": [{"id": "share", "name": "riders"}], "unit": "% of riders"},
        table[[label, "riders", "share_reaching"]],
    )  # fmt: skip


def _ends(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """The rows that are drawn: all, or those with the least and the most, in their order."""
    if len(table) <= _MOST_GROUPS:
        return table
    half = _MOST_GROUPS // 2
    order = pd.to_numeric(table[by], errors="coerce").sort_values(kind="stable").index
    return table.loc[[*order[:half], *order[-half:]]]


def _says_compared(told: dict[str, Any], currency: str) -> list[str]:
    """How many policies, and the least and the most that they bring."""
    rows, present = told["policies"], told["present"]
    said = [(f"{len(rows):,} policies are compared over the same taps, which bring "
            f"{format_money(present, currency)} at present.")]  # fmt: skip
    charged = [one["charged"] for one in rows if isinstance(one.get("charged"), int | float)]
    if charged:
        said.append(f"They would bring {format_money(min(charged), currency)} to "
                    f"{format_money(max(charged), currency)}.")  # fmt: skip
    return said


def _policies(told: dict[str, Any], currency: str) -> list[Figure]:
    """Revenue over the first cap whose level varies, a line a rise of fares."""
    unit, table = money_unit(currency), pd.DataFrame(told["policies"])
    apart = {"rise_percent", "adoption", "charged"}
    varied = [str(one) for one in table if one not in apart and len(table[one].unique()) > 1]
    name = varied[0] if varied else None
    if name is None or "charged" not in table:
        return []
    series = [
        (f"fares {rise:+g} %", part.dropna(subset=[name]).sort_values(name).to_dict("records"), "charged", unit)
        for rise, part in table.groupby(table.get("rise_percent", pd.Series(0.0, table.index)))
    ]  # fmt: skip
    panel = _panel(
        "revenue", currency, series, [("at present", told["present"] / unit)], money=unit, x=name
    )
    return [Figure(
        "policies", "fares", "lines", "Revenue of the policies compared",
        "What the same taps bring under each policy.",
        {"panels": [panel], "x": {"name": f"level of cap {name!r}, {currency}", "marks": []}}, table,
    )]  # fmt: skip


def _panel(
    title: str,
    unit: str,
    series: Iterable[tuple[str, list[Any], str, int]],
    lines: list[tuple[str, float]] | None = None,
    *,
    money: int,
    x: str = "level",
) -> dict[str, Any]:
    """One panel of lines over the level of a cap; what is not told leaves a hole."""
    drawn = [
        {"name": name, "points": [
            [row[x] / money, None if row.get(key) is None else row[key] / by] for row in rows]}
        for name, rows, key, by in series
    ]  # fmt: skip
    return {"title": title, "unit": unit, "series": drawn,
            "lines": [{"name": one, "value": value} for one, value in lines or []]}  # fmt: skip


def _provenance(answer: Answer) -> list[tuple[str, str]]:
    told, rows = answer.document, [("Result", answer.name)]
    rows += [("Tariff", str(told["tariff"]))] if "tariff" in told else []
    if "status" in told:
        rows += [
            ("Status", f"{told['status']}, stopped: {told.get('stop_reason')}"),
            ("What the bound covers", str(told.get("bound_scope", ""))),
            ("Seed", str(told.get("seed"))),
            ("Time of the solve", f"{told.get('seconds')} s"),
            ("Versions", ", ".join(f"{a} {b}" for a, b in told.get("versions", {}).items())),
        ]
    return rows
