"""Fixed-time plans in SUMO beside each other.

``python -m benchmarks.signals`` runs what is not kept yet and writes ``results/signals.json``; a row is
kept by (net, controller, seed, demand, version of the code), so a run that was cut short goes on. SUMO's
own tools (Webster's cycle times, actuated control) come from its package; what decides in real time (our own
and the textbook's, through one actuator) is driven by `mobility signals drive`, whose findings are counted.
``--only NET``, ``--controller NAME``, ``--seeds N``.
The nets lie outside the project: ``MOBILITY_SUMO``, or ``shared/sumo`` beside it; those that nothing was
timed on come with SUMO's package (``benchmarks/unseen.py``).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from benchmarks import fresh
from benchmarks.results import RESULTS, machine
from benchmarks.unseen import UNSEEN, missing, unseen_config

HOME = Path(__file__).parents[1]
NETS = {  # name: scenario, begin, end, teleport
    "cologne3": ("cologne3/cologne3.sumocfg", 25200, 28800, -1),
    "ingolstadt7": ("ingolstadt7/ingolstadt7.sumocfg", 57600, 61200, -1),
    "bologna_acosta": ("bologna_acosta/run.sumocfg", 0, 3600, 300),
}
PROGRAMS = ("shipped", "webster", "sumo-actuated", "planned")
UNSEEN_LOOPS = ("fixed", "actuated", "greedy", "max-pressure", "adaptive")
LOOPS = ("actuated", "actuated-tuned", "greedy", "max-pressure", "adaptive", "priority")
SEEDS = range(5)
AT_ONCE = 2  # runs of SUMO beside each other: their delays do not depend on it, their seconds do
PLANNING = (  # what our plan depends on, below mobility/signals
    "_dispersion_kernels", "descent", "dispersion", "frame", "program", "site", "splits", "stop_lines",
    "sumo/changes", "sumo/demand", "sumo/lab", "sumo/planned", "sumo/read", "sumo/trial", "sumo/write",
)  # fmt: skip
CONTROL = (  # what every controller in real time depends on
    "actuator", "base_plan", "control", "control_inputs", "control_junction", "policy", "program", "streams",
    "sumo/buses", "sumo/loop", "sumo/read", "sumo/sensors",
)  # fmt: skip
POLICIES = {  # and each of them alone
    "actuated": ("policy_actuated",),
    "actuated-tuned": ("policy_actuated", "sumo/demand"),
    "greedy": ("policy_greedy",),
    "max-pressure": ("policy_pressure",),
    "adaptive": ("_control_kernels", "policy_adaptive"),
    "priority": ("_control_kernels", "policy_adaptive", "policy_priority"),
}
# Demand that nothing was timed on: name, factor of all volumes, share of vehicles dropped or doubled.
OTHER_DEMAND = {"-15 %": 0.85, "+15 %": 1.15, "turns": 1.0}
# Real buses drive there; the whole demand is too much for its own programs.
BUSES = {"bologna_acosta": ("x0.6",)}
UNSATURATED = {"x0.6": 0.6}  # of a net that is over-saturated with its own programs
RISE_S = 10.0  # of a movement's mean delay against the fixed plan: from here it is worse off
FULL_SHARE = 0.01  # of the time that a lane stands full more than under it: it spills back
T975 = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 9: 2.26, 14: 2.14}


def sumo_home() -> Path | None:
    """Where the nets are: None where they are not on this machine."""
    given = os.environ.get("MOBILITY_SUMO")
    tried = [Path(given)] if given else [one / "shared" / "sumo" for one in HOME.parents]
    return next((one for one in tried if one.is_dir()), None)


def code_version(controller: str) -> str:
    """Of what a controller depends on: a change makes its rows old."""
    if controller not in {"planned", *LOOPS}:
        return "sumo"
    names = PLANNING if controller == "planned" else (*CONTROL, *POLICIES[controller])
    folder = HOME / "mobility" / "signals"
    return fresh.digest(tuple(folder / f"{name}.py" for name in names))


def kept() -> dict[str, Any]:
    """Read the rows of earlier runs."""
    path = RESULTS / "signals.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {"rows": []}


def keep(document: dict[str, Any]) -> None:
    """Write all rows: to a temporary name first, then renamed."""
    document["machine"] = machine()
    document["summary"] = summary(document["rows"])
    path = RESULTS / "signals.json"
    building = path.with_suffix(".building")
    building.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    building.rename(path)


def add_file(net: str, controller: str, folder: Path) -> tuple[Path | None, dict[str, Any]]:
    """Give the programs that a controller runs, as an additional file; None: as they are."""
    source, begin, end, teleport, scale = scenario_of(net)
    if controller == "shipped":
        return None, {}
    if controller == "planned":
        from mobility.signals.sumo.planned import plan_for
        from mobility.signals.sumo.write import write_programs

        begun = _cpu_s()
        planned = plan_for(source, begin_s=begin, end_s=end, teleport_s=teleport, scale=scale,
                           most_s=4 * 3600)  # fmt: skip  # beside other work; cpu_s counts
        told = {**planned.to_dict(), "cpu_s": round(_cpu_s() - begun, 1)}
        if planned.plan is None or planned.network is None:
            return None, told
        return write_programs(planned.network, planned.plan, folder / "planned.add.xml"), told
    if controller == "webster":
        return _webster(source, folder, begin), {}
    return _actuated(source, folder), {}


def _home() -> Path:
    found = sumo_home()
    if found is None:
        raise SystemExit("the nets are not on this machine: set MOBILITY_SUMO")
    return found


def scenario_of(net: str) -> tuple[Path, int, int, int, float]:
    """Configuration, begin, end, teleport and scale of a net."""
    if net in UNSEEN:
        return unseen_config(net), 0, UNSEEN[net].seconds, -1, UNSEEN[net].scale
    scenario, begin, end, teleport = NETS[net]
    return _home() / scenario, begin, end, teleport, 1.0


def _cpu_s() -> float:
    """Seconds of this process and of the simulators that it ran."""
    told = os.times()
    return told.user + told.system + told.children_user + told.children_system


class NoPlan(Exception):
    """A tool of SUMO has no plan for a net."""


def _webster(source: Path, folder: Path, begin: int) -> Path:
    """SUMO's tlsCycleAdaptation; it needs routes, and is silent when it is given trips."""
    import sumo

    from mobility.signals.sumo.config import read_config

    asked = read_config(source)
    tools = Path(sumo.SUMO_HOME)
    environment = {**os.environ, "SUMO_HOME": str(tools)}
    routed, target = folder / "routed.rou.xml", folder / "webster.add.xml"
    words = [str(tools / "bin" / "duarouter"), "-n", str(asked.net), "--route-files",
             ",".join(map(str, asked.routes)), "-o", str(routed), "--ignore-errors",
             "--no-warnings", "--no-step-log", "--xml-validation", "never"]  # fmt: skip
    others = [
        one for one in asked.additional if "tls" not in one.name and "detector" not in one.name
    ]
    if others:
        words += ["--additional-files", ",".join(map(str, others))]
    subprocess.run(words, check=True, env=environment, capture_output=True)
    script = next((tools / "tools").rglob("tlsCycleAdaptation.py"))
    done = subprocess.run([sys.executable, str(script), "-n", str(asked.net), "-r", str(routed), "-o",
                           str(target), "-b", str(begin)], check=False, env=environment,
                          capture_output=True, text=True)  # fmt: skip
    if done.returncode != 0:
        raise NoPlan(f"SUMO's tool ends with an error: {done.stderr.splitlines()[-1:]}")
    if "<tlLogic" not in target.read_text("utf-8"):
        raise NoPlan("SUMO's tool wrote no plan")
    return target


