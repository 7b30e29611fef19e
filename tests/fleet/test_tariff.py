"""What electricity costs: prices that wrap, peaks in their hours, a day's share of a month."""

import datetime as dt
import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility import fleet
from mobility.fleet import Demand, Tariff
from mobility.fleet.energy import beyond_battery, demand_day_price, least_kwh_price, trip_kwh
from mobility.fleet.tariff import counted_intervals, counted_slots, peaks_kw, slot_prices


def problem_of(km=20.0, demand=(), date=None, **asked):
    trips = pd.DataFrame(
        [("t1", 30_000, 33_000, "a", "b", km)],
        columns=["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"],
    )
    runs = pd.DataFrame(
        [(one, other, 600, 4.0) for one, other in itertools.permutations(("home", "a", "b"), 2)],
        columns=["from_stop", "to_stop", "time_s", "distance_km"],
    )
    return fleet.Problem.from_tables(
        trips, deadheads=runs, depots=[{"id": "d", "stop_id": "home"}],
        tariff=Tariff(((0, 10.0), (25_200, 30.0)), tuple(demand)), date=date, **asked,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("period", "date", "share"),
    [
        ("day", None, 1),
        ("month", None, 30),
        ("year", None, 365),
        ("month", dt.date(2025, 2, 3), 28),
        ("month", dt.date(2024, 2, 3), 29),
        ("month", dt.date(2025, 12, 31), 31),
        ("year", dt.date(2024, 7, 1), 366),
        ("year", dt.date(2025, 7, 1), 365),
    ],
)
def test_a_day_pays_its_share_of_a_demand_charge(period, date, share):
    one = Demand(9_000.0, period)
    assert demand_day_price(problem_of(date=date), one) == pytest.approx(9_000 / share)


def test_outside_its_months_a_demand_charge_is_nothing():
    winter = Demand(9_000.0, months=(4, 5))
    assert demand_day_price(problem_of(date=dt.date(2025, 3, 31)), winter) == 0
    assert demand_day_price(problem_of(date=dt.date(2025, 4, 1)), winter) == 300


def test_prices_wrap_at_midnight():
    prices = slot_prices(Tariff(((21_600, 1.0), (79_200, 2.0)), slot_s=3_600))
    assert prices.tolist() == [2.0] * 6 + [1.0] * 16 + [2.0] * 2


def test_a_price_that_changes_within_a_slot_is_its_mean():
    assert slot_prices(Tariff(((0, 1.0), (900, 5.0)), slot_s=3_600))[0] == pytest.approx(4.0)


def test_the_hours_of_a_demand_charge_wrap_and_reach_whole_intervals():
    night = counted_intervals(Demand(1.0, hours=((79_200, 7_200),), interval_s=3_600))
    assert np.flatnonzero(night).tolist() == [0, 1, 22, 23]
    part = counted_intervals(Demand(1.0, hours=((3_601, 3_700),), interval_s=900))
    assert np.flatnonzero(part).tolist() == [4]
    assert counted_intervals(Demand(1.0)).all()
    assert counted_slots(Demand(1.0, hours=((3_601, 3_700),), interval_s=900), 300).sum() == 3


@given(
    st.lists(st.floats(0, 500), min_size=24, max_size=24),
    st.sampled_from([600, 900, 3_600, 7_200]),
    st.sampled_from([(), ((64_800, 79_200),), ((82_800, 3_600),)]),
)
def test_the_peak_is_the_highest_mean_of_the_counted_intervals(kw, interval_s, hours):
    load = np.array([kw])
    second = np.repeat(load[0], 3_600)
    counts = np.ones(86_400, bool)
    if hours:
        (start, end), clock = hours[0], np.arange(86_400)
        inside = (clock >= start) & (clock < end)
        counts = inside if start < end else (clock >= start) | (clock < end)
    highest = max(
        second[at : at + interval_s].mean()
        for at in range(0, 86_400, interval_s)
        if counts[at : at + interval_s].any()
    )
    assert peaks_kw(load, Demand(1.0, hours=hours, interval_s=interval_s))[0] == pytest.approx(
        highest
    )


def test_a_kwh_costs_at_least_the_lowest_price_and_its_share_of_an_all_day_peak():
    assert least_kwh_price(problem_of()) == 10.0
    assert least_kwh_price(problem_of(demand=[Demand(48.0, "day")])) == pytest.approx(12.0)
    some = Demand(48.0, "day", hours=((64_800, 79_200),))
    assert least_kwh_price(problem_of(demand=[some])) == 10.0


@settings(max_examples=20)
@given(st.floats(0, 400))
def test_the_least_price_lies_below_what_a_steady_charge_costs(price):
    """Nothing is cheaper than the same power all day at the lowest price."""
    problem = problem_of(demand=[Demand(price, "day")])
    plan = fleet.plan(problem)
    kwh = plan.sessions["kwh"].sum()
    paid = plan.report.parts["energy"] + plan.report.parts["demand"]
    assert kwh * least_kwh_price(problem) <= paid + 1e-6


def test_a_trip_is_beyond_the_battery_with_its_way_out_and_home():
    assert trip_kwh(problem_of(100.0))[0] == pytest.approx(130.0)
    bus = {"battery_kwh": 100.0, "min_soc": 0.0, "max_soc": 1.0, "start_soc": 1.0, "kwh_km": 1.0}
    assert not beyond_battery(problem_of(92.0, vehicles=[bus]))[0]
    assert beyond_battery(problem_of(92.01, vehicles=[bus]))[0]
