"""Descent on offsets and splits: all signals' lengths as arrays, changed where people lose less."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.signals.plan import Plan
from mobility.signals.stop_lines import LAG_S

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mobility.signals.frame import Frame
    from mobility.signals.stop_lines import Streams

FEELS = 3  # links downstream to which a change is followed while it is tried
MOST_SWEEPS = 40
SPLIT_STEPS = np.array([1.0, 2.0, 4.0])


@dataclass
class Timing:
    """A plan as the descent sees it: one frame, lengths and zero a signal, in order of signals."""

    frames: list[Frame]
    lengths: list[list[float]]
    zeros: list[float]
    value: float = math.inf  # person seconds lost a second

    def plan(self, name: str = "plan") -> Plan:
        """As lamps."""
        return Plan(tuple(
            one.plan(lengths, zero)
            for one, lengths, zero in zip(self.frames, self.lengths, self.zeros, strict=True)
        ), name=name)  # fmt: skip

    def copy(self) -> Timing:
        """One that may be changed without this one."""
        return Timing(list(self.frames), [list(row) for row in self.lengths], list(self.zeros))

    @property
    def cycles(self) -> list[float]:
        """Each signal's."""
        return [
            sum(lengths[: one.sizes[0]])
            for one, lengths in zip(self.frames, self.lengths, strict=True)
        ]


