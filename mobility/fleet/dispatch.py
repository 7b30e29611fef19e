"""Which bus drives what, with its charge in mind: a whole city's blocks by exchange of rests of days.

The start is a flow in which every depot has a line of its own (``city_flow.py``). Then, again and
again, one time of the day and some neighbouring buses are drawn, the day of each is cut at that time,
and an assignment gives every first part the rest that makes all of them cheapest together: any depot
for each, going home or straight on, within the battery. What there is stays possible, so nothing gets
dearer. Energy that a battery lacks can be bought at a price that rises until nobody buys any.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.fleet import _dispatch_kernels, _exchange_kernels
from mobility.fleet.activities import write_out
from mobility.fleet.charging import charge_blocks
from mobility.fleet.city_flow import city_flow
from mobility.fleet.days import days_of
from mobility.fleet.depots import crowded
from mobility.fleet.duty import STRAIGHT, Duty
from mobility.fleet.parking import respect_parking
from mobility.fleet.recharge import stay_power_kw
from mobility.fleet.tariff import slot_prices
from mobility.fleet.trip_table import TripTable, trip_table
from mobility.units import DAY_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem

EFFORT = 20.0  # exchanges a bus

_NEIGHBOURS = 120  # buses that exchange at a time
_ROUNDS = 60  # exchanges of a worker between two looks at the clock
_WORKERS = 2
_TOGETHER = 4 * _NEIGHBOURS  # fewer buses are not split between workers
_LONGEST = 60  # trips of a duty
# A kWh that a battery lacks costs this share of a bus's day over a battery, until the end.
_FIRST_PRICE = 1.5
_NO_PRICE = 1e12
# Noise begins at this share of a bus's day, and ends after so much of the time.
_HOTTEST, _COLD = 1 / 700, 0.93
# When the charging is planned to see where buses queue, as shares of the time.
_FIRST_ASKED, _ASK_EVERY = 0.35, 0.06
# How often the last exchanges are tried until every bus can be charged.
_LAST = 4


@dataclass
class Roster:
    """Duties while they change: trips in rows, how many, the depot of each, and what it costs."""

    seq: NDArray[np.int32]
    size: NDArray[np.int32]
    home: NDArray[np.int32]
    paid: NDArray[np.float64]

    @property
    def cost_minor(self) -> float:
        """Of all duties that can be driven."""
        return float(self.paid[self.paid < _dispatch_kernels.NEVER].sum())

    @property
    def vehicles(self) -> int:
        """Duties with any trips."""
        return int((self.size > 0).sum())


def dispatch(
    problem: Problem,
    rows: NDArray[np.int32],
    minor_km: float,
    *,
    duties: Sequence[Duty] = (),
    share: float | NDArray[np.float64] = 0.9,
    effort: float = EFFORT,
    seconds: float | None = None,
    seed: int = 0,
) -> tuple[Duty, ...]:
    """Make duties of some trips that each battery carries, as cheap as time allows.

    Parameters
    ----------
    problem, rows
        Trips to drive, rows of ``problem.trips``, all with the first type of bus.
    minor_km
        Price of a km of empty running, its energy at the least price included.
    duties
        Where to start; empty for the flow.
    share
        Of a depot charger's power that a standing bus counts on, one number or (depots,): less than
        1 where buses queue.
    effort
        Exchanges a bus: the answer repeats exactly.
    seconds
        Cool down by the clock where that is sooner. Then it does not repeat.
    seed
        Of the neighbourhoods that are drawn.

    Returns
    -------
    tuple[Duty, ...]
        Within the planner's rules, groups of routes aside: the caller passes one group's trips.
        Sorted by trips; a trip that no battery bus can drive alone is a duty of its own. Capacities
        of depots and queues at chargers are priced, not promised: the caller plans the charging.
    """
    if rows.size == 0:
        return ()
    begin = time.perf_counter()
    table = trip_table(problem, rows)
    numbers = _numbers(problem, table, minor_km, np.broadcast_to(share, len(problem.depots)))
    chains = _start(problem, table, minor_km, duties)
    price = _FIRST_PRICE * problem.costs.vehicle_day_minor / problem.vehicle.usable_kwh
    priced = _priced(numbers, price)
    roster = _roster(chains, priced)
    crew = _Crew(problem, table, minor_km, seed)
    workers = 1 if roster.vehicles < _TOGETHER else _WORKERS
    rounds = max(10, int(effort * roster.vehicles / (workers * _ROUNDS)))
    asked = _FIRST_ASKED
    for work in range(rounds):
        passed = work / rounds
        if seconds is not None:
            passed = max(passed, (time.perf_counter() - begin) / seconds)
        if passed >= 1.0:
            break
        level = _noise(problem, passed)
        crew.exchange(roster, priced, level)
        if passed >= asked:
            crew.queues(roster, priced)
            asked += _ASK_EVERY
    # Nobody may buy energy in the end: duties that did are cut, and exchange once more.
    strict = _priced(numbers, _NO_PRICE)
    roster = _whole(roster, strict)
    for _ in range(_LAST):
        for _ in range(max(2, rounds // 40)):
            crew.exchange(roster, strict, 0.0)
        if not crew.queues(roster, strict):
            return _ruled(problem, table, _duties(roster, table, strict), minor_km)
    for turn in range(3 * _LAST):
        crew.move(roster, strict, cut=turn >= _LAST)
        if not crew.queues(roster, strict):
            break
    return _ruled(problem, table, _duties(roster, table, strict), minor_km)


def supports(problem: Problem) -> bool:
    """Whether `dispatch` keeps to a problem's rules; groups of routes are the caller's."""
    return not (problem.rules.shift_s or problem.vehicle.curve)


def _ruled(
    problem: Problem, table: TripTable, duties: tuple[Duty, ...], minor_km: float
) -> tuple[Duty, ...]:
    """Take apart what is too long for a block or a driver, and leave full terminals."""
    long = [duty for duty in duties if _too_long(problem, table, duty)]
    if long:
        homes = np.array([duty.depot for duty in long], np.int64)
        chains = [duty.trips for duty in long]
        apart = days_of(problem, chains, homes, minor_km=minor_km, vehicle=0, keep=False)
        held = (duty for duty in duties if not _too_long(problem, table, duty))
        duties = tuple(sorted((*held, *apart), key=lambda duty: duty.trips))
    return respect_parking(problem, duties, minor_km=minor_km, keep=False)


def _too_long(problem: Problem, table: TripTable, duty: Duty) -> bool:
    """Whether a block of a duty is, or may be, longer than a bus or its driver goes."""
    longest = min(problem.rules.max_block_s, problem.rules.relief_max_s or DAY_S)
    if longest >= DAY_S:
        return False
    rows = np.searchsorted(table.rows, duty.trips)
    home = np.flatnonzero(np.array(duty.via, np.int64) != STRAIGHT)
    first = rows[np.concatenate([[0], home + 1]).astype(np.int64)]
    last = rows[np.concatenate([home, [rows.size - 1]]).astype(np.int64)]
    spans = table.home_s[last, duty.depot].astype(np.int64) - table.out_s[first, duty.depot]
    return bool((spans > longest).any())


def _noise(problem: Problem, passed: float) -> float:
    """Noise of the exchanges, minor units, when a share of the time has passed: it cools to none."""
    if passed >= _COLD:
        return 0.0
    return float(problem.costs.vehicle_day_minor * _HOTTEST * 0.01 ** (passed / _COLD))


def _start(
    problem: Problem, table: TripTable, minor_km: float, duties: Sequence[Duty]
) -> list[NDArray[np.int32]]:
    if not duties and table.able.all():
        flow = city_flow(problem, table, minor_km=minor_km)
        if flow is not None:
            return list(flow.chains)
    own = np.full(len(problem.trips), -1, np.int32)
    own[table.rows] = np.arange(table.rows.size, dtype=np.int32)
    if not duties:
        return [np.array([trip], np.int32) for trip in range(table.rows.size)]
    return [own[np.array(one.trips, np.int32)] for one in duties]


def _numbers(
    problem: Problem, table: TripTable, minor_km: float, share: NDArray[np.float64]
) -> tuple[Any, ...]:
    """What the kernels need besides duties; see their module."""
    bus, slot_s = problem.vehicle, problem.tariff.slot_s
    slot_h = slot_s / 3600.0
    slots = np.arange(3 * DAY_S // slot_s)
    ready = (stay_power_kw(problem) * share * slot_h)[:, None] * slots[None, :]
    prices = slot_prices(problem.tariff)
    noon = slice(10 * 3600 // slot_s, 16 * 3600 // slot_s)
    return (
        table.arrays,
        (
            minor_km / 1000.0,
            problem.costs.waiting_h_minor / 3600.0,
            problem.run_kwh_km() / 1000.0,
            slot_s,
        ),
        np.zeros(len(problem.deadheads.places)),
        np.ascontiguousarray(ready),
        (
            bus.full_kwh * bus.start_soc,
            bus.full_kwh * bus.min_soc,
            bus.full_kwh * bus.max_soc,
            _NO_PRICE,
        ),
        (float(max(0.0, prices[noon].mean() - prices.min())), np.zeros(len(problem.depots))),
        bus.usable_kwh,
        float(problem.costs.vehicle_day_minor),
    )


def _priced(numbers: tuple[Any, ...], price: float) -> tuple[Any, ...]:
    """The numbers with another price of a kWh that a battery lacks."""
    return (*numbers[:4], (*numbers[4][:3], float(price)), *numbers[5:])


def _roster(chains: Sequence[NDArray[np.int32]], numbers: tuple[Any, ...]) -> Roster:
    """Duties of chains, cut where they cannot be driven."""
    never = _dispatch_kernels.NEVER
    duties: list[tuple[NDArray[np.int32], int, float]] = []
    for chain in chains:
        first = 0
        while first < len(chain):
            # Longer parts only get harder: the whole, else the longest that works, by halves.
            low, high = first + 1, min(len(chain), first + _LONGEST)
            middle, found = high, (first + 1, -1, never)
            while low <= high:
                part = np.ascontiguousarray(chain[first:middle])
                depot, cost = _dispatch_kernels.best_depot(part, part.size, numbers)
                if depot >= 0:
                    found, low = (middle, int(depot), float(cost)), middle + 1
                else:
                    high = middle - 1
                middle = (low + high + 1) // 2
            end, home, paid = found
            if home < 0:  # not even alone: at the depot that is nearest
                away = numbers[0][11][chain[first]].astype(float) + numbers[0][13][chain[first]]
                home = int(np.argmin(away))
            duties.append((chain[first:end], home, paid))
            first = end
    seq = np.zeros((len(duties), _LONGEST), np.int32)
    for at, (trips, _, _) in enumerate(duties):
        seq[at, : trips.size] = trips
    return Roster(
        seq,
        np.array([trips.size for trips, _, _ in duties], np.int32),
        np.array([home for _, home, _ in duties], np.int32),
        np.array([paid for _, _, paid in duties], float),
    )


def _whole(roster: Roster, numbers: tuple[Any, ...]) -> Roster:
    """The same duties at other prices; those that no battery carries now are cut."""
    _dispatch_kernels.costs_of(roster.seq, roster.size, roster.home, numbers, roster.paid)
    used = np.flatnonzero(roster.size > 0)
    good = used[roster.paid[used] < _dispatch_kernels.NEVER]
    bad = used[roster.paid[used] >= _dispatch_kernels.NEVER]
    if bad.size == 0:
        return Roster(roster.seq[good], roster.size[good], roster.home[good], roster.paid[good])
    cut = _roster([roster.seq[at, : roster.size[at]] for at in bad.tolist()], numbers)
    return Roster(
        np.concatenate([roster.seq[good], cut.seq]), np.concatenate([roster.size[good], cut.size]),
        np.concatenate([roster.home[good], cut.home]), np.concatenate([roster.paid[good], cut.paid]),
    )  # fmt: skip


class _Crew:
    """Workers that exchange, and what they know of the depots' queues."""

    def __init__(self, problem: Problem, table: TripTable, minor_km: float, seed: int) -> None:
        self.problem, self.table, self.minor_km = problem, table, minor_km
        self.random = np.random.default_rng(seed)
        self.cuts = np.unique(table.depart_s)
        self.place = problem.depot_place.astype(np.int32)
        self.queued = np.zeros(len(problem.depots))
        self.full = np.zeros(len(problem.depots), bool)
        self.left: list[int] = []

    def exchange(self, roster: Roster, numbers: tuple[Any, ...], noise: float) -> None:
        """Exchange ``_ROUNDS`` times on each half of the city."""
        problem, rent = self.problem, numbers[5][1]
        rent += 0.3 * (_rents(problem, self.table, roster) + self.queued - rent)
        _dispatch_kernels.costs_of(roster.seq, roster.size, roster.home, numbers, roster.paid)
        halves = _halves(problem, roster, self.random)
        seeds = self.random.integers(0, 2**31 - 1, len(halves))
        with ThreadPoolExecutor(len(halves)) as workers:
            jobs = [
                workers.submit(_exchanges, roster, half, numbers, noise, int(one), self.cuts, self.place)
                for half, one in zip(halves, seeds, strict=True)
            ]  # fmt: skip
            for job in jobs:
                job.result()

    def queues(self, roster: Roster, numbers: tuple[Any, ...]) -> int:
        """Charge everybody; where buses are left over their depot gets dearer. How many are left.

        Buses beyond a depot's capacity are left over too.
        """
        duties = _duties(roster, self.table, numbers)
        blocks = write_out(self.problem, duties, minor_km=self.minor_km, keep=False)
        left = charge_blocks(self.problem, blocks).unserved
        row = {one.id: at for at, one in enumerate(self.problem.depots)}
        homes = blocks.drop_duplicates("vehicle").set_index("vehicle")["depot"].map(row)
        buses = np.bincount(homes, minlength=len(row))
        short = np.bincount(homes.loc[list(left)], minlength=len(row))
        for depot, over in crowded(self.problem, homes.tolist()).items():
            short[depot] += over
        used = np.flatnonzero(roster.size > 0)
        order = used[np.argsort(roster.seq[used, 0])]  # as the duties, and so the vehicles
        self.left = order[np.flatnonzero(homes.index.isin(left))].tolist()
        self.full |= short > 0
        self.queued = np.where(
            short > 0, self.queued + 3.0 + 60.0 * short / np.maximum(buses, 1), 0.9 * self.queued
        )
        return int(short.sum())

    def move(self, roster: Roster, numbers: tuple[Any, ...], *, cut: bool) -> None:
        """Send every bus that was left over to the cheapest depot where none ever was.

        With ``cut`` its day is shared between two buses, each with half of the trips.
        """
        labels = _dispatch_kernels.LABELS + 1
        scratch = (*(np.empty(labels) for _ in range(3)), np.empty((3, labels)))

        def settle(duty: int) -> None:
            trips, size = roster.seq[duty], int(roster.size[duty])
            costs = np.full(self.place.size, _dispatch_kernels.NEVER)
            for depot in np.flatnonzero(~self.full).tolist():
                costs[depot] = _dispatch_kernels.duty_cost(trips, size, depot, numbers, *scratch)
            best = int(np.argmin(costs))
            if costs[best] < _dispatch_kernels.NEVER:
                roster.home[duty], roster.paid[duty] = best, costs[best]

        for duty in self.left:
            half = int(roster.size[duty]) // 2
            if cut and half > 0:
                rest = np.zeros((1, roster.seq.shape[1]), np.int32)
                rest[0, : roster.size[duty] - half] = roster.seq[duty, half : roster.size[duty]]
                roster.seq = np.concatenate([roster.seq, rest])
                roster.size = np.append(roster.size, roster.size[duty] - np.int32(half))
                roster.home = np.append(roster.home, roster.home[duty])
                roster.paid = np.append(roster.paid, roster.paid[duty])
                roster.size[duty] = half
                settle(roster.size.size - 1)
            settle(duty)


