"""``fleet.charge``: the charging of given blocks, or of a table of stays."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, overload

import numpy as np

from mobility.findings import has_errors
from mobility.fleet.activities import running_cost
from mobility.fleet.charge_depots import better, given_energies
from mobility.fleet.charge_energy import Energies, NoCharging, cheapest_energies
from mobility.fleet.charge_power import cheapest_power
from mobility.fleet.charge_proof import too_few_for_blocks
from mobility.fleet.charge_stays import charge_stays
from mobility.fleet.charging import charge_blocks, kept_sessions, sites_of, stays_of
from mobility.fleet.next_day import check_next_day
from mobility.fleet.stays import ChargingProblem
from mobility.solution import Status
from mobility.stop import Work

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from mobility.fleet.charging import Charged, Sites, Stays
    from mobility.fleet.plan import Plan
    from mobility.fleet.problem import Problem
    from mobility.fleet.stays_plan import ChargingPlan
    from mobility.stop import Stop

# How often energies are planned anew without the terminals whose chargers turn out too few.
_ROUNDS = 3
_ALL_KWH = 0.01
# Of `fleet.plan`, whose blocks are what it is asked for.
_FEW, _NEAR, MOST_BUSES = 3, 1e-3, 600


@overload
def charge(plan: Plan, *, stop: Stop | None = None, seed: int = 0) -> Plan: ...


@overload
def charge(plan: ChargingProblem, *, stop: Stop | None = None, seed: int = 0) -> ChargingPlan: ...


def charge(
    plan: Plan | ChargingProblem, *, stop: Stop | None = None, seed: int = 0
) -> Plan | ChargingPlan:
    """Plan the charging of given blocks anew, with their problem's chargers and tariff.

    Buses are charged one after the other first; then a linear program says how much each stay gives at
    best, every depot's and terminal's chargers are searched anew for that, and a second program finds the
    cheapest power for these plug-ins. The cheapest of all is the answer, so that it never costs more than
    the first; its bound is the first program's: no charging of these blocks costs less.

    Parameters
    ----------
    plan
        Blocks from any source; its sessions are replaced. A table of stays
        (:class:`~mobility.fleet.ChargingProblem`) is charged by
        :func:`~mobility.fleet.charge_stays`.
    stop
        ``Work`` counts rounds of a site's search.
    seed
        Of the search's choices.

    Returns
    -------
    Plan
        Always. Where energy cannot be delivered, ``why`` names the site, the window and the kWh; the
        status is ``infeasible`` where a flow or the program proves it.

    Raises
    ------
    ConfigError
        When the problem's ``next_day`` does not fit the blocks.
    """
    from mobility.fleet.chain import finish

    if isinstance(plan, ChargingProblem):
        return charge_stays(plan, stop=stop, seed=seed)
    started = time.perf_counter()
    problem = plan.problem
    check_next_day(problem, plan.blocks)
    first = charge_blocks(problem, plan.blocks)
    told = recharge(problem, plan.blocks, first, stop=stop, seed=seed)
    if told.charged.unserved:
        answer = finish(plan, told.charged, seed=seed, started=started)
        if not told.proof:
            return answer
        report = replace(answer.report, status=Status.INFEASIBLE)
        return replace(answer, report=report, why=told.proof)
    if told.bound_minor is not None:
        bounds = {"blocks": sum(running_cost(problem, plan.blocks).values()),
                  "electricity": told.bound_minor}  # fmt: skip
        report = replace(plan.report, bound_scope="these blocks, any charging of them")
        plan = replace(plan, bounds=bounds, report=report)
    return finish(plan, told.charged, seed=seed, started=started)


def well_charged(problem: Problem, plan: Plan, *, seed: int = 0) -> Plan:
    """The same blocks charged better, with the bounds that the plan has; the plan where nothing is cheaper.

    Days of so many buses that the program would take longer than the blocks are left as they are.
    """
    from mobility.fleet.chain import finish

    if plan.report.objective is None or plan.vehicles > MOST_BUSES:
        return plan
    kept = kept_sessions(problem, plan.blocks, plan.sessions)
    least = float(plan.sessions["kwh"].sum()) * min(price for _, price in problem.tariff.energy)
    if kept.energy_minor + kept.demand_minor - least < 1.0:
        return plan  # every kWh has the lowest price, and no peak costs
    told = recharge(problem, plan.blocks, kept, stop=Work(_FEW), seed=seed, tight=False)
    if told.charged is kept:
        return plan
    done = finish(plan, told.charged, seed=seed)
    cost = done.report.objective
    if cost is None or cost >= plan.report.objective:
        return plan
    if has_errors(done.findings) and not has_errors(plan.findings):
        return plan
    return done


@dataclass(frozen=True)
class Recharged:
    """The best charging found, what none of these blocks can beat, and a proof where none can be."""

    charged: Charged
    bound_minor: float | None = None
    proof: str = ""


def recharge(
    problem: Problem,
    blocks: pd.DataFrame,
    first: Charged,
    *,
    stop: Stop | None = None,
    seed: int = 0,
    tight: bool = True,
) -> Recharged:
    """Charge a table of activities better than ``first`` does, or prove that it cannot be charged.

    Without ``tight``, one search a site that ends near the program's value is enough.
    """
    sites = sites_of(problem, blocks)
    stays = stays_of(problem, blocks, sites)
    if not stays.names:
        return Recharged(first)
    free = cheapest_energies(problem, stays, sites)
    charged = first
    if isinstance(free, Energies):
        charged = _all_anew(problem, blocks, stays, sites, charged, free, stop, seed)
    if charged.unserved:
        proof = too_few_for_blocks(problem, stays, sites)
        if not proof and isinstance(free, NoCharging) and free.proven:
            proof = f"no charging of these blocks can do, a linear program proves it: {charged.why}"
        return Recharged(charged, None, proof)
    now = given_energies(stays, sites, charged.sessions)
    terminal = stays.site >= len(problem.depots)
    wanted = free
    if isinstance(free, Energies) and terminal.any():
        wanted = cheapest_energies(problem, stays, sites, np.where(terminal, now, np.nan))
    tries: list[tuple[NDArray[np.float64], NDArray[np.float64] | None]] = [(now, None)]
    if isinstance(wanted, Energies):
        tries = [(wanted.kwh, wanted.peaks_kw), (wanted.kwh, None), (now, wanted.peaks_kw), *tries]
    for kwh, peaks in tries:
        if not tight and isinstance(free, Energies):
            cost = charged.energy_minor + charged.demand_minor
            if cost - free.bound_minor <= _NEAR * abs(cost):
                break
        charged = better(problem, stays, sites, charged, kwh, peaks, stop=stop, seed=seed)
    charged = cheapest_power(problem, stays, sites, charged)
    return Recharged(charged, free.bound_minor if isinstance(free, Energies) else None)


def _all_anew(
    problem: Problem,
    blocks: pd.DataFrame,
    stays: Stays,
    sites: Sites,
    charged: Charged,
    free: Energies,
    stop: Stop | None,
    seed: int,
) -> Charged:
    """Charge at every site what the program wants; ``charged`` where that is dearer, or not all are served.

    A terminal whose chargers are too few for it gives what it gives now in the next round, or nothing.
    """
    terminal = stays.site >= len(problem.depots)
    if not terminal.any() and not charged.unserved:
        return charged  # depots alone are searched with these energies anyway
    none = kept_sessions(problem, blocks, charged.sessions.iloc[:0])
    now = given_energies(stays, sites, charged.sessions)
    if charged.unserved:
        now = np.zeros(now.size)
    fixed = np.full(now.size, np.nan)
    wanted: Energies | NoCharging = free
    for _ in range(_ROUNDS):
        if not isinstance(wanted, Energies):
            break
        tried = better(problem, stays, sites, none, wanted.kwh, wanted.peaks_kw, stop=stop, seed=seed,
                       terminals=True, anyhow=True)  # fmt: skip
        got = given_energies(stays, sites, tried.sessions)
        short = got < wanted.kwh - _ALL_KWH
        if not short.any():
            cheaper = (
                tried.energy_minor + tried.demand_minor
                < charged.energy_minor + charged.demand_minor - 1e-9
            )
            return tried if cheaper or charged.unserved else charged
        tight = np.isin(stays.site, np.unique(stays.site[short & terminal]))
        if not tight.any() or np.isfinite(fixed[tight]).all():
            break
        fixed[tight] = now[tight]
        wanted = cheapest_energies(problem, stays, sites, fixed)
    return charged
