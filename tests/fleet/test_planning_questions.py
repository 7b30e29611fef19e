"""Depots sized, a transition ordered, what-ifs side by side: each with its proof, each checked."""

import dataclasses
import itertools
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import days, problem_of

from mobility import fleet, samples
from mobility.errors import ConfigError
from mobility.feed import read_feed
from mobility.fleet.size_bounds import bounds_of
from mobility.fleet.transition import electric_part


@pytest.fixture(scope="module")
def santiago():
    day = read_feed(samples.path("santiago"), cache=False).day("2025-06-04")
    return fleet.plan(fleet.problem(day, case=samples.case("santiago", "fleet.toml")))


@pytest.fixture(scope="module")
def sized(santiago):
    return fleet.size_depots(santiago, charger_day_minor=5000.0)


def test_a_sized_day_is_checked_and_lies_above_its_bound(santiago, sized):
    assert sized.plan is not None
    assert fleet.check(sized.plan.problem, sized.plan) == []
    count = {one.id: one.chargers for one in sized.plan.problem.depots}
    for row in sized.table.to_dict("records"):
        assert 0 < row["chargers_bound"] <= row["chargers"] == count[row["site"]]
        assert row["proven"] == (row["chargers"] == row["chargers_bound"])
        assert row["site_kw_bound"] <= row["site_kw"] + 1e-6
        peak = sized.plan.power.loc[sized.plan.power["site"] == row["site"], "kw"].max()
        assert row["site_kw_bound"] - 1e-6 <= peak <= row["site_kw"] + 1e-6
    now = {one.id: one.chargers for one in santiago.problem.depots}
    assert all(count[name] < now[name] for name in count)


def test_the_cost_curve_adds_up(sized):
    told = sized.curve
    assert told.groupby("site")["chargers"].min().to_dict() == {
        row["site"]: row["chargers"] for row in sized.table.to_dict("records")
    }
    sums = told["energy_minor"] + told["demand_minor"] + told["chargers_minor"]
    np.testing.assert_allclose(told["cost_minor"], sums)
    np.testing.assert_allclose(told["chargers_minor"], told["chargers"] * 5000.0)


@settings(max_examples=15)
@given(days(), st.booleans(), st.sampled_from([40.0, 100.0]))
def test_the_bound_of_a_depot_is_below_what_any_plan_uses(day, terminal, kw):
    chargers = [{"stop_id": "a", "count": 1, "kw": 80.0}] if terminal else []
    depots = [{"id": "d", "stop_id": "depot", "charger_kw": kw}]
    plan = fleet.plan(problem_of(day, chargers=chargers, depots=depots))
    if plan.report.objective is None or not plan.blocks["electric"].any():
        return
    told = bounds_of(plan, 0)
    at_depot = plan.sessions[plan.sessions["site"] == "d"]
    busy = np.zeros(288, int)
    for first, end in zip(at_depot["start_s"], at_depot["end_s"], strict=True):
        np.add.at(busy, np.arange(first // 300, end // 300) % 288, 1)
    assert told.chargers <= busy.max(initial=0)
    peak = plan.power.loc[plan.power["site"] == "d", "kw"].max()
    assert told.kw <= (0.0 if np.isnan(peak) else peak) + 1e-6


def test_one_bus_that_must_charge_all_night_needs_all_the_power_there_is():
    trips = pd.DataFrame(
        [("1", 28_800, 75_600, "a", "a", 150.0)],
        columns=["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"],
    )
    runs = pd.DataFrame([("depot", "a", 600, 1.0), ("a", "depot", 600, 1.0)],
                        columns=["from_stop", "to_stop", "time_s", "distance_km"])  # fmt: skip
    problem = fleet.Problem.from_tables(
        trips, deadheads=runs, depots=[{"id": "d", "stop_id": "depot", "charger_kw": 100.0}],
        vehicles=[{"id": "bus", "battery_kwh": 250.0, "kwh_km": 1.0, "max_kw": 100.0}],
    )  # fmt: skip
    told = bounds_of(fleet.plan(problem), 0)
    # 152 kWh from 21:10 to 07:50, which touches 22 half hours.
    assert told.kw == pytest.approx(152.0 / 11.0)
    assert told.window == "00:00-08:00, 21:00-24:00"
    assert told.chargers == 1
    assert told.kwh == pytest.approx(152.0)


def test_sizing_needs_an_electric_plan(santiago):
    none = dataclasses.replace(santiago.report, objective=None, parts={}, bound=None)
    with pytest.raises(ConfigError, match="no electric plan"):
        fleet.size_depots(dataclasses.replace(santiago, report=none))


def cheapest_order(needs, metres, allowed):
    """Every way to give routes a stage, tried out."""
    best = -1
    for stage in itertools.product(range(len(allowed) + 1), repeat=len(needs)):
        have = [set().union(*(needs[at] for at, one in enumerate(stage) if 0 < one <= number + 1), set())
                for number in range(len(allowed))]  # fmt: skip
        if all(len(one) <= most for one, most in zip(have, allowed, strict=True)):
            best = max(
                best,
                sum(
                    km * (len(allowed) - one + 1)
                    for km, one in zip(metres, stage, strict=True)
                    if one
                ),
            )
    return best


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sets(st.integers(0, 5), min_size=1), st.integers(1, 50)), min_size=1, max_size=4),
       st.lists(st.integers(0, 6), min_size=1, max_size=3))  # fmt: skip
