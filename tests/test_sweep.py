"""What-ifs over a grid: one row an answer, whatever the answer is."""

import pytest

import mobility as mb
from mobility import fares
from mobility.solution import Report, Status


def test_every_point_is_a_row_with_its_report():
    taps = fares.synthetic_taps(60, seed=1)

    def settled(riders, name):
        return fares.settle(taps[taps["card"] <= 700_000_000 + riders], name)

    table = mb.sweep(
        settled,
        {"riders": [20, 60], "name": ["santiago-2025", "santiago-2026"]},
        also=["totals.cards"],
    )
    assert list(table["riders"]) == [20, 20, 60, 60]
    assert list(table["totals_cards"]) == [20, 20, 60, 60]
    assert (table["status"] == "optimal").all()
    parts = [name for name in table if name.startswith("part_")]
    assert (table[parts].sum(axis=1) == table["objective"]).all()
    assert table["objective"].is_monotonic_increasing


def test_numbers_mappings_and_reports_are_answers_too():
    assert mb.sweep(lambda a: a + 1, {"a": (1, 2)})["value"].tolist() == [2, 3]
    assert mb.sweep(lambda a: {"b": a}, {"a": [1]}).to_dict("records") == [{"a": 1, "b": 1}]
    one = mb.sweep(lambda a: Report(Status.FEASIBLE, float(a), bound=1.0), {"a": [2]})
    assert one["gap"].tolist() == [0.5]


def test_what_is_wrong_is_said():
    for grid in ({}, {"a": []}):
        with pytest.raises(mb.ConfigError):
            mb.sweep(lambda a: a, grid)
    with pytest.raises(mb.ConfigError, match="no report"):
        mb.sweep(lambda a: "text", {"a": [1]})
    with pytest.raises(mb.ConfigError, match="'c'"):
        mb.sweep(lambda a: a, {"a": [1]}, also=["c"])
    with pytest.raises(mb.ConfigError, match="column of the answer"):
        mb.sweep(lambda a: {"a": 1}, {"a": [1]})


def test_ctrl_c_keeps_the_rows_so_far():
    def stopped(a):
        if a == 3:
            raise KeyboardInterrupt
        return a

    told = []
    table = mb.sweep(stopped, {"a": range(6)}, progress=lambda *so_far: told.append(so_far))
    assert table["value"].tolist() == [0, 1, 2]
    assert table.attrs["stop_reason"] == "interrupted"
    assert told == [(1, 6), (2, 6), (3, 6)]
