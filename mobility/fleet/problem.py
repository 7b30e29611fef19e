"""What is asked: trips to drive, empty runs, depots, buses, chargers, prices and rules.

Times are int seconds into the service day (noon minus 12 h), distances km or integer metres, energy
kWh, power kW, money integer minor units of ``currency`` (prices may be fractions of them).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.errors import ConfigError
from mobility.units import DAY_S

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from mobility.findings import Finding

# A pair of places without a way between them has this time; no day is as long.
UNREACHABLE_S = 100_000_000


def _positive(name: str, value: float) -> None:
    if not (np.isfinite(value) and value > 0):
        raise ConfigError(f"{name} must be more than 0 (found {value})")


def _not_negative(name: str, value: float | None) -> None:
    if value is not None and not (np.isfinite(value) and value >= 0):
        raise ConfigError(f"{name} must be 0 or more (found {value})")


def _divides_the_day(name: str, seconds: int) -> None:
    if seconds <= 0 or DAY_S % seconds:
        raise ConfigError(f"{name} must divide the day (found {seconds})", mend="as in 300 or 900")


@dataclass(frozen=True)
class Vehicle:
    """One type of battery bus. ``*_soc`` are fractions of ``battery_kwh``."""

    id: str = "bus"
    battery_kwh: float = 350.0
    min_soc: float = 0.10
    max_soc: float = 0.90
    start_soc: float = 0.90
    kwh_km: float = 1.3
    max_kw: float = 150.0
    source: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.min_soc < self.start_soc <= self.max_soc <= 1:
            raise ConfigError(
                f"vehicle {self.id!r}: 0 <= min_soc < start_soc <= max_soc <= 1 does not hold "
                f"({self.min_soc}, {self.start_soc}, {self.max_soc})",
                mend="a usual window is min_soc = 0.10, start_soc = 0.90, max_soc = 0.90",
            )
        for name in ("battery_kwh", "kwh_km", "max_kw"):
            _positive(f"vehicle {self.id!r}: {name}", getattr(self, name))

    @property
    def usable_kwh(self) -> float:
        """Energy between the charge at pull-out and the least allowed charge."""
        return self.battery_kwh * (self.start_soc - self.min_soc)


@dataclass(frozen=True)
class Depot:
    """Where buses stay overnight and charge.

    ``capacity`` (buses) and ``site_kw`` are None where unlimited; ``chargers`` None is one a bus.
    """

    id: str
    stop_id: str
    capacity: int | None = None
    chargers: int | None = None
    charger_kw: float = 150.0
    site_kw: float | None = None

    def __post_init__(self) -> None:
        _positive(f"depot {self.id!r}: charger_kw", self.charger_kw)
        for name in ("capacity", "chargers", "site_kw"):
            _not_negative(f"depot {self.id!r}: {name}", getattr(self, name))


@dataclass(frozen=True)
class Charger:
    """Opportunity chargers at a terminal: ``count`` of them, each of ``kw``."""

    stop_id: str
    count: int = 1
    kw: float = 300.0
    site_kw: float | None = None

    def __post_init__(self) -> None:
        _positive(f"charger at {self.stop_id!r}: kw", self.kw)
        _not_negative(f"charger at {self.stop_id!r}: count", self.count)
        _not_negative(f"charger at {self.stop_id!r}: site_kw", self.site_kw)

    @property
    def id(self) -> str:
        """The site's name in tables."""
        return f"terminal:{self.stop_id}"


@dataclass(frozen=True)
class Costs:
    """Minor units: a vehicle used per day, a km of empty running, an hour standing with a driver."""

    vehicle_day_minor: float = 0.0
    deadhead_km_minor: float = 0.0
    waiting_h_minor: float = 0.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not (np.isfinite(value) and value >= 0):
                raise ConfigError(f"costs.{one.name} must be 0 or more (found {value})")


@dataclass(frozen=True)
class Rules:
    """What makes a connection allowed.

    ``min_layover_s`` stands between two trips of a bus. A bus that would stand longer than
    ``max_wait_s`` at a terminal goes back to its depot, where it parks without a driver.
    """

    min_layover_s: int = 300
    max_wait_s: int | None = None

    def __post_init__(self) -> None:
        _not_negative("rules.min_layover_s", self.min_layover_s)
        _not_negative("rules.max_wait_s", self.max_wait_s)


