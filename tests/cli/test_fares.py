"""``mobility fares``: what is shown, what is written, which exit code."""

import json

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
