"""Blocks that the battery carries: first recharged and cut where they must be, then by column generation.

`respect_battery` is a heuristic on top of the battery-free blocks; `electrify` starts from it, and
its bound comes to know the battery.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet import _battery_kernels
from mobility.fleet.duty import STRAIGHT, Duty
from mobility.fleet.energy import run_kwh, trip_kwh
from mobility.fleet.links import links
from mobility.fleet.runs import kept_pairs, pull_in, pull_out

NOT_TO_JOIN = -1e9

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from mobility.fleet.engine import Clock
    from mobility.fleet.links import Links
    from mobility.fleet.plan import Plan
    from mobility.fleet.pricing import Column
    from mobility.fleet.problem import Problem
    from mobility.stop import Stop

# Rounds of pricing that may go into the least number of vehicles.
_COUNTED = 200


def electrify(problem: Problem, *, stop: Stop | None = None, seed: int = 0) -> Plan:
    """Plan a day of battery buses: vehicle days by column generation, with a bound that knows the battery.

    Starts from the optimal battery-free blocks, recharged and cut (`plan`). Days that the battery
    carries are priced by labels of cost and charge, with partial charging, the charging curve and
    prices of chargers by slot; a dive makes whole days of them, a search improves them, and the same
    labels, rounded the other way, give the bound.

    Parameters
    ----------
    problem
        Trips, empty runs, depots, vehicles (the first type is planned), chargers, tariff, costs, rules.
    stop
        When to give up improving; by default at a gap of 1 %. ``Work`` counts rounds of pricing and
        repeats exactly; ``Seconds`` does not. Ctrl-C ends with the best plan so far.
    seed
        Of the search.

    Returns
    -------
    Plan
        Always; never worse than `plan`'s. ``cuts`` says which battery-free blocks no battery carries,
        and what would.

    References
    ----------
    van Kooten Niekerk, van den Akker, Hoogeveen (2017), Public Transport 9; de Vos, van Lieshout,
    Dollevoet (2024), Transportation Science 58(2).

    Examples
    --------
    >>> print(electrify(problem, stop=Seconds(60)))
    66 vehicles (at least 66), CLP 15,424,087 a day (feasible, gap 0.41 %, 58.2 s), checked
    """
    from mobility.fleet.blocks import schedule
    from mobility.fleet.chain import plan
    from mobility.fleet.cuts import cuts_of
    from mobility.fleet.duty import CONVENTIONAL
    from mobility.fleet.energy import beyond_battery, least_kwh_price
    from mobility.fleet.engine import Clock, Engine
    from mobility.solution import Status, StopReason
    from mobility.stop import Gap

    started = time.perf_counter()
    best = plan(problem, seed=seed)
    beyond = beyond_battery(problem)
    rows = np.flatnonzero(~beyond).astype(np.int32)
    if best.report.status is Status.INFEASIBLE or not problem.vehicle.electric or rows.size == 0:
        return best
    km_minor = problem.costs.deadhead_km_minor
    others = schedule(
        problem, np.flatnonzero(beyond).astype(np.int32), km_minor, "optimise", vehicle=CONVENTIONAL
    )
    clock = Clock(stop or Gap(0.01), started, others.bound_minor, bound=sum(best.bounds.values()))
    clock.objective = np.inf if best.report.objective is None else best.report.objective
    fewest, flow_bound = best.vehicles_bound, clock.bound
    electric_km = km_minor + least_kwh_price(problem) * problem.vehicle.kwh_km
    free = schedule(problem, rows, electric_km, "optimise", vehicle=0)
    cuts = cuts_of(problem, free.duties)
    try:
        if clock.goes_on():
            engine = Engine(problem, rows, _room_left(problem, others.duties))
            for days in engine.run(clock, seed):
                tried = _realised(best, days, others.duties)
                told = tried.report.objective
                if told is not None and not tried.findings and told < clock.objective:
                    best, clock.objective = tried, told
            if best.report.objective is not None and best.vehicles > fewest and clock.goes_on():
                fewest = max(fewest, engine.fewest(clock, _COUNTED) + others.vehicles_bound)
    except KeyboardInterrupt:
        clock.reason = StopReason.INTERRUPTED
    return _told(best, clock, flow_bound, fewest, cuts, len(others.duties))


def _room_left(problem: Problem, taken: tuple[Duty, ...]) -> NDArray[np.float64]:
    """Places in each depot that some buses leave; inf where there is no limit."""
    room = np.array(
        [np.inf if one.capacity is None else one.capacity for one in problem.depots], float
    )
    for duty in taken:
        room[duty.depot] -= 1
    return np.asarray(np.maximum(room, 0.0), float)


def _realised(base: Plan, days: list[Column], others: tuple[Duty, ...]) -> Plan:
    """Write vehicle days out, charge them near the slots in which they mean to, and check them."""
    from mobility.fleet.activities import write_out
    from mobility.fleet.chain import finish
    from mobility.fleet.charging import charge_blocks
    from mobility.fleet.energy import least_kwh_price

    problem = base.problem
    own = [(Duty(one.depot, one.trips, one.via, one.vehicle), one.plugs) for one in days]
    everyone = sorted([*own, *((duty, ()) for duty in others)], key=lambda one: one[0].trips)
    minor_km = problem.costs.deadhead_km_minor + least_kwh_price(problem) * problem.vehicle.kwh_km
    table = write_out(problem, [duty for duty, _ in everyone], minor_km=minor_km, keep=False)
    planned: dict[tuple[str, int], set[int]] = {}
    for vehicle, (_, plugs) in zip(table["vehicle"].drop_duplicates(), everyone, strict=True):
        for site, slot in plugs:
            planned.setdefault((vehicle, site), set()).add(slot)
    return finish(replace(base, blocks=table), charge_blocks(problem, table, planned))


def _told(
    best: Plan, clock: Clock, flow_bound: float, fewest: int, cuts: pd.DataFrame, others: int
) -> Plan:
    """The plan with the bounds, the reason to stop and the time of the whole."""
    from mobility.fleet.cuts import saved_by
    from mobility.fleet.plan import status_of, whole_bound
    from mobility.solution import StopReason

    report = best.report
    bounds = {**best.bounds, "battery": max(0.0, clock.bound - flow_bound)}
    scope = report.bound_scope
    if clock.bound > flow_bound:
        scope = scope.replace(
            "on batteries of any size",
            "on these batteries, charged by slot at these prices and chargers, without queueing for a "
            "whole session",
        )
    bound = sum(bounds.values())
    if report.objective is None:
        report = replace(report, bound=float(np.floor(bound)), bound_scope=scope)
    else:
        report = replace(
            report, bound=whole_bound(bound, report.parts), bound_scope=scope,
            status=status_of(report.objective, bound),
        )  # fmt: skip
    report = replace(
        report, seconds=time.perf_counter() - clock.started,
        stop_reason=clock.reason or StopReason.FINISHED,
    )  # fmt: skip
    said = saved_by(cuts, best.vehicles - others)
    return replace(
        best, report=report, bounds=bounds, vehicles_bound=fewest, cuts=cuts,
        assumptions=(*best.assumptions, said) if said else best.assumptions,
    )  # fmt: skip


def respect_battery(
    problem: Problem,
    duties: tuple[Duty, ...],
    *,
    minor_km: float,
    keep: bool,
    share: NDArray[np.float64],
    rejoin: bool = True,
) -> tuple[Duty, ...]:
    """Recharge, cut and join duties so that a bus can drive each of them.

    Parameters
    ----------
    problem, duties
        Electric duties; the battery, chargers and depots are the problem's.
    minor_km
        Price of a km of empty running.
    keep
        Whether the feed's own connections are kept without a layover.
    share
        How much of a stay's charging power each trip (a row of ``problem.trips``) may count on:
        less than 1 where buses queue.
    rejoin
        Whether pieces may share a vehicle.
    """
    if not duties:
        return ()
    bus = problem.vehicle
    order = np.concatenate([np.array(one.trips, np.int32) for one in duties])
    lengths = np.array([len(one.trips) for one in duties])
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    depot = np.repeat(np.array([one.depot for one in duties]), lengths)
    # Rows between duties are links too, of no meaning: nothing reads them.
    then = np.append(order[1:], order[-1])
    kept = kept_pairs(problem, order, then) if keep else None
    ways = links(problem, order, then, problem.depot_place[depot], minor_km=minor_km, kept=kept)
    via = np.zeros(order.size, bool)
    for one, at in zip(duties, offsets.tolist(), strict=False):
        via[at : at + len(one.via)] = [way == one.depot for way in one.via]

    leave, out_m, back, in_m = _ends(problem, order, depot)
    power = stay_power_kw(problem)
    kw = power[depot]
    possible = np.isfinite(ways.via_minor)
    stay_h = _slot_hours(ways.home_s, ways.out_s, problem.tariff.slot_s)
    cut = np.zeros(order.size, bool)
    charge, slack = np.zeros(order.size), np.zeros(order.size)
    _battery_kernels.cut_blocks(
        offsets, via, possible, trip_kwh(problem)[order], run_kwh(problem, out_m), run_kwh(problem, in_m),
        run_kwh(problem, ways.run_m), _terminal_gain(problem, then, ways) * share[order],
        run_kwh(problem, ways.home_m), run_kwh(problem, ways.out_m), stay_h * kw * share[order],
        leave.astype(np.int64), back.astype(np.int64), bus.full_kwh * bus.start_soc,
        bus.full_kwh * bus.min_soc, bus.full_kwh * bus.max_soc, power[[one.depot for one in duties]] * 0.95,
        cut, charge, slack,
    )  # fmt: skip
    pieces = _pieces(problem, order, depot, via, cut, charge)
    if not rejoin:
        return tuple(sorted(pieces, key=lambda duty: duty.trips))
    ends = np.flatnonzero(cut)
    starts = np.append(0, ends[:-1] + 1)
    return _join(
        problem, pieces, leave[starts], back[ends], charge[ends], slack[ends], power, share
    )


def at_stays(duties: tuple[Duty, ...]) -> tuple[Duty, ...]:
    """Take duties apart wherever the bus stands at its depot."""
    pieces = []
    for duty in duties:
        start = 0
        for stop in [at + 1 for at, way in enumerate(duty.via) if way == duty.depot] + [
            len(duty.trips)
        ]:
            way = duty.via[start : stop - 1]
            pieces.append(Duty(duty.depot, duty.trips[start:stop], way, duty.vehicle))
            start = stop
    return tuple(sorted(pieces, key=lambda piece: piece.trips))


def stay_power_kw(problem: Problem) -> NDArray[np.float64]:
    """What one bus draws at each depot at most, kW."""
    return np.array(
        [
            0.0 if one.chargers == 0 else min(
                problem.vehicle.max_kw, one.charger_kw,
                np.inf if one.site_kw is None else one.site_kw,
            )
            for one in problem.depots
        ]
    )  # fmt: skip


def _ends(
    problem: Problem, order: NDArray[np.int32], depot: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Pull-out and pull-in of every trip from its duty's depot: when, and how many metres."""
    leave, back = np.zeros(order.size, np.int64), np.zeros(order.size, np.int64)
    out_m, in_m = np.zeros(order.size, np.int64), np.zeros(order.size, np.int64)
    for one, place in enumerate(problem.depot_place.tolist()):
        here = np.flatnonzero(depot == one)
        leave[here], out = pull_out(problem, order[here], place)
        back[here], home = pull_in(problem, order[here], place)
        # No way to or from the depot: so far that no piece can begin or end there.
        out_m[here] = np.where(np.isfinite(out), out, 10**9).astype(np.int64)
        in_m[here] = np.where(np.isfinite(home), home, 10**9).astype(np.int64)
    return leave, out_m, back, in_m


