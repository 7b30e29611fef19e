"""Control in real time: detections and requests in, lamps out, and never a state that is refused."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.errors import ConfigError
from mobility.findings import finding
from mobility.signals.actuator import GREEN, HELD, START, Actuator
from mobility.signals.base_plan import BasePlan
from mobility.signals.log import SHOWN, STAGES, Command, DataGap, Horizon, Log, Request
from mobility.signals.policy import Choice, View
from mobility.signals.program import has_plan, plan_of
from mobility.signals.streams import Approaches, Asked, Detection, approaches_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mobility.findings import Finding
    from mobility.signals.plan import Plan
    from mobility.signals.policy import Ahead, Policy
    from mobility.signals.problem import Intersection, Network, State

STARVE_S = 150  # without green, where the network names no maximum red and somebody waits
LEAD_S = 5  # of a fire engine's green before it is there
LATE_S = 30  # after its window it is still waited for
MARGIN_S = 4  # for what a change takes beyond its plan
FORGET_S = 60  # a request that is not repeated is forgotten
FORWARD_S = 60  # of lost calls that are made up for; beyond, the clock has jumped
CLASS_OF = {"bus": "priority", "tram": "priority", "emergency": "preemption", "rail": "rail"}


@dataclass(frozen=True)
class Commands:
    """What the lamps show from ``at_s`` for one second, and what they will if nobody calls again.

    Parameters
    ----------
    lamps
        Signal -> state of each group, in the order of the network's groups.
    ahead
        Signal -> stages to come: (stage, second in which the one before it ends).
    fallback
        Signal -> why its base plan holds.
    words
        What was granted to whom, and at whose cost.
    """

    at_s: int
    lamps: dict[str, list[State]]
    ahead: dict[str, tuple[Ahead, ...]] = field(default_factory=dict)
    fallback: dict[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()


class Cabinet:
    """The signals' cabinets on the street: one master each, whoever came first."""

    def __init__(self) -> None:
        self._master: dict[str, int] = {}

    def take(self, signal: str, master: object) -> bool:
        """Take a signal; whether it was free, or one's own."""
        return self._master.setdefault(signal, id(master)) == id(master)


@dataclass
class _Junction:
    one: Intersection
    actuator: Actuator
    base: BasePlan
    stage: str
    starve: list[int | None]
    foot: list[bool]
    serving: list[str | None]
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
    following: bool = False
    skip: set[int] = field(default_factory=set)


