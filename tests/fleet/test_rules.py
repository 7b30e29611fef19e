"""A planner's rules: each is kept, each is checked, and what each costs is said."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import STOPS, back_and_forth, ruled, trips_of

from mobility import fleet
from mobility.errors import ConfigError
from mobility.fleet.activities import running_cost
from mobility.fleet.duty import STRAIGHT, Duty, Schedule
from mobility.fleet.plan import block_plan
from mobility.fleet.rule_costs import RULES, active_rules, without
from mobility.solution import Status


def found_in(problem, plan):
    return {one.code for one in fleet.check(problem, plan)}


# --- each rule changes the plan, and the checker refuses the plan made without it ------------------

CASES = {
    "layover_too_short": (
        back_and_forth(2, gap_s=300),
        {"min_layover_s": 60, "layover": [{"stops": ["b"], "share": 0.5}]},
        {"min_layover_s": 60},
    ),
    "wait_too_long": (
        trips_of(("t0", "r", 20_000, 22_000, "a", "b"), ("t1", "r", 23_100, 24_000, "b", "a")),
        {"terminal": [{"stops": ["b"], "max_wait_s": 900}]},
        {},
    ),
    "interline_not_allowed": (
        trips_of(("t0", "r", 20_000, 22_000, "a", "b"), ("t1", "s", 22_600, 24_000, "b", "a")),
        {"interline": [["r", "q"]]},
        {},
    ),
    "parking_exceeded": (
        trips_of(
            *((f"t{at}", "r", 20_000 + at, 22_000 + at, "a", "b") for at in range(3)),
            *((f"u{at}", "r", 23_000 + at, 24_000 + at, "b", "a") for at in range(3)),
        ),
        {"terminal": [{"stops": ["b"], "parking": 2}]},
        {},
    ),
    "block_too_long": (back_and_forth(6), {"max_block_s": 3 * 3_600}, {}),
    "relief_too_late": (back_and_forth(6), {"relief_max_s": 3 * 3_600}, {}),
}


@pytest.mark.parametrize("code", CASES)
def test_a_rule_is_kept_and_a_plan_without_it_is_refused(code):
    trips, rules, fewer = CASES[code]
    strict, free = ruled(trips, rules), ruled(trips, fewer)
    kept, loose = fleet.plan_blocks(strict), fleet.plan_blocks(free)
    assert found_in(strict, kept) == set()
    assert found_in(free, loose) == set()
    assert code in found_in(strict, loose)
    assert kept.report.objective >= loose.report.objective
    assert strict.rules != free.rules


def test_a_place_of_relief_lets_a_block_run_on():
    trips = back_and_forth(6)
    away = ruled(trips, {"relief_max_s": 3 * 3_600})
    there = ruled(trips, {"relief_max_s": 3 * 3_600, "relief_stops": ["b"]})
    long, short = fleet.plan_blocks(there), fleet.plan_blocks(away)
    assert found_in(there, long) == found_in(away, short) == set()
    assert long.blocks["block"].nunique() < short.blocks["block"].nunique()


def test_the_layover_of_an_hour_and_a_route_counts_there_alone():
    rule = {"seconds": 1_200, "routes": ["s"], "hours": [["05:30", "06:30"]]}
    trips = trips_of(
        ("early", "s", 18_000, 21_000, "a", "b"),
        ("other", "r", 18_000, 21_000, "a", "b"),
        ("late", "s", 25_000, 27_000, "a", "b"),
    )
    layover = ruled(trips, {"min_layover_s": 60, "layover": [rule]}).allowed.layover_s
    assert dict(zip(("early", "other", "late"), layover.tolist(), strict=True)) == {
        "early": 1_200, "other": 60, "late": 60,
    }  # fmt: skip


def test_a_route_is_driven_by_the_types_and_from_the_depots_that_may():
    trips = trips_of(
        ("t0", "narrow", 20_000, 22_000, "a", "b"), ("t1", "wide", 22_600, 24_000, "b", "a"),
        ("t2", "narrow", 30_000, 32_000, "a", "b"), ("t3", "wide", 32_600, 34_000, "b", "a"),
    )  # fmt: skip
    rules = {
        "route": [
            {"routes": ["narrow"], "allowed_types": ["short"], "allowed_depots": ["far"]},
            {"routes": ["wide"], "allowed_types": ["long"]},
        ]
    }
    problem = ruled(
        trips, rules,
        depots=[{"id": "d", "stop_id": "depot"}, {"id": "far", "stop_id": "c"}],
        vehicles=[{"id": "short", "battery_kwh": 200.0}, {"id": "long", "battery_kwh": 400.0}],
    )  # fmt: skip
    for plan in (fleet.plan_blocks(problem), fleet.plan(problem)):
        assert found_in(problem, plan) == set()
        driven = plan.blocks[plan.blocks["kind"] == "trip"].set_index("trip_id")
        assert driven["type"].to_dict() == {
            "t0": "short",
            "t1": "long",
            "t2": "short",
            "t3": "long",
        }
        assert (driven.loc[["t0", "t2"], "depot"] == "far").all()
    anything = fleet.plan_blocks(problem.replace(**{"rules.routes": ()}))
    assert {"type_not_allowed", "depot_not_allowed"} & found_in(problem, anything)


def test_a_rule_that_names_what_is_not_there_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match="did you mean 'long'"):
        ruled(
            back_and_forth(1),
            {"route": [{"routes": ["r"], "allowed_types": ["lang"]}]},
            vehicles=[{"id": "long"}],
        )
    with pytest.raises(ConfigError, match="two groups"):
        ruled(back_and_forth(1), {"interline": [["r"], ["r", "s"]]})
    with pytest.raises(ConfigError, match="soft"):
        ruled(back_and_forth(1), {"soft": ["speed"]})


def test_a_given_block_stays_whole_whatever_may_interline():
    trips, rules, _ = CASES["interline_not_allowed"]
    problem = ruled(trips.assign(block_id="x"), rules)
    plan = fleet.plan_blocks(problem, blocks="given")
    assert plan.vehicles == 1
    assert found_in(problem, plan) == set()


def test_what_each_rule_costs_is_said_the_dearest_first():
    trips = back_and_forth(6)
    problem = ruled(trips, {"max_block_s": 3 * 3_600, "max_wait_s": 7_200})
    plan = fleet.plan_blocks(problem, price_rules=True)
    assert plan.rule_costs["rule"].tolist()[0] == "block"
    assert (
        set(plan.rule_costs["rule"]) == {"block", "wait", "layover"} == set(active_rules(problem))
    )
    free = fleet.plan_blocks(without(problem, ["block"]))
    first = plan.rule_costs.iloc[0]
    assert first["cost_minor"] == plan.report.objective - free.report.objective > 0
    assert plan.to_dict()["rule_costs"][0]["rule"] == "block"


def test_a_soft_rule_is_broken_where_that_pays_and_the_checker_only_warns():
    trips, rules, _ = CASES["interline_not_allowed"]
    costs = {"vehicle_day_minor": 9_000, "deadhead_km_minor": 70, "waiting_h_minor": 900}
    cheap = ruled(trips, {**rules, "soft": ["interline"]}, costs={**costs, "soft_minor": 10})
    dear = ruled(trips, {**rules, "soft": ["interline"]}, costs={**costs, "soft_minor": 1e6})
    broken, kept = fleet.plan_blocks(cheap), fleet.plan_blocks(dear)
    assert (broken.vehicles, kept.vehicles) == (1, 2)
    assert [str(one.severity) for one in fleet.check(cheap, broken)] == ["warning"]
    assert fleet.check(dear, kept) == []
    assert kept.report.bound <= broken.report.objective
    assert kept.report.status is Status.FEASIBLE


# --- laws over small made-up days -----------------------------------------------------------------


@st.composite
def asked(draw):
    rows = []
    for at in range(draw(st.integers(1, 4))):
        start = draw(st.integers(300, 900)) * 60
        ends = draw(st.permutations(STOPS))
        length = draw(st.integers(10, 60)) * 60
        rows.append((f"t{at}", draw(st.sampled_from(["r", "s"])), start, start + length, *ends[:2]))
    hours = st.sampled_from([None, 1_800, 3_600, 7_200])
    rules = {"min_layover_s": draw(st.sampled_from([0, 300]))}
    if draw(st.booleans()):
        rules["layover"] = [{"stops": [draw(st.sampled_from(STOPS))], "seconds": 600, "share": 0.2}]
    if draw(st.booleans()):
        rules["interline"] = [["r"]]
    terminal = {"max_wait_s": draw(hours), "parking": draw(st.sampled_from([None, 0, 1]))}
    rules["terminal"] = [
        {"stops": [draw(st.sampled_from(STOPS))],
         **{name: value for name, value in terminal.items() if value is not None}}
    ]  # fmt: skip
    if draw(st.booleans()):
        rules["max_block_s"] = draw(st.integers(2, 6)) * 3_600
    if draw(st.booleans()):
        rules |= {"relief_max_s": draw(st.integers(2, 6)) * 3_600, "relief_stops": ["a"]}
    return trips_of(*rows), rules


def every_plan(problem):
    """Every way to drive the trips, as duties: all partitions, all ways straight or home."""
    count = len(problem.trips)

    def partitions(rows):
        if not rows:
            yield []
            return
        first, rest = rows[0], rows[1:]
        for size in range(len(rest) + 1):
            for others in itertools.combinations(rest, size):
                left = [row for row in rest if row not in others]
                for more in partitions(left):
                    yield [(first, *others), *more]

    for chains in partitions(list(range(count))):
        links = sum(len(chain) - 1 for chain in chains)
        for ways in itertools.product((STRAIGHT, 0), repeat=links):
            at, duties = 0, []
            for chain in chains:
                duties.append(Duty(0, chain, ways[at : at + len(chain) - 1]))
                at += len(chain) - 1
            yield duties


def cheapest(problem):
    """The least cost of any plan that the checker accepts, rules and all; inf where none."""
    best = float("inf")
    for duties in every_plan(problem):
        plan = block_plan(problem, Schedule(tuple(duties), 0.0, 0), "optimise", 0.0, 0)
        cost = sum(running_cost(problem, plan.blocks).values())
        if cost < best and not fleet.check(problem, plan):
            best = cost
    return best


@settings(max_examples=30)
@given(asked())
def test_plans_keep_their_rules_and_no_plan_beats_the_bound(one):
    trips, rules = one
    problem = ruled(trips, rules)
    plan = fleet.plan_blocks(problem)
    assert plan.report.status in {Status.OPTIMAL, Status.FEASIBLE}
    assert fleet.check(problem, plan) == []
    least = cheapest(problem)
    assert plan.report.bound <= least + 1e-6
    assert plan.report.objective >= least - 1
    if plan.report.status is Status.OPTIMAL:
        assert plan.report.objective <= least + 4  # whole units, rounded up part by part


@settings(max_examples=15)
@given(asked(), st.sampled_from(RULES))
def test_a_dropped_rule_never_raises_the_bound(one, rule):
    trips, rules = one
    problem = ruled(trips, rules)
    bound = fleet.plan_blocks(problem).report.bound
    assert fleet.plan_blocks(without(problem, (rule,))).report.bound <= bound + 1e-6
