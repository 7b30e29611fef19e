"""A signal in one order of its stages, as lengths: what may be planned, and which limits hold.

The lengths of a row's elements (a stage or a ring's group, with all that follows it until the next
one begins) add up to the cycle. Every rule of the site is then a limit on the sum of consecutive
lengths: a minimum green, a maximum red, an intergreen to a group that ended some stages ago.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import permutations, product
from typing import TYPE_CHECKING

from mobility.signals.program import interstages, program, ring_program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobility.signals.plan import SignalPlan
    from mobility.signals.problem import Intersection, Seconds

LEAST_STAGE_S = 5.0  # or what the stage came with, where that is shorter
MOST_ORDERS = 6  # of one signal that are tried
# Two elements or more that give and take a second: ((element, +1), (element, -1)).
Move = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Run:
    """A limit: ``least <= sum of lengths <= most`` over ``count`` elements of a row from ``first``."""

    row: int
    first: int
    count: int
    least_s: float
    most_s: float = math.inf


@dataclass(frozen=True)
class Window:
    """A green: from the start of element ``first`` of a row until ``cut_s`` before an end.

    ``yields`` are the places among its ``count`` elements in which the group gives way.
    """

    group: str
    row: int
    first: int
    count: int
    cut_s: float
    yields: tuple[int, ...] = ()


@dataclass(frozen=True)
class Frame:
    """One signal, one order.

    Parameters
    ----------
    order
        Stages; of rings, the groups of all rings one after another.
    sizes
        Elements in each row: one row, or one a ring.
    gap_s
        What follows each element's green until the next element begins.
    always
        Groups that are green in all stages.
    moves
        What may be changed at a time.
    blocks
        Of rings: for each row, the elements of each barrier group; their sums are equal.
    """

    one: Intersection
    order: tuple[str, ...]
    sizes: tuple[int, ...]
    gap_s: tuple[float, ...]
    runs: tuple[Run, ...]
    windows: tuple[Window, ...]
    always: tuple[str, ...]
    moves: tuple[Move, ...]
    blocks: tuple[tuple[tuple[int, ...], ...], ...] = ()

    @property
    def starts(self) -> tuple[int, ...]:
        """Number of each row's first element."""
        return tuple(sum(self.sizes[:k]) for k in range(len(self.sizes)))

    def sum_s(self, lengths: Sequence[float], run: Run | Window) -> float:
        """Seconds of the consecutive elements of a run."""
        size, start = self.sizes[run.row], self.starts[run.row]
        return sum(lengths[start + (run.first + k) % size] for k in range(run.count))

    def allows(self, lengths: Sequence[float]) -> bool:
        """Whether all limits hold, and all rows are as long as the first."""
        rows = [sum(lengths[a : a + n]) for a, n in zip(self.starts, self.sizes, strict=True)]
        if max(rows) - min(rows) > 1e-6 or not all(
            run.least_s - 1e-6 <= self.sum_s(lengths, run) <= run.most_s + 1e-6 for run in self.runs
        ):
            return False
        sums = [[sum(lengths[k] for k in block) for block in row] for row in self.blocks]
        return all(abs(a - b) < 1e-6 for row in sums[1:] for a, b in zip(sums[0], row, strict=True))

    def plan(self, lengths: Sequence[float], zero_s: Seconds) -> SignalPlan:
        """Lay the lengths out as lamps; the first element of each row begins at ``zero_s``."""
        greens = [length - gap for length, gap in zip(lengths, self.gap_s, strict=True)]
        if self.one.rings is None:
            made = program(self.one, greens, order=self.order)
        else:
            rings = replace(self.one.rings, rings=self._rings())
            splits = dict(zip(self.order, map(float, lengths), strict=True))
            made = ring_program(replace(self.one, rings=rings), splits)
        at = (made.offset_s - made.zero_s) % made.cycle_s
        return replace(made, zero_s=zero_s % made.cycle_s,
                       offset_s=(zero_s + at) % made.cycle_s)  # fmt: skip

    def _rings(self) -> tuple[tuple[tuple[str, ...], ...], ...]:
        """Ring -> barrier -> groups in this frame's order."""
        return tuple(
            tuple(tuple(self.order[k] for k in block) for block in row) for row in self.blocks
        )


def frame(one: Intersection, order: Sequence[str] | None = None) -> Frame:
    """Frame of a signal in an order; by default the one that came in.

    Parameters
    ----------
    order
        Stages; of rings, the groups of all rings one after another, each in its barrier group.
    """
    if one.rings is not None:
        return _ring_frame(one, order)
    return _stage_frame(one, tuple(order or one.stage_order))


def orders(one: Intersection) -> list[tuple[str, ...]]:
    """Orders that a plan may have: the one that came in first, then others the site allows."""
    given = frame(one).order
    if "order" in one.lock or "splits" in one.lock:
        return [given]
    found = [given]
    if one.rings is not None:
        if one.rings.may_swap:
            places = [list(permutations(barrier)) for ring in one.rings.rings for barrier in ring]
            for choice in product(*places):
                order = tuple(name for barrier in choice for name in barrier)
                if order not in found:
                    found.append(order)
    elif one.order_free and len(given) > 2 and len(set(given)) == len(given):
        found += [
            order for rest in permutations(given[1:]) if (order := (given[0], *rest)) != given
        ]
    return found[:MOST_ORDERS]


