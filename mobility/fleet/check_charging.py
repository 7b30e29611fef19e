"""The checker's second half: energy, sessions, chargers, sites and batteries, replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mobility.findings import Finding, finding
from mobility.fleet.check_say import DAY, FAR, KW, WH, say

if TYPE_CHECKING:
    import pandas as pd

    from mobility.fleet.problem import Charger, Depot, Problem, Vehicle

# kW of every slot of the day, at one site.
Power: TypeAlias = NDArray[np.float64]


def check_charging(
    problem: Problem, plan: Any, blocks: pd.DataFrame, sessions: pd.DataFrame
) -> tuple[list[Finding], dict[str, Power]]:
    """Replay who charges where; the findings, and each site's load for counting its cost."""
    found = [*_conventional(problem, plan, blocks), *_energy(problem, blocks)]
    broken = _sessions(problem, blocks, sessions)
    found += broken
    if any(one.code in {"session_malformed", "unknown_site"} for one in broken):
        return found, {}  # nothing that is built on them would mean anything
    load = _load(problem, sessions)
    found += _chargers(problem, blocks, sessions)
    found += _sites(problem, load)
    found += _battery(problem, blocks, sessions)
    found += _power_table(problem, plan, load)
    return found, load


def _conventional(problem: Problem, plan: Any, blocks: pd.DataFrame) -> list[Finding]:
    """The assumed conventional bus drives what is listed as not electric, and only that."""
    trips = blocks[blocks["kind"] == "trip"]
    types = {one.id: one.energy == "electric" for one in problem.vehicles} | {"conventional": False}
    listed = trips["trip_id"].isin(plan.not_electric)
    found = say(
        "wrong_energy",
        (listed != (trips["type"] == "conventional")).to_numpy(),
        lambda at: trips["trip_id"].iloc[at],
    )
    told = blocks["type"].map(types)
    found += say(
        "wrong_energy",
        (told.isna() | (told != blocks["electric"])).to_numpy(bool),
        lambda at: f"{blocks['vehicle'].iloc[at]} is of type {blocks['type'].iloc[at]}",
    )
    # A trip may be listed only if it is beyond every type, with its nearest way out and home.
    rows = problem.trips.reset_index().set_index("trip_id")["index"]
    for trip in plan.not_electric:
        if trip in rows.index and any(
            _can_drive(problem, at, int(rows[trip])) for at in range(len(problem.vehicles))
        ):
            found.append(finding("wrong_energy", value=trip))
    return found


def _can_drive(problem: Problem, kind: int, row: int) -> bool:
    """Whether a bus of a type drives a trip alone from some depot, its rules aside."""
    bus, around = problem.vehicles[kind], _nearest_km(problem, row)
    if bus.energy != "electric":
        own = float(problem.trips["distance_km"].iloc[row])
        return bus.range_km is None or own + around <= bus.range_km
    usable = bus.full_kwh * (bus.start_soc - bus.min_soc)
    own = float(problem.trip_kwh(kind)[row])
    return own + around * problem.run_kwh_km(kind) <= usable - WH


def _nearest_km(problem: Problem, row: int) -> float:
    place = problem.deadheads.row
    a, b = (place[problem.trips[one].iloc[row]] for one in ("from_stop", "to_stop"))
    metres, route = problem.deadheads.distance_m, problem.trips["route_id"].iloc[row]
    ruled = (one.allowed_depots for one in problem.rules.routes if route in one.routes)
    depots = next(ruled, ()) or tuple(one.id for one in problem.depots)
    # Pairs without a way in any band.
    lost = np.asarray((problem.deadheads.time_s > FAR).all(axis=0), bool)
    ways = [
        int(metres[:, home, a].max()) + int(metres[:, b, home].max())
        for home in (place[one.stop_id] for one in problem.depots if one.id in depots)
        if not (lost[home, a] or lost[b, home])
    ]
    return min(ways) / 1000.0 if ways else float("inf")


def _energy(problem: Problem, blocks: pd.DataFrame) -> list[Finding]:
    off = np.abs(blocks["kwh"].to_numpy(float) - _wanted_kwh(problem, blocks)) > WH
    return say(
        "energy_does_not_add_up",
        off,
        lambda at: f"{blocks['vehicle'].iloc[at]} {blocks['kind'].iloc[at]}",
    )


