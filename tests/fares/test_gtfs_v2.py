"""Fares v2 as a truth table: every clause of the reference is a row, priced twice.

By the oracle, straight from the tables, and by the engine, through the tariff read from the feed.
"""

from dataclasses import dataclass, field

import pytest
from fare_feeds import (
    AREAS,
    NETWORKS,
    PRODUCTS,
    ROUTES,
    STOP_AREAS,
    at,
    both_ways,
    legs,
    tables_of,
    transfers,
)
from naive_gtfs_fares import Leg

ONE = ("r1", "A", "B", 0, 10)


@dataclass
class Clause:
    """Tables, rides, and what each ride adds, in cents; None is unknown."""

    name: str
    charges: list
    rides: list = field(default_factory=lambda: [ONE])
    asked: dict = field(default_factory=dict)
    tables: dict = field(default_factory=dict)

    def __str__(self):
        return self.name


def clause(name, charges, rides=(ONE,), asked=None, **tables):
    given = {"fare_products": PRODUCTS, **tables}
    made = [one if isinstance(one, Leg) else legs(one)[0] for one in rides]
    return Clause(name, charges, made, asked or {}, given)


def by_network(rows, **more):
    return {
        "fare_leg_rules": f"network_id,fare_product_id|{rows}",
        "networks": NETWORKS,
        "route_networks": ROUTES,
        **more,
    }


def by_area(rows, columns="from_area_id,to_area_id,fare_product_id", **more):
    return {
        "fare_leg_rules": f"{columns}|{rows}",
        "areas": AREAS,
        "stop_areas": STOP_AREAS,
        **more,
    }


def ride(route, start="A", end="B"):
    return (route, start, end, 0, 10)


RIDERS = """\
rider_category_id,rider_category_name,is_default_fare_category
adult,Adult,1
child,Child,0
"""
MEDIA = "fare_media_id,fare_media_type|cash,0|card,2"
SOLD = """\
fare_product_id,rider_category_id,fare_media_id,amount,currency
a,adult,cash,3.00,USD
a,adult,card,2.50,USD
a,child,cash,1.50,USD
a,child,card,1.25,USD
"""
RIDDEN = {"rider_categories": RIDERS, "fare_media": MEDIA, "fare_leg_rules": "fare_product_id|a"}

PRODUCT_CLAUSES = [
    clause("an amount in minor units", [100], fare_leg_rules="fare_product_id|a"),
    clause(
        "an amount of a currency without decimals",
        [895],
        fare_products="fare_product_id,amount,currency|p,895,CLP",
        fare_leg_rules="fare_product_id|p",
    ),
    clause("a free product is zero, and known", [0], fare_products="fare_product_id,amount,currency|p,0,USD", fare_leg_rules="fare_product_id|p"),
    clause("half a cent is no price: unknown", [None], fare_products="fare_product_id,amount,currency|p,1.005,USD", fare_leg_rules="fare_product_id|p"),
    *(
        clause(
            f"price of a {category or 'rider who says nothing'} by {medium or 'a medium not said'}",
            [cents],
            [(*ONE, category, medium)],
            fare_products=SOLD,
            **RIDDEN,
        )
        for category, medium, cents in (
            ("adult", "cash", 300),
            ("adult", "card", 250),
            ("child", "cash", 150),
            ("child", "card", 125),
            ("", "card", 250),
            ("senior", "card", None),
            ("adult", "", None),
            ("adult", "app", None),
        )
    ),
    clause("the medium of taps that name none can be said", [300], asked={"medium": "cash"}, fare_products=SOLD, **RIDDEN),
    clause("the category of taps that name none can be said", [125], asked={"medium": "card", "category": "child"}, fare_products=SOLD, **RIDDEN),
    clause(
        "where no price depends on the medium, the usual one",
        [250],
        fare_products="fare_product_id,fare_media_id,amount,currency|a,cash,2.50,USD|a,card,2.50,USD",
        **RIDDEN,
    ),
    clause(
        "no rider category: any",
        [200],
        [(*ONE, "child", "card")],
        fare_products="fare_product_id,rider_category_id,amount,currency|a,,2.00,USD",
        **RIDDEN,
    ),
    clause(
        "of prices for any rider and for this one, the lower",
        [150],
        [(*ONE, "child", "")],
        fare_products="fare_product_id,rider_category_id,amount,currency|a,,2.00,USD|a,child,1.50,USD",
        **RIDDEN,
    ),
    clause(
        "two defaults of one product: not sold to riders who say nothing",
        [None],
        fare_products="fare_product_id,rider_category_id,amount,currency|a,adult,2.00,USD|a,child,1.50,USD",
        fare_leg_rules="fare_product_id|a",
        rider_categories=RIDERS.replace("Child,0", "Child,1"),
    ),
    clause(
        "two defaults, each of its own product",
        [200],
        fare_products="fare_product_id,rider_category_id,amount,currency|a,adult,2.00,USD|b,child,2.50,USD",
        fare_leg_rules="fare_product_id|a|b",
        rider_categories=RIDERS.replace("Child,0", "Child,1"),
    ),
    clause(
        "a lone category needs no default",
        [200],
        fare_products="fare_product_id,rider_category_id,amount,currency|a,adult,2.00,USD",
        fare_leg_rules="fare_product_id|a",
        rider_categories="rider_category_id,rider_category_name,is_default_fare_category|adult,Adult,0",
    ),
    clause(
        "prices in another currency are left out",
        [200],
        asked={"currency": "USD"},
        fare_products="fare_product_id,amount,currency|a,1.00,EUR|b,2.00,USD",
        fare_leg_rules="fare_product_id|a|b",
    ),
    clause("of several products, the cheapest", [200], fare_leg_rules="fare_product_id|c|b|d"),
    clause("a journey that begins with an amount below zero costs nothing", [0], fare_leg_rules="fare_product_id|off"),
]  # fmt: skip

