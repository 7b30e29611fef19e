"""A plan as a picture: every vehicle's day, and the power of every site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mobility.fleet.plan import Plan

COLOURS = {
    "trip": "#2b6cb0", "deadhead": "#a0aec0", "pull-out": "#a0aec0", "pull-in": "#a0aec0",
    "wait": "#edf2f7", "depot": "#faf089", "charging": "#2f855a",
}  # fmt: skip


def plot_plan(plan: Plan, ax: Any = None) -> Any:
    """Draw a plan; the axes of the Gantt and of the power are returned, or ``ax`` alone if given."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        from mobility.errors import MissingExtra

        raise MissingExtra(
            "plots need matplotlib", mend="pip install 'mobility-engine[plots]'"
        ) from None

    below = None
    if ax is None:
        _, (ax, below) = plt.subplots(2, 1, figsize=(11, 8), height_ratios=(3, 1), sharex=True)
    rows = {vehicle: at for at, vehicle in enumerate(plan.blocks["vehicle"].unique())}
    for kind, part in plan.blocks.groupby("kind"):
        start, length = part["start_s"] / 3600.0, (part["end_s"] - part["start_s"]) / 3600.0
        ax.barh(
            part["vehicle"].map(rows),
            length,
            left=start,
            height=0.8,
            color=COLOURS[str(kind)],
            label=kind,
        )
    if len(plan.sessions):
        start = plan.sessions["start_s"] / 3600.0
        length = (plan.sessions["end_s"] - plan.sessions["start_s"]) / 3600.0
        ax.barh(plan.sessions["vehicle"].map(rows), length, left=start, height=0.35,
                color=COLOURS["charging"], label="charging")  # fmt: skip
    ax.set(ylabel="vehicle", title=str(plan))
    ax.invert_yaxis()
    ax.legend(ncols=7, fontsize="small", loc="lower center")
    if below is None:
        return ax
    for site, part in plan.power.groupby("site"):
        below.step(part["start_s"] / 3600.0, part["kw"], where="post", label=site)
    below.set(xlabel="hour of the service day", ylabel="kW", ylim=(0, None))
    below.legend(fontsize="small")
    return ax, below
