"""Invariants 4 and 6: who is never green with whom, and how long after whom."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from mobility.signals.check_say import EPS, joined
from mobility.signals.problem import GREENS, State

if TYPE_CHECKING:
    from mobility.signals.check_say import Lamps, Said

_CLEARING = GREENS | {State.CLEARANCE}


def check_conflicts(lamps: Lamps, said: Said) -> None:
    """Judge every pair in conflict: greens apart, and intergreens from end to start."""
    signal = lamps.signal
    until = {  # people block the junction until their clearance is over
        group.id: joined(lamps.runs[group.id], _CLEARING) if group.on_foot
        else lamps.greens[group.id]
        for group in signal.groups
    }  # fmt: skip
    for a, b in sorted(signal.conflicts):
        meets = _overlap(lamps, a, b)
        if meets is not None and (a, b) not in signal.may_meet:
            said.say("signal_conflicting_greens", f"{signal.id}.{a}/{b}", f"at {meets:g} s")
        if signal.yield_shown and (a, b) not in _pairs(signal.both_protected):
            both = _both_protected(lamps, a, b)
            if both is not None and (a, b) in signal.may_meet:
                said.say("signal_conflicting_greens", f"{signal.id}.{a}/{b}",
                         f"neither gives way at {both:g} s")  # fmt: skip
    for (a, b), seconds in sorted(signal.intergreen_s.items()):
        if a == b:
            continue
        meet = (min(a, b), max(a, b)) in signal.may_meet
        starts = [run.from_s for run in lamps.greens[b] if run.starts]
        for run in until[a]:
            # The first start after this green began: one during a permitted meeting is no conflict.
            at = bisect_left(starts, (run.to_s if meet else run.from_s) - EPS)
            while at < len(starts) and starts[at] < run.to_s + seconds - EPS:
                gap = starts[at] - run.to_s
                said.say("signal_intergreen_too_short", f"{signal.id}.{a}>{b}",
                         f"{gap:g} s at {run.to_s:g} s, least {seconds:g} s")  # fmt: skip
                at += 1


def _pairs(pairs: frozenset[tuple[str, str]]) -> set[tuple[str, str]]:
    return {(min(pair), max(pair)) for pair in pairs}


def _overlap(lamps: Lamps, a: str, b: str) -> float | None:
    return _meets(lamps, a, b, GREENS)


def _both_protected(lamps: Lamps, a: str, b: str) -> float | None:
    return _meets(lamps, a, b, frozenset({State.GREEN, State.FLASHING_GREEN}))


def _meets(lamps: Lamps, a: str, b: str, states: frozenset[State]) -> float | None:
    """First moment in which both show one of some states."""
    one, other = joined(lamps.runs[a], states), joined(lamps.runs[b], states)
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i].from_s, other[j].from_s), min(one[i].to_s, other[j].to_s)
        if end > start + EPS:
            return start
        if one[i].to_s < other[j].to_s:
            i += 1
        else:
            j += 1
    return None
