"""Which blocks break, how often, and where first: a plan replayed in thousands of scenarios."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mobility.errors import ConfigError
from mobility.fleet import _simulate_kernels
from mobility.fleet.draws import Draws, draw
from mobility.fleet.replay import Replay, replay_of
from mobility.fleet.scenarios import Scenarios
from mobility.fleet.simulation import PERCENTILES, Simulation, told_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.mends import MendPrices
    from mobility.fleet.plan import Plan
    from mobility.fleet.problem import Problem

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

# Buses that one thread takes at a time.
_SHARE = 64


@dataclass(frozen=True)
class Moved:
    """Sessions that found another charger: by session (``start``) and scenario; kWh within begin..end.

    Times count from the begin of the session's leg.
    """

    start: Ints
    scenario: Ints
    begin_s: Floats
    end_s: Floats
    kwh: Floats

    @classmethod
    def none(cls, sessions: int) -> Moved:
        """Nobody looks for another charger."""
        empty = np.zeros(0)
        return cls(np.zeros(sessions + 1, np.int64), empty.astype(np.int64), empty, empty, empty)


@dataclass(frozen=True)
class Outcome:
    """What the kernel counts: by bus, leg and scenario; ``required_kwh`` and ``worst_s`` by rank.

    ``required_kwh`` is the battery, when new, that a bus needs.
    """

    breaks: Ints
    not_full: Ints
    required_kwh: Floats
    worst_s: Floats
    first_leg: Ints
    broken_buses: Ints
    not_full_buses: Ints


def simulate(
    problem: Problem,
    plan: Plan,
    scenarios: Scenarios | None = None,
    *,
    seed: int = 0,
    percentile: float = 0.95,
    prices: MendPrices | None = None,
    threads: int | None = None,
    mends: bool = True,
) -> Simulation:
    """Replay a plan's buses and chargers in many scenarios.

    A bus breaks where it uses more than its battery has between its charge at pull-out and its lower
    limit. Buses leave no earlier than planned; standing takes delay away; a late bus loses the part of
    its session that has passed. Batteries start full in every scenario.

    Parameters
    ----------
    problem
        With another battery or temperature than the plan's, the plan is replayed with that.
    plan
        Blocks and sessions, from any source; `check` says whether they hold.
    scenarios
        What is varied; by default ``Scenarios()``.
    seed
        The same seed draws the same days, whatever the plan: compare plans on it.
    percentile
        Share of the scenarios that a block is to survive; mends are the least amounts that do it.
    prices
        What batteries, chargers and layovers cost a day, to say which mend is cheapest.
    threads
        By default one a core; the answer does not depend on it.
    mends
        Whether to look for what mends the most fragile blocks.

    Returns
    -------
    Simulation
        Always.

    Raises
    ------
    ConfigError
        When the plan has no answer or a session that lies in no stay of its bus.

    Examples
    --------
    >>> print(simulate(problem, plan, Scenarios(count=1_000)))
    12 of 45 blocks break at P95 of 1,000 scenarios (... s); v0007 most often (58.4%), first at T-YDE at 20:51:23
    """
    begin = time.perf_counter()
    if not 0 < percentile < 1:
        raise ConfigError(f"percentile must lie between 0 and 1 (found {percentile})", mend="0.95")
    asked = scenarios or Scenarios()
    replay = replay_of(problem, plan, catch_up=asked.catch_up, queue=asked.queue)
    draws = draw(problem, asked, seed)
    moved, queued_s = Moved.none(len(replay.sessions)), 0.0
    if asked.queue and draws.threshold > 0:
        from mobility.fleet.requeue import requeue

        start = time.perf_counter()
        moved = requeue(replay, draws, threads=threads)
        queued_s = time.perf_counter() - start
    chosen = tuple(sorted({*PERCENTILES, percentile}))
    outcome = run(replay, asked, draws, moved, ranks_of(chosen, asked.count), threads=threads)
    return told_of(
        replay, asked, draws, outcome, chosen, seed=seed, percentile=percentile, prices=prices,
        started=begin, queue_s=queued_s, moved=moved, mends=mends,
    )  # fmt: skip


def ranks_of(percentiles: tuple[float, ...], count: int) -> Ints:
    """Row of each percentile among ascending values: so many scenarios lie at or below it."""
    shares = np.array(percentiles)
    return np.clip(np.ceil(shares * count - 1e-9).astype(np.int64) - 1, 0, count - 1)


def health_of(replay: Replay, scenarios: Scenarios) -> Floats:
    """(buses, 2) least and most state of health."""
    if scenarios.health is not None:
        return np.tile(np.array(scenarios.health), (len(replay.buses.names), 1))
    return np.repeat(replay.buses.health[:, None], 2, axis=1)


def run(
    replay: Replay,
    scenarios: Scenarios,
    draws: Draws,
    moved: Moved,
    ranks: Ints,
    *,
    threads: int | None = None,
) -> Outcome:
    """Replay all buses in all scenarios, some buses a thread at a time."""
    legs, plugs, buses = replay.legs, replay.plugs, replay.buses
    count, number = draws.key.size, len(buses.names)
    measured = scenarios.measured
    rows = np.full(legs.kind.size, -1, np.int32)
    ratio = held = np.zeros((1, 1))
    if measured is not None:
        rows = measured.rows_of(replay)
        ratio, held = measured.ratio, measured.held_s(rows, replay)
    breaks, not_full = np.zeros(number, np.int64), np.zeros(number, np.int64)
    required, worst = np.zeros((number, ranks.size)), np.zeros((number, ranks.size))
    first_leg = np.zeros(legs.kind.size, np.int64)
    health = health_of(replay, scenarios)

    def some(begin: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        broken, empty = np.zeros(count, np.int32), np.zeros(count, np.int32)
        _simulate_kernels.simulate(
            np.array([begin, min(begin + _SHARE, number)], np.int64), legs.start, legs.kind, legs.key,
            legs.seconds, legs.base_kwh, legs.hvac_h, legs.hour, rows, legs.session, plugs.offset_s,
            float(replay.problem.tariff.slot_s), plugs.given_start, plugs.given_kwh, plugs.target_kwh,
            plugs.key, moved.start, moved.scenario, moved.begin_s, moved.end_s, moved.kwh, buses.key,
            buses.kind, buses.usable_kwh, buses.window, buses.top_kwh, health, draws.key, draws.day_energy,
            draws.day_time, draws.measured_day, ratio, held, draws.hvac_kw, draws.bus_energy,
            draws.trip_energy, draws.trip_time, draws.late_s, draws.threshold, ranks, breaks, not_full,
            required, worst, first_leg, broken, empty,
        )  # fmt: skip
        return broken, empty

    most = threads or os.cpu_count() or 1
    broken_buses, not_full_buses = np.zeros(count, np.int64), np.zeros(count, np.int64)
    with ThreadPoolExecutor(max_workers=most) as pool:
        for broken, empty in pool.map(some, range(0, number, _SHARE)):
            broken_buses += broken
            not_full_buses += empty
    return Outcome(breaks, not_full, required, worst, first_leg, broken_buses, not_full_buses)
