"""Plans as files of other systems: what is written says what was planned, and reads back."""

import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pytest

from mobility import fleet, samples
from mobility.errors import ConfigError, TableError
from mobility.feed import read_feed
from mobility.fleet.tods import EMPTY, tods_tables


@pytest.fixture(scope="module")
def day():
    return read_feed(samples.path("santiago"), cache=False).day("2025-06-04")


@pytest.fixture(scope="module")
def santiago(day):
    return fleet.plan(fleet.problem(day, case=samples.case("santiago", "fleet.toml")))


@pytest.fixture(scope="module")
def changsha():
    day = read_feed(samples.path("changsha"), cache=False).day()
    return fleet.plan(fleet.problem(day)), day


def moving(plan):
    """Empty runs that go somewhere, in the order of the file."""
    rows = plan.blocks[plan.blocks["kind"].isin(EMPTY)].sort_values(["vehicle", "seq"])
    still = (rows["from_stop"] == rows["to_stop"]) & (rows["start_s"] == rows["end_s"])
    return rows[~still].reset_index(drop=True)


def test_tods_files_read_back_as_they_were(tmp_path, santiago, day):
    folder = fleet.write_tods(santiago, tmp_path / "tods", day=day)
    told = fleet.read_tods(folder)
    assert told.block_of_trip == santiago.block_of_trip
    runs = moving(santiago)
    for name in ("block", "kind", "from_stop", "to_stop", "start_s", "end_s"):
        assert told.deadheads[name].tolist() == runs[name].tolist(), name
    firsts = santiago.blocks.drop_duplicates("block")
    assert told.vehicle_of_block == dict(zip(firsts["block"], firsts["vehicle"], strict=True))
    assert set(told.type_of_vehicle.values()) == {"e12"}
    chargers = {one.stop_id: (one.count, one.kw) for one in told.chargers}
    asked = {one.stop_id: (one.chargers, one.charger_kw) for one in santiago.problem.depots}
    asked |= {one.stop_id: (one.count, one.kw) for one in santiago.problem.chargers}
    assert chargers == asked
    assert {kw for _, kw in told.curves["e12"]} == {150.0}
    # What was read can be planned with again: the same chargers, the same curve.
    again = santiago.problem.replace(
        chargers=told.chargers, **{"vehicles.curve": told.curves["e12"]}
    )
    assert again.vehicles[0].curve == told.curves["e12"]


def test_tods_rows_have_what_gtfs_requires(santiago, day):
    tables = tods_tables(santiago, day)
    trips = tables["trips_supplement"]
    added = trips[trips["TODS_trip_type"] != ""]
    assert (added[["route_id", "service_id", "block_id"]] != "").all().all()
    assert set(added["route_id"]) == set(tables["routes_supplement"]["route_id"])
    assert trips["trip_id"].is_unique
    calls = tables["stop_times_supplement"]
    assert set(calls["trip_id"]) == set(added["trip_id"])
    assert (calls.groupby("trip_id")["stop_sequence"].count() == 2).all()
    assert (calls[["pickup_type", "drop_off_type"]] == 1).all().all()
    assert calls["arrival_time"].str.fullmatch(r"\d{2}:\d{2}:\d{2}").all()
    services = dict(zip(day.trips["trip_id"], day.trips["service_id"], strict=True))
    used = {services[trip] for trip in santiago.block_of_trip}
    assigned = tables["vehicle_assignments"]
    assert set(assigned["service_id"]) == used
    assert not assigned.duplicated(["date", "block_id", "service_id"]).any()
    assert set(assigned["date"]) == {"20250604"}
    assert "calendar_dates_supplement" not in tables


def test_without_a_service_day_empty_runs_have_a_service_of_their_own(santiago):
    tables = tods_tables(santiago)
    own = tables["calendar_dates_supplement"].to_dict("records")
    assert own == [{"service_id": "plan-2025-06-04", "date": "20250604", "exception_type": 1}]
    added = tables["trips_supplement"].query("TODS_trip_type != ''")
    assert set(added["service_id"]) == {"plan-2025-06-04"}
    assert "vehicle_assignments" not in tables  # nobody knows the services of the trips


