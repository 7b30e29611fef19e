"""Whole chargers and single plug-ins at one site: sessions that follow the relaxation's load, then a search.

Three steps, each of which keeps what is cheapest. Buses are plugged in slot by slot so that the site's
power follows the relaxation's, who has least time to spare first. Sessions are lengthened into the gaps
on their chargers, and the relaxation is solved again with sessions for stays: power inside given
sessions is the same flow, so it is exact, and lengthening never makes it dearer. A search unplugs a few
buses that meet and plugs them in again; each round of it ends with the second step.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet import _plug_kernels as kernels
from mobility.fleet import _plug_search_kernels as searches
from mobility.fleet import _transport_kernels as flows
from mobility.fleet.charge_again import NEVER, again, powered
from mobility.fleet.charge_bound import site_bound, site_load

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.charge_bound import SiteBound
    from mobility.fleet.charge_sites import SiteStays

# Shares of the site's power with which the load that is followed is found: less power, earlier charging.
_SHARES = (1.0, 0.95, 0.9, 0.8)
_DONE = 1e-7
_MANY = 8
_HEATS = (0.0, 0.1, 0.5)
_LACK = 1000.0
# Rounds with one plug-in a stay before more are tried, where more are allowed.
_ONCE = 2


@dataclass(frozen=True)
class Sessions:
    """One site's sessions: slots ``begin`` to ``finish`` (-1: none), kW by stay and slot of the stay.

    ``cost`` is in the problem's prices, ``lacks`` what each stay does not get, kW x slots. ``stay`` is the
    stay of each session; None: session ``i`` is that of stay ``i``.
    """

    begin: NDArray[np.int64]
    finish: NDArray[np.int64]
    flow: NDArray[np.float64]
    lacks: NDArray[np.float64]
    peak_kw: float
    cost: float
    stay: NDArray[np.int64] | None = None

    @property
    def owner(self) -> NDArray[np.int64]:
        """The stay of each session."""
        return np.arange(self.begin.size) if self.stay is None else self.stay

    @property
    def lack(self) -> float:
        """All that is not delivered, kW x slots."""
        return float(self.lacks.sum())


class SiteSearch:
    """The cheapest sessions of one site found so far, and ways to better ones.

    Parameters
    ----------
    stays
        The site, its stays and prices.
    relaxed
        The site's relaxation; None where it has none.
    seed
        Of every random choice; the same seed repeats exactly.
    """

    def __init__(self, stays: SiteStays, relaxed: SiteBound | None, seed: int) -> None:
        self.stays, self.relaxed = stays, relaxed
        self.peak_price = stays.demand / stays.slot_h
        self.lengths = stays.end - stays.first
        self.offset = np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)
        self.random = np.random.default_rng([seed, stays.rows.size, stays.base])
        self.state = np.array([self.random.integers(1, 1 << 62)], np.uint64)
        dearest = float(np.abs(stays.price).max(initial=1.0)) + self.peak_price
        self.lack_price = _LACK * max(dearest, 1e-6)
        self.best: Sessions | None = None
        self.rounds = 0
        self.until_s = np.inf  # of time.perf_counter: no new step begins after it

    @property
    def worth(self) -> float:
        """Cost and lack in one figure, price x kW x slots; infinite before the first plan."""
        return np.inf if self.best is None else self._worth(self.best)

    @property
    def gap(self) -> float:
        """What the relaxation says could still be saved at most, in the problem's prices."""
        if self.best is None or self.relaxed is None or self.best.lack > 0:
            return np.inf
        return max(0.0, self.best.cost - self.relaxed.bound)

    @property
    def done(self) -> bool:
        """Whether nothing is left to gain."""
        return self.best is not None and self.gap <= _DONE * max(1.0, abs(self.best.cost))

    def _worth(self, one: Sessions) -> float:
        return one.cost / self.stays.slot_h + self.lack_price * one.lack

    def build(self) -> None:
        """Follow the relaxation's load, with ever less of the site's power until all are served."""
        if self.relaxed is not None:
            for share in _SHARES:
                given = self.relaxed
                if share < 1.0:
                    lower = site_bound(self.stays, self.stays.cap_kw * share, given.peak_kw)
                    if lower is None:
                        break
                    given = lower
                if self.best is not None and time.perf_counter() > self.until_s:
                    return
                for soonest in (True, False):
                    self.follow(site_load(self.stays, given.flow), soonest=soonest)
                    if self.gap <= 1e-4 * abs(self.relaxed.bound):
                        return
        if self.best is None or self.best.lack > 0:
            self.follow(self.stays.cap_kw, soonest=True)

    def follow(self, target_kw: NDArray[np.float64], *, soonest: bool) -> None:
        """Plug buses in so that their power follows a load, and offer these sessions."""
        one = self.stays
        begin, finish = np.empty(one.rows.size, np.int64), np.empty(one.rows.size, np.int64)
        kernels.follow(one.first, one.end, one.most, one.need, one.site.chargers, one.gap,
                       target_kw, np.zeros(one.rows.size), soonest, begin, finish)  # fmt: skip
        self.offer(begin, finish)

    def round(self, tries: int) -> None:
        """Unplug and plug in a few buses at a time, so many times, then offer what came out."""
        if self.best is None or self.done or time.perf_counter() > self.until_s:
            return
        now, one = self.best, self.stays
        self.rounds += 1
        flow, lacks = now.flow.copy(), now.lacks.copy()
        low = now.peak_kw if self.relaxed is None else self.relaxed.peak_kw
        peak = low if self.random.random() < 0.3 else (
            low + (now.peak_kw - low) * 1.05 * self.random.random())  # fmt: skip
        heat = float(self.random.choice(_HEATS)) / one.rows.size
        if one.plug_ins > 1 and (now.stay is not None or self.rounds > _ONCE):
            found = again(self, now, peak, tries, _MANY, heat)
            if self._worth(found) < self.worth - 1e-9:
                self.best = found
            return
        begin, finish = now.begin.copy(), now.finish.copy()
        searches.search(one.first, one.end, one.most, one.need, one.level, one.price, one.cap_kw,
                       one.beside_kw, one.site.chargers, one.gap, self.peak_price, self.lack_price, peak,
                       tries, _MANY, heat, self.state, begin, finish, flow, lacks)  # fmt: skip
        self.offer(begin, finish)

    def offer(self, begin: NDArray[np.int64], finish: NDArray[np.int64]) -> None:
        """Lengthen sessions on their chargers, find their cheapest power, keep them if they are better."""
        one = self.stays
        charger = np.empty(one.rows.size, np.int64)
        begin, finish = begin.copy(), finish.copy()
        if not kernels.assign(begin, finish, one.site.chargers, one.gap, charger):
            return
        share = self.random.random(one.rows.size)
        kernels.stretch(
            one.first, one.end, begin, finish, charger, one.site.chargers, one.gap, share
        )
        found = self._power(begin, finish)
        if self.best is None or self._worth(found) < self.worth - 1e-9:
            self.best = found

    def begin_with(
        self, stay: NDArray[np.int64], begin: NDArray[np.int64], finish: NDArray[np.int64]
    ) -> Sessions:
        """Offer the sessions of another plan; they, with their cheapest power, come back."""
        one = self.stays
        if one.plug_ins > 1 and stay.size:
            nothing = np.zeros(int(self.offset[-1]))
            empty = Sessions(begin[:0], finish[:0], nothing, one.need, 0.0, np.inf, stay[:0])
            found = powered(self, empty, stay, begin, finish)
            if self.best is None or self._worth(found) < self.worth - 1e-9:
                self.best = found
            return found
        low, high = np.full(one.rows.size, -1, np.int64), np.full(one.rows.size, -1, np.int64)
        low[stay], high[stay] = begin, finish
        self.offer(low, high)
        return self._power(low, high)

    def _power(self, begin: NDArray[np.int64], finish: NDArray[np.int64]) -> Sessions:
        """Cheapest power inside given sessions; where it falls short, most energy first."""
        one = self.stays
        plugged = np.flatnonzero(begin >= 0)
        low, high, most = begin[plugged], finish[plugged], one.most[plugged]
        need = one.need[plugged]
        flow = np.zeros(int((high - low).sum()))
        guess = 0.0 if self.relaxed is None else self.relaxed.peak_kw
        lacks = one.need.copy()
        lacks[plugged] = 0.0

        def cheapest(need: NDArray[np.float64]) -> tuple[int, float, float]:
            state, peak, cost, _, _ = flows.cheapest_peak(
                low, high, most, NEVER, need, one.level, one.price, one.cap_kw, one.beside_kw, one.floor_kw,
                self.peak_price, flow, guess,
            )  # fmt: skip
            return state, peak, cost

        state, peak, cost = cheapest(need)
        if state:
            none, never = np.full(plugged.size, -1, np.int64), np.full(one.slots, -1, np.int64)
            flows.shortfall(low, high, most, NEVER, need, one.cap_kw, np.inf, flow, none, never)
            got = np.bincount(np.repeat(np.arange(plugged.size), high - low), flow, plugged.size)
            short = need - got
            short[short < 1e-6] = 0.0
            lacks[plugged] = short
            state, peak, cost = cheapest(np.asarray(got * (1.0 - 1e-12), float))
        wide = self._by_stay(plugged, low, high, flow)
        kernels.trim(low, high, flow)
        kept = high > low
        begin, finish = np.full(one.rows.size, -1, np.int64), np.full(one.rows.size, -1, np.int64)
        begin[plugged[kept]], finish[plugged[kept]] = low[kept], high[kept]
        if self.peak_price == 0:
            peak = self.peak_kw(wide)
        return Sessions(begin, finish, wide, lacks, float(peak), float(cost) * one.slot_h)

    def _by_stay(
        self,
        plugged: NDArray[np.int64],
        low: NDArray[np.int64],
        high: NDArray[np.int64],
        flow: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        wide = np.zeros(int(self.offset[-1]))
        lengths = high - low
        within = np.arange(flow.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        wide[
            np.repeat(self.offset[plugged] + low - self.stays.first[plugged], lengths) + within
        ] = flow
        return wide

    def by_rule(self, *, balanced: bool) -> Sessions:
        """First come, first served: at full power, or evenly spread."""
        one = self.stays
        begin, finish = np.empty(one.rows.size, np.int64), np.empty(one.rows.size, np.int64)
        flow = np.zeros(int(self.offset[-1]))
        kernels.by_arrival(one.first, one.end, one.most, one.need, one.cap_kw, one.site.chargers,
                           one.gap, balanced, begin, finish, flow)  # fmt: skip
        got = np.bincount(np.repeat(np.arange(one.rows.size), self.lengths), flow, one.rows.size)
        lacks = one.need - got
        lacks[lacks < 1e-6] = 0.0
        load, peak = site_load(one, flow), self.peak_kw(flow)
        cost = float((load * one.price[one.level]).sum()) * one.slot_h
        cost += one.demand * (peak - one.floor_kw)
        return Sessions(begin, finish, flow, lacks, peak, cost)

    def peak_kw(self, flow: NDArray[np.float64]) -> float:
        """Peak that counts, with what the site draws besides; at least the one that is free."""
        with_others = site_load(self.stays, flow) + self.stays.beside_kw
        return float(with_others.max(initial=self.stays.floor_kw))

    def load_kw(self, one: Sessions) -> NDArray[np.float64]:
        """(slots,) power of the site."""
        return site_load(self.stays, one.flow)

    def chargers(self, one: Sessions) -> NDArray[np.int64]:
        """A charger for each session, -1 where there is none."""
        charger = np.full(one.begin.size, -1, np.int64)
        kernels.assign(one.begin, one.finish, self.stays.site.chargers, self.stays.gap, charger)
        return charger
