"""Logs: what lamps showed, and what control was asked, knew, promised and did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from mobility.shown import Shown

if TYPE_CHECKING:
    from mobility.findings import Finding
    from mobility.signals.groups import Seconds
    from mobility.signals.plan import Plan

SHOWN = ("signal", "group", "state", "from_s", "to_s")
STAGES = ("signal", "stage", "from_s", "to_s")

# Who goes before whom: later goes first.
CLASSES = ("plan", "adaptive", "priority", "preemption", "rail")


@dataclass(frozen=True)
class Request:
    """Somebody asks: ``call`` (a group wants green), ``priority``, ``preemption`` or ``rail``.

    It holds from ``from_s`` until ``to_s``.
    """

    id: str
    signal: str
    kind: str
    group: str
    from_s: Seconds
    to_s: Seconds


@dataclass(frozen=True)
class Command:
    """Control changes what the plan would show; ``cause`` is one of ``CLASSES``."""

    signal: str
    at_s: Seconds
    cause: str
    request: str = ""
    stage: str = ""


@dataclass(frozen=True)
class Horizon:
    """A plan for ``from_s`` to ``until_s`` exists since ``made_s``."""

    signal: str
    made_s: Seconds
    from_s: Seconds
    until_s: Seconds


@dataclass(frozen=True)
class DataGap:
    """No fresh data of a signal between ``from_s`` (the last message) and ``to_s``."""

    signal: str
    from_s: Seconds
    to_s: Seconds


@dataclass(frozen=True)
class Promise:
    """Published at ``at_s``: what ``group`` shows then ends in [``min_end_s``, ``max_end_s``]."""

    signal: str
    group: str
    at_s: Seconds
    min_end_s: Seconds
    max_end_s: Seconds


def _no_shown() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in SHOWN})


def _no_stages() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in STAGES})


@dataclass(frozen=True, eq=False)
class Log(Shown):
    """What was shown, and why.

    Parameters
    ----------
    shown
        signal, group, state, from_s, to_s: every group's states tile the log's span.
    stages
        signal, stage, from_s, to_s, as control says; empty: found from the greens.
    plan
        The base plan, where signals are coordinated by one.
    digest
        Of everything that control was given: the same digest, the same log.
    input_findings
        Rows of the file it was read from that could not be read.
    """

    shown: pd.DataFrame = field(default_factory=_no_shown)
    stages: pd.DataFrame = field(default_factory=_no_stages)
    requests: tuple[Request, ...] = ()
    commands: tuple[Command, ...] = ()
    horizons: tuple[Horizon, ...] = ()
    gaps: tuple[DataGap, ...] = ()
    promises: tuple[Promise, ...] = ()
    plan: Plan | None = None
    digest: str = ""
    input_findings: tuple[Finding, ...] = ()
