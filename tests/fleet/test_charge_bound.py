"""The value that no plan of charging can beat: exact, proven, and better with more of anything."""

import dataclasses

import naive_charge
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_charge import by_mathopt, problem_of, problems, random_problem

from mobility import fleet
from mobility.fleet import _transport_kernels as kernels
from mobility.fleet.charge_proof import cap_of_present, too_few_chargers
from mobility.fleet.charge_sites import by_site


def value(problem):
    return fleet.charge_stays(problem, relax=True).report.objective


@st.composite
def flows(draw):
    slots = draw(st.integers(2, 9))
    stays = draw(st.integers(1, 6))
    first = np.array([draw(st.integers(0, slots - 1)) for _ in range(stays)], np.int64)
    end = np.array([draw(st.integers(int(one) + 1, slots)) for one in first], np.int64)
    most = np.array([draw(st.sampled_from([1.0, 2.0, 3.5])) for _ in range(stays)])
    share = np.array([draw(st.integers(0, 8)) / 8 for _ in range(stays)])
    price = np.array([float(draw(st.integers(-2, 5))) for _ in range(slots)])
    cap = np.array([draw(st.sampled_from([1.0, 2.5, 4.0, 7.0])) for _ in range(slots)])
    # What the site draws besides; a slot whose peak does not count has none.
    beside = np.array([draw(st.sampled_from([0.0, 0.0, 1.0, 2.0, -np.inf])) for _ in range(slots)])
    floor = max(beside.max(), draw(st.sampled_from([0.0, 1.5])), 0.0)
    return first, end, most, share * most * (end - first), price, cap, beside, floor


def shut_of(first, end, seed):
    """Slots in which stays are not plugged in: none known, or a third of them."""
    if not seed:
        return np.zeros(0, np.bool_)
    return np.random.default_rng(seed).random(int((end - first).sum())) < 0.3


@given(
    flows(), st.sampled_from([0.0, 0.3, 2.0, 20.0]), st.sampled_from([0.0, 1.0, 3.0]), st.integers(0, 3)
)  # fmt: skip
def test_cheapest_peak_kernel(flow_problem, peak_price, guess, seed):
    first, end, most, need, each, cap, beside, floor = flow_problem
    shut = shut_of(first, end, seed)
    price, level = np.unique(each, return_inverse=True)
    flow = np.zeros(int((end - first).sum()))
    state, _, cost, bound, missing = kernels.cheapest_peak(
        first,
        end,
        most,
        shut,
        need,
        level.astype(np.int64),
        price,
        cap,
        beside,
        floor,
        peak_price,
        flow,
        guess,
    )
    wanted = naive_charge.cheapest_peak(
        first, end, most, need, each, cap, beside, floor, peak_price, shut
    )
    if wanted is None:
        assert state == 1
        assert missing == pytest.approx(
            need.sum() - naive_charge.most_delivered(first, end, most, need, cap, shut), abs=1e-6
        )
        return
    assert state == 0
    scale = max(1.0, abs(wanted))
    assert cost == pytest.approx(wanted, abs=1e-7 * scale)
    assert wanted - 1e-7 * scale <= bound <= wanted + 1e-7 * scale
    load, paid, at = np.zeros(cap.size), 0.0, 0
    for i in range(first.size):
        own = flow[at : at + end[i] - first[i]]
        assert own.sum() == pytest.approx(need[i], abs=1e-6)
        assert (own >= -1e-9).all()
        assert (own <= most[i] + 1e-9).all()
        if shut.size:
            assert not own[shut[at : at + end[i] - first[i]]].any()
        load[first[i] : end[i]] += own
        paid += float((own * each[first[i] : end[i]]).sum())
        at += end[i] - first[i]
    assert (load <= cap + 1e-6).all()
    top = max(floor, (load + beside).max())
    assert paid + peak_price * (top - floor) <= wanted + 1e-6 * scale


@given(flows(), st.integers(0, 3))
def test_shortfall_kernel(flow_problem, seed):
    first, end, most, need, _, cap, _, _ = flow_problem
    shut = shut_of(first, end, seed)
    flow = np.zeros(int((end - first).sum()))
    stay_level, slot_level = np.full(first.size, -1, np.int64), np.full(cap.size, -1, np.int64)
    missing = kernels.shortfall(
        first, end, most, shut, need, cap, np.inf, flow, stay_level, slot_level
    )
    got = naive_charge.most_delivered(first, end, most, need, cap, shut)
    assert missing == pytest.approx(need.sum() - got, abs=1e-6)
    # The cut is a proof that anybody can add up.
    cut = sum(cap[slot_level >= 0])
    for i in range(first.size):
        at = int((end - first)[:i].sum()) - first[i]
        outside = sum(
            most[i] for t in range(first[i], end[i])
            if slot_level[t] < 0 and not (shut.size and shut[at + t])
        )  # fmt: skip
        cut += min(need[i], outside)
    assert cut == pytest.approx(got, abs=1e-6)


