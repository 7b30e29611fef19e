"""What ``fleet plan --week`` shows: a row a day type, the fleet, a month and a year."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS
from mobility.cli.source import feed_path, open_feed

if TYPE_CHECKING:
    from pathlib import Path

    from mobility.fleet.runs import BlockMode
    from mobility.fleet.week_plan import WeekPlan
    from mobility.stop import Stop

Week = Annotated[
    str | None,
    typer.Option(
        "--week",
        help="Plan every day type of a week once, with one fleet over all: a date of the week "
        "(2025-03-05), typical, or calendar (every date of the feed). Costs a month and a year.",
        show_default=False,
    ),
]


def plan_week(
    feed: str,
    case: Path | None,
    week: str,
    *,
    modes: list[int] | None,
    blocks: BlockMode,
    stop: Stop | None,
    seed: int,
    out: Path | None,
    as_json: bool,
    no_cache: bool,
    quiet: bool,
) -> int:
    """What ``fleet plan --week`` does: plan, write, show; the exit code."""
    from mobility import fleet
    from mobility.cli.output import log, print_json, working
    from mobility.findings import has_errors
    from mobility.fleet.week_files import may_write_week

    if out is not None:
        may_write_week(out)  # before the work, not after it
    read = open_feed(feed, cache=not no_cache, quiet=quiet)
    with working(f"planning the day types of {week}", quiet=quiet):
        answer = fleet.plan_week(
            read, case, week=week, blocks=blocks, modes=modes, stop=stop, seed=seed
        )
    answered = answer.report.objective is not None
    if answered and out is not None:
        source = {
            "feed": str(feed_path(feed).resolve()),
            "sha256": read.sha256,
            "case": str(case.resolve()) if case else None,
            "modes": None if modes is None else ",".join(map(str, modes)),
        }
        answer.write(out, source=source)
    if not answered and out is not None:
        log(f"nothing is written to {out}: there is no plan", quiet=quiet)
    if as_json:
        print_json(answer.to_dict())
    else:
        show_week(answer)
        if answered and out is not None:
            print(f"written: {out} (week.json, day_types.csv, fleet.csv, a folder a day type)")
    return EXIT_FINDINGS if not answered or has_errors(answer.findings) else EXIT_DONE


def show_week(answer: WeekPlan) -> None:
    """Write to stdout what a week needs and costs."""
    from mobility.cli.output import print_findings, print_table

    print(answer)
    columns = ("day type", "planned", "days", "of calendar", "trips", "vehicles", "at least",
               "a day", "bound", "gap")  # fmt: skip
    print_table(week_rows(answer), columns=columns)
    if answer.report.objective is not None:
        print_table(money_rows(answer), columns=("", "these days", "a month", "a year"))
    buses = answer.fleet.assign(date=answer.fleet["date"].astype(str)).to_numpy(object).tolist()
    print_table(buses, columns=("type", "depot", "vehicles", "most on"))
    print(f"the bound covers {answer.report.bound_scope}")
    if answer.assumptions:
        print("ASSUMED:")
    for one in answer.assumptions:
        print(f"  - {one}")
    print_findings(answer.findings)


def week_rows(answer: WeekPlan) -> list[tuple[object, ...]]:
    """One row a day type; a cost is with the whole fleet."""
    from mobility.units import format_money

    rows: list[tuple[object, ...]] = []
    for row in answer.table.to_dict("records"):
        cost, gap = row["cost_minor"], row["gap"]
        known = cost is not None and cost == cost  # noqa: PLR0124  (NaN is no cost)
        rows.append((
            short_days(row["day_type"]), str(row["date"]), row["days"], row["calendar_days"], row["trips"],
            row["vehicles"], row["vehicles_bound"],
            format_money(cost, answer.currency) if known else row["status"],
            format_money(row["bound_minor"], answer.currency), f"{gap:.2%}" if known else "",
        ))  # fmt: skip
    return rows


def short_days(names: str) -> str:
    """``Mon-Fri`` for ``Monday-Friday``."""
    return re.sub(r"([A-Z][a-z]{2})[a-z]*", r"\1", names)


def money_rows(answer: WeekPlan) -> list[tuple[str, ...]]:
    """The objective's parts over the days, and all of it in a month and a year."""
    from mobility.units import format_money

    def money(value: float | None) -> str:
        return "" if value is None else format_money(value, answer.currency)

    report = answer.report
    rows: list[tuple[str, ...]] = [
        (part, money(value), "", "") for part, value in report.parts.items()
    ]
    rows.append(("in all", *map(money, (report.objective, answer.month_minor, answer.year_minor))))
    bounds = (report.bound, answer.month_bound_minor, answer.year_bound_minor)
    rows.append(("no plan can beat", *map(money, bounds)))
    return rows
