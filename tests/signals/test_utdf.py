"""Synchro's UTDF: phases become rings that can be judged, and go back to the same plan."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility import samples, signals
from mobility.errors import ConfigError, TableError
from mobility.signals.program import ring_program

SAMPLE = samples.path("santiago").parent / "ring.utdf.csv"
NETWORK = signals.read_utdf(SAMPLE)
ONE, TWO = NETWORK.intersections


def changed(tmp_path, old, new):
    text = SAMPLE.read_text()
    assert old in text
    path = tmp_path / "x.utdf.csv"
    path.write_text(text.replace(old, new, 1))
    return path


def codes(network):
    return [one.code for one in network.input_findings]


def test_phases_become_rings_with_their_barriers():
    assert ONE.rings.rings == ((("1", "2"), ("4", "3")), (("5", "6"), ("7", "8")))
    assert TWO.rings.rings == ((("2", "1"), ("4",)), (("6",), ()))
    assert ONE.rings.splits_s["2"] == 42
    assert TWO.rings.splits_s == {"2": 54, "1": 20, "6": 74, "4": 36}  # no starts: by MaxGreen
    assert ONE.rings.pedestrians == {"2": "P2", "4": "P4", "6": "P6", "8": "P8"}
    assert ONE.intergreen_s["2", "4"] == 6
    assert ONE.intergreen_s["1", "2"] == 5
    assert ("1", "6") not in ONE.intergreen_s
    assert ONE.group["P2"].clearance_s == 17


def test_permitted_lefts_give_way_to_those_who_come_towards_them():
    assert ONE.group["2"].movements == ("left", "right", "through")
    assert ("2", "6") in ONE.permissive
    assert ("2", "P2") in ONE.permissive  # turns across people who walk with the phase
    assert ("2", "6") not in TWO.permissive


def test_the_plan_of_the_file_is_safe_and_stands_where_the_offset_says():
    assert signals.check(NETWORK) == []
    plan = signals.plan_of(NETWORK)
    assert signals.check(NETWORK, plan) == []
    assert NETWORK.input_findings == ()
    one = plan.signal["1"]
    # offset 12 s: both of 2 and 6 are green until 12 s after the clock's zero
    ends = [two.to_s for name in "26" for two in one.of_group[name] if two.state == "green"]
    assert {(one.zero_s + end) % 110 for end in ends} == {12}
    assert (one.reference, one.reference_stage, one.offset_s) == ("begin-yellow", "2+6", 12)
    starts = [two.from_s for two in one.of_group["4"] if two.state == "green"]
    assert (one.zero_s + starts[0]) % 110 == 18


def test_movements_volumes_and_links_are_read():
    assert NETWORK.volumes[0].vehicles_h["1", "S", "left"] == 80  # northbound comes from the south
    assert ("2", "N", "through") not in NETWORK.volumes[0].vehicles_h
    pairs = {(one.from_signal, one.to_signal, one.approach) for one in NETWORK.links}
    assert pairs == {("2", "1", "E"), ("1", "2", "W")}
    assert NETWORK.links[0].distance_m == 400


@pytest.mark.parametrize(("code", "offset"), [
    (0, 86), (1, 12), (2, 16), (3, 84), (4, 105),
])  # fmt: skip
def test_every_way_to_say_the_offset_means_the_same_plan(tmp_path, code, offset):
    path = changed(tmp_path, "Referenced To,1,1", f"Referenced To,1,{code}")
    path.write_text(path.read_text().replace("Offset,1,12.0", f"Offset,1,{offset}"))
    network = signals.read_utdf(path)
    assert network.input_findings == ()
    again, plan = signals.plan_of(network).signal["1"], signals.plan_of(NETWORK).signal["1"]
    assert (again.zero_s, again.shows) == (plan.zero_s, plan.shows)


def test_starts_win_over_the_offset_and_it_is_told(tmp_path):
    network = signals.read_utdf(changed(tmp_path, "Offset,1,12.0", "Offset,1,20"))
    assert codes(network) == ["signal_utdf_offset_contradicts"]
    assert signals.plan_of(network).signal["1"].offset_s == 12


def same(plan, again):
    assert {one.signal for one in plan.signals} == {one.signal for one in again.signals}
    for one in plan.signals:
        two = again.signal[one.signal]
        assert two.cycle_s == one.cycle_s
        assert two.zero_s == pytest.approx(one.zero_s, abs=1e-6)
        assert two.offset_s == pytest.approx(one.offset_s, abs=1e-6)
        assert set(two.shows) == set(one.shows)
        assert (two.reference, two.reference_stage) == (one.reference, one.reference_stage)


def test_the_same_plan_and_the_same_network_come_back(tmp_path):
    plan = signals.plan_of(NETWORK)
    again = signals.read_utdf(signals.write_utdf(NETWORK, plan, tmp_path / "a.utdf.csv"))
    same(plan, signals.plan_of(again))
    for one, two in zip(NETWORK.intersections, again.intersections, strict=True):
        for name in ("groups", "intergreen_s", "permissive", "rings", "cycle_s", "name"):
            assert getattr(two, name) == getattr(one, name), name
    assert again.volumes == NETWORK.volumes
    assert {replace(one, travel_s=0) for one in again.links} == {
        replace(one, travel_s=0) for one in NETWORK.links
    }


@settings(max_examples=40)
@given(st.data())
def test_other_splits_and_offsets_come_back_too(tmp_path, data):
    def tenths(most):
        return data.draw(st.integers(0, round(10 * most))) / 10

    made = []
    for one in NETWORK.intersections:
        splits, cycle = {}, 0
        for b in range(2):
            rows = [ring[b] for ring in one.rings.rings if ring[b]]
            least = {n: (30 if n in one.rings.pedestrians else 16) for row in rows for n in row}
            length = max(sum(least[n] for n in row) for row in rows) + tenths(30)
            for row in rows:
                left = length - sum(least[n] for n in row)
                for n in row[:-1]:
                    more = tenths(left)
                    splits[n], left = least[n] + more, round(left - more, 1)
                splits[row[-1]] = least[row[-1]] + left
            cycle += length
        made.append(ring_program(one, splits, offset_s=tenths(cycle - 1)))
    plan = signals.Plan(tuple(made))
    assert signals.check(NETWORK, plan) == []
    again = signals.read_utdf(signals.write_utdf(NETWORK, plan, tmp_path / "a.utdf.csv"))
    same(plan, signals.plan_of(again))


def test_a_folder_with_a_file_a_section_reads_the_same(tmp_path):
    parts = SAMPLE.read_text().split("\n[")
    names = {"Lanes": "Lanes", "Timeplans": "Timeplans", "Phases": "Phasing", "Links": "Links",
             "Nodes": "Nodes", "Network": "Network"}  # fmt: skip
    for part in parts:
        name, _, body = part.lstrip("[").partition("]\n")
        (tmp_path / f"{names[name]}.csv").write_text(body)
    network = signals.read_utdf(tmp_path)
    assert network.intersections == NETWORK.intersections


@pytest.mark.parametrize(("old", "new", "code"), [
    ("MinGreen,1,5,10", "MinGreen,1,five,10", "signal_row_unreadable"),
    ("BRP,1,111", "BRP,1,1111", "signal_utdf_phase_unplaced"),
    ("Cycle Length,2,110.0", "Cycle Length,2,", "signal_utdf_no_plan"),
    ("MaxGreen,2,15,48,,30", "MaxGreen,2,15,48,,", "signal_utdf_no_plan"),
    ("MaxGreen,2,15,48", "MaxGreen,2,15,40", "signal_cycle_does_not_add_up"),
    ("Cycle Length,2,110.0", "Cycle Length,2,115", "signal_cycle_does_not_add_up"),
    ("Walk,2,,,,7", "Walk,2,,,,17", "signal_walk_cut"),
    ("MinGreen,1,5,10", "MinGreen,1,5,40", "signal_green_too_short"),
    ("Phase1,2,4,,4,,,,,2,,1,6", "Phase1,2,4,,4,,,,,2,,9,6", "signal_movement_missing"),
    ("Offset,2,30.0", "Offset,2,30.0\nNode 0,2,2\nNode 1,2,7", "signal_utdf_shared_controller"),
])  # fmt: skip
def test_what_is_wrong_with_a_file_is_told(tmp_path, old, new, code):
    assert code in codes(signals.read_utdf(changed(tmp_path, old, new)))


@pytest.mark.parametrize(("content", "told"), [
    (b"", "no section Lanes"), (b"\xff\xfe\x00", "UTF-8"), (b"[Lanes]\n[Phases]\n", "no section"),
])  # fmt: skip
def test_a_file_that_is_none_is_refused(tmp_path, content, told):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(TableError, match=told):
        signals.read_utdf(path)
    with pytest.raises(TableError, match="mend"):
        signals.read_utdf(tmp_path / "none.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TableError, match="no CSV"):
        signals.read_utdf(tmp_path / "empty")


def test_what_utdf_cannot_say_is_refused(tmp_path):
    plan = signals.plan_of(NETWORK)
    rings = ONE.rings.rings
    named = replace(
        ONE, rings=replace(ONE.rings, rings=((("a", *rings[0][0]), rings[0][1]), rings[1]))
    )
    with pytest.raises(ConfigError, match="no phase's number"):
        signals.write_utdf(
            replace(NETWORK, intersections=(named, TWO)), plan, tmp_path / "x.utdf.csv"
        )
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=50)
@given(st.data())
def test_a_damaged_file_never_ends_in_a_traceback(tmp_path, data):
    lines = SAMPLE.read_text().splitlines()
    for _ in range(data.draw(st.integers(1, 5))):
        k = data.draw(st.integers(0, len(lines) - 1))
        cells = lines[k].split(",")
        at = data.draw(st.integers(0, len(cells) - 1))
        cells[at] = data.draw(
            st.sampled_from(["", "-1", "0", "1e9", "nan", "111", "206", "x", "9", "*3", "[Lanes]"])
        )
        lines[k] = ",".join(cells) if data.draw(st.booleans()) else ""
    path = tmp_path / "x.utdf.csv"
    path.write_text("\n".join(lines))
    try:
        network = signals.read_utdf(path)
    except TableError as error:
        assert error.mend  # noqa: PT017 - not every damage is one
        return
    plan = signals.plan_of(network)
    # nothing that is wrong with the plan is left untold
    told = {(one.code, one.column) for one in network.input_findings}
    assert {(one.code, one.column) for one in signals.check(network, plan)} <= told


def test_the_copy_in_the_samples_is_the_one_that_is_read(tmp_path):
    shutil.copy(SAMPLE, tmp_path / "plan.csv")
    assert signals.read_utdf(tmp_path / "plan.csv").intersections == NETWORK.intersections
