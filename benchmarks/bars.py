"""The bars of the fleet domain: time, memory, gap, each case in a fresh process.

``python -m benchmarks bars`` runs them all and keeps the result; ``--quick`` runs each at a small size.
A case is a name and a function of it that plans and says what came out; the parent measures the process.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks import cases
from benchmarks.results import Result


def devos_size(seed: int, seconds: float) -> dict[str, Any]:
    """Electrify 816 trips of one depot, the size of de Vos et al. (2024): < 3 % in 7 hours there."""
    from benchmarks.devos import devos_size as made
    from mobility import fleet
    from mobility.stop import Seconds

    problem = made(seed)
    return _told(problem, lambda: fleet.electrify(problem, stop=Seconds(seconds), seed=0))


def mixed_size(seed: int, seconds: float, trips: int) -> dict[str, Any]:
    """Electrify a day of two battery types and a few diesel buses, all of which may drive any trip."""
    from dataclasses import replace

    from benchmarks.devos import devos_size as made
    from mobility import fleet
    from mobility.stop import Seconds

    one = made(seed, trips=trips)
    bus, day = one.vehicle, one.costs.vehicle_day_minor
    kinds = (
        bus,
        replace(bus, id="e9", battery_kwh=140.0, vehicle_day_minor=round(0.93 * day)),
        fleet.Vehicle(id="d12", energy="diesel", range_km=400.0, fuel_km=0.4, refuel_min=15,
                      vehicle_day_minor=round(0.9 * day), count=15),
    )  # fmt: skip
    problem = replace(one, vehicles=kinds, tariff=replace(one.tariff, diesel_l_minor=1_100.0))
    return _told(problem, lambda: fleet.electrify(problem, stop=Seconds(seconds), seed=0))


def santiago_city(seed: int, seconds: float, scale: float) -> dict[str, Any]:
    """Electrify a city of 40,000 trips."""
    from benchmarks.santiago_city import santiago_city as made
    from mobility import fleet
    from mobility.stop import Seconds

    problem = made(seed, scale)
    return _told(problem, lambda: fleet.electrify(problem, stop=Seconds(seconds), seed=0))


def real_feed(case: str, seconds: float) -> dict[str, Any]:
    """Electrify the typical day of a real feed."""
    from mobility import fleet
    from mobility.feed import read_feed
    from mobility.stop import Seconds

    problem = fleet.problem(read_feed(cases.feed_path(case)).day())
    return _told(problem, lambda: fleet.electrify(problem, stop=Seconds(seconds), seed=0))


def _told(problem: Any, plan: Callable[[], Any]) -> dict[str, Any]:
    from mobility import fleet

    start = time.perf_counter()
    answer = plan()
    took = time.perf_counter() - start
    report = answer.report
    return {
        "seconds": took,
        "status": str(report.status),
        "trips": len(problem.trips),
        "vehicles": answer.vehicles,
        "vehicles_bound": answer.vehicles_bound,
        "objective": report.objective,
        "bound": report.bound,
        "gap_percent": None if report.gap is None else round(100 * report.gap, 3),
        "check_errors": len(fleet.check(problem, answer)),
        **({"why": answer.why} if answer.why else {}),
    }


FULL: dict[str, tuple[Callable[..., dict[str, Any]], tuple[Any, ...]]] = {
    **{f"devos_size s{seed}, 150 s": (devos_size, (seed, 150.0)) for seed in (0, 1, 2)},
    "mixed fleet, 300 trips s0, 150 s": (mixed_size, (0, 150.0, 300)),
    "santiago_city s0, 600 s": (santiago_city, (0, 520.0, 1.0)),
    "santiago_city/10 s0, 60 s": (santiago_city, (0, 60.0, 0.1)),
    **{f"{case}, 60 s": (real_feed, (case, 60.0)) for case in ("plan_cairns", "plan_trimet2")},
}
QUICK = {
    "devos_size s0, 20 s": (devos_size, (0, 20.0)),
    "santiago_city/20 s0, 10 s": (santiago_city, (0, 10.0, 0.05)),
}


def run(*, quick: bool) -> list[Result]:
    """Run every bar whose input is on this machine."""
    missing = set(cases.missing("fleet"))
    chosen = QUICK if quick else FULL
    results = []
    for name, (_, arguments) in chosen.items():
        if missing & set(map(str, arguments)):
            print(f"left out: {name}, its feed is not on this machine", file=sys.stderr)
            continue
        results.append(_one(name))
        print(f"{name}: {results[-1].note or results[-1].answer}", file=sys.stderr, flush=True)
    return results


def _one(name: str) -> Result:
    result = Result("electrify", name, "ours")
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bars", name],
        capture_output=True, text=True, check=False, cwd=cases.CHECKOUT,
    )  # fmt: skip
    wall_s = time.perf_counter() - start
    if done.returncode:
        result.note = f"failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"
        return result
    answer = json.loads(done.stdout)
    result.wall_s.append(round(wall_s, 1))
    result.work_s.append(round(answer.pop("seconds"), 1))
    result.peak_mib.append(answer.pop("peak_mib"))
    result.answer = answer
    return result


def main() -> None:
    """Run one case by its name and print what came out."""
    from mobility import _jit

    _jit.warm_up()
    function, arguments = {**FULL, **QUICK}[sys.argv[1]]
    told = function(*arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({**told, "peak_mib": peak}))


if __name__ == "__main__":
    main()
