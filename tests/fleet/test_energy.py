"""Energy: laws of the model, what was published of real buses, and the tables that stand before it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility import fleet
from mobility.errors import ConfigError, TableError
from mobility.fleet import energy
from mobility.fleet.assets import Vehicle
from mobility.fleet.case import check_case, consumption_of, temperature_of, vehicle_of
from mobility.fleet.consumption import (
    HEAT_PUMP_KW,
    HEATER_KW,
    Consumption,
    Runs,
    driven_kwh,
    hvac_kw,
    reference_kwh_km,
    run_energy,
)
from mobility.fleet.consumption_table import (
    COLUMNS,
    consumption_table,
    read_consumption,
    read_heights,
    read_temperatures,
)

BUS = Vehicle(mass_kg=13_000.0, passengers=80)
DEADHEADS = pd.DataFrame(
    [("d", "a", 600, 4.0), ("a", "d", 600, 4.0), ("d", "b", 900, 5.0), ("b", "d", 900, 5.0),
     ("a", "b", 1200, 9.0), ("b", "a", 1200, 9.0)],
    columns=["from_stop", "to_stop", "time_s", "distance_km"],
)  # fmt: skip


def problem_of(trips=None, bus=None, **others):
    if trips is None:
        trips = [
            {"trip_id": "up", "route_id": "1", "direction_id": "0", "depart_s": 25_200,
             "arrive_s": 28_800, "from_stop": "a", "to_stop": "b", "distance_km": 18.0, "stops": 40},
            {"trip_id": "down", "route_id": "1", "direction_id": "1", "depart_s": 39_600,
             "arrive_s": 42_300, "from_stop": "b", "to_stop": "a", "distance_km": 17.3, "stops": 38},
            {"trip_id": "night", "route_id": "2", "direction_id": "0", "depart_s": 90_000,
             "arrive_s": 92_000, "from_stop": "a", "to_stop": "b", "distance_km": 16.1, "stops": 0},
        ]  # fmt: skip
    return fleet.Problem.from_tables(
        pd.DataFrame(trips), deadheads=DEADHEADS, depots=[{"id": "d", "stop_id": "d"}],
        vehicles=[bus or {"id": "bus"}], **others,
    )  # fmt: skip


# Laws of the model.


@st.composite
def runs(draw, most=8):
    count = draw(st.integers(1, most))

    def many(low, high):
        return np.array(draw(st.lists(st.floats(low, high), min_size=count, max_size=count)))

    return Runs.of(
        km=many(0, 60), hours=many(0, 3), stops=np.floor(many(0, 90)), climb_m=many(-300, 600),
        load=many(0, 1.2), temperature_c=many(-30, 45),
    )  # fmt: skip


@st.composite
def buses(draw):
    cold = sorted(draw(st.lists(st.floats(0, 40), min_size=2, max_size=2)), reverse=True)
    hot = sorted(draw(st.lists(st.floats(0, 20), min_size=2, max_size=2)))
    table = ((-10.0, cold[0]), (10.0, cold[1]), (20.0, 0.0), (25.0, hot[0]), (38.0, hot[1]))
    return Vehicle(
        kwh_km=draw(st.floats(0.5, 3)),
        mass_kg=draw(st.none() | st.floats(4_000, 22_000)),
        passengers=draw(st.none() | st.integers(0, 160)),
        hvac=draw(st.sampled_from([(), HEATER_KW, HEAT_PUMP_KW, table])),
        kwh_stop=draw(st.sampled_from([0.0, 0.02])),
        hour_kw=draw(st.sampled_from([0.0, 3.0])),
        kwh_km_full=draw(st.sampled_from([0.0, 0.3])),
    )


@settings(max_examples=50)
@given(buses(), runs())
def test_energy_is_a_finite_number_of_0_or_more(bus, some):
    kwh = run_energy(bus, some)
    assert kwh.dtype == np.float64
    assert kwh.shape == some.km.shape
    assert np.isfinite(kwh).all()
    assert (kwh >= 0).all()


@settings(max_examples=50)
@given(buses(), runs(), st.floats(0, 20))
def test_more_km_never_costs_less(bus, some, more):
    longer = some._replace(km=some.km + more)
    assert (run_energy(bus, longer) >= run_energy(bus, some) - 1e-9).all()


@settings(max_examples=50)
@given(buses(), runs(), st.integers(0, 30))
def test_more_stops_never_cost_less(bus, some, more):
    assert (
        run_energy(bus, some._replace(stops=some.stops + more)) >= run_energy(bus, some) - 1e-9
    ).all()


@settings(max_examples=50)
@given(buses(), runs(), st.floats(0, 300))
def test_more_climb_never_costs_less(bus, some, more):
    steeper = some._replace(climb_m=some.climb_m + more)
    assert (run_energy(bus, steeper) >= run_energy(bus, some) - 1e-9).all()


@settings(max_examples=50)
@given(buses(), runs(), st.floats(0, 0.5))
def test_more_load_never_costs_less_on_trips_that_do_not_descend(bus, some, more):
    some = some._replace(climb_m=np.maximum(some.climb_m, 0.0))
    fuller = some._replace(load=some.load + more)
    assert (run_energy(bus, fuller) >= run_energy(bus, some) - 1e-9).all()


@settings(max_examples=50)
@given(buses(), runs(), st.floats(0, 20))
def test_farther_from_20_degrees_never_costs_less(bus, some, more):
    away = np.where(some.temperature_c >= 20, more, -more)
    farther = some._replace(temperature_c=some.temperature_c + away)
    mild = some._replace(temperature_c=np.full_like(some.km, 20.0))
    assert (run_energy(bus, farther) >= run_energy(bus, some) - 1e-9).all()
    assert (run_energy(bus, some) >= run_energy(bus, mild) - 1e-9).all()


@settings(max_examples=50)
@given(buses(), runs(), st.randoms(use_true_random=False))
def test_the_order_of_runs_is_nothing(bus, some, random):
    order = list(range(some.km.size))
    random.shuffle(order)
    shuffled = Runs(*(one[order] for one in some))
    assert (run_energy(bus, shuffled) == run_energy(bus, some)[order]).all()


@given(buses())
def test_a_reference_run_takes_kwh_km(bus):
    plain = replace(bus, kwh_stop=0.0, hour_kw=0.0, kwh_km_full=0.0)
    run = Runs.of(18.0, 1.0, temperature_c=20.0)
    assert run_energy(plain, run)[()] == pytest.approx(18.0 * bus.kwh_km)


def test_without_model_table_or_temperature_it_is_km_times_kwh_km_to_the_last_bit():
    problem = problem_of()
    km = problem.trips["distance_km"].to_numpy(float)
    assert (problem.trip_kwh() == km * 1.3).all()
    assert (energy.trip_kwh(problem) == km * 1.3).all()
    assert problem.run_kwh_km() == 1.3
    metres = np.array([4_000, 123], np.int64)
    assert (energy.run_kwh(problem, metres) == metres * (1.3 / 1000.0)).all()
    assert energy.notes(problem) == ["consumption: 1.3 kWh/km on every run; standing takes nothing"]


def test_a_changed_problem_counts_anew_and_an_old_one_keeps_its_answer():
    problem = problem_of()
    before = problem.trip_kwh()
    assert problem.trip_kwh() is before
    with pytest.raises(ValueError, match="read-only"):
        before[0] = 0.0
    dearer = problem.replace(**{"vehicles.kwh_km": 2.6})
    assert (dearer.trip_kwh() == before * 2).all()
    assert dearer.run_kwh_km() == 2.6
    cold = problem.replace(temperature_c=-5.0)
    hours = (problem.arrive_s - problem.depart_s) / 3600.0
    assert cold.trip_kwh() == pytest.approx(before + 20.0 * hours)
    heavy = problem.replace(**{"vehicles.mass_kg": 13_000.0, "consumption.load": 0.5})
    light = problem.replace(**{"vehicles.mass_kg": 13_000.0, "consumption.load": 0.1})
    assert (heavy.trip_kwh() > light.trip_kwh()).all()


def test_the_hour_of_a_trip_decides_its_temperature():
    degrees = [20.0] * 24
    degrees[7], degrees[1] = -5.0, 5.0  # 25:16 is an hour of the morning too
    problem = problem_of(temperature_c=tuple(degrees))
    extra = problem.trip_kwh() - problem_of().trip_kwh()
    assert extra == pytest.approx([20.0, 0.0, 9.0 * 2000 / 3600])
    pace = 3.6 * 2 * (4_000 + 5_000 + 9_000) / (2 * (600 + 900 + 1200))
    assert problem.run_kwh_km() == pytest.approx(1.3 + (20.0 + 9.0) / 3 / pace)


def test_a_bus_that_is_not_electric_takes_no_kwh():
    problem = problem_of(bus={"id": "old", "energy": "diesel"}, temperature_c=-5.0)
    assert (problem.trip_kwh() == 0).all()
    assert problem.run_kwh_km() == 0.0
    assert (problem.trip_kwh(-1) == 0).all()  # the conventional bus


def test_a_climb_is_the_difference_of_the_ends():
    level = problem_of(bus={"id": "b", "mass_kg": 13_000.0})
    heights = Consumption(heights_m={"a": 500.0, "b": 620.0})
    hilly = problem_of(bus={"id": "b", "mass_kg": 13_000.0}, consumption=heights)
    up, down, night = hilly.trip_kwh() - level.trip_kwh()
    kg = 13_000 + 0.16 * 62 * 75
    scale = 1.3 / reference_kwh_km(hilly.vehicle)
    assert up == pytest.approx(night) == pytest.approx(kg * 9.81 * 120 / 0.9 / 3.6e6 * scale)
    assert down == pytest.approx(-up)  # less than the trip's own resistance: nothing is braked away
    unknown = level.replace(consumption=Consumption(heights_m={"a": 500.0}))
    assert "3 trips are level" in energy.notes(unknown)[-1]
    assert (unknown.trip_kwh() == level.trip_kwh()).all()


# What others published. Tolerances are what the model reaches, rounded up: it knows a trip's mean
# speed and stops, and no street.

# SimBA, "energy_consumption_example.csv", Reiner Lemoine Institut, github.com/rl-institut/SimBA, MIT,
# read 2026: vehicle_type SB (a solo bus), kWh/km by mean speed (km/h) on the level, empty, at 25 C,
# its mildest column.
SIMBA_SPEED = {12.1: 1.206, 18.0: 1.084, 25.2: 1.028, 30.0: 0.977, 37.1: 0.932}
# The same at 18 km/h, 15 C, by incline and level of loading.
SIMBA_INCLINE = {
    (0.0, 0.0): 1.230, (0.0, 0.01): 1.628, (0.0, 0.02): 2.026, (0.0, 0.04): 2.821, (0.0, -0.01): 0.833,
    (0.0, -0.02): 0.467, (0.3, 0.0): 1.170, (0.3, 0.01): 1.624, (0.3, 0.02): 2.078, (0.3, 0.04): 2.985,
    (0.3, -0.01): 0.717, (0.3, -0.02): 0.305,
}  # fmt: skip
# The same at 30 % load on the level, by speed and temperature.
SIMBA_WEATHER = {
    (12.1, -15): 4.230, (12.1, -5): 3.086, (12.1, 5): 2.107, (12.1, 15): 1.296, (12.1, 25): 1.404,
    (12.1, 35): 1.953, (25.2, -15): 2.185, (25.2, -5): 1.790, (25.2, 5): 1.432, (25.2, 15): 1.110,
    (25.2, 25): 1.167, (25.2, 35): 1.389, (37.1, -15): 1.759, (37.1, -5): 1.483, (37.1, 5): 1.232,
    (37.1, 15): 1.005, (37.1, 25): 1.037, (37.1, 35): 1.184,
}  # fmt: skip
# 13.2 t and 88 places follow from the table's own slopes: 0.398 kWh/km a percent empty, 14 % more at 30 %.
SIMBA_BUS = Vehicle(id="SB", mass_kg=13_200.0, passengers=88)


def test_published_simba_speed():
    bus = replace(SIMBA_BUS, kwh_km=1.0)
    shape = {kmh: driven_kwh(bus, Runs.of(1.0, 1 / kmh, load=0.0))[()] for kmh in SIMBA_SPEED}
    for kmh, published in SIMBA_SPEED.items():
        # Of the reference speed; the three SORT speeds within 3 %, faster ones within 15 %.
        off = shape[kmh] / shape[18.0] / (published / SIMBA_SPEED[18.0]) - 1
        assert abs(off) < (0.03 if kmh < 26 else 0.15), kmh
        # And untouched by any kwh_km: our dimensions are not theirs.
        assert shape[kmh] == pytest.approx(published, rel=0.20 if kmh < 26 else 0.33)


def test_published_simba_incline_and_load():
    for (load, incline), published in SIMBA_INCLINE.items():
        if not incline:
            continue
        step = [driven_kwh(SIMBA_BUS, Runs.of(1.0, 1 / 18.0, climb_m=1000 * one, load=load))[()]
                for one in (0.0, incline)]  # fmt: skip
        wanted = published - SIMBA_INCLINE[load, 0.0]
        # Beyond the own resistance (1 %) SimBA's bus gets 85 % of a descent back, ours 50 %.
        rel = 0.03 if incline > 0 else 0.20
        assert step[1] - step[0] == pytest.approx(wanted, rel=rel), (load, incline)


def test_published_simba_temperature():
    for (kmh, celsius), published in SIMBA_WEATHER.items():
        # The default table was read at 18 km/h; here it must hold at other speeds.
        bus = replace(SIMBA_BUS, kwh_km=1.170)
        run = Runs.of(1.0, 1 / kmh, load=0.3, temperature_c=celsius)
        own = driven_kwh(bus, run) / driven_kwh(bus, Runs.of(1.0, 1 / 18.0, load=0.3)) * bus.kwh_km
        total = (own + hvac_kw(bus, celsius) / kmh)[()]
        assert total == pytest.approx(published, rel=0.16), (kmh, celsius)


def test_published_viriciti():
    """ViriCiti's fleet study: 79 buses of 12 m in seven Dutch cities, 1.15 kWh/km on average.

    "New report analyzes real-world performance of 100 e-buses in hot and cold weather", Charged EVs,
    after ViriCiti: on average 14 % more from -10 to 14 C, 9 % more from 20 to 29 C. Not told, so
    assumed here: 18 km/h, heat pumps, and days around 6 and 23 C (spread 5 and 3), as Dutch cool and
    warm seasons are. Were all degrees as frequent, the first guess here, the cold would cost 27 %: a
    miss. A heater takes more than twice a heat pump.
    """
    bus = Vehicle(kwh_km=1.15, hvac=HEAT_PUMP_KW)

    def rise(low, high, middle, spread):
        days = np.arange(low, high + 1.0)
        often = np.exp(-(((days - middle) / spread) ** 2) / 2)
        return float(np.average(hvac_kw(bus, days) / 18.0, weights=often) / bus.kwh_km)

    assert rise(-10, 14, 6.0, 5.0) == pytest.approx(0.14, abs=0.06)
    assert rise(20, 29, 23.0, 3.0) == pytest.approx(0.09, abs=0.06)


def test_published_cold_of_four_american_fleets():
    """CTE, Cleveland State University: 37.8 % less range from 50-60 F down to 22-32 F.

    Henning, Thomas, Smyth, "An Analysis of the Association between Changes in Ambient Temperature,
    Fuel Economy, and Vehicle Range for Battery Electric and Fuel Cell Electric Buses", 2019. Range
    is the inverse of consumption: 61 % more. Speed assumed to be 18 km/h, 1.3 kWh/km when mild.
    """
    bus = Vehicle(kwh_km=1.3, hvac=HEATER_KW)
    mild, cold = (float((bus.kwh_km + hvac_kw(bus, np.linspace(*span, 11)) / 18.0).mean())
                  for span in ((10.0, 15.6), (-5.6, 0.0)))  # fmt: skip
    assert 1 - mild / cold == pytest.approx(0.378, abs=0.04)


def test_published_cold_of_ithaca():
    """Cornell on TCAT's buses in Ithaca: 48 % more from -4 to 0 C (news of 2025, over 80,000 km).

    Between our heat pump (31 %) and our heater (71 %) at 18 km/h.
    """
    rise = [float((hvac_kw(Vehicle(hvac=one), np.linspace(-4, 0, 9)) / 18.0 / 1.3).mean())
            for one in (HEAT_PUMP_KW, HEATER_KW)]  # fmt: skip
    assert rise[0] < 0.48 < rise[1]


# Tables.

ROWS = pd.DataFrame(
    [("", "", "", "", "", 1.5, ""), ("1", "", "", "", "", 1.2, 1.4), ("1", "0", "", "", "", 1.1, 1.3),
     ("1", "", "", 36_000, 50_000, 1.9, ""), ("", "", "bus", "", "", 1.6, 1.7)],
    columns=list(COLUMNS),
)  # fmt: skip


TRIPS = problem_of().trips


def naive_row(rows, trip, kind):
    """The row that is used, found one by one."""
    best, weight = -1, -1
    for at, row in enumerate(rows.itertuples(index=False)):
        begin = -np.inf if row.from_s == "" else row.from_s
        end = np.inf if row.to_s == "" else row.to_s
        fits = row.route_id in ("", trip["route_id"]) and row.vehicle_type in ("", kind)
        fits &= row.direction_id in ("", trip["direction_id"]) and begin <= trip["depart_s"] < end
        timed = row.from_s != "" or row.to_s != ""
        own = (row.route_id != "", row.vehicle_type != "", row.direction_id != "", timed)
        own = sum(bit * one for bit, one in zip((8, 4, 2, 1), own, strict=True))
        if fits and own > weight:
            best, weight = at, own
    return best


def test_measured_rows_stand_before_the_model():
    table = consumption_table(ROWS)
    problem = problem_of(
        bus={"id": "bus", "mass_kg": 13_000.0}, consumption=Consumption(table=table),
        temperature_c=-10.0,
    )  # fmt: skip
    km = problem.trips["distance_km"].to_numpy(float)
    assert problem.trip_kwh() == pytest.approx(km * [1.1, 1.9, 1.6])
    high = problem.replace(**{"consumption.use": "p90"})
    assert high.trip_kwh() == pytest.approx(km * [1.3, 1.9, 1.7])
    assert energy.notes(high) == [
        (
            "consumption: 1.3 kWh/km at 18 km/h; speed, stops, load and climb by the model; cabin at -10 C "
            "outside; standing takes nothing"
        ),
        "bus 'bus': heated by an electric heater; give hvac for another",
        "bus 'bus': 62 places",
        "measured consumption (p90): 3 of 5 rows stand for 3 of 3 trips",
        "measured consumption: 1 rows have no p90, their mean serves",
    ]
    other = problem.replace(**{"vehicles.id": "other"})
    assert other.trip_kwh() == pytest.approx(km * [1.1, 1.9, 1.5])


@st.composite
def tables(draw):
    rows, seen = [], []
    for _ in range(draw(st.integers(0, 8))):
        key = [
            draw(st.sampled_from(["", *some])) for some in (("1", "2"), ("0", "1"), ("bus", "x"))
        ]
        begin = draw(st.sampled_from(["", 20_000, 30_000, 40_000]))
        end = draw(st.sampled_from(["", 30_000, 40_000, 95_000]))
        if begin != "" and end != "" and end <= begin:
            continue
        timed = begin != "" or end != ""
        low, high = (-1e9 if begin == "" else begin), (1e9 if end == "" else end)
        if any(k == key and t == timed and a < high and low < b for k, t, a, b in seen):
            continue
        seen.append((key, timed, low, high))
        rows.append((key[0], key[1], key[2], begin, end, draw(st.floats(0.5, 3)), ""))
    return pd.DataFrame(rows, columns=list(COLUMNS))


@settings(max_examples=25)
@given(tables(), st.randoms(use_true_random=False))
def test_the_most_exact_row_wins_whatever_the_order(rows, random):
    trips = TRIPS
    order = list(range(len(rows)))
    random.shuffle(order)
    shuffled = rows.iloc[order].reset_index(drop=True)
    kind = random.choice(["bus", "x"])
    table = consumption_table(rows)
    one, other = (some.kwh_km_of(trips, kind) for some in (table, consumption_table(shuffled)))
    assert np.array_equal(one, other, equal_nan=True)
    wanted = [naive_row(rows, trip, kind) for trip in trips.to_dict("records")]
    assert table.rows_of(trips, kind).tolist() == wanted


@pytest.mark.parametrize(
    ("column", "value", "place"),
    [
        ("kwh_km", "much", "kwh_km"),
        ("kwh_km", "", "kwh_km"),
        ("kwh_km", "-1", "kwh_km"),
        ("kwh_km", "inf", "kwh_km"),
        ("p90", "0", "p90"),
        ("from_s", "07:00", "from_s"),
        ("to_s", "10.5", "to_s"),
        ("vehicle_type", "tram", "vehicle_type"),
    ],
)
def test_a_bad_cell_is_one_finding_with_its_place(tmp_path, column, value, place):
    rows = ROWS.astype(object).copy()
    rows.loc[2, column] = value
    rows.to_csv(tmp_path / "consumption.csv", index=False)
    with pytest.raises(TableError) as error:
        read_consumption(tmp_path / "consumption.csv", ["bus"])
    (one,) = error.value.findings
    assert (one.file, one.row, one.column, one.value) == ("consumption.csv", 4, place, value)
    assert one.mend


def test_all_bad_cells_are_told_and_the_first_is_the_fatal_one():
    rows = ROWS.astype(object).copy()
    rows.loc[3, "kwh_km"], rows.loc[1, "p90"] = "x", "y"
    with pytest.raises(TableError) as error:
        consumption_table(rows)
    assert [(one.row, one.column) for one in error.value.findings] == [(3, "p90"), (5, "kwh_km")]
    assert str(error.value).startswith("consumption.csv:3:p90")


def test_two_rows_for_the_same_trips_and_a_band_that_ends_first_are_refused():
    twice = pd.concat([ROWS, ROWS.iloc[[1]]], ignore_index=True)
    with pytest.raises(TableError, match="row 3 fits the same trips"):
        consumption_table(twice)
    early = ROWS.astype(object).copy()
    early.loc[3, ["from_s", "to_s"]] = [50_000, 36_000]
    with pytest.raises(TableError, match=r"consumption\.csv:5:to_s"):
        consumption_table(early)
    with pytest.raises(TableError, match="unknown column 'kwh'"):
        consumption_table(pd.DataFrame({"kwh": [1.0], "kwh_km": [1.0]}))
    with pytest.raises(TableError, match="no column 'kwh_km'"):
        consumption_table(pd.DataFrame({"route_id": ["1"]}))


def test_heights_and_temperatures_are_read_or_refused(tmp_path):
    path = tmp_path / "heights.csv"
    path.write_text("stop_id,height_m\n07,543.5\nb,-2\n")
    assert read_heights(path) == {"07": 543.5, "b": -2.0}
    for content, words in (
        ("stop_id,height_m\na,high\n", "2:height_m"),
        ("stop_id,height_m\na,1\na,2\n", "3:stop_id"),
        ("stop_id,metres\na,1\n", "no column 'height_m'"),
    ):
        path.write_text(content)
        with pytest.raises(TableError, match=words):
            read_heights(path)
    path.write_text("hour,temperature_c\n0,0\n12,12\n")
    assert read_temperatures(path)[6] == pytest.approx(6.0)
    assert read_temperatures(path)[18] == pytest.approx(6.0)
    for content, words in (
        ("hour,temperature_c\n24,1\n", "2:hour"),
        ("hour,temperature_c\n3,1\n3,2\n", "3:hour"),
        ("hour,temperature_c\n3,warm\n", "2:temperature_c"),
        ("hour,temperature_c\n", "no rows"),
    ):
        path.write_text(content)
        with pytest.raises(TableError, match=words):
            read_temperatures(path)


# The case.


def test_a_case_says_what_trips_take(tmp_path):
    (tmp_path / "consumption.csv").write_text("route_id,kwh_km\n1,1.1\n")
    (tmp_path / "heights.csv").write_text("stop_id,height_m\na,10\n")
    (tmp_path / "weather.csv").write_text("hour,temperature_c\n5,-3\n")
    case = check_case({
        "energy": {"file": "consumption.csv", "heights": "heights.csv", "use": "p90", "load": 0.3},
        "weather": {"temperature_file": "weather.csv"},
        "vehicle": [{"mass_kg": 13_000, "hvac": "heat-pump"}, {"hvac": [[0, 9], [20, 0]]}, {}],
    })  # fmt: skip
    buses = tuple(vehicle_of(one, Vehicle()) for one in case.vehicle)
    assert [one.hvac for one in buses] == [HEAT_PUMP_KW, ((0.0, 9.0), (20.0, 0.0)), ()]
    own = consumption_of(case.energy, tmp_path, buses)
    assert (own.load, own.use, dict(own.heights_m), len(own.table)) == (
        0.3,
        "p90",
        {"a": 10.0},
        1,
    )
    assert temperature_of(case.weather, tmp_path) == (-3.0,) * 24
    empty = check_case({})
    assert consumption_of(empty.energy, tmp_path, ()) is None
    assert temperature_of(empty.weather, tmp_path) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"weather": {"temperature_c": 90.0}}, "temperature_c"),
        ({"weather": {"temperature_c": [1.0, 2.0]}}, "24"),
        ({"weather": {"temperature_c": 1.0, "temperature_file": "x.csv"}}, "one of the two"),
        ({"weather": {"temperature_file": "nowhere.csv"}}, "nowhere.csv"),
        ({"energy": {"load": 7.0}}, "load"),
        ({"energy": {"heights": "nowhere.csv"}}, "relative to the case"),
        ({"energy": {"use": "p95"}}, "energy.use"),
        ({"energy": {"heigths": "x.csv"}}, "did you mean 'heights'"),
        ({"vehicle": [{"hvac": [[20, 0], [0, 9]]}]}, "must rise"),
        ({"vehicle": [{"hvac": "stove"}]}, "vehicle.0.hvac"),
        ({"vehicle": [{"mass_kg": 0}]}, "vehicle.0.mass_kg"),
    ],
)
def test_a_wrong_word_on_energy_names_its_place(content, words, tmp_path):
    def read():
        case = check_case(content)
        buses = tuple(vehicle_of(one, Vehicle()) for one in case.vehicle)
        consumption_of(case.energy, tmp_path, buses)
        temperature_of(case.weather, tmp_path)

    with pytest.raises(ConfigError, match=words):
        read()


def test_a_problem_refuses_a_temperature_beyond_the_world():
    with pytest.raises(ConfigError, match="temperature_c"):
        problem_of(temperature_c=100.0)
