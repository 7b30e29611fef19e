"""What fleet commands are asked: their options, and the problem that these make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mobility.cli import options
from mobility.cli.source import open_feed

if TYPE_CHECKING:
    from mobility.feed import ServiceDay
    from mobility.fleet import Problem, Shifted
    from mobility.stop import Stop

Case = Annotated[
    Path | None,
    typer.Option(
        "--case", help="fleet.toml: depots, buses, chargers, prices, rules.", dir_okay=False
    ),
]
Date = Annotated[
    str | None,
    typer.Option(
        "--date", help="2025-03-05, typical or busiest; by default the case's, or typical."
    ),
]
Modes = Annotated[
    str | None,
    typer.Option("--modes", help="GTFS route types, as in 3,11; by default the bus types."),
]
Blocks = Annotated[
    str,
    typer.Option(
        "--blocks", help="optimise, given (keep the feed's blocks) or keep-filled (fill the gaps)."
    ),
]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", help="Draw the plan into this file (PNG, SVG, PDF).", dir_okay=False),
]
Parquet = Annotated[
    bool, typer.Option("--parquet", help="With --out: the tables as Parquet too, with units.")
]
Shift = Annotated[
    int | None,
    typer.Option(
        "--shift", help="Let departures of headway services move by so many seconds either way."
    ),
]


def ask(
    feed: str,
    case: Path | None,
    date: str | None,
    modes: str | None,
    seed: int,
    *,
    no_cache: bool,
    quiet: bool,
) -> tuple[ServiceDay, Problem]:
    """Read the feed, choose the day, and make its problem with the case."""
    from mobility import fleet
    from mobility.cli.output import log
    from mobility.fleet.case import read_case

    wanted = route_types(modes)
    asked = date or (read_case(case)[0].service.date if case else None) or "typical"
    read = open_feed(feed, cache=not no_cache, quiet=quiet)
    if read.errors:
        log(
            f"the feed has {len(read.errors)} findings of severity error: "
            f"`mobility feed check {feed}` lists them",
            quiet=quiet,
        )
    day = read.day(asked)
    return day, fleet.problem(day, case=case, modes=wanted, seed=seed)


def block_mode(text: str) -> Any:
    """Check how the feed's blocks are to be used."""
    from mobility.errors import ConfigError
    from mobility.fleet.runs import MODES

    if text not in MODES:
        raise ConfigError(f"--blocks cannot be {text!r}", mend=f"one of {', '.join(MODES)}")
    return text


def route_types(text: str | None) -> list[int] | None:
    """Route types of a list by comma."""
    return None if text is None else options.list_of(int, text, "--modes", "3,11")


def source_of(feed: str, case: Path | None, day: ServiceDay, modes: str | None) -> dict[str, Any]:
    """Where a plan comes from, so that it can be checked again."""
    from mobility.cli.source import feed_path

    path = feed_path(feed)
    return {
        "feed": str(path.resolve()),
        "sha256": day.feed.sha256,
        "case": str(case.resolve()) if case else None,
        "date": day.date.isoformat(),
        "modes": modes,
    }


def shifted(
    problem: Problem, day: ServiceDay, most_s: int | None, stop: Stop | None, *, quiet: bool
) -> tuple[Problem, ServiceDay, Shifted | None]:
    """Move headway departures where the case or ``--shift`` allows it: the problem and day as moved."""
    from dataclasses import replace

    from mobility import fleet
    from mobility.cli.output import log, working

    asked = problem if most_s is None else problem.replace(**{"rules.shift_s": most_s})
    if asked.rules.shift_s + asked.rules.phase_s == 0:
        return problem, day, None
    if not problem.trips["headway"].any():
        log("no trip is of a headway service: nothing moves", quiet=quiet)
        return problem, day, None
    with working("moving headway departures", quiet=quiet):
        found = fleet.shift(asked, stop=stop)
    times = found.problem.trips.set_index("trip_id")[["depart_s", "arrive_s"]]
    trips = day.trips.set_index("trip_id")
    trips.update(times)
    trips = trips.reset_index().astype({"depart_s": "int32", "arrive_s": "int32"})
    moved = trips[day.trips.columns].sort_values(["depart_s", "trip_id"], ignore_index=True)
    return found.problem, replace(day, trips=moved), found
