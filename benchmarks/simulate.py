"""Scenarios: 2,480 buses on 10,000 days, charging during layovers, beside a vectorised numpy replay;
and what-ifs from a plan: another battery and another tariff at 500 buses.

``python -m benchmarks simulate`` runs both in fresh processes and keeps the result; ``--quick`` a tenth of
the buses on a tenth of the days. The peer is what an analyst writes in an afternoon: whole arrays of buses
by scenarios, leg by leg, the same physics (consumption, cabin, delay, state of health, outages) with its own
random numbers; what both count is compared, so that neither is quick by leaving something out.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks import cases
from benchmarks.results import Result

if TYPE_CHECKING:
    from mobility.fleet import Plan, Scenarios

SITES, TRIPS = 12, 12
FULL, QUICK = (2480, 10_000), (248, 1_000)
TEMPERATURE_C = 5.0
# What the plan is made for, and what the buses have.
PLANNED_KWH, BATTERY_KWH = 140.0, 175.0


def day_of(buses: int) -> Plan:
    """A day of buses between 12 terminals and 12 ends; they charge in the depot and in layovers.

    Each drives 12 trips of 15 km and 45 minutes, waits 15 minutes at the end and 25 at its terminal. The
    plan is made for small batteries, so that it charges in several layovers, and for the cold day.
    """
    from mobility.fleet import Problem
    from mobility.fleet.activities import write_out
    from mobility.fleet.chain import finish
    from mobility.fleet.charging import charge_blocks
    from mobility.fleet.duty import STRAIGHT, Duty
    from mobility.fleet.plan import Plan, unit_of
    from mobility.solution import Report, Status

    rows = []
    for bus in range(buses):
        site, start = bus % SITES, 16_200 + (bus // SITES) % 60 * 60
        for trip in range(TRIPS):
            ends = (f"T{site:02d}", f"E{site:02d}")
            depart = start + trip // 2 * 7_800 + trip % 2 * 3_600
            here, there = ends if trip % 2 == 0 else ends[::-1]
            rows.append((f"b{bus:04d}-{trip:02d}", depart, depart + 2_700, here, there, 15.0))
    columns = ["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"]
    places = [f"{kind}{site:02d}" for site in range(SITES) for kind in "TE"]
    stops = pd.DataFrame(
        {"lat": [-33.5 + 0.02 * at for at in range(len(places))], "lon": -70.6}, index=places
    )
    problem = Problem.from_tables(
        pd.DataFrame(rows, columns=columns), stops=stops,
        depots=[{"id": f"d{site:02d}", "lat": -33.5 + 0.04 * site, "lon": -70.58} for site in range(SITES)],
        vehicles={"id": "e12", "battery_kwh": PLANNED_KWH, "kwh_km": 1.1, "max_kw": 200.0},
        chargers=[{"stop_id": f"T{site:02d}", "count": 1 + buses // SITES, "kw": 150.0} for site in range(SITES)],
        costs={"vehicle_day_minor": 1}, rules={"min_layover_s": 0},
    )  # fmt: skip
    problem = problem.replace(temperature_c=TEMPERATURE_C)
    row = {one: at for at, one in enumerate(problem.trips["trip_id"])}
    duties = [
        Duty(bus % SITES, tuple(row[f"b{bus:04d}-{trip:02d}"] for trip in range(TRIPS)),
             (STRAIGHT,) * (TRIPS - 1))
        for bus in range(buses)
    ]  # fmt: skip
    blocks = write_out(problem, duties, minor_km=0.0, keep=True)
    base = Plan(
        problem=problem, blocks=blocks,
        sessions=pd.DataFrame(columns=["vehicle", "site", "charger", "start_s", "end_s", "kwh", "kw"]),
        power=pd.DataFrame(columns=["site", "start_s", "kw"]),
        report=Report(Status.UNKNOWN, objective_unit=unit_of(problem)), vehicles=buses,
        vehicles_bound=0, bounds={"blocks": 0.0},
    )  # fmt: skip
    return finish(base, charge_blocks(problem, blocks))


def varied(count: int) -> Scenarios:
    """What is drawn: the defaults, a cold day, aged batteries."""
    from mobility.fleet import Scenarios

    return Scenarios(
        count=count, temperature=TEMPERATURE_C, state_of_health=(0.85, 1.0), catch_up=False
    )


def ours(buses: int, count: int) -> dict[str, Any]:
    """`fleet.simulate`, kernels compiled before; mends apart."""
    from mobility import _jit, fleet

    _jit.warm_up()
    plan = day_of(buses)
    asked = plan.problem.replace(**{"vehicles.battery_kwh": BATTERY_KWH})
    begin, cpu = time.perf_counter(), time.process_time()
    answer = fleet.simulate(asked, plan, varied(count), mends=False)
    took = time.perf_counter() - begin
    return {
        "seconds": took,
        "cpu_s": round(time.process_time() - cpu, 2),
        "check_errors": len(plan.findings),
        "sessions_a_bus": round(len(plan.sessions) / buses, 2),
        "broken_a_day": round(answer.spread()["mean"], 2),
        "not_full_a_day": round(float(answer.scenario_table["not_full"].mean()), 2),
    }


def numpy_replay(buses: int, count: int) -> dict[str, Any]:
    """Whole arrays, leg by leg, 250 scenarios at a time."""
    from mobility.fleet.replay import hvac_table, replay_of

    plan = day_of(buses)
    asked = varied(count)
    begin, cpu = time.perf_counter(), time.process_time()
    replay = replay_of(
        plan.problem.replace(**{"vehicles.battery_kwh": BATTERY_KWH}), plan, catch_up=False
    )
    legs, plugs = replay.legs, replay.plugs
    steps = int(np.diff(legs.start).max())
    assert (np.diff(legs.start) == steps).all()  # this day: every bus does the same
    grid = np.arange(legs.kind.size).reshape(buses, steps)
    power = hvac_table(plan.problem, np.full((1, 24), TEMPERATURE_C))[0, :, 0]
    rng = np.random.default_rng(0)
    slot_s, low, high = 300.0, *asked.health
    given = [plugs.given_kwh[one:two] for one, two in
             zip(plugs.given_start[:-1], plugs.given_start[1:], strict=True)]  # fmt: skip
    charger = np.unique(plugs.key, return_inverse=True)[1]
    size = np.array([one.size - 1 for one in given] or [0])
    total = np.array([one[-1] for one in given] or [0.0])
    last = np.array([one[-1] - one[-2] for one in given] or [0.0])
    kw = np.array([one[1] * 3600 / slot_s for one in given] or [0.0])

    def lognormal(spread: float, shape: tuple[int, ...]) -> Any:
        return np.exp(rng.normal(-(spread**2) / 2, spread, shape))

    broken = unfilled = 0
    for first in range(0, count, 250):
        shape = (buses, min(250, count - first))
        day = lognormal(asked.energy_day, (1, shape[1]))
        traffic = lognormal(asked.traffic_day, (1, shape[1]))
        own = lognormal(asked.energy_bus, shape) * day
        late = np.where(
            rng.random(shape) < asked.late_share, rng.exponential(asked.late_mean_s, shape), 0
        )
        health = rng.uniform(low, high, shape)
        out = rng.random((charger.max(initial=0) + 1, shape[1])) < asked.outage
        used, most = np.zeros(shape), np.zeros(shape)
        for step in range(steps):
            leg = grid[:, step]
            seconds = legs.seconds[leg][:, None]
            if legs.kind[leg[0]] == 0:
                slow = lognormal(asked.traffic_trip, shape) * traffic
                late = np.maximum(0, late + seconds * (slow - 1))
                used += legs.base_kwh[leg][:, None] * lognormal(asked.energy_trip, shape) * own
                used += (power[legs.hour[leg]] * legs.hvac_h[leg])[:, None] * slow
                np.maximum(most, used, out=most)
                continue
            plug = legs.session[leg]
            held = plug >= 0
            if held.any():
                at = plug[held]
                behind = np.maximum(0, late[held] - plugs.offset_s[at][:, None])
                # Sessions of this day have one power in all slots but the last.
                full_s = ((size[at] - 1) * slot_s)[:, None]
                got = total[at][:, None] - np.minimum(behind, full_s) * kw[at][:, None] / 3600
                got -= last[at][:, None] * np.clip((behind - full_s) / slot_s, 0, 1)
                got[out[charger[at]]] = 0
                before = used[held]
                target = plugs.target_kwh[at][:, None]
                floor = np.minimum(before, np.maximum(target, 0))
                used[held] = np.maximum(floor, before - got)
            late = np.maximum(0, late - seconds)
        broken += int((most > replay.buses.usable_kwh[:, None] * health + 1e-3).sum())
        unfilled += int((used > 0.01).sum())
    return {
        "seconds": time.perf_counter() - begin,
        "cpu_s": round(time.process_time() - cpu, 2),
        "broken_a_day": round(broken / count, 2),
        "not_full_a_day": round(unfilled / count, 2),
    }


def what_if(buses: int, change: int) -> dict[str, Any]:
    """`fleet.replan` after one change, from a plan of the made-up city of about ``buses`` buses."""
    from benchmarks.santiago_city import santiago_city
    from mobility import _jit, fleet
    from mobility.fleet.prices import Tariff

    _jit.warm_up()
    plan = fleet.plan(santiago_city(0, 0.095 * buses / 500))
    energy = ((0, 80.0), (25_200, 140.0), (64_800, 190.0), (79_200, 110.0))
    tariff = Tariff(energy=energy, demand=plan.problem.tariff.demand)
    changes = ({"vehicles.battery_kwh": 300.0}, {"vehicles.battery_kwh": 420.0}, {"tariff": tariff})
    problem = plan.problem.replace(**changes[change])
    begin, cpu = time.perf_counter(), time.process_time()
    answer = fleet.replan(problem, plan)
    took, cpu = time.perf_counter() - begin, time.process_time() - cpu
    return {
        "seconds": took,
        "cpu_s": round(cpu, 2),
        "vehicles": answer.vehicles,
        "gap_percent": round(100 * (answer.report.gap or 0.0), 2),
        "check_errors": len(fleet.check(problem, answer)),
        "kept": answer.assumptions[-1],
    }


WHAT_IFS = ("battery 300 for 350 kWh", "battery 420 for 350 kWh", "another tariff")
CONTENDERS = {"ours": ours, "numpy": numpy_replay, "replan": what_if}


def run(*, quick: bool) -> list[Result]:
    """Run ours and the peer, each in a fresh process."""
    buses, count = QUICK if quick else FULL
    results = []
    for name in ("ours", "numpy"):
        for _ in range(1 if quick or name != "ours" else 3):
            results.append(_one(name, buses, count))
            print(f"{name}: {results[-1].note or results[-1].answer}", file=sys.stderr, flush=True)
    first, *more = [one for one in results if one.contender == "ours"]
    for one in more:
        first.wall_s += one.wall_s
        first.work_s += one.work_s
        first.peak_mib += one.peak_mib
    several = [first, *(one for one in results if one.contender != "ours")]
    for change, name in enumerate(WHAT_IFS):
        told = _one("replan", 50 if quick else 500, change)
        told.benchmark, told.case, told.contender = (
            "replan",
            f"{50 if quick else 500} buses, {name}",
            "ours",
        )
        several.append(told)
        print(f"{told.case}: {told.note or told.answer}", file=sys.stderr, flush=True)
    return several


def _one(name: str, buses: int, count: int) -> Result:
    result = Result("simulate", f"{buses:,} buses x {count:,} scenarios", name)
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.simulate", name, str(buses), str(count)],
        capture_output=True, text=True, check=False, cwd=cases.CHECKOUT,
    )  # fmt: skip
    wall_s = time.perf_counter() - begin
    if done.returncode:
        result.note = f"failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"
        return result
    answer = json.loads(done.stdout)
    result.wall_s.append(round(wall_s, 1))
    result.work_s.append(round(answer.pop("seconds"), 2))
    result.peak_mib.append(answer.pop("peak_mib"))
    result.answer = answer
    return result


def main() -> None:
    """Run one contender and print what came out."""
    name, buses, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    told = CONTENDERS[name](buses, count)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({**told, "peak_mib": peak}))


if __name__ == "__main__":
    main()
