"""Signals: intersections -> plans -> what was shown, judged by fourteen invariants.

``signals.check`` is a function that shares its name with the file it lives in, so all names are
bound here, once the files are loaded.
"""

from mobility.signals.advise_speed import Advice, Guidance, advise_speed, guide
from mobility.signals.case import read_network
from mobility.signals.case_write import same_network, write_network
from mobility.signals.check import check
from mobility.signals.control import Cabinet, Commands, PriorityController
from mobility.signals.corridor import Corridor, corridor_from_feed, write_passes
from mobility.signals.counts import (
    CountedVolumes,
    Counts,
    read_counts,
    volumes_of_counts,
    write_volumes,
)
from mobility.signals.crossing_costs import CrossingCosts, crossing_costs
from mobility.signals.crossings import CrossingRules, with_crossings
from mobility.signals.dispersion import evaluate
from mobility.signals.files import (
    read_log,
    read_plan,
    read_schedule,
    read_shown,
    write_log,
    write_plan,
)
from mobility.signals.hearing import CheckIn, Heard, detected, replay
from mobility.signals.plan import Log, Plan, SignalPlan
from mobility.signals.policies import policy_of
from mobility.signals.policy_adaptive import Adaptive, Weights
from mobility.signals.policy_priority import Conditions, Priority
from mobility.signals.positions import Position, read_positions
from mobility.signals.preempt import Preemption, preempt
from mobility.signals.problem import (
    Group,
    Intersection,
    Link,
    Network,
    Rings,
    Rules,
    Sequence,
    Service,
    Stage,
    State,
    Volumes,
)
from mobility.signals.program import plan_of, program
from mobility.signals.punctuality import Punctuality, punctuality
from mobility.signals.remaining import Remaining, remaining
from mobility.signals.requests import Requests, Routes, requests
from mobility.signals.schedule import Schedule, Slot
from mobility.signals.sheet import TimingSheet, timing_sheets, write_sheets
from mobility.signals.simulate import simulate
from mobility.signals.simulation import Simulation
from mobility.signals.streams import Approaches, Asked, Detection, Stream, approaches_of
from mobility.signals.timing import TimedPlan, time_signals
from mobility.signals.utdf import read_utdf
from mobility.signals.utdf_losses import utdf_losses
from mobility.signals.utdf_write import write_utdf

__all__ = [
    "Adaptive",
    "Advice",
    "Approaches",
    "Asked",
    "Cabinet",
    "CheckIn",
    "Commands",
    "Conditions",
    "Corridor",
    "CountedVolumes",
    "Counts",
    "CrossingCosts",
    "CrossingRules",
    "Detection",
    "Group",
    "Guidance",
    "Heard",
    "Intersection",
    "Link",
    "Log",
    "Network",
    "Plan",
    "Position",
    "Preemption",
    "Priority",
    "PriorityController",
    "Punctuality",
    "Remaining",
    "Requests",
    "Rings",
    "Routes",
    "Rules",
    "Schedule",
    "Sequence",
    "Service",
    "SignalPlan",
    "Simulation",
    "Slot",
    "Stage",
    "State",
    "Stream",
    "TimedPlan",
    "TimingSheet",
    "Volumes",
    "Weights",
    "advise_speed",
    "approaches_of",
    "check",
    "corridor_from_feed",
    "crossing_costs",
    "detected",
    "evaluate",
    "guide",
    "plan_of",
    "policy_of",
    "preempt",
    "program",
    "punctuality",
    "read_counts",
    "read_log",
    "read_network",
    "read_plan",
    "read_positions",
    "read_schedule",
    "read_shown",
    "read_utdf",
    "remaining",
    "replay",
    "requests",
    "same_network",
    "simulate",
    "time_signals",
    "timing_sheets",
    "utdf_losses",
    "volumes_of_counts",
    "with_crossings",
    "write_log",
    "write_network",
    "write_passes",
    "write_plan",
    "write_sheets",
    "write_utdf",
    "write_volumes",
]
