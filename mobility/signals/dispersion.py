"""Delay of everybody under a plan: queues behind each stop line, fed by platoons that spread.

TRANSYT's idea (Robertson 1969): one cycle is followed second by second; what leaves a stop line
arrives at the next one later and spread out. Random delay and queues that grow come on top, by the
Highway Capacity Manual's formula. Delay here is a model's: the same for every plan it compares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.signals.stop_lines import Streams, service, streams_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mobility.signals.plan import Plan
    from mobility.signals.problem import Network, Volumes


@dataclass(frozen=True, eq=False)
class Delay:
    """What a plan costs.

    Parameters
    ----------
    rows
        One row a stop line: signal, group, approach, on_foot, flow_h, people_h, saturation
        (demand over capacity), queue_s, random_s and delay_s (s a vehicle or person on foot),
        stops (share that stops), person_hours_h (person hours lost in an hour).
    """

    rows: pd.DataFrame
    assumptions: tuple[str, ...] = ()

    @cached_property
    def person_hours_h(self) -> float:
        """Person hours lost in an hour: what plans are compared by."""
        return float(self.rows["person_hours_h"].sum())

    @property
    def parts(self) -> dict[str, float]:
        """Person hours an hour of people in vehicles and on foot."""
        foot = self.rows["on_foot"].astype(bool)
        hours = self.rows["person_hours_h"]
        return {"vehicles": float(hours[~foot].sum()), "on foot": float(hours[foot].sum())}

    @property
    def vehicle_delay_s(self) -> float | None:
        """Mean delay of a vehicle at a signal."""
        return _mean(self.rows[~self.rows["on_foot"].astype(bool)])

    @property
    def walk_delay_s(self) -> float | None:
        """Mean wait of a person on foot at a crossing."""
        return _mean(self.rows[self.rows["on_foot"].astype(bool)])

    @property
    def vehicle_hours_h(self) -> float:
        """Vehicle hours lost in an hour."""
        rows = self.rows[~self.rows["on_foot"].astype(bool)]
        return float((rows["delay_s"] * rows["flow_h"]).sum() / 3600)

    @property
    def stops_h(self) -> float:
        """Stops of vehicles in an hour."""
        rows = self.rows[~self.rows["on_foot"].astype(bool)]
        return float((rows["stops"] * rows["flow_h"]).sum())

    @property
    def worst_saturation(self) -> float:
        """Demand over capacity of the worst stop line."""
        return float(self.rows["saturation"].max()) if len(self.rows) else 0.0


def _mean(rows: pd.DataFrame) -> float | None:
    flow = float(rows["flow_h"].sum())
    return float((rows["delay_s"] * rows["flow_h"]).sum() / flow) if flow > 0 else None


def evaluate(
    network: Network,
    plan: Plan,
    volumes: Volumes | None = None,
    *,
    buses_h: Mapping[str, float] | float = 6.0,
) -> Delay:
    """Model the delay of everybody under a plan, from its lamps.

    Parameters
    ----------
    plan
        Programs of all signals that have traffic.
    volumes
        One period; by default the network's busiest.
    buses_h
        Buses an hour of each route and direction, or of all of them.

    Raises
    ------
    ConfigError
        When there are no volumes, or a signal with traffic has no program.

    References
    ----------
    Robertson (1969), TRANSYT; Highway Capacity Manual (2000), chapter 16, for random delay.
    """
    chosen = busiest(network) if volumes is None else volumes
    return delay_of(streams_of(network, chosen, buses_h=buses_h), plan)


def busiest(network: Network) -> Volumes:
    """Return the period with most vehicles an hour.

    Raises
    ------
    ConfigError
        When the network has no volumes.
    """
    if not network.volumes:
        raise ConfigError(f"{network.source or 'the network'} has no demand",
                          mend="add [[demand]] with vehicles an hour by signal and approach")  # fmt: skip
    return max(network.volumes, key=lambda one: (sum(one.vehicles_h.values()), -one.from_s))


def delay_of(streams: Streams, plan: Plan) -> Delay:
    """Model the delay at stop lines that are known already.

    Raises
    ------
    ConfigError
        When a signal with traffic has no program.
    """
    from mobility.signals._dispersion_kernels import evaluate as run

    missing = sorted({row.signal for row in streams.rows} - set(plan.signal))
    if missing:
        raise ConfigError(f"signal {missing[0]} has traffic and no program",
                          mend="plan it, or give its greens")  # fmt: skip
    cycles = {
        one.id: float(plan.signal[one.id].cycle_s) if one.id in plan.signal else 60.0
        for one in streams.signals
    }
    bins = {name: max(1, round(cycle)) for name, cycle in cycles.items()}
    width = max(bins.values(), default=1)
    serve = service(streams.rows, plan.signal, bins, width)
    rows, feeds = streams.arrays()
    found = np.zeros((len(streams.rows), 4))
    run(
        streams.order, streams.laps, rows, feeds,
        np.array([bins[one.id] for one in streams.signals], np.int64),
        np.array([cycles[one.id] for one in streams.signals], np.float64),
        serve, np.zeros_like(serve), found,
    )  # fmt: skip
    return table_of(streams, found)


def table_of(streams: Streams, found: NDArray[np.float64]) -> Delay:
    """Name what the kernel found, row by row."""
    made = []
    for row, (queue, random, stops, saturation) in zip(streams.rows, found, strict=True):
        flow = row.flow_h / 3600
        made.append((
            row.signal, row.group, row.approach, row.on_foot, row.flow_h, row.flow_h * row.people,
            saturation, queue / flow, random / flow, (queue + random) / flow, stops / flow,
            (queue + random) * row.people,
        ))  # fmt: skip
    names = [
        "signal", "group", "approach", "on_foot", "flow_h", "people_h", "saturation", "queue_s",
        "random_s", "delay_s", "stops", "person_hours_h",
    ]  # fmt: skip
    return Delay(pd.DataFrame(made, columns=names), streams.assumptions)


def webster_delay(
    flow_h: float, full_h: float, green_s: float, cycle_s: float, period_h: float = 0.25
) -> tuple[float, float]:
    """Uniform and random delay of one stop line, s a vehicle, when vehicles arrive at all times.

    References
    ----------
    Webster (1958) for the first term; Highway Capacity Manual (2000), equation 16-12, for the
    second.
    """
    share = green_s / cycle_s
    capacity = full_h * share
    x = flow_h / capacity
    uniform = 0.5 * cycle_s * (1 - share) ** 2 / (1 - min(1.0, x) * share)
    random = 900 * period_h * (x - 1 + math.sqrt((x - 1) ** 2 + 4 * x / (capacity * period_h)))
    return uniform, random
