"""The fast model beside SUMO: do they rank plans alike, and how much faster is one than the other?

``python -m benchmarks fast`` drives twelve plans a net in both (the plan that came in, and it with other offsets,
splits and cycles, all judged safe) on the nets of ``shared/sumo`` beside the checkout, and writes
``results/fast_model.json``; ``python -m benchmarks.fast_model --kept FILE`` reads runs of SUMO that were made
before. Spearman's rank correlation is over the plans of a net. The model's constants were not set on these
ranks. Nets are read, not kept: their licences differ.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import spearmanr

from benchmarks import fresh
from benchmarks.results import RESULTS, machine
from mobility import samples, signals
from mobility.signals import program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mobility.signals import Network, Plan, SignalPlan

SHARED = Path(__file__).parents[2] / "shared" / "sumo"
PLANS = 12
# (case, scenario, end, scale, teleport, seeds of SUMO): Bologna's hour is over-saturated with the plan it came with.
CASES = (
    ("cologne3", "cologne3/cologne3.sumocfg", None, 1.0, -1.0, 2),
    ("ingolstadt7", "ingolstadt7/ingolstadt7.sumocfg", None, 1.0, -1.0, 2),
    ("bologna_acosta 0.6", "bologna_acosta/run.sumocfg", 3600.0, 0.6, 300.0, 1),
    ("bologna_acosta", "bologna_acosta/run.sumocfg", 3600.0, 1.0, 300.0, 1),
)
MODEL_SEEDS = 5


def plans_of(network: Network, count: int = PLANS, *, seed: int = 7) -> list[Plan]:
    """The plan that came in, and others: a third with other offsets, a third splits, a third cycles too."""
    base = signals.plan_of(network)
    random = np.random.default_rng(seed)
    known = {(one.code, one.column) for one in network.input_findings}
    found = [base]
    while len(found) < count:
        kind = ("offsets", "splits", "all")[(len(found) - 1) % 3]
        factor = random.uniform(0.8, 1.3) if kind == "all" else 1.0
        made = []
        for one in base.signals:
            shift = 0.0 if kind == "splits" else float(random.integers(0, int(one.cycle_s)))
            pull = np.exp(random.normal(0.0, 0.35, len(one.stages)))
            made.append(
                replace(one, zero_s=(one.zero_s + shift) % one.cycle_s,
                        offset_s=(one.offset_s + shift) % one.cycle_s)
                if kind == "offsets" else _laid(network, one, factor, pull, shift)
            )  # fmt: skip
        plan = replace(base, signals=tuple(made), name=f"{kind} {len(found)}")
        # What the program that came in does not keep, its own lamps at other offsets do not either.
        if all((one.code, one.column) in known for one in signals.check(network, plan)):
            found.append(plan)
    return found


def _laid(
    network: Network, one: SignalPlan, factor: float, pull: NDArray[np.float64], shift: float
) -> SignalPlan:
    """Other greens in a cycle of ``factor`` times its length, the same factor for all signals."""
    where = network.signal[one.signal]
    order = [stage.stage for stage in one.stages]
    cycle = round(one.cycle_s * factor)
    greens = [
        max(6.0, round(float(stage.green_s * part)))
        for stage, part in zip(one.stages, pull, strict=True)
    ]
    for _ in range(200):
        made = program(where, greens, offset_s=one.offset_s + shift, order=order)
        missing = cycle - made.cycle_s
        if missing == 0 or (missing < 0 and max(greens) <= 6):
            break
        largest = greens.index(max(greens))
        greens[largest] = max(6.0, greens[largest] + (1.0 if missing > 0 else -1.0))
    return made


def compare(
    case: tuple[str, str, float | None, float, float, int], kept: dict[str, Any] | None = None
) -> dict[str, Any]:
    """One net: every plan's delay in both models.

    ``kept`` has SUMO's runs that were made already, by "case|plan|seed": figures and ``cpu``.
    """
    from mobility.signals.streets import streets_of
    from mobility.signals.sumo import drive
    from mobility.signals.sumo.demand import from_config
    from mobility.signals.sumo.traffic import traffic_from_config

    name, path, end, scale, teleport, seeds = case
    config = SHARED / path
    network = from_config(config)
    streets = streets_of(network)
    rows = []
    traffic = [traffic_from_config(config, streets, seed=seed, end_s=end, scale=scale)
               for seed in range(MODEL_SEEDS)]  # fmt: skip
    for plan in plans_of(network):
        started = time.process_time()
        runs = [signals.simulate(network, plan, one) for one in traffic]
        fast_s = (time.process_time() - started) / len(runs)
        driven = []
        for seed in range(seeds):
            done = (kept or {}).get(f"{name}|{plan.name}|{seed}")
            if done is None:
                started = time.process_time()
                run = drive(config, plan, seed=seed, end_s=end, scale=scale, teleport_s=teleport)
                done = {**run.figures, "cpu": time.process_time() - started}
            driven.append(done)
        rows.append({
            "plan": plan.name,
            # Over all vehicles of the scenario: those that meet no signal have no delay here.
            "fast_delay_s": fmean(one.delay_s.sum() for one in runs) / driven[0]["vehicles"],
            "sumo_delay_s": fmean(one["delay_s"] for one in driven),
            "fast_bus_delay_s": runs[0].figures["bus"]["delay_s"],
            "sumo_bus_delay_s": driven[0]["bus"]["delay_s"],
            "fast_cpu_s": fast_s, "sumo_cpu_s": fmean(one["cpu"] for one in driven),
            "never_departed": fmean(one["never_departed"] for one in driven),
            "teleports": sum(one["teleports"] for one in driven),
        })  # fmt: skip
        print(name, rows[-1], file=sys.stderr, flush=True)
    return {"case": name, "scale": scale, "seeds_sumo": seeds, "seeds_fast": MODEL_SEEDS,
            **ranks(rows), "plans": rows}  # fmt: skip


def ranks(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How alike two models order plans; ``best_regret`` is what SUMO loses with the model's best plan."""
    fast = [one["fast_delay_s"] for one in rows]
    sumo = [one["sumo_delay_s"] for one in rows]
    found = spearmanr(fast, sumo)
    return {
        "spearman": round(float(found.statistic), 3), "p_value": round(float(found.pvalue), 5),
        "fast_over_sumo": round(fmean(fast) / fmean(sumo), 3),
        "best_regret": round(sumo[int(np.argmin(fast))] / min(sumo) - 1, 3),
        "times_faster_than_sumo": round(
            sum(one["sumo_cpu_s"] for one in rows) / sum(one["fast_cpu_s"] for one in rows)
        ),
    }  # fmt: skip


