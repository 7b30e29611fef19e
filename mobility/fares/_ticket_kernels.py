"""Ticket kernels (GTFS Fares v1): rides of a card become runs, each run ridden on one fare.

Times: int64 seconds, NONE where not known. Money: int64 minor units. Codes are -1 where not known.
A verdict is FALSE, MAYBE (a value that it needs is not known) or TRUE, so that *and* is the least
and *or* the greatest of them.
"""

import numpy as np

from mobility._jit import kernel

NONE = np.int64(-(2**62))
NO_FARE = np.int64(2**62)
FALSE, MAYBE, TRUE = 0, 1, 2
F_UNKNOWN, F_CONTINUES = 1, 2
ON, OFF, VOID = 0, 1, 2
MOST_ROUTES = 32


@kernel
def entry_verdict(e, route, no_origin, no_destination, back, zones, known, rules):
    """Whether one fare rule lets a ride on ``route`` be made within the run."""
    entry_routes, entry_contains, entry_ends = rules[2:5]
    contains, routes_of = rules[5], rules[6]
    verdict = TRUE
    if entry_routes[e] >= 0:
        if route < 0:
            verdict = MAYBE
        elif not routes_of[entry_routes[e], route]:
            return FALSE
    if entry_ends[e] & 1 and no_origin:
        verdict = MAYBE
    if entry_ends[e] & 2:
        if back:
            return FALSE
        if no_destination:
            verdict = MAYBE
    if entry_contains[e] >= 0:
        if not known:
            return min(verdict, MAYBE)
        for w in range(zones.shape[0]):
            if zones[w] != contains[entry_contains[e], w]:
                return FALSE
    return verdict


@kernel
def cheapest(origin, destination, run, routes, zones, least, rules, fares):
    """Price of the cheapest fare for a run, at ``least`` or more: (surely, perhaps).

    ``run`` is (rides, seconds, gaps held, routes, zones known, comes back).
    """
    rides, seconds, gaps_held, n_routes, known, back = run
    first, entry_fare = rules[0], rules[1]
    price, transfers, duration, agency, unruled, route_agency, lone_agency = fares
    last_origin, last_destination = first.shape[0] - 1, first.shape[1] - 2
    lo, hi = first[origin, destination], first[origin, destination + 1]
    perhaps = NO_FARE
    at = lo
    plain = 0
    while at < hi or plain < unruled.shape[0]:
        # Entries of a cell and fares without rules both stand by price; of one price, by number.
        if at < hi and (plain >= unruled.shape[0] or entry_fare[at] < unruled[plain]):
            f = entry_fare[at]
            end = at
            while end < hi and entry_fare[end] == f:
                end += 1
        else:
            f = unruled[plain]
            plain += 1
            end = at
        start, at = at, end
        if price[f] < least or (transfers[f] >= 0 and rides - 1 > transfers[f]):
            continue
        if duration[f] >= 0:
            if rides > 1 and seconds > duration[f]:
                continue
        elif not gaps_held:
            continue
        verdict = TRUE
        for r in range(n_routes):
            if agency[f] >= 0:
                owner = lone_agency if routes[r] < 0 else route_agency[routes[r]]
                if owner < 0:
                    verdict = min(verdict, MAYBE)
                elif owner != agency[f]:
                    verdict = FALSE
                    break
            if start < end:
                some = FALSE
                for e in range(start, end):
                    one = entry_verdict(
                        e, routes[r], origin == last_origin, destination == last_destination,
                        back, zones, known, rules,
                    )  # fmt: skip
                    some = max(some, one)
                verdict = min(verdict, some)
            if verdict == FALSE:
                break
        if verdict == FALSE:
            continue
        perhaps = min(perhaps, price[f])
        if verdict == TRUE:
            return price[f], perhaps
    return NO_FARE, perhaps


@kernel
def add_route(routes, count, route):
    """Put a route among those of a run, once; the new count, or -1 where there is no room."""
    for r in range(count):
        if routes[r] == route:
            return count
    if count >= routes.shape[0]:
        return -1
    routes[count] = route
    return count + 1


