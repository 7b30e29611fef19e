"""Where buses charge whose charger is out: another one of their site, first come, first served.

Planned sessions on chargers that work stay where they are. The others take turns by planned arrival:
the charger that is free first, once, within the site's limit, until they have their planned energy.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.fleet import _simulate_kernels
from mobility.fleet.charging import room_of, sites_of
from mobility.fleet.replay import keys
from mobility.fleet.simulate import Moved
from mobility.units import DAY_S

if TYPE_CHECKING:
    from mobility.fleet.draws import Draws
    from mobility.fleet.replay import Replay


# Scenarios that one thread takes at a time.
_SHARE = 500


def requeue(replay: Replay, draws: Draws, *, threads: int | None = None) -> Moved:
    """Replace sessions of chargers that are out, scenario by scenario."""
    problem, plugs, legs = replay.problem, replay.plugs, replay.legs
    sessions = replay.sessions
    if sessions.empty:
        return Moved.none(0)
    slot_s = problem.tariff.slot_s
    sites = sites_of(problem, replay.blocks)
    row = {name: at for at, name in enumerate(sites.names)}
    site_of = np.array([row[str(one)] for one in sessions["site"]], np.int64)
    used = np.zeros(len(sites.names), np.int64)
    np.maximum.at(used, site_of, sessions["charger"].to_numpy(np.int64) + 1)
    count = np.maximum(
        sites.count, used
    )  # a plan may say more than the case: it is not judged here
    starts = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    names = [f"charger {site} {one}" for site, number in zip(sites.names, count, strict=True)
             for one in range(number)]  # fmt: skip
    powers = [np.asarray(one, float) for one in sessions["kw"]]
    planned = np.zeros((len(powers), max(one.size for one in powers)))
    for at, one in enumerate(powers):
        planned[at, : one.size] = one
    begin = legs.begin_s[plugs.leg]
    arrive = -(-begin // slot_s)
    leave = np.maximum((begin + legs.seconds[plugs.leg].astype(np.int64)) // slot_s, arrive)
    first = sessions["start_s"].to_numpy(np.int64) // slot_s
    size = np.array([one.size for one in powers], np.int64)
    gap = -(-sites.gap_s // slot_s)
    load = np.zeros((len(sites.names), DAY_S // slot_s))
    for at, one in enumerate(powers):
        np.add.at(load[site_of[at]], (first[at] + np.arange(one.size)) % load.shape[1], one)
    bus = np.searchsorted(legs.start, plugs.leg, side="right") - 1
    bus_kw = np.array([one.max_kw for one in problem.vehicles])[replay.buses.kind[bus]]
    order = np.lexsort((np.arange(arrive.size), replay.buses.key[bus], arrive)).astype(np.int64)
    limit = room_of(problem)
    charger = starts[site_of] + sessions["charger"].to_numpy(np.int64)
    own_kw, key = np.minimum(bus_kw, sites.kw[site_of]), keys(names)

    def some(begin: int) -> list[Any]:
        """Moves of some scenarios: room for as many as are out on the mean and some, or for all."""
        chosen = draws.key[begin : begin + _SHARE]
        expected = len(powers) * chosen.size * float(draws.threshold) / 2**32
        room, found = int(1.2 * expected) + 1000, -1
        while found < 0 or found > room:
            room = max(room, found)
            moved: list[Any] = [np.zeros(room, one) for one in (np.int64,) * 4 + (np.float64,)]
            found = int(
                _simulate_kernels.requeue(
                    chosen, order, charger, key, draws.threshold, first, size, arrive, leave, planned, own_kw,
                    site_of, starts, limit, gap, load, np.int64(room), *moved, slot_s / 3600.0,
                )
            )  # fmt: skip
        moved[1] += begin
        return [one[:found] for one in moved]

    with ThreadPoolExecutor(max_workers=threads or os.cpu_count() or 1) as pool:
        parts = list(pool.map(some, range(0, draws.key.size, _SHARE)))
    moved = [np.concatenate(one) for one in zip(*parts, strict=True)]
    plug, scenario, slot, slots, kwh = moved
    rank = np.lexsort((scenario, plug))
    from_leg = (slot * slot_s - begin[plug]).astype(float)
    return Moved(
        start=np.searchsorted(plug[rank], np.arange(len(powers) + 1)).astype(np.int64),
        scenario=scenario[rank],
        begin_s=from_leg[rank],
        end_s=(from_leg + slots * slot_s)[rank],
        kwh=kwh[rank],
    )
