"""A plan as a picture: every vehicle's day, and the power of every site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobility.errors import MissingExtra
from mobility.units import DAY_S

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
_SITES = ("#0072B2", "#56B4E9", "#009E73", "#F0E442", "#E69F00", "#D55E00", "#CC79A7", "#999999")
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
        2, 1, figsize=(12, 8), height_ratios=(3, 1), sharex=True, layout="constrained"
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
            color=colour,
            label=label if kind not in {"pull-in", "deadhead"} else None,
        )
    charged = plan.sessions[plan.sessions["vehicle"].isin(row)]
    ax.barh(
        charged["vehicle"].map(row),
        (charged["end_s"] - charged["start_s"]) / 3600.0,
        left=charged["start_s"] / 3600.0,
        height=0.85,
        color=_CHARGING,
        label="charging",
    )
    more = plan.vehicles - len(names)
    ax.set(
        ylabel="vehicles" + (f" (the first {len(names)} of {plan.vehicles})" if more > 0 else ""),
        title=str(plan),
        yticks=[],
        ylim=(len(names) - 0.4, -0.6),
    )
    ax.legend(
        ncols=6, fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.01), frameon=False
    )


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
    for demand in plan.problem.tariff.demand:
        for start, end in demand.hours:
            for day in range(0, last, DAY_S):
                ax.axvspan(
                    (start + day) / 3600.0, (end + day) / 3600.0, color="#D55E00", alpha=0.12, lw=0
                )
    if loads:
        colours = [_SITES[at % len(_SITES)] for at in range(len(loads))]
        ax.stackplot(hours, *loads.values(), labels=list(loads), colors=colours, step="post")
        ax.legend(ncols=2, fontsize="small", loc="upper center", frameon=False)
    ax.set(ylabel="kW charged", ylim=(0, None), xlim=(min(0, hours[0]), last / 3600.0))
    ticks = list(range(0, int(last / 3600.0) + 1, 3))
    ax.set_xticks(ticks, [f"{at % 24:02d}:00" for at in ticks])
    shaded = "; shaded: the hours of the demand charge" if plan.problem.tariff.demand else ""
    ax.set_xlabel(f"time of day, past midnight into the next one{shaded}")
