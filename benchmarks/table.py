"""Results as a table that people read: medians, spread, and the ratio to the peer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import results as kept
from benchmarks import signal_tables

if TYPE_CHECKING:
    from benchmarks.results import Result

README = Path(__file__).parent / "README.md"
_HEAD = """# Benchmarks

`make bench` (or `python -m benchmarks [feed|fleet|sdvsp|mdvsp|bars|charge|simulate|fares|caps|distributed|control|timing|growth|given|fast|signals ...] [--quick] [--again]`)
reruns what was measured on other code and writes this page (`--again`: all of it); `given.json` holds what optimising saves against the blocks of real feeds.
Sections at the end come from SUMO (`fast`, `signals`): means of paired runs, with what was driven kept row by row.
Every run is a fresh process, contenders take turns, and what counts is the ratio in one run: `ratio` is our
time over the peer's, whole process first, the work itself in brackets. Real feeds lie outside the project;
a case whose feed is not on the machine is left out and named. `cd benchmarks && asv run --python=same
--quick` tracks the main functions over versions, at three sizes and more; `mobility bench` runs small
comparisons in minutes and names the peers that are not installed. Cases: `cases.py`.
"""

_PEERS = {
    "load": "gtfs_kit_times",
    "trip statistics": "gtfs_kit_trip_statistics",
    "settle": "duckdb_numba",
}


def show(results: list[Result]) -> str:
    """Markdown: one row a contender, ``ratio`` is its time over the peer's, in the same run."""
    lines = [
        "| benchmark | case | contender | process s (min-max) | work s | peak MiB | ratio | answer |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in results:
        if not one.wall_s:
            lines.append(f"| {one.benchmark} | {one.case} | {one.contender} | | | | | {one.note} |")
            continue
        peak = str(max(one.peak_mib)) if one.peak_mib else ""
        work = f"{one.median_work_s:.3f}" if one.work_s else ""
        spread = f"{one.median_wall_s:.2f} ({min(one.wall_s):.2f}-{max(one.wall_s):.2f})"
        lines.append(
            f"| {one.benchmark} | {one.case} | {one.contender} | {spread} | {work} "
            f"| {peak} | {_ratio(one, results)} | {_answer(one)} |"
        )
    return "\n".join(lines)


def _ratio(one: Result, results: list[Result]) -> str:
    peer = next(
        (
            other
            for other in results
            if (other.benchmark, other.case) == (one.benchmark, one.case)
            and other.contender == _PEERS.get(one.benchmark)
            and other.wall_s
            and other.work_s
        ),
        None,
    )
    if peer is None or peer is one or not one.work_s:
        return ""
    whole = one.median_wall_s / peer.median_wall_s
    work = one.median_work_s / peer.median_work_s
    return f"{whole:.2f} (work {work:.4f})"


def _answer(one: Result) -> str:
    return ", ".join(
        f"{key} {value:.4f}" if isinstance(value, float) else f"{key} {value}"
        for key, value in one.answer.items()
    )


def write_readme(domains: list[str]) -> None:
    """Write ``benchmarks/README.md`` from the kept runs."""
    parts = [_HEAD]
    for domain in domains:
        run = kept.read(domain)
        if run is None:
            continue
        machine, results = run
        versions = ", ".join(f"{name} {one}" for name, one in machine["versions"].items())
        where = f"{machine['date']}, {machine['processor']}, {machine['cores']} cores, Python {machine['python']}"
        age = "" if kept.is_fresh(domain) else " Kept from other code or another machine."
        parts.append(f"## {domain}\n\n{where}; {versions}.{age}\n\n{show(results)}\n")
    parts += [part for one in signal_tables.FILES if (part := signal_tables.section(one))]
    README.write_text("\n".join(parts), "utf-8")
