"""What fleet commands show: money, figures, what was assumed, what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, EXIT_INTERRUPTED

if TYPE_CHECKING:
    from pathlib import Path

    from mobility.findings import Finding
    from mobility.fleet import BlockPlan, Plan, Simulation


def show_plan(answer: Plan) -> None:
    """Write a plan's tables to stdout: money, fleet, energy, what was assumed."""
    from mobility.cli.output import print_findings, print_table

    print(answer)
    if answer.report.objective is not None:
        print_table(money_rows(answer), columns=("", "a day"))
        print_table(figure_rows(answer), columns=("", "", "unit"))
        print(
            f"checker: {len(answer.findings)} findings" if answer.findings else "every check holds"
        )
    print(f"the bound covers {answer.report.bound_scope}")
    if answer.not_electric:
        print(f"not electric: {len(answer.not_electric):,} trips, {answer.not_electric[0]!r} first")
    print_assumptions(answer.assumptions)
    print_findings([*answer.findings, *answer.input_findings])


def show_blocks(answer: BlockPlan, checked: list[Finding]) -> None:
    """Write blocks' tables to stdout: money, figures, what the rules cost, what was assumed."""
    from mobility.cli.output import print_findings, print_table
    from mobility.units import format_money

    print(answer)
    if answer.report.objective is not None:
        print_table(money_rows(answer), columns=("", "a day"))
        print_table(figure_rows(answer), columns=("", "", "unit"))
        print(f"checker: {len(checked)} findings" if checked else "every check holds")
        print(f"the bound covers {answer.report.bound_scope}")
    if len(answer.rule_costs):
        currency = answer.problem.currency
        rows = [(row["rule"], row["vehicles"], format_money(row["cost_minor"], currency))
                for row in answer.rule_costs.to_dict("records")]  # fmt: skip
        print_table(rows, columns=("rule", "vehicles it costs", "a day"))
    print_assumptions(answer.assumptions)
    print_findings([*checked, *answer.findings])


def draw(answer: Plan | BlockPlan | Simulation, picture: Path) -> None:
    """Draw an answer into a file."""
    from mobility.errors import ConfigError, MissingExtra

    try:
        import matplotlib as mpl
    except ImportError:
        raise MissingExtra(
            "--plot needs matplotlib", mend="pip install 'mobility-engine[plots]'"
        ) from None
    mpl.use("Agg")
    axes = answer.plot()
    try:
        axes[0].figure.savefig(picture, dpi=100)
    except ValueError as error:  # a suffix that it does not know
        raise ConfigError(f"{picture}: {error}", mend="--plot FILE.png") from None


def money_rows(answer: Plan | BlockPlan) -> list[tuple[str, str]]:
    """The objective's parts, its bound and the gap."""
    from mobility.units import format_money

    report, currency = answer.report, answer.problem.currency
    rows = [(part, format_money(value, currency)) for part, value in report.parts.items()]
    if report.objective is not None:
        rows.append(("in all", format_money(report.objective, currency)))
    if report.bound is not None:
        rows.append(("no plan can beat", format_money(report.bound, currency)))
    if report.gap is not None:
        rows.append(("gap", f"{report.gap:.2%}"))
    return rows


def figure_rows(answer: Plan | BlockPlan) -> list[tuple[str, str, str]]:
    """Key figures: name, value, unit."""
    from mobility.fleet.kpis import kpi_rows

    return [
        *kpi_rows(answer.kpis),
        ("vehicles_bound", f"{answer.vehicles_bound:,}", "buses, proved"),
    ]


def print_assumptions(assumptions: tuple[str, ...]) -> None:
    """List what was assumed."""
    if assumptions:
        print("ASSUMED:")
    for one in assumptions:
        print(f"  - {one}")


def interrupted(plan: Plan) -> Plan:
    """A plan that was the best so far when Ctrl-C came."""
    from dataclasses import replace

    from mobility.solution import StopReason

    return replace(plan, report=replace(plan.report, stop_reason=StopReason.INTERRUPTED))


def exit_code(answer: Plan | BlockPlan, found: tuple[Finding, ...]) -> int:
    """0 for a plan that holds, 1 for none or one with errors, 130 for the best before Ctrl-C."""
    from mobility.findings import has_errors
    from mobility.solution import StopReason

    if answer.report.objective is None or has_errors(found):
        return EXIT_FINDINGS
    if answer.report.stop_reason is StopReason.INTERRUPTED:
        return EXIT_INTERRUPTED
    return EXIT_DONE
