"""Scenarios of SUMO that would hide what our lamps do: schedules of programs, defects that came in."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sumo", reason="SUMO is in the extra [sumo]")

from mobility.signals.sumo import drive, from_sumo
from mobility.signals.sumo.config import is_scheduled, silent
from mobility.signals.sumo.demand import _back
from mobility.signals.sumo.net import Lane, Net


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four signals whose shipped yellow is too short, a few vehicles, and a schedule at 40 s."""
    import sumo

    home, made = Path(sumo.SUMO_HOME), tmp_path_factory.mktemp("corners")
    subprocess.run([
        home / "bin" / "netgenerate", "--grid", "--grid.number", "2", "--grid.length", "120",
        "--grid.attach-length", "120", "--tls.guess", "--tls.guess.threshold", "1",
        "--tls.yellow.time", "2", "-o", made / "n.net.xml",
    ], check=True, capture_output=True)  # fmt: skip
    subprocess.run([
        sys.executable, home / "tools" / "randomTrips.py", "-n", made / "n.net.xml", "-r",
        made / "r.rou.xml", "-o", made / "t.xml", "-e", "60", "-p", "2", "--seed", "1",
    ], check=True, capture_output=True)  # fmt: skip
    lines = ["<additional>"]
    for tl in re.findall(r"<tlLogic.*?</tlLogic>", (made / "n.net.xml").read_text(), re.DOTALL):
        name, first = (re.search(f'{key}="([^"]+)"', tl)[1] for key in ("id", "state"))
        lines += [
            f'<tlLogic id="{name}" type="static" programID="night" offset="0">',
            f'<phase duration="500" state="{first.replace("G", "r").replace("g", "r")}"/></tlLogic>',
            tl.replace('programID="0"', 'programID="day"'),
            f'<WAUT refTime="0" id="w{name}" startProg="day"><wautSwitch time="40" to="night"/></WAUT>',
            f'<wautJunction wautID="w{name}" junctionID="{name}"/>',
        ]
    (made / "s.add.xml").write_text("\n".join([*lines, "</additional>"]))
    (made / "n.sumocfg").write_text(
        '<configuration><input><net-file value="n.net.xml"/><route-files value="r.rou.xml"/>'
        '<additional-files value="s.add.xml"/></input></configuration>'
    )
    return made


def test_a_schedule_of_the_scenario_does_not_replace_the_plan_that_is_driven(folder, tmp_path):
    path = folder / "s.add.xml"
    assert is_scheduled((path,))
    assert silent((path,), tmp_path) == [path]
    assert not is_scheduled(tuple(silent((path,), tmp_path, schedules=False)))
    fixed = drive(folder / "n.sumocfg", "fixed", end_s=120)
    assert fixed.findings == ()
    shipped = drive(folder / "n.sumocfg", "shipped", end_s=120)
    night = shipped.log.shown.query("from_s < 100 and to_s > 100")["state"]
    assert set(night) == {"red"}


def test_what_came_in_broken_is_no_excuse_for_our_own_lamps(folder, monkeypatch):
    known = {one.code for one in from_sumo(folder / "n.net.xml").input_findings}
    assert "signal_yellow_wrong" in known
    assert drive(folder / "n.sumocfg", "actuated", end_s=60).findings == ()
    import mobility.signals.sumo.loop as loop

    monkeypatch.setitem(loop.LETTERS, "yellow", "r")
    told = {one.code for one in drive(folder / "n.sumocfg", "actuated", end_s=60).findings}
    assert "signal_yellow_wrong" in told


def test_an_edge_without_a_lane_for_cars_may_have_a_signal():
    way = Lane(":j_17_0", ":j_17", 12.0, 5.5, allow="pedestrian")
    assert _back(Net(lanes={way.id: way}), way.edge, {}, set()) == 0.0
