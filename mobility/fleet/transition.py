"""In which order routes or blocks go electric, stage by stage, with so many buses each.

A stage adds buses and takes none back. By blocks, a bus is a vehicle's day of the plan. By routes, a route
is electric when every bus that drives a trip of it is: routes that share buses come together or wait. The
order makes the sum over the stages of the electric km as large as can be, exactly by CP-SAT where it closes
the gap, else with the bound that it, or a linear program of every stage, proves.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.fleet.charge_duals import proven_value
from mobility.fleet.simulation import plain_rows
from mobility.shown import Shown
from mobility.solution import Report, Status, StopReason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mobility.fleet.plan import Plan

_WORK_S = 20.0


@dataclass(frozen=True, eq=False)
class Transition(Shown):
    """An order, and what each stage has and needs.

    Parameters
    ----------
    order
        One row a route or block, in order: stage (from 1), name, buses (that it adds), km (that become
        electric with it).
    stages
        One row a stage: stage, buses (electric in all), allowed, km (electric), km_share (of all that the
        plan's electric buses drive), peak_kw, chargers (in use at once, all sites).
    chargers
        One row a stage and site: stage, site, chargers (that its sessions of the plan need), peak_kw.
    report
        ``objective`` is the sum over the stages of the electric km; ``bound`` what no order can beat.
    """

    by: str
    order: pd.DataFrame
    stages: pd.DataFrame
    chargers: pd.DataFrame
    report: Report

    def __str__(self) -> str:
        last: Any = self.stages.iloc[-1]
        what = "routes" if self.by == "routes" else "blocks"
        return (
            f"{len(self.order):,} {what} go electric in {len(self.stages)} stages: {int(last['buses']):,} buses, "
            f"{last['km_share']:.0%} of the km at the end ({self.report.headline()})"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>{self.stages.to_html(index=False)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **self.report.to_dict(), "by": self.by, "stages": plain_rows(self.stages),
            "order": plain_rows(self.order), "chargers": plain_rows(self.chargers),
        }  # fmt: skip

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def plot(self, ax: Any = None) -> Any:
        """Draw electric km and buses, stage by stage; the axes are returned."""
        from mobility.fleet.planning_plot import plot_transition

        return plot_transition(self, ax)

    def write(self, folder: str | Path, *, parquet: bool = False) -> Path:
        """Write transition.json, stages.csv, order.csv and chargers.csv; the folder is returned."""
        from mobility.fleet.result_files import write_result

        tables = {"stages": self.stages, "order": self.order, "chargers": self.chargers}
        return write_result("transition", self.to_dict(), tables, folder, parquet=parquet)


def transition(
    plan: Plan,
    buses: Sequence[int],
    *,
    by: Literal["routes", "blocks"] = "routes",
    work_s: float = _WORK_S,
    seed: int = 0,
) -> Transition:
    """Order routes or blocks for electrification.

    Parameters
    ----------
    plan
        All of it electric that can be: its electric buses are what there is to bring in, and its sessions
        what they need. A part of them always holds, because the whole does.
    buses
        Electric buses at the end of each stage, ascending: ``[50, 120, 200]``.
    by
        ``routes``: only whole routes count; ``blocks``: every bus by itself.
    work_s
        CP-SAT's deterministic time: the same answer on every machine, about as many seconds.
    seed
        Of CP-SAT.

    Raises
    ------
    ConfigError
        When the plan has no electric bus, or the stages do not ascend.
    """
    begin = time.perf_counter()
    allowed = [int(one) for one in buses]
    if not allowed or allowed[0] < 0 or allowed != sorted(allowed):
        raise ConfigError(f"buses must ascend (found {list(buses)})", mend="buses = [50, 120, 200]")
    if by not in ("routes", "blocks"):
        raise ConfigError(f"by cannot be {by!r}", mend="routes or blocks")
    electric = plan.blocks[plan.blocks["electric"].to_numpy(bool)]
    if plan.report.objective is None or electric.empty:
        raise ConfigError("there is no electric plan to bring in", mend="fleet.plan first")
    names, metres, needs, vehicles = _items(plan, electric, by)
    if by == "blocks":
        stage, bound, status = _exactly(metres, allowed)
    else:
        stage, bound, status = _by_routes(metres, needs, len(vehicles), allowed, work_s, seed)
    return _told(plan, electric, by, names, metres, needs, vehicles, stage, allowed, bound,
                 status, time.perf_counter() - begin, seed)  # fmt: skip


def _items(
    plan: Plan, electric: pd.DataFrame, by: str
) -> tuple[list[str], list[int], list[list[int]], list[str]]:
    """Names, metres in service and the vehicles (rows) that each route or block needs."""
    trips = electric[electric["kind"] == "trip"]
    vehicles = sorted(electric["vehicle"].unique())
    row = {name: at for at, name in enumerate(vehicles)}
    if by == "blocks":
        own = trips.groupby("vehicle")["distance_km"].sum()
        metres = [round(1000 * float(own.get(name, 0.0))) for name in vehicles]
        return list(vehicles), metres, [[at] for at in range(len(vehicles))], list(vehicles)
    route = dict(zip(plan.problem.trips["trip_id"], plan.problem.trips["route_id"], strict=True))
    lines = trips.assign(route=[str(route[one]) for one in trips["trip_id"]])
    # A route with a trip that no battery bus drives never is electric as a whole.
    driven = {str(route[one]) for one in plan.block_of_trip if one not in set(trips["trip_id"])}
    names, metres, needs = [], [], []
    for name, part in lines.groupby("route", sort=True):
        if str(name) in driven:
            continue
        names.append(str(name))
        metres.append(round(1000 * float(part["distance_km"].sum())))
        needs.append(sorted(row[one] for one in part["vehicle"].unique()))
    return names, metres, needs, list(vehicles)


def _exactly(metres: list[int], allowed: list[int]) -> tuple[list[int], float, Status]:
    """Each bus by itself: the longest days first is the best order at every stage at once."""
    order = sorted(range(len(metres)), key=lambda at: (-metres[at], at))
    stage = [0] * len(metres)
    for rank, at in enumerate(order):
        stage[at] = next((one + 1 for one, most in enumerate(allowed) if rank < most), 0)
    total = sum(metres[at] * (len(allowed) - one + 1) for at, one in enumerate(stage) if one)
    return stage, float(total), Status.OPTIMAL


def _by_routes(
    metres: list[int],
    needs: list[list[int]],
    vehicles: int,
    allowed: list[int],
    work_s: float,
    seed: int,
) -> tuple[list[int], float, Status]:
    """The stage of each route (0: never), the bound and what is known."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    stages = range(len(allowed))
    route = [[model.new_bool_var(f"r{at}/{one}") for one in stages] for at in range(len(metres))]
    bus = [[model.new_bool_var(f"b{at}/{one}") for one in stages] for at in range(vehicles)]
    for own in (*route, *bus):
        for one in stages[1:]:
            model.add_implication(own[one - 1], own[one])
    for at, needed in enumerate(needs):
        for one in stages:
            for vehicle in needed:
                model.add_implication(route[at][one], bus[vehicle][one])
    for one, most in enumerate(allowed):
        model.add(sum(own[one] for own in bus) <= most)
    model.maximize(
        sum(weight * own[one] for weight, own in zip(metres, route, strict=True) for one in stages)
    )
    for own, hint in zip(route, _greedy(metres, needs, allowed), strict=True):
        for one in stages:
            model.add_hint(own[one], 0 < hint <= one + 1)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    solver.parameters.max_deterministic_time = work_s
    found = solver.solve(model)
    if found not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        above = _most_metres(metres, needs, vehicles, allowed)
        return _greedy(metres, needs, allowed), above, Status.FEASIBLE
    stage = [
        next((one + 1 for one in stages if solver.boolean_value(own[one])), 0) for own in route
    ]
    status = Status.OPTIMAL if found == cp_model.OPTIMAL else Status.FEASIBLE
    if found == cp_model.OPTIMAL:
        return stage, float(solver.best_objective_bound), status
    above = _most_metres(metres, needs, vehicles, allowed)
    return stage, min(float(solver.best_objective_bound), above), status


def _most_metres(
    metres: list[int], needs: list[list[int]], vehicles: int, allowed: list[int]
) -> float:
    """What no order can beat: stage by stage the most that fractions of routes and buses give.

    A route counts for no more than the least of its buses. The duals of each program prove its value.
    """
    import scipy.sparse as sp
    from scipy.optimize import linprog

    routes = len(metres)
    pairs = [(at, bus) for at, needed in enumerate(needs) for bus in needed]
    rows = np.arange(len(pairs))
    below = sp.csr_matrix(
        (np.concatenate([np.ones(rows.size), -np.ones(rows.size), np.ones(vehicles)]),
         (np.concatenate([rows, rows, np.full(vehicles, rows.size)]),
          np.concatenate([[at for at, _ in pairs], [routes + bus for _, bus in pairs],
                          routes + np.arange(vehicles)]).astype(np.int64))),
        shape=(rows.size + 1, routes + vehicles),
    )  # fmt: skip
    cost = np.concatenate([-np.array(metres, float), np.zeros(vehicles)])
    lower, upper = np.zeros(cost.size), np.ones(cost.size)
    solve: Any = linprog  # its stubs know lists of numbers only
    total = 0.0
    for most in allowed:
        right = np.append(np.zeros(rows.size), float(most))
        found = solve(cost, below, right, bounds=np.stack([lower, upper], axis=1), method="highs")
        value = -float(sum(metres))
        if found.status == 0:
            none = sp.csr_matrix((0, cost.size))
            proven = proven_value(cost, below, right, none, np.zeros(0), lower, upper, found)
            value = max(value, proven)
        total -= value
    return total


def _greedy(metres: list[int], needs: list[list[int]], allowed: list[int]) -> list[int]:
    """Stage by stage the route with the most metres a bus that it adds."""
    stage, have = [0] * len(metres), set[int]()
    for one, most in enumerate(allowed):
        while True:
            best, worth = -1, -1.0
            for at, needed in enumerate(needs):
                more = len(set(needed) - have)
                if stage[at] or len(have) + more > most:
                    continue
                each = np.inf if more == 0 else metres[at] / more
                if each > worth:
                    best, worth = at, each
            if best < 0:
                break
            stage[best] = one + 1
            have |= set(needs[best])
    return stage


def _told(
    plan: Plan, electric: pd.DataFrame, by: str, names: list[str], metres: list[int], needs: list[list[int]],
    vehicles: list[str], stage: list[int], allowed: list[int], bound_m: float, status: Status,
    seconds: float, seed: int,
) -> Transition:  # fmt: skip
    order: list[dict[str, Any]] = []
    stages: list[dict[str, Any]] = []
    chargers: list[dict[str, Any]] = []
    have: set[int] = set()
    km = 0.0
    whole = float(electric.loc[electric["kind"] == "trip", "distance_km"].sum())
    for one, most in enumerate(allowed, 1):
        mine = [at for at, own in enumerate(stage) if own == one]
        # Within a stage the cheapest in buses first, so that a delay in delivery hurts least.
        while mine:
            at = max(
                mine, key=lambda at: (metres[at] / max(len(set(needs[at]) - have), 0.5), names[at])
            )
            mine.remove(at)
            more = set(needs[at]) - have
            have |= more
            km += metres[at] / 1000.0
            order.append(
                {"stage": one, "name": names[at], "buses": len(more), "km": metres[at] / 1000.0}
            )
        sites = _chargers(plan, {vehicles[at] for at in have})
        chargers += [{"stage": one, **row} for row in sites]
        stages.append({
            "stage": one, "buses": len(have), "allowed": most, "km": km,
            "km_share": km / whole if whole else 0.0,
            "peak_kw": sum(row["peak_kw"] for row in sites),
            "chargers": sum(row["chargers"] for row in sites),
        })  # fmt: skip
    objective = float(sum(row["km"] for row in stages))
    bound = max(bound_m / 1000.0, objective)
    report = Report(
        status, objective=objective, objective_unit="electric km in service, summed over the stages",
        bound=bound, bound_scope="any order of these, with the buses of the plan's blocks",
        seconds=seconds, seed=seed, maximise=True,
        stop_reason=StopReason.FINISHED if status is Status.OPTIMAL else StopReason.WORK,
    )  # fmt: skip
    columns = ["stage", "name", "buses", "km"]
    return Transition(by, pd.DataFrame(order, columns=columns), pd.DataFrame(stages),
                      pd.DataFrame(chargers, columns=["stage", "site", "chargers", "peak_kw"]), report)  # fmt: skip


def _chargers(plan: Plan, names: set[str]) -> list[dict[str, Any]]:
    """Chargers and kW that the sessions of some vehicles need at once, site by site."""
    slot_s = plan.problem.tariff.slot_s
    day = 86_400 // slot_s
    mine = plan.sessions[plan.sessions["vehicle"].isin(names)]
    rows = []
    for site, part in mine.groupby("site", sort=True):
        busy, load = np.zeros(day, np.int64), np.zeros(day)
        for first, kw in zip(part["start_s"].tolist(), part["kw"].tolist(), strict=True):
            at = (np.arange(len(kw)) + first // slot_s) % day
            np.add.at(busy, at, 1)
            np.add.at(load, at, kw)
        rows.append({"site": str(site), "chargers": int(busy.max()), "peak_kw": float(load.max())})
    return rows


def electric_part(plan: Plan, told: Transition, stage: int) -> Plan:
    """The electric part of a stage: its buses with their sessions, for a replay or a file.

    Raises
    ------
    ConfigError
        When there is no such stage.
    """
    if not 1 <= stage <= len(told.stages):
        raise ConfigError(f"there is no stage {stage}", mend=f"1 to {len(told.stages)}")
    electric = plan.blocks[plan.blocks["electric"].to_numpy(bool)]
    names, _, needs, vehicles = _items(plan, electric, told.by)
    chosen = set(told.order.loc[told.order["stage"] <= stage, "name"])
    have = {
        vehicles[at] for name, own in zip(names, needs, strict=True) if name in chosen for at in own
    }
    blocks = electric[electric["vehicle"].isin(have)].reset_index(drop=True)
    sessions = plan.sessions[plan.sessions["vehicle"].isin(have)].reset_index(drop=True)
    trips = plan.problem.trips["trip_id"].isin(set(blocks["trip_id"]))
    problem = replace(plan.problem, trips=plan.problem.trips[trips].reset_index(drop=True))
    return replace(
        plan, problem=problem, blocks=blocks, sessions=sessions, vehicles=len(have), not_electric=()
    )
