"""What things cost: vehicles, empty running, waiting, electricity, fuel."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from mobility.errors import ConfigError
from mobility.fleet.limits import divides_the_day, not_negative, positive


@dataclass(frozen=True)
class Costs:
    """Minor units: a vehicle used per day, a km of empty running, an hour standing with a driver.

    ``soft_minor`` weighs each break of a soft rule when plans are compared; nobody pays it.
    """

    vehicle_day_minor: float = 0.0
    deadhead_km_minor: float = 0.0
    waiting_h_minor: float = 0.0
    soft_minor: float = 0.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not (np.isfinite(value) and value >= 0):
                raise ConfigError(f"costs.{one.name} must be 0 or more (found {value})")


@dataclass(frozen=True)
class Demand:
    """A price per kW of a site's highest mean power over ``interval_s``.

    ``hours``: (from_s, to_s) pairs within the day in which the peak counts, empty for all day;
    ``months`` (1 to 12) and ``days`` (0 Monday to 6 Sunday) empty for all. ``billed_days``: the days
    that share the price, None for the days of its month or year. ``so_far_kw``: the peak that each
    site has paid already in the period; only what lies above it costs.
    """

    price: float
    period: str = "month"
    hours: tuple[tuple[int, int], ...] = ()
    months: tuple[int, ...] = ()
    interval_s: int = 900
    days: tuple[int, ...] = ()
    billed_days: int | None = None
    so_far_kw: float = 0.0

    def __post_init__(self) -> None:
        not_negative("tariff.demand.price", self.price)
        not_negative("tariff.demand.so_far_kw", self.so_far_kw)
        if self.billed_days is not None:
            positive("tariff.demand.billed_days", self.billed_days)
        if any(not 0 <= one <= 6 for one in self.days):
            raise ConfigError("tariff.demand.days run from 0, Monday, to 6, Sunday")
        divides_the_day("tariff.demand.interval_s", self.interval_s)


@dataclass(frozen=True)
class Tariff:
    """Energy price by time of day ((from_s, price per kWh), wraps at 24 h) and demand charges.

    ``diesel_l_minor`` and ``hydrogen_kg_minor`` are prices of a litre and a kg; ``co2e_g_kwh`` is what
    the grid emits, None for the world's mean. ``system_kw``: what all sites together may draw, buildings
    included, None where nothing limits it.
    """

    energy: tuple[tuple[int, float], ...] = ((0, 0.0),)
    demand: tuple[Demand, ...] = ()
    slot_s: int = 300
    diesel_l_minor: float = 0.0
    hydrogen_kg_minor: float = 0.0
    co2e_g_kwh: float | None = None
    system_kw: float | None = None

    def __post_init__(self) -> None:
        not_negative("tariff.system_kw", self.system_kw)
        if not self.energy:
            raise ConfigError("tariff.energy is empty", mend='energy = [["00:00", 95.0]]')
        divides_the_day("tariff.slot_s", self.slot_s)
        for name in ("diesel_l_minor", "hydrogen_kg_minor"):
            not_negative(f"tariff.{name}", getattr(self, name))

    def fuel_minor(self, energy: str) -> float:
        """Price of a litre or kg of what a bus burns; 0 for electricity, which has a time of day."""
        return {"diesel": self.diesel_l_minor, "hydrogen": self.hydrogen_kg_minor}.get(energy, 0.0)
