"""Worked cases: published examples, and one case for each clause of a tariff file."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import naive_fares
import pandas as pd
import pytest

from mobility import fares

SANTIAGO = "America/Santiago"


def at(text, zone="UTC"):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def tariff(**more):
    return fares.read_tariff(
        {"currency": "USD", "timezone": "UTC", "fare": [{"amount": 10}], **more}
    )


def charged(rows, rules, **columns):
    table = pd.DataFrame(rows).assign(**columns)
    if "card" not in table:
        table["card"] = 1
    quick = fares.settle(table, rules, columns=("charged",)).charges["charged"].tolist()
    ledger = fares.settle(table, rules)
    assert fares.check(ledger, ledger.tariff, table) == []
    assert ledger.charges["charged"].tolist() == quick
    return quick


def rides(times, **columns):
    return [{"time": one if isinstance(one, int) else at(one), **columns} for one in times]


def every(hours, count, start="2025-03-03T08:00"):
    return rides([at(start) + k * hours * 3600 for k in range(count)])


def test_a_week_across_the_end_of_a_month_is_sequential():
    rules = fares.read_tariff(
        {
            "currency": "USD", "timezone": "UTC",
            "fare": [{"mode": name, "amount": amount} for name, amount in (("a", 8), ("b", 2), ("c", 4))],
            "cap": [
                {"id": "week", "period": "calendar-week", "amount": 10},
                {"id": "month", "period": "calendar-month", "amount": 15},
            ],
        }
    )  # fmt: skip
    days = ["2025-09-22", "2025-09-23", "2025-09-29", "2025-09-29T01:00", "2025-09-30", "2025-10-01", "2025-10-02",
            "2025-10-03"]  # fmt: skip
    rows = [{"time": at(day), "mode": mode} for day, mode in zip(days, "abaccccc", strict=True)]
    assert charged(rows, rules) == [8, 2, 5, 0, 0, 4, 1, 0]


@pytest.mark.parametrize(
    ("name", "fare", "twelfth"), [("omny-2023", 290, 210), ("omny-2026", 300, 200)]
)
def test_omny_the_twelfth_ride_in_seven_days(name, fare, twelfth):
    rows = every(10, 16, "2026-02-03T05:00")
    assert charged(rows, name, mode="subway") == [fare] * 11 + [twelfth] + [0] * 4
    # The window is seven local days from the first tap: the eighth day opens another.
    later = [*rows, *rides(["2026-02-10T04:59", "2026-02-10T05:01"])]
    assert charged(later, name, mode="subway")[-2:] == [0, fare]


def test_omny_reduced_fare_has_its_own_cap():
    rows = every(10, 14, "2026-02-03T06:00")
    found = charged(rows, "omny-2026", mode="subway", category="reduced")
    assert found == [150] * 11 + [100, 0, 0]


def test_omny_one_free_transfer_within_two_hours():
    rows = [
        {"time": at("2026-02-03T12:00"), "mode": "bus", "route_id": "m1"},
        {"time": at("2026-02-03T14:00"), "mode": "subway", "route_id": "a"},
        {"time": at("2026-02-03T14:00:01"), "mode": "bus", "route_id": "m2"},
        {"time": at("2026-02-03T14:10"), "mode": "bus", "route_id": "m2"},
    ]
    assert charged(rows, "omny-2026") == [300, 0, 300, 300]


@pytest.mark.parametrize(
    ("name", "fare", "full", "crossing"),
    [("santiago-2025", 870, 47, 110), ("santiago-2026", 895, 46, 830)],
)
def test_santiago_about_47_peak_trips_reach_the_cap(name, fare, full, crossing):
    start, level = (
        ("2025-03-03T07:30", 41_000) if name == "santiago-2025" else ("2026-04-06T07:30", 42_000)
    )
    first = at(start, SANTIAGO)
    times = [first + day * 86_400 + half * 39_600 for day in range(26) for half in (0, 1)]
    peak = [one for one in times if datetime.fromtimestamp(one, ZoneInfo(SANTIAGO)).weekday() < 5]
    rows = rides(
        [one + k for k, one in enumerate(peak * 2)], mode="metro", medium="qr", route_id="L1"
    )
    rows = sorted(rows, key=lambda row: row["time"])[: full + 4]
    found = charged(rows, name, card=5)
    count = level // fare
    assert found[:count] == [fare] * count
    assert found[count] == level - count * fare
    assert set(found[count + 1 :]) <= {0}
    if name == "santiago-2025":
        assert (count, found[count]) == (full, crossing)


def test_santiago_895_and_a_cap_of_42000_give_46_rides_and_a_part():
    assert (42_000 // 895, 42_000 - 46 * 895) == (46, 830)


def test_santiago_a_dearer_leg_pays_the_difference_twice_at_most_and_never_on_one_route():
    def leg(minute, mode, route):
        return {
            "time": at("2025-03-03T07:00", SANTIAGO) + minute * 60,
            "mode": mode,
            "route_id": route,
        }

    rows = [
        leg(0, "bus", "506"),
        leg(20, "metro", "L1"),
        leg(120, "bus", "210"),
        leg(119, "bus", "101"),
    ]
    assert charged(rows, "santiago-2025") == [
        770,
        100,
        770,
        0,
    ]  # the fourth leg is the third by time
    rows = [
        leg(0, "bus", "506"),
        leg(20, "bus", "506"),
        leg(121, "metro", "L5"),
        leg(122, "bus", "1"),
    ]
    assert charged(rows, "santiago-2025") == [770, 770, 20, 0]  # 09:01 is no peak
    rows = [leg(0, "bus", "506"), leg(121, "metro", "L5")]
    assert charged(rows, "santiago-2025") == [770, 790]


def test_santiago_fares_follow_the_hour_the_holiday_and_the_date():
    def metro(text):
        return rides([at(text, SANTIAGO)], mode="metro")

    for text, fare in [
        ("2025-03-03T06:59:59", 710), ("2025-03-03T07:00:00", 870), ("2025-03-03T08:59:59", 870),
        ("2025-03-03T09:00:00", 790), ("2025-03-03T20:45", 710), ("2025-03-01T07:30", 790),
        ("2025-09-18T07:30", 790),
    ]:  # fmt: skip
        assert charged(metro(text), "santiago-2025") == [fare], text
    for text, fare in [
        ("2026-02-20T07:30", 870),
        ("2026-02-23T07:30", 895),
        ("2026-02-23T06:30", 735),
    ]:
        assert charged(metro(text), "santiago-2026") == [fare], text


def test_london_zones_caps_and_the_night():
    def tube(text, zone, to, card=1):
        begin = at(text, "Europe/London")
        return [
            {"card": card, "time": begin, "mode": "tube", "zone": zone, "kind": "on"},
            {"card": card, "time": begin + 1200, "mode": "tube", "zone": to, "kind": "off"},
        ]

    day = [
        leg
        for hour in ("07:00", "10:00", "12:00", "14:00")
        for leg in tube(f"2025-03-04T{hour}", "1", "2")
    ]
    assert charged(day, "london-2025")[::2] == [350, 290, 250, 0]  # 8.90 in zones 1-2
    far = [
        *day,
        *tube("2025-03-04T20:00", "1", "4"),
        *tube("2025-03-05T04:29", "1", "2"),
        *tube("2025-03-05T04:30", "1", "2"),
    ]
    assert charged(far, "london-2025")[::2] == [350, 290, 250, 0, 340, 0, 290]
    missing = [one for one in tube("2025-03-04T10:00", "1", "2") if one["kind"] == "on"]
    assert charged(missing, "london-2025") == [340]  # the most it could cost
    buses = [
        {
            "card": 1,
            "time": at(f"2025-03-04T{hour}:00", "Europe/London"),
            "mode": "bus",
            "zone": "bus",
        }
        for hour in range(10, 16)
    ]
    assert charged(buses, "london-2025") == [175, 0, 175, 0, 175, 0]  # Hopper: an hour, inclusive


def test_opal_eight_journeys_then_half_and_a_discount_after_tapping_off():
    def ride(hours, mode, zone, minutes=20):
        begin = at("2025-05-05T10:00", "Australia/Sydney") + round(hours * 3600)
        return [
            {"card": 1, "time": begin, "mode": mode, "zone": zone, "kind": "on"},
            {"card": 1, "time": begin + minutes * 60, "mode": mode, "zone": zone, "kind": "off"},
        ]

    week = [
        leg for day in range(3) for k in range(3) for leg in ride(24 * day + 3 * k, "bus", "3-8")
    ]
    assert charged(week, "opal-2019")[::2] == [373] * 8 + [187]  # half up
    transfer = [*ride(0, "bus", "3-8"), *ride(1.3, "train", "0-10"), *ride(3, "train", "0-10")]
    assert charged(transfer, "opal-2019")[::2] == [373, 52, 252]
    ninth = [*week, *ride(55.2, "train", "0-10")]
    assert charged(ninth, "opal-2019")[-2] == 81  # 3.61 in the peak, less 2.00, halved


def test_dayton_three_a_day_and_thirty_in_thirty_one_days():
    rows = [
        {"time": at("2025-03-03T08:00", "America/New_York") + day * 86_400 + k * 3600}
        for day in range(12)
        for k in range(3)
    ]
    found = charged(rows, "dayton-2022")
    assert found[:6] == [200, 100, 0, 200, 100, 0]
    assert sum(found) == 3000
    again = rides([at("2025-04-03T08:00", "America/New_York")])
    assert charged([*rows, *again], "dayton-2022")[-1] == 200


@pytest.mark.parametrize(
    ("cap", "expected"),
    [
        ({"period": "service-day", "amount": 25}, [10, 10, 5, 0, 10, 10]),
        ({"period": "service-day", "amount": 25, "crossing": "full"}, [10, 10, 10, 0, 10, 10]),
        ({"period": "service-day", "amount": 25, "after": 50}, [10, 10, 8, 5, 10, 10]),
        ({"period": "service-day", "rides": 2}, [10, 10, 0, 0, 10, 10]),
        ({"period": "service-day", "rides": 2, "after": 33}, [10, 10, 3, 3, 10, 10]),
        ({"period": "service-day", "amount": 25, "accrues": "nominal"}, [10, 10, 5, 0, 10, 10]),
        ({"period": "rolling", "days": 1, "amount": 25}, [10, 10, 5, 0, 10, 10]),
        ({"period": "rolling", "days": 1, "clock": "hours", "amount": 25}, [10, 10, 5, 0, 0, 10]),
        ({"period": "sliding", "days": 2, "amount": 25}, [10, 10, 5, 0, 0, 0]),
        ({"period": "service-day", "amount": 25, "modes": ["tram"]}, [10] * 6),
    ],
)
def test_each_key_of_a_cap(cap, expected):
    times = [f"2025-03-03T{hour:02d}:00" for hour in (8, 9, 10, 11)] + [
        "2025-03-04T07:59",
        "2025-03-04T08:00",
    ]
    assert charged(rides(times), tariff(cap=[{"id": "c", **cap}]), mode="bus") == expected


def test_paid_only_rides_and_the_first_paid_tap():
    rules = tariff(
        fare=[{"mode": "free", "amount": 0}, {"amount": 10}],
        cap=[{"id": "c", "period": "service-day", "rides": 1, "paid-only": True}],
    )
    times = [f"2025-03-03T{hour:02d}:00" for hour in (8, 9, 10)]
    rows = [
        {**one, "mode": mode}
        for one, mode in zip(rides(times), ("free", "bus", "bus"), strict=True)
    ]
    assert charged(rows, rules) == [0, 10, 0]
    rolling = [{"id": "c", "period": "rolling", "days": 1, "clock": "hours", "amount": 10}]
    rows = [
        {"time": at("2025-03-03T08:00") + hours * 3600, "mode": mode}
        for hours, mode in ((0, "free"), (1, "bus"), (24, "bus"), (25, "bus"))
    ]
    assert charged(rows, tariff(fare=rules_fares(), cap=rolling)) == [0, 10, 0, 10]
    first = [{**rolling[0], "from": "first-tap"}]
    assert charged(rows, tariff(fare=rules_fares(), cap=first)) == [0, 10, 10, 0]


def rules_fares():
    return [{"mode": "free", "amount": 0}, {"amount": 10}]


def test_levels_change_at_once_or_at_the_end_of_the_period():
    def rules(how):
        level = {"id": "month", "period": "calendar-month", "on_change": how}
        return tariff(
            cap=[
                {**level, "amount": 15, "valid_to": "2025-03-15"},
                {**level, "amount": 30, "valid_from": "2025-03-16"},
            ]
        )

    days = ["2025-03-03", "2025-03-04", "2025-03-17", "2025-03-18", "2025-04-01", "2025-04-02"]
    assert charged(rides(days), rules("new-level")) == [10, 5, 10, 5, 10, 10]
    assert charged(rides(days), rules("old-until-period-end")) == [10, 5, 0, 0, 10, 10]


def test_min_remaining_and_best_single_differ():
    caps = [
        {"id": "day", "period": "service-day", "amount": 15},
        {"id": "week", "period": "calendar-week", "amount": 32},
    ]
    times = [f"2025-03-0{day}T{hour:02d}:00" for day in (3, 4) for hour in (8, 9, 10)]
    assert charged(rides(times), tariff(cap=caps)) == [10, 5, 0, 10, 5, 0]
    # Alone, the week's cap has counted 30 before the fourth tap.
    assert charged(rides(times), tariff(cap=caps, combine="best-single")) == [10, 5, 0, 2, 0, 0]


def test_a_day_of_23_hours_and_one_of_25_start_at_local_midnight():
    rules = tariff(
        timezone="Europe/London", cap=[{"id": "d", "period": "service-day", "amount": 10}]
    )
    for before, after in (("2025-03-30", "2025-03-31"), ("2025-10-26", "2025-10-27")):
        first, second = (at(f"{day}T00:00", "Europe/London") for day in (before, after))
        assert second - first == (23 if before.startswith("2025-03") else 25) * 3600
        rows = rides([first - 1, first, second - 1, second])
        assert charged(rows, rules) == [10, 10, 0, 10]


def test_a_window_counts_true_seconds_across_a_change_of_clocks():
    rules = tariff(timezone="Europe/London", transfer=[{"window": "60min", "price": "free"}])
    first = at("2025-03-30T00:30", "Europe/London")
    assert charged(rides([first, first + 3600, first + 3601]), rules) == [10, 0, 10]


def test_the_service_day_starts_when_the_tariff_says():
    rules = tariff(
        service_day_start="04:30", cap=[{"id": "d", "period": "service-day", "amount": 10}]
    )
    assert charged(
        rides(["2025-03-04T04:29:59", "2025-03-04T04:30", "2025-03-05T04:29"]), rules
    ) == [10, 10, 0]


def test_transfer_keys_window_from_price():
    times = ["2025-03-03T08:00", "2025-03-03T08:50", "2025-03-03T09:40", "2025-03-03T10:30"]
    first = [{"window": "60min", "from": "first-tap", "price": "free"}]
    last = [{"window": "60min", "from": "last-tap", "price": "free"}]
    assert charged(rides(times), tariff(transfer=first)) == [10, 0, 10, 0]
    assert charged(rides(times), tariff(transfer=last)) == [10, 0, 0, 0]
    assert charged(rides(times), tariff(transfer=[{**last[0], "max_transfers": 1}])) == [
        10,
        0,
        10,
        0,
    ]
    off = [{"window": "10min", "from": "last-tap-off", "price": "discount", "amount": 4}]
    rows = [{**one, "to_time": one["time"] + 2400} for one in rides(times)]
    assert charged(rows, tariff(transfer=off)) == [10, 6, 6, 6]
    assert charged(rides(times), tariff(transfer=off)) == [10] * 4  # no tap-off, no transfer


def test_riders_pay_alike_and_one_of_them_has_transfers_and_caps():
    rules = tariff(
        transfer=[{"window": "60min", "price": "free"}],
        cap=[{"id": "d", "period": "service-day", "amount": 15}],
    )
    rows = rides(["2025-03-03T08:00", "2025-03-03T08:30", "2025-03-03T12:00", "2025-03-03T15:00"])
    assert charged(rows, rules, riders=[3, 2, 1, 2]) == [30, 10, 5, 10]


def test_a_void_gives_the_charge_and_the_accrual_back():
    rules = tariff(cap=[{"id": "d", "period": "service-day", "amount": 15}])
    rows = rides([f"2025-03-03T{hour:02d}:00" for hour in range(8, 14)])
    kinds = ["on", "on", "void", "on", "on", "void"]
    assert charged(rows, rules, kind=kinds) == [10, 5, -5, 5, 0, 0]
    nested = ["on", "on", "void", "void", "on", "void"]
    assert charged(rows, rules, kind=nested) == [10, 5, -5, -10, 10, -10]


def test_an_unknown_fare_is_not_zero_and_takes_no_part():
    rules = tariff(
        fare=[{"mode": "bus", "amount": 10}], transfer=[{"window": "60min", "price": "free"}]
    )
    rows = rides(["2025-03-03T08:00", "2025-03-03T08:10", "2025-03-03T08:20"])
    ledger = fares.settle(pd.DataFrame(rows).assign(card=1, mode=["bus", "ferry", "bus"]), rules)
    assert ledger.charges["charged"].isna().tolist() == [False, True, False]
    assert ledger.charges["charged"].sum() == 10
    assert ledger.totals["unknown_fares"] == 1
    assert [one.code for one in ledger.findings] == ["unknown_fare"]


def test_a_fare_that_needs_a_tap_off_is_unknown_without_one():
    rules = tariff(
        fare=[{"mode": "bus", "amount": 3}, {"to_stop_id": "b", "amount": 20}, {"amount": 10}]
    )
    rows = rides(["2025-03-03T08:00", "2025-03-03T12:00", "2025-03-03T16:00", "2025-03-03T20:00"])
    table = pd.DataFrame(rows).assign(
        card=1, mode=["bus", "rail", "rail", "rail"], to_stop_id=[None, "b", "c", None]
    )
    ledger = fares.settle(table, rules)
    assert ledger.charges["charged"].tolist()[:3] == [3, 20, 10]
    assert ledger.charges["charged"].isna().tolist() == [False, False, False, True]
    assert "no_tap_off" in fares.flag_names(int(ledger.charges["flags"].iloc[3]))
    dearest = tariff(
        fare=[{"to_stop_id": "b", "amount": 20}, {"amount": 10}], missing_tap_off="maximum"
    )
    assert fares.settle(table, dearest).charges["charged"].tolist() == [20, 20, 10, 20]


def test_month_only_caps_have_a_closed_form():
    rules = tariff(cap=[{"id": "m", "period": "calendar-month", "amount": 135}])
    table = fares.synthetic_taps(40, seed=3).drop(columns=["medium"])
    ledger = fares.settle(table, rules)
    sums = {}
    for card, time in zip(table["card"], table["time"], strict=True):
        sums.setdefault((card, naive_fares.first_of_month(time, "UTC")), []).append(10)
    assert ledger.total() == naive_fares.month_only(sums.values(), 135)


def test_every_shipped_tariff_says_where_it_is_from():
    from mobility.fares.tariff_file import _shipped

    assert {"santiago", "santiago-2025", "santiago-2026", "omny-2023", "omny-2026", "london-2025", "opal-2019",
            "dayton-2022", "changsha", "incheon"} <= set(fares.available_tariffs())  # fmt: skip
    for name, path in _shipped().items():
        told = "\n".join(line for line in path.read_text("utf-8").splitlines() if "#" in line)
        assert any(str(year) in told for year in range(2015, 2027)), name
        assert fares.read_tariff(name).findings == ()


def test_order_of_rows_and_number_of_threads_change_nothing():
    table = fares.synthetic_taps(3_000, seed=4)
    assert len(table) > 100_000
    whole = fares.settle(table, "santiago-2025", threads=1)
    again = fares.settle(table, "santiago-2025", threads=3)
    assert whole.charges.equals(again.charges)
    mixed = table.sample(frac=1, random_state=0)
    other = fares.settle(mixed, "santiago-2025").charges.set_index(mixed.index).sort_index()
    assert other["charged"].equals(whole.charges["charged"])
    assert datetime.fromtimestamp(int(table["time"].iloc[0]), UTC).year == 2025
