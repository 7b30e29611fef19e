"""Fares, slowly: every rule as the documentation says it, tap after tap, no arrays, no code of ours.

A tap is a dict: card, time (epoch seconds), and any of mode, route, network, stop, zone, to_stop, to_zone,
zones, category, medium, riders, kind, to_time, rank. Answers are dicts; charged None is unknown.
"""

import copy
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

NOWHERE = "\0"  # the zone of a stop that has none
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Missing(Exception):
    """A rule asks for the end of a leg that is not known: its place, or its time too."""


def local(tariff, time):
    return datetime.fromtimestamp(time, UTC).astimezone(ZoneInfo(tariff.timezone))


def service_day(tariff, time):
    clock = local(tariff, time).replace(tzinfo=None)
    return (clock - timedelta(seconds=tariff.service_day_start_s)).date()


def value_of(tariff, tap, key):
    """A tap's value of a key: its own, by the tariff's maps, or the default."""
    if tap.get(key) is not None:
        return tap[key]
    if key == "network" and "network" not in tap:
        return tariff.networks.get(tap.get("route"))
    if key == "zone" and "zone" not in tap:
        return tariff.zones.get(tap.get("stop"))
    if key == "to_zone" and not {"zone", "to_zone"} & set(tap) and tap.get("to_stop") is not None:
        return tariff.zones.get(tap["to_stop"], NOWHERE)
    if key == "category":
        return tariff.default_category or None
    if key == "medium":
        return tariff.default_medium or None
    if key in {"route", "stop"}:
        return getattr(tariff, f"default_{key}") or None
    return None


def in_timeframe(tariff, name, time):
    clock = local(tariff, time)
    second = clock.hour * 3600 + clock.minute * 60 + clock.second
    names_holidays = any("holiday" in (one.days or ()) for one in tariff.timeframes)
    kind = WEEKDAYS[clock.weekday()]
    if clock.date() in tariff.holidays:
        kind = "holiday" if names_holidays else "sun"
    for one in tariff.timeframes:
        if one.id == name and one.from_s <= second < one.to_s:
            if one.dates is not None:
                if clock.date() in one.dates:
                    return True
            elif one.days is None or kind in one.days:
                return True
    return False


def has(tariff, tap, key, match):
    value = value_of(tariff, tap, key)
    return value not in {None, NOWHERE} and (value in match.values) != match.negate


def fare_matches(tariff, fare, tap):
    """True, False, or Missing is raised: it would depend on an end that is not known."""
    for key in ("mode", "route", "network", "stop", "zone", "category", "medium"):
        match = getattr(fare, key)
        if match is not None and not has(tariff, tap, key, match):
            return False
    if fare.timeframe is not None and not in_timeframe(tariff, fare.timeframe, tap["time"]):
        return False
    day = local(tariff, tap["time"]).date()
    if (fare.valid_from and day < fare.valid_from) or (fare.valid_to and day > fare.valid_to):
        return False
    missing = False
    for key in ("to_stop", "to_zone"):
        match = getattr(fare, key)
        if match is not None:
            if value_of(tariff, tap, key) is None:
                missing = True
            elif not has(tariff, tap, key, match):
                return False
    if fare.zones is not None:
        if tap.get("zones") is None:
            missing = True
        elif set(tap["zones"].split()) != set(fare.zones):
            return False
    if fare.to_timeframe is not None:
        if tap.get("to_time") is None:
            missing = "time"
        elif not in_timeframe(tariff, fare.to_timeframe, tap["to_time"]):
            return False
    if missing:
        raise Missing(missing)
    return True


def price(tariff, tap):
    """The fare rule that prices a leg, or None; and why: unknown, no_tap_off, maximum."""
    for fare in tariff.fares:
        try:
            if fare_matches(tariff, fare, tap):
                return fare, ""
        except Missing as missing:
            if tariff.missing_tap_off == "unknown" or missing.args[0] == "time":
                return None, "no_tap_off"
            dearest = dearest_end(tariff, tap)
            return dearest, "maximum" if dearest else "no_tap_off"
    return None, ""


