"""A day's timetable as buses of the fast model: every trip through its signals and stops."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mobility.errors import ConfigError
from mobility.signals.streets import streets_of
from mobility.signals.traffic import BUS_SPACE_M, Driver, Hop, between, traffic_of

if TYPE_CHECKING:
    from mobility.feed import ServiceDay
    from mobility.signals.demand import BusRoute
    from mobility.signals.problem import Network
    from mobility.signals.streets import Streets
    from mobility.signals.traffic import Traffic

# (route, direction, movement) -> mean delay of its buses there; ("", -1, movement): of anybody.
Losses = dict[tuple[str, int, int], float]
EARTH_M = 6_371_008.8
DWELL_S, DWELL_CV = 20.0, 0.4  # where the network names no dwell; assumed
FREE_MS = 15.0  # no bus runs faster between two stops


@dataclass(frozen=True)
class Noise:
    """What differs from day to day, apart from signals and queues; all assumed unless measured.

    Parameters
    ----------
    start_s
        Mean of how late a bus leaves its first stop (exponential).
    run_cv
        Coefficient of variation of the time between two stops, signals apart.
    """

    start_s: float = 30.0
    run_cv: float = 0.1


@dataclass(frozen=True)
class Call:
    """One stop of one trip."""

    trip: str
    route: str
    direction: int
    stop: str
    order: int
    arrive_s: float
    depart_s: float
    promised: bool
    timepoint: bool


@dataclass(frozen=True, eq=False)
class Timetable:
    """Trips that pass signals.

    Parameters
    ----------
    calls
        In order of trip and stop; ``first`` of each trip is its row here.
    passes
        Trip -> (signals before each of its stops, as rows of ``Streets.movements``).
    share
        Trip -> for each stop, parts of the run before it: one more than signals.
    left_out
        Trips that pass signals of no line of the network.
    """

    streets: Streets
    calls: tuple[Call, ...]
    first: dict[str, int]
    passes: dict[str, tuple[tuple[int, ...], ...]]
    share: dict[str, tuple[tuple[float, ...], ...]]
    occupancy: dict[str, float]
    left_out: int


def timetable_of(day: ServiceDay, network: Network, streets: Streets | None = None) -> Timetable:
    """Find every trip of the network's bus lines, and where signals stand between its stops.

    ``network.bus_stops`` say between which signals a stop lies; of a line's other stops those
    before the first of these lie before its first signal, those after the last beyond its last.

    Raises
    ------
    ConfigError
        When no trip of the day runs on a line of the network, or a line's stops contradict the
        order of its signals.
    """
    made = streets or streets_of(network)
    lines = {(one.route_id, one.direction_id): one for one in network.bus_routes}
    moves = {key: between(made, one.signals) for key, one in lines.items()}
    links: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for one in network.bus_stops:
        links[one.stop_id].append(one.link)
    places = {str(name): (float(lat), float(lon)) for name, lat, lon in
              zip(day.stops.index, day.stops["lat"], day.stops["lon"], strict=True)}  # fmt: skip
    marks = _timepoints(day)
    calls: list[Call] = []
    first: dict[str, int] = {}
    passes: dict[str, tuple[tuple[int, ...], ...]] = {}
    shares: dict[str, tuple[tuple[float, ...], ...]] = {}
    occupancy: dict[str, float] = {}
    cache: dict[
        tuple[str, int, tuple[str, ...]], tuple[list[list[int]], list[tuple[float, ...]]]
    ] = {}
    events = day.stop_events
    names = day.feed.raw["stops"].text("stop_id")
    left_out = 0
    columns = ("trip_id", "template_trip_id", "route_id", "direction_id", "headway")
    for k, (trip, template, route, direction, promised) in enumerate(
        zip(*(day.trips[name].tolist() for name in columns), strict=True)
    ):
        line = lines.get((route, direction))
        if line is None:
            left_out += 1
            continue
        span = slice(int(events.offsets[k]), int(events.offsets[k + 1]))
        stops = tuple(str(names[row]) for row in events.stop[span])
        key = route, direction, stops
        if key not in cache:
            ahead = _signals_before(line, stops, links)
            cache[key] = ahead, _parts(network, line, stops, ahead, places)
        ahead, parts = cache[key]
        first[trip] = len(calls)
        passes[trip] = tuple(tuple(moves[route, direction][n] for n in row) for row in ahead)
        shares[trip] = tuple(parts)
        occupancy[trip] = line.occupancy
        for n, stop in enumerate(stops):
            calls.append(Call(
                trip, route, direction, stop, n, float(events.arrive_s[span][n]),
                float(events.depart_s[span][n]), bool(promised), marks.get((template, n), True),
            ))  # fmt: skip
    if not calls:
        raise ConfigError(f"no trip of {day.date} runs on a line of the network",
                          mend="[[bus_route]] in signals.toml, with the feed's route_id")  # fmt: skip
    return Timetable(made, tuple(calls), first, passes, shares, occupancy, left_out)


def _timepoints(day: ServiceDay) -> dict[tuple[str, int], bool]:
    """(trip, n-th stop) -> whether the feed calls it a timepoint; empty where it does not say."""
    table = day.feed.raw["stop_times"]
    if "timepoint" not in table:
        return {}
    trips, values = table.text("trip_id"), table.text("timepoint")
    order = np.lexsort((table.integers("stop_sequence"), np.array([str(one) for one in trips])))
    found: dict[tuple[str, int], bool] = {}
    counter: dict[str, int] = defaultdict(int)
    for row in order:
        trip = str(trips[row])
        found[trip, counter[trip]] = str(values[row]) != "0"
        counter[trip] += 1
    return found


def _signals_before(
    line: BusRoute, stops: tuple[str, ...], links: dict[str, list[tuple[str, str]]]
) -> list[list[int]]:
    """For each stop, which of the line's signals (by number) lie between the stop before and it."""
    pairs = list(zip(line.signals, line.signals[1:], strict=False))
    found: list[list[int]] = []
    passed = 0
    placed = [
        next((n for n in range(len(pairs)) if pairs[n] in links.get(stop, ())), None)
        for stop in stops
    ]
    known = [n for n, one in enumerate(placed) if one is not None]
    for n in range(len(stops)):
        upto = placed[n]
        reached = passed
        if upto is not None:
            reached = upto + 1
        elif (known and n > known[-1]) or (not known and n == len(stops) - 1):
            reached = len(line.signals)
        if reached < passed:
            raise ConfigError(
                f"line {line.route_id}: stop {stops[n]} lies before signal {line.signals[passed - 1]}, "
                "which the bus has passed",
                mend="[[bus_stop]] link of the line's own direction",
            )
        found.append(list(range(passed, reached)))
        passed = reached
    return found


