"""The independent checker: replays a plan against its problem, with none of the solvers' code.

It knows the problem's data and the plan's tables only. Every finding names the first place where a
rule breaks and how many break it.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.findings import Finding, finding

if TYPE_CHECKING:
    from mobility.fleet.plan import BlockPlan, Plan
    from mobility.fleet.problem import Charger, Depot, Problem

DAY = 86_400
WH = 1e-3  # kWh: the checker's tolerance
KW = 1e-4
FAR = 50_000_000  # a deadhead time above this means that there is no way
EMPTY = ("pull-out", "deadhead", "pull-in")


def check(problem: Problem, plan: Plan | BlockPlan) -> list[Finding]:
    """Replay a plan: trips, connections, depots, batteries, chargers, sites, money.

    Parameters
    ----------
    problem
        What was asked; not the plan's own copy, so that a changed plan cannot bring its own rules.
    plan
        Any plan with the tables ``blocks`` and, for charging, ``sessions``.

    Returns
    -------
    list[Finding]
        Empty when the plan can be driven and costs what it says.
    """
    if plan.report.objective is None:
        return []
    blocks = plan.blocks.reset_index(drop=True)
    found = [*_trips(problem, blocks), *_activities(problem, blocks, plan.block_mode)]
    found += _depots(problem, blocks)
    sessions = getattr(plan, "sessions", None)
    load: dict[str, np.ndarray] = {}
    if sessions is not None:
        found += _conventional(problem, plan, blocks)
        found += _energy(problem, blocks)
        broken = _sessions(problem, blocks, sessions.reset_index(drop=True))
        found += broken
        if not any(one.code in {"session_malformed", "unknown_site"} for one in broken):
            load = _load(problem, sessions)
            found += _chargers(problem, blocks, sessions)
            found += _sites(problem, load)
            found += _battery(problem, blocks, sessions.reset_index(drop=True))
            found += _power_table(problem, plan, load)
    found += _money(problem, plan, blocks, load, with_energy=sessions is not None)
    return found


def _say(code: str, bad: Any, value: Any, message: str = "") -> list[Finding]:
    """One finding for all rows where ``bad`` is true, citing the first."""
    rows = np.flatnonzero(np.asarray(bad, bool))
    if rows.size == 0:
        return []
    cited = value(int(rows[0])) if callable(value) else value
    return [finding(code, message, value=cited, count=int(rows.size))]


def _trips(problem: Problem, blocks: pd.DataFrame) -> list[Finding]:
    driven = blocks[blocks["kind"] == "trip"]
    counts = driven["trip_id"].value_counts()
    asked = problem.trips.set_index("trip_id")
    missing = asked.index.difference(counts.index)
    twice = counts[counts > 1].index.sort_values()
    foreign = counts.index.difference(asked.index)
    found = _say("trip_not_covered", np.ones(len(missing)), lambda at: missing[at])
    found += _say("trip_covered_twice", np.ones(len(twice)), lambda at: twice[at])
    found += _say("trip_unknown", np.ones(len(foreign)), lambda at: foreign[at])
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
    return found + _say("trip_changed", bad, lambda at: known["trip_id"].iloc[at])


def _activities(problem: Problem, blocks: pd.DataFrame, mode: str) -> list[Finding]:
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

    found = _say(
        "vehicle_not_in_order",
        pd.Series(vehicle[new]).duplicated(),
        lambda at: str(vehicle[new][at]),
    )
    found += _say("activity_runs_backwards", end < start, name)
    gap = ~new & (start != np.append(0, end[:-1]))
    found += _say("activities_not_contiguous", gap, name)
    jump = ~new & (origin != np.append("", target[:-1]))
    found += _say("bus_changes_place", jump, name)
    ends = (new & (kind != "pull-out")) | (last & (kind != "pull-in"))
    found += _say(
        "wrong_depot", ends, name, "a vehicle's day does not run from pull-out to pull-in"
    )
    still = np.isin(kind, ["wait", "depot"])
    found += _say("bus_changes_place", still & (origin != target), name)
    known = np.isin(kind, [*EMPTY, "trip", "wait", "depot"])
    found += _say("activity_unknown", ~known, name)
    before, after = np.append("", kind[:-1]), np.append(kind[1:], "")
    # Home is entered by a pull-in and left by a pull-out, and nothing else happens there.
    inside = kind == "depot"
    odd = inside & ((before != "pull-in") | (after != "pull-out"))
    odd |= (kind == "pull-in") & ~last & (after != "depot")
    odd |= (kind == "pull-out") & ~new & (before != "depot")
    found += _say("wrong_depot", odd, name)
    found += _empty_runs(problem, blocks, name)
    found += _layovers(problem, blocks, mode)
    span = (
        pd.DataFrame({"v": vehicle, "s": start, "e": end})
        .groupby("v", sort=False)
        .agg(s=("s", "min"), e=("e", "max"))
    )
    long = (span["e"] - span["s"]).to_numpy() > DAY
    return found + _say("vehicle_longer_than_a_day", long, lambda at: str(span.index[at]))


def _empty_runs(problem: Problem, blocks: pd.DataFrame, name: Any) -> list[Finding]:
    """Every empty run takes at least the time of its pair in the band in which it leaves."""
    table = problem.deadheads
    at_row = {place: row for row, place in enumerate(table.places)}
    rows = np.flatnonzero(blocks["kind"].isin(EMPTY).to_numpy())
    runs = blocks.iloc[rows]
    a = runs["from_stop"].map(at_row)
    b = runs["to_stop"].map(at_row)
    lost = (a.isna() | b.isna()).to_numpy()
    found = _say("connection_not_drivable", lost, lambda at: name(int(rows[at])))
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
    found += _say("connection_not_drivable", slow, lambda at: name(int(rows[at])))
    metres = table.distance_m[band if len(table.distance_m) > 1 else np.zeros_like(band), i, j]
    wrong = np.abs(runs["distance_km"].to_numpy(float) * 1000.0 - metres) > 0.5
    return found + _say("distance_does_not_add_up", wrong & ~slow, lambda at: name(int(rows[at])))


def _layovers(problem: Problem, blocks: pd.DataFrame, mode: str) -> list[Finding]:
    """Between two trips a bus stands for the layover, and not longer than allowed at a terminal."""
    rules = problem.rules
    rows = np.flatnonzero((blocks["kind"] == "trip").to_numpy())
    if rows.size < 2:
        return []
    kind = blocks["kind"].to_numpy(object)
    length = (blocks["end_s"] - blocks["start_s"]).to_numpy(np.int64)
    standing = np.concatenate(
        [[0], np.cumsum(np.where(np.isin(kind, ["wait", "depot"]), length, 0))]
    )
    homes = np.concatenate([[0], np.cumsum(kind == "depot")])
    parked = np.concatenate([[0], np.cumsum(np.where(kind == "depot", length, 0))])
    trips = blocks.iloc[rows]
    same = trips["vehicle"].to_numpy(object)[1:] == trips["vehicle"].to_numpy(object)[:-1]
    stood = standing[rows[1:]] - standing[rows[:-1] + 1]
    home = (homes[rows[1:]] - homes[rows[:-1] + 1]) > 0
    at_home = parked[rows[1:]] - parked[rows[:-1] + 1]
    exempt = np.zeros(same.size, bool)
    if mode != "optimise":
        block = (
            trips["trip_id"].map(problem.trips.set_index("trip_id")["block_id"]).to_numpy(object)
        )
        exempt = (block[1:] == block[:-1]) & (block[1:] != "")

    def name(at: int) -> str:
        return f"{trips['vehicle'].iloc[at]}: {trips['trip_id'].iloc[at]} -> {trips['trip_id'].iloc[at + 1]}"

    found = _say("layover_too_short", same & ~exempt & (stood < rules.min_layover_s), name)
    if rules.max_wait_s is not None:
        waited = stood - at_home
        found += _say("wait_too_long", same & ~exempt & ~home & (waited > rules.max_wait_s), name)
    return found


def _depots(problem: Problem, blocks: pd.DataFrame) -> list[Finding]:
    known = {one.id: one for one in problem.depots}
    place = blocks["depot"].map({one.id: one.stop_id for one in problem.depots})
    name = lambda at: f"{blocks['vehicle'].iloc[at]} at {blocks['depot'].iloc[at]}"  # noqa: E731
    kind = blocks["kind"]
    bad = place.isna()
    bad = bad | (kind.isin(["pull-out", "depot"]) & (blocks["from_stop"] != place))
    bad = bad | ((kind == "pull-in") & (blocks["to_stop"] != place))
    homes = blocks.groupby("vehicle", sort=False)["depot"].transform("nunique").to_numpy()
    found = _say("wrong_depot", bad.to_numpy(bool) | (homes > 1), name)
    buses = blocks.groupby("depot", observed=True)["vehicle"].nunique()
    for depot, count in buses.items():
        one = known.get(str(depot))
        if one is not None and one.capacity is not None and count > one.capacity:
            found.append(
                finding("depot_capacity_exceeded", value=f"{depot}: {count} of {one.capacity}")
            )
    return found


def _conventional(problem: Problem, plan: Any, blocks: pd.DataFrame) -> list[Finding]:
    """Conventional buses drive the trips that are listed as not electric, and only those."""
    trips = blocks[blocks["kind"] == "trip"]
    listed = trips["trip_id"].isin(plan.not_electric)
    wrong = (listed == trips["electric"]).to_numpy()
    mixed = blocks.groupby("vehicle", sort=False)["electric"].nunique().to_numpy() > 1
    found = _say("wrong_energy", wrong, lambda at: trips["trip_id"].iloc[at])
    found += _say("wrong_energy", mixed, "a vehicle is both electric and not")
    bus = problem.vehicle
    own = problem.trips.set_index("trip_id")["distance_km"] * bus.kwh_km
    usable = bus.battery_kwh * (bus.start_soc - bus.min_soc)
    # A trip may be listed only if the trip with its nearest way out and home is beyond the battery.
    for trip in plan.not_electric:
        if trip in own.index and own[trip] + _nearest_kwh(problem, trip) <= usable - WH:
            found.append(finding("wrong_energy", value=trip))
    return found


def _nearest_kwh(problem: Problem, trip: str) -> float:
    row = problem.trips.index[problem.trips["trip_id"] == trip][0]
    place = problem.deadheads.row
    a, b = place[problem.trips["from_stop"][row]], place[problem.trips["to_stop"][row]]
    metres = problem.deadheads.distance_m
    best = min(
        int(metres[:, place[one.stop_id], a].max()) + int(metres[:, b, place[one.stop_id]].max())
        for one in problem.depots
    )
    return best / 1000.0 * problem.vehicle.kwh_km


def _energy(problem: Problem, blocks: pd.DataFrame) -> list[Finding]:
    wanted = (
        blocks["distance_km"].to_numpy(float)
        * problem.vehicle.kwh_km
        * blocks["electric"].to_numpy(bool)
    )
    off = np.abs(blocks["kwh"].to_numpy(float) - wanted) > WH
    return _say(
        "energy_does_not_add_up",
        off,
        lambda at: f"{blocks['vehicle'].iloc[at]} {blocks['kind'].iloc[at]}",
    )


def _sites_of(problem: Problem) -> dict[str, tuple[str, float, int | None, float | None]]:
    """Site: its place, kW a charger, chargers, limit."""
    sites: dict[str, tuple[str, float, int | None, float | None]] = {}
    one: Depot | Charger
    for one in problem.depots:
        sites[one.id] = (one.stop_id, one.charger_kw, one.chargers, one.site_kw)
    for one in problem.chargers:
        sites[f"terminal:{one.stop_id}"] = (one.stop_id, one.kw, one.count, one.site_kw)
    return sites


def _sessions(problem: Problem, blocks: pd.DataFrame, sessions: pd.DataFrame) -> list[Finding]:
    """Each session is well formed, within its charger's power, and inside one stay of its bus."""
    sites = _sites_of(problem)
    slot = problem.tariff.slot_s
    bus_kw = problem.vehicle.max_kw
    depots = {one.id for one in problem.depots}
    stays: dict[str, list[tuple[int, int, str]]] = {}
    span: dict[str, tuple[int, int, str, bool]] = {}
    for row in blocks.itertuples(index=False):
        out = span.get(row.vehicle)
        span[row.vehicle] = (
            (row.start_s, row.end_s, row.depot, row.electric) if out is None
            else (min(out[0], row.start_s), max(out[1], row.end_s), row.depot, row.electric)
        )  # fmt: skip
        if row.kind == "depot":
            stays.setdefault(row.vehicle, []).append((row.start_s, row.end_s, row.depot))
        elif row.kind == "wait":
            stays.setdefault(row.vehicle, []).append(
                (row.start_s, row.end_s, f"terminal:{row.from_stop}")
            )
    for vehicle, (begin, end, depot, _) in span.items():
        stays.setdefault(vehicle, []).append((end, begin + DAY, depot))

    wrong: dict[str, list[str]] = {}
    used: dict[tuple[str, int], int] = {}
    for row in sessions.itertuples(index=False):
        name = f"{row.vehicle} at {row.site} {row.start_s}-{row.end_s}"
        if row.site not in sites:
            wrong.setdefault("unknown_site", []).append(name)
            continue
        _, kw, _, _ = sites[row.site]
        slots = (row.end_s - row.start_s) // slot
        shaped = (
            row.start_s % slot == 0 and row.end_s % slot == 0 and slots == len(row.kw) and slots > 0
        )
        if not shaped or min(row.kw, default=0) < -KW or not np.isfinite(row.kwh):
            wrong.setdefault("session_malformed", []).append(name)
            continue
        if abs(sum(row.kw) * slot / 3600.0 - row.kwh) > WH:
            wrong.setdefault("session_malformed", []).append(name)
        if max(row.kw) > min(kw, bus_kw) + KW:
            wrong.setdefault("power_above_charger", []).append(name)
        if row.vehicle not in span or not span[row.vehicle][3]:
            wrong.setdefault("charging_while_driving", []).append(name)
            continue
        inside = [at for at, (begin, end, site) in enumerate(stays[row.vehicle])
                  if site == row.site and begin <= row.start_s and row.end_s <= end]  # fmt: skip
        if not inside:
            depot_of = span[row.vehicle][2]
            code = (
                "wrong_depot"
                if row.site in depots and row.site != depot_of
                else "charging_while_driving"
            )
            wrong.setdefault(code, []).append(name)
            continue
        used[(row.vehicle, inside[0])] = used.get((row.vehicle, inside[0]), 0) + 1
        if used[(row.vehicle, inside[0])] > 1:
            wrong.setdefault("plugged_in_twice", []).append(name)
    return [finding(code, value=names[0], count=len(names)) for code, names in wrong.items()]


