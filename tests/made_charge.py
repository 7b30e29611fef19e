"""Small charging problems that several tests share, and one linear program of them by OR-Tools' MathOpt."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from mobility import fleet

SLOT_S = 900


def problem_of(rows, sites, energy=((0, 1.0),), demand=0.0, slot_s=SLOT_S):
    columns = ["bus", "site", "arrive_s", "depart_s", "need_kwh", "max_kw"]
    table = pd.DataFrame(rows, columns=columns)
    return fleet.ChargingProblem.from_table(
        table, sites, energy=energy, demand=demand, slot_s=slot_s
    )


@st.composite
def problems(draw, most=7, slots=14):
    """A site or two, a few stays that lie somewhere within some hours around midnight."""
    sites = [
        fleet.ChargingSite(
            f"site {at}", draw(st.integers(1, 3)), draw(st.sampled_from([50.0, 100.0])),
            draw(st.sampled_from([None, None, 80.0, 150.0])),
        )
        for at in range(draw(st.integers(1, 2)))
    ]  # fmt: skip
    rows = []
    for at in range(draw(st.integers(1, most))):
        site = draw(st.sampled_from(sites))
        first = draw(st.integers(0, slots - 2))
        length = draw(st.integers(1, slots - first))
        arrive = 79_200 + first * SLOT_S - draw(st.sampled_from([0, 0, 100]))
        depart = 79_200 + (first + length) * SLOT_S + draw(st.sampled_from([0, 0, 250]))
        kw = draw(st.sampled_from([40.0, 75.0, 120.0]))
        share = draw(st.integers(1, 9)) / 12
        need = share * min(kw, site.kw) * length * SLOT_S / 3600
        rows.append((f"bus {at}", site.name, arrive, depart, need, kw))
    energy = tuple(
        (at, float(draw(st.integers(1, 6)))) for at in (0, 3600, 7200, 79_200, 82_800, 84_600)
    )
    return problem_of(rows, sites, energy, draw(st.sampled_from([0.0, 0.5, 3.0])))


def random_problem(seed, stays=12):
    """One problem a seed, wider than hypothesis makes them: many prices, many lengths of stay."""
    random = np.random.default_rng(seed)
    slot_s = int(random.choice([300, 600, 900]))
    sites = [
        fleet.ChargingSite(
            f"s{at}", int(random.integers(1, 5)), float(random.choice([60.0, 100.0, 150.0])),
            None if random.random() < 0.6 else float(random.uniform(100, 400)),
        )
        for at in range(int(random.integers(1, 4)))
    ]  # fmt: skip
    rows = []
    for at in range(stays):
        site = sites[int(random.integers(len(sites)))]
        arrive = int(random.uniform(16, 28) * 3600)
        depart = arrive + int(random.uniform(0.7, 7) * 3600)
        kw = float(random.choice([50.0, 90.0, 150.0]))
        need = random.uniform(0.05, 0.5) * min(kw, site.kw) * (depart - arrive - 2 * slot_s) / 3600
        rows.append((f"b{at:02d}", site.name, arrive, depart, max(need, 0.0), kw))
    times = np.sort(
        random.choice(np.arange(0, 86_400, 450), int(random.integers(1, 9)), replace=False)
    )
    energy = tuple((int(at), float(random.uniform(20, 200))) for at in times)
    demand = float(random.choice([0.0, 5.0, 60.0, 400.0]))
    return problem_of(rows, sites, energy, demand, slot_s)


def by_mathopt(problem, seconds=None):
    """The relaxation as a linear program that HiGHS solves; its value, None where there is none.

    Written from the file format's own words: it knows slots, prices and limits, not the product's code.
    """
    from datetime import timedelta

    from ortools.math_opt.python import mathopt

    slot, hours = problem.slot_s, problem.slot_s / 3600
    second = np.full(86_400, problem.energy[-1][1])
    for at, price in problem.energy:
        second[at:] = price
    each = second.reshape(-1, slot).mean(axis=1)
    model = mathopt.Model()
    cost, here = [], {}
    sites = {one.name: one for one in problem.sites}
    for row in problem.stays.itertuples():
        power = []
        most = min(row.max_kw, sites[row.site].kw)
        for t in range(-(-row.arrive_s // slot), row.depart_s // slot):
            kw = model.add_variable(lb=0.0, ub=most)
            power.append(kw)
            here.setdefault((row.site, t), []).append(kw)
            cost.append(float(each[t % each.size]) * hours * kw)
        model.add_linear_constraint(mathopt.fast_sum(power) * hours == row.need_kwh)
    for name, site in sites.items():
        limit = site.chargers * site.kw
        peak = model.add_variable(
            lb=0.0, ub=limit if site.cap_kw is None else min(limit, site.cap_kw)
        )
        cost.append(problem.demand * peak)
        for (where, _), powers in here.items():
            if where == name:
                model.add_linear_constraint(mathopt.fast_sum(powers) <= peak)
    model.minimize(mathopt.fast_sum(cost))
    limits = mathopt.SolveParameters(
        time_limit=None if seconds is None else timedelta(seconds=seconds)
    )
    done = mathopt.solve(model, mathopt.SolverType.HIGHS, params=limits)
    if done.termination.reason in {
        mathopt.TerminationReason.INFEASIBLE, mathopt.TerminationReason.INFEASIBLE_OR_UNBOUNDED,
    }:  # fmt: skip
        return None
    assert done.termination.reason == mathopt.TerminationReason.OPTIMAL, done.termination
    return done.objective_value()
