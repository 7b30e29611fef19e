"""What mends a block that breaks: a bigger battery, a longer layover or a charger, and how little is enough.

Each amount is found by the kernel on the same scenarios: the least that lets the block survive the
asked percentile, all else as planned. A layover grows by slots at the last charger before the break, a
charger stands where the bus stands longest before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.fleet.limits import not_negative
from mobility.fleet.replay import STAND, Sessions, keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mobility.fleet.draws import Draws
    from mobility.fleet.problem import Vehicle
    from mobility.fleet.replay import Replay
    from mobility.fleet.scenarios import Scenarios
    from mobility.fleet.simulate import Moved, Outcome

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

# Blocks that mends are looked for: the most fragile ones.
MOST = 25
# A layover grows by two hours at most.
_MOST_LAYOVER_S = 7200
COLUMNS = (
    "vehicle", "block", "battery_kwh", "more_kwh", "layover_s", "layover_at", "charger_kw", "charger_at",
    "battery_minor", "layover_minor", "charger_minor", "cheapest",
)  # fmt: skip


@dataclass(frozen=True)
class MendPrices:
    """What mends cost a day, minor units; None where nobody said, and that mend is not compared.

    ``battery_kwh_day`` a kWh of battery, ``layover_h`` an hour of layover (None: the case's hour of
    waiting), ``charger_day`` a charger, ``charger_kw_day`` a kW of it.
    """

    battery_kwh_day: float | None = None
    layover_h: float | None = None
    charger_day: float | None = None
    charger_kw_day: float | None = None

    def __post_init__(self) -> None:
        for name in ("battery_kwh_day", "layover_h", "charger_day", "charger_kw_day"):
            not_negative(f"mend prices: {name}", getattr(self, name))


@dataclass(frozen=True)
class _Change:
    """A session of a leg in place of its own, and a longer stay."""

    given_kwh: Floats
    target_kwh: float
    offset_s: float
    key: int
    longer_s: float = 0.0


@dataclass(frozen=True)
class _Place:
    """Where one bus could be mended: the leg, its site's name and the most kW or slots."""

    leg: int
    name: str
    most: int
    change: Callable[[int], dict[int, _Change]]


def mends_of(
    replay: Replay,
    scenarios: Scenarios,
    draws: Draws,
    moved: Moved,
    outcome: Outcome,
    percentiles: tuple[float, ...],
    fragile: list[str],
    percentile: float,
    prices: MendPrices | None,
) -> tuple[pd.DataFrame, list[str]]:
    """Find the least amounts for the most fragile blocks.

    Returns
    -------
    table
        vehicle, block, battery_kwh (when new, rounded up to 0.1) and more_kwh than now; layover_s and
        layover_at, charger_kw (rounded up to 1) and charger_at, NaN and blank where that cannot mend;
        what each costs a day, and the cheapest of those that have a price.
    notes
        What was not looked at.
    """
    row = {name: at for at, name in enumerate(replay.buses.names)}
    chosen = [row[name] for name in fragile[:MOST]]
    said = []
    if len(fragile) > MOST:
        said.append(f"mends were looked for in the {MOST} most fragile of {len(fragile):,} blocks")
    if not chosen:
        return pd.DataFrame(columns=list(COLUMNS)), said
    at_rank = percentiles.index(percentile)
    places = replay.places()
    worst = [_first_leg(replay, outcome, bus) for bus in chosen]
    search = _Search(replay, scenarios, draws, moved, chosen, percentile)
    layovers = [_longer(replay, bus, leg) for bus, leg in zip(chosen, worst, strict=True)]
    chargers = [_charger(replay, bus, leg) for bus, leg in zip(chosen, worst, strict=True)]
    slots, kws = search.least(layovers), search.least(chargers)
    slot_s, hour = replay.problem.tariff.slot_s, replay.problem.costs.waiting_h_minor
    rows = []
    for at, bus in enumerate(chosen):
        battery = math.ceil(float(outcome.required_kwh[bus, at_rank]) * 10 - 1e-3) / 10
        more = round(battery - float(replay.buses.battery_kwh[bus]), 1)
        longer, kw = slots[at], kws[at]
        where, there = layovers[at], chargers[at]
        told: dict[str, Any] = {
            "vehicle": replay.buses.names[bus], "block": places[worst[at]][0], "battery_kwh": battery,
            "more_kwh": more,
            "layover_s": np.nan if longer is None else float(longer * slot_s),
            "layover_at": "" if longer is None or where is None else where.name,
            "charger_kw": np.nan if kw is None else float(kw),
            "charger_at": "" if kw is None or there is None else there.name,
        }  # fmt: skip
        rows.append(told | _costs(told, prices, hour))
    return pd.DataFrame(rows, columns=list(COLUMNS)), said


