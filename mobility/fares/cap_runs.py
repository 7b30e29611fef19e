"""Taps as the policy kernel reads them: in order of card and time, after transfers, before caps.

What a leg costs after transfers does not depend on caps, as long as no transfer pays back. So transfers
are settled once, and every policy of caps starts from there.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.fares import _policy_kernels as kernels
from mobility.fares.clock import groups_of
from mobility.fares.compile import wanted_columns
from mobility.fares.ledger import UNKNOWN
from mobility.fares.rate import thread_count
from mobility.fares.settle import settle_taps
from mobility.fares.taps import Taps, taps_of

if TYPE_CHECKING:
    from mobility.fares.problem import Tariff

_CALENDAR = frozenset({"service-day", "calendar-week", "calendar-month"})
_BLOCK = 256  # policies at once: their accounts stay in a core's first cache


@dataclass(frozen=True)
class Runs:
    """Runs of taps by card; cards are numbered in the order of their ids.

    ``cost`` (int32 where every card's sum fits, else int64) and ``marks`` of each run, ``first[c]``
    the first run of card c. ``present`` is what each card pays under the tariff as it is, ``outside``
    what it pays where no cap counts it. ``cards`` are their ids (or codes).
    """

    cost: np.ndarray
    marks: np.ndarray
    first: np.ndarray
    present: np.ndarray
    outside: np.ndarray
    cards: np.ndarray
    caps: int
    taps: int

    @property
    def count(self) -> int:
        """Cards."""
        return len(self.first) - 1

    def merged(self) -> Runs:
        """Join runs of a card between which no period of a cap begins and the scope stays.

        Exact: within them each charge is the least of what the leg costs and what is left, so that
        their sum is the least of their sum and what is left.
        """
        if not len(self.cost):
            return self
        new = (self.marks >> 4) != 0
        new[1:] |= (self.marks[1:] & 15) != (self.marks[:-1] & 15)
        new[self.first[:-1][np.diff(self.first) > 0]] = True
        at = np.flatnonzero(new)
        before = np.zeros(len(new) + 1, np.int64)
        np.cumsum(new, out=before[1:])
        return replace(
            self,
            cost=np.add.reduceat(self.cost, at, dtype=np.int64).astype(self.cost.dtype),
            marks=self.marks[at],
            first=before[self.first],
        )


@dataclass(frozen=True)
class Sums:
    """What policies come to, by group of cards: arrays (groups, policies), ``reached`` (caps, ...)."""

    charged: np.ndarray
    better: np.ndarray
    worse: np.ndarray
    gained: np.ndarray
    lost: np.ndarray
    reached: np.ndarray
    held: np.ndarray
    free: np.ndarray


def why_not(tariff: Tariff, taps: Taps | None = None) -> str:
    """Say why the policy kernel cannot rate a tariff, or nothing where it can."""
    groups = groups_of(tariff.caps)
    if not groups:
        return "the tariff has no caps"
    if len(groups) > kernels.MOST_CAPS:
        return f"{len(groups)} caps are more than {kernels.MOST_CAPS}"
    for levels in groups:
        if levels[0].period not in _CALENDAR:
            return f"cap {levels[0].id!r} has a {levels[0].period} period"
        if any(one.amount is None or one.accrues != "charged" for one in levels):
            return f"cap {levels[0].id!r} does not count what is charged"
        if any(one.crossing != "clip" or one.after for one in levels):
            return f"cap {levels[0].id!r} is not a plain limit"
    if tariff.combine != "min-remaining" and len(groups) > 1:
        return "caps count one by one (best-single)"
    if any(one.kind not in {"free", "difference", "discount"} for one in tariff.transfers):
        return "a transfer may pay back"
    if tariff.joins or getattr(tariff, "tickets", None) is not None:
        return "legs are joined after the fact"
    if taps is not None and (taps.riders is not None or taps.kind is not None):
        return "taps have several riders, tap-offs or voids"
    return ""


def read_for(taps: pd.DataFrame, tariff: Tariff) -> Taps:
    """Read a table's taps for a tariff; the good ones alone."""
    read = taps_of(taps, tariff, wanted=wanted_columns(tariff))
    if read.good is None:
        return read
    good = read.take(read.good)
    good.findings = read.findings
    return good


@dataclass(frozen=True)
class Panel:
    """Every known tap by card and time: ``cost`` after transfers, scope and periods of the caps."""

    cost: np.ndarray  # int64
    mask: np.ndarray  # uint8: bit g, cap g counts the tap
    period: np.ndarray  # int32, a column a cap: the number of its period
    code: np.ndarray  # int32: number of the card
    first: np.ndarray  # int64: the first tap of each card
    cards: np.ndarray
    present: np.ndarray  # int64: what each card pays under the tariff as it is
    order: np.ndarray  # row of the input of each tap
    unknown: int  # taps of unknown fare
    caps: int

    def marks_of(self, kept: np.ndarray) -> np.ndarray:
        """Marks (see the policy kernels) of some of the taps, as if there were no others."""
        return _marks(self.mask[kept], self.period[kept], self.code[kept])


def panel_of(
    read: Taps, tariff: Tariff, *, like: Panel | None = None, threads: int | None = None
) -> Panel:
    """Settle transfers, and sort by card and time (then ``tap_id``, then arrival).

    ``read`` are good taps; the tariff is one that ``why_not`` has nothing against. A tap of unknown fare
    costs nothing and no cap counts it. ``like`` is the panel of the same taps under a tariff that differs in
    amounts alone: its order and periods are taken.
    """
    answers, compiled, _ = settle_taps(read, tariff, threads=threads)
    known = answers["charged"] != UNKNOWN
    if like is not None:
        spent = np.where(known, answers["spent"], 0).astype(np.int64)
        return replace(like, cost=spent[like.order])
    cards, code = cards_of(read)
    seconds = read.seconds()
    order = _order(code, seconds, read.rank)
    spent = np.where(known, answers["spent"], 0).astype(np.int64)
    mask = compiled.legs[answers["leg"], 1] & ((1 << len(compiled.cap_ids)) - 1)
    charged = np.where(known, answers["charged"], 0).astype(np.int64)
    first = np.zeros(len(cards) + 1, np.int64)
    np.cumsum(np.bincount(code, minlength=len(cards)), out=first[1:])
    return Panel(
        cost=spent[order],
        mask=np.where(known, mask, 0).astype(np.uint8)[order],
        period=_periods(compiled, seconds[order]),
        code=code.astype(np.int32)[order],
        first=first,
        cards=cards,
        present=sums_of(code, charged, len(cards)),
        order=order,
        unknown=int((~known).sum()),
        caps=len(compiled.cap_ids),
    )


def runs_of(panel: Panel) -> Runs:
    """Taps that cost something and that a cap counts, as runs; the others as sums of cards."""
    count = len(panel.cards)
    kept = (panel.cost != 0) & (panel.mask != 0)
    cost = panel.cost[kept]
    most = sums_of(panel.code, panel.cost, count).max(initial=0)
    return Runs(
        cost=cost if int(most) >= 2**31 - 1 else cost.astype(np.int32),
        marks=panel.marks_of(kept),
        first=np.concatenate([[0], np.cumsum(kept)])[panel.first].astype(np.int64),
        present=panel.present,
        outside=sums_of(panel.code, np.where(panel.mask == 0, panel.cost, 0), count),
        cards=panel.cards,
        caps=panel.caps,
        taps=len(panel.cost),
    )


def _order(code: np.ndarray, seconds: np.ndarray, rank: np.ndarray | None) -> np.ndarray:
    if rank is not None:
        return np.lexsort((rank, seconds, code))
    least = int(seconds.min(initial=0)) if len(seconds) else 0
    return np.argsort((code.astype(np.int64) << 32) | (seconds - least), kind="stable")


def cards_of(read: Taps) -> tuple[np.ndarray, np.ndarray]:
    """Cards in order, and the number of each tap's card."""
    code, cards = pd.factorize(read.card, sort=True)
    return np.asarray(cards, np.int64), code


def sums_of(code: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Exact sums of integers by code."""
    sums = np.zeros(count, np.int64)
    np.add.at(sums, code, values)
    return sums


def _periods(compiled: Any, seconds: np.ndarray) -> np.ndarray:
    """Number of the period of each cap (columns) at each time."""
    piece = np.searchsorted(compiled.cut.starts, seconds - compiled.cut.origin, side="right") - 1
    calendar = compiled.caps[2]
    return np.asarray(calendar[:, 1::2][piece])


def _marks(mask: np.ndarray, period: np.ndarray, code: np.ndarray) -> np.ndarray:
    marks = mask.astype(np.uint8)
    same = np.zeros(len(code), np.bool_)
    same[1:] = code[1:] == code[:-1]
    for g in range(period.shape[1]):
        begins = np.zeros(len(code), np.bool_)
        begins[1:] = period[1:, g] != period[:-1, g]
        marks |= (begins & same).astype(np.uint8) << np.uint8(4 + g)
    return marks


def rate_all(
    runs: Runs,
    levels: np.ndarray,
    *,
    group: np.ndarray | None = None,
    groups: int = 1,
    least: int = 1,
    counting: bool = False,
    threads: int | None = None,
) -> Sums:
    """Rate every policy: ``levels`` (caps, policies) in minor units, a negative one is no cap.

    ``group`` is the row (0 to ``groups`` - 1) of each card; ``least`` the smallest saving that helps.
    With ``counting`` ``reached`` is filled, and, where runs are taps, ``held`` and ``free`` mean taps.
    """
    kind = runs.cost.dtype
    top = np.iinfo(kind).max
    asked = np.asarray(levels, np.int64).reshape(runs.caps, -1)
    plain = np.where((asked < 0) | (asked > top), top, asked).astype(kind)
    policies = plain.shape[1]
    row = np.zeros(runs.count, np.int32) if group is None else group.astype(np.int32)
    blocks = [plain[:, a : a + _BLOCK] for a in range(0, policies, _BLOCK)]
    blocks = [np.ascontiguousarray(one) for one in blocks]
    workers = thread_count(len(runs.cost) * max(1, policies // 16), threads)
    edges = _edges(runs.first, workers)

    def work(part: tuple[int, int]) -> list[list[np.ndarray]]:
        made = []
        for block in blocks:
            k = block.shape[1]
            sums = [np.zeros((groups, k), np.int64) for _ in range(5)]
            more = [np.zeros((groups, k), np.int64) for _ in range(2)]
            reached = np.zeros((kernels.MOST_CAPS, groups, k), np.int64)
            kernels.rate_policies(
                runs.cost, runs.marks, runs.first, part[0], part[1], row, runs.present,
                runs.outside, block, np.zeros((kernels.MOST_CAPS, k), kind), np.zeros(k, kind),
                np.zeros((kernels.MOST_CAPS, k), kind), np.int64(least), counting,
                *sums, reached, *more,
            )  # fmt: skip
            made.append([*sums, reached, *more])
        return made

    with ThreadPoolExecutor(workers) as pool:
        parts = list(pool.map(work, pairwise(edges)))
    columns = [
        np.concatenate([sum(part[b][at] for part in parts) for b in range(len(blocks))], axis=-1)
        for at in range(8)
    ]
    return Sums(*columns)


def _edges(first: np.ndarray, workers: int) -> list[int]:
    """Bounds of runs of cards with about as many taps each."""
    marks = np.linspace(0, int(first[-1]), workers + 1)
    edges = np.searchsorted(first, marks, side="left")
    edges[0], edges[-1] = 0, len(first) - 1
    return [int(one) for one in edges]


def totals_of(runs: Runs, levels: list[int] | np.ndarray) -> np.ndarray:
    """What each card pays under one policy."""
    kind = runs.cost.dtype
    top = np.iinfo(kind).max
    asked = np.asarray(levels, np.int64)
    plain = np.where((asked < 0) | (asked > top), top, asked).astype(kind)
    total = np.zeros(runs.count, np.int64)
    kernels.totals_of_cards(
        runs.cost, runs.marks, runs.first, runs.outside, plain, plain.copy(), total
    )
    return total
