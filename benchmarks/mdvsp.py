"""``python -m benchmarks.mdvsp [--quick]``: the classic multi-depot family, read from its files.

Every run is a fresh process, from reading the file to the answer, kernels compiled before; the
seconds that the solver gets are those of the whole process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import cases
from benchmarks.results import Result, write

FAMILY = tuple((n, m, seed) for n in (500, 1000) for m in (4, 8) for seed in (0, 1, 2))
LIMITS_S = (10.0, 60.0)
_END_S = 0.6  # of the checker, and of the interpreter on its way out, on a busy machine


def run(
    family: tuple[tuple[int, int, int], ...] = FAMILY, limits_s: tuple[float, ...] = LIMITS_S
) -> list[Result]:
    """Solve every case within every limit; wall time, memory, objective, bound and gap."""
    from mobility import _jit

    _jit.warm_up()
    results = []
    for limit_s in limits_s:
        for n, m, seed in family:
            result = Result("blocks", f"m{m}n{n}s{seed}", f"ours {limit_s:g} s")
            _one(result, _file(n, m, seed), limit_s)
            results.append(result)
            print(show([result]).splitlines()[-1], file=sys.stderr, flush=True)
    return results


def show(results: list[Result]) -> str:
    """Markdown, one row a run."""
    lines = [
        "| case | limit | process s | peak MiB | objective | bound | gap % | vehicles | at least | status |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in results:
        answer = one.answer
        if one.note:
            lines.append(f"| {one.case} | {one.contender} | | | | | | | | {one.note} |")
            continue
        lines.append(
            f"| {one.case} | {one.contender} | {one.wall_s[0]:.1f} | {one.peak_mib[0]} | {answer['objective']:,} "
            f"| {answer['bound']:,} | {answer['gap_percent']:.4f} | {answer['vehicles']} "
            f"| {answer['vehicles_bound']} | {answer['status']} |"
        )
    return "\n".join(lines)


def _file(n: int, m: int, seed: int) -> Path:
    from benchmarks.carpaneto import carpaneto
    from mobility.fleet.matrix import write_mdvsp

    path = cases.WORK / f"m{m}n{n}s{seed}.inp"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_mdvsp(carpaneto(n, m, seed), path)
    return path


def _one(result: Result, path: Path, limit_s: float) -> None:
    begin = time.time()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.mdvsp", "--one", str(path), str(limit_s), str(begin)],
        capture_output=True, text=True, check=False, cwd=cases.CHECKOUT,
    )  # fmt: skip
    wall_s = time.time() - begin
    if done.returncode:
        result.note = f"failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"
        return
    answer = json.loads(done.stdout)
    result.wall_s.append(round(wall_s, 3))
    result.work_s.append(round(answer.pop("seconds"), 4))
    result.peak_mib.append(answer.pop("peak_mib"))
    result.answer = answer


def _solve(path: str, limit_s: float, begin: float) -> dict[str, object]:
    import resource

    from mobility.fleet.check_matrix import check_matrix
    from mobility.fleet.matrix import read_mdvsp
    from mobility.fleet.multidepot import plan_matrix
    from mobility.stop import Seconds

    problem = read_mdvsp(path)
    plan = plan_matrix(problem, stop=Seconds(limit_s - (time.time() - begin) - _END_S))
    found = check_matrix(problem, plan)
    if found:
        raise SystemExit(f"the checker refuses the plan: {found[0]}")
    return {
        "seconds": plan.report.seconds,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "status": str(plan.report.status),
        "objective": plan.report.objective,
        "bound": plan.report.bound,
        "gap_percent": 100 * plan.report.gap,
        "vehicles": plan.vehicles,
        "vehicles_bound": plan.vehicles_bound,
    }


def main() -> None:
    """Run the family, or one case for the parent process."""
    if "--one" in sys.argv:
        path, limit_s, begin = sys.argv[sys.argv.index("--one") + 1 :][:3]
        print(json.dumps(_solve(path, float(limit_s), float(begin))))
        return
    if "--quick" in sys.argv:
        print(show(run(FAMILY[:1], (5.0,))))
        return
    results = run()
    print(show(results))
    print(f"written: {write('mdvsp', results).name}", file=sys.stderr)


if __name__ == "__main__":
    main()
