"""Calibration: what was put in comes out, on days that were not looked at; bad rows are told."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility import fleet
from mobility.errors import ConfigError, TableError
from mobility.fleet.assets import Vehicle
from mobility.fleet.calibrate import TERMS, calibrate
from mobility.fleet.consumption import HEATER_KW, run_energy, trip_runs

TRUE = Vehicle(
    id="bus", kwh_km=1.05, kwh_stop=0.02, hour_kw=2.0,
    hvac=tuple((celsius, 0.6 * kw) for celsius, kw in HEATER_KW),
)  # fmt: skip


def problem_of(seed=0, trips=40, **bus):
    rng = np.random.default_rng(seed)
    hours = rng.uniform(0.5, 1.6, trips)
    depart = np.sort(rng.integers(18_000, 80_000, trips) // 60 * 60)
    table = pd.DataFrame({
        "trip_id": [f"t{at}" for at in range(trips)], "route_id": rng.integers(1, 4, trips).astype(str),
        "direction_id": rng.integers(0, 2, trips).astype(str), "depart_s": depart,
        "arrive_s": depart + (hours * 3600).astype(int), "from_stop": "a", "to_stop": "b",
        "distance_km": rng.uniform(6, 25, trips), "stops": rng.integers(10, 60, trips),
    })  # fmt: skip
    ways = pd.DataFrame([("d", "a", 600, 4.0), ("b", "d", 600, 4.0), ("b", "a", 900, 8.0)],
                        columns=["from_stop", "to_stop", "time_s", "distance_km"])  # fmt: skip
    return fleet.Problem.from_tables(
        table, deadheads=ways, depots=[{"id": "d", "stop_id": "d"}], vehicles=[{"id": "bus", **bus}]
    )


def measured_of(problem, days=6, noise=0.0, seed=1, true=TRUE):
    rng = np.random.default_rng(seed)
    tables = []
    for day in range(days):
        celsius = float(rng.uniform(-12, 33))
        runs = trip_runs(problem, celsius)
        kwh = run_energy(true, runs) * (1 + noise * rng.standard_normal(runs.km.size))
        tables.append(
            problem.trips[["trip_id", "route_id", "direction_id", "depart_s"]].assign(
                kwh=kwh, temperature_c=celsius, date=f"2025-03-{day + 1:02d}"
            )
        )
    return pd.concat(tables, ignore_index=True)


def test_what_was_put_in_comes_out():
    problem = problem_of()
    found = calibrate(problem, measured_of(problem))
    for name in ("kwh_km", "kwh_stop", "hour_kw"):
        assert getattr(found.vehicle, name) == pytest.approx(getattr(TRUE, name), rel=1e-6), name
    assert dict(found.vehicle.hvac) == pytest.approx(dict(TRUE.hvac), abs=1e-6)
    assert found.held_out
    assert found.mape < 1e-6 < found.mape_before
    assert (found.used, found.dropped, len(found.days)) == (240, {}, 6)
    assert found.problem.vehicle is found.vehicle
    cold = found.problem.replace(temperature_c=-5.0)
    assert cold.trip_kwh() == pytest.approx(run_energy(TRUE, trip_runs(cold)))


def test_the_error_is_that_of_days_not_looked_at():
    problem = problem_of()
    found = calibrate(problem, measured_of(problem, days=12, noise=0.08))
    assert 0.05 < found.mape < 0.08  # the mean of |noise| is 0.8 of its spread
    assert abs(found.bias_kwh) < 0.3
    assert found.days["mae_kwh"].mean() == pytest.approx(found.mae_kwh)
    text = str(found)
    assert "480 trips" in text
    assert "on 12 held-out days" in text
    assert set(json.loads(found.to_json())) >= {"figures", "days", "mape", "dropped"}
    # A day that is unlike the others shows it: it was not in its own fit.
    odd = measured_of(problem, true=Vehicle(kwh_km=1.1, hvac=((20.0, 0.0),)))
    odd = odd.drop(columns="temperature_c")
    odd.loc[odd["date"] == "2025-03-03", "kwh"] *= 1.5
    days = calibrate(problem, odd, fit=["kwh_km"]).days.set_index("date")
    assert days.loc["2025-03-03", "bias_kwh"] < 0
    assert days["mape"].idxmax() == "2025-03-03"
    assert days.loc["2025-03-03", "mape"] == pytest.approx(1 / 3, abs=0.01)


def test_the_model_is_fitted_where_the_bus_has_a_mass():
    problem = problem_of(mass_kg=13_000.0)
    true = replace(problem.vehicle, kwh_km=0.97)
    found = calibrate(problem, measured_of(problem, true=true))
    assert found.vehicle.kwh_km == pytest.approx(0.97)
    assert found.vehicle.mass_kg == 13_000.0
    assert found.vehicle.kwh_km_full == 0.0


def test_a_full_bus_is_told_from_an_empty_one():
    problem = problem_of()
    rows = measured_of(problem)
    rows["load"] = np.random.default_rng(5).uniform(0, 1, len(rows))
    km = problem.trips["distance_km"].to_numpy()[np.arange(len(rows)) % len(problem.trips)]
    rows["kwh"] += 0.25 * rows["load"] * km
    found = calibrate(problem, rows)
    assert found.vehicle.kwh_km_full == pytest.approx(0.25)
    assert found.figures.set_index("term").loc["kwh_km_full", "after"] == pytest.approx(0.25)


def test_trips_are_found_by_route_direction_and_departure():
    problem = problem_of()
    rows = measured_of(problem)
    by_id = calibrate(problem, rows)
    near = rows.drop(columns="trip_id")
    near["depart_s"] += np.where(np.arange(len(near)) % 2, 20, -20)
    near.loc[0, "depart_s"] = 3_000
    near["direction_id"] = near["direction_id"].astype(float)  # as a CSV with blanks is read
    found = calibrate(problem, near)
    assert found.dropped == {"no such trip": 1}
    assert found.vehicle.kwh_km == pytest.approx(by_id.vehicle.kwh_km)


def test_rows_that_cannot_be_used_are_counted_by_reason():
    problem = problem_of()
    rows = measured_of(problem).astype({"kwh": object, "temperature_c": object})
    rows["vehicle_type"] = "bus"
    rows.loc[0, "vehicle_type"] = "tram"
    rows.loc[1, "trip_id"] = "never"
    rows.loc[2, "kwh"] = "n/a"
    rows.loc[3, "kwh"] = 0
    rows.loc[4, "kwh"] = 4000.0
    rows.loc[5, "date"] = "some day"
    rows.loc[6, "temperature_c"] = 300
    found = calibrate(problem, rows)
    assert found.dropped == {
        "another vehicle type": 1, "no such trip": 1, "kwh is no number above 0": 2,
        "beyond 0.1 to 10 kWh/km": 1, "temperature beyond -60 to 60 C": 1, "no date": 1,
    }  # fmt: skip
    assert found.used + sum(found.dropped.values()) == len(rows)
    assert "7 left out" in str(found)


def test_one_day_has_no_day_to_hold_out_and_says_so():
    problem = problem_of()
    found = calibrate(problem, measured_of(problem, days=1).drop(columns=["date", "temperature_c"]))
    assert not found.held_out
    assert "on the fitted rows" in str(found)
    dated = measured_of(problem, days=2).assign(date=lambda rows: 20250300 + (rows.index // 40) + 1)
    assert calibrate(problem, dated).days["date"].tolist() == ["2025-03-01", "2025-03-02"]
    # Nothing was said of temperature, so nothing is learnt of it.
    assert found.vehicle.hvac == ()


def test_only_the_chosen_terms_change():
    problem = problem_of(hour_kw=2.0, kwh_stop=0.02)
    found = calibrate(problem, measured_of(problem), fit=["kwh_km", "hvac"])
    assert (found.vehicle.hour_kw, found.vehicle.kwh_stop) == (2.0, 0.02)
    assert found.vehicle.kwh_km == pytest.approx(1.05)


@settings(max_examples=8)
@given(st.integers(0, 99), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_is_nothing_and_no_figure_is_below_0(seed, random):
    problem = problem_of(seed, trips=15)
    rows = measured_of(problem, days=4, noise=0.3, seed=seed)
    order = list(range(len(rows)))
    random.shuffle(order)
    one, other = calibrate(problem, rows), calibrate(problem, rows.iloc[order])
    assert one.vehicle == other.vehicle
    assert one.days.equals(other.days)
    assert (one.figures["after"] >= 0).all()
    assert one.figures["term"].tolist() == list(TERMS)


def test_a_service_day_is_taken_with_the_defaults(samples_folder):
    from mobility.feed import read_feed

    day = read_feed(samples_folder / "santiago", cache=False).day("2025-06-04")
    rows = day.trips.head(200)[["trip_id"]].assign(kwh=day.trips["distance_km"].head(200) * 1.1)
    found = calibrate(day, rows, fit=["kwh_km"])
    assert found.vehicle.kwh_km == pytest.approx(1.1)


def test_wrong_questions_are_refused():
    problem = problem_of()
    rows = measured_of(problem)
    with pytest.raises(TableError, match="no column 'kwh'"):
        calibrate(problem, rows.drop(columns="kwh"))
    with pytest.raises(TableError, match="no column 'depart_s'"):
        calibrate(problem, rows.drop(columns=["trip_id", "depart_s"]))
    with pytest.raises(TableError, match="too few"):
        calibrate(problem, rows.head(3))
    with pytest.raises(ConfigError, match="no type of bus"):
        calibrate(problem, rows, vehicle="tram")
    with pytest.raises(ConfigError, match="no term"):
        calibrate(problem, rows, fit=["mass"])
    diesel = problem.replace(**{"vehicles.energy": "diesel"})
    with pytest.raises(ConfigError, match="not electric"):
        calibrate(diesel, rows)