LEG_CLAUSES = [
    clause("no rule at all matches: unknown, not zero", [None], [ride("y1")], **by_network("bus,a")),
    clause("network of route_networks", [100], [ride("r2")], **by_network("bus,a|rail,b")),
    clause("network of routes.txt", [200], [ride("r3")], routes="route_id,agency_id,route_type,network_id|r1,X,3,bus|r2,X,3,bus|r3,X,1,rail|y1,Y,3,", fare_leg_rules="network_id,fare_product_id|bus,a|rail,b"),
    clause("routes.txt wins over route_networks", [200], [ride("r1")], routes="route_id,agency_id,route_type,network_id|r1,X,3,rail|r2,X,3,|r3,X,1,|y1,Y,3,", **by_network("bus,a|rail,b")),
    clause("empty network: every one not listed", [100, 300, 300], [ride("r1"), ride("r3"), ride("y1")], **by_network("bus,a|,c")),
    clause("empty network where none is listed: every one", [300], [ride("y1")], **by_network(",c")),
    clause("area of a stop", [100], **by_area("in,out,a|out,in,b")),
    clause("areas are directional", [200], [ride("r1", "B", "A")], **by_area("in,out,a|out,in,b")),
    clause("area of a platform by its station", [100], [ride("r2", "P1", "B")], **by_area("in,out,a")),
    clause("a platform of its own area leaves its station's", [400], [ride("r2", "P1", "B")], **by_area("in,out,a|far,out,d") | {"stop_areas": STOP_AREAS + "|far,P1"}),
    clause("a station by itself", [100], [ride("r2", "S", "B")], **by_area("in,out,a")),
    clause("a stop in two areas matches both", [100], **by_area("far,out,b|in,out,a") | {"stop_areas": STOP_AREAS + "|far,A"}),
    clause("empty area: every one not listed", [300], [ride("r1", "C", "B")], **by_area("in,out,a|,out,c")),
    clause("empty area is not the listed one", [None], **by_area("in,far,a|,out,c")),
    clause("a stop in no area is in none of the listed", [300], [ride("r1", "D", "B")], **by_area("in,out,a|,out,c")),
    clause("a listed area elsewhere in the column counts too", [None], [ride("r1", "C", "B")], **by_area("in,out,a|far,in,b|,out,c")),
    clause("the columns are apart: listed as origin is not listed as destination", [300], [ride("r1", "B", "A")], **by_area("in,out,a|,,c")),
    clause("exact rules before empty ones: a stop in a listed and another area", [400], **by_area("in,out,d|,out,a") | {"stop_areas": STOP_AREAS + "|none,A"}),
    clause("no exact rule: the empty one through the other area", [100], [ride("r1", "A", "C")], **by_area("in,out,d|,far,a") | {"stop_areas": STOP_AREAS + "|none,A"}),
    clause("an unknown end under rules that name ends: unknown", [None], [ride("r1", "A", "")], **by_area("in,out,a|in,,b")),
    clause("an unknown end that no rule asks for", [100], [ride("r1", "A", "")], **by_area("in,a", "from_area_id,fare_product_id")),
    clause("an unknown route under rules that name networks", [None], [ride("", "A", "B")], **by_network("bus,a|,b")),
    clause("with priority, empty does not matter", [300], **by_area("in,out,c,1|,,a,", "from_area_id,to_area_id,fare_product_id,rule_priority")),
    clause("the highest priority wins, not the cheapest", [400], **by_area("in,out,d,2|in,out,a,1|,,b,", "from_area_id,to_area_id,fare_product_id,rule_priority")),
    clause("empty priority is zero", [200], **by_area("in,out,c,|,,b,0", "from_area_id,to_area_id,fare_product_id,rule_priority")),
    clause("a set of rules of the top priority: the cheapest of them", [200], **by_area("in,,c,5|in,,b,5|,,a,4", "from_area_id,to_area_id,fare_product_id,rule_priority")),
    clause("with priority, a listed network still matches the empty rule", [100], **by_network("", fare_leg_rules="network_id,fare_product_id,rule_priority|rail,b,3|,a,") ),
    clause("an empty priority column is there all the same", [100], **by_area("far,out,b,|,,a,", "from_area_id,to_area_id,fare_product_id,rule_priority")),
    clause("chosen by priority but not sold to the rider: unknown", [None], [(*ONE, "child", "")], rider_categories=RIDERS, fare_products="fare_product_id,rider_category_id,amount,currency|a,adult,1.00,USD|b,,2.00,USD", fare_leg_rules="fare_product_id,rule_priority|a,1|b,"),
    clause("an unknown end that only a lesser rule asks for", [300], [ride("r1", "A", "")], **by_area("in,,c,2|in,out,a,1", "from_area_id,to_area_id,fare_product_id,rule_priority")),
    clause("an unknown end that a better rule asks for: unknown", [None], [ride("r1", "A", "")], **by_area("in,,c,1|in,out,a,2", "from_area_id,to_area_id,fare_product_id,rule_priority")),
    clause("transfer_only is no part of the reference: such a rule is left out", [200], fare_leg_rules="fare_product_id,transfer_only|a,1|b,"),
]  # fmt: skip

