"""``python -m benchmarks.given [case ...]``: what optimising saves against the blocks of real feeds.

Feeds that fill block_id; the result, kept in ``results/given.json``, is what ``fleet.savings`` says of
their typical day: under the rules inferred from the given blocks first, then under the default case's.
"""

from __future__ import annotations

import json
import resource
import sys
import time

from benchmarks import cases, fresh
from benchmarks.results import RESULTS, machine

GIVEN = ("plan_hart", "plan_trimet2")


def compare(name: str) -> dict[str, object]:
    """One feed's typical day: the comparison, what it took, and the checker's verdict on all three."""
    from mobility import fleet
    from mobility.feed import read_feed

    problem = fleet.problem(read_feed(cases.feed_path(name)).day("typical"))
    fleet.savings(problem)  # compiles; the second run is the measured one
    start, used = time.perf_counter(), time.process_time()
    answer = fleet.savings(problem)
    wall_s, cpu_s = time.perf_counter() - start, time.process_time() - used
    print(f"{name}: {answer}")
    plans = {"given": answer.given, "inferred": answer.by_inferred, "case": answer.by_case}
    return {
        "case": name,
        "date": str(problem.date),
        "wall_s": round(wall_s, 3),
        "cpu_s": round(cpu_s, 3),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "check": {
            rules: [one.to_dict() for one in fleet.check(plan.problem, plan)]
            for rules, plan in plans.items()
        },
        "savings": answer.to_dict(),
    }


def keep(asked: list[str] | None = None) -> None:
    """Compare the named cases, all by default, and keep the result of all."""
    missing = set(cases.missing("fleet"))
    for name in asked or GIVEN:
        if name in missing:
            print(f"left out: {name}, its feed is not on this machine", file=sys.stderr)
    found = [compare(name) for name in asked or GIVEN if name not in missing]
    if not found or asked:
        return
    path = RESULTS / "given.json"
    building = path.with_suffix(".building")
    document = {"machine": machine(), "code": fresh.code("given"), "results": found}
    building.write_text(json.dumps(document, indent=1, default=str) + "\n", "utf-8")
    building.rename(path)


def main() -> None:
    """Compare the cases that the command line names."""
    keep(sys.argv[1:])


if __name__ == "__main__":
    main()
