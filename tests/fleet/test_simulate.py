"""Plans replayed in many scenarios: what breaks, where, and what mends it."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import days, problem_of

from mobility import fleet, samples
from mobility.errors import ConfigError, TableError
from mobility.feed import read_feed
from mobility.fleet import Scenarios
from mobility.fleet.kpis import charge_levels


@pytest.fixture(scope="module")
def santiago():
    day = read_feed(samples.path("santiago"), cache=False).day("2025-06-04")
    return fleet.plan(fleet.problem(day, case=samples.case("santiago", "fleet.toml")))


@pytest.fixture(scope="module")
def replayed(santiago):
    return fleet.simulate(santiago.problem, santiago, Scenarios(count=400, temperature=2.0))


def calm(count=1, **changes):
    return dataclasses.replace(Scenarios.none(count), **changes)


def shuffled(plan, seed):
    rng = np.random.default_rng(seed)
    blocks = plan.blocks.iloc[rng.permutation(len(plan.blocks))].reset_index(drop=True)
    sessions = plan.sessions.iloc[rng.permutation(len(plan.sessions))].reset_index(drop=True)
    return dataclasses.replace(plan, blocks=blocks, sessions=sessions)


def same(one, other):
    for name in ("blocks", "first_breaks", "scenario_table", "mends"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))


def most_used(plan):
    """kWh that every bus lacks of its charge at pull-out at most, by the plan's own account."""
    levels = charge_levels(plan).groupby("vehicle")["kwh"]
    return levels.first() - levels.min()


@pytest.mark.parametrize("catch_up", [True, False])
def test_without_noise_a_replay_is_the_plan(santiago, catch_up):
    told = fleet.simulate(santiago.problem, santiago, calm(3, catch_up=catch_up))
    bus = santiago.problem.vehicle
    needs = told.blocks.set_index("vehicle")["needs_kwh_p50"] * (bus.start_soc - bus.min_soc)
    wanted = most_used(santiago).reindex(needs.index)
    assert (needs - wanted).abs().max() < 1e-3  # within 1 Wh
    assert told.broken() == ()
    assert (told.blocks["not_full"] == 0).all()
    assert (told.blocks["late_s_p99"] == 0).all()


@settings(max_examples=15)
@given(days(), st.booleans())
def test_without_noise_a_made_up_plan_is_its_replay(day, terminal):
    chargers = [{"stop_id": "a", "count": 1, "kw": 80.0}] if terminal else []
    plan = fleet.plan(problem_of(day, chargers=chargers))
    if plan.report.objective is None or not plan.blocks["electric"].any():
        return
    told = fleet.simulate(plan.problem, plan, calm(), mends=False)
    bus = plan.problem.vehicle
    needs = told.blocks.set_index("vehicle")["needs_kwh_p50"] * (bus.start_soc - bus.min_soc)
    assert (needs - most_used(plan).reindex(needs.index)).abs().max() < 1e-3
    assert told.broken() == ()
    assert (told.blocks["not_full"] == 0).all()


def test_a_temperature_is_that_of_a_problem_with_it(santiago):
    told = fleet.simulate(santiago.problem, santiago, calm(temperature=-4.0, catch_up=False))
    colder = santiago.problem.replace(temperature_c=-4.0)
    again = fleet.simulate(colder, santiago, calm(catch_up=False))
    # Sessions stop where each plan leaves its bus, so only what is used before the first is the same.
    one, other = (
        part.blocks.set_index("vehicle")["needs_kwh_p50"].sort_index() for part in (told, again)
    )
    unplugged = set(santiago.sessions["vehicle"].value_counts().loc[lambda count: count == 1].index)
    kept = [name for name in one.index if name in unplugged]
    assert len(kept) > 20
    np.testing.assert_allclose(one[kept], other[kept], rtol=1e-6)


def test_the_order_of_rows_and_the_number_of_threads_change_nothing(santiago, replayed):
    scenarios = replayed.scenarios
    for threads in (1, 2):
        again = fleet.simulate(
            santiago.problem, shuffled(santiago, threads), scenarios, threads=threads
        )
        same(replayed, again)