@dataclass(frozen=True)
class Demand:
    """A price per kW of a site's highest mean power over ``interval_s``.

    ``hours``: (from_s, to_s) pairs within the day in which the peak counts, empty for all day;
    ``months`` empty for all.
    """

    price: float
    period: str = "month"
    hours: tuple[tuple[int, int], ...] = ()
    months: tuple[int, ...] = ()
    interval_s: int = 900

    def __post_init__(self) -> None:
        _not_negative("tariff.demand.price", self.price)
        _divides_the_day("tariff.demand.interval_s", self.interval_s)


@dataclass(frozen=True)
class Tariff:
    """Energy price by time of day ((from_s, price per kWh), wraps at 24 h) and demand charges."""

    energy: tuple[tuple[int, float], ...] = ((0, 0.0),)
    demand: tuple[Demand, ...] = ()
    slot_s: int = 300

    def __post_init__(self) -> None:
        if not self.energy:
            raise ConfigError("tariff.energy is empty", mend='energy = [["00:00", 95.0]]')
        _divides_the_day("tariff.slot_s", self.slot_s)


@dataclass(frozen=True, eq=False)
class Deadheads:
    """Empty runs between places, directed, by the band of time in which they leave.

    Parameters
    ----------
    places
        Stop id (or ``depot:ID``) of each row and column.
    from_s
        (B,) where each band starts; the first reaches back, the last goes on.
    time_s
        (B, P, P) int32, ``UNREACHABLE_S`` where there is no way.
    distance_m
        (1 or B, P, P) int32.
    """

    places: tuple[str, ...]
    from_s: NDArray[np.int32]
    time_s: NDArray[np.int32]
    distance_m: NDArray[np.int32]

    @cached_property
    def row(self) -> dict[str, int]:
        """Place to row."""
        return {place: at for at, place in enumerate(self.places)}


