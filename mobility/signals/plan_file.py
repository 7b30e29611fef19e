"""Plans read back from the JSON that ``Plan.to_dict`` gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mobility.errors import ConfigError
from mobility.signals.groups import State
from mobility.signals.plan import Indication, Plan, SignalPlan, StageTime


def read_plan(path: str | Path) -> Plan:
    """Read a plan; a document that holds it under ``plan`` is read too.

    Raises
    ------
    ConfigError
        When the file cannot be read, or is no plan.
    """
    source = Path(path)
    try:
        given = json.loads(source.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror or error}", mend="name a plan in JSON"
        ) from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ConfigError(f"{path}: no JSON: {error}", mend="write the plan again") from None
    if isinstance(given, dict) and isinstance(given.get("plan"), dict):
        given = given["plan"]
    try:
        return _plan(given)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path}: no plan: {type(error).__name__} {error}",
                          mend="a plan as `mobility signals info --json` shows it") from None  # fmt: skip


def _plan(given: dict[str, Any]) -> Plan:
    signals = tuple(
        SignalPlan(
            str(one["signal"]), float(one["cycle_s"]), float(one["zero_s"]), float(one["offset_s"]),
            tuple(StageTime(str(name), float(at), float(green)) for name, at, green in one["stages"]),
            tuple(Indication(str(group), State(state), float(start), float(end))
                  for group, state, start, end in one["shows"]),
            str(one.get("reference", "begin-green")), str(one.get("reference_stage", "")),
        )
        for one in given["signals"]
    )  # fmt: skip
    return Plan(signals, str(given.get("name", "plan")), int(given.get("from_s", 0)),
                int(given.get("to_s", 86_400)), str(given.get("digest", "")))  # fmt: skip
