"""The checker cannot be fooled: one lie a plan, each caught by its own code."""

from dataclasses import replace

import pytest

from mobility import fleet
from mobility.feed import read_feed


@pytest.fixture(scope="module")
def plan(samples_folder):
    day = read_feed(samples_folder / "santiago", cache=False).day("2025-06-04")
    return fleet.plan(fleet.problem(day, case=samples_folder / "santiago" / "fleet.toml"))


def blocks(plan, rows, **cells):
    table = plan.blocks.copy()
    for column, value in cells.items():
        table.loc[rows, column] = value(table.loc[rows, column]) if callable(value) else value
    return replace(plan, blocks=table)


def first(plan, kind, nth=5):
    return plan.blocks.index[plan.blocks["kind"] == kind][nth : nth + 1]


def sessions(plan, row, **cells):
    table = plan.sessions.copy()
    for column, value in cells.items():
        table.at[row, column] = value(table.at[row, column]) if callable(value) else value
    return replace(plan, sessions=table)


def longest(plan):
    return int((plan.sessions["end_s"] - plan.sessions["start_s"]).idxmax())


def parts(plan, **changes):
    told = {**plan.report.parts, **changes}
    total = sum(told.values())
    return replace(
        plan,
        report=replace(
            plan.report, parts=told, objective=total, bound=min(plan.report.bound, total)
        ),
    )


def drop(plan, kind):
    return replace(plan, blocks=plan.blocks.drop(first(plan, kind)).reset_index(drop=True))


def twice(plan):
    import pandas as pd

    return replace(
        plan,
        sessions=pd.concat([plan.sessions, plan.sessions.loc[[longest(plan)]]], ignore_index=True),
    )


MUTANTS = {
    "trip_not_covered": lambda p: drop(p, "trip"),
    "activities_not_contiguous": lambda p: drop(p, "wait"),
    "trip_unknown": lambda p: blocks(p, first(p, "trip"), trip_id="nobody asked"),
    "trip_covered_twice": lambda p: blocks(
        p, first(p, "trip"), trip_id=p.blocks.loc[first(p, "trip", 9), "trip_id"].iloc[0]
    ),
    "trip_changed": lambda p: blocks(p, first(p, "trip"), start_s=lambda s: s + 60),
    "bus_changes_place": lambda p: blocks(p, first(p, "pull-in"), to_stop="T-nowhere"),
    "connection_not_drivable": lambda p: blocks(p, first(p, "pull-in"), end_s=lambda s: s - 120),
    "distance_does_not_add_up": lambda p: blocks(p, first(p, "pull-in"), distance_km=0.1),
    "wrong_depot": lambda p: blocks(p, first(p, "pull-out"), depot="nowhere"),
    "energy_does_not_add_up": lambda p: blocks(p, first(p, "trip"), kwh=0.0),
    "wrong_energy": lambda p: replace(p, not_electric=(p.problem.trips["trip_id"].iloc[0],)),
    "soc_not_restored": lambda p: replace(
        p, sessions=p.sessions.drop(index=longest(p)).reset_index(drop=True)
    ),
    "charger_overlap": twice,
    "plugged_in_twice": twice,
    "soc_above_window": lambda p: sessions(
        p,
        longest(p),
        kw=lambda kw: (150.0,) * len(kw),
        kwh=150.0 * len(p.sessions["kw"][longest(p)]) / 12,
    ),
    "power_above_charger": lambda p: sessions(p, longest(p), kw=lambda kw: (400.0, *kw[1:])),
    "session_malformed": lambda p: sessions(p, longest(p), kw=lambda kw: (*kw, 10.0)),
    "charging_while_driving": lambda p: sessions(
        p, longest(p), start_s=lambda s: s - 43_200, end_s=lambda s: s - 43_200
    ),
    "unknown_site": lambda p: sessions(p, longest(p), site="nowhere"),
    "too_many_chargers_used": lambda p: sessions(p, longest(p), charger=999),
    "power_does_not_add_up": lambda p: replace(p, power=p.power.assign(kw=p.power["kw"] + 5.0)),
    "cost_does_not_add_up": lambda p: parts(p, energy=p.report.parts["energy"] - 1_000),
}


def codes(problem, plan):
    return {one.code for one in fleet.check(problem, plan)}


def test_the_plan_itself_holds(plan):
    assert fleet.check(plan.problem, plan) == []


@pytest.mark.parametrize("code", MUTANTS)
def test_a_lie_is_caught_by_its_code(plan, code):
    mutant = MUTANTS[code](plan)
    found = fleet.check(plan.problem, mutant)
    assert code in {one.code for one in found}
    assert all(one.mend for one in found)


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("depot_capacity_exceeded", {"depots.capacity": 3}),
        ("site_cap_exceeded", {"depots.site_kw": 10.0}),
        ("too_many_chargers_used", {"depots.chargers": 1}),
        ("layover_too_short", {"rules.min_layover_s": 1_200}),
        ("wait_too_long", {"rules.max_wait_s": 60}),
        ("soc_below_window", {"vehicles.kwh_km": 2.6}),
    ],
)
def test_a_stricter_problem_refuses_the_plan(plan, code, change):
    assert code in codes(plan.problem.replace(**change), plan)


def test_a_written_plan_reads_back_and_a_tampered_one_is_caught(plan, tmp_path):
    folder = plan.write(tmp_path / "plan")
    assert sorted(one.name for one in folder.iterdir()) == [
        "blocks.csv", "plan.json", "power.csv", "sessions.csv",
    ]  # fmt: skip
    assert fleet.check(plan.problem, fleet.read_plan(folder, plan.problem)) == []
    text = (folder / "blocks.csv").read_text()
    (folder / "blocks.csv").write_text(text.replace(",trip,", ",wait,", 1))
    assert codes(plan.problem, fleet.read_plan(folder, plan.problem))
    assert not list(tmp_path.glob(".*"))


LIES = {
    "a trip moved to another place": lambda p: blocks(p, first(p, "trip"), to_stop="T-nowhere"),
    "a trip of another length": lambda p: blocks(p, first(p, "trip"), distance_km=0.1),
    "a deadhead that takes no time": lambda p: blocks(
        p, first(p, "pull-out"), start_s=lambda s: s + 200
    ),
    "a trip of another vehicle": lambda p: blocks(p, first(p, "trip", 400), vehicle="v0001"),
    "one vehicle less": lambda p: replace(p, vehicles=p.vehicles - 1),
    "an activity of no kind": lambda p: blocks(p, first(p, "wait"), kind="rest"),
    "a charger below zero": lambda p: sessions(p, longest(p), charger=-1),
    "energy that nobody delivered": lambda p: sessions(p, longest(p), kwh=lambda kwh: kwh + 5.0),
    "a site left out of the power": lambda p: replace(
        p, power=p.power[p.power["site"] != p.sessions["site"][longest(p)]]
    ),
    "a trip conventional by stealth": lambda p: blocks(p, first(p, "trip"), electric=False),
    "a vehicle of another depot": lambda p: sessions(
        p, longest(p), site=lambda site: "penalolen" if site != "penalolen" else "rinconada"
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_other_lies_are_caught_too(plan, lie):
    assert codes(plan.problem, LIES[lie](plan))


def test_a_part_that_nobody_knows_is_no_rebate(plan):
    assert "cost_does_not_add_up" in codes(plan.problem, parts(plan, rebate=-50_000))
