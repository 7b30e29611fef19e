"""Plans of whole chargers: they hold, their bound holds, and a broken one is found out."""

import dataclasses
import itertools

import naive_charge
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from made_charge import SLOT_S, problem_of, problems, random_problem

from mobility import fleet
from mobility.errors import ConfigError
from mobility.fleet import _plug_kernels as kernels
from mobility.fleet import _plug_search_kernels as searches
from mobility.fleet.charge_sites import by_site
from mobility.solution import Status
from mobility.stop import Gap, Work

NORTH = fleet.ChargingSite("north", 2, 100.0, 150.0)
ROWS = [
    ("bus 1", "north", 79_200, 97_200, 120.0, 100.0),
    ("bus 2", "north", 80_100, 93_600, 90.0, 80.0),
    ("bus 3", "north", 82_800, 108_000, 200.0, 100.0),
    ("bus 1", "north", 43_200, 50_400, 40.0, 100.0),
]
ENERGY = ((0, 50.0), (25_200, 90.0), (79_200, 120.0), (82_800, 50.0))


def small():
    return problem_of(ROWS, [NORTH], ENERGY, 30.0)


def best_of(problem):
    """Cost of the best plan by an integer program, None where there is none."""
    total = 0.0
    for one in by_site(problem):
        cost = naive_charge.cheapest_plan(
            one.first, one.end, one.most, one.need, one.price[one.level],
            np.full(one.slots, one.site.most_kw), problem.demand / problem.slot_h, one.site.chargers,
        )  # fmt: skip
        if cost is None:
            return None
        total += cost * problem.slot_h
    return total


@settings(max_examples=60)
@given(problems(most=6, slots=10))
def test_plans_hold_and_no_bound_is_beaten(problem):
    answer = fleet.charge_stays(problem, stop=Work(60))
    assert fleet.check(problem, answer) == []
    best = best_of(problem)
    if best is None:
        assert answer.report.objective is None
        return
    assert answer.report.status in {Status.OPTIMAL, Status.FEASIBLE}
    scale = 1e-6 * max(1.0, abs(best))
    assert answer.report.bound <= best + scale
    assert answer.report.objective >= best - scale
    assert answer.report.objective <= best * 1.05 + scale
    if answer.report.status == Status.OPTIMAL:
        assert answer.report.objective <= best + scale


@pytest.mark.parametrize("seed", range(12))
def test_larger_plans_hold(seed):
    problem = random_problem(seed, stays=25)
    answer = fleet.charge_stays(problem)
    assert fleet.check(problem, answer) == []
    if answer.report.objective is None:
        assert answer.report.status == Status.INFEASIBLE
        assert "missing" in answer.why or "more" in answer.why
        return
    relaxed = fleet.charge_stays(problem, relax=True)
    assert answer.report.bound >= relaxed.report.bound - 1e-6 * abs(relaxed.report.bound)
    assert len(answer.sessions) == (problem.stays["need_kwh"] > 0).sum()


@given(problems(), st.sampled_from(["first-come", "balanced"]))
def test_rules_hold_and_never_beat_the_bound(problem, strategy):
    answer = fleet.charge_stays(problem, strategy=strategy)
    assert fleet.check(problem, answer) == []
    relaxed = fleet.charge_stays(problem, relax=True).report.objective
    if answer.missing_kwh:
        assert answer.why
    else:
        assert relaxed <= answer.report.objective + 1e-6 * max(1.0, answer.report.objective)


@given(problems())
def test_least_shortfall_leaves_what_a_cut_proves_at_least(problem):
    answer = fleet.charge_stays(problem, least_shortfall=True)
    assert fleet.check(problem, answer) == []
    missing = sum(answer.missing_kwh.values())
    least = 0.0
    for one in by_site(problem):
        cap = np.full(one.slots, one.site.most_kw)
        got = naive_charge.most_delivered(one.first, one.end, one.most, one.need, cap)
        least += (one.need.sum() - got) * problem.slot_h
    assert missing >= least - 1e-3
    if missing == 0:
        assert answer.report.status in {Status.OPTIMAL, Status.FEASIBLE}
    else:
        assert answer.report.status in {Status.INFEASIBLE, Status.UNKNOWN}
        assert answer.why


