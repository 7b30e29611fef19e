"""A made-up grid of signals: four stages each, streets both ways, the plan of a careless engineer."""

from __future__ import annotations

import random

from mobility.signals.problem import Group, Intersection, Link, Network, Stage, Volumes


def grid_network(columns: int, rows: int, seed: int) -> Network:
    """Signals 250-400 m apart; every second one stands in the middle of a degree, so sides are plain."""
    rng = random.Random(seed)
    made, links, flows, people = [], [], {}, {}
    for x in range(columns):
        for y in range(rows):
            name = f"S{x:02d}{y:02d}"
            made.append(_signal(name, 30.0 + 0.003 * y, 100.0 + 0.0035 * x, rng))
            for side in "NESW":
                main = side in "EW"
                total = rng.uniform(500, 900) if main else rng.uniform(200, 500)
                for movement, share in (("left", 0.12), ("through", 0.75), ("right", 0.13)):
                    flows[name, side, movement] = round(total * share)
            people[name, "P1"] = people[name, "P2"] = 100.0
            for dx, dy in ((1, 0), (0, 1)):
                if x + dx < columns and y + dy < rows:
                    other = f"S{x + dx:02d}{y + dy:02d}"
                    metres = rng.uniform(250, 400)
                    links += [Link(name, other, metres, metres / 13.9, 2),
                              Link(other, name, metres, metres / 13.9, 2)]  # fmt: skip
    volumes = Volumes(7 * 3600, 9 * 3600, flows, people)
    return Network(tuple(made), tuple(links), volumes=(volumes,), source=f"grid {columns} x {rows}")


def _signal(name: str, lat: float, lon: float, rng: random.Random) -> Intersection:
    groups = (
        Group("EW", approaches=("E", "W"), movements=("through", "right"), lanes=2),
        Group("EWL", approaches=("E", "W"), movements=("left",)),
        Group("NS", approaches=("N", "S"), movements=("through", "right")),
        Group("NSL", approaches=("N", "S"), movements=("left",)),
        Group("P1", "pedestrian", walk_s=7, min_green_s=0),
        Group("P2", "pedestrian", walk_s=7, min_green_s=0),
    )
    stages = (
        Stage("A", ("EW", "P1"), 35), Stage("B", ("EWL",), 10),
        Stage("C", ("NS", "P2"), 25), Stage("D", ("NSL",), 10),
    )  # fmt: skip
    between = {}
    for a in ("EW", "EWL", "NS", "NSL", "P1", "P2"):
        for b in ("EW", "EWL", "NS", "NSL", "P1", "P2"):
            together = {a, b} in ({"EW", "P1"}, {"NS", "P2"}, {"P1", "P2"})
            if a != b and not together:
                between[a, b] = 8.0 if a in {"P1", "P2"} else 5.0
    spare = 100 - 80 - 5 * 2 - 8 * 2
    stages = (Stage("A", ("EW", "P1"), 35 + spare), *stages[1:])
    return Intersection(name, groups, stages, between, lat=lat, lon=lon, cycle_s=100,
                        offset_s=float(rng.randrange(100)), cycle_range_s=(60, 140))  # fmt: skip
