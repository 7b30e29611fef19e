"""A made-up city's night: buses at their terminals, chargers, a tariff; the bar of depot charging.

2,480 buses at 12 terminals of different size, the size of Santiago's in the project's brief. Made up:
every bus stands from its evening (22:00, spread 70 minutes, 19:30 to 01:00) to its morning (05:30,
spread 50 minutes, 03:30 to 08:00); two in five also come in for 1.5 to 4 hours at midday. A night needs
40 to 200 kWh, a midday 20 to 90. Terminals have chargers of 80, 100, 120 or 150 kW; nine buses in ten
take 150 kW, one takes 80. Energy costs 90 by day, 160 in the evening (18-23 h), 50 by night, a kW of the
day's peak 300: minor units, of no country. ``ratio`` is chargers a bus.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

ENERGY = ((0, 50.0), (21_600, 90.0), (64_800, 160.0), (82_800, 50.0))
DEMAND = 300.0


def charge_city(
    ratio: float = 0.6,
    *,
    buses: int = 2480,
    sites: int = 12,
    slot_s: int = 300,
    seed: int = 0,
    need: float = 1.0,
    demand: float = DEMAND,
) -> Any:
    """Make the problem; ``need`` stretches all needs, ``demand`` is the price of a kW."""
    from mobility import fleet

    random = np.random.default_rng(seed)
    share = random.dirichlet(np.full(sites, 3.0))
    sizes = np.maximum(1, np.floor(share * buses).astype(int))
    sizes[: max(0, buses - int(sizes.sum()))] += 1
    rows: list[tuple[str, str, int, int, float, float]] = []
    places = []
    for number, size in enumerate(sizes.tolist()):
        name, kw = f"terminal {number + 1:02d}", float(random.choice([80.0, 100.0, 120.0, 150.0]))
        places.append(fleet.ChargingSite(name, max(1, int(np.ceil(ratio * size))), kw))
        for at in range(size):
            bus, most = f"{number + 1:02d}-{at + 1:03d}", 150.0 if random.random() < 0.9 else 80.0
            arrive = int(np.clip(random.normal(22 * 3600, 4200), 19.5 * 3600, 25 * 3600))
            depart = int(np.clip(random.normal(29.5 * 3600, 3000), 27.5 * 3600, 32 * 3600))
            hours = (depart - arrive) / 3600
            kwh = float(min(need * random.uniform(40, 200), 0.9 * min(most, kw) * hours))
            rows.append((bus, name, arrive, depart, round(kwh, 1), most))
            if random.random() < 0.4:
                arrive = int(random.uniform(9.5, 13) * 3600)
                depart = arrive + int(random.uniform(1.5, 4) * 3600)
                kwh = float(
                    min(
                        need * random.uniform(20, 90),
                        0.6 * min(most, kw) * (depart - arrive) / 3600,
                    )
                )
                rows.append((bus, name, arrive, depart, round(kwh, 1), most))
    columns = ["bus", "site", "arrive_s", "depart_s", "need_kwh", "max_kw"]
    table = pd.DataFrame(rows, columns=columns)
    return fleet.ChargingProblem.from_table(
        table, places, energy=ENERGY, demand=demand, slot_s=slot_s
    )
