"""Signals: intersections -> plans -> what was shown, judged by fourteen invariants.

``signals.check`` is a function that shares its name with the file it lives in, so all names are
bound here, once the files are loaded.
"""

from mobility.signals.case import read_network
from mobility.signals.check import check
from mobility.signals.dispersion import evaluate
from mobility.signals.plan import Log, Plan, SignalPlan
from mobility.signals.problem import (
    Group,
    Intersection,
    Link,
    Network,
    Rings,
    Rules,
    Sequence,
    Stage,
    State,
    Volumes,
)
from mobility.signals.program import plan_of, program
from mobility.signals.timing import TimedPlan, time_signals

__all__ = [
    "Group",
    "Intersection",
    "Link",
    "Log",
    "Network",
    "Plan",
    "Rings",
    "Rules",
    "Sequence",
    "SignalPlan",
    "Stage",
    "State",
    "TimedPlan",
    "Volumes",
    "check",
    "evaluate",
    "plan_of",
    "program",
    "read_network",
    "time_signals",
]