def dearest_end(tariff, tap):
    """The dearest fare over every end that the tariff knows of, and one that it does not."""
    stops, zones, sets = {"?"}, {"?"}, {"?"}
    for fare in tariff.fares:
        stops |= set(fare.to_stop.values) if fare.to_stop else set()
        zones |= set(fare.to_zone.values) if fare.to_zone else set()
        sets |= {" ".join(fare.zones)} if fare.zones else set()
    stops |= set(tariff.zones)
    found = []
    for stop in stops if not tap.get("to_stop") else [tap["to_stop"]]:
        for zone in [None, *zones] if not tap.get("to_zone") else [tap["to_zone"]]:
            for passed in sets if not tap.get("zones") else [tap["zones"]]:
                tried = {**tap, "to_stop": stop, "zones": passed}
                tried.pop("to_zone", None)
                if "to_zone" in tap:
                    if zone is None:
                        continue
                    tried["to_zone"] = zone
                fare = None
                for one in tariff.fares:
                    try:
                        if fare_matches(tariff, one, tried):
                            fare = one
                            break
                    except Missing:
                        break
                if fare and fare.amount is not None:
                    found.append(fare)
    return max(found, key=lambda one: (one.amount, -tariff.fares.index(one)), default=None)


def side_matches(tariff, side, leg):
    fare, tap = leg["fare"], leg["tap"]
    if (
        side.leg_group is not None
        and (fare.leg_group in side.leg_group.values) == side.leg_group.negate
    ):
        return False
    if side.product is not None and (fare.product in side.product.values) == side.product.negate:
        return False
    for key in ("mode", "route", "network", "stop", "zone", "category", "medium"):
        match = getattr(side, key)
        if match is not None and not has(tariff, tap, key, match):
            return False
    return True


def find_rule(tariff, legs, leg):
    """The transfer rule between a journey's legs so far and the next one."""
    if not legs:
        return None
    last, first = legs[-1], legs[0]
    run = [last]
    for one in reversed(legs[:-1]):
        if one["fare"].leg_group != last["fare"].leg_group:
            break
        run.insert(0, one)
    same_group = last["fare"].leg_group == leg["fare"].leg_group
    routes = {one.get("route") for whole in legs for one in whole["taps"]} - {None}
    for rule in tariff.transfers:
        if not side_matches(tariff, rule.before, last) or not side_matches(tariff, rule.after, leg):
            continue
        if rule.max_transfers is not None and len(legs) - 1 >= rule.max_transfers:
            continue
        if rule.group_transfers is not None and same_group and len(run) - 1 >= rule.group_transfers:
            continue
        if rule.same_route is False and leg["tap"].get("route") in routes:
            continue
        if rule.same_mode is False and leg["tap"].get("mode") == last["tap"].get("mode"):
            continue
        if rule.same_product and leg["fare"].product != last["fare"].product:
            continue
        if rule.window_s is not None:
            anchor = {"first-leg": first, "last-leg": last, "first-of-group": run[0]}[rule.anchor]
            if rule.anchor == "first-of-group" and not same_group:
                anchor = last
            since, until = anchor[rule.start], leg[rule.end]
            if since is None or until is None or until - since > rule.window_s:
                if rule.final:
                    return None
                continue
        return rule
    return None


def leg_cost(rule, price, legs):
    if rule is None:
        return price
    if rule.kind == "free":
        return 0
    if rule.kind == "difference":
        return max(price - max(one["price"] for one in legs), 0)
    if rule.kind == "discount":
        return max(price - rule.amount, 0)
    if rule.kind == "A+AB+B":
        return rule.amount + price
    if rule.kind == "AB" and len(legs) == 1:
        return rule.amount - sum(one["cost"] for one in legs)
    return rule.amount


def joins(tariff, legs, tap):
    """Whether this tap's leg and the one before are one effective leg."""
    if not legs:
        return False
    before = legs[-1]["taps"][-1]
    since = before["time"] if legs[-1]["off"] is None else legs[-1]["off"]
    if tariff.join_window_s is not None and tap["time"] - since > tariff.join_window_s:
        return False
    for rule in tariff.joins:
        if rule.before_network is not None and not has(
            tariff, before, "network", rule.before_network
        ):
            continue
        if rule.after_network is not None and not has(tariff, tap, "network", rule.after_network):
            continue
        if rule.before_stop is not None and not has(tariff, before, "to_stop", rule.before_stop):
            continue
        if rule.after_stop is not None and not has(tariff, tap, "stop", rule.after_stop):
            continue
        if rule.before_stop is not None or rule.after_stop is not None:
            return True
        end, start = before.get("to_stop"), tap.get("stop")
        one, other = tariff.stations.get(end, end), tariff.stations.get(start, start)
        if None not in {end, start} and one == other:
            return True
    return False


# --- caps ---------------------------------------------------------------------------------------


def period(cap, day):
    """First day of the calendar period that a day lies in."""
    if cap.period == "calendar-week":
        return day - timedelta(days=(day.weekday() - cap.starts) % 7)
    if cap.period == "calendar-month":
        return day.replace(day=1)
    return day


