"""Write signals.toml and signals.csv for a street of signals that runs west to east: one table in, one file out.

Stage-based signals. Groups: EW and NS (through and right), EWL and NSL (protected left), PEW and
PNS (people on foot, parallel to that traffic). A ``cross`` has four stages, a ``minor`` crossing
two (no left turns). Every figure is assumed for the sample unless a README says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from build import Place, Stop, csv_text, distance_km, distances_km

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

YELLOW_S, ALL_RED_S = 3, 2
WALK_KMH = 4.32  # 1.2 m/s
CROSSING_M = 24  # kerb to refuge or kerb to kerb
CLEAR_S = round(CROSSING_M / (WALK_KMH / 3.6))
CYCLE_S = 120
STAGES = {  # kind: stage, groups that are green in it, green in s
    "cross": [
        ("A", ("EW", "PEW"), 44),
        ("B", ("EWL",), 15),
        ("C", ("NS", "PNS"), 29),
        ("D", ("NSL",), 12),
    ],
    "minor": [("A", ("EW", "PEW"), 78), ("B", ("NS", "PNS"), 32)],
}
LANES = {"EW": 3, "NS": 2, "EWL": 1, "NSL": 1}
PERMISSIVE = [("EW", "PEW"), ("NS", "PNS")]  # right turns give way to people on foot
PERIODS = [("07:00", "09:00", 1.0), ("09:00", "17:00", 0.65), ("17:00", "19:00", 0.95)]
RIGHT_SHARE, LEFT_SHARE = 0.12, 0.10


@dataclass(frozen=True)
class Signal:
    """A signal of the street: where, what kind, and peak vehicles an hour per approach."""

    id: str
    name: str
    lat: float
    lon: float
    kind: str
    main_vph: int
    side_vph: int

    @property
    def place(self) -> Place:
        """The junction's middle, as a point that buses pass."""
        return Place(self.id, self.name, self.lat, self.lon)


def signals_toml(
    head: Sequence[str],
    signals: Sequence[Signal],
    offsets_s: Sequence[int],
    ways: dict[tuple[str, int], Sequence[Stop]],
    speed_kmh: float,
    tail: Sequence[str] = (),
) -> str:
    """Lay out the whole file; ``ways`` are the bus lines' ways by (route_id, direction_id)."""
    blocks = [
        list(head),
        _defaults(),
        *(_signal(one, offset) for one, offset in zip(signals, offsets_s, strict=True)),
        *_links(signals, speed_kmh),
        *_bus_routes(signals, ways),
        *_bus_stops(signals, ways),
        *_demand(signals),
        list(tail),
    ]
    return "\n\n".join("\n".join(lines) for lines in blocks if lines) + "\n"


def signals_csv(signals: Sequence[Signal], offsets_s: Sequence[int]) -> str:
    """Lay out the same signals as a planner lists them: places, cycles and splits."""
    rows = [
        (one.id, one.name, f"{one.lat:.5f}", f"{one.lon:.5f}", CYCLE_S, offset,
         " ".join(f"{stage}:{green + YELLOW_S + ALL_RED_S}" for stage, _, green in STAGES[one.kind]))
        for one, offset in zip(signals, offsets_s, strict=True)
    ]  # fmt: skip
    return csv_text(("signal", "name", "lat", "lon", "cycle_s", "offset_s", "splits"), rows)


def _defaults() -> list[str]:
    return [
        "[defaults] # assumed for this sample",
        f"yellow_s = {YELLOW_S}",
        f"all_red_s = {ALL_RED_S}",
        "min_green_s = 7",
        "max_green_s = 90",
        "max_red_s = 120",
        "saturation_lane_vph = 1800 # textbook value for a through lane",
        'offset_reference = "begin-green" # of stage A, after the master clock\'s zero',
        'master_clock_zero = "00:00"',
        "cycle_range_s = [70, 150]",
        "countdown_s = 0 # seconds in which green may not change where drivers see a countdown",
    ]


