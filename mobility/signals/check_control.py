"""Invariants 10 to 14: who goes first, how soon again, on which plan, as promised, repeatably."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from mobility.signals.check_say import EPS, Spans
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
    requests = [one for one in log.requests
                if one.signal == signal and one.kind in {"preemption", "rail"}]  # fmt: skip
    held = Spans((one.from_s, one.to_s) for one in requests)
    for one in commands:
        rank = _RANK.get(one.cause, -1)
        for other in requests if held.holds(one.at_s) else ():
            higher = _RANK.get(other.kind, -1) > rank
            if higher and other.from_s - EPS <= one.at_s < other.to_s - EPS:
                said.say("signal_lower_class_served", signal,
                         f"{one.cause} at {one.at_s:g} s while {other.kind} {other.id} holds")  # fmt: skip
    _lockout(signal, commands, rules, said)
    _behind(signal, commands, log, rules, said)
    _countdown(lamps, commands, said)


def _lockout(signal: str, commands: list[Command], rules: Rules, said: Said) -> None:
    """Two grants of priority to different requests lie the lock-out apart."""
    granted = [one for one in commands if one.cause == "priority"]
    for one, other in pairwise(granted):
        if one.request != other.request and other.at_s - one.at_s < rules.priority_lockout_s - EPS:
            said.say("signal_priority_again_too_soon", signal,
                     f"{other.request} at {other.at_s:g} s, {one.request} at {one.at_s:g} s")  # fmt: skip


def _behind(signal: str, commands: list[Command], log: Log, rules: Rules, said: Said) -> None:
    """Data are fresh, and a plan for the whole horizon existed before each command."""
    gaps = [one for one in log.gaps if one.signal == signal]
    missing = Spans((one.from_s + rules.stale_s, one.to_s) for one in gaps)
    plans = Spans((max(one.made_s, one.from_s), one.until_s) for one in log.horizons
                  if one.signal == signal)  # fmt: skip
    for one in commands:
        if one.cause == "plan":
            continue
        for gap in gaps if missing.holds(one.at_s) else ():
            if gap.from_s + rules.stale_s + EPS < one.at_s < gap.to_s - EPS:
                said.say("signal_stale_data_used", signal,
                         f"{one.cause} at {one.at_s:g} s, last data at {gap.from_s:g} s")  # fmt: skip
        if not plans.holds(one.at_s, after=EPS - rules.horizon_s):
            said.say("signal_no_horizon", signal, f"{one.cause} at {one.at_s:g} s")


def _countdown(lamps: Lamps, commands: list[Command], said: Said) -> None:
    """Nothing was commanded inside a countdown that ended with the green it changed."""
    groups = [group for group in lamps.signal.groups if group.countdown_s]
    ends = {
        group.id: sorted(run.to_s for run in lamps.greens[group.id] if run.ends) for group in groups
    }
    for one in commands:
        if one.cause in {"preemption", "rail", "plan"}:
            continue
        for group in groups:
            row = ends[group.id]
            first = bisect_left(row, one.at_s - EPS)
            last = bisect_left(row, one.at_s + group.countdown_s - EPS)
            for end in row[first:last]:
                said.say("signal_changed_inside_countdown", lamps.where(group.id),
                         f"{one.cause} at {one.at_s:g} s, green ends at {end:g} s")  # fmt: skip


def check_promises(lamps: Lamps, log: Log, said: Said) -> None:
    """Judge that every published earliest and latest end was kept."""
    begins = {name: [run.from_s for run in runs] for name, runs in lamps.runs.items()}
    latest = {name: list(accumulate((run.to_s for run in runs), max))
              for name, runs in lamps.runs.items()}  # fmt: skip
    for one in log.promises:
        if one.signal != lamps.signal.id or one.group not in lamps.runs:
            continue
        # The first run that is not over yet, if it has begun.
        k = bisect_right(latest[one.group], one.at_s, key=lambda end: end - EPS)
        if k >= bisect_right(begins[one.group], one.at_s, key=lambda start: start - EPS):
            continue
        run = lamps.runs[one.group][k]
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
