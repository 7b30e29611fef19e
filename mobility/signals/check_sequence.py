"""Invariants 3 and 5: yellow and every other step of a sequence exact, clearance complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobility.signals.check_say import EPS, joined
from mobility.signals.problem import DARK, GREENS, State

if TYPE_CHECKING:
    from mobility.signals.check_say import Lamps, Run, Said
    from mobility.signals.problem import Group

_GO = frozenset({State.GREEN, State.YIELD})


def check_sequence(lamps: Lamps, said: Said) -> None:
    """Judge what stands before and after every green; pre-emption does not excuse any of it."""
    for group in lamps.signal.groups:
        runs = lamps.runs[group.id]
        _walk(lamps, group, said)
        at = 0
        while at < len(runs):
            if runs[at].state not in GREENS:
                _stray(lamps, group, runs, at, said)
                at += 1
                continue
            first = at
            while at < len(runs) and runs[at].state in _GO:
                at += 1
            _before(lamps, group, runs, first, said)
            if at < len(runs) and runs[at].state not in DARK:
                # What is not due where it stands is told, and passed.
                at = max(_after(lamps, group, runs, at, said), first + 1)
    _dark(lamps, said)


def _dark(lamps: Lamps, said: Said) -> None:
    """A signal goes dark as a whole: a group that does so alone leaves out its yellow."""
    spans = {
        name: [(round(run.from_s, 6), round(run.to_s, 6)) for run in joined(runs, DARK)]
        for name, runs in lamps.runs.items() if any(run.state not in DARK for run in runs)
    }  # fmt: skip
    for name, own in sorted(spans.items()):
        other = next((two for two in sorted(spans) if spans[two] != own), None)
        if own and other is not None:
            said.say("signal_sequence_wrong", lamps.where(name),
                     f"dark at {own[0][0]:g} s, and {other} is not as long")  # fmt: skip


def _walk(lamps: Lamps, group: Group, said: Said) -> None:
    """Walk is as long as it must be, under pre-emption too: only the case may allow less."""
    if not group.on_foot or group.walk_may_be_cut:
        return
    for run in lamps.greens[group.id]:
        if run.starts and run.ends and run.seconds < group.walk_s - EPS:
            said.say("signal_walk_cut", lamps.where(group.id),
                     f"{run.seconds:g} s at {run.from_s:g} s, least {group.walk_s:g} s")  # fmt: skip


def _before(lamps: Lamps, group: Group, runs: list[Run], first: int, said: Said) -> None:
    """Red, then exactly the steps of the start, then green."""
    if not runs[first].starts:
        return
    where, at = lamps.where(group.id), first
    for state, seconds in reversed(group.sequence.start):
        at -= 1
        if at < 0:
            return
        run = runs[at]
        if run.state is not state:
            if run.state not in DARK:
                said.say("signal_sequence_wrong", where,
                         f"no {state} before green at {runs[first].from_s:g} s")  # fmt: skip
            return
        if not run.starts:
            return
        if abs(run.seconds - seconds) > EPS:
            said.say("signal_sequence_wrong", where,
                     f"{state} for {run.seconds:g} s at {run.from_s:g} s, not {seconds:g} s")  # fmt: skip
    if at > 0 and runs[at - 1].state not in DARK | {State.RED}:
        said.say("signal_sequence_wrong", where,
                 f"green at {runs[first].from_s:g} s follows {runs[at - 1].state}")  # fmt: skip


def _after(lamps: Lamps, group: Group, runs: list[Run], at: int, said: Said) -> int:
    """Exactly the steps of the end, then red; the row after the last of them."""
    where = lamps.where(group.id)
    for state, seconds in group.sequence.end:
        if at >= len(runs):
            return at
        run = runs[at]
        if run.state is not state:
            said.say(_code(state), where, f"no {state} after green at {run.from_s:g} s")
            return at
        wrong = run.seconds > seconds + EPS if not run.ends else abs(run.seconds - seconds) > EPS
        if state is State.CLEARANCE:  # longer is safe, shorter is not
            wrong = run.ends and run.seconds < seconds - EPS
        if wrong:
            said.say(_code(state), where,
                     f"{run.seconds:g} s at {run.from_s:g} s, not {seconds:g} s")  # fmt: skip
        at += 1
    if at < len(runs) and runs[at].state not in DARK | {State.RED}:
        said.say("signal_sequence_wrong", where,
                 f"{runs[at].state} at {runs[at].from_s:g} s, where red is due")  # fmt: skip
    return at


def _stray(lamps: Lamps, group: Group, runs: list[Run], at: int, said: Said) -> None:
    """Flag yellow, clearance or red-amber that belongs to no green."""
    run = runs[at]
    before = runs[at - 1].state if at else None
    after = runs[at + 1].state if at + 1 < len(runs) else None
    if (
        run.state is State.RED_AMBER
        and after is not None
        and after not in GREENS | {State.RED_AMBER}
    ):
        said.say("signal_sequence_wrong", lamps.where(group.id),
                 f"{run.state} at {run.from_s:g} s is followed by {after}")  # fmt: skip
    if run.state in {State.YELLOW, State.CLEARANCE} and before is State.RED:
        said.say("signal_sequence_wrong", lamps.where(group.id),
                 f"{run.state} at {run.from_s:g} s follows red")  # fmt: skip


def _code(state: State) -> str:
    if state is State.CLEARANCE:
        return "signal_clearance_cut"
    return "signal_yellow_wrong" if state is State.YELLOW else "signal_sequence_wrong"
