"""More than one plug-in a stay, and time between two buses at a charger: plans hold, bounds hold."""

import dataclasses

import naive_charge
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_charge import SLOT_S, problem_of, problems

from mobility import fleet
from mobility.errors import ConfigError
from mobility.fleet import _replug_kernels as kernels
from mobility.fleet.charge_sites import by_site
from mobility.stop import Work

# One charger, two cheap hours with a dear one between, in which another bus comes and goes.
VALLEYS = ((0, 10.0), (3600, 90.0), (7200, 10.0), (10_800, 90.0))


def two_valleys(plug_ins, **site):
    rows = [("bus 1", "north", 0, 10_800, 90.0, 60.0), ("bus 2", "north", 3600, 7200, 30.0, 60.0)]
    place = fleet.ChargingSite("north", 1, 60.0, None, plug_ins, **site)
    return problem_of(rows, [place], VALLEYS, 0.0)


def with_sites(problem, **changes):
    sites = tuple(dataclasses.replace(one, **changes) for one in problem.sites)
    return problem.replace(sites=sites)


def best_of(problem):
    total = 0.0
    for one in by_site(problem):
        cost = naive_charge.cheapest_plan(
            one.first, one.end, one.most, one.need, one.price[one.level],
            np.full(one.slots, one.site.most_kw), problem.demand / problem.slot_h, one.site.chargers,
            one.gap, one.plug_ins,
        )  # fmt: skip
        if cost is None:
            return None
        total += cost * problem.slot_h
    return total


@settings(max_examples=25)
@given(
    problems(most=4, slots=8), st.integers(1, 3), st.sampled_from([0, 0, SLOT_S]), st.sampled_from([0, 400])
)  # fmt: skip
def test_plans_hold_and_no_bound_is_beaten(problem, plug_ins, buffer_s, setup_s):
    problem = with_sites(problem, plug_ins=plug_ins, buffer_s=buffer_s, setup_s=setup_s)
    answer = fleet.charge_stays(problem, stop=Work(40))
    assert fleet.check(problem, answer) == []
    best = best_of(problem)
    if best is None:
        assert answer.report.objective is None
        return
    scale = 1e-6 * max(1.0, abs(best))
    if answer.report.objective is None:
        assert answer.report.status == "unknown"
        return
    assert answer.report.bound <= best + scale
    assert best - scale <= answer.report.objective
    if not buffer_s:  # there the twin lets a charger rest even for the bus that has just left it
        assert answer.report.objective <= best * 1.1 + scale


def test_two_valleys_are_both_used():
    once = fleet.charge_stays(two_valleys(1), stop=Work(30))
    twice = fleet.charge_stays(two_valleys(2), stop=Work(30))
    assert fleet.check(two_valleys(2), twice) == []
    assert once.report.objective == pytest.approx(best_of(two_valleys(1)))
    assert once.report.objective == pytest.approx(60 * 10 + 60 * 90)
    assert twice.report.objective == pytest.approx(90 * 10 + 30 * 90)
    assert twice.report.bound == pytest.approx(once.report.bound)
    assert twice.sessions.groupby("bus").size().max() == 2
    # A plan of two sessions is none where one is allowed.
    found = fleet.check(two_valleys(1), dataclasses.replace(twice, problem=two_valleys(1)))
    assert "plugged_in_twice" in {one.code for one in found}


def test_a_bus_is_not_at_two_chargers_at_once():
    plan = fleet.charge_stays(two_valleys(2), stop=Work(30))
    rows = plan.sessions.copy()
    first = rows.iloc[0]
    half = tuple(0.5 * one for one in first["kw"])
    halves = [rows.iloc[[0]].assign(charger=at, kw=[half], kwh=first["kwh"] / 2) for at in (0, 1)]
    rows = pd.concat([*halves, rows.iloc[1:]], ignore_index=True)
    found = fleet.check(two_valleys(4), dataclasses.replace(plan, sessions=rows))
    assert any("two chargers at once" in str(one.value) for one in found)


def test_a_charger_rests_between_two_buses():
    rows = [("bus 1", "north", 0, 14_400, 30.0, 60.0), ("bus 2", "north", 0, 14_400, 30.0, 60.0)]
    flat = ((0, 10.0),)
    quick = problem_of(rows, [fleet.ChargingSite("north", 1, 60.0)], flat, 5.0)
    slow = with_sites(quick, buffer_s=600, setup_s=1000)
    plan = fleet.charge_stays(slow, stop=Work(10))
    assert fleet.check(slow, plan) == []
    told = plan.sessions.sort_values("start_s")
    assert told["start_s"].iloc[0] >= 1000
    assert told["start_s"].iloc[1] - told["end_s"].iloc[0] >= 600
    once = fleet.charge_stays(quick, stop=Work(10))
    tight = dataclasses.replace(once, sessions=once.sessions.assign(
        start_s=[0, 1800], end_s=[1800, 3600], kwh=30.0, kw=[(60.0, 60.0), (60.0, 60.0)]))  # fmt: skip
    codes = {one.code for one in fleet.check(slow, tight)}
    assert {"charger_overlap", "charging_before_setup"} <= codes
    for strategy in ("first-come", "balanced"):
        by_rule = fleet.charge_stays(slow, strategy=strategy)
        assert fleet.check(slow, by_rule) == []


