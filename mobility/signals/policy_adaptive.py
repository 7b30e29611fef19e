"""Adaptive: the stages of the next minute that cost people least, planned anew every second."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.signals import _control_kernels as kernels
from mobility.signals.policy import Choice
from mobility.signals.streams import CAR_PEOPLE

if TYPE_CHECKING:
    from mobility.signals.policy import View

BLOCKED_S = 20.0  # a lane's vehicle whose own group is red holds those behind it
DRAIN_VPS = 0.25  # vehicles a second that leave a full street beyond
LEAST_SENT = 0.05  # vehicles a second that are told to a neighbour
STEPS = 12  # changes of stage in a plan, at most
NONE = (np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64), np.zeros(0))


@dataclass(frozen=True)
class Weights:
    """The one setting of adaptive control.

    Parameters
    ----------
    horizon_s
        How far ahead it plans.
    stop_s
        What a stop costs a vehicle beyond its wait: braking and starting.
    wait_s
        What a vehicle that waits at red beyond the horizon is taken to wait still.
    unseen
        Share of the mean flow that is expected where no detector looks yet.
    exchange
        Neighbours tell each other what their plans will send.
    """

    horizon_s: int = 60
    stop_s: float = 3.0
    wait_s: float = 10.0
    unseen: float = 0.0
    exchange: bool = False


@dataclass
class Adaptive:
    """Rolling horizon over stages.

    One junction at a time; what its plan sends onward is expected by its neighbours.

    References
    ----------
    Sen and Head (1997), controlled optimisation of phases; Xie, Smith and Barlow (2012), neighbours
    that tell each other what they will send.
    """

    weights: Weights = Weights()
    name: str = "adaptive"
    _made: dict[str, _Arrays] = field(default_factory=dict)

    def choose(self, view: View) -> Choice:
        """Plan, and wish for the stage that the plan has now."""
        arrays = self._arrays(view)
        if not view.free and arrays.last is not None and arrays.last.stage == view.stage:
            return arrays.last  # nothing can be changed yet
        arrays.load(view, self.weights)
        count, _ = arrays.plan(view, *NONE, self.weights)
        return arrays.keep(arrays.choice(view, count))

    def _arrays(self, view: View) -> _Arrays:
        made = self._made.get(view.one.id)
        if made is None:
            made = self._made[view.one.id] = _Arrays(view, self.weights)
        return made


class _Arrays:
    """A signal as arrays: what stays, and what is written anew every second."""

    def __init__(self, view: View, weights: Weights) -> None:
        one, streams = view.one, view.streams
        horizon = weights.horizon_s
        actuator = view.actuator
        self.stages = tuple(actuator.stages)
        self.row = {name: k for k, name in enumerate(self.stages)}
        many, count = len(self.stages), len(streams)
        self.flow = np.array([stream.flow_vps for stream in streams])
        self.green = [[[group in one.stage[name].groups for group in stream.groups]
                       for stream in streams] for name in self.stages]  # fmt: skip
        self.gives = [[[group in one.stage[name].yields for group in stream.groups]
                       for stream in streams] for name in self.stages]  # fmt: skip
        place = {stream.id: k for k, stream in enumerate(streams)}
        rows = [sorted({place[foe] for part in stream.foes for foe in part if foe in place})
                for stream in streams]  # fmt: skip
        self.foe_ptr = np.cumsum([0, *map(len, rows)]).astype(np.int64)
        self.foes = np.array([foe for row in rows for foe in row], np.int64)
        self.change = np.array([[actuator.change_s(a, b) for b in self.stages]
                                for a in self.stages], np.int64)  # fmt: skip
        self.least = np.array([max(1, actuator.least_of(name)) for name in self.stages], np.int64)
        self.most = np.array([
            min([most for k in actuator.stages[name]
                 if (most := actuator.one.groups[k].max_green_s) is not None] or [1_000_000])
            for name in self.stages], np.int64)  # fmt: skip
        self.storage = np.array([max(4.0, stream.storage) for stream in streams])
        self.seen_s = np.array([max(2, int(stream.travel_s)) for stream in streams], np.int64)
        self.rates = np.zeros((many, count))
        self.yields = np.zeros((many, count))
        self.weight = np.full(count, CAR_PEOPLE)
        self.arrive = np.zeros((count, horizon))
        self.total = np.zeros((count, horizon))
        self.queue = np.zeros(count)
        self.room = np.full(count, 100.0)
        self.mean = np.full(count, 0.02)
        self.unseen = np.zeros(count)
        self.has_neighbour = np.zeros(count, np.bool_)
        self.may = np.ones((many, many), np.bool_)
        shape = horizon + 1, many
        self.scratch = (
            np.zeros(shape), np.zeros(shape), np.zeros((*shape, count)), np.zeros(shape, np.int64),
            np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(count), np.zeros(count),
        )  # fmt: skip
        self.path = np.zeros((STEPS, 2), np.int64)
        self.sent = np.zeros((count, horizon))
        self._shares: Any = None
        self.last: Choice | None = None
        self.stage = 0
        self.weights = weights
        self.tells = weights.exchange and any(onward for stream in streams for onward in stream.to)
        order = one.stage_order
        if not one.order_free:
            follows = {(a, b) for a, b in zip(order, (*order[1:], *order[:1]), strict=True)}
            self.may = np.array([[(a, b) in follows for b in self.stages] for a in self.stages])

    def load(self, view: View, weights: Weights) -> None:
        """Read a second's detection."""
        seen = view.seen
        shares = seen.shares or tuple(stream.shares for stream in view.streams)
        if shares != self._shares:
            self._rate(shares)
            self._shares = shares
        self.arrive[:] = 0.0
        passed = seen.passed
        if passed:
            self.mean += (np.array(passed) - self.mean) / 300
        for k, coming in enumerate(view.expected):
            if coming:
                self.has_neighbour[k] = True
                for soon, much in coming:
                    at = int(soon)
                    if 0 <= at < self.arrive.shape[1]:
                        self.arrive[k, at] += much
        self.unseen[:] = np.where(self.has_neighbour, 0.0, self.mean * weights.unseen)
        ptr: list[int] = [0]
        eta: list[float] = []
        counts: list[float] = []
        for row in seen.coming:
            for one, much in row:
                eta.append(one)
                counts.append(much)
            ptr.append(len(eta))
        kernels.arrivals(
            np.array(ptr, np.int64), np.array(eta, np.float64), np.array(counts, np.float64),
            self.unseen, self.seen_s, self.arrive, self.total, self.queue,
        )  # fmt: skip
        if seen.room:
            self.room[:] = seen.room

    def _rate(self, shares: tuple[tuple[float, ...], ...]) -> None:
        for s in range(len(self.stages)):
            for i, part in enumerate(shares):
                green, gives = self.green[s][i], self.gives[s][i]
                go = sum(share for share, on in zip(part, green, strict=True) if on)
                if go <= 0:
                    self.rates[s, i] = self.yields[s, i] = 0.0
                    continue
                self.rates[s, i] = 1 / (go / self.flow[i] + (1 - go) * BLOCKED_S)
                self.yields[s, i] = sum(
                    share for share, on, give in zip(part, green, gives, strict=True) if on and give
                )

    def common(self) -> tuple[Any, ...]:
        """What both kernels are given."""
        return (self.rates, self.yields, self.foe_ptr, self.foes, self.arrive, self.total,
                self.queue, self.weight, self.flow, self.room, DRAIN_VPS, self.storage,
                self.change)  # fmt: skip

    def _may(self, view: View, *, out_of_turn: bool) -> Any:
        """What may follow what: the order, but for the stage that is on."""
        if view.one.order_free:
            return self.may
        may = self.may.copy()
        here = self.row[view.stage]
        may[here] = False
        may[here, [self.row[name] for name in view.may]] = True
        if out_of_turn:
            for name in view.extra:
                may[here, self.row[name]] = True
                may[self.row[name], [self.row[one] for one in view.resume]] = True
        return may

    def plan(self, view: View, stream: Any, rank: Any, start: Any, weight: Any,
             weights: Weights, *, out_of_turn: bool = False) -> tuple[int, float]:  # fmt: skip
        """Run the kernel; the number of changes in ``path`` and what the plan costs."""
        stage = self.row[view.stage]
        settling = max(0, view.actuator.least_left(view.stage))
        if view.age_s == 0:  # its groups have yet to begin
            settling = max(settling, int(self.least[stage]))
        hold = 0 if view.free else max(1, settling)
        may = self._may(view, out_of_turn=out_of_turn)
        count, best = kernels.plan_stages(
            stage, hold, max(hold, view.most_left_s), *self.common(), self.least, self.most,
            may, weights.stop_s, weights.wait_s, stream, rank, start, weight, *self.scratch,
            self.path,
        )  # fmt: skip
        self.stage = stage
        return int(count), float(best)

    def choice(self, view: View, count: int) -> Choice:
        """Turn the plan found into a wish."""
        ahead = tuple(
            (self.stages[int(self.path[k, 0])], view.now_s + int(self.path[k, 1]))
            for k in range(count)
        )
        stage = view.stage
        if (
            view.free
            and ahead
            and ahead[0][1] <= view.now_s
            and ahead[0][0] in view.may + view.extra
        ):
            stage = ahead[0][0]
        return Choice(stage, ahead, sends=self.sends(count))

    def sends(self, count: int) -> tuple[tuple[tuple[int, float], ...], ...]:
        """What each stream will let go if the plan found is carried out, second by second."""
        if not self.tells:
            return ()
        self.cost_of(count, self.weights)
        rows: list[list[tuple[int, float]]] = [[] for _ in range(len(self.flow))]
        for i, t in zip(*np.nonzero(self.sent > LEAST_SENT), strict=True):
            rows[i].append((int(t), float(self.sent[i, t])))
        return tuple(map(tuple, rows))

    def keep(self, choice: Choice) -> Choice:
        """Remember what was chosen, for the seconds in which nothing can be."""
        self.last = choice
        return choice

    def cost_of(self, count: int, weights: Weights, tokens: Any = NONE, path: Any = None) -> float:
        """Person-seconds of a plan until the horizon, with or without single vehicles."""
        self.sent[:] = 0.0
        return float(kernels.play(
            self.stage, self.path if path is None else path, count, *self.common(),
            weights.stop_s, *tokens, self.sent, self.scratch[-1],
        ))  # fmt: skip
