"""What is asked: a tariff is data - leg prices, joins, transfers, caps - never code.

Every money value is an integer in minor units of ``Tariff.currency``; times of day are seconds after
local midnight; an empty key matches everything. ``fares.read_tariff`` (TOML) and
``fares.tariff_from_feed`` (GTFS Fares v1, v2) both make a ``Tariff``; ``fares.settle`` reads it.

How a tap is priced, in this order:

1. **Leg.** The first ``FareRule`` that matches a tap gives its amount, product and leg group. None
   matches, or the first that could match needs a tap-off that is not there: *unknown*, never zero.
2. **Join.** A ``JoinRule`` that matches makes this leg and the one before one *effective leg*, priced
   from the first one's start to this one's end; the tap pays what is missing to that price.
3. **Transfer.** The first ``TransferRule`` that fits the leg before and this one keeps the journey
   going and says what this leg costs; without one, a new journey starts at the leg's own price.
4. **Caps.** The tap pays the least that any cap in scope allows, and accrues.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mobility.shown import Shown

if TYPE_CHECKING:
    from datetime import date

    from mobility.findings import Finding

# Day kinds of a timeframe: the seven weekdays, and "holiday".
DAY_KINDS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")

# The greatest amount of a fare, transfer or cap: 10^9 taps of it still fit into 64 bits.
MOST_MINOR = 1_000_000_000

Combine = Literal["min-remaining", "best-single"]
MissingTapOff = Literal["unknown", "maximum"]
TransferKind = Literal["A+AB", "A+AB+B", "AB", "free", "difference", "discount"]
Anchor = Literal["first-leg", "last-leg", "first-of-group"]
Edge = Literal["on", "off"]
PeriodKind = Literal["service-day", "calendar-week", "calendar-month", "rolling", "sliding"]
Accrues = Literal["charged", "nominal", "rides", "journeys"]


@dataclass(frozen=True, slots=True)
class Match:
    """A set of values, or all values but these.

    ``Match(frozenset({"bus"}))`` is a bus; ``Match(frozenset({"bus"}), negate=True)`` anything else.
    A value that a tap does not have (null) matches no ``Match``, negated or not.
    """

    values: frozenset[str]
    negate: bool = False

    def __contains__(self, value: str | None) -> bool:
        return value is not None and (value in self.values) != self.negate


@dataclass(frozen=True, slots=True)
class Timeframe:
    """One block of a timeframe; blocks of one id add up.

    Matches a tap whose local calendar day is of a kind in ``days`` (None: any day) - or, where
    ``dates`` is given, is one of these dates - and whose local time t has ``from_s <= t < to_s``.
    """

    id: str
    days: frozenset[str] | None = None
    from_s: int = 0
    to_s: int = 86_400
    dates: frozenset[date] | None = None


@dataclass(frozen=True, slots=True)
class FareRule:
    """The price of a leg, for the taps that match every key; None matches everything.

    Keys of the start: ``mode route network stop zone category medium timeframe``; of the end (known
    from a tap-off, or a column ``to_stop_id`` / ``to_zone``): ``to_stop to_zone to_timeframe``.
    ``zones`` matches taps whose set of zones passed (column ``zones``) is exactly this one (GTFS
    Fares v1, ``contains_id``). Areas of GTFS Fares v2 become sets of stops.

    ``amount`` None says that the rule matches and the price is unknown.
    """

    amount: int | None
    product: str = ""
    leg_group: str = ""
    mode: Match | None = None
    route: Match | None = None
    network: Match | None = None
    stop: Match | None = None
    to_stop: Match | None = None
    zone: Match | None = None
    to_zone: Match | None = None
    zones: frozenset[str] | None = None
    category: Match | None = None
    medium: Match | None = None
    timeframe: str | None = None
    to_timeframe: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class LegKeys:
    """Which legs one side of a transfer rule is about; None matches every leg."""

    leg_group: Match | None = None
    product: Match | None = None
    mode: Match | None = None
    route: Match | None = None
    network: Match | None = None
    stop: Match | None = None
    zone: Match | None = None
    category: Match | None = None
    medium: Match | None = None


@dataclass(frozen=True, slots=True)
class TransferRule:
    """What a leg costs that follows another one; directional, the first rule that fits is used.

    Parameters
    ----------
    before, after
        The leg before (``from``) and this one (``to``).
    kind
        What this leg costs, with A the journey so far, B this leg's own price:
        ``A+AB`` ``amount``; ``A+AB+B`` ``amount`` + B; ``AB`` the journey's first transfer makes both
        legs cost ``amount`` together, a later one costs ``amount``; ``free`` nothing;
        ``difference`` B minus the dearest leg so far, never below 0; ``discount`` B - ``amount``, never
        below 0. ``amount`` of the first three may be negative; a journey never costs less than 0.
    window_s
        Longest time, inclusive, from ``start`` of the ``anchor`` leg to ``end`` of this one; None is
        no limit. A time that is not known fits no window. GTFS duration_limit_type: 0 on -> off,
        1 on -> on, 2 off -> on, 3 off -> off.
    anchor
        ``first-leg`` of the journey, ``last-leg`` (the one before), or ``first-of-group``: the first
        of the unbroken row of legs of this leg group.
    max_transfers
        In a journey; None is no limit.
    group_transfers
        In an unbroken row of legs of one leg group (GTFS transfer_count); None is no limit. List the
        smallest first.
    same_route, same_mode
        False: does not fit where the journey already used this leg's route; where the leg before
        has this leg's mode. None: does not matter.
    same_product
        True: fits only where the leg before has this leg's product.
    final
        True: once both legs and the counts fit, a passed window ends the search: no transfer.
        False: the next rule is tried.
    """

    kind: TransferKind
    amount: int = 0
    before: LegKeys = field(default_factory=LegKeys)
    after: LegKeys = field(default_factory=LegKeys)
    window_s: int | None = None
    anchor: Anchor = "first-leg"
    start: Edge = "on"
    end: Edge = "on"
    max_transfers: int | None = None
    group_transfers: int | None = None
    same_route: bool | None = None
    same_mode: bool | None = None
    same_product: bool = False
    final: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True)
class JoinRule:
    """Consecutive legs that are one effective leg (GTFS fare_leg_join_rules).

    ``before_stop`` is where the leg before ends, ``after_stop`` where this one starts. Where neither
    is given both must lie in one station (``Tariff.stations``, else the same stop). A stop that is not
    known joins nothing.
    """

    before_network: Match | None = None
    after_network: Match | None = None
    before_stop: Match | None = None
    after_stop: Match | None = None


@dataclass(frozen=True, slots=True)
class Cap:
    """One level of a cap; blocks of one ``id`` are levels of the same account, by their validity.

    Parameters
    ----------
    amount, rides
        Exactly one: the limit in minor units, or in rides (journeys, with ``accrues="journeys"``).
    accrues
        What counts: the charge, the leg's price before transfers (``nominal``), taps (``rides``), or
        first legs of journeys (``journeys``: a leg that continues a journey is treated as its first).
    paid_only
        Nominal, rides and journeys count only where something is charged.
    crossing
        ``clip``: the trip that crosses pays up to the cap. ``full``: it pays in full.
    after
        Percent still paid beyond the cap, rounded half up.
    starts
        First weekday of a ``calendar-week``, 0 is Monday.
    days, anchor, clock
        Of ``rolling``: ``days`` from the first (paid) tap, as service days (``local-days``) or as
        24 hours each (``hours``). Of ``sliding``: this service day and the ``days - 1`` before.
    modes, routes, zones, networks, categories, media
        Scope. A leg is within ``zones`` where its start is, and its end as far as it is known.
    on_change
        ``new-level``: the level of the tap's date. ``old-until-period-end``: that of the period's
        first moment.
    """

    id: str
    period: PeriodKind
    amount: int | None = None
    rides: int | None = None
    accrues: Accrues = "charged"
    paid_only: bool = False
    crossing: Literal["clip", "full"] = "clip"
    after: int = 0
    starts: int = 0
    days: int = 1
    anchor: Literal["first-paid-tap", "first-tap"] = "first-paid-tap"
    clock: Literal["local-days", "hours"] = "local-days"
    modes: Match | None = None
    routes: Match | None = None
    zones: Match | None = None
    networks: Match | None = None
    categories: Match | None = None
    media: Match | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    on_change: Literal["new-level", "old-until-period-end"] = "new-level"


@dataclass(frozen=True)
class Tariff(Shown):
    """Everything that prices a tap.

    Parameters
    ----------
    currency
        ISO 4217.
    timezone
        IANA name; days, times of day and periods are local to it.
    service_day_start_s
        When a service day of the caps starts, seconds after local midnight (04:30 in London). Dates
        and times of timeframes and validity are of the calendar day, as in GTFS.
    holidays
        Of day kind ``holiday``, in timeframes that name it; a timeframe set without any ``holiday``
        takes them as Sundays (``has_holiday_kind``).
    fares
        The first that matches.
    networks
        Network of a route, used where taps have no column ``network``.
    zones
        Zone of a stop, used where taps have no column ``zone`` / ``to_zone``.
    stations
        Station of a stop, for joins.
    operators
        Operator of a route, for ``ledger.by("operator")`` where taps have no column ``operator``.
    join_window_s
        Longest time, inclusive, from the end of a leg (its start, where its end is not known) to the
        start of one that joins it; None is no limit.
    default_category, default_medium, default_route, default_stop
        Taken where a tap says nothing; "" leaves it unsaid.
    known_routes, known_stops
        Where given, a tap with another one is a finding.
    missing_tap_off
        What a leg costs whose price needs a tap-off that is not there: ``unknown``, or the
        ``maximum`` over every place where it could end. A price that needs the time of the tap-off
        (``to_timeframe``) stays unknown.
    findings
        Warnings about the tariff itself.
    """

    currency: str
    timezone: str
    fares: tuple[FareRule, ...]
    transfers: tuple[TransferRule, ...] = ()
    joins: tuple[JoinRule, ...] = ()
    caps: tuple[Cap, ...] = ()
    timeframes: tuple[Timeframe, ...] = ()
    service_day_start_s: int = 0
    combine: Combine = "min-remaining"
    holidays: frozenset[date] = frozenset()
    networks: dict[str, str] = field(default_factory=dict)
    zones: dict[str, str] = field(default_factory=dict)
    stations: dict[str, str] = field(default_factory=dict)
    operators: dict[str, str] = field(default_factory=dict)
    join_window_s: int | None = None
    default_category: str = ""
    default_medium: str = ""
    default_route: str = ""
    default_stop: str = ""
    known_routes: frozenset[str] | None = None
    known_stops: frozenset[str] | None = None
    missing_tap_off: MissingTapOff = "unknown"
    name: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def has_holiday_kind(self) -> bool:
        """Whether any timeframe names the day kind ``holiday``."""
        return any("holiday" in one.days for one in self.timeframes if one.days is not None)

    def __str__(self) -> str:
        name = self.name or "tariff"
        return (
            f"{name}: {self.currency}, {len(self.fares):,} fares, {len(self.transfers):,} transfer "
            f"rules, {len({one.id for one in self.caps}):,} caps"
        )
