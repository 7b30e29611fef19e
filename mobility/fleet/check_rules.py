"""The checker's rules: layovers, waits, parking, interlining, types, depots, blocks, reliefs.

It reads the rules as the planner wrote them, not as the solvers resolved them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.findings import Finding, Severity
from mobility.fleet.check_say import DAY, say

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from mobility.fleet.problem import Problem
    from mobility.fleet.rules import Rules


def check_rules(problem: Problem, blocks: pd.DataFrame, mode: str) -> list[Finding]:
    """Hold every rule of a case against a table of activities; a soft rule's finding only warns."""
    links = _links(problem, blocks, mode)
    found = {
        "layover": _layovers(problem.rules, links),
        "wait": _waits(problem.rules, links),
        "interline": _interlined(problem.rules, links),
        "parking": _parking(problem.rules, blocks),
        "block": _block_lengths(problem.rules, blocks, links),
        "relief": _reliefs(problem.rules, blocks),
        "routes": _routes(problem, blocks),
        "count": _counts(problem, blocks),
    }
    return [
        replace(one, severity=Severity.WARNING) if rule in problem.rules.soft else one
        for rule, some in found.items()
        for one in some
    ]


def _links(problem: Problem, blocks: pd.DataFrame, mode: str) -> list[dict[str, Any]]:
    """What lies between each two trips of a vehicle: the trips, the stands, whether it was home."""
    trips = problem.trips.set_index("trip_id")
    route, block = trips["route_id"].to_dict(), trips["block_id"].to_dict()
    links: list[dict[str, Any]] = []
    before: Any = None
    stands: list[tuple[str, int, str]] = []
    row: Any  # pandas types a row's cells as anything
    for row in blocks.itertuples(index=False):
        if before is not None and before.vehicle != row.vehicle:
            before, stands = None, []
        if row.kind != "trip":
            stands.append((row.kind, row.end_s - row.start_s, row.from_stop))
            continue
        if before is not None:
            own = block.get(row.trip_id, "")
            links.append({
                "vehicle": row.vehicle, "first": before, "then": row, "stands": stands,
                "home": any(kind == "depot" for kind, _, _ in stands),
                "kept": mode != "optimise" and own != "" and own == block.get(before.trip_id),
                "routes": (route.get(before.trip_id, ""), route.get(row.trip_id, "")),
            })  # fmt: skip
        before, stands = row, []
    return links


def _name(links: list[dict[str, Any]]) -> Callable[[int], str]:
    return lambda at: (
        f"{links[at]['vehicle']}: {links[at]['first'].trip_id} -> {links[at]['then'].trip_id}"
    )


def _layovers(rules: Rules, links: list[dict[str, Any]]) -> list[Finding]:
    """Between two trips a bus stands, at a terminal or at home, for its layover."""
    short = [
        not link["kept"]
        and sum(length for kind, length, _ in link["stands"] if kind in ("wait", "depot"))
        < _least_layover(rules, link)
        for link in links
    ]
    return say("layover_too_short", short, _name(links))


def _least_layover(rules: Rules, link: dict[str, Any]) -> float:
    trip, route = link["first"], link["routes"][0]
    clock = trip.end_s % DAY
    for rule in rules.layovers:
        hours = not rule.hours or any(
            (clock - start) % DAY < (end - start if end > start else end + DAY - start)
            for start, end in rule.hours
        )
        place = not rule.stops or trip.to_stop in rule.stops
        if hours and place and (not rule.routes or route in rule.routes):
            return float(max(rule.seconds, rule.share * (trip.end_s - trip.start_s) - 1e-6))
    return rules.min_layover_s


def _waits(rules: Rules, links: list[dict[str, Any]]) -> list[Finding]:
    """Nowhere does a bus that stays out stand longer than the terminal allows."""
    own = {stop: one.max_wait_s for one in reversed(rules.terminals) for stop in one.stops
           if one.max_wait_s is not None}  # fmt: skip
    general = float("inf") if rules.max_wait_s is None else rules.max_wait_s
    long = []
    for link in links:
        stood: dict[str, int] = defaultdict(int)
        for kind, length, stop in link["stands"]:
            if kind == "wait":
                stood[stop] += length
        beyond = any(length > own.get(stop, general) for stop, length in stood.items())
        # After a stay at home the bus comes as late as it can: what it waits then is the road's doing.
        long.append(not link["kept"] and not link["home"] and beyond)
    return say("wait_too_long", long, _name(links))


