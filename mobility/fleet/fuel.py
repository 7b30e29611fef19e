"""Buses that burn something: how far a tank carries them, and who is at which pump when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.fleet.duty import STRAIGHT, Duty
from mobility.fleet.links import links
from mobility.fleet.runs import kept_pairs, pull_in, pull_out
from mobility.units import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem

COLUMNS = ("vehicle", "depot", "pump", "start_s", "end_s", "amount", "energy")


def no_refuels() -> pd.DataFrame:
    """A table of visits to pumps without a row."""
    return pd.DataFrame(columns=list(COLUMNS))


def respect_range(
    problem: Problem, duties: tuple[Duty, ...], *, minor_km: float, keep: bool
) -> tuple[Duty, ...]:
    """Send buses home to refuel before the tank is empty, or cut their day where they cannot.

    A stay at the depot of ``refuel_min`` fills the tank. `refuel` gives each stay its pump.

    Parameters
    ----------
    problem
        As the type of bus sees it: its first vehicle is the type.
    """
    bus = problem.vehicle
    if not duties or bus.range_km is None:
        return duties
    order = np.concatenate([np.array(one.trips, np.int32) for one in duties])
    depot = np.repeat([one.depot for one in duties], [len(one.trips) for one in duties])
    then = np.append(order[1:], order[-1])  # rows between duties are links of no meaning
    kept = kept_pairs(problem, order, then) if keep else None
    ways = links(problem, order, then, problem.depot_place[depot], minor_km=minor_km, kept=kept)
    out_km, in_km = _ends_km(problem, order, depot)
    trip_km = problem.trips["distance_km"].to_numpy(float)[order]
    possible = np.isfinite(ways.via_minor) & (ways.out_s - ways.home_s >= bus.refuel_min * 60)
    at, answer = 0, []
    for duty in duties:
        end = at + len(duty.trips)
        home = [way == duty.depot for way in duty.via]
        answer += _cut(
            duty, home, bus.range_km, possible[at:end], trip_km[at:end], out_km[at:end],
            in_km[at:end], ways.run_m[at:end] / 1000.0,
        )  # fmt: skip
        at = end
    return tuple(sorted(answer, key=lambda one: one.trips))


def _cut(
    duty: Duty,
    home: list[bool],
    range_km: float,
    possible: NDArray[np.bool_],
    trip_km: NDArray[np.float64],
    out_km: NDArray[np.float64],
    in_km: NDArray[np.float64],
    run_km: NDArray[np.float64],
) -> list[Duty]:
    """Walk along a duty, counting km since the tank was full; go home as late as can be."""
    pieces, start = [], 0
    driven = out_km[0] + trip_km[0]
    full_from, last_home = (
        0,
        -1,
    )  # the last link at which a visit home would still have been in time
    step = 0
    while step + 1 < len(duty.trips):
        if possible[step] and not home[step] and driven + in_km[step] <= range_km:
            last_home = step
        if home[step]:
            gone = driven + in_km[step]
            ahead = out_km[step + 1] + trip_km[step + 1]
            driven = ahead if possible[step] else gone + ahead
        else:
            driven += run_km[step] + trip_km[step + 1]
        if driven + in_km[step + 1] > range_km + 1e-9:
            if last_home >= full_from:
                home[last_home] = True
            else:
                last_home = step  # no visit helps: another bus takes over
                pieces.append(_piece(duty, home, start, step + 1))
                start = step + 1
            step = last_home
            full_from = step + 1
            driven = out_km[step + 1] + trip_km[step + 1]
            last_home = -1
        elif home[step] and possible[step]:
            full_from, last_home = step + 1, -1
        step += 1
    pieces.append(_piece(duty, home, start, len(duty.trips)))
    return pieces


def _piece(duty: Duty, home: list[bool], start: int, end: int) -> Duty:
    way = tuple(duty.depot if one else STRAIGHT for one in home[start : end - 1])
    return Duty(duty.depot, duty.trips[start:end], way, duty.vehicle)


def _ends_km(
    problem: Problem, order: NDArray[np.int32], depot: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    out, home = np.zeros(order.size), np.zeros(order.size)
    for one, place in enumerate(problem.depot_place.tolist()):
        here = np.flatnonzero(depot == one)
        out[here] = pull_out(problem, order[here], place)[1] / 1000.0
        home[here] = pull_in(problem, order[here], place)[1] / 1000.0
    return out, home


def refuel(problem: Problem, blocks: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Give every stay in which a bus must refuel a pump, the tightest stay first.

    Returns
    -------
    refuels, why
        One row a visit to a pump: vehicle, depot, pump, start_s, end_s, amount (litres or kg),
        energy. ``why`` names the depot whose pumps are too few; empty where all find one.
    """
    types = {one.id: one for one in problem.vehicles}
    stays = _stays(blocks, types)
    rows: list[tuple[Any, ...]] = []
    for depot in problem.depots:
        here = sorted(
            (one for one in stays if one[1] == depot.id), key=lambda one: (one[3], one[2], one[0])
        )
        busy: list[list[tuple[int, int]]] = (
            [] if depot.pumps is None else [[] for _ in range(depot.pumps)]
        )
        for vehicle, _, begin, end, km, bus in here:
            took = round(bus.refuel_min * 60)
            found = _first_free(busy, begin, end, took)
            if found is None and depot.pumps is None:
                busy.append([])
                found = len(busy) - 1, begin
            if found is None:
                why = (
                    f"depot {depot.id!r} has {depot.pumps} pumps: {vehicle} finds none between "
                    f"{begin} s and {end} s; more pumps there"
                )
                return pd.DataFrame(rows, columns=list(COLUMNS)), why
            pump, start = found
            busy[pump].append((start % DAY_S, took))
            rows.append(
                (vehicle, depot.id, pump, start, start + took, km * bus.fuel_km, bus.energy)
            )
    return pd.DataFrame(rows, columns=list(COLUMNS)), ""


