"""SUMO: programs converted as they are, written back, driven; on a net of our own and on real ones."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mobility import signals
from mobility.errors import ConfigError, TableError

pytest.importorskip("sumo", reason="SUMO is in the extra [sumo]")
from town import make_town

from mobility.signals.sumo import drive, from_sumo, write_programs
from mobility.signals.sumo.net import Lane, Link, Net
from mobility.signals.sumo.spill import Spill
from mobility.signals.sumo.write import phases_of

REAL = {
    "cologne3": ("cologne3.net.xml", 3),
    "ingolstadt7": ("ingolstadt7.net.xml", 7),
    "bologna_acosta": ("acosta_buslanes.net.xml", 7),
}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A grid of nine signals with crossings, and half an hour of traffic."""
    return make_town(tmp_path_factory.mktemp("town"))


def nets(shared):
    for name, (net, count) in REAL.items():
        more = [shared / name / "acosta_tls.add.xml"] if name == "bologna_acosta" else []
        yield from_sumo(shared / name / net, *more), count


@pytest.fixture(scope="module")
def shared_sumo():
    folder = Path(__file__).parents[3] / "shared" / "sumo"
    if not folder.is_dir():
        pytest.skip("the folder of real nets (shared/sumo beside the checkout) is not here")
    return folder


def known(network):
    return {(one.code, one.column) for one in network.input_findings}


def programs(path):
    """Signal -> its phases, consecutive equal ones joined: read with a few lines of our own."""
    text = path.read_text()
    found = {}
    for name, body in re.findall(r'<tlLogic id="([^"]+)".*?>(.*?)</tlLogic>', text, re.DOTALL):
        phases = []
        for one in re.findall(r"<phase [^>]*>", re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)):
            seconds = float(re.search(r'duration="([^"]+)"', one)[1])
            state = re.search(r'state="([^"]+)"', one)[1]
            if phases and phases[-1][1] == state:
                phases[-1] = phases[-1][0] + seconds, state
            else:
                phases.append((seconds, state))
        found[name] = phases
    return found


def faithful(network, path):
    written = programs(path)
    for one in network.intersections:
        plan = network.given.signal[one.id]
        assert phases_of(one, plan) == written[one.id]


def test_a_program_is_converted_letter_by_letter_and_back(town, tmp_path):
    network = from_sumo(town / "town.net.xml")
    assert len(network.intersections) == len(programs(town / "town.net.xml")) >= 9
    assert signals.check(network) == []
    assert any(
        group.on_foot and group.crossing_m > 5
        for one in network.intersections
        for group in one.groups
    )
    faithful(network, town / "town.net.xml")
    path = write_programs(network, network.given, tmp_path / "plan.add.xml")
    again = from_sumo(town / "town.net.xml", path)
    assert again.given.signals == network.given.signals
    assert [one.name for one in tmp_path.iterdir()] == ["plan.add.xml"]


def test_our_own_layout_of_the_stages_is_safe(town):
    network = from_sumo(town / "town.net.xml")
    plan = signals.Plan(tuple(
        signals.program(one, [max(20, time.green_s) for time in network.given.signal[one.id].stages])
        for one in network.intersections
    ))  # fmt: skip
    assert signals.check(network, plan) == []


def test_packed_nets_read_the_same(town, tmp_path):
    packed = tmp_path / "town.net.xml.gz"
    packed.write_bytes(gzip.compress((town / "town.net.xml").read_bytes()))
    assert from_sumo(packed).given.signals == from_sumo(town / "town.net.xml").given.signals


def test_drive_repeats_and_writes_nothing_beside_the_scenario(town):
    before = sorted(one.name for one in town.iterdir())
    one, other = (drive(town / "town.sumocfg", seed=3) for _ in range(2))
    assert one.figures == other.figures
    assert one.figures["vehicles"] > 200
    assert one.findings == ()
    fixed = drive(town / "town.sumocfg", "fixed", seed=3)
    assert fixed.figures == one.figures  # static programs, whether SUMO's or ours
    assert fixed.findings == ()
    assert sorted(one.name for one in town.iterdir()) == before
    assert (
        drive(town / "town.sumocfg", seed=3, scale=0.5).figures["vehicles"]
        < one.figures["vehicles"]
    )


def test_every_vehicle_counts_once_until_the_end(town):
    done = drive(town / "town.sumocfg", seed=0, end_s=200, scale=20)
    departed_or_not = done.figures["never_departed"]
    assert departed_or_not > 0
    assert done.figures["vehicles"] > departed_or_not


