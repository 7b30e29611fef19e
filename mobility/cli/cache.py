"""``mobility cache clear``: where compiled feeds are kept, and how to drop them."""

from __future__ import annotations

import typer

from mobility.cli import options

app = typer.Typer(help="Compiled feeds on disk.", no_args_is_help=True)


@app.callback()
def cache() -> None:
    """Look at, or drop, the compiled feeds on disk."""


@app.command()
def info(as_json: options.Json = False) -> None:
    """Say where compiled feeds are kept and how much they hold.

    Examples:

      mobility cache info

      mobility cache info --json
    """
    from mobility.cli.output import print_json, print_table
    from mobility.feed import cache as compiled

    kept = compiled.contents()
    if as_json:
        print_json(kept)
    else:
        print_table(
            [("folder", kept["folder"]), ("feeds", kept["feeds"]), ("bytes", kept["bytes"])]
        )


@app.command()
def clear(as_json: options.Json = False) -> None:
    """Drop every compiled feed; the next reading compiles anew.

    Examples:

      mobility cache clear

      mobility cache clear --json
    """
    from mobility.cli.output import print_json
    from mobility.feed import cache as compiled

    dropped = compiled.clear()
    if as_json:
        print_json(dropped)
    else:
        print(f"{dropped['feeds']} compiled feeds dropped, {dropped['bytes']:,} bytes")
