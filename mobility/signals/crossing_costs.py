"""What promises to people on foot cost vehicles, crossing by crossing and in the whole network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.errors import ConfigError
from mobility.shown import Shown
from mobility.signals.crossings import (
    clearance_s,
    left_out,
    longest_wait_s,
    promised,
    with_crossings,
)
from mobility.signals.timing import time_signals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobility.signals.crossings import CrossingRules
    from mobility.signals.dispersion import Delay
    from mobility.signals.plan import Plan, SignalPlan
    from mobility.signals.problem import Crossing, Intersection, Network, Seconds, Volumes
    from mobility.signals.timing import TimedPlan
    from mobility.stop import Stop


@dataclass(frozen=True, eq=False)
class CrossingCosts(Shown):
    """Promises to people on foot, kept, and their price.

    Parameters
    ----------
    rows
        One row a crossing: signal, group, place; clearance_s and wait_s (longest, from the end of
        clearance to the next walk) of the plan without promises and, with ``_ruled``, under them;
        max_wait_s and leading_walk_s as promised; then of the signal by itself, in the ruled plan's
        cycle, without promises and with this crossing's alone: vehicle_delay_s and
        vehicle_delay_s_ruled (a vehicle), cost_s (their difference), cost_hours_h (vehicle hours in
        an hour), walk_delay_s and walk_delay_s_ruled (a person on foot); left_out (what of the
        promise cannot be kept, and why).
    without, ruled
        Plans of the whole network without promises and under all of them.
    network
        The network with the promises as limits: what ``ruled`` is judged by.
    """

    rows: pd.DataFrame
    without: TimedPlan
    ruled: TimedPlan
    network: Network

    @property
    def total(self) -> dict[str, float | None]:
        """Delay a vehicle and a person on foot, vehicle and person hours an hour; busiest period."""
        found: dict[str, float | None] = {}
        for name, plan in (("without", self.without), ("ruled", self.ruled)):
            for key in ("vehicle_delay_s", "walk_delay_s", "vehicle_hours_h", "person_hours_h"):
                found[f"{key}_{name}"] = None if plan.after is None else getattr(plan.after, key)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        table = self.rows.astype(object).where(self.rows.notna(), None)
        return {"total": self.total, "crossings": table.to_dict("records")}

    def __str__(self) -> str:
        total, count = self.total, len(self.rows)
        if self.ruled.after is None or self.without.after is None:
            return f"{count} crossings: {self.ruled.why or self.without.why}"
        return (
            f"{count} crossings: a vehicle waits {total['vehicle_delay_s_ruled']:.1f} s at a signal "
            f"(without {total['vehicle_delay_s_without']:.1f} s), a person on foot "
            f"{total['walk_delay_s_ruled']:.1f} s ({total['walk_delay_s_without']:.1f} s)"
        )


def crossing_costs(
    network: Network,
    rules: CrossingRules | None = None,
    *,
    stop: Stop | None = None,
    seed: int = 0,
    buses_h: Mapping[str, float] | float = 6.0,
    period: int | None = None,
    without: TimedPlan | None = None,
) -> CrossingCosts:
    """Plan a network without and under its promises to people on foot, and price each crossing.

    The price of one crossing is what vehicles at its signal lose more when this crossing's promise
    alone holds: the signal is planned by itself twice, in one and the same cycle, with vehicles that
    arrive at all times. What the network pays beyond the sum of prices (a longer cycle for all,
    platoons that no longer meet their green) is in ``total``. The network without promises is
    planned twice, the second time from the plan under promises, so that a promise never looks like
    a gain of person hours; vehicles alone may gain by one, where people on foot pay for it.

    Parameters
    ----------
    rules
        For all crossings, beside the network's ``crossings``.
    stop, seed, buses_h, period
        Of ``time_signals``.
    without
        The plan of the network without promises, where it was made before.

    Raises
    ------
    ConfigError
        When nothing is promised at any crossing, or the network has no volumes.
    """
    promises = promised(network, rules)
    if not promises:
        raise ConfigError("nothing is promised to people on foot",
                          mend="add [[crossing]], or give rules for all of them")  # fmt: skip
    changed = with_crossings(network, rules)
    free = without or time_signals(network, stop=stop, seed=seed, buses_h=buses_h, period=period)
    ruled = time_signals(changed, stop=stop, seed=seed, buses_h=buses_h, period=period)
    ruled = _beside(ruled, free)
    free = _better(free, _relaxed(network, ruled, seed, buses_h))
    rows = []
    alone: dict[str, Delay | None] = {}
    for one in promises:
        signal = network.signal[one.signal]
        row: dict[str, object] = {
            "signal": one.signal, "group": one.group, "place": one.place,
            "clearance_s": signal.group[one.group].clearance_s,
            "clearance_s_ruled": clearance_s(signal.group[one.group], one),
            "wait_s": _wait(free, one), "wait_s_ruled": _wait(ruled, one),
            "max_wait_s": one.max_wait_s, "leading_walk_s": one.leading_walk_s,
        }  # fmt: skip
        if one.signal in ruled.signal and ruled.volumes is not None:
            cycle = ruled.signal[one.signal].cycle_s
            if one.signal not in alone:
                alone[one.signal] = _alone(network, signal, ruled.volumes, cycle, seed)
            kept = with_crossings(network, only=(one,)).signal[one.signal]
            own = _alone(network, kept, ruled.volumes, cycle, seed)
            row |= _price(alone[one.signal], own)
        rows.append({**row, "left_out": left_out(signal, one)})
    return CrossingCosts(pd.DataFrame(rows), free, ruled, changed)


def _beside(ruled: TimedPlan, free: TimedPlan) -> TimedPlan:
    """Plans under promises beside the plan that came in as it is, which keeps none."""
    before = {(one.from_s, one.to_s): one.before for one in (free, *free.periods)}

    def told(one: TimedPlan) -> TimedPlan:
        return replace(one, before=before.get((one.from_s, one.to_s), one.before))

    return replace(told(ruled), periods=tuple(map(told, ruled.periods)))


def _better(one: TimedPlan, other: TimedPlan | None) -> TimedPlan:
    """Of two plans of one period the one with fewer person hours."""
    if other is None or other.after is None or other.volumes != one.volumes:
        return one
    worse = one.after is None or other.after.person_hours_h < one.after.person_hours_h
    return (
        replace(other, before=one.before, digest=one.digest, network=one.network) if worse else one
    )


def _relaxed(
    network: Network,
    ruled: TimedPlan,
    seed: int,
    buses_h: Mapping[str, float] | float,
) -> TimedPlan | None:
    """Plan the busiest period without promises, from the plan under them."""
    if ruled.after is None or ruled.volumes is None or network.given is not None:
        return None
    begun = tuple(
        _as_it_was(one, ruled.signal[one.id])
        if one.id in ruled.signal else one
        for one in network.intersections
    )  # fmt: skip
    start = replace(network, intersections=begun, volumes=(ruled.volumes,))
    return time_signals(start, seed=seed, buses_h=buses_h)


def _as_it_was(one: Intersection, plan: SignalPlan) -> Intersection:
    """A signal whose plan that came in is the one under promises: a lead belongs to its stage."""
    if one.rings is not None:
        return one
    begins: dict[str, Seconds] = {}
    greens: dict[str, Seconds] = {}
    at: Seconds | None = None
    for time in plan.stages:
        at = time.from_s if at is None else at
        if time.stage not in one.stage:
            continue
        if time.stage in begins:
            return one  # it comes twice: its greens may differ
        begins[time.stage] = at
        greens[time.stage] = time.from_s + time.green_s - at
        at = None
    if at is not None or set(begins) != set(one.stage_order):
        return one
    named = one.reference_stage or one.stage_order[0]
    stages = tuple(replace(two, green_s=greens.get(two.id, two.green_s)) for two in one.stages)
    return replace(one, stages=stages, cycle_s=plan.cycle_s, reference="begin-green",
                   reference_stage=named, offset_s=(plan.zero_s + begins[named]) % plan.cycle_s)  # fmt: skip


def _price(before: Delay | None, after: Delay | None) -> dict[str, object]:
    if before is None or after is None:
        return {}
    a, b = before.vehicle_delay_s, after.vehicle_delay_s
    return {
        "vehicle_delay_s": a, "vehicle_delay_s_ruled": b,
        "cost_s": None if a is None or b is None else b - a,
        "cost_hours_h": after.vehicle_hours_h - before.vehicle_hours_h,
        "walk_delay_s": before.walk_delay_s, "walk_delay_s_ruled": after.walk_delay_s,
    }  # fmt: skip


def _alone(
    network: Network, one: Intersection, volumes: Volumes, cycle: Seconds, seed: int
) -> Delay | None:
    """Delay at one signal planned by itself in a cycle; None where nothing is planned there."""
    fixed = replace(one, cycle_range_s=(cycle, cycle))
    if "splits" not in one.lock:
        # It starts from no plan: the one that came in has another cycle.
        longest = max((stage.green_s for stage in one.stages), default=0)
        fixed = replace(
            fixed, rings=None if one.rings is None else replace(one.rings, splits_s={}),
            stages=tuple(replace(two, green_s=0) if two.green_s == longest else two
                         for two in one.stages),
        )  # fmt: skip
    own = replace(
        volumes,
        vehicles_h={key: flow for key, flow in volumes.vehicles_h.items() if key[0] == one.id},
        pedestrians_h={key: h for key, h in volumes.pedestrians_h.items() if key[0] == one.id},
    )
    if not any(own.vehicles_h.values()):
        return None
    street = replace(
        network, intersections=(fixed,), links=(), bus_stops=(), bus_routes=(), volumes=(own,),
        emergency_routes=(), lanes=tuple(two for two in network.lanes if two.signal == one.id),
        given=None, crossings=(),
    )  # fmt: skip
    return time_signals(street, seed=seed).after


def _wait(plan: Plan, crossing: Crossing) -> Seconds | None:
    """Longest wait in the cycle, from the end of clearance to the next walk."""
    one = plan.signal.get(crossing.signal)
    if one is None or crossing.group not in one.of_group:
        return None
    return longest_wait_s(one, crossing.group)
