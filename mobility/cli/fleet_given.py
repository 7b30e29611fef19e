"""What ``fleet plan|blocks --blocks given`` shows besides: savings against the feed's own blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mobility.fleet.problem import Problem
    from mobility.fleet.savings import Savings

_NAMES = {
    "vehicles": "vehicles", "deadhead_km": "empty km", "waiting_h": "waiting h", "cost_minor": "cost a day",
}  # fmt: skip
_COLUMNS = ("terminal", "connections", "least layover s", "as short", "median s", "longest wait s")
_MOST_TERMINALS = 12


def has_blocks(problem: Problem) -> bool:
    """Whether the feed gives any block to compare with."""
    return bool((problem.trips["block_id"] != "").any())


def show_savings(answer: Savings) -> None:
    """Write to stdout what optimising would save, and what the inferred rules rest on."""
    from mobility.cli.output import print_table

    print(answer)
    if not answer.table.empty:
        print_table(
            savings_rows(answer), columns=("", "given", "inferred rules", "", "case's rules", "")
        )
    print(f"inferred rules: {answer.inferred}")
    shown = answer.inferred.terminals.nlargest(_MOST_TERMINALS, "connections")
    rows = [
        (one["stop_id"], one["connections"], one["layover_s"], one["as_short"],
         round(one["median_s"]), one["max_wait_s"] if one["waits"] else "-")
        for one in shown[shown["connections"] > 0].to_dict("records")
    ]  # fmt: skip
    if rows:
        print_table(rows, columns=_COLUMNS)
    if rest := len(answer.inferred.terminals) - len(rows):
        print(f"... and {rest} terminals more: --json lists all")
    for one in answer.inferred.assumptions:
        print(f"  - {one}")


def savings_rows(answer: Savings) -> list[tuple[str, ...]]:
    """One row a figure: given, then each optimised one and its difference."""
    from mobility.units import format_money

    currency, table = answer.problem.currency, answer.table

    def text(figure: str, value: float) -> str:
        if figure == "cost_minor":
            return format_money(value, currency)
        return f"{value:,.0f}" if figure == "vehicles" else f"{value:,.1f}"

    rows = []
    for figure, name in _NAMES.items():
        here = {row["rules"]: row for row in table[table["figure"] == figure].to_dict("records")}
        cells = [name, text(figure, next(iter(here.values()))["before"])]
        for rules in ("inferred", "case"):
            if rules not in here:
                cells += ["none", ""]
                continue
            after, less = here[rules]["after"], here[rules]["difference"]
            share = here[rules]["share"]
            sign = "+" if less > 0 else "-" if less < 0 else ""
            cells += [text(figure, after), f"{sign}{text(figure, abs(less))} ({share:+.1%})"]
        rows.append(tuple(cells))
    return rows
