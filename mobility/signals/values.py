"""What an hour, a stop, a litre and a tonne are worth: low, middle and high, each with its source."""

from __future__ import annotations

from dataclasses import dataclass, fields

from mobility.errors import ConfigError

LEVELS = ("low", "mid", "high")
Three = tuple[float, float, float]  # (low, mid, high)


@dataclass(frozen=True)
class Values:
    """What things are worth, each as (low, mid, high); a city states its own in ``[values]``.

    Low and high bound what a reader may believe; they are no confidence interval.

    Parameters
    ----------
    hour_minor
        An hour of a person, minor units of the currency: 35, 50 and 60 % of an hour's income, which
        is the US DOT's range for local personal travel (2011), of USD 49,777 a year in 2,080 hours
        (median household, 2009).
    idle_l_h
        Fuel of a standing vehicle, litres an hour: 0.16 and 0.39 US gallons, a compact and a large
        petrol car (US DOE, Fact #861, 2015); between them SUMO 1.28's PHEMlight model for a petrol
        car of Euro 4, which says 1.05.
    stop_l
        Fuel of one stop and start beyond standing still, litres. Measured in SUMO 1.28, a petrol car
        of Euro 4: 0.009 from 50 km/h with HBEFA 4, 0.016 with PHEMlight, 0.022 from 60 km/h with
        PHEMlight (``python -m benchmarks.stop_fuel``).
    fuel_minor_l
        A litre of fuel. Korean pump prices in US cents: KRW 1,560 less KRW 615 of fuel tax (January
        2023, Opinet), KRW 1,613 (November 2024, Opinet), USD 1.61 (March 2022, Opinet). Rates of
        KRW 1,240 and 1,380 a dollar are assumed. Tax moves money and is no saving of a country: low
        leaves it out.
    co2_kg_l
        CO2 of a litre: 8.887 kg a US gallon of petrol, 10.18 of diesel (US EPA, EPA-420-F-23-014).
    co2_minor_t
        A tonne of CO2: USD 51, the US government's interim value (2021), and USD 190 and 340 of the
        US EPA (2023; discount rates of 2.0 and 1.5 %, emissions of 2020).
    days
        Days in a year that are like the one that was planned: assumed; working days, and with most
        Saturdays.

    Raises
    ------
    ConfigError
        When one of them falls from low to high, or is below 0.
    """

    hour_minor: Three = (838, 1197, 1436)
    idle_l_h: Three = (0.61, 1.05, 1.48)
    stop_l: Three = (0.009, 0.016, 0.022)
    fuel_minor_l: Three = (76, 117, 161)
    co2_kg_l: Three = (2.348, 2.348, 2.689)
    co2_minor_t: Three = (5100, 19000, 34000)
    days: Three = (240, 250, 300)
    currency: str = "USD"

    def __post_init__(self) -> None:
        for one in fields(self):
            given = getattr(self, one.name)
            if one.name != "currency" and not 0 <= given[0] <= given[1] <= given[2]:
                raise ConfigError(f"values: {one.name} is {list(given)}",
                                  mend="give low, middle and high, none below 0")  # fmt: skip
