"""Changes of a timing, drawn by where vehicles lose time in SUMO."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from mobility.signals.frame import frame, orders
from mobility.signals.splits import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobility.signals.descent import Timing
    from mobility.signals.problem import Network
    from mobility.signals.sumo.net import Net
    from mobility.signals.sumo.trial import Trial

Key = tuple[str, str, str]  # signal, group, approach: a stop line
Where = dict[str, list[tuple[Key, float]]]
UPSTREAM = 3  # edges before a signal's own on which its queue may stand


class Ways:
    """Changes of a timing, drawn by where vehicles lose time."""

    def __init__(self, network: Network, net: Net) -> None:
        self.where = behind(network, net)
        # An offset says something only where vehicles come from another signal, or go to one.
        self.near = {name for link in network.links for name in (link.from_signal, link.to_signal)
                     if name and link.from_signal != link.to_signal}  # fmt: skip

    def change(
        self, timing: Timing, runs: Sequence[Trial], rng: np.random.Generator
    ) -> tuple[str, Timing | None]:
        """One change: splits mostly, else an offset, the cycle or an order."""
        timing = timing.copy()
        lost = self._lost(runs)
        signals = [one.one.id for one in timing.frames]
        weight = np.array([1.0 + sum(lost[name].values()) for name in signals])
        weight = weight / weight.sum() + 0.25 / len(signals)
        k = int(rng.choice(len(signals), p=weight / weight.sum()))
        kind = rng.random()
        if kind < 0.55 or (kind < 0.85 and signals[k] not in self.near):
            return f"splits of {signals[k]}", self._splits(timing, k, lost[signals[k]], rng)
        if kind < 0.85:
            cycle = sum(timing.lengths[k][: timing.frames[k].sizes[0]])
            by = int(rng.choice([3, 6, 12, round(cycle / 4), round(cycle / 2)]))
            timing.zeros[k] = float((timing.zeros[k] + by * int(rng.choice([-1, 1]))) % cycle)
            return f"offset of {signals[k]}", timing
        if kind < 0.95:
            return "cycle", self._cycle(timing, int(rng.choice([-10, -5, 5, 10])))
        return f"order of {signals[k]}", self._order(timing, k, rng)

    def _lost(self, runs: Sequence[Trial]) -> dict[str, dict[str, float]]:
        """Signal -> group -> seconds lost on the lanes that it serves."""
        found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for (signal, group, _), seconds in lost_at(self.where, runs).items():
            found[signal][group] += seconds
        return found

    def _splits(
        self, timing: Timing, k: int, lost: dict[str, float], rng: np.random.Generator
    ) -> Timing | None:
        """Give green to who loses much and take it from who loses little."""
        one = timing.frames[k]
        if not one.moves:
            return None
        gains = np.zeros(sum(one.sizes))
        for window in one.windows:
            for j in range(window.count):
                at = one.starts[window.row] + (window.first + j) % one.sizes[window.row]
                gains[at] += lost.get(window.group, 0.0) / window.count
        worth = np.array([sum(sign * gains[at] for at, sign in move) for move in one.moves])
        weight = np.maximum(worth, 0.0)
        weight = weight / weight.sum() if weight.sum() > 0 else weight
        weight = weight + 0.3 / len(weight)
        move = one.moves[int(rng.choice(len(weight), p=weight / weight.sum()))]
        lengths = timing.lengths[k]
        for by in (int(rng.choice([2, 4, 8])), 2, 1):
            for at, sign in move:
                lengths[at] += sign * by
            if one.allows(lengths):
                return timing
            for at, sign in move:
                lengths[at] -= sign * by
        return None

    def _cycle(self, timing: Timing, by: int) -> Timing | None:
        """All signals longer or shorter, offsets in proportion."""
        for k, one in enumerate(timing.frames):
            cycle = sum(timing.lengths[k][: one.sizes[0]])
            wanted = cycle + by
            low, high = one.one.cycle_range_s
            if not low <= wanted <= high:
                return None
            found = nearest(one, [wanted / cycle * x for x in timing.lengths[k]], wanted)
            if found is None:
                return None
            timing.lengths[k] = found
            timing.zeros[k] = float(round(timing.zeros[k] * wanted / cycle) % wanted)
        return timing

    def _order(self, timing: Timing, k: int, rng: np.random.Generator) -> Timing | None:
        """Another order of one signal's stages with the same greens."""
        old = timing.frames[k]
        others = [order for order in orders(old.one) if order != old.order]
        if not others:
            return None
        made = frame(old.one, others[int(rng.integers(len(others)))])
        green = {name: length - gap for name, length, gap
                 in zip(old.order, timing.lengths[k], old.gap_s, strict=True)}  # fmt: skip
        wish = [green[name] + gap for name, gap in zip(made.order, made.gap_s, strict=True)]
        found = nearest(made, wish, sum(timing.lengths[k][: old.sizes[0]]))
        if found is None:
            return None
        timing.frames[k], timing.lengths[k] = made, found
        return timing


def behind(network: Network, net: Net) -> Where:
    """Lane -> (stop line, share) of who makes it wait: its own signal, or the next one."""
    found: Where = {}
    of_edge: dict[str, list[tuple[Key, float]]] = {}
    for lane in network.lanes:
        rows = [((lane.signal, turn.group, lane.approach), 1 / len(lane.turns))
                for turn in lane.turns]  # fmt: skip
        found[lane.id] = rows
        of_edge.setdefault(lane.approach, []).extend(rows)
    into: dict[str, list[str]] = defaultdict(list)
    for edge, (_, end) in net.edges.items():
        if end:
            into[end].append(edge)
    lanes_of: dict[str, list[str]] = defaultdict(list)
    for name, lane_of in net.lanes.items():
        lanes_of[lane_of.edge].append(name)
    for edge, rows in sorted(of_edge.items()):
        level, seen = [edge], {edge}
        for _ in range(UPSTREAM):
            before = sorted({
                other for one in level for other in into.get(net.edges[one][0], [])
                if other not in of_edge and other not in seen
            })  # fmt: skip
            seen |= set(before)
            for other in before:
                for name in lanes_of[other]:
                    found.setdefault(name, []).extend((key, part / len(rows)) for key, part in rows)
            level = before
    return found


def lost_at(where: Where, runs: Sequence[Trial]) -> dict[Key, float]:
    """Seconds lost behind each stop line in a run, on the average."""
    found: dict[Key, float] = defaultdict(float)
    for run in runs:
        for lane, seconds in run.lost_s.items():
            for key, share in where.get(lane, ()):
                found[key] += share * seconds / len(runs)
    return found
