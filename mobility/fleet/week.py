"""A week, or a calendar: each day type planned once, one fleet over all, and what it costs."""

from __future__ import annotations

import time
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.fleet.blocks import plan_blocks
from mobility.fleet.case import read_case
from mobility.fleet.chain import plan
from mobility.fleet.plan import status_of, whole_bound
from mobility.fleet.runs import check_mode
from mobility.fleet.tables import problem as problem_of
from mobility.fleet.week_costs import day_bound, day_parts, every_day, fleet_of
from mobility.fleet.week_days import day_kinds
from mobility.fleet.week_plan import DayPlan, WeekPlan
from mobility.solution import Report, Status
from mobility.units import format_time

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from mobility.feed import Feed
    from mobility.fleet.plan import BlockPlan, Plan
    from mobility.fleet.problem import Depot, Problem
    from mobility.fleet.runs import BlockMode
    from mobility.fleet.week_days import DayKind
    from mobility.stop import Stop

YEAR_DAYS = 365.25

COLUMNS = (
    "day_type", "date", "days", "calendar_days", "trips", "vehicles", "vehicles_bound", "status",
    "own_cost_minor", "cost_minor", "bound_minor", "gap",
)  # fmt: skip


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
    >>> print(fleet.plan_week(feed, week="2025-07-01"))
    45 vehicles (at least 45) for 2 day types from 2025-06-30 to 2025-07-06: USD 97,884.65 in 7 days, ...
    """
    check_mode(blocks)
    start = time.perf_counter()
    asked = modes if modes is not None else read_case({} if case is None else case)[0].service.modes
    wanted = None if asked is None else sorted(set(asked))
    kinds = day_kinds(feed, week, wanted)
    problems = _problems(feed, case, kinds, wanted, seed)
    days = tuple(
        DayPlan(kind, one, _planned(one, blocks, charging, stop, seed), another)
        for kind, (one, another) in zip(kinds, problems, strict=True)
    )
    return _summed(days, blocks, start, stop, seed)


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
) -> list[tuple[Problem | None, bool]]:
    """The problem of every day type, and whether its depots were assumed for another one.

    Assumed depots are those of the day type with most trips.
    """
    days = {at: feed.day(kind.dates[0]) for at, kind in enumerate(kinds) if kind.services}
    most = max(days, key=lambda at: (len(days[at].trips), -at))
    first = problem_of(days[most], case, modes=modes, seed=seed)
    content: str | Path | dict[str, Any] | None = case
    if first.assumed_depots:
        content = _with_depots(case, first.depots)
        said = f"the depots are those assumed for {first.date}, the day type with most trips"
    found: list[tuple[Problem | None, bool]] = []
    for at in range(len(kinds)):
        if at not in days:
            found.append((None, False))
        elif at == most:
            found.append((first, False))
        else:
            own = problem_of(days[at], content, modes=modes, seed=seed)
            if first.assumed_depots:
                own = replace(own, assumed_depots=True, assumptions=(*own.assumptions, said))
            found.append((own, first.assumed_depots))
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
            content["deadheads"] = {
                **runs,
                "file": str((Path(case).parent / runs["file"]).resolve()),
            }
    names = ("id", "stop_id", "capacity", "chargers", "charger_kw", "site_kw", "pumps")
    content["depot"] = [
        {name: getattr(one, name) for name in names if getattr(one, name) is not None}
        | {
            name: [(format_time(at), kw) for at, kw in getattr(one, name)]
            for name in ("site_kw_by_time", "base_kw")
        }
        for one in depots
    ]
    return content


def _summed(
    days: tuple[DayPlan, ...], blocks: BlockMode, start: float, stop: Stop | None, seed: int
) -> WeekPlan:
    """One fleet over all day types; money and bounds of every date with the whole of it."""
    problem = next(one.problem for one in days if one.problem is not None)
    fleet = fleet_of(days)
    fleet_bound = max(one.plan.vehicles_bound for one in days if one.plan is not None)
    missing = [one for one in days if not one.answered]
    standing = {} if missing else every_day(days, fleet)
    rows, costs, bounds = [], [], []
    for one in days:
        parts = day_parts(one, standing)
        bound = day_bound(one, fleet_bound, problem, blocks, stop, seed)
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
    """What was assumed of every day, then of some, then of the week."""
    told = [(one, one.plan.assumptions) for one in days if one.plan is not None]
    common = [line for line in told[0][1] if all(line in lines for _, lines in told)]
    said: dict[str, None] = dict.fromkeys(common)
    for one, lines in told:
        said |= dict.fromkeys(
            f"{one.kind.name} ({one.kind.dates[0]}): {line}" for line in lines if line not in said
        )
    counts = Counter[str]()
    fleet = fleet_of(days)
    for name, count in zip(fleet["type"], fleet["vehicles"], strict=True):
        counts[name] += int(count)
    for bus in problem.vehicles:
        if bus.count is not None and counts[bus.id] > bus.count:
            said[f"{counts[bus.id]} buses of type {bus.id!r} are needed where each keeps its depot, there "
                 f"are {bus.count}: some must change their depot overnight"] = None  # fmt: skip
    in_calendar = sum(one.kind.in_calendar for one in days)
    said["every bus of the fleet costs its day cost on every date, whether it goes out or not"] = (
        None
    )
    said[f"a year is {YEAR_DAYS:g} dates in the shares of the {in_calendar:,} dates of the calendar that "
         "are of these day types, a month a twelfth of it"] = None  # fmt: skip
    if problem.tariff.demand:
        said["a demand charge of a month or a year is on the highest peak of all day types, at the "
             "prices of the planned dates' months"] = None  # fmt: skip
    return tuple(said)
