"""What control hears: a clock, detections, requests. What makes no sense is noted and left out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mobility.findings import finding
from mobility.signals.streams import Asked, Detection

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from mobility.findings import Finding
    from mobility.signals.problem import Network
    from mobility.signals.streams import Approaches

FORGET_S = 60  # a request that is not repeated is forgotten
FORWARD_S = 60  # of lost calls that are made up for; beyond, the clock has jumped
BELIEVED = 10  # calls in step after which a clock that jumped is believed
CLASS_OF = {"bus": "priority", "tram": "priority", "emergency": "preemption", "rail": "rail"}


@dataclass
class Ears:
    """Judges messages. Nothing raises: findings say what was wrong, once a kind and place.

    Parameters
    ----------
    shift_s
        Given clock minus the lamps' own clock.
    """

    network: Network
    approaches: Approaches
    mine: Collection[str] = ()
    shift_s: float = 0.0
    _odd: list[float] = field(default_factory=list)
    _found: dict[tuple[str, str], Finding] = field(default_factory=dict)

    @property
    def findings(self) -> list[Finding]:
        """What was wrong so far."""
        return list(self._found.values())

    def say(self, code: str, where: str, value: object) -> None:
        """Note what is wrong."""
        self._found.setdefault((code, where), finding(code, column=where, value=str(value)[:80]))

    def clock(self, now_s: object, next_s: int) -> int:
        """Give the lamps' second that is asked for; ``next_s`` - 1 where it was answered already."""
        given = number(now_s)
        if math.isnan(given):
            self.say("control_clock_wrong", "", now_s)
            return next_s
        at = math.floor(given - self.shift_s)
        if next_s - 1 <= at <= next_s + FORWARD_S:
            self._odd.clear()
            return at
        self.say("control_clock_jumped", "", f"{given:g} s after {next_s - 1 + self.shift_s:g} s")
        # A clock that goes on from where it jumped to is believed after a while.
        self._odd = [*self._odd[1 - BELIEVED :], given]
        steady = all(b - a == 1 for a, b in zip(self._odd, self._odd[1:], strict=False))
        if len(self._odd) == BELIEVED and steady:
            self.shift_s = given - next_s
            self._odd.clear()
        return next_s

    def detections(self, given: Any, now_s: object) -> dict[str, Detection]:
        """Those that can be used, by signal."""
        found: dict[str, Detection] = {}
        for one in _rows(given):
            if one is None:
                continue
            if not isinstance(one, Detection):
                self.say("control_detection_wrong", "", type(one).__name__)
            elif one.signal not in self.mine:
                if one.signal not in self.network.signal:
                    self.say("control_signal_unknown", str(one.signal), one.signal)
            elif wrong := one.wrong(len(self.approaches.of(one.signal))):
                self.say("control_detection_wrong", one.signal, wrong)
            elif not -1 <= number(now_s) - number(one.at_s) <= self.network.rules.stale_s:
                self.say("control_detection_stale", one.signal, f"of {one.at_s} s at {now_s} s")
            elif one.signal not in found or found[one.signal].at_s <= one.at_s:
                found[one.signal] = one  # of two messages the later counts
        return found

    def requests(self, given: Iterable[Asked], now_s: float) -> list[Asked]:
        """Those that can be used, in their order."""
        found = []
        for one in _rows(given):
            if not isinstance(one, Asked):
                self.say("control_request_wrong", "", type(one).__name__)
            elif one.signal not in self.mine:
                self.say("control_request_wrong", str(one.signal), "unknown signal")
            elif wrong := self._wrong(one, now_s):
                self.say("control_request_wrong", f"{one.signal}.{one.id}", wrong)
            else:
                found.append(one)
        return found

    def _wrong(self, one: Asked, now_s: float) -> str:
        numbers = (one.at_s, one.eta_s, one.eta_until_s, one.late_s, one.headway_gap_s, one.people)
        if any(math.isnan(number(x)) for x in numbers):
            return "no number"
        if one.kind not in CLASS_OF:
            return f"kind {one.kind!r}"
        if one.leaves:
            return ""
        if one.group not in self.network.signal[one.signal].group:
            return f"group {one.group!r}"
        if one.eta_until_s < one.eta_s:
            return "a window that ends before it begins"
        if one.eta_until_s < now_s - self.network.rules.stale_s:
            return f"of the past: {one.eta_until_s:g} s at {now_s:g} s"
        if one.at_s > now_s + 1 or one.at_s < now_s - FORGET_S:
            return f"sent at {one.at_s:g} s, now is {now_s:g} s"
        if not 0 <= one.people <= 500:
            return f"{one.people:g} people"
        return ""


def number(given: object) -> float:
    """Read a finite number; NaN for all else."""
    try:
        found = float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return found if math.isfinite(found) else math.nan


def _rows(given: Any) -> list[Any]:
    if hasattr(given, "values"):
        return list(given.values())
    try:
        return list(given)
    except TypeError:
        return [given]