def test_a_depot_that_is_no_stop_is_written_as_a_garage(tmp_path):
    trips = pd.DataFrame([("1", 30_000, 33_000, "a", "a", 20.0)],
                         columns=["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"])  # fmt: skip
    problem = fleet.Problem.from_tables(
        trips, stops=pd.DataFrame({"lat": [1.0], "lon": [2.0]}, index=["a"]),
        depots=[{"id": "yard", "lat": 1.01, "lon": 2.0, "chargers": 3}],
        vehicles={"id": "b", "curve": ((0.0, 120.0), (0.8, 120.0), (1.0, 20.0))},
        date=pd.Timestamp("2025-03-05").date(),
    )  # fmt: skip
    plan = fleet.plan(problem)
    tables = tods_tables(plan)
    assert tables["stops_supplement"].to_dict("records") == [{
        "stop_id": "depot:yard", "stop_name": "yard", "stop_lat": "", "stop_lon": "",
        "TODS_location_type": "garage",
    }]  # fmt: skip
    assert tables["chargers"].to_dict("records") == [
        {"ops_location_id": "depot:yard", "stop_id": "", "max_kw": 150, "number_of_chargers": 3}
    ]
    bands = tables["charge_curves"]
    assert bands["start_soc"].iloc[0] == 0.0
    assert bands["end_soc"].iloc[-1] == 1.0
    assert (bands["start_soc"].to_numpy()[1:] == bands["end_soc"].to_numpy()[:-1]).all()
    assert bands["curve_sequence"].tolist() == list(range(1, len(bands) + 1))
    read = fleet.read_tods(fleet.write_tods(plan, tmp_path / "tods"))
    levels, kw = zip(*read.curves["b"], strict=True)
    at = np.linspace(0, 1, 401)
    wanted = np.interp(at, (0.0, 0.8, 1.0), (120.0, 120.0, 20.0))
    assert np.abs(np.interp(at, levels, kw) - wanted).max() <= 2.5 + 1e-9  # half a band of 5 kW
    # Written again, the same bands: the second round loses nothing.
    bus = dataclasses.replace(problem.vehicles[0], curve=read.curves["b"])
    again = dataclasses.replace(plan, problem=dataclasses.replace(problem, vehicles=(bus,)))
    pd.testing.assert_frame_equal(tods_tables(again)["charge_curves"], bands)


def test_tods_folders_and_files_that_cannot_be_are_refused(tmp_path, santiago, changsha):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.md").write_text("x")
    with pytest.raises(ConfigError, match=r"no TODS file of ours \(found 'notes.md'\)"):
        fleet.write_tods(santiago, tmp_path / "mine")
    plan, day = changsha
    undated = dataclasses.replace(plan, problem=dataclasses.replace(plan.problem, date=None))
    with pytest.raises(ConfigError, match="which date"):
        fleet.write_tods(undated, tmp_path / "tods")
    fleet.write_tods(plan, tmp_path / "tods", day=day)
    fleet.write_tods(plan, tmp_path / "tods", day=day)  # an earlier one is replaced
    with pytest.raises(TableError, match="no trips_supplement"):
        fleet.read_tods(tmp_path / "mine")
    calls = tmp_path / "tods" / "stop_times_supplement.txt"
    calls.write_text(re.sub(r"\d\d:\d\d:\d\d", "soon", calls.read_text(), count=1))
    with pytest.raises(TableError, match=r"stop_times_supplement\.txt:2:arrival_time"):
        fleet.read_tods(tmp_path / "tods")


