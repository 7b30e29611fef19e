"""Writes ``weather.csv`` of the three cities: a year of hourly temperatures, made up from climate normals.

SYNTHETIC: no day of it was measured. Monthly mean daily minima and maxima stand in mid-month and are
joined by straight lines; the day runs on two half cosines, coldest at 06:00, warmest at 15:00; every day is
warmer or colder than its season by a random amount that lasts some days (assumed: standard deviation
3 C, seven tenths of it carried into the next day). Time is local, without a change of clocks.

    python gtfs_samples/build_weather.py
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from math import cos, pi, sqrt
from random import Random
from statistics import fmean

from build import out_folder, write

YEAR = 2025
COLDEST_H, WARMEST_H = 6, 15
SPREAD_C, CARRIED = 3.0, 0.7  # assumed: normals say nothing of single days


@dataclass(frozen=True)
class Normals:
    """Mean daily minimum and maximum of each month, C, and where they were published."""

    low_c: tuple[float, ...]
    high_c: tuple[float, ...]
    source: str


def between(january: float, july: float) -> tuple[float, ...]:
    """Months on a cosine between January and July."""
    middle, half = (january + july) / 2, (january - july) / 2
    return tuple(round(middle + half * cos(2 * pi * month / 12), 1) for month in range(12))


CITIES = {
    # Only January and July of Santiago were found in print; the months between follow a cosine.
    "santiago": Normals(
        between(12.4, 3.2),
        between(29.4, 14.5),
        "mean minima and maxima of January and July in Santiago (enaturchile.com, 'Weather and "
        "Climate'), other months on a cosine",
    ),
    # Monthly normals of Changsha itself were not found in print. Changde lies 150 km away in the same
    # basin: 17.4 C on the mean of the year, where Changsha had 18.3 C in 2008 and 18.5 C in 2009
    # (China Statistical Yearbook 2009 and 2010, "Monthly Average Temperature of Major Cities").
    "changsha": Normals(
        (2.0, 3.7, 7.4, 13.6, 18.5, 22.2, 25.2, 24.9, 20.2, 14.8, 9.3, 4.2),
        (8.3, 10.0, 14.3, 21.3, 26.1, 29.3, 32.9, 32.2, 27.6, 22.4, 16.7, 11.4),
        "normals of Changde 1971-2000, 150 km from Changsha (China Meteorological Administration, as "
        "printed by primidi.com)",
    ),
    "incheon": Normals(
        (-5, -3, 2, 8, 13, 18, 22, 22, 18, 11, 4, -3),
        (2, 4, 10, 16, 21, 25, 28, 29, 26, 20, 12, 5),
        "average temperatures of Incheon in whole degrees (climatestotravel.com)",
    ),
}


def of_day(months: tuple[float, ...], day: dt.date) -> float:
    """Value of a day on straight lines between the middles of the months."""
    middles = [dt.date(YEAR, month, 15).timetuple().tm_yday for month in range(1, 13)]
    at = day.timetuple().tm_yday
    after = next((month for month in range(12) if middles[month] > at), 12)
    before = after - 1
    start = middles[before] if before >= 0 else middles[11] - 365
    end = middles[after] if after < 12 else middles[0] + 365
    share = (at - start) / (end - start)
    return months[before] * (1 - share) + months[after % 12] * share


def of_hour(hour: int, low: float, high: float, tomorrow: float) -> float:
    """Temperature of an hour: up from the coldest to the warmest, down to the next morning's low."""
    if hour < COLDEST_H:
        share = (hour + 24 - WARMEST_H) / (24 - WARMEST_H + COLDEST_H)
        return high + (low - high) * (1 - cos(pi * share)) / 2
    if hour <= WARMEST_H:
        share = (hour - COLDEST_H) / (WARMEST_H - COLDEST_H)
        return low + (high - low) * (1 - cos(pi * share)) / 2
    share = (hour - WARMEST_H) / (24 - WARMEST_H + COLDEST_H)
    return high + (tomorrow - high) * (1 - cos(pi * share)) / 2


def year(city: str, normals: Normals) -> str:
    """Write the year of one city as text."""
    rng = Random(f"weather of {city}")
    days = [dt.date(YEAR, 1, 1) + dt.timedelta(days=at) for at in range(365)]
    away, drawn = 0.0, []
    for _ in days:
        away = CARRIED * away + rng.gauss(0, SPREAD_C * sqrt(1 - CARRIED**2))
        drawn.append(away)
    # Each month keeps its normal: what its days are away from it sums to nothing.
    own = [
        [one for one, day in zip(drawn, days, strict=True) if day.month == month]
        for month in range(1, 13)
    ]
    drawn = [one - fmean(own[day.month - 1]) for one, day in zip(drawn, days, strict=True)]
    lows = [of_day(normals.low_c, day) + one for day, one in zip(days, drawn, strict=True)]
    highs = [of_day(normals.high_c, day) + one for day, one in zip(days, drawn, strict=True)]
    lines = [f"# {normals.source}; synthetic hours, no measurement (build_weather.py)"]
    lines.append("time,temperature_c")
    yesterday = highs[0]
    for at, day in enumerate(days):
        tomorrow = lows[min(at + 1, len(days) - 1)]
        for hour in range(24):
            # Before dawn the evening before still cools down.
            high = yesterday if hour < COLDEST_H else highs[at]
            degrees = of_hour(hour, lows[at], high, tomorrow)
            lines.append(f"{day.isoformat()} {hour:02d}:00,{degrees:.1f}")
        yesterday = highs[at]
    return "\n".join(lines) + "\n"


def build(city: str) -> None:
    """Write one city's ``weather.csv``."""
    write(out_folder(city) / "weather.csv", year(city, CITIES[city]))


if __name__ == "__main__":
    for name in CITIES:
        build(name)
