"""How cost grows with size: the sizes of the asv suite, CPU seconds, and the exponent fitted to them.

``python -m benchmarks growth`` runs it and keeps the result; ``--quick`` takes one run each. Cost is about
``size ** exponent``: least squares through the logarithms of at least three sizes. A part that does not grow
(start of a kernel, of a solver) makes the exponent of small sizes too small; the last two sizes alone give
``last``.
"""

from __future__ import annotations

import math
import resource
import subprocess
import sys
import time
from importlib import import_module
from typing import Any

from benchmarks import cases
from benchmarks.results import Result

# What grows: module and class of the suite, its method, and how sizes are counted.
CURVES = (
    ("load a feed", "feed.LoadCopies.time_cold", "copies"),
    ("trip statistics", "feed.LoadCopies.time_trip_statistics", "copies"),
    ("blocks", "fleet.Blocks.time_solve", "trips"),
    ("electrify, 10 rounds", "fleet.Electrify.time_solve", "trips"),
    ("charge, 3 rounds", "fleet.Charge.time_solve", "buses"),
    ("simulate 1,000 days", "fleet.Simulate.time_replay", "buses"),
    ("settle, charges", "fares.Settle.time_charges", "taps"),
    ("optimise caps", "fares.OptimiseCaps.time_search", "riders"),
    ("time signals, 300 trials", "signals.TimeSignals.time_search", "signals"),
    ("simulate a quarter of an hour", "signals.Simulate.time_quarter_of_an_hour", "signals"),
    ("ten minutes of controller steps", "signals.ControllerStep.time_ten_minutes", "signals"),
)


def run(*, quick: bool) -> list[Result]:
    """Every curve in processes of its own, one size after the other."""
    results: list[Result] = []
    for name, path, unit in CURVES:
        results += curve(name, path, unit, runs=1 if quick else 3)
    return results


def curve(name: str, path: str, unit: str, *, runs: int) -> list[Result]:
    """Cost at each size, and a last row with the fit."""
    module, kind, _ = path.split(".")
    suite = getattr(import_module(f"benchmarks.suite.{module}"), kind)
    rows, sizes, costs = [], [], []
    for size in suite.params[0]:
        row = Result("growth", name, f"{size:,} {unit}")
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.growth", path, str(size), str(runs)],
            capture_output=True, text=True, check=False, cwd=cases.CHECKOUT,
        )  # fmt: skip
        rows.append(row)
        if done.returncode:
            row.note = (done.stderr.strip().splitlines() or ["no message"])[-1]
            break
        measured = done.stdout.split()
        row.peak_mib.append(int(measured[0]))
        row.wall_s = row.work_s = [round(float(one), 4) for one in measured[1:]]
        sizes.append(size)
        costs.append(min(row.work_s))
        print(f"{name}, {row.contender}: {costs[-1]:.3f} s", file=sys.stderr, flush=True)
    if len(sizes) >= 3:
        fit = Result("growth", name, "fit")
        fit.answer = told = fitted(sizes, costs)
        fit.note = f"exponent {told['exponent']}, of the last two sizes {told['last']}"
        rows.append(fit)
    return rows


def fitted(sizes: list[int], costs: list[float]) -> dict[str, float]:
    """Exponent through all sizes, and through the last two.

    >>> fitted([1, 10, 100], [2.0, 20.0, 200.0])
    {'exponent': 1.0, 'last': 1.0}
    """
    x = [math.log(size) for size in sizes]
    y = [math.log(max(cost, 1e-9)) for cost in costs]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    over = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    slope = over / sum((a - mean_x) ** 2 for a in x)
    last = (y[-1] - y[-2]) / (x[-1] - x[-2])
    return {"exponent": round(slope, 2), "last": round(last, 2)}


def one_size(path: str, size: int, runs: int) -> tuple[int, list[float]]:
    """Peak MiB and CPU seconds of some runs of a benchmark of the suite, kernels warm."""
    module, kind, method = path.split(".")
    bench: Any = getattr(import_module(f"benchmarks.suite.{module}"), kind)()
    bench.setup(size)
    getattr(bench, method)(size)
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        getattr(bench, method)(size)
        seconds.append(time.process_time() - start)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, seconds


if __name__ == "__main__":
    peak, found = one_size(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    print(peak, *found)
