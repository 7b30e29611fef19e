"""Timing of signals without a microsimulator: bands proved optimal, and what the descent gains.

``python -m benchmarks timing`` runs it and keeps the result. Bands: made-up corridors with four left-turn
patterns at each signal, our search beside the mixed-integer program by SCIP and HiGHS, both through OR-Tools,
each answer checked. Descent: person hours in an hour before and after, by the same evaluation.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.results import Result
from benchmarks.signal_grid import grid_network


def corridor(signals: int, seed: int) -> Any:
    """A made-up corridor with four left-turn patterns at each signal."""
    from mobility.signals.bands import BandProblem, Pattern

    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(signals):
        out, back = rng.uniform(0.35, 0.5, 2)
        left, right = rng.uniform(0.1, 0.15, 2)
        rows.append(tuple(
            Pattern(a * right, out, b * left, back) for a in (0, 1) for b in (0, 1)
        ))  # fmt: skip
    there = tuple(rng.uniform(15, 50, signals - 1))
    back_s = tuple(float(one * rng.uniform(0.95, 1.05)) for one in there)
    return BandProblem(tuple(rows), there, back_s, (60.0, 120.0))


def bands(count: int, seed: int, solver: str) -> Result:
    """The widest bands of one corridor, proved or with the bound that was reached."""
    from mobility.signals.bands import widest_bands
    from mobility.signals.check_bands import check_bands

    problem = corridor(count, seed)
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
    """Plans of the samples and of a network of 200 signals: person hours before and after."""
    from mobility import samples, signals
    from mobility.signals._dispersion_kernels import warm

    warm()
    networks = {name: signals.read_network(samples.path(name) / "signals.toml")
                for name in ("changsha", "incheon")}  # fmt: skip
    networks["grid of 200"] = grid_network(20, 10, 0)
    return [_descent(name, network) for name, network in networks.items()]


def _descent(name: str, network: Any) -> Result:
    from mobility import signals

    row = Result("time_signals", name, "ours")
    began, wall = time.process_time(), time.perf_counter()
    plan = signals.time_signals(network)
    row.work_s, row.wall_s = [time.process_time() - began], [time.perf_counter() - wall]
    row.answer = {
        "before": plan.before.person_hours_h if plan.before else None,
        "after": plan.after.person_hours_h if plan.after else None,
        "saving_percent": None if plan.saving is None else round(100 * plan.saving, 2),
        "check_errors": len(signals.check(network, plan)),
    }  # fmt: skip
    return row


def run(*, quick: bool) -> list[Result]:
    """Corridors by our search and by two solvers, and three networks; quick: ten signals."""
    if quick:
        return [bands(10, 0, "search"), bands(10, 0, "scip")]
    found = [bands(count, seed, "search") for count in (20, 50, 100) for seed in range(6)]
    found += [bands(50, seed, "scip") for seed in range(6)]
    found += [bands(50, seed, "highs") for seed in (0, 1)]
    return [*found, *descents()]
