"""Plans as files: tables, one JSON document and the feed with its blocks; whole or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import pandas as pd

from mobility.errors import ConfigError, TableError
from mobility.fleet.activities import COLUMNS
from mobility.fleet.fuel import COLUMNS as REFUELS
from mobility.fleet.fuel import no_refuels
from mobility.fleet.plan import BlockPlan, Plan, with_times
from mobility.solution import Report, Status, StopReason

if TYPE_CHECKING:
    from mobility.feed import ServiceDay
    from mobility.fleet.problem import Problem

DOCUMENT = "plan.json"
FEED_FOLDER = "feed"
_COLUMNS = {
    "blocks": COLUMNS,
    "sessions": ("vehicle", "site", "charger", "start_s", "end_s", "kwh", "kw"),
    "power": ("site", "start_s", "kw"),
    "refuels": REFUELS,
}
_OURS = {
    DOCUMENT,
    FEED_FOLDER,
    *(f"{name}.{kind}" for name in _COLUMNS for kind in ("csv", "parquet")),
}
_WHOLE = ("seq", "start_s", "end_s", "charger", "pump")
_TEXT_COLUMNS = (
    "vehicle",
    "block",
    "kind",
    "trip_id",
    "from_stop",
    "to_stop",
    "depot",
    "type",
    "site",
    "energy",
)


def write_plan(
    plan: Plan | BlockPlan,
    folder: str | Path,
    *,
    day: ServiceDay | None = None,
    source: dict[str, Any] | None = None,
    parquet: bool = False,
) -> Path:
    """Write a plan into a folder of its own.

    ``blocks.csv`` and ``sessions.csv`` carry absolute local times with their offset (``start``,
    ``end``) beside the seconds; ``sessions.csv`` has the kW of a session's slots separated by
    blanks. A plan of blocks alone has ``blocks.csv`` only. Everything is built beside the folder
    and then renamed.

    Parameters
    ----------
    plan
        Of ``fleet.plan`` or of ``fleet.plan_blocks``.
    folder
        New, empty, or holding an earlier plan, which is replaced.
    day
        The service day: with it the feed is written back too, into ``feed/``, with ``block_id``.
    source
        Where the problem came from, kept in ``plan.json`` so that it can be checked again.
    parquet
        Write every table as Parquet too, for tools that want types and units.

    Raises
    ------
    ConfigError
        When the folder holds something else.
    """
    from mobility.feed.write import write_feed

    target = may_write(folder)
    part = target.parent / f".{target.name}.{uuid4().hex[:8]}.part"
    part.mkdir(parents=True)
    try:
        _write_tables(plan, part, parquet=parquet)
        document = {**plan.to_dict(), "source": source or {}, "tables": list(_tables(plan))}
        text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
        (part / DOCUMENT).write_text(text + "\n", "utf-8")
        if day is not None and plan.block_of_trip:
            write_feed(day.feed, part / FEED_FOLDER, blocks=plan.block_of_trip, day=day)
        swap_folder(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def may_write(folder: str | Path) -> Path:
    """Make sure that a plan may be written to a folder: new, empty, or an earlier plan and no more.

    Raises
    ------
    ConfigError
        When it is a file, or holds anything that no plan of ours holds.
    """
    target = Path(folder).expanduser().resolve()
    if not target.exists():
        return target
    if not target.is_dir():
        raise ConfigError(f"{folder}: is a file", mend="name a folder")
    if Path.cwd().is_relative_to(target):  # it is renamed away: the shell would stand nowhere
        raise ConfigError(f"{folder}: is where you are", mend="name a folder inside it")
    held = sorted(one.name for one in target.iterdir())
    if not held:
        return target
    if strange := [name for name in held if name not in _OURS]:
        raise ConfigError(
            f"{folder}: holds something that is no plan of ours (found {strange[0]!r})",
            mend="name a folder that is new, empty, or holds an earlier plan alone",
        )
    try:
        told = read_document(target)
    except TableError:
        told = {}
    if not {"status", "blocks_mode"} <= told.keys():
        raise ConfigError(
            f"{folder}: holds something that is no plan of ours (found {held[0]!r})",
            mend="name a folder that is new or empty",
        )
    return target


def swap_folder(part: Path, target: Path) -> None:
    """Put the new folder in the old one's place; the old one comes back where that fails."""
    if not target.exists():
        part.rename(target)
        return
    aside = target.parent / f"{part.name}.old"
    target.rename(aside)
    try:
        part.rename(target)
    except OSError:
        aside.rename(target)
        raise
    shutil.rmtree(aside)


def read_document(folder: str | Path) -> dict[str, Any]:
    """Read a written plan's ``plan.json``.

    Raises
    ------
    TableError
        When there is none.
    """
    path = Path(folder) / DOCUMENT
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _no_plan(folder, error) from None
    if not isinstance(told, dict):
        raise _no_plan(folder, "no JSON object")
    return told


