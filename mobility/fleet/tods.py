"""A plan as TODS v2.1 supplement files, and back: deadheads, pull-outs, vehicles, chargers, charging curves.

Transit Operational Data Standard v2.1.0 (MobilityData; spec of 2025-04-16): files lie beside the GTFS feed
and add to it. Written here:

- ``trips_supplement.txt``: the plan's ``block_id`` of every trip of the feed, and one trip a pull-out,
  deadhead and pull-in (``TODS_trip_type``); ``stop_times_supplement.txt``: its two ends, no boarding.
- ``routes_supplement.txt``: the route of empty runs; ``stops_supplement.txt``: depots that are no stop.
- ``calendar_dates_supplement.txt``: the service of empty runs, where the feed's services are not known.
- ``vehicles.txt`` and, with a service day, ``vehicle_assignments.txt``: which vehicle drives which block.
- ``chargers.txt`` (in the draft after v2.1.0) and ``charge_curves.txt``, kW by band of the state of charge
  (proposed in issue 31 of the standard): not adopted yet, so a reader may ignore them.

GTFS has no time before the service day: a pull-out that begins the evening before is left out (`too_early`
names them). No duties: ``run_events.txt`` is for people, and a plan has none.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import pandas as pd

from mobility.errors import ConfigError, TableError
from mobility.fleet.assets import Charger
from mobility.fleet.files import swap_folder
from mobility.shown import Shown
from mobility.units import format_time, parse_time

if TYPE_CHECKING:
    from mobility.feed import ServiceDay
    from mobility.fleet.assets import Vehicle
    from mobility.fleet.plan import BlockPlan, Plan

ROUTE = "deadhead"
EMPTY = ("pull-out", "deadhead", "pull-in")
# Bands of a charging curve that is not flat: one per cent of the state of charge.
_BANDS = 100
FILES = (
    "trips_supplement", "stop_times_supplement", "routes_supplement", "stops_supplement",
    "calendar_dates_supplement", "vehicles", "vehicle_assignments", "chargers", "charge_curves",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Tods(Shown):
    """What TODS files of a plan say.

    Parameters
    ----------
    block_of_trip
        Trips of the feed.
    deadheads
        One row an empty run: trip_id, block, kind, from_stop, to_stop, start_s, end_s.
    vehicle_of_block, type_of_vehicle
        Empty where the files are missing.
    chargers
        Stops and depots with chargers, as the terminals of a case: stop_id, count, kW.
    curves
        By id: (state of charge, kW) pairs, as `Vehicle.curve` takes them.
    """

    block_of_trip: dict[str, str]
    deadheads: pd.DataFrame
    vehicle_of_block: dict[str, str]
    type_of_vehicle: dict[str, str]
    chargers: tuple[Charger, ...]
    curves: dict[str, tuple[tuple[float, float], ...]]


def write_tods(
    plan: Plan | BlockPlan, folder: str | Path, *, day: ServiceDay | None = None
) -> Path:
    """Write a plan as TODS supplement files.

    Parameters
    ----------
    folder
        New, empty, or holding earlier files of this kind alone, which are replaced.
    day
        The service day: with it empty runs have the service of their block's trips; without, a service
        of their own on the plan's date.

    Raises
    ------
    ConfigError
        When the plan has no answer, has neither a day nor a date, or the folder holds something else.
    """
    if plan.report.objective is None:
        raise ConfigError("there is no plan to write", mend="write a plan that has an objective")
    if day is None and plan.problem.date is None:
        raise ConfigError(
            "TODS needs to know on which date a plan runs", mend="give the service day"
        )
    target = _may_write(folder)
    tables = tods_tables(plan, day)
    part = target.parent / f".{target.name}.{uuid4().hex[:8]}.part"
    part.mkdir(parents=True)
    try:
        for name, table in tables.items():
            table.to_csv(part / f"{name}.txt", index=False, lineterminator="\n")
        swap_folder(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def tods_tables(plan: Plan | BlockPlan, day: ServiceDay | None = None) -> dict[str, pd.DataFrame]:
    """The files as tables, without those that would be empty."""
    problem, blocks = plan.problem, plan.blocks.sort_values(["vehicle", "seq"], kind="stable")
    own_service = f"plan-{problem.date.isoformat()}" if problem.date else "plan"
    service = dict.fromkeys(plan.block_of_trip, own_service)
    if day is not None:
        told = dict(zip(day.trips["trip_id"], day.trips["service_id"], strict=True))
        service = {trip: str(told.get(trip, own_service)) for trip in plan.block_of_trip}
    of_block: dict[str, list[str]] = {}
    for trip, block in plan.block_of_trip.items():
        of_block.setdefault(block, []).append(service[trip])
    places = {
        stop for stop in (*blocks["from_stop"], *blocks["to_stop"]) if stop.startswith("depot:")
    }
    trips: list[dict[str, Any]] = [
        {"trip_id": trip, "route_id": "", "service_id": "", "block_id": block, "TODS_trip_type": ""}
        for trip, block in plan.block_of_trip.items()
    ]
    calls: list[dict[str, Any]] = []
    # A depot at a terminal: no run, nothing to write.
    still = (blocks["from_stop"] == blocks["to_stop"]) & (blocks["start_s"] == blocks["end_s"])
    empty = blocks[blocks["kind"].isin(EMPTY) & ~still & (blocks["start_s"] >= 0)]
    for number, row in enumerate(empty.to_dict("records"), 1):
        name = f"{ROUTE}-{number:06d}"
        services = of_block.get(row["block"]) or [own_service]
        trips.append({
            "trip_id": name, "route_id": ROUTE, "service_id": services[0], "block_id": row["block"],
            "TODS_trip_type": row["kind"],
        })  # fmt: skip
        for sequence, (stop, at) in enumerate(
            ((row["from_stop"], row["start_s"]), (row["to_stop"], row["end_s"])), 1
        ):
            clock = format_time(int(at))
            calls.append({
                "trip_id": name, "stop_sequence": sequence, "stop_id": stop, "arrival_time": clock,
                "departure_time": clock, "pickup_type": 1, "drop_off_type": 1,
            })  # fmt: skip
    tables = {
        "trips_supplement": pd.DataFrame(trips),
        "stop_times_supplement": pd.DataFrame(calls),
        "routes_supplement": pd.DataFrame([{
            "route_id": ROUTE, "route_short_name": "", "route_long_name": "Empty runs", "route_type": 3,
            "agency_id": _agency(day),
        }]) if calls else pd.DataFrame(),
        "stops_supplement": _depots(plan, places),
        "calendar_dates_supplement": pd.DataFrame(),
        **_vehicles(plan, None if day is None else of_block),
        "chargers": _chargers(plan),
        "charge_curves": _curves(plan),
    }  # fmt: skip
    used = {row["service_id"] for row in trips}
    if own_service in used and problem.date is not None:
        tables["calendar_dates_supplement"] = pd.DataFrame([{
            "service_id": own_service, "date": problem.date.strftime("%Y%m%d"), "exception_type": 1,
        }])  # fmt: skip
    return {name: tables[name] for name in FILES if not tables[name].empty}


def too_early(plan: Plan | BlockPlan) -> list[str]:
    """Blocks whose pull-out begins before the service day: GTFS cannot write that run."""
    early = plan.blocks["kind"].isin(EMPTY) & (plan.blocks["start_s"] < 0)
    return sorted(set(plan.blocks.loc[early, "block"]))


def _agency(day: ServiceDay | None) -> str:
    """The feed's first agency: a route must name one where there are several."""
    if day is None:
        return ""
    agencies = day.feed.tables.get("agency")
    if agencies is None or "agency_id" not in agencies:
        return ""
    values = agencies["agency_id"].tolist()
    return str(values[0]) if values and isinstance(values[0], str) else ""


