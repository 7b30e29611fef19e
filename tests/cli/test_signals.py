"""``mobility signals check|info|sheet|convert|corridor|counts``: what a person types, and gets."""

from __future__ import annotations

import json
import shutil

import pytest
from town import make_town

from mobility import samples, signals
from mobility.cli import run

HERE = samples.path("santiago").parent
CHANGSHA = samples.path("changsha") / "signals.toml"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A small net of SUMO."""
    pytest.importorskip("sumo", reason="SUMO is in the extra [sumo]")
    return make_town(tmp_path_factory.mktemp("town"))


def said(capsys, *words, code=0):
    assert run([*map(str, words)]) == code, capsys.readouterr()
    return capsys.readouterr().out


def told(capsys, *words, code=0):
    return json.loads(said(capsys, *words, "--json", code=code))


@pytest.mark.parametrize("city", ["changsha", "incheon", HERE / "ring.utdf.csv"])
def test_check_and_info(capsys, city):
    answer = told(capsys, "signals", "check", city)
    assert answer["findings"] == []
    assert answer["signals"] == answer["planned"] > 1
    assert "all invariants hold" in said(capsys, "signals", "check", city)
    assert len(told(capsys, "signals", "info", city)["plan"]["signals"]) == answer["signals"]
    assert "cycle s" in said(capsys, "signals", "info", city)


@pytest.mark.parametrize("kind", ["json", "csv", "parquet"])
def test_a_plan_from_disk_is_judged(capsys, tmp_path, kind):
    path = tmp_path / f"plan.{kind}"
    assert told(capsys, "signals", "convert", "changsha", "--out", path)["findings"] == []
    assert told(capsys, "signals", "check", "changsha", path)["findings"] == []
    other = told(capsys, "signals", "check", "incheon", path, code=1)
    assert {one["code"] for one in other["findings"]} == {
        "signal_unknown", "signal_plan_of_another_network",
    }  # fmt: skip


def test_a_broken_plan_is_told(capsys, tmp_path):
    path = tmp_path / "plan.json"
    said(capsys, "signals", "convert", "changsha", "--out", path)
    document = json.loads(path.read_text())
    for show in document["signals"][0]["shows"]:
        if show[:2] == ["EW", "yellow"]:
            show[3] -= 1
    path.write_text(json.dumps(document))
    found = told(capsys, "signals", "check", "changsha", path, code=1)["findings"]
    assert "signal_yellow_wrong" in {one["code"] for one in found}
    assert "signal_yellow_wrong" in said(capsys, "signals", "check", "changsha", path, code=1)
    assert "signal_yellow" in said(
        capsys, "signals", "sheet", "changsha", path, "--out", tmp_path / "s", code=1
    )
    assert not (tmp_path / "s").exists()


def test_what_is_wrong_with_the_file_itself_is_told(capsys, tmp_path):
    path = tmp_path / "signals.toml"
    path.write_text(CHANGSHA.read_text("utf-8").replace("cycle_s = 120", "cycle_s = 110", 1))
    found = told(capsys, "signals", "check", path, code=1)["findings"]
    assert [(one["code"], one["column"]) for one in found] == [
        ("signal_cycle_does_not_add_up", "J01")
    ]
    path = tmp_path / "x.csv"
    path.write_text(
        (HERE / "ring.utdf.csv").read_text().replace("MinGreen,1,5,10", "MinGreen,1,5,40")
    )
    answer = told(capsys, "signals", "check", path)  # it runs on the street already
    assert answer["findings"] == []
    assert [one["code"] for one in answer["input_findings"]] == ["signal_green_too_short"]


def test_a_log_from_disk_is_judged(capsys, tmp_path):
    from signals_cases import CROSS, PLAN, log_of

    path = signals.write_log(log_of(CROSS, PLAN, 3), tmp_path / "log.csv")
    answer = told(capsys, "signals", "check", "changsha", path)
    assert (answer["planned"], answer["findings"]) == (1, [])
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:9], "J01,EW", *lines[10:]]))
    found = told(capsys, "signals", "check", "changsha", path, code=1)["findings"]
    assert {one["code"] for one in found} >= {"signal_row_unreadable", "signal_lamps_do_not_tile"}


def test_a_week_of_plans_is_judged_and_gets_its_sheets(capsys, tmp_path):
    network = signals.read_network(CHANGSHA)
    plan = signals.plan_of(network)
    peak = signals.Plan(
        tuple(signals.program(one, [time.green_s + 1 for time in plan.signal[one.id].stages])
              for one in network.intersections),
        "peak", 7 * 3600, 9 * 3600,
    )  # fmt: skip
    rest = signals.Plan(plan.signals, "rest", 9 * 3600, 31 * 3600, network.digest)
    path = signals.write_plan(signals.Schedule.of((peak, rest)), tmp_path / "week.json")
    answer = told(capsys, "signals", "check", "changsha", path)
    assert (answer["planned"], answer["findings"]) == (10, [])
    answer = told(capsys, "signals", "sheet", "changsha", path, "--out", tmp_path / "sheets")
    assert len(answer["sheets"]) == 10
    assert {row["before"] for row in answer["sheets"][0]["transitions"]} == {"peak", "rest"}
    assert (tmp_path / "sheets" / "J01.csv").is_file()
    apart = [signals.write_plan(one, tmp_path / f"{one.name}.csv") for one in (rest, peak)]
    again = told(
        capsys,
        "signals",
        "sheet",
        "changsha",
        *apart,
        "--transition",
        "dwell",
        "--out",
        tmp_path / "two",
    )
    assert {row["method"] for row in again["sheets"][0]["transitions"]} == {"dwell"}
    assert "10 timing sheets" in said(
        capsys, "signals", "sheet", "changsha", "--out", tmp_path / "sheets"
    )


def test_programs_of_sumo_there_and_back(capsys, town, tmp_path):
    net, programs = town / "town.net.xml", tmp_path / "plan.add.xml"
    assert told(capsys, "signals", "convert", net, "--out", programs)["findings"] == []
    assert told(capsys, "signals", "check", net, programs)["findings"] == []
    again = tmp_path / "again.json"
    assert told(capsys, "signals", "convert", net, programs, "--out", again)["findings"] == []
    network = signals.sumo.from_sumo(net)
    assert signals.read_plan(again).signals == network.given.signals
    text = programs.read_text()
    programs.write_text(text.replace('duration="3"', 'duration="2"', 1))
    found = told(capsys, "signals", "check", net, programs, code=1)["findings"]
    assert {one["code"] for one in found} >= {"signal_yellow_wrong"}


def test_programs_that_do_not_fit_are_refused(capsys, town, tmp_path):
    net = town / "town.net.xml"
    path = tmp_path / "x.add.xml"
    path.write_text(
        '<additional><tlLogic id="nowhere"><phase duration="5" state="G"/></tlLogic></additional>'
    )
    assert run(["signals", "check", str(net), str(path)]) == 2
    assert "mend" in capsys.readouterr().err
    path.write_text("<additional/>")
    assert run(["signals", "check", str(net), str(path)]) == 2
    assert "no program" in capsys.readouterr().err
    assert run(["signals", "check", "changsha", str(path)]) == 2
    assert "go with a net of SUMO" in capsys.readouterr().err


def test_utdf_there_and_back(capsys, tmp_path):
    source, out = HERE / "ring.utdf.csv", tmp_path / "out.utdf.csv"
    assert told(capsys, "signals", "convert", source, "--out", out)["findings"] == []
    assert told(capsys, "signals", "check", out)["findings"] == []
    case = tmp_path / "signals.toml"
    assert told(capsys, "signals", "convert", source, "--out", case)["findings"] == []
    assert told(capsys, "signals", "check", case)["findings"] == []
    assert told(capsys, "signals", "sheet", source, "--out", tmp_path / "sheets")["sheets"]


def test_a_city_of_stages_goes_into_utdf_and_what_does_not_fit_is_told(capsys, tmp_path):
    answer = told(capsys, "signals", "convert", "changsha", "--out", tmp_path / "x.utdf.csv")
    assert {one["code"] for one in answer["findings"]} == {"signal_utdf_cannot_hold"}
    assert told(capsys, "signals", "check", tmp_path / "x.utdf.csv")["findings"] == []


def test_promises_at_crossings_are_planned_priced_and_judged(capsys, tmp_path):
    words = ["signals", "time", "incheon", "--crossings", "--work", 30, "-q"]
    out = said(capsys, *words, "--out", tmp_path / "plans")
    assert "Seokbawi market" in out
    assert "together, USD" in out
    case = tmp_path / "plans" / "signals.toml"
    answer = told(capsys, "signals", "check", case, tmp_path / "plans" / "plan.json")
    assert answer["findings"] == []
    said(capsys, "signals", "sheet", case, tmp_path / "plans" / "plan.json", "--out",
         tmp_path / "sheets")  # fmt: skip
    assert "longest_wait_s" in (tmp_path / "sheets" / "N05.csv").read_text("utf-8")


def test_corridor_and_counts(capsys, tmp_path):
    shutil.copytree(HERE / "changsha", tmp_path / "city")
    city = tmp_path / "city"
    words = ["signals", "corridor", city, city / "signals.csv", "--route"]
    answer = told(capsys, *words, "C1", "--out", tmp_path / "passes.parquet")
    assert answer["passings"] == 3608
    assert (tmp_path / "passes.parquet").is_file()
    said(capsys, *words, "C1", "--network", tmp_path / "made.toml")
    assert told(capsys, "signals", "check", tmp_path / "made.toml")["planned"] == 10
    assert "signal_not_on_route" in said(capsys, *words, "C4", code=1)
    answer = told(
        capsys, "signals", "counts", "changsha", HERE / "turns.csv", "--out", tmp_path / "v.csv"
    )
    assert len(answer["movements"]) == 23
    assert (tmp_path / "v.csv").read_text().count("\n") == 24
    assert "GEH" in said(capsys, "signals", "counts", "changsha", HERE / "turns.csv")


@pytest.mark.parametrize("words", [
    ["check", "nowhere.toml"], ["check", "changsha", "nowhere.json"], ["convert", "changsha"],
    ["convert", "changsha", "--out", "x.add.xml"], ["time", "changsha", "--crossings"],
    ["convert", "changsha", "--out", "x.txt"], ["convert", "X.net.xml", "--out", "x.toml"], ["sheet", "changsha"],
    ["corridor", "changsha", "nowhere.csv", "--route", "C1"], ["counts", "changsha", "nowhere.csv"],
    ["check", "changsha", "--additional", "x.add.xml"],
])  # fmt: skip
def test_what_cannot_be_is_said_in_a_sentence(capsys, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    assert run(["signals", *words]) == 2
    told = capsys.readouterr()
    assert "mend" in told.err
    assert "Traceback" not in told.err
    assert list(tmp_path.iterdir()) == []


def test_plans_of_a_day_go_all_the_way(tmp_path, capsys):
    """Timed, judged, driven, written for the street and shown: one folder does for all."""
    folder, sheets, page = tmp_path / "timed", tmp_path / "sheets", tmp_path / "page.html"
    assert run(["signals", "time", "incheon", "--work", "60", "--out", str(folder), "-q"]) == 0
    assert run(["signals", "check", "incheon", str(folder), "-q"]) == 0
    words = ["signals", "simulate", "incheon", str(folder), "--scale", "0.2", "--json", "-q"]
    capsys.readouterr()
    assert run(words) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []
    assert run(["signals", "sheet", "incheon", str(folder), "--out", str(sheets), "-q"]) == 0
    assert run(["report", str(folder), "--network", "incheon", "--out", str(page), "-q"]) == 0
    assert "Incheon" in page.read_text("utf-8")
    assert not list(tmp_path.rglob(".*.part"))


def test_a_misspelt_sample_is_named(capsys):
    for command in ("check", "time", "simulate", "preempt"):
        assert run(["signals", command, "changsa", "-q"]) == 2
        assert "did you mean the sample 'changsha'" in capsys.readouterr().err


def test_requests_of_a_table_and_of_a_message_say_the_same(capsys, tmp_path):
    table = HERE / "positions.csv"
    answer = told(capsys, "signals", "requests", "changsha", "--realtime", table)
    assert answer["now_s"] == 8 * 3600
    assert {one["code"] for one in answer["findings"]} == {
        "position_stale", "position_trip_unknown", "position_off_route",
    }  # fmt: skip
    assert answer["requests"]
    for one in answer["requests"]:
        assert answer["now_s"] - 60 < one["eta_s"] <= one["eta_until_s"] < answer["now_s"] + 300
    text = said(capsys, "signals", "requests", "changsha", "--realtime", table)
    assert "24 positions" in text
    assert "position_stale" in text
    later = told(capsys, "signals", "requests", "changsha", "--realtime", table, "--now", "08:10")
    assert later["requests"] == []
    bindings = pytest.importorskip("google.transit.gtfs_realtime_pb2", reason="no realtime extra")
    day = samples.read("changsha").day("busiest")
    message = bindings.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = int(day.origin.timestamp()) + 8 * 3600
    for one in signals.read_positions(table, day)[0]:
        vehicle = message.entity.add(id=one.vehicle).vehicle
        vehicle.vehicle.id, vehicle.trip.trip_id = one.vehicle, one.trip
        vehicle.timestamp = int(day.origin.timestamp() + one.at_s)
        vehicle.position.latitude, vehicle.position.longitude = one.lat, one.lon
        vehicle.position.speed, vehicle.occupancy_percentage = one.speed_ms, int(one.load_percent)
    path = tmp_path / "positions.pb"
    path.write_bytes(message.SerializeToString())
    same = told(capsys, "signals", "requests", "changsha", "--realtime", path)
    assert [(one["id"], one["signal"]) for one in same["requests"]] == [
        (one["id"], one["signal"]) for one in answer["requests"]
    ]


def test_requests_say_what_is_wrong_with_their_files(capsys, tmp_path):
    path = tmp_path / "positions.csv"
    path.write_text("vehicle,trip,at,lat,lon\nXA1,C1,08:00:00,north,113\n")
    words = ["signals", "requests", "changsha", "--realtime"]
    assert run([*words, str(path)]) == 2
    assert "positions.csv:2:lat" in capsys.readouterr().err
    assert run([*words, str(tmp_path / "none.pb")]) == 2
    assert run(["signals", "requests", str(CHANGSHA), "--realtime", str(path)]) == 2
    assert "--feed" in capsys.readouterr().err


def test_fire_engines_are_driven_before_and_after(capsys, town):
    words = ["signals", "drive", town / "town.sumocfg", "--end", 300]
    answer = told(capsys, *words, "--controller", "fixed", "--engines", 2, "--target", 90)
    assert answer["engines"] == len(answer["alarms"]) == 2
    assert {one["limit_s"] for one in answer["alarms"]} == {90}
    assert answer["findings"] == []
    assert run([*map(str, words), "--controller", "shipped", "--engines", "2"]) == 2
    assert "takes no requests" in capsys.readouterr().err
