"""``python -m benchmarks [DOMAIN ...] [--quick] [--again]``: run the comparisons, print and keep the ratios.

Domains: feed, fleet (plans of real feeds), sdvsp and mdvsp (blocks beside peers and the literature), bars
(electric blocks of made-up cities), charge (tables of stays), simulate (scenarios), fares (taps beside table
engines), caps (policies rated, searches proved, a month forecast), distributed (taps on a cluster of this
machine), control (a second of control, its gap to the exact optimum), timing (bands proved, what the descent gains),
growth (cost against size, with fitted exponents), given (a feed's own blocks), fast (the fast model beside SUMO),
signals (plans and controllers in SUMO). Without a name every one runs whose kept result is not of this code and
this machine: so a run that was cut short goes on, and one that ends has measured all of it. ``--again`` runs all, in
an hour and a half, signals and fast in hours more. ``--list`` names them.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import (
    bars,
    caps,
    cases,
    charge,
    control,
    distributed,
    fares,
    given,
    growth,
    mdvsp,
    sdvsp,
    side_by_side,
    signal_tables,
    simulate,
    timing,
)
from benchmarks.results import RESULTS, Result, is_fresh, machine, write
from benchmarks.table import show, write_readme


def feed(*, quick: bool) -> list[Result]:
    """Loading and trip statistics against gtfs_kit (and partridge, where it is installed)."""
    runs = 2 if quick else 3
    results: list[Result] = []
    for case in cases.names("feed", slow=not quick)[: 1 if quick else None]:
        # partridge needs a minute and a half on the largest: once would be too much.
        peers = ["gtfs_kit_times"] + ([] if cases.case(case).slow else ["partridge_load"])
        _fill_cache(case)
        results += side_by_side.run("load", case, ["ours_cold", "ours_cached", *peers], runs)
        if not cases.case(case).slow:
            both = ["ours_trip_statistics", "gtfs_kit_trip_statistics"]
            results += side_by_side.run("trip statistics", case, both, 1 if quick else 3)
    return results


def fleet(*, quick: bool) -> list[Result]:
    """The main job: a day's blocks and charging, with its gap and the checker's verdict."""
    results: list[Result] = []
    for case in cases.names("fleet"):
        _fill_cache(case)
        results += side_by_side.run("plan", case, ["ours_plan"], 1 if quick else 3)
    return results


def blocks(*, quick: bool) -> list[Result]:
    """Single-depot blocks: ours, the flow alone, and peers on the same city."""
    sizes = sdvsp.SIZES[:1] if quick else (sdvsp.SIZES[0], sdvsp.SIZES[-1])
    return [one for trips, places in sizes for one in sdvsp.results(trips, places)]


def depots(*, quick: bool) -> list[Result]:
    """Multi-depot blocks of the classic family."""
    return mdvsp.run(mdvsp.FAMILY[:1], (5.0,)) if quick else mdvsp.run()


DOMAINS = {
    "feed": feed,
    "fleet": fleet,
    "sdvsp": blocks,
    "mdvsp": depots,
    "bars": bars.run,
    "charge": charge.run,
    "simulate": simulate.run,
    "fares": fares.run,
    "caps": caps.run,
    "distributed": distributed.run,
    "control": control.run,
    "timing": timing.run,
    "growth": growth.run,
}

# These keep documents of their own.
OWN = {"given": given.keep, "fast": signal_tables.fast, "signals": signal_tables.signals}


def _older() -> list[str]:
    """Comparisons whose kept result is of other code or of another machine; the others are named.

    ``signals`` knows this for each of its rows, so it is always among them.
    """
    told = []
    for domain in (*DOMAINS, *OWN):
        path = RESULTS / signal_tables.FILES[domain] if domain in signal_tables.FILES else None
        if domain != "signals" and is_fresh(domain, path):
            print(f"kept: {domain}, measured on this code", file=sys.stderr)
        else:
            told.append(domain)
    return told


def _fill_cache(case: str) -> None:
    side_by_side.run("fill", case, ["ours_cached"], 1)


def main() -> None:
    """Run what was asked for; everything by default."""
    named = [one for one in sys.argv[1:] if not one.startswith("-")]
    quick, as_json = "--quick" in sys.argv, "--json" in sys.argv
    if "--list" in sys.argv:
        print(*DOMAINS, *OWN, sep="\n")
        return
    if unknown := [one for one in named if one not in (*DOMAINS, *OWN)]:
        raise SystemExit(
            f"no comparison is called {unknown[0]!r}: there are {', '.join((*DOMAINS, *OWN))}"
        )
    asked = named or [*DOMAINS, *OWN]
    if not (named or quick or "--again" in sys.argv):
        asked = _older()
    kept: list[Result] = []
    for domain in asked:
        if domain == "given" or (domain in OWN and not quick):
            OWN[domain]()
            write_readme(list(DOMAINS))
            continue
        for name in cases.missing(domain):
            print(f"left out: {name}, its feed is not on this machine", file=sys.stderr)
        results = DOMAINS[domain](quick=quick) if domain in DOMAINS else signal_tables.quick(domain)
        path = None if quick else write(domain, results)
        kept += results
        if not as_json:
            print(show(results), flush=True)
        if path is not None:
            write_readme(list(DOMAINS))
            print(f"written: {path.relative_to(Path.cwd())} and README.md", file=sys.stderr)
    if as_json:
        print(
            json.dumps({"machine": machine(), "results": [asdict(one) for one in kept]}, indent=1)
        )


if __name__ == "__main__":
    main()
