"""The laws of the house: which way imports run, who may print, who may say @njit, how long a file is."""

import ast
from functools import cache
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1] / "mobility"
FILES = sorted(HOUSE.rglob("*.py"))
DOMAINS = {"fleet", "fares", "signals", "journeys", "ondemand", "connections"}
BANNED_NAMES = {"utils", "util", "core", "helpers", "helper", "misc", "common", "miscellany"}

# A module may import modules of its own floor's list, and nothing above.
SMALL = {
    "errors", "findings", "solution", "stop", "units", "pictures", "_jit", "sweep", "shown",
}  # fmt: skip


@cache
def tree_of(path):
    return ast.parse(path.read_text("utf-8"))


@cache
def imports_of(path):
    """Modules that a file names in import statements, `if TYPE_CHECKING` aside, with lines."""
    found = []

    def visit(node, typing_only):
        for child in ast.iter_child_nodes(node):
            only = typing_only
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                only = True
            if isinstance(child, ast.Import):
                found.extend((one.name, child.lineno, only) for one in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                assert child.level == 0, f"{path}:{child.lineno}: say where it comes from"
                found.append((base, child.lineno, only))
                found.extend((f"{base}.{one.name}", child.lineno, only) for one in child.names)
            visit(child, only)

    visit(tree_of(path), False)
    return found


def room(module):
    """The first folder or file below `mobility` that a module name lies in."""
    parts = module.split(".")
    return parts[1] if parts[0] == "mobility" and len(parts) > 1 else None


def own_room(path):
    parts = path.relative_to(HOUSE).parts
    return parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda one: str(one.relative_to(HOUSE)))
def test_imports_run_one_way(path):
    here = own_room(path)
    for module, line, _ in imports_of(path):
        there = room(module)
        if there is None or there == here or module == "mobility.__version__":
            continue
        where = f"{path.relative_to(HOUSE)}:{line} imports {module}"
        if here in SMALL:
            assert there in SMALL, f"{where}: the small files at the top know no domain"
        elif here == "feed":
            assert there in SMALL, f"{where}: feed knows only the small files"
        elif here in DOMAINS:
            assert there in SMALL | {"feed"}, f"{where}: no domain imports another"
        elif here == "samples":
            assert there in SMALL | {"feed"}, where
        elif here == "report":
            assert there in SMALL | {"feed"} | DOMAINS, f"{where}: report knows no cli"
    assert here in SMALL | DOMAINS | {"feed", "cli", "report", "samples", "__init__", "__main__"}


@pytest.mark.parametrize("path", sorted(HOUSE.rglob("_*kernels.py")), ids=str)
def test_kernels_know_numpy_and_the_decorator_only(path):
    modules = {module for module, _, _ in imports_of(path)}
    assert modules <= {"numpy", "math", "mobility._jit", "mobility._jit.kernel"}


def test_one_place_says_njit():
    for path in FILES:
        if path.name != "_jit.py":
            assert not any(m.split(".")[0] == "numba" for m, _, _ in imports_of(path)), path


def test_only_cli_prints():
    for path in FILES:
        if "cli" in path.relative_to(HOUSE).parts:
            continue
        calls = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
        assert not [c.lineno for c in calls if getattr(c.func, "id", "") == "print"], path


def test_no_room_for_miscellany():
    assert not [path for path in FILES if path.stem in BANNED_NAMES]


@pytest.mark.parametrize("path", FILES, ids=lambda one: str(one.relative_to(HOUSE)))
def test_files_are_short(path):
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= 500, (
        f"{path.relative_to(HOUSE)} has {lines} lines: is there a second idea in it?"
    )


def test_checkers_share_no_code_with_solvers():
    for path in HOUSE.glob("*/check*.py"):
        domain = path.parent.name
        # What is asked, what is answered (`matrix` is both, for cost matrices; `stays` and
        # `stays_plan` for tables of stays), and other files
        # of the checker: no solver.
        allowed = {"problem", "plan", "ledger", "matrix", "stays", "stays_plan"} | {
            one.stem for one in path.parent.glob("check*.py")
        }
        for module, line, typing_only in imports_of(path):
            parts = module.split(".")
            if parts[:2] == ["mobility", domain] and len(parts) > 2 and not typing_only:
                assert parts[2] in allowed, f"{path.name}:{line} imports {module}"


def test_highspy_is_never_imported():
    for path in [*FILES, *Path(__file__).parent.rglob("*.py")]:
        assert not any(m.split(".")[0] == "highspy" for m, _, _ in imports_of(path)), path
