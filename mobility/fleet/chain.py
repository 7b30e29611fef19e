"""The whole chain: blocks, energy, battery, charging, check."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.fleet.activities import empty_blocks, running_cost, write_out
from mobility.fleet.blocks import merged, schedule_parts
from mobility.fleet.charge_plan import MOST_BUSES, recharge, well_charged
from mobility.fleet.charging import Charged, charge_blocks
from mobility.fleet.check import check
from mobility.fleet.depots import crowded, smaller
from mobility.fleet.energy import notes
from mobility.fleet.fuel import refuel, respect_range
from mobility.fleet.mix import share_out
from mobility.fleet.plan import (
    Plan,
    power_table,
    scope_of,
    status_of,
    unit_of,
    whole_bound,
    whole_parts,
)
from mobility.fleet.recharge import at_stays, respect_battery
from mobility.fleet.rule_costs import plan_softly
from mobility.fleet.runs import check_mode, drivable_blocks
from mobility.fleet.warm import better_plan
from mobility.solution import Report, Status, StopReason
from mobility.stop import Work, ctrl_c

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.duty import Duty, Schedule
    from mobility.fleet.mix import Mix, Part
    from mobility.fleet.problem import Problem
    from mobility.fleet.runs import BlockMode
    from mobility.stop import CtrlC, Stop

# Where the chargers turn out too busy for a bus, its trips count on less of a stay's power, attempt
# by attempt; in the last attempt nobody counts on any.
_ATTEMPTS = 12
_LESS = 0.6
_LEAST_SHARE = 0.1

# Attempts in which buses that find no charger are charged together, and rounds of a site's search then.
_TOGETHER, _FEW = 2, 3

# How often blocks are planned again where the battery makes more buses than a depot holds.
_REFITS = 8


def plan(
    problem: Problem,
    *,
    blocks: BlockMode = "optimise",
    stop: Stop | None = None,
    seed: int = 0,
    start: Plan | None = None,
) -> Plan:
    """Plan a day: vehicle blocks that the batteries carry, and who charges where and when.

    Trips are chained exactly, battery aside; blocks that one battery cannot carry are recharged at
    the depot or at terminals, or cut; charging is planned by slot, as `fleet.charge` does, for up to
    600 buses; an independent checker replays the result.

    Parameters
    ----------
    problem
        Trips, empty runs, depots, vehicles, chargers, tariff, costs and rules.
    blocks
        ``optimise`` ignores the feed's block_id, ``given`` keeps its blocks, ``keep-filled`` keeps
        the filled ones and optimises the rest.
    stop
        None for the quick chain, whose steps end by themselves (Ctrl-C: the first plan that it finds, a second one
        none); else `electrify` goes on from it, where
        blocks are optimised.
    seed
        Of `electrify`'s search; nothing in the quick chain is random.
    start
        An earlier plan: where it still holds and costs less than what is found, it is kept.

    Returns
    -------
    Plan
        Always. Read ``report.status`` first: an infeasible plan explains itself in ``why``. The
        bound is that of blocks on batteries of any size, plus the energy of the trips at the lowest
        price.

    Examples
    --------
    >>> print(plan(problem))
    45 vehicles (at least 45), USD 14,248.83 a day (feasible, gap 0.03%, ... s), checked
    """
    from mobility.fleet.electrify import electrify

    check_mode(blocks)
    if stop is not None and blocks == "optimise":
        return electrify(problem, stop=stop, seed=seed, start=start)
    begin = time.perf_counter()
    answer = quick_plan(problem, blocks=blocks, seed=seed)
    reason = answer.report.stop_reason
    if start is not None:
        answer = better_plan(
            problem, answer, start, lambda base, done: finish(base, done, seed=seed)
        )
    if reason is not StopReason.INTERRUPTED:
        answer = well_charged(problem, answer, seed=seed)
    if problem.rules.soft and answer.report.objective is not None:
        answer = replace(answer, findings=tuple(check(problem, answer)))
    seconds = time.perf_counter() - begin
    report = replace(answer.report, seconds=seconds, stop_reason=reason)
    return replace(answer, report=report)


def quick_plan(problem: Problem, *, blocks: BlockMode = "optimise", seed: int = 0) -> Plan:
    """The chain with its buses charged one after the other: a step of something longer."""
    with ctrl_c() as told:
        answer = plan_softly(problem, lambda asked: _planned(asked, blocks, seed, told))
    if not told.pressed:
        return answer
    return replace(answer, report=replace(answer.report, stop_reason=StopReason.INTERRUPTED))


@dataclass(frozen=True, eq=False)
class Asked:
    """Battery-free blocks of every part of a fleet, and a plan that has bounds but no answer yet.

    ``why`` is set where there can be none, ``proven`` whether that is certain.
    """

    base: Plan
    problem: Problem
    mix: Mix
    parts: tuple[Schedule, ...]
    why: str = ""
    proven: bool = True


def asked_of(problem: Problem, blocks: BlockMode, seed: int) -> Asked:
    """Share the trips out among types, chain each type's, and bound what they cost."""
    mix = share_out(problem, blocks)
    asked = problem
    problem, told = drivable_blocks(
        problem, [part.rows for part in mix.parts], mix.minor_km, blocks
    )
    # Each part with all the room there is: what it costs at least, whoever else needs a place.
    alone, together = schedule_parts(problem, mix, blocks)
    fleet = merged(problem, mix, (alone, together), blocks)
    bounds = {"blocks": fleet.bound_minor, "trip_energy": float(mix.trips_minor.sum())}
    base = Plan(
        problem=asked,
        blocks=empty_blocks(),
        sessions=pd.DataFrame(columns=["vehicle", "site", "charger", "start_s", "end_s", "kwh", "kw"]),
        power=pd.DataFrame(columns=["site", "start_s", "kw"]),
        report=Report(Status.UNKNOWN, objective_unit=unit_of(problem),
                      bound=math.floor(sum(bounds.values())),
                      bound_scope=scope_of(problem, blocks, energy=True), seed=seed),
        vehicles=0,
        vehicles_bound=fleet.vehicles_bound,
        block_mode=blocks,
        input_findings=(*problem.findings, *told),
        not_electric=tuple(problem.trips["trip_id"][mix.beyond]),
        assumptions=_assumptions(problem, mix.beyond),
        bounds=bounds,
    )  # fmt: skip
    electric = [part for part in mix.parts if problem.bus(part.vehicle).electric]
    why, proven = fleet.why, fleet.proven
    if mix.one_type and not why:
        kwh = sum(float(problem.trip_kwh(part.vehicle)[part.rows].sum()) for part in electric)
        why, proven = _energy_beyond_sites(problem, kwh), True
    return Asked(base, problem, mix, tuple(together), why, proven)


