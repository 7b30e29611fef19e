"""What an operator owns: types of bus, depots, opportunity chargers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from mobility.errors import ConfigError
from mobility.fleet.limits import not_negative, positive
from mobility.units import DAY_S

Energy: TypeAlias = Literal["electric", "diesel", "hydrogen"]
ENERGIES: tuple[Energy, ...] = ("electric", "diesel", "hydrogen")


@dataclass(frozen=True)
class Vehicle:
    """One type of bus.

    Parameters
    ----------
    energy
        ``electric`` takes a battery, ``diesel`` litres, ``hydrogen`` kg.
    battery_kwh, state_of_health
        Battery when new, and the fraction that is left of it. ``*_soc`` are fractions of what is left.
    kwh_km
        Consumption where no model and no table says more.
    max_kw
        Power that the bus can take; ``curve`` lowers it as the battery fills: (state of charge, kW)
        pairs, linear between them, empty for ``max_kw`` at any charge.
    range_km
        Of a bus that is not electric, on a full tank; None is any distance.
    refuel_min, fuel_km
        Minutes at a pump for a full tank, and litres or kg a km.
    count
        Buses of this type that there are; None for any number.
    vehicle_day_minor
        Day cost of this type; None is the case's.
    passengers
        Places; None where nobody said.
    mass_kg
        Without passengers. Where given, trips are weighed by :mod:`~mobility.fleet.consumption`'s
        model and ``kwh_km`` is that of its reference run; None: ``kwh_km`` on every run.
    hvac
        (temperature C, electric kW) pairs of heating and cooling; empty for an electric heater. It
        counts only where the problem has a temperature.
    kwh_stop, hour_kw, kwh_km_full
        What a stop, an hour and a km with every place taken cost on top, as ``fleet.calibrate`` finds.
    """

    id: str = "bus"
    battery_kwh: float = 350.0
    min_soc: float = 0.10
    max_soc: float = 0.90
    start_soc: float = 0.90
    kwh_km: float = 1.3
    max_kw: float = 150.0
    source: str = ""
    energy: Energy = "electric"
    state_of_health: float = 1.0
    curve: tuple[tuple[float, float], ...] = ()
    range_km: float | None = None
    refuel_min: float = 10.0
    fuel_km: float = 0.0
    count: int | None = None
    vehicle_day_minor: float | None = None
    passengers: int | None = None
    mass_kg: float | None = None
    hvac: tuple[tuple[float, float], ...] = ()
    kwh_stop: float = 0.0
    hour_kw: float = 0.0
    kwh_km_full: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.min_soc < self.start_soc <= self.max_soc <= 1:
            raise ConfigError(
                f"vehicle {self.id!r}: 0 <= min_soc < start_soc <= max_soc <= 1 does not hold "
                f"({self.min_soc}, {self.start_soc}, {self.max_soc})",
                mend="a usual window is min_soc = 0.10, start_soc = 0.90, max_soc = 0.90",
            )
        if self.energy not in ENERGIES:
            raise ConfigError(
                f"vehicle {self.id!r}: energy cannot be {self.energy!r}",
                mend=f"one of {', '.join(ENERGIES)}",
            )
        for name in ("battery_kwh", "kwh_km", "max_kw"):
            positive(f"vehicle {self.id!r}: {name}", getattr(self, name))
        if not 0 < self.state_of_health <= 1:
            raise ConfigError(
                f"vehicle {self.id!r}: state_of_health must be above 0 and at most 1 "
                f"(found {self.state_of_health})",
                mend="0.8 is a battery that has lost a fifth",
            )
        for name in ("refuel_min", "fuel_km", "count", "vehicle_day_minor", "passengers"):
            not_negative(f"vehicle {self.id!r}: {name}", getattr(self, name))
        for name in ("kwh_stop", "hour_kw", "kwh_km_full"):
            not_negative(f"vehicle {self.id!r}: {name}", getattr(self, name))
        for name in ("range_km", "mass_kg"):
            if getattr(self, name) is not None:
                positive(f"vehicle {self.id!r}: {name}", getattr(self, name))
        self._check_curve()
        self._check_hvac()

    def _check_hvac(self) -> None:
        degrees = [celsius for celsius, _ in self.hvac]
        if any(not -60 <= one <= 60 for one in degrees) or degrees != sorted(set(degrees)):
            raise ConfigError(
                f"vehicle {self.id!r}: the temperatures of hvac must rise, from -60 to 60 C",
                mend="hvac = [[-15, 33.0], [15, 0.0], [25, 1.0], [35, 7.5]]",
            )
        for _, kw in self.hvac:
            not_negative(f"vehicle {self.id!r}: kW of hvac", kw)

    def _check_curve(self) -> None:
        levels = [soc for soc, _ in self.curve]
        if any(not 0 <= soc <= 1 for soc in levels) or levels != sorted(set(levels)):
            raise ConfigError(
                f"vehicle {self.id!r}: the states of charge of curve must rise from 0 to 1",
                mend="curve = [[0.0, 150.0], [0.8, 150.0], [1.0, 20.0]]",
            )
        for _, kw in self.curve:
            positive(f"vehicle {self.id!r}: kW of curve", kw)

    @property
    def electric(self) -> bool:
        """Whether it runs on a battery."""
        return self.energy == "electric"

    @property
    def full_kwh(self) -> float:
        """What the battery holds at its present state of health."""
        return self.battery_kwh * self.state_of_health

    @property
    def usable_kwh(self) -> float:
        """Energy between the charge at pull-out and the least allowed charge."""
        return self.full_kwh * (self.start_soc - self.min_soc)


@dataclass(frozen=True)
class Depot:
    """Where buses stay overnight and charge.

    ``capacity`` (buses) and ``site_kw`` are None where unlimited; ``chargers`` None is one a bus,
    ``pumps`` None as many as are needed. ``site_kw_by_time``: (from_s, kW) limits that change within the
    day and wrap at its end; ``base_kw`` likewise what buildings draw behind the same connection. A bus can
    charge ``setup_s`` after it has come home; between two buses at one charger lie ``buffer_s``; a stay has
    at most ``plug_ins`` sessions.
    """

    id: str
    stop_id: str
    capacity: int | None = None
    chargers: int | None = None
    charger_kw: float = 150.0
    site_kw: float | None = None
    pumps: int | None = None
    site_kw_by_time: tuple[tuple[int, float], ...] = ()
    base_kw: tuple[tuple[int, float], ...] = ()
    plug_ins: int = 1
    buffer_s: int = 0
    setup_s: int = 0

    def __post_init__(self) -> None:
        positive(f"depot {self.id!r}: charger_kw", self.charger_kw)
        for name in ("capacity", "chargers", "site_kw", "pumps", "buffer_s", "setup_s"):
            not_negative(f"depot {self.id!r}: {name}", getattr(self, name))
        positive(f"depot {self.id!r}: plug_ins", self.plug_ins)
        _check_times(f"depot {self.id!r}", self.site_kw_by_time, self.base_kw)


@dataclass(frozen=True)
class Charger:
    """Opportunity chargers at a terminal: ``count`` of them, each of ``kw``.

    A bus stays plugged in for at least ``min_s``; between two buses at one charger lie ``buffer_s``.
    ``site_kw_by_time`` and ``base_kw`` are as a depot's.
    """

    stop_id: str
    count: int = 1
    kw: float = 300.0
    site_kw: float | None = None
    min_s: int = 0
    buffer_s: int = 0
    site_kw_by_time: tuple[tuple[int, float], ...] = ()
    base_kw: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        positive(f"charger at {self.stop_id!r}: kw", self.kw)
        for name in ("count", "site_kw", "min_s", "buffer_s"):
            not_negative(f"charger at {self.stop_id!r}: {name}", getattr(self, name))
        _check_times(f"charger at {self.stop_id!r}", self.site_kw_by_time, self.base_kw)

    @property
    def id(self) -> str:
        """The site's name in tables."""
        return f"terminal:{self.stop_id}"


def _check_times(where: str, *tables: tuple[tuple[int, float], ...]) -> None:
    for table in tables:
        times = [at for at, _ in table]
        if times != sorted(set(times)) or any(not 0 <= at < DAY_S for at in times):
            raise ConfigError(
                f"{where}: times must ascend within the day",
                mend='site_kw_by_time = [["00:00", 2000], ["18:00", 800]]',
            )
        for _, kw in table:
            not_negative(f"{where}: kW by time", kw)
