"""Turning counts to volumes: averaged over days, checked for balance, missing turns filled by a fit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.findings import finding
from mobility.shown import Shown
from mobility.signals.balance import ALL, EXIT, Flow, balance
from mobility.signals.demand import Volumes
from mobility.signals.rows import read_rows, write_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobility.findings import Finding
    from mobility.signals.balance import Residual
    from mobility.signals.problem import Network

COLUMNS = ("signal", "approach", "movement", "date", "from_s", "to_s", "vehicles")
DAY_S = 86_400
GEH = 5.0  # above it two hourly flows do not agree (Highways England, DMRB vol. 12: GEH < 5)


@dataclass(frozen=True, eq=False)
class Counts(Shown):
    """What was counted.

    Parameters
    ----------
    table
        signal, approach, movement, date, from_s, to_s (seconds into the day), vehicles; sorted.
        ``movement`` is ``left | through | right | u-turn``, ``all`` for an approach's total, or
        ``exit`` for all that leave by that side.
    input_findings
        Rows that could not be read, and rows that stand twice.
    """

    table: pd.DataFrame
    input_findings: tuple[Finding, ...] = ()
    source: str = ""

    def __str__(self) -> str:
        signals, days = self.table["signal"].nunique(), self.table["date"].nunique()
        return f"{len(self.table):,} counts at {signals} signals on {days} days"


@dataclass(frozen=True, eq=False)
class CountedVolumes(Shown):
    """Volumes of some periods, and how far they can be trusted.

    Parameters
    ----------
    volumes
        One a period, for ``Network.volumes``.
    movements
        from_s, to_s, signal, approach, movement, counted_h (NaN: not counted), vehicles_h, seconds
        (that were counted, over all days).
    residuals
        from_s, to_s, kind (``approach``, ``exit`` or ``link``), place, wanted_h, found_h,
        residual_h, geh: what does not balance.
    findings
        Of the counts, of movements that nobody counted, and of flows that do not balance.
    """

    volumes: tuple[Volumes, ...]
    movements: pd.DataFrame
    residuals: pd.DataFrame
    findings: tuple[Finding, ...]

    def onto(self, network: Network) -> Network:
        """Return a network with these volumes in place of its own."""
        return replace(network, volumes=self.volumes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; null where nothing was counted."""
        return {
            "movements": _plain(self.movements), "residuals": _plain(self.residuals),
            "findings": [one.to_dict() for one in self.findings],
        }  # fmt: skip

    def __str__(self) -> str:
        filled = int(self.movements["counted_h"].isna().sum())
        worst = self.residuals["geh"].max() if len(self.residuals) else 0.0
        return (f"{len(self.volumes)} periods, {len(self.movements)} turns, {filled} filled, "
                f"worst GEH {worst:.1f}")  # fmt: skip


def read_counts(path: str | Path) -> Counts:
    """Read turning counts from CSV or Parquet.

    A row that cannot be read is left out and told. Of two rows for the same turn and time the
    first in the file counts where they agree; where they do not, neither does.

    Raises
    ------
    TableError
        When the file cannot be read or lacks a column.
    """
    table = read_rows(path, COLUMNS)
    rows: dict[tuple[str, str, str, str, int], list[tuple[int, float, int]]] = defaultdict(list)
    for at, cells in table:
        names = [table.text(at, cells, one) for one in ("signal", "approach", "movement", "date")]
        start, end = table.seconds(at, cells, "from_s"), table.seconds(at, cells, "to_s")
        vehicles = table.number(at, cells, "vehicles", least=0)
        if None in names or start is None or end is None or vehicles is None:
            continue
        signal, approach, movement, day = (str(one) for one in names)
        if movement not in _MOVEMENTS:
            table.say(at, "movement", movement, "no movement", f"one of {', '.join(_MOVEMENTS)}")
        elif not _is_date(day):
            table.say(at, "date", day, "no date", "write YYYY-MM-DD")
        elif not start < end <= 2 * DAY_S:
            table.say(at, "to_s", cells["to_s"], "does not end after it begins",
                      "seconds into the day; after midnight they go on past 86400")  # fmt: skip
        else:
            rows[signal, approach, movement, day, start].append((end, vehicles, at))
    made, found = [], list(table.findings)
    for key in sorted(rows):
        kinds = {(end, vehicles) for end, vehicles, _ in rows[key]}
        at = rows[key][-1][2]
        if len(rows[key]) > 1:
            found.append(finding("signal_count_twice", file=table.file, row=at, column=key[0],
                                 value=" ".join(map(str, key[1:]))))  # fmt: skip
        if len(kinds) == 1:
            made.append((*key, *kinds.pop()))
    frame = pd.DataFrame(made, columns=list(COLUMNS))
    return Counts(frame, tuple(found), Path(path).name)


def write_volumes(volumes: CountedVolumes, path: str | Path) -> Path:
    """Write the volume of every movement as CSV or Parquet; whole or not at all."""
    table = volumes.movements
    rows = table.astype(object).where(table.notna(), None).to_numpy().tolist()
    return write_rows(path, list(table.columns), rows)


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(name): value for name, value in one.items()} for one in rows]