@given(problems(), st.sampled_from(["same", "charger", "kw", "stay"]))
def test_a_warm_start_never_ends_worse(problem, change):
    first = fleet.charge_stays(problem, stop=Work(2))
    assume(first.report.objective is not None)
    other = problem
    if change == "stay":
        stays = problem.stays.copy()
        stays["arrive_s"] -= SLOT_S
        other = problem.replace(stays=stays)
    elif change != "same":
        more = {"charger": {"chargers": 1}, "kw": {"kw": 10.0}}[change]
        other = problem.replace(sites=tuple(
            dataclasses.replace(one, **{key: getattr(one, key) + value for key, value in more.items()})
            for one in problem.sites
        ))  # fmt: skip
    # The old plan stays feasible, and what starts from it is not dearer.
    kept = dataclasses.replace(first, problem=other)
    assert fleet.check(other, kept) == []
    again = fleet.charge_stays(other, start=first, stop=Work(1))
    assert again.report.objective <= first.report.objective * (1 + 1e-9) + 1e-9


@given(problems(), st.sampled_from(["charger", "kw", "stay"]))
def test_more_of_anything_never_costs_more_where_both_are_optimal(problem, change):
    if change == "stay":
        other = problem.replace(
            stays=problem.stays.assign(arrive_s=problem.stays["arrive_s"] - SLOT_S)
        )
    else:
        more = {
            "charger": lambda one: {"chargers": one.chargers + 1},
            "kw": lambda one: {"kw": one.kw + 15},
        }
        other = problem.replace(
            sites=tuple(dataclasses.replace(one, **more[change](one)) for one in problem.sites)
        )
    before, after = (fleet.charge_stays(one, stop=Work(20)).report for one in (problem, other))
    if before.status == after.status == Status.OPTIMAL:
        assert after.objective <= before.objective * (1 + 2e-6) + 1e-6
    if before.objective is not None:
        assert after.status != Status.INFEASIBLE


def test_the_same_seed_repeats_exactly():
    problem = random_problem(3, stays=30)
    one, two = (fleet.charge_stays(problem, stop=Work(5), seed=7) for _ in range(2))
    assert one.sessions.equals(two.sessions)
    assert one.report.objective == two.report.objective


def test_a_gap_ends_the_search():
    answer = fleet.charge_stays(small(), stop=Gap(0.5))
    assert answer.report.gap <= 0.5


def test_savings_are_told():
    answer = fleet.charge_stays(small())
    assert answer.report.objective < answer.against["balanced"]
    assert 0 < answer.saving < 1
    assert "less than first come, first served" in str(answer)
    assert answer.to_dict()["saving"] == answer.saving


def test_a_strategy_that_does_not_exist():
    with pytest.raises(ConfigError, match="no strategy 'greedy'"):
        fleet.charge_stays(small(), strategy="greedy")


def test_a_battery_that_is_too_small_is_no_slip_but_infeasible():
    stays = small().stays.assign(soc_kwh=100.0, battery_kwh=250.0)
    problem = small().replace(stays=stays)
    answer = fleet.charge_stays(problem)
    assert answer.report.status == Status.INFEASIBLE
    assert "bus 3 at north" in answer.why
    assert "50.0 kWh are missing" in answer.why


# --- plans with one thing wrong -------------------------------------------------------------


def mutated(plan, change):
    """The plan with its first fitting session changed."""
    sessions = plan.sessions.copy()
    rows = sessions.to_dict("records")
    change(rows)
    return dataclasses.replace(plan, sessions=pd.DataFrame(rows))


def codes(change, problem=None):
    problem = problem or small()
    plan = fleet.charge_stays(problem)
    assert fleet.check(problem, plan) == []
    return {one.code for one in fleet.check(problem, mutated(plan, change))}


def at(rows, bus, number=0):
    return [row for row in rows if row["bus"] == bus][number]


def test_a_shifted_session_is_caught():
    def shift(rows):
        row = at(rows, "bus 2")
        row["start_s"] -= 86_400
        row["end_s"] -= 86_400

    assert "charging_while_driving" in codes(shift)


