"""A plan as a picture: every vehicle's day, and the power of every site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobility.errors import MissingExtra
from mobility.units import DAY_S, format_money

if TYPE_CHECKING:
    from mobility.fleet.plan import Plan

# Okabe and Ito's palette (2008), told apart by colour-blind readers too.
_KINDS = {
    "trip": ("in service", "#0072B2"),
    "pull-out": ("empty", "#E69F00"),
    "pull-in": ("empty", "#E69F00"),
    "deadhead": ("empty", "#E69F00"),
    "wait": ("waiting", "#CFCFCF"),
    "depot": ("at the depot", "#F0F0F0"),
}
_CHARGING = "#009E73"
# Paul Tol's "muted" (2021) for the sites: none of it is a colour of what the vehicles do.
_SITES = (
    "#332288", "#88CCEE", "#882255", "#DDCC77", "#117733", "#CC6677", "#44AA99", "#999933",
)  # fmt: skip
_MOST_ROWS = 150


def plot_plan(plan: Plan, ax: Any = None) -> Any:
    """Draw a plan: every vehicle's day, and below it the power of the sites over the clock.

    Parameters
    ----------
    ax
        Axes for the vehicles alone; by default a new figure with both.

    Returns
    -------
    Axes
        The given one, or the pair (vehicles, power).

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise MissingExtra(
            "plots need matplotlib", mend="pip install 'mobility-engine[plots]'"
        ) from None
    if ax is not None:
        _draw_vehicles(plan, ax)
        return ax
    _, (above, below) = plt.subplots(
        2, 1, figsize=(12, 8), height_ratios=(2.6, 1), sharex=True, layout="constrained"
    )
    _draw_vehicles(plan, above)
    _draw_power(plan, below)
    return above, below


def _draw_vehicles(plan: Plan, ax: Any) -> None:
    names = list(plan.blocks["vehicle"].unique())[:_MOST_ROWS]
    row = {name: at for at, name in enumerate(names)}
    shown = plan.blocks[plan.blocks["vehicle"].isin(row)]
    for kind, (label, colour) in _KINDS.items():
        part = shown[shown["kind"] == kind]
        ax.barh(
            part["vehicle"].map(row),
            (part["end_s"] - part["start_s"]) / 3600.0,
            left=part["start_s"] / 3600.0,
            height=0.85,
            linewidth=0,
            snap=False,  # rows of two or three pixels would run into each other
            color=colour,
            label=label if kind not in {"pull-in", "deadhead"} else None,
        )
    charged = plan.sessions[plan.sessions["vehicle"].isin(row)]
    ax.barh(
        charged["vehicle"].map(row),
        (charged["end_s"] - charged["start_s"]) / 3600.0,
        left=charged["start_s"] / 3600.0,
        height=0.85,
        linewidth=0,
        snap=False,  # rows of two or three pixels would run into each other
        color=_CHARGING,
        label="charging",
    )
    more = plan.vehicles - len(names)
    ax.set(
        ylabel="vehicles" + (f" (the first {len(names)} of {plan.vehicles})" if more > 0 else ""),
        title=_title(plan),
        yticks=[],
        ylim=(len(names) - 0.4, -0.6),
    )
    ax.legend(
        ncols=6, fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.01), frameon=False
    )


def _title(plan: Plan) -> str:
    """The headline without the wall time: a picture of the same plan is the same picture."""
    report = plan.report
    if report.objective is None:
        return str(plan)
    money = format_money(report.objective, plan.problem.currency)
    gap = "" if report.gap is None else f", gap {max(report.gap, 0.0):.1%}"
    return f"{plan.vehicles} vehicles (at least {plan.vehicles_bound}), {money} a day{gap}"


def _draw_power(plan: Plan, ax: Any) -> None:
    """Stack the sites' power; the day repeats, so it is drawn as far as the vehicles reach."""
    last = max(DAY_S, int(plan.sessions["end_s"].max() if len(plan.sessions) else 0))
    slot = plan.problem.tariff.slot_s
    hours = [at * slot / 3600.0 for at in range(last // slot + 1)]
    loads = {
        str(site): [float(part["kw"].iloc[at % len(part)]) for at in range(len(hours))]
        for site, part in plan.power.groupby("site", sort=True)
        if part["kw"].max() > 0
    }
    said = _shade_prices(plan, ax, last)
    if loads:
        colours = [_SITES[at % len(_SITES)] for at in range(len(loads))]
        ax.stackplot(hours, *loads.values(), labels=list(loads), colors=colours, step="post")
        ax.legend(
            ncols=6, fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False
        )
    first = min(0, int(plan.blocks["start_s"].min() if len(plan.blocks) else 0))
    ax.set(ylabel="kW charged", ylim=(0, None), xlim=(first / 3600.0, last / 3600.0))
    ticks = list(range(3 * (first // 10_800), int(last / 3600.0) + 1, 3))
    ax.set_xticks(ticks, [f"{at % 24:02d}:00" for at in ticks])
    ax.set_xlabel("; ".join(["time of day, past midnight into the next one", *said]))


def _shade_prices(plan: Plan, ax: Any, last: int) -> list[str]:
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
