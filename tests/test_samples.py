"""The sample feeds: they are what their scripts write, and they are what their tables say."""

from __future__ import annotations

import csv
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from datetime import date
from itertools import pairwise

import pytest
from typer.testing import CliRunner

from mobility import samples
from mobility.cli.samples import app
from mobility.errors import ConfigError

CITIES = ("changsha", "incheon", "santiago")
FOLDER = samples.path("santiago").parent
KEPT_BY_HAND = {
    "README.md",
    "fleet.toml",
    "tariff.toml",
    "weather.csv",
}  # weather has its own script
ODD = tomllib.loads((FOLDER / "odd" / "expect.toml").read_text("utf-8"))


def rows(folder, table):
    source = folder / f"{table}.txt"
    if not source.is_file():
        return []
    with source.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def seconds(text):
    hours, minutes, rest = map(int, text.split(":"))
    return 3600 * hours + 60 * minutes + rest


def files(folder):
    return {one.relative_to(folder): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


@pytest.mark.parametrize("name", [*CITIES, "odd"])
def test_the_script_writes_the_committed_bytes(name, tmp_path):
    script = FOLDER / f"build_{name}.py"
    subprocess.run([sys.executable, "-B", str(script), str(tmp_path)], check=True)
    made, kept = files(tmp_path / name), files(FOLDER / name)
    if name != "odd":
        kept = {path: content for path, content in kept.items() if path.name not in KEPT_BY_HAND}
    assert made.keys() == kept.keys()
    assert [str(path) for path in made if made[path] != kept[path]] == []


def test_the_script_of_the_weather_writes_the_committed_bytes(tmp_path):
    script = FOLDER / "build_weather.py"
    subprocess.run([sys.executable, "-B", str(script), str(tmp_path)], check=True)
    made = files(tmp_path)
    assert {str(path) for path in made} == {f"{name}/weather.csv" for name in CITIES}
    assert [str(path) for path in made if made[path] != (FOLDER / path).read_bytes()] == []


@pytest.mark.parametrize("name", CITIES)
def test_text_is_utf8_with_lf(name):
    for path, content in files(FOLDER / name).items():
        content.decode("utf-8")
        assert b"\r" not in content, path
        assert content.endswith(b"\n"), path


@pytest.mark.parametrize("name", CITIES)
def test_every_key_is_known_and_unique(name):
    folder = FOLDER / name
    ids = {}
    for table, key in (("stops", "stop_id"), ("routes", "route_id"), ("trips", "trip_id")):
        found = [row[key] for row in rows(folder, table)]
        assert len(found) == len(set(found)), table
        ids[key] = set(found)
    ids["shape_id"] = {row["shape_id"] for row in rows(folder, "shapes")}
    ids["service_id"] = {row["service_id"] for row in rows(folder, "calendar")}
    ids["agency_id"] = {row["agency_id"] for row in rows(folder, "agency")}
    ids["from_stop_id"] = ids["to_stop_id"] = ids["stop_id"]
    for table in ("trips", "stop_times", "routes", "calendar_dates", "frequencies", "transfers"):
        for row in rows(folder, table):
            for key in row.keys() & ids.keys():
                assert row[key] in ids[key], (table, row)
    assert ids["stop_id"] == {row["stop_id"] for row in rows(folder, "stop_times")}
    assert ids["trip_id"] == {row["trip_id"] for row in rows(folder, "stop_times")}


@pytest.mark.parametrize("name", CITIES)
def test_times_and_distances_grow_and_buses_drive_at_bus_speed(name):
    folder = FOLDER / name
    mode = {row["route_id"]: row["route_type"] for row in rows(folder, "routes")}
    route = {row["trip_id"]: row["route_id"] for row in rows(folder, "trips")}
    calls = defaultdict(list)
    for row in rows(folder, "stop_times"):
        at = seconds(row["arrival_time"]), float(row["shape_dist_traveled"])
        calls[row["trip_id"]].append((*at, int(row["stop_sequence"])))
    for trip, called in calls.items():
        assert called == sorted(called), trip
        assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(called))
        if mode[route[trip]] == "3":
            kmh = 3600 * called[-1][1] / (called[-1][0] - called[0][0])
            assert 12 <= kmh <= 35, (trip, kmh)


