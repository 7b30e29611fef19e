"""One table of a feed: every column is text, coded by a dictionary of its distinct values.

A feed repeats itself: 5.2 million stop times hold some 80,000 different clock times. So a value is
read, checked and parsed once, and a row is an int32 code. Nothing is guessed: ``007`` stays apart
from ``7``, a stop called ``NA`` stays a stop, and a blank is the empty text.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO, TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from mobility.errors import TableError
from mobility.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

_BLOCK = 32 << 20
_CODED = pa.dictionary(pa.int32(), pa.binary())
_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")
LONG_CELL = 100_000


@dataclass(frozen=True)
class Table:
    """A file of the feed.

    Parameters
    ----------
    name
        Without ``.txt``: ``stop_times``.
    arrow
        One dictionary-coded text column a column of the file, blank = ``""``.
    file_rows
        Row of the file (header = 1) of each row, or None where it is simply position + 2.
    """

    name: str
    arrow: pa.Table
    file_rows: NDArray[np.int64] | None = None
    _memo: dict[str, NDArray[np.int32]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return int(self.arrow.num_rows)

    def __contains__(self, column: str) -> bool:
        return column in self.columns

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names in the order of the file."""
        return tuple(self.arrow.column_names)

    @property
    def file(self) -> str:
        """The file's name, as findings cite it."""
        return f"{self.name}.txt"

    def row(self, position: int) -> int:
        """Row of the file, counted as a spreadsheet does, of a row of this table."""
        return int(position) + 2 if self.file_rows is None else int(self.file_rows[position])

    def values(self, column: str) -> pa.Array:
        """Return the distinct texts of a column: the dictionary that :meth:`codes` points into."""
        return self._column(column).dictionary

    def codes(self, column: str) -> NDArray[np.int32]:
        """Which of :meth:`values` stands in each row, int32; read only."""
        if column not in self._memo:
            self._memo[column] = self._column(column).indices.to_numpy(zero_copy_only=False)
        return self._memo[column]

    def text(self, column: str) -> NDArray[np.object_]:
        """Every row's text as Python strings; blank = ``""``, also where the column is missing."""
        if column not in self:
            return np.full(len(self), "", dtype=object)
        values = np.asarray(self.values(column).to_pylist() or [""], dtype=object)
        return values[self.codes(column)]

    def cell(self, column: str, position: int) -> str:
        """Return one cell's text."""
        return str(self.values(column)[int(self.codes(column)[position])].as_py())

    def blank(self, column: str) -> NDArray[np.bool_]:
        """Whether each row's cell is empty; all of them where the column is missing."""
        if column not in self:
            return np.ones(len(self), dtype=bool)
        empty = np.asarray(pc.equal(self.values(column), "").to_numpy(zero_copy_only=False))
        return spread(empty, self.codes(column), fill=False)

    def floats(self, column: str) -> NDArray[np.float64]:
        """Numbers; NaN where a cell is blank, is no finite number, or the column is missing."""
        if column not in self:
            return np.full(len(self), np.nan)
        return spread(parse_floats(self.values(column)), self.codes(column), fill=np.nan)

    def integers(self, column: str, default: int = 0) -> NDArray[np.int64]:
        """Whole numbers; ``default`` where a cell is blank, is none, or the column is missing."""
        if column not in self:
            return np.full(len(self), default, np.int64)
        numbers = parse_floats(self.values(column))
        whole = np.isfinite(numbers) & (np.abs(numbers) < 2**53) & (numbers == np.floor(numbers))
        distinct = np.where(whole, np.where(whole, numbers, 0), default).astype(np.int64)
        return spread(distinct, self.codes(column), fill=default)

    def frame(self) -> pd.DataFrame:
        """Give the table as people know it: text columns, blank cells missing."""
        columns = {}
        for name in self.columns:
            coded = self._column(name)
            values = pc.if_else(pc.equal(coded.dictionary, ""), None, coded.dictionary)
            columns[name] = pd.Series(
                pa.DictionaryArray.from_arrays(coded.indices, values).dictionary_decode(),
                dtype="str",
            )
        return pd.DataFrame(columns)

    def _column(self, column: str) -> pa.DictionaryArray:
        chunks = self.arrow.column(column).chunks
        return chunks[0] if chunks else pa.array([], type=pa.dictionary(pa.int32(), pa.string()))