PEAK = "timeframe_group_id,start_time,end_time,service_id|peak,07:00:00,09:00:00,week"
TIMED = {"fare_leg_rules": "from_timeframe_group_id,fare_product_id,rule_priority|peak,b,1|,a,"}


def leg_at(text, start="A", minutes=10, end="B", zone="America/New_York"):
    moment = at(text, zone)
    return Leg(moment, moment + 60 * minutes, "r1", start, end)


HERE = """\
stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station,stop_timezone
S,Station,40.70,-74.00,1,,America/Chicago
P1,Platform,40.70,-74.00,0,S,
A,A,40.71,-74.02,0,,
B,B,40.72,-74.03,0,,America/Denver
C,C,40.72,-74.03,0,,
D,D,40.72,-74.03,0,,
"""
TIME_CLAUSES = [
    *(
        clause(f"{text}: {why}", [cents], [leg_at(f"2025-03-05 {text}")], timeframes=PEAK, **TIMED)
        for text, cents, why in (
            ("06:59:59", 100, "before the timeframe"),
            ("07:00:00", 200, "its start is inside"),
            ("08:59:59", 200, "inside"),
            ("09:00:00", 100, "its end is outside"),
        )
    ),
    clause("the service does not run on a Saturday", [100], [leg_at("2025-03-08 08:00")], timeframes=PEAK, **TIMED),
    clause("a date that is taken out", [100], [leg_at("2025-03-05 08:00")], timeframes=PEAK, calendar_dates="service_id,date,exception_type|week,20250305,2", **TIMED),
    clause("a date that is added", [200], [leg_at("2025-03-08 08:00")], timeframes=PEAK, calendar_dates="service_id,date,exception_type|week,20250308,1", **TIMED),
    clause("no times: the whole day", [200, 200], [leg_at("2025-03-05 00:00"), leg_at("2025-03-05 23:59:59")], timeframes="timeframe_group_id,service_id|peak,week", **TIMED),
    clause("the calendar day, not the service day: Saturday at 0:30 is no Friday", [100], [leg_at("2025-03-08 00:30")], timeframes="timeframe_group_id,start_time,end_time,service_id|peak,00:00:00,02:00:00,week", **TIMED),
    clause("a timeframe past 24:00 never matches", [100], [leg_at("2025-03-06 00:30")], timeframes="timeframe_group_id,start_time,end_time,service_id|peak,22:00:00,26:00:00,week", **TIMED),
    clause("several timeframes of a group", [200], [leg_at("2025-03-05 17:00")], timeframes=PEAK + "|peak,16:00:00,19:00:00,week", **TIMED),
    clause("a timeframe that no row describes never matches", [100], [leg_at("2025-03-05 08:00")], **TIMED),
    clause("until: the time at the end of the leg", [200], [leg_at("2025-03-05 06:55")], timeframes=PEAK, fare_leg_rules="to_timeframe_group_id,fare_product_id,rule_priority|peak,b,1|,a,"),
    clause("until, and nobody tapped off: unknown", [None], [Leg(at("2025-03-05 08:00"), None, "r1", "A", "B")], timeframes=PEAK, fare_leg_rules="to_timeframe_group_id,fare_product_id,rule_priority|peak,b,1|,a,"),
    clause("the clock of the stop: 8:30 in Denver is 10:30 in New York", [200], [leg_at("2025-03-05 10:30", "B", end="A")], timeframes=PEAK, stops=HERE, **TIMED),
    clause("the clock of the stop: 8:30 in New York is 6:30 in Denver", [100], [leg_at("2025-03-05 08:30", "B", end="A")], timeframes=PEAK, stops=HERE, **TIMED),
    clause("the clock of a platform's station", [200], [leg_at("2025-03-05 09:30", "P1")], timeframes=PEAK, stops=HERE, **TIMED),
    clause("the calendar day of the stop: Saturday 0:30 in New York is Friday in Denver", [200], [leg_at("2025-03-08 00:30", "B", end="A")], timeframes="timeframe_group_id,start_time,end_time,service_id|peak,22:00:00,24:00:00,week", stops=HERE, **TIMED),
    clause("the end of the leg by the clock of its stop", [200], [leg_at("2025-03-05 10:25", "A")], timeframes=PEAK, stops=HERE, fare_leg_rules="to_timeframe_group_id,fare_product_id,rule_priority|peak,b,1|,a,"),
    clause("the hour that a clock change leaves out", [200], [leg_at("2025-03-09 03:30")], timeframes="timeframe_group_id,start_time,end_time,service_id|peak,02:00:00,04:00:00,end", **TIMED),
    clause("both hours of one name in autumn", [200, 200, 100], [leg_at("2025-11-02 01:30"), Leg(at("2025-11-02 01:30") + 3600, None, "r1", "A", "B"), Leg(at("2025-11-02 01:30") + 7200, None, "r1", "A", "B")], timeframes="timeframe_group_id,start_time,end_time,service_id|peak,01:00:00,02:00:00,end", **TIMED),
]  # fmt: skip


