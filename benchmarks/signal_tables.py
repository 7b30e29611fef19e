"""What is measured in SUMO, as tables: the fast model's ranks, and plans and controllers beside each other.

Both keep documents of their own (``results/fast_model.json``, ``results/signals.json``), for their rows are
means of paired runs and not times of contenders. SUMO's nets lie outside the project: where they are not on the
machine it is said, and only what needs none is run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import cases
from benchmarks.results import RESULTS, Result

if TYPE_CHECKING:
    from collections.abc import Iterable

FILES = {"fast": "fast_model.json", "signals": "signals.json"}
_TITLES = {
    "fast": "The fast model beside SUMO: the same plans in both",
    "signals": "Plans and controllers in SUMO, paired by seed",
}
_COLUMNS = {  # heading: key of a row of the document
    "fast": {
        "net": "case", "Spearman": "spearman", "p": "p_value", "delay over SUMO's": "fast_over_sumo",
        "SUMO's loss with the model's best plan": "best_regret",
        "times faster": "times_faster_than_sumo",
    },
    "signals": {
        "net": "net", "demand": "demand", "controller": "controller", "runs": "runs",
        "delay s": "delay_s", "against shipped %": "against_shipped_percent",
        "± % (95 %)": "half_width_percent", "worst seed s": "worst_seed_s", "bus delay s": "bus_delay_s",
        "bus against fixed %": "bus_percent", "± % of it": "bus_half_width_percent",
        "movements +10 s": "worse_movements", "worst rise s": "worst_rise_s",
        "new spill-backs": "new_spill_backs", "never departed": "never_departed",
        "teleports": "teleports", "findings": "findings", "runs of older code": "older",
    },
}  # fmt: skip


def fast() -> None:
    """Drive all plans again in both models, and keep it: hours where SUMO is here."""
    _run("benchmarks.fast_model")


def signals() -> None:
    """Run in SUMO what is not kept of this version of the code."""
    from benchmarks.signals import NETS, UNSEEN

    _run("benchmarks.signals", *[word for net in (*NETS, *UNSEEN) for word in ("--only", net)])


def _run(module: str, *words: str) -> None:
    subprocess.run([sys.executable, "-m", module, *words], check=True, cwd=cases.CHECKOUT)


def quick(domain: str) -> list[Result]:
    """A minute of it, nothing kept: the model's speed; or one seed of one net with SUMO's two programs."""
    return [_speed()] if domain == "fast" else _two_runs()


def _speed() -> Result:
    from benchmarks.fast_model import speed

    told = speed()
    case = f"{told['signals']} signals, {told['simulated_s']:g} s, {told['vehicles']} vehicles"
    row = Result("simulate", case, "ours", [told["cpu_s"]], [told["cpu_s"]])
    row.answer = {"times_real_time": told["times_real_time"], "findings": told["findings"]}
    return row


def _two_runs() -> list[Result]:
    from importlib.util import find_spec

    from benchmarks.signals import add_file, run_once, sumo_home

    missing = "SUMO is not installed" if find_spec("sumo") is None else ""
    if sumo_home() is None:
        missing = "SUMO's nets are not on this machine"
    rows = []
    for controller in ("shipped", "sumo-actuated"):
        row = Result("control in SUMO", "cologne3, seed 0", controller, note=missing)
        rows.append(row)
        if missing:
            continue
        with tempfile.TemporaryDirectory(prefix="mobility-bench-") as name:
            told = run_once("cologne3", add_file("cologne3", controller, Path(name))[0], 0)
        row.wall_s = [told.pop("seconds")]
        row.answer = told
    return rows


def section(domain: str) -> str:
    """Write a kept document as a section of the README; empty where there is none."""
    path = RESULTS / FILES[domain]
    if not path.exists():
        return ""
    document = json.loads(path.read_text("utf-8"))
    rows = document["nets"] if domain == "fast" else document.get("summary", [])
    kept = document["machine"]
    versions = {name: kept["versions"][name] for name in ("mobility-engine", "numba", "ortools")}
    sumo = sorted({one["sumo"] for one in document.get("rows", []) if "sumo" in one})
    versions |= {"SUMO": ", ".join(sumo)} if sumo else {}
    where = f"{kept['date']}, {kept['processor']}, {kept['cores']} cores, Python {kept['python']}"
    told = ", ".join(f"{name} {one}" for name, one in versions.items())
    lines = [f"## {domain}", "", f"{_TITLES[domain]}. {where}; {told}.", ""]
    if domain == "fast":
        at = document["speed"]
        told = (
            f"{at['signals']} signals for {at['simulated_s']:g} s ({at['vehicles']:,} vehicles): "
            f"{at['cpu_s']} s of CPU, {at['times_real_time']:,} times real time, "
            f"{at['times_real_time_checked']:,} with the check of all lamps."
        )
        lines += [told, ""]
    return "\n".join([*lines, *_markdown(_COLUMNS[domain], rows), ""])


def _markdown(columns: dict[str, str], rows: list[dict[str, Any]]) -> Iterable[str]:
    known = {title: key for title, key in columns.items() if any(key in one for one in rows)}
    yield f"| {' | '.join(known)} |"
    yield "|" + "---|" * len(known)
    for one in rows:
        yield f"| {' | '.join(_cell(key, one.get(key)) for key in known.values())} |"


def _cell(key: str, value: Any) -> str:
    if value is None:
        return ""
    if key == "demand":
        return str(value) or "as given"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
