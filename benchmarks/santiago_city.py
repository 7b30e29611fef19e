"""``santiago_city(seed)``: a whole made-up city to electrify, 40,000 trips; and what a plan of it costs.

The size is the project's own test case: 380 routes, 29 electric terminals, 40,000 trips of 15-35 km
and 50-110 minutes, 1.0 million km, 12 m buses of 350 kWh. Geography and timetable are drawn at random;
costs, prices and bus are those of the Santiago sample. ``scale`` makes a smaller city of one kind.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.fleet.problem import Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.plan import Plan

ROUTES, TERMINALS, ENDS, TRIPS, KILOMETRES = 380, 29, 200, 40_000, 1_000_000.0
EAST_KM, NORTH_KM = 40.0, 35.0
CENTRE = (-33.45, -70.65)

# Departures an hour of a route, midday is 1: two peaks of 1.6, service from 05:30 to 24:00.
_PROFILE = (
    (5.5, 0.5), (6.0, 1.0), (7.0, 1.6), (9.0, 1.0), (16.0, 1.2), (18.0, 1.6), (20.0, 0.8),
    (22.0, 0.4), (24.0, 0.0),
)  # fmt: skip
# km/h in service from each hour on.
_SPEEDS = ((0.0, 22.0), (7.0, 17.5), (9.0, 19.5), (17.0, 17.5), (20.0, 21.0), (22.0, 23.0))

VEHICLE = {
    "id": "e12", "battery_kwh": 350.0, "min_soc": 0.10, "max_soc": 0.90, "start_soc": 0.90,
    "kwh_km": 1.3, "max_kw": 300.0,
}  # fmt: skip
COSTS = {"vehicle_day_minor": 180_000, "deadhead_km_minor": 900, "waiting_h_minor": 4_000}
TARIFF = {
    "energy": [["00:00", 95.0], ["07:00", 120.0], ["18:00", 150.0], ["22:00", 120.0], ["23:00", 95.0]],
    "demand": [
        {"price": 9000.0, "period": "month", "hours": [["18:00", "22:00"]],
         "months": [4, 5, 6, 7, 8, 9], "interval_s": 900}
    ],
}  # fmt: skip


def santiago_city(seed: int = 0, scale: float = 1.0) -> Problem:
    """Draw a city; the same seed and scale give the same one.

    Terminals are spread over the city, the other ends crowd around its centre. A route runs both
    ways between a terminal and an end 8-24 km of crow-flight away; its frequency is its own. Each
    terminal is a depot with 0.3 chargers of 150 kW a bus, counted at the peak of its own routes; ten
    busy ends have four chargers of 300 kW. Empty runs are crow-flight x 1.3 at 20 km/h.
    """
    random = np.random.default_rng([seed, 380])
    routes = max(2, round(ROUTES * scale))
    terminals = max(2, round(TERMINALS * scale)) if scale < 1 else TERMINALS
    ends = max(4, round(ENDS * scale**0.5))
    at_terminal = _spread(random, terminals)
    at_end = np.clip(
        random.normal(0.0, 0.5, (ends, 2)) * [EAST_KM / 2, NORTH_KM / 2], [-EAST_KM / 2, -NORTH_KM / 2],
        [EAST_KM / 2, NORTH_KM / 2],
    )  # fmt: skip
    home = np.resize(random.permutation(terminals), routes)
    end, km = _routes(random, at_terminal, at_end, home)
    trips = _timetable(random, home, end, km, max(4 * routes, round(TRIPS * scale)))
    names = [f"T{at:02d}" for at in range(terminals)] + [f"E{at:03d}" for at in range(ends)]
    spot = np.concatenate([at_terminal, at_end])
    stops = pd.DataFrame(
        {
            "lat": CENTRE[0] + spot[:, 1] / 111.19,
            "lon": CENTRE[1] + spot[:, 0] / (111.19 * np.cos(np.radians(CENTRE[0]))),
        },
        index=pd.Index(names, name="stop_id"),
    )
    buses = _peak_buses(trips, terminals)
    depots = [
        {"id": f"terminal-{at:02d}", "stop_id": f"T{at:02d}", "charger_kw": 150.0,
         "chargers": int(np.ceil(0.3 * buses[at]))}
        for at in range(terminals)
    ]  # fmt: skip
    busy = trips["from_stop"][trips["from_stop"].str.startswith("E")].value_counts()
    busy = busy.rename_axis("stop").reset_index(name="trips")
    busy = busy.sort_values(["trips", "stop"], ascending=[False, True])
    chargers = [
        {"stop_id": stop, "count": 4, "kw": 300.0}
        for stop in busy["stop"].head(max(1, round(10 * scale)) if scale < 1 else 10)
    ]
    return Problem.from_tables(
        trips, depots=depots, stops=stops, vehicles=VEHICLE, chargers=chargers, tariff=TARIFF,
        costs=COSTS, rules={"min_layover_s": 300}, speed_kmh=20.0, factor=1.3, currency="CLP",
        date=dt.date(2025, 3, 5), timezone="America/Santiago",
    )  # fmt: skip


def _spread(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Places in the city that keep away from each other: each the farthest of some candidates."""
    half = np.array([EAST_KM / 2, NORTH_KM / 2])
    chosen = [random.uniform(-0.5, 0.5, 2) * half]
    while len(chosen) < count:
        tried = random.uniform(-1.0, 1.0, (12, 2)) * half
        away = np.linalg.norm(tried[:, None, :] - np.array(chosen)[None, :, :], axis=2).min(axis=1)
        chosen.append(tried[int(np.argmax(away))])
    return np.array(chosen)