def then(*routes, step=20, long=10):
    """Rides one after the other: ten minutes each, every twenty minutes."""
    return [(route, "A", "B", at * step, at * step + long) for at, route in enumerate(routes)]


TRANSFER_CLAUSES = [
    clause("no transfer rule: two fares", [200, 300], then("r1", "r3"), **transfers("rail,bus,,,,0,")),
    clause("type 0: A + AB", [200, 25], then("r1", "r3"), **transfers("bus,rail,,,,0,up")),
    clause("type 1: A + AB + B", [200, 325], then("r1", "r3"), **transfers("bus,rail,,,,1,up")),
    clause("type 1 with a discount", [200, 250], then("r1", "r3"), **transfers("bus,rail,,,,1,off")),
    clause("type 2: AB, both rides together", [200, 200], then("r1", "r3"), **transfers("bus,rail,,,,2,d")),
    clause("type 2 for less than A: the rest comes back", [200, -100], then("r1", "r3"), **transfers("bus,rail,,,,2,a")),
    clause("no product: the transfer costs nothing", [200, 0], then("r1", "r3"), **transfers("bus,rail,,,,0,")),
    clause("no product, type 2: the first ride comes back", [200, -200], then("r1", "r3"), **transfers("bus,rail,,,,2,")),
    clause("a journey never costs less than nothing", [200, -200], then("r1", "r3"), **transfers("bus,rail,,,,0,big")),
    clause("0 then 0: S + BC", [200, 25, 25], then("r1", "r3", "y1"), **transfers("bus,rail,,,,0,up|rail,boat,,,,0,up")),
    clause("0 then 1: S + BC + C", [200, 25, 425], then("r1", "r3", "y1"), **transfers("bus,rail,,,,0,up|rail,boat,,,,1,up")),
    clause("0 then 2: S + BC", [200, 25, 100], then("r1", "r3", "y1"), **transfers("bus,rail,,,,0,up|rail,boat,,,,2,a")),
    clause("1 then 2: S + BC", [200, 325, 100], then("r1", "r3", "y1"), **transfers("bus,rail,,,,1,up|rail,boat,,,,2,a")),
    clause("2 then 2: S + BC", [200, 200, 100], then("r1", "r3", "y1"), **transfers("bus,rail,,,,2,d|rail,boat,,,,2,a")),
    clause("2 then 1: S + BC + C", [200, 200, 425], then("r1", "r3", "y1"), **transfers("bus,rail,,,,2,d|rail,boat,,,,1,up")),
    clause("2 after a journey of its own is the first transfer again", [200, 300, 100], then("r1", "r3", "y1"), **transfers("rail,boat,,,,2,d")),
    clause("directional: not the other way round", [300, 200], then("r3", "r1"), **transfers("bus,rail,,,,0,")),
    clause("the legs may lie one after the other only", [200, 300, 200], then("r1", "r3", "r1"), **transfers("bus,bus,-1,,,0,")),
    clause("transfer_count -1: without limit", [200, 0, 0, 0], then(*["r1"] * 4), **transfers("bus,bus,-1,,,0,")),
    clause("transfer_count 1: once, then a new journey", [200, 0, 200, 0], then(*["r1"] * 4), **transfers("bus,bus,1,,,0,")),
    clause("transfer_count 2", [200, 0, 0, 200], then(*["r1"] * 4), **transfers("bus,bus,2,,,0,")),
    clause("of several counts, the smallest that is enough", [200, 0, 25, 200], then(*["r1"] * 4), **transfers("bus,bus,2,,,0,up|bus,bus,1,,,0,")),
    clause("a count before no limit", [200, 0, 25, 25], then(*["r1"] * 4), **transfers("bus,bus,-1,,,0,up|bus,bus,1,,,0,")),
    clause("a count of 0 is none", [200, 200], then("r1", "r1"), **transfers("bus,bus,0,,,0,")),
    clause("a missing count within a group: without limit", [200, 0, 0], then("r1", "r1", "r1"), **transfers("bus,bus,,,,0,")),
    clause("a count between two groups is ignored", [200, 0, 0, 0], then("r1", "r3", "r1", "r3"), **transfers("bus,rail,1,,,0,|rail,bus,1,,,0,")),
    clause("the count starts anew after another group", [200, 0, 0, 0, 0], then("r1", "r1", "r3", "r1", "r1"), **transfers("bus,bus,1,,,0,|bus,rail,,,,0,|rail,bus,,,,0,")),
    clause("within the limit, inclusive", [200, 0], then("r1", "r1", step=60), **transfers("bus,bus,-1,3600,1,0,")),
    clause("past the limit", [200, 200], then("r1", "r1", step=61), **transfers("bus,bus,-1,3600,1,0,")),
    clause("type 0: from departure to arrival", [200, 0, 200, 200], [*then("r1", "r1", step=50), *[("r1", "A", "B", at, at + 10) for at in (101, 152)]], **transfers("bus,bus,-1,3600,0,0,")),
    clause("type 1: from departure to departure", [200, 0], then("r1", "r1", step=60, long=40), **transfers("bus,bus,-1,3600,1,0,")),
    clause("type 2: from arrival to departure", [200, 0], then("r1", "r1", step=70), **transfers("bus,bus,-1,3600,2,0,")),
    clause("type 2: a second too late", [200, 200], then("r1", "r1", step=71), **transfers("bus,bus,-1,3600,2,0,")),
    clause("type 3: from arrival to arrival", [200, 0], [("r1", "A", "B", 0, 30), ("r1", "A", "B", 70, 90)], **transfers("bus,bus,-1,3600,3,0,")),
    clause("type 3: too late", [200, 200], [("r1", "A", "B", 0, 30), ("r1", "A", "B", 70, 91)], **transfers("bus,bus,-1,3600,3,0,")),
    clause("a limit without type is from departure to arrival", [200, 200], then("r1", "r1", step=51), **transfers("bus,bus,-1,3600,,0,")),
    clause("no tap-off: types 0 and 3 fit no limit", [200, 200], [*then("r1", "r1")[:1], ("r1", "A", "B", 20, None)], **transfers("bus,bus,-1,3600,0,0,")),
    clause("no tap-off: type 2 from the departure, which is earlier", [200, 0, 200], [("r1", "A", "B", 0, None), ("r1", "A", "B", 60, None), ("r1", "A", "B", 61, None)], **transfers("bus,bus,-1,3600,2,0,")),
    clause("within a group, from the first ride of the row", [200, 0, 200, 0], then(*["r1"] * 4, step=31), **transfers("bus,bus,-1,3600,1,0,")),
    clause("between groups, from the ride before", [200, 0, 0, 0], then("r1", "r3", "r1", "r3", step=31), **transfers("bus,rail,,3600,1,0,|rail,bus,,3600,1,0,")),
    clause("a row of a group begins with its first ride, not with the journey", [200, 0, 0, 0], [("r1", "A", "B", 0, 5), ("r3", "A", "B", 50, 55), ("r3", "A", "B", 100, 105), ("r3", "A", "B", 109, 112)], **transfers("bus,rail,,3600,1,0,|rail,rail,-1,3600,1,0,")),
    clause("no limit: the journey gap, from the arrival", [200, 0, 200], [("r1", "A", "B", 0, 10), ("r1", "A", "B", 70, 80), ("r1", "A", "B", 141, 150)], **transfers("bus,bus,-1,,,0,")),
    clause("no limit, no tap-off: the gap from the departure", [200, 0, 200], [("r1", "A", "B", 0, None), ("r1", "A", "B", 60, None), ("r1", "A", "B", 121, None)], **transfers("bus,bus,-1,,,0,")),
    clause("the gap can be said", [200, 200], then("r1", "r1"), asked={"journey_gap_s": 599}, **transfers("bus,bus,-1,,,0,")),
    clause("of two limits, the shorter that holds", [200, 0, 25], [("r1", "A", "B", 0, 10), ("r1", "A", "B", 30, 40), ("r1", "A", "B", 90, 100)], **transfers("bus,bus,-1,7200,1,0,up|bus,bus,-1,3600,1,0,")),
    clause("empty to_leg_group_id: every group not listed there", [200, 25, 300], [*then("r1", "y1"), ("r3", "A", "B", 300, 310)], **transfers("bus,,,,,0,up|boat,rail,,,,0,")),
    clause("empty to_leg_group_id is not the listed one", [200, 300], then("r1", "r3"), **transfers("bus,,,,,0,up|boat,rail,,,,0,")),
    clause("empty from_leg_group_id: every group not listed there", [400, 25], then("y1", "r1"), **transfers(",bus,,,,0,up|bus,rail,,,,0,")),
    clause("empty from_leg_group_id is not the listed one", [200, 200], then("r1", "r1"), **transfers(",bus,,,,0,up|bus,rail,,,,0,")),
    clause("both empty: every pair", [200, 25, 25, 25], then("r1", "r3", "y1", "y1"), **transfers(",,-1,,,0,up")),
    clause("both empty with a count: it holds within a group", [200, 0, 200, 0], then("r1", "r1", "r1", "r3"), **transfers(",,1,,,0,")),
    clause("a leg without a group transfers to none", [200, 400], then("r1", "y1"), **transfers(",,-1,,,0,", fare_leg_rules="leg_group_id,network_id,fare_product_id|bus,bus,b|rail,rail,c|,ferry,d")),
    clause("the price of a transfer by rider", [300, 100], [("r1", "A", "B", 0, 10, "child"), ("r1", "A", "B", 20, 30, "child")], rider_categories=RIDERS, fare_products="fare_product_id,rider_category_id,amount,currency|b,,3.00,USD|t,adult,2.00,USD|t,child,1.00,USD", fare_leg_rules="leg_group_id,fare_product_id|bus,b", fare_transfer_rules="from_leg_group_id,to_leg_group_id,transfer_count,fare_transfer_type,fare_product_id|bus,bus,-1,0,t"),
    clause("a transfer that is not sold to the rider is none", [300, 300], [("r1", "A", "B", 0, 10, "child"), ("r1", "A", "B", 20, 30, "child")], rider_categories=RIDERS, fare_products="fare_product_id,rider_category_id,amount,currency|b,,3.00,USD|t,adult,2.00,USD", fare_leg_rules="leg_group_id,fare_product_id|bus,b", fare_transfer_rules="from_leg_group_id,to_leg_group_id,transfer_count,fare_transfer_type,fare_product_id|bus,bus,-1,0,t"),
    clause("the transfer depends on what was paid: an extension that narrows", [200, 200], then("r1", "r1"), fare_leg_rules="leg_group_id,fare_product_id|bus,b", fare_transfer_rules="from_leg_group_id,to_leg_group_id,transfer_count,fare_transfer_type,filter_fare_product_id|bus,bus,-1,0,c"),
    clause("a ride of unknown fare counts for nothing: the journey goes on", [200, None, 0], then("r1", "y1", "r1", step=12, long=2), **transfers("bus,bus,-1,,,0,", route_networks=ROUTES)),
]  # fmt: skip