class PriorityController:
    """One junction or many under one policy.

    Parameters
    ----------
    network
        Signals.
    plan
        The base plan: what holds when data are stale, lost or make no sense; by default the one
        that came in.
    policy
        How stages are chosen; None: the base plan only.
    approaches
        Streams of each signal, in the order of its detections.
    at_s
        First second.
    cabinet
        Shared by controllers of one street: a signal that has a master already is left alone.

    Raises
    ------
    ConfigError
        When a signal has no stage.

    Notes
    -----
    The actuator has the last word, so no policy can show a state that ``signals.check`` refuses. A
    policy is asked only while a signal's data are fresh. ``step`` never raises for what detectors or
    buses say: it is noted in ``findings``.
    """

    def __init__(
        self,
        network: Network,
        plan: Plan | None = None,
        policy: Policy | None = None,
        *,
        approaches: Approaches | None = None,
        at_s: int = 0,
        cabinet: Cabinet | None = None,
    ) -> None:
        self.network = network
        self.policy = policy
        self.approaches = approaches if approaches is not None else approaches_of(network)
        self.plan = plan if plan is not None else plan_of(network)
        self.at_s = int(at_s)
        self._now = int(at_s)  # next second to be shown, on the lamps' own clock
        self._shift: float = 0.0  # given clock - own clock
        self._odd: list[float] = []
        self._last: Commands | None = None
        self._commands: list[Command] = []
        self._horizons: list[Horizon] = []
        self._gaps: list[DataGap] = []
        self._requests: dict[tuple[str, str, str], list[list[float]]] = {}
        self._group: dict[tuple[str, str, str], str] = {}
        self.words: list[tuple[int, str, str]] = []
        self._found: dict[tuple[str, str], Finding] = {}
        self._junctions: dict[str, _Junction] = {}
        for one in sorted(network.intersections, key=lambda one: one.id):
            if not one.stages:
                raise ConfigError(f"signal {one.id} has no stage", mend="give it stages")
            if cabinet is not None and not cabinet.take(one.id, self):
                self._say("control_two_masters", one.id, one.id)
                continue
            self._junctions[one.id] = self._junction(one)
        self._sources = self._neighbours()

    def _junction(self, one: Intersection) -> _Junction:
        given = self.plan.signal.get(one.id)
        base = BasePlan(one, given if given is not None and has_stages(one, given) else None)
        stage = base.stage_at(self._now)
        actuator = Actuator(one, self._now, stage)
        limits = [None if group.max_red_s is None else int(group.max_red_s) for group in one.groups]
        return _Junction(
            one, actuator, base, stage, limits, [group.on_foot for group in one.groups],
            [next((name for name, groups in actuator.stages.items() if k in groups), None)
             for k in range(len(one.groups))],
        )  # fmt: skip

    def _neighbours(self) -> dict[str, list[tuple[int, str, int, int, float, float]]]:
        """Signal -> (own stream, neighbour, its stream, part, share, travel) that feed it."""
        place = {stream.id: (signal, k) for signal in self._junctions
                 for k, stream in enumerate(self.approaches.of(signal))}  # fmt: skip
        found: dict[str, list[tuple[int, str, int, int, float, float]]] = defaultdict(list)
        for signal in self._junctions:
            for k, stream in enumerate(self.approaches.of(signal)):
                for j, onward in enumerate(stream.to):
                    for target, share, travel in onward:
                        if target in place:
                            where, row = place[target]
                            found[where].append((row, signal, k, j, share, travel))
        return found

    @property
    def findings(self) -> list[Finding]:
        """What was wrong with clocks, detections and requests, once a kind and place."""
        return list(self._found.values())

    def _say(self, code: str, where: str, value: object) -> None:
        self._found.setdefault((code, where), finding(code, column=where, value=str(value)[:80]))

    def step(
        self,
        now_s: float,
        detections: Mapping[str, Detection] | Iterable[Detection] = (),
        requests: Iterable[Asked] = (),
    ) -> Commands:
        """Decide what is shown from ``now_s`` for one second.

        Parameters
        ----------
        now_s
            Whole seconds, one more than the last time. Lost calls are made up for with the plan
            that was given out last; a call for the same second gives the same answer.
        detections
            By signal, or in any order. None for a signal: its data are lost.
        requests
            Of buses, trams and fire engines, new or repeated.
        """
        at = self._clock(now_s)
        if at is None:
            return self._last if self._last is not None else self._tick({}, "the clock")
        seen = self._take_detections(detections, now_s)
        self._take_requests(requests, at)
        while self._now < at:  # calls that were lost
            self._tick({}, "a call was lost")
        return self._tick(seen, "")

    def _clock(self, now_s: float) -> int | None:
        """Give the lamps' second that is asked for; None where it was answered already."""
        try:
            given = float(now_s)
        except (TypeError, ValueError):
            given = math.nan
        if not math.isfinite(given):
            self._say("control_clock_wrong", "", now_s)
            return self._now
        at = math.floor(given - self._shift)
        if self._now <= at <= self._now + FORWARD_S:
            self._odd.clear()
            return at
        if at == self._now - 1 and self._last is not None:
            return None
        self._say("control_clock_jumped", "", f"{given:g} s after {self._now - 1 + self._shift:g} s")
        # A clock that goes on from where it jumped to is believed after a while.
        self._odd = [*self._odd[-9:], given]
        steady = all(b - a == 1 for a, b in zip(self._odd, self._odd[1:], strict=False))
        if len(self._odd) == 10 and steady:
            self._shift = given - self._now
            for junction in self._junctions.values():
                junction.following = False
            self._odd.clear()
        return self._now

    def _take_detections(
        self, detections: Mapping[str, Detection] | Iterable[Detection], now_s: float
    ) -> dict[str, Detection]:
        found: dict[str, Detection] = {}
        try:
            rows = list(detections.values() if hasattr(detections, "values") else detections)
        except TypeError:
            rows = [detections]
        for one in rows:
            if one is None:
                continue
            if not isinstance(one, Detection):
                self._say("control_detection_wrong", "", type(one).__name__)
                continue
            signal = one.signal
            if signal not in self._junctions:
                if isinstance(signal, str) and signal not in self.network.signal:
                    self._say("control_signal_unknown", str(signal), signal)
                continue
            wrong = one.wrong(len(self.approaches.of(signal)))
            if wrong:
                self._say("control_detection_wrong", signal, wrong)
                continue
            try:
                age = float(now_s) - float(one.at_s)
            except (TypeError, ValueError):
                age = math.nan
            if not -1 <= age <= self.network.rules.stale_s:
                self._say("control_detection_stale", signal, f"{age:g} s old")
                continue
            if signal in found and found[signal].at_s > one.at_s:
                continue  # of two messages the later counts
            found[signal] = one
        return found

    def _take_requests(self, requests: Iterable[Asked], at: int) -> None:
        try:
            rows = list(requests)
        except TypeError:
            rows = [requests]  # type: ignore[list-item]
        for one in rows:
            if not isinstance(one, Asked):
                self._say("control_request_wrong", "", type(one).__name__)
                continue
            junction = self._junctions.get(one.signal) if isinstance(one.signal, str) else None
            if junction is None:
                self._say("control_request_wrong", str(one.signal), "unknown signal")
                continue
            wrong = self._wrong(one, junction, at)
            if wrong:
                self._say("control_request_wrong", f"{one.signal}.{one.id}", wrong)
                continue
            if one.leaves:
                gone = junction.asked.pop(one.id, None)
                junction.active.discard(one.id)
                if gone is None:
                    self._say("control_request_wrong", f"{one.signal}.{one.id}",
                              "leaves, and never came")  # fmt: skip
                continue
            junction.asked[one.id] = one

    def _wrong(self, one: Asked, junction: _Junction, at: int) -> str:
        try:
            numbers = [float(x) for x in (one.at_s, one.eta_s, one.eta_until_s, one.late_s,
                                          one.headway_gap_s, one.people)]  # fmt: skip
        except (TypeError, ValueError):
            return "no number"
        if not all(map(math.isfinite, numbers)):
            return "no number"
        if one.kind not in CLASS_OF:
            return f"kind {one.kind!r}"
        if one.leaves:
            return ""
        if one.group not in junction.one.group:
            return f"group {one.group!r}"
        now = at + self._shift
        if one.eta_until_s < one.eta_s:
            return "a window that ends before it begins"
        if one.eta_until_s < now - self.network.rules.stale_s:
            return f"of the past: {one.eta_until_s:g} s at {now:g} s"
        if one.at_s > now + 1 or one.at_s < now - FORGET_S:
            return f"sent at {one.at_s:g} s, now is {now:g} s"
        if not 0 <= one.people <= 500:
            return f"{one.people:g} people"
        return ""

    def _note(self, one: Asked, at: int) -> None:
        """Keep, for the log, when a request held."""
        key = one.signal, one.id, CLASS_OF[one.kind]
        spans = self._requests.setdefault(key, [])
        if not spans or spans[-1][1] < at:
            spans.append([float(at), float(at)])
        spans[-1][1] = float(at + 1)
        self._group[key] = one.group

    # One second of every junction.

    def _tick(self, seen: dict[str, Detection], why: str) -> Commands:
        at = self._now
        lamps: dict[str, list[State]] = {}
        ahead: dict[str, tuple[Ahead, ...]] = {}
        fallback: dict[str, str] = {}
        words: list[str] = []
        for signal, junction in self._junctions.items():
            fresh = self._refresh(junction, seen.get(signal), at)
            self._forget(junction, at)
            actuator = junction.actuator
            first = self._first(junction, at) if fresh else None
            urgent = first is not None
            if first is not None:
                junction.under = first
            elif junction.under is not None:
                # What pre-emption began is carried out before anybody else is asked.
                if actuator.settled(junction.stage):
                    junction.under = None
                else:
                    self._note(junction.under, at)
            busy = first is not None or junction.under is not None
            if fresh and (busy or self.policy is not None):
                junction.following = False
                if first is not None:
                    choice = self._preempt(junction, first, at)
                elif junction.under is not None:
                    choice = Choice(junction.stage)
                else:
                    choice = self._ask(junction, at)
                ahead[signal] = choice.ahead
                if choice.words:
                    words.append(choice.words)
                    self.words.append((at, signal, choice.words))
                lamps[signal] = actuator.step(
                    actuator.wanted(junction.stage), actuator.yields[junction.stage],
                    urgent=urgent, together=not junction.one.order_free,
                )  # fmt: skip
            else:
                if self.policy is not None:
                    fallback[signal] = why or "no fresh data"
                wanted, yields = self._base(junction, at)
                ahead[signal] = junction.base.ahead(at)
                lamps[signal] = actuator.step(wanted, yields, together=not junction.one.order_free)
            self._record(junction, at, lamps[signal])
        self._now = at + 1
        self._last = Commands(at, lamps, ahead, fallback, tuple(words))
        return self._last

    def _refresh(self, junction: _Junction, seen: Detection | None, at: int) -> bool:
        rules = self.network.rules
        if seen is not None:
            if junction.gap_from is not None:
                self._gaps.append(DataGap(junction.one.id, junction.gap_from, at))
                junction.gap_from = None
            junction.seen = seen
            junction.fresh_s = at
            return True
        if junction.gap_from is None:
            junction.gap_from = junction.fresh_s if math.isfinite(junction.fresh_s) else self.at_s
        return junction.seen is not None and at - junction.fresh_s < rules.stale_s

    def _forget(self, junction: _Junction, at: int) -> None:
        if not junction.asked:
            return
        now = at + self._shift
        gone = [key for key, one in junction.asked.items()
                if now - one.at_s > FORGET_S or now > one.eta_until_s + FORGET_S]  # fmt: skip
        for key in gone:
            del junction.asked[key]
            junction.active.discard(key)

    def _first(self, junction: _Junction, at: int) -> Asked | None:
        """Give the fire engine or train that must be served now, rail first, then who comes first."""
        best: tuple[tuple[int, float, str], Asked] | None = None
        now = at + self._shift
        for key, one in junction.asked.items():
            kind = CLASS_OF[one.kind]
            if kind == "priority":
                continue
            active = key in junction.active
            if not active and now < one.eta_s - self._lead_s(junction, one):
                continue
            if now > one.eta_until_s + LATE_S:
                continue
            junction.active.add(key)
            self._note(one, at)
            rank = (0 if kind == "rail" else 1, one.eta_s, key)
            if best is None or rank < best[0]:
                best = rank, one
        return best[1] if best is not None else None

    def _lead_s(self, junction: _Junction, one: Asked) -> float:
        """Seconds that clearing the way takes: the change of stage, and the queue's discharge."""
        actuator = junction.actuator
        stage = junction.serving[actuator.row[one.group]]
        if stage is None:
            return 0.0
        change = 0 if stage == junction.stage else actuator.change_s(junction.stage, stage)
        walk = max((actuator.change_s(name, stage) for name in actuator.stages), default=0)
        discharge = 0.0
        if junction.seen is not None:
            for row, stream in enumerate(self.approaches.of(junction.one.id)):
                if one.group in stream.groups:
                    queue = junction.seen.queued[row]
                    discharge = max(discharge, queue / stream.flow_vps + (3 if queue else 0))
        return max(change, walk) + discharge + LEAD_S

    def _preempt(self, junction: _Junction, first: Asked, at: int) -> Choice:
        """Go to the stage that lets a fire engine through, and stay there until it has passed."""
        actuator = junction.actuator
        row = actuator.row[first.group]
        kind = CLASS_OF[first.kind]
        stage = junction.stage
        if row not in actuator.stages[stage]:
            wish = junction.serving[row]
            if wish is None:
                return Choice(stage, cause=kind, request=first.id)
            self._go(junction, wish, at, kind, first.id)
            words = f"{first.kind} {first.id}: {wish} from {stage}, {first.eta_s - at:.0f} s ahead"
            return Choice(wish, ((wish, at),), kind, first.id, words)
        return Choice(stage, (), kind, first.id)

    def _ask(self, junction: _Junction, at: int) -> Choice:
        """Ask the policy; what it wishes is taken where order, maxima and those who wait allow."""
        actuator, one = junction.actuator, junction.one
        settled = actuator.settled(junction.stage)
        age = at - junction.settled_s if settled and junction.settled_s is not None else 0
        free = settled and age > 0 and actuator.least_left(junction.stage) <= 0
        most = actuator.most_left(junction.stage) if settled else 1_000_000
        may = self._may(junction)
        assert junction.seen is not None
        view = View(
            one, actuator, self.approaches.of(one.id), at, junction.stage, age, free, most, may,
            junction.seen, tuple(junction.asked[key] for key in sorted(junction.asked)),
            self._expected(one.id, at),
        )  # fmt: skip
        assert self.policy is not None
        choice = self.policy.choose(view)
        junction.sends, junction.sent_s = choice.sends, at
        wish = choice.stage if choice.stage in may else junction.stage
        cause, request = choice.cause, choice.request
        if most <= 0 and wish == junction.stage and may:
            wish, cause, request = may[0], "adaptive", ""
        if free:
            ought = self._ought(junction, at, wish, may)
            if ought != wish:
                wish, cause, request = ought, "adaptive", ""
        if wish != junction.stage and free:
            self._go(junction, wish, at, cause, request)
        return choice

    def _go(self, junction: _Junction, wish: str, at: int, cause: str, request: str) -> None:
        rules = self.network.rules
        signal = junction.one.id
        self._horizons.append(Horizon(signal, at, at, at + max(rules.horizon_s, 60)))
        self._commands.append(Command(signal, at, cause, request, wish))
        junction.stage = wish
        junction.settled_s = None
        junction.actuator.walked.clear()

    def _may(self, junction: _Junction) -> tuple[str, ...]:
        one = junction.one
        order = one.stage_order
        if one.order_free:
            return tuple(stage.id for stage in one.stages if stage.id != junction.stage)
        places = [k for k, name in enumerate(order) if name == junction.stage]
        found: list[str] = []
        for place in places:
            for step in range(1, len(order)):
                name = order[(place + step) % len(order)]
                if name != junction.stage and name not in found:
                    found.append(name)
                if not one.stage[name].optional:
                    break
        return tuple(found)

    def _due(self, junction: _Junction) -> list[tuple[int, int]]:
        """Until when each group that waits must be green, the most urgent first."""
        actuator = junction.actuator
        due: list[tuple[int, int]] = []
        for k, limit in enumerate(junction.starve):
            if actuator.phase[k] in {START, GREEN, HELD}:
                continue
            if limit is None:
                if not (junction.foot[k] or self._waits(junction, k)):
                    continue
                limit = STARVE_S
            due.append((max(actuator.green_end[k], self.at_s) + limit, k))
        due.sort()
        return due

    def _in_time(
        self, junction: _Junction, at: int, due: list[tuple[int, int]], here: str, spent: int
    ) -> bool:
        """Whether all who wait can be served in time, one after another, from a stage on.

        ``spent``: seconds until that stage may be left.
        """
        actuator, one = junction.actuator, junction.one
        done = set(actuator.stages[here])
        if one.order_free:
            for limit, k in due:
                if k in done:
                    continue
                stage = junction.serving[k]
                if stage is None:
                    continue
                spent += actuator.change_s(here, stage)
                if at + spent + MARGIN_S >= limit:
                    return False
                spent += actuator.least_of(stage)
                here = stage
                done |= actuator.stages[stage]
            return True
        limits = {k: limit for limit, k in due}
        order = one.stage_order
        place = order.index(here) if here in order else 0
        for step in range(1, len(order)):
            name = order[(place + step) % len(order)]
            spent += actuator.change_s(here, name)
            if any(at + spent + MARGIN_S >= limits[k]
                   for k in actuator.stages[name] if k in limits and k not in done):  # fmt: skip
                return False
            done |= actuator.stages[name]
            spent += actuator.least_of(name)
            here = name
        return True

    def _ought(self, junction: _Junction, at: int, wish: str, may: tuple[str, ...]) -> str:
        """Correct a wish where somebody would wait longer than the maximum red because of it."""
        due = self._due(junction)
        if not due or not may:
            return wish
        actuator, here = junction.actuator, junction.stage
        if wish == here:
            if self._in_time(junction, at + 1, due, here, max(0, actuator.least_left(here))):
                return wish
        else:
            spent = actuator.change_s(here, wish) + actuator.least_of(wish)
            if self._in_time(junction, at, due, wish, spent):
                return wish
        if not junction.one.order_free:
            return may[0]
        urgent = next((junction.serving[k] for _, k in due), None)
        return urgent if urgent in may else wish

    def _waits(self, junction: _Junction, k: int) -> bool:
        name = junction.actuator.names[k]
        if junction.seen is None:
            return True
        return any(
            name in stream.groups and junction.seen.counted[row] > 0
            for row, stream in enumerate(self.approaches.of(junction.one.id))
        )

    def _expected(self, signal: str, at: int) -> tuple[tuple[tuple[float, float], ...], ...]:
        """Vehicles that the plans of neighbours will send, by own stream."""
        sources = self._sources.get(signal)
        if not sources:
            return ()
        rows: list[list[tuple[float, float]]] = [[] for _ in self.approaches.of(signal)]
        for row, other, stream, _, share, travel in sources:
            sends = self._junctions[other].sends
            if not sends:
                continue
            late = at - self._junctions[other].sent_s
            rows[row] += [(second - late + travel, count * share)
                          for second, count in sends[stream] if second >= late]  # fmt: skip
        return tuple(map(tuple, rows))

    def _base(self, junction: _Junction, at: int) -> tuple[frozenset[int], frozenset[int]]:
        """What the base plan wants: its lamps once the signal is in step with it, else the way there."""
        actuator, base = junction.actuator, junction.base
        given = math.floor(at + self._shift)
        due = base.stage_at(given)
        settled = actuator.settled(junction.stage)
        if not junction.following and settled and due == junction.stage:
            wanted, _ = base.wanted(given)
            junction.following = (
                actuator.like(wanted)
                and actuator.least_left(due) <= base.left_s(given)
                and all(actuator.own_left(k) <= base.until_red(k, given) for k in wanted)
                and all(at + base.until_green(k, given) + MARGIN_S < limit
                        for limit, k in self._due(junction) if k not in wanted)
            )  # fmt: skip
            # People who have walked already wait for the plan's next walk.
            junction.skip = {k for k in wanted if actuator.phase[k] != GREEN}
        if junction.following:
            if due != junction.stage:
                junction.stage, junction.settled_s = due, None
                actuator.walked.clear()
            wanted, yields = base.wanted(given)
            junction.skip &= wanted
            return wanted - junction.skip, yields
        if settled and actuator.least_left(junction.stage) <= 0:
            may = self._may(junction)
            wish = due if due == junction.stage or due in may else (may[0] if may else due)
            if actuator.most_left(junction.stage) <= 0 and wish == junction.stage and may:
                wish = may[0]
            wish = self._ought(junction, at, wish, may)
            if wish != junction.stage:
                junction.stage, junction.settled_s = wish, None
                actuator.walked.clear()
        return actuator.wanted(junction.stage), actuator.yields[junction.stage]

    def _record(self, junction: _Junction, at: int, shown: list[State]) -> None:
        row = tuple(shown)
        if not junction.shown or junction.shown[-1][1] != row:
            junction.shown.append((at, row))
        if junction.actuator.settled(junction.stage):
            if junction.settled_s is None:
                junction.settled_s = at
                junction.claims.append([junction.stage, at, at + 1])
            elif junction.claims:
                junction.claims[-1][2] = at + 1

    def log(self) -> Log:
        """What was shown and why, for ``signals.check``."""
        rows, claims = [], []
        for signal, junction in self._junctions.items():
            for k, name in enumerate(junction.actuator.names):
                start, state = None, None
                for at, shown in junction.shown:
                    if shown[k] is not state:
                        if state is not None:
                            rows.append((signal, name, str(state), start, at))
                        start, state = at, shown[k]
                if state is not None:
                    rows.append((signal, name, str(state), start, self._now))
            claims += [(signal, *claim) for claim in junction.claims]
        return Log(
            pd.DataFrame(rows, columns=list(SHOWN)), pd.DataFrame(claims, columns=list(STAGES)),
            requests=self.requests(), commands=tuple(self._commands),
            horizons=tuple(self._horizons), gaps=self.gaps(), digest="",
        )  # fmt: skip

    def requests(self) -> tuple[Request, ...]:
        """Requests of the log: who held which signal, when."""
        return tuple(
            Request(name, signal, kind, self._group[signal, name, kind], start, end)
            for (signal, name, kind), spans in sorted(self._requests.items())
            for start, end in spans
        )

    @property
    def commands(self) -> tuple[Command, ...]:
        """All changes of stage so far."""
        return tuple(self._commands)

    @property
    def horizons(self) -> tuple[Horizon, ...]:
        """Plans that existed when they were commanded."""
        return tuple(self._horizons)

    def gaps(self) -> tuple[DataGap, ...]:
        """Times without fresh data."""
        still = [DataGap(signal, junction.gap_from, self._now)
                 for signal, junction in self._junctions.items()
                 if junction.gap_from is not None]  # fmt: skip
        return (*self._gaps, *still)


def has_stages(one: Intersection, plan: Any) -> bool:
    """Whether a plan of a signal names stages that the signal has."""
    return bool(plan.stages) and all(time.stage in one.stage for time in plan.stages) or has_plan(one)
