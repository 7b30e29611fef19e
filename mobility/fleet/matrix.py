"""Vehicle scheduling on an explicit matrix of connection costs, as the literature states it.

The classic files (Carpaneto et al. 1989, Pepin et al. 2009) hold the number of depots and trips, a
capacity for each depot, and one square matrix of whole numbers, depots first, then trips.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import pandas as pd

from mobility.errors import TableError
from mobility.shown import Shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.solution import Report

IMPOSSIBLE = -1
# Dearer connections than this cannot be added up exactly over a whole plan.
DEAREST = 1 << 40


@dataclass(frozen=True, eq=False)
class MatrixProblem(Shown):
    """Trips, depots and what it costs to drive one after the other.

    Parameters
    ----------
    capacity
        (depots,), vehicles that each depot holds.
    cost
        (depots + trips, depots + trips), whole numbers, -1 = impossible. Depots come first:
        ``cost[depot, trip]`` is the pull-out, ``cost[trip, depot]`` the pull-in, with what a
        vehicle costs in either of them; ``cost[trip, trip]`` is a connection.
    source
        Where it was read from.

    Raises
    ------
    TableError
        When sizes do not fit, or a number is below -1, or too large to be added up exactly.
    """

    capacity: NDArray[np.int64]
    cost: NDArray[np.int64]
    source: str = ""

    def __post_init__(self) -> None:
        where = self.source or "matrix"
        try:
            capacity = np.ascontiguousarray(self.capacity, np.int64)
            cost = np.ascontiguousarray(self.cost, np.int64)
        except (TypeError, ValueError, OverflowError) as error:
            raise TableError(f"{where}: not a table of whole numbers ({error})") from error
        if capacity.ndim != 1 or not capacity.size:
            raise TableError(f"{where}: there must be at least one depot and its capacity")
        if cost.ndim != 2 or cost.shape[0] != cost.shape[1] or cost.shape[0] < capacity.size:
            raise TableError(
                f"{where}: the matrix must be square, depots and trips each way (found {cost.shape})"
            )
        if (capacity < 0).any():
            depot = int(np.flatnonzero(capacity < 0)[0])
            raise TableError(
                f"{where}: depot {depot} holds {capacity[depot]} vehicles",
                mend="give a capacity of 0 or more",
            )
        bad = (cost < IMPOSSIBLE) | (cost > DEAREST)
        if bad.any():
            row, column = (int(one) for one in np.argwhere(bad)[0])
            raise TableError(
                f"{where}: matrix row {row}, column {column}: a cost must lie between 0 and "
                f"{DEAREST:,}, or be -1 (found '{cost[row, column]}')",
                mend="write -1 where a connection is impossible",
            )
        for array in (capacity, cost):
            array.setflags(write=False)
        object.__setattr__(self, "capacity", capacity)
        object.__setattr__(self, "cost", cost)

    @property
    def depots(self) -> int:
        """How many depots."""
        return int(self.capacity.size)

    @property
    def trips(self) -> int:
        """How many trips."""
        return int(self.cost.shape[0]) - self.depots

    def __str__(self) -> str:
        return f"{self.trips:,} trips, {self.depots} depots, {int(self.capacity.sum()):,} places"


@dataclass(frozen=True)
class MatrixBlock:
    """One vehicle's trips in order; depots and trips are counted from 0."""

    depot: int
    trips: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class MatrixPlan(Shown):
    """Blocks of a matrix problem, and how far they can be trusted.

    ``report.objective`` is what the blocks cost, ``report.bound`` a whole number that no plan can
    beat. ``vehicles_bound`` is the proven least number of vehicles of any plan.
    """

    problem: MatrixProblem = field(repr=False)
    blocks: tuple[MatrixBlock, ...] = field(repr=False)
    report: Report
    vehicles: int
    vehicles_bound: int
    why: str = ""

    def __str__(self) -> str:
        if self.report.objective is None:
            return f"no blocks ({self.report.status}): {self.why}"
        return (
            f"{self.vehicles} vehicles, cost {self.report.objective:,.0f} "
            f"({self.report.headline()}), at least {self.vehicles_bound}"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>{self.table.head(20).to_html(index=False)}"

    @property
    def table(self) -> pd.DataFrame:
        """One row a trip, in order of the blocks: block, depot, seq, trip."""
        rows = [
            (block, one.depot, seq, trip)
            for block, one in enumerate(self.blocks)
            for seq, trip in enumerate(one.trips)
        ]
        return pd.DataFrame(rows, columns=["block", "depot", "seq", "trip"], dtype=np.int64)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **self.report.to_dict(),
            "vehicles": self.vehicles,
            "vehicles_bound": self.vehicles_bound,
            "why": self.why,
            "blocks": [{"depot": one.depot, "trips": list(one.trips)} for one in self.blocks],
        }

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)


