"""A mixed fleet: which trips go to which type of bus, within rules, ranges and counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.fleet import network as flows
from mobility.fleet.depots import raised_prices, transport
from mobility.fleet.duty import CONVENTIONAL
from mobility.fleet.energy import beyond_battery, least_kwh_price, trip_kwh
from mobility.fleet.pairs import network_of
from mobility.fleet.runs import kept_runs, pull_in, pull_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.problem import Problem
    from mobility.fleet.runs import BlockMode, Run

# What a battery beyond the first costs a block, in days of a bus: it is recharged, or cut. Measured on
# ``devos_size``, where blocks of two batteries need a sixth more buses; a guess elsewhere.
_A_BATTERY = 0.15

# Prices of a bus of a scarce type rise round by round.
_ROUNDS = 30


@dataclass(frozen=True, eq=False)
class Part:
    """Trips (rows) that one type of bus drives and that may share buses.

    ``minor_km`` is what a km of its empty running costs at least, energy or fuel included.
    """

    rows: NDArray[np.int32]
    vehicle: int
    minor_km: float


@dataclass(frozen=True, eq=False)
class Mix:
    """The parts of a fleet, or why there are none; ``minor_km`` and ``trips_minor`` are for bounds.

    ``beyond`` marks trips that no type can drive alone: the assumed conventional bus does. ``kinds`` are
    the types that may drive some trip, whether they got any or not. ``in_company``: some trip beyond a
    battery alone might be driven among others, so no bound may count on a conventional bus for it.

    ``trips_minor`` (trips,) is what the energy or fuel of each trip costs at least, by any type that
    may drive it; ``minor_km`` and ``day_minor`` are the least of all types.
    """

    parts: tuple[Part, ...]
    trips_minor: NDArray[np.float64]
    minor_km: float
    day_minor: float
    beyond: NDArray[np.bool_]
    kinds: tuple[int, ...]
    in_company: bool = False
    why: str = ""
    proven: bool = True

    @property
    def one_type(self) -> bool:
        """Whether every trip's type is forced, so that the parts' own bounds hold."""
        return not self.in_company and len(set(self.kinds) - {CONVENTIONAL}) < 2


def share_out(problem: Problem, blocks: BlockMode, *, battery: bool = True) -> Mix:
    """Give every trip to a type of bus, and keep apart what may not share a bus.

    Trips are chained as if any bus could drive any; a chain goes to the type that drives it at the
    least cost, cut where no type may drive all of it. A type with a count gets a price that rises
    until it has no more work than buses. Trips that no type can drive go to the assumed conventional
    bus, unless a rule says which types may drive them.

    Parameters
    ----------
    blocks
        How the feed's block_id is used.
    battery
        Whether batteries and ranges limit what a type can drive, and energy has a price.
    """
    able = _able(problem, battery=battery)
    lost = np.asarray(~able.any(axis=1), bool)
    restricted = lost & ~problem.allowed.types.all(axis=1)
    # In company a trip may take less than alone: a bound knows every type that could ever drive it.
    possible = _possible(problem, battery=battery)
    company = lost & possible.any(axis=1)
    possible &= ~lost[:, None]
    trips_minor = _trips_minor(problem, possible, battery=battery)
    kinds = [CONVENTIONAL] if lost.any() else []
    kinds += [at for at in range(len(problem.vehicles)) if possible[:, at].any()]
    kinds = kinds or [0]  # a day without trips
    km = {at: _minor_km(problem, at, battery=battery) for at in kinds}
    chosen = np.where(lost, CONVENTIONAL, 0)
    why = ""
    if restricted.any():
        name = problem.trips["trip_id"].iloc[int(np.flatnonzero(restricted)[0])]
        why = (
            f"{int(restricted.sum())} trips, the first is {name!r}, are beyond every type of bus that "
            "rules.route allows for them: allow a type with more range, or a bigger battery"
        )
    elif len(problem.vehicles) > 1:
        chosen[~lost], why = _choose(problem, np.flatnonzero(~lost), able[~lost], blocks, battery)
    parts = []
    group_of = groups(problem, blocks)
    for kind in kinds:
        for group in np.unique(group_of):
            rows = np.flatnonzero((chosen == kind) & (group_of == group))
            if rows.size:
                parts.append(Part(rows.astype(np.int32), kind, km[kind]))
    return Mix(
        parts=tuple(parts),
        trips_minor=trips_minor,
        minor_km=min(km.values()),
        day_minor=min(problem.of_type(at).costs.vehicle_day_minor for at in kinds),
        beyond=np.asarray(lost, bool),
        kinds=tuple(kinds),
        in_company=bool(company.any()),
        why=why,
        proven=bool((restricted & ~company).any()),
    )


def groups(problem: Problem, blocks: BlockMode) -> NDArray[np.int32]:
    """(trips,) groups that may not share buses; a block of the feed that is kept is in its first trip's."""
    if blocks == "optimise":
        return problem.allowed.group
    group = pd.Series(problem.allowed.group)
    block = problem.trips["block_id"].reset_index(drop=True)
    first = group.groupby(block).transform("first")
    return np.asarray(group.where(block == "", first), np.int32)


