"""``fleet.charge``: the charging of given blocks, or of a table of stays."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, overload

import numpy as np

from mobility.fleet.activities import running_cost
from mobility.fleet.charge_depots import better, given_energies
from mobility.fleet.charge_energy import cheapest_energies
from mobility.fleet.charge_stays import charge_stays
from mobility.fleet.charging import charge_blocks, kept_sessions, sites_of, stays_of
from mobility.fleet.stays import ChargingProblem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.plan import Plan
    from mobility.fleet.stays_plan import ChargingPlan
    from mobility.stop import Stop


@overload
def charge(plan: Plan, *, stop: Stop | None = None, seed: int = 0) -> Plan: ...


@overload
def charge(plan: ChargingProblem, *, stop: Stop | None = None, seed: int = 0) -> ChargingPlan: ...


def charge(
    plan: Plan | ChargingProblem, *, stop: Stop | None = None, seed: int = 0
) -> Plan | ChargingPlan:
    """Plan the charging of given blocks anew, with their problem's chargers and tariff.

    Buses are charged one after the other first; then a linear program says how much each stay gives at
    best, and every depot's chargers are searched anew for that. The cheapest of all is the answer, so
    that it never costs more than the first; its bound is the program's: no charging of these blocks
    costs less.

    Parameters
    ----------
    plan
        Blocks from any source; its sessions are replaced. A table of stays
        (:class:`~mobility.fleet.ChargingProblem`) is charged by
        :func:`~mobility.fleet.charge_stays`.
    stop
        ``Work`` counts rounds of a depot's search.
    seed
        Of the search's choices.

    Returns
    -------
    Plan
        Always. Where energy cannot be delivered, ``why`` names the site, the window and the kWh.
    """
    from mobility.fleet.chain import finish

    if isinstance(plan, ChargingProblem):
        return charge_stays(plan, stop=stop, seed=seed)
    started = time.perf_counter()
    problem = plan.problem
    charged = charge_blocks(problem, plan.blocks)
    sites = sites_of(problem, plan.blocks)
    stays = stays_of(problem, plan.blocks, sites)
    if not stays.names:
        return finish(plan, charged, seed=seed, started=started)
    free = cheapest_energies(problem, stays, sites)
    terminal = stays.site >= len(problem.depots)
    if charged.unserved and free is not None and not terminal.any():
        # Bus after bus, some found no charger; energies that are planned together may serve all.
        none = kept_sessions(problem, plan.blocks, charged.sessions.iloc[:0])
        tried = better(problem, stays, sites, none, free.kwh, stop=stop, seed=seed, anyhow=True)
        if abs(float(tried.sessions["kwh"].sum()) - float(free.kwh.sum())) < 0.01:
            charged = tried
    if charged.unserved:
        return finish(plan, charged, seed=seed, started=started)
    now = given_energies(stays, sites, charged.sessions)
    wanted = free
    if free is not None and terminal.any():
        fixed = np.where(terminal, now, np.nan)
        wanted = cheapest_energies(problem, stays, sites, fixed)
    tries: list[tuple[NDArray[np.float64], NDArray[np.float64] | None]] = [(now, None)]
    if wanted is not None:
        tries = [(wanted.kwh, wanted.peaks_kw), (wanted.kwh, None), (now, wanted.peaks_kw), *tries]
    for kwh, peaks in tries:
        charged = better(problem, stays, sites, charged, kwh, peaks, stop=stop, seed=seed)
    if free is not None:
        bounds = {"blocks": sum(running_cost(problem, plan.blocks).values()),
                  "electricity": free.bound_minor}  # fmt: skip
        report = replace(plan.report, bound_scope="these blocks, any charging of them")
        plan = replace(plan, bounds=bounds, report=report)
    return finish(plan, charged, seed=seed, started=started)
