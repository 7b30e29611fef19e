"""What a simulation answers: which blocks break at which percentile, where first, and what mends them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.fleet.weather import Weather
from mobility.shown import Shown
from mobility.solution import Report, Status
from mobility.units import format_time

if TYPE_CHECKING:
    from pathlib import Path

    from mobility.fleet.draws import Draws
    from mobility.fleet.mends import MendPrices
    from mobility.fleet.problem import Problem
    from mobility.fleet.replay import Replay
    from mobility.fleet.scenarios import Scenarios
    from mobility.fleet.simulate import Outcome

PERCENTILES = (0.5, 0.9, 0.95, 0.99)
TABLES = ("blocks", "first_breaks", "mends", "scenarios")


@dataclass(frozen=True, eq=False)
class Simulation(Shown):
    """A plan replayed in many scenarios.

    Parameters
    ----------
    blocks
        One row a vehicle's day, the most fragile first: vehicle, type, depot, battery_kwh, breaks and
        not_full (shares of the scenarios in which it breaks, and is not full by its next pull-out),
        holds_to (the highest percentile that it survives), needs_kwh_p50 .. (battery when new that each
        percentile needs), late_s_p50 .. (delay of its latest departure), and where it breaks first
        most often: block, trip_id, place, time_s, first_share (of its breaks).
    first_breaks
        One row a leg at which a vehicle breaks first in some scenario: vehicle, block, trip_id, place,
        time_s (planned end of the leg), scenarios.
    scenario_table
        One row a scenario: what it drew, and how many vehicles break and are not full.
    mends
        The least amounts that let a block survive ``percentile``, for the most fragile blocks: see
        ``mends.mends_of``.
    queue_s
        Seconds that looking for other chargers took, apart from the rest.
    """

    problem: Problem
    scenarios: Scenarios
    percentile: float
    blocks: pd.DataFrame
    first_breaks: pd.DataFrame
    scenario_table: pd.DataFrame
    mends: pd.DataFrame
    report: Report
    assumptions: tuple[str, ...] = ()
    queue_s: float = 0.0
    moved_sessions: int = 0

    def broken(self, percentile: float | None = None) -> tuple[str, ...]:
        """Vehicles that do not survive a percentile (a share, by default the asked one)."""
        asked = self.percentile if percentile is None else percentile
        least = self.blocks["holds_to"].to_numpy(float) < asked - 1e-12
        return tuple(self.blocks.loc[least, "vehicle"])

    def __str__(self) -> str:
        broken = self.broken()
        told = (
            f"{len(broken):,} of {len(self.blocks):,} blocks break at {percent(self.percentile)} of "
            f"{self.scenarios.count:,} scenarios ({self.report.seconds:.1f} s)"
        )
        if not broken:
            return told
        worst: Any = self.blocks.iloc[0]
        return (
            f"{told}; {worst['vehicle']} most often ({worst['breaks']:.1%}), first at {worst['place']} "
            f"at {format_time(int(worst['time_s']))}"
        )

    def _repr_html_(self) -> str:
        table = self.blocks.head(20).to_html(index=False, float_format=lambda one: f"{one:.3g}")
        return f"<p>{escape(str(self))}</p>{table}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, in reading order; scenarios one by one are in the table only."""
        return {
            **self.report.to_dict(),
            "scenarios": self.scenarios.to_dict(),
            "percentile": self.percentile,
            "broken": list(self.broken()),
            "blocks": plain_rows(self.blocks),
            "first_breaks": plain_rows(self.first_breaks),
            "mends": plain_rows(self.mends),
            "broken_blocks": self.spread(),
            "queue_s": round(self.queue_s, 3),
            "moved_sessions": self.moved_sessions,
            "assumptions": list(self.assumptions),
        }

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def spread(self) -> dict[str, float]:
        """How many vehicles break on one day: mean and percentiles over the scenarios."""
        broken = np.sort(self.scenario_table["broken"].to_numpy(np.int64))
        told = {"mean": float(broken.mean())}
        for one in PERCENTILES:
            row = int(np.clip(np.ceil(one * broken.size - 1e-9) - 1, 0, broken.size - 1))
            told[percent(one)] = float(broken[row])
        return told

    def write(self, folder: str | Path, *, parquet: bool = False) -> Path:
        """Write simulation.json and the tables (CSV, with ``parquet`` Parquet); the folder is returned.

        An earlier simulation in the folder is replaced; nothing is left half-written.
        """
        from mobility.fleet.result_files import write_result

        told = (self.blocks, self.first_breaks, self.mends, self.scenario_table)
        tables = dict(zip(TABLES, told, strict=True))
        return write_result("simulation", self.to_dict(), tables, folder, parquet=parquet)

    def plot(self, ax: Any = None) -> Any:
        """Draw the most fragile blocks, and how many break on one day; the axes are returned."""
        from mobility.fleet.simulate_plot import plot_simulation

        return plot_simulation(self, ax)