def _routes(
    random: np.random.Generator,
    at_terminal: NDArray[np.float64],
    at_end: NDArray[np.float64],
    home: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """End and length (km) of each route; lengths are 15-35, some 25 in the mean."""
    away = np.linalg.norm(at_terminal[:, None, :] - at_end[None, :, :], axis=2)
    end = np.empty(home.size, np.int64)
    for route, terminal in enumerate(home.tolist()):
        fits = np.flatnonzero((away[terminal] >= 8.0) & (away[terminal] <= 24.0))
        if fits.size == 0:
            fits = np.argsort(np.abs(away[terminal] - 16.0))[:3]
        end[route] = random.choice(fits)
    km = away[home, end] * random.uniform(1.4, 1.75, home.size)
    return end, np.round(np.clip(km, 15.2, 34.8), 1)


def _timetable(
    random: np.random.Generator,
    home: NDArray[np.int64],
    end: NDArray[np.int64],
    km: NDArray[np.float64],
    trips: int,
) -> pd.DataFrame:
    """Departures of every route and direction, spread over the day by the profile of demand."""
    hours = np.array([hour for hour, _ in _PROFILE])
    level = np.array([one for _, one in _PROFILE])
    done = np.concatenate([[0.0], np.cumsum(level[:-1] * np.diff(hours))])
    weight = np.clip(random.lognormal(0.0, 0.35, home.size), 0.4, 2.5)
    # Of two directions each; the largest remainders get the last departures.
    exact = np.repeat(weight / weight.sum() / 2.0, 2) * trips
    count = np.floor(exact).astype(np.int64)
    more = np.argsort(-(exact - count), kind="stable")[: trips - int(count.sum())]
    count[more] += 1
    # Lengths meet a million kilometres over 40,000 trips, within their limits.
    for _ in range(20):
        mean = float((np.repeat(km, 2) * count).sum() / trips)
        km = np.clip(np.round(km * (KILOMETRES / TRIPS) / mean, 2), 15.0, 35.0)
    tables = []
    for line, number in enumerate(count.tolist()):
        route, back = line // 2, line % 2
        share = (np.arange(number) + random.uniform(0.0, 1.0)) / max(number, 1)
        depart_s = np.round(np.interp(share * done[-1], done, hours) * 60.0).astype(np.int64) * 60
        which = np.searchsorted([hour * 3600.0 for hour, _ in _SPEEDS], depart_s, side="right") - 1
        kmh = np.array([one for _, one in _SPEEDS])[which] * random.uniform(0.97, 1.03, number)
        minutes = np.clip(np.round(km[route] / kmh * 60.0), 50, 110).astype(np.int64)
        ends = (f"T{home[route]:02d}", f"E{end[route]:03d}")
        tables.append(
            pd.DataFrame(
                {
                    "trip_id": [f"r{route:03d}-{back}-{at:03d}" for at in range(number)],
                    "route_id": f"r{route:03d}",
                    "direction_id": str(back),
                    "depart_s": depart_s,
                    "arrive_s": depart_s + 60 * minutes,
                    "from_stop": ends[back],
                    "to_stop": ends[1 - back],
                    "distance_km": km[route],
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _peak_buses(trips: pd.DataFrame, terminals: int) -> NDArray[np.int64]:
    """Buses that each terminal's own routes have on the road at most, layovers included."""
    own = np.where(trips["from_stop"].str.startswith("T"), trips["from_stop"], trips["to_stop"])
    terminal = pd.Series(own).str[1:].astype(int).to_numpy()
    most = np.zeros(terminals, np.int64)
    for at in range(terminals):
        here = trips[terminal == at]
        when = np.concatenate([here["depart_s"], here["arrive_s"] + 300])
        change = np.repeat([1, -1], len(here))
        most[at] = np.cumsum(change[np.lexsort((change, when))]).max(initial=0)
    return most


def over_one_battery(problem: Problem) -> float:
    """Share of the optimal battery-free blocks that need more energy than one battery gives."""
    from mobility.fleet import plan_blocks

    blocks = plan_blocks(problem).blocks
    used = blocks.groupby("vehicle", observed=True)["distance_km"].sum() * problem.vehicle.kwh_km
    return float((used > problem.vehicle.usable_kwh).mean())


def electrify_city(
    problem: Problem, *, effort: float | None = None, seconds: float | None = None, seed: int = 0
) -> Plan:
    """Plan a city by dispatch, with the bound of the trips' worths; both at once on two cores."""
    from mobility.fleet.activities import write_out
    from mobility.fleet.chain import finish
    from mobility.fleet.charging import charge_blocks
    from mobility.fleet.dispatch import EFFORT, dispatch
    from mobility.fleet.dual_bound import dual_bound
    from mobility.fleet.energy import least_kwh_price, trip_kwh
    from mobility.fleet.network import build, least
    from mobility.fleet.plan import Plan, scope_of, unit_of
    from mobility.fleet.runs import units_of
    from mobility.solution import Report, Status

    begin = time.perf_counter()
    rows = np.arange(len(problem.trips), dtype=np.int32)
    kwh_minor = least_kwh_price(problem)
    minor_km = problem.costs.deadhead_km_minor + kwh_minor * problem.vehicle.kwh_km
    with ThreadPoolExecutor(1) as beside:
        bound = beside.submit(dual_bound, problem, rows, minor_km)
        duties = dispatch(
            problem, rows, minor_km, effort=effort or EFFORT, seconds=seconds, seed=seed
        )
        worth = bound.result()
    single = units_of(problem, [(int(row),) for row in rows])
    fewest = least(build(problem, single, problem.depot_place, minor_km=minor_km))
    blocks = write_out(problem, duties, minor_km=minor_km, keep=False)
    bounds = {
        "blocks": worth.bound_minor if worth else 0.0,
        "trip_energy": float(trip_kwh(problem).sum()) * kwh_minor,
    }
    base = Plan(
        problem=problem, blocks=blocks,
        sessions=pd.DataFrame(columns=["vehicle", "site", "charger", "start_s", "end_s", "kwh", "kw"]),
        power=pd.DataFrame(columns=["site", "start_s", "kw"]),
        report=Report(Status.UNKNOWN, objective_unit=unit_of(problem), bound=sum(bounds.values()),
                      bound_scope=scope_of(problem, "optimise", energy=True), seed=seed),
        vehicles=len(duties), vehicles_bound=fewest[1] if fewest else 0, bounds=bounds,
    )  # fmt: skip
    return finish(base, charge_blocks(problem, blocks), seed=seed, started=begin)


def run(
    seed: int = 0, scale: float = 1.0, *, chain: bool = False, **how: float | None
) -> dict[str, Any]:
    """Plan a city and say what came out: seconds, memory, vehicles, money, bound, findings.

    ``chain`` plans by ``fleet.plan``, else `electrify_city` does with ``how``.
    """
    from mobility import fleet
    from mobility._jit import warm_up

    warm_up()
    start, cpu = time.perf_counter(), time.process_time()
    problem = santiago_city(seed, scale)
    built = time.perf_counter()
    answer = fleet.plan(problem, seed=seed) if chain else electrify_city(problem, seed=seed, **how)
    done = time.perf_counter()
    report = answer.report
    least_parts = {**answer.bounds, "vehicles": answer.vehicles_bound * COSTS["vehicle_day_minor"]}
    return {
        "seed": seed,
        "scale": scale,
        "trips": len(problem.trips),
        "build_s": round(built - start, 2),
        "plan_s": round(done - built, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "status": str(report.status),
        "vehicles": answer.vehicles,
        "vehicles_bound": answer.vehicles_bound,
        "objective": report.objective,
        "bound": report.bound,
        "gap": report.gap,
        "parts": report.parts,
        "bound_parts": {part: round(value) for part, value in least_parts.items()},
        "kwh": round(float(answer.blocks["kwh"].sum())),
        "check": [str(one) for one in fleet.check(problem, answer)],
        "why": answer.why,
    }


def main() -> None:
    """``python -m benchmarks.santiago_city [SCALE] [SEED] [--chain] [--effort N] [--seconds N]``."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("scale", type=float, nargs="?", default=1.0)
    asked.add_argument("seed", type=int, nargs="?", default=0)
    asked.add_argument("--chain", action="store_true")
    asked.add_argument("--effort", type=float)
    asked.add_argument("--seconds", type=float)
    read = asked.parse_args()
    how = {} if read.chain else {"effort": read.effort, "seconds": read.seconds}
    print(json.dumps(run(read.seed, read.scale, chain=read.chain, **how), indent=2))


if __name__ == "__main__":
    main()
