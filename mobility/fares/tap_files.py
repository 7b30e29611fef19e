"""Files of taps: CSV, Parquet, folders of Parquet; and charges as a file, whole or not at all."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pandas as pd

from mobility.errors import ConfigError, TableError
from mobility.fares.taps import ATTRIBUTES, TIDES
from mobility.findings import Finding, finding

if TYPE_CHECKING:
    from mobility.fares.ledger import Ledger

KNOWN = ("card", "time", "to_time", "kind", "riders", "tap_id", "operator", *ATTRIBUTES, *TIDES)
_CONVERSION = re.compile(r"column #(\d+)")


@dataclass
class TapFile:
    """A table of taps, and where its rows stand in its file."""

    table: pd.DataFrame
    file: str = ""
    first_row: int = 1
    skipped: list[int] = field(default_factory=list)  # rows of the file that could not be read
    findings: list[Finding] = field(default_factory=list)

    def row(self, at: int) -> int:
        """Row of the file of a row of the table."""
        row = at + self.first_row
        for skipped in self.skipped:
            if skipped > row:
                break
            row += 1
        return row


def read_taps(path: str | Path, *, strict: bool = False) -> TapFile:
    """Read taps from a CSV or Parquet file, or a folder of Parquet files.

    A row of a CSV with too many or too few cells is told in a finding and left out.

    Raises
    ------
    TableError
        When the file cannot be read, is cut short, or, with ``strict``, has such a row.
    """
    place = Path(path)
    if not place.exists():
        raise TableError(f"{path}: no such file", mend="give a CSV or Parquet file of taps")
    if place.is_dir():
        tables = [_parquet(one).table for one in parquet_files(place)]
        return TapFile(pd.concat(tables, ignore_index=True), str(path))
    if place.suffix.lower() in {".parquet", ".pq"} or _starts_like_parquet(place):
        return _parquet(place)
    read = _csv(place)
    if strict and read.findings:
        raise TableError.from_finding(*read.findings)
    return read


def parquet_files(folder: Path) -> list[Path]:
    """Parquet files below a folder, by name.

    Raises
    ------
    TableError
        When there is none.
    """
    found = sorted(one for one in folder.rglob("*.parquet") if not one.name.startswith("."))
    if not found:
        raise TableError(f"{folder}: holds no Parquet file", mend="name them *.parquet")
    return found


def _starts_like_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _parquet(path: Path) -> TapFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = [one for one in file.schema_arrow.names if one in KNOWN]
            table = file.read(names) if names else file.read()
    except (pa.ArrowException, OSError) as error:
        raise unreadable(path, error) from None
    return TapFile(table.to_pandas(split_blocks=True, self_destruct=True), str(path))


def unreadable(path: Path, error: Exception) -> TableError:
    """A file that is cut short or no Parquet at all."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    one = finding("unreadable_taps", file=str(path), value=reason)
    return TableError(one.where_what, mend=one.mend, findings=[one])


def _csv(path: Path) -> TapFile:
    import pyarrow as pa
    from pyarrow import csv

    skipped: list[tuple[int, str]] = []

    def skip(row: Any) -> str:
        skipped.append((int(row.number or 0), str(row.text)))
        return "skip"

    types: dict[str, Any] = {}
    names: list[str] = []
    while True:
        skipped.clear()
        try:
            if not names:
                with csv.open_csv(
                    path, parse_options=csv.ParseOptions(invalid_row_handler=lambda _: "skip")
                ) as head:
                    names = head.schema.names
                types |= {
                    one: pa.string()
                    for one in names
                    if one in {"zone", "to_zone", "route_id", "stop_id", "to_stop_id"}
                }
            table = csv.read_csv(
                path,
                read_options=csv.ReadOptions(use_threads=False),  # else rows have no number
                parse_options=csv.ParseOptions(invalid_row_handler=skip),
                convert_options=csv.ConvertOptions(
                    column_types=types, strings_can_be_null=True, null_values=[""]
                ),
            )
            break
        except pa.ArrowInvalid as error:
            found = _CONVERSION.search(str(error))
            if found is None or not names or names[int(found[1])] in types:
                raise unreadable(path, error) from None
            types[names[int(found[1])]] = pa.string()  # a cell far down is of another type
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise unreadable(path, error) from None
    read = TapFile(table.to_pandas(), str(path), 2, sorted(row for row, _ in skipped))
    if skipped:
        row, text = skipped[0]
        read.findings.append(
            finding("bad_tap_row", file=str(path), row=row, value=text, count=len(skipped))
        )
    return read


def write_charges(ledger: Ledger, path: str | Path) -> Path:
    """Write a ledger's charges, in the order of the taps, to Parquet or CSV (by the file's suffix).

    To a temporary name in the same folder first: a run that is killed leaves no half file.

    Raises
    ------
    ConfigError
        When the folder does not exist or the path is a folder.
    """
    table = ledger.charges
    if ledger.taps is not None and "tap_id" in ledger.taps:
        table.insert(0, "tap_id", ledger.taps["tap_id"].to_numpy())
    told = {"mobility.report": ledger.report.to_json(), "mobility.currency": ledger.tariff.currency}
    return write_table(table, path, told)


def write_table(table: pd.DataFrame, path: str | Path, told: dict[str, str]) -> Path:
    """Write a table to Parquet (with ``told`` in its metadata) or CSV, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = may_write_file(path)
    part = target.parent / f".{target.name}.{uuid4().hex[:8]}.part"
    try:
        if target.suffix.lower() == ".csv":
            table.to_csv(part, index=False, lineterminator="\n")
        else:
            arrow = pa.Table.from_pandas(table, preserve_index=False)
            pq.write_table(
                arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), **told}), part
            )
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def may_write_file(path: str | Path) -> Path:
    """Make sure, before the work, that a file can be written."""
    target = Path(path).expanduser().resolve()
    if target.is_dir():
        raise ConfigError(f"{path}: is a folder", mend="--out charges.parquet")
    if not target.parent.is_dir():
        raise ConfigError(f"{target.parent}: no such folder", mend="make it first")
    return target
