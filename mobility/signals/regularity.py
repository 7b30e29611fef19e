"""What riders feel of a timetable: on time, or evenly spaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

FREQUENT_S = 600.0  # where buses come so often, riders go by the headway
BUNCHED = 0.25  # of the planned headway: a bus that follows nearer is bunched
ON_TIME_S = (-60.0, 300.0)


def measures(
    calls: pd.DataFrame, by: list[str], on_time_s: tuple[float, float] = ON_TIME_S
) -> pd.DataFrame:
    """One row a group of calls: on-time share, and regularity where headways are short.

    Parameters
    ----------
    calls
        route_id, direction_id, stop_id, plan_s, real_s (departures; NaN: not reached), timepoint,
        promised (riders are promised a headway, not a time).
    by
        Columns to group by.

    Returns
    -------
    DataFrame
        ``by``, calls, on_time (share of timepoints; NaN: none), late_s (mean), headways (pairs
        planned at most ten minutes apart), excess_wait_s (mean wait beyond the timetable's, riders
        coming at random), headway_cv, bunched (share). Of a pair of buses the headway is that at
        the stop, whoever comes first.

    References
    ----------
    Transport for London: excess wait time = sum h^2 / (2 sum h), actual less planned.
    """
    known = calls[calls["real_s"].notna()].copy()
    known["off_s"] = known["real_s"] - known["plan_s"]
    low, high = on_time_s
    judged = known[known["timepoint"] & ~known["promised"]]
    on_time = judged.assign(ok=judged["off_s"].between(low, high)).groupby(by)["ok"].mean()
    plain = known.groupby(by).agg(calls=("off_s", "size"), late_s=("off_s", "mean"))
    pairs = _headways(known).assign(all="all")
    rows = []
    for key, part in pairs.groupby(by):
        rows.append((key if isinstance(key, tuple) else (key,), _regular(part)))
    regular = pd.DataFrame(
        [values for _, values in rows], columns=["headways", "excess_wait_s", "headway_cv", "bunched"],
        index=pd.MultiIndex.from_tuples([key for key, _ in rows], names=by) if rows else None,
    )  # fmt: skip
    if len(by) == 1 and rows:
        regular.index = pd.Index([key[0] for key, _ in rows], name=by[0])
    table = plain.assign(on_time=on_time)
    return table.join(regular).reset_index() if rows else table.reset_index()


def _headways(known: pd.DataFrame) -> pd.DataFrame:
    """Pairs of buses at a stop: planned and real headway, in the order planned and really run."""
    rows = []
    names = ["route_id", "direction_id", "stop_id"]
    for key, part in known.groupby(names, sort=True):
        plan = np.sort(part["plan_s"].to_numpy(float))
        real = np.sort(part["real_s"].to_numpy(float))
        planned, found = np.diff(plan), np.diff(real)
        rows.append(pd.DataFrame({
            **dict(zip(names, key, strict=True)), "planned_s": planned, "real_s": found,
            "hour": (plan[1:] // 3600).astype(int),
        }))  # fmt: skip
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(
        columns=[*names, "planned_s", "real_s", "hour"])  # fmt: skip
    return table[(table["planned_s"] <= FREQUENT_S) & (table["planned_s"] > 0)]


def _regular(part: pd.DataFrame) -> tuple[int, float, float, float]:
    planned, real = part["planned_s"].to_numpy(float), part["real_s"].to_numpy(float)
    ratio = real / planned
    return (
        len(part), wait_s(real) - wait_s(planned),
        float(ratio.std() / max(ratio.mean(), 1e-9)) if len(part) > 1 else 0.0,
        float((ratio < BUNCHED).mean()),
    )  # fmt: skip


def wait_s(headways: NDArray[np.float64]) -> float:
    """Mean wait of riders who come at random."""
    total = float(headways.sum())
    return float((headways**2).sum() / (2 * total)) if total > 0 else 0.0