def _depots(plan: Plan | BlockPlan, places: set[str]) -> pd.DataFrame:
    """Depots that are no stop of the feed; their place is blank where the problem's stops do not know it."""
    stops = plan.problem.stops
    rows = []
    for depot in plan.problem.depots:
        if depot.stop_id not in places:
            continue
        lat = lon = ""
        if stops is not None and depot.stop_id in stops.index:
            place: Any = stops.loc[depot.stop_id]
            lat, lon = (f"{float(place[one]):.6f}" for one in ("lat", "lon"))
        rows.append({
            "stop_id": depot.stop_id, "stop_name": depot.id, "stop_lat": lat, "stop_lon": lon,
            "TODS_location_type": "garage",
        })  # fmt: skip
    return pd.DataFrame(rows)


def _vehicles(
    plan: Plan | BlockPlan, services: dict[str, list[str]] | None
) -> dict[str, pd.DataFrame]:
    """Vehicles, and their blocks on the plan's date: an assignment names the service of its trips."""
    firsts = plan.blocks.drop_duplicates("vehicle").sort_values("vehicle")
    vehicles = pd.DataFrame({"vehicle_id": firsts["vehicle"], "vehicle_label": firsts["type"]})
    if plan.problem.date is None or services is None:
        return {"vehicles": vehicles, "vehicle_assignments": pd.DataFrame()}
    date = plan.problem.date.strftime("%Y%m%d")
    pairs = plan.blocks.drop_duplicates("block")[["block", "vehicle"]].sort_values("block")
    rows = [
        {"date": date, "service_id": service, "block_id": block, "vehicle_id": vehicle}
        for block, vehicle in pairs.itertuples(index=False)
        for service in sorted(set(services.get(block, ())))
    ]
    return {"vehicles": vehicles, "vehicle_assignments": pd.DataFrame(rows)}


