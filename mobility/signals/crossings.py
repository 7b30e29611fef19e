"""Crossings for people on foot: shorter waits, a lead, more time to cross; and what vehicles pay."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mobility.signals.problem import Group, Intersection, Network


@dataclass(frozen=True)
class CrossingRules:
    """What holds at crossings.

    Parameters
    ----------
    max_wait_s
        Nobody waits longer from the end of clearance to the next walk; None: as the site says.
    pace_ms
        Pace at which a crossing is cleared: 1.2 m/s, 0.8-1.0 where older people cross. Clearance
        is never made shorter.
    leading_walk_s
        Walk begins so long before vehicles that share its stage.
    signals
        Where it holds; empty: everywhere.
    """

    max_wait_s: float | None = None
    pace_ms: float | None = None
    leading_walk_s: float = 0.0
    signals: tuple[str, ...] = ()


def with_crossings(network: Network, rules: CrossingRules) -> Network:
    """Return the network under rules for crossings; plan it to see what they cost vehicles.

    The plan that came in need not keep the rules: compare plans of both networks.
    """
    wanted = set(rules.signals) or {one.id for one in network.intersections}
    made = tuple(
        _signal(one, rules) if one.id in wanted and one.rings is None else one
        for one in network.intersections
    )
    return replace(network, intersections=made)


def _signal(one: Intersection, rules: CrossingRules) -> Intersection:
    longer: dict[str, float] = {}
    groups = []
    for group in one.groups:
        if not group.on_foot:
            groups.append(group)
            continue
        made, more = _crossing(group, rules)
        groups.append(made)
        longer[group.id] = more
    changed = replace(one, groups=tuple(groups))
    return _lead(changed, rules.leading_walk_s) if rules.leading_walk_s > 0 else changed


def _crossing(group: Group, rules: CrossingRules) -> tuple[Group, float]:
    """A crossing with its clearance and longest red; and how much longer it takes to clear."""
    more = 0.0
    made = group
    if rules.pace_ms and group.crossing_m and group.clearance_s:
        needed = float(math.ceil(group.crossing_m / rules.pace_ms))
        more = max(0.0, needed - group.clearance_s)
        if more:
            end = tuple((state, needed) if state.value == "clearance" else (state, seconds)
                        for state, seconds in group.sequence.end)  # fmt: skip
            made = replace(made, sequence=replace(group.sequence, end=end))
    if rules.max_wait_s is not None:
        most = rules.max_wait_s + made.clearance_s
        made = replace(made, max_red_s=min(most, made.max_red_s or most))
    return made, more


def _lead(one: Intersection, seconds: float) -> Intersection:
    """Before each stage that a crossing begins with vehicles, a stage of the crossing alone."""
    stages, order = list(one.stages), []
    names = one.stage_order
    for k, name in enumerate(names):
        stage, before = one.stage[name], one.stage[names[k - 1]]
        begin = set(stage.groups) - set(before.groups)
        on_foot = tuple(g for g in stage.groups if g in begin and one.group[g].on_foot)
        staying = tuple(g for g in stage.groups if g in before.groups)
        if on_foot and len(begin) > len(on_foot):
            lead = replace(stage, id=f"{name}-lead", groups=(*on_foot, *staying), green_s=seconds,
                           yields=tuple(g for g in stage.yields if g in staying))  # fmt: skip
            if lead.id not in {two.id for two in stages}:
                stages.append(lead)
            order.append(lead.id)
        order.append(name)
    return replace(one, stages=tuple(stages), order=tuple(order))
