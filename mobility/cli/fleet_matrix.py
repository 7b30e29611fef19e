"""What ``fleet blocks X.inp`` does: a cost matrix of the literature, planned, checked and shown."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, STARTED_S, options

if TYPE_CHECKING:
    from mobility.fleet.matrix import MatrixPlan

_MOST_BLOCKS = 20
_AROUND_S = 0.5  # what starting Python and writing the answer take


def is_matrix(source: str) -> bool:
    """Whether FEED is a cost matrix: a file that is no zip, as in ``m4n500s0.inp``."""
    path = Path(source)
    if path.suffix.lower() == ".inp":
        return True
    if not path.is_file() or path.suffix.lower() == ".zip":
        return False
    with path.open("rb") as file:
        head = file.read(64)
    return head[:2] != b"PK" and head.split()[:1] != [] and head.split()[0].isdigit()


def plan_matrix(
    source: str, *, seconds: float | None, work: int | None, gap: float | None, seed: int,
    as_json: bool, quiet: bool,
) -> int:  # fmt: skip
    """Read, plan, check and show; the exit code. ``seconds`` counts from the start of the command."""
    from mobility import fleet
    from mobility.cli.output import print_findings, print_json, working

    options.stop_from(seconds, work, gap)  # refuses what makes no sense before any work
    with working(f"reading {Path(source).name}", quiet=quiet):
        problem = fleet.read_mdvsp(source)
    if seconds is not None:
        seconds = max(seconds - (time.perf_counter() - STARTED_S) - _AROUND_S, 0.1)
    stop = options.stop_from(seconds, work, gap)
    with working(f"chaining {problem.trips:,} trips from {problem.depots} depots", quiet=quiet):
        answer = fleet.plan_blocks(problem, stop=stop, seed=seed)
    found = fleet.check(problem, answer)
    if as_json:
        print_json({**answer.to_dict(), "check": [one.to_dict() for one in found]})
    else:
        show_matrix(answer)
        print_findings(found)
    return EXIT_FINDINGS if answer.report.objective is None or found else EXIT_DONE


def show_matrix(answer: MatrixPlan) -> None:
    """Write to stdout what the blocks cost, what cannot be beaten, and the first blocks."""
    from mobility.cli.output import print_table

    print(answer)
    report = answer.report
    if report.objective is None:
        return
    rows = [("cost", f"{report.objective:,.0f}"), ("no plan can beat", f"{report.bound:,.0f}"),
            ("vehicles", f"{answer.vehicles:,} (at least {answer.vehicles_bound:,})")]  # fmt: skip
    print_table(rows)
    shown = [(one.depot, " ".join(map(str, one.trips))) for one in answer.blocks[:_MOST_BLOCKS]]
    print_table(shown, columns=("depot", "trips, both counted from 0"))
    if (rest := len(answer.blocks) - len(shown)) > 0:
        print(f"... and {rest} blocks more: --json lists all")
