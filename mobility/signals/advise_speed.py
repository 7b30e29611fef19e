"""A bus that knows its green: a speed, or some seconds more at the stop, instead of a red."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.errors import ConfigError
from mobility.shown import Shown
from mobility.signals import _queue_kernels as kernels
from mobility.signals.lamps import CLOSED, YELLOW, codes_of, states_of
from mobility.signals.program import plan_of
from mobility.signals.queues import Queues
from mobility.signals.simulation import STOPPED_S, Simulation
from mobility.signals.streets import LOST_S, streets_of
from mobility.signals.traffic import draw, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mobility.signals.demand import Volumes
    from mobility.signals.plan import Plan
    from mobility.signals.problem import Network
    from mobility.signals.traffic import Traffic

SLOWEST = 0.6  # of the free speed: slower annoys riders and those behind; assumed
HEADWAY_S = 2.0  # of each vehicle of a queue that is before the bus
LEAST_S = 2.0  # an advice that changes less is not given
MARGIN_S = 1.0  # after the queue is gone, as far as it is foreseen


@dataclass(frozen=True)
class Bus:
    """What a stop costs: physics, with values assumed for a 12 m electric bus.

    A stop from ``speed_ms`` loses ``m v^2 / 2``; driving back to it takes that over ``efficiency``,
    braking returns ``recuperation`` of it.

    Parameters
    ----------
    mass_kg
        Empty weight of 13 t and 35 people.
    """

    mass_kg: float = 15_500.0
    speed_ms: float = 11.1
    efficiency: float = 0.85
    recuperation: float = 0.6

    @property
    def stop_kwh(self) -> float:
        """Energy of one stop and start, kWh."""
        kinetic = self.mass_kg * self.speed_ms**2 / 2 / 3.6e6
        return kinetic * (1 / self.efficiency - self.recuperation)


@dataclass(frozen=True)
class Advice(Shown):
    """What a bus is told.

    Parameters
    ----------
    speed_ms
        To drive until the stop line.
    hold_s
        To stay longer at the stop that it stands at, doors open.
    arrive_s
        When it will be at the line.
    green
        It will arrive on green, behind no queue.
    saves_s
        Waiting at the line that it spares.
    """

    speed_ms: float
    hold_s: float
    arrive_s: float
    green: bool
    saves_s: float


def advise_speed(
    network: Network,
    plan: Plan,
    signal: str,
    group: str,
    distance_m: float,
    now_s: float,
    *,
    free_ms: float = 11.1,
    dwell_s: float | None = None,
    stop_m: float = 0.0,
    queue: float = 0.0,
    slowest: float = SLOWEST,
) -> Advice:
    """Tell a bus how to meet its green.

    Parameters
    ----------
    distance_m
        To the stop line.
    now_s
        Seconds into the day.
    free_ms
        As fast as it may drive.
    dwell_s, stop_m
        Dwell still to come at a stop ``stop_m`` ahead (0: it stands there); None: no stop.
    queue
        Vehicles of its lane that wait before it.
    slowest
        Part of the free speed that it may slow down to.

    Raises
    ------
    ConfigError
        When the group has no program, or a value is out of range.
    """
    program = plan.signal.get(signal)
    if program is None or group not in program.of_group:
        raise ConfigError(f"{signal}.{group} has no program", mend="a signal and group of the plan")
    if not (distance_m >= 0 and free_ms > 0 and 0 < slowest <= 1 and 0 <= stop_m <= distance_m):
        raise ConfigError("distance, speed or stop make no sense",
                          mend="metres to the line, a stop before it, slowest in (0, 1]")  # fmt: skip
    streets = streets_of(network)
    column = streets.groups.index((signal, group))
    span = int(distance_m / free_ms / slowest + (dwell_s or 0.0) + 2 * program.cycle_s) + 2
    start = int(np.floor(now_s))
    code = codes_of(states_of(streets, plan, start, span))[:, column]
    stands = dwell_s is not None
    ahead_s = (stop_m / free_ms + (dwell_s or 0.0)) if stands else 0.0
    drive_s = (distance_m - stop_m) / free_ms if stands else distance_m / free_ms
    arrive = now_s - start + ahead_s + drive_s
    wait = delay_to_green(code, arrive, queue)
    if wait <= 0:
        return Advice(free_ms, 0.0, start + arrive, wait == 0, 0.0)
    slower = min(wait, drive_s * (1 / slowest - 1))
    hold = wait - slower if stands else 0.0
    saved = slower + hold
    speed = (distance_m - (stop_m if stands else 0.0)) / max(drive_s + slower, 1e-9)
    return Advice(speed if drive_s > 0 else free_ms, hold, start + arrive + saved,
                  saved >= wait - 1e-9, saved)  # fmt: skip


def delay_to_green(code: NDArray[np.int8], arrive: float, queue: float, rate: float = 0.0) -> float:
    """Seconds by which an arrival should be later to find green and no queue; -1: no green in sight.

    Parameters
    ----------
    code
        What the group shows from now on, second by second.
    arrive
        Seconds from now.
    queue, rate
        Vehicles that wait in the lane now, and that come to it, a second. All who come before the
        bus are taken to stand before it: cars come in platoons, in the red more than in the green.
    """
    second = int(arrive)
    if second >= len(code):
        return -1.0
    goes = (code != CLOSED) & (code != YELLOW)
    start = second
    if goes[second]:
        while start > 0 and goes[start - 1]:
            start -= 1
        if start == 0:  # a green that runs already has been letting its queue go
            return 0.0
    else:
        after = np.flatnonzero(goes[second:])
        if not len(after):
            return -1.0
        start = second + int(after[0])
    stand = queue + rate * arrive
    clear = LOST_S + HEADWAY_S * stand + MARGIN_S if stand > 0 else 0.1
    return float(max(0.0, start + clear - arrive))


@dataclass(frozen=True, eq=False)
class Guidance(Shown):
    """Buses without and with advice, in the fast model.

    Parameters
    ----------
    figures
        buses, and without / with advice: stops (at stop lines, a bus), delay_s (at signals, a bus;
        advice moves waiting from the line to the stop or the road: ``late_s`` counts both),
        travel_s (a bus, from coming in to its last hop), car_delay_s, energy_kwh (of the stops, a
        bus); advised (times), saved_kwh (a bus).
    """

    without: Simulation
    advised: Simulation
    figures: dict[str, Any]
    assumptions: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**self.figures, "assumptions": list(self.assumptions)}

    def __str__(self) -> str:
        one = self.figures
        return (
            f"{one['buses']} buses: {one['stops'][0]:.2f} -> {one['stops'][1]:.2f} stops a bus at "
            f"signals, {one['travel_s'][0]:.0f} -> {one['travel_s'][1]:.0f} s on the way, "
            f"{one['saved_kwh']:.2f} kWh a bus saved"
        )


def guide(
    network: Network,
    plan: Plan | None,
    buses: Traffic,
    volumes: Volumes | Sequence[Volumes] | None = None,
    *,
    seed: int = 0,
    bus: Bus | None = None,
    slowest: float = SLOWEST,
) -> Guidance:
    """Measure advice in the fast model: the same buses and cars, without it and with it.

    A bus is advised once for each stop line, when it starts towards it: from the stop before
    (where it stays longer, if slowing down is not enough) or from the last stop line. The advice
    knows the plan and the queue of the moment; the queue to come it does not.

    Parameters
    ----------
    buses
        ``timetable.buses_of``, or drivers of one's own.
    volumes
        Cars; by default the network's first period.
    """
    streets = streets_of(network)
    shown = plan_of(network) if plan is None else plan
    asked = network.volumes[0] if volumes is None and network.volumes else volumes
    traffic = buses if asked is None else joined(draw(streets, asked, seed=seed), buses)
    seconds = int(np.ceil(traffic.end_s - traffic.begin_s)) + 600
    states = states_of(streets, shown, traffic.begin_s, seconds)
    codes = codes_of(states)
    runs, times = [], 0
    for advises in (False, True):
        queues = Queues(streets, traffic, seconds)
        if advises:
            for now in range(seconds):
                times += _advise(queues, codes, slowest)
                queues.advance(codes[now : now + 1])
        else:
            queues.advance(codes)
        runs.append(Simulation(streets, traffic, queues, states, shown, None, seed, 0.0))
    kind = bus or Bus()
    stops = [_stops(run) for run in runs]
    count = int(traffic.bus.sum())
    figures: dict[str, Any] = {
        "buses": count, "advised": times, "stops": stops,
        "delay_s": [run.figures["bus"]["delay_s"] for run in runs],
        "travel_s": [_travel(run) for run in runs],
        "car_delay_s": [_car_delay(run) for run in runs],
        "energy_kwh": [kind.stop_kwh * one for one in stops],
        "saved_kwh": kind.stop_kwh * (stops[0] - stops[1]), "stop_kwh": kind.stop_kwh,
    }  # fmt: skip
    cost = f"a stop from {kind.speed_ms * 3.6:.0f} km/h costs {kind.stop_kwh:.3f} kWh"
    assumed = (
        (
            f"{cost}: {kind.mass_kg / 1000:g} t, {kind.efficiency:.0%} drive, "
            f"{kind.recuperation:.0%} recovered"
        ),
        f"buses slow down to {slowest:.0%} of their speed at most, and follow the advice",
    )
    return Guidance(runs[0], runs[1], figures, assumed)


def _advise(queues: Queues, codes: NDArray[np.int8], slowest: float) -> int:
    """Advise the buses that have just started towards a stop line; how many were."""
    at_hop, event_s, phase = queues.events[3], queues.events[2], queues.events[4]
    traffic = queues.traffic
    given = queues.__dict__.setdefault("_given", np.zeros(len(traffic.move), bool))
    group = queues.streets.arrays[8]
    rate = np.bincount(traffic.move[traffic.move >= 0], minlength=len(group)) / queues.seconds
    count = 0
    for v in np.flatnonzero((traffic.bus == 1) & (phase == 1)):
        h = int(at_hop[v])
        move = int(traffic.move[h])
        if move < 0 or given[h]:
            continue
        given[h] = True
        drive = float(traffic.travel_s[h])
        left = float(event_s[v]) - queues.now
        if left <= 1.0:
            continue
        number = int(queues.streets.arrays[6][move + 1] - queues.streets.arrays[6][move])
        waiting = float(queues.moves[0][move]) / max(1, number)
        code = codes[queues.now :, int(group[move])]
        wait = delay_to_green(code, left, waiting, rate[move] / max(1, number))
        stands = h > traffic.hop_first[v] and traffic.move[h - 1] < 0
        room = drive * (1 / slowest - 1)
        late = min(wait, room) if not stands else wait
        if late < LEAST_S:
            continue
        kernels.put_off(v, float(event_s[v]) + late, queues.now, queues.ways, queues.events,
                        queues.due)  # fmt: skip
        count += 1
    return count


def _stops(run: Simulation) -> float:
    hops = run.hops
    own = hops[hops["bus"] & (hops["move"] >= 0)]
    return float((own["delay_s"] > STOPPED_S).sum() / max(1, int(run.traffic.bus.sum())))


def _travel(run: Simulation) -> float:
    bus = run.traffic.bus.astype(bool)
    took = (run.queues.done_s - run.queues.enter_s)[bus]
    return float(np.nanmean(took)) if np.isfinite(took).any() else float("nan")


def _car_delay(run: Simulation) -> float | None:
    car = ~run.traffic.bus.astype(bool)
    return float(run.delay_s[car].mean()) if car.any() else None
