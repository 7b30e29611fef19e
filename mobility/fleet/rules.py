"""A planner's rules: what makes a connection, a block and a bus on a route allowed."""

from __future__ import annotations

from dataclasses import dataclass

from mobility.errors import ConfigError
from mobility.fleet.limits import not_negative
from mobility.units import DAY_S


@dataclass(frozen=True)
class Layover:
    """Least layover after some trips: the larger of ``seconds`` and ``share`` of the trip's time.

    It counts for trips that end at one of ``stops``, run on one of ``routes`` and end within
    ``hours`` ((from_s, to_s) of the day, start <= t < end, may wrap); empty is any.
    """

    seconds: int = 0
    share: float = 0.0
    stops: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    hours: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        not_negative("rules.layover.seconds", self.seconds)
        not_negative("rules.layover.share", self.share)


@dataclass(frozen=True)
class Terminal:
    """How long buses may stand at some stops, and how many at once; None is no limit."""

    stops: tuple[str, ...]
    max_wait_s: int | None = None
    parking: int | None = None

    def __post_init__(self) -> None:
        not_negative("rules.terminal.max_wait_s", self.max_wait_s)
        not_negative("rules.terminal.parking", self.parking)


@dataclass(frozen=True)
class RouteRule:
    """Which types of bus and which depots may serve some routes; empty is any."""

    routes: tuple[str, ...]
    allowed_types: tuple[str, ...] = ()
    allowed_depots: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rules:
    """What makes a connection, a block and a bus on a route allowed.

    Parameters
    ----------
    min_layover_s
        Stands between two trips of a bus, where none of ``layovers`` says otherwise; the first of
        them that fits a trip counts.
    max_wait_s
        A bus that would stand longer at a terminal goes back to its depot, where it parks without a
        driver. ``terminals`` says otherwise for some, and how many buses may stand there at once.
    interline
        Groups of routes that may share a bus. A route of no group shares with no other route;
        without any group all routes may share.
    routes
        Types and depots by route; the first that names a route counts.
    max_block_s
        Longest block, from pull-out to pull-in.
    relief_max_s, relief_stops
        A driver is relieved at a depot, or where the bus stands at one of ``relief_stops``; between
        two reliefs lie at most ``relief_max_s``.
    shift_s, phase_s
        Departures of headway services (``headway`` in the trips) may move by so much either way, and
        the whole series of a route direction by ``phase_s``; ``fleet.shift`` moves them.
    soft
        Names of rules that need not hold: a plan that breaks one is told so, not refused.
    """

    min_layover_s: int = 300
    max_wait_s: int | None = None
    layovers: tuple[Layover, ...] = ()
    terminals: tuple[Terminal, ...] = ()
    interline: tuple[tuple[str, ...], ...] = ()
    routes: tuple[RouteRule, ...] = ()
    max_block_s: int = DAY_S
    relief_max_s: int | None = None
    relief_stops: tuple[str, ...] = ()
    shift_s: int = 0
    phase_s: int = 0
    soft: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("min_layover_s", "max_wait_s", "relief_max_s", "shift_s", "phase_s"):
            not_negative(f"rules.{name}", getattr(self, name))
        if not 0 < self.max_block_s <= DAY_S:
            raise ConfigError(
                f"rules.max_block_s must be above 0 and at most {DAY_S} (found {self.max_block_s})",
                mend="57600 is 16 hours",
            )
        twice = [route for group in self.interline for route in group]
        if len(set(twice)) < len(twice):
            route = next(one for one in twice if twice.count(one) > 1)
            raise ConfigError(
                f"rules.interline: route {route!r} is in two groups", mend="one group a route"
            )
