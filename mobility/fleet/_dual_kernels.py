"""Kernels of the bound for many depots: what the trips are worth. Costs: float64 minor units.

A path is a bus's day: from a depot, trips and empty runs, home to the same depot and out again any
number of times. Labels are (events, depots): the least cost of a path's part before or after an event,
worths of its trips taken off. Events are arrivals, then departures, each by place and time.

Returns to a depot and pull-outs from it meet in minutes, both rounded down: a relaxation. Minutes are
counted from a start that none of them precedes; -1 is no way.
"""

import numpy as np

from mobility._jit import kernel

FAR = 1e15


@kernel
def soft_min(one, other, heat):
    """The lesser; with ``heat`` the soft minimum, ``-heat * log(exp(-one / heat) + exp(-other / heat))``."""
    low, high = (one, other) if one < other else (other, one)
    if high - low >= 25.0 * heat or low >= FAR:
        return low
    return low - heat * np.log1p(np.exp((low - high) / heat))


@kernel
def sweep_forward(order, minute, arrivals, arc_from, arc_head, arc_cost, wait, by_departure,
                  departure_from, arrival_of, in_minute, in_cost, out_minute, out_cost, vehicle_minor,
                  step, heat, after, worth, before, minutes):  # fmt: skip
    """Raise every trip's worth by ``step`` of what its cheapest path leaves, in order of time.

    With ``heat`` the cheapest is a soft minimum over all paths; then a step below 0 is as long as one
    above, and sweeps of step 1 are exact ascent, trip by trip, of a smooth function.

    ``after`` holds the labels after each event for the present worths; ``before`` is filled with those
    before each. ``wait`` is the cost of standing until the next event of the same place, FAR where
    there is none. A rest below 0 is taken in full, so in the end no path is worth more than it costs.
    """
    depots = before.shape[1]
    back = np.full((minutes + 1, depots), FAR)
    least = np.full((minutes + 1, depots), vehicle_minor)
    done = 0
    before[:] = FAR
    for node in order:
        while done < minute[node] - 1:
            done += 1
            for d in range(depots):
                least[done, d] = soft_min(least[done - 1, d], back[done, d], heat)
        if node < arrivals:
            for arc in range(arc_from[node], arc_from[node + 1]):
                head, cost = arc_head[arc], arc_cost[arc]
                for d in range(depots):
                    now = before[node, d] + cost
                    if now < before[head, d] + 25.0 * heat:
                        before[head, d] = soft_min(before[head, d], now, heat)
            for d in range(depots):
                at = in_minute[node, d]
                if at >= 0:
                    back[at, d] = soft_min(back[at, d], before[node, d] + in_cost[node, d], heat)
        else:
            event = node - arrivals
            for d in range(depots):
                at = out_minute[event, d]
                if at >= 0:
                    now = (
                        least[at, d] if at <= done else soft_min(least[done, d], back[at, d], heat)
                    )
                    before[node, d] = soft_min(before[node, d], now + out_cost[event, d], heat)
            for place in range(departure_from[event], departure_from[event + 1]):
                trip = by_departure[place]
                there = arrival_of[trip]
                rest = FAR
                for d in range(depots):
                    rest = soft_min(rest, before[node, d] + after[there, d], heat)
                rest -= worth[trip]
                if rest < FAR / 2:
                    worth[trip] += rest * step if rest > 0.0 or heat > 0.0 else rest
                for d in range(depots):
                    before[there, d] = soft_min(
                        before[there, d], before[node, d] - worth[trip], heat
                    )
        if wait[node] < FAR:
            for d in range(depots):
                before[node + 1, d] = soft_min(
                    before[node + 1, d], before[node, d] + wait[node], heat
                )


@kernel
def sweep_backward(order, minute, arrivals, arc_from, arc_head, arc_cost, wait, by_departure,
                   departure_from, arrival_of, in_minute, in_cost, out_minute, out_cost, step, heat, before,
                   worth, after, minutes):  # fmt: skip
    """As `sweep_forward`, against time: ``before`` is given, ``after`` is filled."""
    depots = after.shape[1]
    leave = np.full((minutes + 2, depots), FAR)
    least = np.zeros((minutes + 2, depots))  # a day may end at any time
    done = minutes + 1
    after[:] = FAR
    for turn in range(order.size - 1, -1, -1):
        node = order[turn]
        while done > minute[node] + 1:
            done -= 1
            for d in range(depots):
                least[done, d] = soft_min(least[done + 1, d], leave[done, d], heat)
        if wait[node] < FAR:
            for d in range(depots):
                after[node, d] = after[node + 1, d] + wait[node]
        if node < arrivals:
            for arc in range(arc_from[node], arc_from[node + 1]):
                head, cost = arc_head[arc], arc_cost[arc]
                for d in range(depots):
                    now = after[head, d] + cost
                    if now < after[node, d] + 25.0 * heat:
                        after[node, d] = soft_min(after[node, d], now, heat)
            for d in range(depots):
                at = in_minute[node, d]
                if at >= 0:
                    now = (
                        least[at, d] if at >= done else soft_min(least[done, d], leave[at, d], heat)
                    )
                    after[node, d] = soft_min(after[node, d], now + in_cost[node, d], heat)
            continue
        event = node - arrivals
        for place in range(departure_from[event], departure_from[event + 1]):
            trip = by_departure[place]
            there = arrival_of[trip]
            rest = FAR
            for d in range(depots):
                rest = soft_min(rest, before[node, d] + after[there, d], heat)
            rest -= worth[trip]
            if rest < FAR / 2:
                worth[trip] += rest * step if rest > 0.0 or heat > 0.0 else rest
            for d in range(depots):
                after[node, d] = soft_min(after[node, d], after[there, d] - worth[trip], heat)
        for d in range(depots):
            at = out_minute[event, d]
            if at >= 0:
                leave[at, d] = soft_min(leave[at, d], after[node, d] + out_cost[event, d], heat)


def warm():
    """Call every kernel that Python calls, with every dtype it is used with: a day of one trip."""
    network = (
        np.array([1, 0], np.int32), np.zeros(2, np.int32), 1, np.zeros(2, np.int64), np.zeros(0, np.int32),
        np.zeros(0), np.full(2, FAR), np.zeros(1, np.int32), np.array([0, 1], np.int64), np.zeros(1, np.int32),
        np.zeros((1, 1), np.int32), np.zeros((1, 1)), np.zeros((1, 1), np.int32), np.zeros((1, 1)),
    )  # fmt: skip
    labels, worth = np.zeros((2, 1)), np.zeros(1)
    sweep_backward(*network, 1.0, 1.0, labels, worth, labels.copy(), 1)
    sweep_forward(*network, 1.0, 1.0, 1.0, labels, worth, labels.copy(), 1)
