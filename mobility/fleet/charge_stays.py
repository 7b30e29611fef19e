"""Charge a table of stays: whole chargers, one session a stay, beside what no plan can beat."""

from __future__ import annotations

import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.fleet.charge_bound import Relaxation, site_bound
from mobility.fleet.charge_bound import relax as relaxation_of
from mobility.fleet.charge_proof import cap_of_present, too_few_chargers
from mobility.fleet.charge_search import Sessions, SiteSearch
from mobility.fleet.charge_sites import by_site
from mobility.fleet.charge_worn import (
    WornBound,
    is_worn,
    site_parts,
    worn_bound,
    worn_names,
    worn_plans,
)
from mobility.fleet.stays_plan import COLUMNS, ChargingPlan, no_sessions
from mobility.solution import Report, Status, StopReason
from mobility.stop import AnyOf, Gap, Progress, Work, ctrl_c, seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mobility.fleet.stays import ChargingProblem
    from mobility.stop import Stop

Strategy = Literal["optimal", "balanced", "first-come"]
STRATEGIES: tuple[Strategy, ...] = ("optimal", "balanced", "first-come")
_RELAXED = "these stays, any power within their limits, chargers counted as power only"
_SCOPE = "these stays, any plan of whole chargers or not"
# By default: as near to the bound as anybody bills, or so many rounds for so many stays.
_GAP = 1e-4
_ROUNDS, _ROUND_STAYS = (12, 200), 20_000
_TRIES = (10, 1000)


def charge_stays(
    problem: ChargingProblem,
    *,
    strategy: Strategy = "optimal",
    relax: bool = False,
    least_shortfall: bool = False,
    stop: Stop | None = None,
    start: ChargingPlan | None = None,
    seed: int = 0,
) -> ChargingPlan:
    """Decide charger, begin, end and power by slot of every stay, so that energy and peaks cost least.

    Parameters
    ----------
    problem
        Stays, sites and prices.
    strategy
        ``first-come`` plugs in whoever came first at full power; ``balanced`` spreads each need evenly
        up to the departure; ``optimal`` searches, and says what it saves against first-come.
    relax
        Only the relaxation's value: no whole chargers, no sessions.
    least_shortfall
        Where not everything can be delivered, the plan that leaves least; ``missing_kwh`` says whom.
    stop
        ``Work`` counts rounds of the search over all sites. By default a gap of 0.01 %, or a number of
        rounds that falls with the number of stays: it repeats exactly.
    start
        A plan to begin with, perhaps of a slightly other problem; what comes out is never dearer than
        it is, if it still holds.
    seed
        Of the search's choices.

    Returns
    -------
    ChargingPlan
        Always. ``infeasible`` is claimed only with a proof in ``why``: the site, the window and the
        missing kWh or chargers.

    References
    ----------
    Edmonds (1970) on polymatroids; Fujishige (1980) and Gallo, Grigoriadis, Tarjan (1989) on their
    parametric flows; Shaw (1998) on large neighbourhood search.
    """
    if strategy not in STRATEGIES:
        raise ConfigError(f"no strategy {strategy!r}", mend=f"one of {', '.join(STRATEGIES)}")
    begun = time.perf_counter()
    if relax and is_worn(problem):
        return _worn_relaxed(problem, seed, begun)
    relaxed = relaxation_of(problem)
    if relax:
        return _relaxed(problem, relaxed, seed, time.perf_counter() - begun)
    worn = worn_bound(problem, whole_chargers=True) if is_worn(problem) else None
    if worn is not None and worn.why and not (least_shortfall or strategy != "optimal"):
        return _no_plan(problem, Status.INFEASIBLE, worn.why, strategy, seed, begun)
    if relaxed.objective is None and not (least_shortfall or strategy != "optimal"):
        # Where a bus may charge another, only the program could prove that nothing does.
        proven = problem.give_back is None
        why = relaxed.why if proven else f"no plan was found without giving back: {relaxed.why}"
        status = Status.INFEASIBLE if proven else Status.UNKNOWN
        return _no_plan(problem, status, why, strategy, seed, begun)
    searches, why = _searches(problem, relaxed, seed)
    if strategy != "optimal":
        found = [one.by_rule(balanced=strategy == "balanced") for one in searches]
        why = "" if not any(one.lack for one in found) else f"{strategy} leaves some without energy"
        return _plan(problem, searches, found, strategy, StopReason.FINISHED, seed, begun, why=why,
                     worn=worn)  # fmt: skip
    if why and not least_shortfall:
        return _no_plan(problem, Status.INFEASIBLE, why, strategy, seed, begun)
    reason, started = _improve(problem, searches, stop, start, begun)
    best = [one.best for one in searches if one.best is not None]
    if any(one.lack for one in best):
        proof = why or (relaxed.why if problem.give_back is None else "")
        kwh = sum(one.lack for one in best) * problem.slot_h
        told = proof or (
            f"no plan that charges everybody was found: {kwh:.1f} kWh are missing at "
            f"{', '.join(one.stays.site.name for one in searches if one.best and one.best.lack)}; "
            "none was ruled out either"
        )
        status = Status.INFEASIBLE if proof else Status.UNKNOWN
        if not least_shortfall:
            return _no_plan(problem, status, told, strategy, seed, begun, reason)
        return _plan(
            problem,
            searches,
            best,
            strategy,
            reason,
            seed,
            begun,
            why=told,
            status=status,
            worn=worn,
        )
    if worn is not None:
        best = worn_plans(problem, searches, worn, started, seed)
    return _plan(problem, searches, best, strategy, reason, seed, begun, worn=worn)


