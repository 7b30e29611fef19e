"""The case file, ``fleet.toml``: read, checked, and never guessed at."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mobility.errors import ConfigError
from mobility.fleet.problem import Charger, Costs, Demand, Depot, Rules, Tariff, Vehicle
from mobility.units import DAY_S, minor_digits, parse_time

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServicePart(_Part):
    """Which trips."""

    modes: list[int] | None = None
    date: str | None = None


class CostsPart(_Part):
    """Prices of the operation, minor units."""

    vehicle_day_minor: NotNegative | None = None
    deadhead_km_minor: NotNegative | None = None
    waiting_h_minor: NotNegative | None = None


class RulesPart(_Part):
    """What makes a connection allowed."""

    min_layover_s: Annotated[int, Field(ge=0)] = 300
    max_wait_s: Annotated[int, Field(ge=0)] | None = None


class DeadheadsPart(_Part):
    """Empty runs."""

    factor: Annotated[float, Field(ge=1)] = 1.3
    speed_kmh: Positive | None = None
    file: str | None = None


class VehiclePart(_Part):
    """One type of bus."""

    id: str = "bus"
    battery_kwh: Positive | None = None
    min_soc: Fraction | None = None
    max_soc: Fraction | None = None
    start_soc: Fraction | None = None
    kwh_km: Positive | None = None
    max_kw: Positive | None = None
    source: str = ""


class DepotPart(_Part):
    """One depot, at a stop or a place."""

    id: str
    stop_id: str | None = None
    lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    lon: Annotated[float, Field(ge=-180, le=180)] | None = None
    capacity: Annotated[int, Field(ge=0)] | None = None
    chargers: Annotated[int, Field(ge=0)] | None = None
    charger_kw: Positive | None = None
    site_kw: NotNegative | None = None


class ChargerPart(_Part):
    """Opportunity chargers at a terminal."""

    stop_id: str
    count: Annotated[int, Field(ge=0)] = 1
    kw: Positive = 300.0
    site_kw: NotNegative | None = None


class DemandPart(_Part):
    """A price per kW of a site's peak."""

    price: NotNegative
    period: Literal["day", "month", "year"] = "month"
    hours: list[tuple[str, str]] = []
    months: list[Annotated[int, Field(ge=1, le=12)]] = []
    interval_s: Annotated[int, Field(gt=0)] = 900


class TariffPart(_Part):
    """Prices of electricity."""

    energy: list[tuple[str, NotNegative]] = [("00:00", 0.0)]
    demand: list[DemandPart] = []
    slot_s: Annotated[int, Field(gt=0)] = 300


class Case(_Part):
    """Everything a case file may say."""

    currency: str | None = None
    service: ServicePart = ServicePart()
    costs: CostsPart = CostsPart()
    rules: RulesPart = RulesPart()
    deadheads: DeadheadsPart = DeadheadsPart()
    vehicle: list[VehiclePart] = []
    depot: list[DepotPart] = []
    charger: list[ChargerPart] = []
    tariff: TariffPart | None = None


def read_case(source: str | Path | dict[str, Any]) -> tuple[Case, Path]:
    """Read a case file; the case and the folder its own files are relative to.

    Raises
    ------
    ConfigError
        When the file cannot be read, is no TOML, or has an unknown key or a wrong value.
    """
    if isinstance(source, dict):
        return check_case(source, "case"), Path()
    path = Path(source)
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", mend="--case FILE.toml") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: not TOML: {error}", mend="see gtfs_samples/santiago/fleet.toml"
        ) from None
    return check_case(content, str(path)), path.parent


def check_case(content: dict[str, Any], name: str = "case") -> Case:
    """Check the content of a case file.

    Raises
    ------
    ConfigError
        Names the place and, for an unknown key, the nearest key that exists.
    """
    try:
        case = Case.model_validate(content)
    except ValidationError as error:
        raise _config_error(error, name) from None
    if case.currency is not None:
        minor_digits(case.currency)
    return case


