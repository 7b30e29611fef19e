"""Signal groups: what a lamp may show, in which order, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Seconds = float  # whole seconds in plans; a microsimulator's log may have parts


class State(StrEnum):
    """What a group shows. ``YIELD`` is a green that gives way (SUMO ``g``)."""

    RED = "red"
    RED_AMBER = "red-amber"
    GREEN = "green"
    YIELD = "yield"
    FLASHING_GREEN = "flashing-green"
    YELLOW = "yellow"
    CLEARANCE = "clearance"  # people who have begun to cross go on: flashing walk, or red already
    OFF = "off"
    FLASH = "flash"


# Whoever sees one of these may go.
GREENS = frozenset({State.GREEN, State.YIELD, State.FLASHING_GREEN})
# The signal is not in operation.
DARK = frozenset({State.OFF, State.FLASH})

Step = tuple[State, Seconds]


@dataclass(frozen=True)
class Sequence:
    """What stands between red and green, and between green and red, in order.

    Parameters
    ----------
    start
        After red, before green: ``((State.RED_AMBER, 2),)``; empty where green follows red.
    end
        After green, before red: ``((State.YELLOW, 3),)``, flashing green before yellow
        ``((State.FLASHING_GREEN, 3), (State.YELLOW, 3))``, people ``((State.CLEARANCE, 20),)``.
    """

    start: tuple[Step, ...] = ()
    end: tuple[Step, ...] = ((State.YELLOW, 3),)

    def ends_with(self, state: State) -> Seconds:
        """Seconds of a state after green; 0 where it is not shown."""
        return sum(seconds for one, seconds in self.end if one is state)


@dataclass(frozen=True)
class Group:
    """Lamps that always show the same.

    Parameters
    ----------
    id, kind
        ``vehicle``, ``pedestrian``, ``bus``, ``tram`` or ``bicycle``.
    sequence
        Between red and green, and back.
    min_green_s, max_green_s, max_red_s
        None: no limit. Flashing green counts as green; red counts from green to green.
    walk_s, walk_may_be_cut
        People: the least walk, and whether priority may shorten it.
    min_red_s
        Least time between two greens: re-service.
    countdown_s
        Drivers or people see a countdown: its last seconds may not change. 0: they see none.
    approaches, movements, lanes, saturation_lane_vph
        Where it is met, ``left | through | right | u-turn``, lanes an approach, and their flow.
    crossing_m
        People: kerb to kerb.
    detectors
        Ids of the detectors that call or extend it.
    source
        SUMO: the link numbers that it stands for.
    """

    id: str
    kind: str = "vehicle"
    sequence: Sequence = Sequence()
    min_green_s: Seconds = 7
    max_green_s: Seconds | None = None
    max_red_s: Seconds | None = None
    walk_s: Seconds = 0
    walk_may_be_cut: bool = False
    min_red_s: Seconds = 0
    countdown_s: Seconds = 0
    approaches: tuple[str, ...] = ()
    movements: tuple[str, ...] = ()
    lanes: int = 1
    saturation_lane_vph: float = 1800.0
    crossing_m: float = 0.0
    detectors: tuple[str, ...] = ()
    source: tuple[int, ...] = ()

    @property
    def on_foot(self) -> bool:
        """Whether people walk on it."""
        return self.kind == "pedestrian"

    @property
    def yellow_s(self) -> Seconds:
        """Yellow after green."""
        return self.sequence.ends_with(State.YELLOW)

    @property
    def clearance_s(self) -> Seconds:
        """Time after walk in which whoever has begun may end the crossing."""
        return self.sequence.ends_with(State.CLEARANCE)

    @property
    def least_green_s(self) -> Seconds:
        """The least green that may be planned: minimum green, and for people the walk."""
        return max(self.min_green_s, self.walk_s)

    @property
    def flow_vph(self) -> float:
        """Saturation flow of all its lanes, vehicles an hour of green, of one approach."""
        return self.lanes * self.saturation_lane_vph
