"""A planner's list of signals: places, cycles and splits, and the plainest network of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from mobility.errors import ConfigError
from mobility.findings import finding
from mobility.signals.groups import Group, Sequence, State
from mobility.signals.intersection import Intersection, Stage
from mobility.signals.problem import Network
from mobility.signals.rows import Rows, read_rows

if TYPE_CHECKING:
    from pathlib import Path

    from mobility.findings import Finding

NEEDED = ("signal", "lat", "lon")
YELLOW_S, ALL_RED_S, MIN_GREEN_S = 3.0, 2.0, 5.0  # of a list that does not say, assumed
_SPLIT = re.compile(r"^(?:([^:\s]+):)?(\d+(?:\.\d+)?)$")


@dataclass(frozen=True)
class ListedSignal:
    """One row of the list; ``splits`` are (stage, seconds up to the next stage)."""

    id: str
    lat: float
    lon: float
    name: str = ""
    cycle_s: float = 0.0
    offset_s: float = 0.0
    splits: tuple[tuple[str, float], ...] = ()
    row: int = 0


def read_signals(
    source: str | Path | pd.DataFrame,
) -> tuple[list[ListedSignal], list[Finding], str]:
    """Read the list; rows that cannot be read are left out and told.

    Raises
    ------
    TableError
        When the file cannot be read or lacks a column.
    """
    if isinstance(source, pd.DataFrame):
        cells = source.astype(object).where(source.notna(), "").astype(str)
        rows = [(k + 2, dict(one)) for k, one in enumerate(cells.to_dict("records"))]
        table = Rows("signals", tuple(map(str, source.columns)), [
            (at, {str(name): str(value) for name, value in one.items()}) for at, one in rows
        ])  # fmt: skip
    else:
        table = read_rows(source, NEEDED)
    found: list[ListedSignal] = []
    seen: set[str] = set()
    for at, row in table:
        name = table.text(at, row, "signal")
        lat, lon = table.number(at, row, "lat"), table.number(at, row, "lon")
        cycle = table.number(at, row, "cycle_s", least=0, blank=0.0)
        offset = table.number(at, row, "offset_s", blank=0.0)
        splits = _splits(table, at, row.get("splits", ""))
        if name is None or lat is None or lon is None or cycle is None or offset is None:
            continue
        if not (abs(lat) <= 90 and abs(lon) <= 180) or (abs(lat) < 1 and abs(lon) < 1):
            table.say(at, "lat", f"{lat:g}, {lon:g}", "no place", "degrees north and east")
        elif name in seen:
            table.say(at, "signal", name, "stands twice", "one row a signal")
        elif splits is not None:
            seen.add(name)
            total = sum(seconds for _, seconds in splits)
            if splits and cycle and abs(total - cycle) > 1e-6:
                table.findings.append(
                    finding("signal_cycle_does_not_add_up", file=table.file, row=at, column=name,
                            value=f"splits {total:g} s, cycle {cycle:g} s")
                )  # fmt: skip
                splits = ()
            found.append(ListedSignal(name, lat, lon, row.get("name", ""), cycle or total, offset,
                                      splits, at))  # fmt: skip
    return found, table.findings, table.file


def _splits(table: Rows, at: int, text: str) -> tuple[tuple[str, float], ...] | None:
    parts = [one for one in re.split(r"[\s,;/]+", text.strip()) if one]
    found: list[tuple[str, float]] = []
    for k, part in enumerate(parts):
        match = _SPLIT.match(part)
        if match is None or float(match[2]) <= YELLOW_S + ALL_RED_S:
            table.say(at, "splits", text, "no row of splits",
                      f"A:49 B:20 ..., each above {YELLOW_S + ALL_RED_S:g} s")  # fmt: skip
            return None
        found.append((match[1] or chr(ord("A") + k), float(match[2])))
    if len({name for name, _ in found}) < len(found):
        table.say(at, "splits", text, "a stage stands twice", "one split a stage")
        return None
    return tuple(found)


def network_of_signals(
    listed: tuple[ListedSignal, ...], arrives: dict[str, list[tuple[str, str]]], *, source: str
) -> Network:
    """Make the plainest network that a list can mean: a group a split, all of them in conflict.

    Parameters
    ----------
    arrives
        Signal -> (approach, movement) of the route's buses: what the first split serves.

    Raises
    ------
    ConfigError
        When no signal has splits.
    """
    made = [_signal(one, arrives.get(one.id, [])) for one in listed if one.splits]
    if not made:
        raise ConfigError(f"{source}: no signal has splits",
                          mend="give cycle_s and splits, or read a signals.toml")  # fmt: skip
    bare = len(listed) - len(made)
    return Network(tuple(made), source=source, assumptions=(
        f"yellow {YELLOW_S:g} s, all-red {ALL_RED_S:g} s, minimum green {MIN_GREEN_S:g} s",
        "each split is a stage of its own, and the first one is the route's",
        *((f"{bare} signals without splits are left out",) if bare else ()),
    ))  # fmt: skip


def _signal(one: ListedSignal, arrives: list[tuple[str, str]]) -> Intersection:
    between = YELLOW_S + ALL_RED_S
    lonely = len(one.splits) == 1
    groups, stages = [], []
    for k, (name, seconds) in enumerate(one.splits):
        green = seconds - (0 if lonely else between)
        own = arrives if k == 0 else []
        groups.append(Group(
            name, sequence=Sequence((), ((State.YELLOW, YELLOW_S),)),
            min_green_s=min(MIN_GREEN_S, green),
            approaches=tuple(sorted({approach for approach, _ in own})),
            movements=tuple(sorted({movement for _, movement in own})),
        ))  # fmt: skip
        stages.append(Stage(name, (name,), green))
    names = [name for name, _ in one.splits]
    foes = {(a, b): between for a in names for b in names if a != b}
    return Intersection(
        one.id, tuple(groups), tuple(stages), foes, name=one.name, lat=one.lat, lon=one.lon,
        cycle_s=one.cycle_s, offset_s=one.offset_s, reference_stage=names[0],
        cycle_range_s=(min(40.0, one.cycle_s), max(180.0, one.cycle_s)),
    )  # fmt: skip
