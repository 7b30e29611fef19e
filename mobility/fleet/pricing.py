"""Vehicle days of least reduced cost: labels forwards and backwards, and the days they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.fleet import _label_kernels
from mobility.units import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.fleet.evsp import Day, Grid

# No day is this dear: nothing drives the trip.
_FAR = 1e14

# A charger in one slot of the day: (site as in `Duty.via`, slot).
Plug = tuple[int, int]


@dataclass(frozen=True)
class Column:
    """A vehicle's day: rows of the problem's trips, sites between them, cost, chargers it takes."""

    depot: int
    vehicle: int
    trips: tuple[int, ...]
    via: tuple[int, ...]
    cost: float
    plugs: tuple[Plug, ...]


class Pricing:
    """Labels of one kind of bus on one of its grids; scratch is kept from call to call.

    Parameters
    ----------
    day, grid
        ``grid`` is ``day.safe`` or ``day.free``.
    discount
        Taken off every vehicle: what rounding the charge may add to its cost (free grid).
    """

    def __init__(self, day: Day, grid: Grid, discount: float = 0.0) -> None:
        self.day, self.grid, self.discount = day, grid, discount
        shape, levels = (day.sites.size, day.slots + 1), grid.top + 1
        self.reach = np.empty((day.trips, levels))
        self.rest = np.empty((day.trips, levels))
        self.came, self.line = np.empty((*shape, levels)), np.empty((*shape, levels))
        self.came_back, self.line_back = np.empty((*shape, levels)), np.empty((*shape, levels))
        by_head = day.by_head
        self._into: tuple[Any, ...] = (
            day.head_from, day.tail[by_head], grid.arc[by_head], day.arc_cost[by_head],
        )  # fmt: skip
        self._onward: tuple[Any, ...] = (day.tail_from, day.head, grid.arc, day.arc_cost)
        self._sites: tuple[Any, ...] = (
            day.in_slot, grid.site_in, day.site_in_cost, day.out_slot, grid.site_out, day.site_out_cost,
            grid.most, np.repeat(day.dear[None, :] * day.step_kwh, day.sites.size, axis=0),
        )  # fmt: skip
        self._slot_of_day = (day.first_slot + np.arange(day.slots)) % round(
            DAY_S / 3600.0 / day.slot_h
        )
        self._u = np.zeros(day.trips)
        self._plug = np.zeros((day.sites.size, day.slots))
        self._extra = 0.0

    def price(
        self, u: NDArray[np.float64], plug: dict[Plug, float], extra: float
    ) -> NDArray[np.float64]:
        """Least reduced cost of any day through each trip.

        Parameters
        ----------
        u
            Dual of each of the day's trips.
        plug
            Price of a charger in a slot of the day.
        extra
            Price of one more vehicle of this kind.
        """
        day, grid = self.day, self.grid
        self._u, self._extra = u, extra
        self._plug = self._plugs(plug)
        self._node = day.node - u
        self._out = day.out_cost + (extra - self.discount)
        tail = (*self._sites, self._plug, day.stand)
        _label_kernels.forward(day.start_slot, self._node, grid.out, self._out, *self._into, *tail,
                               np.int64(grid.start), self.reach, self.came, self.line)  # fmt: skip
        _label_kernels.backward(day.start_slot, self._node, grid.home, day.in_cost, *self._onward, *tail,
                                self.rest, self.came_back, self.line_back)  # fmt: skip
        through: NDArray[np.float64] = (self.reach + self.rest).min(axis=1)
        return through

    def columns(self, through: NDArray[np.float64], below: float, most: int) -> list[Column]:
        """Days of reduced cost under ``below``: each the best through a trip that none before has."""
        taken = np.zeros(self.day.trips, bool)
        found: list[Column] = []
        for trip in np.argsort(through, kind="stable").tolist():
            if through[trip] >= min(below, _FAR) or len(found) >= most:
                break
            if taken[trip]:
                continue
            column = self.trace(trip, float(through[trip]))
            if column is None:
                taken[trip] = True
                continue
            local = np.searchsorted(self.day.rows, column.trips)
            taken[local] = True
            found.append(column)
        return found

    def trace(self, trip: int, value: float) -> Column | None:
        """The best day through a trip."""
        day, grid = self.day, self.grid
        level = int((self.reach[trip] + self.rest[trip]).argmin())
        back, via_back = np.empty(day.trips + 1, np.int64), np.empty(day.trips + 1, np.int64)
        on, via_on = np.empty(day.trips + 1, np.int64), np.empty(day.trips + 1, np.int64)
        slots_back = np.empty((day.slots + 1, 2), np.int64)
        slots_on = np.empty((day.slots + 1, 2), np.int64)
        tail = (*self._sites, self._plug, day.stand)
        before, plugs_back = _label_kernels.trace_back(
            trip, level, self._node, grid.out, self._out, *self._into, *tail, np.int64(grid.start),
            self.reach, self.came, self.line, back, via_back, slots_back,
        )  # fmt: skip
        after, plugs_on = _label_kernels.trace_on(
            trip, level, self._node, grid.home, day.in_cost, *self._onward, *tail,
            self.rest, self.came_back, self.line_back, on, via_on, slots_on,
        )  # fmt: skip
        if before == 0 or plugs_on < 0:
            return None
        order = np.concatenate([back[:before][::-1], on[:after]])
        via = np.concatenate([via_back[: before - 1][::-1], via_on[:after]])
        if grid is day.safe and not day.allowed(order, via):
            return None
        charged = np.vstack([slots_back[:plugs_back], slots_on[:plugs_on]])
        price = float(self._plug[charged[:, 0], charged[:, 1]].sum())
        if grid is day.safe:
            charged = _without_holes(day, order, via, charged)
        plugs = tuple(
            (int(day.sites[site]), int(self._slot_of_day[slot])) for site, slot in charged.tolist()
        )
        cost = value + float(self._u[order].sum()) - price - self._extra + self.discount
        ways = np.where(via < 0, -1, day.sites[np.maximum(via, 0)])
        return Column(day.depot, day.vehicle, tuple(day.rows[order].tolist()), tuple(ways.tolist()),
                      cost, tuple(sorted(plugs)))  # fmt: skip

    def _plugs(self, plug: dict[Plug, float]) -> NDArray[np.float64]:
        table = np.zeros((self.day.sites.size, self.day.slots))
        at = {int(site): row for row, site in enumerate(self.day.sites)}
        for (site, slot), price in plug.items():
            if site in at:
                table[at[site], self._slot_of_day == slot] = price
        return table


def _without_holes(
    day: Day, trips: NDArray[np.int64], via: NDArray[np.int64], charged: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(site, slot) from the first to the last charged slot of every stay: a bus stays plugged in."""
    whole = []
    for at in np.flatnonzero(via >= 0).tolist():
        site = int(via[at])
        first, end = day.in_slot[site, trips[at]], day.out_slot[site, trips[at + 1]]
        inside = (charged[:, 0] == site) & (charged[:, 1] >= first) & (charged[:, 1] < end)
        if inside.any():
            slots = charged[inside, 1]
            whole += [(site, slot) for slot in range(int(slots.min()), int(slots.max()) + 1)]
    return np.array(whole, np.int64).reshape(-1, 2)
