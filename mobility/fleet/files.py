"""Plans as files: CSV tables and one JSON document, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.errors import TableError

if TYPE_CHECKING:
    from mobility.fleet.plan import Plan


def write_plan(plan: Plan, folder: str | Path) -> Path:
    """Write blocks.csv, sessions.csv, power.csv and plan.json into a folder, made if need be.

    ``sessions.csv`` has the powers of a session's slots separated by blanks, and local times with
    their offset; ``blocks.csv`` has local times too.
    """
    from mobility.fleet.plan import with_times

    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    sessions = with_times(plan.sessions, plan.problem)
    sessions["kw"] = [" ".join(f"{value:.6g}" for value in row) for row in plan.sessions["kw"]]
    for name, table in (
        ("blocks.csv", with_times(plan.blocks, plan.problem)),
        ("sessions.csv", sessions),
        ("power.csv", plan.power),
    ):
        timed = table.copy()
        for column in ("start", "end"):
            if column in timed:
                timed[column] = [one.isoformat() for one in timed[column]]
        _put(target / name, timed.to_csv(index=False, lineterminator="\n"))
    _put(target / "plan.json", plan.to_json() + "\n")
    return target


def read_plan(
    folder: str | Path,
) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read what ``write_plan`` wrote: the JSON document, blocks, sessions and power.

    Raises
    ------
    TableError
        When a file is missing or is not a plan's.
    """
    source = Path(folder)
    text = {
        "trip_id": str,
        "from_stop": str,
        "to_stop": str,
        "vehicle": str,
        "depot": str,
        "site": str,
    }
    try:
        told = json.loads((source / "plan.json").read_text("utf-8"))
        tables = {
            name: pd.read_csv(source / f"{name}.csv", dtype=text, keep_default_na=False)
            for name in ("blocks", "sessions", "power")
        }
        sessions = tables["sessions"]
        sessions["kw"] = [tuple(float(one) for one in str(row).split()) for row in sessions["kw"]]
    except (OSError, ValueError, KeyError) as error:
        raise TableError(f"{source}: not a written plan: {error}",
                         mend="give the folder that `mobility fleet plan --out` wrote") from None  # fmt: skip
    return told, tables["blocks"], sessions, tables["power"]


def _put(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
