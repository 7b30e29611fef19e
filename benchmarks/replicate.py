"""Make a large feed of a small one: every trip several times, each copy with ids of its own."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

_KEYED = {"trips.txt": ("trip_id", "block_id"), "stop_times.txt": ("trip_id",)}


def replicate(source: Path, target: Path, copies: int) -> None:
    """Write ``target``: the feed ``source`` with its trips ``copies`` times."""
    target.parent.mkdir(parents=True, exist_ok=True)
    building = target.with_suffix(".building")
    with (
        zipfile.ZipFile(source) as feed,
        zipfile.ZipFile(building, "w", zipfile.ZIP_DEFLATED) as out,
    ):
        for name in feed.namelist():
            if name not in _KEYED:
                out.writestr(name, feed.read(name))
                continue
            table = _text_table(feed.read(name))
            with out.open(name, "w", force_zip64=True) as stream:
                for copy in range(copies):
                    options = pacsv.WriteOptions(include_header=copy == 0, quoting_style="needed")
                    pacsv.write_csv(_renamed(table, _KEYED[name], copy), stream, options)
    building.rename(target)


def _text_table(data: bytes) -> pa.Table:
    header = data.split(b"\n", 1)[0].decode("utf-8-sig").strip().split(",")
    return pacsv.read_csv(
        pa.BufferReader(data),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
        ),
    )


def _renamed(table: pa.Table, keys: tuple[str, ...], copy: int) -> pa.Table:
    for key in keys:
        at = table.column_names.index(key)
        values = table.column(key)
        new = pc.if_else(
            pc.equal(values, ""), values, pc.binary_join_element_wise(values, str(copy), "_")
        )
        table = table.set_column(at, key, new)
    return table
