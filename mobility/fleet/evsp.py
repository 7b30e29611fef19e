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

from mobility.fleet import tariff as prices
from mobility.fleet.energy import demand_day_price, run_kwh, trip_kwh
from mobility.fleet.links import NEVER_S, latest_leave, links, run_metres, run_time
from mobility.fleet.problem import UNREACHABLE_S
from mobility.fleet.runs import pull_in, pull_out
from mobility.units import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.links import Links
    from mobility.fleet.problem import Problem

_FAR = 1e15  # no bus goes there
LEVELS = 256  # about; the grid's step divides what the strongest charger gives in a slot


@dataclass(frozen=True, eq=False)
class Day:
    """One kind of bus (a depot's, of one type) and what its days are made of.

    ``node`` etc. are costs in minor units with the energy at the least price of the day; kWh of a
    connection includes its first trip. Sites: the own depot, then the problem's chargers (column
    ``site`` in ``sites``: rows of ``Duty.via``). Slots are counted from ``first_slot``.
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
    layover_s: int
    wait_s: int
    end_kwh: NDArray[np.float64]

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
        return bool(((stood >= self.layover_s) & ((stood <= self.wait_s) | (via[at] == 0))).all())

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


def steered_prices(problem: Problem) -> NDArray[np.float64]:
    """Price of a kWh in each slot of the day, its even share in every demand charge included.

    A peak is no less than the mean over its counted intervals: so no load costs less than this.
    """
    slot_s = problem.tariff.slot_s
    steered = prices.slot_prices(problem.tariff)
    for one in problem.tariff.demand:
        if one.so_far_kw > 0:  # up to what is paid already, a peak costs nothing
            continue
        counted = prices.counted_intervals(one)
        second = np.repeat(counted, one.interval_s)
        share = second.reshape(-1, slot_s).mean(axis=1)
        hours = counted.sum() * one.interval_s / 3600.0
        steered = steered + share * (demand_day_price(problem, one) / max(hours, 1e-9))
    return np.asarray(steered, float)


def day_of(
    problem: Problem, rows: NDArray[np.int32], depot: int, vehicle: int, *, relaxed: bool = False
) -> Day:
    """Make the arrays of some trips (rows of ``problem.trips``, sorted) for one kind of bus.

    ``relaxed``, for a bound: stays at the depot without a whole slot are connections too, and
    charging may begin before a layover is over.
    """
    bus, costs, slot_s = problem.vehicles[vehicle], problem.costs, problem.tariff.slot_s
    place = int(problem.depot_place[depot])
    steered = steered_prices(problem)
    least = float(steered.min())
    metre = (costs.deadhead_km_minor + least * problem.run_kwh_km(vehicle)) / 1000.0
    second = costs.waiting_h_minor / 3600.0
    day_minor = costs.vehicle_day_minor if bus.vehicle_day_minor is None else bus.vehicle_day_minor
    depart, arrive = (
        problem.depart_s[rows].astype(np.int64),
        problem.arrive_s[rows].astype(np.int64),
    )
    kwh = trip_kwh(problem)[rows]

    leave, out_m = pull_out(problem, rows, place)
    back, in_m = pull_in(problem, rows, place)
    early = _standing(problem, np.full(rows.size, place, np.int32), rows, leave)
    first_slot = int(depart.min()) // slot_s - 1
    slots = int(depart.max()) // slot_s - first_slot + 2

    tail, head, arc_m, arc_cost = _straight(
        problem, rows, place, metre, problem.run_kwh_km(vehicle) * float(steered.max()), relaxed
    )
    sites = np.array(
        [depot, *(len(problem.depots) + at for at, one in enumerate(problem.chargers) if one.count)]
    )
    shape = (sites.size, rows.size)
    in_slot, out_slot = np.full(shape, -1, np.int64), np.full(shape, -1, np.int64)
    in_kwh, out_kwh = np.zeros(shape), np.zeros(shape)
    in_cost, out_cost = np.zeros(shape), np.zeros(shape)
    reach_s, quit_s = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    stand, kw, count = np.zeros(sites.size), np.zeros(sites.size), np.zeros(sites.size, np.int64)
    for at, site in enumerate(sites.tolist()):
        spot, kw[at], count[at] = _site(problem, site, bus.max_kw)
        rate = 0.0 if at == 0 else second
        stand[at] = rate * slot_s
        there = np.full(rows.size, spot, np.int32)
        origin, target = problem.to_place[rows], problem.from_place[rows]
        run = run_time(problem.deadheads, origin, there, arrive)
        metres = run_metres(problem.deadheads, origin, there, arrive)
        reached = arrive + run
        reach_s[at] = reached
        # Two slots of standing or more keep any layover that is no longer than they are.
        later = 0 if relaxed else max(0, problem.rules.min_layover_s - slot_s)
        slot = -(-(reached + later) // slot_s) - first_slot
        good = (run < UNREACHABLE_S) & (slot < slots)
        in_slot[at] = np.where(good, slot, -1)
        in_kwh[at] = kwh + run_kwh(problem, metres)
        in_cost[at] = metres * metre + ((slot + first_slot) * slot_s - reached) * rate
        out = latest_leave(problem.deadheads, there, target, depart)
        metres = run_metres(problem.deadheads, there, target, np.maximum(out, -DAY_S))
        slot = out // slot_s - first_slot
        good = (out > NEVER_S) & (slot > 0)
        out_slot[at] = np.where(good, slot, -1)
        out_kwh[at] = run_kwh(problem, metres)
        waits = _standing(problem, there, rows, out)
        quit_s[at] = out + waits.astype(np.int64)
        out_cost[at] = metres * metre + (out - (slot + first_slot) * slot_s) * rate + waits * second
    wrapped = (first_slot + np.arange(slots)) % (DAY_S // slot_s)
    low, high = bus.full_kwh * bus.min_soc, bus.full_kwh * bus.max_soc
    start = bus.full_kwh * bus.start_soc
    slot_h = slot_s / 3600.0
    gain = max(float(kw.max()), 1.0) * slot_h
    step = gain / max(1, math.ceil(gain / ((high - low) / LEVELS)))
    return Day(
        depot=depot, vehicle=vehicle, rows=rows, start_slot=depart // slot_s - first_slot,
        node=kwh * least,
        out_kwh=run_kwh(problem, np.where(np.isfinite(out_m), out_m, 1e9).astype(np.int64)),
        out_cost=day_minor + np.where(np.isfinite(out_m), out_m * metre, _FAR) + early * second,
        in_kwh=kwh + run_kwh(problem, np.where(np.isfinite(in_m), in_m, 1e9).astype(np.int64)),
        in_cost=np.where(np.isfinite(in_m), in_m * metre, _FAR),
        tail=tail, head=head, arc_kwh=kwh[tail] + run_kwh(problem, arc_m), arc_cost=arc_cost,
        sites=sites, in_slot=in_slot, site_in_kwh=in_kwh, site_in_cost=in_cost,
        out_slot=out_slot, site_out_kwh=out_kwh, site_out_cost=out_cost,
        dear=np.ascontiguousarray((steered - least)[wrapped]), stand=stand, kw=kw, count=count,
        first_slot=first_slot, slots=slots, usable_kwh=(start - low, high - low, bus.full_kwh),
        curve=tuple((soc - bus.min_soc, power) for soc, power in bus.curve), slot_h=slot_h,
        step_kwh=step, leave_s=leave, back_s=back, reach_s=reach_s, quit_s=quit_s,
        layover_s=problem.rules.min_layover_s,
        wait_s=DAY_S if problem.rules.max_wait_s is None else problem.rules.max_wait_s,
        end_kwh=np.zeros(rows.size),
    )  # fmt: skip


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
    if day.kw[0] > 0:
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
            day, out_cost=np.where(day.leave_s >= start_s, day.out_cost, _FAR), end_kwh=needed,
            in_cost=np.where(start_s + DAY_S >= day.back_s, day.in_cost, _FAR),
        )  # fmt: skip

    ample = last + int(min(full_h[0], 24.0) * 3600) + 2 * round(day.slot_h * 3600) - DAY_S
    if ample <= first:
        return [day]
    latest = min(ample, int(day.leave_s[able].max()))
    return [kind(int(start)) for start in np.unique(np.linspace(first, latest, starts).astype(int))]


def _straight(
    problem: Problem,
    rows: NDArray[np.int32],
    place: int,
    metre: float,
    kwh_minor_km: float,
    relaxed: bool,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]:
    """Pairs that a bus may drive straight on, less those that a stay at the depot always beats."""
    depart = problem.depart_s[rows]
    arrive = problem.arrive_s[rows]
    begin = np.searchsorted(depart, arrive, side="left")
    # Trips of no length could follow each other at once: only the later row follows the earlier.
    begin = np.maximum(begin, np.arange(rows.size) + 1)
    count = rows.size - begin
    tail = np.repeat(np.arange(rows.size, dtype=np.int32), count)
    head = (np.arange(tail.size) - np.repeat(np.cumsum(count) - count - begin, count)).astype(
        np.int32
    )
    if tail.size == 0:
        return tail, head, np.zeros(0, np.int64), np.zeros(0)
    ways = links(problem, rows[tail], rows[head], place, minor_km=metre * 1000.0)
    beaten = _beaten(problem, rows[head], place, ways, kwh_minor_km)
    good = np.isfinite(ways.straight_minor) & ~beaten
    if not relaxed:
        return tail[good], head[good], ways.run_m[good], ways.straight_minor[good]
    slot_s = problem.tariff.slot_s
    short = np.isfinite(ways.via_minor) & (ways.out_s // slot_s - -(-ways.home_s // slot_s) < 1)
    both = np.concatenate([np.flatnonzero(good), np.flatnonzero(short)])
    metres = np.concatenate([ways.run_m[good], (ways.home_m + ways.out_m)[short]])
    minor = np.concatenate([ways.straight_minor[good], ways.via_minor[short]])
    order = np.argsort(both, kind="stable")
    return tail[both[order]], head[both[order]], metres[order], minor[order]


def _beaten(
    problem: Problem, then: NDArray[np.int32], place: int, ways: Links, kwh_minor_km: float
) -> NDArray[np.bool_]:
    """Pairs that a bus had better drive via the depot, whatever its charge.

    It reaches the depot if it could drive the second trip and leave its end again; the stay gives it
    back what the way took, and even at the dearest price that costs less than standing.
    """
    slot_s, bus = problem.tariff.slot_s, problem.vehicle
    depot = int(np.flatnonzero(problem.depot_place == place)[0])
    kw = _site(problem, depot, bus.max_kw)[1]
    kw = min([kw, *(power for _, power in bus.curve)])
    margin = 4.0 * bus.full_kwh / LEVELS
    kwh = run_kwh(problem, ways.home_m + ways.out_m) + margin
    slots = np.maximum(0, ways.out_s // slot_s - -(-ways.home_s // slot_s) - 1)
    slots -= max(0, problem.rules.min_layover_s - slot_s) // slot_s + 1
    regained = slots * (slot_s / 3600.0) * kw >= kwh
    spots = np.array([place, *(_site(problem, len(problem.depots) + at, bus.max_kw)[0]
                               for at in range(len(problem.chargers)))])  # fmt: skip
    nearest = problem.deadheads.distance_m.min(axis=0)[:, spots].min(axis=1)
    onward = trip_kwh(problem)[then]
    onward = onward + run_kwh(problem, nearest[problem.to_place[then]] + ways.run_m)
    reached = run_kwh(problem, ways.home_m) + margin <= onward
    minor = kwh / problem.run_kwh_km() * kwh_minor_km
    return np.asarray(regained & reached & (ways.straight_minor > ways.via_minor + minor), bool)


def _site(problem: Problem, site: int, bus_kw: float) -> tuple[int, float, int]:
    """Place, kW of a bus and chargers of a site; a depot without a count has one a bus."""
    if site < len(problem.depots):
        depot = problem.depots[site]
        place = int(problem.depot_place[site])
        kw, count, limit = depot.charger_kw, depot.chargers, depot.site_kw
    else:
        one = problem.chargers[site - len(problem.depots)]
        place = problem.deadheads.row[one.stop_id]
        kw, count, limit = one.kw, one.count, one.site_kw
    kw = min(kw, bus_kw, np.inf if limit is None else limit)
    many = 1_000_000 if count is None else count
    return place, kw if many else 0.0, many


def _standing(
    problem: Problem, there: NDArray[np.int32], rows: NDArray[np.int32], leave: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Seconds that a bus that leaves for a trip stands at its stop, where the run is quicker than planned."""
    run = run_time(problem.deadheads, there, problem.from_place[rows], leave)
    waits = problem.depart_s[rows].astype(np.int64) - leave - run
    return np.where((leave > NEVER_S) & (run < UNREACHABLE_S), np.maximum(waits, 0), 0).astype(
        float
    )


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
