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
from mobility.fleet.compare import Comparison, compare
from mobility.fleet.consumption import Consumption
from mobility.fleet.consumption_table import ConsumptionTable, consumption_table
from mobility.fleet.electrify import electrify
from mobility.fleet.files import read_plan
from mobility.fleet.given import InferredRules, infer_rules
from mobility.fleet.kpis import buses_by_quarter_hour, compare_kpis, kpis
from mobility.fleet.matrix import MatrixPlan, MatrixProblem, read_mdvsp, write_mdvsp
from mobility.fleet.measured import Measured, read_measured
from mobility.fleet.mends import MendPrices
from mobility.fleet.ocpp import ocpp_profiles, write_ocpp
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
from mobility.fleet.repair import Repair, repair
from mobility.fleet.replan import replan
from mobility.fleet.savings import Savings, savings
from mobility.fleet.scenarios import Scenarios
from mobility.fleet.shift import Shifted, shift
from mobility.fleet.simulate import simulate
from mobility.fleet.simulation import Simulation
from mobility.fleet.size_depots import Sizing, size_depots
from mobility.fleet.stays import ChargingProblem, ChargingSite
from mobility.fleet.stays_file import read_stays
from mobility.fleet.stays_plan import ChargingPlan
from mobility.fleet.tables import problem
from mobility.fleet.tods import Tods, read_tods, write_tods
from mobility.fleet.transition import Transition, transition
from mobility.fleet.wear import GiveBack, Wear
from mobility.fleet.weather import Weather, read_weather
from mobility.fleet.week import plan_week
from mobility.fleet.week_plan import WeekPlan

__all__ = [
    "BlockPlan",
    "Calibration",
    "Charger",
    "ChargingPlan",
    "ChargingProblem",
    "ChargingSite",
    "Comparison",
    "Consumption",
    "ConsumptionTable",
    "Costs",
    "Deadheads",
    "Demand",
    "Depot",
    "GiveBack",
    "InferredRules",
    "MatrixPlan",
    "MatrixProblem",
    "Measured",
    "MendPrices",
    "Plan",
    "Problem",
    "Repair",
    "Rules",
    "Savings",
    "Scenarios",
    "Shifted",
    "Simulation",
    "Sizing",
    "Tariff",
    "Tods",
    "Transition",
    "Vehicle",
    "Wear",
    "Weather",
    "WeekPlan",
    "buses_by_quarter_hour",
    "calibrate",
    "charge",
    "charge_stays",
    "check",
    "check_shift",
    "compare",
    "compare_kpis",
    "consumption_table",
    "electrify",
    "infer_rules",
    "kpis",
    "ocpp_profiles",
    "plan",
    "plan_blocks",
    "plan_week",
    "problem",
    "read_mdvsp",
    "read_measured",
    "read_plan",
    "read_stays",
    "read_tods",
    "read_weather",
    "repair",
    "replan",
    "savings",
    "shift",
    "simulate",
    "size_depots",
    "transition",
    "write_mdvsp",
    "write_ocpp",
    "write_tods",
]
