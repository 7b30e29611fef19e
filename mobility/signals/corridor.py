"""A planner's list of signals and a feed: which buses pass which signal, when, and what lies between."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import ConfigError, TableError
from mobility.findings import finding
from mobility.shown import Shown
from mobility.signals.corridor_signals import ListedSignal, network_of_signals, read_signals
from mobility.signals.demand import BusRoute, BusStop, Link
from mobility.signals.passing import STREET, LineAt, lines_of
from mobility.signals.rows import write_rows

if TYPE_CHECKING:
    from pathlib import Path

    from mobility.feed import ServiceDay
    from mobility.findings import Finding
    from mobility.signals.problem import Network

OCCUPANCY = 40.0  # people in a bus, assumed
DWELL_S = 20.0  # where the timetable stops for no time, assumed
SPEED_KMH = 50.0  # of cars between signals, assumed


@dataclass(frozen=True, eq=False)
class Corridor(Shown):
    """Signals along a route, and every bus that passes them.

    Parameters
    ----------
    signals
        As listed.
    passes
        One row a bus at a signal, in order of signal and time: signal, at_s (seconds into the
        service day, by distance between the stops before and after), route_id, direction_id,
        trip_id, approach (side of the compass that it comes from), movement, headway_s (since the
        bus of the line before; NaN: the first), promised (riders are promised a headway, not a
        time), stop_before, stop_after.
    lines
        One row a line at a signal: signal, route_id, direction_id, approach, movement, buses,
        first_s, last_s, headway_s (the median).
    links
        Between signals that the route passes one after the other.
    stops
        On those links, all lines together.
    routes
        Every line and direction that passes a signal, with its signals in order.
    findings
        Signals that the route does not pass, and rows of the list that cannot be read.
    """

    route_id: str
    signals: tuple[ListedSignal, ...]
    passes: pd.DataFrame
    lines: pd.DataFrame
    links: tuple[Link, ...]
    stops: tuple[BusStop, ...]
    routes: tuple[BusRoute, ...]
    findings: tuple[Finding, ...]
    assumptions: tuple[str, ...] = ()
    timezone: str = "UTC"
    source: str = ""

    def network(self) -> Network:
        """Make a network of the list's cycles and splits; signals without them are left out.

        Each split becomes a stage with a group of its own; the first is the route's, in both of
        its directions. Yellow and all-red are assumed.

        Raises
        ------
        ConfigError
            When no signal of the list has a cycle and splits.
        """
        arrives: dict[str, list[tuple[str, str]]] = defaultdict(list)
        own = self.lines[self.lines["route_id"] == self.route_id]
        for signal, approach, movement in zip(
            own["signal"], own["approach"], own["movement"], strict=True
        ):
            arrives[str(signal)].append((str(approach), str(movement)))
        made = network_of_signals(self.signals, arrives, source=self.source)
        return replace(self.onto(made), timezone=self.timezone, corridor=f"route {self.route_id}",
                       assumptions=(*made.assumptions, *self.assumptions))  # fmt: skip

    def onto(self, network: Network) -> Network:
        """Return a network with these links, stops and lines; what it does not know is left out."""
        known = set(network.signal)
        fresh = {(one.from_signal, one.to_signal): one for one in self.links}
        old = [(one.from_signal, one.to_signal) for one in network.links]
        links = [
            # Between two signals there may be two ways: then nobody knows which one is meant.
            replace(one, distance_m=fresh[pair].distance_m)
            if pair in fresh and old.count(pair) == 1 else one
            for one, pair in zip(network.links, old, strict=True)
        ]  # fmt: skip
        links += [one for pair, one in fresh.items() if pair not in old and known.issuperset(pair)]
        pairs = {(one.from_signal, one.to_signal) for one in links}
        routes = [replace(one, signals=tuple(two for two in one.signals if two in known))
                  for one in self.routes]  # fmt: skip
        return replace(
            network, links=tuple(links),
            bus_stops=tuple(one for one in self.stops if one.link in pairs),
            bus_routes=tuple(one for one in routes if one.signals),
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; times in seconds into the service day."""
        lines = self.lines.astype(object).where(self.lines.notna(), None)
        return {
            "route_id": self.route_id, "signals": [one.id for one in self.signals],
            "passings": len(self.passes), "lines": lines.to_dict("records"),
            "links": [asdict(one) for one in self.links],
            "stops": [asdict(one) for one in self.stops],
            "routes": [asdict(one) for one in self.routes], "assumptions": list(self.assumptions),
            "findings": [one.to_dict() for one in self.findings],
        }  # fmt: skip

    def __str__(self) -> str:
        passed = self.passes["signal"].nunique()
        return (f"route {self.route_id}: {passed} of {len(self.signals)} signals passed, "
                f"{len(self.passes):,} passings of {self.passes['route_id'].nunique()} lines, "
                f"{len(self.stops)} stops between")  # fmt: skip


