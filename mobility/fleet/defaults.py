"""What is assumed where a case says nothing: each figure with its source, each listed in the plan.

The bus: 12 m, 350 kWh of which 10-90 % are used, 1.3 kWh/km, as in the test city of the project's
brief. That is 215 km on a charge; the maker of Santiago's first electric buses, BYD's K9FE of 12 m,
published up to 249 km (Diesel Progress, "More eBuses For Santiago", 2019). Costs and prices are round
figures of this engine, without a source: they make a plan comparable with itself, not with a bill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mobility.errors import ConfigError
from mobility.fleet.problem import Costs, Depot, Tariff, Vehicle

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

BUS_MODES: tuple[int, ...] = (3, 11, *range(700, 800), 800)

VEHICLE = Vehicle(
    id="12-m bus",
    battery_kwh=350.0,
    min_soc=0.10,
    max_soc=0.90,
    start_soc=0.90,
    kwh_km=1.3,
    max_kw=150.0,
    source="the project's brief; BYD published 249 km for Santiago's K9FE",
)
CHARGER_KW = 150.0

# Cents of US dollars, assumed: a bus of USD 0.9 M over 12 years is 205 USD a day; an hour of a driver
# 35 USD; a km of empty running 0.90 USD without energy and driver; 12.8 cents a kWh at any hour.
CURRENCY = "USD"
COSTS = Costs(vehicle_day_minor=20_500.0, deadhead_km_minor=90.0, waiting_h_minor=3_500.0)
TARIFF = Tariff(energy=((0, 12.8),))

# One depot serves so many buses; above that there are several.
BUSES_A_DEPOT = 300


def assumed_depots(
    trips: pd.DataFrame, stops: pd.DataFrame | None, *, seed: int = 0
) -> tuple[tuple[Depot, ...], str]:
    """One depot at the busiest terminal; above 300 buses at once, one a cluster of terminals.

    Returns the depots and the sentence that says so.
    """
    if trips.empty:
        raise ConfigError("no trips and no depot: there is no place for one", mend="give [[depot]]")
    starts = trips["from_stop"].value_counts().add(trips["to_stop"].value_counts(), fill_value=0)
    names = np.array(sorted(starts.index), object)
    weight = np.asarray(starts.reindex(names), float)
    buses = _busiest(trips["depart_s"].to_numpy(), trips["arrive_s"].to_numpy())
    wanted = max(1, -(-buses // BUSES_A_DEPOT))
    located = _located(names, stops)
    if wanted == 1 or located is None:
        chosen = [str(names[int(np.argmax(weight))])]
    else:
        chosen = _cluster(names, weight, located, wanted, seed)
    depots = tuple(
        Depot(f"depot-{at + 1}", stop, charger_kw=CHARGER_KW) for at, stop in enumerate(chosen)
    )
    where = ", ".join(chosen)
    if len(chosen) == 1:
        said = f"one depot at the busiest terminal, stop {where}"
    else:
        said = f"{len(chosen)} depots at the busiest terminals of as many clusters: stops {where}"
    return depots, f"{said}; no limit of buses, one {CHARGER_KW:.0f} kW charger a bus"


def _busiest(depart_s: NDArray[np.int64], arrive_s: NDArray[np.int64]) -> int:
    times = np.concatenate([arrive_s, depart_s])
    change = np.concatenate([-np.ones(arrive_s.size, int), np.ones(depart_s.size, int)])
    return int(np.cumsum(change[np.lexsort((change, times))]).max(initial=0))


def _located(names: NDArray[np.object_], stops: pd.DataFrame | None) -> NDArray[np.float64] | None:
    if stops is None:
        return None
    found = stops.reindex(names)[["lat", "lon"]].to_numpy(float)
    return found if np.isfinite(found).all(axis=1).sum() > 1 else None


def _cluster(
    names: NDArray[np.object_], weight: NDArray[np.float64], place: NDArray[np.float64],
    wanted: int, seed: int,
) -> list[str]:  # fmt: skip
    from scipy.cluster.vq import kmeans2

    known = np.isfinite(place).all(axis=1)
    names, weight, place = names[known], weight[known], place[known]
    # Degrees to a plane on which both directions count alike.
    plane = place * [1.0, np.cos(np.radians(place[:, 0].mean()))]
    heavy = np.repeat(
        plane, np.maximum(1, np.round(20 * weight / weight.max())).astype(int), axis=0
    )
    wanted = min(wanted, len(np.unique(plane, axis=0)))
    centres, _ = kmeans2(heavy, wanted, minit="++", seed=seed, iter=50)
    nearest = ((plane[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
    chosen = []
    for cluster in range(wanted):
        here = np.flatnonzero(nearest == cluster)
        if here.size:
            chosen.append(str(names[here[int(np.argmax(weight[here]))]]))
    return sorted(chosen)
