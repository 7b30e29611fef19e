"""The shape of a result: what was measured, of whom, on what, where and when; written as JSON."""

from __future__ import annotations

import json
import os
import platform
import re
import resource
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import fresh

RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("mobility-engine", "gtfs-kit", "partridge", "pyarrow", "numba", "ortools", "pandas")


@dataclass
class Result:
    """One contender on one case: every run, so that the spread can be seen."""

    benchmark: str
    case: str
    contender: str
    wall_s: list[float] = field(default_factory=list)
    work_s: list[float] = field(default_factory=list)
    peak_mib: list[int] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def median_wall_s(self) -> float:
        """Whole process, from outside."""
        return median(self.wall_s)

    @property
    def median_work_s(self) -> float:
        """The work itself, imports aside."""
        return median(self.work_s)


def machine() -> dict[str, Any]:
    """What a reader must know to compare: processor, cores, Python, packages, date."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": versions,
    }


def write(name: str, results: list[Result]) -> Path:
    """Write one run to ``results/NAME.json``: to a temporary name first, then renamed."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    document = {
        "machine": machine(),
        "code": fresh.code(name),
        "results": [asdict(one) for one in results],
    }
    building = path.with_suffix(".building")
    building.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    building.rename(path)
    return path


def read(name: str) -> tuple[dict[str, Any], list[Result]] | None:
    """Read a kept run: where it was made, and its results; None where there is none."""
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return None
    document = json.loads(path.read_text("utf-8"))
    return document["machine"], [Result(**one) for one in document["results"]]


def is_fresh(name: str, path: Path | None = None) -> bool:
    """Whether a kept run measured this code, with this Python on as many cores of the same processor."""
    path = path or RESULTS / f"{name}.json"
    if not path.exists():
        return False
    document = json.loads(path.read_text("utf-8"))
    here, there = machine(), document["machine"]
    same = all(here[key] == there[key] for key in ("processor", "cores", "python"))
    return same and document.get("code") == fresh.code(name)


def peak_mib() -> float:
    """Most memory that this process had at once.

    ``getrusage`` counts what its parent had when it began too; Linux's own account does not.
    """
    try:
        status = Path("/proc/self/status").read_text("utf-8")
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
