"""Pictures of caps: revenue, riders helped and equity over the level of a cap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.pictures import axes, pyplot
from mobility.units import format_money, minor_digits

if TYPE_CHECKING:
    from mobility.fares.cap_answer import CapAnswer
    from mobility.fares.cap_groups import GroupCaps
    from mobility.fares.equity import Equity
    from mobility.fares.policies import Comparison
    from mobility.fares.respond import Response

# Okabe and Ito's palette (2008), told apart by colour-blind readers too.
_REVENUE, _HELPED, _WORSE, _EQUITY, _GREY = "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#7F7F7F"


def plot_answer(answer: CapAnswer, ax: Any = None) -> Any:
    """Draw revenue, riders and equity over the level of the last cap, the others as answered.

    Parameters
    ----------
    ax
        Axes for the revenue alone; by default a new figure with three panels.

    Returns
    -------
    Axes
        The given one, or a tuple of three.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    plt = pyplot()
    if ax is not None:
        _draw_revenue(answer, ax)
        _x_axis(answer, ax)
        return ax
    _, rows = plt.subplots(3, 1, figsize=(8, 8.5), sharex=True, layout="constrained")
    _draw_revenue(answer, rows[0])
    _draw_riders(answer, rows[1])
    _draw_equity(answer, rows[2])
    _thousands(rows[1].yaxis)
    for one in rows:
        _mark_levels(answer, one)
        one.spines[["top", "right"]].set_visible(False)
    rows[0].set_title(_title(answer), loc="left", fontsize=10)
    rows[0].legend(loc="lower right", frameon=False, fontsize=8)
    rows[1].legend(loc="center right", frameon=False, fontsize=8)
    _x_axis(answer, rows[2])
    return tuple(rows)


def _unit(answer: CapAnswer) -> int:
    return int(10 ** minor_digits(answer.asked.currency))


def _scaled(answer: CapAnswer) -> tuple[float, str]:
    """What sums of money are divided by, and how that is called."""
    most = float(answer.curve["charged"].max()) / _unit(answer) if len(answer.curve) else 0.0
    for power, word in ((1e9, "billion "), (1e6, "million "), (1e3, "thousand ")):
        if most >= power:
            return _unit(answer) * power, word
    return float(_unit(answer)), ""


def _title(answer: CapAnswer) -> str:
    if not answer.levels:
        return str(answer)
    name, level = list(answer.levels.items())[-1]
    unit = _unit(answer)
    said = "none" if level is None else f"{level / unit:,.{0 if unit == 1 else 2}f}"
    return (
        f"cap {name!r} {answer.asked.currency} {said} with fares {answer.rise_percent:+g} %: "
        f"{answer.row['riders_helped']:,} riders pay less, {answer.row['riders_worse']:,} more"
    )


def _draw_revenue(answer: CapAnswer, ax: Any) -> None:
    by, word = _scaled(answer)
    x = answer.curve["level"] / _unit(answer)
    ax.plot(x, answer.curve["charged"] / by, color=_REVENUE, label="revenue")
    ax.axhline(answer.target / by, color=_GREY, linewidth=1, linestyle="--", label="asked for")
    ax.set_ylabel(f"revenue,\n{word}{answer.asked.currency}")


def _draw_riders(answer: CapAnswer, ax: Any) -> None:
    x = answer.curve["level"] / _unit(answer)
    few = 10  # of under ten riders nothing is drawn
    for name, colour, label in (
        ("riders_helped", _HELPED, "pay less than at present"),
        ("riders_worse", _WORSE, "pay more"),
    ):
        counts = answer.curve[name].astype(float)
        ax.plot(x, counts.mask((counts > 0) & (counts < few)), color=colour, label=label)
    ax.set_ylabel("riders")
    ax.set_ylim(bottom=0)


def _draw_equity(answer: CapAnswer, ax: Any) -> None:
    x = answer.curve["level"] / _unit(answer)
    ax.plot(x, answer.curve["gini"], color=_EQUITY)
    ax.set_ylabel("Gini index of\nwhat riders pay")


def _mark_levels(answer: CapAnswer, ax: Any) -> None:
    """The present level, and the answer's."""
    unit = _unit(answer)
    name = list(answer.levels)[-1]
    present = next(
        (one.amount for one in reversed(answer.asked.caps) if one.id == name and one.amount), None
    )
    if present is not None:
        ax.axvline(present / unit, color=_GREY, linewidth=1, linestyle=":")
    best = answer.levels[name]
    if best is not None:
        ax.axvline(best / unit, color="black", linewidth=1)
    if ax.get_subplotspec().is_first_row():
        top = ax.get_xaxis_transform()
        if present is not None:
            ax.text(present / unit, 0.02, " present", transform=top, fontsize=8, color=_GREY)
        if best is not None and best != present:
            ax.text(best / unit, 0.02, "answer ", transform=top, fontsize=8, ha="right")


