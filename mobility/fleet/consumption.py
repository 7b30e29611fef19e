"""How much energy a bus takes: longitudinal dynamics averaged over a trip, and cabin heat and cold.

A trip takes ``kwh_km`` times its length, shaped by the model where the bus has a ``mass_kg``, plus
what the operator found a stop, an hour and a full bus to take, plus heating or cooling:

    kWh = kwh_km km M(trip) / M(reference) + kwh_stop stops + hour_kw h + kwh_km_full load km
          + (hvac_kw(outside) - hvac_kw(20 C), at least 0) h

``M`` is kWh a km of the model: rolling resistance, drag, stop and go with regenerative braking,
climb, drive losses, and 5 kW of compressors, steering, doors and lights for as long as the trip takes.
The reference is a SORT 2 run (18 km/h, 3.26 halts a km) at the usual load, on the level, at 20 C:
there a bus takes its ``kwh_km``. Without ``mass_kg`` ``M / M`` is 1; without a temperature no heat is
counted; with neither the answer is ``kwh_km`` times km to the last bit.

Speeds and halts follow the three SORT cycles of the UITP: 520, 920 and 1,450 m with three halts each
(Otokar, "SORT Sunumu", 2023), at 12.1, 18.0 and 25.2 km/h (the grid of the SimBA table below). A
timetable with more stops than that counts its own stops. The top speeds of the trapezes (20/30/40,
20/40/50 and 30/50/60 km/h) are quoted from memory; the two power laws meet all this within 5 %.

Sources of the defaults:

- Rolling resistance 0.01, drag 0.6, 8.67 m2, drive efficiency 0.9, half of the braking energy back:
  the eCitaro in "sidrobus" (Daniel-C-R, GitHub), which cites no measurement. MAN reports more than
  half recuperated ("Efficient over mountain and valley", MAN Truck & Bus, on the Lion's City 10 E).
- 1.1 for what turns, 1.2 kg/m3 of air, 1 m/s2 when starting: assumed, usual in the field.
- 5 kW of base load (2 to 7 kW, its table 7) and 10 passengers aboard, 16 % of the places (after
  Mobitool 2.1), of 75 kg each: documentation of "carculator" and "carculator_bus" (R. Sacchi, GitHub).
- Heating and cooling: the step by temperature in the example table of SimBA (Reiner Lemoine
  Institut, GitHub, ``energy_consumption_example.csv``: solo bus, 30 % load, 18 km/h), rounded.
  It is an electric heater; a heat pump takes 1 / 2.3 of it (heating CoP of "carculator_bus").

``tests/fleet/test_energy.py`` holds the model against SimBA's table, ViriCiti's and two others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from mobility.errors import ConfigError
from mobility.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mobility.fleet.assets import Vehicle
    from mobility.fleet.consumption_table import ConsumptionTable
    from mobility.fleet.problem import Problem

    Floats: TypeAlias = NDArray[np.float64]

Hourly: TypeAlias = float | tuple[float, ...]

# Outside temperature, C, and electric kW of a 12-m bus.
HEATER_KW = ((-15.0, 33.0), (-5.0, 20.0), (5.0, 9.0), (15.0, 0.0), (20.0, 0.0), (25.0, 1.0), (35.0, 7.5))  # fmt: skip
HEAT_PUMP_KW = ((-15.0, 14.3), (-5.0, 8.7), (5.0, 3.9), (15.0, 0.0), (20.0, 0.0), (25.0, 1.0), (35.0, 7.5))  # fmt: skip
# Heated by burning fuel: only cooling is electric.
FUEL_HEATER_KW = ((20.0, 0.0), (25.0, 1.0), (35.0, 7.5))
HVAC_KW = {"heater": HEATER_KW, "heat-pump": HEAT_PUMP_KW, "fuel-heater": FUEL_HEATER_KW}

MILD_C = 20.0
USUAL_LOAD = 0.16
USUAL_PLACES = 62
PASSENGER_KG = 75.0
BASE_KW = 5.0

_GRAVITY, _AIR = 9.81, 1.2
_ROLLING, _DRAG_M2 = 0.01, 0.6 * 8.67
_DRIVE, _BRAKING = 0.9, 0.5
_TURNING, _START = 1.1, 1.0
_JOULE = 3.6e6
# SORT 2, and how halts a km and top speed (km/h) go with the mean speed between the three cycles.
SORT2_KMH, SORT2_HALTS, SORT2_TOP_KMH = 18.0, 3.26, 38.9
_HALTS_POWER, _TOP_POWER = -1.33, 0.6
_SLOWEST, _FASTEST = 3.0, 100.0


class Runs(NamedTuple):
    """Runs to be driven, one an element.

    Parameters
    ----------
    km, hours
        Length and time from departure to arrival.
    stops
        With the first and the last; 0 or 1 where unknown.
    climb_m
        Height of the end less height of the start.
    load
        Taken places over places.
    temperature_c
        Outside; NaN counts no heating and no cooling.
    """

    km: Floats
    hours: Floats
    stops: Floats
    climb_m: Floats
    load: Floats
    temperature_c: Floats

    @classmethod
    def of(
        cls, km: Any, hours: Any, stops: Any = 0.0, climb_m: Any = 0.0, load: Any = USUAL_LOAD,
        temperature_c: Any = np.nan,
    ) -> Runs:  # fmt: skip
        """Numbers or arrays, brought to one shape."""
        parts = np.broadcast_arrays(km, hours, stops, climb_m, load, temperature_c)
        return cls(*(np.asarray(one, np.float64) for one in parts))


@dataclass(frozen=True, eq=False)
class Consumption(Shown):
    """What a problem says of its trips' energy beyond the type of bus.

    Parameters
    ----------
    load
        Taken places over places, of the day or of each of its 24 hours. Empty runs have none.
    heights_m
        Height of stops. A trip climbs the difference of its two ends; what lies between is not seen,
        and a trip with an end of unknown height is level.
    table
        Measured kWh a km, which stand before the model.
    use
        ``mean`` or ``p90`` of the table.
    """

    load: Hourly = USUAL_LOAD
    heights_m: Mapping[str, float] = field(default_factory=dict)
    table: ConsumptionTable | None = None
    use: Literal["mean", "p90"] = "mean"

    def __post_init__(self) -> None:
        of_day("load", self.load, 0.0, 1.5)
        if self.use not in ("mean", "p90"):
            raise ConfigError(f"use cannot be {self.use!r}", mend="mean or p90")


def of_day(name: str, value: Hourly, low: float, high: float) -> None:
    """Refuse what is neither a number of a range nor 24 of them."""
    values = np.atleast_1d(np.asarray(value, float))
    if values.size not in (1, 24) or values.ndim != 1:
        raise ConfigError(
            f"{name} must be one number or 24, one an hour (found {values.size})",
            mend=f"{name} = 5.0, or a list from 00:00 to 23:00",
        )
    bad = ~((values >= low) & (values <= high))
    if bad.any():
        raise ConfigError(f"{name} must lie in {low:g} to {high:g} (found {values[bad][0]:g})")


def at_hour(value: Hourly | None, at_s: NDArray[np.int64]) -> Floats:
    """The value in the hour of a time of day; NaN where there is none."""
    if value is None:
        return np.full(at_s.shape, np.nan)
    values: Floats = np.atleast_1d(np.asarray(value, np.float64))
    return np.asarray(values[(at_s // 3600) % values.size], np.float64)


def hvac_kw(bus: Vehicle, temperature_c: Any) -> Floats:
    """Heating or cooling above that of a mild day, electric kW; 0 where the temperature is NaN.

    Beyond the ends of the table the slope of its last stretch goes on.
    """
    table = np.asarray(bus.hvac or HEATER_KW, np.float64)
    outside = np.asarray(temperature_c, np.float64)
    celsius, kw = table[:, 0], table[:, 1]
    power = np.interp(outside, celsius, kw)
    if celsius.size > 1:
        cold = (kw[1] - kw[0]) / (celsius[1] - celsius[0])
        hot = (kw[-1] - kw[-2]) / (celsius[-1] - celsius[-2])
        power += np.minimum(outside - celsius[0], 0.0) * min(cold, 0.0)
        power += np.maximum(outside - celsius[-1], 0.0) * max(hot, 0.0)
    mild = np.interp(MILD_C, celsius, kw)
    return np.where(np.isnan(outside), 0.0, np.maximum(power - mild, 0.0))


def driven_kwh(bus: Vehicle, runs: Runs) -> Floats:
    """Energy from the battery for driving and the base load, before it is fitted to ``kwh_km``.

    Never negative: what a long descent gives back beyond the trip's own need is not counted.
    """
    places = USUAL_PLACES if bus.passengers is None else bus.passengers
    mass = (bus.mass_kg or 0.0) + runs.load * places * PASSENGER_KG
    moving = runs.hours > 1e-6
    kmh = np.where(moving, runs.km / np.where(moving, runs.hours, 1.0), SORT2_KMH)
    pace = np.clip(kmh, _SLOWEST, _FASTEST) / SORT2_KMH
    metres = runs.km * 1000.0
    top = (SORT2_TOP_KMH / 3.6 * pace**_TOP_POWER) ** 2
    halts = np.maximum(runs.stops - 1.0, SORT2_HALTS * runs.km * pace**_HALTS_POWER)
    # Between two halts a bus gets no faster than the way allows: v^2 <= a s.
    kinetic = 0.5 * _TURNING * mass * np.minimum(halts * top, _START * metres)
    held = (mass * _GRAVITY * _ROLLING + 0.5 * _AIR * _DRAG_M2 * top) * metres
    held = held + mass * _GRAVITY * runs.climb_m
    joules = np.where(held >= 0, held / _DRIVE, held * _BRAKING)
    joules += kinetic * (1.0 / _DRIVE - _BRAKING)
    return np.asarray(np.maximum(joules, 0.0) / _JOULE + BASE_KW * runs.hours, np.float64)


def reference_kwh_km(bus: Vehicle) -> float:
    """Model's kWh a km on the reference run."""
    return float(driven_kwh(bus, Runs.of(1.0, 1.0 / SORT2_KMH))[()])


