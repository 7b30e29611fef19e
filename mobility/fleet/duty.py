"""A vehicle's day, as the solvers hand it to each other."""

from __future__ import annotations

from dataclasses import dataclass

STRAIGHT = -1  # a connection that visits no site
CONVENTIONAL = -1  # the assumed bus that burns something and goes anywhere


@dataclass(frozen=True)
class Duty:
    """A vehicle's day: trips (rows of ``problem.trips``) in order, and what lies between them.

    Parameters
    ----------
    depot
        Row of ``problem.depots``.
    via
        One a connection: ``STRAIGHT``, or the site that the bus goes to and stands at in between:
        its own depot's row, or ``len(problem.depots)`` plus a row of ``problem.chargers``.
    vehicle
        Row of ``problem.vehicles``, or ``CONVENTIONAL``.
    """

    depot: int
    trips: tuple[int, ...]
    via: tuple[int, ...]
    vehicle: int = 0
