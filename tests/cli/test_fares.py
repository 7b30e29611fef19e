"""``mobility fares``: what is shown, what is written, which exit code."""

import json
from pathlib import Path

import pandas as pd
import pytest

from mobility import fares
from mobility.cli import run


@pytest.fixture
def taps(tmp_path):
    path = tmp_path / "taps.parquet"
    fares.synthetic_taps(80, seed=3).to_parquet(path)
    return path


def test_settle_writes_charges_in_the_order_of_the_taps(taps, tmp_path, capsys):
    out = tmp_path / "charges.parquet"
    assert (
        run(
            ["fares", "settle", str(taps), "--tariff", "santiago-2025", "--out", str(out), "--json"]
        )
        == 0
    )
    told = json.loads(capsys.readouterr().out)
    table, charges = pd.read_parquet(taps), pd.read_parquet(out)
    assert (charges["tap_id"] == table["tap_id"]).all()
    assert int(charges["charged"].sum()) == told["totals"]["charged"] == told["objective"]
    assert told["totals"]["unknown_fares"] == 0
    assert {"capped_cards", "taps", "cards"} <= set(told["totals"])
    assert sorted(one.name for one in tmp_path.iterdir()) == ["charges.parquet", "taps.parquet"]


def test_settle_a_folder_is_streamed_to_the_same_totals(taps, tmp_path, capsys):
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "one.parquet").write_bytes(taps.read_bytes())
    assert (
        run(["fares", "settle", str(folder), "--out", str(tmp_path / "c.parquet"), "--json"]) == 0
    )
    streamed = json.loads(capsys.readouterr().out)
    assert run(["fares", "settle", str(taps), "--json"]) == 0
    assert streamed["totals"] == json.loads(capsys.readouterr().out)["totals"]


def test_a_bad_tap_is_told_and_exit_is_1_and_strict_gives_no_answer(tmp_path, capsys):
    path = tmp_path / "taps.csv"
    path.write_text("card,time,mode\n1,1741176000,bus\n,1741176000,bus\n")
    out = tmp_path / "charges.csv"
    assert run(["fares", "settle", str(path), "--out", str(out)]) == 1
    said = capsys.readouterr().out
    assert "tap_without_card" in said
    assert "CLP 770" in said
    assert out.read_text().splitlines()[1].startswith("1,770")
    out.unlink()
    assert run(["fares", "settle", str(path), "--out", str(out), "--strict"]) == 2
    said = capsys.readouterr()
    assert "taps.csv:3:card" in said.err
    assert said.out == ""
    assert not out.exists()


def test_explain_and_caps(taps, capsys):
    card = int(pd.read_parquet(taps)["card"].iloc[0])
    assert run(["fares", "explain", str(taps), "--card", str(card)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"card {card}:")
    assert run(["fares", "caps", str(taps), "--levels", "20000,41000", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["level"] for one in told["levels"]] == [None, 20_000, 41_000]
    assert run(["fares", "caps", str(taps)]) == 0
    assert "no cap" in capsys.readouterr().out


def test_pseudonyms_by_key_file(taps, tmp_path, capsys):
    key = tmp_path / "key"
    key.write_bytes(b"0123456789abcdef0123")
    assert run(["fares", "settle", str(taps), "--pseudonymise", str(key), "--json"]) == 0
    hidden = json.loads(capsys.readouterr().out)
    assert run(["fares", "settle", str(taps), "--json"]) == 0
    assert hidden["totals"] == json.loads(capsys.readouterr().out)["totals"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["settle", "nowhere.parquet"], "no such file"),
        (["settle", "TAPS", "--tariff", "santiagoo"], "santiago"),
        (["settle", "TAPS", "--out", "no/such/folder/c.parquet"], "no such folder"),
        (["explain", "TAPS", "--card", "1"], "no tap is of this card"),
        (["caps", "TAPS", "--cap", "year"], "no cap is called"),
        (["caps", "TAPS", "--levels", "many"], "no whole numbers"),
        (["caps", "TAPS", "--revenue", "much"], "not a demand on revenue"),
        (["caps", "TAPS", "--revenue", "neutral", "--grid", "month"], "--grid: no levels"),
        (["caps", "TAPS", "--revenue", "neutral", "--rises", "few"], "--rises: no numbers"),
        (["caps", "TAPS", "--revenue", "neutral", "--elasticity=2"], "elasticities must be"),
        (["caps", "TAPS", "--revenue", "neutral", "--riders", "nowhere.csv"], "cannot be read"),
        (["caps", "TAPS", "--revenue", "neutral", "--adoption", "adult="], "no shares"),
        (["caps", "TAPS", "--revenue", "neutral", "--adoption", "child=0.5"], "no rider is of"),
        (["caps", "TAPS", "--groups", "category"], "asks for the best levels"),
        (
            ["caps", "TAPS", "--revenue", "neutral", "--groups", "category", "--floor", "0.4"],
            "no groups",
        ),
        (["caps", "TAPS", "--revenue", "neutral", "--out", "TAPS"], "is a file"),
        (["synthetic", "no/such/folder/taps.csv"], "no such folder"),
    ],
)
def test_a_wrong_command_ends_in_one_helpful_line(arguments, told, taps, capsys):
    assert run(["fares", *(str(taps) if one == "TAPS" else one for one in arguments)]) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_fares_is_in_the_help(capsys):
    run(["fares", "--help"])
    said = capsys.readouterr().out
    assert all(name in said for name in ("settle", "explain", "caps"))


