"""What is asked: trips to drive, empty runs, depots, buses, chargers, prices and rules.

Times are int seconds into the service day (noon minus 12 h), distances km or integer metres, energy
kWh, power kW, money integer minor units of ``currency`` (prices may be fractions of them).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.errors import ConfigError
from mobility.fleet.allowed import Allowed, allowed_of
from mobility.fleet.assets import Charger, Depot, Vehicle
from mobility.fleet.consumption import Consumption, Hourly, empty_kwh_km, of_day, trips_kwh
from mobility.fleet.prices import Costs, Demand, Tariff
from mobility.fleet.rules import Rules
from mobility.shown import Shown

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from mobility.findings import Finding

__all__ = [
    "UNREACHABLE_S",
    "Charger",
    "Costs",
    "Deadheads",
    "Demand",
    "Depot",
    "Problem",
    "Rules",
    "Tariff",
    "Vehicle",
]

# Drives what no battery carries, where the case has no bus that could; its fuel is not counted.
CONVENTIONAL_BUS = Vehicle(id="conventional", energy="diesel", refuel_min=0.0)

# A pair of places without a way between them has this time; no day is as long.
UNREACHABLE_S = 100_000_000


@dataclass(frozen=True, eq=False)
class Deadheads(Shown):
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
class Problem(Shown):
    """Everything a fleet plan depends on.

    ``trips`` is sorted by (depart_s, trip_id) and has the columns of ``trips.TRIP_COLUMNS``. ``next_day``
    has (vehicle, vehicle whose day it drives tomorrow); who is not there repeats its own day.
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
    consumption: Consumption | None = None
    temperature_c: Hourly | None = None
    next_day: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.depots:
            raise ConfigError("a fleet needs a depot", mend="add one [[depot]]")
        if not self.vehicles:
            raise ConfigError("a fleet needs a type of bus", mend="add one [[vehicle]]")
        if self.temperature_c is not None:
            of_day("temperature_c", self.temperature_c, -60.0, 60.0)
        for kind, names in (
            ("depot", [one.id for one in self.depots]),
            ("type of bus", [one.id for one in self.vehicles]),
            ("charger", [one.id for one in self.chargers]),
            ("depot's stop_id", [one.stop_id for one in self.depots]),
        ):
            if len(set(names)) < len(names):
                raise ConfigError(f"a {kind} occurs twice: {sorted(names)}")
        self._check_rules()
        known = self.deadheads.row
        places = [(one.id, one.stop_id) for one in self.depots]
        places += [(one.id, one.stop_id) for one in self.chargers]
        for name, stop in places:
            if stop not in known:
                raise ConfigError(
                    f"{name!r} lies at {stop!r}, which no empty run reaches",
                    mend="give a stop_id of the feed, or lat and lon",
                )

    def _check_rules(self) -> None:
        """Refuse rules that name a depot or a type of bus that is not there: they would never hold."""
        for kind, named, known in (
            ("allowed_types", [one for rule in self.rules.routes for one in rule.allowed_types],
             [one.id for one in self.vehicles]),
            ("allowed_depots", [one for rule in self.rules.routes for one in rule.allowed_depots],
             [one.id for one in self.depots]),
        ):  # fmt: skip
            for name in named:
                if name not in known:
                    near = get_close_matches(name, known, n=1)
                    raise ConfigError(
                        f"rules.route: {kind} has no {name!r}",
                        mend=f"did you mean {near[0]!r}?"
                        if near
                        else f"there are {', '.join(known)}",
                    )

    @property
    def vehicle(self) -> Vehicle:
        """The type that is planned: the first one."""
        return self.vehicles[0]

    def bus(self, row: int) -> Vehicle:
        """A type of bus by its row; ``CONVENTIONAL`` is the assumed one that goes anywhere."""
        return self.vehicles[row] if row >= 0 else CONVENTIONAL_BUS

    def of_type(self, row: int) -> Problem:
        """The problem as one type of bus sees it: its battery, its day cost, no other type."""
        if row not in self._views:
            self._views[row] = self._of_type(row)
        return self._views[row]

    def _of_type(self, row: int) -> Problem:
        bus = self.bus(row)
        day = (
            self.costs.vehicle_day_minor if bus.vehicle_day_minor is None else bus.vehicle_day_minor
        )
        routes = tuple(replace(rule, allowed_types=()) for rule in self.rules.routes)
        if self.vehicles == (bus,) and (day, routes) == (
            self.costs.vehicle_day_minor,
            self.rules.routes,
        ):
            return self
        return replace(self, vehicles=(bus,), costs=replace(self.costs, vehicle_day_minor=day),
                       rules=replace(self.rules, routes=routes))  # fmt: skip

    @cached_property
    def allowed(self) -> Allowed:
        """The rules as arrays."""
        return allowed_of(self)

    def trip_kwh(self, vehicle_row: int = 0) -> NDArray[np.float64]:
        """Energy of each trip driven by a type of bus, kWh; not to be written to."""
        if vehicle_row not in self._trip_kwh:
            kwh = trips_kwh(self, self.bus(vehicle_row))
            kwh.setflags(write=False)
            self._trip_kwh[vehicle_row] = kwh
        return self._trip_kwh[vehicle_row]

    def run_kwh_km(self, vehicle_row: int = 0) -> float:
        """Energy of a km of empty running by a type of bus, kWh; the same all day."""
        if vehicle_row not in self._run_kwh_km:
            self._run_kwh_km[vehicle_row] = empty_kwh_km(self, self.bus(vehicle_row))
        return self._run_kwh_km[vehicle_row]

    @cached_property
    def _views(self) -> dict[int, Problem]:
        return {}

    @cached_property
    def _trip_kwh(self) -> dict[int, NDArray[np.float64]]:
        return {}

    @cached_property
    def _run_kwh_km(self) -> dict[int, float]:
        return {}

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

    def __str__(self) -> str:
        def counted(some: Any, one: str, many: str) -> str:
            return f"{len(some):,} {one if len(some) == 1 else many}"

        parts = [
            counted(self.trips, "trip", "trips"),
            counted(self.deadheads.places, "place", "places"),
            counted(self.depots, "depot", "depots") + (" (assumed)" if self.assumed_depots else ""),
            counted(self.vehicles, "vehicle type", "vehicle types"),
            counted(self.chargers, "terminal with chargers", "terminals with chargers"),
        ]
        day = "" if self.date is None else f"{self.date}: "
        return f"{day}{', '.join(parts)}; money in {self.currency}"

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
        >>> asked = problem.replace(**{"vehicles.battery_kwh": 420, "rules.min_layover_s": 600})
        >>> asked.vehicle.battery_kwh, asked.rules.min_layover_s
        (420, 600)
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
    if group is None and name == "consumption":
        group = Consumption()
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
