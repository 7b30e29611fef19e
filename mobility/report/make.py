"""Results -> page: one reader a domain, one part a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobility.errors import ConfigError, MobilityError
from mobility.report.page import Page, Part
from mobility.report.read import Answer, answer_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from pathlib import Path

    from mobility.signals import Network


# Kinds of which an earlier one is shown beside the later.
_COMPARED = {
    "fleet-plan", "fleet-week", "fleet-simulation", "fares-settle", "signals-plan", "signals-week",
    "signals-timed", "signals-run",
}  # fmt: skip


def write_report(results: Iterable[Any], path: str | Path, **how: Any) -> Path:
    """Write a page of results, as ``make_page`` makes it; the file is returned.

    Examples
    --------
    >>> from mobility import report
    >>> report.write_report(["plan"], "report.html")  # doctest: +SKIP
    """
    return make_page(results, **how).write(path)


def make_page(
    results: Iterable[Any],
    *,
    before: Iterable[Any] = (),
    feed: str | Path | None = None,
    case: str | Path | None = None,
    network: str | Path | Network | None = None,
    title: str | None = None,
    made: date | None = None,
) -> Page:
    """Make a page of results.

    Parameters
    ----------
    results
        Paths (folders or JSON documents that the command line wrote), or results in memory; one of a
        kind.
    before
        Earlier ones to set beside them, one of a kind.
    feed, case
        Where a fleet plan's inputs lie now; by default where they lay when it was made.
    network
        Of a signal plan: signals.toml, or as ``signals.read_network`` gives it.
    title
        By default the agency's name.
    made
        Date on the page; none is shown without one.

    Returns
    -------
    Page
        Its ``tables`` are its charts as DataFrames.

    Raises
    ------
    ConfigError
        When there is nothing to show, or two of a kind.
    TableError
        When a result cannot be read.
    """
    now, then = _by_kind(results), _by_kind(before)
    try:
        return _page(now, then, feed, case, network, title, made)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        if isinstance(error, MobilityError) or not all(one.given is None for one in now.values()):
            raise
        names = ", ".join(one.name for one in (*now.values(), *then.values()))
        raise ConfigError(
            f"{names}: names of a result, but not its values ({type(error).__name__}: {error})",
            mend="write it again with the command that it is of, of this version",
        ) from error


def _page(
    now: dict[str, Answer],
    then: dict[str, Answer],
    feed: str | Path | None,
    case: str | Path | None,
    network: str | Path | Network | None,
    title: str | None,
    made: date | None,
) -> Page:
    """The page of results that are read."""
    if not now:
        raise ConfigError("a report of nothing", mend="give at least one result")
    if lone := sorted(set(then) - set(now)):
        raise ConfigError(f"an earlier {lone[0]} and no later one", mend="give both of a kind")
    if alone := sorted(set(then) - _COMPARED):
        raise ConfigError(
            f"a {alone[0]} is not set beside an earlier one", mend="leave it out of --before"
        )
    parts: list[Part] = []
    named: list[str] = []
    signals = {kind: one for kind, one in now.items() if one.domain == "signals"}
    street = None
    if signals:
        from mobility.report.signals import open_network

        street = open_network(network)
    if "fleet-plan" in now:
        part, agency = _fleet(now["fleet-plan"], then.get("fleet-plan"), feed, case, street)
        parts.append(part)
        named.append(agency)
    if any(one.domain == "fleet" and kind != "fleet-plan" for kind, one in now.items()):
        from mobility.report.studies import study_parts

        planned = now["fleet-plan"].document if "fleet-plan" in now else {}
        parts += study_parts(now, then, str(planned.get("currency") or ""))
    fares = {kind: one for kind, one in now.items() if one.domain == "fares"}
    if fares:
        from mobility.report.fares import fares_part

        parts.append(fares_part(fares, {kind: one for kind, one in then.items() if kind in fares}))
    if signals:
        part = _signals(signals, then, street, feed, mapped="fleet-plan" not in now)
        parts.append(part)
        named.append("" if street is None else _street_name(street))
    name = title or next((one for one in named if one), parts[0].title)
    what = {"fleet": "vehicles and charging", "fares": "fares and caps", "signals": "signals"}
    said = ", ".join(dict.fromkeys(what[one.domain] for one in parts))
    return Page(name, said[:1].upper() + said[1:], tuple(parts), made)


def _fleet(
    answer: Answer,
    before: Answer | None,
    feed: str | Path | None,
    case: str | Path | None,
    street: Network | None,
) -> tuple[Part, str]:
    """The part of a fleet plan, and the name of the agency."""
    from mobility.report.fleet import fleet_part, open_plan

    opened = open_plan(answer, feed=feed, case=case)
    earlier = None if before is None else (before, open_plan(before, feed=feed, case=case))
    agency = ""
    if opened is not None and opened.day is not None:
        names = [one for one in opened.day.feed.raw["agency"].text("agency_name") if one]
        agency = names[0] if names else ""
    crossings = () if street is None else street.intersections
    return fleet_part(answer, opened, earlier, crossings), agency


def _signals(
    now: dict[str, Answer],
    before: dict[str, Answer],
    street: Network | None,
    feed: str | Path | None,
    *,
    mapped: bool,
) -> Part:
    """The part of signals, with a map of its own where no fleet brings one."""
    from dataclasses import replace

    from mobility.report.places import map_figure
    from mobility.report.signals import signals_part

    part = signals_part(now, before, street)
    if street is None or not mapped:
        return part
    day = None
    if feed is not None:
        from mobility.feed import read_feed

        day = read_feed(feed).day()
    drawn = map_figure(None, day, street.intersections, street.links)
    return part if drawn is None else replace(part, figures=(drawn, *part.figures))


def _street_name(street: Network) -> str:
    """City and corridor, else the file that the network came from."""
    said = [one for one in (street.city, street.corridor) if one]
    return ": ".join(said) or street.source.replace("\\", "/").rpartition("/")[2]


def _by_kind(results: Iterable[Any]) -> dict[str, Answer]:
    found: dict[str, Answer] = {}
    for one in map(answer_of, results):
        if one.kind in found:
            raise ConfigError(
                f"two results of one kind: {found[one.kind].name} and {one.name}",
                mend="name the earlier one with --before",
            )
        found[one.kind] = one
    return found
