"""The registry: every case that a benchmark may name, how to get it, and the best value known for it.

A case is data; building it is a function of its name. Real feeds lie in a folder beside the checkout
that is not part of the project: where it is missing, such a case says so and is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[1]
REAL_FEEDS = CHECKOUT.parent / "shared" / "gtfs"
WORK = Path(__file__).parent / ".work"  # what a benchmark builds for itself; never committed


@dataclass(frozen=True)
class Case:
    """One input, by name.

    ``copies`` replicates a feed with unique ids; ``best_known`` is the best objective or count that
    anyone has seen, in ``unit``, with its ``source``.
    """

    name: str
    domain: str
    feed: str
    copies: int = 1
    best_known: float | None = None
    unit: str = ""
    source: str = ""
    slow: bool = False


# Generators of made-up problems, and the file that each stands in.
MADE = {
    "carpaneto": "carpaneto",
    "city_like": "city",
    "devos_size": "devos",
    "santiago_city": "santiago_city",
}

CASES = (
    Case("santiago", "feed", "gtfs_samples/santiago", source="our synthetic sample"),
    Case("cairns", "feed", "cairns.zip", source="38 k stop times"),
    Case("hart", "feed", "hart.zip", source="436 k stop times"),
    Case(
        "hart_x12",
        "feed",
        "hart.zip",
        copies=12,
        source="hart 12 times, 5.2 M stop times",
        slow=True,
    ),
    Case("plan_santiago", "fleet", "gtfs_samples/santiago", source="our synthetic sample"),
    Case("plan_cairns", "fleet", "cairns.zip"),
    Case("plan_hart", "fleet", "hart.zip"),
    Case("plan_poa_eptc", "fleet", "poa_eptc.zip"),
    Case("plan_cdmx", "fleet", "cdmx.zip"),
    Case("plan_trimet2", "fleet", "trimet2.zip"),
    Case("plan_bart_new", "fleet", "bart_new.zip"),
)


def made(name: str) -> Callable[..., Any]:
    """A generator of made-up problems, by name.

    ``carpaneto(n, m, seed)``, ``city_like(trips, terminals, seed)``, ``devos_size(seed)``,
    ``santiago_city(seed)``.
    """
    if name not in MADE:
        raise KeyError(f"no made-up case is called {name!r}: there are {', '.join(MADE)}")
    generator: Callable[..., Any] = getattr(import_module(f"benchmarks.{MADE[name]}"), name)
    return generator


def names(domain: str, *, slow: bool = False) -> list[str]:
    """Names of a domain's cases that can be built here; the slow ones only when asked for."""
    return [
        one.name
        for one in CASES
        if one.domain == domain and (slow or not one.slow) and _source(one).exists()
    ]


def missing(domain: str) -> list[str]:
    """Names of a domain's cases whose feed is not on this machine."""
    return [one.name for one in CASES if one.domain == domain and not _source(one).exists()]


def case(name: str) -> Case:
    """Look a case up."""
    return next(one for one in CASES if one.name == name)


def feed_path(name: str) -> Path:
    """Path of a case's feed, built first where it is a replicated one."""
    one = case(name)
    if one.copies == 1:
        return _source(one)
    built = WORK / f"{one.name}.zip"
    if not built.exists():
        from benchmarks.replicate import replicate

        replicate(_source(one), built, one.copies)
    return built


def _source(one: Case) -> Path:
    return CHECKOUT / one.feed if "/" in one.feed else REAL_FEEDS / one.feed
