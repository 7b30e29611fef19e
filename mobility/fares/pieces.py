"""What one worker does to settle taps that lie on many machines: spread a piece, settle a part, collect.

A *piece* is a run of rows of the input; a *part* is every tap of some cards, whichever piece they came in.
``spread_piece`` writes a piece as one Parquet file with a row group a part; ``settle_part`` reads its row
group of every piece, settles it, and writes one file with a row group a piece; ``collect_piece`` reads its
row group of every part, and so has the charges of its rows in the order of the input. Each file is sealed
with a digest of what it was made from and of its own bytes: a later run takes it over, or makes it anew.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import pandas as pd

from mobility.errors import TableError
from mobility.fares.ledger import MONEY, UNKNOWN
from mobility.fares.settle import settle
from mobility.fares.stream import card_parts, scratch_writer
from mobility.fares.tap_files import KNOWN, unreadable
from mobility.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mobility.fares.problem import Tariff

_ROW = "__row"
_FORMAT = "1"  # of the files between the steps: another one makes them anew


@dataclass(frozen=True)
class Step:
    """A finished file: what it was made from, its rows, what it told, and whether it stood already."""

    path: str
    digest: str
    rows: int
    told: dict[str, Any]
    kept: bool = False


def digest_of(*parts: object) -> str:
    """One digest of some texts."""
    return sha256("\n".join(map(str, (_FORMAT, *parts))).encode()).hexdigest()


def digest_of_file(path: str) -> str:
    """Digest of a file's bytes.

    Raises
    ------
    TableError
        When the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(Path(path), error) from None


def spread_file(path: str, groups: Sequence[int], file: str, parts: int, target: str) -> Step:
    """Spread some row groups of a Parquet file; ``file`` is the digest of its bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    digest = digest_of("piece", file, list(groups), parts)
    if (step := sealed(target, digest)) is not None:
        return step
    try:
        with pq.ParquetFile(path) as source:
            names = [one for one in source.schema_arrow.names if one in KNOWN]
            table = source.read_row_groups(list(groups), columns=names)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(Path(path), error) from None
    return _spread(table, parts, target, digest)


def spread_table(taps: pd.DataFrame, parts: int, target: str) -> Step:
    """Spread a partition of a dask DataFrame; its digest is that of its values, row by row."""
    import pyarrow as pa

    taps = taps[[one for one in taps.columns if one in KNOWN]]
    values = pd.util.hash_pandas_object(taps, index=False).to_numpy()
    names = [f"{name}:{kind}" for name, kind in taps.dtypes.items()]
    digest = digest_of("piece", *names, sha256(values.tobytes()).hexdigest(), parts)
    if (step := sealed(target, digest)) is not None:
        return step
    return _spread(pa.Table.from_pandas(taps, preserve_index=False), parts, target, digest)


def _spread(table: Any, parts: int, target: str, digest: str) -> Step:
    import pyarrow as pa

    for at, column in enumerate(table.schema):  # categories of one width in every piece
        if pa.types.is_dictionary(column.type):
            wide = pa.dictionary(pa.int32(), column.type.value_type)
            table = table.set_column(at, column.name, table[column.name].cast(wide))
    which = card_parts(table, parts)
    order = np.argsort(which, kind="stable")
    edges = np.searchsorted(which[order], np.arange(parts + 1))
    table = table.append_column(_ROW, pa.array(np.arange(len(table), dtype=np.int64)))
    return _seal(target, digest, table.take(pa.array(order)), edges, {})


def settle_part(
    part: int,
    pieces: Sequence[Step],
    tariff: Tariff,
    columns: Sequence[str],
    pseudonym_key: bytes | None,
    target: str,
    digest: str,
) -> Step:
    """Settle every tap of one part's cards, with the same kernels as on one machine."""
    import pyarrow as pa

    if (step := sealed(target, digest)) is not None:
        return step
    tables = [_group(one.path, part) for one in pieces]
    edges = np.cumsum([0, *(len(one) for one in tables)])
    firsts = np.cumsum([0, *(one.rows for one in pieces)])[:-1]
    try:
        table = pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
    except pa.ArrowException as error:
        raise TableError(
            f"pieces of the taps have columns of different types: {error}",
            mend="write each column with one type in all files",
        ) from None
    rows = table[_ROW].to_numpy() + np.repeat(firsts, np.diff(edges))
    local = table[_ROW]
    taps = table.drop_columns([_ROW]).to_pandas()
    ledger = settle(taps, tariff, threads=1, pseudonym_key=pseudonym_key)
    made: dict[str, Any] = {_ROW: local}
    for name in columns:
        values = ledger.column(name)
        kind = pa.int64() if name in MONEY else pa.int32()
        made[name] = pa.array(values, kind)
    told = {
        "totals": ledger.totals,
        "findings": [asdict(one) for one in _at(ledger.findings[len(tariff.findings) :], rows)],
    }
    return _seal(target, digest, pa.table(made), edges, told)


