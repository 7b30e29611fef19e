"""Tables of people's own: CSV or Parquet read row by row, what cannot be read told with its place."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from mobility.errors import TableError
from mobility.findings import finding
from mobility.units import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mobility.findings import Finding

_MOST_TOLD = 1_000  # of one file's bad rows


@dataclass
class Rows:
    """A table as text; every cell that is asked for and cannot be read becomes a finding.

    Parameters
    ----------
    file
        Its name, for findings.
    columns
        As they stand in its head.
    rows
        (row of the file, header = 1; its cells by column).
    """

    file: str
    columns: tuple[str, ...]
    rows: list[tuple[int, dict[str, str]]]
    findings: list[Finding] = field(default_factory=list)

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        return iter(self.rows)

    def say(self, row: int | None, column: str, value: object, message: str, mend: str) -> None:
        """Note what is wrong with one cell."""
        if len(self.findings) < _MOST_TOLD:
            self.findings.append(
                finding("signal_row_unreadable", message, file=self.file, row=row, column=column,
                        value=value, mend=mend)
            )  # fmt: skip

    def number(
        self, at: int, cells: dict[str, str], column: str, *, least: float | None = None,
        blank: float | None = None,
    ) -> float | None:  # fmt: skip
        """Read a number; None, and a finding, where it is none or below ``least``.

        Parameters
        ----------
        blank
            What an empty cell means; None: it may not be empty.
        """
        text = cells.get(column, "").strip()
        if not text and blank is not None:
            return blank
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.say(at, column, text, "no number", "write a number with a point")
            return None
        if least is not None and value < least:
            self.say(at, column, text, f"below {least:g}", f"write {least:g} or more")
            return None
        return value

    def seconds(self, at: int, cells: dict[str, str], column: str) -> int | None:
        """Read seconds into the day, written as seconds or as HH:MM[:SS]."""
        text = cells.get(column, "").strip()
        if ":" in text:
            try:
                return parse_time(text)
            except ValueError:
                self.say(at, column, text, "no time of day", "write seconds, or HH:MM:SS")
                return None
        value = self.number(at, cells, column, least=0)
        return None if value is None else round(value)

    def text(self, at: int, cells: dict[str, str], column: str) -> str | None:
        """Read a text that may not be empty."""
        value = cells.get(column, "").strip()
        if not value:
            self.say(at, column, "", "is empty", "fill the cell")
            return None
        return value

    def refuse_bad(self) -> None:
        """Raise what was found, the first one foremost.

        Raises
        ------
        TableError
            When anything was found; ``findings`` has all of it.
        """
        if self.findings:
            more = len(self.findings) - 1
            told = f" (and {more} more)" if more else ""
            first = self.findings[0]
            raise TableError(first.where_what + told, mend=first.mend, findings=self.findings)


def read_rows(path: str | Path, needed: Sequence[str]) -> Rows:
    """Read a table, CSV (UTF-8, a byte-order mark is skipped) or Parquet by its name's end.

    A row with more or fewer cells than the head is left out, and told.

    Raises
    ------
    TableError
        When the file cannot be read, is empty, or lacks a column.
    """
    source = Path(path)
    if source.suffix.lower() == ".parquet":
        columns, body = _parquet(source)
    else:
        columns, body = _csv(source)
    for name in needed:
        if name not in columns:
            near = get_close_matches(name, columns, n=1)
            mend = f"is it {near[0]!r}?" if near else f"it has {', '.join(columns) or 'no columns'}"
            raise TableError(f"{source.name}: no column {name!r}", mend=f"name the column; {mend}")
    table = Rows(source.name, tuple(columns), [])
    for number, cells in body:
        if len(cells) != len(columns):
            table.say(number, "", f"{len(cells)} cells", f"the head has {len(columns)} columns",
                      "give the row a cell for every column")  # fmt: skip
        else:
            table.rows.append((number, dict(zip(columns, cells, strict=True))))
    return table


def _csv(source: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        with source.open(encoding="utf-8-sig", newline="") as stream:
            lines = csv.reader(stream)
            head = [one.strip() for one in next(lines, [])]
            body = [(lines.line_num, cells) for cells in lines if any(map(str.strip, cells))]
    except OSError as error:
        raise TableError(f"{source}: {error.strerror or error}", mend="name a CSV file") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{source}: no CSV in UTF-8: {error}", mend="save it as UTF-8") from None
    if not head:
        raise TableError(f"{source}: is empty", mend="write a head and a row each")
    return head, body


def _parquet(source: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(source)
    except (OSError, pa.ArrowException) as error:
        raise TableError(f"{source}: no Parquet that can be read: {error}",
                         mend="write the file again") from None  # fmt: skip
    columns = [["" if one is None else str(one) for one in table[name].to_pylist()]
               for name in table.column_names]  # fmt: skip
    rows = [list(cells) for cells in zip(*columns, strict=True)]
    return list(table.column_names), [(number + 2, cells) for number, cells in enumerate(rows)]


def whole_file(path: str | Path, write: Callable[[Path], object]) -> Path:
    """Write a file under a name of its own, then rename it: whole or not at all."""
    target = Path(path)
    part = target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")
    try:
        write(part)
        part.replace(target)
    except OSError as error:
        raise TableError(f"{target}: cannot be written: {error.strerror or error}",
                         mend="name a file in a folder that exists") from None  # fmt: skip
    finally:
        part.unlink(missing_ok=True)
    return target


def write_rows(path: str | Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    """Write a table as CSV or, where the name says so, as Parquet; whole or not at all."""
    if Path(path).suffix.lower() == ".parquet":
        import pandas as pd

        frame = pd.DataFrame([list(one) for one in rows], columns=list(columns))
        return whole_file(path, lambda part: frame.to_parquet(part, index=False))

    def as_csv(part: Path) -> None:
        with part.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([[cell(one) for one in row] for row in rows])

    return whole_file(path, as_csv)


def cell(value: object) -> str:
    """A number as short as it reads back the same; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)