def _able(problem: Problem, *, battery: bool) -> NDArray[np.bool_]:
    """(trips, types) whether a bus of the type may drive the trip, and can, alone from some depot."""
    able = problem.allowed.types.copy()
    if not battery:
        return able
    for at, bus in enumerate(problem.vehicles):
        if bus.electric:
            able[:, at] &= ~beyond_battery(problem.of_type(at))
        elif bus.range_km is not None:
            able[:, at] &= _alone_km(problem) <= bus.range_km + 1e-9
    return able


def _possible(problem: Problem, *, battery: bool) -> NDArray[np.bool_]:
    """(trips, types) whether the type may drive the trip, and a full battery or tank lasts for it."""
    possible = problem.allowed.types.copy()
    for at, bus in enumerate(problem.vehicles):
        if battery and bus.electric:
            window = bus.full_kwh * (bus.max_soc - bus.min_soc)
            possible[:, at] &= problem.trip_kwh(at) <= window + 1e-6
        elif battery and bus.range_km is not None:
            possible[:, at] &= problem.trips["distance_km"].to_numpy(float) <= bus.range_km + 1e-9
    return possible


def _alone_km(problem: Problem) -> NDArray[np.float64]:
    """Kilometres of each trip with its nearest way out and home by the rules; inf where there is none."""
    rows = np.arange(len(problem.trips), dtype=np.int32)
    around = np.full(rows.size, np.inf)
    for depot, place in enumerate(problem.depot_place.tolist()):
        ends = pull_out(problem, rows, place)[1] + pull_in(problem, rows, place)[1]
        around = np.minimum(around, np.where(problem.allowed.depots[:, depot], ends, np.inf))
    return np.asarray(problem.trips["distance_km"].to_numpy(float) + around / 1000.0, float)


def _minor_km(problem: Problem, row: int, *, battery: bool) -> float:
    """What a km of a type's empty running costs at least."""
    bus, km = problem.bus(row), problem.costs.deadhead_km_minor
    if not battery:
        return km
    if bus.electric:
        return km + least_kwh_price(problem) * problem.run_kwh_km(row)
    return km + bus.fuel_km * problem.tariff.fuel_minor(bus.energy)


def _energy_minor(problem: Problem, row: int) -> NDArray[np.float64]:
    """(trips,) what the energy or fuel of each trip costs a type at least."""
    bus = problem.bus(row)
    if bus.electric:
        return trip_kwh(problem.of_type(row)) * least_kwh_price(problem)
    fuel = bus.fuel_km * problem.tariff.fuel_minor(bus.energy)
    return np.asarray(problem.trips["distance_km"].to_numpy(float) * fuel, float)


def _trips_minor(
    problem: Problem, able: NDArray[np.bool_], *, battery: bool
) -> NDArray[np.float64]:
    least = np.full(len(problem.trips), np.inf)
    if battery:
        for at in range(len(problem.vehicles)):
            least = np.where(able[:, at], np.minimum(least, _energy_minor(problem, at)), least)
    return np.where(np.isfinite(least), least, 0.0)


