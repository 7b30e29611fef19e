"""Nets that nobody timed or tuned anything to: those that come with SUMO's own package.

``game/...`` are the nets of its traffic light game, ``rilsa/...`` the worked examples of the German
guidelines for signals with their engineered programs. Nothing of them is copied: a configuration in a
temporary folder names the package's files.

- The game's programs wait for a player (phases of 10,000 s). Where the net has SUMO's own 90 s program
  beside them that one is what is shipped, else (corridor, A10KW) netconvert builds it anew; the game's
  additional files are left out.
- A round of the game lasts 3 to 10 minutes, two or three cycles. Its flows run on for a day: half an hour
  is driven here, in steps of 1 s as on the other nets, at a scale at which the shipped programs let nearly
  everybody in.
- No net has actuated programs: ``sumo-actuated`` makes them of the shipped phases, as on the other nets.
- The examples' flows are written by their own ``makeRoutes.py``.
"""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class Unseen:
    """Below SUMO's home: net, routes, additional files; scale of the demand and seconds driven."""

    net: str
    routes: tuple[str, ...]
    scale: float
    additional: tuple[str, ...] = ()
    seconds: int = 1800
    rebuilt: bool = False


def _game(folder: str, net: str, scale: float, *routes: str, rebuilt: bool = False) -> Unseen:
    home = f"tools/game/{folder}/"
    return Unseen(f"{home}{net}", tuple(home + one for one in routes), scale, rebuilt=rebuilt)


def _rilsa(number: int, scale: float) -> Unseen:
    home = f"tools/sumolib/scenario/scenarios/RealWorld/RiLSA_example{number}/"
    return Unseen(f"{home}rilsa{number}.net.xml", (f"{home}makeRoutes.py",), scale,
                  (f"{home}vtypes.add.xml", f"{home}rilsa{number}_tls.add.xml"), 3600)  # fmt: skip


UNSEEN = {
    "game/cross": _game("cross", "cross.net.xml", 0.6, "cross.rou.xml"),
    "game/square": _game("square", "square.net.xml", 0.6, "square.rou.xml"),
    "game/grid6": _game("grid6", "grid6.net.xml", 0.3, "grid6.rou.xml"),
    "game/corridor": _game("corridor", "corridor.net.xml", 0.6, "corridor.rou.xml", rebuilt=True),
    "game/A10KW": _game(
        "A10KW", "osm.net.xml", 0.6,
        *(f"osm.{kind}{part}.rou.xml" for part in ("", "_mw", "_mwb") for kind in ("passenger", "truck")),
        rebuilt=True,
    ),
    "game/fkk_in": _game("fkk_in", "ingolstadt.net.xml.gz", 0.3, "fkk_in.rou.xml"),
    "rilsa/1": _rilsa(1, 1.0), "rilsa/2": _rilsa(2, 0.8), "rilsa/3": _rilsa(3, 0.6),
    "rilsa/4": _rilsa(4, 1.0),
}  # fmt: skip


def missing(net: str) -> str:
    """Say what of a net is not on this machine; empty where all is."""
    if find_spec("sumo") is None:
        return "SUMO is not installed"
    one = UNSEEN[net]
    for name in (one.net, *one.routes, *one.additional):
        if not (_home() / name).is_file():
            return f"SUMO's package has no {name}"
    return ""


def _home() -> Path:
    import sumo

    return Path(sumo.SUMO_HOME)


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="mobility-unseen-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def unseen_config(net: str) -> Path:
    """Write a configuration that names the package's files, in a folder that ends with the process."""
    one, home = UNSEEN[net], _home()
    folder = _folder() / net.replace("/", "-")
    folder.mkdir()
    road = home / one.net
    if one.rebuilt:
        source, road = road, folder / "rebuilt.net.xml"
        subprocess.run([home / "bin" / "netconvert", "-s", source, "--tls.rebuild", "--no-warnings",
                        "-o", road], check=True, capture_output=True)  # fmt: skip
    routes = [home / name for name in one.routes]
    if routes[0].suffix == ".py":
        subprocess.run([sys.executable, routes[0]], check=True, capture_output=True, cwd=folder)
        routes = [folder / "flows.rou.xml"]
    rows = {"net-file": [road], "route-files": routes,
            "additional-files": [home / name for name in one.additional]}  # fmt: skip
    told = "".join(
        f'<{key} value="{",".join(map(str, files))}"/>' for key, files in rows.items() if files
    )
    config = folder / "run.sumocfg"
    config.write_text(f'<configuration><input>{told}</input><time><begin value="0"/>'
                      f'<end value="{one.seconds}"/></time></configuration>', "utf-8")  # fmt: skip
    return config