def _exchanges(
    roster: Roster,
    mine: NDArray[np.int32],
    numbers: tuple[Any, ...],
    noise: float,
    seed: int,
    cuts: NDArray[np.int32],
    place: NDArray[np.int32],
) -> None:
    """Exchange ``_ROUNDS`` times among neighbours of some duties; no other is read or changed."""
    table = numbers[0]
    few = min(_NEIGHBOURS, mine.size)
    depots = min(_dispatch_kernels.MOST_DEPOTS, place.size)
    room = np.empty((6, few, depots, _dispatch_kernels.LABELS + 1))
    counts, ends = np.zeros((2, few, depots), np.int32), np.empty((6, few, depots))
    cost, depot = np.empty((few, few)), np.empty((few, few), np.int32)
    split = np.zeros(roster.size.size, np.int32)
    days = (roster.seq, roster.size, roster.home)
    for turn in range(_ROUNDS):
        rows = _exchange_kernels.neighbours(
            mine,
            few,
            seed + turn,
            cuts,
            *days,
            table[0],
            table[2],
            table[3],
            table[9][0],
            place,
            split,
        )
        _dispatch_kernels.exchange_costs(
            rows, split, *days, roster.paid, numbers, room, counts, ends, cost, depot
        )
        _exchange_kernels.exchange(rows, noise, cost, depot, *days, roster.paid, split)