def write_passes(corridor: Corridor, path: str | Path) -> Path:
    """Write every bus at every signal as CSV or Parquet; whole or not at all."""
    table = corridor.passes
    rows = table.astype(object).where(table.notna(), None).to_numpy().tolist()
    return write_rows(path, list(table.columns), rows)


def corridor_from_feed(
    day: ServiceDay,
    route_id: str,
    signals: str | Path | pd.DataFrame,
    *,
    near_m: float = 30.0,
    speed_kmh: float = SPEED_KMH,
) -> Corridor:
    """Project signals onto a route, and find every bus that passes them on a day.

    Parameters
    ----------
    day
        The service day; buses, trolleybuses and trams of all its routes are looked at.
    route_id
        The route along which the signals stand.
    signals
        CSV, or a table: signal, lat, lon; and where known name, cycle_s, offset_s, splits (seconds
        of each stage up to the next one, in order: ``A:49 B:20 C:34 D:17`` or ``49 20 34 17``).
    near_m
        A signal farther than this from a line's shape is not passed.
    speed_kmh
        Of cars, for the links' travel times.

    Returns
    -------
    Corridor
        Also where the route misses signals: then ``findings`` says which, and by how much.

    Raises
    ------
    ConfigError
        When the route does not run on that day, or not in the street.
    TableError
        When the list cannot be read, or has no signal.
    """
    listed, found, source = read_signals(signals)
    if not listed:
        raise TableError(f"{source}: no signal that can be read", mend="signal, lat, lon",
                         findings=found)  # fmt: skip
    if route_id not in set(day.trips["route_id"]):
        near = sorted(set(day.trips["route_id"]))[:8]
        raise ConfigError(f"no trip of route {route_id!r} runs on {day.date}",
                          mend=f"routes of the day: {', '.join(near)} ...")  # fmt: skip
    kinds = {int(one) for one in day.trips.loc[day.trips["route_id"] == route_id, "route_type"]}
    if not kinds & STREET:
        raise ConfigError(f"route {route_id!r} runs on rails of its own or on water (type {min(kinds)})",
                          mend="name a route of buses, trolleybuses or trams")  # fmt: skip
    lines, nearest = lines_of(day, listed, near_m, route_id)
    rows = [row for line in lines for row in line.rows()]
    passes = _passes(rows)
    own = [line for line in lines if line.route_id == route_id]
    hit = {one.signal for line in own for one in line.passings}
    for signal in listed:
        if signal.id not in hit:
            away = nearest.get(signal.id)
            told = "the route has no place" if away is None else f"{away:,.0f} m from the route"
            found.append(finding("signal_not_on_route", file=source, row=signal.row,
                                 column=signal.id, value=told))  # fmt: skip
    links = _links(own, speed_kmh)
    stops, dwells = _stops(lines, {(one.from_signal, one.to_signal) for one in links})
    assumed = [f"cars drive {speed_kmh:g} km/h between signals", f"{OCCUPANCY:g} people in a bus"]
    if dwells:
        assumed.append(f"buses stop {DWELL_S:g} s at {dwells} stops where the timetable says 0")
    if any(line.crow for line in lines):
        assumed.append("lines without a shape run straight from stop to stop")
    return Corridor(
        route_id, tuple(listed), passes, _summary(passes), links, stops, _routes(lines),
        tuple(found), tuple(assumed), day.timezone, source,
    )  # fmt: skip


