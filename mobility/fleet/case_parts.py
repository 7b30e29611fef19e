"""What a case file may say, section by section; an unknown key is refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mobility.units import DAY_S

# Rules that a case may mark soft.
SOFT_RULES = ("layover", "wait", "parking", "interline", "block", "relief")

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Whole = Annotated[int, Field(ge=0)]
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
    soft_minor: NotNegative = 0.0


class LayoverPart(_Part):
    """Least layover after some trips."""

    seconds: Whole = 0
    share: Annotated[float, Field(ge=0, le=10)] = 0.0
    stops: list[str] = []
    routes: list[str] = []
    hours: list[tuple[str, str]] = []


class TerminalPart(_Part):
    """Waiting and parking at some terminals."""

    stops: list[str]
    max_wait_s: Whole | None = None
    parking: Whole | None = None


class RoutePart(_Part):
    """Types of bus and depots that may serve some routes."""

    routes: list[str]
    allowed_types: list[str] = []
    allowed_depots: list[str] = []


class RulesPart(_Part):
    """What makes a connection allowed."""

    min_layover_s: Whole = 300
    max_wait_s: Whole | None = None
    layover: list[LayoverPart] = []
    terminal: list[TerminalPart] = []
    interline: list[list[str]] = []
    route: list[RoutePart] = []
    max_block_s: Annotated[int, Field(gt=0, le=DAY_S)] = DAY_S
    relief_max_s: Annotated[int, Field(gt=0)] | None = None
    relief_stops: list[str] = []
    shift_s: Whole = 0
    phase_s: Whole = 0
    soft: list[Literal["layover", "wait", "parking", "interline", "block", "relief"]] = []


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
    energy: Literal["electric", "diesel", "hydrogen"] = "electric"
    state_of_health: Annotated[float, Field(gt=0, le=1)] = 1.0
    curve: list[tuple[Fraction, Positive]] = []
    range_km: Positive | None = None
    refuel_min: NotNegative = 10.0
    fuel_km: NotNegative = 0.0
    count: Whole | None = None
    vehicle_day_minor: NotNegative | None = None
    passengers: Whole | None = None
    mass_kg: Positive | None = None
    hvac: Literal["heater", "heat-pump", "fuel-heater"] | list[tuple[float, NotNegative]] | None = (
        None
    )
    kwh_stop: NotNegative = 0.0
    hour_kw: NotNegative = 0.0
    kwh_km_full: NotNegative = 0.0


class EnergyPart(_Part):
    """What trips take beyond the type of bus; files are relative to the case."""

    load: float | list[float] | None = None
    heights: str | None = None
    file: str | None = None
    use: Literal["mean", "p90"] = "mean"


class WeatherPart(_Part):
    """Outside temperature, of the day or of each of its 24 hours."""

    temperature_c: float | list[float] | None = None
    temperature_file: str | None = None


class DepotPart(_Part):
    """One depot, at a stop or a place."""

    id: str
    stop_id: str | None = None
    lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    lon: Annotated[float, Field(ge=-180, le=180)] | None = None
    capacity: Whole | None = None
    chargers: Whole | None = None
    charger_kw: Positive | None = None
    site_kw: NotNegative | None = None
    pumps: Whole | None = None
    site_kw_by_time: list[tuple[str, NotNegative]] = []
    base_kw: list[tuple[str, NotNegative]] = []
    plug_ins: Annotated[int, Field(ge=1)] = 1
    buffer_s: Whole = 0
    setup_s: Whole = 0


class ChargerPart(_Part):
    """Opportunity chargers at a terminal."""

    stop_id: str
    count: Whole = 1
    kw: Positive = 300.0
    site_kw: NotNegative | None = None
    min_s: Whole = 0
    buffer_s: Whole = 0
    site_kw_by_time: list[tuple[str, NotNegative]] = []
    base_kw: list[tuple[str, NotNegative]] = []


class DemandPart(_Part):
    """A price per kW of a site's peak."""

    price: NotNegative
    period: Literal["day", "month", "year"] = "month"
    hours: list[tuple[str, str]] = []
    months: list[Annotated[int, Field(ge=1, le=12)]] = []
    interval_s: Annotated[int, Field(gt=0)] = 900
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = []
    billed_days: Annotated[int, Field(gt=0)] | None = None
    so_far_kw: NotNegative = 0.0


class TariffPart(_Part):
    """Prices of electricity."""

    energy: list[tuple[str, NotNegative]] = [("00:00", 0.0)]
    demand: list[DemandPart] = []
    slot_s: Annotated[int, Field(gt=0)] = 300
    diesel_l_minor: NotNegative = 0.0
    hydrogen_kg_minor: NotNegative = 0.0
    co2e_g_kwh: NotNegative | None = None
    system_kw: NotNegative | None = None


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
    energy: EnergyPart = EnergyPart()
    weather: WeatherPart = WeatherPart()
    next_day: str | dict[str, str] | None = None


def keys_at(location: tuple[int | str, ...]) -> list[str]:
    """Keys that are known in a place of the case file, as in ("rules", "layover", 0)."""
    model: type[BaseModel] = Case
    for name in location:
        if isinstance(name, int):
            continue
        inner = str(model.model_fields[name].annotation)
        model = next(one for one in PARTS if one.__name__ in inner)
    return list(model.model_fields)


PARTS: tuple[type[BaseModel], ...] = tuple(_Part.__subclasses__())
