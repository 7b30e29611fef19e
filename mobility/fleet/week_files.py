"""A week as files: one document, two tables, and a plan's folder for each day type; whole or not at all."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mobility.errors import ConfigError
from mobility.fleet.files import swap_folder
from mobility.fleet.plan import Plan

if TYPE_CHECKING:
    from mobility.fleet.week_plan import WeekPlan

DOCUMENT = "week.json"
_OURS = {DOCUMENT, "day_types.csv", "fleet.csv"}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def write_week(week: WeekPlan, folder: str | Path, *, source: dict[str, Any] | None = None) -> Path:
    """Write a week into a folder of its own.

    ``week.json``, ``day_types.csv``, ``fleet.csv``, and for every day type that has a plan with
    charging a folder ``YYYY-MM-DD`` as ``Plan.write`` makes it. Everything is built beside the folder
    and then renamed.

    Parameters
    ----------
    folder
        New, empty, or holding an earlier week, which is replaced.
    source
        Where the problem came from, kept in the documents so that the plans can be checked again; a
        day type with another's assumed depots gets none, as the case alone does not give them.

    Raises
    ------
    ConfigError
        When the folder holds something else.
    """
    target = may_write_week(folder)
    part = target.parent / f".{target.name}.{uuid4().hex[:8]}.part"
    part.mkdir(parents=True)
    try:
        for one in week.days:
            if isinstance(one.plan, Plan) and one.plan.report.objective is not None:
                when = one.kind.dates[0].isoformat()
                told = {} if one.depots_of_another or source is None else {**source, "date": when}
                one.plan.write(part / when, source=told)
        week.table.to_csv(part / "day_types.csv", index=False)
        week.fleet.to_csv(part / "fleet.csv", index=False)
        document = {**week.to_dict(), "source": source or {}}
        text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
        (part / DOCUMENT).write_text(text + "\n", "utf-8")
        swap_folder(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def may_write_week(folder: str | Path) -> Path:
    """Make sure that a week may be written to a folder: new, empty, or an earlier week and no more.

    Raises
    ------
    ConfigError
        When it is a file, or holds anything that no week of ours holds.
    """
    target = Path(folder).expanduser().resolve()
    if not target.exists():
        return target
    if not target.is_dir():
        raise ConfigError(f"{folder}: is a file", mend="name a folder")
    if Path.cwd().is_relative_to(target):  # it is renamed away: the shell would stand nowhere
        raise ConfigError(f"{folder}: is where you are", mend="name a folder inside it")
    held = sorted(one.name for one in target.iterdir())
    strange = [name for name in held if name not in _OURS and not _DATE.fullmatch(name)]
    if not held:
        return target
    if strange or DOCUMENT not in held or not _is_ours(target / DOCUMENT):
        raise ConfigError(
            f"{folder}: holds something that is no week of ours (found {(strange or held)[0]!r})",
            mend="name a folder that is new, empty, or holds an earlier week alone",
        )
    return target


def _is_ours(path: Path) -> bool:
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and {"day_types", "year_minor"} <= told.keys()
