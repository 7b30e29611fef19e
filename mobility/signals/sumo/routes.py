"""Every vehicle of a scenario with its edges and stops: SUMO's own router does the work."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from mobility.errors import MissingExtra, TableError
from mobility.signals.sumo.config import silent

if TYPE_CHECKING:
    from mobility.signals.sumo.config import Config

_BUSES = frozenset({"bus", "coach", "trolley"})
# SUMO's own values of a passenger car; a bus is longer.
_TAG = re.compile(r"<(?:vehicle|trip|flow)\b[^>]*>")
_LINE, _ID = re.compile(r'\sline="([^"]*)"'), re.compile(r'\sid="([^"]*)"')
_LENGTH_M, _GAP_M, _TAU_S = {"bus": 12.0, "trolley": 12.0, "coach": 14.0}, 2.5, 1.0


@dataclass(frozen=True)
class Halt:
    """A stop of a bus: where on which edge, for how long."""

    stop_id: str
    edge: str
    along_m: float
    duration_s: float


@dataclass(frozen=True)
class Vehicle:
    """One vehicle: when it wants to depart, along which edges, where it stops.

    ``space_m`` is what it takes in a queue, ``tau_s`` the driver's least headway; ``line`` a bus's
    line as the file says it.
    """

    id: str
    depart_s: float
    edges: tuple[str, ...]
    bus: bool = False
    line: str = ""
    halts: tuple[Halt, ...] = ()
    space_m: float = 7.5
    tau_s: float = 1.0


def read_vehicles(config: Config, *, begin_s: float, end_s: float | None) -> list[Vehicle]:
    """Route trips and expand flows with duarouter; vehicles in order of departure, then id.

    Trips take the shortest way in time. Vehicles that want to depart outside of ``[begin, end)``
    are left out, as SUMO does.

    Raises
    ------
    MissingExtra
        When SUMO is not installed.
    TableError
        When its router refuses the files.
    """
    if not config.routes:
        return []
    try:
        import sumo
    except ImportError:
        raise MissingExtra("SUMO is not installed",
                           mend="pip install 'mobility-engine[sumo]'") from None  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="mobility-routes-") as name:
        folder = Path(name)
        routes, lines = _without_lines(config.routes, folder)
        words = [
            str(Path(sumo.SUMO_HOME) / "bin" / "duarouter"), "-n", str(config.net),
            "--route-files", ",".join(map(str, routes)), "-o", str(folder / "out.xml"),
            "--begin", f"{begin_s:g}", "--ignore-errors", "--no-step-log", "--no-warnings",
            "--xml-validation", "never",
        ]  # fmt: skip
        if end_s is not None:
            words += ["--end", f"{end_s:g}"]
        additional = silent(config.additional, folder)
        if additional:
            words += ["--additional-files", ",".join(map(str, additional))]
        environment = {**os.environ, "SUMO_HOME": str(sumo.SUMO_HOME)}
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
        if done.returncode != 0 or not (folder / "out.xml").is_file():
            told = next((one for one in done.stderr.splitlines() if one.startswith("Error")), "")
            raise TableError(f"{config.path.name}: its routes cannot be read: {told}",
                             mend="run duarouter on them first")  # fmt: skip
        stops = _stops(additional)
        found = _vehicles(folder / "out.xml", stops, lines)
    inside = [one for one in found
              if one.depart_s >= begin_s and (end_s is None or one.depart_s < end_s)]  # fmt: skip
    return sorted(inside, key=lambda one: (one.depart_s, one.id))


def _without_lines(paths: tuple[Path, ...], folder: Path) -> tuple[list[Path], dict[str, str]]:
    """Route files whose vehicles have no ``line``, and the line of each: duarouter drops them."""
    found, lines = [], {}
    for number, path in enumerate(paths):
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        if b" line=" not in content:
            found.append(path)
            continue
        text = content.decode("utf-8", "replace")
        for tag in _TAG.findall(text):
            line, name = _LINE.search(tag), _ID.search(tag)
            if line and name:
                lines[name[1]] = line[1]
        copy = folder / f"routes-{number}.xml"
        copy.write_text(_TAG.sub(lambda tag: _LINE.sub("", tag[0]), text), "utf-8")
        found.append(copy)
    return found, lines


def _stops(paths: list[Path]) -> dict[str, tuple[str, float]]:
    """Bus stops of additional files: edge and where a bus's front stands."""
    found = {}
    for path in paths:
        for element in _elements(path):
            if element.tag == "busStop":
                edge = element.get("lane", "").rpartition("_")[0]
                found[element.get("id", "")] = edge, float(element.get("endPos", 0) or 0)
    return found


def _vehicles(
    path: Path, stops: dict[str, tuple[str, float]], lines: dict[str, str]
) -> list[Vehicle]:
    kinds: dict[str, Any] = {}
    found = []
    for element in _elements(path):
        if element.tag == "vType":
            kinds[element.get("id", "")] = dict(element.attrib)
        elif element.tag == "vTypeDistribution":
            kinds |= {one.get("id", ""): dict(one.attrib) for one in element.iter("vType")}
        elif element.tag == "vehicle":
            found.append(_vehicle(element, kinds, stops, lines))
    return [one for one in found if one.edges]


def _vehicle(
    element: Any,
    kinds: dict[str, Any],
    stops: dict[str, tuple[str, float]],
    lines: dict[str, str],
) -> Vehicle:
    identity = element.get("id", "")
    kind = kinds.get(element.get("type", ""), {})
    name = kind.get("vClass", "passenger")
    routes = element.findall("route") + element.findall("routeDistribution/route")
    halts = []
    for one in element.findall("stop"):
        stop = one.get("busStop", one.get("id", ""))
        edge, along = stops.get(stop, ("", 0.0))
        if not edge:
            edge, along = one.get("lane", "").rpartition("_")[0], float(one.get("endPos", 0) or 0)
        halts.append(Halt(stop or f"{edge}@{along:g}", edge, along,
                          float(one.get("duration", 0) or 0)))  # fmt: skip
    length = float(kind.get("length", _LENGTH_M.get(name, 5.0)))
    return Vehicle(
        identity, float(element.get("depart", 0)),
        tuple(routes[-1].get("edges", "").split()) if routes else (),
        bus=name in _BUSES, line=lines.get(identity, lines.get(identity.rpartition(".")[0], "")),
        halts=tuple(halts),
        space_m=length + float(kind.get("minGap", _GAP_M)), tau_s=float(kind.get("tau", _TAU_S)),
    )  # fmt: skip


def _elements(path: Path) -> Any:
    """Elements below the root, each once it is complete."""
    try:
        depth = 0
        for event, element in iterparse(path, events=("start", "end")):
            depth += 1 if event == "start" else -1
            if event == "end" and depth == 1:
                yield element
                element.clear()
    except (ParseError, DefusedXmlException, OSError, UnicodeDecodeError) as error:
        raise TableError(f"{path.name}: no XML that can be read: {error}",
                         mend="write the file again") from None  # fmt: skip
