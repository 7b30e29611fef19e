"""A week: dates counted once each, one fleet over all day types, money that adds up, a bound that holds."""

import datetime as dt
import itertools
import json
import math
from dataclasses import replace

import naive
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mobility import fleet
from mobility.cli.fleet_week import money_rows, show_week, week_rows
from mobility.errors import ConfigError
from mobility.feed import read_feed
from mobility.fleet.week import _summed
from mobility.fleet.week_days import DayKind, day_kinds
from mobility.fleet.week_plan import DayPlan
from mobility.solution import Status


@pytest.fixture(scope="module")
def feeds(samples_folder):
    return {
        name: read_feed(samples_folder / name, cache=False)
        for name in ("santiago", "changsha", "odd/dst")
    }


def counts(kinds):
    return [(one.dates[0].isoformat(), len(one.dates), one.in_calendar) for one in kinds]


def held(answer):
    """What holds for every week that has an answer."""
    table, report = answer.table, answer.report
    assert answer.findings == ()
    assert report.objective == sum(report.parts.values())
    assert report.objective == (table["days"] * table["cost_minor"]).sum()
    assert report.bound <= report.objective
    assert abs(report.bound - (table["days"] * table["bound_minor"]).sum()) <= 1
    assert (table["bound_minor"] <= table["cost_minor"]).all()
    share = table["calendar_days"] / table["calendar_days"].sum()
    assert math.isclose(answer.year_minor, 365.25 * (share * table["cost_minor"]).sum())
    assert math.isclose(answer.month_minor * 12, answer.year_minor)
    assert answer.year_bound_minor <= answer.year_minor
    assert answer.vehicles >= table["vehicles"].max() >= answer.vehicles_bound
    assert answer.vehicles_bound == table["vehicles_bound"].max()
    assert answer.vehicles == answer.fleet["vehicles"].sum()
    for one in answer.days:
        if one.plan is not None:
            buses = one.plan.blocks.drop_duplicates("vehicle")
            used = buses.groupby(["type", "depot"]).size()
            assert (
                answer.fleet.set_index(["type", "depot"])["vehicles"].loc[used.index] >= used
            ).all()
    json.loads(answer.to_json())


def held_as_files(answer, folder):
    """A week as files: whole, replaced by another, and never in place of something else."""
    source = {"feed": "feed.zip", "case": None, "modes": None}
    target = answer.write(folder / "week", source=source)
    assert answer.write(folder / "week", source=source) == target
    told = json.loads((target / "week.json").read_text())
    assert told["objective"] == answer.report.objective
    assert pd.read_csv(target / "fleet.csv")["vehicles"].sum() == answer.vehicles
    for one in answer.days:
        when = one.kind.dates[0].isoformat()
        plan = json.loads((target / when / "plan.json").read_text())
        assert plan["objective"] == one.plan.report.objective
        assert plan["source"] == ({} if one.depots_of_another else {**source, "date": when})
        assert fleet.check(one.problem, fleet.read_plan(target / when, one.problem)) == []
    (target / "mine.txt").write_text("keep me")
    with pytest.raises(ConfigError, match=r"no week of ours \(found 'mine.txt'\)"):
        answer.write(target)
    with pytest.raises(ConfigError, match="is a file"):
        answer.write(target / "mine.txt")
    (folder / "other").mkdir()
    (folder / "other" / "week.json").write_text("[]")
    with pytest.raises(ConfigError, match="no week of ours"):
        answer.write(folder / "other")
    assert sorted(one.name for one in folder.iterdir()) == ["other", "week"]


def test_a_week_is_counted_date_by_date(feeds):
    kinds = day_kinds(feeds["santiago"])
    assert counts(kinds) == [("2025-01-06", 5, 249), ("2025-01-11", 1, 50), ("2025-01-12", 1, 66)]
    assert [one.name for one in kinds] == ["Monday-Friday", "Saturday", "Sunday"]


def test_a_holiday_is_a_day_of_another_type(feeds):
    kinds = day_kinds(feeds["santiago"], "2025-05-01")  # a Thursday that runs as a Sunday
    assert counts(kinds) == [("2025-04-28", 4, 249), ("2025-05-01", 2, 66), ("2025-05-03", 1, 50)]
    assert day_kinds(feeds["santiago"], dt.date(2025, 5, 4)) == kinds
    assert kinds[1].name == "Thursday, Sunday"


def test_the_calendar_has_every_date(feeds):
    kinds = day_kinds(feeds["changsha"], "calendar")
    assert sum(len(one.dates) for one in kinds) == 365
    assert sum(one.in_calendar for one in kinds) == 365
    assert len(kinds) == 2


