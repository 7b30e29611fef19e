"""The independent checker: replays a plan against its problem, with none of the solvers' code.

It knows the problem's data and the plan's tables only. Every finding names the first place where a
rule breaks and how many break it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pandas as pd

from mobility.findings import Finding, finding
from mobility.fleet.check_charging import Power, check_charging
from mobility.fleet.check_fuel import check_fuel
from mobility.fleet.check_matrix import check_matrix
from mobility.fleet.check_money import check_money
from mobility.fleet.check_rules import check_rules
from mobility.fleet.check_say import DAY, EMPTY, FAR, say
from mobility.fleet.check_stays import check_stays
from mobility.fleet.matrix import MatrixPlan, MatrixProblem
from mobility.fleet.stays import ChargingProblem
from mobility.fleet.stays_plan import ChargingPlan

if TYPE_CHECKING:
    from mobility.fleet.plan import BlockPlan, Plan
    from mobility.fleet.problem import Problem


@overload
def check(problem: MatrixProblem, plan: MatrixPlan) -> list[Finding]: ...


@overload
def check(problem: ChargingProblem, plan: ChargingPlan) -> list[Finding]: ...


@overload
def check(problem: Problem, plan: Plan | BlockPlan) -> list[Finding]: ...


def check(
    problem: Problem | MatrixProblem | ChargingProblem,
    plan: Plan | BlockPlan | MatrixPlan | ChargingPlan,
) -> list[Finding]:
    """Replay a plan: trips, connections, depots, batteries, chargers, sites, money.

    Parameters
    ----------
    problem
        What was asked; not the plan's own copy, so that a changed plan cannot bring its own rules.
        Days of trips, matrices of costs and tables of stays alike.
    plan
        Any plan with the tables ``blocks`` and, for charging, ``sessions``.

    Returns
    -------
    list[Finding]
        Empty when the plan can be driven and costs what it says.
    """
    if isinstance(problem, MatrixProblem) or isinstance(plan, MatrixPlan):
        assert isinstance(problem, MatrixProblem)
        assert isinstance(plan, MatrixPlan)
        return check_matrix(problem, plan)
    if isinstance(problem, ChargingProblem) or isinstance(plan, ChargingPlan):
        assert isinstance(problem, ChargingProblem)
        assert isinstance(plan, ChargingPlan)
        return check_stays(problem, plan)
    if plan.report.objective is None:
        return []
    blocks = plan.blocks.reset_index(drop=True)
    found = [*_trips(problem, blocks), *_activities(problem, blocks)]
    found += _depots(problem, blocks)
    found += check_rules(problem, blocks, plan.block_mode)
    sessions = getattr(plan, "sessions", None)
    load: dict[str, Power] | None = None
    if sessions is not None:
        broken, load = check_charging(problem, plan, blocks, sessions.reset_index(drop=True))
        found += broken
    refuels = getattr(plan, "refuels", None)
    if refuels is not None:
        found += check_fuel(problem, blocks, refuels)
    found += check_money(problem, plan, blocks, load)
    return found


def _trips(problem: Problem, blocks: pd.DataFrame) -> list[Finding]:
    driven = blocks[blocks["kind"] == "trip"]
    counts = driven["trip_id"].value_counts()
    asked = problem.trips.set_index("trip_id")
    missing = asked.index.difference(counts.index)
    twice = counts[counts > 1].index.sort_values()
    foreign = counts.index.difference(asked.index)
    found = say("trip_not_covered", np.ones(len(missing)), lambda at: missing[at])
    found += say("trip_covered_twice", np.ones(len(twice)), lambda at: twice[at])
    found += say("trip_unknown", np.ones(len(foreign)), lambda at: foreign[at])
    known = driven[driven["trip_id"].isin(asked.index)]
    wanted = asked.loc[known["trip_id"]]
    bad = np.zeros(len(known), bool)
    for mine, theirs in (
        ("start_s", "depart_s"), ("end_s", "arrive_s"), ("from_stop", "from_stop"), ("to_stop", "to_stop"),
    ):  # fmt: skip
        bad |= known[mine].to_numpy() != wanted[theirs].to_numpy()
    bad |= (
        np.abs(known["distance_km"].to_numpy(float) - wanted["distance_km"].to_numpy(float)) > 1e-6
    )
    return found + say("trip_changed", bad, lambda at: known["trip_id"].iloc[at])


def _activities(problem: Problem, blocks: pd.DataFrame) -> list[Finding]:
    if blocks.empty:
        return []
    vehicle = blocks["vehicle"].to_numpy(object)
    kind = blocks["kind"].to_numpy(object)
    start, end = blocks["start_s"].to_numpy(np.int64), blocks["end_s"].to_numpy(np.int64)
    origin, target = blocks["from_stop"].to_numpy(object), blocks["to_stop"].to_numpy(object)
    new = np.append(True, vehicle[1:] != vehicle[:-1])
    last = np.append(new[1:], True)

    def name(at: int) -> str:
        return f"{vehicle[at]} {kind[at]} {start[at]}-{end[at]} {origin[at]} -> {target[at]}"

    found = say(
        "vehicle_not_in_order",
        pd.Series(vehicle[new]).duplicated(),
        lambda at: str(vehicle[new][at]),
    )
    found += say("activity_runs_backwards", end < start, name)
    gap = ~new & (start != np.append(0, end[:-1]))
    found += say("activities_not_contiguous", gap, name)
    jump = ~new & (origin != np.append("", target[:-1]))
    found += say("bus_changes_place", jump, name)
    ends = (new & (kind != "pull-out")) | (last & (kind != "pull-in"))
    found += say("wrong_depot", ends, name, "a vehicle's day does not run from pull-out to pull-in")
    still = np.isin(kind, ["wait", "depot"])
    found += say("bus_changes_place", still & (origin != target), name)
    known = np.isin(kind, [*EMPTY, "trip", "wait", "depot"])
    found += say("activity_unknown", ~known, name)
    before, after = np.append("", kind[:-1]), np.append(kind[1:], "")
    # Home is entered by a pull-in and left by a pull-out, and nothing else happens there.
    inside = kind == "depot"
    odd = inside & ((before != "pull-in") | (after != "pull-out"))
    odd |= (kind == "pull-in") & ~last & (after != "depot")
    odd |= (kind == "pull-out") & ~new & (before != "depot")
    found += say("wrong_depot", odd, name)
    found += _empty_runs(problem, blocks, name)
    span = (
        pd.DataFrame({"v": vehicle, "s": start, "e": end})
        .groupby("v", sort=False)
        .agg(s=("s", "min"), e=("e", "max"))
    )
    long = (span["e"] - span["s"]).to_numpy() > DAY
    return found + say("vehicle_longer_than_a_day", long, lambda at: str(span.index[at]))


def _empty_runs(problem: Problem, blocks: pd.DataFrame, name: Any) -> list[Finding]:
    """Every empty run takes at least the time of its pair in the band in which it leaves."""
    table = problem.deadheads
    at_row = {place: row for row, place in enumerate(table.places)}
    rows = np.flatnonzero(blocks["kind"].isin(EMPTY).to_numpy())
    runs = blocks.iloc[rows]
    a = runs["from_stop"].map(at_row)
    b = runs["to_stop"].map(at_row)
    lost = (a.isna() | b.isna()).to_numpy()
    found = say("connection_not_drivable", lost, lambda at: name(int(rows[at])))
    rows, runs = rows[~lost], runs[~lost]
    i, j = a[~lost].to_numpy(np.int64), b[~lost].to_numpy(np.int64)
    start = runs["start_s"].to_numpy(np.int64)
    band = np.zeros(start.size, np.int64)
    for number, begins in enumerate(table.from_s.tolist()):
        if number:
            band[start >= begins] = number
    needed = table.time_s[band, i, j].astype(np.int64)
    took = runs["end_s"].to_numpy(np.int64) - start
    slow = (needed > FAR) | (took < needed)
    found += say("connection_not_drivable", slow, lambda at: name(int(rows[at])))
    metres = table.distance_m[band if len(table.distance_m) > 1 else np.zeros_like(band), i, j]
    wrong = np.abs(runs["distance_km"].to_numpy(float) * 1000.0 - metres) > 0.5
    return found + say("distance_does_not_add_up", wrong & ~slow, lambda at: name(int(rows[at])))


def _depots(problem: Problem, blocks: pd.DataFrame) -> list[Finding]:
    known = {one.id: one for one in problem.depots}
    place = blocks["depot"].map({one.id: one.stop_id for one in problem.depots})
    name = lambda at: f"{blocks['vehicle'].iloc[at]} at {blocks['depot'].iloc[at]}"  # noqa: E731
    kind = blocks["kind"]
    bad = place.isna()
    bad = bad | (kind.isin(["pull-out", "depot"]) & (blocks["from_stop"] != place))
    bad = bad | ((kind == "pull-in") & (blocks["to_stop"] != place))
    homes = blocks.groupby("vehicle", sort=False)["depot"].transform("nunique").to_numpy()
    found = say("wrong_depot", bad.to_numpy(bool) | (homes > 1), name)
    buses = blocks.groupby("depot", observed=True)["vehicle"].nunique()
    for depot, count in buses.items():
        one = known.get(str(depot))
        if one is not None and one.capacity is not None and count > one.capacity:
            found.append(
                finding("depot_capacity_exceeded", value=f"{depot}: {count} of {one.capacity}")
            )
    return found
