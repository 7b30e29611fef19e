"""``read_feed``: a zip, a folder or a ``gtfs_kit.Feed`` in, a checked :class:`Feed` out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobility.errors import TableError
from mobility.feed.archive import Archive, open_archive
from mobility.feed.feed import Feed
from mobility.feed.rules import (
    check_cells,
    check_feed,
    demote_unknown,
    ordered,
    refuse_unusable,
)
from mobility.feed.schema import FILES
from mobility.feed.stop_events import build_stop_events
from mobility.feed.tables import Table, read_table
from mobility.findings import Finding, has_errors

if TYPE_CHECKING:
    from pathlib import Path

    import gtfs_kit


def read_feed(
    source: str | Path | gtfs_kit.Feed, *, cache: bool = True, strict: bool = False
) -> Feed:
    """Read a GTFS feed.

    Parameters
    ----------
    source
        Path of a zip or a folder, or a ``gtfs_kit.Feed``.
    cache
        Keep the compiled feed on disk and take it from there the next time. The key is the
        input's sha256: a changed feed is read anew.
    strict
        Refuse a feed with any finding of severity error.

    Returns
    -------
    Feed
        ``feed.findings`` says what is wrong; ``feed.stop_events`` is complete.

    Raises
    ------
    TableError
        When the feed cannot be computed with: no zip, a required file or column is missing.
        ``error.findings`` holds all that was found.
    """
    feed = _read_any(source, cache=cache)
    if strict and has_errors(feed.findings):
        raise TableError.from_finding(*feed.errors)
    return feed


def _read_any(source: str | Path | gtfs_kit.Feed, *, cache: bool) -> Feed:
    from mobility.feed import cache as compiled

    if not isinstance(source, str) and not hasattr(source, "__fspath__"):
        from mobility.feed.bridge import from_gtfs_kit

        raw = from_gtfs_kit(source)
        return compile_feed("gtfs_kit.Feed", "", raw, [])
    with open_archive(source) as archive:
        digest = archive.sha256()
        if cache and (found := compiled.load(digest, str(source))) is not None:
            return found
        raw, findings = read_tables(archive)
        feed = compile_feed(str(source), digest, raw, findings)
    if cache:
        compiled.store(feed)
    return feed


def read_tables(archive: Archive) -> tuple[dict[str, Table], list[Finding]]:
    """Read every table of an archive."""
    raw: dict[str, Table] = {}
    findings = list(archive.findings)
    for name in archive.members:
        stem = name.removesuffix(".txt")
        with archive.open(name) as stream:
            try:
                raw[stem], found = read_table(stream, stem)
            except TableError as error:
                if stem not in FILES:  # a note that lies beside the tables stops nobody
                    findings.extend(demote_unknown(error.findings))
                    continue
                raise TableError.from_finding(*error.findings, *findings) from None
        findings.extend(found)
    return raw, findings


def compile_feed(source: str, digest: str, raw: dict[str, Table], findings: list[Finding]) -> Feed:
    """Check the tables, sort the stop events, and judge the whole."""
    refuse_unusable(raw, findings)
    findings = [*findings, *check_cells(raw)]
    events = build_stop_events(raw["stop_times"], raw["trips"], raw["stops"])
    feed = Feed(source, digest, raw, events, tuple(findings))
    return Feed(source, digest, raw, events, tuple(ordered((*findings, *check_feed(feed)))))