def tariff_of(part: TariffPart | dict[str, Any]) -> Tariff:
    """Times of day to seconds; intervals that do not tile the day are refused."""
    if isinstance(part, dict):
        part = check_case({"tariff": part}, "tariff").tariff or TariffPart()
    for seconds, name in (
        (part.slot_s, "slot_s"),
        *((one.interval_s, "interval_s") for one in part.demand),
    ):
        if DAY_S % seconds:
            raise ConfigError(
                f"tariff.{name} must divide the day (found {seconds})", mend="as in 300 or 900"
            )
    if not part.energy:
        raise ConfigError("tariff.energy is empty", mend='energy = [["00:00", 95.0]]')
    prices = sorted((parse_time(at) % DAY_S, float(price)) for at, price in part.energy)
    if len({at for at, _ in prices}) < len(prices):
        raise ConfigError("tariff.energy gives two prices from one time on")
    return Tariff(
        energy=tuple(prices),
        demand=tuple(
            Demand(one.price, one.period, tuple((parse_time(a), parse_time(b)) for a, b in one.hours),
                   tuple(one.months), one.interval_s)
            for one in part.demand
        ),
        slot_s=part.slot_s,
    )  # fmt: skip


def costs_of(part: CostsPart, default: Costs) -> Costs:
    """Costs, with the default where the case says nothing."""
    given = part.model_dump(exclude_none=True)
    return Costs(**{**default.__dict__, **given})


def rules_of(part: RulesPart) -> Rules:
    """Rules of the case."""
    return Rules(**part.model_dump())


def vehicle_of(part: VehiclePart, default: Vehicle) -> Vehicle:
    """A bus, with the default's figures where the case says nothing; starts at its upper limit."""
    given = part.model_dump(exclude_none=True)
    if "max_soc" in given and "start_soc" not in given:
        given["start_soc"] = given["max_soc"]
    return Vehicle(**{**default.__dict__, **given})


def depot_of(part: DepotPart, default_kw: float) -> Depot:
    """A depot; one that is given by its place gets the place's name ``depot:ID``."""
    if part.stop_id is None and (part.lat is None or part.lon is None):
        raise ConfigError(f"depot {part.id!r} has no place", mend="give stop_id, or lat and lon")
    return Depot(
        id=part.id, stop_id=part.stop_id or f"depot:{part.id}", capacity=part.capacity,
        chargers=part.chargers, charger_kw=part.charger_kw or default_kw, site_kw=part.site_kw,
    )  # fmt: skip


def charger_of(part: ChargerPart) -> Charger:
    """Opportunity chargers of a terminal."""
    return Charger(**part.model_dump())


def _config_error(error: ValidationError, name: str) -> ConfigError:
    first = error.errors()[0]
    place = ".".join(str(one) for one in first["loc"])
    if first["type"] == "extra_forbidden":
        known = _keys(first["loc"][:-1])
        near = get_close_matches(str(first["loc"][-1]), known, n=1, cutoff=0.5)
        mend = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        return ConfigError(f"{name}: unknown key {place!r}", mend=mend)
    return ConfigError(f"{name}: {place}: {first['msg']} (found {first['input']!r})",
                       mend="see gtfs_samples/santiago/fleet.toml")  # fmt: skip


def _keys(location: tuple[int | str, ...]) -> list[str]:
    parts: dict[tuple[str, ...], type[BaseModel]] = {
        (): Case, ("service",): ServicePart, ("costs",): CostsPart, ("rules",): RulesPart,
        ("deadheads",): DeadheadsPart, ("vehicle",): VehiclePart, ("depot",): DepotPart,
        ("charger",): ChargerPart, ("tariff",): TariffPart, ("tariff", "demand"): DemandPart,
    }  # fmt: skip
    model = parts.get(tuple(one for one in location if isinstance(one, str)), Case)
    return list(model.model_fields)
