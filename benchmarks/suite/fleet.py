"""Fleet over versions: the main job, and each of its steps at growing sizes, with its gap."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import cases
from benchmarks.charge_city import charge_city
from benchmarks.city import city_like
from benchmarks.devos import devos_size
from benchmarks.simulate import BATTERY_KWH, day_of, varied
from mobility import _jit, fleet
from mobility.feed import read_feed
from mobility.stop import Work


def percent(report):
    """Gap in percent; not a number where there is none."""
    return float("nan") if report.gap is None else 100 * report.gap


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
        return percent(fleet.plan(self.problem).report)

    def track_vehicles_over_bound(self, case):
        plan = fleet.plan(self.problem)
        return plan.vehicles - plan.vehicles_bound


class Blocks:
    """Trips of a made-up city with one depot, chained exactly: the same algorithm at every size."""

    params, param_names = [[500, 2_000, 8_000]], ["trips"]
    timeout = 600

    def setup(self, trips):
        _jit.warm_up()
        self.problem = city_like(trips, 60).problem()

    def time_solve(self, trips):
        fleet.plan_blocks(self.problem)

    def peakmem_solve(self, trips):
        fleet.plan_blocks(self.problem)

    def track_gap_percent(self, trips):
        return percent(fleet.plan_blocks(self.problem).report)


class Electrify:
    """Blocks that respect range and chargers; the same rounds of pricing at every size."""

    params, param_names = [[60, 200, 816]], ["trips"]
    timeout = 600

    def setup(self, trips):
        _jit.warm_up()
        self.problem = devos_size(0, trips=trips)

    def time_solve(self, trips):
        fleet.electrify(self.problem, stop=Work(10))

    def peakmem_solve(self, trips):
        fleet.electrify(self.problem, stop=Work(10))

    def track_gap_percent(self, trips):
        return percent(fleet.electrify(self.problem, stop=Work(10)).report)


class Charge:
    """A night of whole chargers, one plug-in a stay; a quarter of a charger a bus."""

    params, param_names = [[60, 240, 2_480]], ["buses"]
    timeout = 600

    def setup(self, buses):
        _jit.warm_up()
        self.problem = charge_city(0.25, buses=buses, sites=max(1, buses // 200))

    def time_solve(self, buses):
        fleet.charge_stays(self.problem, stop=Work(3))

    def peakmem_solve(self, buses):
        fleet.charge_stays(self.problem, stop=Work(3))

    def track_gap_percent(self, buses):
        return percent(fleet.charge_stays(self.problem, stop=Work(3)).report)


class Simulate:
    """A plan replayed on a thousand days; quality is the share of bus days that break."""

    params, param_names = [[60, 240, 960]], ["buses"]
    timeout = 600

    def setup(self, buses):
        _jit.warm_up()
        self.plan = day_of(buses)
        self.problem = self.plan.problem.replace(**{"vehicles.battery_kwh": BATTERY_KWH})

    def _run(self):
        return fleet.simulate(self.problem, self.plan, varied(1_000), mends=False)

    def time_replay(self, buses):
        self._run()

    def peakmem_replay(self, buses):
        self._run()

    def track_quality_share_of_bus_days_that_break(self, buses):
        return self._run().spread()["mean"] / buses