@pytest.mark.parametrize("tens", range(10))
def test_agrees_with_highs_of_mathopt_on_a_hundred_seeds(tens):
    feasible = 0
    for seed in range(10 * tens, 10 * tens + 10):
        problem = random_problem(seed)
        wanted, found = by_mathopt(problem), value(problem)
        if wanted is None:
            assert found is None, seed
            continue
        feasible += 1
        assert found == pytest.approx(wanted, rel=1e-6, abs=1e-6), seed
    assert feasible >= 5  # else the seeds would prove little


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_highs_of_mathopt_on_a_terminal(seed):
    from benchmarks.charge_city import charge_city

    problem = charge_city(0.4, buses=120, sites=2, seed=seed)
    assert value(problem) == pytest.approx(by_mathopt(problem), rel=1e-6)


def bigger(problem, change):
    """The problem with one more charger, stronger chargers, or longer stays."""
    if change == "stay":
        stays = problem.stays.copy()
        order = stays.sort_values(["bus", "arrive_s"])
        later = order.groupby("bus")["arrive_s"].shift(-1)
        stays["depart_s"] = np.minimum(stays["depart_s"] + 2 * problem.slot_s,
                                       later.reindex(stays.index).fillna(10**7)).astype(np.int64)  # fmt: skip
        return problem.replace(stays=stays)
    more = {
        "charger": lambda one: dataclasses.replace(one, chargers=one.chargers + 1),
        "kw": lambda one: dataclasses.replace(one, kw=one.kw + 20.0),
        "cap": lambda one: dataclasses.replace(one, cap_kw=None if one.cap_kw is None else one.cap_kw + 30.0),
    }  # fmt: skip
    return problem.replace(sites=tuple(more[change](one) for one in problem.sites))


@given(problems(), st.sampled_from(["charger", "kw", "cap", "stay"]))
def test_more_of_anything_never_costs_more(problem, change):
    before, after = value(problem), value(bigger(problem, change))
    if before is not None:
        assert after is not None
        assert after <= before + 1e-6 * max(1.0, abs(before))


@given(problems(), st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(problem, random):
    order = list(range(len(problem.stays)))
    random.shuffle(order)
    sites = list(problem.sites)
    random.shuffle(sites)
    other = fleet.ChargingProblem.from_table(
        problem.stays.iloc[order], sites, energy=problem.energy, demand=problem.demand,
        slot_s=problem.slot_s,
    )  # fmt: skip
    assert value(other) == value(problem)
    one, two = fleet.charge_stays(problem, seed=3), fleet.charge_stays(other, seed=3)
    assert one.sessions.equals(two.sessions)
    assert one.report.objective == two.report.objective


@given(problems(most=6, slots=10))
def test_power_of_those_present_and_charger_hours_rule_out_no_plan(problem):
    for one in by_site(problem):
        best = naive_charge.cheapest_plan(
            one.first, one.end, one.most, one.need, one.price[one.level],
            np.full(one.slots, one.site.most_kw), 0.0, one.site.chargers,
        )  # fmt: skip
        if best is not None:
            assert too_few_chargers(problem, one) == ""
            cap = cap_of_present(one)
            assert (cap <= one.site.most_kw + 1e-9).all()
            with_cap = naive_charge.cheapest_plan(
                one.first, one.end, one.most, one.need, one.price[one.level], cap, 0.0,
                one.site.chargers,
            )  # fmt: skip
            assert with_cap == pytest.approx(best, rel=1e-6, abs=1e-6)


def test_what_is_missing_has_a_site_a_window_and_kwh():
    rows = [(f"bus {at}", "north", 79_200, 86_400, 150.0, 100.0) for at in range(3)]
    answer = fleet.charge_stays(problem_of(rows, [fleet.ChargingSite("north", 2, 100.0)]))
    assert answer.report.status == "infeasible"
    assert answer.report.objective is None
    for part in ("north", "50.0 kWh are missing", "22:00:00", "24:00:00", "at least 1 chargers"):
        assert part in answer.why


def test_one_stay_that_is_too_short_is_named():
    rows = [("bus 1", "north", 79_200, 82_800, 120.0, 100.0)]
    answer = fleet.charge_stays(problem_of(rows, [fleet.ChargingSite("north", 2, 100.0)]))
    assert "bus 1 cannot take its 120.0 kWh at 100 kW" in answer.why
    assert "20.0 kWh short" in answer.why


def test_weak_buses_need_hours_that_power_does_not_show():
    # 3 buses of 50 kW need 1.5 h each at 2 chargers of 100 kW within 2 h: power would do, hours do not.
    rows = [(f"bus {at}", "north", 79_200, 86_400, 75.0, 50.0) for at in range(3)]
    answer = fleet.charge_stays(problem_of(rows, [fleet.ChargingSite("north", 2, 100.0)]))
    assert answer.report.status == "infeasible"
    assert "0.5 hours more" in answer.why
    assert "at least 1 chargers more" in answer.why
