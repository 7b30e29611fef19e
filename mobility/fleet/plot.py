"""A plan as a picture: every vehicle's day, what the buses do, and the power of every site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.fleet.kpis import QUARTER_S, buses_by_quarter_hour, charge_levels
from mobility.pictures import pyplot
from mobility.units import DAY_S, format_money

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from mobility.fleet.plan import BlockPlan, Plan

# Okabe and Ito's palette (2008), told apart by colour-blind readers too.
_SERVICE, _EMPTY, _CHARGING, _OTHER = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
_LAYOVER, _DEPOT = "#BDBDBD", "#EFEFEF"
_KINDS = {
    "trip": _SERVICE, "pull-out": _EMPTY, "deadhead": _EMPTY, "pull-in": _EMPTY,
    "wait": _LAYOVER, "depot": _DEPOT,
}  # fmt: skip
# Paul Tol's "muted" (2021) for the sites: none of it is a colour of what the vehicles do.
_SITES = (
    "#332288", "#88CCEE", "#882255", "#DDCC77", "#117733", "#CC6677", "#44AA99", "#999933",
)  # fmt: skip
# Rows that can still be told apart; above it a sample is drawn, and the axis says so.
_MOST_ROWS = 150
# Rows that are high enough for a name and a line of the charge.
_FEW_ROWS = 36
_MOST_DEPOTS = 24
_LONG_NAME = 18


def plot_plan(plan: Plan | BlockPlan, ax: Any = None) -> Any:
    """Draw a plan over the clock, vehicles grouped by depot.

    Parameters
    ----------
    ax
        Axes for the vehicles alone; by default a new figure with all panels.

    Returns
    -------
    Axes
        The given one, or a tuple: vehicles, buses by quarter hour and, where the plan charges,
        power of the sites.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    plt = pyplot()
    if ax is not None:
        _draw_vehicles(plan, ax)
        _clock(ax, *_span(plan))
        return ax
    powered = len(getattr(plan, "power", ())) > 0
    rows = min(plan.blocks["vehicle"].nunique(), _MOST_ROWS)
    heights = [min(5.6, max(1.6, 0.3 * rows)), 1.5, *([1.9] if powered else [])]
    _, axes = plt.subplots(
        len(heights), 1, figsize=(12, sum(heights) + 1.6), height_ratios=heights, sharex=True,
        layout="constrained",
    )  # fmt: skip
    _draw_vehicles(plan, axes[0])
    _draw_buses(plan, axes[1])
    said = _draw_power(plan, axes[2]) if powered else []
    _clock(axes[-1], *_span(plan))
    axes[-1].set_xlabel("; ".join(["time of day; past 24:00 the next day begins", *said]))
    return tuple(axes)


def _draw_vehicles(plan: Plan | BlockPlan, ax: Any) -> None:
    names, depots = _chosen(plan)
    row = {name: at for at, name in enumerate(names)}
    shown = plan.blocks[plan.blocks["vehicle"].isin(row)]
    kind = shown["kind"].to_numpy(object)
    colours = np.array([_KINDS.get(one, _LAYOVER) for one in kind], object)
    sessions = getattr(plan, "sessions", None)
    if sessions is not None:  # a plan of blocks alone knows no energy
        colours[(kind == "trip") & ~shown["electric"].to_numpy(bool)] = _OTHER
    # What is short is drawn last: an empty run between two trips stays to be seen.
    for colour in (_DEPOT, _LAYOVER, _SERVICE, _OTHER, _EMPTY):
        _bars(ax, shown[colours == colour], row, colour)
    if sessions is not None:
        _bars(ax, sessions[sessions["vehicle"].isin(row)], row, _CHARGING)
    told = {
        "in service": _SERVICE, "in service, not electric": _OTHER, "empty": _EMPTY,
        "layover": _LAYOVER, "in the depot": _DEPOT, "charging": _CHARGING,
    }  # fmt: skip
    drawn = {*colours, *([_CHARGING] if sessions is not None and len(sessions) else [])}
    _legend(ax, {name: colour for name, colour in told.items() if colour in drawn})
    if len(names) <= _FEW_ROWS:
        ax.set_yticks(range(len(names)), names, fontsize=7)
        if sessions is not None:
            _charge_lines(plan, ax, row)
    else:
        _name_depots(ax, depots)
    vehicles = plan.blocks["vehicle"].nunique()
    part = "" if len(names) == vehicles else f" ({len(names)} of {vehicles:,}, evenly chosen)"
    ax.set(ylabel=f"vehicles{part}", ylim=(max(len(names), 1) - 0.4, -0.6))
    ax.tick_params(axis="y", length=0)
    frame(ax)
    ax.set_title(_title(plan), loc="left", fontweight="bold", pad=24 if _below(plan) else 8)
    if _below(plan):
        ax.annotate(
            _below(plan), (0, 1), xytext=(0, 10), xycoords="axes fraction",
            textcoords="offset points", fontsize=9, color="#444444",
        )  # fmt: skip


