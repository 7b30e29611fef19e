"""A network as control in real time sees it: whole seconds, and rings as the stages of their plan."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from mobility.signals.problem import Intersection, Network, Sequence, Stage

if TYPE_CHECKING:
    from mobility.signals.plan import SignalPlan
    from mobility.signals.problem import Step


def whole_seconds(network: Network) -> Network:
    """Round every step of a lamp's sequence up: control decides once a second.

    Yellow of 3.5 s is shown for 4 s; judge a controller's log by the network that this gives.
    """
    changed = [_whole(one) for one in network.intersections]
    if all(new is old for new, old in zip(changed, network.intersections, strict=True)):
        return network
    return replace(network, intersections=tuple(changed))


def _whole(one: Intersection) -> Intersection:
    def up(steps: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple((state, float(math.ceil(seconds))) for state, seconds in steps)

    groups = tuple(
        replace(group, sequence=Sequence(up(group.sequence.start), up(group.sequence.end)))
        for group in one.groups
    )
    return one if groups == one.groups else replace(one, groups=groups)


def as_stages(one: Intersection, plan: SignalPlan | None) -> Intersection:
    """Turn a signal with rings into one with the stages of its plan, in their order.

    Any order of pairs would break a ring's own; the plan's keeps it. Where it leaves a group out,
    the rings go side by side through each barrier group. People walk with their group.
    """
    rings = one.rings
    if rings is None:
        return one
    names = tuple(time.stage for time in sorted(plan.stages, key=lambda time: time.from_s)) \
        if plan is not None and all(time.stage in one.stage for time in plan.stages) else ()  # fmt: skip
    served = {group for name in names for group in one.stage[name].groups}
    if {name for ring in rings.rings for barrier in ring for name in barrier} - served:
        names = _side_by_side(one)
    stages = {
        name: Stage(name, (*one.stage[name].groups, *(
            rings.pedestrians[group] for group in one.stage[name].groups
            if group in rings.pedestrians
        )))
        for name in names
    }  # fmt: skip
    return replace(one, stages=tuple(stages.values()), order=names, rings=None)


def _side_by_side(one: Intersection) -> tuple[str, ...]:
    assert one.rings is not None
    found = []
    for block in range(min(len(ring) for ring in one.rings.rings)):
        rows = [ring[block] for ring in one.rings.rings if ring[block]]
        found += [
            "+".join(row[min(k, len(row) - 1)] for row in rows)
            for k in range(max((len(row) for row in rows), default=0))
        ]
    return tuple(found)
