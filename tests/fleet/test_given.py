"""Rules read off given blocks, and what optimising saves: never less than nothing under those rules."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mobility import fleet
from mobility.cli.fleet_given import has_blocks, savings_rows, show_savings
from mobility.errors import ConfigError
from mobility.feed import read_feed

H = 3_600
COLUMNS = [
    "trip_id", "block_id", "route_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km",
]  # fmt: skip
RUNS = [
    (one, other, minutes * 60, km)
    for one, other, minutes, km in (
        ("home", "a", 10, 4), ("home", "b", 10, 4), ("home", "c", 10, 4),
        ("a", "b", 30, 15), ("a", "c", 20, 10), ("b", "c", 4, 2),
    )
] + [
    (other, one, minutes * 60, km)
    for one, other, minutes, km in (
        ("home", "a", 10, 4), ("home", "b", 10, 4), ("home", "c", 10, 4),
        ("a", "b", 30, 15), ("a", "c", 20, 10), ("b", "c", 4, 2),
    )
]  # fmt: skip
COSTS = {"vehicle_day_minor": 20_000, "deadhead_km_minor": 90, "waiting_h_minor": 300}


def problem_of(trips, **changes):
    return fleet.Problem.from_tables(
        pd.DataFrame(trips, columns=COLUMNS),
        deadheads=pd.DataFrame(RUNS, columns=["from_stop", "to_stop", "time_s", "distance_km"]),
        depots=[{"id": "d", "stop_id": "home"}],
        **{"costs": COSTS, "rules": {"min_layover_s": 600, "max_wait_s": 3 * H}, **changes},
    )


def two_blocks():
    """Routes 1 and 2 share a bus at b with 5 minutes; route 3 is alone, with 12 and 20 minutes."""
    return [
        ("t1", "x", "1", 8 * H, 9 * H, "a", "b", 20.0),
        ("t2", "x", "2", 9 * H + 300, 10 * H, "b", "a", 20.0),
        ("t3", "x", "1", 10 * H + 900, 11 * H, "a", "b", 20.0),
        ("t4", "y", "3", 8 * H, 9 * H, "a", "c", 15.0),
        ("t5", "y", "3", 9 * H + 720, 10 * H, "c", "a", 15.0),
        ("t6", "y", "3", 10 * H + 1_200, 11 * H, "a", "c", 15.0),
    ]


def layover_at(rules, stop):
    return next(one.seconds for one in rules.layovers if not one.stops or stop in one.stops)


def breaks_a_rule(found):
    """Connections that the inferred rules refuse, told by nothing but the rules and the tables."""
    rules, table = found.rules, found.problem.deadheads
    trips = found.problem.trips.set_index("trip_id")
    group = {route: at for at, routes in enumerate(rules.interline) for route in routes}
    limit = {}
    for one in reversed(rules.terminals):
        limit |= dict.fromkeys(one.stops, one.max_wait_s)
    bad = []
    homeward = set()
    plan = found.given.blocks.reset_index(drop=True)
    trip = ""
    for row in plan.itertuples():
        if row.kind == "depot":
            homeward.add(trip)
        trip = row.trip_id or trip
    for one in found.connections[found.connections["evidence"]].itertuples():
        first, then = trips.loc[one.trip_id], trips.loc[one.then_trip_id]
        gap = then.depart_s - first.arrive_s
        band = max(int((table.from_s <= first.arrive_s).sum()) - 1, 0)
        run = int(table.time_s[band, table.row[first.to_stop], table.row[then.from_stop]])
        stands = gap - run
        wait = limit.get(then.from_stop, rules.max_wait_s)
        fine = group[first.route_id] == group[then.route_id]
        fine &= stands >= layover_at(rules, first.to_stop)
        fine &= wait is None or stands <= wait or one.trip_id in homeward
        if not fine:
            bad.append((one.trip_id, one.then_trip_id))
    return bad


def test_rules_are_what_the_blocks_show():
    found = fleet.infer_rules(problem_of(two_blocks()))
    assert [layover_at(found.rules, stop) for stop in ("a", "b", "c")] == [900, 300, 720]
    assert found.rules.interline == (("1", "2"), ("3",))
    terminals = found.terminals.set_index("stop_id")
    assert terminals["connections"].to_dict() == {"a": 2, "b": 1, "c": 1}
    assert terminals["as_short"].to_dict() == {"a": 1, "b": 1, "c": 1}
    assert terminals["median_s"].to_dict() == {"a": 1_050, "b": 300, "c": 720}
    assert terminals["max_wait_s"].to_dict() == {"a": 1_200, "b": 300, "c": 720}
    # From pull-out to pull-in: 07:50 to 11:10.
    assert found.rules.max_block_s == 3 * H + 1_200
    assert found.interlined.to_numpy().tolist() == [["1", "2", 1], ["2", "1", 1]]
    assert not breaks_a_rule(found)
    assert "4 connections of 2 blocks" in str(found)


def test_a_terminal_nobody_goes_on_from_keeps_the_cases_rule():
    trips = two_blocks()[:2]
    found = fleet.infer_rules(problem_of(trips))
    assert layover_at(found.rules, "a") == 600
    assert layover_at(found.rules, "b") == 300
    assert any("no given bus goes on from 1 of 2 terminals" in one for one in found.assumptions)


def test_blocks_that_never_interline_share_no_bus():
    found = fleet.infer_rules(
        problem_of([*two_blocks()[3:], ("u", "z", "4", 0, 60, "a", "a", 1.0)])
    )
    assert found.rules.interline == (("3",), ("4",))


def test_a_bus_that_is_quicker_than_our_empty_run_is_evidence():
    trips = [
        ("t1", "x", "1", 8 * H, 9 * H, "a", "b", 20.0),
        ("t2", "x", "1", 9 * H + 1_200, 10 * H, "a", "b", 20.0),  # b to a in 20 minutes, not 30
    ]
    found = fleet.infer_rules(problem_of(trips))
    table = found.problem.deadheads
    assert table.time_s[0, table.row["b"], table.row["a"]] == 1_200
    assert table.time_s[0, table.row["a"], table.row["b"]] == 1_800
    assert found.given.vehicles == 1
    assert any("b -> a: 1200 s where 1800 s" in one for one in found.assumptions)
    assert not breaks_a_rule(found)


def test_what_is_left_after_the_usual_layover_is_the_runs_time():
    trips = [
        *two_blocks()[:2],
        ("u1", "y", "1", 8 * H, 9 * H, "a", "b", 20.0),
        ("u2", "y", "1", 9 * H + 1_500, 10 * H, "a", "b", 20.0),
    ]
    found = fleet.infer_rules(problem_of(trips))
    table = found.problem.deadheads
    assert table.time_s[0, table.row["b"], table.row["a"]] == 1_200
    assert layover_at(found.rules, "b") == 300


def test_what_no_bus_can_drive_is_a_finding_and_no_evidence():
    trips = [
        ("t1", "x", "1", 8 * H, 9 * H, "a", "b", 20.0),
        ("t2", "x", "1", 9 * H + 60, 10 * H, "a", "b", 20.0),  # 15 km in a minute
        ("t3", "x", "2", 9 * H + 1_800, 11 * H, "b", "a", 20.0),  # while t2 still runs
    ]
    found = fleet.infer_rules(problem_of(trips))
    assert found.connections["evidence"].tolist() == [False, False]
    assert found.given.vehicles == 3
    assert found.given.findings[0].code == "block_cannot_be_driven"
    assert found.given.findings[0].count == 2
    assert found.rules.interline == (("1",), ("2",))
    assert any("the 1 given blocks are 3 vehicles" in one for one in found.assumptions)


def test_savings_are_told_twice_and_the_inferred_ones_first(capsys):
    # One bus could drive x and then y: the given blocks use two.
    trips = [
        *two_blocks()[:3],
        ("v1", "y", "1", 11 * H + 600, 12 * H, "b", "a", 20.0),
        ("v2", "y", "1", 12 * H + 900, 13 * H, "a", "b", 20.0),
    ]
    answer = fleet.savings(problem_of(trips))
    assert answer.given.vehicles == 2
    assert answer.by_inferred.report.objective <= answer.given.report.objective
    table = answer.table.set_index(["rules", "figure"])
    assert table.loc[("inferred", "vehicles"), "before"] == 2
    for name, plan in (("inferred", answer.by_inferred), ("case", answer.by_case)):
        rows = table.loc[name]
        assert rows.loc["cost_minor", "before"] == sum(answer.given.report.parts.values())
        assert rows.loc["cost_minor", "after"] == plan.report.objective
        assert np.allclose(rows["after"] - rows["before"], rows["difference"], atol=1e-3)
        assert fleet.check(plan.problem, plan) == []
    assert str(answer).startswith("given 2 vehicles; under the rules that they follow")
    assert json.loads(answer.to_json())["table"][0]["rules"] == "inferred"
    show_savings(answer)
    assert "as short" in capsys.readouterr().out
    assert [row[0] for row in savings_rows(answer)][-1] == "cost a day"
    assert "<table" in answer._repr_html_() + answer.inferred._repr_html_()


def test_trips_without_a_block_are_left_out():
    trips = [*two_blocks(), ("w", "", "9", 12 * H, 13 * H, "a", "b", 20.0)]
    problem = problem_of(trips)
    answer = fleet.savings(problem)
    assert len(answer.inferred.problem.trips) == 6
    assert answer.given.vehicles == 2
    assert "w" not in set(answer.by_case.blocks["trip_id"])
    assert any("1 of 7 trips have no block_id" in one for one in answer.assumptions)
    assert has_blocks(problem)


def test_without_blocks_there_is_nothing_to_learn():
    problem = problem_of([(*one[:1], "", *one[2:]) for one in two_blocks()])
    assert not has_blocks(problem)
    with pytest.raises(ConfigError, match="no trip has a block_id"):
        fleet.savings(problem)


def test_given_blocks_that_no_depot_holds_are_told():
    problem = problem_of(two_blocks())
    answer = fleet.savings(
        replace(problem, depots=tuple(replace(one, capacity=1) for one in problem.depots))
    )
    assert answer.table.empty
    assert str(answer).startswith("no comparison with the given blocks: the depots hold")
    json.loads(answer.to_json())


@st.composite
def given_days(draw):
    """Trips dealt out to blocks: each goes to a block that it can follow, late or early."""
    trips, ends = [], {}
    for at in range(draw(st.integers(2, 8))):
        start = draw(st.integers(10, 30)) * 1_800
        origin, target = draw(st.permutations("abc"))[:2]
        block = draw(st.sampled_from("xyz"))
        if ends.get(block, 0) > start:
            block = f"alone{at}"
        ends[block] = start + 1_500
        route = draw(st.sampled_from("123"))
        trips.append((f"t{at}", block, route, start, start + 1_500, origin, target, 9.0))
    trips.sort(key=lambda one: one[3])
    rules = {"min_layover_s": draw(st.sampled_from([0, 600])),
             "max_wait_s": draw(st.sampled_from([None, H]))}  # fmt: skip
    return trips, rules


@settings(max_examples=12, phases=(Phase.explicit, Phase.generate))
@given(given_days(), st.randoms(use_true_random=False))
def test_given_blocks_are_allowed_and_never_beat_what_is_made_of_them(day, shuffled):
    trips, rules = day
    answer = fleet.savings(problem_of(trips, rules=rules))
    found = answer.inferred
    assert not breaks_a_rule(found)
    assert fleet.check(found.problem, found.given) == []
    assert fleet.check(found.problem, replace(found.given, block_mode="optimise")) == []
    assert answer.by_inferred.report.objective <= answer.given.report.objective
    assert fleet.check(found.problem, answer.by_inferred) == []
    shuffled.shuffle(trips)
    again = fleet.infer_rules(problem_of(trips, rules=rules))
    assert again.rules == found.rules
    pd.testing.assert_frame_equal(again.connections, found.connections)


@pytest.mark.parametrize(("name", "blocks"), [("hart", 151), ("trimet2", 32)])
def test_given_blocks_of_real_feeds_follow_the_rules_read_off_them(shared_gtfs, name, blocks):
    problem = fleet.problem(read_feed(shared_gtfs / f"{name}.zip").day("typical"))
    found = fleet.infer_rules(problem)
    assert found.problem.trips["block_id"].nunique() == blocks
    assert found.connections["evidence"].all()
    assert not breaks_a_rule(found)
    assert fleet.check(found.problem, found.given) == []
    assert fleet.check(found.problem, replace(found.given, block_mode="optimise")) == []
    if name == "trimet2":
        answer = fleet.savings(problem)
        assert answer.by_inferred.report.objective <= answer.given.report.objective
