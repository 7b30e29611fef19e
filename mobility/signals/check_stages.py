"""Invariants 7, 8 and 9: order of rings and stages, and the way back to coordination."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from mobility.signals.check_say import EPS, Spans, cleared

if TYPE_CHECKING:
    from mobility.signals.check_say import Lamps, Said
    from mobility.signals.plan import Log, SignalPlan
    from mobility.signals.problem import Rings, Rules

# stage, start, end of the time in which control calls it the current one
Claim = tuple[str, float, float]


def check_rings(lamps: Lamps, log: Log | None, said: Said) -> None:
    """Judge that each ring keeps its order, and that all cross a barrier together."""
    rings = lamps.signal.rings
    if rings is None:
        return
    free = cleared(log, lamps.signal.id, "preemption", "rail")
    for number, ring in enumerate(rings.rings):
        row = [name for barrier in ring for name in barrier]
        starts = sorted((run.from_s, name) for name in row for run in lamps.greens[name])
        ends = sorted(run.to_s for name in row for run in lamps.greens[name])
        # Who has been served since the ring came to this barrier group; the log may begin inside it.
        seen, whole = {starts[0][1]} if starts else set(), False
        for (_, here), (at, there) in pairwise(starts):
            # Pre-emption may send the other rings on while this one rests.
            since = ends[max(0, bisect_right(ends, at + EPS) - 1)]
            if free.touch(min(since, at), at):
                seen, whole = {there}, False
                continue
            inner = next(barrier for barrier in ring if here in barrier)
            if there in inner and there not in seen:
                # With one barrier group a ring begins anew after its last group.
                within = _may_swap(rings, inner, here, there)
                fine = within or (not whole and _left_out(rings, ring, here, there, None) <= set(
                    rings.optional))  # fmt: skip
                seen = seen | {there} if within else {there}
            else:
                fine = _left_out(rings, ring, here, there, seen if whole else None) <= set(
                    rings.optional
                )
                seen, whole = {there}, True
            if not fine:
                said.say("signal_ring_order", f"{lamps.signal.id}.ring {number + 1}",
                         f"{here} then {there} at {at:g} s")  # fmt: skip
    _barriers(lamps, rings, said)


def _may_swap(rings: Rings, inner: tuple[str, ...], here: str, there: str) -> bool:
    """Whether a group may follow another one inside a barrier group."""
    if rings.may_swap:
        return True
    a, b = inner.index(here), inner.index(there)
    return b > a and set(inner[a + 1 : b]) <= set(rings.optional)


def _left_out(
    rings: Rings, ring: tuple[tuple[str, ...], ...], here: str, there: str, seen: set[str] | None
) -> set[str]:
    """Groups that a ring passes over on its way to another barrier group, or around to the same."""
    block = {name: number for number, barrier in enumerate(ring) for name in barrier}
    a, b, count = block[here], block[there], len(ring)
    step = (b - a) % count or count
    found = {name for k in range(1, step) for name in ring[(a + k) % count]}
    if not rings.may_swap:
        found |= set(ring[a][ring[a].index(here) + 1 :])
        found |= set(ring[b][: ring[b].index(there)])
    elif seen is not None:
        found |= set(ring[a]) - seen
    return found


def _barriers(lamps: Lamps, rings: Rings, said: Said) -> None:
    """No two barrier groups are green at one time, whatever the rings, and each gets its turn."""
    count = max(len(ring) for ring in rings.rings)
    runs = sorted(
        (run.from_s, run.to_s, block, name)
        for block in range(count)
        for ring in rings.rings if block < len(ring)
        for name in ring[block]
        for run in lamps.greens[name]
    )  # fmt: skip
    ends: dict[int, tuple[float, str]] = {}
    for start, end, block, name in runs:
        for other, (until, left) in ends.items():
            if other != block and start < until - EPS:
                said.say("signal_barrier_crossed", f"{lamps.signal.id}.{left}/{name}",
                         f"{name} starts at {start:g} s, {left} ends at {until:g} s")  # fmt: skip
        if end > ends.get(block, (float("-inf"), ""))[0]:
            ends[block] = end, name


def check_order(lamps: Lamps, claims: list[Claim], log: Log | None, rules: Rules,
                said: Said) -> None:  # fmt: skip
    """Judge that stages follow in their order, that none is skipped, and none is of our invention."""
    signal = lamps.signal
    told = claims or _found(lamps)
    free = cleared(log, signal.id, "preemption", "rail")
    if claims:
        _claims_hold(lamps, claims, free, said)
        if signal.rings is None:  # the order of rings is read from the lamps themselves
            _claims_cover(lamps, claims, free, said)
    if signal.rings is not None:
        return
    asked = cleared(log, signal.id, "priority")
    order = signal.stage_order
    if any(name not in order for name in (one[0] for one in told)):
        stray = next(one for one in told if one[0] not in order)
        said.say("signal_stage_unknown", signal.id, f"{stray[0]} at {stray[1]:g} s")
        return
    if signal.order_free:
        return
    optional = {one.id for one in signal.stages if one.optional}
    # A stage may stand twice in the order: every place where it may be is followed.
    at: set[int] = set()
    for name, start, _ in told:
        places = {k for k, one in enumerate(order) if one == name}
        nexts = {k for k in places if any(_reach(order, here, k, optional) for here in at)}
        if at and not nexts:
            by_priority = asked.holds(start) and (rules.insert_stages or rules.rotate_stages)
            if not free.holds(start) and not by_priority:
                said.say("signal_stage_skipped", signal.id, f"{name} at {start:g} s")
            nexts = places
        at = nexts or places


def _reach(order: tuple[str, ...], here: int, there: int, optional: set[str]) -> bool:
    """Whether only optional stages lie between one place of the order and another."""
    count = len(order)
    step = (there - here) % count or count
    return all(order[(here + k) % count] in optional for k in range(1, step))


def _found(lamps: Lamps) -> list[Claim]:
    """Stages as the greens show them: where exactly one stage's groups are green.

    A change on the way from one stage to another (people end before vehicles) is no stage of its
    own unless the signal has one with just these groups.
    """
    known = {frozenset(stage.groups): stage.id for stage in lamps.signal.stages}
    times = sorted({at for runs in lamps.greens.values() for run in runs
                    for at in (run.from_s, run.to_s)})  # fmt: skip
    starts = {group: [run.from_s for run in runs] for group, runs in lamps.greens.items()}
    begins = sorted(at for row in starts.values() for at in row)
    found: list[Claim] = []
    for start, end in pairwise(times):
        middle = (start + end) / 2
        green = set()
        for group, runs in lamps.greens.items():
            k = bisect_right(starts[group], middle) - 1
            if k >= 0 and runs[k].to_s > middle:
                green.add(group)
        stage = known.get(frozenset(green))
        if stage is None:
            continue
        if found and found[-1][0] == stage and not _left(begins, found[-1][2], start):
            found[-1] = stage, found[-1][1], end
        else:
            found.append((stage, start, end))
    return found


def _left(begins: list[float], since: float, until: float) -> bool:
    """Whether any group's green began between two looks at the same stage."""
    k = bisect_left(begins, since - EPS)
    return k < len(begins) and begins[k] <= until + EPS


