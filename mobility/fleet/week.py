"""A week, or a calendar: each day type planned once, one fleet over all, and what it costs."""

from __future__ import annotations

import json
import math
import time
import tomllib
from collections import Counter
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.fleet.blocks import plan_blocks
from mobility.fleet.case import read_case
from mobility.fleet.chain import plan
from mobility.fleet.check import check
from mobility.fleet.energy import demand_day_price
from mobility.fleet.plan import status_of, whole_bound
from mobility.fleet.runs import check_mode
from mobility.fleet.tables import problem as problem_of
from mobility.fleet.tariff import peaks_kw
from mobility.fleet.week_days import DayKind, day_kinds
from mobility.solution import Report, Status
from mobility.units import format_money

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from mobility.feed import Feed
    from mobility.findings import Finding
    from mobility.fleet.plan import BlockPlan, Plan
    from mobility.fleet.problem import Depot, Problem
    from mobility.fleet.runs import BlockMode
    from mobility.stop import Stop

YEAR_DAYS = 365.25

COLUMNS = (
    "day_type", "date", "days", "calendar_days", "trips", "vehicles", "vehicles_bound", "status",
    "own_cost_minor", "cost_minor", "bound_minor", "gap",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class DayPlan:
    """One day type and its plan; both None where no trip runs."""

    kind: DayKind
    problem: Problem | None = None
    plan: Plan | BlockPlan | None = None

    @property
    def answered(self) -> bool:
        """Whether there is a plan, or none is needed."""
        return self.plan is None or self.plan.report.objective is not None


@dataclass(frozen=True, eq=False)
class WeekPlan:
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

    @property
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

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)


def plan_week(
    feed: Feed,
    case: str | Path | dict[str, Any] | None = None,
    *,
    week: str | dt.date = "typical",
    blocks: BlockMode = "optimise",
    charging: bool = True,
    modes: Iterable[int] | None = None,
    stop: Stop | None = None,
    seed: int = 0,
) -> WeekPlan:
    """Plan each distinct day type of a week once, with one fleet over all of them.

    Parameters
    ----------
    feed
        ``read_feed(...)``.
    case
        As in ``fleet.problem``; its date is not used. Where it has no depots, those that are assumed
        for the day type with most trips serve all.
    week
        Any date of the week, ``"typical"`` or ``"calendar"`` (every date of the feed).
    blocks
        As in ``fleet.plan``.
    charging
        Whether batteries and chargers are planned too; else vehicle blocks alone.
    modes
        As in ``fleet.problem``.
    stop
        For each day type by itself.
    seed
        For each day type, and for assumed depots.

    Returns
    -------
    WeekPlan
        Always. Read ``report.status`` first: where a day type has no plan, ``why`` names it.

    Raises
    ------
    ConfigError
        When the case is wrong, or no trip runs in the week.

    Examples
    --------
    >>> print(fleet.plan_week(feed, "fleet.toml", week="2025-03-05"))
    """
    check_mode(blocks)
    start = time.perf_counter()
    asked = modes if modes is not None else read_case({} if case is None else case)[0].service.modes
    wanted = None if asked is None else sorted(set(asked))
    kinds = day_kinds(feed, week, wanted)
    problems = _problems(feed, case, kinds, wanted, seed)
    days = tuple(
        DayPlan(kind, one, _planned(one, blocks, charging, stop, seed))
        for kind, one in zip(kinds, problems, strict=True)
    )
    return _summed(days, blocks, start, seed)


def _planned(
    problem: Problem | None, blocks: BlockMode, charging: bool, stop: Stop | None, seed: int
) -> Plan | BlockPlan | None:
    if problem is None:
        return None
    if charging:
        return plan(problem, blocks=blocks, stop=stop, seed=seed)
    return plan_blocks(problem, blocks=blocks, stop=stop, seed=seed)


def _problems(
    feed: Feed,
    case: str | Path | dict[str, Any] | None,
    kinds: Sequence[DayKind],
    modes: Sequence[int] | None,
    seed: int,
) -> list[Problem | None]:
    """The problem of every day type; assumed depots are those of the one with most trips."""
    days = {at: feed.day(kind.dates[0]) for at, kind in enumerate(kinds) if kind.services}
    most = max(days, key=lambda at: (len(days[at].trips), -at))
    first = problem_of(days[most], case, modes=modes, seed=seed)
    content: str | Path | dict[str, Any] | None = case
    if first.assumed_depots:
        content = _with_depots(case, first.depots)
        said = f"the depots are those assumed for {first.date}, the day type with most trips"
    found: list[Problem | None] = []
    for at in range(len(kinds)):
        if at not in days:
            found.append(None)
        elif at == most:
            found.append(first)
        else:
            own = problem_of(days[at], content, modes=modes, seed=seed)
            if first.assumed_depots:
                own = replace(own, assumed_depots=True, assumptions=(*own.assumptions, said))
            found.append(own)
    return found


