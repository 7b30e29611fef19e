"""Pre-emption: a fire engine's way cleared ahead of it, what it gains, and what it costs the others."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.shown import Shown
from mobility.signals.check import check
from mobility.signals.control import PriorityController
from mobility.signals.control_view import whole_seconds
from mobility.signals.problem import GREENS
from mobility.signals.program import plan_of
from mobility.signals.streams import Asked, Detection, approaches_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobility.findings import Finding
    from mobility.signals.plan import Log, Plan
    from mobility.signals.problem import EmergencyRoute, Network, Seconds

DETOUR = 1.3  # of the straight line, from the station and to the place
WARM_S = 600  # of traffic before the engine turns out
AFTER_S = 600  # and after it has arrived: the way back to coordination
EARTH_M = 6_371_000.0


@dataclass(frozen=True, eq=False)
class Preemption(Shown):
    """One route, driven with the base plan and with pre-emption.

    Parameters
    ----------
    runs
        One row a departure: depart_s, before_s, after_s (alarm to arrival), others_before_s,
        others_after_s (vehicle-seconds of queue at the route's signals).
    passes
        One row a departure and signal: depart_s, signal, wait_before_s, wait_after_s.
    target_s
        Within which an engine should arrive; None: none was given.
    findings
        Of the checker, over every run with pre-emption.
    log
        Of the first run.
    """

    route: str
    runs: pd.DataFrame
    passes: pd.DataFrame
    target_s: Seconds | None
    findings: tuple[Finding, ...]
    log: Log
    vehicles: float
    assumptions: tuple[str, ...] = field(default=())

    def _share(self, column: str) -> float | None:
        if self.target_s is None:
            return None
        return float((self.runs[column] <= self.target_s).mean())

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        runs = self.runs
        cost = float((runs["others_after_s"] - runs["others_before_s"]).mean())
        return {
            "route": self.route, "runs": len(runs), "target_s": self.target_s,
            "before": {"mean_s": float(runs["before_s"].mean()), "worst_s": float(runs["before_s"].max()),
                       "within_target": self._share("before_s")},
            "after": {"mean_s": float(runs["after_s"].mean()), "worst_s": float(runs["after_s"].max()),
                      "within_target": self._share("after_s")},
            "others_lose_vehicle_s": cost,
            "others_lose_s_per_vehicle": cost / self.vehicles if self.vehicles else 0.0,
            "signals": self.passes.groupby("signal", sort=False)[["wait_before_s", "wait_after_s"]]
            .mean().reset_index().to_dict("records"),
            "findings": [one.to_dict() for one in self.findings],
            "assumptions": list(self.assumptions),
        }  # fmt: skip

    def __str__(self) -> str:
        told = self.to_dict()
        before, after = told["before"], told["after"]
        text = f"{self.route}: {before['mean_s']:.0f} s -> {after['mean_s']:.0f} s"
        if self.target_s is not None:
            text += (f", within {self.target_s:g} s {before['within_target']:.0%} -> "
                     f"{after['within_target']:.0%}")  # fmt: skip
        return text + f" ({len(self.runs)} runs, {len(self.findings)} findings)"


def preempt(
    network: Network,
    route: str | EmergencyRoute,
    depart_s: int | Sequence[int],
    *,
    plan: Plan | None = None,
    seed: int = 0,
) -> Preemption:
    """Drive a fire engine through its signals, without and with pre-emption.

    Each signal is cleared so early that the change of stage and the queue before the engine are over
    when it comes; yellow, intergreens, walk and clearance are complete (invariants 3 to 5), and the
    base plan is met again within the network's ``recover_cycles``. Both runs see the same traffic.

    Parameters
    ----------
    route
        An emergency route of the network, or its id.
    depart_s
        When the alarm comes, seconds into the day; several: one run each.
    plan
        The base plan; by default the one that came in.
    seed
        Of arrivals: Poisson, of the mean that the network's volumes give at that time.

    Raises
    ------
    ConfigError
        When the route is unknown, passes no signal, or a signal has no group for its movement.
    """
    way = _route(network, route)
    parts = tuple(network.signal[name] for name in way.signals if name in network.signal)
    if not parts or len(parts) < len(way.signals):
        raise ConfigError(f"route {way.id} does not pass its signals",
                          mend="name signals of the network, in the order in which they are passed")  # fmt: skip
    small = replace(network, intersections=parts, given=network.given)
    base = plan if plan is not None else plan_of(network)
    base = replace(base, signals=tuple(one for one in base.signals if one.signal in small.signal))
    groups = _groups(small, way)
    legs = _legs(network, way)
    departs = [int(depart_s)] if isinstance(depart_s, int) else [int(one) for one in depart_s]
    if not departs:
        raise ConfigError("no departure", mend="give at least one second of the day")
    rows: list[tuple[float, ...]] = []
    passes: list[tuple[Any, ...]] = []
    found: dict[tuple[str, str], Finding] = {}
    first: Log | None = None
    vehicles = 0.0
    for number, depart in enumerate(departs):
        before = _run(small, base, way, groups, legs, depart, (seed, number), ask=False)
        after = _run(small, base, way, groups, legs, depart, (seed, number), ask=True)
        rows.append((depart, before.arrived_s - depart, after.arrived_s - depart, before.others_s,
                     after.others_s))  # fmt: skip
        passes += [(depart, one.id, a, b)
                   for one, a, b in zip(parts, before.waits_s, after.waits_s, strict=True)]  # fmt: skip
        for one in check(whole_seconds(small), after.log):
            found.setdefault((one.code, one.column), one)
        first = first or after.log
        vehicles += after.vehicles / len(departs)
    assert first is not None
    columns = ["depart_s", "before_s", "after_s", "others_before_s", "others_after_s"]
    return Preemption(
        way.name or way.id, pd.DataFrame(rows, columns=columns),
        pd.DataFrame(passes, columns=["depart_s", "signal", "wait_before_s", "wait_after_s"]),
        way.target_s, tuple(found.values()), first, vehicles,
        (f"{DETOUR:g} times the straight line from the station and to the place",
         f"{way.turnout_s:g} s from alarm to leaving, {way.speed_kmh:g} km/h between signals",
         "the engine waits for green and for the queue before it: it drives on no other lane"),
    )  # fmt: skip


@dataclass
class _Run:
    arrived_s: float
    waits_s: list[float]
    others_s: float
    vehicles: float
    log: Log


def _route(network: Network, route: str | EmergencyRoute) -> EmergencyRoute:
    if not isinstance(route, str):
        return route
    found = next((one for one in network.emergency_routes if one.id == route), None)
    if found is None:
        known = ", ".join(one.id for one in network.emergency_routes) or "none"
        raise ConfigError(f"no emergency route {route!r}", mend=f"there are: {known}")
    return found


def _groups(network: Network, way: EmergencyRoute) -> list[str]:
    found = []
    for name, movement in zip(way.signals, way.movements, strict=False):
        one = network.signal[name]
        fits = [group.id for group in one.groups if not group.on_foot
                and movement in group.movements
                and (way.approach in group.approaches or not group.approaches)]  # fmt: skip
        if not fits:
            raise ConfigError(f"signal {name} has no group for {movement} from {way.approach}",
                              mend="correct the route's movements or its approach")  # fmt: skip
        found.append(fits[0])
    if len(found) < len(way.signals):
        raise ConfigError(f"route {way.id} has {len(found)} movements for {len(way.signals)} signals",
                          mend="give one movement a signal")  # fmt: skip
    return found


def _legs(network: Network, way: EmergencyRoute) -> list[float]:
    """Seconds to the first signal, from each to the next, and to the place."""
    speed = way.speed_kmh / 3.6
    ends = network.signal[way.signals[0]], network.signal[way.signals[-1]]
    places = [(one.lat, one.lon) for one in ends]
    first = _metres(way.station, places[0])
    last = _metres(places[1], way.destination)
    metres = {(link.from_signal, link.to_signal): link.distance_m for link in network.links}
    between = [
        metres.get((a, b), DETOUR * _metres((network.signal[a].lat, network.signal[a].lon),
                                            (network.signal[b].lat, network.signal[b].lon)))
        for a, b in zip(way.signals, way.signals[1:], strict=False)
    ]  # fmt: skip
    return [DETOUR * first / speed, *(one / speed for one in between), DETOUR * last / speed]


def _metres(one: tuple[float | None, float | None] | None,
            other: tuple[float | None, float | None] | None) -> float:  # fmt: skip
    if one is None or other is None or None in {*one, *other}:
        return 0.0
    (a, b), (c, d) = ((math.radians(x or 0.0), math.radians(y or 0.0)) for x, y in (one, other))
    half = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(half))


def _run(
    network: Network,
    plan: Plan,
    way: EmergencyRoute,
    groups: list[str],
    legs: list[float],
    depart: int,
    seed: tuple[int, int],
    *,
    ask: bool,
) -> _Run:
    """One departure in a queue model: the controller's own lamps, the same arrivals for both runs."""
    begin = depart - WARM_S
    control = PriorityController(network, plan, at_s=begin)
    approaches = approaches_of(network)
    rng = np.random.default_rng(seed)
    streams = [(signal, k, stream) for signal in way.signals
               for k, stream in enumerate(approaches.of(signal))]  # fmt: skip
    means = np.array([_mean_vps(network, stream, depart) for _, _, stream in streams])
    flows = np.array([stream.flow_vps for _, _, stream in streams])
    span = WARM_S + int(way.turnout_s + sum(legs)) + 1800 + AFTER_S
    arrivals = rng.poisson(means, size=(span, len(streams)))
    rows = {signal: [n for n, (name, _, _) in enumerate(streams) if name == signal]
            for signal in way.signals}  # fmt: skip
    place = {
        signal: {group.id: k for k, group in enumerate(network.signal[signal].groups)}
        for signal in way.signals
    }
    lamp = [place[signal][stream.groups[0]] for signal, _, stream in streams]
    mine = [
        next(n for n in rows[signal] if group in streams[n][2].groups
             and streams[n][2].id.endswith(f"|{way.approach}"))
        if any(streams[n][2].id == f"{group}|{way.approach}" for n in rows[signal])
        else next(n for n in rows[signal] if group in streams[n][2].groups)
        for signal, group in zip(way.signals, groups, strict=True)
    ]  # fmt: skip
    queue = np.zeros(len(streams))
    others = vehicles = 0.0
    at, next_s = 0, depart + way.turnout_s + legs[0]  # where it goes, and when it is there
    waits: list[float] = []
    gone: list[Asked] = []
    ahead = -1.0  # vehicles before it, once it waits
    until = begin + span
    judged = depart + int(way.turnout_s + sum(legs)) + AFTER_S  # the same span for both runs
    t = begin
    arrived = math.nan
    while t < until:
        seen = {signal: _detect(signal, t, queue[rows[signal]]) for signal in way.signals}
        asked = _asked(way, groups, at, next_s, legs, t) if ask and t >= depart else []
        shown = control.step(t, seen, [*gone, *asked])
        gone = []
        green = np.array([shown.lamps[signal][lamp[n]] in GREENS
                          for n, (signal, _, _) in enumerate(streams)])  # fmt: skip
        came = arrivals[t - begin]
        queue += came
        sent = np.minimum(queue, flows * green)
        queue -= sent
        if depart <= t < judged:
            others += float(queue.sum())
            vehicles += float(came.sum())
        if at < len(way.signals) and t >= next_s:
            if ahead < 0:
                ahead = float(queue[mine[at]])
                waits.append(0.0)
            else:
                ahead = max(0.0, ahead - float(sent[mine[at]]))
            if ahead <= 0 and green[mine[at]]:
                waits[-1] = max(0.0, t - next_s)
                gone = [replace(one, at_s=t, leaves=True) for one in asked[:1]]
                at += 1
                next_s = t + legs[at]
                ahead = -1.0
                if at == len(way.signals):
                    arrived = next_s
                    until = min(until, max(judged, int(arrived) + AFTER_S // 2))
        t += 1
    if math.isnan(arrived):
        raise ConfigError(f"route {way.id} is not passed in half an hour",
                          mend="give greens that serve its volumes")  # fmt: skip
    log = replace(control.log(), plan=plan)
    return _Run(arrived, waits, others, vehicles, log)


def _mean_vps(network: Network, stream: Any, at_s: int) -> float:
    """Vehicles a second of one stream, from the period that holds at a time, or the first."""
    group = network.signal[stream.signal].group[stream.groups[0]]
    approach = stream.id.partition("|")[2]
    period = next((one for one in network.volumes if one.from_s <= at_s < one.to_s),
                  network.volumes[0] if network.volumes else None)  # fmt: skip
    if period is None:
        return 0.0
    return sum(period.vehicles_h.get((stream.signal, approach, movement), 0.0)
               for movement in group.movements) / 3600  # fmt: skip


def _detect(signal: str, t: int, queue: Any) -> Detection:
    counts = tuple(float(one) for one in queue)
    return Detection(signal, t, counts, counts, tuple(() for _ in counts))


def _asked(way: EmergencyRoute, groups: list[str], at: int, next_s: float, legs: list[float],
           t: int) -> list[Asked]:  # fmt: skip
    """One request a signal still to be passed, each with its own time of arrival."""
    found = []
    eta = max(next_s, float(t))
    for k in range(at, len(way.signals)):
        if k > at:
            eta += legs[k]
        found.append(Asked(way.id, way.signals[k], "emergency", groups[k], t, eta,
                           eta + 5 + 0.1 * (eta - t), people=4))  # fmt: skip
    return found
