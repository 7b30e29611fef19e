"""``mobility demo``: Santiago's sample end to end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mobility.cli import options


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.", file_okay=False)] = Path(
        "mobility-demo"
    ),
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Plan Santiago's sample: feed, blocks, battery, charging, check; then say what was written.

    Examples:

      mobility demo

      mobility demo --out /tmp/santiago --json
    """
    from mobility import samples
    from mobility.cli import fleet
    from mobility.cli.output import log

    log("Santiago's sample: synthetic, shaped after published figures", quiet=quiet)
    code = fleet.plan(
        feed="santiago",
        case=samples.case("santiago", "fleet.toml"),
        date="2025-06-04",  # a winter day: the peak-hour demand charge counts
        out=out,
        as_json=as_json,
        quiet=quiet,
    )
    log(f"next: `mobility fleet check {out}`, `mobility fleet plan YOUR_FEED.zip`", quiet=quiet)
    return code
