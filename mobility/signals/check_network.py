"""What a network must be before a plan can be safe: no stage may hold foes, no minimum be too long."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from mobility.signals.check_say import EPS

if TYPE_CHECKING:
    from mobility.signals.check_say import Said
    from mobility.signals.problem import Intersection, Network


def check_network(network: Network, said: Said) -> None:
    """Judge the data: stages, rings, minimum times, links, demand and routes."""
    for one in network.intersections:
        _stages(one, said)
        _rings(one, said)
        _room(one, said)
    _street(network, said)
    _volumes(network, said)


def _stages(one: Intersection, said: Said) -> None:
    served = {group for stage in one.stages for group in stage.groups}
    for group in one.groups:
        if group.id not in served | _of_rings(one):
            said.say("signal_group_never_green", f"{one.id}.{group.id}", group.id)
        if group.max_green_s is not None and group.max_green_s < group.least_green_s:
            said.say("signal_limits_cross", f"{one.id}.{group.id}",
                     f"least {group.least_green_s:g} s, most {group.max_green_s:g} s")  # fmt: skip
    for stage in one.stages:
        for a, b in combinations(sorted(set(stage.groups)), 2):
            if (a, b) in one.conflicts and (a, b) not in one.may_meet:
                said.say("signal_stages_conflict", f"{one.id}.{stage.id}", f"{a} and {b}")


def _of_rings(one: Intersection) -> set[str]:
    """Groups that a ring serves, and people who walk with them."""
    if one.rings is None:
        return set()
    named = {name for ring in one.rings.rings for barrier in ring for name in barrier}
    return named | {two for name, two in one.rings.pedestrians.items() if name in named}


def _rings(one: Intersection, said: Said) -> None:
    if one.rings is None:
        return
    count = {len(ring) for ring in one.rings.rings}
    if len(count) > 1:
        said.say("signal_rings_uneven", one.id, f"barrier groups {sorted(count)}")
        return
    named = [name for ring in one.rings.rings for barrier in ring for name in barrier]
    for name in sorted({name for name in named if named.count(name) > 1}):
        said.say("signal_rings_uneven", one.id, f"{name} stands twice")
    for block in range(min(count, default=0)):
        sides = [ring[block] for ring in one.rings.rings]
        for left, right in combinations(sides, 2):
            for a in left:
                for b in right:
                    pair = min(a, b), max(a, b)
                    if pair in one.conflicts and pair not in one.may_meet:
                        said.say("signal_stages_conflict", f"{one.id}.barrier {block + 1}",
                                 f"{a} and {b}")  # fmt: skip


def _room(one: Intersection, said: Said) -> None:
    """Minimum greens and all that lies between them must fit into the longest cycle."""
    order = [one.stage[name] for name in one.stage_order if name in one.stage]
    if one.rings is not None:
        _ring_room(one, said)
        return
    if not order:
        return
    needed = 0.0
    count = len(order)
    for k, stage in enumerate(order):
        here, after = set(stage.groups), set(order[(k + 1) % count].groups)
        before = set(order[k - 1].groups)
        alone = here if count == 1 else here - before - after
        gap = max((one.intergreen_s.get((a, b), 0) for a in here - after
                   for b in after - here), default=0)  # fmt: skip
        groups = [one.group[name] for name in alone if name in one.group]
        # People may clear while the others have stopped, but not while the next ones go.
        needed += max((
            two.least_green_s + two.clearance_s
            + max((one.intergreen_s.get((two.id, b), 0) for b in after - here), default=0)
            if two.clearance_s else two.least_green_s + gap
            for two in groups
        ), default=gap)  # fmt: skip
    if needed > one.cycle_range_s[1] + EPS:
        said.say("signal_cycle_too_short", one.id,
                 f"at least {needed:g} s, most {one.cycle_range_s[1]:g} s")  # fmt: skip


def _ring_room(one: Intersection, said: Said) -> None:
    """The same for rings: each barrier group is as long as the ring that needs most of it."""
    assert one.rings is not None
    rings = one.rings
    needed = 0.0
    for block in range(max(len(ring) for ring in rings.rings)):
        rows = [[name for name in ring[block] if name not in rings.optional and name in one.group]
                for ring in rings.rings if block < len(ring)]  # fmt: skip
        needed += max((sum(_least_split(one, name) for name in row) for row in rows), default=0)
    if needed > one.cycle_range_s[1] + EPS:
        said.say("signal_cycle_too_short", one.id,
                 f"at least {needed:g} s, most {one.cycle_range_s[1]:g} s")  # fmt: skip


def _least_split(one: Intersection, name: str) -> float:
    """Least green and the shortest intergreen that can follow it in its own ring."""
    assert one.rings is not None
    group = one.group[name]
    ring = next(ring for ring in one.rings.rings if any(name in barrier for barrier in ring))
    others = {other for barrier in ring for other in barrier} - {name}
    after = [one.intergreen_s[name, other] for other in others if (name, other) in one.intergreen_s]
    return group.least_green_s + group.clearance_s + min(after, default=0)


def _street(network: Network, said: Said) -> None:
    known = set(network.signal)
    pairs = {(link.from_signal, link.to_signal) for link in network.links}
    for link in network.links:
        for name in (link.from_signal, link.to_signal):
            if name not in known:
                said.say("signal_unknown", f"link {link.from_signal}-{link.to_signal}", name)
    for stop in network.bus_stops:
        if stop.link not in pairs:
            said.say("signal_unknown", f"bus stop {stop.stop_id}", "-".join(stop.link))
    for route in network.bus_routes:
        for name in route.signals:
            if name not in known:
                said.say("signal_unknown", f"route {route.route_id}", name)
    for way in network.emergency_routes:
        for name in way.signals:
            if name not in known:
                said.say("signal_unknown", f"emergency route {way.id}", name)


def _volumes(network: Network, said: Said) -> None:
    """Every movement with traffic has a group, and every period's signals are known."""
    served = {
        (one.id, approach, movement)
        for one in network.intersections
        for group in one.groups if not group.on_foot
        for approach in group.approaches
        for movement in group.movements
    }  # fmt: skip
    for period in network.volumes:
        for (signal, approach, movement), flow in sorted(period.vehicles_h.items()):
            if signal not in network.signal:
                said.say("signal_unknown", "demand", signal)
            elif flow > 0 and (signal, approach, movement) not in served:
                said.say("signal_movement_missing", f"{signal}.{approach}", movement)
        for signal, group in sorted(period.pedestrians_h):
            if signal not in network.signal:
                said.say("signal_unknown", "demand", signal)
            elif group not in network.signal[signal].group:
                said.say("signal_movement_missing", f"{signal}.{group}", group)