def _costs(told: dict[str, Any], prices: MendPrices | None, waiting_h: float) -> dict[str, Any]:
    given = prices or MendPrices()
    layover = given.layover_h if given.layover_h is not None else waiting_h if prices else None
    charger = None
    if given.charger_day is not None or given.charger_kw_day is not None:
        charger = (given.charger_day or 0.0) + (given.charger_kw_day or 0.0) * told["charger_kw"]
    costs = {
        "battery": None
        if given.battery_kwh_day is None
        else given.battery_kwh_day * told["more_kwh"],
        "layover": None if layover is None else layover * told["layover_s"] / 3600.0,
        "charger": charger,
    }
    known = {name: one for name, one in costs.items() if one is not None and not math.isnan(one)}
    return {
        **{f"{name}_minor": known.get(name, np.nan) for name in costs},
        "cheapest": min(known, key=lambda name: known[name]) if known else "",
    }


def _first_leg(replay: Replay, outcome: Outcome, bus: int) -> int:
    """The leg at which a bus breaks first most often."""
    begin, end = int(replay.legs.start[bus]), int(replay.legs.start[bus + 1])
    return begin + int(np.argmax(outcome.first_leg[begin:end]))


def _bus(replay: Replay, bus: int) -> Vehicle:
    return replay.problem.vehicles[int(replay.buses.kind[bus])]


def _curve_kw(bus: Vehicle, kw: float, used_kwh: float) -> float:
    """Power where the battery is as full as the session may make it: never less on the way."""
    if not bus.curve:
        return kw
    levels, limits = zip(*bus.curve, strict=True)
    return min(kw, float(np.interp(bus.start_soc - used_kwh / bus.full_kwh, levels, limits)))


