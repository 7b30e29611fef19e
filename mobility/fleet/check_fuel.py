"""The checker's tanks: range, refuelling and pumps, replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobility.fleet.check_say import DAY, say

if TYPE_CHECKING:
    import pandas as pd

    from mobility.findings import Finding
    from mobility.fleet.problem import Problem


def check_fuel(problem: Problem, blocks: pd.DataFrame, refuels: pd.DataFrame) -> list[Finding]:
    """Nobody runs dry, nobody refuels while driving, no two buses stand at one pump."""
    types = {one.id: one for one in problem.vehicles if not one.electric}
    visits: dict[str, list[Any]] = {}
    row: Any  # pandas types a row's cells as anything
    for row in refuels.itertuples(index=False):
        visits.setdefault(row.vehicle, []).append(row)
    dry: list[str] = []
    away: list[str] = []
    for vehicle, rows in blocks.groupby("vehicle", sort=False):
        bus = types.get(str(rows["type"].iloc[0]))
        if bus is None:
            away += [str(vehicle)] * len(visits.pop(str(vehicle), []))
            continue
        own = visits.pop(str(vehicle), [])
        used: set[int] = set()
        one: Any
        stays = [(one.start_s, one.end_s, one.depot)
                 for one in rows.itertuples(index=False) if one.kind == "depot"]  # fmt: skip
        night = (int(rows["end_s"].iloc[-1]), int(rows["start_s"].iloc[0]) + DAY)
        stays.append((*night, str(rows["depot"].iloc[0])))
        filled: list[bool] = []
        for begin, end, depot in stays:
            inside = [at for at, one in enumerate(own)
                      if one.depot == depot and begin <= one.start_s and one.end_s <= end
                      and one.end_s - one.start_s >= bus.refuel_min * 60 - 1]  # fmt: skip
            used |= set(inside)
            filled.append(bool(inside))
        away += [str(vehicle)] * (len(own) - len(used))
        if bus.range_km is None:
            continue
        km, stay = 0.0, 0
        for one in rows.itertuples(index=False):
            km += one.distance_km
            if km > bus.range_km + 1e-6:
                dry.append(f"{vehicle} at {one.end_s} s")
                break
            if one.kind == "depot":
                km = 0.0 if filled[stay] else km
                stay += 1
        if not filled[-1]:
            dry.append(f"{vehicle} overnight")
    away += list(visits)
    found = [*say("tank_empty", [True] * len(dry), lambda at: dry[at])]
    found += say("refuelled_while_away", [True] * len(away), lambda at: away[at])
    return found + _pumps(problem, refuels)


def _pumps(problem: Problem, refuels: pd.DataFrame) -> list[Finding]:
    """No pump that is not there, and one bus at a time at each; the day repeats."""
    pumps = {one.id: one.pumps for one in problem.depots}
    wrong: list[str] = []
    key: Any
    for key, rows in refuels.groupby(["depot", "pump"], sort=True):
        depot, pump = key
        most = pumps.get(depot, 0)
        if most is not None and not 0 <= pump < most:
            wrong.append(f"{depot} has no pump {pump}")
        spans = sorted((int(a) % DAY, int(b) - int(a))
                       for a, b in zip(rows["start_s"], rows["end_s"], strict=True))  # fmt: skip
        for at, (start, length) in enumerate(spans):
            after = spans[(at + 1) % len(spans)][0] + (DAY if at + 1 == len(spans) else 0)
            if start + length > after:
                wrong.append(f"{depot} pump {pump} at {start} s")
                break
    return say("pump_overlap", [True] * len(wrong), lambda at: wrong[at])
