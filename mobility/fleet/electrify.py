"""Blocks that the battery carries: a search beside a proof.

The quick chain (`plan`) is where it starts. `dispatch` exchanges rests of days at any size; beside it,
on the other core, `dual_bound` raises the worth of every trip. Where trips are few enough, column
generation goes on, and its bound comes to know the battery.
"""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mobility.fleet.activities import write_out
from mobility.fleet.chain import asked_of, drivable, finish, plan
from mobility.fleet.charge_plan import well_charged
from mobility.fleet.charging import charge_blocks
from mobility.fleet.cuts import cuts_of, saved_by
from mobility.fleet.dispatch import EFFORT, dispatch, supports
from mobility.fleet.dual_bound import dual_bound
from mobility.fleet.duty import CONVENTIONAL, Duty, Schedule
from mobility.fleet.engine import Clock, Engine, room_of
from mobility.fleet.plan import status_of, whole_bound
from mobility.fleet.warm import better_plan
from mobility.solution import Status, StopReason
from mobility.stop import Gap, Seconds, ctrl_c, seconds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mobility.fleet.chain import Asked
    from mobility.fleet.mix import Part
    from mobility.fleet.plan import Plan
    from mobility.fleet.problem import Problem
    from mobility.stop import Stop

# Rounds of pricing that may go into the least number of vehicles.
_COUNTED = 200
# Column generation takes days up to this size; the quick chain is no start for ones beyond the second.
_MOST_FOR_COLUMNS = 1_500
_CITY = 12_000
# Shares of the time that the exchanges get: where columns follow, and where nothing but charging does.
_FIRST, _ALONE = 0.2, 0.8

# A vehicle's day, and the (site, slot of the day) in which it means to charge.
Day: TypeAlias = tuple[Duty, tuple[tuple[int, int], ...]]


def electrify(
    problem: Problem, *, stop: Stop | None = None, seed: int = 0, start: Plan | None = None
) -> Plan:
    """Plan a day of battery buses, as cheap as time allows, with a proof of how far that is from the best.

    Starts from the optimal battery-free blocks, recharged and cut (`plan`). Rests of days are exchanged
    with the battery in mind; up to 1,500 trips, vehicle days are then priced by labels of cost and
    charge, with partial charging, the charging curve and prices of chargers by slot: a dive makes whole
    days of them, a search improves them, and the same labels, rounded the other way, give a bound that
    knows the battery. The bound of larger days knows that every bus goes home to its own depot.

    Parameters
    ----------
    problem
        Trips, empty runs, depots, vehicles, chargers, tariff, costs, rules. With several types of bus
        each keeps its trips while rests of days are exchanged; columns of all types compete. Where
        rules are soft, or trips may be moved, the quick chain answers, and says so.
    stop
        When to give up improving; by default at a gap of 1 %. ``Work`` counts rounds of pricing and
        repeats exactly; ``Seconds`` does not. Ctrl-C ends with the best plan so far.
    seed
        Of the search.
    start
        An earlier plan: where it still holds and costs less than what is found, it is kept.

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
    >>> print(electrify(problem, stop=Gap(0.01)))
    45 vehicles (at least 45), USD 14,248.83 a day (feasible, gap 0.03%, ... s), checked
    """
    started, stop = time.perf_counter(), stop or Gap(0.01)
    with ctrl_c() as told:
        asked = asked_of(problem, "optimise", seed)
    known = _searchable(problem, asked)
    large = len(problem.trips) > _CITY and known and not asked.why
    large = large and all(
        problem.bus(part.vehicle).electric and supports(problem.of_type(part.vehicle))
        for part in asked.mix.parts
    )
    best = asked.base if large else plan(problem, seed=seed, start=start)
    if best.report.status is Status.INFEASIBLE or asked.why:
        return best
    if told.pressed and not large:
        return replace(best, report=replace(best.report, stop_reason=StopReason.INTERRUPTED))
    if best.report.stop_reason is StopReason.INTERRUPTED:
        return best
    if not known:
        said = "the search does not break soft rules or move trips: this is the quick chain's plan"
        return replace(best, assumptions=(*best.assumptions, said))
    search = _Search(problem, asked, best, Clock(stop, started), seed, start)
    try:
        search.exchange(seconds_of(stop))
        search.generate()
    except KeyboardInterrupt:
        search.clock.reason = StopReason.INTERRUPTED
    return search.told()


def _searchable(problem: Problem, asked: Asked) -> bool:
    """Whether a search knows all that the problem asks: soft rules and moved trips it does not."""
    rules = problem.rules
    some = any(problem.bus(part.vehicle).electric and part.vehicle >= 0 for part in asked.mix.parts)
    return some and not (rules.soft or rules.shift_s)


@dataclass
class _Group:
    """Trips that may share buses, by whichever types; ``days`` is what drives them now.

    ``found`` are the battery-free blocks of each part.
    """

    rows: NDArray[np.int32]
    parts: list[Part]
    found: list[Schedule]
    days: list[Day] = field(default_factory=list)


