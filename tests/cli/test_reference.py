"""The manual says what the commands say, and a shell completes them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mobility.cli import reference

CHECKOUT = Path(__file__).parents[2]
WRITE = "python -m mobility.cli.reference docs/cli.md"


def test_the_manual_is_up_to_date():
    kept = (CHECKOUT / "docs" / "cli.md").read_text("utf-8")
    assert kept == reference.page(), f"docs/cli.md is out of date: {WRITE}"


def commands(typer_app, path=()):
    """Words of every command of the tree."""
    for one in typer_app.registered_commands:
        yield (*path, one.name or one.callback.__name__.replace("_", "-"))
    for group in typer_app.registered_groups:
        yield from commands(group.typer_instance, (*path, group.name))


def test_the_manual_has_every_command_and_its_options():
    from mobility.cli.app import app

    text = reference.page()
    for words in commands(app):
        assert f"\n## mobility {' '.join(words)}\n" in text
    section = text.split("\n## mobility fleet plan\n")[1].split("\n## ")[0]
    for option in ("--case", "--seconds", "--gap", "--out", "--json", "--config"):
        assert f"`{option} " in section or f"`{option}`" in section
    assert "mobility fleet plan santiago --week typical" in section


def shell(line, home, **env):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("_MOBILITY")}
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False,
        env={**clean, "HOME": str(home), "PYTHONPATH": str(CHECKOUT), **env},
    )  # fmt: skip


def test_completion_is_installed_and_completes(tmp_path):
    pytest.importorskip("shellingham", reason="typer finds the shell with it")
    done = shell(f"{sys.executable} -m mobility --install-completion; true", tmp_path)
    assert "completion installed" in done.stdout, done.stderr
    script = next(tmp_path.rglob("mobility.sh")).read_text("utf-8")
    assert "_MOBILITY_COMPLETE=complete_bash" in script
    assert "mobility.sh" in (tmp_path / ".bashrc").read_text("utf-8")
    done = shell(
        f"{sys.executable} -m mobility", tmp_path,
        _MOBILITY_COMPLETE="complete_bash", COMP_WORDS="mobility fleet plan --se", COMP_CWORD="3",
    )  # fmt: skip
    assert done.stdout.split() == ["--seed", "--seconds"]
