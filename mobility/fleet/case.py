"""The case file, ``fleet.toml``: read, checked, and never guessed at."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mobility.errors import ConfigError
from mobility.fleet.assets import Charger, Depot, Vehicle
from mobility.fleet.case_parts import (
    Case,
    ChargerPart,
    CostsPart,
    DepotPart,
    EnergyPart,
    RulesPart,
    TariffPart,
    VehiclePart,
    WeatherPart,
    keys_at,
)
from mobility.fleet.consumption import HVAC_KW, USUAL_LOAD, Consumption, Hourly, of_day
from mobility.fleet.consumption_table import read_consumption, read_heights, read_temperatures
from mobility.fleet.prices import Costs, Demand, Tariff
from mobility.fleet.rules import Layover, RouteRule, Rules, Terminal
from mobility.units import DAY_S, minor_digits, parse_time

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


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
            Demand(
                one.price,
                one.period,
                _hours(one.hours),
                tuple(one.months),
                one.interval_s,
                tuple(_WEEKDAYS.index(day) for day in one.days),
                one.billed_days,
                one.so_far_kw,
            )
            for one in part.demand
        ),
        slot_s=part.slot_s,
        diesel_l_minor=part.diesel_l_minor,
        hydrogen_kg_minor=part.hydrogen_kg_minor,
        co2e_g_kwh=part.co2e_g_kwh,
        system_kw=part.system_kw,
    )


def _by_time(pairs: list[tuple[str, float]]) -> tuple[tuple[int, float], ...]:
    return tuple(sorted((parse_time(at) % DAY_S, float(kw)) for at, kw in pairs))


def _hours(pairs: list[tuple[str, str]]) -> tuple[tuple[int, int], ...]:
    return tuple((parse_time(one), parse_time(other)) for one, other in pairs)


def costs_of(part: CostsPart, default: Costs) -> Costs:
    """Costs, with the default where the case says nothing."""
    given = part.model_dump(exclude_none=True)
    return Costs(**{**default.__dict__, **given})


def rules_of(part: RulesPart) -> Rules:
    """Rules of the case; times of day to seconds, lists to tuples."""
    return Rules(
        min_layover_s=part.min_layover_s,
        max_wait_s=part.max_wait_s,
        layovers=tuple(
            Layover(one.seconds, one.share, tuple(one.stops), tuple(one.routes), _hours(one.hours))
            for one in part.layover
        ),
        terminals=tuple(
            Terminal(tuple(one.stops), one.max_wait_s, one.parking) for one in part.terminal
        ),
        interline=tuple(tuple(group) for group in part.interline),
        routes=tuple(
            RouteRule(tuple(one.routes), tuple(one.allowed_types), tuple(one.allowed_depots))
            for one in part.route
        ),
        max_block_s=part.max_block_s,
        relief_max_s=part.relief_max_s,
        relief_stops=tuple(part.relief_stops),
        shift_s=part.shift_s,
        phase_s=part.phase_s,
        soft=tuple(part.soft),
    )


def vehicle_of(part: VehiclePart, default: Vehicle) -> Vehicle:
    """A bus, with the default's figures where the case says nothing; starts at its upper limit."""
    given = part.model_dump(exclude_none=True)
    if "max_soc" in given and "start_soc" not in given:
        given["start_soc"] = given["max_soc"]
    given["curve"] = tuple(part.curve)
    if part.hvac is not None:
        given["hvac"] = HVAC_KW[part.hvac] if isinstance(part.hvac, str) else tuple(part.hvac)
    return Vehicle(**{**default.__dict__, **given})


def consumption_of(
    part: EnergyPart, folder: Path, vehicles: tuple[Vehicle, ...]
) -> Consumption | None:
    """Load, heights and measured consumption of ``[energy]``; None where it says nothing.

    Raises
    ------
    ConfigError, TableError
        When a figure is out of range, a file cannot be read, or a cell of one is wrong.
    """
    if part == EnergyPart():
        return None
    load: Any = USUAL_LOAD if part.load is None else part.load
    types = [one.id for one in vehicles]
    return Consumption(
        load=tuple(load) if isinstance(load, list) else load,
        heights_m=read_heights(folder / part.heights) if part.heights else {},
        table=read_consumption(folder / part.file, types) if part.file else None,
        use=part.use,
    )


def temperature_of(part: WeatherPart, folder: Path) -> Hourly | None:
    """Outside temperature of ``[weather]``, C; None where it says nothing.

    Raises
    ------
    ConfigError, TableError
        When it is given twice, is out of range, or its file is wrong.
    """
    if part.temperature_file is not None:
        if part.temperature_c is not None:
            raise ConfigError("weather gives temperature_c and temperature_file",
                              mend="leave one of the two")  # fmt: skip
        return read_temperatures(folder / part.temperature_file)
    if part.temperature_c is None:
        return None
    value: Any = part.temperature_c
    of_day("temperature_c", value, -60.0, 60.0)
    return tuple(value) if isinstance(value, list) else float(value)


def depot_of(part: DepotPart, default_kw: float) -> Depot:
    """A depot; one that is given by its place gets the place's name ``depot:ID``."""
    if part.stop_id is None and (part.lat is None or part.lon is None):
        raise ConfigError(f"depot {part.id!r} has no place", mend="give stop_id, or lat and lon")
    return Depot(
        id=part.id, stop_id=part.stop_id or f"depot:{part.id}", capacity=part.capacity,
        chargers=part.chargers, charger_kw=part.charger_kw or default_kw, site_kw=part.site_kw,
        pumps=part.pumps, site_kw_by_time=_by_time(part.site_kw_by_time), base_kw=_by_time(part.base_kw),
        plug_ins=part.plug_ins, buffer_s=part.buffer_s, setup_s=part.setup_s,
    )  # fmt: skip


def charger_of(part: ChargerPart) -> Charger:
    """Opportunity chargers of a terminal."""
    told = part.model_dump()
    for name in ("site_kw_by_time", "base_kw"):
        told[name] = _by_time(told[name])
    return Charger(**told)


def _config_error(error: ValidationError, name: str) -> ConfigError:
    first = error.errors()[0]
    place = ".".join(str(one) for one in first["loc"])
    if first["type"] == "extra_forbidden":
        known = keys_at(first["loc"][:-1])
        near = get_close_matches(str(first["loc"][-1]), known, n=1, cutoff=0.5)
        mend = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        return ConfigError(f"{name}: unknown key {place!r}", mend=mend)
    return ConfigError(f"{name}: {place}: {first['msg']} (found {first['input']!r})",
                       mend="see gtfs_samples/santiago/fleet.toml")  # fmt: skip
