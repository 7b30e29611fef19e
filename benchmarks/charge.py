"""Depot charging at a city's size: the bound, plans of whole chargers, HiGHS and first-come beside them.

Each case in a fresh process, kernels warm, so that time and memory are its own: ``python -m benchmarks.charge``
runs them all and prints JSON lines; ``run`` is what ``python -m benchmarks`` calls.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import Any

from benchmarks import cases
from benchmarks.charge_city import charge_city
from benchmarks.results import Result

# name: chargers a bus, stretch of needs, price of a kW
LEVELS = {
    "0.6 chargers a bus": (0.6, 1.0, 300.0),
    "0.25 chargers a bus": (0.25, 1.0, 300.0),
    "0.25 chargers a bus, low price of a kW": (0.25, 1.0, 30.0),
    "0.25 chargers a bus, needs a fifth higher": (0.25, 1.2, 300.0),
}
FULL = {"buses": 2480, "sites": 12}
SMALL = {"buses": 240, "sites": 3}


def ours_relaxation(problem: Any) -> dict[str, Any]:
    """The value that no plan can beat."""
    from mobility import fleet

    report = fleet.charge_stays(problem, relax=True).report
    return {"objective": report.objective, "gap_percent": 0.0}


def ours_plan(problem: Any) -> dict[str, Any]:
    """Whole chargers, one session a stay, within five seconds; the checker's verdict beside."""
    from mobility import fleet
    from mobility.stop import AnyOf, Gap, Seconds

    begun = time.perf_counter()
    plan = fleet.charge_stays(problem, stop=AnyOf(Gap(1e-4), Seconds(4.5)))
    seconds = time.perf_counter() - begun
    report = plan.report
    relaxed = fleet.charge_stays(problem, relax=True).report.objective
    return {
        "seconds": seconds,
        "status": str(report.status),
        "objective": report.objective,
        "bound": report.bound,
        "gap_percent": None if report.gap is None else round(100 * report.gap, 4),
        "over_relaxation_percent": round(100 * (report.objective / relaxed - 1), 4)
        if report.objective
        else None,
        "check_errors": len(fleet.check(problem, plan)),
        "saving_percent": None if plan.saving is None else round(100 * plan.saving, 1),
        **({"why": plan.why} if plan.why else {}),
    }


def first_come(problem: Any) -> dict[str, Any]:
    """The rule of many depots: whoever came first, at full power."""
    from mobility import fleet

    plan = fleet.charge_stays(problem, strategy="first-come")
    return {
        "objective": plan.report.objective,
        "missing_kwh": round(sum(plan.missing_kwh.values()), 1),
        "check_errors": len(fleet.check(problem, plan)),
    }


def highs_relaxation(problem: Any) -> dict[str, Any]:
    """The same linear program by HiGHS through OR-Tools' MathOpt, interior point; building it is not timed."""
    import numpy as np
    from ortools.math_opt.python import mathopt

    slot, hours = problem.slot_s, problem.slot_s / 3600
    second = np.full(86_400, problem.energy[-1][1])
    for at, price in problem.energy:
        second[at:] = price
    each = (second.reshape(-1, slot).mean(axis=1) * hours).tolist()
    sites = {one.name: one for one in problem.sites}
    model = mathopt.Model()
    peaks = {name: model.add_variable(lb=0.0, ub=one.most_kw) for name, one in sites.items()}
    here: dict[tuple[str, int], list[Any]] = {}
    cost = [problem.demand * one for one in peaks.values()]
    columns = 0
    for row in problem.stays.itertuples():
        most = min(row.max_kw, sites[row.site].kw)
        power = []
        for t in range(-(-row.arrive_s // slot), row.depart_s // slot):
            power.append(model.add_variable(lb=0.0, ub=most))
            here.setdefault((row.site, t), []).append(power[-1])
            cost.append(each[t % len(each)] * power[-1])
        columns += len(power)
        model.add_linear_constraint(mathopt.fast_sum(power) == row.need_kwh / hours)
    for (name, _), powers in here.items():
        model.add_linear_constraint(mathopt.fast_sum(powers) <= peaks[name])
    model.minimize(mathopt.fast_sum(cost))
    begun, spent = time.perf_counter(), time.process_time()
    done = mathopt.solve(
        model, mathopt.SolverType.HIGHS,
        params=mathopt.SolveParameters(lp_algorithm=mathopt.LPAlgorithm.BARRIER),
    )  # fmt: skip
    return {
        "seconds": time.perf_counter() - begun,
        "cpu_seconds": round(time.process_time() - spent, 3),
        "objective": done.objective_value(),
        "columns": columns,
    }


CONTENDERS = {
    "ours, relaxation": ours_relaxation,
    "HiGHS, relaxation": highs_relaxation,
    "ours, plan": ours_plan,
    "first-come": first_come,
}


def run(*, quick: bool) -> list[Result]:
    """Run every case and contender, each in a fresh process."""
    levels = list(LEVELS)[:2] if quick else list(LEVELS)
    results = []
    for level in levels:
        for contender in CONTENDERS:
            results.append(_one(level, contender, quick=quick))
            print(
                f"{level}, {contender}: {results[-1].note or results[-1].answer}",
                file=sys.stderr,
                flush=True,
            )
    return results


def _one(level: str, contender: str, *, quick: bool) -> Result:
    size = SMALL if quick else FULL
    result = Result("charge", f"{size['buses']:,} buses, {size['sites']} sites, {level}", contender)
    begun = time.perf_counter()
    words = [level, contender, *(["--quick"] if quick else [])]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.charge", *words],
        capture_output=True, text=True, check=False, cwd=cases.CHECKOUT,
    )  # fmt: skip
    wall_s = time.perf_counter() - begun
    if done.returncode:
        result.note = f"failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"
        return result
    answer = json.loads(done.stdout)
    result.wall_s.append(round(wall_s, 2))
    result.work_s.append(round(answer.pop("seconds"), 3))
    result.peak_mib.append(answer.pop("peak_mib"))
    result.answer = answer
    return result


def main() -> None:
    """Run one case by its name, or all of them."""
    words = [one for one in sys.argv[1:] if not one.startswith("-")]
    quick = "--quick" in sys.argv
    if not words:
        for one in run(quick=quick):
            print(json.dumps({"case": one.case, "contender": one.contender, "work_s": one.work_s,
                              "peak_mib": one.peak_mib, **one.answer, "note": one.note}))  # fmt: skip
        return
    from mobility.fleet import (
        _plug_kernels,
        _plug_search_kernels,
        _transport_kernels,
    )

    level, contender = words
    ratio, need, demand = LEVELS[level]
    problem = charge_city(ratio, need=need, demand=demand, **(SMALL if quick else FULL))
    _transport_kernels.warm()
    _plug_kernels.warm()
    _plug_search_kernels.warm()
    function = CONTENDERS[contender]
    function(charge_city(ratio, buses=24, sites=2))  # what a first call loads is not its work
    begun, spent = time.perf_counter(), time.process_time()
    told = function(problem)
    answer = {
        "seconds": time.perf_counter() - begun,
        "cpu_seconds": round(time.process_time() - spent, 3),
        **told,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
