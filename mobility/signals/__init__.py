"""Signals: intersections -> plans -> what was shown, judged by fourteen invariants.

``signals.check`` is a function that shares its name with the file it lives in, so all names are
bound here, once the files are loaded.
"""

from mobility.signals.case import read_network
from mobility.signals.check import check
from mobility.signals.control import Cabinet, Commands, PriorityController
from mobility.signals.plan import Log, Plan, SignalPlan
from mobility.signals.policy_adaptive import Adaptive, Weights
from mobility.signals.policy_priority import Conditions, Priority
from mobility.signals.preempt import Preemption, preempt
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
from mobility.signals.streams import Approaches, Asked, Detection, Stream, approaches_of

__all__ = [
    "Adaptive",
    "Approaches",
    "Asked",
    "Cabinet",
    "Commands",
    "Conditions",
    "Detection",
    "Group",
    "Intersection",
    "Link",
    "Log",
    "Network",
    "Plan",
    "Preemption",
    "Priority",
    "PriorityController",
    "Rings",
    "Rules",
    "Sequence",
    "SignalPlan",
    "Stage",
    "State",
    "Stream",
    "Volumes",
    "Weights",
    "approaches_of",
    "check",
    "plan_of",
    "preempt",
    "program",
    "read_network",
]