def test_day_types_of_the_planned_modes_only(feeds, tmp_path, samples_folder):
    """Services that differ in their metro trips alone are one to the buses."""
    feed = feeds["santiago"]
    routes = feed.tables["routes"]
    assert set(routes["route_type"]) >= {"1", "3"}
    metro = day_kinds(feed, modes=[1])
    assert sum(len(one.dates) for one in metro) == 7
    with pytest.raises(ConfigError, match="no trip of the planned modes"):
        day_kinds(feed, modes=[4])


def test_dates_without_service_are_days_too(feeds):
    kinds = day_kinds(feeds["odd/dst"], "2025-04-06")  # the night in which Santiago's clocks change
    assert counts(kinds)[0][:2] == ("2025-03-31", 5)
    assert kinds[0].services == ()
    assert len(kinds[1].dates) == 2
    answer = fleet.plan_week(feeds["odd/dst"], week="2025-04-06", charging=False)
    held(answer)
    still = answer.table.iloc[0]
    assert (still["trips"], still["vehicles"], still["status"]) == (0, 0, "no service")
    assert still["cost_minor"] == answer.vehicles * 20_500 > 0


def test_a_week_outside_the_calendar_is_refused(feeds):
    with pytest.raises(ConfigError, match="this feed has service from 2025-01-01"):
        day_kinds(feeds["santiago"], "2030-01-01")


@pytest.mark.parametrize("name", ["santiago", "changsha"])
def test_money_of_a_week_adds_up(feeds, name, capsys):
    answer = fleet.plan_week(feeds[name], charging=False)
    held(answer)
    assert answer.table["days"].sum() == 7
    assert answer.report.parts["vehicles"] == 7 * answer.vehicles * 20_500
    by_itself = fleet.plan_blocks(answer.days[-1].problem)
    assert answer.table["own_cost_minor"].iloc[-1] == by_itself.report.objective
    # Assumed depots are the same on every day.
    assert len({one.problem.depots for one in answer.days}) == 1
    show_week(answer)
    shown = capsys.readouterr().out
    assert "a year" in shown
    assert len(week_rows(answer)) == len(answer.days)
    assert week_rows(answer)[-1][0] in ("Sun", "Sat-Sun", "Sat, Sun")
    assert money_rows(answer)[-1][0] == "no plan can beat"
    assert "<table" in answer._repr_html_()


def test_a_week_with_charging_pays_the_highest_peak(feeds, tmp_path):
    case = {
        "tariff": {
            "energy": [["00:00", 10.0]],
            "demand": [{"price": 3_000.0, "period": "month", "interval_s": 900}],
        }
    }
    answer = fleet.plan_week(feeds["changsha"], case)
    held(answer)
    held_as_files(answer, tmp_path)
    most = {}
    for one in answer.days:
        for site, kw in one.plan.power.groupby("site")["kw"]:
            quarters = kw.to_numpy().reshape(-1, 3).mean(axis=1)
            most[site] = max(most.get(site, 0.0), quarters.max() * 3_000 / 31)
    assert answer.days[0].problem.date.month == 1
    assert answer.report.parts["demand"] == 7 * math.ceil(sum(most.values()) - 1e-6)


def test_a_day_type_without_a_plan_is_named(feeds):
    case = {"depot": [{"id": "d", "stop_id": "T-RIN", "capacity": 50}]}
    answer = fleet.plan_week(feeds["santiago"], case, charging=False)
    assert answer.report.status is Status.INFEASIBLE
    assert answer.report.objective is None
    assert answer.why.startswith("Monday-Friday (2025-01-06): ")
    assert answer.year_minor is None
    assert str(answer).startswith("no week (infeasible)")
    assert answer.table["status"].tolist()[0] == "infeasible"
    json.loads(answer.to_json())
    show_week(answer)


@st.composite
def small_days(draw):
    """Two small days of one operator."""
    days = []
    for _ in range(2):
        trips = []
        for at in range(draw(st.integers(1, 4))):
            start = draw(st.integers(10, 30)) * 1_800
            ends = draw(st.permutations("ab"))
            trips.append((f"t{at}", start, start + draw(st.sampled_from([900, 3_000])), *ends, 8.0))
        days.append(trips)
    runs = [(one, other, 600, 5.0) for one, other in itertools.permutations(("home", "a", "b"), 2)]
    costs = {
        "vehicle_day_minor": draw(st.sampled_from([0, 700, 20_000])),
        "deadhead_km_minor": draw(st.sampled_from([0, 90])),
        "waiting_h_minor": draw(st.sampled_from([0, 300, 3_500])),
    }
    problems = [
        fleet.Problem.from_tables(
            pd.DataFrame(
                trips,
                columns=["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"],
            ),
            deadheads=pd.DataFrame(runs, columns=["from_stop", "to_stop", "time_s", "distance_km"]),
            depots=[{"id": "d", "stop_id": "home"}],
            costs=costs,
        )
        for trips in days
    ]
    return problems, draw(st.integers(1, 5)), draw(st.booleans())


