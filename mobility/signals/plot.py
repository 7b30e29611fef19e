"""Time-space diagram of a plan: greens of both directions along the main street."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from mobility.pictures import axes
from mobility.signals.arterial import main_street
from mobility.signals.groups import GREENS
from mobility.signals.stop_lines import ways_of

if TYPE_CHECKING:
    from mobility.signals.plan import SignalPlan
    from mobility.signals.timing import TimedPlan

# Okabe and Ito's palette (2008), told apart by colour-blind readers too.
_OUT, _BACK, _RED = "#0072B2", "#E69F00", "#D9D9D9"
_CYCLES, _MOST_CYCLES = 3, 8


def plot_plan(plan: TimedPlan, ax: Any = None) -> Any:
    """Draw greens along the main street over three cycles or more, and a vehicle each way at free speed.

    Parameters
    ----------
    ax
        Axes; by default a new figure.

    Returns
    -------
    Axes
        The given or the new one.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    network = plan.network
    ax = axes(ax, 11, 6)
    street = [] if network is None else [n for n in main_street(network) if n in plan.signal]
    if network is None or len(street) < 2:
        ax.set_title(f"{plan.name}: no street with two signals")
        return ax
    known = {one.id: one for one in network.intersections}
    links = {(one.from_signal, one.to_signal): one for one in network.links}
    metres = [0.0]
    for pair in itertools.pairwise(street):
        metres.append(metres[-1] + links[pair].distance_m)
    cycle = max(plan.signal[name].cycle_s for name in street)
    travel = sum(links[pair].travel_s for pair in itertools.pairwise(street))
    span = cycle * min(_MOST_CYCLES, max(_CYCLES, 1 + -(-travel // cycle)))
    ways = (
        {key[0]: key for key in ways_of(network, known, tuple(street))},
        {key[0]: key for key in ways_of(network, known, tuple(reversed(street)))},
    )
    high = max(metres[-1], 1.0) * 0.013
    for name, at in zip(street, metres, strict=True):
        ax.broken_barh([(0, span)], (at - high, 2 * high), facecolors=_RED)
        for way, color, low in ((ways[0], _OUT, at), (ways[1], _BACK, at - high)):
            if name in way:
                spans = _greens(plan.signal[name], _group(known[name], way[name]), span)
                ax.broken_barh(spans, (low, high), facecolors=color)
    for outward, color in ((True, _OUT), (False, _BACK)):
        row = street if outward else street[::-1]
        place = metres if outward else metres[::-1]
        first = plan.signal[row[0]]
        group = _group(known[row[0]], ways[0 if outward else 1].get(row[0], ("", "", "")))
        begins = [a for a, _ in _greens(first, group, span)]
        for begin in begins:
            at, points = begin + 2, [(begin + 2, place[0])]
            for k, pair in enumerate(itertools.pairwise(row)):
                at += links[pair].travel_s
                points.append((at, place[k + 1]))
            ax.plot([x for x, _ in points], [y for _, y in points], color=color, lw=1, ls="--")
    ax.set_yticks(metres, street)
    ax.set_xlim(0, span)
    ax.set_xlabel("seconds after the master clock's zero")
    ax.set_ylabel("signal, to scale by distance")
    cycles = sorted({plan.signal[name].cycle_s for name in street})
    ax.set_title(f"{plan.name}: cycle {', '.join(f'{one:g}' for one in cycles)} s; green outward "
                 "(blue, above) and back (orange, below); dashed: free speed")  # fmt: skip
    return ax


def _group(one: Any, key: tuple[str, str, str]) -> list[str]:
    _, approach, movement = key
    return [g.id for g in one.groups
            if not g.on_foot and approach in g.approaches and movement in g.movements]  # fmt: skip


def _greens(one: SignalPlan, groups: list[str], span: float) -> list[tuple[float, float]]:
    """Begin and length of greens over the drawn time."""
    found = []
    for group in groups:
        for shown in one.of_group.get(group, ()):
            if shown.state not in GREENS:
                continue
            for k in range(-1, int(span / one.cycle_s) + 1):
                begin = one.zero_s + shown.from_s + k * one.cycle_s
                end = min(span, begin + shown.to_s - shown.from_s)
                if end > max(0.0, begin):
                    found.append((max(0.0, begin), end - max(0.0, begin)))
    return sorted(found)
