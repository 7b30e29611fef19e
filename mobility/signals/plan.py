"""What is answered: fixed-time plans, and logs of what was shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.shown import Shown
from mobility.signals.log import (
    CLASSES,
    SHOWN,
    STAGES,
    Command,
    DataGap,
    Horizon,
    Log,
    Promise,
    Request,
)

if TYPE_CHECKING:
    from mobility.signals.groups import Seconds, State
    from mobility.solution import Report

__all__ = [
    "CLASSES",
    "SHOWN",
    "STAGES",
    "Command",
    "DataGap",
    "Horizon",
    "Indication",
    "Log",
    "Plan",
    "Promise",
    "Request",
    "SignalPlan",
    "StageTime",
]


@dataclass(frozen=True)
class Indication:
    """One group shows one state from ``from_s`` to ``to_s`` of the cycle, which it never wraps."""

    group: str
    state: State
    from_s: Seconds
    to_s: Seconds


@dataclass(frozen=True)
class StageTime:
    """A stage in the cycle: from its first start of green, with the green that all share."""

    stage: str
    from_s: Seconds
    green_s: Seconds


@dataclass(frozen=True)
class SignalPlan(Shown):
    """The program of one signal, said twice: as stages for people, as lamps for the street.

    Parameters
    ----------
    cycle_s
        Length of the cycle.
    zero_s
        When the cycle's second 0 is, after the master clock's zero, in [0, cycle_s).
    offset_s, reference, reference_stage
        When the reference point is, after the master clock's zero: of ``reference_stage`` the
        ``begin-green`` (first group's start), ``begin-yellow`` (first group's end) or
        ``end-yellow``.
    stages
        In order of ``from_s``.
    shows
        Every group's states; they tile the cycle.
    """

    signal: str
    cycle_s: Seconds
    zero_s: Seconds
    offset_s: Seconds
    stages: tuple[StageTime, ...]
    shows: tuple[Indication, ...]
    reference: str = "begin-green"
    reference_stage: str = ""

    @cached_property
    def of_group(self) -> dict[str, tuple[Indication, ...]]:
        """Each group's states in order of time."""
        found: dict[str, list[Indication]] = {}
        for one in sorted(self.shows, key=lambda one: (one.group, one.from_s)):
            found.setdefault(one.group, []).append(one)
        return {group: tuple(shown) for group, shown in found.items()}


@dataclass(frozen=True)
class Plan(Shown):
    """Programs of all signals for a part of the day.

    Parameters
    ----------
    from_s, to_s
        Seconds into the day in which it runs.
    digest
        Of the network that it was made for, and of what else was asked.
    """

    signals: tuple[SignalPlan, ...]
    name: str = "plan"
    from_s: int = 0
    to_s: int = 86_400
    digest: str = ""
    report: Report | None = field(default=None, compare=False)

    @cached_property
    def signal(self) -> dict[str, SignalPlan]:
        """Programs by signal."""
        return {one.signal: one for one in self.signals}

    @property
    def stages(self) -> pd.DataFrame:
        """One row a stage: signal, cycle_s, offset_s, stage, from_s, green_s."""
        rows = [
            (one.signal, one.cycle_s, one.offset_s, two.stage, two.from_s, two.green_s)
            for one in self.signals
            for two in one.stages
        ]
        names = ["signal", "cycle_s", "offset_s", "stage", "from_s", "green_s"]
        return pd.DataFrame(rows, columns=names)

    @property
    def shows(self) -> pd.DataFrame:
        """One row an indication: signal, group, state, from_s, to_s (in the cycle)."""
        rows = [
            (one.signal, two.group, str(two.state), two.from_s, two.to_s)
            for one in self.signals
            for two in one.shows
        ]
        return pd.DataFrame(rows, columns=list(SHOWN))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name, "from_s": self.from_s, "to_s": self.to_s, "digest": self.digest,
            "signals": [
                {
                    "signal": one.signal, "cycle_s": one.cycle_s, "zero_s": one.zero_s,
                    "offset_s": one.offset_s, "reference": one.reference,
                    "reference_stage": one.reference_stage,
                    "stages": [[two.stage, two.from_s, two.green_s] for two in one.stages],
                    "shows": [
                        [two.group, str(two.state), two.from_s, two.to_s] for two in one.shows
                    ],
                }
                for one in self.signals
            ],
        }  # fmt: skip

    def __str__(self) -> str:
        cycles = sorted({one.cycle_s for one in self.signals})
        told = ", ".join(f"{one:g}" for one in cycles[:4]) + (" ..." if len(cycles) > 4 else "")
        return f"{self.name}: {len(self.signals)} signals, cycle {told} s"