@settings(max_examples=20, phases=(Phase.explicit, Phase.generate))
@given(small_days())
def test_no_fleet_and_no_plans_beat_the_bound_of_a_week(asked):
    problems, often, rest = asked
    monday = dt.date(2025, 3, 3)
    number = [often, 1]
    days = [
        DayPlan(
            DayKind((monday + dt.timedelta(days=at),) * number[at], number[at], ("s",)),
            problem,
            fleet.plan_blocks(problem),
        )
        for at, problem in enumerate(problems)
    ]
    if rest:
        days.append(DayPlan(DayKind((monday + dt.timedelta(days=6),), 1, ())))
    answer = _summed(tuple(days), "optimise", 0.0, None, 0)
    held(answer)
    price = problems[0].costs.vehicle_day_minor
    running = [
        {count: cost - count * price for count, cost in naive.any_blocks(problem).items()}
        for problem in problems
    ]
    best = min(
        fleet_size * price * (sum(number) + rest)
        + sum(
            n * min(cost for count, cost in ways.items() if count <= fleet_size)
            for n, ways in zip(number, running, strict=True)
        )
        for fleet_size in range(1, 9)
        if all(min(ways) <= fleet_size for ways in running)
    )
    assert answer.report.bound <= best + 1e-6
    assert answer.report.objective >= math.floor(best)
    assert replace(answer, why="").vehicles >= answer.vehicles_bound


def test_a_week_of_a_real_feed(shared_gtfs):
    feed = read_feed(shared_gtfs / "hart.zip")
    kinds = day_kinds(feed)
    assert [len(one.dates) for one in kinds] == [3, 2, 1, 1]
    assert sum(one.in_calendar for one in kinds) <= 365


def test_a_bus_keeps_its_depot_all_week():
    """Two days that need one bus each, at two ends of the town: a fleet of two."""
    days = []
    for at, spot in enumerate("ab"):
        problem = fleet.Problem.from_tables(
            pd.DataFrame(
                [("t", 36_000, 39_600, spot, spot, 8.0)],
                columns=["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"],
            ),
            deadheads=pd.DataFrame(
                [(*pair, 600 if pair[0][-1] == pair[1][-1] else 3_600, 5.0)
                 for pair in itertools.permutations(("home-a", "home-b", "a", "b"), 2)],
                columns=["from_stop", "to_stop", "time_s", "distance_km"],
            ),
            depots=[{"id": one, "stop_id": f"home-{one}"} for one in "ab"],
            costs={"vehicle_day_minor": 1_000, "deadhead_km_minor": 90, "waiting_h_minor": 300},
        )  # fmt: skip
        near = replace(problem, depots=tuple(one for one in problem.depots if one.id == spot))
        when = dt.date(2025, 3, 3 + at)
        days.append(DayPlan(DayKind((when,), 1, ("s",)), near, fleet.plan_blocks(near)))
    answer = _summed(tuple(days), "optimise", 0.0, None, 0)
    held(answer)
    assert (answer.vehicles, answer.vehicles_bound) == (2, 1)
    assert answer.fleet["depot"].tolist() == ["a", "b"]
    assert answer.report.parts["vehicles"] == 4_000


def test_what_the_command_does(samples_folder, tmp_path, capsys):
    from mobility.cli.fleet_week import plan_week

    asked = {
        "modes": [3],
        "blocks": "optimise",
        "stop": None,
        "seed": 0,
        "no_cache": True,
        "quiet": True,
    }
    feed = str(samples_folder / "changsha")
    out = tmp_path / "week"
    code = plan_week(feed, None, "typical", out=out, as_json=True, **asked)
    assert code == 0
    told = json.loads(capsys.readouterr().out)
    assert told["vehicles"] == json.loads((out / "week.json").read_text())["vehicles"]
    case = tmp_path / "fleet.toml"
    case.write_text('[[depot]]\nid = "d"\nstop_id = "T-YDE"\ncapacity = 1\n')
    code = plan_week(feed, case, "typical", out=tmp_path / "none", as_json=False, **asked)
    assert code == 1
    assert "no week (infeasible)" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()
