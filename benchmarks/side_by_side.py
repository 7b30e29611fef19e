"""Contenders side by side: each run a fresh process, one after the other in turns, as ratios."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec

from benchmarks import cases
from benchmarks.results import Result

_NEEDS = {"partridge_load": "partridge"}


def run(benchmark: str, case: str, contenders: list[str], runs: int) -> list[Result]:
    """Run every contender ``runs`` times on a case; a missing peer is named, not hidden."""
    results = [Result(benchmark, case, one) for one in contenders]
    cases.feed_path(case)  # built outside the clock
    for result in results:
        package = _NEEDS.get(result.contender)
        if package and find_spec(package) is None:
            result.note = f"{package} is not installed: pip install --group bench"
    for _ in range(runs):
        for result in results:
            if not result.note:
                _one(result)
    counts = {json.dumps(_counts(one)) for one in results if one.wall_s}
    if len(counts) > 1:
        raise SystemExit(f"{benchmark} {case}: contenders do not agree on the counts: {counts}")
    return results


def _one(result: Result) -> None:
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.contend", result.contender, result.case],
        capture_output=True,
        text=True,
        check=False,
        cwd=cases.CHECKOUT,
        env={**os.environ, "MOBILITY_CACHE_DIR": str(cases.WORK / "cache")},
    )
    wall_s = time.perf_counter() - start
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        result.note = f"failed: {last}"
        return
    answer = json.loads(done.stdout)
    result.wall_s.append(round(wall_s, 3))
    seconds = answer.pop("seconds")
    result.work_s.append(round(answer.pop("work_s", seconds), 4))
    result.peak_mib.append(answer.pop("peak_mib"))
    result.answer = answer


def _counts(result: Result) -> dict[str, object]:
    return {key: result.answer[key] for key in ("stop_times", "trips") if key in result.answer}
