"""Crossings for people on foot: shorter waits, a lead, more time to cross."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mobility.signals.problem import GREENS, Crossing, Stage, State
from mobility.signals.program import has_plan, program

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobility.signals.plan import SignalPlan
    from mobility.signals.problem import Group, Intersection, Network, Seconds

# 15th percentile of people older than 60 at crossings, 3.03 ft/s (TCRP and NCHRP study of 2005;
# Fitzpatrick, Brewer and Turner 2006, Another look at pedestrian walking speed, TRR 1982).
OLDER_PACE_MS = 0.92


LEAST_STAGE_S = 5.0  # no plan has a shorter stage than this, or than it came with


@dataclass(frozen=True)
class CrossingRules:
    """What holds at all crossings of some signals, beside what single crossings are promised.

    Parameters
    ----------
    max_wait_s
        Nobody waits longer from the end of clearance to the next walk; None: as the site says.
    pace_ms
        Pace at which a crossing is cleared: the US manual has 1.07 m/s (MUTCD 2009, 4E.06: 3.5
        ft/s), older people ``OLDER_PACE_MS``. Clearance is never made shorter.
    leading_walk_s
        Walk begins so long before vehicles that share its stage.
    signals
        Where it holds; empty: everywhere.
    """

    max_wait_s: float | None = None
    pace_ms: float | None = None
    leading_walk_s: float = 0.0
    signals: tuple[str, ...] = ()

    def of(self, network: Network) -> tuple[Crossing, ...]:
        """Say the same of every signal that it holds for."""
        wanted = set(self.signals) or {one.id for one in network.intersections}
        return tuple(
            Crossing(one.id, "", "", False, self.pace_ms, self.max_wait_s, self.leading_walk_s)
            for one in network.intersections
            if one.id in wanted
        )


def promised(network: Network, rules: CrossingRules | None = None) -> tuple[Crossing, ...]:
    """One promise a crossing, in the network's order: of all that hold there, what people like best.

    Parameters
    ----------
    rules
        For all crossings, beside the network's ``crossings``.
    """
    asked = (*network.crossings, *(rules.of(network) if rules is not None else ()))
    found = []
    for one in network.intersections:
        for group in one.groups:
            own = [two for two in asked if two.signal == one.id and two.group in {"", group.id}]
            if not group.on_foot or not own:
                continue
            paces = [two.pace_ms for two in own if two.pace_ms]
            paces += [OLDER_PACE_MS for two in own if two.older_people]
            waits = [two.max_wait_s for two in own if two.max_wait_s is not None]
            found.append(Crossing(
                one.id, group.id, ", ".join(dict.fromkeys(two.place for two in own if two.place)),
                any(two.older_people for two in own), min(paces, default=None),
                min(waits, default=None), max(two.leading_walk_s for two in own),
            ))  # fmt: skip
    return tuple(found)


def with_crossings(
    network: Network,
    rules: CrossingRules | None = None,
    *,
    only: Iterable[Crossing] | None = None,
) -> Network:
    """Return the network with promises to people on foot as limits of its groups.

    The plan that came in need not keep them: see ``crossing_costs`` for what they cost vehicles. A
    leading walk needs stages: people of rings begin with their phase.

    Parameters
    ----------
    rules
        For all crossings, beside the network's ``crossings``.
    only
        These promises (``promised``) and no others.

    Returns
    -------
    Network
        Without ``crossings``: they are in its groups now.
    """
    kept: dict[str, dict[str, Crossing]] = {}
    for one in promised(network, rules) if only is None else only:
        kept.setdefault(one.signal, {})[one.group] = one
    made = tuple(
        _signal(one, kept[one.id]) if one.id in kept else one for one in network.intersections
    )
    return replace(network, intersections=made, crossings=())


def clearance_s(group: Group, promise: Crossing) -> float:
    """Clearance at the pace of a promise, whole seconds; never less than what came in.

    Without a length, or without a clearance that came in, it stays as it is.
    """
    if not promise.pace_ms or not group.crossing_m or not group.clearance_s:
        return group.clearance_s
    return max(group.clearance_s, float(math.ceil(group.crossing_m / promise.pace_ms - 1e-9)))


def left_out(one: Intersection, promise: Crossing) -> str:
    """Say what of a promise cannot be kept, and why; empty where all can."""
    group, told = one.group[promise.group], []
    if promise.pace_ms and not (group.crossing_m and group.clearance_s):
        told.append("no longer clearance: its length or its clearance is not known")
    if promise.leading_walk_s > 0:
        if one.rings is not None:
            told.append("no leading walk: people of a ring begin with their phase")
        elif not any(_leads(one, k, {promise.group}) for k in range(len(one.stage_order))):
            told.append("no leading walk: no vehicles begin with it")
        elif promise.leading_walk_s > LEAST_STAGE_S and not all(
            _behind(one, k) for k in range(len(one.stage_order)) if _leads(one, k, {promise.group})
        ):
            told.append(
                f"a leading walk of {LEAST_STAGE_S:g} s: nobody who ends before it is a foe"
            )
    return "; ".join(told)


def longest_wait_s(plan: SignalPlan, group: str) -> Seconds:
    """Longest wait in the cycle, from the end of clearance to the next walk; 0 where all is walk."""
    free = [*GREENS, State.CLEARANCE]
    spans = [(two.from_s, two.to_s) for two in plan.of_group[group] if two.state in free]
    if not spans:
        return plan.cycle_s
    starts = [*(start for start, _ in spans[1:]), spans[0][0] + plan.cycle_s]
    return max(start - end for (_, end), start in zip(spans, starts, strict=True))


def _signal(one: Intersection, promises: dict[str, Crossing]) -> Intersection:
    groups = tuple(
        _crossing(group, promises[group.id]) if group.id in promises else group
        for group in one.groups
    )
    changed = replace(one, groups=groups)
    if one.rings is not None:
        return _with_their_phase(changed, promises)
    leads = {name: two.leading_walk_s for name, two in promises.items() if two.leading_walk_s > 0}
    return _lead(changed, leads) if leads else changed


def _crossing(group: Group, promise: Crossing) -> Group:
    """A crossing with its clearance and longest red."""
    made, needed = group, clearance_s(group, promise)
    if needed > group.clearance_s:
        end = tuple((state, needed) if state is State.CLEARANCE else (state, seconds)
                    for state, seconds in group.sequence.end)  # fmt: skip
        made = replace(made, sequence=replace(group.sequence, end=end))
    if promise.max_wait_s is not None:
        most = promise.max_wait_s + made.clearance_s
        made = replace(made, max_red_s=min(most, made.max_red_s or most))
    return made


def _with_their_phase(one: Intersection, promises: dict[str, Crossing]) -> Intersection:
    """A phase is green for as long as its people need, and red for no longer than they may wait."""
    assert one.rings is not None
    groups = {group.id: group for group in one.groups}
    for name, people in one.rings.pedestrians.items():
        if people not in promises:
            continue
        phase, walk = groups[name], groups[people]
        needed = walk.least_green_s + walk.clearance_s
        wait = promises[people].max_wait_s
        most = [red for red in (phase.max_red_s, wait) if red is not None]
        groups[name] = replace(phase, min_green_s=max(phase.min_green_s, needed),
                               max_red_s=min(most, default=None))  # fmt: skip
    return replace(one, groups=tuple(groups.values()))


def _leads(one: Intersection, k: int, wanted: set[str]) -> tuple[str, ...]:
    """Those of ``wanted`` that begin with the k-th stage of the order, together with vehicles."""
    stage, before = one.stage[one.stage_order[k]], one.stage[one.stage_order[k - 1]]
    begin = [name for name in stage.groups if name not in before.groups]
    if all(one.group[name].on_foot for name in begin):
        return ()
    return tuple(name for name in begin if name in wanted)


def _lead(one: Intersection, leads: dict[str, float]) -> Intersection:
    """Before each stage that crossings begin with vehicles, a stage of these crossings alone.

    All of them lead by the longest lead. It is held by intergreens: vehicles begin so much later
    after whoever ended before them, which the validator sees too. Of the plan that came in the
    stage's own green pays for it, where it is long enough.
    """
    stages, order = {two.id: two for two in one.stages}, []
    intergreen = dict(one.intergreen_s)
    names = one.stage_order
    for k, name in enumerate(names):
        stage, before = one.stage[name], one.stage[names[k - 1]]
        on_foot = _leads(one, k, set(leads))
        if on_foot:
            seconds = max(leads[g] for g in on_foot)
            staying = tuple(g for g in stage.groups if g in before.groups)
            lead = Stage(f"{name}-lead", (*on_foot, *staying), seconds,
                         yields=tuple(g for g in stage.yields if g in staying))  # fmt: skip
            if lead.id not in stages and stage.green_s >= seconds + LEAST_STAGE_S:
                stages[name] = replace(stage, green_s=stage.green_s - seconds)
            stages[lead.id] = lead
            order.append(lead.id)
            for pair in _behind(one, k):
                gap = max(one.intergreen_s.get((pair[0], g), 0) for g in on_foot)
                intergreen[pair] = max(intergreen[pair], gap + seconds)
        order.append(name)
    made = replace(one, stages=tuple(stages.values()), order=tuple(order), intergreen_s=intergreen)
    return replace(made, cycle_s=program(made).cycle_s) if has_plan(made) else made


def _behind(one: Intersection, k: int) -> list[tuple[str, str]]:
    """Foes of which the one ends before the k-th stage of the order, the other begins with it."""
    stage, before = one.stage[one.stage_order[k]], one.stage[one.stage_order[k - 1]]
    return [
        (a, b) for a in before.groups if a not in stage.groups
        for b in stage.groups if b not in before.groups and not one.group[b].on_foot
        if (a, b) in one.intergreen_s
    ]  # fmt: skip
