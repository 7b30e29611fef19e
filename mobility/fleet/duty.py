"""A vehicle's day, as the solvers hand it to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mobility.findings import Finding

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


@dataclass(frozen=True)
class Schedule:
    """Duties, or why there are none; the bound covers vehicles, empty running and waiting."""

    duties: tuple[Duty, ...]
    bound_minor: float
    vehicles_bound: int
    why: str = ""
    proven: bool = True
    findings: tuple[Finding, ...] = ()
