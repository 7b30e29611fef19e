"""The main job, with its gap: a day's blocks and charging."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import cases
from mobility import _jit, fleet
from mobility.feed import read_feed


class Plan:
    params, param_names = [cases.names("fleet")], ["case"]
    timeout = 600

    def setup(self, case):
        _jit.warm_up()
        self.problem = fleet.problem(read_feed(cases.feed_path(case)).day())

    def time_plan(self, case):
        fleet.plan(self.problem)

    def peakmem_plan(self, case):
        fleet.plan(self.problem)

    def track_gap_percent(self, case):
        return 100 * fleet.plan(self.problem).report.gap

    def track_vehicles_over_bound(self, case):
        plan = fleet.plan(self.problem)
        return plan.vehicles - plan.vehicles_bound
