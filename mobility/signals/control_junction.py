"""One signal under control: who waits until when, what may follow, and the way back to the base plan."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mobility.signals.actuator import GREEN, HELD, START

if TYPE_CHECKING:
    from mobility.signals.actuator import Actuator
    from mobility.signals.base_plan import BasePlan
    from mobility.signals.problem import Intersection, State
    from mobility.signals.streams import Asked, Detection, Stream

# Without green where the network names no maximum red and somebody waits. Under a policy that repays: a cycle
# of the base plan, within these two, and the latter where others who are owed a green are cleared first.
PATIENCE_S, STARVE_S = 90, 150
OWED = 0.5  # of its maximum red: who has waited longer than this is owed a green that clears it
SIDE_S = 20  # of the base plan's green: a stage that has more there is a main road's, and is served anyhow
NEAR_S = 8  # before the line: nearer than this somebody belongs to the queue that is being cleared
MARGIN_S = 4  # for what a change takes beyond its plan


@dataclass
class Junction:
    """What control keeps of one signal."""

    one: Intersection
    actuator: Actuator
    base: BasePlan
    streams: tuple[Stream, ...]
    begin_s: int
    stage: str
    starve: list[int | None]
    foot: list[bool]
    serving: list[str | None]
    textbook: bool = False  # only people and maximum reds of the network are served out of turn
    repays: bool = False  # lines that waited long are owed a green that clears them
    settled_s: int | None = None
    fresh_s: float = -math.inf
    seen: Detection | None = None
    gap_from: float | None = None
    shown: list[tuple[int, tuple[State, ...]]] = field(default_factory=list)
    claims: list[list[Any]] = field(default_factory=list)
    sends: tuple[tuple[tuple[int, float], ...], ...] = ()
    sent_s: int = 0
    asked: dict[str, Asked] = field(default_factory=dict)
    active: set[str] = field(default_factory=set)
    under: Asked | None = None
    leaving: bool = False
    following: bool = False
    skip: set[int] = field(default_factory=set)
    owed: frozenset[int] = frozenset()  # groups of this stage that it should clear
    inserted: str = ""  # a stage that is on out of turn, for ``held``, and what follows it then
    resume: tuple[str, ...] = ()
    held: Asked | None = None
    places: frozenset[int] = frozenset()  # of the order, where the stage shown last may stand

    @property
    def inserting(self) -> bool:
        """Whether the stage that is on stands out of turn, and the order goes on where it was left."""
        return bool(self.resume) and self.stage == self.inserted

    def out_of_turn(self, may: tuple[str, ...]) -> tuple[str, ...]:
        """Stages that would serve a bus or tram that asks, and that may not follow in the order."""
        rows = [self.actuator.row[one.group] for one in self.asked.values()
                if one.kind in {"bus", "tram"} and one.group in self.actuator.row]  # fmt: skip
        if self.one.order_free or not rows:
            return ()
        return tuple(name for name, groups in self.actuator.stages.items()
                     if name not in may and name != self.stage and name in self.one.stage_order
                     and not groups.isdisjoint(rows))  # fmt: skip

    def may(self) -> tuple[str, ...]:
        """Stages that may follow the one that is on."""
        one = self.one
        order = one.stage_order
        if self.inserting:
            return self.resume
        if one.order_free:
            return tuple(stage.id for stage in one.stages if stage.id != self.stage)
        places = [k for k in sorted(self.places) if order[k] == self.stage] or [
            k for k, name in enumerate(order) if name == self.stage
        ]
        found: list[str] = []
        for place in places:
            for step in range(1, len(order)):
                name = order[(place + step) % len(order)]
                if name != self.stage and name not in found:
                    found.append(name)
                if not one.stage[name].optional:
                    break
        return tuple(found)

    def due(self, *, at_most: bool = False) -> list[tuple[int, int]]:
        """Until when each group that waits must be green, the most urgent first."""
        actuator = self.actuator
        due: list[tuple[int, int]] = []
        for k, limit in enumerate(self.starve):
            if actuator.phase[k] in {START, GREEN, HELD}:
                continue
            if limit is None and not (self.foot[k] or self.waits(k)):
                continue
            most = self.most_red(k, at_most=at_most)
            due.append((max(actuator.green_end[k], self.begin_s) + most, k))
        due.sort()
        return due

    def most_red(self, k: int, *, at_most: bool = False) -> int:
        """For how long a group is without green while somebody waits for it, s; or at most may be."""
        limit = self.starve[k]
        if limit is not None:
            return limit
        if at_most or not self.repays:
            return STARVE_S
        return min(STARVE_S, max(PATIENCE_S, self.base.cycle))

    def go(self, at: int, stage: str) -> None:
        """Leave for another stage; lines that have waited long are owed a green that clears them."""
        self.owed = frozenset(
            k for limit, k in self.due() if k in self.actuator.stages[stage]
            and limit - at < (1 - OWED) * self.most_red(k)
        )  # fmt: skip
        self.stage, self.settled_s = stage, None
        self.actuator.walked.clear()

    def in_time(self, at: int, due: list[tuple[int, int]], here: str, spent: int,
                then: str = "") -> bool:  # fmt: skip
        """Whether all who wait can be served in time, one after another, from a stage on.

        ``spent``: seconds until that stage may be left; ``then``: what follows it, where it stands
        out of turn.
        """
        actuator, one = self.actuator, self.one
        done = set(actuator.stages[here])
        if one.order_free:
            for limit, k in due:
                if k in done:
                    continue
                stage = self.serving[k]
                if stage is None:
                    continue
                spent += actuator.change_s(here, stage)
                if at + spent + MARGIN_S >= limit:
                    return False
                spent += actuator.least_of(stage) + 1
                here = stage
                done |= actuator.stages[stage]
            return True
        limits = {k: limit for limit, k in due}
        order = one.stage_order
        place = self._place(then) - 1 if then else self._place(here)
        for step in range(1, len(order) + bool(then)):
            name = order[(place + step) % len(order)]
            spent += actuator.change_s(here, name)
            if any(at + spent + MARGIN_S >= limits[k]
                   for k in actuator.stages[name] if k in limits and k not in done):  # fmt: skip
                return False
            done |= actuator.stages[name]
            spent += actuator.least_of(name) + 1
            here = name
        return True

    def owes(self, at: int) -> bool:
        """Whether a line that had waited long is not clear yet: at most for the base plan's green.

        A policy that weighs costs would else serve a starved line for a minimum green, again and again,
        and its queue would never end.
        """
        here = self.stage
        if not self.repays or self.settled_s is None or not any(map(self.near, self.owed)):
            return False
        most_s = max((t.green_s for t in self.base.plan.stages if t.stage == here), default=0)
        if most_s > SIDE_S or at - self.settled_s >= most_s:
            return False
        then = self.resume[0] if self.inserting else ""
        return self.in_time(at + 1, self.due(at_most=True), here, 0, then)

    def ought(self, at: int, wish: str, may: tuple[str, ...]) -> str:
        """Correct a wish where somebody would wait longer than the maximum red because of it."""
        due = self.due()
        if self.textbook:
            due = [one for one in due if self.foot[one[1]] or self.starve[one[1]] is not None]
        if not due or not may:
            return wish
        actuator, here = self.actuator, self.stage
        if wish == here:
            then = self.resume[0] if self.inserting else ""
            if self.in_time(at + 1, due, here, max(0, actuator.least_left(here)), then):
                return wish
        else:
            spent = actuator.change_s(here, wish) + actuator.least_of(wish) + 1
            # An inserted stage is followed by what would have come instead of it.
            then = may[0] if wish not in may and wish == self.inserted else ""
            if self.in_time(at, due, wish, spent, then):
                return wish
        if not self.one.order_free:
            return may[0]
        urgent = next((self.serving[k] for _, k in due), None)
        return urgent if urgent in may else wish

    def lines(self, k: int) -> list[int]:
        """Rows of the streams that a group lets go."""
        name = self.actuator.names[k]
        return [row for row, stream in enumerate(self.streams) if name in stream.groups]

    def near(self, k: int) -> bool:
        """Whether somebody for a group stands at the line, or is about to arrive."""
        return self.seen is not None and any(
            eta_s < NEAR_S for row in self.lines(k) for eta_s, _ in self.seen.coming[row]
        )

    def waits(self, k: int) -> bool:
        """Whether somebody waits for a group, as far as detectors tell."""
        if self.seen is None:
            return True
        return any(self.seen.counted[row] > 0 for row in self.lines(k))

    def to_base(self, at: int, shift: float) -> tuple[frozenset[int], frozenset[int]]:
        """What the base plan wants: its lamps once the signal is in step with it, else the way there."""
        actuator, base = self.actuator, self.base
        given = math.floor(at + shift)
        due = base.stage_at(given)
        settled = actuator.settled(self.stage)
        if not self.following and settled and due == self.stage:
            wanted, _ = base.wanted(given)
            self.following = (
                actuator.like(wanted)
                and actuator.least_left(due) <= base.left_s(given)
                and all(actuator.own_left(k) <= base.until_red(k, given) for k in wanted)
                and all(at + base.until_green(k, given) + MARGIN_S < limit
                        for limit, k in self.due())
            )  # fmt: skip
            # People who have walked already wait for the plan's next walk.
            self.skip = {k for k in wanted if actuator.phase[k] != GREEN}
        if self.following:
            if due != self.stage:
                self.go(at, due)
            wanted, yields = base.wanted(given)
            self.skip &= wanted
            return wanted - self.skip, yields
        if settled and actuator.least_left(self.stage) <= 0:
            may = self.may()
            wish = due if due == self.stage or due in may else (may[0] if may else due)
            if actuator.most_left(self.stage) <= 0 and wish == self.stage and may:
                wish = may[0]
            wish = self.ought(at, wish, may)
            if wish != self.stage:
                self.go(at, wish)
        return actuator.wanted(self.stage), actuator.yields[self.stage]

    def _place(self, name: str) -> int:
        """Where in the order a stage stands: where the signal is, or the next time it comes."""
        order = self.one.stage_order
        now = min(self.places, default=len(order) - 1)
        if name == self.stage and self.places and order[now] == name:
            return now
        return next(((now + step) % len(order) for step in range(1, len(order) + 1)
                     if order[(now + step) % len(order)] == name), 0)  # fmt: skip

    def _arrive(self) -> None:
        """Follow the order: a stage may stand in it twice."""
        order = self.one.stage_order
        every = {k for k, name in enumerate(order) if name == self.stage}
        nexts = set()
        for here in self.places:
            for step in range(1, len(order) + 1):
                k = (here + step) % len(order)
                if k in every:
                    nexts.add(k)
                if not self.one.stage[order[k]].optional:
                    break
        self.places = frozenset(nexts or every)

    def record(self, at: int, shown: list[State]) -> None:
        """Keep what is shown from a second on, and which stage it is."""
        row = tuple(shown)
        if not self.shown or self.shown[-1][1] != row:
            self.shown.append((at, row))
        if self.actuator.settled(self.stage):
            if self.settled_s is None:
                self.settled_s = at
                self.claims.append([self.stage, at, at + 1])
                self._arrive()
            elif self.claims:
                self.claims[-1][2] = at + 1