def _actuated(source: Path, folder: Path) -> Path:
    """The shipped phases with gap-based control, 5 s to the longer of 50 s and the shipped green."""
    from mobility.signals.sumo.config import read_config
    from mobility.signals.sumo.net import read_net

    asked = read_config(source)
    net = read_net(asked.net, asked.additional)
    lines = ["<additional>"]
    for name, programs in sorted(net.programs.items()):
        lines.append(f'<tlLogic id="{name}" type="actuated" programID="actuated" offset="0">')
        for phase in programs[-1].phases:
            limits = ""
            if "y" not in phase.state.lower() and re.search("[Gg]", phase.state):
                limits = f' minDur="5" maxDur="{max(50, phase.duration_s):g}"'
            lines.append(f'<phase duration="{phase.duration_s:g}" state="{phase.state}"{limits}/>')
        lines.append("</tlLogic>")
    lines.append("</additional>")
    target = folder / "actuated.add.xml"
    target.write_text("\n".join(lines), "utf-8")
    return target


def run_once(net: str, additional: Path | None, seed: int, demand: str = "") -> dict[str, Any]:
    """One run of SUMO by itself; the figures of the protocol."""
    from mobility.signals.sumo.config import read_config
    from mobility.signals.sumo.trial import try_plan

    source, begin, end, teleport, scale = scenario_of(net)
    asked = read_config(source)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="mobility-bench-") as name:
        if additional is not None:
            asked = _with(asked, additional)
        if demand == "turns":
            asked = _other_turns(asked, Path(name), seed)
        found = try_plan(asked, None, None, seed=seed, begin_s=begin, end_s=end,
                         scale=scale * _scale(demand), teleport_s=teleport)  # fmt: skip
    if found is None:
        raise SystemExit(f"{net}: nobody drove")
    return {
        "delay_s": found.delay_s, "vehicles": found.vehicles,
        "never_departed": found.never_departed, "teleports": found.teleports,
        "seconds": time.perf_counter() - begun,
    }  # fmt: skip