def test_every_shift_by_slots_that_leaves_the_stay_is_caught():
    problem = small()
    plan = fleet.charge_stays(problem)
    stay = problem.stays.set_index(["bus", "arrive_s"])
    for number, row in enumerate(plan.sessions.itertuples()):
        depart = max(stay.loc[row.bus]["depart_s"])
        for slots in (-20, -8, 8, 20):

            def shift(rows, number=number, slots=slots):
                rows[number]["start_s"] += slots * SLOT_S
                rows[number]["end_s"] += slots * SLOT_S

            found = {one.code for one in fleet.check(problem, mutated(plan, shift))}
            if row.end_s + slots * SLOT_S > depart:
                assert "charging_while_driving" in found
            else:  # inside or outside: its price, its peak or its charger no longer fits
                assert found


def test_half_a_slot_off_is_caught():
    def shift(rows):
        at(rows, "bus 2")["start_s"] += SLOT_S // 2
        at(rows, "bus 2")["end_s"] += SLOT_S // 2

    assert "session_malformed" in codes(shift)


def test_an_overlap_on_a_charger_is_caught():
    # Two chargers are both in use at once in this plan: three buses, flat and cheap nights.
    problem = small().replace(energy=((0, 1.0),))

    def same(rows):
        for row in rows:
            row["charger"] = 0

    assert "charger_overlap" in codes(same, problem)


def test_too_much_power_is_caught():
    def more(rows):
        row = at(rows, "bus 2")
        row["kw"] = (81.0, *row["kw"][1:])
        row["kwh"] = sum(row["kw"]) * SLOT_S / 3600

    assert {"power_above_charger", "stay_overcharged"} <= codes(more)


def test_a_cap_is_kept():
    problem = small().replace(sites=(dataclasses.replace(NORTH, cap_kw=30.0),))
    plan = fleet.charge_stays(small())
    assert "site_cap_exceeded" in {one.code for one in fleet.check(problem, plan)}


def test_a_dropped_session_is_caught():
    assert "stay_not_charged" in codes(lambda rows: rows.pop())


def test_two_sessions_in_a_stay_are_caught():
    def halve(rows):
        row = at(rows, "bus 3")
        middle = len(row["kw"]) // 2
        other = dict(row)
        row["kw"], other["kw"] = row["kw"][:middle], row["kw"][middle:]
        other["start_s"] = row["end_s"] = row["start_s"] + middle * SLOT_S
        for one in (row, other):
            one["kwh"] = sum(one["kw"]) * SLOT_S / 3600
        rows.append(other)

    assert "plugged_in_twice" in codes(halve)


def test_a_charger_that_is_not_there_is_caught():
    assert "too_many_chargers_used" in codes(lambda rows: rows[0].update(charger=2))
    assert "too_many_chargers_used" in codes(lambda rows: rows[0].update(charger=-1))


def test_a_site_that_is_not_there_is_caught():
    assert "unknown_site" in codes(lambda rows: rows[0].update(site="south"))


def test_a_wrong_price_is_caught():
    problem = small()
    plan = fleet.charge_stays(problem)
    cheaper = dataclasses.replace(
        plan.report, objective=plan.report.objective - 1.0, bound=None,
        parts={**plan.report.parts, "energy": plan.report.parts["energy"] - 1.0},
    )  # fmt: skip
    found = fleet.check(problem, dataclasses.replace(plan, report=cheaper))
    assert {one.code for one in found} == {"cost_does_not_add_up"}


def test_a_battery_is_never_overfull():
    plan = fleet.charge_stays(small())
    full = small().replace(stays=small().stays.assign(soc_kwh=100.0, battery_kwh=150.0))
    assert "soc_above_window" in {one.code for one in fleet.check(full, plan)}


# --- kernels beside their twins -------------------------------------------------------------


@st.composite
def gaps(draw):
    count = draw(st.integers(1, 7))
    begin = np.array([draw(st.integers(0, 12)) for _ in range(count)], np.int64)
    finish = begin + np.array([draw(st.integers(1, 6)) for _ in range(count)], np.int64)
    return begin, finish


@given(gaps(), st.integers(1, 4), st.integers(0, 2))
def test_assign_kernel(intervals, chargers, gap):
    begin, finish = intervals
    charger = np.empty(begin.size, np.int64)
    done = kernels.assign(begin, finish, chargers, gap, charger)
    assert done == (naive_charge.most_at_once(begin, finish, gap) <= chargers)
    if done:
        for c in range(chargers):
            own = sorted((b, f) for b, f, x in zip(begin, finish, charger, strict=True) if x == c)
            assert all(one[1] + gap <= other[0] for one, other in itertools.pairwise(own))


