"""What ``fleet plan --week`` shows: a row a day type, the fleet, a month and a year."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mobility.fleet.week_plan import WeekPlan

Week = Annotated[
    str | None,
    typer.Option(
        "--week",
        help="Plan every day type of a week once, with one fleet over all: a date of the week "
        "(2025-03-05), typical, or calendar (every date of the feed). Costs a month and a year.",
        show_default=False,
    ),
]


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
