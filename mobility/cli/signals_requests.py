"""``mobility signals requests``: positions of buses as requests for green."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, options

if TYPE_CHECKING:
    from mobility.signals import Asked


def requests(
    network: Annotated[
        str,
        typer.Argument(metavar="NETWORK", help="signals.toml, or the name of a sample."),
    ],
    realtime: Annotated[
        Path,
        typer.Option(
            "--realtime",
            help="VehiclePositions of GTFS-RT (.pb), or a table (.csv, .parquet): vehicle, trip, at, "
            "lat, lon; and speed_ms, load_percent.",
        ),
    ],
    feed: Annotated[
        str | None,
        typer.Option(
            "--feed", help="GTFS feed, or the name of a sample; by default the sample NETWORK."
        ),
    ] = None,
    date: Annotated[
        str, typer.Option("--date", help="Service date, YYYY-MM-DD, or busiest.")
    ] = "busiest",
    now: Annotated[
        str | None,
        typer.Option(
            "--now",
            help="HH:MM:SS or seconds of the service day; by default when the message was made.",
        ),
    ] = None,
    stale: Annotated[
        float, typer.Option("--stale", help="Older positions ask for nothing, s.", min=0)
    ] = 30.0,
    horizon: Annotated[
        float, typer.Option("--horizon", help="Signals reached later are asked later, s.", min=0)
    ] = 120.0,
    no_cache: options.NoCache = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Ask for green: which buses will be at which signal when, how late, with how many people.

    Positions that cannot be used (of the past, of unknown trips, off their route) are findings.

    Examples:

      mobility signals requests changsha --realtime gtfs_samples/positions.csv

      mobility signals requests changsha --realtime gtfs_samples/positions.csv --now 08:00:20 --json
    """
    del config
    from mobility import samples, signals
    from mobility.cli.output import print_findings, print_json, print_table, working
    from mobility.cli.signal_files import open_network
    from mobility.cli.source import open_feed
    from mobility.errors import ConfigError
    from mobility.findings import has_errors
    from mobility.units import format_time, parse_time

    asked = open_network(network)
    source = feed
    if source is None:
        if network not in samples.available:
            raise ConfigError("no feed says what trips run", mend="--feed FEED.zip")
        source = network
    now_s: float | None = None
    if now is not None:
        now_s = float(now) if now.isdigit() else float(parse_time(now))
    day = open_feed(source, cache=not no_cache, quiet=quiet).day(date)
    with working(f"reading {realtime.name}", quiet=quiet):
        found = signals.requests(
            realtime, asked, day, now_s=now_s, stale_s=stale, horizon_s=horizon
        )
    if as_json:
        print_json({"date": str(day.date), **found.to_dict()})
    else:
        print(f"{format_time(int(found.now_s))} of {day.date}, {found}")
        print_table(
            [
                (one.id, one.kind, one.signal, one.group, _window(one, found.now_s), f"{one.late_s / 60:.1f}",
                 f"{one.headway_gap_s / 60:.1f}", round(one.people))
                for one in found
            ],
            columns=("vehicle", "kind", "signal", "group", "there in s", "late min",
                     "headway gap min", "people"),
        )  # fmt: skip
        print_findings(found.findings, quiet=quiet)
    return EXIT_FINDINGS if has_errors(found.findings) else EXIT_DONE


def _window(one: Asked, now_s: float) -> str:
    """Say from now until when it may be there."""
    return f"{one.eta_s - now_s:.0f} to {one.eta_until_s - now_s:.0f}"
