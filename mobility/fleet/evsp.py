"""A day of one kind of bus as arrays: trips, connections, charging sites on a grid of charge.

The grid is used in two ways. Rounded *safely* (energy up, charging down) every day that is found can
be driven. Rounded *freely* (energy down, charging up, one level more than full) no day that can be
driven is lost and none costs more: its labels give a bound. Both count energy in money exactly; only
what a battery holds is rounded.

References
----------
van Kooten Niekerk, van den Akker, Hoogeveen (2017), "Scheduling electric vehicles", Public Transport 9.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.fleet.links import NEVER_S
from mobility.fleet.problem import UNREACHABLE_S
from mobility.units import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAR = 1e15  # no bus goes there
LEVELS = 256  # about; the grid's step divides what the strongest charger gives in a slot


@dataclass(frozen=True, eq=False)
class Day:
    """One kind of bus (a depot's, of one type) and what its days are made of.

    ``node`` etc. are costs in minor units with the energy at the least price of the day; kWh of a
    connection includes its first trip. Sites: the own depot, then the problem's chargers (column
    ``site`` in ``sites``: rows of ``Duty.via``). Slots are counted from ``first_slot``.
    ``layover_s`` (trips,) and ``wait_s`` (sites,) limit stands; ``km_minor`` prices empty runs. A bus
    on ``fuel`` has kilometres of range for kWh, and no charger.
    """

    depot: int
    vehicle: int
    rows: NDArray[np.int32]
    start_slot: NDArray[np.int64]
    node: NDArray[np.float64]
    out_kwh: NDArray[np.float64]
    out_cost: NDArray[np.float64]
    in_kwh: NDArray[np.float64]
    in_cost: NDArray[np.float64]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    arc_kwh: NDArray[np.float64]
    arc_cost: NDArray[np.float64]
    sites: NDArray[np.int64]
    in_slot: NDArray[np.int64]
    site_in_kwh: NDArray[np.float64]
    site_in_cost: NDArray[np.float64]
    out_slot: NDArray[np.int64]
    site_out_kwh: NDArray[np.float64]
    site_out_cost: NDArray[np.float64]
    dear: NDArray[np.float64]
    stand: NDArray[np.float64]
    kw: NDArray[np.float64]
    count: NDArray[np.int64]
    first_slot: int
    slots: int
    usable_kwh: tuple[float, float, float]
    curve: tuple[tuple[float, float], ...]
    slot_h: float
    step_kwh: float
    leave_s: NDArray[np.int64]
    back_s: NDArray[np.int64]
    reach_s: NDArray[np.int64]
    quit_s: NDArray[np.int64]
    layover_s: NDArray[np.int64]
    wait_s: NDArray[np.int64]
    block_s: int
    km_minor: float
    end_kwh: NDArray[np.float64]
    fuel: bool = False

    @property
    def trips(self) -> int:
        """How many."""
        return int(self.rows.size)

    def allowed(self, trips: NDArray[np.int64], via: NDArray[np.int64]) -> bool:
        """Whether a day keeps to the rules that labels do not know: its length, its stands at sites."""
        if self.back_s[trips[-1]] - self.leave_s[trips[0]] > DAY_S:
            return False
        at = np.flatnonzero(via >= 0)
        stood = self.quit_s[via[at], trips[at + 1]] - self.reach_s[via[at], trips[at]]
        stands = (stood >= self.layover_s[trips[at]]) & (stood <= self.wait_s[via[at]])
        # A block ends at the depot; what comes after a stay there is another one.
        home = np.flatnonzero(via == 0)
        first = trips[np.concatenate([[0], home + 1])]
        last = trips[np.concatenate([home, [trips.size - 1]])]
        blocks = self.back_s[last] - self.leave_s[first] <= self.block_s
        return bool(stands.all() and blocks.all())

    @property
    def least_cost(self) -> float:
        """What any day of this kind costs at least."""
        return float((self.out_cost + self.node).min() + self.in_cost.min())

    @cached_property
    def head_from(self) -> NDArray[np.int64]:
        """Where the arcs into each trip begin in ``by_head``."""
        return np.concatenate([[0], np.cumsum(np.bincount(self.head, minlength=self.trips))])

    @cached_property
    def tail_from(self) -> NDArray[np.int64]:
        """Where the arcs out of each trip begin; arcs are sorted by tail."""
        return np.concatenate([[0], np.cumsum(np.bincount(self.tail, minlength=self.trips))])

    @cached_property
    def by_head(self) -> NDArray[np.int64]:
        """Arcs sorted by head."""
        return np.lexsort((self.tail, self.head))

    @cached_property
    def safe(self) -> Grid:
        """Rounded so that every day found can be driven."""
        return _grid(self, free=False)

    @cached_property
    def free(self) -> Grid:
        """Rounded so that no day is lost."""
        return _grid(self, free=True)


@dataclass(frozen=True, eq=False)
class Grid:
    """A day's energies as whole levels; ``most`` (sites, levels) is what a slot charges at most."""

    top: int
    start: int
    out: NDArray[np.int64]
    home: NDArray[np.int64]
    arc: NDArray[np.int64]
    site_in: NDArray[np.int64]
    site_out: NDArray[np.int64]
    most: NDArray[np.int64]