def _claims_hold(lamps: Lamps, claims: list[Claim], free: Spans, said: Said) -> None:
    """All groups of a claimed stage are green together in it, and no other group starts in it."""
    signal = lamps.signal
    begins = {name: [run.from_s for run in runs] for name, runs in lamps.greens.items()}
    latest = {name: list(accumulate((run.to_s for run in runs), max))
              for name, runs in lamps.greens.items()}  # fmt: skip
    for k, (name, start, end) in enumerate(claims):
        stage = signal.stage.get(name)
        if stage is None:
            said.say("signal_stage_unknown", signal.id, f"{name} at {start:g} s")
            continue
        until = claims[k + 1][1] if k + 1 < len(claims) else lamps.to_s
        cut = end >= lamps.to_s - EPS or start <= lamps.from_s + EPS
        for name_of in stage.groups:
            begun = bisect_left(begins[name_of], end - EPS)
            shown = begun > 0 and latest[name_of][begun - 1] > start + EPS
            if not shown and not cut and not free.holds(end):
                said.say("signal_stage_skipped", f"{signal.id}.{name}",
                         f"{name_of} is not green between {start:g} s and {end:g} s")  # fmt: skip
        walks = signal.rings.pedestrians if signal.rings is not None else {}
        with_it = {*stage.groups, *(walks[one] for one in stage.groups if one in walks)}
        for group in signal.groups:
            if group.id in with_it:
                continue
            first = bisect_right(begins[group.id], start - EPS)
            last = bisect_left(begins[group.id], min(end, until) - EPS)
            for run in lamps.greens[group.id][first:last]:
                if run.starts:
                    said.say("signal_stage_unknown", f"{signal.id}.{name}",
                             f"{group.id} starts at {run.from_s:g} s")  # fmt: skip