@dataclass
class Search:
    """Arrays of one timing, and the descent over them.

    Parameters
    ----------
    may_offset, may_split
        By signal.
    """

    streams: Streams
    timing: Timing
    may_offset: Sequence[bool]
    may_split: Sequence[bool]
    work: int = 0
    _arrays: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        frames = self.timing.frames
        self._arrays = {
            "lengths": np.array([s for row in self.timing.lengths for s in row], np.float64),
            "zero": np.array(self.timing.zeros, np.float64),
            "cycle": np.array(self.timing.cycles, np.float64),
        }
        self._arrays["bins"] = np.maximum(1, np.round(self._arrays["cycle"])).astype(np.int64)
        self._arrays["frames"] = frame_arrays(frames)
        self._arrays["pieces"], self._arrays["base"] = piece_arrays(self.streams, frames)
        rows, feeds = self.streams.arrays()
        self._arrays["streams"], self._arrays["feeds"] = rows, feeds
        of = [len(row) for row in self.timing.lengths]
        self._arrays["owner"] = np.repeat(np.arange(len(of)), of)
        signal = rows[0]
        pairs = {(int(signal[one.source]), int(signal[one.target])) for one in self.streams.feeds}
        self._arrays["links"] = sorted(pair for pair in pairs if pair[0] != pair[1])
        ptr, after = feels(self.streams)
        self._arrays["after_ptr"], self._arrays["after"] = ptr, after
        width = int(self._arrays["bins"].max(initial=1))
        count = len(self.streams.rows)
        self._arrays["serve"] = np.zeros((count, width))
        self._arrays["leave"] = np.zeros((count, width))
        self._arrays["found"] = np.zeros((count, 4))
        self.value()

    def value(self) -> float:
        """Evaluate everything anew; person seconds lost a second."""
        from mobility.signals._dispersion_kernels import evaluate, serve_stream

        of = self._arrays
        for i, signal in enumerate(of["streams"][0]):
            serve_stream(i, signal, of["frames"], of["pieces"], of["lengths"], of["zero"],
                         of["bins"], of["cycle"], of["base"], of["serve"])  # fmt: skip
        self.timing.value = float(evaluate(
            self.streams.order, self.streams.laps, of["streams"], of["feeds"], of["bins"],
            of["cycle"], of["serve"], of["leave"], of["found"],
        ))  # fmt: skip
        return self.timing.value

    def run(
        self,
        halt: Callable[[int], bool],
        *,
        rng: np.random.Generator | None = None,
        parts: Sequence[Sequence[int]] = (),
        only: Sequence[int] | None = None,
        most_sweeps: int = MOST_SWEEPS,
    ) -> Timing:
        """Descend until nothing helps, or ``halt(trials so far)`` says so.

        Parameters
        ----------
        parts
            Signals that may be shifted together.
        only
            Signals that may change; by default all.
        """
        from mobility.signals._dispersion_kernels import shift_parts, sweep

        of = self._arrays
        best = self._kept(self.value())
        turn = np.arange(len(self.timing.frames), dtype=np.int64)
        if only is not None:
            turn = np.array(sorted(only), np.int64)
        longest = float(of["cycle"].max(initial=60.0))
        coarse = {round(longest * part) for part in (0.5, 0.25, 0.125)} - {0}
        shifts = np.array(sorted([s * by for by in ({1, 2, 5} | coarse) for s in (1, -1)],
                                 key=lambda by: (-abs(by), -by)), np.float64)  # fmt: skip
        offset = np.array(self.may_offset, np.int64)
        split = np.array(self.may_split, np.int64)
        movable = [[k for k in part if offset[k]] for part in parts]
        whole = [part for part, kept in zip(parts, movable, strict=True) if len(kept) == len(part)]
        part_ptr = np.cumsum([0, *map(len, whole)]).astype(np.int64)
        part_at = np.array([k for part in whole for k in part] or [0], np.int64)
        shared = (
            self.streams.order, self.streams.laps, of["streams"], of["feeds"], of["frames"],
            of["pieces"], of["base"], of["lengths"], of["zero"], of["bins"], of["cycle"],
            of["serve"], of["leave"], of["found"],
        )  # fmt: skip
        every, whole_round = turn, True
        for _ in range(most_sweeps):
            if halt(self.work):
                break
            if rng is not None:
                turn = rng.permutation(turn)
            came = of["lengths"].copy(), of["zero"].copy()
            self.work += int(sweep(
                turn, offset, split, shifts, SPLIT_STEPS, of["after_ptr"], of["after"],
                of["streams"], of["feeds"], of["frames"], of["pieces"], of["base"],
                of["lengths"], of["zero"], of["bins"], of["cycle"], of["serve"], of["leave"],
                of["found"],
            ))  # fmt: skip
            value = self.value()
            if whole and not halt(self.work):
                value, trials = shift_parts(part_ptr, part_at, shifts, *shared, value)
                self.work += int(trials)
                value = self.value()
            better = value < best[0] * (1 - 1e-5) - 1e-9
            if value < best[0]:
                best = self._kept(value)
            if not better and whole_round:
                break
            # Next, only signals that were changed and those beside them; then everybody again.
            near = self._beside(*came)
            turn = every[near[every]]
            whole_round = not better or len(turn) == 0
            if whole_round:
                turn = every
        self._put(best)
        return self.timing

    def _beside(self, lengths: NDArray[np.float64], zero: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Mark signals that differ from some lengths and zeros, and those one link away."""
        moved: NDArray[np.bool_] = self._arrays["zero"] != zero
        np.logical_or.at(moved, self._arrays["owner"], self._arrays["lengths"] != lengths)
        near = moved.copy()
        for a, b in self._arrays["links"]:
            near[a] |= moved[b]
            near[b] |= moved[a]
        return near

    def _kept(self, value: float) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
        return value, self._arrays["lengths"].copy(), self._arrays["zero"].copy()

    def _put(self, kept: tuple[float, NDArray[np.float64], NDArray[np.float64]]) -> None:
        value, lengths, zero = kept
        self._arrays["lengths"][:] = lengths
        self._arrays["zero"][:] = zero
        at = 0
        for k, row in enumerate(self.timing.lengths):
            self.timing.lengths[k] = [float(x) for x in lengths[at : at + len(row)]]
            at += len(row)
        self.timing.zeros = [float(x) for x in zero]
        self.timing.value = value


def frame_arrays(frames: list[Frame]) -> tuple[NDArray[np.generic], ...]:
    """Rows, limits and moves of all signals as the kernels take them."""
    row_ptr: list[int] = [0]
    row_first: list[int] = []
    row_size: list[int] = []
    run_ptr, runs = [0], []
    move_ptr, part_ptr, parts = [0], [0], []
    at = 0
    for one in frames:
        rows = len(row_first)
        for start, size in zip(one.starts, one.sizes, strict=True):
            row_first.append(at + start)
            row_size.append(size)
        row_ptr.append(len(row_first))
        runs += [(rows + run.row, run.first, run.count, run.least_s, run.most_s)
                 for run in one.runs]  # fmt: skip
        run_ptr.append(len(runs))
        for move in one.moves:
            parts += [(at + element, sign) for element, sign in move]
            part_ptr.append(len(parts))
        move_ptr.append(len(part_ptr) - 1)
        at += sum(one.sizes)
    table = np.array(runs or [(0, 0, 0, 0.0, math.inf)], np.float64)
    moved = np.array(parts or [(0, 0)], np.int64)
    whole = [np.array(one, np.int64) for one in (row_ptr, row_first, row_size, run_ptr)]
    return (
        *whole, *(table[:, k].astype(np.int64) for k in range(3)), table[:, 3].copy(),
        table[:, 4].copy(), np.array(move_ptr, np.int64), np.array(part_ptr, np.int64),
        moved[:, 0].copy(), moved[:, 1].copy(),
    )  # fmt: skip


def piece_arrays(
    streams: Streams, frames: list[Frame]
) -> tuple[tuple[NDArray[np.generic], ...], NDArray[np.float64]]:
    """What each stop line may leave, by windows: a rate over a green, less where it gives way."""
    number = {one.one.id: k for k, one in enumerate(frames)}
    rows_before = np.cumsum([0, *(len(one.sizes) for one in frames)])
    ptr, found = [0], []
    base, lag = [], []
    for row in streams.rows:
        k = number[row.signal]
        one = frames[k]
        full, gives = row.full_h / 3600, (row.yield_h - row.full_h) / 3600
        base.append(full if row.group in one.always else 0.0)
        lag.append(0.0 if row.on_foot else LAG_S)
        for window in one.windows:
            if window.group != row.group:
                continue
            at = int(rows_before[k]) + window.row
            found.append((at, window.first, window.count, 0.0, window.cut_s, full))
            for place in window.yields:
                size, start = one.sizes[window.row], one.starts[window.row]
                first = (window.first + place) % size
                lead = one.gap_s[start + (first - 1) % size] if place else 0.0
                cut = window.cut_s if place == window.count - 1 else 0.0
                if place and place - 1 in window.yields:
                    lead = 0.0  # the element before gives way until here already
                found.append((at, first, 1, lead, cut, gives))
        ptr.append(len(found))
    table = np.array(found or [(0, 0, 0, 0.0, 0.0, 0.0)], np.float64)
    pieces = (
        np.array(ptr, np.int64), *(table[:, k].astype(np.int64) for k in range(3)),
        *(table[:, k].copy() for k in range(3, 6)), np.array(lag, np.float64),
    )  # fmt: skip
    return pieces, np.array(base, np.float64)


def feels(streams: Streams) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each signal's stop lines and those downstream that feel it, in the order of evaluation."""
    rank = {int(k): place for place, k in enumerate(streams.order)}
    after: dict[int, list[int]] = {}
    for one in streams.feeds:
        after.setdefault(one.source, []).append(one.target)
    own: dict[str, list[int]] = {}
    for k, row in enumerate(streams.rows):
        own.setdefault(row.signal, []).append(k)
    ptr, found = [0], []
    for signal in streams.signals:
        reached = set(own.get(signal.id, []))
        fresh = set(reached)
        for _ in range(FEELS):
            fresh = {two for one in fresh for two in after.get(one, [])} - reached
            reached |= fresh
        found += sorted(reached, key=lambda k: rank[k])
        ptr.append(len(found))
    return np.array(ptr, np.int64), np.array(found or [0], np.int64)
