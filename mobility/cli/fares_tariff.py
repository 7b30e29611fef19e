"""``mobility fares tariff``: what a tariff says, from a TOML file or from the fares of a feed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, options

if TYPE_CHECKING:
    from mobility.fares.problem import Tariff

Source = Annotated[
    str,
    typer.Argument(
        metavar="FEED_OR_TOML",
        help="A GTFS feed with fares (zip, folder), a tariff in TOML, or the name of a shipped one.",
    ),
]
Version = Annotated[
    str | None, typer.Option("--version", help="v1 or v2, where a feed has the fares of both.")
]
Currency = Annotated[
    str | None, typer.Option("--currency", help="ISO 4217, where a feed has prices in several.")
]
Category = Annotated[
    str | None, typer.Option("--category", help="rider_category_id of taps that name none.")
]
Medium = Annotated[
    str | None, typer.Option("--medium", help="fare_media_id of taps that name none.")
]
Gap = Annotated[
    int | None,
    typer.Option(
        "--journey-gap-s",
        help="Seconds between two rides of a journey, where the feed's rules set no limit (3600).",
    ),
]


def tariff(
    source: Source,
    as_json: options.Json = False,
    version: Version = None,
    currency: Currency = None,
    category: Category = None,
    medium: Medium = None,
    journey_gap_s: Gap = None,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Show a tariff: fares, transfers, caps, and what is of unknown fare.

    Exit 0: done; 1: findings of severity error, and the rest is shown; 2: no tariff.

    Examples:

      mobility fares tariff omny-2026

      mobility fares tariff gtfs_samples/odd/fares_v2 --json
    """
    del config  # read before the other options
    from mobility.cli.output import print_json
    from mobility.findings import has_errors

    asked = {
        "version": version,
        "currency": currency,
        "category": category,
        "medium": medium,
        "journey_gap_s": journey_gap_s,
    }
    found = open_tariff(source, quiet=quiet, **asked)
    if as_json:
        print_json(as_document(found))
    else:
        print(tell(found))
    return EXIT_FINDINGS if has_errors(found.findings) else EXIT_DONE


def open_tariff(source: str, *, quiet: bool = False, **asked: Any) -> Tariff:
    """Read a tariff: of a feed (a zip or a folder), of a TOML file, or a shipped one.

    Parameters
    ----------
    asked
        Arguments of :func:`mobility.fares.gtfs.tariff_from_feed`; None where not given.

    Raises
    ------
    ConfigError
        When there is no such tariff, or one of ``asked`` is given for a tariff of its own.
    """
    from mobility.cli.source import open_feed
    from mobility.errors import ConfigError
    from mobility.fares.gtfs import tariff_from_feed
    from mobility.fares.tariff_file import available_tariffs, read_tariff

    given = {name: value for name, value in asked.items() if value is not None}
    path = Path(source)
    is_feed = path.is_dir() or path.suffix.lower() == ".zip"
    if is_feed or (path.is_file() and path.suffix.lower() != ".toml"):
        return tariff_from_feed(open_feed(source, quiet=quiet), **given)
    if given:
        option = next(iter(given)).replace("_", "-")
        raise ConfigError(
            f"--{option} is for the fares of a feed, and {source} is none",
            mend="write it into the tariff",
        )
    if not path.exists() and source not in available_tariffs():
        from mobility import samples

        if source in (*samples.available, *samples.odd()):
            return tariff_from_feed(open_feed(source, quiet=quiet))
    return read_tariff(source)


def tell(found: Tariff) -> str:
    """A tariff in words."""
    from mobility.fares.gtfs import FeedTariff
    from mobility.fares.show import summary

    return str(found) if isinstance(found, FeedTariff) else summary(found)


def as_document(found: Tariff) -> dict[str, Any]:
    """A tariff as plain values for JSON: its rules as lists of rows."""
    from mobility.fares.gtfs import FeedTariff
    from mobility.fares.show import tables

    frames = found.tables if isinstance(found, FeedTariff) else tables(found)
    answer: dict[str, Any] = {
        "tariff": found.name,
        "currency": found.currency,
        "timezone": found.timezone,
        "default_category": found.default_category,
        "default_medium": found.default_medium,
    }
    if isinstance(found, FeedTariff):
        answer["fares_version"] = found.version
    for name, frame in frames.items():
        rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
        answer[name] = rows
    return answer | {"findings": [one.to_dict() for one in found.findings]}
