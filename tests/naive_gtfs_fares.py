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
DIGITS = {"CLP": 0, "USD": 2, "EUR": 2, "KWD": 3}
UNSURE = "unsure"


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
    alone: bool = True  # False: it may be a part of a longer leg, which nobody knows
    joined: str | None = None  # network of a joined leg; blank where its parts differ


@dataclass(frozen=True)
class Told:
    """What the tables say, looked up row by row."""

    tables: dict
    currency: str = "USD"
    gap: int = 3600

    def rows(self, name):
        return self.tables.get(name, [])

    @cached_property
    def stops(self):
        return {row["stop_id"]: row for row in self.rows("stops")}

    def station(self, stop):
        parent = self.stops.get(stop, {}).get("parent_station", "")
        return self.station(parent) if parent else stop

    def zone(self, stop):
        row = self.stops.get(stop, {})
        parent = self.stops.get(row.get("parent_station", ""), {})
        agency = self.rows("agency")[0]["agency_timezone"]
        return row.get("stop_timezone") or parent.get("stop_timezone") or agency

    def areas(self, stop):
        while stop:
            own = {row["area_id"] for row in self.rows("stop_areas") if row["stop_id"] == stop}
            if own:
                return own
            stop = self.stops.get(stop, {}).get("parent_station", "")
        return set()

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
        """What the rider of a leg pays for a product: an amount, None (not sold), or UNSURE."""
        rows = [row for row in self.rows("fare_products") if row["fare_product_id"] == product]
        category, medium = leg.category, leg.medium
        if not category:
            main = {
                row["rider_category_id"]
                for row in self.rows("rider_categories")
                if row.get("is_default_fare_category") == "1"
            }
            sold = {row.get("rider_category_id", "") for row in rows} - {""}
            if len(sold & main) == 1:
                category = (sold & main).pop()
        rows = [row for row in rows if row.get("rider_category_id", "") in {"", category}]
        if medium:
            rows = [row for row in rows if row.get("fare_media_id", "") in {"", medium}]
        by_medium = {}
        for row in rows:
            amount = self.minor(row["amount"], row["currency"])
            if amount is not None:
                at = row.get("fare_media_id", "")
                by_medium[at] = min(by_medium.get(at, amount), amount)
        if not by_medium:
            return None
        if medium:
            return min(by_medium.values())
        return by_medium.popitem()[1] if len(set(by_medium.values())) == 1 else UNSURE

    def cell(self, rule, column, values):
        """Whether a cell of a leg rule fits: True, False, None; ``values`` None: not known."""
        asked = rule.get(column, "")
        listed = {row.get(column, "") for row in self.rows("fare_leg_rules")} - {""}
        if asked:
            return None if values is None else asked in values
        if self.by_priority or not listed:
            return True
        if values is None:
            return None
        return not values or not values <= listed

    @property
    def by_priority(self):
        return any("rule_priority" in row for row in self.rows("fare_leg_rules"))

    def leg_rules(self, leg):
        """The leg rules that a leg selects; None: nobody knows which."""
        network = self.network(leg)
        values = {
            "network_id": None if network is None else {network} - {""},
            "from_area_id": self.areas(leg.start) if leg.start in self.stops else None,
            "to_area_id": self.areas(leg.end) if leg.end in self.stops else None,
        }
        sure, unsure = [], []
        for rule in self.rows("fare_leg_rules"):
            fits = [self.cell(rule, column, values[column]) for column in values]
            for column, stop, moment in (
                ("from_timeframe_group_id", leg.start, leg.depart),
                ("to_timeframe_group_id", leg.end, leg.arrive),
            ):
                if rule.get(column):
                    fits.append(self.in_timeframe(rule[column], stop, moment))
            if False not in fits:
                (unsure if None in fits else sure).append(rule)
        if self.by_priority:

            def rank(rule):
                return int(rule.get("rule_priority") or 0)

            top = max(map(rank, sure), default=-1)
            if any(rank(rule) >= top for rule in unsure):
                return None
            return [rule for rule in sure if rank(rule) == top]
        if unsure:
            return None
        listing = [
            column
            for column in values
            if any(row.get(column) for row in self.rows("fare_leg_rules"))
        ]
        exact = [rule for rule in sure if all(rule.get(column) for column in listing)]
        return exact or sure

    def options(self, leg):
        """Ways to pay for a leg by itself: (amount, leg group), cheapest of each; None: unknown."""
        rules = self.leg_rules(leg) if leg.alone else None
        if not rules:
            return None
        found = {}
        for rule in rules:
            amount = self.price(rule["fare_product_id"], leg)
            if amount == UNSURE:
                return None
            if amount is not None:
                group = rule.get("leg_group_id", "")
                found[group] = min(found.get(group, amount), amount)
        return sorted((amount, group) for group, amount in found.items()) or None

    def joins(self, one, two):
        """Whether two consecutive legs are one effective leg: True, False, None."""
        if two.depart - (one.depart if one.arrive is None else one.arrive) > self.gap:
            return False
        networks = self.network(one), self.network(two)
        answers = [False]
        for rule in self.rows("fare_leg_join_rules"):
            fits = [
                None if found is None else rule[column] == found
                for column, found in zip(
                    ("from_network_id", "to_network_id"), networks, strict=True
                )
                if rule.get(column)
            ]
            asked = rule.get("from_stop_id", ""), rule.get("to_stop_id", "")
            stops = one.end, two.start
            if not any(asked):
                unknown = any(stop not in self.stops for stop in stops)
                fits.append(None if unknown else self.station(stops[0]) == self.station(stops[1]))
            for wanted, stop in zip(asked, stops, strict=True):
                if wanted:
                    near = {stop, self.station(stop)} if stop in self.stops else set()
                    fits.append(wanted in near if near else None)
            answers.append(False if False in fits else None if None in fits else True)
        return True if True in answers else None if None in answers else False

    def effective(self, legs):
        """Join legs: (effective leg, positions of its parts)."""
        whole = []
        for at, leg in enumerate(legs):
            verdict = self.joins(legs[at - 1], leg) if at else False
            if verdict:
                head, parts = whole[-1]
                same = self.network(head) == self.network(leg)
                head = replace(
                    head,
                    end=leg.end,
                    arrive=leg.arrive,
                    joined=self.network(head) if same else "",
                )
                whole[-1] = (head, [*parts, at])
                continue
            if verdict is None:
                head, parts = whole[-1]
                whole[-1] = (replace(head, alone=False), parts)
            whole.append((leg if verdict is False else replace(leg, alone=False), [at]))
        return whole

    def in_time(self, rule, first, last, previous):
        """Whether a transfer is quick enough: True, False, None."""
        if not rule.get("duration_limit"):
            left = previous.depart if previous.arrive is None else previous.arrive
            return last.depart - left <= self.gap
        kind = rule.get("duration_limit_type") or "0"
        limit = int(rule["duration_limit"])
        start = first.depart if kind in "01" else first.arrive
        end = last.arrive if kind in "03" else last.depart
        if start is None and kind == "2" and end - first.depart <= limit:
            return True  # it arrived later than it departed
        if start is None or end is None:
            return None
        return end - start <= limit

    def transfer(self, one, two, count, first, last, previous):
        """Rule of a transfer between leg groups: the amount and type, None, or UNSURE."""
        rules = self.rows("fare_transfer_rules")
        if not one or not two:
            return None
        found = []
        for rule in rules:
            fits = True
            for column, group in (("from_leg_group_id", one), ("to_leg_group_id", two)):
                asked = rule.get(column, "")
                listed = {row.get(column, "") for row in rules} - {""}
                fits &= asked == group if asked else group not in listed
            if not fits:
                continue
            spans = rule.get("transfer_count") or "-1"
            if rule.get("from_leg_group_id", "") != rule.get("to_leg_group_id", ""):
                spans = "-1"
            spans = float("inf") if spans == "-1" else int(spans)
            if spans < count or spans < 1:
                continue
            quick = self.in_time(rule, first, last, previous)
            if quick is None:
                return UNSURE
            if not quick:
                continue
            amount = 0
            if rule.get("fare_product_id"):
                amount = self.price(rule["fare_product_id"], last)
                if amount == UNSURE:
                    return UNSURE
                if amount is None:
                    continue
            limit = float(rule.get("duration_limit") or "inf")
            found.append((spans, limit, amount, int(rule["fare_transfer_type"])))
        return min(found)[2:] if found else None

    def charges(self, legs):
        """What each leg of a card adds, by time; None where the fare is unknown."""
        out = [0] * len(legs)
        state = None  # of the last leg: group, leg, its first, count, dues, whether transferred
        for leg, parts in self.effective(legs):
            options = self.options(leg)
            best = None
            for amount, group in options or []:
                fresh = (amount, amount, group, (group, leg, leg, 0, amount, False))
                answer = fresh
                if state is not None:
                    before, previous, first, count, dues, transferred = state
                    if before != group:
                        first, count = previous, 0
                    verdict = self.transfer(before, group, count + 1, first, leg, previous)
                    if verdict == UNSURE:
                        options = None
                        break
                    if verdict is not None:
                        extra, kind = verdict
                        more = extra + (amount if kind == 1 else 0)
                        if kind == 2 and not transferred:
                            more = extra - dues
                        more = max(more, -dues)
                        counted = count + 1 if before == group else 0
                        kept = first if before == group else leg
                        answer = (
                            more,
                            amount,
                            group,
                            (group, leg, kept, counted, dues + more, True),
                        )
                if best is None or answer[:3] < best[:3]:
                    best = answer
            if options is None:
                state = None
                for at in parts:
                    out[at] = None
            else:
                out[parts[0]] = best[0]
                state = best[3]
        return out

    # --- Fares v1 --------------------------------------------------------------------------------

    def passed(self, leg):
        """Zones that a ride enters: those of the way most trips of its route take."""
        ways = {}
        for trip in self.rows("trips"):
            if trip["route_id"] != leg.route:
                continue
            calls = [row for row in self.rows("stop_times") if row["trip_id"] == trip["trip_id"]]
            stops = [
                row["stop_id"] for row in sorted(calls, key=lambda row: int(row["stop_sequence"]))
            ]
            if leg.start in stops and leg.end in stops[stops.index(leg.start) + 1 :]:
                at = stops.index(leg.start)
                way = stops[at : stops.index(leg.end, at + 1) + 1]
                zones = tuple(sorted({self.fare_zone(stop) for stop in way} - {""}))
                ways[zones] = ways.get(zones, 0) + 1
        if not ways:
            return {self.fare_zone(leg.start), self.fare_zone(leg.end)} - {""}
        return set(min(ways, key=lambda zones: (-ways[zones], zones)))

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
        rules = [row for row in self.rows("fare_rules") if row["fare_id"] == fare["fare_id"]]
        if rules:
            answers += [self.ruled(rules, leg, legs) for leg in legs]
        return False if False in answers else None if None in answers else True

    def ruled(self, rules, leg, legs):
        """Whether some rule lets one of the rides be made on the fare."""
        known = all(one.start in self.stops and one.end in self.stops for one in legs)
        zones = set().union(*(self.passed(one) for one in legs)) if known else None
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
            if contains - {""}:
                fits.append(None if zones is None else contains - {""} == zones)
            answers.append(False if False in fits else None if None in fits else True)
        return True if True in answers else None if None in answers else False

    def tickets(self, legs):
        """What each leg of a card adds to its cheapest cover by tickets; None: unknown."""
        out = []
        base, totals = 0, [0]  # totals[k]: the cheapest cover of k legs from ``base`` on
        for last in range(len(legs)):
            sure = least = float("inf")
            for first in range(base, last + 1):
                paid = totals[first - base]
                for fare in self.rows("fare_attributes"):
                    amount = self.minor(fare["price"], fare["currency_type"])
                    if amount is None:
                        continue
                    verdict = self.valid(fare, legs[first : last + 1])
                    if verdict is not False:
                        least = min(least, paid + amount)
                    if verdict:
                        sure = min(sure, paid + amount)
            if sure == float("inf") or least < sure:
                out.append(None)
                base, totals = last + 1, [0]
            else:
                out.append(sure - totals[-1])
                totals.append(sure)
        return out


def seconds(text):
    hours, minutes, left = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(left)
