"""``mobility signals corridor|counts``: what a planner has, as what the engine needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, options
from mobility.cli.source import FeedSource


def corridor(
    feed: FeedSource,
    signals_csv: Annotated[
        Path,
        typer.Argument(
            metavar="SIGNALS.csv", help="signal, lat, lon; and name, cycle_s, offset_s, splits."
        ),
    ],
    route: Annotated[str, typer.Option("--route", help="The route along which they stand.")],
    date: Annotated[str, typer.Option("--date", help="A date, typical, or busiest.")] = "typical",
    near: Annotated[float, typer.Option("--near", help="From the route to a signal, m.")] = 30.0,
    out: Annotated[
        Path | None, typer.Option("--out", help="CSV or Parquet: every bus at every signal.")
    ] = None,
    network: Annotated[
        Path | None,
        typer.Option("--network", help="signals.toml to write, of the list's cycles and splits."),
    ] = None,
    no_cache: options.NoCache = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Find every bus that passes a list of signals along a route, when, and what lies between.

    Exit 1: the route does not pass all of them.

    Examples:

      mobility signals corridor changsha gtfs_samples/changsha/signals.csv --route C1

      mobility signals corridor incheon gtfs_samples/incheon/signals.csv --route I1 --json
    """
    del config
    from mobility import signals
    from mobility.cli.output import print_findings, print_json, print_table
    from mobility.cli.source import open_feed
    from mobility.errors import ConfigError
    from mobility.findings import has_errors
    from mobility.units import format_time

    if not 0 < near < float("inf"):
        raise ConfigError(f"--near cannot be {near:g}", mend="a distance in m, as in --near 30")

    day = open_feed(feed, cache=not no_cache, quiet=quiet).day(date)
    found = signals.corridor_from_feed(day, route, signals_csv, near_m=near)
    if out is not None:
        signals.write_passes(found, out)
    if network is not None:
        signals.write_network(found.network(), network)
    if as_json:
        print_json(found.to_dict())
    else:
        print(f"{day.headline}\n{found}")
        print_table(
            [
                (row["signal"], row["route_id"], row["direction_id"], row["approach"],
                 row["movement"], row["buses"], format_time(row["first_s"]),
                 format_time(row["last_s"]),
                 "" if row["headway_s"] is None else f"{row['headway_s'] / 60:.1f}")
                for row in found.to_dict()["lines"]
            ],
            columns=("signal", "route", "direction", "from", "movement", "buses", "first", "last",
                     "headway min"),
        )  # fmt: skip
        for one in found.assumptions:
            print(f"assumed: {one}")
        print_findings(found.findings, quiet=quiet)
    return EXIT_FINDINGS if has_errors(found.findings) else EXIT_DONE


def counts(
    network: Annotated[
        str, typer.Argument(metavar="NETWORK", help="As for check; its groups name the movements.")
    ],
    counts_file: Annotated[
        Path,
        typer.Argument(
            metavar="COUNTS", help="signal, approach, movement, date, from_s, to_s, vehicles."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="CSV or Parquet: the volume of every movement.")
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Turn 15-minute turning counts into volumes; turns that nobody counted are fitted.

    Examples:

      mobility signals counts changsha gtfs_samples/turns.csv

      mobility signals counts changsha gtfs_samples/turns.csv --out volumes.csv --json
    """
    del config
    from mobility import signals
    from mobility.cli.output import print_findings, print_json, print_table
    from mobility.cli.signal_files import open_network
    from mobility.findings import has_errors

    found = signals.volumes_of_counts(
        open_network(network), signals.read_counts(counts_file), whole_counts=True
    )
    if out is not None:
        signals.write_volumes(found, out)
    if as_json:
        print_json(found.to_dict())
    else:
        print(found)
        print_table(
            [(row["kind"], row["place"], round(row["wanted_h"]), round(row["found_h"]),
              round(row["geh"], 1))
             for row in sorted(found.to_dict()["residuals"], key=lambda row: -row["geh"])],
            columns=("sum", "place", "wanted an hour", "found an hour", "GEH"),
        )  # fmt: skip
        print_findings(found.findings, quiet=quiet)
    return EXIT_FINDINGS if has_errors(found.findings) else EXIT_DONE
