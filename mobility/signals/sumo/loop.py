"""A controller in SUMO's loop: detectors read, lamps set, second by second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobility.errors import ConfigError
from mobility.signals.control import PriorityController
from mobility.signals.policies import LOOPS, policy_of
from mobility.signals.sumo.buses import Buses
from mobility.signals.sumo.read import LETTERS
from mobility.signals.sumo.sensors import Sensors

if TYPE_CHECKING:
    from mobility.signals.policy import Policy
    from mobility.signals.problem import Intersection, Network
    from mobility.signals.sumo.net import Net

__all__ = ["LOOPS", "Loop", "policy_of", "width_of"]


class Loop:
    """Runs a policy on all signals of a scenario that has begun.

    Raises
    ------
    ConfigError
        When SUMO's step is no part of a second: lamps change at whole seconds.
    """

    def __init__(self, api: Any, network: Network, net: Net, policy: Policy | None, begin_s: float,
                 bus_people: float = 40.0, *, preempts: bool = True) -> None:  # fmt: skip
        step = float(api.simulation.getDeltaT())
        if abs(1 / step - round(1 / step)) > 1e-9:
            raise ConfigError(f"steps of {step:g} s", mend="--step-length of 1 s, or 1/n s")
        self._api = api
        self._network = network
        self._next = begin_s
        self._sensors = Sensors(api, network, net)
        self._buses = Buses(api, network, net, people=bus_people, preempts=preempts)
        self.control = PriorityController(
            network, policy=policy, approaches=self._sensors.approaches, at_s=int(begin_s)
        )
        self._width = {one.id: width_of(one) for one in network.intersections}
        self._shown: dict[str, str] = {}

    def step(self, now_s: float) -> None:
        """Set what is shown from ``now_s`` on, once a second."""
        if now_s < self._next - 1e-9:
            return
        self._next = now_s + 1
        asked = self._buses.read(now_s)
        seen = self._sensors.read(now_s, self._buses.dwelling)
        commands = self.control.step(now_s, seen, asked)
        for signal, states in commands.lamps.items():
            letters = ["r"] * self._width[signal]
            for group, state in zip(self._network.signal[signal].groups, states, strict=True):
                for link in group.source:
                    letters[link] = LETTERS[state]
            text = "".join(letters)
            if self._shown.get(signal) != text:
                self._api.trafficlight.setRedYellowGreenState(signal, text)
                self._shown[signal] = text


def width_of(one: Intersection) -> int:
    """Letters of a signal's state."""
    return max(link for group in one.groups for link in group.source) + 1
