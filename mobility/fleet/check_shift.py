"""The checker of moved departures: what moved, how far, in which order, and by which gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.fleet.check_say import say

if TYPE_CHECKING:
    import pandas as pd

    from mobility.findings import Finding
    from mobility.fleet.problem import Problem
    from mobility.fleet.rules import Rules

_SAME = ("route_id", "direction_id", "from_stop", "to_stop", "distance_km", "headway")


def check_shift(
    original: Problem,
    shifted: Problem,
    rules: Rules | None = None,
    *,
    shift_s: int | None = None,
    phase_s: int | None = None,
) -> list[Finding]:
    """Compare a shifted timetable with the planned one.

    Only headway trips move; a series (route, direction, first and last stop) by one phase of at most
    ``phase_s``, each trip beside it by at most ``shift_s``; running times stay; departures of a
    series keep their order; no gap between two of them changes by more than ``shift_s``.

    Parameters
    ----------
    original, shifted
        The problem as asked, and as moved.
    rules
        Whose limits hold; by default the original's. ``shift_s`` and ``phase_s`` go before them.

    Returns
    -------
    list[Finding]
        Empty when every rule holds.
    """
    held = original.rules if rules is None else rules
    most = held.shift_s if shift_s is None else shift_s
    phase = held.phase_s if phase_s is None else phase_s
    old, new = original.trips.set_index("trip_id"), shifted.trips.set_index("trip_id")
    stray = old.index.symmetric_difference(new.index)
    found = say("shift_changes_trips", np.ones(len(stray)), lambda at: stray[at])
    found += say("shift_changes_trips", new.index.duplicated(), lambda at: new.index[at])
    if found:
        return found
    new = new.loc[old.index]
    name: Any = lambda at: str(old.index[at])  # noqa: E731
    changed = np.zeros(len(old), bool)
    for column in _SAME:
        changed |= (old[column] != new[column]).to_numpy(bool)
    old_takes = (old["arrive_s"] - old["depart_s"]).to_numpy(np.int64)
    changed |= (new["arrive_s"] - new["depart_s"]).to_numpy(np.int64) != old_takes
    found = say("shift_changes_trips", changed, name)
    by = (new["depart_s"].astype("int64") - old["depart_s"].astype("int64")).to_numpy()
    fixed = ~old["headway"].to_numpy(bool)
    found += say("shift_of_a_fixed_trip", fixed & (by != 0), name)
    return found + _series(old, by, most, phase)


def _series(old: pd.DataFrame, by: Any, most: int, phase: int) -> list[Finding]:
    """Limits, order and gaps of each series of headway departures."""
    moving = old.assign(by=by, name=old.index)[old["headway"].to_numpy(bool)]
    far: list[str] = []
    crossed: list[str] = []
    uneven: list[str] = []
    for _, rows in moving.groupby(["route_id", "direction_id", "from_stop", "to_stop"], sort=True):
        part = rows.sort_values(["depart_s", "name"], kind="stable")
        moves = part["by"].to_numpy(np.int64)
        names = part["name"].tolist()
        # One phase must be within `most` of every move, and within its own limit.
        if max(int(moves.max()) - most, -phase) > min(int(moves.min()) + most, phase):
            far.append(names[int(np.abs(moves).argmax())])
        planned = np.diff(part["depart_s"].to_numpy(np.int64))
        gaps = planned + np.diff(moves)
        crossed += [names[at] for at in np.flatnonzero((gaps < 0) | ((gaps == 0) & (planned > 0)))]
        uneven += [names[at] for at in np.flatnonzero(np.abs(np.diff(moves)) > most)]
    return [
        *say("shift_too_far", np.ones(len(far)), lambda at: far[at]),
        *say("shift_changes_order", np.ones(len(crossed)), lambda at: crossed[at]),
        *say("shift_changes_headway", np.ones(len(uneven)), lambda at: uneven[at]),
    ]