def _load(problem: Problem, sessions: pd.DataFrame) -> dict[str, np.ndarray]:
    slot = problem.tariff.slot_s
    load = {site: np.zeros(DAY // slot) for site in _sites_of(problem)}
    for row in sessions.itertuples(index=False):
        at = (np.arange(len(row.kw)) + row.start_s // slot) % (DAY // slot)
        np.add.at(load[row.site], at, row.kw)
    return load


def _chargers(problem: Problem, blocks: pd.DataFrame, sessions: pd.DataFrame) -> list[Finding]:
    """No two buses on one charger at once, the day repeating; no charger that is not there."""
    sites = _sites_of(problem)
    buses = blocks[blocks["electric"]].groupby("depot", observed=True)["vehicle"].nunique()
    overlap: list[str] = []
    beyond: list[str] = []
    for (site, charger), rows in sessions.groupby(["site", "charger"], sort=True):
        count = sites[site][2]
        if not 0 <= charger < (int(buses.get(site, 0)) if count is None else count):
            beyond.append(f"{site} charger {charger}")
        start = rows["start_s"].to_numpy(np.int64) % DAY
        length = (rows["end_s"] - rows["start_s"]).to_numpy(np.int64)
        order = np.argsort(start, kind="stable")
        start, length = start[order], length[order]
        following = np.append(start[1:], start[0] + DAY)
        if (start + length > following).any():
            overlap.append(f"{site} charger {charger}")
    found = [finding("charger_overlap", value=overlap[0], count=len(overlap))] if overlap else []
    if beyond:
        found.append(finding("too_many_chargers_used", value=beyond[0], count=len(beyond)))
    return found


def _sites(problem: Problem, load: dict[str, np.ndarray]) -> list[Finding]:
    found = []
    for site, (_, _, _, limit) in _sites_of(problem).items():
        if limit is not None and (load[site] > limit + KW).any():
            at = int(load[site].argmax())
            found.append(finding("site_cap_exceeded", value=f"{site}: {load[site][at]:.1f} of {limit} kW",
                                 count=int((load[site] > limit + KW).sum())))  # fmt: skip
    return found


def _battery(problem: Problem, blocks: pd.DataFrame, sessions: pd.DataFrame) -> list[Finding]:
    """Charge at every instant where it can turn: each end of an activity, each end of a slot."""
    bus, slot = problem.vehicle, problem.tariff.slot_s
    electric = blocks[blocks["electric"].to_numpy(bool)]
    if electric.empty:
        return []
    code = {vehicle: at for at, vehicle in enumerate(electric["vehicle"].unique())}
    mine = sessions[sessions["vehicle"].isin(code)]
    slots = mine["kw"].map(len).to_numpy(np.int64)
    begin = np.repeat(mine["start_s"].to_numpy(np.int64), slots)
    within = np.arange(slots.sum()) - np.repeat(np.cumsum(slots) - slots, slots)
    powers = np.array([one for row in mine["kw"] for one in row], float)
    who = np.concatenate([
        electric["vehicle"].map(code).to_numpy(np.int64),
        np.repeat(mine["vehicle"].map(code).to_numpy(np.int64), slots),
    ])  # fmt: skip
    when = np.concatenate([electric["end_s"].to_numpy(np.int64), begin + (within + 1) * slot])
    change = np.concatenate(
        [-electric["distance_km"].to_numpy(float) * bus.kwh_km, powers * slot / 3600.0]
    )
    order = np.lexsort((change, when, who))
    who, when, change = who[order], when[order], change[order]
    first = np.append(True, who[1:] != who[:-1])
    total = np.cumsum(change)
    offset = np.maximum.accumulate(np.where(first, np.arange(who.size), 0))
    level = bus.battery_kwh * bus.start_soc + total - (total - change)[offset]
    names = list(code)

    def name(at: int) -> str:
        return f"{names[who[at]]} at {when[at]} s: {level[at]:.3f} kWh"

    low, high = bus.battery_kwh * bus.min_soc, bus.battery_kwh * bus.max_soc
    found = _say("soc_below_window", level < low - WH, name)
    found += _say("soc_above_window", level > high + WH, name)
    last = np.append(first[1:], True)
    short = last & (level < bus.battery_kwh * bus.start_soc - WH)
    return found + _say("soc_not_restored", short, name)


def _power_table(problem: Problem, plan: Any, load: dict[str, np.ndarray]) -> list[Finding]:
    slot = problem.tariff.slot_s
    told = plan.power
    bad: list[str] = []
    for site, rows in told.groupby("site", sort=True):
        own = np.zeros(DAY // slot)
        own[rows["start_s"].to_numpy(np.int64) // slot % own.size] = rows["kw"].to_numpy(float)
        if site not in load or (np.abs(own - load[site]) > 0.01).any():
            bad.append(str(site))
    silent = [site for site, kw in load.items() if kw.any() and site not in set(told["site"])]
    bad += silent
    return [finding("power_does_not_add_up", value=bad[0], count=len(bad))] if bad else []


def _money(
    problem: Problem,
    plan: Any,
    blocks: pd.DataFrame,
    load: dict[str, np.ndarray],
    *,
    with_energy: bool,
) -> list[Finding]:
    """Every part of the objective, counted again; at most one minor unit off, from rounding up."""
    costs = problem.costs
    kind = blocks["kind"]
    wait = blocks[kind == "wait"]
    parts = {
        "vehicles": blocks["vehicle"].nunique() * costs.vehicle_day_minor,
        "deadhead": blocks.loc[kind.isin(EMPTY), "distance_km"].sum() * costs.deadhead_km_minor,
        "waiting": (wait["end_s"] - wait["start_s"]).sum() / 3600.0 * costs.waiting_h_minor,
    }
    if with_energy:
        parts["energy"], parts["demand"] = _electricity(problem, load)
    found = []
    report = plan.report
    for part, value in parts.items():
        if abs(report.parts.get(part, 0.0) - value) > 1.0 + 1e-6 * abs(value):
            found.append(
                finding(
                    "cost_does_not_add_up", value=f"{part}: {report.parts.get(part)} is {value:.2f}"
                )
            )
    if abs(sum(report.parts.values()) - report.objective) > 1.0:
        found.append(finding("cost_does_not_add_up", value=f"the parts are not {report.objective}"))
    if hasattr(plan, "vehicles") and plan.vehicles != blocks["vehicle"].nunique():
        found.append(finding("cost_does_not_add_up", value=f"{plan.vehicles} vehicles"))
    return found


def _electricity(problem: Problem, load: dict[str, np.ndarray]) -> tuple[float, float]:
    tariff = problem.tariff
    clock = np.arange(DAY)
    price = np.full(DAY, tariff.energy[-1][1])
    for at, minor in tariff.energy:
        price[clock >= at] = minor
    energy = demand = 0.0
    for kw in load.values():
        second = np.repeat(kw, tariff.slot_s)
        energy += float((second * price).sum() / 3600.0)
        for one in tariff.demand:
            counts = np.zeros(DAY, bool)
            for start, end in one.hours:
                wraps = end <= start
                counts |= (
                    ((clock >= start) | (clock < end))
                    if wraps
                    else ((clock >= start) & (clock < end))
                )
            if not one.hours:
                counts[:] = True
            means = second.reshape(-1, one.interval_s).mean(axis=1)
            peak = means[counts.reshape(-1, one.interval_s).any(axis=1)].max(initial=0.0)
            demand += float(peak) * one.price * _share_of_day(problem, one)
    return energy, demand


def _share_of_day(problem: Problem, demand: Any) -> float:
    day = problem.date
    if day is None:
        return {"day": 1.0, "month": 1 / 30, "year": 1 / 365}[demand.period]
    if demand.months and day.month not in demand.months:
        return 0.0
    days = {
        "day": 1,
        "month": monthrange(day.year, day.month)[1],
        "year": 366 if isleap(day.year) else 365,
    }
    return 1.0 / float(days[demand.period])
