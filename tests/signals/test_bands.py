"""Bands: proved, followed by a checker that shares no code, and beside every offset of a grid."""

from __future__ import annotations

from dataclasses import replace

import naive_dispersion as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility.errors import ConfigError
from mobility.signals import band_search
from mobility.signals.bands import BandProblem, Pattern, widest_bands
from mobility.signals.check_bands import check_bands
from mobility.stop import Seconds

part = st.integers(0, 11).map(lambda k: k / 12)
green = st.integers(5, 9).map(lambda k: k / 12)
signal = st.builds(Pattern, part, green, part, green)


@settings(max_examples=20)
@given(
    st.lists(signal, min_size=2, max_size=3), st.lists(st.integers(1, 6), min_size=4, max_size=4)
)
def test_no_offsets_of_a_grid_are_better(row, steps):
    out, back = steps[: len(row) - 1], steps[2 : 1 + len(row)]
    problem = BandProblem(tuple((one,) for one in row), tuple(10.0 * k for k in out),
                          tuple(10.0 * k for k in back), (120, 120))  # fmt: skip
    bands = widest_bands(problem)
    greens = [((one.out_from, one.out_green), (one.back_from, one.back_green)) for one in row]
    slow = naive.widest(greens, problem.out_s, problem.back_s, 120, 24)
    if bands.why:
        assert slow < 0
        return
    assert bands.report.status == "optimal"
    assert check_bands(problem, bands) == []
    assert bands.report.bound >= bands.report.objective - 1e-9
    assert sum(bands.widths.values()) == pytest.approx(max(slow, 0.0), abs=1e-4)
    other = widest_bands(problem, solver="scip")
    assert other.report.objective == pytest.approx(bands.report.objective, abs=1e-4)


anywhere = st.floats(0, 1).map(lambda x: round(x, 3))
wide = st.floats(0.1, 0.9).map(lambda x: round(x, 3))
turns = st.lists(st.builds(Pattern, anywhere, wide, anywhere, wide), min_size=1, max_size=4)
seconds = st.floats(5, 60).map(lambda x: round(x, 1))


@settings(max_examples=25)
@given(
    st.lists(turns, min_size=1, max_size=5), st.lists(seconds, min_size=8, max_size=8),
    st.floats(50, 90), st.sampled_from([0, 0, 30]), st.sampled_from([(1, 1), (1, 0.3), (0, 1)]),
    st.sampled_from([0, 0.5, 1]),
)  # fmt: skip
def test_search_and_program_agree(rows, times, shortest, more, weights, ratio):
    streets = len(rows) - 1
    problem = BandProblem(tuple(map(tuple, rows)), tuple(times[:streets]),
                          tuple(times[4 : 4 + streets]), (shortest, shortest + more), weights,
                          ratio=ratio)  # fmt: skip
    found, program = widest_bands(problem), widest_bands(problem, solver="scip")
    assert bool(found.why) == bool(program.why)
    if found.why:
        return
    assert found.report.status == "optimal"
    assert check_bands(problem, found) == []
    assert found.report.bound >= program.report.objective - 1e-6
    assert found.report.objective == pytest.approx(program.report.objective, abs=1e-5)
    out, back = found.widths["out"], found.widths["back"]
    assert out >= ratio * back - 1e-6
    assert back >= ratio * out - 1e-6


@given(st.lists(st.floats(-3, 3), min_size=8, max_size=8), st.lists(st.floats(-1, 2), min_size=3,
       max_size=3), st.lists(st.floats(0, 1), min_size=2, max_size=2))  # fmt: skip
def test_any_multipliers_bound_a_linear_program(numbers, multipliers, point):
    left, worth = np.array(numbers[:6]).reshape(3, 2), np.array(numbers[6:])
    inside = np.array(point)
    right = left @ inside
    bound = band_search.safe_bound(
        worth, left, right, np.zeros(2), np.ones(2), np.array(multipliers)
    )
    assert bound >= worth @ inside - 1e-9


def test_a_search_that_is_cut_short_still_bounds():
    rng = np.random.default_rng(0)
    rows = tuple(tuple(Pattern(a, *rng.uniform(0.3, 0.45, 1), b, 0.4) for a in (0, 0.1)
                       for b in (0, 0.13)) for _ in range(12))  # fmt: skip
    problem = BandProblem(rows, tuple(rng.uniform(15, 50, 11)), tuple(rng.uniform(15, 50, 11)),
                          (60, 120))  # fmt: skip
    whole, cut = widest_bands(problem), widest_bands(problem, stop=Seconds(1e-9))
    assert cut.report.status == "feasible"
    assert cut.report.stop_reason == "seconds"
    assert check_bands(problem, cut) == []
    assert cut.report.bound >= whole.report.objective
    assert cut.report.bound <= 2
    assert cut.report.objective <= whole.report.objective + 1e-7


TURNS = tuple(Pattern(a, 0.4, b, 0.45, f"{a}{b}") for a in (0, 0.12) for b in (0, 0.1))
STREET = BandProblem((TURNS,) * 6, (25.0, 31.0, 44.0, 18.0, 37.0), (26.0, 30.0, 45.0, 19.0, 36.0),
                     (60, 120), bus_out_s=(45.0, 37.0, 73.0, 22.0, 64.0),
                     bus_back_s=(47.0, 36.0, 54.0, 43.0, 43.0), bus_weights=(0.5, 0.5))  # fmt: skip


def test_buses_with_dwell_have_bands_of_their_own_and_mutants_are_caught():
    bands = widest_bands(STREET)
    assert set(bands.widths) == {"out", "back", "bus_out", "bus_back"}
    assert check_bands(STREET, bands) == []
    name = max(bands.widths, key=bands.widths.get)
    wider = replace(bands, widths={**bands.widths, name: bands.widths[name] + 0.3})
    assert check_bands(STREET, wider)
    moved = replace(bands, offsets=(0.0, *((one + 0.37) % 1 for one in bands.offsets[1:])))
    assert check_bands(STREET, moved)
    assert check_bands(STREET, replace(bands, cycle_s=59.0))


def test_patterns_help_and_solvers_agree():
    with_turns = widest_bands(STREET)
    without = widest_bands(replace(STREET, patterns=((TURNS[0],),) * 6))
    assert with_turns.report.objective >= without.report.objective - 1e-6
    other = widest_bands(STREET, solver="highs")
    assert other.report.objective == pytest.approx(with_turns.report.objective, abs=1e-4)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match="out_s has 1 times for 5 streets"):
        widest_bands(replace(STREET, out_s=(1.0,)))
    with pytest.raises(ConfigError, match="cycles"):
        widest_bands(replace(STREET, cycle_range_s=(90, 60)))
    with pytest.raises(ConfigError, match="two directions only"):
        widest_bands(STREET, solver="search")
