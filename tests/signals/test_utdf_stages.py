"""UTDF of stages: one ring of phases, overlaps that stay green, detectors; losses are told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility import samples, signals
from mobility.errors import ConfigError
from mobility.signals.problem import (
    GREENS,
    Detector,
    Group,
    Intersection,
    Network,
    Sequence,
    Stage,
    State,
)

SAMPLE = samples.path("santiago").parent / "ring.utdf.csv"
CITY = signals.read_network(samples.path("incheon") / "signals.toml")
MOVES = [(side, turn) for side in "NESW" for turn in ("left", "through", "right")]
ONE_RING = """[Lanes]
RECORDNAME,INTID,NBL,NBT,NBR,SBL,SBT,SBR,EBL,EBT,EBR,WBL,WBT,WBR
Lanes,7,,1,,,1,,1,2,0,,2,0
Volume,7,,200,,,180,,90,600,40,,500,60
Phase1,7,,3,,,3,,1,1,1,,2,2
Phase2,7,,,,,,,,2,2,,,
PermPhase1,7,,,,,,,2,,,,,
numDetects,7,,2,,,,,1,,,,,
DetectPhase1,7,,3,,,,,1,,,,,
DetectPos1,7,,0,,,,,5,,,,,
DetectSize1,7,,20,,,,,30,,,,,
DetectType1,7,,3,,,,,1,,,,,
DetectExtend1,7,,1.5,,,,,0,,,,,
DetectDelay1,7,,0,,,,,4,,,,,
DetectPos2,7,,100,,,,,,,,,,
DetectSize2,7,,6,,,,,,,,,,
DetectType2,7,,34,,,,,,,,,,
DetectExtend2,7,,2,,,,,,,,,,
[Timeplans]
RECORDNAME,INTID,DATA
Cycle Length,7,90
Referenced To,7,1
Reference Phase,7,2
Offset,7,40
[Phases]
RECORDNAME,INTID,D1,D2,D3,D4,D5,D6,D7,D8
BRP,7,111,112,113,,,,,
MinGreen,7,5,8,7,,,,,
MaxGreen,7,15,30,29,,,,,
Yellow,7,3,4,3,,,,,
AllRed,7,1,2,3,,,,,
Walk,7,,,7,,,,,
DontWalk,7,,,15,,,,,
PedCalls,7,,,0,,,,,
"""


@pytest.fixture
def one_ring(tmp_path):
    path = tmp_path / "one.utdf.csv"
    path.write_text(ONE_RING)
    return signals.read_utdf(path)


def codes(found):
    return {one.code for one in found}


def seen(network, plan, second):
    """What each movement is shown at a second of the master clock: the plain way."""
    found = {}
    for one in plan.signals:
        at = (second - one.zero_s) % one.cycle_s
        for group in network.signal[one.signal].groups:
            state = next(two.state for two in one.of_group[group.id] if two.from_s <= at < two.to_s)
            for side in group.approaches:
                for turn in group.movements:
                    key = one.signal, side, turn
                    if state in GREENS or state is State.YELLOW:
                        go = state in GREENS or found.get(key) == "go"
                        found[key] = "go" if go else "yellow"
    return found


def test_phases_of_one_ring_are_stages_and_an_overlap_stays_green(one_ring):
    one = one_ring.intersections[0]
    assert one.rings is None
    assert [stage.groups for stage in one.stages] == [
        ("1", "1+2"), ("1+2", "2", "2p"), ("3", "P3"),
    ]  # fmt: skip
    assert one.group["1+2"].movements == ("right", "through")
    assert one.group["1+2"].approaches == ("W",)
    plan = signals.plan_of(one_ring)
    assert signals.check(one_ring, plan) == []
    own = plan.signal["7"].of_group
    (green,) = [two for two in own["1+2"] if two.state in GREENS]
    assert (green.from_s, green.to_s) == (0, 49)  # through yellow and all-red of phase 1
    assert [(two.from_s, two.to_s) for two in own["1"] if two.state in GREENS] == [(0, 15)]
    walk = next(two for two in own["P3"] if two.state in GREENS)
    assert walk.to_s - walk.from_s == 29 - 15  # clearance is over when yellow begins
    assert ("2p", "2") in one.permissive  # the left of phase 2 gives way to those against it
    assert (plan.signal["7"].reference_stage, plan.signal["7"].offset_s) == ("2", 40)
    assert one_ring.volumes[0].vehicles_h["7", "W", "through"] == 600


def test_detectors_are_read_in_metres(one_ring):
    one = one_ring.intersections[0]
    assert [(two.id, two.kind, two.distance_m, two.length_m) for two in one.detectors] == [
        ("NBT1.call", "call", 0, 6.096), ("NBT1.extend", "extend", 0, 6.096),
        ("NBT2", "extend", 30.48, 1.829), ("EBL1", "call", 1.524, 9.144),
    ]  # fmt: skip
    assert one.detectors[-1].delay_s == 4
    assert one.detectors[1].extend_s == 1.5
    assert one.group["3"].detectors == ("NBT1.call", "NBT1.extend", "NBT2")
    assert one.group["1"].detectors == ("EBL1",)
    assert [(two.code, two.value) for two in one_ring.input_findings] == [
        ("signal_utdf_detector_not_read", "type 34")  # 32: it locks, which is not read
    ]


def test_stages_overlaps_and_detectors_come_back(one_ring, tmp_path):
    plan = signals.plan_of(one_ring)
    path = signals.write_utdf(one_ring, plan, tmp_path / "again.utdf.csv")
    again = signals.read_utdf(path)
    one, two = one_ring.intersections[0], again.intersections[0]
    assert again.input_findings == ()
    for name in ("groups", "stages", "intergreen_s", "permissive", "cycle_s"):
        assert getattr(two, name) == getattr(one, name), name
    assert {replace(x, distance_m=0, length_m=0) for x in two.detectors} == {
        replace(x, distance_m=0, length_m=0) for x in one.detectors
    }
    assert [x.distance_m for x in two.detectors] == pytest.approx(
        [x.distance_m for x in one.detectors], abs=1e-3
    )
    assert signals.plan_of(again).signal["7"].shows == plan.signal["7"].shows
    assert signals.utdf_losses(one_ring, plan, path) == []


@pytest.mark.parametrize("city", ["changsha", "incheon"])
def test_a_city_of_stages_shows_vehicles_the_same_and_tells_the_rest(city, tmp_path):
    network = signals.read_network(samples.case(city, "signals.toml"))
    plan = signals.plan_of(network)
    path = signals.write_utdf(network, plan, tmp_path / "x.utdf.csv")
    again = signals.read_utdf(path)
    assert len(again.links) == len(network.links)
    other = signals.plan_of(again)
    for second in range(0, 240, 7):
        assert seen(network, plan, second + 0.5) == seen(again, other, second + 0.5)
    assert signals.check(again, other) == []
    found = signals.utdf_losses(network, plan, path)
    assert codes(found) == {"signal_utdf_cannot_hold"}
    told = " ".join(str(one.value) for one in found)
    for word in ("names of groups", "max_red_s", "periods", "bus routes", "walk 27 s"):
        assert word in told


def test_walks_come_back_where_clearance_is_over_with_green(tmp_path):
    one = CITY.intersections[0]
    pairs = {pair: (5 if pair[0].startswith("P") else s) for pair, s in one.intergreen_s.items()}
    network = Network((replace(one, intergreen_s=pairs, id="1"),))
    plan = signals.plan_of(network)
    path = signals.write_utdf(network, plan, tmp_path / "x.utdf.csv")
    found = signals.utdf_losses(network, plan, path)
    assert [one.column for one in found] == ["1"]  # names and limits; no walk
    again = signals.plan_of(signals.read_utdf(path)).signal["1"]
    assert [(x.state, x.from_s, x.to_s) for x in again.of_group["P1"]] == [
        (x.state, x.from_s, x.to_s) for x in plan.signal["1"].of_group["PEW"]
    ]


def test_a_lead_that_utdf_cannot_say_is_told_and_vehicles_see_the_same(tmp_path):
    ruled = signals.with_crossings(CITY)
    plan = signals.plan_of(ruled)
    path = signals.write_utdf(ruled, plan, tmp_path / "x.utdf.csv")
    found = signals.utdf_losses(ruled, plan, path)
    told = {one.column: (one.code, str(one.value)) for one in found if ".P" in one.column}
    assert told["N02.PEW"][0] == "signal_utdf_cannot_hold"
    assert "in the file 13 s from 54 s" in told["N02.PEW"][1]
    # 25 s of green without the lead are too short for 27 s of clearance: no walk at all
    assert ("signal_written_otherwise", "N02.PNS") in {(one.code, one.column) for one in found}
    assert not [
        one for one in found if one.code == "signal_written_otherwise" and " " in one.column
    ]


def test_another_lamp_in_the_file_is_an_error(tmp_path):
    plan = signals.plan_of(CITY)
    path = signals.write_utdf(CITY, plan, tmp_path / "x.utdf.csv")
    lines = path.read_text().splitlines()
    k = next(k for k, line in enumerate(lines) if line.startswith("Start,N03"))
    cells = lines[k].split(",")
    cells[2] = str(float(cells[2]) + 3)
    path.write_text("\n".join([*lines[:k], ",".join(cells), *lines[k + 1 :]]))
    found = signals.utdf_losses(CITY, plan, path)
    assert any(one.code == "signal_written_otherwise" and one.column.startswith("N03")
               for one in found)  # fmt: skip


@st.composite
def staged(draw):
    """Four to six stages, each with a movement of its own; others stay from one into the next."""
    count = draw(st.integers(4, 6))
    yellow = [draw(st.integers(3, 5)) for _ in range(count)]
    red = [draw(st.integers(0, 3)) for _ in range(count)]
    moves = draw(st.permutations(MOVES))
    runs = [(k, 1) for k in range(count)]
    runs += [(draw(st.integers(0, count - 1)), 2) for _ in range(draw(st.integers(0, 4)))]
    groups, ends, inside = [], {}, {}
    for number, (first, length) in enumerate(runs):
        name = f"g{number}"
        last = (first + length - 1) % count
        side, turn = moves[number]
        groups.append(Group(name, sequence=Sequence((), ((State.YELLOW, yellow[last]),)),
                            min_green_s=draw(st.integers(3, 7)), approaches=(side,),
                            movements=(turn,), lanes=draw(st.integers(1, 3))))  # fmt: skip
        ends[name], inside[name] = last, {(first + k) % count for k in range(length)}
    foes = {(a, b): yellow[ends[a]] + red[ends[a]] for a in inside for b in inside
            if a != b and not inside[a] & inside[b]}  # fmt: skip
    stages = tuple(
        Stage(f"s{k}", tuple(name for name in inside if k in inside[name]),
              draw(st.integers(8, 30)))
        for k in range(count)
    )  # fmt: skip
    return Intersection("5", tuple(groups), stages, foes, cycle_range_s=(1, 999),
                        offset_s=draw(st.integers(0, 99)), reference_stage=f"s{count - 1}",
                        reference=draw(st.sampled_from(["begin-green", "begin-yellow"])))  # fmt: skip


@settings(max_examples=40)
@given(staged())
def test_any_plan_of_stages_comes_back_movement_by_movement(tmp_path, one):
    network = Network((one,))
    plan = signals.plan_of(network)
    assert signals.check(network, plan) == []
    path = signals.write_utdf(network, plan, tmp_path / "a.utdf.csv")
    again = signals.read_utdf(path)
    other = signals.plan_of(again)
    assert signals.check(again, other) == []
    assert "signal_written_otherwise" not in codes(signals.utdf_losses(network, plan, path))
    cycle = plan.signal["5"].cycle_s
    assert other.signal["5"].cycle_s == cycle
    for second in range(0, int(cycle), 3):
        assert seen(network, plan, second + 0.5) == seen(again, other, second + 0.5)


def test_detectors_of_no_movement_are_told(tmp_path):
    one = replace(
        CITY.intersections[0],
        detectors=(Detector("D1", "extend", ("W through",), 40), Detector("D2", "check-in")),
    )
    network = replace(CITY, intersections=(one, *CITY.intersections[1:]))
    plan = signals.plan_of(network)
    path = signals.write_utdf(network, plan, tmp_path / "x.utdf.csv")
    (read,) = signals.read_utdf(path).intersections[0].detectors
    assert (read.id, read.distance_m, read.lanes) == ("EBT1", 40, ("W through",))
    told = [str(x.value) for x in signals.utdf_losses(network, plan, path) if x.column == "N01"]
    assert "detectors D2" in told[0]


def test_an_overlap_between_two_rings_is_cut_and_told(tmp_path):
    text = SAMPLE.read_text().replace("Phase1,1,3,8,,7,4", "Phase1,1,3,8,,7,4,3", 1)
    text = text.replace("PermPhase1,1,8,,,4,,,2", "Phase2,1,,,,,,4,\nPermPhase1,1,8,,,4,,,2", 1)
    path = tmp_path / "x.utdf.csv"
    path.write_text(text)
    network = signals.read_utdf(path)
    found = [one for one in network.input_findings if one.code == "signal_utdf_overlap_cut"]
    assert [(one.column, one.value) for one in found] == [("1.N right", "phases 4 and 3")]
    plan = signals.plan_of(network)
    again = signals.read_utdf(signals.write_utdf(network, plan, tmp_path / "y.utdf.csv"))
    assert again.signal["1"].groups == network.signal["1"].groups


def test_what_does_not_fit_is_refused_and_nothing_is_written(tmp_path):
    one = CITY.intersections[0]
    many = replace(
        one, order=("A", "B", "A", "C", "A", "D", "A", "B", "A", "C"), cycle_range_s=(1, 999)
    )
    network = Network((many,))
    with pytest.raises(ConfigError, match="in 5 phases"):
        signals.write_utdf(network, signals.plan_of(network), tmp_path / "x.utdf.csv")
    odd = replace(one, groups=tuple(replace(x, approaches=("up",)) for x in one.groups))
    network = Network((odd,))
    with pytest.raises(ConfigError, match="no side of the compass"):
        signals.write_utdf(network, signals.plan_of(network), tmp_path / "x.utdf.csv")
    assert list(tmp_path.iterdir()) == []
