"""Fit a type of bus to measured trips, and say how far off it is on days it has not seen."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import ConfigError, TableError
from mobility.fleet.consumption import HEATER_KW, Runs, Terms, terms, trip_runs
from mobility.fleet.problem import Problem
from mobility.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mobility.feed import ServiceDay
    from mobility.fleet.assets import Vehicle

# Terms of the fit and their units; ``hvac`` is a factor on the table of heating and cooling.
TERMS = {
    "kwh_km": "kWh/km", "kwh_stop": "kWh a stop", "hour_kw": "kW", "kwh_km_full": "kWh/km when full",
    "hvac": "times the hvac table",
}  # fmt: skip
# A row beyond is a slip of the meter or of the match, not a bus.
_LEAST_KWH_KM, _MOST_KWH_KM = 0.1, 10.0
# Held-out days are fitted one by one up to this many, in as many groups above.
_FOLDS = 20
# A departure written by hand may be off by so much and still be found.
_NEAR_S = 300


@dataclass(frozen=True, eq=False)
class Calibration(Shown):
    """A type of bus fitted to measured trips.

    Parameters
    ----------
    vehicle
        The fitted type.
    problem
        The problem with that type in its place.
    figures
        One row a term: term, unit, before, after.
    days
        One row a day: date, trips, measured_kwh, predicted_kwh, mae_kwh, mape, bias_kwh; each day is
        predicted by a fit to the others where ``held_out``.
    held_out
        False where all rows are of one day, or say no date: the errors are then the fit's own.
    mae_kwh, mape, bias_kwh
        Mean absolute error a trip, mean share of it in the measured, mean of predicted less measured.
    mape_before
        The same share for the type as it was.
    used, dropped
        Rows that were fitted, and how many were not, by reason.
    """

    vehicle: Vehicle
    problem: Problem
    figures: pd.DataFrame
    days: pd.DataFrame
    held_out: bool
    mae_kwh: float
    mape: float
    bias_kwh: float
    mape_before: float
    used: int
    dropped: dict[str, int]

    def __str__(self) -> str:
        where = f"on {len(self.days)} held-out days" if self.held_out else "on the fitted rows"
        lost = sum(self.dropped.values())
        left = f", {lost:,} left out" if lost else ""
        return (
            f"{self.vehicle.id}: {self.vehicle.kwh_km:.3f} kWh/km from {self.used:,} trips{left}; "
            f"off by {self.mape:.1%} a trip {where} ({self.mape_before:.1%} before), "
            f"bias {self.bias_kwh:+.2f} kWh"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        names = ("held_out", "mae_kwh", "mape", "bias_kwh", "mape_before", "used", "dropped")
        return {
            "vehicle": self.vehicle.id,
            "figures": self.figures.to_dict("records"),
            "days": self.days.to_dict("records"),
            **{name: getattr(self, name) for name in names},
        }

    def to_json(self) -> str:
        """The same as one JSON document."""
        return json.dumps(self.to_dict(), indent=2)


def calibrate(
    problem: Problem | ServiceDay,
    measured: pd.DataFrame,
    *,
    vehicle: str | None = None,
    fit: Sequence[str] = tuple(TERMS),
) -> Calibration:
    """Fit a type of bus to measured trips by non-negative least squares.

    Parameters
    ----------
    problem
        Whose trips were measured; a service day is taken with the defaults.
    measured
        One row a measured trip, any order: ``trip_id``, or ``route_id``, ``direction_id`` and
        ``depart_s`` (within 300 s); ``kwh``. Optional: ``date`` (days are held out by it),
        ``temperature_c`` (the problem's where blank), ``vehicle_type`` (rows of others are left out),
        ``load`` (taken places over places).
    vehicle
        Id of the type; the first where None.
    fit
        Which of ``TERMS`` may be fitted; ``kwh_km`` always is, the others stay as they are. Terms of
        which the rows say nothing are not fitted: heat without temperatures, passengers without load.

    Raises
    ------
    TableError
        When a column is missing, or fewer usable rows are left than terms and one.
    ConfigError
        When there is no such type or term.

    Examples
    --------
    >>> print(fleet.calibrate(problem, pd.read_csv("measured.csv")))  # doctest: +SKIP
    e12: 1.184 kWh/km from 812 trips; off by 6.1% a trip on 9 held-out days (11.4% before) ...
    """
    if not isinstance(problem, Problem):
        from mobility.fleet.tables import problem as problem_of

        problem = problem_of(problem)
    row = _vehicle_row(problem, vehicle)
    bus = problem.vehicles[row]
    if wrong := [one for one in fit if one not in TERMS]:
        raise ConfigError(f"no term is called {wrong[0]!r}", mend=f"one of {', '.join(TERMS)}")
    rows, dropped = _usable(problem, bus, measured)
    runs = _runs_of(problem, rows)
    kwh = rows["kwh"].to_numpy(float)
    parts = terms(bus, runs)
    chosen = _informed(bus, parts, rows, fit)
    if len(rows) <= len(chosen):
        raise TableError(
            f"measured: {len(rows)} usable rows are too few to fit {len(chosen)} terms",
            mend=f"left out: {dropped or 'none'}; fit fewer terms, or measure more trips",
        )
    fitted = _fit(bus, parts, kwh, chosen)
    day, dates = pd.factorize(rows["date"], sort=True)
    held_out = len(dates) > 1
    predicted = _predict(fitted, parts)
    if held_out:
        for fold in range(min(len(dates), _FOLDS)):
            out = day % _FOLDS == fold
            kept = Terms(*(one[~out] for one in parts))
            figures = _fit(bus, kept, kwh[~out], chosen)
            predicted[out] = _predict(figures, Terms(*(one[out] for one in parts)))
    before = _predict(_figures(bus), parts)
    table = _by_day(dates[day], kwh, predicted)
    error = predicted - kwh
    new = _vehicle(bus, fitted)
    vehicles = (*problem.vehicles[:row], new, *problem.vehicles[row + 1 :])
    return Calibration(
        vehicle=new,
        problem=replace(problem, vehicles=vehicles),
        figures=_table(bus, fitted),
        days=table,
        held_out=held_out,
        mae_kwh=float(np.abs(error).mean()),
        mape=float((np.abs(error) / kwh).mean()),
        bias_kwh=float(error.mean()),
        mape_before=float((np.abs(before - kwh) / kwh).mean()),
        used=len(rows),
        dropped=dropped,
    )


def _vehicle_row(problem: Problem, name: str | None) -> int:
    names = [one.id for one in problem.vehicles]
    if name is not None and name not in names:
        raise ConfigError(f"no type of bus is called {name!r}", mend=f"there are {names}")
    row = 0 if name is None else names.index(name)
    if not problem.vehicles[row].electric:
        raise ConfigError(f"{names[row]!r} is not electric", mend="name an electric type")
    return row


def _usable(
    problem: Problem, bus: Vehicle, measured: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Rows that can be fitted (trip row, kwh, date, temperature, load), in an order of their own."""
    by_id = "trip_id" in measured
    needed = ["kwh"] if by_id else ["route_id", "direction_id", "depart_s", "kwh"]
    if missing := [name for name in needed if name not in measured]:
        raise TableError(
            f"measured: no column {missing[0]!r}",
            mend="trip_id and kwh, or route_id, direction_id, depart_s and kwh",
        )
    trip = _by_id(problem, measured) if by_id else _by_departure(problem, measured)
    rows = pd.DataFrame({"trip": trip, "kwh": _numbers(measured, "kwh")})
    rows["date"] = ""
    if "date" in measured:
        dates = pd.to_datetime(measured["date"].map(_as_text), errors="coerce", format="mixed")
        rows["date"] = dates.dt.strftime("%Y-%m-%d").fillna("").to_numpy()
    for name in ("temperature_c", "load"):
        rows[name] = _numbers(measured, name) if name in measured else np.nan
    km = problem.trips["distance_km"].to_numpy(float)[np.maximum(trip, 0)]
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = rows["kwh"].to_numpy() / km
    kind = measured["vehicle_type"].astype(object) if "vehicle_type" in measured else None
    other = np.zeros(len(rows), bool)
    if kind is not None:
        other = (kind.notna() & (kind.astype(str) != bus.id) & (kind.astype(str) != "")).to_numpy()
    reasons = {
        "another vehicle type": other,
        "no such trip": trip < 0,
        "kwh is no number above 0": ~(rows["kwh"] > 0).to_numpy(),
        "the trip has no length": km <= 0,
        f"beyond {_LEAST_KWH_KM:g} to {_MOST_KWH_KM:g} kWh/km": ~(
            (rate >= _LEAST_KWH_KM) & (rate <= _MOST_KWH_KM)
        ),
        "temperature beyond -60 to 60 C": (rows["temperature_c"].abs() > 60).to_numpy(),
        "load beyond 0 to 1.5": ((rows["load"] < 0) | (rows["load"] > 1.5)).to_numpy(),
        "no date": (rows["date"] == "").to_numpy() & ("date" in measured),
    }
    keep, dropped = np.ones(len(rows), bool), {}
    for why, bad in reasons.items():
        if (fresh := keep & bad).any():
            dropped[why] = int(fresh.sum())
        keep &= ~bad
    order = ["date", "trip", "kwh", "temperature_c", "load"]
    return rows[keep].sort_values(order, ignore_index=True), dropped


def _by_id(problem: Problem, measured: pd.DataFrame) -> NDArray[np.int64]:
    known = pd.Index(problem.trips["trip_id"])
    return np.asarray(known.get_indexer(measured["trip_id"].map(_as_text)), np.int64)


def _by_departure(problem: Problem, measured: pd.DataFrame) -> NDArray[np.int64]:
    """Nearest departure of the same route and direction; the earlier of two as near."""
    keys = ["route_id", "direction_id"]
    trips = problem.trips[keys].assign(trip=np.arange(len(problem.trips)))
    trips["depart_s"] = problem.depart_s.astype(float)
    asked = pd.DataFrame({name: measured[name].map(_as_text) for name in keys})
    asked["depart_s"] = _numbers(measured, "depart_s")
    asked = asked.reset_index(drop=True).rename_axis("row").reset_index()
    near: Any = float(_NEAR_S)  # of floats, whatever the stubs say
    timed = asked.dropna(subset=["depart_s"]).sort_values("depart_s", kind="stable")
    found = pd.merge_asof(
        timed, trips.sort_values("depart_s", kind="stable"), on="depart_s", by=keys,
        direction="nearest", tolerance=near,
    )  # fmt: skip
    rows = np.full(len(measured), -1, np.int64)
    rows[found["row"].to_numpy(int)] = found["trip"].fillna(-1).to_numpy(np.int64)
    return rows


def _as_text(value: Any) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)


