"""stdout is the answer, stderr everything else."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mobility.findings import Finding

_SHOWN = 25


def print_json(answer: Any) -> None:
    """Write one JSON document to stdout; NaN is never written."""
    print(json.dumps(answer, ensure_ascii=False, indent=2, allow_nan=False, default=_plain))


def print_table(
    rows: Iterable[Sequence[object]], *, columns: Sequence[str] = (), title: str = ""
) -> None:
    """Write a small table to stdout; numbers are set to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    body = [list(row) for row in rows]
    table = Table(title=title or None, box=box.SIMPLE_HEAD, show_header=bool(columns))
    width = max((len(row) for row in body), default=len(columns))
    for at in range(width):
        numeric = all(isinstance(row[at], int | float) for row in body if len(row) > at)
        table.add_column(
            columns[at] if columns else "", justify="right" if numeric else "left", overflow="fold"
        )
    for row in body:
        table.add_row(*(_text(cell) for cell in row))
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120, markup=False)
    console.print(table)


def print_findings(findings: Sequence[Finding], *, quiet: bool = False) -> None:
    """Write findings to stdout, the worst first; only a part of a long list."""
    order = {"error": 0, "warning": 1, "info": 2}
    ranked = sorted(findings, key=lambda one: order[one.severity])
    for one in ranked[:_SHOWN]:
        print(f"{one.severity:<7} {one.code}: {one.where_what}")
        if one.mend and not quiet:
            print(f"        mend: {one.mend}")
    if len(ranked) > _SHOWN:
        print(f"... and {len(ranked) - _SHOWN} more: --json lists all")


def log(line: str, *, quiet: bool = False) -> None:
    """Write one line to stderr, unless quiet."""
    if not quiet:
        print(line, file=sys.stderr)


@contextmanager
def working(what: str, *, quiet: bool = False) -> Iterator[None]:
    """Show on a terminal's stderr that long work goes on."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True, markup=False).status(what):
        yield


def _text(cell: object) -> str:
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return str(cell)
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:,.2f}"


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        return value.item()
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return str(value)