def _chosen(plan: Plan | BlockPlan) -> tuple[list[str], list[str]]:
    """Vehicles to draw, by depot and first pull-out, and the depot of each; a sample of many."""
    first = plan.blocks.sort_values(["depot", "start_s", "vehicle"], kind="stable")
    first = first.drop_duplicates("vehicle")
    names, depots = first["vehicle"].tolist(), first["depot"].tolist()
    if len(names) > _MOST_ROWS:
        rows = np.linspace(0, len(names) - 1, _MOST_ROWS).round().astype(int)
        names, depots = [names[at] for at in rows], [depots[at] for at in rows]
    return names, depots


def _bars(ax: Any, rows: pd.DataFrame, row: dict[str, int], colour: str) -> None:
    """One bar a row of a table, all in one collection: thousands are drawn in a moment."""
    from matplotlib.collections import PolyCollection

    if rows.empty:
        return
    middle = rows["vehicle"].map(row).to_numpy(float)
    x0 = rows["start_s"].to_numpy(float) / 3600.0
    x1 = rows["end_s"].to_numpy(float) / 3600.0
    low, high = middle - 0.43, middle + 0.43
    corners: Any = np.stack([x0, low, x0, high, x1, high, x1, low], axis=1).reshape(-1, 4, 2)
    ax.add_collection(
        PolyCollection(corners, facecolors=colour, linewidths=0, snap=False), autolim=False
    )


def _charge_lines(plan: Any, ax: Any, row: dict[str, int]) -> None:
    """State of charge in each row: its floor is empty, its top is full."""
    from matplotlib.patheffects import withStroke

    seen = {
        "color": "black",
        "lw": 0.9,
        "path_effects": [withStroke(linewidth=2.4, foreground="w")],
    }
    levels = charge_levels(plan)
    levels = levels[levels["vehicle"].isin(row)]
    for name, part in levels.groupby("vehicle", sort=False):
        height = row[str(name)] + 0.43 - 0.86 * part["soc"].to_numpy(float)
        ax.plot(part["time_s"].to_numpy(float) / 3600.0, height, zorder=4, **seen)
    if len(levels):
        ax.plot([], [], label="state of charge", **seen)
        handles, labels = ax.get_legend_handles_labels()
        old = ax.get_legend()
        handles = [*old.legend_handles, *handles]
        labels = [*(text.get_text() for text in old.get_texts()), *labels]
        _place_legend(ax, handles, labels)


