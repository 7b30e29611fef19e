"""Where libsumo is missing, the same run goes through traci, and says nothing on stdout."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("sumo", reason="SUMO is in the extra [sumo]")
pytest.importorskip("traci", reason="traci is in the extra [sumo]")
pytest.importorskip("libsumo", reason="libsumo is in the extra [sumo]")
from town import make_town

from mobility.errors import TableError
from mobility.signals.sumo import drive


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A grid of signals."""
    return make_town(tmp_path_factory.mktemp("town"))


def test_traci_gives_the_same_answer(town, monkeypatch, capfd):
    one = drive(town / "town.sumocfg", "fixed", seed=3, end_s=120)
    monkeypatch.setitem(sys.modules, "libsumo", None)
    other = drive(town / "town.sumocfg", "fixed", seed=3, end_s=120)
    assert (one.versions["interface"], other.versions["interface"]) == ("libsumo", "traci")
    assert other.figures == one.figures
    assert other.log.shown.equals(one.log.shown)
    assert other.findings == one.findings == ()
    assert capfd.readouterr().out == ""


def test_what_sumo_refuses_is_told_through_traci_too(town, monkeypatch):
    monkeypatch.setitem(sys.modules, "libsumo", None)
    (town / "bad.rou.xml").write_text(
        '<routes><trip id="a" depart="0" from="nowhere" to="x"/></routes>'
    )
    (town / "bad.sumocfg").write_text(
        '<configuration><input><net-file value="town.net.xml"/>'
        '<route-files value="bad.rou.xml"/></input></configuration>'
    )
    with pytest.raises(TableError, match="nowhere"):
        drive(town / "bad.sumocfg")