def schedule_of(told, version):
    own = told["csChargingProfiles"] if version == "1.6" else told["chargingProfile"]
    schedule = own["chargingSchedule"]
    return own, schedule if version == "1.6" else schedule[0]


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_ocpp_profiles_follow_the_field_rules(santiago, version):
    profiles = fleet.ocpp_profiles(santiago, version)
    ids = set()
    for told in profiles.values():
        own, schedule = schedule_of(told, version)
        if version == "1.6":
            assert set(told) == {"connectorId", "csChargingProfiles"}
            assert told["connectorId"] > 0
            assert set(own) == {"chargingProfileId", "stackLevel", "chargingProfilePurpose", "chargingProfileKind",
                                "recurrencyKind", "chargingSchedule"}  # fmt: skip
        else:
            assert set(told) == {"evseId", "chargingProfile"}
            assert told["evseId"] > 0
            assert set(own) == {"id", "stackLevel", "chargingProfilePurpose", "chargingProfileKind",
                                "recurrencyKind", "chargingSchedule"}  # fmt: skip
            assert 1 <= len(own["chargingSchedule"]) <= 3
            assert isinstance(schedule["id"], int)
        ids.add(own["chargingProfileId"] if version == "1.6" else own["id"])
        # No transactionId: only a TxProfile has one. A recurring profile says how it recurs, and from when.
        assert own["chargingProfilePurpose"] == "TxDefaultProfile"
        assert own["stackLevel"] >= 0
        assert (own["chargingProfileKind"], own["recurrencyKind"]) == ("Recurring", "Daily")
        assert schedule["chargingRateUnit"] == "W"
        assert schedule["duration"] == 86_400
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", schedule["startSchedule"])
        periods = schedule["chargingSchedulePeriod"]
        assert 1 <= len(periods) <= 1024
        starts = [one["startPeriod"] for one in periods]
        assert starts[0] == 0
        assert starts == sorted(set(starts))
        assert starts[-1] < 86_400
        for one in periods:
            assert set(one) == {"startPeriod", "limit"}
            assert all(isinstance(value, int) and value >= 0 for value in one.values())
    assert len(ids) == len(profiles)
    assert set(profiles) == set(
        zip(santiago.sessions["site"], santiago.sessions["charger"], strict=True)
    )


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_ocpp_profiles_give_the_planned_energy_at_local_midnight(santiago, version):
    planned = santiago.sessions.groupby(["site", "charger"])["kwh"].sum()
    most = {one.id: one.charger_kw for one in santiago.problem.depots}
    most |= {one.id: one.kw for one in santiago.problem.chargers}
    for charger, told in fleet.ocpp_profiles(santiago, version).items():
        _, schedule = schedule_of(told, version)
        periods = schedule["chargingSchedulePeriod"]
        ends = [*(one["startPeriod"] for one in periods[1:]), 86_400]
        kwh = (
            sum(
                one["limit"] * (end - one["startPeriod"])
                for one, end in zip(periods, ends, strict=True)
            )
            / 3.6e6
        )
        assert kwh == pytest.approx(planned[charger], abs=0.02)
        assert max(one["limit"] for one in periods) <= 1000 * most[charger[0]] + 1
        assert schedule["startSchedule"] == "2025-06-04T04:00:00Z"  # midnight in Santiago, UTC-4


def test_ocpp_files_are_written_and_refused(tmp_path, santiago):
    folder = fleet.write_ocpp(santiago, tmp_path / "profiles")
    found = sorted(folder.rglob("*.json"))
    profiles = fleet.ocpp_profiles(santiago)
    assert len(found) == 2 * len(profiles)
    assert {one.parent.name for one in found} == {"1.6", "2.0.1"}
    told = json.loads((folder / "1.6" / "rinconada-0.json").read_text())
    assert told == profiles["rinconada", 0]
    fleet.write_ocpp(santiago, folder, versions=("1.6",))
    assert not (folder / "2.0.1").exists()
    (folder / "mine.txt").write_text("x")
    with pytest.raises(ConfigError, match="no OCPP profile"):
        fleet.write_ocpp(santiago, folder)
    with pytest.raises(ConfigError, match="not known"):
        fleet.ocpp_profiles(santiago, "2.1")


def test_a_pull_out_before_the_service_day_is_left_out_and_named(santiago, day):
    from mobility.fleet.tods import too_early

    assert too_early(santiago) == []
    first = moving(santiago).iloc[0]
    shifted = santiago.blocks.copy()
    mine = (shifted["block"] == first["block"]) & (shifted["start_s"] == first["start_s"])
    shifted.loc[mine, "start_s"] = -60
    plan = dataclasses.replace(santiago, blocks=shifted)
    assert too_early(plan) == [first["block"]]
    added = tods_tables(plan, day)["trips_supplement"].query("TODS_trip_type != ''")
    assert len(added) == len(moving(santiago)) - 1