def _numbers(table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return pd.to_numeric(table[name], errors="coerce").to_numpy(float)


def _runs_of(problem: Problem, rows: pd.DataFrame) -> Runs:
    """The measured trips, with their own temperature and load where they say one."""
    at = rows["trip"].to_numpy(np.int64)
    runs = Runs(*(one[at] for one in trip_runs(problem)))
    own = {name: rows[name].to_numpy(float) for name in ("load", "temperature_c")}
    return runs._replace(
        **{name: np.where(np.isnan(one), getattr(runs, name), one) for name, one in own.items()}
    )


def _informed(bus: Vehicle, parts: Terms, rows: pd.DataFrame, fit: Sequence[str]) -> list[str]:
    """Terms that the rows say something about."""
    chosen = ["kwh_km"]
    for name in TERMS:
        if name == "kwh_km" or name not in fit or not getattr(parts, name).any():
            continue
        # With a mass the model weighs passengers itself; one load for all is a part of kwh_km.
        if name == "kwh_km_full" and (bus.mass_kg is not None or rows["load"].nunique() < 2):
            continue
        chosen.append(name)
    return chosen


def _figures(bus: Vehicle) -> dict[str, float]:
    return {**{name: getattr(bus, name) for name in TERMS if name != "hvac"}, "hvac": 1.0}


def _fit(
    bus: Vehicle, parts: Terms, kwh: NDArray[np.float64], chosen: list[str]
) -> dict[str, float]:
    """Least squares with figures of 0 or more; those not chosen keep what the bus has."""
    from scipy.optimize import nnls

    figures = _figures(bus)
    names = list(chosen)
    while True:
        fixed = {name: figures[name] if name not in chosen else 0.0 for name in TERMS}
        rest = np.maximum(kwh - _predict(fixed, parts), 0.0)
        columns = np.column_stack([getattr(parts, name) for name in names])
        # Columns of one size: the answer then does not hang on units.
        size = np.maximum(np.linalg.norm(columns, axis=0), 1e-12)
        found = nnls(columns / size, rest)[0] / size
        if found[0] > 0 or len(names) == 1:
            break
        # A bus that takes nothing a km is no bus: leave the last term out and try again.
        names.pop()
    fitted = dict.fromkeys(chosen, 0.0) | dict(zip(names, found.tolist(), strict=True))
    fitted["kwh_km"] = max(fitted["kwh_km"], 1e-6)
    return {**figures, **fitted}


def _predict(figures: dict[str, float], parts: Terms) -> NDArray[np.float64]:
    total = np.zeros(parts.kwh_km.shape)
    for name in TERMS:
        total += figures[name] * getattr(parts, name)
    return total


def _vehicle(bus: Vehicle, fitted: dict[str, float]) -> Vehicle:
    plain = {name: fitted[name] for name in TERMS if name != "hvac"}
    table = bus.hvac
    if fitted["hvac"] != 1.0:
        table = tuple((celsius, kw * fitted["hvac"]) for celsius, kw in bus.hvac or HEATER_KW)
    changed: dict[str, Any] = {**plain, "hvac": table}
    return replace(bus, **changed)


def _table(bus: Vehicle, fitted: dict[str, float]) -> pd.DataFrame:
    before = _figures(bus)
    return pd.DataFrame(
        [(name, unit, before[name], fitted[name]) for name, unit in TERMS.items()],
        columns=["term", "unit", "before", "after"],
    )


def _by_day(dates: Any, kwh: NDArray[np.float64], predicted: NDArray[np.float64]) -> pd.DataFrame:
    error = predicted - kwh
    rows = pd.DataFrame({
        "date": np.asarray(dates, object), "trips": 1, "measured_kwh": kwh,
        "predicted_kwh": predicted, "mae_kwh": np.abs(error), "mape": np.abs(error) / kwh,
        "bias_kwh": error,
    })  # fmt: skip
    how = dict.fromkeys(("trips", "measured_kwh", "predicted_kwh"), "sum")
    how |= dict.fromkeys(("mae_kwh", "mape", "bias_kwh"), "mean")
    return rows.groupby("date", sort=True).agg(how).reset_index()