def read_mdvsp(path: str | Path) -> MatrixProblem:
    """Read a file of the classic multi-depot family.

    Whole numbers, blanks and line breaks anywhere between them: depots, trips, the capacity of each
    depot, then the matrix row by row.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    TableError
        When the file cannot be opened, or is not such a file; names line and place in the line.
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not a text file"
        raise TableError(
            f"{path.name}: cannot be read: {why}",
            mend="give a file that starts with the numbers of depots and of trips",
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            numbers = np.fromstring(text, np.int64, sep=" ")
        except (DeprecationWarning, ValueError, OverflowError):
            raise _bad_token(path, text) from None
    if not text.strip():
        raise TableError(
            f"{path.name}:1: the file is empty",
            mend="the first numbers are depots, trips, then the capacity of each depot",
        )
    if (wrong := np.flatnonzero((numbers < IMPOSSIBLE) | (numbers > DEAREST))).size:
        raise _at(
            path, text, int(wrong[0]), f"a number must lie between 0 and {DEAREST:,}, or be -1"
        )
    if numbers.size < 2 or numbers[0] < 1 or numbers[1] < 0:
        which = 1 if numbers.size > 1 and numbers[0] >= 1 else 0
        raise _at(path, text, which, "the file must start with the numbers of depots and of trips")
    depots, trips = int(numbers[0]), int(numbers[1])
    side = depots + trips
    wanted = 2 + depots + side * side
    if numbers.size != wanted:
        what = f"{depots} depots and {trips} trips need {wanted:,} numbers, the file holds {numbers.size:,}"
        raise _at(path, text, min(wanted, numbers.size - 1), what)
    if (wrong := np.flatnonzero(numbers[2 : 2 + depots] < 0)).size:
        raise _at(path, text, 2 + int(wrong[0]), "a depot's capacity must be 0 or more")
    return MatrixProblem(
        numbers[2 : 2 + depots].copy(), numbers[2 + depots :].reshape(side, side), path.name
    )


def write_mdvsp(problem: MatrixProblem, path: str | Path) -> Path:
    """Write a problem as a file of the classic multi-depot family, whole or not at all.

    Parameters
    ----------
    problem
        What to write.
    path
        Where to; replaced where it exists.
    """
    path = Path(path)
    head = " ".join(map(str, [problem.depots, problem.trips, *problem.capacity.tolist()]))
    rows = ("\t".join(map(str, row)) for row in problem.cost.tolist())
    beside = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        beside.write_text("\n".join([head, *rows, ""]), "utf-8")
        os.replace(beside, path)  # noqa: PTH105
    finally:
        beside.unlink(missing_ok=True)
    return path


def _bad_token(path: Path, text: str) -> TableError:
    """Find the first token that is no whole number."""
    for at, token in enumerate(text.split()):
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", token):
            return _at(path, text, at, "not a whole number")
    return TableError(f"{path.name}: not a table of whole numbers")


def _at(path: Path, text: str, which: int, message: str) -> TableError:
    """Say which line, and which number of that line, is wrong."""
    seen = 0
    mend = "the file holds depots, trips, a capacity for each depot, then the matrix row by row"
    for number, line in enumerate(text.splitlines(), start=1):
        tokens = line.split()
        if which < seen + len(tokens):
            found = tokens[which - seen]
            shown = found if len(found) <= 40 else f"{found[:39]}…"
            place = f"{path.name}:{number}:{which - seen + 1}"
            return TableError(f"{place}: {message} (found {shown!r})", mend=mend)
        seen += len(tokens)
    return TableError(f"{path.name}: {message}", mend=mend)