def _terminal_gain(problem: Problem, then: NDArray[np.int32], ways: Links) -> NDArray[np.float64]:
    """Energy (kWh) that the wait before each next trip gives at most, where its terminal has a charger."""
    kw = np.zeros(len(problem.deadheads.places))
    for one in problem.chargers:
        site = np.inf if one.site_kw is None else one.site_kw
        if one.count:
            kw[problem.deadheads.row[one.stop_id]] = min(problem.vehicle.max_kw, one.kw, site)
    arrive = ways.leave_s + ways.run_s
    hours = _slot_hours(arrive, problem.depart_s[then].astype(np.int64), problem.tariff.slot_s)
    # The empty run comes first here, so its energy is gone before the charge: not counted, safe.
    gain: NDArray[np.float64] = hours * kw[problem.from_place[then]]
    return np.where(ways.run_m == 0, gain, 0.0)


def _slot_hours(
    start_s: NDArray[np.int64], end_s: NDArray[np.int64], slot_s: int
) -> NDArray[np.float64]:
    """Hours of the whole slots between two times, 0 where there is none."""
    slots = np.maximum(0, end_s // slot_s - -(-start_s // slot_s))
    return np.asarray(slots * (slot_s / 3600.0), float)


def _pieces(
    problem: Problem,
    order: NDArray[np.int32],
    depot: NDArray[np.int64],
    via: NDArray[np.bool_],
    cut: NDArray[np.bool_],
    charge: NDArray[np.float64],
) -> list[Duty]:
    """Duties between the cuts; a trip too far from its depot goes to the nearest one, alone."""
    pieces, start = [], 0
    for end in np.flatnonzero(cut).tolist():
        trips, home = tuple(order[start : end + 1].tolist()), int(depot[start])
        if charge[end] < 0:
            row = np.array(trips, np.int32)
            around = [
                pull_out(problem, row, place)[1][0] + pull_in(problem, row, place)[1][-1]
                for place in problem.depot_place.tolist()
            ]
            home = int(np.argmin(around))
            charge[end] = NOT_TO_JOIN
        way = np.where(via[start:end], home, STRAIGHT).tolist()
        pieces.append(Duty(home, trips, tuple(way)))
        start = end + 1
    return pieces


def _join(
    problem: Problem,
    pieces: list[Duty],
    start_s: NDArray[np.int64],
    end_s: NDArray[np.int64],
    charge: NDArray[np.float64],
    slack: NDArray[np.float64],
    power: NDArray[np.float64],
    share: NDArray[np.float64],
) -> tuple[Duty, ...]:
    bus = problem.vehicle
    stay_kw = np.array([power[one.depot] * share[one.trips[0]] for one in pieces])
    rank = sorted(range(len(pieces)), key=lambda at: (int(start_s[at]), pieces[at].trips))
    before = np.full(len(pieces), -1, np.int32)
    _battery_kernels.join_pieces(
        np.array([pieces[at].depot for at in rank], np.int32),
        # The rule of a layover between two trips holds at the depot too.
        start_s[rank].astype(np.int64), (end_s[rank] + problem.rules.min_layover_s).astype(np.int64),
        charge[rank], slack[rank], power * 0.95, stay_kw[rank], np.int64(problem.tariff.slot_s),
        bus.full_kwh * bus.start_soc, before,
    )  # fmt: skip
    vehicle: dict[int, int] = {}
    merged: list[Duty] = []
    for at, piece in enumerate(rank):
        one, tail = pieces[piece], int(before[at])
        if tail < 0:
            vehicle[at] = len(merged)
            merged.append(one)
            continue
        home = vehicle[tail]
        earlier = merged[home]
        merged[home] = Duty(
            one.depot, earlier.trips + one.trips, (*earlier.via, one.depot, *one.via)
        )
        vehicle[at] = home
    return tuple(sorted(merged, key=lambda duty: duty.trips))
