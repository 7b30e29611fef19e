"""How few chargers, and how few kW, each depot needs for the blocks of a plan; and what more would save.

Above, a plan that the checker accepts; below, a bound from energy and windows (``size_bounds``).
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.findings import has_errors
from mobility.fleet.chain import finish
from mobility.fleet.charge_plan import charge
from mobility.fleet.charging import charge_blocks
from mobility.fleet.limits import not_negative
from mobility.fleet.simulation import plain_rows
from mobility.fleet.size_bounds import bounds_of
from mobility.shown import Shown
from mobility.solution import Report, Status

if TYPE_CHECKING:
    from pathlib import Path

    from mobility.fleet.plan import Plan
    from mobility.fleet.problem import Depot

# Points of the cost curve of each depot.
_POINTS = 6
_KW_STEP = 10.0


@dataclass(frozen=True, eq=False)
class Sizing(Shown):
    """Chargers and power of every depot.

    Parameters
    ----------
    table
        One row a depot with electric buses: site, buses, kwh (a day, at the depot), charger_kw,
        chargers_now (NaN: one a bus), chargers (the fewest for which a checked plan was found),
        chargers_bound (no plan has fewer), proven (both are the same), site_kw (least limit for which a
        checked plan with those chargers was found), site_kw_bound, window (that the bound comes from).
    curve
        One row a depot and number of chargers, all others as they are: site, chargers, site_kw (peak),
        energy_minor, demand_minor and chargers_minor a day, cost_minor (their sum); NaN where no plan
        was found.
    plan
        The day with the fewest chargers and the limits of ``table``, checked; None where the depots
        can be sized one by one only.
    report
        ``objective`` counts the chargers of all depots, ``bound`` what no plan of these blocks is below;
        ``optimal`` where every depot is proven.
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    plan: Plan | None
    report: Report
    currency: str
    why: str = ""

    def __str__(self) -> str:
        most, least = int(self.table["chargers"].sum()), int(self.table["chargers_bound"].sum())
        buses, kw = int(self.table["buses"].sum()), float(self.table["site_kw"].sum())
        told = f"{most:,} chargers (at least {least:,}) and {kw:,.0f} kW do for {buses:,} buses"
        checked = "checked together" if self.plan is not None else f"each depot alone: {self.why}"
        return f"{told} at {len(self.table)} depots, {checked} ({self.report.seconds:.1f} s)"

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>{self.table.to_html(index=False)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **self.report.to_dict(), "sites": plain_rows(self.table), "curve": plain_rows(self.curve), "why": self.why,
            "checked_together": self.plan is not None, "currency": self.currency,
        }  # fmt: skip

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def plot(self, ax: Any = None) -> Any:
        """Draw chargers found and proven, depot by depot; the axes are returned."""
        from mobility.fleet.planning_plot import plot_sizing

        return plot_sizing(self, ax)

    def write(self, folder: str | Path, *, parquet: bool = False) -> Path:
        """Write sizing.json, sites.csv and curve.csv; the folder is returned."""
        from mobility.fleet.result_files import write_result

        tables = {"sites": self.table, "curve": self.curve}
        return write_result("sizing", self.to_dict(), tables, folder, parquet=parquet)


def size_depots(
    plan: Plan, *, charger_day_minor: float = 0.0, kw_day_minor: float = 0.0, curve: bool = True
) -> Sizing:
    """Find the fewest chargers, then the least power, of each depot for a plan's blocks.

    Depots are searched one by one, with the buses that live there; the result is then checked together.
    A charger more is added where buses of two depots meet at a terminal and that makes it too tight.

    Parameters
    ----------
    plan
        Blocks from any source; its charging is planned anew.
    charger_day_minor, kw_day_minor
        What a charger, and a kW of a site's limit, cost a day: they shape the cost curve, no more.
    curve
        Whether to plan the points of the cost curve.

    Raises
    ------
    ConfigError
        When the plan has no answer or no electric bus.
    """
    begin = time.perf_counter()
    not_negative("charger_day_minor", charger_day_minor)
    not_negative("kw_day_minor", kw_day_minor)
    if plan.report.objective is None or not plan.blocks["electric"].any():
        raise ConfigError("there is no electric plan to size depots for", mend="fleet.plan first")
    problem = plan.problem
    rows: list[dict[str, Any]] = []
    points: list[dict[str, Any]] = []
    for at, depot in enumerate(problem.depots):
        own = _of_depot(plan, depot)
        if own is None:
            continue
        told = bounds_of(own, at)
        buses = int(own.blocks["vehicle"].nunique())
        chargers = _fewest(own, at, told.chargers, buses)
        limit = _least_kw(own, at, chargers, told.kw)
        rows.append({
            "site": depot.id, "buses": buses, "kwh": told.kwh, "charger_kw": depot.charger_kw,
            "chargers_now": np.nan if depot.chargers is None else float(depot.chargers),
            "chargers": chargers, "chargers_bound": told.chargers,
            "proven": chargers == told.chargers, "site_kw": limit, "site_kw_bound": told.kw,
            "window": told.window,
        })  # fmt: skip
        if curve:
            points += _curve(own, at, chargers, buses, charger_day_minor, kw_day_minor)
    table = pd.DataFrame(rows)
    whole, why = _together(plan, table)
    if whole is not None:
        table["chargers"] = [
            next(one.chargers for one in whole.problem.depots if one.id == site)
            for site in table["site"]
        ]
        table["proven"] = table["chargers"] == table["chargers_bound"]
    most, least = int(table["chargers"].sum()), int(table["chargers_bound"].sum())
    report = Report(
        Status.OPTIMAL if most == least else Status.FEASIBLE, objective=float(most), objective_unit="chargers",
        parts={str(one["site"]): float(one["chargers"]) for one in table.to_dict("records")},
        bound=float(least), bound_scope="these blocks, sessions in any number of pieces",
        seconds=time.perf_counter() - begin,
    )  # fmt: skip
    return Sizing(table, pd.DataFrame(points, columns=_CURVE), whole, report, problem.currency, why)


