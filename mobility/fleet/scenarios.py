"""What is varied when a plan is replayed: weather, ageing, consumption, traffic, delays, outages.

Everything here that is not a file of measurements is an assumption, and the answer calls it synthetic.
The defaults are round figures assumed for a first look, no measurement of any fleet.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from mobility.errors import ConfigError
from mobility.fleet.consumption import Hourly, of_day
from mobility.fleet.limits import not_negative
from mobility.shown import Shown

if TYPE_CHECKING:
    from mobility.fleet.measured import Measured
    from mobility.fleet.weather import Weather


@dataclass(frozen=True, eq=False)
class Scenarios(Shown):
    """How many days are drawn, and what differs between them.

    Parameters
    ----------
    count
        Scenarios. The first ones of a larger count are those of a smaller one.
    temperature
        Outside, C: a number, 24 of them, or ``Weather``, of which every scenario draws a whole day;
        None is the temperature that the plan was made with.
    state_of_health
        What is left of a battery when new: one share, or (least, most), drawn evenly for every bus and
        scenario; None is that of the bus type.
    energy_day, energy_bus, energy_trip
        Spread of the consumption without heating and cooling: of all buses on a day, of a bus (its
        driver, its load) on a day, of a run. Standard deviation of the logarithm; the mean stays.
    traffic_day, traffic_trip
        The same of running times; with ``measured`` only empty runs draw from them.
    late_share, late_mean_s
        Share of pull-outs that are late, and by how many seconds on the mean (exponential).
    outage
        Chance that a charger gives nothing on a day.
    queue
        Buses of a charger that is out look for another one of their site.
    catch_up
        A bus that comes with less than planned may draw more in its session, within charger, bus, curve
        and its share of what the site has left, and stay plugged in until it leaves or another bus
        comes. False: the planned power, and no more.
    measured
        Measured running times and delays; every scenario draws a whole day of them.
    """

    count: int = 1000
    temperature: Hourly | Weather | None = None
    state_of_health: float | tuple[float, float] | None = None
    energy_day: float = 0.03
    energy_bus: float = 0.05
    energy_trip: float = 0.05
    traffic_day: float = 0.05
    traffic_trip: float = 0.08
    late_share: float = 0.1
    late_mean_s: float = 180.0
    outage: float = 0.01
    queue: bool = False
    catch_up: bool = True
    measured: Measured | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.count <= 10_000_000:
            raise ConfigError(f"scenarios: count must be 1 to 10,000,000 (found {self.count})")
        outside: Any = self.temperature
        if isinstance(outside, list):
            outside = tuple(outside)
            object.__setattr__(self, "temperature", outside)
        if isinstance(outside, int | float | tuple):
            of_day("temperature", outside, -60.0, 60.0)
        elif outside is not None and not hasattr(outside, "hourly_c"):
            raise ConfigError(
                f"scenarios: temperature cannot be {type(outside).__name__}",
                mend="a number, 24 numbers, or fleet.read_weather(FILE)",
            )
        for name in ("energy_day", "energy_bus", "energy_trip", "traffic_day", "traffic_trip",
                     "late_mean_s"):  # fmt: skip
            not_negative(f"scenarios: {name}", getattr(self, name))
        for name in ("energy_day", "energy_bus", "energy_trip", "traffic_day", "traffic_trip"):
            if getattr(self, name) > 1:
                raise ConfigError(
                    f"scenarios: {name} must be 0 to 1 (found {getattr(self, name)})",
                    mend="0.05 is five per cent",
                )
        for name in ("late_share", "outage"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(
                    f"scenarios: {name} must be 0 to 1 (found {getattr(self, name)})",
                    mend="0.01 is one in a hundred",
                )
        if self.state_of_health is not None:
            low, high = self.health or (0.0, 0.0)
            if not 0 < low <= high <= 1:
                raise ConfigError(
                    f"scenarios: state_of_health must be above 0 and at most 1 (found {self.state_of_health})",
                    mend="0.8, or (0.8, 1.0)",
                )

    @property
    def health(self) -> tuple[float, float] | None:
        """(least, most) state of health; None is that of the bus type."""
        told = self.state_of_health
        if told is None:
            return None
        return (told[0], told[1]) if isinstance(told, tuple) else (told, told)

    @classmethod
    def none(cls, count: int = 1) -> Scenarios:
        """Nothing is varied: the plan's own day."""
        return cls(
            count=count, energy_day=0.0, energy_bus=0.0, energy_trip=0.0, traffic_day=0.0,
            traffic_trip=0.0, late_share=0.0, outage=0.0,
        )  # fmt: skip

    def notes(self) -> tuple[str, ...]:
        """What is measured and what is synthetic, in sentences."""
        told = [_said_of_weather(self.temperature)]
        if (health := self.health) is not None:
            told.append(
                f"state of health: {health[0]:.0%} to {health[1]:.0%}, drawn evenly (synthetic)"
            )
        told.append(
            f"consumption: synthetic spread of {self.energy_day:.0%} a day, {self.energy_bus:.0%} a bus, "
            f"{self.energy_trip:.0%} a run"
        )
        spread = f"synthetic spread of {self.traffic_day:.0%} a day, {self.traffic_trip:.0%} a run"
        if self.measured is None:
            told.append(f"running times: {spread}")
            told.append(
                f"pull-outs: {self.late_share:.0%} late by {self.late_mean_s:.0f} s on the mean (synthetic)"
            )
        else:
            told += [*self.measured.notes(), f"running times of empty runs: {spread}"]
        told.append(
            f"chargers: each is out on {self.outage:.1%} of the days (synthetic); its buses "
            + ("look for another one of the site" if self.queue else "go without that session")
        )
        told.append(
            "a bus that lacks charge draws more within its session where charger, curve and site allow"
            if self.catch_up
            else "sessions give their planned power and no more"
        )
        return tuple(told)

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        told: dict[str, object] = {one.name: getattr(self, one.name) for one in fields(self)}
        for name in ("temperature", "measured"):
            if told[name] is not None and not isinstance(told[name], int | float | tuple):
                told[name] = str(told[name])
        return told


def _said_of_weather(temperature: Hourly | Weather | None) -> str:
    if temperature is None:
        return "temperature: that of the plan"
    if isinstance(temperature, int | float):
        return f"temperature: {temperature:g} C all day"
    if isinstance(temperature, tuple):
        return f"temperature: {min(temperature):g} to {max(temperature):g} C, the same every day"
    return f"temperature: {temperature}"
