"""``mobility fleet export``: a written plan as files that other systems read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mobility.cli import EXIT_DONE, options
from mobility.cli.fleet_ask import Case
from mobility.cli.fleet_simulate import Feed, PlanFolder, read_again


def export(
    plan: PlanFolder,
    feed: Feed = None,
    case: Case = None,
    tods: Annotated[
        Path | None,
        typer.Option("--tods", help="Folder for TODS v2.1 supplement files.", show_default=False),
    ] = None,
    ocpp: Annotated[
        Path | None,
        typer.Option(
            "--ocpp", help="Folder for OCPP 1.6 and 2.0.1 charging profiles.", show_default=False
        ),
    ] = None,
    as_json: options.Json = False,
    no_cache: options.NoCache = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Write a plan's blocks as TODS supplement files, and its charging as OCPP profiles.

    The TODS files belong to the feed that `fleet plan --out` wrote beside the plan.

    Examples:

      mobility fleet export plan --tods tods --ocpp profiles

      mobility fleet export plan gtfs_samples/santiago --tods tods --json
    """  # fmt: skip
    del config
    from mobility import fleet
    from mobility.cli.output import log, print_json
    from mobility.errors import ConfigError
    from mobility.fleet.tods import too_early

    if tods is None and ocpp is None:
        raise ConfigError("nothing to write", mend="--tods FOLDER, --ocpp FOLDER, or both")
    _, read, _, day = read_again(plan, feed, case, no_cache=no_cache, quiet=quiet)
    written: dict[str, list[str]] = {}
    if tods is not None:
        folder = fleet.write_tods(read, tods, day=day)
        written["tods"] = sorted(one.name for one in folder.iterdir())
        if early := too_early(read):
            log(f"{len(early)} pull-outs begin before the service day and are left out: {early[0]!r} first",
                quiet=quiet)  # fmt: skip
    if ocpp is not None:
        folder = fleet.write_ocpp(read, ocpp)
        written["ocpp"] = sorted(str(one.relative_to(folder)) for one in folder.rglob("*.json"))
    if as_json:
        print_json(written)
    else:
        for name, place in (("tods", tods), ("ocpp", ocpp)):
            if place is not None:
                print(f"written: {place} ({len(written[name])} files)")
    return EXIT_DONE