def test_a_queue_does_not_depend_on_threads_or_rows_either(santiago):
    scenarios = Scenarios(count=1200, outage=0.05, queue=True)
    one = fleet.simulate(santiago.problem, santiago, scenarios, threads=1, mends=False)
    two = fleet.simulate(santiago.problem, shuffled(santiago, 3), scenarios, threads=2, mends=False)
    assert one.moved_sessions == two.moved_sessions > 0
    same(one, two)


def test_the_first_scenarios_do_not_depend_on_how_many_follow(santiago, replayed):
    few = fleet.simulate(
        santiago.problem, santiago, dataclasses.replace(replayed.scenarios, count=50)
    )
    pd.testing.assert_frame_equal(few.scenario_table, replayed.scenario_table.head(50))
    other = fleet.simulate(santiago.problem, santiago, replayed.scenarios, seed=1, mends=False)
    assert not other.scenario_table.equals(replayed.scenario_table)


def test_what_is_counted_by_block_is_counted_by_scenario(replayed):
    count = replayed.scenarios.count
    breaks = replayed.blocks["breaks"] * count
    assert round(breaks.sum()) == replayed.scenario_table["broken"].sum()
    assert round(breaks.sum()) == replayed.first_breaks["scenarios"].sum()
    assert replayed.broken() == tuple(
        replayed.blocks.loc[replayed.blocks["breaks"] > 0.05 + 1e-9, "vehicle"]
    )
    assert 0 < len(replayed.broken()) < len(replayed.blocks)


def test_worse_days_break_no_fewer_blocks(santiago):
    def breaks(**changes):
        told = fleet.simulate(
            santiago.problem, santiago, Scenarios(count=200, **changes), mends=False
        )
        return told.blocks.set_index("vehicle")["breaks"].sort_index()

    mild = breaks(temperature=20.0)
    assert (breaks(temperature=-5.0) >= mild).all()
    assert (breaks(temperature=20.0, state_of_health=0.8) >= mild).all()
    assert (breaks(temperature=20.0, catch_up=False) >= mild).all()
    assert (breaks(temperature=20.0, outage=0.3) >= mild).all()


def test_an_outage_takes_sessions_and_a_queue_gives_some_back(santiago):
    bare = fleet.simulate(santiago.problem, santiago, calm(60, outage=1.0), mends=False)
    assert (bare.blocks.loc[bare.blocks["battery_kwh"] > 0, "not_full"] == 1).all()
    some = calm(200, outage=0.1)
    out = fleet.simulate(santiago.problem, santiago, some, mends=False)
    queue = fleet.simulate(
        santiago.problem, santiago, dataclasses.replace(some, queue=True), mends=False
    )
    assert queue.moved_sessions > 0
    assert out.moved_sessions == 0
    assert queue.blocks["not_full"].mean() < out.blocks["not_full"].mean()
    assert queue.queue_s > 0


def test_the_least_battery_mends_and_less_does_not(santiago, replayed):
    row = replayed.mends.iloc[0]
    for less, breaks in ((0.0, False), (0.2, True)):
        wider = santiago.problem.replace(**{"vehicles.battery_kwh": row["battery_kwh"] - less})
        again = fleet.simulate(wider, santiago, replayed.scenarios, mends=False)
        assert (row["vehicle"] in again.broken()) == breaks


def test_a_longer_layover_or_a_charger_is_least_too(santiago, replayed):
    from mobility.fleet.draws import draw
    from mobility.fleet.mends import _charger, _first_leg, _longer, changed
    from mobility.fleet.replay import replay_of
    from mobility.fleet.simulate import Moved, ranks_of, run

    scenarios = replayed.scenarios
    replay = replay_of(santiago.problem, santiago, catch_up=True)
    draws, moved = draw(santiago.problem, scenarios, 0), Moved.none(len(replay.sessions))
    ranks = ranks_of((0.95,), scenarios.count)
    outcome = run(replay, scenarios, draws, moved, ranks)
    seen = 0
    for row in replayed.mends.to_dict("records"):
        bus = replay.buses.names.index(row["vehicle"])
        for kind, amount in (("charger", row["charger_kw"]), ("layover", row["layover_s"] / 300)):
            place = {"charger": _charger, "layover": _longer}[kind](
                replay, bus, _first_leg(replay, outcome, bus)
            )
            if np.isnan(amount):
                if place is None:
                    continue
                trials = [(place.most, False)]
            else:
                trials = [(int(amount), True), (int(amount) - 1, False)]
            for tried, mends in trials:
                part, still = changed(replay, moved, [bus], place.change(tried) if tried else {})
                broken = run(part, scenarios, draws, still, ranks).breaks[0]
                assert (broken <= 0.05 * scenarios.count) == mends
                seen += 1
    assert seen > 0


