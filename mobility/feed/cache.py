"""Compiled feeds on disk: a feed is parsed once, and memory-mapped from then on.

One folder a feed, named after the sha256 of its bytes and of what compiled it. The cache may be
deleted, damaged or shared between processes at any time: then the feed is read anew.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mobility import __version__
from mobility.feed.feed import Feed
from mobility.feed.stop_events import StopEvents
from mobility.feed.tables import Table
from mobility.findings import Finding, Severity

# Raise this when a table, an array or a rule changes its meaning.
SCHEMA = 2
MAX_BYTES = 4 << 30
_MANIFEST = "manifest.json"


def folder() -> Path:
    """Return the folder of compiled feeds; ``MOBILITY_CACHE_DIR`` moves it."""
    given = os.environ.get("MOBILITY_CACHE_DIR")
    if given:
        return Path(given) / "feeds"
    from platformdirs import user_cache_path

    return user_cache_path("mobility-engine") / "feeds"


def load(digest: str, source: str) -> Feed | None:
    """Return the compiled feed of these bytes, or None where there is none that can be trusted."""
    at = _place(digest)
    try:
        manifest = json.loads((at / _MANIFEST).read_text("utf-8"))
        if manifest["sha256"] != digest or _sizes(at) != manifest["sizes"]:
            return None
        raw = {name: _load_table(at, name, entry) for name, entry in manifest["tables"].items()}
        arrays = {one.name: _load_array(at / f"{one.name}.npy") for one in fields(StopEvents)}
        if {name: len(array) for name, array in arrays.items()} != manifest["arrays"]:
            return None
        findings = tuple(
            Finding(**{**one, "severity": Severity(one["severity"])})
            for one in manifest["findings"]
        )
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None  # absent or damaged: the caller compiles anew
    with suppress(OSError):
        os.utime(at)  # the least recently used go first
    return Feed(source, digest, raw, StopEvents(**arrays), findings)


def store(feed: Feed) -> bool:
    """Keep a compiled feed; False where the disk does not let us, which is no error."""
    at = _place(feed.sha256)
    try:
        at.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=".building-", dir=at.parent))
    except OSError:
        return False
    try:
        _write(feed, building)
        if at.exists():  # a damaged one, or another process was quicker
            shutil.rmtree(at, ignore_errors=True)
        building.rename(at)
        _make_room(keep=at)
    except OSError:
        return False
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return True


def contents() -> dict[str, Any]:
    """Where the cache is, how many feeds it holds and how many bytes."""
    kept = _kept()
    return {"folder": str(folder()), "feeds": len(kept), "bytes": sum(map(_size, kept))}


def clear() -> dict[str, int]:
    """Drop every compiled feed."""
    kept = _kept()
    dropped = {"feeds": len(kept), "bytes": sum(map(_size, kept))}
    shutil.rmtree(folder(), ignore_errors=True)
    return dropped


def _place(digest: str) -> Path:
    return folder() / f"{digest[:32]}-{SCHEMA}-{__version__}"


def _write(feed: Feed, at: Path) -> None:
    tables: dict[str, Any] = {}
    for number, (name, table) in enumerate(feed.raw.items()):
        file = f"table{number}.arrow"  # a feed's own names are never used as paths
        with (
            pa.OSFile(str(at / file), "wb") as sink,
            pa.ipc.new_file(sink, table.arrow.schema) as out,
        ):
            out.write_table(table.arrow)
        tables[name] = {"file": file, "rows": len(table)}
        if table.file_rows is not None:
            tables[name]["file_rows"] = f"table{number}.rows.npy"
            np.save(at / f"table{number}.rows.npy", table.file_rows)
    arrays = {one.name: getattr(feed.stop_events, one.name) for one in fields(StopEvents)}
    for name, array in arrays.items():
        np.save(at / f"{name}.npy", array)
    manifest = {
        "sha256": feed.sha256,
        "sizes": _sizes(at),
        "tables": tables,
        "arrays": {name: len(array) for name, array in arrays.items()},
        "findings": [
            {one: getattr(finding, one) for one in Finding.__slots__} for finding in feed.findings
        ],
    }
    (at / _MANIFEST).write_text(json.dumps(manifest), "utf-8")


def _load_table(at: Path, name: str, entry: dict[str, Any]) -> Table:
    arrow = pa.ipc.open_file(pa.memory_map(str(at / entry["file"]))).read_all()
    if arrow.num_rows != entry["rows"]:
        raise ValueError(name)
    rows = entry.get("file_rows")
    return Table(name, arrow, None if rows is None else _load_array(at / rows))


def _load_array(path: Path) -> Any:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _sizes(at: Path) -> dict[str, int]:
    return {one.name: one.stat().st_size for one in sorted(at.iterdir()) if one.name != _MANIFEST}


def _make_room(keep: Path) -> None:
    kept = sorted(_kept(), key=lambda one: one.stat().st_mtime, reverse=True)
    total = 0
    for one in kept:
        total += _size(one)
        if total > MAX_BYTES and one != keep:
            shutil.rmtree(one, ignore_errors=True)


def _kept() -> list[Path]:
    at = folder()
    return [one for one in at.iterdir() if one.is_dir()] if at.is_dir() else []


def _size(at: Path) -> int:
    return sum(one.stat().st_size for one in at.iterdir() if one.is_file())
