"""``stays.csv`` and ``site.toml``: read, checked cell by cell, and never guessed at."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mobility.errors import ConfigError, TableError
from mobility.findings import Finding, finding
from mobility.fleet.case_parts import Fraction, NotNegative, Positive, Whole  # noqa: TC001 - pydantic reads them
from mobility.fleet.stays import NEEDED, OPTIONAL, ChargingProblem, ChargingSite
from mobility.fleet.wear import GiveBack, Wear

_LAST_S = 14 * 86_400
_MEND = f"columns {', '.join(NEEDED)} and, if you like, {', '.join(OPTIONAL)}"
_CASE = (
    "see docs/charging.md: [site.NAME] chargers, kw, cap_kw, plug-ins, buffer_s, setup_s; [tariff] energy, "
    "demand; [wear] c_rate, high_soc, high_price; [give_back] price, kw, least_soc; slot_s"
)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class SitePart(_Part):
    """Chargers of one power at one place."""

    chargers: Whole
    kw: Positive
    cap_kw: NotNegative | None = None
    plug_ins: int | None = Field(default=None, ge=1, alias="plug-ins")
    buffer_s: Whole = 0
    setup_s: Whole = 0


class PricePart(_Part):
    """Price per kWh from a second of the day on, and per kW of the day's peak of a site."""

    energy: list[tuple[int, float]] = Field(default=[(0, 0.0)], min_length=1)
    demand: NotNegative = 0.0
    slot_s: int | None = None


class WearPart(_Part):
    """What wear of batteries costs."""

    c_rate: list[tuple[NotNegative, NotNegative]] = []
    high_soc: Fraction = 1.0
    high_price: NotNegative = 0.0


class GiveBackPart(_Part):
    """What a kWh is paid that a bus gives back."""

    price: list[tuple[int, float]] = Field(min_length=1)
    kw: Positive
    least_soc: Fraction = 0.2


class StaysCase(_Part):
    """Everything that ``site.toml`` may say; ``slot_s`` stands at its head or under ``[tariff]``."""

    slot_s: int | None = None
    plug_ins: int = Field(default=1, ge=1, alias="plug-ins")
    site: dict[str, SitePart] = Field(min_length=1)
    tariff: PricePart = PricePart()
    wear: WearPart | None = None
    give_back: GiveBackPart | None = None


def read_stays(stays: str | Path, case: str | Path | dict[str, Any]) -> ChargingProblem:
    """Read a charging problem from a table of stays and a case file.

    Parameters
    ----------
    stays
        A CSV: ``bus, site, arrive_s, depart_s, need_kwh, max_kw`` and optionally
        ``soc_kwh, battery_kwh``; one row a stay, in any order.
    case
        ``site.toml``, or its content as a dict.

    Raises
    ------
    ConfigError
        When the case cannot be read, or has an unknown key or a wrong value.
    TableError
        With one finding a bad cell.
    """
    read, name = _case(case)
    told = {one for one in (read.slot_s, read.tariff.slot_s) if one is not None}
    if len(told) > 1:
        raise ConfigError(f"{name}: slot_s is given twice, {sorted(told)}", mend="give it once")
    sites = [
        ChargingSite(
            key, one.chargers, one.kw, one.cap_kw,
            read.plug_ins if one.plug_ins is None else one.plug_ins, one.buffer_s, one.setup_s,
        )
        for key, one in read.site.items()
    ]  # fmt: skip
    path = Path(stays)
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except OSError as error:
        raise TableError(f"{path}: {error.strerror}", mend="give a CSV of stays") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: {error}", mend=_MEND) from None
    table.columns = [str(one).lstrip("\ufeff").strip() for one in table.columns]
    return ChargingProblem.from_table(
        table, sites, energy=read.tariff.energy, demand=read.tariff.demand,
        slot_s=told.pop() if told else 300, wear=_wear(read.wear), give_back=_give_back(read.give_back),
        file=path.name,
    )  # fmt: skip


def _wear(told: WearPart | None) -> Wear | None:
    return None if told is None else Wear(tuple(told.c_rate), told.high_soc, told.high_price)


def _give_back(told: GiveBackPart | None) -> GiveBack | None:
    return None if told is None else GiveBack(tuple(sorted(told.price)), told.kw, told.least_soc)


