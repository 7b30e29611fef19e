"""FEED on the command line: a path, or the name of a sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mobility.feed import Feed

FeedSource = Annotated[
    str,
    typer.Argument(
        metavar="FEED", help="Zip or folder of a GTFS feed, or the name of a sample (santiago)."
    ),
]


def feed_path(source: str) -> Path:
    """Path of a feed: what lies there, else the sample of that name, else the path as given."""
    path = Path(source)
    if not path.exists():
        from mobility import samples

        if source in (*samples.available, *samples.odd()):
            return samples.path(source)
    return path


def open_feed(source: str, *, cache: bool = True, quiet: bool = False) -> Feed:
    """Read a feed, and say on a terminal that it is being read."""
    from mobility.cli.output import working
    from mobility.feed import read_feed

    path = feed_path(source)
    with working(f"reading {path.name}", quiet=quiet):
        return read_feed(path, cache=cache)
