"""What-ifs side by side: batteries, tariffs, chargers, each a plan from the one that there is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.errors import ConfigError
from mobility.fleet.replan import replan
from mobility.fleet.simulation import plain_rows
from mobility.shown import Shown
from mobility.units import format_money

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mobility.fleet.plan import Plan

NOW = "now"


@dataclass(frozen=True, eq=False)
class Comparison(Shown):
    """Plans of one day under different assumptions.

    ``table`` has one row a what-if, the present plan first: name, change, status, vehicles,
    vehicles_bound, cost_minor and its parts (``*_minor``), more_minor than now, bound_minor, gap,
    peak_kw (of all sites together), least_soc, findings, seconds, kept (what of the plan was kept).
    """

    table: pd.DataFrame
    plans: dict[str, Plan]

    def __str__(self) -> str:
        answered = self.table.dropna(subset=["cost_minor"])
        if answered.empty:
            return f"{len(self.table)} what-ifs, none with a plan"
        best: Any = answered.iloc[int(answered["cost_minor"].to_numpy(float).argmin())]
        currency = next(iter(self.plans.values())).problem.currency
        return (
            f"{len(self.table)} what-ifs: {best['name']!r} is the cheapest, "
            f"{format_money(best['cost_minor'], currency)} a day "
            f"({format_money(best['more_minor'], currency)} more than now)"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>{self.table.to_html(index=False)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        currency = next(iter(self.plans.values())).problem.currency
        return {"currency": currency, "what_ifs": plain_rows(self.table)}

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def plot(self, ax: Any = None) -> Any:
        """Draw what each what-if costs, part by part; the axes are returned."""
        from mobility.fleet.planning_plot import plot_comparison

        return plot_comparison(self, ax)

    def write(self, folder: str | Path, *, parquet: bool = False) -> Path:
        """Write comparison.json and the table; the folder is returned."""
        from mobility.fleet.result_files import write_result

        return write_result(
            "comparison", self.to_dict(), {"what_ifs": self.table}, folder, parquet=parquet
        )


def compare(plan: Plan, what_ifs: Mapping[str, Mapping[str, Any]], *, seed: int = 0) -> Comparison:
    """Plan a day under other assumptions, from the plan that there is, and lay the answers side by side.

    Parameters
    ----------
    plan
        The present plan: the first row, under the name ``now``.
    what_ifs
        Name to changes, as `Problem.replace` takes them.
    seed
        Of full plans, where a what-if needs one.

    Raises
    ------
    ConfigError
        When a change names nothing of a problem, or a what-if is called ``now``.

    Examples
    --------
    >>> compare(plan, {"420 kWh": {"vehicles.battery_kwh": 420.0}}).table["name"].tolist()
    ['now', '420 kWh']
    """
    if NOW in what_ifs:
        raise ConfigError(f"a what-if cannot be called {NOW!r}", mend="name it after its change")
    plans = {NOW: plan}
    rows = [_row(NOW, {}, plan, plan)]
    for name, changes in what_ifs.items():
        answer = replan(plan.problem.replace(**changes), plan, seed=seed)
        plans[name] = answer
        rows.append(_row(name, changes, answer, plan))
    table = pd.DataFrame(rows)
    order = [one for one in table.columns if not one.endswith("_minor")]
    at = order.index("vehicles_bound") + 1
    money = [
        "cost_minor",
        *(one for one in table.columns if one.endswith("_minor") and one != "cost_minor"),
    ]
    return Comparison(table[[*order[:at], *money, *order[at:]]], plans)


def _row(name: str, changes: Mapping[str, Any], answer: Plan, now: Plan) -> dict[str, Any]:
    report, told = answer.report, answer.kpis
    cost, before = report.objective, now.report.objective
    return {
        "name": name,
        "change": ", ".join(f"{key} = {value}" for key, value in changes.items())[:200],
        "status": str(report.status),
        "vehicles": answer.vehicles,
        "vehicles_bound": answer.vehicles_bound,
        "cost_minor": cost,
        **{f"{part}_minor": value for part, value in report.parts.items()},
        "more_minor": None if cost is None or before is None else cost - before,
        "bound_minor": report.bound,
        "gap": report.gap,
        "peak_kw": told["peak_kw_in_all"] if cost is not None else None,
        "least_soc": told["least_soc"] if cost is not None else None,
        "findings": len(answer.findings),
        "seconds": report.seconds,
        "kept": "" if name == NOW else answer.assumptions[-1],
    }