def _claims_cover(lamps: Lamps, claims: list[Claim], free: Spans, said: Said) -> None:
    """Every green belongs to a claimed stage: none is shown between those that are told."""
    signal = lamps.signal
    holds = {stage.id: stage.groups for stage in signal.stages}
    for group in signal.groups:
        own = Spans((start, end) for name, start, end in claims if group.id in holds.get(name, ()))
        for run in lamps.greens[group.id]:
            whole = run.starts and run.ends
            covered = own.touch(run.from_s + 2 * EPS, run.to_s - 2 * EPS)
            if whole and not covered and not free.touch(run.from_s, run.to_s):
                said.say("signal_stage_unknown", lamps.where(group.id),
                         f"green from {run.from_s:g} s in no stage that is told")  # fmt: skip


def check_coordination(
    lamps: Lamps,
    claims: list[Claim],
    base: SignalPlan,
    log: Log,
    rules: Rules,
    said: Said,
    *,
    zero_s: float = 0.0,
) -> None:
    """Judge that the reference point is where the base plan has it, N cycles after a disturbance.

    ``zero_s``: of the master clock, on the clock of the lamps. Without claims the stages are found
    in the lamps.
    """
    signal, cycle = lamps.signal, base.cycle_s
    due_s = zero_s + base.offset_s
    if not math.isfinite(due_s):
        said.say("signal_not_in_coordination", signal.id, f"offset {base.offset_s:g} s")
        return
    stage = signal.stage.get(base.reference_stage)
    alike = [one for one in signal.stages if stage and set(one.groups) == set(stage.groups)]
    if not claims and len(alike) != 1:
        return  # lamps do not tell which stage it is
    told = claims or _found(lamps)
    own = [claim for claim in told if alike and claim[0] == base.reference_stage]
    events = _events(lamps, base, own)
    seen = sorted(at for at in events if lamps.from_s + EPS < at < lamps.to_s - EPS)
    upset = Spans([
        *cleared(log, signal.id, "priority", "preemption", "rail").rows,
        *((one.at_s, one.at_s) for one in log.commands if one.signal == signal.id),
    ])  # fmt: skip
    steady = _steady(lamps, base, own)
    first = -(-(lamps.from_s - due_s) // cycle)
    at = due_s + first * cycle
    while at < lamps.to_s - EPS:
        k = bisect_left(seen, at)
        near = min((abs(one - at) for one in seen[max(0, k - 1) : k + 1]), default=math.inf)
        calm = not upset.holds(at, cycle, rules.recover_cycles * cycle + EPS)
        far = near > rules.coordination_s + EPS and not all(one.holds(at) for one in steady)
        if calm and at > lamps.from_s + EPS and far:
            missing = "no reference point" if near > cycle else f"{near:g} s off"
            said.say("signal_not_in_coordination", signal.id, f"{missing} at {at:g} s")
        at += cycle


def _steady(lamps: Lamps, base: SignalPlan, own: list[Claim]) -> list[Spans]:
    """When the reference stage is claimed, and each of its groups green, where it never ends.

    A stage that fills the base plan's cycle has no begin and no end to be seen: it is in
    coordination while control calls it the current one and its lamps show it. Otherwise [nothing].
    """
    fills = sum(one.green_s for one in base.stages if one.stage == base.reference_stage)
    if fills < base.cycle_s - EPS or base.reference_stage not in lamps.signal.stage:
        return [Spans([])]
    groups = lamps.signal.stage[base.reference_stage].groups
    return [
        Spans((start, end) for _, start, end in own),
        *(Spans((run.from_s, run.to_s) for run in lamps.greens[name]) for name in groups),
    ]


def _events(lamps: Lamps, base: SignalPlan, own: list[Claim]) -> list[float]:
    """Give the reference point of each claim of the reference stage, as the lamps show it.

    People's green ends before the stage does.
    """
    stage = lamps.signal.stage.get(base.reference_stage)
    groups = [lamps.signal.group[name] for name in stage.groups] if stage is not None else []
    if base.reference == "begin-green":
        begins = sorted(run.from_s for group in groups for run in lamps.greens[group.id])
        return [_first(begins, start - EPS, end - EPS, start) for _, start, end in own]
    if base.reference == "begin-yellow":
        return [end for _, _, end in own]
    yellow = max((group.yellow_s for group in groups), default=0.0)
    stops = sorted(run.to_s for group in groups if not group.clearance_s
                   for run in lamps.greens[group.id])  # fmt: skip
    return [_first(stops, start - EPS, end + 2 * EPS, end) + yellow for _, start, end in own]


def _first(times: list[float], since: float, until: float, otherwise: float) -> float:
    """Give the first of sorted times that is not before one moment and before another."""
    k = bisect_left(times, since)
    return times[k] if k < len(times) and times[k] < until else otherwise
