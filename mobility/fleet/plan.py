"""What is answered: blocks, charging sessions, power at the sites, and how far they can be trusted."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.fleet.activities import running_cost, write_out
from mobility.fleet.energy import least_kwh_price
from mobility.fleet.fuel import no_refuels
from mobility.shown import Shown
from mobility.solution import Report, Status
from mobility.units import day_origin, format_money

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

    from mobility.feed import ServiceDay
    from mobility.findings import Finding
    from mobility.fleet.duty import Schedule
    from mobility.fleet.problem import Problem
    from mobility.fleet.runs import BlockMode


@dataclass(frozen=True, eq=False)
class BlockPlan(Shown):
    """Vehicle blocks, and how far they can be trusted.

    ``blocks`` has one row an activity (see ``Plan``); the objective is vehicles, empty running and
    waiting, minor units of the problem's currency. ``rule_costs`` says what each rule of the case
    costs (see ``rule_costs.price_rules``); empty where nobody asked.
    """

    problem: Problem
    blocks: pd.DataFrame
    report: Report
    vehicles: int
    vehicles_bound: int
    block_mode: BlockMode = "optimise"
    why: str = ""
    findings: tuple[Finding, ...] = ()
    rule_costs: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What was assumed, because nobody said it."""
        return self.problem.assumptions

    def __str__(self) -> str:
        if self.report.objective is None:
            return f"no blocks ({self.report.status}): {self.why}"
        return (
            f"{self.vehicles} vehicles ({self.report.headline()}), at least {self.vehicles_bound}"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>{self.blocks.head(20).to_html(index=False)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **self.report.to_dict(),
            "vehicles": self.vehicles,
            "vehicles_bound": self.vehicles_bound,
            "why": self.why,
            "rule_costs": self.rule_costs.to_dict("records"),
            "findings": [one.to_dict() for one in self.findings],
            "assumptions": list(self.assumptions),
            "kpis": self.kpis,
            "blocks_mode": self.block_mode,
        }

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    @cached_property
    def block_of_trip(self) -> dict[str, str]:
        """trip_id to block, as a feed's ``block_id`` wants it."""
        return block_of_trip(self.blocks)

    @cached_property
    def kpis(self) -> dict[str, Any]:
        """What a planner compares, as ``fleet.kpis`` counts it; None for what batteries decide."""
        from mobility.fleet.kpis import kpis

        return kpis(self)

    def timestamps(self) -> pd.DataFrame:
        """Blocks with absolute local times, columns ``start`` and ``end``."""
        return with_times(self.blocks, self.problem)

    def write(
        self,
        folder: str | Path,
        *,
        day: ServiceDay | None = None,
        source: dict[str, Any] | None = None,
        parquet: bool = False,
    ) -> Path:
        """Write blocks.csv and plan.json, as ``Plan.write`` does; the folder is returned."""
        from mobility.fleet.files import write_plan

        return write_plan(self, folder, day=day, source=source, parquet=parquet)

    def plot(self, ax: Any = None) -> Any:
        """Draw every vehicle's day, and below it what the buses do; the axes are returned."""
        from mobility.fleet.plot import plot_plan

        return plot_plan(self, ax)


@dataclass(frozen=True, eq=False)
class Plan(Shown):
    """Blocks and charging of a day.

    Parameters
    ----------
    problem
        What was asked.
    blocks
        One row an activity, by vehicle and time: vehicle, block, seq, kind (pull-out, trip,
        deadhead, wait, depot, pull-in), trip_id, from_stop, to_stop, start_s, end_s, distance_km,
        kwh, depot, electric.
    sessions
        One row a plug-in: vehicle, site, charger, start_s, end_s, kwh, kw (mean kW of each slot
        from start_s). Times may pass 86 400; the day repeats.
    power
        site, start_s (within the day), kw: every slot of every site.
    findings
        What the independent checker says; empty when the plan can be driven.
    refuels
        One row a visit to a pump: vehicle, depot, pump, start_s, end_s, amount (litres or kg), energy.
    cuts
        One row a battery-free block: what it needs of a battery, and whether the type's own carries it;
        empty where nobody asked (`electrify` does).
    input_findings
        What was found on the way in, as blocks of the feed that nobody can drive.
    not_electric
        Trips that no battery bus can drive alone; conventional buses drive them.
    cuts
        From `electrify`: one row a battery-free block, whether the battery carries it, and what would
        (``cuts.cuts_of``); ``cuts.saved_by`` says what battery saves the extra buses.
    """

    problem: Problem
    blocks: pd.DataFrame
    sessions: pd.DataFrame
    power: pd.DataFrame
    report: Report
    vehicles: int
    vehicles_bound: int
    block_mode: BlockMode = "optimise"
    findings: tuple[Finding, ...] = ()
    input_findings: tuple[Finding, ...] = ()
    not_electric: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    why: str = ""
    bounds: dict[str, float] = field(default_factory=dict)
    refuels: pd.DataFrame = field(default_factory=no_refuels)
    cuts: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __str__(self) -> str:
        if self.report.objective is None:
            return f"no plan ({self.report.status}): {self.why}"
        money = format_money(self.report.objective, self.problem.currency)
        checked = "checked" if not self.findings else f"{len(self.findings)} findings"
        return (
            f"{self.vehicles} vehicles (at least {self.vehicles_bound}), {money} a day "
            f"({self.report.headline()}), {checked}"
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(part)}</td><td style='text-align:right'>"
            f"{escape(format_money(value, self.problem.currency))}</td></tr>"
            for part, value in self.report.parts.items()
        )
        return f"<p>{escape(str(self))}</p><table>{rows}</table>"

    @cached_property
    def block_of_trip(self) -> dict[str, str]:
        """trip_id to block, as a feed's ``block_id`` wants it."""
        return block_of_trip(self.blocks)

    @cached_property
    def kpis(self) -> dict[str, Any]:
        """What a planner compares, as ``fleet.kpis`` counts it."""
        from mobility.fleet.kpis import kpis

        return kpis(self)

    def timestamps(self) -> pd.DataFrame:
        """Sessions with absolute local times, columns ``start`` and ``end``."""
        return with_times(self.sessions, self.problem)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, in reading order."""
        problem = self.problem
        return {
            **self.report.to_dict(),
            "vehicles": self.vehicles,
            "vehicles_bound": self.vehicles_bound,
            "check": [one.to_dict() for one in self.findings],
            "input_findings": [one.to_dict() for one in self.input_findings],
            "assumptions": list(self.assumptions),
            "not_electric": list(self.not_electric),
            "why": self.why,
            "cuts": self.cuts.to_dict("records"),
            "kpis": self.kpis,
            "bounds": self.bounds,
            "blocks_mode": self.block_mode,
            "currency": problem.currency,
            "date": None if problem.date is None else problem.date.isoformat(),
            "timezone": problem.timezone,
        }

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def write(
        self,
        folder: str | Path,
        *,
        day: ServiceDay | None = None,
        source: dict[str, Any] | None = None,
        parquet: bool = False,
    ) -> Path:
        """Write blocks.csv, sessions.csv, power.csv and plan.json; with ``day`` also the feed.

        With ``parquet`` the tables stand beside the CSV files as Parquet too, with units.

        The feed, in ``feed/``, has the plan's blocks as ``block_id``. An earlier plan in the folder
        is replaced; nothing is left half-written.

        Returns
        -------
        Path
            The folder.
        """
        from mobility.fleet.files import write_plan

        return write_plan(self, folder, day=day, source=source, parquet=parquet)

    def geo(self) -> gpd.GeoDataFrame:
        """Depots, chargers and terminals as points, EPSG:4326.

        Columns ``kind`` (depot, charger, terminal), ``id``, ``stop_id``, ``buses`` (of a depot),
        ``trips`` (that start at a terminal), ``peak_kw``; an unknown place is an empty point.
        """
        import geopandas

        problem, stops = self.problem, self.problem.stops
        terminals = problem.trips["from_stop"].value_counts().sort_index()
        rows = [
            *(("depot", one.id, one.stop_id) for one in problem.depots),
            *(("charger", one.id, one.stop_id) for one in problem.chargers),
            *(("terminal", str(stop), str(stop)) for stop in terminals.index),
        ]
        table = pd.DataFrame(rows, columns=["kind", "id", "stop_id"])
        depot, terminal = table["kind"] == "depot", table["kind"] == "terminal"
        buses = self.blocks.groupby("depot", observed=True)["vehicle"].nunique()
        table["buses"] = table["id"].map(buses).fillna(0).astype(int).where(depot, 0)
        table["trips"] = table["id"].map(terminals).fillna(0).astype(int).where(terminal, 0)
        peaks = self.kpis["peak_kw"] or {}
        table["peak_kw"] = table["id"].map(peaks).fillna(0.0).astype(float)
        lat = lon = np.full(len(table), np.nan)
        if stops is not None:
            known = stops[~stops.index.duplicated()].reindex(table["stop_id"])
            lat, lon = known["lat"].to_numpy(float), known["lon"].to_numpy(float)
        points = geopandas.points_from_xy(lon, lat)
        return geopandas.GeoDataFrame(table, geometry=points, crs="EPSG:4326")

    def plot(self, ax: Any = None) -> Any:
        """Draw every vehicle's day, what the buses do and the sites' power; the axes are returned."""
        from mobility.fleet.plot import plot_plan

        return plot_plan(self, ax)


def block_plan(
    problem: Problem, found: Schedule, mode: BlockMode, seconds: float, seed: int
) -> BlockPlan:
    """Write a schedule out and say how good it is."""
    minor_km = problem.costs.deadhead_km_minor
    blocks = write_out(problem, found.duties, minor_km=minor_km, keep=mode != "optimise")
    scope = scope_of(problem, mode, energy=False)
    if found.why:
        status = Status.INFEASIBLE if found.proven else Status.UNKNOWN
        report = Report(
            status, objective_unit=unit_of(problem), bound_scope=scope, seconds=seconds, seed=seed
        )
        return BlockPlan(
            problem, blocks, report, 0, found.vehicles_bound, mode, found.why, found.findings
        )
    costs = running_cost(problem, blocks)
    costs.pop("fuel", None)  # what a bus runs on plays no part in blocks alone
    exact = sum(costs.values())
    parts = whole_parts(costs)
    bound = whole_bound(found.bound_minor, parts)
    report = Report(
        status=status_of(exact, found.bound_minor),
        objective=sum(parts.values()),
        objective_unit=unit_of(problem),
        parts=parts,
        bound=bound,
        bound_scope=scope,
        seconds=seconds,
        seed=seed,
    )
    vehicles = int(blocks["vehicle"].nunique())
    return BlockPlan(
        problem, blocks, report, vehicles, found.vehicles_bound, mode, "", found.findings
    )


def whole_parts(costs: dict[str, float]) -> dict[str, float]:
    """Whole minor units, rounded up: the objective never falls below what it costs."""
    return {part: math.ceil(value - 1e-6) for part, value in costs.items()}


def whole_bound(bound: float, parts: dict[str, float]) -> float:
    """Whole minor units, rounded down. Beyond the objective by more than rounding it is our mistake.

    ``Report`` refuses such a bound, so it is not hidden here.
    """
    whole, total = math.floor(bound + 1e-6), sum(parts.values())
    return total if total < whole <= total + 1 else whole


def status_of(objective: float, bound: float) -> Status:
    """``optimal`` where the bound proves it to a millionth of the cost."""
    return (
        Status.OPTIMAL if objective - bound <= 1e-6 * max(abs(objective), 1.0) else Status.FEASIBLE
    )


def unit_of(problem: Problem) -> str:
    """``CLP minor units a day``."""
    return f"{problem.currency} minor units a day"


def scope_of(problem: Problem, mode: BlockMode, *, energy: bool) -> str:
    """What the bound covers, in words."""
    what = "the blocks of the feed" if mode == "given" else "any blocks of these trips"
    if mode == "keep-filled":
        what = "any blocks that keep the feed's filled ones"
    depots = "the assumed depots" if problem.assumed_depots else "the depots of the case"
    runs = "empty runs leave when a trip ends, pull-outs as late as they can"
    scope = f"{what}, for {depots}, on batteries of any size; {runs}"
    if energy:
        price = least_kwh_price(problem)
        scope += (
            f"; every kWh of the electric trips and their empty runs at {price:g} minor units, "
            "the least it can cost"
        )
    return scope


def power_table(sites: tuple[str, ...], load_kw: NDArray[np.float64], slot_s: int) -> pd.DataFrame:
    """One row a site and slot."""
    slots = load_kw.shape[1]
    return pd.DataFrame(
        {
            "site": np.repeat(np.array(sites, object), slots),
            "start_s": np.tile(np.arange(slots) * slot_s, len(sites)),
            "kw": load_kw.ravel(),
        }
    )


def block_of_trip(blocks: pd.DataFrame) -> dict[str, str]:
    """Map trip_id to block, of a table of activities."""
    trips = blocks[blocks["kind"] == "trip"]
    return dict(zip(trips["trip_id"], trips["block"], strict=True))


def with_times(table: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """Add ``start`` and ``end``, tz-aware local times; without a date the table as it is."""
    if problem.date is None:
        return table.copy()
    origin = pd.Timestamp(day_origin(problem.date, problem.timezone))
    timed = table.copy()
    for name in ("start", "end"):
        seconds = pd.to_timedelta(table[f"{name}_s"].astype("int64"), unit="s")
        timed[name] = (origin + seconds).dt.tz_convert(problem.timezone)
    return timed
