"""What ``signals.toml`` may say, section by section; an unknown key is refused."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Reference = Literal["begin-green", "begin-yellow", "end-yellow"]
Movement = Literal["left", "through", "right", "u-turn"]
Range = tuple[Positive, Positive]
Three = tuple[NotNegative, NotNegative, NotNegative]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DefaultsPart(_Part):
    """What holds where a signal or group says nothing."""

    yellow_s: NotNegative = 3
    all_red_s: NotNegative = 2
    red_amber_s: NotNegative = 0
    flashing_green_s: NotNegative = 0
    min_green_s: NotNegative = 7
    max_green_s: Positive | None = None
    max_red_s: Positive | None = None
    min_red_s: NotNegative = 0
    walk_s: NotNegative = 7
    walk_may_be_cut: bool = False
    saturation_lane_vph: Positive = 1800
    offset_reference: Reference = "begin-green"
    master_clock_zero: str = "00:00"
    cycle_range_s: Range = (40, 180)
    countdown_s: NotNegative = 0


class GroupPart(_Part):
    """One signal group."""

    id: str
    kind: Literal["vehicle", "pedestrian", "bus", "tram", "bicycle"] = "vehicle"
    approaches: list[str] = Field(default=[], alias="from")
    movements: list[Movement] = []
    lanes: Annotated[int, Field(ge=1)] = 1
    saturation_lane_vph: Positive | None = None
    yellow_s: NotNegative | None = None
    all_red_s: NotNegative | None = None
    red_amber_s: NotNegative | None = None
    flashing_green_s: NotNegative | None = None
    min_green_s: NotNegative | None = None
    max_green_s: Positive | None = None
    max_red_s: Positive | None = None
    min_red_s: NotNegative | None = None
    countdown_s: NotNegative | None = None
    walk_s: NotNegative | None = None
    clearance_s: Positive | None = None
    walk_may_be_cut: bool | None = None
    crossing_m: NotNegative = 0
    detectors: list[str] = []


class StagePart(_Part):
    """Groups that are green together."""

    id: str
    groups: Annotated[list[str], Field(min_length=1)]
    green_s: NotNegative = 0
    optional: bool = False


class RingsPart(_Part):
    """Ring-barrier control: ring, barrier group, groups in order."""

    rings: Annotated[list[list[list[str]]], Field(min_length=1)]
    may_swap: bool = True
    optional: list[str] = []
    splits_s: dict[str, NotNegative] = {}
    pedestrians: dict[str, str] = {}


class DetectorPart(_Part):
    """A detector of a signal."""

    id: str
    kind: Literal["call", "extend", "check-in", "check-out", "count"] = "extend"
    lanes: list[str] = []
    distance_m: NotNegative = 0
    length_m: NotNegative = 0
    extend_s: NotNegative = 0
    delay_s: NotNegative = 0


class SignalPart(_Part):
    """One signal."""

    id: str
    name: str = ""
    lat: Latitude | None = None
    lon: Longitude | None = None
    cycle_s: NotNegative = 0
    offset_s: float = 0
    reference: Reference | None = None
    reference_stage: str = ""
    cycle_range_s: Range | None = None
    linked: bool = True
    lock: list[Literal["splits", "offset", "offsets", "order"]] = []
    groups: Annotated[list[GroupPart], Field(min_length=1)]
    stages: list[StagePart] = []
    order: list[str] = []
    rings: RingsPart | None = None
    intergreen_s: list[tuple[str, str, NotNegative]] = []
    conflicts: list[tuple[str, str]] = []
    permissive: list[tuple[str, str]] = []
    detectors: list[DetectorPart] = []


class DispersionPart(_Part):
    """Robertson's platoon dispersion."""

    alpha: NotNegative = 0.35
    beta: Annotated[float, Field(ge=0, le=1)] = 0.8


class LinkPart(_Part):
    """A street from one signal to the next."""

    from_signal: str = Field(alias="from")
    to_signal: str = Field(alias="to")
    distance_m: Positive
    travel_s: Positive
    lanes: Annotated[int, Field(ge=1)] = 1
    approach: str = ""
    dispersion: DispersionPart = DispersionPart()


