"""Stopping criteria say why."""

import pytest

from mobility.errors import ConfigError
from mobility.solution import StopReason
from mobility.stop import AnyOf, Gap, Progress, Seconds, Work


def test_each_criterion_names_its_reason():
    assert Seconds(2)(Progress(seconds=2.0)) is StopReason.SECONDS
    assert Work(10)(Progress(work=10)) is StopReason.WORK
    assert Gap(0.01)(Progress(gap=0.01)) is StopReason.GAP
    assert Gap(0.01)(Progress()) is None  # no bound yet: no gap to reach


def test_the_first_of_several_that_holds_names_the_reason():
    stop = AnyOf(Seconds(60), Work(5), Gap(0.5))
    assert stop(Progress(seconds=1, work=5, gap=0.1)) is StopReason.WORK
    assert stop(Progress(seconds=1, work=1, gap=0.9)) is None


@pytest.mark.parametrize(
    "make", [lambda: Seconds(0), lambda: Work(-1), lambda: Gap(-0.1), lambda: Gap(float("nan"))]
)
def test_senseless_limits_are_refused(make):
    with pytest.raises(ConfigError):
        make()