def test_an_order_of_routes_is_the_best_there_is(lines, allowed):
    from mobility.fleet.transition import _by_routes, _greedy

    needs, metres = [sorted(one) for one, _ in lines], [km for _, km in lines]
    stage, bound, status = _by_routes(metres, needs, 6, sorted(allowed), 5.0, 0)

    def worth(told):
        return sum(
            km * (len(allowed) - one + 1) for km, one in zip(metres, told, strict=True) if one
        )

    assert status == "optimal"
    assert worth(stage) == cheapest_order(needs, metres, sorted(allowed)) == round(bound)
    assert worth(_greedy(metres, needs, sorted(allowed))) <= worth(stage)


def test_a_transition_by_routes_adds_up(santiago):
    told = fleet.transition(santiago, [30, 60, 112])
    assert told.report.status == "optimal"
    assert told.report.bound == pytest.approx(told.report.objective)
    assert (told.stages["buses"] <= told.stages["allowed"]).all()
    assert told.stages["buses"].is_monotonic_increasing
    assert told.order["buses"].sum() == told.stages["buses"].iloc[-1]
    assert told.stages["km_share"].iloc[-1] == pytest.approx(1.0)
    for stage in (1, 3):
        part = electric_part(santiago, told, stage)
        row = told.stages.iloc[stage - 1]
        assert part.vehicles == row["buses"]
        busy = {}
        for session in part.sessions.to_dict("records"):
            for slot in range(session["start_s"] // 300, session["end_s"] // 300):
                busy.setdefault(session["site"], np.zeros(288, int))[slot % 288] += 1
        mine = (
            told.chargers[told.chargers["stage"] == stage].set_index("site")["chargers"].to_dict()
        )
        assert mine == {site: slots.max() for site, slots in busy.items()}
        # A bus of a stage drives whole routes or is there for a route that is electric.
        route = santiago.problem.trips.set_index("trip_id")["route_id"]
        chosen = set(told.order.loc[told.order["stage"] <= stage, "name"])
        electric = set(part.blocks.loc[part.blocks["kind"] == "trip", "trip_id"])
        assert all(trip in electric for trip in route[route.isin(chosen)].index)
    json.loads(told.to_json())


def test_a_transition_by_blocks_takes_the_longest_days_first(santiago):
    told = fleet.transition(santiago, [10, 20], by="blocks")
    trips = santiago.blocks[santiago.blocks["kind"] == "trip"]
    km = trips.groupby("vehicle")["distance_km"].sum().sort_values(ascending=False)
    assert told.stages["km"].tolist() == pytest.approx([km.head(10).sum(), km.head(20).sum()])
    assert told.report.status == "optimal"


@pytest.mark.parametrize(
    ("buses", "more"), [([], {}), ([5, 3], {}), ([-1], {}), ([5], {"by": "colour"})]
)
def test_a_transition_that_cannot_be_is_refused(santiago, buses, more):
    with pytest.raises(ConfigError):
        fleet.transition(santiago, buses, **more)


def test_what_ifs_stand_side_by_side_and_hold(santiago):
    told = fleet.compare(santiago, {
        "bigger battery": {"vehicles.battery_kwh": 420.0},
        "cheap nights": {"tariff": dataclasses.replace(santiago.problem.tariff, energy=((0, 60.0), (25_200, 130.0)))},
        "small battery": {"vehicles.battery_kwh": 250.0},
    })  # fmt: skip
    assert told.table["name"].tolist() == ["now", "bigger battery", "cheap nights", "small battery"]
    for name, plan in told.plans.items():
        row = told.table.set_index("name").loc[name]
        assert fleet.check(plan.problem, plan) == []
        assert row["cost_minor"] == plan.report.objective
        assert row["bound_minor"] <= row["cost_minor"]
        assert row["more_minor"] == row["cost_minor"] - santiago.report.objective
    money = [one for one in told.table.columns if one.endswith("_minor")]
    parts = [one for one in money if one not in ("cost_minor", "more_minor", "bound_minor")]
    np.testing.assert_allclose(told.table[parts].sum(axis=1), told.table["cost_minor"])
    assert told.table["more_minor"].iloc[1] <= 0
    assert "cheap nights" in str(told) or "bigger battery" in str(told)
    json.loads(told.to_json())
    with pytest.raises(ConfigError, match="cannot be called"):
        fleet.compare(santiago, {"now": {}})


def test_a_replanned_day_keeps_what_holds(santiago):
    same = fleet.replan(santiago.problem, santiago)
    assert same.report.objective <= santiago.report.objective
    assert same.assumptions[-1].startswith("blocks")
    pd.testing.assert_frame_equal(same.blocks, santiago.blocks)
    less = fleet.replan(santiago.problem.replace(**{"vehicles.battery_kwh": 300.0}), santiago)
    assert less.findings == ()
    trips = less.blocks.loc[less.blocks["kind"] == "trip", "trip_id"]
    assert sorted(trips) == sorted(santiago.problem.trips["trip_id"])
    # From what is no plan of these trips nothing can be kept.
    other = dataclasses.replace(santiago, blocks=santiago.blocks.iloc[:0])
    assert fleet.replan(santiago.problem, other).assumptions[-1].startswith("nothing was kept")


def test_answers_are_written_as_folders(tmp_path, santiago, sized):
    order = fleet.transition(santiago, [50], by="blocks")
    for answer, name, table in ((sized, "sizing", "sites"), (order, "transition", "stages")):
        folder = answer.write(tmp_path / name, parquet=True)
        json.loads((folder / f"{name}.json").read_text())
        assert len(pd.read_parquet(folder / f"{table}.parquet")) > 0
        assert "<table" in answer._repr_html_()
        assert str(answer)


def test_answers_are_drawn(santiago, sized):
    mpl = pytest.importorskip("matplotlib")
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    ax = sized.plot()
    assert [one.get_width() for one in ax.containers[0]] == sized.table["chargers"].tolist()
    assert [one.get_width() for one in ax.containers[1]] == sized.table["chargers_bound"].tolist()
    order = fleet.transition(santiago, [30, 112], by="blocks")
    heights = [one.get_height() for one in order.plot().containers[0]]
    np.testing.assert_allclose(heights, 100 * order.stages["km_share"])
    what_ifs = fleet.compare(santiago, {"bigger": {"vehicles.battery_kwh": 420.0}})
    ax = what_ifs.plot()
    ends = np.sum([[one.get_width() for one in part] for part in ax.containers], axis=0)
    np.testing.assert_allclose(ends, what_ifs.table["cost_minor"])
    plt.close("all")


def test_a_sizing_reports_its_bound(sized):
    assert sized.report.objective == sized.table["chargers"].sum()
    assert sized.report.bound == sized.table["chargers_bound"].sum()
    assert (sized.report.status == "optimal") == sized.table["proven"].all()


@given(st.integers(0, 10_000))
def test_no_order_of_routes_beats_the_program_of_the_stages(seed):
    from mobility.fleet.transition import _by_routes, _greedy, _most_metres

    random = np.random.default_rng(seed)
    routes, vehicles = int(random.integers(1, 6)), int(random.integers(1, 7))
    metres = random.integers(1, 50, routes).tolist()
    needs = [
        sorted(random.choice(vehicles, int(random.integers(1, vehicles + 1)), replace=False).tolist())
        for _ in range(routes)
    ]  # fmt: skip
    allowed = sorted(random.integers(0, vehicles + 1, 2).tolist())
    bound = _most_metres(metres, needs, vehicles, allowed)
    stage, proven, status = _by_routes(metres, needs, vehicles, allowed, 5.0, 0)
    for told in (stage, _greedy(metres, needs, allowed)):
        worth = sum(metres[at] * (len(allowed) - one + 1) for at, one in enumerate(told) if one)
        assert worth <= bound + 1e-6
    assert str(status) == "optimal"
    assert proven <= bound + 1e-6
