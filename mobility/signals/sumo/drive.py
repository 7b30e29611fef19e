"""A run in SUMO: programs as they are or ours, what it costs everybody, and what the lamps showed."""

from __future__ import annotations

import contextlib
import io
import itertools
import tempfile
import time
import warnings
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.errors import ConfigError, MissingExtra, TableError
from mobility.signals.check import check
from mobility.signals.plan import SHOWN, STAGES, Log
from mobility.signals.sumo.config import is_scheduled, read_config, silent
from mobility.signals.sumo.engines import write_engines
from mobility.signals.sumo.loop import LOOPS, Loop, policy_of
from mobility.signals.sumo.net import read_net
from mobility.signals.sumo.read import STATES, from_sumo
from mobility.signals.sumo.spill import GAP_M, Spill
from mobility.signals.sumo.trips import movements, read_statistics, read_trips, summary
from mobility.signals.sumo.write import write_programs

if TYPE_CHECKING:
    from mobility.findings import Finding
    from mobility.signals.plan import Plan
    from mobility.signals.policy import Policy
    from mobility.signals.problem import Intersection, Network
    from mobility.signals.sumo.config import Config
    from mobility.signals.sumo.engines import Engine
    from mobility.signals.sumo.net import Net
    from mobility.signals.sumo.trips import Trip

CONTROLLERS = ("shipped", "fixed", "planned", *LOOPS)
CAR_OCCUPANCY, BUS_OCCUPANCY = 1.3, 40.0  # people; assumed, and said in the answer
QUEUE_EVERY_S = 10.0


@dataclass(frozen=True, eq=False)
class Drive:
    """One run.

    Parameters
    ----------
    figures
        vehicles, delay_s (mean of timeLoss + departDelay over all trips, those that never ended or
        departed included), never_departed, bus, person_delay_s, stops, max_queue_m, teleports,
        collisions, worst_movement; movements (mean delay of each that ten vehicles made, worst
        first); spill_back (lanes behind a signal that stand full, see `Spill`).
    findings, input_findings
        What the lamps broke by our doing, and what the shipped programs break by themselves.
    log
        What was shown.
    trips
        Every vehicle.
    """

    controller: str
    seed: int
    figures: dict[str, Any]
    findings: tuple[Finding, ...]
    input_findings: tuple[Finding, ...]
    log: Log
    seconds: float
    versions: dict[str, str]
    asked: dict[str, Any] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    trips: tuple[Trip, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "controller": self.controller, "seed": self.seed, **self.asked, **self.figures,
            "findings": [one.to_dict() for one in self.findings],
            "input_findings": [one.to_dict() for one in self.input_findings],
            "assumptions": list(self.assumptions), "versions": self.versions,
            "seconds": self.seconds,
        }  # fmt: skip

    def __str__(self) -> str:
        delay = self.figures["delay_s"]
        told = "nobody drove" if delay is None else f"{delay:.1f} s a vehicle"
        return (f"{self.controller}: {self.figures['vehicles']:,} vehicles, {told} "
                f"({len(self.findings)} findings, {self.seconds:.1f} s)")  # fmt: skip


