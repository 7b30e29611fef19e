"""The bars of the fares domain: taps a second beside what an expert writes today, exact, and memory.

``python -m benchmarks fares`` runs them and keeps the result; ``--quick`` at a small size. Every contender
runs in a process of its own, in turn with the others, so that a busy machine hits all alike.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from benchmarks import cases
from benchmarks.results import Result

# Contenders, sizes, runs.
FULL = (
    (5_000_000, ("ours", "ours_one_thread", "ours_all_columns", "duckdb_numba", "polars_numba", "pandas_numba"), 3),
    (20_000_000, ("ours", "ours_all_columns", "duckdb_numba", "polars_numba"), 2),
    (100_000_000, ("ours",), 1),
)  # fmt: skip
QUICK = ((1_000_000, ("ours", "duckdb_numba", "polars_numba", "pandas_numba"), 2),)


def run(*, quick: bool) -> list[Result]:
    """Settle the same taps with every contender; their charges must be the same, tap by tap."""
    results: list[Result] = []
    for taps, contenders, runs in QUICK if quick else FULL:
        case = f"{taps / 1e6:g} M taps"
        made = [_one(name, taps, runs, case) for name in contenders]
        prints = {one.answer["fingerprint"] for one in made if one.answer}
        if len(prints) > 1:
            raise SystemExit(f"{case}: contenders disagree on charges")
        results += made
    results += _files(200_000 if quick else 20_000_000)
    return results


def _one(name: str, taps: int, runs: int, case: str) -> Result:
    result = Result("settle", case, name)
    package = name.removesuffix("_numba")
    if package != name and find_spec(package) is None:
        result.note = f"{package} is not installed: pip install --group bench"
        return result
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fares_peers", name, str(taps), str(runs)],
        capture_output=True, text=True, check=False, cwd=cases.CHECKOUT,
    )  # fmt: skip
    if done.returncode:
        result.note = f"failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"
        print(f"{case}, {name}: {result.note}", file=sys.stderr)
        return result
    told = json.loads(done.stdout)
    result.wall_s = [round(one, 3) for one in told["wall_s"]]
    result.work_s = [round(one, 3) for one in told["cpu_s"]]
    result.peak_mib.append(told["peak_mib"])
    best = min(told["wall_s"])
    result.answer = {
        "million_taps_s": round(taps / best / 1e6, 1),
        "million_taps_cpu_s": round(taps / min(told["cpu_s"]) / 1e6, 1),
        "memory_of_input": round((told["peak_mib"] - told["before_mib"]) / told["input_mib"], 2),
        "charged": told["charged"],
        "fingerprint": told["fingerprint"],
    }
    print(f"{case}, {name}: {result.answer}", file=sys.stderr, flush=True)
    return result


def _files(taps: int) -> list[Result]:
    """Reading Parquet, settling and writing charges, each timed apart; and the same streamed."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    from benchmarks.fares_peers import TARIFF, made_taps, table_of
    from mobility import fares

    tariff = fares.read_tariff(TARIFF)
    fares.settle(table_of(made_taps(1_000)), tariff)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "taps.parquet", Path(folder) / "charges.parquet"
        table = pa.Table.from_pandas(table_of(made_taps(taps)), preserve_index=False)
        pq.write_table(table, path, row_group_size=1_000_000)
        del table
        start = time.perf_counter()
        read = fares.read_taps(path).table
        seconds = {"read": time.perf_counter() - start}
        start = time.perf_counter()
        ledger = fares.settle(read, tariff)
        seconds["settle all columns"] = time.perf_counter() - start
        start = time.perf_counter()
        fares.write_charges(ledger, out)
        seconds["write"] = time.perf_counter() - start
        total = ledger.total()
        del ledger, read
        start = time.perf_counter()
        streamed = fares.settle_files(path, tariff, out, part_taps=taps // 4)
        seconds["streamed in 4 parts"] = time.perf_counter() - start
        if (
            streamed.totals["charged"] != total
            or len(pd.read_parquet(out, columns=["charged"])) != taps
        ):
            raise SystemExit("streamed charges differ")
    for name, took in seconds.items():
        one = Result("files", f"{taps / 1e6:g} M taps", name, wall_s=[round(took, 3)])
        one.answer = {"million_taps_s": round(taps / took / 1e6, 1)}
        results.append(one)
        print(f"{one.case}, {name}: {one.answer}", file=sys.stderr, flush=True)
    return results
