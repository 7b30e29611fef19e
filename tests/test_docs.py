"""Pages name only commands, options and files that exist."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from mobility.cli.app import app

CHECKOUT = Path(__file__).parents[1]
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]


def commands(page):
    """Every line of a code block that calls ``mobility``, as words."""
    text = page.read_text("utf-8")
    for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.lstrip("$ ").startswith("mobility ") and not re.search(r"[<[]| COMMAND", line):
                yield shlex.split(line.lstrip("$ "), comments=True)[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page):
    whole = typer.main.get_command(app)
    for words in commands(page):
        command = whole
        rest = list(words)
        while rest and getattr(command, "commands", None) and not rest[0].startswith("-"):
            assert rest[0] in command.commands, " ".join(words)
            command = command.commands[rest.pop(0)]
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        known |= {"--help", "--version", "--install-completion", "--show-completion"}
        for word in rest:
            if word.startswith("-") and not re.fullmatch(r"-\d.*", word):
                assert word.split("=")[0] in known, " ".join(words)


def test_there_are_commands_to_look_at():
    assert sum(1 for page in PAGES for _ in commands(page)) > 60


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_and_pictures_that_are_linked_are_there(page):
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), target


def test_every_page_is_in_the_navigation():
    told = (CHECKOUT / "mkdocs.yml").read_text("utf-8")
    for page in PAGES[1:]:
        assert f": {page.name}\n" in told, page.name
