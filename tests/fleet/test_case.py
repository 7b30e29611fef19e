"""The case file: every mistake is one clear error that names the place and the mend."""

import pytest

from mobility import fleet
from mobility.errors import ConfigError, MobilityError
from mobility.feed import read_feed
from mobility.fleet.case import check_case, read_case, tariff_of


@pytest.fixture(scope="module")
def day(samples_folder):
    return read_feed(samples_folder / "santiago", cache=False).day("2025-06-04")


@pytest.mark.parametrize(
    ("content", "key", "near"),
    [
        ({"tarif": {}}, "tarif", "tariff"),
        ({"depot": [{"id": "d", "capacty": 3}]}, "depot.0.capacty", "capacity"),
        ({"tariff": {"demand": [{"price": 1.0, "hour": []}]}}, "tariff.demand.0.hour", "hours"),
        ({"vehicle": [{"battery_kw": 3}]}, "vehicle.0.battery_kw", "battery_kwh"),
    ],
)
def test_an_unknown_key_names_the_nearest(content, key, near):
    with pytest.raises(ConfigError) as error:
        check_case(content)
    assert key in str(error.value)
    assert f"did you mean {near!r}" in str(error.value)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"vehicle": [{"battery_kwh": -1}]}, "vehicle.0.battery_kwh"),
        ({"vehicle": [{"max_soc": 1.2}]}, "vehicle.0.max_soc"),
        ({"costs": {"vehicle_day_minor": "much"}}, "costs.vehicle_day_minor"),
        ({"costs": {"waiting_h_minor": float("nan")}}, "costs.waiting_h_minor"),
        ({"charger": [{"stop_id": "S", "count": -1}]}, "charger.0.count"),
        ({"rules": {"min_layover_s": -5}}, "rules.min_layover_s"),
        ({"service": {"modes": "bus"}}, "service.modes"),
        ({"deadheads": {"factor": 0.5}}, "deadheads.factor"),
        ({"tariff": {"energy": [["00:00", -1.0]]}}, "tariff.energy"),
        ({"depot": [{"stop_id": "S"}]}, "depot.0.id"),
        ({"tariff": {"demand": [{"price": 1.0, "months": [13]}]}}, "tariff.demand.0.months"),
        ({"currency": "pesos"}, "pesos"),
    ],
)
def test_a_wrong_value_names_its_place(content, place):
    with pytest.raises(ConfigError, match=place):
        check_case(content)


@pytest.mark.parametrize(
    ("tariff", "said"),
    [
        ({"energy": [["7 am", 3.0]]}, "7 am"),
        ({"energy": [["07:61", 3.0]]}, "07:61"),
        ({"energy": [["25:00", 1.0], ["01:00", 2.0]]}, "two prices"),
        ({"energy": []}, "empty"),
        ({"slot_s": 7}, "divide the day"),
        ({"demand": [{"price": 1.0, "hours": [["18:00", "x"]]}]}, "'x'"),
    ],
)
def test_a_wrong_tariff_is_refused(tariff, said):
    with pytest.raises(ConfigError, match=said):
        tariff_of(tariff)


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml"):
        read_case(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[depot\nid = 3")
    with pytest.raises(ConfigError, match="not TOML"):
        read_case(broken)
    broken.write_bytes(b"currency = '\xff\xfe'")
    with pytest.raises(ConfigError, match="not TOML"):
        read_case(broken)


def test_places_that_the_feed_does_not_have_are_named(day):
    with pytest.raises(ConfigError, match="T-NOWHERE"):
        fleet.problem(day, case={"depot": [{"id": "d", "stop_id": "T-NOWHERE"}]})
    with pytest.raises(ConfigError, match="T-NOWHERE"):
        fleet.problem(day, case={"charger": [{"stop_id": "T-NOWHERE"}]})
    with pytest.raises(ConfigError, match="no place"):
        fleet.problem(day, case={"depot": [{"id": "d", "lat": -33.0}]})


def deadheads(tmp_path, *rows):
    (tmp_path / "runs.csv").write_text(
        "from_stop,to_stop,from_s,to_s,time_s,distance_km\n" + "\n".join(rows) + "\n"
    )
    case = tmp_path / "fleet.toml"
    case.write_text('[deadheads]\nfile = "runs.csv"\n')
    return case


@pytest.mark.parametrize(
    "row", ["T-PEN,T-RIN,,,soon,4.0", "T-PEN,T-RIN,,,-60,4.0", "T-PEN,T-RIN,,,600,"]
)
def test_a_bad_row_of_empty_runs_is_named(day, tmp_path, row):
    case = deadheads(tmp_path, "T-RIN,T-PEN,,,600,4.0", row)
    with pytest.raises(MobilityError, match=r"row 3.*(time_s|distance_km)"):
        fleet.problem(day, case=case)


def test_a_bad_time_band_of_empty_runs_is_named(day, tmp_path):
    case = deadheads(tmp_path, "T-RIN,T-PEN,07:00,09:00,600,4.0")
    with pytest.raises(MobilityError, match="from_s"):
        fleet.problem(day, case=case)


@pytest.mark.parametrize("time_s", ["inf", "3000000000"])
def test_an_endless_empty_run_is_named(day, tmp_path, time_s):
    case = deadheads(tmp_path, f"T-RIN,T-PEN,,,{time_s},4.0")
    with pytest.raises(MobilityError, match="time_s"):
        fleet.problem(day, case=case)


def test_a_missing_file_or_column_of_empty_runs_is_named(day, tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.csv"):
        fleet.problem(day, case={"deadheads": {"file": str(tmp_path / "gone.csv")}})
    case = deadheads(tmp_path)
    (tmp_path / "runs.csv").write_text("from_stop,to_stop,distance_km\nT-RIN,T-PEN,4\n")
    with pytest.raises(MobilityError, match="time_s"):
        fleet.problem(day, case=case)


def test_what_the_case_does_not_say_is_said_in_the_assumptions(day):
    said = " ".join(fleet.problem(day).assumptions)
    for word in ("bus:", "depot", "empty runs", "electricity", "currency", "costs"):
        assert word in said
