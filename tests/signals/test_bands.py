"""Bands: proved, followed by a checker that shares no code, and beside every offset of a grid."""

from __future__ import annotations

from dataclasses import replace

import naive_dispersion as naive
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility.errors import ConfigError
from mobility.signals.bands import BandProblem, Pattern, widest_bands
from mobility.signals.check_bands import check_bands

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
