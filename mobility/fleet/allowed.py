"""A planner's rules as arrays: one value a trip, or a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mobility.units import DAY_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem
    from mobility.fleet.rules import Layover

# No wait is as long; below 2**31 with any time added.
NO_LIMIT_S = 1_000_000


@dataclass(frozen=True, eq=False)
class Allowed:
    """What the rules say of every trip and place.

    Parameters
    ----------
    layover_s
        (trips,) least layover after each trip.
    group
        (trips,) trips of different groups never share a bus.
    depots, types
        (trips, depots) and (trips, types of bus): where and by what each trip may be driven.
    max_wait_s, parking
        (places,) how long a bus may stand there, and how many at once; ``NO_LIMIT_S``: any.
    relief
        (places,) whether drivers are relieved there.
    """

    layover_s: NDArray[np.int32]
    group: NDArray[np.int32]
    depots: NDArray[np.bool_]
    types: NDArray[np.bool_]
    max_wait_s: NDArray[np.int32]
    parking: NDArray[np.int32]
    relief: NDArray[np.bool_]


def allowed_of(problem: Problem) -> Allowed:
    """Resolve the rules of a problem."""
    rules, trips, places = problem.rules, problem.trips, problem.deadheads.places
    route = trips["route_id"]
    depots = np.ones((len(trips), len(problem.depots)), bool)
    types = np.ones((len(trips), len(problem.vehicles)), bool)
    free = np.ones(len(trips), bool)
    for rule in rules.routes:
        here = route.isin(rule.routes).to_numpy() & free
        free &= ~here
        if rule.allowed_depots:
            depots[here] = [one.id in rule.allowed_depots for one in problem.depots]
        if rule.allowed_types:
            types[here] = [one.id in rule.allowed_types for one in problem.vehicles]
    wait = np.full(
        len(places), NO_LIMIT_S if rules.max_wait_s is None else rules.max_wait_s, np.int32
    )
    parking = np.full(len(places), NO_LIMIT_S, np.int32)
    for terminal in reversed(rules.terminals):  # the first that names a stop counts
        here = np.isin(places, terminal.stops)
        if terminal.max_wait_s is not None:
            wait[here] = terminal.max_wait_s
        if terminal.parking is not None:
            parking[here] = terminal.parking
    return Allowed(
        layover_s=_layovers(problem),
        group=_groups(route, rules.interline),
        depots=depots,
        types=types,
        max_wait_s=np.minimum(wait, NO_LIMIT_S).astype(np.int32),
        parking=parking,
        relief=np.isin(places, rules.relief_stops),
    )


def _layovers(problem: Problem) -> NDArray[np.int32]:
    """The first rule that fits a trip counts; else the least layover of all."""
    rules, trips = problem.rules, problem.trips
    layover = np.full(len(trips), rules.min_layover_s, np.int64)
    for rule in reversed(rules.layovers):
        here = _fits(problem, rule)
        took = (problem.arrive_s - problem.depart_s)[here]
        layover[here] = np.maximum(rule.seconds, np.ceil(rule.share * took - 1e-9))
    return layover.astype(np.int32)


def _fits(problem: Problem, rule: Layover) -> NDArray[np.bool_]:
    trips = problem.trips
    fits = np.ones(len(trips), bool)
    if rule.stops:
        fits &= trips["to_stop"].isin(rule.stops).to_numpy()
    if rule.routes:
        fits &= trips["route_id"].isin(rule.routes).to_numpy()
    if rule.hours:
        clock = problem.arrive_s.astype(np.int64) % DAY_S
        inside = np.zeros(len(trips), bool)
        for start, end in rule.hours:
            low, high = start % DAY_S, end % DAY_S
            if end - start >= DAY_S:
                inside[:] = True
            elif low < high:
                inside |= (clock >= low) & (clock < high)
            else:
                inside |= (clock >= low) | (clock < high)
        fits &= inside
    return fits


def _groups(route: pd.Series[str], interline: Sequence[Sequence[str]]) -> NDArray[np.int32]:
    """One number a group of routes; a route of no group is one of its own; none given: all one."""
    if not interline:
        return np.zeros(route.size, np.int32)
    number = {name: at for at, group in enumerate(interline) for name in group}
    alone = sorted(set(route) - set(number))
    number |= {name: len(interline) + at for at, name in enumerate(alone)}
    return np.asarray(route.map(number), np.int32)
