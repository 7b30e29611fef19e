"""Charging plans as OCPP profiles: one file a charger, for version 1.6 (JSON) and 2.0.1.

A profile says what a charger may draw in each part of a day that repeats (``Recurring``, ``Daily``):
``startPeriod`` seconds after local midnight, ``limit`` in watts; between sessions 0. It is a
``TxDefaultProfile``: it holds for whoever plugs in there. Rules of the fields: Open Charge Alliance, OCPP 1.6
edition 2 (section 7, ChargingProfile and ChargingSchedule) and OCPP 2.0.1 part 2 (SetChargingProfileRequest):
the first period starts at 0, periods ascend, a limit has one digit after the point at most. In the day on
which clocks change, times after the change are off by that hour.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4
from zoneinfo import ZoneInfo

import numpy as np

from mobility.errors import ConfigError
from mobility.fleet.files import swap_folder
from mobility.units import DAY_S

if TYPE_CHECKING:
    from mobility.fleet.plan import Plan

Version = Literal["1.6", "2.0.1"]
VERSIONS: tuple[Version, ...] = ("1.6", "2.0.1")
# A charger that knows fewer periods refuses the profile; 2.0.1 allows 1024 in a schedule.
MOST_PERIODS = 1024


def ocpp_profiles(plan: Plan, version: Version = "1.6") -> dict[tuple[str, int], dict[str, Any]]:
    """SetChargingProfile requests, by (site, charger): what a central system sends.

    Raises
    ------
    ConfigError
        When the plan has no answer, or the version is neither 1.6 nor 2.0.1.
    """
    if version not in VERSIONS:
        raise ConfigError(f"OCPP {version!r} is not known", mend=f"one of {', '.join(VERSIONS)}")
    if plan.report.objective is None:
        raise ConfigError("there is no plan to write", mend="write a plan that has an objective")
    midnight = _midnight(plan)
    profiles: dict[tuple[str, int], dict[str, Any]] = {}
    for number, (charger, watts) in enumerate(sorted(_loads(plan).items()), 1):
        schedule: dict[str, Any] = {
            "startSchedule": midnight,
            "duration": DAY_S,
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": _periods(watts, plan.problem.tariff.slot_s),
        }
        common: dict[str, Any] = {
            "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Recurring", "recurrencyKind": "Daily",
        }  # fmt: skip
        if version == "1.6":
            own = {"chargingProfileId": number, **common, "chargingSchedule": schedule}
            profiles[charger] = {"connectorId": 1, "csChargingProfiles": own}
        else:
            own = {"id": number, **common, "chargingSchedule": [{"id": number, **schedule}]}
            profiles[charger] = {"evseId": 1, "chargingProfile": own}
    return profiles


def write_ocpp(plan: Plan, folder: str | Path, *, versions: tuple[Version, ...] = VERSIONS) -> Path:
    """Write one JSON file a charger and version: ``FOLDER/1.6/SITE-CHARGER.json``; the folder is returned.

    Raises
    ------
    ConfigError
        When the folder holds something that no earlier files of this kind are.
    """
    target = _may_write(folder)
    part = target.parent / f".{target.name}.{uuid4().hex[:8]}.part"
    part.mkdir(parents=True)
    try:
        for version in versions:
            (part / version).mkdir()
            for (site, charger), told in ocpp_profiles(plan, version).items():
                text = json.dumps(told, ensure_ascii=False, indent=2, allow_nan=False)
                (part / version / f"{_name(site)}-{charger}.json").write_text(text + "\n", "utf-8")
        swap_folder(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def _loads(plan: Plan) -> dict[tuple[str, int], Any]:
    """W of every slot of the day, of each charger that is used."""
    slot_s = plan.problem.tariff.slot_s
    loads: dict[tuple[str, int], Any] = {}
    columns = (plan.sessions[one].tolist() for one in ("site", "charger", "start_s", "kw"))
    for site, charger, start_s, kw in zip(*columns, strict=True):
        watts = loads.setdefault((str(site), int(charger)), np.zeros(DAY_S // slot_s))
        at = (np.arange(len(kw)) + start_s // slot_s) % watts.size
        watts[at] += 1000.0 * np.array(kw)
    return loads


def _periods(watts: Any, slot_s: int) -> list[dict[str, Any]]:
    """Runs of one limit, whole watts: a tenth is no number that a computer knows exactly."""
    limits = np.round(watts).astype(np.int64)
    starts = np.flatnonzero(np.append(True, limits[1:] != limits[:-1]))
    return [
        {"startPeriod": int(one) * slot_s, "limit": int(limits[one])} for one in starts.tolist()
    ]


def _midnight(plan: Plan) -> str:
    """The plan's local midnight in UTC; without a date that of 1 January 2025, for the day repeats."""
    date = plan.problem.date or dt.date(2025, 1, 1)
    zone: dt.tzinfo = ZoneInfo(plan.problem.timezone) if plan.problem.timezone else dt.UTC
    local = dt.datetime.combine(date, dt.time(), zone)
    return local.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _name(site: str) -> str:
    """A site as part of a file's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", site)


def _may_write(folder: str | Path) -> Path:
    target = Path(folder).expanduser().resolve()
    if not target.exists():
        return target
    if not target.is_dir():
        raise ConfigError(f"{folder}: is a file", mend="name a folder")
    strange = [one for one in target.rglob("*")
               if one.is_file() and (one.parent.name not in VERSIONS or one.suffix != ".json")]  # fmt: skip
    if strange:
        raise ConfigError(
            f"{folder}: holds something that is no OCPP profile (found {strange[0].name!r})",
            mend="name a folder that is new, empty, or holds earlier profiles alone",
        )
    if Path.cwd().is_relative_to(target):
        raise ConfigError(f"{folder}: is where you are", mend="name a folder inside it")
    return target
