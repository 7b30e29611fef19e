"""What a planner compares: counted here once more, the slow and obvious way."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility import fleet, samples
from mobility.feed import read_feed
from mobility.fleet.kpis import (
    CO2E_G_KWH,
    CO2E_KG_DIESEL_L,
    CO2E_KG_HYDROGEN_KG,
    UNITS,
    buses_by_quarter_hour,
    charge_levels,
    compare_kpis,
    kpi_rows,
    kpis,
)

TRIP = ["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"]
RUNS = pd.DataFrame(
    [(one, other, 600, 4.0) for one, other in itertools.permutations(("home", "a", "b"), 2)],
    columns=["from_stop", "to_stop", "time_s", "distance_km"],
)


def asked(*trips, **more):
    more = {"depots": [{"id": "d", "stop_id": "home"}], "deadheads": RUNS, **more}
    return fleet.Problem.from_tables(pd.DataFrame(trips, columns=TRIP), **more)


TRIPS = [("1", 30_000, 33_000, "a", "b", 20.0), ("2", 34_000, 37_000, "b", "a", 20.0)]


@pytest.fixture(scope="module")
def santiago():
    day = read_feed(samples.path("santiago"), cache=False).day("2025-06-04")
    return fleet.plan(fleet.problem(day, case=samples.case("santiago", "fleet.toml")))


def slow_quarters(plan):
    """Paint every bus's day minute by minute; starts and ends must be whole minutes."""
    names = {"trip": "in_service", "wait": "layover", "depot": "at_depot"}
    minutes = {vehicle: ["at_depot"] * 1440 for vehicle in plan.blocks["vehicle"]}
    for row in plan.blocks.itertuples():
        for minute in range(row.start_s // 60, row.end_s // 60):
            minutes[row.vehicle][minute % 1440] = names.get(row.kind, "deadhead")
    outs = [sum(day[at] != "at_depot" for day in minutes.values()) for at in range(1440)]
    for row in plan.sessions.itertuples():
        for minute in range(row.start_s // 60, row.end_s // 60):
            assert minutes[row.vehicle][minute % 1440] in {"at_depot", "layover"}
            minutes[row.vehicle][minute % 1440] = "charging"
    return pd.DataFrame([
        {
            "start_s": 60 * at,
            **{
                name: sum(day[at : at + 15].count(name) for day in minutes.values()) / 15
                for name in ("in_service", "deadhead", "layover", "charging", "at_depot")
            },
            "most_out": max(outs[at : at + 15]),
        }
        for at in range(0, 1440, 15)
    ])  # fmt: skip


@given(
    st.lists(
        st.tuples(st.integers(-60, 1_500), st.integers(1, 200), st.sampled_from(["ab", "ba", "aa"])),
        min_size=1, max_size=5,
    )
)  # fmt: skip
@settings(max_examples=12)
def test_quarter_hours_are_what_a_clock_and_a_pencil_count(trips):
    table = [
        (str(at), 60 * start, 60 * (start + length), way[0], way[1], length / 3.0)
        for at, (start, length, way) in enumerate(trips)
    ]
    plan = fleet.plan(asked(*table, chargers=[{"stop_id": "b", "count": 2}]))
    told = buses_by_quarter_hour(plan)
    pd.testing.assert_frame_equal(told, slow_quarters(plan), check_dtype=False)
    states = told.drop(columns=["start_s", "most_out"])
    assert np.allclose(states.sum(axis=1), plan.vehicles)
    assert kpis(plan)["peak_buses"] == told["most_out"].max()


def test_the_figures_of_a_bus_with_two_trips():
    plan = fleet.plan(asked(*TRIPS))
    told = plan.kpis
    assert list(told) == list(UNITS)
    assert (told["vehicles"], told["peak_buses"], told["spares"]) == (1, 1, 1)
    assert (told["trips"], told["blocks"], told["trips_per_block"]) == (2, 1, 2.0)
    assert told["in_service_km"] == 40.0
    assert told["deadhead_km"] == told["km_per_bus"] - 40.0 == 8.0
    assert told["deadhead_share"] == round(8 / 48, 4)
    assert told["layover_h"] == round(1000 / 3600, 3)
    assert told["kwh_per_km"] == 1.3
    assert told["energy_kwh"] == pytest.approx(48 * 1.3, abs=1e-3)
    assert told["least_soc"] == pytest.approx(0.9 - 48 * 1.3 / 350, abs=1e-4)
    assert told["least_soc_where"] == {
        "vehicle": "v0001", "place": "home", "time_s": 37_600, "time": "10:26:40",
    }  # fmt: skip
    assert told["co2e_t"] == pytest.approx(48 * 1.3 * CO2E_G_KWH / 1e6, abs=1e-4)
    assert "Ember" in told["co2e_factor"]
    assert kpis(plan, co2e_g_kwh=0)["co2e_t"] == 0
    assert kpis(plan, co2e_g_kwh=200)["co2e_factor"] == "200 g a kWh (given)"
    assert kpis(plan, spare_share=0.0)["spares"] == 0


def test_spares_are_whole_buses(santiago):
    for share in (0.0, 0.1, 0.2, 1.0):
        spares = kpis(santiago, spare_share=share)["spares"]
        assert spares == math.ceil(round(share * santiago.vehicles, 9))


def test_the_least_charge_is_that_of_a_slow_replay(santiago):
    bus, slot = santiago.problem.vehicle, santiago.problem.tariff.slot_s
    least = {}
    for vehicle, own in santiago.blocks.groupby("vehicle"):
        changes = [(row.end_s, -row.kwh) for row in own.itertuples()]
        for row in santiago.sessions[santiago.sessions["vehicle"] == vehicle].itertuples():
            changes += [(row.start_s + (at + 1) * slot, kw * slot / 3600)
                        for at, kw in enumerate(row.kw)]  # fmt: skip
        level = bus.battery_kwh * bus.start_soc
        least[vehicle] = level
        for _, change in sorted(changes):
            level += change
            least[vehicle] = min(least[vehicle], level)
        assert level == pytest.approx(bus.battery_kwh * bus.start_soc, abs=1e-3)
    levels = charge_levels(santiago)
    got = levels.groupby("vehicle")["kwh"].min()
    assert dict(got) == pytest.approx(least, abs=1e-6)
    told = santiago.kpis
    assert told["least_soc"] == pytest.approx(min(least.values()) / bus.battery_kwh, abs=1e-4)
    where = told["least_soc_where"]
    assert least[where["vehicle"]] == pytest.approx(min(least.values()), abs=1e-3)
    assert (levels["soc"] <= bus.max_soc + 1e-6).all()


def test_sites_and_power(santiago):
    told = santiago.kpis
    for site, part in santiago.power.groupby("site"):
        assert told["peak_kw"][site] == pytest.approx(part["kw"].max(), abs=1e-3)
    in_all = santiago.power.groupby("start_s")["kw"].sum().max()
    assert told["peak_kw_in_all"] == pytest.approx(in_all, abs=1e-3)


def test_rows_in_another_order_tell_the_same(santiago):
    from dataclasses import replace

    mixed = replace(
        santiago,
        blocks=santiago.blocks.sample(frac=1, random_state=1),
        sessions=santiago.sessions.sample(frac=1, random_state=2),
        power=santiago.power.sample(frac=1, random_state=3),
    )
    assert kpis(mixed) == santiago.kpis
    pd.testing.assert_frame_equal(buses_by_quarter_hour(mixed), buses_by_quarter_hour(santiago))


def test_blocks_alone_know_no_energy():
    told = fleet.plan_blocks(asked(*TRIPS)).kpis
    assert told["vehicles"] == told["blocks"] == 1
    for name in ("least_soc", "least_soc_where", "energy_kwh", "kwh_per_km", "peak_kw", "co2e_t"):
        assert told[name] is None


def test_fuel_is_counted_by_kind():
    from dataclasses import replace

    far = ("far", 30_000, 40_000, "a", "b", 400.0)
    plan = fleet.plan(asked(far))
    told = plan.kpis
    assert told["least_soc"] is None
    assert told["fuel"] == {"diesel_l": 0.0, "hydrogen_kg": 0.0}
    assert "408 km of buses without fuel_km are not counted" in told["co2e_factor"]
    burns = fleet.Vehicle(id="conventional", energy="diesel", fuel_km=0.4)
    cell = fleet.Vehicle(id="conventional", energy="hydrogen", fuel_km=0.08)
    for bus, fuel, tonnes in (
        (burns, {"diesel_l": 163.2, "hydrogen_kg": 0.0}, 163.2 * CO2E_KG_DIESEL_L / 1e3),
        (cell, {"diesel_l": 0.0, "hydrogen_kg": 32.64}, 32.64 * CO2E_KG_HYDROGEN_KG / 1e3),
    ):
        vehicles = (*plan.problem.vehicles, bus)
        told = kpis(replace(plan, problem=plan.problem.replace(vehicles=vehicles)))
        assert told["fuel"] == fuel
        assert told["co2e_t"] == pytest.approx(tonnes, abs=1e-4)
        assert "not counted" not in told["co2e_factor"]


def test_nothing_to_drive_and_no_answer():
    assert fleet.plan(asked()).kpis["vehicles"] == 0
    assert fleet.plan(asked()).kpis["least_soc"] is None
    weak = asked(*TRIPS, depots=[{"id": "d", "stop_id": "home", "capacity": 0}])
    assert fleet.plan(weak).kpis["energy_kwh"] is None


def test_before_and_after(santiago):
    before = fleet.plan_blocks(santiago.problem)
    table = compare_kpis(before, santiago).set_index("name")
    assert list(table.columns) == ["unit", "before", "after", "difference"]
    assert table.loc["vehicles", "difference"] == santiago.vehicles - before.vehicles
    assert table.loc["energy_kwh", "before"] is None
    assert table.loc["energy_kwh", "difference"] is None
    assert table.loc["peak_kw[rinconada]", "after"] == santiago.kpis["peak_kw"]["rinconada"]
    same = compare_kpis(santiago, santiago)["difference"].dropna()
    assert (same == 0).all()
    names = [name.partition("[")[0] for name in table.index]
    assert list(dict.fromkeys(names)) == list(UNITS)


def test_a_table_has_the_names_of_the_json(santiago):
    rows = kpi_rows(santiago.kpis)
    assert {name.partition("[")[0] for name, _, _ in rows} <= set(UNITS)
    assert all(value for _, value, _ in rows)