_PASSES = [
    "signal", "at_s", "route_id", "direction_id", "trip_id", "approach", "movement", "promised",
    "stop_before", "stop_after",
]  # fmt: skip
_LINE = ["signal", "route_id", "direction_id", "approach", "movement"]


def _passes(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=_PASSES).sort_values(
        ["signal", "at_s", "trip_id", "movement"], ignore_index=True, kind="stable"
    )
    headway = table.groupby(_LINE, sort=False)["at_s"].diff()
    table.insert(_PASSES.index("promised"), "headway_s", headway)
    return table


def _summary(passes: pd.DataFrame) -> pd.DataFrame:
    names = [*_LINE, "buses", "first_s", "last_s", "headway_s"]
    if passes.empty:
        return pd.DataFrame(columns=names)
    grouped = passes.groupby(_LINE, sort=True)
    return grouped.agg(
        buses=("at_s", "size"), first_s=("at_s", "min"), last_s=("at_s", "max"),
        headway_s=("headway_s", "median"),
    ).reset_index()[names]  # fmt: skip


def _links(own: list[LineAt], speed_kmh: float) -> tuple[Link, ...]:
    """Signals that the route passes one after the other: its most frequent way from each to each."""
    best: dict[tuple[str, str], tuple[int, float, str]] = {}
    for line in own:
        for here, there in line.neighbours():
            key = here.signal, there.signal
            row = len(line.trips), -(there.along_m - here.along_m), there.approach
            if here.signal != there.signal and (key not in best or row > best[key]):
                best[key] = row
    return tuple(
        Link(a, b, round(-distance, 1), round(-distance / (speed_kmh / 3.6), 1), approach=approach)
        for (a, b), (_, distance, approach) in sorted(best.items()) if distance < 0
    )  # fmt: skip


def _stops(lines: list[LineAt], links: set[tuple[str, str]]) -> tuple[tuple[BusStop, ...], int]:
    """Stops on links, with the dwell of all buses; and of how many the timetable says 0."""
    places: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    dwells: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for line in lines:
        for here, there in line.neighbours():
            if (here.signal, there.signal) not in links:
                continue
            for stop, along, dwell in line.stops_between(here.along_m, there.along_m):
                key = here.signal, there.signal, stop
                places[key] += [along - here.along_m] * len(dwell)
                dwells[key] += dwell
    made, silent = [], 0
    for (a, b, stop), values in sorted(dwells.items()):
        told = max(values) > 0
        silent += not told
        mean = float(np.mean(values)) if told else DWELL_S
        made.append(BusStop(
            stop, (a, b), round(float(np.mean(places[a, b, stop])), 1), round(mean, 1),
            round(float(np.std(values)), 1),
        ))  # fmt: skip
    made.sort(key=lambda one: (one.link, one.after_m, one.stop_id))
    return tuple(made), silent


def _routes(lines: list[LineAt]) -> tuple[BusRoute, ...]:
    """Each line's most frequent row of signals."""
    best: dict[tuple[str, int], tuple[int, tuple[str, ...]]] = {}
    for line in lines:
        key = line.route_id, line.direction_id
        row = len(line.trips), tuple(one.signal for one in line.passings)
        if row[1] and (key not in best or row > best[key]):
            best[key] = row
    return tuple(BusRoute(route, direction, best[route, direction][1], OCCUPANCY)
                 for route, direction in sorted(best))  # fmt: skip
