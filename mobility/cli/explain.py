"""``mobility explain CODE``: what a finding means and how to mend it."""

from __future__ import annotations

from typing import Annotated

import typer

from mobility.cli import options


def explain(
    code: Annotated[str | None, typer.Argument(help="A finding's code; without one, all.")] = None,
    as_json: options.Json = False,
) -> None:
    """Say what a finding means, why it matters and how to mend it.

    Examples:

      mobility explain foreign_key_violation

      mobility explain invalid_time --json
    """
    from dataclasses import asdict

    from mobility import findings
    from mobility.cli.output import print_json, print_table

    if code is None:
        rules = list(findings.catalogue().values())
        if as_json:
            print_json([asdict(rule) for rule in rules])
        else:
            print_table(
                [(rule.code, str(rule.severity), rule.title) for rule in rules],
                columns=("code", "severity", "what it says"),
            )
        return
    rule = findings.explain(code)
    if as_json:
        print_json(asdict(rule))
        return
    source = "the canonical GTFS validator's code" if rule.canonical else "our own code"
    typer.echo(f"{rule.code} ({rule.severity}; {source})\n\n{rule.title}\n")
    typer.echo(f"why it matters: {rule.why}\nmend: {rule.mend}")
