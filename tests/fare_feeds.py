"""Tiny feeds with fares, written from tables of text; and a plain reading of a tariff's rules."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd
from defects import packed
from naive_gtfs_fares import Leg, Told

from mobility.fares.gtfs import tariff_from_feed
from mobility.fares.settle import settle
from mobility.fares.tickets import rate_rides
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
    if tariff.version == "v1":
        return ticket_charges(tariff, rides), told.tickets(rides)
    return Reading(tariff).charges(rides), told.charges(rides)


def ticket_charges(tariff, rides):
    rated = rate_rides(tariff.tickets, taps_of([rides], depart_s="depart_s", to_time="arrive_s"))
    return [None if pd.isna(one) else int(one) for one in rated["fare"]]


def taps_of(cards, depart_s="time", to_time="to_time"):
    """Cards of rides as a table of taps, card after card."""
    rows = [(card, ride) for card, rides in enumerate(cards) for ride in rides]
    return pd.DataFrame(
        {
            "card": [card for card, _ in rows],
            depart_s: [one.depart for _, one in rows],
            to_time: pd.array([one.arrive for _, one in rows], "Int64"),
            "route_id": [one.route or None for _, one in rows],
            "stop_id": [one.start or None for _, one in rows],
            "to_stop_id": [one.end or None for _, one in rows],
            "category": [one.category or None for _, one in rows],
            "medium": [one.medium or None for _, one in rows],
        }
    )


def settled(tariff, *cards):
    """What rides are charged by ``fares.settle``, card after card; None: of unknown fare."""
    charges = settle(taps_of(cards), tariff).charges
    found = iter(None if pd.isna(one) else int(one) for one in charges["charged"])
    return [[next(found) for _ in rides] for rides in cards]


class Reading:
    """A tariff's rules read one by one, as ``mobility.fares.problem`` says them."""

    def __init__(self, tariff):
        self.tariff = tariff

    def fits(self, match, value):
        """Whether a key fits: True, False, None where the tap does not have the value."""
        if match is None:
            return True
        return None if value in {None, ""} else value in match

    def in_timeframe(self, name, moment):
        if name is None:
            return True
        if moment is None:
            return None
        local = datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(self.tariff.timezone))
        clock = local.hour * 3600 + local.minute * 60 + local.second
        return any(
            one.id == name and local.date() in one.dates and one.from_s <= clock < one.to_s
            for one in self.tariff.timeframes
        )

    def rider(self, leg):
        tariff = self.tariff
        return leg.category or tariff.default_category, leg.medium or tariff.default_medium

    def paid(self, leg):
        category, medium = self.rider(leg)
        known = self.tariff.known_stops
        start, end = (stop if stop in known else None for stop in (leg.start, leg.end))
        route = leg.route if leg.route in self.tariff.known_routes else None
        for rule in self.tariff.fares:
            answers = [
                self.fits(rule.route, route),
                self.fits(rule.stop, start),
                self.fits(rule.to_stop, end),
                self.fits(rule.category, category),
                self.fits(rule.medium, medium),
                self.in_timeframe(rule.timeframe, leg.depart),
                self.in_timeframe(rule.to_timeframe, leg.arrive),
            ]
            if False in answers:
                continue
            return None if None in answers else rule
        return None

    def joins(self, one, two):
        left = one.depart if one.arrive is None else one.arrive
        networks = [self.tariff.networks.get(leg.route, "-") for leg in (one, two)]
        stops = one.end, two.start
        for rule in self.tariff.joins:
            if rule.before_stop is None and rule.after_stop is None:
                stations = [self.tariff.stations.get(stop) for stop in stops]
                near = None not in stations and stations[0] == stations[1]
            else:
                near = self.fits(rule.before_stop, stops[0]) and self.fits(
                    rule.after_stop, stops[1]
                )
            if (
                near
                and self.fits(rule.before_network, networks[0])
                and self.fits(rule.after_network, networks[1])
                and two.depart - left <= rule.window_s
            ):
                return True
        return False

    def effective(self, legs):
        whole = []
        for at_, leg in enumerate(legs):
            if at_ and self.joins(legs[at_ - 1], leg):
                head, parts = whole[-1]
                whole[-1] = (replace(head, end=leg.end, arrive=leg.arrive), [*parts, at_])
            else:
                whole.append((leg, [at_]))
        return whole

    def side(self, keys, rule, leg):
        category, medium = self.rider(leg)
        return all(
            self.fits(match, value)
            for match, value in (
                (keys.leg_group, rule.leg_group or None),
                (keys.product, rule.product),
                (keys.category, category),
                (keys.medium, medium),
            )
        )

    def transfer(self, before, after, state):
        """The first transfer rule that fits a leg before and one after, each (rule, leg)."""
        same = before[0].leg_group == after[0].leg_group
        for rule in self.tariff.transfers:
            if not self.side(rule.before, *before) or not self.side(rule.after, *after):
                continue
            row, first = (state["row"], state["first"]) if same else (0, before[1])
            if rule.group_transfers is not None and row >= rule.group_transfers:
                continue
            since = first if rule.anchor == "first-of-group" else before[1]
            since = since.depart if rule.start == "on" else since.arrive
            until = after[1].depart if rule.end == "on" else after[1].arrive
            if since is None or until is None or until - since > rule.window_s:
                continue
            return rule
        return None

    def dues(self, rides):
        out, state = [], None
        for leg, parts in self.effective(rides):
            paid = self.paid(leg)
            if paid is None or paid.amount is None:
                state = None
                out.append((None, parts))
                continue
            here = (paid, leg)
            rule = self.transfer(state["last"], here, state) if state else None
            if rule is None:
                cost = max(paid.amount, 0)
                state = {"row": 0, "first": leg, "cost": 0, "transfers": 0}
            else:
                cost = rule.amount
                if rule.kind == "A+AB+B":
                    cost += paid.amount
                elif rule.kind == "AB" and not state["transfers"]:
                    cost -= state["cost"]
                cost = max(cost, -state["cost"])
                if state["last"][0].leg_group == paid.leg_group:
                    state["row"] += 1
                else:
                    state |= {"row": 0, "first": leg}
                state["transfers"] += 1
            state["cost"] += cost
            state["last"] = here
            out.append((cost, parts))
        return out

    def charges(self, rides):
        out = []
        for at_ in range(len(rides)):
            cost, parts = self.dues(rides[: at_ + 1])[-1]
            already = sum(out[part] or 0 for part in parts[:-1])
            out.append(None if cost is None else cost - already)
        return out
