"""Fleet: trips -> blocks -> energy -> charging, each with a bound and an independent check.

``fleet.problem``, ``fleet.plan`` and ``fleet.check`` are functions that share their names with the
files they live in or beside, so all names are bound here, once the files are loaded. OR-Tools is
imported only when a flow is solved.
"""

from mobility.fleet.blocks import plan_blocks
from mobility.fleet.chain import plan
from mobility.fleet.charging import charge
from mobility.fleet.check import check
from mobility.fleet.electrify import electrify
from mobility.fleet.files import read_plan
from mobility.fleet.plan import BlockPlan, Plan
from mobility.fleet.problem import (
    Charger,
    Costs,
    Deadheads,
    Demand,
    Depot,
    Problem,
    Rules,
    Tariff,
    Vehicle,
)
from mobility.fleet.tables import problem

__all__ = [
    "BlockPlan",
    "Charger",
    "Costs",
    "Deadheads",
    "Demand",
    "Depot",
    "Plan",
    "Problem",
    "Rules",
    "Tariff",
    "Vehicle",
    "charge",
    "check",
    "electrify",
    "plan",
    "plan_blocks",
    "problem",
    "read_plan",
]
