"""Matplotlib, where it is installed; every domain draws its own plots with it."""

from __future__ import annotations

from typing import Any

from mobility.errors import MissingExtra


def pyplot() -> Any:
    """``matplotlib.pyplot``, imported when the first plot is drawn.

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
    return plt


def axes(ax: Any, width: float, height: float) -> Any:
    """Give ``ax``, or the axes of a new figure of so many inches where there is none.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    plt = pyplot()
    return ax if ax is not None else plt.subplots(figsize=(width, height), layout="constrained")[1]
