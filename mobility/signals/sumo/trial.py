"""A plan tried in SUMO as fast as it goes: the simulator by itself, delay of all trips, losses by lane."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from defusedxml.ElementTree import iterparse

from mobility.errors import MissingExtra, TableError
from mobility.signals.sumo.config import silent
from mobility.signals.sumo.trips import read_statistics, read_trips
from mobility.signals.sumo.write import write_programs

if TYPE_CHECKING:
    from mobility.signals.plan import Plan
    from mobility.signals.problem import Network
    from mobility.signals.sumo.config import Config


@dataclass(frozen=True)
class Trial:
    """One run: mean delay of all trips, those that never left, and seconds lost on each lane.

    ``work`` is vehicle steps simulated: what a run costs, the same on every machine.
    """

    delay_s: float
    vehicles: int
    never_departed: int
    teleports: int
    work: float
    lost_s: dict[str, float] = field(default_factory=dict)


def try_plan(
    asked: Config,
    network: Network | None,
    plan: Plan | None,
    *,
    seed: int,
    begin_s: float,
    end_s: float | None,
    scale: float = 1.0,
    teleport_s: float = -1,
    lanes: bool = False,
    most_seconds: float | None = None,
) -> Trial | None:
    """Run a scenario once under a plan, or under the programs as they are.

    Parameters
    ----------
    lanes
        Whether seconds lost are wanted lane by lane.
    most_seconds
        Wall time after which the run is given up.

    Returns
    -------
    Trial or None
        None where it was given up, or nobody drove.

    Raises
    ------
    MissingExtra
        When SUMO is not installed.
    TableError
        When SUMO refuses the scenario.
    """
    try:
        import sumo
    except ImportError:
        raise MissingExtra("SUMO is not installed",
                           mend="pip install 'mobility-engine[sumo]'") from None  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="mobility-trial-") as name:
        folder = Path(name)
        additional = silent(asked.additional, folder, schedules=plan is None)
        if plan is not None and network is not None:
            additional.append(write_programs(network, plan, folder / "plan.add.xml"))
        if lanes:
            told = folder / "lanes.add.xml"
            told.write_text('<additional><laneData id="m" file="lanes.xml" excludeEmpty="true"/>'
                            "</additional>", "utf-8")  # fmt: skip
            additional.append(told)
        words = [
            str(Path(sumo.SUMO_HOME) / "bin" / "sumo"), "-c", str(asked.path),
            "--seed", str(seed), "--begin", f"{begin_s:g}", "--scale", f"{scale:g}",
            "--time-to-teleport", f"{teleport_s:g}",
            "--tripinfo-output", str(folder / "trips.xml"),
            "--tripinfo-output.write-unfinished", "--tripinfo-output.write-undeparted",
            "--statistic-output", str(folder / "statistics.xml"),
            "--log", str(folder / "sumo.log"), "--message-log", str(folder / "messages.log"),
            "--error-log", str(folder / "errors.log"), "--xml-validation", "never",
            "--no-step-log", "--no-warnings", "--duration-log.disable",
        ]  # fmt: skip
        if asked.routes:
            words += ["--route-files", ",".join(map(str, asked.routes))]
        if end_s is not None:
            words += ["--end", f"{end_s:g}"]
        if additional:
            words += ["--additional-files", ",".join(map(str, additional))]
        environment = {**os.environ, "SUMO_HOME": str(sumo.SUMO_HOME)}
        try:
            done = subprocess.run(words, capture_output=True, text=True, check=False,
                                  env=environment, timeout=most_seconds)  # fmt: skip
        except subprocess.TimeoutExpired:
            return None
        if done.returncode != 0:
            lines = done.stderr.splitlines()
            raise TableError(
                f"SUMO refuses the scenario: {next(iter(lines), 'no reason given')}",
                mend="run it with sumo itself first",
            )
        trips, _ = read_trips(folder / "trips.xml")
        if not trips:
            return None
        return Trial(
            fmean(one.delay_s for one in trips), len(trips),
            sum(not one.departed for one in trips),
            read_statistics(folder / "statistics.xml")["teleports"],
            _work(folder / "trips.xml") / asked.step_s, _lost(folder / "lanes.xml") if lanes else {},
        )  # fmt: skip


def _work(path: Path) -> float:
    return sum(
        float(element.get("duration", 0) or 0)
        for _, element in iterparse(path) if element.tag == "tripinfo"
    )  # fmt: skip


def _lost(path: Path) -> dict[str, float]:
    """Seconds that vehicles lost on each lane."""
    return {
        element.get("id", ""): float(element.get("timeLoss", 0) or 0)
        for _, element in iterparse(path) if element.tag == "lane"
    }  # fmt: skip