def _chargers(plan: Plan | BlockPlan) -> pd.DataFrame:
    """One row a place; where a depot and a terminal share one, their chargers together at the lower power."""
    problem = plan.problem
    electric = plan.blocks[plan.blocks["electric"].to_numpy(bool)]
    buses = electric.groupby("depot", observed=True)["vehicle"].nunique()
    found: dict[str, tuple[int, float]] = {}
    listed = [
        (
            one.stop_id,
            int(buses.get(one.id, 0)) if one.chargers is None else one.chargers,
            one.charger_kw,
        )
        for one in problem.depots
    ]
    listed += [(one.stop_id, one.count, one.kw) for one in problem.chargers]
    for stop, count, kw in listed:
        before = found.get(stop, (0, np.inf))
        found[stop] = before[0] + count, min(before[1], kw)
    rows = [
        {
            "ops_location_id": stop if stop.startswith("depot:") else "",
            "stop_id": "" if stop.startswith("depot:") else stop,
            "max_kw": int(kw), "number_of_chargers": count,
        }
        for stop, (count, kw) in sorted(found.items()) if count
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _curves(plan: Plan | BlockPlan) -> pd.DataFrame:
    used = set(plan.blocks.loc[plan.blocks["electric"].to_numpy(bool), "type"])
    rows = [row for bus in plan.problem.vehicles if bus.id in used for row in _bands(bus)]
    return pd.DataFrame(rows)


def _bands(bus: Vehicle) -> list[dict[str, Any]]:
    """Bands of one type: whole per cents, those of one power joined; a band has its middle's power."""
    curve = bus.curve or ((0.0, bus.max_kw),)
    levels, limits = zip(*curve, strict=True)
    middle = (np.arange(_BANDS) + 0.5) / _BANDS
    power = np.round(np.minimum(np.interp(middle, levels, limits), bus.max_kw), 3)
    edges = np.flatnonzero(np.append(True, power[1:] != power[:-1]))
    ends = np.append(edges[1:], _BANDS)
    return [
        {
            "charge_curve_id": bus.id, "kw_charge_rate": float(power[low]), "start_soc": round(low / _BANDS, 2),
            "end_soc": round(high / _BANDS, 2), "curve_sequence": number,
        }
        for number, (low, high) in enumerate(zip(edges.tolist(), ends.tolist(), strict=True), 1)
    ]  # fmt: skip


def read_tods(folder: str | Path) -> Tods:
    """Read TODS supplement files back; files that are missing are empty.

    Raises
    ------
    TableError
        When there is no ``trips_supplement.txt``, or a column or a time cannot be read.
    """
    at = Path(folder)
    trips = _read(at, "trips_supplement", ("trip_id", "block_id"))
    if trips is None:
        raise TableError(f"{at}: no trips_supplement.txt", mend="name a folder of TODS files")
    kind = trips["TODS_trip_type"] if "TODS_trip_type" in trips else pd.Series("", trips.index)
    public = trips[kind == ""]
    deadheads = _runs(at, trips.assign(kind=kind)[kind.isin(EMPTY)])
    assigned = _read(at, "vehicle_assignments", ("block_id", "vehicle_id"))
    vehicles = _read(at, "vehicles", ("vehicle_id",))
    label = {} if vehicles is None or "vehicle_label" not in vehicles else dict(
        zip(vehicles["vehicle_id"], vehicles["vehicle_label"], strict=True)
    )  # fmt: skip
    return Tods(
        block_of_trip=dict(zip(public["trip_id"], public["block_id"], strict=True)),
        deadheads=deadheads,
        vehicle_of_block={} if assigned is None
        else dict(zip(assigned["block_id"], assigned["vehicle_id"], strict=True)),
        type_of_vehicle=label,
        chargers=_read_chargers(at),
        curves=_read_curves(at),
    )  # fmt: skip


def _runs(at: Path, trips: pd.DataFrame) -> pd.DataFrame:
    calls = _read(
        at, "stop_times_supplement", ("trip_id", "stop_sequence", "stop_id", "arrival_time")
    )
    columns = ["trip_id", "block", "kind", "from_stop", "to_stop", "start_s", "end_s"]
    if calls is None or trips.empty:
        return pd.DataFrame(columns=columns)
    calls = calls.assign(order=_numbers(calls, at, "stop_times_supplement", "stop_sequence"))
    calls = calls.sort_values(["trip_id", "order"], kind="stable")
    seconds = []
    for row, cell in zip(calls.index.tolist(), calls["arrival_time"], strict=True):
        try:
            seconds.append(parse_time(cell))
        except ValueError:
            raise TableError(
                f"stop_times_supplement.txt:{row + 2}:arrival_time: no time (found {cell!r})",
                mend="26:01:00",
            ) from None
    ends = calls.assign(at_s=seconds).groupby("trip_id", sort=False).agg(
        from_stop=("stop_id", "first"), to_stop=("stop_id", "last"), start_s=("at_s", "first"), end_s=("at_s", "last"),
    )  # fmt: skip
    found = trips.rename(columns={"block_id": "block"}).join(ends, on="trip_id", how="inner")
    return found[columns].reset_index(drop=True)


def _read_chargers(at: Path) -> tuple[Charger, ...]:
    table = _read(at, "chargers", ("max_kw", "number_of_chargers"))
    if table is None:
        return ()
    kw, count = (_numbers(table, at, "chargers", one) for one in ("max_kw", "number_of_chargers"))
    blank = pd.Series("", table.index)
    places = table.get("ops_location_id", blank).where(
        lambda one: one != "", table.get("stop_id", blank)
    )
    return tuple(
        Charger(stop_id=str(place), count=int(number), kw=float(power))
        for place, number, power in zip(places, count, kw, strict=True)
    )


def _read_curves(at: Path) -> dict[str, tuple[tuple[float, float], ...]]:
    """Bands to points: a band of one per cent is its middle, a wider one its ends, half a per cent in."""
    table = _read(
        at, "charge_curves", ("charge_curve_id", "kw_charge_rate", "start_soc", "end_soc")
    )
    found: dict[str, tuple[tuple[float, float], ...]] = {}
    if table is None:
        return found
    numbers = {
        one: _numbers(table, at, "charge_curves", one)
        for one in ("kw_charge_rate", "start_soc", "end_soc")
    }
    bands = (
        table[["charge_curve_id"]].assign(**numbers).sort_values(["charge_curve_id", "start_soc"])
    )
    half = 0.5 / _BANDS
    for name, own in bands.groupby("charge_curve_id", sort=False):
        points: dict[float, float] = {}
        for kw, low, high in own[["kw_charge_rate", "start_soc", "end_soc"]].itertuples(
            index=False
        ):
            for soc in {round(low + half, 4), round(high - half, 4)}:
                points[soc] = kw
        found[str(name)] = tuple(sorted(points.items()))
    return found


def _read(at: Path, name: str, needed: tuple[str, ...]) -> pd.DataFrame | None:
    path = at / f"{name}.txt"
    if not path.exists():
        return None
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: {error}", mend="a CSV file with a header") from None
    for column in needed:
        if column not in table:
            raise TableError(
                f"{path.name}: no column {column!r}", mend="see the TODS specification"
            )
    return table


def _numbers(table: pd.DataFrame, at: Path, name: str, column: str) -> Any:
    values = pd.to_numeric(table[column], errors="coerce")
    if values.isna().any():
        row = int(values.isna().to_numpy().argmax())
        raise TableError(
            f"{at / name}.txt:{row + 2}:{column}: no number (found {table[column].iloc[row]!r})",
            mend="a number",
        )
    return values.to_numpy()


def _may_write(folder: str | Path) -> Path:
    target = Path(folder).expanduser().resolve()
    if not target.exists():
        return target
    if not target.is_dir():
        raise ConfigError(f"{folder}: is a file", mend="name a folder")
    ours = {f"{name}.txt" for name in FILES}
    held = {one.name for one in target.iterdir()}
    if strange := sorted(held - ours):
        raise ConfigError(
            f"{folder}: holds something that is no TODS file of ours (found {strange[0]!r})",
            mend="name a folder that is new, empty, or holds earlier TODS files alone",
        )
    if Path.cwd().is_relative_to(target):
        raise ConfigError(f"{folder}: is where you are", mend="name a folder inside it")
    return target
