"""The whole chain: blocks, energy, battery, charging, check."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.fleet.activities import COLUMNS, running_cost, write_out
from mobility.fleet.blocks import BlockMode, Duty, Schedule, schedule
from mobility.fleet.charging import Charged, charge_blocks
from mobility.fleet.check import check
from mobility.fleet.electrify import respect_battery
from mobility.fleet.energy import beyond_battery, least_kwh_price, trip_kwh
from mobility.fleet.plan import Plan, power_table, scope_of, status_of, unit_of, whole_parts
from mobility.solution import Report, Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem
    from mobility.stop import Stop

# How much of a stay's power is counted on when blocks are cut: less, round by round, where the
# chargers turn out too busy. In the last round only the night charges.
_SHARES = (1.0, 0.7, 0.4, 0.0)


def plan(
    problem: Problem, *, blocks: BlockMode = "optimise", stop: Stop | None = None, seed: int = 0
) -> Plan:
    """Plan a day: vehicle blocks that the batteries carry, and who charges where and when.

    Trips are chained exactly, battery aside; blocks that one battery cannot carry are recharged at
    the depot or at terminals, or cut; charging is planned by slot; an independent checker replays
    the result.

    Parameters
    ----------
    problem
        Trips, empty runs, depots, vehicles, chargers, tariff, costs and rules.
    blocks
        ``optimise`` ignores the feed's block_id, ``given`` keeps its blocks, ``keep-filled`` keeps
        the filled ones and optimises the rest.
    stop
        Taken for the family's sake: every step ends by itself.
    seed
        Noted in the report; nothing in the chain is random.

    Returns
    -------
    Plan
        Always. Read ``report.status`` first: an infeasible plan explains itself in ``why``. The
        bound is that of blocks on batteries of any size, plus the energy of the trips at the lowest
        price.

    Examples
    --------
    >>> print(plan(problem))
    12 vehicles (at least 12), CLP 4,120,000 a day (feasible, gap 2.10 %, 0.8 s), checked
    """
    del stop
    start = time.perf_counter()
    kwh_minor = least_kwh_price(problem)
    electric_km = problem.costs.deadhead_km_minor + kwh_minor * problem.vehicle.kwh_km
    beyond = beyond_battery(problem)
    rows = np.arange(len(problem.trips), dtype=np.int32)
    electric = schedule(problem, rows[~beyond], electric_km, blocks, electric=True)
    spare = _after(problem, electric)
    other = schedule(spare, rows[beyond], problem.costs.deadhead_km_minor, blocks, electric=False)
    trips_kwh = float(trip_kwh(problem)[~beyond].sum())
    bound = electric.bound_minor + other.bound_minor + trips_kwh * kwh_minor
    bounds = {
        "blocks": electric.bound_minor + other.bound_minor,
        "trip_energy": trips_kwh * kwh_minor,
    }
    base = Plan(
        problem=problem,
        blocks=pd.DataFrame(columns=list(COLUMNS)).astype({"electric": bool}),
        sessions=pd.DataFrame(columns=["vehicle", "site", "charger", "start_s", "end_s", "kwh", "kw"]),
        power=pd.DataFrame(columns=["site", "start_s", "kw"]),
        report=Report(Status.UNKNOWN, objective_unit=unit_of(problem), bound=math.floor(bound),
                      bound_scope=scope_of(problem, blocks, energy=True), seed=seed),
        vehicles=0,
        vehicles_bound=electric.vehicles_bound + other.vehicles_bound,
        block_mode=blocks,
        input_findings=(*problem.findings, *electric.findings, *other.findings),
        not_electric=tuple(problem.trips["trip_id"][beyond]),
        assumptions=_assumptions(problem, beyond),
        bounds=bounds,
    )  # fmt: skip
    for part in (electric, other):
        if part.why:
            return _without_answer(base, part.why, part.proven, start)
    if why := _energy_beyond_sites(problem, trips_kwh):
        return _without_answer(base, why, True, start)

    done: tuple[pd.DataFrame, Charged] | None = None
    for share in _SHARES:
        duties = respect_battery(
            problem, electric.duties, minor_km=electric_km, keep=blocks != "optimise", share=share,
            rejoin=blocks != "given",
        )  # fmt: skip
        table = _table(problem, duties, other.duties, electric_km, blocks)
        charged = charge_blocks(problem, table)
        done = (table, charged)
        if not charged.unserved:
            break
    if done is None:  # _SHARES is not empty
        return _without_answer(base, "no round was tried", False, start)
    table, charged = done
    answer = replace(base, blocks=table)
    if charged.unserved:
        return _without_answer(answer, charged.why, False, start)
    if why := _over_capacity(problem, table):
        return _without_answer(answer, why, False, start)
    return finish(answer, charged, seed=seed, started=start)


def finish(base: Plan, charged: Charged, *, seed: int = 0, started: float | None = None) -> Plan:
    """Put blocks and charging together, count the cost, and let the checker replay it."""
    begin = time.perf_counter() if started is None else started
    problem = base.problem
    if charged.unserved:
        return _without_answer(base, charged.why, False, begin)
    costs = {
        **running_cost(problem, base.blocks),
        "energy": charged.energy_minor,
        "demand": charged.demand_minor,
    }
    parts = whole_parts(costs)
    bound = sum(base.bounds.values())
    report = Report(
        status=status_of(sum(costs.values()), bound),
        objective=sum(parts.values()),
        objective_unit=unit_of(problem),
        parts=parts,
        bound=min(math.floor(bound + 1e-6), sum(parts.values())) if _near(bound, parts) else math.floor(bound),
        bound_scope=base.report.bound_scope,
        seed=seed,
    )
    whole = replace(
        base,
        sessions=charged.sessions,
        power=power_table(charged.sites, charged.load_kw, problem.tariff.slot_s),
        vehicles=int(base.blocks["vehicle"].nunique()),
        report=report,
        why="",
    )
    found = tuple(check(problem, whole))
    seconds = time.perf_counter() - begin
    return replace(whole, findings=found, report=replace(report, seconds=seconds))


def _near(bound: float, parts: dict[str, float]) -> bool:
    """Whether bound and objective differ by rounding only; more would be our mistake, and is raised."""
    return bound <= sum(parts.values()) + 1.0


def _without_answer(base: Plan, why: str, proven: bool, start: float) -> Plan:
    report = replace(
        base.report,
        status=Status.INFEASIBLE if proven else Status.UNKNOWN,
        objective=None,
        parts={},
        seconds=time.perf_counter() - start,
    )
    return replace(base, report=report, why=why, vehicles=int(base.blocks["vehicle"].nunique()))


def _table(
    problem: Problem,
    electric: tuple[Duty, ...],
    other: tuple[Duty, ...],
    electric_km: float,
    blocks: BlockMode,
) -> pd.DataFrame:
    duties = sorted((*electric, *other), key=lambda duty: duty.trips)
    return write_out(problem, duties, minor_km=electric_km, keep=blocks != "optimise")


def _after(problem: Problem, taken: Schedule) -> Problem:
    """The problem with the room that the electric buses leave in the depots."""
    used = [sum(duty.depot == at for duty in taken.duties) for at in range(len(problem.depots))]
    return replace(
        problem,
        depots=tuple(
            one if one.capacity is None else replace(one, capacity=max(0, one.capacity - count))
            for one, count in zip(problem.depots, used, strict=True)
        ),
    )


def _over_capacity(problem: Problem, table: pd.DataFrame) -> str:
    buses = table.groupby("depot", observed=True)["vehicle"].nunique()
    for one in problem.depots:
        here = int(buses.get(one.id, 0))
        if one.capacity is not None and here > one.capacity:
            return (
                f"depot {one.id!r} holds {one.capacity} buses, the battery makes it {here}: "
                "a bigger battery, chargers at terminals or more room"
            )
    return ""


def _energy_beyond_sites(problem: Problem, kwh: float) -> str:
    """Proof that no charging can do: more energy than all sites together give in 24 hours."""
    given = 0.0
    for count, kw, limit in (
        *((one.chargers, one.charger_kw, one.site_kw) for one in problem.depots),
        *((one.count, one.kw, one.site_kw) for one in problem.chargers),
    ):
        most = np.inf if count is None else count * min(kw, problem.vehicle.max_kw)
        given += 24.0 * min(most, np.inf if limit is None else limit)
    if kwh <= given + 1e-6:
        return ""
    names = ", ".join([one.id for one in problem.depots] + [one.id for one in problem.chargers])
    return (
        f"the trips need {kwh:,.0f} kWh, the sites {names} give at most {given:,.0f} kWh from 00:00 to "
        f"24:00: {kwh - given:,.0f} kWh are missing; more chargers, kW or a higher site limit"
    )


def _assumptions(problem: Problem, beyond: NDArray[np.bool_]) -> tuple[str, ...]:
    said = list(problem.assumptions)
    if beyond.any():
        said.append(
            f"{int(beyond.sum())} trips are beyond one battery even alone: conventional buses drive them, "
            "at the same day and km costs, and nothing else; their fuel is not counted"
        )
    said.append(f"consumption: {problem.vehicle.kwh_km:g} kWh/km on every run, charging without losses")
    said.append("every bus repeats its day: charge is restored by its next pull-out, 24 hours after this one")
    return tuple(said)
