"""Slow obvious twins of the kernels of control."""

from __future__ import annotations


def play(stage, path, rates, arrive, queue, weight, change, stop_s, startup=1, amber=1):
    """Let changes of stage run, one second after another: cost, and what each stream sent.

    No stream gives way and nothing is full: those are other rules.
    """
    horizon, queue = len(arrive[0]), list(queue)
    shows = []  # per second: the streams' rates
    t, todo = 0, list(path)
    while t < horizon:
        if todo and todo[0][1] <= t:
            other = todo.pop(0)[0]
            for second in range(change[stage][other] + startup):
                row = []
                for a, b in zip(rates[stage], rates[other], strict=True):
                    both = a > 0 and b > 0
                    row.append(min(a, b) if both else (a if second < amber else 0.0))
                shows.append(row)
            t += change[stage][other] + startup
            stage = other
        else:
            shows.append(rates[stage])
            t += 1
    cost, sent = 0.0, [[0.0] * horizon for _ in queue]
    for t in range(horizon):
        for i in range(len(queue)):
            here = queue[i] + arrive[i][t]
            sent[i][t] = min(here, shows[t][i])
            queue[i] = here - sent[i][t]
            cost += weight[i] * queue[i]
            if arrive[i][t] > 0 and queue[i] > 0:
                cost += weight[i] * stop_s * min(arrive[i][t], queue[i])
    return cost, sent