def _name_depots(ax: Any, depots: list[str]) -> None:
    """Name each depot beside its vehicles, and part them by a line."""
    starts = [at for at, name in enumerate(depots) if at == 0 or depots[at - 1] != name]
    ends = [*starts[1:], len(depots)]
    # A lower band has no room for a name; one depot alone needs none.
    wide = [(start, end) for start, end in zip(starts, ends, strict=True) if end - start >= 3]
    if not 1 < len(starts) <= _MOST_DEPOTS:
        wide = []
    names = [depots[start] for start, _ in wide]
    short = [name if len(name) <= _LONG_NAME else f"{name[: _LONG_NAME - 1]}…" for name in names]
    ax.set_yticks([(start + end - 1) / 2 for start, end in wide], short, fontsize=8)
    for start in starts[1:]:
        ax.axhline(start - 0.5, color="#444444", lw=0.6)


def _title(plan: Plan | BlockPlan) -> str:
    """The headline without the wall time: a picture of the same plan is the same picture."""
    report = plan.report
    if report.objective is None:
        return str(plan)
    money = format_money(report.objective, plan.problem.currency)
    gap = "" if report.gap is None else f", gap {max(report.gap, 0.0):.1%}"
    return f"{plan.vehicles:,} vehicles (at least {plan.vehicles_bound:,}), {money} a day{gap}"


def _below(plan: Plan | BlockPlan) -> str:
    """A second line: the day, the peak, empty running, the least charge."""
    told = plan.kpis
    if not told["trips"]:
        return ""
    said = [] if plan.problem.date is None else [plan.problem.date.isoformat()]
    said += [
        f"{told['trips']:,} trips",
        f"{told['peak_buses']:,} buses out at the peak",
        f"{told['deadhead_share']:.1%} of the km empty",
    ]
    if told["least_soc"] is not None:
        said.append(f"batteries never below {told['least_soc']:.0%}")
    if told["peak_kw_in_all"]:
        said.append(f"{told['peak_kw_in_all']:,.0f} kW at the most")
    return "  ·  ".join(said)


def _draw_buses(plan: Plan | BlockPlan, ax: Any) -> None:
    """Stack what the buses do, quarter hour by quarter hour."""
    table = buses_by_quarter_hour(plan)
    first, last = _span(plan)
    edges = np.arange(first // QUARTER_S, -(-last // QUARTER_S) + 1)
    at = edges % len(table)
    colours = {
        "in_service": _SERVICE, "deadhead": _EMPTY, "layover": _LAYOVER, "charging": _CHARGING,
        "at_depot": _DEPOT,
    }  # fmt: skip
    ax.stackplot(
        edges * QUARTER_S / 3600.0, *(table[name].to_numpy()[at] for name in colours),
        colors=list(colours.values()), step="post", linewidth=0,
    )  # fmt: skip
    most = int(table["most_out"].max())
    when = int(table["start_s"].iloc[int(table["most_out"].to_numpy().argmax())])
    ax.axhline(most, color="#444444", lw=0.8, ls=(0, (4, 3)))
    ax.annotate(
        f"{most:,} out at once, from {when // 3600:02d}:{when // 60 % 60:02d}", (1, most),
        xytext=(-4, 2), xycoords=("axes fraction", "data"), textcoords="offset points",
        ha="right", va="bottom", fontsize=8,
        bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1},
    )  # fmt: skip
    ax.set(ylabel="buses", ylim=(0, max(plan.blocks["vehicle"].nunique(), most * 1.22, 1)))
    frame(ax)


