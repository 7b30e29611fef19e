"""A charging problem as a plain table: who stands where, from when to when, and needs how much.

No feed and no blocks are needed; a depot's list of tonight's buses is enough.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mobility.errors import ConfigError
from mobility.fleet.limits import not_negative, positive
from mobility.shown import Shown
from mobility.units import DAY_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from mobility.fleet.wear import GiveBack, Wear

NEEDED = ("bus", "site", "arrive_s", "depart_s", "need_kwh", "max_kw")
OPTIONAL = ("soc_kwh", "battery_kwh")


@dataclass(frozen=True)
class ChargingSite:
    """So many chargers of one power behind one connection; ``cap_kw`` None limits nothing.

    A bus can charge ``setup_s`` after it has come; between two buses at one charger lie ``buffer_s``; a
    stay has at most ``plug_ins`` sessions.
    """

    name: str
    chargers: int
    kw: float
    cap_kw: float | None = None
    plug_ins: int = 1
    buffer_s: int = 0
    setup_s: int = 0

    def __post_init__(self) -> None:
        where = f"site.{self.name}"
        if self.chargers < 0:
            raise ConfigError(f"{where}.chargers must be 0 or more (found {self.chargers})")
        positive(f"{where}.kw", self.kw)
        for name in ("cap_kw", "buffer_s", "setup_s"):
            not_negative(f"{where}.{name}", getattr(self, name))
        if self.plug_ins < 1:
            raise ConfigError(f"{where}.plug_ins must be 1 or more (found {self.plug_ins})")

    @property
    def most_kw(self) -> float:
        """What all its chargers together may draw."""
        all_kw = self.chargers * self.kw
        return all_kw if self.cap_kw is None else min(all_kw, self.cap_kw)


@dataclass(frozen=True, eq=False)
class ChargingProblem(Shown):
    """Stays, sites, prices.

    Parameters
    ----------
    stays
        One row a stay, sorted by bus and time: ``bus``, ``site`` (text), ``arrive_s``, ``depart_s``
        (int64, may pass 86,400 and count on), ``need_kwh``, ``max_kw``, ``soc_kwh`` (charge on
        arrival) and ``battery_kwh`` (NaN where unknown). Make it with :meth:`from_table` or
        :func:`mobility.fleet.read_stays`.
    sites
        In order of their names.
    energy
        (from_s, price per kWh), ascending, wraps at 24 h.
    demand
        Price per kW of each site's peak of the day planned.
    slot_s
        Power is planned as a mean over slots of so many seconds; a divisor of an hour.
    wear, give_back
        What wear of batteries costs and what a kWh given back is paid; None: nothing.

    Raises
    ------
    ConfigError
        When a figure cannot be.
    """

    stays: pd.DataFrame
    sites: tuple[ChargingSite, ...]
    energy: tuple[tuple[int, float], ...] = ((0, 0.0),)
    demand: float = 0.0
    slot_s: int = 300
    wear: Wear | None = None
    give_back: GiveBack | None = None

    def __post_init__(self) -> None:
        if self.slot_s <= 0 or 3600 % self.slot_s:
            raise ConfigError(
                f"slot_s must divide an hour (found {self.slot_s})", mend="as in 300 or 900"
            )
        not_negative("tariff.demand", self.demand)
        if not self.energy:
            raise ConfigError("tariff.energy is empty", mend="energy = [[0, 95.0]]")
        starts = [at for at, _ in self.energy]
        if starts != sorted(set(starts)) or starts[0] < 0 or starts[-1] >= DAY_S:
            raise ConfigError(
                "tariff.energy: times must ascend within 0 and 86399",
                mend="energy = [[0, 60.0], [25200, 95.0]]",
            )
        if not all(np.isfinite(price) for _, price in self.energy):
            raise ConfigError("tariff.energy: a price is no number")

    @classmethod
    def from_table(
        cls,
        stays: pd.DataFrame,
        sites: Iterable[ChargingSite],
        *,
        energy: Iterable[tuple[int, float]] = ((0, 0.0),),
        demand: float = 0.0,
        slot_s: int = 300,
        wear: Wear | None = None,
        give_back: GiveBack | None = None,
        file: str = "stays",
    ) -> ChargingProblem:
        """Check a table of stays, in any order of rows, and make the problem.

        Raises
        ------
        TableError
            With one finding a bad cell, rows counted as a spreadsheet does.
        """
        from mobility.fleet.stays_file import check_stays

        known = tuple(sorted(sites, key=lambda one: one.name))
        tidy = check_stays(stays, {one.name for one in known}, file=file)
        prices = tuple(sorted((int(at), float(price)) for at, price in energy))
        return cls(tidy, known, prices, float(demand), int(slot_s), wear, give_back)

    def replace(
        self,
        *,
        sites: tuple[ChargingSite, ...] | None = None,
        stays: pd.DataFrame | None = None,
        demand: float | None = None,
        energy: tuple[tuple[int, float], ...] | None = None,
        wear: Wear | None = None,
        give_back: GiveBack | None = None,
    ) -> ChargingProblem:
        """The same problem with other sites, stays or prices."""
        return replace(
            self,
            sites=self.sites if sites is None else sites,
            stays=self.stays if stays is None else stays,
            demand=self.demand if demand is None else demand,
            energy=self.energy if energy is None else energy,
            wear=self.wear if wear is None else wear,
            give_back=self.give_back if give_back is None else give_back,
        )

    @property
    def slot_h(self) -> float:
        """Hours of a slot."""
        return self.slot_s / 3600.0

    def __str__(self) -> str:
        buses = self.stays["bus"].nunique()
        return (
            f"{len(self.stays):,} stays of {buses:,} buses at {len(self.sites)} sites, "
            f"{self.stays['need_kwh'].sum():,.0f} kWh, slots of {self.slot_s} s"
        )
