"""Turning counts: averaged, balanced, and never filled without saying so."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility import samples, signals
from mobility.errors import TableError
from mobility.signals.balance import COMPASS, exit_side, link_ends
from mobility.signals.counts import COLUMNS

CHANGSHA = signals.read_network(samples.path("changsha") / "signals.toml")
TURNS = ("left", "through", "right")
SIDES = ("W", "E", "N", "S")
ALONE = signals.Network((CHANGSHA.signal["J01"],))
PERIOD = (7 * 3600, 8 * 3600)


def whole(signal):
    """A signal's twelve turns, or those that it has."""
    one = CHANGSHA.signal[signal]
    return [(signal, side, turn) for group in one.groups if not group.on_foot
            for side in group.approaches for turn in group.movements]  # fmt: skip


def lines_of(flows, days=("2026-03-02",), start=PERIOD[0], quarters=4):
    """15-minute rows of hourly flows."""
    return [
        f"{a},{b},{c},{day},{start + k * 900},{start + (k + 1) * 900},{flow / 4}"
        for (a, b, c), flow in flows.items() for day in days for k in range(quarters)
    ]  # fmt: skip


def write(tmp_path, lines):
    path = tmp_path / "counts.csv"
    path.write_text("\n".join([",".join(COLUMNS), *lines]) + "\n")
    return path


def fit(tmp_path, lines, periods=(PERIOD,), network=CHANGSHA):
    return signals.volumes_of_counts(network, signals.read_counts(write(tmp_path, lines)), periods)


def test_counts_are_averaged_over_days_and_pieces(tmp_path):
    turns = whole("J01")
    lines = lines_of(dict.fromkeys(turns, 400), days=("2026-03-02", "2026-03-03"))
    lines += lines_of({turns[0]: 1000}, days=("2026-03-04",), quarters=1)
    found = fit(tmp_path, lines)
    # the first quarter has three days: (100 + 100 + 250) / 3; the others 100
    assert found.volumes[0].vehicles_h[turns[0]] == pytest.approx(150 + 300)
    assert found.volumes[0].vehicles_h[turns[1]] == pytest.approx(400)
    assert (found.volumes[0].from_s, found.volumes[0].to_s) == PERIOD


def test_a_piece_that_lies_partly_in_the_period_counts_with_that_part(tmp_path):
    lines = ["J01,W,through,2026-03-02,6:30,7:30,100", "J01,W,through,2026-03-02,7:30,8:00,150"]
    found = fit(tmp_path, lines)
    assert found.volumes[0].vehicles_h["J01", "W", "through"] == pytest.approx(50 + 150)


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 900), min_size=12, max_size=12), st.sets(st.integers(0, 11), max_size=4)
)
def test_missing_turns_come_back_where_the_totals_leave_no_choice(tmp_path, values, missing):
    """Of each approach at most one turn is missing, and its total is known."""
    turns = sorted(whole("J01"))
    flows = dict(zip(turns, values, strict=True))
    gone = {}
    for k in sorted(missing):
        gone.setdefault(turns[k][1], turns[k])
    counted = {turn: flow for turn, flow in flows.items() if turn not in gone.values()}
    for side in SIDES:
        counted["J01", side, "all"] = sum(flow for turn, flow in flows.items() if turn[1] == side)
    found = fit(tmp_path, lines_of(counted), network=ALONE)
    for turn, flow in flows.items():
        assert found.volumes[0].vehicles_h[turn] == pytest.approx(flow, abs=0.05), turn
    assert found.residuals["residual_h"].abs().max() < 0.2
    filled = found.movements[found.movements["counted_h"].isna()]
    assert len(filled) == len(gone)


@settings(max_examples=40)
@given(st.lists(st.integers(20, 900), min_size=12, max_size=12))
def test_approach_and_exit_totals_are_met(tmp_path, values):
    """Nothing but the eight totals is counted, as a hose across each arm does."""
    flows = dict(zip(sorted(whole("J01")), values, strict=True))
    counted = {}
    for side in SIDES:
        counted["J01", side, "all"] = sum(v for t, v in flows.items() if t[1] == side)
        counted["J01", side, "exit"] = sum(v for t, v in flows.items() if exit_side(*t[1:]) == side)
    found = fit(tmp_path, lines_of(counted), network=ALONE)
    total = sum(flows.values())
    assert found.residuals.query("kind != 'link'")["residual_h"].abs().max() < 1e-3 * total
    assert all(flow >= 0 for flow in found.volumes[0].vehicles_h.values())


