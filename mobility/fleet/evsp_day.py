"""The arrays of one kind of bus, from a problem: what every connection, stay and run takes and costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.fleet import tariff as prices
from mobility.fleet.energy import demand_day_price
from mobility.fleet.evsp import FAR, LEVELS, Day
from mobility.fleet.links import NEVER_S, latest_leave, links, run_metres, run_time
from mobility.fleet.problem import UNREACHABLE_S
from mobility.fleet.runs import pull_in, pull_out
from mobility.units import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.assets import Vehicle
    from mobility.fleet.links import Links
    from mobility.fleet.problem import Problem


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


@dataclass(frozen=True, eq=False)
class _Bus:
    """What a type of bus takes: kWh and minor units of trips and metres.

    For a bus on fuel kWh are kilometres of its range, or nothing where there is no limit.
    """

    type_: Vehicle
    kwh: NDArray[np.float64]
    kwh_m: float
    minor: NDArray[np.float64]
    minor_m: float
    usable_kwh: tuple[float, float, float]
    steered: NDArray[np.float64]

    def run_kwh(self, metres: NDArray[Any]) -> NDArray[np.float64]:
        return np.asarray(metres * self.kwh_m, np.float64)


def _bus(problem: Problem, rows: NDArray[np.int32], *, relaxed: bool) -> _Bus:
    bus, empty_km = problem.vehicle, problem.costs.deadhead_km_minor
    if bus.electric:
        steered = steered_prices(problem)
        least, kwh = float(steered.min()), problem.trip_kwh()[rows]
        low, high = bus.full_kwh * bus.min_soc, bus.full_kwh * bus.max_soc
        return _Bus(
            bus, kwh, problem.run_kwh_km() / 1000.0, kwh * least,
            (empty_km + least * problem.run_kwh_km()) / 1000.0,
            (bus.full_kwh * bus.start_soc - low, high - low, bus.full_kwh), steered,
        )  # fmt: skip
    km = problem.trips["distance_km"].to_numpy(float)[rows]
    price = bus.fuel_km * problem.tariff.fuel_minor(bus.energy)
    free = relaxed or bus.range_km is None  # a bus may fill up on the way
    reach = 1.0 if free or bus.range_km is None else bus.range_km
    return _Bus(
        bus, np.zeros(rows.size) if free else km, 0.0 if free else 1e-3, km * price,
        (empty_km + price) / 1000.0, (reach, reach, reach), np.zeros_like(steered_prices(problem)),
    )  # fmt: skip


def day_of(
    problem: Problem, rows: NDArray[np.int32], depot: int, vehicle: int, *, relaxed: bool = False
) -> Day:
    """Make the arrays of some trips (rows of ``problem.trips``, sorted) for one kind of bus.

    Trips that the rules keep from this depot or type cost more than anything. ``relaxed``, for a
    bound: stays at the depot without a whole slot are connections too, charging may begin before a
    layover is over, and buses on fuel go as far as they like.
    """
    able = problem.allowed.depots[rows, depot] & problem.allowed.types[rows, vehicle]
    problem = problem.of_type(vehicle)
    bus, costs, slot_s = _bus(problem, rows, relaxed=relaxed), problem.costs, problem.tariff.slot_s
    place, second = int(problem.depot_place[depot]), costs.waiting_h_minor / 3600.0
    depart, arrive = (
        problem.depart_s[rows].astype(np.int64),
        problem.arrive_s[rows].astype(np.int64),
    )
    layover = problem.allowed.layover_s[rows].astype(np.int64)
    leave, out_m = pull_out(problem, rows, place)
    back, in_m = pull_in(problem, rows, place)
    early = _standing(problem, np.full(rows.size, place, np.int32), rows, leave)
    first_slot = int(depart.min()) // slot_s - 1
    slots = int(depart.max()) // slot_s - first_slot + 2

    tail, head, arc_m, arc_cost = _straight(problem, rows, place, bus, relaxed)
    both = able[tail] & able[head]
    tail, head, arc_m, arc_cost = tail[both], head[both], arc_m[both], arc_cost[both]
    others = (len(problem.depots) + at for at, one in enumerate(problem.chargers) if one.count)
    sites = np.array([depot, *(others if bus.type_.electric else ())])
    shape = (sites.size, rows.size)
    in_slot, out_slot = np.full(shape, -1, np.int64), np.full(shape, -1, np.int64)
    in_kwh, out_kwh = np.zeros(shape), np.zeros(shape)
    in_cost, out_cost = np.zeros(shape), np.zeros(shape)
    reach_s, quit_s = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    stand, kw, count = np.zeros(sites.size), np.zeros(sites.size), np.zeros(sites.size, np.int64)
    wait_s = np.full(sites.size, DAY_S, np.int64)
    for at, site in enumerate(sites.tolist()):
        spot, kw[at], count[at] = _site(problem, site, bus.type_)
        rate = 0.0 if at == 0 else second
        stand[at] = rate * slot_s
        if at > 0:
            wait_s[at] = problem.allowed.max_wait_s[spot]
        there = np.full(rows.size, spot, np.int32)
        origin, target = problem.to_place[rows], problem.from_place[rows]
        run = run_time(problem.deadheads, origin, there, arrive)
        metres = run_metres(problem.deadheads, origin, there, arrive)
        reached = arrive + run
        reach_s[at] = reached
        # Two slots of standing or more keep any layover that is no longer than they are.
        later = np.zeros(rows.size, np.int64) if relaxed else np.maximum(0, layover - slot_s)
        slot = -(-(reached + later) // slot_s) - first_slot
        good = (run < UNREACHABLE_S) & (slot < slots) & able
        in_slot[at] = np.where(good, slot, -1)
        in_kwh[at] = bus.kwh + bus.run_kwh(metres)
        in_cost[at] = metres * bus.minor_m + ((slot + first_slot) * slot_s - reached) * rate
        out = latest_leave(problem.deadheads, there, target, depart)
        metres = run_metres(problem.deadheads, there, target, np.maximum(out, -DAY_S))
        slot = out // slot_s - first_slot
        good = (out > NEVER_S) & (slot > 0) & able
        out_slot[at] = np.where(good, slot, -1)
        out_kwh[at] = bus.run_kwh(metres)
        waits = _standing(problem, there, rows, out)
        quit_s[at] = out + waits.astype(np.int64)
        out_cost[at] = (
            metres * bus.minor_m + (out - (slot + first_slot) * slot_s) * rate + waits * second
        )
    wrapped = (first_slot + np.arange(slots)) % (DAY_S // slot_s)
    slot_h = slot_s / 3600.0
    gain = max(float(kw.max()), 1.0) * slot_h
    step = gain / max(1, math.ceil(gain / (bus.usable_kwh[1] / LEVELS)))
    if bus.kwh_m == 0.0:
        step = bus.usable_kwh[1]  # nothing is ever used
    goes, comes = np.isfinite(out_m), np.isfinite(in_m)
    return Day(
        depot=depot, vehicle=vehicle, rows=rows, start_slot=depart // slot_s - first_slot,
        node=np.where(able, bus.minor, FAR),
        out_kwh=bus.run_kwh(np.where(goes, out_m, 1e9)),
        out_cost=costs.vehicle_day_minor + early * second
        + np.where(goes & able, np.where(goes, out_m, 0.0) * bus.minor_m, FAR),
        in_kwh=bus.kwh + bus.run_kwh(np.where(comes, in_m, 1e9)),
        in_cost=np.where(comes & able, np.where(comes, in_m, 0.0) * bus.minor_m, FAR),
        tail=tail, head=head, arc_kwh=bus.kwh[tail] + bus.run_kwh(arc_m), arc_cost=arc_cost,
        sites=sites, in_slot=in_slot, site_in_kwh=in_kwh, site_in_cost=in_cost,
        out_slot=out_slot, site_out_kwh=out_kwh, site_out_cost=out_cost,
        dear=np.ascontiguousarray((bus.steered - bus.steered.min())[wrapped]), stand=stand, kw=kw,
        count=count, first_slot=first_slot, slots=slots, usable_kwh=bus.usable_kwh,
        curve=tuple((soc - bus.type_.min_soc, power) for soc, power in bus.type_.curve),
        slot_h=slot_h, step_kwh=step, leave_s=leave, back_s=back, reach_s=reach_s, quit_s=quit_s,
        layover_s=layover, wait_s=wait_s, block_s=problem.rules.max_block_s,
        km_minor=bus.minor_m * 1000.0,
        end_kwh=np.zeros(rows.size), fuel=not bus.type_.electric,
    )  # fmt: skip


def _straight(
    problem: Problem, rows: NDArray[np.int32], place: int, bus: _Bus, relaxed: bool
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
    ways = links(problem, rows[tail], rows[head], place, minor_km=bus.minor_m * 1000.0)
    good = np.isfinite(ways.straight_minor)
    if bus.type_.electric:
        good &= ~_beaten(problem, rows[head], place, ways, bus)
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
    problem: Problem, then: NDArray[np.int32], place: int, ways: Links, bus: _Bus
) -> NDArray[np.bool_]:
    """Pairs that a bus had better drive via the depot, whatever its charge.

    It reaches the depot if it could drive the second trip and leave its end again; the stay gives it
    back what the way took, and even at the dearest price that costs less than standing.
    """
    slot_s = problem.tariff.slot_s
    depot = int(np.flatnonzero(problem.depot_place == place)[0])
    kw = _site(problem, depot, bus.type_)[1]
    kw = min([kw, *(power for _, power in bus.type_.curve)])
    margin = 4.0 * bus.type_.full_kwh / LEVELS
    kwh = bus.run_kwh(ways.home_m + ways.out_m) + margin
    slots = np.maximum(0, ways.out_s // slot_s - -(-ways.home_s // slot_s) - 1)
    longest = int(problem.allowed.layover_s.max(initial=0))
    slots -= max(0, longest - slot_s) // slot_s + 1
    regained = slots * (slot_s / 3600.0) * kw >= kwh
    spots = np.array([place, *(_site(problem, len(problem.depots) + at, bus.type_)[0]
                               for at in range(len(problem.chargers)))])  # fmt: skip
    nearest = problem.deadheads.distance_m.min(axis=0)[:, spots].min(axis=1)
    onward = problem.trip_kwh()[then]
    onward = onward + bus.run_kwh(nearest[problem.to_place[then]] + ways.run_m)
    reached = bus.run_kwh(ways.home_m) + margin <= onward
    minor = kwh * float(bus.steered.max())
    return np.asarray(regained & reached & (ways.straight_minor > ways.via_minor + minor), bool)


def _site(problem: Problem, site: int, bus: Vehicle) -> tuple[int, float, int]:
    """Place, kW of a bus and chargers of a site; a depot without a count has one a bus."""
    if site < len(problem.depots):
        depot = problem.depots[site]
        place = int(problem.depot_place[site])
        kw, count, limit = depot.charger_kw, depot.chargers, depot.site_kw
    else:
        one = problem.chargers[site - len(problem.depots)]
        place = problem.deadheads.row[one.stop_id]
        kw, count, limit = one.kw, one.count, one.site_kw
    kw = min(kw, bus.max_kw if bus.electric else 0.0, np.inf if limit is None else limit)
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