def drive(
    config: str | Path,
    controller: str | Plan = "shipped",
    *,
    seed: int = 0,
    begin_s: float | None = None,
    end_s: float | None = None,
    scale: float = 1.0,
    teleport_s: float = -1,
    car_occupancy: float = CAR_OCCUPANCY,
    bus_occupancy: float = BUS_OCCUPANCY,
    engines: tuple[Engine, ...] = (),
    preempts: bool = True,
) -> Drive:
    """Run a scenario of SUMO once.

    Nothing is written beside the scenario. The same seed and version of SUMO give the same answer.

    Parameters
    ----------
    config
        A ``.sumocfg``.
    controller
        ``shipped``: the programs as they are; ``fixed``: static cycles of their durations;
        ``planned``: our own plan for the scenario, or the shipped programs where it is not better;
        ``actuated``, ``actuated-tuned``, ``greedy``, ``max-pressure``, ``adaptive`` or
        ``priority``: in the loop, through one actuator; or a plan for the scenario's network.
    begin_s, end_s
        By default the scenario's; without an end it runs until everybody has arrived.
    scale
        Of the demand.
    teleport_s
        After which a vehicle that is stuck is moved on; -1: never.
    engines
        Fire engines that drive too; with them ``fixed`` goes through the actuator, in the loop.
    preempts
        Fire engines are let through; else they are vehicles among others.

    Raises
    ------
    MissingExtra
        When SUMO is not installed.
    ConfigError, TableError
        When the scenario cannot be read, or SUMO refuses it.
    """
    started = time.perf_counter()
    if controller == "planned":
        return _drive_planned(
            config, seed=seed, begin_s=begin_s, end_s=end_s, scale=scale, teleport_s=teleport_s,
            car_occupancy=car_occupancy, bus_occupancy=bus_occupancy,
        )  # fmt: skip
    if isinstance(controller, str) and controller not in CONTROLLERS:
        raise ConfigError(f"no controller is called {controller!r}",
                          mend=f"there are {', '.join(CONTROLLERS)}, or give a plan")  # fmt: skip
    if not scale > 0:
        raise ConfigError(
            f"scale must be above 0 (found {scale})", mend="1.0 is the demand as it is"
        )
    sumo, api = _simulator()
    asked = read_config(config)
    network = from_sumo(asked.net, *asked.additional)
    net = read_net(asked.net, asked.additional)
    begin = asked.begin_s or 0.0 if begin_s is None else begin_s
    end = asked.end_s if end_s is None else end_s
    if end is not None and end <= begin:
        raise ConfigError(f"the end ({end:g} s) is not after the begin ({begin:g} s)",
                          mend="--end in the same clock as --begin")  # fmt: skip
    plan = _plan(network, net, controller)
    if controller == "shipped" and is_scheduled(asked.additional):
        plan = None  # another of its programs may run
    with tempfile.TemporaryDirectory(prefix="mobility-sumo-") as name:
        folder = Path(name)
        words = _words(sumo, asked, network, controller, folder, seed=seed, begin=begin, end=end,
                       scale=scale, teleport=teleport_s, engines=engines)  # fmt: skip
        policy = policy_of(controller) if controller in LOOPS else None
        looped = policy is not None or bool(engines and controller == "fixed")
        shown, buses, queue_m, spill, loop = _run(
            api, words, network, net, begin, end, folder, policy, looped=looped, preempts=preempts
        )
        trips, walks = read_trips(folder / "trips.xml")
        figures = summary(trips, walks, buses, car_occupancy=car_occupancy,
                          bus_occupancy=bus_occupancy)  # fmt: skip
        moved = movements(folder / "routes.xml", net)
        figures |= {"max_queue_m": queue_m, **read_statistics(folder / "statistics.xml"),
                    "worst_movement": moved[0] if moved else None, "movements": moved,
                    "spill_back": spill.to_dict()}  # fmt: skip
    if looped and plan is not None:
        plan = _kept(network, plan)
    log = _log(network, shown, plan)
    if loop is not None:
        log = replace(log, commands=loop.control.commands, horizons=loop.control.horizons,
                      requests=loop.control.requests(), gaps=loop.control.gaps())  # fmt: skip
    # What the shipped program breaks already is no excuse for lamps of our own.
    excused = loop is None and isinstance(controller, str)
    known = {(one.code, one.column) for one in network.input_findings} if excused else set()
    found = check(network if loop is None else loop.control.network, log)
    ours = [one for one in found if (one.code, one.column) not in known]
    return Drive(
        controller=controller if isinstance(controller, str) else controller.name, seed=seed,
        figures=figures, findings=tuple(ours), input_findings=network.input_findings, log=log,
        seconds=time.perf_counter() - started,
        versions={"sumo": version("eclipse-sumo"), "interface": api.__name__},
        asked={"config": Path(config).name, "begin_s": begin, "end_s": end, "scale": scale,
               "teleport_s": teleport_s},
        assumptions=(f"{car_occupancy:g} people in a car, {bus_occupancy:g} in a bus",),
        trips=tuple(trips),
    )  # fmt: skip


