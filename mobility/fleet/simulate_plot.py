"""A simulation as a picture: the most fragile blocks, when they break, and how many on one day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.fleet.plot import frame
from mobility.fleet.simulation import percent
from mobility.pictures import pyplot

if TYPE_CHECKING:
    from mobility.fleet.simulation import Simulation

# Okabe and Ito's palette (2008), as in the pictures of plans.
_BREAKS, _HOLDS, _LIMIT = "#D55E00", "#0072B2", "#444444"
_MOST_ROWS = 30


def plot_simulation(simulation: Simulation, ax: Any = None) -> Any:
    """Draw a simulation.

    Parameters
    ----------
    ax
        Axes for the most fragile blocks alone; by default a new figure with all three panels.

    Returns
    -------
    Axes
        The given one, or a tuple: fragile blocks, breaks over the clock, blocks that break on one day.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    plt = pyplot()
    if ax is not None:
        _fragile(simulation, ax)
        return ax
    rows = min(len(simulation.blocks), _MOST_ROWS)
    heights = [min(5.6, max(1.6, 0.2 * rows)), 1.6, 1.6]
    _, axes = plt.subplots(
        3, 1, figsize=(10, sum(heights) + 1.8), height_ratios=heights, layout="constrained"
    )
    _fragile(simulation, axes[0])
    _clock(simulation, axes[1])
    _days(simulation, axes[2])
    return tuple(axes)


def _fragile(simulation: Simulation, ax: Any) -> None:
    shown = simulation.blocks.head(_MOST_ROWS)
    share = 100.0 * shown["breaks"].to_numpy(float)
    allowed = 100.0 * (1.0 - simulation.percentile)
    colours = [_BREAKS if one > allowed + 1e-9 else _HOLDS for one in share]
    ax.barh(np.arange(len(shown)), share, color=colours, height=0.8)
    ax.axvline(allowed, color=_LIMIT, lw=0.9, ls=(0, (4, 3)))
    ax.set_yticks(range(len(shown)), shown["vehicle"], fontsize=7)
    most = 100.0 if share.max(initial=0.0) > 50 else share.max(initial=0.0) * 1.1
    ax.set(ylim=(max(len(shown), 1) - 0.4, -0.6), xlim=(0, max(most, allowed * 2)))
    ax.set_xlabel(
        f"% of the scenarios in which it breaks; dashed: what {percent(simulation.percentile)} allows"
    )
    broken = len(simulation.broken())
    ax.set_title(
        f"{broken:,} of {len(simulation.blocks):,} blocks break at {percent(simulation.percentile)} of "
        f"{simulation.scenarios.count:,} scenarios", loc="left", fontweight="bold",
    )  # fmt: skip
    ax.tick_params(axis="y", length=0)
    frame(ax)


def _clock(simulation: Simulation, ax: Any) -> None:
    """When the first leg that is too much ends, over the clock."""
    first = simulation.first_breaks
    hours = first["time_s"].to_numpy(float) / 3600.0
    last = int(np.ceil(max(24.0, hours.max(initial=0.0) + 0.01)))
    ax.hist(
        hours, bins=np.arange(last + 1), color=_BREAKS,
        weights=first["scenarios"].to_numpy(float) / simulation.scenarios.count,
    )  # fmt: skip
    ticks = range(0, last + 1, 2)
    ax.set_xticks(list(ticks), [f"{at % 24:02d}:00" for at in ticks])
    ax.set(ylabel="blocks a day", xlim=(0, last), xlabel="when blocks break first (planned time)")
    frame(ax)


def _days(simulation: Simulation, ax: Any) -> None:
    """Blocks that break on one day, over the share of days with no more."""
    broken = np.sort(simulation.scenario_table["broken"].to_numpy(float))
    share = 100.0 * np.arange(1, broken.size + 1) / broken.size
    ax.step(share, broken, where="pre", color=_HOLDS, lw=1.4)
    ax.axvline(100.0 * simulation.percentile, color=_LIMIT, lw=0.9, ls=(0, (4, 3)))
    ax.set(ylabel="blocks that break", xlim=(0, 100), ylim=(0, max(1.0, broken.max() * 1.1)),
           xlabel="% of the scenarios with no more than these")  # fmt: skip
    frame(ax)
