"""Figures in numbers: the names of the command line, said for people, before and after."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mobility.report.page import KPI_COLUMNS
from mobility.units import format_money

# What the command line calls a figure -> what the page calls it.
LABELS = {
    "vehicles": "Buses",
    "vehicles_bound": "Buses that no plan can do without",
    "peak_buses": "Buses out at once, at the peak",
    "spares": "Spare buses",
    "trips": "Trips",
    "blocks": "Blocks, from pull-out to pull-in",
    "trips_per_block": "Trips a block",
    "in_service_h": "Time in service",
    "deadhead_h": "Time running empty",
    "layover_h": "Time standing at terminals",
    "in_service_km": "Distance in service",
    "deadhead_km": "Distance empty",
    "deadhead_share": "Share of the distance that is empty",
    "km_per_bus": "Distance a bus",
    "least_soc": "Lowest state of charge",
    "least_soc_where": "Where it is lowest",
    "energy_kwh": "Energy charged",
    "kwh_per_km": "Energy used a km",
    "peak_kw": "Peak power",
    "peak_kw_in_all": "Peak power, all sites together",
    "fuel": "Fuel",
    "co2e_t": "Emissions",
    "co2e_factor": "How emissions are counted",
    "objective": "Cost a day",
    "bound": "Cost that no plan can beat",
    "gap": "Gap between the two",
    "cards": "Cards",
    "nominal": "Nominal fares",
    "transfer_discount": "Less for transfers",
    "cap_discount": "Less for caps",
    "charged": "Charged",
    "capped_cards": "Cards that a cap holds",
    "capped_taps": "Taps that a cap makes free or cheaper",
    "unknown_fares": "Taps whose fare is unknown",
    "riders_helped": "Riders who pay less",
    "saved": "What they save",
    "riders_worse": "Riders who pay more",
    "paid_more": "What those pay more",
    "present_revenue": "Revenue at present",
    "best_revenue": "Revenue under the best caps",
    "change": "Change of revenue",
}
# What it calls figures of signals, where a name may mean something else than in a fleet.
SIGNAL_LABELS = {
    "signals": "Signals",
    "cycle_s": "Cycle",
    "person_hours_h": "Time that people lose",
    "vehicle_delay_s": "Mean delay of vehicles",
    "walk_delay_s": "Mean delay on foot",
    "vehicle_hours_h": "Time that vehicles lose",
    "stops_h": "Stops",
    "worst_saturation": "Most loaded stop line",
    "delay_s": "Mean delay in runs",
    "person_delay_s": "Mean delay of people in runs",
    "stops": "Stops in runs",
    "vehicles": "Vehicles in runs",
    "never_departed": "Never got in",
    "never_entered": "Never got in",
    "unfinished": "Still on their way at the end",
    "max_queue_m": "Longest queue",
    "teleports": "Moved on by the simulator",
    "collisions": "Collisions",
    "on_time": "Buses on time",
    "late_s": "Mean lateness of buses",
    "excess_wait_s": "Waiting beyond the timetable's",
    "headway_cv": "Spread of headways",
    "bunched": "Buses in bunches",
    "bus_delay_s": "Delay of buses at signals",
    "car_delay_s": "Delay of cars at signals",
}
# Headings of the table of each domain, each before the first figure below it.
GROUPS = {
    "fleet": {
        "vehicles": "Vehicles",
        "in_service_h": "Service",
        "least_soc": "Energy",
        "objective": "Cost",
    },
    "fares": {"taps": "Taps settled", "riders_helped": "Under the best caps"},
    "signals": {
        "signals": "Plan",
        "person_hours_h": "By the model of the plan",
        "vehicles": "Runs",
        "on_time": "A day of the timetable",
        "mean_s": "A fire engine's way",
    },
}
NOT_TOLD = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
_SHARES = {
    "deadhead_share", "least_soc", "gap", "on_time", "bunched", "km_share", "most_often", "within_target",
}  # fmt: skip
_UNITS = {"share of km": "of km", "share of the battery": "of the battery", "kWh charged": "kWh"}
_FUELS = {"diesel_l": "litres", "hydrogen_kg": "kg"}


def rows_of(
    after: dict[str, Any],
    before: dict[str, Any] | None,
    units: dict[str, str],
    labels: dict[str, str] | None = None,
) -> list[tuple[str, ...]]:
    """Rows of a table of figures, as text, in the order of ``units``; what is nowhere is left out.

    Parameters
    ----------
    after, before
        Name to number, text, or a dict of them by place; ``before`` may be missing.
    units
        Unit of each name; ``minor:CLP`` is money in minor units.
    labels
        What each name is called; by default ``LABELS``.
    """
    labels = LABELS if labels is None else labels
    one, other = _flat(before or {}), _flat(after)
    rows: list[tuple[str, ...]] = []
    for name, unit in units.items():
        held = [key for key in {**other, **one} if key.partition("[")[0] == name]
        for key in held:
            a, b = one.get(key), other.get(key)
            if a is None and b is None:
                continue
            if name == "fuel" and not a and not b:
                continue
            more = _difference(a, b, name, unit)
            place = key.partition("[")[2].removesuffix("]")
            shown = _FUELS.get(place, _UNITS.get(unit, unit))
            label = labels.get(name, name.replace("_", " ").capitalize())
            label = f"{label}, {place.removesuffix('_l').removesuffix('_kg')}" if place else label
            shown = shown.removeprefix("minor:")
            rows.append((key, label, shown, say(a, name, unit), say(b, name, unit), more))
    return rows


def table_of(rows: list[tuple[str, ...]]) -> pd.DataFrame:
    """Rows as a table of ``KPI_COLUMNS``."""
    return pd.DataFrame(rows, columns=list(KPI_COLUMNS), dtype=str)


def say(value: Any, name: str, unit: str) -> str:
    """One figure as people read it; a missing one is a dash.

    >>> say(0.1628, "deadhead_share", "share of km"), say(27259368, "objective", "minor:CLP")
    ('16.3 %', '27,259,368')
    """
    if value is None:
        return NOT_TOLD
    if isinstance(value, bool | str):
        return str(value)
    if unit.startswith("minor:"):
        return format_money(value, unit.removeprefix("minor:")).partition(" ")[2]
    if name in _SHARES:
        return f"{100 * value:.1f} %"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.{_digits(name, value)}f}"


def _difference(a: Any, b: Any, name: str, unit: str) -> str:
    """How much more the second is; empty where one of them is no number."""
    if not isinstance(a, int | float) or not isinstance(b, int | float):
        return ""
    more = b - a
    if name in _SHARES:
        text = f"{100 * abs(more):.1f}"
        return "0" if text == "0.0" else f"{'+' if more > 0 else _MINUS}{text} points"
    text = say(abs(more), name, unit)
    if not text.strip("0.,"):
        return "0"
    share = f" ({100 * more / abs(a):+.1f} %)".replace("-", _MINUS) if abs(a) > 1e-9 else ""
    return f"{'+' if more > 0 else _MINUS}{text}{share}"


def _digits(name: str, value: float) -> int:
    if name in {"kwh_per_km", "co2e_t", "worst_saturation", "stops", "headway_cv"}:
        return 2
    return 0 if abs(value) >= 1000 else 1


def _flat(told: dict[str, Any]) -> dict[str, Any]:
    """Figures of places in rows of their own; where the charge is lowest in words."""
    flat: dict[str, Any] = {}
    for name, value in told.items():
        if name == "least_soc_where" and isinstance(value, dict):
            flat[name] = f"{value['vehicle']} at {value['place']}, {value['time']}"
        elif isinstance(value, dict):
            flat |= {f"{name}[{key}]": one for key, one in value.items()}
        else:
            flat[name] = value
    return flat
