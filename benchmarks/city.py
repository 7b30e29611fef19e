"""A made-up city: terminals on a plane, routes between them, two peaks, one depot or many.

Prices follow the literature's single-depot instances: 10,000 a bus, 10 a minute of empty running
and 2 a minute of waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

SIDE_KM = 40.0
DEADHEAD_KMH = 24.0
# Trips an hour, from 05:00 to 24:00: two peaks.
_SHARE = (2, 6, 12, 14, 9, 6, 5, 5, 6, 6, 6, 8, 12, 14, 10, 6, 4, 3, 2)


@dataclass(frozen=True)
class City:
    """Tables as ``fleet.Problem.from_tables`` takes them."""

    trips: pd.DataFrame
    deadheads: pd.DataFrame
    depots: list[dict[str, Any]]
    costs: dict[str, float]
    rules: dict[str, int]

    def problem(self, **changes: Any) -> Any:
        """Make the problem, with some of the tables changed."""
        from mobility import fleet

        tables = {
            "deadheads": self.deadheads, "depots": self.depots, "costs": self.costs,
            "rules": self.rules, **changes,
        }  # fmt: skip
        return fleet.Problem.from_tables(self.trips, **tables)


def city_like(trips: int, terminals: int, seed: int = 0, depots: int = 1) -> City:
    """Make a city of so many trips and terminals.

    Routes are pairs of terminals, about as many as there are terminals, near ones more often; each
    trip is one of a route's two directions. All times are whole minutes, as timetables have them;
    empty runs are in seconds.
    """
    random = np.random.default_rng(seed)
    at_km = random.uniform(0, SIDE_KM, (terminals, 2))
    homes = random.uniform(0.2 * SIDE_KM, 0.8 * SIDE_KM, (depots, 2))
    if depots == 1:
        homes[:] = SIDE_KM / 2
    places_km = np.concatenate([at_km, homes])
    far = np.hypot(*(places_km[:, None] - places_km[None]).transpose(2, 0, 1)) * 1.3

    # Every terminal has a route, so that none is idle.
    start = np.concatenate(
        [random.permutation(terminals), random.integers(0, terminals, terminals // 5)]
    )
    end = np.empty_like(start)
    for route, here in enumerate(start):
        weight = np.exp(-np.abs(far[here, :terminals] - 12.0) / 5.0)
        weight[here] = 0.0
        end[route] = random.choice(terminals, p=weight / weight.sum())
    share = random.gamma(2.0, 1.0, start.size)
    route = random.choice(start.size, trips, p=share / share.sum())
    back = random.random(trips) < 0.5
    origin = np.where(back, end[route], start[route])
    target = np.where(back, start[route], end[route])

    hour = random.choice(len(_SHARE), trips, p=np.array(_SHARE) / sum(_SHARE))
    depart_min = (5 + hour) * 60 + random.integers(0, 60, trips)
    slow = np.array(_SHARE)[hour] / max(_SHARE)  # streets are full when the timetable is
    km = far[origin, target]
    run_min = np.maximum(10, np.round(km / (22.0 - 7.0 * slow) * 60.0)).astype(np.int64)
    table = pd.DataFrame(
        {
            "trip_id": [f"t{at:06d}" for at in range(trips)],
            "depart_s": depart_min * 60,
            "arrive_s": (depart_min + run_min) * 60,
            "from_stop": [f"p{at:03d}" for at in origin],
            "to_stop": [f"p{at:03d}" for at in target],
            "distance_km": np.round(km, 3),
        }
    )
    names = np.array(
        [*(f"p{at:03d}" for at in range(terminals)), *(f"home{at:02d}" for at in range(depots))]
    )
    one, other = np.nonzero(~np.eye(names.size, dtype=bool))
    runs = pd.DataFrame(
        {
            "from_stop": names[one],
            "to_stop": names[other],
            "time_s": np.ceil(far[one, other] / DEADHEAD_KMH * 3600.0).astype(np.int64),
            "distance_km": np.round(far[one, other], 3),
        }
    )
    return City(
        table,
        runs,
        [{"id": f"d{at:02d}", "stop_id": f"home{at:02d}"} for at in range(depots)],
        {
            "vehicle_day_minor": 10_000.0,
            "deadhead_km_minor": 10.0 * 60.0 / DEADHEAD_KMH,
            "waiting_h_minor": 120.0,
        },
        {"min_layover_s": 0},
    )