def test_every_movement_and_every_full_lane_is_told(town):
    done = drive(town / "town.sumocfg", seed=0, end_s=400, scale=4)
    rows = done.figures["movements"]
    assert rows[0] == done.figures["worst_movement"]
    assert len({(row["signal"], row["from"], row["to"]) for row in rows}) == len(rows) > 10
    assert all(row["vehicles"] >= 10 and row["delay_s"] >= 0 for row in rows)
    assert [row["delay_s"] for row in rows] == sorted(
        (row["delay_s"] for row in rows), reverse=True
    )
    spill = done.figures["spill_back"]
    mean = sum(row["share"] for row in spill["full"]) / spill["lanes"]
    assert spill["full_share"] == pytest.approx(mean)
    assert all(0 < row["share"] <= 1 for row in spill["full"])


def test_a_lane_is_full_when_no_car_fits_behind_those_that_stand():
    link = Link(0, "in_0", "out", "s", "j", 0, crossing=False)
    net = Net(lanes={"out_0": Lane("out_0", "out", 30.0, 14.0)}, links={"j": {0: [link]}})
    standing = {"out_0": 0}
    api = SimpleNamespace(lane=SimpleNamespace(
        getLastStepHaltingNumber=standing.get, getLastStepLength=lambda _: 5.0
    ))  # fmt: skip
    spill = Spill(net)
    for standing["out_0"] in (0, 2, 3, 4):  # of 7.5 m each: at 3 one more fits, just
        spill.look(api)
    assert spill.to_dict() == {"lanes": 1, "full_share": 0.25,
                               "full": [{"lane": "out_0", "share": 0.25}]}  # fmt: skip


def test_lamps_that_break_the_network_are_found(town):
    network = from_sumo(town / "town.net.xml")
    broken = signals.Plan(tuple(
        signals.program(one, [3 for _ in network.given.signal[one.id].stages]) for one in network.intersections
    ))  # fmt: skip
    assert {one.code for one in drive(town / "town.sumocfg", broken).findings} >= {
        "signal_green_too_short"
    }


def test_real_programs_are_converted_faithfully(shared_sumo):
    for network, count in nets(shared_sumo):
        assert len(network.intersections) == count
        assert signals.check(network) == []
        assert {(one.code, one.column) for one in signals.check(network, network.given)} <= known(
            network
        )
    for name in ("cologne3", "ingolstadt7"):
        path = shared_sumo / name / REAL[name][0]
        faithful(from_sumo(path), path)
    folder = shared_sumo / "bologna_acosta"
    more = folder / "acosta_tls.add.xml"
    faithful(from_sumo(folder / REAL["bologna_acosta"][0], more), more)


def test_our_layout_of_real_stages_is_safe(shared_sumo):
    for network, _ in nets(shared_sumo):
        plan = signals.Plan(tuple(
            signals.program(one, [max(5, time.green_s) for time in network.given.signal[one.id].stages])
            for one in network.intersections
        ))  # fmt: skip
        assert signals.check(network, plan) == []


@pytest.mark.parametrize(("content", "error"), [
    (b"", TableError), (b"<net>", TableError), (b"<net></net>", TableError),
    (b'<net><edge id="a"><lane id="a_0" length="x" speed="1"/></edge></net>', TableError),
    (b"\x1f\x8bnope", TableError),
    (b'<!DOCTYPE a [<!ENTITY b "c">]><net>&b;</net>', TableError),
])  # fmt: skip
def test_a_broken_net_is_refused_in_a_sentence(tmp_path, content, error):
    path = tmp_path / "x.net.xml"
    path.write_bytes(content)
    with pytest.raises(error, match="mend"):
        from_sumo(path)


def test_a_broken_scenario_is_refused(tmp_path, town):
    with pytest.raises(ConfigError, match="mend"):
        drive(tmp_path / "none.sumocfg")
    with pytest.raises(ConfigError, match="shipped, fixed"):
        drive(town / "town.sumocfg", "best")
    path = tmp_path / "x.sumocfg"
    path.write_text(
        '<configuration><input><net-file value="none.net.xml"/></input></configuration>'
    )
    with pytest.raises(ConfigError, match="is not there"):
        drive(path)


def test_a_talkative_scenario_leaves_stdout_to_the_answer(town):
    words = (town / "town.sumocfg").read_text("utf-8")
    loud = town / "loud.sumocfg"
    loud.write_text(
        words.replace("</time>", '</time><report><verbose value="true"/></report>'), "utf-8"
    )
    done = subprocess.run(
        [sys.executable, "cli.py", "signals", "drive", str(loud), "--end", "60", "--json"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert json.loads(done.stdout)["end_s"] == 60
