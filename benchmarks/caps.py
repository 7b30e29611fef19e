"""The bars of caps: policies rated a second, searches with their proof, and a forecast of a real month.

``python -m benchmarks caps`` runs them and keeps the result; ``--quick`` at a small size. Each case runs in a
process of its own. The rate is of the kernel over taps in order (made once, timed apart), counting the taps
that it reads: those that cost something and that a cap counts.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import Any

from benchmarks import cases
from benchmarks.results import Result

POLICIES = 64
FULL = (
    ("rate", 5_000_000),
    ("rate", 20_000_000),
    ("search", 5_000_000),
    ("closed", 20_000_000),
    ("santiago", 100_000),
)
QUICK = (("rate", 500_000), ("search", 200_000), ("closed", 500_000), ("santiago", 10_000))


def run(*, quick: bool) -> list[Result]:
    """Every case; one that fails says why."""
    return [_one(name, size) for name, size in (QUICK if quick else FULL)]


def _one(name: str, size: int) -> Result:
    result = Result("caps", f"{name} {size:,}", "ours")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.caps", name, str(size)],
        capture_output=True, text=True, check=False, cwd=cases.CHECKOUT,
    )  # fmt: skip
    if done.returncode:
        result.note = f"failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"
        print(f"{name} {size:,}: {result.note}", file=sys.stderr)
        return result
    told = json.loads(done.stdout)
    result.wall_s, result.work_s = told.pop("wall_s"), told.pop("cpu_s")
    result.peak_mib.append(told.pop("peak_mib"))
    result.answer = told
    print(f"{name} {size:,}: {told}", file=sys.stderr, flush=True)
    return result


def _taps(count: int) -> tuple[Any, Any]:
    from benchmarks.fares_peers import TARIFF, made_taps, table_of
    from mobility import fares

    return table_of(made_taps(count)), fares.read_tariff(TARIFF)


def _grid(policies: int) -> Any:
    import numpy as np

    rng = np.random.default_rng(0)
    return np.stack(
        [
            rng.integers(low, high, policies)
            for low, high in ((1_500, 4_000), (8_000, 16_000), (25_000, 60_000))
        ]
    )


def rate(count: int) -> dict[str, Any]:
    """64 and 256 policies in one pass over taps in order, one thread and two; one a pass beside it."""
    import numpy as np

    from mobility import fares
    from mobility.fares.cap_runs import rate_all
    from mobility.fares.cap_world import World, with_levels
    from mobility.fares.rater import Rater

    table, tariff = _taps(count)
    small, _ = _taps(1_000)
    Rater(small, tariff).merged(World())
    at = time.perf_counter()
    runs = Rater(table, tariff).runs(World())
    sorting_s = time.perf_counter() - at
    levels = _grid(POLICIES)
    taps = len(runs.cost)
    told: dict[str, Any] = {"taps_in_kernel": taps, "to_runs_s": round(sorting_s, 2)}
    rate_all(runs, levels[:, :1])
    wall, cpu = [], []
    for policies, threads in ((POLICIES, 1), (POLICIES, 2), (4 * POLICIES, 1), (4 * POLICIES, 2)):
        best_wall = best_cpu = float("inf")
        asked = levels if policies == POLICIES else _grid(policies)
        for _ in range(3):
            at, work = time.perf_counter(), time.process_time()
            found = rate_all(runs, asked, threads=threads)
            best_wall = min(best_wall, time.perf_counter() - at)
            best_cpu = min(best_cpu, time.process_time() - work)
        name = f"{policies}_policies_{threads}_threads"
        told[f"g_policy_taps_s_{name}"] = round(taps * policies / best_wall / 1e9, 2)
        told[f"g_policy_taps_cpu_s_{name}"] = round(taps * policies / best_cpu / 1e9, 2)
        wall.append(round(best_wall, 3))
        cpu.append(round(best_cpu, 3))
    found = rate_all(runs, levels)
    at = time.process_time()
    for k in range(4):
        alone = rate_all(runs, levels[:, k : k + 1], threads=1)
        assert alone.charged[0, 0] == found.charged[0, k]
    told["one_policy_a_pass_times_slower"] = round(
        (time.process_time() - at) / 4 * POLICIES / cpu[0], 1
    )
    merged = runs.merged()
    at = time.process_time()
    joined = rate_all(merged, levels, threads=1)
    spent = time.process_time() - at
    assert np.array_equal(joined.charged, found.charged)
    told["joined_runs"] = len(merged.cost)
    told["g_policy_taps_s_joined_1_thread"] = round(taps * POLICIES / spent / 1e9, 2)
    at = time.process_time()
    ids = dict(zip(("day", "week", "month"), (int(one) for one in levels[:, 0]), strict=True))
    ledger = fares.settle(table, with_levels(tariff, ids), columns=("charged",), threads=1)
    told["settled_one_by_one_times_slower"] = round(
        (time.process_time() - at) * POLICIES / cpu[0], 1
    )
    assert ledger.total() == int(found.charged[0, 0])
    return told | {"wall_s": wall, "cpu_s": cpu}


def search(count: int) -> dict[str, Any]:
    """The best of a grid of 16 x 16 x 16 levels of day, week and month; proved, and settled anew."""
    import numpy as np

    from mobility import fares

    table, tariff = _taps(count)
    qr = {name: [int(one) for one in np.linspace(low, high, 16)]
          for name, low, high in (("day", 1_500, 4_000), ("week", 8_000, 16_000), ("month", 25_000, 60_000))}  # fmt: skip
    from dataclasses import replace

    one_scope = replace(tariff, caps=tuple(replace(one, media=None) for one in tariff.caps))
    at, work = time.perf_counter(), time.process_time()
    answer = fares.optimise_caps(table, one_scope, policies=qr, revenue="-2%", rises_percent=[0])
    wall, cpu = time.perf_counter() - at, time.process_time() - work
    return {
        "answer": str(answer), "method": answer.proof["method"], "rated": answer.proof["rated"],
        "of": answer.proof["of"], "check_errors": len(fares.check_caps(answer, table)),
        "wall_s": [round(wall, 2)], "cpu_s": [round(cpu, 2)],
    }  # fmt: skip


def closed(count: int) -> dict[str, Any]:
    """The neutral month cap of every rise, over every integer level."""
    from dataclasses import replace

    from mobility import fares

    table, tariff = _taps(count)
    month = replace(tariff, caps=tariff.caps[2:])
    at, work = time.perf_counter(), time.process_time()
    answer = fares.optimise_caps(table, month, rises_percent=[0, 2, 4])
    wall, cpu = time.perf_counter() - at, time.process_time() - work
    return {
        "answer": str(answer), "method": answer.proof["method"],
        "check_errors": len(fares.check_caps(answer, table)),
        "wall_s": [round(wall, 2)], "cpu_s": [round(cpu, 2)],
    }  # fmt: skip


def santiago(riders: int) -> dict[str, Any]:
    """Fit a synthetic city to August 2025, and forecast October 2025."""
    from benchmarks.caps_santiago import forecast

    at, work = time.perf_counter(), time.process_time()
    told = forecast(riders)
    return told | {
        "wall_s": [round(time.perf_counter() - at, 2)],
        "cpu_s": [round(time.process_time() - work, 2)],
    }


if __name__ == "__main__":
    made = {"rate": rate, "search": search, "closed": closed, "santiago": santiago}[sys.argv[1]](
        int(sys.argv[2])
    )
    made["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(made))