_MOVEMENTS = ("left", "through", "right", "u-turn", ALL, EXIT)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def volumes_of_counts(
    network: Network,
    counts: Counts,
    periods: Sequence[tuple[int, int]] | None = None,
    *,
    car_occupancy: float = 1.3,
    whole_counts: bool = False,
) -> CountedVolumes:
    """Average counts over their days, and fill the turns that nobody counted.

    A counted turn keeps its flow. Missing turns are fitted by least squares, none below 0: to the
    totals of approaches and exits that were counted, to conservation along links between signals
    (what leaves one arrives at the other), and, where these leave it open, to how traffic turns at
    the approaches that are counted in full. What does not balance is in ``residuals``.

    Parameters
    ----------
    network
        Its groups say which movements there are.
    periods
        (from_s, to_s) seconds into the day; by default those of the network's own volumes, or else
        the whole time that was counted.
    car_occupancy
        People in a car, where the network has no volumes for the period.
    whole_counts
        Without ``periods``: one period, all that was counted, whatever the network has.

    Returns
    -------
    CountedVolumes
        A movement of which nothing is known is left out, and told.
    """
    spans = list(periods) if periods is not None else [
        (one.from_s, one.to_s) for one in network.volumes if not whole_counts
    ]  # fmt: skip
    if not spans and len(counts.table):
        spans = [(int(counts.table["from_s"].min()), int(counts.table["to_s"].max()))]
    found = list(counts.input_findings)
    turns = _turns(network)
    sides = {(signal, approach) for signal, approach, _ in turns}
    strangers = sorted(
        (str(signal), str(approach), str(movement))
        for signal, approach, movement in counts.table[["signal", "approach", "movement"]]
        .drop_duplicates().itertuples(index=False, name=None)
        if (signal not in network.signal) or (movement == ALL and (signal, approach) not in sides)
        or (movement not in {ALL, EXIT} and (signal, approach, movement) not in turns)
    )  # fmt: skip
    for signal, approach, movement in strangers:
        found.append(finding("signal_count_of_no_movement", file=counts.source,
                             column=f"{signal}.{approach}", value=movement))  # fmt: skip
    made, movements, residuals = [], [], []
    for start, end in spans:
        flows = _hourly(counts.table, start, end)
        told = {key: flow for key, flow in flows.items() if key not in set(strangers)}
        fit = balance(network, turns, {key: flow.vehicles_h for key, flow in told.items()})
        for signal in sorted({one[0] for one in fit.unknown}):
            own = [f"{approach} {turn}" for name, approach, turn in fit.unknown if name == signal]
            found.append(finding("signal_turn_unknown", file=counts.source, column=signal,
                                 value=", ".join(own), count=len(own)))  # fmt: skip
        given = next(
            (one for one in network.volumes if (one.from_s, one.to_s) == (start, end)), None
        )
        made.append(Volumes(
            start, end, fit.vehicles_h, dict(given.pedestrians_h) if given else {},
            given.car_occupancy if given else car_occupancy,
        ))  # fmt: skip
        movements += [
            (start, end, *key, told[key].vehicles_h if key in told else None, flow,
             told[key].seconds if key in told else 0.0)
            for key, flow in sorted(fit.vehicles_h.items())
        ]  # fmt: skip
        residuals += [(start, end, *_row(one)) for one in fit.residuals]
        found += [
            finding("signal_counts_do_not_balance", file=counts.source, column=one.place,
                    value=f"{one.wanted_h:.0f} and {one.found_h:.0f} an hour, GEH {one.geh:.1f}")
            for one in fit.residuals if one.geh > GEH
        ]  # fmt: skip
    names = [
        "from_s",
        "to_s",
        "signal",
        "approach",
        "movement",
        "counted_h",
        "vehicles_h",
        "seconds",
    ]
    frame = pd.DataFrame(movements, columns=names).astype({"counted_h": float})
    rest = ["from_s", "to_s", "kind", "place", "wanted_h", "found_h", "residual_h", "geh"]
    return CountedVolumes(tuple(made), frame, pd.DataFrame(residuals, columns=rest), tuple(found))


def _row(one: Residual) -> tuple[object, ...]:
    return one.kind, one.place, one.wanted_h, one.found_h, one.found_h - one.wanted_h, one.geh


def _turns(network: Network) -> set[tuple[str, str, str]]:
    return {
        (one.id, approach, movement)
        for one in network.intersections for group in one.groups if not group.on_foot
        for approach in group.approaches for movement in group.movements
    }  # fmt: skip


def _hourly(table: pd.DataFrame, start: int, end: int) -> dict[tuple[str, str, str], Flow]:
    """Vehicles an hour of every turn: the mean over all time of the period that was counted.

    Each piece of the day is averaged over its dates first, so that a day with more pieces does not
    weigh more. A piece that lies partly in the period counts with that part.
    """
    pieces: dict[tuple[str, str, str], dict[tuple[int, int], list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for signal, approach, movement, _, begin, finish, vehicles in table.itertuples(
        index=False, name=None
    ):
        if min(finish, end) > max(begin, start):
            pieces[signal, approach, movement][begin, finish].append(float(vehicles))
    found = {}
    for key, parts in pieces.items():
        vehicles = seconds = counted = 0.0
        for (begin, finish), values in sorted(parts.items()):
            inside = min(finish, end) - max(begin, start)
            vehicles += sum(values) / len(values) * inside / (finish - begin)
            seconds += inside
            counted += inside * len(values)
        found[key] = Flow(vehicles * 3600 / seconds, counted)
    return found