def _parts(
    network: Network,
    line: BusRoute,
    stops: tuple[str, ...],
    ahead: list[list[int]],
    places: dict[str, tuple[float, float]],
) -> list[tuple[float, ...]]:
    """For each stop, how the way from the stop before is cut by signals: shares that sum to 1."""
    found: list[tuple[float, ...]] = []
    for n, row in enumerate(ahead):
        points = [places.get(stops[max(0, n - 1)])]
        for k in row:
            one = network.signal[line.signals[k]]
            points.append(None if one.lat is None or one.lon is None else (one.lat, one.lon))
        points.append(places.get(stops[n]))
        if len(row) == 0:
            found.append((1.0,))
            continue
        legs = [_apart(a, b) for a, b in itertools.pairwise(points)]
        total = sum(legs)
        found.append(tuple(leg / total for leg in legs) if total > 0
                     else tuple(1 / len(legs) for _ in legs))  # fmt: skip
    return found


def _apart(a: tuple[float, float] | None, b: tuple[float, float] | None) -> float:
    if a is None or b is None or not all(map(math.isfinite, (*a, *b))):
        return 1.0
    east = math.radians(b[1] - a[1]) * math.cos(math.radians((a[0] + b[0]) / 2))
    return EARTH_M * math.hypot(east, math.radians(b[0] - a[0])) + 1.0


def buses_of(
    network: Network,
    table: Timetable,
    base_delay_s: Losses,
    *,
    begin_s: float,
    end_s: float,
    noise: Noise | None = None,
    hold: bool = False,
    seed: int = 0,
) -> Traffic:
    """Draw the day's buses.

    Between two stops a bus needs what the timetable gives, less the dwell and the mean delay at
    the signals on the way (``base_delay_s``): the timetable is taken to fit today's
    signals. It leaves its first stop no earlier than it should, and others where ``hold`` says so.
    """
    kind = noise or Noise()
    random = np.random.default_rng((seed, 77))
    dwell = {one.stop_id: (one.dwell_mean_s, one.dwell_sd_s) for one in network.bus_stops}
    planned = _headways(table)
    drivers = []
    for trip, start in sorted(table.first.items()):
        rows = table.passes[trip]
        calls = table.calls[start : start + len(rows)]
        late = float(random.exponential(kind.start_s)) if kind.start_s > 0 else 0.0
        factors = np.clip(random.normal(1.0, kind.run_cv, len(rows)), 0.6, 2.0)
        depart = calls[0].depart_s + late
        draws = random.normal(0.0, 1.0, len(rows))
        if not begin_s <= depart < end_s:
            continue
        hops: list[Hop] = []
        for n in range(1, len(rows)):
            call = calls[n]
            mean, sd = dwell.get(call.stop, (DWELL_S, DWELL_S * DWELL_CV))
            last = n == len(rows) - 1
            run = call.arrive_s - calls[n - 1].depart_s
            # The timetable often gives no time to stand: it is in the run then.
            stands = call.depart_s - call.arrive_s
            run -= 0.0 if last else max(0.0, mean - stands)
            run -= sum(
                base_delay_s.get((call.route, call.direction, move),
                                 base_delay_s.get(("", -1, move), 0.0))
                for move in rows[n]
            )  # fmt: skip
            free = max(1.0, run) * float(factors[n])
            share = table.share[trip][n]
            hops += [Hop(free * share[k], move) for k, move in enumerate(rows[n])]
            held = call.depart_s if hold and call.timepoint and not call.promised else -1e9
            hops.append(Hop(
                free * share[-1], stop=f"{call.route}|{call.direction}|{call.stop}",
                dwell_s=0.0 if last else max(0.0, mean + sd * float(draws[n])),
                planned_s=planned.get((call.route, call.direction), 0.0), hold_s=held,
            ))  # fmt: skip
        if hops:
            drivers.append(Driver(trip, depart, tuple(hops), bus=True,
                                  people=table.occupancy[trip], space_m=BUS_SPACE_M))  # fmt: skip
    return traffic_of(drivers, begin_s, end_s, seed=seed)


def _headways(table: Timetable) -> dict[tuple[str, int], float]:
    """Median headway of each line at its first stop; what a bus's dwell is meant for."""
    departs: dict[tuple[str, int], list[float]] = defaultdict(list)
    for start in table.first.values():
        call = table.calls[start]
        departs[call.route, call.direction].append(call.depart_s)
    return {key: float(np.median(np.diff(np.sort(times)))) for key, times in departs.items()
            if len(times) > 2}  # fmt: skip
