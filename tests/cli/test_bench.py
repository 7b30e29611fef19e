"""``mobility bench`` names its peers, runs a comparison, and refuses what it does not know."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from mobility.cli import bench, run


def test_peers_are_listed_and_a_missing_one_is_named(capsys, monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *_: None if name == "duckdb" else find(name)
    )
    assert run(["bench", "--list", "--json"]) == 0
    peers = {one["peer"]: one["version"] for one in json.loads(capsys.readouterr().out)["peers"]}
    assert peers["duckdb"] is None
    assert peers["gtfs-kit"]
    assert run(["bench", "--list"]) == 0
    assert "not installed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], [*bench.DEFAULT, "--quick"]),
        (["fares", "--json"], ["fares", "--quick", "--json"]),
        (["growth", "--full"], ["growth"]),
    ],
)
def test_a_comparison_is_asked_of_the_benchmarks(arguments, told, monkeypatch):
    asked = []

    def ran(command, **_):
        asked.append(command)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", ran)
    assert run(["bench", *arguments, "--quiet"]) == 0
    assert asked == [[sys.executable, "-m", "benchmarks", *told]]


def test_an_unknown_comparison_is_refused_and_no_checkout_is_said(tmp_path, monkeypatch, capfd):
    assert run(["bench", "nothing", "--quiet"]) == 2
    monkeypatch.setattr(bench, "CHECKOUT", tmp_path)
    assert run(["bench"]) == 2
    assert "checkout" in capfd.readouterr().err
