"""Wear of batteries and energy given back: bounds beside a naive program, plans, and a checker that counts again."""

import dataclasses

import naive_charge
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_charge import SLOT_S, problems

from mobility import fleet
from mobility.errors import ConfigError
from mobility.solution import Status
from mobility.stop import Work

HEAD = ["bus", "site", "arrive_s", "depart_s", "need_kwh", "max_kw", "soc_kwh", "battery_kwh"]
WEAR = fleet.Wear(((0.0, 0.1), (0.3, 0.8)), 0.7, 0.02)
BACK = fleet.GiveBack(((0, 2.0), (79_200, 5.0), (82_800, 1.0)), 30.0, 0.2)


@st.composite
def worn(draw):
    """A problem with batteries, some of them unknown; wear, giving back, or both."""
    problem = draw(problems(most=4, slots=9))
    stays = problem.stays
    battery = stays["need_kwh"] + [draw(st.sampled_from([20.0, 60.0])) for _ in range(len(stays))]
    soc = (battery - stays["need_kwh"]) * [
        draw(st.sampled_from([0.3, 0.9])) for _ in range(len(stays))
    ]
    hidden = np.array([draw(st.integers(0, 4)) == 0 for _ in range(len(stays))])
    stays = stays.assign(
        battery_kwh=np.where(hidden, np.nan, battery), soc_kwh=np.where(hidden, np.nan, soc)
    )
    wear, back = draw(st.sampled_from([(WEAR, None), (None, BACK), (WEAR, BACK)]))
    return dataclasses.replace(problem, stays=stays, wear=wear, give_back=back)


@settings(max_examples=40)
@given(worn())
def test_bounds_and_plans_beside_a_naive_program(problem):
    relaxed = fleet.charge_stays(problem, relax=True)
    wanted = naive_charge.worn_value(problem)
    if wanted is None:
        assert relaxed.report.status == Status.INFEASIBLE
        assert fleet.charge_stays(problem, stop=Work(2)).report.objective is None
        return
    scale = 1e-6 * max(1.0, abs(wanted))
    assert relaxed.report.objective == pytest.approx(wanted, abs=10 * scale)
    assert relaxed.report.bound <= wanted + scale
    answer = fleet.charge_stays(problem, stop=Work(5))
    assert fleet.check(problem, answer) == []
    if answer.report.objective is None:
        return
    assert answer.report.bound is None or answer.report.bound <= answer.report.objective + scale
    assert answer.report.objective >= wanted - scale
    # With a charger for everybody the plan is the program's own.
    plenty = problem.replace(sites=tuple(
        dataclasses.replace(one, chargers=len(problem.stays), cap_kw=one.cap_kw) for one in problem.sites))  # fmt: skip
    free = fleet.charge_stays(plenty, stop=Work(2))
    assert fleet.check(plenty, free) == []
    pays = problem.give_back is not None and max(p for _, p in BACK.price) > min(
        p for _, p in problem.energy
    )
    if not pays:
        assert free.report.objective <= naive_charge.worn_value(plenty) + 20 * scale
    again = fleet.charge_stays(problem, stop=Work(1), start=answer)
    assert again.report.objective <= answer.report.objective + scale


def night(**changes):
    """One bus, one charger: dear evening, cheap night."""
    rows = [("bus 1", "north", 68_400, 108_000, 40.0, 100.0, 120.0, 200.0),
            ("bus 2", "north", 68_400, 108_000, 60.0, 100.0, 40.0, 200.0)]  # fmt: skip
    return fleet.ChargingProblem.from_table(
        pd.DataFrame(rows, columns=HEAD), [fleet.ChargingSite("north", 2, 100.0)],
        energy=[(0, 1.0), (68_400, 8.0), (82_800, 1.0)], demand=0.0, slot_s=SLOT_S, **changes,
    )  # fmt: skip


