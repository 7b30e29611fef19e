"""Tiny feeds with fares, written from tables of text; settled and priced by the oracle."""

import csv
import io
from datetime import datetime
from zoneinfo import ZoneInfo

import pandas as pd
from defects import packed
from naive_gtfs_fares import Leg, Told

from mobility.fares.check import check
from mobility.fares.gtfs import tariff_from_feed
from mobility.fares.settle import settle
from mobility.feed.read import read_feed

ZONE = "America/New_York"

# Stops: station S with platforms P1, P2; A, B, C, D alone. Routes r1, r2, r3 of agency X, y1 of Y.
BASE = {
    "agency": """\
agency_id,agency_name,agency_url,agency_timezone
X,Ex,https://x.example,America/New_York
Y,Why,https://y.example,America/New_York
""",
    "stops": """\
stop_id,stop_name,stop_lat,stop_lon,zone_id,location_type,parent_station,stop_timezone
S,Station,40.70,-74.00,,1,,
P1,Platform 1,40.70,-74.00,z1,0,S,
P2,Platform 2,40.70,-74.01,z1,0,S,
A,A,40.71,-74.02,z1,0,,
B,B,40.72,-74.03,z2,0,,
C,C,40.73,-74.04,z3,0,,
D,D,40.74,-74.05,,0,,
""",
    "routes": """\
route_id,agency_id,route_short_name,route_type
r1,X,1,3
r2,X,2,3
r3,X,3,1
y1,Y,Y,3
""",
    "trips": """\
route_id,service_id,trip_id
r1,week,t1
r2,week,t2
r3,week,t3
y1,week,t4
""",
    "stop_times": """\
trip_id,arrival_time,departure_time,stop_id,stop_sequence
t1,08:00:00,08:00:00,A,1
t1,08:10:00,08:10:00,B,2
t1,08:20:00,08:20:00,C,3
t2,08:00:00,08:00:00,P1,1
t2,08:10:00,08:10:00,A,2
t2,08:20:00,08:20:00,B,3
t2,08:30:00,08:30:00,D,4
t3,08:00:00,08:00:00,C,1
t3,08:10:00,08:10:00,P2,2
t4,08:00:00,08:00:00,A,1
t4,08:10:00,08:10:00,D,2
""",
    "calendar": """\
service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date
week,1,1,1,1,1,0,0,20250101,20251231
end,0,0,0,0,0,1,1,20250101,20251231
""",
}

# One product a letter: a 1.00, b 2.00, c 3.00, d 4.00, off -0.50, up 0.25.
PRODUCTS = """\
fare_product_id,amount,currency
a,1.00,USD
b,2.00,USD
c,3.00,USD
d,4.00,USD
off,-0.50,USD
big,-5.00,USD
up,0.25,USD
"""
NETWORKS = "network_id|bus|rail|ferry"
ROUTES = "network_id,route_id|bus,r1|bus,r2|rail,r3"
AREAS = "area_id|in|out|far|none"
STOP_AREAS = "area_id,stop_id|in,A|out,B|far,C|in,S"


# Leg groups: bus (r1, r2) of 2.00, rail (r3) of 3.00, boat (y1) of 4.00.
def transfers(rows, **more):
    columns = (
        "from_leg_group_id,to_leg_group_id,transfer_count,duration_limit,duration_limit_type,"
        "fare_transfer_type,fare_product_id"
    )
    return {
        "fare_leg_rules": "leg_group_id,network_id,fare_product_id|bus,bus,b|rail,rail,c|boat,ferry,d",
        "networks": NETWORKS,
        "route_networks": f"{ROUTES}|ferry,y1",
        "fare_transfer_rules": f"{columns}|{rows}",
        **more,
    }


def table(text):
    """CSV text, its lines separated by ``|`` or by line ends, as rows."""
    return list(csv.DictReader(io.StringIO("\n".join(text.strip().replace("|", "\n").split("\n")))))


def tables_of(**texts):
    return {name: table(text) for name, text in {**BASE, **texts}.items()}


def feed_of(tables, path):
    """Write rows as a feed and read it."""
    files = {}
    for name, rows in tables.items():
        out = io.StringIO()
        writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else ["none"])
        writer.writeheader()
        writer.writerows(rows)
        files[f"{name}.txt"] = out.getvalue().encode()
    path.write_bytes(packed(files))
    return read_feed(path, cache=False)


def at(text, zone=ZONE):
    """``2025-03-05 08:00`` (a Wednesday) as epoch seconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def legs(*given):
    """``(route, from, to, depart, arrive, category, medium)``, minutes after 8:00 on a Wednesday."""
    start = at("2025-03-05 08:00")
    made = []
    for route, start_stop, end_stop, depart, arrive, *rider in given:
        off = None if arrive is None else start + 60 * arrive
        made.append(Leg(start + 60 * depart, off, route, start_stop, end_stop, *rider))
    return made


def both_ways(tables, rides, path, **asked):
    """What rides add, by the tariff that the feed gives and by the oracle."""
    feed = feed_of(tables, path)
    tariff = tariff_from_feed(feed, **asked)
    told = Told(
        tables,
        currency=tariff.currency,
        gap=asked.get("journey_gap_s", 3600),
        medium=tariff.default_medium if tariff.version == "v2" else "",
        category=asked.get("category", ""),
    )
    oracle = told.charges(rides) if tariff.version == "v2" else told.tickets(rides)
    return settled(tariff, rides)[0], oracle


def taps_of(cards):
    """Cards of rides as a table of taps, card after card."""
    rows = [(card, ride) for card, rides in enumerate(cards) for ride in rides]
    return pd.DataFrame(
        {
            "card": [card for card, _ in rows],
            "time": [one.depart for _, one in rows],
            "to_time": pd.array([one.arrive for _, one in rows], "Int64"),
            "route_id": [one.route or None for _, one in rows],
            "stop_id": [one.start or None for _, one in rows],
            "to_stop_id": [one.end or None for _, one in rows],
            "category": [one.category or None for _, one in rows],
            "medium": [one.medium or None for _, one in rows],
        }
    )


def settled(tariff, *cards):
    """What rides are charged by ``fares.settle``, card after card; None: of unknown fare."""
    taps = taps_of(cards)
    ledger = settle(taps, tariff)
    assert check(ledger, tariff, taps) == []
    charges = ledger.charges
    found = iter(None if pd.isna(one) else int(one) for one in charges["charged"])
    return [[next(found) for _ in rides] for rides in cards]
