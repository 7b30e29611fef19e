"""The whole chain: blocks, energy, battery, charging, check."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.fleet.activities import COLUMNS, running_cost, write_out
from mobility.fleet.blocks import Schedule, schedule
from mobility.fleet.charging import Charged, charge_blocks
from mobility.fleet.check import check
from mobility.fleet.depots import crowded, held, smaller
from mobility.fleet.duty import CONVENTIONAL, Duty
from mobility.fleet.electrify import at_stays, respect_battery
from mobility.fleet.energy import beyond_battery, least_kwh_price, trip_kwh
from mobility.fleet.plan import (
    Plan,
    power_table,
    scope_of,
    status_of,
    unit_of,
    whole_bound,
    whole_parts,
)
from mobility.fleet.runs import check_mode, drivable_blocks
from mobility.solution import Report, Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem
    from mobility.fleet.runs import BlockMode
    from mobility.stop import Stop

# Where the chargers turn out too busy for a bus, its trips count on less of a stay's power, attempt
# by attempt; in the last attempt nobody counts on any.
_ATTEMPTS = 12
_LESS = 0.6
_LEAST_SHARE = 0.1

# How often blocks are planned again where the battery makes more buses than a depot holds.
_REFITS = 8


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
    check_mode(blocks)
    start = time.perf_counter()
    kwh_minor = least_kwh_price(problem)
    electric_km = problem.costs.deadhead_km_minor + kwh_minor * problem.vehicle.kwh_km
    beyond = beyond_battery(problem)
    rows = np.arange(len(problem.trips), dtype=np.int32)
    groups = [rows[~beyond], rows[beyond]]
    asked, (problem, told) = problem, drivable_blocks(problem, groups, electric_km, blocks)
    # Each kind with all the room there is: what it costs at least, whoever else needs a place.
    electric = schedule(problem, groups[0], electric_km, blocks, vehicle=0)
    other_km = problem.costs.deadhead_km_minor
    other = schedule(problem, groups[1], other_km, blocks, vehicle=CONVENTIONAL)
    trips_kwh = float(trip_kwh(problem)[~beyond].sum())
    bound = electric.bound_minor + other.bound_minor + trips_kwh * kwh_minor
    bounds = {
        "blocks": electric.bound_minor + other.bound_minor,
        "trip_energy": trips_kwh * kwh_minor,
    }
    base = Plan(
        problem=asked,
        blocks=pd.DataFrame(columns=list(COLUMNS)).astype({"electric": bool}),
        sessions=pd.DataFrame(columns=["vehicle", "site", "charger", "start_s", "end_s", "kwh", "kw"]),
        power=pd.DataFrame(columns=["site", "start_s", "kw"]),
        report=Report(Status.UNKNOWN, objective_unit=unit_of(problem), bound=math.floor(bound),
                      bound_scope=scope_of(problem, blocks, energy=True), seed=seed),
        vehicles=0,
        vehicles_bound=electric.vehicles_bound + other.vehicles_bound,
        block_mode=blocks,
        input_findings=(*problem.findings, *told),
        not_electric=tuple(problem.trips["trip_id"][beyond]),
        assumptions=_assumptions(problem, beyond),
        bounds=bounds,
    )  # fmt: skip
    for part in (electric, other):
        if part.why:
            return _without_answer(base, part.why, part.proven, start)
    if why := _energy_beyond_sites(problem, trips_kwh):
        return _without_answer(base, why, True, start)

    needed = electric.vehicles_bound + other.vehicles_bound
    if held(problem) < needed:
        why = f"the trips need at least {needed} buses, the depots hold {held(problem):.0f}"
        return _without_answer(base, f"{why}: raise a capacity", True, start)
    if crowded(problem, [duty.depot for duty in (*electric.duties, *other.duties)]):
        # Together they are too many: one kind with the room that the other leaves.
        fewer = schedule(_after(problem, other), groups[0], electric_km, blocks, vehicle=0)
        if fewer.why:
            left = _after(problem, electric)
            other = schedule(left, groups[1], other_km, blocks, vehicle=CONVENTIONAL)
        else:
            electric = fewer
        if other.why:
            return _without_answer(base, other.why, False, start)

    room = _after(problem, other)
    answer, charged = _carried(base, problem, electric.duties, other.duties, electric_km, blocks)
    for _ in range(_REFITS if blocks != "given" else 0):
        over = _crowded(problem, answer.blocks)
        if not over:
            break
        # The battery made more buses than the depot holds: plan its blocks with so much less room.
        # The bound stays that of the room there is.
        room = smaller(room, over)
        again = schedule(room, groups[0], electric_km, blocks, vehicle=0)
        if again.why:
            break
        answer, charged = _carried(base, problem, again.duties, other.duties, electric_km, blocks)
    if charged.unserved:
        return _without_answer(answer, charged.why, False, start)
    if over := _crowded(problem, answer.blocks):
        return _without_answer(answer, _no_place(problem, over), False, start)
    return finish(answer, charged, seed=seed, started=start)


def _carried(
    base: Plan,
    problem: Problem,
    duties: tuple[Duty, ...],
    conventional: tuple[Duty, ...],
    electric_km: float,
    blocks: BlockMode,
) -> tuple[Plan, Charged]:
    """Carry the duties as they are, and taken apart at their stays at the depot; keep the cheaper.

    Apart, the pieces may find each other anew with the battery in mind.
    """
    starts = [duties, at_stays(duties)] if blocks == "optimise" else [duties]
    tried = [_driven(base, problem, one, conventional, electric_km, blocks) for one in starts]

    def dear(one: tuple[Plan, Charged]) -> tuple[bool, float]:
        answer, charged = one
        running = sum(running_cost(problem, answer.blocks).values())
        return bool(charged.unserved), running + charged.energy_minor + charged.demand_minor

    return min(tried, key=dear)


def _driven(
    base: Plan,
    problem: Problem,
    duties: tuple[Duty, ...],
    conventional: tuple[Duty, ...],
    electric_km: float,
    blocks: BlockMode,
) -> tuple[Plan, Charged]:
    """Make duties ones that the battery carries, and charge them; round by round more cautious."""
    keep = blocks != "optimise"
    share = np.ones(len(problem.trips))
    row_of = pd.Series(np.arange(share.size), index=problem.trips["trip_id"])
    for attempt in range(_ATTEMPTS + 1):
        carried = respect_battery(
            problem, duties, minor_km=electric_km, keep=keep, share=share, rejoin=blocks != "given"
        )
        everyone = sorted((*carried, *conventional), key=lambda duty: duty.trips)
        table = write_out(problem, everyone, minor_km=electric_km, keep=keep)
        charged = charge_blocks(problem, table)
        if not charged.unserved:
            break
        if attempt + 1 == _ATTEMPTS:
            share[:] = 0.0  # the last resort: nobody counts on more than the night
        else:
            queued = table["vehicle"].isin(charged.unserved) & (table["kind"] == "trip")
            rows = row_of[table.loc[queued, "trip_id"]].to_numpy()
            share[rows] = np.where(share[rows] > _LEAST_SHARE, share[rows] * _LESS, 0.0)
    return replace(base, blocks=table), charged


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
        bound=whole_bound(bound, parts),
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


def _without_answer(base: Plan, why: str, proven: bool, start: float) -> Plan:
    report = replace(
        base.report,
        status=Status.INFEASIBLE if proven else Status.UNKNOWN,
        objective=None,
        parts={},
        seconds=time.perf_counter() - start,
    )
    return replace(base, report=report, why=why, vehicles=int(base.blocks["vehicle"].nunique()))


def _after(problem: Problem, taken: Schedule) -> Problem:
    """The problem with the room that some buses leave in the depots."""
    return smaller(problem, Counter(duty.depot for duty in taken.duties))


def _crowded(problem: Problem, table: pd.DataFrame) -> dict[int, int]:
    """Buses beyond each depot's capacity, in a table of activities."""
    row = {one.id: at for at, one in enumerate(problem.depots)}
    homes = table.drop_duplicates("vehicle")["depot"]
    return crowded(problem, [row[str(one)] for one in homes])


def _no_place(problem: Problem, over: dict[int, int]) -> str:
    depot, count = max(over.items(), key=lambda item: (item[1], item[0]))
    one = problem.depots[depot]
    return (
        f"depot {one.id!r} holds {one.capacity} buses, the battery makes it "
        f"{(one.capacity or 0) + count}: a bigger battery, chargers at terminals or more room"
    )


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
    said.append(
        f"consumption: {problem.vehicle.kwh_km:g} kWh/km on every run, charging without losses"
    )
    said.append(
        "every bus repeats its day: charge is restored by its next pull-out, 24 hours after this one"
    )
    return tuple(said)