def part(day: Day, keep: NDArray[np.int64]) -> Day:
    """The same kind of bus with some of its trips; ``keep`` are rows of the day, rising."""
    new = np.full(day.trips, -1, np.int32)
    new[keep] = np.arange(keep.size, dtype=np.int32)
    arcs = np.flatnonzero((new[day.tail] >= 0) & (new[day.head] >= 0))
    per_trip = (
        "rows",
        "start_slot",
        "node",
        "out_kwh",
        "out_cost",
        "in_kwh",
        "in_cost",
        "leave_s",
        "back_s",
        "layover_s",
        "end_kwh",
    )
    per_site = (
        "in_slot",
        "site_in_kwh",
        "site_in_cost",
        "out_slot",
        "site_out_kwh",
        "site_out_cost",
        "reach_s",
        "quit_s",
    )
    changed = {name: getattr(day, name)[keep] for name in per_trip}
    changed |= {name: np.ascontiguousarray(getattr(day, name)[:, keep]) for name in per_site}
    return replace(
        day, **changed, tail=new[day.tail[arcs]], head=new[day.head[arcs]],
        arc_kwh=day.arc_kwh[arcs], arc_cost=day.arc_cost[arcs],
    )  # fmt: skip


def within_a_day(day: Day, starts: int = 6) -> list[Day]:
    """Kinds of day by ``starts`` earliest starts: home, and full again, within 24 hours of them.

    Labels do not know when a day began. Where any bus has the time, the kind is one.
    """
    able = (day.leave_s > NEVER_S) & (day.back_s < UNREACHABLE_S // 2)
    if not able.any():
        return [day]
    first, last = int(day.leave_s[able].min()), int(day.back_s[able].max())
    held, full_h = np.linspace(0.0, day.usable_kwh[0], 101), np.zeros(101)
    if day.fuel:
        pass  # filled in minutes
    elif day.kw[0] > 0:
        power = np.full(101, day.kw[0])
        if day.curve:
            socs, powers = zip(*day.curve, strict=True)
            power = np.minimum(power, np.interp(held / day.usable_kwh[2], socs, powers))
        full_h[:-1] = np.cumsum((held[1] - held[0]) / power[1:][::-1])[::-1]
    else:
        full_h[:-1] = np.inf

    def kind(start_s: int) -> Day:
        night_h = (start_s + DAY_S - day.back_s) / 3600.0 - 2.0 * day.slot_h
        needed = held[np.minimum(np.searchsorted(-full_h, -np.maximum(night_h, 0.0)), 100)]
        return replace(
            day, out_cost=np.where(day.leave_s >= start_s, day.out_cost, FAR), end_kwh=needed,
            in_cost=np.where(start_s + DAY_S >= day.back_s, day.in_cost, FAR),
        )  # fmt: skip

    ample = last + int(min(full_h[0], 24.0) * 3600) + 2 * round(day.slot_h * 3600) - DAY_S
    if ample <= first:
        return [day]
    latest = min(ample, int(day.leave_s[able].max()))
    return [kind(int(start)) for start in np.unique(np.linspace(first, latest, starts).astype(int))]


def _grid(day: Day, *, free: bool) -> Grid:
    step, eps = day.step_kwh, 1e-9
    start, window, full = day.usable_kwh
    if free:
        top = math.ceil(window / step - eps) + 1
        whole: Any = np.floor
        begin = min(top, math.ceil(start / step - eps))
    else:
        top = math.floor(window / step + eps)
        whole = np.ceil
        begin = min(top, math.floor(start / step + eps))

    def level(kwh: NDArray[np.float64]) -> NDArray[np.int64]:
        shifted = kwh / step + (eps if free else -eps)
        return np.asarray(np.clip(whole(shifted), 0, 10**6), np.int64)

    most = np.zeros((day.sites.size, top + 1), np.int64)
    held = np.asarray(np.arange(top + 1) * float(step), np.float64)
    for site, kw in enumerate(day.kw.tolist()):
        if kw <= 0:
            continue
        gain = slot_gain(held, kw, day.curve, full, day.slot_h, free=free) / step
        if free:
            after = np.maximum.accumulate(
                np.arange(top + 1) + np.ceil(gain - eps).astype(np.int64) + 1
            )
            most[site] = after - np.arange(top + 1)
        else:
            most[site] = np.floor(gain + eps).astype(np.int64)
    return Grid(
        top=top, start=begin, out=level(day.out_kwh), home=level(day.in_kwh + day.end_kwh), arc=level(day.arc_kwh),
        site_in=level(day.site_in_kwh), site_out=level(day.site_out_kwh),
        most=most,
    )  # fmt: skip


def slot_gain(
    held: NDArray[np.float64], kw: float, curve: tuple[tuple[float, float], ...], full_kwh: float,
    hours: float, *, free: bool,
) -> NDArray[np.float64]:  # fmt: skip
    """Energy that a charger of ``kw`` gives in one slot to batteries that hold ``held`` kWh.

    ``curve``: (state of charge, kW) on the same zero as ``held``. Mean power stays within the curve
    over all charges that the slot passes; ``free``: within its highest value there.
    """
    if not curve:
        return np.full(held.size, kw * hours)
    socs, powers = zip(*curve, strict=True)

    def power(kwh: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.minimum(kw, np.interp(kwh / full_kwh, socs, powers)), float)

    steps = held[:, None] + np.linspace(0.0, kw * hours, 201)[None, :]
    within = power(steps)
    if free:
        return np.asarray(within.max(axis=1) * hours, float)
    fits = np.minimum.accumulate(within, axis=1) * hours >= steps - held[:, None] - 1e-9
    return np.asarray((fits.cumprod(axis=1).sum(axis=1) - 1) * (kw * hours / 200.0), float)
