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
    """Plan Santiago's sample: feed, blocks, battery, charging, check; settle a synthetic month of taps.

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
    if not as_json:
        _settle_month()
    log(f"next: `mobility fleet check {out}`, `mobility fleet plan YOUR_FEED.zip`", quiet=quiet)
    return code


def _settle_month() -> None:
    """Show Santiago's monthly cap at work on a synthetic month of taps."""
    from mobility import fares
    from mobility.cli.fares import show_demo

    show_demo(fares.settle(fares.synthetic_taps(2_000, seed=0), "santiago-2025"))
