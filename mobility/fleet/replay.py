"""A plan as legs and sessions that a scenario can delay, slow down and starve.

Energy is counted as *used*: what a bus lacks of its charge at pull-out, kWh. Then the state of health
only moves the limit, and the battery that a day needs follows from the most that was ever used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from mobility.errors import ConfigError
from mobility.fleet.charging import room_of
from mobility.fleet.consumption import empty_kmh, hvac_kw
from mobility.fleet.next_day import until_s
from mobility.fleet.warm import recounted
from mobility.units import DAY_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from mobility.fleet.plan import Plan
    from mobility.fleet.problem import Problem

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

# Row of the tables of heating and cooling that empty runs have: the mean over the trips' hours.
EMPTY_HOUR = 24
DRIVE, STAND = 0, 1


@dataclass(frozen=True)
class Legs:
    """What every bus does, in order; legs of bus b are ``start[b]:start[b + 1]``.

    ``used_kwh`` is what the plan has used after each leg, its sessions counted. ``row`` is the leg's
    row in ``Replay.blocks``, -1 for a gap between two rows.
    """

    start: Ints
    kind: NDArray[np.int8]
    key: NDArray[np.uint32]
    begin_s: Ints
    seconds: Floats
    base_kwh: Floats
    hvac_h: Floats
    hour: Ints
    trip: Ints
    session: NDArray[np.int32]
    row: Ints
    used_kwh: Floats


@dataclass(frozen=True)
class Sessions:
    """Plug-ins by bus and time: ``given_kwh[given_start[i]:given_start[i + 1]]`` sums up its slots.

    ``offset_s`` counts from the begin of its leg; ``target_kwh`` is what is used when it ends; ``row``
    is its row in ``Replay.sessions``; ``site`` and ``charger`` are what it occupies.
    """

    offset_s: Floats
    given_start: Ints
    given_kwh: Floats
    target_kwh: Floats
    key: NDArray[np.uint32]
    leg: Ints
    row: Ints


@dataclass(frozen=True)
class Buses:
    """Batteries: kWh at full health from pull-out to the lower limit, and above pull-out."""

    names: tuple[str, ...]
    key: NDArray[np.uint32]
    kind: Ints
    usable_kwh: Floats
    top_kwh: Floats
    window: Floats
    battery_kwh: Floats
    health: Floats


@dataclass(frozen=True)
class Replay:
    """A plan ready to be replayed; ``blocks`` and ``sessions`` are its sorted electric rows."""

    problem: Problem
    blocks: pd.DataFrame
    sessions: pd.DataFrame
    legs: Legs
    plugs: Sessions
    buses: Buses

    def places(self) -> list[tuple[str, str, str, int]]:
        """(block, trip_id, place where it ends, end_s) of every leg."""
        columns = [self.blocks[one].tolist() for one in ("block", "trip_id", "to_stop", "end_s")]
        told = list(zip(*columns, strict=True))
        return [told[row] if row >= 0 else ("", "", "", 0) for row in self.legs.row.tolist()]


def replay_of(problem: Problem, plan: Plan, *, catch_up: bool, queue: bool = False) -> Replay:
    """Prepare a plan for replaying.

    With ``queue`` a session ends as planned and takes nothing of a limited site's spare power: both are
    left to the buses that look for another charger.

    Raises
    ------
    ConfigError
        When there is no plan, it is of other trips, types or sites than the problem's, or a session
        lies in no stay of its bus.
    """
    if plan.report.objective is None:
        raise ConfigError(
            f"there is no plan to replay: {plan.why}", mend="simulate a plan that has an objective"
        )
    _same_day(problem, plan)
    table = plan.blocks if problem is plan.problem else recounted(problem, plan.blocks)
    blocks = table[table["electric"].to_numpy(bool)]
    blocks = blocks.sort_values(["vehicle", "seq"], kind="stable", ignore_index=True)
    mine = plan.sessions[plan.sessions["vehicle"].isin(set(blocks["vehicle"]))]
    sessions = mine.sort_values(["vehicle", "start_s", "site"], kind="stable", ignore_index=True)
    buses = _buses(problem, blocks)
    legs, held = _legs(problem, blocks, sessions, buses)
    plugs, used = _plugs(problem, sessions, legs, held, buses, catch_up=catch_up, queue=queue)
    object.__setattr__(legs, "used_kwh", used)
    return Replay(problem, blocks, sessions, legs, plugs, buses)


def _same_day(problem: Problem, plan: Plan) -> None:
    """Refuse a plan of another problem: its trips, types and sites must be known."""
    sites = {one.id for one in problem.depots} | {one.id for one in problem.chargers}
    for what, used, known in (
        ("trip", set(plan.block_of_trip), set(problem.trips["trip_id"])),
        (
            "type of bus",
            set(plan.blocks["type"]),
            {one.id for one in problem.vehicles} | {"conventional"},
        ),
        ("site", set(plan.sessions["site"]), sites),
    ):
        if strange := sorted(used - known):
            raise ConfigError(
                f"the plan has the {what} {strange[0]!r}, which the problem does not know",
                mend="give the problem that the plan answers, or one with changed figures",
            )


def keys(names: Sequence[str]) -> NDArray[np.uint32]:
    """One key a name: the same name draws the same numbers, wherever it stands."""
    return np.array([crc32(one.encode()) for one in names], np.uint32)


def _buses(problem: Problem, blocks: pd.DataFrame) -> Buses:
    firsts = blocks.drop_duplicates("vehicle")
    names = tuple(firsts["vehicle"].astype(str))
    row = {one.id: at for at, one in enumerate(problem.vehicles)}
    kind = np.array([row[str(one)] for one in firsts["type"]], np.int64)
    types = problem.vehicles

    def of(values: list[float]) -> Floats:
        return np.array(values, float)[kind] if kind.size else np.zeros(0)

    return Buses(
        names=names,
        key=keys([f"bus {name}" for name in names]),
        kind=kind,
        usable_kwh=of([one.battery_kwh * (one.start_soc - one.min_soc) for one in types]),
        top_kwh=of([one.battery_kwh * (one.max_soc - one.start_soc) for one in types]),
        window=of([one.start_soc - one.min_soc for one in types]),
        battery_kwh=of([one.battery_kwh for one in types]),
        health=of([one.state_of_health for one in types]),
    )


def _legs(
    problem: Problem, blocks: pd.DataFrame, sessions: pd.DataFrame, buses: Buses
) -> tuple[Legs, list[int]]:
    """Legs of all buses, and the leg of every session."""
    trip_row = {one: at for at, one in enumerate(problem.trips["trip_id"])}
    middle = (problem.depart_s.astype(np.int64) + problem.arrive_s) // 2
    trip_hour = (middle // 3600 % 24).tolist()
    pace = empty_kmh(problem)
    plugs: dict[str, list[tuple[int, int, str, int]]] = {}
    for at, (name, site, begin, end) in enumerate(
        zip(
            *(sessions[one].tolist() for one in ("vehicle", "site", "start_s", "end_s")),
            strict=True,
        )
    ):
        plugs.setdefault(str(name), []).append((begin, end, str(site), at))
    terminal = {one.stop_id: one.id for one in problem.chargers}
    out: dict[str, list[Any]] = {one: [] for one in ("kind", "name", "begin_s", "seconds", "kwh", "hvac_h",
                                                     "hour", "trip", "session", "row")}  # fmt: skip
    held = [-1] * len(sessions)
    start = [0]

    def note(kind: int, name: str, begin: int, end: int, row: int, *, kwh: float = 0.0,
             hvac_h: float = 0.0, hour: int = 0, trip: int = -1) -> None:  # fmt: skip
        for column, value in zip(out.values(), (kind, name, begin, float(end - begin), kwh, hvac_h, hour,
                                                trip, -1, row), strict=True):  # fmt: skip
            column.append(value)

    def stand(name: str, begin: int, end: int, site: str, row: int) -> None:
        """A stay, in as many legs as it has sessions."""
        inside = [one for one in plugs.get(name, ())
                  if one[2] == site and begin <= one[0] and one[1] <= end and held[one[3]] < 0]  # fmt: skip
        edges = [begin, *(one[0] for one in inside[1:]), end]
        for at in range(len(edges) - 1):
            note(STAND, "", edges[at], edges[at + 1], row)
            if inside:
                held[inside[at][3]] = len(out["kind"]) - 1
                out["session"][-1] = inside[at][3]

    columns = [blocks[one].tolist() for one in ("vehicle", "kind", "trip_id", "from_stop", "to_stop", "start_s",
                                                "end_s", "distance_km", "kwh", "depot")]  # fmt: skip
    rows = list(zip(*columns, strict=True))
    ends = until_s(problem, blocks)
    for at, (name, kind, trip, here, there, begin, end, km, kwh, depot) in enumerate(rows):
        fresh = at == 0 or rows[at - 1][0] != name
        if fresh:
            before, last_s = "", begin
        if begin > last_s:
            note(STAND, "", last_s, begin, -1)
        if kind in {"wait", "depot"}:
            site = depot if kind == "depot" else terminal.get(here, "")
            stand(name, begin, end, site, at)
        elif kind == "trip":
            row = trip_row[trip]
            note(DRIVE, f"trip {trip}", begin, end, at, kwh=kwh, hvac_h=(end - begin) / 3600.0,
                 hour=trip_hour[row], trip=row)  # fmt: skip
            before = trip
        else:
            note(DRIVE, f"{kind} {before} {here} {there}", begin, end, at, kwh=kwh, hvac_h=km / pace,
                 hour=EMPTY_HOUR)  # fmt: skip
        last_s = max(last_s, end)
        if at + 1 == len(rows) or rows[at + 1][0] != name:
            stand(name, last_s, ends[name], depot, -1)
            start.append(len(out["kind"]))
    if -1 in held:
        lost = sessions.iloc[held.index(-1)]
        raise ConfigError(
            f"{lost['vehicle']} charges at {lost['site']} from {lost['start_s']} s in no stay of its own",
            mend="fleet.check says what does not hold",
        )
    hour, hvac = np.array(out["hour"], np.int64), np.array(out["hvac_h"], float)
    sizes = np.diff(np.array(start))
    power = planned_hvac(problem)[np.repeat(buses.kind, sizes), hour] if hour.size else np.zeros(0)
    return Legs(
        start=np.array(start, np.int64),
        kind=np.array(out["kind"], np.int8),
        key=keys(out["name"]),
        begin_s=np.array(out["begin_s"], np.int64),
        seconds=np.array(out["seconds"], float),
        base_kwh=np.array(out["kwh"], float) - hvac * power,
        hvac_h=hvac,
        hour=hour,
        trip=np.array(out["trip"], np.int64),
        session=np.array(out["session"], np.int32),
        row=np.array(out["row"], np.int64),
        used_kwh=np.zeros(0),
    ), held


def planned_hvac(problem: Problem) -> Floats:
    """(types, 25) kW of heating and cooling in the plan, by hour of the day; the last of empty runs."""
    told = problem.temperature_c
    if told is None:
        return np.zeros((len(problem.vehicles), EMPTY_HOUR + 1))
    day = np.broadcast_to(np.atleast_1d(np.asarray(told, float)), (24,))
    return hvac_table(problem, day[None, :])[:, :, 0]


def hvac_table(problem: Problem, hourly_c: Floats) -> Floats:
    """(types, 25, days) kW of heating and cooling, of (days, 24) outside temperatures.

    Empty runs have the mean over the trips' hours, as in a plan.
    """
    middle = (problem.depart_s.astype(np.int64) + problem.arrive_s) // 2
    share = np.bincount(middle // 3600 % 24, minlength=24) / max(len(middle), 1)
    table = np.zeros((len(problem.vehicles), EMPTY_HOUR + 1, hourly_c.shape[0]))
    for at, bus in enumerate(problem.vehicles):
        table[at, :24] = hvac_kw(bus, hourly_c).T
        table[at, EMPTY_HOUR] = share @ table[at, :24]
    return table


def _plugs(
    problem: Problem,
    sessions: pd.DataFrame,
    legs: Legs,
    held: list[int],
    buses: Buses,
    *,
    catch_up: bool,
    queue: bool,
) -> tuple[Sessions, Floats]:
    """Sessions as the energy they can give, and what the plan has used after every leg."""
    slot_s = problem.tariff.slot_s
    leg = np.array(held, np.int64)
    powers = [np.asarray(one, float) for one in sessions["kw"]]
    got = np.array([one.sum() * slot_s / 3600.0 for one in powers])
    begin = sessions["start_s"].to_numpy(np.int64)
    names = [
        f"charger {site} {row}"
        for site, row in zip(sessions["site"], sessions["charger"], strict=True)
    ]
    sizes = np.diff(legs.start)
    power = (
        planned_hvac(problem)[np.repeat(buses.kind, sizes), legs.hour]
        if sizes.size
        else np.zeros(0)
    )
    change = legs.base_kwh + legs.hvac_h * power
    change[leg] -= got
    total = np.cumsum(change)
    before = np.concatenate([[0.0], total])[legs.start[:-1]]
    used = total - np.repeat(before, sizes)
    wide = powers
    if catch_up:
        wide = _widened(problem, sessions, powers, legs, leg, used, buses, queue=queue)
    sums = [np.concatenate([[0.0], np.cumsum(one * (slot_s / 3600.0))]) for one in wide]
    start = np.concatenate([[0], np.cumsum([one.size for one in sums])]).astype(np.int64)
    return Sessions(
        offset_s=(begin - legs.begin_s[leg]).astype(float),
        given_start=start,
        given_kwh=np.concatenate([np.zeros(0), *sums]),
        target_kwh=used[leg],
        key=keys(names),
        leg=leg,
        row=np.arange(len(sessions)),
    ), used


def _widened(
    problem: Problem,
    sessions: pd.DataFrame,
    powers: list[Floats],
    legs: Legs,
    leg: Ints,
    used: Floats,
    buses: Buses,
    *,
    queue: bool,
) -> list[Floats]:
    """What each session could give, slot by slot, to a bus that comes with less than planned.

    It stays plugged in until it leaves or the next bus comes to its charger. Chargers, buses and the
    site's limit hold whoever draws more: what a site has left is shared evenly among its sessions. The
    curve is read where the plan stands at the end of a slot; a bus that is emptier may draw no less.
    """
    slot_s, day = problem.tariff.slot_s, DAY_S // problem.tariff.slot_s
    rooms = iter(room_of(problem))
    sites = {one.id: (one.charger_kw, next(rooms), 0) for one in problem.depots}
    sites |= {one.id: (one.kw, next(rooms), one.buffer_s) for one in problem.chargers}
    name = sessions["site"].astype(str).tolist()
    first = (sessions["start_s"].to_numpy(np.int64) // slot_s).tolist()
    until = ((legs.begin_s[leg] + legs.seconds[leg].astype(np.int64)) // slot_s).tolist()
    planned = [one + kw.size for one, kw in zip(first, powers, strict=True)]
    last = planned if queue else [max(*one) for one in zip(planned, until, strict=True)]
    taken: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for at, charger in enumerate(sessions["charger"].tolist()):
        taken.setdefault((name[at], charger), []).append((first[at] % day, at))
    for (site, _), rows in taken.items():
        rows.sort()
        gap = -(-sites[site][2] // slot_s)
        for (begin, at), (after, _) in zip(rows, [*rows[1:], (rows[0][0] + day, 0)], strict=True):
            own = powers[at].size
            last[at] = first[at] + max(own, min(last[at] - first[at], after - begin - gap, day))
    load = {one: np.zeros(day) for one in sites}
    active = {one: np.zeros(day, np.int64) for one in sites}
    slots = [np.arange(one, end) % day for one, end in zip(first, last, strict=True)]
    for at, where in enumerate(slots):
        load[name[at]][where[: powers[at].size]] += powers[at]
        active[name[at]][where] += 1
    bus_of = np.searchsorted(legs.start, leg, side="right") - 1
    wide = []
    for at, where in enumerate(slots):
        kw, room, _ = sites[name[at]]
        bus = problem.vehicles[buses.kind[bus_of[at]]]
        plan = np.zeros(where.size)
        plan[: powers[at].size] = powers[at]
        spare = np.maximum(room[where] - load[name[at]][where], 0.0) / active[name[at]][where]
        if queue:  # what a limited site has left is for those who look for a charger
            spare[np.isfinite(room[where])] = 0.0
        most = np.minimum(min(kw, bus.max_kw), plan + spare)
        if bus.curve:
            held = (
                bus.full_kwh * bus.start_soc
                - used[leg[at]]
                - (plan.sum() - np.cumsum(plan)) * slot_s / 3600.0
            )
            levels, limits = zip(*bus.curve, strict=True)
            most = np.minimum(most, np.interp(held / bus.full_kwh, levels, limits))
        wide.append(np.maximum(plan, most))
    return wide
