"""NEMA phases of a UTDF node: rings, barriers, times, and which movements each one serves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mobility.signals.utdf_tables import Utdf

# Northbound traffic comes from the south.
FROM = {"N": "S", "S": "N", "E": "W", "W": "E", "NE": "SW", "SW": "NE", "NW": "SE", "SE": "NW"}
TURNS = {"L": "left", "T": "through", "R": "right", "U": "u-turn"}
LETTERS = {turn: letter for letter, turn in TURNS.items()}
_COLUMN = re.compile(r"^(NE|NW|SE|SW|N|S|E|W)B?([LTRU])2?$")
IDEAL_FLOW = 1900.0  # Synchro's own default, vehicles an hour and lane


@dataclass
class Phase:
    """One phase; times in seconds. ``start_s`` and ``end_s`` are on the system's clock."""

    number: int
    barrier: int
    ring: int
    position: int
    yellow_s: float
    all_red_s: float
    min_green_s: float
    max_green_s: float | None
    walk_s: float
    clearance_s: float
    start_s: float | None
    end_s: float | None
    moves: list[Move] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Id of its group."""
        return str(self.number)

    @property
    def after_s(self) -> float:
        """Yellow and all-red."""
        return self.yellow_s + self.all_red_s

    def split_s(self, cycle: float) -> float | None:
        """From its start to its end; without them the longest green and what follows it."""
        if self.start_s is not None and self.end_s is not None and cycle > 0:
            return (self.end_s - self.start_s) % cycle or cycle
        return None if self.max_green_s is None else self.max_green_s + self.after_s


@dataclass(frozen=True)
class Move:
    """A movement that a phase serves; ``permitted``: it gives way to those who come towards it."""

    approach: str
    movement: str
    lanes: int
    ideal_flow: float
    permitted: bool


def phases_of(table: Utdf, node: str) -> list[Phase]:
    """Phases that have a place in a ring, in order of barrier, ring and position."""
    head = next((one.cells for (_, own), one in table.records["Phases"].items() if own == node), {})
    found = []
    for column in head:
        if not re.fullmatch(r"D\d+", column):
            continue
        place = table.cell("Phases", "BRP", node, column)
        match = re.fullmatch(r"(\d)(\d)(\d)(?:\.0+)?", place)
        if match is None:
            if place.strip("0. "):
                table.say("signal_utdf_phase_unplaced", node, f"{column}: {place}", "Phases", "BRP")
            continue

        def seconds(record: str, column: str = column, least: float = 0) -> float | None:
            return table.number("Phases", record, node, column, least=least)

        walk, clearance = seconds("Walk") or 0.0, seconds("DontWalk") or 0.0
        called = table.cell("Phases", "PedCalls", node, column)
        on_foot = bool(walk and clearance) and (called != "" or not _has(table, node, "PedCalls"))
        barrier, ring, position = (int(one) for one in match.groups())
        found.append(Phase(
            int(column[1:]), barrier, ring, position,
            _or(seconds("Yellow"), 3.0), _or(seconds("AllRed"), 0.0), _or(seconds("MinGreen"), 0.0),
            seconds("MaxGreen"), walk if on_foot else 0.0, clearance if on_foot else 0.0,
            seconds("Start", least=-1e6), seconds("End", least=-1e6),
        ))  # fmt: skip
    found.sort(key=lambda one: (one.barrier, one.ring, one.position, one.number))
    return found


def _has(table: Utdf, node: str, record: str) -> bool:
    return (record.lower(), node) in table.records["Phases"]


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def serve(table: Utdf, node: str, phases: list[Phase]) -> dict[tuple[str, str], float]:
    """Give every movement to its phases; the hourly volume of each (approach, movement) is returned.

    A turn without a phase of its own goes with the through lanes that share with it.
    """
    by_number = {one.number: one for one in phases}
    columns = columns_of(table, node)
    through = {match[1]: name for name, match in columns.items() if match[2] == "T"}
    volumes: dict[tuple[str, str], float] = {}
    for name, match in columns.items():
        heading, letter = match[1], match[2]
        volume = table.number("Lanes", "Volume", node, name, least=0)
        lanes = table.number("Lanes", "Lanes", node, name, least=0)
        own = _numbers(table, node, "Phase", name)
        permitted = _numbers(table, node, "PermPhase", name)
        uncontrolled = -1 in own
        own = [one for one in own if one > 0]
        asked = bool(volume or lanes or own or permitted)
        if not asked or uncontrolled:
            continue
        source = name
        if not own and not permitted and heading in through and letter != "T":
            shares = table.number("Lanes", "Shared", node, through[heading]) or 0
            if letter == "R" or shares in {1, 3} or not lanes:
                source = through[heading]
                own = [one for one in _numbers(table, node, "Phase", source) if one > 0]
                permitted = _numbers(table, node, "PermPhase", source)
        key = FROM[heading], TURNS[letter]
        if volume is not None:
            volumes[key] = volumes.get(key, 0.0) + volume
        flow = table.number("Lanes", "IdealFlow", node, source, least=1) or IDEAL_FLOW
        many = int(lanes or 0)  # shared lanes count with the through lanes
        served = False
        for number, gives_way in [
            *((one, False) for one in own),
            *((one, True) for one in permitted),
        ]:
            phase = by_number.get(number)
            if phase is not None:
                served = True
                phase.moves.append(Move(*key, many, flow, gives_way and letter == "L"))
        if not served:
            table.say("signal_movement_missing", f"{node}.{key[0]}", key[1], "Lanes", "Phase1")
    return volumes


def columns_of(table: Utdf, node: str) -> dict[str, re.Match[str]]:
    """Columns of a node's movements: heading and letter of the turn."""
    head = next((one.cells for (_, own), one in table.records["Lanes"].items() if own == node), {})
    return {name: match for name in head if (match := _COLUMN.match(name))}


def _numbers(table: Utdf, node: str, record: str, column: str) -> list[int]:
    found = [table.number("Lanes", f"{record}{k}", node, column) for k in range(1, 5)]
    return [int(one) for one in found if one]