def level_on(levels, day):
    for one in levels:
        if (one.valid_from is None or day >= one.valid_from) and (
            one.valid_to is None or day <= one.valid_to
        ):
            return one
    return None


def in_scope(tariff, cap, tap):
    for key, match in (
        ("mode", cap.modes), ("route", cap.routes), ("zone", cap.zones), ("network", cap.networks),
        ("category", cap.categories), ("medium", cap.media),
    ):  # fmt: skip
        if match is not None and not has(tariff, tap, key, match):
            return False
    if cap.zones is not None and value_of(tariff, tap, "to_zone") is not None:
        return has(tariff, tap, "to_zone", cap.zones)
    return True


def percent(amount, after):
    return (amount * after + 50) // 100


def allows(level, used, fare):
    if level.rides is not None:
        return fare if used < level.rides or fare <= 0 else percent(fare, level.after)
    left = max(level.amount - used, 0)
    if fare <= left:
        return fare
    if level.crossing == "full":
        return fare if left > 0 else percent(fare, level.after)
    return left + percent(fare - left, level.after)


class CapAccount:
    """One cap of one card: what counted when."""

    def __init__(self, levels):
        self.levels, self.head = levels, levels[0]
        self.counted = []  # (day, time, amount)
        self.window = None  # (first day, first time, level) of a rolling period
        self.journey_counts = None  # period in which the journey going on was counted

    def look(self, day, time):
        """Level and what is used of it at a moment, or None."""
        head = self.head
        at = day
        if head.on_change == "old-until-period-end" and head.period.startswith(
            ("service", "calendar")
        ):
            at = period(head, day)
        level = level_on(self.levels, at)
        if head.period == "rolling":
            if self.window is not None:
                first_day, first_time, old = self.window
                if head.clock == "hours":
                    over = time >= first_time + head.days * 86_400
                else:
                    over = day >= first_day + timedelta(days=head.days)
                if over:
                    self.window = None
                    self.counted = []
                elif head.on_change == "old-until-period-end":
                    level = old
            key = self.window
            used = sum(amount for _, _, amount in self.counted) if self.window else 0
        elif head.period == "sliding":
            key = "sliding"
            used = sum(
                amount for when, _, amount in self.counted if when > day - timedelta(days=head.days)
            )
        else:
            key = period(head, day)
            used = sum(amount for when, _, amount in self.counted if period(head, when) == key)
        return level, used, key

    def count(self, day, time, level, paid, nominal, continues):
        head = self.head
        if head.period == "rolling" and self.window is None:
            if head.anchor == "first-paid-tap" and paid <= 0:
                return
            self.window = (day, time, level)
        if head.accrues == "charged":
            amount = paid
        elif head.paid_only and paid <= 0:
            amount = 0
        elif head.accrues == "nominal":
            amount = nominal
        elif head.accrues == "rides":
            amount = 1
        else:
            amount = 0 if continues else 1
        if head.accrues == "journeys" and amount:
            self.journey_counts = self.look(day, time)[2]
        self.counted.append((day, time, amount))


def cap_tap(tariff, accounts, tap, fare, nominal, continues):
    """Charge of a tap, and the id of the cap that held it."""
    day = service_day(tariff, tap["time"])
    found = []
    charge, which = fare, None
    for account in accounts:
        if not in_scope(tariff, account.head, tap):
            continue
        level, used, key = account.look(day, tap["time"])
        if level is None:
            continue
        counted = key is not None and account.journey_counts == key
        if account.head.accrues == "journeys" and continues and counted:
            used -= 1
        lets = allows(level, used, fare)
        found.append((account, level, lets))
        if lets < charge:
            charge, which = lets, account.head.id
    for account, level, lets in found:
        paid = lets if tariff.combine == "best-single" else charge
        account.count(day, tap["time"], level, paid, nominal, continues)
    return charge, which


# --- cards --------------------------------------------------------------------------------------


class Card:
    """All that is known of a card between two taps."""

    def __init__(self, tariff):
        groups = {}
        for one in tariff.caps:
            groups.setdefault(one.id, []).append(one)
        self.accounts = [CapAccount(levels) for levels in groups.values()]
        self.legs = []  # of the journey going on
        self.paid = 0  # charged in this journey
        self.number = 0


