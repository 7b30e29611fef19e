"""The fast model: a plan or a controller, a demand, and what it costs everybody."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mobility.errors import ConfigError
from mobility.signals.groups import State
from mobility.signals.lamps import NUMBER, YELLOW_USED_S, codes_of, rows_of, states_of
from mobility.signals.plan import Plan
from mobility.signals.queues import Queues
from mobility.signals.simulation import Simulation
from mobility.signals.streets import streets_of
from mobility.signals.traffic import BOARDING, Traffic, draw

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mobility.signals.demand import Volumes
    from mobility.signals.problem import Network
    from mobility.signals.streets import Streets


class Controller(Protocol):
    """Control second by second."""

    def step(self, now_s: float, detections: Any, requests: Any) -> Any:
        """Return what each signal's groups show for the next second, in the order of its groups.

        Signal -> states, or something that has them as ``lamps``.
        """
        ...


def simulate(
    network: Network,
    controller: Plan | Controller | None = None,
    demand: Volumes | Sequence[Volumes] | Traffic | None = None,
    *,
    seed: int = 0,
    begin_s: float | None = None,
    end_s: float | None = None,
    clear_s: int = 0,
    boarding: float = BOARDING,
    senses: Callable[[Queues, float], tuple[Any, Any]] | None = None,
) -> Simulation:
    """Let a demand drive through signals.

    Every vehicle is one: it cruises (a platoon spreads as Robertson has it), waits in the lane
    that serves its movement, passes the stop line at the lane's saturation flow while its group
    is green, gives way where it must, and enters the next street only where there is room; a gap
    runs back through a full street at its own speed. Buses stop and dwell.

    Parameters
    ----------
    controller
        A plan, by default the one that came in; or whatever has ``step(now_s, detections,
        requests)`` and answers what each signal shows.
    demand
        Volumes of one or several periods, by default the network's first; or vehicles one by one
        (``sumo.traffic_from_config``).
    seed
        Of the draw of vehicles from volumes.
    begin_s, end_s
        Seconds into the day; by default of the demand.
    clear_s
        Seconds that are run on after the end, so that vehicles come home.
    boarding
        Share of a bus's dwell that grows with the time since the bus before.
    senses
        Makes (detections, requests) of the running model for a controller. By default
        ``sensing.Detectors`` where the controller has ``approaches``, else lane counts.

    Returns
    -------
    Simulation
        Starts and ends with what is on the road: delays of vehicles that have not arrived count
        until the end.

    Raises
    ------
    ConfigError
        When there is no demand, or its time is empty, or links do not say where they arrive.

    References
    ----------
    Robertson (1969), TRANSYT; Yperman (2007), link transmission model.
    """
    started = time.perf_counter()
    streets = streets_of(network)
    traffic = _demand(streets, demand, seed=seed, begin_s=begin_s, end_s=end_s)
    seconds = int(np.ceil(traffic.end_s - traffic.begin_s)) + clear_s
    if seconds <= 0:
        raise ConfigError("the time to simulate is empty", mend="an end after the begin")
    queues = Queues(streets, traffic, seconds, boarding)
    plan: Plan | None = None
    if controller is None or isinstance(controller, Plan):
        from mobility.signals.program import plan_of

        plan = plan_of(network) if controller is None else controller
        states = states_of(streets, plan, traffic.begin_s, seconds)
        queues.advance(codes_of(states))
    else:
        states = _stepped(queues, controller, seconds, senses)
    return Simulation(
        streets, traffic, queues, states, plan, controller if plan is None else None, seed,
        time.perf_counter() - started,
    )  # fmt: skip


def _demand(
    streets: Streets,
    demand: Volumes | Sequence[Volumes] | Traffic | None,
    *,
    seed: int,
    begin_s: float | None,
    end_s: float | None,
) -> Traffic:
    if isinstance(demand, Traffic):
        return demand
    if demand is None:
        if not streets.network.volumes:
            raise ConfigError(
                "the network has no demand", mend="[[demand]] in signals.toml, or --demand"
            )
        demand = streets.network.volumes[0]
    return draw(streets, demand, seed=seed, begin_s=begin_s, end_s=end_s)


def _stepped(
    queues: Queues,
    controller: Controller,
    seconds: int,
    senses: Callable[[Queues, float], tuple[Any, Any]] | None,
) -> Any:
    """Ask a controller every second."""
    from mobility.signals.sensing import Detectors, counts

    sense = senses
    if sense is None:
        own = hasattr(controller, "approaches")
        sense = Detectors(controller, queues.streets) if own else counts
    states = np.full((seconds, len(queues.streets.groups)), NUMBER[State.RED], np.int8)
    begin = queues.traffic.begin_s
    for now in range(seconds):
        detections, requests = sense(queues, begin + now)
        said = controller.step(begin + now, detections, requests)
        row = rows_of(queues.streets, getattr(said, "lamps", said))
        states[now] = row[0]
        queues.advance(codes_of(row, states[max(0, now - YELLOW_USED_S) : now]))
    return states