def _rents(problem: Problem, table: TripTable, roster: Roster) -> NDArray[np.float64]:
    """What a kWh of each depot's buses costs above the least price, by how busy its chargers are.

    Free while the cheap hours suffice, then the step to the price of the day, then more and more.
    """
    used = roster.size > 0
    trips = np.arange(roster.seq.shape[1])[None, :] < roster.size[:, None]
    kwh = np.where(trips, table.kwh[roster.seq], 0.0).sum(axis=1)
    last = roster.seq[np.arange(roster.size.size), np.maximum(roster.size - 1, 0)]
    ends_m = table.out_m[roster.seq[:, 0], roster.home] + table.home_m[last, roster.home].astype(
        float
    )
    kwh += ends_m * problem.run_kwh_km() / 1000.0
    load = np.bincount(roster.home[used], kwh[used], minlength=len(problem.depots))
    most = [np.inf if one.chargers is None else one.chargers for one in problem.depots]
    power = np.maximum(np.array(most, float) * stay_power_kw(problem), 1e-9)
    prices = slot_prices(problem.tariff)
    cheap_h = float((prices <= prices.min() + 1e-9).sum()) * problem.tariff.slot_s / 3600.0
    step = max(0.0, float(np.median(prices) - prices.min()))
    hours = load / power
    low, high = 0.75 * cheap_h, cheap_h
    rent = step * np.clip((hours - low) / max(high - low, 1e-9), 0.0, 1.0)
    rent += np.maximum(step, 10.0) * np.maximum(0.0, hours - 1.25 * cheap_h)
    return np.asarray(rent, float)


