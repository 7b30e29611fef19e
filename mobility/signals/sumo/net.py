"""A SUMO net as plain tables: lanes, links of signals, foes, programs. Read as a stream."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from mobility.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Lane:
    """A lane: length in m, speed in m/s, and the classes that may (not) use it."""

    id: str
    edge: str
    length_m: float
    speed_ms: float
    allow: str = ""
    disallow: str = ""


@dataclass(frozen=True)
class Link:
    """A connection that a signal controls; ``junction`` and ``request`` say who its foes are.

    ``via`` is the lane inside the junction.
    """

    index: int
    from_lane: str
    to_edge: str
    direction: str
    junction: str
    request: int
    crossing: bool
    via: str = ""
    to_lane: int = 0


@dataclass(frozen=True)
class Phase:
    """One phase of a program; ``min_s`` and ``max_s`` where it is actuated."""

    duration_s: float
    state: str
    min_s: float | None = None
    max_s: float | None = None


@dataclass(frozen=True)
class Program:
    """A ``tlLogic``."""

    id: str
    program: str
    kind: str
    offset_s: float
    phases: tuple[Phase, ...]

    @property
    def cycle_s(self) -> float:
        """Sum of its durations."""
        return sum(one.duration_s for one in self.phases)


@dataclass
class Net:
    """What a net says about its signals."""

    lanes: dict[str, Lane] = field(default_factory=dict)
    edges: dict[str, tuple[str, str]] = field(default_factory=dict)  # from, to junction
    crossings: set[str] = field(default_factory=set)
    links: dict[str, dict[int, list[Link]]] = field(default_factory=dict)
    foes: dict[str, dict[int, str]] = field(default_factory=dict)
    places: dict[str, tuple[float, float]] = field(default_factory=dict)
    programs: dict[str, list[Program]] = field(default_factory=dict)
    location: dict[str, str] = field(default_factory=dict)


def read_net(path: str | Path, additional: tuple[str | Path, ...] = ()) -> Net:
    """Read a net, and programs of additional files; the last program of a signal is the one that runs.

    Raises
    ------
    TableError
        When a file cannot be read, is no XML, or holds no net.
    """
    net = Net()
    raw: list[dict[str, str]] = []
    for place, element in _elements(path):
        _take(net, raw, element, place)
    if not net.lanes:
        raise TableError(f"{path}: no net of SUMO", mend="name a file that netconvert wrote")
    for one in additional:
        for _, element in _elements(one):
            if element.tag == "tlLogic":
                _program(net, element, str(one))
    _links(net, raw)
    return net


def programs_of(path: str | Path) -> dict[str, list[Program]]:
    """Read the programs of an additional file (or of a net) alone, by signal.

    Raises
    ------
    TableError
        When the file cannot be read, or a phase has no duration or state.
    """
    net = Net()
    for _, element in _elements(path):
        if element.tag == "tlLogic":
            _program(net, element, str(path))
    return net.programs


def _elements(path: str | Path) -> Iterator[tuple[str, Any]]:
    """Every element below the root, once it is complete; cleared afterwards."""
    source = Path(path)
    try:
        with source.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        opened: Any = gzip.open(source, "rb") if packed else source.open("rb")  # noqa: SIM115
        with opened as stream:
            depth = 0
            for event, element in iterparse(stream, events=("start", "end")):
                depth += 1 if event == "start" else -1
                if event == "end" and depth == 1:
                    yield str(path), element
                    element.clear()
    except OSError as error:
        raise TableError(f"{path}: {error.strerror or error}", mend="name a .net.xml") from None
    except (ParseError, DefusedXmlException, EOFError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: no XML that can be read: {error}",
                         mend="write the file again with netconvert") from None  # fmt: skip


def _take(net: Net, raw: list[dict[str, str]], element: Any, path: str) -> None:
    try:
        if element.tag == "edge":
            _edge(net, element)
        elif element.tag == "connection" and "tl" in element.attrib:
            raw.append(dict(element.attrib))
        elif element.tag == "junction":
            name = element.attrib["id"]
            net.places[name] = float(element.get("x", 0)), float(element.get("y", 0))
            net.foes[name] = {
                int(one.attrib["index"]): one.attrib["foes"] for one in element.findall("request")
            }
        elif element.tag == "tlLogic":
            _program(net, element, path)
        elif element.tag == "location":
            net.location = dict(element.attrib)
    except (KeyError, ValueError) as error:
        name = element.get("id", element.tag)
        raise TableError(f"{path}: {element.tag} {name!r}: {error}",
                         mend="write the net again with netconvert") from None  # fmt: skip


def _edge(net: Net, element: Any) -> None:
    name = element.attrib["id"]
    if element.get("function") == "crossing":
        net.crossings.add(name)
    net.edges[name] = element.get("from", ""), element.get("to", "")
    for lane in element.findall("lane"):
        net.lanes[lane.attrib["id"]] = Lane(
            lane.attrib["id"], name, float(lane.attrib["length"]), float(lane.attrib["speed"]),
            lane.get("allow", ""), lane.get("disallow", ""),
        )  # fmt: skip


def _program(net: Net, element: Any, path: str) -> None:
    name = element.get("id", "")
    try:
        phases = tuple(
            Phase(float(one.attrib["duration"]), one.attrib["state"], _number(one.get("minDur")),
                  _number(one.get("maxDur")))
            for one in element.findall("phase")
        )  # fmt: skip
        made = Program(name, element.get("programID", "0"), element.get("type", "static"),
                       float(element.get("offset", 0) or 0), phases)  # fmt: skip
    except (KeyError, ValueError) as error:
        raise TableError(f"{path}: tlLogic {name!r}: {error}",
                         mend="give every phase a duration and a state") from None  # fmt: skip
    if phases:
        net.programs.setdefault(name, []).append(made)


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _links(net: Net, raw: list[dict[str, str]]) -> None:
    """Links by signal and number, with the row of their junction's table of foes.

    An internal lane is called ``:junction_k_l``: its link is ``k + l`` of the junction. Crossings
    (``:junction_ck``) come after all links of vehicles, in order.
    """
    for one in raw:
        if "linkIndex" not in one:
            continue
        crossing = one["to"] in net.crossings
        via = one["to"] if crossing else one.get("via", "")
        junction, request = _request(net, via, crossing=crossing)
        link = Link(
            int(one["linkIndex"]), f"{one['from']}_{one['fromLane']}", one["to"],
            one.get("dir", "s"), junction, request, crossing, via, int(one.get("toLane", 0)),
        )  # fmt: skip
        net.links.setdefault(one["tl"], {}).setdefault(link.index, []).append(link)
        # A crossing has a number for each of its directions.
        if crossing and "linkIndex2" in one:
            other = int(one["linkIndex2"])
            net.links[one["tl"]].setdefault(other, []).append(link)


def _request(net: Net, via: str, *, crossing: bool) -> tuple[str, int]:
    if not via.startswith(":"):
        return "", -1
    if crossing:
        junction, _, number = via[1:].rpartition("_c")
        cars = len(net.foes.get(junction, {})) - sum(
            name.startswith(f":{junction}_c") for name in net.crossings
        )
        return junction, cars + int(number)
    parts = via[1:].rsplit("_", 2)
    return parts[0], int(parts[1]) + int(parts[2])


def are_foes(net: Net, one: Link, other: Link) -> bool:
    """Whether two links cross or join, by their junction's table."""
    if one.junction != other.junction or not one.junction or one.request == other.request:
        return False
    foes = net.foes.get(one.junction, {})

    def named(row: int, column: int) -> bool:
        bits = foes.get(row, "")
        return 0 <= column < len(bits) and bits[len(bits) - 1 - column] == "1"

    return named(one.request, other.request) or named(other.request, one.request)