def services_of(folder, day):
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    text = day.strftime("%Y%m%d")
    active = {
        row["service_id"]
        for row in rows(folder, "calendar")
        if row[names[day.weekday()]] == "1" and row["start_date"] <= text <= row["end_date"]
    }
    for row in rows(folder, "calendar_dates"):
        if row["date"] == text:
            (active.add if row["exception_type"] == "1" else active.discard)(row["service_id"])
    return active


@pytest.mark.parametrize("name", CITIES)
def test_every_day_of_2025_has_one_service(name):
    start = date(2025, 1, 1).toordinal()
    for ordinal in range(start, start + 365):
        day = date.fromordinal(ordinal)
        assert len(services_of(FOLDER / name, day)) == 1, day


def test_santiago_is_a_working_city():
    folder = FOLDER / "santiago"
    assert services_of(folder, date(2025, 3, 5)) == {"L"}
    assert services_of(folder, date(2025, 9, 18)) == {"D"}
    bus = {row["route_id"] for row in rows(folder, "routes") if row["route_type"] == "3"}
    metro = {row["route_id"] for row in rows(folder, "routes") if row["route_type"] == "1"}
    assert len(bus) == 8
    assert len(metro) == 2
    trips = rows(folder, "trips")
    assert all(row["block_id"] == "" for row in trips)
    buses = {row["trip_id"] for row in trips if row["route_id"] in bus and row["service_id"] == "L"}
    assert 500 <= len(buses) <= 900
    first = {}
    for row in rows(folder, "stop_times"):
        first.setdefault(row["trip_id"], seconds(row["departure_time"]))
        last_s = seconds(row["arrival_time"]) if row["trip_id"] in buses else 0
        if last_s > 86_400:
            break
    else:
        pytest.fail("no bus drives past 24:00")
    by_hour = Counter(first[trip] // 3600 for trip in buses if trip in first)
    assert by_hour[7] > by_hour[12] < by_hour[18]
    assert sum(len(content) for content in files(folder).values()) < 1_250_000


def test_santiago_case_names_its_stops():
    folder = FOLDER / "santiago"
    stops = {row["stop_id"] for row in rows(folder, "stops")}
    case = tomllib.loads(samples.case("santiago", "fleet.toml").read_text("utf-8"))
    assert {one["stop_id"] for one in case["depot"] + case["charger"]} <= stops
    with samples.case("santiago", case["deadheads"]["file"]).open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            assert {row["from_stop"], row["to_stop"]} <= stops
            kmh = 3.6 * 1000 * float(row["distance_km"]) / int(row["time_s"])
            assert 17 < kmh < 33
            assert int(row["from_s"]) < int(row["to_s"])


def test_santiago_case_is_a_case():
    from mobility.fleet.case import read_case

    case, folder = read_case(samples.case("santiago", "fleet.toml"))
    assert folder == FOLDER / "santiago"
    assert len(case.depot) == 4


@pytest.mark.parametrize("name", ["changsha", "incheon"])
def test_signal_plans_add_up(name):
    case = tomllib.loads(samples.case(name, "signals.toml").read_text("utf-8"))
    default = case["defaults"]
    lost_s = default["yellow_s"] + default["all_red_s"]
    for signal in case["signal"]:
        assert sum(stage["green_s"] + lost_s for stage in signal["stages"]) == signal["cycle_s"]
        assert 0 <= signal["offset_s"] < signal["cycle_s"]
        group = {one["id"]: one for one in signal["groups"]}
        between = {(a, b) for a, b, _ in signal["intergreen_s"]}
        for stage in signal["stages"]:
            for one in stage["groups"]:
                needs = group[one].get("walk_s", 0) + group[one].get("clearance_s", 0)
                assert max(needs, default["min_green_s"]) <= stage["green_s"]
                assert not any((one, other) in between for other in stage["groups"])
    known = {signal["id"] for signal in case["signal"]}
    stops = {row["stop_id"] for row in rows(FOLDER / name, "stops")}
    links = {(link["from"], link["to"]): link for link in case["link"]}
    for stop in case["bus_stop"]:
        assert stop["stop_id"] in stops
        assert 0 < stop["after_m"] < 1.1 * links[tuple(stop["link"])]["distance_m"]
    for route in case["bus_route"] + case.get("emergency_route", []):
        assert set(route["signals"]) <= known
    for period in case["demand"]:
        assert {one[0] for one in period["vehicles_h"]} == known
        for signal, approach, left, through, right in period["vehicles_h"]:
            assert min(left, through, right) >= 0, (signal, approach)


def test_a_bus_line_passes_all_of_changsha_s_signals():
    folder = FOLDER / "changsha"
    case = tomllib.loads(samples.case("changsha", "signals.toml").read_text("utf-8"))
    assert len(case["signal"]) == 10
    shape = {
        (float(row["shape_pt_lat"]), float(row["shape_pt_lon"]))
        for row in rows(folder, "shapes")
        if row["shape_id"] == "C1I"
    }
    assert {(signal["lat"], signal["lon"]) for signal in case["signal"]} <= shape
    assert rows(folder, "transfers")


@pytest.mark.parametrize("name", CITIES)
def test_tariffs_are_whole_amounts(name):
    tariff = tomllib.loads(samples.case(name, "tariff.toml").read_text("utf-8"))
    assert all(isinstance(one["amount"], int) for one in tariff["fare"] + tariff.get("cap", []))
    frames = {one["id"] for one in tariff.get("timeframe", [])}
    assert {one["timeframe"] for one in tariff["fare"] if "timeframe" in one} <= frames
    assert all(date.fromisoformat(day).year == 2025 for day in tariff["holidays"])


def test_odd_folders_and_expectations_match():
    assert {name.removeprefix("odd/") for name in samples.odd()} == set(ODD)
    assert all((one["status"] == "ok") == (one["code"] == "") for one in ODD.values())
    assert len({one["code"] for one in ODD.values()}) >= 12


@pytest.mark.parametrize("name", CITIES)
def test_cities_read_without_findings_of_severity_error(name):
    from mobility.findings import has_errors

    feed = samples.read(name)
    assert not has_errors(tuple(feed.findings)), [str(one) for one in feed.findings]


def test_santiago_has_its_wednesday():
    trips = samples.read("santiago").day("2025-03-05").trips
    assert trips["route_id"].str.startswith("S").sum() == 770


@pytest.mark.parametrize("name", sorted(ODD))
def test_odd_feeds_give_what_is_expected(name):
    from mobility.errors import MobilityError
    from mobility.feed import read_feed
    from mobility.findings import Severity

    try:
        found = read_feed(samples.path(f"odd/{name}"), cache=False).findings
    except MobilityError as error:
        found = error.findings
    worst = {one.severity for one in found} & {Severity.ERROR, Severity.WARNING}
    said = "error" if Severity.ERROR in worst else "warn" if worst else "ok"
    codes = {one.code for one in found}
    assert (said, ODD[name]["code"] or None) == (
        ODD[name]["status"],
        ODD[name]["code"] if ODD[name]["code"] in codes else None,
    ), [str(one) for one in found]


def test_available():
    assert samples.available == CITIES


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean santiago"):
        samples.path("santigo")
    with pytest.raises(ConfigError, match=r"did you mean tariff\.toml"):
        samples.case("changsha", "tarif.toml")
    with pytest.raises(ConfigError):
        samples.path("../tests")


def test_copy_makes_a_whole_folder_or_none(tmp_path):
    made = tmp_path / "deep" / "copy"
    result = CliRunner().invoke(app, ["copy", "changsha", str(made)])
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(made)
    assert files(made) == files(FOLDER / "changsha")
    assert list(made.parent.iterdir()) == [made]


def test_copy_never_overwrites(tmp_path):
    (tmp_path / "mine").mkdir()
    result = CliRunner().invoke(app, ["copy", "changsha", str(tmp_path / "mine")])
    assert isinstance(result.exception, ConfigError)
    assert list((tmp_path / "mine").iterdir()) == []


def test_list_names_the_case_files():
    import json

    answer = json.loads(CliRunner().invoke(app, ["list", "--json"]).stdout)
    assert {one["name"]: one["cases"] for one in answer} == {
        "changsha": ["signals.csv", "signals.toml", "tariff.toml", "weather.csv"],
        "incheon": ["signals.csv", "signals.toml", "tariff.toml", "weather.csv"],
        "santiago": ["deadheads.csv", "fleet.toml", "tariff.toml", "weather.csv"],
    }
    assert "santiago" in CliRunner().invoke(app, ["list"]).stdout
