"""``devos_size(seed)``: a day of electric buses of the size that de Vos et al. (2024) solve to 3 % in 7 hours.

816 trips of one depot, opportunity chargers at four terminals, fewer chargers than buses at the depot,
partial charging. Not their data: made here, with the day cost, consumption and tariff of the Santiago
sample, on lines of 8 to 20 km between twelve terminals, with batteries (160 kWh usable) that most of
the battery-free blocks exceed.

References
----------
de Vos, van Lieshout, Dollevoet (2024), "Electric vehicle scheduling in public transit with capacitated
charging stations", Transportation Science 58(2).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mobility import fleet

TRIPS = 816
TERMINALS = 12
LINES = 12
SPEED_KMH = 18.0  # in service and empty, as in the Santiago sample
FACTOR = 1.3

# Departures an hour from 05:00 on, relative: two low peaks, a busy midday, a thin evening.
PROFILE = (
    0.5, 1.1, 1.5, 1.5, 1.25, 1.2, 1.2, 1.2, 1.2, 1.2, 1.25, 1.35, 1.5, 1.5, 1.2, 0.8, 0.6, 0.5, 0.3,
)  # fmt: skip


def devos_size(seed: int, *, trips: int = TRIPS) -> fleet.Problem:
    """State the problem of one seed; ``trips`` makes it smaller for tests."""
    random = np.random.default_rng(seed)
    spot = random.uniform(0, 12, (TERMINALS, 2))
    depot = spot.mean(axis=0) + random.uniform(-2, 2, 2)
    names = [f"T{at:02d}" for at in range(TERMINALS)]
    places = [*names, "D"]
    spots = np.vstack([spot, depot])
    crow = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
    # Terminals that are one place after all are kept apart by a block.
    km = np.maximum(crow * FACTOR, 0.2)
    runs = pd.DataFrame(
        [
            {"from_stop": a, "to_stop": b, "time_s": round(float(km[i, j]) / SPEED_KMH * 60) * 60,
             "distance_km": round(float(km[i, j]), 2)}
            for i, a in enumerate(places) for j, b in enumerate(places) if i != j
        ]
    )  # fmt: skip
    return fleet.Problem.from_tables(
        _timetable(random, crow[:TERMINALS, :TERMINALS], names, trips),
        deadheads=runs,
        depots=[{"id": "depot", "stop_id": "D", "chargers": 24, "charger_kw": 150.0,
                 "site_kw": 3_000.0}],
        vehicles=[{"id": "e12", "battery_kwh": 200.0, "kwh_km": 1.3, "max_kw": 300.0}],
        chargers=_chargers(random, names),
        tariff={
            "energy": [["00:00", 95.0], ["07:00", 120.0], ["18:00", 150.0], ["22:00", 120.0],
                       ["23:00", 95.0]],
            "demand": [{"price": 9_000.0, "period": "month", "hours": [["18:00", "22:00"]],
                        "interval_s": 900}],
        },
        costs={"vehicle_day_minor": 180_000, "deadhead_km_minor": 900, "waiting_h_minor": 4_000},
        rules={"min_layover_s": 300, "max_wait_s": 7_200},
        currency="CLP",
    )  # fmt: skip


def _timetable(random, crow, names, trips):
    """Lines between terminals that lie 6 to 15 km apart by the street, both ways, by the profile."""
    pairs = [(i, j) for i in range(len(names)) for j in range(i)]
    length = np.array([crow[i, j] * FACTOR for i, j in pairs])
    order = random.permutation(len(pairs))
    order = order[
        np.argsort(np.abs(np.clip(length[order], 7.0, 16.0) - length[order]), kind="stable")
    ]
    lines = [pairs[at] for at in order[:LINES]]
    share = random.uniform(0.6, 1.6, LINES)
    half = trips // 2
    count = np.floor(share / share.sum() * half).astype(int)
    count[: half - count.sum()] += 1
    hours = np.arange(len(PROFILE) + 1) + 5.0
    reached = np.concatenate([[0.0], np.cumsum(PROFILE)]) / sum(PROFILE)
    rows = []
    for line, ((i, j), each) in enumerate(zip(lines, count, strict=True)):
        distance = round(float(max(crow[i, j] * FACTOR * random.uniform(1.1, 1.35), 8.0)), 1)
        for direction, (start, end) in enumerate(((i, j), (j, i))):
            at = (np.arange(each) + random.uniform(0, 1)) / each
            leave = np.interp(at, reached, hours) * 3600
            for number, depart in enumerate((leave // 60 * 60).astype(int).tolist()):
                hour = depart // 3600
                slow = 1.15 if hour in {7, 8, 17, 18} else 0.9 if hour < 6 or hour > 20 else 1.0
                minutes = round(distance / SPEED_KMH * 60 * slow)
                rows.append(
                    {"trip_id": f"L{line:02d}-{direction}-{number:02d}", "route_id": f"L{line:02d}",
                     "direction_id": str(direction), "depart_s": depart, "arrive_s": depart + minutes * 60,
                     "from_stop": names[start], "to_stop": names[end], "distance_km": distance}
                )  # fmt: skip
    return pd.DataFrame(rows)


def _chargers(random, names):
    """One or two opportunity chargers at four terminals."""
    return [
        {"stop_id": names[at], "count": count, "kw": 300.0, "min_s": 300}
        for at, count in zip(
            random.choice(len(names), 4, replace=False).tolist(), (1, 1, 2, 2), strict=True
        )
    ]