def _choose(
    problem: Problem,
    rows: NDArray[np.int64],
    able: NDArray[np.bool_],
    blocks: BlockMode,
    battery: bool,
) -> tuple[NDArray[np.int64], str]:
    """Type of each row, or why a count cannot be kept."""
    at = {int(row): place for place, row in enumerate(rows)}
    chains = _chains(problem, rows.astype(np.int32), blocks)
    pieces = _pieces(chains, able, at)
    owner = np.repeat(np.arange(len(pieces)), [len(one) for one in pieces])
    order = np.array([at[row] for one in pieces for row in one], np.int64)
    cost = np.zeros((len(pieces), len(problem.vehicles)))
    for kind in range(len(problem.vehicles)):
        view = problem.of_type(kind)
        minor = _energy_minor(problem, kind)[rows] if battery else np.zeros(rows.size)
        each = np.where(able[:, kind], minor, np.inf)[order]
        np.add.at(cost[:, kind], owner, each)
        batteries = np.zeros(len(pieces))
        if battery and view.vehicle.electric:
            kwh = problem.trip_kwh(kind)[rows][order]
            np.add.at(batteries, owner, kwh / view.vehicle.usable_kwh)
        beyond = 1.0 + _A_BATTERY * np.maximum(batteries - 1.0, 0.0)
        cost[:, kind] += view.costs.vehicle_day_minor * beyond
    counts = [bus.count for bus in problem.vehicles]
    fits = transport(cost, counts)
    if fits is not None:
        chosen = np.zeros(rows.size, np.int64)
        chosen[order] = fits[owner]
        return chosen, ""
    # More pieces than buses: pieces of one type may still share buses.
    price = np.zeros(len(counts))
    for _ in range(_ROUNDS):
        pick = np.argmin(cost + price, axis=1)
        over = np.zeros(len(counts), np.int64)
        for kind, most in enumerate(counts):
            mine = np.flatnonzero(pick == kind)
            if most is not None and mine.size > most:
                own = np.sort(rows[order[np.isin(owner, mine)]]).astype(np.int32)
                over[kind] = max(0, _fewest(problem, own, blocks) - most)
        if not over.any():
            chosen = np.zeros(rows.size, np.int64)
            chosen[order] = pick[owner]
            return chosen, ""
        price = raised_prices(cost, price, pick, over)
    short = ", ".join(f"{bus.id} {bus.count}" for bus in problem.vehicles if bus.count is not None)
    return np.zeros(rows.size, np.int64), (
        f"no way was found to share the trips out among the buses there are ({short}): raise a count, "
        "or allow more types on some routes"
    )


def _chains(problem: Problem, rows: NDArray[np.int32], blocks: BlockMode) -> list[Run]:
    """Chains of any bus, one flow a group of routes; each depot holds any number."""
    found: list[Run] = []
    group_of = groups(problem, blocks)[rows]
    for group in np.unique(group_of):
        own = rows[group_of == group]
        runs, _ = kept_runs(problem, own, problem.costs.deadhead_km_minor, blocks)
        if blocks == "given":
            found += runs
            continue
        net = network_of(problem, runs, problem.depot_place,
            minor_km=problem.costs.deadhead_km_minor,
        )  # fmt: skip
        chained = flows.chain(net)
        order = flows.chains_of(chained) if chained.feasible else [[at] for at in range(len(runs))]
        found += [tuple(row for unit in chain for row in runs[unit]) for chain in order]
    return found


def _pieces(chains: list[Run], able: NDArray[np.bool_], at: dict[int, int]) -> list[Run]:
    """Chains, cut where no type may drive all of what came before and the next trip."""
    pieces: list[Run] = []
    for chain in chains:
        start, types = 0, able[at[chain[0]]]
        for step in range(1, len(chain)):
            own = able[at[chain[step]]]
            if not (types & own).any():
                pieces.append(chain[start:step])
                start, types = step, own
            types = types & own
        pieces.append(chain[start:])
    return pieces


def _fewest(problem: Problem, rows: NDArray[np.int32], blocks: BlockMode) -> int:
    """Buses that some trips need, battery aside: at least, but for groups of routes one by one."""
    fewest, group_of = 0, groups(problem, blocks)[rows]
    for group in np.unique(group_of):
        own = rows[group_of == group]
        runs, _ = kept_runs(problem, own, problem.costs.deadhead_km_minor, blocks)
        if blocks == "given":
            fewest += len(runs)
            continue
        net = network_of(problem, runs, problem.depot_place,
            minor_km=problem.costs.deadhead_km_minor,
        )  # fmt: skip
        least = flows.least(net)
        fewest += len(runs) if least is None else least[1]
    return fewest
