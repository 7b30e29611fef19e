"""A ``.sumocfg``: which net, which files, from when to when; and a run that writes nothing beside it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from mobility.errors import ConfigError, TableError

# Elements of additional files that write to the file they name.
_WRITERS = frozenset({
    "e1Detector", "inductionLoop", "e2Detector", "laneAreaDetector", "e3Detector",
    "entryExitDetector", "instantInductionLoop", "edgeData", "laneData", "routeProbe",
    "vTypeProbe", "calibrator", "timedEvent",
})  # fmt: skip
_SCHEDULES = frozenset({"WAUT", "wautJunction"})
_OUTPUT = {"file": "NUL", "output": "NUL", "dest": "NUL"}


@dataclass(frozen=True)
class Config:
    """What a simulation reads, as absolute paths."""

    path: Path
    net: Path
    routes: tuple[Path, ...]
    additional: tuple[Path, ...]
    begin_s: float | None
    end_s: float | None
    step_s: float


def read_config(path: str | Path) -> Config:
    """Read a configuration; file names are relative to it.

    Raises
    ------
    ConfigError
        When the file cannot be read, or names no net, or a file that is not there.
    """
    source = Path(path).absolute()
    root = _parse(source)
    given = {one.tag: one.get("value", "") for one in root.iter() if "value" in one.attrib}
    net = given.get("net-file", given.get("n", ""))
    if not net:
        raise ConfigError(f"{path}: names no net-file", mend='<net-file value="X.net.xml"/>')
    config = Config(
        source, _near(source, net),
        _all(source, given.get("route-files", given.get("r", ""))),
        _all(source, given.get("additional-files", given.get("a", ""))),
        _time(given.get("begin", given.get("b"))), _time(given.get("end", given.get("e"))),
        _time(given.get("step-length")) or 1.0,
    )  # fmt: skip
    for one in (config.net, *config.routes, *config.additional):
        if not one.is_file():
            raise ConfigError(f"{path}: {one} is not there", mend="correct the file's name")
    return config


def silent(additional: tuple[Path, ...], folder: Path, *, schedules: bool = True) -> list[Path]:
    """Return additional files that write nothing: copies in ``folder`` where they would.

    Parameters
    ----------
    schedules
        Keep SUMO's weekly schedules (``WAUT``), which would put the scenario's own programs in the
        place of a plan that is to be driven.
    """
    found = []
    for number, path in enumerate(additional):
        root = _parse(path)
        writers = [one for one in root.iter() if one.tag in _WRITERS]
        switches = [] if schedules else [one for one in root if one.tag in _SCHEDULES]
        if not writers and not switches:
            found.append(path)
            continue
        for one in switches:
            root.remove(one)
        for one in writers:
            for key, value in _OUTPUT.items():
                if key in one.attrib:
                    one.set(key, value)
        copy = folder / f"{number}-{path.name.removesuffix('.gz')}"
        copy.write_bytes(tostring(root, encoding="utf-8"))
        found.append(copy)
    return found


def is_scheduled(additional: tuple[Path, ...]) -> bool:
    """Whether a schedule changes the programs of signals during the day."""
    return any(one.tag in _SCHEDULES for path in additional for one in _parse(path))


def _parse(path: Path) -> Any:
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        return fromstring(content)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}", mend="name a .sumocfg") from None
    except (ParseError, DefusedXmlException, EOFError, ValueError) as error:
        raise TableError(f"{path}: no XML that can be read: {error}",
                         mend="write the file again") from None  # fmt: skip


def _near(source: Path, name: str) -> Path:
    return (source.parent / name).resolve()


def _all(source: Path, names: str) -> tuple[Path, ...]:
    parts = [one.strip() for one in names.replace(";", ",").split(",")]
    return tuple(_near(source, one) for one in parts if one)


def _time(text: str | None) -> float | None:
    """Seconds, or [D:]HH:MM:SS; below 0 means none, as SUMO has it."""
    if text is None or not text.strip():
        return None
    try:
        parts = [float(one) for one in text.strip().split(":")]
    except ValueError:
        raise ConfigError(f"{text!r} is no time", mend="seconds, or HH:MM:SS") from None
    seconds = 0.0
    for factor, part in zip((1, 60, 3600, 86_400), reversed(parts), strict=False):
        seconds += factor * part
    return seconds if seconds >= 0 else None
