"""One signal of our own, with every kind of lamp sequence, and what its detectors might say."""

from __future__ import annotations

from mobility.signals.groups import Group, Sequence, State
from mobility.signals.intersection import Intersection, Stage
from mobility.signals.problem import Network, Rules
from mobility.signals.streams import Detection, approaches_of

FLASHING = Sequence(((State.RED_AMBER, 2),), ((State.FLASHING_GREEN, 3), (State.YELLOW, 3)))


def crossroads(*, free=True, **changed):
    """Two roads with left turns and people on foot; every kind of lamp sequence once."""
    groups = (
        Group("NS", approaches=("N", "S"), movements=("through",), lanes=2, sequence=FLASHING,
              max_red_s=150),
        Group("NL", approaches=("N", "S"), movements=("left",), min_green_s=5, countdown_s=4,
              max_red_s=150),
        Group("EW", approaches=("E", "W"), movements=("through",), max_green_s=45, min_red_s=8,
              max_red_s=150),
        Group("P", kind="pedestrian", sequence=Sequence((), ((State.CLEARANCE, 12),)), walk_s=6,
              crossing_m=14, max_red_s=150),
    )  # fmt: skip
    pairs = [("NS", "EW"), ("NL", "EW"), ("NL", "NS"), ("P", "NS"), ("P", "NL")]
    intergreen = {}
    for a, b in pairs:
        intergreen[a, b] = 2 if a == "P" else 5
        intergreen[b, a] = 2 if b == "P" else 5
    one = Intersection(
        "X", groups, (Stage("A", ("NS",), 20), Stage("B", ("NL",), 12), Stage("C", ("EW", "P"), 20)),
        intergreen_s=intergreen, order_free=free, cycle_range_s=(40, 180),
    )  # fmt: skip
    return Network((one,), rules=Rules(**changed))


def detections(network, now_s, rng, *, load=4):
    approaches = approaches_of(network)
    found = {}
    for one in network.intersections:
        n = len(approaches.of(one.id))
        counts = [float(rng.randrange(load)) for _ in range(n)]
        found[one.id] = Detection(
            one.id, now_s, tuple(counts), tuple(counts),
            tuple(tuple((float(4 * k), 1.0) for k in range(int(c))) for c in counts),
            tuple(0.0 if c else 9.0 for c in counts), tuple((0.0,) for _ in counts),
            tuple(20.0 for _ in counts),
        )  # fmt: skip
    return found
