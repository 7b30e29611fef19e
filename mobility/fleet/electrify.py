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