class Terms(NamedTuple):
    """What a run's energy is made of; each is multiplied by the bus's figure of that name."""

    kwh_km: Floats
    kwh_stop: Floats
    hour_kw: Floats
    kwh_km_full: Floats
    hvac: Floats


def terms(bus: Vehicle, runs: Runs) -> Terms:
    """Km as the model weighs them, stops, hours, full km, and kWh of heating and cooling."""
    km = runs.km
    if bus.mass_kg is not None:
        km = driven_kwh(bus, runs) / reference_kwh_km(bus)
    return Terms(
        kwh_km=km,
        kwh_stop=runs.stops,
        hour_kw=runs.hours,
        kwh_km_full=runs.load * runs.km,
        hvac=hvac_kw(bus, runs.temperature_c) * runs.hours,
    )


def run_energy(bus: Vehicle, runs: Runs) -> Floats:
    """Energy of runs, kWh."""
    part = terms(bus, runs)
    kwh = part.kwh_km * bus.kwh_km
    for name in ("kwh_stop", "hour_kw", "kwh_km_full"):
        if figure := getattr(bus, name):
            kwh = kwh + getattr(part, name) * figure
    return np.asarray(kwh + part.hvac, np.float64)


def trip_runs(problem: Problem, temperature_c: Hourly | None = None) -> Runs:
    """The trips of a problem as runs; load and temperature are those of the middle of each."""
    said = problem.consumption or Consumption()
    begin, end = problem.depart_s.astype(np.int64), problem.arrive_s.astype(np.int64)
    middle = (begin + end) // 2
    trips = problem.trips
    climb = np.zeros(len(trips))
    if said.heights_m:
        high, low = (trips[name].map(said.heights_m) for name in ("to_stop", "from_stop"))
        climb = np.nan_to_num((high.astype(float) - low.astype(float)).to_numpy(float))
    return Runs.of(
        trips["distance_km"].to_numpy(float),
        (end - begin) / 3600.0,
        trips["stops"].to_numpy(float),
        climb,
        at_hour(said.load, middle),
        at_hour(problem.temperature_c if temperature_c is None else temperature_c, middle),
    )


