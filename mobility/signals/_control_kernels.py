"""Kernels of control: stages to come, by dynamic programming over the next minute.

Times: whole seconds from now. Vehicles: float, point queues at the line, one a stream. A label is
(second, stage): that stage is green and has had its minimum, so it may be held or left. One label
is kept of each (cost so far plus what its queues will still cost), so this is a heuristic, like
COP; what it loses is measured against an exact solver.
"""

import numpy as np

from mobility._jit import kernel

# fmt: off

AMBER_S = 1  # of yellow that is still driven
STARTUP_S = 1  # of green before the first vehicle moves
SNEAK_S = 12.0  # between vehicles that turn while those that they yield to stream by
GAP_S = 4.5  # where single ones come
FREE_S = 2.2  # where none comes
FINE_S = 10  # seconds ahead in which a change may begin at each second,
COARSE_S = 4  # and beyond, at each of so many


@kernel
def flow_of(i, stage, rates, yields, foe_ptr, foes, queue, arrive, t, flow):
    """Vehicles a second that a stream may send in a stage."""
    rate = rates[stage, i]
    share = yields[stage, i]
    if rate <= 0.0 or share <= 0.0:
        return rate
    between = FREE_S
    for at in range(foe_ptr[i], foe_ptr[i + 1]):
        foe = foes[at]
        if rates[stage, foe] <= 0.0:
            continue
        if queue[foe] > 0.5:
            between = SNEAK_S
            break
        soon = arrive[foe, t]
        if t + 1 < arrive.shape[1]:
            soon += arrive[foe, t + 1]
        if soon > 0.3:
            between = max(between, GAP_S)
    return 1.0 / (1.0 / rate + share * (between - 1.0 / flow[i])) if between > 1.0 / flow[i] else rate


@kernel
def second(t, stage, other, frac, rates, yields, foe_ptr, foes, arrive, total, weight, flow, room,
           drain, storage, stop_s, tok_stream, tok_rank, tok_from, tok_weight, queue, out):
    """Let one second pass in ``queue``; its cost in person-seconds.

    ``other`` < 0: ``stage`` is on. Else the change from ``stage`` to ``other`` runs: streams of both
    go, and those of ``stage`` alone a part ``frac``.
    """
    cost = 0.0
    for i in range(queue.shape[0]):
        came = arrive[i, t]
        here = queue[i] + came
        if here <= 0.0:
            out[i] = 0.0
            continue
        rate = flow_of(i, stage, rates, yields, foe_ptr, foes, queue, arrive, t, flow)
        if other >= 0:
            after = rates[other, i]
            rate = min(rate, after) if after > 0.0 and rate > 0.0 else rate * frac
        gone = total[i, t] - queue[i] - came  # vehicles that have left so far
        sent = min(here, rate)
        fits = room[i] + drain * (t + 1) - gone
        if sent > fits:
            sent = max(0.0, fits)
        left = here - sent
        out[i] = sent
        queue[i] = left
        extra = 0.0
        if left > 0.8 * storage[i]:
            extra = left - 0.8 * storage[i]
        cost += weight[i] * (left + extra)
        if came > 0.0 and left > 0.0:
            cost += weight[i] * stop_s * min(came, left)
    for k in range(tok_stream.shape[0]):
        i = tok_stream[k]
        if t >= tok_from[k] and total[i, t] - queue[i] < tok_rank[k]:
            cost += tok_weight[k]
    return cost


@kernel
def ahead(stage, rates, weight, flow, wait_s, queue):
    """What queues will cost at least beyond the horizon, roughly."""
    cost = 0.0
    for i in range(queue.shape[0]):
        q = queue[i]
        if q > 0.0:
            rate = rates[stage, i]
            cost += weight[i] * (0.5 * q * q / flow[i] + (0.0 if rate > 0.0 else q * wait_s))
    return cost