def _signal(one: Signal, offset_s: int) -> list[str]:
    stages = STAGES[one.kind]
    used = sum(green + YELLOW_S + ALL_RED_S for *_, green in stages)
    assert used == CYCLE_S, one
    lines = [
        "[[signal]]",
        f'id = "{one.id}"',
        f'name = "{one.name}"',
        f"lat = {one.lat:.5f}",
        f"lon = {one.lon:.5f}",
        f"cycle_s = {CYCLE_S}",
        f"offset_s = {offset_s}",
        "groups = [",
    ]
    groups = [group for _, members, _ in stages for group in members]
    lines += [f"  {_group(group)}," for group in groups]
    lines += ["]", "stages = ["]
    lines += [
        f'  {{ id = "{stage}", groups = [{quoted(members)}], green_s = {green} }},'
        for stage, members, green in stages
    ]
    lines += [
        "]",
        "# from group, to group, seconds from the end of its green (people: of clearance)",
    ]
    lines += ["intergreen_s = ["]
    for members in (members for _, members, _ in stages):
        for group in members:
            foes = [
                f'["{group}", "{foe}", {ALL_RED_S if group[0] == "P" else YELLOW_S + ALL_RED_S}]'
                for _, others, _ in stages
                if others is not members
                for foe in others
                if not (group[0] == "P" and foe[0] == "P")
            ]
            lines.append(f"  {', '.join(foes)},")
    lines.append("]")
    pairs = ", ".join(f"[{quoted(pair)}]" for pair in PERMISSIVE)
    lines.append(f"permissive = [{pairs}]")
    return lines


def _group(group: str) -> str:
    if group[0] == "P":
        return (
            f'{{ id = "{group}", kind = "pedestrian", walk_s = 7, clearance_s = {CLEAR_S}, '
            f"crossing_m = {CROSSING_M} }}"
        )
    turns = '"left"' if group.endswith("L") else '"through", "right"'
    approaches = ("W", "E") if group.startswith("EW") else ("N", "S")
    return (
        f'{{ id = "{group}", kind = "vehicle", from = [{quoted(approaches)}], '
        f"movements = [{turns}], lanes = {LANES[group]} }}"
    )


def _links(signals: Sequence[Signal], speed_kmh: float) -> Iterable[list[str]]:
    yield ["# Robertson dispersion 1 / (1 + alpha beta t): textbook values; travel times assumed."]
    for a, b in pairwise(signals):
        metres = round(1000 * distance_km(a.place, b.place))
        for start, end in ((a, b), (b, a)):
            yield [
                "[[link]]",
                f'from = "{start.id}"',
                f'to = "{end.id}"',
                f"distance_m = {metres}",
                f"travel_s = {round(3.6 * metres / speed_kmh)}",
                "lanes = 3",
                "dispersion = { alpha = 0.35, beta = 0.8 }",
            ]


def _bus_routes(
    signals: Sequence[Signal], ways: dict[tuple[str, int], Sequence[Stop]]
) -> Iterable[list[str]]:
    known = {one.id for one in signals}
    for (route, direction), way in ways.items():
        passed = [stop.id for stop in way if stop.id in known]
        if passed:
            yield [
                "[[bus_route]]",
                f'route_id = "{route}"',
                f"direction_id = {direction}",
                f"signals = [{quoted(passed)}]",
                "occupancy = 40 # people on board, assumed",
            ]


def _bus_stops(
    signals: Sequence[Signal], ways: dict[tuple[str, int], Sequence[Stop]]
) -> Iterable[list[str]]:
    links = {pair for a, b in pairwise(signals) for pair in ((a.id, b.id), (b.id, a.id))}
    known = {one.id for one in signals}
    seen = set()
    for way in ways.values():
        along = distances_km(way)
        at_signal = [at for at, stop in enumerate(way) if stop.id in known]
        for first, last in pairwise(at_signal):
            link = way[first].id, way[last].id
            if link not in links:
                continue
            for at in range(first + 1, last):
                if way[at].id in seen:
                    continue
                seen.add(way[at].id)
                yield [
                    "[[bus_stop]]",
                    f'stop_id = "{way[at].id}"',
                    f"link = [{quoted(link)}]",
                    f"after_m = {round(1000 * (along[at] - along[first]))}",
                    "dwell_mean_s = 20 # assumed",
                    "dwell_sd_s = 8 # assumed",
                ]


def _demand(signals: Sequence[Signal]) -> Iterable[list[str]]:
    for start, end, share in PERIODS:
        lines = [
            "[[demand]] # vehicles an hour: signal, coming from W, E, N or S; left, through, right",
            f'from = "{start}"',
            f'to = "{end}"',
            "car_occupancy = 1.4 # assumed",
            "vehicles_h = [",
        ]
        for one in signals:
            for approach in "WENS":
                total = share * (one.main_vph if approach in "WE" else one.side_vph)
                left = round(LEFT_SHARE * total) if one.kind == "cross" else 0
                right = round(RIGHT_SHARE * total)
                through = round(total) - left - right
                lines.append(f'  ["{one.id}", "{approach}", {left}, {through}, {right}],')
        lines += ["]", "pedestrians_h = ["]
        for one in signals:
            for group in ("PEW", "PNS"):
                lines.append(f'  ["{one.id}", "{group}", {round(share * 300)}],')
        yield [*lines, "]"]


def quoted(names: Iterable[str]) -> str:
    """Comma-separated TOML strings."""
    return ", ".join(f'"{name}"' for name in names)