def test_the_cheapest_mend_needs_prices(santiago, replayed):
    assert (replayed.mends["cheapest"] == "").all()
    prices = fleet.MendPrices(battery_kwh_day=1e9, charger_day=5.0, charger_kw_day=1.0)
    told = fleet.simulate(santiago.problem, santiago, replayed.scenarios, prices=prices).mends
    can = told["charger_at"] != ""
    assert (told.loc[~can & (told["layover_at"] == ""), "cheapest"] == "battery").all()
    assert (told.loc[can, "charger_minor"] == 5.0 + told.loc[can, "charger_kw"]).all()


def two_trips():
    """One bus: out, a trip, an hour at a's charger, a trip, home; charged within that hour."""
    trips = pd.DataFrame(
        [("1", 30_000, 32_400, "b", "a", 20.0), ("2", 36_000, 38_400, "a", "b", 20.0)],
        columns=["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"],
    )
    runs = pd.DataFrame(
        [
            (one, other, 2_000, 4.0)
            for one in ("depot", "a", "b")
            for other in ("depot", "a", "b")
            if one != other
        ],
        columns=["from_stop", "to_stop", "time_s", "distance_km"],
    )
    problem = fleet.Problem.from_tables(
        trips, deadheads=runs, depots=[{"id": "d", "stop_id": "depot"}],
        vehicles=[{"id": "bus", "battery_kwh": 50.0, "kwh_km": 1.0}],
        chargers=[{"stop_id": "a", "count": 1, "kw": 120.0}], rules={"min_layover_s": 0},
    )  # fmt: skip
    plan = fleet.plan(problem)
    at_a = (plan.sessions["site"] == "terminal:a").to_numpy()
    assert plan.vehicles == 1
    assert at_a.sum() == 1
    slots = 6
    rows = plan.sessions.to_dict("records")
    own = {"start_s": 32_400, "end_s": 32_400 + slots * 300, "kw": (24.0,) * slots, "kwh": 12.0}
    sessions = pd.DataFrame(
        [row | own if here else row for row, here in zip(rows, at_a, strict=True)]
    )
    return dataclasses.replace(plan, sessions=sessions)


def measured(plan, ratio):
    return fleet.Measured(("2025-01-01",), np.array(ratio, float)[:, None], np.zeros((2, 1)),
                          np.ones((2, 1), bool), "made up")  # fmt: skip


def test_a_late_bus_loses_the_part_of_its_session_that_has_passed():
    plan = two_trips()
    on_time = fleet.simulate(
        plan.problem, plan, calm(catch_up=False, measured=measured(plan, [1.0, 1.0]))
    )
    # 750 s late: two and a half of six slots of 2 kWh are lost.
    late = fleet.simulate(
        plan.problem, plan, calm(catch_up=False, measured=measured(plan, [1 + 750 / 2400, 1.0]))
    )
    window = plan.problem.vehicle.start_soc - plan.problem.vehicle.min_soc
    one, other = (part.blocks["needs_kwh_p50"].iloc[0] * window for part in (on_time, late))
    assert one == pytest.approx(24.0 - 12.0 + 24.0, abs=1e-4)
    assert other == pytest.approx(one + 5.0, abs=1e-4)
    assert late.blocks["late_s_p50"].iloc[0] == 0  # an hour of layover takes the delay away
    # With catching up the rest of the hour at 120 kW gives all that is lacking.
    helped = fleet.simulate(
        plan.problem, plan, calm(measured=measured(plan, [1 + 750 / 2400, 1.0]))
    )
    assert helped.blocks["needs_kwh_p50"].iloc[0] * window == pytest.approx(one, abs=1e-4)


