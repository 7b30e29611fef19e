"""Public docstrings follow numpydoc, checked by numpydoc's own validator."""

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

numpydoc = pytest.importorskip("numpydoc.validate", reason="numpydoc is in the dev group")

import mobility  # noqa: E402

# What a docstring may leave out: sections that would repeat the signature or say nothing.
LEFT_OUT = {
    "ES01", "EX01", "SA01", "SA04", "GL08", "PR01", "PR02", "PR04", "PR06", "RT01", "RT02", "RT03",
    "RT04", "RT05", "YD01", "SS06", "GL01", "GL02", "GL03", "PR07", "PR08", "PR09", "SS05", "GL07",
}  # fmt: skip


def public():
    """Every public function and class of every public module, once."""
    seen = {}
    for info in pkgutil.walk_packages([str(Path(mobility.__file__).parent)], "mobility."):
        if any(part.startswith("_") for part in info.name.split(".")) or ".cli" in info.name:
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            ours = getattr(value, "__module__", "") == info.name
            if (
                ours
                and not name.startswith("_")
                and (inspect.isclass(value) or inspect.isfunction(value))
            ):
                seen[f"{info.name}.{name}"] = value
    return seen


NAMES = sorted(public())


@pytest.mark.parametrize("name", NAMES)
def test_docstring(name):
    found = numpydoc.validate(name)
    assert found["docstring"], f"{name} has no docstring"
    assert found["docstring"].strip(), name
    left = [f"{code}: {text}" for code, text in found["errors"] if code not in LEFT_OUT]
    assert not left, f"{name}: {left}"