SAMPLE = Path(__file__).parents[2] / "gtfs_samples" / "tariffs"


def test_the_best_caps_of_the_sample_are_proved_and_drawn(tmp_path, capsys):
    command = ["fares", "caps", str(SAMPLE / "city_taps.parquet"), "--tariff", "santiago"]
    asked = [*command, "--revenue", "neutral", "--riders", str(SAMPLE / "riders.csv"), "--zones",
             str(SAMPLE / "zones.csv"), "--elasticity=-0.2,-0.6", "--adoptions", "0,0.3", "--replicates", "10"]  # fmt: skip
    pytest.importorskip("matplotlib", reason="matplotlib is in the extra [plots]")
    picture = tmp_path / "caps.png"
    assert run([*asked, "--json", "--out", str(tmp_path / "best"), "--plot", str(picture)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "optimal"
    assert told["gap"] == 0
    assert told["checked"] == "settled anew: equal to the unit"
    assert told["policy"]["charged"] >= told["least_revenue"] == told["present_revenue"]
    assert told["proof"]["neighbour"]["short_by"] > 0
    assert told["response"]["robust"] is not None
    assert told["equity"]["riders"] == 500
    assert told["confidence"]["replicates"] == 10
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []
    assert (
        json.loads((tmp_path / "best" / "answer.json").read_text("utf-8"))["levels"]
        == told["levels"]
    )
    assert run(asked) == 0
    said = capsys.readouterr().out
    assert all(
        one in said for one in ("is refused", "settled anew", "robust:", "equity:", "assumed:")
    )
    assert run([*command, "--revenue", "1000000000"]) == 1
    assert "no policy reaches" in capsys.readouterr().out


def test_levels_by_group_of_the_sample(capsys):
    asked = ["fares", "caps", str(SAMPLE / "city_taps.parquet"), "--revenue=-1%", "--rises", "0", "--groups",
             "category", "--riders", str(SAMPLE / "riders.csv"), "--floor", "0.2=carer"]  # fmt: skip
    assert run([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "optimal"
    assert told["floor_share"] >= 0.2
    assert [one["group"] for one in told["groups"]] == ["carer", "other", "worker"]
    assert run([*asked, "--ordered"]) == 0
    assert "checked: settled anew" in capsys.readouterr().out
    assert run([*asked[:3], "--revenue", "1000000000", *asked[4:]]) == 1
    capsys.readouterr()


def test_synthetic_taps_are_marked_and_repeat(tmp_path, capsys):
    for name in ("a.parquet", "b.parquet", "a.csv"):
        asked = ["fares", "synthetic", str(tmp_path / name), "--riders", "30", "--seed", "4"]
        assert run([*asked, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["synthetic"] is True
    import pyarrow.parquet as pq

    assert b"mobility.synthetic" in pq.read_metadata(tmp_path / "a.parquet").metadata
    pd.testing.assert_frame_equal(*(pd.read_parquet(tmp_path / f"{one}.parquet") for one in "ab"))
    assert len(pd.read_csv(tmp_path / "a.csv")) == len(pd.read_parquet(tmp_path / "a.parquet"))
