"""Promises to people on foot: read, kept, and what they cost vehicles; values of a year."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility import samples, signals
from mobility.errors import ConfigError
from mobility.signals.benefit import benefit_per_year
from mobility.signals.crossings import (
    OLDER_PACE_MS,
    CrossingRules,
    left_out,
    longest_wait_s,
    promised,
    with_crossings,
)
from mobility.signals.problem import Crossing, Rings, State
from mobility.signals.values import Values
from mobility.stop import Work

PATH = samples.path("incheon") / "signals.toml"
TOWN = signals.read_network(PATH)
CASE = tomllib.loads(PATH.read_text("utf-8"))
# Two signals of one street, for tests that plan.
SMALL = signals.read_network({
    **{key: CASE[key] for key in ("city", "timezone", "defaults")},
    "signal": CASE["signal"][:2], "link": CASE["link"][:2], "crossing": CASE["crossing"][:1],
    "demand": [{**CASE["demand"][0], "vehicles_h": [
        row for row in CASE["demand"][0]["vehicles_h"] if row[0] in {"N01", "N02"}
    ], "pedestrians_h": [
        row for row in CASE["demand"][0]["pedestrians_h"] if row[0] in {"N01", "N02"}
    ]}],
})  # fmt: skip
RING = signals.read_utdf(samples.path("santiago").parent / "ring.utdf.csv")


def test_promises_belong_to_places_and_the_kindest_holds():
    found = {(one.signal, one.group): one for one in promised(TOWN)}
    assert set(found) == {("N02", "PEW"), ("N02", "PNS"), ("N05", "PEW")}
    assert (found["N02", "PEW"].pace_ms, found["N05", "PEW"].pace_ms) == (OLDER_PACE_MS, 0.8)
    ruled = with_crossings(TOWN)
    assert ruled.signal["N02"].group["PEW"].clearance_s == 27  # 24 m at 0.92 m/s
    assert ruled.signal["N05"].group["PEW"].clearance_s == 30  # at 0.8 m/s
    assert ruled.signal["N05"].group["PEW"].max_red_s == 60 + 30
    assert ruled.signal["N05"].group["PNS"] == TOWN.signal["N05"].group["PNS"]
    assert ruled.signal["N01"] == TOWN.signal["N01"]
    both = {(one.signal, one.group): one for one in promised(TOWN, CrossingRules(70, 1.2, 2))}
    assert len(both) == 16
    kindest = both["N05", "PEW"]
    assert (kindest.max_wait_s, kindest.pace_ms, kindest.leading_walk_s) == (60, 0.8, 7)
    assert (both["N01", "PEW"].pace_ms, both["N01", "PEW"].leading_walk_s) == (1.2, 2)
    assert with_crossings(ruled) == ruled  # they are limits now, and are not asked for twice
    assert (
        with_crossings(TOWN, CrossingRules(pace_ms=9)).signal["N01"].group["PEW"].clearance_s == 20
    )


@pytest.mark.parametrize(("change", "told"), [
    ({"signal": "N99"}, "'N99' is not known"), ({"signal": "N02", "group": "EW"}, "pedestrian group"),
    ({"signal": "N02", "older": True}, "did you mean 'older_people'"),
    ({"signal": "N02", "pace_m_s": 0}, "pace_m_s"),
])  # fmt: skip
def test_a_promise_to_nobody_is_refused(change, told):
    with pytest.raises(ConfigError, match=told):
        signals.read_network({**CASE, "crossing": [change]})


def test_what_cannot_be_kept_is_told():
    case = tomllib.loads(PATH.read_text("utf-8"))
    for group in case["signal"][1]["groups"]:
        group.pop("crossing_m", None)
    found = signals.read_network(case).input_findings
    assert [(one.code, one.column) for one in found] == [
        ("signal_crossing_not_kept", "N02.PEW"), ("signal_crossing_not_kept", "N02.PNS"),
    ]  # fmt: skip
    assert "no leading walk" in left_out(RING.signal["1"], Crossing("1", "P2", leading_walk_s=3))


@settings(max_examples=4)
@given(st.integers(1, 12), st.sampled_from(["N01", "N02"]))
def test_vehicles_begin_as_much_later_as_was_promised(seconds, where):
    asked = replace(SMALL, crossings=(Crossing(where, "PEW", leading_walk_s=seconds),))
    ruled = with_crossings(asked)
    plan = signals.time_signals(ruled, stop=Work(200))
    assert signals.check(ruled, plan) == []
    one = plan.signal[where]
    start = {
        group: next(x for x in one.of_group[group] if x.state is State.GREEN).from_s
        for group in ("PEW", "EW")
    }
    assert (start["EW"] - start["PEW"]) % one.cycle_s >= seconds - 1e-6
    early = tuple(
        replace(x, from_s=x.from_s - seconds / 2) if (x.group, x.state) == ("EW", State.GREEN)
        else replace(x, to_s=x.to_s - seconds / 2) if (x.group, x.to_s) == ("EW", start["EW"]) else x
        for x in one.shows
    )  # fmt: skip
    mutant = signals.Plan((replace(one, shows=early),))
    assert "signal_intergreen_too_short" in {x.code for x in signals.check(ruled, mutant)}


def test_people_of_rings_get_their_clearance_and_their_longest_wait():
    made = replace(RING.signal["1"], groups=tuple(
        replace(x, crossing_m=20.0) if x.on_foot else x for x in RING.signal["1"].groups
    ))  # fmt: skip
    own = {key: flow for key, flow in RING.volumes[0].vehicles_h.items() if key[0] == "1"}
    network = replace(RING, intersections=(made,), links=(),
                      volumes=(replace(RING.volumes[0], vehicles_h=own),),
                      crossings=(Crossing("1", "P4", "", True, None, 60),))  # fmt: skip
    ruled = with_crossings(network)
    assert isinstance(ruled.signal["1"].rings, Rings)
    assert ruled.signal["1"].group["P4"].clearance_s == 22
    plan = signals.time_signals(ruled, stop=Work(300))
    assert signals.check(ruled, plan) == []
    shown = plan.signal["1"]
    assert longest_wait_s(shown, "P4") <= 60
    free = signals.time_signals(replace(network, crossings=()), stop=Work(300))
    assert longest_wait_s(free.signal["1"], "P4") > 60


def test_each_crossing_has_its_price_and_the_network_its_own(tmp_path):
    costs = signals.crossing_costs(SMALL)
    assert list(costs.rows["group"]) == ["PEW", "PNS"]
    assert list(costs.rows["clearance_s_ruled"]) == [27, 27]
    assert (costs.rows["cost_s"] > 0).all()
    assert (costs.rows["cost_hours_h"] > 0).all()
    total = costs.total
    assert total["person_hours_h_without"] <= total["person_hours_h_ruled"]
    assert signals.check(costs.network, costs.ruled) == []
    assert signals.check(SMALL, costs.without) == []
    assert costs.ruled.before.person_hours_h == costs.without.before.person_hours_h
    assert "2 crossings" in str(costs)
    assert costs.to_dict()["crossings"][0]["max_wait_s"] is None
    again = signals.read_network(signals.write_network(costs.network, tmp_path / "signals.toml"))
    assert (again.digest, again.values) == (costs.ruled.digest, SMALL.values)
    with pytest.raises(ConfigError, match="nothing is promised"):
        signals.crossing_costs(replace(SMALL, crossings=()))


def test_a_promise_that_no_cycle_keeps_is_an_answer():
    asked = replace(SMALL, crossings=(Crossing("N01", "PEW", max_wait_s=10),))
    costs = signals.crossing_costs(asked, stop=Work(100))
    assert costs.ruled.report.status == "infeasible"
    assert "no cycle keeps" in str(costs)


def test_the_network_comes_back_with_its_promises_and_values(tmp_path):
    again = signals.read_network(signals.write_network(TOWN, tmp_path / "x.toml"))
    assert signals.same_network(again, TOWN)
    assert (again.crossings, again.values) == (TOWN.crossings, TOWN.values)
    assert again.digest == TOWN.digest


def test_a_year_takes_the_values_of_the_case():
    plan = signals.time_signals(SMALL, stop=Work(100))
    assert plan.network.values is None
    priced = replace(
        plan, network=replace(SMALL, values=Values(hour_minor=(1, 2, 3), days=(1, 1, 1)))
    )
    assert list(benefit_per_year(priced)["time_minor"]) == [
        round(hours * k) for k, hours in zip((1, 2, 3), benefit_per_year(priced)["person_hours"], strict=True)
    ]  # fmt: skip
    year = benefit_per_year(plan)
    assert list(year["days"]) == list(Values().days)
    assert TOWN.values.hour_minor == (470, 863, 1255)
    assert TOWN.values.stop_l == Values().stop_l


@pytest.mark.parametrize(("values", "told"), [
    ({"days": [300, 200, 250]}, "days"), ({"hour": [1, 2, 3]}, "did you mean 'hour_minor'"),
    ({"stop_l": [0.1, 0.2]}, "stop_l"), ({"hour_minor": [-1, 0, 1]}, "hour_minor"),
])  # fmt: skip
def test_values_that_make_no_sense_are_refused(values, told):
    with pytest.raises(ConfigError, match=told):
        signals.read_network({**CASE, "values": values})