def _at(found: Sequence[Finding], rows: np.ndarray) -> list[Finding]:
    """Findings with rows of the whole input, counted from 1."""
    return [
        one if one.row is None else replace(one, row=int(rows[one.row - 1]) + 1) for one in found
    ]


def collect_piece(
    piece: int, rows: int, parts: Sequence[Step], caps: Sequence[str], target: str, digest: str
) -> Step:
    """Bring the charges of a piece's rows into the order of the input."""
    import pyarrow as pa

    if (step := sealed(target, digest)) is not None:
        return step
    table = pa.concat_tables([_group(one.path, piece) for one in parts])
    at = table[_ROW].to_numpy()
    made: dict[str, Any] = {}
    for name in table.column_names:
        if name == _ROW:
            continue
        values = np.empty(rows, table[name].type.to_pandas_dtype())
        values[at] = table[name].to_numpy()
        made[name] = _shown(name, values, caps)
    return _seal(target, digest, pa.table(made), np.array([0, rows]), {})


def _shown(name: str, values: np.ndarray, caps: Sequence[str]) -> Any:
    """A column of charges as ``write_charges`` writes it."""
    import pyarrow as pa

    if name == "cap_id":
        codes = pa.array(values, pa.int32(), mask=values < 0)
        return pa.DictionaryArray.from_arrays(codes, pa.array(caps, pa.string()))
    return pa.array(values, mask=values == UNKNOWN) if name in MONEY else pa.array(values)


def sealed(path: str, digest: str) -> Step | None:
    """The finished file, where it was made from the same and its bytes are still those written."""
    try:
        seal = json.loads(Path(f"{path}.json").read_text("utf-8"))
        if seal["digest"] != digest or seal["file"] != digest_of_file(path):
            return None
        return Step(path, digest, seal["rows"], seal["told"], kept=True)
    except (OSError, ValueError, KeyError, TypeError, TableError):
        return None  # none yet, or half a one: it is made anew


def _seal(path: str, digest: str, table: Any, edges: np.ndarray, told: dict[str, Any]) -> Step:
    """Write a table with a row group between every two edges, then its seal; each by renaming."""

    def write(building: Path) -> None:
        with scratch_writer(building, table.schema) as writer:
            for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
                writer.write_table(table.slice(a, b - a), row_group_size=max(b - a, 1))

    _put(Path(path), write)
    seal = {"digest": digest, "file": digest_of_file(path), "rows": len(table), "told": told}
    _put(Path(f"{path}.json"), lambda building: building.write_text(json.dumps(seal), "utf-8"))
    return Step(path, digest, len(table), told)


def _put(path: Path, write: Callable[[Path], object]) -> None:
    building = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        write(building)
        building.replace(path)
    finally:
        building.unlink(missing_ok=True)


def _group(path: str, group: int) -> Any:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read_row_group(group)


def join_findings(found: Sequence[dict[str, Any]]) -> tuple[Finding, ...]:
    """Findings of all parts: one for each code and column, its first row, all rows counted."""
    joined: dict[tuple[str, str], Finding] = {}
    for told in found:
        one = Finding(**{**told, "severity": Severity(told["severity"])})
        key = (one.code, one.column)
        if key not in joined:
            joined[key] = one
            continue
        before = joined[key]
        first = min((before, one), key=lambda two: two.row or 0)
        joined[key] = replace(first, count=before.count + one.count)
    return tuple(joined.values())
