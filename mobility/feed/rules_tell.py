"""How a rule tells what it found: the first row of the file, its value, and how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mobility.findings import Finding, Severity, finding

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mobility.feed.tables import Table


def tell(
    code: str,
    table: Table,
    column: str,
    positions: NDArray[np.integer],
    *,
    message: str | Callable[[int], str] = "",
    severity: Severity | None = None,
) -> list[Finding]:
    """Make one finding of all the rows that show it, or none.

    Parameters
    ----------
    code, table, column
        What is wrong, and where; the column need not be in the table.
    positions
        Rows of the table that show it, any order.
    message
        Instead of the catalogue's; a function is given the position that is cited.
    severity
        Instead of the catalogue's.
    """
    if not len(positions):
        return []
    rows = positions if table.file_rows is None else table.file_rows[positions]
    first = int(positions[int(np.argmin(rows))])
    return [
        finding(
            code,
            message if isinstance(message, str) else message(first),
            file=table.file,
            row=table.row(first),
            column=column,
            value=table.cell(column, first) if column in table else "",
            count=len(positions),
            severity=severity,
        )
    ]


def rows_with(table: Table, column: str, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Rows of a table whose cell is one of the chosen entries of the column's dictionary."""
    if not chosen.any():
        return np.zeros(0, np.int64)
    return np.flatnonzero(chosen[table.codes(column)])
