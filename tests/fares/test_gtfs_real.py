"""Fares of real feeds: a few hundred rides of each, priced by the engine and by the oracle."""

import csv
import io
import random
import zipfile

import pytest
from fare_feeds import Leg, settled
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