def run_loop(net: str, controller: str, seed: int, demand: str) -> dict[str, Any]:
    """One run of SUMO with control in real time, in a process of its own."""
    source, begin, end, teleport, scale = scenario_of(net)
    words = [sys.executable, "cli.py", "signals", "drive", str(source), "--controller", controller,
             "--seed", str(seed), "--begin", str(begin), "--end", str(end), "--teleport", str(teleport),
             "--scale", str(scale * _scale(demand)), "--json", "--quiet"]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=HOME)
    if done.returncode not in {0, 1}:
        raise (NoPlan if net in UNSEEN else SystemExit)(done.stderr)
    told = json.loads(done.stdout)
    return {
        **{name: told[name] for name in ("delay_s", "vehicles", "never_departed", "teleports",
                                         "collisions", "seconds", "person_delay_s")},
        "bus": told["bus"], "findings": len(told["findings"]),
        "worst_movement_s": (told["worst_movement"] or {}).get("delay_s"),
        "movements": _compact({f"{one['from']} {one['to']}": round(one["delay_s"], 1)
                               for one in told["movements"]}),
        "full_lanes": _compact({one["lane"]: round(one["share"], 4)
                                for one in told["spill_back"]["full"]}),
    }  # fmt: skip


def _compact(figures: dict[str, float]) -> str:
    """Keep many figures on one line of the document."""
    return json.dumps(dict(sorted(figures.items())), separators=(",", ":"))


def _scale(demand: str) -> float:
    return {**OTHER_DEMAND, **UNSATURATED}.get(demand, 1.0)


def _with(asked: Any, additional: Path) -> Any:
    from dataclasses import replace

    return replace(asked, additional=(*asked.additional, additional))


def _other_turns(asked: Any, folder: Path, seed: int) -> Any:
    """One vehicle in five is left out and another one doubled; each flow is 30 % less or more, or neither."""
    import random
    from dataclasses import replace
    from xml.etree.ElementTree import parse

    rng = random.Random(1_000_003 + seed)
    routes = []
    for number, path in enumerate(asked.routes):
        tree = parse(path)
        root = tree.getroot()
        for one in root.iter("flow"):
            _other_flow(one, rng.choice((0.7, 1.0, 1.3)))
        vehicles = [one for one in root if one.tag in {"vehicle", "trip"}]
        for one in vehicles:
            drawn = rng.random()
            if drawn < 0.2:
                root.remove(one)
            elif drawn < 0.4:
                import copy

                twin = copy.deepcopy(one)
                twin.set("id", f"{one.get('id')}-twin")
                root.insert(list(root).index(one) + 1, twin)
        target = folder / f"{number}.rou.xml"
        tree.write(target)
        routes.append(target)
    return replace(asked, routes=tuple(routes))


