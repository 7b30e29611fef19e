"""What is answered of a week: a plan a day type, one fleet over all, and what it costs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from mobility.fleet.check import check
from mobility.shown import Shown
from mobility.units import format_money

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from mobility.findings import Finding
    from mobility.fleet.plan import BlockPlan, Plan
    from mobility.fleet.problem import Problem
    from mobility.fleet.week_days import DayKind
    from mobility.solution import Report


@dataclass(frozen=True, eq=False)
class DayPlan:
    """One day type, its problem and its plan, None where no trip runs.

    ``depots_of_another``: its depots are those that were assumed for another day type.
    """

    kind: DayKind
    problem: Problem | None = None
    plan: Plan | BlockPlan | None = None
    depots_of_another: bool = False

    @property
    def answered(self) -> bool:
        """Whether there is a plan, or none is needed."""
        return self.plan is None or self.plan.report.objective is not None


@dataclass(frozen=True, eq=False)
class WeekPlan(Shown):
    """Every day type planned once, and one fleet that can drive each of them.

    A bus has its depot for good, so the fleet holds, of each type and at each depot, as many buses as
    the day type that needs most of them there. The whole fleet costs its day cost on every date,
    whether a bus goes out or not; a monthly or yearly demand charge is that of the highest peak of all
    day types.

    Parameters
    ----------
    days
        In order of their first dates.
    table
        One row a day type: day_type, date (the one that is planned), days (of the week or calendar
        that is planned), calendar_days (of the whole feed), trips, vehicles (that go out),
        vehicles_bound, status, own_cost_minor (of the day's plan by itself), cost_minor (a date, with
        the whole fleet), bound_minor (of ``cost_minor``), gap.
    fleet
        One row a type of bus and depot: type, depot, vehicles, date (of the day type that needs them).
    report
        Minor units over all dates of the week or calendar. The bound holds for any fleet and any plans
        of these days.
    vehicles, vehicles_bound
        Buses of the fleet, and the least number that any fleet needs.
    year_minor, year_bound_minor
        Of 365.25 dates, in the shares in which the planned day types occur in the feed's calendar; a
        month is a twelfth. None where a day type has no plan.
    """

    days: tuple[DayPlan, ...]
    table: pd.DataFrame
    fleet: pd.DataFrame
    report: Report
    vehicles: int
    vehicles_bound: int
    currency: str
    year_minor: float | None = None
    year_bound_minor: float | None = None
    why: str = ""
    assumptions: tuple[str, ...] = ()

    @property
    def month_minor(self) -> float | None:
        """A twelfth of a year."""
        return None if self.year_minor is None else self.year_minor / 12

    @property
    def month_bound_minor(self) -> float | None:
        """A twelfth of a year's bound."""
        return None if self.year_bound_minor is None else self.year_bound_minor / 12

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What the independent checker says of every day."""
        found: list[Finding] = []
        for one in self.days:
            if one.problem is not None and one.plan is not None:
                found += check(one.problem, one.plan)
        return tuple(found)

    def __str__(self) -> str:
        if self.report.objective is None:
            return f"no week ({self.report.status}): {self.why}"
        dates = [when for one in self.days for when in one.kind.dates]
        money = [
            format_money(value, self.currency)
            for value in (self.report.objective, self.month_minor, self.year_minor)
            if value is not None
        ]
        return (
            f"{self.vehicles:,} vehicles (at least {self.vehicles_bound:,}) for {len(self.days)} day types "
            f"from {min(dates)} to {max(dates)}: {money[0]} in {len(dates)} days, {money[1]} a month, "
            f"{money[2]} a year ({self.report.headline()})"
        )

    def _repr_html_(self) -> str:
        return (
            f"<p>{escape(str(self))}</p>{self.table.to_html(index=False)}"
            f"{self.fleet.to_html(index=False)}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        rows = self.table.assign(date=self.table["date"].astype(str)).astype(object)
        return {
            **self.report.to_dict(),
            "headline": str(self),
            "vehicles": self.vehicles,
            "vehicles_bound": self.vehicles_bound,
            "month_minor": self.month_minor,
            "month_bound_minor": self.month_bound_minor,
            "year_minor": self.year_minor,
            "year_bound_minor": self.year_bound_minor,
            "day_types": rows.where(rows.notna(), None).to_dict("records"),
            "fleet": self.fleet.assign(date=self.fleet["date"].astype(str)).to_dict("records"),
            "why": self.why,
            "currency": self.currency,
            "check": [one.to_dict() for one in self.findings],
            "assumptions": list(self.assumptions),
        }

    def write(self, folder: str | Path, *, source: dict[str, Any] | None = None) -> Path:
        """Write week.json, day_types.csv, fleet.csv, and a folder for each planned date.

        An earlier week in the folder is replaced; nothing is left half-written.

        Returns
        -------
        Path
            The folder.
        """
        from mobility.fleet.week_files import write_week

        return write_week(self, folder, source=source)

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)