def test_the_case_says_it(tmp_path):
    path = tmp_path / "stays.csv"
    path.write_text("bus,site,arrive_s,depart_s,need_kwh,max_kw\nb,north,0,7200,10,50\n", "utf-8")
    case = {"plug-ins": 2, "site": {
        "north": {"chargers": 1, "kw": 60, "buffer_s": 300, "setup_s": 120},
        "south": {"chargers": 1, "kw": 60, "plug_ins": 3},
    }}  # fmt: skip
    north, south = fleet.read_stays(path, case).sites
    assert (north.plug_ins, north.buffer_s, north.setup_s) == (2, 300, 120)
    assert south.plug_ins == 3
    with pytest.raises(ConfigError, match="plug"):
        fleet.read_stays(path, {**case, "plug-ins": 0})
    with pytest.raises(ConfigError, match="plug_ins"):
        fleet.ChargingSite("north", 1, 60.0, plug_ins=0)


# --- kernels beside their twins -------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(-3, 4), st.booleans()), min_size=1, max_size=8),
    st.integers(0, 2), st.integers(1, 3), st.integers(0, 2),
)  # fmt: skip
def test_choose_kernel(slots, gap, parts, after):
    gain = np.array([float(one) for one, _ in slots] + [0.0] * after)
    usable = np.array([one or number % 3 == 0 for number, (_, one) in enumerate(slots)] + [True, False][:after],
                      np.bool_)  # fmt: skip
    width = len(slots)
    shape = (parts + 1, width + 2)
    picked = np.zeros(width + 2, np.bool_)
    top = kernels.choose(0, width, gain, usable, gap, parts, np.empty(shape), np.empty(shape),
                         np.zeros(shape, np.bool_), np.zeros(shape, np.bool_), picked)  # fmt: skip
    assert top == pytest.approx(naive_charge.most_runs(0, width, gain, usable, gap, parts))
    assert gain[:width][picked[:width]].sum() == pytest.approx(top)
    assert usable[:width][picked[:width]].all()
    runs = sum(1 for t in range(width) if picked[t] and not (t and picked[t - 1]))
    assert runs <= parts


@given(problems(most=6), st.integers(0, 2**32), st.integers(0, 2), st.integers(1, 3))
def test_replug_search_kernel_keeps_its_books(problem, seed, gap, parts):
    for one in by_site(problem):
        lacks = one.need.copy()
        flow = np.zeros(int((one.end - one.first).sum()))
        on = np.zeros(flow.size, np.bool_)
        cap = np.full(one.slots, one.site.most_kw)
        cost = kernels.search(
            one.first, one.end, one.most, one.need, one.level, one.price, cap, one.beside_kw,
            one.site.chargers, gap, parts, problem.demand, 1000.0, 0.0, 120, 4, 0.05,
            np.array([seed + 1], np.uint64), on, flow, lacks,
        )  # fmt: skip
        load, paid, at = np.zeros(one.slots), 0.0, 0
        begin, finish = [], []
        for i in range(one.rows.size):
            own, plugged = (
                flow[at : at + one.end[i] - one.first[i]],
                on[at : at + one.end[i] - one.first[i]],
            )
            at += own.size
            assert own.sum() + lacks[i] == pytest.approx(one.need[i], abs=1e-6)
            assert (own <= one.most[i] + 1e-9).all()
            assert not own[~plugged].any()
            edges = np.flatnonzero(np.diff(np.concatenate([[0], plugged.astype(int), [0]])))
            begin += (edges[::2] + one.first[i]).tolist()
            finish += (edges[1::2] + one.first[i]).tolist()
            assert edges.size // 2 <= parts
            load[one.first[i] : one.end[i]] += own
            paid += float((own * one.price[one.level[one.first[i] : one.end[i]]]).sum())
        assert (load <= cap + 1e-6).all()
        assert naive_charge.most_at_once(begin, finish, gap) <= one.site.chargers
        wanted = paid + problem.demand * load.max() + 1000.0 * lacks.sum()
        assert cost == pytest.approx(wanted, rel=1e-9, abs=1e-6)
