"""What is answered to a charging problem: sessions, peaks, and how far the price can be trusted."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.shown import Shown

if TYPE_CHECKING:
    from mobility.fleet.stays import ChargingProblem
    from mobility.solution import Report

COLUMNS = ("bus", "site", "charger", "start_s", "end_s", "kwh", "kw")


@dataclass(frozen=True, eq=False)
class ChargingPlan(Shown):
    """Who is plugged in where, when, at what power.

    Parameters
    ----------
    sessions
        One row a plug-in, sorted by site, charger and time: ``bus``, ``site``, ``charger`` (from 0
        within its site), ``start_s``, ``end_s`` (multiples of the slot), ``kwh``, and ``kw``, the mean
        power of each slot from ``start_s`` on.
    peak_kw
        Highest power of a slot, by site.
    missing_kwh
        What is not delivered, by bus; only a plan of least shortfall has any.
    against
        What other strategies cost, by name.
    relaxed
        True when the value is the relaxation's, which has no sessions.
    """

    problem: ChargingProblem = field(repr=False)
    sessions: pd.DataFrame = field(repr=False)
    report: Report
    peak_kw: dict[str, float] = field(repr=False)
    strategy: str = "optimal"
    why: str = ""
    missing_kwh: dict[str, float] = field(default_factory=dict, repr=False)
    against: dict[str, float] = field(default_factory=dict, repr=False)
    relaxed: bool = False

    @property
    def saving(self) -> float | None:
        """Fraction of first-come's cost that this plan saves; None where that is unknown."""
        usual = self.against.get("first-come")
        if usual is None or self.report.objective is None or usual == 0:
            return None
        return (usual - self.report.objective) / abs(usual)

    def __str__(self) -> str:
        if self.report.objective is None:
            return f"no plan ({self.report.status}): {self.why}"
        what = "relaxation" if self.relaxed else f"{len(self.sessions):,} sessions"
        saved = (
            "" if self.saving is None else f", {self.saving:.1%} less than first come, first served"
        )
        return f"{what}, cost {self.report.objective:,.2f} ({self.report.headline()}){saved}"

    def _repr_html_(self) -> str:
        table = self.sessions.drop(columns="kw").head(20).to_html(index=False)
        return f"<p>{escape(str(self))}</p>{table}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        rows = [
            {**row, "kw": [round(one, 9) for one in row["kw"]]}
            for row in self.sessions.to_dict("records")
        ]
        return {
            **self.report.to_dict(),
            "strategy": self.strategy,
            "why": self.why,
            "sessions": rows,
            "peak_kw": self.peak_kw,
            **({"missing_kwh": self.missing_kwh} if self.missing_kwh else {}),
            **({"against": self.against, "saving": self.saving} if self.against else {}),
        }

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)


def no_sessions() -> pd.DataFrame:
    """A table of sessions without rows."""
    return pd.DataFrame({name: [] for name in COLUMNS})
