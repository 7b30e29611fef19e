"""``mobility report``: results as one page to hand on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mobility.cli import EXIT_DONE, options


def report(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULT...",
            help="Folders that `fleet plan`, `simulate`, `size` ... `--out` wrote, and JSON of `fleet`, "
            "`fares` and `signals` commands; one of a kind.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="HTML file to write to.", dir_okay=False)
    ] = Path("report.html"),
    before: Annotated[
        list[Path] | None,
        typer.Option(
            "--before", help="An earlier result to compare with; may be given several times."
        ),
    ] = None,
    feed: Annotated[
        str | None,
        typer.Option("--feed", help="The plan's feed, where it has moved; or a sample's name."),
    ] = None,
    case: Annotated[
        Path | None, typer.Option("--case", help="The plan's case file, where it has moved.")
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            "--network",
            help="The signal plan's: signals.toml, a net of SUMO, or the name of a sample.",
        ),
    ] = None,
    title: Annotated[
        str | None, typer.Option("--title", help="By default the agency's name.")
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Make one HTML page of results: figures, map, vehicles, energy, fares, signals, findings, sources.

    The page opens from a disk, without a network, and prints.

    Examples:

      mobility report plan --out report.html

      mobility report plan --before plan --out report.html --json
    """  # fmt: skip
    del config
    from datetime import UTC, datetime

    from mobility.cli.output import log, print_json, working
    from mobility.cli.signal_files import open_network
    from mobility.cli.source import feed_path
    from mobility.report import make_page

    with working("making the page", quiet=quiet):
        page = make_page(
            results, before=before or (), feed=None if feed is None else feed_path(feed), case=case,
            network=None if network is None else open_network(network), title=title,
            made=datetime.now(UTC).date(),
        )  # fmt: skip
        path = page.write(out)
    size = path.stat().st_size
    if as_json:
        print_json({
            "written": str(out), "bytes": size, "title": page.title,
            "tabs": [name for name, _ in page.tabs],
            "figures": [{"id": one.id, "tab": one.tab, "rows": len(one.table)} for one in page.figures],
        })  # fmt: skip
        return EXIT_DONE
    print(page)
    wrong = [one for part in page.parts for one in part.findings if one.get("severity") == "error"]
    if wrong:
        print(
            f"{len(wrong):,} errors among the findings, {wrong[0].get('code')} first: the page says so"
        )
    print(f"written: {out} ({size / 1e6:.1f} MB)")
    log("open it in any browser; it needs no network", quiet=quiet)
    return EXIT_DONE
