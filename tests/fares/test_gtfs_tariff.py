"""The tariff of a feed as a thing of its own: read, refused, printed, capped, settled."""

import random
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from defects import CLEAN, packed
from fare_feeds import (
    AREAS,
    NETWORKS,
    PRODUCTS,
    ROUTES,
    STOP_AREAS,
    at,
    feed_of,
    legs,
    settled,
    tables_of,
    transfers,
)

from mobility import fares
from mobility.errors import ConfigError
from mobility.fares.gtfs import tariff_from_feed
from mobility.feed.money import CURRENCIES, minor_units
from mobility.feed.read import read_feed

ODD = Path(__file__).parents[2] / "gtfs_samples" / "odd"
RICH = {
    "fare_products": PRODUCTS,
    "areas": AREAS,
    "stop_areas": STOP_AREAS,
    **transfers(
        "bus,rail,,3600,1,0,up|bus,bus,2,7200,1,0,|bus,bus,1,3600,0,0,|,boat,,,,1,off",
        fare_leg_rules="leg_group_id,network_id,from_area_id,to_area_id,fare_product_id|bus,bus,in,out,a|bus,bus,,out,b|rail,rail,in,,c|boat,,,,d|boat,,,,c",
    ),
}


def test_the_order_of_rows_changes_nothing(tmp_path):
    tables = tables_of(**RICH)
    first = tariff_from_feed(feed_of(tables, tmp_path / "feed.zip"))
    draw = random.Random(3)
    for _ in range(4):
        for rows in tables.values():
            draw.shuffle(rows)
        again = tariff_from_feed(feed_of(tables, tmp_path / "feed.zip"))
        assert again.fares == first.fares
        assert again.transfers == first.transfers
        assert again.timeframes == first.timeframes


def test_a_clean_feed_has_fares_of_both_models(tmp_path):
    path = tmp_path / "feed.zip"
    path.write_bytes(packed(CLEAN))
    feed = read_feed(path, cache=False)
    assert tariff_from_feed(feed).version == "v2"
    assert tariff_from_feed(feed, version="v1").version == "v1"