def percent(share: float) -> str:
    """``P95``."""
    return f"P{100 * share:.6g}"


def told_of(
    replay: Replay,
    scenarios: Scenarios,
    draws: Draws,
    outcome: Outcome,
    percentiles: tuple[float, ...],
    *,
    seed: int,
    percentile: float,
    prices: MendPrices | None,
    started: float,
    queue_s: float,
    moved: Any,
    mends: bool,
) -> Simulation:
    """Write an outcome out as tables, and look for mends."""
    from mobility.fleet.mends import mends_of

    buses, count = replay.buses, scenarios.count
    first = _first_breaks(replay, outcome)
    homes = replay.blocks.drop_duplicates("vehicle")
    table = pd.DataFrame({
        "vehicle": list(buses.names), "type": homes["type"].tolist(), "depot": homes["depot"].tolist(),
        "battery_kwh": buses.battery_kwh, "breaks": outcome.breaks / count,
        "holds_to": (count - outcome.breaks) / count, "not_full": outcome.not_full / count,
    })  # fmt: skip
    for at, one in enumerate(percentiles):
        table[f"needs_kwh_{percent(one).lower()}"] = outcome.required_kwh[:, at]
    for at, one in enumerate(percentiles):
        table[f"late_s_{percent(one).lower()}"] = outcome.worst_s[:, at]
    top = first.sort_values(["vehicle", "scenarios", "time_s"], ascending=[True, False, True])
    top = top.drop_duplicates("vehicle").set_index("vehicle").reindex(table["vehicle"])
    for name in ("block", "trip_id", "place"):
        table[name] = top[name].fillna("").astype(str).to_numpy(object)
    table["time_s"] = top["time_s"].fillna(-1).astype(np.int64).to_numpy()
    broken = np.maximum(outcome.breaks, 1)
    table["first_share"] = top["scenarios"].fillna(0).to_numpy(float) / broken
    wanted = f"needs_kwh_{percent(percentile).lower()}"
    table["need"] = table[wanted] / table["battery_kwh"]
    table = table.sort_values(["breaks", "need", "vehicle"], ascending=[False, False, True])
    table = table.drop(columns="need").reset_index(drop=True)
    days = pd.DataFrame(
        {"scenario": np.arange(count), "energy": draws.day_energy, "traffic": draws.day_time}
    )
    if isinstance(scenarios.temperature, Weather):
        days["date"] = np.array(scenarios.temperature.dates, object)[draws.weather_day]
        days["temperature_c"] = scenarios.temperature.hourly_c.mean(axis=1)[draws.weather_day]
    if scenarios.measured is not None:
        days["measured_date"] = np.array(scenarios.measured.dates, object)[draws.measured_day]
    days["broken"], days["not_full"] = outcome.broken_buses, outcome.not_full_buses
    simulation_s = time.perf_counter() - started
    fragile = table.loc[table["holds_to"] < percentile - 1e-12, "vehicle"].tolist()
    looked, said = mends_of(
        replay,
        scenarios,
        draws,
        moved,
        outcome,
        percentiles,
        fragile if mends else [],
        percentile,
        prices,
    )
    number = len(fragile)
    report = Report(
        Status.FEASIBLE, objective=float(number), objective_unit=f"blocks that break at {percent(percentile)}",
        seconds=simulation_s, seed=seed,
    )  # fmt: skip
    notes = (
        *scenarios.notes(), *said,
        "batteries start full in every scenario; buses leave no earlier than planned",
    )  # fmt: skip
    return Simulation(
        problem=replay.problem, scenarios=scenarios, percentile=percentile, blocks=table,
        first_breaks=first, scenario_table=days, mends=looked, report=report, assumptions=notes,
        queue_s=queue_s, moved_sessions=int(moved.scenario.size),
    )  # fmt: skip


def _first_breaks(replay: Replay, outcome: Outcome) -> pd.DataFrame:
    places = replay.places()
    hit = np.flatnonzero(outcome.first_leg)
    bus = np.searchsorted(replay.legs.start, hit, side="right") - 1
    rows = [
        (replay.buses.names[one], *places[leg], int(outcome.first_leg[leg]))
        for one, leg in zip(bus.tolist(), hit.tolist(), strict=True)
    ]
    columns = ["vehicle", "block", "trip_id", "place", "time_s", "scenarios"]
    return pd.DataFrame(rows, columns=columns).astype({"time_s": np.int64, "scenarios": np.int64})


def plain_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows for JSON: no NaN, no numpy."""
    clean = table.astype(object).where(table.notna(), None)
    rows = clean.to_dict("records")
    return [
        {str(key): value.item() if hasattr(value, "item") else value for key, value in row.items()}
        for row in rows
    ]