class _Search:
    """The best plan so far, what bounds it, and the steps that improve both."""

    def __init__(
        self,
        problem: Problem,
        asked: Asked,
        best: Plan,
        clock: Clock,
        seed: int,
        start: Plan | None,
    ) -> None:
        self.problem, self.best, self.clock, self.seed, self.start = (
            problem,
            best,
            clock,
            seed,
            start,
        )
        self.mix = asked.mix
        self.others: tuple[Duty, ...] = ()
        self.free: tuple[Duty, ...] = ()
        held: dict[int, _Group] = {}
        for part, found in zip(asked.mix.parts, asked.parts, strict=True):
            if part.vehicle == CONVENTIONAL:
                self.others += found.duties
                clock.besides += found.bound_minor
                continue
            if problem.bus(part.vehicle).electric:
                self.free += found.duties
            number = int(problem.allowed.group[part.rows[0]])
            group = held.setdefault(number, _Group(np.zeros(0, np.int32), [], []))
            group.rows = np.sort(np.concatenate([group.rows, part.rows]))
            group.parts.append(part)
            group.found.append(found)
        self.groups = list(held.values())
        self.trips = sum(group.rows.size for group in self.groups)
        self.flow_bound = clock.bound = sum(best.bounds.values())
        self.fewest = best.vehicles_bound
        self.minor_km = asked.mix.minor_km
        self.scope = "on batteries of any size"
        # What is proved of the trips of battery buses alone does not hold where others might join them.
        clock.proves = not asked.mix.in_company
        self._count()

    def exchange(self, seconds: float | None) -> None:
        """Exchange rests of days, and raise the worths of trips beside it."""
        if not self.clock.goes_on():
            return
        allowed = None
        if seconds is not None:
            share = _FIRST if self.trips <= _MOST_FOR_COLUMNS else _ALONE
            allowed = max(0.5, share * (seconds - (time.perf_counter() - self.clock.started)))
        begin = time.perf_counter()
        with ThreadPoolExecutor(1) as beside:
            proof = beside.submit(self._worths, allowed)
            self._dispatch(allowed, self.seed)
            worth = proof.result()
        if worth is not None:
            whole = worth + self.clock.besides + self.best.bounds["trip_energy"]
            self._raise(whole, "on batteries of any size, every bus home to its own depot")
        # A day may be done before its time is up: again from there, with other neighbourhoods.
        turn = 0
        while allowed is not None and self.clock.goes_on():
            took, turn = (time.perf_counter() - begin) / (turn + 1), turn + 1
            left = allowed - (time.perf_counter() - begin)
            if left < took:
                break
            self._dispatch(left, self.seed + turn)

    def _worths(self, seconds: float | None) -> float | None:
        """What all groups cost at least, trip energy aside; None where that is not known."""
        if not self.clock.proves:
            return None
        kinds, total = set(self.mix.kinds) - {CONVENTIONAL}, 0.0
        views = [self.problem.of_type(kind) for kind in sorted(kinds)]
        cheapest = min(views, key=lambda view: view.costs.vehicle_day_minor)
        minor_km = self.minor_km if len(kinds) > 1 else self.groups[0].parts[0].minor_km
        for group in self.groups:
            share = group.rows.size / self.trips
            until = None if seconds is None else Seconds(max(0.05, share * seconds))
            worth = dual_bound(cheapest, group.rows, minor_km, stop=until)
            if worth is None:
                return None
            total += worth.bound_minor
        return total

    def _dispatch(self, seconds: float | None, seed: int) -> None:
        """Exchange within each part of each group, with the room that the others leave."""
        held = Counter(duty.depot for duty, _ in self._days())
        for group in self.groups:
            days: list[Day] = []
            for part, found in zip(group.parts, group.found, strict=True):
                before = [duty for duty, _ in group.days if duty.vehicle == part.vehicle]
                held.subtract(duty.depot for duty in before)
                duties = self._exchanged(group, part, found, before, held, seconds, seed)
                held.update(duty.depot for duty in duties)
                days += [(duty, ()) for duty in duties]
            group.days = days
        self._take()

    def _exchanged(
        self, group: _Group, part: Part, found: Schedule, before: list[Duty], held: Counter[int],
        seconds: float | None, seed: int,
    ) -> Sequence[Duty]:  # fmt: skip
        problem, view = self.problem, self.problem.of_type(part.vehicle)
        if not view.vehicle.electric or not supports(view):
            return before or drivable(
                problem, part, found.duties, np.ones(len(problem.trips)), "optimise"
            )
        # Columns may have given a type other trips than it had at first.
        rows = np.sort([row for duty in before for row in duty.trips]) if group.days else part.rows
        if rows.size == 0:
            return ()
        if not before and not problem.allowed.depots.all():
            before = list(found.duties)
        duties = dispatch(
            _with_room(view, held), rows.astype(np.int32), part.minor_km,
            duties=[replace(duty, vehicle=0) for duty in before], effort=EFFORT,
            seconds=None if seconds is None else max(0.05, seconds * rows.size / self.trips), seed=seed,
        )  # fmt: skip
        return [replace(duty, vehicle=part.vehicle) for duty in duties]

    def generate(self) -> None:
        """Generate columns of each group, dive, and search among them."""
        if self.trips > _MOST_FOR_COLUMNS or not self.clock.goes_on():
            return
        clock, engines, proven = self.clock, list[Engine](), 0.0
        besides, before, left = clock.besides, clock.bound, self.trips
        for group in self.groups:
            clock.besides = besides + proven  # and of the groups that follow: at least nothing
            engine = Engine(self.problem, group.rows, self._room_for(group))
            engines.append(engine)
            with clock.part(group.rows.size / left):
                for days in engine.run(clock, self.seed):
                    group.days = [
                        (Duty(one.depot, one.trips, one.via, one.vehicle), one.plugs)
                        for one in days
                    ]
                    self._take()
            proven, left = proven + max(0.0, engine.bound), left - group.rows.size
        clock.besides = besides
        if clock.bound > before:
            self.scope = (
                "on these batteries, charged by slot at these prices and chargers, without queueing for "
                "a whole session"
            )
        if clock.proves and self.best.vehicles > self.fewest and clock.goes_on():
            most = sum(one.fewest(clock, _COUNTED) for one in engines) + len(self.others)
            self.fewest = max(self.fewest, most)

    def told(self) -> Plan:
        """The plan with the bounds, the reason to stop and the time of the whole."""
        cuts = cuts_of(self.problem, self.free)
        best, clock = self.best, self.clock
        if self.start is not None and best.report.objective is not None:
            best = better_plan(self.problem, best, self.start,
                               lambda base, done: finish(base, done, seed=self.seed))  # fmt: skip
        limit_s = seconds_of(clock.stop)
        if limit_s is None or time.perf_counter() - clock.started < limit_s:
            best = well_charged(self.problem, best, seed=self.seed)
        bounds = {**best.bounds, "search": max(0.0, clock.bound - self.flow_bound)}
        bound, report = sum(bounds.values()), best.report
        scope = report.bound_scope.replace("on batteries of any size", self.scope)
        report = replace(
            report, bound_scope=scope, seconds=time.perf_counter() - clock.started,
            stop_reason=clock.reason or StopReason.FINISHED,
        )  # fmt: skip
        if report.objective is None:
            report = replace(report, bound=float(np.floor(bound)))
        else:
            report = replace(
                report, bound=whole_bound(bound, report.parts),
                status=status_of(report.objective, bound),
            )  # fmt: skip
        said = saved_by(cuts, best.vehicles - len(self.others)) if best.vehicles else ""
        return replace(
            best, report=report, bounds=bounds, vehicles_bound=self.fewest, cuts=cuts,
            assumptions=(*best.assumptions, said) if said else best.assumptions,
        )  # fmt: skip

    def _days(self) -> list[Day]:
        """What is driven so far, by all groups."""
        return [day for group in self.groups for day in group.days]

    def _take(self) -> None:
        """Realise all groups' days, and keep the plan where it is cheaper and the checker accepts it."""
        if not all(group.days for group in self.groups):
            return
        tried = _realised(self.best, self._days(), self.others, self.minor_km)
        told = tried.report.objective
        if told is not None and not tried.findings and told < self.clock.objective:
            self.best = tried
            self._count()
        elif self.best.report.objective is None and not tried.findings:
            self.best = replace(self.best, why=tried.why)

    def _room_for(self, group: _Group) -> NDArray[np.float64]:
        """Places in depots and buses of each type that all others leave; inf where there is no limit."""
        room = room_of(self.problem)
        others = [duty for one in self.groups if one is not group for duty, _ in one.days]
        for duty in (*self.others, *others):
            room[duty.depot] -= 1
            if duty.vehicle >= 0:
                room[len(self.problem.depots) + duty.vehicle] -= 1
        return np.asarray(np.maximum(room, 0.0), float)

    def _count(self) -> None:
        told = self.best.report.objective
        self.clock.objective = np.inf if told is None else told

    def _raise(self, bound: float, scope: str) -> None:
        if bound > self.clock.bound:
            self.clock.bound, self.scope = bound, scope


def _with_room(view: Problem, held: Counter[int]) -> Problem:
    """A problem with what other buses leave of its depots."""
    depots = tuple(
        one if one.capacity is None else replace(one, capacity=max(0, one.capacity - held[at]))
        for at, one in enumerate(view.depots)
    )
    return view if depots == view.depots else replace(view, depots=depots)


def _realised(
    base: Plan,
    own: list[Day],
    others: tuple[Duty, ...],
    minor_km: float,
) -> Plan:
    """Write vehicle days out, charge them near the slots in which they mean to, and check them."""
    problem = base.problem
    everyone = sorted([*own, *((duty, ()) for duty in others)], key=lambda one: one[0].trips)
    table = write_out(problem, [duty for duty, _ in everyone], minor_km=minor_km, keep=False)
    planned: dict[tuple[str, int], set[int]] = {}
    for vehicle, (_, plugs) in zip(table["vehicle"].drop_duplicates(), everyone, strict=True):
        for site, slot in plugs:
            planned.setdefault((vehicle, site), set()).add(slot)
    return finish(replace(base, blocks=table), charge_blocks(problem, table, planned))