def _stays(blocks: pd.DataFrame, types: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Stays at the depot of buses with a tank: vehicle, depot, from, until, km since full, type.

    A stay by day counts where it is long enough; the night after the day always does.
    """
    stays: list[tuple[Any, ...]] = []
    for vehicle, rows in blocks.groupby("vehicle", sort=False):
        bus = types.get(str(rows["type"].iloc[0]))
        if bus is None or bus.electric or (bus.range_km is None and bus.fuel_km == 0):
            continue
        km = 0.0
        for kind, depot, start, end, length in zip(
            rows["kind"], rows["depot"], rows["start_s"], rows["end_s"], rows["distance_km"],
            strict=True,
        ):  # fmt: skip
            km += length
            if kind == "depot" and bus.range_km is not None and end - start >= bus.refuel_min * 60:
                stays.append((vehicle, depot, int(start), int(end), km, bus))
                km = 0.0
        first, last = int(rows["start_s"].iloc[0]), int(rows["end_s"].iloc[-1])
        stays.append((vehicle, rows["depot"].iloc[0], last, first + DAY_S, km, bus))
    return stays


def _first_free(
    busy: list[list[tuple[int, int]]], begin: int, end: int, took: int
) -> tuple[int, int] | None:
    """The earliest (pump, start) that leaves a pump free for ``took`` seconds; the day repeats."""
    best: tuple[int, int] | None = None
    for pump, taken in enumerate(busy):
        starts = [begin]
        for start, length in taken:
            after = begin + (start + length - begin) % DAY_S
            starts.append(after)
        for start in sorted(starts):
            if start + took > end or (best is not None and start >= best[1]):
                break
            if all(
                (start - other) % DAY_S >= length and (other - start) % DAY_S >= took
                for other, length in taken
            ):
                best = pump, start
                break
    return best
