"""Invariants 1, 2 and 11: how long greens and reds last, and how soon a group is served again."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

from mobility.signals.check_say import EPS, Spans, cleared
from mobility.signals.problem import State

if TYPE_CHECKING:
    from mobility.signals.check_say import Lamps, Said
    from mobility.signals.plan import Log
    from mobility.signals.problem import Group


def check_greens(lamps: Lamps, log: Log | None, said: Said) -> None:
    """Judge minimum and maximum green, maximum red, and the least red between two greens."""
    emergency = cleared(log, lamps.signal.id, "preemption", "rail")
    for group in lamps.signal.groups:
        where = lamps.where(group.id)
        for run in lamps.greens[group.id]:
            short = run.starts and run.ends and run.seconds < group.min_green_s - EPS
            # Flashing green and a countdown follow what was decided before them.
            decided = run.to_s - group.countdown_s - group.sequence.ends_with(State.FLASHING_GREEN)
            if short and not emergency.touch(decided, run.to_s):
                said.say("signal_green_too_short", where,
                         f"{run.seconds:g} s at {run.from_s:g} s, least {group.min_green_s:g} s")  # fmt: skip
            most = group.max_green_s
            if most is not None and run.seconds > most + EPS and not emergency.holds(run.to_s):
                said.say("signal_green_too_long", where,
                         f"{run.seconds:g} s at {run.from_s:g} s, most {most:g} s")  # fmt: skip
        _reds(lamps, group, log, emergency, said)
        for one, other in pairwise(lamps.greens[group.id]):
            red = other.from_s - one.to_s
            if red < group.min_red_s - EPS and not emergency.holds(other.from_s):
                said.say("signal_served_again_too_soon", where,
                         f"{red:g} s at {one.to_s:g} s, least {group.min_red_s:g} s")  # fmt: skip


def _reds(
    lamps: Lamps,
    group: Group,
    log: Log | None,
    emergency: Spans,
    said: Said,
) -> None:
    """Nobody waits longer than the maximum red; a group on demand only once it was called."""
    if group.max_red_s is None:
        return
    greens = lamps.greens[group.id]
    bounds = [lamps.from_s, *(at for run in greens for at in (run.from_s, run.to_s)), lamps.to_s]
    optional = _on_demand(lamps, group.id)
    calls = Spans(
        (one.from_s, one.to_s) for one in (log.requests if log is not None else ())
        if one.signal == lamps.signal.id and one.group == group.id
    )  # fmt: skip
    for start, end in zip(bounds[::2], bounds[1::2], strict=True):
        since = _waiting_since(calls, start, end) if optional else start
        if since is None or end - since <= group.max_red_s + EPS:
            continue
        held = sum(max(0.0, min(b, end) - max(a, since)) for a, b in emergency.united())
        if end - since - held > group.max_red_s + EPS:
            said.say("signal_red_too_long", lamps.where(group.id),
                     f"{end - since:g} s from {since:g} s, most {group.max_red_s:g} s")  # fmt: skip


def _waiting_since(calls: Spans, start: float, end: float) -> float | None:
    """Give when somebody called in a red, or before it and unanswered; None: nobody did."""
    k = bisect_left(calls.starts, start)
    if k and calls.latest[k - 1] > start:  # a call that an earlier green has answered is none
        return start
    return calls.starts[k] if k < len(calls.starts) and calls.starts[k] < end else None


def _on_demand(lamps: Lamps, group: str) -> bool:
    signal = lamps.signal
    if signal.rings is not None:
        return group in signal.rings.optional
    holding = [stage for stage in signal.stages if group in stage.groups]
    return bool(holding) and all(stage.optional for stage in holding)
