"""A small town of SUMO: a grid of signals with crossings, and some minutes of traffic."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def make_town(folder, name="town"):
    """Write NAME.net.xml, NAME.rou.xml, NAME_tls.add.xml and NAME.sumocfg into a folder."""
    import sumo

    from mobility.signals.sumo import from_sumo, write_programs

    home = Path(sumo.SUMO_HOME)
    net, routes = folder / f"{name}.net.xml", folder / f"{name}.rou.xml"
    subprocess.run([
        home / "bin" / "netgenerate", "--grid", "--grid.number", "3", "--grid.length", "150",
        "--grid.attach-length", "150", "--default.lanenumber", "2", "--default-junction-type", "traffic_light",
        "--crossings.guess", "--sidewalks.guess", "-o", net,
    ], check=True, capture_output=True)  # fmt: skip
    subprocess.run([
        sys.executable, home / "tools" / "randomTrips.py", "-n", net, "-r", routes, "-o", folder / "trips.xml",
        "-e", "600", "-p", "1.5", "--seed", "1", "--fringe-factor", "10", "--validate",
    ], check=True, capture_output=True)  # fmt: skip
    (folder / f"{name}.sumocfg").write_text(
        f'<configuration><input><net-file value="{net.name}"/><route-files value="{routes.name}"/></input>'
        '<time><begin value="0"/><end value="900"/></time></configuration>'
    )
    network = from_sumo(net)
    write_programs(network, network.given, folder / f"{name}_tls.add.xml")
    return folder
