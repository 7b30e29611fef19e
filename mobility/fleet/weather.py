"""Hourly temperatures of many days, of which every scenario draws one whole day."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.errors import ConfigError, TableError
from mobility.findings import Finding, finding
from mobility.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_MEND = "time,temperature_c with times like 2025-01-31 14:00, every hour of each day"


@dataclass(frozen=True, eq=False)
class Weather(Shown):
    """Days of 24 temperatures.

    Parameters
    ----------
    dates
        ``2025-01-31`` and so on, ascending.
    hourly_c
        (days, 24) C, local time.
    source
        Where they come from.
    synthetic
        Whether they are made up from climate normals.
    """

    dates: tuple[str, ...]
    hourly_c: NDArray[np.float64]
    source: str
    synthetic: bool = False

    def __str__(self) -> str:
        kind = "synthetic, from climate normals" if self.synthetic else "hourly"
        low, high = float(self.hourly_c.min()), float(self.hourly_c.max())
        return f"{len(self.dates):,} days of {self.source} ({kind}), {low:.0f} to {high:.0f} C"

    def of_months(self, months: Iterable[int]) -> Weather:
        """Take the days of some months.

        Raises
        ------
        ConfigError
            When no day is left.
        """
        wanted = set(months)
        kept = [at for at, date in enumerate(self.dates) if int(date[5:7]) in wanted]
        if not kept:
            raise ConfigError(f"{self.source}: no day of the months {sorted(wanted)}",
                              mend="months are numbers from 1 to 12")  # fmt: skip
        return Weather(
            tuple(self.dates[at] for at in kept), self.hourly_c[kept], self.source, self.synthetic
        )


def read_weather(path: str | Path) -> Weather:
    """Read hourly temperatures: columns ``time`` and ``temperature_c``, local time.

    A first line that begins with ``#`` names the source; ``synthetic`` in it marks what is made up.
    Days that lack an hour are left out; where none is whole the file is refused.

    Raises
    ------
    TableError
        When a column is missing, a time or a temperature cannot be read, or an hour occurs twice.
    ConfigError
        When the file cannot be read.
    """
    place = Path(path)
    try:
        with place.open(encoding="utf-8") as file:
            head = file.readline().strip()
        table = pd.read_csv(place, dtype=str, keep_default_na=False, comment="#")
    except OSError as error:
        raise ConfigError(f"{place}: {error.strerror}", mend="name a CSV file") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise TableError(f"{place}: {error}", mend=_MEND) from None
    for name in ("time", "temperature_c"):
        if name not in table:
            raise TableError(f"{place.name}: no column {name!r}", mend=_MEND)
    skipped = 1 + head.startswith("#")
    when = pd.to_datetime(table["time"], errors="coerce", format="ISO8601")
    degrees = pd.to_numeric(table["temperature_c"], errors="coerce").to_numpy(float)
    good_degrees = (degrees >= -60) & (degrees <= 60)
    twice = when.duplicated() & when.notna()
    found: list[Finding] = []
    for wrong, column, mend in (
        (when.isna().to_numpy(), "time", "write 2025-01-31 14:00"),
        (~good_degrees, "temperature_c", "degrees Celsius, -60 to 60"),
        (twice.to_numpy(), "time", "one row an hour"),
    ):
        found += [
            finding("weather_bad_cell", file=place.name, row=int(at) + 1 + skipped, column=column,
                    value=table[column].iloc[at], mend=mend)
            for at in np.flatnonzero(wrong)
        ]  # fmt: skip
    if found:
        raise TableError.from_finding(*found)
    day, hour = when.dt.strftime("%Y-%m-%d"), when.dt.hour
    grid = pd.DataFrame({"day": day, "hour": hour, "c": degrees}).pivot_table(
        index="day", columns="hour", values="c"
    )
    grid = grid.reindex(columns=range(24)).dropna().sort_index()
    if grid.empty:
        raise TableError(f"{place.name}: no day has all 24 hours", mend=_MEND)
    source = head.lstrip("# ").split(";")[0].strip() if head.startswith("#") else place.name
    return Weather(
        tuple(str(one) for one in grid.index), grid.to_numpy(float), source,
        head.startswith("#") and "synthetic" in head.lower(),
    )  # fmt: skip
