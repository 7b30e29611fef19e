"""What a plan is worth in a year: time of people, stops, fuel and CO2, low, middle and high."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from mobility.signals.timing import TimedPlan

LEVELS = ("low", "mid", "high")


@dataclass(frozen=True)
class Values:
    """What things cost, each as (low, mid, high); all assumed unless a city gives its own.

    Parameters
    ----------
    hour_minor
        An hour of a person, minor units of the currency.
    idle_l_h
        Fuel of a standing vehicle, litres an hour.
    stop_l
        Fuel of one stop and start, litres.
    fuel_minor_l
        A litre of fuel.
    co2_kg_l
        CO2 of a litre of petrol, kg (2.31, IPCC 2006 default carbon content; diesel 2.68).
    co2_minor_t
        A tonne of CO2.
    days
        Days in a year that are like the one that was planned.
    """

    hour_minor: tuple[float, float, float] = (500, 1000, 1500)
    idle_l_h: tuple[float, float, float] = (0.6, 0.8, 1.2)
    stop_l: tuple[float, float, float] = (0.01, 0.02, 0.03)
    fuel_minor_l: tuple[float, float, float] = (90, 110, 150)
    co2_kg_l: tuple[float, float, float] = (2.31, 2.31, 2.68)
    co2_minor_t: tuple[float, float, float] = (2000, 5000, 10000)
    days: tuple[float, float, float] = (240, 250, 300)
    currency: str = "USD"


def benefit_per_year(plan: TimedPlan, values: Values | None = None) -> pd.DataFrame:
    """Put a value on what all periods of a plan save, beside the plan that came in.

    Parameters
    ----------
    plan
        With ``before``; all its ``periods`` count.
    values
        By default assumed ones: state your own.

    Returns
    -------
    DataFrame
        One row a level (low, mid, high): person_hours, vehicle_hours, stops, fuel_l, co2_t in a
        year, and time_minor, fuel_minor, co2_minor, total_minor (whole minor units; the total is
        their sum). Empty where no plan came in.
    """
    own = values or Values()
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
        rows.append({"level": level, **year, "fuel_l": fuel, "co2_t": co2, **money,
                     "total_minor": sum(money.values()), "currency": own.currency})  # fmt: skip
    return pd.DataFrame(rows)