def _thousands(axis: Any) -> None:
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def _money_axes(ax: Any) -> Any:
    """Sums of money both ways, and what the lines are."""
    _thousands(ax.xaxis)
    _thousands(ax.yaxis)
    ax.legend(frameon=False, fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _x_axis(answer: CapAnswer, ax: Any) -> None:
    _thousands(ax.xaxis)
    name = list(answer.levels)[-1] if answer.levels else "cap"
    ax.set_xlabel(f"level of cap {name!r}, {answer.asked.currency}")
    ax.set_xlim(left=0)


def plot_comparison(compared: Comparison, ax: Any = None) -> Any:
    """Draw revenue of policies over the first cap whose level varies, a line a rise of fares.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    ax = axes(ax, 8, 4.2)
    table, unit = compared.table, 10 ** minor_digits(compared.tariff.currency)
    ids = list(dict.fromkeys(one.id for one in compared.tariff.caps))
    name = next((one for one in ids if len(set(table[one].dropna())) > 1), ids[0])
    for rise, part in table.dropna(subset=[name]).groupby("rise_percent"):
        shown = part.groupby(name)["charged"].max()
        ax.plot(
            shown.index.to_numpy(float) / unit, shown.to_numpy(float) / unit, marker=".",
            label=f"fares {rise:+g} %",
        )  # fmt: skip
    ax.axhline(compared.present / unit, color=_GREY, linewidth=1, linestyle="--", label="present")
    ax.set_xlabel(f"level of cap {name!r}, {compared.tariff.currency}")
    ax.set_ylabel(f"revenue, {compared.tariff.currency}")
    return _money_axes(ax)


def plot_equity(equity: Equity, ax: Any = None) -> Any:
    """Draw what a rider of each decile of income saves (or pays more) in the mean.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    ax = axes(ax, 8, 4)
    shown = equity.by_decile
    saved = shown["saved_by_rider"].to_numpy(float)
    colours = [_HELPED if one >= 0 else _WORSE for one in saved]
    ax.bar(range(len(shown)), saved, color=colours)
    ax.axhline(0, color="black", linewidth=0.8)
    names = [
        str(int(one)) if isinstance(one, int | float) else "small\ngroups"
        for one in shown["decile"]
    ]
    ax.set_xticks(range(len(shown)), names)
    ax.set_xlabel("decile of income of the home zone, 1 the poorest")
    ax.set_ylabel("saved by a rider in the mean, minor units")
    head, _, rest = str(equity).partition("; ")
    ax.set_title(f"{head}\n{rest}", loc="left", fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_response(response: Response, ax: Any = None) -> Any:
    """Draw the change of revenue over the level of the last cap: a band a rise, worst scenario to best.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    ax = axes(ax, 8, 4.4)
    table = response.table
    name = str(table.columns[list(table.columns).index("rise_percent") - 1])
    for colour, (rise, part) in zip(
        (_REVENUE, _HELPED, _WORSE, _EQUITY, "#E69F00", "#56B4E9") * 9,
        table.dropna(subset=[name]).groupby("rise_percent"), strict=False,
    ):  # fmt: skip
        spread = part.groupby(name)["change"].agg(["min", "max"])
        x = spread.index.to_numpy(float)
        low, high = spread["min"].to_numpy(float), spread["max"].to_numpy(float)
        ax.fill_between(x, low, high, color=colour, alpha=0.25, linewidth=0)
        ax.plot(x, low, color=colour, marker=".", label=f"fares {rise:+g} %, worst")
    ax.axhline(0, color="black", linewidth=0.8)
    if response.robust is not None and response.robust[name] is not None:
        ax.plot(
            response.robust[name],
            response.robust["worst_change"],
            "k*",
            markersize=11,
            label="robust",
        )
    ax.set_xlabel(f"level of cap {name!r}, minor units")
    ax.set_ylabel("change of revenue, minor units")
    ax.set_title(
        f"elasticities {', '.join(f'{one:g}' for one in response.assumed.elasticities)}, assumed",
        loc="left", fontsize=10,
    )  # fmt: skip
    return _money_axes(ax)


def plot_groups(groups: GroupCaps, ax: Any = None) -> Any:
    """Draw the level of each group, and above it how many riders pay less.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    ax = axes(ax, 8, 4)
    unit = 10 ** minor_digits(groups.asked.currency)
    few, table = 10, groups.table
    none = (
        1.15 * float(table["level"].max()) if len(table) and table["level"].notna().any() else 1.0
    )
    heights = table["level"].astype("Float64").fillna(none).to_numpy(float) / unit
    colours = [_GREY if one else _REVENUE for one in table["level"].isna()]
    bars = ax.bar(table["group"].astype(str), heights, color=colours)
    for bar, row in zip(bars, table.to_dict("records"), strict=True):
        helped = int(row["riders_helped"])
        count = "under 10" if 0 < helped < few else f"{helped:,}"
        said = f"{count}\npay less"
        if pd.isna(row["level"]):
            said += "\n(no cap)"
        ax.text(bar.get_x() + bar.get_width() / 2, bar.get_height(), said, ha="center", va="bottom",
                fontsize=7)  # fmt: skip
    ax.margins(y=0.18)
    ax.set_ylabel(f"level of cap {groups.cap!r}, {groups.asked.currency}")
    ax.set_xlabel("group of riders")
    helped = int(groups.report.objective or 0)
    share = (
        ""
        if not groups.floor_groups or groups.floor_share is None
        else f", {groups.floor_share:.0%} of it for the floor's groups"
    )
    saved = (
        format_money(int(table["saved"].sum()), groups.asked.currency) if len(table) else "nothing"
    )
    ax.set_title(f"{helped:,} riders pay less and save {saved}{share}", loc="left", fontsize=10)
    _thousands(ax.yaxis)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
