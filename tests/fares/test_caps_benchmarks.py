"""The benchmark cases of caps run at a small size; their own comparisons hold."""

import pytest

from benchmarks import caps, caps_santiago


def test_policies_are_rated_alike_in_every_way():
    told = caps.rate(20_000)  # asserts that one policy a pass, joined runs and the settlement agree
    assert told["taps_in_kernel"] > 10_000
    assert told["joined_runs"] < told["taps_in_kernel"]


@pytest.mark.parametrize("case", [caps.search, caps.closed])
def test_a_search_is_proved_and_settled_anew(case):
    told = case(20_000)
    assert told["check_errors"] == 0
    assert "optimal" in told["answer"]


def test_a_month_of_the_city_has_capped_riders():
    found = caps_santiago.month_of(300, "2025-10", 1.5, 0.5)
    assert 0 < found["capped"] < 300
    assert found["free"] > 0
    assert caps_santiago.month_of(300, "2025-10", 1.5, 0.5) == found
