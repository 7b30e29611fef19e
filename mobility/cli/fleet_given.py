"""What ``fleet plan|blocks --blocks given`` shows besides: savings against the feed's own blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mobility.fleet.problem import Problem
    from mobility.fleet.savings import Savings

_NAMES = {
    "vehicles": "vehicles", "deadhead_km": "empty km", "waiting_h": "waiting h", "cost_minor": "cost a day",
}  # fmt: skip
_MOST_TERMINALS = 12


def has_blocks(problem: Problem) -> bool:
    """Whether the feed gives any block to compare with."""
    return bool((problem.trips["block_id"] != "").any())


def show_savings(answer: Savings) -> None:
    """Write to stdout what optimising would save, and what the inferred rules rest on."""
    from mobility.cli.output import print_table

    print(answer)
    if not answer.table.empty:
        print_table(savings_rows(answer), columns=("", "given", "inferred rules", "", "case's rules", ""))
    print(f"inferred rules: {answer.inferred}")
    shown = answer.inferred.terminals.nlargest(_MOST_TERMINALS, "connections")
    rows = [
        (one.stop_id, int(one.connections), int(one.layover_s), int(one.as_short),
         int(one.median_s), int(one.max_wait_s) if one.waits else "-")
        for one in shown[shown["connections"] > 0].itertuples(index=False)
    ]  # fmt: skip
    if rows:
        columns = ("terminal", "connections", "least layover s", "as short", "median s", "longest wait s")
        print_table(rows, columns=columns)
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
        here = table[table["figure"] == figure].set_index("rules")
        cells = [name, text(figure, float(here["before"].iloc[0]))]
        for rules in ("inferred", "case"):
            if rules not in here.index:
                cells += ["none", ""]
                continue
            after, less = float(here.at[rules, "after"]), float(here.at[rules, "difference"])
            share = float(here.at[rules, "share"])
            sign = "+" if less > 0 else "-" if less < 0 else ""
            cells += [text(figure, after), f"{sign}{text(figure, abs(less))} ({share:+.1%})"]
        rows.append(tuple(cells))
    return rows
