"""Duties written out: one row for everything a vehicle does, from pull-out to pull-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.fleet.blocks import Duty
from mobility.fleet.links import links, run_time
from mobility.fleet.runs import kept_pairs, pull_in, pull_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobility.fleet.problem import Problem

COLUMNS = (
    "vehicle", "block", "seq", "kind", "trip_id", "from_stop", "to_stop", "start_s", "end_s",
    "distance_km", "kwh", "depot", "electric",
)  # fmt: skip


def write_out(
    problem: Problem, duties: Sequence[Duty], *, minor_km: float, keep: bool
) -> pd.DataFrame:
    """One row an activity: pull-out, trip, deadhead, wait, depot (a stay between two blocks), pull-in.

    Vehicles are numbered by first departure; a block runs from pull-out to pull-in. ``kwh`` is 0
    for vehicles that are not electric.
    """
    rows: list[tuple[Any, ...]] = []
    if not duties:
        return pd.DataFrame(columns=list(COLUMNS)).astype({"electric": bool})
    first = np.array([one for duty in duties for one in duty.trips[:-1]], np.int32)
    then = np.array([one for duty in duties for one in duty.trips[1:]], np.int32)
    home = np.repeat(
        problem.depot_place[[duty.depot for duty in duties]],
        [len(duty.trips) - 1 for duty in duties],
    )
    kept = kept_pairs(problem, first, then) if keep else None
    ways = links(problem, first, then, home, minor_km=minor_km, kept=kept)
    leave_s, run_s, run_m = ways.leave_s.tolist(), ways.run_s.tolist(), ways.run_m.tolist()
    home_s, home_m = ways.home_s.tolist(), ways.home_m.tolist()
    out_s, out_m = ways.out_s.tolist(), ways.out_m.tolist()
    table = problem.trips
    trip_id, start, end = (
        table["trip_id"].tolist(),
        table["depart_s"].tolist(),
        table["arrive_s"].tolist(),
    )
    origin, target, km = (
        table["from_stop"].tolist(),
        table["to_stop"].tolist(),
        table["distance_km"].tolist(),
    )

    link = 0
    width = max(4, len(str(len(duties))))
    for number, duty in enumerate(duties, 1):
        vehicle = f"{'v' if duty.electric else 'c'}{number:0{width}d}"
        depot = problem.depots[duty.depot]
        rate = problem.vehicle.kwh_km if duty.electric else 0.0
        piece = 1
        seq = 0

        def add(
            kind: str, trip: str, a: str, b: str, at: int, to: int, distance: float, *,
            vehicle: str = vehicle, depot_id: str = depot.id, rate: float = rate, electric: bool = duty.electric,
        ) -> None:  # fmt: skip
            nonlocal seq
            seq += 1
            rows.append((vehicle, f"{vehicle}/{piece}", seq, kind, trip, a, b, at, to, distance,
                         distance * rate, depot_id, electric))  # fmt: skip

        def go_out(
            trip: int, leave: int, metres: float, *, depot_stop: str = depot.stop_id
        ) -> None:
            at = np.array([leave], np.int64)
            place = np.array([problem.deadheads.row[depot_stop]], np.int32)
            needed = int(run_time(problem.deadheads, place, problem.from_place[[trip]], at)[0])
            add("pull-out", "", depot_stop, origin[trip], leave, leave + needed, metres / 1000.0)
            if leave + needed < start[trip]:
                add("wait", "", origin[trip], origin[trip], leave + needed, start[trip], 0.0)

        place = int(problem.depot_place[duty.depot])
        head = np.array(duty.trips[:1], np.int32)
        leave, metres = pull_out(problem, head, place)
        go_out(duty.trips[0], int(leave[0]), float(metres[0]))
        for step, trip in enumerate(duty.trips):
            add("trip", trip_id[trip], origin[trip], target[trip], start[trip], end[trip], km[trip])
            if step + 1 == len(duty.trips):
                break
            follower = duty.trips[step + 1]
            if duty.via[step]:
                add(
                    "pull-in",
                    "",
                    target[trip],
                    depot.stop_id,
                    end[trip],
                    home_s[link],
                    home_m[link] / 1000.0,
                )
                add("depot", "", depot.stop_id, depot.stop_id, home_s[link], out_s[link], 0.0)
                piece += 1
                go_out(follower, out_s[link], out_m[link])
            else:
                here, there = target[trip], origin[follower]
                if leave_s[link] > end[trip]:
                    add("wait", "", here, here, end[trip], leave_s[link], 0.0)
                if here != there:
                    add("deadhead", "", here, there, leave_s[link], leave_s[link] + run_s[link],
                        run_m[link] / 1000.0)  # fmt: skip
                if leave_s[link] + run_s[link] < start[follower]:
                    add("wait", "", there, there, leave_s[link] + run_s[link], start[follower], 0.0)
            link += 1
        last = np.array(duty.trips[-1:], np.int32)
        back, metres = pull_in(problem, last, place)
        add("pull-in", "", target[duty.trips[-1]], depot.stop_id, end[duty.trips[-1]], int(back[0]),
            float(metres[0]) / 1000.0)  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def running_cost(problem: Problem, blocks: pd.DataFrame) -> dict[str, float]:
    """Vehicles, empty running and waiting of a table of activities, minor units.

    The wait between a pull-out and its trip counts too: a driver stands there.
    """
    empty = blocks["kind"].isin(["pull-out", "deadhead", "pull-in"])
    waits = blocks["kind"] == "wait"
    costs = problem.costs
    return {
        "vehicles": blocks["vehicle"].nunique() * costs.vehicle_day_minor,
        "deadhead": float(blocks.loc[empty, "distance_km"].sum()) * costs.deadhead_km_minor,
        "waiting": float((blocks.loc[waits, "end_s"] - blocks.loc[waits, "start_s"]).sum())
        * costs.waiting_h_minor
        / 3600.0,
    }