@dataclass(frozen=True, eq=False)
class Problem:
    """Everything a fleet plan depends on.

    ``trips`` is sorted by (depart_s, trip_id) and has the columns of ``trips.TRIP_COLUMNS``.
    """

    trips: pd.DataFrame
    deadheads: Deadheads
    depots: tuple[Depot, ...]
    vehicles: tuple[Vehicle, ...] = (Vehicle(),)
    chargers: tuple[Charger, ...] = ()
    tariff: Tariff = field(default_factory=Tariff)
    costs: Costs = field(default_factory=Costs)
    rules: Rules = field(default_factory=Rules)
    currency: str = "USD"
    date: dt.date | None = None
    timezone: str = "UTC"
    stops: pd.DataFrame | None = None
    assumed_depots: bool = False
    assumptions: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if not self.depots:
            raise ConfigError("a fleet needs a depot", mend="add one [[depot]]")
        if not self.vehicles:
            raise ConfigError("a fleet needs a type of bus", mend="add one [[vehicle]]")
        for kind, names in (
            ("depot", [one.id for one in self.depots]),
            ("charger", [one.id for one in self.chargers]),
            ("depot's stop_id", [one.stop_id for one in self.depots]),
        ):
            if len(set(names)) < len(names):
                raise ConfigError(f"a {kind} occurs twice: {sorted(names)}")
        known = self.deadheads.row
        places = [(one.id, one.stop_id) for one in self.depots]
        places += [(one.id, one.stop_id) for one in self.chargers]
        for name, stop in places:
            if stop not in known:
                raise ConfigError(
                    f"{name!r} lies at {stop!r}, which no empty run reaches",
                    mend="give a stop_id of the feed, or lat and lon",
                )

    @property
    def vehicle(self) -> Vehicle:
        """The type that is planned: the first one."""
        return self.vehicles[0]

    @cached_property
    def depart_s(self) -> NDArray[np.int32]:
        """Departure of each trip."""
        return _int32(self.trips["depart_s"])

    @cached_property
    def arrive_s(self) -> NDArray[np.int32]:
        """Arrival of each trip."""
        return _int32(self.trips["arrive_s"])

    @cached_property
    def from_place(self) -> NDArray[np.int32]:
        """Row of ``deadheads`` where each trip starts."""
        return _int32(self.trips["from_stop"].map(self.deadheads.row))

    @cached_property
    def to_place(self) -> NDArray[np.int32]:
        """Row of ``deadheads`` where each trip ends."""
        return _int32(self.trips["to_stop"].map(self.deadheads.row))

    @cached_property
    def depot_place(self) -> NDArray[np.int32]:
        """Row of ``deadheads`` of each depot."""
        return np.array([self.deadheads.row[one.stop_id] for one in self.depots], np.int32)

    def replace(self, **changes: Any) -> Problem:
        """Ask the same with something changed.

        Parameters
        ----------
        **changes
            ``name`` or ``group.name``; a group of several (``vehicles``, ``depots``, ``chargers``)
            changes in all its members.

        Raises
        ------
        ConfigError
            When there is no such name.

        Examples
        --------
        >>> problem.replace(**{"vehicles.battery_kwh": 420, "rules.min_layover_s": 600})
        """
        changed: Problem = self
        for path, value in changes.items():
            changed = _changed(changed, path, value)
        return changed

    @classmethod
    def from_tables(
        cls,
        trips: pd.DataFrame,
        *,
        depots: pd.DataFrame | list[dict[str, Any]],
        deadheads: pd.DataFrame | None = None,
        stops: pd.DataFrame | None = None,
        vehicles: pd.DataFrame | list[dict[str, Any]] | dict[str, Any] | None = None,
        chargers: pd.DataFrame | list[dict[str, Any]] | None = None,
        tariff: Mapping[str, Any] | Tariff | None = None,
        costs: Mapping[str, Any] | Costs | None = None,
        rules: Mapping[str, Any] | Rules | None = None,
        speed_kmh: float = 18.0,
        factor: float = 1.3,
        **others: Any,
    ) -> Problem:
        """Build a problem without a feed.

        Parameters
        ----------
        trips
            One row a trip, any order: trip_id, depart_s, arrive_s, from_stop, to_stop; optional
            distance_km (0 where absent), route_id, direction_id, block_id.
        depots, vehicles, chargers
            Rows with the fields of ``Depot``, ``Vehicle``, ``Charger``; depots may have lat, lon
            instead of stop_id.
        deadheads
            from_stop, to_stop, time_s, distance_km, optional from_s, to_s; directed.
        stops
            Indexed by stop_id with lat, lon: fills pairs missing from ``deadheads`` by crow-flight
            times ``factor`` at ``speed_kmh``. Without it missing pairs cannot be driven.
        tariff, costs, rules
            As in the case file (section ``[tariff]`` ...).
        **others
            ``currency``, ``date``, ``timezone``.

        Raises
        ------
        TableError
            When a column is missing or a time is no number.
        ConfigError
            When a depot, vehicle or price is wrong.
        """
        from mobility.fleet.tables import problem_from_tables

        return problem_from_tables(
            trips, depots=depots, deadheads=deadheads, stops=stops, vehicles=vehicles,
            chargers=chargers, tariff=tariff, costs=costs, rules=rules, speed_kmh=speed_kmh,
            factor=factor, **others,
        )  # fmt: skip


def _changed(problem: Problem, path: str, value: Any) -> Problem:
    name, _, rest = path.partition(".")
    if name not in {one.name for one in fields(Problem)}:
        raise ConfigError(f"a problem has no {name!r}",
                          mend=f"it has {', '.join(one.name for one in fields(Problem))}")  # fmt: skip
    changed: Any = value
    if not rest:
        return replace(problem, **{name: changed})
    group = getattr(problem, name)
    members = group if isinstance(group, tuple) else (group,)
    for one in members:
        known = [field.name for field in fields(one)]
        if rest not in known:
            raise ConfigError(f"{name} has no {rest!r}", mend=f"it has {', '.join(known)}")
    each = tuple(replace(one, **{rest: value}) for one in members)
    changed = each if isinstance(group, tuple) else each[0]
    return replace(problem, **{name: changed})


def _int32(values: Any) -> NDArray[np.int32]:
    return np.ascontiguousarray(values, np.int32)
