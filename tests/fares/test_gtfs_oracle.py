"""Random fares and rides: the engine's tariff beside the oracle that reads the tables."""

from itertools import chain

import pandas as pd
from fare_feeds import BASE, both_ways, feed_of, settled, table, taps_of
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_gtfs_fares import Leg

from mobility.fares.gtfs import tariff_from_feed
from mobility.fares.settle import settle

NOON = 1_741_176_000  # 2025-03-05 12:00 UTC, a Wednesday
STOPS = ["P1", "P2", "S", "A", "B", "C", "D", "", "nowhere"]
PLACES = st.sampled_from([*STOPS[:7], *STOPS[:7], *STOPS])
ROUTES = st.sampled_from(["r1", "r2", "r3", "y1"] * 3 + ["", "r9"])


@st.composite
def rides(draw, most=6):
    """Rides of a card: mostly minutes apart, sometimes hours; some without a tap-off."""
    moment = NOON + draw(st.sampled_from([-7200, 0, 3600]))
    made = []
    for _ in range(draw(st.integers(1, most))):
        long = draw(st.sampled_from([0, 300, 600, 1800]))
        off = draw(st.booleans()) or draw(st.booleans())
        made.append(
            Leg(
                moment,
                moment + long if off else None,
                draw(ROUTES),
                draw(PLACES),
                draw(PLACES),
                draw(st.sampled_from(["", "", "", "adult", "child", "senior"])),
                draw(st.sampled_from(["", "", "", "cash", "card"])),
            )
        )
        moment += long + draw(st.sampled_from([1, 60, 60, 600, 600, 1200, 3600, 9000]))
    return made


def rows(draw, most, least=0, **columns):
    """Random rows: each column draws from its values; a column may be missing altogether."""
    kept = [name for name, values in columns.items() if values[0] != "?" or draw(st.booleans())]
    made = []
    for _ in range(draw(st.integers(least, most))):
        row = {}
        for name in kept:
            values = [one for one in columns[name] if one != "?"]
            row[name] = draw(st.sampled_from(values))
        if row not in made:
            made.append(row)
    return made


@st.composite
def fares_v2(draw):
    tables = {name: table(text) for name, text in BASE.items()}
    networks = ["", "n1", "n2"]
    if draw(st.booleans()):
        for row in tables["routes"]:
            row["network_id"] = draw(st.sampled_from(networks))
    tables["networks"] = [{"network_id": "n1"}, {"network_id": "n2"}]
    tables["route_networks"] = [
        {"route_id": row["route_id"], "network_id": draw(st.sampled_from(networks[1:]))}
        for row in tables["routes"]
        if draw(st.booleans())
    ]
    tables["areas"] = [{"area_id": f"a{at}"} for at in range(4)]
    areas = [f"a{at}" for at in range(4)]
    tables["stop_areas"] = rows(draw, 8, area_id=areas, stop_id=STOPS[:7])
    tables["timeframes"] = rows(
        draw, 4, timeframe_group_id=["t1", "t2"], start_time=["07:00:00"],
        end_time=["07:10:00", "08:00:00"], service_id=["week", "end"],
    )  # fmt: skip
    if draw(st.booleans()):
        for row in tables["stops"]:
            row["stop_timezone"] = draw(st.sampled_from(["", "America/Chicago", "Asia/Kolkata"]))
    tables["rider_categories"] = [
        {
            "rider_category_id": one,
            "rider_category_name": one,
            "is_default_fare_category": draw(st.sampled_from("01")),
        }
        for one in ("adult", "child", "senior")[: draw(st.integers(1, 3))]
    ]
    tables["fare_media"] = [
        {"fare_media_id": one, "fare_media_type": "0"} for one in ("cash", "card")
    ]
    tables["fare_products"] = rows(
        draw, 8, 1, fare_product_id=["p0", "p1", "p2"],
        rider_category_id=["?", "", "", "adult", "child"],
        fare_media_id=["?", "", "", "cash", "card"],
        amount=["1.00", "2.00", "2.50", "3.00", "0", "-0.50"], currency=["USD"],
    )  # fmt: skip
    if draw(st.integers(0, 3)):  # some product that is sold to everybody
        plain = {"fare_product_id": "p0", "amount": "2.00", "currency": "USD"}
        tables["fare_products"].append(dict.fromkeys(tables["fare_products"][0], "") | plain)
    products = ["p0", "p1", "p2"]
    groups = ["g1", "g2", "g3"]
    tables["fare_leg_rules"] = rows(
        draw, 6, 1, leg_group_id=["?", "", *groups], network_id=["?", *networks, ""],
        from_area_id=["?", "", "", *areas[:3]], to_area_id=["?", "", "", *areas[:3]],
        from_timeframe_group_id=["?", "", "t1", "t2"], to_timeframe_group_id=["?", "", "", "t1"],
        fare_product_id=products, rule_priority=["?", "", "0", "1", "2"],
    )  # fmt: skip
    if draw(st.integers(0, 3)):  # and some rule that many rides match
        blank = dict.fromkeys(tables["fare_leg_rules"][0], "")
        more = {"fare_product_id": "p0"}
        if "leg_group_id" in blank:
            more["leg_group_id"] = draw(st.sampled_from(groups))
        tables["fare_leg_rules"].append(blank | more)
    tables["fare_leg_join_rules"] = rows(
        draw, 2, from_network_id=networks, to_network_id=networks,
        from_stop_id=["?", "", "", *STOPS[:5]], to_stop_id=["?", "", "", *STOPS[:5]],
    )  # fmt: skip
    tables["fare_transfer_rules"] = rows(
        draw, 6, from_leg_group_id=["", *groups], to_leg_group_id=["", *groups],
        transfer_count=["?", "", "-1", "1", "2", "0"], duration_limit=["?", "", "600", "3600"],
        duration_limit_type=["", "0", "1", "2", "3"], fare_transfer_type=["0", "1", "2"],
        fare_product_id=["?", "", *products],
    )  # fmt: skip
    return {name: made for name, made in tables.items() if made}


