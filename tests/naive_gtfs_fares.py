"""Fares of GTFS priced straight from the tables: slow, plain, and without code of the package.

``tables`` is a dict of lists of dicts of text, as ``csv.DictReader`` gives them: a column that is
not there is a column that does not exist. A card's legs go in by time; out comes what each of
them adds to what the card has paid, or None where the fare is unknown.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DIGITS = {"CLP": 0, "BRL": 2, "USD": 2, "EUR": 2, "KWD": 3}


@dataclass(frozen=True)
class Leg:
    """One ride. Blank texts and a missing arrival are not known."""

    depart: int
    arrive: int | None = None
    route: str = ""
    start: str = ""
    end: str = ""
    category: str = ""
    medium: str = ""
    joined: str | None = None  # network of a joined leg: its first part's


@dataclass(frozen=True)
class Told:
    """What the tables say, looked up row by row."""

    tables: dict
    currency: str = "USD"
    gap: int = 3600
    medium: str = ""  # of taps that name none
    category: str = ""

    def rows(self, name):
        return self.tables.get(name, [])

    @cached_property
    def stops(self):
        return {row["stop_id"]: row for row in self.rows("stops")}

    def station(self, stop):
        parent = self.stops.get(stop, {}).get("parent_station", "")
        return self.station(parent) if parent else stop

    def zone(self, stop):
        row = self.stops.get(stop) or next(iter(self.stops.values()))
        parent = self.stops.get(row.get("parent_station", ""), {})
        agency = self.rows("agency")[0]["agency_timezone"]
        return row.get("stop_timezone") or parent.get("stop_timezone") or agency

    @property
    def two_clocks(self):
        return len({self.zone(stop) for stop in self.stops}) > 1

    def areas(self, stop):
        while stop:
            if stop in self.own_areas:
                return self.own_areas[stop]
            stop = self.stops.get(stop, {}).get("parent_station", "")
        return set()

    @cached_property
    def own_areas(self):
        found = {}
        for row in self.rows("stop_areas"):
            found.setdefault(row["stop_id"], set()).add(row["area_id"])
        return found

    def network(self, leg):
        """Network of a leg: blank where it has none, None where nobody knows."""
        if leg.joined is not None:
            return leg.joined
        for row in self.rows("routes"):
            if row["route_id"] == leg.route:
                if row.get("network_id"):
                    return row["network_id"]
                for other in self.rows("route_networks"):
                    if other["route_id"] == leg.route:
                        return other["network_id"]
                return ""
        return None

    def runs(self, service, date):
        """Whether a service runs on a calendar day."""
        text = f"{date:%Y%m%d}"
        for row in self.rows("calendar_dates"):
            if row["service_id"] == service and row["date"] == text:
                return row["exception_type"] == "1"
        return any(
            row["service_id"] == service
            and row["start_date"] <= text <= row["end_date"]
            and row[WEEKDAYS[date.weekday()]] == "1"
            for row in self.rows("calendar")
        )

    def in_timeframe(self, group, stop, moment):
        """Whether a moment at a stop lies in a timeframe group; None where nobody knows."""
        if moment is None:
            return None
        local = datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(self.zone(stop)))
        clock = local.hour * 3600 + local.minute * 60 + local.second
        for row in self.rows("timeframes"):
            if row["timeframe_group_id"] == group and self.runs(row["service_id"], local.date()):
                start = seconds(row.get("start_time") or "00:00:00")
                end = seconds(row.get("end_time") or "24:00:00")
                if end <= 86400 and start <= clock < end:
                    return True
        return False

    def minor(self, text, currency):
        if currency != self.currency:
            return None
        amount = Decimal(text) * 10 ** DIGITS[currency]
        return int(amount) if amount == int(amount) else None

    # --- Fares v2 --------------------------------------------------------------------------------

    def price(self, product, leg):
        """What the rider of a leg pays for a product; None: it is not sold to such a rider."""
        rows = [row for row in self.rows("fare_products") if row["fare_product_id"] == product]
        category, medium = leg.category or self.category, leg.medium or self.medium
        if not category:
            riders = self.rows("rider_categories")
            main = {
                row["rider_category_id"]
                for row in riders
                if row.get("is_default_fare_category") == "1" or len(riders) == 1
            }
            sold = {row.get("rider_category_id", "") for row in rows} & main
            category = sold.pop() if len(sold) == 1 else ""
        amounts = [
            self.minor(row["amount"], row["currency"])
            for row in rows
            if row.get("rider_category_id", "") in {"", category}
            and row.get("fare_media_id", "") in {"", medium}
        ]
        return min((one for one in amounts if one is not None), default=None)

    def cell(self, rule, column, values):
        """Whether a cell of a leg rule fits the values that a leg has."""
        asked = rule.get(column, "")
        listed = self.listed[column]
        if asked:
            return asked in values
        return self.by_priority or not values or not values <= listed

    def minds(self, rule, column):
        """Whether a cell is filled, or blank and then not for everything."""
        return bool(rule.get(column)) or bool(self.listed[column] and not self.by_priority)

    @cached_property
    def listed(self):
        """What each column of leg rules lists."""
        rules = self.rows("fare_leg_rules")
        columns = ("network_id", "from_area_id", "to_area_id")
        return {column: {row.get(column, "") for row in rules} - {""} for column in columns}

    def route_fits(self, rule, leg):
        """Whether a rule fits a leg's network: True, False, None where the route is not known."""
        network = self.network(leg)
        if network is not None:
            return self.cell(rule, "network_id", {network} - {""})
        if not self.minds(rule, "network_id"):
            return True
        every = [self.network(Leg(0, route=row["route_id"])) for row in self.rows("routes")]
        return None if any(self.cell(rule, "network_id", {one} - {""}) for one in every) else False

    def end_fits(self, rule, end, stop, moment):
        """Whether a rule fits one end of a leg: area and timeframe; None: nobody knows."""
        area, group = f"{end}_area_id", rule.get(f"{end}_timeframe_group_id", "")

        def at(place):
            if not self.cell(rule, area, self.areas(place)):
                return False
            return self.in_timeframe(group, place, moment) if group else True

        if stop in self.stops:
            return at(stop)
        if self.minds(rule, area) or (group and self.two_clocks):
            return None if any(at(place) is not False for place in self.stops) else False
        return self.in_timeframe(group, stop, moment) if group else True

    @property
    def by_priority(self):
        return any("rule_priority" in row for row in self.rows("fare_leg_rules"))

    def verdict(self, rule, leg):
        """Whether a leg rule matches a leg: True, False, None."""
        fits = [
            self.route_fits(rule, leg),
            self.end_fits(rule, "from", leg.start, leg.depart),
            self.end_fits(rule, "to", leg.end, leg.arrive),
        ]
        return False if False in fits else None if None in fits else True

    def rank(self, rule):
        """How early a rule is preferred to others that match."""
        if self.by_priority:
            return -int(rule.get("rule_priority") or 0)
        rules = self.rows("fare_leg_rules")
        columns = ("network_id", "from_area_id", "to_area_id")
        listing = [column for column in columns if any(row.get(column) for row in rules)]
        return 0 if all(rule.get(column) for column in listing) else 1

    def paid(self, leg):
        """How a leg by itself is paid: (amount, leg group), or None: the fare is unknown."""
        entries = []
        for rule in self.rows("fare_leg_rules"):
            verdict = self.verdict(rule, leg)
            if verdict is not False and rule.get("transfer_only") != "1":
                product = rule["fare_product_id"]
                amount = self.price(product, leg)
                dear = float("inf") if amount is None else amount
                group = rule.get("leg_group_id", "")
                asks = self.asks(rule)
                entries.append((self.rank(rule), dear, group, product, asks, verdict is True))
        if not entries:
            return None
        _, amount, group, product, _, sure = min(entries)
        return (amount, group, product) if sure and amount < float("inf") else None

    def asks(self, rule):
        """What a rule asks for, the rarest known first: of one price, the rule that asks least."""
        starts, ends = (rule.get(f"{end}_timeframe_group_id", "") for end in ("from", "to"))
        return (
            bool(ends),
            self.minds(rule, "to_area_id") or bool(ends and self.two_clocks),
            self.minds(rule, "network_id"),
            self.minds(rule, "from_area_id") or bool(starts and self.two_clocks),
            bool(starts),
        )

    def joins(self, one, two):
        """Whether two consecutive legs are one effective leg; a stop not known joins nothing."""
        if two.depart - (one.depart if one.arrive is None else one.arrive) > self.gap:
            return False
        networks = self.network(one), self.network(two)
        for rule in self.rows("fare_leg_join_rules"):
            fits = [
                rule[column] == found
                for column, found in zip(
                    ("from_network_id", "to_network_id"), networks, strict=True
                )
                if rule.get(column)
            ]
            asked = rule.get("from_stop_id", ""), rule.get("to_stop_id", "")
            stops = one.end, two.start
            if not any(asked):
                fits += [stop in self.stops for stop in stops]
                fits.append(self.station(stops[0]) == self.station(stops[1]))
            for wanted, stop in zip(asked, stops, strict=True):
                if wanted:
                    fits.append(bool(stop) and wanted in {stop, self.station(stop)})
            if all(fits):
                return True
        return False

    def effective(self, legs):
        """Join legs: (effective leg, positions of its parts)."""
        whole = []
        for at, leg in enumerate(legs):
            if at and self.joins(legs[at - 1], leg):
                head, parts = whole[-1]
                head = replace(head, end=leg.end, arrive=leg.arrive, joined=self.network(head))
                whole[-1] = (head, [*parts, at])
            else:
                whole.append((leg, [at]))
        return whole

    def in_time(self, rule, first, last, previous):
        """Whether a transfer is quick enough; a time that is not known is not."""
        if not rule.get("duration_limit"):
            left = previous.depart if previous.arrive is None else previous.arrive
            return last.depart - left <= self.gap
        kind = rule.get("duration_limit_type") or "0"
        limit = int(rule["duration_limit"])
        start = first.depart if kind in "01" else first.arrive
        end = last.arrive if kind in "03" else last.depart
        if start is None and kind == "2" and end - first.depart <= limit:
            return True  # it arrived later than it departed
        return start is not None and end is not None and end - start <= limit

    def transfer(self, one, two, count, first, last, previous):
        """Rule of a transfer between leg groups: the amount and type, or None."""
        rules = self.rows("fare_transfer_rules")
        one, bought = one
        if not one or not two:
            return None
        found = []
        for rule in rules:
            fits = True
            for column, group in (("from_leg_group_id", one), ("to_leg_group_id", two)):
                asked = rule.get(column, "")
                listed = {row.get(column, "") for row in rules} - {""}
                fits &= asked == group if asked else group not in listed
            if not fits or rule.get("filter_fare_product_id", "") not in {"", bought}:
                continue
            spans = rule.get("transfer_count") or "-1"
            if rule.get("from_leg_group_id", "") != rule.get("to_leg_group_id", ""):
                spans = "-1"
            spans = float("inf") if spans == "-1" else int(spans)
            if spans < count or spans < 1:
                continue
            if not self.in_time(rule, first, last, previous):
                continue
            amount = 0
            if rule.get("fare_product_id"):
                amount = self.price(rule["fare_product_id"], last)
                if amount is None:
                    continue
            limit = float(rule.get("duration_limit") or "inf")
            found.append((spans, limit, amount, int(rule["fare_transfer_type"])))
        return min(found)[2:] if found else None

    def dues(self, legs):
        """What each effective leg adds, with the positions of its parts; None: unknown."""
        out = []
        state = None  # of the leg before: group, product, leg, first of its row, count, dues, whether transferred
        for leg, parts in self.effective(legs):
            paid = self.paid(leg)
            if paid is None:
                state = None
                out.append((None, parts))
                continue
            amount, group, product = paid
            fresh = (group, product, leg, leg, 0, max(amount, 0), False)
            if state is None:
                state = fresh
                out.append((max(amount, 0), parts))
                continue
            before, bought, previous, first, count, dues, transferred = state
            if before != group:
                first, count = previous, 0
            answer = self.transfer((before, bought), group, count + 1, first, leg, previous)
            if answer is None:
                state = fresh
                out.append((max(amount, 0), parts))
            else:
                extra, kind = answer
                more = {0: extra, 1: extra + amount, 2: extra - (0 if transferred else dues)}[kind]
                more = max(more, -dues)
                row = (first, count + 1) if before == group else (leg, 0)
                state = (group, product, leg, *row, dues + more, True)
                out.append((more, parts))
        return out

    def charges(self, legs):
        """What each leg of a card adds when it is tapped, by time; None: the fare is unknown.

        A leg that joins the one before makes its effective leg dearer or cheaper: it pays the rest.
        """
        out, kept, paid = [], [], []
        for leg in legs:
            more, parts = (None, []) if self.strange(leg) else self.dues([*kept, leg])[-1]
            if more is None:  # such a ride counts for nothing
                out.append(None)
                continue
            out.append(more - sum(paid[part] for part in parts[:-1]))
            kept.append(leg)
            paid.append(out[-1])
        return out

    def strange(self, leg):
        """Whether a leg names a route or a stop that the feed does not have."""
        routes = {row["route_id"] for row in self.rows("routes")} | {""}
        return leg.route not in routes or not {leg.start, leg.end} <= {*self.stops, ""}

    # --- Fares v1 --------------------------------------------------------------------------------

    @cached_property
    def ways(self):
        """Stops of every trip, by route."""
        calls = {}
        for row in self.rows("stop_times"):
            calls.setdefault(row["trip_id"], []).append((int(row["stop_sequence"]), row["stop_id"]))
        found = {}
        for trip in self.rows("trips"):
            stops = [stop for _, stop in sorted(calls.get(trip["trip_id"], []))]
            found.setdefault(trip["route_id"], []).append(stops)
        return found

    def passed(self, leg):
        """Zones that a ride enters: those of the way most trips of its route take."""
        ways = {}
        for stops in self.ways.get(leg.route, []):
            if leg.start in stops and leg.end in stops[stops.index(leg.start) + 1 :]:
                at = stops.index(leg.start)
                way = stops[at : stops.index(leg.end, at + 1) + 1]
                zones = tuple(sorted({self.fare_zone(stop) for stop in way} - {""}))
                ways[zones] = ways.get(zones, 0) + 1
        if not ways:
            return {self.fare_zone(leg.start), self.fare_zone(leg.end)} - {""}
        return set(min(ways, key=lambda zones: (-ways[zones], zones)))

    @cached_property
    def rules_of(self):
        found = {}
        for row in self.rows("fare_rules"):
            found.setdefault(row["fare_id"], []).append(row)
        return found

    def fare_zone(self, stop):
        return self.stops[stop].get("zone_id", "")

    def agency(self, route):
        agencies = [row.get("agency_id", "") for row in self.rows("agency")]
        for row in self.rows("routes"):
            if row["route_id"] == route:
                return row.get("agency_id") or agencies[0]
        return agencies[0] if len(agencies) == 1 else None

    def valid(self, fare, legs):
        """Whether a fare of Fares v1 covers these rides: True, False, None."""
        if fare.get("transfers") and len(legs) - 1 > int(fare["transfers"]):
            return False
        for one, two in pairwise(legs):
            left = one.depart if one.arrive is None else one.arrive
            if not fare.get("transfer_duration") and two.depart - left > self.gap:
                return False
        limit = float(fare.get("transfer_duration") or "inf")
        if len(legs) > 1 and legs[-1].depart - legs[0].depart > limit:
            return False
        answers = []
        if fare.get("agency_id"):
            agencies = [self.agency(leg.route) for leg in legs]
            answers += [None if one is None else one == fare["agency_id"] for one in agencies]
        rules = self.rules_of.get(fare["fare_id"])
        if rules:
            answers += [self.ruled(rules, leg, legs) for leg in legs]
        return False if False in answers else None if None in answers else True

    def comes_back(self, legs):
        """Whether a run of rides leaves its first zone and ends in it."""
        zones = [self.fare_zone(leg.end) for leg in legs if leg.end in self.stops]
        if legs[0].start not in self.stops or legs[-1].end not in self.stops:
            return False
        origin = self.fare_zone(legs[0].start)
        return zones[-1] == origin and any(zone != origin for zone in zones)

    def ruled(self, rules, leg, legs):
        """Whether some rule lets one of the rides be made on the fare."""
        known = all(one.start in self.stops and one.end in self.stops for one in legs)
        asked = any(rule.get("contains_id") for rule in rules)
        zones = set().union(*(self.passed(one) for one in legs)) if known and asked else None
        origin = self.fare_zone(legs[0].start) if legs[0].start in self.stops else None
        destination = self.fare_zone(legs[-1].end) if legs[-1].end in self.stops else None
        route = (
            leg.route if any(row["route_id"] == leg.route for row in self.rows("routes")) else None
        )
        answers = [False]
        groups = {}
        for rule in rules:
            key = tuple(rule.get(one, "") for one in ("route_id", "origin_id", "destination_id"))
            groups.setdefault(key, set()).add(rule.get("contains_id", ""))
        for key, contains in groups.items():
            fits = [
                None if found is None else asked == found
                for asked, found in zip(key, (route, origin, destination), strict=True)
                if asked
            ]
            if key[2] and self.comes_back(legs):
                fits.append(False)
            if contains - {""}:
                fits.append(None if zones is None else contains - {""} == zones)
            answers.append(False if False in fits else None if None in fits else True)
        return True if True in answers else None if None in answers else False

    def cheapest(self, legs, least=0):
        """Price of the cheapest fare for a run of rides, at ``least`` or more: (surely, perhaps)."""
        sure = perhaps = float("inf")
        for fare in self.rows("fare_attributes"):
            amount = self.minor(fare["price"], fare["currency_type"])
            if amount is None or amount < least:
                continue
            verdict = self.valid(fare, legs)
            if verdict is not False:
                perhaps = min(perhaps, amount)
            if verdict:
                sure = min(sure, amount)
        return sure, perhaps

    def tickets(self, legs):
        """What each ride of a card adds; None: unknown."""
        out = []
        run, paid = [], 0
        for leg in legs:
            if self.strange(leg):
                out.append(None)
                continue
            sure, perhaps = self.cheapest([leg])
            goes_on, least, total = False, perhaps, sure
            if run:
                whole, maybe = self.cheapest([*run, leg], paid)
                least = min(perhaps, maybe - paid)
                if whole < float("inf") and whole - paid <= sure:
                    goes_on, sure, total = True, whole - paid, whole
            if sure == float("inf") or least < sure:
                out.append(None)  # such a ride counts for nothing
                continue
            out.append(sure)
            run, paid = ([*run, leg], total) if goes_on else ([leg], sure)
        return out


def seconds(text):
    hours, minutes, left = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(left)
