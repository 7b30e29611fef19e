"""Files of riders and zones: read with a finding for every row that cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.errors import TableError
from mobility.findings import Finding, finding

if TYPE_CHECKING:
    from pathlib import Path

    from mobility.fares.problem import Tariff

_RIDERS, _ZONES = ("card", "category", "home_zone"), ("zone", "income_decile", "population")


def read_riders(source: str | Path | pd.DataFrame | None) -> tuple[pd.DataFrame, list[Finding]]:
    """Read riders: ``card``, and where known ``category`` and ``home_zone``; None is no riders.

    Returns
    -------
    tuple
        The table, all text, one row a card (the first counts); findings of rows left out.

    Raises
    ------
    TableError
        When it cannot be read, or has no column ``card``.
    """
    if source is None:
        return pd.DataFrame(columns=list(_RIDERS), dtype=object), []
    table, file = _read(source, _RIDERS[:1])
    found: list[Finding] = []
    for name in _RIDERS[1:]:
        if name not in table:
            table[name] = None
    table = _leave_out(table, table["card"].isna(), "rider_without_card", "card", file, found)
    table = _leave_out(table, table["card"].duplicated(), "duplicate_rider", "card", file, found)
    return table[list(_RIDERS)].reset_index(drop=True), found


def read_zones(source: str | Path | pd.DataFrame | None) -> tuple[pd.DataFrame, list[Finding]]:
    """Read zones: ``zone``, ``income_decile`` (1, the poorest, to 10), ``population``, perhaps ``income``.

    Returns
    -------
    tuple
        The table, one row a zone (the first counts); findings of rows left out.

    Raises
    ------
    TableError
        When it cannot be read, or a column is missing.
    """
    if source is None:
        return pd.DataFrame({"zone": [], "income_decile": [], "population": []}), []
    table, file = _read(source, _ZONES)
    found: list[Finding] = []
    bad = table["zone"].isna() | table["zone"].duplicated()
    table = _leave_out(table, bad, "duplicate_zone", "zone", file, found)
    decile = pd.to_numeric(table["income_decile"], errors="coerce")
    wrong = ~decile.isin(range(1, 11))
    table = _leave_out(table, wrong, "wrong_income_decile", "income_decile", file, found)
    for name in ("population", *(["income"] if "income" in table else [])):
        number = pd.to_numeric(table[name], errors="coerce")
        wrong = ~(number >= 0) | ~np.isfinite(number)
        table = _leave_out(table, wrong, "wrong_zone_number", name, file, found)
        table[name] = pd.to_numeric(table[name]).astype(np.float64)
    table["income_decile"] = pd.to_numeric(table["income_decile"]).astype(np.int64)
    return table.reset_index(drop=True), found


def unknown_homes(riders: pd.DataFrame, zones: pd.DataFrame) -> list[Finding]:
    """Home zones of riders that the zones do not have."""
    home = riders["home_zone"]
    lost = home.notna() & ~home.isin(set(zones["zone"]))
    if not lost.any():
        return []
    at = int(np.flatnonzero(lost.to_numpy())[0])
    return [
        finding("unknown_home_zone", column="home_zone", value=home.iloc[at], count=int(lost.sum()))
    ]


def modal_zones(taps: pd.DataFrame, tariff: Tariff) -> pd.Series:
    """The zone of most first taps of a day of each card (of equals the first by name); empty without zones.

    The zone is the taps' own, or that of their stop in the tariff.
    """
    if "zone" in taps:
        zone = taps["zone"].astype(object)
    elif "stop_id" in taps and tariff.zones:
        zone = taps["stop_id"].astype(str).map(tariff.zones).astype(object)
    else:
        return pd.Series(dtype=object)
    time = taps["time"]
    if pd.api.types.is_numeric_dtype(time):
        time = pd.to_datetime(time, unit="s", utc=True)
    else:
        time = pd.to_datetime(time, format="ISO8601", utc=True)
    local = time.dt.tz_convert(tariff.timezone).dt.tz_localize(None)
    day = (local - pd.Timedelta(seconds=tariff.service_day_start_s)).dt.normalize()
    table = pd.DataFrame({"card": taps["card"], "zone": zone, "day": day, "time": time})
    first = table.sort_values("time", kind="stable").drop_duplicates(["card", "day"])
    counts = first.dropna(subset=["zone"]).groupby(["card", "zone"], observed=True).size()
    ranked = counts.reset_index(name="days").sort_values(
        ["card", "days", "zone"], ascending=[True, False, True], kind="stable"
    )
    best = ranked.drop_duplicates("card")
    return pd.Series(best["zone"].to_numpy(object), index=best["card"].to_numpy())


def _read(source: str | Path | pd.DataFrame, needed: tuple[str, ...]) -> tuple[pd.DataFrame, str]:
    file = ""
    if isinstance(source, pd.DataFrame):
        table = source.astype(object).where(source.notna(), None)
        table = table.map(lambda one: None if one is None or one == "" else str(one))
    else:
        file = str(source)
        try:
            table = pd.read_csv(source, dtype=str, skipinitialspace=True)
        except (OSError, ValueError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            raise TableError(
                f"{source}: cannot be read: {reason}", mend="a CSV file with a header"
            ) from None
        table = table.astype(object).where(table.notna(), None)
    for name in needed:
        if name not in table:
            raise TableError(
                f"{file or 'table'}: no column {name!r}",
                mend=f"columns are {', '.join(map(str, table.columns))}",
            )
    return table, file


def _leave_out(
    table: pd.DataFrame, wrong: pd.Series, code: str, column: str, file: str, found: list[Finding]
) -> pd.DataFrame:
    """Leave rows out, and tell the first; the index is still that of the file."""
    if not wrong.any():
        return table
    at = int(np.flatnonzero(wrong.to_numpy())[0])
    value = table[column].iloc[at]
    found.append(
        finding(
            code, file=file, row=int(str(table.index[at])) + (2 if file else 1), column=column,
            value="" if value is None else value, count=int(wrong.sum()),
        )
    )  # fmt: skip
    return table[~wrong].copy()
