"""Control in real time: detections and requests in, lamps out, and never a state that is refused."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.errors import ConfigError
from mobility.shown import Shown
from mobility.signals.actuator import Actuator
from mobility.signals.base_plan import BasePlan
from mobility.signals.control_inputs import CLASS_OF, FORGET_S, Ears
from mobility.signals.control_junction import Junction
from mobility.signals.control_view import as_stages, whole_seconds
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

LEAD_S = 5  # of a fire engine's green before it is there
LATE_S = 30  # after its window it is still waited for


@dataclass(frozen=True)
class Commands(Shown):
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


class Cabinet(Shown):
    """The signals' cabinets on the street: one master each, whoever came first."""

    def __init__(self) -> None:
        self._master: dict[str, int] = {}

    def take(self, signal: str, master: object) -> bool:
        """Take a signal; whether it was free, or one's own."""
        return self._master.setdefault(signal, id(master)) == id(master)

    def __str__(self) -> str:
        return f"{len(self._master):,} signals have a master"


class PriorityController(Shown):
    """One junction or many under one policy.

    Parameters
    ----------
    network
        Signals; ``control.network`` has their steps in whole seconds: a log is judged by it.
    plan
        The base plan, for when data are stale or lost; by default the one that came in.
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
    No policy can show a state that ``signals.check`` refuses: the actuator has the last word. ``step``
    never raises for what detectors or buses say: it is noted in ``findings``.
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
        network = self.network = whole_seconds(network)
        self.policy = policy
        self.approaches = approaches if approaches is not None else approaches_of(network)
        self.plan = plan if plan is not None else plan_of(network)
        self.at_s = int(at_s)
        self._now = int(at_s)  # next second to be shown, on the lamps' own clock
        self._last: Commands | None = None
        self._commands: list[Command] = []
        self._horizons: list[Horizon] = []
        self._gaps: list[DataGap] = []
        self._requests: dict[tuple[str, str, str], list[list[float]]] = {}
        self._group: dict[tuple[str, str, str], str] = {}
        self.words: list[tuple[int, str, str]] = []
        self._ears = Ears(network, self.approaches)
        self._junctions: dict[str, Junction] = {}
        for one in sorted(network.intersections, key=lambda one: one.id):
            if not one.stages:
                raise ConfigError(f"signal {one.id} has no stage", mend="give it stages")
            if cabinet is not None and not cabinet.take(one.id, self):
                self._ears.say("control_two_masters", one.id, one.id)
                continue
            self._junctions[one.id] = self._junction(one)
            # Taking over is a change too: from here it is on its way into the base plan.
            self._commands.append(Command(one.id, self.at_s - 1, "plan"))
        self._ears.mine = set(self._junctions)
        self._sources = self._neighbours()

    def __str__(self) -> str:
        policy = getattr(self.policy, "name", "base plan only")
        return f"{len(self._junctions):,} signals, {policy}, next second {self._now:,}"

    def _junction(self, one: Intersection) -> Junction:
        given = self.plan.signal.get(one.id)
        one = as_stages(one, given)
        base = BasePlan(one, given if given is not None and has_stages(one, given) else None,
                        self.network.zero_s)  # fmt: skip
        stage = base.stage_at(self._now)
        actuator = Actuator(one, self._now, stage)
        limits = [None if group.max_red_s is None else int(group.max_red_s) for group in one.groups]
        return Junction(
            one, actuator, base, self.approaches.of(one.id), self._now, stage, limits,
            [group.on_foot for group in one.groups],
            [next((name for name, groups in actuator.stages.items() if k in groups), None)
             for k in range(len(one.groups))],
            textbook=getattr(self.policy, "textbook", False),
            repays=getattr(self.policy, "repays", False),
        )  # fmt: skip

    def _neighbours(self) -> dict[str, list[tuple[int, str, int, int, float, float]]]:
        """Signal -> (own stream, neighbour, its stream, part, share, travel) that feed it."""
        place = {name: (signal, k) for signal in self._junctions
                 for k, stream in enumerate(self.approaches.of(signal))
                 for name in (stream.id, f"{signal}/{stream.id}")}  # fmt: skip
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
        return self._ears.findings

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
        ears = self._ears
        shift = ears.shift_s
        at = ears.clock(now_s, self._now)
        if ears.shift_s != shift:
            for junction in self._junctions.values():
                junction.following = False
        if at < self._now and self._last is not None:
            return self._last
        at = max(at, self._now)
        seen = ears.detections(detections, now_s)
        self._take(ears.requests(requests, at + ears.shift_s))
        while self._now < at:  # calls that were lost
            self._tick({}, "a call was lost")
        return self._tick(seen, "")

    def _note(self, one: Asked, at: int) -> None:
        """Keep, for the log, when a request held."""
        key = one.signal, one.id, CLASS_OF[one.kind]
        spans = self._requests.setdefault(key, [])
        if not spans or spans[-1][1] < at:
            spans.append([float(at), float(at)])
        spans[-1][1] = float(at + 1)
        self._group[key] = one.group

    def _take(self, requests: Iterable[Asked]) -> None:
        for one in requests:
            junction = self._junctions[one.signal]
            if not one.leaves:
                junction.asked[one.id] = one
                continue
            if one.id not in junction.asked:
                self._ears.say("control_request_wrong", f"{one.signal}.{one.id}",
                               "leaves, and never came")  # fmt: skip
            junction.asked.pop(one.id, None)
            junction.active.discard(one.id)

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
                junction.leaving = False
            elif junction.under is not None:
                self._exit(junction, at)  # what pre-emption began ends before anybody is asked
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
                wanted, yields = junction.to_base(at, self._ears.shift_s)
                shift = math.floor(self._ears.shift_s)
                ahead[signal] = tuple((stage, second - shift)
                                      for stage, second in junction.base.ahead(at + shift))  # fmt: skip
                lamps[signal] = actuator.step(wanted, yields, together=not junction.one.order_free)
            self._hold(junction, at)
            junction.record(at, lamps[signal])
        self._now = at + 1
        self._last = Commands(at, lamps, ahead, fallback, tuple(words))
        return self._last

    def _refresh(self, junction: Junction, seen: Detection | None, at: int) -> bool:
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

    def _forget(self, junction: Junction, at: int) -> None:
        if not junction.asked:
            return
        now = at + self._ears.shift_s
        gone = [key for key, one in junction.asked.items()
                if now - one.at_s > FORGET_S or now > one.eta_until_s + FORGET_S]  # fmt: skip
        for key in gone:
            del junction.asked[key]
            junction.active.discard(key)

    def _first(self, junction: Junction, at: int) -> Asked | None:
        """Give the fire engine or train that must be served now, rail first, then who comes first."""
        best: tuple[tuple[int, float, str], Asked] | None = None
        now = at + self._ears.shift_s
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

    def _exit(self, junction: Junction, at: int) -> None:
        """Leave pre-emption by the stage of whoever has waited longest, which it may have skipped."""
        one = junction.under
        assert one is not None
        if not junction.leaving:
            junction.leaving = True
            due = [k for _, k in junction.due() if junction.serving[k] is not None]
            stage = junction.serving[due[0]] if due else None
            if stage is not None and stage != junction.stage:
                self._note(one, at)
                self._go(junction, stage, at, CLASS_OF[one.kind], one.id)
                return
        if junction.actuator.settled(junction.stage):
            junction.under = None
            junction.leaving = False
        else:
            self._note(one, at)

    def _lead_s(self, junction: Junction, one: Asked) -> float:
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

    def _preempt(self, junction: Junction, first: Asked, at: int) -> Choice:
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

    def _ask(self, junction: Junction, at: int) -> Choice:
        """Ask the policy; what it wishes is taken where order, maxima and those who wait allow."""
        actuator, one = junction.actuator, junction.one
        settled = actuator.settled(junction.stage)
        age = at - junction.settled_s if settled and junction.settled_s is not None else 0
        free = settled and age > 0 and actuator.least_left(junction.stage) <= 0
        most = actuator.most_left(junction.stage) if settled else 1_000_000
        may = junction.may()
        rules = self.network.rules
        extra: tuple[str, ...] = ()
        if (rules.insert_stages or rules.rotate_stages) and junction.held is None:
            extra = junction.out_of_turn(may)
        assert junction.seen is not None
        view = View(
            one, actuator, self.approaches.of(one.id), at, junction.stage, age, free, most, may,
            junction.seen, tuple(junction.asked[key] for key in sorted(junction.asked)),
            self._expected(one.id, at), rules.priority_lockout_s, extra,
            may if rules.insert_stages else (),
        )  # fmt: skip
        assert self.policy is not None
        choice = self.policy.choose(view)
        junction.sends, junction.sent_s = choice.sends, at
        wish = choice.stage if choice.stage in (*may, *extra) else junction.stage
        cause, request = choice.cause, choice.request
        if most <= 0 and wish == junction.stage and may:
            wish, cause, request = may[0], "adaptive", ""
        if free:
            if wish in extra:
                junction.inserted = wish if rules.insert_stages else ""
            owes = most > 0 and junction.owes(at)
            ought = junction.stage if owes else junction.ought(at, wish, may)
            if ought != wish:
                wish, cause, request = ought, "adaptive", ""
        if wish != junction.stage and free:
            self._go(junction, wish, at, cause, request)
            if wish in extra:  # what follows it then; the request holds until that is on
                junction.resume = may if rules.insert_stages else ()
                junction.held = junction.asked[request]
            if request:
                self._note(junction.asked[request], at)
        return choice

    def _hold(self, junction: Junction, at: int) -> None:
        """Note the request of a stage out of turn until the order goes on."""
        if junction.held is None:
            return
        self._note(junction.held, at)
        if junction.actuator.settled(junction.stage) and not junction.inserting:
            junction.held, junction.resume = None, ()

    def _go(self, junction: Junction, wish: str, at: int, cause: str, request: str) -> None:
        rules = self.network.rules
        signal = junction.one.id
        self._horizons.append(Horizon(signal, at, at, at + max(rules.horizon_s, 60)))
        self._commands.append(Command(signal, at, cause, request, wish))
        junction.go(at, wish)

    def _expected(self, signal: str, at: int) -> tuple[tuple[tuple[float, float], ...], ...]:
        """Vehicles that the plans of neighbours will send, by own stream."""
        sources = self._sources.get(signal)
        if not sources:
            return ()
        rows: list[list[tuple[float, float]]] = [[] for _ in self.approaches.of(signal)]
        for row, other, stream, part, share, travel in sources:
            sends = self._junctions[other].sends
            if not sends:
                continue
            late = at - self._junctions[other].sent_s
            seen = self._junctions[other].seen
            if seen is not None and seen.shares:
                share *= seen.shares[stream][part]  # noqa: PLW2901
            else:
                share *= self.approaches.of(other)[stream].shares[part]  # noqa: PLW2901
            rows[row] += [(second - late + travel, count * share)
                          for second, count in sends[stream] if second >= late]  # fmt: skip
        return tuple(map(tuple, rows))

    def log(self) -> Log:
        """What was shown and why, for ``signals.check``."""
        rows: list[tuple[str, str, str, int, int]] = []
        claims: list[tuple[Any, ...]] = []
        for signal, junction in self._junctions.items():
            for k, name in enumerate(junction.actuator.names):
                runs = [(at, shown[k]) for at, shown in junction.shown]
                changes = [
                    runs[n] for n in range(len(runs)) if not n or runs[n][1] != runs[n - 1][1]
                ]
                ends = [at for at, _ in changes[1:]] + [self._now]
                rows += [(signal, name, str(state), at, end)
                         for (at, state), end in zip(changes, ends, strict=True)]  # fmt: skip
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
    known = all(time.stage in one.stage for time in plan.stages)
    return (bool(plan.stages) and known) or has_plan(one)