def speed() -> dict[str, Any]:
    """Ten signals of the sample Changsha for two hours on one core, the draw of vehicles included."""
    network = signals.read_network(samples.case("changsha", "signals.toml"))
    signals.simulate(network)  # compiled outside the clock
    started = time.process_time()
    runs = [signals.simulate(network, seed=seed) for seed in range(5)]
    each = (time.process_time() - started) / len(runs)
    judged = time.process_time()
    findings = sum(len(one.findings) for one in runs)
    judged = (time.process_time() - judged) / len(runs)
    span = runs[0].traffic.end_s - runs[0].traffic.begin_s
    return {
        "signals": len(network.intersections), "simulated_s": span,
        "vehicles": runs[0].figures["vehicles"], "cpu_s": round(each, 4),
        "times_real_time": round(span / each), "check_cpu_s": round(judged, 4),
        "times_real_time_checked": round(span / (each + judged)), "findings": findings,
    }  # fmt: skip


def main() -> None:
    """Run every case, and keep what was found."""
    found: dict[str, Any] = {
        "machine": machine(), "code": fresh.code("fast"), "speed": speed(), "nets": [],
    }  # fmt: skip
    if SHARED.is_dir():
        kept = (
            json.loads(Path(sys.argv[2]).read_text("utf-8")) if sys.argv[1:2] == ["--kept"] else {}
        )
        found["nets"] = [compare(case, kept) for case in CASES]
    else:
        print(f"{SHARED} is not here: only the speed is measured", file=sys.stderr)
    path = RESULTS / "fast_model.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    part.replace(path)
    print(json.dumps({"speed": found["speed"], "nets": [
        {key: value for key, value in one.items() if key != "plans"} for one in found["nets"]
    ]}, indent=1))  # fmt: skip


if __name__ == "__main__":
    main()
