"""Plans and logs as files: JSON with everything, CSV or Parquet with the lamps; whole or not at all."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd
from pydantic import BaseModel, ValidationError

from mobility.errors import TableError
from mobility.findings import finding
from mobility.signals.file_parts import LogFile, PlanFile, ScheduleFile
from mobility.signals.plan import SHOWN, STAGES, Indication, Log, Plan, SignalPlan, StageTime
from mobility.signals.problem import State
from mobility.signals.rows import Rows, read_rows, whole_file, write_rows
from mobility.signals.schedule import Schedule, Slot

if TYPE_CHECKING:
    from collections.abc import Sequence

_Model = TypeVar("_Model", bound=BaseModel)
PLAN, LOG, SCHEDULE = "signal plan", "signal log", "signal schedule"
COLUMNS = (
    "plan", "plan_from_s", "plan_to_s", "digest", "signal", "cycle_s", "zero_s", "offset_s",
    "reference", "reference_stage", "what", "name", "state", "from_s", "to_s",
)  # fmt: skip
_REFERENCES = ("begin-green", "begin-yellow", "end-yellow")
_WRITE_AGAIN = "write it with signals.write_plan or signals.write_log"


def write_plan(plan: Plan | Schedule, path: str | Path) -> Path:
    """Write a plan, or a week of plans, into one file; whole or not at all.

    Parameters
    ----------
    path
        ``.json``: everything, with how the plan came about. ``.csv`` or ``.parquet``: one row a
        stage and an indication (``what`` is ``stage`` or ``lamp``); a plan only, no week.

    Raises
    ------
    TableError
        When the file cannot be written, or its name ends otherwise.
    """
    target = Path(path)
    if target.suffix.lower() == ".json":
        document = {"kind": PLAN, **_plan_document(plan)} if isinstance(plan, Plan) else {
            "kind": SCHEDULE, **plan.to_dict(),
            "plans": [_plan_document(one) for one in plan.plans],
        }  # fmt: skip
        return _write_json(document, target)
    if isinstance(plan, Schedule):
        raise TableError(
            f"{path}: a week of plans is written as JSON", mend="end the name in .json"
        )
    _a_table(target)
    rows = [
        (plan.name, plan.from_s, plan.to_s, plan.digest, one.signal, one.cycle_s, one.zero_s,
         one.offset_s, one.reference, one.reference_stage, *tail)
        for one in plan.signals
        for tail in (
            *(("stage", two.stage, "", two.from_s, two.from_s + two.green_s) for two in one.stages),
            *(("lamp", two.group, str(two.state), two.from_s, two.to_s) for two in one.shows),
        )
    ]  # fmt: skip
    return write_rows(target, COLUMNS, rows)


def write_log(log: Log, path: str | Path) -> Path:
    """Write what was shown into one file; whole or not at all.

    Parameters
    ----------
    path
        ``.json``: everything. ``.csv`` or ``.parquet``: what was shown, without the requests,
        commands and promises.

    Raises
    ------
    TableError
        When the file cannot be written, or its name ends otherwise.
    """
    target = Path(path)
    if target.suffix.lower() != ".json":
        _a_table(target)
        return write_rows(target, SHOWN, _tuples(log.shown, SHOWN))
    document = {
        "kind": LOG, "digest": log.digest,
        "plan": None if log.plan is None else _plan_document(log.plan),
        "shown": _tuples(log.shown, SHOWN), "stages": _tuples(log.stages, STAGES),
        **{name: [asdict(one) for one in getattr(log, name)]
           for name in ("requests", "commands", "horizons", "gaps", "promises")},
    }  # fmt: skip
    return _write_json(document, target)


def read_plan(path: str | Path) -> Plan:
    """Read a plan from JSON, CSV or Parquet; also from what a command printed with ``--json``.

    A plan with a row left out is another plan, so it is read whole or not at all.

    Raises
    ------
    TableError
        When the file is no plan; ``findings`` tells every place that is wrong.
    """
    found = read_shown(path)
    if not isinstance(found, Plan):
        kind = "week of plans" if isinstance(found, Schedule) else "log"
        raise TableError(f"{path}: is a {kind}", mend="give a plan that signals.write_plan wrote")
    return found


def read_schedule(path: str | Path) -> Schedule:
    """Read a week of plans; a plan alone runs in its own hours on every day.

    Raises
    ------
    TableError
        When the file is neither.
    """
    found = read_shown(path)
    if isinstance(found, Plan):
        return Schedule.of((found,))
    if not isinstance(found, Schedule):
        raise TableError(f"{path}: is a log", mend="give a plan that signals.write_plan wrote")
    return found


def read_log(path: str | Path) -> Log:
    """Read what was shown from JSON, CSV or Parquet (``signal, group, state, from_s, to_s``).

    A row of a table that cannot be read is left out and told in ``input_findings``; the others
    are judged.

    Raises
    ------
    TableError
        When the file is no log.
    """
    found = read_shown(path)
    if not isinstance(found, Log):
        raise TableError(f"{path}: is a plan", mend="give a log that signals.write_log wrote")
    return found


def read_shown(path: str | Path) -> Plan | Schedule | Log:
    """Read a plan, a week of plans or a log: the file says itself which it is.

    Raises
    ------
    TableError
        When it cannot be read, or is none of them.
    """
    source = Path(path)
    if source.is_dir():  # of `mobility signals time --out`
        source = source / "plan.json"
    if source.suffix.lower() == ".json":
        return _from_json(source)
    _a_table(source)
    table = read_rows(source, ("signal", "from_s", "to_s"))
    if "what" in table.columns:
        return _plan_of_rows(read_rows(source, COLUMNS))
    return _log_of_rows(read_rows(source, SHOWN))


def _a_table(path: Path) -> None:
    if path.suffix.lower() not in {".csv", ".parquet"}:
        raise TableError(f"{path}: is neither JSON nor CSV nor Parquet",
                         mend="end the name in .json, .csv or .parquet")  # fmt: skip


def _plan_document(plan: Plan) -> dict[str, Any]:
    """What a plan is; how a solver compares it with others is in the solver's own answer."""
    return {**Plan.to_dict(plan), **({"report": plan.report.to_dict()} if plan.report else {})}