@kernel
def rate_tickets(order, card, counts, rides, sets, rules, fares, gap_s, out):
    """Rate every ride, cards and times in ``order``.

    A ride of unknown fare counts for nothing: the next one may go on with the ride before. So does
    a ride that is void later (``counts`` false), once it is rated.

    ``rides`` are (depart, arrive, route, origin class, destination class, origin zone, destination
    zone, row of ``sets``); ``sets`` (n, words) are the zones that rides enter. ``out`` is (what the
    ride adds, what it costs alone or else the fare it goes on with, flags).
    """
    depart, arrive, route, origin, destination, from_zone, to_zone, entered = rides
    added, alone, flags = out
    words = sets.shape[1]
    routes = np.empty(MOST_ROUTES, np.int64)
    lone = np.empty(1, np.int64)
    zones = np.zeros(words, np.int64)
    grown = np.zeros(words, np.int64)
    own = np.zeros(words, np.int64)
    open_run = False
    n_rides, n_routes, paid, began, last = 0, 0, np.int64(0), np.int64(0), -1
    gaps_held, known, left_zone = True, True, False
    first_origin, first_zone, last_card = 0, -1, np.int64(-1)
    for p in range(order.shape[0]):
        i = order[p]
        if last_card != card[i]:
            open_run = False
            last_card = card[i]
        lone[0] = route[i]
        sees = entered[i] >= 0
        for w in range(words):
            own[w] = sets[entered[i], w] if sees else np.int64(0)
        sure, perhaps = cheapest(
            origin[i], destination[i], (1, np.int64(0), True, 1, sees, False), lone, own,
            np.int64(0), rules, fares,
        )  # fmt: skip
        alone[i] = sure
        cost, least = sure, perhaps
        goes_on = False
        total = np.int64(0)
        room = -1
        held, away = True, False
        if open_run:
            since = depart[last] if arrive[last] == NONE else arrive[last]
            held = gaps_held and depart[i] - since <= gap_s
            room = add_route(routes, n_routes, route[i])
            if room >= 0:
                for w in range(words):
                    grown[w] = zones[w] | own[w]
                away = left_zone or (to_zone[last] >= 0 and to_zone[last] != first_zone)
                back = first_zone >= 0 and to_zone[i] == first_zone and away
                run = (n_rides + 1, depart[i] - began, held, room, known and sees, back)
                sure, perhaps = cheapest(
                    first_origin, destination[i], run, routes, grown, paid, rules, fares
                )
                least = min(least, perhaps - paid)
                if sure < NO_FARE and sure - paid <= cost:
                    goes_on = True
                    total = sure
                    cost = sure - paid
        if cost >= NO_FARE or least < cost:
            flags[i] = F_UNKNOWN
            added[i] = 0
            continue
        added[i] = cost
        flags[i] = F_CONTINUES if goes_on else 0
        if goes_on and alone[i] >= NO_FARE:
            alone[i] = total  # no fare is for this ride alone: the one that it is ridden on
        if not counts[i]:
            continue
        if goes_on:
            n_rides += 1
            n_routes = room
            gaps_held = held
            known = known and sees
            left_zone = away
            zones[:] = grown
            paid = total
        else:
            open_run = True
            n_rides, paid, began = 1, cost, depart[i]
            n_routes = add_route(routes, 0, route[i])
            gaps_held, known, left_zone = True, sees, False
            first_origin, first_zone = origin[i], from_zone[i]
            zones[:] = own
        last = i


@kernel
def pair_taps(order, card, kinds, off_of, counts):
    """Tap-off of each tap-on (-1 for none); whether a tap-on counts: it is not void later.

    A tap-off ends the tap-on before it of its card, a void takes back the last tap-on that stands.
    """
    stack = np.empty(order.shape[0], np.int64)
    held = 0
    open_on = np.int64(-1)
    last_card = np.int64(-1)
    for p in range(order.shape[0]):
        i = order[p]
        off_of[i] = -1
        counts[i] = True
        if card[i] != last_card:
            last_card, held, open_on = card[i], 0, np.int64(-1)
        if kinds[i] == ON:
            open_on = i
            stack[held] = i
            held += 1
        elif kinds[i] == OFF:
            if open_on >= 0:
                off_of[open_on] = i
                open_on = np.int64(-1)
        elif held > 0:
            held -= 1
            counts[stack[held]] = False
            if stack[held] == open_on:
                open_on = np.int64(-1)


def warm():
    """Compile or load the kernels that Python calls, with every dtype they are given."""
    one = np.zeros(1, np.int64)
    rides = (one, one, one, one, one, one, one, one)
    first = np.array([[0, 0, 0]], np.int64)
    empty = np.zeros(0, np.int64)
    rules = (
        first, empty, empty, empty, empty, np.zeros((0, 1), np.int64), np.zeros((0, 1), np.bool_)
    )  # fmt: skip
    fares = (one, one, one, one, one, one, -1)
    rate_tickets(
        one, one, np.ones(1, np.bool_), rides, np.zeros((1, 1), np.int64), rules, fares, 0,
        (one.copy(), one.copy(), one.copy()),
    )  # fmt: skip
    pair_taps(one, one, np.zeros(1, np.int8), one.copy(), np.ones(1, np.bool_))