def _halves(
    problem: Problem, roster: Roster, random: np.random.Generator
) -> list[NDArray[np.int32]]:
    """Duties on either side of a line through the city that is drawn anew each time."""
    everyone = np.arange(roster.size.size, dtype=np.int32)
    if everyone.size < _TOGETHER:
        return [everyone]
    one, other = random.choice(len(problem.deadheads.places), 2, replace=False)
    metres = problem.deadheads.distance_m[0].astype(np.int64)
    side = (metres[:, one] - metres[:, other])[problem.depot_place][roster.home]
    order = np.lexsort((everyone, side)).astype(np.int32)
    middle = everyone.size // 2
    return [np.sort(order[:middle]), np.sort(order[middle:])]


def _duties(roster: Roster, table: TripTable, numbers: tuple[Any, ...]) -> tuple[Duty, ...]:
    via = np.zeros(roster.seq.shape, np.bool_)
    _dispatch_kernels.ways_of(roster.seq, roster.size, roster.home, numbers, via)
    duties = []
    for at in np.flatnonzero(roster.size > 0).tolist():
        size, home = int(roster.size[at]), int(roster.home[at])
        trips = table.rows[roster.seq[at, :size]].tolist()
        way = tuple(home if one else STRAIGHT for one in via[at, : size - 1].tolist())
        duties.append(Duty(home, tuple(trips), way))
    return tuple(sorted(duties, key=lambda duty: duty.trips))