def trips_kwh(problem: Problem, bus: Vehicle) -> Floats:
    """Energy of each trip by a type of bus, kWh; 0 for one that is not electric."""
    if not bus.electric:
        return np.zeros(len(problem.trips))
    runs = trip_runs(problem)
    kwh = run_energy(bus, runs)
    said = problem.consumption
    if said is None or said.table is None:
        return kwh
    measured = said.table.kwh_km_of(problem.trips, bus.id, said.use)
    return np.where(np.isnan(measured), kwh, measured * runs.km)


def empty_kwh_km(problem: Problem, bus: Vehicle) -> float:
    """Energy of a km of empty running, kWh: the same all day, at the mean pace of all empty runs.

    Nobody is aboard and nothing climbs; heating and cooling are the mean over the trips' hours. A
    consumption table says nothing of empty runs.
    """
    if not bus.electric:
        return 0.0
    plain = bus.mass_kg is None and not bus.hour_kw
    if plain and problem.temperature_c is None:
        return bus.kwh_km
    kmh = empty_kmh(problem)
    kwh = run_energy(bus, Runs.of(1.0, 1.0 / kmh, load=0.0))
    outside = trip_runs(problem).temperature_c
    power = float(hvac_kw(bus, outside).mean()) if outside.size else 0.0
    return float(kwh[()]) + power / kmh


def empty_kmh(problem: Problem) -> float:
    """Mean pace of all empty runs, km/h: metres over seconds of every pair and band."""
    from mobility.fleet.problem import UNREACHABLE_S

    table = problem.deadheads
    metres = seconds = 0
    for band, time_s in enumerate(table.time_s):
        way = (time_s > 0) & (time_s < UNREACHABLE_S)
        distance = table.distance_m[min(band, len(table.distance_m) - 1)]
        metres += int(distance[way].sum(dtype=np.int64))
        seconds += int(time_s[way].sum(dtype=np.int64))
    if not (metres and seconds):
        return SORT2_KMH
    return float(np.clip(3.6 * metres / seconds, _SLOWEST, _FASTEST))