def settle_card(tariff, taps):
    """Answers for one card's taps, which are in order."""
    card = Card(tariff)
    numbers = 0
    answers = []
    open_on, stack = None, []
    ends = {}
    for k, tap in enumerate(taps):  # tap-offs first: a leg's price looks ahead to its end
        kind = tap.get("kind", "on")
        if kind == "on":
            open_on = k
            stack.append(k)
        elif kind == "off":
            if open_on is not None:
                ends[open_on] = k
            open_on = None
        elif stack and stack.pop() == open_on:
            open_on = None
    of_off = {off: on for on, off in ends.items()}
    stack = []
    for k, given in enumerate(taps):
        kind = given.get("kind", "on")
        answer = {
            "charged": 0,
            "nominal": 0,
            "spent": 0,
            "journey": card.number,
            "cap": None,
            "flags": {kind} - {"on"},
        }
        answers.append(answer)
        if kind == "off":
            if k in of_off:
                answer["journey"] = answers[of_off[k]]["journey"]
            else:
                answer["flags"].add("unmatched")
            continue
        if kind == "void":
            if not stack:
                answer["flags"].add("unmatched")
                continue
            on, card = stack.pop()
            undone = answers[on]
            undone["flags"].add("voided")
            answer["journey"], answer["cap"] = undone["journey"], undone["cap"]
            if undone["charged"] is not None:
                for name in ("charged", "nominal", "spent"):
                    answer[name] = -undone[name]
            continue
        stack.append((k, copy.deepcopy(card)))
        tap = dict(given)
        if k in ends:
            off = taps[ends[k]]
            tap["to_time"] = off["time"]
            tap["to_stop"] = off.get("stop")
            if "zone" in off or "to_zone" in tap:
                tap["to_zone"] = off.get("zone")
        fare, why = price(tariff, tap)
        legs, joined, cost_before, nominal_before = card.legs, False, 0, 0
        whole = tap
        taps_of_leg = [tap]
        if joins(tariff, card.legs, tap):
            joined = True
            last = card.legs[-1]
            whole = {**last["tap"], "to_time": tap.get("to_time"), "to_stop": tap.get("to_stop")}
            for key in ("to_zone", "zones"):
                if key in tap:
                    whole[key] = tap[key]
            fare, why = price(tariff, whole)
            legs = card.legs[:-1]
            taps_of_leg = [*last["taps"], tap]
            cost_before, nominal_before = last["cost"], last["price"]
        if why:
            answer["flags"].add(why)
        if fare is None or fare.amount is None:
            answer.update(charged=None, nominal=None, spent=None, journey=0)
            continue
        leg = {
            "tap": whole, "taps": taps_of_leg, "fare": fare, "price": fare.amount,
            "on": whole["time"], "off": whole.get("to_time"),
        }  # fmt: skip
        rule = find_rule(tariff, legs, leg)
        cost = leg_cost(rule, fare.amount, legs)
        if rule is None and not joined:
            numbers += 1
            card.number = numbers
            card.paid = 0
            for account in card.accounts:
                account.journey_counts = None
        if rule is None:
            legs = []
        nominal, due = fare.amount - nominal_before, cost - cost_before
        if due < -card.paid:
            due = -card.paid
            answer["flags"].add("floored")
        leg["cost"] = cost_before + due
        card.legs = [*legs, leg]
        charge, cap = cap_tap(tariff, card.accounts, tap, due, nominal, rule is not None or joined)
        card.paid += charge
        others = (tap.get("riders", 1) - 1) * max(nominal, 0)
        answer.update(
            charged=charge + others,
            nominal=nominal + others,
            spent=due + others,
            journey=card.number,
            cap=cap,
        )
        for name, true in (
            ("transfer", rule),
            ("joined", joined),
            ("capped", cap),
            ("riders", tap.get("riders", 1) > 1),
        ):
            if true:
                answer["flags"].add(name)
    return answers


def settle(tariff, taps):
    """Answers in the order of the input."""
    answers = [None] * len(taps)
    by_card = {}
    for row, tap in enumerate(taps):
        by_card.setdefault(tap["card"], []).append((tap["time"], tap.get("rank", 0), row))
    for rows in by_card.values():
        rows.sort()
        found = settle_card(tariff, [taps[row] for _, _, row in rows])
        for (_, _, row), answer in zip(rows, found, strict=True):
            answers[row] = answer
    return answers


def month_only(fares_by_month, cap):
    """Closed form: with one calendar-month amount cap each card pays min(sum, cap)."""
    return sum(min(sum(fares), cap) for fares in fares_by_month)


def first_of_month(time, timezone):
    clock = datetime.fromtimestamp(time, UTC).astimezone(ZoneInfo(timezone))
    return date(clock.year, clock.month, 1)
