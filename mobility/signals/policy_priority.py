"""Priority: adaptive control in which a bus weighs as much as the people who wait for it and in it."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mobility.signals.policy_adaptive import NONE, Adaptive, Weights, _Arrays

if TYPE_CHECKING:
    from mobility.signals.policy import Choice, View
    from mobility.signals.streams import Asked


@dataclass(frozen=True)
class Conditions:
    """Who gets priority, and how much.

    Parameters
    ----------
    least_late_s
        Buses less late than this weigh no more than a car; negative: also those ahead of time.
    late_weight, headway_weight
        By how much a minute of lateness, or of a headway that is too long, raises a bus's weight:
        0.1 is a tenth.
    most
        A weight is at most so many times the people on board.
    trams
        A tram's people count so much more.
    budget_s
        Person-seconds that others may lose to priority within ``cycle_s`` at one signal.
    again_s
        Least time between grants to two different requests at one signal; the network's rules may
        ask for more.
    """

    least_late_s: float = -1e9
    late_weight: float = 0.1
    headway_weight: float = 0.1
    most: float = 3.0
    trams: float = 1.0
    budget_s: float = 600.0
    cycle_s: float = 90.0
    again_s: float = 0.0


@dataclass
class Priority(Adaptive):
    """The adaptive plan with requests, and the one without: what differs is what priority does.

    A request is one vehicle of its stream, of the weight that conditions give it, at three moments
    of its window; so conflicting requests are decided by person-seconds. Extension, early green,
    another order and an inserted stage are all just other plans.
    """

    weights: Weights = Weights()  # noqa: RUF009  frozen
    name: str = "priority"
    repays: ClassVar[bool] = True
    conditions: Conditions = Conditions()
    _spent: dict[str, deque[tuple[int, float]]] = field(default_factory=lambda: defaultdict(deque))
    _granted: dict[str, tuple[str, int]] = field(default_factory=dict)

    def choose(self, view: View) -> Choice:
        """Plan with and without requests; take the first where its cost to others is in budget."""
        arrays = self._arrays(view)
        rows = self._live(view) if view.free else []
        if not rows:
            return super().choose(view)
        arrays.load(view, self.weights)
        count, _ = arrays.plan(view, *NONE, self.weights)
        plain = arrays.choice(view, count)
        plain_path, plain_cost = arrays.path[:count].copy(), arrays.cost_of(count, self.weights)
        tokens = self._tokens_of(view, arrays, rows)
        count, _ = arrays.plan(view, *tokens, self.weights, out_of_turn=True)
        wanted = arrays.choice(view, count)
        if wanted.stage == plain.stage:
            return arrays.keep(wanted)
        path = arrays.path[:count].copy()
        lost = max(0.0, arrays.cost_of(count, self.weights) - plain_cost)
        gained = self._gained(arrays, tokens, path, plain_path)
        best = max(rows, key=lambda row: (row[2], row[1].id))[1]
        if not self._may_spend(view, best, lost):
            return arrays.keep(plain)
        self._spent[view.one.id].append((view.now_s, lost))
        self._granted[view.one.id] = best.id, view.now_s
        words = _words(view, best, wanted, plain, lost, gained, rows)
        arrays.keep(wanted)
        return replace(wanted, cause="priority", request=best.id, words=words)

    def _live(self, view: View) -> list[tuple[int, Asked, float]]:
        """Requests that count: stream, request, weight in people."""
        place = {stream.id: k for k, stream in enumerate(view.streams)}
        found = []
        for one in view.asked:
            if one.kind not in {"bus", "tram"}:
                continue
            k = place.get(one.stream)
            if k is None:
                k = next((k for k, stream in enumerate(view.streams)
                          if one.group in stream.groups), None)  # fmt: skip
            weight = self._weight(one)
            if k is not None and weight > 0 and one.eta_s < view.now_s + self.weights.horizon_s:
                found.append((k, one, weight))
        return found

    def _weight(self, one: Asked) -> float:
        rules = self.conditions
        if one.late_s < rules.least_late_s:
            return 0.0
        factor = 1 + rules.late_weight * max(0.0, one.late_s) / 60
        factor += rules.headway_weight * max(0.0, one.headway_gap_s) / 60
        factor = min(rules.most, factor) * (rules.trams if one.kind == "tram" else 1.0)
        return one.people * factor

    def _tokens_of(self, view: View, arrays: _Arrays, rows: list[tuple[int, Asked, float]]
                   ) -> tuple[Any, Any, Any, Any]:  # fmt: skip
        """Each request as three vehicles of a third of its weight, at the window's moments."""
        stream, rank, start, weight = [], [], [], []
        last = arrays.arrive.shape[1] - 1
        for k, one, people in rows:
            for part in (0.0, 0.5, 1.0):
                eta = one.eta_s + part * (one.eta_until_s - one.eta_s) - view.now_s
                at = int(min(last, max(0.0, eta)))
                stream.append(k)
                start.append(at)
                # It has passed once all who were there before it have: half a vehicle is rounding.
                rank.append(max(0.5, arrays.total[k, at] - 0.5))
                weight.append(people / 3)
        return (np.array(stream, np.int64), np.array(rank, np.float64), np.array(start, np.int64),
                np.array(weight, np.float64))  # fmt: skip

    def _gained(self, arrays: _Arrays, tokens: tuple[Any, Any, Any, Any], path: Any, plain: Any
                ) -> float:  # fmt: skip
        """Person-seconds that all requests gain by the plan made for them."""
        with_it = arrays.cost_of(len(path), self.weights, tokens, path)
        with_it -= arrays.cost_of(len(path), self.weights, NONE, path)
        without = arrays.cost_of(len(plain), self.weights, tokens, plain)
        without -= arrays.cost_of(len(plain), self.weights, NONE, plain)
        return without - with_it

    def _may_spend(self, view: View, best: Asked, lost: float) -> bool:
        rules = self.conditions
        spent = self._spent[view.one.id]
        while spent and spent[0][0] <= view.now_s - rules.cycle_s:
            spent.popleft()
        if sum(one for _, one in spent) + lost > rules.budget_s:
            return False
        last = self._granted.get(view.one.id)
        again = max(rules.again_s, view.lockout_s)
        return last is None or last[0] == best.id or view.now_s - last[1] >= again


def _words(
    view: View,
    best: Asked,
    wanted: Choice,
    plain: Choice,
    lost: float,
    gained: float,
    rows: list[tuple[int, Asked, float]],
) -> str:
    """What is done for whom, and at whose cost, in a sentence."""
    who = f"{best.kind} {best.id}"
    if abs(best.late_s) >= 30:
        who += f", {abs(best.late_s) / 60:.0f} min {'late' if best.late_s > 0 else 'early'}"
    who += f", {best.people:.0f} on board"
    if len(rows) > 1:
        who += f" (and {len(rows) - 1} more who ask)"
    if wanted.stage == view.stage:
        until = wanted.ahead[0][1] - view.now_s if wanted.ahead else 0
        what = f"{view.stage} goes on{f' for {until} s' if until else ''}, {plain.stage} waits"
    elif plain.stage == view.stage:
        what = f"{wanted.stage} early, {view.stage} is cut"
    else:
        what = f"{wanted.stage} before {plain.stage}"
    return f"{who}: {what}; {gained:.0f} person-s gained, others lose {lost:.0f}"
