"""Signals over versions: timing, the fast model, and one step of a controller."""

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from dataclasses import replace

from benchmarks.control import detections
from mobility import _jit, samples, signals
from mobility.stop import Work

SIZES = [1, 4, 10]  # of Changsha's ten signals


def network_of(count):
    """The first signals of Changsha's sample."""
    network = signals.read_network(samples.case("changsha", "signals.toml"))
    chosen = sorted(network.intersections, key=lambda one: one.id)[:count]
    kept = {one.id for one in chosen}
    volumes = tuple(
        replace(
            one,
            vehicles_h={key: many for key, many in one.vehicles_h.items() if key[0] in kept},
            pedestrians_h={key: many for key, many in one.pedestrians_h.items() if key[0] in kept},
        )
        for one in network.volumes
    )
    links = tuple(one for one in network.links if {one.from_signal, one.to_signal} <= kept)
    return replace(
        network, intersections=tuple(chosen), links=links, volumes=volumes, bus_stops=(), bus_routes=(),
        emergency_routes=(),
    )  # fmt: skip


class TimeSignals:
    params, param_names = [SIZES], ["signals"]
    timeout = 600

    def setup(self, count):
        _jit.warm_up()
        self.network = network_of(count)
        self._run()

    def _run(self):
        return signals.time_signals(self.network, stop=Work(300), period=0)

    def time_search(self, count):
        self._run()

    def peakmem_search(self, count):
        self._run()

    def track_quality_share_of_delay_left(self, count):
        plan = self._run()
        return plan.after.person_hours_h / plan.before.person_hours_h


class Simulate:
    params, param_names = [SIZES], ["signals"]
    timeout = 600

    def setup(self, count):
        _jit.warm_up()
        self.network = network_of(count)
        self.volumes = self.network.volumes[0]
        self._run()

    def _run(self):
        begin = self.volumes.from_s
        return signals.simulate(self.network, begin_s=begin, end_s=begin + 900)

    def time_quarter_of_an_hour(self, count):
        self._run()

    def peakmem_quarter_of_an_hour(self, count):
        self._run()

    def track_quality_findings_of_the_lamps(self, count):
        return len(signals.check(self.network, self._run().log))


class ControllerStep:
    """Ten minutes of steps, one a second, vehicles at random and a bus that asks: a computer must keep up."""

    params, param_names = [SIZES], ["signals"]
    timeout = 600
    number = 1

    def setup(self, count):
        _jit.warm_up()
        self.network = network_of(count)
        rng = random.Random(0)
        self.heard = [detections(self.network, second, rng) for second in range(600)]
        self._run(60)

    def _run(self, seconds):
        control = signals.PriorityController(self.network, policy=signals.Priority())
        first = self.network.intersections[0]
        group = next(one.id for one in first.groups if one.kind == "vehicle")
        for second in range(seconds):
            asked = signals.Asked("b", first.id, "bus", group, second, second + 20.0, second + 40.0)
            control.step(second, self.heard[second], [asked])
        return control

    def time_ten_minutes(self, count):
        self._run(600)

    def peakmem_ten_minutes(self, count):
        self._run(600)

    def track_quality_findings_of_the_lamps(self, count):
        return len(signals.check(self.network, self._run(600).log()))