def spread(values: NDArray, codes: NDArray[np.int32], *, fill: object) -> NDArray:  # type: ignore[type-arg]
    """Give each row its value; ``fill`` serves a dictionary without entries."""
    return values[codes] if len(values) else np.full(len(codes), fill)


def parse_floats(values: pa.Array) -> NDArray[np.float64]:
    """Distinct texts to finite numbers; NaN for all else, ``nan`` and ``inf`` included."""
    try:
        filled = pc.if_else(pc.equal(values, ""), None, values)
        out = filled.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:  # one of them is no number: which one is found more slowly
        numbers = pd.to_numeric(pd.Series(values.to_pylist(), dtype=object), errors="coerce")
        out = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(out), out, np.nan)


def read_table(stream: IO[bytes], name: str) -> tuple[Table, list[Finding]]:
    """Read one CSV file of a feed.

    Parameters
    ----------
    stream
        Its bytes. They are read once, in blocks, and never held as a whole.
    name
        Without ``.txt``.

    Returns
    -------
    Table, findings
        Short rows are filled with blanks, long ones cut, bad bytes replaced; each is a finding.

    Raises
    ------
    TableError
        When it cannot be read as a table at all: wide encodings, an unreadable structure.
    """
    file = f"{name}.txt"
    source = _Scanned(stream)
    header, found = _read_header(source, file)
    columns = [one for one in header if not one.startswith("\0")]
    if not header:
        return Table(name, pa.table({})), [*found, finding("empty_file", file=file)]
    bad_rows: list[tuple[int | None, str]] = []
    batches = _read_batches(source, header, file, bad_rows)
    if source.quotes % 2:
        found.append(finding("csv_parsing_failed", "a quoted cell is never closed", file=file))
    if source.nul_at is not None:
        found.append(finding("nul_byte", f"a NUL byte stands at byte {source.nul_at:,}", file=file))
    if source.bare_cr:
        found.append(finding("old_mac_line_ends", file=file))
    joined, file_rows = _join(batches, header, bad_rows)
    found.extend(_row_findings(bad_rows, len(header), file))
    arrays = []
    for column in columns:
        array, cell_findings = _clean(joined.pop(column), column, file, file_rows)
        arrays.append(array)
        found.extend(cell_findings)
    return Table(name, pa.table(arrays, names=columns), file_rows), found


def table_from_frame(frame: pd.DataFrame, name: str) -> Table:
    """Turn a DataFrame into a table of text; missing cells become blank.

    Whole floats lose their ``.0``, as ``direction_id`` 1.0 of a column with gaps should.
    """
    texts = (_texts(frame[column]) for column in frame.columns)
    arrays = [pa.array(one, pa.string()).dictionary_encode() for one in texts]
    coded = [
        pa.DictionaryArray.from_arrays(one.indices.cast(pa.int32()), one.dictionary)
        for one in arrays
    ]
    return Table(name, pa.table(coded, names=[str(one) for one in frame.columns]))


def _texts(series: pd.Series[str]) -> list[str]:
    def text(cell: object) -> str:
        if isinstance(cell, float):
            return f"{cell:.0f}" if cell.is_integer() else repr(float(cell))
        return str(cell)

    missing = series.isna().to_numpy()
    return ["" if gone else text(cell) for gone, cell in zip(missing, series, strict=True)]