def _draw_power(plan: Any, ax: Any) -> list[str]:
    """Stack the sites' power; the day repeats, so it is drawn as far as the vehicles reach."""
    first, last = _span(plan)
    slot = plan.problem.tariff.slot_s
    steps = np.arange(first // slot, -(-last // slot) + 1)
    loads: dict[str, NDArray[np.float64]] = {
        str(site): part["kw"].to_numpy(float)[steps % len(part)]
        for site, part in plan.power.groupby("site", sort=True)
        if part["kw"].max() > 0
    }
    said = _shade_prices(plan, ax, last)
    if loads:
        by_size = sorted(loads, key=lambda site: (-float(loads[site].sum()), site))
        own = sorted(by_size[: len(_SITES) - 1])
        rest = [name for name in by_size if name not in own]
        if len(rest) == 1:
            own, rest = sorted(by_size), []
        layers = {name: loads[name] for name in own}
        if rest:
            layers[f"{len(rest)} other sites"] = np.sum([loads[name] for name in rest], axis=0)
        colours = dict(zip(layers, _SITES, strict=False))
        ax.stackplot(
            steps * slot / 3600.0, *layers.values(), colors=list(colours.values()), step="post",
            linewidth=0,
        )  # fmt: skip
        _legend(ax, colours, above=True)
    ax.set(ylabel="kW charged", ylim=(0, None))
    frame(ax)
    return said


def _shade_prices(plan: Any, ax: Any, last: int) -> list[str]:
    """Shade dear hours, and hatch those of the demand charge; the words that explain them."""
    tariff, said = plan.problem.tariff, []
    prices = [price for _, price in tariff.energy]
    low, high = min(prices), max(prices)
    if high > low:
        said.append(f"grey: dearer energy ({low:g} to {high:g} a kWh)")
        ends = [*(start for start, _ in tariff.energy[1:]), tariff.energy[0][0] + DAY_S]
        for (start, price), end in zip(tariff.energy, ends, strict=True):
            for day in range(-DAY_S, last, DAY_S):
                ax.axvspan(
                    (start + day) / 3600.0, (end + day) / 3600.0,
                    color="#000000", alpha=0.16 * (price - low) / (high - low), lw=0,
                )  # fmt: skip
    month = plan.problem.date.month if plan.problem.date else None
    for demand in tariff.demand:
        if not demand.hours or (month and demand.months and month not in demand.months):
            continue
        if "hatched: hours of the demand charge" not in said:
            said.append("hatched: hours of the demand charge")
        for start, end in demand.hours:
            until = end if end > start else end + DAY_S
            for day in range(-DAY_S, last, DAY_S):
                ax.axvspan(
                    (start + day) / 3600.0, (until + day) / 3600.0,
                    facecolor="none", edgecolor="#A0522D", hatch="//", alpha=0.5, lw=0,
                )  # fmt: skip
    return said


def _span(plan: Plan | BlockPlan) -> tuple[int, int]:
    """First and last second to draw: the whole day, and as far as anybody reaches beyond it."""
    tables = [plan.blocks, getattr(plan, "sessions", plan.blocks)]
    first = min([0, *(int(one["start_s"].min()) for one in tables if len(one))])
    return first, max([DAY_S, *(int(one["end_s"].max()) for one in tables if len(one))])


def _clock(ax: Any, first: int, last: int) -> None:
    step = 2 if last - first <= 1.3 * DAY_S else 3
    ticks = list(range(-(-first // (3600 * step)) * step, last // 3600 + 1, step))
    ax.set_xlim(first / 3600.0, last / 3600.0)
    ax.set_xticks(ticks, [f"{at % 24:02d}:00" for at in ticks])
    for one in ax.figure.axes if ax.get_shared_x_axes().joined(ax, ax.figure.axes[0]) else [ax]:
        for midnight in range(DAY_S, last, DAY_S):
            one.axvline(midnight / 3600.0, color="#444444", lw=0.8, ls=":")


def _legend(ax: Any, colours: dict[str, str], *, above: bool = False) -> None:
    from matplotlib.patches import Patch

    _place_legend(
        ax, [Patch(color=colour) for colour in colours.values()], list(colours), above=above
    )


def _place_legend(ax: Any, handles: list[Any], labels: list[str], *, above: bool = False) -> None:
    ax.legend(
        handles, labels, ncols=8, fontsize=8, loc="lower right" if above else "upper right",
        bbox_to_anchor=(1.0, 1.0 if above else -0.005), frameon=False, handlelength=1.2,
        columnspacing=1.2, borderaxespad=0.2,
    )  # fmt: skip


def frame(ax: Any) -> None:
    """No box where no axis is: the eye follows the bars."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_axisbelow(True)
