"""Taps larger than memory: spread over files by card, settled one by one, put back in order.

Two passes over the disk: each tap goes to one of some files by a hash of its card; each file is settled
by itself, and its charges are written to their rows of one file in the order of the input.
"""

from __future__ import annotations

import shutil
import time as clock
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import pandas as pd

from mobility.fares.ledger import COLUMNS, MONEY, UNKNOWN
from mobility.fares.settle import settle
from mobility.fares.tap_files import KNOWN, may_write_file, parquet_files, unreadable
from mobility.shown import Shown

if TYPE_CHECKING:
    from mobility.fares.problem import Tariff
    from mobility.findings import Finding

_BATCH = 1_000_000
PART_TAPS = 20_000_000  # about 1.5 GB while it is settled
_ROW = "__row"


@dataclass(frozen=True)
class Streamed(Shown):
    """What came of files of taps: the charges are in ``path``."""

    path: Path
    totals: dict[str, int]
    findings: tuple[Finding, ...]
    seconds: float
    parts: int

    def __str__(self) -> str:
        return f"{self.totals['taps']:,} taps in {self.parts} parts in {self.seconds:.1f} s: {self.path}"


def settle_files(
    source: str | Path,
    tariff: Tariff,
    out: str | Path,
    *,
    columns: tuple[str, ...] = COLUMNS,
    part_taps: int = PART_TAPS,
    threads: int | None = None,
    pseudonym_key: bytes | None = None,
) -> Streamed:
    """Settle a Parquet file, or a folder of them, whatever its size.

    Parameters
    ----------
    out
        Parquet file of charges, one row a tap: files by name, rows as they stand in them.
    part_taps
        About how many taps are in memory at once; all taps of a card always are.

    Raises
    ------
    TableError
        When a file cannot be read. Nothing is written then.
    """
    start = clock.perf_counter()
    target = may_write_file(out)
    place = Path(source)
    files = parquet_files(place) if place.is_dir() else [place]
    work = target.parent / f".{target.name}.{uuid4().hex[:8]}.part"
    work.mkdir()
    try:
        count = sum(_rows(one) for one in files)
        parts = max(1, -(-count // part_taps))
        spread = _spread(files, parts, work)
        arrays = {
            name: np.memmap(work / f"{name}.bin", _dtype(name), "w+", shape=(max(count, 1),))
            for name in columns
        }
        totals: dict[str, int] = {}
        found: list[Finding] = []
        for part in spread:
            _settle_part(part, tariff, columns, arrays, totals, found, threads, pseudonym_key)
            part.unlink()
        caps = list(dict.fromkeys(one.id for one in tariff.caps))
        _write(arrays, columns, count, caps, work / "charges.parquet")
        (work / "charges.parquet").replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Streamed(target, totals, tuple(found), clock.perf_counter() - start, parts)


def _dtype(name: str) -> type:
    return np.int64 if name in MONEY else np.int32


def _rows(path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(path, error) from None


def _spread(files: list[Path], parts: int, folder: Path) -> list[Path]:
    """Write every tap, with its row, to the file of its card's hash."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    paths = [folder / f"taps{k}.arrow" for k in range(parts)]
    writers: list[Any] = [None] * parts
    row = 0
    schema = None
    try:
        for path in files:
            try:
                with pq.ParquetFile(path) as file:
                    names = [one for one in file.schema_arrow.names if one in KNOWN]
                    for batch in file.iter_batches(_BATCH, columns=names):
                        table = pa.Table.from_batches([batch])
                        rows = pa.array(np.arange(row, row + len(table), dtype=np.int64))
                        table = table.append_column(_ROW, rows)
                        row += len(table)
                        schema = schema or table.schema
                        table = table.cast(schema)
                        which = card_parts(table, parts)
                        order = np.argsort(which.astype(np.int16), kind="stable")  # by radix
                        edges = np.searchsorted(which[order], np.arange(parts + 1)).tolist()
                        table = table if parts == 1 else table.take(pa.array(order))
                        for k, (a, b) in enumerate(pairwise(edges)):
                            if writers[k] is None:
                                writers[k] = pa.ipc.new_stream(paths[k], schema)
                            writers[k].write_table(table.slice(a, b - a))
            except (pa.ArrowException, OSError) as error:
                raise unreadable(path, error) from None
    finally:
        for writer in writers:
            if writer is not None:
                writer.close()
    return [path for path, writer in zip(paths, writers, strict=True) if writer is not None]


def scratch_writer(path: Path, schema: Any) -> Any:
    """A writer of files that are read once: no dictionary where a number says as much, no statistics."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    words = [one.name for one in schema if not pa.types.is_integer(one.type)]
    return pq.ParquetWriter(
        path, schema, compression="lz4", use_dictionary=words or False, write_statistics=False
    )


def card_parts(table: Any, parts: int) -> np.ndarray:
    """Part of each row of an Arrow table of taps, by a hash of its card that no other row changes.

    A card that is missing has a part as well: a null among integers does not turn them into floats.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    name = "card" if "card" in table.column_names else "token_id"
    if parts == 1 or name not in table.column_names:
        return np.zeros(len(table), np.int64)
    cards = table[name]
    if pa.types.is_integer(cards.type) and cards.null_count:
        cards = pc.fill_null(cards, 0)
    hashed = pd.util.hash_pandas_object(cards.to_pandas(), index=False).to_numpy()
    return np.asarray(hashed % np.uint64(parts)).astype(np.int64)


def _settle_part(
    path: Path,
    tariff: Tariff,
    columns: tuple[str, ...],
    arrays: dict[str, Any],
    totals: dict[str, int],
    found: list[Finding],
    threads: int | None,
    key: bytes | None,
) -> None:
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        read = pa.ipc.open_stream(file).read_all()
    table = read.unify_dictionaries().to_pandas(split_blocks=True, self_destruct=True)
    del read
    rows = table.pop(_ROW).to_numpy()
    whole = len(rows) == len(arrays[columns[0]])
    ledger = settle(table, tariff, threads=threads, pseudonym_key=key)
    for name in columns:
        values = ledger.column(name)
        arrays[name][slice(None) if whole else rows] = values
    for name, value in ledger.totals.items():
        totals[name] = totals.get(name, 0) + value
    for one in ledger.findings:
        row = one.row if one.row is None else int(rows[one.row - 1]) + 1
        found.append(replace(one, row=row))


def _write(
    arrays: dict[str, Any], columns: tuple[str, ...], count: int, caps: list[str], path: Path
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = []
    for name in columns:
        kind = pa.int64() if name in MONEY else pa.int32()
        fields.append(
            pa.field(name, pa.dictionary(pa.int32(), pa.string()) if name == "cap_id" else kind)
        )
    schema = pa.schema(fields)
    with pq.ParquetWriter(path, schema) as writer:
        for a in range(0, max(count, 1), _BATCH):
            b = min(a + _BATCH, count)
            made = []
            for field in fields:
                values = np.asarray(arrays[field.name][a:b])
                if field.name == "cap_id":
                    codes = pa.array(values, pa.int32(), mask=values < 0)
                    made.append(pa.DictionaryArray.from_arrays(codes, pa.array(caps, pa.string())))
                elif field.name in MONEY:
                    made.append(pa.array(values, pa.int64(), mask=values == UNKNOWN))
                else:
                    made.append(pa.array(values, pa.int32()))
            writer.write_table(pa.Table.from_arrays(made, schema=schema))