def _drive_planned(config: str | Path, **asked: Any) -> Drive:
    """Plan, then run what planning decided on; the time is that of both."""
    from mobility.signals.sumo.planned import plan_for

    planned = plan_for(config, **{name: asked[name] for name in
                                  ("begin_s", "end_s", "scale", "teleport_s")})  # fmt: skip
    done = drive(config, "shipped" if planned.plan is None else planned.plan, **asked)
    return replace(done, controller="planned", seconds=done.seconds + planned.seconds,
                   asked={**done.asked, "planning": planned.to_dict()})  # fmt: skip


def _simulator() -> tuple[str, Any]:
    """Find SUMO's program, and libsumo where it is installed, else traci."""
    try:
        import sumo as package
    except ImportError:
        raise MissingExtra("SUMO is not installed",
                           mend="pip install 'mobility-engine[sumo]'") from None  # fmt: skip
    program = str(Path(package.SUMO_HOME) / "bin" / "sumo")
    try:  # libsumo says at once, on stdout, what it thinks of the version of pyarrow
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import libsumo
    except (ImportError, OSError):
        import traci

        return program, traci
    return program, libsumo


def _plan(network: Network, net: Net, controller: str | Plan) -> Plan | None:
    """Give the plan that lamps must follow; None where shipped programs react to traffic."""
    if not isinstance(controller, str):
        return controller
    if network.given is None or controller in LOOPS:
        return None
    if controller == "fixed":
        return network.given
    static = [one for one in network.given.signals if net.programs[one.signal][-1].kind == "static"]
    return replace(network.given, signals=tuple(static))


def _kept(network: Network, plan: Plan) -> Plan:
    """What of a plan the actuator can follow to the second: signals whose program breaks no rule."""
    wrong = [one.column for one in network.input_findings]
    return replace(plan, signals=tuple(
        one for one in plan.signals
        if not any(name == one.signal or name.startswith(f"{one.signal}.") for name in wrong)
    ))  # fmt: skip


def _words(
    sumo: str,
    asked: Config,
    network: Network,
    controller: str | Plan,
    folder: Path,
    *,
    seed: int,
    begin: float,
    end: float | None,
    scale: float,
    teleport: float,
    engines: tuple[Engine, ...],
) -> list[str]:
    """Build SUMO's command line: what is written goes to our own folder."""
    additional = silent(asked.additional, folder, schedules=controller == "shipped")
    if not isinstance(controller, str):
        additional.append(write_programs(network, controller, folder / "plan.add.xml"))
    elif controller == "fixed" and network.given is not None:
        additional.append(write_programs(network, network.given, folder / "plan.add.xml"))
    if engines:
        additional.append(write_engines(engines, folder / "engines.add.xml"))
    words = [
        sumo, "-c", str(asked.path), "--seed", str(seed), "--begin", f"{begin:g}",
        "--scale", f"{scale:g}", "--time-to-teleport", f"{teleport:g}",
        "--tripinfo-output", str(folder / "trips.xml"),
        "--tripinfo-output.write-unfinished", "--tripinfo-output.write-undeparted",
        "--vehroute-output", str(folder / "routes.xml"), "--vehroute-output.exit-times",
        "--vehroute-output.write-unfinished", "--vehroute-output.last-route",
        "--statistic-output", str(folder / "statistics.xml"),
        "--log", str(folder / "sumo.log"), "--message-log", str(folder / "messages.log"),
        "--error-log", str(folder / "errors.log"),
        "--no-step-log", "--no-warnings", "--duration-log.disable", "--verbose", "false",
    ]  # fmt: skip
    if end is not None:
        words += ["--end", f"{end:g}"]
    if additional:
        words += ["--additional-files", ",".join(map(str, additional))]
    return words


