"""Which vehicle's day follows which: the night of a bus ends when it pulls out for its next day.

Where nobody says otherwise every bus repeats its own day. With ``Problem.next_day`` a bus may drive another
block tomorrow, so that its night is longer or shorter, and its charge must be restored by that pull-out.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

import pandas as pd

from mobility.errors import ConfigError, TableError
from mobility.units import DAY_S

if TYPE_CHECKING:
    from pathlib import Path

    from mobility.fleet.problem import Problem

Pairs = tuple[tuple[str, str], ...]
_MEND = "columns vehicle,next_vehicle: one row a vehicle that does not repeat its own day"


def next_day_of(told: str | dict[str, str] | None, folder: Path) -> Pairs:
    """Pairs of a case's ``next_day``: a CSV beside the case, or ``vehicle = next vehicle``.

    Raises
    ------
    TableError
        When the file cannot be read, a column is missing or a vehicle occurs twice.
    """
    if told is None:
        return ()
    if isinstance(told, dict):
        return tuple(sorted(told.items()))
    path = folder / told
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except OSError as error:
        raise TableError(f"{path}: {error.strerror}", mend=_MEND) from None
    except (ValueError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: {error}", mend=_MEND) from None
    lost = [one for one in ("vehicle", "next_vehicle") if one not in table]
    if lost:
        raise TableError(f"{path}: no column {lost[0]!r}", mend=_MEND)
    twice = table["vehicle"].duplicated().to_numpy()
    if twice.any():
        at = int(twice.argmax())
        name = table["vehicle"].iloc[at]
        raise TableError(f"{path}:{at + 2}:vehicle: {name!r} occurs twice", mend=_MEND)
    return tuple(sorted(zip(table["vehicle"], table["next_vehicle"], strict=True)))


def check_next_day(problem: Problem, blocks: pd.DataFrame) -> None:
    """Refuse a ``next_day`` that these blocks cannot follow.

    Raises
    ------
    ConfigError
        When it names a vehicle that is not there, sends two buses into one block, or a bus into a block
        of another depot or type.
    """
    first = blocks.drop_duplicates("vehicle").set_index("vehicle")
    known = first.index.astype(str).tolist()
    for name in [one for pair in problem.next_day for one in pair]:
        if name not in first.index:
            near = get_close_matches(name, known, n=1)
            raise ConfigError(
                f"next_day: there is no vehicle {name!r}",
                mend=f"did you mean {near[0]!r}?"
                if near
                else "give names of the plan's blocks.csv",
            )
    told = dict(problem.next_day)
    follows: dict[str, str] = {}
    kept = {what: first[what].astype(str).to_dict() for what in ("depot", "type")}
    for name in known:
        after = told.get(name, name)
        if after in follows:
            raise ConfigError(f"next_day: {follows[after]!r} and {name!r} are both followed by {after!r}",
                              mend="give every block one bus")  # fmt: skip
        follows[after] = name
        for what in ("depot", "type"):
            if kept[what][name] != kept[what][after]:
                raise ConfigError(f"next_day: {name!r} and {after!r} are of different {what}s",
                                  mend="a bus stays at its depot, and is the bus that it is")  # fmt: skip


def until_s(problem: Problem, blocks: pd.DataFrame) -> dict[str, int]:
    """When the night of each vehicle ends: seconds of its next pull-out, counted from its own day."""
    out = blocks.groupby("vehicle", sort=False, observed=True)["start_s"].min()
    ends = {str(name): int(second) + DAY_S for name, second in out.items()}
    told = {name: after for name, after in problem.next_day if name in ends and after in ends}
    return {name: ends[told.get(name, name)] for name in ends}