def _other_flow(flow: Any, factor: float) -> None:
    """Multiply a flow, however it is given."""
    for name in ("number", "vehsPerHour", "probability"):
        if name in flow.attrib:
            more = float(flow.get(name)) * factor
            flow.set(name, str(round(more) if name == "number" else more))
    period = flow.get("period", "")
    if period.startswith("exp("):
        flow.set("period", f"exp({float(period[4:-1]) * factor})")
    elif period:
        flow.set("period", str(float(period) / factor))


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mean of each controller, and its paired difference to the shipped programs with 95 %.

    Where those were not run it is the difference to ``fixed``, their static cycles.
    """
    table: dict[tuple[str, str], dict[str, dict[int, dict[str, Any]]]] = {}
    for row in rows:
        table.setdefault((row["net"], row["demand"]), {}).setdefault(row["controller"], {})[
            row["seed"]
        ] = row
    found = []
    for (net, demand), by in sorted(table.items()):
        for controller, own in by.items():
            base = by.get("shipped") or by.get("fixed", {})
            both = sorted(set(own) & set(base))
            percent, half = paired([(own[k]["delay_s"], base[k]["delay_s"]) for k in both])
            mean = fmean(row["delay_s"] for row in own.values())
            found.append({
                "net": net, "demand": demand, "controller": controller, "runs": len(own),
                "delay_s": round(mean, 2),
                "never_departed": fmean(row["never_departed"] for row in own.values()),
                "worst_seed_s": round(max(row["delay_s"] for row in own.values()), 2),
                "bus_delay_s": _mean([(row.get("bus") or {}).get("delay_s") for row in own.values()]),
                "findings": sum(row.get("findings", 0) for row in own.values()),
                "teleports": sum(row["teleports"] for row in own.values()),
                "planning_cpu_s": _mean([row.get("planning", {}).get("cpu_s") for row in own.values()]),
                "against_shipped_percent": percent, "half_width_percent": half,
                "older": sum(row["code"] != code_version(controller) for row in own.values()),
                **against_fixed(own, by.get("fixed", {})),
            })  # fmt: skip
    return found


def paired(both: list[tuple[float, float]]) -> tuple[float | None, float | None]:
    """Mean difference of pairs in percent of the second, and half of its 95 % interval."""
    if not both:
        return None, None
    differences, there = [a - b for a, b in both], fmean(b for _, b in both)
    half = None
    if len(both) > 1:
        half = T975.get(len(both) - 1, 2.0) * stdev(differences) / len(both) ** 0.5
    return round(100 * fmean(differences) / there, 2), half and round(100 * half / there, 2)


def against_fixed(own: dict[int, Any], fixed: dict[int, Any]) -> dict[str, Any]:
    """What is worse than under the fixed plan, in the mean of paired seeds.

    Movements of which the mean delay is more than ``RISE_S`` longer, and the longest such rise; lanes behind a
    signal that stand full for ``FULL_SHARE`` of the time more.
    """
    pairs = [(own[k], fixed[k]) for k in sorted(set(own) & set(fixed))
             if "movements" in own[k] and "movements" in fixed[k]]  # fmt: skip
    if not pairs or pairs[0][0] is pairs[0][1]:
        return {}
    rises: dict[str, list[float]] = {}
    fuller: dict[str, float] = {}
    for ours, theirs in pairs:
        now, before = json.loads(ours["movements"]), json.loads(theirs["movements"])
        for name in set(now) & set(before):
            rises.setdefault(name, []).append(now[name] - before[name])
        for sign, row in ((1, ours), (-1, theirs)):
            for lane, share in json.loads(row["full_lanes"]).items():
                fuller[lane] = fuller.get(lane, 0.0) + sign * share / len(pairs)
    mean = [fmean(row) for row in rises.values()]
    buses = [(a["bus"]["delay_s"], b["bus"]["delay_s"]) for a, b in pairs
             if (a.get("bus") or {}).get("delay_s") is not None and (b.get("bus") or {}).get("delay_s")]  # fmt: skip
    percent, half = paired(buses)
    return {
        "bus_percent": percent, "bus_half_width_percent": half, "paired": len(pairs), "movements": len(mean),
        "worse_movements": sum(one > RISE_S for one in mean),
        "worst_rise_s": round(max(mean), 1) if mean else None,
        "new_spill_backs": sum(one > FULL_SHARE for one in fuller.values()),
    }  # fmt: skip


def _mean(found: list[float | None]) -> float | None:
    known = [one for one in found if one is not None]
    return round(fmean(known), 2) if known else None


def run_nets(
    only: list[str],
    controllers: list[str],
    seeds: range,
    demands: tuple[str, ...],
    at_once: int = AT_ONCE,
) -> None:
    """All controllers on all nets, some runs beside each other; rows that are kept are not run again."""
    document = kept()
    for net in only:
        for controller in controllers:
            todo = _todo(document, net, controller, seeds, demands)
            try:
                if todo:
                    _run(document, net, controller, todo, at_once)
            except NoPlan as error:
                print(f"left out: {controller} on {net}: {error}", file=sys.stderr)


def _todo(
    document: dict[str, Any], net: str, controller: str, seeds: range, demands: tuple[str, ...]
) -> list[tuple[str, int]]:
    """Give (demand, seed) of what is not kept of this version of the code."""
    have = {
        (row["demand"], row["seed"]) for row in document["rows"]
        if (row["net"], row["controller"], row["code"]) == (net, controller, code_version(controller))
        and ("movements" in row or not _looped(controller))
    }  # fmt: skip
    return [(demand, seed) for demand in demands for seed in seeds if (demand, seed) not in have]


def _looped(controller: str) -> bool:
    return controller in {"fixed", *LOOPS}


def _run(
    document: dict[str, Any], net: str, controller: str, todo: list[tuple[str, int]], at_once: int
) -> None:
    """One controller on one net: a row a run, kept as soon as it is there."""
    with tempfile.TemporaryDirectory(prefix="mobility-bench-") as name:
        looped = _looped(controller)
        scenario_of(net)  # one that is made is made once, before runs stand beside each other
        additional, told = (None, {}) if looped else add_file(net, controller, Path(name))

        def once(asked: tuple[str, int]) -> dict[str, Any]:
            demand, seed = asked
            if looped:
                return run_loop(net, controller, seed, demand)
            return run_once(net, additional, seed, demand)

        with ThreadPoolExecutor(at_once) as pool:
            for (demand, seed), figures in zip(todo, pool.map(once, todo), strict=True):
                row = {"net": net, "controller": controller, "seed": seed, "demand": demand,
                       "code": code_version(controller), "sumo": version("eclipse-sumo"), **figures}  # fmt: skip
                if told:
                    row["planning"] = told
                _keep_row(document, row)


def _keep_row(document: dict[str, Any], row: dict[str, Any]) -> None:
    key = ("net", "controller", "seed", "demand")
    document["rows"] = [
        one for one in document["rows"] if any(one[name] != row[name] for name in key)
    ] + [row]
    keep(document)
    print(json.dumps({name: row[name] for name in (*key, "delay_s", "never_departed")}), flush=True)


def main() -> None:
    """Run what is missing."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--only", action="append", choices=[*NETS, *UNSEEN])
    asked.add_argument("--controller", action="append", choices=["fixed", *PROGRAMS, *LOOPS])
    asked.add_argument("--demand", choices=["", *OTHER_DEMAND, *UNSATURATED])
    asked.add_argument("--seeds", type=int, default=len(SEEDS))
    asked.add_argument("--other-demand", action="store_true")
    asked.add_argument("--at-once", type=int, default=AT_ONCE)
    words = asked.parse_args()
    only = words.only or [*NETS, *UNSEEN]
    demands = ("", *OTHER_DEMAND) if words.other_demand else ("",)
    seeds, at_once = range(words.seeds), words.at_once
    programs = [one for one in words.controller or PROGRAMS if not _looped(one)]
    loops = [one for one in words.controller or ("fixed", *LOOPS) if _looped(one)]
    nets = [one for one in only if one in NETS]
    if nets and sumo_home() is None:
        print("left out: SUMO's nets are not on this machine", file=sys.stderr)
    elif words.demand is not None:
        run_nets(nets, [*programs, *loops], seeds, (words.demand,), at_once)
    else:
        run_nets(nets, programs, seeds, demands, at_once)
        for net in nets:
            run_nets([net], loops, seeds, BUSES.get(net, ("",)), at_once)
    for net in (one for one in only if one in UNSEEN):
        if why := missing(net):
            print(f"left out: {net}: {why}", file=sys.stderr)
            continue
        ask = (words.demand,) if words.demand is not None else demands
        run_nets([net], programs, seeds, ask, at_once)
        run_nets([net], [one for one in loops if one in UNSEEN_LOOPS], seeds, ("",), at_once)
    for row in kept().get("summary", []):
        print(json.dumps(row))


if __name__ == "__main__":
    main()
