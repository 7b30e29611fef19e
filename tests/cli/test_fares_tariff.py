"""`mobility fares tariff`: a tariff in words and as JSON, of a feed, a file or a name."""

import json
from pathlib import Path

import pytest

from mobility.cli import fares_tariff as command
from mobility.cli import run
from mobility.errors import ConfigError

ODD = Path(__file__).parents[2] / "gtfs_samples" / "odd"


def shown(capsys, source, **options):
    code = command.tariff(str(source), **options)
    return code, capsys.readouterr().out


def test_fares_v2_in_words(capsys):
    code, out = shown(capsys, ODD / "fares_v2")
    assert code == 0
    assert "GTFS Fares v2, CLP" in out
    assert "CLP 900  red; from peak; adult" in out
    assert "west to west" in out
    assert "within 01:30:00" in out
    assert "a tap that names no category: adult" in out
    assert "never free" in out


def test_fares_v1_in_words(capsys):
    code, out = shown(capsys, ODD / "fares_v1")
    assert code == 0
    assert "CLP 900  any route; east to west" in out
    assert "one transfer within 01:30:00 of the first boarding" in out


def test_json_has_every_rule(capsys):
    _, out = shown(capsys, ODD / "fares_v2", as_json=True)
    answer = json.loads(out)
    assert answer["fares_version"] == "v2"
    assert answer["default_category"] == "adult"
    assert {one["amount"] for one in answer["products"]} == {230, 700, 800, 900}
    assert answer["transfers"][0]["window_s"] == 5400
    assert answer["timeframes"][0] == {
        "id": "peak", "from_s": 25_200, "to_s": 32_400, "days": "214 dates",
    }  # fmt: skip
    assert answer["unpriced"] == []


def test_a_shipped_tariff(capsys):
    code, out = shown(capsys, "omny-2026")
    assert code == 0
    assert "USD 35.00 in a rolling 7 days" in out


def test_a_sample_by_name(capsys):
    assert shown(capsys, "odd/fares_v2")[0] == 0


def test_the_model_and_the_rider_can_be_chosen(capsys):
    _, out = shown(capsys, ODD / "fares_v2", category="student", as_json=True)
    assert json.loads(out)["default_category"] == "student"
    with pytest.raises(ConfigError, match="no category 'child'"):
        command.tariff(str(ODD / "fares_v2"), category="child")
    with pytest.raises(ConfigError, match="--category is for the fares of a feed"):
        command.tariff("omny-2026", category="student")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("odd/plain", "has no fares"),
        ("nowhere.zip", "nowhere.zip"),
        ("no-such-tariff", "no-such-tariff"),
    ],
)
def test_no_tariff_is_told_without_a_traceback(capsys, source, said):
    assert run(["fares", "tariff", source]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize("name", ["fares_v1", "fares_v2"])
def test_taps_are_settled_by_the_fares_of_a_feed(capsys, tmp_path, name):
    taps = tmp_path / "taps.csv"
    taps.write_text(
        "card,time,route_id,stop_id,to_stop_id\n"
        "7,2025-03-05T10:00:00-03:00,1,P,Q\n"
        "7,2025-03-05T10:20:00-03:00,1,Q,R\n"
        "8,2025-03-05T10:00:00-03:00,1,P,\n",
        "utf-8",
    )
    out = tmp_path / "charges.csv"
    asked = ["fares", "settle", str(taps), "--tariff", str(ODD / name), "--out", str(out)]
    assert run([*asked, "--json"]) == 0
    totals = json.loads(capsys.readouterr().out)["totals"]
    assert totals["unknown_fares"] == 1
    assert totals["charged"] == {"fares_v1": 700 + 200, "fares_v2": 700}[name]
    assert out.is_file()