def test_the_evening_is_sold():
    plain = fleet.charge_stays(night())
    problem = night(give_back=fleet.GiveBack(((0, 0.0), (68_400, 6.0), (82_800, 0.0)), 50.0, 0.25))
    plan = fleet.charge_stays(problem)
    assert fleet.check(problem, plan) == []
    # Bus 1 gives 70 kWh (down to a quarter of 200), bus 2 came with less than that and gives none.
    assert plan.report.parts["given_back"] == pytest.approx(-70 * 6.0)
    assert plan.report.objective == pytest.approx(plain.report.objective + 70 * 1.0 - 70 * 6.0)
    assert plan.report.status == Status.OPTIMAL
    assert min(min(one) for one in plan.sessions["kw"]) == pytest.approx(-50.0)
    # The checker: as if nothing were given back, another price, a fuller reserve, less power.
    for other, code in (
        (night(), "session_malformed"),
        (night(give_back=dataclasses.replace(problem.give_back, price=((0, 5.0),))), "cost_does_not_add_up"),
        (night(give_back=dataclasses.replace(problem.give_back, least_soc=0.5)), "soc_below_window"),
        (night(give_back=dataclasses.replace(problem.give_back, kw=20.0)), "power_above_charger"),
    ):  # fmt: skip
        found = fleet.check(other, dataclasses.replace(plan, problem=other))
        assert code in {one.code for one in found}
    unknown = dataclasses.replace(problem, stays=problem.stays.assign(soc_kwh=np.nan))
    assert "soc_below_window" in {one.code for one in fleet.check(unknown, plan)}


def test_gentle_and_late_where_wear_costs():
    gentle = night(wear=fleet.Wear(((0.1, 3.0),)))
    plan = fleet.charge_stays(gentle)
    assert fleet.check(gentle, plan) == []
    assert max(max(one) for one in plan.sessions["kw"]) == pytest.approx(20.0)
    assert plan.report.parts["wear"] == pytest.approx(0.0, abs=1e-6)
    late = night(wear=fleet.Wear((), 0.5, 0.01))
    plan = fleet.charge_stays(late)
    assert fleet.check(late, plan) == []
    assert plan.sessions.set_index("bus").loc["bus 1", "end_s"] == 108_000
    cheaper = {**plan.report.parts, "wear": plan.report.parts["wear"] - 0.1}
    report = dataclasses.replace(
        plan.report, parts=cheaper, objective=sum(cheaper.values()), bound=None
    )
    found = fleet.check(late, dataclasses.replace(plan, report=report))
    assert {one.code for one in found} == {"cost_does_not_add_up"}


def test_a_case_prices_them(tmp_path):
    path = tmp_path / "stays.csv"
    path.write_text(",".join(HEAD) + "\nb,north,0,7200,10,50,20,100\n", "utf-8")
    case = {
        "site": {"north": {"chargers": 1, "kw": 60}},
        "wear": {"c_rate": [[0, 1.5], [0.5, 4]], "high_soc": 0.8, "high_price": 0.1},
        "give_back": {"price": [[64_800, 90], [0, 20]], "kw": 40},
    }
    problem = fleet.read_stays(path, case)
    assert problem.wear == fleet.Wear(((0.0, 1.5), (0.5, 4.0)), 0.8, 0.1)
    assert problem.give_back == fleet.GiveBack(((0, 20.0), (64_800, 90.0)), 40.0)
    assert fleet.check(problem, fleet.charge_stays(problem)) == []
    for wrong, told in (
        ({"wear": {"c_rate": [[0.5, 4], [0.1, 1]]}}, "ascend"),
        ({"wear": {"c_rate": [[0.1, 4], [0.5, 1]]}}, "ascend"),
        ({"give_back": {"price": [[0, 1]], "kw": 0}}, "kw"),
        ({"give_back": {"price": [[90_000, 1]], "kw": 10}}, "ascend"),
    ):
        with pytest.raises(ConfigError, match=told):
            fleet.read_stays(path, {**case, **wrong})
