"""Control in real time: what a second of one signal costs, and how far a plan is from the optimum.

``python -m benchmarks.control`` prints one JSON document.
"""

from __future__ import annotations

import json
import random
import time
from typing import Any

from mobility import samples, signals

SECONDS = 600
BAR_MS = 1.0  # a second of one signal: 1,000 signals a core


def detections(network: signals.Network, t: int, rng: random.Random) -> list[signals.Detection]:
    """Vehicles at random before every signal: some stand, some come."""
    approaches = signals.approaches_of(network)
    found = []
    for one in network.intersections:
        rows = []
        for _ in approaches.of(one.id):
            rows.append(tuple(sorted((rng.uniform(0, 40), 1.0) for _ in range(rng.randrange(8)))))
        stand = tuple(float(sum(eta < 2 for eta, _ in row)) for row in rows)
        count = tuple(float(len(row)) for row in rows)
        found.append(signals.Detection(one.id, t, stand, count, tuple(rows)))
    return found


def speed() -> dict[str, Any]:
    """CPU time of a second of one signal with eight stages' worth of choice, and of its check."""
    network = signals.read_network(samples.case("incheon", "signals.toml"))
    control = signals.PriorityController(network, policy=signals.Priority())
    rng = random.Random(0)
    heard = [detections(network, t, rng) for t in range(SECONDS)]
    first = 30  # kernels load from disk in the first seconds
    for t in range(first):
        control.step(t, heard[t])
    began = time.process_time()
    for t in range(first, SECONDS):
        control.step(t, heard[t], [signals.Asked("b", "N01", "bus", "EW", t, t + 20.0, t + 40.0)])
    stepped = time.process_time()
    found = signals.check(network, control.log())
    checked = time.process_time()
    many = (SECONDS - first) * len(network.intersections)
    step_ms, check_ms = 1000 * (stepped - began) / many, 1000 * (checked - stepped) / many
    return {
        "signals": len(network.intersections), "step_ms": step_ms, "check_ms": check_ms,
        "signals_a_core": int(1000 / (step_ms + check_ms)), "bar_ms": BAR_MS,
        "findings": len(found),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(speed(), indent=1))
