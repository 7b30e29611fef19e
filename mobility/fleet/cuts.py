"""Which battery-free blocks a battery cannot carry, and what battery would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.fleet.activities import write_out
from mobility.fleet.charging import sites_of, stays_of
from mobility.fleet.energy import least_kwh_price

if TYPE_CHECKING:
    from mobility.fleet.duty import Duty
    from mobility.fleet.problem import Problem

COLUMNS = ("block", "depot", "trips", "kwh", "needed_kwh", "battery_kwh", "carried")


def cuts_of(problem: Problem, duties: tuple[Duty, ...]) -> pd.DataFrame:
    """One row a battery-free block: how deep it discharges a battery, and which would carry it.

    ``needed_kwh`` is its deepest net discharge, with a charge at full power in every stay at a charger,
    as if the bus had it for itself; ``battery_kwh`` the battery, new, that holds it within the type's
    window and state of health; ``carried`` whether the type's own does.
    """
    minor_km = problem.costs.deadhead_km_minor + least_kwh_price(problem) * problem.run_kwh_km()
    own = tuple(duty for duty in duties if problem.bus(duty.vehicle).electric)
    table = write_out(problem, own, minor_km=minor_km, keep=False)
    if table.empty:
        return pd.DataFrame(columns=list(COLUMNS)).astype({"carried": bool})
    sites = sites_of(problem, table)
    stays = stays_of(problem, table, sites)
    hours = np.maximum(0, stays.depart_s - stays.arrive_s) / 3600.0
    power = np.where(sites.count > 0, sites.kw, 0.0)[stays.site]
    rows = []
    homes = table.drop_duplicates("vehicle")["depot"].tolist()
    for bus, (name, duty) in enumerate(zip(stays.names, own, strict=True)):
        kind = problem.bus(duty.vehicle)
        down = deepest = used = 0.0
        for stay in range(int(stays.offsets[bus]), int(stays.offsets[bus + 1])):
            down += float(stays.used_kwh[stay])
            used += float(stays.used_kwh[stay])
            deepest = max(deepest, down)
            down = max(0.0, down - float(hours[stay]) * min(kind.max_kw, float(power[stay])))
        battery = deepest / ((kind.start_soc - kind.min_soc) * kind.state_of_health)
        carried = deepest <= kind.usable_kwh + 1e-6
        rows.append((name, homes[bus], len(duty.trips), used, deepest, battery, carried))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def saved_by(cuts: pd.DataFrame, vehicles: int) -> str:
    """Say what battery would make the extra buses needless; empty where there are none."""
    extra = vehicles - len(cuts)
    if extra <= 0 or cuts.empty:
        return ""
    most = float(cuts["battery_kwh"].max())
    cut = int((~cuts["carried"].astype(bool)).sum())
    return (
        f"{cut} of {len(cuts)} battery-free blocks are beyond the battery; with one of {most:.0f} kWh the "
        f"{extra} extra buses would not be needed"
    )
