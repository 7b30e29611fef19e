"""What a plan is worth in a year: time of people, stops, fuel and CO2, low, middle and high."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from mobility.signals.values import LEVELS, Values

if TYPE_CHECKING:
    from mobility.signals.timing import TimedPlan

__all__ = ["LEVELS", "Values", "benefit_per_year"]


def benefit_per_year(plan: TimedPlan, values: Values | None = None) -> pd.DataFrame:
    """Put a value on what all periods of a plan save, beside the plan that came in.

    Parameters
    ----------
    plan
        With ``before``; all its ``periods`` count.
    values
        By default those of the network's ``[values]``; without them ``Values()``, whose sources
        stand there.

    Returns
    -------
    DataFrame
        One row a level (low, mid, high): days, person_hours, vehicle_hours, stops, fuel_l, co2_t in
        a year, and time_minor, fuel_minor, co2_minor, total_minor (whole minor units; the total is
        their sum). Only the hours of the plan's periods count, on each of ``days``. Empty where no
        plan came in.

    References
    ----------
    US DOT (2011), Revised Departmental Guidance on Valuation of Travel Time in Economic Analysis,
    for the shape: hours by purpose times a share of income. Sources of each value: ``Values``.
    """
    given = None if plan.network is None else plan.network.values
    own = values or given or Values()
    saved = {"person_hours": 0.0, "vehicle_hours": 0.0, "stops": 0.0}
    for one in plan.periods or (plan,):
        if one.before is None or one.after is None:
            return pd.DataFrame()
        hours = (one.to_s - one.from_s) / 3600
        saved["person_hours"] += hours * (one.before.person_hours_h - one.after.person_hours_h)
        saved["vehicle_hours"] += hours * (one.before.vehicle_hours_h - one.after.vehicle_hours_h)
        saved["stops"] += hours * (one.before.stops_h - one.after.stops_h)
    rows = []
    for k, level in enumerate(LEVELS):
        year = {name: value * own.days[k] for name, value in saved.items()}
        fuel = year["vehicle_hours"] * own.idle_l_h[k] + year["stops"] * own.stop_l[k]
        co2 = fuel * own.co2_kg_l[k] / 1000
        money = {
            "time_minor": round(year["person_hours"] * own.hour_minor[k]),
            "fuel_minor": round(fuel * own.fuel_minor_l[k]),
            "co2_minor": round(co2 * own.co2_minor_t[k]),
        }
        rows.append({"level": level, "days": own.days[k], **year, "fuel_l": fuel, "co2_t": co2, **money,
                     "total_minor": sum(money.values()), "currency": own.currency})  # fmt: skip
    return pd.DataFrame(rows)
