"""How the checker speaks, and how it reads lamps: runs of one kind of state, group by group."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from mobility.findings import Finding, finding
from mobility.signals.problem import GREENS, State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobility.signals.plan import Log
    from mobility.signals.problem import Intersection

_STATES = frozenset(one.value for one in State)
EPS = 1e-6  # seconds: rounding of a float, no tolerance of a rule


@dataclass(frozen=True)
class Run:
    """One state without a break; ``whole`` is false where the log cuts it."""

    state: State
    from_s: float
    to_s: float
    starts: bool = True  # its start lies in the log
    ends: bool = True

    @property
    def seconds(self) -> float:
        """How long it lasts, as far as the log goes."""
        return self.to_s - self.from_s


@dataclass
class Said:
    """Findings, one a rule and group, each with the first time and how often."""

    source: str = ""
    _first: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    _count: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def say(self, code: str, where: str, value: str, message: str = "") -> None:
        """Note a breach of a rule at a place; the first one is cited."""
        key = code, where
        self._first.setdefault(key, (value, message))
        self._count[key] += 1

    def findings(self) -> list[Finding]:
        """All that was said, in the order in which rules were first broken."""
        return [
            finding(code, message, file=self.source, column=where, value=value,
                    count=self._count[code, where])
            for (code, where), (value, message) in self._first.items()
        ]  # fmt: skip


@dataclass(frozen=True)
class Lamps:
    """What one signal showed: runs of every group, and their greens."""

    signal: Intersection
    runs: dict[str, list[Run]]
    from_s: float
    to_s: float

    @cached_property
    def greens(self) -> dict[str, list[Run]]:
        """Each group's greens: neighbouring states in which it may go, joined."""
        return {group: joined(runs, GREENS) for group, runs in self.runs.items()}

    def where(self, group: str) -> str:
        """``signal.group`` for a finding."""
        return f"{self.signal.id}.{group}"


def joined(runs: Iterable[Run], states: frozenset[State]) -> list[Run]:
    """Join neighbouring runs whose states are in a set."""
    found: list[Run] = []
    for run in runs:
        if run.state not in states:
            continue
        if found and abs(found[-1].to_s - run.from_s) < EPS:
            last = found[-1]
            found[-1] = Run(last.state, last.from_s, run.to_s, last.starts, run.ends)
        else:
            found.append(run)
    return found


def read(signal: Intersection, rows: Iterable[tuple[str, str, float, float]], said: Said) -> Lamps:
    """Read (group, state, from_s, to_s) of one signal; what does not tile the span is said."""
    by_group: dict[str, list[tuple[float, float, State]]] = {one.id: [] for one in signal.groups}
    for group, state, start, end in rows:
        if group not in by_group:
            said.say("signal_group_unknown", f"{signal.id}.{group}", group)
        elif state not in _STATES:
            said.say("signal_state_unknown", f"{signal.id}.{group}", state)
        elif not (end > start):
            said.say("signal_lamps_do_not_tile", f"{signal.id}.{group}", f"{start}-{end}")
        else:
            by_group[group].append((float(start), float(end), State(state)))
    begin = min((row[0] for shown in by_group.values() for row in shown), default=0.0)
    finish = max((row[1] for shown in by_group.values() for row in shown), default=0.0)
    runs: dict[str, list[Run]] = {}
    for group, shown in by_group.items():
        shown.sort(key=lambda row: (row[0], row[1]))
        made: list[Run] = []
        at = begin
        for start, end, state in shown:
            if abs(start - at) > EPS:
                said.say("signal_lamps_do_not_tile", f"{signal.id}.{group}", f"at {at:g} s")
            if made and made[-1].state is state and abs(made[-1].to_s - start) < EPS:
                made[-1] = Run(state, made[-1].from_s, end)
            else:
                made.append(Run(state, start, end))
            at = end
        if abs(at - finish) > EPS:
            said.say("signal_lamps_do_not_tile", f"{signal.id}.{group}", f"at {at:g} s")
        runs[group] = [
            Run(run.state, run.from_s, run.to_s, run.from_s > begin + EPS, run.to_s < finish - EPS)
            for run in made
        ]
    return Lamps(signal, runs, begin, finish)


class Spans:
    """Spans of time, sorted by start, each with the latest end so far: asked in log n."""

    def __init__(self, rows: Iterable[tuple[float, float]]) -> None:
        self.rows = sorted(rows)
        self.starts = [start for start, _ in self.rows]
        self.latest = list(accumulate((end for _, end in self.rows), max))

    def holds(self, at: float, before: float = EPS, after: float = EPS) -> bool:
        """Whether ``start - before <= at <= end + after`` of one of them."""
        count = bisect_right(self.starts, at, key=lambda start: start - before)
        return count > 0 and self.latest[count - 1] + after >= at

    def touch(self, since: float, until: float) -> bool:
        """Whether one of them and a span have a moment in common."""
        count = bisect_right(self.starts, until + EPS)
        return count > 0 and self.latest[count - 1] >= since - EPS

    def united(self) -> list[tuple[float, float]]:
        """Spans without overlap: two fire engines at one time excuse a red once."""
        found: list[tuple[float, float]] = []
        for start, end in self.rows:
            if found and start <= found[-1][1]:
                found[-1] = found[-1][0], max(found[-1][1], end)
            else:
                found.append((start, end))
        return found


def cleared(log: Log | None, signal: str, *kinds: str) -> Spans:
    """When some kinds of request held at a signal."""
    return Spans(
        (one.from_s, one.to_s) for one in (log.requests if log is not None else ())
        if one.signal == signal and one.kind in kinds
    )  # fmt: skip
