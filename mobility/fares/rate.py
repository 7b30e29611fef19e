"""Taps through the kernels: to buckets of cards, rated there, and back in the order of the input.

Each thread owns a slice of the input on the way in and out, and whole buckets in between; the answer
does not depend on how many threads there are.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.fares import _full_kernels as full
from mobility.fares import _kernels as lean
from mobility.fares import _pairing_kernels as pairing
from mobility.fares import _partition_kernels as partition
from mobility.fares.taps import NO_TIME, Taps, frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mobility.fares.compile import Compiled

ANSWERS = ("charged", "nominal", "spent", "journey", "cap", "flags", "leg")
_BUCKET = 16_384  # taps: with their scratch they stay in a core's cache
_MOST_BUCKETS = 8_192
_CHUNK = 65_536
_SMALL = 100_000  # below this a second thread does not pay
_DIGITS = 2_048


@dataclass
class Accounts:
    """What cards bring along and take away: a row a card code. None is needed for a fresh start."""

    used: np.ndarray  # int64 (cards, Compiled.account_size)
    numbers: np.ndarray  # int32: journeys so far


@dataclass
class Rated:
    """Answers in the order of the input, int32 where they fit; how many taps tie."""

    columns: dict[str, np.ndarray]
    ties: int


def rate(
    compiled: Compiled,
    taps: Taps,
    *,
    wanted: Iterable[str] = ANSWERS,
    accounts: Accounts | None = None,
    threads: int | None = None,
) -> Rated:
    """Rate taps that are all good; ``wanted`` are some of ``ANSWERS``."""
    names = [one for one in ANSWERS if one in wanted]
    count = thread_count(taps.count, threads)
    with ThreadPoolExecutor(count) as pool:
        work = _Work(compiled, taps, count, pool)
        if accounts is None and work.is_plain(names):
            values, ties = work.lean(names)
            if ties and taps.rank is not None:
                values, ties = work.full(None)
        else:
            values, ties = work.full(accounts)
        columns = {name: work.back(values[name]) for name in names}
    return Rated(columns, ties)


def thread_count(taps: int, threads: int | None) -> int:
    """Threads to use: as told, else one for few taps and at most two."""
    if threads is not None:
        return max(1, threads)
    return 1 if taps < _SMALL else min(2, os.cpu_count() or 1)


def span(taps: Taps) -> tuple[int, int]:
    """First and last epoch second of taps."""
    if not taps.count:
        return 1_735_689_600, 1_735_689_600
    last = int(taps.time.max()) // taps.unit
    if taps.to_time is not None:
        last = max(last, int(taps.to_time.max()))
    return int(taps.time.min()) // taps.unit, last


class _Work:
    """One batch: the slices of the input, the buckets, and where each slice writes in each bucket."""

    def __init__(
        self, compiled: Compiled, taps: Taps, threads: int, pool: ThreadPoolExecutor
    ) -> None:
        self.compiled, self.taps, self.threads, self.pool = compiled, taps, threads, pool
        n = taps.count
        bits = 1
        while (1 << bits) < _MOST_BUCKETS and n > _BUCKET << bits:
            bits += 1
        self.shift = np.uint64(64 - bits)
        edges = [n * k // threads for k in range(threads + 1)]
        self.slices = list(pairwise(edges))
        counts = np.zeros((threads, 1 << bits), np.int64)

        def count(k: int) -> None:
            a, b = self.slices[k]
            if b > a:
                partition.count_buckets(taps.card[a:b], taps.time[a:b], self.shift, counts[k])

        self.each(count, range(threads))
        self.digits = np.zeros(_DIGITS + 1, np.int64)
        while int(compiled.cut.starts[-2]) >> int(self.digits[-1]) >= _DIGITS:
            self.digits[-1] += 1  # how coarse the first pass by time is
        self.bounds = np.zeros((1 << bits) + 1, np.int64)
        np.cumsum(counts.sum(axis=0), out=self.bounds[1:])
        self.cursors = self.bounds[:-1] + np.cumsum(counts, axis=0) - counts

    def each(self, do: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """Do something for each, side by side."""
        return list(self.pool.map(do, items))

    def is_plain(self, names: list[str]) -> bool:
        """Whether the short kernel's rules are all that these taps need."""
        one, taps = self.compiled, self.taps
        amounts = [rule.amount or 0 for rule in one.tariff.fares]
        amounts += [rule.amount for rule in one.tariff.transfers]
        dear = max(map(abs, amounts), default=0)
        wide = (one.combos << self.route_bits()) < 2**31
        return (
            bool(names) and one.simple is not None and dear < 2**28 and wide
            and taps.kind is None and taps.riders is None and taps.to_time is None
            and not one.joins.any()
        )  # fmt: skip

    def route_bits(self) -> int:
        """Bits of a load that tell a tap's route; none where no rule asks."""
        if not self.compiled.tells_routes or "route" not in self.taps.values:
            return 0
        return len(self.taps.values["route"]).bit_length()

    def records(self, route_bits: int) -> np.ndarray:
        """Every tap as (card, time and load), bucket after bucket."""
        one, taps = self.compiled, self.taps
        tables = {name: (table.astype(np.int64) << route_bits).astype(np.int32)
                  for name, table in one.strides.items()}  # fmt: skip
        if route_bits:
            routes = np.arange(len(taps.values["route"]) + 1, dtype=np.int32)
            tables["route"] = tables["route"] + routes if "route" in tables else routes
        out = np.empty((taps.count, 2), np.int64)
        origin = np.int64(one.cut.origin)
        base = np.int32(one.base << route_bits)
        off = taps.kind == 1 if taps.kind is not None else None

        def scatter(k: int) -> None:
            cursors = self.cursors[k].copy()
            combos = np.empty(_CHUNK, np.int32)
            for a in range(self.slices[k][0], self.slices[k][1], _CHUNK):
                b = min(a + _CHUNK, self.slices[k][1])
                part = combos[: b - a]
                part[:] = base
                for name, table in tables.items():
                    partition.add_codes(taps.codes[name][a:b], table, part)
                if off is not None and off[a:b].any():
                    self._ends(part, slice(a, b), off[a:b])
                times = taps.time[a:b]
                if taps.unit != 1:
                    times = frozen(times // taps.unit)
                partition.scatter(taps.card[a:b], times, origin, part, self.shift, cursors, out)

        self.each(scatter, range(self.threads))
        return out

    def _ends(self, combos: np.ndarray, rows: slice, off: np.ndarray) -> None:
        """A tap-off's own stop and zone are the end of the leg: its load is the end's part alone."""
        one, taps = self.compiled, self.taps
        ends = np.zeros(int(off.sum()), np.int64)
        for start, table in one.end_tables.items():
            ends += table[taps.codes[start][rows][off].astype(np.int64) + 1]
        combos[off] = ends

    def scratch(self, bounds: np.ndarray) -> tuple[np.ndarray, ...]:
        """Room for sorting the largest of some buckets."""
        m = max(int(np.diff(bounds).max(initial=1)), 1)
        slots = 4
        while slots < 2 * m:
            slots *= 2
        return (
            np.empty(slots, np.int32), np.empty(m, np.int64), np.empty(m, np.int32),
            np.empty(m, np.int64), np.empty(m, np.int32), np.empty(m, np.int64),
            np.empty(m + 1, np.int64), self.digits.copy(),
        )  # fmt: skip

    def groups(self) -> list[np.ndarray]:
        """Runs of buckets of about equal weight, a few for each thread."""
        parts = 1 if self.threads == 1 else 6 * self.threads
        marks = np.linspace(0, self.taps.count, parts + 1)
        at = np.unique(np.searchsorted(self.bounds, marks, side="left"))
        at[0], at[-1] = 0, len(self.bounds) - 1
        return [self.bounds[a : b + 1] for a, b in pairwise(at) if b > a]

    def lean(self, names: list[str]) -> tuple[dict[str, np.ndarray], int]:
        """The short kernel."""
        one, n = self.compiled, self.taps.count
        route_bits = self.route_bits()
        records = self.records(route_bits)
        out = np.empty(n, np.int32)
        more = None
        if names != ["charged"]:
            more = tuple(np.empty(n, np.int32) for _ in ANSWERS[1:])

        def run(bounds: np.ndarray) -> int:
            return int(
                lean.rate_taps(
                    records, out, more, bounds, np.int64(route_bits), one.sizes, self.scratch(bounds),
                    *one.clock, one.leg_of, one.legs, *one.transfers, one.caps[0], one.simple,
                    np.zeros(1 + 3 * len(one.cap_ids), np.int64), np.zeros(1 << route_bits, np.int64),
                )
            )  # fmt: skip

        ties = sum(self.each(run, self.groups()))
        return dict(zip(ANSWERS, (out, *(more or ())), strict=False)), ties

    def full(self, accounts: Accounts | None) -> tuple[dict[str, np.ndarray], int]:
        """The kernel that knows every rule."""
        one, taps, n = self.compiled, self.taps, self.taps.count
        records = self.records(0)
        rows = np.empty(n, np.int64)

        def number(k: int) -> None:
            a, b = self.slices[k]
            partition.scatter_rows(
                taps.card[a:b], np.int64(a), self.shift, self.cursors[k].copy(), rows
            )

        self.each(number, range(self.threads))
        money = [np.empty(n, np.int64) for _ in range(3)]
        other = [np.empty(n, np.int32) for _ in range(4)]
        ranks, kinds, *extra = self._extra()
        if accounts is None:
            accounts = Accounts(np.zeros((0, one.account_size), np.int64), np.zeros(0, np.int32))
        stamps = 1 + (len(taps.values["route"]) if "route" in taps.values else 0)

        def run(bounds: np.ndarray) -> int:
            size = int(bounds[-1] - bounds[0])
            order, card_first = np.empty(size, np.int64), np.empty(size + 1, np.int64)
            cards = lean.sort_buckets(records, bounds, self.scratch(bounds), order, card_first)
            ties = int(pairing.order_ties(records, order, card_first, cards, rows, ranks))
            partner, voided, deepest = np.empty(size, np.int64), np.empty(size, np.int8), 0
            if len(kinds):
                deepest = int(
                    pairing.pair_taps(order, card_first, cards, rows, kinds, partner, voided)
                )
            full.rate_all(
                records, order, card_first, cards, rows, kinds, partner, voided, deepest, *extra,
                one.ends, one.sizes, *one.clock, one.end_class_of, one.leg_of, one.legs,
                *one.transfers, one.joins, self._join_window(), *one.caps, accounts.used, accounts.numbers,
                np.zeros(stamps, np.int64), *money, *other,
            )  # fmt: skip
            return ties

        ties = sum(self.each(run, self.groups()))
        return dict(zip(ANSWERS, (*money, *other), strict=True)), ties

    def _join_window(self) -> int:
        window_s = self.compiled.tariff.join_window_s
        return -1 if window_s is None else window_s

    def _extra(self) -> tuple[np.ndarray, ...]:
        """Columns that few taps have, by input row; empty where there are none."""
        one, taps = self.compiled, self.taps

        def given(values: np.ndarray | None, kind: type) -> np.ndarray:
            return np.zeros(0, kind) if values is None else np.array(values, kind)

        ends = None
        if taps.to_time is not None:
            ends = np.where(taps.to_time == NO_TIME, NO_TIME, taps.to_time - one.cut.origin)
        routes = (
            taps.codes["route"] + np.int32(1)
            if one.tells_routes and "route" in taps.codes
            else None
        )
        return (
            given(taps.rank, np.int64), given(taps.kind, np.int8), given(taps.riders, np.int32),
            given(ends, np.int64), given(routes, np.int32),
            given(self._stations("stop"), np.int32), given(self._stations("to_stop"), np.int32),
        )  # fmt: skip

    def _stations(self, name: str) -> np.ndarray | None:
        """Number of the station of each tap's stop, -1 where it is not known."""
        if not self.compiled.joins.any() or name not in self.taps.codes:
            return None
        both = [self.taps.values.get(one, []) for one in ("stop", "to_stop")]
        stations = self.compiled.tariff.stations
        names = sorted({stations.get(stop, stop) for values in both for stop in values})
        number = {station: k for k, station in enumerate(names)}
        table = [number[stations.get(stop, stop)] for stop in self.taps.values[name]]
        return np.asarray(np.array([*table, -1], np.int32)[self.taps.codes[name]])

    def back(self, values: np.ndarray) -> np.ndarray:
        """Bring a column into the order of the input."""
        out = np.empty(len(values), values.dtype)

        def gather(k: int) -> None:
            a, b = self.slices[k]
            partition.gather(
                self.taps.card[a:b], self.shift, self.cursors[k].copy(), values, out[a:b]
            )

        self.each(gather, range(self.threads))
        return out
