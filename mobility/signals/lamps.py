"""What lamps show, as codes a second: 0 closed, 1 green, 2 green that gives way, 3 yellow in use."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.signals.groups import State
from mobility.signals.plan import SHOWN, STAGES, Log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mobility.signals.plan import Plan, SignalPlan
    from mobility.signals.streets import Streets

YELLOW_USED_S = 1  # of yellow, in which vehicles still pass
CLOSED, GREEN, YIELD, YELLOW = 0, 1, 2, 3
STATES = tuple(State)
NUMBER = {state: k for k, state in enumerate(STATES)}
_DIRECT = np.array(
    [
        {State.GREEN: GREEN, State.FLASHING_GREEN: GREEN, State.YIELD: YIELD, State.OFF: YIELD,
         State.FLASH: YIELD}.get(state, CLOSED)
        for state in STATES
    ], np.int8,
)  # fmt: skip


def states_of(streets: Streets, plan: Plan, begin_s: float, seconds: int) -> NDArray[np.int8]:
    """Return the state of each group in each second, (seconds, groups), as rows of ``STATES``.

    A group of a signal without a program is green throughout.
    """
    shown = np.full((seconds, len(streets.groups)), NUMBER[State.GREEN], np.int8)
    clock = begin_s - streets.network.zero_s + np.arange(seconds)
    for column, (signal, group) in enumerate(streets.groups):
        one = plan.signal.get(signal)
        if one is None:
            continue
        shown[:, column] = _cycle(one, group)[
            np.floor((clock - one.zero_s) % one.cycle_s).astype(np.int64)
        ]
    return shown


def _cycle(one: SignalPlan, group: str) -> NDArray[np.int8]:
    """Return a group's state in each second of the cycle; what holds at its begin counts."""
    found = np.full(int(np.ceil(one.cycle_s)), NUMBER[State.RED], np.int8)
    for shown in one.of_group.get(group, ()):
        found[int(np.ceil(shown.from_s)) : int(np.ceil(shown.to_s))] = NUMBER[shown.state]
    return found


def codes_of(states: NDArray[np.int8], before: NDArray[np.int8] | None = None) -> NDArray[np.int8]:
    """Turn states into codes; ``before`` is what the seconds ahead of the first row showed.

    The first ``YELLOW_USED_S`` of yellow after a green are used.
    """
    above = np.vstack((states[:0] if before is None else before, states))
    codes = _DIRECT[above]
    was_green = codes != CLOSED
    yellow = above == NUMBER[State.YELLOW]
    for back in range(1, YELLOW_USED_S + 1):
        codes[back:][yellow[back:] & was_green[:-back]] = YELLOW
    return np.ascontiguousarray(codes[len(above) - len(states) :])


def log_of(
    streets: Streets,
    states: NDArray[np.int8],
    begin_s: float,
    *,
    plan: Plan | None = None,
    digest: str = "",
) -> Log:
    """Write down what was shown: runs of states, and the plan's stages where there is a plan."""
    rows = []
    for column, (signal, group) in enumerate(streets.groups):
        shown = states[:, column]
        cuts = np.concatenate(([0], np.flatnonzero(np.diff(shown)) + 1, [len(shown)]))
        rows += [
            (signal, group, str(STATES[shown[a]]), begin_s + int(a), begin_s + int(b))
            for a, b in itertools.pairwise(cuts)
        ]  # fmt: skip
    claims = [] if plan is None else _stages(streets, plan, begin_s, len(states))
    return Log(pd.DataFrame(rows, columns=list(SHOWN)), pd.DataFrame(claims, columns=list(STAGES)),
               plan=plan, digest=digest)  # fmt: skip


def _stages(
    streets: Streets, plan: Plan, begin_s: float, seconds: int
) -> list[tuple[str, str, float, float]]:
    found = []
    for one in plan.signals:
        zero = streets.network.zero_s + one.zero_s
        first = int((begin_s - zero) // one.cycle_s) - 1
        for k in range(first, first + int(seconds // one.cycle_s) + 4):
            at = zero + k * one.cycle_s
            for stage in one.stages:
                start, end = at + stage.from_s, at + stage.from_s + stage.green_s
                if end > begin_s and start < begin_s + seconds:
                    found.append((one.signal, stage.stage, float(start), float(end)))
    return found


def rows_of(streets: Streets, shown: dict[str, Sequence[State]]) -> NDArray[np.int8]:
    """One second's states from (signal -> state of each of its groups, in its order)."""
    row = np.full((1, len(streets.groups)), NUMBER[State.RED], np.int8)
    place = {key: column for column, key in enumerate(streets.groups)}
    for signal, states in shown.items():
        for group, state in zip(streets.network.signal[signal].groups, states, strict=True):
            row[0, place[signal, group.id]] = NUMBER[state]
    return row