def _wanted_kwh(problem: Problem, blocks: pd.DataFrame) -> Power:
    """Energy of every activity by the problem's own figures, not the plan's."""
    kwh = np.zeros(len(blocks))
    row = dict(zip(problem.trips["trip_id"], range(len(problem.trips)), strict=True))
    at = np.array([row.get(one, -1) for one in blocks["trip_id"]], np.int64)
    km, trip = blocks["distance_km"].to_numpy(float), (blocks["kind"] == "trip").to_numpy()
    for kind, bus in enumerate(problem.vehicles):
        if bus.energy != "electric":
            continue
        own = (blocks["type"] == bus.id).to_numpy()
        kwh[own] = km[own] * problem.run_kwh_km(kind)
        known = own & trip & (at >= 0)
        kwh[known] = problem.trip_kwh(kind)[at[known]]
    return kwh


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
    most_kw = {one.id: one.max_kw for one in problem.vehicles}
    kind = dict(zip(blocks["vehicle"], blocks["type"], strict=True))
    depots = {one.id for one in problem.depots}
    setup_s = {one.id: one.setup_s for one in problem.depots}
    allowed = {one.id: one.plug_ins for one in problem.depots}
    stays: dict[str, list[tuple[int, int, str]]] = {}
    span: dict[str, tuple[int, int, str, bool]] = {}
    row: Any  # pandas types a row's cells as anything
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
    wrong: dict[str, list[str]] = {}
    after = dict(problem.next_day)
    for vehicle, (_, end, depot, _) in span.items():
        follower = after.get(vehicle, vehicle)
        # What is not there is followed by nobody: then every bus repeats its own day.
        out_s = span.get(follower, span[vehicle])[0] + DAY
        stays.setdefault(vehicle, []).append((end, out_s, depot))
        same = span.get(follower, span[vehicle])[2] == depot
        if out_s < end or not same or kind[vehicle] != kind.get(follower, kind[vehicle]):
            wrong.setdefault("next_day_impossible", []).append(f"{vehicle} before {follower}")
    used: dict[tuple[str, int], list[tuple[int, int]]] = {}
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
        if max(row.kw) > min(kw, most_kw.get(str(kind.get(row.vehicle)), kw)) + KW:
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
        if row.start_s < stays[row.vehicle][inside[0]][0] + setup_s.get(row.site, 0):
            wrong.setdefault("charging_before_setup", []).append(name)
        before = used.setdefault((row.vehicle, inside[0]), [])
        at_once = any(row.start_s < end and begin < row.end_s for begin, end in before)
        before.append((row.start_s, row.end_s))
        if at_once or len(before) > allowed.get(row.site, 1):
            wrong.setdefault("plugged_in_twice", []).append(name)
    return [finding(code, value=names[0], count=len(names)) for code, names in wrong.items()]


