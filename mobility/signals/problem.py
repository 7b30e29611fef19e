"""What is asked: signals, the streets between them, and the rules that hold everywhere."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from mobility.shown import Shown
from mobility.signals.demand import (
    BusRoute,
    BusStop,
    Crossing,
    EmergencyRoute,
    Lane,
    Link,
    Turn,
    Volumes,
)
from mobility.signals.groups import DARK, GREENS, Group, Seconds, Sequence, State, Step
from mobility.signals.intersection import Detector, Intersection, Pair, Rings, Stage

if TYPE_CHECKING:
    from mobility.findings import Finding
    from mobility.signals.plan import Plan
    from mobility.signals.values import Values

__all__ = [
    "DARK",
    "GREENS",
    "BusRoute",
    "BusStop",
    "Crossing",
    "Detector",
    "EmergencyRoute",
    "Group",
    "Intersection",
    "Lane",
    "Link",
    "Network",
    "Pair",
    "Rings",
    "Rules",
    "Seconds",
    "Sequence",
    "Service",
    "Stage",
    "State",
    "Step",
    "Turn",
    "Volumes",
]


_WHOLE = re.compile(r"(?<![\w.])(\d+)\.0(?![\w.])")


@dataclass(frozen=True)
class Rules:
    """What control in real time may do.

    Parameters
    ----------
    recover_cycles
        Back in coordination within so many cycles of the last priority or pre-emption.
    coordination_s
        Error of the reference point that is still coordination.
    priority_lockout_s
        Least time between two grants of priority to different requests at one signal.
    horizon_s
        How far ahead a plan must exist when a command is given.
    stale_s
        Data older than this are stale: the base plan holds.
    insert_stages, rotate_stages
        Priority may insert a stage, or change the order.
    """

    recover_cycles: int = 3
    coordination_s: Seconds = 0
    priority_lockout_s: Seconds = 0
    horizon_s: Seconds = 60
    stale_s: Seconds = 5
    insert_stages: bool = False
    rotate_stages: bool = False


@dataclass(frozen=True)
class Service:
    """How buses are judged, and what differs from day to day.

    Parameters
    ----------
    on_time_s
        Earliest and latest departure that is on time, seconds after the timetable's.
    start_late_s
        Mean of how late a bus leaves its first stop (exponential); assumed unless measured.
    run_cv
        Coefficient of variation of the time between two stops, signals apart; assumed likewise.
    """

    on_time_s: tuple[float, float] = (-60.0, 300.0)
    start_late_s: float = 30.0
    run_cv: float = 0.1


@dataclass(frozen=True)
class Network(Shown):
    """Signals and everything that is known about them.

    Parameters
    ----------
    intersections
        Any order.
    zero_s
        The master clock's zero, seconds into the day.
    input_findings
        What is wrong with the data that came in, and may stand: a shipped program's own defects.
    source
        File it was read from.
    lanes
        At the stop lines; empty: every group has its own, as many as it says, on each approach.
    given
        The plan that came in, where it is more than stages and greens (an imported program).
    crossings
        What people on foot are promised; ``crossings.with_crossings`` makes it hold.
    values
        What an hour, a stop and a litre are worth here; None: ``Values()``.
    """

    intersections: tuple[Intersection, ...]
    links: tuple[Link, ...] = ()
    bus_stops: tuple[BusStop, ...] = ()
    bus_routes: tuple[BusRoute, ...] = ()
    volumes: tuple[Volumes, ...] = ()
    emergency_routes: tuple[EmergencyRoute, ...] = ()
    lanes: tuple[Lane, ...] = ()
    rules: Rules = Rules()
    service: Service = Service()
    city: str = ""
    corridor: str = ""
    timezone: str = "UTC"
    zero_s: int = 0
    input_findings: tuple[Finding, ...] = ()
    source: str = ""
    given: Plan | None = field(default=None, compare=False)
    assumptions: tuple[str, ...] = field(default=())
    crossings: tuple[Crossing, ...] = ()
    values: Values | None = None

    @cached_property
    def signal(self) -> dict[str, Intersection]:
        """Intersections by id."""
        return {one.id: one for one in self.intersections}

    @cached_property
    def digest(self) -> str:
        """Of everything that an answer depends on: the same digest, the same plan."""
        parts = [
            *sorted(_text(one) for one in self.intersections),
            *sorted(repr(one) for one in (*self.links, *self.bus_stops, *self.bus_routes,
                                       *self.lanes)),
            *sorted(
                repr((one.from_s, one.to_s, sorted(one.vehicles_h.items()),
                      sorted(one.pedestrians_h.items()), one.car_occupancy))
                for one in self.volumes
            ),
            repr(self.rules), str(self.zero_s),
        ]  # fmt: skip
        # 7 and 7.0 are one number: what a file holds as the one may come back as the other.
        text = _WHOLE.sub(r"\1", "\n".join(parts))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def __str__(self) -> str:
        stages = sum(len(one.stages) for one in self.intersections)
        groups = sum(len(one.groups) for one in self.intersections)
        name = self.corridor or self.source or "network"
        return (
            f"{name}: {len(self.intersections)} signals, {groups} groups, {stages} stages, "
            f"{len(self.links)} links"
        )


def _text(one: Intersection) -> str:
    fields = dict(one.__dict__)
    for cached in ("group", "stage", "conflicts", "may_meet"):
        fields.pop(cached, None)
    fields["groups"] = sorted(map(repr, one.groups))
    fields["intergreen_s"] = sorted(one.intergreen_s.items())
    fields["permissive"] = sorted(one.permissive)
    fields["both_protected"] = sorted(one.both_protected)
    return repr(sorted(fields.items()))
