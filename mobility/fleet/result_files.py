"""Answers as folders: one JSON document beside its tables; whole or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mobility.errors import ConfigError
from mobility.fleet.files import swap_folder

if TYPE_CHECKING:
    import pandas as pd


def write_result(
    name: str,
    document: dict[str, Any],
    tables: dict[str, pd.DataFrame],
    folder: str | Path,
    *,
    parquet: bool = False,
) -> Path:
    """Write ``NAME.json`` and a CSV file a table, with ``parquet`` Parquet too; the folder is returned.

    The folder may be new, empty, or hold an earlier answer of the same name, which is replaced.

    Raises
    ------
    ConfigError
        When the folder holds something else.
    """
    target = may_write_result(name, tuple(tables), folder)
    part = target.parent / f".{target.name}.{uuid4().hex[:8]}.part"
    part.mkdir(parents=True)
    try:
        text = json.dumps({**document, "tables": list(tables)}, ensure_ascii=False, indent=2,
                          allow_nan=False, default=_plain)  # fmt: skip
        (part / f"{name}.json").write_text(text + "\n", "utf-8")
        for own, table in tables.items():
            table.to_csv(part / f"{own}.csv", index=False, lineterminator="\n")
            if parquet:
                table.to_parquet(part / f"{own}.parquet", index=False)
        swap_folder(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def may_write_result(name: str, tables: tuple[str, ...], folder: str | Path) -> Path:
    """Make sure that an answer may be written to a folder.

    Raises
    ------
    ConfigError
        When it is a file, or holds anything that no answer of this name holds.
    """
    target = Path(folder).expanduser().resolve()
    if not target.exists():
        return target
    if not target.is_dir():
        raise ConfigError(f"{folder}: is a file", mend="name a folder")
    if Path.cwd().is_relative_to(target):
        raise ConfigError(f"{folder}: is where you are", mend="name a folder inside it")
    held = {one.name for one in target.iterdir()}
    ours = {f"{name}.json", *(f"{one}.{kind}" for one in tables for kind in ("csv", "parquet"))}
    if held and (held - ours or f"{name}.json" not in held):
        strange = sorted(held - ours) or sorted(held)
        raise ConfigError(
            f"{folder}: holds something that is no {name} of ours (found {strange[0]!r})",
            mend="name a folder that is new, empty, or holds an earlier one alone",
        )
    return target


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
