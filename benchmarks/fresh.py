"""Whether a kept result is of this code: a digest of what the measured functions are made of.

Comments, docstrings and layout do not count: the digest is of the syntax trees. Plots and what else no comparison
runs are left out. Trees are written differently by other versions of Python: there all is old.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HOME = Path(__file__).parents[1]
_NOT_RUN = {"compare", "measured"}  # by any comparison, as plots are not
_FEED = ("mobility/_jit.py", "mobility/feed")
_FLEET = (*_FEED, "mobility/fleet", "mobility/stop.py")
_FARES = ("mobility/_jit.py", "mobility/fares")
_SIGNALS = ("mobility/_jit.py", "mobility/signals")
_MODEL = (  # the fast model and what reads a net of SUMO for it
    "_queue_kernels", "demand", "lamps", "program", "queues", "simulate", "simulation", "streets", "traffic",
    "sumo/demand", "sumo/read", "sumo/traffic",
)  # fmt: skip
_SUITE = (*_FLEET, "mobility/fares", "mobility/signals")

# What each comparison measures: folders of the package, and the files here that make its cases.
SOURCES = {
    "feed": (*_FEED, "benchmarks/contend.py", "benchmarks/replicate.py"),
    "fleet": (*_FLEET, "benchmarks/contend.py"),
    "sdvsp": (*_FLEET, "benchmarks/sdvsp.py"),
    "mdvsp": (*_FLEET, "benchmarks/mdvsp.py", "benchmarks/carpaneto.py"),
    "bars": (*_FLEET, "benchmarks/bars.py", "benchmarks/devos.py", "benchmarks/santiago_city.py"),
    "charge": (*_FLEET, "benchmarks/charge.py", "benchmarks/charge_city.py"),
    "simulate": (*_FLEET, "benchmarks/simulate.py"),
    "given": (*_FLEET, "benchmarks/given.py"),
    "fares": (*_FARES, "benchmarks/fares.py", "benchmarks/fares_peers.py"),
    "caps": (*_FARES, "benchmarks/caps.py", "benchmarks/caps_santiago.py"),
    "distributed": (*_FARES, "benchmarks/distributed.py"),
    "control": (*_SIGNALS, "benchmarks/control.py"),
    "timing": (*_SIGNALS, "benchmarks/timing.py", "benchmarks/signal_grid.py"),
    "fast": (*(f"mobility/signals/{one}.py" for one in _MODEL), "benchmarks/fast_model.py"),
    "growth": (*_SUITE, "benchmarks/growth.py", "benchmarks/suite"),
}


def code(domain: str) -> str:
    """Digest of what a comparison of ``SOURCES`` measures.

    Raises
    ------
    KeyError
        No comparison has this name.
    """
    return digest(_files(SOURCES[domain]))


@cache
def digest(paths: tuple[Path, ...]) -> str:
    """Digest of Python files: of their syntax trees without docstrings, in the order of their names."""
    total = hashlib.sha256()
    for path in sorted(set(paths)):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            _forget_docstring(node)
        total.update(f"{path.relative_to(HOME)}\n{ast.dump(tree)}\n".encode())
    return total.hexdigest()[:12]


def _forget_docstring(node: ast.AST) -> None:
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return
    if ast.get_docstring(node, clean=False) is not None:
        node.body = node.body[1:]


def _files(names: Iterable[str]) -> tuple[Path, ...]:
    found: list[Path] = []
    for name in names:
        path = HOME / name
        found += [path] if path.is_file() else path.rglob("*.py")
    return tuple(one for one in found if not one.stem.endswith("plot") and one.stem not in _NOT_RUN)
