"""How good the rolling horizon is: the same model solved exactly, for small instances.

Every second shows one stage, or a change between two. The queue model is the kernels' own with whole
vehicles and no yielding: a stream that is served sends one vehicle every ``headway_s``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ortools.sat.python import cp_model

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Small:
    """One signal for a minute or less.

    Parameters
    ----------
    serves
        By stage: the streams that it lets go.
    arrive
        By stream: vehicles that come in each second; the first second's are those that wait.
    weight
        People in a vehicle, by stream.
    change_s, least_s
        Seconds from green to green of any two stages, and least green.
    """

    serves: tuple[tuple[int, ...], ...]
    arrive: tuple[tuple[int, ...], ...]
    weight: tuple[int, ...]
    change_s: int = 4
    least_s: int = 5
    headway_s: int = 2


@dataclass(frozen=True)
class Exact:
    """The least person-seconds of waiting, the bound that proves it, and a stage a second (-1: change)."""

    cost: int
    bound: float
    optimal: bool
    stages: tuple[int, ...]


def solve(small: Small, *, work: float = 30.0, seed: int = 0) -> Exact:
    """Solve a small instance with CP-SAT; it begins in stage 0, which may be left at once.

    A vehicle leaves only where its stream has been served for ``headway_s`` seconds since the last
    one left. ``work`` is deterministic time, so the answer repeats.
    """
    model = cp_model.CpModel()
    horizon = len(small.arrive[0])
    stages, streams = range(len(small.serves)), range(len(small.arrive))
    on = [[model.new_bool_var(f"on{t}_{s}") for s in stages] for t in range(horizon)]
    for t in range(horizon):
        model.add_at_most_one(on[t])
    # Between two stages lie change_s seconds in which none is on, no more and no less.
    begin = [[model.new_bool_var(f"b{t}_{s}") for s in stages] for t in range(horizon)]
    for t in range(horizon):
        for s in stages:
            before = on[t - 1][s] if t else int(s == 0)
            model.add(begin[t][s] >= on[t][s] - before)
            model.add(begin[t][s] <= on[t][s])
            model.add(begin[t][s] <= 1 - before)
            for u in range(t, min(horizon, t + small.least_s)):
                model.add_implication(begin[t][s], on[u][s])
            for u in range(max(0, t - small.change_s), t):
                for other in stages:
                    model.add_implication(begin[t][s], on[u][other].negated())
            if t < small.change_s:
                model.add(begin[t][s] == 0)
            elif t > small.change_s:
                model.add_bool_or([*on[t - small.change_s - 1], begin[t][s].negated()])
        if t >= small.change_s:  # it may not rest in a change
            model.add_bool_or([one for u in range(t - small.change_s, t + 1) for one in on[u]])
    cost = []
    for i in streams:
        go = [[on[t][s] for s in stages if i in small.serves[s]] for t in range(horizon)]
        sent = [model.new_bool_var(f"x{t}_{i}") for t in range(horizon)]
        came = 0
        for t in range(horizon):
            came += small.arrive[i][t]
            model.add(sum(sent[: t + 1]) <= came)
            for u in range(max(0, t - small.headway_s + 1), t + 1):
                model.add(sum(go[u]) >= sent[t])
            if t < small.headway_s - 1:
                model.add(sent[t] == 0)
            for u in range(max(0, t - small.headway_s + 1), t):
                model.add_at_most_one([sent[u], sent[t]])
            cost.append(small.weight[i] * (came - sum(sent[: t + 1])))
    model.minimize(sum(cost))
    solver = cp_model.CpSolver()
    solver.parameters.max_deterministic_time = work
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    status = solver.solve(model)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return Exact(0, solver.best_objective_bound, False, ())
    shown = tuple(next((s for s in stages if solver.value(on[t][s])), -1) for t in range(horizon))
    return Exact(round(solver.objective_value), solver.best_objective_bound,
                 status == cp_model.OPTIMAL, shown)  # fmt: skip


def cost_of(small: Small, stages: Sequence[int]) -> int:
    """Person-seconds of waiting where given stages are shown, a second each: plain replay."""
    queue = [0] * len(small.arrive)
    served = [0] * len(small.arrive)
    cost = 0
    for t, stage in enumerate(stages):
        for i in range(len(queue)):
            queue[i] += small.arrive[i][t]
            served[i] = served[i] + 1 if stage >= 0 and i in small.serves[stage] else 0
            if served[i] >= small.headway_s and queue[i]:
                queue[i] -= 1
                served[i] = 0
            cost += small.weight[i] * queue[i]
    return cost