def _run(
    api: Any,
    words: list[str],
    network: Network,
    net: Net,
    begin: float,
    end: float | None,
    folder: Path,
    policy: Policy | None,
    *,
    looped: bool,
    preempts: bool,
) -> tuple[dict[str, list[tuple[float, str]]], set[str], float, Spill, Loop | None]:
    """Step through; what each signal showed since when, bus types, the longest queue, full lanes."""
    shown: dict[str, list[tuple[float, str]]] = {one.id: [] for one in network.intersections}
    lanes = sorted(
        {link.from_lane for one in network.intersections for rows in net.links[one.id].values()
         for link in rows if link.from_lane in net.lanes}
    )  # fmt: skip
    errors = (Exception,)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # traci says there how often it has tried
            api.start(words)
    except errors as error:
        raise TableError(f"SUMO refuses the scenario: {_told(folder, error)}",
                         mend="run it with sumo itself first") from None  # fmt: skip
    queue_m, buses, now = 0.0, set(), begin
    look = begin
    spill = Spill(net)
    loop: Loop | None = None
    try:
        if looped:
            loop = Loop(api, network, net, policy, begin, preempts=preempts)
            loop.step(begin)
        while (end is None or now < end - 1e-9) and (
            end is not None or api.simulation.getMinExpectedNumber() > 0
        ):
            api.simulationStep()
            since, now = now, api.simulation.getTime()
            for signal, states in shown.items():
                state = api.trafficlight.getRedYellowGreenState(signal)
                if not states or states[-1][1] != state:
                    states.append((since, state))
            if loop is not None:
                loop.step(now)
            if now >= look:
                look += QUEUE_EVERY_S
                queue_m = max(queue_m, _queue_m(api, lanes))
                spill.look(api)
        buses = {one for one in api.vehicletype.getIDList()
                 if api.vehicletype.getVehicleClass(one) == "bus"}  # fmt: skip
    except errors as error:
        raise TableError(f"SUMO stops at {now:g} s: {_told(folder, error)}",
                         mend="run it with sumo itself first") from None  # fmt: skip
    finally:
        with contextlib.suppress(Exception):  # a simulator that has died cannot be closed
            api.close()
    for states in shown.values():
        states.append((now, ""))
    return shown, buses, queue_m, spill, loop


def _queue_m(api: Any, lanes: list[str]) -> float:
    longest = 0.0
    for lane in lanes:
        standing = api.lane.getLastStepHaltingNumber(lane)
        if standing:
            longest = max(longest, standing * (api.lane.getLastStepLength(lane) + GAP_M))
    return longest


def _told(folder: Path, error: Exception) -> str:
    """Give SUMO's own words where it left some."""
    path = folder / "errors.log"
    lines: list[str] = []
    for _ in range(20):  # a simulator that runs by itself may still be writing
        lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
        if any(one.strip() for one in lines):
            break
        time.sleep(0.05)
    return next((one.strip() for one in lines if one.strip()), str(error))


def _log(network: Network, shown: dict[str, list[tuple[float, str]]], plan: Plan | None) -> Log:
    """Turn letters into a log, and name the stages that they are."""
    rows: list[tuple[str, str, str, float, float]] = []
    claims: list[tuple[str, str, float, float]] = []
    for signal, states in sorted(shown.items()):
        one = network.signal[signal]
        stages = _stage_letters(one)
        for (start, letters), (end, _) in itertools.pairwise(states):
            for group in one.groups:
                state = STATES[letters[group.source[0]]]
                rows.append((signal, group.id, str(state), start, end))
            stage = stages.get(letters)
            if stage is not None:
                claims.append((signal, stage, start, end))
    return Log(pd.DataFrame(rows, columns=list(SHOWN)), pd.DataFrame(claims, columns=list(STAGES)),
               plan=plan)  # fmt: skip


def _stage_letters(one: Intersection) -> dict[str, str]:
    """Give each stage's letters, as the program shows them."""
    width = max(link for group in one.groups for link in group.source) + 1
    found = {}
    for stage in one.stages:
        letters = ["r"] * width
        for name in stage.groups:
            for link in one.group[name].source:
                letters[link] = "g" if name in stage.yields else "G"
        found["".join(letters)] = stage.id
    return found
