"""A report cannot claim what was not proved."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobility.errors import MobilityError
from mobility.solution import Report, Status

amounts = st.floats(0, 1e12, allow_nan=False)


@given(amounts, amounts)
def test_the_gap_is_a_fraction_and_the_bound_never_passes_the_objective(one, other):
    low, high = sorted((one, other))
    assert Report(Status.FEASIBLE, objective=high, bound=low).gap >= 0
    assert Report(Status.FEASIBLE, objective=low, bound=high, maximise=True).gap >= 0


def test_a_bound_beyond_the_objective_is_refused():
    with pytest.raises(MobilityError, match="beyond the objective"):
        Report(Status.FEASIBLE, objective=10.0, bound=11.0)
    with pytest.raises(MobilityError, match="beyond the objective"):
        Report(Status.FEASIBLE, objective=10.0, bound=9.0, maximise=True)


def test_parts_sum_to_the_objective():
    assert Report(Status.OPTIMAL, objective=3.0, bound=3.0, parts={"a": 1.0, "b": 2.0}).gap == 0
    with pytest.raises(MobilityError, match="parts sum to"):
        Report(Status.OPTIMAL, objective=3.0, parts={"a": 1.0})


def test_no_bound_is_null_in_json_and_said_in_words():
    report = Report(Status.FEASIBLE, objective=3.0)
    assert json.loads(report.to_json())["gap"] is None
    assert "no bound" in report.headline()
    assert report.versions["numpy"][0].isdigit()