def _planned(problem: Problem, blocks: BlockMode, seed: int, told: CtrlC) -> Plan:
    """Plan under all the rules that a problem has."""
    start = time.perf_counter()
    asked = asked_of(problem, blocks, seed)
    base, problem, mix, together = asked.base, asked.problem, asked.mix, asked.parts
    if asked.why:
        return _without_answer(base, asked.why, asked.proven, start)
    held_by = list(zip(mix.parts, [one.duties for one in together], strict=True))
    answer, charged = _carried(base, problem, held_by, blocks, told)
    room = problem
    for _ in range(_REFITS if blocks != "given" else 0):
        over = _crowded(problem, answer.blocks)
        if not over:
            break
        # The battery made more buses than the depot holds: plan its blocks with so much less room.
        # The bound stays that of the room there is.
        room = smaller(room, over)
        _, again = schedule_parts(room, mix, blocks)
        if any(one.why for one in again):
            break
        held_by = list(zip(mix.parts, [one.duties for one in again], strict=True))
        answer, charged = _carried(base, problem, held_by, blocks, told)
    if charged.unserved:
        return _without_answer(answer, charged.why, False, start)
    if over := _crowded(problem, answer.blocks):
        return _without_answer(answer, _no_place(problem, over), False, start)
    if why := _too_many(problem, answer.blocks):
        return _without_answer(answer, why, False, start)
    return finish(answer, charged, seed=seed, started=start)


def _carried(
    base: Plan,
    problem: Problem,
    held_by: list[tuple[Part, tuple[Duty, ...]]],
    blocks: BlockMode,
    told: CtrlC,
) -> tuple[Plan, Charged]:
    """Carry the duties as they are, and taken apart at their stays at the depot; keep the cheaper.

    Apart, the pieces may find each other anew with the battery in mind. After Ctrl-C the first will do.
    """
    tries = [held_by]
    if blocks == "optimise":
        tries.append([(part, at_stays(duties)) for part, duties in held_by])
    tried: list[tuple[Plan, Charged]] = []
    for one in tries:
        if tried and told.pressed and not tried[0][1].unserved:
            break
        tried.append(_driven(base, problem, one, blocks))

    def dear(one: tuple[Plan, Charged]) -> tuple[bool, float]:
        answer, charged = one
        running = sum(running_cost(problem, answer.blocks).values())
        return bool(charged.unserved), running + charged.energy_minor + charged.demand_minor

    return min(tried, key=dear)


