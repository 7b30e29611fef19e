"""Fuel of one stop, measured in SUMO: ``python -m benchmarks.stop_fuel``.

One petrol car drives 2 km of flat street at the limit, once freely and once with a stop. What a
stop costs beyond standing still is where ``Values.stop_l`` comes from.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

CLASSES = ("HBEFA4/PC_petrol_Euro-4", "HBEFA4/PC_petrol_Euro-6ab", "PHEMlight/PC_G_EU4")
SPEEDS_KMH = (40, 50, 60)
PETROL_MG_L = 0.742e6  # SUMO's own density of petrol
STEP_S = 0.5


def driven(folder: Path, kind: str, stop_s: int) -> tuple[float, float]:
    """Fuel in litres and seconds of one drive over the street in ``folder``."""
    import libsumo

    stop = f'<stop lane="e_0" startPos="990" endPos="1000" duration="{stop_s}"/>' if stop_s else ""
    (folder / "r.rou.xml").write_text(
        f'<routes><vType id="t" emissionClass="{kind}" sigma="0" speedDev="0"/>'
        '<route id="r" edges="e"/><vehicle id="v" type="t" route="r" depart="0" departSpeed="max">'
        f"{stop}</vehicle></routes>"
    )
    libsumo.start(["sumo", "-n", str(folder / "n.net.xml"), "-r", str(folder / "r.rou.xml"),
                   "--step-length", str(STEP_S), "--no-step-log", "--no-warnings"])  # fmt: skip
    fuel_mg = seconds = 0.0
    while libsumo.simulation.getMinExpectedNumber() > 0:
        libsumo.simulationStep()
        fuel_mg += (
            sum(map(libsumo.vehicle.getFuelConsumption, libsumo.vehicle.getIDList())) * STEP_S
        )
        seconds += STEP_S
    libsumo.close()
    return fuel_mg / PETROL_MG_L, seconds


def street(folder: Path, speed_kmh: float) -> None:
    """Two kilometres of one lane."""
    (folder / "n.nod.xml").write_text(
        '<nodes><node id="a" x="0" y="0"/><node id="b" x="2000" y="0"/></nodes>'
    )
    (folder / "n.edg.xml").write_text(
        f'<edges><edge id="e" from="a" to="b" numLanes="1" speed="{speed_kmh / 3.6}"/></edges>'
    )
    subprocess.run(
        [Path(os.environ["SUMO_HOME"]) / "bin" / "netconvert", "-n", folder / "n.nod.xml",
         "-e", folder / "n.edg.xml", "-o", folder / "n.net.xml"],
        check=True, capture_output=True,
    )  # fmt: skip


def main() -> None:
    """Print a row a speed and emission class."""
    import sumo

    os.environ.setdefault("SUMO_HOME", str(Path(sumo.__file__).parent))
    print("km/h  class                      standing l/h  a stop beyond its delay, l")
    for speed in SPEEDS_KMH:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            street(folder, speed)
            for kind in CLASSES:
                free, short, long = (driven(folder, kind, stop) for stop in (0, 10, 40))
                idle = (long[0] - short[0]) / (long[1] - short[1])  # l/s
                stop = short[0] - free[0] - idle * (short[1] - free[1])
                print(f"{speed:<5} {kind:<26} {3600 * idle:12.2f} {stop:28.4f}")


if __name__ == "__main__":
    main()
