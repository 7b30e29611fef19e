"""``mobility fares settle|explain``: charges of taps, and why a card paid what it paid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, fares_caps, fares_tariff, options

if TYPE_CHECKING:
    from mobility.fares import Distributed, Ledger, Streamed

app = typer.Typer(
    help="Fares: taps into charges, exact to the last minor unit, by transfers and caps.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("tariff")(fares_tariff.tariff)
app.command("caps")(fares_caps.caps)
app.command("synthetic")(fares_caps.synthetic)

Taps = Annotated[
    Path,
    typer.Argument(
        metavar="TAPS", help="CSV or Parquet file of taps, or a folder of Parquet files."
    ),
]
TariffName = Annotated[
    str,
    typer.Option(
        "--tariff",
        help="A tariff file, the name of one that comes along, or a GTFS feed with fares.",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="No answer where a tap cannot be settled.")]
Key = Annotated[
    Path | None,
    typer.Option(
        "--pseudonymise", metavar="KEYFILE", help="Hash cards with this key while reading."
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster", metavar="ADDRESS", help="Dask scheduler, tcp://HOST:8786; needs --out."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", help="Processes of a cluster on this machine; needs --out.", min=1),
]
Keep = Annotated[
    Path | None,
    typer.Option(
        "--keep", help="Folder of finished parts that all workers see; a later run goes on from it."
    ),
]
_LARGE = 60_000_000  # taps: more are streamed


@app.command("settle")
def settle(
    taps: Taps,
    tariff: TariffName = "santiago",
    out: Annotated[
        Path | None, typer.Option("--out", help="Parquet or CSV file to write charges to.")
    ] = None,
    strict: Strict = False,
    pseudonymise: Key = None,
    cluster: Cluster = None,
    workers: Workers = None,
    keep: Keep = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Charge every tap, here or on a cluster (--cluster, --workers: Parquet files, the same charges).

    Exit 0: settled; 1: settled, but some taps could not be; 2: no answer.

    Examples:

      mobility fares settle gtfs_samples/tariffs/taps.csv --tariff santiago --out charges.parquet --json

      mobility fares settle gtfs_samples/tariffs/taps.csv --tariff gtfs_samples/santiago/tariff.toml --strict
    """
    del config
    from mobility import fares
    from mobility.cli.output import log, working
    from mobility.errors import ConfigError
    from mobility.fares.tap_files import may_write_file
    from mobility.findings import has_errors

    spread = cluster is not None or workers is not None
    if spread and (out is None or strict):
        raise ConfigError(
            "a cluster settles into a file, and leaves out taps that cannot be settled",
            mend="add --out charges.parquet, leave out --strict",
        )
    if out is not None and not spread:
        may_write_file(out)  # before the work, not after it
    rules = fares_tariff.open_tariff(tariff, quiet=quiet)
    key = fares.read_key(pseudonymise) if pseudonymise is not None else None
    if out is not None and not strict and (spread or _is_large(taps)):
        with working(f"settling {taps}", quiet=quiet):
            streamed: Distributed | Streamed
            if spread:
                streamed = fares.settle_dask(
                    taps, rules, out, cluster=cluster, workers=workers, work=keep, pseudonym_key=key,
                    progress=lambda phase, done, steps: log(f"{phase} {done}/{steps}", quiet=quiet),
                )  # fmt: skip
            else:
                streamed = fares.settle_files(taps, rules, out, pseudonym_key=key)
        log(str(streamed), quiet=quiet)
        _tell(
            {"tariff": rules.name, "currency": rules.currency, "totals": streamed.totals,
             "seconds": round(streamed.seconds, 3),
             "findings": [one.to_dict() for one in streamed.findings]},
            streamed.totals, rules.currency, list(streamed.findings), as_json=as_json, quiet=quiet,
        )  # fmt: skip
        return EXIT_FINDINGS if has_errors(streamed.findings) else EXIT_DONE
    with working(f"settling {taps}", quiet=quiet):
        ledger = fares.settle(taps, rules, strict=strict, pseudonym_key=key)
    if out is not None:
        with working(f"writing {out}", quiet=quiet):
            fares.write_charges(ledger, out)
    if not as_json:
        print(ledger)
    _tell(
        ledger.to_dict(),
        ledger.totals,
        rules.currency,
        list(ledger.findings),
        as_json=as_json,
        quiet=quiet,
    )
    if out is not None and not as_json:
        print(f"written: {out}")
    return EXIT_FINDINGS if has_errors(ledger.findings) else EXIT_DONE


@app.command("explain")
def explain(
    taps: Taps,
    card: Annotated[str, typer.Option("--card", help="The card, as the taps have it.")],
    tariff: TariffName = "santiago",
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Say line by line why a card paid what it paid.

    Examples:

      mobility fares explain gtfs_samples/tariffs/taps.csv --card 700000007 --tariff santiago

      mobility fares explain gtfs_samples/tariffs/taps.csv --card 700000007 --json
    """
    del config
    from mobility import fares
    from mobility.cli.output import print_json, working

    rules = fares_tariff.open_tariff(tariff, quiet=quiet)
    with working(f"settling {taps}", quiet=quiet):
        ledger = fares.settle(taps, rules)
    text = fares.explain(ledger, card)
    if as_json:
        print_json({"card": card, "lines": text.splitlines()})
    else:
        print(text)
    return EXIT_DONE


def _is_large(taps: Path) -> bool:
    """Whether taps are better streamed than read at once."""
    if taps.is_dir():
        return True
    if taps.suffix.lower() not in {".parquet", ".pq"} or not taps.is_file():
        return False
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return bool(pq.read_metadata(taps).num_rows > _LARGE)
    except pa.ArrowException:
        return False


def _tell(
    document: dict[str, Any],
    totals: dict[str, int],
    currency: str,
    found: list[Any],
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Print totals and findings: one JSON document, or a table."""
    from mobility.cli.output import print_findings, print_json, print_table
    from mobility.units import format_money

    if as_json:
        print_json(document)
        return
    money = {"nominal", "transfer_discount", "cap_discount", "charged"}
    rows = [
        (name.replace("_", " "), format_money(value, currency) if name in money else f"{value:,}")
        for name, value in totals.items()
    ]
    print_table(rows, columns=("", "in all"))
    print_findings(found, quiet=quiet)


def show_demo(ledger: Ledger) -> None:
    """What a synthetic month shows: Santiago's cap at work."""
    from mobility.units import format_money

    totals, money = ledger.totals, ledger.tariff.currency
    print(f"a synthetic month of taps: {ledger}")
    print(
        f"  the monthly cap holds {totals['capped_cards']:,} of {totals['cards']:,} cards: "
        f"{totals['capped_taps']:,} taps free or cut, {format_money(totals['cap_discount'], money)} saved"
    )