JOINED = {
    "fare_leg_rules": "network_id,from_area_id,to_area_id,fare_product_id,rule_priority|bus,,,b,0|rail,,,c,0|bus,in,out,a,1|bus,in,far,d,1",
    "networks": NETWORKS,
    "route_networks": ROUTES,
    "areas": AREAS,
    "stop_areas": STOP_AREAS,
}


def joined(rows="bus,bus", columns="from_network_id,to_network_id", **more):
    return {**JOINED, "fare_leg_join_rules": f"{columns}|{rows}", **more}


STOPS_TOO = "from_network_id,to_network_id,from_stop_id,to_stop_id"
CHAIN = [("r1", "A", "B", 0, 10), ("r1", "B", "C", 20, 30)]
JOIN_CLAUSES = [
    clause("two rides, no join rule", [100, 200], CHAIN, **JOINED),
    clause("two rides are one: from the first start to the last end", [100, 300], CHAIN, **joined()),
    clause("three rides are one", [100, 300, -200], [*CHAIN, ("r1", "C", "D", 40, 50)], **joined()),
    clause("another network does not join", [100, 300], [CHAIN[0], ("r3", "B", "C", 20, 30)], **joined()),
    clause("a join from network to network, at the first one's price", [100, 300], [CHAIN[0], ("r3", "B", "C", 20, 30)], **joined("bus,rail")),
    clause("joins are directional", [300, 200], [("r3", "A", "B", 0, 10), CHAIN[1]], **joined("bus,rail")),
    clause("not in one station: no join", [200, 200], [("r1", "C", "B", 0, 10), ("r1", "D", "C", 20, 30)], **joined()),
    clause("two platforms of one station", [200, 0], [("r1", "B", "P1", 0, 10), ("r1", "P2", "B", 20, 30)], **joined()),
    clause("stops that are named", [200, 0], [("r1", "C", "B", 0, 10), ("r1", "D", "C", 20, 30)], **joined("bus,bus,B,D", STOPS_TOO)),
    clause("stops that are named, others than these", [100, 200], CHAIN, **joined("bus,bus,B,D", STOPS_TOO)),
    clause("a named station is each of its platforms", [200, 0], [("r1", "C", "P1", 0, 10), ("r1", "D", "C", 20, 30)], **joined("bus,bus,S,D", STOPS_TOO)),
    clause("blank networks are ignored", [100, 300], [CHAIN[0], ("r3", "B", "C", 20, 30)], **joined(",")),
    clause("past the journey gap: two rides", [100, 200], [CHAIN[0], ("r1", "B", "C", 71, 80)], **joined()),
    clause("an end that is not known joins nothing", [200, 200], [("r1", "C", "", 0, 10), ("r1", "B", "C", 20, 30)], **joined(fare_leg_rules="network_id,fare_product_id|bus,b")),
    clause("until: the end of the last ride", [200, -100], [("r1", "A", "B", 0, 10), ("r1", "B", "C", 20, 70)], timeframes="timeframe_group_id,start_time,end_time,service_id|peak,08:00:00,09:00:00,week", **joined(fare_leg_rules="to_timeframe_group_id,fare_product_id,rule_priority|peak,b,1|,a,")),
    clause("from: the start of the first ride", [200, 0], [("r1", "A", "B", 50, 58), ("r1", "B", "C", 62, 70)], timeframes="timeframe_group_id,start_time,end_time,service_id|peak,08:00:00,09:00:00,week", **joined(fare_leg_rules="from_timeframe_group_id,fare_product_id,rule_priority|peak,b,1|,a,")),
    clause("a transfer into an effective leg is that of its own leg group", [300, 0, 100], [("r3", "P1", "A", 0, 10), ("r1", "A", "B", 20, 30), ("r1", "B", "C", 40, 50)], **joined(fare_leg_rules="leg_group_id,network_id,from_area_id,to_area_id,fare_product_id,rule_priority|rail,rail,,,c,0|near,bus,in,out,a,1|far,bus,in,far,d,1", fare_transfer_rules="from_leg_group_id,to_leg_group_id,fare_transfer_type,fare_product_id|rail,near,0,|rail,far,0,a")),
    clause("a transfer from an effective leg, limited from its first start", [100, 300, 300], [*CHAIN, ("r3", "C", "P1", 61, 70)], **joined(fare_leg_rules="leg_group_id,network_id,from_area_id,to_area_id,fare_product_id,rule_priority|rail,rail,,,c,0|near,bus,in,out,a,1|far,bus,in,far,d,1", fare_transfer_rules="from_leg_group_id,to_leg_group_id,duration_limit,duration_limit_type,fare_transfer_type|far,rail,3600,1,0")),
    clause("a transfer from an effective leg, within its limit", [100, 300, 0], [*CHAIN, ("r3", "C", "P1", 60, 70)], **joined(fare_leg_rules="leg_group_id,network_id,from_area_id,to_area_id,fare_product_id,rule_priority|rail,rail,,,c,0|near,bus,in,out,a,1|far,bus,in,far,d,1", fare_transfer_rules="from_leg_group_id,to_leg_group_id,duration_limit,duration_limit_type,fare_transfer_type|far,rail,3600,1,0")),
]  # fmt: skip


EVERY = [*PRODUCT_CLAUSES, *LEG_CLAUSES, *TIME_CLAUSES, *TRANSFER_CLAUSES, *JOIN_CLAUSES]


@pytest.mark.parametrize("one", EVERY, ids=str)
def test_the_truth_table(one, tmp_path):
    engine, oracle = both_ways(
        tables_of(**one.tables), one.rides, tmp_path / "feed.zip", **one.asked
    )
    assert oracle == one.charges
    assert engine == one.charges
