"""What happens between and before the signals: links, buses, stops, volumes."""

from __future__ import annotations

from dataclasses import dataclass

Movement = tuple[str, str, str]  # signal, approach, movement


@dataclass(frozen=True)
class Link:
    """A street from one signal to the next.

    Robertson's platoon dispersion with ``F = 1 / (1 + alpha * beta * travel_s)`` (TRANSYT).
    ``approach`` is where the traffic arrives: the ``from`` of the groups at ``to_signal``; two
    links of the same pair of signals differ in it. ``feeds`` says who takes the link: (approach,
    movement) at ``from_signal`` and the share of its vehicles; empty: not known.
    """

    from_signal: str
    to_signal: str
    distance_m: float
    travel_s: float
    lanes: int = 1
    alpha: float = 0.35
    beta: float = 0.8
    approach: str = ""
    feeds: tuple[tuple[str, str, float], ...] = ()


@dataclass(frozen=True)
class Crossing:
    """What people on foot are promised at one place; ``crossings.with_crossings`` keeps it.

    Parameters
    ----------
    signal, group
        Where; without a group all crossings of the signal.
    place
        Why there: a market, a hospital, a welfare centre.
    older_people
        It is cleared at the pace of older people, ``crossings.OLDER_PACE_MS``.
    pace_ms
        Or at this pace, m/s; the slower one holds.
    max_wait_s
        Nobody waits longer from the end of clearance to the next walk.
    leading_walk_s
        Walk begins so long before vehicles that share its stage.
    """

    signal: str
    group: str = ""
    place: str = ""
    older_people: bool = False
    pace_ms: float | None = None
    max_wait_s: float | None = None
    leading_walk_s: float = 0.0


@dataclass(frozen=True)
class Turn:
    """What a lane serves: a movement, the group whose green it needs, and how fast it flows.

    Parameters
    ----------
    saturation_vph
        Vehicles an hour of green, the lane alone.
    yields_to
        (approach, movement) at the same signal that go first while the group gives way.
    """

    movement: str
    group: str
    saturation_vph: float
    yields_to: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Lane:
    """A lane at a stop line.

    Parameters
    ----------
    storage_m
        From the stop line back to where the approach's lanes are fewer.
    turns
        What may be done from it; more than one: a shared lane.
    buses_only
        Cars may not use it.
    """

    id: str
    signal: str
    approach: str
    storage_m: float
    turns: tuple[Turn, ...]
    buses_only: bool = False


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