def test_a_plan_without_an_answer_or_with_stray_sessions_is_refused(santiago):
    none = dataclasses.replace(santiago.report, objective=None, parts={}, bound=None)
    with pytest.raises(ConfigError, match="no plan to replay"):
        fleet.simulate(
            santiago.problem, dataclasses.replace(santiago, report=none, why="too small")
        )
    stray = santiago.sessions.copy()
    stray["start_s"] += 20_000
    stray["end_s"] += 20_000
    with pytest.raises(ConfigError, match="in no stay of its own"):
        fleet.simulate(santiago.problem, dataclasses.replace(santiago, sessions=stray))


@pytest.mark.parametrize(
    "wrong",
    [{"count": 0}, {"outage": 1.5}, {"energy_day": -0.1}, {"energy_day": 5.0}, {"late_share": 2.0},
     {"state_of_health": 0.0}, {"state_of_health": (0.9, 0.8)}, {"temperature": 99.0},
     {"temperature": (1.0, 2.0)}],
)  # fmt: skip
def test_scenarios_that_cannot_be_are_refused(wrong):
    with pytest.raises(ConfigError):
        Scenarios(**wrong)


def test_an_answer_is_json_html_and_files(tmp_path, replayed):
    told = json.loads(replayed.to_json())
    assert told["objective"] == len(replayed.broken()) == len(told["broken"])
    assert any("synthetic" in one for one in told["assumptions"])
    assert str(replayed).startswith(
        f"{len(replayed.broken())} of {len(replayed.blocks)} blocks break at P95"
    )
    assert "<table" in replayed._repr_html_()
    folder = replayed.write(tmp_path / "told", parquet=True)
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "blocks.parquet"), replayed.blocks)
    assert json.loads((folder / "simulation.json").read_text())["broken"] == told["broken"]
    replayed.write(folder)  # an earlier one is replaced
    assert not (folder / "blocks.parquet").exists()
    (folder / "mine.txt").write_text("x")
    with pytest.raises(ConfigError, match="no simulation of ours"):
        replayed.write(folder)


def test_repair_mends_the_broken_blocks_and_keeps_the_others(santiago, replayed):
    told = fleet.repair(santiago.problem, santiago, replayed)
    assert told.before == replayed.broken()
    assert told.plan.findings == ()
    assert fleet.check(santiago.problem, told.plan) == []
    assert len(told.broken) < len(told.before)
    again = fleet.simulate(santiago.problem, told.plan, replayed.scenarios)
    assert again.broken() == told.broken
    trips = told.plan.blocks.loc[told.plan.blocks["kind"] == "trip", "trip_id"]
    assert sorted(trips) == sorted(santiago.problem.trips["trip_id"])


def test_repair_of_a_sound_plan_changes_nothing(santiago):
    told = fleet.simulate(santiago.problem, santiago, calm(5))
    mended = fleet.repair(santiago.problem, santiago, told)
    assert mended.plan is santiago
    assert mended.more_vehicles == 0
    assert mended.why == ""


def test_weather_is_read_by_whole_days(tmp_path):
    hours = pd.date_range("2025-06-01", periods=49, freq="h")
    rows = "\n".join(f"{one:%Y-%m-%d %H:%M},{at % 24 - 3}" for at, one in enumerate(hours))
    place = tmp_path / "weather.csv"
    place.write_text(f"# made up; synthetic\ntime,temperature_c\n{rows}\n")
    read = fleet.read_weather(place)
    assert read.dates == ("2025-06-01", "2025-06-02")  # the third day lacks hours
    assert read.synthetic
    assert read.source == "made up"
    np.testing.assert_array_equal(read.hourly_c[1], np.arange(24) - 3.0)
    with pytest.raises(ConfigError, match="no day of the months"):
        read.of_months([1])
    place.write_text("time,temperature_c\n2025-06-01 00:00,5\n2025-06-01 00:00,999\nnever,1\n")
    with pytest.raises(TableError) as caught:
        fleet.read_weather(place)
    assert {(one.row, one.column) for one in caught.value.findings} == {
        (3, "time"), (3, "temperature_c"), (4, "time"),
    }  # fmt: skip


