"""A charging problem as kernels take it: site by site, slots, kW, and prices by slot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mobility.units import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.stays import ChargingProblem, ChargingSite


@dataclass(frozen=True)
class SiteStays:
    """One site's stays as kernels take them: slots count from ``base``, energy in kW x slots.

    ``rows`` are rows of the problem's stays; ``level`` is the row of each slot's price in ``price``,
    which ascends; prices are per kWh. ``cap_kw`` (slots,) is what the site may draw for buses,
    ``beside_kw`` (slots,) what it draws besides, -inf where the slot's peak does not count; a kW of peak
    above ``floor_kw`` costs ``demand``. ``gap`` slots lie between two sessions at one charger, and a stay has
    up to ``plug_ins`` of them.
    """

    site: ChargingSite
    rows: NDArray[np.int64]
    first: NDArray[np.int64]
    end: NDArray[np.int64]
    most: NDArray[np.float64]
    need: NDArray[np.float64]
    base: int
    level: NDArray[np.int64]
    price: NDArray[np.float64]
    cap_kw: NDArray[np.float64]
    beside_kw: NDArray[np.float64]
    floor_kw: float
    demand: float
    slot_s: int
    gap: int = 0
    plug_ins: int = 1

    @property
    def slot_h(self) -> float:
        """Hours of a slot."""
        return self.slot_s / 3600.0

    @property
    def slots(self) -> int:
        """Slots from the first arrival to the last departure."""
        return int(self.level.size)


def by_site(problem: ChargingProblem) -> list[SiteStays]:
    """Every site with stays that need energy, in order of the sites."""
    stays = problem.stays
    names = stays["site"].to_numpy(object)
    need = stays["need_kwh"].to_numpy(float) / problem.slot_h
    arrive, depart = (stays[one].to_numpy(np.int64) for one in ("arrive_s", "depart_s"))
    found = []
    for site in problem.sites:
        rows = np.flatnonzero((names == site.name) & (need > 0))
        if rows.size == 0:
            continue
        first = -(-(arrive[rows] + site.setup_s) // problem.slot_s)
        end = np.maximum(depart[rows] // problem.slot_s, first)
        base, last = int(first.min()), int(end.max())
        each = slot_prices(problem.energy, problem.slot_s)
        price, level = np.unique(each[np.arange(base, last) % each.size], return_inverse=True)
        most = np.minimum(stays["max_kw"].to_numpy(float)[rows], site.kw)
        found.append(SiteStays(
            site, rows, first - base, end - base, most, need[rows], base, level.astype(np.int64), price,
            np.full(last - base, site.most_kw), np.zeros(last - base), 0.0, problem.demand,
            problem.slot_s, -(-site.buffer_s // problem.slot_s), site.plug_ins,
        ))  # fmt: skip
    return found


def slot_prices(energy: tuple[tuple[int, float], ...], slot_s: int) -> NDArray[np.float64]:
    """Mean price of each slot of the day, per kWh; before the first time the last price holds."""
    second = np.full(DAY_S, energy[-1][1])
    for at, price in energy:
        second[at:] = price
    means: NDArray[np.float64] = second.reshape(-1, slot_s).mean(axis=1)
    # A mean of equal prices is that price, without rounding.
    same = (second.reshape(-1, slot_s) == second[::slot_s, None]).all(axis=1)
    means[same] = second[::slot_s][same]
    return means
