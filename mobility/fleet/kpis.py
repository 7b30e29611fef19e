"""What a planner compares: one name and one unit a figure, the same in tables, JSON and reports."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.fleet.problem import CONVENTIONAL_BUS
from mobility.units import DAY_S, format_time

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.assets import Vehicle
    from mobility.fleet.plan import BlockPlan, Plan

# Name and unit, in reading order. A name never changes its meaning.
UNITS: dict[str, str] = {
    "vehicles": "buses",
    "peak_buses": "buses",
    "spares": "buses",
    "trips": "trips",
    "blocks": "blocks",
    "trips_per_block": "trips",
    "in_service_h": "h",
    "deadhead_h": "h",
    "layover_h": "h",
    "in_service_km": "km",
    "deadhead_km": "km",
    "deadhead_share": "share of km",
    "km_per_bus": "km",
    "least_soc": "share of the battery",
    "least_soc_where": "",
    "energy_kwh": "kWh charged",
    "kwh_per_km": "kWh/km",
    "peak_kw": "kW",
    "peak_kw_in_all": "kW",
    "fuel": "litres or kg",
    "co2e_t": "t CO2e",
    "co2e_factor": "",
}

# Electricity, world mean of 2024, over the whole life of the plants: Ember, Global Electricity Review
# 2025. (The 2026 edition puts 2024 at 471.) A country may lie anywhere from 50 to 700.
CO2E_G_KWH = 473.0
CO2E_G_KWH_SOURCE = "world mean 2024, Ember Global Electricity Review 2025"
# Diesel with the average share of biofuel: 2.571 burned and 0.627 on the way to the tank (UK
# government, Greenhouse gas reporting: conversion factors 2025).
CO2E_KG_DIESEL_L = 3.20
# Hydrogen from natural gas without capture: 10 to 12 kg a kg (IEA, Global Hydrogen Review 2024).
CO2E_KG_HYDROGEN_KG = 11.0

QUARTER_S = 900
_EMPTY = ("pull-out", "deadhead", "pull-in")


def kpis(
    plan: Plan | BlockPlan, *, spare_share: float = 0.10, co2e_g_kwh: float | None = None
) -> dict[str, Any]:
    """Count what a planner compares.

    Parameters
    ----------
    plan
        Any plan; figures of batteries, energy and power are None where it plans no charging.
    spare_share
        Spare buses as a share of the vehicles of the plan, rounded up.
    co2e_g_kwh
        Grams of CO2e a kWh from the grid; by default the tariff's ``co2e_g_kwh``, else
        ``CO2E_G_KWH``, and ``co2e_factor`` says which.

    Returns
    -------
    dict
        The names of ``UNITS``, in that order. ``peak_buses`` are out of the depot at once, the day
        repeating; ``layover_h`` stand at terminals; ``least_soc_where`` has vehicle, place, time_s
        and time; ``peak_kw`` has a figure a site; ``fuel`` has ``diesel_l`` and ``hydrogen_kg``.
    """
    blocks = plan.blocks
    kind = blocks["kind"].to_numpy(object)
    hours = (blocks["end_s"] - blocks["start_s"]).to_numpy(float) / 3600.0
    km = blocks["distance_km"].to_numpy(float)
    service, empty = kind == "trip", np.isin(kind, _EMPTY)
    service_km, empty_km = float(km[service].sum()), float(km[empty].sum())
    vehicles, pieces = int(blocks["vehicle"].nunique()), int(blocks["block"].nunique())
    out = _out(blocks)
    told: dict[str, Any] = dict.fromkeys(UNITS)
    told |= {
        "vehicles": vehicles,
        "peak_buses": int(out.max(initial=0)),
        "spares": math.ceil(spare_share * vehicles - 1e-9),
        "trips": int(service.sum()),
        "blocks": pieces,
        "trips_per_block": round(int(service.sum()) / max(pieces, 1), 3),
        "in_service_h": round(float(hours[service].sum()), 3),
        "deadhead_h": round(float(hours[empty].sum()), 3),
        "layover_h": round(float(hours[kind == "wait"].sum()), 3),
        "in_service_km": round(service_km, 3),
        "deadhead_km": round(empty_km, 3),
        "deadhead_share": round(empty_km / max(empty_km + service_km, 1e-9), 4),
        "km_per_bus": round((service_km + empty_km) / max(vehicles, 1), 3),
    }
    sessions = getattr(plan, "sessions", None)
    if sessions is None or plan.report.objective is None:  # blocks that nobody has charged yet
        return told
    return told | _energy(plan, blocks, sessions, co2e_g_kwh)


def _energy(
    plan: Any, blocks: pd.DataFrame, sessions: pd.DataFrame, co2e_g_kwh: float | None
) -> dict[str, Any]:
    """Batteries, power, fuel and what they emit."""
    charged = float(sessions["kwh"].sum())
    electric = blocks["electric"].to_numpy(bool)
    electric_km = float(blocks.loc[electric, "distance_km"].sum())
    used = float(blocks.loc[electric, "kwh"].sum())
    power = plan.power
    by_site = power.groupby("site", observed=True)["kw"].max() if len(power) else pd.Series()
    in_all = power.groupby("start_s")["kw"].sum() if len(power) else pd.Series([0.0])
    fuel, silent_km = _fuel(plan, blocks[~electric])
    given = co2e_g_kwh if co2e_g_kwh is not None else plan.problem.tariff.co2e_g_kwh
    grams = CO2E_G_KWH if given is None else given
    tonnes = charged * grams / 1e6
    tonnes += fuel["diesel_l"] * CO2E_KG_DIESEL_L / 1e3
    tonnes += fuel["hydrogen_kg"] * CO2E_KG_HYDROGEN_KG / 1e3
    said = [f"{grams:g} g a kWh ({CO2E_G_KWH_SOURCE if given is None else 'given'})"]
    if fuel["diesel_l"]:
        said.append(f"{CO2E_KG_DIESEL_L:g} kg a litre of diesel (UK government 2025)")
    if fuel["hydrogen_kg"]:
        said.append(f"{CO2E_KG_HYDROGEN_KG:g} kg a kg of hydrogen from gas (IEA 2024)")
    if silent_km:
        said.append(f"{silent_km:,.0f} km of buses without fuel_km are not counted")
    least = least_charge(plan)
    return {
        "least_soc": None if least is None else round(least.pop("soc"), 4),
        "least_soc_where": least,
        "energy_kwh": round(charged, 3),
        "kwh_per_km": round(used / electric_km, 4) if electric_km else None,
        "peak_kw": {str(site): round(float(kw), 3) for site, kw in by_site.items()},
        "peak_kw_in_all": round(float(in_all.max()), 3),
        "fuel": {name: round(value, 3) for name, value in fuel.items()},
        "co2e_t": round(tonnes, 4),
        "co2e_factor": "; ".join(said),
    }


def _fuel(plan: Any, blocks: pd.DataFrame) -> tuple[dict[str, float], float]:
    """Litres and kg of buses without a battery, and the km of those whose use nobody gave."""
    fuel, silent = {"diesel_l": 0.0, "hydrogen_kg": 0.0}, 0.0
    km: float
    for name, km in blocks.groupby("type", observed=True)["distance_km"].sum().items():
        bus = _types(plan).get(str(name), CONVENTIONAL_BUS)
        fuel["hydrogen_kg" if bus.energy == "hydrogen" else "diesel_l"] += km * bus.fuel_km
        silent += km if bus.fuel_km == 0 else 0.0
    return fuel, silent


def _types(plan: Any) -> dict[str, Vehicle]:
    return {one.id: one for one in plan.problem.vehicles}


def charge_levels(plan: Plan) -> pd.DataFrame:
    """Replay every battery: its charge at each pull-out, end of an activity and end of a slot.

    Returns
    -------
    DataFrame
        vehicle, time_s, place, kwh (in the battery), soc (share of what the battery holds at its
        present health), by vehicle and time. Charge is linear between two rows of a vehicle, flat
        while it stands unplugged.
    """
    electric = plan.blocks[plan.blocks["electric"].to_numpy(bool)].sort_values(["vehicle", "seq"])
    starts = electric.drop_duplicates("vehicle")
    types = _types(plan)
    buses = [types.get(str(name), plan.problem.vehicle) for name in starts["type"]]
    full = dict(zip(starts["vehicle"], (one.full_kwh for one in buses), strict=True))
    begin = np.array([one.full_kwh * one.start_soc for one in buses], float)
    slot = plan.problem.tariff.slot_s
    mine = plan.sessions[plan.sessions["vehicle"].isin(full)]
    slots = mine["kw"].map(len).to_numpy(np.int64)
    number = np.arange(slots.sum()) - np.repeat(np.cumsum(slots) - slots, slots)
    stop_of = {one.id: one.stop_id for one in plan.problem.depots}
    stop_of |= {one.id: one.stop_id for one in plan.problem.chargers}
    plugged = {name: np.repeat(mine[name].to_numpy(), slots) for name in ("vehicle", "start_s")}
    kw = np.array([one for row in mine["kw"] for one in row], float)
    events = pd.concat([
        pd.DataFrame({"vehicle": starts["vehicle"], "time_s": starts["start_s"],
                      "place": starts["from_stop"], "rank": 0, "change": begin}),
        pd.DataFrame({"vehicle": electric["vehicle"], "time_s": electric["end_s"],
                      "place": electric["to_stop"], "rank": 1, "change": -electric["kwh"]}),
        # A slot in which nothing flows still ends, and one begins where the bus stood before.
        pd.DataFrame({"vehicle": mine["vehicle"], "time_s": mine["start_s"],
                      "place": mine["site"].map(stop_of), "rank": 2, "change": 0.0}),
        pd.DataFrame({"vehicle": plugged["vehicle"],
                      "time_s": plugged["start_s"].astype(np.int64) + (number + 1) * slot,
                      "place": np.repeat(mine["site"].map(stop_of).to_numpy(object), slots),
                      "rank": 2, "change": kw * slot / 3600.0}),
    ], ignore_index=True)  # fmt: skip
    events = events.sort_values(["vehicle", "time_s", "rank"], kind="stable", ignore_index=True)
    kwh = events.assign(change=events["change"].astype(float)).groupby("vehicle")["change"].cumsum()
    share = kwh / events["vehicle"].map(full).astype(float)
    return events[["vehicle", "time_s", "place"]].assign(kwh=kwh, soc=share)


def least_charge(plan: Plan) -> dict[str, Any] | None:
    """Where a battery is nearest to empty: soc, vehicle, place, time_s, time; None without any."""
    levels = charge_levels(plan)
    if levels.empty:
        return None
    # Rounded, so that the last bit of a sum does not choose between two buses.
    low: Any = levels.iloc[int(np.argmin(levels["soc"].round(9).to_numpy()))]
    return {
        "soc": float(low["soc"]),
        "vehicle": str(low["vehicle"]),
        "place": str(low["place"]),
        "time_s": int(low["time_s"]),
        "time": format_time(int(low["time_s"])),
    }


def buses_by_quarter_hour(plan: Plan | BlockPlan) -> pd.DataFrame:
    """What the buses do, quarter hour by quarter hour of a day that repeats.

    Returns
    -------
    DataFrame
        96 rows: start_s; in_service, deadhead, layover (at terminals, not plugged in), charging,
        at_depot (not plugged in): mean buses, which add up to the vehicles; most_out: the most that
        are out of the depot at one instant.
    """
    blocks = plan.blocks
    kind = blocks["kind"].to_numpy(object)
    layover = _busy(blocks[kind == "wait"])
    doing = {
        "in_service": _busy(blocks[kind == "trip"]),
        "deadhead": _busy(blocks[np.isin(kind, _EMPTY)]),
    }
    charging, sessions = np.zeros(DAY_S, np.int64), getattr(plan, "sessions", None)
    if sessions is not None:
        terminals = {one.id for one in plan.problem.chargers}
        layover = layover - _busy(sessions[sessions["site"].isin(terminals)])
        charging = _busy(sessions)
    doing |= {"layover": layover, "charging": charging}
    doing["at_depot"] = blocks["vehicle"].nunique() - sum(doing.values(), np.zeros(DAY_S, np.int64))
    quarters = DAY_S // QUARTER_S
    table = pd.DataFrame({"start_s": np.arange(quarters) * QUARTER_S})
    for name, count in doing.items():
        table[name] = count.reshape(quarters, QUARTER_S).mean(axis=1)
    table["most_out"] = _out(blocks).reshape(quarters, QUARTER_S).max(axis=1)
    return table


def compare_kpis(before: Plan | BlockPlan, after: Plan | BlockPlan, **how: Any) -> pd.DataFrame:
    """Set two plans side by side.

    Parameters
    ----------
    before, after
        Two plans, of one problem or of two.
    **how
        As of ``kpis``, for both.

    Returns
    -------
    DataFrame
        name, unit, before, after, difference; one row a figure, one a site of ``peak_kw`` and a
        kind of ``fuel`` (as in ``peak_kw[depot-1]``). The difference of a text, or of what one plan
        does not have, is None.
    """
    one, other = _flat(kpis(before, **how)), _flat(kpis(after, **how))
    rows: list[tuple[Any, ...]] = []
    order = list(UNITS)
    for name in sorted(
        {*one, *other}, key=lambda name: (order.index(name.partition("[")[0]), name)
    ):
        a, b = one.get(name), other.get(name)
        more = None
        if isinstance(a, int | float) and isinstance(b, int | float):
            more = round(b - a, 6)
        rows.append((name, UNITS[name.partition("[")[0]], a, b, more))
    columns = ["name", "unit", "before", "after", "difference"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def kpi_rows(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Figures as text for a table: name, value, unit; what a plan does not have is left out."""
    rows: list[tuple[str, str, str]] = []
    for name, value in _flat(told).items():
        base = name.partition("[")[0]
        if value is None or (base == "fuel" and not value):
            continue
        if base in {"deadhead_share", "least_soc"}:
            rows.append((name, f"{value:.1%}", UNITS[base].removeprefix("share ")))
        elif isinstance(value, float):
            digits = 0 if abs(value) >= 1000 else 2 if base in {"kwh_per_km", "co2e_t"} else 1
            rows.append((name, f"{value:,.{digits}f}", UNITS[base]))
        else:
            text = f"{value:,}" if isinstance(value, int) else str(value)
            rows.append((name, text, UNITS[base]))
    return rows


