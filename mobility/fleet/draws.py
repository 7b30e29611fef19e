"""Random numbers of scenarios: the same for every plan, every order of rows, every number of threads.

What all buses share is drawn by scenario, one stream a cause; what one run, bus or charger has of its
own is a mixture of its key and the scenario's (``_simulate_kernels.mixed``), looked up in a table of
quantiles. So two plans of one problem are compared on the same days: common random numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mobility.fleet.replay import hvac_table, planned_hvac
from mobility.fleet.weather import Weather

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem
    from mobility.fleet.scenarios import Scenarios

    Floats = NDArray[np.float64]

QUANTILES = 4096
_KEY, _ENERGY, _TRAFFIC, _WEATHER, _MEASURED = range(5)


@dataclass(frozen=True)
class Draws:
    """By scenario: key, factors of all buses, day of the weather and of the measurements (-1: none).

    ``hvac_kw`` is (types, 25, scenarios); ``bus_energy`` .. ``late_s`` are tables of 4,096 quantiles;
    a charger is out where its number is below ``threshold``.
    """

    key: NDArray[np.uint32]
    day_energy: Floats
    day_time: Floats
    weather_day: NDArray[np.int64]
    measured_day: NDArray[np.int64]
    hvac_kw: Floats
    bus_energy: Floats
    trip_energy: Floats
    trip_time: Floats
    late_s: Floats
    threshold: np.uint64


def draw(problem: Problem, scenarios: Scenarios, seed: int) -> Draws:
    """Draw everything that scenarios need; the first ones do not depend on how many there are."""
    count = scenarios.count
    weather, measured = scenarios.temperature, scenarios.measured
    weather_day = np.full(count, -1, np.int64)
    measured_day = np.zeros(count, np.int64)
    if isinstance(weather, Weather):
        weather_day = _days(seed, _WEATHER, count, len(weather.dates))
        hvac = hvac_table(problem, weather.hourly_c)[:, :, weather_day]
    elif weather is not None:
        day = np.broadcast_to(np.atleast_1d(np.asarray(weather, float)), (1, 24))
        hvac = np.repeat(hvac_table(problem, day), count, axis=2)
    else:
        hvac = np.repeat(planned_hvac(problem)[:, :, None], count, axis=2)
    if measured is not None:
        measured_day = _days(seed, _MEASURED, count, len(measured.dates))
    return Draws(
        key=np.random.default_rng([seed, _KEY]).integers(0, 2**32, count, np.uint32),
        day_energy=_shared(seed, _ENERGY, count, scenarios.energy_day),
        day_time=_shared(seed, _TRAFFIC, count, scenarios.traffic_day),
        weather_day=weather_day,
        measured_day=measured_day,
        hvac_kw=np.ascontiguousarray(hvac, np.float64),
        bus_energy=_spread(scenarios.energy_bus),
        trip_energy=_spread(scenarios.energy_trip),
        trip_time=_spread(scenarios.traffic_trip),
        late_s=_late(0.0 if measured else scenarios.late_share, scenarios.late_mean_s),
        threshold=np.uint64(round(scenarios.outage * 2**32)),
    )


def _days(seed: int, stream: int, count: int, days: int) -> NDArray[np.int64]:
    drawn = np.random.default_rng([seed, stream]).random(count)
    return np.minimum((drawn * days).astype(np.int64), days - 1)


def _shared(seed: int, stream: int, count: int, spread: float) -> Floats:
    """Factors of mean 1, one a scenario."""
    drawn = np.random.default_rng([seed, stream]).standard_normal(count)
    return np.asarray(np.exp(spread * drawn - spread**2 / 2), np.float64)


def _spread(spread: float) -> Floats:
    """Quantiles of a factor whose logarithm is normal and whose mean is 1."""
    from scipy.special import ndtri

    if spread == 0:
        return np.ones(QUANTILES)
    drawn = np.exp(spread * ndtri((np.arange(QUANTILES) + 0.5) / QUANTILES))
    return np.asarray(drawn / drawn.mean(), np.float64)


def _late(share: float, mean_s: float) -> Floats:
    """Quantiles of a delay: none, or exponential."""
    late = (np.arange(QUANTILES) + 0.5) / QUANTILES - (1.0 - share)
    if share == 0 or mean_s == 0:
        return np.zeros(QUANTILES)
    return np.where(late > 0, -mean_s * np.log1p(-np.maximum(late, 0.0) / share), 0.0)
