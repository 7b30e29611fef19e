"""A line on the ground: where signals and stops lie along it, and which way it heads there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

EARTH_M = 6_371_008.8  # mean radius (IUGG)
LOOK_M = 40.0  # before and after a signal, to see which way a bus turns
COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


def plane(
    lat: NDArray[np.float64], lon: NDArray[np.float64], around: tuple[float, float]
) -> NDArray[np.float64]:
    """Degrees to metres east and north of a place, n x 2; good to 0.1 % within 50 km."""
    lat0, lon0 = around
    east = np.radians(lon - lon0) * np.cos(np.radians(lat0)) * EARTH_M
    return np.stack([east, np.radians(lat - lat0) * EARTH_M], axis=-1)


@dataclass(frozen=True, eq=False)
class Street:
    """A polyline.

    Parameters
    ----------
    xy
        Points, metres east and north, n x 2, n >= 2; neighbours differ.
    along_m
        How far each point lies from the first.
    """

    xy: NDArray[np.float64]
    along_m: NDArray[np.float64]

    @classmethod
    def of(cls, xy: NDArray[np.float64]) -> Street | None:
        """Make a street of points; None where fewer than two differ."""
        placed = xy[np.isfinite(xy).all(axis=1)]
        if not len(placed):
            return None
        keep = np.r_[True, np.abs(np.diff(placed, axis=0)).max(axis=1) > 1e-6]
        points = placed[keep]
        if len(points) < 2:
            return None
        steps = np.hypot(*np.diff(points, axis=0).T)
        return cls(points, np.r_[0.0, np.cumsum(steps)])

    def near(self, point: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """For each piece: how far along its nearest place lies, and how far away, metres."""
        start, step = self.xy[:-1], np.diff(self.xy, axis=0)
        long = np.diff(self.along_m)
        part = np.clip(((point - start) * step).sum(axis=1) / long**2, 0.0, 1.0)
        foot = start + part[:, None] * step
        away: NDArray[np.float64] = np.hypot(*(foot - point).T)
        return self.along_m[:-1] + part * long, away

    def passes(self, point: NDArray[np.float64], near_m: float) -> list[tuple[float, float]]:
        """(how far along, how far away) of every time that the street passes a place.

        Neighbouring pieces within ``near_m`` are one passing, at its nearest place.
        """
        along, away = self.near(point)
        found: list[tuple[float, float]] = []
        last = -2
        for k in np.flatnonzero(away <= near_m):
            one = float(along[k]), float(away[k])
            if k == last + 1:
                found[-1] = min(found[-1], one, key=lambda two: (two[1], two[0]))
            else:
                found.append(one)
            last = int(k)
        return found

    def place(self, stops: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far along a row of stops lies, never going back: the least squares of their distances.

        A stop without a place (NaN) lies between its neighbours.
        """
        known = np.isfinite(stops).all(axis=1)
        out = np.full(len(stops), np.nan)
        rows = np.flatnonzero(known)
        if not len(rows):
            return out
        looks = [self.near(stops[row]) for row in rows]
        best = looks[0][1] ** 2
        choice: list[NDArray[np.int64]] = []
        for _, away in looks[1:]:
            least = np.minimum.accumulate(best)
            at = np.arange(len(best))
            fresh = best <= least  # where the running least is reached anew
            choice.append(np.maximum.accumulate(np.where(fresh, at, 0)))
            best = least + away**2
        k = int(best.argmin())
        for n in range(len(rows) - 1, -1, -1):
            out[rows[n]] = looks[n][0][k]
            if n:
                k = int(choice[n - 1][k])
        out[rows] = np.maximum.accumulate(out[rows])
        filled: NDArray[np.float64] = np.interp(np.arange(len(stops)), rows, out[rows])
        return filled

    def at(self, along_m: float) -> NDArray[np.float64]:
        """The place so far along, metres east and north."""
        return np.array([np.interp(along_m, self.along_m, self.xy[:, k]) for k in (0, 1)])

    def heading(self, along_m: float) -> tuple[float, float]:
        """Heading on the way to a place and away from it, degrees clockwise from north."""
        here = self.at(along_m)
        before = here - self.at(max(0.0, along_m - LOOK_M))
        after = self.at(min(float(self.along_m[-1]), along_m + LOOK_M)) - here
        before, after = (before, after) if before.any() else (after, after)
        after = after if after.any() else before
        return _bearing(before), _bearing(after)


def _bearing(step: NDArray[np.float64]) -> float:
    return float(np.degrees(np.arctan2(step[0], step[1])) % 360)


def side(bearing: float, sides: tuple[str, ...] = COMPASS[::2]) -> str:
    """Give the side of the compass nearest to a bearing."""

    def away(name: str) -> float:
        turn = abs(bearing - 45 * COMPASS.index(name))
        return min(turn, 360 - turn)

    return min(sides, key=lambda name: (away(name), name))


def turn_of(before: float, after: float) -> str:
    """Name the turn from one heading to another: ``left | through | right | u-turn``."""
    turn = (after - before + 180) % 360 - 180
    if abs(turn) <= 45:
        return "through"
    if abs(turn) > 150:
        return "u-turn"
    return "right" if turn > 0 else "left"
