"""Invariants 1, 2 and 11: how long greens and reds last, and how soon a group is served again."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from mobility.signals.check_say import EPS, cleared, inside
from mobility.signals.problem import State

if TYPE_CHECKING:
    from mobility.signals.check_say import Lamps, Said
    from mobility.signals.plan import Log
    from mobility.signals.problem import Group


def check_greens(lamps: Lamps, log: Log | None, said: Said) -> None:
    """Judge minimum and maximum green, maximum red, and the least red between two greens."""
    emergency = [
        *cleared(log, lamps.signal.id, "preemption"), *cleared(log, lamps.signal.id, "rail"),
    ]  # fmt: skip
    for group in lamps.signal.groups:
        where = lamps.where(group.id)
        for run in lamps.greens[group.id]:
            short = run.starts and run.ends and run.seconds < group.min_green_s - EPS
            # Flashing green and a countdown follow what was decided before them.
            decided = run.to_s - group.countdown_s - group.sequence.ends_with(State.FLASHING_GREEN)
            if short and not any(a <= run.to_s + EPS and b >= decided - EPS for a, b in emergency):
                said.say("signal_green_too_short", where,
                         f"{run.seconds:g} s at {run.from_s:g} s, least {group.min_green_s:g} s")  # fmt: skip
            most = group.max_green_s
            if most is not None and run.seconds > most + EPS and not inside(run.to_s, emergency):
                said.say("signal_green_too_long", where,
                         f"{run.seconds:g} s at {run.from_s:g} s, most {most:g} s")  # fmt: skip
        _reds(lamps, group, log, emergency, said)
        for one, other in pairwise(lamps.greens[group.id]):
            red = other.from_s - one.to_s
            if red < group.min_red_s - EPS and not inside(other.from_s, emergency):
                said.say("signal_served_again_too_soon", where,
                         f"{red:g} s at {one.to_s:g} s, least {group.min_red_s:g} s")  # fmt: skip


def _reds(
    lamps: Lamps,
    group: Group,
    log: Log | None,
    emergency: list[tuple[float, float]],
    said: Said,
) -> None:
    """Nobody waits longer than the maximum red; a group on demand only once it was called."""
    if group.max_red_s is None:
        return
    greens = lamps.greens[group.id]
    bounds = [lamps.from_s, *(at for run in greens for at in (run.from_s, run.to_s)), lamps.to_s]
    optional = _on_demand(lamps, group.id)
    calls = [
        (one.from_s, one.to_s) for one in (log.requests if log is not None else ())
        if one.signal == lamps.signal.id and one.group == group.id
    ]  # fmt: skip
    held_spans = _united(emergency)
    for start, end in zip(bounds[::2], bounds[1::2], strict=True):
        since = start
        if optional:
            # A call that an earlier green has answered is none.
            called = [at for at, until in calls if at < end and (at >= start or until > start)]
            if not called:
                continue
            since = max(start, min(called))
        held = sum(max(0.0, min(b, end) - max(a, since)) for a, b in held_spans)
        if end - since - held > group.max_red_s + EPS:
            said.say("signal_red_too_long", lamps.where(group.id),
                     f"{end - since:g} s from {since:g} s, most {group.max_red_s:g} s")  # fmt: skip


def _united(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans without overlap: two fire engines at one time excuse a red once."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def _on_demand(lamps: Lamps, group: str) -> bool:
    signal = lamps.signal
    if signal.rings is not None:
        return group in signal.rings.optional
    holding = [stage for stage in signal.stages if group in stage.groups]
    return bool(holding) and all(stage.optional for stage in holding)