def _flat(told: dict[str, Any]) -> dict[str, Any]:
    """Figures of sites and fuels in rows of their own; a place in words."""
    flat: dict[str, Any] = {}
    for name, value in told.items():
        if name == "least_soc_where":
            flat[name] = value and f"{value['vehicle']} at {value['place']}, {value['time']}"
        elif isinstance(value, dict):
            flat |= {f"{name}[{key}]": one for key, one in value.items()}
        elif value is not None or name not in {"peak_kw", "fuel"}:
            flat[name] = value
    return flat


def _busy(rows: pd.DataFrame) -> NDArray[np.int64]:
    """How many of some rows hold at each second of a day that repeats; ends are left out."""
    start = rows["start_s"].to_numpy(np.int64)
    end = rows["end_s"].to_numpy(np.int64)
    change = np.zeros(DAY_S, np.int64)
    np.add.at(change, start % DAY_S, 1)
    np.add.at(change, end % DAY_S, -1)
    # A row over midnight is there from the start, once for every midnight it passes.
    return np.cumsum(change) + int((end // DAY_S - start // DAY_S).sum())


def _out(blocks: pd.DataFrame) -> NDArray[np.int64]:
    """Buses out of the depot at each second of a day that repeats."""
    return _busy(blocks[blocks["kind"].to_numpy(object) != "depot"])
