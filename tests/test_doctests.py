"""Examples of public docstrings run, and print what they say."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import mobility as mb
from mobility import fares, fleet, signals

CHECKOUT = Path(__file__).parents[1]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
SKIPPED = 4  # examples that need a person's own files or a cluster; each says +SKIP


def examples():
    """Every docstring with an example, with the module that it stands in."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for info in pkgutil.walk_packages([str(Path(mb.__file__).parent)], "mobility."):
        if info.name.rpartition(".")[2].startswith("_") and "kernels" in info.name:
            continue
        module = importlib.import_module(info.name)
        yield from (one for one in finder.find(module, info.name) if one.examples)


EXAMPLES = sorted(examples(), key=lambda one: one.name)


@pytest.fixture(scope="module")
def given():
    """What an example may take for granted: Changsha's sample, its problem and its plan."""
    feed = mb.samples.read("changsha")
    problem = fleet.problem(feed.day("2025-07-01"))
    return {
        "mb": mb, "fleet": fleet, "fares": fares, "signals": signals, "feed": feed, "problem": problem,
        "plan": fleet.plan(problem), **{name: getattr(mb, name) for name in ("Seconds", "Work", "Gap")},
    }  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.name)
def test_an_example_prints_what_it_says(example, given, monkeypatch):
    monkeypatch.chdir(CHECKOUT)
    told = []
    # What the module itself defines comes first: `plan` is a function in chain.py.
    example.globs = {**given, **example.globs}
    doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(example, out=told.append)
    assert not told, "".join(told)


def test_few_examples_are_skipped():
    skipped = [
        one.name for one in EXAMPLES if any(doctest.SKIP in step.options for step in one.examples)
    ]
    assert len(EXAMPLES) > 20
    assert len(skipped) <= SKIPPED, skipped