def _interlined(rules: Rules, links: list[dict[str, Any]]) -> list[Finding]:
    """Two routes share a bus only within a group."""
    if not rules.interline:
        return []
    group = {route: at for at, routes in enumerate(rules.interline) for route in routes}
    apart = [
        not link["kept"]
        and link["routes"][0] != link["routes"][1]
        and group.get(link["routes"][0], -1) != group.get(link["routes"][1], -2)
        for link in links
    ]
    return say("interline_not_allowed", apart, _name(links))


def _parking(rules: Rules, blocks: pd.DataFrame) -> list[Finding]:
    """Never do more buses stand at a terminal than it has places."""
    places = {stop: one.parking for one in reversed(rules.terminals) for stop in one.stops
              if one.parking is not None}  # fmt: skip
    waits = blocks[(blocks["kind"] == "wait") & (blocks["end_s"] > blocks["start_s"])]
    full: list[str] = []
    for stop, most in sorted(places.items()):
        here = waits[waits["from_stop"] == stop]
        if here.empty:
            continue
        when = np.concatenate([here["start_s"].to_numpy(), here["end_s"].to_numpy()])
        change = np.repeat([1, -1], len(here))
        order = np.lexsort((change, when))  # a bus leaves before another one comes
        standing = np.cumsum(change[order])
        if standing.max() > most:
            at = int(when[order][int(standing.argmax())])
            full.append(f"{stop} at {at} s: {int(standing.max())} of {most}")
    return say("parking_exceeded", np.ones(len(full)), lambda at: full[at])


def _block_lengths(
    rules: Rules, blocks: pd.DataFrame, links: list[dict[str, Any]]
) -> list[Finding]:
    """From pull-out to pull-in no block is longer than allowed, but for those that the feed gives."""
    out = blocks["end_s"].where(blocks["kind"] == "pull-in").groupby(blocks["block"], sort=False)
    begin = blocks.groupby("block", sort=False)["start_s"].min()
    given = {link["then"].block for link in links if link["kept"]}
    long = (out.max() - begin).to_numpy() > rules.max_block_s
    long &= ~begin.index.isin(list(given))
    return say("block_too_long", long, lambda at: str(begin.index[at]))


def _reliefs(rules: Rules, blocks: pd.DataFrame) -> list[Finding]:
    """Between two places where a driver can be relieved lies no more than allowed."""
    if rules.relief_max_s is None:
        return []
    late: list[str] = []
    vehicle, since = "", 0
    row: Any
    for row in blocks.itertuples(index=False):
        if row.vehicle != vehicle:
            vehicle, since = row.vehicle, row.start_s
        relieved = row.kind == "depot" or (
            row.kind == "wait" and row.from_stop in rules.relief_stops
        )
        until = row.start_s if relieved else row.end_s
        if until - since > rules.relief_max_s and (not late or late[-1] != vehicle):
            late.append(vehicle)
        if relieved:
            since = row.end_s
    return say("relief_too_late", np.ones(len(late)), lambda at: late[at])


def _routes(problem: Problem, blocks: pd.DataFrame) -> list[Finding]:
    """Each route is driven by a type of bus, and from a depot, that may serve it."""
    types: dict[str, tuple[str, ...]] = {}
    depots: dict[str, tuple[str, ...]] = {}
    for rule in problem.rules.routes:
        for one in rule.routes:
            types.setdefault(one, rule.allowed_types)
            depots.setdefault(one, rule.allowed_depots)
    if not types:
        return []
    trips = blocks[blocks["kind"] == "trip"]
    route = trips["trip_id"].map(problem.trips.set_index("trip_id")["route_id"])
    found = []
    for code, column, allowed in (
        ("type_not_allowed", "type", types), ("depot_not_allowed", "depot", depots),
    ):  # fmt: skip
        wrong = [
            bool(allowed.get(str(one), ())) and value not in allowed[str(one)]
            for one, value in zip(route, trips[column], strict=True)
        ]
        found += say(
            code, wrong, lambda at: f"{trips['vehicle'].iloc[at]}: {trips['trip_id'].iloc[at]}"
        )
    return found


def _counts(problem: Problem, blocks: pd.DataFrame) -> list[Finding]:
    """No more buses of a type than there are, and each bus of one type that is known."""
    known = {one.id: one.count for one in problem.vehicles} | {"conventional": None}
    mixed = blocks.groupby("vehicle", sort=False)["type"].nunique().to_numpy() > 1
    found = say("type_not_allowed", mixed, "a bus of two types")
    for name, many in blocks.groupby("type")["vehicle"].nunique().items():
        most = known.get(str(name), 0)
        if most is not None and many > most:
            found += say("type_count_exceeded", [True], f"{name}: {many} of {most}")
    return found
