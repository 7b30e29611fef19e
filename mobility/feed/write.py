"""Write a feed back with the blocks of a plan.

A trip that a frequency makes has no row of its own, and its template would lie in many blocks. So
where a plan uses such trips the written feed is expanded: each departure becomes a trip.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mobility.errors import ConfigError
from mobility.feed.stop_events import distinct_times
from mobility.feed.tables import Table
from mobility.units import format_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    import pandas as pd
    from numpy.typing import NDArray

    from mobility.feed.day import ServiceDay
    from mobility.feed.feed import Feed

_ROWS_A_CHUNK = 500_000
MAP_FILE = "expanded_trips.csv"


@dataclass(frozen=True)
class WrittenFeed:
    """What was written.

    Parameters
    ----------
    folder
        Where it lies.
    trips
        How many trips have a block of the plan.
    blocks
        How many blocks.
    expanded
        How many trips were templates' departures before; ``expanded_trips.csv`` lists them.
    prefix
        What every block id of the plan got in front, as it would have joined a block of other
        trips otherwise; mostly empty.
    notes
        What a reader of the written feed should know, in sentences.
    """

    folder: Path
    trips: int
    blocks: int
    expanded: int
    prefix: str = ""
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.folder}: {self.trips:,} trips in {self.blocks:,} blocks"


def write_feed(
    feed: Feed, folder: str | Path, *, blocks: Mapping[str, str], day: ServiceDay
) -> WrittenFeed:
    """Write the feed with ``block_id`` set for trips of one service day.

    Parameters
    ----------
    feed
        The feed; everything but what follows is written as it was read.
    folder
        Where to; it must not exist or be empty. Nothing is left there when writing fails.
    blocks
        ``trip_id`` of ``day.trips`` to block id. Other trips keep the block they have.
    day
        The service day that was planned.

    Returns
    -------
    WrittenFeed
        A template with a departure in ``blocks`` is written as one trip a departure
        (``<trip_id>#HH:MM:SS``), with its stop times shifted and its frequencies dropped.

    Raises
    ------
    ConfigError
        When the folder holds something, or a trip is not one of the day's.
    """
    folder = Path(folder).expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder}: is not empty", mend="name a folder that does not exist yet")
    known = set(day.trips["trip_id"])
    if strange := sorted(set(blocks) - known):
        raise ConfigError(
            f"{len(strange):,} trips do not run on {day.date} (found {strange[0]!r})",
            mend="give blocks by the trip_id of day.trips",
        )
    frequent = day.trips[day.trips["trip_id"] != day.trips["template_trip_id"]]
    templates = set(frequent.loc[frequent["trip_id"].isin(list(blocks)), "template_trip_id"])
    expanded = frequent[frequent["template_trip_id"].isin(templates)]

    raw, prefix = _with_blocks(feed, blocks, expanded, templates)
    part = folder.parent / f".{folder.name}.{uuid4().hex[:8]}.part"
    part.mkdir(parents=True)
    try:
        for table in raw.values():
            with (part / table.file).open("wb") as stream:
                write_table(table, stream)
        if len(expanded):
            _write_map(expanded, part / MAP_FILE)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return WrittenFeed(
        folder=folder,
        trips=len(blocks),
        blocks=len(set(blocks.values())),
        expanded=len(expanded),
        prefix=prefix,
        notes=tuple(_notes(raw, expanded, templates, prefix)),
    )


def write_table(table: Table, stream: BinaryIO) -> None:
    """Write one table as CSV (UTF-8, LF); a cell is quoted where it must be."""
    stream.write((",".join(_quote(name) for name in table.columns) + "\n").encode())
    columns = []
    for name in table.columns:
        texts = [_quote(one) for one in table.values(name).to_pylist()]
        if len(table.columns) == 1:
            texts = [one or '""' for one in texts]  # a bare blank line would be no row
        columns.append((pa.array(texts, pa.string()), table.codes(name)))
    for start in range(0, len(table), _ROWS_A_CHUNK):
        part = slice(start, start + _ROWS_A_CHUNK)
        cells = [texts.take(pa.array(codes[part])) for texts, codes in columns]
        lines = pc.binary_join_element_wise(*cells, ",")
        lines = pc.binary_join_element_wise(lines, pa.repeat("\n", len(lines)), "")
        bounds = np.frombuffer(lines.buffers()[1], np.int32)
        stream.write(memoryview(lines.buffers()[2])[bounds[0] : bounds[len(lines)]])


def _quote(text: str) -> str:
    if any(one in text for one in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _with_blocks(
    feed: Feed, blocks: Mapping[str, str], expanded: pd.DataFrame, templates: set[str]
) -> tuple[dict[str, Table], str]:
    """Tables of the written feed, and the prefix of its new block ids."""
    trips, raw = feed.raw["trips"], dict(feed.raw)
    ids, old = trips.text("trip_id"), trips.text("block_id")
    own = ~np.isin(ids, list(templates)) if templates else np.ones(len(trips), dtype=bool)
    prefix = _prefix(blocks, ids[own], old[own])

    kept = np.flatnonzero(own)
    row_of = dict(zip(ids[::-1], range(len(ids) - 1, -1, -1), strict=True))
    source = np.array([row_of[one] for one in expanded["template_trip_id"]], np.int64)
    rows = np.concatenate([kept, source])
    names = np.concatenate([ids[kept], expanded["trip_id"].to_numpy(dtype=object)])
    stay = np.concatenate([old[kept], np.full(len(source), "", dtype=object)])
    block = [
        prefix + blocks[name] if name in blocks else one
        for name, one in zip(names, stay, strict=True)
    ]
    columns = {name: (trips.values(name), trips.codes(name)[rows]) for name in trips.columns}
    columns["trip_id"] = _coded(names)
    columns["block_id"] = _coded(np.array(block, dtype=object))
    raw["trips"] = _table("trips", columns)

    if len(expanded):
        gone = np.isin(feed.raw["frequencies"].text("trip_id"), list(templates))
        raw["frequencies"] = _pick(raw["frequencies"], np.flatnonzero(~gone))
        if gone.all():
            del raw["frequencies"]
        raw["stop_times"] = _shifted(feed, expanded, source, templates)
    return raw, prefix


def _prefix(blocks: Mapping[str, str], ids: NDArray[np.object_], old: NDArray[np.object_]) -> str:
    """Nothing, unless a new block id is that of a block which other trips keep.

    A plan that only keeps or thins out the feed's own blocks collides with nothing.
    """
    taken = {block for name, block in zip(ids, old, strict=True) if block and name not in blocks}
    before = dict(zip(ids, old, strict=True))
    joined = any(new in taken and before.get(name) != new for name, new in blocks.items())
    prefix = "plan-" if joined else ""
    while joined and any(prefix + new in taken for new in set(blocks.values())):
        prefix = f"plan-{prefix}"
    return prefix


def _shifted(
    feed: Feed, expanded: pd.DataFrame, source: NDArray[np.int64], templates: set[str]
) -> Table:
    """stop_times.txt without the templates' rows, and with those of their departures."""
    from mobility.feed.day import trip_ends

    table, events = feed.raw["stop_times"], feed.stop_events
    codes = table.codes("trip_id")
    is_template = np.isin(
        np.array(table.values("trip_id").to_pylist(), dtype=object), list(templates)
    )
    kept = np.flatnonzero(~is_template[codes])

    begin, _ = trip_ends(feed, source.astype(np.int32))
    shift = expanded["depart_s"].to_numpy(np.int64) - begin
    counts = np.diff(events.offsets)[source]
    trip = np.repeat(np.arange(len(source)), counts)
    place = np.arange(len(trip)) - np.repeat(np.cumsum(counts) - counts, counts)
    added = events.position[events.offsets[source][trip] + place]

    rows = np.concatenate([kept, added])
    columns = {name: (table.values(name), table.codes(name)[rows]) for name in table.columns}
    names = pa.array([*table.values("trip_id").to_pylist(), *expanded["trip_id"]])
    columns["trip_id"] = (
        names,
        np.concatenate([codes[kept], trip + len(table.values("trip_id"))]).astype(np.int32),
    )
    for name in ("arrival_time", "departure_time"):
        if name in table:
            columns[name] = _moved(table, name, kept, added, shift[trip])
    return _table("stop_times", columns)


def _moved(
    table: Table,
    column: str,
    kept: NDArray[np.int64],
    added: NDArray[np.int32],
    shift: NDArray[np.int64],
) -> tuple[pa.Array, NDArray[np.int32]]:
    """Clock times: those kept as they stand, those added later by ``shift`` seconds."""
    values, codes = table.values(column), table.codes(column)
    seconds = distinct_times(values)[codes[added]].astype(np.int64)
    timed = seconds >= 0
    distinct, number = np.unique(seconds[timed] + shift[timed], return_inverse=True)
    moved = codes[added].copy()  # a blank stays blank
    moved[timed] = len(values) + number
    texts = [*values.to_pylist(), *(format_time(int(one)) for one in distinct)]
    return pa.array(texts, pa.string()), np.concatenate([codes[kept], moved]).astype(np.int32)


def _coded(texts: NDArray[np.object_]) -> tuple[pa.Array, NDArray[np.int32]]:
    coded = pa.array(texts, pa.string()).dictionary_encode()
    return coded.dictionary, coded.indices.to_numpy(zero_copy_only=False).astype(np.int32)


def _pick(table: Table, rows: NDArray[np.int64]) -> Table:
    return _table(
        table.name, {name: (table.values(name), table.codes(name)[rows]) for name in table.columns}
    )


def _table(name: str, columns: dict[str, tuple[pa.Array, NDArray[np.int32]]]) -> Table:
    arrays = [
        pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), values)
        for values, codes in columns.values()
    ]
    return Table(name, pa.table(arrays, names=list(columns)))


def _write_map(expanded: pd.DataFrame, path: Path) -> None:
    expanded[["trip_id", "template_trip_id", "depart_s"]].to_csv(path, index=False)


def _notes(
    raw: Mapping[str, Table], expanded: pd.DataFrame, templates: set[str], prefix: str
) -> list[str]:
    notes = []
    if len(expanded):
        notes.append(
            f"{len(templates):,} frequency trips are written as {len(expanded):,} trips of their "
            f"own; {MAP_FILE} says which is which"
        )
    for name, column in (
        ("transfers", "from_trip_id"),
        ("transfers", "to_trip_id"),
        ("attributions", "trip_id"),
    ):
        table = raw.get(name)
        if table is not None and column in table and len(templates & set(table.text(column))):
            notes.append(f"{table.file}: {column} still names trips that are written expanded")
    if prefix:
        notes.append(f"block ids of the plan begin with {prefix!r}: other trips have theirs")
    return notes
