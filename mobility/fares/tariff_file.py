"""The tariff file: TOML, checked, and never guessed at."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mobility.errors import ConfigError
from mobility.fares.problem import (
    Anchor,
    Cap,
    Edge,
    FareRule,
    LegKeys,
    Match,
    Tariff,
    Timeframe,
    TransferRule,
)
from mobility.fares.tariff_parts import (
    CapPart,
    FarePart,
    TariffPart,
    TimeframePart,
    TransferPart,
    keys_at,
)
from mobility.fares.tariff_rules import check_tariff
from mobility.findings import finding
from mobility.units import parse_time

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MEND = "see gtfs_samples/tariffs and docs/fares.md"


def available_tariffs() -> tuple[str, ...]:
    """Names of the tariffs that come with the engine.

    >>> "omny-2026" in available_tariffs()
    True
    """
    return tuple(sorted(_shipped()))


def _shipped() -> dict[str, Path]:
    """Tariffs beside the sample feeds: in the installed package, else beside it in a checkout."""
    here = Path(__file__).resolve().parents[1]
    folder = here / "_samples" if (here / "_samples").is_dir() else here.parent / "gtfs_samples"
    found = {one.parent.name: one for one in sorted(folder.glob("*/tariff.toml"))}
    found |= {one.stem: one for one in sorted((folder / "tariffs").glob("*.toml"))}
    if "santiago" in found:
        found["santiago-2025"] = found["santiago"]
    return found


def read_tariff(source: str | Path | dict[str, Any]) -> Tariff:
    """Read a tariff.

    Parameters
    ----------
    source
        A TOML file, the name of a shipped tariff (``available_tariffs()``), or the content of a file.

    Returns
    -------
    Tariff
        ``tariff.findings`` are warnings: a fare that can never match.

    Raises
    ------
    ConfigError
        When it cannot be read, says an unknown key (the nearest one is named), or contradicts itself.

    Examples
    --------
    >>> print(read_tariff("omny-2023"))
    omny-2023: USD, 1 fares, 2 transfer rules, 1 caps
    """
    if isinstance(source, dict):
        return tariff_of(source, "tariff")
    shipped = _shipped()
    name = str(source)
    path = shipped.get(name, Path(source))
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        near = get_close_matches(name, shipped, n=3)
        mend = (
            f"did you mean {', '.join(near)}?" if near else f"shipped: {', '.join(sorted(shipped))}"
        )
        raise ConfigError(f"{source}: {error.strerror}", mend=mend) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{source}: not TOML: {error}", mend=_MEND) from None
    short = name if name in shipped else path.stem
    return replace(tariff_of(content, name), name=short)


def tariff_of(content: dict[str, Any], file: str) -> Tariff:
    """Check the content of a tariff file and make a tariff of it."""
    try:
        part = TariffPart.model_validate(content)
    except ValidationError as error:
        raise _config_error(error, file) from None
    check_keys(part, file)
    tariff = Tariff(
        currency=part.currency,
        timezone=part.timezone,
        service_day_start_s=_time(part.service_day_start, f"{file}: service_day_start"),
        combine=part.combine,
        holidays=frozenset(part.holidays),
        fares=tuple(_fare(one) for one in part.fare),
        transfers=tuple(_transfer(one) for one in part.transfer),
        caps=tuple(_cap(one) for one in part.cap),
        timeframes=tuple(_timeframe(one, file) for one in part.timeframe),
        networks=_by_member(part.networks, f"{file}: networks"),
        zones=_by_member(part.zones, f"{file}: zones"),
        operators=_by_member(part.operators, f"{file}: operators"),
        default_category=part.default_category,
        default_medium=part.default_medium,
        missing_tap_off=part.missing_tap_off,
        name=Path(file).stem,
    )
    return replace(tariff, findings=check_tariff(tariff, file))


def check_keys(part: TariffPart, file: str) -> None:
    """Keys that go together, or not.

    Raises
    ------
    ConfigError
        Names the block and what it lacks.
    """
    for k, transfer in enumerate(part.transfer, 1):
        where = f"{file}: transfer {k}"
        if (transfer.price == "discount") != (transfer.amount is not None):
            raise ConfigError(
                f"{where}: price {transfer.price!r} {'needs' if transfer.amount is None else 'has no'} amount",
                mend='price = "discount" with amount = 200',
            )
    for cap in part.cap:
        where = f"{file}: cap {cap.id!r}"
        if (cap.amount is None) == (cap.rides is None):
            raise ConfigError(f"{where}: give amount or rides, one of the two", mend=_MEND)
        counts = cap.accrues in {"rides", "journeys"}
        if cap.accrues is not None and counts != (cap.rides is not None):
            raise ConfigError(
                f"{where}: accrues = {cap.accrues!r} does not go with {'amount' if cap.rides is None else 'rides'}",
                mend="rides count rides or journeys; an amount counts charged or nominal",
            )
        if (cap.period in {"rolling", "sliding"}) != (cap.days is not None):
            raise ConfigError(
                f"{where}: period {cap.period!r} {'needs' if cap.days is None else 'has no'} days",
                mend='period = "rolling" with days = 7',
            )
        if cap.period != "rolling" and (cap.from_ or cap.clock):
            raise ConfigError(f"{where}: from and clock are keys of a rolling period", mend=_MEND)
        if cap.period != "calendar-week" and cap.starts != "mon":
            raise ConfigError(f"{where}: starts is a key of a calendar-week", mend=_MEND)
        if cap.period == "sliding" and cap.on_change == "old-until-period-end":
            raise ConfigError(
                f"{where}: a sliding period has no end", mend='on_change = "new-level"'
            )


def _match(values: list[str] | None) -> Match | None:
    return None if values is None else Match(frozenset(values))


def _time(text: str, where: str) -> int:
    try:
        seconds = parse_time(text)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.message}", mend="write HH:MM") from None
    if seconds > 86_400:
        raise ConfigError(f"{where}: past 24:00 (found {text!r})", mend="write HH:MM, up to 24:00")
    return seconds


def _timeframe(part: TimeframePart, file: str) -> Timeframe:
    where = f"{file}: timeframe {part.id!r}"
    start, end = _time(part.from_, where), _time(part.to, where)
    if start >= end:
        raise ConfigError(
            f"{where}: ends at {part.to}, before it starts at {part.from_}",
            mend="past midnight: one block to 24:00, and one from 00:00",
        )
    days = None if part.days is None else frozenset(part.days)
    return Timeframe(part.id, days, start, end)


def _fare(part: FarePart) -> FareRule:
    return FareRule(
        amount=part.amount, product=part.product, leg_group=part.leg_group, mode=_match(part.mode),
        route=_match(part.route_id), network=_match(part.network), stop=_match(part.stop_id),
        to_stop=_match(part.to_stop_id), zone=_match(part.zone), to_zone=_match(part.to_zone),
        zones=None if part.zones is None else frozenset(part.zones),
        category=_match(part.category), medium=_match(part.medium), timeframe=part.timeframe,
        to_timeframe=part.to_timeframe, valid_from=part.valid_from, valid_to=part.valid_to,
    )  # fmt: skip


def _transfer(part: TransferPart) -> TransferRule:
    anchor: Anchor = "first-leg" if part.from_ == "first-tap" else "last-leg"
    start: Edge = "off" if part.from_ == "last-tap-off" else "on"
    return TransferRule(
        kind=part.price,
        amount=part.amount or 0,
        before=LegKeys(
            leg_group=_match(part.from_leg_group), mode=_match(part.from_mode),
            network=_match(part.from_network),
        ),
        after=LegKeys(
            leg_group=_match(part.to_leg_group), mode=_match(part.to_mode),
            network=_match(part.to_network), category=_match(part.category),
            medium=_match(part.medium),
        ),
        window_s=part.window,
        anchor=anchor,
        start=start,
        max_transfers=part.max_transfers,
        same_route=None if part.same_route else False,
        same_mode=None if part.same_mode else False,
    )  # fmt: skip


def _cap(part: CapPart) -> Cap:
    return Cap(
        id=part.id, period=part.period, amount=part.amount, rides=part.rides,
        accrues=part.accrues or ("charged" if part.rides is None else "rides"),
        paid_only=part.paid_only, crossing=part.crossing, after=part.after,
        starts=_WEEKDAYS.index(part.starts), days=part.days or 1,
        anchor=part.from_ or "first-paid-tap", clock=part.clock or "local-days",
        modes=_match(part.modes), routes=_match(part.routes), zones=_match(part.zones),
        networks=_match(part.networks), categories=_match(part.categories),
        media=_match(part.media), valid_from=part.valid_from, valid_to=part.valid_to,
        on_change=part.on_change,
    )  # fmt: skip


def _by_member(groups: dict[str, list[str]], where: str) -> dict[str, str]:
    """Which group each member is of."""
    found: dict[str, str] = {}
    for group, members in groups.items():
        for member in members:
            if found.setdefault(member, group) != group:
                raise ConfigError(
                    f"{where}: {member!r} is in {found[member]!r} and in {group!r}",
                    mend="each belongs to one",
                )
    return found


def _config_error(error: ValidationError, file: str) -> ConfigError:
    first = error.errors()[0]
    place = ".".join(str(one + 1) if isinstance(one, int) else one for one in first["loc"])
    if first["type"] == "extra_forbidden":
        known = keys_at(first["loc"][:-1])
        near = get_close_matches(str(first["loc"][-1]), known, n=1, cutoff=0.5)
        mend = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        return ConfigError(f"{file}: unknown key {place!r}", mend=mend)
    if first["type"] in {"less_than_equal", "greater_than_equal"} and place.endswith("amount"):
        return ConfigError.from_finding(  # type: ignore[return-value]
            finding("amount_overflow", file=file, column=place, value=first["input"])
        )
    if first["type"] == "missing":
        return ConfigError(f"{file}: {place} is missing", mend=_missing(str(first["loc"][-1])))
    return ConfigError(f"{file}: {place}: {first['msg']} (found {first['input']!r})", mend=_MEND)


def _missing(key: str) -> str:
    return {
        "period": 'period = "calendar-month"', "currency": 'currency = "CLP"', "amount": "amount = 290",
        "timezone": 'timezone = "America/Santiago"', "price": 'price = "difference"',
    }.get(key, f"give {key}")  # fmt: skip