def _driven(
    base: Plan, problem: Problem, held_by: list[tuple[Part, tuple[Duty, ...]]], blocks: BlockMode
) -> tuple[Plan, Charged]:
    """Make duties ones that batteries and tanks carry, and charge them; round by round more cautious."""
    keep = blocks != "optimise"
    share = np.ones(len(problem.trips))
    row_of = pd.Series(np.arange(share.size), index=problem.trips["trip_id"])
    for attempt in range(_ATTEMPTS + 1):
        everyone: list[Duty] = []
        for part, duties in held_by:
            everyone += drivable(problem, part, duties, share, blocks)
        everyone.sort(key=lambda duty: duty.trips)
        table = write_out(problem, everyone, minor_km=problem.costs.deadhead_km_minor, keep=keep)
        charged = charge_blocks(problem, table)
        if charged.unserved and attempt < _TOGETHER and table["vehicle"].nunique() <= MOST_BUSES:
            # Bus after bus some find no charger; energies that are planned together may serve all.
            charged = recharge(problem, table, charged, stop=Work(_FEW), tight=False).charged
        if not charged.unserved:
            break
        if attempt + 1 == _ATTEMPTS:
            share[:] = 0.0  # the last resort: nobody counts on more than the night
        else:
            queued = table["vehicle"].isin(charged.unserved) & (table["kind"] == "trip")
            rows = row_of[table.loc[queued, "trip_id"]].to_numpy()
            share[rows] = np.where(share[rows] > _LEAST_SHARE, share[rows] * _LESS, 0.0)
    return replace(base, blocks=table), charged


def drivable(
    problem: Problem,
    part: Part,
    duties: tuple[Duty, ...],
    share: NDArray[np.float64],
    blocks: BlockMode,
) -> list[Duty]:
    """Duties of one part of a fleet, made ones that its batteries or tanks carry.

    ``share`` (trips,): of the power of a stay before each trip, what the bus counts on.
    """
    view, keep = problem.of_type(part.vehicle), blocks != "optimise"
    if view.vehicle.electric:
        carried = respect_battery(
            view, duties, minor_km=part.minor_km, keep=keep, share=share, rejoin=blocks != "given"
        )
    else:
        carried = respect_range(view, duties, minor_km=part.minor_km, keep=keep)
    return [replace(duty, vehicle=part.vehicle) for duty in carried]


def finish(base: Plan, charged: Charged, *, seed: int = 0, started: float | None = None) -> Plan:
    """Put blocks and charging together, count the cost, and let the checker replay it."""
    begin = time.perf_counter() if started is None else started
    problem = base.problem
    if charged.unserved:
        return _without_answer(base, charged.why, False, begin)
    refuels, why = refuel(problem, base.blocks)
    if why:
        return _without_answer(base, why, False, begin)
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
        refuels=refuels,
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


def _too_many(problem: Problem, table: pd.DataFrame) -> str:
    """Say which type of bus has too few, in a table of activities; empty where all have enough."""
    used = table.groupby("type")["vehicle"].nunique()
    for bus in problem.vehicles:
        if bus.count is not None and used.get(bus.id, 0) > bus.count:
            return (
                f"{int(used[bus.id])} buses of type {bus.id!r} are needed and there are {bus.count}: "
                "the battery or the depots make it so; allow more types, or raise the count"
            )
    return ""


def _energy_beyond_sites(problem: Problem, kwh: float) -> str:
    """Proof that no charging can do: more energy than all sites together give in 24 hours."""
    given = 0.0
    bus_kw = max((one.max_kw for one in problem.vehicles if one.electric), default=0.0)
    for count, kw, limit in (
        *((one.chargers, one.charger_kw, one.site_kw) for one in problem.depots),
        *((one.count, one.kw, one.site_kw) for one in problem.chargers),
    ):
        most = np.inf if count is None else count * min(kw, bus_kw)
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
    said += [*notes(problem), "charging is without losses"]
    said.append(
        "every bus repeats its day: charge is restored by its next pull-out, 24 hours after this one"
    )
    return tuple(said)
