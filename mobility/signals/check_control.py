"""Invariants 10 to 14: who goes first, how soon again, on which plan, as promised, repeatably."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from mobility.signals.check_say import EPS
from mobility.signals.plan import CLASSES

if TYPE_CHECKING:
    from mobility.signals.check_say import Lamps, Said
    from mobility.signals.plan import Command, Log, Plan
    from mobility.signals.problem import Rules

_RANK = {name: rank for rank, name in enumerate(CLASSES)}


def check_commands(lamps: Lamps, log: Log, rules: Rules, said: Said) -> None:
    """Judge every command: its class, the lock-out, the horizon behind it, fresh data, countdowns."""
    signal = lamps.signal.id
    commands = sorted(
        (one for one in log.commands if one.signal == signal),
        key=lambda one: (one.at_s, one.cause, one.request),
    )
    requests = [one for one in log.requests if one.signal == signal]
    for one in commands:
        rank = _RANK.get(one.cause, -1)
        for other in requests:
            higher = _RANK.get(other.kind, -1) > rank and other.kind in {"preemption", "rail"}
            if higher and other.from_s - EPS <= one.at_s < other.to_s - EPS:
                said.say("signal_lower_class_served", signal,
                         f"{one.cause} at {one.at_s:g} s while {other.kind} {other.id} holds")  # fmt: skip
    _lockout(signal, commands, rules, said)
    for one in commands:
        _behind(signal, one, log, rules, said)
        _countdown(lamps, one, said)


def _lockout(signal: str, commands: list[Command], rules: Rules, said: Said) -> None:
    """Two grants of priority to different requests lie the lock-out apart."""
    granted = [one for one in commands if one.cause == "priority"]
    for one, other in pairwise(granted):
        if one.request != other.request and other.at_s - one.at_s < rules.priority_lockout_s - EPS:
            said.say("signal_priority_again_too_soon", signal,
                     f"{other.request} at {other.at_s:g} s, {one.request} at {one.at_s:g} s")  # fmt: skip


def _behind(signal: str, one: Command, log: Log, rules: Rules, said: Said) -> None:
    """Data are fresh, and a plan for the whole horizon existed before the command."""
    if one.cause == "plan":
        return
    for gap in log.gaps:
        stale = gap.from_s + rules.stale_s + EPS < one.at_s < gap.to_s - EPS
        if gap.signal == signal and stale:
            said.say("signal_stale_data_used", signal,
                     f"{one.cause} at {one.at_s:g} s, last data at {gap.from_s:g} s")  # fmt: skip
    ready = any(
        plan.signal == signal and plan.made_s <= one.at_s + EPS
        and plan.from_s <= one.at_s + EPS
        and plan.until_s >= one.at_s + rules.horizon_s - EPS
        for plan in log.horizons
    )  # fmt: skip
    if not ready:
        said.say("signal_no_horizon", signal, f"{one.cause} at {one.at_s:g} s")


def _countdown(lamps: Lamps, one: Command, said: Said) -> None:
    """Nothing was commanded inside a countdown that ended with the green it changed."""
    if one.cause in {"preemption", "rail", "plan"}:
        return
    for group in lamps.signal.groups:
        if not group.countdown_s:
            continue
        for run in lamps.greens[group.id]:
            shown_from = run.to_s - group.countdown_s
            if run.ends and shown_from + EPS < one.at_s <= run.to_s + EPS:
                said.say("signal_changed_inside_countdown", lamps.where(group.id),
                         f"{one.cause} at {one.at_s:g} s, green ends at {run.to_s:g} s")  # fmt: skip


def check_promises(lamps: Lamps, log: Log, said: Said) -> None:
    """Judge that every published earliest and latest end was kept."""
    for one in log.promises:
        if one.signal != lamps.signal.id or one.group not in lamps.runs:
            continue
        runs = lamps.runs[one.group]
        run = next((two for two in runs if two.from_s - EPS <= one.at_s < two.to_s - EPS), None)
        if run is None:
            continue
        early = run.ends and run.to_s < one.min_end_s - EPS
        late = run.to_s > one.max_end_s + EPS
        if early or late or not one.min_end_s <= one.max_end_s + EPS:
            said.say("signal_promise_broken", lamps.where(one.group),
                     f"{run.state} ends at {run.to_s:g} s, at {one.at_s:g} s "
                     f"[{one.min_end_s:g}, {one.max_end_s:g}] s was said")  # fmt: skip


def check_same(one: Plan | Log, other: Plan | Log, said: Said) -> None:
    """Judge that equal inputs gave equal answers."""
    if not one.digest or one.digest != other.digest:
        return
    columns = ["signal", "group", "from_s", "to_s", "state"]
    mine = one.shows if hasattr(one, "shows") else one.shown
    theirs = other.shows if hasattr(other, "shows") else other.shown
    a = sorted(map(tuple, mine[columns].to_numpy().tolist()))
    b = sorted(map(tuple, theirs[columns].to_numpy().tolist()))
    if a != b:
        first = next((x for x, y in zip(a, b, strict=False) if x != y), None)
        where = f"{first[0]}.{first[1]}" if first else ""
        said.say("signal_answers_differ", where, f"first at {first}" if first else "lengths differ")