def _tuples(table: pd.DataFrame, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    times = {"from_s", "to_s"}
    parts = [[float(one) if name in times else str(one) for one in table[name]] for name in columns]
    return list(zip(*parts, strict=True))


def _write_json(document: dict[str, Any], target: Path) -> Path:
    try:
        text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    except ValueError:
        raise TableError(f"{target}: a time is no number", mend="correct the plan first") from None
    return whole_file(target, lambda part: part.write_text(text + "\n", "utf-8"))


def _from_json(source: Path) -> Plan | Schedule | Log:
    try:
        told = json.loads(source.read_text("utf-8"))
    except OSError as error:
        raise TableError(f"{source}: {error.strerror or error}", mend="name a plan") from None
    except (ValueError, RecursionError) as error:
        raise TableError(f"{source}: no JSON: {error}", mend=_WRITE_AGAIN) from None
    kind = told.pop("kind", None) if isinstance(told, dict) else None
    if kind is None and isinstance(told, dict):  # what a command printed with --json
        told = told["plan"] if isinstance(told.get("plan"), dict) else told
        if "signals" in told:
            kind, told = PLAN, {key: told[key] for key in PlanFile.model_fields if key in told}
    if kind == PLAN:
        return plan_of_file(_checked(PlanFile, told, source))
    if kind == SCHEDULE:
        week = _checked(ScheduleFile, told, source)
        plans = tuple(plan_of_file(one) for one in week.plans)
        slots = tuple(Slot(tuple(one.days), one.from_s, one.plan) for one in week.slots)
        return Schedule(plans, slots, week.transition)
    if kind != LOG:
        raise TableError(f"{source}: is neither a plan nor a log of signals (found {kind!r})",
                         mend=_WRITE_AGAIN)  # fmt: skip
    log = _checked(LogFile, told, source)
    return Log(
        shown=pd.DataFrame(log.shown, columns=list(SHOWN)),
        stages=pd.DataFrame(log.stages, columns=list(STAGES)),
        plan=None if log.plan is None else plan_of_file(log.plan), digest=log.digest,
        **{name: tuple(one.made() for one in getattr(log, name))
           for name in ("requests", "commands", "horizons", "gaps", "promises")},
    )  # fmt: skip


def _checked(model: type[_Model], told: dict[str, Any], source: Path) -> _Model:
    try:
        return model.model_validate(told)
    except ValidationError as error:
        found = [
            finding("signal_row_unreadable", one["msg"], file=source.name,
                    column=".".join(map(str, one["loc"])), value=one["input"], mend=_WRITE_AGAIN)
            for one in error.errors()
        ]  # fmt: skip
        raise TableError(found[0].where_what, mend=found[0].mend, findings=found) from None


def plan_of_file(told: PlanFile) -> Plan:
    """Turn a checked document into a plan."""
    made = tuple(
        SignalPlan(
            one.signal, one.cycle_s, one.zero_s, one.offset_s,
            tuple(StageTime(*two) for two in one.stages),
            tuple(Indication(*two) for two in one.shows), one.reference, one.reference_stage,
        )
        for one in told.signals
    )  # fmt: skip
    report = None if told.report is None else told.report.made()
    return Plan(made, told.name, told.from_s, told.to_s, told.digest, report)


def _log_of_rows(table: Rows) -> Log:
    rows = []
    for at, cells in table:
        texts = [table.text(at, cells, name) for name in ("signal", "group", "state")]
        times = [table.number(at, cells, name) for name in ("from_s", "to_s")]
        if None not in texts and None not in times:
            rows.append((*texts, *times))
    return Log(pd.DataFrame(rows, columns=list(SHOWN)), input_findings=tuple(table.findings))


def _plan_of_rows(table: Rows) -> Plan:
    heads: dict[str, tuple[Any, ...]] = {}
    stages: dict[str, list[StageTime]] = {}
    shows: dict[str, list[Indication]] = {}
    whole: tuple[Any, ...] | None = None
    known = {one.value for one in State}
    for at, cells in table:
        signal, name = table.text(at, cells, "signal"), table.text(at, cells, "name")
        numbers = [table.number(at, cells, one) for one in ("cycle_s", "zero_s", "offset_s")]
        times = [table.number(at, cells, one) for one in ("from_s", "to_s")]
        hours = [table.number(at, cells, one, least=0) for one in ("plan_from_s", "plan_to_s")]
        if cells["reference"] not in _REFERENCES:
            table.say(at, "reference", cells["reference"], "no reference point",
                      f"one of {', '.join(_REFERENCES)}")  # fmt: skip
        if signal is None or name is None or None in (*numbers, *times, *hours):
            continue
        head = (*numbers, cells["reference"], cells["reference_stage"])
        own = (cells["plan"], *hours, cells["digest"])
        if heads.setdefault(signal, head) != head or (whole or own) != own:
            table.say(at, "signal", signal, "contradicts the rows before it about the plan",
                      "one cycle, offset and reference a signal, one plan a file")  # fmt: skip
            continue
        whole = own
        start, end = float(times[0] or 0), float(times[1] or 0)
        if cells["what"] == "stage":
            stages.setdefault(signal, []).append(StageTime(name, start, round(end - start, 9)))
        elif cells["what"] != "lamp":
            table.say(at, "what", cells["what"], "no kind of row", "stage or lamp")
        elif cells["state"] not in known:
            table.say(at, "state", cells["state"], "no state of a signal",
                      f"one of {', '.join(sorted(known))}")  # fmt: skip
        else:
            shows.setdefault(signal, []).append(Indication(name, State(cells["state"]), start, end))
    table.refuse_bad()
    if whole is None:
        raise TableError(f"{table.file}: has no row", mend=_WRITE_AGAIN)
    made = tuple(
        SignalPlan(
            signal, cycle, zero, offset, tuple(stages.get(signal, ())),
            tuple(shows.get(signal, ())), reference, named,
        )
        for signal, (cycle, zero, offset, reference, named) in heads.items()
    )  # fmt: skip
    return Plan(made, whole[0], round(whole[1]), round(whole[2]), whole[3])
