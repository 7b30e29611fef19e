"""Blocks that the battery carries: a search beside a proof.

The quick chain (`plan`) is where it starts. `dispatch` exchanges rests of days at any size; beside it,
on the other core, `dual_bound` raises the worth of every trip. Where trips are few enough, column
generation goes on, and its bound comes to know the battery.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet.activities import write_out
from mobility.fleet.chain import asked_of, finish, plan
from mobility.fleet.charging import charge_blocks
from mobility.fleet.cuts import cuts_of, saved_by
from mobility.fleet.dispatch import EFFORT, dispatch, supports
from mobility.fleet.dual_bound import dual_bound
from mobility.fleet.duty import CONVENTIONAL, Duty
from mobility.fleet.engine import Clock, Engine
from mobility.fleet.plan import status_of, whole_bound
from mobility.fleet.warm import better_plan
from mobility.solution import Status, StopReason
from mobility.stop import Gap, Seconds, seconds_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.chain import Asked
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
        Trips, empty runs, depots, vehicles, chargers, tariff, costs, rules. The search knows one type of
        battery bus and the rules ``min_layover_s`` and ``max_wait_s``; with others the quick chain
        answers, and says so.
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
    >>> print(electrify(problem, stop=Seconds(60)))
    66 vehicles (at least 66), CLP 15,424,087 a day (feasible, gap 0.41 %, 58.2 s), checked
    """
    started, stop = time.perf_counter(), stop or Gap(0.01)
    asked = asked_of(problem, "optimise", seed)
    known = _searchable(problem, asked)
    large = len(problem.trips) > _CITY and known and supports(problem) and not asked.why
    best = asked.base if large else plan(problem, seed=seed, start=start)
    if best.report.status is Status.INFEASIBLE or asked.why:
        return best
    if not known:
        said = "the search knows neither these rules nor several types of bus: this is the quick chain's plan"
        return replace(best, assumptions=(*best.assumptions, said))
    search = _Search(problem, asked, best, Clock(stop, started), seed, start)
    try:
        search.exchange(seconds_of(stop))
        search.generate()
    except KeyboardInterrupt:
        search.clock.reason = StopReason.INTERRUPTED
    return search.told()


def _searchable(problem: Problem, asked: Asked) -> bool:
    """Whether `dispatch` and columns know all that the problem asks."""
    kinds = {part.vehicle for part in asked.mix.parts}
    if not problem.vehicle.electric or 0 not in kinds or not kinds <= {0, CONVENTIONAL}:
        return False
    # Columns know the charging curve, exchanges do not; a broken soft rule would pass the bounds here.
    return supports(problem.replace(**{"vehicles.curve": ()})) and not problem.rules.soft


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
        self.rows = np.flatnonzero(~asked.mix.beyond).astype(np.int32)
        self.others: tuple[Duty, ...] = ()
        self.free: tuple[Duty, ...] = ()
        for part, found in zip(asked.mix.parts, asked.parts, strict=True):
            if part.vehicle == CONVENTIONAL:
                self.others += found.duties
                clock.besides += found.bound_minor
            else:
                self.free += found.duties
        self.flow_bound = clock.bound = sum(best.bounds.values())
        self.fewest = best.vehicles_bound
        self.minor_km = asked.mix.minor_km
        self.scope = "on batteries of any size"
        self._count()

    def exchange(self, seconds: float | None) -> None:
        """Exchange rests of days, and raise the worths of trips beside it."""
        if not supports(self.problem) or not self.clock.goes_on():
            return
        allowed = None
        if seconds is not None:
            share = _FIRST if self.rows.size <= _MOST_FOR_COLUMNS else _ALONE
            allowed = max(0.5, share * (seconds - (time.perf_counter() - self.clock.started)))
        begin = time.perf_counter()
        with ThreadPoolExecutor(1) as beside:
            until = None if allowed is None else Seconds(allowed)
            proof = beside.submit(dual_bound, self.problem, self.rows, self.minor_km, stop=until)
            duties = self._dispatched((), allowed, self.seed)
            worth = proof.result()
        if worth is not None:
            whole = worth.bound_minor + self.clock.besides + self.best.bounds["trip_energy"]
            self._raise(whole, "on batteries of any size, every bus home to its own depot")
        # A day may be done before its time is up: again from there, with other neighbourhoods.
        turn = 0
        while allowed is not None and self.clock.goes_on():
            took, turn = (time.perf_counter() - begin) / (turn + 1), turn + 1
            left = allowed - (time.perf_counter() - begin)
            if left < took:
                break
            self._dispatched(duties, left, self.seed + turn)

    def _dispatched(
        self, duties: tuple[Duty, ...], seconds: float | None, seed: int
    ) -> tuple[Duty, ...]:
        found = dispatch(
            self.problem, self.rows, self.minor_km, duties=duties, effort=EFFORT, seconds=seconds,
            seed=seed,
        )  # fmt: skip
        self._take([(duty, ()) for duty in found])
        return found

    def generate(self) -> None:
        """Generate columns, dive, and search among them."""
        if self.rows.size > _MOST_FOR_COLUMNS or not self.clock.goes_on():
            return
        before = self.clock.bound  # the engine raises it, with what conventional buses cost
        engine = Engine(self.problem, self.rows, _room_left(self.problem, self.others))
        for days in engine.run(self.clock, self.seed):
            own = [(Duty(one.depot, one.trips, one.via, one.vehicle), one.plugs) for one in days]
            self._take(own)
        if self.clock.bound > before:
            self.scope = (
                "on these batteries, charged by slot at these prices and chargers, without queueing for "
                "a whole session"
            )
        if self.best.vehicles > self.fewest and self.clock.goes_on():
            most = engine.fewest(self.clock, _COUNTED) + len(self.others)
            self.fewest = max(self.fewest, most)

    def told(self) -> Plan:
        """The plan with the bounds, the reason to stop and the time of the whole."""
        cuts = cuts_of(self.problem, self.free)
        best, clock = self.best, self.clock
        if self.start is not None and best.report.objective is not None:
            best = better_plan(self.problem, best, self.start,
                               lambda base, done: finish(base, done, seed=self.seed))  # fmt: skip
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

    def _take(self, own: list[tuple[Duty, tuple[tuple[int, int], ...]]]) -> None:
        """Realise duties, and keep the plan where it is cheaper and the checker accepts it."""
        tried = _realised(self.best, own, self.others, self.minor_km)
        told = tried.report.objective
        if told is not None and not tried.findings and told < self.clock.objective:
            self.best = tried
            self._count()
        elif self.best.report.objective is None and not tried.findings:
            self.best = replace(self.best, why=tried.why)

    def _count(self) -> None:
        told = self.best.report.objective
        self.clock.objective = np.inf if told is None else told

    def _raise(self, bound: float, scope: str) -> None:
        if bound > self.clock.bound:
            self.clock.bound, self.scope = bound, scope


def _room_left(problem: Problem, taken: tuple[Duty, ...]) -> NDArray[np.float64]:
    """Places in each depot that some buses leave; inf where there is no limit."""
    room = np.array(
        [np.inf if one.capacity is None else one.capacity for one in problem.depots], float
    )
    for duty in taken:
        room[duty.depot] -= 1
    return np.asarray(np.maximum(room, 0.0), float)


def _realised(
    base: Plan,
    own: list[tuple[Duty, tuple[tuple[int, int], ...]]],
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
