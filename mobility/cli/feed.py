"""``mobility feed check|info``: what is wrong with a feed, and what it holds."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, EXIT_NO_ANSWER, options
from mobility.cli.source import FeedSource, open_feed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobility.findings import Finding

app = typer.Typer(
    help="Look at a GTFS feed: what it holds, and what is wrong with it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Strict = Annotated[bool, typer.Option("--strict", help="Count warnings as errors.")]
Date = Annotated[
    str | None,
    typer.Option("--date", help="Also this day's trips: 2025-03-05, typical or busiest."),
]


@app.command("check")
def check(
    feed: FeedSource,
    as_json: options.Json = False,
    strict: Strict = False,
    no_cache: options.NoCache = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Say what is wrong with a feed, where, and how to mend it.

    Exit 0: nothing, or warnings only; 1: errors, and the rest can be computed all the same; 2: the
    feed cannot be computed with.

    Examples:

      mobility feed check gtfs_samples/santiago

      mobility feed check gtfs_samples/santiago --strict --json
    """
    del config  # read before the other options
    from mobility.cli.output import print_findings, print_json
    from mobility.errors import TableError
    from mobility.feed.rules import ordered

    refused: TableError | None = None
    try:
        findings = ordered(open_feed(feed, cache=not no_cache, quiet=quiet).findings)
    except TableError as error:
        if not error.findings and not as_json:
            raise
        refused = error
        findings = list(error.findings)  # the fatal one stays in front
    status = "refused" if refused else _status(findings)
    if as_json:
        answer: dict[str, Any] = {"feed": feed, "status": status, "counts": _counts(findings)}
        if refused:
            answer["reason"] = refused.message
        print_json(answer | {"findings": [one.to_dict() for one in findings]})
    else:
        print_findings(findings, quiet=quiet)
        print(_headline(feed, status, findings))
    if refused:
        return EXIT_NO_ANSWER
    return EXIT_FINDINGS if status == "error" or (strict and status == "warn") else EXIT_DONE


@app.command("info")
def info(
    feed: FeedSource,
    date: Date = None,
    as_json: options.Json = False,
    no_cache: options.NoCache = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> None:
    """Count what a feed holds, and name the dates it covers.

    Examples:

      mobility feed info gtfs_samples/santiago

      mobility feed info gtfs_samples/santiago --date busiest --json
    """
    del config
    from mobility.cli.output import print_json, print_table

    read = open_feed(feed, cache=not no_cache, quiet=quiet)
    found = read.info()
    day = read.day(date) if date else None
    if as_json:
        if day is not None:
            found["day"] = {
                "date": str(day.date),
                "trips": len(day.trips),
                "headline": day.headline,
                "assumptions": list(day.assumptions),
            }
        print_json({"feed": feed, **found})
        return
    # Text on both sides, so that counts and dates stand in one column.
    print_table([(name.replace("_", " "), _shown(value)) for name, value in found.items()])
    if day is not None:
        print(day.headline)


def _status(findings: Sequence[Finding]) -> str:
    severities = {str(one.severity) for one in findings}
    return "error" if "error" in severities else "warn" if "warning" in severities else "ok"


def _counts(findings: Sequence[Finding]) -> dict[str, int]:
    counted = Counter(str(one.severity) for one in findings)
    return {name: counted[name] for name in ("error", "warning", "info")}


def _headline(feed: str, status: str, findings: Sequence[Finding]) -> str:
    counts = ", ".join(
        f"{count} {name}{'s' if count != 1 and name != 'info' else ''}"
        for name, count in _counts(findings).items()
        if count
    )
    said = {
        "ok": "nothing wrong",
        "warn": "can be computed with",
        "error": "can be computed with, errors aside",
        "refused": "cannot be computed with",
    }[status]
    return f"{feed}: {said} ({counts})" if counts else f"{feed}: {said}"


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {count:,}" for key, count in value.items()) or "none"
    if isinstance(value, list | tuple):
        return " to ".join(str(one) for one in value)
    return f"{value:,}" if isinstance(value, int) else str(value)
