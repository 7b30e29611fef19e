"""What a tariff must not say, and what it says in vain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from mobility.errors import ConfigError
from mobility.fares.problem import DAY_KINDS
from mobility.findings import Finding, finding

if TYPE_CHECKING:
    from datetime import date

    from mobility.fares.problem import Cap, FareRule, Match, Tariff, Timeframe

# ISO 4217 list one, active currencies of 2024.
CURRENCIES = frozenset(
    """AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN
    BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
    GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD
    KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO
    NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS
    SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST
    XAF XCD XOF XPF YER ZAR ZMW ZWG""".split()
)


def check_tariff(tariff: Tariff, file: str = "tariff") -> tuple[Finding, ...]:
    """Check that a tariff says one thing, and find fares that can never match.

    Returns
    -------
    tuple of Finding
        Warnings.

    Raises
    ------
    ConfigError
        Unknown currency or zone, overlapping timeframes, a negative fare, a cap whose blocks differ.
    """
    _check_names(tariff, file)
    overlapping_timeframes(tariff, file)
    for k, fare in enumerate(tariff.fares, 1):
        if fare.amount is not None and fare.amount < 0:
            raise ConfigError.from_finding(
                finding("negative_fare", file=file, column=f"fare {k}.amount", value=fare.amount)
            )
        for name in (fare.timeframe, fare.to_timeframe):
            if name is not None and name not in {one.id for one in tariff.timeframes}:
                known = ", ".join(sorted({one.id for one in tariff.timeframes}))
                raise ConfigError(
                    f"{file}: fare {k}: no timeframe is called {name!r}", mend=f"there are {known}"
                )
    for rule in tariff.transfers:
        if rule.kind == "discount" and rule.amount < 0:
            raise ConfigError(
                f"{file}: a transfer's discount is negative", mend="write it positive"
            )
    _check_caps(tariff.caps, file)
    if not tariff.fares:
        raise ConfigError(f"{file}: no fare", mend="[[fare]] with amount = 290")
    return (*_never_matching(tariff, file), *_unused_timeframes(tariff, file))


def _check_names(tariff: Tariff, file: str) -> None:
    if tariff.currency not in CURRENCIES:
        raise ConfigError.from_finding(
            finding("unknown_currency", file=file, column="currency", value=tariff.currency)
        )
    try:
        ZoneInfo(tariff.timezone)
    except (KeyError, ValueError, OSError):
        raise ConfigError(
            f"{file}: no such time zone (found {tariff.timezone!r})",
            mend="an IANA name, as in America/Santiago",
        ) from None


def overlapping_timeframes(tariff: Tariff, file: str) -> None:
    """Refuse two blocks that hold on one day at one time."""
    blocks = [one for one in tariff.timeframes if one.dates is None]
    for k, one in enumerate(blocks):
        for other in blocks[k + 1 :]:
            shared = _kinds(one, tariff) & _kinds(other, tariff)
            if shared and one.from_s < other.to_s and other.from_s < one.to_s:
                day = min(shared, key=DAY_KINDS.index)
                raise ConfigError.from_finding(
                    finding(
                        "overlapping_timeframes",
                        f"timeframes {one.id!r} and {other.id!r} overlap on {day}",
                        file=file,
                        column="timeframe",
                        value=f"{_hours(one)} and {_hours(other)}",
                    )
                )


def _kinds(one: Timeframe, tariff: Tariff) -> set[str]:
    if one.days is None:
        return set(DAY_KINDS)
    return set(one.days) | (
        {"holiday"} if not tariff.has_holiday_kind and "sun" in one.days else set()
    )


def _hours(one: Timeframe) -> str:
    return f"{one.from_s // 3600:02d}:{one.from_s // 60 % 60:02d}-{one.to_s // 3600:02d}:{one.to_s // 60 % 60:02d}"


def _check_caps(caps: tuple[Cap, ...], file: str) -> None:
    """Blocks of one id differ in level and validity only, and no two are valid on one day."""
    first: dict[str, Cap] = {}
    for one in caps:
        head = first.setdefault(one.id, one)
        level: dict[str, Any] = {
            "amount": None,
            "rides": None,
            "crossing": "clip",
            "after": 0,
            "valid_from": None,
            "valid_to": None,
        }
        if replace(one, **level) != replace(head, **level) or (one.rides is None) != (
            head.rides is None
        ):
            raise ConfigError(
                f"{file}: blocks of cap {one.id!r} differ in more than level and validity",
                mend="give the other cap an id of its own",
            )
    for k, one in enumerate(caps):
        for other in caps[k + 1 :]:
            if one.id == other.id and _share_days(one, other):
                raise ConfigError(
                    f"{file}: two levels of cap {one.id!r} are valid on one day",
                    mend="end the first the day before the second: valid_to, valid_from",
                )
    for one in caps:
        _check_validity(one.valid_from, one.valid_to, f"{file}: cap {one.id!r}")


def _share_days(one: Cap, other: Cap) -> bool:
    starts = [day for day in (one.valid_from, other.valid_from) if day is not None]
    ends = [day for day in (one.valid_to, other.valid_to) if day is not None]
    return not starts or not ends or max(starts) <= min(ends)


def _check_validity(start: date | None, end: date | None, where: str) -> None:
    if start is not None and end is not None and start > end:
        raise ConfigError(f"{where}: valid_to {end} is before valid_from {start}", mend="swap them")


def _never_matching(tariff: Tariff, file: str) -> list[Finding]:
    """Fares behind one that matches whatever they match, or whose keys exclude each other."""
    found = []
    for k, fare in enumerate(tariff.fares):
        _check_validity(fare.valid_from, fare.valid_to, f"{file}: fare {k + 1}")
        for j, earlier in enumerate(tariff.fares[:k]):
            if _covers(earlier, fare):
                found.append(
                    finding(
                        "fare_never_matches",
                        f"fare {k + 1} can never match: fare {j + 1} matches first",
                        file=file,
                        column=f"fare {k + 1}",
                        value=fare.amount,
                    )
                )
                break
    return found


def _covers(earlier: FareRule, later: FareRule) -> bool:
    """Whether the earlier one matches every tap that the later one matches.

    An earlier fare that asks for the end of the leg covers only a later one that asks the same: a
    tap without tap-off may be known to one and not to the other.
    """
    for name in (
        "mode",
        "route",
        "network",
        "stop",
        "to_stop",
        "zone",
        "to_zone",
        "category",
        "medium",
    ):
        if not _wider(getattr(earlier, name), getattr(later, name)):
            return False
    if earlier.zones is not None and earlier.zones != later.zones:
        return False
    for name in ("timeframe", "to_timeframe"):
        if getattr(earlier, name) not in {None, getattr(later, name)}:
            return False
    if earlier.valid_from and (not later.valid_from or later.valid_from < earlier.valid_from):
        return False
    return not (earlier.valid_to and (not later.valid_to or later.valid_to > earlier.valid_to))


def _wider(one: Match | None, other: Match | None) -> bool:
    if one is None:
        return True
    if other is None:
        return False
    if not one.negate and not other.negate:
        return other.values <= one.values
    if one.negate and not other.negate:
        return not (one.values & other.values)
    if one.negate and other.negate:
        return one.values <= other.values
    return False


def _unused_timeframes(tariff: Tariff, file: str) -> list[Finding]:
    used = {name for one in tariff.fares for name in (one.timeframe, one.to_timeframe)}
    return [
        finding("timeframe_unused", file=file, column="timeframe", value=name)
        for name in sorted({one.id for one in tariff.timeframes} - used)
    ]
