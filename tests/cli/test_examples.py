"""Every command's help has two copy-paste examples, and each of them runs."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from town import make_town

from mobility.cli import run
from mobility.cli.app import app

CHECKOUT = Path(__file__).parents[2]


def commands(typer_app, path=()):
    """Every command of the tree with its words and its docstring."""
    for one in typer_app.registered_commands:
        yield (
            (*path, one.name or one.callback.__name__.replace("_", "-")),
            one.callback.__doc__ or "",
        )
    for group in typer_app.registered_groups:
        yield from commands(group.typer_instance, (*path, group.name))


ALL = dict(commands(app))
EXAMPLES = [
    line.strip()
    for doc in ALL.values()
    for line in re.findall(r"^\s{4,}(mobility .*)$", doc, re.MULTILINE)
]


# Commands that take a plan which another one wrote.
_OF_A_PLAN = ("check", "charge plan", "simulate", "export", "size", "transition", "compare")


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_shows_two_examples_of_itself(words):
    own = [line for line in EXAMPLES if line.startswith("mobility " + " ".join(words))]
    assert len(own) >= 2, f"`mobility {' '.join(words)} --help` shows {own}"


@pytest.mark.parametrize("line", EXAMPLES)
def test_every_example_runs(line, tmp_path, monkeypatch, capsys):
    # As a person would: in a folder that has the samples, writing what it writes there.
    shutil.copytree(
        CHECKOUT / "gtfs_samples", tmp_path / "gtfs_samples", ignore=shutil.ignore_patterns("*.py")
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    if line.startswith(("mobility report", *(f"mobility fleet {one}" for one in _OF_A_PLAN))):
        assert run(["fleet", "plan", "gtfs_samples/santiago", "--out", "plan", "--json"]) == 0
        capsys.readouterr()
    if " X." in line:
        pytest.importorskip("sumo", reason="SUMO is in the extra [sumo]")
        make_town(tmp_path, "X")
    words = [word.replace("/tmp/", f"{tmp_path}/") for word in shlex.split(line)[1:]]
    code = run(words)
    said = capsys.readouterr()
    assert code == 0, said.err
    assert said.out.strip()
