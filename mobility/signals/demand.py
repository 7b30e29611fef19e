"""What happens between and before the signals: links, buses, stops, volumes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """A street from one signal to the next.

    Robertson's platoon dispersion with ``F = 1 / (1 + alpha * beta * travel_s)`` (TRANSYT).
    ``approach`` is where the traffic arrives: the ``from`` of the groups at ``to_signal``.
    """

    from_signal: str
    to_signal: str
    distance_m: float
    travel_s: float
    lanes: int = 1
    alpha: float = 0.35
    beta: float = 0.8
    approach: str = ""


@dataclass(frozen=True)
class BusStop:
    """A bus stop between two signals; dwell is taken as normal, cut at 0."""

    stop_id: str
    link: tuple[str, str]
    after_m: float
    dwell_mean_s: float = 20.0
    dwell_sd_s: float = 0.0


@dataclass(frozen=True)
class BusRoute:
    """A bus line through signals, in the order in which they are passed."""

    route_id: str
    direction_id: int
    signals: tuple[str, ...]
    occupancy: float = 40.0


@dataclass(frozen=True)
class Volumes:
    """Demand of one period of the day.

    Parameters
    ----------
    from_s, to_s
        Seconds into the day.
    vehicles_h
        (signal, approach, movement) -> vehicles an hour.
    pedestrians_h
        (signal, group) -> people an hour.
    car_occupancy
        People in a car.
    """

    from_s: int
    to_s: int
    vehicles_h: dict[tuple[str, str, str], float]
    pedestrians_h: dict[tuple[str, str], float]
    car_occupancy: float = 1.3


@dataclass(frozen=True)
class EmergencyRoute:
    """A fire engine's way through signals."""

    id: str
    signals: tuple[str, ...]
    movements: tuple[str, ...]
    approach: str
    station: tuple[float, float] | None = None
    destination: tuple[float, float] | None = None
    speed_kmh: float = 50.0
    turnout_s: float = 60.0
    target_s: float | None = None
    name: str = ""
