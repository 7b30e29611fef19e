"""Every vehicle's day as arrays: activities, charging, and the charge of the battery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.report.compact import pack
from mobility.report.page import Figure
from mobility.units import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.feed import ServiceDay
    from mobility.fleet import BlockPlan, Plan

KINDS = ("trip", "pull-out", "deadhead", "pull-in", "wait", "depot")
# A charge that a straight line tells to within this share is not sent.
_SOC_SHARE = 0.002
_TABLE = (
    "vehicle", "block", "kind", "trip_id", "from_stop", "to_stop", "start_s", "end_s",
    "distance_km", "kwh", "depot",
)  # fmt: skip


def gantt_figure(plan: Plan | BlockPlan, day: ServiceDay | None) -> Figure:
    """Blocks, empty runs, charging and the state of charge, by depot and first pull-out."""
    rows = _ordered(plan.blocks)
    names = pd.unique(rows["vehicle"])
    first = rows.drop_duplicates("vehicle")
    depots = sorted(first["depot"].astype(str).unique())
    trips = rows["trip_id"].astype(str).to_numpy(object)
    is_trip = rows["kind"].to_numpy(object) == "trip"
    route, routes = _routes(trips, is_trip, day, plan)
    stops, place = _places(plan, rows)
    blocks = pd.unique(rows["block"])
    data: dict[str, Any] = {
        "vehicles": [str(one) for one in names],
        "depot": pack(pd.Categorical(first["depot"].astype(str), categories=depots).codes),
        "depots": depots,
        "type": [str(one) for one in first["type"]] if "type" in first else [],
        "blocks": [str(one) for one in blocks],
        "routes": routes,
        "stops": stops,
        "kinds": list(KINDS),
        "trips": [str(one) for one in trips[is_trip]],
        "offset": pack(_offsets(rows["vehicle"], names)),
        "block": pack(pd.Categorical(rows["block"], categories=blocks).codes),
        "kind": pack(pd.Categorical(rows["kind"], categories=KINDS).codes),
        "route": pack(route),
        "from": pack(place["from_stop"]),
        "to": pack(place["to_stop"]),
        "start": pack(rows["start_s"].to_numpy()),
        "long": pack((rows["end_s"] - rows["start_s"]).to_numpy()),
        "km": pack(rows["distance_km"].to_numpy(float), scale=100),
        "kwh": pack(rows["kwh"].to_numpy(float), scale=100) if "kwh" in rows else None,
        "zone": plan.problem.timezone,
        "span": _span(plan),
    } | _charging(plan, names)
    kept = [name for name in _TABLE if name in rows]
    sites = " Green strips are charging." if data["charge"] else ""
    return Figure(
        "vehicles", "vehicles", "gantt", "What every bus does",
        f"One row a bus, {len(names):,} in all, by depot and first pull-out: trips, empty runs and "
        f"waits over the clock.{sites}",
        data, rows[kept].reset_index(drop=True), inline=False,
    )  # fmt: skip


def _ordered(blocks: pd.DataFrame) -> pd.DataFrame:
    """Activities by depot of the vehicle, its first pull-out, and time."""
    first = blocks.sort_values(["start_s", "seq"], kind="stable").drop_duplicates("vehicle")
    first = first.sort_values(["depot", "start_s", "vehicle"], kind="stable")
    rank = pd.Series(np.arange(len(first)), index=first["vehicle"].to_numpy())
    order = blocks.assign(_rank=blocks["vehicle"].map(rank))
    order = order.sort_values(["_rank", "seq"], kind="stable").drop(columns="_rank")
    return order.reset_index(drop=True)


def _offsets(vehicle: pd.Series, names: Any) -> NDArray[np.int64]:
    codes = pd.Categorical(vehicle, categories=names).codes
    counts = np.bincount(codes.astype(np.int64), minlength=len(names))
    return np.concatenate([[0], np.cumsum(counts)])


def _routes(
    trips: NDArray[Any], is_trip: NDArray[np.bool_], day: ServiceDay | None, plan: Plan | BlockPlan
) -> tuple[NDArray[np.int64], list[str]]:
    """Route of each activity as a row of the list of routes, -1 where it is no trip."""
    table = plan.problem.trips if day is None else day.trips
    route_of = dict(zip(table["trip_id"].astype(str), table["route_id"].astype(str), strict=True))
    names = [route_of.get(one, "") for one in trips[is_trip]]
    routes = sorted(set(names))
    route = np.full(len(trips), -1, np.int64)
    route[is_trip] = pd.Categorical(names, categories=routes).codes
    return route, routes


def _places(
    plan: Plan | BlockPlan, rows: pd.DataFrame
) -> tuple[list[list[str]], dict[str, NDArray[np.int64]]]:
    """Stops that the activities name, as [id, name], and their rows."""
    ids = sorted({*rows["from_stop"].astype(str), *rows["to_stop"].astype(str)})
    known = {} if plan.problem.stops is None else plan.problem.stops["name"].to_dict()
    codes = {
        name: np.asarray(pd.Categorical(rows[name].astype(str), categories=ids).codes, np.int64)
        for name in ("from_stop", "to_stop")
    }
    return [[one, str(known.get(one, "") or one)] for one in ids], codes


def _charging(plan: Plan | BlockPlan, names: Any) -> dict[str, Any]:
    """Sessions and the charge of every battery; nothing for blocks alone."""
    from mobility.fleet.kpis import charge_levels
    from mobility.fleet.plan import Plan

    if not isinstance(plan, Plan) or plan.report.objective is None:
        return {"charge": None, "soc": None}
    rank = pd.Series(np.arange(len(names)), index=names)
    sessions = plan.sessions.assign(_rank=plan.sessions["vehicle"].map(rank))
    sessions = sessions.sort_values(["_rank", "start_s"], kind="stable")
    sites = sorted(sessions["site"].astype(str).unique())
    charge = {
        "sites": sites,
        "vehicle": pack(sessions["_rank"].to_numpy()),
        "site": pack(pd.Categorical(sessions["site"].astype(str), categories=sites).codes),
        "start": pack(sessions["start_s"].to_numpy()),
        "long": pack((sessions["end_s"] - sessions["start_s"]).to_numpy()),
        "kwh": pack(sessions["kwh"].to_numpy(float), scale=10),
    }
    levels = charge_levels(plan)
    levels = levels.assign(_rank=levels["vehicle"].map(rank)).dropna(subset=["_rank"])
    levels = levels.sort_values(["_rank", "time_s"], kind="stable")
    kept = levels[_telling(levels)]
    counts = np.bincount(kept["_rank"].to_numpy(np.int64), minlength=len(names))
    soc = {
        "offset": pack(np.concatenate([[0], np.cumsum(counts)])),
        "time": pack(kept["time_s"].to_numpy()),
        "soc": pack(kept["soc"].to_numpy(float), scale=1000),
    }
    return {"charge": charge, "soc": soc}


def _telling(levels: pd.DataFrame) -> NDArray[np.bool_]:
    """Levels that the line between their neighbours does not tell; first and last of each bus stay."""
    time, soc = levels["time_s"].to_numpy(float), levels["soc"].to_numpy(float)
    bus = levels["_rank"].to_numpy()
    keep = np.ones(len(levels), bool)
    if len(levels) < 3:
        return keep
    span = time[2:] - time[:-2]
    share = np.divide(time[1:-1] - time[:-2], span, out=np.zeros_like(span), where=span > 0)
    line = soc[:-2] + (soc[2:] - soc[:-2]) * share
    inner = (bus[2:] == bus[:-2]) & (np.abs(line - soc[1:-1]) < _SOC_SHARE)
    # Two in a row may both look like the middle of a line: of a run every second one stays.
    keep[1:-1] = ~inner | (np.arange(len(inner)) % 2 == 0)
    return keep


def _span(plan: Plan | BlockPlan) -> list[int]:
    """First and last second to draw: the whole day, and as far as anybody reaches beyond it."""
    tables = [plan.blocks, getattr(plan, "sessions", plan.blocks)]
    first = min([0, *(int(one["start_s"].min()) for one in tables if len(one))])
    last = max([DAY_S, *(int(one["end_s"].max()) for one in tables if len(one))])
    return [first, last]
