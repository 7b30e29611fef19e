"""Some blocks planned anew among others that stay."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.fleet.chain import finish, quick_plan
from mobility.fleet.charge_plan import recharge
from mobility.fleet.charging import charge_blocks, kept_sessions
from mobility.stop import Work

# Rounds of a site's search where bus after bus some find no charger.
_FEW = 3

if TYPE_CHECKING:
    from mobility.fleet.plan import Plan
    from mobility.fleet.problem import Problem


def planned_anew(problem: Problem, plan: Plan, broken: set[str], reserve: float) -> Plan:
    """Keep blocks as they are, and plan the trips of some vehicles anew.

    First on chargers that no kept session uses; else on all, and then all buses are charged anew.

    Parameters
    ----------
    plan
        Its blocks stand with ``problem``'s energy.
    broken
        Vehicles whose trips are planned anew.
    reserve
        New blocks are planned for so many times their consumption.

    Returns
    -------
    Plan
        Checked. Without an objective where no plan was found, and with findings where none holds.
    """
    kept = plan.blocks[~plan.blocks["vehicle"].isin(broken)]
    sessions = plan.sessions[plan.sessions["vehicle"].isin(set(kept["vehicle"]))]
    done = plan
    for apart in (True, False):
        found = quick_plan(_part(problem, kept, sessions if apart else sessions.iloc[:0], reserve))
        why = found.why
        if more := set(found.not_electric) - set(plan.not_electric):
            why = f"{len(more):,} trips are beyond the battery with that reserve, even alone"
        if found.report.objective is None or more:
            report = replace(plan.report, objective=None, parts={}, bound=None)
            done = replace(plan, report=report, why=why)
            continue
        names = _names(kept, found.blocks)
        own = [names[one] for one in found.blocks["vehicle"]]
        pieces = found.blocks["block"].str.split("/", n=1).str[-1]
        fresh = found.blocks.assign(
            vehicle=own, block=[f"{one}/{piece}" for one, piece in zip(own, pieces, strict=True)]
        )
        table = pd.concat([kept, fresh], ignore_index=True)
        table = table.sort_values(["vehicle", "seq"], kind="stable", ignore_index=True)
        lost = tuple(sorted({*plan.not_electric, *found.not_electric}))
        base = replace(plan, problem=problem, blocks=table, findings=(), not_electric=lost)
        if apart:
            new = found.sessions.assign(vehicle=found.sessions["vehicle"].map(names))
            both = pd.concat(
                [sessions, _renumbered(problem, new, table, sessions)], ignore_index=True
            )
            done = finish(base, kept_sessions(problem, table, both))
            if done.report.objective is not None and not done.findings:
                return done
        charged = charge_blocks(problem, table)
        if charged.unserved:
            charged = recharge(problem, table, charged, stop=Work(_FEW), tight=False).charged
        done = finish(base, charged)
        if done.report.objective is not None and not done.findings:
            return done
    return done


def _part(problem: Problem, kept: pd.DataFrame, sessions: pd.DataFrame, reserve: float) -> Problem:
    """The day of the trips that no kept block drives, with what kept blocks leave."""
    driven = set(kept.loc[kept["kind"] == "trip", "trip_id"])
    mine = ~problem.trips["trip_id"].isin(driven)
    homes = kept.groupby("depot", observed=True)["vehicle"].nunique()
    types = kept.groupby("type", observed=True)["vehicle"].nunique()

    def less(count: int | None, taken: int) -> int | None:
        return None if count is None else max(count - taken, 0)

    return replace(
        problem,
        trips=problem.trips[mine].reset_index(drop=True),
        depots=tuple(
            replace(
                one, capacity=less(one.capacity, int(homes.get(one.id, 0))),
                chargers=less(one.chargers, len(_used(sessions, one.id))),
            )
            for one in problem.depots
        ),
        chargers=tuple(
            replace(one, count=one.count - len(_used(sessions, one.id))) for one in problem.chargers
        ),
        vehicles=tuple(
            replace(
                one, count=less(one.count, int(types.get(one.id, 0))),
                battery_kwh=one.battery_kwh / reserve if one.electric else one.battery_kwh,
            )
            for one in problem.vehicles
        ),
    )  # fmt: skip


def _used(sessions: pd.DataFrame, site: str) -> set[int]:
    """Chargers of a site that kept sessions use."""
    return set(sessions.loc[sessions["site"] == site, "charger"].tolist())


def _names(kept: pd.DataFrame, fresh: pd.DataFrame) -> dict[str, str]:
    """Names for new vehicles that no kept one has."""
    taken, number = set(kept["vehicle"]), 0
    names: dict[str, str] = {}
    for one in fresh["vehicle"].drop_duplicates():
        number += 1
        while (name := f"{str(one)[0]}r{number:04d}") in taken:
            number += 1
        names[one] = name
    return names


def _renumbered(
    problem: Problem, own: pd.DataFrame, table: pd.DataFrame, sessions: pd.DataFrame
) -> pd.DataFrame:
    """The new sessions on chargers that no kept session uses."""
    number = own["charger"].to_numpy(np.int64).copy()
    electric = table[table["electric"].to_numpy(bool)]
    counts = {one.id: one.chargers for one in problem.depots}
    counts |= {one.id: one.count for one in problem.chargers}
    for site, given in counts.items():
        here = (own["site"] == site).to_numpy()
        count = given
        if count is None:
            count = int(electric.loc[electric["depot"] == site, "vehicle"].nunique())
        free = np.array([one for one in range(count) if one not in _used(sessions, site)], np.int64)
        if here.any() and free.size:
            number[here] = free[np.minimum(number[here], free.size - 1)]
    return own.assign(charger=number)