def test_every_scenario_draws_a_whole_day_of_the_weather(santiago):
    weather = fleet.Weather(
        ("2025-01-01", "2025-07-01"), np.array([[18.0] * 24, [-10.0] * 24]), "two days"
    )
    told = fleet.simulate(santiago.problem, santiago, calm(300, temperature=weather), mends=False)
    by_day = told.scenario_table.groupby("date")["broken"]
    assert by_day.nunique().eq(1).all()  # nothing else is varied
    assert by_day.first()["2025-07-01"] > by_day.first()["2025-01-01"] == 0


def test_measured_times_are_read_as_csv_and_as_tides(tmp_path):
    plan = two_trips()
    problem = dataclasses.replace(plan.problem, timezone="America/Santiago")
    rows = [("1", 1, "2025-03-05", 30_120, 30_120), ("1", 9, "2025-03-05", 33_000, 33_000),
            ("2", 1, "2025-03-05", 36_000, 36_000), ("2", 9, "2025-03-05", 37_200, 37_200),
            ("1", 1, "2025-03-06", 30_000, 30_000), ("2", 9, "2025-03-06", 90_000, 90_000),
            ("x", 1, "2025-03-06", 5, 5)]  # fmt: skip
    plain = pd.DataFrame(rows, columns=["trip_id", "stop_sequence", "date", "arrive_s", "depart_s"])
    plain.to_csv(tmp_path / "times.csv", index=False)
    read = fleet.read_measured(tmp_path / "times.csv", problem)
    np.testing.assert_allclose(read.ratio, [[2880 / 2400, 1.0], [1200 / 2400, 1.0]])
    np.testing.assert_allclose(read.depart_late_s, [[120.0, 0.0], [0.0, 0.0]])
    assert read.dropped == 2  # on the second day each trip was seen at one end only
    clock = [
        (pd.Timestamp(day) + pd.Timedelta(seconds=one)).isoformat() for _, _, day, one, _ in rows
    ]
    tides = pd.DataFrame({
        "service_date": plain["date"], "trip_id_performed": plain["trip_id"],
        "stop_sequence": plain["stop_sequence"], "vehicle_id": "v", "actual_arrival_time": clock,
        "actual_departure_time": clock,
    })  # fmt: skip
    tides.to_csv(tmp_path / "stop_visits.csv", index=False)
    other = fleet.read_measured(tmp_path / "stop_visits.csv", problem)
    np.testing.assert_array_equal(read.ratio, other.ratio)
    np.testing.assert_array_equal(read.depart_late_s, other.depart_late_s)
    told = fleet.simulate(problem, plan, Scenarios(count=20, measured=read), mends=False)
    assert any("measured, whole days at a time" in one for one in told.assumptions)
    assert set(told.scenario_table["measured_date"]) <= {"2025-03-05", "2025-03-06"}


def test_measured_cells_that_cannot_be_are_named(tmp_path):
    plan = two_trips()
    place = tmp_path / "times.csv"
    place.write_text(
        "trip_id,stop_sequence,date,arrive_s,depart_s\n1,a,2025-03-05,1,1\n1,1,never,1,x\n"
    )
    with pytest.raises(TableError) as caught:
        fleet.read_measured(place, plan.problem)
    assert {(one.row, one.column) for one in caught.value.findings} == {
        (2, "stop_sequence"), (3, "date"), (3, "depart_s"),
    }  # fmt: skip
    place.write_text("trip_id,stop_sequence,date,arrive_s,depart_s\nnone,1,2025-03-05,1,1\n")
    with pytest.raises(TableError, match="none of its trips"):
        fleet.read_measured(place, plan.problem)
    place.write_text("trip_id,date\n1,2025-03-05\n")
    with pytest.raises(TableError, match="no column 'stop_sequence'"):
        fleet.read_measured(place, plan.problem)