def _searches(
    problem: ChargingProblem, relaxed: Relaxation, seed: int
) -> tuple[list[SiteSearch], str]:
    """One search a site, and a proof that whole chargers are too few, if there is one."""
    known = {one.stays.site.name: one for one in relaxed.sites}
    searches, why = [], ""
    for stays in by_site(problem):
        cap = cap_of_present(stays)
        bound = known.get(stays.site.name)
        if bound is None or (cap < stays.cap_kw).any():
            tighter = site_bound(stays, cap, 0.0 if bound is None else bound.peak_kw)
            bound = tighter if tighter is not None else bound
        why = why or too_few_chargers(problem, stays)
        searches.append(SiteSearch(stays, bound, seed))
    return searches, why


def _improve(
    problem: ChargingProblem,
    searches: Sequence[SiteSearch],
    stop: Stop | None,
    start: ChargingPlan | None,
    begun: float,
) -> tuple[StopReason, list[Sessions | None]]:
    """Build every site's plan, then search in rounds until ``stop`` says so; one thread a core.

    The sessions that ``start`` gave to each site come back too.
    """
    many = sum(one.stays.rows.size for one in searches)
    if stop is None:
        rounds = min(max(_ROUND_STAYS // max(many, 1), _ROUNDS[0]), _ROUNDS[1])
        stop = AnyOf(Gap(_GAP), Work(rounds))
    limit_s = seconds_of(stop)
    for one in searches:
        one.until_s = math.inf if limit_s is None else begun + limit_s
    started: list[Sessions | None] = [None] * len(searches)
    if start is not None:
        started = [_begin_with(problem, one, start) for one in searches]

    def gap() -> float | None:
        if any(one.best is None or one.relaxed is None for one in searches):
            return None
        cost = math.fsum(one.best.cost for one in searches if one.best)
        away = math.fsum(one.gap for one in searches)
        return away / max(abs(cost), 1e-9) if math.isfinite(away) else None

    workers = max(1, min(os.cpu_count() or 1, 8))
    with ctrl_c() as pressed, ThreadPoolExecutor(max_workers=workers) as pool:
        stop = AnyOf(pressed, stop)  # Ctrl-C ends with the best plan of every site

        def all_of(work: Callable[[SiteSearch], None], some: Sequence[SiteSearch]) -> None:
            for done in [pool.submit(work, one) for one in some]:
                done.result()

        all_of(SiteSearch.build, sorted(searches, key=lambda one: -one.stays.rows.size))
        step = 0
        while True:
            open_sites = [one for one in searches if not one.done]
            if not open_sites:
                return StopReason.FINISHED, started
            spent = time.perf_counter() - begun
            if (reason := stop(Progress(spent, step, gap()))) is not None:
                return reason, started
            open_sites.sort(key=lambda one: -one.stays.rows.size)
            all_of(lambda one: one.round(min(max(3 * one.stays.rows.size, _TRIES[0]), _TRIES[1])),
                   open_sites)  # fmt: skip
            step += 1


def _begin_with(
    problem: ChargingProblem, search: SiteSearch, start: ChargingPlan
) -> Sessions | None:
    """Offer the sessions of another plan, as far as its stays and chargers are still there."""
    one = search.stays
    rows = start.sessions[start.sessions["site"] == one.site.name]
    stays = problem.stays.iloc[one.rows]
    kept: dict[int, list[tuple[int, int]]] = {}
    at: dict[str, list[int]] = {}
    for row, bus in enumerate(stays["bus"]):
        at.setdefault(str(bus), []).append(row)
    order = np.argsort(rows["start_s"].to_numpy(np.int64), kind="stable")
    held = np.zeros(one.slots, np.int64)
    told: Any
    for told in rows.iloc[order].itertuples(index=False):
        low, high = (int(s) // problem.slot_s - one.base for s in (told.start_s, told.end_s))
        for row in at.get(str(told.bus), []):
            a, b = max(low, int(one.first[row])), min(high, int(one.end[row]))
            own = kept.setdefault(row, [])
            if own and (len(own) >= one.plug_ins or a < own[-1][1]):
                continue
            if a < b and (held[a : b + one.gap] < one.site.chargers).all():
                own.append((a, b))
                held[a : b + one.gap] += 1
    sessions = [(row, *span) for row, own in sorted(kept.items()) for span in own]
    return search.begin_with(*np.array(sessions, np.int64).reshape(-1, 3).T)


def _relaxed(
    problem: ChargingProblem, found: Relaxation, seed: int, seconds: float
) -> ChargingPlan:
    if found.objective is None:
        return _no_relaxation(problem, found.why, seed, seconds)
    peaks = {one.name: found.peak_kw.get(one.name, 0.0) for one in problem.sites}
    demand = problem.demand * math.fsum(peaks.values())
    report = Report(
        Status.OPTIMAL, objective=found.objective, bound=min(found.bound or 0.0, found.objective),
        parts={"energy": found.objective - demand, "demand": demand}, bound_scope=_RELAXED,
        seconds=seconds, seed=seed,
    )  # fmt: skip
    return ChargingPlan(problem, no_sessions(), report, peaks, relaxed=True)


def _worn_relaxed(problem: ChargingProblem, seed: int, begun: float) -> ChargingPlan:
    """The relaxation where wear or energy given back has a price: the programs' values."""
    found = worn_bound(problem, whole_chargers=False)
    seconds = time.perf_counter() - begun
    told = [one for one in found.programs.values() if one is not None]
    if found.why or len(told) < len(found.programs):
        return _no_relaxation(problem, found.why, seed, seconds)
    names = ["energy", "demand", *worn_names(problem)]
    parts = {name: math.fsum(one.parts.get(name, 0.0) for one in told) for name in names}
    report = Report(
        Status.OPTIMAL, objective=math.fsum(parts.values()), bound=found.bound, parts=parts,
        bound_scope=_RELAXED, seconds=seconds, seed=seed,
    )  # fmt: skip
    peaks = {one.name: 0.0 for one in problem.sites}
    peaks |= {name: one.peak_kw for name, one in found.programs.items() if one is not None}
    return ChargingPlan(problem, no_sessions(), report, peaks, relaxed=True)


def _no_relaxation(problem: ChargingProblem, why: str, seed: int, seconds: float) -> ChargingPlan:
    status = Status.INFEASIBLE if why else Status.UNKNOWN
    report = Report(status, bound_scope=_RELAXED, seconds=seconds, seed=seed)
    told = why or "the linear program's numbers failed"
    return ChargingPlan(problem, no_sessions(), report, {}, why=told, relaxed=True)


def _no_plan(
    problem: ChargingProblem,
    status: Status,
    why: str,
    strategy: str,
    seed: int,
    begun: float,
    reason: StopReason = StopReason.FINISHED,
) -> ChargingPlan:
    report = Report(status, bound_scope=_SCOPE, seconds=time.perf_counter() - begun, seed=seed,
                    stop_reason=reason)  # fmt: skip
    return ChargingPlan(problem, no_sessions(), report, {}, strategy=strategy, why=why)


def _plan(
    problem: ChargingProblem,
    searches: Sequence[SiteSearch],
    found: Sequence[Sessions],
    strategy: str,
    reason: StopReason,
    seed: int,
    begun: float,
    *,
    why: str = "",
    status: Status | None = None,
    worn: WornBound | None = None,
) -> ChargingPlan:
    """Tables and money of a plan; costs are counted from its sessions, not from the search."""
    table = _sessions(problem, searches, found)
    parts, charged = _money(problem, searches, found)
    peaks = {one.name: charged.get(one.name, 0.0) for one in problem.sites}
    cost = math.fsum(parts.values())
    names = problem.stays["bus"].to_numpy(object)
    missing = {
        str(names[search.stays.rows[row]]): float(one.lacks[row] * problem.slot_h)
        for search, one in zip(searches, found, strict=True)
        for row in np.flatnonzero(one.lacks > 0).tolist()
    }
    bound = None
    if worn is not None:
        bound = None if missing or worn.bound is None else min(worn.bound, cost)
    elif not missing and all(one.relaxed is not None for one in searches):
        bound = min(math.fsum(one.relaxed.bound for one in searches if one.relaxed), cost)
    closed = bound is not None and cost - bound <= 1e-6 * max(abs(cost), 1e-9)
    if status is None:
        status = Status.OPTIMAL if closed else Status.UNKNOWN if missing else Status.FEASIBLE
    against: dict[str, float] = {}
    if strategy == "optimal" and not missing:
        for rule in STRATEGIES[1:]:
            tried = [one.by_rule(balanced=rule == "balanced") for one in searches]
            if not any(one.lack for one in tried):
                against[rule] = math.fsum(_money(problem, searches, tried)[0].values())
    report = Report(
        status, objective=cost, bound=bound, parts=parts, bound_scope=_SCOPE,
        seconds=time.perf_counter() - begun, seed=seed, stop_reason=reason,
    )  # fmt: skip
    return ChargingPlan(problem, table, report, peaks, strategy, why, missing, against)


def _money(
    problem: ChargingProblem, searches: Sequence[SiteSearch], found: Sequence[Sessions]
) -> tuple[dict[str, float], dict[str, float]]:
    """Parts of the cost, and each site's peak."""
    told: dict[str, list[float]] = {name: [] for name in ("energy", *worn_names(problem))}
    peaks = {}
    for search, one in zip(searches, found, strict=True):
        for name, value in site_parts(problem, search.stays, one.flow).items():
            told[name].append(value)
        peaks[search.stays.site.name] = float(search.load_kw(one).max(initial=0.0))
    parts = {name: math.fsum(values) for name, values in told.items()}
    demand = problem.demand * math.fsum(peaks.values())
    return {"energy": parts.pop("energy"), "demand": demand, **parts}, peaks


def _sessions(
    problem: ChargingProblem, searches: Sequence[SiteSearch], found: Sequence[Sessions]
) -> pd.DataFrame:
    names = problem.stays["bus"].to_numpy(object)
    rows: list[tuple[Any, ...]] = []
    for search, one in zip(searches, found, strict=True):
        stays, charger = search.stays, search.chargers(one)
        for session in np.flatnonzero(one.begin >= 0).tolist():
            low, high = int(one.begin[session]), int(one.finish[session])
            row = int(one.owner[session])
            at = int(search.offset[row] - stays.first[row])
            kw = one.flow[at + low : at + high]
            if problem.give_back is None:
                kw = np.maximum(kw, 0.0)
            rows.append((
                str(names[stays.rows[row]]), stays.site.name, int(charger[session]),
                (stays.base + low) * problem.slot_s, (stays.base + high) * problem.slot_s,
                float(kw.sum() * problem.slot_h), tuple(kw.tolist()),
            ))  # fmt: skip
    rows.sort(key=lambda row: (row[1], row[2], row[3]))
    return pd.DataFrame(rows, columns=list(COLUMNS)) if rows else no_sessions()