def _with_depots(
    case: str | Path | dict[str, Any] | None, depots: Sequence[Depot]
) -> dict[str, Any]:
    """The case's content with depots; its files are still found."""
    content: dict[str, Any] = {}
    if isinstance(case, dict):
        content = dict(case)
    elif case is not None:
        content = tomllib.loads(Path(case).read_text("utf-8"))
        runs = dict(content.get("deadheads", {}))
        if "file" in runs:
            content["deadheads"] = {**runs, "file": str((Path(case).parent / runs["file"]).resolve())}
    names = ("id", "stop_id", "capacity", "chargers", "charger_kw", "site_kw", "pumps")
    content["depot"] = [
        {name: getattr(one, name) for name in names if getattr(one, name) is not None}
        for one in depots
    ]
    return content


def _summed(days: tuple[DayPlan, ...], blocks: BlockMode, start: float, seed: int) -> WeekPlan:
    """One fleet over all day types; money and bounds of every date with the whole of it."""
    problem = next(one.problem for one in days if one.problem is not None)
    fleet = _fleet(days)
    fleet_bound = max(one.plan.vehicles_bound for one in days if one.plan is not None)
    missing = [one for one in days if not one.answered]
    standing = {} if missing else _every_day(days, fleet)
    rows, costs, bounds = [], [], []
    for one in days:
        parts, bound = _day_parts(one, standing), _day_bound(one, fleet_bound, problem, blocks)
        costs.append(parts)
        bounds.append(bound)
        rows.append(_row(one, None if missing else sum(parts.values()), bound))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    unit = f"{problem.currency} minor units in {int(table['days'].sum())} days"
    scope = (
        "any fleet and any plans of these day types, the whole fleet paid on every date: the larger of "
        "each day's own bound, and of the least fleet plus what the day costs at least with free vehicles"
    )
    if missing:
        worst = missing[0]
        report = Report(
            Status.INFEASIBLE if all(one.plan and one.plan.report.status is Status.INFEASIBLE
                                     for one in missing) else Status.UNKNOWN,
            objective_unit=unit, bound_scope=scope, seconds=time.perf_counter() - start, seed=seed,
        )  # fmt: skip
        told = worst.plan.why if worst.plan is not None else ""
        why = f"{worst.kind.name} ({worst.kind.dates[0]}): {told}"
        return WeekPlan(days, table, fleet, report, int(fleet["vehicles"].sum()), fleet_bound,
                        problem.currency, why=why, assumptions=_said(days, problem))  # fmt: skip

    count = table["days"].tolist()
    names = list(dict.fromkeys(name for parts in costs for name in parts))
    parts = {
        name: sum(n * one.get(name, 0.0) for n, one in zip(count, costs, strict=True))
        for name in names
    }
    objective = sum(parts.values())
    bound = whole_bound(sum(n * one for n, one in zip(count, bounds, strict=True)), parts)
    shares = (table["calendar_days"] / max(table["calendar_days"].sum(), 1)).tolist()
    return WeekPlan(
        days=days,
        table=table,
        fleet=fleet,
        report=Report(
            status=status_of(objective, bound),
            objective=objective,
            objective_unit=unit,
            parts=parts,
            bound=bound,
            bound_scope=scope,
            seconds=time.perf_counter() - start,
            seed=seed,
        ),
        vehicles=int(fleet["vehicles"].sum()),
        vehicles_bound=fleet_bound,
        currency=problem.currency,
        year_minor=YEAR_DAYS * sum(
            share * sum(one.values()) for share, one in zip(shares, costs, strict=True)
        ),
        year_bound_minor=YEAR_DAYS * sum(
            share * one for share, one in zip(shares, bounds, strict=True)
        ),
        assumptions=_said(days, problem),
    )  # fmt: skip


def _fleet(days: Sequence[DayPlan]) -> pd.DataFrame:
    """Of each type and at each depot, the buses of the day type that needs most of them."""
    most: dict[tuple[str, str], tuple[int, dt.date]] = {}
    for one in days:
        if one.plan is None:
            continue
        buses = one.plan.blocks.drop_duplicates("vehicle")
        for key, count in Counter(zip(buses["type"], buses["depot"], strict=True)).items():
            name = (str(key[0]), str(key[1]))
            if count > most.get(name, (0, one.kind.dates[0]))[0]:
                most[name] = count, one.kind.dates[0]
    rows = [(*name, *most[name]) for name in sorted(most)]
    return pd.DataFrame(rows, columns=["type", "depot", "vehicles", "date"])


def _day_price(problem: Problem, name: str) -> float:
    """Day cost of a type of bus; of one that the case does not have, the case's."""
    own = next((one.vehicle_day_minor for one in problem.vehicles if one.id == name), None)
    return problem.costs.vehicle_day_minor if own is None else own


