"""FEED on the command line: a path, or the name of a sample."""

from __future__ import annotations

from difflib import get_close_matches
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
    """Path of a feed: what lies there, else the sample of that name.

    Raises
    ------
    TableError
        When there is neither.
    """
    path = Path(source)
    if path.exists():
        return path
    from mobility import samples
    from mobility.errors import TableError

    known = (*samples.available, *samples.odd())
    if source in known:
        return samples.path(source)
    near = get_close_matches(source, known, n=1)
    raise TableError(
        f"{source}: there is no such file or folder",
        mend=f"did you mean the sample {near[0]!r}?" if near else
        f"check the path, or name a sample: {', '.join(samples.available)}",
    )  # fmt: skip


def open_feed(source: str, *, cache: bool = True, quiet: bool = False) -> Feed:
    """Read a feed, and say on a terminal that it is being read."""
    from mobility.cli.output import working
    from mobility.feed import read_feed

    path = feed_path(source)
    with working(f"reading {path.name}", quiet=quiet):
        return read_feed(path, cache=cache)
