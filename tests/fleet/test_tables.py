"""Problems from a person's own tables."""

import itertools

import numpy as np
import pandas as pd
import pytest

from mobility import fleet
from mobility.errors import ConfigError, MobilityError, TableError

TRIP = ["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"]
RUNS = pd.DataFrame(
    [(one, other, 600, 4.0) for one, other in itertools.permutations(("home", "a", "b"), 2)],
    columns=["from_stop", "to_stop", "time_s", "distance_km"],
)
TRIPS = [("t2", 34_000, 37_000, "b", "a", 20.0), ("t1", 30_000, 33_000, "a", "b", 20.0)]


def problem_of(trips=TRIPS, **asked):
    asked = {"depots": [{"id": "d", "stop_id": "home"}], "deadheads": RUNS, **asked}
    return fleet.Problem.from_tables(pd.DataFrame(trips, columns=TRIP), **asked)


def test_rows_may_come_in_any_order():
    assert problem_of().trips["trip_id"].tolist() == ["t1", "t2"]


@pytest.mark.parametrize(
    ("trips", "said"),
    [
        ([("t1", 5, 3, "a", "b", 1.0)], "arrives before"),
        ([TRIPS[0], TRIPS[0]], "twice"),
        ([("t1", "soon", 3, "a", "b", 1.0)], "row 0.*depart_s"),
        ([("t1", 1, None, "a", "b", 1.0)], "row 0.*arrive_s"),
    ],
)
def test_bad_trips_are_refused(trips, said):
    with pytest.raises(TableError, match=said):
        problem_of(trips)


@pytest.mark.parametrize(
    "trip",
    [
        ("t1", 30_000.7, 33_000, "a", "b", 1.0),
        ("t1", 3e10, 4e10, "a", "b", 1.0),
        ("t1", 30_000, np.inf, "a", "b", 1.0),
        ("t1", 30_000, 33_000, "a", "b", -5.0),
        ("t1", 30_000, 33_000, "a", "b", np.inf),
        ("t1", 30_000, 33_000, "a", "b", "12,5"),
        (None, 30_000, 33_000, "a", "b", 1.0),
    ],
)
def test_trips_of_impossible_figures_are_refused(trip):
    with pytest.raises(TableError):
        problem_of([trip])


def test_a_missing_column_is_named():
    with pytest.raises(TableError, match="arrive_s"):
        fleet.Problem.from_tables(
            pd.DataFrame({"trip_id": ["t"], "depart_s": [1]}), depots=[{"id": "d", "stop_id": "x"}]
        )


def test_pairs_without_a_run_cannot_be_driven_unless_stops_have_places():
    few = RUNS[RUNS["from_stop"] != "b"]
    assert fleet.plan(problem_of(TRIPS[1:], deadheads=few)).report.objective is None
    stops = pd.DataFrame({"lat": [0.0, 0.0, 0.0], "lon": [0.0, 0.1, 0.2]}, index=["home", "a", "b"])
    filled = problem_of(deadheads=few, stops=stops)
    assert fleet.plan(filled).report.objective is not None
    row = filled.deadheads.row
    km = filled.deadheads.distance_m[0, row["b"], row["home"]] / 1000
    assert km == pytest.approx(22.24 * 1.3, rel=1e-3)


def test_depots_by_place_and_tables_as_frames():
    stops = pd.DataFrame({"lat": [0.0, 0.0], "lon": [0.0, 0.1]}, index=["a", "b"])
    problem = problem_of(
        depots=pd.DataFrame([{"id": "d", "lat": 0.0, "lon": 0.05, "capacity": np.nan}]),
        vehicles={"battery_kwh": 200.0}, stops=stops, currency="CLP",
    )  # fmt: skip
    assert problem.depots[0].stop_id == "depot:d"
    assert problem.depots[0].capacity is None
    assert problem.vehicle.battery_kwh == 200
    assert problem.currency == "CLP"


def test_replace_changes_all_members_and_refuses_what_is_not_there():
    problem = problem_of()
    bigger = problem.replace(**{"vehicles.battery_kwh": 420, "rules.min_layover_s": 600})
    assert bigger.vehicle.battery_kwh == 420
    assert bigger.rules.min_layover_s == 600
    assert problem.vehicle.battery_kwh == 350
    for path, said in (
        ("vehicles.batery_kwh", "batery_kwh"),
        ("vehicles.usable_kwh", "usable_kwh"),
        ("nonsense", "nonsense"),
    ):
        with pytest.raises(ConfigError, match=said):
            problem.replace(**{path: 1})
    with pytest.raises(ConfigError, match="battery_kwh"):
        problem.replace(**{"vehicles.battery_kwh": -3})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("tariff.slot_s", 7),
        ("tariff.energy", ()),
        ("depots.capacity", -1),
        ("depots.chargers", -2),
        ("rules.min_layover_s", -600),
        ("vehicles", ()),
    ],
)
def test_replace_refuses_impossible_values(path, value):
    with pytest.raises(MobilityError):
        fleet.plan(problem_of().replace(**{path: value}))


def test_no_trips_and_no_depots_is_an_error_in_words():
    with pytest.raises(MobilityError):
        problem_of([], depots=[])
