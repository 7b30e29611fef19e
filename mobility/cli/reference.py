"""The page ``docs/cli.md``: every command as a manual shows it, written from the commands themselves.

``python -m mobility.cli.reference docs/cli.md`` writes it; a test fails while it is out of date.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import typer

_HEAD = """# Command line

Written by `python -m mobility.cli.reference docs/cli.md` from the commands themselves.

stdout carries the answer, a table or one JSON document (`--json`); progress and log go to stderr. Exit codes: 0
done; 1 findings of severity error, or no feasible answer (what there is is still given); 2 no answer: bad input or
usage, with a line that says how to mend it; 130 interrupted, with the best answer so far where there is one.
`--config FILE.toml` gives defaults of a command's options. `mobility --install-completion` completes commands and
options in bash, zsh, fish and PowerShell.
"""


def page() -> str:
    """The whole reference as Markdown."""
    from mobility.cli.app import app

    parts = [_HEAD]
    for words, command in _commands(typer.main.get_command(app), ("mobility",)):
        parts.append(_command(words, command))
    return "\n".join(parts)


def _commands(command: Any, words: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    """Every command below one, groups before what they hold, in the order of the help."""
    found = [(words, command)]
    for name, one in getattr(command, "commands", {}).items():
        found += _commands(one, (*words, name))
    return found


def _command(words: tuple[str, ...], command: Any) -> str:
    """One command: name, use, what it does, arguments, options, examples."""
    is_group = hasattr(command, "commands")
    told, examples = _help(command)
    lines = [f"## {' '.join(words)}", ""]
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    named = [
        one
        for one in command.params
        if one.param_type_name == "option" and not getattr(one, "hidden", False)
    ]
    use = [*words, *(_metavar(one) for one in arguments)]
    use += ["COMMAND"] if is_group else []
    lines += ["```", f"{' '.join(use)} [OPTIONS]" if named else " ".join(use), "```", ""]
    lines += [told, ""]
    if is_group:
        lines += [
            f"- [`{name}`](#{'-'.join((*words, name))}): {(_help(one)[0].splitlines() or [''])[0]}"
            for name, one in command.commands.items()
        ]
        lines.append("")
    context = command.make_context(" ".join(words), [], resilient_parsing=True)
    records = [one.get_help_record(context) for one in (*arguments, *named)]
    if records:
        lines += ["| | |", "|---|---|"]
        lines += [
            f"| `{_cell(flags)}` | {_cell(help_)} |" for flags, help_ in filter(None, records)
        ]
        lines.append("")
    if examples:
        lines += ["```", *examples, "```", ""]
    return "\n".join(lines)


def _help(command: Any) -> tuple[str, list[str]]:
    """What a command says of itself, and its examples."""
    text = inspect.cleandoc(command.help or "").replace("\b", "")
    body, _, below = text.partition("Examples:")
    return body.strip(), [line.strip() for line in below.splitlines() if line.strip()]


def _metavar(one: Any) -> str:
    name = str(one.metavar or (one.name or "").upper())
    return name if one.required else f"[{name}]"


def _cell(text: str) -> str:
    """A text on one line, in a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Write the page to the file that is named, or to stdout."""
    text = page()
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, "utf-8", newline="\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
