"""``mobility bench``: ours beside what a person would pick instead, in one run, as ratios."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mobility.cli import EXIT_DONE, EXIT_NO_ANSWER, options
from mobility.errors import ConfigError

CHECKOUT = Path(__file__).parents[2]
# What each comparison stands beside: package, whether it comes with the engine, and what it does here.
PEERS = (
    ("gtfs-kit", "gtfs_kit", "feed: reads a feed, times as seconds; statistics of trips"),
    ("partridge", "partridge", "feed: reads a feed"),
    ("scipy", "scipy", "sdvsp: dense matching of trips"),
    ("ortools", "ortools", "sdvsp: its flow on the textbook network; charge: MathOpt with HiGHS"),
    ("duckdb", "duckdb", "fares: sorts taps for a hand-written numba walk"),
    ("polars", "polars", "fares: the same with polars"),
    ("pandas", "pandas", "fares: the same with pandas"),
    ("numpy", "numpy", "simulate: a replay in whole arrays"),
    ("ortools", "ortools", "control: CP-SAT, exact; timing: SCIP and HiGHS on the same bands"),
    (
        "libsumo",
        "libsumo",
        "signals: the microsimulator with its own controllers; fast: beside the model",
    ),
)
DEFAULT = ("feed", "sdvsp", "charge", "simulate", "fares", "control", "timing", "fast", "signals")


def bench(
    domains: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DOMAIN]...", help=f"Comparisons to run: {', '.join(DEFAULT)} ..."),
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Only name the peers, and which are not installed.")
    ] = False,
    full: Annotated[
        bool,
        typer.Option("--full", help="At full size, kept in benchmarks/results and its README."),
    ] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Run comparisons with other tools: small ones in minutes, all at full size with --full.

    Each contender runs in a fresh process on this machine; what counts are ratios in one run. Peers are optional
    (`pip install --group bench`); one that is missing is named. Needs a checkout: the wheel has no benchmarks.

    Examples:

      mobility bench --list

      mobility bench --list --json
    """
    from mobility.cli.output import log, print_json, print_table

    peers = [_peer(*one) for one in PEERS]
    if list_:
        if as_json:
            print_json({"peers": peers})
        else:
            print_table(
                [(one["peer"], one["version"] or "not installed", one["role"]) for one in peers],
                columns=("peer", "version", "what it does here"),
            )
        return EXIT_DONE
    if not (CHECKOUT / "benchmarks" / "__main__.py").is_file():
        raise ConfigError(
            "the benchmarks are not part of an installed package",
            mend="run it from a checkout of the project",
        )
    for one in peers:
        if one["version"] is None:
            log(f"{one['peer']} is not installed: its rows say so", quiet=quiet)
    command = [sys.executable, "-m", "benchmarks", *(domains or DEFAULT)]
    command += [] if full else ["--quick"]
    command += ["--json"] if as_json else []
    done = subprocess.run(
        command, cwd=CHECKOUT, check=False, stderr=subprocess.DEVNULL if quiet else None
    )
    return EXIT_DONE if done.returncode == 0 else EXIT_NO_ANSWER


def _peer(name: str, module: str, role: str) -> dict[str, Any]:
    from importlib.metadata import PackageNotFoundError, version
    from importlib.util import find_spec

    found: str | None = None
    if find_spec(module) is not None:
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "unknown"
    return {"peer": name, "version": found, "role": role}
