"""Signals: intersections -> plans -> what was shown, judged by fourteen invariants.

``signals.check`` is a function that shares its name with the file it lives in, so all names are
bound here, once the files are loaded.
"""

from mobility.signals.advise_speed import Advice, Guidance, advise_speed, guide
from mobility.signals.case import read_network
from mobility.signals.check import check
from mobility.signals.plan import Log, Plan, SignalPlan
from mobility.signals.plan_file import read_plan
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
from mobility.signals.punctuality import Punctuality, punctuality
from mobility.signals.remaining import Remaining, remaining
from mobility.signals.simulate import simulate
from mobility.signals.simulation import Simulation

__all__ = [
    "Advice",
    "Group",
    "Guidance",
    "Intersection",
    "Link",
    "Log",
    "Network",
    "Plan",
    "Punctuality",
    "Remaining",
    "Rings",
    "Rules",
    "Sequence",
    "SignalPlan",
    "Simulation",
    "Stage",
    "State",
    "Volumes",
    "advise_speed",
    "check",
    "guide",
    "plan_of",
    "program",
    "punctuality",
    "read_network",
    "read_plan",
    "remaining",
    "simulate",
]