class BusRoutePart(_Part):
    """A bus line through signals."""

    route_id: str
    direction_id: int = 0
    signals: Annotated[list[str], Field(min_length=1)]
    occupancy: NotNegative = 40


class BusStopPart(_Part):
    """A stop between two signals."""

    stop_id: str
    link: tuple[str, str]
    after_m: NotNegative
    dwell_mean_s: NotNegative = 20
    dwell_sd_s: NotNegative = 0


class DemandPart(_Part):
    """Volumes of one period: signal, approach, left, through, right."""

    from_time: str = Field(alias="from")
    to_time: str = Field(alias="to")
    car_occupancy: Positive = 1.3
    vehicles_h: list[tuple[str, str, NotNegative, NotNegative, NotNegative]] = []
    pedestrians_h: list[tuple[str, str, NotNegative]] = []


class PlacePart(_Part):
    """A place."""

    lat: Latitude
    lon: Longitude


class EmergencyRoutePart(_Part):
    """A fire engine's way."""

    id: str
    name: str = ""
    station: PlacePart | None = None
    destination: PlacePart | None = None
    signals: Annotated[list[str], Field(min_length=1)]
    movements: list[Movement] = []
    approach: str = Field(default="", alias="from")
    speed_kmh: Positive = 50
    turnout_s: NotNegative = 60
    target_s: Positive | None = None


class CrossingPart(_Part):
    """What people on foot are promised at one place."""

    signal: str
    group: str = ""
    place: str = ""
    older_people: bool = False
    pace_m_s: Positive | None = None
    max_wait_s: Positive | None = None
    leading_walk_s: NotNegative = 0


class ValuesPart(_Part):
    """What things are worth: low, middle and high."""

    currency: str | None = None
    hour_minor: Three | None = None
    idle_l_h: Three | None = None
    stop_l: Three | None = None
    fuel_minor_l: Three | None = None
    co2_kg_l: Three | None = None
    co2_minor_t: Three | None = None
    days: Three | None = None


class RulesPart(_Part):
    """What control in real time may do."""

    recover_cycles: Annotated[int, Field(ge=0)] = 3
    coordination_s: NotNegative = 0
    priority_lockout_s: NotNegative = 0
    horizon_s: NotNegative = 60
    stale_s: NotNegative = 5
    insert_stages: bool = False
    rotate_stages: bool = False


class ServicePart(_Part):
    """How buses are judged, and what differs from day to day."""

    on_time_s: tuple[Finite, Finite] = (-60.0, 300.0)
    start_late_s: NotNegative = 30.0
    run_cv: NotNegative = 0.1

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        low, high = self.on_time_s
        if not low <= high:
            raise ValueError(f"on_time_s: {low:g} is not before {high:g}")
        return self


class Case(_Part):
    """Everything that a file of signals may say."""

    city: str = ""
    timezone: str = "UTC"
    corridor: str = ""
    drives_on: Literal["left", "right"] = "right"
    defaults: DefaultsPart = DefaultsPart()
    rules: RulesPart = RulesPart()
    service: ServicePart = ServicePart()
    signal: Annotated[list[SignalPart], Field(min_length=1)]
    link: list[LinkPart] = []
    bus_route: list[BusRoutePart] = []
    bus_stop: list[BusStopPart] = []
    demand: list[DemandPart] = []
    emergency_route: list[EmergencyRoutePart] = []
    crossing: list[CrossingPart] = []
    values: ValuesPart | None = None


def keys_at(location: tuple[int | str, ...]) -> list[str]:
    """Keys that are known in a place of the file, as in ("signal", 0, "groups", 2)."""
    model: type[BaseModel] = Case
    for name in location:
        if isinstance(name, int):
            continue
        inner = str(model.model_fields[name].annotation)
        model = next(one for one in PARTS if one.__name__ in inner)
    return [field.alias or name for name, field in model.model_fields.items()]


PARTS: tuple[type[BaseModel], ...] = tuple(_Part.__subclasses__())
