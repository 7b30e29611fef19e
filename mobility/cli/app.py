"""The tree of commands, one thin file a domain."""

from __future__ import annotations

from typing import Annotated

import typer

from mobility import __version__
from mobility.cli import (
    cache,
    demo,
    explain,
    fares,
    feed,
    fleet,
    samples,
    signals,
    signals_preempt,
    warmup,
)

app = typer.Typer(
    name="mobility",
    help="GTFS in, decisions out: each with a proven bound and an independent check.",
    epilog="Start here: `mobility demo`, then `mobility fleet plan YOUR_FEED.zip`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(feed.app, name="feed")
app.add_typer(fleet.app, name="fleet")
app.add_typer(fares.app, name="fares")
signals.app.command("preempt")(signals_preempt.preempt)
app.add_typer(signals.app, name="signals")
app.add_typer(samples.app, name="samples")
app.add_typer(cache.app, name="cache")
app.command("explain")(explain.explain)
app.command("warmup")(warmup.warmup)
app.command("demo")(demo.demo)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mobility {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """GTFS in, decisions out: each with a proven bound and an independent check."""