def test_a_simulation_is_drawn(replayed):
    mpl = pytest.importorskip("matplotlib")
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    axes = replayed.plot()
    assert len(axes) == 3
    bars = axes[0].patches
    shown = replayed.blocks["breaks"].head(30) * 100
    np.testing.assert_allclose([one.get_width() for one in bars], shown)
    _, ax = plt.subplots()
    assert replayed.plot(ax) is ax
    plt.close("all")


def test_a_plan_of_another_problem_is_refused(santiago):
    problem = santiago.problem
    for changed, named in (
        (
            dataclasses.replace(problem, trips=problem.trips.iloc[1:].reset_index(drop=True)),
            "the trip",
        ),
        (problem.replace(chargers=()), "the site"),
        (problem.replace(**{"vehicles.id": "other"}), "the type of bus"),
    ):
        with pytest.raises(ConfigError, match=named):
            fleet.simulate(changed, santiago, calm())


def test_a_fleet_without_batteries_has_nothing_to_break():
    trips = two_trips().problem.trips
    runs = pd.DataFrame([("depot", "b", 600, 4.0), ("b", "depot", 600, 4.0)],
                        columns=["from_stop", "to_stop", "time_s", "distance_km"])  # fmt: skip
    problem = fleet.Problem.from_tables(
        trips[["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"]], deadheads=runs,
        depots=[{"id": "d", "stop_id": "depot"}], vehicles=[{"id": "old", "energy": "diesel"}],
        rules={"min_layover_s": 0},
    )  # fmt: skip
    plan = fleet.plan(problem)
    assert plan.report.objective is not None
    told = fleet.simulate(problem, plan, Scenarios(count=20, outage=0.5, queue=True))
    assert len(told.blocks) == 0
    assert told.broken() == ()
    assert "0 of 0 blocks" in str(told)
    json.loads(told.to_json())


def test_repair_never_hands_trips_to_other_buses(santiago):
    cold = fleet.simulate(santiago.problem, santiago, Scenarios(count=100, temperature=-12.0))
    told = fleet.repair(santiago.problem, santiago, cold)
    assert told.plan.not_electric == santiago.not_electric
    assert fleet.check(santiago.problem, told.plan) == []


def test_a_replay_in_numpy_counts_the_same():
    from benchmarks import simulate as bench

    ours, theirs = bench.ours(60, 1500), bench.numpy_replay(60, 1500)
    assert ours["check_errors"] == 0
    for name in ("broken_a_day", "not_full_a_day"):
        assert ours[name] == pytest.approx(theirs[name], rel=0.1)  # they draw different days


def test_tides_times_with_offsets_and_across_a_change_of_clocks(tmp_path):
    plan = two_trips()
    problem = dataclasses.replace(plan.problem, timezone="America/Santiago")
    # In Santiago clocks go back on 2025-04-06 at 00:00: the service day begins at 01:00 of summer time.
    rows = [("2025-04-06", "1", 1, "2025-04-06T08:20:00-04:00"), ("2025-04-06", "1", 2, "2025-04-06T13:00:00Z"),
            ("2025-03-05", "1", 1, "2025-03-05T08:25:00"), ("2025-03-05", "1", 2, "2025-03-05T09:00:00")]  # fmt: skip
    pd.DataFrame({
        "service_date": [one[0] for one in rows], "trip_id_performed": "p", "stop_sequence": [one[2] for one in rows],
        "vehicle_id": "v", "actual_arrival_time": [one[3] for one in rows],
        "actual_departure_time": [one[3] for one in rows],
    }).to_csv(tmp_path / "stop_visits.csv", index=False)  # fmt: skip
    pd.DataFrame({"trip_id_performed": ["p"], "trip_id_scheduled": ["1"]}).to_csv(
        tmp_path / "trips_performed.csv", index=False
    )
    read = fleet.read_measured(tmp_path / "stop_visits.csv", problem)
    assert read.dates == ("2025-03-05", "2025-04-06")
    np.testing.assert_allclose(read.ratio[0], [2100 / 2400, 2400 / 2400])
    np.testing.assert_allclose(read.depart_late_s[0], [300.0, 0.0])  # planned at 08:20