def read_plan(folder: str | Path, problem: Problem) -> Plan | BlockPlan:
    """Read a written plan back, as an answer to a problem.

    A table is read from its CSV file, which a person may have edited, or else from Parquet. Where
    the folder holds blocks alone, the answer is a ``BlockPlan``.

    Raises
    ------
    TableError
        When a file is missing or is not a plan's.
    """
    told, at = read_document(folder), Path(folder)
    try:
        report = Report(
            status=Status(told["status"]),
            objective=told["objective"],
            objective_unit=told["objective_unit"],
            parts=told["parts"],
            bound=told["bound"],
            bound_scope=told["bound_scope"],
            seconds=told["seconds"],
            seed=told["seed"],
            stop_reason=StopReason(told["stop_reason"]),
            versions=told["versions"],
        )
        blocks = _read_table(at, "blocks")
        if told.get("tables") == ["blocks"]:
            return BlockPlan(
                problem=problem,
                blocks=blocks,
                report=report,
                vehicles=told["vehicles"],
                vehicles_bound=told["vehicles_bound"],
                block_mode=told["blocks_mode"],
                why=told["why"],
            )
        return Plan(
            problem=problem,
            blocks=blocks,
            sessions=_read_table(at, "sessions"),
            power=_read_table(at, "power"),
            refuels=_read_table(at, "refuels") if "refuels" in told["tables"] else no_refuels(),
            report=report,
            vehicles=told["vehicles"],
            vehicles_bound=told["vehicles_bound"],
            block_mode=told["blocks_mode"],
            not_electric=tuple(told["not_electric"]),
            assumptions=tuple(told["assumptions"]),
            why=told["why"],
            bounds=told["bounds"],
        )
    except TableError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _no_plan(folder, error) from None


def _read_table(folder: Path, name: str) -> pd.DataFrame:
    """Read a plan's table without its local times, which follow from the seconds."""
    if (folder / f"{name}.csv").exists() or not (folder / f"{name}.parquet").exists():
        table = _read_csv(folder, name)
        if name == "sessions":
            table["kw"] = [tuple(float(one) for one in str(row).split()) for row in table["kw"]]
    else:
        from mobility.fleet.parquet import read_parquet

        table = read_parquet(folder / f"{name}.parquet", _COLUMNS[name])
    return table.drop(columns=["start", "end"], errors="ignore")


def _read_csv(folder: Path, name: str) -> pd.DataFrame:
    """Read a plan's table, each column in its type: an edited cell is refused with its row."""
    table = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
    for column in _COLUMNS[name]:
        where = f"{folder}/{name}.csv"
        if column not in table:
            raise TableError(f"{where}: no column {column!r}", mend="keep the columns of the plan")
        if column in _TEXT_COLUMNS or (name, column) == ("sessions", "kw"):
            continue
        if column == "electric":
            values = table[column].map({"True": True, "False": False})
        else:
            values = pd.to_numeric(table[column], errors="coerce")
            if column in _WHOLE:
                values = values.where(values % 1 == 0)
        if values.isna().any():
            at = int(values.isna().to_numpy().argmax())
            raise TableError(
                f"{where}:{at + 2}:{column}: cannot be read (found {table[column].iloc[at]!r})",
                mend="True or False"
                if column == "electric"
                else f"a {'whole ' * (column in _WHOLE)}number",
            )
        if column == "electric":
            table[column] = values.astype(bool)
        else:
            table[column] = values.astype(np.int64 if column in _WHOLE else np.float64)
    return table


def _tables(plan: Plan | BlockPlan) -> dict[str, pd.DataFrame]:
    """The tables of a plan, with local times where there are any."""
    tables = {"blocks": with_times(plan.blocks, plan.problem)}
    if isinstance(plan, Plan):
        tables |= {"sessions": with_times(plan.sessions, plan.problem), "power": plan.power}
        if len(plan.refuels):
            tables["refuels"] = with_times(plan.refuels, plan.problem)
    return tables


def _write_tables(plan: Plan | BlockPlan, folder: Path, *, parquet: bool) -> None:
    for name, table in _tables(plan).items():
        if parquet:
            from mobility.fleet.parquet import write_parquet

            write_parquet(table, folder / f"{name}.parquet", plan.report)
        timed = table.copy()
        if name == "sessions":
            timed["kw"] = [" ".join(f"{value:.10g}" for value in row) for row in table["kw"]]
        for column in ("start", "end"):
            if column in timed:
                timed[column] = [one.isoformat() for one in timed[column]]
        timed.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def _no_plan(folder: str | Path, why: object) -> TableError:
    return TableError(
        f"{folder}: is not a written plan: {why}",
        mend="give the folder that `mobility fleet plan --out` wrote",
    )
