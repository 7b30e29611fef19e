"""One signalised junction: groups, stages or rings, and what may never meet."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from mobility.shown import Shown

if TYPE_CHECKING:
    from mobility.signals.groups import Group, Seconds

Pair = tuple[str, str]


@dataclass(frozen=True)
class Stage:
    """Groups that are green together.

    Parameters
    ----------
    green_s
        As the plan that came in has it: from the last group's start to the first one's end.
    optional
        May be left out when nobody asks for it.
    yields
        Those of ``groups`` that show that they give way (SUMO ``g``).
    """

    id: str
    groups: tuple[str, ...]
    green_s: Seconds = 0
    optional: bool = False
    yields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rings:
    """Ring-barrier control (NEMA).

    Parameters
    ----------
    rings
        Ring -> barrier group -> groups in their order:
        ``((("1", "2"), ("3", "4")), (("5", "6"), ("7", "8")))``.
    may_swap
        Lead and lag may change places inside a barrier group.
    optional
        Groups that may be left out.
    splits_s
        Of the plan that came in: green and all that follows it until the ring's next group.
    pedestrians
        Group of a ring -> people who walk with it: their walk begins with its green, and their
        clearance ends with it.
    """

    rings: tuple[tuple[tuple[str, ...], ...], ...]
    may_swap: bool = True
    optional: tuple[str, ...] = ()
    splits_s: dict[str, Seconds] = field(default_factory=dict)
    pedestrians: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Detector:
    """A detector: ``call`` asks for green, ``extend`` holds it, ``check-in``/``check-out`` a bus.

    Parameters
    ----------
    lanes
        Where it lies: lanes, or ``"S left"`` for the lanes of a movement.
    distance_m, length_m
        From the stop line to its near end, and along the lane.
    extend_s, delay_s
        How long it holds green after a vehicle, and how long a vehicle waits before it calls.
    """

    id: str
    kind: str = "extend"
    lanes: tuple[str, ...] = ()
    distance_m: float = 0.0
    length_m: float = 0.0
    extend_s: Seconds = 0
    delay_s: Seconds = 0


@dataclass(frozen=True)
class Intersection(Shown):
    """One signal.

    Parameters
    ----------
    stages
        In the order of the plan that came in. ``order`` names them where one comes back.
    intergreen_s
        (ending group, starting group) -> seconds from the end of green (people: of clearance) to
        the start of green. A pair that stands here, in either direction, is in conflict.
    permissive
        (who gives way, who goes first): in conflict, and yet green together.
    yield_shown
        The lamps tell who gives way (SUMO ``g``): of a permissive pair one must show it.
    both_protected
        Pairs in conflict that the program that came in shows green, neither giving way.
    rings
        None: stage-based.
    order_free
        Stages may follow in any order (adaptive control of an imported program).
    cycle_s, offset_s, reference
        The plan that came in; the reference point is ``begin-green``, ``begin-yellow`` or
        ``end-yellow`` of ``reference_stage``.
    cycle_range_s, linked, lock
        Site limits: cycles that may be planned, whether it must share the network's cycle, and
        what may not change: ``splits``, ``offset``.
    """

    id: str
    groups: tuple[Group, ...]
    stages: tuple[Stage, ...]
    intergreen_s: dict[Pair, Seconds] = field(default_factory=dict)
    permissive: frozenset[Pair] = frozenset()
    both_protected: frozenset[Pair] = frozenset()
    yield_shown: bool = False
    rings: Rings | None = None
    order: tuple[str, ...] = ()
    order_free: bool = False
    name: str = ""
    lat: float | None = None
    lon: float | None = None
    cycle_s: Seconds = 0
    offset_s: Seconds = 0
    reference: str = "begin-green"
    reference_stage: str = ""
    cycle_range_s: tuple[Seconds, Seconds] = (40, 180)
    linked: bool = True
    lock: tuple[str, ...] = ()
    detectors: tuple[Detector, ...] = ()

    @cached_property
    def group(self) -> dict[str, Group]:
        """Groups by id."""
        return {one.id: one for one in self.groups}

    @cached_property
    def stage(self) -> dict[str, Stage]:
        """Stages by id."""
        return {one.id: one for one in self.stages}

    @property
    def stage_order(self) -> tuple[str, ...]:
        """The cycle's stages in order; a stage may stand twice."""
        return self.order or tuple(one.id for one in self.stages)

    @cached_property
    def conflicts(self) -> frozenset[Pair]:
        """Pairs in conflict, both ways round, in the order of their names."""
        return frozenset((min(a, b), max(a, b)) for a, b in self.intergreen_s if a != b)

    @cached_property
    def may_meet(self) -> frozenset[Pair]:
        """Pairs in conflict that may be green together, in the order of their names."""
        return frozenset((min(a, b), max(a, b)) for a, b in self.permissive | self.both_protected)
