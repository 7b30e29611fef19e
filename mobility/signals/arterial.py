"""The main street of a network as a band problem, and its bands as offsets to start from."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from mobility.signals.bands import BandProblem, Pattern, widest_bands
from mobility.signals.frame import frame, orders
from mobility.signals.stop_lines import ways_of
from mobility.stop import Seconds

if TYPE_CHECKING:
    from mobility.signals.bands import Bands
    from mobility.signals.descent import Timing
    from mobility.signals.frame import Frame
    from mobility.signals.problem import Intersection, Network
    from mobility.signals.site import Site

LONGEST = 60  # signals of a street whose bands are sought


def main_street(network: Network) -> tuple[str, ...]:
    """Signals of the street with most of them: the longest bus route, else the longest chain.

    Only streets that are driven both ways count.
    """
    links = {(one.from_signal, one.to_signal) for one in network.links}
    both = {pair for pair in links if pair[::-1] in links}
    routes = [
        one.signals for one in network.bus_routes
        if all(pair in both for pair in zip(one.signals, one.signals[1:], strict=False))
        and len(set(one.signals)) == len(one.signals)
    ]  # fmt: skip
    best = max(sorted(routes), key=len, default=())
    if len(best) >= 3:
        return best[:LONGEST]
    near: dict[str, list[str]] = {}
    for a, b in sorted(both):
        near.setdefault(a, []).append(b)

    def furthest(start: str) -> tuple[str, ...]:
        before: dict[str, str] = {start: ""}
        todo = [start]
        for name in todo:
            for other in near[name]:
                if other not in before:
                    before[other] = name
                    todo.append(other)
        path, at = [], todo[-1]
        while at:
            path.append(at)
            at = before[at]
        return tuple(path)

    if not near:
        return ()
    return furthest(furthest(min(near))[0])[:LONGEST]


def with_bands(site: Site, timing: Timing, *, seconds: float = 5.0) -> Bands | None:
    """Set a timing's offsets and orders to the widest bands along the main street.

    Signals whose offset or splits are locked, or whose cycle is another one, are passed by: their
    part of the street is left out. Buses count where a route follows the whole street.

    Returns
    -------
    Bands or None
        None where the street has fewer than two signals, or a green along it is not known.
    """
    number = {one.id: k for k, one in enumerate(site.signals)}
    street = [name for name in main_street(site.network) if name in number]
    cycle = timing.cycles[number[street[0]]] if street else 0.0
    if len(street) < 2 or any(
        abs(timing.cycles[number[name]] - cycle) > 1e-6 or not site.may_offset[number[name]]
        for name in street
    ):
        return None
    out = {key[0]: key for key in ways_of(site.network, _known(site), tuple(street))}
    back = {key[0]: key for key in ways_of(site.network, _known(site), tuple(reversed(street)))}
    links = {(one.from_signal, one.to_signal): one for one in site.network.links}
    rows: list[tuple[Pattern, ...]] = []
    forms: list[list[tuple[Frame, list[float]]]] = []
    for name in street:
        k = number[name]
        choices = [(timing.frames[k], timing.lengths[k])]
        if site.may_split[k]:
            for order in orders(site.signals[k])[1:]:
                form = frame(site.signals[k], order)
                lengths = site.lengths(k, cycle, form)
                if lengths is not None:
                    choices.append((form, lengths))
        made = []
        for form, lengths in choices:
            green = [_green(form, lengths, way.get(name)) for way in (out, back)]
            if green[0] is None or green[1] is None:
                return None
            (a, g), (b, h) = green[0], green[1]
            made.append(Pattern(a / cycle, g / cycle, b / cycle, h / cycle, "-".join(form.order)))
        rows.append(tuple(made))
        forms.append(choices)
    pairs = list(itertools.pairwise(street))
    bus = _dwell(site.network, street)
    weights = [max(1.0, _people(site, way)) for way in (out, back)]
    whole = sum(weights)
    times = [tuple(links[pair].travel_s for pair in pairs),
             tuple(links[pair[::-1]].travel_s for pair in pairs)]  # fmt: skip
    problem = BandProblem(
        tuple(rows), times[0], times[1], (cycle, cycle),
        (weights[0] / whole, weights[1] / whole),
        tuple(t + d for t, d in zip(times[0], bus[0], strict=True)) if bus else (),
        tuple(t + d for t, d in zip(times[1], bus[1], strict=True)) if bus else (),
        (0.25, 0.25),
    )  # fmt: skip
    bands = widest_bands(problem, stop=Seconds(seconds))
    if bands.why and bus:
        bands = widest_bands(replace(problem, bus_out_s=(), bus_back_s=()), stop=Seconds(seconds))
    if bands.why:
        bands = _one_way(problem, bands)
    for i, name in enumerate(street):
        k = number[name]
        timing.frames[k], lengths = forms[i][bands.chosen[i]]
        timing.lengths[k] = list(lengths)
        timing.zeros[k] = float(round(bands.offsets[i] * cycle) % cycle)
    return bands


def _one_way(problem: BandProblem, none: Bands) -> Bands:
    """Bands of the direction with more people where both cannot pass: from the begin of each green."""
    outward = problem.weights[0] >= problem.weights[1]
    cycle, front, offsets = problem.cycle_range_s[0], 0.0, []
    for i, row in enumerate(problem.patterns):
        if i:
            front += (problem.out_s[i - 1] if outward else -problem.back_s[i - 1]) / cycle
        offsets.append((front - (row[0].out_from if outward else row[0].back_from)) % 1.0)
    return replace(none, cycle_s=cycle, offsets=tuple((one - offsets[0]) % 1.0 for one in offsets),
                   chosen=(0,) * len(offsets))  # fmt: skip


def _known(site: Site) -> dict[str, Intersection]:
    return {one.id: one for one in site.signals}


def _green(
    form: Frame, lengths: list[float], key: tuple[str, str, str] | None
) -> tuple[float, float] | None:
    """Begin and length of the longest green of a movement, after the signal's zero."""
    if key is None:
        return None
    _, approach, movement = key
    cycle = sum(lengths[: form.sizes[0]])
    serving = {
        group.id for group in form.one.groups
        if not group.on_foot and approach in group.approaches and movement in group.movements
    }  # fmt: skip
    if serving & set(form.always):
        return 0.0, cycle
    found = []
    for window in form.windows:
        if window.group in serving:
            start = form.starts[window.row]
            begin = sum(lengths[start : start + window.first])
            found.append((form.sum_s(lengths, window) - window.cut_s, begin % cycle))
    if not found:
        return None
    green, begin = max(found)
    return begin, green


def _people(site: Site, way: dict[str, tuple[str, str, str]]) -> float:
    """People an hour along a way, over its stop lines."""
    wanted = {(name, approach): movement for name, approach, movement in way.values()}
    return sum(
        row.flow_h * row.people for row in site.streams.rows
        if (movement := wanted.get((row.signal, row.approach))) is not None
        and movement in dict(row.movements)
    )  # fmt: skip


def _dwell(
    network: Network, street: list[str]
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean dwell between the signals of a street, out and back; None where no bus follows it."""
    ways = {one.signals for one in network.bus_routes}
    if tuple(street) not in ways or tuple(reversed(street)) not in ways:
        return None
    mean: dict[tuple[str, str], float] = {}
    for stop in network.bus_stops:
        mean[stop.link] = mean.get(stop.link, 0.0) + stop.dwell_mean_s
    pairs = list(itertools.pairwise(street))
    return (tuple(mean.get(pair, 0.0) for pair in pairs),
            tuple(mean.get(pair[::-1], 0.0) for pair in pairs))  # fmt: skip