def check_stays(table: pd.DataFrame, sites: set[str], *, file: str = "stays") -> pd.DataFrame:
    """Check every cell; the table with its types, sorted by bus and time.

    Raises
    ------
    TableError
        With one finding a bad cell: an unknown site, a figure that is none, a stay that ends before it
        begins, two stays of a bus at once.
    """
    unknown = [str(name) for name in table if name not in NEEDED + OPTIONAL]
    lost = [name for name in NEEDED if name not in table]
    if unknown or lost:
        near = get_close_matches(unknown[0], NEEDED + OPTIONAL, n=1) if unknown else []
        said = f"unknown column {unknown[0]!r}" if unknown else f"no column {lost[0]!r}"
        raise TableError(f"{file}: {said}", mend=f"did you mean {near[0]!r}?" if near else _MEND)
    found: list[Finding] = []
    rows = pd.DataFrame(index=range(len(table)))
    for name in ("bus", "site"):
        values = table[name].astype(str).str.strip().to_numpy(object)
        rows[name] = values
        for at in np.flatnonzero((values == "") | table[name].isna().to_numpy())[:20]:
            found.append(_bad(file, int(at), name, "", "write a name"))
    known = ", ".join(sorted(sites))
    for at in np.flatnonzero(
        ~rows["site"].isin(sites).to_numpy() & (rows["site"] != "").to_numpy()
    )[:20]:
        found.append(_bad(file, int(at), "site", rows["site"][at], f"the case has {known}"))
    for name in ("arrive_s", "depart_s"):
        mend = "whole seconds from midnight on, as in 79200 for 22:00 or 108000 for 06:00 next day"
        rows[name] = _figures(table, name, file, found, mend, whole=True).astype(np.int64)
    rows["need_kwh"] = _figures(table, "need_kwh", file, found, "kWh, 0 or more, as in 180.5")
    rows["max_kw"] = _figures(table, "max_kw", file, found, "kW above 0, as in 100", least=1e-9)
    for name in OPTIONAL:
        mend = "kWh, 0 or more, or blank"
        rows[name] = (
            _figures(table, name, file, found, mend, blank=True) if name in table else np.nan
        )
    if not found:
        found = _contradictions(rows, table, file)
    if found:
        found.sort(key=lambda one: (one.row or 0, one.column))
        raise TableError.from_finding(*found)
    return rows.sort_values(["bus", "arrive_s"], kind="stable", ignore_index=True)


def _contradictions(rows: pd.DataFrame, table: pd.DataFrame, file: str) -> list[Finding]:
    arrive, depart = (rows[one].to_numpy(np.int64) for one in ("arrive_s", "depart_s"))
    found = [_bad(file, int(at), "depart_s", table["depart_s"].iloc[at], "a stay ends after it begins")
             for at in np.flatnonzero(depart <= arrive)]  # fmt: skip
    if found:
        return found
    order = np.lexsort((depart, arrive, rows["bus"].to_numpy(str)))
    same = rows["bus"].to_numpy(object)[order][1:] == rows["bus"].to_numpy(object)[order][:-1]
    late = same & (arrive[order][1:] < depart[order][:-1])
    return [
        _bad(file, int(order[at + 1]), "arrive_s", table["arrive_s"].iloc[order[at + 1]],
             f"bus {rows['bus'][order[at + 1]]!r} is still in the stay of row {order[at] + 2}")
        for at in np.flatnonzero(late)
    ]  # fmt: skip


def _figures(
    table: pd.DataFrame,
    name: str,
    file: str,
    found: list[Finding],
    mend: str,
    *,
    least: float = 0.0,
    whole: bool = False,
    blank: bool = False,
) -> Any:
    told = table[name]
    empty = (told.astype(str).str.strip() == "").to_numpy() | told.isna().to_numpy()
    values = pd.to_numeric(told, errors="coerce").to_numpy(float)
    bad = ~(np.isfinite(values) & (values >= least)) | (values > 1e9)
    if whole:
        bad |= (values != np.round(values)) | (values > _LAST_S)
    if blank:
        bad &= ~empty
    for at in np.flatnonzero(bad)[:20]:
        found.append(_bad(file, int(at), name, told.iloc[at], mend))
    return np.where(bad, 0.0, values)


def _bad(file: str, at: int, column: str, value: object, mend: str) -> Finding:
    return finding("stay_bad_cell", file=file, row=at + 2, column=column, value=value, mend=mend)


def _case(source: str | Path | dict[str, Any]) -> tuple[StaysCase, str]:
    if isinstance(source, dict):
        content, name = source, "case"
    else:
        name = str(source)
        try:
            content = tomllib.loads(Path(source).read_text("utf-8"))
        except OSError as error:
            raise ConfigError(f"{name}: {error.strerror}", mend="--case site.toml") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{name}: not TOML: {error}", mend=_CASE) from None
    try:
        return StaysCase.model_validate(content), name
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(one) for one in first["loc"])
        if first["type"] == "extra_forbidden":
            raise ConfigError(f"{name}: {where}: no such key", mend=_CASE) from None
        given = first.get("input")
        told = "" if isinstance(given, dict) else f" (found {given!r})"
        raise ConfigError(f"{name}: {where}: {first['msg'].lower()}{told}", mend=_CASE) from None
