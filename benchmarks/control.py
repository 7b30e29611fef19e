"""Control in real time: what a second of one signal costs, and how far a plan is from the exact optimum.

``python -m benchmarks control`` runs both and keeps the result. The rolling horizon keeps one label a state, so
it is a heuristic: small instances are solved exactly by CP-SAT (``mobility.signals.control_oracle``), and both
plans are replayed second by second by the same plain loop.
"""

from __future__ import annotations

import random
import time
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.results import Result
from mobility import samples, signals
from mobility.signals import _control_kernels as kernels
from mobility.signals.control_oracle import Small, cost_of, solve

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECONDS = 600
BAR_MS = 1.0  # a second of one signal: 1,000 signals a core
INSTANCES = 8
NO_BUS = (np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64), np.zeros(0))


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


def speed(seconds: int = SECONDS) -> dict[str, Any]:
    """CPU time of some minutes of control, and of their check: of all, and in ms a second of one signal."""
    network = signals.read_network(samples.case("incheon", "signals.toml"))
    control = signals.PriorityController(network, policy=signals.Priority())
    rng = random.Random(0)
    heard = [detections(network, t, rng) for t in range(seconds)]
    first = 30  # kernels load from disk in the first seconds
    for t in range(first):
        control.step(t, heard[t])
    began = time.process_time()
    for t in range(first, seconds):
        control.step(t, heard[t], [signals.Asked("b", "N01", "bus", "EW", t, t + 20.0, t + 40.0)])
    stepped = time.process_time()
    found = signals.check(network, control.log())
    checked = time.process_time()
    many = (seconds - first) * len(network.intersections)
    return {
        "signals": len(network.intersections), "seconds": seconds - first,
        "step_cpu_s": stepped - began, "check_cpu_s": checked - stepped,
        "step_ms": 1000 * (stepped - began) / many, "check_ms": 1000 * (checked - stepped) / many,
        "findings": len(found),
    }  # fmt: skip


def small(seed: int) -> Small:
    """Three stages and four streams for 30 s; every second instance has a bus of eight cars' people."""
    rng = random.Random(seed)
    arrive = tuple(
        tuple(rng.randrange(6) if t == 0 else int(rng.random() < 0.15) for t in range(30))
        for _ in range(4)
    )
    weight = [1] * 4
    if seed % 2:
        weight[rng.randrange(4)] = 8
    return Small(((0, 1), (2,), (3,)), arrive, tuple(weight))


def rolling(one: Small) -> list[int]:
    """Stages a second (-1: change) of the plan that the controller's kernel makes."""
    stages, streams = len(one.serves), len(one.arrive)
    rates = np.array([[1 / one.headway_s if i in served else 0.0 for i in range(streams)]
                      for served in one.serves])  # fmt: skip
    arrive = np.array(one.arrive, float)
    queue = arrive[:, 0].copy()
    arrive[:, 0] = 0
    path = _path(one, rates, arrive, queue, (arrive.shape[1] + 1, stages))
    shown: list[int] = []
    stage, todo = 0, [tuple(map(int, row)) for row in path]
    while len(shown) < arrive.shape[1]:
        if todo and todo[0][1] <= len(shown):
            stage = todo.pop(0)[0]
            shown += [-1] * one.change_s + [stage] * one.least_s
        else:
            shown.append(stage)
    return shown[: arrive.shape[1]]


def _path(
    one: Small, rates: NDArray[np.float64], arrive: NDArray[np.float64],
    queue: NDArray[np.float64], shape: tuple[int, int],
) -> NDArray[np.int64]:  # fmt: skip
    """Stage and second of each change, by the kernel: nobody gives way, nothing is full, no bus asks."""
    stages, streams = rates.shape
    path = np.zeros((12, 2), np.int64)
    count, _ = kernels.plan_stages(
        0, 0, 10**6, rates, np.zeros((stages, streams)), np.zeros(streams + 1, np.int64),
        np.zeros(0, np.int64), arrive, queue[:, None] + np.cumsum(arrive, 1), queue,
        np.array(one.weight, float), np.full(streams, 0.5), np.full(streams, 1e6), 0.25,
        np.full(streams, 1e6), np.full((stages, stages), one.change_s),
        np.full(stages, one.least_s), np.full(stages, 10**6), np.ones((stages, stages), np.bool_),
        0.0, 0.0, *NO_BUS, np.zeros(shape), np.zeros(shape), np.zeros((*shape, streams)),
        *[np.zeros(shape, np.int64) for _ in range(3)], np.zeros(streams), np.zeros(streams), path,
    )  # fmt: skip
    return path[:count]


def gaps(count: int = INSTANCES) -> list[Result]:
    """Person-seconds of waiting beside the proved optimum, an instance a row, and all of them."""
    rolling(small(0))  # compiled outside the clock
    rows, times, exact_times, proved = [], [], [], 0
    for seed in range(count):
        one = small(seed)
        began = time.process_time()
        exact = solve(one)
        between = time.process_time()
        cost = cost_of(one, rolling(one))
        exact_times.append(between - began)
        times.append(time.process_time() - between)
        proved += exact.optimal
        row = Result("gap of the horizon", f"30 s, 3 stages, 4 streams, seed {seed}", "ours")
        row.wall_s = row.work_s = [times[-1]]
        row.answer = {
            "person_s": cost, "optimum": exact.cost, "bound": round(exact.bound),
            "gap_percent": 100 * (cost / exact.cost - 1),
        }  # fmt: skip
        rows.append(row)
    case = f"all {count}"
    ours = Result("gap of the horizon", case, "ours", times, times)
    found = [row.answer["gap_percent"] for row in rows]
    ours.answer = {"gap_percent_mean": fmean(found), "gap_percent_worst": max(found)}
    exact_row = Result("gap of the horizon", case, "CP-SAT, exact", exact_times, exact_times)
    exact_row.answer = {"proved": f"{proved} of {count}"}
    return [*rows, ours, exact_row]


def run(*, quick: bool) -> list[Result]:
    """Speed against the bar of 1,000 signals a core, then the gap; all times are CPU seconds."""
    told = [speed(120 if quick else SECONDS) for _ in range(1 if quick else 3)]
    case = f"{told[0]['signals']} signals, {told[0]['seconds']} s, buses ask every second"
    step = Result("a second of control", case, "ours: step")
    step.wall_s = step.work_s = [one["step_cpu_s"] for one in told]
    judged = Result("a second of control", case, "ours: check of the log")
    judged.wall_s = judged.work_s = [one["check_cpu_s"] for one in told]
    best = min(one["step_ms"] + one["check_ms"] for one in told)
    step.answer = {"ms_a_signal": min(one["step_ms"] for one in told), "bar_ms": BAR_MS}
    judged.answer = {
        "ms_a_signal": min(one["check_ms"] for one in told),
        "signals_a_core_with_step": int(1000 / best), "bar": int(1000 / BAR_MS),
        "findings": told[0]["findings"],
    }  # fmt: skip
    return [step, judged, *gaps(2 if quick else INSTANCES)]
