"""Rules on keys: every row can be told apart, and what it refers to is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from mobility.feed.rules_tell import rows_with, tell
from mobility.feed.schema import FILES, Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from mobility.feed.tables import Table
    from mobility.findings import Finding

# Its rows are sorted as stop events anyway: there the neighbours are compared.
_AS_EVENTS = "stop_times"


def check_keys(raw: Mapping[str, Table]) -> Iterator[Finding]:
    """Look for keys that stand twice and keys that lead nowhere."""
    for table in raw.values():
        file = FILES.get(table.name)
        if file is None or not len(table):
            continue
        if table.name != _AS_EVENTS:
            yield from _check_unique(table, file.key, file.columns)
        for column in file.columns.values():
            if column.to and column.name in table:
                yield from _check_foreign(raw, table, column)


def _check_unique(
    table: Table, key: tuple[str, ...], columns: Mapping[str, Column]
) -> Iterator[Finding]:
    parts = [name for name in key if name in table]
    if not parts or any(columns[name].required and name not in table for name in key):
        return
    rows = _repeats(table, parts)
    for name in parts:
        # A blank in a required part is told as such; a lone blank id is no id.
        if len(rows) and (columns[name].required or len(key) == 1):
            rows = rows[~table.blank(name)[rows]]

    def say(position: int) -> str:
        shown = ", ".join(f"{name} {table.cell(name, position)!r}" for name in parts)
        return f"an earlier row has the same {shown}"

    yield from tell("duplicate_key", table, parts[0], rows, message=say)


def _repeats(table: Table, parts: list[str]) -> NDArray[np.int64]:
    """Rows whose key stands in an earlier row."""
    key = np.zeros(len(table), np.int64)
    size = 1
    for name in parts:
        count = max(len(table.values(name)), 1)
        if size * count >= 2**62:
            key, size = _ranks(key)
        key = key * count + table.codes(name)
        size *= count
    ordered = np.sort(key)
    if not (ordered[1:] == ordered[:-1]).any():
        return np.zeros(0, np.int64)
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order][1:] == key[order][:-1])
    return np.asarray(order[1 + same], np.int64)


def _ranks(key: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    distinct, ranks = np.unique(key, return_inverse=True)
    return ranks.astype(np.int64), len(distinct)


def _check_foreign(raw: Mapping[str, Table], table: Table, column: Column) -> Iterator[Finding]:
    values = table.values(column.name)
    lost = np.asarray(pc.not_equal(values, "").to_numpy(zero_copy_only=False), dtype=bool)
    for file, key in column.to:
        if file in raw and key in raw[file]:
            there = pc.is_in(values, value_set=raw[file].values(key))
            lost &= ~np.asarray(there.to_numpy(zero_copy_only=False), dtype=bool)
    parents = " or ".join(f"{file}.txt" for file, _ in column.to)
    yield from tell(
        "foreign_key_violation",
        table,
        column.name,
        rows_with(table, column.name, lost),
        message=f"is no {column.to[0][1]} of {parents}",
    )