def test_conservation_along_a_street_fills_a_junction_nobody_counted(tmp_path):
    flows = dict.fromkeys(whole("J01"), 100.0)
    flows["J01", "W", "through"] = 700.0
    found = fit(tmp_path, lines_of(flows))
    arrives = sum(v for t, v in found.volumes[0].vehicles_h.items() if t[:2] == ("J02", "W"))
    leaves = sum(v for t, v in flows.items() if exit_side(*t[1:]) == "E")
    assert arrives == pytest.approx(leaves, rel=1e-3)
    assert {one.code for one in found.findings} == {"signal_turn_unknown"}  # the far junctions
    assert ("J10", "E", "through") not in found.volumes[0].vehicles_h


def test_counts_that_do_not_balance_are_told_and_kept(tmp_path):
    flows = dict.fromkeys([*whole("J01"), *whole("J02")], 100.0)
    flows["J02", "W", "through"] = 900.0
    found = fit(tmp_path, lines_of(flows))
    told = [one for one in found.findings if one.code == "signal_counts_do_not_balance"]
    assert [one.column for one in told] == ["J01-J02", "J02-J01"]
    assert told[0].value == "300 and 1000 an hour, GEH 27.5"
    assert found.volumes[0].vehicles_h["J02", "W", "through"] == 900
    row = found.residuals.query("place == 'J01-J02'").iloc[0]
    assert row["residual_h"] == pytest.approx(1000 - 300)


def test_order_of_rows_changes_nothing(tmp_path):
    flows = {turn: 50 + 7 * k for k, turn in enumerate(whole("J01") + whole("J04")[:5])}
    lines = lines_of(flows, days=("2026-03-02", "2026-03-05"))
    first = fit(tmp_path, lines)
    random.Random(4).shuffle(lines)
    again = fit(tmp_path, lines)
    assert again.volumes == first.volumes
    assert again.residuals.equals(first.residuals)


def test_bad_rows_are_told_and_the_others_count(tmp_path):
    good = lines_of({("J01", "W", "through"): 400})
    bad = [
        "J01,W,through,2026-03-02,7:70,8:00,10", "J01,W,ahead,2026-03-02,0,900,10",
        "J01,W,left,yesterday,0,900,10", "J01,W,left,2026-03-02,900,900,10",
        "J01,W,left,2026-03-02,0,900,-1", "J01,W,left,2026-03-02,0,900,nan",
        ",W,left,2026-03-02,0,900,1", "J01,W,left,2026-03-02,0,900",
        "J99,W,left,2026-03-02,25200,26100,10", good[0],
        "J01,W,right,2026-03-02,25200,26100,10", "J01,W,right,2026-03-02,25200,26100,11",
    ]  # fmt: skip
    found = fit(tmp_path, good + bad)
    codes = [one.code for one in found.findings]
    assert codes.count("signal_row_unreadable") == 8
    assert codes.count("signal_count_twice") == 2
    assert codes.count("signal_count_of_no_movement") == 1
    assert found.volumes[0].vehicles_h["J01", "W", "through"] == pytest.approx(400)
    assert found.movements.query("signal == 'J01' and movement == 'right' and approach == 'W'")[
        "counted_h"
    ].isna().all()  # fmt: skip


def test_a_missing_column_names_the_nearest(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("signal,approach,movment,date,from_s,to_s,vehicles\n")
    with pytest.raises(TableError, match="movment"):
        signals.read_counts(path)


def test_sides_of_the_compass():
    assert exit_side("W", "left") == "N"
    assert exit_side("N", "right") == "W"
    assert exit_side("edge7", "left") == ""
    for side in COMPASS:
        assert exit_side(exit_side(side, "through"), "through") == side
    ends = {(one.from_signal, one.to_signal): link_ends(CHANGSHA, one) for one in CHANGSHA.links}
    assert ends["J01", "J02"] == ("E", "W")
    assert ends["J02", "J01"] == ("W", "E")