@kernel
def plan_stages(now_stage, hold, most_left, rates, yields, foe_ptr, foes, arrive, total, queue0,
                weight, flow, room, drain, storage, change, least, most, may, stop_s, wait_s,
                tok_stream, tok_rank, tok_from, tok_weight,
                cost, value, queues, age, from_t, from_s, work, out, path):
    """Find the stages of the next minute; how many, into ``path`` as (stage, start of green).

    Parameters
    ----------
    hold, most_left
        Seconds for which the stage that is on must, and at most may, stay.
    rates, yields
        (stages, streams) vehicles a second when green; the share of them that gives way.
    arrive, total
        (streams, seconds) arrivals, and queue and arrivals until then.
    change, least, most, may
        (stages, stages) seconds from green to green; (stages,) minimum and maximum greens;
        (stages, stages) whether one may follow another.
    cost, value, queues, age, from_t, from_s, work, out
        Scratch. cost, value, age, from_t, from_s: (seconds + 1, stages).
    """
    stages, horizon = rates.shape[0], arrive.shape[1]
    streams = queue0.shape[0]
    for t in range(horizon + 1):
        for s in range(stages):
            cost[t, s] = np.inf
            value[t, s] = np.inf
    best, best_t, best_s = np.inf, 0, now_stage
    for i in range(streams):
        work[i] = queue0[i]
    so_far = 0.0
    first = min(hold, horizon)
    for t in range(first):
        so_far += second(t, now_stage, -1, 1.0, rates, yields, foe_ptr, foes, arrive, total,
                         weight, flow, room, drain, storage, stop_s, tok_stream, tok_rank,
                         tok_from, tok_weight, work, out)
    cost[first, now_stage] = so_far
    value[first, now_stage] = so_far
    age[first, now_stage] = 0
    from_t[first, now_stage] = -1
    from_s[first, now_stage] = now_stage
    for i in range(streams):
        queues[first, now_stage, i] = work[i]
    for t in range(first, horizon):
        for s in range(stages):
            if cost[t, s] == np.inf:
                continue
            limit = most_left - first if from_t[t, s] == -1 else most[s] - least[s]
            # Hold one more second.
            if age[t, s] < limit:
                for i in range(streams):
                    work[i] = queues[t, s, i]
                more = cost[t, s] + second(
                    t, s, -1, 1.0, rates, yields, foe_ptr, foes, arrive, total, weight, flow,
                    room, drain, storage, stop_s, tok_stream, tok_rank, tok_from, tok_weight,
                    work, out)
                worth = more + ahead(s, rates, weight, flow, wait_s, work)
                if worth < value[t + 1, s]:
                    value[t + 1, s] = worth
                    cost[t + 1, s] = more
                    age[t + 1, s] = age[t, s] + 1
                    from_t[t + 1, s] = from_t[t, s]
                    from_s[t + 1, s] = from_s[t, s]
                    for i in range(streams):
                        queues[t + 1, s, i] = work[i]
            if t - first > FINE_S and (t - first) % COARSE_S != 0:
                continue
            for other in range(stages):
                if other == s or not may[s, other]:
                    continue
                for i in range(streams):
                    work[i] = queues[t, s, i]
                more = cost[t, s]
                lost = change[s, other]
                at = t
                begin = min(horizon, t + lost + STARTUP_S)
                while at < begin:
                    more += second(
                        at, s, other, 1.0 if at < t + AMBER_S else 0.0, rates, yields, foe_ptr,
                        foes, arrive, total, weight, flow, room, drain, storage, stop_s,
                        tok_stream, tok_rank, tok_from, tok_weight, work, out)
                    at += 1
                until = min(horizon, t + lost + max(least[other], STARTUP_S))
                while at < until:
                    more += second(
                        at, other, -1, 1.0, rates, yields, foe_ptr, foes, arrive, total, weight,
                        flow, room, drain, storage, stop_s, tok_stream, tok_rank, tok_from,
                        tok_weight, work, out)
                    at += 1
                worth = more + ahead(other, rates, weight, flow, wait_s, work)
                if worth < value[at, other]:
                    value[at, other] = worth
                    cost[at, other] = more
                    age[at, other] = 0
                    from_t[at, other] = t
                    from_s[at, other] = s
                    for i in range(streams):
                        queues[at, other, i] = work[i]
    for s in range(stages):
        if value[horizon, s] < best:
            best, best_t, best_s = value[horizon, s], horizon, s
    # Back along the changes: (stage that begins, second in which the one before it ends).
    count = 0
    t, s = best_t, best_s
    while count < path.shape[0] and from_t[t, s] >= 0:
        path[count, 0] = s
        path[count, 1] = from_t[t, s]
        t, s = from_t[t, s], from_s[t, s]
        count += 1
    for k in range(count // 2):
        for column in range(2):
            keep = path[k, column]
            path[k, column] = path[count - 1 - k, column]
            path[count - 1 - k, column] = keep
    return count, best


@kernel
def play(now_stage, path, count, rates, yields, foe_ptr, foes, arrive, total, queue0, weight, flow,
         room, drain, storage, change, stop_s, tok_stream, tok_rank, tok_from, tok_weight,
         sent, out):
    """Let given changes of stage run: vehicles sent by stream and second, and the cost."""
    horizon = arrive.shape[1]
    queue = queue0.copy()
    cost = 0.0
    stage, k, t = now_stage, 0, 0
    while t < horizon:
        if k < count and path[k, 1] <= t:
            other = path[k, 0]
            until = min(horizon, t + change[stage, other] + STARTUP_S)
            begun = t
            while t < until:
                cost += second(t, stage, other, 1.0 if t < begun + AMBER_S else 0.0, rates, yields,
                               foe_ptr, foes, arrive, total, weight, flow, room, drain, storage,
                               stop_s, tok_stream, tok_rank, tok_from, tok_weight, queue, out)
                for i in range(queue.shape[0]):
                    sent[i, t] = out[i]
                t += 1
            stage = other
            k += 1
            continue
        cost += second(t, stage, -1, 1.0, rates, yields, foe_ptr, foes, arrive, total, weight,
                       flow, room, drain, storage, stop_s, tok_stream, tok_rank, tok_from,
                       tok_weight, queue, out)
        for i in range(queue.shape[0]):
            sent[i, t] = out[i]
        t += 1
    for i in range(queue.shape[0]):
        out[i] = queue[i]
    return cost


@kernel
def arrivals(ptr, eta, count, horizon_rate, seen_s, arrive, total, queue0):
    """Spread vehicles seen over the seconds to come; what is at the line already is queue."""
    streams, horizon = arrive.shape
    for i in range(streams):
        queue0[i] = 0.0
        for at in range(ptr[i], ptr[i + 1]):
            t = int(eta[at])
            if t < 1:
                queue0[i] += count[at]
            elif t < horizon:
                arrive[i, t] += count[at]
        for t in range(min(horizon, max(0, seen_s[i])), horizon):
            arrive[i, t] += horizon_rate[i]
        so_far = queue0[i]
        for t in range(horizon):
            so_far += arrive[i, t]
            total[i, t] = so_far


def warm():
    """Compile every kernel that Python calls."""
    stages, streams, horizon = 2, 2, 20
    arrive = np.zeros((streams, horizon))
    total = np.zeros((streams, horizon))
    queue0 = np.zeros(streams)
    arrivals(np.array([0, 1, 2], np.int64), np.array([0.0, 5.0]), np.ones(2), np.zeros(2),
             np.full(2, 10, np.int64), arrive, total, queue0)
    rates = np.array([[0.5, 0.0], [0.0, 0.5]])
    common = (rates, np.zeros((stages, streams)), np.zeros(3, np.int64), np.zeros(0, np.int64),
              arrive, total, queue0, np.ones(streams), np.full(streams, 0.5),
              np.full(streams, 100.0), 0.25, np.full(streams, 20.0))
    change = np.full((stages, stages), 3, np.int64)
    tokens = (np.zeros(1, np.int64), np.ones(1), np.zeros(1, np.int64), np.ones(1))
    path = np.zeros((8, 2), np.int64)
    out = np.zeros(streams)
    shape = (horizon + 1, stages)
    plan_stages(0, 2, 100, *common, change, np.full(2, 5, np.int64), np.full(2, 60, np.int64),
                np.ones((2, 2), np.bool_), 2.0, 10.0, *tokens, np.zeros(shape), np.zeros(shape),
                np.zeros((*shape, streams)), np.zeros(shape, np.int64), np.zeros(shape, np.int64),
                np.zeros(shape, np.int64), np.zeros(streams), out, path)
    play(0, path, 1, *common, change, 2.0, *tokens, np.zeros((streams, horizon)), out)