_CURVE = [
    "site", "chargers", "site_kw", "energy_minor", "demand_minor", "chargers_minor", "cost_minor",
]  # fmt: skip


def _of_depot(plan: Plan, depot: Depot) -> Plan | None:
    """The part of a plan whose electric buses live in a depot."""
    mine = (plan.blocks["depot"] == depot.id) & plan.blocks["electric"].to_numpy(bool)
    if not mine.any():
        return None
    blocks = plan.blocks[mine].reset_index(drop=True)
    trips = plan.problem.trips["trip_id"].isin(set(blocks["trip_id"]))
    problem = replace(plan.problem, trips=plan.problem.trips[trips].reset_index(drop=True))
    sessions = plan.sessions[plan.sessions["vehicle"].isin(set(blocks["vehicle"]))]
    return replace(
        plan, problem=problem, blocks=blocks, sessions=sessions.reset_index(drop=True),
        not_electric=(), bounds={"blocks": 0.0}, vehicles=int(blocks["vehicle"].nunique()),
        vehicles_bound=0,
    )  # fmt: skip


def _charged(own: Plan, at: int, *, cheaply: bool = False, **changes: Any) -> Plan | None:
    """Charge with a changed depot; None where the checker refuses it or nobody finds a plan.

    ``cheaply`` looks for the cheapest charging too; whether there is any the quick rule says.
    """
    problem = own.problem
    depots = list(problem.depots)
    depots[at] = replace(depots[at], **changes)
    asked = replace(own, problem=replace(problem, depots=tuple(depots)))
    done = charge(asked) if cheaply else finish(asked, charge_blocks(asked.problem, asked.blocks))
    return None if done.report.objective is None or has_errors(done.findings) else done


def _fewest(own: Plan, at: int, least: int, most: int) -> int:
    """The fewest chargers that a checked plan was found for: up from the bound by halving."""
    if _charged(own, at, chargers=most) is None:
        return (
            most  # the site's limit is too low for all its buses: it says so when checked together
        )
    low, high = max(least - 1, 0), most
    while high - low > 1:
        middle = (low + high) // 2
        if _charged(own, at, chargers=middle) is None:
            low = middle
        else:
            high = middle
    return high


def _least_kw(own: Plan, at: int, chargers: int, least: float) -> float:
    """The least limit of a site, in steps of 10 kW, that a checked plan was found for."""
    most = math.ceil(chargers * own.problem.depots[at].charger_kw / _KW_STEP)
    low, high = math.floor(least / _KW_STEP) - 1, most
    while high - low > 1:
        middle = (low + high) // 2
        if _charged(own, at, chargers=chargers, site_kw=middle * _KW_STEP) is None:
            low = middle
        else:
            high = middle
    return high * _KW_STEP


def _curve(
    own: Plan, at: int, fewest: int, most: int, charger_minor: float, kw_minor: float
) -> list[dict[str, Any]]:
    """What a day costs with more chargers than the fewest."""
    rows = []
    site = own.problem.depots[at].id
    for count in sorted({int(one) for one in np.linspace(fewest, most, _POINTS).round()}):
        done = _charged(own, at, cheaply=True, chargers=count)
        row: dict[str, Any] = {
            "site": site,
            "chargers": count,
            "chargers_minor": count * charger_minor,
        }
        if done is None:
            row |= dict.fromkeys(("site_kw", "energy_minor", "demand_minor", "cost_minor"), np.nan)
        else:
            peak = float(done.power.loc[done.power["site"] == site, "kw"].max())
            parts = done.report.parts
            row |= {
                "site_kw": peak,
                "energy_minor": parts["energy"],
                "demand_minor": parts["demand"],
            }
            row["chargers_minor"] += peak * kw_minor
            row["cost_minor"] = row["energy_minor"] + row["demand_minor"] + row["chargers_minor"]
        rows.append(row)
    return rows


def _together(plan: Plan, table: pd.DataFrame) -> tuple[Plan | None, str]:
    """All depots at once with what was found for each; a charger more for all where it is too tight."""
    why = ""
    for more in range(4):
        depots = []
        for depot in plan.problem.depots:
            row = table[table["site"] == depot.id]
            if row.empty:
                depots.append(depot)
                continue
            told = row.iloc[0]
            limit = float(told["site_kw"]) * (1.0 + 0.05 * more)
            depots.append(
                replace(
                    depot,
                    chargers=min(int(told["chargers"]) + more, int(told["buses"])),
                    site_kw=limit,
                )
            )
        done = charge(replace(plan, problem=replace(plan.problem, depots=tuple(depots))))
        if done.report.objective is not None and not has_errors(done.findings):
            table["site_kw"] = [
                next(float(one.site_kw or 0.0) for one in depots if one.id == site)
                for site in table["site"]
            ]
            return done, ""
        why = done.why or done.findings[0].where_what
    return None, why