def _load(problem: Problem, sessions: pd.DataFrame) -> dict[str, Power]:
    slot = problem.tariff.slot_s
    load = {site: np.zeros(DAY // slot) for site in _sites_of(problem)}
    row: Any
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
    hasty = {f"terminal:{one.stop_id}": (one.min_s, one.buffer_s) for one in problem.chargers}
    rests = {one.id: one.buffer_s for one in problem.depots}
    least = [hasty.get(site, (0, 0))[0] for site in sessions["site"]]
    brief = sessions[
        (sessions["end_s"] - sessions["start_s"]).to_numpy(float) < np.array(least, float)
    ]
    key: Any
    for key, rows in sessions.groupby(["site", "charger"], sort=True):
        site, charger = key
        count = sites[site][2]
        if not 0 <= charger < (int(buses.get(site, 0)) if count is None else count):
            beyond.append(f"{site} charger {charger}")
        start = rows["start_s"].to_numpy(np.int64) % DAY
        length = (rows["end_s"] - rows["start_s"]).to_numpy(np.int64)
        order = np.argsort(start, kind="stable")
        start, length = start[order], length[order]
        following = np.append(start[1:], start[0] + DAY)
        bus = rows["vehicle"].to_numpy(object)[order]
        # At a depot a charger rests between two buses only.
        rest = np.where(bus != np.append(bus[1:], bus[0]), rests.get(str(site), 0), 0)
        rest = np.maximum(rest, hasty.get(str(site), (0, 0))[1])
        if (start + length + rest > following).any():
            overlap.append(f"{site} charger {charger}")
    found = [finding("charger_overlap", value=overlap[0], count=len(overlap))] if overlap else []
    if beyond:
        found.append(finding("too_many_chargers_used", value=beyond[0], count=len(beyond)))
    return found + say(
        "plugged_in_too_briefly",
        np.ones(len(brief)),
        lambda at: f"{brief['vehicle'].iloc[at]} at {brief['site'].iloc[at]}",
    )


def _sites(problem: Problem, load: dict[str, Power]) -> list[Finding]:
    """What a connection carries, second by second: buses and buildings below its limit of the time."""
    found = []
    slot = problem.tariff.slot_s
    places: dict[str, Depot | Charger] = {one.id: one for one in problem.depots}
    places |= {f"terminal:{one.stop_id}": one for one in problem.chargers}
    for name, one in places.items():
        if one.site_kw is None and not one.site_kw_by_time:
            continue
        limit = np.full(DAY, np.inf if one.site_kw is None else one.site_kw)
        limit = np.minimum(limit, _of_time(one.site_kw_by_time, np.inf))
        buses = np.repeat(load[name], slot)
        whole = buses + _of_time(one.base_kw, 0.0)
        over = (whole > limit + KW) & (
            buses > KW
        )  # what buildings draw by themselves is no plan's fault
        if over.any():
            at = int(np.flatnonzero(over)[0])
            found.append(finding("site_cap_exceeded", value=f"{name}: {whole[at]:.1f} of {limit[at]} kW",
                                 count=int(over.reshape(-1, slot).any(axis=1).sum())))  # fmt: skip
    most = problem.tariff.system_kw
    if most is not None:
        buses = sum((np.repeat(kw, slot) for kw in load.values()), np.zeros(DAY))
        whole = sum((_of_time(one.base_kw, 0.0) for one in places.values()), buses)
        over = (whole > most + KW) & (buses > KW)
        if over.any():
            told = f"all sites: {whole[over][0]:.1f} of {most} kW"
            found.append(finding("site_cap_exceeded", value=told, count=int(over.sum()) // slot))
    return found


def _of_time(pairs: tuple[tuple[int, float], ...], otherwise: float) -> Power:
    """Figure of every second; the last one of the day holds until its first time."""
    second = np.full(DAY, pairs[-1][1] if pairs else otherwise)
    for at, value in pairs:
        second[at:] = value
    return second


def _battery(problem: Problem, blocks: pd.DataFrame, sessions: pd.DataFrame) -> list[Finding]:
    """Charge at every instant where it can turn: each end of an activity, each end of a slot."""
    found: list[Finding] = []
    for bus in problem.vehicles:
        own = blocks.assign(kwh=_wanted_kwh(problem, blocks))[blocks["type"] == bus.id]
        if bus.energy == "electric" and not own.empty:
            mine = sessions[sessions["vehicle"].isin(own["vehicle"].unique())]
            found += _battery_of(bus, problem.tariff.slot_s, own, mine)
    return found


def _battery_of(
    bus: Vehicle, slot: int, electric: pd.DataFrame, mine: pd.DataFrame
) -> list[Finding]:
    """The batteries of one type of bus."""
    code = {vehicle: at for at, vehicle in enumerate(electric["vehicle"].unique())}
    slots = mine["kw"].map(len).to_numpy(np.int64)
    begin = np.repeat(mine["start_s"].to_numpy(np.int64), slots)
    within = np.arange(slots.sum()) - np.repeat(np.cumsum(slots) - slots, slots)
    powers = np.array([one for row in mine["kw"] for one in row], float)
    who = np.concatenate([
        electric["vehicle"].map(code).to_numpy(np.int64),
        np.repeat(mine["vehicle"].map(code).to_numpy(np.int64), slots),
    ])  # fmt: skip
    when = np.concatenate([electric["end_s"].to_numpy(np.int64), begin + (within + 1) * slot])
    change = np.concatenate([-electric["kwh"].to_numpy(float), powers * slot / 3600.0])
    charging = np.repeat([False, True], [len(electric), powers.size])
    order = np.lexsort((change, when, who))
    who, when, change, charging = who[order], when[order], change[order], charging[order]
    first = np.append(True, who[1:] != who[:-1])
    total = np.cumsum(change)
    offset = np.maximum.accumulate(np.where(first, np.arange(who.size), 0))
    level = bus.full_kwh * bus.start_soc + total - (total - change)[offset]
    names = list(code)

    def name(at: int) -> str:
        return f"{names[who[at]]} at {when[at]} s: {level[at]:.3f} kWh"

    low, high = bus.full_kwh * bus.min_soc, bus.full_kwh * bus.max_soc
    found = say("soc_below_window", level < low - WH, name)
    found += say("soc_above_window", level > high + WH, name)
    if bus.curve:
        slow = [
            bool(given) and _curve_s(bus, level[at] - change[at], level[at]) > slot + 1.0
            for at, given in enumerate(charging)
        ]
        found += say("power_above_curve", slow, name)
    last = np.append(first[1:], True)
    short = last & (level < bus.full_kwh * bus.start_soc - WH)
    return found + say("soc_not_restored", short, name)


def _curve_s(bus: Vehicle, low_kwh: float, high_kwh: float) -> float:
    """Seconds that the bus's charging curve needs from one charge to another, in steps of 0.1 %."""
    if high_kwh <= low_kwh:
        return 0.0
    edges = np.linspace(low_kwh, high_kwh, 2 + int((high_kwh - low_kwh) / bus.full_kwh / 0.001))
    middle = (edges[1:] + edges[:-1]) / 2 / bus.full_kwh
    kw = np.interp(middle, [soc for soc, _ in bus.curve], [one for _, one in bus.curve])
    return float((np.diff(edges) / np.minimum(kw, bus.max_kw)).sum() * 3600.0)


def _power_table(problem: Problem, plan: Any, load: dict[str, Power]) -> list[Finding]:
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
