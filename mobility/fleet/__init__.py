"""Fleet: trips -> blocks -> energy -> charging, each with a bound and an independent check.

``fleet.problem``, ``fleet.plan`` and ``fleet.check`` are functions that share their names with the
files they live in or beside, so all names are bound here, once the files are loaded. OR-Tools is
imported only when a flow is solved.
"""

from mobility.fleet.blocks import plan_blocks
from mobility.fleet.calibrate import Calibration, calibrate
from mobility.fleet.chain import plan
from mobility.fleet.charge_plan import charge
from mobility.fleet.charge_stays import charge_stays
from mobility.fleet.check import check
from mobility.fleet.check_shift import check_shift
from mobility.fleet.consumption import Consumption
from mobility.fleet.consumption_table import ConsumptionTable, consumption_table
from mobility.fleet.electrify import electrify
from mobility.fleet.files import read_plan
from mobility.fleet.given import InferredRules, infer_rules
from mobility.fleet.kpis import buses_by_quarter_hour, compare_kpis, kpis
from mobility.fleet.matrix import MatrixPlan, MatrixProblem, read_mdvsp, write_mdvsp
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
from mobility.fleet.savings import Savings, savings
from mobility.fleet.shift import Shifted, shift
from mobility.fleet.stays import ChargingProblem, ChargingSite
from mobility.fleet.stays_file import read_stays
from mobility.fleet.stays_plan import ChargingPlan
from mobility.fleet.tables import problem
from mobility.fleet.week import plan_week
from mobility.fleet.week_plan import WeekPlan

__all__ = [
    "BlockPlan",
    "Calibration",
    "Charger",
    "ChargingPlan",
    "ChargingProblem",
    "ChargingSite",
    "Consumption",
    "ConsumptionTable",
    "Costs",
    "Deadheads",
    "Demand",
    "Depot",
    "InferredRules",
    "MatrixPlan",
    "MatrixProblem",
    "Plan",
    "Problem",
    "Rules",
    "Savings",
    "Shifted",
    "Tariff",
    "Vehicle",
    "WeekPlan",
    "buses_by_quarter_hour",
    "calibrate",
    "charge",
    "charge_stays",
    "check",
    "check_shift",
    "compare_kpis",
    "consumption_table",
    "electrify",
    "infer_rules",
    "kpis",
    "plan",
    "plan_blocks",
    "plan_week",
    "problem",
    "read_mdvsp",
    "read_plan",
    "read_stays",
    "savings",
    "shift",
    "write_mdvsp",
]