def _every_day(days: Sequence[DayPlan], fleet: pd.DataFrame) -> dict[str, float]:
    """What every date costs, whatever runs: the fleet, and demand charges of longer than a day."""
    problem = next(one.problem for one in days if one.problem is not None)
    paid = {
        "vehicles": float(math.ceil(sum(
            count * _day_price(problem, name)
            for name, count in zip(fleet["type"], fleet["vehicles"], strict=True)
        ) - 1e-6))
    }  # fmt: skip
    peaks: dict[tuple[str, int], float] = {}
    for one in days:
        for key, minor in _demand(one, daily=False).items():
            peaks[key] = max(peaks.get(key, 0.0), minor)
    if peaks:
        paid["demand"] = float(math.ceil(sum(peaks.values()) - 1e-6))
    return paid


def _demand(day: DayPlan, *, daily: bool) -> dict[tuple[str, int], float]:
    """The day's share of the demand charges, by site and charge: the daily ones, or all others."""
    power = getattr(day.plan, "power", None)
    if power is None or day.problem is None or power.empty:
        return {}
    load = power.pivot_table(index="site", columns="start_s", values="kw", observed=True)
    return {
        (str(site), at): demand_day_price(day.problem, charge) * float(kw)
        for at, charge in enumerate(day.problem.tariff.demand)
        if (charge.period == "day") == daily
        for site, kw in zip(load.index, peaks_kw(load.to_numpy(float), charge), strict=True)
    }


def _day_parts(day: DayPlan, standing: dict[str, float]) -> dict[str, float]:
    """What a date of a day type costs, with the whole fleet and the highest peaks."""
    own = {} if day.plan is None else dict(day.plan.report.parts)
    parts = {name: value for name, value in own.items() if name not in ("vehicles", "demand")}
    daily = math.ceil(sum(_demand(day, daily=True).values()) - 1e-6)
    found = {"vehicles": standing.get("vehicles", 0.0), **parts}
    if "demand" in own or "demand" in standing:
        found["demand"] = standing.get("demand", 0.0) + daily
    return found


def _day_bound(day: DayPlan, fleet: int, problem: Problem, blocks: BlockMode) -> float:
    """What a date costs at least, in a week whose fleet has at least ``fleet`` vehicles.

    The day's own bound holds: the fleet is no smaller than the day's vehicles. So does the price of
    the least fleet, plus what the day costs where vehicles are free.
    """
    prices = [_day_price(problem, one.id) for one in problem.vehicles]
    least = fleet * min([*prices, problem.costs.vehicle_day_minor])
    if day.plan is None or day.problem is None:
        return math.floor(least)
    own = day.plan.report.bound or 0.0
    if day.plan.vehicles_bound >= fleet:
        return own
    free = replace(
        day.problem,
        costs=replace(day.problem.costs, vehicle_day_minor=0.0),
        vehicles=tuple(replace(one, vehicle_day_minor=None) for one in day.problem.vehicles),
    )
    running = plan_blocks(free, blocks=blocks).report.bound or 0.0
    energy = getattr(day.plan, "bounds", {}).get("trip_energy", 0.0)
    return max(own, math.floor(least + running + energy))


def _row(day: DayPlan, cost: float | None, bound: float) -> tuple[Any, ...]:
    kind, answer = day.kind, day.plan
    trips = 0 if day.problem is None else len(day.problem.trips)
    gap = None if cost is None else (cost - bound) / max(abs(cost), 1e-9)
    own = None if answer is None else answer.report.objective
    return (
        kind.name, kind.dates[0], len(kind.dates), kind.in_calendar, trips,
        0 if answer is None else answer.vehicles, 0 if answer is None else answer.vehicles_bound,
        "no service" if answer is None else str(answer.report.status),
        0.0 if answer is None else own, cost, bound, gap,
    )  # fmt: skip


def _said(days: Sequence[DayPlan], problem: Problem) -> tuple[str, ...]:
    said: dict[str, None] = {}
    for one in days:
        answer = one.plan
        said |= dict.fromkeys(() if answer is None else answer.assumptions)
    counts = Counter[str]()
    for (name, _), count in _fleet(days).groupby(["type", "depot"])["vehicles"].sum().items():
        counts[name] += int(count)
    for bus in problem.vehicles:
        if bus.count is not None and counts[bus.id] > bus.count:
            said[f"{counts[bus.id]} buses of type {bus.id!r} are needed where each keeps its depot, there "
                 f"are {bus.count}: some must change their depot overnight"] = None  # fmt: skip
    in_calendar = sum(one.kind.in_calendar for one in days)
    said["every bus of the fleet costs its day cost on every date, whether it goes out or not"] = None
    said[f"a year is {YEAR_DAYS:g} dates in the shares of the {in_calendar:,} dates of the calendar that "
         "are of these day types, a month a twelfth of it"] = None  # fmt: skip
    if problem.tariff.demand:
        said["a demand charge of a month or a year is on the highest peak of all day types"] = None
    return tuple(said)
