"""`mobility feed check|info`: the answer on stdout, the verdict as exit code."""

import json
import tomllib
from pathlib import Path

import pytest

from mobility.cli import feed as command

SAMPLES = Path(__file__).parents[2] / "gtfs_samples"
ODD = SAMPLES / "odd"
EXPECTED = tomllib.loads((ODD / "expect.toml").read_text("utf-8"))


def check(capsys, path, **options):
    code = command.check(str(path), as_json=True, no_cache=True, **options)
    said = capsys.readouterr()
    assert said.err == ""
    return code, json.loads(said.out)


def test_a_clean_feed(capsys):
    code, answer = check(capsys, SAMPLES / "santiago")
    assert code == 0
    assert answer == {
        "feed": str(SAMPLES / "santiago"),
        "status": "ok",
        "counts": {"error": 0, "warning": 0, "info": 0},
        "findings": [],
    }


@pytest.mark.parametrize("name", EXPECTED)
def test_odd_feeds_are_judged_as_they_were_made(capsys, name):
    code, answer = check(capsys, ODD / name)
    want = EXPECTED[name]
    assert answer["status"].replace("refused", "error") == want["status"]
    assert code == {"ok": 0, "warn": 0, "error": 1, "refused": 2}[answer["status"]]
    if want["code"]:
        assert want["code"] in {one["code"] for one in answer["findings"]}


def test_strict_counts_warnings(capsys):
    assert check(capsys, ODD / "one_stop_trip")[0] == 0
    code, answer = check(capsys, ODD / "one_stop_trip", strict=True)
    assert code == 1
    assert answer["status"] == "warn"


def test_a_refused_feed_still_shows_its_findings(capsys):
    code, answer = check(capsys, ODD / "no_stops")
    assert code == 2
    assert answer["status"] == "refused"
    assert answer["findings"][0]["code"] == "missing_required_file"
    assert answer["findings"][0]["mend"]
    assert "stops.txt" in answer["reason"]
    assert command.check(str(ODD / "no_stops"), no_cache=True) == 2
    out = capsys.readouterr().out
    assert "missing_required_file" in out
    assert "cannot be computed with (1 error)" in out


def test_a_feed_that_is_not_there_is_one_document_too(capsys, tmp_path):
    code, answer = check(capsys, tmp_path / "gone.zip")
    assert code == 2
    assert answer["status"] == "refused"
    assert "no such file" in answer["reason"]


def test_text_says_where_and_how_to_mend(capsys):
    assert command.check(str(ODD / "bad_time"), no_cache=True) == 1
    out = capsys.readouterr().out
    assert "invalid_time: stop_times.txt:4:arrival_time:" in out
    assert "mend: " in out
    assert command.check(str(ODD / "bad_time"), no_cache=True, quiet=True) == 1
    assert "mend: " not in capsys.readouterr().out


def test_info_counts_rows(capsys):
    command.info(str(ODD / "plain"), as_json=True, no_cache=True)
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == [
        "feed", "agencies", "routes", "stops", "trips", "stop_times", "services", "span",
        "busiest_date", "blocks", "shapes", "fares_v1", "fares_v2", "frequencies", "modes",
    ]  # fmt: skip
    with (ODD / "plain" / "stop_times.txt").open("rb") as stream:
        assert answer["stop_times"] == sum(1 for _ in stream) - 1


def test_info_of_a_day(capsys):
    command.info(str(ODD / "plain"), date="busiest", as_json=True, no_cache=True)
    day = json.loads(capsys.readouterr().out)["day"]
    assert day["trips"] > 0
    assert day["date"] in day["headline"]
    command.info(str(ODD / "plain"), date="busiest", no_cache=True)
    out = capsys.readouterr().out
    assert day["headline"] in out
    assert "stop times" in out
