"""Answers to planning questions as pictures: depots sized, a transition, what-ifs side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.fleet.plot import frame
from mobility.pictures import axes

if TYPE_CHECKING:
    from mobility.fleet.compare import Comparison
    from mobility.fleet.size_depots import Sizing
    from mobility.fleet.transition import Transition

# Okabe and Ito's palette (2008), as in the pictures of plans.
_FOUND, _PROVEN, _MORE = "#0072B2", "#009E73", "#E69F00"
_PARTS = ("#0072B2", "#E69F00", "#BDBDBD", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")


def plot_sizing(sizing: Sizing, ax: Any = None) -> Any:
    """Chargers of each depot: what a checked plan needs, and what is proven to be needed."""
    table = sizing.table
    ax = axes(ax, 9, 1.6 + 0.35 * len(table))
    at = np.arange(len(table))
    ax.barh(at, table["chargers"], color=_FOUND, height=0.7, label="a checked plan needs")
    ax.barh(
        at, table["chargers_bound"], color=_PROVEN, height=0.35, label="proven: no plan needs fewer"
    )
    ax.set_yticks(at, [f"{row['site']} ({row['buses']} buses)" for row in table.to_dict("records")])
    ax.invert_yaxis()
    ax.set_xlabel("chargers")
    report = sizing.report
    ax.set_title(
        f"{report.objective:.0f} chargers do, at least {report.bound:.0f} are needed",
        loc="left",
        fontweight="bold",
    )
    ax.figure.legend(*ax.get_legend_handles_labels(), frameon=False, fontsize=8, ncols=2,
                     loc="outside lower left")  # fmt: skip
    frame(ax)
    return ax


def plot_transition(told: Transition, ax: Any = None) -> Any:
    """Share of the km that are electric after each stage, with its buses."""
    stages = told.stages
    ax = axes(ax, 9, 3.2)
    ax.bar(stages["stage"], 100.0 * stages["km_share"], color=_FOUND, width=0.7)
    for row in stages.to_dict("records"):
        ax.annotate(
            f"{int(row['buses'])} buses, {int(row['chargers'])} chargers", (row["stage"], 100.0 * row["km_share"]),
            xytext=(0, 2), textcoords="offset points", ha="center", fontsize=8,
        )  # fmt: skip
    ax.set_xticks(stages["stage"])
    ax.set(xlabel="stage", ylabel="% of the km electric", ylim=(0, 112))
    ax.set_title(
        f"electric by the last stage: {len(told.order):,} {told.by}", loc="left", fontweight="bold"
    )
    frame(ax)
    return ax


def plot_comparison(told: Comparison, ax: Any = None) -> Any:
    """What each what-if costs a day, part by part."""
    table = told.table
    ax = axes(ax, 9, 1.6 + 0.4 * len(table))
    apart = {"cost_minor", "more_minor", "bound_minor"}
    parts = [one for one in table.columns if one.endswith("_minor") and one not in apart]
    at, left = np.arange(len(table)), np.zeros(len(table))
    for part, colour in zip(parts, _PARTS, strict=False):
        value = table[part].fillna(0.0).to_numpy(float)
        ax.barh(at, value, left=left, color=colour, height=0.7, label=part.removesuffix("_minor"))
        left += value
    ax.plot(table["bound_minor"], at, "|", color="black", ms=14, label="no plan can beat")
    ax.set_yticks(at, table["name"])
    ax.invert_yaxis()
    currency = next(iter(told.plans.values())).problem.currency
    ax.set_xlabel(f"{currency} minor units a day")
    ax.set_title("what-ifs side by side", loc="left", fontweight="bold")
    ax.legend(frameon=False, fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.3))
    frame(ax)
    return ax