def _longer(replay: Replay, bus: int, worst: int) -> _Place | None:
    """The last session before a break, made longer."""
    legs, plugs = replay.legs, replay.plugs
    begin = int(legs.start[bus])
    held = [leg for leg in range(begin, worst) if legs.session[leg] >= 0]
    if not held:
        return None
    leg = held[-1]
    one = int(legs.session[leg])
    told: Any = replay.sessions.iloc[int(plugs.row[one])]
    problem = replay.problem
    power = {site.id: site.charger_kw for site in problem.depots}
    power |= {site.id: site.kw for site in problem.chargers}
    own, slot_h = _bus(replay, bus), problem.tariff.slot_s / 3600.0
    most_kw = min(power[str(told["site"])], own.max_kw)
    given = plugs.given_kwh[plugs.given_start[one] : plugs.given_start[one + 1]]
    top = -float(replay.buses.top_kwh[bus] * replay.buses.health[bus])

    def change(slots: int) -> dict[int, _Change]:
        target = max(top, float(plugs.target_kwh[one]) - slots * slot_h * most_kw)
        kw = _curve_kw(own, most_kw, target)
        more = given[-1] + kw * slot_h * np.arange(1, slots + 1)
        return {leg: _Change(np.asarray(np.concatenate([given, more]), np.float64), target, float(plugs.offset_s[one]),
                             int(plugs.key[one]), slots * problem.tariff.slot_s)}  # fmt: skip

    return _Place(leg, str(told["site"]), _MOST_LAYOVER_S // problem.tariff.slot_s, change)


def _charger(replay: Replay, bus: int, worst: int) -> _Place | None:
    """A charger where the bus stands longest, and has none, before it breaks."""
    legs, problem = replay.legs, replay.problem
    place = replay.blocks["to_stop"].tolist()
    slot_s = problem.tariff.slot_s
    stands: dict[str, list[int]] = {}
    for leg in range(int(legs.start[bus]), worst):
        row = int(legs.row[leg])
        if (
            legs.kind[leg] == STAND
            and row >= 0
            and legs.session[leg] < 0
            and legs.seconds[leg] >= slot_s
        ):
            stands.setdefault(place[row], []).append(leg)
    if not stands:
        return None
    name = max(stands, key=lambda one: (sum(legs.seconds[leg] for leg in stands[one]), one))
    own = _bus(replay, bus)
    key = int(keys([f"charger mend {name}"])[0])
    top = -float(replay.buses.top_kwh[bus] * replay.buses.health[bus])

    def change(kw: int) -> dict[int, _Change]:
        changes = {}
        for leg in stands[name]:
            slots = int(legs.seconds[leg]) // slot_s
            target = max(top, float(legs.used_kwh[leg]) - slots * slot_s / 3600.0 * kw)
            power = _curve_kw(own, float(kw), target)
            given = np.arange(slots + 1, dtype=np.float64) * (power * slot_s / 3600.0)
            changes[leg] = _Change(given, target, 0.0, key)
        return changes

    return _Place(stands[name][0], name, int(own.max_kw), change)


@dataclass(frozen=True)
class _Search:
    """Bisection of all chosen buses side by side."""

    replay: Replay
    scenarios: Scenarios
    draws: Draws
    moved: Moved
    chosen: list[int]
    percentile: float

    def least(self, places: list[_Place | None]) -> list[int | None]:
        """The least whole amount of each place that mends its bus; None where the most does not."""
        low = [0] * len(places)
        high = [0 if one is None else one.most for one in places]
        works = self._mended(places, high)
        found = [one is not None and done for one, done in zip(places, works, strict=True)]
        while any(ok and high[at] - low[at] > 1 for at, ok in enumerate(found)):
            middle = [(one + other + 1) // 2 for one, other in zip(low, high, strict=True)]
            works = self._mended(
                places, [m if ok else 0 for m, ok in zip(middle, found, strict=True)]
            )
            for at, ok in enumerate(found):
                if ok and high[at] - low[at] > 1:
                    low[at], high[at] = (
                        (low[at], middle[at]) if works[at] else (middle[at], high[at])
                    )
        return [amount if ok else None for amount, ok in zip(high, found, strict=True)]

    def _mended(self, places: list[_Place | None], amounts: list[int]) -> list[bool]:
        from mobility.fleet.simulate import ranks_of, run

        changes: dict[int, _Change] = {}
        for place, amount in zip(places, amounts, strict=True):
            if place is not None and amount > 0:
                changes |= place.change(amount)
        part, moved = changed(self.replay, self.moved, self.chosen, changes)
        ranks = ranks_of((self.percentile,), self.scenarios.count)
        outcome = run(part, self.scenarios, self.draws, moved, ranks)
        allowed = self.scenarios.count - int(ranks[0]) - 1
        return [bool(one <= allowed) for one in outcome.breaks]


def changed(
    replay: Replay, moved: Moved, chosen: list[int], changes: dict[int, _Change]
) -> tuple[Replay, Moved]:
    """Some buses of a replay, with other sessions at some legs (rows of the whole replay)."""
    legs, plugs, buses = replay.legs, replay.plugs, replay.buses
    rows = np.concatenate([np.arange(legs.start[one], legs.start[one + 1]) for one in chosen])
    start = np.concatenate(
        [[0], np.cumsum([legs.start[one + 1] - legs.start[one] for one in chosen])]
    )
    session = np.full(rows.size, -1, np.int32)
    seconds = legs.seconds[rows].copy()
    given: list[Floats] = []
    kept: dict[str, list[Any]] = {one: [] for one in ("offset", "target", "key", "leg", "row")}
    spans: list[tuple[int, int]] = []
    for at, leg in enumerate(rows.tolist()):
        one, change = int(legs.session[leg]), changes.get(leg)
        if change is not None:
            values = (change.offset_s, change.target_kwh, change.key, at, -1)
            given.append(change.given_kwh)
            seconds[at] += change.longer_s
            spans.append((0, 0))
        elif one >= 0:
            values = (float(plugs.offset_s[one]), float(plugs.target_kwh[one]), int(plugs.key[one]), at,
                      int(plugs.row[one]))  # fmt: skip
            given.append(plugs.given_kwh[plugs.given_start[one] : plugs.given_start[one + 1]])
            spans.append((int(moved.start[one]), int(moved.start[one + 1])))
        else:
            continue
        session[at] = len(given) - 1
        for column, value in zip(kept.values(), values, strict=True):
            column.append(value)
    part = replace(
        replay,
        legs=replace(
            legs, start=start.astype(np.int64), session=session, seconds=seconds,
            **{name: getattr(legs, name)[rows] for name in ("kind", "key", "begin_s", "base_kwh", "hvac_h",
                                                            "hour", "trip", "row", "used_kwh")},
        ),
        plugs=Sessions(
            offset_s=np.array(kept["offset"], float),
            given_start=np.concatenate([[0], np.cumsum([one.size for one in given])]).astype(np.int64),
            given_kwh=np.concatenate([np.zeros(0), *given]),
            target_kwh=np.array(kept["target"], float),
            key=np.array(kept["key"], np.uint32),
            leg=np.array(kept["leg"], np.int64),
            row=np.array(kept["row"], np.int64),
        ),
        buses=replace(
            buses, names=tuple(buses.names[one] for one in chosen),
            **{name: getattr(buses, name)[chosen] for name in ("key", "kind", "usable_kwh", "top_kwh", "window",
                                                               "battery_kwh", "health")},
        ),
    )  # fmt: skip
    take = np.concatenate([np.zeros(0, np.int64), *(np.arange(*one) for one in spans)]).astype(
        np.int64
    )
    bounds = np.concatenate([[0], np.cumsum([end - begin for begin, end in spans])]).astype(
        np.int64
    )
    return part, replace(
        moved, start=bounds, scenario=moved.scenario[take], begin_s=moved.begin_s[take],
        end_s=moved.end_s[take], kwh=moved.kwh[take],
    )  # fmt: skip