@given(gaps(), st.integers(1, 4), st.integers(0, 2), st.integers(0, 4), st.floats(0, 1))
def test_stretch_kernel(intervals, chargers, gap, around, share):
    begin, finish = intervals
    charger = np.empty(begin.size, np.int64)
    assume(kernels.assign(begin, finish, chargers, gap, charger))
    first, end = np.maximum(begin - around, 0), finish + around
    low, high = begin.copy(), finish.copy()
    kernels.stretch(first, end, low, high, charger, chargers, gap, np.full(begin.size, share))
    assert (low <= begin).all()
    assert (high >= finish).all()
    assert (low >= first).all()
    assert (high <= end).all()
    assert naive_charge.most_at_once(low, high, gap) <= chargers


@given(problems(), st.integers(0, 2))
def test_by_arrival_kernel(problem, gap):
    for one in by_site(problem):
        for balanced in (False, True):
            begin, finish = np.empty(one.rows.size, np.int64), np.empty(one.rows.size, np.int64)
            flow = np.zeros(int((one.end - one.first).sum()))
            cap = np.full(one.slots, one.site.most_kw)
            left = kernels.by_arrival(one.first, one.end, one.most, one.need, cap,
                                      one.site.chargers, gap, balanced, begin, finish, flow)  # fmt: skip
            wanted, told = naive_charge.by_arrival(
                one.first,
                one.end,
                one.most,
                one.need,
                cap,
                one.site.chargers,
                gap,
                balanced=balanced,
            )
            assert left == pytest.approx(wanted, abs=1e-6)
            assert flow == pytest.approx(told, abs=1e-6)


@given(problems(), st.integers(0, 2**32), st.integers(0, 2))
def test_search_kernel_keeps_its_books(problem, seed, gap):
    """What the search says a plan costs is what a naive count of its sessions says."""
    for one in by_site(problem):
        none = np.full(one.rows.size, -1, np.int64)
        begin, finish, lacks = none.copy(), none.copy(), one.need.copy()
        flow = np.zeros(int((one.end - one.first).sum()))
        cap = np.full(one.slots, one.site.most_kw)
        state = np.array([seed + 1], np.uint64)
        cost = searches.search(
            one.first, one.end, one.most, one.need, one.level, one.price, cap, one.beside_kw,
            one.site.chargers, gap, problem.demand, 1000.0, 0.0, 200, 4, 0.05, state, begin, finish, flow, lacks,
        )  # fmt: skip
        load, paid, at = np.zeros(one.slots), 0.0, 0
        for i in range(one.rows.size):
            own = flow[at : at + one.end[i] - one.first[i]]
            at += own.size
            assert own.sum() + lacks[i] == pytest.approx(one.need[i], abs=1e-6)
            assert (own <= one.most[i] + 1e-9).all()
            outside = [
                kw for t, kw in enumerate(own, int(one.first[i])) if not begin[i] <= t < finish[i]
            ]
            assert not any(outside)
            load[one.first[i] : one.end[i]] += own
            paid += float((own * one.price[one.level[one.first[i] : one.end[i]]]).sum())
        assert (load <= cap + 1e-6).all()
        assert naive_charge.most_at_once(begin, finish, gap) <= one.site.chargers
        wanted = paid + problem.demand * load.max() + 1000.0 * lacks.sum()
        assert cost == pytest.approx(wanted, rel=1e-9, abs=1e-6)


# --- the bars at a small size ---------------------------------------------------------------


@pytest.mark.parametrize(("ratio", "most"), [(0.6, 0.005), (0.25, 0.03)])
def test_a_small_city_keeps_the_bars(ratio, most):
    from benchmarks import charge
    from benchmarks.charge_city import charge_city

    problem = charge_city(ratio, buses=240, sites=3)
    told = charge.ours_plan(problem)
    assert told["check_errors"] == 0
    assert told["over_relaxation_percent"] <= 100 * most
    rule = charge.first_come(problem)
    assert rule["check_errors"] == 0
    assert told["objective"] < rule["objective"]
