"""What a tariff file may say, block by block; an unknown key is refused."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from mobility.fares.problem import MOST_MINOR

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Minor = Annotated[int, Field(strict=True, ge=-MOST_MINOR, le=MOST_MINOR)]
Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Percent = Annotated[int, Field(strict=True, ge=0, le=100)]
Days = Annotated[int, Field(strict=True, ge=1, le=400)]
_WINDOW = re.compile(r"^\s*(\d+)\s*(s|min|h|d)\s*$")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


def _many(value: object) -> object:
    """One text where a list may stand."""
    return [value] if isinstance(value, str) else value


def _day(value: object) -> object:
    """A date as TOML or as text, and nothing else."""
    if isinstance(value, date) and type(value) is date:
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return value
    raise ValueError('not a date: write "2025-03-01"')


def _window(value: object) -> object:
    match = _WINDOW.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('not a length of time: write "120min", "2h" or "900s"')
    return int(match[1]) * _SECONDS[match[2]]


def _text(value: object) -> object:
    """Ids are text; a bare number in the file is taken as one."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Id = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
Ids = Annotated[list[Id], BeforeValidator(_many), Field(min_length=1)]
Date = Annotated[date, BeforeValidator(_day)]
Window = Annotated[int, BeforeValidator(_window), Field(ge=0, le=40_000_000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


class TimeframePart(_Part):
    """When a timeframe is; an id may have several blocks."""

    id: Id
    days: list[Day] | None = None
    from_: Annotated[str, Field(alias="from")] = "00:00"
    to: str = "24:00"


class FarePart(_Part):
    """The price of a leg that matches every key."""

    amount: Minor
    mode: Ids | None = None
    route_id: Ids | None = None
    network: Ids | None = None
    stop_id: Ids | None = None
    to_stop_id: Ids | None = None
    zone: Ids | None = None
    to_zone: Ids | None = None
    zones: Ids | None = None
    category: Ids | None = None
    medium: Ids | None = None
    timeframe: Id | None = None
    to_timeframe: Id | None = None
    product: str = ""
    leg_group: str = ""
    valid_from: Date | None = None
    valid_to: Date | None = None


class TransferPart(_Part):
    """Legs joined into one journey."""

    price: Literal["free", "difference", "discount"]
    amount: Minor | None = None
    window: Window | None = None
    from_: Annotated[Literal["first-tap", "last-tap", "last-tap-off"], Field(alias="from")] = (
        "first-tap"
    )
    max_transfers: Count | None = None
    same_route: bool = True
    same_mode: bool = True
    from_mode: Ids | None = None
    to_mode: Ids | None = None
    from_network: Ids | None = None
    to_network: Ids | None = None
    from_leg_group: Ids | None = None
    to_leg_group: Ids | None = None
    category: Ids | None = None
    medium: Ids | None = None


class CapPart(_Part):
    """The most that a period costs."""

    id: Id
    period: Literal["service-day", "calendar-week", "calendar-month", "rolling", "sliding"]
    amount: Minor | None = None
    rides: Count | None = None
    accrues: Literal["charged", "nominal", "rides", "journeys"] | None = None
    paid_only: Annotated[bool, Field(alias="paid-only")] = False
    crossing: Literal["clip", "full"] = "clip"
    after: Percent = 0
    starts: Weekday = "mon"
    days: Days | None = None
    from_: Annotated[Literal["first-paid-tap", "first-tap"] | None, Field(alias="from")] = None
    clock: Literal["local-days", "hours"] | None = None
    modes: Ids | None = None
    routes: Ids | None = None
    zones: Ids | None = None
    networks: Ids | None = None
    categories: Ids | None = None
    media: Ids | None = None
    valid_from: Date | None = None
    valid_to: Date | None = None
    on_change: Literal["new-level", "old-until-period-end"] = "new-level"


class TariffPart(_Part):
    """Everything that a tariff file may say."""

    currency: str
    timezone: str
    service_day_start: str = "00:00"
    combine: Literal["min-remaining", "best-single"] = "min-remaining"
    holidays: list[Date] = []
    default_category: str = ""
    default_medium: str = ""
    missing_tap_off: Literal["unknown", "maximum"] = "unknown"
    networks: dict[str, list[Id]] = {}
    zones: dict[str, list[Id]] = {}
    operators: dict[str, list[Id]] = {}
    timeframe: list[TimeframePart] = []
    fare: list[FarePart] = []
    transfer: list[TransferPart] = []
    cap: list[CapPart] = []


PARTS: dict[str, type[BaseModel]] = {
    "timeframe": TimeframePart,
    "fare": FarePart,
    "transfer": TransferPart,
    "cap": CapPart,
}


def keys_at(location: tuple[int | str, ...]) -> list[str]:
    """Keys that are known in a place of the file, as in ("cap", 0)."""
    model: type[BaseModel] = TariffPart
    if location and location[0] in PARTS:
        model = PARTS[str(location[0])]
    return [field.alias or name for name, field in model.model_fields.items()]