class _Scanned(io.RawIOBase):
    """Bytes on their way to the parser, looked at once as they pass."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._ahead = b""
        self._ended_cr = False
        self.quotes = 0
        self.passed = 0
        self.nul_at: int | None = None
        self.bare_cr = False

    def readable(self) -> bool:
        return True

    def peek_line(self) -> bytes:
        """Take the first line, its end included, away from the front."""
        while not any(end in self._ahead for end in (b"\n", b"\r")):
            more = self._stream.read(1 << 16)
            if not more:
                break
            self._ahead += more
        ends = [self._ahead.find(end) for end in (b"\n", b"\r") if end in self._ahead]
        at = min(ends) + 1 if ends else len(self._ahead)
        if self._ahead[at - 1 : at] == b"\r" and not self._ahead[at:]:
            self._ahead += self._stream.read(1)
        if self._ahead[at - 1 : at + 1] == b"\r\n":
            at += 1
        line, self._ahead = self._ahead[:at], self._ahead[at:]
        while len(self._ahead) < len(_BOM) and (more := self._stream.read(1 << 16)):
            self._ahead += more
        if self._ahead.startswith(
            _BOM
        ):  # the parser takes one for a mark and drops it: give it one
            self._ahead = _BOM + self._ahead
        self.bare_cr = line.endswith(b"\r")
        self.passed += len(line)
        return line

    def read(self, size: int = -1) -> bytes:
        if self._ahead:
            chunk, self._ahead = (
                self._ahead[:size] if size >= 0 else self._ahead,
                (self._ahead[size:] if size >= 0 else b""),
            )
        else:
            chunk = self._stream.read(size)
        self.quotes += chunk.count(b'"')
        if self.nul_at is None and b"\0" in chunk:
            self.nul_at = self.passed + chunk.index(b"\0")
        self.passed += len(chunk)
        return chunk


def _read_header(source: _Scanned, file: str) -> tuple[list[str], list[Finding]]:
    line = source.peek_line()
    if line.startswith(_WIDE_BOMS):
        raise TableError.from_finding(
            finding("invalid_character", "is UTF-16, not UTF-8", file=file, row=1)
        )
    line = line.removeprefix(_BOM)
    if not line.strip():
        return [], []
    found = []
    text = line.decode("utf-8", "replace")
    cells = [cell.strip().strip("\ufeff") for cell in next(csv.reader([text]), [])]
    header: list[str] = []
    for at, cell in enumerate(cells):
        if not cell:
            found.append(finding("empty_column_name", file=file, row=1, value=f"column {at + 1}"))
            header.append(f"\0{at}")
        elif cell in header:
            found.append(finding("duplicated_column", file=file, row=1, column=cell))
            header.append(f"\0{at}")
        else:
            header.append(cell)
    return header, found


def _read_batches(
    source: _Scanned, header: list[str], file: str, bad_rows: list[tuple[int | None, str]]
) -> list[pa.RecordBatch]:
    def keep(row: pacsv.InvalidRow) -> str:
        bad_rows.append((row.number, row.text))
        return "skip"

    try:
        with _quiet_about(keep):
            reader = pacsv.open_csv(
                pa.PythonFile(source, mode="r"),
                # One thread, because only then does the parser number its rows.
                read_options=pacsv.ReadOptions(
                    block_size=_BLOCK, column_names=header, use_threads=False
                ),
                parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=keep),
                convert_options=pacsv.ConvertOptions(
                    column_types=dict.fromkeys(header, _CODED), strings_can_be_null=False
                ),
            )
            return list(reader)
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return []
        if at := re.search(r"Row #(\d+): Expected", str(error)):
            raise TableError.from_finding(
                finding(
                    "invalid_character",
                    "a row of the wrong length holds bytes that are not UTF-8",
                    file=file,
                    row=int(at[1]) + 1,
                    value=str(error).rpartition(": ")[2],
                )
            ) from None
        raise TableError.from_finding(
            finding("csv_parsing_failed", f"cannot be parsed as CSV: {error}", file=file)
        ) from None


@contextmanager
def _quiet_about(handler: Callable[..., str]) -> Iterator[None]:
    """Keep stderr clean where the parser cannot hand over a row that is not UTF-8.

    It fails then by itself, with the row's number; the traceback beside it says nothing more.
    """
    before = sys.unraisablehook

    def hook(event: sys.UnraisableHookArgs) -> None:
        if event.object is not handler:
            before(event)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


def _join(
    batches: list[pa.RecordBatch], header: list[str], bad_rows: list[tuple[int | None, str]]
) -> tuple[dict[str, pa.DictionaryArray], NDArray[np.int64] | None]:
    good = sum(batch.num_rows for batch in batches)
    mended = list(zip(*(_fit(text, len(header)) for _, text in bad_rows), strict=True))
    # Column by column, each let go once joined: a national feed's codes are held but once.
    chunks = [[batch.column(at) for batch in batches] for at in range(len(header))]
    batches.clear()
    joined = {}
    for at in reversed(range(len(header))):
        parts = chunks.pop()
        if mended:
            parts.append(pa.array(list(mended[at]), pa.binary()).dictionary_encode())
        one = pa.chunked_array(parts, type=_CODED).unify_dictionaries()
        joined[header[at]] = one.combine_chunks() if parts else pa.array([], _CODED)
    if not bad_rows:
        return joined, None
    # The parser counts rows from 1 after the header, which it was not given.
    bad = np.array([number or 0 for number, _ in bad_rows], np.int64)
    kept = np.setdiff1d(np.arange(1, good + len(bad) + 1), bad)[:good]
    return joined, np.concatenate([kept, bad]) + 1


def _fit(text: str, width: int) -> list[bytes]:
    cells = next(csv.reader(io.StringIO(text)), [])[:width]
    return [cell.encode() for cell in cells] + [b""] * (width - len(cells))


def _row_findings(
    bad_rows: Sequence[tuple[int | None, str]], width: int, file: str
) -> Iterable[Finding]:
    if not bad_rows:
        return
    number, text = bad_rows[0]
    cells = len(next(csv.reader(io.StringIO(text)), []))
    yield finding(
        "invalid_row_length",
        f"has {cells} cells where the header has {width}",
        file=file,
        row=(number or 0) + 1,
        value=text.strip(),
        count=len(bad_rows),
    )


def _clean(
    coded: pa.DictionaryArray, name: str, file: str, file_rows: NDArray[np.int64] | None
) -> tuple[pa.DictionaryArray, list[Finding]]:
    """Bytes to checked text, blanks around a value cut; what had to change is told."""
    found: list[Finding] = []

    def tell(code: str, at: int, value: str, message: str = "") -> None:
        # The first row is looked up only now that there is something to say.
        rows = np.flatnonzero(coded.indices.to_numpy(zero_copy_only=False) == at)
        if len(rows):
            row = int(rows[0]) + 2 if file_rows is None else int(file_rows[rows[0]])
            found.append(finding(code, message, file=file, row=row, column=name, value=value))

    try:
        values = coded.dictionary.cast(pa.string())
    except pa.ArrowInvalid:
        raw = coded.dictionary.to_pylist()
        texts = [one.decode("utf-8", "replace") for one in raw]
        at = next(
            i for i, one in enumerate(raw) if "\ufffd" in texts[i] and b"\xef\xbf\xbd" not in one
        )
        tell(
            "invalid_character", at, texts[at], "holds bytes that are not UTF-8, replaced by \ufffd"
        )
        values = pa.array(texts, pa.string())
    lengths = pc.binary_length(values)
    if len(values) and pc.max(lengths).as_py() > LONG_CELL:
        at = int(np.argmax(lengths.to_numpy(zero_copy_only=False)))
        size = lengths[at].as_py()
        tell("long_cell", at, values[at].as_py()[:40], f"a cell holds {size:,} bytes")
    trimmed = pc.utf8_trim_whitespace(values)
    if not trimmed.equals(values):
        changed = np.flatnonzero(pc.not_equal(trimmed, values).to_numpy(zero_copy_only=False))
        tell("leading_or_trailing_whitespaces", int(changed[0]), values[int(changed[0])].as_py())
        again = trimmed.dictionary_encode()
        moved = again.indices.cast(pa.int32()).to_numpy(zero_copy_only=False)
        indices = pa.array(moved[coded.indices.to_numpy(zero_copy_only=False)], pa.int32())
        return pa.DictionaryArray.from_arrays(indices, again.dictionary), found
    return pa.DictionaryArray.from_arrays(coded.indices, trimmed), found
