"""Timing of signals without a microsimulator: bands proved optimal, and what the descent gains.

``python -m benchmarks timing`` runs it and keeps the result. Bands: made-up corridors with four left-turn
patterns at each signal, our search beside the mixed-integer program by SCIP and HiGHS, both through OR-Tools,
each answer checked. Descent: person hours in an hour before and after, by the same evaluation.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks import signals as streets
from benchmarks.results import Result


def bands(count: int, seed: int, solver: str) -> Result:
    """The widest bands of one corridor, proved or with the bound that was reached."""
    from mobility.signals.bands import widest_bands
    from mobility.signals.check_bands import check_bands

    problem = streets.corridor(count, seed)
    row = Result("widest bands", f"{count} signals with left turns, seed {seed}", solver)
    began, wall = time.process_time(), time.perf_counter()
    found = widest_bands(problem, solver=solver)
    row.work_s, row.wall_s = [time.process_time() - began], [time.perf_counter() - wall]
    row.answer = {
        "status": str(found.report.status), "objective": found.report.objective,
        "bound": found.report.bound, "check_errors": len(check_bands(problem, found)),
    }  # fmt: skip
    return row


def descents() -> list[Result]:
    """The samples, and a network of 200 signals."""
    return [_row(one) for one in streets.descent_cases()]


def _row(one: dict[str, Any]) -> Result:
    row = Result("time_signals", one["case"].removeprefix("descent, "), one["contender"])
    row.wall_s, row.work_s = [one["wall_s"]], [one["cpu_s"]]
    kept = ("before", "after", "saving_percent", "check_errors")
    row.answer = {name: one[name] for name in kept}
    return row


def run(*, quick: bool) -> list[Result]:
    """Corridors by our search and by two solvers, and three networks; quick: ten signals."""
    if quick:
        return [bands(10, 0, "search"), bands(10, 0, "scip")]
    found = [bands(count, seed, "search") for count in (20, 50, 100) for seed in range(6)]
    found += [bands(50, seed, "scip") for seed in range(6)]
    found += [bands(50, seed, "highs") for seed in (0, 1)]
    return [*found, *descents()]