@settings(max_examples=120)
@given(fares_v2(), rides())
def test_fares_v2_agree_with_the_oracle_kernel(tmp_path_factory, tables, card):
    path = tmp_path_factory.mktemp("v2") / "feed.zip"
    engine, oracle = both_ways(tables, card, path)
    assert engine == oracle


@st.composite
def fares_v1(draw):
    tables = {name: table(text) for name, text in BASE.items()}
    if draw(st.booleans()):
        tables["agency"] = tables["agency"][:1]
    for row in tables["stops"]:
        row["zone_id"] = draw(st.sampled_from(["", "z1", "z2", "z3"]))
    tables["fare_attributes"] = [
        {
            "fare_id": f"f{at}",
            "price": draw(st.sampled_from(["0", "1.00", "1.50", "2.00", "3.00", "4.50"])),
            "currency_type": "USD",
            "payment_method": "0",
            "transfers": draw(st.sampled_from(["", "", "0", "1", "2"])),
            "transfer_duration": draw(st.sampled_from(["", "", "600", "3600"])),
            "agency_id": draw(st.sampled_from(["", "", "X", "Y"])),
        }
        for at in range(draw(st.integers(1, 4)))
    ]
    zones = ["?", "", "", "z1", "z2", "z3"]
    tables["fare_rules"] = rows(
        draw, 10, fare_id=["f0", "f1", "f2"], route_id=["?", "", "", "r1", "r2", "y1"],
        origin_id=zones, destination_id=zones, contains_id=zones,
    )  # fmt: skip
    return {name: made for name, made in tables.items() if made}


@settings(max_examples=120)
@given(fares_v1(), rides())
def test_fares_v1_agree_with_the_oracle_kernel(tmp_path_factory, tables, card):
    path = tmp_path_factory.mktemp("v1") / "feed.zip"
    engine, oracle = both_ways(tables, card, path)
    assert engine == oracle


@settings(max_examples=40)
@given(fares_v1(), st.lists(rides(), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_taps_of_several_cards_in_any_order(tmp_path_factory, tables, cards, draw):
    tariff = tariff_from_feed(feed_of(tables, tmp_path_factory.mktemp("any") / "feed.zip"))
    apart = [settled(tariff, rides)[0] for rides in cards]
    taps = taps_of(cards)
    order = list(range(len(taps)))
    draw.shuffle(order)
    charged = settle(taps.iloc[order], tariff).charges["charged"].set_axis(order).sort_index()
    assert [None if pd.isna(one) else int(one) for one in charged] == list(chain(*apart))
