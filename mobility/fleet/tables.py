"""Problems from a service day and a case, or from a person's own tables."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import ConfigError, TableError
from mobility.findings import Finding, finding
from mobility.fleet import case as cases
from mobility.fleet import deadheads as runs
from mobility.fleet import defaults
from mobility.fleet.case_parts import Case, CostsPart
from mobility.fleet.next_day import next_day_of
from mobility.fleet.problem import (
    Charger,
    Costs,
    Depot,
    Problem,
    Rules,
    Tariff,
    Vehicle,
)
from mobility.fleet.trips import tidy_trips

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from mobility.feed import ServiceDay


def problem(
    day: ServiceDay,
    case: str | Path | dict[str, Any] | None = None,
    *,
    modes: Iterable[int] | None = None,
    seed: int = 0,
) -> Problem:
    """State the fleet problem of a service day.

    Parameters
    ----------
    day
        ``feed.day(...)``: its trips, stops, date and time zone.
    case
        The path of a ``fleet.toml``, or its content as a dict. What it does not say is assumed and
        listed in ``Problem.assumptions``.
    modes
        GTFS route types; before the case's, by default the bus types 3, 11, 700-799, 800.
    seed
        Of the clustering that places assumed depots.

    Raises
    ------
    ConfigError
        When the case is wrong, or no trip is left to plan.
    """
    read, folder = cases.read_case({} if case is None else case)
    assumed: list[str] = list(day.assumptions)
    found: list[Finding] = []
    trips = _of_modes(day.trips, modes if modes is not None else read.service.modes, assumed)
    tidy = tidy_trips(_own_blocks(trips, assumed))
    vehicles, depots, assumed_depots = _fleet(read, tidy, day.stops, assumed, seed)
    chargers = tuple(cases.charger_of(one) for one in read.charger)

    table = _deadhead_file(read, folder)
    if read.deadheads.speed_kmh is None:
        speeds = runs.in_service_speeds(tidy)
        pace = f"the feed's own in-service speed of each hour ({speeds.kmh.min():g}-{speeds.kmh.max():g} km/h)"
    else:
        speeds = runs.Speeds(np.zeros(1, np.int32), np.array([read.deadheads.speed_kmh]))
        pace = f"{read.deadheads.speed_kmh:g} km/h"
    extra = {f"depot:{one.id}": (one.lat, one.lon) for one in read.depot if one.stop_id is None}
    _known_places(depots, chargers, day.stops, extra)
    filled = _fill(tidy, depots, chargers, day.stops, extra, table, speeds, read.deadheads.factor)
    if filled.assumed_pairs:
        assumed.append(
            f"empty runs: {filled.assumed_pairs:,} of {filled.assumed_pairs + filled.given_pairs:,} "
            f"pairs of places are crow-flight x {read.deadheads.factor:g} at {pace}"
        )
    _say_lost(filled, assumed, found)
    return Problem(
        trips=tidy,
        deadheads=filled.deadheads,
        depots=depots,
        vehicles=vehicles,
        chargers=chargers,
        tariff=_tariff(read, assumed),
        costs=_costs(read, assumed),
        rules=cases.rules_of(read.rules),
        currency=read.currency or _currency(assumed),
        date=day.date,
        timezone=day.timezone,
        stops=day.stops,
        assumed_depots=assumed_depots,
        assumptions=tuple(assumed),
        findings=tuple(found),
        consumption=cases.consumption_of(read.energy, folder, vehicles),
        temperature_c=cases.temperature_of(read.weather, folder),
        next_day=next_day_of(read.next_day, folder),
    )


def _own_blocks(trips: pd.DataFrame, assumed: list[str]) -> pd.DataFrame:
    """Blank the block_id that every departure of a frequency would share: no bus can drive it."""
    shared = (trips["trip_id"] != trips["template_trip_id"]) & (trips["block_id"] != "")
    if not shared.any():
        return trips
    assumed.append(
        f"block_id of {int(shared.sum()):,} trips is left out: they are departures of one frequency"
    )
    return trips.assign(block_id=trips["block_id"].where(~shared, ""))


def problem_from_tables(
    trips: pd.DataFrame,
    *,
    depots: pd.DataFrame | list[dict[str, Any]],
    deadheads: pd.DataFrame | None,
    stops: pd.DataFrame | None,
    vehicles: pd.DataFrame | list[dict[str, Any]] | dict[str, Any] | None,
    chargers: pd.DataFrame | list[dict[str, Any]] | None,
    tariff: Mapping[str, Any] | Tariff | None,
    costs: Mapping[str, Any] | Costs | None,
    rules: Mapping[str, Any] | Rules | None,
    speed_kmh: float,
    factor: float,
    **others: Any,
) -> Problem:
    """Build what ``Problem.from_tables`` promises."""
    content: dict[str, Any] = {
        "depot": _rows(depots),
        "vehicle": _rows(vehicles),
        "charger": _rows(chargers),
        "costs": {} if isinstance(costs, Costs) else dict(costs or {}),
        "rules": {} if isinstance(rules, Rules) else dict(rules or {}),
        **({} if tariff is None or isinstance(tariff, Tariff) else {"tariff": dict(tariff)}),
    }
    read = cases.check_case(content, "tables")
    assumed: list[str] = []
    found: list[Finding] = []
    tidy = tidy_trips(trips)
    fleet, places, assumed_depots = _fleet(read, tidy, stops, assumed, 0)
    terminals = tuple(cases.charger_of(one) for one in read.charger)
    extra = {f"depot:{one.id}": (one.lat, one.lon) for one in read.depot if one.stop_id is None}
    speeds = None
    if stops is not None:
        speeds = runs.Speeds(np.zeros(1, np.int32), np.array([speed_kmh]))
    filled = _fill(tidy, places, terminals, stops, extra, deadheads, speeds, factor)
    _say_lost(filled, assumed, found)
    return Problem(
        trips=tidy,
        deadheads=filled.deadheads,
        depots=places,
        vehicles=fleet,
        chargers=terminals,
        tariff=tariff if isinstance(tariff, Tariff) else _tariff(read, assumed),
        costs=costs if isinstance(costs, Costs) else _costs(read, assumed),
        rules=rules if isinstance(rules, Rules) else cases.rules_of(read.rules),
        stops=stops,
        assumed_depots=assumed_depots,
        assumptions=tuple(assumed),
        findings=tuple(found),
        **{"currency": defaults.CURRENCY, **others},
    )


def _of_modes(trips: pd.DataFrame, modes: Iterable[int] | None, assumed: list[str]) -> pd.DataFrame:
    if "route_type" not in trips:
        return trips
    if modes is not None:
        wanted = sorted(set(modes))
        kept = trips[trips["route_type"].isin(wanted)]
        if kept.empty:
            there = sorted(trips["route_type"].unique().tolist())
            raise ConfigError(f"no trip of the day has a route type of {wanted}",
                              mend=f"the day has the route types {there}")  # fmt: skip
        return kept
    kept = trips[trips["route_type"].isin(defaults.BUS_MODES)]
    if kept.empty and len(trips):
        there = sorted(trips["route_type"].unique().tolist())
        assumed.append(
            f"NO BUS ROUTES: the day has none of the types 3, 11, 700-799, 800; all its modes "
            f"{there} are planned as if they were buses"
        )
        return trips
    if trips.empty:
        raise ConfigError("the day has no trips", mend="choose another date with --date")
    if len(kept) < len(trips):
        assumed.append(f"only bus route types are planned: {len(kept):,} of {len(trips):,} trips")
    return kept


def _fleet(
    read: Case, trips: pd.DataFrame, stops: pd.DataFrame | None, assumed: list[str], seed: int
) -> tuple[tuple[Vehicle, ...], tuple[Depot, ...], bool]:
    vehicles = tuple(cases.vehicle_of(one, defaults.VEHICLE) for one in read.vehicle)
    if not vehicles:
        one = defaults.VEHICLE
        vehicles = (one,)
        assumed.append(
            f"bus: {one.id}, {one.battery_kwh:g} kWh used from {one.start_soc:.0%} to {one.min_soc:.0%}, "
            f"{one.kwh_km:g} kWh/km, {one.max_kw:g} kW ({one.source})"
        )
    else:
        for part in read.vehicle:
            blank = [name for name in ("battery_kwh", "kwh_km", "max_kw", "min_soc", "max_soc")
                     if getattr(part, name) is None]  # fmt: skip
            if blank:
                assumed.append(
                    f"bus {part.id!r}: {', '.join(blank)} as of the {defaults.VEHICLE.id}"
                )
    if read.depot:
        return (
            vehicles,
            tuple(cases.depot_of(one, defaults.CHARGER_KW) for one in read.depot),
            False,
        )
    depots, said = defaults.assumed_depots(trips, stops, seed=seed)
    assumed.append(said)
    return vehicles, depots, True


def _fill(
    trips: pd.DataFrame,
    depots: tuple[Depot, ...],
    chargers: tuple[Charger, ...],
    stops: pd.DataFrame | None,
    extra: dict[str, tuple[float | None, float | None]],
    table: pd.DataFrame | None,
    speeds: runs.Speeds | None,
    factor: float,
) -> runs.Filled:
    places = sorted(
        {*trips["from_stop"], *trips["to_stop"]}
        | {one.stop_id for one in depots}
        | {one.stop_id for one in chargers}
    )
    lat, lon = np.full(len(places), np.nan), np.full(len(places), np.nan)
    if stops is not None:
        known = stops[~stops.index.duplicated()].reindex(places)
        lat, lon = known["lat"].to_numpy(float).copy(), known["lon"].to_numpy(float).copy()
    for place, (own_lat, own_lon) in extra.items():
        lat[places.index(place)], lon[places.index(place)] = own_lat, own_lon
    return runs.fill(places, lat, lon, table=table, speeds=speeds, factor=factor)


def _known_places(
    depots: tuple[Depot, ...],
    chargers: tuple[Charger, ...],
    stops: pd.DataFrame,
    extra: Mapping[str, Any],
) -> None:
    places = [(one.id, one.stop_id) for one in depots]
    places += [(one.id, one.stop_id) for one in chargers]
    for name, stop in places:
        if stop not in stops.index and stop not in extra:
            raise ConfigError(f"{name!r}: the feed has no stop {stop!r}",
                              mend="give a stop_id of stops.txt, or lat and lon")  # fmt: skip


def _deadhead_file(read: Case, folder: Path) -> pd.DataFrame | None:
    if read.deadheads.file is None:
        return None
    path = folder / read.deadheads.file
    try:
        return pd.read_csv(path, dtype={"from_stop": str, "to_stop": str}, keep_default_na=False,
                           na_values={name: [""] for name in ("from_s", "to_s", "time_s", "distance_km")})  # fmt: skip
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}", mend="deadheads.file is relative to the case"
        ) from None
    except (ValueError, UnicodeDecodeError) as error:
        raise TableError(
            f"{path}: {error}", mend="from_stop,to_stop,from_s,to_s,time_s,distance_km"
        ) from None


def _say_lost(filled: runs.Filled, assumed: list[str], found: list[Finding]) -> None:
    lost = filled.without_location
    if not lost:
        return
    assumed.append(
        f"{len(lost)} terminals without a location are taken to lie in the middle of the others"
    )
    found.append(
        finding("terminal_without_location", column="stop_id", value=lost[0], count=len(lost))
    )


def _costs(read: Case, assumed: list[str]) -> Costs:
    blank = [name for name in CostsPart.model_fields if getattr(read.costs, name) is None]
    costs = cases.costs_of(read.costs, defaults.COSTS)
    if blank:
        said = ", ".join(f"{name} = {getattr(costs, name):g}" for name in blank)
        assumed.append(f"costs (minor units of {read.currency or defaults.CURRENCY}): {said}")
    return costs


def _tariff(read: Case, assumed: list[str]) -> Tariff:
    if read.tariff is not None:
        return cases.tariff_of(read.tariff)
    price = defaults.TARIFF.energy[0][1]
    assumed.append(f"electricity: {price:g} minor units a kWh all day, no demand charge: assumed")
    return replace(defaults.TARIFF)


def _currency(assumed: list[str]) -> str:
    assumed.append(f"currency: {defaults.CURRENCY}")
    return defaults.CURRENCY


def _rows(
    table: pd.DataFrame | list[dict[str, Any]] | dict[str, Any] | None,
) -> list[dict[str, Any]]:
    if table is None:
        return []
    if isinstance(table, dict):
        return [table]
    rows = table.to_dict("records") if isinstance(table, pd.DataFrame) else list(table)
    return [{str(key): value for key, value in row.items() if not _blank(value)} for row in rows]


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))
