"""Fares of real feeds: a few hundred rides of each, priced by the engine and by the oracle."""

import csv
import io
import random
import zipfile

import pytest
from fare_feeds import Leg, feed_of, settled
from naive_gtfs_fares import Told

from mobility.fares.gtfs import tariff_from_feed
from mobility.feed.read import read_feed

V1 = ["bart_new", "caltrain", "google_sample", "hart", "poa_eptc", "trimet2"]
FARES = {
    "agency", "stops", "routes", "areas", "stop_areas", "networks", "route_networks", "timeframes",
    "rider_categories", "fare_media", "fare_products", "fare_leg_rules", "fare_leg_join_rules",
    "fare_transfer_rules", "fare_attributes", "fare_rules", "trips", "stop_times", "calendar",
    "calendar_dates",
}  # fmt: skip


def tables_in(path):
    found = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            stem = name.removesuffix(".txt")
            if stem in FARES:
                text = io.TextIOWrapper(archive.open(name), encoding="utf-8-sig")
                found[stem] = list(csv.DictReader(text, skipinitialspace=True))
    return found


def rides_of(feed, seed=7, cards=60):
    """Cards of five rides on the feed's own trips, on a day of its calendar."""
    draw = random.Random(seed)
    events = feed.stop_events
    stops, routes = feed.raw["stops"].text("stop_id"), feed.raw["trips"].text("route_id")
    riders = (
        [*feed.raw["rider_categories"].text("rider_category_id"), ""]
        if "fare_products" in feed.raw
        else [""]
    )
    media = (
        [*feed.raw["fare_media"].text("fare_media_id"), ""] if "fare_media" in feed.raw else [""]
    )
    noon = 1_741_176_000
    made = []
    for _ in range(cards):
        moment = noon + draw.randrange(0, 86_400)
        rides = []
        rider, medium = draw.choice(riders), draw.choice(media)
        for _ in range(5):
            trip = draw.randrange(len(events.offsets) - 1)
            called = events.stop[events.offsets[trip] : events.offsets[trip + 1]]
            called = called[called >= 0]
            if len(called) < 2:  # a demand-responsive trip calls at no stop in particular
                called = draw.sample(range(len(stops)), 2)
            start, end = sorted(draw.sample(range(len(called)), 2))
            arrive = moment + draw.randrange(120, 3_000)
            off = draw.random() < 0.9
            rides.append(
                Leg(
                    moment,
                    arrive if off else None,
                    str(routes[trip]),
                    str(stops[called[start]]),
                    str(stops[called[end]]) if off else "",
                    str(rider),
                    str(medium),
                )
            )
            moment = arrive + draw.choice([30, 300, 900, 2_400, 9_000])
        made.append(rides)
    return made


@pytest.mark.parametrize("name", ["ctran_flex", *V1])
def test_rides_on_a_real_feed(shared_gtfs, name):
    path = shared_gtfs / f"{name}.zip"
    feed = read_feed(path)
    tariff = tariff_from_feed(feed)
    assert len(tariff.tables["legs"]) > 0
    assert tariff.currency in str(tariff)
    told = Told(tables_in(path), tariff.currency, medium=tariff.default_medium)
    cards = rides_of(feed)
    price = told.charges if tariff.version == "v2" else told.tickets
    wanted = [price(rides) for rides in cards]
    assert settled(tariff, *cards) == wanted
    known = sum(one is not None for charges in wanted for one in charges)
    assert known > 100


def test_fares_of_boston(shared_gtfs, tmp_path):
    """678 leg rules with areas, networks and transfers; the copy has no trips, so one is made."""
    tables = tables_in(shared_gtfs / "bad" / "mbta_no_trips.zip")
    service = tables["calendar"][0]["service_id"]
    tables["trips"] = [{"route_id": "Red", "service_id": service, "trip_id": "made"}]
    tables["stop_times"] = [
        {"trip_id": "made", "arrival_time": time, "departure_time": time, "stop_id": stop, "stop_sequence": at}
        for at, (time, stop) in enumerate([("08:00:00", "70061"), ("08:10:00", "70063")])
    ]  # fmt: skip
    tariff = tariff_from_feed(feed_of(tables, tmp_path / "feed.zip"))
    told = Told(tables, "USD", medium=tariff.default_medium)
    draw = random.Random(5)
    inside, routes = {}, {}
    for row in tables["stop_areas"]:
        inside.setdefault(row["area_id"], []).append(row["stop_id"])
    for row in tables["routes"]:
        routes.setdefault(row["network_id"], []).append(row["route_id"])
    stops = [row["stop_id"] for row in tables["stops"]]
    cards = []
    for _ in range(100):
        moment = 1_728_400_000 + draw.randrange(5 * 86_400)
        medium = draw.choice(["cash", "credit_debit", "charlieticket", "mticket", ""])
        rides = []
        for _ in range(3):
            rule = draw.choice(tables["fare_leg_rules"])
            route = draw.choice(routes[rule["network_id"]])
            start = draw.choice(inside.get(rule["from_area_id"]) or stops)
            end = draw.choice(inside.get(rule["to_area_id"]) or stops)
            arrive = moment + draw.randrange(100, 2_000)
            rides.append(Leg(moment, arrive, route, start, end, "", medium))
            moment = arrive + draw.choice([60, 600, 3_000])
        cards.append(rides)
    wanted = [told.charges(rides) for rides in cards]
    assert settled(tariff, *cards) == wanted
    assert sum(one is not None for charges in wanted for one in charges) > 150
    assert "fare_rule_of_an_extension" in {one.code for one in tariff.findings}
