"""What a controller hears, and when: detectors of buses, and messages that come late or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mobility.findings import finding
from mobility.shown import Shown
from mobility.signals.streams import Asked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mobility.findings import Finding
    from mobility.signals.problem import Network

SPREAD = 0.3  # of the travel time from the check-in to the line, either way; assumed


@dataclass(frozen=True)
class CheckIn(Shown):
    """A bus over a detector before a signal, or (``out``) after its line.

    Parameters
    ----------
    travel_s
        From the detector to the line, undisturbed.
    """

    vehicle: str
    signal: str
    group: str
    at_s: float
    travel_s: float = 15.0
    out: bool = False
    kind: str = "bus"
    late_s: float = 0.0
    people: float = 40.0


@dataclass(frozen=True)
class Heard(Shown):
    """Messages in the order in which they arrive.

    Parameters
    ----------
    messages
        (second of arrival, request).
    lost
        Messages that never arrive.
    """

    messages: tuple[tuple[float, Asked], ...]
    lost: int = 0

    def at(self, now_s: float) -> list[Asked]:
        """Give what arrives in the second that ends at ``now_s``."""
        return [one for when, one in self.messages if now_s - 1 < when <= now_s]


def detected(events: Iterable[CheckIn], network: Network) -> tuple[list[Asked], list[Finding]]:
    """Requests of detectors: a check-in asks, a check-out says that the bus has passed.

    Events of unknown signals or groups are findings, and left out.
    """
    asked, found = [], []
    for one in events:
        known = network.signal.get(one.signal)
        if known is None or one.group not in known.group:
            found.append(finding("control_request_wrong", column=f"{one.signal}.{one.vehicle}",
                                 value=f"group {one.group}"))  # fmt: skip
            continue
        early, until = (0.0, 0.0) if one.out else (
            (1 - SPREAD) * one.travel_s, (1 + SPREAD) * one.travel_s)  # fmt: skip
        asked.append(Asked(one.vehicle, one.signal, one.kind, one.group, one.at_s, one.at_s + early,
                           one.at_s + until, one.late_s, 0.0, one.people, leaves=one.out))  # fmt: skip
    return asked, found


def replay(
    events: Iterable[Asked],
    *,
    latency_s: float | Sequence[float] = 0.0,
    dropout: float = 0.0,
    seed: int = 0,
) -> Heard:
    """Say what arrives when, of messages that were sent.

    Parameters
    ----------
    events
        In any order; each is sent at its own ``at_s``.
    latency_s
        Of every message, or measured latencies, of which each message draws one.
    dropout
        Share that never arrives, 0 to 1.

    Raises
    ------
    ValueError
        When a latency is below 0 or a share lies outside 0 to 1.
    """
    measured = np.atleast_1d(np.asarray(latency_s, float))
    if not len(measured) or not (np.isfinite(measured) & (measured >= 0)).all():
        raise ValueError("latencies are seconds, 0 or more")
    if not 0 <= dropout <= 1:
        raise ValueError("dropout is a share, 0 to 1")
    rows = sorted(events, key=lambda one: (one.at_s, one.id, one.signal, one.leaves, one.eta_s))
    random = np.random.default_rng(seed)
    lost = random.random(len(rows)) < dropout
    late = random.choice(measured, len(rows))
    kept = [(float(one.at_s + wait), one)
            for one, wait, gone in zip(rows, late, lost, strict=True) if not gone]  # fmt: skip
    kept.sort(key=lambda row: row[0])
    return Heard(tuple(kept), int(lost.sum()))