@pytest.mark.parametrize(
    ("texts", "asked", "said"),
    [
        ({}, {}, "this feed has no fares"),
        ({"fare_products": "fare_product_id,amount,currency|a,1,USD"}, {}, "has no fares"),
        ({"fare_attributes": "fare_id,price,currency_type|a,1,USD|b,1,EUR"}, {}, "EUR, USD"),
        ({"fare_attributes": "fare_id,price,currency_type|a,1,USD"}, {"currency": "EUR"}, "no price in EUR"),
        ({"fare_attributes": "fare_id,price,currency_type|a,1,USD"}, {"journey_gap_s": -1}, "journey_gap_s"),
        ({"fare_attributes": "fare_id,price,currency_type|a,1,USD"}, {"medium": "cash"}, "no medium 'cash'"),
        ({"fare_attributes": "fare_id,price,currency_type|a,1,USD"}, {"version": "v2"}, "fare_products.txt"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_a_way_to_mend_it(tmp_path, texts, asked, said):
    feed = feed_of(tables_of(**texts), tmp_path / "feed.zip")
    with pytest.raises(ConfigError, match=said) as told:
        tariff_from_feed(feed, **asked)
    assert told.value.mend


def test_findings_of_the_feed_come_along(tmp_path):
    tables = tables_of(**RICH)
    tables["fare_products"][0]["amount"] = "1.005"
    tariff = tariff_from_feed(feed_of(tables, tmp_path / "feed.zip"))
    assert "invalid_currency_amount" in {one.code for one in tariff.findings}
    assert "fare_products.txt:2:amount" in str(tariff)


def test_routes_without_a_fare_are_listed(tmp_path):
    tables = tables_of(
        fare_products=PRODUCTS,
        networks=NETWORKS,
        route_networks=ROUTES,
        fare_leg_rules="network_id,fare_product_id|bus,a",
    )
    unpriced = tariff_from_feed(feed_of(tables, tmp_path / "feed.zip")).tables["unpriced"]
    assert unpriced["route"].tolist() == ["r3", "y1"]
    assert unpriced["pairs"].tolist() == unpriced["of"].tolist() == [2, 2]


def day_cap(tariff, amount):
    return replace(tariff, caps=(fares.Cap("day", "service-day", amount=amount),))


@pytest.mark.parametrize("name", ["fares_v1", "fares_v2"])
def test_caps_hold_over_fares_of_a_feed(name):
    tariff = tariff_from_feed(read_feed(ODD / name, cache=False))
    start = at("2025-03-05 10:00", "America/Santiago")
    rides = [
        replace(leg, depart=start + 7200 * k, arrive=start + 7200 * k + 600)
        for k, leg in enumerate(legs(*[("1", "P", "S", 0, 10)] * 4))
    ]
    full, capped = settled(tariff, rides)[0], settled(day_cap(tariff, 1_700), rides)[0]
    price = full[0]
    assert full == [price] * 4
    assert price in {800, 900}
    assert capped == [min(price, 1_700 - min(price * k, 1_700)) for k in range(4)]


def test_a_cap_in_a_zone_of_the_feed():
    tariff = tariff_from_feed(read_feed(ODD / "fares_v1", cache=False))
    west = fares.Cap("west", "service-day", amount=1_000, zones=fares.Match(frozenset({"west"})))
    start = at("2025-03-05 10:00", "America/Santiago")
    ends = [("P", "Q"), ("R", "S"), ("P", "Q"), ("Q", "P")]
    rides = [
        replace(leg, depart=start + 7200 * k, arrive=start + 7200 * k + 600)
        for k, leg in enumerate(legs(*[("1", *end, 0, 10) for end in ends]))
    ]
    assert settled(replace(tariff, caps=(west,)), rides)[0] == [700, 700, 300, 0]


def test_tap_offs_and_voids_under_fares_v1():
    tariff = tariff_from_feed(read_feed(ODD / "fares_v1", cache=False))
    start = at("2025-03-05 10:00", "America/Santiago")
    rows = [  # minutes, kind, stop
        (0, "on", "P"), (10, "off", "Q"),  # 700
        (20, "on", "Q"), (30, "off", "R"),  # goes on, two zones: 200 more
        (35, "void", "R"),  # taken back, with its transfer
        (40, "on", "Q"), (50, "off", "R"),  # goes on with the first ride
        (60, "on", "R"), (70, "off", "S"),  # no second transfer: 700
        (80, "on", "S"),  # nobody knows whereto
    ]  # fmt: skip
    taps = pd.DataFrame(
        {
            "card": 1,
            "time": [start + 60 * minute for minute, _, _ in rows],
            "kind": [kind for _, kind, _ in rows],
            "route_id": "1",
            "stop_id": [stop for _, _, stop in rows],
        }
    )
    ledger = fares.settle(taps, tariff)
    charged = [None if pd.isna(one) else int(one) for one in ledger.charges["charged"]]
    assert charged == [700, 0, 200, 0, -200, 200, 0, 700, 0, None]
    shuffled = taps.sample(frac=1, random_state=2)
    again = fares.settle(shuffled, tariff).charges["charged"]
    assert (
        again.set_axis(shuffled.index).sort_index().tolist() == ledger.charges["charged"].tolist()
    )


def test_a_state_refuses_fares_v1():
    tariff = tariff_from_feed(read_feed(ODD / "fares_v1", cache=False))
    taps = pd.DataFrame({"card": [1], "time": [at("2025-03-05 10:00")]})
    with pytest.raises(ConfigError, match="look back"):
        fares.update(fares.State.new(tariff), taps)


def test_amounts_are_exact():
    assert minor_units("0.10", "USD") == 10
    assert minor_units("-0.5", "USD") == -50
    assert minor_units("1e2", "USD") is None
    assert minor_units("895.0", "CLP") == 895
    assert minor_units("0.1", "CLP") is None
    assert minor_units("1.234", "KWD") == 1234
    assert minor_units("99999999999", "USD") is None
    assert minor_units("", "USD") is None
    assert "CLP" in CURRENCIES
    assert "XXX" not in CURRENCIES


def test_many_savings_are_told_and_charges_stay(monkeypatch):
    tariff = tariff_from_feed(read_feed(ODD / "fares_v1", cache=False))
    start = at("2025-03-05 10:00", "America/Santiago")
    taps = pd.DataFrame(
        {
            "card": [1, 1, 2],
            "time": [start, start + 900, start],
            "route_id": "1",
            "stop_id": ["P", "Q", "P"],
            "to_stop_id": ["Q", "R", "S"],
        }
    )
    before = fares.settle(taps, tariff)
    monkeypatch.setattr("mobility.fares.tickets.MOST_TOKENS", 1)
    after = fares.settle(taps, tariff)
    assert (
        after.charges["charged"].tolist() == before.charges["charged"].tolist() == [700, 200, 900]
    )
    assert before.charges["nominal"].tolist() == [700, 900, 900]
    assert after.charges["nominal"].tolist() == [700, 200, 900]
    assert "nominal_is_what_a_ride_adds" in {one.code for one in after.findings}
    assert before.findings == ()
