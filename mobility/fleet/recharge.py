"""Blocks recharged between trips where that helps, and cut where the battery makes it so.

A heuristic on top of the battery-free blocks, quick at any size; `electrify` goes on from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet import _battery_kernels
from mobility.fleet.duty import STRAIGHT, Duty
from mobility.fleet.energy import run_kwh, trip_kwh
from mobility.fleet.links import links
from mobility.fleet.runs import kept_pairs, pull_in, pull_out

NOT_TO_JOIN = -1e9

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.links import Links
    from mobility.fleet.problem import Problem


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
    """Duties between the cuts; a trip too far from its depot goes to the nearest allowed one, alone."""
    pieces, start = [], 0
    for end in np.flatnonzero(cut).tolist():
        trips, home = tuple(order[start : end + 1].tolist()), int(depot[start])
        if charge[end] < 0:
            row = np.array(trips, np.int32)
            around = [
                pull_out(problem, row, place)[1][0] + pull_in(problem, row, place)[1][-1]
                if problem.allowed.depots[row, at].all() else np.inf
                for at, place in enumerate(problem.depot_place.tolist())
            ]  # fmt: skip
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
    layover_s = problem.allowed.layover_s[[one.trips[-1] for one in pieces]]
    rank = sorted(range(len(pieces)), key=lambda at: (int(start_s[at]), pieces[at].trips))
    before = np.full(len(pieces), -1, np.int32)
    _battery_kernels.join_pieces(
        np.array([pieces[at].depot for at in rank], np.int32),
        # The rule of a layover between two trips holds at the depot too.
        start_s[rank].astype(np.int64), (end_s[rank] + layover_s[rank]).astype(np.int64),
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