def _stage_frame(one: Intersection, names: tuple[str, ...]) -> Frame:
    count = len(names)
    spans = [set(one.stage[name].groups) for name in names]
    gaps = interstages(one, names)
    always = tuple(
        sorted(group.id for group in one.groups if all(group.id in span for span in spans))
    )
    runs = [
        Run(0, k, 1, gaps[k] + min(LEAST_STAGE_S, one.stage[name].green_s or LEAST_STAGE_S))
        for k, name in enumerate(names)
    ]
    windows = []
    for group in one.groups:
        own = _group_windows(one, group.id, names, spans, gaps)
        windows += own
        runs += _limits(one, group.id, own, count)
    runs += _far(one, spans, gaps)
    moves = tuple(((a, 1), (b, -1)) for a in range(count) for b in range(count) if a != b)
    return Frame(one, names, (count,), tuple(map(float, gaps)), _least(runs), tuple(windows),
                 always, moves)  # fmt: skip


def _group_windows(
    one: Intersection,
    group: str,
    names: tuple[str, ...],
    spans: list[set[str]],
    gaps: list[float],
) -> list[Window]:
    count = len(names)
    found: list[Window] = []
    if all(group in span for span in spans):
        return found
    clearance = one.group[group].clearance_s
    for k in range(count):
        if group not in spans[k] or group in spans[k - 1]:
            continue
        length = 1
        while group in spans[(k + length) % count]:
            length += 1
        last = (k + length - 1) % count
        cut = float(gaps[last])
        if clearance:
            begin = spans[(last + 1) % count] - spans[last]
            cut = clearance + max((one.intergreen_s.get((group, b), 0) for b in begin), default=0)
        gives = tuple(j for j in range(length) if group in one.stage[names[(k + j) % count]].yields)
        found.append(Window(group, 0, k, length, cut, gives))
    return found


def _limits(one: Intersection, name: str, own: list[Window], count: int) -> list[Run]:
    """Minimum and maximum green; minimum and maximum red until the next green."""
    group = one.group[name]
    found = []
    for k, window in enumerate(own):
        found.append(Run(
            window.row, window.first, window.count, group.least_green_s + window.cut_s,
            math.inf if group.max_green_s is None else group.max_green_s + window.cut_s,
        ))  # fmt: skip
        after = own[(k + 1) % len(own)]
        first = (window.first + window.count) % count
        between = (after.first - first) % count
        # Red: the elements between two greens, and what the first one was cut short by.
        least = max(0.0, group.min_red_s - window.cut_s)
        most = math.inf if group.max_red_s is None else group.max_red_s - window.cut_s
        if between and (least > 0 or most < math.inf):
            found.append(Run(window.row, first, between, least, most))
    return found


def _far(one: Intersection, spans: list[set[str]], gaps: list[float]) -> list[Run]:
    """Intergreens to groups that ended before the last stage did."""
    count = len(spans)
    found = []
    for k in range(count):
        begin = spans[(k + 1) % count] - spans[k]
        for back in range(1, count):
            j = (k - back) % count
            ended = spans[j] - spans[(j + 1) % count]
            needed = max((one.intergreen_s.get((a, b), 0) for a in ended for b in begin), default=0)
            if needed > gaps[j]:
                found.append(Run(0, (j + 1) % count, back, needed - gaps[j]))
    return found


def _ring_frame(one: Intersection, order: Sequence[str] | None) -> Frame:
    assert one.rings is not None
    rings = one.rings
    splits = rings.splits_s
    rows: list[list[str]] = []
    blocks: list[tuple[tuple[int, ...], ...]] = []
    left = list(order or [])
    at = 0
    for ring in rings.rings:
        row: list[str] = []
        of_row = []
        for barrier in ring:
            kept = [name for name in barrier if splits.get(name, 1) > 0]
            if order is not None:
                kept = [name for name in left if name in kept]
            of_row.append(tuple(range(at + len(row), at + len(row) + len(kept))))
            row += kept
        rows.append(row)
        blocks.append(tuple(of_row))
        at += len(row)
    gaps: list[float] = []
    runs: list[Run] = []
    windows: list[Window] = []
    for number, row in enumerate(rows):
        for k, name in enumerate(row):
            after = row[(k + 1) % len(row)]
            block = next(n for n, barrier in enumerate(rings.rings[number]) if after in barrier)
            beyond = {b for ring in rings.rings for b in ring[block]}
            group = one.group[name]
            gap = max((one.intergreen_s.get((name, b), 0) for b in {after, *beyond} - {name}),
                      default=0.0) + group.clearance_s  # fmt: skip
            gaps.append(float(gap))
            own = [Window(name, number, k, 1, gap)]
            windows += own
            runs += _limits(one, name, own, len(row))
            runs.append(Run(number, k, 1, gap + 1))
    return Frame(
        one, tuple(name for row in rows for name in row), tuple(map(len, rows)), tuple(gaps),
        _least(runs), tuple(windows), (), _ring_moves(blocks), tuple(blocks),
    )  # fmt: skip


def _ring_moves(blocks: list[tuple[tuple[int, ...], ...]]) -> tuple[Move, ...]:
    """Give and take inside a barrier group, or move the barrier for all rings at once."""
    found: list[Move] = []
    for row in blocks:
        for block in row:
            found += [((a, 1), (b, -1)) for a in block for b in block if a != b]
    count = len(blocks[0])
    for x in range(count):
        for y in range(count):
            if x == y:
                continue
            choices = [[(a, b) for a in row[x] for b in row[y]] for row in blocks]
            found += [
                tuple(part for a, b in chosen for part in ((a, 1), (b, -1)))
                for chosen in product(*choices)
            ]
    return tuple(found)


def _least(runs: list[Run]) -> tuple[Run, ...]:
    """The narrowest limit of each run of elements."""
    found: dict[tuple[int, int, int], Run] = {}
    for run in runs:
        key = run.row, run.first, run.count
        old = found.get(key, run)
        found[key] = replace(run, least_s=max(run.least_s, old.least_s),
                             most_s=min(run.most_s, old.most_s))  # fmt: skip
    return tuple(found[key] for key in sorted(found))
