"""Our plan for a scenario: safe, tried on other seeds, and the shipped programs where it is no better."""

from __future__ import annotations

import pytest

from mobility import signals

pytest.importorskip("sumo", reason="SUMO is in the extra [sumo]")
from town import make_town

from mobility.signals.sumo import drive
from mobility.signals.sumo import planned as planning
from mobility.signals.sumo.planned import plan_for


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A grid of nine signals and some minutes of traffic."""
    return make_town(tmp_path_factory.mktemp("town"))


def test_a_plan_replaces_the_shipped_programs_only_by_a_test(town, monkeypatch):
    monkeypatch.setattr(planning, "CYCLES_S", (60,))
    monkeypatch.setattr(planning, "ROUNDS", 1)
    found = plan_for(town / "town.sumocfg", end_s=300, work=9e5)
    told = found.to_dict()
    assert told["kept"] in {"planned", "shipped"}
    assert len(found.trials) >= 2
    if found.plan is not None:
        assert found.test["upper_s"] < 0
        assert found.test["teleports"][0] <= found.test["teleports"][1]
        assert min(found.test["seeds"]) >= 2000
        assert signals.check(found.network, found.plan) == []


def test_too_little_work_keeps_the_shipped_programs(town):
    found = plan_for(town / "town.sumocfg", end_s=200, work=1000)
    assert found.plan is None
    assert "too large" in found.why


def test_drive_shows_the_plan(town, monkeypatch):
    monkeypatch.setattr(planning, "WORK", 1000)
    monkeypatch.setattr(plan_for, "__kwdefaults__", {**plan_for.__kwdefaults__, "work": 1000})
    done = drive(town / "town.sumocfg", "planned", end_s=120)
    assert done.controller == "planned"
    assert done.asked["planning"]["kept"] == "shipped"
    assert done.findings == ()
